//! Identity providers of tenants, users' links and traces.

use super::*;
use crate::store::tests::tenants::{a_link, a_step};

const PROVIDERS: &str = "/api/v1/admin/identity-providers";
const CONFIGURATIONS: &str = "/api/v1/sso/configurations";

fn body(tenant_id: &str) -> Value {
    json!({
        "tenant_id": tenant_id, "name": "Acme", "provider_type": "oidc",
        "oidc": {"issuer": "https://op.example", "client_id": "c", "client_secret": "canary-secret"},
    })
}

async fn global(scene: &Scene, host: &str) -> String {
    let body = json!({
        "displayName": "Global", "providerType": "OIDC",
        "oidcConfig": {"clientId": "c", "wellKnownUrl": format!("https://{host}/.well-known/openid-configuration")},
    });
    let made = scene.ask("POST", CONFIGURATIONS, Some(body)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    made.body["uuid"].as_str().unwrap().to_owned()
}

/// Ids of what a list shows.
async fn listed(scene: &Scene, tenant_id: &str) -> Vec<String> {
    let answer = scene.ask("GET", &format!("{PROVIDERS}?tenant_id={tenant_id}"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["items"].as_array().unwrap().iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect()
}

/// Ids of what a tenant offers on its login page.
async fn offered(scene: &Scene, slug: &str) -> Vec<String> {
    let app = &scene.house.app;
    let tenant = crate::service::tenant::by_slug(app, slug).await.unwrap();
    crate::service::tenant::offered(app, &tenant).await.unwrap().iter().map(|o| o.idp_id.clone()).collect()
}

#[tokio::test]
async fn one_of_a_tenants_own_is_made_with_all_that_it_needs_and_goes_with_it() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let made = scene.make(PROVIDERS, body(&tenant)).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let one = format!("{PROVIDERS}/{id}?tenant_id={tenant}");
        assert_eq!((&made["own"], &made["enabled"], &made["provider_type"]), (&json!(true), &json!(true), &json!("oidc")));
        assert_eq!((&made["oidc"]["client_id"], &made["oidc"]["has_client_secret"]), (&json!("c"), &json!(true)));
        assert!(made["mapping"]["rules"].as_array().unwrap().len() == 3, "{made}");
        assert_eq!(scene.ask("GET", &one, None).await.body, made);
        assert!(!made.to_string().contains("canary"), "{made}");
        assert_eq!(offered(&scene, "acme").await, std::slice::from_ref(&id));

        // On the Keystone face it is an identity provider of the domain, without remote ids; on the SSO face it is nothing.
        let idp = scene.ask("GET", &format!("/v3/OS-FEDERATION/identity_providers/{id}"), None).await.body;
        assert_eq!(idp["identity_provider"]["domain_id"], json!(tenant));
        assert_eq!(idp["identity_provider"]["remote_ids"], json!([]));
        assert_eq!(scene.ask("GET", &format!("{CONFIGURATIONS}/{id}"), None).await.status, 404);

        let changed = scene.ask("PATCH", &one, Some(json!({"name": "New", "display_order": 1, "extra_params": {"hd": "a"}, "oidc": {"client_id": "d"}, "group_provisioning": "sync"}))).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let shown = &changed.body;
        assert_eq!((&shown["name"], &shown["oidc"]["client_id"], &shown["oidc"]["has_client_secret"]), (&json!("New"), &json!("d"), &json!(true)));
        assert_eq!((&shown["display_order"], &shown["extra_params"]), (&json!(1), &json!({"hd": "a"})));
        assert_eq!(shown["mapping"]["rules"].as_array().unwrap().len(), 4);
        let off = scene.ask("PATCH", &one, Some(json!({"enabled": false}))).await.body;
        assert_eq!((&off["enabled"], offered(&scene, "acme").await.len()), (&json!(false), 0));
        let on = scene.ask("PATCH", &one, Some(json!({"enabled": null}))).await.body;
        assert_eq!((&on["enabled"], offered(&scene, "acme").await.len()), (&json!(true), 1));

        assert_eq!(scene.ask("DELETE", &one, None).await.status, 204);
        assert_eq!(scene.ask("GET", &one, None).await.status, 404);
        assert_eq!(scene.ask("GET", &format!("/v3/OS-FEDERATION/mappings/{id}"), None).await.status, 404);
        assert!(offered(&scene, "acme").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn adm_race_1_the_second_of_two_changes_of_one_identity_provider_is_412() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let made = scene.make(PROVIDERS, body(&tenant)).await;
        let one = format!("{PROVIDERS}/{}?tenant_id={tenant}", made["id"].as_str().unwrap());
        let tag = async || scene.ask("GET", &one, None).await.headers["etag"].to_str().unwrap().to_owned();
        for change in [json!({"name": "New"}), json!({"oidc": {"client_secret": "other"}}), json!({"display_order": 3})] {
            let before = tag().await;
            scene.house.clock.advance(1);
            let done = scene.ask_if(&before, "PATCH", &one, Some(change.clone())).await;
            assert_eq!((done.status, done.headers["etag"].to_str().unwrap()), (200, tag().await.as_str()), "{change}");
            assert_eq!(scene.ask_if(&before, "PATCH", &one, Some(json!({"enabled": false}))).await.status, 412);
            assert_eq!(scene.ask_if(&before, "DELETE", &one, None).await.status, 412);
        }
        // What is changed on another face counts as well.
        let before = tag().await;
        let mapping = format!("/v3/OS-FEDERATION/mappings/{}", made["id"].as_str().unwrap());
        let rules = json!({"mapping": {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "HTTP_OIDC_SUB"}]}]}});
        assert_eq!(scene.ask("PATCH", &mapping, Some(rules)).await.status, 200);
        assert_eq!(scene.ask_if(&before, "DELETE", &one, None).await.status, 412);
        assert_eq!(scene.ask_if(&tag().await, "DELETE", &one, None).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn adm_sec_1_a_secret_is_dropped_when_the_provider_is_another() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let made = scene.make(PROVIDERS, body(&tenant)).await;
        let one = format!("{PROVIDERS}/{}?tenant_id={tenant}", made["id"].as_str().unwrap());
        let moved = scene.ask("PATCH", &one, Some(json!({"oidc": {"issuer": "https://evil.example"}}))).await.body;
        assert_eq!(moved["oidc"]["has_client_secret"], false);
        let shown = scene.ask("GET", "/v3/archstone/audit", None).await.body.to_string();
        assert!(shown.contains("tenant.identity_provider.update") && !shown.contains("canary"), "{shown}");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_one_leaves_nothing_behind_and_is_named() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let other = "00000000000040008000000000000009";
        for (members, expected) in [
            (json!({"oidc": {"client_id": "c"}}), "body.oidc.issuer"),
            (json!({"oidc": {"issuer": "https://op.example", "client_id": "c", "odd": 1}}), "body.oidc"),
            (json!({"oidc": {"issuer": "http://op.example", "client_id": "c"}}), "body.oidc.issuer"),
            (json!({"mapping": {"rules": "x"}}), "body.mapping"),
            (json!({"mapping": {"rules": [{"local": [{"user": {"name": "{0}", "domain": {"id": other}}}], "remote": [{"type": "x"}]}]}}), "body.mapping"),
            (json!({"attribute_mappings": {"email": ""}}), "body.attribute_mappings.email"),
            (json!({"link_mode": "x"}), "body.link_mode"),
            (json!({"own": true}), "body.own"),
        ] {
            let mut asked = body(&tenant);
            asked.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let answer = scene.ask("POST", PROVIDERS, Some(asked)).await;
            assert!(place(&answer).starts_with(expected), "{members} {}", answer.body);
        }
        assert!(listed(&scene, &tenant).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_a_global_one_a_tenant_says_how_it_offers_it_and_its_administrators_for_whom_it_is() {
    Scene::each(async |scene| {
        let (acme, _) = scene.tenant("acme").await;
        let (other, _) = scene.tenant("other").await;
        let id = global(&scene, "global.example").await;
        let one = format!("{PROVIDERS}/{id}?tenant_id={acme}");
        let shown = scene.ask("GET", &one, None).await.body;
        assert_eq!((&shown["own"], &shown["name"], &shown["enabled"]), (&json!(false), &json!("Global"), &json!(true)));
        assert!(shown.get("oidc").is_none() && shown.get("mapping").is_none(), "{shown}");
        assert_eq!(place(&scene.ask("PATCH", &one, Some(json!({"name": "n"}))).await), "body.name");
        assert_eq!(place(&scene.ask("PATCH", &one, Some(json!({"oidc": {"client_id": "x"}}))).await), "body.oidc");
        let off = scene.ask("PATCH", &one, Some(json!({"enabled": false, "button_text": "Here"}))).await.body;
        assert_eq!(
            (&off["enabled"], &off["available"], &off["button_text"]),
            (&json!(false), &json!(true), &json!("Here"))
        );
        assert_eq!((offered(&scene, "acme").await.len(), offered(&scene, "other").await.len()), (0, 1));
        assert_eq!(scene.ask("DELETE", &one, None).await.status, 204);
        assert_eq!(scene.ask("GET", &one, None).await.body["button_text"], Value::Null);
        assert_eq!(offered(&scene, "acme").await.len(), 1);

        let tenants = format!("{PROVIDERS}/{id}/tenants");
        let kept = scene.ask("PUT", &tenants, Some(json!({"tenant_ids": [other]}))).await;
        assert_eq!((kept.status, &kept.body), (200, &json!({"tenant_ids": [other]})));
        assert_eq!(scene.ask("GET", &one, None).await.status, 404);
        assert_eq!((offered(&scene, "acme").await.len(), offered(&scene, "other").await.len()), (0, 1));
        assert_eq!(
            place(&scene.ask("PUT", &tenants, Some(json!({"tenant_ids": ["none"]}))).await),
            "body.tenant_ids.0"
        );
        // It stays kept when the last tenant that it was kept for is gone.
        assert_eq!(scene.ask("DELETE", &format!("/api/v1/admin/tenants/{other}"), None).await.status, 204);
        assert_eq!(scene.ask("GET", &one, None).await.status, 404);
        assert_eq!(offered(&scene, "acme").await.len(), 0);
        assert_eq!(scene.ask("PUT", &tenants, Some(json!({"tenant_ids": []}))).await.body, json!({"tenant_ids": []}));
        assert_eq!(listed(&scene, &acme).await, [id]);
        // One of a tenant's own is kept for nobody else.
        let own = scene.make(PROVIDERS, body(&acme)).await["id"].as_str().unwrap().to_owned();
        let path = format!("{PROVIDERS}/{own}/tenants");
        assert_eq!(scene.ask("PUT", &path, Some(json!({"tenant_ids": [acme]}))).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn whoever_manages_a_tenant_decides_nothing_about_people_whom_the_clouds_mapping_reads() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let made = scene.make(PROVIDERS, body(&tenant)).await;
        let id = made["id"].as_str().unwrap();
        let one = format!("{PROVIDERS}/{id}?tenant_id={tenant}");
        let mapping = json!({"mapping": {"rules": made["mapping"]["rules"]}});
        assert_eq!(scene.ask("PUT", "/v3/OS-FEDERATION/mappings/clouds", Some(mapping.clone())).await.status, 201);
        let protocol = format!("/v3/OS-FEDERATION/identity_providers/{id}/protocols/openid");
        let read = json!({"protocol": {"mapping_id": "clouds"}});
        assert_eq!(scene.ask("PATCH", &protocol, Some(read)).await.status, 200);

        let manager = scene.somebody(&tenant, "manager").await;
        let shown = scene.ask_as(&manager, "GET", &one, None).await.body;
        assert_eq!((&shown["mapping"], &shown["oidc"]["client_id"]), (&Value::Null, &json!("c")), "{shown}");
        let moved = json!({"oidc": {"issuer": "https://evil.example"}});
        assert_eq!(scene.ask_as(&manager, "PATCH", &one, Some(moved)).await.status, 403);
        let read = scene.ask_as(&manager, "PATCH", &one, Some(json!({"mapping": mapping["mapping"]}))).await;
        assert_eq!(read.status, 409, "{}", read.body);
        assert_eq!(scene.ask_as(&manager, "PATCH", &one, Some(json!({"name": "Ours"}))).await.body["name"], "Ours");
    })
    .await;
}

#[tokio::test]
async fn adm_ten_1_identity_providers_links_and_traces_of_others_are_not_found() {
    Scene::each(async |scene| {
        let (own, _) = scene.tenant("own").await;
        let (other, _) = scene.tenant("other").await;
        let foreign = scene.make(PROVIDERS, body(&other)).await["id"].as_str().unwrap().to_owned();
        scene.somebody(&other, "member").await;
        let token = scene.somebody(&own, "manager").await;
        let person = format!("member-{other}");
        for (method, path, body) in [
            ("GET", format!("{PROVIDERS}?tenant_id={other}"), None),
            ("POST", PROVIDERS.to_owned(), Some(body(&other))),
            ("GET", format!("{PROVIDERS}/{foreign}?tenant_id={other}"), None),
            ("GET", format!("{PROVIDERS}/{foreign}?tenant_id={own}"), None),
            ("PATCH", format!("{PROVIDERS}/{foreign}?tenant_id={own}"), Some(json!({"enabled": false}))),
            ("DELETE", format!("{PROVIDERS}/{foreign}?tenant_id={own}"), None),
            ("GET", format!("/api/v1/admin/users/{person}/links"), None),
            ("DELETE", format!("/api/v1/admin/users/{person}/links/{foreign}"), None),
            ("GET", format!("/api/v1/admin/traces?tenant_id={other}"), None),
            ("GET", format!("/api/v1/admin/traces/r?tenant_id={other}"), None),
        ] {
            assert_eq!(scene.ask_as(&token, method, &path, body).await.status, 404, "{method} {path}");
        }
        let kept = scene
            .ask_as(&token, "PUT", &format!("{PROVIDERS}/{foreign}/tenants"), Some(json!({"tenant_ids": []})))
            .await;
        assert_eq!(kept.status, 403);
        let made = scene.ask_as(&token, "POST", PROVIDERS, Some(body(&own))).await;
        assert_eq!(made.status, 201, "{}", made.body);
    })
    .await;
}

#[tokio::test]
async fn the_last_way_in_is_not_taken_away() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let (first, second) = (scene.make(PROVIDERS, body(&tenant)).await, scene.make(PROVIDERS, body(&tenant)).await);
        let ids = [&first, &second].map(|made| made["id"].as_str().unwrap().to_owned());
        scene.somebody(&tenant, "member").await;
        let user = format!("member-{tenant}");
        let app = &scene.house.app;
        let mut tx = app.store.write().await.unwrap();
        for id in &ids {
            store::user_link::insert(&mut tx, &user, &a_link(id, "openid", "sub")).await.unwrap();
        }
        app.commit(tx).await.unwrap();
        let links = format!("/api/v1/admin/users/{user}/links");
        let shown = scene.ask("GET", &links, None).await.body["items"].clone();
        assert_eq!(
            (shown.as_array().unwrap().len(), &shown[0]["unique_id"], &shown[0]["email"]),
            (2, &json!("sub"), &json!("a@b.example"))
        );
        assert_eq!(scene.ask("DELETE", &format!("{links}/none"), None).await.status, 404);
        assert_eq!(scene.ask("DELETE", &format!("{links}/{}", ids[0]), None).await.status, 204);
        let last = scene.ask("DELETE", &format!("{links}/{}", ids[1]), None).await;
        assert_eq!(last.status, 409, "{}", last.body);
        let mut tx = app.store.write().await.unwrap();
        store::password::insert(&mut tx, "w", &user, "hash", app.now(), None).await.unwrap();
        app.commit(tx).await.unwrap();
        assert_eq!(scene.ask("DELETE", &format!("{links}/{}", ids[1]), None).await.status, 204);
        assert_eq!(scene.ask("GET", &links, None).await.body["items"], json!([]));
        assert_eq!(scene.ask("GET", "/api/v1/admin/users/none/links", None).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn a_trace_is_found_by_the_request() {
    Scene::each(async |scene| {
        let (tenant, _) = scene.tenant("acme").await;
        let app = &scene.house.app;
        let mut tx = app.store.write().await.unwrap();
        store::sign_in_step::insert(&mut tx, &[a_step("s", &tenant, "req-1")]).await.unwrap();
        app.commit(tx).await.unwrap();
        let traces = "/api/v1/admin/traces";
        let found = scene.ask("GET", &format!("{traces}/req-1?tenant_id={tenant}"), None).await.body;
        assert_eq!((&found["items"][0]["step"], &found["items"][0]["detail"]), (&json!("callback"), &json!({"a": 1})));
        assert_eq!(scene.ask("GET", &format!("{traces}?tenant_id={tenant}"), None).await.body, found);
        assert_eq!(scene.ask("GET", &format!("{traces}/req-2?tenant_id={tenant}"), None).await.status, 404);
        assert_eq!(scene.ask("GET", traces, None).await.status, 400);
    })
    .await;
}
