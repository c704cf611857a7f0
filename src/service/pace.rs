//! How often one may try at a tenant (tenant-login §2.7), on this node: a token bucket for each thing, tenant and address, and
//! for each application at the token endpoint.
//!
//! A bucket is one number: the time at which it will be full again (the generic cell rate algorithm). Addresses of one IPv6
//! network of 64 bits are one, as whoever has one of them has all. The number of buckets is bounded; the one that was not
//! asked for longest goes first, and a bucket that is gone is a full one.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::App;
use super::caller::Origin;
use crate::clock::Timestamp;
use crate::config;
use crate::error::{Error, Result};

/// Most buckets that are kept.
const MAX_BUCKETS: u64 = 200_000;
/// Most addresses that are kept out.
const MAX_BLOCKED: u64 = 50_000;
/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;
/// How long whoever failed too often is kept out, in seconds.
const BLOCK_SECS: i64 = 300;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Asking for the list of identity providers.
    Idps,
    /// Beginning to sign in.
    Begin,
    /// Coming back from the identity provider, and whatever else ends or goes on with a sign-in by what is shown.
    Finish,
    /// Asking for tokens.
    Token,
    /// Asking by SCIM.
    Scim,
}

impl Kind {
    fn per_minute(self, config: &config::Tenant) -> u32 {
        match self {
            Self::Idps => config.idps_per_minute,
            Self::Begin => config.begin_per_minute,
            Self::Finish => config.finish_per_minute,
            Self::Token => config.token_per_minute,
            Self::Scim => config.scim_per_minute,
        }
    }
}

/// Who tries what where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    /// None: failing.
    kind: Option<Kind>,
    tenant_id: String,
    client_id: Option<String>,
    address: Option<IpAddr>,
}

/// All buckets of this node.
#[derive(Debug)]
pub struct Paces {
    buckets: Cache<Key, Arc<AtomicI64>>,
    /// Until when whom is kept out.
    blocked: Cache<Key, Timestamp>,
}

impl Default for Paces {
    fn default() -> Self {
        fn bounded<V: Clone + Send + Sync + 'static>(most: u64) -> Cache<Key, V> {
            Cache::builder().max_capacity(most).eviction_policy(EvictionPolicy::lru()).build()
        }
        Self { buckets: bounded(MAX_BUCKETS), blocked: bounded(MAX_BLOCKED) }
    }
}

impl Paces {
    /// Takes one from a bucket that holds `per_minute` and is filled at that pace; else how many microseconds it takes until
    /// there is one again.
    fn take(&self, key: Key, per_minute: u32, now: Timestamp) -> std::result::Result<(), i64> {
        let each = MINUTE / i64::from(per_minute.max(1));
        let bucket = self.buckets.get_with(key, Arc::default);
        let mut wait = 0;
        let taken = bucket.fetch_update(Ordering::AcqRel, Ordering::Acquire, |full_at| {
            let next = full_at.max(now.0).saturating_add(each);
            wait = next.saturating_sub(now.0).saturating_sub(MINUTE);
            (wait <= 0).then_some(next)
        });
        taken.map(drop).map_err(|_| wait)
    }
}

/// The address that counts: an IPv6 network of 64 bits is one.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn key(kind: Option<Kind>, tenant_id: &str, client_id: Option<&str>, origin: &Origin) -> Key {
    Key {
        kind,
        tenant_id: tenant_id.to_owned(),
        client_id: client_id.map(str::to_owned),
        address: origin.address().map(counted),
    }
}

/// 429 with when to come again.
fn too_many(wait: i64) -> Error {
    let secs = wait.max(1).saturating_add(999_999) / 1_000_000;
    Error::TooMany { message: "Too many requests".to_owned(), retry_after: u32::try_from(secs).unwrap_or(u32::MAX) }
}

/// Counts one try; 429 if there were too many, or whoever tries has failed too often.
pub fn check(app: &App, kind: Kind, tenant_id: &str, origin: &Origin) -> Result<()> {
    let now = app.now();
    let failing = key(None, tenant_id, None, origin);
    if let Some(until) = app.paces.blocked.get(&failing) {
        if now < until {
            return Err(too_many(until.0 - now.0));
        }
        app.paces.blocked.invalidate(&failing);
    }
    count(app, kind, key(Some(kind), tenant_id, None, origin), now)
}

/// Counts one try of an application at the token endpoint. Each address has a bucket of its own: nobody can use up an
/// application's by calling themselves its name.
pub fn check_client(app: &App, tenant_id: &str, client_id: &str, origin: &Origin) -> Result<()> {
    // What is no client id is nobody's, and long texts are not kept.
    let client_id = Some(client_id).filter(|id| id.len() <= 64);
    count(app, Kind::Token, key(Some(Kind::Token), tenant_id, client_id, origin), app.now())
}

fn count(app: &App, kind: Kind, key: Key, now: Timestamp) -> Result<()> {
    match kind.per_minute(&app.config.tenant) {
        0 => Ok(()),
        limit => app.paces.take(key, limit, now).map_err(|wait| {
            app.metrics.counter("archstone_paced_total", &[("kind", format!("{kind:?}").to_lowercase())]).increment(1);
            too_many(wait)
        }),
    }
}

/// Counts an answer that could not be believed: a state that nobody waits for, a token or an assertion that is not right.
/// Whoever brings too many is kept out for a while.
pub fn failed(app: &App, tenant_id: &str, origin: &Origin) {
    let limit = app.config.tenant.failures_per_minute;
    let failing = key(None, tenant_id, None, origin);
    let now = app.now();
    if limit > 0 && app.paces.take(failing.clone(), limit, now).is_err() {
        tracing::warn!(
            tenant_id,
            remote = origin.remote(),
            "kept out for bringing too many answers that cannot be believed"
        );
        app.paces.blocked.insert(failing, now.plus_secs(BLOCK_SECS));
    }
}

#[cfg(test)]
mod tests;
