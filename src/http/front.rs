//! The one warp filter, and what goes around every handler: id, log line, metrics, common headers, failures worded.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Buf;
use futures_util::Stream;
use http::{HeaderName, HeaderValue, StatusCode, Version, header};
use tracing::{Instrument as _, Level};
use warp::Filter as _;
use warp::reply::Response;

use super::body::{self, incoming};
use super::dialect::Dialects;
use super::reply::Reply;
use super::request::{Head, Request};
use super::request_id::{RequestId, RequestIds};
use super::route::{Answer, Table};
use super::serve::Remote;
use crate::clock::{Random, Stopwatch};
use crate::error::Error;
use crate::service::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
const API_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// Everything a request meets before and after its handler.
pub struct Front {
    table: Table,
    dialects: Dialects,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Front")
    }
}

/// The service of one connection; its clones are for others.
struct Door<W> {
    desk: Arc<Desk>,
    warp: W,
}

/// What the requests of one connection share. Each connection counts its own (see [`App`]).
struct Desk {
    front: Arc<Front>,
    app: Arc<App>,
    ids: RequestIds,
}

/// A request on its way through warp, which carries it in the extensions: the filter itself then holds nothing that
/// would have to be cloned for each.
#[derive(Clone)]
struct Visit {
    desk: Arc<Desk>,
    head: Arc<Head>,
}

impl<W: Clone> Clone for Door<W> {
    fn clone(&self) -> Self {
        let Desk { front, app, ids } = &*self.desk;
        let desk = Desk { front: front.clone(), app: Arc::new(app.another()), ids: ids.another() };
        Self { desk: Arc::new(desk), warp: self.warp.clone() }
    }
}

impl<W> hyper::service::Service<http::Request<hyper::body::Incoming>> for Door<W>
where
    W: tower::Service<http::Request<hyper::body::Incoming>, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = W::Future;

    fn call(&self, mut request: http::Request<hyper::body::Incoming>) -> W::Future {
        let head = Head {
            method: request.method().clone(),
            uri: std::mem::take(request.uri_mut()),
            version: request.version(),
            headers: std::mem::take(request.headers_mut()),
            remote: request.extensions().get::<Remote>().map(|r| SocketAddr::ip(&r.0)),
        };
        request.extensions_mut().insert(Visit { desk: self.desk.clone(), head: Arc::new(head) });
        self.warp.clone().call(request)
    }
}

/// A clonable hyper service made of the warp filter.
pub fn service(
    app: Arc<App>,
    table: Table,
    dialects: Dialects,
) -> impl hyper::service::Service<
    http::Request<hyper::body::Incoming>,
    Response = Response,
    Error = Infallible,
    Future = impl Future<Output = Result<Response, Infallible>> + Send,
> + Clone
+ Send
+ Sync
+ 'static {
    let ids = RequestIds::new(&Random::system());
    let front = Arc::new(Front { table, dialects });
    let filter = warp::any()
        .and(warp::ext::get::<Visit>())
        .and(warp::body::stream())
        .then(|visit: Visit, body| async move { visit.desk.front.answer(&visit.desk, visit.head, body).await });
    Door { desk: Arc::new(Desk { front, app, ids }), warp: warp::service(filter) }
}

impl Front {
    async fn answer<S, B, E>(&self, desk: &Desk, head: Arc<Head>, body: S) -> Response
    where
        S: Stream<Item = std::result::Result<B, E>> + Send + Sync + 'static,
        B: Buf,
    {
        let watch = Stopwatch::start();
        let Desk { app, ids, .. } = desk;
        let id = ids.next();
        let server = &app.config.server;
        let (body, read_to_end) = if body::is_announced(&head.headers) {
            let (body, ended) = body::watched(incoming(body));
            (body, Some(ended))
        } else if head.version < Version::HTTP_2 {
            // RFC 9112 §6.3: there is none.
            (body::none(), None)
        } else {
            (incoming(body), None)
        };
        let found = self.table.find(&head.method, head.uri.path());
        let reply = if head.uri.path_and_query().is_some_and(|p| p.as_str().len() > server.max_uri_bytes) {
            Err(Error::UriTooLong)
        } else {
            match found.handler {
                Ok(handler) => {
                    let deadline = std::time::Duration::from_secs(server.body_timeout_secs);
                    let request = Request::new(head.clone(), id, found.params, body, server.max_body_bytes, deadline);
                    let run = handler(app.clone(), request);
                    if tracing::enabled!(Level::DEBUG) {
                        run.instrument(
                            tracing::debug_span!("request", %id, method = %head.method, path = head.uri.path()),
                        )
                        .await
                    } else {
                        run.await
                    }
                }
                Err(Answer::Error(error)) => Err(error),
                Err(Answer::Reply(reply)) => Ok(reply),
            }
        };
        let reply = reply.unwrap_or_else(|error| self.fail(app, &error, id, &head));
        found.metrics.record(reply.status.as_u16(), watch.elapsed());
        tracing::debug!(%id, method = %head.method, path = head.uri.path(), status = reply.status.as_u16(), "answered");
        // A body that nobody read stands between this answer and the next request: say that there will be none.
        let close = head.version < Version::HTTP_2 && read_to_end.is_some_and(|ended| !ended.load(Ordering::Relaxed));
        finish(reply, id, close, head.uri.path().starts_with("/api/"))
    }

    /// Words a failure, and logs it once: ours at `error`, the caller's at `debug`.
    fn fail(&self, app: &App, error: &Error, id: RequestId, head: &Head) -> Reply {
        if error.is_ours() {
            tracing::error!(%id, method = %head.method, path = head.uri.path(), error = %error.to_string().escape_debug(), "request failed");
        } else {
            tracing::debug!(%id, method = %head.method, path = head.uri.path(), error = %error.to_string().escape_debug(), "request refused");
        }
        self.dialects.of(head.uri.path())(error, &app.public_url)
    }
}

/// Puts the headers on that every answer has; under `/api` the request id also has the name that is usual there.
fn finish(reply: Reply, id: RequestId, close: bool, api: bool) -> Response {
    let Reply { status, mut headers, body } = reply;
    // Answers depend on credentials in several headers: nobody may keep them, but what says of itself that it is for anybody.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.append(header::VARY, HeaderValue::from_static("X-Auth-Token"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_bytes(id.text()) {
        if api {
            headers.insert(API_REQUEST_ID, value.clone());
        }
        headers.insert(REQUEST_ID, value);
    }
    // 204 and 304 have no body and no type; an answer to HEAD keeps its headers and loses its body on the wire.
    if status == StatusCode::NO_CONTENT {
        headers.remove(header::CONTENT_TYPE);
    }
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
