//! Applications and their secrets.

use super::*;
use crate::model::authorization::{Authorization, Facts};
use crate::model::token::new_audit_id;
use crate::secret;

/// The digests of an application's secrets, as clients are held against them.
async fn digests(scene: &Scene, tenant_id: &str, id: &str) -> Vec<String> {
    let client = crate::service::tenant::client(&scene.house.app, tenant_id, id).await.unwrap().unwrap();
    client.secrets.iter().map(|s| s.digest.clone()).collect()
}

/// Has an application be given something; the id of that.
async fn give(scene: &Scene, tenant_id: &str, client_id: &str) -> String {
    let app = &scene.house.app;
    let (id, now) = (new_audit_id(&app.random), app.now());
    let authorization = Authorization {
        id: id.clone(),
        tenant_id: tenant_id.to_owned(),
        client_id: client_id.to_owned(),
        user_id: None,
        session_id: None,
        facts: Facts::default(),
        offline: false,
        created_at: now,
        expires_at: now.plus_secs(3_600),
        revoked_at: None,
    };
    let mut tx = app.store.write().await.unwrap();
    store::authorization::insert(&mut tx, &authorization, None).await.unwrap();
    app.commit(tx).await.unwrap();
    id
}

/// Whether nothing comes of an authorization any more.
async fn is_void(scene: &Scene, id: &str) -> bool {
    let found = store::authorization::get(&mut scene.house.app.store.read().await.unwrap(), id).await.unwrap();
    found.is_none_or(|a| a.revoked_at.is_some())
}

#[tokio::test]
async fn adm_sec_1_a_secret_is_shown_once_and_kept_as_a_digest() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let body =
            json!({"tenant_id": tenant, "name": "Shop", "type": "WEB", "redirect_uris": ["https://shop.example/cb"]});
        let made = scene.make(APPLICATIONS, body).await;
        let (id, secret) = (made["id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        assert!(id.len() == 36 && id.starts_with("app_"), "{id}");
        assert_eq!((secret.len(), &made["client_id"]), (43, &made["id"]));
        assert_eq!(digests(&scene, &tenant, id).await, [secret::digest(secret)]);
        let one = format!("{APPLICATIONS}/{id}");
        for path in [one.clone(), format!("{APPLICATIONS}?tenant_id={tenant}"), "/v3/archstone/audit".to_owned()] {
            let shown = scene.ask("GET", &path, None).await.body.to_string();
            assert!(
                !shown.contains(secret)
                    && !shown.contains(&secret::digest(secret))
                    && !shown.contains("client_secret\":"),
                "{shown}"
            );
        }
        let read = scene.ask("GET", &one, None).await.body;
        assert_eq!((&read["type"], &read["redirect_uris"]), (&json!("WEB"), &json!(["https://shop.example/cb"])));
        assert_eq!(read["secrets"].as_array().unwrap().len(), 1);
        for (kind, more) in [
            ("SPA", json!({})),
            ("NATIVE", json!({})),
            ("WEB", json!({"auth_method": "private_key_jwt", "jwks_uri": "https://a.example/k"})),
        ] {
            let mut body = json!({"tenant_id": tenant, "name": "n", "type": kind});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = scene.make(APPLICATIONS, body).await;
            assert!(made.get("client_secret").is_none() && made["secrets"] == json!([]), "{made}");
            let none =
                scene.ask("POST", &format!("{APPLICATIONS}/{}/secrets", made["id"].as_str().unwrap()), None).await;
            assert_eq!(none.status, 409);
        }
    })
    .await;
}

#[tokio::test]
async fn a_secret_takes_the_place_of_another_and_two_live_at_most() {
    Scene::each(async |scene| {
        let (tenant, id) = scene.tenant("acme").await;
        let secrets = format!("{APPLICATIONS}/{id}/secrets");
        let second = scene.make(&secrets, json!({"expires_previous_in_secs": 60})).await;
        assert_eq!(digests(&scene, &tenant, &id).await.len(), 2);
        assert_eq!(scene.ask("POST", &secrets, None).await.status, 409);
        let listed = scene.ask("GET", &format!("{APPLICATIONS}/{id}"), None).await.body["secrets"].clone();
        assert!(listed[0]["expires_at"].is_string() != listed[1]["expires_at"].is_string(), "{listed}");

        scene.house.clock.advance(60);
        let listed = scene.ask("GET", &format!("{APPLICATIONS}/{id}"), None).await.body["secrets"].clone();
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &second["id"]));
        let third = scene.make(&secrets, json!({})).await;
        let gone = format!("{secrets}/{}", second["id"].as_str().unwrap());
        assert_eq!(scene.ask("DELETE", &gone, None).await.status, 204);
        assert_eq!(scene.ask("DELETE", &gone, None).await.status, 404);
        assert_eq!(digests(&scene, &tenant, &id).await, [secret::digest(third["client_secret"].as_str().unwrap())]);
        // At once.
        let fourth = scene.make(&secrets, json!({"expires_previous_in_secs": 0})).await;
        assert_eq!(digests(&scene, &tenant, &id).await, [secret::digest(fourth["client_secret"].as_str().unwrap())]);
        assert_eq!(
            place(&scene.ask("POST", &secrets, Some(json!({"expires_previous_in_secs": -1}))).await),
            "body.expires_previous_in_secs"
        );
    })
    .await;
}

#[tokio::test]
async fn what_an_application_was_given_is_void_with_it_and_with_its_tenant() {
    Scene::each(async |scene| {
        let (tenant, id) = scene.tenant("acme").await;
        let other = scene.make(APPLICATIONS, json!({"tenant_id": tenant, "name": "n", "type": "SPA"})).await;
        let other = other["id"].as_str().unwrap();
        let (given, kept) = (give(&scene, &tenant, &id).await, give(&scene, &tenant, other).await);
        let one = format!("{APPLICATIONS}/{id}");
        assert_eq!(scene.ask("PATCH", &one, Some(json!({"name": "same"}))).await.status, 200);
        assert!(!is_void(&scene, &given).await);
        assert_eq!(scene.ask("PATCH", &one, Some(json!({"enabled": false}))).await.body["enabled"], false);
        assert!(is_void(&scene, &given).await && !is_void(&scene, &kept).await);

        let again = give(&scene, &tenant, &id).await;
        assert_eq!(scene.ask("DELETE", &one, None).await.status, 204);
        assert!(is_void(&scene, &again).await && !is_void(&scene, &kept).await);
        assert_eq!(scene.ask("GET", &one, None).await.status, 404);

        assert_eq!(
            scene.ask("PATCH", &format!("{TENANTS}/{tenant}"), Some(json!({"active": false}))).await.status,
            200
        );
        assert!(is_void(&scene, &kept).await);
        let last = give(&scene, &tenant, other).await;
        assert_eq!(scene.ask("DELETE", &format!("{TENANTS}/{tenant}"), None).await.status, 204);
        assert!(is_void(&scene, &last).await);
        assert_eq!(scene.ask("GET", &format!("{APPLICATIONS}/{other}"), None).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn adm_mass_1_an_application_takes_nothing_that_is_not_for_its_owner() {
    Scene::each(async |scene| {
        let (tenant, id) = scene.tenant("acme").await;
        for name in ["id", "client_id", "client_secret", "secrets", "created_by", "version"] {
            let body = json!({"tenant_id": tenant, "name": "n", "type": "WEB", (name): "x"});
            assert_eq!(place(&scene.ask("POST", APPLICATIONS, Some(body)).await), format!("body.{name}"));
            let patch = scene.ask("PATCH", &format!("{APPLICATIONS}/{id}"), Some(json!({(name): "x"}))).await;
            assert_eq!(place(&patch), format!("body.{name}"));
        }
        let moved = scene.ask("PATCH", &format!("{APPLICATIONS}/{id}"), Some(json!({"tenant_id": "x"}))).await;
        assert_eq!(place(&moved), "body.tenant_id");
        let missing = scene.ask("POST", APPLICATIONS, Some(json!({"name": "n", "type": "WEB"}))).await;
        assert_eq!(place(&missing), "body.tenant_id");
        assert_eq!(scene.ask("GET", APPLICATIONS, None).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn this_service_is_an_audience_by_its_own_switch_only() {
    Scene::each(async |scene| {
        let (_, id) = scene.tenant("acme").await;
        let one = format!("{APPLICATIONS}/{id}");
        for audience in ["https://id.example/v3", "HTTPS://ID.example/v3", "https://id.example"] {
            let answer = scene.ask("PATCH", &one, Some(json!({"audiences": ["https://api.example", audience]}))).await;
            assert_eq!(place(&answer), "body.audiences.1", "{audience}");
        }
        let other = scene.ask("PATCH", &one, Some(json!({"audiences": ["https://id.example.org/v3"]}))).await;
        assert_eq!(other.status, 200, "{}", other.body);
        assert_eq!(
            scene.ask("PATCH", &one, Some(json!({"service_audience": true}))).await.body["service_audience"],
            true
        );
    })
    .await;
}
