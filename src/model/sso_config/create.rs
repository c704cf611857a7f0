//! The body of a create (sso-api §4.1). Unknown members are ignored; blocks of other kinds than the configuration's own are
//! looked at for their types only.

use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::block::{self, SecretChange};
use super::group_mapping::{self, GroupMapping};
use super::{
    GroupProvisioning, ProviderType, UserProvisioning, group_provisioning, name, provider_type, top, user_provisioning,
};
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::fields::Fields;
use crate::secret::Secret;

/// Longest display name, in characters.
pub const MAX_NAME: usize = 255;

/// What a create asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// For people.
    pub display_name: String,
    /// Its kind and how we speak to it.
    pub settings: Settings,
    /// The secret that goes with it.
    pub secret: Option<Secret>,
    /// See [`UserProvisioning`].
    pub user_provisioning: UserProvisioning,
    /// See [`GroupProvisioning`].
    pub group_provisioning: GroupProvisioning,
    /// Which claim is what.
    pub attributes: Attributes,
    /// Which group gives which role.
    pub group_mappings: Vec<GroupMapping>,
    /// It signs people in.
    pub enabled: bool,
}

impl Create {
    /// Reads the body of a create; `order` has the keys of `attributeMappings` as they stood in it.
    pub fn parse(body: &Value, order: &[String]) -> Result<Self> {
        let mut f = top(body)?;
        let needed = |f: &Fields<'_>, member: &str| Error::invalid_field(f.path(member), "is needed");
        let display_name = name(&mut f, "displayName", MAX_NAME)?.flatten().ok_or_else(|| needed(&f, "displayName"))?;
        let kind = provider_type(&mut f)?.ok_or_else(|| needed(&f, "providerType"))?;
        protocol(&mut f, kind)?;
        let own = blocks(&mut f, kind)?.ok_or_else(|| needed(&f, kind.block()))?;
        let secret = match block::secret(kind, own)? {
            SecretChange::Keep { masked: true } => {
                return Err(Error::invalid_field(block::secret_path(kind), "is the mask, not a secret"));
            }
            SecretChange::Keep { masked: false } | SecretChange::Clear => None,
            SecretChange::Set(secret) => Some(secret),
        };
        let settings = block::parse(kind, &without_nulls(own), None)?;
        block::check_secret(&settings, secret.is_some())?;
        Ok(Self {
            display_name,
            settings,
            secret,
            user_provisioning: user_provisioning(&mut f)?.unwrap_or(UserProvisioning::Auto),
            group_provisioning: group_provisioning(&mut f)?.unwrap_or(GroupProvisioning::None),
            attributes: match f.raw("attributeMappings").filter(|v| !v.is_null()) {
                None => Attributes::default(),
                Some(value) => Attributes::parse(value, order)?,
            },
            group_mappings: match f.raw("groupMappings").filter(|v| !v.is_null()) {
                None => Vec::new(),
                Some(value) => group_mapping::parse(value)?,
            },
            enabled: enabled(&mut f)?.unwrap_or(true),
        })
    }

    /// Its kind.
    pub fn kind(&self) -> ProviderType {
        ProviderType::of(&self.settings)
    }
}

/// `enabled`; null says nothing.
pub(super) fn enabled(f: &mut Fields<'_>) -> Result<Option<bool>> {
    match f.raw("enabled") {
        Some(Value::Null) => Ok(None),
        _ => f.boolean("enabled"),
    }
}

/// `protocol` may be left out, else it must be that of the kind.
pub(super) fn protocol(f: &mut Fields<'_>, kind: ProviderType) -> Result<()> {
    let Some(text) = f.nullable_text("protocol", 0..=64)?.flatten() else { return Ok(()) };
    if text.eq_ignore_ascii_case(kind.protocol()) {
        return Ok(());
    }
    Err(Error::invalid_field(
        "protocol",
        format!("must be '{}' for the provider type {}", kind.protocol(), kind.as_str()),
    ))
}

/// The block of a kind, if it is there; the others are read for their types.
pub(super) fn blocks<'a>(f: &mut Fields<'a>, kind: ProviderType) -> Result<Option<&'a Map<String, Value>>> {
    let mut own = None;
    for other in ProviderType::ALL {
        let found = match f.raw(other.block()) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(map)) => map,
            Some(value) => return Err(crate::model::fields::wrong_type(other.block(), value, "object")),
        };
        block::check_types(*other, found)?;
        if *other == kind {
            own = Some(found);
        }
    }
    Ok(own)
}

/// Null is the same as absent where nothing is stored yet.
fn without_nulls(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
}
