//! The body of an update (sso-api §4.4): what is absent stays, null clears what may be absent, blocks are merged member by
//! member, mappings are replaced whole. Secrets follow §6.1: absent, empty or the mask keeps, null clears.

use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::block::{self, Defaults, SecretChange};
use super::create::{MAX_NAME, blocks, enabled, protocol};
use super::group_mapping::{self, GroupMapping};
use super::{
    GroupProvisioning, ProviderType, UserProvisioning, Whole, group_provisioning, name, provider_type, top,
    user_provisioning,
};
use crate::error::{Error, Result};
use crate::model::connection::Settings;

/// What an update changes. What is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// For people.
    pub display_name: Option<String>,
    /// How we speak to it, merged with what is stored, and what becomes of the secret.
    pub connection: Option<(Settings, SecretChange)>,
    /// See [`UserProvisioning`].
    pub user_provisioning: Option<UserProvisioning>,
    /// See [`GroupProvisioning`].
    pub group_provisioning: Option<GroupProvisioning>,
    /// Which claim is what.
    pub attributes: Option<Attributes>,
    /// Which group gives which role.
    pub group_mappings: Option<Vec<GroupMapping>>,
    /// It signs people in.
    pub enabled: Option<bool>,
}

impl Update {
    /// Reads the body of an update of `stored`.
    pub fn parse(body: &Value, order: &[String], stored: &Whole, defaults: &Defaults) -> Result<Self> {
        let mut f = top(body)?;
        let display_name = match name(&mut f, "displayName", MAX_NAME)? {
            Some(None) => return Err(Error::invalid_field("displayName", "is needed, so it cannot be cleared")),
            given => given.flatten(),
        };
        let asked = provider_type(&mut f)?;
        let connection = match (stored.provider_type(), asked) {
            (Some(kind), Some(other)) if kind != other => {
                return Err(Error::invalid_field(
                    "providerType",
                    format!("is {} and cannot be changed", kind.as_str()),
                ));
            }
            (Some(kind), _) => connection(&mut f, kind, stored, defaults)?,
            (None, Some(kind)) => connection(&mut f, kind, stored, defaults)?,
            (None, None) => {
                match ProviderType::ALL.iter().find(|k| body.get(k.block()).is_some_and(Value::is_object)) {
                    Some(kind) => connection(&mut f, *kind, stored, defaults)?,
                    None => None,
                }
            }
        };
        // Null brings the default back.
        let cleared = |name: &str| body.get(name).is_some_and(Value::is_null);
        let user_default = cleared("userProvisioning").then_some(UserProvisioning::Auto);
        let group_default = cleared("groupProvisioning").then_some(GroupProvisioning::None);
        Ok(Self {
            display_name,
            connection,
            user_provisioning: user_provisioning(&mut f)?.or(user_default),
            group_provisioning: group_provisioning(&mut f)?.or(group_default),
            attributes: match f.raw("attributeMappings") {
                None => None,
                Some(Value::Null) => Some(Attributes::default()),
                Some(value) => Some(Attributes::parse(value, order)?),
            },
            group_mappings: match f.raw("groupMappings") {
                None => None,
                Some(Value::Null) => Some(Vec::new()),
                Some(value) => Some(group_mapping::parse(value)?),
            },
            enabled: enabled(&mut f)?.or(cleared("enabled").then_some(true)),
        })
    }
}

fn connection(
    f: &mut crate::model::fields::Fields<'_>,
    kind: ProviderType,
    stored: &Whole,
    defaults: &Defaults,
) -> Result<Option<(Settings, SecretChange)>> {
    protocol(f, kind)?;
    let cleared = matches!(f.raw(kind.block()), Some(Value::Null));
    if cleared && stored.settings.is_some() {
        return Err(Error::invalid_field(kind.block(), "is needed, so it cannot be cleared"));
    }
    let Some(own) = blocks(f, kind)? else { return Ok(None) };
    let shown = stored.settings.as_ref().map(|s| block::shown_defaults(s, defaults)).unwrap_or_default();
    let given = stored.settings.as_ref().map(block::given).unwrap_or_default();
    let settings = block::parse(kind, &merged(given, own, &shown), stored.settings.as_ref())?;
    let secret = block::secret(kind, own)?;
    let stays = match &stored.settings {
        Some(old) => !stored.has_secret || old.secret_stays(&settings),
        None => true,
    };
    match &secret {
        // Keycloak's #47295: whoever moves the server must not get the password that was meant for the old one.
        SecretChange::Keep { .. } if !stays => Err(Error::invalid_field(
            block::secret_path(kind),
            "must be given again, as it would go to another server or less protected than before",
        )),
        SecretChange::Keep { masked: true } if !stored.has_secret => {
            Err(Error::invalid_field(block::secret_path(kind), "is the mask, but no secret is stored"))
        }
        _ => {
            let has_secret = match &secret {
                SecretChange::Keep { .. } => stored.has_secret,
                SecretChange::Clear => false,
                SecretChange::Set(_) => true,
            };
            block::check_secret(&settings, has_secret)?;
            Ok(Some((settings, secret)))
        }
    }
}

/// One level deep: null takes a member away, and a default that was shown is none of the client's words.
fn merged(
    mut stored: Map<String, Value>,
    given: &Map<String, Value>,
    shown: &Map<String, Value>,
) -> Map<String, Value> {
    for (name, value) in given {
        if value.is_null() {
            stored.remove(name);
        } else if shown.get(name) != Some(value) {
            stored.insert(name.clone(), value.clone());
        }
    }
    stored
}
