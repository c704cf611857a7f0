//! Testing what is behind a configuration, stored or not (sso-api §4.6, §4.7, §6.2). That an identity provider does not
//! answer is the result of a test, not a failure of it.

use super::create::Body;
use super::{KIND, find, retest, seen};
use crate::error::{Error, Result};
use crate::model::issuer;
use crate::model::sso_config::create::Create;
use crate::model::sso_config::{Source, TestResult, Tested, Whole};
use crate::policy::Target;
use crate::service::caller::Caller;
use crate::service::{App, audit, secrets};
use crate::store;
use crate::upstream::check::{Failure, Report};

pub use crate::upstream::check::Found;

/// What a test came to.
pub type Outcome = std::result::Result<Report, Failure>;

/// Tests a stored configuration and keeps the result.
pub async fn configuration(app: &App, caller: &Caller, id: &str) -> Result<Outcome> {
    app.allow(caller, "sso:test_configuration", &seen(id)).await?;
    let stored = find(&mut app.store.read().await?, id).await?;
    let outcome = run(app, &stored).await?;
    let detail = if outcome.is_ok() { "result=success" } else { "result=failure" };
    let mut tx = app.store.write().await?;
    audit::changed(app, &mut tx, caller, "sso_configuration.test", (KIND, id), None, detail).await?;
    app.commit(tx).await?;
    Ok(outcome)
}

/// Tests what a create's body describes; nothing is stored.
pub async fn draft(app: &App, caller: &Caller, body: Body<'_>) -> Result<Outcome> {
    app.allow(caller, "sso:test_configuration", &Target::new().and_body(body.value)).await?;
    let mut create = Create::parse(body.value, body.order)?;
    app.checks.admit(&mut create.settings)?;
    app.checks.admit_key(&create.settings, create.secret.as_ref())?;
    let outcome = app.checks.run(&create.settings, create.secret.as_ref(), app.now()).await;
    let detail = if outcome.is_ok() { "draft result=success" } else { "draft result=failure" };
    let mut tx = app.store.write().await?;
    audit::changed(app, &mut tx, caller, "sso_configuration.test", (KIND, ""), None, detail).await?;
    app.commit(tx).await?;
    Ok(outcome)
}

/// What an OpenID provider says of itself.
pub async fn probe(app: &App, caller: &Caller, issuer: &str) -> Result<Found> {
    app.allow(caller, "sso:probe_provider", &Target::new()).await?;
    let found = app.checks.probe(issuer).await;
    // The rest of the text is anybody's guess: it may hold a password.
    let host = url::Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let detail = format!("host={host} result={}", if found.is_ok() { "success" } else { "failure" });
    let mut tx = app.store.write().await?;
    audit::changed(app, &mut tx, caller, "sso_configuration.probe", (KIND, ""), None, &detail).await?;
    app.commit(tx).await?;
    found
}

/// Runs the test of a stored configuration and keeps how it went, unless it was changed meanwhile.
pub(super) async fn run(app: &App, stored: &Whole) -> Result<Outcome> {
    let (Some(settings), Some(secret_id)) = (&stored.settings, super::secret_id(stored)) else {
        return Ok(Err(Failure {
            message: "This configuration has no connection yet: give it oidcConfig, samlConfig or ldapConfig."
                .to_owned(),
            report: Report::default(),
        }));
    };
    let secret = secrets::get(app, &mut app.store.read().await?, &secret_id).await?;
    let outcome = app.checks.run(settings, secret.as_ref(), app.now()).await;
    drop(secret);
    keep(app, stored, outcome).await
}

async fn keep(app: &App, stored: &Whole, mut outcome: Outcome) -> Result<Outcome> {
    let id = &stored.config.id;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let now = store::sso_config::get(&mut tx, id).await?;
    let Some(now) = now.filter(|now| now.config.version == stored.config.version) else { return Ok(outcome) };
    // Only now it is known who that is.
    if now.config.issuer.is_none()
        && now.config.source != Source::Federation
        && let Ok(Report { issuer: Some(issuer), .. }) = &outcome
    {
        match super::check_issuer(&mut tx, id, issuer).await {
            Ok(()) => {
                let mut config = now.config.clone();
                config.issuer = Some(issuer.clone());
                store::sso_config::update(&mut tx, &config, None).await?;
                if let Some(mut idp) = store::identity_provider::get(&mut tx, id).await? {
                    idp.remote_ids.insert(issuer.clone());
                    store::identity_provider::update(&mut tx, &idp).await?;
                }
            }
            Err(Error::Conflict { message }) => {
                let (Ok(report) | Err(Failure { report, .. })) = outcome;
                outcome = Err(Failure { message, report });
            }
            Err(other) => return Err(other),
        }
    }
    if let (Some(known), Ok(Report { issuer: Some(found), .. })) = (&now.config.issuer, &outcome)
        && !issuer::same(known, found)
    {
        let message = format!(
            "The identity provider calls itself {} now, not {known}. If it is the same one, change the configuration to its new name.",
            found.escape_debug()
        );
        let (Ok(report) | Err(Failure { report, .. })) = outcome;
        outcome = Err(Failure { message, report });
    }
    let (result, message, warnings) = match &outcome {
        Ok(report) => (TestResult::Success, None, report.warnings.clone()),
        Err(failure) => (TestResult::Failure, Some(failure.message.clone()), failure.report.warnings.clone()),
    };
    let tested = Tested { at: app.now(), result, message, warnings };
    let next = super::first_test(app, stored.enabled, stored.settings.as_ref()).map(|at| retest::later(app, at));
    store::sso_config::update_test(&mut tx, id, stored.config.version, &tested, next).await?;
    app.commit(tx).await?;
    metrics::counter!("archstone_sso_tests_total", "result" => result.as_str()).increment(1);
    for warning in &tested.warnings {
        tracing::warn!(configuration = %id.escape_debug(), warning = %warning.escape_debug(), "an SSO configuration needs attention");
    }
    Ok(outcome)
}
