//! What happened in sign-ins, for whoever has to find out why one failed.

use super::reach::admitted;
use crate::error::{Error, Result};
use crate::model::sign_in_step::SignInStep;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store;

/// Failures that are shown at most.
const MAX_FAILURES: i64 = 100;

/// The last steps at a tenant that failed, newest first.
pub async fn list(app: &App, caller: &Caller, tenant_id: &str) -> Result<Vec<SignInStep>> {
    admitted(app, caller, "tenant:list_traces", tenant_id, None).await?;
    store::sign_in_step::list_failures(&mut app.store.read().await?, tenant_id, MAX_FAILURES).await
}

/// The same at whatever tenant it was.
pub async fn find(app: &App, caller: &Caller, request_id: &str) -> Result<Vec<SignInStep>> {
    let tenant_id = store::sign_in_step::tenant_of_request(&mut app.store.read().await?, request_id).await?;
    get(app, caller, tenant_id.as_deref().unwrap_or_default(), request_id).await.map_err(|e| match e {
        Error::NotFound { .. } => unknown(request_id),
        other => other,
    })
}

fn unknown(request_id: &str) -> Error {
    Error::not_found(format!("No sign-in is known of the request {request_id:.64}."))
}

/// All steps of the sign-ins at a tenant that a request took part in, in order.
pub async fn get(app: &App, caller: &Caller, tenant_id: &str, request_id: &str) -> Result<Vec<SignInStep>> {
    admitted(app, caller, "tenant:get_trace", tenant_id, None).await?;
    let steps = store::sign_in_step::list_of_request(&mut app.store.read().await?, tenant_id, request_id).await?;
    match steps.is_empty() {
        true => Err(unknown(request_id)),
        false => Ok(steps),
    }
}
