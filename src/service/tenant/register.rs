//! Making, changing and deleting tenants.
//!
//! A tenant is a domain with a slug. Making one may make the domain; deleting one leaves it, with the people in it. What has
//! been issued to applications is void with the tenant, and so it is when the tenant is switched off.

use std::collections::BTreeSet;

use serde_json::Value;

use super::reach::{admitted, covers, not_found, seen};
use crate::error::{Error, Result};
use crate::model::domain::Domain;
use crate::model::expected::{Expected, changed};
use crate::model::fields::Extra;
use crate::model::list::{Condition, Operand, Operator, Portion, Window};
use crate::model::tenant::{Create, Tenant, Update};
use crate::policy::Target;
use crate::service::caller::Caller;
use crate::service::{App, audit, domain, oauth};
use crate::store::authorization::Of;
use crate::store::{self, Conn};

const KIND: &str = "tenant";
/// Most slugs that lead to one tenant.
const MAX_SLUGS: usize = 20;

/// A tenant with the slugs that lead to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The tenant.
    pub tenant: Tenant,
    /// Its slug and those that it had, in order.
    pub slugs: Vec<String>,
}

/// What a list of tenants is filtered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a slug, or of the domain's name.
    pub search: Option<String>,
    /// Whether they are switched on.
    pub active: Option<bool>,
}

impl Filter {
    fn conditions(&self) -> Vec<Condition> {
        // Both in one, so that one condition will do.
        const SEARCHED: &str = "(t.slug || ' ' || d.name)";
        let mut conditions = Vec::new();
        if let Some(text) = self.search.as_deref().filter(|text| !text.is_empty()) {
            let operand = Operand::Text(text.to_owned());
            conditions.push(Condition { column: SEARCHED, operator: Operator::IContains, operand });
        }
        if let Some(active) = self.active {
            let operand = Operand::Bool(active);
            conditions.push(Condition { column: "t.active", operator: Operator::Equals, operand });
        }
        conditions
    }
}

async fn shown(conn: &mut Conn, tenants: Vec<Tenant>) -> Result<Vec<Shown>> {
    let ids: Vec<&str> = tenants.iter().map(|t| t.id.as_str()).collect();
    let mut slugs = store::tenant::slugs_of(conn, &ids).await?;
    Ok(tenants
        .into_iter()
        .map(|tenant| Shown { slugs: slugs.remove(&tenant.id).unwrap_or_default(), tenant })
        .collect())
}

async fn one(conn: &mut Conn, tenant: Tenant) -> Result<Shown> {
    let slugs = store::tenant::slugs_of(conn, &[&tenant.id]).await?.remove(&tenant.id).unwrap_or_default();
    Ok(Shown { tenant, slugs })
}

/// Part of the tenants, in order of their making. Who acts in one domain sees that one.
pub async fn list(app: &App, caller: &Caller, filter: &Filter, window: Window) -> Result<Portion<Shown>> {
    app.allow(caller, "tenant:list_tenants", &seen(caller, None)).await?;
    let mut conditions = filter.conditions();
    if let Some(own) = caller.domain_scope() {
        conditions.push(Condition::equals("t.id", own));
    }
    let mut conn = app.store.read().await?;
    let total = store::tenant::count(&mut conn, &conditions).await?;
    let found = store::tenant::list(&mut conn, &conditions, window).await?;
    Ok(Portion { items: shown(&mut conn, found).await?, total })
}

/// One tenant.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Shown> {
    let tenant = admitted(app, caller, "tenant:get_tenant", id, None).await?;
    one(&mut app.store.read().await?, tenant).await
}

/// The tenant of an id or a slug.
pub async fn find(app: &App, caller: &Caller, name: &str) -> Result<Shown> {
    let of_slug = store::tenant::get_by_slug(&mut app.store.read().await?, name).await?;
    get(app, caller, of_slug.as_ref().map_or(name, |t| t.id.as_str())).await
}

/// Makes a domain a tenant, or makes both.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Shown> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "tenant.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Shown> {
    app.allow(caller, "tenant:create_tenant", &Target::new().and_body(body)).await?;
    let create = Create::parse(body)?;
    let now = app.now();
    let mut tx = app.store.write().await?;
    let found = match &create.domain_id {
        Some(id) => {
            store::domain::lock(&mut tx, id).await?;
            let found = store::domain::get(&mut tx, id).await?;
            found.ok_or_else(|| Error::invalid_field("domain_id", format!("there is no domain {id:.64}")))?
        }
        None => {
            let name = create.name.clone().unwrap_or_else(|| create.slug.clone());
            domain::add(app, &mut tx, caller, new_domain(app.random.hex_id(), name)).await?
        }
    };
    if store::tenant::get(&mut tx, &found.id).await?.is_some() {
        return Err(Error::conflict(format!("The domain {} is a tenant already.", found.id)));
    }
    let tenant = Tenant {
        id: found.id,
        issuer_slug: create.slug.clone(),
        slug: create.slug,
        name: found.name,
        active: create.active,
        domain_enabled: found.enabled,
        settings: create.settings,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check_free(&mut tx, &tenant.slug).await?;
    store::tenant::insert(&mut tx, &tenant).await.map_err(|e| taken(e, &tenant.slug))?;
    audit::changed(app, &mut tx, caller, "tenant.create", (KIND, &tenant.id), Some(&tenant.id), &tenant.slug).await?;
    let made = one(&mut tx, tenant).await?;
    app.commit(tx).await?;
    Ok(made)
}

fn new_domain(id: String, name: String) -> Domain {
    Domain {
        id,
        name,
        enabled: true,
        description: String::new(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    }
}

/// 409 for a slug that leads to a tenant already.
async fn check_free(tx: &mut Conn, slug: &str) -> Result<()> {
    match store::tenant::get_by_slug(tx, slug).await? {
        None => Ok(()),
        Some(_) => Err(Error::conflict(format!("The slug '{slug}' is taken."))),
    }
}

/// Somebody else was faster.
fn taken(error: Error, slug: &str) -> Error {
    match error {
        Error::Conflict { .. } => Error::conflict(format!("The slug '{slug}' is taken.")),
        other => other,
    }
}

/// Changes a tenant.
pub async fn update(app: &App, caller: &Caller, id: &str, expected: &Expected, body: &Value) -> Result<Shown> {
    let done = change(app, caller, id, expected, body).await;
    audit::refused(app, caller, "tenant.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, expected: &Expected, body: &Value) -> Result<Shown> {
    admitted(app, caller, "tenant:update_tenant", id, Some(body)).await?;
    if ["slug", "issuer_slug"].iter().any(|name| body.get(name).is_some()) {
        app.allow(caller, "tenant:change_slug", &seen(caller, Some(id)).and_body(body)).await?;
    }
    let update = Update::parse(body)?;
    let mut tx = app.store.write().await?;
    store::domain::lock(&mut tx, id).await?;
    let stored = store::tenant::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    expected.check(KIND, stored.version)?;
    let settings = update.settings(&stored.settings)?;
    let mut slugs = one(&mut tx, stored.clone()).await?.slugs;
    if let Some(slug) = update.slug.as_ref().filter(|slug| !slugs.contains(slug)) {
        if slugs.len() >= MAX_SLUGS {
            return Err(Error::conflict(format!("The tenant has {MAX_SLUGS} slugs already.")));
        }
        check_free(&mut tx, slug).await?;
        store::tenant::add_slug(&mut tx, id, slug).await.map_err(|e| taken(e, slug))?;
        slugs.push(slug.clone());
    }
    if update.issuer_slug.as_ref().is_some_and(|slug| !slugs.contains(slug)) {
        return Err(Error::invalid_field("issuer_slug", "is none of the tenant's slugs"));
    }
    let next = Tenant {
        slug: update.slug.unwrap_or_else(|| stored.slug.clone()),
        issuer_slug: update.issuer_slug.unwrap_or_else(|| stored.issuer_slug.clone()),
        active: update.active.unwrap_or(stored.active),
        settings,
        version: stored.version + 1,
        updated_at: app.now(),
        ..stored.clone()
    };
    if !store::tenant::update(&mut tx, &next).await? {
        return Err(changed(KIND));
    }
    // Tokens that name another issuer, or come of a tenant that is switched off, are of nobody's any more.
    if (stored.active && !next.active) || stored.issuer_slug != next.issuer_slug {
        oauth::revoke_all(app, &mut tx, Of::Tenant(id), "tenant_disabled").await?;
    }
    audit::changed(app, &mut tx, caller, "tenant.update", (KIND, id), Some(id), &super::named(body)).await?;
    let done = one(&mut tx, next).await?;
    app.commit(tx).await?;
    Ok(done)
}

/// Deletes a tenant with its applications and all that they were given. Its domain stays.
pub async fn delete(app: &App, caller: &Caller, id: &str, expected: &Expected) -> Result<()> {
    let done = remove(app, caller, id, expected).await;
    audit::refused(app, caller, "tenant.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str, expected: &Expected) -> Result<()> {
    admitted(app, caller, "tenant:delete_tenant", id, None).await?;
    let mut tx = app.store.write().await?;
    store::domain::lock(&mut tx, id).await?;
    let stored =
        store::tenant::get(&mut tx, id).await?.filter(|t| covers(caller, &t.id)).ok_or_else(|| not_found(id))?;
    expected.check(KIND, stored.version)?;
    forget(app, &mut tx, id).await?;
    store::tenant::delete(&mut tx, id).await?;
    audit::changed(app, &mut tx, caller, "tenant.delete", (KIND, id), Some(id), &stored.slug).await?;
    app.commit(tx).await
}

/// What goes with a tenant and lies elsewhere, for whatever deletes one: what was issued is void, and its
/// keys sign no more.
pub(in crate::service) async fn forget(app: &App, tx: &mut Conn, tenant_id: &str) -> Result<()> {
    store::tenant::drop_keys(tx, tenant_id).await?;
    oauth::revoke_all(app, tx, Of::Tenant(tenant_id), "tenant_deleted").await
}
