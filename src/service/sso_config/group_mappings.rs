//! What group mappings come to: groups in the users' domain with roles on that domain, never beyond it (ruling 13).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::model::fields::Extra;
use crate::model::grant::{Actor, Grant, Target as On};
use crate::model::group::Group;
use crate::model::sso_config::group_mapping::{self, GroupMapping};
use crate::model::sso_config::{GroupProvisioning, SsoConfig};
use crate::policy::Target;
use crate::service::caller::Caller;
use crate::service::{App, role_reach};
use crate::store::{self, Conn};

/// The ids of the rows' roles, which must be there. One that reaches beyond the domain is the system administrator's to
/// give.
pub(super) async fn resolve(app: &App, caller: &Caller, rows: &[GroupMapping]) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(rows.len());
    // Many rows name few roles.
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut beyond = false;
    let mut conn = app.store.read().await?;
    for (i, row) in rows.iter().enumerate() {
        if let Some(id) = known.get(row.role.as_str()) {
            ids.push(id.clone());
            continue;
        }
        let by_name = store::role::get_global(&mut conn, &row.role).await?;
        let role = by_name.ok_or_else(|| {
            Error::invalid_field(format!("groupMappings.{i}.zcfRole"), format!("there is no role '{}'", row.role))
        })?;
        beyond |= role_reach::is_beyond_domain(&mut conn, &role.id).await?;
        known.insert(&row.role, role.id.clone());
        ids.push(role.id);
    }
    drop(conn);
    if beyond {
        app.allow(caller, "sso:grant_administrators", &Target::new()).await?;
    }
    Ok(ids)
}

/// The ids of the rows' roles, which were there when the rows were written.
pub(super) async fn ids(conn: &mut Conn, rows: &[GroupMapping]) -> Result<Vec<String>> {
    let mut ids = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let role = store::role::get_global(conn, &row.role).await?;
        ids.push(
            role.map(|r| r.id).ok_or_else(|| {
                Error::conflict(format!("groupMappings.{i}.zcfRole: the role '{}' is gone.", row.role))
            })?,
        );
    }
    Ok(ids)
}

/// Makes the groups and grants of a configuration's rows and takes away those of the rows before; the groups at the identity
/// provider with the ids of those that stand for them.
pub(super) async fn provide(
    tx: &mut Conn,
    config: &SsoConfig,
    before: &[GroupMapping],
    role_ids: &[String],
    domain_id: &str,
) -> Result<Vec<(String, String)>> {
    let mut groups: Vec<(String, String)> = Vec::new();
    for (row, role_id) in config.group_mappings.iter().zip(role_ids) {
        let group_id = match groups.iter().find(|(name, _)| *name == row.idp_group) {
            Some((_, id)) => id.clone(),
            None => {
                let id = own_group(tx, &config.id, &row.idp_group, domain_id).await?;
                groups.push((row.idp_group.clone(), id.clone()));
                id
            }
        };
        store::grant::insert(tx, &grant(&group_id, domain_id, role_id)).await?;
    }
    let gone = before.iter().filter(|row| !config.group_mappings.contains(row));
    for row in gone {
        let group_id = group_mapping::group_id(&config.id, &row.idp_group);
        if let Some(role) = store::role::get_global(tx, &row.role).await? {
            store::grant::delete(tx, &grant(&group_id, domain_id, &role.id)).await?;
        }
    }
    let kept: BTreeSet<&str> = config.group_mappings.iter().map(|row| row.idp_group.as_str()).collect();
    let dropped: BTreeSet<&str> =
        before.iter().map(|row| row.idp_group.as_str()).filter(|g| !kept.contains(g)).collect();
    if config.group_provisioning == GroupProvisioning::None {
        for idp_group in dropped {
            store::group::delete(tx, &group_mapping::group_id(&config.id, idp_group)).await?;
        }
    }
    Ok(groups)
}

fn grant(group_id: &str, domain_id: &str, role_id: &str) -> Grant {
    Grant {
        actor: Actor::Group(group_id.to_owned()),
        target: On::Domain(domain_id.to_owned()),
        role_id: role_id.to_owned(),
        inherited: false,
    }
}

/// Makes the group that stands at a tenant for one at the identity provider, and gives it exactly these roles there. A role that
/// is gone gives nothing.
pub(super) async fn provide_at(
    tx: &mut Conn,
    key: &str,
    idp_group: &str,
    tenant_id: &str,
    roles: &[String],
) -> Result<()> {
    let group_id = own_group(tx, key, idp_group, tenant_id).await?;
    let mut wanted = BTreeSet::new();
    for name in roles {
        wanted.extend(store::role::get_global(tx, name).await?.map(|role| role.id));
    }
    let (actor, target) = (Actor::Group(group_id.clone()), On::Domain(tenant_id.to_owned()));
    let held = store::grant::list_roles(tx, &actor, &target, false).await?;
    for role_id in wanted.iter().filter(|id| held.iter().all(|role| role.id != **id)) {
        store::grant::insert(tx, &grant(&group_id, tenant_id, role_id)).await?;
    }
    for role in held.iter().filter(|role| !wanted.contains(&role.id)) {
        store::grant::delete(tx, &grant(&group_id, tenant_id, &role.id)).await?;
    }
    Ok(())
}

/// Whether a group of the rows is not there any more.
pub(super) async fn is_incomplete(conn: &mut Conn, config: &SsoConfig) -> Result<bool> {
    for row in &config.group_mappings {
        if store::group::get(conn, &group_mapping::group_id(&config.id, &row.idp_group)).await?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same for a row: one that somebody else made is not given a role for its name, as others may be in it.
async fn own_group(tx: &mut Conn, config_id: &str, idp_group: &str, domain_id: &str) -> Result<String> {
    let id = group(tx, config_id, idp_group, domain_id).await?;
    if id == group_mapping::group_id(config_id, idp_group) {
        return Ok(id);
    }
    Err(Error::conflict(format!("groupMappings: somebody has made a group '{idp_group}' in the domain of the users.")))
}

/// The group that stands for one at the identity provider, made if it is not there: its id.
pub(super) async fn group(tx: &mut Conn, config_id: &str, idp_group: &str, domain_id: &str) -> Result<String> {
    let name = group_mapping::group_name(idp_group);
    if let Some(found) = store::group::get_by_name(tx, domain_id, &name).await? {
        return Ok(found.id);
    }
    let id = group_mapping::group_id(config_id, idp_group);
    let group = Group {
        id: id.clone(),
        domain_id: domain_id.to_owned(),
        name,
        description: Some(format!("{idp_group} at the identity provider")),
        extra: Extra::new(),
    };
    // Somebody may have renamed it: then it is there under its id.
    if store::group::get(tx, &id).await?.is_none() {
        store::group::insert(tx, &group).await?;
    }
    Ok(id)
}
