//! The rules that make a user and groups of what an identity provider asserts, in the language of mappings that both sides speak.

use serde_json::{Value, json};

use super::target::Target;
use crate::model::plan::Plan;
use crate::model::sso_config::group_mapping::group_name;
use crate::platform::{Problem, Trouble};

/// The rules. A rule matches only if all that it asks for is there, and the first that names a user wins: so the most telling one
/// stands first.
pub fn rules(target: &Target, plan: &Plan, domain_id: &str) -> Result<Value, Problem> {
    let remote = |field: &str| plan.attribute(field).map(|name| json!({"type": target.attribute(name)}));
    let (id, name, email) = (remote("externalId"), remote("username"), remote("email"));
    let mut rules = Vec::new();
    let mut user = |fields: &[(&str, &Option<Value>)]| {
        let asked: Option<Vec<&Value>> = fields.iter().map(|(_, remote)| remote.as_ref()).collect();
        let Some(asked) = asked else { return };
        let mut user: serde_json::Map<String, Value> =
            fields.iter().enumerate().map(|(i, (field, _))| ((*field).to_owned(), json!(format!("{{{i}}}")))).collect();
        // Somebody must have a name.
        user.entry("name").or_insert_with(|| json!("{0}"));
        rules.push(json!({"local": [{ "user": user }], "remote": asked}));
    };
    user(&[("id", &id), ("name", &name), ("email", &email)]);
    user(&[("id", &id), ("name", &name)]);
    user(&[("id", &id)]);
    user(&[("name", &name)]);
    if rules.is_empty() {
        return Err(Problem::new(
            Trouble::Refused,
            "The configuration maps neither 'externalId' nor 'username', so nobody would have a name there.",
        ));
    }
    let Some(groups) = remote("groups") else { return Ok(Value::Array(rules)) };
    if plan.takes_groups {
        let local = json!([{"groups": "{0}", "domain": {"id": domain_id}}]);
        rules.push(json!({"local": local, "remote": [groups.clone()]}));
    }
    let mut seen: Vec<&str> = Vec::new();
    for row in plan.group_mappings.iter().map(|row| row.idp_group.as_str()) {
        if seen.contains(&row) {
            continue;
        }
        seen.push(row);
        let mut asked = groups.clone();
        asked["any_one_of"] = json!([row]);
        let local = json!([{"group": {"name": group_name(row), "domain": {"id": domain_id}}}]);
        rules.push(json!({"local": local, "remote": [asked]}));
    }
    Ok(Value::Array(rules))
}
