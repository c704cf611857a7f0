//! Requests to ZStack: signed with an access key, or within a session that is logged out whatever comes of it (sso-api §7.1–7.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;

use super::fault::{Fault, Said};
use super::{access_key, job};
use crate::clock::hex;
use crate::egress::{Answer, Kind};
use crate::model::platform::CredentialKind;
use crate::platform::exchange::{self, Farewell, Request};
use crate::platform::{Problem, Site, Trouble};
use crate::secret::Secret;

const JOB: HeaderName = HeaderName::from_static("x-job-uuid");
const SIGNING_IN: &str = "Signing in";
/// Seconds within which two clocks are the same.
const SAME: i64 = 60;
/// `EEE, dd MMM yyyy HH:mm:ss`, which a zone follows, as servers of all versions read it.
const DATE: &[FormatItem<'static>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second]");

/// A request.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// What it is for, as it begins a sentence.
    pub what: &'a str,
    /// Its method.
    pub method: Method,
    /// Its path after `/zstack/v1`.
    pub path: &'a str,
    /// Its query.
    pub query: Option<&'a str>,
    /// Its body.
    pub body: Option<Value>,
    /// The job's number, where it was written down before.
    pub job: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// `GET`.
    pub fn get(what: &'a str, path: &'a str) -> Self {
        Self { what, method: Method::GET, path, query: None, body: None, job: None }
    }

    /// One that changes something.
    pub fn change(what: &'a str, method: Method, path: &'a str, body: Value) -> Self {
        Self { what, method, path, query: None, body: Some(body), job: None }
    }

    /// The same with a query.
    #[must_use]
    pub fn with_query(self, query: &'a str) -> Self {
        Self { query: Some(query), ..self }
    }

    /// The same under a number.
    #[must_use]
    pub fn under(self, job: &'a str) -> Self {
        Self { job: Some(job), ..self }
    }
}

/// Whose account it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: String,
    /// The user in it.
    pub user: String,
}

/// How requests prove themselves.
#[derive(Debug)]
enum Way<'a> {
    /// Each by its signature.
    Key { id: &'a str, secret: &'a Secret },
    /// By a session.
    Login { user: &'a str, password: &'a Secret, open: Box<Open>, was_renewed: bool },
}

/// A session that is open.
#[derive(Debug)]
struct Open {
    authorization: HeaderValue,
    holder: Holder,
    farewell: Farewell,
}

/// One task at a platform.
#[derive(Debug)]
pub struct Session<'a> {
    site: Site<'a>,
    root: String,
    way: Way<'a>,
    /// How requests are dated.
    dating: Dating,
}

/// How requests are dated.
#[derive(Debug, Clone, Copy)]
struct Dating {
    /// Seconds that the platform's clock is ahead.
    ahead: i64,
    /// Seconds that its zone is ahead of Greenwich, and the zone's name.
    zone: (i64, &'static str),
}

impl Default for Dating {
    fn default() -> Self {
        Self { ahead: 0, zone: (0, "GMT") }
    }
}

/// Base URL of the API before its version: `http://host:8080/zstack`.
fn root_of(site: &Site<'_>) -> String {
    let base = site.record.base_url();
    let base = base.trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    format!("{}/zstack", base.strip_suffix("/zstack").unwrap_or(base).trim_end_matches('/'))
}

impl<'a> Session<'a> {
    /// Begins with the platform's credential. A key needs no log-in.
    pub async fn open(site: &Site<'a>) -> Result<Self, Problem> {
        let credential = site.credential.ok_or_else(|| {
            Problem::new(Trouble::Credential, format!("{SIGNING_IN}: the platform has no credential."))
        })?;
        let root = root_of(site);
        match credential.kind {
            CredentialKind::Key => {
                let way = Way::Key { id: &credential.account, secret: &credential.secret };
                Ok(Self { site: site.clone(), root, way, dating: Dating::default() })
            }
            CredentialKind::Password => Self::by_password(site, &credential.account, &credential.secret).await,
        }
    }

    /// Logs a user in.
    pub async fn by_password(site: &Site<'a>, user: &'a str, password: &'a Secret) -> Result<Self, Problem> {
        let root = root_of(site);
        let open = Box::new(log_in(site, &root, user, password).await?);
        let way = Way::Login { user, password, open, was_renewed: false };
        Ok(Self { site: site.clone(), root, way, dating: Dating::default() })
    }

    /// Logs out.
    pub async fn close(self) {
        if let Way::Login { open, .. } = self.way {
            open.farewell.say().await;
        }
    }

    /// The id of the platform's record.
    pub fn platform_id(&self) -> &'a str {
        &self.site.record.id
    }

    /// The id of the key that signs.
    pub fn key_id(&self) -> Option<&'a str> {
        match &self.way {
            Way::Key { id, .. } => Some(id),
            Way::Login { .. } => None,
        }
    }

    /// Whose account it is.
    pub async fn holder(&mut self) -> Result<Holder, Problem> {
        if let Way::Login { open, .. } = &self.way {
            return Ok(open.holder.clone());
        }
        access_key::own(self).await
    }

    /// Where the platform is reached, without the API's version.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A fresh number for a job.
    pub fn fresh(&self) -> String {
        self.site.random.hex_id()
    }

    /// Has something done and waits until it is; answers the result. A session that has ended is opened again once.
    pub async fn run(&mut self, ask: Ask<'_>) -> Result<Value, Fault> {
        let what = ask.what;
        match self.once(ask.clone()).await {
            Err(fault) if fault.is_no_session() && self.renew().await.map_err(Fault::from)? => {
                // The number belongs to the job that failed.
                self.once(Ask { what, job: None, ..ask }).await
            }
            done => done,
        }
    }

    async fn once(&mut self, ask: Ask<'_>) -> Result<Value, Fault> {
        let what = ask.what;
        let job = ask.job;
        let answer = self.exchange(&ask).await?;
        match answer.status.as_u16() {
            200 | 204 => read(what, &answer.body),
            202 => {
                let job = job::number(&answer.body).or_else(|| job.map(str::to_owned));
                let job = job.ok_or_else(|| exchange::unreadable(what))?;
                job::wait(self, what, &job).await
            }
            _ => Err(Fault::Said(Said::read(answer.status, &answer.body))),
        }
    }

    /// One request and its answer. If the platform says that the time is wrong, it is sent once more: with the platform's own time,
    /// or, where that is the same as here, with China's. Servers that pass over the zone of a date read it as their own.
    pub async fn exchange(&mut self, ask: &Ask<'_>) -> Result<Answer, Problem> {
        let answer = self.send(ask, &self.date()).await?;
        if !matches!(self.way, Way::Key { .. }) || !Said::read(answer.status, &answer.body).is_skewed {
            return Ok(answer);
        }
        let theirs = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let theirs =
            theirs.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok()).map(OffsetDateTime::unix_timestamp);
        let ahead = theirs.map_or(0, |theirs| theirs - self.site.clock.now().secs());
        self.dating = if ahead.abs() > SAME {
            Dating { ahead, ..Dating::default() }
        } else {
            Dating { ahead: 0, zone: (8 * 3_600, "CST") }
        };
        self.send(ask, &self.date()).await
    }

    /// The time as requests are dated.
    fn date(&self) -> String {
        let Dating { ahead, zone: (east, name) } = self.dating;
        let secs = self.site.clock.now().secs().saturating_add(ahead).saturating_add(east);
        let wall = OffsetDateTime::from_unix_timestamp(secs).ok().and_then(|at| at.format(DATE).ok());
        format!("{} {name}", wall.unwrap_or_default())
    }

    async fn send(&self, ask: &Ask<'_>, date: &str) -> Result<Answer, Problem> {
        let Ask { what, method, path, query, body, job } = ask;
        let mut headers = headers(body.is_some());
        match &self.way {
            Way::Login { open, .. } => {
                headers.insert(header::AUTHORIZATION, open.authorization.clone());
            }
            Way::Key { id, secret } => {
                let signed = format!("{method}\n{date}\n/v1{path}");
                let signature = format!("ZStack {id}:{}", sign(secret, &signed));
                headers.insert(header::AUTHORIZATION, exchange::sensitive(what, &signature)?);
                let date = HeaderValue::from_str(date).map_err(|_| exchange::unreadable(what))?;
                headers.insert(header::DATE, date);
            }
        }
        if let Some(job) = job {
            headers.insert(JOB, exchange::sensitive(what, job)?);
        }
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{}/v1{path}{query}", self.root);
        let body = body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = Request { what, kind: Kind::Push, method: method.clone(), url: &url, headers, body };
        exchange::send(self.site.egress, request).await
    }

    /// Logs in again, once in a task; false where there is nothing to be logged in by.
    async fn renew(&mut self) -> Result<bool, Problem> {
        let Way::Login { user, password, open, was_renewed } = &mut self.way else { return Ok(false) };
        if std::mem::replace(was_renewed, true) {
            return Ok(false);
        }
        let fresh = log_in(&self.site, &self.root, user, password).await?;
        // The one before has most likely ended by itself; if not, it would count until it does.
        std::mem::replace(&mut **open, fresh).farewell.say().await;
        Ok(true)
    }
}

async fn log_in(site: &Site<'_>, root: &str, user: &str, password: &Secret) -> Result<Open, Problem> {
    let digest = hex(&Sha512::digest(password.expose()));
    let body = json!({"logInByAccount": {"accountName": user, "password": digest}});
    let url = format!("{root}/v1/accounts/login");
    let request = Request {
        what: SIGNING_IN,
        kind: Kind::Push,
        method: Method::PUT,
        url: &url,
        headers: headers(true),
        body: Bytes::from(body.to_string()),
    };
    let answer = exchange::send(site.egress, request).await?;
    if answer.status != http::StatusCode::OK {
        return Err(Said::read(answer.status, &answer.body).told(SIGNING_IN));
    }
    let said = exchange::read(&answer.body).ok_or_else(|| exchange::unreadable(SIGNING_IN))?;
    let text = |name: &str| said["inventory"][name].as_str().map(str::to_owned);
    let uuid = text("uuid").filter(|uuid| job::is_number(uuid)).ok_or_else(|| exchange::unreadable(SIGNING_IN))?;
    let account = text("accountUuid").unwrap_or_default();
    let holder = Holder { user: text("userUuid").unwrap_or_else(|| account.clone()), account };
    let authorization = exchange::sensitive(SIGNING_IN, &format!("OAuth {uuid}"))?;
    let mut leaving = headers(false);
    leaving.insert(header::AUTHORIZATION, authorization.clone());
    let farewell = Farewell::new(site.egress, format!("{root}/v1/accounts/sessions/{uuid}"), leaving);
    Ok(Open { authorization, holder, farewell })
}

/// A result; nothing at all is an empty one.
pub fn read(what: &str, body: &[u8]) -> Result<Value, Fault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    let said = exchange::read(body).filter(Value::is_object);
    said.ok_or_else(|| Fault::Problem(exchange::unreadable(what)))
}

fn headers(has_body: bool) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    }
    headers
}

fn sign(secret: &Secret, text: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose());
    STANDARD.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()))
}
