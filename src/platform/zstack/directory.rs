//! Directories at ZStack (sso-api §7.5, AddLdapServer): the platform itself asks them who somebody is.

use http::Method;
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::session::{Ask, Session};
use super::{Line, limits, params};
use crate::model::connection::ldap::Ldap;
use crate::model::plan::Plan;
use crate::platform::exchange;
use crate::platform::{Attempt, Problem, Pushed, Site, Trouble};

const PATH: &str = "/ldap/servers";

/// A directory as it is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    params: Map<String, Value>,
    warnings: Vec<String>,
}

impl Wanted {
    /// Of a configuration.
    pub fn new(line: Line, site: &Site<'_>, plan: &Plan, ldap: &Ldap) -> Result<Self, Problem> {
        const WHAT: &str = "The configuration";
        let (Some(account), Some(secret)) = (&ldap.bind_dn, &plan.secret) else {
            return Err(Problem::new(
                Trouble::Refused,
                "The platform asks directories with a service account only: the configuration needs 'bindDn' and 'bindPassword'.",
            ));
        };
        let address = ldap.addresses().next().unwrap_or_default();
        let is_closed = ldap.use_ssl || ldap.use_start_tls;
        let mut params = Map::new();
        let mut set = |name: &str, value: Value| drop(params.insert(name.to_owned(), value));
        set("name", json!(plan.display_name));
        set("description", json!("Made by Archstone."));
        set("url", json!(format!("ldap://{address}")));
        set("base", json!(ldap.user_base()));
        set("username", json!(account));
        set("password", json!(exchange::text(WHAT, secret)?));
        set("encryption", json!(if is_closed { "TLS" } else { "None" }));
        match line {
            Line::Enterprise => {
                let projects = site.record.options.login_type.as_deref().is_some_and(|kind| kind.ends_with("iam2"));
                set("scope", json!(if projects { "IAM2" } else { "account" }));
            }
            Line::ZSphere => {
                if let Some(name) = plan.attribute("username") {
                    set("usernameProperty", json!(name));
                }
            }
        }
        limits::check(&params)?;
        let mut warnings = Vec::new();
        if ldap.ca_certificate_pem.is_some() {
            warnings.push(
                "The directory's authorities are not pushed: the platform has to trust them by itself.".to_owned(),
            );
        }
        if !ldap.servers.is_empty() {
            warnings.push("The platform knows one server of a directory only: the first was pushed.".to_owned());
        }
        Ok(Self { params, warnings })
    }

    /// What differs of a directory that is there, as far as it shows.
    pub fn differs(&self, found: &Value) -> Vec<String> {
        ["name", "url", "base", "username", "encryption", "scope", "usernameProperty"]
            .into_iter()
            .filter(|name| match (self.params.get(*name), found.get(*name)) {
                (Some(wanted), Some(there)) => wanted != there,
                _ => false,
            })
            .map(str::to_owned)
            .collect()
    }
}

/// One directory.
pub async fn find(session: &mut Session<'_>, uuid: &str) -> Result<Option<Value>, Problem> {
    const WHAT: &str = "Looking the directory up";
    let query = format!("q=uuid={}", exchange::segment(uuid));
    let found = session.run(Ask::get(WHAT, PATH).with_query(&query)).await.map_err(|fault| fault.told(WHAT))?;
    let all = found["inventories"].as_array().ok_or_else(|| exchange::unreadable(WHAT))?;
    Ok(all.iter().find(|server| server["uuid"] == uuid).cloned())
}

/// Has a directory be as wanted.
pub async fn write(
    session: &mut Session<'_>,
    wanted: &Wanted,
    uuid: &str,
    attempt: &Attempt,
) -> Result<Pushed, Problem> {
    const CREATING: &str = "Adding the directory";
    const UPDATING: &str = "Updating the directory";
    let mut body = wanted.params.clone();
    if find(session, uuid).await?.is_some() {
        body.insert("ldapServerUuid".to_owned(), json!(uuid));
        // Whose accounts they are is said once.
        body.remove("scope");
        let path = format!("{PATH}/{}", exchange::segment(uuid));
        let ask = Ask::change(UPDATING, Method::PUT, &path, json!({ "updateLdapServer": body })).under(&attempt.id);
        session.run(ask).await.map_err(|fault| fault.told(UPDATING))?;
    } else {
        body.insert("resourceUuid".to_owned(), json!(uuid));
        let ask = Ask::change(CREATING, Method::POST, PATH, params(body)).under(&attempt.id);
        match session.run(ask).await {
            Ok(_) => {}
            // An attempt before went well, and nobody heard of it.
            Err(fault @ Fault::Said(_)) if find(session, uuid).await?.is_none() => return Err(fault.told(CREATING)),
            Err(Fault::Said(_)) => {}
            Err(fault) => return Err(fault.told(CREATING)),
        }
    }
    Ok(Pushed { client_id: uuid.to_owned(), callback_url: None, warnings: wanted.warnings.clone() })
}

/// Deletes a directory. One that is not there is deleted.
pub async fn delete(session: &mut Session<'_>, uuid: &str, attempt: &Attempt) -> Result<(), Problem> {
    const WHAT: &str = "Deleting the directory";
    if let Some(earlier) = &attempt.earlier {
        super::job::settle(session, earlier).await?;
    }
    if find(session, uuid).await?.is_none() {
        return Ok(());
    }
    let path = format!("{PATH}/{}", exchange::segment(uuid));
    let ask = Ask { what: WHAT, method: Method::DELETE, path: &path, query: None, body: None, job: None };
    match session.run(ask.under(&attempt.id)).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.is_not_found() => Ok(()),
        Err(fault) => Err(fault.told(WHAT)),
    }
}
