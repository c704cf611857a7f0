//! The tenant as OAuth 2.0 and OpenID provider (tenant-login §9): what comes of an authorization, and how it ends.


use super::{App, revocation};
use crate::error::Result;
use crate::store::{self, Conn};

/// The scope by which an application gets a refresh token that outlives the session.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// What an access token's audience must name for the token to open the Keystone and SSO faces (ruling 10).
pub fn service_audience(app: &App) -> String {
    format!("{}/v3", app.public_url)
}

/// Takes an authorization back in the caller's transaction: its codes and refresh tokens are void, and so are its access tokens
/// wherever they are remembered. False if that was done already.
pub async fn revoke(app: &App, tx: &mut Conn, authorization_id: &str, reason: &str) -> Result<bool> {
    if !store::authorization::revoke(tx, authorization_id, reason, app.now()).await? {
        return Ok(false);
    }
    store::revocation::insert(tx, &revocation::of_chain(app, authorization_id)).await?;
    Ok(true)
}
