//! Sessions: the one that a browser has, and the one that it gets.
//!
//! A browser gets a new cookie whenever it is made sure who sits before it (WEB-FIX-1). The same person goes on in their
//! session; another's ends theirs.

use serde_json::Value;

use super::{SetCookie, Visit, session_cookie};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::session::{Session, Upstream, secret_id};
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::service::{App, session};
use crate::store::{self, Conn};
use crate::upstream::{self, Identity};

/// How far an identity provider's clock may be ahead, in seconds.
const SKEW_SECS: i64 = 60;
/// Longest text of a method or class, and most methods.
const MAX_TEXT: usize = 255;
const MAX_METHODS: usize = 20;

/// How somebody was made sure of.
pub(super) struct Proof {
    /// Through an identity provider, with the groups that it gives.
    pub(super) upstream: Option<(Identity, String, String, Vec<String>)>,
    /// When.
    pub(super) auth_time: Timestamp,
    /// How.
    pub(super) amr: Vec<String>,
    /// How well.
    pub(super) acr: Option<String>,
    /// When the identity provider's own session ends, if it says so of that.
    pub(super) ends: Option<Timestamp>,
}

impl Proof {
    /// By a password of this service.
    pub(super) fn by_password(app: &App) -> Self {
        Self {
            upstream: None,
            auth_time: app.now().whole_seconds(),
            amr: vec!["pwd".to_owned()],
            acr: None,
            ends: None,
        }
    }

    /// By what an identity provider says. Nothing is claimed that it does not say.
    pub(super) fn by_upstream(
        app: &App,
        identity: Identity,
        idp_id: &str,
        protocol_id: &str,
        groups: Vec<String>,
    ) -> Self {
        let (auth_time, amr, acr) = said(&identity, app.now());
        let amr = std::iter::once("fed".to_owned()).chain(amr).collect();
        // An ID token's end is its own.
        let ends = identity.expires_at.filter(|_| identity.proof == upstream::Proof::Assertion);
        Self {
            ends,
            upstream: Some((identity, idp_id.to_owned(), protocol_id.to_owned(), groups)),
            auth_time: auth_time.unwrap_or_else(|| app.now().whole_seconds()),
            amr,
            acr,
        }
    }
}

impl Proof {
    /// Groups that the identity provider gives.
    pub(super) fn group_ids(&self) -> &[String] {
        self.upstream.as_ref().map_or(&[], |(_, _, _, groups)| groups)
    }
}

/// When, how and how well an identity provider says that it made sure of somebody.
pub(super) fn said(identity: &Identity, now: Timestamp) -> (Option<Timestamp>, Vec<String>, Option<String>) {
    let claims = &identity.claims;
    let auth_time = claims.get("auth_time").and_then(Value::as_i64).map(Timestamp::from_secs);
    let auth_time = auth_time.filter(|at| *at <= now.plus_secs(SKEW_SECS)).map(|at| at.min(now.whole_seconds()));
    let fits = |text: &&str| !text.is_empty() && text.len() <= MAX_TEXT && !text.contains('\0');
    let amr = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
    let amr = amr.filter_map(Value::as_str).filter(fits).take(MAX_METHODS).map(str::to_owned).collect();
    let acr = claims.get("acr").and_then(Value::as_str).filter(fits).map(str::to_owned);
    (auth_time, amr, acr)
}

/// Makes or renews the session of a browser in the caller's transaction.
pub(super) async fn begin(
    app: &App,
    tx: &mut Conn,
    visit: &Visit<'_>,
    tenant: &Tenant,
    user_id: &str,
    proof: Proof,
) -> Result<(Session, SetCookie)> {
    let now = app.now();
    let value = app.random.token();
    let before = stored(tx, visit, tenant).await?.filter(|s| s.terminated_at.is_none());
    let (same, other) = match before {
        Some(session) if session.user_id == user_id => (Some(session), None),
        other => (None, other),
    };
    if let Some(other) = other {
        session::terminate(app, tx, tenant, &other, session::reason::REPLACED).await?;
    }
    let id = same.as_ref().map_or_else(|| app.random.hex_id(), |s| s.id.clone());
    let upstream = match proof.upstream {
        None => None,
        Some((identity, idp_id, protocol_id, group_ids)) => {
            let sealed = |token: &crate::secret::Secret| app.sealer.seal(&secret_id(&id), token.expose(), &app.random);
            let id_token = identity.hint.as_ref().map(sealed).transpose()?;
            let sid =
                identity.claims.get("sid").and_then(Value::as_str).filter(|s| s.len() <= MAX_TEXT && !s.contains('\0'));
            Some(Upstream {
                idp_id,
                protocol_id,
                group_ids,
                sid: sid.map(str::to_owned),
                issuer: cut(&identity.issuer),
                subject: cut(identity.session_name.as_deref().unwrap_or(&identity.subject)),
                id_token,
            })
        }
    };
    let ends = now.plus_secs(tenant.settings.session_secs).min(proof.ends.unwrap_or(Timestamp::MAX));
    let session = Session {
        tenant_id: tenant.id.clone(),
        user_id: user_id.to_owned(),
        handle: digest(&value),
        upstream,
        auth_time: proof.auth_time,
        amr: proof.amr,
        acr: proof.acr,
        remote: visit.origin.remote(),
        user_agent: visit.user_agent.map(|text| text.chars().take(255).collect()),
        created_at: same.as_ref().map_or(now, |s| s.created_at),
        last_seen: now,
        expires_at: ends,
        terminated_at: None,
        terminated_reason: None,
        id,
    };
    match same {
        Some(_) => store::session::renew(tx, &session).await?,
        None => store::session::insert(tx, &session).await?,
    }
    let life = u64::try_from(session.expires_at.secs() - now.secs()).unwrap_or(0);
    let cookie = SetCookie { name: session_cookie(tenant), value, max_age_secs: life, cross_site: false };
    Ok((session, cookie))
}

/// Somebody's name at an identity provider is as long as the column at most; a longer one was refused before.
fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// The session whose cookie a browser has, ended or not.
async fn stored(conn: &mut Conn, visit: &Visit<'_>, tenant: &Tenant) -> Result<Option<Session>> {
    let Some(cookie) = (visit.cookie)(&session_cookie(tenant)) else { return Ok(None) };
    store::session::get_by_handle(conn, &tenant.id, &digest(&cookie)).await
}
