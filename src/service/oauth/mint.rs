//! Making tokens (tenant-login §9.5; RFC 9068 §2.2; OpenID Connect Core §2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::super::App;
use super::{access, claims, keys};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::application::Application;
use crate::model::authorization::Authorization;
use crate::model::signing_key::LONGEST_TOKEN_SECS;
use crate::model::tenant::{SigningAlgorithm, Tenant};
use crate::model::token::new_audit_id;
use crate::model::user::User;
use crate::store::Conn;

/// What a token endpoint answers (RFC 6749 §5.1, RFC 8693 §2.2.1).
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// Seconds that it lasts.
    pub expires_in: i64,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// By which the next one can be had.
    pub refresh_token: Option<String>,
    /// Who it is.
    pub id_token: Option<String>,
    /// The kind of token, where a token was exchanged for it.
    pub issued_token_type: Option<&'static str>,
}

/// What an access token is to say.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// What it comes of.
    pub authorization: &'a Authorization,
    /// Whom it is issued to.
    pub application: &'a Application,
    /// Its scopes.
    pub scopes: &'a [String],
    /// Whom it is for.
    pub audience: Vec<String>,
    /// When it ends at the latest.
    pub not_after: Timestamp,
    /// Who acts for the user (RFC 8693 §4.1).
    pub act: Option<Value>,
}

impl<'a> Wanted<'a> {
    /// The usual one.
    pub(super) fn new(authorization: &'a Authorization, application: &'a Application, scopes: &'a [String]) -> Self {
        let mut audience = vec![application.id.clone()];
        audience.extend(authorization.facts.audience.iter().filter(|a| **a != application.id).cloned());
        Self { authorization, application, scopes, audience, not_after: Timestamp::MAX, act: None }
    }
}

/// A token with what it says and its end.
#[derive(Debug)]
pub(super) struct Made {
    pub token: String,
    pub claims: Map<String, Value>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// When a token of a user is issued. It says only the second; in that of a revocation of the user's tokens it bears the next,
/// or it would be void (see `issue`).
fn issued_at(app: &App, authorization: &Authorization) -> Timestamp {
    let now = app.now().whole_seconds();
    let of_user = authorization.user_id.as_deref().and_then(|id| app.memory.user_revoked_until(id));
    let facts = &authorization.facts;
    let of_route =
        facts.idp_id.as_deref().and_then(|idp| app.memory.protocol_revoked_until(idp, facts.protocol_id.as_deref()));
    match of_user.max(of_route) {
        Some(revoked) if revoked >= now && authorization.created_at > revoked => revoked.whole_seconds().plus_secs(1),
        _ => now,
    }
}

/// An access token.
pub(super) async fn access_token(app: &App, tenant: &Tenant, wanted: Wanted<'_>) -> Result<Made> {
    let Wanted { authorization, application, scopes, audience, not_after, act } = wanted;
    let facts = &authorization.facts;
    let lasts = application.settings.access_token_secs.unwrap_or(tenant.settings.access_token_secs);
    let issued_at = issued_at(app, authorization);
    let expires_at = issued_at.plus_secs(lasts.clamp(1, LONGEST_TOKEN_SECS)).min(not_after);
    let audience = match audience.as_slice() {
        [one] => json!(one),
        _ => json!(audience),
    };
    let mut claims = json!({
        "iss": tenant.issuer(&app.public_url),
        "sub": authorization.user_id.as_deref().unwrap_or(&application.id),
        "aud": audience,
        "client_id": application.id,
        "tenant_id": tenant.id,
        "iat": issued_at.secs(),
        "exp": expires_at.secs(),
        "jti": new_audit_id(&app.random),
        "grant_id": authorization.id,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            claims[name] = value;
        }
    };
    add("scope", (!scopes.is_empty()).then(|| json!(scopes.join(" "))));
    add("sid", authorization.session_id.as_ref().map(|sid| json!(sid)));
    add("auth_time", facts.auth_time.map(|at| json!(at)));
    add("acr", facts.acr.as_ref().map(|acr| json!(acr)));
    add("amr", (!facts.amr.is_empty()).then(|| json!(facts.amr)));
    add("act", act);
    add("token_type", authorization.user_id.is_none().then(|| json!(super::CLIENT_CREDENTIALS)));
    let token = keys::sign(app, tenant, SigningAlgorithm::Es256, access::TYP, &claims).await?;
    let Value::Object(claims) = claims else { return Err(Error::internal("claims are an object")) };
    Ok(Made { token, claims, issued_at, expires_at })
}

/// What an ID token says of the user, by the scopes: to be read before it is made.
pub(super) async fn about(
    app: &App,
    conn: &mut Conn,
    wanted: (&Authorization, &Application),
    user: &User,
    scopes: &[String],
) -> Result<Map<String, Value>> {
    let (authorization, application) = wanted;
    let federated = claims::federated(&authorization.facts);
    let as_ids = application.settings.groups_as_ids;
    claims::of_user(app, conn, user, scopes, federated.as_ref(), as_ids).await
}

/// An ID token beside an access token. `nonce` is the application's, the first time.
pub(super) async fn id_token(
    app: &App,
    tenant: &Tenant,
    (authorization, application): (&Authorization, &Application),
    beside: &Made,
    mut claims: Map<String, Value>,
    nonce: Option<&str>,
) -> Result<String> {
    let facts = &authorization.facts;
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            claims.insert(name.to_owned(), value);
        }
    };
    add("iss", json!(tenant.issuer(&app.public_url)));
    add("sub", json!(authorization.user_id));
    add("aud", json!(application.id));
    add("azp", json!(application.id));
    add("iat", json!(beside.issued_at.secs()));
    add("exp", json!(beside.expires_at.secs()));
    add("at_hash", json!(half_hash(&beside.token)));
    add("tenant_id", json!(tenant.id));
    add("nonce", json!(nonce));
    add("sid", json!(authorization.session_id));
    add("auth_time", json!(facts.auth_time));
    add("acr", json!(facts.acr));
    add("idp", json!(facts.idp_id));
    if !facts.amr.is_empty() {
        add("amr", json!(facts.amr));
    }
    let algorithm = application.settings.id_token_alg.unwrap_or(tenant.settings.id_token_alg);
    keys::sign(app, tenant, algorithm, "JWT", &Value::Object(claims)).await
}

/// The left half of the SHA-256 that belongs to both algorithms (Core §3.1.3.6).
fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token).get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_tok_2_the_hash_of_an_access_token_is_the_left_half() {
        // OpenID Connect Core's own example (§A.3).
        assert_eq!(half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
