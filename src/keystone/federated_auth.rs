//! Signing in through an identity provider: with a token of it, or as a browser on its way from a dashboard and back.

use std::sync::Arc;

use http::header::{AUTHORIZATION, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::browser::{IDP_ID, cookie, shown};
use super::saml::{asked_by_client, is_by_client};
use super::{pages, tokens};
use crate::error::{Error, Result};
use crate::http::dialect::keystone;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::auth_request::{Asked, IdTokenRequest};
use crate::secret::Secret;
use crate::service::federated_login::saml::{CLIENT_COOKIE, forgotten, resume};
use crate::service::federated_login::web::{self, Step};
use crate::service::federated_login::{self, Presented, Proxied};
use crate::service::{App, connection};

/// Longest token of an identity provider, in bytes.
const MAX_BEARER: usize = 48 * 1024;

/// What a web server in front says, if it is trusted.
fn proxied(app: &App, req: &Request) -> Result<Option<Proxied>> {
    Proxied::of_request(app, req.head.remote, &req.head.headers)
}

/// The identity provider's token (RFC 6750 §2.1).
fn bearer(req: &Request) -> Result<Option<Secret>> {
    let twice = |_| Error::unauthorized("the Authorization header stands twice or is not text");
    let Some(value) = req.header(&AUTHORIZATION).map_err(twice)? else { return Ok(None) };
    let token =
        value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, t)| t.trim());
    match token {
        Some(token) if !token.is_empty() && token.len() <= MAX_BEARER => Ok(Some(Secret::new(token.as_bytes()))),
        _ => Err(Error::unauthorized("the Authorization header has no bearer token")),
    }
}

/// `GET`, `POST …/identity_providers/{idp_id}/protocols/{protocol_id}/auth`
pub async fn auth(app: Arc<App>, req: Request) -> Result<Reply> {
    let (idp_id, protocol_id) = (req.param("idp_id")?, req.param("protocol_id")?);
    let presented = match (proxied(&app, &req)?, bearer(&req)?) {
        (Some(proxied), _) => Presented::Proxied(proxied),
        (None, Some(token)) => Presented::Bearer(token),
        (None, None) if let Some(value) = req.cookie(CLIENT_COOKIE) => {
            let reply = match resume(&app, &req.origin(&app), idp_id, protocol_id, &value).await {
                Ok(Some(issued)) => tokens::issued(&issued, true)?,
                Ok(None) if is_by_client(&req) => asked_by_client(&app, idp_id, protocol_id).await?,
                Ok(None) => keystone(&Error::unauthorized("a cookie that leads nowhere"), &app.public_url),
                Err(error) if !error.is_ours() => keystone(&error, &app.public_url),
                Err(error) => return Err(error),
            };
            // It is good once, and clients that kept it would bring it in the place of the next.
            return Ok(reply.with(SET_COOKIE, cookie(&app, &forgotten())?));
        }
        (None, None) if is_by_client(&req) => return asked_by_client(&app, idp_id, protocol_id).await,
        (None, None) if req.wants_page() => {
            let begun = web::begin_by_identity_provider(&app, &req.origin(&app), idp_id, protocol_id, None, None).await;
            return shown(&app, &req, begun);
        }
        (None, None) => {
            federated_login::check(&app, idp_id, protocol_id).await?;
            let missing = Error::unauthorized("no token of the identity provider");
            let reply = keystone(&missing, &app.public_url);
            return Ok(reply.with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
    };
    let origin = req.origin(&app);
    let issued = federated_login::enter(&app, &origin, idp_id, protocol_id, presented, &Asked::Unscoped).await?;
    tokens::issued(&issued, true)
}

/// `POST /v3.0/OS-AUTH/id-token/tokens`
pub async fn id_token(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let body = req.json().await?;
    let asked = IdTokenRequest::parse(&body)?;
    let idp_id = req.header(&IDP_ID).ok().flatten().filter(|id| !id.is_empty());
    let idp_id =
        idp_id.ok_or_else(|| Error::invalid_field("X-Idp-Id", "the header with the identity provider is required"))?;
    let protocol_id = connection::protocol_of(&app, idp_id).await?;
    let presented = Presented::Bearer(asked.token);
    let origin = req.origin(&app);
    let issued = federated_login::enter(&app, &origin, idp_id, &protocol_id, presented, &asked.scope).await?;
    tokens::issued(&issued, true)
}

/// `GET`, `POST /v3/auth/OS-FEDERATION/websso/{protocol_id}`
pub async fn websso(app: Arc<App>, req: Request) -> Result<Reply> {
    let step = begin(&app, &req, None).await;
    shown(&app, &req, step)
}

/// `GET`, `POST /v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso`
pub async fn websso_of_identity_provider(app: Arc<App>, req: Request) -> Result<Reply> {
    let step = begin(&app, &req, Some(req.param("idp_id")?)).await;
    shown(&app, &req, step)
}

async fn begin(app: &App, req: &Request, idp_id: Option<&str>) -> Result<Step> {
    // Before anything else: nobody is sent anywhere for a dashboard that is not ours.
    let dashboard = web::check_origin(app, req.query()?.get("origin"))?;
    let (origin, protocol_id, proxied) = (req.origin(app), req.param("protocol_id")?, proxied(app, req)?);
    match idp_id {
        Some(idp) => web::begin_by_identity_provider(app, &origin, idp, protocol_id, Some(dashboard), proxied).await,
        None => web::begin_by_protocol(app, &origin, protocol_id, dashboard, proxied).await,
    }
}

/// `GET …/callback`: the browser comes back from the identity provider.
pub async fn callback(app: Arc<App>, req: Request) -> Result<Reply> {
    let Some(query) = req.raw_query().filter(|q| !q.is_empty()) else { return Ok(pages::fragment()) };
    let answer = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let (origin, idp_id, protocol_id) = (req.origin(&app), req.param("idp_id")?, req.param("protocol_id")?);
    let step = web::finish(&app, &origin, idp_id, protocol_id, answer, |name| req.cookie(name)).await;
    shown(&app, &req, step)
}

/// `POST …/callback` (OAuth 2.0 Form Post Response Mode): a browser brings no cookie with a form that another site posts,
/// so it is sent to the same place once more, where it does.
pub async fn callback_by_form(_: Arc<App>, mut req: Request) -> Result<Reply> {
    let fields = req.form().await?;
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let location =
        HeaderValue::from_str(&format!("?{query}")).map_err(|_| Error::invalid("The form cannot be read."))?;
    Ok(Reply::empty(StatusCode::SEE_OTHER).with(LOCATION, location))
}
