//! Authentication: from proofs and a wished-for scope to a token.
//!
//! A login that fails for whatever reason answers the same, takes the same hash and the same writes; the reason is in the
//! audit trail only (security rule 9).

use super::caller::Origin;
use super::issue::{Issued, Parent, Proven, fail, issue};
use super::proof::{self, Ended};
use super::{App, token};
use crate::error::{Error, Result};
use crate::model::auth_request::{AuthRequest, Proof, UserName};
use crate::secret::Secret;
use crate::store;

/// Proves who it is and issues a token for the scope, or answers 401.
pub async fn authenticate(app: &App, origin: &Origin, request: AuthRequest) -> Result<Issued> {
    let mut proven: Option<Proven> = None;
    for proof in request.proofs {
        let next = match proof {
            Proof::Password(name, secret) => by_password(app, origin, &name, secret).await?,
            Proof::Token(secret) => by_token(app, origin, secret).await?,
        };
        proven = Some(match proven {
            None => next,
            Some(before) if before.identity.user.id == next.identity.user.id => both(before, next),
            Some(before) => {
                return fail(app, origin, Some(&before.identity), "the proofs are of different users").await;
            }
        });
    }
    let proven = proven.ok_or_else(|| Error::unauthorized("no proof was given"))?;
    issue(app, origin, proven, &request.scope).await
}

/// Two proofs of one user: all methods, and what each hands on.
fn both(mut a: Proven, b: Proven) -> Proven {
    for method in b.methods {
        if !a.methods.contains(&method) {
            a.methods.push(method);
        }
    }
    a.hash = a.hash.or(b.hash);
    a.parent = a.parent.or(b.parent);
    a
}

async fn by_password(app: &App, origin: &Origin, name: &UserName, password: Secret) -> Result<Proven> {
    let right = proof::by_password(app, origin, "auth.login", name, password, Ended::Refused).await?;
    Ok(Proven {
        identity: right.identity,
        methods: vec!["password".to_owned()],
        hash: Some(right.hash),
        federated: None,
        parent: None,
    })
}

/// A token that is none, or none any more, is 404 as in Keystone: it is not a person's proof that failed.
async fn by_token(app: &App, origin: &Origin, text: Secret) -> Result<Proven> {
    let token = match token::valid(app, text.expose_str().unwrap_or_default(), app.now()).await {
        Ok(token) => token,
        Err(Error::NotFound { .. }) => {
            // Anybody can send such: the log is enough, or the audit trail could be filled without a credential.
            tracing::info!(target: "audit", request_id = %origin.request_id(), action = "auth.login", outcome = "failure", reason = "not a token");
            return Err(token::not_found());
        }
        Err(other) => return Err(other),
    };
    let payload = &token.facts.payload;
    if payload.expires_at <= app.now() {
        return match fail(app, origin, None, "the token has ended").await {
            Err(Error::Unauthorized { .. }) => Err(token::not_found()),
            other => other,
        };
    }
    let Some(identity) = store::user::get(&mut app.store.read().await?, &payload.user_id).await? else {
        return fail(app, origin, None, "the token's user is gone").await;
    };
    let mut methods = payload.methods.clone();
    if !methods.iter().any(|m| m == "token") {
        methods.push("token".to_owned());
    }
    Ok(Proven { identity, methods, hash: None, federated: None, parent: Some(Parent { text, token }) })
}
