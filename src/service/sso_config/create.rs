//! Making a configuration: identity provider with a domain of its own, mapping, protocol, connection and groups, all of it or
//! nothing. The identity provider need not be reachable for that.

use serde_json::Value;

use super::{KIND, check_issuer, find, first_test, generated, group_mappings, named, retest};
use crate::error::Result;
use crate::model::connection::Connection;
use crate::model::identity_provider::{IdentityProvider, SsoType};
use crate::model::protocol::Protocol;
use crate::model::sso_config::create::Create;
use crate::model::sso_config::{Source, SsoConfig, Whole, issuer_of};
use crate::policy::Target;
use crate::service::caller::Caller;
use crate::service::connection::At;
use crate::service::{App, audit, federation, secrets};
use crate::store;

/// A body as it was sent, with the order of the keys of `attributeMappings`, which reading loses.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    /// The object.
    pub value: &'a Value,
    /// The keys.
    pub order: &'a [String],
}

/// Makes a configuration.
pub async fn create(app: &App, caller: &Caller, source: Source, body: Body<'_>) -> Result<Whole> {
    let done = make(app, caller, source, body).await;
    audit::refused(app, caller, "sso_configuration.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, source: Source, body: Body<'_>) -> Result<Whole> {
    app.allow(caller, "sso:create_configuration", &Target::new().and_body(body.value)).await?;
    let mut create = Create::parse(body.value, body.order)?;
    app.checks.admit(&mut create.settings)?;
    app.checks.admit_key(&create.settings, create.secret.as_ref())?;
    let roles = group_mappings::resolve(app, caller, &create.group_mappings).await?;
    let (id, now, kind) = (app.random.hex_id(), app.now(), create.kind());
    let issuer = issuer_of(&create.settings);

    let mut tx = app.store.write().await?;
    if let Some(issuer) = &issuer {
        check_issuer(&mut tx, &id, issuer).await?;
    }
    let domain_id = federation::add_domain(app, &mut tx, &id).await?;
    let idp = IdentityProvider {
        id: id.clone(),
        domain_id,
        auto_domain: true,
        owned: false,
        enabled: create.enabled,
        description: Some(create.display_name.clone()),
        authorization_ttl: None,
        sso_type: SsoType::VirtualUser,
        remote_ids: issuer.iter().cloned().collect(),
    };
    store::identity_provider::insert(&mut tx, &idp).await?;
    let config = SsoConfig {
        id: id.clone(),
        source,
        display_name: Some(create.display_name),
        issuer,
        protocol_id: Some(kind.protocol().to_owned()),
        user_provisioning: create.user_provisioning,
        group_provisioning: create.group_provisioning,
        attributes: create.attributes,
        group_mappings: create.group_mappings,
        generated: true,
        tested: None,
        resume_enabled: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let group_ids = group_mappings::provide(&mut tx, &config, &[], &roles, &idp.domain_id).await?;
    let mapping = generated(app, &config, kind, &group_ids, &idp.domain_id)?;
    store::mapping::insert(&mut tx, &mapping).await?;
    let protocol = Protocol {
        idp_id: id.clone(),
        id: kind.protocol().to_owned(),
        mapping_id: Some(mapping.id),
        remote_id_attribute: None,
    };
    store::protocol::insert(&mut tx, &protocol).await?;
    let settings = create.settings;
    let connection = Connection {
        idp_id: id.clone(),
        protocol_id: protocol.id.clone(),
        settings: settings.clone(),
        updated_at: now,
    };
    store::connection::insert(&mut tx, &connection).await?;
    if let Some(secret) = &create.secret {
        secrets::put(app, &mut tx, &At { idp_id: &id, protocol_id: &protocol.id }.secret_id(), secret).await?;
    }
    let due = first_test(app, create.enabled, Some(&settings));
    store::sso_config::insert(&mut tx, &config, due.map(|at| retest::later(app, at))).await?;
    if due.is_some() {
        retest::enqueue(app, &mut tx, &id).await?;
    }
    let detail = named(body.value);
    audit::changed(app, &mut tx, caller, "sso_configuration.create", (KIND, &id), Some(&idp.domain_id), &detail)
        .await?;
    let made = find(&mut tx, &id).await?;
    app.commit(tx).await?;
    Ok(made)
}
