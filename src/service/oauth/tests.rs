//! A tenant with applications and somebody who has signed in, for the tests of this part.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::model::application::{self, Application, AuthMethod, GrantType, Kind};
use crate::model::authorization::{Authorization, Facts};
use crate::model::session::Session;
use crate::model::tenant::{Settings, Tenant};
use crate::model::token::new_audit_id;
use crate::secret::digest;
use crate::store;
use crate::store::application::StoredSecret;
use crate::store::authorization::Code;
use crate::store::tests::{a_domain, a_user};
use crate::testing::{Answered, House, houses};

pub(crate) const SECRET: &str = "a secret: of 100% + some";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const REDIRECT: &str = "https://app.example/callback";
pub(crate) const ORIGIN: &str = "https://app.example";

/// A tenant of that slug.
pub(crate) async fn a_tenant(house: &House, slug: &str) -> Tenant {
    let id = house.app.random.hex_id();
    let now = house.app.now();
    let mut tx = house.app.store.write().await.unwrap();
    store::domain::insert(&mut tx, &a_domain(&id)).await.unwrap();
    let tenant = Tenant {
        name: format!("name of {id}"),
        id,
        slug: slug.into(),
        issuer_slug: slug.into(),
        active: true,
        domain_enabled: true,
        settings: Settings::default(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::tenant::insert(&mut tx, &tenant).await.unwrap();
    house.app.commit(tx).await.unwrap();
    tenant
}

/// A house on each kind of database with the tenant `acme` in it.
pub(crate) async fn tenant_houses() -> Vec<(House, Tenant)> {
    let mut all = Vec::new();
    for house in houses(&[]).await {
        let tenant = a_tenant(&house, "acme").await;
        all.push((house, tenant));
    }
    all
}

/// The tenant `acme` with the user `jane`, who is signed in, and applications.
pub(crate) struct Scene {
    pub house: House,
    pub tenant: Tenant,
    /// Has a secret.
    pub web: Application,
    /// Has one as well.
    pub other: Application,
    /// Has none.
    pub spa: Application,
    pub session: Session,
}

/// One on each kind of database.
pub(crate) async fn scenes() -> Vec<Scene> {
    let mut all = Vec::new();
    for (house, tenant) in tenant_houses().await {
        all.push(scene(house, tenant).await);
    }
    all
}

async fn scene(house: House, tenant: Tenant) -> Scene {
    let now = house.app.now();
    let application = |name: &str, kind: Kind, auth_method| Application {
        id: format!("app_{name}"),
        tenant_id: tenant.id.clone(),
        name: name.into(),
        kind,
        enabled: true,
        settings: application::Settings {
            redirect_uris: vec![REDIRECT.into()],
            allowed_origins: vec![ORIGIN.into()],
            grant_types: GrantType::ALL.to_vec(),
            allowed_scopes: ["openid", "profile", "email", "groups", "offline_access", "things:read", "things:write"]
                .map(str::to_owned)
                .to_vec(),
            auth_method,
            ..application::Settings::default()
        },
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let web = application("web", Kind::Web, AuthMethod::ClientSecret);
    let other = application("other", Kind::Web, AuthMethod::ClientSecret);
    let spa = application("spa", Kind::Spa, AuthMethod::None);
    let mut user = a_user("jane", &tenant.id);
    user.name = "jane".into();
    for (name, value) in [
        ("email", json!("jane@acme.example")),
        ("email_verified", json!(true)),
        ("display_name", json!("Jane Doe")),
        ("given_name", json!("Jane")),
    ] {
        user.extra.insert(name.into(), value);
    }
    let session = Session {
        id: "ses_1".into(),
        tenant_id: tenant.id.clone(),
        user_id: "jane".into(),
        handle: digest("cookie"),
        upstream: None,
        auth_time: now,
        amr: vec!["pwd".into()],
        acr: None,
        remote: None,
        user_agent: None,
        created_at: now,
        last_seen: now,
        expires_at: now.plus_secs(8 * 3_600),
        terminated_at: None,
        terminated_reason: None,
    };
    let mut tx = house.app.store.write().await.unwrap();
    store::user::insert(&mut tx, &user, now).await.unwrap();
    store::session::insert(&mut tx, &session).await.unwrap();
    for application in [&web, &other, &spa] {
        store::application::insert(&mut tx, application).await.unwrap();
        let secret = StoredSecret {
            id: format!("sec_{}", application.name),
            digest: digest(SECRET),
            created_at: now,
            expires_at: None,
        };
        if application.settings.auth_method == AuthMethod::ClientSecret {
            store::application::insert_secret(&mut tx, application, &secret).await.unwrap();
        }
    }
    house.app.commit(tx).await.unwrap();
    house.clock.advance(1);
    Scene { house, tenant, web, other, spa, session }
}

/// The header of an application that proves itself by its secret.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

impl Scene {
    pub(crate) fn path(&self, end: &str) -> String {
        format!("/api/v1/auth/tenants/{}{end}", self.tenant.slug)
    }

    /// What jane gives an application, not stored yet.
    pub(crate) fn authorization(&self, application: &Application, scopes: &str) -> Authorization {
        let now = self.house.app.now();
        Authorization {
            id: new_audit_id(&self.house.app.random),
            tenant_id: self.tenant.id.clone(),
            client_id: application.id.clone(),
            user_id: Some("jane".into()),
            session_id: Some(self.session.id.clone()),
            facts: Facts {
                scopes: scopes.split(' ').map(str::to_owned).collect(),
                nonce: Some("n-1".into()),
                auth_time: Some(self.session.auth_time.secs()),
                amr: self.session.amr.clone(),
                ..Facts::default()
            },
            offline: scopes.contains("offline_access"),
            created_at: now,
            expires_at: now.plus_secs(60),
            revoked_at: None,
        }
    }

    /// A code for it.
    pub(crate) async fn code_of(&self, authorization: &Authorization, challenge: Option<String>) -> String {
        let code = self.house.app.random.token();
        let row = Code {
            id: digest(&code),
            redirect_uri: REDIRECT.into(),
            code_challenge: challenge,
            expires_at: self.house.app.now().plus_secs(60).0,
            used_at: None,
        };
        let mut tx = self.house.app.store.write().await.unwrap();
        store::authorization::insert(&mut tx, authorization, Some(&row)).await.unwrap();
        self.house.app.commit(tx).await.unwrap();
        code
    }

    /// A code that was asked for with PKCE.
    pub(crate) async fn code(&self, application: &Application, scopes: &str) -> String {
        let authorization = self.authorization(application, scopes);
        self.code_of(&authorization, Some(URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER)))).await
    }

    /// Posts a form as an application that has a secret.
    pub(crate) async fn post(&self, end: &str, application: &Application, fields: &[(&str, &str)]) -> Answered {
        let header = basic(&application.id, SECRET);
        self.house.form(&self.path(end), &[("authorization", &header)], fields).await
    }

    /// Exchanges a code.
    pub(crate) async fn redeem(&self, application: &Application, code: &str) -> Answered {
        self.post("/oauth/token", application, &grant(code)).await
    }

    /// Tokens of a sign-in.
    pub(crate) async fn tokens(&self, application: &Application, scopes: &str) -> Answered {
        let code = self.code(application, scopes).await;
        let answer = self.redeem(application, &code).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// Refreshes.
    pub(crate) async fn refresh(&self, application: &Application, token: &str, more: &[(&str, &str)]) -> Answered {
        let fields = [&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat();
        self.post("/oauth/token", application, &fields).await
    }

    /// Asks userinfo.
    pub(crate) async fn userinfo(&self, token: &str) -> Answered {
        let bearer = format!("Bearer {token}");
        self.house.ask("GET", &self.path("/oauth/userinfo"), &[("authorization", &bearer)], None).await
    }

    /// Stores an application as it was changed.
    pub(crate) async fn change(&self, application: &Application, change: impl FnOnce(&mut Application)) {
        let mut tx = self.house.app.store.write().await.unwrap();
        let found = store::application::get(&mut tx, &self.tenant.id, &application.id).await.unwrap();
        let mut changed = found.unwrap();
        change(&mut changed);
        changed.version += 1;
        assert!(store::application::update(&mut tx, &changed).await.unwrap());
        self.house.app.commit(tx).await.unwrap();
    }

    /// Writes something.
    pub(crate) async fn write(&self, write: impl AsyncFnOnce(&mut store::Conn)) {
        let mut tx = self.house.app.store.write().await.unwrap();
        write(&mut tx).await;
        self.house.app.commit(tx).await.unwrap();
    }
}

/// The form that exchanges a code.
pub(crate) fn grant(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]
}

/// A member of an answer that is a text.
pub(crate) fn text<'a>(answer: &'a Answered, name: &str) -> &'a str {
    answer.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer:?}"))
}

/// What an answer was refused with.
pub(crate) fn refusal(answer: &Answered) -> (u16, &str) {
    (answer.status, answer.body["error"].as_str().unwrap_or_default())
}
