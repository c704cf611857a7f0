//! What a mapping would make of an assertion, for whoever writes mappings: every rule and entry with what it saw, and who
//! and what would result. Nothing is made.

use serde_json::{Map, Value, json};

use super::{Route, groups, person, projects};
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::claims;
use crate::model::fields::{Fields, wrong_type};
use crate::model::mapping::Mapping;
use crate::model::mapping_engine::Mapped;
use crate::service::caller::Caller;
use crate::service::{App, mapping};

/// What is asked.
struct Asked {
    assertion: Assertion,
    /// The way in through which the assertion would come; without one only the rules are walked.
    route: Option<(String, String)>,
}

/// Walks the rules of a stored mapping.
pub async fn mapping(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Value> {
    let stored = mapping::get_for(app, caller, "identity:explain_mapping", id).await?;
    let asked = read(app, body)?;
    let rules = app.mappings.rules(&stored)?;
    let assertion = asked.assertion.clone();
    let walked = tokio::task::spawn_blocking(move || rules.explain(&assertion));
    let explained = walked.await.map_err(|e| Error::internal(format!("the mapping could not be walked: {e}")))?;
    let mut explanation = explained.document();
    if let (Some((idp_id, protocol_id)), Ok(mapped)) = (&asked.route, &explained.outcome) {
        explanation["account"] = account(app, caller, stored, idp_id, protocol_id, &asked.assertion, mapped).await?;
    }
    Ok(json!({ "explanation": explanation }))
}

/// Who and what would result behind an identity provider, or why a log-in would be refused.
async fn account(
    app: &App,
    caller: &Caller,
    mapping: Mapping,
    idp_id: &str,
    protocol_id: &str,
    assertion: &Assertion,
    mapped: &Mapped,
) -> Result<Value> {
    let idp = crate::service::federation::get_identity_provider(app, caller, idp_id).await?;
    let protocol = crate::model::protocol::Protocol {
        idp_id: idp.id.clone(),
        id: protocol_id.to_owned(),
        mapping_id: Some(mapping.id.clone()),
        remote_id_attribute: None,
    };
    // Nothing is made here, so nobody is asked what may be.
    let route = Route { idp, protocol, mapping: Some(mapping), provisioning: None, tenant: None };
    let mut conn = app.store.read().await?;
    let found = async {
        let (user_id, exists) = person::preview(&mut conn, &route, assertion, mapped).await?;
        let group_ids = groups::resolve(&mut conn, &route, mapped).await?;
        let projects = projects::preview(&mut conn, &route, mapped, &route.idp.domain_id).await?;
        let project = |(p, id): (_, Option<String>)| {
            let p: crate::model::mapping_engine::MappedProject = p;
            json!({"name": p.name, "id": id, "roles": p.roles})
        };
        Ok::<_, Error>(json!({
            "user": {"id": user_id, "exists": exists},
            "groups": group_ids,
            "projects": projects.into_iter().map(project).collect::<Vec<_>>(),
        }))
    };
    match found.await {
        Err(Error::Unauthorized { reason }) => Ok(json!({ "refused": reason })),
        other => other,
    }
}

/// Reads `{"assertion": {name: text or list}}` as a web server's module would say it, or `{"claims": {…}}` of an OpenID
/// provider; and, if the account is asked for, `"identity_provider"` and `"protocol"`.
fn read(app: &App, body: &Value) -> Result<Asked> {
    let mut f = Fields::at(body, "body")?;
    let prefix = &app.config.federation.assertion_prefix;
    let assertion = match (f.object("assertion")?, f.object("claims")?) {
        (Some(given), None) => environment(given, prefix)?,
        (None, Some(claims)) => {
            let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
            claims::assertion(text("iss"), text("sub"), claims, &app.config.federation.claim_prefixes)?
        }
        _ => return Err(Error::invalid("Exactly one of 'assertion' and 'claims' must be given.")),
    };
    let idp_id = f.text("identity_provider", 1..=64)?;
    let protocol_id = f.text("protocol", 1..=64)?.unwrap_or_else(|| "mapped".to_owned());
    f.finish()?;
    Ok(Asked { assertion, route: idp_id.map(|idp| (idp, protocol_id)) })
}

fn environment(given: &Map<String, Value>, prefix: &str) -> Result<Assertion> {
    let mut texts = Vec::with_capacity(given.len());
    for (name, value) in given {
        let path = format!("assertion.{name:.100}");
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let texts = items.iter().map(|i| i.as_str().ok_or_else(|| wrong_type(&path, i, "string")));
                texts.collect::<Result<Vec<_>>>()?.join(";")
            }
            other => return Err(wrong_type(&path, other, "string")),
        };
        texts.push((name.clone(), text));
    }
    Assertion::from_environment(texts, prefix)
}
