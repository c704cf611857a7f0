//! Projects through the whole house on both databases: branches, what acts as a domain, and what goes with them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::grant::{Grant, Target};
use crate::model::token::Scope;
use crate::service::tests::{DOMAIN, on_both, validate};
use crate::store;
use crate::testing::{Answered, House};

async fn ask(house: &House, method: &str, path: &str, body: Option<Value>) -> Answered {
    let admin = house.token("admin", Scope::System);
    house.ask(method, path, &[("x-auth-token", &admin)], body.as_ref()).await
}

async fn make(house: &House, name: &str, more: Value) -> String {
    let mut project = json!({"name": name, "domain_id": DOMAIN});
    project.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = ask(house, "POST", "/v3/projects", Some(json!({ "project": project }))).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["project"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_is_disabled_and_deleted_as_a_whole_or_not_at_all() {
    on_both(&[], async |house| {
        let top = make(house, "top", json!({})).await;
        let below = make(house, "below", json!({ "parent_id": top })).await;
        let leaf = make(house, "leaf", json!({"parent_id": below, "options": {"immutable": true}})).await;
        let path = format!("/v3/projects/{top}");
        let enabled = |on: bool| Some(json!({"project": {"enabled": on}}));
        assert_eq!(ask(house, "PATCH", &path, enabled(false)).await.status, 403, "what is below is enabled");
        assert_eq!(ask(house, "DELETE", &path, None).await.status, 403, "not a leaf");
        let cascade = format!("{path}/cascade");
        assert_eq!(ask(house, "PATCH", &cascade, enabled(false)).await.status, 403, "the leaf is immutable");
        let still = ask(house, "GET", &format!("/v3/projects/{below}"), None).await;
        assert_eq!(still.body["project"]["enabled"], true, "nothing is half done");
        let lift = json!({"project": {"options": {"immutable": null}}});
        assert_eq!(ask(house, "PATCH", &format!("/v3/projects/{leaf}"), Some(lift)).await.status, 200);
        assert_eq!(ask(house, "DELETE", &cascade, None).await.status, 403, "what is below is enabled");
        assert_eq!(ask(house, "PATCH", &cascade, enabled(false)).await.status, 200);
        assert_eq!(ask(house, "DELETE", &cascade, None).await.status, 204);
        for id in [top, below, leaf] {
            assert_eq!(ask(house, "GET", &format!("/v3/projects/{id}"), None).await.status, 404);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_acts_as_a_domain_is_one_and_a_token_can_be_scoped_to_it() {
    on_both(&[], async |house| {
        let admin = house.token("admin", Scope::System);
        let body = json!({"project": {"name": "acme", "is_domain": true}});
        let made = ask(house, "POST", "/v3/projects", Some(body)).await.body["project"].clone();
        let id = made["id"].as_str().unwrap();
        assert_eq!(
            (&made["domain_id"], &made["parent_id"], &made["is_domain"]),
            (&Value::Null, &Value::Null, &json!(true))
        );
        assert_eq!(ask(house, "GET", &format!("/v3/domains/{id}"), None).await.body["domain"]["name"], "acme");
        let listed = ask(house, "GET", "/v3/projects?name=acme", None).await;
        assert_eq!(listed.body["projects"], json!([]), "it is listed only when it is asked for");
        assert_eq!(ask(house, "GET", "/v3/projects?name=acme&is_domain=1", None).await.body["projects"][0], made);
        let mut tx = house.app.store.write().await.unwrap();
        store::grant::insert(&mut tx, &Grant::of_user("ann", Target::Project(id.into()), "reader")).await.unwrap();
        house.app.commit(tx).await.unwrap();
        let token = house.token("ann", Scope::Project(id.into()));
        let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", token.as_str())];
        let token_body = house.ask("GET", "/v3/auth/tokens", &headers, None).await.body["token"].clone();
        assert_eq!(token_body["is_domain"], true);
        assert_eq!(token_body["project"], json!({"id": id, "name": "acme", "domain": {"id": null, "name": null}}));
        let off = json!({"project": {"enabled": false}});
        assert_eq!(ask(house, "PATCH", &format!("/v3/projects/{id}"), Some(off)).await.status, 200);
        assert_eq!(validate(house, &token, "").await, 404);
        assert_eq!(ask(house, "DELETE", &format!("/v3/projects/{id}"), None).await.status, 204);
        assert_eq!(ask(house, "GET", &format!("/v3/domains/{id}"), None).await.status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_project_is_nobodys_default_and_an_immutable_one_keeps_its_domain() {
    on_both(&[], async |house| {
        let project = make(house, "kept", json!({"options": {"immutable": true}})).await;
        let user = json!({"user": {"default_project_id": project}});
        assert_eq!(ask(house, "PATCH", "/v3/users/ann", Some(user)).await.status, 200);
        let off = json!({"domain": {"enabled": false}});
        let domain = ask(house, "POST", "/v3/domains", Some(json!({"domain": {"name": "acme"}}))).await;
        let domain = format!("/v3/domains/{}", domain.body["domain"]["id"].as_str().unwrap());
        let id = domain.rsplit('/').next().unwrap();
        make(house, "inside", json!({"domain_id": id, "options": {"immutable": true}})).await;
        assert_eq!(ask(house, "PATCH", &domain, Some(off)).await.status, 200);
        assert_eq!(ask(house, "DELETE", &domain, None).await.status, 403);
        let path = format!("/v3/projects/{project}");
        assert_eq!(ask(house, "DELETE", &path, None).await.status, 403);
        let lift = json!({"project": {"options": {"immutable": false}}});
        assert_eq!(ask(house, "PATCH", &path, Some(lift)).await.status, 200);
        assert_eq!(ask(house, "DELETE", &path, None).await.status, 204);
        assert_eq!(ask(house, "GET", "/v3/users/ann", None).await.body["user"].get("default_project_id"), None);
    })
    .await;
}
