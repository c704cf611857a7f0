//! Codes for tokens, and what the tokens say.

use serde_json::json;

use crate::service::oauth::access::TYP;
use crate::service::oauth::hint::id_token_hint;
use crate::service::oauth::keys;
use crate::service::oauth::tests::{REDIRECT, VERIFIER, a_tenant, grant, refusal, scenes, text};
use crate::store::{self, sql::Sql};

#[tokio::test]
async fn op_tok_1_a_code_gives_tokens_that_say_who_signed_in_where_and_for_whom() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid email profile").await;
        assert_eq!(
            (answer.body["token_type"].as_str(), answer.body["expires_in"].as_i64()),
            (Some("Bearer"), Some(3_600))
        );
        assert_eq!(text(&answer, "scope"), "openid email profile");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["pragma"], "no-cache");
        assert!(answer.body["refresh_token"].is_string());
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        let id = keys::verify(app, tenant, text(&answer, "id_token"), "JWT").await.unwrap();
        let now = app.now().secs();
        let issuer = "https://id.example/api/v1/auth/tenants/acme";
        let mut expected = json!({
            "iss": issuer, "sub": "jane", "aud": "app_web", "azp": "app_web", "nonce": "n-1", "iat": now,
            "exp": now + 3_600, "auth_time": now - 1, "amr": ["pwd"], "sid": "ses_1", "tenant_id": tenant.id,
            "email": "jane@acme.example", "email_verified": true, "name": "Jane Doe", "given_name": "Jane",
            "preferred_username": "jane", "at_hash": id["at_hash"],
        });
        assert_eq!(json!(id), expected, "{}", scene.house.database);
        let access = keys::verify(app, tenant, text(&answer, "access_token"), TYP).await.unwrap();
        expected = json!({
            "iss": issuer, "sub": "jane", "aud": "app_web", "client_id": "app_web", "iat": now, "exp": now + 3_600,
            "scope": "openid email profile", "sid": "ses_1", "auth_time": now - 1, "amr": ["pwd"],
            "tenant_id": tenant.id, "jti": access["jti"], "grant_id": access["grant_id"],
        });
        assert_eq!(json!(access), expected);
        let told = scene.userinfo(text(&answer, "access_token")).await;
        assert_eq!(told.status, 200);
        assert_eq!(told.body["sub"], "jane");
        assert_eq!(
            (told.body["email"].as_str(), told.body["name"].as_str()),
            (Some("jane@acme.example"), Some("Jane Doe"))
        );
        // Without the scope it says no such thing, and no ID token is given.
        let answer = scene.tokens(&scene.web, "things:read").await;
        assert!(answer.body.get("id_token").is_none());
        assert_eq!(refusal(&scene.userinfo(text(&answer, "access_token")).await), (403, "insufficient_scope"));
    }
}

#[tokio::test]
async fn an_access_token_is_remembered_as_it_is_issued_until_its_user_changes() {
    for scene in scenes().await {
        let app = &scene.house.app;
        // The keys are made, and all that the scene has written is heard of.
        scene.tokens(&scene.web, "openid").await;
        app.feed.current(&app.memory).await.unwrap();
        let answer = scene.tokens(&scene.web, "openid profile").await;
        let token = text(&answer, "access_token");
        let called = async || scene.userinfo(token).await.body["preferred_username"].clone();
        let mut tx = app.store.write().await.unwrap();
        let mut user = store::user::get(&mut tx, "jane").await.unwrap().unwrap().user;
        // What is written past the service is seen by whoever asks the database.
        Sql::new("UPDATE users SET name = 'joan' WHERE id = 'jane'").run(&mut tx).await.unwrap();
        app.commit(tx).await.unwrap();
        assert_eq!(called().await, "jane");
        user.name = "june".into();
        let mut tx = app.store.write().await.unwrap();
        store::user::update(&mut tx, &user).await.unwrap();
        app.commit(tx).await.unwrap();
        assert_eq!(called().await, "june");
    }
}

#[tokio::test]
async fn an_id_token_of_before_names_whom_it_was_of() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid").await;
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        scene.house.clock.advance(7_200);
        let hint = id_token_hint(app, tenant, text(&answer, "id_token")).await.unwrap();
        assert_eq!(
            (hint.user_id.as_str(), hint.client_id.as_str(), hint.sid.as_deref()),
            ("jane", "app_web", Some("ses_1"))
        );
        assert!(id_token_hint(app, tenant, text(&answer, "access_token")).await.is_err());
        let other = a_tenant(&scene.house, "other").await;
        assert!(id_token_hint(app, &other, text(&answer, "id_token")).await.is_err());
    }
}

#[tokio::test]
async fn op_tok_4_a_token_of_one_tenant_opens_nothing_at_another() {
    for scene in scenes().await {
        let other = a_tenant(&scene.house, "other").await;
        let answer = scene.tokens(&scene.web, "openid").await;
        let bearer = format!("Bearer {}", text(&answer, "access_token"));
        let path = format!("/api/v1/auth/tenants/{}/oauth/userinfo", other.slug);
        for _ in 0..2 {
            let told = scene.house.ask("GET", &path, &[("authorization", &bearer)], None).await;
            assert_eq!(refusal(&told), (401, "invalid_token"));
            assert_eq!(told.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
            // Now its own tenant remembers it, which must not help at the other one.
            assert_eq!(scene.userinfo(text(&answer, "access_token")).await.status, 200);
        }
        // An ID token is no access token.
        assert_eq!(refusal(&scene.userinfo(text(&answer, "id_token")).await), (401, "invalid_token"));
    }
}

#[tokio::test]
async fn op_tok_6_another_spelling_of_an_access_token_is_refused() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid").await;
        let token = text(&answer, "access_token");
        for wrong in
            [format!("{token}="), token[..token.len() - 1].to_owned(), format!("{token}A"), token.replace('.', "..")]
        {
            assert_eq!(refusal(&scene.userinfo(&wrong).await), (401, "invalid_token"), "{wrong}");
        }
        let bare = scene.house.ask("GET", &scene.path("/oauth/userinfo"), &[], None).await;
        assert_eq!((bare.status, bare.headers["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
        scene.house.clock.advance(3_600);
        assert_eq!(refusal(&scene.userinfo(token).await), (401, "invalid_token"), "it has ended");
    }
}

#[tokio::test]
async fn op_code_1_a_code_that_is_used_twice_takes_back_what_came_of_it() {
    for scene in scenes().await {
        let code = scene.code(&scene.web, "openid").await;
        let first = scene.redeem(&scene.web, &code).await;
        assert_eq!(scene.userinfo(text(&first, "access_token")).await.status, 200);
        assert_eq!(refusal(&scene.redeem(&scene.web, &code).await), (400, "invalid_grant"));
        assert_eq!(refusal(&scene.userinfo(text(&first, "access_token")).await), (401, "invalid_token"));
        let refreshed = scene.refresh(&scene.web, text(&first, "refresh_token"), &[]).await;
        assert_eq!(refusal(&refreshed), (400, "invalid_grant"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_code_2_of_many_uses_at_once_one_succeeds() {
    for scene in scenes().await {
        let code = scene.code(&scene.web, "openid").await;
        let all = futures_util::future::join_all((0..20).map(|_| scene.redeem(&scene.web, &code))).await;
        let good = all.iter().filter(|a| a.status == 200).count();
        assert_eq!(good, 1, "{}", scene.house.database);
        assert!(all.iter().filter(|a| a.status != 200).all(|a| refusal(a) == (400, "invalid_grant")), "{all:?}");
    }
}

#[tokio::test]
async fn op_code_3_a_code_in_another_applications_hands_is_burnt() {
    for scene in scenes().await {
        let code = scene.code(&scene.web, "openid").await;
        assert_eq!(refusal(&scene.redeem(&scene.other, &code).await), (400, "invalid_grant"));
        assert_eq!(refusal(&scene.redeem(&scene.web, &code).await), (400, "invalid_grant"));
        let code = scene.code(&scene.web, "openid").await;
        let fields = [&grant(&code)[..], &[("client_id", "app_spa")]].concat();
        let by_spa = scene.house.form(&scene.path("/oauth/token"), &[], &fields).await;
        assert_eq!(refusal(&by_spa), (400, "invalid_grant"));
        assert_eq!(refusal(&scene.redeem(&scene.web, &code).await), (400, "invalid_grant"));
    }
}

#[tokio::test]
async fn op_code_4_a_code_is_for_a_minute_and_one_redirect_uri() {
    for scene in scenes().await {
        let late = scene.code(&scene.web, "openid").await;
        scene.house.clock.advance(60);
        assert_eq!(refusal(&scene.redeem(&scene.web, &late).await), (400, "invalid_grant"));
        for redirect in [Some("https://app.example/callback/"), Some("https://APP.example/callback"), None] {
            let code = scene.code(&scene.web, "openid").await;
            let mut fields = grant(&code).to_vec();
            fields.retain(|(n, _)| *n != "redirect_uri");
            fields.extend(redirect.map(|uri| ("redirect_uri", uri)));
            let answer = scene.post("/oauth/token", &scene.web, &fields).await;
            assert_eq!(refusal(&answer), (400, "invalid_grant"), "{redirect:?}");
        }
    }
}

#[tokio::test]
async fn op_code_5_a_code_that_was_changed_is_none() {
    for scene in scenes().await {
        let code = scene.code(&scene.web, "openid").await;
        let changed = code.chars().rev().collect::<String>();
        for wrong in [changed.as_str(), &code[1..], &format!("{code} "), &format!("{code}=")] {
            assert_eq!(refusal(&scene.redeem(&scene.web, wrong).await), (400, "invalid_grant"), "{wrong}");
        }
        assert_eq!(scene.redeem(&scene.web, &code).await.status, 200, "none of them used it up");
    }
}

#[tokio::test]
async fn op_pkce_1_to_6_the_verifier_must_be_the_challenges() {
    for scene in scenes().await {
        let (long, short) = ("a".repeat(129), "a".repeat(42));
        let wrong = VERIFIER.replace('d', "e");
        // 3, 5, 6: wrong, too short, too long, missing. 2: the challenge itself, as `plain` would have it.
        let plain = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for verifier in [Some(wrong.as_str()), Some(long.as_str()), Some(short.as_str()), Some(plain), Some(""), None] {
            let code = scene.code(&scene.web, "openid").await;
            let mut fields = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
            fields.extend(verifier.map(|v| ("code_verifier", v)));
            let answer = scene.post("/oauth/token", &scene.web, &fields).await;
            assert_eq!(refusal(&answer), (400, "invalid_grant"), "{verifier:?}");
            assert_eq!(refusal(&scene.redeem(&scene.web, &code).await), (400, "invalid_grant"), "it is burnt");
        }
        // 4: a verifier where there was no challenge.
        let code = scene.code_of(&scene.authorization(&scene.web, "openid"), None).await;
        assert_eq!(refusal(&scene.redeem(&scene.web, &code).await), (400, "invalid_grant"));
        // 1: an application without a secret, without PKCE.
        let code = scene.code_of(&scene.authorization(&scene.spa, "openid"), None).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT),
            ("client_id", "app_spa"),
        ];
        let answer = scene.house.form(&scene.path("/oauth/token"), &[], &fields).await;
        assert_eq!(refusal(&answer), (400, "invalid_grant"));
        // With it, it gets its tokens.
        let code = scene.code(&scene.spa, "openid").await;
        let fields = [&grant(&code)[..], &[("client_id", "app_spa")]].concat();
        assert_eq!(scene.house.form(&scene.path("/oauth/token"), &[], &fields).await.status, 200);
    }
}

#[tokio::test]
async fn a_code_gives_nothing_after_the_session_or_the_user_has_gone() {
    for scene in scenes().await {
        let (first, second) =
            (scene.code(&scene.web, "openid offline_access").await, scene.code(&scene.web, "openid").await);
        let now = scene.house.app.now();
        scene.write(async |tx| assert!(store::session::terminate(tx, "ses_1", "logout", now).await.unwrap())).await;
        assert_eq!(refusal(&scene.redeem(&scene.web, &first).await), (400, "invalid_grant"));
        scene
            .write(async |tx| {
                let mut user = store::user::get(tx, "jane").await.unwrap().unwrap().user;
                user.enabled = false;
                store::user::update(tx, &user).await.unwrap();
            })
            .await;
        assert_eq!(refusal(&scene.redeem(&scene.web, &second).await), (400, "invalid_grant"));
    }
}

#[tokio::test]
async fn tok_key_4_access_tokens_of_a_key_that_is_taken_away_die_at_once() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid").await;
        let token = text(&answer, "access_token");
        assert_eq!(scene.userinfo(token).await.status, 200);
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        for key in keys::list(app, tenant).await.unwrap() {
            let caller = crate::service::caller::Caller::of_command_line(app).await.unwrap();
            keys::revoke(app, &caller, tenant, &key.id).await.unwrap();
        }
        assert_eq!(refusal(&scene.userinfo(token).await), (401, "invalid_token"));
    }
}
