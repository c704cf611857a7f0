//! The mapping that is made of a configuration's attribute and group mappings, in the language of mapping documents.

use serde_json::{Value, json};

use super::attributes::Attributes;
use super::{GroupProvisioning, ProviderType};

/// What a mapping is made of.
#[derive(Debug, Clone)]
pub struct Sources<'a> {
    /// The kind of identity provider.
    pub kind: ProviderType,
    /// What stands before the names of an OpenID provider's claims.
    pub claim_prefix: &'a str,
    /// Which claim is what.
    pub attributes: &'a Attributes,
    /// Whether groups are taken over by name.
    pub groups: GroupProvisioning,
    /// Groups at the identity provider and the ids of those that stand for them here.
    pub group_ids: &'a [(String, String)],
    /// The domain of the users.
    pub domain_id: &'a str,
}

/// The rules. A rule matches only if all that it asks for is there, so the person is named by the most telling of three.
pub fn rules(from: &Sources<'_>) -> Value {
    let remote = |field: &str| json!({ "type": attribute(from, field) });
    let (id, name, email) = (remote("externalId"), remote("username"), remote("email"));
    let mut rules = vec![
        json!({"local": [{"user": {"id": "{0}", "name": "{1}", "email": "{2}"}}], "remote": [id, name, email]}),
        json!({"local": [{"user": {"id": "{0}", "name": "{1}"}}], "remote": [id, name]}),
        json!({"local": [{"user": {"id": "{0}", "name": "{0}"}}], "remote": [id]}),
    ];
    let groups = attribute(from, "groups");
    if from.groups == GroupProvisioning::Sync {
        let local = json!([{"groups": "{0}", "domain": {"id": from.domain_id}}]);
        rules.push(json!({ "local": local, "remote": [{ "type": groups }] }));
    }
    for (idp_group, group_id) in from.group_ids {
        let remote = json!([{ "type": groups, "any_one_of": [idp_group] }]);
        rules.push(json!({ "local": [{ "group": { "id": group_id } }], "remote": remote }));
    }
    Value::Array(rules)
}

/// The name under which mapping documents know a field's claim.
pub fn attribute(from: &Sources<'_>, field: &str) -> String {
    let claim = from.attributes.claim(field, from.kind);
    match from.kind {
        ProviderType::Oidc => format!("{}{claim}", from.claim_prefix),
        ProviderType::Saml | ProviderType::Ldap => claim.to_owned(),
    }
}
