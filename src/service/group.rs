//! Groups and who is in them. A change of membership changes what the member's tokens carry, at once.

use serde_json::{Value, json};

use super::caller::Caller;
use super::{App, activity, audit, domain, identity};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::group::{Group, Update};
use crate::model::list::{Condition, Page, Query};
use crate::model::user::User;
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "group";

/// 404 for a group.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find group: {id}."))
}

/// What policy sees of a group.
fn seen(group: Option<&Group>, id: &str) -> Target {
    let shown = |g: &Group| Target::stored(KIND, &json!({"id": g.id, "domain_id": g.domain_id}));
    group.map_or_else(Target::new, shown).and_path("group_id", id)
}

fn duplicate(group: &Group) -> impl FnOnce(Error) -> Error {
    let text = format!(
        "Conflict occurred attempting to store group - Duplicate entry found with name {} at domain ID {}.",
        group.name, group.domain_id
    );
    move |error| match error {
        Error::Conflict { .. } => Error::conflict(text),
        other => other,
    }
}

/// One page of groups. A domain-scoped token sees those of its domain.
pub async fn list(app: &App, caller: &Caller, mut query: Query) -> Result<Page<Group>> {
    let own = caller.domain_scope();
    let target = Target::stored(KIND, &json!({ "domain_id": own }));
    app.allow(caller, "identity:list_groups", &super::and_filters(target, &query)).await?;
    if let Some(own) = own {
        query.conditions.push(Condition::equals("g.domain_id", own));
    }
    let mut conn = app.store.read().await?;
    check_marker(&mut conn, &query, own).await?;
    let rows = store::group::list(&mut conn, &query).await?;
    Ok(Page::cut(rows, query.limit))
}

async fn check_marker(conn: &mut Conn, query: &Query, own: Option<&str>) -> Result<()> {
    if let Some(marker) = &query.marker
        && store::group::get(conn, marker).await?.is_none_or(|g| own.is_some_and(|d| g.domain_id != d))
    {
        return Err(super::no_marker(marker));
    }
    Ok(())
}

/// One group.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Group> {
    let found = store::group::get(&mut app.store.read().await?, id).await?;
    app.allow(caller, "identity:get_group", &seen(found.as_ref(), id)).await?;
    found.ok_or_else(|| not_found(id))
}

/// Makes a group.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Group> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "group.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Group> {
    // A body that names no domain means the domain of the scope; only a domain that is stored reaches policy.
    let fallback = caller.scope_domain().unwrap_or(&app.config.identity.default_domain_id);
    let wished = body.get(KIND).and_then(|g| g.get("domain_id")).and_then(Value::as_str).unwrap_or(fallback);
    let home = store::domain::get(&mut app.store.read().await?, wished).await?;
    let target = home.as_ref().map_or_else(Target::new, |d| Target::stored(KIND, &json!({ "domain_id": d.id })));
    app.allow(caller, "identity:create_group", &target.and_body(body)).await?;
    let group = Group::create(body, app.random.hex_id(), wished)?;
    let mut tx = app.store.write().await?;
    if !store::domain::lock(&mut tx, &group.domain_id).await? {
        return Err(domain::not_found(&group.domain_id));
    }
    store::group::insert(&mut tx, &group).await.map_err(duplicate(&group))?;
    store::group::touch(&mut tx, &group.id, app.now()).await?;
    audit::changed(app, &mut tx, caller, "group.create", (KIND, &group.id), Some(&group.domain_id), "").await?;
    app.commit(tx).await?;
    Ok(group)
}

/// Changes a group.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Group> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "group.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Group> {
    let found = store::group::get(&mut app.store.read().await?, id).await?;
    app.allow(caller, "identity:update_group", &seen(found.as_ref(), id).and_body(body)).await?;
    let mut tx = app.store.write().await?;
    store::group::lock(&mut tx, id).await?;
    let stored = store::group::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let next = stored.updated(Update::parse(body, id)?)?;
    store::group::update(&mut tx, &next).await.map_err(duplicate(&next))?;
    store::group::touch(&mut tx, id, app.now()).await?;
    let detail = super::named(body, KIND);
    audit::changed(app, &mut tx, caller, "group.update", (KIND, id), Some(&next.domain_id), &detail).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Deletes a group. Its members lose what they held through it.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "group.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    // One that is not there is 404 for whoever asks, as in Keystone.
    let found = store::group::get(&mut app.store.read().await?, id).await?.ok_or_else(|| not_found(id))?;
    app.allow(caller, "identity:delete_group", &seen(Some(&found), id)).await?;
    let mut tx = app.store.write().await?;
    store::group::lock(&mut tx, id).await?;
    let stored = store::group::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    store::group::delete(&mut tx, id).await?;
    audit::changed(app, &mut tx, caller, "group.delete", (KIND, id), Some(&stored.domain_id), "").await?;
    app.commit(tx).await
}

/// One page of the users in a group. A domain-scoped token sees those of its domain.
pub async fn list_users(app: &App, caller: &Caller, id: &str, mut query: Query) -> Result<Page<User>> {
    let found = store::group::get(&mut app.store.read().await?, id).await?;
    let target = super::and_filters(seen(found.as_ref(), id), &query);
    app.allow(caller, "identity:list_users_in_group", &target).await?;
    if found.is_none() {
        return Err(not_found(id));
    }
    if let Some(own) = caller.domain_scope() {
        query.conditions.push(Condition::equals("u.domain_id", own));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && !store::group::has_member(&mut conn, id, marker).await?
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::user::list_in_group(&mut conn, id, &query).await?;
    Ok(Page::cut(rows, query.limit).map(|i| activity::as_of_now(app, i).user))
}

/// One page of the groups that a user is in, with the end of memberships that an identity provider asserted. A
/// domain-scoped token sees those of its domain.
pub async fn list_of_user(
    app: &App,
    caller: &Caller,
    user_id: &str,
    mut query: Query,
) -> Result<Page<(Group, Option<Timestamp>)>> {
    let user = store::user::get(&mut app.store.read().await?, user_id).await?.map(|i| i.user);
    let target = super::and_filters(identity::seen(user.as_ref(), user_id), &query);
    app.allow(caller, "identity:list_groups_for_user", &target).await?;
    if user.is_none() {
        return Err(identity::not_found(user_id));
    }
    let own = caller.domain_scope();
    if let Some(own) = own {
        query.conditions.push(Condition::equals("g.domain_id", own));
    }
    let mut conn = app.store.read().await?;
    check_marker(&mut conn, &query, own).await?;
    let now = app.now();
    let rows = store::group::list_of_user(&mut conn, user_id, &query, now).await?;
    let mut ends = store::expiring_membership::list_of_user(&mut conn, user_id, now).await?;
    Ok(Page::cut(rows, query.limit).map(|g| {
        let end = ends.remove(&g.id);
        (g, end)
    }))
}

/// A membership, as far as both sides of it exist.
struct Membership {
    group: Option<Group>,
    user: Option<User>,
}

impl Membership {
    async fn find(conn: &mut Conn, group_id: &str, user_id: &str) -> Result<Self> {
        let group = store::group::get(conn, group_id).await?;
        Ok(Self { group, user: store::user::get(conn, user_id).await?.map(|i| i.user) })
    }

    fn target(&self, group_id: &str, user_id: &str) -> Target {
        let target = seen(self.group.as_ref(), group_id).and_path("user_id", user_id);
        match &self.user {
            Some(u) => target.and_stored("user", &json!({"id": u.id, "domain_id": u.domain_id})),
            None => target,
        }
    }

    /// The group, or 404 for whichever side is not there.
    fn whole(self, group_id: &str, user_id: &str) -> Result<Group> {
        match (self.group, self.user) {
            (None, _) => Err(not_found(group_id)),
            (_, None) => Err(identity::not_found(user_id)),
            (Some(group), Some(_)) => Ok(group),
        }
    }
}

fn not_in_group(group_id: &str, user_id: &str) -> Error {
    Error::not_found(format!("User '{user_id}' not found in group '{group_id}'"))
}

/// 404 unless the user is in the group.
pub async fn check_user(app: &App, caller: &Caller, group_id: &str, user_id: &str) -> Result<()> {
    let found = Membership::find(&mut app.store.read().await?, group_id, user_id).await?;
    app.allow(caller, "identity:check_user_in_group", &found.target(group_id, user_id)).await?;
    found.whole(group_id, user_id)?;
    if store::group::has_member(&mut app.store.read().await?, group_id, user_id).await? {
        Ok(())
    } else {
        Err(not_in_group(group_id, user_id))
    }
}

/// Puts a user into a group.
pub async fn add_user(app: &App, caller: &Caller, group_id: &str, user_id: &str) -> Result<()> {
    let done = change_membership(app, caller, group_id, user_id, true).await;
    audit::refused(app, caller, "group.add_user", (KIND, group_id), done).await
}

/// Takes a user out of a group.
pub async fn remove_user(app: &App, caller: &Caller, group_id: &str, user_id: &str) -> Result<()> {
    let done = change_membership(app, caller, group_id, user_id, false).await;
    audit::refused(app, caller, "group.remove_user", (KIND, group_id), done).await
}

async fn change_membership(app: &App, caller: &Caller, group_id: &str, user_id: &str, add: bool) -> Result<()> {
    let found = Membership::find(&mut app.store.read().await?, group_id, user_id).await?;
    let rule = if add { "identity:add_user_to_group" } else { "identity:remove_user_from_group" };
    app.allow(caller, rule, &found.target(group_id, user_id)).await?;
    let mut tx = app.store.write().await?;
    store::group::lock(&mut tx, group_id).await?;
    let group = Membership::find(&mut tx, group_id, user_id).await?.whole(group_id, user_id)?;
    if add {
        store::group::add_member(&mut tx, group_id, user_id).await?;
    } else {
        let given = store::group::remove_member(&mut tx, group_id, user_id).await?;
        let asserted = store::expiring_membership::delete(&mut tx, group_id, user_id).await?;
        if !given && !asserted {
            return Err(not_in_group(group_id, user_id));
        }
    }
    store::group::touch(&mut tx, group_id, app.now()).await?;
    let (action, detail) = (if add { "group.add_user" } else { "group.remove_user" }, format!("user={user_id}"));
    audit::changed(app, &mut tx, caller, action, (KIND, group_id), Some(&group.domain_id), &detail).await?;
    app.commit(tx).await
}
