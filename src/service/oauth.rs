//! The tenant as OAuth 2.0 and OpenID provider (tenant-login §9): what comes of an authorization, and how it ends.

pub mod access;
pub mod claims;
pub mod client_auth;
mod code;
pub mod device;
pub mod discovery;
mod exchange;
mod granted;
pub mod hint;
pub mod introspect;
mod itself;
pub mod keys;
pub mod keystone;
mod mint;
pub mod origins;
pub mod parameters;
mod refresh;
pub mod scopes;
mod standing;
pub mod token;
pub mod userinfo;

use std::time::Duration;

pub use mint::Tokens;
pub(in crate::service) use refresh::end as refresh_end;

use super::{App, revocation};
use crate::cache;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::authorization::Of;
use crate::store::{self, Conn};

/// The scope by which an application gets a refresh token that outlives the session.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Authorizations that are read at once when many are taken back.
const BATCH: i64 = 500;

/// What is remembered of tenants as providers.
#[derive(Debug)]
pub struct Known {
    rings: keys::Rings,
    tokens: cache::Tokens<access::Access>,
    origins: origins::Origins,
    guesses: device::Guesses,
}

/// What the token of an application that acts for itself says of its kind.
const CLIENT_CREDENTIALS: &str = "client_credentials";

impl Known {
    /// Nothing yet. At most `entries` tokens will be remembered, each for `ttl`.
    pub fn new(entries: u64, ttl: Duration) -> Self {
        Self {
            rings: keys::Rings::default(),
            tokens: cache::Tokens::new(entries, ttl),
            origins: origins::Origins::default(),
            guesses: device::Guesses::default(),
        }
    }

    /// Gives the memory of those tokens back that are no longer remembered.
    pub fn sweep(&self, now: Timestamp) {
        self.tokens.sweep(now);
    }
}

/// Takes an authorization back in the caller's transaction: its codes and refresh tokens are void, and so are its access tokens
/// wherever they are remembered. False if that was done already.
pub async fn revoke(app: &App, tx: &mut Conn, authorization_id: &str, reason: &str) -> Result<bool> {
    if !store::authorization::revoke(tx, authorization_id, reason, app.now()).await? {
        return Ok(false);
    }
    store::revocation::insert(tx, &revocation::of_chain(app, authorization_id)).await?;
    Ok(true)
}

/// The same for all of a tenant, an application, a user or a session at once.
///
/// A change of a tenant or an application has whatever is remembered of their access tokens looked up again, so of theirs only
/// those get an event from which tokens of this service itself may have come (see `keystone`).
pub async fn revoke_all(app: &App, tx: &mut Conn, of: Of<'_>, reason: &str) -> Result<()> {
    let audience = matches!(of, Of::Tenant(_) | Of::Client(_)).then(|| scopes::service_audience(app));
    let mut after = String::new();
    loop {
        let some = store::authorization::list_live(tx, of, audience.as_deref(), app.now(), (&after, BATCH)).await?;
        for live in &some {
            if audience.as_ref().is_none_or(|audience| live.facts.audience.contains(audience)) {
                store::revocation::insert(tx, &revocation::of_chain(app, &live.id)).await?;
            }
        }
        let is_last = some.len() < usize::try_from(BATCH).unwrap_or(0);
        match some.into_iter().next_back() {
            Some(last) if !is_last => after = last.id,
            _ => break,
        }
    }
    store::authorization::revoke_all(tx, of, reason, app.now()).await.map(drop)
}

#[cfg(test)]
pub(crate) mod tests;
