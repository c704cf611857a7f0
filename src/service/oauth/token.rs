//! The token endpoint (RFC 6749 §3.2): one grant for tokens.

use super::super::caller::Origin;
use super::super::tenant::Client;
use super::super::{App, audit};
use super::mint::Tokens;
use super::parameters::Parameters;
use super::{code, device, exchange, itself, refresh};
use crate::error::{Code, Error, Result};
use crate::model::application::GrantType;
use crate::model::audit_event::{AuditEvent, Outcome};
use crate::model::authorization::Authorization;
use crate::model::tenant::Tenant;

/// What is asked of, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// This service.
    pub app: &'a App,
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Where the request comes from.
    pub origin: &'a Origin,
    /// The tick of the memory before anything was read for it.
    pub(super) tick: u64,
}

/// 400 `invalid_grant`: the application learns no more than that.
pub(super) fn invalid_grant(why: impl Into<String>) -> Error {
    Error::refused_because(Code::InvalidGrant, "The grant is invalid, was used before, or has ended.", why)
}

impl<'a> Asking<'a> {
    /// What is asked from now on.
    pub fn new(app: &'a App, tenant: &'a Tenant, origin: &'a Origin) -> Self {
        Self { app, tenant, origin, tick: app.memory.tick() }
    }

    /// A record of what went wrong with an authorization.
    pub(super) fn failure(&self, action: &str, authorization: &Authorization) -> AuditEvent {
        let mut event = audit::event(self.app, Some(self.origin), action, Outcome::Failure);
        event.user_id.clone_from(&authorization.user_id);
        event.domain_id = Some(self.tenant.id.clone());
        event.target_kind = Some("authorization".to_owned());
        event.target_id = Some(authorization.id.clone());
        event.detail.clone_from(&authorization.client_id);
        event
    }
}

/// Tokens for what the form shows.
///
/// # Errors
/// `Refused` with a code of RFC 6749 §5.2, RFC 8628 §3.5 or RFC 8693 §2.2.2.
pub async fn grant(asking: &Asking<'_>, client: &Client, form: &Parameters) -> Result<Tokens> {
    let named = form.required("grant_type")?;
    let grant_type = GrantType::parse(named)
        .ok_or_else(|| Error::refused(Code::UnsupportedGrantType, "grant_type: there is no such grant type here"))?;
    if !client.application.settings.grant_types.contains(&grant_type) {
        return Err(Error::refused(Code::UnauthorizedClient, "grant_type: the application may not use this one"));
    }
    // Each of them keeps much while it waits: boxed.
    match grant_type {
        GrantType::AuthorizationCode => Box::pin(code::redeem(asking, client, form)).await,
        GrantType::RefreshToken => Box::pin(refresh::redeem(asking, client, form)).await,
        GrantType::ClientCredentials => Box::pin(itself::issue(asking, client, form)).await,
        GrantType::DeviceCode => Box::pin(device::redeem(asking, client, form)).await,
        GrantType::TokenExchange => Box::pin(exchange::exchange(asking, client, form)).await,
    }
}
