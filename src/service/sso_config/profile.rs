//! What a log-in through a configuration may do beyond its mapping: make accounts and groups, and take over what the
//! identity provider says of a person.

use serde_json::json;

use super::{claim_prefix, group_mappings};
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::fields::Extra;
use crate::model::group::Group;
use crate::model::sso_config::rules::{self, Sources};
use crate::model::sso_config::{GroupProvisioning, Terms, UserProvisioning, group_mapping};
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
        let found = store::sso_config::terms(conn, idp_id).await?;
        Ok(found.map(|terms| Self {
            config_id: idp_id.to_owned(),
            users: terms.users,
            groups: terms.groups,
            generated: terms.generated,
            profile: attributes(app, &terms),
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

    /// Whether a group that stands in the way of a name is one of the configuration's own. Where the mapping is made of the
    /// configuration's words, the identity provider puts people into no other: somebody has made it for people of theirs.
    pub(in crate::service) fn may_name(&self, group: &Group, name: &str) -> bool {
        !self.generated || group.id == group_mapping::group_id(&self.config_id, name)
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
fn attributes(app: &App, terms: &Terms) -> Vec<(&'static str, String)> {
    let Some(kind) = terms.kind.filter(|_| terms.generated) else { return Vec::new() };
    let sources = Sources {
        kind,
        claim_prefix: claim_prefix(app),
        attributes: &terms.attributes,
        groups: terms.groups,
        group_ids: &[],
        domain_id: "",
    };
    FIELDS.iter().map(|(field, name)| (*name, rules::attribute(&sources, field))).collect()
}
