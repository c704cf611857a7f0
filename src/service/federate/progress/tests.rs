//! How far it has come, on both databases, with nobody at it but the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use super::*;
use crate::model::federation::Wanted;
use crate::model::provisioning::{Mode, State as RunState};
use crate::service::federate::begin;
use crate::service::{jobs, provisioning};
use crate::testing::{House, houses};

const QUIET: &[(&str, &str)] = &[("ARCHSTONE_SSO__BACKGROUND_TESTS", "false")];

/// The uuid of what is made of a body.
async fn made(house: &House, admin: &str, path: &str, body: Value) -> String {
    let bearer = format!("Bearer {admin}");
    let answer = house.ask("POST", path, &[("authorization", &bearer)], Some(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["uuid"].as_str().unwrap().to_owned()
}

async fn held(app: &App, platform: &str) -> Federation {
    let found = store::federation::of_platform(&mut app.store.read().await.unwrap(), platform).await.unwrap();
    found.into_iter().next().unwrap()
}

async fn cancel_all(app: &App, caller: &Caller) {
    for job in jobs::list(app, caller, &Filter::default(), JOBS).await.unwrap().items {
        if job.state == State::Queued {
            jobs::cancel(app, caller, &job.id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn it_has_ended_when_platform_and_people_have_been_seen_to_or_nobody_will() {
    for house in houses(QUIET).await {
        let (app, admin) = (&house.app, house.administrator().await);
        let caller = Caller::of_command_line(app).await.unwrap();
        let oidc = json!({"clientId": "c", "clientSecret": "s", "wellKnownUrl": "https://idp.example.com/.well-known/openid-configuration"});
        let config = json!({"displayName": "C", "providerType": "OIDC", "protocol": "oidc", "oidcConfig": oidc});
        let config = made(&house, &admin, "/api/v1/sso/configurations", config).await;
        let hook = json!({"name": "hook", "productType": "webhook", "endpoint": "https://hook.example.com/", "accessKeySecret": "s"});
        let platform = made(&house, &admin, "/api/v1/platforms", hook).await;
        let body = json!({"platformUuids": [platform, "nowhere"]});

        let begun = begin(app, &caller, &config, &body, Wanted::Present).await.unwrap();
        let now = progress(app, &caller, &begun).await.unwrap();
        assert_eq!((now[0].ended, &now[0].item.error, &now[0].run), (false, &None, &None));
        assert_eq!((now[1].ended, now[1].item.error.as_deref()), (true, Some("platform not found")));

        // The platform has taken it; users follow.
        let mut tx = app.store.write().await.unwrap();
        let mut it = held(app, &platform).await;
        (it.served, it.client_id, it.status) = (it.asked, Some("client".into()), it.settled());
        provisioning::begin(app, &mut tx, &mut it, Mode::Full, false).await.unwrap();
        store::federation::update(&mut tx, &it).await.unwrap();
        app.commit(tx).await.unwrap();
        let now = progress(app, &caller, &begun).await.unwrap();
        let mut run = now[0].run.clone().unwrap();
        assert_eq!((now[0].ended, run.state), (false, RunState::Queued));

        (run.state, run.finished_at) = (RunState::Succeeded, Some(app.now()));
        let mut tx = app.store.write().await.unwrap();
        store::provisioning_run::update(&mut tx, &run).await.unwrap();
        app.commit(tx).await.unwrap();
        let now = progress(app, &caller, &begun).await.unwrap();
        assert_eq!((now[0].ended, &now[0].item.error, now[0].item.client_id.as_deref()), (true, &None, Some("client")));

        // What is taken away has no report yet, and never one if its job is cancelled.
        let back = json!({"platformUuids": [platform]});
        let begun = begin(app, &caller, &config, &back, Wanted::Absent).await.unwrap();
        let now = progress(app, &caller, &begun).await.unwrap();
        assert_eq!((now[0].ended, &now[0].run), (false, &None));
        cancel_all(app, &caller).await;
        let now = progress(app, &caller, &begun).await.unwrap();
        assert_eq!((now[0].ended, now[0].item.error.as_deref()), (true, Some(GIVEN_UP)));

        let mut tx = app.store.write().await.unwrap();
        store::federation::delete(&mut tx, &it.id).await.unwrap();
        app.commit(tx).await.unwrap();
        let now = progress(app, &caller, &begun).await.unwrap();
        assert_eq!((now[0].ended, &now[0].item.error, &now[0].federation), (true, &None, &None));
    }
}
