//! OpenID Connect: log-ins by a browser (Core 1.0 §3.1 and §3.2) and by bearer tokens.
//!
//! Whatever way a token came, its signature is verified with the provider's keys, its algorithm is one that the connection
//! trusts, and every check of `claims` is made. A browser's login always has state, nonce and PKCE S256, and its answer
//! must name the issuer where the provider says that it does (RFC 9207). Requests are made and answers read with the
//! `openidconnect` crate, sent by `egress`; signatures are verified here, with keys that stay decoded.

pub mod assertion;
mod bearer;
mod claims;
pub(super) mod discovery;
pub(super) mod endpoints;
mod exchange;
mod jwt;

mod keys;
pub mod logout;
mod provider;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::CoreResponseType;
use openidconnect::{
    AuthUrl, AuthenticationFlow, CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use keys::KeySet;

use self::claims::{Claims, Kind};
use self::exchange::Code;
use self::jwt::{Header, Jwt};
use self::provider::{Documents, Provider};
use super::{Answer, Ask, Begin, Begun, Identity, Proof, Ready, Upstream, Wishes};
use crate::clock::Timestamp;
use crate::egress::Egress;
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::oidc::{AccessMode, Algorithm, Oidc as Wanted, ResponseMode, ResponseType};
use crate::secret::Secret;

/// What a browser's login remembers. All of it is secret.
#[derive(Serialize, Deserialize)]
pub struct Memo {
    issuer: String,
    nonce: String,
    verifier: String,
    redirect_uri: String,
}

/// The OpenID Connect upstream, one for all providers.
#[derive(Debug)]
pub struct Oidc {
    documents: Documents,
}

/// A token whose signature is verified.
struct Verified {
    header: Header,
    algorithm: Algorithm,
    claims: Map<String, Value>,
}

/// A reason why a token or an answer is not believed; for the log.
fn refused(what: &str) -> impl Fn(String) -> Error {
    move |reason| Error::unauthorized(format!("{what}: {reason}"))
}

/// Decodes the keys that a connection pins, if it pins some.
///
/// # Errors
/// A text that is no key set, or one without a key that can be used.
pub fn pinned_keys(oidc: &Wanted) -> Result<Option<Arc<KeySet>>> {
    let Some(text) = &oidc.jwks else { return Ok(None) };
    let wrong = |why: &str| Error::invalid_field("jwks", why);
    let keys = KeySet::parse(text.as_bytes()).map_err(wrong)?;
    if keys.is_empty() {
        return Err(wrong("the key set has no key that can be used"));
    }
    Ok(Some(Arc::new(keys)))
}

/// The settings of a connection that speaks OpenID Connect; what comes by another is not for us to believe.
fn settings(ready: &Ready) -> Result<&Wanted> {
    match &ready.connection.settings {
        Settings::Oidc(oidc) => Ok(oidc),
        Settings::Saml(_) | Settings::Ldap(_) => {
            Err(Error::unauthorized("the connection does not speak OpenID Connect"))
        }
    }
}

impl Oidc {
    /// With the client that all its requests go through.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self { documents: Documents::new(egress) }
    }

    /// Checks settings that are about to be stored: every URL may be asked, pinned keys can be used. The error's field is
    /// the member's own name.
    ///
    /// # Errors
    /// `Invalid` with the member.
    pub fn check(&self, oidc: &Wanted) -> Result<()> {
        for (name, url) in oidc.urls() {
            self.documents.egress().check_url(url).map_err(|e| Error::invalid_field(name, e.to_string()))?;
        }
        pinned_keys(oidc).map(drop)
    }

    /// Who shows this bearer token: an access token that was issued for us, or an ID token.
    ///
    /// # Errors
    /// `Unauthorized` with the reason, `Unavailable` if the provider has to be asked and cannot be.
    pub async fn bearer(&self, ask: &Ask<'_>, token: &str) -> Result<Identity> {
        bearer::identify(self, ask, token).await
    }

    fn egress(&self) -> &Egress {
        self.documents.egress()
    }

    /// The provider, where its keys and `needed` are known.
    async fn provider<'a>(&self, ready: &'a Ready, needed: &[&Option<String>], now: Timestamp) -> Result<Provider<'a>> {
        let oidc = settings(ready)?;
        let keys = if oidc.jwks.is_some() { &oidc.jwks } else { &oidc.jwks_uri };
        self.documents.provider(oidc, &[needed, &[keys]].concat(), now).await
    }

    /// Verifies a token's signature. Keys are fetched again if they do not do: the provider may have new ones, even under
    /// an old id.
    async fn verify(&self, ask: &Ask<'_>, provider: &Provider<'_>, token: &str, what: &str) -> Result<Verified> {
        let refused = refused(what);
        let jwt = Jwt::parse(token).map_err(&refused)?;
        let trusted = &settings(ask.connection)?.algorithms;
        if !trusted.contains(&jwt.algorithm) {
            return Err(refused(format!("the connection does not trust the algorithm {}", jwt.algorithm.as_str())));
        }
        if let Some(pinned) = &ask.connection.pinned {
            pinned.verify(&jwt).map_err(|e| refused(e.to_string()))?;
        } else {
            let fetched = self.documents.keys(provider.jwks_uri()?, ask.now).await?;
            if let Err(unverified) = fetched.keys().verify(&jwt) {
                let newer = self.documents.newer_keys(&fetched, ask.now).await;
                let newer = newer.map_err(|e| refused(format!("{unverified}; no newer keys: {e}")))?;
                newer.keys().verify(&jwt).map_err(|e| refused(e.to_string()))?;
            }
        }
        let claims = jwt.claims().map_err(&refused)?;
        Ok(Verified { header: jwt.header, algorithm: jwt.algorithm, claims })
    }

    /// What userinfo says about the subject of a token.
    async fn userinfo(
        &self,
        ask: &Ask<'_>,
        provider: &Provider<'_>,
        (url, access_token): (&str, &str),
        subject: Option<&str>,
    ) -> Result<Map<String, Value>> {
        let refused = refused("userinfo");
        let (signed, body) = endpoints::userinfo(self.egress(), url, access_token).await?;
        let claims = if signed {
            let token = std::str::from_utf8(&body).map_err(|_| refused("the answer cannot be read".to_owned()))?;
            let verified = self.verify(ask, provider, token, "userinfo").await?;
            // Core §5.3.2: a signed answer names both.
            let claims = Claims(&verified.claims);
            claims.issued_by(provider.issuer()).map_err(&refused)?;
            claims.for_client(&settings(ask.connection)?.client_id).map_err(&refused)?;
            verified.claims
        } else {
            serde_json::from_slice(&body).map_err(|_| refused("the answer cannot be read".to_owned()))?
        };
        let named = Claims(&claims).subject().map_err(&refused)?;
        if subject.is_some_and(|s| s != named) {
            return Err(refused("it is about somebody else".to_owned()));
        }
        Ok(claims)
    }
}

/// An identity, from claims that have been checked.
fn identity(issuer: &str, claims: Map<String, Value>, proof: Proof) -> Result<Identity> {
    let read = Claims(&claims);
    let subject = read.subject().map_err(refused("the claims"))?.to_owned();
    let expires_at = read.expires_at();
    Ok(Identity {
        issuer: issuer.to_owned(),
        subject,
        claims,
        proof,
        expires_at,
        session_name: None,
        hint: None,
        once: None,
    })
}

/// Claims of userinfo under those of a token: what is signed wins.
fn merged(mut userinfo: Map<String, Value>, token: Map<String, Value>) -> Map<String, Value> {
    userinfo.extend(token);
    userinfo
}

/// Parameters of a request that it has by itself: nobody's wish takes their place.
const OWN: [&str; 9] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
];

/// Wishes as parameters (Core §3.1.2.1), each once; what is fixed for the connection gives way to what is asked for.
fn wished(wishes: &Wishes<'_>) -> Vec<(String, String)> {
    let age = wishes.max_age.map(|secs| secs.to_string());
    let asked = [
        ("login_hint", wishes.login_hint),
        ("prompt", wishes.prompt),
        ("max_age", age.as_deref()),
        ("acr_values", wishes.acr_values),
        ("ui_locales", wishes.ui_locales),
    ];
    let asked = asked.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let mut all: Vec<(String, String)> = asked.collect();
    for (name, value) in wishes.extra {
        if !OWN.contains(&name.as_str()) && all.iter().all(|(n, _)| n != name) {
            all.push((name.clone(), value.clone()));
        }
    }
    all
}

impl Upstream for Oidc {
    async fn begin(&self, ask: &Ask<'_>) -> Result<Begun> {
        let oidc = settings(ask.connection)?;
        if oidc.access_mode == AccessMode::Program {
            return Err(Error::unauthorized("the connection is for programs, not for browsers"));
        }
        let mut needed = vec![&oidc.authorization_endpoint];
        if oidc.response_type == ResponseType::Code {
            needed.push(&oidc.token_endpoint);
        }
        let provider = self.provider(ask.connection, &needed, ask.now).await?;
        let random = || URL_SAFE_NO_PAD.encode(ask.random.bytes::<32>());
        let memo = Memo {
            issuer: provider.issuer().to_owned(),
            nonce: random(),
            verifier: random(),
            redirect_uri: ask.redirect_uri.to_owned(),
        };
        let no_url = |what: &str, e: url::ParseError| Error::unavailable(format!("the {what} is no URL: {e}"));
        let endpoint = AuthUrl::new(provider.authorization_endpoint()?.to_owned());
        let endpoint = endpoint.map_err(|e| no_url("authorization endpoint", e))?;
        let redirect = RedirectUrl::new(ask.redirect_uri.to_owned()).map_err(|e| no_url("redirect URI", e))?;
        let client = exchange::client(oidc, None, &memo.issuer)?.set_auth_uri(endpoint);
        let flow = match oidc.response_type {
            ResponseType::Code => AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
            ResponseType::IdToken => AuthenticationFlow::Implicit(false),
        };
        let (state, nonce) = (ask.state.to_owned(), memo.nonce.clone());
        let mut request = client
            .authorize_url(flow, move || CsrfToken::new(state), move || Nonce::new(nonce))
            .set_redirect_uri(Cow::Owned(redirect))
            .add_scopes(oidc.scopes.iter().filter(|s| *s != "openid").map(|s| Scope::new(s.clone())));
        if oidc.response_type == ResponseType::Code {
            let verifier = PkceCodeVerifier::new(memo.verifier.clone());
            request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        if oidc.response_mode != ResponseMode::Query {
            request = request.add_extra_param("response_mode", oidc.response_mode.as_str());
        }
        for (name, value) in wished(&ask.wishes) {
            request = request.add_extra_param(name, value);
        }
        let (url, _, _) = request.url();
        Ok(Begun { begin: Begin::Redirect { url: url.into() }, memo: super::Memo::Oidc(memo) })
    }

    async fn finish(&self, ask: &Ask<'_>, memo: &super::Memo, answer: &Answer) -> Result<Identity> {
        let super::Memo::Oidc(memo) = memo else {
            return Err(Error::unauthorized("the login was not begun by OpenID Connect"));
        };
        let oidc = settings(ask.connection)?;
        let mut needed = Vec::new();
        if oidc.response_type == ResponseType::Code {
            needed.push(&oidc.token_endpoint);
            if oidc.fetch_userinfo {
                needed.push(&oidc.userinfo_endpoint);
            }
        }
        let provider = self.provider(ask.connection, &needed, ask.now).await?;
        // Mix-up: the answer must be of the provider that the browser was sent to.
        if provider.issuer() != memo.issuer {
            return Err(Error::unauthorized("the connection's issuer has changed since the login began"));
        }
        match answer.one("iss")? {
            Some(iss) if iss != memo.issuer => {
                return Err(Error::unauthorized("the answer is of another issuer ('iss')"));
            }
            None if provider.names_issuer() => return Err(Error::unauthorized("the answer does not name its issuer")),
            _ => {}
        }
        if let Some(code) = answer.one("error")? {
            let told = endpoints::said_text(code, answer.one("error_description")?.unwrap_or_default());
            return Err(Error::unauthorized(format!("the provider refused the login: {told}")));
        }
        match oidc.response_type {
            ResponseType::Code => self.finish_code(ask, &provider, memo, answer).await,
            ResponseType::IdToken => {
                let token = answer.one("id_token")?.ok_or_else(|| Error::unauthorized("the answer has no ID token"))?;
                let verified = self.id_token(ask, &provider, memo, token).await?;
                let identity = identity(&memo.issuer, verified.claims, Proof::IdToken)?;
                Ok(Identity { hint: Some(Secret::from(token)), ..identity })
            }
        }
    }
}

impl Oidc {
    async fn finish_code(
        &self,
        ask: &Ask<'_>,
        provider: &Provider<'_>,
        memo: &Memo,
        answer: &Answer,
    ) -> Result<Identity> {
        let oidc = settings(ask.connection)?;
        let code = answer.one("code")?.ok_or_else(|| Error::unauthorized("the answer has no code"))?;
        let client = exchange::client(oidc, ask.connection.secret.as_ref(), &memo.issuer)?;
        let given = Code { code, verifier: &memo.verifier, redirect_uri: &memo.redirect_uri };
        let tokens = exchange::exchange(self.egress(), client, provider.token_endpoint()?, &given).await?;
        let verified = self.id_token(ask, provider, memo, &tokens.id_token).await?;
        let claims = Claims(&verified.claims);
        let refused = refused("ID token");
        claims.has_hash("at_hash", &tokens.access_token, verified.algorithm).map_err(&refused)?;
        claims.has_hash("c_hash", code, verified.algorithm).map_err(&refused)?;
        let subject = claims.subject().map_err(&refused)?;
        let all = match provider.userinfo_endpoint().filter(|_| oidc.fetch_userinfo) {
            None => verified.claims,
            Some(url) => {
                let userinfo = self.userinfo(ask, provider, (url, &tokens.access_token), Some(subject)).await?;
                merged(userinfo, verified.claims)
            }
        };
        let identity = identity(&memo.issuer, all, Proof::IdToken)?;
        Ok(Identity { hint: Some(Secret::from(tokens.id_token)), ..identity })
    }

    /// Verifies the ID token of a browser's login (Core §3.1.3.7).
    async fn id_token(&self, ask: &Ask<'_>, provider: &Provider<'_>, memo: &Memo, token: &str) -> Result<Verified> {
        let verified = self.verify(ask, provider, token, "ID token").await?;
        let client_id = &settings(ask.connection)?.client_id;
        let check = || {
            let claims = Claims(&verified.claims);
            if claims::kind(&verified.header)? == Kind::Access {
                return Err("it is an access token".to_owned());
            }
            claims.is_bearer()?;
            claims.issued_by(&memo.issuer)?;
            claims.for_client(client_id)?;
            claims.has(&["exp", "iat", "sub"])?;
            claims.alive(ask.now)?;
            claims.is_fresh(ask.now)?;
            claims.has_nonce(&memo.nonce)
        };
        check().map_err(refused("ID token"))?;
        Ok(verified)
    }
}

#[cfg(test)]
mod tests;
