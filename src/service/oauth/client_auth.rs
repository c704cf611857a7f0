//! Who an application is (RFC 6749 §2.3): by a secret in the header or in the form, by a JWT that it signs (RFC 7523), or,
//! for one that can keep no secret, by its name alone.
//!
//! Every failure is one answer, and an unknown application takes the same steps as a known one, so nobody learns which
//! there are.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::super::App;
use super::super::tenant::{self, Client};
use super::parameters::{Parameters, invalid};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::application::AuthMethod;
use crate::model::connection::oidc::Algorithm;
use crate::model::tenant::Tenant;
use crate::secret::{digest, same};
use crate::store;
use crate::upstream::oidc::assertion::{Keys, claimed_issuer};

/// How client assertions may be signed.
pub const ASSERTION_ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];
/// The one kind of assertion (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead an assertion may end, and how far clocks may differ, in seconds.
const MAX_AHEAD_SECS: i64 = 3_600;
const SKEW_SECS: i64 = 60;
/// Longest id of an assertion.
const MAX_JTI: usize = 255;

/// What a request shows of its application.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// Its `Authorization` header.
    pub authorization: Option<&'a str>,
    /// Its query, in which no credential may stand.
    pub query: &'a Parameters,
    /// Its form.
    pub form: &'a Parameters,
}

fn refused(why: impl Into<String>) -> Error {
    Error::refused_because(Code::InvalidClient, "Client authentication failed.", why)
}

/// The application that a request is of.
///
/// # Errors
/// 401 `invalid_client`; 400 `invalid_request` if it shows more than one credential.
pub async fn authenticate(app: &App, tenant: &Tenant, presented: Presented<'_>) -> Result<Arc<Client>> {
    let mut is_known = false;
    let done = identify(app, tenant, presented, &mut is_known).await;
    if is_known && matches!(done, Err(Error::Refused { code: Code::InvalidClient, .. })) {
        // One that is known is remembered; one that is not is looked for in vain, and so it is here (WEB-TIME-1).
        tenant::client(app, &tenant.id, &format!("app_{}", app.random.hex_id())).await?;
    }
    done
}

async fn identify(app: &App, tenant: &Tenant, presented: Presented<'_>, is_known: &mut bool) -> Result<Arc<Client>> {
    let Presented { authorization, query, form } = presented;
    if ["client_secret", "client_assertion"].iter().any(|name| query.has(name)) {
        return Err(refused("a credential stands in the query"));
    }
    let named = form.one("client_id")?;
    let in_form = form.one("client_secret")?;
    let assertion = form.one("client_assertion")?;
    let basic = authorization.map(basic).transpose()?;
    if usize::from(basic.is_some()) + usize::from(in_form.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(invalid("there is more than one client credential"));
    }
    let client = match (&basic, in_form, assertion) {
        (Some((id, secret)), _, _) => by_secret(app, tenant, id, secret, is_known).await?,
        (_, Some(secret), _) => {
            by_secret(app, tenant, named.ok_or_else(|| refused("no client_id"))?, secret, is_known).await?
        }
        (_, _, Some(assertion)) => {
            if form.one("client_assertion_type")? != Some(JWT_BEARER) {
                return Err(refused("another kind of assertion"));
            }
            by_assertion(app, tenant, assertion, is_known).await?
        }
        _ => by_name(app, tenant, named.ok_or_else(|| refused("no credential and no client_id"))?, is_known).await?,
    };
    if named.is_some_and(|id| id != client.application.id) {
        return Err(refused("client_id names another application"));
    }
    if !client.application.enabled {
        return Err(refused("the application is disabled"));
    }
    Ok(client)
}

/// The same for what only an application with a credential may ask.
///
/// # Errors
/// As [`authenticate`].
pub async fn confidential(app: &App, tenant: &Tenant, presented: Presented<'_>) -> Result<Arc<Client>> {
    let client = authenticate(app, tenant, presented).await?;
    match client.application.settings.auth_method {
        AuthMethod::None => Err(refused("the application has no credential")),
        _ => Ok(client),
    }
}

/// Name and secret of a Basic header; both parts are form-encoded (RFC 6749 §2.3.1).
fn basic(header: &str) -> Result<(String, String)> {
    let wrong = || refused("the Authorization header is not Basic with a name and a secret");
    let (scheme, credentials) = header.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let bytes = STANDARD.decode(credentials.trim()).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (id, secret) = text.split_once(':').ok_or_else(wrong)?;
    let decoded = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(String::from).map_err(|_| wrong())
    };
    Ok((decoded(id)?, decoded(secret)?))
}

async fn by_secret(app: &App, tenant: &Tenant, id: &str, secret: &str, is_known: &mut bool) -> Result<Arc<Client>> {
    let found = tenant::client(app, &tenant.id, id).await?;
    *is_known = found.is_some();
    let shown = digest(secret);
    let now = app.now();
    let right = found.as_ref().is_some_and(|client| {
        let live = client.secrets.iter().filter(|s| s.expires_at.is_none_or(|end| now < end));
        live.fold(false, |right, secret| same(&secret.digest, &shown) | right)
    });
    let client = found.filter(|_| right).ok_or_else(|| refused("unknown application or wrong secret"))?;
    match client.application.settings.auth_method {
        AuthMethod::ClientSecret => Ok(client),
        _ => Err(refused("the application does not prove itself by a secret")),
    }
}

async fn by_name(app: &App, tenant: &Tenant, id: &str, is_known: &mut bool) -> Result<Arc<Client>> {
    let found = tenant::client(app, &tenant.id, id).await?;
    *is_known = found.is_some();
    found
        .filter(|client| client.application.settings.auth_method == AuthMethod::None)
        .ok_or_else(|| refused("unknown application, or one that has to prove itself"))
}

async fn by_assertion(app: &App, tenant: &Tenant, assertion: &str, is_known: &mut bool) -> Result<Arc<Client>> {
    let id = claimed_issuer(assertion).ok_or_else(|| refused("the assertion cannot be read"))?;
    let found = tenant::client(app, &tenant.id, &id).await?;
    *is_known = found.is_some();
    let client = found.filter(|c| c.application.settings.auth_method == AuthMethod::PrivateKeyJwt);
    let client = client.ok_or_else(|| refused("unknown application, or one that does not sign assertions"))?;
    let settings = &client.application.settings;
    let keys = match (&settings.jwks, &settings.jwks_uri) {
        (Some(set), _) => Keys::Given(set),
        (None, Some(url)) => Keys::At(url),
        (None, None) => return Err(refused("the application has no keys")),
    };
    let now = app.now();
    let claims = app.oidc.signed(keys, &ASSERTION_ALGORITHMS, assertion, now).await;
    let claims = claims.map_err(|e| refused(e.to_string()))?;
    let issuer = tenant.issuer(&app.public_url);
    let base = tenant.base(&app.public_url);
    let for_us = [issuer.clone(), format!("{issuer}/oauth/token"), format!("{base}/oauth/token")];
    let (jti, ends) = checked(&claims, &id, &for_us, now).map_err(refused)?;
    let mut tx = app.store.write().await?;
    let spent = digest(&format!("client assertion {id} {jti}"));
    let fresh = store::spent::spend(&mut tx, &spent, ends.plus_secs(SKEW_SECS)).await?;
    app.commit(tx).await?;
    if fresh { Ok(client) } else { Err(refused("the assertion was used before")) }
}

/// Id and end of an assertion whose claims are in order (RFC 7523 §3).
fn checked(
    claims: &Map<String, Value>,
    id: &str,
    for_us: &[String],
    now: Timestamp,
) -> std::result::Result<(String, Timestamp), &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).map(|v| v.as_f64().ok_or("a time in the assertion is no number"));
    if text("iss") != Some(id) || text("sub") != Some(id) {
        return Err("the assertion is of somebody else");
    }
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => Some(one.as_str()),
        Some(Value::Array(all)) if all.len() == 1 => all.first().and_then(Value::as_str),
        _ => None,
    };
    if !audience.is_some_and(|a| for_us.iter().any(|url| url == a)) {
        return Err("the assertion is for somebody else");
    }
    let at = now.secs() as f64;
    let (ahead, skew) = (MAX_AHEAD_SECS as f64, SKEW_SECS as f64);
    let ends = time("exp").ok_or("the assertion has no end")??;
    if ends <= at - skew {
        return Err("the assertion has ended");
    }
    if ends > at + ahead + skew {
        return Err("the assertion lasts too long");
    }
    for name in ["nbf", "iat"] {
        if time(name).transpose()?.is_some_and(|begins| begins > at + skew) {
            return Err("the assertion has not begun");
        }
    }
    let jti = text("jti").filter(|jti| (1..=MAX_JTI).contains(&jti.len())).ok_or("the assertion has no usable id")?;
    let ends = Timestamp::from_secs(ends as i64 + 1);
    Ok((jti.to_owned(), ends))
}
