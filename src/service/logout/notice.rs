//! Telling applications that a session has ended (OpenID Connect Back-Channel Logout 1.0; tenant-login §10.4).
//!
//! A notice is a background job for each session and application. The token is made anew at each attempt, so that it is fresh
//! whenever it arrives, and no key is used inside a transaction.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::egress;
use crate::error::{Error, Result};
use crate::model::application::Application;
use crate::model::audit_event::Outcome;
use crate::model::job::{Job, Kind, NewJob};
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::service::oauth::keys;
use crate::service::{App, audit, jobs};
use crate::store::{self, Conn};

/// What a logout token says that happened (§2.4 there).
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a logout token may be on its way, in seconds.
const LIFE_SECS: i64 = 120;
/// How long an application has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The subject of the job that tells an application of the end of a session.
pub fn subject(session_id: &str, client_id: &str) -> String {
    format!("{session_id}/{client_id}")
}

/// Queues the notice to one application, if it wants to be told, in the transaction that ends the session. The job knows all
/// that it needs: the session may be gone when it runs.
pub async fn queue(app: &App, tx: &mut Conn, session: &Session, client_id: &str) -> Result<()> {
    let Some(application) = store::application::get(tx, &session.tenant_id, client_id).await? else { return Ok(()) };
    if application.settings.backchannel_logout_uri.is_none() {
        return Ok(());
    }
    let payload = json!({
        "tenant_id": session.tenant_id,
        "client_id": client_id,
        "session_id": session.id,
        "user_id": session.user_id,
    });
    let subject = subject(&session.id, client_id);
    let new = NewJob { kind: Kind::NotifyLogout, subject, payload, run_at: app.now() };
    jobs::enqueue(app, tx, &new).await.map(drop)
}

/// What a job does of it. An application that is gone, or does not want to be told any more, is not told.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let said = |name: &str| job.payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut conn = app.store.read().await?;
    let Some(tenant) = store::tenant::get(&mut conn, said("tenant_id")).await? else { return Ok(()) };
    let found = store::application::get(&mut conn, &tenant.id, said("client_id")).await?;
    drop(conn);
    let Some(application) = found else { return Ok(()) };
    let Some(url) = application.settings.backchannel_logout_uri.clone() else { return Ok(()) };
    let token = token(app, &tenant, &application, said("user_id"), said("session_id")).await?;
    send(app, &url, &token).await?;
    let mut event = audit::event(app, None, "logout.backchannel.sent", Outcome::Success);
    event.user_id = Some(said("user_id").to_owned());
    event.domain_id = Some(tenant.id.clone());
    event.target_kind = Some("application".to_owned());
    event.target_id = Some(application.id.clone());
    event.detail = audit::cut(&format!("session={}", said("session_id")));
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await
}

/// A fresh logout token (§2.4 there).
async fn token(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    user_id: &str,
    session_id: &str,
) -> Result<String> {
    let now = app.now().secs();
    let claims = json!({
        "iss": tenant.issuer(&app.public_url),
        "aud": application.id,
        "iat": now,
        "exp": now + LIFE_SECS,
        "jti": app.random.token(),
        "events": { EVENT: {} },
        "sub": user_id,
        "sid": session_id,
    });
    let algorithm = application.settings.id_token_alg.unwrap_or(tenant.settings.id_token_alg);
    keys::sign(app, tenant, algorithm, "logout+jwt", &claims).await
}

async fn send(app: &App, url: &str, token: &str) -> Result<()> {
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    let headers: HeaderMap = [(header::CONTENT_TYPE, form)].into_iter().collect();
    let sent = app.egress.post(egress::Kind::Logout, url, headers, body);
    let answer = tokio::time::timeout(PATIENCE, sent)
        .await
        .map_err(|_| Error::upstream_timeout("The application did not answer in time."))?
        .map_err(|_| Error::bad_upstream("The application could not be reached."))?;
    // §2.8 there: 200, and 204 where a framework makes that of an empty answer.
    match answer.status.as_u16() {
        200 | 204 => Ok(()),
        status => Err(Error::bad_upstream(format!("The application answered {status}."))),
    }
}
