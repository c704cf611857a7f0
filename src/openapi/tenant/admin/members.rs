//! The settings of tenants, applications and identity providers: each member once, for what is shown and for what is taken.

use serde_json::{Map, Value, json};

use super::super::super::schema::{boolean, list, nullable, says, text, text_of, word};
use crate::model::application::{AuthMethod, GrantType};
use crate::model::connection::oidc::Oidc;
use crate::model::tenant::SigningAlgorithm;
use crate::model::tenant_idp::{IdpInitiated, LinkMode, LogoutUpstream};

/// Members of an object.
pub(super) struct Members(Vec<(&'static str, Value)>);

impl Members {
    /// One more.
    pub(super) fn and(mut self, name: &'static str, schema: Value) -> Self {
        self.0.push((name, schema));
        self
    }

    /// As they are shown: all of them.
    pub(super) fn shown(self) -> Value {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| *name).collect();
        let mut schema = json!({"type": "object", "required": names, "additionalProperties": false});
        schema["properties"] = Value::Object(self.properties(|_, schema| schema));
        schema
    }

    /// As they are taken: those that must be there, and others, which may be null.
    pub(super) fn taken(self, required: &[&str]) -> Value {
        let mut schema = json!({"type": "object", "additionalProperties": false});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let always = ["name", "type", "provider_type", "oidc", "mapping", "attribute_mappings"];
        schema["properties"] = Value::Object(self.properties(|name, schema| {
            if required.contains(&name) || always.contains(&name) { schema } else { nullable(schema) }
        }));
        schema
    }

    fn properties(self, each: impl Fn(&str, Value) -> Value) -> Map<String, Value> {
        self.0.into_iter().map(|(name, schema)| (name.to_owned(), each(name, schema))).collect()
    }
}

fn url() -> Value {
    json!({"type": "string", "format": "uri", "maxLength": 2_048})
}

fn secs(least: i64, most: i64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

fn algorithms() -> Value {
    word(&SigningAlgorithm::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>())
}

/// A tenant's settings, but its branding.
pub(super) fn settings() -> Members {
    Members(vec![
        ("display_name", says(nullable(text_of(1, 255)), "What its pages call it.")),
        ("default_redirect_url", says(nullable(url()), "Where people go who signed in without an application.")),
        ("local_login", says(boolean(), "People may sign in with a password of this service.")),
        ("require_pkce", says(boolean(), "Applications that have a secret need PKCE as well.")),
        ("session_secs", secs(300, 2_592_000)),
        ("session_idle_secs", secs(60, 2_592_000)),
        ("access_token_secs", secs(60, 86_400)),
        ("refresh_token_secs", secs(300, 31_536_000)),
        ("id_token_alg", algorithms()),
        ("frame_ancestors", says(list(url()), "Sites that may show its pages in a frame.")),
        ("user_limit", says(nullable(secs(0, 100_000_000)), "How many people may have accounts.")),
        ("direct_login_tokens", says(boolean(), "An answer without an application carries tokens, too.")),
        ("sign_metadata", says(boolean(), "The tenant's SAML metadata is signed.")),
    ])
}

/// How its pages look.
pub(super) fn branding() -> Members {
    let color = || nullable(json!({"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}));
    Members(vec![
        ("logo_url", nullable(says(text(), "https, or a data URL of a PNG, SVG or WebP image."))),
        ("primary_color", color()),
        ("background_color", color()),
        ("support_url", nullable(says(text(), "https or mailto."))),
    ])
}

/// An application's settings.
pub(super) fn application() -> Members {
    let grants = word(&GrantType::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>());
    let methods = word(&AuthMethod::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>());
    Members(vec![
        ("redirect_uris", says(list(text()), "Where codes may go, compared as they are written.")),
        ("logout_uris", says(list(text()), "Where browsers may go after logging out.")),
        ("allowed_origins", says(list(url()), "Origins whose scripts may ask this service.")),
        ("allowed_scopes", list(text_of(1, 255))),
        ("default_scopes", list(text_of(1, 255))),
        ("grant_types", list(grants)),
        ("auth_method", methods),
        ("jwks", nullable(says(json!({"type": "object"}), "Its public keys."))),
        ("jwks_uri", nullable(url())),
        ("allowed_idps", says(list(text()), "Identity providers that its people may come by; none: all.")),
        ("third_party", says(boolean(), "Its people are asked before it learns about them.")),
        ("assigned_users", says(list(text()), "Ids of users that it is for; none: everybody.")),
        ("assigned_groups", list(text())),
        ("service_audience", says(boolean(), "Its access tokens may open this service itself.")),
        ("may_introspect", says(boolean(), "It may ask about other applications' tokens.")),
        ("audiences", says(list(text()), "Whom else its tokens may be for.")),
        ("access_token_secs", nullable(secs(60, 86_400))),
        ("id_token_alg", nullable(algorithms())),
        ("groups_as_ids", boolean()),
        ("backchannel_logout_uri", nullable(url())),
        ("initiate_login_uri", nullable(url())),
    ])
}

/// What a tenant says of an identity provider, but whether it is enabled.
pub(super) fn identity_provider() -> Members {
    let modes = word(&LinkMode::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>());
    let initiated = word(&IdpInitiated::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>());
    let logouts = word(&LogoutUpstream::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>());
    Members(vec![
        ("show_on_login", boolean()),
        ("display_order", secs(0, 10_000)),
        ("button_text", nullable(text_of(1, 100))),
        ("icon_url", nullable(text())),
        ("preset", nullable(says(text_of(1, 64), "Its kind, for the picture."))),
        ("domains", says(list(text()), "E-mail domains whose people are sent there.")),
        ("auto_redirect", boolean()),
        ("allowed_domains", says(list(text()), "E-mail domains that people may come from; none: any.")),
        ("jit_enabled", says(boolean(), "Who has no account gets one.")),
        ("link_mode", modes),
        ("trust_email", says(boolean(), "Addresses of `domains` count as verified.")),
        ("allow_admin_link", boolean()),
        ("required_acr", list(text())),
        ("required_amr", list(text())),
        ("logout_upstream", logouts),
        ("idp_initiated", initiated),
        ("default_app_id", nullable(text_of(1, 64))),
        ("pass_login_hint", boolean()),
        ("prompt", nullable(text())),
        ("extra_params", json!({"type": "object", "additionalProperties": {"type": "string"}})),
    ])
}

/// How an identity provider is spoken to, as the body of a connection.
pub(super) fn oidc() -> Value {
    let mut members: Map<String, Value> =
        Oidc::default().members().keys().map(|name| (name.clone(), json!({}))).collect();
    members.insert("client_secret".to_owned(), json!({"type": ["string", "null"], "writeOnly": true}));
    says(json!({"type": "object", "properties": members}), "The members of a connection of the Keystone face.")
}
