//! A global SSO configuration (sso-api §3): an identity provider as the SSO face speaks of it.
//!
//! The identity provider is the record; what stands here is what only this face knows of it. How we speak to it is its
//! connection, whose settings `block` reads and shows in this face's words.

pub mod attributes;
pub mod block;
pub mod create;
pub mod deletion;
pub mod group_mapping;
pub mod rules;
pub mod update;

use serde_json::Value;

use self::attributes::Attributes;
use self::group_mapping::GroupMapping;
use super::connection::Settings;
use super::fields::{Fields, wrong_type};
use super::issuer;
use super::words::words;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// What stands in the place of a secret.
pub const MASK: &str = "******";

words! {
    /// What kind of identity provider it is.
    ProviderType {
        /// OpenID Connect.
        Oidc = "OIDC",
        /// SAML 2.0.
        Saml = "SAML",
        /// A directory.
        Ldap = "LDAP",
    }
}

words! {
    /// What happens when somebody comes for the first time.
    UserProvisioning {
        /// They get an account.
        Auto = "auto",
        /// They are refused until an administrator has made their account.
        Manual = "manual",
        /// The same, and accounts are never changed by what the identity provider says.
        Disabled = "disabled",
    }
}

words! {
    /// What becomes of groups that the identity provider names.
    GroupProvisioning {
        /// They are made here, and people are in them as long as they are said to be.
        Sync = "sync",
        /// Only those of the group mappings count.
        None = "none",
    }
}

words! {
    /// Who manages it.
    Source {
        /// The SSO face.
        Manual = "manual",
        /// A file, by the command line.
        Import = "import",
        /// The Keystone face, where its identity provider was made.
        Federation = "federation",
    }
}

words! {
    /// How the last test went.
    TestResult {
        /// Well.
        Success = "success",
        /// Not well.
        Failure = "failure",
    }
}

words! {
    /// Where it stands.
    Status {
        /// Never tested since it was made or its connection was changed.
        Pending = "pending",
        /// The last test went well.
        Active = "active",
        /// The last test did not.
        Error = "error",
        /// It signs nobody in.
        Disabled = "disabled",
        /// It is about to be deleted.
        Deleting = "deleting",
    }
}

impl ProviderType {
    /// The word in `protocol`, which is also the protocol's id at the identity provider.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
            Self::Ldap => "ldap",
        }
    }

    /// That of a word in `protocol`.
    pub fn of_protocol(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.protocol() == word)
    }

    /// That of a connection.
    pub fn of(settings: &Settings) -> Self {
        match settings {
            Settings::Oidc(_) => Self::Oidc,
            Settings::Saml(_) => Self::Saml,
            Settings::Ldap(_) => Self::Ldap,
        }
    }

    /// The member that holds its settings.
    pub fn block(self) -> &'static str {
        match self {
            Self::Oidc => "oidcConfig",
            Self::Saml => "samlConfig",
            Self::Ldap => "ldapConfig",
        }
    }
}

/// The last test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// When.
    pub at: Timestamp,
    /// How it went.
    pub result: TestResult,
    /// Why it failed.
    pub message: Option<String>,
    /// What went well but asks for attention.
    pub warnings: Vec<String>,
}

/// What only this face knows of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoConfig {
    /// Its uuid, which is the identity provider's id.
    pub id: String,
    /// Who manages it.
    pub source: Source,
    /// For people; one that the Keystone face made may have none.
    pub display_name: Option<String>,
    /// What identifies the identity provider, as far as this face or a test has said.
    pub issuer: Option<String>,
    /// The protocol by which we speak to it, as far as this face has said.
    pub protocol_id: Option<String>,
    /// See [`UserProvisioning`].
    pub user_provisioning: UserProvisioning,
    /// See [`GroupProvisioning`].
    pub group_provisioning: GroupProvisioning,
    /// Which claim is what.
    pub attributes: Attributes,
    /// Which group gives which role.
    pub group_mappings: Vec<GroupMapping>,
    /// Its mapping is made from these; the mapping's id is that of the configuration.
    pub generated: bool,
    /// The last test of its connection as it is.
    pub tested: Option<Tested>,
    /// It is about to be deleted; whether it is to be enabled again if that is called off.
    pub resume_enabled: Option<bool>,
    /// Counts changes, for `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl SsoConfig {
    /// That of an identity provider which the Keystone face has just made.
    pub fn of_keystone(id: &str, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            source: Source::Federation,
            display_name: None,
            issuer: None,
            protocol_id: None,
            user_provisioning: UserProvisioning::Auto,
            group_provisioning: GroupProvisioning::None,
            attributes: Attributes::default(),
            group_mappings: Vec::new(),
            generated: false,
            tested: None,
            resume_enabled: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// What a configuration says about people who come by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// See [`UserProvisioning`].
    pub users: UserProvisioning,
    /// See [`GroupProvisioning`].
    pub groups: GroupProvisioning,
    /// Which claim is what.
    pub attributes: Attributes,
    /// The mapping is made from the configuration's words.
    pub generated: bool,
    /// The kind of identity provider, if it has a connection.
    pub kind: Option<ProviderType>,
}

/// A configuration with what the rest of the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// What this face knows.
    pub config: SsoConfig,
    /// The identity provider signs people in.
    pub enabled: bool,
    /// The identity provider's description.
    pub description: Option<String>,
    /// The protocol whose connection this is.
    pub protocol_id: Option<String>,
    /// How we speak to it; none as long as only the Keystone face knows it.
    pub settings: Option<Settings>,
    /// The connection has a secret.
    pub has_secret: bool,
}

impl Whole {
    /// Where it stands.
    pub fn status(&self) -> Status {
        match (&self.config.resume_enabled, self.enabled, self.config.tested.as_ref().map(|t| t.result)) {
            (Some(_), _, _) => Status::Deleting,
            (None, false, _) => Status::Disabled,
            (None, true, None) => Status::Pending,
            (None, true, Some(TestResult::Success)) => Status::Active,
            (None, true, Some(TestResult::Failure)) => Status::Error,
        }
    }

    /// What people call it.
    pub fn display_name(&self) -> &str {
        let described = self.description.as_deref().filter(|d| !d.is_empty() && d.chars().count() <= create::MAX_NAME);
        self.config.display_name.as_deref().or(described).unwrap_or(&self.config.id)
    }

    /// What identifies the identity provider.
    pub fn issuer(&self) -> Option<String> {
        self.config.issuer.clone().or_else(|| self.settings.as_ref().and_then(issuer_of))
    }

    /// Its kind, as far as it is known.
    pub fn provider_type(&self) -> Option<ProviderType> {
        self.settings.as_ref().map(ProviderType::of)
    }
}

/// What identifies the identity provider that a connection speaks to; not known for SAML as long as only the URL of its
/// metadata is.
pub fn issuer_of(settings: &Settings) -> Option<String> {
    match settings {
        Settings::Oidc(oidc) => {
            let derived = || oidc.discovery_url.as_deref().and_then(issuer::of_discovery).map(str::to_owned);
            oidc.issuer.clone().or_else(derived)
        }
        Settings::Saml(saml) => saml.idp_entity_id.clone(),
        Settings::Ldap(ldap) => {
            let scheme = if ldap.use_ssl { "ldaps" } else { "ldap" };
            let first = ldap.addresses().next().unwrap_or_default();
            Some(format!("{scheme}://{first}/{}", ldap.base_dn))
        }
    }
}

/// One of the words of a member, which may be absent or null.
fn word<T: Copy>(f: &mut Fields<'_>, name: &str, all: &[T], written: fn(T) -> &'static str) -> Result<Option<T>> {
    let Some(text) = f.nullable_text(name, 0..=64)?.flatten() else { return Ok(None) };
    let found = all.iter().copied().find(|word| written(*word).eq_ignore_ascii_case(&text));
    let words = || all.iter().map(|word| written(*word)).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| Error::invalid_field(f.path(name), format!("must be one of {}", words())))
}

fn provider_type(f: &mut Fields<'_>) -> Result<Option<ProviderType>> {
    word(f, "providerType", ProviderType::ALL, ProviderType::as_str)
}

fn user_provisioning(f: &mut Fields<'_>) -> Result<Option<UserProvisioning>> {
    word(f, "userProvisioning", UserProvisioning::ALL, UserProvisioning::as_str)
}

fn group_provisioning(f: &mut Fields<'_>) -> Result<Option<GroupProvisioning>> {
    word(f, "groupProvisioning", GroupProvisioning::ALL, GroupProvisioning::as_str)
}

/// The body as it was sent: the top level is an object, read before.
fn top(body: &Value) -> Result<Fields<'_>> {
    Fields::at(body, "")
}

/// A text of people without control characters, trimmed, 1 to `most` characters; null is for the caller to judge.
fn name(f: &mut Fields<'_>, member: &str, most: usize) -> Result<Option<Option<String>>> {
    let path = f.path(member);
    let text = match f.raw(member) {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(None)),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => return Err(wrong_type(&path, other, "string")),
    };
    if text.is_empty() || text.chars().count() > most {
        return Err(Error::invalid_field(path, format!("must have 1 to {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid_field(path, "must not have control characters"));
    }
    Ok(Some(Some(text)))
}

#[cfg(test)]
mod tests;
