//! Token keys: what issues tokens and tells ours from others, and the keys on disk.
//!
//! [`TokenKeys`] reads both kinds of token for which it has a repository and issues the configured one, so that an
//! operator can change the kind while tokens of the other still live. The key sets are replaced as a whole while
//! requests go on (TOK-KEY-1): each request sees the old or the new set. A set that cannot be read is not taken, the
//! last good one stays. Every replacement moves [`TokenKeys::generation`], by which caches of validated tokens
//! notice that a key may be gone (TOK-KEY-4).

pub mod fernet;
pub mod jws;
pub mod pair;
pub mod password;
pub mod payload;
pub mod repository;
pub mod signing;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::clock::Random;
use crate::error::{Error, Result};
use crate::model::token::Payload;
use crate::secret::file;
use fernet::Fernet;
use pair::{Pair, PairRepository, PublicKeyInfo};
use payload::Codec;
use repository::{KeyInfo, Repository};

/// Which kind of token is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Fernet, Keystone's default.
    Fernet,
    /// JWS with ES256.
    Jws,
}

/// What token keys are made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The authentication methods, in Keystone's order: their positions are in every Fernet token.
    pub methods: Vec<String>,
    /// The id of the domain that may have an id other than a UUID.
    pub default_domain_id: String,
    /// Which kind of token is issued.
    pub issue: Format,
    /// The Fernet key repository, if Fernet tokens are to be read or issued.
    pub fernet: Option<PathBuf>,
    /// The private and the public repository of the JWS key pair, if JWS tokens are to be read or issued.
    pub jws: Option<(PathBuf, PathBuf)>,
}

/// What may be told about the keys in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The Fernet keys, the primary first.
    pub fernet: Vec<KeyInfo>,
    /// The public keys of JWS tokens, the signing key's first.
    pub jws: Vec<PublicKeyInfo>,
}

/// Issues and reads tokens with the keys on disk.
#[derive(Debug)]
pub struct TokenKeys {
    codec: Codec,
    issue: Format,
    fernet: Option<Repository>,
    jws: Option<PairRepository>,
    current: ArcSwap<Current>,
    reloading: Mutex<()>,
}

#[derive(Debug)]
struct Current {
    generation: u64,
    fernet: Option<Fernet>,
    jws: Option<Pair>,
}

impl TokenKeys {
    /// Reads the repositories. Blocks on the file system.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that do not fit together, [`Error::Internal`] naming the path of a repository
    /// that cannot be used.
    pub fn load(settings: Settings) -> Result<Self> {
        let codec = Codec::new(settings.methods, settings.default_domain_id)?;
        for dir in settings.fernet.iter().chain(settings.jws.iter().map(|(private, _)| private)) {
            file::is_open_to_all(dir);
        }
        let fernet = settings.fernet.map(Repository::new);
        let jws = settings.jws.map(|(private, public)| PairRepository::new(private, public));
        let missing = match settings.issue {
            Format::Fernet => fernet.is_none(),
            Format::Jws => jws.is_none(),
        };
        if missing {
            return Err(Error::invalid(format!("tokens of kind {:?} need a key repository", settings.issue)));
        }
        let first = read(&codec, fernet.as_ref(), jws.as_ref(), settings.issue, 0)?;
        first.log();
        let current = ArcSwap::from_pointee(first);
        Ok(Self { codec, issue: settings.issue, fernet, jws, current, reloading: Mutex::new(()) })
    }

    /// A token of the configured kind that says `payload`. Its times are whole seconds, so the caller should make
    /// `issued_at` and `expires_at` such ([`crate::clock::Timestamp::whole_seconds`]).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a token that would be too long, [`Error::Internal`] for what a token cannot carry.
    pub fn issue(&self, payload: &Payload, random: &Random) -> Result<String> {
        let current = self.current.load();
        match (self.issue, &current.fernet, &current.jws) {
            (Format::Fernet, Some(fernet), _) => fernet.issue(payload, random),
            (Format::Jws, _, Some(pair)) => pair.jws.issue(payload),
            _ => Err(Error::internal("there is no key to issue a token with")),
        }
    }

    /// What `token` says, or `None` if none of the keys made it. Expiry is not looked at.
    pub fn read(&self, token: &str) -> Option<Payload> {
        let current = self.current.load();
        // Base64url has no full stop, and a JWS has two.
        if token.contains('.') { current.jws.as_ref()?.jws.read(token) } else { current.fernet.as_ref()?.read(token) }
    }

    /// Reads the repositories again and takes what they hold if it differs; true if it did. Blocks on the file
    /// system. Called at least once a second, a removed key's tokens die within a second.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path; the keys in use stay.
    pub fn reload_if_changed(&self) -> Result<bool> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.current.load_full();
        let new = read(&self.codec, self.fernet.as_ref(), self.jws.as_ref(), self.issue, old.generation + 1)?;
        if old.same_keys(&new) {
            return Ok(false);
        }
        new.log();
        self.current.store(Arc::new(new));
        Ok(true)
    }

    /// A number that moves with every change of the keys.
    pub fn generation(&self) -> u64 {
        self.current.load().generation
    }

    /// What may be told about the keys in use, for metrics and the command line.
    pub fn inventory(&self) -> Inventory {
        let current = self.current.load();
        Inventory {
            fernet: current.fernet.as_ref().map(|fernet| fernet.keys().info()).unwrap_or_default(),
            jws: current.jws.as_ref().map(|pair| pair.keys.clone()).unwrap_or_default(),
        }
    }
}

impl Current {
    fn log(&self) {
        let primary = self.fernet.as_ref().map(|fernet| fernet.keys().primary().id());
        let fernet_keys = self.fernet.as_ref().map_or(0, |fernet| fernet.keys().iter().count());
        let public_keys = self.jws.as_ref().map_or(0, |pair| pair.keys.len());
        tracing::info!(generation = self.generation, fernet_primary = primary, fernet_keys, public_keys, "token keys");
        for name in self.jws.iter().flat_map(|pair| &pair.ignored) {
            tracing::warn!(file = %name.escape_debug(), "a file among the public keys is no P-256 public key");
        }
    }

    fn same_keys(&self, other: &Self) -> bool {
        let fernet = match (&self.fernet, &other.fernet) {
            (Some(a), Some(b)) => a.keys().same_keys(b.keys()),
            (a, b) => a.is_none() && b.is_none(),
        };
        let ids = |pair: &Pair| pair.keys.iter().map(|key| (key.id.clone(), key.signing)).collect::<Vec<_>>();
        fernet && self.jws.as_ref().map(ids) == other.jws.as_ref().map(ids)
    }
}

fn read(
    codec: &Codec,
    fernet: Option<&Repository>,
    jws: Option<&PairRepository>,
    issue: Format,
    generation: u64,
) -> Result<Current> {
    let fernet = fernet.map(Repository::load).transpose()?.map(|keys| Fernet::new(codec.clone(), keys));
    let jws = jws.map(PairRepository::load).transpose()?;
    if issue == Format::Jws && !jws.as_ref().is_some_and(|pair| pair.keys.iter().any(|key| key.signing)) {
        return Err(Error::internal("there is no private key to sign tokens with"));
    }
    Ok(Current { generation, fernet, jws })
}

#[cfg(test)]
mod tests;
