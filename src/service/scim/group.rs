//! Groups by SCIM (RFC 7644 §3). Members are read only where they are wanted, and written in pieces (SCIM-4).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{ownership, taken};
use crate::error::{Error, Result, ScimFault};
use crate::model::expected::Expected;
use crate::model::fields::Extra;
use crate::model::group::Group;
use crate::model::list::Portion;
use crate::model::scim::group::{Change, Entry, MemberChange, Record};
use crate::model::scim::patch;
use crate::model::scim::search::Search;
use crate::model::tenant::Tenant;
use crate::service::caller::Caller;
use crate::service::tenant::reach::admitted;
use crate::service::{App, audit};
use crate::store::scim::group::PIECE;
use crate::store::{self, Conn};

const KIND: &str = "group";
/// Most members that the groups of one page of a list have together; a page with more has fewer groups.
const MAX_LISTED: i64 = 20_000;
/// Most members of a group that is shown with them.
const MAX_SHOWN: i64 = 100_000;
/// Members that are read at once.
const BATCH: i64 = 1_000;

/// A group, with its members if they were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The group.
    pub entry: Entry,
    /// The ids of the members.
    pub members: Option<Vec<String>>,
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no group {id:.64}."))
}

fn name_taken(name: &str) -> String {
    format!("The name '{name:.64}' is another group's.")
}

async fn with_members(conn: &mut Conn, tenant: &Tenant, entry: Entry, wanted: bool) -> Result<Shown> {
    if !wanted {
        return Ok(Shown { entry, members: None });
    }
    let mut members: Vec<String> = Vec::new();
    loop {
        let after = members.last().cloned().unwrap_or_default();
        let piece = store::scim::group::members(conn, &tenant.id, &entry.group.id, &after, BATCH).await?;
        let ended = i64::try_from(piece.len()).unwrap_or(i64::MAX) < BATCH;
        members.extend(piece);
        if i64::try_from(members.len()).unwrap_or(i64::MAX) > MAX_SHOWN {
            let text = format!("The group has more than {MAX_SHOWN} members; ask with 'excludedAttributes=members'.");
            return Err(Error::scim(ScimFault::TooMany, text));
        }
        if ended {
            return Ok(Shown { entry, members: Some(members) });
        }
    }
}

/// Part of the groups that a search finds; fewer than were asked for if they have very many members. `everywhere`: it looks
/// among users as well.
pub async fn list(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    search: &Search,
    everywhere: bool,
) -> Result<Portion<Shown>> {
    let tenant = admitted(app, caller, "tenant:list_scim_groups", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let total = store::scim::group::count(&mut conn, &tenant.id, search.filter.as_ref(), everywhere).await?;
    if search.count == 0 || search.offset() >= total {
        return Ok(Portion { items: Vec::new(), total });
    }
    let found =
        store::scim::group::list(&mut conn, &tenant.id, search, everywhere, search.count, search.offset()).await?;
    let wanted = search.projection.wants("members");
    let ids: Vec<&str> = found.iter().filter(|_| wanted).map(|e| e.group.id.as_str()).collect();
    let sizes = store::scim::group::sizes(&mut conn, &ids).await?;
    let most = fitting(&ids, &sizes);
    let mut items = Vec::new();
    for entry in found.into_iter().take(most) {
        items.push(with_members(&mut conn, &tenant, entry, wanted).await?);
    }
    Ok(Portion { items, total })
}

/// How many groups fit on one page with their members: one at least; all, if members are not wanted.
fn fitting(ids: &[&str], sizes: &BTreeMap<String, i64>) -> usize {
    if ids.is_empty() {
        return usize::MAX;
    }
    let mut sum = 0_i64;
    let fits = |id: &&&str| {
        sum = sum.saturating_add(sizes.get(**id).copied().unwrap_or(0));
        sum <= MAX_LISTED
    };
    ids.iter().take_while(fits).count().max(1)
}

/// One group.
pub async fn get(app: &App, caller: &Caller, tenant_id: &str, id: &str, members: bool) -> Result<Shown> {
    let tenant = admitted(app, caller, "tenant:get_scim_group", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let found = store::scim::group::get(&mut conn, &tenant.id, id).await?.ok_or_else(|| not_found(id))?;
    with_members(&mut conn, &tenant, found, members).await
}

/// Makes a group.
pub async fn create(app: &App, caller: &Caller, tenant_id: &str, body: &Value, members: bool) -> Result<Shown> {
    let done = make(app, caller, tenant_id, body, members).await;
    audit::refused(app, caller, "group.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, tenant_id: &str, body: &Value, members: bool) -> Result<Shown> {
    let tenant = admitted(app, caller, "tenant:create_scim_group", tenant_id, None).await?;
    let change = Change::of_body(body)?;
    let now = app.now();
    let group = Group {
        id: app.random.hex_id(),
        domain_id: tenant.id.clone(),
        name: change.display_name.clone().unwrap_or_default(),
        description: Some(String::new()),
        extra: Extra::new(),
    };
    let record = Record { external_id: change.external_id.clone().flatten(), made: true, created_at: now };
    let mut tx = app.store.write().await?;
    store::domain::lock(&mut tx, &tenant.id).await?;
    store::group::insert(&mut tx, &group).await.map_err(taken(name_taken(&group.name)))?;
    store::group::touch(&mut tx, &group.id, now).await?;
    store::scim::group::put(&mut tx, &tenant.id, &group.id, &record).await?;
    for change in &change.members {
        change_members(&mut tx, &tenant, &group.id, change).await?;
    }
    audit::changed(app, &mut tx, caller, "group.create", (KIND, &group.id), Some(&tenant.id), "scim").await?;
    let made = read_back(&mut tx, &tenant, &group.id, members).await?;
    app.commit(tx).await?;
    Ok(made)
}

async fn read_back(tx: &mut Conn, tenant: &Tenant, id: &str, members: bool) -> Result<Shown> {
    let entry = store::scim::group::get(tx, &tenant.id, id).await?;
    with_members(tx, tenant, entry.ok_or_else(|| not_found(id))?, members).await
}

/// Puts what a body says in the place of what there is; a body that names no members leaves them.
pub async fn replace(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    body: &Value,
    members: bool,
) -> Result<Shown> {
    let done = change(app, caller, tenant_id, id, expected, || Change::of_body(body), members).await;
    audit::refused(app, caller, "group.update", (KIND, id), done).await
}

/// Changes a group by operations.
pub async fn update(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    body: &Value,
    members: bool,
) -> Result<Shown> {
    let read = || Change::of_operations(&patch::operations(body)?);
    let done = change(app, caller, tenant_id, id, expected, read, members).await;
    audit::refused(app, caller, "group.update", (KIND, id), done).await
}

async fn change(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    read: impl FnOnce() -> Result<Change>,
    members: bool,
) -> Result<Shown> {
    let tenant = admitted(app, caller, "tenant:update_scim_group", tenant_id, None).await?;
    let change = read()?;
    let now = app.now();
    let mut tx = app.store.write().await?;
    store::group::lock(&mut tx, id).await?;
    let stored = store::scim::group::get(&mut tx, &tenant.id, id).await?.ok_or_else(|| not_found(id))?;
    expected.check(KIND, stored.version)?;
    let external_id = change.external_id.as_ref().and_then(Option::as_deref);
    let takes = ownership::of_group(&mut tx, caller, &stored, external_id).await?;
    let mut group = stored.group.clone();
    if let Some(name) = change.display_name.clone().filter(|name| *name != group.name) {
        group.name = name;
        store::group::update(&mut tx, &group).await.map_err(taken(name_taken(&group.name)))?;
    }
    let mut record = stored.record.clone().unwrap_or(Record { external_id: None, made: false, created_at: now });
    if let Some(external_id) = change.external_id.clone() {
        record.external_id = external_id;
    }
    if Some(&record) != stored.record.as_ref() {
        store::scim::group::put(&mut tx, &tenant.id, id, &record).await?;
    }
    for change in &change.members {
        change_members(&mut tx, &tenant, id, change).await?;
    }
    store::group::touch(&mut tx, id, now).await?;
    let detail = format!("scim{} {}", if takes { " takes over" } else { "" }, told(&change));
    audit::changed(app, &mut tx, caller, "group.update", (KIND, id), Some(&tenant.id), &detail).await?;
    let done = read_back(&mut tx, &tenant, id, members).await?;
    app.commit(tx).await?;
    Ok(done)
}

/// What a change is about, for the audit trail.
fn told(change: &Change) -> String {
    let name = change.display_name.iter().map(|_| "displayName".to_owned());
    let external_id = change.external_id.iter().map(|_| "externalId".to_owned());
    let members = change.members.iter().map(|one| match one {
        MemberChange::Add(ids) => format!("members+{}", ids.len()),
        MemberChange::Remove(ids) => format!("members-{}", ids.len()),
        MemberChange::Replace(ids) => format!("members={}", ids.len()),
    });
    name.chain(external_id).chain(members).collect::<Vec<_>>().join(",")
}

/// Ids in pieces, each of them once.
fn pieces(ids: &[String]) -> Vec<BTreeSet<&str>> {
    let once: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let once: Vec<&str> = once.into_iter().collect();
    once.chunks(PIECE).map(|piece| piece.iter().copied().collect()).collect()
}

async fn change_members(tx: &mut Conn, tenant: &Tenant, group_id: &str, change: &MemberChange) -> Result<()> {
    match change {
        MemberChange::Add(ids) | MemberChange::Replace(ids) => {
            for piece in pieces(ids) {
                if let Some(stranger) = store::scim::group::add_members(tx, &tenant.id, group_id, &piece).await? {
                    let text = format!("'{stranger:.64}' is no user of this tenant.");
                    return Err(Error::scim(ScimFault::InvalidValue, text));
                }
            }
        }
        MemberChange::Remove(ids) => {
            for piece in pieces(ids) {
                store::scim::group::remove_members(tx, group_id, &piece).await?;
            }
        }
    }
    let MemberChange::Replace(ids) = change else { return Ok(()) };
    let stay: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let mut after = String::new();
    loop {
        let limit = i64::try_from(PIECE).unwrap_or(i64::MAX);
        let piece = store::scim::group::members(tx, &tenant.id, group_id, &after, limit).await?;
        let Some(last) = piece.last() else { return Ok(()) };
        after = last.clone();
        let gone: BTreeSet<&str> = piece.iter().map(String::as_str).filter(|id| !stay.contains(id)).collect();
        store::scim::group::remove_members(tx, group_id, &gone).await?;
    }
}

/// Deletes a group that the directory looks after. Its members lose what they held through it.
pub async fn delete(app: &App, caller: &Caller, tenant_id: &str, id: &str, expected: &Expected) -> Result<()> {
    let done = remove(app, caller, tenant_id, id, expected).await;
    audit::refused(app, caller, "group.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, tenant_id: &str, id: &str, expected: &Expected) -> Result<()> {
    let tenant = admitted(app, caller, "tenant:delete_scim_group", tenant_id, None).await?;
    let mut tx = app.store.write().await?;
    store::group::lock(&mut tx, id).await?;
    let stored = store::scim::group::get(&mut tx, &tenant.id, id).await?.ok_or_else(|| not_found(id))?;
    expected.check(KIND, stored.version)?;
    ownership::of_group(&mut tx, caller, &stored, None).await?;
    store::group::delete(&mut tx, id).await?;
    audit::changed(app, &mut tx, caller, "group.delete", (KIND, id), Some(&tenant.id), "scim").await?;
    app.commit(tx).await
}
