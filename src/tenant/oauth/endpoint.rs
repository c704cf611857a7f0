//! What the OAuth 2.0 endpoints have in common that programs ask: forms, failures as RFC 6749 words them (tenant-login §2.2),
//! nothing kept by anybody on the way, and scripts of the applications' origins let in.

use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, PRAGMA,
    VARY,
};
use http::{HeaderValue, Method, StatusCode};

use crate::error::{Code, Error, Result};
use crate::http::dialect;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::service::oauth::client_auth::{self, Presented};
use crate::service::oauth::origins;
use crate::service::oauth::parameters::{Parameters, invalid};
use crate::service::tenant::Client;
use crate::service::{App, tenant};

/// The type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// A request at one of the endpoints, of which the tenant is known.
pub(super) struct Call {
    /// The request.
    pub req: Request,
    /// The tenant.
    pub tenant: Arc<Tenant>,
}

/// Answers a request: what fails is worded as OAuth 2.0 has it.
pub(super) async fn answer<R>(app: Arc<App>, req: Request, run: impl FnOnce(Arc<App>, Call) -> R) -> Result<Reply>
where
    R: Future<Output = Result<Reply>>,
{
    let origin = req.header_value(&ORIGIN).ok().flatten().cloned();
    let (id, head) = (req.id, req.head.clone());
    let tenant = match tenant::by_slug(&app, req.param("tenant_slug")?).await {
        Ok(tenant) => tenant,
        Err(error) => return Ok(unkept(dialect::oauth(&error, &app.public_url))),
    };
    let done = run(app.clone(), Call { req, tenant: tenant.clone() }).await;
    let reply = done.unwrap_or_else(|error| {
        let path = head.uri.path();
        if error.is_ours() {
            tracing::error!(%id, path, error = %error.to_string().escape_debug(), "request failed");
        } else {
            tracing::debug!(%id, path, error = %error.to_string().escape_debug(), "request refused");
        }
        let mut reply = dialect::oauth(&error, &app.public_url);
        if matches!(error, Error::Refused { code: Code::AccessDenied, .. }) {
            // Here it is one answer of the token endpoint among others (RFC 8628 §3.5).
            reply.status = StatusCode::BAD_REQUEST;
        }
        reply
    });
    shared(&app, &tenant, origin, unkept(reply)).await
}

/// Nobody on the way keeps it (RFC 6749 §5.1).
fn unkept(reply: Reply) -> Reply {
    reply
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with(PRAGMA, HeaderValue::from_static("no-cache"))
        .with(VARY, HeaderValue::from_static("Origin"))
}

/// Lets the script read it whose origin one of the applications has named.
async fn shared(app: &App, tenant: &Tenant, origin: Option<HeaderValue>, reply: Reply) -> Result<Reply> {
    let Some(origin) = origin else { return Ok(reply) };
    let Ok(text) = origin.to_str() else { return Ok(reply) };
    if !origins::allows(app, tenant, text).await? {
        return Ok(reply);
    }
    Ok(reply
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, origin)
        .with(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate, Retry-After")))
}

/// Tells a browser whether a script may ask (Fetch §3.2.2).
pub(super) async fn preflight(app: Arc<App>, req: Request) -> Result<Reply> {
    answer(app, req, async |_, call| {
        let asked = call.req.header_value(&ORIGIN).ok().flatten();
        if asked.is_none() {
            return Err(invalid("the request names no origin"));
        }
        let methods = [Method::GET, Method::POST].map(|m| m.to_string()).join(", ");
        let methods = HeaderValue::from_str(&methods).map_err(|_| Error::internal("methods that are no header"))?;
        Ok(Reply::no_content()
            .with(ACCESS_CONTROL_ALLOW_METHODS, methods)
            .with(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type"))
            .with(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")))
    })
    .await
}

impl Call {
    /// The form, which must be one.
    pub(super) async fn form(&mut self) -> Result<Parameters> {
        let kind = self.req.header(&CONTENT_TYPE).map_err(|_| invalid("the content type is unclear"))?;
        let kind = kind.and_then(|k| k.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(FORM) {
            return Err(invalid(format!("the body is not {FORM}")));
        }
        Parameters::parse(&self.req.bytes().await?)
    }

    /// The application whose form it is.
    pub(super) async fn client(&self, app: &App, form: &Parameters) -> Result<Arc<Client>> {
        let query = self.query()?;
        client_auth::authenticate(app, &self.tenant, self.presented(&query, form)?).await
    }

    /// The same where it must have a credential.
    pub(super) async fn confidential(&self, app: &App, form: &Parameters) -> Result<Arc<Client>> {
        let query = self.query()?;
        client_auth::confidential(app, &self.tenant, self.presented(&query, form)?).await
    }

    fn query(&self) -> Result<Parameters> {
        Parameters::parse(self.req.raw_query().unwrap_or_default().as_bytes())
    }

    fn presented<'a>(&'a self, query: &'a Parameters, form: &'a Parameters) -> Result<Presented<'a>> {
        let doubled = |_| Error::refused(Code::InvalidClient, "The Authorization header stands twice or is not text.");
        Ok(Presented { authorization: self.req.header(&AUTHORIZATION).map_err(doubled)?, query, form })
    }

    /// The access token in the `Authorization` header (RFC 6750 §2.1).
    pub(super) fn bearer(&self) -> Result<Option<&str>> {
        let unclear = |_| Error::refused(Code::InvalidToken, "The Authorization header stands twice or is not text.");
        let header = self.req.header(&AUTHORIZATION).map_err(unclear)?;
        let token = header.and_then(|v| v.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        Ok(token.map(|(_, token)| token.trim()))
    }
}
