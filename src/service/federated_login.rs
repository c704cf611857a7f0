//! Signing in through an identity provider.
//!
//! Whoever verified what it says (an upstream, or a web server in front that is trusted) hands over an assertion. The
//! identity provider's remote ids are compared, its mapping makes a user, groups and projects of it, the account is found
//! or made, and a token is issued like any other: what it rests on is read again after the time that it bears was taken.
//!
//! Outside there is one uniform 401 (security rule 9); why is in the audit trail, and with the mapping's own account of it
//! among the diagnostics of the identity provider.

pub mod diagnostics;
mod existing;
pub mod explain;
mod groups;
pub mod linking;
mod person;
mod projects;
mod proxy;
pub mod route;
pub mod saml;
pub mod used;
mod vouch;
pub mod web;

use std::sync::Arc;

use moka::sync::Cache;
use person::Whose;
use serde_json::json;
use sha2::{Digest, Sha256};

pub use proxy::Proxied;
use route::Route;
pub use used::{Use, check_not_ended, use_up};
use vouch::Vouch;
pub use vouch::{connect, judge};

use super::caller::Origin;
use super::issue::{self, Entrance, Issued, Proven};
use super::{App, audit, connection};
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::audit_event::Outcome;
use crate::model::auth_request::Asked;
use crate::model::claims;
use crate::model::mapping::Mapping;
use crate::model::mapping_engine::{Mapped, Owner, Rules};
use crate::model::token::Federated;
use crate::secret::Secret;
use crate::store::{self, Conn};
use crate::upstream::{Ask, Identity, Proof};
use diagnostics::Trace;

/// How often a log-in is tried again when another one made the same account or project meanwhile.
const TRIES: usize = 4;

/// Mappings that are compiled already, by the digest of all that they are made of.
#[derive(Debug)]
pub struct Mappings(Cache<[u8; 32], Arc<Rules>>);

impl Default for Mappings {
    fn default() -> Self {
        Self(Cache::new(1_000))
    }
}

impl Mappings {
    /// The compiled rules of a mapping.
    ///
    /// # Errors
    /// `Invalid` for rules that another version of this service let pass.
    pub fn rules(&self, mapping: &Mapping) -> Result<Arc<Rules>> {
        let owner = mapping.domain_id.as_deref();
        let text = mapping.document.rules.to_string();
        let mut hash = Sha256::new();
        for part in [mapping.document.schema_version.as_str(), owner.unwrap_or_default(), &text] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        let key: [u8; 32] = hash.finalize().into();
        if let Some(rules) = self.0.get(&key) {
            return Ok(rules);
        }
        let owner = owner.map_or(Owner::Cloud, |id| Owner::Domain(id.to_owned()));
        let rules = Arc::new(Rules::parse(&mapping.document.rules, mapping.document.schema_version, owner)?);
        self.0.insert(key, rules.clone());
        Ok(rules)
    }
}

/// What somebody presents who wants to come in.
pub enum Presented {
    /// An access token or ID token of the identity provider.
    Bearer(Secret),
    /// What an upstream has verified already, or why it could not.
    Verified(Result<Identity>),
    /// What a trusted web server in front says.
    Proxied(Proxied),
}

/// A token for whoever presents something that the identity provider vouches for, or 401.
pub async fn enter(
    app: &App,
    origin: &Origin,
    idp_id: &str,
    protocol_id: &str,
    presented: Presented,
    asked: &Asked,
) -> Result<Issued> {
    let mut route = Route::open(app, &mut app.store.read().await?, idp_id, protocol_id).await?;
    let mut trace = Trace::default();
    let done = match vouched(app, &route, presented).await {
        Err(error) => {
            // Anybody can send what nobody vouches for: the log and the diagnostics, which are few, are enough, or the audit
            // trail could be filled without a credential.
            let (idp, reason) = (route.idp.id.escape_debug(), error.to_string());
            tracing::info!(target: "audit", request_id = %origin.request_id(), action = "auth.login", outcome = "failure", identity_provider = %idp, reason = %reason.escape_debug());
            Err(error)
        }
        Ok(vouched) => {
            let done = once(app, origin, &route, &vouched, asked, &mut trace).await;
            let now = match &done {
                Err(Error::Unauthorized { .. }) => {
                    Route::find(app, &mut app.store.read().await?, idp_id, protocol_id).await?
                }
                _ => None,
            };
            match now.filter(|now| *now != route) {
                // What is configured was changed meanwhile: the log-in is judged by what it is now.
                Some(changed) => {
                    route = changed;
                    once(app, origin, &route, &vouched, asked, &mut trace).await
                }
                None => done,
            }
        }
    };
    trace.keep(app, origin, &route, &done).await;
    done
}

/// One judgement of what was presented, by what is configured.
async fn once(
    app: &App,
    origin: &Origin,
    route: &Route,
    vouched: &Vouched,
    asked: &Asked,
    trace: &mut Trace,
) -> Result<Issued> {
    match admit(app, origin, route, vouched, trace).await {
        Ok(proven) => {
            let user_id = proven.identity.user.id.clone();
            issue::issue(app, origin, proven, asked).await.inspect_err(|_| trace.user_id = Some(user_id))
        }
        Err(error) => Err(refused(app, origin, route, error).await?),
    }
}

/// 404 or 403 unless there is such a way in, for whoever presents nothing.
pub async fn check(app: &App, idp_id: &str, protocol_id: &str) -> Result<()> {
    Route::open(app, &mut app.store.read().await?, idp_id, protocol_id).await.map(drop)
}

/// Records why somebody was not let in.
async fn refused(app: &App, origin: &Origin, route: &Route, error: Error) -> Result<Error> {
    if !matches!(error, Error::Unauthorized { .. } | Error::Forbidden { .. }) {
        return Ok(error);
    }
    let mut event = audit::event(app, Some(origin), "auth.login", Outcome::Failure);
    event.reason = Some(audit::cut(&error.to_string()));
    event.domain_id = Some(route.idp.domain_id.clone());
    event.target_kind = Some("identity_provider".to_owned());
    event.target_id = Some(audit::cut(&route.idp.id));
    event.detail = audit::cut(&route.protocol.id);
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await?;
    Ok(error)
}

async fn admit(app: &App, origin: &Origin, route: &Route, vouched: &Vouched, trace: &mut Trace) -> Result<Proven> {
    trace.verified = true;
    let (assertion, by_saml) = match vouched {
        Vouched::Assertion(assertion, proof) => (assertion.clone(), *proof == Proof::Assertion),
        Vouched::Proxied(proxied) => (proxied.assertion(app, route)?, false),
    };
    trace.detail = json!({ "attributes": assertion.names().collect::<Vec<_>>() });
    check_remote_id(app, route, &assertion)?;
    let (mapped, explained) = match existing::find(app, route, &assertion, by_saml).await? {
        Some(found) => (Ok(found), json!({})),
        None => map(app, route, &assertion).await?,
    };
    trace.detail = explained;
    let vouch = Vouch::default();
    match settle(app, origin, route, &assertion, &mapped?, &vouch).await? {
        Verdict::In(admitted) => {
            let (tx, proven) = admitted.proven(app, route);
            app.commit(tx).await?;
            Ok(proven)
        }
        Verdict::Ask(_) => Err(Error::internal("nobody can be asked here")),
    }
}

/// What becomes of somebody whom an identity provider vouches for.
#[derive(Debug)]
pub enum Verdict {
    /// They are in.
    In(Box<Admitted>),
    /// They have to say whether this account is theirs.
    Ask(Box<crate::model::user::Identity>),
}

/// Somebody who is in.
#[derive(Debug)]
pub struct Admitted {
    /// Who.
    pub identity: crate::model::user::Identity,
    /// Whether their account was made just now.
    pub created: bool,
    /// Groups that the identity provider gives; none for an account that exists by itself.
    pub group_ids: Option<Vec<String>>,
    /// The transaction that holds the way in and the account, for whoever lets them in to commit. Nothing may wait for another
    /// connection meanwhile.
    pub tx: Conn,
}

impl Admitted {
    fn proven(self, app: &App, route: &Route) -> (Conn, Proven) {
        let configured = app.config.token.methods.contains(&route.protocol.id);
        let method = if configured { route.protocol.id.clone() } else { "mapped".to_owned() };
        let federated = self.group_ids.map(|group_ids| Federated {
            group_ids,
            idp_id: route.idp.id.clone(),
            protocol_id: route.protocol.id.clone(),
        });
        let proven = Proven {
            identity: self.identity,
            methods: vec![method],
            hash: None,
            federated: Some(Entrance { route: route.clone(), federated }),
            parent: None,
        };
        (self.tx, proven)
    }
}

/// Finds or makes the account, again if another log-in was at it at the same time.
async fn settle(
    app: &App,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    mapped: &Mapped,
    vouch: &Vouch<'_>,
) -> Result<Verdict> {
    let mut tried = 0;
    loop {
        tried += 1;
        match account(app, origin, route, assertion, mapped, vouch).await {
            // Another log-in of the same person made the account, or one of the projects, in between.
            Err(Error::Conflict { .. }) => {
                let (idp, protocol) = (&route.idp.id, &route.protocol.id);
                let stored = Route::find(app, &mut app.store.read().await?, idp, protocol).await?;
                if !stored.is_some_and(|stored| stored.is_as(route)) {
                    return Err(Error::unauthorized("the way in was changed or deleted meanwhile"));
                }
                if tried >= TRIES {
                    return Err(Error::unavailable("the account is being made by others"));
                }
            }
            other => return other,
        }
    }
}

/// What the identity provider says for sure.
enum Vouched {
    /// The same whatever is asked, and how it was proven.
    Assertion(Assertion, Proof),
    /// Header fields, of which the mapping decides what counts.
    Proxied(Proxied),
}

/// What the identity provider says, once it is sure that it says it. Nothing is locked meanwhile.
async fn vouched(app: &App, route: &Route, presented: Presented) -> Result<Vouched> {
    let identity = match presented {
        Presented::Proxied(proxied) => return Ok(Vouched::Proxied(proxied)),
        Presented::Verified(identity) => identity?,
        Presented::Bearer(token) => {
            let ready = connection::ready(app, &route.idp.id, &route.protocol.id).await?;
            let ready =
                ready.ok_or_else(|| Error::unauthorized("the protocol has no connection to verify a token with"))?;
            let token = token.expose_str().unwrap_or_default();
            app.oidc.bearer(&Ask::new(&ready, app.now(), &app.random), token).await?
        }
    };
    Ok(Vouched::Assertion(assertion(app, &identity)?, identity.proof))
}

/// What a tenant's people are told in detail is one uniform answer here (security rule 9).
fn as_unauthorized(error: Error) -> Error {
    match error {
        Error::Refused { .. } => Error::unauthorized(error.to_string()),
        other => other,
    }
}

/// What an upstream has verified, under the names that mapping documents look for.
fn assertion(app: &App, identity: &Identity) -> Result<Assertion> {
    let Identity { issuer, subject, claims, .. } = identity;
    match identity.proof {
        Proof::Assertion => claims::of_saml(issuer, subject, claims),
        _ => claims::assertion(issuer, subject, claims, &app.config.federation.claim_prefixes),
    }
}

/// An identity provider that has remote ids vouches for people who come from one of them only.
fn check_remote_id(app: &App, route: &Route, assertion: &Assertion) -> Result<()> {
    let own = route.protocol.remote_id_attribute.as_deref().filter(|a| !a.is_empty());
    let configured = app.config.federation.remote_id_attribute(&route.protocol.id);
    let Some(attribute) = own.or(configured).filter(|_| !route.idp.remote_ids.is_empty()) else { return Ok(()) };
    let values = assertion
        .get(attribute)
        .ok_or_else(|| Error::unauthorized(format!("the attribute '{attribute}' with the remote id is missing")))?;
    if route.idp.remote_ids.contains(&values.join(";")) {
        Ok(())
    } else {
        Err(Error::forbidden("Incoming identity provider identifier not included among the accepted identifiers."))
    }
}

/// What the mapping makes of it, and its account of that. What may take a while is not done on this thread.
async fn map(app: &App, route: &Route, assertion: &Assertion) -> Result<(Result<Mapped>, serde_json::Value)> {
    let mapping = route.mapping.as_ref().ok_or_else(|| {
        Error::unauthorized("the protocol has no mapping, and only SAML tells which user that exists is meant")
    })?;
    let rules = match app.mappings.rules(mapping) {
        Ok(rules) => rules,
        Err(error) => return Ok((Err(Error::unauthorized(error.to_string())), json!({}))),
    };
    let walk = |rules: &Rules, assertion: &Assertion| {
        let explained = rules.explain(assertion);
        let document = explained.document();
        (explained.outcome.map_err(|refusal| Error::unauthorized(refusal.message)), document)
    };
    if rules.are_swift(assertion) {
        return Ok(walk(&rules, assertion));
    }
    let assertion = assertion.clone();
    let walked = tokio::task::spawn_blocking(move || walk(&rules, &assertion));
    walked.await.map_err(|e| Error::internal(format!("the mapping could not be walked: {e}")))
}

/// Finds or makes the account in one transaction, which is left open: all of it or nothing.
async fn account(
    app: &App,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    mapped: &Mapped,
    vouch: &Vouch<'_>,
) -> Result<Verdict> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    // Whoever closes or deletes it, with its people, comes before or after this log-in.
    if !store::protocol::hold_open(&mut tx, &route.idp.id, &route.protocol.id).await? {
        return Err(Error::unauthorized("the identity provider was closed or deleted meanwhile"));
    }
    let found = match person::find(app, &mut tx, origin, route, assertion, mapped, vouch, now).await? {
        Whose::Found(found) => *found,
        Whose::Ask(candidate) => return Ok(Verdict::Ask(candidate)),
    };
    let group_ids = if found.vouched_for {
        let group_ids = groups::resolve(&mut tx, route, mapped).await?;
        let end = now.plus_secs(route.idp.membership_secs(app.config.federation.default_authorization_ttl));
        if found.in_groups || !group_ids.is_empty() {
            let user_id = &found.identity.user.id;
            store::expiring_membership::replace(&mut tx, user_id, &route.idp.id, &group_ids, now, end).await?;
        }
        projects::provide(app, &mut tx, route, mapped, &found.identity.user).await?;
        Some(group_ids.into_iter().collect())
    } else {
        None
    };
    Ok(Verdict::In(Box::new(Admitted { identity: found.identity, created: found.created, group_ids, tx })))
}

/// Refuses a domain that a mapping of one domain's own must not touch.
fn keep_within(route: &Route, domain_id: &str, what: &str) -> Result<()> {
    match route.kept_to() {
        Some(own) if own != domain_id => {
            Err(Error::unauthorized(format!("a mapping of one domain names {what} of another")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
