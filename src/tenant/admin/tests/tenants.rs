//! Tenants.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_made_with_its_domain_read_changed_and_deleted() {
    Scene::each(async |scene| {
        let made = scene.make(TENANTS, json!({"slug": "acme", "name": "Acme"})).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let one = format!("{TENANTS}/{id}");
        assert_eq!(made["issuer"], "https://id.example/api/v1/auth/tenants/acme");
        assert_eq!(
            made["discovery_url"],
            "https://id.example/api/v1/auth/tenants/acme/.well-known/openid-configuration"
        );
        assert_eq!(made["login_url"], "https://id.example/auth/acme/login");
        assert_eq!((&made["name"], &made["slugs"], &made["active"]), (&json!("Acme"), &json!(["acme"]), &json!(true)));
        assert_eq!(made["settings"]["session_secs"], 28_800);
        assert_eq!(scene.ask("GET", &format!("/v3/domains/{id}"), None).await.body["domain"]["name"], "Acme");

        let read = scene.ask("GET", &format!("{one}/"), None).await;
        assert_eq!((&read.body, read.headers["etag"].to_str().unwrap()), (&made, "\"1\""));
        let change = json!({"settings": {"local_login": false, "branding": {"primary_color": "#123456"}}});
        let changed = scene.ask("PATCH", &one, Some(change)).await;
        assert_eq!((changed.status, changed.headers["etag"].to_str().unwrap()), (200, "\"2\""));
        assert_eq!(changed.body["settings"]["local_login"], false);
        let back = scene.ask("PATCH", &one, Some(json!({"settings": {"local_login": null}}))).await.body;
        assert_eq!(
            (&back["settings"]["local_login"], &back["settings"]["branding"]["primary_color"]),
            (&json!(true), &json!("#123456"))
        );

        assert_eq!(scene.ask("DELETE", &one, None).await.status, 204);
        let gone = scene.ask("GET", &one, None).await;
        assert_eq!((gone.status, &gone.body["detail"]), (404, &json!(format!("There is no tenant {id}."))));
        assert_eq!(scene.ask("GET", &format!("/v3/domains/{id}"), None).await.status, 200, "its domain stays");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_is_there_becomes_a_tenant_once() {
    Scene::each(async |scene| {
        const DOMAIN: &str = "00000000000040008000000000000009";
        let made = scene.make(TENANTS, json!({"slug": "root", "domain_id": DOMAIN})).await;
        assert_eq!(made["id"], DOMAIN);
        let again = scene.ask("POST", TENANTS, Some(json!({"slug": "other", "domain_id": DOMAIN}))).await;
        assert_eq!(again.status, 409, "{}", again.body);
        let taken = scene.ask("POST", TENANTS, Some(json!({"slug": "root", "name": "n"}))).await;
        assert_eq!((taken.status, &taken.body["detail"]), (409, &json!("The slug 'root' is taken.")));
        // Nothing is left over of one that could not be made.
        let domains = scene.ask("GET", "/v3/domains?name=n", None).await.body;
        assert_eq!(domains["domains"], json!([]));
        let nowhere = scene.ask("POST", TENANTS, Some(json!({"slug": "x", "domain_id": "none"}))).await;
        assert_eq!(place(&nowhere), "body.domain_id");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_that_was_left_still_leads_there_and_the_issuer_stays() {
    Scene::each(async |scene| {
        let (id, _) = scene.tenant("acme").await;
        let one = format!("{TENANTS}/{id}");
        let moved = scene.ask("PATCH", &one, Some(json!({"slug": "emca"}))).await.body;
        assert_eq!((&moved["slug"], &moved["slugs"]), (&json!("emca"), &json!(["acme", "emca"])));
        assert_eq!(moved["issuer"], "https://id.example/api/v1/auth/tenants/acme");
        for slug in ["acme", "emca"] {
            let found = crate::service::tenant::by_slug(&scene.house.app, slug).await.unwrap();
            assert_eq!((found.id.as_str(), found.slug.as_str()), (id.as_str(), "emca"));
        }
        assert_eq!(scene.ask("POST", TENANTS, Some(json!({"slug": "acme"}))).await.status, 409);
        let wrong = scene.ask("PATCH", &one, Some(json!({"issuer_slug": "other"}))).await;
        assert_eq!(place(&wrong), "body.issuer_slug");
        let issuer = scene.ask("PATCH", &one, Some(json!({"issuer_slug": "emca"}))).await.body["issuer"].clone();
        assert_eq!(issuer, "https://id.example/api/v1/auth/tenants/emca");
        // Back again, which needs no new slug.
        let back = scene.ask("PATCH", &one, Some(json!({"slug": "acme"}))).await.body;
        assert_eq!((&back["slug"], &back["slugs"]), (&json!("acme"), &json!(["acme", "emca"])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages_and_can_be_searched() {
    Scene::each(async |scene| {
        for slug in ["aa", "bb", "cc"] {
            scene.make(TENANTS, json!({"slug": slug, "name": format!("Name of {slug}"), "active": slug != "bb"})).await;
        }
        let slugs = |answer: &Answered| {
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["slug"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let all = scene.ask("GET", TENANTS, None).await;
        assert_eq!(
            (all.body["total"].as_i64(), all.body["page"].as_i64(), all.body["per_page"].as_i64()),
            (Some(3), Some(1), Some(20))
        );
        let page = scene.ask("GET", &format!("{TENANTS}?page=2&per_page=2"), None).await;
        assert_eq!((slugs(&page).len(), page.body["total"].as_i64()), (1, Some(3)));
        assert_eq!(slugs(&scene.ask("GET", &format!("{TENANTS}?search=OF%20B"), None).await), ["bb"]);
        assert_eq!(slugs(&scene.ask("GET", &format!("{TENANTS}?search=Cc"), None).await), ["cc"]);
        assert_eq!(slugs(&scene.ask("GET", &format!("{TENANTS}?active=false"), None).await), ["bb"]);
        for wrong in ["page=0", "per_page=x", "active=maybe"] {
            assert_eq!(scene.ask("GET", &format!("{TENANTS}?{wrong}"), None).await.status, 400, "{wrong}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adm_race_1_the_second_of_two_changes_of_one_version_is_412() {
    Scene::each(async |scene| {
        let (id, application) = scene.tenant("acme").await;
        for one in [format!("{TENANTS}/{id}"), format!("{APPLICATIONS}/{application}")] {
            let change = |n: i64| {
                if one.starts_with(TENANTS) {
                    json!({"settings": {"session_secs": 600 + n}})
                } else {
                    json!({"name": format!("n{n}")})
                }
            };
            assert_eq!(scene.ask_if("\"1\"", "PATCH", &one, Some(change(1))).await.status, 200);
            assert_eq!(scene.ask_if("\"1\"", "PATCH", &one, Some(change(2))).await.status, 412);
            assert_eq!(scene.ask_if("W/\"2\"", "PATCH", &one, Some(change(2))).await.status, 412);
            assert_eq!(scene.ask_if("\"1\"", "DELETE", &one, None).await.status, 412);
            assert_eq!(scene.ask_if("\"7\", \"2\"", "PATCH", &one, Some(change(3))).await.status, 200);
        }
        assert_eq!(scene.ask_if("*", "DELETE", &format!("{TENANTS}/{id}"), None).await.status, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_its_schema_is_422_with_the_place() {
    Scene::each(async |scene| {
        for (body, expected, kind) in [
            (json!({}), "body.slug", "missing"),
            (json!({"slug": "a", "id": "x"}), "body.id", "extra_forbidden"),
            (
                json!({"slug": "a", "settings": {"branding": {"odd": 1}}}),
                "body.settings.branding.odd",
                "extra_forbidden",
            ),
            (
                json!({"slug": "a", "settings": {"frame_ancestors": ["https://a.example", "*"]}}),
                "body.settings.frame_ancestors.1",
                "value_error",
            ),
        ] {
            let answer = scene.ask("POST", TENANTS, Some(body.clone())).await;
            assert_eq!(place(&answer), expected, "{body}");
            assert_eq!(answer.body["detail"][0]["type"], kind, "{body}");
        }
        let array = scene.ask("POST", TENANTS, Some(json!([]))).await;
        assert_eq!((array.status, &array.body["detail"][0]["type"]), (422, &json!("json_invalid")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adm_ten_1_who_looks_after_one_tenant_finds_no_other() {
    Scene::each(async |scene| {
        let (own, own_app) = scene.tenant("own").await;
        let (other, other_app) = scene.tenant("other").await;
        let secret =
            scene.ask("GET", &format!("{APPLICATIONS}/{other_app}"), None).await.body["secrets"][0]["id"].clone();
        for role in ["manager", "admin"] {
            let token = scene.somebody(&own, role).await;
            for (method, path, body) in [
                ("GET", format!("{TENANTS}/{other}"), None),
                ("GET", format!("{TENANTS}/none"), None),
                ("PATCH", format!("{TENANTS}/{other}"), Some(json!({"active": false}))),
                ("GET", format!("{APPLICATIONS}?tenant_id={other}"), None),
                ("POST", APPLICATIONS.to_owned(), Some(json!({"tenant_id": other, "name": "n", "type": "WEB"}))),
                ("GET", format!("{APPLICATIONS}/{other_app}"), None),
                ("PATCH", format!("{APPLICATIONS}/{other_app}"), Some(json!({"name": "n"}))),
                ("DELETE", format!("{APPLICATIONS}/{other_app}"), None),
                ("POST", format!("{APPLICATIONS}/{other_app}/secrets"), Some(json!({}))),
                ("DELETE", format!("{APPLICATIONS}/{other_app}/secrets/{}", secret.as_str().unwrap()), None),
                ("DELETE", format!("{APPLICATIONS}/{own_app}/secrets/{}", secret.as_str().unwrap()), None),
            ] {
                assert_eq!(scene.ask_as(&token, method, &path, body).await.status, 404, "{role} {method} {path}");
            }
            let listed = scene.ask_as(&token, "GET", TENANTS, None).await.body;
            assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(own)));
            assert_eq!(scene.ask_as(&token, "GET", &format!("{APPLICATIONS}/{own_app}"), None).await.status, 200);
            let renamed = scene
                .ask_as(&token, "PATCH", &format!("{TENANTS}/{own}"), Some(json!({"settings": {"display_name": "D"}})))
                .await;
            assert_eq!(renamed.status, 200, "{}", renamed.body);
            // What is for the cloud's administrators only.
            for (method, path, body) in [
                ("POST", TENANTS.to_owned(), Some(json!({"slug": "third"}))),
                ("PATCH", format!("{TENANTS}/{own}"), Some(json!({"slug": "third"}))),
                ("PATCH", format!("{TENANTS}/{own}"), Some(json!({"issuer_slug": "own"}))),
                ("DELETE", format!("{TENANTS}/{own}"), None),
                (
                    "POST",
                    APPLICATIONS.to_owned(),
                    Some(json!({"tenant_id": own, "name": "n", "type": "WEB", "service_audience": true})),
                ),
                ("PATCH", format!("{APPLICATIONS}/{own_app}"), Some(json!({"service_audience": true}))),
            ] {
                assert_eq!(scene.ask_as(&token, method, &path, body).await.status, 403, "{role} {method} {path}");
            }
        }
        let reader = scene.somebody(&own, "reader").await;
        assert_eq!(scene.ask_as(&reader, "GET", &format!("{TENANTS}/{own}"), None).await.status, 403);
        assert_eq!(scene.ask_as("nonsense", "GET", TENANTS, None).await.status, 401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_goes_with_its_domain_on_the_keystone_face() {
    Scene::each(async |scene| {
        let (id, _) = scene.tenant("acme").await;
        let domain = format!("/v3/domains/{id}");
        let app = &scene.house.app;
        assert!(crate::service::tenant::by_slug(app, "acme").await.is_ok());
        let off = scene.ask("PATCH", &domain, Some(json!({"domain": {"enabled": false}}))).await;
        assert_eq!(off.status, 200, "{}", off.body);
        assert_eq!(crate::service::tenant::by_slug(app, "acme").await.unwrap_err().status(), 403);
        assert_eq!(scene.ask("GET", &format!("{TENANTS}/{id}"), None).await.body["domain_enabled"], false);
        assert_eq!(scene.ask("DELETE", &domain, None).await.status, 204);
        assert_eq!(crate::service::tenant::by_slug(app, "acme").await.unwrap_err().status(), 404);
        assert_eq!(scene.ask("GET", &format!("{TENANTS}/{id}"), None).await.status, 404);
        assert_eq!(scene.make(TENANTS, json!({"slug": "acme"})).await["slug"], "acme", "the slug is free again");
    })
    .await;
}
