//! Sign-ins as rows: a new one, and the one that a browser means.

use serde::{Deserialize, Serialize};

use super::unasked::Initiated;
use super::waiting::Waiting;
use super::{ATTEMPT, SetCookie, Visit, attempt_cookie};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::sign_in::{Request, SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::secret::{digest, same};
use crate::service::App;
use crate::store;

/// Most sign-ins that one browser has cookies of; those begun first go.
const MAX_ATTEMPTS: usize = 10;
/// Most of them that one answer takes away.
const MAX_GONE: usize = 20;
/// Length of a handle.
const HANDLE: usize = 43;

/// What lies sealed in the row of a sign-in.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    /// Its handle, for the pages that come after the identity provider.
    pub(super) handle: String,
    /// What waits for the person to decide.
    pub(super) waiting: Option<Waiting>,
    /// What it is for.
    #[serde(default)]
    pub(super) purpose: Purpose,
}

/// What a sign-in is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// To come in.
    #[default]
    SignIn,
    /// To be made sure of anew, by whoever wants to change the ways into their account.
    Recent,
    /// To get another way into the account.
    Connect(Connects),
    /// To come in because the identity provider has begun it.
    Initiated(Initiated),
}

/// Somebody who was signed in when they asked for another way into their account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Connects {
    /// Who.
    pub(super) user_id: String,
    /// The session that they asked for it in.
    pub(super) session_id: String,
}

impl Kept {
    /// Sealed for the row.
    pub(super) fn seal(&self, app: &App, id: &str) -> Result<String> {
        let text =
            serde_json::to_vec(self).map_err(|e| Error::internal(format!("a sign-in cannot be written: {e}")))?;
        app.sealer.seal(id, &text, &app.random)
    }

    /// Of a row.
    pub(super) fn open(app: &App, it: &SignIn) -> Result<Self> {
        let sealed = it.found.as_deref().ok_or_else(|| Error::internal("nothing is kept of a sign-in"))?;
        let text = app.sealer.open(&it.id, sealed)?;
        serde_json::from_slice(text.expose()).map_err(|_| Error::internal("what is kept of a sign-in cannot be read"))
    }
}

/// A new sign-in, its handle, and the cookie that binds it to the browser; behind it those that go.
pub(super) fn fresh(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    request: Option<Request>,
) -> Result<(SignIn, String, Vec<SetCookie>)> {
    fresh_for(app, visit, tenant, request, Purpose::SignIn)
}

/// The same for another purpose.
pub(super) fn fresh_for(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    request: Option<Request>,
    purpose: Purpose,
) -> Result<(SignIn, String, Vec<SetCookie>)> {
    let (handle, browser) = (app.random.token(), app.random.token());
    let (now, id) = (app.now(), digest(&handle));
    let life = seconds(app.config.tenant.sign_in_secs);
    let expires_at = now.plus_secs(life);
    let it = SignIn {
        found: Some(Kept { handle: handle.clone(), waiting: None, purpose }.seal(app, &id)?),
        id,
        tenant_id: tenant.id.clone(),
        stage: Stage::Open,
        browser: digest(&browser),
        request,
        upstream_state: None,
        idp_id: None,
        protocol_id: None,
        memo: None,
        user_id: None,
        session_id: None,
        device_id: None,
        created_at: now,
        expires_at,
        // One that nobody has gone on with is of no use to anybody for long.
        purge_at: expires_at.plus_secs(life),
        first_step: None,
    };
    let cookie = SetCookie {
        name: attempt_cookie(&it.id),
        value: browser,
        max_age_secs: app.config.tenant.sign_in_secs.saturating_add(app.config.tenant.keep_ended_secs),
        cross_site: false,
    };
    let evicted = visit.attempts.len().saturating_sub(MAX_ATTEMPTS - 1).min(MAX_GONE);
    let gone = visit.attempts.iter().take(evicted).map(|name| SetCookie {
        name: name.clone(),
        value: String::new(),
        max_age_secs: 0,
        cross_site: false,
    });
    Ok((it, handle, std::iter::once(cookie).chain(gone).collect()))
}

/// Configured seconds.
pub(super) fn seconds(configured: u64) -> i64 {
    i64::try_from(configured).unwrap_or(i64::MAX)
}

/// How long a sign-in is kept that has ended.
pub(super) fn kept_until(app: &App, it: &SignIn) -> Timestamp {
    it.expires_at.plus_secs(seconds(app.config.tenant.keep_ended_secs))
}

fn unknown() -> Error {
    Error::refused(Code::InvalidState, "There is no such sign-in. Start again.")
}

/// The sign-in of that handle, with the value of its cookie, if this browser began it.
pub(super) async fn by_handle(app: &App, visit: &Visit<'_>, tenant: &Tenant, handle: &str) -> Result<(SignIn, String)> {
    if handle.len() != HANDLE {
        return Err(unknown());
    }
    let it =
        store::sign_in::get(&mut app.store.read().await?, &tenant.id, &digest(handle)).await?.ok_or_else(unknown)?;
    let cookie = of_browser(visit, &it)?;
    Ok((it, cookie))
}

/// The value of the cookie by which a browser shows that it began a sign-in.
pub(super) fn of_browser(visit: &Visit<'_>, it: &SignIn) -> Result<String> {
    let cookie = (visit.cookie)(&attempt_cookie(&it.id)).filter(|value| value.len() == HANDLE);
    let cookie = cookie.filter(|value| same(&digest(value), &it.browser));
    cookie.ok_or_else(|| {
        Error::refused(Code::StateMismatch, "This sign-in was begun in another browser, or cookies are switched off.")
    })
}

/// For each cookie of a sign-in that a browser has: how the sign-in's id begins, and what its row says of the browser.
pub(super) fn browsers(visit: &Visit<'_>) -> Vec<(String, String)> {
    let begun = visit.attempts.iter().filter_map(|name| {
        let value = (visit.cookie)(name).filter(|value| value.len() == HANDLE)?;
        Some((name.strip_prefix(ATTEMPT)?.to_owned(), digest(&value)))
    });
    begun.take(MAX_ATTEMPTS).collect()
}

/// The same, unless it has ended or been left for too long: somebody may choose how to go on.
pub(super) async fn open(app: &App, visit: &Visit<'_>, tenant: &Tenant, handle: &str) -> Result<(SignIn, String)> {
    let (it, cookie) = by_handle(app, visit, tenant, handle).await?;
    check_time(app, &it)?;
    match it.stage {
        Stage::Open | Stage::Away | Stage::Confirm => Ok((it, cookie)),
        Stage::Judged | Stage::Consent | Stage::Done => Err(gone_on()),
    }
}

/// Refuses a sign-in that has ended or was left for too long.
pub(super) fn check_time(app: &App, it: &SignIn) -> Result<()> {
    if it.stage == Stage::Done {
        return Err(Error::refused(Code::StateReused, "This sign-in has ended. Start again."));
    }
    if app.now() >= it.expires_at {
        return Err(Error::refused(Code::Expired, "The sign-in took too long. Start again."));
    }
    Ok(())
}

/// A sign-in that another request has taken on.
pub(super) fn gone_on() -> Error {
    Error::refused(Code::StateReused, "This sign-in has gone on already. Start again.")
}
