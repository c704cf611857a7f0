//! Codes of failures that a sign-in or an OAuth 2.0 exchange can end in.
//!
//! Applications tell cases apart by them, so they are part of the interface: those of RFC 6749 §4.1.2.1 and §5.2, OpenID
//! Connect Core §3.1.2.6, RFC 6750 §3.1, RFC 8628 §3.5, and our own for what goes wrong before an application may be told.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:literal, $name:literal, $oauth:literal;)*) => {
        /// What a sign-in or an exchange failed of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Status where it is answered directly.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// Its name where it is answered directly.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The error that an application is told of; empty for what no application may be told.
            pub fn for_application(self) -> &'static str {
                match self { $(Self::$variant => $oauth),* }
            }
        }
    };
}

codes! {
    /// There is no tenant of that slug.
    TenantNotFound = 404, "tenant_not_found", "";
    /// The tenant or its domain is not active.
    TenantSuspended = 403, "tenant_suspended", "access_denied";
    /// The tenant offers no such identity provider.
    ProviderNotFound = 404, "idp_not_found", "";
    /// No such application, or a disabled one, before it may be told anything.
    UnknownApplication = 400, "invalid_client", "";
    /// The redirect URI is none of the application's.
    InvalidRedirectUri = 400, "invalid_redirect_uri", "";
    /// The request is malformed.
    InvalidRequest = 400, "invalid_request", "invalid_request";
    /// Another response type than `code`.
    UnsupportedResponseType = 400, "unsupported_response_type", "unsupported_response_type";
    /// No scope is left.
    InvalidScope = 400, "invalid_scope", "invalid_scope";
    /// The application may not do that.
    UnauthorizedClient = 400, "unauthorized_client", "unauthorized_client";
    /// `request` is not taken (OpenID Connect Core §6.1).
    RequestNotSupported = 400, "request_not_supported", "request_not_supported";
    /// `request_uri` is not taken.
    RequestUriNotSupported = 400, "request_uri_not_supported", "request_uri_not_supported";
    /// No sign-in waits for that.
    InvalidState = 400, "invalid_state", "";
    /// What an identity provider says about logging out cannot be believed.
    InvalidLogout = 400, "invalid_logout_message", "";
    /// The identity provider has sent somebody without having been asked.
    Unsolicited = 400, "unsolicited_response", "";
    /// The sign-in was begun by another browser.
    StateMismatch = 400, "state_mismatch", "";
    /// The sign-in has gone on already.
    StateReused = 400, "state_reused", "";
    /// It took too long.
    Expired = 400, "authentication_expired", "temporarily_unavailable";
    /// The identity provider or the person said no.
    UpstreamDenied = 403, "upstream_denied", "access_denied";
    /// The identity provider gave no usable answer.
    UpstreamError = 502, "upstream_error", "server_error";
    /// What the identity provider said cannot be believed.
    ValidationFailed = 400, "token_validation_failed", "access_denied";
    /// The identity provider did not answer in time.
    UpstreamTimeout = 504, "upstream_timeout", "temporarily_unavailable";
    /// Who it is has no account here and gets none.
    NotProvisioned = 403, "account_not_provisioned", "access_denied";
    /// The tenant has as many people as it may have.
    UserLimitReached = 403, "user_limit_reached", "access_denied";
    /// The account is disabled.
    AccountDisabled = 403, "account_disabled", "access_denied";
    /// People of that e-mail domain are not taken from this identity provider.
    DomainNotAllowed = 403, "domain_not_allowed", "access_denied";
    /// The application is not for this person.
    NotAssigned = 403, "not_assigned", "access_denied";
    /// There is an account already that must not be linked.
    AccountExists = 409, "account_exists", "access_denied";
    /// The identity provider did not make sure enough who it is.
    AssuranceTooLow = 403, "assurance_too_low", "access_denied";
    /// What was asked for cannot be met (OpenID Connect Unmet Authentication Requirements).
    UnmetAuthenticationRequirements = 403, "unmet_authentication_requirements", "unmet_authentication_requirements";
    /// Somebody would have to sign in, and nothing may be shown.
    LoginRequired = 400, "login_required", "login_required";
    /// Something would have to be shown, and nothing may be.
    InteractionRequired = 400, "interaction_required", "interaction_required";
    /// Somebody would have to agree, and nothing may be shown.
    ConsentRequired = 400, "consent_required", "consent_required";
    /// Somebody would have to choose an account, and nothing may be shown.
    AccountSelectionRequired = 400, "account_selection_required", "account_selection_required";
    /// Somebody said no.
    AccessDenied = 403, "access_denied", "access_denied";
    /// A form that was not made for this browser.
    ForgedForm = 403, "invalid_csrf_token", "";
    /// User name or password is wrong, or one of the reasons that look the same.
    LoginFailed = 401, "login_failed", "access_denied";
    /// The application did not prove who it is.
    InvalidClient = 401, "invalid_client", "";
    /// The code, refresh token or other grant is none, or none any more.
    InvalidGrant = 400, "invalid_grant", "";
    /// A grant type that is not offered.
    UnsupportedGrantType = 400, "unsupported_grant_type", "";
    /// A kind of token that is not offered (RFC 7009 §2.2.1, RFC 8693).
    UnsupportedTokenType = 400, "unsupported_token_type", "";
    /// The resource is none that tokens are issued for (RFC 8707 §2).
    InvalidTarget = 400, "invalid_target", "invalid_target";
    /// The access token is none, or none any more.
    InvalidToken = 401, "invalid_token", "";
    /// The access token is not good for that.
    InsufficientScope = 403, "insufficient_scope", "";
    /// The person has not decided yet.
    AuthorizationPending = 400, "authorization_pending", "";
    /// Asked again too soon.
    SlowDown = 400, "slow_down", "";
    /// The device's code has ended.
    ExpiredToken = 400, "expired_token", "";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_told_to_an_application_has_no_name_for_it() {
        for code in [Code::InvalidRedirectUri, Code::UnknownApplication, Code::StateMismatch, Code::InvalidState] {
            assert_eq!(code.for_application(), "");
        }
        assert_eq!(Code::Expired.for_application(), "temporarily_unavailable");
    }

    #[test]
    fn every_status_is_one_of_a_failure() {
        assert!(Code::ALL.iter().all(|c| (400..=504).contains(&c.status()) && !c.as_str().is_empty()));
    }
}
