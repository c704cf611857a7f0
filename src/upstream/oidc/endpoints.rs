//! Questions to a provider that carry a credential: userinfo (Core §5.3) and introspection (RFC 7662).
//!
//! What a provider answers is never repeated to anybody; of its errors, the code and a little of the text go to the log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use url::form_urlencoded::{self, byte_serialize};

use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::oidc::{AuthMethod, Oidc};
use crate::secret::Secret;

/// A secret as text.
pub fn text(secret: Option<&Secret>) -> Result<Option<&str>> {
    secret.map(|s| s.expose_str().ok_or_else(|| Error::internal("a client secret is not text"))).transpose()
}

/// A provider's error as the log may have it.
pub fn said_text(code: &str, description: &str) -> String {
    let short = |text: &str| text.escape_debug().take(200).collect::<String>();
    if description.is_empty() { short(code) } else { format!("{} ({})", short(code), short(description)) }
}

/// Asks the userinfo endpoint; the answer may be JSON or a signed token, which it says. The body is not checked yet.
pub async fn userinfo(egress: &Egress, url: &str, access_token: &str) -> Result<(bool, bytes::Bytes)> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::AUTHORIZATION, bearer(access_token)?);
    let answer = egress.get(Kind::Userinfo, url, headers).await?;
    match answer.status {
        StatusCode::OK => {}
        status if status.is_client_error() => {
            return Err(Error::unauthorized(format!("the userinfo endpoint answered {status}")));
        }
        status => return Err(Error::unavailable(format!("the userinfo endpoint answered {status}"))),
    }
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Ok((kind.trim_start().to_ascii_lowercase().starts_with("application/jwt"), answer.body))
}

fn bearer(token: &str) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut value = value.map_err(|_| Error::unauthorized("the access token is not text"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Asks whether an opaque token lives, and what it says.
pub async fn introspect(
    egress: &Egress,
    url: &str,
    (oidc, secret): (&Oidc, &Secret),
    token: &str,
) -> Result<Map<String, Value>> {
    let form = vec![("token", token), ("token_type_hint", "access_token")];
    let (headers, body) = authenticated(oidc, secret, form)?;
    let answer = egress.post(Kind::Introspection, url, headers, body).await?;
    if answer.status != StatusCode::OK {
        // 401 means our own credentials: not the bearer's fault.
        return Err(Error::unavailable(format!("the introspection endpoint answered {}", answer.status)));
    }
    let claims: Map<String, Value> = serde_json::from_slice(&answer.body)
        .map_err(|_| Error::unavailable("the introspection endpoint's answer cannot be read"))?;
    if claims.get("active") != Some(&Value::Bool(true)) {
        return Err(Error::unauthorized("the provider says that the token is not active"));
    }
    Ok(claims)
}

/// Header fields of a question that is answered in JSON.
pub fn accept_json() -> HeaderMap {
    [(header::ACCEPT, HeaderValue::from_static("application/json"))].into_iter().collect()
}

/// Header fields and body of a form that says who we are, in the connection's way.
pub fn authenticated<'a>(
    oidc: &'a Oidc,
    secret: &'a Secret,
    mut form: Vec<(&'a str, &'a str)>,
) -> Result<(HeaderMap, String)> {
    let secret = text(Some(secret))?.unwrap_or_default();
    let mut headers = accept_json();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if oidc.token_endpoint_auth_method == AuthMethod::Post {
        form.extend([("client_id", oidc.client_id.as_str()), ("client_secret", secret)]);
    } else {
        // Both parts are form-encoded first (RFC 6749 §2.3.1).
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", encode(&oidc.client_id), encode(secret)));
        let mut value =
            HeaderValue::from_str(&format!("Basic {pair}")).map_err(|_| Error::internal("a client id is not text"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    Ok((headers, body))
}
