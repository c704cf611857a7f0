//! A token for an application that acts for itself (RFC 6749 §4.4).

use super::super::tenant::Client;
use super::mint::{self, Tokens, Wanted};
use super::parameters::Parameters;
use super::scopes;
use super::token::Asking;
use crate::error::{Code, Error, Result};
use crate::model::application::AuthMethod;
use crate::model::authorization::{Authorization, Facts};
use crate::model::signing_key::LONGEST_TOKEN_SECS;
use crate::model::token::new_audit_id;
use crate::store;

pub(super) async fn issue(asking: &Asking<'_>, client: &Client, form: &Parameters) -> Result<Tokens> {
    let Asking { app, tenant, .. } = *asking;
    let application = &client.application;
    if application.settings.auth_method == AuthMethod::None {
        return Err(Error::refused(Code::UnauthorizedClient, "grant_type: the application has no credential"));
    }
    let scopes = scopes::for_itself(application, form.one("scope")?)?;
    let audience = scopes::audience(app, application, form.one("resource")?)?;
    // The other faces are for people: an application is no user there.
    if audience.contains(&scopes::service_audience(app)) {
        return Err(Error::refused(Code::InvalidTarget, "resource: only tokens of people are for that"));
    }
    let now = app.now();
    let facts = Facts { scopes: scopes.clone(), audience, ..Facts::default() };
    let authorization = Authorization {
        id: new_audit_id(&app.random),
        tenant_id: tenant.id.clone(),
        client_id: application.id.clone(),
        user_id: None,
        session_id: None,
        facts,
        offline: false,
        created_at: now,
        expires_at: now.plus_secs(LONGEST_TOKEN_SECS),
        revoked_at: None,
    };
    let made = mint::access_token(app, tenant, Wanted::new(&authorization, application, &scopes)).await?;
    let stored = Authorization { expires_at: made.expires_at, ..authorization };
    let mut tx = app.store.write().await?;
    store::authorization::insert(&mut tx, &stored, None).await?;
    app.commit(tx).await?;
    Ok(Tokens {
        expires_in: made.expires_at.secs() - made.issued_at.secs(),
        access_token: made.token,
        scopes,
        refresh_token: None,
        id_token: None,
        issued_token_type: None,
    })
}
