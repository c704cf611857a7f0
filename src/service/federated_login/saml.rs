//! SAML on the Keystone face: the place where browsers post answers to, clients that carry the messages themselves (ECP), and
//! assertions that nobody has asked for (keystone-api §1.7, §2.2; ruling 6).
//!
//! All identity providers know us as one service provider. Which log-in an answer belongs to is told by its state, or by the
//! request that it names; a browser must have the cookie of that log-in, a client the state. Who is sent without having been
//! asked for is found by the issuer, and the assertion must be signed itself.

use super::used::once_only;
pub use super::web::ACS;
use super::web::{self, Cookie, Step, ended, go_on, own_keys, recall, recall_of_browser, remember};
use super::{Presented, Route, enter};
use crate::error::{Error, Result};
use crate::model::auth_request::Asked;
use crate::secret::{digest, same};
use crate::service::caller::Origin;
use crate::service::issue::Issued;
use crate::service::saml_key::{self, Holder};
use crate::service::{App, connection};
use crate::store;
use crate::store::connection::Called;
use crate::upstream::saml::login_of;
use crate::upstream::saml::metadata::{ServiceProvider, entity_id, valid_until};
use crate::upstream::{Answer, Ask, Identity};

/// Where clients bring them.
const ECP: &str = "/v3-ext/auth/OS-FEDERATION/SSO/SAML2/ECP";
/// Where a client brings its own.
const CLIENT_PATH: &str = "/v3/OS-FEDERATION/";
/// The cookie of a client that has brought an answer.
pub const CLIENT_COOKIE: &str = "archstone-ecp";
/// Identity providers that one issuer may be, at most.
const MAX_CALLED: i64 = 64;
/// Identity providers whose metadata is fetched to find one, at most.
const MAX_UNNAMED: i64 = 10;
/// How long an assertion may be good that nobody has asked for, in seconds: it is remembered for as long.
const LONGEST_SECS: i64 = 12 * 3_600;

/// Goes on when a browser posts what an identity provider has given it.
pub async fn finish(
    app: &App,
    origin: &Origin,
    fields: Vec<(String, String)>,
    cookie: impl Fn(&str) -> Option<String>,
) -> Result<Step> {
    let answer = Answer::Form(fields);
    let state = answer.one("RelayState")?.filter(|s| !s.is_empty() && s.len() <= web::MAX_STATE);
    if let Some(state) = state.map(str::to_owned) {
        match recall_of_browser(app, &digest(&state), &cookie).await {
            Err(Error::Unauthorized { .. }) => {}
            session => return go_on(app, origin, session?, &state, &answer).await,
        }
    }
    // Some identity providers lose the state.
    let peek = app.saml.peek(&answer).await?;
    let id = peek.in_response_to.as_deref().and_then(login_of).ok_or_else(ended)?;
    let session = recall_of_browser(app, id, cookie).await?;
    go_on(app, origin, session, "", &answer).await
}

/// The envelope with a request that a client takes to its identity provider.
pub async fn begin_by_client(app: &App, idp_id: &str, protocol_id: &str) -> Result<String> {
    Route::open(app, &mut app.store.read().await?, idp_id, protocol_id).await?;
    let ready = connection::ready(app, idp_id, protocol_id).await?;
    let ready = ready.filter(|r| r.connection.settings.kind() == "saml");
    let ready = ready.ok_or_else(|| Error::unauthorized("the protocol has no connection that speaks SAML"))?;
    let (state, place) = (app.random.token(), format!("{}{ECP}", app.public_url));
    let own = own_keys(app, &ready).await?;
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&place, &state).with_own(own.as_deref());
    let (envelope, memo) = app.saml.begin_by_client(&ask).await?;
    // Whoever has the state is the client: there is no browser whose cookie could be asked for.
    let id = digest(&state);
    remember(app, &ready, &id, &id, None, &memo.to_text()?).await?;
    Ok(envelope)
}

/// Where a client goes that has brought an answer, and the cookie by which it gets a token there, once.
#[derive(Debug)]
pub struct Brought {
    /// Where.
    pub location: String,
    /// The cookie.
    pub cookie: Cookie,
}

/// Takes what a client brings from its identity provider.
pub async fn finish_by_client(app: &App, origin: &Origin, envelope: String) -> Result<Brought> {
    let answer = Answer::Envelope(envelope);
    let peek = app.saml.peek(&answer).await?;
    let (idp_id, protocol_id, identity) = match &peek.in_response_to {
        Some(request) => {
            let id = login_of(request).ok_or_else(ended)?;
            let state = peek.relay_state.as_deref().filter(|state| same(&digest(state), id)).ok_or_else(ended)?;
            let session = recall(app, id, id).await?;
            let identity = web::verified(app, &session, state, &answer).await;
            let identity = noted(app, origin, &session.idp_id, &session.protocol_id, identity).await?;
            (session.idp_id, session.protocol_id, identity)
        }
        None => {
            let issuer = peek.issuer.as_deref().unwrap_or_default();
            found(app, origin, issuer, &answer).await?
        }
    };
    let value = app.random.token();
    let id = result_id(&value);
    let ready = connection::ready(app, &idp_id, &protocol_id).await?.ok_or_else(ended)?;
    remember(app, &ready, &id, &id, None, &identity.to_text()?).await?;
    let location = format!("{}{}/auth", app.public_url, web::protocol_path(&idp_id, &protocol_id));
    let life = app.config.federation.login_session_secs;
    Ok(Brought { location, cookie: Cookie { name: CLIENT_COOKIE.to_owned(), value, life, path: CLIENT_PATH } })
}

/// The identity provider that an assertion is of which nobody has asked for, and whom it vouches for.
async fn found(app: &App, origin: &Origin, issuer: &str, answer: &Answer) -> Result<(String, String, Identity)> {
    let called = store::connection::called(&mut app.store.read().await?, issuer, MAX_CALLED).await?;
    let mut all = tried(app, called, answer).await;
    if all.iter().all(|(_, judged)| judged.is_err()) {
        all.extend(tried(app, described(app, issuer).await?, answer).await);
    }
    let count = all.len();
    let (right, mut wrong): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, judged)| judged.is_ok());
    let mut right = right.into_iter().filter_map(|(way, judged)| Some((way, judged.ok()?)));
    match (right.next(), right.next()) {
        // The cloud's own comes first. Of domains' own, none may take what may be another's by pinning the same certificate.
        (Some((way, _)), Some((other, _))) if way.owned && way.idp_id != other.idp_id => {
            Err(Error::unauthorized("several identity providers of domains have the issuer's name and keys"))
        }
        (Some((way, identity)), _) => {
            once_only(app, &way.idp_id, &identity).await?;
            Ok((way.idp_id, way.protocol_id, identity))
        }
        (None, _) => match wrong.pop() {
            // Of several it is nobody's in particular.
            Some((way, judged)) if count == 1 => {
                Err(noted(app, origin, &way.idp_id, &way.protocol_id, judged).await.err().unwrap_or_else(ended))
            }
            Some((_, judged)) => Err(judged.err().unwrap_or_else(ended)),
            None => Err(Error::unauthorized("no identity provider calls itself as the issuer does")),
        },
    }
}

/// What each of them makes of it, up to the second that believes it.
async fn tried(app: &App, ways: Vec<Called>, answer: &Answer) -> Vec<(Called, Result<Identity>)> {
    let (mut all, mut right) = (Vec::with_capacity(ways.len()), 0);
    for way in ways {
        let judged = judged(app, &way.idp_id, &way.protocol_id, ECP, answer).await;
        right += usize::from(judged.is_ok());
        all.push((way, judged));
        if right == 2 {
            break;
        }
    }
    all
}

/// Those that call themselves so in metadata which has to be fetched.
async fn described(app: &App, issuer: &str) -> Result<Vec<Called>> {
    let unnamed = store::connection::unnamed(&mut app.store.read().await?, MAX_UNNAMED).await?;
    let is_called = async |way: &Called| match connection::ready(app, &way.idp_id, &way.protocol_id).await {
        Ok(Some(ready)) => app.saml.is_called(&Ask::new(&ready, app.now(), &app.random), issuer).await,
        Ok(None) | Err(_) => false,
    };
    let is_called = futures_util::future::join_all(unnamed.iter().map(is_called)).await;
    Ok(unnamed.into_iter().zip(is_called).filter(|(_, called)| *called).map(|(way, _)| way).collect())
}

/// Has a failure stand among the log-ins of its identity provider.
async fn noted(
    app: &App,
    origin: &Origin,
    idp_id: &str,
    protocol_id: &str,
    identity: Result<Identity>,
) -> Result<Identity> {
    match identity {
        Err(error @ Error::Unauthorized { .. }) => {
            let refused = Presented::Verified(Err(error));
            match enter(app, origin, idp_id, protocol_id, refused, &Asked::Unscoped).await {
                Err(error) => Err(error),
                Ok(_) => Err(ended()),
            }
        }
        other => other,
    }
}

/// Whom an assertion vouches for that nobody has asked for, brought to this place; it is not used up by that.
async fn judged(app: &App, idp_id: &str, protocol_id: &str, place: &str, answer: &Answer) -> Result<Identity> {
    let ready = connection::ready(app, idp_id, protocol_id).await?;
    let ready = ready.ok_or_else(|| Error::unauthorized("the protocol has no connection"))?;
    let (place, own) = (format!("{}{place}", app.public_url), own_keys(app, &ready).await?);
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&place, "").with_own(own.as_deref());
    app.saml.unsolicited(&ask, answer, Some(LONGEST_SECS)).await.map_err(super::as_unauthorized)
}

/// The same, once.
async fn unsolicited(app: &App, idp_id: &str, protocol_id: &str, place: &str, answer: &Answer) -> Result<Identity> {
    let identity = judged(app, idp_id, protocol_id, place, answer).await?;
    once_only(app, idp_id, &identity).await?;
    Ok(identity)
}

/// Where it is kept whom a client has brought; no state of a log-in leads there.
fn result_id(cookie: &str) -> String {
    digest(&format!("ecp result {cookie}"))
}

/// Takes the cookie of a client away.
pub fn forgotten() -> Cookie {
    Cookie { name: CLIENT_COOKIE.to_owned(), value: String::new(), life: 0, path: CLIENT_PATH }
}

/// A token for a client that comes back with the cookie that it got; `None` if that leads nowhere.
pub async fn resume(
    app: &App,
    origin: &Origin,
    idp_id: &str,
    protocol_id: &str,
    cookie: &str,
) -> Result<Option<Issued>> {
    let id = result_id(cookie);
    let session = match recall(app, &id, &id).await {
        Err(Error::Unauthorized { .. }) => return Ok(None),
        session => session?,
    };
    if session.idp_id != idp_id || session.protocol_id != protocol_id {
        return Ok(None);
    }
    let identity = Identity::from_text(&app.sealer.open(&id, &session.memo)?);
    enter(app, origin, idp_id, protocol_id, Presented::Verified(identity), &Asked::Unscoped).await.map(Some)
}

/// A token for an assertion that an identity provider, which is named, has made without having been asked (Huawei's
/// `/v3.0/OS-FEDERATION/tokens`).
pub async fn token(app: &App, origin: &Origin, idp_id: &str, fields: Vec<(String, String)>) -> Result<Issued> {
    let protocol_id = connection::saml_protocol_of(app, idp_id).await?;
    // A way in that is closed says so, as on the other ways.
    Route::open(app, &mut app.store.read().await?, idp_id, &protocol_id).await?;
    let identity = unsolicited(app, idp_id, &protocol_id, ACS, &Answer::Form(fields)).await;
    enter(app, origin, idp_id, &protocol_id, Presented::Verified(identity), &Asked::Unscoped).await
}

/// What this service is to identity providers, as metadata; signed unless that is not wanted.
pub async fn metadata(app: &App, signed: bool) -> Result<String> {
    let own = saml_key::of(app, Holder::Service).await?;
    let certificates: Vec<&str> = own.keys.iter().map(|key| key.certificate.as_str()).collect();
    let (acs_url, ecp_url) = (format!("{}{ACS}", app.public_url), format!("{}{ECP}", app.public_url));
    let sp = ServiceProvider {
        entity_id: &entity_id(&acs_url),
        acs_url: &acs_url,
        ecp_url: Some(&ecp_url),
        slo_url: None,
        until: &valid_until(app.now()),
        organisation: &app.config.saml.organization_name,
        public_url: &app.public_url,
        certificates: &certificates,
    };
    if !signed {
        return Ok(sp.message(None).unsigned());
    }
    Ok(saml_key::signed_metadata(app, &own, &sp).await?.to_string())
}
