//! Refresh tokens (RFC 6749 §6): each good once. One that is shown again was stolen, from the application or by it, so the
//! whole family goes (RFC 9700 §4.14.2); only within seconds of its use may it be the application itself, which has not heard
//! the answer or asks twice at once.

use super::super::tenant::Client;
use super::super::{App, audit};
use super::granted::Granted;
use super::mint::{Made, Tokens};
use super::parameters::Parameters;
use super::token::{Asking, invalid_grant};
use super::{scopes, standing};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::application::{Application, GrantType};
use crate::model::authorization::Authorization;
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::store::Conn;
use crate::store::authorization::{self as stored, Refresh};

/// Seconds in which a used token may be shown again, as long as none after it was used.
const GRACE_SECS: i64 = 10;

/// A refresh token that is not stored yet.
#[derive(Debug)]
pub(super) struct Fresh {
    /// The token.
    pub token: String,
    row: Refresh,
}

/// A new refresh token for an authorization, if its application may have one. One that does not outlive its session ends
/// with it.
pub(super) fn fresh(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    authorization: &Authorization,
    session_ends: Option<Timestamp>,
) -> Option<Fresh> {
    if !application.settings.grant_types.contains(&GrantType::RefreshToken) {
        return None;
    }
    let now = app.now();
    let end = end(now, tenant, authorization.offline, session_ends);
    let token = app.random.token();
    let row = Refresh {
        id: digest(&token),
        authorization_id: authorization.id.clone(),
        created_at: now.0,
        expires_at: end.0,
        used_at: None,
    };
    Some(Fresh { token, row })
}

/// When a refresh token that is made now ends.
pub(in crate::service) fn end(
    now: Timestamp,
    tenant: &Tenant,
    offline: bool,
    session_ends: Option<Timestamp>,
) -> Timestamp {
    let end = now.plus_secs(tenant.settings.refresh_token_secs.max(1));
    match session_ends {
        Some(session_ends) if !offline => end.min(session_ends),
        _ => end,
    }
}

/// Stores a new refresh token, if there is one; until when something can come of the authorization then.
pub(super) async fn put(tx: &mut Conn, fresh: Option<&Fresh>, made: &Made) -> Result<Timestamp> {
    let Some(fresh) = fresh else { return Ok(made.expires_at) };
    stored::insert_refresh(tx, &fresh.row).await?;
    Ok(made.expires_at.max(Timestamp(fresh.row.expires_at)))
}

pub(super) async fn redeem(asking: &Asking<'_>, client: &Client, form: &Parameters) -> Result<Tokens> {
    let Asking { app, tenant, .. } = *asking;
    let application = &client.application;
    let scope = form.one("scope")?;
    let id = digest(form.required("refresh_token")?);
    let now = app.now();
    let mut conn = app.store.read().await?;
    let Some(token) = stored::get_refresh(&mut conn, &id).await? else {
        return Err(invalid_grant("there is no such refresh token"));
    };
    let Some((authorization, session_ends)) = stored::get_in_session(&mut conn, &token.authorization_id).await? else {
        return Err(invalid_grant("the refresh token's authorization is gone"));
    };
    if authorization.client_id != application.id {
        return Err(invalid_grant("the refresh token is another application's"));
    }
    if let Some(used_at) = token.used_at {
        let recent = now.0 <= Timestamp(used_at).plus_secs(GRACE_SECS).0;
        if !recent || stored::used_refresh_since(&mut conn, &authorization.id, used_at).await? {
            drop(conn);
            return used_again(asking, &authorization).await;
        }
    }
    if token.expires_at <= now.0 {
        return Err(invalid_grant("the refresh token has ended"));
    }
    let held = match standing::of(app, &mut conn, tenant, &authorization, session_ends, true).await? {
        Ok(held) => held,
        Err(why) => return Err(invalid_grant(why)),
    };
    let scopes = scopes::narrowed(&authorization.facts.scopes, scope)?;
    drop(conn);
    if !standing::is_offered(app, tenant, &authorization).await? {
        return Err(invalid_grant("the tenant does not offer the identity provider any more"));
    }
    // The application's nonce was for the first ID token (OpenID Connect Core §12.2).
    let of = (&authorization, application);
    let conn = app.store.read().await?;
    let granted = Granted::make(asking, conn, of, &held, scopes, None).await?;
    let mut tx = app.store.write().await?;
    // Whoever comes second here asked at the same time: that is within the grace.
    stored::use_refresh(&mut tx, &id, now).await?;
    granted.commit(tx).await
}

async fn used_again(asking: &Asking<'_>, authorization: &Authorization) -> Result<Tokens> {
    let app = asking.app;
    let mut tx = app.store.write().await?;
    if super::revoke(app, &mut tx, &authorization.id, "refresh_token_reused").await? {
        audit::write(&mut tx, &asking.failure("oauth.refresh_token.reused", authorization)).await?;
    }
    app.commit(tx).await?;
    Err(invalid_grant("the refresh token was used before"))
}
