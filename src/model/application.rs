//! An application of a tenant: an OAuth 2.0 client (RFC 6749 §2, RFC 7591 for the names of its settings).

mod body;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tenant::SigningAlgorithm;
use super::words::words;
use crate::clock::Timestamp;

pub use body::{Create, expires_previous_in_secs};

/// An application. Its id is its `client_id`.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it may do anything.
    pub enabled: bool,
    /// The rest.
    pub settings: Settings,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

words! {
    /// What an application is (tenant-login §12.1).
    Kind {
        /// A web application with a server: it keeps a secret.
        Web = "WEB",
        /// A service that acts for itself.
        Service = "SERVICE",
        /// A web application that lives in the browser: it has no secret.
        Spa = "SPA",
        /// An application on a device: it has no secret.
        Native = "NATIVE",
    }
}

impl Kind {
    /// Whether it can keep a secret (RFC 6749 §2.1).
    pub fn is_confidential(self) -> bool {
        matches!(self, Self::Web | Self::Service)
    }
}

words! {
    /// How an application proves who it is at the token endpoint.
    AuthMethod {
        /// A secret, in the header or in the form.
        ClientSecret = "client_secret",
        /// A JWT that it signs (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// Not at all.
        None = "none",
    }
}

words! {
    /// What an application may be given a token by.
    GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
        /// RFC 8628.
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// RFC 8693.
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
    }
}

/// What can be set about an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where codes may go, compared as they are written.
    pub redirect_uris: Vec<String>,
    /// Where browsers may go after logging out.
    pub logout_uris: Vec<String>,
    /// Origins whose scripts may ask this service.
    pub allowed_origins: Vec<String>,
    /// Scopes that it may ask for.
    pub allowed_scopes: Vec<String>,
    /// Scopes that it gets when it asks for none.
    pub default_scopes: Vec<String>,
    /// What it may be given a token by.
    pub grant_types: Vec<GrantType>,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// Its public keys, for `private_key_jwt`.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// Identity providers that its people may come by; none named: all of the tenant's.
    pub allowed_idps: Vec<String>,
    /// Of somebody else: its people are asked before it learns about them.
    pub third_party: bool,
    /// Ids of users and groups that it is for; none named: for everybody.
    pub assigned_users: Vec<String>,
    /// See `assigned_users`.
    pub assigned_groups: Vec<String>,
    /// Whether its access tokens may open the Keystone and SSO faces (ruling 10).
    pub service_audience: bool,
    /// Whether it may ask about other applications' tokens.
    pub may_introspect: bool,
    /// Client ids that its tokens may be exchanged for, and other audiences that it may ask for.
    pub audiences: Vec<String>,
    /// How long its access tokens last, in seconds.
    pub access_token_secs: Option<i64>,
    /// How its ID tokens are signed.
    pub id_token_alg: Option<SigningAlgorithm>,
    /// Whether group ids rather than names stand in its tokens.
    pub groups_as_ids: bool,
    /// Where it is told that somebody has logged out (OpenID Connect Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// Where a sign-in can be begun at it (OpenID Connect Core §4).
    pub initiate_login_uri: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let scopes = || ["openid", "profile", "email"].map(str::to_owned).to_vec();
        Self {
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            allowed_origins: Vec::new(),
            allowed_scopes: [scopes(), ["groups", "offline_access"].map(str::to_owned).to_vec()].concat(),
            default_scopes: scopes(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            auth_method: AuthMethod::ClientSecret,
            jwks: None,
            jwks_uri: None,
            allowed_idps: Vec::new(),
            third_party: false,
            assigned_users: Vec::new(),
            assigned_groups: Vec::new(),
            service_audience: false,
            may_introspect: false,
            audiences: Vec::new(),
            access_token_secs: None,
            id_token_alg: None,
            groups_as_ids: false,
            backchannel_logout_uri: None,
            initiate_login_uri: None,
        }
    }
}
