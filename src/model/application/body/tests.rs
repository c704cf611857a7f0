//! Tests of `body`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::clock::Timestamp;

fn made(kind: &str, members: Value) -> Result<Create> {
    let mut body = json!({"tenant_id": "t", "name": "n", "type": kind});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Create::parse(&body)
}

fn place(kind: &str, members: Value) -> String {
    made(kind, members).unwrap_err().to_string().split(": ").next().unwrap().to_owned()
}

#[test]
fn each_kind_has_defaults_that_work() {
    let of = |kind| made(kind, json!({})).unwrap().settings;
    assert_eq!(of("WEB").auth_method, AuthMethod::ClientSecret);
    assert_eq!(of("SPA").auth_method, AuthMethod::None);
    assert_eq!(of("NATIVE").auth_method, AuthMethod::None);
    assert_eq!(of("SERVICE").grant_types, [GrantType::ClientCredentials]);
    assert_eq!(of("SPA").grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let key = json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y"});
    let private = json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"});
    for (kind, members, expected) in [
        ("WEB", json!({"name": ""}), "name"),
        ("WEB", json!({"name": null}), "name"),
        ("WEB", json!({"redirect_uris": ["https://a.example/#x"]}), "redirect_uris.0"),
        ("WEB", json!({"redirect_uris": ["https://a.example/", "com.example.app:/cb"]}), "redirect_uris.1"),
        ("WEB", json!({"redirect_uris": "https://a.example/"}), "redirect_uris"),
        ("WEB", json!({"logout_uris": ["http://a.example/"]}), "logout_uris.0"),
        ("WEB", json!({"allowed_origins": ["*"]}), "allowed_origins.0"),
        ("WEB", json!({"allowed_scopes": ["a b"]}), "allowed_scopes.0"),
        ("WEB", json!({"default_scopes": ["other"]}), "default_scopes.0"),
        ("WEB", json!({"grant_types": ["password"]}), "grant_types.0"),
        ("WEB", json!({"auth_method": "none"}), "auth_method"),
        ("WEB", json!({"auth_method": "private_key_jwt"}), "auth_method"),
        ("WEB", json!({"jwks": {"keys": [key]}, "jwks_uri": "https://a.example/k"}), "jwks_uri"),
        ("WEB", json!({"jwks": {"keys": [private]}}), "jwks.keys.0"),
        ("WEB", json!({"jwks": {"keys": [{"kty": "oct", "k": "k"}]}}), "jwks.keys.0"),
        ("WEB", json!({"jwks": {"keys": []}}), "jwks"),
        ("WEB", json!({"access_token_secs": 59}), "access_token_secs"),
        ("WEB", json!({"access_token_secs": 86_401}), "access_token_secs"),
        ("WEB", json!({"backchannel_logout_uri": "http://a.example/"}), "backchannel_logout_uri"),
        ("WEB", json!({"audiences": ["a b"]}), "audiences.0"),
        ("SPA", json!({"auth_method": "client_secret"}), "auth_method"),
        ("SPA", json!({"grant_types": ["client_credentials"]}), "grant_types"),
        ("SPA", json!({"may_introspect": true}), "may_introspect"),
        ("SERVICE", json!({"grant_types": ["authorization_code"]}), "redirect_uris"),
        ("OTHER", json!({}), "type"),
    ] {
        assert_eq!(place(kind, members.clone()), expected, "{members}");
    }
    assert_eq!(
        made("WEB", json!({"auth_method": "private_key_jwt", "jwks": {"keys": [key]}})).unwrap().settings.jwks,
        Some(json!({"keys": [key]}))
    );
    assert!(made("NATIVE", json!({"redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb"]})).is_ok());
}

#[test]
fn adm_mass_1_members_that_are_not_for_the_caller_are_refused() {
    for name in ["id", "client_id", "secrets", "client_secret", "version", "created_at", "updated_at", "tenant", "kind"]
    {
        assert_eq!(place("WEB", json!({(name): "x"})), name);
        assert!(application().updated(&json!({(name): "x"})).is_err(), "{name}");
    }
    // An application does not move to another tenant.
    assert!(application().updated(&json!({"tenant_id": "other"})).is_err());
    assert!(application().updated(&json!({"type": "SPA"})).is_err());
}

fn application() -> Application {
    let create = made("WEB", json!({"redirect_uris": ["https://a.example/cb"], "third_party": true})).unwrap();
    Application {
        id: "a".into(),
        tenant_id: "t".into(),
        name: create.name,
        kind: create.kind,
        enabled: false,
        settings: create.settings,
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

#[test]
fn a_patch_merges_and_null_brings_defaults_back() {
    let next = application()
        .updated(&json!({"type": "WEB", "third_party": null, "enabled": null, "access_token_secs": 60}))
        .unwrap();
    assert!(next.enabled && !next.settings.third_party);
    assert_eq!(next.settings.redirect_uris, ["https://a.example/cb"]);
    assert_eq!(next.settings.access_token_secs, Some(60));
    assert_eq!(
        application().updated(&json!({"redirect_uris": null})).unwrap().settings.redirect_uris,
        Vec::<String>::new()
    );
}
