//! A SCIM server on loopback that says what a test wants, and nothing that was not asked for in its turn.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Method, path and query.
    pub line: String,
    /// Headers by name.
    pub headers: http::HeaderMap,
    /// Body.
    pub body: Value,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Said {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
}

impl Said {
    pub fn json(status: u16, body: Value) -> Self {
        Self::text(status, &body.to_string()).with("content-type", "application/scim+json")
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: vec![], body: body.to_owned(), after: Duration::ZERO }
    }

    pub fn error(status: u16, scim_type: &str, detail: &str) -> Self {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.to_string(),
            "detail": detail,
        });
        if !scim_type.is_empty() {
            body["scimType"] = scim_type.into();
        }
        Self::json(status, body)
    }

    /// A list that is all of it.
    pub fn list(resources: &[Value]) -> Self {
        Self::page(resources, resources.len())
    }

    /// A page of a list.
    pub fn page(resources: &[Value], total: usize) -> Self {
        Self::json(
            200,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": total,
                "Resources": resources,
            }),
        )
    }

    pub fn none() -> Self {
        Self::list(&[])
    }

    /// No answer at all.
    pub fn silence() -> Self {
        Self { after: Duration::from_secs(60), ..Self::text(200, "") }
    }

    /// The end of the connection.
    pub fn hang_up() -> Self {
        Self::text(0, "")
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

type Handler = Box<dyn FnMut(&Asked) -> Said + Send>;

/// The server.
pub struct Server {
    /// Its base.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<VecDeque<(String, Said)>>>,
    wrong: Arc<Mutex<Vec<String>>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    /// One that answers what `handler` says.
    pub async fn new(handler: impl FnMut(&Asked) -> Said + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let handler: Arc<Mutex<Handler>> = Arc::new(Mutex::new(Box::new(handler)));
        let held = asked.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (asked, handler) = (held.clone(), handler.clone());
                let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let (asked, handler) = (asked.clone(), handler.clone());
                    async move { answer(request, &asked, &handler).await }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, asked, script: Arc::default(), wrong: Arc::default(), accepting }
    }

    /// One that says of itself what `config` and `types` are (nothing if they are null), and answers the rest by a script.
    pub async fn scripted(config: Value, types: Value, steps: Vec<(String, Said)>) -> Self {
        let script = Arc::new(Mutex::new(VecDeque::from(steps)));
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let (held, mistakes) = (script.clone(), wrong.clone());
        let document = |value: &Value| match value {
            Value::Null => Said::error(404, "", "no such thing"),
            value => Said::json(200, value.clone()),
        };
        let (config, types) = (document(&config), document(&types));
        let mut this = Self::new(move |asked| match asked.line.as_str() {
            "GET /ServiceProviderConfig" => config.clone(),
            "GET /ResourceTypes" => types.clone(),
            line => match held.lock().unwrap().pop_front() {
                Some((expected, said)) if expected == line => said,
                other => {
                    let expected = other.map(|(expected, _)| expected);
                    mistakes.lock().unwrap().push(format!("{line} where {expected:?} was expected"));
                    Said::text(418, "")
                }
            },
        })
        .await;
        (this.script, this.wrong) = (script, wrong);
        this
    }

    /// What was asked, but for what it is asked once.
    pub fn asked(&self) -> Vec<Asked> {
        let said_once =
            |asked: &&Asked| !asked.line.ends_with("/ServiceProviderConfig") && !asked.line.ends_with("/ResourceTypes");
        self.asked.lock().unwrap().iter().filter(said_once).cloned().collect()
    }

    /// The lines of it.
    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// That everything of the script was asked, and nothing else.
    #[track_caller]
    pub fn done(&self) {
        assert!(self.wrong.lock().unwrap().is_empty(), "{:#?}", self.wrong.lock().unwrap());
        assert!(self.script.lock().unwrap().is_empty(), "not asked: {:#?}", self.script.lock().unwrap());
    }

    /// More of the script.
    pub fn then(&self, steps: Vec<(String, Said)>) {
        self.script.lock().unwrap().extend(steps);
    }
}

async fn answer(
    request: http::Request<hyper::body::Incoming>,
    asked: &Mutex<Vec<Asked>>,
    handler: &Mutex<Handler>,
) -> Result<http::Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let target = head.uri.path_and_query().unwrap().as_str();
    let line = format!("{} {}", head.method, target.strip_prefix("/scim/v2").unwrap_or(target));
    let one = Asked { line, headers: head.headers, body: serde_json::from_slice(&body).unwrap_or_default() };
    let said = {
        asked.lock().unwrap().push(one.clone());
        (handler.lock().unwrap())(&one)
    };
    tokio::time::sleep(said.after).await;
    if said.status == 0 {
        return Err(std::io::Error::other("hung up"));
    }
    let mut response = http::Response::builder().status(said.status);
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(said.body)).unwrap())
}
