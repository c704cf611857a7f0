//! WebSSO: a browser on its way from a dashboard to the identity provider and back with a token.
//!
//! The dashboard is compared with the configured ones before anything else. Each attempt has a state, and a cookie that
//! binds it to the browser that began it (security rule 7); what the upstream has to remember lies sealed in the row, so any
//! node can go on. The address that the identity provider sends the browser back to is one for each way in, so that an
//! answer of one provider can never be taken for another's.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Presented, Proxied, Route, enter};
use crate::error::{Error, Result};
use crate::model::auth_request::Asked;
use crate::model::login_session::LoginSession;
use crate::secret::digest;
use crate::service::caller::Origin;
use crate::service::issue::Issued;
use crate::service::{App, connection};
use crate::store;
use crate::upstream::{Answer, Ask, Begin, Memo, Upstream as _};

/// What RFC 3986 §2.3 leaves as it is: identity providers compare addresses as texts.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest `origin`, in bytes.
const MAX_ORIGIN: usize = 2_048;

/// What the browser does next.
#[derive(Debug)]
pub enum Step {
    /// It goes to the identity provider and keeps a cookie meanwhile.
    Go {
        /// Where to.
        url: String,
        /// Name, value and life in seconds of the cookie.
        cookie: (String, String, u64),
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

/// Where the identity provider sends the browser back to.
pub fn redirect_uri(app: &App, idp_id: &str, protocol_id: &str) -> String {
    format!("{}{}/callback", app.public_url, websso_path(idp_id, protocol_id))
}

/// The cookie of an attempt: each has one of its own, so that two windows do not take each other's.
fn cookie_name(session_id: &str) -> String {
    format!("archstone-login-{}", session_id.get(..12).unwrap_or(session_id))
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
    let redirect_uri = redirect_uri(app, idp_id, protocol_id);
    let now = app.now();
    let begun = app.oidc.begin(&Ask::new(&ready, now, &app.random).with_browser(&redirect_uri, &state)).await?;
    let Begin::Redirect { url } = begun.begin else {
        return Err(Error::internal("the upstream begins by something else than a redirect"));
    };
    let life = app.config.federation.login_session_secs;
    let id = digest(&state);
    let memo = app.sealer.seal(&id, begun.memo.to_text()?.expose(), &app.random)?;
    let session = LoginSession {
        browser: digest(&browser),
        idp_id: idp_id.to_owned(),
        protocol_id: protocol_id.to_owned(),
        origin: dashboard,
        memo,
        expires_at: now.plus_secs(i64::try_from(life).unwrap_or(i64::MAX)),
        id,
    };
    let mut tx = app.store.write().await?;
    store::login_session::insert(&mut tx, &session).await?;
    app.commit(tx).await?;
    Ok(Step::Go { url, cookie: (cookie_name(&session.id), browser, life) })
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
    let ended = || Error::unauthorized("no log-in of this browser waits for that answer");
    let state = answer.one("state")?.filter(|s| s.len() <= 256).ok_or_else(ended)?;
    let id = digest(state);
    let browser = cookie(&cookie_name(&id)).ok_or_else(ended)?;
    let mut tx = app.store.write().await?;
    let session = store::login_session::take(&mut tx, &id, &digest(&browser), app.now()).await?;
    app.commit(tx).await?;
    let session = session.filter(|s| s.idp_id == idp_id && s.protocol_id == protocol_id).ok_or_else(ended)?;
    let memo = Memo::from_text(&app.sealer.open(&id, &session.memo)?)?;
    let ready = connection::ready(app, idp_id, protocol_id).await?;
    let ready = ready.ok_or_else(|| Error::unauthorized("the connection was taken away meanwhile"))?;
    let redirect_uri = redirect_uri(app, idp_id, protocol_id);
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&redirect_uri, state);
    let identity = app.oidc.finish(&ask, &memo, &answer).await;
    take(app, origin, idp_id, protocol_id, session.origin, Presented::Verified(identity)).await
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
