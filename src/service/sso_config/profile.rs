//! What a log-in through a configuration may do beyond its mapping: make accounts and groups, and take over what the
//! identity provider says of a person.

use serde_json::{Value, json};

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
    terms: Terms,
    claim_prefix: String,
    /// The tenant whose people they are, if it is not the configuration's own domain that they live in, with the groups that
    /// stand there for groups at the identity provider.
    moved: Option<(String, Vec<Moved>)>,
}

/// A group at the identity provider, the group that stands for it at a tenant, and the roles that it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moved {
    idp_group: String,
    group_id: String,
    roles: Vec<String>,
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
            claim_prefix: claim_prefix(app).to_owned(),
            moved: None,
            terms,
        }))
    }

    /// What a configuration says about people of a tenant: groups and roles are the tenant's (ruling 13). The rules of the
    /// mapping, if it is made of the configuration's words.
    pub(in crate::service) async fn move_to(&mut self, conn: &mut Conn, tenant_id: &str) -> Result<Option<Value>> {
        let Some(kind) = self.terms.kind.filter(|_| self.generated) else { return Ok(None) };
        let mut moved: Vec<Moved> = Vec::new();
        for row in store::sso_config::group_mappings(conn, &self.config_id).await? {
            match moved.iter_mut().find(|m| m.idp_group == row.idp_group) {
                Some(known) => known.roles.push(row.role),
                None => moved.push(Moved {
                    group_id: group_mapping::group_id(&key(&self.config_id, tenant_id), &row.idp_group),
                    idp_group: row.idp_group,
                    roles: vec![row.role],
                }),
            }
        }
        let group_ids: Vec<(String, String)> =
            moved.iter().map(|m| (m.idp_group.clone(), m.group_id.clone())).collect();
        let rules = rules::rules(&Sources {
            kind,
            claim_prefix: &self.claim_prefix,
            attributes: &self.terms.attributes,
            groups: self.terms.groups,
            group_ids: &group_ids,
            domain_id: tenant_id,
        });
        self.moved = Some((tenant_id.to_owned(), moved));
        Ok(Some(rules))
    }

    /// Whether a group stands at a tenant for one at the identity provider, and is made when somebody first comes.
    pub(in crate::service) fn provides(&self, group_id: &str) -> bool {
        self.moved.as_ref().is_some_and(|(_, groups)| groups.iter().any(|m| m.group_id == group_id))
    }

    /// Makes such a group, with its roles on the tenant, if it is not there as it should be.
    pub(in crate::service) async fn provide(&self, tx: &mut Conn, group_id: &str) -> Result<()> {
        let Some((tenant_id, groups)) = &self.moved else { return Ok(()) };
        let Some(wanted) = groups.iter().find(|m| m.group_id == group_id) else { return Ok(()) };
        group_mappings::provide_at(tx, &key(&self.config_id, tenant_id), &wanted.idp_group, tenant_id, &wanted.roles)
            .await
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
        !self.generated || group.id == group_mapping::group_id(&self.own_key(), name)
    }

    /// The group of that name, made if groups are taken over; none otherwise.
    pub(in crate::service) async fn group(&self, tx: &mut Conn, name: &str, domain_id: &str) -> Result<Option<String>> {
        if self.groups == GroupProvisioning::None || name.trim().is_empty() || name.contains('\0') {
            return Ok(None);
        }
        group_mappings::group(tx, &self.own_key(), name, domain_id).await.map(Some)
    }

    /// What the ids of its groups are made of.
    fn own_key(&self) -> String {
        self.moved.as_ref().map_or_else(|| self.config_id.clone(), |(tenant_id, _)| key(&self.config_id, tenant_id))
    }
}

/// What the ids of a configuration's groups at a tenant are made of.
fn key(config_id: &str, tenant_id: &str) -> String {
    format!("{config_id}@{tenant_id}")
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
