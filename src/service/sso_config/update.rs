//! Changing a configuration. A change of the connection makes it untested; whatever decides who comes in as what voids the
//! tokens that came by it.

use super::create::Body;
use super::{Expected, KIND, check_issuer, find, first_test, generated, group_mappings, named, retest, seen};
use crate::error::{Error, Result};
use crate::model::connection::{Connection, Settings};
use crate::model::identity_provider::IdentityProvider;
use crate::model::mapping::Mapping;
use crate::model::protocol::Protocol;
use crate::model::sso_config::block::SecretChange;
use crate::model::sso_config::update::Update;
use crate::model::sso_config::{ProviderType, Source, SsoConfig, Whole, issuer_of};
use crate::service::caller::Caller;
use crate::service::connection::At;
use crate::service::{App, audit, federate, revocation, secrets, session};
use crate::store::{self, Conn};

/// How often a change is tried while others change the same.
const ATTEMPTS: usize = 32;

/// Changes a configuration that `by` manages.
pub async fn update(
    app: &App,
    caller: &Caller,
    by: Source,
    id: &str,
    expected: &Expected,
    body: Body<'_>,
) -> Result<Whole> {
    let done = attempts(app, caller, by, id, expected, body).await;
    audit::refused(app, caller, "sso_configuration.update", (KIND, id), done).await
}

/// 409 for a configuration that is not to be changed here, or not now.
pub(super) fn check_source(by: Source, stored: &Whole) -> Result<()> {
    if by == Source::Manual && stored.config.source == Source::Import {
        return Err(Error::conflict(
            "The configuration is managed by a file: change it there and apply it again, or release it with `archstone sso release`.",
        ));
    }
    Ok(())
}

/// What is changed is read before it is held, as policy and the checks come in between. If it was changed meanwhile, whoever
/// expects no version means it as it is then.
async fn attempts(
    app: &App,
    caller: &Caller,
    by: Source,
    id: &str,
    expected: &Expected,
    body: Body<'_>,
) -> Result<Whole> {
    for _ in 0..ATTEMPTS {
        if let Some(done) = change(app, caller, by, id, expected, body).await? {
            return Ok(done);
        }
    }
    Err(Error::conflict("The configuration is being changed by others all the time; try again."))
}

/// One attempt; none if it was changed meanwhile.
async fn change(
    app: &App,
    caller: &Caller,
    by: Source,
    id: &str,
    expected: &Expected,
    body: Body<'_>,
) -> Result<Option<Whole>> {
    app.allow(caller, "sso:update_configuration", &seen(id).and_body(body.value)).await?;
    let found = find(&mut app.store.read().await?, id).await?;
    check_source(by, &found)?;
    let mut asked = Update::parse(body.value, body.order, &found, &super::defaults(app, &found))?;
    // What can never be done is said first (RFC 9110 §13.2.1).
    expected.check("configuration", found.config.version)?;
    if let Some((settings, secret)) = &mut asked.connection {
        app.checks.admit(settings)?;
        match secret {
            SecretChange::Set(secret) => app.checks.admit_key(settings, Some(secret))?,
            SecretChange::Clear => {}
            SecretChange::Keep { .. } => {
                if let Some(secret_id) = super::secret_id(&found) {
                    let kept = secrets::get(app, &mut app.store.read().await?, &secret_id).await?;
                    app.checks.admit_key(settings, kept.as_ref())?;
                }
            }
        }
    }
    // Who sends back what is stored gives nothing.
    let rows = asked.group_mappings.as_ref().filter(|rows| **rows != found.config.group_mappings);
    let roles = match rows {
        Some(rows) => group_mappings::resolve(app, caller, rows).await?,
        None => Vec::new(),
    };

    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = find(&mut tx, id).await?;
    if stored.config.version != found.config.version {
        // It was read as another: what has been checked of it may not hold.
        return Ok(None);
    }
    if stored.config.resume_enabled.is_some() {
        return Err(Error::conflict("The configuration is being deleted."));
    }
    let next = Changing { app, id, stored: &stored, asked, roles };
    let changed = next.write(&mut tx).await?;
    if changed {
        let detail = named(body.value);
        let idp = store::identity_provider::get(&mut tx, id).await?;
        let domain_id = idp.map(|i| i.domain_id);
        audit::changed(app, &mut tx, caller, "sso_configuration.update", (KIND, id), domain_id.as_deref(), &detail)
            .await?;
    }
    let made = find(&mut tx, id).await?;
    app.commit(tx).await?;
    Ok(Some(made))
}

struct Changing<'a> {
    app: &'a App,
    id: &'a str,
    stored: &'a Whole,
    asked: Update,
    roles: Vec<String>,
}

impl Changing<'_> {
    /// Writes what is different; whether anything was.
    async fn write(self, tx: &mut Conn) -> Result<bool> {
        let Self { app, id, stored, asked, roles } = self;
        let now = app.now();
        let mut config = stored.config.clone();
        let mut idp = store::identity_provider::get(tx, id).await?.ok_or_else(|| super::not_found(id))?;
        let before = idp.clone();

        let moved = asked.connection.filter(|(settings, secret)| {
            stored.settings.as_ref() != Some(settings) || !matches!(secret, SecretChange::Keep { .. })
        });
        if let Some(name) = asked.display_name.filter(|name| name != stored.display_name()) {
            // The identity provider says the same on the Keystone face, unless it says something of its own there.
            if config.source != Source::Federation {
                idp.description = Some(name.clone());
            }
            config.display_name = Some(name);
        }
        idp.enabled = asked.enabled.unwrap_or(idp.enabled);
        config.user_provisioning = asked.user_provisioning.unwrap_or(config.user_provisioning);
        config.group_provisioning = asked.group_provisioning.unwrap_or(config.group_provisioning);
        config.attributes = asked.attributes.unwrap_or(config.attributes);
        let given = asked.group_mappings.is_some();
        config.group_mappings = asked.group_mappings.unwrap_or(config.group_mappings);
        // Who writes the rows back mends what was deleted of them on the Keystone face.
        let mends = given && config.generated && group_mappings::is_incomplete(tx, &config).await?;
        let mut settings = stored.settings.clone();
        // Another secret is a change, too, though nothing shows it.
        let reconnected = moved.is_some();
        let mut needs_protocol = false;
        if let Some((new, secret)) = moved {
            let kind = ProviderType::of(&new);
            let protocol_id;
            (protocol_id, needs_protocol) = ensure_protocol(tx, stored, &mut config, kind).await?;
            take_issuer(tx, &mut config, &mut idp, &new).await?;
            write_connection(app, tx, At { idp_id: id, protocol_id: &protocol_id }, &new, &secret).await?;
            settings = Some(new);
            config.tested = None;
        }
        if !mends && !reconnected && config == stored.config && idp == before {
            return Ok(false);
        }
        let remapped = mends
            || needs_protocol
            || (&config.attributes, &config.group_mappings, config.group_provisioning, config.generated)
                != (
                    &stored.config.attributes,
                    &stored.config.group_mappings,
                    stored.config.group_provisioning,
                    stored.config.generated,
                );
        if remapped {
            let kind = settings.as_ref().map(ProviderType::of);
            remap(app, tx, stored, &config, (kind, &idp.domain_id), &roles).await?;
        }
        if idp != before {
            store::identity_provider::update(tx, &idp).await?;
        }
        if before.enabled && !idp.enabled {
            store::revocation::insert(tx, &revocation::of_identity_provider(app, id)).await?;
            session::end_of_provider(app, tx, id, None).await?;
        } else if (remapped || reconnected)
            && let Some(protocol_id) = stored.protocol_id.as_deref()
        {
            store::revocation::insert(tx, &revocation::of_protocol(app, id, protocol_id)).await?;
            session::end_of_provider(app, tx, id, Some(protocol_id)).await?;
        }
        let pushed = |c: &SsoConfig| (c.display_name.clone(), c.user_provisioning, c.issuer.clone());
        if remapped || reconnected || pushed(&config) != pushed(&stored.config) {
            federate::configuration_changed(app, tx, id).await?;
        }
        config.version += 1;
        config.updated_at = now;
        let untested = config.tested.is_none();
        let due = first_test(app, idp.enabled, settings.as_ref());
        store::sso_config::update(tx, &config, due.map(|at| retest::later(app, at))).await?;
        if due.is_some() && (untested || !before.enabled) {
            retest::enqueue(app, tx, id).await?;
        }
        Ok(true)
    }
}

/// The protocol that the connection is of, and whether it has to be made: a configuration that the Keystone face made without
/// one gets it here, with a mapping that is made of its words.
async fn ensure_protocol(
    tx: &mut Conn,
    stored: &Whole,
    config: &mut SsoConfig,
    kind: ProviderType,
) -> Result<(String, bool)> {
    if let Some(id) = &stored.protocol_id {
        config.protocol_id = Some(id.clone());
        return Ok((id.clone(), false));
    }
    let there = store::protocol::list_ids(tx, &config.id).await?;
    let id = match there.as_slice() {
        [] => kind.protocol().to_owned(),
        [one] => one.clone(),
        several => several
            .iter()
            .find(|id| *id == kind.protocol())
            .cloned()
            .ok_or_else(|| Error::conflict("The identity provider has several protocols and none of this name; connect one of them on the Keystone face."))?,
    };
    config.protocol_id = Some(id.clone());
    let is_new = !there.contains(&id);
    if is_new {
        if !config.generated && store::mapping::get(tx, &config.id).await?.is_some() {
            return Err(Error::conflict(format!(
                "There is a mapping {} already, so none can be made for the configuration; make the protocol on the Keystone face.",
                config.id
            )));
        }
        config.generated = true;
    }
    Ok((id, is_new))
}

/// Takes over what identifies the identity provider now.
async fn take_issuer(
    tx: &mut Conn,
    config: &mut SsoConfig,
    idp: &mut IdentityProvider,
    settings: &Settings,
) -> Result<()> {
    let issuer = issuer_of(settings);
    if issuer == config.issuer {
        return Ok(());
    }
    if let Some(issuer) = &issuer {
        check_issuer(tx, &config.id, issuer).await?;
    }
    if let Some(old) = &config.issuer {
        idp.remote_ids.remove(old);
    }
    if config.source != Source::Federation || idp.remote_ids.is_empty() {
        idp.remote_ids.extend(issuer.clone());
    }
    config.issuer = issuer;
    Ok(())
}

async fn write_connection(
    app: &App,
    tx: &mut Conn,
    at: At<'_>,
    settings: &Settings,
    secret: &SecretChange,
) -> Result<()> {
    let connection = Connection {
        idp_id: at.idp_id.to_owned(),
        protocol_id: at.protocol_id.to_owned(),
        settings: settings.clone(),
        updated_at: app.now(),
    };
    if !store::connection::update(tx, &connection).await? {
        store::connection::insert(tx, &connection).await?;
    }
    match secret {
        SecretChange::Keep { .. } => Ok(()),
        SecretChange::Clear => store::sealed_secret::delete(tx, &at.secret_id()).await.map(drop),
        SecretChange::Set(secret) => secrets::put(app, tx, &at.secret_id(), secret).await,
    }
}

/// Makes the mapping anew, and with it the protocol if that is new.
async fn remap(
    app: &App,
    tx: &mut Conn,
    stored: &Whole,
    config: &SsoConfig,
    (kind, domain_id): (Option<ProviderType>, &str),
    roles: &[String],
) -> Result<()> {
    let (true, Some(kind), Some(protocol_id)) = (config.generated, kind, &config.protocol_id) else {
        // Where the Keystone face wrote the rules, or nobody has yet, these words would mean nothing.
        let (field, what) = if config.group_mappings != stored.config.group_mappings {
            ("groupMappings", "groups")
        } else if config.attributes != stored.config.attributes {
            ("attributeMappings", "attributes")
        } else {
            return Ok(());
        };
        return Err(Error::conflict(format!(
            "{field}: the mapping of this configuration is written on the Keystone face, which decides about its {what}."
        )));
    };
    let roles = if roles.is_empty() { group_mappings::ids(tx, &config.group_mappings).await? } else { roles.to_vec() };
    let group_ids = group_mappings::provide(tx, config, &stored.config.group_mappings, &roles, domain_id).await?;
    let mapping: Mapping = generated(app, config, kind, &group_ids, domain_id)?;
    if stored.config.generated {
        store::mapping::update(tx, &mapping).await?;
    } else {
        store::mapping::insert(tx, &mapping).await?;
    }
    if store::protocol::get(tx, &config.id, protocol_id).await?.is_some() {
        return Ok(());
    }
    let protocol = Protocol {
        idp_id: config.id.clone(),
        id: protocol_id.clone(),
        mapping_id: Some(mapping.id),
        remote_id_attribute: None,
    };
    store::protocol::insert(tx, &protocol).await
}
