//! `/v3/endpoints`

use std::sync::Arc;

use serde_json::json;

use super::view;
use crate::error::Result;
use crate::http::query::{Filter, Kind};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::endpoint::check_interface;
use crate::service::{App, endpoint};

const FILTERS: &[Filter] = &[
    ("interface", "interface", Kind::Text),
    ("service_id", "service_id", Kind::Text),
    ("region_id", "region_id", Kind::Text),
];

/// `GET /v3/endpoints`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    if let Some(text) = parameters.get("interface") {
        check_interface("interface", text)?;
    }
    let query = parameters.list(FILTERS, app.page_limit())?;
    let page = endpoint::list(&app, &caller, &query).await?;
    Ok(Reply::ok(&view::collection(
        &app,
        &req,
        "endpoints",
        &page,
        query.limit,
        |e| view::endpoint(&app, e),
        |e| e.id.clone(),
    )))
}

/// `POST /v3/endpoints`
pub async fn create(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let made = endpoint::create(&app, &caller, &body).await?;
    Ok(Reply::created(&json!({"endpoint": view::endpoint(&app, &made)})))
}

/// `GET /v3/endpoints/{endpoint_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let found = endpoint::get(&app, &caller, req.param("endpoint_id")?).await?;
    Ok(Reply::ok(&json!({"endpoint": view::endpoint(&app, &found)})))
}

/// `PATCH /v3/endpoints/{endpoint_id}`
pub async fn update(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = req.json().await?;
    let next = endpoint::update(&app, &caller, req.param("endpoint_id")?, &body).await?;
    Ok(Reply::ok(&json!({"endpoint": view::endpoint(&app, &next)})))
}

/// `DELETE /v3/endpoints/{endpoint_id}`
pub async fn delete(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    endpoint::delete(&app, &caller, req.param("endpoint_id")?).await?;
    Ok(Reply::no_content())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Answered, House, houses};

    /// A house with its administrator's token and the id of a service in it.
    async fn scene(house: &House) -> (String, String) {
        let token = house.administrator().await;
        let made = ask(house, &token, "POST", "/v3/services", json!({"service": {"type": "compute"}})).await;
        assert_eq!((made.status, &made.body["service"]["name"]), (201, &json!("")));
        (token, made.body["service"]["id"].as_str().unwrap().to_owned())
    }

    async fn ask(house: &House, token: &str, method: &str, path: &str, body: Value) -> Answered {
        house.ask(method, path, &[("x-auth-token", token)], Some(&body).filter(|b| !b.is_null())).await
    }

    fn body(service_id: &str, change: Value) -> Value {
        let mut endpoint = json!({"service_id": service_id, "interface": "public", "url": "http://h/$(user_id)s"});
        endpoint.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "endpoint": endpoint })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_region_named_the_older_way_is_made_and_any_other_must_be_there() {
        for house in houses(&[]).await {
            let (token, service) = scene(&house).await;
            let create = async |change| ask(&house, &token, "POST", "/v3/endpoints", body(&service, change)).await;
            let made = create(json!({"region": "West 1", "name": "n"})).await;
            assert_eq!(made.status, 201, "{made:?}");
            let made = &made.body["endpoint"];
            assert_eq!((&made["region"], &made["region_id"]), (&json!("West 1"), &json!("West 1")));
            assert_eq!((&made["name"], &made["enabled"]), (&json!("n"), &json!(true)));
            let region = ask(&house, &token, "GET", "/v3/regions/West%201", Value::Null).await;
            assert_eq!(region.body["region"]["links"]["self"], "https://id.example/v3/regions/West%201");

            let refused = create(json!({"region_id": "none"})).await;
            assert_eq!(refused.status, 400);
            assert!(refused.message().starts_with("Expecting to find endpoint region_id in region table."));
            let refused = create(json!({"service_id": "none", "region": "nowhere"})).await;
            assert!(refused.message().starts_with("Expecting to find endpoint service_id in service table."));
            let region = ask(&house, &token, "GET", "/v3/regions/nowhere", Value::Null).await;
            assert_eq!((region.status, region.message()), (404, "Could not find region: nowhere."));

            let path = format!("/v3/endpoints/{}", made["id"].as_str().unwrap());
            let moved = ask(&house, &token, "PATCH", &path, json!({"endpoint": {"region": "East"}})).await;
            assert_eq!((moved.status, &moved.body["endpoint"]["region_id"]), (200, &json!("East")));
            let trail = ask(&house, &token, "GET", "/v3/archstone/audit?action=region.create", Value::Null).await;
            let events = trail.body["audit_events"].as_array().unwrap();
            let mut targets: Vec<&str> = events.iter().map(|e| e["target"]["id"].as_str().unwrap()).collect();
            targets.sort_unstable();
            assert_eq!(targets, ["East", "West 1"]);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_change_shows_in_the_very_next_catalog() {
        for house in houses(&[]).await {
            let (token, service) = scene(&house).await;
            let catalog = async || {
                let answer = ask(&house, &token, "GET", "/v3/auth/catalog", Value::Null).await;
                let services = answer.body["catalog"].as_array().unwrap().clone();
                services
                    .iter()
                    .flat_map(|s| s["endpoints"].as_array().unwrap())
                    .map(|e| e["url"].clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(catalog().await, [] as [&str; 0]);
            let made = ask(&house, &token, "POST", "/v3/endpoints", body(&service, json!({}))).await;
            assert_eq!(catalog().await, ["http://h/root"]);
            let path = format!("/v3/endpoints/{}", made.body["endpoint"]["id"].as_str().unwrap());
            ask(&house, &token, "PATCH", &path, json!({"endpoint": {"url": "http://new"}})).await;
            assert_eq!(catalog().await, ["http://new"]);
            let of_service = format!("/v3/services/{service}");
            ask(&house, &token, "PATCH", &of_service, json!({"service": {"enabled": false}})).await;
            assert_eq!(catalog().await, [] as [&str; 0]);
            assert_eq!(ask(&house, &token, "DELETE", &of_service, Value::Null).await.status, 204);
            let gone = ask(&house, &token, "GET", &path, Value::Null).await;
            assert_eq!((gone.status, gone.message().starts_with("Could not find endpoint: ")), (404, true));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn endpoints_are_filtered_and_paged_by_links() {
        for house in houses(&[]).await {
            let (token, service) = scene(&house).await;
            for interface in ["public", "internal", "admin", "public"] {
                let made =
                    ask(&house, &token, "POST", "/v3/endpoints", body(&service, json!({ "interface": interface })))
                        .await;
                assert_eq!(made.status, 201);
            }
            let mut path = "/v3/endpoints?interface=public&limit=1".to_owned();
            let mut seen = Vec::new();
            loop {
                let page = ask(&house, &token, "GET", &path, Value::Null).await;
                assert_eq!(page.status, 200, "{page:?}");
                for endpoint in page.body["endpoints"].as_array().unwrap() {
                    assert_eq!(endpoint["interface"], "public");
                    seen.push(endpoint["id"].clone());
                }
                match page.body["links"]["next"].as_str() {
                    Some(next) => path = next.strip_prefix("https://id.example").unwrap().to_owned(),
                    None => break,
                }
            }
            assert_eq!(seen.len(), 2);
            assert_ne!(seen[0], seen[1]);
            for (query, status) in [("interface=odd", 400), ("marker=none", 404), ("region_id=none", 200)] {
                let path = format!("/v3/endpoints?{query}");
                assert_eq!(ask(&house, &token, "GET", &path, Value::Null).await.status, status, "{query}");
            }
        }
    }
}
