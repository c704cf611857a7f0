//! The blocks `oidcConfig`, `samlConfig` and `ldapConfig` (sso-api §3.2): a connection's settings in this face's words.
//!
//! [`given`] writes settings as a client would have given them, [`parse`] reads that back: an update is merged in between.
//! Unknown members are ignored; secrets are read apart.

mod ldap;
mod oidc;
mod saml;

use serde_json::{Map, Value, json};
use url::Url;

use super::{MASK, ProviderType};
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::fields::{Fields, wrong_type};
use crate::secret::Secret;

/// Longest secret, in characters: a private key in PEM is the longest.
const MAX_SECRET: usize = 16_384;
/// Longest URL.
const MAX_URL: usize = 2_048;

/// What becomes of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretChange {
    /// It stays as it is.
    Keep {
        /// The mask was sent back.
        masked: bool,
    },
    /// It is taken away.
    Clear,
    /// It is replaced.
    Set(Secret),
}

/// The kind of a member's value.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Port,
    Texts,
}

fn members(kind: ProviderType) -> &'static [(&'static str, Kind)] {
    match kind {
        ProviderType::Oidc => oidc::MEMBERS,
        ProviderType::Saml => saml::MEMBERS,
        ProviderType::Ldap => ldap::MEMBERS,
    }
}

fn secret_member(kind: ProviderType) -> &'static str {
    match kind {
        ProviderType::Oidc => "clientSecret",
        ProviderType::Saml => "spPrivateKeyPem",
        ProviderType::Ldap => "bindPassword",
    }
}

/// The members of the block of a kind with their types, for the description of the API. Nothing for an unknown kind.
pub fn types(kind: &str) -> Vec<(&'static str, &'static str)> {
    let Some(kind) = ProviderType::parse(kind) else { return Vec::new() };
    let named = |(name, kind): &(&'static str, Kind)| match kind {
        Kind::Text => (*name, "string"),
        Kind::Flag => (*name, "boolean"),
        Kind::Port => (*name, "integer"),
        Kind::Texts => (*name, "array"),
    };
    members(kind).iter().map(named).chain([(secret_member(kind), "secret")]).collect()
}

/// Where the secret of a block stands in a body.
pub fn secret_path(kind: ProviderType) -> String {
    format!("{}.{}", kind.block(), secret_member(kind))
}

/// Refuses members of the wrong type. What they say does not matter: the block may not be the configuration's own.
pub fn check_types(kind: ProviderType, map: &Map<String, Value>) -> Result<()> {
    let secret = (secret_member(kind), Kind::Text);
    for (name, wanted) in members(kind).iter().chain([&secret]) {
        let Some(value) = map.get(*name).filter(|v| !v.is_null()) else { continue };
        let (fits, wanted) = match wanted {
            Kind::Text => (value.is_string(), "string"),
            Kind::Flag => (value.is_boolean(), "boolean"),
            Kind::Port => (value.is_i64() || value.is_u64(), "integer"),
            Kind::Texts => (value.as_array().is_some_and(|a| a.iter().all(Value::is_string)), "array of strings"),
        };
        if !fits {
            return Err(wrong_type(&format!("{}.{name}", kind.block()), value, wanted));
        }
    }
    Ok(())
}

/// What a block says of its secret: absent, empty or the mask keeps it, null clears it (§6.1).
pub fn secret(kind: ProviderType, map: &Map<String, Value>) -> Result<SecretChange> {
    match map.get(secret_member(kind)) {
        None => Ok(SecretChange::Keep { masked: false }),
        Some(Value::Null) => Ok(SecretChange::Clear),
        Some(Value::String(text)) if text.is_empty() => Ok(SecretChange::Keep { masked: false }),
        Some(Value::String(text)) if text == MASK => Ok(SecretChange::Keep { masked: true }),
        Some(Value::String(text)) if text.chars().count() > MAX_SECRET => {
            Err(Error::invalid_field(secret_path(kind), format!("is longer than {MAX_SECRET} characters")))
        }
        Some(Value::String(text)) if kind == ProviderType::Saml && !text.contains("PRIVATE KEY-----") => {
            Err(Error::invalid_field(secret_path(kind), "is no private key in PEM"))
        }
        Some(Value::String(text)) => Ok(SecretChange::Set(Secret::from(text.clone()))),
        Some(other) => Err(wrong_type(&secret_path(kind), other, "string")),
    }
}

/// Settings as a client would have given them, without what has only a default and without the secret.
pub fn given(settings: &Settings) -> Map<String, Value> {
    let pairs = match settings {
        Settings::Oidc(s) => oidc::given(s),
        Settings::Saml(s) => saml::given(s),
        Settings::Ldap(s) => ldap::given(s),
    };
    pairs.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What stands in the place of members that are not given and whose default is the deployment's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Where OpenID providers send browsers back to.
    pub redirect_uri: String,
    /// What we call ourselves to SAML identity providers.
    pub sp_entity_id: String,
}

/// The members that are shown though they were not given. Who sends them back gives nothing.
pub fn shown_defaults(settings: &Settings, defaults: &Defaults) -> Map<String, Value> {
    let given = given(settings);
    let all = match settings {
        Settings::Oidc(_) => json!({ "redirectUri": defaults.redirect_uri }),
        Settings::Saml(_) => json!({ "spEntityId": defaults.sp_entity_id }),
        Settings::Ldap(s) => {
            json!({"port": s.port(), "userSearchBase": s.user_base(), "userSearchFilter": s.user_filter()})
        }
    };
    let all = all.as_object().cloned().unwrap_or_default();
    all.into_iter().filter(|(name, _)| !given.contains_key(name)).collect()
}

/// Reads a whole block. What this face has no word for is taken from `base`.
pub fn parse(kind: ProviderType, map: &Map<String, Value>, base: Option<&Settings>) -> Result<Settings> {
    let mut f = Fields::of_map(map, kind.block());
    match kind {
        ProviderType::Oidc => {
            let base = match base {
                Some(Settings::Oidc(oidc)) => (**oidc).clone(),
                _ => Default::default(),
            };
            oidc::parse(&mut f, base).map(|s| Settings::Oidc(Box::new(s)))
        }
        ProviderType::Saml => saml::parse(&mut f).map(|s| Settings::Saml(Box::new(s))),
        ProviderType::Ldap => ldap::parse(&mut f).map(|s| Settings::Ldap(Box::new(s))),
    }
}

/// What settings and their secret must be together.
pub fn check_secret(settings: &Settings, has_secret: bool) -> Result<()> {
    match settings {
        Settings::Ldap(ldap) if has_secret && ldap.bind_dn.is_none() => {
            Err(Error::invalid_field("ldapConfig.bindDn", "is needed, as a password is set"))
        }
        Settings::Saml(saml) if saml.sign_requests && !has_secret => {
            Err(Error::invalid_field("samlConfig.spPrivateKeyPem", "is needed, as requests are to be signed"))
        }
        _ => Ok(()),
    }
}

/// A text that may be absent; an empty one counts as absent.
fn text(f: &mut Fields<'_>, name: &str, most: usize) -> Result<Option<String>> {
    let path = f.path(name);
    let given = f.text(name, 0..=most)?.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    if given.as_ref().is_some_and(|t| t.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t')) {
        return Err(Error::invalid_field(path, "must not have control characters"));
    }
    Ok(given)
}

/// The same on one line.
fn line(f: &mut Fields<'_>, name: &str, most: usize) -> Result<Option<String>> {
    let path = f.path(name);
    let given = text(f, name, most)?;
    if given.as_ref().is_some_and(|t| t.chars().any(char::is_control)) {
        return Err(Error::invalid_field(path, "must not have control characters"));
    }
    Ok(given)
}

fn needed<T>(f: &Fields<'_>, name: &str, given: Option<T>) -> Result<T> {
    given.ok_or_else(|| Error::invalid_field(f.path(name), "is needed"))
}

/// A URL that a browser visits. Whether it may be asked by us is not its matter.
fn url(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    let Some(text) = line(f, name, MAX_URL)? else { return Ok(None) };
    let fits = Url::parse(&text)
        .is_ok_and(|u| matches!(u.scheme(), "https" | "http") && u.has_host() && u.fragment().is_none());
    if fits {
        Ok(Some(text))
    } else {
        Err(Error::invalid_field(f.path(name), "must be an absolute http or https URL without a fragment"))
    }
}

/// One or more certificates in PEM.
fn certificates(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    // It is kept as it was given, line ends and all.
    let Some(pem) = f.text(name, 0..=64 * 1024)?.filter(|t| !t.trim().is_empty()) else { return Ok(None) };
    let mut count = 0;
    for block in x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()) {
        let certificate = block.is_ok_and(|b| b.label == "CERTIFICATE" && b.parse_x509().is_ok());
        if !certificate {
            count = 0;
            break;
        }
        count += 1;
    }
    if count == 0 {
        return Err(Error::invalid_field(f.path(name), "must be one or more X.509 certificates in PEM"));
    }
    Ok(Some(pem))
}

fn flag(value: bool) -> Value {
    if value { json!(true) } else { Value::Null }
}
