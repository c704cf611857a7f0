//! Back from an identity provider (tenant-login §4.3), and the judgement of who it says somebody is (§7).

use std::sync::Arc;

use serde_json::json;

use super::assurance::check_assurance;
use super::complete::{self, Ending, Proven};
use super::found::{self, Kept, Purpose};
use super::session::Proof;
use super::trace::{Trace, without_secrets};
use super::waiting::Waiting;
use super::{Next, Page, Step, Visit, answer, depart, unasked};
use crate::error::{Code, Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::sign_in::{Prompt, Request, SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::secret::digest;
use crate::service::federated_login::linking::Decision;
use crate::service::federated_login::route::Route;
use crate::service::federated_login::{self, Use, Verdict, use_up};
use crate::service::{App, audit, connection, session};
use crate::store;
use crate::upstream::saml::login_of;
use crate::upstream::{Answer, Ask, Identity, Memo};

/// Longest state that is looked for, in bytes.
const MAX_STATE: usize = 256;

/// Takes the browser in that comes back with this answer.
pub async fn arrive(app: &App, visit: &Visit<'_>, tenant: &Tenant, kind: &str, answered: Answer) -> Result<Step> {
    let twice = |_| Error::refused(Code::InvalidRequest, "A parameter stands twice.");
    for name in ["code", "error", "error_description", "iss", "SAMLResponse"] {
        answered.one(name).map_err(twice)?;
    }
    let name = if kind == "saml" { "RelayState" } else { "state" };
    let state = answered.one(name).map_err(twice)?.filter(|s| !s.is_empty() && s.len() <= MAX_STATE);
    let it = match claim(app, visit, tenant, state).await? {
        Some(claimed) => claimed,
        None => match look(app, visit, tenant, kind, &answered, state).await? {
            Waits::Here(found) => *found,
            Waits::No(step) => return Ok(*step),
        },
    };
    let state = state.unwrap_or_default();
    let mut trace = Trace::default();
    match finish(app, tenant, kind, &it, &answered, state, &mut trace).await {
        Ok(identity) => match use_up(app, Some(tenant), it.idp_id.as_deref().unwrap_or_default(), &identity).await? {
            Use::First => judge(app, visit, tenant, it, identity, Decision::Open, trace).await,
            Use::Again => {
                record_failure(app, visit, tenant, &it, "federation.assertion.replayed", "used before").await?;
                end(app, visit, tenant, it, trace, Use::Again.refusal()).await
            }
            Use::Ended => end(app, visit, tenant, it, trace, Use::Ended.refusal()).await,
        },
        Err(error) => end(app, visit, tenant, it, trace, error).await,
    }
}

/// What an answer was found to belong to.
enum Waits {
    /// A sign-in that waited for it, and has it now.
    Here(Box<SignIn>),
    /// None that does; what the browser does instead.
    No(Box<Step>),
}

/// Takes on the sign-in that waits for this state, if this browser began it, in one statement: that is how it nearly always
/// is. Whatever else it may be, [`look`] tells.
async fn claim(app: &App, visit: &Visit<'_>, tenant: &Tenant, state: Option<&str>) -> Result<Option<SignIn>> {
    let browsers = found::browsers(visit);
    let (Some(state), false) = (state, browsers.is_empty()) else { return Ok(None) };
    let mut once = app.store.write_once().await?;
    let it = store::sign_in::claim(&mut once, &tenant.id, &digest(state), &browsers, app.now()).await?;
    Ok(it.filter(|it| found::of_browser(visit, it).is_ok()))
}

/// The sign-in that an answer belongs to, taken on if it still waits.
async fn look(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    kind: &str,
    answered: &Answer,
    state: Option<&str>,
) -> Result<Waits> {
    let no = |step| Waits::No(Box::new(step));
    let mut conn = app.store.read().await?;
    let found = match state {
        Some(state) => store::sign_in::get_by_state(&mut conn, &tenant.id, &digest(state)).await?,
        None => None,
    };
    let stored = match found {
        Some(stored) => stored,
        None if kind != "saml" => return Err(unknown()),
        None => {
            drop(conn);
            // Some identity providers lose the state; others were never asked.
            let peek = app.saml.peek(answered).await.map_err(|_| unknown())?;
            let Some(request) = peek.in_response_to else {
                let issuer = peek.issuer.as_deref().unwrap_or_default();
                return Ok(no(unasked::receive(app, visit, tenant, issuer, answered).await?));
            };
            conn = app.store.read().await?;
            let id = login_of(&request).ok_or_else(unknown)?;
            store::sign_in::get_by_state(&mut conn, &tenant.id, id).await?.ok_or_else(unknown)?
        }
    };
    if found::of_browser(visit, &stored).is_err() {
        drop(conn);
        record_failure(app, visit, tenant, &stored, "federation.state.mismatch", "another browser").await?;
        return Err(Error::refused(
            Code::StateMismatch,
            "This sign-in was begun in another browser, or cookies are switched off.",
        ));
    }
    if stored.stage != Stage::Away {
        drop(conn);
        return Ok(no(again(app, visit, tenant, stored).await?));
    }
    if app.now() >= stored.expires_at {
        drop(conn);
        let error = Error::refused(Code::Expired, "The sign-in took too long. Start again.");
        return Ok(no(end(app, visit, tenant, stored, Trace::default(), error).await?));
    }
    // One of two that bring the same answer goes on.
    let mut it = stored;
    it.stage = Stage::Judged;
    let mut once = app.store.write_once_over(conn).await?;
    let is_first = store::sign_in::advance(&mut once, &it, Stage::Away).await?;
    drop(once);
    if !is_first {
        return Ok(no(again(app, visit, tenant, it).await?));
    }
    Ok(Waits::Here(Box::new(it)))
}

fn unknown() -> Error {
    Error::refused(Code::InvalidState, "No sign-in waits for that answer. Start again.")
}

/// An answer that was brought before: whoever is signed in by now goes on (a double click, the back button).
async fn again(app: &App, visit: &Visit<'_>, tenant: &Tenant, it: SignIn) -> Result<Step> {
    let reused = found::gone_on;
    let Some(request) = it.request.as_ref().filter(|_| it.stage == Stage::Done) else { return Err(reused()) };
    let Some(session) = session::current(app, tenant, visit).await? else { return Err(reused()) };
    if it.session_id.as_ref() != Some(&session.id) {
        return Err(reused());
    }
    let client = crate::service::tenant::client(app, &tenant.id, &request.client_id).await?;
    let client = client.filter(|c| c.application.enabled).ok_or_else(reused)?;
    let next = complete::at_once(app, tenant, &client, request, &session).await?.ok_or_else(reused)?;
    Ok(Step { next, cookies: Vec::new() })
}

/// Verifies what the identity provider says. No transaction is open meanwhile.
async fn finish(
    app: &App,
    tenant: &Tenant,
    kind: &str,
    it: &SignIn,
    answered: &Answer,
    state: &str,
    trace: &mut Trace,
) -> Result<Identity> {
    let idp_id = it.idp_id.as_deref().unwrap_or_default();
    let offered = depart::offered(app, tenant, kind, idp_id).await.map_err(|_| closed())?;
    let ready = connection::ready(app, idp_id, &offered.protocol_id).await?;
    let ready = ready.ok_or_else(closed)?;
    let memo = it.memo.as_deref().ok_or_else(|| Error::internal("a sign-in without a memo"))?;
    let memo = Memo::from_text(&app.sealer.open(&it.id, memo)?)?;
    let redirect_uri = depart::callback_uri(app, tenant, kind);
    let own = depart::own_keys(app, tenant, kind).await?;
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&redirect_uri, state).with_own(own.as_deref());
    let finished = connection::finish(app, &ask, &memo, answered).await.map_err(depart::unreachable_upstream);
    let refusal = answered.one("error").ok().flatten().filter(|e| !e.is_empty());
    let identity = match (finished, refusal) {
        (Ok(identity), _) => identity,
        (Err(Error::Unauthorized { reason }), Some(code)) => {
            let told = refused_there(code, it.request.as_ref(), reason.clone());
            trace.failed("arrive", &reason, json!({"identity_provider": idp_id, "error": code}));
            return Err(told);
        }
        (Err(error), _) => {
            trace.failed("arrive", &error.to_string(), json!({"identity_provider": idp_id}));
            return Err(error);
        }
    };
    note_identity(trace, idp_id, &identity);
    check_assurance(&offered, it, &identity, app.now()).inspect_err(|error| {
        trace.failed("assurance", &error.to_string(), json!({}));
    })?;
    Ok(identity)
}

/// Notes whom an identity provider vouches for.
pub(super) fn note_identity(trace: &mut Trace, idp_id: &str, identity: &Identity) {
    trace.went(
        "arrive",
        json!({
            "identity_provider": idp_id,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "proof": identity.proof.as_str(),
            "claims": without_secrets(&identity.claims),
        }),
    );
}

fn closed() -> Error {
    Error::refused(Code::UpstreamDenied, "This way to sign in has been closed.")
}

/// Why an identity provider did not sign somebody in (tenant-login §4.3 step 7).
fn refused_there(code: &str, request: Option<&Request>, reason: String) -> Error {
    let silent = request.is_some_and(|r| r.prompt.contains(&Prompt::None));
    let passed = |code| Error::refused_because(code, "The identity provider has to ask something.", reason.clone());
    match code {
        "login_required" if silent => passed(Code::LoginRequired),
        "interaction_required" if silent => passed(Code::InteractionRequired),
        "consent_required" if silent => passed(Code::ConsentRequired),
        "account_selection_required" if silent => passed(Code::AccountSelectionRequired),
        "access_denied"
        | "login_required"
        | "interaction_required"
        | "consent_required"
        | "account_selection_required" => {
            Error::refused_because(Code::UpstreamDenied, "The identity provider did not sign you in.", reason)
        }
        "temporarily_unavailable" => {
            Error::refused_because(Code::UpstreamTimeout, "The identity provider is not available.", reason)
        }
        _ => Error::refused_because(Code::UpstreamError, "The identity provider failed.", reason),
    }
}

/// Decides about the account by what is configured now, and goes on.
pub(super) async fn judge(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    it: SignIn,
    identity: Identity,
    decision: Decision,
    mut trace: Trace,
) -> Result<Step> {
    let kept = Kept::open(app, &it)?;
    if let Purpose::Connect(connects) = &kept.purpose {
        trace.went("account", json!({"connects": connects.user_id}));
        let candidate = connects.user_id.clone();
        return ask(app, visit, tenant, it, kept, &identity, &candidate, trace).await;
    }
    let configured =
        async { Ok::<_, Error>((way(app, tenant, &it).await?, complete::client(app, tenant, &it).await?)) };
    let ((offered, route), client) = match configured.await {
        Ok(configured) => configured,
        Err(error) => return end(app, visit, tenant, it, trace, error).await,
    };
    let (verdict, explained) = federated_login::judge(app, visit.origin, &route, &identity, &decision).await;
    match verdict {
        Ok(Verdict::In(admitted)) => {
            trace.went(
                "account",
                json!({
                    "user_id": admitted.identity.user.id,
                    "created": admitted.created,
                    "groups": admitted.group_ids,
                    "mapping": explained,
                }),
            );
            let groups = admitted.group_ids.unwrap_or_default();
            let proof = Proof::by_upstream(app, identity, &offered.idp_id, &offered.protocol_id, groups);
            let idp = Some((offered.idp_id.clone(), offered.name.clone()));
            let (created, tx) = (admitted.created, Some(admitted.tx));
            let proven = Proven { identity: admitted.identity, proof, created, idp, hash: None, tx };
            let request = it.request.clone();
            let ending =
                Ending { visit, tenant, sign_in: it.clone(), handle: &kept.handle, client: client.as_deref(), trace };
            match complete::sign_in(app, ending, proven).await {
                Ok(step) => Ok(step),
                Err(error) => {
                    let told = answer::failure(app, tenant, request.as_ref(), error);
                    note(app, visit, tenant, &it, &told).await;
                    told
                }
            }
        }
        Ok(Verdict::Ask(candidate)) => {
            trace.went("account", json!({"asks_about": candidate.user.id, "mapping": explained}));
            ask(app, visit, tenant, it, kept, &identity, &candidate.user.id, trace).await
        }
        Err(error) => {
            trace.failed("account", &error.to_string(), json!({"mapping": explained}));
            end(app, visit, tenant, it, trace, error).await
        }
    }
}

/// The person has to say whether an account is theirs.
#[expect(clippy::too_many_arguments, reason = "a question and all that it is about")]
async fn ask(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    it: SignIn,
    kept: Kept,
    identity: &Identity,
    candidate: &str,
    trace: Trace,
) -> Result<Step> {
    let error = Error::refused(Code::InteractionRequired, "The account has to be confirmed.");
    if it.request.as_ref().is_some_and(|r| r.prompt.contains(&Prompt::None)) {
        return end(app, visit, tenant, it, trace, error).await;
    }
    let (from, mut it) = (it.stage, it);
    let handle = kept.handle.clone();
    it.stage = Stage::Confirm;
    it.memo = None;
    let waiting = Some(Waiting::of(identity, candidate));
    it.found = Some(Kept { waiting, ..kept }.seal(app, &it.id)?);
    it.expires_at = app.now().plus_secs(found::seconds(app.config.tenant.sign_in_secs));
    it.purge_at = found::kept_until(app, &it);
    let tx = app.store.write().await?;
    complete::advance(app, tx, visit, &mut it, from, trace).await?;
    Ok(Step { next: Next::Show(Page::Confirm(handle)), cookies: Vec::new() })
}

/// The way that somebody has come, if it is still open.
pub(super) async fn way(app: &App, tenant: &Tenant, it: &SignIn) -> Result<(Offered, Arc<Route>)> {
    let all = crate::service::tenant::offered(app, tenant).await?;
    let offered = all.iter().find(|o| Some(&o.idp_id) == it.idp_id.as_ref()).cloned().ok_or_else(closed)?;
    let route = Route::at(app, tenant, &offered).await?;
    Ok((offered, route))
}

/// What the person has decided about the account.
pub(super) async fn decided(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    it: SignIn,
    waiting: Waiting,
    decision: Decision,
) -> Result<Step> {
    let mut trace = Trace::default();
    let word = match &decision {
        Decision::Open => "open",
        Decision::Theirs(_) => "theirs",
        Decision::Another => "another",
    };
    trace.went("confirm", json!({"decision": word, "account": waiting.candidate}));
    judge(app, visit, tenant, it, waiting.identity(), decision, trace).await
}

/// A sign-in that fails for good: recorded, and told to whoever may be told.
pub(super) async fn end(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    it: SignIn,
    mut trace: Trace,
    error: Error,
) -> Result<Step> {
    let from = it.stage;
    let mut it = it;
    it.stage = Stage::Done;
    (it.memo, it.found) = (None, None);
    let reason = error.to_string();
    trace.failed("end", &reason, json!({}));
    let cookies = vec![complete::gone(&it)];
    let told = answer::failure(app, tenant, it.request.as_ref(), error);
    let tx = app.store.write().await?;
    complete::advance(app, tx, visit, &mut it, from, trace).await?;
    record_failure(app, visit, tenant, &it, "federation.login.failed", &reason).await?;
    told.map(|step| Step { cookies, ..step })
}

/// Notes why a sign-in failed whose transaction was given up.
async fn note(app: &App, visit: &Visit<'_>, tenant: &Tenant, it: &SignIn, told: &Result<Step>) {
    let reason = match told {
        Ok(Step { next: Next::Answer(answer), .. }) => {
            answer.parameters.iter().map(|(name, value)| format!("{name}={value} ")).collect::<String>()
        }
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let noted = async {
        let mut trace = Trace::default();
        trace.failed("end", &reason, json!({}));
        let mut tx = app.store.write().await?;
        let mut it = it.clone();
        let stage = it.stage;
        trace.advance(app, &mut tx, visit.origin, &mut it, stage).await?;
        app.commit(tx).await?;
        record_failure(app, visit, tenant, &it, "federation.login.failed", &reason).await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "why a sign-in failed was not kept");
    }
}

async fn record_failure(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    it: &SignIn,
    action: &str,
    reason: &str,
) -> Result<()> {
    let mut event = audit::event(app, Some(visit.origin), action, Outcome::Failure);
    event.reason = Some(audit::cut(reason));
    event.domain_id = Some(tenant.id.clone());
    event.user_id = it.user_id.clone();
    event.target_kind = Some("identity_provider".to_owned());
    event.target_id = it.idp_id.as_deref().map(audit::cut);
    event.detail = it.request.as_ref().map(|r| audit::cut(&format!("client={}", r.client_id))).unwrap_or_default();
    let mut tx = app.store.write().await?;
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await
}
