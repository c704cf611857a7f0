//! Identity providers of tenants: their own, which are made here as a whole, and global ones, of which a tenant says how
//! they stand on its login page and what people who come by them may become (tenant-login §12, ruling 12).
//!
//! One of a tenant's own is an identity provider in the tenant's domain without remote ids, with a mapping of the same id, the
//! protocol `openid` and a connection.

use serde_json::{Value, json};

use super::reach::{admitted, admitted_by_body};
use crate::error::{Error, Result};
use crate::model::expected::{Expected, fingerprint};
use crate::model::list::{Portion, Window};
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::SchemaVersion;
use crate::model::protocol::Protocol;
use crate::model::sso_config::rules::{self, Sources};
use crate::model::sso_config::{ProviderType, Source};
use crate::model::tenant_idp::{Create, Known, Reading, Update, in_connection, in_mapping, tenant_ids};
use crate::policy::Target;
use crate::service::caller::Caller;
use crate::service::connection::{self, At};
use crate::service::reach::Reach;
use crate::service::{App, audit, federation, mapping, protocol, sso_config};
use crate::store::{self, Conn};

const KIND: &str = "tenant_identity_provider";

/// The protocol of those that are made here.
fn protocol_of(kind: ProviderType) -> &'static str {
    match kind {
        ProviderType::Oidc => "openid",
        ProviderType::Saml => "saml2",
        ProviderType::Ldap => "ldap",
    }
}

/// An identity provider as it is shown; how it is spoken to and how people are read is shown of a tenant's own only.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// What there is to know of every one.
    pub known: Known,
    /// How it is spoken to.
    pub connection: Option<connection::Shown>,
    /// How people are read.
    pub mapping: Option<Mapping>,
}

impl Shown {
    /// A number that is another one once anything of it is: its parts are changed on other faces as well.
    pub fn version(&self) -> i64 {
        let connection = self.connection.as_ref().map(|c| c.connection.updated_at.0);
        let mapping = self.mapping.as_ref().map(|m| (&m.id, m.document.schema_version.as_str(), &m.document.rules));
        let known = &self.known;
        let all = json!([known.name, known.available, known.protocol_id, known.settings, connection, mapping]);
        fingerprint(&all.to_string())
    }
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no identity provider {id:.64} at this tenant."))
}

/// One that the tenant could offer, or 404.
async fn find(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Known> {
    store::tenant_idp::find(conn, tenant_id, id).await?.ok_or_else(|| not_found(id))
}

async fn shown(conn: &mut Conn, tenant_id: &str, known: Known) -> Result<Shown> {
    let (true, Some(protocol_id)) = (known.own, &known.protocol_id) else {
        return Ok(Shown { known, connection: None, mapping: None });
    };
    let connection = connection::shown(conn, At { idp_id: &known.idp_id, protocol_id }).await?;
    let protocol = store::protocol::get(conn, &known.idp_id, protocol_id).await?;
    let mapping = match protocol.and_then(|p| p.mapping_id) {
        // One of the cloud's administrators may read the tenant's people: that is not the tenant's to see.
        Some(id) => store::mapping::get(conn, &id).await?.filter(|m| m.domain_id.as_deref() == Some(tenant_id)),
        None => None,
    };
    Ok(Shown { known, connection, mapping })
}

/// Part of the identity providers that a tenant could offer, in order of their ids.
pub async fn list(app: &App, caller: &Caller, tenant_id: &str, window: Window) -> Result<Portion<Shown>> {
    admitted(app, caller, "tenant:list_identity_providers", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let found = store::tenant_idp::list(&mut conn, tenant_id, window).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for known in found.items {
        items.push(shown(&mut conn, tenant_id, known).await?);
    }
    Ok(Portion { items, total: found.total })
}

/// One of the identity providers that a tenant could offer.
pub async fn get(app: &App, caller: &Caller, tenant_id: &str, id: &str) -> Result<Shown> {
    admitted(app, caller, "tenant:get_identity_provider", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let known = find(&mut conn, tenant_id, id).await?;
    shown(&mut conn, tenant_id, known).await
}

/// Makes an identity provider of a tenant's own, with all that it needs, or nothing of it.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Shown> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "tenant.identity_provider.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Shown> {
    let tenant_id = admitted_by_body(app, caller, "tenant:create_identity_provider", body).await?.id;
    let create = Create::parse(body)?;
    let id = app.random.hex_id();
    let protocol_id = protocol_of(create.kind);
    let connection = connection::parse(app, &create.connection).map_err(in_connection(create.kind.protocol()))?;
    let document = document(app, &tenant_id, create.kind, create.reading).await?;
    let mapping = Mapping { id: id.clone(), domain_id: Some(tenant_id.clone()), document };
    let asked = federation::Asked::of_tenant(&id, &tenant_id, &create.name, create.enabled);
    let protocol = Protocol {
        idp_id: id.clone(),
        id: protocol_id.to_owned(),
        mapping_id: Some(mapping.id.clone()),
        remote_id_attribute: None,
    };
    let (reach, detail) = (Reach::Domain(tenant_id.clone()), super::named(body));

    let mut tx = app.store.write().await?;
    if store::tenant::get(&mut tx, &tenant_id).await?.is_none() {
        return Err(super::reach::not_found(&tenant_id));
    }
    let idp = federation::add(app, &mut tx, caller, asked).await?;
    mapping::add(app, &mut tx, caller, &mapping).await?;
    protocol::add(app, &mut tx, caller, &reach, &idp, &protocol).await?;
    let at = At { idp_id: &id, protocol_id };
    connection::add(app, &mut tx, caller, at, connection, (&tenant_id, "")).await?;
    store::tenant_idp::put(&mut tx, &tenant_id, &id, &create.settings, app.now()).await?;
    let place = (KIND, id.as_str());
    audit::changed(app, &mut tx, caller, "tenant.identity_provider.create", place, Some(&tenant_id), &detail).await?;
    let known = find(&mut tx, &tenant_id, &id).await?;
    let made = shown(&mut tx, &tenant_id, known).await?;
    app.commit(tx).await?;
    Ok(made)
}

/// The rules by which people of a tenant are read, checked: they reach no further than its domain.
async fn document(app: &App, tenant_id: &str, kind: ProviderType, reading: Reading) -> Result<Document> {
    let (document, place) = match reading {
        Reading::Document(document) => (document, "mapping"),
        Reading::Words { attributes, groups } => {
            let sources = Sources {
                kind,
                claim_prefix: sso_config::claim_prefix(app),
                attributes: &attributes,
                groups,
                group_ids: &[],
                domain_id: tenant_id,
            };
            let rules = rules::rules(&sources);
            (Document { schema_version: SchemaVersion::V2, rules }, "attribute_mappings")
        }
    };
    let here = |error: Error| match error {
        Error::Invalid { message, .. } if place != "mapping" => Error::invalid_field(place, message),
        other => in_mapping(other),
    };
    mapping::check(app, &document, Some(tenant_id)).await.map_err(here)?;
    Ok(document)
}

/// Changes an identity provider of a tenant's own, or what the tenant says of a global one.
pub async fn update(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    body: &Value,
) -> Result<Shown> {
    let done = change(app, caller, tenant_id, id, expected, body).await;
    audit::refused(app, caller, "tenant.identity_provider.update", (KIND, id), done).await
}

async fn change(
    app: &App,
    caller: &Caller,
    tenant_id: &str,
    id: &str,
    expected: &Expected,
    body: &Value,
) -> Result<Shown> {
    admitted(app, caller, "tenant:update_identity_provider", tenant_id, Some(body)).await?;
    let found = find(&mut app.store.read().await?, tenant_id, id).await?;
    let mut update = Update::parse(body, &found.settings)?;
    if !found.own
        && let Some(member) = update.of_owner()
    {
        return Err(Error::invalid_field(
            member,
            "belongs to the global configuration, which its administrators change",
        ));
    }
    let document = match update.reading.take() {
        Some(reading) => {
            let kind = found.kind.as_deref().and_then(ProviderType::of_protocol).unwrap_or(ProviderType::Oidc);
            Some(document(app, tenant_id, kind, reading).await?)
        }
        None => None,
    };
    let detail = super::named(body);

    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = find(&mut tx, tenant_id, id).await?;
    if stored.own != found.own {
        return Err(not_found(id));
    }
    check_version(&mut tx, tenant_id, &stored, expected).await?;
    let mut update = Update::parse(body, &stored.settings)?;
    if stored.own {
        change_own(app, &mut tx, caller, (tenant_id, &stored), &update, document, &detail).await?;
        // It is switched on and off as a whole.
        update.settings.enabled = true;
    } else {
        update.settings.enabled = update.enabled.unwrap_or(stored.settings.enabled);
    }
    store::tenant_idp::put(&mut tx, tenant_id, id, &update.settings, app.now()).await?;
    audit::changed(app, &mut tx, caller, "tenant.identity_provider.update", (KIND, id), Some(tenant_id), &detail)
        .await?;
    let known = find(&mut tx, tenant_id, id).await?;
    let done = shown(&mut tx, tenant_id, known).await?;
    app.commit(tx).await?;
    Ok(done)
}

/// 412 unless it is the version that the caller means.
async fn check_version(tx: &mut Conn, tenant_id: &str, stored: &Known, expected: &Expected) -> Result<()> {
    match expected {
        Expected::Any => Ok(()),
        Expected::Versions(_) => {
            expected.check("identity provider", shown(tx, tenant_id, stored.clone()).await?.version())
        }
    }
}

/// What a change of one of a tenant's own changes of its parts.
async fn change_own(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    (tenant_id, stored): (&str, &Known),
    update: &Update,
    document: Option<Document>,
    detail: &str,
) -> Result<()> {
    let id = &stored.idp_id;
    sso_config::managed::check_identity_provider(tx, id).await?;
    if update.name.is_some() || update.enabled.is_some() {
        let idp = store::identity_provider::get(tx, id).await?.ok_or_else(|| not_found(id))?;
        let mut next = idp.clone();
        next.enabled = update.enabled.unwrap_or(idp.enabled);
        next.description = update.name.clone().or(next.description);
        federation::put(app, tx, caller, &idp, &next, detail).await?;
    }
    if update.connection.is_none() && document.is_none() {
        return Ok(());
    }
    let unset = || Error::conflict("This identity provider has no connection yet; it is set up where it was made.");
    let protocol_id = stored.protocol_id.as_deref().ok_or_else(unset)?;
    if let Some(body) = &update.connection {
        let at = At { idp_id: id, protocol_id };
        let reach = Reach::of(app, caller).await?;
        protocol::check_mapping_within(tx, &reach, id, protocol_id).await?;
        let shown = connection::shown(tx, at).await?.ok_or_else(unset)?;
        let changed = connection::parse_change(app, body, &shown.connection.settings)
            .map_err(in_connection(shown.connection.settings.kind()))?;
        connection::put(app, tx, caller, shown, changed, (tenant_id, detail)).await?;
    }
    if let Some(document) = document {
        let protocol = store::protocol::get(tx, id, protocol_id).await?.ok_or_else(unset)?;
        let elsewhere = || Error::conflict("People are read by a mapping that is not this identity provider's own.");
        let mapping_id = protocol.mapping_id.ok_or_else(elsewhere)?;
        store::mapping::lock(tx, &mapping_id).await?;
        let mapping = store::mapping::get(tx, &mapping_id).await?.filter(|m| m.domain_id.as_deref() == Some(tenant_id));
        let mapping = mapping.ok_or_else(elsewhere)?;
        sso_config::managed::check_mapping(tx, &mapping_id).await?;
        mapping::put(app, tx, caller, &mapping, &Mapping { document, ..mapping.clone() }, detail).await?;
    }
    Ok(())
}

/// Deletes an identity provider of a tenant's own with all that belongs to it, or forgets what the tenant says of a global
/// one.
pub async fn delete(app: &App, caller: &Caller, tenant_id: &str, id: &str, expected: &Expected) -> Result<()> {
    let done = remove(app, caller, tenant_id, id, expected).await;
    audit::refused(app, caller, "tenant.identity_provider.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, tenant_id: &str, id: &str, expected: &Expected) -> Result<()> {
    admitted(app, caller, "tenant:delete_identity_provider", tenant_id, None).await?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = find(&mut tx, tenant_id, id).await?;
    check_version(&mut tx, tenant_id, &stored, expected).await?;
    if stored.own {
        let idp = store::identity_provider::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
        sso_config::managed::check_identity_provider(&mut tx, id).await?;
        federation::drop_stored(app, &mut tx, caller, &idp).await?;
        drop_mapping(&mut tx, tenant_id, id).await?;
    } else {
        store::tenant_idp::delete(&mut tx, tenant_id, id).await?;
    }
    audit::changed(app, &mut tx, caller, "tenant.identity_provider.delete", (KIND, id), Some(tenant_id), "").await?;
    app.commit(tx).await
}

/// Drops the mapping that was made with an identity provider, unless another uses it.
async fn drop_mapping(tx: &mut Conn, tenant_id: &str, id: &str) -> Result<()> {
    let found = store::mapping::get(tx, id).await?.filter(|m| m.domain_id.as_deref() == Some(tenant_id));
    if found.is_some() && store::mapping::list_protocols(tx, id).await?.is_empty() {
        store::mapping::delete(tx, id).await?;
    }
    Ok(())
}

/// Keeps a global identity provider for some tenants; none: it is offered to all again.
pub async fn keep_for(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Vec<String>> {
    let done = keep(app, caller, id, body).await;
    audit::refused(app, caller, "identity_provider.keep", ("identity_provider", id), done).await
}

async fn keep(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<Vec<String>> {
    app.allow(caller, "tenant:keep_identity_provider", &Target::new().and_path("idp_id", id).and_body(body)).await?;
    let ids = tenant_ids(body)?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    match store::sso_config::source(&mut tx, id).await? {
        Some(Source::Manual | Source::Import) => {}
        _ => return Err(Error::not_found(format!("There is no global identity provider {id:.64}."))),
    }
    for (i, tenant_id) in ids.iter().enumerate() {
        if store::tenant::get(&mut tx, tenant_id).await?.is_none() {
            return Err(Error::invalid_field(format!("tenant_ids.{i}"), "there is no such tenant"));
        }
    }
    store::tenant_idp::keep_for(&mut tx, id, &ids).await?;
    let detail = format!("for {} tenants", ids.len());
    audit::changed(app, &mut tx, caller, "identity_provider.keep", ("identity_provider", id), None, &detail).await?;
    let kept = store::tenant_idp::kept_for(&mut tx, id).await?;
    app.commit(tx).await?;
    Ok(kept)
}
