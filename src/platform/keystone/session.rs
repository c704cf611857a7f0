//! A session at a Keystone: a token for one task, which is given back whatever comes of it (Identity v3, `/v3/auth/tokens`).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::egress::{Answer, Egress, Kind};
use crate::model::platform::CredentialKind;
use crate::platform::exchange::{self, Farewell, Request};
use crate::platform::{Problem, Site, Trouble};
use crate::secret::Secret;

const TOKEN: &str = "x-auth-token";
const SUBJECT: &str = "x-subject-token";
/// Most pages of a list.
const MAX_PAGES: usize = 100;
const SIGNING_IN: &str = "Signing in";

/// A session.
#[derive(Debug)]
pub struct Session<'a> {
    egress: &'a Egress,
    /// Base URL with the version.
    base: String,
    token: HeaderValue,
    farewell: Farewell,
    /// Who has signed in.
    pub user_id: String,
}

/// How a write went, where it may go in more ways than well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Well; what was answered.
    Done(Value),
    /// There is no such thing.
    Missing,
    /// Something of that kind is there already.
    Conflict,
}

/// Base URL of the service without its version.
pub fn base_of(site: &Site<'_>) -> String {
    let base = site.record.base_url();
    let base = base.trim_end_matches('/');
    base.strip_suffix("/v3").unwrap_or(base).trim_end_matches('/').to_owned()
}

impl<'a> Session<'a> {
    /// Signs in with the platform's credential.
    pub async fn open(site: &Site<'a>) -> Result<Self, Problem> {
        let credential = site.credential.ok_or_else(|| {
            Problem::new(Trouble::Credential, format!("{SIGNING_IN}: the platform has no credential."))
        })?;
        match credential.kind {
            CredentialKind::Password => Self::by_password(site, &credential.account, &credential.secret).await,
            CredentialKind::Key => {
                let secret = exchange::text(SIGNING_IN, &credential.secret)?;
                let key = json!({"id": credential.account, "secret": secret});
                let identity = json!({"methods": ["application_credential"], "application_credential": key});
                Self::sign_in(site, json!({ "identity": identity })).await
            }
        }
    }

    /// Signs a user in to the project that the options name.
    pub async fn by_password(site: &Site<'a>, user: &str, password: &Secret) -> Result<Self, Problem> {
        let options = &site.record.options;
        let domain = |name: &Option<String>| json!({"name": name.as_deref().unwrap_or("Default")});
        let password = exchange::text(SIGNING_IN, password)?;
        let user = json!({"name": user, "domain": domain(&options.user_domain_name), "password": password});
        let project = json!({
            "name": options.project_name.as_deref().unwrap_or("admin"), "domain": domain(&options.project_domain_name),
        });
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        Self::sign_in(site, json!({"identity": identity, "scope": {"project": project}})).await
    }

    async fn sign_in(site: &Site<'a>, auth: Value) -> Result<Self, Problem> {
        let base = format!("{}/v3", base_of(site));
        let url = format!("{base}/auth/tokens");
        let body = Bytes::from(json!({ "auth": auth }).to_string());
        let headers = exchange::json_headers();
        let request = Request { what: SIGNING_IN, kind: Kind::Push, method: Method::POST, url: &url, headers, body };
        let answer = exchange::send(site.egress, request).await?;
        if answer.status != StatusCode::CREATED {
            return Err(exchange::refusal(SIGNING_IN, answer.status));
        }
        let mut token = answer.headers.get(SUBJECT).cloned().ok_or_else(|| exchange::unreadable(SIGNING_IN))?;
        token.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(TOKEN, token.clone());
        headers.insert(SUBJECT, token.clone());
        // From here on the token is given back, also if the answer cannot be read.
        let farewell = Farewell::new(site.egress, url, headers);
        let said = exchange::read(&answer.body).unwrap_or_default();
        let Some(user_id) = said["token"]["user"]["id"].as_str().map(str::to_owned) else {
            farewell.say().await;
            return Err(exchange::unreadable(SIGNING_IN));
        };
        Ok(Self { egress: site.egress, base, token, farewell, user_id })
    }

    /// Signs out.
    pub async fn close(self) {
        self.farewell.say().await;
    }

    /// One thing; none if it is not there.
    pub async fn get(&self, what: &str, path: &str) -> Result<Option<Value>, Problem> {
        let answer = self.send(what, Method::GET, path, None).await?;
        match answer.status.as_u16() {
            200 => exchange::read(&answer.body).map(Some).ok_or_else(|| exchange::unreadable(what)),
            404 => Ok(None),
            _ => Err(exchange::refusal(what, answer.status)),
        }
    }

    /// The relations of the service (JSON-home).
    pub async fn home(&self, what: &str) -> Result<Option<Value>, Problem> {
        let accept = HeaderValue::from_static("application/json-home");
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
        let url = &self.base;
        let request = Request { what, kind: Kind::Push, method: Method::GET, url, headers, body: Bytes::new() };
        let answer = exchange::send(self.egress, request).await?;
        Ok(exchange::read(&answer.body).filter(|_| answer.status == StatusCode::OK))
    }

    /// A list, all pages of it. Of the next page's link only its marker is taken.
    pub async fn list(&self, what: &str, path: &str, member: &str) -> Result<Vec<Value>, Problem> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = match &marker {
                Some(marker) => format!("{path}{sign}marker={}", exchange::segment(marker)),
                None => path.to_owned(),
            };
            let mut said =
                self.get(what, &page).await?.ok_or_else(|| exchange::refusal(what, StatusCode::NOT_FOUND))?;
            let Some(Value::Array(items)) = said.get_mut(member).map(Value::take) else {
                return Err(exchange::unreadable(what));
            };
            all.extend(items);
            let next = said["links"]["next"].as_str().and_then(|next| url::Url::parse(next).ok());
            let next =
                next.and_then(|url| url.query_pairs().find(|(name, _)| name == "marker").map(|(_, m)| m.into_owned()));
            if next.is_none() || next == marker {
                return Ok(all);
            }
            marker = next;
        }
        Err(Problem::new(Trouble::Refused, format!("{what}: the platform has too many.")))
    }

    /// `PUT`.
    pub async fn put(&self, what: &str, path: &str, body: &Value) -> Result<Outcome, Problem> {
        self.write(what, Method::PUT, path, Some(body)).await
    }

    /// `POST`.
    pub async fn post(&self, what: &str, path: &str, body: &Value) -> Result<Outcome, Problem> {
        self.write(what, Method::POST, path, Some(body)).await
    }

    /// `PATCH`, which must go well.
    pub async fn patch(&self, what: &str, path: &str, body: &Value) -> Result<Value, Problem> {
        self.write(what, Method::PATCH, path, Some(body)).await?.done(what)
    }

    /// `PUT` without a body, which must go well.
    pub async fn set(&self, what: &str, path: &str) -> Result<(), Problem> {
        self.write(what, Method::PUT, path, None).await?.done(what).map(drop)
    }

    /// `DELETE`; what is not there is deleted.
    pub async fn delete(&self, what: &str, path: &str) -> Result<(), Problem> {
        match self.write(what, Method::DELETE, path, None).await? {
            Outcome::Done(_) | Outcome::Missing => Ok(()),
            Outcome::Conflict => Err(exchange::refusal(what, StatusCode::CONFLICT)),
        }
    }

    async fn write(&self, what: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Outcome, Problem> {
        let answer = self.send(what, method, path, body).await?;
        match answer.status.as_u16() {
            204 => Ok(Outcome::Done(Value::Null)),
            200 | 201 => exchange::read(&answer.body).map(Outcome::Done).ok_or_else(|| exchange::unreadable(what)),
            404 => Ok(Outcome::Missing),
            409 => Ok(Outcome::Conflict),
            _ => Err(exchange::refusal(what, answer.status)),
        }
    }

    async fn send(&self, what: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Problem> {
        let url = format!("{}{path}", self.base);
        let mut headers = exchange::json_headers();
        headers.insert(TOKEN, self.token.clone());
        let body = match body {
            Some(body) => Bytes::from(body.to_string()),
            None => {
                headers.remove(header::CONTENT_TYPE);
                Bytes::new()
            }
        };
        exchange::send(self.egress, Request { what, kind: Kind::Push, method, url: &url, headers, body }).await
    }
}

impl Outcome {
    /// What was answered, where anything else is a problem.
    pub fn done(self, what: &str) -> Result<Value, Problem> {
        match self {
            Self::Done(said) => Ok(said),
            Self::Missing => Err(exchange::refusal(what, StatusCode::NOT_FOUND)),
            Self::Conflict => Err(exchange::refusal(what, StatusCode::CONFLICT)),
        }
    }
}
