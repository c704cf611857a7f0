//! JWTs by which somebody else's program says who it is, signed with keys that were registered for it (RFC 7523 §3). What its
//! claims must say is for whoever asks; here it is read and its signature verified.

use serde_json::{Map, Value};

use super::{Jwt, KeySet, Oidc, refused};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::connection::oidc::Algorithm;

/// Where the keys are.
#[derive(Debug, Clone, Copy)]
pub enum Keys<'a> {
    /// A key set.
    Given(&'a Value),
    /// Its address.
    At(&'a str),
}

/// The issuer that a token names. Nothing may be done with it but to find the keys.
pub fn claimed_issuer(token: &str) -> Option<String> {
    let claims = Jwt::parse(token).ok()?.claims().ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

impl Oidc {
    /// The claims of a token that was signed with one of these keys and one of these algorithms.
    ///
    /// # Errors
    /// `Unauthorized` with the reason, `Unavailable` if keys have to be fetched and cannot be.
    pub async fn signed(
        &self,
        keys: Keys<'_>,
        trusted: &[Algorithm],
        token: &str,
        now: Timestamp,
    ) -> Result<Map<String, Value>> {
        let refused = refused("assertion");
        let jwt = Jwt::parse(token).map_err(&refused)?;
        if !trusted.contains(&jwt.algorithm) {
            return Err(refused(format!("the algorithm {} is not trusted", jwt.algorithm.as_str())));
        }
        match keys {
            Keys::Given(set) => {
                let set = KeySet::parse(set.to_string().as_bytes()).map_err(|e| refused(e.to_owned()))?;
                set.verify(&jwt).map_err(|e| refused(e.to_string()))?;
            }
            Keys::At(url) => {
                let fetched = self.documents.keys(url, now).await?;
                if let Err(unverified) = fetched.keys().verify(&jwt) {
                    let newer = self.documents.newer_keys(&fetched, now).await;
                    let newer = newer.map_err(|e| refused(format!("{unverified}; no newer keys: {e}")))?;
                    newer.keys().verify(&jwt).map_err(|e| refused(e.to_string()))?;
                }
            }
        }
        jwt.claims().map_err(&refused)
    }
}
