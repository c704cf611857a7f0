//! Access tokens of a tenant: what one says, whether it still holds, remembered (RFC 9068 §4).
//!
//! The order is that of Keystone's tokens: read it, look up what it rests on, then revocation. A remembered one skips all
//! look-ups and the signature until something that it rests on changes (see `cache`).

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::super::{App, activity, protocol, tenant};
use super::mint::Made;
use super::token::Asking;
use super::{claims, keys, userinfo};
use crate::cache::{self, Entry, Standing};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::authorization::Authorization;
use crate::model::facts::{Facts, Scope};
use crate::model::tenant::Tenant;
use crate::model::token::{self, Federated, Payload};
use crate::model::user::Identity;
use crate::store;

/// The `typ` of access tokens.
pub const TYP: &str = "at+jwt";

/// What an access token says.
#[derive(Debug)]
pub struct Access {
    /// All its claims.
    pub claims: Map<String, Value>,
    /// The application that it was issued to.
    pub client_id: String,
    /// Whose it is; none for an application's own.
    pub user_id: Option<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Whom it is for.
    pub audience: Vec<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its id.
    pub jti: String,
    /// The authorization that it comes of.
    pub authorization_id: String,
    /// How its user came in.
    pub federated: Option<Federated>,
    /// How it was made sure who they are.
    pub amr: Vec<String>,
    /// Userinfo, once it was asked for.
    pub(super) userinfo: OnceLock<bytes::Bytes>,
}

/// A token that holds.
pub type Granted = Arc<Entry<Access>>;

fn refused(why: &str) -> Error {
    Error::refused_because(Code::InvalidToken, "The token is not valid.", why)
}

/// What a token of this tenant says, if it holds now.
///
/// # Errors
/// `Refused` with [`Code::InvalidToken`].
pub async fn resolve(app: &App, tenant: &Tenant, token: &str) -> Result<Granted> {
    if !app.memory.is_current() {
        app.feed.current(&app.memory).await?;
    }
    let digest = cache::digest(token);
    let remembered = app.oauth.tokens.get(&digest, app.now()).filter(|e| e.facts.user_domain_id == tenant.id);
    let granted = match remembered {
        Some(entry) => match entry.standing(&app.memory) {
            Standing::Good => Some(entry),
            Standing::Stale | Standing::Revoked => {
                app.oauth.tokens.forget(&digest);
                None
            }
        },
        None => None,
    };
    let granted = match granted {
        Some(granted) => granted,
        None => {
            let granted = Box::pin(look_up(app, tenant, token)).await?;
            app.oauth.tokens.put(digest, granted.clone(), app.now());
            granted
        }
    };
    let access = &granted.prepared;
    if access.expires_at <= app.now() {
        return Err(refused("the token has ended"));
    }
    match tenant::client(app, &tenant.id, &access.client_id).await? {
        Some(client) if client.application.enabled => Ok(granted),
        _ => Err(refused("its application is gone or disabled")),
    }
}

async fn look_up(app: &App, tenant: &Tenant, token: &str) -> Result<Granted> {
    let tick = app.memory.tick();
    let read = keys::verify(app, tenant, token, TYP).await?;
    let access = parse(read).ok_or_else(|| refused("the claims are not those of an access token"))?;
    let mut conn = app.store.read().await?;
    let authorization = store::authorization::get(&mut conn, &access.authorization_id).await?;
    let authorization = authorization
        .filter(|a| a.tenant_id == tenant.id && a.user_id == access.user_id)
        .ok_or_else(|| refused("its authorization is gone"))?;
    if authorization.revoked_at.is_some() {
        return Err(refused("its authorization was taken back"));
    }
    let identity = match &access.user_id {
        None => None,
        Some(user_id) => {
            let identity = activity::user(app, &mut conn, user_id).await?;
            let identity = identity.filter(|i| i.user.enabled && i.domain_enabled);
            let identity = identity.ok_or_else(|| refused("its user is gone or disabled"))?;
            if identity.user.domain_id != tenant.id {
                return Err(refused("its user is of another tenant"));
            }
            if let Some(federated) = claims::federated(&authorization.facts)
                && !protocol::is_open(app, &mut conn, &federated.idp_id, &federated.protocol_id).await?
            {
                return Err(refused("its identity provider is gone or disabled"));
            }
            Some(identity)
        }
    };
    let entry = entry(tenant, access, &authorization, identity.as_ref(), tick);
    if app.memory.is_revoked(&entry.facts) {
        return Err(refused("it was revoked"));
    }
    Ok(Arc::new(entry))
}

/// What is remembered of a token, and of what it rests on as that was read after `tick`.
fn entry(
    tenant: &Tenant,
    mut access: Access,
    authorization: &Authorization,
    identity: Option<&Identity>,
    tick: u64,
) -> Entry<Access> {
    access.federated = claims::federated(&authorization.facts);
    access.amr.clone_from(&authorization.facts.amr);
    let facts = Facts {
        payload: Payload {
            user_id: access.user_id.clone().unwrap_or_else(|| access.client_id.clone()),
            methods: Vec::new(),
            issued_at: access.issued_at,
            expires_at: access.expires_at,
            audit_ids: vec![access.jti.clone(), access.authorization_id.clone()],
            scope: token::Scope::Unscoped,
            federated: access.federated.clone(),
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        },
        user_name: identity.map(|i| i.user.name.clone()).unwrap_or_default(),
        user_domain_id: tenant.id.clone(),
        user_domain_name: identity.map(|i| i.domain_name.clone()).unwrap_or_default(),
        password_expires_at: None,
        scope: Scope::Unscoped,
        groups: Vec::new(),
        roles: Vec::new(),
    };
    Entry::new(facts, access, tick)
}

/// Remembers a token that was issued just now, so that its first use asks the database nothing. `about` is what its scopes
/// tell of the user.
pub(super) fn remember(
    asking: &Asking<'_>,
    made: Made,
    authorization: &Authorization,
    identity: &Identity,
    about: Option<Map<String, Value>>,
) {
    let Asking { app, tenant, tick, .. } = *asking;
    let Some(access) = parse(made.claims) else { return };
    if let Some(about) = about {
        access.userinfo.get_or_init(|| userinfo::document(tenant, &identity.user.id, about));
    }
    let entry = entry(tenant, access, authorization, Some(identity), tick);
    app.oauth.tokens.put(cache::digest(&made.token), Arc::new(entry), app.now());
}

/// Reads the claims of an access token; they have been verified.
fn parse(read: Map<String, Value>) -> Option<Access> {
    let text = |name: &str| read.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| read.get(name).and_then(Value::as_i64).map(Timestamp::from_secs);
    let audience = match read.get("aud")? {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        _ => return None,
    };
    let (client_id, subject) = (text("client_id")?, text("sub")?);
    let by_itself = read.get("token_type").is_some_and(|t| t == super::CLIENT_CREDENTIALS);
    let scopes = text("scope").unwrap_or_default();
    Some(Access {
        user_id: (!by_itself).then_some(subject),
        scopes: scopes.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        audience,
        issued_at: time("iat")?,
        expires_at: time("exp")?,
        jti: text("jti")?,
        authorization_id: text("grant_id")?,
        client_id,
        federated: None,
        amr: Vec::new(),
        userinfo: OnceLock::new(),
        claims: read,
    })
}
