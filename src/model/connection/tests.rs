//! Tests of connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::oidc::{AccessMode, Algorithm, AuthMethod, ResponseMode, ResponseType};
use super::*;

fn create(inner: Value) -> Result<Create> {
    Create::parse(&json!({ "connection": inner }))
}

fn oidc(settings: &Settings) -> &Oidc {
    let Settings::Oidc(oidc) = settings else { unreachable!() };
    oidc
}

fn made(inner: Value) -> Oidc {
    oidc(&create(inner).unwrap().settings).clone()
}

const ISSUER: &str = "https://op.example";

#[test]
fn defaults_ask_for_a_code_and_trust_five_algorithms() {
    let c = create(json!({"issuer": ISSUER, "client_id": "me"})).unwrap();
    let o = oidc(&c.settings);
    assert_eq!(c.secret, None);
    assert_eq!(o.scopes, ["openid", "email", "profile"]);
    assert_eq!((o.response_type, o.response_mode), (ResponseType::Code, ResponseMode::Query));
    assert_eq!((o.token_endpoint_auth_method, o.access_mode), (AuthMethod::Basic, AccessMode::ProgramConsole));
    assert_eq!((o.allow_userinfo, o.fetch_userinfo, o.audiences.len()), (false, true, 0));
    let names: Vec<&str> = o.algorithms.iter().map(|a| a.as_str()).collect();
    assert_eq!(names, ["RS256", "PS256", "ES256", "ES384", "EdDSA"]);
    assert_eq!(o.configuration_url().unwrap(), "https://op.example/.well-known/openid-configuration");
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    for (inner, name) in [
        (json!({"issuer": ISSUER}), "'client_id' is a required property"),
        (json!({"client_id": "me"}), "connection.issuer"),
        (json!({"client_id": "me", "discovery_url": "https://op.example/x"}), "connection.issuer"),
        (json!({"kind": "ldap", "client_id": "me", "issuer": ISSUER}), "connection.kind"),
        (json!({"kind": "saml", "client_id": "me", "issuer": ISSUER}), "connection.idp_entity_id"),
        (json!({"kind": "saml", "idp_metadata_url": ISSUER, "sign_requests": true}), "connection.sign_requests"),
        (json!({"kind": "saml", "idp_metadata_url": ISSUER, "client_secret": "x"}), "connection.client_secret"),
        (json!({"kind": "saml", "idp_metadata_url": ISSUER, "odd": 1}), "'odd'"),
        (json!({"kind": 1, "client_id": "me", "issuer": ISSUER}), "connection.kind"),
        (json!({"client_id": 1, "issuer": ISSUER}), "connection.client_id"),
        (json!({"client_id": "", "issuer": ISSUER}), "connection.client_id"),
        (json!({"client_id": "me", "issuer": "x".repeat(256)}), "connection.issuer"),
        (json!({"client_id": "me", "issuer": ISSUER, "client_secret": ""}), "connection.client_secret"),
        (json!({"client_id": "me", "issuer": ISSUER, "client_secret": 5}), "connection.client_secret"),
        (json!({"client_id": "me", "issuer": ISSUER, "scopes": "openid"}), "connection.scopes"),
        (json!({"client_id": "me", "issuer": ISSUER, "scopes": ["email"]}), "connection.scopes"),
        (json!({"client_id": "me", "issuer": ISSUER, "scopes": ["openid", "a b"]}), "connection.scopes.1"),
        (json!({"client_id": "me", "issuer": ISSUER, "scopes": ["openid", "openid"]}), "connection.scopes.1"),
        (json!({"client_id": "me", "issuer": ISSUER, "scopes": ["openid", 1]}), "connection.scopes.1"),
        (json!({"client_id": "me", "issuer": ISSUER, "algorithms": []}), "connection.algorithms"),
        (json!({"client_id": "me", "issuer": ISSUER, "algorithms": ["ES256", "none"]}), "connection.algorithms.1"),
        (json!({"client_id": "me", "issuer": ISSUER, "algorithms": ["HS256"]}), "connection.algorithms.0"),
        (json!({"client_id": "me", "issuer": ISSUER, "audiences": [""]}), "connection.audiences.0"),
        (json!({"client_id": "me", "issuer": ISSUER, "jwks": "text"}), "connection.jwks"),
        (
            json!({"client_id": "me", "issuer": ISSUER, "jwks": {"keys": []}, "jwks_uri": "https://h/"}),
            "connection.jwks_uri",
        ),
        (json!({"client_id": "me", "issuer": ISSUER, "jwks": {"keys": ["x".repeat(70_000)]}}), "connection.jwks"),
        (json!({"client_id": "me", "issuer": ISSUER, "allow_userinfo": "yes"}), "connection.allow_userinfo"),
        (
            json!({"client_id": "me", "issuer": ISSUER, "token_endpoint_auth_method": "private_key_jwt"}),
            "connection.token",
        ),
        (json!({"client_id": "me", "issuer": ISSUER, "response_type": "token"}), "connection.response_type"),
        (json!({"client_id": "me", "issuer": ISSUER, "response_mode": "fragment"}), "connection.response_mode"),
        (
            json!({"client_id": "me", "issuer": ISSUER, "response_type": "id_token", "response_mode": "query"}),
            "connection.response_mode",
        ),
        (json!({"client_id": "me", "issuer": ISSUER, "access_mode": "console"}), "connection.access_mode"),
        (json!({"client_id": "me", "issuer": ISSUER, "client_secret_set": true}), "'client_secret_set'"),
        (json!({"client_id": "me", "issuer": ISSUER, "links": {}}), "'links'"),
    ] {
        let text = create(inner.clone()).unwrap_err().to_string();
        assert!(text.contains(name), "{inner}: {text}");
    }
}

#[test]
fn settings_come_back_from_the_database_and_lack_what_is_new() {
    let settings = create(json!({"issuer": ISSUER, "client_id": "me", "algorithms": ["PS512"]})).unwrap().settings;
    assert_eq!(Settings::decode("oidc", &settings.encode().unwrap()).unwrap(), settings);
    let old = Settings::decode("oidc", r#"{"issuer":"https://op.example","client_id":"me"}"#).unwrap();
    assert_eq!(oidc(&old).algorithms.len(), 5);
    assert!(Settings::decode("radius", "{}").is_err() && Settings::decode("oidc", "[").is_err());
}

#[test]
fn sec_log_1_a_secret_is_nowhere_in_what_is_shown_or_stored() {
    let c = create(json!({"issuer": ISSUER, "client_id": "me", "client_secret": "canary"})).unwrap();
    assert_eq!(c.secret, Some(Secret::from("canary")));
    let written = format!("{c:?} {:?} {}", c.settings.members(), c.settings.encode().unwrap());
    assert!(!written.contains("canary"), "{written}");
}

#[test]
fn a_patch_changes_what_it_names_and_null_brings_the_default_back() {
    let stored =
        create(json!({"issuer": ISSUER, "client_id": "me", "scopes": ["openid"], "audiences": ["a"]})).unwrap();
    let patch = |inner: Value| Update::parse(&json!({ "connection": inner }));
    let applied = |inner: Value| patch(inner).unwrap().apply(&stored.settings);
    let next = applied(json!({"audiences": ["b"], "scopes": null, "kind": "oidc"})).unwrap();
    let o = oidc(&next);
    assert_eq!((o.audiences.as_slice(), o.scopes.len(), o.issuer.as_deref()), (&["b".to_owned()][..], 3, Some(ISSUER)));
    assert!(applied(json!({"client_id": null})).is_err() && applied(json!({"issuer": null})).is_err());
    assert!(applied(json!({"kind": "saml"})).is_err() && applied(json!({"odd": 1})).is_err());
    assert!(applied(json!({"odd": null})).is_err());
    assert!(patch(json!({})).is_err());
    assert_eq!(patch(json!({"client_secret": null})).unwrap().secret, Some(None));
    assert_eq!(patch(json!({"client_secret": "x"})).unwrap().secret, Some(Some(Secret::from("x"))));
    let same = patch(json!({"client_id": "me"})).unwrap();
    assert_eq!((same.secret.clone(), same.apply(&stored.settings).unwrap()), (None, stored.settings.clone()));
}

#[test]
fn a_secret_stays_only_while_all_that_decides_about_its_way_stays_on_its_hosts() {
    let base = json!({"issuer": ISSUER, "client_id": "me", "token_endpoint": "https://tokens.example/t"});
    let stored = create(base.clone()).unwrap().settings;
    let stays = |name: &str, value: Value| {
        let mut inner = base.clone();
        inner[name] = value;
        stored.secret_stays(&create(inner).unwrap().settings)
    };
    assert!(stays("client_id", json!("other")));
    assert!(stays("token_endpoint", json!("https://tokens.example/other")));
    assert!(stays("token_endpoint", json!(null)));
    assert!(stays("authorization_endpoint", json!("https://evil.example/a")));
    assert!(stays("userinfo_endpoint", json!("https://evil.example/u")));
    for (name, value) in [
        ("issuer", "https://evil.example"),
        ("issuer", "http://op.example"),
        ("issuer", "https://op.example:8443"),
        ("token_endpoint", "https://evil.example/t"),
        ("token_endpoint", "https://tokens.example.evil.example/t"),
        ("introspection_endpoint", "https://evil.example/i"),
        ("discovery_url", "https://evil.example/.well-known/openid-configuration"),
    ] {
        assert!(!stays(name, json!(value)), "{name} {value}");
    }
}

mod huawei_form {
    use super::*;

    const KEYS: &str = r#"{"keys":[{"kty":"RSA","e":"AQAB","n":"x","kid":"k"}]}"#;

    fn console() -> Value {
        json!({
            "access_mode": "program_console", "idp_url": ISSUER, "client_id": "client", "signing_key": KEYS,
            "authorization_endpoint": "https://op.example/authorize", "scope": "openid email",
            "response_type": "id_token", "response_mode": "form_post",
        })
    }

    fn body(change: impl FnOnce(&mut Value)) -> Value {
        let mut inner = console();
        change(&mut inner);
        json!({ "openid_connect_config": inner })
    }

    #[test]
    fn the_form_is_the_connection_of_the_protocol_oidc_and_comes_back_as_it_was_sent() {
        let made = huawei::create(&body(|_| {})).unwrap();
        assert_eq!((made.issuer.as_deref(), made.jwks.as_deref()), (Some(ISSUER), Some(KEYS)));
        assert_eq!((made.response_type, made.response_mode), (ResponseType::IdToken, ResponseMode::FormPost));
        assert_eq!(made.scopes, ["openid", "email"]);
        assert_eq!(huawei::shown(&made), console());
        // It is a connection that the extension's form may read and write, too.
        let settings = Settings::Oidc(Box::new(made.clone()));
        let patch = Update::parse(&json!({"connection": {"audiences": ["a"]}})).unwrap();
        let Settings::Oidc(next) = patch.apply(&settings).unwrap() else { unreachable!() };
        assert_eq!((next.audiences.len(), next.response_type), (1, ResponseType::IdToken));
    }

    #[test]
    fn programs_only_need_no_browser_and_are_shown_nulls() {
        let program = body(|c| {
            c["access_mode"] = json!("program");
            for name in ["scope", "response_type", "response_mode"] {
                c.as_object_mut().unwrap().remove(name);
            }
        });
        let made = huawei::create(&program).unwrap();
        assert_eq!((made.access_mode, made.authorization_endpoint.clone()), (AccessMode::Program, None));
        let shown = huawei::shown(&made);
        for name in ["authorization_endpoint", "scope", "response_type", "response_mode"] {
            assert_eq!(shown[name], Value::Null, "{name}");
        }
        // What was shown may be sent back.
        assert_eq!(huawei::update(&json!({ "openid_connect_config": shown }), &made).unwrap(), made);
        // A browser's log-in needs the rest.
        let console_too = json!({"openid_connect_config": {"access_mode": "program_console"}});
        let text = huawei::update(&console_too, &made).unwrap_err().to_string();
        assert!(text.contains("'authorization_endpoint' is a required property"), "{text}");
    }

    #[test]
    fn the_rules_of_each_member_hold() {
        type Change = fn(&mut Value);
        let cases: [(&str, Change); 20] = [
            ("'access_mode'", |c| drop(c.as_object_mut().unwrap().remove("access_mode"))),
            ("'idp_url'", |c| drop(c.as_object_mut().unwrap().remove("idp_url"))),
            ("'client_id'", |c| c["client_id"] = Value::Null),
            ("'signing_key'", |c| drop(c.as_object_mut().unwrap().remove("signing_key"))),
            ("'scope'", |c| drop(c.as_object_mut().unwrap().remove("scope"))),
            ("'response_mode'", |c| drop(c.as_object_mut().unwrap().remove("response_mode"))),
            ("access_mode", |c| c["access_mode"] = json!("console")),
            ("idp_url", |c| c["idp_url"] = json!("https://x")),
            ("idp_url", |c| c["idp_url"] = json!(format!("https://{}", "x".repeat(248)))),
            ("client_id", |c| c["client_id"] = json!("four")),
            ("client_id", |c| c["client_id"] = json!("x".repeat(256))),
            ("signing_key", |c| c["signing_key"] = json!({"keys": []})),
            ("signing_key", |c| c["signing_key"] = json!("not a key set")),
            ("signing_key", |c| c["signing_key"] = json!(format!("{{\"keys\":[\"{}\"]}}", "x".repeat(30_000)))),
            ("authorization_endpoint", |c| c["authorization_endpoint"] = json!("https://")),
            ("scope", |c| c["scope"] = json!("email profile")),
            ("scope", |c| c["scope"] = json!("openid groups")),
            ("response_type", |c| c["response_type"] = json!("code")),
            ("response_mode", |c| c["response_mode"] = json!("query")),
            ("'client_secret'", |c| c["client_secret"] = json!("x")),
        ];
        for (name, change) in cases {
            let text = huawei::create(&body(change)).unwrap_err().to_string();
            assert!(text.contains(name), "{name}: {text}");
        }
    }

    #[test]
    fn a_put_changes_what_it_names() {
        let stored = huawei::create(&body(|_| {})).unwrap();
        let update = |inner: Value| huawei::update(&json!({ "openid_connect_config": inner }), &stored).unwrap();
        let next = update(json!({"client_id": "other", "response_mode": "fragment"}));
        assert_eq!((next.client_id.as_str(), next.response_mode), ("other", ResponseMode::Fragment));
        assert_eq!(next.issuer, stored.issuer);
        assert_eq!(update(json!({})), stored);
    }

    #[test]
    fn a_code_flow_that_the_extension_set_up_stays_one() {
        let stored = made(json!({"issuer": ISSUER, "client_id": "client", "algorithms": ["PS256"]}));
        let next = huawei::update(&json!({"openid_connect_config": {"client_id": "other"}}), &stored).unwrap();
        assert_eq!((next.response_type, next.response_mode), (ResponseType::Code, ResponseMode::Query));
        assert_eq!(next.algorithms, [Algorithm::Ps256]);
    }
}
