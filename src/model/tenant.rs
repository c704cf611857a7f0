//! A tenant: a domain with a slug, whose people sign in on pages of their own and whose applications have an OAuth 2.0 and
//! OpenID provider of their own (tenant-login §2.1, §12.1).

mod body;

use serde::{Deserialize, Serialize};

use super::web::is_label;
use super::words::words;
use crate::clock::Timestamp;

pub use body::{ACCESS_TOKEN_SECS, Create, Update, address, algorithm, tenant_id};

/// A tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its id: the domain's.
    pub id: String,
    /// What stands in its addresses.
    pub slug: String,
    /// The slug that its issuer names. It stays when the slug changes.
    pub issuer_slug: String,
    /// The domain's name.
    pub name: String,
    /// Whether people may sign in: neither it nor its domain is switched off.
    pub active: bool,
    /// Whether its domain is enabled.
    pub domain_enabled: bool,
    /// The rest.
    pub settings: Settings,
    /// Counts its changes.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What can be set about a tenant. Every member has a default, so that `{}` is a working tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What its pages call it; the domain's name if there is none.
    pub display_name: Option<String>,
    /// Where somebody goes who signed in without an application.
    pub default_redirect_url: Option<String>,
    /// Whether people may sign in with a password of this service.
    pub local_login: bool,
    /// How its pages look.
    pub branding: Branding,
    /// Whether applications that have a secret need PKCE as well.
    pub require_pkce: bool,
    /// How long somebody stays signed in, in seconds.
    pub session_secs: i64,
    /// How long somebody stays signed in without doing anything, in seconds.
    pub session_idle_secs: i64,
    /// How long an access token lasts, unless its application says otherwise, in seconds.
    pub access_token_secs: i64,
    /// How long a refresh token lasts from its last use, in seconds.
    pub refresh_token_secs: i64,
    /// How ID tokens are signed, unless their application says otherwise.
    pub id_token_alg: SigningAlgorithm,
    /// Sites that may show its pages in a frame; none by default.
    pub frame_ancestors: Vec<String>,
    /// How many people may have accounts; none: no limit.
    pub user_limit: Option<i64>,
    /// Whether an answer without an application carries tokens, too.
    pub direct_login_tokens: bool,
    /// Whether its SAML metadata is signed.
    pub sign_metadata: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            display_name: None,
            default_redirect_url: None,
            local_login: true,
            branding: Branding::default(),
            require_pkce: false,
            session_secs: 8 * 3_600,
            session_idle_secs: 2 * 3_600,
            access_token_secs: 3_600,
            refresh_token_secs: 14 * 86_400,
            id_token_alg: SigningAlgorithm::Rs256,
            frame_ancestors: Vec::new(),
            user_limit: None,
            direct_login_tokens: false,
            sign_metadata: false,
        }
    }
}

/// How a tenant's pages look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Branding {
    /// Its logo: an `https` address, or a `data:` URL of a PNG, SVG or WebP image.
    pub logo_url: Option<String>,
    /// Colour of buttons and links, as `#rrggbb`.
    pub primary_color: Option<String>,
    /// Colour behind everything, as `#rrggbb`.
    pub background_color: Option<String>,
    /// Where people find help.
    pub support_url: Option<String>,
}

words! {
    /// How tokens are signed (RFC 7518 §3.1).
    #[derive(PartialOrd, Ord)]
    SigningAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256, which every client must know (OpenID Connect Core §15.1).
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256; signing takes a thirtieth of the time.
        Es256 = "ES256",
    }
}

/// Whether a text can be a slug, which is a DNS label in lower case (tenant-login §2.1).
pub fn is_slug(text: &str) -> bool {
    is_label(text)
}

impl Tenant {
    /// What people call it.
    pub fn display_name(&self) -> &str {
        self.settings.display_name.as_deref().unwrap_or(&self.name)
    }

    /// Where its addresses begin, by the slug that it has now. `public_url` has no slash at its end.
    pub fn base(&self, public_url: &str) -> String {
        format!("{public_url}/api/v1/auth/tenants/{}", self.slug)
    }

    /// Its issuer (tenant-login §9.1).
    pub fn issuer(&self, public_url: &str) -> String {
        format!("{public_url}/api/v1/auth/tenants/{}", self.issuer_slug)
    }

    /// Where its pages begin.
    pub fn pages(&self, public_url: &str) -> String {
        format!("{public_url}/auth/{}", self.slug)
    }
}
