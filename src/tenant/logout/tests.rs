//! Logging out, over real sockets on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod asked;
mod provider;
mod told;

use serde_json::{Value, json};

use crate::model::application;
use crate::model::connection::oidc::Oidc;
use crate::model::connection::{Connection, Settings};
use crate::model::session::{Session, Upstream};
use crate::model::tenant::{SigningAlgorithm, Tenant};
use crate::model::tenant_idp::{self, LogoutUpstream};
use crate::service::oauth::keys;
use crate::store;
use crate::store::tests::an_idp;
use crate::store::tests::federation::{a_mapping, a_protocol};
use crate::testing::provider::{Key, Provider};
use crate::testing::tenancy::{
    ACME, NEAR, Seen, a_person, a_session, a_tenant, an_application, cookie_of, stored_session,
};
use crate::testing::{House, houses};

const LOGOUT: &str = "/api/v1/auth/tenants/acme/oauth/logout";

/// A house with the tenant `acme`, its applications `app` and `other`, and its user `ann`.
struct Place {
    house: House,
    acme: Tenant,
}

async fn places(test: impl AsyncFn(Place)) {
    for house in houses(&NEAR).await {
        eprintln!("on {}", house.database);
        let acme = a_tenant(&house, ACME, "acme").await;
        for id in ["app", "other"] {
            an_application(&house, &acme, id, |_: &mut application::Settings| {}).await;
        }
        a_person(&house, &acme, "ann").await;
        test(Place { house, acme }).await;
    }
}

impl Place {
    async fn session(&self, id: &str) -> Session {
        a_session(&self.house, &self.acme, id, "ann", None).await
    }

    /// An ID token that an application got in a session, which has ended long ago.
    async fn id_token(&self, session: &Session, client_id: &str) -> String {
        let claims = json!({
            "iss": self.acme.issuer(&self.house.app.public_url), "sub": session.user_id, "aud": client_id,
            "sid": session.id, "iat": 1, "exp": 2, "at_hash": "x",
        });
        keys::sign(&self.house.app, &self.acme, SigningAlgorithm::Es256, "JWT", &claims).await.unwrap()
    }

    /// A browser with the cookie of a session asks.
    async fn get(&self, session: Option<&Session>, parameters: &[(&str, &str)]) -> Seen {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let path = format!("{LOGOUT}?{query}");
        self.ask(session, &path, None).await
    }

    async fn post(&self, session: Option<&Session>, fields: &[(&str, &str)]) -> Seen {
        self.ask(session, LOGOUT, Some(fields)).await
    }

    async fn ask(&self, session: Option<&Session>, path: &str, form: Option<&[(&str, &str)]>) -> Seen {
        let mut headers = vec![("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
        let cookie = session.map(|s| cookie_of(&self.house, &self.acme, s));
        headers.extend(cookie.as_deref().map(|c| ("cookie", c)));
        self.house.browse(path, &headers, form).await
    }

    async fn is_live(&self, session: &Session) -> bool {
        stored_session(&self.house, session).await.terminated_at.is_none()
    }

    /// The identity provider `op` of the tenant's own.
    async fn provider(&self, provider: &Provider, when: LogoutUpstream) {
        let mut tx = self.house.app.store.write().await.unwrap();
        store::identity_provider::insert(&mut tx, &an_idp("op", ACME, &[])).await.unwrap();
        store::mapping::insert(&mut tx, &a_mapping("m", Some(ACME))).await.unwrap();
        store::protocol::insert(&mut tx, &a_protocol("op", "openid", "m")).await.unwrap();
        let oidc = Oidc { issuer: Some(provider.issuer.clone()), client_id: "archstone".into(), ..Oidc::default() };
        let connection = Connection {
            idp_id: "op".into(),
            protocol_id: "openid".into(),
            settings: Settings::Oidc(Box::new(oidc)),
            updated_at: self.house.app.now(),
        };
        store::connection::insert(&mut tx, &connection).await.unwrap();
        let settings = tenant_idp::Settings { logout_upstream: when, ..tenant_idp::Settings::default() };
        store::tenant_idp::put(&mut tx, ACME, "op", &settings, self.house.app.now()).await.unwrap();
        self.house.app.commit(tx).await.unwrap();
    }

    /// A session that came through it.
    async fn session_from(&self, provider: &Provider, id: &str, subject: &str, sid: Option<&str>) -> Session {
        let app = &self.house.app;
        let id_token =
            app.sealer.seal(&crate::model::session::secret_id(id), b"upstream.id.token", &app.random).unwrap();
        let upstream = Upstream {
            idp_id: "op".into(),
            protocol_id: "openid".into(),
            group_ids: vec![],
            issuer: provider.issuer.clone(),
            subject: subject.into(),
            sid: sid.map(str::to_owned),
            id_token: Some(id_token),
        };
        a_session(&self.house, &self.acme, id, "ann", Some(upstream)).await
    }
}

fn names_op(document: &mut Value, provider: &str) {
    document["end_session_endpoint"] = json!(format!("{provider}/bye?tenant=7"));
}

/// A provider that says where one logs out.
async fn a_provider(key: &Key) -> Provider {
    let provider = Provider::new(&[key]).await;
    let issuer = provider.issuer.clone();
    provider.describe(|document| names_op(document, &issuer));
    provider
}
