//! Users by SCIM (RFC 7644 §3).

use serde_json::{Map, Value, json};

use super::{ownership, taken};
use crate::error::{Error, Result, ScimFault};
use crate::model::expected::Expected;
use crate::model::list::Portion;
use crate::model::scim::account::{Account, InGroup};
use crate::model::scim::search::Search;
use crate::model::scim::{self as model, Document, Kind, patch, schema};
use crate::model::tenant::Tenant;
use crate::service::caller::Caller;
use crate::service::tenant::reach::admitted;
use crate::service::{App, audit, revocation, session};
use crate::store::{self, Conn};

const KIND: &str = "user";

/// A user with the groups that they are in; these are empty if nobody has asked for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The user.
    pub account: Account,
    /// The groups.
    pub groups: Vec<InGroup>,
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no user {id:.64}."))
}

fn name_taken(name: &str) -> String {
    format!("The name '{name:.255}' is another user's.")
}

async fn shown(conn: &mut Conn, tenant: &Tenant, accounts: Vec<Account>, with_groups: bool) -> Result<Vec<Shown>> {
    let ids: Vec<&str> = accounts.iter().filter(|_| with_groups).map(|a| a.user.id.as_str()).collect();
    let mut groups = store::scim::user::groups_of(conn, &tenant.id, &ids).await?;
    let with = |account: Account| Shown { groups: groups.remove(&account.user.id).unwrap_or_default(), account };
    Ok(accounts.into_iter().map(with).collect())
}

async fn one(conn: &mut Conn, tenant: &Tenant, account: Account) -> Result<Shown> {
    let mut all = shown(conn, tenant, vec![account], true).await?;
    all.pop().ok_or_else(|| Error::internal("one user became none"))
}

/// Part of the users that a search finds. `everywhere`: it looks among groups as well.
pub async fn list(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    search: &Search,
    everywhere: bool,
) -> Result<Portion<Shown>> {
    let tenant = admitted(app, caller, "tenant:list_scim_users", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let total = store::scim::user::count(&mut conn, &tenant.id, search.filter.as_ref(), everywhere).await?;
    if search.count == 0 || search.offset() >= total {
        return Ok(Portion { items: Vec::new(), total });
    }
    let found =
        store::scim::user::list(&mut conn, &tenant.id, search, everywhere, search.count, search.offset()).await?;
    let items = shown(&mut conn, &tenant, found, search.projection.wants("groups")).await?;
    Ok(Portion { items, total })
}

/// One user.
pub async fn get(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<Shown> {
    let tenant = admitted(app, caller, "tenant:get_scim_user", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let found = store::scim::user::get(&mut conn, &tenant.id, id).await?.ok_or_else(|| not_found(id))?;
    one(&mut conn, &tenant, found).await
}

/// Reads the attributes of a body.
fn document(body: &Value) -> Result<Document> {
    schema::document(Kind::User, body.as_object().unwrap_or(&Map::new()))
}

/// Makes a user.
pub async fn create(app: &App, caller: &Caller, tenant_id: &str, body: &Value) -> Result<Shown> {
    let done = make(app, caller, tenant_id, body).await;
    audit::refused(app, caller, "user.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, tenant_id: &str, body: &Value) -> Result<Shown> {
    let tenant = admitted(app, caller, "tenant:create_scim_user", tenant_id, None).await?;
    let now = app.now();
    let mut account = Account::made(&document(body)?, app.random.hex_id(), &tenant.id, now)?;
    let mut tx = app.store.write().await?;
    check_name(&mut tx, &tenant, &account).await?;
    if let Some(limit) = tenant.settings.user_limit
        && store::user::count_in_domain(&mut tx, &tenant.id).await? >= limit
    {
        return Err(Error::forbidden("The tenant has as many users as it may have."));
    }
    vouch(&mut tx, &mut account).await?;
    let name = account.user.name.clone();
    store::user::insert(&mut tx, &account.user, now).await.map_err(taken(name_taken(&name)))?;
    keep(&mut tx, &account).await?;
    audit::changed(app, &mut tx, caller, "user.create", (KIND, &account.user.id), Some(&tenant.id), "scim").await?;
    app.commit(tx).await?;
    Ok(Shown { account, groups: Vec::new() })
}

/// 409 if another user of the tenant has the name, but for letter case. Nobody else takes it until the transaction ends.
async fn check_name(tx: &mut Conn, tenant: &Tenant, account: &Account) -> Result<()> {
    store::domain::lock(tx, &tenant.id).await?;
    let user = &account.user;
    if store::scim::user::is_name_taken(tx, &tenant.id, &user.name, &user.id).await? {
        return Err(Error::scim(ScimFault::Uniqueness, name_taken(&user.name)));
    }
    Ok(())
}

/// A directory vouches for the address of whom it has made, unless somebody else has it, too. It does not for those whom it has
/// taken over: else it could make their accounts somebody else's (SCIM-3).
async fn vouch(tx: &mut Conn, account: &mut Account) -> Result<()> {
    let user = &mut account.user;
    let key = user.email_key();
    let made = account.record.as_ref().is_some_and(|r| r.made);
    if !made || key.is_empty() || user.extra.contains_key("email_verified") {
        return Ok(());
    }
    let holders = store::user::list_by_email(tx, &user.domain_id, &key, 2).await?;
    if holders.iter().all(|holder| holder.user.id == user.id) {
        user.extra.insert("email_verified".to_owned(), json!(true));
    }
    Ok(())
}

async fn keep(tx: &mut Conn, account: &Account) -> Result<()> {
    match &account.record {
        Some(record) => store::scim::user::put(tx, &account.user.domain_id, &account.user.id, record).await,
        None => Ok(()),
    }
}

/// Puts what a body says in the place of what there is.
pub async fn replace(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    body: &Value,
) -> Result<Shown> {
    let done = change(app, caller, tenant_id, id, expected, || {
        let given = document(body)?;
        Ok(move |_: &Account| Ok(given.clone()))
    });
    audit::refused(app, caller, "user.update", (KIND, id), done.await).await
}

/// Changes a user by operations.
pub async fn update(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    body: &Value,
) -> Result<Shown> {
    let done = change(app, caller, tenant_id, id, expected, || {
        let operations = patch::operations(body)?;
        Ok(move |stored: &Account| {
            let mut next = patch::apply(&stored.document(), &operations)?;
            // What an operation has taken away is no more.
            next.entry("externalId").or_insert(Value::Null);
            Ok(next)
        })
    });
    audit::refused(app, caller, "user.update", (KIND, id), done.await).await
}

/// `read` reads the body, once policy has been asked; what it gives makes the next document of the stored one.
async fn change<N>(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    read: impl FnOnce() -> Result<N>,
) -> Result<Shown>
where
    N: Fn(&Account) -> Result<Document>,
{
    let tenant = admitted(app, caller, "tenant:update_scim_user", tenant_id, None).await?;
    let next = read()?;
    let now = app.now();
    let mut tx = app.store.write().await?;
    store::user::lock(&mut tx, id).await?;
    let stored = store::scim::user::get(&mut tx, &tenant.id, id).await?.ok_or_else(|| not_found(id))?;
    expected.check(KIND, stored.version())?;
    let document = next(&stored)?;
    let external_id = document.get("externalId").and_then(Value::as_str);
    let takes = ownership::of_user(&mut tx, caller, &stored, external_id).await?;
    let mut next = stored.changed(&document, now, takes)?;
    if !takes && next.document() == stored.document() && next.record == stored.record {
        return one(&mut tx, &tenant, stored).await;
    }
    if next.user.name_key() != stored.user.name_key() {
        check_name(&mut tx, &tenant, &next).await?;
    }
    if next.user.email() != stored.user.email() {
        vouch(&mut tx, &mut next).await?;
    }
    let name = next.user.name.clone();
    store::user::update(&mut tx, &next.user).await.map_err(taken(name_taken(&name)))?;
    store::user::touch(&mut tx, id, now).await?;
    keep(&mut tx, &next).await?;
    if stored.user.enabled && !next.user.enabled {
        store::revocation::insert(&mut tx, &revocation::of_user(app, id)).await?;
        session::end_of_user(app, &mut tx, id, session::reason::DISABLED).await?;
    } else if !stored.user.enabled && next.user.enabled {
        store::user::clear_failures(&mut tx, id).await?;
        store::user::mark_active(&mut tx, id, now).await?;
    }
    let detail = format!("scim{} {}", if takes { " takes over" } else { "" }, changes(&stored, &next));
    audit::changed(app, &mut tx, caller, "user.update", (KIND, id), Some(&tenant.id), &detail).await?;
    let done = one(&mut tx, &tenant, next).await?;
    app.commit(tx).await?;
    Ok(done)
}

/// The names of the attributes that have changed, for the audit trail.
fn changes(before: &Account, after: &Account) -> String {
    let (before, after) = (before.document(), after.document());
    let mut names: Vec<&str> =
        after.iter().filter(|(n, v)| before.get(*n) != Some(v)).map(|(n, _)| n.as_str()).collect();
    names.extend(before.keys().filter(|n| !after.contains_key(*n)).map(String::as_str));
    names.iter().map(|n| if *n == model::ENTERPRISE { "enterprise" } else { n }).collect::<Vec<_>>().join(",")
}

/// Deletes a user whom the directory looks after, with everything that hangs on them.
pub async fn delete(app: &App, caller: &Caller, tenant_id: &str, id: &str, expected: &Expected) -> Result<()> {
    let done = remove(app, caller, tenant_id, id, expected).await;
    audit::refused(app, caller, "user.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, tenant_id: &str, id: &str, expected: &Expected) -> Result<()> {
    let tenant = admitted(app, caller, "tenant:delete_scim_user", tenant_id, None).await?;
    let mut tx = app.store.write().await?;
    store::user::lock(&mut tx, id).await?;
    let stored = store::scim::user::get(&mut tx, &tenant.id, id).await?.ok_or_else(|| not_found(id))?;
    expected.check(KIND, stored.version())?;
    ownership::of_user(&mut tx, caller, &stored, None).await?;
    session::end_of_user(app, &mut tx, id, session::reason::DELETED).await?;
    store::user::delete(&mut tx, id).await?;
    store::revocation::insert(&mut tx, &revocation::of_user(app, id)).await?;
    audit::changed(app, &mut tx, caller, "user.delete", (KIND, id), Some(&tenant.id), "scim").await?;
    app.commit(tx).await
}
