//! What an application gets for a user's grant: made before the grant is used up, so that what fails on our side costs it
//! nothing, and stored with that use (RFC 6749 §5.1).

use serde_json::{Map, Value};

use super::mint::{self, Made, Tokens, Wanted};
use super::refresh::{self, Fresh};
use super::standing::Standing;
use super::token::Asking;
use super::{access, claims};
use crate::error::Result;
use crate::model::application::Application;
use crate::model::authorization::Authorization;
use crate::store::{self, Conn};

/// Tokens that are not handed out yet.
#[derive(Debug)]
pub(super) struct Granted<'a> {
    asking: &'a Asking<'a>,
    authorization: &'a Authorization,
    held: &'a Standing,
    access: Made,
    about: Option<Map<String, Value>>,
    scopes: Vec<String>,
    id_token: Option<String>,
    next: Option<Fresh>,
}

impl<'a> Granted<'a> {
    /// Makes an access token for these scopes; an ID token if they are of OpenID Connect, with the application's nonce if it is
    /// the first one; a refresh token if the application may have one.
    pub(super) async fn make(
        asking: &'a Asking<'a>,
        mut conn: Conn,
        (authorization, application): (&'a Authorization, &'a Application),
        held: &'a Standing,
        scopes: Vec<String>,
        nonce: Option<&str>,
    ) -> Result<Self> {
        let (app, tenant, of) = (asking.app, asking.tenant, (authorization, application));
        let about = if claims::has(&scopes, "openid") {
            Some(mint::about(app, &mut conn, of, &held.identity.user, &scopes).await?)
        } else {
            None
        };
        // Whoever signs may need a connection for the keys: nobody waits for one who holds another.
        drop(conn);
        let access = mint::access_token(app, tenant, Wanted::new(authorization, application, &scopes)).await?;
        let id_token = match about.clone() {
            Some(about) => Some(mint::id_token(app, tenant, of, &access, about, nonce).await?),
            None => None,
        };
        let next = refresh::fresh(app, tenant, application, authorization, held.session_ends);
        Ok(Self { asking, authorization, held, access, about, scopes, id_token, next })
    }

    /// Stores what has to be stored, and commits the transaction that has used the grant up.
    pub(super) async fn commit(self, mut tx: Conn) -> Result<Tokens> {
        self.put(&mut tx).await?;
        self.asking.app.commit(tx).await?;
        Ok(self.tokens())
    }

    /// Stores what has to be stored.
    pub(super) async fn put(&self, conn: &mut Conn) -> Result<()> {
        let last = refresh::put(conn, self.next.as_ref(), &self.access).await?;
        // What is stored says until when something can come of it.
        if last > self.authorization.expires_at {
            store::authorization::extend(conn, &self.authorization.id, last).await?;
        }
        Ok(())
    }

    /// The tokens, once all of that is stored and the grant is used up.
    pub(super) fn tokens(self) -> Tokens {
        let Self { asking, authorization, held, access, about, scopes, id_token, next } = self;
        let tokens = Tokens {
            expires_in: access.expires_at.secs() - access.issued_at.secs(),
            access_token: access.token.clone(),
            scopes,
            refresh_token: next.map(|n| n.token),
            id_token,
            issued_token_type: None,
        };
        access::remember(asking, access, authorization, &held.identity, about);
        tokens
    }
}
