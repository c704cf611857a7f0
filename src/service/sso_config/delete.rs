//! Deleting a configuration, and saying beforehand what that would do (sso-api §4.5).
//!
//! What hangs on it are the people who came by it. `Restrict` leaves everything as long as there are some; `Foreground` and
//! `Background` take them along, if nobody else vouches for them; `Orphan` leaves them where they are. While a deletion
//! waits, the configuration signs nobody in.

use serde_json::{Value, json};

use super::{Expected, KIND, find, not_found, seen, update::check_source};
use crate::error::{Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::federation::Deprovision;
use crate::model::identity_provider::IdentityProvider;
use crate::model::job::{Job, Kind, NewJob};
use crate::model::list::{Condition, Query};
use crate::model::sso_config::deletion::{Finalizer, Options, Preview, Propagation, Resource};
use crate::model::sso_config::{Source, Whole, group_mapping};
use crate::service::caller::Caller;
use crate::service::connection::place;
use crate::service::{App, audit, federate, jobs, revocation, session};
use crate::store::{self, Conn};

/// Most things of a kind that a preview names.
const MAX_NAMED: i64 = 100;

/// What a deletion would do. Nothing is changed.
pub async fn preview(app: &App, caller: &Caller, id: &str, options: Options) -> Result<Preview> {
    app.allow(caller, "sso:preview_delete_configuration", &seen(id)).await?;
    let mut conn = app.store.read().await?;
    let stored = find(&mut conn, id).await?;
    let users = bound(&mut conn, id).await?;
    let parts = parts(&mut conn, &stored).await?;
    let platforms = platforms(&mut conn, id).await?;
    let finalizers = match options.propagation {
        Propagation::Foreground | Propagation::Background if !options.force => platforms
            .iter()
            .map(|p| Finalizer::new(format!("unfederate:{}", p.id), "Takes the configuration away from the platform."))
            .collect(),
        _ => Vec::new(),
    };
    let hanging = [platforms, users].concat();
    Ok(match options.propagation {
        Propagation::Orphan => Preview { cascade: parts, orphans: hanging, ..Preview::default() },
        Propagation::Restrict if !options.force => Preview { blockers: hanging, cascade: parts, ..Preview::default() },
        _ => Preview { cascade: [parts, hanging].concat(), finalizers, ..Preview::default() },
    })
}

/// The platforms that it has been pushed to.
async fn platforms(conn: &mut Conn, id: &str) -> Result<Vec<Resource>> {
    let federations = store::federation::of_config(conn, id).await?;
    let ids: Vec<&str> = federations.iter().map(|f| f.platform_id.as_str()).collect();
    let platforms = store::platform::get_all(conn, &ids).await?;
    Ok(platforms.into_iter().map(|p| Resource { kind: "platform", id: p.id, name: p.name }).collect())
}

/// The people who came by it.
async fn bound(conn: &mut Conn, id: &str) -> Result<Vec<Resource>> {
    let users = store::sso_config::list_users(conn, id, MAX_NAMED).await?;
    Ok(users.into_iter().map(|(id, name)| Resource { kind: "user", id, name }).collect())
}

/// What is part of it and goes with it whatever the policy.
async fn parts(conn: &mut Conn, stored: &Whole) -> Result<Vec<Resource>> {
    let id = &stored.config.id;
    let resource = |kind, id: &str, name: &str| Resource { kind, id: id.to_owned(), name: name.to_owned() };
    let mut parts = vec![resource("identity_provider", id, stored.display_name())];
    for protocol in store::protocol::list_ids(conn, id).await? {
        parts.push(resource("protocol", &protocol, &protocol));
    }
    if stored.config.generated {
        parts.push(resource("mapping", id, id));
        for row in &stored.config.group_mappings {
            let group_id = group_mapping::group_id(id, &row.idp_group);
            if let Some(group) = store::group::get(conn, &group_id).await?
                && !parts.iter().any(|p| p.id == group.id)
            {
                parts.push(resource("group", &group.id, &group.name));
            }
        }
    }
    Ok(parts)
}

/// Deletes a configuration, at once or later.
pub async fn delete(
    app: &App,
    caller: &Caller,
    by: Source,
    id: &str,
    expected: &Expected,
    options: Options,
) -> Result<()> {
    let done = remove(app, caller, by, id, expected, options).await;
    audit::refused(app, caller, "sso_configuration.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, by: Source, id: &str, expected: &Expected, options: Options) -> Result<()> {
    app.allow(caller, "sso:delete_configuration", &seen(id)).await?;
    if options.force {
        app.allow(caller, "sso:force_delete_configuration", &seen(id)).await?;
    }
    if options.propagation == Propagation::Foreground && !options.force && options.grace_secs == 0 {
        // Platforms are asked, so nothing is held meanwhile.
        let mut conn = app.store.read().await?;
        let stored = find(&mut conn, id).await?;
        check_source(by, &stored)?;
        expected.check("configuration", stored.config.version)?;
        let federations = store::federation::of_config(&mut conn, id).await?;
        drop(conn);
        federate::take_all_back(app, caller, &federations, Deprovision::None).await?;
    }
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = find(&mut tx, id).await?;
    check_source(by, &stored)?;
    expected.check("configuration", stored.config.version)?;
    let idp = store::identity_provider::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    let domain_id = idp.domain_id.clone();
    let how = format!("policy={} force={}", options.propagation.as_str(), options.force);
    let later = !options.force && (options.propagation == Propagation::Background || options.grace_secs > 0);
    let action = if later {
        postpone(app, &mut tx, caller, &stored, idp, options).await?;
        "sso_configuration.delete_later"
    } else {
        take_away(app, &mut tx, &stored, &idp, options).await?;
        "sso_configuration.delete"
    };
    audit::changed(app, &mut tx, caller, action, (KIND, id), Some(&domain_id), &how).await?;
    app.commit(tx).await
}

/// Leaves it to a job, and signs nobody in meanwhile.
async fn postpone(
    app: &App,
    tx: &mut Conn,
    caller: &Caller,
    stored: &Whole,
    mut idp: IdentityProvider,
    options: Options,
) -> Result<()> {
    let mut config = stored.config.clone();
    config.resume_enabled = Some(stored.config.resume_enabled.unwrap_or(idp.enabled));
    config.version += 1;
    config.updated_at = app.now();
    store::sso_config::update(tx, &config, None).await?;
    if idp.enabled {
        idp.enabled = false;
        store::identity_provider::update(tx, &idp).await?;
        store::revocation::insert(tx, &revocation::of_identity_provider(app, &idp.id)).await?;
        session::end_of_provider(app, tx, &idp.id, None).await?;
    }
    let job = NewJob {
        kind: Kind::DeleteConfiguration,
        subject: config.id,
        payload: json!({"policy": options.propagation.as_str(), "user_id": caller.user_id()}),
        run_at: app.now().plus_secs(options.grace_secs),
    };
    jobs::enqueue(app, tx, &job).await.map(drop)
}

/// What a job does of it.
pub(in crate::service) async fn run(app: &App, job: &Job) -> Result<()> {
    let text = |name: &str| job.payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let propagation = Propagation::parse(text("policy")).unwrap_or(Propagation::Restrict);
    let options = Options { propagation, ..Options::default() };
    let id = &job.subject;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let Some(idp) = store::identity_provider::get(&mut tx, id).await? else { return Ok(()) };
    let stored = find(&mut tx, id).await?;
    if stored.config.resume_enabled.is_none() {
        // It was called off.
        return Ok(());
    }
    let takes_back = matches!(propagation, Propagation::Foreground | Propagation::Background);
    if takes_back && federate::take_back_of(app, &mut tx, id).await? > 0 {
        // Once the platforms have let go of it, the next attempt finds nothing in its way.
        app.commit(tx).await?;
        return Err(Error::conflict("Platforms still have to let go of it."));
    }
    let done = take_away(app, &mut tx, &stored, &idp, options).await;
    let outcome = if done.is_ok() { Outcome::Success } else { Outcome::Failure };
    if matches!(done, Err(Error::Conflict { .. })) {
        call_off(app, &mut tx, id).await?;
    } else if done.is_err() {
        return done;
    }
    let mut event = audit::event(app, None, "sso_configuration.delete", outcome);
    event.user_id = Some(text("user_id").to_owned()).filter(|u| !u.is_empty());
    event.target_kind = Some(KIND.to_owned());
    event.target_id = Some(id.clone());
    event.domain_id = Some(idp.domain_id.clone());
    event.reason = done.as_ref().err().map(|e| audit::cut(&e.to_string()));
    event.detail = audit::cut(&format!("policy={}", propagation.as_str()));
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await?;
    // Trying again would find it called off.
    done.map_err(|e| Error::invalid(e.to_string()))
}

/// Takes a deletion back that has not begun: everything is as before.
pub(in crate::service) async fn call_off(app: &App, tx: &mut Conn, id: &str) -> Result<()> {
    let Some(stored) = store::sso_config::get(tx, id).await? else { return Ok(()) };
    let Some(enabled) = stored.config.resume_enabled else { return Ok(()) };
    let mut config = stored.config.clone();
    config.resume_enabled = None;
    config.version += 1;
    config.updated_at = app.now();
    let due = super::first_test(app, enabled, stored.settings.as_ref());
    store::sso_config::update(tx, &config, due).await?;
    if let Some(mut idp) = store::identity_provider::get(tx, id).await? {
        idp.enabled = enabled;
        store::identity_provider::update(tx, &idp).await?;
    }
    Ok(())
}

/// Deletes it with all its parts, or says what stands in the way.
async fn take_away(app: &App, tx: &mut Conn, stored: &Whole, idp: &IdentityProvider, options: Options) -> Result<()> {
    let id = &stored.config.id;
    let keeps = options.force || options.propagation == Propagation::Orphan;
    if !keeps {
        let there = platforms(tx, id).await?;
        if !there.is_empty() {
            let names = there.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::conflict(format!(
                "The configuration is federated to {names}. Unfederate it first, or choose another propagationPolicy (Foreground, Background, Orphan)."
            )));
        }
    }
    if options.propagation == Propagation::Restrict && !options.force {
        let users = bound(tx, id).await?;
        if !users.is_empty() {
            let more = if users.len() as i64 == MAX_NAMED { " and more" } else { "" };
            return Err(Error::conflict(format!(
                "{}{more} came by this configuration. Choose another propagationPolicy (Foreground, Background, Orphan) or delete them first; previewDelete names them.",
                if users.len() == 1 { "1 user".to_owned() } else { format!("{} users", users.len()) }
            )));
        }
    }
    let orphan = options.propagation == Propagation::Orphan;
    if !orphan {
        store::shadow_user::delete_of_identity_provider(tx, id).await?;
    }
    place::forget(tx, id).await?;
    store::identity_provider::delete(tx, id).await?;
    store::revocation::insert(tx, &revocation::of_identity_provider(app, id)).await?;
    session::end_of_provider(app, tx, id, None).await?;
    if stored.config.generated {
        drop_generated(tx, id, &idp.domain_id, orphan).await?;
    }
    if !idp.auto_domain {
        return Ok(());
    }
    if stored.config.source != Source::Federation && store::domain::is_empty(tx, &idp.domain_id).await? {
        return store::domain::delete(tx, &idp.domain_id).await;
    }
    if let Some(mut domain) = store::domain::get(tx, &idp.domain_id).await? {
        domain.enabled = false;
        store::domain::update(tx, &domain).await?;
    }
    Ok(())
}

/// Deletes what was made of the words of a configuration that is gone: its mapping and, unless people stay, the groups that
/// stand for some at the identity provider.
pub(in crate::service) async fn drop_generated(tx: &mut Conn, id: &str, domain_id: &str, orphan: bool) -> Result<()> {
    if store::mapping::list_protocols(tx, id).await?.is_empty() {
        store::mapping::delete(tx, id).await?;
    }
    if orphan {
        return Ok(());
    }
    let mut query = Query { conditions: vec![Condition::equals("g.domain_id", domain_id)], limit: 500, marker: None };
    loop {
        let page = store::group::list(tx, &query).await?;
        let Some(last) = page.last().map(|g| g.id.clone()) else { return Ok(()) };
        for group in page {
            let told = group.description.as_deref().and_then(|d| d.strip_suffix(" at the identity provider"));
            let ours = told.is_some_and(|name| group_mapping::group_id(id, name) == group.id);
            if ours {
                store::group::delete(tx, &group.id).await?;
            }
        }
        query.marker = Some(last);
    }
}
