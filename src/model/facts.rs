//! The facts of a token: what its payload means against what is stored.
//!
//! Facts are remembered; a verdict (may it, is it still valid) never is.

use super::group::GroupRef;
use super::revocation::Subject;
use super::role::RoleRef;
use super::token::{self, Payload};
use crate::clock::Timestamp;

/// What a token is scoped to, with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    Unscoped,
    /// A project.
    Project {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its domain's id; its own, if it acts as one.
        domain_id: String,
        /// Its domain's name.
        domain_name: String,
        /// Whether it acts as a domain.
        is_domain: bool,
    },
    /// A domain.
    Domain {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// The whole deployment.
    System,
}

impl Scope {
    /// The project's id, when it is one.
    pub fn project_id(&self) -> Option<&str> {
        match self {
            Self::Project { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The domain it lies in: itself, or the project's.
    pub fn domain_id(&self) -> Option<&str> {
        match self {
            Self::Project { domain_id: id, .. } | Self::Domain { id, .. } => Some(id),
            Self::Unscoped | Self::System => None,
        }
    }

    /// Kind and id, for audit records.
    pub fn kind_and_id(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            Self::Unscoped => (None, None),
            Self::Project { id, .. } => (Some("project"), Some(id)),
            Self::Domain { id, .. } => (Some("domain"), Some(id)),
            Self::System => (Some("system"), None),
        }
    }

    /// The same without names, as a token says it.
    pub fn bare(&self) -> token::Scope {
        match self {
            Self::Unscoped => token::Scope::Unscoped,
            Self::Project { id, .. } => token::Scope::Project(id.clone()),
            Self::Domain { id, .. } => token::Scope::Domain(id.clone()),
            Self::System => token::Scope::System,
        }
    }
}

/// The facts of one token.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the token itself says.
    pub payload: Payload,
    /// Name of the user.
    pub user_name: String,
    /// Domain of the user.
    pub user_domain_id: String,
    /// Its name.
    pub user_domain_name: String,
    /// When the user's password ends.
    pub password_expires_at: Option<Timestamp>,
    /// What it is scoped to.
    pub scope: Scope,
    /// Groups that an identity provider put the user in for this token.
    pub groups: Vec<GroupRef>,
    /// Roles held on the scope, implied ones included, in order of name.
    pub roles: Vec<RoleRef>,
}

impl Facts {
    /// What revocation events are compared with.
    pub fn with_subject<T>(&self, use_it: impl FnOnce(&Subject<'_>) -> T) -> T {
        let role_ids: Vec<&str> = self.roles.iter().map(|r| r.id.as_str()).collect();
        let audit_id = self.payload.audit_ids.first().map_or("", String::as_str);
        use_it(&Subject {
            audit_id,
            chain_id: self.payload.audit_ids.last().map_or("", String::as_str),
            user_id: &self.payload.user_id,
            user_domain_id: &self.user_domain_id,
            project_id: self.scope.project_id(),
            scope_domain_id: self.scope.domain_id(),
            role_ids: &role_ids,
            trust_id: self.payload.trust_id.as_deref(),
            access_token_id: self.payload.access_token_id.as_deref(),
            idp_id: self.payload.federated.as_ref().map(|f| f.idp_id.as_str()),
            protocol_id: self.payload.federated.as_ref().map(|f| f.protocol_id.as_str()),
            issued_at: self.payload.issued_at,
            expires_at: self.payload.expires_at,
        })
    }
}
