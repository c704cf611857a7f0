//! ZStack Cloud and its open line, by their REST API (sso-api §7): a push makes an SSO client, or a directory.
//!
//! The id under which it is made follows from configuration and platform, so it is found again whatever became of an earlier
//! attempt: the job of that attempt is waited for, then the client is looked up by its id, and only then one is made.
//!
//! Removing a client takes its account bindings, redirect templates and tokens along at the platform.

mod access_key;
mod client;
mod directory;
mod fault;
mod job;
mod limits;
mod saml;
mod session;
mod template;

use super::{Attempt, Found, Key, Platform, Problem, Pushed, Remote, Site, Trouble};
use crate::model::connection::Settings;
use crate::model::plan::Plan;
use crate::model::platform::CredentialKind;
use crate::secret::Secret;
use session::Session;

/// The two lines of the product, which differ in members (§7.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// ZStack Cloud, enterprise edition 4.5 and later.
    Enterprise,
    /// The open line, ZSphere 4.10 and later.
    ZSphere,
}

/// The platform.
#[derive(Debug, Clone, Copy)]
pub struct ZStack(pub Line);

impl Platform for ZStack {
    /// A key proves itself by reading access keys, a password by signing in. Reading SSO clients would prove nothing: that needs no
    /// credential.
    async fn check(&self, site: &Site<'_>) -> Result<(), Problem> {
        let mut session = Session::open(site).await?;
        let read = match site.credential.map(|credential| credential.kind) {
            Some(CredentialKind::Key) => access_key::own(&mut session).await.map(drop),
            _ => client::list(&mut session).await.map(drop),
        };
        session.close().await;
        read
    }

    async fn negotiate(
        &self,
        site: &Site<'_>,
        user: &str,
        password: &Secret,
        name: &str,
    ) -> Result<Option<Key>, Problem> {
        let mut session = Session::by_password(site, user, password).await?;
        let made = match session.holder().await {
            Ok(holder) => access_key::create(&mut session, &holder, name).await,
            Err(problem) => Err(problem),
        };
        session.close().await;
        match made {
            Ok(key) => Ok(Some(key)),
            // A version without access keys: whoever asked goes on with the password.
            Err(problem) if problem.kind == Trouble::Unsupported => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    async fn revoke(&self, site: &Site<'_>, key_id: &str) -> Result<(), Problem> {
        let mut session = Session::open(site).await?;
        let done = access_key::delete(&mut session, key_id).await;
        session.close().await;
        done
    }

    /// An account has two keys at most: what an earlier rotation left over is deleted first.
    async fn rotate(&self, site: &Site<'_>, name: &str) -> Result<Key, Problem> {
        let mut session = Session::open(site).await?;
        let made = rotate(&mut session, name).await;
        session.close().await;
        made
    }

    async fn push(&self, site: &Site<'_>, plan: &Plan, attempt: &Attempt) -> Result<Pushed, Problem> {
        // What cannot be sent is known before anybody signs in.
        let what = self.thing(site, plan)?;
        let mut session = Session::open(site).await?;
        let done = push(&mut session, &what, plan, attempt).await;
        session.close().await;
        done
    }

    async fn remove(&self, site: &Site<'_>, remote: &Remote, attempt: &Attempt) -> Result<(), Problem> {
        let mut session = Session::open(site).await?;
        let uuid = remote.client_id.as_deref().unwrap_or(&remote.remote_id);
        let done = match remote.protocol.as_str() {
            "ldap" => directory::delete(&mut session, uuid, attempt).await,
            _ => client::delete(&mut session, uuid, attempt).await,
        };
        session.close().await;
        done
    }

    async fn inspect(&self, site: &Site<'_>, plan: &Plan) -> Result<Found, Problem> {
        let what = self.thing(site, plan)?;
        let mut session = Session::open(site).await?;
        let found = match &what {
            Thing::Client(_) => client::find(&mut session, &plan.remote_id).await,
            Thing::Directory(_) => directory::find(&mut session, &plan.remote_id).await,
        };
        session.close().await;
        let Some(found) = found? else { return Ok(Found::Missing) };
        let differs = match &what {
            Thing::Client(client) => client.differs(&found),
            Thing::Directory(directory) => directory.differs(&found),
        };
        Ok(if differs.is_empty() { Found::Same } else { Found::Different(differs) })
    }
}

async fn rotate(session: &mut Session<'_>, name: &str) -> Result<Key, Problem> {
    let holder = session.holder().await?;
    access_key::tidy(session, &holder).await?;
    access_key::create(session, &holder, name).await
}

/// What is to be there.
enum Thing {
    /// An SSO client: OpenID Connect or SAML.
    Client(client::Wanted),
    /// A directory.
    Directory(directory::Wanted),
}

impl ZStack {
    fn thing(self, site: &Site<'_>, plan: &Plan) -> Result<Thing, Problem> {
        match &plan.settings {
            Settings::Oidc(oidc) => client::Wanted::oidc(self.0, site, plan, oidc).map(Thing::Client),
            Settings::Saml(saml) => client::Wanted::saml(self.0, site, plan, saml).map(Thing::Client),
            Settings::Ldap(ldap) => directory::Wanted::new(self.0, site, plan, ldap).map(Thing::Directory),
        }
    }
}

async fn push(session: &mut Session<'_>, what: &Thing, plan: &Plan, attempt: &Attempt) -> Result<Pushed, Problem> {
    if let Some(earlier) = &attempt.earlier {
        job::settle(session, earlier).await?;
    }
    match what {
        Thing::Client(wanted) => client::write(session, wanted, &plan.remote_id, attempt).await,
        Thing::Directory(wanted) => directory::write(session, wanted, &plan.remote_id, attempt).await,
    }
}

/// An action's body as most operations want it.
fn params(params: serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
    serde_json::json!({"params": params, "systemTags": [], "userTags": []})
}

#[cfg(test)]
mod tests;
