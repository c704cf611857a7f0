//! What an application gets for a user's grant: made before the grant is used up, so that what fails on our side costs it
//! nothing, and stored with that use (RFC 6749 §5.1).

use super::super::App;
use super::claims;
use super::mint::{self, Made, Tokens, Wanted};
use super::refresh::{self, Fresh};
use super::standing::Standing;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::application::Application;
use crate::model::authorization::Authorization;
use crate::model::tenant::Tenant;
use crate::store::{self, Conn};

/// Tokens that are not handed out yet.
#[derive(Debug)]
pub(super) struct Granted {
    authorization_id: String,
    /// Until when something can come of the authorization, as it is stored.
    ends: Timestamp,
    access: Made,
    scopes: Vec<String>,
    id_token: Option<String>,
    next: Option<Fresh>,
}

impl Granted {
    /// Makes an access token for these scopes; an ID token if they are of OpenID Connect, with the application's nonce if it is
    /// the first one; a refresh token if the application may have one.
    pub(super) async fn make(
        app: &App,
        mut conn: Conn,
        tenant: &Tenant,
        (authorization, application): (&Authorization, &Application),
        held: &Standing,
        scopes: Vec<String>,
        nonce: Option<&str>,
    ) -> Result<Self> {
        let of = (authorization, application);
        let about = if claims::has(&scopes, "openid") {
            Some(mint::about(app, &mut conn, of, &held.identity.user, &scopes).await?)
        } else {
            None
        };
        // Whoever signs may need a connection for the keys: nobody waits for one who holds another.
        drop(conn);
        let access = mint::access_token(app, tenant, Wanted::new(authorization, application, &scopes)).await?;
        let id_token = match about {
            Some(about) => Some(mint::id_token(app, tenant, of, &access, about, nonce).await?),
            None => None,
        };
        let next = refresh::fresh(app, tenant, application, authorization, held.session.as_ref());
        let (authorization_id, ends) = (authorization.id.clone(), authorization.expires_at);
        Ok(Self { authorization_id, ends, access, scopes, id_token, next })
    }

    /// Stores what has to be stored, in the transaction that uses the grant up.
    pub(super) async fn store(self, tx: &mut Conn) -> Result<Tokens> {
        let Self { authorization_id, ends, access, scopes, id_token, next } = self;
        let last = refresh::put(tx, next.as_ref(), &access).await?;
        if last > ends {
            store::authorization::extend(tx, &authorization_id, last).await?;
        }
        Ok(Tokens {
            expires_in: access.expires_at.secs() - access.issued_at.secs(),
            access_token: access.token,
            scopes,
            refresh_token: next.map(|n| n.token),
            id_token,
            issued_token_type: None,
        })
    }
}
