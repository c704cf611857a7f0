//! `…/protocols/{protocol_id}/connection`, and `openid-connect-config` of the Huawei dialect.

use serde_json::{Value, json};

use crate::openapi::operation::Operation;
use crate::openapi::resource::{Member, Resource};
use crate::openapi::schema::{boolean, link, nullable, object, says, text, text_of, time, word};

const ONE: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/connection";
const CONFIG: &str = "/v3.0/OS-FEDERATION/identity-providers/{idp_id}/openid-connect-config";

/// All of them.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get(ONE, "GetConnection", "Show a connection.").shows("ConnectionEnvelope"),
        Operation::put(ONE, "CreateConnection", "Make a connection.")
            .takes_named("ConnectionCreate")
            .makes("ConnectionEnvelope"),
        Operation::patch(ONE, "UpdateConnection", "Change a connection. Null brings a member's default back.")
            .takes_named("ConnectionUpdate")
            .changes("ConnectionEnvelope"),
        Operation::delete(ONE, "DeleteConnection", "Delete a connection.").done(),
        Operation::get(
            CONFIG,
            "GetOpenIDConnectConfig",
            "Show the connection of the protocol `oidc`, in Huawei's form.",
        )
        .shows("OpenIDConnectConfigEnvelope"),
        Operation::post(CONFIG, "CreateOpenIDConnectConfig", "Make the connection of the protocol `oidc`.")
            .takes_named("OpenIDConnectConfigCreate")
            .makes("OpenIDConnectConfigEnvelope"),
        Operation::put(CONFIG, "UpdateOpenIDConnectConfig", "Change the connection of the protocol `oidc`.")
            .takes_named("OpenIDConnectConfigUpdate")
            .changes("OpenIDConnectConfigEnvelope"),
    ]
}

/// Their schemas.
pub fn schemas() -> Vec<(String, Value)> {
    [connection(), config()].concat()
}

fn texts() -> Value {
    json!({"type": "array", "items": text_of(1, 255), "maxItems": 50, "uniqueItems": true})
}

/// What every kind shows beside its settings.
fn shown_of_all() -> Vec<Member> {
    let links = object([("self", link()), ("identity_provider", link()), ("protocol", link())]);
    vec![
        Member::shown("client_secret_set", says(boolean(), "Whether there is a secret.")),
        Member::shown("updated_at", time()),
        Member::shown("links", links),
    ]
}

fn url(name: &'static str, description: &str) -> Member {
    let shown = json!({"type": ["string", "null"], "maxLength": 2_048, "pattern": "^https?://."});
    Member::taken(name, says(shown, description))
}

/// A word; null in a change brings the default back.
fn choice(name: &'static str, words: &[&str]) -> Member {
    Member::taken(name, word(words))
}

fn oidc() -> Resource {
    let algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    let algorithms =
        json!({"type": "array", "items": word(&algorithms), "minItems": 1, "maxItems": 9, "uniqueItems": true});
    let jwks = says(json!({"type": ["object", "null"]}), "Pinned keys: a JWK set. Then none are fetched.");
    let issuer = json!({"type": ["string", "null"], "maxLength": 255, "pattern": "^https?://."});
    let mut scopes = texts();
    scopes["contains"] = json!({"const": "openid"});
    let mut members = vec![
        choice("kind", &["oidc"]),
        Member::taken("issuer", says(issuer, "What the provider calls itself.")),
        url("discovery_url", "Where its configuration is, if not below the issuer."),
        Member::needed("client_id", text_of(1, 255)),
        Member::taken("client_secret", nullable(text_of(1, 4_096))).hidden(),
        Member::taken("scopes", scopes),
        choice("token_endpoint_auth_method", &["client_secret_basic", "client_secret_post", "none"]),
        Member::taken("jwks", jwks),
        url("jwks_uri", "Where its keys are, if not where its configuration says."),
        url("authorization_endpoint", "Where browsers are sent."),
        url("token_endpoint", "Where codes are exchanged."),
        url("userinfo_endpoint", "Where further claims are."),
        url("introspection_endpoint", "Where opaque tokens are asked about."),
        Member::taken("audiences", says(texts(), "For whom else a bearer token may be meant.")),
        Member::taken("algorithms", algorithms),
        Member::taken("allow_userinfo", boolean()),
        Member::taken("fetch_userinfo", boolean()),
        choice("response_type", &["code", "id_token"]),
        choice("response_mode", &["query", "form_post", "fragment"]),
        choice("access_mode", &["program_console", "program"]),
        url("redirect_uri", "The redirect URI that is registered there, where it is not the one made here.")
            .sometimes(),
        Member::taken("name", nullable(text_of(1, 255))).sometimes(),
    ];
    members.extend(shown_of_all());
    Resource::new("OidcConnection", "connection", "connections", members)
}

/// Settings that are shown here and set elsewhere.
fn shown_only(kind: &str, names: &[&'static str], flags: &[&'static str], further: Vec<Member>) -> Value {
    let mut members = vec![Member::shown("kind", json!({"const": kind}))];
    members.extend(names.iter().map(|name| Member::shown(name, nullable(text()))));
    members.extend(flags.iter().map(|name| Member::shown(name, boolean())));
    members.extend(further);
    members.extend(shown_of_all());
    let schemas = Resource::new("Shown", "connection", "connections", members).schemas();
    schemas.into_iter().next().map(|(_, schema)| schema).unwrap_or_default()
}

fn saml() -> Resource {
    let member = |name: &'static str, most: usize, description: &str| {
        Member::taken(name, says(nullable(text_of(1, most)), description))
    };
    let mut members = vec![
        Member::needed("kind", word(&["saml"])),
        member("idp_entity_id", 1_024, "What the identity provider calls itself."),
        url("idp_sso_url", "Where browsers are sent."),
        url("idp_slo_url", "Where browsers are sent to log out."),
        member("idp_certificate", 100_000, "Its certificates, in PEM. Only these count then."),
        url("idp_metadata_url", "Where its metadata is, for what is not set."),
        member("idp_metadata_xml", 500_000, "Its metadata itself. Then none is fetched."),
        member("sp_entity_id", 1_024, "What this service calls itself there."),
        member("name_id_format", 255, "The form of name that is asked for; `any` leaves it to the identity provider."),
        member("sp_certificate_pem", 100_000, "The certificate that goes with a key of the connection's own."),
    ];
    let flags =
        ["sign_requests", "force_authn", "require_signed_assertion", "require_encrypted_assertion", "allow_sha1"];
    members.extend(flags.map(|name| Member::taken(name, boolean())));
    members.extend(shown_of_all());
    Resource::new("SamlConnection", "connection", "connections", members)
}

/// What a change takes: null brings the default back of what has one.
fn changing(mut schema: Value) -> Value {
    let members = schema["properties"]["connection"]["properties"].as_object_mut();
    for (name, member) in members.into_iter().flatten() {
        if member["type"].is_string() && name != "kind" && name != "client_id" {
            *member = nullable(member.take());
        }
    }
    schema
}

fn connection() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for (name, mut schema) in [oidc().schemas(), saml().schemas()].concat() {
        if name.ends_with("List") || name.ends_with("Envelope") {
            continue;
        }
        if name == "OidcConnectionCreate" {
            schema["properties"]["connection"]["anyOf"] =
                json!([{"required": ["issuer"]}, {"required": ["discovery_url"]}]);
        }
        if name == "SamlConnectionCreate" {
            let set = json!({"required": ["idp_entity_id", "idp_sso_url", "idp_certificate"]});
            schema["properties"]["connection"]["anyOf"] =
                json!([set, {"required": ["idp_metadata_url"]}, {"required": ["idp_metadata_xml"]}]);
        }
        all.push(if name.ends_with("Update") { (name, changing(schema)) } else { (name, schema) });
    }
    let either = |form: &str| {
        let of = |kind: &str| crate::openapi::schema::named(&format!("{kind}Connection{form}"));
        json!({"anyOf": [of("Oidc"), of("Saml")]})
    };
    all.push(("ConnectionCreate".to_owned(), either("Create")));
    all.push(("ConnectionUpdate".to_owned(), either("Update")));
    let ldap = [
        "bind_dn",
        "user_search_base",
        "user_search_filter",
        "group_search_base",
        "group_search_filter",
        "ca_certificate_pem",
    ];
    let of_ldap = vec![
        Member::shown("server_address", text()),
        Member::shown("base_dn", text()),
        Member::shown("port", json!({"type": ["integer", "null"], "minimum": 1, "maximum": 65_535})),
        Member::shown("servers", crate::openapi::schema::list(text())),
    ];
    all.push(("LdapConnection".to_owned(), shown_only("ldap", &ldap, &["use_ssl", "use_start_tls"], of_ldap)));
    let reference = |kind: &str| crate::openapi::schema::named(&format!("{kind}Connection"));
    let mut any = json!({"oneOf": [reference("Oidc"), reference("Saml"), reference("Ldap")]});
    any["description"] = json!("Which one it is, `kind` says.");
    all.push(("Connection".to_owned(), any));
    let envelope = object([("connection", crate::openapi::schema::named("Connection"))]);
    all.push(("ConnectionEnvelope".to_owned(), envelope));
    all
}

/// Huawei's form. Null counts as absent, as it is shown for what does not apply.
fn config() -> Vec<(String, Value)> {
    let optional = |least: usize, most: usize| nullable(text_of(least, most));
    let member = |name: &'static str, taken: Value| Member::taken(name, nullable(text())).taken_as(taken);
    let needed = |name: &'static str, schema: Value| Member::needed(name, nullable(text())).taken_as(schema);
    let scope = says(optional(1, 255), "`openid`, `email` and `profile`, with blanks between them; has `openid`.");
    let jwks = says(text_of(10, 30_000), "The text of a JWK set.");
    let all = Resource::new(
        "OpenIDConnectConfig",
        "openid_connect_config",
        "openid_connect_configs",
        vec![
            Member::needed("access_mode", word(&["program_console", "program"])),
            needed("idp_url", text_of(10, 255)),
            Member::needed("client_id", text()).taken_as(text_of(5, 255)),
            needed("signing_key", jwks),
            member("authorization_endpoint", optional(10, 255)),
            member("scope", scope),
            member("response_type", nullable(word(&["id_token"]))),
            member("response_mode", nullable(word(&["fragment", "form_post"]))),
        ],
    )
    .with_empty_update()
    .schemas();
    all.into_iter().filter(|(name, _)| !name.ends_with("List")).collect()
}
