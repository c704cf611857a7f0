//! Lists: what is asked for by the query or by a body (RFC 7644 §3.4.2, §3.4.3), and searches among all resources.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use super::{Visit, groups, shown, users};
use crate::error::Result;
use crate::http::query::Parameters;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::scim::projection::Projection;
use crate::model::scim::search::{Parts, Search};
use crate::model::scim::{Kind, discovery};
use crate::service::App;
use crate::service::scim::{group, user};

/// What a query asks for.
pub(super) fn of_query(kind: Kind, parameters: &Parameters<'_>) -> Result<Search> {
    let parts = Parts {
        filter: parameters.get("filter"),
        start: parameters.get("startIndex"),
        count: parameters.get("count"),
        sort_by: parameters.get("sortBy"),
        sort_order: parameters.get("sortOrder"),
        attributes: parameters.get("attributes"),
        excluded: parameters.get("excludedAttributes"),
    };
    Search::of_parts(Some(kind), parts)
}

/// Which attributes an answer with one resource is to have.
pub(super) fn projection(req: &Request) -> Result<Projection> {
    let parameters = req.query()?;
    let names = |name: &str| parameters.get(name).unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>();
    let (only, without) = (names("attributes"), names("excludedAttributes"));
    Projection::parse(only.iter().map(String::as_str), without.iter().map(String::as_str))
}

/// One page.
pub(super) fn page(search: &Search, total: i64, resources: Vec<Value>) -> Reply {
    shown(StatusCode::OK, &discovery::list(resources, total, search.start))
}

/// `POST /.search`: users first, then groups.
pub async fn everywhere(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let body = visit.body().await?;
    let Visit { app, caller, tenant_id, base, .. } = &visit;
    // Policy first: the smallest question stands for all.
    let search = Search::of_body(None, &body);
    let asked = match &search {
        Ok(search) => search.clone(),
        Err(_) => Search { filter: None, start: 1, count: 0, sort: None, projection: Projection::All },
    };
    let users = user::list(app, caller, tenant_id, &asked, true).await?;
    // The groups stand behind all users.
    let found = i64::try_from(users.items.len()).unwrap_or(i64::MAX);
    let rest =
        Search { start: asked.start.saturating_sub(users.total).max(1), count: asked.count - found, ..asked.clone() };
    let groups = group::list(app, caller, tenant_id, &rest, true).await?;
    let search = search?;
    let mut resources: Vec<Value> = users.items.iter().map(|u| users::shown_in(base, &search.projection, u)).collect();
    resources.extend(groups.items.iter().map(|g| groups::shown_in(base, &search.projection, g)));
    Ok(page(&search, users.total + groups.total, resources))
}
