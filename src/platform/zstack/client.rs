//! SSO clients at ZStack (sso-api §7.5–7.7): what is sent for a configuration, and finding, making, changing and deleting it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::session::{Ask, Session};
use super::{Line, limits, params, saml, template};
use crate::model::connection::oidc::Oidc;
use crate::model::connection::saml::Saml;
use crate::model::plan::Plan;
use crate::platform::exchange;
use crate::platform::{Attempt, Problem, Pushed, Site, Trouble};

/// Whose log-ins these are, unless the options say otherwise, and how other versions write it.
const LOGIN_TYPE: &str = "iam1";
const WRITTEN_OUT: &str = "oauth2-";

/// A client as it is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    create: &'static str,
    update: &'static str,
    /// What it is made with, but for its id.
    params: Map<String, Value>,
    /// Members that cannot be changed afterwards.
    fixed: &'static [&'static str],
    /// Members that are never shown, or not as they were sent.
    unseen: &'static [&'static str],
    template: String,
    callback: Option<String>,
    warnings: Vec<String>,
}

impl Wanted {
    /// One that speaks OpenID Connect.
    pub fn oidc(line: Line, site: &Site<'_>, plan: &Plan, oidc: &Oidc) -> Result<Self, Problem> {
        const WHAT: &str = "The configuration";
        let endpoints = plan.endpoints.as_ref().ok_or_else(|| {
            Problem::new(
                Trouble::Refused,
                "The platform wants the identity provider's endpoints, and those are not known.",
            )
        })?;
        let name = oidc.name.as_deref().filter(|_| plan.display_name.is_empty()).unwrap_or(&plan.display_name);
        let mut wanted = Self::begin(site, "/create/oauth2/client", "/update/oauth2/client", name)?;
        let mut set = |name: &str, value: Value| drop(wanted.params.insert(name.to_owned(), value));
        set("clientId", json!(oidc.client_id));
        if let Some(secret) = &plan.secret {
            set("clientSecret", json!(exchange::text(WHAT, secret)?));
        }
        set("authorizationUrl", json!(endpoints.authorization));
        set("tokenUrl", json!(endpoints.token));
        if let Some(url) = &endpoints.userinfo {
            set("userinfoUrl", json!(url));
        }
        if let Some(url) = &endpoints.end_session {
            set("logoutUrl", json!(url));
        }
        set("grantType", json!("authorization_code"));
        match line {
            Line::Enterprise => {
                set("clientType", json!("OIDC"));
                set("loginType", json!(login_type(site)));
                set("scopeList", json!(oidc.scopes));
            }
            Line::ZSphere => {
                let name = plan.attribute("username").unwrap_or("preferred_username");
                set("usernameProperty", json!(name));
                let accounts = if plan.creates_users { "CreateAccount" } else { "NoAction" };
                set("createAccountStrategy", json!(accounts));
                set("deleteAccountStrategy", json!("NoAction"));
            }
        }
        if endpoints.userinfo.is_none() {
            wanted.warnings.push(
                "The identity provider has no userinfo endpoint: the platform reads claims from the access token, which then \
                 must not be opaque."
                    .to_owned(),
            );
        }
        if line == Line::Enterprise && plan.attribute("username").is_some_and(|name| name != "preferred_username") {
            wanted
                .warnings
                .push("The platform takes user names from 'preferred_username', whatever is mapped here.".to_owned());
        }
        wanted.fixed = &["grantType", "clientType", "urlTemplate", "createAccountStrategy", "deleteAccountStrategy"];
        wanted.unseen = &["clientSecret", "urlTemplate", "description", "loginType", "clientType", "scopeList"];
        wanted.groups(plan).checked()
    }

    /// One that speaks SAML.
    pub fn saml(line: Line, site: &Site<'_>, plan: &Plan, settings: &Saml) -> Result<Self, Problem> {
        if line == Line::ZSphere {
            return Err(Problem::new(Trouble::Unsupported, "This line of ZStack knows no SAML."));
        }
        let mut wanted = Self::begin(site, "/create/saml2/client", "/update/saml2/client", &plan.display_name)?;
        let metadata = saml::metadata(plan, settings)?;
        wanted.params.insert("idpMetadataBase64".to_owned(), json!(STANDARD.encode(metadata)));
        wanted.params.insert("loginType".to_owned(), json!(login_type(site)));
        wanted.fixed = &["loginType", "urlTemplate"];
        wanted.unseen = &["idpMetadataBase64", "urlTemplate", "description", "loginType"];
        wanted.groups(plan).checked()
    }

    fn begin(site: &Site<'_>, create: &'static str, update: &'static str, name: &str) -> Result<Self, Problem> {
        let template = template::wanted(site)?;
        let mut params = Map::new();
        params.insert("name".to_owned(), json!(name));
        params.insert("description".to_owned(), json!("Made by Archstone."));
        params.insert("urlTemplate".to_owned(), json!(template));
        let callback = match site.record.options.callback_url.as_deref() {
            None => None,
            Some(own) => {
                let own = exchange::web_url(own);
                let own = own.ok_or_else(|| Problem::new(Trouble::Refused, "The option 'callbackUrl' is no URL."))?;
                params.insert("redirectUrl".to_owned(), json!(own));
                Some(own.to_owned())
            }
        };
        Ok(Self { create, update, params, fixed: &[], unseen: &[], template, callback, warnings: Vec::new() })
    }

    fn groups(mut self, plan: &Plan) -> Self {
        if !plan.group_mappings.is_empty() || plan.takes_groups {
            self.warnings.push("The platform's clients know no groups: group mappings stay here.".to_owned());
        }
        self
    }

    fn checked(self) -> Result<Self, Problem> {
        limits::check(&self.params)?;
        Ok(self)
    }

    /// What differs of a client that is there, as far as it shows.
    pub fn differs(&self, found: &Value) -> Vec<String> {
        let mut differs: Vec<String> = self
            .params
            .iter()
            .filter(|(name, _)| !self.unseen.contains(&name.as_str()))
            .filter(|(name, value)| found.get(name.as_str()).is_some_and(|there| there != *value))
            .map(|(name, _)| name.clone())
            .collect();
        if let Some(wanted) = self.params.get("loginType").and_then(Value::as_str)
            && found["loginType"].as_str().is_some_and(|there| bare(there) != bare(wanted))
        {
            differs.push("loginType".to_owned());
        }
        if template::differs(found, &self.template) {
            differs.push("urlTemplate".to_owned());
        }
        differs
    }

    fn to_create(&self, uuid: &str, login_type: Option<&str>) -> Value {
        let mut body = self.params.clone();
        body.insert("resourceUuid".to_owned(), json!(uuid));
        if let Some(login_type) = login_type {
            body.insert("loginType".to_owned(), json!(login_type));
        }
        params(body)
    }

    /// What stands there as the log-ins' owner is written as that version writes it.
    fn to_update(&self, uuid: &str, found: &Value) -> Value {
        let mut body = self.params.clone();
        body.retain(|name, _| !self.fixed.contains(&name.as_str()));
        body.insert("uuid".to_owned(), json!(uuid));
        if let (Some(wanted), Some(there)) =
            (body.get("loginType").and_then(Value::as_str), found["loginType"].as_str())
            && bare(wanted) == bare(there)
        {
            body.insert("loginType".to_owned(), json!(there));
        }
        params(body)
    }
}

fn login_type<'s>(site: &'s Site<'_>) -> &'s str {
    site.record.options.login_type.as_deref().unwrap_or(LOGIN_TYPE)
}

/// The owner of log-ins however it is written.
fn bare(login_type: &str) -> &str {
    login_type.strip_prefix(WRITTEN_OUT).unwrap_or(login_type)
}

/// All clients.
pub async fn list(session: &mut Session<'_>) -> Result<Vec<Value>, Problem> {
    const WHAT: &str = "Listing SSO clients";
    let mut said = session.run(Ask::get(WHAT, "/get/sso/client")).await.map_err(|fault| fault.told(WHAT))?;
    match said.get_mut("inventories").map(Value::take) {
        Some(Value::Array(all)) => Ok(all),
        // No list is an empty one.
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) => Err(exchange::unreadable(WHAT)),
    }
}

/// One client.
pub async fn find(session: &mut Session<'_>, uuid: &str) -> Result<Option<Value>, Problem> {
    Ok(list(session).await?.into_iter().find(|client| client["uuid"] == uuid))
}

/// Has a client be as wanted.
pub async fn write(
    session: &mut Session<'_>,
    wanted: &Wanted,
    uuid: &str,
    attempt: &Attempt,
) -> Result<Pushed, Problem> {
    const UPDATING: &str = "Updating the SSO client";
    let mut warnings = wanted.warnings.clone();
    let client = match find(session, uuid).await? {
        Some(found) => {
            let ask = Ask::change(UPDATING, Method::POST, wanted.update, wanted.to_update(uuid, &found));
            let mut said = session.run(ask.under(&attempt.id)).await.map_err(|fault| fault.told(UPDATING))?;
            if !template::align(session, &found, &wanted.template).await? {
                warnings.push(
                    "The platform does not show where browsers land after signing in, so that stays as it was made."
                        .to_owned(),
                );
            }
            Some(said["inventory"].take()).filter(Value::is_object).unwrap_or(found)
        }
        None => create(session, wanted, uuid, attempt).await?,
    };
    let callback = match &wanted.callback {
        Some(own) => own.clone(),
        None => {
            let told = client["loginMNUrl"].as_str().and_then(exchange::web_url);
            told.map_or_else(|| format!("{}/sso/oauth2?clientUuid={uuid}", session.root()), str::to_owned)
        }
    };
    Ok(Pushed { client_id: uuid.to_owned(), callback_url: Some(callback), warnings })
}

/// Makes a client. Versions differ in how the owner of log-ins is written: if an argument is not taken, it is written the other way
/// once.
async fn create(session: &mut Session<'_>, wanted: &Wanted, uuid: &str, attempt: &Attempt) -> Result<Value, Problem> {
    const CREATING: &str = "Making the SSO client";
    let ask = |body: Value| Ask::change(CREATING, Method::POST, wanted.create, body);
    let first = session.run(ask(wanted.to_create(uuid, None)).under(&attempt.id)).await;
    let other = wanted.params.get("loginType").and_then(Value::as_str).filter(|written| bare(written) == *written);
    let made = match (first, other) {
        (Err(fault), Some(written)) if fault.is_argument() => {
            let other = format!("{WRITTEN_OUT}{written}");
            let job = session.fresh();
            let second = session.run(ask(wanted.to_create(uuid, Some(&other))).under(&job)).await;
            // The first answer says more about what is wrong if that was not it.
            second.map_err(|again| if again.is_argument() { fault } else { again })
        }
        (first, _) => first,
    };
    let mut said = match made {
        Ok(said) => said,
        // Whoever did not hear the answer of an attempt before finds that it went well.
        Err(fault @ Fault::Said(_)) => match find(session, uuid).await? {
            Some(found) => return Ok(found),
            None => return Err(fault.told(CREATING)),
        },
        Err(fault) => return Err(fault.told(CREATING)),
    };
    Ok(said["inventory"].take())
}

/// Deletes a client. One that is not there is deleted.
pub async fn delete(session: &mut Session<'_>, uuid: &str, attempt: &Attempt) -> Result<(), Problem> {
    const WHAT: &str = "Deleting the SSO client";
    if let Some(earlier) = &attempt.earlier {
        super::job::settle(session, earlier).await?;
    }
    if find(session, uuid).await?.is_none() {
        return Ok(());
    }
    let mut body = Map::new();
    body.insert("uuid".to_owned(), json!(uuid));
    body.insert("deleteMode".to_owned(), json!("Permissive"));
    let ask = Ask::change(WHAT, Method::POST, "/delete/sso/client", params(body)).under(&attempt.id);
    match session.run(ask).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.is_not_found() => Ok(()),
        Err(fault) => match find(session, uuid).await {
            Ok(None) => Ok(()),
            _ => Err(fault.told(WHAT)),
        },
    }
}
