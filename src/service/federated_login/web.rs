//! WebSSO: a browser on its way from a dashboard to the identity provider and back with a token.
//!
//! The dashboard is compared with the configured ones before anything else. Each attempt has a state, and a cookie that
//! binds it to the browser that began it (security rule 7); what the upstream has to remember lies sealed in the row, so any
//! node can go on. The address that the identity provider sends the browser back to is one for each way in, so that an
//! answer of one provider can never be taken for another's.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::used::once_only;
use super::{Presented, Proxied, Route, enter};
use crate::error::{Error, Result};
use crate::model::auth_request::Asked;
use crate::model::login_session::LoginSession;
use crate::secret::{Secret, digest};
use crate::service::caller::Origin;
use crate::service::issue::Issued;
use crate::service::saml_key::{self, Holder};
use crate::service::{App, connection};
use crate::store;
use crate::upstream::{Answer, Ask, Begin, Identity, Memo, Own, Ready};

/// What RFC 3986 §2.3 leaves as it is: identity providers compare addresses as texts.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// How the names of the cookies of attempts begin.
pub const COOKIE_BEGINNING: &str = "archstone-login-";
/// Longest state that is looked for, in bytes.
pub(super) const MAX_STATE: usize = 256;
/// Longest `origin`, in bytes.
const MAX_ORIGIN: usize = 2_048;

/// What the browser does next.
#[derive(Debug)]
pub enum Step {
    /// It goes to the identity provider and keeps a cookie meanwhile.
    Go {
        /// Where to, and how.
        begin: Begin,
        /// The cookie.
        cookie: Cookie,
    },
    /// It chooses between identity providers: what each is called and where it leads.
    Choose(Vec<(String, String)>),
    /// It takes the token to the dashboard, or keeps it where none was named.
    Take {
        /// The dashboard.
        origin: Option<String>,
        /// The token.
        issued: Issued,
    },
}

/// A cookie that a browser or a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// How long it lasts, in seconds.
    pub life: u64,
    /// Where it is brought, below the public URL.
    pub path: &'static str,
}

/// Where browsers post what SAML identity providers answer, below the public URL, and where they bring the cookie of it.
pub const ACS: &str = "/v3-ext/auth/OS-FEDERATION/SSO/SAML2/POST";
const COOKIE_PATH: &str = "/v3-ext/auth/OS-FEDERATION/SSO/";
/// Where a browser has to bring the cookie of an attempt that comes back with a query.
const CALLBACK_PATH: &str = "/v3/auth/OS-FEDERATION/";

/// Refuses a dashboard that is not configured. Schemes and hosts have no case; everything else is compared as it is written,
/// so that no other spelling of an address counts.
pub fn check_origin(app: &App, origin: Option<&str>) -> Result<String> {
    let origin = origin.ok_or_else(|| Error::invalid("Request must have an origin query parameter"))?;
    let known = |dashboard: &String| normal(dashboard) == normal(origin);
    if origin.len() <= MAX_ORIGIN && app.config.federation.trusted_dashboards.iter().any(known) {
        Ok(origin.to_owned())
    } else {
        Err(Error::unauthorized("the origin is no trusted dashboard"))
    }
}

/// An address with its scheme and host in lower case.
fn normal(address: &str) -> String {
    let host = address.find("://").map_or(0, |at| at + 3);
    let path = address.get(host..).and_then(|rest| rest.find('/')).map_or(address.len(), |at| host + at);
    let (front, rest) = address.split_at(path);
    front.to_ascii_lowercase() + rest
}

/// The path of the web page that begins a log-in by one way in.
fn websso_path(idp_id: &str, protocol_id: &str) -> String {
    let part = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    format!("/v3/auth/OS-FEDERATION/identity_providers/{}/protocols/{}", part(idp_id), part(protocol_id))
}

/// The path of a protocol.
pub(super) fn protocol_path(idp_id: &str, protocol_id: &str) -> String {
    let part = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    format!("/v3/OS-FEDERATION/identity_providers/{}/protocols/{}", part(idp_id), part(protocol_id))
}

/// Where the identity provider sends the browser back to.
pub fn redirect_uri(app: &App, idp_id: &str, protocol_id: &str) -> String {
    format!("{}{}/callback", app.public_url, websso_path(idp_id, protocol_id))
}

/// Where the answers of a connection come to: those of SAML all to one place, as identity providers know us by it.
fn answers_come_to(app: &App, ready: &Ready) -> String {
    let connection = &ready.connection;
    match connection.settings.kind() {
        "saml" => format!("{}{ACS}", app.public_url),
        _ => redirect_uri(app, &connection.idp_id, &connection.protocol_id),
    }
}

/// The service's own keys, for a connection that needs such.
pub(super) async fn own_keys(app: &App, ready: &Ready) -> Result<Option<Arc<Own>>> {
    match ready.connection.settings.kind() {
        "saml" => saml_key::of(app, Holder::Service).await.map(Some),
        _ => Ok(None),
    }
}

/// The cookie of an attempt: each has one of its own, so that two windows do not take each other's.
fn cookie_name(session_id: &str) -> String {
    format!("{COOKIE_BEGINNING}{}", session_id.get(..12).unwrap_or(session_id))
}

/// Begins a log-in where only the protocol is named.
pub async fn begin_by_protocol(
    app: &App,
    origin: &Origin,
    protocol_id: &str,
    dashboard: String,
    proxied: Option<Proxied>,
) -> Result<Step> {
    if let Some(proxied) = proxied {
        let idp_id = proxied.identity_provider(app, protocol_id).await?;
        return take(app, origin, &idp_id, protocol_id, Some(dashboard), Presented::Proxied(proxied)).await;
    }
    // One question whatever their number: anybody may ask for this page.
    let mut open = store::connection::identity_providers(&mut app.store.read().await?, protocol_id).await?;
    match open.as_slice() {
        [] => Err(Error::not_found(format!("Could not find an identity provider for the protocol {protocol_id}."))),
        [_] => begin(app, &open.swap_remove(0).0, protocol_id, Some(dashboard)).await,
        several => {
            let back: String = utf8_percent_encode(&dashboard, NON_ALPHANUMERIC).to_string();
            let entry = |(id, description): &(String, Option<String>)| {
                let name = description.clone().filter(|d| !d.is_empty() && d.len() <= 80);
                let url = format!("{}{}/websso?origin={back}", app.public_url, websso_path(id, protocol_id));
                (name.unwrap_or_else(|| id.clone()), url)
            };
            Ok(Step::Choose(several.iter().map(entry).collect()))
        }
    }
}

/// Begins a log-in by one way in.
pub async fn begin_by_identity_provider(
    app: &App,
    origin: &Origin,
    idp_id: &str,
    protocol_id: &str,
    dashboard: Option<String>,
    proxied: Option<Proxied>,
) -> Result<Step> {
    match proxied {
        Some(proxied) => take(app, origin, idp_id, protocol_id, dashboard, Presented::Proxied(proxied)).await,
        None => begin(app, idp_id, protocol_id, dashboard).await,
    }
}

async fn begin(app: &App, idp_id: &str, protocol_id: &str, dashboard: Option<String>) -> Result<Step> {
    Route::open(app, &mut app.store.read().await?, idp_id, protocol_id).await?;
    let ready = connection::ready(app, idp_id, protocol_id).await?;
    let ready = ready.ok_or_else(|| Error::unauthorized("the protocol has no connection to sign in by"))?;
    let (state, browser) = (app.random.token(), app.random.token());
    let (redirect_uri, own) = (answers_come_to(app, &ready), own_keys(app, &ready).await?);
    let now = app.now();
    let ask = Ask::new(&ready, now, &app.random).with_browser(&redirect_uri, &state).with_own(own.as_deref());
    let begun = connection::begin(app, &ask).await?;
    let id = digest(&state);
    remember(app, &ready, &id, &digest(&browser), dashboard, &begun.memo.to_text()?).await?;
    let path = if own.is_some() { COOKIE_PATH } else { CALLBACK_PATH };
    let life = app.config.federation.login_session_secs;
    Ok(Step::Go { begin: begun.begin, cookie: Cookie { name: cookie_name(&id), value: browser, life, path } })
}

/// Keeps what a log-in has to remember, for whoever brings this back.
pub(super) async fn remember(
    app: &App,
    ready: &Ready,
    id: &str,
    browser: &str,
    dashboard: Option<String>,
    memo: &Secret,
) -> Result<()> {
    let life = i64::try_from(app.config.federation.login_session_secs).unwrap_or(i64::MAX);
    let session = LoginSession {
        id: id.to_owned(),
        browser: browser.to_owned(),
        idp_id: ready.connection.idp_id.clone(),
        protocol_id: ready.connection.protocol_id.clone(),
        origin: dashboard,
        memo: app.sealer.seal(id, memo.expose(), &app.random)?,
        expires_at: app.now().plus_secs(life),
    };
    let mut tx = app.store.write().await?;
    store::login_session::insert(&mut tx, &session).await?;
    app.commit(tx).await
}

/// Nobody waits for what was brought.
pub(super) fn ended() -> Error {
    Error::unauthorized("no log-in of this browser waits for that answer")
}

/// Takes out what was kept for whoever brings this back.
pub(super) async fn recall(app: &App, id: &str, browser: &str) -> Result<LoginSession> {
    let mut tx = app.store.write().await?;
    let session = store::login_session::take(&mut tx, id, browser, app.now()).await?;
    app.commit(tx).await?;
    session.ok_or_else(ended)
}

/// The same for a browser that has the cookie of that attempt.
pub(super) async fn recall_of_browser(
    app: &App,
    id: &str,
    cookie: impl Fn(&str) -> Option<String>,
) -> Result<LoginSession> {
    let browser = cookie(&cookie_name(id)).ok_or_else(ended)?;
    recall(app, id, &digest(&browser)).await
}

/// Goes on when the browser comes back from the identity provider with these parameters. `cookie` finds a cookie of the browser by its name.
pub async fn finish(
    app: &App,
    origin: &Origin,
    idp_id: &str,
    protocol_id: &str,
    parameters: Vec<(String, String)>,
    cookie: impl Fn(&str) -> Option<String>,
) -> Result<Step> {
    let answer = Answer::Query(parameters);
    let state = answer.one("state")?.filter(|s| s.len() <= MAX_STATE).ok_or_else(ended)?.to_owned();
    let session = recall_of_browser(app, &digest(&state), cookie).await?;
    if session.idp_id != idp_id || session.protocol_id != protocol_id {
        return Err(ended());
    }
    go_on(app, origin, session, &state, &answer).await
}

/// Takes in whoever brings the answer to a log-in that was remembered.
pub(super) async fn go_on(
    app: &App,
    origin: &Origin,
    session: LoginSession,
    state: &str,
    answer: &Answer,
) -> Result<Step> {
    let identity = verified(app, &session, state, answer).await;
    let (idp_id, protocol_id) = (&session.idp_id, &session.protocol_id);
    take(app, origin, idp_id, protocol_id, session.origin.clone(), Presented::Verified(identity)).await
}

/// Whom the identity provider vouches for by that answer. It is no answer of ours to whoever asked meanwhile.
pub(super) async fn verified(app: &App, session: &LoginSession, state: &str, answer: &Answer) -> Result<Identity> {
    let memo = Memo::from_text(&app.sealer.open(&session.id, &session.memo)?)?;
    let ready = connection::ready(app, &session.idp_id, &session.protocol_id).await?;
    let ready = ready.ok_or_else(|| Error::unauthorized("the connection was taken away meanwhile"))?;
    let (redirect_uri, own) = (answers_come_to(app, &ready), own_keys(app, &ready).await?);
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&redirect_uri, state).with_own(own.as_deref());
    let identity = connection::finish(app, &ask, &memo, answer).await.map_err(super::as_unauthorized)?;
    once_only(app, &session.idp_id, &identity).await?;
    Ok(identity)
}

async fn take(
    app: &App,
    origin: &Origin,
    idp_id: &str,
    protocol_id: &str,
    dashboard: Option<String>,
    presented: Presented,
) -> Result<Step> {
    let issued = enter(app, origin, idp_id, protocol_id, presented, &Asked::Unscoped).await?;
    Ok(Step::Take { origin: dashboard, issued })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ks_fed_3_only_the_case_of_scheme_and_host_does_not_matter() {
        assert_eq!(normal("HTTPS://Cloud.Example:8443/Auth/"), "https://cloud.example:8443/Auth/");
        for other in ["https://a/B", "https://a", " https://a/b", "https://a./b", "https://x@a/b", "https://a/./b"] {
            assert_ne!(normal(other), normal("https://a/b"), "{other}");
        }
    }
}
