//! Refresh tokens.

use crate::service::oauth::tests::{refusal, scenes, text};
use crate::store;

#[tokio::test]
async fn op_rt_1_a_refresh_token_is_good_once_and_shown_again_takes_the_family_with_it() {
    for scene in scenes().await {
        let first = scene.tokens(&scene.web, "openid email").await;
        let second = scene.refresh(&scene.web, text(&first, "refresh_token"), &[]).await;
        assert_eq!(second.status, 200, "{second:?}");
        assert_ne!(text(&first, "refresh_token"), text(&second, "refresh_token"));
        assert!(second.body["id_token"].is_string());
        scene.house.clock.advance(11);
        let again = scene.refresh(&scene.web, text(&first, "refresh_token"), &[]).await;
        assert_eq!(refusal(&again), (400, "invalid_grant"));
        let second_again = scene.refresh(&scene.web, text(&second, "refresh_token"), &[]).await;
        assert_eq!(refusal(&second_again), (400, "invalid_grant"), "the whole family is gone");
        assert_eq!(refusal(&scene.userinfo(text(&second, "access_token")).await), (401, "invalid_token"));
        let mut conn = scene.house.app.store.read().await.unwrap();
        let query = crate::model::list::Query { conditions: vec![], limit: 10, marker: None };
        let trail = store::audit_event::list(&mut conn, &query, None, None).await.unwrap();
        assert!(trail.iter().any(|e| e.action == "oauth.refresh_token.reused" && e.user_id.as_deref() == Some("jane")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_rt_2_the_same_refresh_many_times_at_once_is_one_family_and_no_fault() {
    for scene in scenes().await {
        let first = scene.tokens(&scene.web, "openid").await;
        let token = text(&first, "refresh_token");
        let all = futures_util::future::join_all((0..20).map(|_| scene.refresh(&scene.web, token, &[]))).await;
        assert!(all.iter().all(|a| a.status == 200), "{all:?}");
        scene.house.clock.advance(10);
        assert_eq!(scene.refresh(&scene.web, token, &[]).await.status, 200, "still within the grace");
        // Once a later one was used, an earlier one was not the application's.
        scene.house.clock.advance(1);
        let used = scene.refresh(&scene.web, text(&all[0], "refresh_token"), &[]).await;
        assert_eq!(used.status, 200);
        assert_eq!(refusal(&scene.refresh(&scene.web, token, &[]).await), (400, "invalid_grant"));
        assert_eq!(
            refusal(&scene.refresh(&scene.web, text(&used, "refresh_token"), &[]).await),
            (400, "invalid_grant")
        );
    }
}

#[tokio::test]
async fn op_rt_3_a_refresh_is_its_applications_and_never_gives_more() {
    for scene in scenes().await {
        let first = scene.tokens(&scene.web, "openid email").await;
        let token = text(&first, "refresh_token");
        assert_eq!(refusal(&scene.refresh(&scene.other, token, &[]).await), (400, "invalid_grant"));
        let wider = scene.refresh(&scene.web, token, &[("scope", "openid email things:write")]).await;
        assert_eq!(refusal(&wider), (400, "invalid_scope"));
        let less = scene.refresh(&scene.web, token, &[("scope", "email")]).await;
        assert_eq!((less.status, text(&less, "scope")), (200, "email"));
        assert!(less.body.get("id_token").is_none());
        // The family keeps what it had.
        let back = scene.refresh(&scene.web, text(&less, "refresh_token"), &[]).await;
        assert_eq!(text(&back, "scope"), "openid email");
    }
}

#[tokio::test]
async fn op_rt_3_a_refresh_gives_nothing_after_logout_unless_it_outlives_the_session() {
    for scene in scenes().await {
        let (bound, offline) =
            (scene.tokens(&scene.web, "openid").await, scene.tokens(&scene.web, "openid offline_access").await);
        let now = scene.house.app.now();
        scene.write(async |tx| assert!(store::session::terminate(tx, "ses_1", "logout", now).await.unwrap())).await;
        assert_eq!(
            refusal(&scene.refresh(&scene.web, text(&bound, "refresh_token"), &[]).await),
            (400, "invalid_grant")
        );
        let next = scene.refresh(&scene.web, text(&offline, "refresh_token"), &[]).await;
        assert_eq!(next.status, 200);
        scene.house.clock.advance(14 * 86_400);
        assert_eq!(
            refusal(&scene.refresh(&scene.web, text(&next, "refresh_token"), &[]).await),
            (400, "invalid_grant")
        );
    }
}

#[tokio::test]
async fn op_rt_3_a_refresh_gives_nothing_once_user_application_or_session_are_gone() {
    for scene in scenes().await {
        let answer = scene.tokens(&scene.web, "openid offline_access").await;
        let (token, access) = (text(&answer, "refresh_token"), text(&answer, "access_token"));
        let enable = async |enabled: bool| {
            scene
                .write(async |tx| {
                    let mut user = store::user::get(tx, "jane").await.unwrap().unwrap().user;
                    user.enabled = enabled;
                    store::user::update(tx, &user).await.unwrap();
                })
                .await;
        };
        enable(false).await;
        assert_eq!(refusal(&scene.refresh(&scene.web, token, &[]).await), (400, "invalid_grant"));
        assert_eq!(refusal(&scene.userinfo(access).await), (401, "invalid_token"));
        enable(true).await;
        scene.change(&scene.web, |a| a.enabled = false).await;
        assert_eq!(refusal(&scene.refresh(&scene.web, token, &[]).await), (401, "invalid_client"));
        assert_eq!(refusal(&scene.userinfo(access).await), (401, "invalid_token"));
        scene.change(&scene.web, |a| a.enabled = true).await;
        assert_eq!(scene.refresh(&scene.web, token, &[]).await.status, 200, "a refusal uses nothing up");
    }
}

#[tokio::test]
async fn op_rt_3_a_refresh_gives_nothing_once_the_identity_provider_is_disabled() {
    use crate::store::tests::federation::{a_mapping, a_protocol};
    for scene in scenes().await {
        scene
            .write(async |tx| {
                let idp = store::tests::an_idp("corp", &scene.tenant.id, &[]);
                store::identity_provider::insert(tx, &idp).await.unwrap();
                store::mapping::insert(tx, &a_mapping("m", Some(&scene.tenant.id))).await.unwrap();
                store::protocol::insert(tx, &a_protocol("corp", "openid", "m")).await.unwrap();
                store::connection::insert(tx, &store::tests::connections::a_connection("corp", "openid"))
                    .await
                    .unwrap();
            })
            .await;
        let mut authorization = scene.authorization(&scene.web, "openid");
        authorization.facts.idp_id = Some("corp".into());
        authorization.facts.protocol_id = Some("openid".into());
        let code = scene.code_of(&authorization, Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into())).await;
        let answer = scene.redeem(&scene.web, &code).await;
        let next = scene.refresh(&scene.web, text(&answer, "refresh_token"), &[]).await;
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(scene.userinfo(text(&next, "access_token")).await.status, 200);
        scene
            .write(async |tx| {
                let mut idp = store::identity_provider::get(tx, "corp").await.unwrap().unwrap();
                idp.enabled = false;
                assert!(store::identity_provider::update(tx, &idp).await.unwrap());
            })
            .await;
        assert_eq!(
            refusal(&scene.refresh(&scene.web, text(&next, "refresh_token"), &[]).await),
            (400, "invalid_grant")
        );
        assert_eq!(refusal(&scene.userinfo(text(&next, "access_token")).await), (401, "invalid_token"));
    }
}
