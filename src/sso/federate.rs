//! Federating configurations, and what is known of it: `…/federate`, `…/unfederate`, `/api/v1/sso/federation` (sso-api §4.8,
//! §4.9, §4.11).

use std::sync::Arc;

use super::body::Read;
use super::configurations::shown;
use super::page;
use super::view::{Federated, Federations, ProvisioningRun, ProvisioningRuns};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, federate as service, provisioning};

/// `POST /api/v1/sso/configurations/{id}/federate`
pub async fn federate(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let items = service::federate(&app, &caller, req.param("id")?, body.value()).await?;
    shown(&Federated::from(items.as_slice()))
}

/// `POST /api/v1/sso/configurations/{id}/unfederate`
pub async fn unfederate(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let body = Read::of(&mut req).await?;
    let items = service::unfederate(&app, &caller, req.param("id")?, body.value()).await?;
    shown(&Federated::from(items.as_slice()))
}

/// `GET /api/v1/sso/federation/status`
pub async fn status(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let window = page::window(&parameters)?;
    let (platform, config) = (parameters.get("platformUuid"), parameters.get("ssoConfigUuid"));
    shown(&Federations::of(&service::list(&app, &caller, platform, config, window).await?, window))
}

/// `GET /api/v1/sso/federation/jobs`
pub async fn list_runs(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let window = page::window(&parameters)?;
    let found = provisioning::list(&app, &caller, parameters.get("federationUuid"), window).await?;
    shown(&ProvisioningRuns::of(&found, window))
}

/// `GET /api/v1/sso/federation/jobs/{job_id}`
pub async fn get_run(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    shown(&ProvisioningRun::from(&provisioning::get(&app, &caller, req.param("job_id")?).await?))
}
