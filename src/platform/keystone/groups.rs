//! Groups of group mappings, in the identity provider's domain, with their roles on that domain (rulings 13).
//!
//! What was made here says so in its description and is taken away again when no row names it. A group of that name that somebody
//! else made gets its roles and keeps them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::session::{Outcome, Session};
use crate::model::plan::Plan;
use crate::model::sso_config::group_mapping::group_name;
use crate::platform::exchange::{self, segment};
use crate::platform::{Problem, Trouble};

/// The ids of the roles that each group has, by its name.
pub type Wanted = BTreeMap<String, BTreeSet<String>>;

/// A group that is there.
struct Group {
    id: String,
    name: String,
    is_ours: bool,
}

fn marker(remote_id: &str) -> String {
    format!("Made by Archstone for {remote_id}.")
}

/// What the plan's rows ask for. A role that the platform does not have is named.
pub async fn wanted(session: &Session<'_>, plan: &Plan) -> Result<Wanted, Problem> {
    const WHAT: &str = "Looking roles up";
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let mut wanted = Wanted::new();
    for row in &plan.group_mappings {
        if !ids.contains_key(row.role.as_str()) {
            let found = session.list(WHAT, &format!("/roles?name={}", segment(&row.role)), "roles").await?;
            // A role of one domain is none for the whole.
            let role = found.iter().find(|role| role["name"] == row.role && role["domain_id"].is_null());
            let id = role.and_then(|role| role["id"].as_str()).ok_or_else(|| {
                let text =
                    format!("The platform has no role '{}'. Make it there or change the group mapping.", row.role);
                Problem::new(Trouble::Refused, text)
            })?;
            ids.insert(&row.role, id.to_owned());
        }
        if let Some(id) = ids.get(row.role.as_str()) {
            wanted.entry(group_name(&row.idp_group)).or_default().insert(id.clone());
        }
    }
    Ok(wanted)
}

/// Has the groups be as wanted; answers what should be seen to.
pub async fn align(
    session: &Session<'_>,
    domain_id: &str,
    remote_id: &str,
    wanted: &Wanted,
) -> Result<Vec<String>, Problem> {
    let there = groups(session, domain_id, remote_id).await?;
    if wanted.is_empty() && there.iter().all(|group| !group.is_ours) {
        return Ok(Vec::new());
    }
    let mut granted = grants(session, domain_id).await?;
    let mut warnings = Vec::new();
    for (name, roles) in wanted {
        let found = there.iter().find(|group| group.name == *name);
        let (id, is_ours) = match found {
            Some(group) => (group.id.clone(), group.is_ours),
            None => (create(session, domain_id, name, remote_id).await?, true),
        };
        if !is_ours {
            warnings.push(format!(
                "The group '{name}' was there already; the roles that it got stay when this is removed."
            ));
        }
        let has = granted.remove(&id).unwrap_or_default();
        for role in roles.difference(&has) {
            session.set("Granting a role", &grant_path(domain_id, &id, role)).await?;
        }
        for role in has.difference(roles).filter(|_| is_ours) {
            session.delete("Taking a role away", &grant_path(domain_id, &id, role)).await?;
        }
    }
    for group in there.iter().filter(|group| group.is_ours && !wanted.contains_key(&group.name)) {
        delete(session, group).await?;
    }
    Ok(warnings)
}

/// What differs of the groups.
pub async fn differ(
    session: &Session<'_>,
    domain_id: &str,
    remote_id: &str,
    wanted: &Wanted,
) -> Result<Vec<String>, Problem> {
    let there = groups(session, domain_id, remote_id).await?;
    if wanted.is_empty() && there.iter().all(|group| !group.is_ours) {
        return Ok(Vec::new());
    }
    let granted = grants(session, domain_id).await?;
    let none = BTreeSet::new();
    let mut differs = Vec::new();
    for (name, roles) in wanted {
        let Some(group) = there.iter().find(|group| group.name == *name) else {
            differs.push(format!("group.{name}"));
            continue;
        };
        let has = granted.get(&group.id).unwrap_or(&none);
        if !roles.is_subset(has) || (group.is_ours && has != roles) {
            differs.push(format!("group.{name}.roles"));
        }
    }
    let left = there.iter().filter(|group| group.is_ours && !wanted.contains_key(&group.name));
    differs.extend(left.map(|group| format!("group.{}", group.name)));
    Ok(differs)
}

/// Takes away the groups that were made here.
pub async fn remove(session: &Session<'_>, domain_id: &str, remote_id: &str) -> Result<(), Problem> {
    for group in groups(session, domain_id, remote_id).await?.iter().filter(|group| group.is_ours) {
        delete(session, group).await?;
    }
    Ok(())
}

async fn groups(session: &Session<'_>, domain_id: &str, remote_id: &str) -> Result<Vec<Group>, Problem> {
    const WHAT: &str = "Listing groups";
    let mark = marker(remote_id);
    let found = session.list(WHAT, &format!("/groups?domain_id={}", segment(domain_id)), "groups").await?;
    let read = |group: &Value| {
        // A filter may be one that the platform does not know.
        if group["domain_id"] != domain_id {
            return None;
        }
        let (id, name) = (group["id"].as_str()?.to_owned(), group["name"].as_str()?.to_owned());
        Some(Group { id, name, is_ours: group["description"] == mark })
    };
    Ok(found.iter().filter_map(read).collect())
}

/// The roles on the domain, by group.
async fn grants(session: &Session<'_>, domain_id: &str) -> Result<BTreeMap<String, BTreeSet<String>>, Problem> {
    let path = format!("/role_assignments?scope.domain.id={}", segment(domain_id));
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in session.list("Listing role assignments", &path, "role_assignments").await? {
        let inherited = !row["scope"]["OS-INHERIT:inherited_to"].is_null();
        if let (Some(group), Some(role)) = (row["group"]["id"].as_str(), row["role"]["id"].as_str())
            && row["scope"]["domain"]["id"] == domain_id
            && !inherited
        {
            all.entry(group.to_owned()).or_default().insert(role.to_owned());
        }
    }
    Ok(all)
}

async fn create(session: &Session<'_>, domain_id: &str, name: &str, remote_id: &str) -> Result<String, Problem> {
    const WHAT: &str = "Making a group";
    let group = json!({"name": name, "domain_id": domain_id, "description": marker(remote_id)});
    let made = match session.post(WHAT, "/groups", &json!({ "group": group })).await? {
        Outcome::Conflict => {
            let text = format!("{WHAT}: somebody has just made one of the name '{name}'.");
            return Err(Problem::new(Trouble::Failed, text));
        }
        other => other.done(WHAT)?,
    };
    made["group"]["id"].as_str().map(str::to_owned).ok_or_else(|| exchange::unreadable(WHAT))
}

async fn delete(session: &Session<'_>, group: &Group) -> Result<(), Problem> {
    session.delete("Deleting a group", &format!("/groups/{}", segment(&group.id))).await
}

fn grant_path(domain_id: &str, group_id: &str, role_id: &str) -> String {
    format!("/domains/{}/groups/{}/roles/{}", segment(domain_id), segment(group_id), segment(role_id))
}
