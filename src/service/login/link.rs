//! Ways into one's own account: which there are, another one, and one less (tenant-login §7.6).
//!
//! Whoever could send a browser to an identity provider could have it come back as somebody else's; so what came back is
//! connected only when the person, still in the session that they began in, says so on a page of ours.

use serde_json::json;

use super::depart::{self, Start};
use super::found::{Connects, Purpose, gone_on};
use super::trace::Trace;
use super::view::{Button, button, is_shown};
use super::waiting::Waiting;
use super::{Next, Step, Visit, arrive, complete, form_token, person, session_cookie};
use crate::error::{Code, Error, Result};
use crate::model::audit_event::Outcome;
use crate::model::session::Session;
use crate::model::sign_in::{SignIn, Stage};
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::secret::same;
use crate::service::tenant::{self as tenants, link as links};
use crate::service::{App, audit, federated_login, session};
use crate::store;

/// How long ago somebody may have signed in who changes the ways into their account, in seconds.
const RECENT_SECS: i64 = 300;
/// What the token of the form is for.
const FORM: &str = "identities";

/// The ways into somebody's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities {
    /// Whose it is.
    pub user: String,
    /// What the page's forms bring back.
    pub csrf: String,
    /// Whether they have a password of this service.
    pub password: bool,
    /// The identity providers that vouch for them.
    pub connected: Vec<Connected>,
    /// Those that the tenant offers beside.
    pub others: Vec<Button>,
}

/// An identity provider that vouches for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// Its id.
    pub idp_id: String,
    /// What it is called.
    pub name: String,
    /// The e-mail address that it said last.
    pub email: Option<String>,
}

impl Identities {
    /// Whether one of them may be taken away and they could still come in.
    pub fn may_disconnect(&self) -> bool {
        self.password || self.connected.len() > 1
    }
}

fn is_recent(app: &App, session: &Session) -> bool {
    app.now() < session.auth_time.plus_secs(RECENT_SECS)
}

/// Sends somebody to an identity provider that they want to come in by from now on, too. Who is not signed in, or not of late,
/// signs in first: anew, as one whom an identity provider remembers is not of late.
pub(super) async fn begin(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    offered: &Offered,
    hint: Option<&str>,
) -> Result<Step> {
    match session::current(app, tenant, visit).await?.filter(|s| is_recent(app, s)) {
        Some(session) => {
            let connects = Connects { user_id: session.user_id, session_id: session.id };
            depart::leave(app, visit, tenant, offered, Start::Connect(connects), hint).await
        }
        None => person::open_for(app, visit, tenant, Purpose::Recent).await,
    }
}

/// Connects what has come back with the account, as the person has said on our page.
pub(super) async fn connect(
    app: &App,
    visit: &Visit<'_>,
    tenant: &Tenant,
    it: SignIn,
    waiting: Waiting,
    connects: &Connects,
) -> Result<Step> {
    let here = session::current(app, tenant, visit).await?;
    let theirs = here.filter(|s| s.id == connects.session_id && s.user_id == connects.user_id);
    let session = theirs.ok_or_else(gone_on)?;
    let mut trace = Trace::default();
    let done = async {
        let (offered, route) = arrive::way(app, tenant, &it).await?;
        let identity = waiting.identity();
        federated_login::connect(app, visit.origin, &route, &identity, &session.user_id).await?;
        Ok::<_, Error>(offered.idp_id)
    };
    let idp_id = match done.await {
        Ok(idp_id) => idp_id,
        Err(error) => {
            trace.failed("link", &error.to_string(), json!({"user_id": session.user_id}));
            return arrive::end(app, visit, tenant, it, trace, error).await;
        }
    };
    trace.went("link", json!({"user_id": session.user_id, "identity_provider": idp_id}));
    let from = it.stage;
    let mut it = it;
    it.stage = Stage::Done;
    (it.memo, it.found) = (None, None);
    (it.user_id, it.session_id) = (Some(session.user_id), Some(session.id));
    let tx = app.store.write().await?;
    complete::advance(app, tx, visit, &mut it, from, trace).await?;
    Ok(Step { next: Next::Identities, cookies: vec![complete::gone(&it)] })
}

/// The ways into the account of whoever is signed in; none if nobody is.
pub async fn identities(app: &App, visit: &Visit<'_>, tenant: &Tenant) -> Result<Option<Identities>> {
    let Some(session) = session::current(app, tenant, visit).await? else { return Ok(None) };
    let offered = tenants::offered(app, tenant).await?;
    let mut conn = app.store.read().await?;
    let Some(identity) = store::user::get(&mut conn, &session.user_id).await? else { return Ok(None) };
    let mut links = store::user_link::list(&mut conn, &session.user_id).await?;
    let password = store::user::login_state(&mut conn, &session.user_id).await?.is_some_and(|s| s.hash.is_some());
    drop(conn);
    // By whatever protocol: they are taken away together.
    links.dedup_by(|one, other| one.idp_id == other.idp_id);
    let is_connected = |o: &&Offered| links.iter().any(|l| l.idp_id == o.idp_id);
    let others = offered.iter().filter(|o| is_shown(o) && !is_connected(o));
    let others = others.map(|o| button(app, tenant, o, "purpose=link")).collect();
    let connected = links.into_iter().map(|link| Connected {
        name: offered.iter().find(|o| o.idp_id == link.idp_id).map_or_else(|| link.idp_id.clone(), |o| o.name.clone()),
        idp_id: link.idp_id,
        email: link.email,
    });
    let cookie = (visit.cookie)(&session_cookie(tenant)).unwrap_or_default();
    Ok(Some(Identities {
        user: identity.user.display_name().to_owned(),
        csrf: form_token(&cookie, FORM),
        password,
        connected: connected.collect(),
        others,
    }))
}

/// Takes an identity provider away from the account of whoever is signed in, unless it is the last way in.
pub async fn disconnect(app: &App, visit: &Visit<'_>, tenant: &Tenant, csrf: &str, idp_id: &str) -> Result<Step> {
    let cookie = (visit.cookie)(&session_cookie(tenant)).unwrap_or_default();
    let session = session::current(app, tenant, visit).await?;
    let Some(session) = session.filter(|s| is_recent(app, s)) else {
        return person::open_for(app, visit, tenant, Purpose::Recent).await;
    };
    if !same(csrf, &form_token(&cookie, FORM)) {
        return Err(Error::refused(Code::ForgedForm, "The form was not made for this browser."));
    }
    let mut tx = app.store.write().await?;
    links::unlink(app, &mut tx, &session.user_id, idp_id).await?;
    let mut event = audit::event(app, Some(visit.origin), "user.unlink", Outcome::Success);
    event.user_id = Some(session.user_id.clone());
    event.domain_id = Some(tenant.id.clone());
    event.target_kind = Some("user".to_owned());
    event.target_id = Some(session.user_id);
    event.detail = audit::cut(idp_id);
    audit::write(&mut tx, &event).await?;
    app.commit(tx).await?;
    Ok(Step { next: Next::Identities, cookies: Vec::new() })
}
