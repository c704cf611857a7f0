//! Who is calling.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::json;

use super::{App, token};
use crate::cache::Entry;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::catalog;
use crate::model::facts::{Facts, Scope};
use crate::model::holder::Holder;
use crate::model::role::RoleRef;
use crate::model::scim::token::ScimToken;
use crate::model::tenant::Tenant;
use crate::model::token::Payload;
use crate::policy::Credentials;

/// Where a request comes from, for audit records. It becomes text only when it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    request_id: [u8; 40],
    remote: Option<IpAddr>,
}

impl Origin {
    /// A request with this id from this peer.
    pub fn new(request_id: [u8; 40], remote: Option<IpAddr>) -> Self {
        Self { request_id, remote }
    }

    /// The request's id.
    pub fn request_id(&self) -> String {
        String::from_utf8_lossy(&self.request_id).into_owned()
    }

    /// Address of the peer, as such.
    pub fn address(&self) -> Option<IpAddr> {
        self.remote
    }

    /// Address of the peer.
    pub fn remote(&self) -> Option<String> {
        self.remote.map(|ip| ip.to_string())
    }
}

/// The holder of a valid token, for one request.
#[derive(Debug, Clone)]
pub struct Caller {
    entry: Arc<Entry<token::Prepared>>,
    /// When they were let in: the time of the request.
    pub at: Timestamp,
    /// Where the request comes from; absent where nothing is recorded.
    pub origin: Option<Origin>,
    /// See [`Caller::is_directory`].
    directory: bool,
}

impl Caller {
    /// Who holds `token`, or 401.
    pub async fn of_token(app: &App, token: &str, origin: impl FnOnce() -> Origin) -> Result<Self> {
        let now = app.now();
        let entry = token::valid(app, token, now).await.map_err(|e| match e {
            Error::NotFound { message } => Error::unauthorized(message),
            other => other,
        })?;
        if entry.prepared.expires_at <= now {
            return Err(Error::unauthorized("the token has ended"));
        }
        Ok(Self { entry, at: now, origin: Some(origin()), directory: false })
    }

    /// A directory that holds a SCIM token of a tenant. It has no role anywhere: the rules of SCIM alone know it, by the
    /// credential `scim_tenant_id`, and what it deals with is within the tenant's domain.
    pub(super) fn of_scim_token(app: &App, token: &ScimToken, tenant: &Tenant, origin: Origin) -> Self {
        let now = app.now();
        let facts = Facts {
            payload: Payload {
                user_id: token.id.clone(),
                methods: Vec::new(),
                issued_at: token.created_at,
                expires_at: token.expires_at.unwrap_or(Timestamp::MAX),
                audit_ids: Vec::new(),
                scope: Scope::Unscoped.bare(),
                federated: None,
                trust_id: None,
                app_cred_id: None,
                access_token_id: None,
                thumbprint: None,
            },
            user_name: format!("SCIM token {}", token.name),
            user_domain_id: tenant.id.clone(),
            user_domain_name: tenant.name.clone(),
            password_expires_at: None,
            scope: Scope::Domain { id: tenant.id.clone(), name: tenant.name.clone() },
            groups: Vec::new(),
            roles: Vec::new(),
        };
        let credentials = Credentials::new(json!({"user_id": token.id, "scim_tenant_id": tenant.id}));
        let entry = token::without_roles(facts, credentials, app.memory.tick());
        Self { entry, at: now, origin: Some(origin), directory: true }
    }

    /// Whether it is a directory by its SCIM token, rather than a person.
    pub fn is_directory(&self) -> bool {
        self.directory
    }

    /// The operator at the command line of this service's own machine, who may do everything: they hold its keys.
    pub async fn of_command_line(app: &App) -> Result<Self> {
        let now = app.now();
        let facts = Facts {
            payload: Payload {
                user_id: "command-line".to_owned(),
                methods: Vec::new(),
                issued_at: now,
                expires_at: now.plus_secs(3_600),
                audit_ids: Vec::new(),
                scope: Scope::System.bare(),
                federated: None,
                trust_id: None,
                app_cred_id: None,
                access_token_id: None,
                thumbprint: None,
            },
            user_name: "command line".to_owned(),
            user_domain_id: String::new(),
            user_domain_name: String::new(),
            password_expires_at: None,
            scope: Scope::System,
            groups: Vec::new(),
            roles: vec![RoleRef { id: "admin".to_owned(), name: "admin".to_owned() }],
        };
        let entry = token::prepare(app, facts, app.memory.tick()).await?;
        Ok(Self { entry, at: now, origin: None, directory: false })
    }

    /// The facts of their token.
    pub fn facts(&self) -> &Facts {
        &self.entry.facts
    }

    /// What policy sees of them.
    pub fn credentials(&self) -> &Credentials {
        &self.entry.prepared.credentials
    }

    /// The entries of their catalog.
    pub fn catalog(&self) -> Arc<Vec<catalog::Entry>> {
        self.entry.prepared.catalog.clone()
    }

    /// Their user id.
    pub fn user_id(&self) -> &str {
        &self.facts().payload.user_id
    }

    /// They as the holder of roles.
    pub fn holder(&self, now: Timestamp) -> Holder<'_> {
        let payload = &self.facts().payload;
        Holder::of_token(&payload.user_id, payload.federated.as_ref(), now)
    }

    /// The domain they act in: the domain of their scope.
    pub fn scope_domain(&self) -> Option<&str> {
        self.facts().scope.domain_id()
    }

    /// The domain that their token is scoped to, if it is scoped to a domain.
    pub fn domain_scope(&self) -> Option<&str> {
        match &self.facts().scope {
            Scope::Domain { id, .. } => Some(id),
            _ => None,
        }
    }
}
