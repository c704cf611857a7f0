//! The end of a sign-in: what still stands between somebody and the application, and the application's code (tenant-login §7.7,
//! §8.2, §8.3).

use std::sync::Arc;

use serde_json::json;

use super::found::{Kept, Purpose};
use super::session::{self, Proof};
use super::trace::Trace;
use super::{Arrived, Next, Page, SetCookie, Step, Visit, answer, attempt_cookie, found, request};
use crate::error::{Code, Error, Result};
use crate::model::application::GrantType;
use crate::model::audit_event::Outcome;
use crate::model::authorization::{Authorization, Facts};
use crate::model::session::Session;
use crate::model::sign_in::{Prompt, Request, SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::model::token::new_audit_id;
use crate::model::user::Identity;
use crate::secret::digest;
use crate::service::federated_login::check_not_ended;
use crate::service::tenant::{self, Client};
use crate::service::{App, activity, audit, oauth};
use crate::store::authorization::Code as StoredCode;
use crate::store::{self, Conn};
use crate::upstream;

/// How long a code can be redeemed, in seconds (RFC 6749 §4.1.2: ten minutes at most; OP-CODE-4).
const CODE_SECS: i64 = 60;

/// Somebody who was just made sure of.
pub(super) struct Proven {
    pub(super) identity: Identity,
    pub(super) proof: Proof,
    pub(super) created: bool,
    /// The identity provider's id and name.
    pub(super) idp: Option<(String, String)>,
    /// The hash that their password was right for.
    pub(super) hash: Option<String>,
    /// The transaction that holds the account and the way in already; none if nothing does.
    pub(super) tx: Option<Conn>,
}

/// Whose sign-in it is, and by what handle its pages know it.
pub(super) struct Ending<'a> {
    pub(super) visit: &'a Visit<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) sign_in: SignIn,
    pub(super) handle: &'a str,
    /// The application that it is for, as [`client`] finds it.
    pub(super) client: Option<&'a Client>,
    pub(super) trace: Trace,
}

/// Signs somebody in: a session, and then what the sign-in was for.
pub(super) async fn sign_in(app: &App, ending: Ending<'_>, mut proven: Proven) -> Result<Step> {
    let Ending { visit, tenant, sign_in, handle, client, mut trace } = ending;
    let mut tx = match proven.tx.take() {
        Some(tx) => tx,
        None => {
            let mut tx = app.store.write().await?;
            hold(app, &mut tx, &proven).await?;
            tx
        }
    };
    let given = proven.proof.group_ids();
    let gate = match gate(app, &mut tx, client, sign_in.request.as_ref(), &proven.identity, given).await {
        Ok(gate) => gate,
        Err(error) => {
            // They have an account all the same, which an administrator may assign.
            app.commit(tx).await?;
            return Err(error);
        }
    };
    let from = sign_in.stage;
    if from == Stage::Confirm
        && let Some((identity, idp_id, _, _)) = &proven.proof.upstream
        && identity.proof == upstream::Proof::Assertion
    {
        check_not_ended(&mut tx, tenant, idp_id, identity).await?;
    }
    let mut it = sign_in;
    // Only one without an application is for anything else.
    let purpose = match it.request {
        None if it.found.is_some() => Kept::open(app, &it)?.purpose,
        _ => Purpose::SignIn,
    };
    let Proven { identity, proof, created, idp, .. } = proven;
    let (session, cookie) = session::begin(app, &mut tx, visit, tenant, &identity.user.id, proof).await?;
    it.user_id = Some(identity.user.id.clone());
    it.session_id = Some(session.id.clone());
    (it.memo, it.found) = (None, None);
    record(app, &mut tx, visit, tenant, &session, client, created).await?;
    trace.went(
        "session",
        json!({"session_id": session.id, "user_id": session.user_id, "amr": session.amr, "acr": session.acr}),
    );
    let mut cookies = vec![cookie];
    let next = pass(app, &mut tx, tenant, &mut it, handle, &session, client, gate, &mut trace).await?;
    let next = next.unwrap_or_else(|| match purpose {
        Purpose::Recent => Next::Identities,
        Purpose::SignIn | Purpose::Connect(_) => done(tenant, &session, &identity, idp, created, None),
        Purpose::Initiated(onward) => done(tenant, &session, &identity, idp, created, onward.redirect_url),
    });
    if it.stage == Stage::Done {
        cookies.push(gone(&it));
    }
    advance(app, tx, visit, &mut it, from, trace).await?;
    Ok(Step { next, cookies })
}

/// What a password has proven must still stand. Whoever takes it away comes before this, or after the session is there, and
/// ends it.
async fn hold(app: &App, tx: &mut Conn, proven: &Proven) -> Result<()> {
    let user_id = &proven.identity.user.id;
    let user = store::user::hold(tx, user_id).await?.map(|i| activity::as_of_now(app, i));
    if !user.is_some_and(|i| i.user.enabled && i.domain_enabled) {
        return Err(Error::refused(Code::AccountDisabled, "The account is disabled."));
    }
    if let Some(hash) = &proven.hash
        && store::user::login_state(tx, user_id).await?.and_then(|s| s.hash).as_ref() != Some(hash)
    {
        return Err(Error::refused(Code::LoginFailed, "User name or password is wrong."));
    }
    Ok(())
}

/// Somebody is signed in, and no application waits.
fn done(
    tenant: &Tenant,
    session: &Session,
    identity: &Identity,
    idp: Option<(String, String)>,
    created: bool,
    onward: Option<String>,
) -> Next {
    Next::Done(Box::new(Arrived {
        user_id: session.user_id.clone(),
        email: identity.user.email().map(str::to_owned),
        display_name: identity.user.display_name().to_owned(),
        session_id: session.id.clone(),
        expires_at: session.expires_at,
        idp,
        created,
        redirect_url: onward.or_else(|| tenant.settings.default_redirect_url.clone()),
    }))
}

/// Goes on in a session that is there.
pub(super) async fn go_on(app: &App, ending: Ending<'_>, session: &Session) -> Result<Step> {
    let Ending { visit, tenant, sign_in, handle, client, mut trace } = ending;
    let mut conn = app.store.read().await?;
    let identity = store::user::get(&mut conn, &session.user_id).await?;
    let identity = identity.ok_or_else(|| Error::refused(Code::AccountDisabled, "The account is gone."))?;
    let given = group_ids(session);
    let gate = gate(app, &mut conn, client, sign_in.request.as_ref(), &identity, given).await?;
    drop(conn);
    let from = sign_in.stage;
    let mut it = sign_in;
    it.user_id = Some(session.user_id.clone());
    it.session_id = Some(session.id.clone());
    trace.went("session", json!({"session_id": session.id, "user_id": session.user_id, "reused": true}));
    let mut tx = app.store.write().await?;
    let next = pass(app, &mut tx, tenant, &mut it, handle, session, client, gate, &mut trace).await?;
    let next = next.unwrap_or_else(|| done(tenant, session, &identity, None, false, None));
    let cookies = if it.stage == Stage::Done { vec![gone(&it)] } else { Vec::new() };
    advance(app, tx, visit, &mut it, from, trace).await?;
    Ok(Step { next, cookies })
}

/// A code at once, for a request whose session is there and that nothing stands before. No sign-in is stored; `None` if
/// something has to be shown.
pub(super) async fn at_once(
    app: &App,
    tenant: &Tenant,
    client: &Client,
    request: &Request,
    session: &Session,
) -> Result<Option<Next>> {
    let mut conn = app.store.read().await?;
    let identity = store::user::get(&mut conn, &session.user_id).await?;
    let identity = identity.ok_or_else(|| Error::refused(Code::LoginRequired, "Nobody is signed in."))?;
    match gate(app, &mut conn, Some(client), Some(request), &identity, group_ids(session)).await? {
        Gate::Open => {}
        Gate::Consent => return Ok(None),
    }
    drop(conn);
    let mut tx = app.store.write().await?;
    let code = issue(app, &mut tx, tenant, client, request, session).await?;
    app.commit(tx).await?;
    Ok(Some(Next::Answer(answer::code(app, tenant, request, code))))
}

/// Takes the cookie of a sign-in away that has ended.
pub(super) fn gone(sign_in: &SignIn) -> SetCookie {
    SetCookie { name: attempt_cookie(&sign_in.id), value: String::new(), max_age_secs: 0, cross_site: false }
}

/// Writes where a sign-in stands now, unless another request has taken it on meanwhile.
pub(super) async fn advance(
    app: &App,
    mut tx: Conn,
    visit: &Visit<'_>,
    it: &mut SignIn,
    from: Stage,
    trace: Trace,
) -> Result<()> {
    if !trace.advance(app, &mut tx, visit.origin, it, from).await? {
        return Err(found::gone_on());
    }
    app.commit(tx).await
}

/// The application that a sign-in is for; it may have been switched off or changed meanwhile.
pub(super) async fn client(app: &App, tenant: &Tenant, sign_in: &SignIn) -> Result<Option<Arc<Client>>> {
    let Some(request) = &sign_in.request else { return Ok(None) };
    let client = tenant::client(app, &tenant.id, &request.client_id).await?;
    let right = |c: &Client| c.application.enabled && request::is_registered(c, &request.redirect_uri);
    match client.filter(|c| right(c)) {
        Some(client) => Ok(Some(client)),
        None => Err(Error::refused(Code::AccessDenied, "The application has been switched off or changed.")),
    }
}

/// What stands between somebody and an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Consent,
}

async fn gate(
    app: &App,
    conn: &mut Conn,
    client: Option<&Client>,
    request: Option<&Request>,
    identity: &Identity,
    given: &[String],
) -> Result<Gate> {
    let (Some(client), Some(request)) = (client, request) else { return Ok(Gate::Open) };
    if request.expected_user.as_ref().is_some_and(|id| *id != identity.user.id) {
        return Err(Error::refused(Code::LoginRequired, "Somebody else is signed in."));
    }
    if !is_assigned(app, conn, client, &identity.user.id, given).await? {
        return Err(Error::refused(Code::NotAssigned, "The application is not for this account."));
    }
    let asks = request.prompt.contains(&Prompt::Consent);
    // An application on a device could be any that names this client id on a loopback address (RFC 8252 §8.6).
    let needs = client.application.settings.third_party && !has_agreed(conn, request, &identity.user.id).await?;
    Ok(if asks || needs { Gate::Consent } else { Gate::Open })
}

/// Whether somebody has agreed to all that an application asks for.
async fn has_agreed(conn: &mut Conn, request: &Request, user_id: &str) -> Result<bool> {
    let agreed = store::consent::get(conn, user_id, &request.client_id).await?;
    Ok(request.scopes.iter().all(|scope| agreed.contains(scope)))
}

/// Groups that an identity provider gave in a session.
fn group_ids(session: &Session) -> &[String] {
    session.upstream.as_ref().map_or(&[], |u| &u.group_ids)
}

/// Whether an application is for somebody: for everybody, unless it names some.
async fn is_assigned(app: &App, conn: &mut Conn, client: &Client, user_id: &str, given: &[String]) -> Result<bool> {
    let settings = &client.application.settings;
    if settings.assigned_users.is_empty() && settings.assigned_groups.is_empty() {
        return Ok(true);
    }
    if settings.assigned_users.iter().any(|id| id == user_id)
        || settings.assigned_groups.iter().any(|g| given.contains(g))
    {
        return Ok(true);
    }
    let held = store::group::ids_of_user(conn, user_id, app.now()).await?;
    Ok(settings.assigned_groups.iter().any(|g| held.contains(g)))
}

/// Takes a sign-in as far as it goes: to a page of ours or back to the application; `None` where no application asked.
#[expect(clippy::too_many_arguments, reason = "the end of a sign-in and all that it is for")]
async fn pass(
    app: &App,
    tx: &mut Conn,
    tenant: &Tenant,
    it: &mut SignIn,
    handle: &str,
    session: &Session,
    client: Option<&Client>,
    gate: Gate,
    trace: &mut Trace,
) -> Result<Option<Next>> {
    if it.device_id.is_some() {
        it.stage = Stage::Consent;
        return Ok(Some(Next::Show(Page::Device(handle.to_owned()))));
    }
    let (Some(request), Some(client)) = (it.request.clone(), client) else {
        it.stage = Stage::Done;
        return Ok(None);
    };
    if gate == Gate::Consent {
        if request.prompt.contains(&Prompt::None) {
            return Err(Error::refused(Code::ConsentRequired, "Somebody has to agree."));
        }
        it.stage = Stage::Consent;
        trace.went("consent", json!({"asked": request.scopes}));
        return Ok(Some(Next::Show(Page::Consent(handle.to_owned()))));
    }
    it.stage = Stage::Done;
    answered(app, tx, tenant, client, &request, session, trace).await.map(Some)
}

/// The application's code.
pub(super) async fn answered(
    app: &App,
    tx: &mut Conn,
    tenant: &Tenant,
    client: &Client,
    request: &Request,
    session: &Session,
    trace: &mut Trace,
) -> Result<Next> {
    let code = issue(app, tx, tenant, client, request, session).await?;
    trace.went(
        "code",
        json!({"client_id": request.client_id, "scopes": request.scopes, "redirect_uri": request.redirect_uri}),
    );
    Ok(Next::Answer(answer::code(app, tenant, request, code)))
}

/// Makes an authorization and the code for it. Only the code's digest is kept.
async fn issue(
    app: &App,
    tx: &mut Conn,
    tenant: &Tenant,
    client: &Client,
    request: &Request,
    session: &Session,
) -> Result<String> {
    let now = app.now();
    let settings = &client.application.settings;
    let offline = request.scopes.iter().any(|s| s == oauth::OFFLINE_ACCESS);
    let access_ends =
        now.plus_secs(CODE_SECS + settings.access_token_secs.unwrap_or(tenant.settings.access_token_secs));
    let expires_at = match settings.grant_types.contains(&GrantType::RefreshToken) {
        true => access_ends.max(oauth::refresh_end(now, tenant, offline, Some(session.expires_at))),
        false => access_ends,
    };
    let authorization = Authorization {
        id: new_audit_id(&app.random),
        tenant_id: tenant.id.clone(),
        client_id: request.client_id.clone(),
        user_id: Some(session.user_id.clone()),
        session_id: Some(session.id.clone()),
        facts: Facts {
            scopes: request.scopes.clone(),
            audience: request.resource.iter().cloned().collect(),
            nonce: request.nonce.clone(),
            ..Facts::of_session(session)
        },
        offline,
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    let code = app.random.token();
    let stored = StoredCode {
        id: digest(&code),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        expires_at: now.plus_secs(CODE_SECS).0,
        used_at: None,
    };
    store::authorization::insert(tx, &authorization, Some(&stored)).await?;
    Ok(code)
}

async fn record(
    app: &App,
    tx: &mut Conn,
    visit: &Visit<'_>,
    tenant: &Tenant,
    session: &Session,
    client: Option<&Client>,
    created: bool,
) -> Result<()> {
    let mut event = audit::event(app, Some(visit.origin), "federation.login.succeeded", Outcome::Success);
    if session.upstream.is_none() {
        event.action = "tenant.login".to_owned();
    }
    event.user_id = Some(session.user_id.clone());
    event.domain_id = Some(tenant.id.clone());
    event.target_kind = Some("session".to_owned());
    event.target_id = Some(session.id.clone());
    let idp = session.upstream.as_ref().map(|u| format!("identity_provider={} ", u.idp_id)).unwrap_or_default();
    let client = client.map(|c| format!("client={} ", c.application.id)).unwrap_or_default();
    event.detail = audit::cut(&format!("{idp}{client}created={created}"));
    audit::write(tx, &event).await
}
