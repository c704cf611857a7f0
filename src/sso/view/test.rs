//! What tests and probes found, as the SSO face shows it (sso-api §4.6, §4.7).

use serde::Serialize;
use utoipa::ToSchema;

use crate::service::sso_config::test::{Found, Outcome};

/// Result of a test. What is not known is empty.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// Whether the test passed.
    success: bool,
    /// What the identity provider calls itself.
    issuer: String,
    /// Where browsers are sent to sign in.
    authorization_endpoint: String,
    /// Where codes are exchanged.
    token_endpoint: String,
    /// Why it failed.
    error_message: String,
    /// What works but asks for attention.
    warnings: Vec<String>,
}

impl From<Outcome> for Tested {
    fn from(outcome: Outcome) -> Self {
        let (success, error_message, report) = match outcome {
            Ok(report) => (true, String::new(), report),
            Err(failure) => (false, failure.message, failure.report),
        };
        Self {
            success,
            issuer: report.issuer.unwrap_or_default(),
            authorization_endpoint: report.authorization_endpoint.unwrap_or_default(),
            token_endpoint: report.token_endpoint.unwrap_or_default(),
            error_message,
            warnings: report.warnings,
        }
    }
}

/// What an OpenID provider says of itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Probed {
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// Where browsers are sent to sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    /// Where codes are exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint: Option<String>,
    /// Where further claims are.
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    /// Where sessions are ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<String>,
    /// Where its keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    /// The scopes that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes_supported: Option<Vec<String>>,
    /// The response types that it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_types_supported: Option<Vec<String>>,
}

impl From<Found> for Probed {
    fn from(found: Found) -> Self {
        Self {
            issuer: found.issuer,
            authorization_endpoint: found.authorization_endpoint,
            token_endpoint: found.token_endpoint,
            userinfo_endpoint: found.userinfo_endpoint,
            end_session_endpoint: found.end_session_endpoint,
            jwks_uri: found.jwks_uri,
            scopes_supported: found.scopes_supported,
            response_types_supported: found.response_types_supported,
        }
    }
}
