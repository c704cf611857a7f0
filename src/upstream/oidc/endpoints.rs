//! Questions to a provider that carry a credential: the exchange of a code (RFC 6749 §4.1.3), userinfo (Core §5.3) and
//! introspection (RFC 7662).
//!
//! What a provider answers is never repeated to anybody; of its errors, the code and a little of the text go to the log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use openidconnect::core::{CoreClient, CoreTokenResponse};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, HttpRequest, HttpResponse, IssuerUrl,
    JsonWebKeySet, OAuth2TokenResponse as _, PkceCodeVerifier, RedirectUrl, RequestTokenError, TokenResponse as _,
    TokenUrl,
};
use serde_json::{Map, Value};
use url::form_urlencoded::{self, byte_serialize};

use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::oidc::{AuthMethod, Oidc};
use crate::secret::Secret;

/// What a code was exchanged for.
pub struct Tokens {
    /// The ID token.
    pub id_token: String,
    /// The access token.
    pub access_token: String,
}

/// A code, and what goes with it.
pub struct Code<'a> {
    /// The code.
    pub code: &'a str,
    /// The PKCE verifier of the login.
    pub verifier: &'a str,
    /// The redirect URI of the login.
    pub redirect_uri: &'a str,
}

/// The client that `openidconnect` makes its requests with. It never sends one itself.
pub fn client(oidc: &Oidc, secret: Option<&Secret>, issuer: &str) -> Result<CoreClient> {
    let issuer =
        IssuerUrl::new(issuer.to_owned()).map_err(|e| Error::unavailable(format!("the issuer is no URL: {e}")))?;
    let client = CoreClient::new(ClientId::new(oidc.client_id.clone()), issuer, JsonWebKeySet::default());
    Ok(match (text(secret)?, oidc.token_endpoint_auth_method) {
        (Some(secret), AuthMethod::Basic) => {
            client.set_client_secret(ClientSecret::new(secret.to_owned())).set_auth_type(AuthType::BasicAuth)
        }
        (Some(secret), AuthMethod::Post) => {
            client.set_client_secret(ClientSecret::new(secret.to_owned())).set_auth_type(AuthType::RequestBody)
        }
        (_, AuthMethod::None) | (None, _) => client.set_auth_type(AuthType::RequestBody),
    })
}

fn text(secret: Option<&Secret>) -> Result<Option<&str>> {
    secret.map(|s| s.expose_str().ok_or_else(|| Error::internal("a client secret is not text"))).transpose()
}

/// Exchanges a code for tokens.
pub async fn exchange(egress: &Egress, client: CoreClient, url: &str, code: &Code<'_>) -> Result<Tokens> {
    let url = TokenUrl::new(url.to_owned()).map_err(|e| Error::unavailable(format!("the token endpoint: {e}")))?;
    let redirect = RedirectUrl::new(code.redirect_uri.to_owned()).map_err(|e| Error::internal(e.to_string()))?;
    let client = client.set_token_uri(url).set_redirect_uri(redirect);
    let sender = Sender(egress.clone());
    let answer: CoreTokenResponse = client
        .exchange_code(AuthorizationCode::new(code.code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(code.verifier.to_owned()))
        .request_async(&sender)
        .await
        .map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::ServerResponse(said) => {
                let told = said.error_description().map(String::as_str).unwrap_or_default();
                Error::unauthorized(format!(
                    "the token endpoint refused the code: {}",
                    said_text(said.error().as_ref(), told)
                ))
            }
            // What could not be read may hold tokens.
            RequestTokenError::Parse(..) => Error::unauthorized("the token endpoint's answer cannot be read"),
            RequestTokenError::Other(_) => Error::unauthorized("the token endpoint's answer is none"),
        })?;
    let id_token = answer.id_token().ok_or_else(|| Error::unauthorized("the token endpoint gave no ID token"))?;
    Ok(Tokens { id_token: id_token.to_string(), access_token: answer.access_token().secret().clone() })
}

/// Sends `openidconnect`'s requests through the one client for everything.
struct Sender(Egress);

impl<'c> AsyncHttpClient<'c> for Sender {
    type Error = Error;
    type Future = BoxFuture<'c, std::result::Result<HttpResponse, Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let answer =
                self.0.send(Kind::Token, head.method, &head.uri.to_string(), head.headers, body.into()).await?;
            if answer.status.is_server_error() {
                return Err(Error::unavailable(format!("the token endpoint answered {}", answer.status)));
            }
            let mut response = HttpResponse::new(answer.body.to_vec());
            (*response.status_mut(), *response.headers_mut()) = (answer.status, answer.headers);
            Ok(response)
        })
    }
}

/// A provider's error as the log may have it.
pub fn said_text(code: &str, description: &str) -> String {
    let short = |text: &str| text.escape_debug().take(200).collect::<String>();
    if description.is_empty() { short(code) } else { format!("{} ({})", short(code), short(description)) }
}

/// Asks the userinfo endpoint; the answer may be JSON or a signed token, which it says. The body is not checked yet.
pub async fn userinfo(egress: &Egress, url: &str, access_token: &str) -> Result<(bool, bytes::Bytes)> {
    let mut headers: HeaderMap = [
        (header::ACCEPT, HeaderValue::from_static("application/json")),
        (header::AUTHORIZATION, bearer(access_token)?),
    ]
    .into_iter()
    .collect();
    if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
        value.set_sensitive(true);
    }
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
    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::unauthorized("the access token is not text"))
}

/// Asks whether an opaque token lives, and what it says.
pub async fn introspect(
    egress: &Egress,
    url: &str,
    (oidc, secret): (&Oidc, &Secret),
    token: &str,
) -> Result<Map<String, Value>> {
    let secret = text(Some(secret))?.unwrap_or_default();
    let mut form = vec![("token", token), ("token_type_hint", "access_token")];
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
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
