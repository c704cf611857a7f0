//! The bare server of the benchmark: one warp filter on the product's own accept loop and limits, which compares
//! `X-Auth-Token`, reads the body under the product's cap and answers prepared bytes.
//!
//! `bench-baseline ADDRESS TOKEN BODY_FILE HEADER_FILE`; the header file has one `name: value` a line, and its fields are
//! on every answer, as many as the product sends. See `README.md` beside this file.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use archstone::config::Server;
use archstone::http::body;
use archstone::http::serve::{Limits, serve};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tower::Service as _;
use warp::Filter as _;
use warp::reply::Response;

/// What every request with the right token is answered.
struct Answer {
    token: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
    max_body: usize,
    body_timeout: Duration,
}

impl Answer {
    async fn give(&self, headers: &HeaderMap, stream: body::Incoming) -> Response {
        if headers.get("x-auth-token") != Some(&self.token) {
            return status(StatusCode::UNAUTHORIZED);
        }
        match body::read(headers, stream, self.max_body, self.body_timeout).await {
            Ok(_) => {
                let mut response = Response::new(self.body.clone().into());
                *response.headers_mut() = self.headers.clone();
                response
            }
            Err(_) => status(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = status;
    response
}

fn fields(text: &str) -> Result<HeaderMap, Box<dyn Error>> {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':').ok_or("a header field needs a colon")?;
        headers.append(name.trim().parse::<HeaderName>()?, value.trim().parse()?);
    }
    Ok(headers)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, token, body_file, header_file] = arguments.as_slice() else {
        return Err("usage: bench-baseline ADDRESS TOKEN BODY_FILE HEADER_FILE".into());
    };
    let config = Server::default();
    let answer = Arc::new(Answer {
        token: token.parse()?,
        headers: fields(&std::fs::read_to_string(header_file)?)?,
        body: std::fs::read(body_file)?.into(),
        max_body: config.max_body_bytes,
        body_timeout: Duration::from_secs(config.body_timeout_secs),
    });
    let filter = warp::any()
        .map(move || Arc::clone(&answer))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(|answer: Arc<Answer>, headers: HeaderMap, stream| async move {
            answer.give(&headers, body::incoming(stream)).await
        });
    let warp = warp::service(filter);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut warp = warp.clone();
        async move { warp.call(request).await.map_err(|never: Infallible| never) }
    });
    let listener = tokio::net::TcpListener::bind(address).await?;
    serve(listener, None, service, Limits::from(&config), std::future::pending()).await;
    Ok(())
}
