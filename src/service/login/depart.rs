//! On the way to an identity provider (tenant-login §4.2).

use std::sync::Arc;

use serde_json::json;

use super::found::{Connects, Kept, Purpose};
use super::request::{self, Asked, Parameters};
use super::trace::{Trace, sent};
use super::unasked::Initiated;
use super::{Next, SetCookie, Step, Visit, answer, attempt_cookie, complete, found, link};
use crate::error::{Code, Error, Result};
use crate::model::sign_in::{Prompt, Request, SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::secret::digest;
use crate::service::saml_key::{self, Holder};
use crate::service::{App, connection, tenant};
use crate::upstream::{Ask, Begun, Own, Wishes};

/// Where identity providers of a kind send the browser back to: one address for each tenant and kind.
pub fn callback_uri(app: &App, tenant: &Tenant, kind: &str) -> String {
    let place = if kind == "saml" { "acs" } else { "callback" };
    format!("{}/federation/{kind}/{place}", tenant.base(&app.public_url))
}

/// The identity provider of that kind that a tenant offers, or 404: one of another tenant, of another kind or one that is
/// switched off looks the same.
pub(super) async fn offered(app: &App, tenant: &Tenant, kind: &str, idp_id: &str) -> Result<Offered> {
    let all = tenant::offered(app, tenant).await?;
    let found = all.iter().find(|o| o.idp_id == idp_id && o.kind == kind).cloned();
    found.ok_or_else(|| Error::refused(Code::ProviderNotFound, "Identity provider not found"))
}

/// Begins a sign-in through an identity provider: one that a page of ours has begun (`login`), an application's, or one
/// without an application.
pub async fn depart(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    kind: &str,
    idp_id: &str,
    parameters: &[(String, String)],
) -> Result<Step> {
    let offered = offered(app, tenant, kind, idp_id).await?;
    let parameters = Parameters(parameters);
    parameters.check()?;
    let hint = parameters.get("login_hint");
    if let Some(handle) = parameters.get("login") {
        let (sign_in, _) = found::open(app, visit, tenant, handle).await?;
        return leave(app, visit, tenant, &offered, Start::Stored(Box::new(sign_in)), hint).await;
    }
    if let Some(purpose) = parameters.get("purpose") {
        if purpose != "link" || parameters.is_of_application() {
            let text = "purpose: the value must be link, and no application may ask for it";
            return Err(Error::refused(Code::InvalidRequest, text));
        }
        return link::begin(app, visit, tenant, &offered, hint).await;
    }
    if !parameters.is_of_application() {
        return leave(app, visit, tenant, &offered, Start::New(None), hint).await;
    }
    if parameters.get("client_id").is_none() {
        return Err(Error::refused(Code::InvalidRequest, "client_id is missing"));
    }
    match request::read(app, tenant, parameters).await? {
        Asked::Right(request, client) => {
            let allowed = &client.application.settings.allowed_idps;
            if !allowed.is_empty() && !allowed.contains(&offered.idp_id) {
                let error = Error::refused(Code::AccessDenied, "The application does not take this identity provider.");
                return answer::failure(app, tenant, Some(&request), error);
            }
            leave(app, visit, tenant, &offered, Start::New(Some(request)), hint).await
        }
        Asked::Wrong(answer, _) => Ok(Step { next: Next::Answer(answer), cookies: Vec::new() }),
    }
}

/// What a departure begins from.
pub(super) enum Start {
    /// Nothing: what an application asks for, if one does.
    New(Option<Box<Request>>),
    /// A sign-in that is stored.
    Stored(Box<SignIn>),
    /// Nothing: somebody who is signed in wants another way into their account.
    Connect(Connects),
    /// Nothing: the identity provider has sent somebody.
    Initiated(Initiated),
}

impl Start {
    fn request(&self) -> Option<&Request> {
        match self {
            Self::New(request) => request.as_deref(),
            Self::Stored(sign_in) => sign_in.request.as_ref(),
            Self::Connect(_) | Self::Initiated(_) => None,
        }
    }
}

/// Sends the browser away. Whatever fails is told to the application.
pub(super) async fn leave(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    offered: &Offered,
    start: Start,
    hint: Option<&str>,
) -> Result<Step> {
    let request = start.request().cloned();
    match away(app, visit, tenant, offered, start, hint).await {
        Ok(step) => Ok(step),
        Err(error) => answer::failure(app, tenant, request.as_ref(), error),
    }
}

async fn away(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    offered: &Offered,
    start: Start,
    hint: Option<&str>,
) -> Result<Step> {
    let ready = connection::ready(app, &offered.idp_id, &offered.protocol_id).await?;
    let ready = ready.ok_or_else(|| Error::refused(Code::ProviderNotFound, "Identity provider not found"))?;
    let request = start.request();
    let anew = match &start {
        Start::Stored(it) if it.request.is_none() => Kept::open(app, it)?.purpose == Purpose::Recent,
        _ => false,
    };
    let (state, redirect_uri) = (app.random.token(), callback_uri(app, tenant, offered.kind));
    let acr_values = request.map(|r| r.acr_values.join(" ")).filter(|v| !v.is_empty());
    let required = Some(offered.settings.required_acr.join(" ")).filter(|v| !v.is_empty());
    let acr_values = required.or(acr_values);
    let hint = hint.or(request.and_then(|r| r.login_hint.as_deref())).filter(|h| h.len() <= 320);
    let wishes = Wishes {
        login_hint: hint.filter(|_| offered.settings.pass_login_hint),
        prompt: prompt(request, offered, anew),
        max_age: request.and_then(|r| r.max_age),
        acr_values: acr_values.as_deref(),
        ui_locales: request.and_then(|r| r.ui_locales.as_deref()),
        extra: &offered.settings.extra_params,
    };
    let own = own_keys(app, tenant, offered.kind).await?;
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&redirect_uri, &state).with_wishes(wishes);
    let ask = ask.with_own(own.as_deref());
    let begun = connection::begin(app, &ask).await.map_err(unreachable_upstream).map_err(answer::as_refusal)?;
    store_departure(app, visit, tenant, offered, start, &state, begun).await
}

/// The tenant's own keys, for a protocol that has such.
pub(in crate::service) async fn own_keys(app: &App, tenant: &Tenant, kind: &str) -> Result<Option<Arc<Own>>> {
    match kind {
        "saml" => saml_key::of(app, Holder::Tenant(tenant)).await.map(Some),
        _ => Ok(None),
    }
}

/// An identity provider that cannot be reached is not this service being away.
pub(super) fn unreachable_upstream(error: Error) -> Error {
    match error {
        Error::Unavailable { reason, .. } => {
            Error::refused_because(Code::UpstreamTimeout, "The identity provider cannot be reached.", reason)
        }
        other => other,
    }
}

/// What may and must be shown at the identity provider.
fn prompt<'a>(request: Option<&Request>, offered: &'a Offered, anew: bool) -> Option<&'a str> {
    let asked = |prompt| request.is_some_and(|r| r.prompt.contains(&prompt));
    if asked(Prompt::None) {
        Some("none")
    } else if anew || asked(Prompt::Login) {
        Some("login")
    } else if asked(Prompt::SelectAccount) {
        Some("select_account")
    } else {
        offered.settings.prompt.as_deref()
    }
}

async fn store_departure(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    offered: &Offered,
    start: Start,
    state: &str,
    begun: Begun,
) -> Result<Step> {
    let (mut it, from, cookies) = match start {
        Start::New(request) => {
            let (it, _, cookies) = found::fresh(app, visit, tenant, request.map(|r| *r))?;
            (it, None, cookies)
        }
        Start::Connect(connects) => {
            let (it, _, cookies) = found::fresh_for(app, visit, tenant, None, Purpose::Connect(connects))?;
            (it, None, cookies)
        }
        Start::Initiated(onward) => {
            let (it, _, cookies) = found::fresh_for(app, visit, tenant, None, Purpose::Initiated(onward))?;
            (it, None, cookies)
        }
        Start::Stored(sign_in) => {
            let from = sign_in.stage;
            (*sign_in, Some(from), Vec::new())
        }
    };
    it.stage = Stage::Away;
    it.upstream_state = Some(digest(state));
    it.idp_id = Some(offered.idp_id.clone());
    it.protocol_id = Some(offered.protocol_id.clone());
    it.memo = Some(app.sealer.seal(&it.id, begun.memo.to_text()?.expose(), &app.random)?);
    it.purge_at = found::kept_until(app, &it);
    let mut trace = Trace::default();
    let client_id = it.request.as_ref().map(|r| r.client_id.as_str());
    trace.went(
        "depart",
        json!({
            "identity_provider": offered.idp_id,
            "protocol": offered.protocol_id,
            "client_id": client_id,
            "sent": sent(&begun.begin),
        }),
    );
    match from {
        None => trace.begin(app, &mut app.store.write_once().await?, visit.origin, &mut it).await?,
        Some(from) => complete::advance(app, app.store.write().await?, visit, &mut it, from, trace).await?,
    }
    let expires_in = it.expires_at.secs() - app.now().secs();
    let cookies = cookies.into_iter().chain(refreshed(app, visit, &it)).collect();
    Ok(Step { next: Next::Leave { begin: begun.begin, expires_in }, cookies })
}

/// The cookie of a sign-in that is stored lasts as long as its tombstone from now on.
fn refreshed(app: &App, visit: &Visit<'_>, it: &SignIn) -> Option<SetCookie> {
    let name = attempt_cookie(&it.id);
    let value = (visit.cookie)(&name)?;
    let life = u64::try_from(it.purge_at.secs() - app.now().secs()).unwrap_or(0);
    Some(SetCookie { name, value, max_age_secs: life, cross_site: false })
}
