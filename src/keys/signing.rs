//! Key pairs that tenants sign their tokens with: RS256 and ES256 (RFC 7518 §3.3, §3.4), and the compact form of what they
//! sign (RFC 7515 §7.1).
//!
//! A token names its key, and the key fixes the algorithm. The header may hold `alg`, `typ` and `kid` and nothing else, so
//! `jku`, `jwk`, `x5u` or `crit` make it a token that is none of ours; base64url is read strictly, without padding and with
//! no other spelling of the same bytes (OP-TOK-6).

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::tenant::SigningAlgorithm;
use crate::secret::Secret;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

enum Private {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A key pair.
pub struct Pair {
    private: Private,
    public: ParsedPublicKey,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({})", self.algorithm().as_str())
    }
}

/// A new private key (PKCS #8). An RSA key takes a tenth of a second and more: not for an async thread.
pub fn generate(algorithm: SigningAlgorithm) -> Result<Secret> {
    // The library's own generator makes the key; it takes no source of randomness from outside.
    let failed = |_| Error::internal("cannot make a signing key");
    match algorithm {
        SigningAlgorithm::Rs256 => {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            Ok(Secret::new(der.as_ref()))
        }
        SigningAlgorithm::Es256 => {
            let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            Ok(Secret::new(der.map_err(failed)?.as_ref()))
        }
    }
}

impl Pair {
    /// Reads a private key.
    pub fn read(algorithm: SigningAlgorithm, pkcs8: &Secret) -> Result<Self> {
        let failed = |_: KeyRejected| Error::internal("a stored signing key cannot be read");
        let (private, public) = match algorithm {
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(failed)?;
                let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
                (Private::Rsa(pair), public)
            }
            SigningAlgorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose()).map_err(failed)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
                (Private::Ec(pair), public)
            }
        };
        Ok(Self { private, public: public.map_err(failed)? })
    }

    fn algorithm(&self) -> SigningAlgorithm {
        match self.private {
            Private::Rsa(_) => SigningAlgorithm::Rs256,
            Private::Ec(_) => SigningAlgorithm::Es256,
        }
    }

    /// The public half as it is published (RFC 7517), with its thumbprint as its id (RFC 7638).
    pub fn public_jwk(&self) -> Result<(String, Value)> {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let unreadable = || Error::internal("a public key cannot be read");
        // The members that are required, in order: that is what the thumbprint is of.
        let (required, alg) = match &self.private {
            Private::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref()).ok_or_else(unreadable)?;
                (format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(e), b64(n)), "RS256")
            }
            Private::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..33).zip(point.get(33..65)).ok_or_else(unreadable)?;
                (format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, b64(x), b64(y)), "ES256")
            }
        };
        let id = b64(&Sha256::digest(&required));
        let mut jwk: Map<String, Value> = serde_json::from_str(&required).map_err(|_| unreadable())?;
        jwk.insert("use".into(), json!("sig"));
        jwk.insert("alg".into(), json!(alg));
        jwk.insert("kid".into(), json!(id));
        Ok((id, Value::Object(jwk)))
    }

    /// A token with this header and these claims. RSA takes about a millisecond.
    pub fn sign(&self, kid: &str, typ: &str, claims: &Value) -> Result<String> {
        let header = Header { alg: self.algorithm().as_str().into(), typ: typ.into(), kid: kid.into() };
        let written = |json: serde_json::Result<Vec<u8>>| {
            json.map(|text| URL_SAFE_NO_PAD.encode(text))
                .map_err(|e| Error::internal(format!("cannot write a token: {e}")))
        };
        let signed = format!("{}.{}", written(serde_json::to_vec(&header))?, written(serde_json::to_vec(claims))?);
        let failed = |_| Error::internal("cannot sign a token");
        let random = SystemRandom::new();
        let signature = match &self.private {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).map_err(failed)?;
                signature
            }
            Private::Ec(pair) => pair.sign(&random, signed.as_bytes()).map_err(failed)?.as_ref().to_vec(),
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Whether this pair made a token's signature.
    pub fn verifies(&self, token: &Compact<'_>) -> bool {
        token.header.alg == self.algorithm().as_str()
            && self.public.verify_sig(token.signed.as_bytes(), &token.signature).is_ok()
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1), without zeros before them.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = element(der, 0x30)?;
    let (n, rest) = element(body, 0x02)?;
    let (e, _) = element(rest, 0x02)?;
    Some((trimmed(n), trimmed(e)))
}

fn trimmed(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

/// The contents of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().try_fold(0_usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)))?, rest)
        }
    };
    (*first == tag).then(|| rest.split_at_checked(length))?
}

/// What the header of a token of ours says, and all that it may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The algorithm.
    pub alg: String,
    /// The kind of token.
    pub typ: String,
    /// The key.
    pub kid: String,
}

/// A token in its parts, of which nothing is believed yet.
#[derive(Debug)]
pub struct Compact<'t> {
    /// Its header.
    pub header: Header,
    signed: &'t str,
    claims: &'t str,
    signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart; `None` if it cannot be one of ours.
    pub fn parse(token: &'t str) -> Option<Self> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.').filter(|(_, claims)| !claims.contains('.'))?;
        let header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        Some(Self { header, signed, claims, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    /// The claims. Nothing may be done with them before the signature is verified, but to find the key.
    pub fn claims(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(self.claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pair(algorithm: SigningAlgorithm) -> (Pair, String, Value) {
        let pair = Pair::read(algorithm, &generate(algorithm).unwrap()).unwrap();
        let (id, jwk) = pair.public_jwk().unwrap();
        (pair, id, jwk)
    }

    #[test]
    fn what_a_pair_signs_its_published_half_verifies_elsewhere() {
        for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
            let (pair, id, jwk) = pair(algorithm);
            let token = pair.sign(&id, "JWT", &json!({"sub": "u", "exp": 4_000_000_000_u64})).unwrap();
            let parsed = Compact::parse(&token).unwrap();
            assert!(pair.verifies(&parsed));
            assert_eq!(parsed.claims().unwrap()["sub"], "u");
            // By another reader of RFC 7517.
            let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
            assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), id);
            let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
            let mut validation = jsonwebtoken::Validation::new(algorithm.as_str().parse().unwrap());
            validation.validate_aud = false;
            let read = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
            assert_eq!(read.header.kid.as_deref(), Some(id.as_str()));
        }
    }

    #[test]
    fn op_tok_6_another_spelling_of_a_token_is_another_token() {
        let (pair, id, _) = pair(SigningAlgorithm::Es256);
        let token = pair.sign(&id, "at+jwt", &json!({"sub": "u"})).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let believed = |text: &str| Compact::parse(text).is_some_and(|t| pair.verifies(&t));
        assert!(believed(&token));
        let mut last = signature.to_owned();
        // Of 64 bytes, the last character bears four bits that are no part of the signature.
        let end = last.pop().unwrap();
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.iter().position(|b| char::from(*b) == end).unwrap();
        last.push(char::from(alphabet[at ^ 1]));
        for wrong in [
            format!("{token}="),
            format!("{token}=="),
            format!("{token}\n"),
            format!(" {token}"),
            token[..token.len() - 1].to_owned(),
            format!("{signed}.{last}"),
            format!("{signed}."),
            signed.to_owned(),
            format!("{token}.x"),
            token.replace('-', "+").replace('_', "/") + "+",
        ] {
            assert!(!believed(&wrong), "{wrong}");
        }
    }

    #[test]
    fn a_header_that_says_more_or_names_another_algorithm_is_none_of_ours() {
        let (pair, id, _) = pair(SigningAlgorithm::Es256);
        let token = pair.sign(&id, "JWT", &json!({})).unwrap();
        let rest = token.split_once('.').unwrap().1;
        for header in [
            json!({"alg": "ES256", "typ": "JWT", "kid": id, "jku": "https://evil.example"}),
            json!({"alg": "ES256", "typ": "JWT", "kid": id, "jwk": {}}),
            json!({"alg": "ES256", "typ": "JWT", "kid": id, "crit": ["b64"], "b64": false}),
            json!({"alg": "none", "typ": "JWT", "kid": id}),
            json!({"alg": "RS256", "typ": "JWT", "kid": id}),
            json!({"alg": "ES256", "kid": id}),
        ] {
            let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()));
            assert!(!Compact::parse(&forged).is_some_and(|t| pair.verifies(&t)), "{header}");
        }
    }
}
