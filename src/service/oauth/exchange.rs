//! A token for another one (RFC 8693): a service that was called with a user's token calls the next one in that user's name.
//!
//! What comes out says no more and lasts no longer than what went in, and it falls with it: both hang on one authorization.

use serde_json::{Value, json};

use super::super::tenant::Client;
use super::access::{self, Access};
use super::mint::{self, Tokens, Wanted};
use super::parameters::{Parameters, invalid};
use super::scopes;
use super::token::{Asking, invalid_grant};
use crate::error::{Code, Error, Result};
use crate::model::application::{Application, AuthMethod};
use crate::store;

/// The one kind of token that is taken and given.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Most applications that may have acted for a user, one for the other.
const MAX_ACTORS: usize = 10;

pub(super) async fn exchange(asking: &Asking<'_>, client: &Client, form: &Parameters) -> Result<Tokens> {
    let Asking { app, tenant, .. } = *asking;
    let application = &client.application;
    if application.settings.auth_method == AuthMethod::None {
        return Err(Error::refused(Code::UnauthorizedClient, "grant_type: the application has no credential"));
    }
    for name in ["actor_token", "actor_token_type"] {
        if form.one(name)?.is_some() {
            return Err(invalid(format!("{name}: the application itself is the actor here")));
        }
    }
    if form.required("subject_token_type")? != ACCESS_TOKEN {
        return Err(invalid("subject_token_type: only access tokens are taken"));
    }
    if form.one("requested_token_type")?.is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(invalid("requested_token_type: only access tokens are given"));
    }
    let target = match (form.one("audience")?, form.one("resource")?) {
        (Some(a), Some(r)) if a != r => {
            return Err(Error::refused(Code::InvalidTarget, "audience and resource differ"));
        }
        (a, r) => a.or(r),
    };
    let scope = form.one("scope")?;
    let subject = access::resolve(app, tenant, form.required("subject_token")?).await;
    let subject = subject.map_err(|e| match e {
        Error::Refused { .. } => invalid_grant(format!("the subject token does not hold: {e}")),
        other => other,
    })?;
    let access = &subject.prepared;
    if !access.audience.contains(&application.id) {
        return Err(invalid_grant("the subject token is for another application"));
    }
    let audience = audience(app, application, access, target)?;
    let held: Vec<String> = access.scopes.iter().filter(|s| scopes::permits(application, s)).cloned().collect();
    let scopes = scopes::narrowed(&held, scope)?;
    let authorization = store::authorization::get(&mut app.store.read().await?, &access.authorization_id).await?;
    let authorization = authorization.ok_or_else(|| invalid_grant("the subject token's authorization is gone"))?;
    let act = acting(application, access)?;
    let wanted = Wanted {
        authorization: &authorization,
        application,
        scopes: &scopes,
        audience,
        not_after: access.expires_at,
        act: Some(act),
    };
    let made = mint::access_token(app, tenant, wanted).await?;
    Ok(Tokens {
        expires_in: made.expires_at.secs() - made.issued_at.secs(),
        access_token: made.token,
        scopes,
        refresh_token: None,
        id_token: None,
        issued_token_type: Some(ACCESS_TOKEN),
    })
}

/// Whom the new token is for: what the application may ask for, and the other faces only if the old one was for them.
fn audience(
    app: &super::super::App,
    application: &Application,
    subject: &Access,
    target: Option<&str>,
) -> Result<Vec<String>> {
    let Some(target) = target.filter(|t| *t != application.id) else { return Ok(vec![application.id.clone()]) };
    let audience = scopes::audience(app, application, Some(target))?;
    if target == scopes::service_audience(app) && !subject.audience.iter().any(|a| a == target) {
        return Err(Error::refused(Code::InvalidTarget, "audience: the subject token is not for that"));
    }
    Ok(audience)
}

/// The application as the actor, with those that acted before it within (RFC 8693 §4.1).
fn acting(application: &Application, subject: &Access) -> Result<Value> {
    let mut act = json!({ "sub": application.id });
    if let Some(before) = subject.claims.get("act") {
        let mut depth = 1;
        let mut inner = before;
        while let Some(next) = inner.get("act") {
            (depth, inner) = (depth + 1, next);
        }
        if depth >= MAX_ACTORS {
            return Err(invalid_grant("too many applications have acted already"));
        }
        act["act"] = before.clone();
    }
    Ok(act)
}
