//! `/Bulk` (RFC 7644 §3.7): requests one after the other, each with its own outcome. One that names a resource which another
//! of them makes waits for that one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Visit, location, shown, version};
use crate::error::{Error, Result, ScimFault};
use crate::http::dialect;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::expected::Expected;
use crate::model::scim::account::tag;
use crate::model::scim::bulk::{Bulk, Method, Operation};
use crate::model::scim::{BULK_ANSWER, Kind};
use crate::service::App;
use crate::service::scim::{self, group, user};

/// What came of a request that succeeded.
struct Done {
    status: u16,
    id: String,
    version: Option<i64>,
}

/// `POST /Bulk`
pub async fn run(app: Arc<App>, req: Request) -> Result<Reply> {
    let mut visit = Visit::of(app, req).await?;
    let body = visit.body().await?;
    scim::use_bulk(&visit.app, &visit.caller, &visit.tenant_id).await?;
    let bulk = Bulk::parse(&body)?;
    let mut waiting: VecDeque<usize> = (0..bulk.operations.len()).collect();
    let mut answers: BTreeMap<usize, Value> = BTreeMap::new();
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    let (mut failures, mut waited) = (0_u64, 0);
    while let Some(index) = waiting.pop_front() {
        let Some((given, read)) = bulk.operations.get(index) else { continue };
        let outcome = match read {
            Err(error) => Err(error.clone()),
            Ok(operation) => match operation.resolved(&made) {
                Ok(operation) => one(&visit, &operation).await,
                Err(_) if waited < waiting.len() => {
                    waited += 1;
                    waiting.push_back(index);
                    continue;
                }
                Err(name) => {
                    let text = format!("No request makes what is called '{name:.100}', or it failed.");
                    Err(Error::scim(ScimFault::InvalidValue, text))
                }
            },
        };
        waited = 0;
        if let (Ok(done), Ok(Operation { bulk_id: Some(name), .. })) = (&outcome, read) {
            made.insert(name.clone(), done.id.clone());
        }
        failures += u64::from(outcome.is_err());
        // What failed on our side is not the requests' fault: nothing more is tried.
        if let Err(error) = &outcome
            && error.is_ours()
        {
            return Err(error.clone());
        }
        answers.insert(index, answer(&visit, given, read, outcome));
        if bulk.fail_on_errors.is_some_and(|most| failures >= most) {
            break;
        }
    }
    let body = json!({"schemas": [BULK_ANSWER], "Operations": answers.into_values().collect::<Vec<_>>()});
    Ok(shown(StatusCode::OK, &body))
}

/// What is answered to one request.
fn answer(visit: &Visit, given: &Value, read: &Result<Operation>, outcome: Result<Done>) -> Value {
    let mut answer = json!({"method": given["method"].as_str().unwrap_or_default()});
    if let Some(name) = given["bulkId"].as_str() {
        answer["bulkId"] = json!(name);
    }
    let kind = read.as_ref().map_or(Kind::User, |o| o.kind);
    match outcome {
        Ok(done) => {
            answer["status"] = json!(done.status.to_string());
            answer["location"] = json!(location(&visit.base, kind, &done.id));
            if let Some(version) = done.version {
                answer["version"] = json!(tag(version));
            }
        }
        Err(error) => {
            answer["status"] = json!(error.status().to_string());
            answer["response"] = dialect::scim_body(&error);
            if let Ok(Operation { id: Some(id), .. }) = read {
                answer["location"] = json!(location(&visit.base, kind, id));
            }
        }
    }
    answer
}

async fn one(visit: &Visit, operation: &Operation) -> Result<Done> {
    let (app, caller, tenant_id, data) = (&visit.app, &visit.caller, &visit.tenant_id, &operation.data);
    let id = operation.id.as_deref().unwrap_or_default();
    let expected = match operation.version.as_deref() {
        None | Some("*") => Expected::Any,
        Some(text) => Expected::Versions(version(text).into_iter().collect()),
    };
    let of_user = |status, shown: user::Shown| {
        let version = Some(shown.account.version());
        Done { status, id: shown.account.user.id, version }
    };
    let of_group = |status, shown: group::Shown| {
        let version = Some(shown.entry.version);
        Done { status, id: shown.entry.group.id, version }
    };
    let gone = |()| Done { status: 204, id: id.to_owned(), version: None };
    match (operation.kind, operation.method) {
        (Kind::User, Method::Post) => user::create(app, caller, tenant_id, data).await.map(|s| of_user(201, s)),
        (Kind::User, Method::Put) => {
            user::replace(app, caller, tenant_id, id, &expected, data).await.map(|s| of_user(200, s))
        }
        (Kind::User, Method::Patch) => {
            user::update(app, caller, tenant_id, id, &expected, data).await.map(|s| of_user(200, s))
        }
        (Kind::User, Method::Delete) => user::delete(app, caller, tenant_id, id, &expected).await.map(gone),
        (Kind::Group, Method::Post) => {
            group::create(app, caller, tenant_id, data, false).await.map(|s| of_group(201, s))
        }
        (Kind::Group, Method::Put) => {
            group::replace(app, caller, tenant_id, id, &expected, data, false).await.map(|s| of_group(200, s))
        }
        (Kind::Group, Method::Patch) => {
            group::update(app, caller, tenant_id, id, &expected, data, false).await.map(|s| of_group(200, s))
        }
        (Kind::Group, Method::Delete) => group::delete(app, caller, tenant_id, id, &expected).await.map(gone),
    }
}
