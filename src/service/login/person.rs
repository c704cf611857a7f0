//! What a person decides on the pages of a sign-in (tenant-login §7.5, §11): how to sign in, whether an account is theirs, what
//! an application may know, whether a device may come in.

use serde_json::json;

use super::authorize::{insert, usable};
use super::complete::{self, Ending, Proven};
use super::depart::{self, Start};
use super::found::{self, Kept};
use super::session::Proof;
use super::trace::Trace;
use super::{Next, Page, SetCookie, Step, Visit, answer, arrive, form_token};
use crate::error::{Code, Error, Result};
use crate::model::auth_request::{DomainName, UserName};
use crate::model::sign_in::{SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::model::user::{Identity, normal_email};
use crate::secret::{Secret, same};
use crate::service::federated_login::linking::{Decision, is_of};
use crate::service::proof::{self, Ended};
use crate::service::tenant::{self as tenants};
use crate::service::{App, issue, oauth, session};
use crate::store;

/// Longest name that is looked for, in characters.
const MAX_NAME: usize = 320;

/// What a page of a sign-in shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Where it stands.
    pub stage: Stage,
    /// What the application is called.
    pub application: Option<String>,
    /// Whether the application is somebody else's.
    pub third_party: bool,
    /// The application's redirect URI: forms that end there must be let through to it.
    pub returns_to: Option<String>,
    /// Who it probably is.
    pub login_hint: Option<String>,
    /// Identity providers.
    pub buttons: Vec<Button>,
    /// Whether one may sign in with a password of this service.
    pub local_login: bool,
    /// Whether an e-mail address may lead to an identity provider.
    pub home_realms: bool,
    /// What its forms bring back.
    pub csrf: String,
    /// The account that may be theirs, not all of it legible.
    pub account: Option<String>,
    /// Whether they can prove that it is theirs.
    pub may_prove: bool,
    /// Whether they may have another account instead.
    pub may_separate: bool,
    /// The identity provider that they came by.
    pub provider: Option<String>,
    /// What the application asks for.
    pub scopes: Vec<String>,
    /// Who is signed in.
    pub user: Option<String>,
    /// Whether a device waits for it.
    pub device: bool,
}

/// An identity provider on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// Its id.
    pub idp_id: String,
    /// What it is called.
    pub name: String,
    /// What the button says.
    pub text: String,
    /// Its picture.
    pub icon_url: Option<String>,
    /// What kind it is, for its picture.
    pub preset: Option<String>,
    /// The protocol's kind.
    pub kind: &'static str,
    /// Where the button leads.
    pub url: String,
}

/// What somebody says about an account that may be theirs.
#[derive(Debug)]
pub enum Confirmation {
    /// It is, and this is its password.
    Password(Secret),
    /// They want another.
    Separate,
    /// They do not want to sign in.
    Cancel,
}

/// Where an identity provider's sign-in begins.
pub fn login_url(app: &App, tenant: &Tenant, offered: &Offered) -> String {
    let base = tenant.base(&app.public_url);
    let end = if offered.kind == "oidc" { "authorize" } else { "login" };
    format!("{base}/federation/{}/{}/{end}", offered.kind, offered.idp_id)
}

/// Whether somebody with this e-mail address is sent to an identity provider. It says nothing of who is there.
pub fn is_home_realm(offered: &Offered, email: &str) -> bool {
    is_of(email, &offered.settings.domains)
}

/// What a button says.
pub fn button_text(offered: &Offered) -> String {
    offered.settings.button_text.clone().unwrap_or_else(|| format!("Sign in with {}", offered.name))
}

/// Begins a sign-in without an application. Who is signed in already goes on.
pub async fn open(app: &App, visit: &Visit<'_>, tenant: &Tenant) -> Result<Step> {
    let (sign_in, handle, cookies) = found::fresh(app, visit, tenant, None)?;
    insert(app, visit, tenant, &sign_in).await?;
    Ok(Step { next: Next::Show(Page::Login(handle)), cookies })
}

/// What a page of a sign-in shows to the browser that began it.
pub async fn view(app: &App, visit: &Visit<'_>, tenant: &Tenant, handle: &str) -> Result<View> {
    let (it, cookie) = found::by_handle(app, visit, tenant, handle).await?;
    check_time(app, &it)?;
    let client = match &it.request {
        Some(request) => tenants::client(app, &tenant.id, &request.client_id).await?,
        None => None,
    };
    let offered = match &client {
        Some(client) => usable(app, tenant, client).await?,
        None => tenants::offered(app, tenant).await?.to_vec(),
    };
    let button = |o: &Offered| Button {
        idp_id: o.idp_id.clone(),
        name: o.name.clone(),
        text: button_text(o),
        icon_url: o.settings.icon_url.clone(),
        preset: o.settings.preset.clone(),
        kind: o.kind,
        url: format!("{}?login={handle}", login_url(app, tenant, o)),
    };
    let shown = |o: &&Offered| o.settings.show_on_login && o.kind != "ldap";
    let mut conn = app.store.read().await?;
    let user = match &it.user_id {
        Some(id) => store::user::get(&mut conn, id).await?,
        None => None,
    };
    let (mut account, mut may_prove) = (None, false);
    if it.stage == Stage::Confirm
        && let Some(waiting) = Kept::open(app, &it)?.waiting
        && let Some(candidate) = store::user::get(&mut conn, &waiting.candidate).await?
    {
        account = Some(masked(&candidate));
        may_prove = store::user::login_state(&mut conn, &candidate.user.id).await?.is_some_and(|s| s.hash.is_some());
    }
    drop(conn);
    let provider = it.idp_id.as_ref().and_then(|id| offered.iter().find(|o| o.idp_id == *id));
    let device = match &it.device_id {
        Some(device_id) => Some(oauth::device::by_id(app, tenant, device_id).await?),
        None => None,
    };
    let (application, scopes) = match (device, &it.request) {
        (Some(device), _) => (Some(device.client_name), device.scopes),
        (None, Some(request)) => (client.as_ref().map(|c| c.application.name.clone()), request.scopes.clone()),
        (None, None) => (None, Vec::new()),
    };
    Ok(View {
        stage: it.stage,
        application,
        third_party: client.as_ref().is_some_and(|c| c.application.settings.third_party),
        returns_to: it.request.as_ref().map(|r| r.redirect_uri.clone()),
        login_hint: it.request.as_ref().and_then(|r| r.login_hint.clone()),
        buttons: offered.iter().filter(shown).map(button).collect(),
        local_login: tenant.settings.local_login,
        home_realms: offered.iter().any(|o| !o.settings.domains.is_empty() && o.kind != "ldap"),
        csrf: form_token(&cookie, &it.id),
        account,
        may_prove,
        // Where it is the only way on, nobody is kept out for somebody else's address.
        may_separate: true,
        provider: provider.map(|o| o.name.clone()),
        scopes,
        user: user.map(|i| i.user.display_name().to_owned()),
        device: it.device_id.is_some(),
    })
}

/// An account's address or name with most of it illegible.
fn masked(identity: &Identity) -> String {
    let shown = identity.user.email().unwrap_or(&identity.user.name);
    let (local, domain) = shown.split_once('@').map_or((shown, ""), |(l, d)| (l, d));
    let first: String = local.chars().take(1).collect();
    if domain.is_empty() { format!("{first}•••") } else { format!("{first}•••@{domain}") }
}

fn check_time(app: &App, it: &SignIn) -> Result<()> {
    if it.stage == Stage::Done {
        return Err(Error::refused(Code::StateReused, "This sign-in has ended. Start again."));
    }
    if app.now() >= it.expires_at {
        return Err(Error::refused(Code::Expired, "The sign-in took too long. Start again."));
    }
    Ok(())
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
    match check_time(app, &it) {
        Ok(()) => Ok(Posted::Going(Box::new(it))),
        Err(error @ Error::Refused { code: Code::Expired, .. }) => {
            arrive::end(app, visit, tenant, it, Trace::default(), error).await.map(Posted::Late)
        }
        Err(error) => Err(error),
    }
}

fn gone_on() -> Error {
    Error::refused(Code::StateReused, "This sign-in has gone on already. Start again.")
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
    let identity = prove(app, visit, tenant, username, password).await?.ok_or_else(failed)?;
    let (sign_in, handle) = match (stored, handle) {
        (Some(it), Some(handle)) => (it, handle.to_owned()),
        _ => {
            let (it, handle, _) = found::fresh(app, visit, tenant, None)?;
            insert(app, visit, tenant, &it).await?;
            (it, handle)
        }
    };
    let mut trace = Trace::default();
    trace.went("password", json!({"user_id": identity.user.id}));
    let request = sign_in.request.clone();
    let proven = Proven { identity, proof: Proof::by_password(app), created: false, idp: None };
    let ending = Ending { visit, tenant, sign_in, handle: &handle, trace };
    match complete::sign_in(app, ending, proven).await {
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
) -> Result<Option<Identity>> {
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

async fn by_password(app: &App, visit: &Visit<'_>, name: UserName, password: Secret) -> Result<Option<Identity>> {
    match proof::by_password(app, visit.origin, "tenant.login", &name, password, Ended::Refused).await {
        Ok(right) if issue::satisfies_mfa_rules(&right.identity.user, &["password".to_owned()]) => {
            Ok(Some(right.identity))
        }
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
    let decision = match confirmation {
        Confirmation::Cancel => {
            let error = Error::refused(Code::AccessDenied, "The sign-in was cancelled.");
            return arrive::end(app, visit, tenant, it, Trace::default(), error).await;
        }
        Confirmation::Separate => Decision::Another,
        Confirmation::Password(password) => {
            let waiting = Kept::open(app, &it)?.waiting;
            let candidate = waiting.map(|w| w.candidate).unwrap_or_default();
            let proven = by_password(app, visit, UserName::Id(candidate.clone()), password).await?;
            if proven.is_none() {
                return Err(Error::refused(Code::LoginFailed, "User name or password is wrong."));
            }
            Decision::Theirs(candidate)
        }
    };
    arrive::decided(app, visit, tenant, it, decision).await
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
    let mut agreed = store::consent::get(&mut app.store.read().await?, &session.user_id, &request.client_id).await?;
    agreed.extend(request.scopes.iter().cloned());
    let from = it.stage;
    let mut it = it;
    it.stage = Stage::Done;
    trace.went("consent", json!({"allowed": request.scopes}));
    let mut tx = app.store.write().await?;
    store::consent::put(&mut tx, &session.user_id, &request.client_id, &agreed, app.now()).await?;
    let next = complete::answered(app, &mut tx, tenant, &request, &session, &mut trace).await?;
    complete::advance(app, tx, visit, tenant, &it, from, trace).await?;
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
    insert(app, visit, tenant, &sign_in).await?;
    match session::current(app, tenant, visit).await? {
        Some(session) => {
            let ending = Ending { visit, tenant, sign_in, handle: &handle, trace: Trace::default() };
            let mut step = complete::go_on(app, ending, &session).await?;
            step.cookies.extend(cookies);
            Ok(step)
        }
        None => Ok(Step { next: Next::Show(Page::Login(handle)), cookies }),
    }
}

/// Takes what somebody says about a device: the cookie of the sign-in goes.
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
    complete::advance(app, tx, visit, tenant, &it, from, trace).await?;
    Ok(vec![complete::gone(&it)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::a_user;

    #[test]
    fn of_an_account_that_may_be_somebody_elses_little_is_legible() {
        let identity = |email: Option<&str>| {
            let mut user = a_user("ann", "d");
            user.name = "annabel".to_owned();
            user.extra.extend(email.map(|e| ("email".to_owned(), json!(e))));
            Identity { user, domain_name: String::new(), domain_enabled: true, active_at: crate::clock::Timestamp(0) }
        };
        assert_eq!(masked(&identity(Some("annabel@acme.example"))), "a•••@acme.example");
        assert_eq!(masked(&identity(None)), "a•••");
    }
}
