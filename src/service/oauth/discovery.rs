//! What a tenant says of itself as a provider (OpenID Connect Discovery §3, RFC 8414 §2): only what works.

use serde_json::{Value, json};

use super::super::App;
use super::claims;
use crate::model::application::GrantType;
use crate::model::sign_in::Prompt;
use crate::model::tenant::{SigningAlgorithm, Tenant};

/// The document. Every address begins with the issuer, which stays when the slug changes.
pub fn document(app: &App, tenant: &Tenant) -> Value {
    let issuer = tenant.issuer(&app.public_url);
    let at = |path: &str| format!("{issuer}{path}");
    let algorithms: Vec<&str> = SigningAlgorithm::ALL.iter().map(|a| a.as_str()).collect();
    let grants: Vec<&str> = GrantType::ALL.iter().map(|g| g.as_str()).collect();
    let prompts: Vec<&str> = Prompt::ALL.iter().map(|p| p.as_str()).collect();
    let assertion_algorithms: Vec<&str> = super::client_auth::ASSERTION_ALGORITHMS.iter().map(|a| a.as_str()).collect();
    let confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let methods = [&confidential[..], &["none"]].concat();
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "introspection_endpoint": at("/oauth/introspect"),
        "revocation_endpoint": at("/oauth/revoke"),
        "end_session_endpoint": at("/oauth/logout"),
        "device_authorization_endpoint": at("/oauth/device_authorization"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": grants,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": claims::SCOPES,
        "claim_types_supported": ["normal"],
        "claims_supported": claims::SUPPORTED,
        "prompt_values_supported": prompts,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "ui_locales_supported": ["en"],
    })
}
