//! Which role implies which: who holds the prior role holds the implied one.

use super::caller::Caller;
use super::{App, audit, role};
use crate::error::{Error, Result};
use crate::model::assignment::Roles;
use crate::model::role::Role;
use crate::policy::Target;
use crate::store::{self, Conn};

/// One implication.
#[derive(Debug)]
pub struct Implication {
    /// The role that is held.
    pub prior: Role,
    /// The role that comes with it.
    pub implied: Role,
}

async fn find(conn: &mut Conn, id: &str) -> Result<Role> {
    store::role::get(conn, id).await?.ok_or_else(|| role::not_found(id))
}

/// What policy sees: the path only. Whoever may not ask is not told which roles there are.
fn seen(prior: &str, implied: Option<&str>) -> Target {
    let target = Target::new().and_path("prior_role_id", prior);
    implied.map_or(target.clone(), |id| target.and_path("implied_role_id", id))
}

/// The roles that a role implies by itself.
pub async fn list(app: &App, caller: &Caller, prior: &str) -> Result<(Role, Vec<Role>)> {
    app.allow(caller, "identity:list_implied_roles", &seen(prior, None)).await?;
    let mut conn = app.store.read().await?;
    let found = find(&mut conn, prior).await?;
    Ok((found, store::implied_role::list(&mut conn, prior).await?))
}

/// One implication, asked for by `rule`.
async fn look_up(app: &App, caller: &Caller, rule: &str, prior: &str, implied: &str) -> Result<Implication> {
    app.allow(caller, rule, &seen(prior, Some(implied))).await?;
    let mut conn = app.store.read().await?;
    let (prior, implied) = (find(&mut conn, prior).await?, find(&mut conn, implied).await?);
    if !store::implied_role::list(&mut conn, &prior.id).await?.contains(&implied) {
        return Err(missing(&prior.id, &implied.id));
    }
    Ok(Implication { prior, implied })
}

fn missing(prior: &str, implied: &str) -> Error {
    Error::not_found(format!("{prior} does not imply {implied}."))
}

/// One implication.
pub async fn get(app: &App, caller: &Caller, prior: &str, implied: &str) -> Result<Implication> {
    look_up(app, caller, "identity:get_implied_role", prior, implied).await
}

/// 404 unless the one role implies the other.
pub async fn check(app: &App, caller: &Caller, prior: &str, implied: &str) -> Result<()> {
    look_up(app, caller, "identity:check_implied_role", prior, implied).await.map(drop)
}

/// Every role that implies another, and all implications.
pub async fn list_all(app: &App, caller: &Caller) -> Result<Roles> {
    app.allow(caller, "identity:list_role_inference_rules", &Target::new()).await?;
    store::assignment::roles_and_implications(&mut app.store.read().await?).await
}

/// Lets one role imply another. Tokens carry it at once.
pub async fn create(app: &App, caller: &Caller, prior: &str, implied: &str) -> Result<Implication> {
    let done = make(app, caller, prior, implied).await;
    audit::refused(app, caller, "implied_role.create", ("role", prior), done).await
}

async fn make(app: &App, caller: &Caller, prior: &str, implied: &str) -> Result<Implication> {
    app.allow(caller, "identity:create_implied_role", &seen(prior, Some(implied))).await?;
    let mut tx = app.store.write().await?;
    let (prior, implied) = (find(&mut tx, prior).await?, find(&mut tx, implied).await?);
    // A global role reaches further than a role of one domain.
    let narrower = prior.domain_id.is_none() && implied.domain_id.is_some();
    if narrower || app.config.identity.prohibited_implied_roles.contains(&implied.name) {
        return Err(Error::forbidden(format!("{} cannot be an implied roles.", implied.id)));
    }
    if !store::implied_role::insert(&mut tx, &prior.id, &implied.id).await? {
        return Err(Error::conflict(
            "Conflict occurred attempting to store implied_role - Duplicate entry.".to_owned(),
        ));
    }
    let detail = format!("implies={}", implied.id);
    audit::changed(app, &mut tx, caller, "implied_role.create", ("role", &prior.id), None, &detail).await?;
    app.commit(tx).await?;
    Ok(Implication { prior, implied })
}

/// Takes an implication back. Tokens no longer carry what it gave.
pub async fn delete(app: &App, caller: &Caller, prior: &str, implied: &str) -> Result<()> {
    let done = remove(app, caller, prior, implied).await;
    audit::refused(app, caller, "implied_role.delete", ("role", prior), done).await
}

async fn remove(app: &App, caller: &Caller, prior: &str, implied: &str) -> Result<()> {
    app.allow(caller, "identity:delete_implied_role", &seen(prior, Some(implied))).await?;
    let mut tx = app.store.write().await?;
    find(&mut tx, prior).await?;
    find(&mut tx, implied).await?;
    if !store::implied_role::delete(&mut tx, prior, implied).await? {
        return Err(missing(prior, implied));
    }
    let detail = format!("implies={implied}");
    audit::changed(app, &mut tx, caller, "implied_role.delete", ("role", prior), None, &detail).await?;
    app.commit(tx).await
}
