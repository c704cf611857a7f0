//! How another Archstone itself speaks to the identity provider: the protocol's `/connection`.
//!
//! It gets what this service has, but for what is this service's own: its redirect URI, its name as a service provider and its key
//! that signs requests.

use serde_json::{Map, Value, json};

use super::objects::{missing, protocol_path};
use super::session::{Outcome, Session};
use super::target::Target;
use crate::model::connection::Settings;
use crate::model::plan::Plan;
use crate::platform::exchange;
use crate::platform::{Problem, Site};

/// Members that are this service's own.
const OWN: [&str; 5] = ["redirect_uri", "name", "sp_entity_id", "sp_certificate_pem", "sign_requests"];

/// Writes it. Its secret is never shown, so it is written each time.
pub async fn write(
    session: &Session<'_>,
    site: &Site<'_>,
    target: &Target,
    name: &str,
    plan: &Plan,
) -> Result<(), Problem> {
    const WHAT: &str = "Writing the connection";
    let path = format!("{}/connection", protocol_path(name, &target.protocol_id));
    let mut whole = members(site, plan);
    if let (Settings::Oidc(_), Some(secret)) = (&plan.settings, &plan.secret) {
        whole.insert("client_secret".to_owned(), json!(exchange::text(WHAT, secret)?));
    }
    let given: Map<String, Value> =
        whole.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    match session.put(WHAT, &path, &json!({ "connection": given })).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Missing => Err(missing(WHAT)),
        Outcome::Conflict => {
            if matches!(plan.settings, Settings::Oidc(_)) {
                // Null takes away what stands there and is no more.
                whole.entry("client_secret").or_insert(Value::Null);
            }
            session.patch(WHAT, &path, &json!({ "connection": whole })).await.map(drop)
        }
    }
}

/// What differs of it, but for the secret.
pub async fn differs(
    session: &Session<'_>,
    site: &Site<'_>,
    target: &Target,
    name: &str,
    plan: &Plan,
) -> Result<Vec<String>, Problem> {
    let path = format!("{}/connection", protocol_path(name, &target.protocol_id));
    let Some(found) = session.get("Reading the connection", &path).await? else {
        return Ok(vec!["connection".to_owned()]);
    };
    let found = &found["connection"];
    let wanted = members(site, plan);
    Ok(wanted
        .iter()
        .filter(|(member, value)| found[member.as_str()] != **value)
        .map(|(m, _)| format!("connection.{m}"))
        .collect())
}

/// The members without a secret.
fn members(site: &Site<'_>, plan: &Plan) -> Map<String, Value> {
    let mut members = plan.settings.members();
    members.retain(|member, _| !OWN.contains(&member.as_str()));
    match &plan.settings {
        Settings::Oidc(_) => {
            members.insert("issuer".to_owned(), json!(plan.issuer));
            if let Some(own) = &site.record.options.callback_url {
                members.insert("redirect_uri".to_owned(), json!(own));
            }
        }
        // Whoever has no place to fetch it from gets what is known.
        Settings::Saml(saml) if saml.idp_metadata_url.is_none() && saml.idp_metadata_xml.is_none() => {
            let known = saml.idp_sso_url.is_some() && saml.idp_certificate.is_some();
            if let Some(metadata) = plan.metadata.as_ref().filter(|_| !known) {
                members.insert("idp_metadata_xml".to_owned(), json!(metadata));
            }
        }
        Settings::Saml(_) | Settings::Ldap(_) => {}
    }
    members
}
