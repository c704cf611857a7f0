//! `/v3/regions`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, region};

const FILTERS: &[Filter] = &[("parent_region_id", "parent_region_id", Kind::Text)];

/// `GET /v3/regions`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let query = req.query()?.list(FILTERS, app.page_limit())?;
    let page = region::list(&app, &caller, &query).await?;
    Ok(Reply::ok(&view::collection(
        &app,
        &req,
        "regions",
        &page,
        query.limit,
        |r| view::region(&app, r),
        |r| r.id.clone(),
    )))
}

/// `POST /v3/regions`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = region::create(&app, &caller, None, &body).await?;
    Ok(Reply::created(&json!({"region": view::region(&app, &made)})))
}

/// `PUT /v3/regions/{region_id}`
pub async fn create_at(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = region::create(&app, &caller, Some(req.param("region_id")?), &body).await?;
    Ok(Reply::created(&json!({"region": view::region(&app, &made)})))
}

/// `GET /v3/regions/{region_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = region::get(&app, &caller, req.param("region_id")?).await?;
    Ok(Reply::ok(&json!({"region": view::region(&app, &found)})))
}

/// `PATCH /v3/regions/{region_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = region::update(&app, &caller, req.param("region_id")?, &body).await?;
    Ok(Reply::ok(&json!({"region": view::region(&app, &next)})))
}

/// `DELETE /v3/regions/{region_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    region::delete(&app, &caller, req.param("region_id")?).await?;
    Ok(Reply::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::houses;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn regions_form_trees_that_stand_while_endpoints_need_them() {
        for house in houses(&[]).await {
            let token = house.administrator().await;
            let ask = async |method, path: &str, body: Value| {
                let answer = house.ask(method, path, &[("x-auth-token", &token)], Some(&body)).await;
                let text = if answer.status < 400 { "" } else { answer.message() };
                (answer.status, text.to_owned())
            };
            let region = |change: Value| json!({ "region": change });
            let ok = |status: u16| (status, String::new());
            let error = |status: u16, text: &str| (status, text.to_owned());

            assert_eq!(ask("POST", "/v3/regions", region(json!({"id": "top"}))).await, ok(201));
            assert_eq!(ask("PUT", "/v3/regions/mid", region(json!({"parent_region_id": "top"}))).await, ok(201));
            assert_eq!(ask("PUT", "/v3/regions/leaf", region(json!({"parent_region_id": "mid"}))).await, ok(201));
            assert_eq!(
                ask("PUT", "/v3/regions/top", region(json!({}))).await,
                error(409, "Conflict occurred attempting to store region - Duplicate ID, top.")
            );
            assert_eq!(
                ask("PUT", "/v3/regions/a", region(json!({"id": "b"}))).await,
                error(400, "Conflicting region IDs specified: \"a\" != \"b\"")
            );
            for (method, path, body) in [
                ("PUT", "/v3/regions/a", json!({"parent_region_id": "none"})),
                ("PATCH", "/v3/regions/top", json!({"parent_region_id": "none"})),
                ("PATCH", "/v3/regions/none", json!({"description": "d"})),
                ("DELETE", "/v3/regions/none", json!({})),
            ] {
                assert_eq!(ask(method, path, region(body)).await, error(404, "Could not find region: none."));
            }
            for parent in ["top", "leaf"] {
                let circle = format!("The specified parent region {parent} would create a circular region hierarchy.");
                let body = region(json!({ "parent_region_id": parent }));
                assert_eq!(ask("PATCH", "/v3/regions/top", body).await, (400, circle));
            }
            assert_eq!(ask("PATCH", "/v3/regions/leaf", region(json!({"parent_region_id": "top"}))).await, ok(200));

            assert_eq!(ask("POST", "/v3/services", json!({"service": {"type": "t"}})).await, ok(201));
            let services = house.ask("GET", "/v3/services?type=t", &[("x-auth-token", &token)], None).await;
            let service = &services.body["services"][0]["id"];
            let endpoint = json!({"service_id": service, "interface": "admin", "url": "http://h", "region_id": "leaf"});
            assert_eq!(ask("POST", "/v3/endpoints", json!({ "endpoint": endpoint })).await, ok(201));
            assert_eq!(
                ask("DELETE", "/v3/regions/top", json!({})).await,
                error(403, "Unable to delete region top because it or its child regions have associated endpoints.")
            );
            let path = format!("/v3/services/{}", service.as_str().unwrap_or_default());
            assert_eq!(ask("DELETE", &path, json!({})).await, ok(204));
            assert_eq!(ask("DELETE", "/v3/regions/top", json!({})).await, ok(204));
            let left = house.ask("GET", "/v3/regions", &[("x-auth-token", &token)], None).await;
            assert_eq!(left.body["regions"], json!([]));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_changes_at_once_close_no_circle() {
        for house in houses(&[]).await {
            let token = house.administrator().await;
            let headers = [("x-auth-token", token.as_str())];
            for id in ["a", "b"] {
                house.ask("POST", "/v3/regions", &headers, Some(&json!({"region": {"id": id}}))).await;
            }
            let (below_b, below_a) =
                (json!({"region": {"parent_region_id": "b"}}), json!({"region": {"parent_region_id": "a"}}));
            let (a, b) = tokio::join!(
                house.ask("PATCH", "/v3/regions/a", &headers, Some(&below_b)),
                house.ask("PATCH", "/v3/regions/b", &headers, Some(&below_a)),
            );
            // The one that lost either saw the other's change or, on PostgreSQL, may be tried again.
            let mut statuses = [a.status, b.status];
            statuses.sort_unstable();
            assert!(statuses == [200, 400] || statuses == [200, 503], "{statuses:?}");
            let regions = house.ask("GET", "/v3/regions", &headers, None).await;
            let tops = regions.body["regions"].as_array().unwrap().iter().filter(|r| r["parent_region_id"].is_null());
            assert_eq!(tops.count(), 1);
        }
    }
}
