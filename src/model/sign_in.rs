//! A sign-in at a tenant: what a browser has begun, from the application's request to its answer (tenant-login §5).

use serde::{Deserialize, Serialize};

use super::sign_in_step::SignInStep;
use super::words::words;
use crate::clock::Timestamp;

/// A sign-in.
#[derive(Debug, Clone, PartialEq)]
pub struct SignIn {
    /// Digest of its handle.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Where it stands.
    pub stage: Stage,
    /// Digest of the cookie that binds it to one browser.
    pub browser: String,
    /// What the application asked for.
    pub request: Option<Request>,
    /// Digest of the state that the identity provider hands back.
    pub upstream_state: Option<String>,
    /// The identity provider that the browser was sent to.
    pub idp_id: Option<String>,
    /// The protocol.
    pub protocol_id: Option<String>,
    /// What the upstream has to remember, sealed.
    pub memo: Option<String>,
    /// What has been found out and not yet come to its end, sealed.
    pub found: Option<String>,
    /// Who it is, once that is sure.
    pub user_id: Option<String>,
    /// Their session.
    pub session_id: Option<String>,
    /// The device that waits for it.
    pub device_id: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Until when it can go on.
    pub expires_at: Timestamp,
    /// Until when it is kept.
    pub purge_at: Timestamp,
    /// Its first step, until others join it among the steps.
    pub first_step: Option<SignInStep>,
}

words! {
    /// Where a sign-in stands.
    Stage {
        /// The person chooses how to sign in.
        Open = "open",
        /// The browser is at the identity provider.
        Away = "away",
        /// The answer of the identity provider is being looked at.
        Judged = "judged",
        /// The person is asked whether an account is theirs.
        Confirm = "confirm",
        /// The person is asked what the application may know.
        Consent = "consent",
        /// It has ended, well or not.
        Done = "done",
    }
}

/// An application's authorization request, checked (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The application.
    pub client_id: String,
    /// Where its answer goes.
    pub redirect_uri: String,
    /// How its answer goes there.
    pub response_mode: ResponseMode,
    /// What it may have of what it asked for, in its order.
    pub scopes: Vec<String>,
    /// Handed back as it came.
    pub state: Option<String>,
    /// Stands in its ID token.
    pub nonce: Option<String>,
    /// S256 challenge.
    pub code_challenge: Option<String>,
    /// What may and must be shown.
    pub prompt: Vec<Prompt>,
    /// Seconds since the person was made sure of, at most.
    pub max_age: Option<i64>,
    /// How the person is to be made sure of; one of these, if it can be.
    pub acr_values: Vec<String>,
    /// Who the person probably is.
    pub login_hint: Option<String>,
    /// Languages that the person reads.
    pub ui_locales: Option<String>,
    /// What else its access token is for (RFC 8707).
    pub resource: Option<String>,
    /// The user that the sign-in must be of, by an `id_token_hint`.
    pub expected_user: Option<String>,
}

words! {
    /// How an answer goes to an application.
    ResponseMode {
        /// In the query of its redirect URI.
        Query = "query",
        /// As a form that the browser posts there.
        FormPost = "form_post",
    }
}

words! {
    /// What may and must be shown (OpenID Connect Core §3.1.2.1).
    Prompt {
        /// Nothing may be.
        None = "none",
        /// The person signs in anew.
        Login = "login",
        /// The person agrees anew.
        Consent = "consent",
        /// The person chooses an account.
        SelectAccount = "select_account",
    }
}
