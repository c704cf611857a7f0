//! How much of the identity providers and what belongs to them a caller deals with.
//!
//! Who only holds the security administrator's role acts within the domain of their scope: what they make belongs to it,
//! and of others' they see nothing. Everyone else whom policy lets in has Keystone's view of the whole.

use super::App;
use super::caller::Caller;
use crate::error::{Error, Result};
use crate::model::facts::Scope;
use crate::policy::Target;

/// What of all a caller deals with.
pub(super) enum Reach {
    /// All of it.
    Whole,
    /// What belongs to one domain.
    Domain(String),
}

impl Reach {
    /// How far a caller reaches whom policy has let in: administrators of the cloud and whoever acts for the whole
    /// deployment have Keystone's view of it; everybody else acts within the domain of their scope, whatever role let
    /// them in.
    pub(super) async fn of(app: &App, caller: &Caller) -> Result<Self> {
        let whole = match &caller.facts().scope {
            Scope::System => true,
            Scope::Domain { .. } => false,
            Scope::Project { .. } | Scope::Unscoped => {
                app.policy.check("admin_required", &Target::new(), caller.credentials()).await?
            }
        };
        if whole {
            return Ok(Self::Whole);
        }
        match caller.scope_domain() {
            Some(domain) => Ok(Self::Domain(domain.to_owned())),
            None => Err(Error::forbidden(
                "A token scoped to a domain or a project is needed to manage its identity providers.",
            )),
        }
    }

    /// The domain to which this reach is bound, if it is bound to one.
    pub(super) fn domain(&self) -> Option<&str> {
        match self {
            Self::Whole => None,
            Self::Domain(domain) => Some(domain),
        }
    }

    /// Whether what belongs to `domain_id`, or to nobody, is within it.
    pub(super) fn covers(&self, domain_id: Option<&str>) -> bool {
        self.domain().is_none_or(|own| domain_id == Some(own))
    }
}
