//! Tokens: what one means, read from the token itself and from what is stored, or remembered.
//!
//! The order is Keystone's: read it, look the user, the scope and the roles up, then revocation; its end is for whoever
//! asks. A remembered token skips all look-ups (see `cache`).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{App, activity, oauth, protocol, scope};
use crate::cache::{self, Digest, Entry, Standing};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::catalog;
use crate::model::facts::{Facts, Scope};
use crate::model::holder::Holder;
use crate::model::service_provider;
use crate::model::token::Payload;
use crate::policy::{Credentials, Target};
use crate::store;

/// What is made of a token's facts once and then used again.
#[derive(Debug)]
#[repr(C)]
pub struct Prepared {
    /// When it ends.
    pub expires_at: Timestamp,
    /// The answer's body with and without a catalog, once a face has written it.
    bodies: [OnceLock<Box<[u8]>>; 2],
    /// What policy sees of it as the subject of a request.
    pub target: Target,
    /// What policy sees of its holder.
    pub credentials: Credentials,
    /// The catalog's entries; empty for an unscoped token.
    pub catalog: Arc<Vec<catalog::Entry>>,
    /// The enabled service providers.
    pub service_providers: Vec<service_provider::Listed>,
}

/// A token as the subject of a request.
pub type Token = Arc<Entry<Prepared>>;

/// The answer's body of a token with or without a catalog; `write` is asked for it once.
pub fn body(token: &Token, with_catalog: bool, write: impl FnOnce() -> Vec<u8>) -> Bytes {
    let body = Body { token: token.clone(), which: usize::from(!with_catalog) };
    body.token.prepared.bodies[body.which].get_or_init(|| write().into());
    Bytes::from_owner(body)
}

/// A body where it lies. A count of its own beside it, as `Bytes` keeps one, would be one more place in memory to touch.
struct Body {
    token: Token,
    which: usize,
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        self.token.prepared.bodies[self.which].get().map_or(&[], |body| body)
    }
}

/// 404 for a token that is none, or none any more.
pub(super) fn not_found() -> Error {
    Error::not_found("Could not find token.")
}

/// A token that is remembered `now`, still true, and not revoked.
pub fn remembered(app: &App, token: &str, now: Timestamp) -> Option<Token> {
    if !app.memory.is_current() {
        return None;
    }
    let entry = app.tokens.get(&cache::digest(token), now)?;
    (entry.standing(&app.memory) == Standing::Good).then_some(entry)
}

/// What `token` means, whether or not it has ended; 404 if it means nothing or has been revoked.
pub async fn resolve(app: &App, token: &str) -> Result<Token> {
    if !app.memory.is_current() {
        // Without the feed memory cannot be trusted: ask the database what changed before going on.
        app.feed.current(&app.memory).await?;
    }
    let digest = cache::digest(token);
    if let Some(entry) = app.tokens.get(&digest, app.now()) {
        match entry.standing(&app.memory) {
            Standing::Good => return Ok(entry),
            Standing::Revoked => return Err(not_found()),
            Standing::Stale => app.tokens.forget(&digest),
        }
    }
    let generation = app.keys.generation();
    let tick = app.memory.tick();
    let payload = match app.keys.read(token) {
        Some(payload) => payload,
        None if oauth::keystone::is_access_token(token) => {
            Box::pin(oauth::keystone::payload(app, token)).await?.ok_or_else(not_found)?
        }
        // A key that another node has just made may not be loaded yet.
        None if super::watch::reload_keys(app).await? => app.keys.read(token).ok_or_else(not_found)?,
        None => return Err(not_found()),
    };
    let facts = look_up(app, payload).await?.ok_or_else(not_found)?;
    if app.memory.is_revoked(&facts) {
        return Err(not_found());
    }
    let entry = prepare(app, facts, tick).await?;
    remember(app, digest, &entry, generation);
    Ok(entry)
}

/// What `token` means, remembered `now` or looked up.
pub async fn valid(app: &App, token: &str, now: Timestamp) -> Result<Token> {
    match remembered(app, token, now) {
        Some(entry) => Ok(entry),
        // What a look-up keeps is large, and a caller's future has room for it whether or not it comes to that: boxed.
        None => Box::pin(resolve(app, token)).await,
    }
}

/// Remembers a token, unless the keys have changed since `generation`: the key that it rests on may be gone.
pub fn remember(app: &App, digest: Digest, token: &Token, generation: u64) {
    app.tokens.put(digest, token.clone(), app.now());
    if app.keys.generation() != generation {
        app.tokens.forget(&digest);
    }
}

/// Looks up what a payload refers to. `None` when any of it is gone or disabled, or no role is left on the scope.
async fn look_up(app: &App, payload: Payload) -> Result<Option<Facts>> {
    if payload.trust_id.is_some()
        || payload.app_cred_id.is_some()
        || payload.access_token_id.is_some()
        || payload.thumbprint.is_some()
    {
        // Delegations are none of ours yet: a token bound to one must not count as its holder's own.
        return Ok(None);
    }
    let mut conn = app.store.read().await?;
    let Some(identity) = activity::user(app, &mut conn, &payload.user_id).await? else { return Ok(None) };
    if !identity.user.enabled || !identity.domain_enabled {
        return Ok(None);
    }
    let mut groups = Vec::new();
    if let Some(federated) = &payload.federated {
        if !protocol::is_open(app, &mut conn, &federated.idp_id, &federated.protocol_id).await? {
            return Ok(None);
        }
        groups = store::expiring_membership::list_of_token(&mut conn, &payload.user_id, federated).await?;
    }
    let holder = Holder::of_token(&payload.user_id, payload.federated.as_ref(), app.now());
    let Some(found) = scope::of_payload(&mut conn, &payload.scope).await? else { return Ok(None) };
    let roles = scope::roles(&mut conn, &holder, &found).await?;
    if roles.is_empty() && found != Scope::Unscoped {
        return Ok(None);
    }
    Ok(Some(Facts {
        payload,
        user_name: identity.user.name,
        user_domain_id: identity.user.domain_id,
        user_domain_name: identity.domain_name,
        password_expires_at: identity.user.password_expires_at,
        scope: found,
        groups,
        roles,
    }))
}

/// Makes of facts what will be used again and again.
pub async fn prepare(app: &App, facts: Facts, tick: u64) -> Result<Token> {
    let mut conn = app.store.read().await?;
    let entries = if facts.scope == Scope::Unscoped { Vec::new() } else { store::catalog::list(&mut conn).await? };
    let service_providers = store::service_provider::list_enabled(&mut conn).await?;
    let prepared = Prepared {
        expires_at: facts.payload.expires_at,
        credentials: credentials(&facts),
        target: Target::stored("token", &subject(&facts)),
        catalog: Arc::new(entries),
        service_providers,
        bodies: [OnceLock::new(), OnceLock::new()],
    };
    Ok(Arc::new(Entry::new(facts, prepared, tick)))
}

/// The same of who has no roles, by what policy is to see of them. They have no catalog, and are not remembered.
pub(super) fn without_roles(facts: Facts, credentials: Credentials, tick: u64) -> Token {
    let prepared = Prepared {
        expires_at: facts.payload.expires_at,
        credentials,
        target: Target::new(),
        catalog: Arc::default(),
        service_providers: Vec::new(),
        bodies: [OnceLock::new(), OnceLock::new()],
    };
    Arc::new(Entry::new(facts, prepared, tick))
}

/// What policy sees of a caller.
fn credentials(facts: &Facts) -> Credentials {
    let roles: Vec<&str> = facts.roles.iter().map(|r| r.name.as_str()).collect();
    let (project, domain, project_domain) = match &facts.scope {
        Scope::Project { id, is_domain: true, .. } => (Some(id), None, None),
        Scope::Project { id, domain_id, .. } => (Some(id), None, Some(domain_id)),
        Scope::Domain { id, .. } => (None, Some(id), None),
        Scope::Unscoped | Scope::System => (None, None, None),
    };
    let groups: Vec<&str> = facts.groups.iter().map(|g| g.id.as_str()).collect();
    let mut token = json!({"user": {"id": facts.payload.user_id, "domain": {"id": facts.user_domain_id}}});
    match &facts.scope {
        Scope::Project { id, domain_id, .. } => token["project"] = json!({"id": id, "domain": {"id": domain_id}}),
        Scope::Domain { id, .. } => token["domain"] = json!({ "id": id }),
        Scope::Unscoped | Scope::System => {}
    }
    Credentials::new(json!({
        "token": token,
        "user_id": facts.payload.user_id,
        "user_domain_id": facts.user_domain_id,
        "project_id": project,
        "project_domain_id": project_domain,
        "domain_id": domain,
        "system_scope": (facts.scope == Scope::System).then_some("all"),
        "roles": roles,
        "group_ids": groups,
        "is_admin": false,
    }))
}

/// What policy sees of a token that a request is about.
fn subject(facts: &Facts) -> Value {
    let (kind, id) = facts.scope.kind_and_id();
    let mut subject = json!({
        "user_id": facts.payload.user_id,
        "user": {"id": facts.payload.user_id, "domain": {"id": facts.user_domain_id}},
    });
    if let (Some(kind @ ("project" | "domain")), Some(id)) = (kind, id) {
        subject[kind] = json!({ "id": id });
    }
    subject
}
