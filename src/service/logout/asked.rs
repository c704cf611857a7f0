//! Logging out because an application or the person asks for it (OpenID Connect RP-Initiated Logout 1.0; tenant-login §10.1).
//!
//! Whoever can send a browser here could log people out. So a session ends by itself only if the application shows an ID token
//! that was made in that very session; else the person is asked, by a form that only this browser can have. Where the browser
//! goes afterwards is compared with what the application has registered, character by character, and without an application
//! it goes nowhere.

use std::sync::Arc;

use url::form_urlencoded;

use super::provider;
use crate::error::{Code, Error, Result};
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::LogoutUpstream;
use crate::secret::same;
use crate::service::login::{SetCookie, Visit, form_token, session_cookie};
use crate::service::oauth::hint::{Hint, id_token_hint};
use crate::service::session::{self, By, reason};
use crate::service::tenant::{self, Client};
use crate::service::{App, activity};

/// What the token of the form is for.
const FORM: &str = "logout";
/// Longest address and longest state, in bytes.
const MAX_TEXT: usize = 4_096;
/// Longest ID token, in bytes.
const MAX_HINT: usize = 16_384;
/// What an address has beside its query, in bytes at most.
const AROUND_QUERY: usize = 1_024;
/// Longest application id, in bytes.
const MAX_CLIENT_ID: usize = 64;

/// What is asked for. All of it comes from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// An ID token of ours.
    pub id_token_hint: Option<String>,
    /// The application.
    pub client_id: Option<String>,
    /// Where the browser is to go afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// Handed back there.
    pub state: Option<String>,
    /// What the form brings that asks the person; whoever brings it has answered.
    pub csrf: Option<String>,
    /// Whether the person wants to log out at the identity provider, too.
    pub upstream: bool,
    /// Whether a form was posted: another site's brings no cookie of ours.
    pub posted: bool,
}

/// What the browser does next.
#[derive(Debug)]
pub struct Step {
    /// Where it goes.
    pub next: Next,
    /// Cookies that it gets or loses.
    pub cookies: Vec<SetCookie>,
}

/// Where a browser goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// To the same place once more, with the same questions in the address: only then it brings our cookie.
    Again(String),
    /// To a page that asks whether they want that.
    Ask(Question),
    /// There: to the application, or to the identity provider.
    Go(String),
    /// To the identity provider, by a form.
    Post {
        /// Where to.
        url: String,
        /// The form's fields.
        fields: Vec<(String, String)>,
    },
    /// To a page that says that they are logged out.
    Done(Farewell),
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who is signed in.
    pub user: String,
    /// The application that wants it.
    pub application: Option<String>,
    /// The identity provider at which they may log out, too, if the tenant offers that.
    pub provider: Option<String>,
    /// Hidden fields of the form that says yes. It is posted to where the question came from; the field `upstream` with any
    /// value says yes to the identity provider as well.
    pub fields: Vec<(&'static str, String)>,
}

/// What a page says at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Farewell {
    /// The identity provider at which they are still signed in: its name, and where they log out there.
    pub provider: Option<(String, String)>,
}

/// Where the browser goes in the end, and for whom.
struct Way {
    client: Option<Arc<Client>>,
    /// The registered address with the state, if one was asked for.
    back: Option<String>,
    /// Session and user of the ID token.
    hint: Option<Hint>,
}

/// Logs out, or finds out what is missing.
pub async fn begin(app: &App, visit: &Visit<'_>, tenant: &Tenant, asked: Asked) -> Result<Step> {
    let way = way(app, tenant, &asked).await?;
    let cookie = (visit.cookie)(&session_cookie(tenant));
    if asked.posted && cookie.is_none() && asked.csrf.is_none() {
        let most = app.config.server.max_uri_bytes.saturating_sub(AROUND_QUERY);
        return Ok(Step { next: Next::Again(query(&asked, most)), cookies: Vec::new() });
    }
    let Some(session) = session::not_ended(app, tenant, visit).await? else {
        let cookies = cookie.map(|_| gone(tenant)).into_iter().collect();
        return Ok(Step { next: way.end(None), cookies });
    };
    let offer = provider::of_session(app, tenant, &session).await?;
    let answered = match &asked.csrf {
        Some(csrf) if same(csrf, &form_token(&cookie.unwrap_or_default(), FORM)) => true,
        Some(_) => return Err(Error::refused(Code::ForgedForm, "The form was not made for this browser.")),
        None => false,
    };
    if !answered && !way.is_of(&session) {
        let question = question(app, visit, tenant, &session, &way, &asked, offer.as_ref()).await?;
        return Ok(Step { next: Next::Ask(question), cookies: Vec::new() });
    }
    let mut tx = app.store.write().await?;
    session::terminate_by(app, &mut tx, tenant, &session, reason::LOGOUT, By::Request(visit.origin)).await?;
    app.commit(tx).await?;
    let leave = match offer {
        Some(offer) => {
            let goes = offer.when == LogoutUpstream::Always || (answered && asked.upstream);
            // An application that waits for its person gets them back rather than our page with the offer.
            let shows = way.back.is_none() && offer.when == LogoutUpstream::Offer;
            if goes || shows {
                provider::prepare(app, tenant, &session, &offer, way.back.clone()).await.map(|l| (goes, l))
            } else {
                None
            }
        }
        None => None,
    };
    let next = match leave {
        Some((true, leaving)) => Next::Go(leaving.url),
        Some((false, leaving)) => way.end(Some((leaving.name, leaving.page))),
        None => way.end(None),
    };
    Ok(Step { next, cookies: vec![gone(tenant)] })
}

fn gone(tenant: &Tenant) -> SetCookie {
    SetCookie { name: session_cookie(tenant), value: String::new(), max_age_secs: 0, cross_site: false }
}

/// Who asks, and where the browser may go.
async fn way(app: &App, tenant: &Tenant, asked: &Asked) -> Result<Way> {
    let invalid = |text: String| Error::refused(Code::InvalidRequest, text);
    for (name, value) in [("post_logout_redirect_uri", &asked.post_logout_redirect_uri), ("state", &asked.state)] {
        if value.as_ref().is_some_and(|v| v.len() > MAX_TEXT) {
            return Err(invalid(format!("'{name}' is too long.")));
        }
    }
    // What is no ID token of this tenant proves nothing, as if it were not there: the person is asked.
    let hint = match asked.id_token_hint.as_deref().filter(|h| h.len() <= MAX_HINT) {
        None => None,
        Some(text) => match id_token_hint(app, tenant, text).await {
            Ok(hint) => Some(hint),
            Err(error) if error.is_ours() => return Err(error),
            Err(_) => None,
        },
    };
    if let (Some(hint), Some(named)) = (&hint, &asked.client_id)
        && hint.client_id != *named
    {
        return Err(invalid("The 'client_id' is not the one that the 'id_token_hint' was made for.".to_owned()));
    }
    let client_id = hint.as_ref().map(|h| &h.client_id).or(asked.client_id.as_ref());
    let client = match client_id {
        Some(id) => tenant::client(app, &tenant.id, id).await?.filter(|c| c.application.enabled),
        None => None,
    };
    let registered = |uri: &&String| {
        client.as_ref().is_some_and(|c| c.application.settings.logout_uris.iter().any(|known| known == *uri))
    };
    let back = asked.post_logout_redirect_uri.as_ref().filter(registered);
    let back = back.map(|uri| with_state(uri, asked.state.as_deref())).transpose()?;
    Ok(Way { client, back, hint })
}

/// An address with the application's state behind what it has of its own.
fn with_state(uri: &str, state: Option<&str>) -> Result<String> {
    let Some(state) = state else { return Ok(uri.to_owned()) };
    let mut url = url::Url::parse(uri).map_err(|_| Error::internal("a registered address is no URL"))?;
    url.query_pairs_mut().append_pair("state", state);
    Ok(url.into())
}

impl Way {
    /// Whether the application has shown an ID token of that very session.
    fn is_of(&self, session: &Session) -> bool {
        self.hint.as_ref().is_some_and(|h| h.sid.as_deref() == Some(&session.id) && h.user_id == session.user_id)
    }

    /// Back to the application, or to a page of ours.
    fn end(self, provider: Option<(String, String)>) -> Next {
        self.back.map_or(Next::Done(Farewell { provider }), Next::Go)
    }
}

/// What was asked for as a query that is no longer than servers take. What does not fit is left out, the ID token first:
/// without it the person is asked.
fn query(asked: &Asked, most: usize) -> String {
    let client_id = asked.client_id.as_ref().filter(|id| id.len() <= MAX_CLIENT_ID);
    let all = [
        ("client_id", client_id),
        ("post_logout_redirect_uri", asked.post_logout_redirect_uri.as_ref()),
        ("state", asked.state.as_ref()),
        ("id_token_hint", asked.id_token_hint.as_ref()),
    ];
    let written = |count: usize| {
        let some = all.iter().take(count).filter_map(|(name, value)| Some((name, value.as_ref()?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(some).finish()
    };
    (0..=all.len()).rev().map(written).find(|query| query.len() <= most).unwrap_or_default()
}

async fn question(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    session: &Session,
    way: &Way,
    asked: &Asked,
    offer: Option<&provider::Offer>,
) -> Result<Question> {
    let user = activity::user(app, &mut app.store.read().await?, &session.user_id).await?;
    let cookie = (visit.cookie)(&session_cookie(tenant)).unwrap_or_default();
    let mut fields = vec![("csrf", form_token(&cookie, FORM))];
    if let Some(client) = &way.client {
        fields.push(("client_id", client.application.id.clone()));
        if way.back.is_some() {
            let kept = [("post_logout_redirect_uri", &asked.post_logout_redirect_uri), ("state", &asked.state)];
            fields.extend(kept.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        }
    }
    Ok(Question {
        user: user.map_or_else(|| session.user_id.clone(), |u| u.user.name),
        application: way.client.as_ref().map(|c| c.application.name.clone()),
        provider: offer.filter(|o| o.when == LogoutUpstream::Offer).map(|o| o.name.clone()),
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_is_too_long_does_without_the_token_first() {
        let asked = Asked {
            id_token_hint: Some("h".repeat(9_000)),
            client_id: Some("app".into()),
            post_logout_redirect_uri: Some("https://a.example/".into()),
            state: Some("\u{e4}".repeat(100)),
            ..Asked::default()
        };
        let names = |query: String| -> Vec<String> {
            form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect()
        };
        let all = ["client_id", "post_logout_redirect_uri", "state", "id_token_hint"];
        assert_eq!(names(query(&asked, 15_000)), all);
        assert_eq!(names(query(&asked, 9_000)), all[..3]);
        assert_eq!(names(query(&asked, 500)), all[..2]);
        assert_eq!(query(&asked, 5), "");
        let odd = Asked { client_id: Some("x".repeat(65)), ..asked };
        assert_eq!(names(query(&odd, 15_000)), all[1..]);
    }
}
