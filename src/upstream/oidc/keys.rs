//! A provider's keys (RFC 7517), decoded once and ready to verify with.
//!
//! A key counts if its type, its curve, its `use` and `key_ops` and its `alg` all allow it to verify one of the signatures
//! that are known here, if an RSA modulus has 2048 bits or more and the exponent is 65537 or more. A key that does not
//! count is skipped, so a provider may publish what we do not know.

use std::fmt;

use aws_lc_rs::signature::{
    self, ED25519, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::jwt::Jwt;
use crate::model::connection::oidc::Algorithm;

/// Most keys of a set that are looked at.
const MAX_KEYS: usize = 100;
/// Most keys that one token is tried with.
const MAX_TRIES: usize = 8;
/// Bits of an RSA modulus, at least and at most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// A key, ready for one algorithm.
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    public: ParsedPublicKey,
}

/// A set of keys.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.keys.iter().map(|k| (k.id.as_deref().unwrap_or("-"), k.algorithm.as_str()));
        f.debug_list().entries(ids).finish()
    }
}

/// Why no key verified a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverified {
    /// The set has no key of that id for that algorithm.
    NoKey,
    /// None of the keys made the signature.
    Signature,
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "the provider has no such key",
            Self::Signature => "the signature is wrong",
        })
    }
}

impl KeySet {
    /// Reads a JWK set; the error says what it is instead.
    pub fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_slice(text).map_err(|_| "the key set is not JSON")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("the key set has no list 'keys'")?;
        Ok(Self { keys: keys.iter().take(MAX_KEYS).flat_map(decode).collect() })
    }

    /// Whether no key counts.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether some key verifies signatures of an algorithm that is trusted.
    pub fn serves(&self, trusted: &[Algorithm]) -> bool {
        self.keys.iter().any(|key| trusted.contains(&key.algorithm))
    }

    /// Verifies a token's signature.
    pub fn verify(&self, jwt: &Jwt<'_>) -> Result<(), Unverified> {
        // A key without an id is the provider's all the same; a token that names none may be of any.
        let fits = |key: &&Key| match (&key.id, &jwt.header.kid) {
            (Some(own), Some(named)) => own == named,
            _ => true,
        };
        let mut failure = Unverified::NoKey;
        let candidates = self.keys.iter().filter(|key| key.algorithm == jwt.algorithm).filter(fits);
        for key in candidates.take(MAX_TRIES) {
            if key.public.verify_sig(jwt.signed.as_bytes(), &jwt.signature).is_ok() {
                return Ok(());
            }
            failure = Unverified::Signature;
        }
        Err(failure)
    }
}

/// The key for each algorithm that it may be used with.
fn decode(jwk: &Value) -> Vec<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let verifies = jwk.get("use").is_none_or(|u| u == "sig")
        && jwk.get("key_ops").is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op == "verify")));
    if !verifies {
        return Vec::new();
    }
    let algorithms: Vec<Algorithm> = match jwk.get("alg") {
        None => Algorithm::ALL.to_vec(),
        Some(alg) => alg.as_str().and_then(super::jwt::algorithm).into_iter().collect(),
    };
    let public = |algorithm: Algorithm| match (text("kty")?, parameters(algorithm)) {
        ("RSA", Parameters::Rsa(parameters)) => rsa(text("n")?, text("e")?, parameters),
        ("EC", Parameters::Ec(curve, size, parameters)) if text("crv") == Some(curve) => {
            let (x, y) = (bytes(text("x")?)?, bytes(text("y")?)?);
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            let whole = x.len() == size && y.len() == size;
            ParsedPublicKey::new(parameters, point).ok().filter(|_| whole)
        }
        ("OKP", Parameters::Ed(parameters)) if text("crv") == Some("Ed25519") => {
            let x = bytes(text("x")?).filter(|x| x.len() == 32)?;
            ParsedPublicKey::new(parameters, x).ok()
        }
        _ => None,
    };
    let key = |algorithm| Some(Key { id: text("kid").map(str::to_owned), algorithm, public: public(algorithm)? });
    algorithms.into_iter().filter_map(key).collect()
}

enum Parameters {
    Rsa(&'static RsaParameters),
    Ec(&'static str, usize, &'static dyn VerificationAlgorithm),
    Ed(&'static dyn VerificationAlgorithm),
}

fn parameters(algorithm: Algorithm) -> Parameters {
    match algorithm {
        Algorithm::Rs256 => Parameters::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Parameters::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Parameters::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Parameters::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Parameters::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Parameters::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => Parameters::Ec("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => Parameters::Ec("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDsa => Parameters::Ed(&ED25519),
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A number without the zeros before it, which some providers send.
fn number(text: &str) -> Option<Vec<u8>> {
    let raw = bytes(text)?;
    let first = raw.iter().position(|b| *b != 0)?;
    Some(raw[first..].to_vec())
}

fn rsa(n: &str, e: &str, parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
    let (n, e) = (number(n)?, number(e)?);
    let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
    // The library itself takes no exponent over 33 bits.
    let exponent = e.iter().take(8).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    if !RSA_BITS.contains(&bits) || exponent < 65_537 || exponent % 2 == 0 || e.len() > 8 {
        return None;
    }
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
}
