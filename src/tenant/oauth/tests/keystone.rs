//! Access tokens on the Keystone face (ruling 10).

use serde_json::{Value, json};

use crate::model::authorization::Facts;
use crate::model::grant::{Grant, Target};
use crate::model::tenant::SigningAlgorithm;
use crate::service::oauth::tests::{Scene, refusal, scenes, text};
use crate::service::oauth::{keys, revoke, revoke_all};
use crate::store;
use crate::store::authorization::Of;
use crate::store::tests::{a_project, a_role};
use crate::testing::Answered;

/// A token of jane's for this service, with roles on the project `p`.
async fn token(scene: &Scene, scopes: &str, change: impl FnOnce(&mut Facts)) -> String {
    let mut authorization = scene.authorization(&scene.web, scopes);
    authorization.facts.audience = vec!["https://id.example/v3".into()];
    change(&mut authorization.facts);
    let code = scene.code_of(&authorization, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into())).await;
    text(&scene.redeem(&scene.web, &code).await, "access_token").to_owned()
}

async fn set(scene: &Scene) {
    scene
        .write(async |tx| {
            store::role::insert(tx, &a_role("member")).await.unwrap();
            store::project::insert(tx, &a_project("p", &scene.tenant.id)).await.unwrap();
            let grant = Grant::of_user("jane", Target::Project("p".into()), "member");
            store::grant::insert(tx, &grant).await.unwrap();
        })
        .await;
    scene.change(&scene.web, |a| a.settings.service_audience = true).await;
}

async fn validated(scene: &Scene, token: &str) -> Answered {
    let headers = [("x-auth-token", token), ("x-subject-token", token)];
    scene.house.ask("GET", "/v3/auth/tokens", &headers, None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_for_this_service_is_a_token_of_its_user_here() {
    for scene in scenes().await {
        set(&scene).await;
        let access = token(&scene, "openid openstack:project:p", |_| {}).await;
        for _ in 0..2 {
            let answer = validated(&scene, &access).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let shown = &answer.body["token"];
            assert_eq!((&shown["user"]["id"], &shown["project"]["id"]), (&json!("jane"), &json!("p")));
            assert_eq!(shown["methods"], json!(["password"]));
            assert_eq!(shown["roles"][0]["name"], "member");
            assert_eq!(shown["audit_ids"].as_array().unwrap().len(), 2);
        }
        // As a bearer token as well.
        let bearer = format!("Bearer {access}");
        let headers = [("authorization", bearer.as_str()), ("x-subject-token", access.as_str())];
        assert_eq!(scene.house.ask("GET", "/v3/auth/tokens", &headers, None).await.status, 200);
        // Without a word of a project it has no scope; with the word alone, the user's default project.
        let bare = token(&scene, "openid", |_| {}).await;
        assert_eq!(validated(&scene, &bare).await.body["token"].get("project"), None);
        scene
            .write(async |tx| {
                let mut user = store::user::get(tx, "jane").await.unwrap().unwrap().user;
                user.default_project_id = Some("p".into());
                store::user::update(tx, &user).await.unwrap();
            })
            .await;
        let default = token(&scene, "openid openstack", |_| {}).await;
        assert_eq!(validated(&scene, &default).await.body["token"]["project"]["id"], "p");
        for elsewhere in ["openstack:project:none", "openstack:domain:d", "openstack:project:p openstack:domain:d"] {
            let none = token(&scene, elsewhere, |_| {}).await;
            assert_eq!(validated(&scene, &none).await.status, 401, "{elsewhere}");
        }
    }
}

// What is no token of any kind has the key files read again, which needs another thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_not_for_this_service_opens_nothing_here() {
    for scene in scenes().await {
        set(&scene).await;
        let other = token(&scene, "openid openstack", |facts| facts.audience.clear()).await;
        assert_eq!(validated(&scene, &other).await.status, 401);
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        // Nor one of an application that may not have such tokens any more.
        let good = token(&scene, "openid", |_| {}).await;
        assert_eq!(validated(&scene, &good).await.status, 200);
        scene.change(&scene.web, |a| a.settings.service_audience = false).await;
        assert_eq!(validated(&scene, &good).await.status, 401);
        scene.change(&scene.web, |a| a.settings.service_audience = true).await;
        assert_eq!(validated(&scene, &good).await.status, 200);
        // Nor one that another tenant has signed in this one's name.
        let stranger = crate::service::oauth::tests::a_tenant(&scene.house, "other").await;
        let claims = keys::verify(app, tenant, &good, "at+jwt").await.unwrap();
        let forged = keys::sign(app, &stranger, SigningAlgorithm::Es256, "at+jwt", &Value::Object(claims)).await;
        assert_eq!(validated(&scene, &forged.unwrap()).await.status, 401);
        // Nor the ID token.
        let tokens = scene.tokens(&scene.web, "openid").await;
        assert_eq!(validated(&scene, text(&tokens, "id_token")).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_voids_an_access_token_voids_it_here_at_once() {
    for scene in scenes().await {
        set(&scene).await;
        let (app, tenant) = (&scene.house.app, &scene.tenant);
        // The authorization is taken back.
        let access = token(&scene, "openid", |_| {}).await;
        assert_eq!(validated(&scene, &access).await.status, 200);
        let claims = keys::verify(app, tenant, &access, "at+jwt").await.unwrap();
        let id = claims["grant_id"].as_str().unwrap().to_owned();
        scene.write(async |tx| assert!(revoke(app, tx, &id, "test").await.unwrap())).await;
        assert_eq!(validated(&scene, &access).await.status, 401);
        // The token itself.
        let access = token(&scene, "openid", |_| {}).await;
        assert_eq!(validated(&scene, &access).await.status, 200);
        scene.post("/oauth/revoke", &scene.web, &[("token", &access)]).await;
        assert_eq!(validated(&scene, &access).await.status, 401);
        // Its key.
        let access = token(&scene, "openid", |_| {}).await;
        assert_eq!(validated(&scene, &access).await.status, 200);
        for key in keys::list(app, tenant).await.unwrap() {
            let caller = crate::service::caller::Caller::of_command_line(app).await.unwrap();
            keys::revoke(app, &caller, tenant, &key.id).await.unwrap();
        }
        assert_eq!(validated(&scene, &access).await.status, 401);
        // Its user.
        let access = token(&scene, "openid", |_| {}).await;
        assert_eq!(validated(&scene, &access).await.status, 200);
        scene
            .write(async |tx| {
                let mut user = store::user::get(tx, "jane").await.unwrap().unwrap().user;
                user.enabled = false;
                store::user::update(tx, &user).await.unwrap();
            })
            .await;
        assert_eq!(validated(&scene, &access).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_gives_an_ordinary_token_that_does_not_outlive_it() {
    for scene in scenes().await {
        set(&scene).await;
        let access = token(&scene, "openid", |_| {}).await;
        scene.house.clock.advance(600);
        let body = json!({"auth": {
            "identity": {"methods": ["token"], "token": {"id": access}}, "scope": {"project": {"id": "p"}},
        }});
        let answer = scene.house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let ordinary = answer.headers["x-subject-token"].to_str().unwrap().to_owned();
        assert!(!ordinary.contains('.'), "a Fernet token");
        let ends = crate::clock::Timestamp::parse(answer.body["token"]["expires_at"].as_str().unwrap()).unwrap();
        assert_eq!(ends, scene.house.app.now().whole_seconds().plus_secs(3_000));
        assert_eq!(validated(&scene, &ordinary).await.status, 200);
        // It falls with the authorization.
        let claims = keys::verify(&scene.house.app, &scene.tenant, &access, "at+jwt").await.unwrap();
        let id = claims["grant_id"].as_str().unwrap().to_owned();
        scene.write(async |tx| assert!(revoke(&scene.house.app, tx, &id, "test").await.unwrap())).await;
        assert_eq!(validated(&scene, &ordinary).await.status, 401);
        assert_eq!(refusal(&scene.userinfo(&access).await), (401, "invalid_token"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_an_application_falls_with_it_and_only_what_may_live_elsewhere_is_announced() {
    for scene in scenes().await {
        set(&scene).await;
        let (app, web) = (&scene.house.app, &scene.web);
        let own = text(&scene.tokens(web, "openid").await, "access_token").to_owned();
        let access = token(&scene, "openid", |_| {}).await;
        let body = json!({"auth": {
            "identity": {"methods": ["token"], "token": {"id": access}}, "scope": {"project": {"id": "p"}},
        }});
        let answer = scene.house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await;
        let ordinary = answer.headers["x-subject-token"].to_str().unwrap().to_owned();
        assert_eq!((validated(&scene, &ordinary).await.status, scene.userinfo(&own).await.status), (200, 200));
        let announced = async || {
            let mut conn = app.store.read().await.unwrap();
            let all = store::revocation::list(&mut conn, crate::clock::Timestamp(0), None, 100).await.unwrap();
            all.iter().filter(|e| e.audit_chain_id.is_some()).count()
        };
        let before = announced().await;
        scene
            .write(async |tx| {
                let mut next = store::application::get(tx, &web.tenant_id, &web.id).await.unwrap().unwrap();
                next.version += 1;
                assert!(store::application::update(tx, &next).await.unwrap());
                revoke_all(app, tx, Of::Client(&web.id), "test").await.unwrap();
            })
            .await;
        assert_eq!(validated(&scene, &ordinary).await.status, 401);
        assert_eq!(validated(&scene, &access).await.status, 401);
        assert_eq!(scene.userinfo(&own).await.status, 401);
        assert_eq!(announced().await, before + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_of_the_groups_that_an_identity_provider_gave_count() {
    use crate::store::tests::federation::{a_mapping, a_protocol};
    for scene in scenes().await {
        set(&scene).await;
        let end = scene.house.app.now().plus_secs(3_600);
        scene
            .write(async |tx| {
                let idp = store::tests::an_idp("corp", &scene.tenant.id, &[]);
                store::identity_provider::insert(tx, &idp).await.unwrap();
                store::mapping::insert(tx, &a_mapping("m", Some(&scene.tenant.id))).await.unwrap();
                store::protocol::insert(tx, &a_protocol("corp", "openid", "m")).await.unwrap();
                store::group::insert(tx, &store::tests::a_group("staff", &scene.tenant.id)).await.unwrap();
                store::project::insert(tx, &a_project("q", &scene.tenant.id)).await.unwrap();
                let actor = crate::model::grant::Actor::Group("staff".into());
                let grant =
                    Grant { actor, target: Target::Project("q".into()), role_id: "member".into(), inherited: false };
                store::grant::insert(tx, &grant).await.unwrap();
                joined(tx, &scene, end).await;
            })
            .await;
        let access = token(&scene, "openid openstack:project:q", |facts| {
            facts.idp_id = Some("corp".into());
            facts.protocol_id = Some("openid".into());
            facts.group_ids = vec!["staff".into()];
        })
        .await;
        let answer = validated(&scene, &access).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["token"]["methods"], json!(["mapped"]));
        assert_eq!(answer.body["token"]["user"]["OS-FEDERATION"]["identity_provider"]["id"], "corp");
    }
}

/// The identity provider has put jane into the group.
async fn joined(tx: &mut store::Conn, scene: &Scene, end: crate::clock::Timestamp) {
    let now = scene.house.app.now();
    store::expiring_membership::replace(tx, "jane", "corp", &["staff".to_owned()].into(), now, end).await.unwrap();
}
