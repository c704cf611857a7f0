//! Reading a JSON Web Token (RFC 7519) in its signed, compact form (RFC 7515 §7.1), before anything of it is believed.
//!
//! A key is never taken from the token: `jku`, `jwk`, `x5u` and `x5c` are ignored. A header with `crit` asks for something
//! that is not known here and is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::connection::oidc::Algorithm;

/// Longest token, in bytes: what fits into a request's headers, with room.
pub const MAX_TOKEN: usize = 64 * 1024;

/// What the header says of the token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Header {
    alg: String,
    /// Names the key.
    #[serde(default)]
    pub kid: Option<String>,
    /// Names the kind of token.
    #[serde(default)]
    pub typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// A token in its parts.
#[derive(Debug)]
pub struct Jwt<'a> {
    /// Its header.
    pub header: Header,
    /// The algorithm that the header names.
    pub algorithm: Algorithm,
    /// What is signed.
    pub signed: &'a str,
    payload: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The algorithm of that name. `Ed25519` is the newer name of the one `EdDSA` that is known here (RFC 9864).
pub fn algorithm(name: &str) -> Option<Algorithm> {
    Algorithm::parse(if name == "Ed25519" { "EdDSA" } else { name })
}

/// Whether `token` has the form of a signed token, rather than being opaque.
pub fn is_jwt(token: &str) -> bool {
    let header = token.split('.').next().and_then(|h| URL_SAFE_NO_PAD.decode(h).ok());
    token.bytes().filter(|b| *b == b'.').count() == 2
        && header.is_some_and(|h| serde_json::from_slice::<Map<String, Value>>(&h).is_ok_and(|h| h.contains_key("alg")))
}

impl<'a> Jwt<'a> {
    /// Takes a token apart; the error says what is wrong with it.
    pub fn parse(token: &'a str) -> Result<Self, String> {
        if token.len() > MAX_TOKEN {
            return Err("the token is too long".to_owned());
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("the token is not a signed JWT")?;
        let (header, payload) = signed.split_once('.').ok_or("the token is not a signed JWT")?;
        if payload.contains('.') {
            return Err("the token is not a signed JWT".to_owned());
        }
        let header: Header =
            decode(header).and_then(|h| serde_json::from_slice(&h).ok()).ok_or("the token's header cannot be read")?;
        if header.crit.is_some() {
            return Err("the token's header asks for an extension".to_owned());
        }
        let algorithm = algorithm(&header.alg)
            .ok_or_else(|| format!("the algorithm '{:.16}' is not trusted", header.alg.escape_debug().to_string()))?;
        let signature = decode(signature).ok_or("the token's signature cannot be read")?;
        Ok(Self { header, algorithm, signed, payload, signature })
    }

    /// The claims. Nothing may be done with them before the signature is verified.
    pub fn claims(&self) -> Result<Map<String, Value>, String> {
        let read = decode(self.payload).and_then(|payload| serde_json::from_slice(&payload).ok());
        read.ok_or_else(|| "the token's claims cannot be read".to_owned())
    }
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str) -> String {
        format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode("{}"))
    }

    fn refused(token: &str) -> String {
        Jwt::parse(token).unwrap_err()
    }

    #[test]
    fn nothing_unsigned_or_symmetric_is_read() {
        for alg in ["none", "None", "", "HS256", "HS512", "ES256K", "RSA-OAEP", "dir", "rs256"] {
            let text = refused(&token(&format!(r#"{{"alg":"{alg}"}}"#)));
            assert!(text.contains("is not trusted"), "{alg}: {text}");
        }
        assert_eq!(Jwt::parse(&token(r#"{"alg":"Ed25519"}"#)).unwrap().algorithm, Algorithm::EdDsa);
    }

    #[test]
    fn what_is_not_in_the_compact_form_is_refused() {
        let good = token(r#"{"alg":"ES256"}"#);
        assert!(Jwt::parse(&good).is_ok());
        for wrong in [
            String::new(),
            "a.b".to_owned(),
            format!("{good}.x"),
            format!("{good}="),
            format!("{good} "),
            format!(" {good}"),
            good.replacen('.', "..", 1),
            token("[]"),
            token(r#"{"typ":"JWT"}"#),
            token(r#"{"alg":"ES256","alg":"none"}"#),
            token(r#"{"alg":"ES256","crit":["exp"]}"#),
            token(r#"{"alg":"ES256","kid":7}"#),
            "x".repeat(MAX_TOKEN + 1),
        ] {
            assert!(Jwt::parse(&wrong).is_err(), "{wrong:.60}");
        }
    }

    #[test]
    fn opaque_tokens_are_told_from_signed_ones() {
        assert!(is_jwt(&token(r#"{"alg":"none"}"#)));
        for opaque in
            ["", "abc", "a.b.c", "x.y", "ya29.a0AfH6.SMBx", &format!("{}.e30.x.y.z", URL_SAFE_NO_PAD.encode("{}"))]
        {
            assert!(!is_jwt(opaque), "{opaque}");
        }
    }
}
