//! The settings of an OpenID Connect connection, and what they must be (OpenID Connect Core 1.0, Discovery 1.0).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::texts;
use crate::error::{Error, Result};
use crate::model::fields::{Fields, wrong_type};
use crate::model::issuer::{self, WELL_KNOWN};
use crate::model::words::words;

/// Longest URL, in characters.
const MAX_URL: usize = 2_048;
/// Longest issuer: it may become a remote id.
const MAX_ISSUER: usize = 255;
/// Most bytes of a pinned key set.
const MAX_JWKS: usize = 64 * 1024;

words! {
    /// A signature that may be trusted (RFC 7518 §3.1, RFC 8037 §3.1). There is no `none` and nothing symmetric.
    Algorithm {
        /// RSA, PKCS #1.
        Rs256 = "RS256",
        /// RSA, PKCS #1.
        Rs384 = "RS384",
        /// RSA, PKCS #1.
        Rs512 = "RS512",
        /// RSA, PSS.
        Ps256 = "PS256",
        /// RSA, PSS.
        Ps384 = "PS384",
        /// RSA, PSS.
        Ps512 = "PS512",
        /// ECDSA on P-256.
        Es256 = "ES256",
        /// ECDSA on P-384.
        Es384 = "ES384",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

words! {
    /// How we say who we are at the token and introspection endpoints (Core §9).
    AuthMethod {
        /// HTTP Basic.
        Basic = "client_secret_basic",
        /// In the form.
        Post = "client_secret_post",
        /// A public client.
        None = "none",
    }
}

words! {
    /// What the authorization endpoint is asked for.
    ResponseType {
        /// A code, which is then exchanged.
        Code = "code",
        /// The ID token itself.
        IdToken = "id_token",
    }
}

words! {
    /// How the answer comes back.
    ResponseMode {
        /// In the query.
        Query = "query",
        /// As a form that the browser posts.
        FormPost = "form_post",
        /// Behind the `#`, where only the page itself sees it.
        Fragment = "fragment",
    }
}

words! {
    /// Who may log in by it (Huawei).
    AccessMode {
        /// Browsers and programs.
        ProgramConsole = "program_console",
        /// Programs only.
        Program = "program",
    }
}

/// The algorithms that are trusted unless the connection says otherwise.
const DEFAULT_ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Oidc {
    /// What the provider calls itself; every token must name it.
    pub issuer: Option<String>,
    /// Where its configuration is, if not where the issuer says.
    pub discovery_url: Option<String>,
    /// What it calls us.
    pub client_id: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// How we authenticate there.
    pub token_endpoint_auth_method: AuthMethod,
    /// Pinned keys: a JWK set, as it was given. Then no keys are fetched.
    pub jwks: Option<String>,
    /// Where its keys are, if not where its configuration says.
    pub jwks_uri: Option<String>,
    /// Where browsers are sent, if not where its configuration says.
    pub authorization_endpoint: Option<String>,
    /// Where codes are exchanged, if not where its configuration says.
    pub token_endpoint: Option<String>,
    /// Where further claims are, if not where its configuration says.
    pub userinfo_endpoint: Option<String>,
    /// Where opaque tokens are asked about, if not where its configuration says.
    pub introspection_endpoint: Option<String>,
    /// For whom else than `client_id` a bearer token may be meant.
    pub audiences: Vec<String>,
    /// The signatures that are trusted.
    pub algorithms: Vec<Algorithm>,
    /// An opaque bearer token may be proven by userinfo alone, which does not tell whom it was issued for.
    pub allow_userinfo: bool,
    /// A browser's login adds the claims of userinfo.
    pub fetch_userinfo: bool,
    /// See [`ResponseType`].
    pub response_type: ResponseType,
    /// See [`ResponseMode`].
    pub response_mode: ResponseMode,
    /// See [`AccessMode`].
    pub access_mode: AccessMode,
    /// The redirect URI that is registered at the provider, where it is not the one made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// What people call these settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Default for Oidc {
    /// What a connection has that names nothing; it still lacks an issuer and a client id.
    fn default() -> Self {
        Self {
            issuer: None,
            discovery_url: None,
            client_id: String::new(),
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            token_endpoint_auth_method: AuthMethod::Basic,
            jwks: None,
            jwks_uri: None,
            authorization_endpoint: None,
            token_endpoint: None,
            userinfo_endpoint: None,
            introspection_endpoint: None,
            audiences: Vec::new(),
            algorithms: DEFAULT_ALGORITHMS.to_vec(),
            allow_userinfo: false,
            fetch_userinfo: true,
            response_type: ResponseType::Code,
            response_mode: ResponseMode::Query,
            access_mode: AccessMode::ProgramConsole,
            redirect_uri: None,
            name: None,
        }
    }
}

impl Oidc {
    /// Reads the members of a connection of this kind.
    pub fn parse(mut f: Fields<'_>) -> Result<Self> {
        let default = Self::default();
        let response_type =
            word(&mut f, "response_type", ResponseType::ALL, ResponseType::as_str)?.unwrap_or(default.response_type);
        let response_mode =
            word(&mut f, "response_mode", ResponseMode::ALL, ResponseMode::as_str)?.unwrap_or(match response_type {
                ResponseType::Code => ResponseMode::Query,
                ResponseType::IdToken => ResponseMode::FormPost,
            });
        let oidc = Self {
            issuer: f.nullable_text("issuer", 1..=MAX_ISSUER)?.flatten(),
            discovery_url: url(&mut f, "discovery_url")?,
            client_id: f.required_text("client_id", 1..=255)?,
            scopes: texts(&mut f, "scopes", 50, 255)?.unwrap_or(default.scopes),
            token_endpoint_auth_method: word(
                &mut f,
                "token_endpoint_auth_method",
                AuthMethod::ALL,
                AuthMethod::as_str,
            )?
            .unwrap_or(default.token_endpoint_auth_method),
            jwks: jwks(&mut f)?,
            jwks_uri: url(&mut f, "jwks_uri")?,
            authorization_endpoint: url(&mut f, "authorization_endpoint")?,
            token_endpoint: url(&mut f, "token_endpoint")?,
            userinfo_endpoint: url(&mut f, "userinfo_endpoint")?,
            introspection_endpoint: url(&mut f, "introspection_endpoint")?,
            audiences: texts(&mut f, "audiences", 50, 255)?.unwrap_or_default(),
            algorithms: algorithms(&mut f)?.unwrap_or(default.algorithms),
            allow_userinfo: f.boolean("allow_userinfo")?.unwrap_or(default.allow_userinfo),
            fetch_userinfo: f.boolean("fetch_userinfo")?.unwrap_or(default.fetch_userinfo),
            response_type,
            response_mode,
            access_mode: word(&mut f, "access_mode", AccessMode::ALL, AccessMode::as_str)?
                .unwrap_or(default.access_mode),
            redirect_uri: url(&mut f, "redirect_uri")?,
            name: f.nullable_text("name", 1..=255)?.flatten(),
        };
        oidc.check(&f)?;
        f.finish()?;
        Ok(oidc)
    }

    /// What the members must be together.
    fn check(&self, f: &Fields<'_>) -> Result<()> {
        let wrong = |name: &str, text: &str| Err(Error::invalid_field(f.path(name), text));
        match (&self.issuer, &self.discovery_url) {
            (None, None) => return wrong("issuer", "either 'issuer' or 'discovery_url' is a required property"),
            (None, Some(url)) if !url.ends_with(WELL_KNOWN) => {
                return wrong("issuer", "the discovery URL has no usual form, so 'issuer' is a required property");
            }
            _ => {}
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return wrong("jwks_uri", "keys are either pinned by 'jwks' or fetched from 'jwks_uri'");
        }
        if !self.scopes.iter().any(|s| s == "openid") {
            return wrong("scopes", "the scope 'openid' is missing");
        }
        if let Some(i) = self.scopes.iter().position(|s| !s.bytes().all(is_scope_byte)) {
            return wrong(&format!("scopes.{i}"), "a scope has no blanks, quotes or backslashes");
        }
        match (self.response_type, self.response_mode) {
            (ResponseType::Code, ResponseMode::Fragment) => {
                wrong("response_mode", "a code does not come in a fragment")
            }
            (ResponseType::IdToken, ResponseMode::Query) => {
                wrong("response_mode", "an ID token does not come in a query")
            }
            _ => Ok(()),
        }
    }

    /// The members that a client may write, as it would write them.
    pub fn members(&self) -> Map<String, Value> {
        let mut members = match json!(self) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let jwks = self.jwks.as_deref().and_then(|text| serde_json::from_str(text).ok());
        members.insert("jwks".to_owned(), jwks.unwrap_or(Value::Null));
        members
    }

    /// Where its configuration is.
    pub fn configuration_url(&self) -> Option<String> {
        let of_issuer = |issuer: &String| format!("{}{WELL_KNOWN}", issuer.strip_suffix('/').unwrap_or(issuer));
        self.discovery_url.clone().or_else(|| self.issuer.as_ref().map(of_issuer))
    }

    /// Whether a provider whose configuration names `issuer` is the one that is meant.
    pub fn is_issuer(&self, issuer: &str) -> bool {
        match (&self.issuer, &self.discovery_url) {
            (Some(named), _) => named == issuer,
            (None, Some(url)) => issuer::of_discovery(url).is_some_and(|named| issuer::same(named, issuer)),
            (None, None) => false,
        }
    }

    /// The members that hold URLs: name and value.
    pub fn urls(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("issuer", &self.issuer),
            ("discovery_url", &self.discovery_url),
            ("jwks_uri", &self.jwks_uri),
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("introspection_endpoint", &self.introspection_endpoint),
        ]
        .into_iter()
        .filter_map(|(name, url)| url.as_deref().map(|url| (name, url)))
    }

    /// The origins that the client secret may be sent to, or that decide where it is sent.
    pub fn secret_hosts(&self) -> BTreeSet<String> {
        let decides =
            |name: &str| matches!(name, "issuer" | "discovery_url" | "token_endpoint" | "introspection_endpoint");
        let origin = |url: &str| Url::parse(url).map_or_else(|_| url.to_owned(), |u| u.origin().ascii_serialization());
        self.urls().filter(|(name, _)| decides(name)).map(|(_, url)| origin(url)).collect()
    }

    /// Whether a bearer token that is meant for `audience` is meant for us.
    pub fn accepts_audience(&self, audience: &str) -> bool {
        audience == self.client_id || self.audiences.iter().any(|a| a == audience)
    }
}

/// RFC 6749 §3.3.
fn is_scope_byte(b: u8) -> bool {
    b.is_ascii_graphic() && b != b'"' && b != b'\\'
}

fn word<T: Copy>(f: &mut Fields<'_>, name: &str, all: &[T], written: fn(T) -> &'static str) -> Result<Option<T>> {
    let Some(text) = f.text(name, 0..=64)? else { return Ok(None) };
    read_word(f.path(name), &text, all, written).map(Some)
}

fn read_word<T: Copy>(path: String, text: &str, all: &[T], written: fn(T) -> &'static str) -> Result<T> {
    let found = all.iter().copied().find(|word| written(*word) == text);
    let words = || all.iter().map(|word| format!("'{}'", written(*word))).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| Error::invalid_field(path, format!("'{text:.64}' is not one of [{}]", words())))
}

/// A URL or null. Whether it may be asked is checked by whoever can tell.
fn url(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    Ok(f.nullable_text(name, 1..=MAX_URL)?.flatten())
}

fn algorithms(f: &mut Fields<'_>) -> Result<Option<Vec<Algorithm>>> {
    let Some(names) = texts(f, "algorithms", Algorithm::ALL.len(), 16)? else { return Ok(None) };
    let path = f.path("algorithms");
    if names.is_empty() {
        return Err(Error::invalid_field(path, "the list is empty, so no token could be trusted"));
    }
    names
        .iter()
        .enumerate()
        .map(|(i, name)| read_word(format!("{path}.{i}"), name, Algorithm::ALL, Algorithm::as_str))
        .collect::<Result<_>>()
        .map(Some)
}

/// A JWK set or null. Whether its keys can be used is checked by whoever decodes them.
fn jwks(f: &mut Fields<'_>) -> Result<Option<String>> {
    let path = f.path("jwks");
    let Some(value) = f.raw("jwks").filter(|v| !v.is_null()) else { return Ok(None) };
    if !value.is_object() {
        return Err(wrong_type(&path, value, "object"));
    }
    let text = value.to_string();
    if text.len() > MAX_JWKS {
        return Err(Error::invalid_field(path, format!("the key set is over {MAX_JWKS} bytes")));
    }
    Ok(Some(text))
}
