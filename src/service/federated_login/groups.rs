//! The groups that a mapping names.

use std::collections::BTreeSet;

use super::{Route, keep_within};
use crate::error::{Error, Result};
use crate::model::mapping_engine::{DomainRef, Mapped};
use crate::store::{self, Conn};

/// Their ids. A group by id must be there; one by name that is not there is passed over, as in Keystone.
///
/// Where the SSO configuration takes groups over, one of the identity provider's own domain is made.
pub(super) async fn resolve(conn: &mut Conn, route: &Route, mapped: &Mapped) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for id in &mapped.group_ids {
        let mut group = store::group::get(conn, id).await?;
        if let Some(own) = &route.provisioning
            && own.provides(id)
        {
            own.provide(conn, id).await?;
            group = store::group::get(conn, id).await?;
        }
        if group.is_none() && route.provisioning.as_ref().is_some_and(|own| own.may_miss_groups()) {
            continue;
        }
        let group =
            group.ok_or_else(|| Error::unauthorized(format!("the mapping names a group that is not there: {id}")))?;
        if is_elsewhere(route, &group.domain_id) {
            continue;
        }
        keep_within(route, &group.domain_id, "a group")?;
        ids.insert(group.id);
    }
    for named in &mapped.group_names {
        let domain_id = domain(conn, route, Some(&named.domain)).await?;
        if is_elsewhere(route, &domain_id) {
            continue;
        }
        keep_within(route, &domain_id, "a group")?;
        if let Some(group) = store::group::get_by_name(conn, &domain_id, &named.name).await? {
            if route.provisioning.as_ref().is_none_or(|own| own.may_name(&group, &named.name)) {
                ids.insert(group.id);
            }
        } else if let Some(own) = route.provisioning.as_ref().filter(|_| domain_id == route.home()) {
            ids.extend(own.group(conn, &named.name, &domain_id).await?);
        }
    }
    Ok(ids)
}

/// Whether a group lies in another domain than the tenant's. A mapping that was written for the whole cloud may name such; at a
/// tenant nobody is put into them.
fn is_elsewhere(route: &Route, domain_id: &str) -> bool {
    route.link_tenant().is_some_and(|tenant| tenant != domain_id)
}

/// The id of a domain that a mapping names, which must be there; that of the people where it names none.
pub(super) async fn domain(conn: &mut Conn, route: &Route, named: Option<&DomainRef>) -> Result<String> {
    let missing = |name: &str| Error::unauthorized(format!("the mapping names a domain that is not there: {name}"));
    match named {
        None => Ok(route.home().to_owned()),
        Some(DomainRef { id: Some(id), .. }) if !id.is_empty() => {
            store::domain::get(conn, id).await?.map(|d| d.id).ok_or_else(|| missing(id))
        }
        Some(DomainRef { name: Some(name), .. }) => {
            store::domain::get_by_name(conn, name).await?.map(|d| d.id).ok_or_else(|| missing(name))
        }
        Some(DomainRef { .. }) => Ok(route.home().to_owned()),
    }
}
