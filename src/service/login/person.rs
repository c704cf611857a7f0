//! What a person decides on the pages of a sign-in (tenant-login §7.5, §11): how to sign in, whether an account is theirs, what
//! an application may know, whether a device may come in.

use serde_json::json;

use super::authorize::{insert, usable};
use super::complete::{self, Ending, Proven};
use super::depart::{self, Start};
use super::found::{self, Kept, Purpose, gone_on};
use super::session::Proof;
use super::trace::Trace;
use super::{Next, Page, SetCookie, Step, Visit, answer, arrive, form_token, link};
use crate::error::{Code, Error, Result};
use crate::model::auth_request::{DomainName, UserName};
use crate::model::sign_in::{SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::model::user::normal_email;
use crate::secret::{Secret, same};
use crate::service::federated_login::linking::{Decision, is_of};
use crate::service::proof::{self, Ended, Right};
use crate::service::tenant as tenants;
use crate::service::{App, issue, oauth, session};
use crate::store;

/// Longest name that is looked for, in characters.
const MAX_NAME: usize = 320;

/// What somebody says about an account that may be theirs.
#[derive(Debug)]
pub enum Confirmation {
    /// It is, and this is its password.
    Password(Secret),
    /// They want another.
    Separate,
    /// Theirs gets this way in, as they have asked for.
    Connect,
    /// They want to be whom the identity provider has sent, rather than who is signed in.
    Switch,
    /// They do not want to sign in.
    Cancel,
}

/// Begins a sign-in without an application, for whoever is signed in as well: they may want to be somebody else.
pub async fn open(app: &App, visit: &Visit<'_>, tenant: &Tenant) -> Result<Step> {
    open_for(app, visit, tenant, Purpose::SignIn).await
}

/// The same for another purpose.
pub(super) async fn open_for(app: &App, visit: &Visit<'_>, tenant: &Tenant, purpose: Purpose) -> Result<Step> {
    let (mut sign_in, handle, cookies) = found::fresh_for(app, visit, tenant, None, purpose)?;
    insert(app, visit, &mut sign_in).await?;
    Ok(Step { next: Next::Show(Page::Login(handle)), cookies })
}

/// What a form is of.
enum Posted {
    /// A sign-in that goes on.
    Going(Box<SignIn>),
    /// One that took too long: its application is told.
    Late(Step),
}

/// The sign-in that a form is of, if the form was made for this browser.
async fn posted(app: &App, visit: &Visit<'_>, tenant: &Tenant, handle: &str, csrf: &str) -> Result<Posted> {
    let (it, cookie) = found::by_handle(app, visit, tenant, handle).await?;
    if !same(csrf, &form_token(&cookie, &it.id)) {
        return Err(Error::refused(Code::ForgedForm, "The form was not made for this browser. Start again."));
    }
    match found::check_time(app, &it) {
        Ok(()) => Ok(Posted::Going(Box::new(it))),
        Err(error @ Error::Refused { code: Code::Expired, .. }) => {
            arrive::end(app, visit, tenant, it, Trace::default(), error).await.map(Posted::Late)
        }
        Err(error) => Err(error),
    }
}

/// Sends somebody to the identity provider of their e-mail domain; `None` if there is none, for whoever it is.
pub async fn identify(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    handle: &str,
    csrf: &str,
    identifier: &str,
) -> Result<Option<Step>> {
    let it = match posted(app, visit, tenant, handle, csrf).await? {
        Posted::Going(it) => *it,
        Posted::Late(step) => return Ok(Some(step)),
    };
    let offered = match &it.request {
        Some(request) => match tenants::client(app, &tenant.id, &request.client_id).await? {
            Some(client) => usable(app, tenant, &client).await?,
            None => return Err(Error::refused(Code::AccessDenied, "The application is gone.")),
        },
        None => tenants::offered(app, tenant).await?.to_vec(),
    };
    let email = identifier.trim();
    let home = offered.iter().find(|o| o.kind != "ldap" && is_of(email, &o.settings.domains));
    let Some(home) = home.filter(|_| email.len() <= MAX_NAME) else { return Ok(None) };
    if !matches!(it.stage, Stage::Open | Stage::Away | Stage::Confirm) {
        return Err(gone_on());
    }
    depart::leave(app, visit, tenant, home, Start::Stored(Box::new(it)), Some(email)).await.map(Some)
}

/// Signs somebody in by a password of this service. Without a handle it is a sign-in without an application.
pub async fn password(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    handle: Option<&str>,
    csrf: Option<&str>,
    username: &str,
    password: Secret,
) -> Result<Step> {
    let stored = match handle {
        Some(handle) => match posted(app, visit, tenant, handle, csrf.unwrap_or_default()).await? {
            Posted::Going(it) => Some(*it),
            Posted::Late(step) => return Ok(step),
        },
        None => None,
    };
    if stored.as_ref().is_some_and(|it| !matches!(it.stage, Stage::Open | Stage::Away | Stage::Confirm)) {
        return Err(gone_on());
    }
    let failed = || Error::refused(Code::LoginFailed, "User name or password is wrong.");
    if !tenant.settings.local_login {
        return Err(Error::refused(Code::AccessDenied, "Nobody signs in with a password here."));
    }
    let right = prove(app, visit, tenant, username, password).await?.ok_or_else(failed)?;
    let (sign_in, handle) = match (stored, handle) {
        (Some(it), Some(handle)) => (it, handle.to_owned()),
        _ => {
            let (mut it, handle, _) = found::fresh(app, visit, tenant, None)?;
            insert(app, visit, &mut it).await?;
            (it, handle)
        }
    };
    let mut trace = Trace::default();
    trace.went("password", json!({"user_id": right.identity.user.id}));
    let request = sign_in.request.clone();
    let (identity, hash) = (right.identity, Some(right.hash));
    let proven = Proven { identity, proof: Proof::by_password(app), created: false, idp: None, hash, tx: None };
    let done = async {
        let client = complete::client(app, tenant, &sign_in).await?;
        let ending = Ending { visit, tenant, sign_in, handle: &handle, client: client.as_deref(), trace };
        complete::sign_in(app, ending, proven).await
    };
    match done.await {
        Ok(step) => Ok(step),
        Err(error) => answer::failure(app, tenant, request.as_ref(), error),
    }
}

/// Who has this name, or e-mail address, and password at a tenant. Whatever is wrong, it takes the same steps.
async fn prove(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    username: &str,
    password: Secret,
) -> Result<Option<Right>> {
    let username: String = username.trim().chars().filter(|c| *c != '\0').take(MAX_NAME).collect();
    let domain = DomainName::Id(tenant.id.clone());
    let key = normal_email(&username).unwrap_or_default();
    // An address finds somebody only if it is one person's and they are sure to have it.
    let mut by_email = store::user::list_by_email(&mut app.store.read().await?, &tenant.id, &key, 2).await?;
    by_email.retain(|i| !key.is_empty() && i.user.is_email_verified());
    let by_name = store::user::get_by_name(&mut app.store.read().await?, &tenant.id, &username).await?;
    let name = match (by_name, by_email.as_slice()) {
        (None, [only]) => UserName::Id(only.user.id.clone()),
        _ => UserName::Name(username, domain),
    };
    by_password(app, visit, name, password).await
}

async fn by_password(app: &App, visit: &Visit<'_>, name: UserName, password: Secret) -> Result<Option<Right>> {
    match proof::by_password(app, visit.origin, "tenant.login", &name, password, Ended::Refused).await {
        Ok(right) if issue::satisfies_mfa_rules(&right.identity.user, &["password".to_owned()]) => Ok(Some(right)),
        Ok(_) | Err(Error::Unauthorized { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Takes what somebody says about an account that may be theirs.
pub async fn confirm(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    handle: &str,
    csrf: &str,
    confirmation: Confirmation,
) -> Result<Step> {
    let it = match posted(app, visit, tenant, handle, csrf).await? {
        Posted::Going(it) => *it,
        Posted::Late(step) => return Ok(step),
    };
    if it.stage != Stage::Confirm {
        return Err(gone_on());
    }
    let Kept { waiting: Some(waiting), purpose, .. } = Kept::open(app, &it)? else {
        return Err(Error::internal("a sign-in waits for nothing"));
    };
    let decision = match (confirmation, purpose) {
        (Confirmation::Connect, Purpose::Connect(connects)) => {
            return link::connect(app, visit, tenant, it, waiting, &connects).await;
        }
        (Confirmation::Switch, _) if waiting.switches => Decision::Open,
        (Confirmation::Connect | Confirmation::Switch, _)
        | (Confirmation::Separate | Confirmation::Password(_), Purpose::Connect(_)) => return Err(gone_on()),
        (Confirmation::Cancel, _)
            if waiting.switches
                && let Some(session) = session::current(app, tenant, visit).await? =>
        {
            let sign_in = SignIn { found: None, ..it };
            let ending = Ending { visit, tenant, sign_in, handle: "", client: None, trace: Trace::default() };
            return complete::go_on(app, ending, &session).await;
        }
        (Confirmation::Cancel, _) => {
            let error = Error::refused(Code::AccessDenied, "The sign-in was cancelled.");
            return arrive::end(app, visit, tenant, it, Trace::default(), error).await;
        }
        (Confirmation::Separate | Confirmation::Password(_), _) if waiting.switches => return Err(gone_on()),
        (Confirmation::Separate, _) => Decision::Another,
        (Confirmation::Password(password), _) => {
            let candidate = waiting.candidate.clone();
            let proven = by_password(app, visit, UserName::Id(candidate.clone()), password).await?;
            if proven.is_none() {
                return Err(Error::refused(Code::LoginFailed, "User name or password is wrong."));
            }
            Decision::Theirs(candidate)
        }
    };
    arrive::decided(app, visit, tenant, it, waiting, decision).await
}

/// Takes what somebody says about what an application may know.
pub async fn consent(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    handle: &str,
    csrf: &str,
    allow: bool,
) -> Result<Step> {
    let it = match posted(app, visit, tenant, handle, csrf).await? {
        Posted::Going(it) => *it,
        Posted::Late(step) => return Ok(step),
    };
    let (Stage::Consent, Some(request)) = (it.stage, it.request.clone()) else { return Err(gone_on()) };
    let mut trace = Trace::default();
    if !allow {
        let error = Error::refused(Code::AccessDenied, "Somebody said no.");
        return arrive::end(app, visit, tenant, it, trace, error).await;
    }
    let session = theirs(app, visit, tenant, &it).await?;
    let client = complete::client(app, tenant, &it).await?.ok_or_else(gone_on)?;
    let mut agreed = store::consent::get(&mut app.store.read().await?, &session.user_id, &request.client_id).await?;
    agreed.extend(request.scopes.iter().cloned());
    let from = it.stage;
    let mut it = it;
    it.stage = Stage::Done;
    trace.went("consent", json!({"allowed": request.scopes}));
    let mut tx = app.store.write().await?;
    store::consent::put(&mut tx, &session.user_id, &request.client_id, &agreed, app.now()).await?;
    let next = complete::answered(app, &mut tx, tenant, &client, &request, &session, &mut trace).await?;
    complete::advance(app, tx, visit, &mut it, from, trace).await?;
    Ok(Step { next, cookies: vec![complete::gone(&it)] })
}

/// The session that a sign-in has led to, if it is still this browser's.
async fn theirs(app: &App, visit: &Visit<'_>, tenant: &Tenant, it: &SignIn) -> Result<crate::model::session::Session> {
    let here = session::current(app, tenant, visit).await?;
    here.filter(|s| it.session_id.as_ref() == Some(&s.id)).ok_or_else(gone_on)
}

/// Begins a sign-in for a device that waits with this code. Who is signed in already is asked at once.
pub async fn for_device(app: &App, visit: &Visit<'_>, tenant: &Tenant, user_code: &str) -> Result<Step> {
    let waiting = oauth::device::look(app, tenant, user_code).await?;
    let (mut sign_in, handle, cookies) = found::fresh(app, visit, tenant, None)?;
    sign_in.device_id = Some(waiting.device_id);
    insert(app, visit, &mut sign_in).await?;
    match session::current(app, tenant, visit).await? {
        Some(session) => {
            let ending = Ending { visit, tenant, sign_in, handle: &handle, client: None, trace: Trace::default() };
            let mut step = complete::go_on(app, ending, &session).await?;
            step.cookies.extend(cookies);
            Ok(step)
        }
        None => Ok(Step { next: Next::Show(Page::Login(handle)), cookies }),
    }
}

/// Takes what somebody says about a device; the cookies are to be set.
pub async fn decide_device(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    handle: &str,
    csrf: &str,
    allow: bool,
) -> Result<Vec<SetCookie>> {
    let Posted::Going(it) = posted(app, visit, tenant, handle, csrf).await? else {
        return Err(Error::refused(Code::Expired, "The sign-in took too long. Start again."));
    };
    let it = *it;
    let (Stage::Consent, Some(device_id)) = (it.stage, it.device_id.clone()) else { return Err(gone_on()) };
    let session = theirs(app, visit, tenant, &it).await?;
    let from = it.stage;
    let mut it = it;
    it.stage = Stage::Done;
    let mut trace = Trace::default();
    trace.went("device", json!({"allowed": allow}));
    let mut tx = app.store.write().await?;
    oauth::device::decide(app, &mut tx, tenant, &device_id, &session, allow).await?;
    complete::advance(app, tx, visit, &mut it, from, trace).await?;
    Ok(vec![complete::gone(&it)])
}
