//! SAML at a tenant: the way there, the address where answers are posted to, and our metadata (seed 004, tenant-login §6).

use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::super::logout::shown;
use super::super::pages::respond;
use super::super::pages::visit::{Browser, check_site, tenant_of};
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::service::login::{AGAIN, Begin, Brought, Next, Step, callback_uri, once_more, service_provider};
use crate::service::logout::asked::Step as LogoutStep;
use crate::service::logout::saml::{self as logout, Carried};
use crate::service::{App, pace};

/// Most bytes of a posted form.
const MAX_BODY: usize = 1_048_576;
/// Most fields that are taken of it.
const MAX_FIELDS: usize = 20;
/// Longest state and answer that are posted once more.
const MAX_STATE: usize = 2_048;
const MAX_POSTED: usize = 400_000;

/// `GET …/federation/saml/{idp_id}/login`
pub async fn login(app: Arc<App>, req: Request) -> Result<Reply> {
    super::depart(app, req, "saml").await
}

/// `POST …/federation/saml/acs`: a browser brings no cookie with a form that another site posts, so a page of ours has it post
/// the same once more, with which it does.
pub async fn acs(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let fields = req.large_form(MAX_BODY, MAX_FIELDS).await?;
    let tenant = match tenant_of(&app, &req).await? {
        Ok(tenant) => tenant,
        Err(reply) => return Ok(reply),
    };
    if !fields.iter().any(|(name, value)| name == "SAMLResponse" && !value.is_empty()) {
        let error = Error::unprocessable("SAMLResponse", "missing", "Field required");
        return respond::step(&app, &req, Some(&tenant), Err(error));
    }
    let has = |wanted: &str| fields.iter().any(|(name, _)| name == wanted);
    let by_program = req.prefers_json() && check_site(&app, &req).is_ok();
    let may_lack_cookies = !has(AGAIN) && !by_program;
    if may_lack_cookies && Browser::of(&app, &req).visit().attempts.is_empty() {
        let step = match pace::check(&app, pace::Kind::Finish, &tenant.id, &req.origin(&app)) {
            Ok(()) => again(&app, &tenant, fields),
            Err(error) => Err(error),
        };
        return respond::step(&app, &req, Some(&tenant), step);
    }
    super::arrive_with(app, req, "saml", Brought::Form(fields)).await
}

/// Has the browser post the same once more.
fn again(app: &App, tenant: &Tenant, fields: Vec<(String, String)>) -> Result<Step> {
    // A state that is longer is none of ours, nor any that counts.
    let counts =
        |(name, value): &(String, String)| name == "SAMLResponse" || (name == "RelayState" && value.len() <= MAX_STATE);
    let mut kept: Vec<(String, String)> = fields.into_iter().filter(counts).take(2).collect();
    if kept.iter().any(|(_, value)| value.len() > MAX_POSTED) {
        return Err(Error::refused(Code::InvalidState, "No sign-in waits for that answer. Start again."));
    }
    let (cookie, value) = once_more(app);
    kept.push((AGAIN.to_owned(), value));
    let begin = Begin::Post { url: callback_uri(app, tenant, "saml"), fields: kept };
    Ok(Step { next: Next::Leave { begin, expires_in: 0 }, cookies: vec![cookie] })
}

/// `GET`, `POST …/federation/saml/slo`: a wish of the identity provider to log somebody out, or its answer to ours.
pub async fn slo(app: Arc<App>, mut req: Request) -> Result<Reply> {
    if req.head.method == Method::HEAD {
        return Ok(Reply::empty(StatusCode::OK));
    }
    let carried = match req.head.method {
        Method::POST => req.large_form(MAX_BODY, MAX_FIELDS).await.map(Carried::Form),
        _ => Ok(Carried::Query(req.raw_query().unwrap_or_default().to_owned())),
    };
    respond::of_tenant(&app, &req, async |tenant| {
        let (carried, origin) = (carried?, req.origin(&app));
        pace::check(&app, pace::Kind::Finish, &tenant.id, &origin)?;
        let next = logout::receive(&app, &origin, &tenant, carried).await.inspect_err(|error| {
            if matches!(error, Error::Refused { .. }) {
                pace::failed(&app, &tenant.id, &origin);
            }
        })?;
        shown(&app, &req, &tenant, LogoutStep { next, cookies: Vec::new() })
    })
    .await
}

/// `GET …/federation/saml/metadata`
pub async fn metadata(app: Arc<App>, req: Request) -> Result<Reply> {
    let tenant = match tenant_of(&app, &req).await? {
        Ok(tenant) => tenant,
        Err(reply) => return Ok(reply),
    };
    let own = match service_provider(&app, &tenant, req.query()?.get("idp_id")).await {
        Ok(own) => own,
        Err(error) => return respond::step(&app, &req, Some(&tenant), Err(error)),
    };
    if req.prefers_json() {
        return Ok(Reply::ok(&json!({
            "entity_id": own.entity_id,
            "acs_urls": [own.acs_url],
            "slo_urls": [own.slo_url],
            "name_id_formats": own.name_id_formats,
            "signing_certificates": own.certificates,
            "encryption_certificates": own.certificates,
            "authn_requests_signed": true,
            "want_assertions_signed": true,
            "valid_until": own.valid_until,
        })));
    }
    let disposition = HeaderValue::from_str(&format!("inline; filename=\"{}-sp.xml\"", tenant.slug));
    let disposition = disposition.map_err(|_| Error::refused(Code::TenantNotFound, "Tenant not found"))?;
    let kind = HeaderValue::from_static("application/samlmetadata+xml; charset=utf-8");
    let reply = Reply::empty(StatusCode::OK).with(CONTENT_TYPE, kind).with(CONTENT_DISPOSITION, disposition);
    Ok(Reply { body: own.document.into(), ..reply })
}
