//! Whether an authorization still holds: asked whenever something new is to come of it.

use super::super::{App, activity, protocol, tenant};
use super::claims;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::authorization::Authorization;
use crate::model::facts::{Facts, Scope};
use crate::model::tenant::Tenant;
use crate::model::token::{self, Payload};
use crate::model::user::Identity;
use crate::store::Conn;

/// What an authorization rests on.
#[derive(Debug)]
pub(super) struct Standing {
    /// Its user.
    pub identity: Identity,
    /// The end of its session, if it was given in one that goes on.
    pub session_ends: Option<Timestamp>,
}

/// What an authorization of a user rests on, or why it does not hold any more. `session_ends`: the end of its session, unless
/// that has ended; `outlives_session`: what is asked for may outlive the session, if the authorization may.
pub(super) async fn of(
    app: &App,
    conn: &mut Conn,
    tenant: &Tenant,
    authorization: &Authorization,
    session_ends: Option<Timestamp>,
    outlives_session: bool,
) -> Result<std::result::Result<Standing, &'static str>> {
    if authorization.tenant_id != tenant.id {
        return Ok(Err("it is of another tenant"));
    }
    if authorization.revoked_at.is_some() {
        return Ok(Err("it was taken back"));
    }
    let Some(user_id) = &authorization.user_id else { return Ok(Err("it is of no user")) };
    let Some(identity) = activity::user(app, conn, user_id).await? else { return Ok(Err("the user is gone")) };
    if !identity.user.enabled || !identity.domain_enabled {
        return Ok(Err("the user or their domain is disabled"));
    }
    if identity.user.domain_id != tenant.id {
        return Ok(Err("the user is of another domain"));
    }
    if let Some(federated) = claims::federated(&authorization.facts)
        && !protocol::is_open(app, conn, &federated.idp_id, &federated.protocol_id).await?
    {
        return Ok(Err("the identity provider is gone or disabled"));
    }
    let session_ends = session_ends.filter(|end| app.now() < *end);
    if authorization.session_id.is_some() && session_ends.is_none() && !(outlives_session && authorization.offline) {
        return Ok(Err("the session has ended"));
    }
    if app.memory.is_revoked(&facts(authorization, &identity)) {
        return Ok(Err("the user's tokens were revoked"));
    }
    Ok(Ok(Standing { identity, session_ends }))
}

/// Whether a tenant still offers the identity provider by which the user came.
pub(super) async fn is_offered(app: &App, tenant: &Tenant, authorization: &Authorization) -> Result<bool> {
    let Some(idp_id) = &authorization.facts.idp_id else { return Ok(true) };
    Ok(tenant::offered(app, tenant).await?.iter().any(|o| o.idp_id == *idp_id))
}

/// An authorization as revocations see it: as if it were a token of the time when it was given.
fn facts(authorization: &Authorization, identity: &Identity) -> Facts {
    Facts {
        payload: Payload {
            user_id: identity.user.id.clone(),
            methods: Vec::new(),
            issued_at: authorization.created_at,
            expires_at: authorization.expires_at,
            audit_ids: vec![authorization.id.clone()],
            scope: token::Scope::Unscoped,
            federated: claims::federated(&authorization.facts),
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        },
        user_name: String::new(),
        user_domain_id: identity.user.domain_id.clone(),
        user_domain_name: String::new(),
        password_expires_at: None,
        scope: Scope::Unscoped,
        groups: Vec::new(),
        roles: Vec::new(),
    }
}
