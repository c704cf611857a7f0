//! Mappings (OS-FEDERATION).
//!
//! What a security administrator makes belongs to the domain of their scope; nobody of another domain sees it, and no
//! other domain's identity provider can use it. Ids are unique over the whole service. New rules hold at once: they void
//! the tokens that came by the protocols which use them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::caller::Caller;
use super::reach::Reach;
use super::sso_config::managed;
use super::{App, audit, revocation, session};
use crate::error::{Error, Result};
use crate::model::fields::check_id;
use crate::model::list::{Condition, Page, Query};
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::DomainRef;
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "mapping";
/// Most protocols that are named to whoever would delete their mapping.
const NAMED: usize = 10;

fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find mapping: {id}."))
}

/// What policy sees of a request about a mapping.
fn seen(mapping: Option<&Mapping>, id: &str) -> Target {
    let shown = |m: &Mapping| Target::stored(KIND, &json!({"id": m.id, "domain_id": m.domain_id}));
    mapping.map_or_else(Target::new, shown).and_path("mapping_id", id)
}

/// Asks policy about a mapping that may or may not be there, and tells how far the caller reaches and what is there of it.
async fn admitted(
    app: &App,
    caller: &Caller,
    rule: &str,
    id: &str,
    body: Option<&Value>,
) -> Result<(Reach, Option<Mapping>)> {
    let found = store::mapping::get(&mut app.store.read().await?, id).await?;
    let target = seen(found.as_ref(), id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await?;
    let reach = Reach::of(app, caller).await?;
    let within = found.filter(|m| reach.covers(m.domain_id.as_deref()));
    Ok((reach, within))
}

/// The mapping as it is now, held; 404 if another has taken its place since the caller was `admitted` to it.
async fn held(tx: &mut Conn, admitted: &Mapping) -> Result<Mapping> {
    store::mapping::lock(tx, &admitted.id).await?;
    let found = store::mapping::get(tx, &admitted.id).await?;
    found.filter(|m| m.domain_id == admitted.domain_id).ok_or_else(|| not_found(&admitted.id))
}

/// Refuses rules that are not sound, or that name another domain than the one whose they are.
pub(super) async fn check(app: &App, document: &Document, domain_id: Option<&str>) -> Result<()> {
    let rules = document.compile(domain_id)?;
    let Some(domain_id) = domain_id else { return Ok(()) };
    // Ids have been compared; an id wins over a name.
    let by_name = |d: DomainRef| d.name.filter(|_| d.id.is_none_or(|id| id.is_empty()));
    let names: BTreeSet<String> = rules.domain_references().into_iter().filter_map(by_name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let own = store::domain::get(&mut app.store.read().await?, domain_id).await?.map(|d| d.name);
    match names.iter().find(|name| Some(*name) != own.as_ref()) {
        None => Ok(()),
        Some(other) => {
            let place = document.place_of_domain(other).unwrap_or_else(|| "rules".to_owned());
            Err(Error::invalid(format!("{place}: a mapping of a domain names no other domain")))
        }
    }
}

/// One page of mappings.
pub async fn list(app: &App, caller: &Caller, mut query: Query) -> Result<Page<Mapping>> {
    app.allow(caller, "identity:list_mappings", &super::and_filters(Target::new(), &query)).await?;
    let reach = Reach::of(app, caller).await?;
    if let Some(domain) = reach.domain() {
        query.conditions.push(Condition::equals("domain_id", domain));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker {
        let found = store::mapping::get(&mut conn, marker).await?;
        found.filter(|m| reach.covers(m.domain_id.as_deref())).ok_or_else(|| super::no_marker(marker))?;
    }
    let rows = store::mapping::list(&mut conn, &query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One mapping.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Mapping> {
    get_for(app, caller, "identity:get_mapping", id).await
}

/// One mapping, for what another rule protects.
pub(super) async fn get_for(app: &App, caller: &Caller, rule: &str, id: &str) -> Result<Mapping> {
    let (_, found) = admitted(app, caller, rule, id, None).await?;
    found.ok_or_else(|| not_found(id))
}

/// Makes a mapping.
pub async fn create(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Mapping> {
    let done = make(app, caller, id, body).await;
    audit::refused(app, caller, "mapping.create", (KIND, id), done).await
}

async fn make(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Mapping> {
    app.allow(caller, "identity:create_mapping", &seen(None, id).and_body(body)).await?;
    let reach = Reach::of(app, caller).await?;
    check_id(id)?;
    let document = Document::parse(body)?;
    check(app, &document, reach.domain()).await?;
    let mapping = Mapping { id: id.to_owned(), domain_id: reach.domain().map(str::to_owned), document };
    let mut tx = app.store.write().await?;
    add(app, &mut tx, caller, &mapping).await?;
    app.commit(tx).await?;
    Ok(mapping)
}

/// Stores a new mapping, with its audit record. Whose a taken id is, is not told.
pub(super) async fn add(app: &App, tx: &mut Conn, caller: &Caller, mapping: &Mapping) -> Result<()> {
    let taken = || Error::conflict("Conflict occurred attempting to store mapping - Duplicate entry.");
    if store::mapping::get(tx, &mapping.id).await?.is_some() {
        return Err(taken());
    }
    store::mapping::insert(tx, mapping).await.map_err(|e| match e {
        Error::Conflict { .. } => taken(),
        other => other,
    })?;
    audit::changed(app, tx, caller, "mapping.create", (KIND, &mapping.id), mapping.domain_id.as_deref(), "").await
}

/// Puts other rules in the place of a mapping's.
pub async fn update(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Mapping> {
    let done = change(app, caller, id, body).await;
    audit::refused(app, caller, "mapping.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Mapping> {
    let (reach, found) = admitted(app, caller, "identity:update_mapping", id, Some(body)).await?;
    // What is wrong with the body is said first, as Keystone does.
    let document = Document::parse(body)?;
    let owner = found.as_ref().map_or(reach.domain(), |m| m.domain_id.as_deref());
    check(app, &document, owner).await?;
    let found = found.ok_or_else(|| not_found(id))?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, &found).await?;
    managed::check_mapping(&mut tx, id).await?;
    let next = Mapping { document, ..stored.clone() };
    put(app, &mut tx, caller, &stored, &next, &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Writes a mapping over the stored one, whose row is held, with its audit record.
pub(super) async fn put(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    stored: &Mapping,
    next: &Mapping,
    detail: &str,
) -> Result<()> {
    let id = &next.id;
    if next != stored {
        store::mapping::update(tx, next).await?;
        for (idp_id, protocol_id) in store::mapping::list_protocols(tx, id).await? {
            let event = revocation::of_protocol(app, &idp_id, &protocol_id);
            store::revocation::insert(tx, &event).await?;
            session::end_of_provider(app, tx, &idp_id, Some(&protocol_id)).await?;
        }
    }
    audit::changed(app, tx, caller, "mapping.update", (KIND, id), next.domain_id.as_deref(), detail).await
}

/// Deletes a mapping that no protocol uses.
pub async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = remove(app, caller, id).await;
    audit::refused(app, caller, "mapping.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let (_, found) = admitted(app, caller, "identity:delete_mapping", id, None).await?;
    let found = found.ok_or_else(|| not_found(id))?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, &found).await?;
    managed::check_mapping(&mut tx, id).await?;
    let users = store::mapping::list_protocols(&mut tx, id).await?;
    if !users.is_empty() {
        return Err(in_use(&users));
    }
    store::mapping::delete(&mut tx, id).await?;
    audit::changed(app, &mut tx, caller, "mapping.delete", (KIND, id), stored.domain_id.as_deref(), "").await?;
    app.commit(tx).await
}

fn in_use(users: &[(String, String)]) -> Error {
    let mut names: Vec<String> = users.iter().take(NAMED).map(|(idp, id)| format!("{idp}/{id}")).collect();
    if users.len() > NAMED {
        names.push(format!("{} more", users.len() - NAMED));
    }
    Error::conflict(format!(
        "Conflict occurred attempting to delete mapping - It is used by these protocols (identity provider/protocol): {}.",
        names.join(", ")
    ))
}
