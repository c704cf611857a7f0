//! Identity providers (OS-FEDERATION), for administrators of the cloud and for security administrators of one domain, each
//! within their reach (see `reach`).

use std::collections::BTreeSet;

use super::caller::Caller;
use super::reach::Reach;
use super::sso_config::managed;
use super::{App, audit, revocation, session, sso_config};
use crate::error::{Error, Result};
use crate::model::domain::Domain;
use crate::model::fields::{Extra, check_id};
use crate::model::identity_provider::{Create, IdentityProvider, SsoType, Update};
use crate::model::list::{Condition, Page, Query};
use crate::model::sso_config::SsoConfig;
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "identity_provider";

pub(super) fn not_found(id: &str) -> Error {
    Error::not_found(format!("Could not find Identity Provider: {id}."))
}

/// What policy sees of a request about an identity provider.
pub(super) fn seen(idp: Option<&IdentityProvider>, id: &str) -> Target {
    let shown = |i: &IdentityProvider| Target::stored(KIND, &serde_json::json!({"id": i.id, "domain_id": i.domain_id}));
    idp.map_or_else(Target::new, shown).and_path("idp_id", id)
}

/// The identity provider, if the caller may know of it.
pub(super) async fn get_within(conn: &mut Conn, reach: &Reach, id: &str) -> Result<IdentityProvider> {
    let found = store::identity_provider::get(conn, id).await?;
    found.filter(|idp| reach.covers(Some(&idp.domain_id))).ok_or_else(|| not_found(id))
}

/// Asks policy about an identity provider that may or may not be there, and tells how far the caller reaches.
pub(super) async fn admitted(
    app: &App,
    caller: &Caller,
    rule: &str,
    id: &str,
    body: Option<&serde_json::Value>,
) -> Result<Reach> {
    let found = store::identity_provider::get(&mut app.store.read().await?, id).await?;
    let target = seen(found.as_ref(), id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await?;
    Reach::of(app, caller).await
}

/// One page of identity providers.
pub async fn list_identity_providers(app: &App, caller: &Caller, mut query: Query) -> Result<Page<IdentityProvider>> {
    app.allow(caller, "identity:list_identity_providers", &super::and_filters(Target::new(), &query)).await?;
    let reach = Reach::of(app, caller).await?;
    if let Some(domain) = reach.domain() {
        query.conditions.push(Condition::equals("domain_id", domain));
    }
    let mut conn = app.store.read().await?;
    if let Some(marker) = &query.marker {
        get_within(&mut conn, &reach, marker).await.map_err(super::marker_missing(marker))?;
    }
    let rows = store::identity_provider::list(&mut conn, &query).await?;
    Ok(Page::cut(rows, query.limit))
}

/// One identity provider.
pub async fn get_identity_provider(app: &App, caller: &Caller, id: &str) -> Result<IdentityProvider> {
    get_for(app, caller, "identity:get_identity_provider", id).await
}

/// One identity provider, for what another rule protects.
pub(super) async fn get_for(app: &App, caller: &Caller, rule: &str, id: &str) -> Result<IdentityProvider> {
    let reach = admitted(app, caller, rule, id, None).await?;
    get_within(&mut app.store.read().await?, &reach, id).await
}

/// Makes an identity provider and, if no domain is named, a domain for its users.
pub async fn create_identity_provider(
    app: &App,
    caller: &Caller,
    id: &str,
    body: &serde_json::Value,
) -> Result<IdentityProvider> {
    let done = create(app, caller, id, body).await;
    audit::refused(app, caller, "identity_provider.create", (KIND, id), done).await
}

async fn create(app: &App, caller: &Caller, id: &str, body: &serde_json::Value) -> Result<IdentityProvider> {
    app.allow(caller, "identity:create_identity_provider", &seen(None, id).and_body(body)).await?;
    let reach = Reach::of(app, caller).await?;
    let asked = Asked::parse(&reach, id, body)?;
    let mut tx = app.store.write().await?;
    let idp = add(app, &mut tx, caller, asked).await?;
    app.commit(tx).await?;
    Ok(idp)
}

/// An identity provider that is asked for, and where it is to be.
pub(super) struct Asked {
    id: String,
    create: Create,
    /// The domain; none for one of its own.
    domain_id: Option<String>,
    owned: bool,
}

impl Asked {
    /// Reads what a caller asks for within their reach.
    pub(super) fn parse(reach: &Reach, id: &str, body: &serde_json::Value) -> Result<Self> {
        check_id(id)?;
        let create = Create::parse(body)?;
        if !reach.covers(create.domain_id.as_deref().or(reach.domain())) {
            return Err(Error::forbidden("An identity provider can only be made in the domain of the token's scope."));
        }
        let domain_id = reach.domain().map(str::to_owned).or_else(|| create.domain_id.clone());
        Ok(Self { id: id.to_owned(), create, domain_id, owned: reach.domain().is_some() })
    }
}

impl Asked {
    /// One of a tenant's own, without remote ids: what its people may be told by stands in its connection (ruling 12).
    pub(super) fn of_tenant(id: &str, tenant_id: &str, name: &str, enabled: bool) -> Self {
        let create = Create {
            domain_id: None,
            enabled,
            description: Some(name.to_owned()),
            authorization_ttl: None,
            sso_type: SsoType::VirtualUser,
            remote_ids: BTreeSet::new(),
        };
        Self { id: id.to_owned(), create, domain_id: Some(tenant_id.to_owned()), owned: true }
    }
}

/// Stores a new identity provider, with its audit record and, if no domain is named, a domain for its users.
pub(super) async fn add(app: &App, tx: &mut Conn, caller: &Caller, asked: Asked) -> Result<IdentityProvider> {
    let Asked { id, create, domain_id, owned } = asked;
    let (domain_id, auto_domain) = match domain_id {
        Some(domain_id) => {
            // What is counted and compared below must not change meanwhile.
            if !store::domain::lock(tx, &domain_id).await? {
                return Err(Error::not_found(format!("Could not find domain: {domain_id}.")));
            }
            if owned {
                check_quota(app, tx, &domain_id).await?;
            }
            (domain_id, false)
        }
        None => (add_domain(app, tx, &id).await?, true),
    };
    if store::identity_provider::get(tx, &id).await?.is_some() {
        return Err(taken(&format!("Duplicate entry found with ID {id}")));
    }
    let idp = create.into_provider(id, domain_id, auto_domain, owned);
    check_sso_type(tx, &idp).await?;
    check_remote_ids(tx, &idp, &idp.remote_ids).await?;
    store::identity_provider::insert(tx, &idp).await.map_err(duplicate)?;
    if !idp.owned {
        store::sso_config::insert(tx, &SsoConfig::of_keystone(&idp.id, app.now()), None).await?;
    }
    audit::changed(app, tx, caller, "identity_provider.create", (KIND, &idp.id), Some(&idp.domain_id), "").await?;
    Ok(idp)
}

fn taken(detail: &str) -> Error {
    Error::conflict(format!("Conflict occurred attempting to store identity_provider - {detail}."))
}

/// Somebody else was faster: the database's word for it becomes ours.
fn duplicate(error: Error) -> Error {
    match error {
        Error::Conflict { .. } => taken("Duplicate entry"),
        other => other,
    }
}

pub(super) async fn add_domain(app: &App, tx: &mut Conn, idp_id: &str) -> Result<String> {
    let id = app.random.hex_id();
    let domain = Domain {
        id: id.clone(),
        name: id.clone(),
        enabled: true,
        description: format!("Auto generated federated domain for Identity Provider: {idp_id}"),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    };
    store::domain::insert(tx, &domain).await?;
    Ok(id)
}

async fn check_quota(app: &App, tx: &mut Conn, domain_id: &str) -> Result<()> {
    let most = i64::from(app.config.identity.max_identity_providers_per_domain);
    if store::identity_provider::count_in_domain(tx, domain_id).await? >= most {
        return Err(Error::forbidden(format!(
            "The domain has its {most} identity providers already; delete one first."
        )));
    }
    Ok(())
}

/// A domain has one kind of identity provider, and at most one whose users exist already.
async fn check_sso_type(tx: &mut Conn, idp: &IdentityProvider) -> Result<()> {
    let there = store::identity_provider::sso_types_in_domain(tx, &idp.domain_id).await?;
    let clash = match idp.sso_type {
        SsoType::IamUser => !there.is_empty(),
        SsoType::VirtualUser => there.contains(&SsoType::IamUser),
    };
    if clash {
        return Err(taken(
            "The domain has an identity provider of another sso_type, or one of iam_user_sso, which must be its only one",
        ));
    }
    Ok(())
}

/// A remote id belongs to one identity provider of the whole service. Whose it is, is not told.
async fn check_remote_ids(tx: &mut Conn, idp: &IdentityProvider, remote_ids: &BTreeSet<String>) -> Result<()> {
    for remote_id in remote_ids {
        let owner = store::identity_provider::owner_of_remote_id(tx, remote_id).await?;
        if owner.is_some_and(|o| o != idp.id) {
            return Err(taken(&format!("Duplicate remote ID: {remote_id}")));
        }
    }
    Ok(())
}

/// Changes an identity provider. Disabling it voids the tokens that came through it.
pub async fn update_identity_provider(
    app: &App,
    caller: &Caller,
    id: &str,
    body: &serde_json::Value,
) -> Result<IdentityProvider> {
    let done = update(app, caller, id, body).await;
    audit::refused(app, caller, "identity_provider.update", (KIND, id), done).await
}

async fn update(app: &App, caller: &Caller, id: &str, body: &serde_json::Value) -> Result<IdentityProvider> {
    let reach = admitted(app, caller, "identity:update_identity_provider", id, Some(body)).await?;
    let update = Update::parse(body)?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = get_within(&mut tx, &reach, id).await?;
    managed::check_identity_provider(&mut tx, id).await?;
    if let Some(remote_ids) = &update.remote_ids {
        check_remote_ids(&mut tx, &stored, remote_ids).await?;
    }
    let next = stored.updated(update)?;
    put(app, &mut tx, caller, &stored, &next, &super::named(body, KIND)).await?;
    app.commit(tx).await?;
    Ok(next)
}

/// Writes an identity provider over the stored one, whose row is held, with its audit record.
pub(super) async fn put(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    stored: &IdentityProvider,
    next: &IdentityProvider,
    detail: &str,
) -> Result<()> {
    let id = &next.id;
    store::identity_provider::update(tx, next).await.map_err(duplicate)?;
    store::sso_config::touch(tx, id, app.now(), false).await?;
    if stored.authorization_ttl != next.authorization_ttl {
        let ttl_secs = next.membership_secs(app.config.federation.default_authorization_ttl);
        store::expiring_membership::update_ends(tx, id, ttl_secs).await?;
    }
    if is_tightened(stored, next) {
        store::revocation::insert(tx, &revocation::of_identity_provider(app, id)).await?;
        session::end_of_provider(app, tx, id, None).await?;
    }
    audit::changed(app, tx, caller, "identity_provider.update", (KIND, id), Some(&next.domain_id), detail).await
}

/// Whether somebody may have come in who could not any more: it is disabled, or some of its remote ids are gone, or it asks
/// for one now.
fn is_tightened(stored: &IdentityProvider, next: &IdentityProvider) -> bool {
    let asks_now = stored.remote_ids.is_empty() && !next.remote_ids.is_empty();
    let asks_less = next.remote_ids.is_empty() || stored.remote_ids.is_subset(&next.remote_ids);
    (stored.enabled && !next.enabled) || asks_now || !asks_less
}

/// Deletes an identity provider, and the users for whom nobody else vouches. A domain that was made with it is disabled: as
/// in Keystone it is for the administrator to say when it goes, with all that has come to live there.
pub async fn delete_identity_provider(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let done = delete(app, caller, id).await;
    audit::refused(app, caller, "identity_provider.delete", (KIND, id), done).await
}

async fn delete(app: &App, caller: &Caller, id: &str) -> Result<()> {
    let reach = admitted(app, caller, "identity:delete_identity_provider", id, None).await?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = get_within(&mut tx, &reach, id).await?;
    managed::check_identity_provider(&mut tx, id).await?;
    drop_stored(app, &mut tx, caller, &stored).await?;
    app.commit(tx).await
}

/// Deletes an identity provider whose row is held, with its audit record.
pub(super) async fn drop_stored(app: &App, tx: &mut Conn, caller: &Caller, stored: &IdentityProvider) -> Result<()> {
    let id = &stored.id;
    store::shadow_user::delete_of_identity_provider(tx, id).await?;
    super::connection::place::forget(tx, id).await?;
    let generated = store::sso_config::is_generated(tx, id).await?;
    store::identity_provider::delete(tx, id).await?;
    if generated {
        sso_config::delete::drop_generated(tx, id, &stored.domain_id, false).await?;
    }
    store::revocation::insert(tx, &revocation::of_identity_provider(app, id)).await?;
    session::end_of_provider(app, tx, id, None).await?;
    if stored.auto_domain
        && let Some(mut domain) = store::domain::get(tx, &stored.domain_id).await?
    {
        domain.enabled = false;
        store::domain::update(tx, &domain).await?;
    }
    audit::changed(app, tx, caller, "identity_provider.delete", (KIND, id), Some(&stored.domain_id), "").await
}
