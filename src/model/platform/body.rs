//! What a body says about a platform (sso-api §5.2). Unknown members are ignored; of an update, absent members are left as they
//! are and null takes an optional one away. A secret that is absent, empty or the mask is kept, unless the address changes that
//! it is sent to: then it has to be given again (ADM-SEC-1).

use serde_json::Value;

use super::{CredentialKind, Options, Platform, Status};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::fields::{Fields, wrong_type};
use crate::secret::Secret;

/// What stands for a secret that is set.
pub const MASK: &str = "******";

/// Longest name, product, user and key id, in characters.
const MAX_NAME: usize = 255;
/// Longest URL.
const MAX_URL: usize = 2_048;
/// Longest secret.
const MAX_SECRET: usize = 4_096;
/// Most of certificates, in bytes.
const MAX_PEM: usize = 64 * 1024;

/// What is asked of a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Asked<T> {
    /// It is not named.
    #[default]
    Keep,
    /// It is null.
    Clear,
    /// It is this.
    Set(T),
}

impl<T> Asked<T> {
    /// Applies it to what is stored.
    fn to(self, stored: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *stored = None,
            Self::Set(value) => *stored = Some(value),
        }
    }
}

/// What a body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// See [`Platform::name`].
    pub name: Option<String>,
    /// See [`Platform::product_type`].
    pub product_type: Option<String>,
    /// See [`Platform::host`].
    pub host: Option<String>,
    /// See [`Platform::port`].
    pub port: Option<u16>,
    /// A user who may make a key there.
    pub username: Option<String>,
    /// That user's password; used once.
    pub password: Asked<Secret>,
    /// A key's id.
    pub key_id: Asked<String>,
    /// A key's name.
    pub key_name: Asked<String>,
    /// A key's secret.
    pub key_secret: Asked<Secret>,
    /// What its SCIM server wants to see.
    pub scim_token: Asked<Secret>,
    options: Vec<(&'static str, Asked<String>)>,
    insecure_skip_verify: Option<bool>,
}

/// Optional texts, with how long they may be.
const TEXTS: [(&str, usize); 12] = [
    ("endpoint", MAX_URL),
    ("uiUrl", MAX_URL),
    ("callbackUrl", MAX_URL),
    ("loginType", 64),
    ("projectName", MAX_NAME),
    ("projectDomainName", MAX_NAME),
    ("userDomainName", MAX_NAME),
    ("protocolId", 64),
    ("claimPrefix", 64),
    ("scimEndpoint", MAX_URL),
    ("caCertificatePem", MAX_PEM),
    ("accessKeyName", MAX_NAME),
];

impl Body {
    /// Reads a body.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        match f.raw("features") {
            None | Some(Value::Null | Value::Object(_)) => {}
            Some(other) => return Err(wrong_type("features", other, "object")),
        }
        let mut read = Self {
            name: required(&mut f, "name")?,
            product_type: required(&mut f, "productType")?,
            host: required(&mut f, "hostIp")?.map(host).transpose()?,
            port: port(&mut f)?,
            username: f.nullable_text("username", 0..=MAX_NAME)?.flatten().filter(|t| !t.is_empty()),
            password: secret(&mut f, "password")?,
            key_id: text(&mut f, "accessKeyId", MAX_NAME)?,
            key_secret: secret(&mut f, "accessKeySecret")?,
            scim_token: secret(&mut f, "scimToken")?,
            insecure_skip_verify: f.boolean("insecureSkipVerify")?,
            ..Self::default()
        };
        for (name, most) in TEXTS {
            let asked = text(&mut f, name, most)?;
            if name == "accessKeyName" {
                read.key_name = asked;
            } else {
                read.options.push((name, asked));
            }
        }
        Ok(read)
    }

    /// A platform that is made of it.
    pub fn create(&self, id: String, now: Timestamp) -> Result<Platform> {
        let needed = |field: &str| Error::invalid_field(field, "is needed");
        let mut made = Platform {
            id,
            name: self.name.clone().ok_or_else(|| needed("name"))?,
            product_type: self.product_type.clone().ok_or_else(|| needed("productType"))?,
            host: String::new(),
            port: 0,
            account: None,
            account_name: None,
            credential: None,
            options: Options::default(),
            status: Status::Connecting,
            last_error: None,
            checked_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.write(&mut made);
        if made.host.is_empty() && made.options.endpoint.is_none() {
            return Err(needed("hostIp"));
        }
        if made.port == 0 && made.options.endpoint.is_none() {
            return Err(needed("hostPort"));
        }
        Ok(made)
    }

    /// A platform after it. Whoever changes the product changes it for another one, which is not this.
    pub fn update(&self, stored: &Platform, now: Timestamp) -> Result<Platform> {
        if self.product_type.as_ref().is_some_and(|product| *product != stored.product_type) {
            return Err(Error::invalid_field("productType", "cannot be changed"));
        }
        let mut next = stored.clone();
        self.write(&mut next);
        if next.host.is_empty() && next.options.endpoint.is_none() {
            return Err(Error::invalid_field("hostIp", "is needed where there is no endpoint"));
        }
        if next != *stored {
            (next.version, next.updated_at) = (stored.version + 1, now);
        }
        Ok(next)
    }

    fn write(&self, to: &mut Platform) {
        to.name = self.name.clone().unwrap_or(std::mem::take(&mut to.name));
        to.host = self.host.clone().unwrap_or(std::mem::take(&mut to.host));
        to.port = self.port.unwrap_or(to.port);
        for (name, asked) in &self.options {
            let options = &mut to.options;
            let place = match *name {
                "endpoint" => &mut options.endpoint,
                "uiUrl" => &mut options.ui_url,
                "callbackUrl" => &mut options.callback_url,
                "loginType" => &mut options.login_type,
                "projectName" => &mut options.project_name,
                "projectDomainName" => &mut options.project_domain_name,
                "userDomainName" => &mut options.user_domain_name,
                "protocolId" => &mut options.protocol_id,
                "claimPrefix" => &mut options.claim_prefix,
                "scimEndpoint" => &mut options.scim_endpoint,
                _ => &mut options.ca_certificate_pem,
            };
            asked.clone().to(place);
        }
        to.options.insecure_skip_verify = self.insecure_skip_verify.unwrap_or(to.options.insecure_skip_verify);
        self.key_id.clone().to(&mut to.account);
        self.key_name.clone().to(&mut to.account_name);
        match (&self.key_secret, &self.key_id) {
            (Asked::Set(_), _) => to.credential = Some(CredentialKind::Key),
            (Asked::Clear, _) | (_, Asked::Clear) => to.credential = None,
            _ => {}
        }
        if to.account_name.is_none() {
            to.account_name = to.account.clone();
        }
    }
}

/// Whether a secret would go to another place than it was given for.
pub fn moves(stored: &Platform, next: &Platform) -> bool {
    stored.base_url() != next.base_url()
}

/// The same for the token of its SCIM server.
pub fn moves_scim(stored: &Platform, next: &Platform) -> bool {
    stored.options.scim_endpoint != next.options.scim_endpoint
}

fn required(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    let Some(text) = f.text(name, 0..=MAX_NAME)? else { return Ok(None) };
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(Error::invalid_field(name, "must not be empty"));
    }
    plain(name, &text)?;
    Ok(Some(text))
}

fn plain(name: &str, text: &str) -> Result<()> {
    match text.chars().any(|c| c.is_control() && !(name == "caCertificatePem" && matches!(c, '\n' | '\r'))) {
        true => Err(Error::invalid_field(name, "must not have control characters")),
        false => Ok(()),
    }
}

fn host(text: String) -> Result<String> {
    match text.chars().any(|c| c.is_whitespace() || "/@?#\\".contains(c)) {
        true => Err(Error::invalid_field("hostIp", "must be a host name or an address")),
        false => Ok(text),
    }
}

fn port(f: &mut Fields<'_>) -> Result<Option<u16>> {
    match f.raw("hostPort") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(n)) => {
            let port = n.as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
            port.map(Some).ok_or_else(|| Error::invalid_field("hostPort", "must be 1 to 65535"))
        }
        Some(other) => Err(wrong_type("hostPort", other, "integer")),
    }
}

fn text(f: &mut Fields<'_>, name: &str, most: usize) -> Result<Asked<String>> {
    Ok(match f.nullable_text(name, 0..=most)? {
        None => Asked::Keep,
        Some(None) => Asked::Clear,
        Some(Some(text)) if text.trim().is_empty() => Asked::Clear,
        Some(Some(text)) => {
            plain(name, &text)?;
            Asked::Set(text.trim().to_owned())
        }
    })
}

fn secret(f: &mut Fields<'_>, name: &str) -> Result<Asked<Secret>> {
    Ok(match f.nullable_text(name, 0..=MAX_SECRET)? {
        None => Asked::Keep,
        Some(None) => Asked::Clear,
        Some(Some(text)) if text.is_empty() || text == MASK => Asked::Keep,
        Some(Some(text)) => Asked::Set(Secret::from(text)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn platform(body: &Value) -> Platform {
        Body::parse(body).unwrap().create("p".into(), Timestamp::from_secs(1)).unwrap()
    }

    #[test]
    fn what_is_read_can_be_written_back_and_changes_nothing() {
        let body = json!({"name": " one ", "productType": "zstack", "hostIp": "10.0.0.1", "hostPort": 8080, "accessKeyId": "k",
            "accessKeySecret": "s", "scimEndpoint": "https://scim.example/v2", "unknown": [1]});
        let made = platform(&body);
        assert_eq!(
            (made.name.as_str(), made.account_name.as_deref(), made.credential),
            ("one", Some("k"), Some(CredentialKind::Key))
        );
        let back =
            json!({"name": "one", "accessKeySecret": MASK, "scimToken": "", "hostPort": 8080, "status": "connected"});
        assert_eq!(Body::parse(&back).unwrap().update(&made, Timestamp::from_secs(9)), Ok(made));
    }

    #[test]
    fn null_takes_away_what_is_optional() {
        let made = platform(
            &json!({"name": "one", "productType": "zstack", "endpoint": "https://a.example", "uiUrl": "https://u.example"}),
        );
        let next = Body::parse(&json!({"uiUrl": null})).unwrap().update(&made, Timestamp::from_secs(9)).unwrap();
        assert_eq!((next.options.ui_url, next.version), (None, 2));
        let gone = Body::parse(&json!({"endpoint": null})).unwrap().update(&made, Timestamp::from_secs(9));
        assert!(matches!(gone, Err(Error::Invalid { field: Some(field), .. }) if field == "hostIp"));
    }

    #[test]
    fn adm_sec_1_another_address_is_noticed() {
        let made = platform(&json!({"name": "one", "productType": "zstack", "hostIp": "a.example", "hostPort": 8080}));
        for (body, expected) in [
            (json!({"name": "two"}), false),
            (json!({"hostIp": "b.example"}), true),
            (json!({"hostPort": 81}), true),
            (json!({"insecureSkipVerify": true}), false),
            (json!({"endpoint": "https://a.example:8080"}), false),
        ] {
            let next = Body::parse(&body).unwrap().update(&made, Timestamp::from_secs(9)).unwrap();
            assert_eq!(moves(&made, &next), expected, "{body}");
        }
    }

    #[test]
    fn bad_members_are_named() {
        for (name, value) in [
            ("name", json!("")),
            ("name", json!(7)),
            ("name", json!("x".repeat(256))),
            ("productType", json!(" ")),
            ("hostIp", json!("a b")),
            ("hostPort", json!("8080")),
            ("hostPort", json!(0)),
            ("hostPort", json!(70_000)),
            ("insecureSkipVerify", json!("yes")),
            ("features", json!([])),
            ("endpoint", json!(["x"])),
            ("accessKeySecret", json!({})),
        ] {
            let read = Body::parse(&json!({name: value}));
            assert!(
                matches!(&read, Err(Error::Invalid { field: Some(field), .. }) if field == name),
                "{name} {read:?}"
            );
        }
    }
}
