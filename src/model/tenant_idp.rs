//! What a tenant says about an identity provider, its own or a global one: how it stands on the login page and what people
//! who come by it may become (tenant-login §7, §12).

mod body;

use serde::{Deserialize, Serialize};

use super::words::words;

pub use body::{Create, Reading, Update, in_connection, in_mapping, tenant_ids};

/// What can be set. Every member has a default, so that an identity provider that nothing is said about works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether it is offered at all.
    pub enabled: bool,
    /// Whether it has a button.
    pub show_on_login: bool,
    /// Its place among the buttons; smaller is higher.
    pub display_order: i64,
    /// Text of its button.
    pub button_text: Option<String>,
    /// Picture of its button.
    pub icon_url: Option<String>,
    /// What kind it is, for the picture: `entra_id`, `google_workspace`, `okta` and so on.
    pub preset: Option<String>,
    /// E-mail domains whose people are sent here (home-realm discovery).
    pub domains: Vec<String>,
    /// Whether they are sent here without being asked.
    pub auto_redirect: bool,
    /// E-mail domains that people may come from; none named: any.
    pub allowed_domains: Vec<String>,
    /// Whether somebody without an account gets one.
    pub jit_enabled: bool,
    /// What happens if there is an account with the same e-mail address already.
    pub link_mode: LinkMode,
    /// Whether an e-mail address of one of `domains` counts as verified although the identity provider does not say so.
    pub trust_email: bool,
    /// Whether an account that holds an administrator's role may be linked without asking.
    pub allow_admin_link: bool,
    /// What the identity provider must say about how somebody was made sure of; one of these.
    pub required_acr: Vec<String>,
    /// All of these must be among the methods.
    pub required_amr: Vec<String>,
    /// Whether signing out here signs out there.
    pub logout_upstream: LogoutUpstream,
    /// What becomes of somebody whom it sends without having been asked (SAML).
    pub idp_initiated: IdpInitiated,
    /// The application that they go to unless it names one.
    pub default_app_id: Option<String>,
    /// Whether the name that somebody has typed is handed on.
    pub pass_login_hint: bool,
    /// Value of `prompt` that every request has which asks for none.
    pub prompt: Option<String>,
    /// Further parameters of the request.
    pub extra_params: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            show_on_login: true,
            display_order: 100,
            button_text: None,
            icon_url: None,
            preset: None,
            domains: Vec::new(),
            auto_redirect: false,
            allowed_domains: Vec::new(),
            jit_enabled: true,
            link_mode: LinkMode::Confirm,
            trust_email: false,
            allow_admin_link: false,
            required_acr: Vec::new(),
            required_amr: Vec::new(),
            logout_upstream: LogoutUpstream::Offer,
            idp_initiated: IdpInitiated::Deny,
            default_app_id: None,
            pass_login_hint: true,
            prompt: None,
            extra_params: Vec::new(),
        }
    }
}

words! {
    /// What happens if there is an account with the same e-mail address already.
    LinkMode {
        /// They are one, if both addresses are verified; otherwise the person is asked.
        Auto = "auto",
        /// The person is asked to prove that it is theirs.
        Confirm = "confirm",
        /// The sign-in is refused.
        Deny = "deny",
        /// Another account is made beside it.
        Separate = "separate",
    }
}

words! {
    /// Whether signing out here signs out at the identity provider.
    LogoutUpstream {
        /// Never.
        Never = "never",
        /// The page after it offers that.
        Offer = "offer",
        /// Always.
        Always = "always",
    }
}

words! {
    /// What becomes of somebody whom an identity provider sends without having been asked.
    IdpInitiated {
        /// They are told to begin here.
        Deny = "deny",
        /// Their sign-in begins anew from here.
        Restart = "restart",
        /// They are signed in.
        Accept = "accept",
    }
}

/// An identity provider as whoever looks after a tenant sees it, offered or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The identity provider's id.
    pub idp_id: String,
    /// The protocol by which it is spoken to, if it is set up.
    pub protocol_id: Option<String>,
    /// `oidc`, `saml` or `ldap`.
    pub kind: Option<String>,
    /// What it is called.
    pub name: String,
    /// Whether it is the tenant's own, rather than a global one.
    pub own: bool,
    /// Whether it is switched on where it is managed.
    pub available: bool,
    /// What the tenant says of it.
    pub settings: Settings,
}

/// An identity provider as a tenant offers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// The identity provider's id.
    pub idp_id: String,
    /// The protocol by which it is spoken to.
    pub protocol_id: String,
    /// `oidc`, `saml` or `ldap`.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// Whether it is the tenant's own, rather than a global one.
    pub own: bool,
    /// What the tenant says of it.
    pub settings: Settings,
}
