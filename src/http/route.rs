//! The route table: data that one warp filter hands requests to.
//!
//! It answers 404, 405 with `Allow`, `HEAD` where `GET` is and `OPTIONS` by itself, so no handler needs a warp rejection
//! (invariant I4), and it can be listed: tests hold it against the policy rules and the persona table.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};

use super::reply::Reply;
use super::request::Request;
use crate::error::{Error, Result};
use crate::metrics::{Metrics, RouteMetrics};
use crate::service::App;

/// What runs a request.
pub type Handler = Arc<dyn Fn(Arc<App>, Request) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send>> + Send + Sync>;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whom this policy rule allows.
    Rule(&'static str),
    /// Whom one of these rules allows, depending on what the request is about.
    Rules(&'static [&'static str]),
}

impl From<&'static str> for Access {
    fn from(rule: &'static str) -> Self {
        Self::Rule(rule)
    }
}

/// One route.
#[derive(Clone)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with `{name}` for its parameters.
    pub template: &'static str,
    /// Who may call it.
    pub access: Access,
    /// JSON-home relation, for those that have one.
    pub relation: Option<&'static str>,
    handler: Handler,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.template, self.access)
    }
}

impl Route {
    /// A route.
    pub fn new<F, R>(method: Method, template: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |app, request| Box::pin(handler(app, request)));
        Self { method, template, access, relation: None, handler }
    }

    /// A route that reads.
    pub fn get<F, R>(template: &'static str, access: impl Into<Access>, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        Self::new(Method::GET, template, access.into(), handler)
    }

    /// A route that answers `HEAD` otherwise than `GET`.
    pub fn head<F, R>(template: &'static str, access: impl Into<Access>, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        Self::new(Method::HEAD, template, access.into(), handler)
    }

    /// A route that makes something whose name the service gives, or asks for something to be done.
    pub fn post<F, R>(template: &'static str, access: impl Into<Access>, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        Self::new(Method::POST, template, access.into(), handler)
    }

    /// A route that makes something whose name the path gives.
    pub fn put<F, R>(template: &'static str, access: impl Into<Access>, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        Self::new(Method::PUT, template, access.into(), handler)
    }

    /// A route that changes something.
    pub fn patch<F, R>(template: &'static str, access: impl Into<Access>, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        Self::new(Method::PATCH, template, access.into(), handler)
    }

    /// A route that takes something away.
    pub fn delete<F, R>(template: &'static str, access: impl Into<Access>, handler: F) -> Self
    where
        F: Fn(Arc<App>, Request) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply>> + Send + 'static,
    {
        Self::new(Method::DELETE, template, access.into(), handler)
    }

    /// Names the JSON-home relation of its path.
    #[must_use]
    pub fn relation(mut self, relation: &'static str) -> Self {
        self.relation = Some(relation);
        self
    }
}

struct Target {
    handler: Handler,
    metrics: RouteMetrics,
}

struct Path {
    /// Few methods a path: looked through in order.
    methods: Vec<(Method, Target)>,
    allow: String,
}

/// All routes of all faces.
pub struct Table {
    paths: Vec<Path>,
    router: matchit::Router<usize>,
    unrouted: RouteMetrics,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table of {} paths", self.paths.len())
    }
}

/// What a table found for a request.
pub struct Found<'t> {
    /// Its handler, or what to answer without one.
    pub handler: std::result::Result<&'t Handler, Answer>,
    /// Where to count it.
    pub metrics: &'t RouteMetrics,
    /// Decoded parts of the path.
    pub params: Vec<(String, String)>,
}

/// An answer that needs no handler.
pub enum Answer {
    /// A failure.
    Error(Error),
    /// To `OPTIONS`.
    Reply(Reply),
}

impl Table {
    /// Builds the table; two routes of one method and path are a fault of ours.
    pub fn build(routes: &[Route], metrics: &Metrics) -> Result<Self> {
        let mut by_template: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
        for route in routes {
            by_template.entry(route.template).or_default().push(route);
        }
        let mut paths = Vec::with_capacity(by_template.len());
        let mut router = matchit::Router::new();
        for (template, routes) in by_template {
            let mut methods: Vec<(Method, Target)> = Vec::new();
            for route in routes {
                if methods.iter().any(|(m, _)| m == route.method) {
                    return Err(Error::internal(format!("two routes for {} {template}", route.method)));
                }
                let metrics = metrics.route(route.method.as_str(), template);
                methods.push((route.method.clone(), Target { handler: route.handler.clone(), metrics }));
            }
            let mut names: Vec<&str> = methods.iter().map(|(m, _)| m.as_str()).collect();
            if names.contains(&"GET") && !names.contains(&"HEAD") {
                names.push("HEAD");
            }
            names.push("OPTIONS");
            names.sort_unstable();
            names.dedup();
            let allow = names.join(", ");
            router.insert(template, paths.len()).map_err(|e| Error::internal(format!("route {template}: {e}")))?;
            paths.push(Path { methods, allow });
        }
        Ok(Self { paths, router, unrouted: metrics.route("", "unrouted") })
    }

    /// Finds what answers `method` on `path`.
    pub fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let none = |error| Found { handler: Err(Answer::Error(error)), metrics: &self.unrouted, params: Vec::new() };
        let trimmed = match path.trim_end_matches('/') {
            "" => "/",
            trimmed => trimmed,
        };
        let Ok(matched) = self.router.at(trimmed) else { return none(Error::NoRoute) };
        let Some(found) = self.paths.get(*matched.value) else { return none(Error::NoRoute) };
        let mut params = Vec::new();
        for (name, raw) in matched.params.iter() {
            match percent_encoding::percent_decode_str(raw).decode_utf8() {
                Ok(text) if text.is_empty() || text.contains(['/', '\0']) => return none(Error::NoRoute),
                Ok(text) => params.push((name.to_owned(), text.into_owned())),
                Err(_) => return none(Error::invalid("The path is not UTF-8.")),
            }
        }
        let wanted = |m: &Method| found.methods.iter().find(|(have, _)| have == m);
        let target = match wanted(method) {
            None if *method == Method::HEAD => wanted(&Method::GET),
            other => other,
        };
        match target {
            Some((_, target)) => Found { handler: Ok(&target.handler), metrics: &target.metrics, params },
            None if *method == Method::OPTIONS => {
                let allow = HeaderValue::from_str(&found.allow).unwrap_or(HeaderValue::from_static(""));
                let reply = Reply::empty(StatusCode::OK).with(header::ALLOW, allow);
                Found { handler: Err(Answer::Reply(reply)), metrics: &self.unrouted, params }
            }
            None => none(Error::MethodNotAllowed { allow: found.allow.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let route = |m: Method, t| Route::new(m, t, Access::Open, |_, _| async { Ok(Reply::no_content()) });
        Table::build(
            &[
                route(Method::GET, "/"),
                route(Method::GET, "/v3/users"),
                route(Method::POST, "/v3/users"),
                route(Method::GET, "/v3/users/{id}"),
                route(Method::DELETE, "/v3/users/{id}"),
            ],
            &Metrics::default(),
        )
        .unwrap()
    }

    fn outcome(method: &str, path: &str) -> String {
        let table = table();
        let found = table.find(&Method::from_bytes(method.as_bytes()).unwrap(), path);
        match found.handler {
            Ok(_) => format!("handler {:?}", found.params),
            Err(Answer::Error(e)) => format!("{} {e}", e.status()),
            Err(Answer::Reply(r)) => format!("{} {}", r.status.as_u16(), r.headers["allow"].to_str().unwrap()),
        }
    }

    #[test]
    fn paths_are_found_with_or_without_a_slash_at_the_end() {
        assert_eq!(outcome("GET", "/"), "handler []");
        assert_eq!(outcome("GET", "/v3/users/"), "handler []");
        assert_eq!(outcome("HEAD", "/v3/users"), "handler []");
        assert_eq!(outcome("GET", "/v3/users/a%20b"), "handler [(\"id\", \"a b\")]");
    }

    #[test]
    fn http_meth_1_other_methods_are_405_with_those_that_may_be_used() {
        assert_eq!(outcome("PATCH", "/v3/users"), "405 method not allowed (allowed: GET, HEAD, OPTIONS, POST)");
        assert_eq!(outcome("TRACE", "/v3/users/x"), "405 method not allowed (allowed: DELETE, GET, HEAD, OPTIONS)");
        assert_eq!(outcome("OPTIONS", "/v3/users"), "200 GET, HEAD, OPTIONS, POST");
    }

    #[test]
    fn http_path_1_odd_paths_are_nowhere_else() {
        for path in [
            "//v3/users",
            "/v3//users",
            "/v3/users/..",
            "/V3/users",
            "/v3/users;x",
            "/v3/users/a%2fb",
            "/v3/users/%00",
            "/v2.0",
        ] {
            let got = outcome("GET", path);
            assert!(got.starts_with("404") || path.ends_with(".."), "{path}: {got}");
        }
        assert!(outcome("GET", "/v3/users/%ff").starts_with("400"));
    }
}
