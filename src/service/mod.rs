//! The product: every rule of it, one file per area.
//!
//! Each function that acts for someone takes `&Caller` and starts by asking policy (invariant I3). What it changes is one
//! transaction with its audit record; what other nodes must hear of is applied here at once and told to them with the
//! commit. No transaction is open while we talk to another machine (I6).

pub mod activity;
pub mod assignment;
pub mod audit;
pub mod auth;
pub mod bootstrap;
pub mod caller;
pub mod catalog;
pub mod catalog_service;
pub mod connection;
pub mod domain;
pub mod endpoint;
pub mod federate;
pub mod federated_link;
pub mod federated_login;
pub mod federation;
pub mod group;
pub mod identity;
pub mod implied_role;
pub mod issue;
pub mod jobs;
pub mod keystone_to_keystone;
pub mod lockout;
pub mod login;
pub mod logout;
pub mod mapping;
pub mod oauth;
pub mod pace;
pub mod password;
pub mod platform;
pub mod project;
mod proof;
pub mod protocol;
pub mod provisioning;
mod reach;
pub mod region;
pub mod revocation;
pub mod role;
pub mod role_assignment;
mod role_reach;
pub mod saml_key;
pub mod scim;
pub mod scope;
pub mod secrets;
pub mod service_provider;
pub mod session;
pub mod setup;
pub mod sso_config;
pub mod tenant;
pub mod token;
pub mod validation;
pub mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::cache::{Memory, Tokens};
use crate::clock::{Clock, Random, Timestamp};
use crate::config::{Cidr, Config, PasswordPattern};
use crate::egress::Egress;
use crate::error::{Error, Result};
use crate::keys::TokenKeys;
use crate::keys::password::Hasher;
use crate::metrics::Metrics;
use crate::model::list::{Operand, Operator, Query};
use crate::model::revocation::GRACE_SECS;
use crate::model::signing_key::LONGEST_TOKEN_SECS;
use crate::policy::{Enforcer, Target};
use crate::secret::Sealer;
use crate::store::{Conn, Store};
use crate::upstream::check::Checks;
use crate::upstream::oidc::Oidc;
use crate::upstream::saml::Saml;
use caller::Caller;
use token::Prepared;

/// Everything a service function needs. Built once, on the roof.
///
/// A handle: what it leads to is shared by all. Each connection holds an `Arc` of a handle of its own, because a count
/// that every request of every core changes costs each of them a trip to another core's cache.
pub struct App(Arc<Parts>);

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Another handle, to be counted apart.
    pub fn another(&self) -> Self {
        Self(self.0.clone())
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// Base URL that clients use, without a slash at its end; links are made from it and never from a request.
    pub public_url: String,
    /// Networks of the reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// The database.
    pub store: Store,
    /// What this node knows to have changed.
    pub memory: Memory,
    /// Remembered tokens.
    pub tokens: Tokens<Prepared>,
    /// Policy rules.
    pub policy: Enforcer,
    /// Keys of tokens.
    pub keys: TokenKeys,
    /// Hashing of passwords.
    pub hasher: Hasher,
    /// What new passwords must match.
    pub password_pattern: Option<PasswordPattern>,
    /// Compiled mappings.
    pub mappings: federated_login::Mappings,
    /// Ways in through tenants' pages.
    pub routes: federated_login::route::Routes,
    /// One login at a time for a user who may be locked out.
    pub lockouts: lockout::Lockouts,
    /// Seals secrets.
    pub sealer: Sealer,
    /// The client of all outgoing requests.
    pub egress: Arc<Egress>,
    /// OpenID providers.
    pub oidc: Oidc,
    /// Identity providers that speak SAML.
    pub saml: Saml,
    /// Keys by which tenants are known to these.
    pub saml_keys: saml_key::SamlKeys,
    /// Checks of what is behind an SSO configuration.
    pub checks: Checks,
    /// How many SSO configurations there are.
    pub sso_total: sso_config::Total,
    /// Tenants with what belongs to them.
    pub tenants: tenant::Known,
    /// How often who has tried what at a tenant.
    pub paces: pace::Paces,
    /// What tenants sign with, and what they have issued.
    pub oauth: oauth::Known,
    /// Connections that are ready for use.
    pub connections: connection::Connections,
    /// Protocols of which it is known whether they are open.
    pub open_protocols: protocol::Open,
    /// Background jobs of this node.
    pub jobs: jobs::Jobs,
    /// Where the change feed has been read to.
    pub feed: watch::Feed,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<Random>,
    /// Counters and gauges.
    pub metrics: Metrics,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

impl App {
    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// 403 unless policy lets the caller do `rule` to `target`.
    pub async fn allow(&self, caller: &Caller, rule: &str, target: &Target) -> Result<()> {
        self.policy.enforce(rule, target, caller.credentials()).await
    }

    /// Commits, takes in at once what was changed, and starts what was queued.
    pub async fn commit(&self, mut tx: Conn) -> Result<()> {
        federate::people_changed(self, &mut tx).await?;
        let queues_jobs = tx.queues_jobs();
        let changes = tx.commit(self.now()).await?;
        self.memory.apply(&changes);
        if queues_jobs {
            self.jobs.wake();
        }
        Ok(())
    }

    /// Items on one page at most.
    pub fn page_limit(&self) -> usize {
        usize::try_from(self.config.identity.list_limit).unwrap_or(usize::MAX)
    }

    /// Revocations that reach no further than this hit no living token.
    pub fn oldest_revocation(&self) -> Timestamp {
        self.now().plus_secs(-(self.longest_token_secs().saturating_add(GRACE_SECS)))
    }

    /// How long a token, with the time that expired ones may still be asked about, can matter at most, in seconds.
    pub fn longest_token_secs(&self) -> i64 {
        let token = &self.config.token;
        let own = token.expiration_secs.saturating_add(token.allow_expired_window_secs);
        i64::try_from(own).unwrap_or(i64::MAX / 4).max(LONGEST_TOKEN_SECS)
    }
}

/// Adds what a list is filtered by to the target, under `filter_attr.`.
fn and_filters(target: Target, query: &Query) -> Target {
    let texts = query.conditions.iter().filter_map(|c| match &c.operand {
        Operand::Text(text) if c.operator == Operator::Equals => {
            Some((c.column.rsplit('.').next().unwrap_or(c.column), text.as_str()))
        }
        _ => None,
    });
    target.and_filters(texts)
}

/// 404 for a page that is to begin after something that is not there, or that the caller may not know of.
fn no_marker(marker: &str) -> Error {
    Error::not_found(format!("Marker {marker} could not be found."))
}

/// The same for a look-up of the marker that failed; a failure of the database stays one.
fn marker_missing(marker: &str) -> impl FnOnce(Error) -> Error {
    move |error| match error {
        Error::NotFound { .. } => no_marker(marker),
        other => other,
    }
}

/// The names of the members that a body sets, for the audit trail.
fn named(body: &serde_json::Value, member: &str) -> String {
    let members = body.get(member).and_then(|v| v.as_object());
    members.map(|m| m.keys().map(String::as_str).collect::<Vec<_>>().join(",")).unwrap_or_default()
}
