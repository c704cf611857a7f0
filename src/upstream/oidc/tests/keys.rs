//! Keys: which count, how they change, and how often they are fetched.

use super::*;

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn verifies(keys: &KeySet, token: &str) -> bool {
    keys.verify(&Jwt::parse(token).unwrap()).is_ok()
}

#[test]
fn keys_of_an_unknown_kind_are_skipped_and_fail_nothing() {
    let key = Key::new("good", "ES256");
    let unknown = [
        json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AA"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "Ed448", "x": "AA"}),
        json!({"kty": "oct", "k": "c2VjcmV0", "kid": "good", "alg": "HS256"}),
        json!({"kty": 7}),
        json!("x"),
        json!(null),
        json!({}),
    ];
    let keys = set(&[&unknown[..], &[key.jwk()]].concat());
    assert!(verifies(&keys, &key.token(&json!({}))));
    assert!(set(&unknown).is_empty());
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn a_key_is_used_for_what_it_is_for_and_nothing_else() {
    let key = Key::new("k", "RS256");
    let with = |name: &str, value: Value| {
        let mut jwk = key.jwk();
        match value {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
            value => jwk[name] = value,
        }
        verifies(&set(&[jwk]), &key.token(&json!({})))
    };
    assert!(with("alg", Value::Null) && with("use", Value::Null) && with("kid", Value::Null));
    assert!(with("key_ops", json!(["verify"])));
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(1)),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!("verify")),
        ("alg", json!("RS512")),
        ("alg", json!("PS256")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!(5)),
        ("kty", json!("EC")),
        ("kid", json!("other")),
        ("n", json!("AAAA")),
        ("e", json!("!")),
    ] {
        assert!(!with(name, value.clone()), "{name}={value}");
    }
    // A token that names no key may be of any.
    let nameless = key.token_with(&json!({"alg": "RS256"}), &json!({}));
    assert!(verifies(&set(&[Key::new("a", "RS256").jwk(), key.jwk()]), &nameless));
}

#[test]
fn small_rsa_keys_and_small_exponents_are_refused() {
    let modulus = |bytes: usize| URL_SAFE_NO_PAD.encode([&[0x80_u8][..], &vec![1; bytes - 1]].concat());
    let key = |n: String, e: &str| set(&[json!({"kty": "RSA", "n": n, "e": e})]);
    assert!(!key(modulus(256), "AQAB").is_empty());
    // With a zero before it, as some providers write it.
    let padded = URL_SAFE_NO_PAD.encode([&[0, 0x80_u8][..], &[1; 255]].concat());
    assert!(!key(padded, "AQAB").is_empty());
    for (n, e) in [
        (modulus(128), "AQAB"),
        (modulus(255), "AQAB"),
        (URL_SAFE_NO_PAD.encode([&[0; 128][..], &[0x80], &[1; 127]].concat()), "AQAB"),
        (modulus(1_025), "AQAB"),
        (modulus(256), "Aw"),
        (modulus(256), "AA"),
        (modulus(256), "AQAA"),
        (modulus(256), "AAAAAAAAAAAAAAAD"),
        (String::new(), "AQAB"),
    ] {
        assert!(key(n, e).is_empty(), "{e}");
    }
}

#[test]
fn a_point_that_is_not_on_its_curve_is_no_key() {
    let jwk = Key::new("k", "ES256").jwk();
    let with = |name: &str, value: &str| {
        let mut jwk = jwk.clone();
        jwk[name] = json!(value);
        set(&[jwk]).is_empty()
    };
    assert!(!with("kid", "x"));
    assert!(with("x", &URL_SAFE_NO_PAD.encode([1; 32])) && with("x", "AA") && with("crv", "P-384"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_key_6_unknown_kids_cause_one_fetch_in_30_seconds_however_many_come_at_once() {
    let scene = Scene::new().await;
    scene.login_with(|_| {}).await.unwrap();
    assert_eq!(scene.provider.asked("/jwks").len(), 1);
    let storm = async |scene: &Scene| {
        let ask = scene.ask();
        let tokens: Vec<String> = (0..100)
            .map(|i| scene.key.token_with(&json!({"alg": "ES256", "kid": format!("random-{i}")}), &scene.claims("x")))
            .collect();
        let all = futures_util::future::join_all(tokens.iter().map(|t| scene.oidc.bearer(&ask, t))).await;
        assert!(all.into_iter().all(|outcome| matches!(outcome, Err(Error::Unauthorized { .. }))));
    };
    storm(&scene).await;
    assert_eq!(scene.provider.asked("/jwks").len(), 1, "within 30 seconds of the first");
    let scene = Scene { now: Timestamp::from_secs(NOW + 30), ..scene };
    storm(&scene).await;
    storm(&scene).await;
    assert_eq!(scene.provider.asked("/jwks").len(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_by_100_log_ins_at_once_with_one_fetch() {
    let scene = Scene::new().await;
    scene.login_with(|_| {}).await.unwrap();
    let next = Key::new("k2", "ES256");
    scene.provider.publish(&[&scene.key, &next]);
    let scene = Scene { now: Timestamp::from_secs(NOW + 30), ..scene };
    let (ask, token) = (scene.ask(), next.token(&scene.claims("x")));
    let all = futures_util::future::join_all((0..100).map(|_| scene.oidc.bearer(&ask, &token))).await;
    assert!(all.iter().all(|outcome| outcome.is_ok()));
    assert_eq!(scene.provider.asked("/jwks").len(), 2);
    assert!(scene.oidc.bearer(&ask, &scene.key.token(&scene.claims("x"))).await.is_ok());
    // The old key is withdrawn: after the next refresh it counts no more.
    scene.provider.publish(&[&next]);
    let scene = Scene { now: Timestamp::from_secs(NOW + 30 + 3_600), ..scene };
    scene.oidc.bearer(&scene.ask(), &next.token(&scene.claims("x"))).await.unwrap();
    while scene.provider.asked("/jwks").len() < 3 {
        tokio::task::yield_now().await;
    }
    let old = scene.key.token(&scene.claims("x"));
    for _ in 0..1_000 {
        if scene.oidc.bearer(&scene.ask(), &old).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the withdrawn key still counts");
}

#[tokio::test]
async fn tok_key_5_a_key_that_is_replaced_under_its_id_is_fetched_once() {
    let scene = Scene::new().await;
    scene.login_with(|_| {}).await.unwrap();
    let next = Key::new("k1", "ES256");
    scene.provider.publish(&[&next]);
    let token = next.token(&scene.claims("x"));
    refused_for(scene.oidc.bearer(&scene.ask(), &token).await, "the signature is wrong");
    let scene = Scene { now: Timestamp::from_secs(NOW + 30), ..scene };
    assert!(scene.oidc.bearer(&scene.ask(), &token).await.is_ok());
    assert_eq!(scene.provider.asked("/jwks").len(), 2);
}

#[tokio::test]
async fn keys_are_kept_while_the_provider_is_down() {
    let scene = Scene::new().await;
    scene.login_with(|_| {}).await.unwrap();
    scene.provider.answer("/jwks", Canned::json(503, &json!({})));
    scene.provider.answer("/.well-known/openid-configuration", Canned::json(503, &json!({})));
    for later in [30, 3_600, 7_200, 86_399] {
        let now = Timestamp::from_secs(NOW + later);
        let ask = Ask { now, ..scene.ask() };
        let mut claims = scene.claims("x");
        (claims["iat"], claims["exp"]) = (json!(NOW + later), json!(NOW + later + 60));
        assert!(scene.oidc.bearer(&ask, &scene.key.token(&claims)).await.is_ok(), "{later}");
        // What nobody can check is refused, and disturbs nothing.
        let unknown = scene.key.token_with(&json!({"alg": "ES256", "kid": "x"}), &claims);
        refused_for(scene.oidc.bearer(&ask, &unknown).await, "no such key");
        scene.provider.answer("/jwks", Canned { status: 200, headers: vec![], body: "<html>".into() });
    }
}

#[tokio::test]
async fn pinned_keys_are_the_only_ones() {
    let scene = Scene::new().await;
    let other = Key::new("k1", "ES256");
    let jwks = Some(json!({"keys": [other.jwk()]}).to_string());
    let pinned = ready(Wanted { jwks, ..settings(&scene.ready).unwrap().clone() }, None);
    let scene = Scene { ready: pinned, ..scene };
    assert!(scene.oidc.bearer(&scene.ask(), &other.token(&scene.claims("x"))).await.is_ok());
    refused_for(scene.oidc.bearer(&scene.ask(), &scene.key.token(&scene.claims("x"))).await, "the signature is wrong");
    assert!(scene.provider.asked("/jwks").is_empty());
    assert!(scene.provider.asked("/.well-known/openid-configuration").is_empty());
    for jwks in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, "{}", "x"] {
        let wanted = Wanted { jwks: Some(jwks.into()), ..settings(&scene.ready).unwrap().clone() };
        assert!(pinned_keys(&wanted).is_err(), "{jwks}");
    }
}
