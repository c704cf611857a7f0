//! The exchange of a code for tokens (RFC 6749 §4.1.3), with the `openidconnect` crate: it makes requests and reads answers,
//! and sends nothing itself.
//!
//! The ID token is taken as it came: the crate would read its claims before they are verified, and stumble over claims that
//! providers write otherwise than the standard (`"email_verified": "true"`) and that we only pass on.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EmptyAdditionalClaims,
    EndpointNotSet, HttpRequest, HttpResponse, IdToken, IssuerUrl, JsonWebKeySet, OAuth2TokenResponse,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
    TokenUrl,
};
use serde::{Deserialize, Serialize};

use super::endpoints::{said_text, text};
use crate::egress::{Egress, Kind};
use crate::error::{Error, Result};
use crate::model::connection::oidc::{AuthMethod, Oidc};
use crate::secret::Secret;

/// The crate's client, with our reading of the token endpoint's answer.
pub type OidcClient = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Given,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
>;

/// The token endpoint's answer, as far as it is used.
#[derive(Serialize, Deserialize)]
pub struct Given {
    access_token: AccessToken,
    token_type: CoreTokenType,
    id_token: Option<String>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(***)")
    }
}

impl OAuth2TokenResponse for Given {
    type TokenType = CoreTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &CoreTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

type UnreadIdToken =
    IdToken<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

impl TokenResponse<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>
    for Given
{
    fn id_token(&self) -> Option<&UnreadIdToken> {
        None
    }
}

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

/// The client of a connection.
pub fn client(oidc: &Oidc, secret: Option<&Secret>, issuer: &str) -> Result<OidcClient> {
    let issuer =
        IssuerUrl::new(issuer.to_owned()).map_err(|e| Error::unavailable(format!("the issuer is no URL: {e}")))?;
    let client = OidcClient::new(ClientId::new(oidc.client_id.clone()), issuer, JsonWebKeySet::default());
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

/// Exchanges a code for tokens.
pub async fn exchange(egress: &Egress, client: OidcClient, url: &str, code: &Code<'_>) -> Result<Tokens> {
    let url = TokenUrl::new(url.to_owned()).map_err(|e| Error::unavailable(format!("the token endpoint: {e}")))?;
    let redirect = RedirectUrl::new(code.redirect_uri.to_owned()).map_err(|e| Error::internal(e.to_string()))?;
    let client = client.set_token_uri(url).set_redirect_uri(redirect);
    let sender = Sender(egress.clone());
    let answer: Given = client
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
    let id_token = answer.id_token.ok_or_else(|| Error::unauthorized("the token endpoint gave no ID token"))?;
    Ok(Tokens { id_token, access_token: answer.access_token.into_secret() })
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
