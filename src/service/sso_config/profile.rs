//! What a log-in through a configuration may do beyond its mapping: make accounts and groups, and take over what the
//! identity provider says of a person.

use serde_json::json;

use super::{claim_prefix, group_mappings};
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::fields::Extra;
use crate::model::sso_config::rules::{self, Sources};
use crate::model::sso_config::{GroupProvisioning, ProviderType, UserProvisioning, Whole};
use crate::service::App;
use crate::store::{self, Conn};

/// Our fields of a person beside name and e-mail address, and under which name a user carries them.
const FIELDS: [(&str, &str); 4] =
    [("displayName", "display_name"), ("givenName", "given_name"), ("familyName", "family_name"), ("phone", "phone")];

/// What a configuration says about people who come by it. An identity provider that is none says the usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioning {
    config_id: String,
    users: UserProvisioning,
    groups: GroupProvisioning,
    /// The mapping is made from the configuration's words.
    generated: bool,
    /// A user's attribute and the assertion's that it is taken from.
    profile: Vec<(&'static str, String)>,
}

impl Provisioning {
    /// What the configuration of an identity provider says.
    pub(in crate::service) async fn of(app: &App, conn: &mut Conn, idp_id: &str) -> Result<Option<Self>> {
        let found = store::sso_config::get(conn, idp_id).await?;
        Ok(found.map(|whole| Self {
            profile: attributes(app, &whole),
            generated: whole.config.generated,
            config_id: whole.config.id,
            users: whole.config.user_provisioning,
            groups: whole.config.group_provisioning,
        }))
    }

    /// 401 unless somebody may get an account by coming here.
    pub(in crate::service) fn check_new(&self) -> Result<()> {
        match self.users {
            UserProvisioning::Auto => Ok(()),
            UserProvisioning::Manual | UserProvisioning::Disabled => {
                Err(Error::unauthorized("accounts are not made at log-in: userProvisioning of the SSO configuration"))
            }
        }
    }

    /// Whether accounts follow what the identity provider says.
    pub(in crate::service) fn follows(&self) -> bool {
        self.users != UserProvisioning::Disabled
    }

    /// Whether a group that the mapping names may be gone: it was made here, and somebody has deleted it on the Keystone face.
    pub(in crate::service) fn may_miss_groups(&self) -> bool {
        self.generated
    }

    /// What the identity provider says of the person.
    pub(in crate::service) fn profile(&self, assertion: &Assertion) -> Extra {
        let mut extra = Extra::new();
        for (name, attribute) in &self.profile {
            if let Some([one]) = assertion.get(attribute)
                && !one.is_empty()
                && one.chars().count() <= 255
            {
                extra.insert((*name).to_owned(), json!(one));
            }
        }
        extra
    }

    /// The group of that name, made if groups are taken over; none otherwise.
    pub(in crate::service) async fn group(&self, tx: &mut Conn, name: &str, domain_id: &str) -> Result<Option<String>> {
        if self.groups == GroupProvisioning::None || name.trim().is_empty() || name.contains('\0') {
            return Ok(None);
        }
        group_mappings::group(tx, &self.config_id, name, domain_id).await.map(Some)
    }
}

/// The attributes of the assertion that a profile is taken from, where the mapping is made of the same words.
fn attributes(app: &App, whole: &Whole) -> Vec<(&'static str, String)> {
    let Some(kind) = whole.settings.as_ref().map(ProviderType::of).filter(|_| whole.config.generated) else {
        return Vec::new();
    };
    let sources = Sources {
        kind,
        claim_prefix: claim_prefix(app),
        attributes: &whole.config.attributes,
        groups: whole.config.group_provisioning,
        group_ids: &[],
        domain_id: "",
    };
    FIELDS.iter().map(|(field, name)| (*name, rules::attribute(&sources, field))).collect()
}
