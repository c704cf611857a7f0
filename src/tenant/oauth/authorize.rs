//! `GET`, `POST …/oauth/authorize`: the authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2.1).

use std::sync::Arc;

use super::super::federation::parameters;
use super::super::pages::respond;
use super::super::pages::visit::{Browser, tenant_of};
use crate::error::Result;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::service::{App, login, pace};

/// `GET …/oauth/authorize`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let parameters = parameters(&req);
    authorize(&app, &req, &parameters).await
}

/// `POST …/oauth/authorize`: the parameters may stand in a form.
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let fields = req.form().await?;
    let parameters = [parameters(&req), fields].concat();
    authorize(&app, &req, &parameters).await
}

async fn authorize(app: &App, req: &Request, parameters: &[(String, String)]) -> Result<Reply> {
    let tenant = match tenant_of(app, req).await? {
        Ok(tenant) => tenant,
        Err(reply) => return Ok(reply),
    };
    let browser = Browser::of(app, req);
    let step = match pace::check(app, pace::Kind::Begin, &tenant.id, &req.origin(app)) {
        Ok(()) => login::authorize(app, &browser.visit(), &tenant, parameters).await,
        Err(error) => Err(error),
    };
    respond::step(app, req, Some(&tenant), step)
}
