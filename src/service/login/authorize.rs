//! The authorization endpoint (OpenID Connect Core §3.1.2; tenant-login §9.3): a code at once where somebody is signed in, else
//! the way that the application, the tenant or the person chooses.

use serde_json::json;

use super::depart::{self, Start};
use super::request::{self, Asked, Parameters};
use super::trace::Trace;
use super::{Next, Page, Step, Visit, answer, complete, found};
use crate::error::{Code, Error, Result};
use crate::model::session::Session;
use crate::model::sign_in::{Prompt, Request, SignIn};
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::service::federated_login::linking::is_of;
use crate::service::tenant::{self, Client};
use crate::service::{App, session};

/// Takes an application's request.
pub async fn authorize(app: &App, visit: &Visit<'_>, tenant: &Tenant, parameters: &[(String, String)]) -> Result<Step> {
    let parameters = Parameters(parameters);
    let (request, client) = match request::read(app, tenant, parameters).await? {
        Asked::Right(request, client) => (request, client),
        Asked::Wrong(answer, _) => return Ok(Step { next: Next::Answer(answer), cookies: Vec::new() }),
    };
    let done = asked(app, visit, tenant, &client, &request, parameters.get("idp_hint")).await;
    match done {
        Ok(step) => Ok(step),
        Err(error) => answer::failure(app, tenant, Some(&request), error),
    }
}

async fn asked(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    client: &Client,
    request: &Request,
    idp_hint: Option<&str>,
) -> Result<Step> {
    let silent = request.prompt.contains(&Prompt::None);
    let here = session::current(app, tenant, visit).await?.filter(|s| is_enough(s, request, app.now().secs()));
    if let Some(session) = here {
        if let Some(next) = complete::at_once(app, tenant, client, request, &session).await? {
            return Ok(Step { next, cookies: Vec::new() });
        }
        if silent {
            return Err(Error::refused(Code::ConsentRequired, "Somebody has to agree."));
        }
        let (mut sign_in, handle, cookies) = found::fresh(app, visit, tenant, Some(request.clone()))?;
        insert(app, visit, &mut sign_in).await?;
        let (client, trace) = (Some(client), Trace::default());
        let ending = complete::Ending { visit, tenant, sign_in, handle: &handle, client, trace };
        let mut step = complete::go_on(app, ending, &session).await?;
        step.cookies.extend(cookies);
        return Ok(step);
    }
    if silent {
        return Err(Error::refused(Code::LoginRequired, "Nobody is signed in."));
    }
    let offered = usable(app, tenant, client).await?;
    if let Some(chosen) = chosen(tenant, &offered, request, idp_hint) {
        let start = Start::New(Some(Box::new(request.clone())));
        return depart::leave(app, visit, tenant, chosen, start, None).await;
    }
    let (mut sign_in, handle, cookies) = found::fresh(app, visit, tenant, Some(request.clone()))?;
    insert(app, visit, &mut sign_in).await?;
    Ok(Step { next: Next::Show(Page::Login(handle)), cookies })
}

/// Stores a sign-in that has just begun.
pub(super) async fn insert(app: &App, visit: &Visit<'_>, it: &mut SignIn) -> Result<()> {
    let mut trace = Trace::default();
    let request = it.request.as_ref();
    trace.went(
        "begin",
        json!({
            "client_id": request.map(|r| r.client_id.as_str()),
            "redirect_uri": request.map(|r| r.redirect_uri.as_str()),
            "scopes": request.map(|r| r.scopes.as_slice()),
            "prompt": request.map(|r| r.prompt.as_slice()),
            "max_age": request.and_then(|r| r.max_age),
            "pkce": request.is_some_and(|r| r.code_challenge.is_some()),
        }),
    );
    trace.begin(app, &mut app.store.write_once().await?, visit.origin, it).await
}

/// Whether a session will do for what is asked for.
fn is_enough(session: &Session, request: &Request, now_secs: i64) -> bool {
    let anew = request.prompt.iter().any(|p| matches!(p, Prompt::Login | Prompt::SelectAccount));
    // A maximum of nothing asks for a new sign-in, as `prompt=login` does.
    let young = request.max_age.is_none_or(|age| age > 0 && session.auth_time.secs().saturating_add(age) >= now_secs);
    let theirs = request.expected_user.as_ref().is_none_or(|id| *id == session.user_id);
    !anew && young && theirs
}

/// The identity providers that an application takes.
pub(super) async fn usable(app: &App, tenant: &Tenant, client: &Client) -> Result<Vec<Offered>> {
    let allowed = &client.application.settings.allowed_idps;
    let offered = tenant::offered(app, tenant).await?;
    Ok(offered.iter().filter(|o| allowed.is_empty() || allowed.contains(&o.idp_id)).cloned().collect())
}

/// The identity provider that somebody is sent to without being asked: the one that the application names, the only one, or that
/// of the person's e-mail domain.
fn chosen<'a>(tenant: &Tenant, offered: &'a [Offered], request: &Request, hint: Option<&str>) -> Option<&'a Offered> {
    let away = |o: &&Offered| o.kind != "ldap";
    if let Some(hint) = hint {
        return offered.iter().filter(away).find(|o| o.idp_id == hint || o.name.eq_ignore_ascii_case(hint));
    }
    if request.prompt.contains(&Prompt::SelectAccount) {
        return None;
    }
    if let [only] = offered
        && !tenant.settings.local_login
        && only.kind != "ldap"
    {
        return Some(only);
    }
    let email = request.login_hint.as_deref()?;
    offered.iter().filter(away).find(|o| o.settings.auto_redirect && is_of(email, &o.settings.domains))
}
