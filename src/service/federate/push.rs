//! Seeing to what somebody wishes of a configuration on a platform: what a job does of it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::progress::GIVEN_UP;
use super::{KIND, plan, take_back};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::federation::{Federation, Health, Status, Wanted};
use crate::model::job::Job;
use crate::model::platform::Product;
use crate::model::provisioning::Mode;
use crate::platform::{Adapter, Attempt, Problem, Pushed, Trouble};
use crate::service::platform::{self, Ready};
use crate::service::{App, audit, provisioning, sso_config};
use crate::store::{self, Conn};

/// Time for one platform.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// What a job does of it. Whether it is tried again follows from the error.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let found = store::federation::get(&mut app.store.read().await?, &job.subject).await?;
    let Some(federation) = found else { return Ok(()) };
    let unlimited = job.payload.get("unlimited").and_then(Value::as_bool).unwrap_or(false);
    match federation.wanted {
        Wanted::Present => push(app, federation, unlimited).await,
        Wanted::Absent => take_back::take_back(app, federation).await,
    }
}

/// Says of a wish that nobody will see to any more that it failed.
pub(in crate::service) async fn give_up(app: &App, tx: &mut Conn, id: &str) -> Result<()> {
    let Some(mut held) = store::federation::hold(tx, id).await? else { return Ok(()) };
    if held.served < held.asked {
        held.served = held.asked;
        held.error = Some(GIVEN_UP.to_owned());
        if held.wanted == Wanted::Present {
            held.status = Status::Failed;
        }
        held.updated_at = app.now();
        store::federation::update(tx, &held).await?;
    }
    Ok(())
}

/// How an attempt ended.
pub(super) type Ended = std::result::Result<Pushed, Problem>;

async fn push(app: &App, federation: Federation, unlimited: bool) -> Result<()> {
    let mut conn = app.store.read().await?;
    let Some(record) = store::platform::get(&mut conn, &federation.platform_id).await? else { return Ok(()) };
    let config = match sso_config::find(&mut conn, &federation.config_id).await {
        Err(Error::NotFound { .. }) => return Ok(()),
        other => other?,
    };
    let ready = Ready::of(app, &mut conn, record).await?;
    drop(conn);
    if config.config.resume_enabled.is_some() || !config.enabled {
        let problem = Problem::new(Trouble::Refused, "the configuration is disabled");
        return record_end(app, &federation, &ready, None, Err(problem), unlimited).await;
    }
    let plan = match plan::of(app, &config, &federation.platform_id).await? {
        Ok(plan) => plan,
        Err(why) => {
            return record_end(app, &federation, &ready, None, Err(Problem::new(Trouble::Failed, why)), unlimited)
                .await;
        }
    };
    let Some(product) = ready.record.product() else {
        let why = format!("product type {} does not support SSO federation", ready.record.product_type);
        return record_end(app, &federation, &ready, None, Err(Problem::new(Trouble::Unsupported, why)), unlimited)
            .await;
    };
    let attempt = begin(app, &federation).await?;
    let ended = match timeout(LIMIT, Adapter::of(product).push(&ready.site(app), &plan, &attempt)).await {
        Ok(ended) => ended,
        Err(_) => Err(Problem::new(Trouble::Unreachable, "the platform did not answer in time")),
    };
    let made = Some((plan.digest(), config.config.version));
    record_end(app, &federation, &ready, made, ended, unlimited).await
}

/// Writes down that something is about to be tried, with the number by which the platform can be asked about it.
pub(super) async fn begin(app: &App, federation: &Federation) -> Result<Attempt> {
    let mut tx = app.store.write().await?;
    let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else {
        return Err(Error::invalid("The federation is gone."));
    };
    let attempt = Attempt { id: version_4(app.random.bytes()), earlier: held.attempt.take() };
    held.attempt = Some(attempt.id.clone());
    store::federation::update(&mut tx, &held).await?;
    app.commit(tx).await?;
    Ok(attempt)
}

/// A random UUID (RFC 9562 §5.4) in 32 hexadecimal digits.
fn version_4(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    crate::clock::hex(&bytes)
}

/// Writes down how a push ended, and has users and groups follow.
async fn record_end(
    app: &App,
    federation: &Federation,
    ready: &Ready,
    made: Option<(String, i64)>,
    ended: Ended,
    unlimited: bool,
) -> Result<()> {
    let now = app.now();
    let mut tx = app.store.write().await?;
    let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else { return Ok(()) };
    held.served = held.served.max(federation.asked);
    held.updated_at = now;
    let mut next_run = None;
    match &ended {
        Ok(pushed) => {
            let only_scim = ready.record.product() == Some(Product::Scim);
            held.client_id = Some(pushed.client_id.clone()).filter(|_| !only_scim);
            held.callback_url.clone_from(&pushed.callback_url);
            held.warnings.clone_from(&pushed.warnings);
            (held.digest, held.pushed_version) =
                made.map_or((None, None), |(digest, version)| (Some(digest), Some(version)));
            (held.error, held.attempt) = (None, None);
            (held.pushed_at, held.checked_at, held.health) = (Some(now), Some(now), Health::Healthy);
            if ready.record.options.scim_endpoint.is_some() {
                next_run = Some(unlimited);
            } else {
                (held.run_id, held.user_error, held.group_error) = (None, None, None);
            }
        }
        Err(problem) => {
            held.error = Some(problem.message.clone());
            if !problem.may_pass() {
                held.attempt = None;
            }
        }
    }
    // Whoever wished for something else meanwhile is served by the next job.
    if held.asked == federation.asked {
        held.status = if ended.is_ok() { held.settled() } else { Status::Failed };
    }
    if let Some(unlimited) = next_run {
        provisioning::begin(app, &mut tx, &mut held, Mode::Full, unlimited).await?;
    }
    store::federation::update(&mut tx, &held).await?;
    let check = held.digest.as_ref().map(|_| super::check::next(app));
    store::federation::check_at(&mut tx, &held.id, check).await?;
    reached(app, &mut tx, ready, ended.as_ref().err()).await?;
    tell(app, &mut tx, &held, "sso_configuration.pushed", ended.as_ref().err()).await?;
    app.commit(tx).await?;
    match ended {
        Err(problem) if problem.may_pass() => Err(Error::bad_upstream(problem.message)),
        // Trying again would change nothing; the record says why.
        _ => Ok(()),
    }
}

/// What a push has shown of a platform's connection.
pub(super) async fn reached(app: &App, tx: &mut Conn, ready: &Ready, problem: Option<&Problem>) -> Result<()> {
    match problem.map(|p| p.kind) {
        None | Some(Trouble::Unreachable | Trouble::Credential) => {
            platform::note(app, tx, &ready.record, problem).await
        }
        _ => Ok(()),
    }
}

/// The audit trail's record of what came of a wish.
pub(super) async fn tell(
    app: &App,
    tx: &mut Conn,
    it: &Federation,
    action: &str,
    problem: Option<&Problem>,
) -> Result<()> {
    let outcome = if problem.is_none() { Outcome::Success } else { Outcome::Failure };
    let mut event = audit::event(app, None, action, outcome);
    event.target_kind = Some(KIND.to_owned());
    event.target_id = Some(it.config_id.clone());
    event.reason = problem.map(|p| audit::cut(&p.message));
    event.detail = audit::cut(&format!("platform={}", it.platform_id));
    audit::write(tx, &event).await
}

/// A moment some seconds from now.
pub(super) fn in_secs(app: &App, secs: u64) -> Timestamp {
    app.now().plus_secs(i64::try_from(secs).unwrap_or(i64::MAX / 4))
}
