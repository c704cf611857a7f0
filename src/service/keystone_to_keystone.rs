//! This service as an identity provider of other clouds (Keystone to Keystone, keystone-api §1.9): whoever has a token of a project
//! gets an assertion that says so, for a service provider that is enabled here. They carry it there themselves.

use serde_json::{Value, json};

use super::caller::{Caller, Origin};
use super::saml_key::{self, Holder};
use super::{App, audit};
use crate::error::{Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::auth_request::AssertionRequest;
use crate::model::facts::Scope;
use crate::model::service_provider::ServiceProvider;
use crate::store;
use crate::upstream::saml::metadata::{IdentityProvider, own_kind, valid_until};
use crate::upstream::saml::{Vouching, envelope};

/// Most groups that an assertion names.
const MAX_GROUPS: usize = 1_000;

/// Room for groups, in bytes as XML, and what stands around one.
const MAX_GROUP_BYTES: usize = 131_072;
const AROUND_GROUP: usize = 64;

/// Whether XML has a character (xml §2.2).
fn is_in_xml(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// An assertion and where it goes.
#[derive(Debug)]
pub struct Vouched {
    /// The Response, or the envelope around it.
    pub document: String,
    /// Where it is sent.
    pub sp_url: String,
    /// Where a token is got with it afterwards.
    pub auth_url: String,
}

/// What this service calls itself as an identity provider.
fn entity_id(app: &App) -> String {
    let set = &app.config.saml.idp_entity_id;
    if set.is_empty() { format!("{}/v3/OS-FEDERATION/saml2/idp", app.public_url) } else { set.clone() }
}

/// The Response for a service provider.
pub async fn response(app: &App, origin: impl Fn() -> Origin, body: &Value) -> Result<Vouched> {
    vouch(app, origin, body).await.map(|(vouched, _)| vouched)
}

/// The same in an envelope, as a client posts it there (saml-profiles-2.0-os §4.2).
pub async fn enveloped(app: &App, origin: impl Fn() -> Origin, body: &Value) -> Result<Vouched> {
    let (vouched, sp) = vouch(app, origin, body).await?;
    let state = format!("{}{}", sp.relay_state_prefix, app.random.hex_id());
    Ok(Vouched { document: envelope(&state, &vouched.document), ..vouched })
}

async fn vouch(app: &App, origin: impl Fn() -> Origin, body: &Value) -> Result<(Vouched, ServiceProvider)> {
    let asked = AssertionRequest::parse(body)?;
    let token = asked.token.expose_str().unwrap_or_default();
    let caller = Caller::of_token(app, token, &origin).await.map_err(|error| match error {
        Error::Unauthorized { .. } => Error::not_found("Could not find token."),
        other => other,
    })?;
    let facts = caller.facts();
    let Scope::Project { name: project, domain_name: project_domain, .. } = &facts.scope else {
        return Err(Error::forbidden("Use a project scoped token when attempting to create a SAML assertion"));
    };
    let mut conn = app.store.read().await?;
    let sp = store::service_provider::get(&mut conn, &asked.service_provider_id).await?;
    let sp = sp.ok_or_else(|| {
        Error::not_found(format!("Could not find Service Provider: {:.64}.", asked.service_provider_id))
    })?;
    if !sp.enabled {
        return Err(Error::forbidden(format!("Service Provider {} is disabled", sp.id)));
    }
    let mut group_ids: Vec<String> = facts.groups.iter().map(|group| group.id.clone()).collect();
    group_ids.extend(store::group::ids_of_user(&mut conn, caller.user_id(), app.now()).await?);
    group_ids.truncate(MAX_GROUPS);
    let mut room = MAX_GROUP_BYTES;
    let named = store::group::names(&mut conn, &group_ids).await?.into_iter();
    let named = named.map(|(name, domain)| format!("JSON:{}", json!({"name": name, "domain": {"name": domain}})));
    // What there is no room for is left out: fewer groups are never more rights. JSON escapes most of what XML has not.
    let named = named.filter(|text| text.chars().all(is_in_xml)).take_while(|text| {
        room = room.saturating_sub(AROUND_GROUP + 6 * text.len());
        room > 0
    });
    let named = named.collect();
    drop(conn);
    let one = |text: &String| vec![text.clone()];
    let attributes = [
        ("openstack_user", one(&facts.user_name)),
        ("openstack_user_domain", one(&facts.user_domain_name)),
        ("openstack_roles", facts.roles.iter().map(|role| role.name.clone()).collect()),
        ("openstack_project", one(project)),
        ("openstack_project_domain", one(project_domain)),
        ("openstack_groups", named),
    ];
    let names = attributes.iter().filter(|(name, _)| *name != "openstack_groups").flat_map(|(_, values)| values);
    if !names.chain([&sp.sp_url]).all(|text| text.chars().all(is_in_xml)) {
        let text =
            "A name of the token, or the URL of the service provider, has characters that no assertion can have.";
        return Err(Error::forbidden(text));
    }
    let own = saml_key::of(app, Holder::Service).await?;
    let (issuer, audience, now) = (entity_id(app), own_kind(&sp.sp_url), app.now());
    let (recipient, subject, random) = (sp.sp_url.clone(), facts.user_name.clone(), app.random.clone());
    let until = now.plus_secs(i64::try_from(app.config.saml.assertion_expiration_secs).unwrap_or(i64::MAX));
    let document = app.saml.with_own(&own, move |key| {
        let vouching = Vouching {
            issuer: &issuer,
            recipient: &recipient,
            audience: audience.as_deref(),
            subject: &subject,
            attributes: &attributes,
            now,
            until,
        };
        vouching.response(&random, key)
    });
    let document = document.await?;
    record(app, &origin(), &caller, &sp).await?;
    Ok((Vouched { document, sp_url: sp.sp_url.clone(), auth_url: sp.auth_url.clone() }, sp))
}

async fn record(app: &App, origin: &Origin, caller: &Caller, sp: &ServiceProvider) -> Result<()> {
    let mut event = audit::event(app, Some(origin), "saml.assertion", Outcome::Success);
    event.user_id = Some(caller.user_id().to_owned());
    event.domain_id = Some(caller.facts().user_domain_id.clone());
    event.target_kind = Some("service_provider".to_owned());
    event.target_id = Some(sp.id.clone());
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await
}

/// What this service is to other clouds, as metadata.
pub async fn metadata(app: &App) -> Result<String> {
    let own = saml_key::of(app, Holder::Service).await?;
    let certificates: Vec<&str> = own.keys.iter().map(|key| key.certificate.as_str()).collect();
    let set = &app.config.saml.idp_sso_endpoint;
    let sso_url = if set.is_empty() { format!("{}/v3/OS-FEDERATION/saml2/sso", app.public_url) } else { set.clone() };
    let idp = IdentityProvider {
        entity_id: &entity_id(app),
        sso_url: &sso_url,
        until: &valid_until(app.now()),
        organisation: &app.config.saml.organization_name,
        public_url: &app.public_url,
        certificates: &certificates,
    };
    Ok(idp.message().unsigned())
}
