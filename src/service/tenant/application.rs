//! Applications of tenants, and their secrets.
//!
//! A secret is random and shown once; what is kept is its digest. There may be two, so that one can take the other's place
//! while nobody is kept out.

use serde_json::Value;

use super::Client;
use super::reach::{admitted, admitted_by_body, covers, seen};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::application::{self, Application, Create};
use crate::model::expected::{Expected, changed};
use crate::model::list::{Portion, Window};
use crate::secret::{self, Secret};
use crate::service::caller::Caller;
use crate::service::{App, audit, oauth};
use crate::store::application::StoredSecret;
use crate::store::authorization::Of;
use crate::store::{self, Conn};

const KIND: &str = "application";
/// Most secrets of one application that live at a time.
const MAX_SECRETS: usize = 2;
/// Most applications of one tenant.
const MAX_APPLICATIONS: i64 = 1_000;

/// An application that has been made, with its secret, which nobody sees again.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The application with what is kept of its secrets.
    pub client: Client,
    /// Its secret, if it is to have one.
    pub secret: Option<Secret>,
}

/// A secret that has been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSecret {
    /// Its id.
    pub id: String,
    /// The secret itself.
    pub secret: Secret,
    /// When it was made.
    pub created_at: Timestamp,
}

fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no application {id:.64}."))
}

/// The application, if policy lets the caller do `rule` to it and they may know of it.
async fn reached(app: &App, caller: &Caller, rule: &str, id: &str, body: Option<&Value>) -> Result<Application> {
    let found = store::application::find(&mut app.store.read().await?, id).await?;
    let target = seen(caller, found.as_ref().map(|a| a.tenant_id.as_str())).and_path("application_id", id);
    app.allow(caller, rule, &body.map_or(target.clone(), |b| target.and_body(b))).await?;
    found.filter(|a| covers(caller, &a.tenant_id)).ok_or_else(|| not_found(id))
}

/// The application as it is now; its tenant is held, so that nothing of it changes meanwhile.
async fn held(tx: &mut Conn, admitted: &Application) -> Result<Application> {
    store::domain::lock(tx, &admitted.tenant_id).await?;
    store::application::get(tx, &admitted.tenant_id, &admitted.id).await?.ok_or_else(|| not_found(&admitted.id))
}

async fn with_secrets(conn: &mut Conn, application: Application, now: Timestamp) -> Result<Client> {
    let mut secrets = store::application::secrets(conn, &application.id).await?;
    secrets.retain(|s| is_good(s, now));
    Ok(Client { application, secrets })
}

fn is_good(secret: &StoredSecret, now: Timestamp) -> bool {
    secret.expires_at.is_none_or(|end| end > now)
}

/// 403 unless the caller may have an application ask for tokens that open this service itself (ruling 10).
async fn check_audience(app: &App, caller: &Caller, tenant_id: &str, body: &Value) -> Result<()> {
    if body.get("service_audience") == Some(&Value::Bool(true)) {
        app.allow(caller, "tenant:grant_service_audience", &seen(caller, Some(tenant_id)).and_body(body)).await?;
    }
    Ok(())
}

/// This service itself is an audience by `service_audience` only, never by a name that is written down.
fn check_audiences(app: &App, application: &Application) -> Result<()> {
    let url = app.public_url.to_ascii_lowercase();
    let own = |audience: &String| {
        let audience = audience.to_ascii_lowercase();
        audience.strip_prefix(&url).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    };
    match application.settings.audiences.iter().position(own) {
        None => Ok(()),
        Some(at) => Err(Error::invalid_field(format!("audiences.{at}"), "this service is no audience for others")),
    }
}

/// What only this service can tell of an application's settings: it is no audience, and where it may send requests to.
fn check_settings(app: &App, application: &Application) -> Result<()> {
    check_audiences(app, application)?;
    let settings = &application.settings;
    for (name, url) in [("jwks_uri", &settings.jwks_uri), ("backchannel_logout_uri", &settings.backchannel_logout_uri)]
    {
        if let Some(url) = url {
            app.egress.check_url(url).map_err(|e| Error::invalid_field(name, e.to_string()))?;
        }
    }
    Ok(())
}

/// Part of a tenant's applications, in order of their making.
pub async fn list(app: &App, caller: &Caller, tenant_id: &str, window: Window) -> Result<Portion<Client>> {
    admitted(app, caller, "tenant:list_applications", tenant_id, None).await?;
    let mut conn = app.store.read().await?;
    let total = store::application::count(&mut conn, tenant_id).await?;
    let applications = store::application::list(&mut conn, tenant_id, window).await?;
    let ids: Vec<&str> = applications.iter().map(|a| a.id.as_str()).collect();
    let mut secrets = store::application::secrets_of(&mut conn, &ids).await?;
    let now = app.now();
    let client = |application: Application| {
        let mut secrets = secrets.remove(&application.id).unwrap_or_default();
        secrets.retain(|s| is_good(s, now));
        Client { application, secrets }
    };
    Ok(Portion { items: applications.into_iter().map(client).collect(), total })
}

/// One application.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Client> {
    let found = reached(app, caller, "tenant:get_application", id, None).await?;
    with_secrets(&mut app.store.read().await?, found, app.now()).await
}

/// Makes an application, with a secret if it is to have one.
pub async fn create(app: &App, caller: &Caller, body: &Value) -> Result<Made> {
    let done = make(app, caller, body).await;
    audit::refused(app, caller, "application.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, body: &Value) -> Result<Made> {
    let tenant = admitted_by_body(app, caller, "tenant:create_application", body).await?;
    check_audience(app, caller, &tenant.id, body).await?;
    let create = Create::parse(body)?;
    let now = app.now();
    let application = Application {
        id: format!("app_{}", app.random.hex_id()),
        tenant_id: tenant.id,
        name: create.name,
        kind: create.kind,
        enabled: create.enabled,
        settings: create.settings,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check_settings(app, &application)?;
    let mut tx = app.store.write().await?;
    store::domain::lock(&mut tx, &application.tenant_id).await?;
    if store::tenant::get(&mut tx, &application.tenant_id).await?.is_none() {
        return Err(super::reach::not_found(&application.tenant_id));
    }
    if store::application::count(&mut tx, &application.tenant_id).await? >= MAX_APPLICATIONS {
        return Err(Error::conflict(format!("The tenant has {MAX_APPLICATIONS} applications already.")));
    }
    store::application::insert(&mut tx, &application).await?;
    let secret = match application.has_secrets() {
        true => Some(add_secret(app, &mut tx, &application).await?.secret),
        false => None,
    };
    let place = (KIND, application.id.as_str());
    audit::changed(
        app,
        &mut tx,
        caller,
        "application.create",
        place,
        Some(&application.tenant_id),
        &super::named(body),
    )
    .await?;
    let client = with_secrets(&mut tx, application, now).await?;
    app.commit(tx).await?;
    Ok(Made { client, secret })
}

async fn add_secret(app: &App, tx: &mut Conn, application: &Application) -> Result<MadeSecret> {
    let text = app.random.token();
    let digest = secret::digest(&text);
    let made = MadeSecret { id: app.random.hex_id(), secret: Secret::new(text), created_at: app.now() };
    let stored = StoredSecret { id: made.id.clone(), digest, created_at: made.created_at, expires_at: None };
    store::application::insert_secret(tx, application, &stored).await?;
    Ok(made)
}

/// Changes an application. Disabling it, and taking this service itself from its audiences, voids what it was given.
pub async fn update(app: &App, caller: &Caller, id: &str, expected: &Expected, body: &Value) -> Result<Client> {
    let done = change(app, caller, id, expected, body).await;
    audit::refused(app, caller, "application.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, expected: &Expected, body: &Value) -> Result<Client> {
    let found = reached(app, caller, "tenant:update_application", id, Some(body)).await?;
    check_audience(app, caller, &found.tenant_id, body).await?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, &found).await?;
    expected.check(KIND, stored.version)?;
    let mut next = stored.updated(body)?;
    check_settings(app, &next)?;
    next.version += 1;
    next.updated_at = app.now();
    if !store::application::update(&mut tx, &next).await? {
        return Err(changed(KIND));
    }
    if is_tightened(&stored, &next) {
        oauth::revoke_all(app, &mut tx, Of::Client(id), "application_changed").await?;
    }
    audit::changed(app, &mut tx, caller, "application.update", (KIND, id), Some(&next.tenant_id), &super::named(body))
        .await?;
    let done = with_secrets(&mut tx, next, app.now()).await?;
    app.commit(tx).await?;
    Ok(done)
}

/// Whether tokens may be about that it would not be given any more.
fn is_tightened(stored: &Application, next: &Application) -> bool {
    (stored.enabled && !next.enabled) || (stored.settings.service_audience && !next.settings.service_audience)
}

/// Deletes an application; what it was given is void.
pub async fn delete(app: &App, caller: &Caller, id: &str, expected: &Expected) -> Result<()> {
    let done = remove(app, caller, id, expected).await;
    audit::refused(app, caller, "application.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str, expected: &Expected) -> Result<()> {
    let found = reached(app, caller, "tenant:delete_application", id, None).await?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, &found).await?;
    expected.check(KIND, stored.version)?;
    oauth::revoke_all(app, &mut tx, Of::Client(id), "application_deleted").await?;
    store::application::delete(&mut tx, &stored.tenant_id, id).await?;
    audit::changed(app, &mut tx, caller, "application.delete", (KIND, id), Some(&stored.tenant_id), &stored.name)
        .await?;
    app.commit(tx).await
}

/// Makes another secret. The one before goes on as long as the body says, or until it is deleted.
pub async fn create_secret(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<MadeSecret> {
    let done = make_secret(app, caller, id, body).await;
    audit::refused(app, caller, "application.secret.create", (KIND, id), done).await
}

async fn make_secret(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<MadeSecret> {
    let found = reached(app, caller, "tenant:create_application_secret", id, Some(body)).await?;
    let overlap = application::expires_previous_in_secs(body)?;
    let now = app.now();
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, &found).await?;
    if !stored.has_secrets() {
        return Err(Error::conflict("An application of this kind has no secrets."));
    }
    if let Some(secs) = overlap {
        store::application::expire_secrets(&mut tx, &stored, now.plus_secs(secs)).await?;
    }
    store::application::drop_ended_secrets(&mut tx, &stored, now).await?;
    if store::application::secrets(&mut tx, id).await?.len() >= MAX_SECRETS {
        return Err(Error::conflict(format!(
            "The application has {MAX_SECRETS} secrets already; delete one first, or have them end now."
        )));
    }
    let made = add_secret(app, &mut tx, &stored).await?;
    audit::changed(app, &mut tx, caller, "application.secret.create", (KIND, id), Some(&stored.tenant_id), &made.id)
        .await?;
    app.commit(tx).await?;
    Ok(made)
}

/// Deletes a secret. What was issued by it stays.
pub async fn delete_secret(app: &App, caller: &Caller, id: &str, secret_id: &str) -> Result<()> {
    let done = remove_secret(app, caller, id, secret_id).await;
    audit::refused(app, caller, "application.secret.delete", (KIND, id), done).await
}

async fn remove_secret(app: &App, caller: &Caller, id: &str, secret_id: &str) -> Result<()> {
    let found = reached(app, caller, "tenant:delete_application_secret", id, None).await?;
    let mut tx = app.store.write().await?;
    let stored = held(&mut tx, &found).await?;
    if !store::application::delete_secret(&mut tx, &stored, secret_id).await? {
        return Err(Error::not_found(format!("There is no secret {secret_id:.64} of this application.")));
    }
    audit::changed(app, &mut tx, caller, "application.secret.delete", (KIND, id), Some(&stored.tenant_id), secret_id)
        .await?;
    app.commit(tx).await
}
