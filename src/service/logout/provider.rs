//! Logging out at the identity provider, after the session here has ended (tenant-login §10.2).
//!
//! The address there holds the ID token as a hint, so it is kept sealed and never shown; a page of ours leads there by a
//! handle. The identity provider hands the same handle back as the state, once.

use serde::{Deserialize, Serialize};
use url::Url;

use super::asked::Farewell;
use crate::error::{Error, Result};
use crate::model::logout::Logout;
use crate::model::session::{self, Session};
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::LogoutUpstream;
use crate::secret::digest;
use crate::service::login::{own_keys, slo_uri};
use crate::service::{App, connection, tenant};
use crate::store;
use crate::upstream::saml::LeftMemo;
use crate::upstream::{Ask, Begin};

/// How long the way back is kept, in seconds.
const KEEP_SECS: i64 = 600;
/// Longest handle, in bytes.
const MAX_HANDLE: usize = 128;

/// The identity provider of a session as one at which one may log out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    idp_id: String,
    /// The protocol.
    protocol_id: String,
    /// `oidc` or `saml`.
    kind: &'static str,
    /// What it is called.
    pub name: String,
    /// Whether one is asked.
    pub when: LogoutUpstream,
}

/// A way to the identity provider that is ready.
#[derive(Debug)]
pub struct Leaving {
    /// Where one logs out there: the address itself, or a page of ours that posts a form. Nothing that may be shown.
    pub url: String,
    /// Where a page of ours leads there.
    pub page: String,
    /// What the identity provider is called.
    pub name: String,
}

/// What is kept of a way there, sealed.
#[derive(Serialize, Deserialize)]
pub struct Left {
    /// The identity provider.
    pub idp_id: String,
    /// The protocol.
    pub protocol_id: String,
    /// What the browser does.
    begin: Begin,
    /// What the answer is compared with.
    pub memo: Option<LeftMemo>,
}

/// The page of ours that leads there, and the address where the browser comes back to from OpenID providers.
fn page_uri(app: &App, tenant: &Tenant) -> String {
    format!("{}/federation/oidc/logout", tenant.base(&app.public_url))
}

/// Where the browser comes back to from identity providers of a kind.
fn return_uri(app: &App, tenant: &Tenant, kind: &str) -> String {
    match kind {
        "saml" => slo_uri(app, tenant),
        _ => page_uri(app, tenant),
    }
}

/// The identity provider that a session came through, if the tenant lets people log out there.
pub async fn of_session(app: &App, tenant: &Tenant, session: &Session) -> Result<Option<Offer>> {
    let Some(upstream) = &session.upstream else { return Ok(None) };
    let offered = tenant::offered(app, tenant).await?;
    let found = offered.iter().find(|o| o.idp_id == upstream.idp_id && o.kind != "ldap");
    let found = found.filter(|o| o.settings.logout_upstream != LogoutUpstream::Never);
    Ok(found.map(|o| Offer {
        idp_id: o.idp_id.clone(),
        protocol_id: upstream.protocol_id.clone(),
        kind: o.kind,
        name: o.name.clone(),
        when: o.settings.logout_upstream,
    }))
}

/// Finds out where one logs out there, and keeps the way back; none if that cannot be had now, or the identity provider has no
/// such place. They are logged out here already, so whatever fails costs them that way only.
pub async fn prepare(
    app: &App,
    tenant: &Tenant,
    session: &Session,
    offer: &Offer,
    return_to: Option<String>,
) -> Option<Leaving> {
    match find(app, tenant, session, offer, return_to).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(idp_id = offer.idp_id, %error, "nobody can be logged out at the identity provider");
            None
        }
    }
}

async fn find(
    app: &App,
    tenant: &Tenant,
    session: &Session,
    offer: &Offer,
    return_to: Option<String>,
) -> Result<Option<Leaving>> {
    let Some(ready) = connection::ready(app, &offer.idp_id, &offer.protocol_id).await? else { return Ok(None) };
    let handle = app.random.token();
    let back = return_uri(app, tenant, offer.kind);
    let own = own_keys(app, tenant, offer.kind).await?;
    let ask = Ask::new(&ready, app.now(), &app.random).with_browser(&back, &handle).with_own(own.as_deref());
    let hint = session.upstream.as_ref().and_then(|u| u.id_token.as_deref());
    // One that was sealed with a key that is gone is no hint any more.
    let hint = hint.and_then(|sealed| app.sealer.open(&session::secret_id(&session.id), sealed).ok());
    let Some((begin, memo)) = connection::end_session(app, &ask, hint.as_ref()).await? else { return Ok(None) };
    let direct = match &begin {
        Begin::Redirect { url } => Some(url.clone()),
        Begin::Post { .. } | Begin::Password => None,
    };
    let left = Left { idp_id: offer.idp_id.clone(), protocol_id: offer.protocol_id.clone(), begin, memo };
    let left = serde_json::to_vec(&left).map_err(|e| Error::internal(format!("a log-out cannot be written: {e}")))?;
    let id = digest(&handle);
    let row = Logout {
        tenant_id: tenant.id.clone(),
        leave_to: app.sealer.seal(&format!("logout/{id}"), &left, &app.random)?,
        return_to,
        expires_at: app.now().plus_secs(KEEP_SECS),
        id,
    };
    let mut page = Url::parse(&page_uri(app, tenant)).map_err(|_| Error::internal("the public URL is none"))?;
    page.query_pairs_mut().append_pair("leave", &handle);
    let page = String::from(page);
    let mut tx = app.store.write().await?;
    store::logout::insert(&mut tx, &row).await?;
    app.commit(tx).await?;
    Ok(Some(Leaving { url: direct.unwrap_or_else(|| page.clone()), page, name: offer.name.clone() }))
}

/// What a browser does that follows the link to the identity provider. None: too late.
pub async fn leave(app: &App, tenant: &Tenant, handle: &str) -> Result<Option<Begin>> {
    Ok(left(app, tenant, Some(handle)).await?.map(|left| left.begin))
}

/// What is kept of the way that this handle is of; it stays.
pub(super) async fn left(app: &App, tenant: &Tenant, handle: Option<&str>) -> Result<Option<Left>> {
    let Some(handle) = handle.filter(|h| h.len() <= MAX_HANDLE) else { return Ok(None) };
    let id = digest(handle);
    let row = store::logout::get(&mut app.store.read().await?, &tenant.id, &id, app.now()).await?;
    let Some(row) = row else { return Ok(None) };
    let text = app.sealer.open(&format!("logout/{id}"), &row.leave_to)?;
    // One that another version of this service has kept is lost with what it was for: a way back.
    Ok(serde_json::from_slice(text.expose()).ok())
}

/// Where a browser goes that comes back from the identity provider: to the application, or to a page that says that they are
/// logged out. What nobody waits for, or no longer, is no error: they are.
pub async fn back(app: &App, tenant: &Tenant, state: Option<&str>) -> Result<super::asked::Next> {
    use super::asked::Next;
    let Some(state) = state.filter(|s| s.len() <= MAX_HANDLE) else { return Ok(Next::Done(Farewell::default())) };
    let id = digest(state);
    // Asked first, so that nonsense writes nothing.
    if store::logout::get(&mut app.store.read().await?, &tenant.id, &id, app.now()).await?.is_none() {
        return Ok(Next::Done(Farewell::default()));
    }
    let mut tx = app.store.write().await?;
    let taken = store::logout::take(&mut tx, &tenant.id, &id, app.now()).await?;
    app.commit(tx).await?;
    Ok(taken.and_then(|l| l.return_to).map_or_else(|| Next::Done(Farewell::default()), Next::Go))
}
