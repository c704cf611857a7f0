//! Bodies of requests about a tenant's identity providers.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{IdpInitiated, LinkMode, LogoutUpstream, Settings};
use crate::error::{Error, Result};
use crate::model::fields::{Fields, wrong_type};
use crate::model::mapping::Document;
use crate::model::setting::{Read, boolean, checked, finish, missing, name, number, put, put_maybe, text, texts, word};
use crate::model::sso_config::attributes::Attributes;
use crate::model::sso_config::{GroupProvisioning, ProviderType};
use crate::model::web;

/// Most e-mail domains, each list.
const MAX_DOMAINS: usize = 100;
/// Most further parameters of a request.
const MAX_PARAMS: usize = 20;
/// Parameters of requests that this service sets itself.
const OWN_PARAMS: [&str; 19] = [
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "id_token_hint",
    "iss",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
];
/// Fields of ours with the names that they have in SSO configurations.
const FIELDS: [(&str, &str); 8] = [
    ("username", "username"),
    ("email", "email"),
    ("display_name", "displayName"),
    ("given_name", "givenName"),
    ("family_name", "familyName"),
    ("phone", "phone"),
    ("groups", "groups"),
    ("external_id", "externalId"),
];

/// Rules by which people are read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// These.
    Document(Document),
    /// Those that are made of these words.
    Words {
        /// Which claim is what.
        attributes: Attributes,
        /// Whether groups are taken over by name.
        groups: GroupProvisioning,
    },
}

/// The body of a POST: an identity provider of a tenant's own.
#[derive(Clone, PartialEq)]
pub struct Create {
    /// What it is called.
    pub name: String,
    /// Whether it signs anybody in.
    pub enabled: bool,
    /// The protocol that it speaks.
    pub kind: ProviderType,
    /// How it is spoken to, as the body of a connection.
    pub connection: Value,
    /// How people are read.
    pub reading: Reading,
    /// What the tenant says of it.
    pub settings: Settings,
}

/// What a PATCH changes.
#[derive(Clone, PartialEq)]
pub struct Update {
    /// What it is called.
    pub name: Option<String>,
    /// Whether it signs anybody in.
    pub enabled: Option<bool>,
    /// How it is spoken to, as the body of a connection.
    pub connection: Option<Value>,
    /// How people are read.
    pub reading: Option<Reading>,
    /// What the tenant says of it now.
    pub settings: Settings,
}

// The connection may hold a secret.
impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Update {
    /// Whether it changes what only the owner of an identity provider may change: the first such member.
    pub fn of_owner(&self) -> Option<&'static str> {
        [
            ("name", self.name.is_some()),
            ("oidc", self.connection.is_some()),
            ("mapping", matches!(self.reading, Some(Reading::Document(_)))),
            ("attribute_mappings", self.reading.is_some()),
        ]
        .into_iter()
        .find_map(|(member, named)| named.then_some(member))
    }
}

impl Create {
    /// Reads the body of a POST.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        f.ignore(&["tenant_id"]);
        let kind = provider_type(&mut f)?.ok_or_else(|| missing(&f, "provider_type"))?;
        let mut settings = Settings::default();
        settings.merge(&mut f)?;
        let create = Self {
            name: name(&mut f, "name")?.ok_or_else(|| missing(&f, "name"))?,
            enabled: boolean(&mut f, "enabled")?.flatten().unwrap_or(true),
            kind,
            connection: connection(&mut f, Some(kind))?.ok_or_else(|| missing(&f, kind.protocol()))?,
            reading: reading(&mut f)?
                .unwrap_or(Reading::Words { attributes: Attributes::default(), groups: GroupProvisioning::None }),
            settings,
        };
        finish(&f)?;
        Ok(create)
    }
}

impl Update {
    /// Reads the body of a PATCH over what the tenant says of it so far.
    pub fn parse(body: &Value, stored: &Settings) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        let kind = provider_type(&mut f)?;
        let mut settings = stored.clone();
        settings.merge(&mut f)?;
        let update = Self {
            name: name(&mut f, "name")?,
            enabled: boolean(&mut f, "enabled")?.map(|read| read.unwrap_or(true)),
            connection: connection(&mut f, kind)?,
            reading: reading(&mut f)?,
            settings,
        };
        finish(&f)?;
        Ok(update)
    }
}

fn provider_type(f: &mut Fields<'_>) -> Result<Option<ProviderType>> {
    const ALL: &[ProviderType] = &[ProviderType::Oidc, ProviderType::Saml];
    Ok(word(f, "provider_type", ALL, ProviderType::protocol)?.flatten())
}

/// The member that is called as its kind, as the body of a connection; of a kind that is not said, whichever is there.
fn connection(f: &mut Fields<'_>, kind: Option<ProviderType>) -> Result<Option<Value>> {
    let kinds = [ProviderType::Oidc, ProviderType::Saml].into_iter().filter(|k| kind.is_none_or(|kind| kind == *k));
    let mut found = None;
    for kind in kinds {
        let name = kind.protocol();
        let Some(members) = f.object(name)? else { continue };
        if members.contains_key("kind") {
            return Err(Error::invalid_field(format!("{name}.kind"), "is provider_type here"));
        }
        if found.is_some() {
            return Err(Error::invalid_field(name, "an identity provider speaks one protocol"));
        }
        let mut members = members.clone();
        members.insert("kind".to_owned(), json!(name));
        found = Some(json!({ "connection": members }));
    }
    Ok(found)
}

/// An error about the body of a connection of that kind, with its place in ours.
pub fn in_connection(kind: &str) -> impl Fn(Error) -> Error {
    move |error| match error {
        Error::Invalid { message, field } => {
            let field = field.as_deref().map_or_else(|| kind.to_owned(), |f| f.replacen("connection", kind, 1));
            Error::invalid_field(field, message)
        }
        other => other,
    }
}

fn reading(f: &mut Fields<'_>) -> Result<Option<Reading>> {
    let document = f.object("mapping")?;
    let attributes = attributes(f)?;
    let groups = word(f, "group_provisioning", GroupProvisioning::ALL, GroupProvisioning::as_str)?.flatten();
    match document {
        Some(_) if attributes.is_some() || groups.is_some() => Err(Error::invalid_field(
            "mapping",
            "rules are either given, or made of attribute_mappings and group_provisioning",
        )),
        Some(members) => {
            if let Some(other) = members.keys().find(|k| !["rules", "schema_version"].contains(&k.as_str())) {
                return Err(Error::invalid_field(format!("mapping.{other:.100}"), crate::model::setting::UNKNOWN));
            }
            let document = Document::parse(&json!({ "mapping": members })).map_err(in_mapping)?;
            Ok(Some(Reading::Document(document)))
        }
        None if attributes.is_none() && groups.is_none() => Ok(None),
        None => Ok(Some(Reading::Words {
            attributes: attributes.unwrap_or_default(),
            groups: groups.unwrap_or(GroupProvisioning::None),
        })),
    }
}

/// An error about rules, with its place in our body.
pub fn in_mapping(error: Error) -> Error {
    match error {
        Error::Invalid { message, field } => {
            Error::invalid_field(field.unwrap_or_else(|| "mapping".to_owned()), message)
        }
        other => other,
    }
}

/// `attribute_mappings`: field and claim.
fn attributes(f: &mut Fields<'_>) -> Result<Option<Attributes>> {
    const MEMBER: &str = "attribute_mappings";
    let Some(given) = f.object(MEMBER)? else { return Ok(None) };
    let mut known = Map::new();
    for (field, claim) in given {
        let Some((_, name)) = FIELDS.iter().find(|(ours, _)| ours == field) else {
            return Err(Error::invalid_field(format!("{MEMBER}.{field:.64}"), crate::model::setting::UNKNOWN));
        };
        known.insert((*name).to_owned(), claim.clone());
    }
    let ours = |place: &str| {
        let named = place.rsplit('.').next().and_then(|n| FIELDS.iter().find(|(_, name)| *name == n));
        named.map_or(MEMBER.to_owned(), |(field, _)| format!("{MEMBER}.{field}"))
    };
    Attributes::parse(&Value::Object(known), &[]).map(Some).map_err(|e| match e {
        Error::Invalid { message, field } => Error::invalid_field(ours(field.as_deref().unwrap_or_default()), message),
        other => other,
    })
}

impl Settings {
    fn merge(&mut self, f: &mut Fields<'_>) -> Result<()> {
        let default = Self::default();
        put(&mut self.show_on_login, boolean(f, "show_on_login")?, default.show_on_login);
        put(&mut self.display_order, number(f, "display_order", 0..=10_000)?, default.display_order);
        put_maybe(&mut self.button_text, text(f, "button_text", 100)?);
        put_maybe(&mut self.icon_url, checked(f, "icon_url", usize::MAX, web::picture)?);
        put_maybe(&mut self.preset, checked(f, "preset", 64, preset)?);
        put(&mut self.domains, domains(f, "domains")?, default.domains);
        put(&mut self.auto_redirect, boolean(f, "auto_redirect")?, default.auto_redirect);
        put(&mut self.allowed_domains, domains(f, "allowed_domains")?, default.allowed_domains);
        put(&mut self.jit_enabled, boolean(f, "jit_enabled")?, default.jit_enabled);
        put(&mut self.link_mode, word(f, "link_mode", LinkMode::ALL, LinkMode::as_str)?, default.link_mode);
        put(&mut self.trust_email, boolean(f, "trust_email")?, default.trust_email);
        put(&mut self.allow_admin_link, boolean(f, "allow_admin_link")?, default.allow_admin_link);
        put(&mut self.required_acr, values(f, "required_acr")?, default.required_acr);
        put(&mut self.required_amr, values(f, "required_amr")?, default.required_amr);
        let logout = word(f, "logout_upstream", LogoutUpstream::ALL, LogoutUpstream::as_str)?;
        put(&mut self.logout_upstream, logout, default.logout_upstream);
        let initiated = word(f, "idp_initiated", IdpInitiated::ALL, IdpInitiated::as_str)?;
        put(&mut self.idp_initiated, initiated, default.idp_initiated);
        put_maybe(&mut self.default_app_id, text(f, "default_app_id", 64)?);
        put(&mut self.pass_login_hint, boolean(f, "pass_login_hint")?, default.pass_login_hint);
        put_maybe(&mut self.prompt, checked(f, "prompt", 64, prompt)?);
        put(&mut self.extra_params, extra_params(f)?, default.extra_params);
        if self.trust_email && self.domains.is_empty() {
            return Err(Error::invalid_field(
                "trust_email",
                "counts for the e-mail domains of 'domains', which names none",
            ));
        }
        Ok(())
    }
}

fn preset(text: &str) -> web::Checked {
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !text.is_empty() && text.bytes().all(sound) {
        Ok(())
    } else {
        Err("is lower-case letters, digits and '_'".into())
    }
}

/// Values of `prompt` that an identity provider may be asked for whenever somebody comes.
fn prompt(text: &str) -> web::Checked {
    let known = ["login", "consent", "select_account"];
    if text.split(' ').all(|word| known.contains(&word)) {
        Ok(())
    } else {
        Err("is one or more of 'login', 'consent' and 'select_account'".into())
    }
}

fn domains(f: &mut Fields<'_>, name: &str) -> Read<Vec<String>> {
    texts(f, name, MAX_DOMAINS, 253, |text| {
        if web::is_domain(text) { Ok(()) } else { Err("is no domain name in lower case".into()) }
    })
}

/// Values of `acr` and `amr`.
fn values(f: &mut Fields<'_>, name: &str) -> Read<Vec<String>> {
    texts(f, name, 20, 255, |text| {
        if text.bytes().all(|b| b.is_ascii_graphic()) { Ok(()) } else { Err("holds blanks or the like".into()) }
    })
}

/// Further parameters: an object of texts.
fn extra_params(f: &mut Fields<'_>) -> Read<Vec<(String, String)>> {
    const MEMBER: &str = "extra_params";
    let given = match f.raw(MEMBER) {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(None)),
        Some(Value::Object(given)) => given,
        Some(other) => return Err(wrong_type(MEMBER, other, "object")),
    };
    if given.len() > MAX_PARAMS {
        return Err(Error::invalid_field(MEMBER, format!("there are more than {MAX_PARAMS}")));
    }
    let mut params = Vec::with_capacity(given.len());
    for (param, value) in given {
        let path = format!("{MEMBER}.{param:.64}");
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if param.is_empty()
            || param.len() > 64
            || !param.bytes().all(sound)
            || param == "state"
            || OWN_PARAMS.contains(&param.as_str())
        {
            return Err(Error::invalid_field(path, "this parameter is none that could be added"));
        }
        match value {
            Value::String(text) if text.len() <= 1_024 && !text.chars().any(char::is_control) => {
                params.push((param.clone(), text.clone()));
            }
            Value::String(_) => {
                return Err(Error::invalid_field(path, "has at most 1024 bytes and no control characters"));
            }
            other => return Err(wrong_type(&path, other, "string")),
        }
    }
    Ok(Some(Some(params)))
}

/// Tenants that a global identity provider is to be kept for.
pub fn tenant_ids(body: &Value) -> Result<Vec<String>> {
    let mut f = Fields::at(body, "")?;
    let ids = texts(&mut f, "tenant_ids", 1_000, 64, |_| Ok(()))?.flatten().ok_or_else(|| missing(&f, "tenant_ids"))?;
    finish(&f)?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(members: Value) -> Result<Create> {
        let mut body = json!({"tenant_id": "t", "name": "n", "provider_type": "oidc", "oidc": {"issuer": "https://op.example", "client_id": "c"}});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Create::parse(&body)
    }

    #[test]
    fn an_identity_provider_needs_a_name_and_how_it_is_spoken_to() {
        let create = made(json!({})).unwrap();
        assert_eq!(create.connection["connection"]["client_id"], "c");
        assert_eq!(create.settings, Settings::default());
        for (members, place) in [
            (json!({"provider_type": "ldap"}), "provider_type:"),
            (json!({"provider_type": "saml"}), "saml:"),
            (json!({"provider_type": "saml", "saml": {"kind": "saml"}}), "saml.kind:"),
            (json!({"provider_type": null}), "provider_type:"),
            (json!({"name": ""}), "name:"),
            (json!({"oidc": null}), "oidc:"),
            (json!({"oidc": {"kind": "ldap"}}), "oidc.kind:"),
            (json!({"mapping": {"rules": []}, "group_provisioning": "sync"}), "mapping:"),
            (json!({"mapping": {"rules": [], "odd": 1}}), "mapping.odd:"),
            (json!({"attribute_mappings": {"odd": "x"}}), "attribute_mappings.odd:"),
            (json!({"attribute_mappings": {"given_name": ""}}), "attribute_mappings.given_name:"),
            (json!({"attribute_mappings": {"email": 1}}), "attribute_mappings.email:"),
            (json!({"link_mode": "always"}), "link_mode:"),
            (json!({"domains": ["A.example"]}), "domains.0:"),
            (json!({"trust_email": true}), "trust_email:"),
            (json!({"icon_url": "http://a.example/x"}), "icon_url:"),
            (json!({"prompt": "none"}), "prompt:"),
            (json!({"display_order": -1}), "display_order:"),
            (json!({"extra_params": {"client_id": "x"}}), "extra_params.client_id:"),
            (json!({"extra_params": {"state": "x"}}), "extra_params.state:"),
            (json!({"extra_params": {"a b": "x"}}), "extra_params.a b:"),
            (json!({"extra_params": {"hd": 1}}), "extra_params.hd:"),
            (json!({"id": "x"}), "id:"),
        ] {
            let error = made(members.clone()).unwrap_err().to_string();
            assert!(error.starts_with(place), "{members} {error}");
        }
    }

    #[test]
    fn a_patch_says_what_only_the_owner_may_say() {
        let stored = Settings { button_text: Some("b".into()), display_order: 7, ..Settings::default() };
        let update = |members| Update::parse(&members, &stored).unwrap();
        assert_eq!(update(json!({"display_order": null})).settings, Settings { display_order: 100, ..stored.clone() });
        assert_eq!(update(json!({"link_mode": "deny", "enabled": false})).of_owner(), None);
        for (members, member) in [
            (json!({"name": "n"}), "name"),
            (json!({"oidc": {"client_id": "c"}}), "oidc"),
            (json!({"mapping": {"rules": []}}), "mapping"),
            (json!({"group_provisioning": "sync"}), "attribute_mappings"),
        ] {
            assert_eq!(update(members).of_owner(), Some(member));
        }
    }

    #[test]
    fn further_parameters_are_texts_by_name() {
        let params = made(json!({"extra_params": {"hd": "acme.example", "a": "b c"}})).unwrap().settings.extra_params;
        assert_eq!(params, [("a".to_owned(), "b c".to_owned()), ("hd".to_owned(), "acme.example".to_owned())]);
    }
}
