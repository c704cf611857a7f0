//! Bearer tokens: signed and opaque.

use super::*;

/// A scene with a further audience.
async fn scene(change: impl FnOnce(&mut Wanted)) -> Scene {
    Scene::with("ES256", Some("s:cret"), |wanted| {
        wanted.audiences = vec!["https://id.example".into()];
        change(wanted);
    })
    .await
}

fn access_token(scene: &Scene, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": scene.provider.issuer, "aud": ["https://id.example", "x"], "sub": "alice", "client_id": "cli",
        "azp": "cli", "iat": NOW, "exp": NOW + 300, "scope": "openid",
    });
    change(&mut claims);
    scene.key.token_with(&json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}), &claims)
}

#[tokio::test]
async fn an_access_token_for_us_is_taken_and_one_for_somebody_else_is_not() {
    let scene = scene(|_| {}).await;
    let bearer = async |token: String| scene.oidc.bearer(&scene.ask(), &token).await;
    let got = bearer(access_token(&scene, |_| {})).await.unwrap();
    assert_eq!((got.subject.as_str(), got.proof), ("alice", Proof::AccessToken));
    assert_eq!(got.claims["scope"], "openid");
    assert!(bearer(access_token(&scene, |c| c["aud"] = json!("arch stone"))).await.is_ok());
    let with = async |name: &str, value: Value| bearer(access_token(&scene, |c| c[name] = value)).await;
    refused_for(with("aud", json!("account")).await, "another audience");
    refused_for(with("aud", Value::Null).await, "another audience");
    refused_for(with("iss", json!("https://evil.example")).await, "the issuer is");
    refused_for(with("exp", json!(NOW - 60)).await, "expired");
    refused_for(with("exp", Value::Null).await, "no 'exp'");
    refused_for(with("sub", Value::Null).await, "no 'sub'");
    refused_for(with("cnf", json!({"jkt": "x"})).await, "bound to a key");
    refused_for(with("typ", json!("Refresh")).await, "of the type 'Refresh'");
    refused_for(with("events", json!({})).await, "logout");
    // Nobody has to be asked about a signed token.
    assert_eq!((scene.provider.asked("/introspect").len(), scene.provider.asked("/userinfo").len()), (0, 0));
}

#[tokio::test]
async fn an_id_token_is_taken_as_a_bearer_if_it_was_made_for_us() {
    let scene = scene(|_| {}).await;
    let bearer = async |change: fn(&mut Value)| {
        let mut claims = scene.claims("of some client");
        change(&mut claims);
        scene.oidc.bearer(&scene.ask(), &scene.key.token(&claims)).await
    };
    assert_eq!(bearer(|_| {}).await.unwrap().proof, Proof::IdToken);
    refused_for(bearer(|c| c["azp"] = json!("other")).await, "another client");
    refused_for(bearer(|c| c["aud"] = json!("other")).await, "another audience");
    let typed = |typ: &str| scene.key.token_with(&json!({"alg": "ES256", "kid": "k1", "typ": typ}), &scene.claims("x"));
    assert!(scene.oidc.bearer(&scene.ask(), &typed("jwt")).await.is_ok());
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", ""] {
        refused_for(scene.oidc.bearer(&scene.ask(), &typed(typ)).await, "of the type");
    }
}

#[tokio::test]
async fn a_forged_bearer_is_refused_and_sent_to_nobody() {
    let scene = scene(|_| {}).await;
    let good = access_token(&scene, |_| {});
    let claims = scene.claims("x");
    let (signed, _) = good.rsplit_once('.').unwrap();
    for forged in [
        format!("{}.", unsigned(&json!({"alg": "none"}), &claims)),
        format!("{signed}."),
        format!("{signed}.{}", "A".repeat(86)),
        good[..good.len() - 4].to_owned(),
        format!("{good}A"),
        Key::new("k1", "ES256").token(&claims),
    ] {
        assert!(matches!(scene.oidc.bearer(&scene.ask(), &forged).await, Err(Error::Unauthorized { .. })), "{forged}");
    }
    for no_token in ["", "a b", "a\tb", "a\u{e9}", "a\"b", "a,b"] {
        refused_for(scene.oidc.bearer(&scene.ask(), no_token).await, "no bearer token");
    }
    let long = "x".repeat(8 * 1024 + 1);
    refused_for(scene.oidc.bearer(&scene.ask(), &long).await, "too long");
    assert_eq!(scene.provider.asked("/userinfo").len(), 0);
    assert!(scene.provider.asked("/introspect").iter().all(|a| !a.form["token"].starts_with(signed)));
}

#[tokio::test]
async fn an_opaque_token_is_introspected_with_our_own_credentials() {
    use crate::model::connection::oidc::AuthMethod;
    let scene = scene(|_| {}).await;
    let told = async |claims: Value| {
        scene.provider.answer("/introspect", Canned::json(200, &claims));
        scene.oidc.bearer(&scene.ask(), "opaque-1").await
    };
    let good =
        json!({"active": true, "sub": "alice", "client_id": "arch stone", "exp": NOW + 60, "email": "a@example"});
    let got = told(good.clone()).await.unwrap();
    assert_eq!(
        (got.subject.as_str(), got.proof, &got.claims["email"]),
        ("alice", Proof::Introspection, &json!("a@example"))
    );
    let asked = scene.provider.asked("/introspect").remove(0);
    assert_eq!((&*asked.form["token"], &*asked.form["token_type_hint"]), ("opaque-1", "access_token"));
    assert_eq!(
        asked.authorization,
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("arch+stone:s%3Acret"))
    );

    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    refused_for(told(json!({"active": false})).await, "not active");
    refused_for(told(with("active", json!("true"))).await, "not active");
    refused_for(told(with("client_id", json!("other"))).await, "another client");
    refused_for(told(with("aud", json!("other"))).await, "another audience");
    refused_for(told(with("exp", json!(NOW - 60))).await, "expired");
    refused_for(told(with("iss", json!("https://evil.example"))).await, "the issuer is");
    refused_for(told(with("token_type", json!("refresh_token"))).await, "of the type");
    refused_for(told(with("cnf", json!({"x5t#S256": "x"}))).await, "bound to a key");
    refused_for(told(with("sub", Value::Null)).await, "no 'sub'");
    scene.provider.answer("/introspect", Canned::json(401, &json!({})));
    assert!(matches!(scene.oidc.bearer(&scene.ask(), "opaque-1").await, Err(Error::Unavailable { .. })));
    scene.provider.answer("/introspect", Canned::redirect(&format!("{}/other", scene.provider.issuer)));
    assert!(matches!(scene.oidc.bearer(&scene.ask(), "opaque-1").await, Err(Error::Unavailable { .. })));
    assert!(scene.provider.asked("/other").is_empty());

    let scene = Scene::with("ES256", Some("x"), |w| w.token_endpoint_auth_method = AuthMethod::Post).await;
    scene.provider.answer("/introspect", Canned::json(200, &good));
    assert!(scene.oidc.bearer(&scene.ask(), "opaque-1").await.is_ok());
    let asked = scene.provider.asked("/introspect").remove(0);
    assert_eq!(
        (&*asked.form["client_id"], &*asked.form["client_secret"], &*asked.authorization),
        ("arch stone", "x", "")
    );
    assert!(scene.provider.asked("/jwks").is_empty());
}

#[tokio::test]
async fn userinfo_alone_proves_somebody_only_where_the_connection_says_so() {
    let told = json!({"sub": "alice", "email": "a@example"});
    let scene = Scene::with("ES256", None, |_| {}).await;
    scene.provider.answer("/userinfo", Canned::json(200, &told));
    refused_for(scene.oidc.bearer(&scene.ask(), "opaque-1").await, "no way to ask");
    assert!(scene.provider.asked("/userinfo").is_empty());

    let scene = Scene::with("ES256", None, |wanted| wanted.allow_userinfo = true).await;
    scene.provider.answer("/userinfo", Canned::json(200, &told));
    let got = scene.oidc.bearer(&scene.ask(), "opaque-1").await.unwrap();
    assert_eq!((got.subject.as_str(), got.proof, got.expires_at), ("alice", Proof::Userinfo, None));
    scene.provider.answer("/userinfo", Canned::json(401, &json!({})));
    refused_for(scene.oidc.bearer(&scene.ask(), "opaque-1").await, "answered 401");

    // Where introspection can tell more, it is asked.
    let scene = Scene::with("ES256", Some("x"), |wanted| wanted.allow_userinfo = true).await;
    scene.provider.answer("/userinfo", Canned::json(200, &told));
    scene
        .provider
        .answer("/introspect", Canned::json(200, &json!({"active": true, "sub": "alice", "client_id": "other"})));
    refused_for(scene.oidc.bearer(&scene.ask(), "opaque-1").await, "another client");
}
