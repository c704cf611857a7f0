//! What the claims of a token must say (OpenID Connect Core §3.1.3.7, RFC 7519 §4.1, RFC 9068 §4, RFC 7662 §2.2). Pure.
//!
//! Every check is here, none can be turned off; clocks may differ by [`SKEW_SECS`].

use aws_lc_rs::digest::{self, Algorithm as Digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::jwt::Header;
use crate::clock::Timestamp;
use crate::model::connection::oidc::{Algorithm, Oidc};

/// How far clocks may differ.
pub const SKEW_SECS: i64 = 60;
/// How old the ID token of a browser's login may be, in seconds.
const FRESH_SECS: i64 = 600;
/// Longest `sub`, in characters (Core §2).
const MAX_SUBJECT: usize = 255;

/// Claims of a token, with the questions that are asked about them; an error is for the log.
pub struct Claims<'a>(pub &'a Map<String, Value>);

impl<'a> Claims<'a> {
    fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("'{name}' is not a text")),
        }
    }

    /// A text of at most so many characters, if it is there; an empty one is refused.
    pub fn short_text(&self, name: &str, most: usize) -> Result<Option<&'a str>, String> {
        match self.text(name)? {
            Some("") => Err(format!("'{name}' is empty")),
            Some(text) if text.chars().count() > most || text.contains('\0') => Err(format!("'{name}' is too long")),
            text => Ok(text),
        }
    }

    /// A time, in seconds.
    pub fn time(&self, name: &str) -> Result<Option<i64>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            // A NumericDate may have a fraction (RFC 7519 §2); a float this large turns into the nearest whole number.
            Some(Value::Number(n)) => {
                let whole = n.as_i64().or_else(|| n.as_f64().filter(|f| f.is_finite()).map(|f| f as i64));
                whole.map(Some).ok_or_else(|| format!("'{name}' is no time"))
            }
            Some(_) => Err(format!("'{name}' is not a number")),
        }
    }

    /// `sub`, which must be there.
    pub fn subject(&self) -> Result<&'a str, String> {
        let subject = self.text("sub")?.filter(|s| !s.is_empty()).ok_or("there is no 'sub'")?;
        if subject.chars().count() > MAX_SUBJECT || subject.contains('\0') {
            return Err(format!("'sub' is longer than {MAX_SUBJECT} characters, or holds a NUL"));
        }
        Ok(subject)
    }

    /// `exp`, if it is there.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.time("exp").ok().flatten().map(Timestamp::from_secs)
    }

    /// Checks `iss`.
    pub fn issued_by(&self, issuer: &str) -> Result<(), String> {
        match self.text("iss")? {
            Some(named) if named == issuer => Ok(()),
            Some(named) => Err(format!("the issuer is '{:.100}'", named.escape_debug().to_string())),
            None => Err("there is no 'iss'".to_owned()),
        }
    }

    /// Checks that the token lives: `exp` and `iat` if they are there, `nbf` too.
    pub fn alive(&self, now: Timestamp) -> Result<(), String> {
        let now = now.secs();
        if self.time("exp")?.is_some_and(|exp| now >= exp.saturating_add(SKEW_SECS)) {
            return Err("it has expired".to_owned());
        }
        if self.time("nbf")?.is_some_and(|nbf| nbf > now.saturating_add(SKEW_SECS)) {
            return Err("it is not valid yet".to_owned());
        }
        if self.time("iat")?.is_some_and(|iat| iat > now.saturating_add(SKEW_SECS)) {
            return Err("it was issued in the future: the clocks differ too much".to_owned());
        }
        Ok(())
    }

    /// Checks that the token was issued for this login rather than kept since an earlier one.
    pub fn is_fresh(&self, now: Timestamp) -> Result<(), String> {
        let oldest = now.secs().saturating_sub(FRESH_SECS + SKEW_SECS);
        if self.time("iat")?.is_some_and(|iat| iat < oldest) {
            return Err("it was issued too long ago for this login".to_owned());
        }
        Ok(())
    }

    /// Checks that the claims of that name are there.
    pub fn has(&self, names: &[&str]) -> Result<(), String> {
        match names.iter().find(|name| self.0.get(**name).is_none_or(Value::is_null)) {
            None => Ok(()),
            Some(name) => Err(format!("there is no '{name}'")),
        }
    }

    /// The audiences.
    pub fn audiences(&self) -> Result<Vec<&'a str>, String> {
        match self.0.get("aud") {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(many)) => {
                many.iter().map(|a| a.as_str().ok_or_else(|| "'aud' is not a list of texts".to_owned())).collect()
            }
            Some(_) => Err("'aud' is neither a text nor a list".to_owned()),
        }
    }

    /// Checks that an ID token of a browser's login is for us and was asked for by us.
    pub fn for_client(&self, client_id: &str) -> Result<(), String> {
        let audiences = self.audiences()?;
        if !audiences.contains(&client_id) {
            return Err("it is for another audience".to_owned());
        }
        match self.text("azp")? {
            Some(azp) if azp != client_id => Err("another client is authorised by it ('azp')".to_owned()),
            None if audiences.len() > 1 => Err("it has several audiences and no 'azp'".to_owned()),
            _ => Ok(()),
        }
    }

    /// Checks that a bearer token is for us. An ID token tells by `azp`, too, for whom it was made.
    pub fn for_us(&self, oidc: &Oidc, is_id_token: bool) -> Result<(), String> {
        if !self.audiences()?.iter().any(|a| oidc.accepts_audience(a)) {
            return Err("it is for another audience".to_owned());
        }
        match self.text("azp")? {
            Some(azp) if is_id_token && !oidc.accepts_audience(azp) => {
                Err("another client is authorised by it ('azp')".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Checks that an introspected token is for us: by its audience or, where none is told, by its client.
    pub fn introspected_for_us(&self, oidc: &Oidc) -> Result<(), String> {
        if !self.audiences()?.is_empty() {
            return self.for_us(oidc, false);
        }
        match self.text("client_id")? {
            Some(client) if oidc.accepts_audience(client) => Ok(()),
            Some(_) => Err("it was issued to another client, and names no audience".to_owned()),
            None => Err("the answer names neither audience nor client".to_owned()),
        }
    }

    /// Whether these are the claims of an ID token: a nonce, a hash of what came with it, or Keycloak's own mark.
    pub fn is_id_token(&self) -> bool {
        ["nonce", "at_hash", "c_hash"].iter().any(|name| self.0.contains_key(*name))
            || self.0.get("typ").is_some_and(|t| t == "ID")
    }

    /// Refuses what is signed by the provider but is no proof of a login that a bearer may show.
    pub fn is_bearer(&self) -> Result<(), String> {
        if self.0.contains_key("events") {
            return Err("it is a logout or security event token".to_owned());
        }
        if self.0.contains_key("cnf") {
            return Err("it is bound to a key, whose proof did not come with it".to_owned());
        }
        for name in ["typ", "token_type"] {
            let kind = self.text(name)?.unwrap_or("bearer");
            if !["bearer", "id", "access_token", "at+jwt", "jwt"].iter().any(|k| kind.eq_ignore_ascii_case(k)) {
                return Err(format!("it is a token of the type '{:.32}'", kind.escape_debug().to_string()));
            }
        }
        Ok(())
    }

    /// Checks the nonce.
    pub fn has_nonce(&self, nonce: &str) -> Result<(), String> {
        match self.text("nonce")? {
            Some(named) if bool::from(named.as_bytes().ct_eq(nonce.as_bytes())) => Ok(()),
            Some(_) => Err("the nonce is another login's".to_owned()),
            None => Err("there is no nonce".to_owned()),
        }
    }

    /// Checks, if it is there, the hash of what came together with an ID token (Core §3.1.3.6, §3.3.2.11).
    pub fn has_hash(&self, name: &str, of: &str, algorithm: Algorithm) -> Result<(), String> {
        let Some(stated) = self.text(name)? else { return Ok(()) };
        let hash = digest::digest(digest_of(algorithm), of.as_bytes());
        let half = &hash.as_ref()[..hash.as_ref().len() / 2];
        if URL_SAFE_NO_PAD.encode(half) == stated { Ok(()) } else { Err(format!("'{name}' does not fit")) }
    }
}

/// The hash that goes with a signature.
fn digest_of(algorithm: Algorithm) -> &'static Digest {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => &digest::SHA256,
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => &digest::SHA384,
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::EdDsa => &digest::SHA512,
    }
}

/// The kind of token, as its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An access token (RFC 9068).
    Access,
    /// It does not say.
    Any,
}

/// The kind of a token; one that is meant for something else is an error.
pub fn kind(header: &Header) -> Result<Kind, String> {
    let Some(typ) = header.typ.as_deref() else { return Ok(Kind::Any) };
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "jwt" => Ok(Kind::Any),
        "at+jwt" => Ok(Kind::Access),
        other => Err(format!("it is a token of the type '{:.32}'", other.escape_debug().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn ok(claims: Value, check: impl Fn(Claims<'_>) -> Result<(), String>) -> bool {
        check(Claims(claims.as_object().unwrap())).is_ok()
    }

    #[test]
    fn clk_1_times_may_differ_by_a_minute_and_no_more() {
        let alive = |claims| ok(claims, |c| c.alive(Timestamp::from_secs(NOW)));
        assert!(alive(json!({})));
        assert!(alive(json!({"exp": NOW - 59, "nbf": NOW + 60, "iat": NOW + 60})));
        assert!(alive(json!({"exp": NOW as f64 + 0.5})));
        for claims in [
            json!({"exp": NOW - 60}),
            json!({"nbf": NOW + 61}),
            json!({"iat": NOW + 61}),
            json!({"exp": NOW.to_string()}),
            json!({"exp": true}),
            json!({"exp": 0}),
            json!({"exp": -5}),
            json!({"nbf": i64::MAX}),
            json!({"iat": 1e300}),
        ] {
            assert!(!alive(claims.clone()), "{claims}");
        }
        assert!(alive(json!({"exp": i64::MAX})));
    }

    #[test]
    fn an_id_token_is_for_the_client_that_asked() {
        let mine = |claims| ok(claims, |c| c.for_client("me"));
        assert!(mine(json!({"aud": "me"})) && mine(json!({"aud": ["me"]})));
        assert!(mine(json!({"aud": ["me", "you"], "azp": "me"})) && mine(json!({"aud": "me", "azp": "me"})));
        for claims in [
            json!({}),
            json!({"aud": []}),
            json!({"aud": "you"}),
            json!({"aud": "ME"}),
            json!({"aud": ["you"]}),
            json!({"aud": ["me", "you"]}),
            json!({"aud": ["me", "you"], "azp": "you"}),
            json!({"aud": "me", "azp": "you"}),
            json!({"aud": ["me", 7]}),
            json!({"aud": {"me": true}}),
            json!({"aud": "you", "azp": "me"}),
        ] {
            assert!(!mine(claims.clone()), "{claims}");
        }
    }

    #[test]
    fn a_bearer_token_is_for_one_of_our_audiences() {
        let oidc = Oidc { client_id: "me".into(), audiences: vec!["https://id.example".into()], ..Oidc::default() };
        let ours = |claims, id| ok(claims, |c| c.for_us(&oidc, id));
        assert!(ours(json!({"aud": ["x", "https://id.example"], "azp": "cli"}), false));
        assert!(!ours(json!({"aud": ["x", "https://id.example"], "azp": "cli"}), true));
        assert!(!ours(json!({"aud": "account", "azp": "me"}), false));
        assert!(!ours(json!({"azp": "me"}), false));
        let told = |claims| ok(claims, |c| c.introspected_for_us(&oidc));
        assert!(told(json!({"client_id": "me"})) && told(json!({"aud": "me", "client_id": "cli"})));
        assert!(
            !told(json!({"aud": "x", "client_id": "me"})) && !told(json!({"client_id": "cli"})) && !told(json!({}))
        );
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        let bearer = |claims| ok(claims, |c| c.is_bearer());
        assert!(
            bearer(json!({}))
                && bearer(json!({"typ": "Bearer"}))
                && bearer(json!({"token_type": "bearer", "typ": "ID"}))
        );
        for claims in [
            json!({"events": {}}),
            json!({"cnf": {"jkt": "x"}}),
            json!({"typ": "Refresh"}),
            json!({"typ": "Offline"}),
            json!({"token_type": "DPoP"}),
            json!({"token_type": "refresh_token"}),
        ] {
            assert!(!bearer(claims.clone()), "{claims}");
        }
    }

    #[test]
    fn hashes_are_the_left_half_of_the_digest_that_goes_with_the_signature() {
        // The example of Core A.3.
        let claims = json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"});
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert!(ok(claims.clone(), |c| c.has_hash("at_hash", token, Algorithm::Rs256)));
        assert!(!ok(claims.clone(), |c| c.has_hash("at_hash", "other", Algorithm::Rs256)));
        assert!(!ok(claims, |c| c.has_hash("at_hash", token, Algorithm::EdDsa)));
        assert!(ok(json!({}), |c| c.has_hash("at_hash", token, Algorithm::Rs256)));
    }

    #[test]
    fn a_subject_has_1_to_255_characters() {
        for (claims, expected) in [
            (json!({"sub": "x".repeat(255)}), true),
            (json!({"sub": "x".repeat(256)}), false),
            (json!({"sub": ""}), false),
            (json!({"sub": 7}), false),
            (json!({"sub": "a\0"}), false),
            (json!({}), false),
        ] {
            assert_eq!(ok(claims, |c| c.subject().map(drop)), expected);
        }
    }
}
