//! Who is calling.

use std::sync::Arc;

use super::{App, token};
use crate::cache::Entry;
use crate::error::{Error, Result};
use crate::model::catalog;
use crate::model::facts::{Facts, Scope};
use crate::policy::Credentials;

/// Where a request comes from, for audit records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its id.
    pub request_id: String,
    /// Address of the peer.
    pub remote: Option<String>,
}

/// The holder of a valid token, for one request.
#[derive(Debug, Clone)]
pub struct Caller {
    entry: Arc<Entry<token::Prepared>>,
    /// Where the request comes from; absent where nothing is recorded.
    pub origin: Option<Origin>,
}

impl Caller {
    /// Who holds `token`, or 401.
    pub async fn of_token(app: &App, token: &str, origin: impl FnOnce() -> Origin) -> Result<Self> {
        let entry = match token::remembered(app, token) {
            Some(entry) => entry,
            None => token::resolve(app, token).await.map_err(|e| match e {
                Error::NotFound { message } => Error::unauthorized(message),
                other => other,
            })?,
        };
        if entry.prepared.expires_at <= app.now() {
            return Err(Error::unauthorized("the token has ended"));
        }
        Ok(Self { entry, origin: Some(origin()) })
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
