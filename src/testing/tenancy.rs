//! Test-only: a tenant with an application and somebody signed in, written straight into the database, and a browser that
//! goes nowhere by itself.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::http::cookie;
use crate::model::application::{self, Application};
use crate::model::authorization::{Authorization, Facts};
use crate::model::session::{Session, Upstream};
use crate::model::tenant::{self, Tenant};
use crate::model::token::new_audit_id;
use crate::secret::digest;
use crate::service::login::session_cookie;
use crate::store;
use crate::store::tests::{a_domain, a_user};
use crate::testing::House;

/// Requests may go to this machine.
pub const NEAR: [(&str, &str); 3] = [
    ("ARCHSTONE_EGRESS__ALLOW", "127.0.0.1/32"),
    ("ARCHSTONE_EGRESS__SCHEMES", "http,https"),
    ("ARCHSTONE_EGRESS__PORTS", ""),
];

/// The domain of the tenant `acme`.
pub const ACME: &str = "00000000000040008000000000000ac3";

/// What a browser was answered.
#[derive(Debug)]
pub struct Seen {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: http::HeaderMap,
    /// Body.
    pub text: String,
}

impl Seen {
    /// Where it is sent.
    pub fn location(&self) -> &str {
        self.headers.get("location").map_or("", |l| l.to_str().unwrap())
    }

    /// A parameter of where it is sent.
    pub fn sent(&self, name: &str) -> Option<String> {
        let url = url::Url::parse(self.location()).unwrap();
        url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }

    /// The value of a hidden field of the page's form.
    pub fn field(&self, name: &str) -> Option<String> {
        let at = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
        Some(at.split('"').next()?.replace("&amp;", "&"))
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// A tenant that is stored along with its domain.
pub async fn a_tenant(house: &House, id: &str, slug: &str) -> Tenant {
    let now = house.app.now();
    let tenant = Tenant {
        id: id.into(),
        slug: slug.into(),
        issuer_slug: slug.into(),
        name: format!("name of {id}"),
        active: true,
        domain_enabled: true,
        settings: tenant::Settings::default(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = house.app.store.write().await.unwrap();
    store::domain::insert(&mut tx, &a_domain(id)).await.unwrap();
    store::tenant::insert(&mut tx, &tenant).await.unwrap();
    house.app.commit(tx).await.unwrap();
    tenant
}

/// An application that is stored.
pub async fn an_application(
    house: &House,
    tenant: &Tenant,
    id: &str,
    change: impl FnOnce(&mut application::Settings),
) -> Application {
    let mut settings = application::Settings {
        redirect_uris: vec![format!("https://{id}.example/cb")],
        logout_uris: vec![format!("https://{id}.example/bye")],
        ..application::Settings::default()
    };
    change(&mut settings);
    let now = house.app.now();
    let application = Application {
        id: id.into(),
        tenant_id: tenant.id.clone(),
        name: format!("App {id}"),
        kind: application::Kind::Web,
        enabled: true,
        settings,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = house.app.store.write().await.unwrap();
    store::application::insert(&mut tx, &application).await.unwrap();
    house.app.commit(tx).await.unwrap();
    application
}

/// A user of the tenant's domain who is stored.
pub async fn a_person(house: &House, tenant: &Tenant, id: &str) {
    let mut tx = house.app.store.write().await.unwrap();
    store::user::insert(&mut tx, &a_user(id, &tenant.id), house.app.now()).await.unwrap();
    house.app.commit(tx).await.unwrap();
}

/// A session by a password; its cookie is `cookie-of-<id>`.
pub fn plain_session(tenant_id: &str, id: &str, user_id: &str, now: Timestamp) -> Session {
    Session {
        id: id.into(),
        tenant_id: tenant_id.into(),
        user_id: user_id.into(),
        handle: digest(&format!("cookie-of-{id}")),
        upstream: None,
        auth_time: now,
        amr: vec!["pwd".into()],
        acr: None,
        remote: None,
        user_agent: None,
        created_at: now,
        last_seen: now,
        expires_at: now.plus_secs(tenant::Settings::default().session_secs),
        terminated_at: None,
        terminated_reason: None,
    }
}

/// A session of a user that is stored; its cookie is `cookie-of-<id>`.
pub async fn a_session(house: &House, tenant: &Tenant, id: &str, user_id: &str, upstream: Option<Upstream>) -> Session {
    let session = Session { upstream, ..plain_session(&tenant.id, id, user_id, house.app.now()) };
    let mut tx = house.app.store.write().await.unwrap();
    store::session::insert(&mut tx, &session).await.unwrap();
    house.app.commit(tx).await.unwrap();
    session
}

/// What an application was given in a session; its id.
pub async fn an_authorization(house: &House, session: &Session, client_id: &str, offline: bool) -> String {
    let now = house.app.now();
    let authorization = Authorization {
        id: new_audit_id(&house.app.random),
        tenant_id: session.tenant_id.clone(),
        client_id: client_id.into(),
        user_id: Some(session.user_id.clone()),
        session_id: Some(session.id.clone()),
        facts: Facts { idp_id: session.upstream.as_ref().map(|u| u.idp_id.clone()), ..Facts::default() },
        offline,
        created_at: now,
        expires_at: now.plus_secs(86_400),
        revoked_at: None,
    };
    let mut tx = house.app.store.write().await.unwrap();
    store::authorization::insert(&mut tx, &authorization, None).await.unwrap();
    house.app.commit(tx).await.unwrap();
    authorization.id
}

/// When an authorization was taken back.
pub async fn revoked_at(house: &House, id: &str) -> Option<Timestamp> {
    store::authorization::get(&mut house.app.store.read().await.unwrap(), id).await.unwrap().unwrap().revoked_at
}

/// A session as it is stored.
pub async fn stored_session(house: &House, session: &Session) -> Session {
    let mut conn = house.app.store.read().await.unwrap();
    store::session::get(&mut conn, &session.tenant_id, &session.id).await.unwrap().unwrap()
}

/// The header of a browser that has this session's cookie.
pub fn cookie_of(house: &House, tenant: &Tenant, session: &Session) -> String {
    format!("{}=cookie-of-{}", cookie::name(&house.app, &session_cookie(tenant)), session.id)
}

impl House {
    /// Sends what a browser would, and goes nowhere by itself. A form is posted.
    pub async fn browse(&self, path: &str, headers: &[(&str, &str)], form: Option<&[(&str, &str)]>) -> Seen {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let url = format!("{}{path}", self.url);
        let mut request = match form {
            None => client.get(url),
            Some(fields) => client
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Seen { status, headers, text: answer.text().await.unwrap() }
    }
}
