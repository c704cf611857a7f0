//! The forms of stored password hashes: what Keystone's releases have written, and our own argon2id.
//!
//! | form | written by |
//! |---|---|
//! | `$argon2id$v=19$m=…,t=…,p=…$salt$hash` | us |
//! | `$2a$`, `$2b$`, `$2y$` | Keystone's `bcrypt`; the password is cut at 72 bytes |
//! | `$bcrypt-sha256$v=2,t=2b,r=12$salt$hash` | Keystone's `bcrypt_sha256`: bcrypt of the base64 of HMAC-SHA256 |
//! | `$scrypt$ln=16,r=8,p=1$salt$hash` | Keystone's `scrypt` |
//! | `$pbkdf2-sha512$25000$salt$hash` | Keystone's `pbkdf2_sha512` |
//!
//! The costs that a hash asks for are bounded, so that a hostile imported hash cannot stall the service: a hash beyond
//! them is treated as one of no known form.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Cost;

const ARGON2_OUTPUT: usize = 32;
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_ARGON2_ITERATIONS: u32 = 16;
const MAX_LANES: u32 = 16;
/// Rounds are powers of two: 15 is about two seconds.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=15;
const MAX_SCRYPT_PARALLELISM: u32 = 4;
const MAX_PBKDF2_ROUNDS: u32 = 1_000_000;
const MAX_SALT: usize = 128;
const MAX_HASH_TEXT: usize = 512;

/// A stored hash, ready to be compared with a password.
pub(super) enum Stored {
    Argon2id {
        cost: Cost,
        salt: Vec<u8>,
        digest: Vec<u8>,
    },
    /// In bcrypt's own form.
    Bcrypt(String),
    /// The salt's text keys the HMAC; the rest is in bcrypt's own form.
    BcryptSha256 {
        salt: String,
        bcrypt: String,
    },
    Scrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
        digest: Vec<u8>,
    },
    Pbkdf2Sha512 {
        rounds: NonZeroU32,
        salt: Vec<u8>,
        digest: Vec<u8>,
    },
}

impl Stored {
    /// A hash of this cost that no password has, or one that nobody knows.
    pub(super) fn unmatchable(cost: Cost) -> Self {
        Self::Argon2id { cost, salt: vec![0; 16], digest: vec![0; ARGON2_OUTPUT] }
    }

    pub(super) fn is_argon2id_of(&self, wanted: Cost) -> bool {
        matches!(self, Self::Argon2id { cost, digest, .. } if *cost == wanted && digest.len() == ARGON2_OUTPUT)
    }

    /// Computes the hash of `password` and compares in constant time.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        match self {
            Self::Argon2id { cost, salt, digest } => {
                let mut output = Zeroizing::new(vec![0; digest.len()]);
                argon2id(*cost, salt, password, &mut output) && output.ct_eq(digest).into()
            }
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::BcryptSha256 { salt, bcrypt } => {
                let Ok(mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else { return false };
                let mac = Zeroizing::new(STANDARD.encode(mac.chain_update(password).finalize().into_bytes()));
                bcrypt::verify(mac.as_bytes(), bcrypt).unwrap_or(false)
            }
            Self::Scrypt { params, salt, digest } => {
                let mut output = Zeroizing::new(vec![0; digest.len()]);
                scrypt::scrypt(password, salt, params, &mut output).is_ok() && output.ct_eq(digest).into()
            }
            Self::Pbkdf2Sha512 { rounds, salt, digest } => {
                pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA512, *rounds, salt, password, digest).is_ok()
            }
        }
    }
}

/// The argon2id hash of `password` in PHC form.
pub(super) fn hash(cost: Cost, salt: &[u8], password: &[u8]) -> Option<String> {
    let mut output = Zeroizing::new([0; ARGON2_OUTPUT]);
    let Cost { memory_kib, iterations, lanes } = cost;
    argon2id(cost, salt, password, &mut *output).then(|| {
        let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(*output));
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}${salt}${digest}")
    })
}

fn argon2id(cost: Cost, salt: &[u8], password: &[u8], output: &mut [u8]) -> bool {
    let params = Params::new(cost.memory_kib, cost.iterations, cost.lanes, Some(output.len()));
    params.is_ok_and(|params| {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(password, salt, output).is_ok()
    })
}

/// True for a cost that argon2 knows and that does not stall us.
pub(super) fn is_bearable(cost: Cost) -> bool {
    let Cost { memory_kib, iterations, lanes } = cost;
    (1..=MAX_LANES).contains(&lanes)
        && (8 * lanes..=MAX_MEMORY_KIB).contains(&memory_kib)
        && (1..=MAX_ARGON2_ITERATIONS).contains(&iterations)
        && u64::from(memory_kib) * u64::from(iterations) <= 4 * u64::from(MAX_MEMORY_KIB)
}

/// The name of the form, for the log; never more of the hash.
pub(super) fn name(hash: &str) -> &str {
    let name = hash.strip_prefix('$').and_then(|rest| rest.split('$').next()).unwrap_or_default();
    let plain = name.len() <= 20 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && !name.is_empty() { name } else { "unknown" }
}

/// Reads a stored hash. `None` for an unknown or malformed one, or one that costs too much.
pub(super) fn parse(hash: &str) -> Option<Stored> {
    if hash.len() > MAX_HASH_TEXT {
        return None;
    }
    let fields: Vec<&str> = hash.strip_prefix('$')?.split('$').collect();
    match fields[..] {
        ["argon2id", "v=19", params, salt, digest] => {
            let [memory_kib, iterations, lanes] = numbers(params, ["m", "t", "p"])?;
            let (cost, salt, digest) = (Cost { memory_kib, iterations, lanes }, decode(salt)?, decode(digest)?);
            let sized = (8..=MAX_SALT).contains(&salt.len()) && (16..=64).contains(&digest.len());
            (is_bearable(cost) && sized).then_some(Stored::Argon2id { cost, salt, digest })
        }
        ["2a" | "2b" | "2y", cost, rest] => {
            let bearable = cost.len() == 2 && BCRYPT_COSTS.contains(&number(cost)?) && is_bcrypt_text(rest, 53);
            bearable.then(|| Stored::Bcrypt(hash.to_owned()))
        }
        ["bcrypt-sha256", params, salt, digest] => {
            let cost = number(params.strip_prefix("v=2,t=2b,r=")?).filter(|cost| BCRYPT_COSTS.contains(cost))?;
            (is_bcrypt_text(salt, 22) && is_bcrypt_text(digest, 31)).then(|| Stored::BcryptSha256 {
                salt: salt.to_owned(),
                bcrypt: format!("$2b${cost:02}${salt}{digest}"),
            })
        }
        ["scrypt", params, salt, digest] => {
            let [log_n, r, p] = numbers(params, ["ln", "r", "p"])?;
            let memory = 128u64.checked_mul(u64::from(r))?.checked_mul(1u64.checked_shl(log_n)?)?;
            let bearable = memory <= u64::from(MAX_MEMORY_KIB) * 1024 && p <= MAX_SCRYPT_PARALLELISM && log_n > 0;
            let (salt, digest) = (decode(salt)?, decode(digest)?);
            let sized = salt.len() <= MAX_SALT && digest.len() == 32;
            let params = scrypt::Params::new(u8::try_from(log_n).ok()?, r, p).ok()?;
            (bearable && sized).then_some(Stored::Scrypt { params, salt, digest })
        }
        ["pbkdf2-sha512", rounds, salt, digest] => {
            let rounds = NonZeroU32::new(number(rounds)?).filter(|rounds| rounds.get() <= MAX_PBKDF2_ROUNDS)?;
            let (salt, digest) = (decode(salt)?, decode(digest)?);
            let sized = salt.len() <= MAX_SALT && digest.len() == 64;
            sized.then_some(Stored::Pbkdf2Sha512 { rounds, salt, digest })
        }
        _ => None,
    }
}

/// Base64 without padding; passlib writes `.` for `+`.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text.replace('.', "+")).ok()
}

fn is_bcrypt_text(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/')
}

/// A decimal number without sign.
fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// `a=1,b=2,c=3` with these names in this order.
fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut values = [0; N];
    let mut fields = text.split(',');
    for (value, name) in values.iter_mut().zip(names) {
        *value = number(fields.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    fields.next().is_none().then_some(values)
}
