//! `/api/v1/sso/jobs`: what is done in the background.

use std::sync::Arc;

use super::{page, view};
use crate::error::{Error, Result};
use crate::http::query::Parameters;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::job::{Filter, State};
use crate::service::{App, jobs};

fn filter(parameters: &Parameters<'_>) -> Result<Filter> {
    let state = |name: &str| {
        State::parse(name).ok_or_else(|| Error::invalid_field("state", format!("'{name:.40}' is no state of a job")))
    };
    Ok(Filter {
        state: parameters.get("state").map(state).transpose()?,
        kind: parameters.get("kind").map(str::to_owned),
        subject: parameters.get("subject").map(str::to_owned),
    })
}

/// `GET /api/v1/sso/jobs`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let (filter, window) = (filter(&parameters)?, page::window(&parameters)?);
    let jobs = jobs::list(&app, &caller, &filter, window).await?;
    Ok(Reply::ok(&page::envelope(&jobs, window, view::job)))
}

/// `GET /api/v1/sso/jobs/{job_id}`
pub async fn get(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let job = jobs::get(&app, &caller, req.param("job_id")?).await?;
    Ok(Reply::ok(&view::job(&job)))
}

/// `POST /api/v1/sso/jobs/{job_id}/cancel`
pub async fn cancel(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let job = jobs::cancel(&app, &caller, req.param("job_id")?).await?;
    Ok(Reply::ok(&view::job(&job)))
}

#[cfg(test)]
mod tests;
