//! Devices without a browser (RFC 8628): the device shows a code, a person types it at the tenant's page and decides, and the
//! device, which has been asking meanwhile, gets its tokens. A device code is its application's alone (OP-DEV-1).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::super::App;
use super::super::tenant::{self, Client};
use super::granted::Granted;
use super::mint::Tokens;
use super::parameters::Parameters;
use super::token::{Asking, invalid_grant};
use super::{claims, scopes, standing};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::application::GrantType;
use crate::model::authorization::{Authorization, Facts};
use crate::model::device_code::{DeviceCode, State, new_user_code, read_user_code};
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::model::token::new_audit_id;
use crate::secret::digest;
use crate::store::{self, Conn};

/// Seconds in which somebody has to decide.
const LASTS_SECS: i64 = 600;
/// Seconds between two questions of a device, and what is added each time that it asks too soon (RFC 8628 §3.5).
const INTERVAL_SECS: i64 = 5;
/// Wrong user codes that are taken in a minute at one tenant, so that guessing one of eight letters is hopeless.
const MAX_WRONG: u32 = 600;
/// Tenants whose wrong codes are counted at most.
const MAX_COUNTED: usize = 10_000;

/// Counts wrong user codes: by tenant, the minute and how many there were in it.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<String, (i64, u32)>>);

impl Guesses {
    /// Whether another try is let through.
    fn are_few(&self, tenant_id: &str, now: Timestamp) -> bool {
        let minute = now.secs() / 60;
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.get(tenant_id).is_none_or(|(at, count)| *at != minute || *count < MAX_WRONG)
    }

    fn count(&self, tenant_id: &str, now: Timestamp) {
        let minute = now.secs() / 60;
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MAX_COUNTED {
            counted.retain(|_, (at, _)| *at == minute);
        }
        let entry = counted.entry(tenant_id.to_owned()).or_default();
        *entry = (minute, if entry.0 == minute { entry.1.saturating_add(1) } else { 1 });
    }
}

/// What a device is told (RFC 8628 §3.2).
#[derive(Debug)]
pub struct Begun {
    /// Its own code.
    pub device_code: String,
    /// What it shows.
    pub user_code: String,
    /// Where that is typed.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: String,
    /// Seconds that are left.
    pub expires_in: i64,
    /// Seconds between two questions.
    pub interval: i64,
}

/// A device that waits, as a person is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub device_id: String,
    /// The application.
    pub client_id: String,
    /// What people call it.
    pub client_name: String,
    /// What it asks for.
    pub scopes: Vec<String>,
}

/// Begins to wait.
///
/// # Errors
/// `unauthorized_client`, `invalid_scope`, `invalid_target`.
pub async fn begin(app: &App, tenant: &Tenant, client: &Client, form: &Parameters) -> Result<Begun> {
    let application = &client.application;
    if !application.settings.grant_types.contains(&GrantType::DeviceCode) {
        return Err(Error::refused(Code::UnauthorizedClient, "the application may not use device codes"));
    }
    let scopes = scopes::requested(application, form.one("scope")?)?;
    let audience = scopes::audience(app, application, form.one("resource")?)?;
    let now = app.now();
    let (device_code, user_code) = (app.random.token(), new_user_code(&app.random));
    let row = DeviceCode {
        id: digest(&device_code),
        tenant_id: tenant.id.clone(),
        client_id: application.id.clone(),
        user_code: stored(tenant, &read_user_code(&user_code).unwrap_or_default()),
        scopes,
        audience,
        state: State::Pending,
        authorization_id: None,
        interval_secs: INTERVAL_SECS,
        polled_at: None,
        created_at: now,
        expires_at: now.plus_secs(LASTS_SECS),
    };
    let mut tx = app.store.write().await?;
    store::device_code::insert(&mut tx, &row).await?;
    app.commit(tx).await?;
    let verification_uri = format!("{}/device", tenant.pages(&app.public_url));
    Ok(Begun {
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        device_code,
        user_code,
        verification_uri,
        expires_in: LASTS_SECS,
        interval: INTERVAL_SECS,
    })
}

/// The form in which a user code is stored.
fn stored(tenant: &Tenant, user_code: &str) -> String {
    digest(&format!("user code {} {user_code}", tenant.id))
}

fn no_device() -> Error {
    Error::not_found("There is no device with that code, or it has waited too long.")
}

/// The device that waits for this code, as a person types it.
///
/// # Errors
/// `NotFound`; `TooMany` after too many wrong ones.
pub async fn look(app: &App, tenant: &Tenant, user_code: &str) -> Result<Waiting> {
    let now = app.now();
    if !app.oauth.guesses.are_few(&tenant.id, now) {
        return Err(Error::too_many("Too many wrong codes; wait a minute."));
    }
    let found = match read_user_code(user_code) {
        Some(code) => {
            let mut conn = app.store.read().await?;
            store::device_code::get_by_user_code(&mut conn, &tenant.id, &stored(tenant, &code)).await?
        }
        None => None,
    };
    match waiting(app, tenant, found).await {
        Err(Error::NotFound { .. }) => {
            app.oauth.guesses.count(&tenant.id, now);
            Err(no_device())
        }
        other => other,
    }
}

/// The device of that id, while it waits.
///
/// # Errors
/// `NotFound`.
pub async fn by_id(app: &App, tenant: &Tenant, device_id: &str) -> Result<Waiting> {
    let found = store::device_code::get(&mut app.store.read().await?, &tenant.id, device_id).await?;
    waiting(app, tenant, found).await
}

async fn waiting(app: &App, tenant: &Tenant, found: Option<DeviceCode>) -> Result<Waiting> {
    let device = found.filter(|d| d.state == State::Pending && app.now() < d.expires_at).ok_or_else(no_device)?;
    let client = tenant::client(app, &tenant.id, &device.client_id).await?;
    let client = client.filter(|c| c.application.enabled).ok_or_else(no_device)?;
    Ok(Waiting {
        device_id: device.id,
        client_id: device.client_id,
        client_name: client.application.name.clone(),
        scopes: device.scopes,
    })
}

/// Lets a device in, for the user of a session, or refuses it; in the caller's transaction.
///
/// # Errors
/// `NotFound` if it does not wait any more.
pub async fn decide(
    app: &App,
    tx: &mut Conn,
    tenant: &Tenant,
    device_id: &str,
    session: &Session,
    allow: bool,
) -> Result<()> {
    let found = store::device_code::get(tx, &tenant.id, device_id).await?;
    let device = found.filter(|d| app.now() < d.expires_at).ok_or_else(no_device)?;
    if session.tenant_id != tenant.id {
        return Err(no_device());
    }
    let moved = if allow {
        let authorization = authorization(app, &device, session);
        store::authorization::insert(tx, &authorization, None).await?;
        let step = (State::Pending, State::Allowed);
        store::device_code::advance(tx, &device.id, step, Some(&authorization.id)).await?
    } else {
        store::device_code::advance(tx, &device.id, (State::Pending, State::Denied), None).await?
    };
    if moved { Ok(()) } else { Err(no_device()) }
}

/// What the user of a session gives a device.
fn authorization(app: &App, device: &DeviceCode, session: &Session) -> Authorization {
    let facts =
        Facts { scopes: device.scopes.clone(), audience: device.audience.clone(), ..Facts::of_session(session) };
    Authorization {
        id: new_audit_id(&app.random),
        tenant_id: device.tenant_id.clone(),
        client_id: device.client_id.clone(),
        user_id: Some(session.user_id.clone()),
        session_id: Some(session.id.clone()),
        offline: claims::has(&device.scopes, "offline_access"),
        facts,
        created_at: app.now(),
        expires_at: device.expires_at,
        revoked_at: None,
    }
}

/// A device asks whether it may come in.
pub(super) async fn redeem(asking: &Asking<'_>, client: &Client, form: &Parameters) -> Result<Tokens> {
    let Asking { app, tenant, .. } = *asking;
    let application = &client.application;
    let id = digest(form.required("device_code")?);
    let now = app.now();
    let mut conn = app.store.read().await?;
    let found = store::device_code::get(&mut conn, &tenant.id, &id).await?;
    let device = found.ok_or_else(|| invalid_grant("there is no such device code"))?;
    if device.client_id != application.id {
        return Err(invalid_grant("the device code is another application's"));
    }
    if device.expires_at <= now {
        return Err(Error::refused(Code::ExpiredToken, "The device code has ended."));
    }
    let authorization_id = match (device.state, device.authorization_id) {
        (State::Allowed, Some(id)) => id,
        (State::Pending, _) => {
            drop(conn);
            return pending(app, &id, device.interval_secs, device.polled_at).await;
        }
        (State::Denied, _) => return Err(Error::refused(Code::AccessDenied, "The person has refused.")),
        (State::Allowed | State::Used, _) => return Err(invalid_grant("the device code was used before")),
    };
    let Some((authorization, session_ends)) =
        store::authorization::get_in_session(&mut conn, &authorization_id).await?
    else {
        return Err(invalid_grant("the device code's authorization is gone"));
    };
    let held = match standing::of(app, &mut conn, tenant, &authorization, session_ends, true).await? {
        Ok(held) => held,
        Err(why) => return Err(invalid_grant(why)),
    };
    let scopes = authorization.facts.scopes.clone();
    let of = (&authorization, application);
    let granted = Granted::make(asking, conn, of, &held, scopes, None).await?;
    let mut tx = app.store.write().await?;
    if !store::device_code::advance(&mut tx, &id, (State::Allowed, State::Used), None).await? {
        return Err(invalid_grant("the device code was used before"));
    }
    granted.commit(tx).await
}

/// Nobody has decided: the device is to ask again, later if it asked too soon.
async fn pending(app: &App, id: &str, interval_secs: i64, polled_at: Option<Timestamp>) -> Result<Tokens> {
    let now = app.now();
    let too_soon = polled_at.is_some_and(|at| now < at.plus_secs(interval_secs));
    let interval = if too_soon { interval_secs.saturating_add(INTERVAL_SECS).min(LASTS_SECS) } else { interval_secs };
    let mut tx = app.store.write().await?;
    store::device_code::polled(&mut tx, id, interval, now).await?;
    app.commit(tx).await?;
    Err(if too_soon {
        Error::refused(Code::SlowDown, format!("Wait {interval} seconds before asking again."))
    } else {
        Error::refused(Code::AuthorizationPending, "Nobody has decided yet.")
    })
}
