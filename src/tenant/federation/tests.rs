//! Signing in through an identity provider, over real sockets on both databases: of all that may change while the browser is
//! there, nobody gets in by what was before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod connecting;

use serde_json::{Value, json};

use crate::model::application::Settings as Wanted;
use crate::model::connection::oidc::{AuthMethod, Oidc};
use crate::model::connection::{Connection, Settings};
use crate::model::list::Window;
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::SchemaVersion;
use crate::model::session::Session;
use crate::model::tenant::Tenant;
use crate::store::tests::an_idp;
use crate::store::tests::federation::a_protocol;
use crate::store::{self, Conn};
use crate::testing::provider::{Canned, Key, Provider};
use crate::testing::tenancy::{ACME, NEAR, Seen, a_tenant, an_application};
use crate::testing::{House, houses};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const FEDERATION: &str = "/api/v1/auth/tenants/acme/federation/oidc";

/// The tenant `acme` with the application `app`, and the provider `op` that its people come by.
struct Scene {
    house: House,
    acme: Tenant,
    op: Provider,
    key: Key,
}

/// A browser on its way back: its cookie, and the callback's path with the answer.
struct Returning {
    cookie: String,
    path: String,
    nonce: String,
}

fn mapping(name: &str) -> Mapping {
    let user = json!({"user": {"name": name, "email": "{1}"}});
    let rules = json!([{"local": [user], "remote": [{"type": "HTTP_OIDC_SUB"}, {"type": "HTTP_OIDC_EMAIL"}]}]);
    Mapping {
        id: "m".into(),
        domain_id: Some(ACME.into()),
        document: Document { schema_version: SchemaVersion::V1, rules },
    }
}

async fn scenes(test: impl AsyncFn(Scene)) {
    for house in houses(&NEAR).await {
        eprintln!("on {}", house.database);
        let acme = a_tenant(&house, ACME, "acme").await;
        an_application(&house, &acme, "app", |_: &mut Wanted| {}).await;
        let key = Key::new("k", "ES256");
        let op = Provider::new(&[&key]).await;
        let scene = Scene { house, acme, op, key };
        scene.write(async |tx| store::mapping::insert(tx, &mapping("{0}")).await.unwrap()).await;
        scene.provider("op").await;
        test(scene).await;
    }
}

impl Scene {
    async fn write(&self, work: impl AsyncFnOnce(&mut Conn)) {
        let mut tx = self.house.app.store.write().await.unwrap();
        work(&mut tx).await;
        self.house.app.commit(tx).await.unwrap();
    }

    /// The provider under that name.
    async fn provider(&self, id: &str) {
        let oidc = Oidc {
            issuer: Some(self.op.issuer.clone()),
            client_id: "archstone".into(),
            token_endpoint_auth_method: AuthMethod::None,
            fetch_userinfo: false,
            ..Oidc::default()
        };
        let connection = Connection {
            idp_id: id.into(),
            protocol_id: "openid".into(),
            settings: Settings::Oidc(Box::new(oidc)),
            updated_at: self.house.app.now(),
        };
        self.write(async |tx| {
            store::identity_provider::insert(tx, &an_idp(id, ACME, &[])).await.unwrap();
            store::protocol::insert(tx, &a_protocol(id, "openid", "m")).await.unwrap();
            store::connection::insert(tx, &connection).await.unwrap();
        })
        .await;
    }

    /// A browser that an application sends to the provider, which will say that it is `sub`.
    async fn away(&self, sub: &str) -> Returning {
        let asked = "response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid&state=s\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
        self.sent(&format!("{FEDERATION}/op/authorize?{asked}"), "", sub).await
    }

    /// The same from an address of ours, with cookies that the browser has.
    async fn sent(&self, path: &str, cookies: &str, sub: &str) -> Returning {
        let seen = self.get(path, cookies).await;
        assert_eq!(seen.status, 302, "{}", seen.text);
        let cookie = format!("{cookies}{}", cookies_of(&seen));
        let (state, nonce) = (seen.sent("state").unwrap(), seen.sent("nonce").unwrap());
        self.says(&nonce, &json!({"sub": sub, "email": format!("{sub}@op.example")}));
        Returning { cookie, path: format!("{FEDERATION}/callback?code=c&state={state}"), nonce }
    }

    /// What the provider says of whoever comes next.
    fn says(&self, nonce: &str, claims: &Value) {
        let now = self.house.app.now().secs();
        let mut said = json!({"iss": self.op.issuer, "aud": "archstone", "nonce": nonce, "iat": now, "exp": now + 300});
        said.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let tokens = json!({"access_token": "opaque", "token_type": "Bearer", "id_token": self.key.token(&said)});
        self.op.answer("/token", Canned::json(200, &tokens));
    }

    async fn back(&self, returning: &Returning) -> Seen {
        self.get(&returning.path, &returning.cookie).await
    }

    async fn get(&self, path: &str, cookies: &str) -> Seen {
        let path = path.strip_prefix(&self.house.app.public_url).unwrap_or(path);
        self.house.browse(path, &[HTML, ("cookie", cookies)], None).await
    }

    async fn post(&self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Seen {
        self.house.browse(path, &[HTML, ("cookie", cookies)], Some(fields)).await
    }

    /// The cookies of a browser in which somebody has just signed in, and whose session that is.
    async fn signed_in(&self, idp: &str, sub: &str) -> (String, String) {
        let seen = self.back(&self.sent(&format!("{FEDERATION}/{idp}/authorize"), "", sub).await).await;
        assert_eq!((seen.status, seen.location().ends_with("/auth/acme/signed-in")), (302, true), "{}", seen.text);
        let newest = self.sessions().await.remove(0);
        (cookies_of(&seen), newest.user_id)
    }

    async fn sessions(&self) -> Vec<Session> {
        let mut conn = self.house.app.store.read().await.unwrap();
        let window = Window { limit: 100, offset: 0 };
        store::session::list_live(&mut conn, &self.acme.id, &[], self.house.app.now(), window).await.unwrap()
    }
}

/// The cookies that an answer sets, for the next request's header.
fn cookies_of(seen: &Seen) -> String {
    let all = seen.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().split(';').next().unwrap());
    all.filter(|c| !c.ends_with('=')).map(|c| format!("{c}; ")).collect()
}

/// What the application is told instead of a code.
#[track_caller]
fn refused(seen: &Seen) -> String {
    assert_eq!((seen.status, seen.sent("code")), (302, None), "{}", seen.location());
    seen.sent("error").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_comes_back_with_a_code_a_session_and_an_account() {
    scenes(async |scene| {
        let seen = scene.back(&scene.away("ann").await).await;
        assert_eq!((seen.status, seen.sent("state").as_deref()), (302, Some("s")), "{}", seen.text);
        assert_eq!(seen.sent("code").unwrap().len(), 43);
        let [session] = scene.sessions().await.try_into().unwrap();
        let mut conn = scene.house.app.store.read().await.unwrap();
        let user = store::user::get(&mut conn, &session.user_id).await.unwrap().unwrap().user;
        assert_eq!((user.name.as_str(), user.domain_id.as_str(), user.email()), ("ann", ACME, Some("ann@op.example")));
        let upstream = session.upstream.unwrap();
        assert_eq!((upstream.idp_id.as_str(), upstream.subject.as_str()), ("op", "ann"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_state_of_many_that_bring_the_same_answer_one_goes_on() {
    scenes(async |scene| {
        let returning = scene.away("ann").await;
        let all = futures_util::future::join_all((0..12).map(|_| scene.back(&returning))).await;
        let codes = all.iter().filter(|s| s.status == 302 && s.sent("code").is_some()).count();
        let others: Vec<u16> = all.iter().map(|s| s.status).filter(|status| *status != 302).collect();
        assert_eq!((codes, others.len()), (1, 11), "{others:?}");
        assert!(others.iter().all(|status| *status == 400), "{others:?}");
        assert_eq!((scene.sessions().await.len(), scene.op.asked("/token").len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_is_found_by_each_of_its_requests() {
    scenes(async |scene| {
        let traced = async |seen: &Seen| {
            let request_id = seen.headers.get("x-openstack-request-id").unwrap().to_str().unwrap();
            let mut conn = scene.house.app.store.read().await.unwrap();
            let tenant = store::sign_in_step::tenant_of_request(&mut conn, request_id).await.unwrap();
            assert_eq!(tenant.as_deref(), Some(ACME));
            let steps = store::sign_in_step::list_of_request(&mut conn, ACME, request_id).await.unwrap();
            steps.into_iter().map(|s| s.step).collect::<Vec<_>>()
        };
        let sent = scene.get(&format!("{FEDERATION}/op/authorize"), "").await;
        assert_eq!(traced(&sent).await, ["depart"], "nobody has come back");
        let (state, nonce) = (sent.sent("state").unwrap(), sent.sent("nonce").unwrap());
        scene.says(&nonce, &json!({"sub": "ann", "email": "ann@op.example"}));
        let path = format!("{FEDERATION}/callback?code=c&state={state}");
        let back = scene.back(&Returning { cookie: cookies_of(&sent), path, nonce }).await;
        for seen in [&sent, &back] {
            assert_eq!(traced(seen).await, ["depart", "arrive", "account", "session"]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_browser_cannot_bring_an_answer_nor_spoil_it() {
    scenes(async |scene| {
        let returning = scene.away("ann").await;
        let other = scene.away("bob").await;
        let with =
            |cookie: &str, path: &str| Returning { cookie: cookie.into(), path: path.into(), nonce: String::new() };
        for wrong in [
            with("x=y", &returning.path),
            with(&other.cookie, &returning.path),
            with(&returning.cookie, &format!("{FEDERATION}/callback?code=c&state=none")),
        ] {
            assert_eq!(scene.back(&wrong).await.status, 400);
        }
        assert!(scene.op.asked("/token").is_empty() && scene.sessions().await.is_empty());
        scene.says(&returning.nonce, &json!({"sub": "ann", "email": "ann@op.example"}));
        assert!(scene.back(&returning).await.sent("code").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_took_too_long_is_sent_back_to_the_application() {
    scenes(async |scene| {
        let returning = scene.away("ann").await;
        scene.house.clock.advance(i64::try_from(scene.house.app.config.tenant.sign_in_secs).unwrap());
        assert_eq!(refused(&scene.back(&returning).await), "temporarily_unavailable");
        assert!(scene.op.asked("/token").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_that_was_closed_meanwhile_lets_nobody_in() {
    scenes(async |scene| {
        // Once, so that everything is remembered.
        assert!(scene.back(&scene.away("ann").await).await.sent("code").is_some());
        let returning = scene.away("ann").await;
        scene
            .write(async |tx| {
                let mut idp = store::identity_provider::get(tx, "op").await.unwrap().unwrap();
                idp.enabled = false;
                store::identity_provider::update(tx, &idp).await.unwrap();
            })
            .await;
        assert_eq!(refused(&scene.back(&returning).await), "access_denied");
        assert_eq!(scene.sessions().await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_were_changed_meanwhile_are_those_that_count() {
    scenes(async |scene| {
        assert!(scene.back(&scene.away("ann").await).await.sent("code").is_some());
        let returning = scene.away("bob").await;
        scene.write(async |tx| assert!(store::mapping::update(tx, &mapping("new-{0}")).await.unwrap())).await;
        assert!(scene.back(&returning).await.sent("code").is_some());
        let mut conn = scene.house.app.store.read().await.unwrap();
        let mut names = Vec::new();
        for session in scene.sessions().await {
            names.push(store::user::get(&mut conn, &session.user_id).await.unwrap().unwrap().user.name);
        }
        names.sort();
        assert_eq!(names, ["ann", "new-bob"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_account_gets_no_session() {
    scenes(async |scene| {
        assert!(scene.back(&scene.away("ann").await).await.sent("code").is_some());
        let [session] = scene.sessions().await.try_into().unwrap();
        let returning = scene.away("ann").await;
        scene
            .write(async |tx| {
                let mut user = store::user::get(tx, &session.user_id).await.unwrap().unwrap().user;
                user.enabled = false;
                store::user::update(tx, &user).await.unwrap();
            })
            .await;
        assert_eq!(refused(&scene.back(&returning).await), "access_denied");
        assert_eq!(scene.sessions().await.len(), 1, "the one of before, which ends at its next use");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_with_a_nul_is_refused_or_left_out_and_never_a_fault() {
    scenes(async |scene| {
        for (claims, gets_in) in [
            (json!({"sub": "a\0b", "email": "e@op.example"}), false),
            (json!({"sub": "carl", "email": "c@op.example", "sid": "a\0", "acr": "\0", "amr": ["\0", "pwd"]}), true),
            (json!({"sub": "dora", "email": "d\0@op.example"}), true),
        ] {
            let returning = scene.away("x").await;
            scene.says(&returning.nonce, &claims);
            let seen = scene.back(&returning).await;
            assert_eq!((seen.status, seen.sent("code").is_some()), (302, gets_in), "{claims} {}", seen.text);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_relay_1_to_6_whatever_is_said_of_the_way_back_somebody_ends_on_our_own_page() {
    scenes(async |scene| {
        let long = format!("https://evil.example/{}", "x".repeat(10_000));
        let ways = [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            long.as_str(),
            "/x\r\nLocation: https://evil.example/",
        ];
        for name in ["RelayState", "return_to", "redirect_url", "target_url"] {
            for way in ways {
                let said = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, way).finish();
                let returning = scene.sent(&format!("{FEDERATION}/op/authorize?{said}"), "", "ann").await;
                let answer = Returning { path: format!("{}&{said}", returning.path), ..returning };
                let seen = scene.back(&answer).await;
                let home = format!("{}/auth/acme/signed-in", scene.house.app.public_url);
                assert_eq!((seen.status, seen.location()), (302, home.as_str()), "{name} {way:.40}");
                assert_eq!(seen.headers.get_all("location").iter().count(), 1);
            }
        }
    })
    .await;
}
