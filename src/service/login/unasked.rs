//! Sign-ins that begin at the identity provider (tenant-login §6.5): it sends somebody without having been asked.
//!
//! Nobody knows then whose browser it is, so it is refused unless the tenant says otherwise: either the sign-in begins anew from
//! here, which nobody can do in another's name, or the assertion is taken, which must be signed itself, young and new. An
//! application gets no code by that; it is told to ask for one (OpenID Connect Core §4).

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::assurance::check_levels;
use super::depart::{self, Start, callback_uri, leave, own_keys};
use super::found::{self, Kept, Purpose};
use super::trace::Trace;
use super::waiting::Waiting;
use super::{Next, Page, SetCookie, Step, Visit, answer, arrive};
use crate::error::{Code, Error, Result};
use crate::model::application::Application;
use crate::model::sign_in::Stage;
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::{IdpInitiated, Offered};
use crate::secret::{digest, same};
use crate::service::federated_login::linking::Decision;
use crate::service::federated_login::use_up;
use crate::service::{App, activity, connection, session, tenant};
use crate::upstream::{Answer, Ask, Identity};

/// How long an assertion may be good, in seconds.
const LONGEST_SECS: i64 = 300;
/// Identity providers that one issuer may be at a tenant, at most.
const MAX_CALLED: usize = 4;
/// Longest state that is looked at.
const MAX_STATE: usize = 2_048;

/// The cookie and the field by which a page of ours says that it has had the browser post something once more.
pub const AGAIN: &str = "again";
/// How long the cookie lasts, in seconds.
const AGAIN_SECS: u64 = 600;

/// The cookie of a page that has a browser post something once more, and the value of its field: what comes with both comes with
/// the browser's other cookies, too.
pub fn once_more(app: &App) -> (SetCookie, String) {
    let value = app.random.token();
    let field = digest(&value);
    (SetCookie { name: AGAIN.to_owned(), value, max_age_secs: AGAIN_SECS, cross_site: false }, field)
}

/// 400 for what only looks as if a page of ours had had it posted: nobody could be asked who is signed in.
fn check_again(visit: &Visit<'_>, answered: &Answer) -> Result<()> {
    let Some(field) = answered.one(AGAIN)? else { return Ok(()) };
    match (visit.cookie)(AGAIN) {
        Some(value) if same(&digest(&value), field) => Ok(()),
        _ => Err(Error::refused(Code::StateMismatch, "Cookies are switched off, or another site has sent this.")),
    }
}

/// Where somebody goes whom their identity provider has sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Initiated {
    /// The application's own beginning; none: where the tenant sends whoever comes without an application.
    pub(super) redirect_url: Option<String>,
}

/// Takes in whom the identity provider of that name sends.
pub(super) async fn receive(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    issuer: &str,
    answered: &Answer,
) -> Result<Step> {
    let state = answered.one("RelayState").ok().flatten().filter(|s| !s.is_empty() && s.len() <= MAX_STATE);
    for offered in called(app, tenant, issuer).await? {
        match offered.settings.idp_initiated {
            IdpInitiated::Deny => {}
            IdpInitiated::Restart => {
                let onward = onward(app, tenant, &offered, state).await?;
                return leave(app, visit, tenant, &offered, Start::Initiated(onward), None).await;
            }
            IdpInitiated::Accept => return accept(app, visit, tenant, &offered, state, answered).await,
        }
    }
    let text = format!("This sign-in did not begin here. Begin at {}/login.", tenant.pages(&app.public_url));
    Err(Error::refused(Code::Unsolicited, text))
}

/// The identity providers of a tenant that call themselves so.
pub(in crate::service) async fn called(app: &App, tenant: &Tenant, issuer: &str) -> Result<Vec<Offered>> {
    let mut found = Vec::new();
    for offered in tenant::offered(app, tenant).await?.iter().filter(|o| o.kind == "saml") {
        let Some(ready) = connection::ready(app, &offered.idp_id, &offered.protocol_id).await? else { continue };
        if app.saml.is_called(&Ask::new(&ready, app.now(), &app.random), issuer).await {
            found.push(offered.clone());
        }
        if found.len() == MAX_CALLED {
            break;
        }
    }
    Ok(found)
}

/// Where they go: to the application that the state names, or the one that is set. What else the state says counts only if it
/// is an address of that application.
async fn onward(app: &App, tenant: &Tenant, offered: &Offered, state: Option<&str>) -> Result<Initiated> {
    let find =
        async |id: &str| Ok::<_, Error>(tenant::client(app, &tenant.id, id).await?.filter(|c| c.application.enabled));
    let named = match state.filter(|s| s.len() <= 64) {
        Some(id) => find(id).await?,
        None => None,
    };
    let set = match (&named, &offered.settings.default_app_id) {
        (None, Some(id)) => find(id).await?,
        _ => None,
    };
    let Some(client) = named.or(set) else { return Ok(Initiated::default()) };
    let begins = client.application.settings.initiate_login_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
    let Some(mut url) = begins else { return Ok(Initiated::default()) };
    url.query_pairs_mut().append_pair("iss", &tenant.issuer(&app.public_url));
    if let Some(target) = state.filter(|target| is_at(&client.application, target)) {
        url.query_pairs_mut().append_pair("target_link_uri", target);
    }
    Ok(Initiated { redirect_url: Some(url.into()) })
}

/// Whether an address is at the application.
fn is_at(application: &Application, target: &str) -> bool {
    // What a lenient reader would have to mend is no address.
    let is_plain = target.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let begins = ["https://", "http://"].iter().any(|scheme| target.starts_with(scheme));
    let Some(url) = Url::parse(target).ok().filter(|_| is_plain && begins) else { return false };
    let plain = url.username().is_empty() && url.password().is_none() && url.origin().is_tuple();
    let settings = &application.settings;
    let same = |known: &String| Url::parse(known).is_ok_and(|known| known.origin() == url.origin());
    plain && settings.redirect_uris.iter().chain(&settings.initiate_login_uri).any(same)
}

/// Takes the assertion.
async fn accept(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    offered: &Offered,
    state: Option<&str>,
    answered: &Answer,
) -> Result<Step> {
    check_again(visit, answered)?;
    let ready = connection::ready(app, &offered.idp_id, &offered.protocol_id).await?;
    let ready = ready.ok_or_else(|| Error::refused(Code::ProviderNotFound, "Identity provider not found"))?;
    let own = own_keys(app, tenant, offered.kind).await?;
    let place = callback_uri(app, tenant, offered.kind);
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&place, "").with_own(own.as_deref());
    let identity = app.saml.unsolicited(&ask, answered, Some(LONGEST_SECS)).await;
    let identity = identity.map_err(depart::unreachable_upstream).map_err(answer::as_refusal)?;
    check_levels(offered, &identity, app.now())?;
    use_up(app, Some(tenant), &offered.idp_id, &identity).await?.allowed()?;
    let onward = onward(app, tenant, offered, state).await?;
    let (mut it, handle, cookies) = found::fresh_for(app, visit, tenant, None, Purpose::Initiated(onward))?;
    it.stage = Stage::Judged;
    it.idp_id = Some(offered.idp_id.clone());
    it.protocol_id = Some(offered.protocol_id.clone());
    let other = signed_in_as_another(app, visit, tenant, offered, &identity).await?;
    if let Some(user_id) = other {
        let kept = Kept::open(app, &it)?;
        let waiting = Some(Waiting::to_switch(&identity, &user_id));
        it.stage = Stage::Confirm;
        it.found = Some(Kept { waiting, ..kept }.seal(app, &it.id)?);
    }
    let mut trace = Trace::default();
    arrive::note_identity(&mut trace, &offered.idp_id, &identity);
    trace.went("unasked", json!({"identity_provider": offered.idp_id, "asks": it.stage == Stage::Confirm}));
    trace.begin(app, &mut app.store.write_once().await?, visit.origin, &mut it).await?;
    if it.stage == Stage::Confirm {
        return Ok(Step { next: Next::Show(Page::Confirm(handle)), cookies });
    }
    let step = arrive::judge(app, visit, tenant, it, identity, Decision::Open, Trace::default()).await?;
    Ok(Step { cookies: cookies.into_iter().chain(step.cookies).collect(), ..step })
}

/// Whoever else is signed in with this browser.
async fn signed_in_as_another(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    offered: &Offered,
    identity: &Identity,
) -> Result<Option<String>> {
    let Some(session) = session::current(app, tenant, visit).await? else { return Ok(None) };
    let same = session.upstream.as_ref().is_some_and(|upstream| {
        upstream.idp_id == offered.idp_id && Some(&upstream.subject) == identity.session_name.as_ref()
    });
    let user = activity::user(app, &mut app.store.read().await?, &session.user_id).await?;
    Ok(user.filter(|_| !same).map(|user| user.user.id))
}
