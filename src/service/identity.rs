//! Users.

use serde_json::{Value, json};

use super::caller::Caller;
use super::password::{self, SetBy};
use super::{App, activity, audit, domain, federated_link, revocation, session};
use crate::error::{Error, Result};
use crate::model::federated_link::FederatedLink;
use crate::model::list::{Condition, Page, Query};
use crate::model::user::{Update, User};
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "user";

/// A user with their identities at identity providers.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The user, `enabled` as it counts now.
    pub user: User,
    /// The identities, in order.
    pub federated: Vec<FederatedLink>,
}

/// 404 for a user.
pub fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find user: {id}."))
}

/// What policy sees of a request about a user.
pub(super) fn seen(user: Option<&User>, id: &str) -> Target {
    let target =
        user.map_or_else(Target::new, |u| Target::stored(KIND, &json!({"id": u.id, "domain_id": u.domain_id})));
    target.and_path("user_id", id)
}

fn duplicate(user: &User) -> impl FnOnce(Error) -> Error {
    let text = format!(
        "Conflict occurred attempting to store user - Duplicate entry found with name {} at domain ID {}.",
        user.name, user.domain_id
    );
    move |error| match error {
        Error::Conflict { .. } => Error::conflict(text),
        other => other,
    }
}

/// One page of users. A domain-scoped token sees those of its domain.
pub async fn list(app: &App, caller: &Caller, mut query: Query) -> Result<Page<User>> {
    let own = caller.domain_scope();
    let target = Target::stored("domain_id", &json!(own));
    app.allow(caller, "identity:list_users", &super::and_filters(target, &query)).await?;
    if let Some(own) = own {
        query.conditions.push(Condition::equals("u.domain_id", own));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker
        && store::user::get(&mut conn, marker).await?.is_none_or(|i| own.is_some_and(|d| i.user.domain_id != d))
    {
        return Err(super::no_marker(marker));
    }
    let rows = store::user::list(&mut conn, &query).await?;
    Ok(Page::cut(rows, query.limit).map(|i| activity::as_of_now(app, i).user))
}

/// One user.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Shown> {
    let found = activity::user(app, &mut app.store.read().await?, id).await?.map(|i| i.user);
    app.allow(caller, "identity:get_user", &seen(found.as_ref(), id)).await?;
    let user = found.ok_or_else(|| not_found(id))?;
    let federated = store::federated_link::list_of_user(&mut app.store.read().await?, id).await?;
    Ok(Shown { user, federated })
}

/// Makes a user.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Shown> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "user.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Shown> {
    // A body that names no domain means the domain of the scope. Only a domain that is named and stored reaches policy:
    // whoever may act in one domain only has to name it, as in Keystone.
    let fallback = caller.scope_domain().unwrap_or(&app.config.identity.default_domain_id);
    let named = body.get(KIND).and_then(|u| u.get("domain_id")).and_then(Value::as_str);
    let wished = named.unwrap_or(fallback).to_owned();
    let home = store::domain::get(&mut app.store.read().await?, &wished).await?;
    let known = home.as_ref().filter(|_| named.is_some());
    let target = known.map_or_else(Target::new, |d| Target::stored(KIND, &json!({ "domain_id": d.id })));
    app.allow(caller, "identity:create_user", &target.and_body(body)).await?;
    let created = User::create(body, app.random.hex_id(), Some(&wished))?;
    let mut user = created.user;
    if home.is_none() {
        return Err(domain::not_found(&user.domain_id));
    }
    let hash = match created.password {
        Some(password) => Some(password::hash(app, password).await?),
        None => None,
    };
    let now = app.now();
    user.password_expires_at = hash.as_ref().and_then(|_| password::ends_at(app, &user, SetBy::Administrator, now));
    let mut tx = app.store.write().await?;
    check_default_project(&mut tx, user.default_project_id.as_deref()).await?;
    store::user::insert(&mut tx, &user, now).await.map_err(duplicate(&user))?;
    if let Some(hash) = hash {
        password::set(app, &mut tx, &user, &hash, SetBy::Administrator, now).await?;
    }
    federated_link::replace(app, &mut tx, caller, &user.id, &created.federated).await?;
    let federated = store::federated_link::list_of_user(&mut tx, &user.id).await?;
    audit::changed(app, &mut tx, caller, "user.create", (KIND, &user.id), Some(&user.domain_id), "").await?;
    app.commit(tx).await?;
    Ok(Shown { user, federated })
}

/// A domain cannot be anybody's default project, as Keystone has it; a project that is not there is let pass.
async fn check_default_project(tx: &mut Conn, id: Option<&str>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    if store::domain::get(tx, id).await?.is_some() {
        return Err(Error::invalid(format!("User's default project ID cannot be a domain ID: {id}")));
    }
    Ok(())
}

/// Changes a user. A new password and disabling void their tokens.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Shown> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "user.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Shown> {
    let found = store::user::get(&mut app.store.read().await?, id).await?.map(|i| i.user);
    app.allow(caller, "identity:update_user", &seen(found.as_ref(), id).and_body(body)).await?;
    let stored = found.ok_or_else(|| not_found(id))?;
    let mut update = Update::parse(body, id)?;
    if update.domain_id.as_ref().is_some_and(|d| *d != stored.domain_id) {
        return Err(Error::invalid("Cannot change Domain ID"));
    }
    // Hashing takes a while: not inside the transaction.
    let password = match update.password.take() {
        None => None,
        Some(None) => Some(None),
        Some(Some(password)) => Some(Some(password::hash(app, password).await?)),
    };
    let now = app.now();
    let mut tx = app.store.write().await?;
    store::user::lock(&mut tx, id).await?;
    let mut identity = store::user::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let stored = identity.user.clone();
    let mut next = stored.updated(&update);
    check_default_project(
        &mut tx,
        next.default_project_id.as_deref().filter(|_| next.default_project_id != stored.default_project_id),
    )
    .await?;
    store::user::update(&mut tx, &next).await.map_err(duplicate(&next))?;
    store::user::touch(&mut tx, id, now).await?;
    match &password {
        None => {}
        Some(None) => {
            next.password_expires_at = None;
            store::password::delete_all(&mut tx, id).await?;
        }
        Some(Some(hash)) => {
            next.password_expires_at = password::ends_at(app, &next, SetBy::Administrator, now);
            password::set(app, &mut tx, &next, hash, SetBy::Administrator, now).await?;
        }
    }
    if update.enabled == Some(true) {
        // Lifts a lock, and begins the days without a login anew.
        store::user::clear_failures(&mut tx, id).await?;
        store::user::mark_active(&mut tx, id, now).await?;
        identity.active_at = now;
    }
    if let Some(links) = &update.federated {
        federated_link::replace(app, &mut tx, caller, id, links).await?;
    }
    let federated = store::federated_link::list_of_user(&mut tx, id).await?;
    if password.is_some() || (stored.enabled && !next.enabled) {
        store::revocation::insert(&mut tx, &revocation::of_user(app, id)).await?;
        let why = if next.enabled { session::reason::PASSWORD } else { session::reason::DISABLED };
        session::end_of_user(app, &mut tx, id, why).await?;
    }
    audit::changed(app, &mut tx, caller, "user.update", (KIND, id), Some(&next.domain_id), &super::named(body, KIND))
        .await?;
    app.commit(tx).await?;
    identity.user = next;
    Ok(Shown { user: activity::as_of_now(app, identity).user, federated })
}

/// Deletes a user with everything that hangs on them.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "user.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let found = store::user::get(&mut app.store.read().await?, id).await?.map(|i| i.user);
    app.allow(caller, "identity:delete_user", &seen(found.as_ref(), id)).await?;
    let mut tx = app.store.write().await?;
    store::user::lock(&mut tx, id).await?;
    let stored = store::user::get(&mut tx, id).await?.map(|i| i.user).ok_or_else(|| not_found(id))?;
    session::end_of_user(app, &mut tx, id, session::reason::DELETED).await?;
    store::user::delete(&mut tx, id).await?;
    store::revocation::insert(&mut tx, &revocation::of_user(app, id)).await?;
    audit::changed(app, &mut tx, caller, "user.delete", (KIND, id), Some(&stored.domain_id), "").await?;
    app.commit(tx).await
}

#[cfg(test)]
mod tests;
