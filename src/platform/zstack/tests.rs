//! Tests of pushes to ZStack (sso-api §7): a server that is as strict as the documents are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod keys;
mod trouble;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::model::connection::ldap::Ldap;
use crate::model::connection::saml::Saml;
use crate::model::platform::Product;
use crate::platform::tests::{Asked, CANARY, NOW, Peer, Said, Scene, attempt, plan, problem};

const LOGIN: &str = "PUT /zstack/v1/accounts/login";
const LOGOUT: &str = "DELETE /zstack/v1/accounts/sessions/5e55105e5510400080005e5510550000";
const SESSION: &str = "5e55105e5510400080005e5510550000";
const LIST: &str = "GET /zstack/v1/get/sso/client";
const CREATE: &str = "POST /zstack/v1/create/oauth2/client";
const UPDATE: &str = "POST /zstack/v1/update/oauth2/client";

/// What the server holds.
#[derive(Default)]
struct Kept {
    clients: BTreeMap<String, Value>,
    directories: BTreeMap<String, Value>,
    /// Access keys by their ids: inventories with secrets.
    keys: BTreeMap<String, Value>,
    /// Jobs: looks that are left, and the answer.
    jobs: BTreeMap<String, (u32, Said)>,
}

struct There {
    peer: Peer,
    kept: Arc<Mutex<Kept>>,
}

impl There {
    async fn new() -> Self {
        Self::with(|_, _| None).await
    }

    /// One that first asks `special` for an answer.
    async fn with(special: impl Fn(&Asked, &mut Kept) -> Option<Said> + Send + Sync + 'static) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let held = kept.clone();
        let peer = Peer::new(move |asked| {
            let mut kept = held.lock().unwrap();
            special(asked, &mut kept).unwrap_or_else(|| answer(&mut kept, asked))
        })
        .await;
        Self { peer, kept }
    }

    fn scene(&self) -> Scene {
        Scene::new(Product::ZStack, &self.peer.url, Some(("admin", CredentialKind::Password, "pw")))
    }

    fn client(&self, uuid: &str) -> Value {
        self.kept.lock().unwrap().clients.get(uuid).cloned().unwrap_or(Value::Null)
    }

    /// What was done since the last look, without looking at jobs.
    fn lines(&self) -> Vec<String> {
        self.peer.lines().into_iter().filter(|line| !line.contains("/api-jobs/")).collect()
    }
}

fn failed(code: &str) -> Said {
    let cause = json!({"code": code, "description": CANARY, "details": CANARY});
    Said::json(503, &json!({"error": {"code": "SYS.1006", "description": CANARY, "cause": cause}}))
}

/// HMAC-SHA1 as the documents have it, by hand.
fn signature(secret: &str, asked: &Asked) -> String {
    let path = asked.path.strip_prefix("/zstack").unwrap();
    let signed = format!("{}\n{}\n{path}", asked.method, asked.header("date"));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()))
}

fn may(kept: &Kept, asked: &Asked) -> bool {
    let field = asked.header("authorization");
    if let Some(session) = field.strip_prefix("OAuth ") {
        return session == SESSION;
    }
    let Some((id, signed)) = field.strip_prefix("ZStack ").and_then(|rest| rest.split_once(':')) else { return false };
    kept.keys.get(id).is_some_and(|key| signature(key["AccessKeySecret"].as_str().unwrap(), asked) == signed)
}

/// Accepts an operation: its answer comes after two looks, and its address names a host that nobody may ask.
fn later(kept: &mut Kept, asked: &Asked, said: Said) -> Said {
    let given = asked.header("x-job-uuid").to_owned();
    let job = if given.is_empty() { format!("{:032x}", kept.jobs.len() + 1) } else { given };
    if kept.jobs.contains_key(&job) {
        return Said::text(400, "duplicate job");
    }
    kept.jobs.insert(job.clone(), (2, said));
    Said::json(202, &json!({"location": format!("http://127.0.0.2:9/zstack/v1/api-jobs/{job}")}))
}

fn answer(kept: &mut Kept, asked: &Asked) -> Said {
    let path = asked.path.strip_prefix("/zstack/v1").unwrap_or_else(|| panic!("{}", asked.path));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let body = asked.body();
    let (params, method) = (body["params"].clone(), asked.method.as_str());
    if (method, path) == ("PUT", "/accounts/login") {
        assert_eq!(asked.header("content-type"), "application/json;charset=UTF-8");
        let given = &body["logInByAccount"];
        // SHA-512 of "pw".
        let digest = crate::clock::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, b"pw").as_ref());
        if given["accountName"] != "admin" || given["password"] != digest {
            return failed("ID.1000");
        }
        return Said::json(200, &json!({"inventory": {"uuid": SESSION, "accountUuid": "acc", "userUuid": "usr"}}));
    }
    if !may(kept, asked) {
        return Said::text(403, "access key is wrong");
    }
    match (method, parts.as_slice()) {
        ("DELETE", ["accounts", "sessions", SESSION]) => Said::json(200, &json!({})),
        ("GET", ["api-jobs", job]) => match kept.jobs.get_mut(*job) {
            None => Said::text(404, "no such job"),
            Some((0, said)) => said.clone(),
            Some((left, _)) => {
                *left -= 1;
                Said::json(202, &json!({"location": format!("http://127.0.0.2:9/zstack/v1/api-jobs/{job}")}))
            }
        },
        ("GET", ["get", "sso", "client"]) => {
            Said::json(200, &json!({"inventories": kept.clients.values().collect::<Vec<_>>()}))
        }
        ("POST", ["create", "oauth2" | "saml2", "client"]) => {
            for list in ["systemTags", "userTags"] {
                assert!(body[list].is_array());
            }
            let uuid = params["resourceUuid"].as_str().unwrap().to_owned();
            if kept.clients.contains_key(&uuid) {
                return later(kept, asked, failed("SYS.1002"));
            }
            let mut made = params;
            made["uuid"] = json!(uuid);
            made["loginMNUrl"] = json!(format!("http://mn.example/zstack/sso/oauth2?clientUuid={uuid}"));
            let template = json!({"uuid": format!("t-{uuid}"), "redirectTemplate": made["urlTemplate"]});
            made["redirectTemplates"] = json!([template]);
            kept.clients.insert(uuid, made.clone());
            later(kept, asked, Said::json(200, &json!({"inventory": made})))
        }
        ("POST", ["update", "oauth2" | "saml2", "client"]) => {
            let client = kept.clients.get_mut(params["uuid"].as_str().unwrap()).unwrap();
            for (name, value) in params.as_object().unwrap() {
                assert!(!["urlTemplate", "grantType", "clientType", "resourceUuid"].contains(&name.as_str()), "{name}");
                client[name] = value.clone();
            }
            let client = client.clone();
            later(kept, asked, Said::json(200, &json!({"inventory": client})))
        }
        ("POST", ["update", "sso", "redirectTemplate"]) => {
            let uuid = params["uuid"].as_str().unwrap().strip_prefix("t-").unwrap();
            kept.clients.get_mut(uuid).unwrap()["redirectTemplates"][0]["redirectTemplate"] =
                params["redirectTemplate"].clone();
            later(kept, asked, Said::json(200, &json!({})))
        }
        ("POST", ["delete", "sso", "client"]) => {
            assert_eq!(params["deleteMode"], "Permissive");
            kept.clients.remove(params["uuid"].as_str().unwrap());
            later(kept, asked, Said::json(200, &json!({})))
        }
        ("GET", ["ldap", "servers"]) => {
            Said::json(200, &json!({"inventories": kept.directories.values().collect::<Vec<_>>()}))
        }
        ("POST", ["ldap", "servers"]) => {
            let mut made = params;
            made["uuid"] = made["resourceUuid"].clone();
            kept.directories.insert(made["uuid"].as_str().unwrap().to_owned(), made.clone());
            later(kept, asked, Said::json(200, &json!({"inventory": made})))
        }
        ("PUT", ["ldap", "servers", uuid]) => {
            let directory = kept.directories.get_mut(*uuid).unwrap();
            for (name, value) in body["updateLdapServer"].as_object().unwrap() {
                directory[name] = value.clone();
            }
            later(kept, asked, Said::json(200, &json!({})))
        }
        ("DELETE", ["ldap", "servers", uuid]) => {
            kept.directories.remove(*uuid);
            later(kept, asked, Said::json(200, &json!({})))
        }
        ("GET", ["accesskeys"]) => {
            let asked = asked.parameter("q").unwrap();
            let (name, value) = asked.split_once('=').unwrap();
            let mut found: Vec<Value> = kept.keys.values().filter(|key| key[name] == value).cloned().collect();
            found.iter_mut().for_each(|key| drop(key.as_object_mut().unwrap().remove("AccessKeySecret")));
            Said::json(200, &json!({"inventories": found}))
        }
        ("POST", ["accesskeys"]) => {
            if kept.keys.len() >= 2 {
                return later(kept, asked, failed("SYS.1007"));
            }
            let id = format!("AK{}", kept.jobs.len() + 1);
            let mut made = params;
            made["uuid"] = json!(format!("uuid-of-{id}"));
            made["AccessKeyID"] = json!(id);
            made["AccessKeySecret"] = json!(format!("secret-of-{id}"));
            kept.keys.insert(id, made.clone());
            later(kept, asked, Said::json(200, &json!({"inventory": made})))
        }
        ("DELETE", ["accesskeys", uuid]) => {
            kept.keys.retain(|_, key| key["uuid"] != *uuid);
            later(kept, asked, Said::json(200, &json!({})))
        }
        other => panic!("{other:?}"),
    }
}

const ZSTACK: ZStack = ZStack(Line::Enterprise);

#[tokio::test]
async fn a_client_is_made_as_the_table_says_and_the_foreign_host_is_not_asked() {
    let there = There::new().await;
    let (scene, plan) = (there.scene(), plan());
    let pushed = ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(pushed.client_id, plan.remote_id);
    let callback = format!("http://mn.example/zstack/sso/oauth2?clientUuid={}", plan.remote_id);
    assert_eq!(pushed.callback_url, Some(callback));
    assert_eq!(pushed.warnings.len(), 1, "{:?}", pushed.warnings);

    let made = there.client(&plan.remote_id);
    for (name, value) in [
        ("name", json!("Corporate SSO")),
        ("clientId", json!("client")),
        ("clientSecret", json!(CANARY)),
        ("authorizationUrl", json!("https://idp.example/authorize")),
        ("tokenUrl", json!("https://idp.example/token")),
        ("userinfoUrl", json!("https://idp.example/userinfo")),
        ("logoutUrl", json!("https://idp.example/logout")),
        ("scopeList", json!(["openid", "email", "profile"])),
        ("grantType", json!("authorization_code")),
        ("clientType", json!("OIDC")),
        ("loginType", json!("iam1")),
        ("resourceUuid", json!(plan.remote_id)),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    let template = made["urlTemplate"].as_str().unwrap();
    assert!(template.starts_with("http://127.0.0.1:5000/oauth1/verify/?username=${username}&sessionId=${sessionId}&"));
    assert!(template.ends_with("&accountUuid=${accountUuid}&loginType=${loginType}&userType=${userType}"));

    let asked = there.peer.asked();
    let create = asked.iter().find(|asked| asked.line() == CREATE).unwrap();
    assert_eq!(create.header("x-job-uuid"), attempt().id);
    assert_eq!(create.header("authorization"), format!("OAuth {SESSION}"));
    assert_eq!(asked.iter().filter(|asked| asked.path.contains("/api-jobs/")).count(), 3);
    assert_eq!(there.lines(), [LOGIN, LIST, CREATE, LOGOUT]);
}

#[tokio::test]
async fn a_second_push_changes_the_client_and_the_template() {
    let there = There::new().await;
    let (scene, mut plan) = (there.scene(), plan());
    ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
    there.lines();

    plan.display_name = "Renamed".into();
    let scene = there.scene().options(|options| options.ui_url = Some("https://ui.example/".into()));
    let found = ZSTACK.inspect(&scene.site(), &plan).await.unwrap();
    assert_eq!(found, Found::Different(vec!["name".into(), "urlTemplate".into()]));
    there.lines();
    let again = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: None };
    ZSTACK.push(&scene.site(), &plan, &again).await.unwrap();
    assert_eq!(there.lines(), [LOGIN, LIST, UPDATE, "POST /zstack/v1/update/sso/redirectTemplate", LOGOUT]);
    let made = there.client(&plan.remote_id);
    assert_eq!(made["name"], "Renamed");
    let template = made["redirectTemplates"][0]["redirectTemplate"].as_str().unwrap();
    assert!(template.starts_with("https://ui.example/oauth1/verify/?"), "{template}");
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
    assert_eq!(there.kept.lock().unwrap().clients.len(), 1);
}

#[tokio::test]
async fn an_attempt_of_unknown_end_is_waited_for_and_found() {
    let there = There::new().await;
    let (scene, plan) = (there.scene(), plan());
    // The answer of the first attempt was never heard, and its job runs on.
    ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    there.kept.lock().unwrap().jobs.get_mut(&attempt().id).unwrap().0 = 3;
    there.peer.lines();
    let next = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: Some(attempt().id) };
    let pushed = ZSTACK.push(&scene.site(), &plan, &next).await.unwrap();
    assert_eq!(pushed.client_id, plan.remote_id);
    let lines = there.peer.lines();
    let job = format!("GET /zstack/v1/api-jobs/{}", attempt().id);
    assert_eq!(lines[..6], [LOGIN, &job, &job, &job, &job, LIST].map(str::to_owned));
    assert!(lines.contains(&UPDATE.to_owned()) && !lines.contains(&CREATE.to_owned()));

    // One that never arrived is unknown there, and one that failed is over.
    for (earlier, said) in [("0".repeat(32), None), ("1".repeat(32), Some(failed("SYS.1000")))] {
        let there = There::new().await;
        if let Some(said) = said {
            there.kept.lock().unwrap().jobs.insert(earlier.clone(), (0, said));
        }
        let next = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: Some(earlier) };
        ZSTACK.push(&there.scene().site(), &plan, &next).await.unwrap();
        assert_eq!(there.lines(), [LOGIN, LIST, CREATE, LOGOUT]);
    }
}

#[tokio::test]
async fn a_login_type_that_is_not_taken_is_written_the_other_way_once() {
    for refusal in [failed("SYS.1007"), Said::text(400, CANARY)] {
        let there = There::with(move |asked, kept| {
            let written = asked.body()["params"]["loginType"].clone();
            let refused = asked.path.ends_with("/create/oauth2/client") && written != "oauth2-iam1";
            refused.then(|| if refusal.status == 400 { refusal.clone() } else { later(kept, asked, refusal.clone()) })
        })
        .await;
        let (scene, plan) = (there.scene(), plan());
        ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
        assert_eq!(there.lines(), [LOGIN, LIST, CREATE, CREATE, LOGOUT]);
        assert_eq!(there.client(&plan.remote_id)["loginType"], "oauth2-iam1");
        // That is no difference.
        assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
    }
    let there = There::with(|asked, _| asked.path.contains("/create/").then(|| Said::text(400, CANARY))).await;
    problem(ZSTACK.push(&there.scene().site(), &plan(), &attempt()).await, Trouble::Refused, "Making the SSO client");
    assert_eq!(there.lines(), [LOGIN, LIST, CREATE, CREATE, LIST, LOGOUT]);
}

#[tokio::test]
async fn the_open_line_has_members_of_its_own() {
    let there = There::new().await;
    let (scene, mut plan) = (there.scene(), plan());
    plan.attributes[0].1 = "email".into();
    plan.creates_users = false;
    let line = ZStack(Line::ZSphere);
    line.push(&scene.site(), &plan, &attempt()).await.unwrap();
    let made = there.client(&plan.remote_id);
    for none in ["loginType", "clientType", "scopeList", "identityProvider", "attributes"] {
        assert!(made.get(none).is_none(), "{none}");
    }
    assert_eq!(made["usernameProperty"], "email");
    assert_eq!(
        (&made["createAccountStrategy"], &made["deleteAccountStrategy"]),
        (&json!("NoAction"), &json!("NoAction"))
    );
    plan.settings = Settings::Saml(Box::default());
    problem(line.push(&scene.site(), &plan, &attempt()).await, Trouble::Unsupported, "no SAML");
}

#[tokio::test]
async fn saml_brings_metadata_or_the_least_of_it() {
    let mut plan = plan();
    let settings = Saml {
        idp_entity_id: Some("https://idp.example/?a&b".into()),
        idp_sso_url: Some("https://idp.example/sso?x=\"".into()),
        idp_slo_url: Some("https://idp.example/slo".into()),
        idp_certificate: Some(
            "-----BEGIN CERTIFICATE-----\nQUJD\nREVG\n-----END CERTIFICATE-----\n\
             -----BEGIN CERTIFICATE-----\nR0hJ\n-----END CERTIFICATE-----\n"
                .into(),
        ),
        ..Saml::default()
    };
    plan.settings = Settings::Saml(Box::new(settings.clone()));
    let there = There::new().await;
    ZSTACK.push(&there.scene().site(), &plan, &attempt()).await.unwrap();
    let sent = |there: &There| {
        let made = there.client(&plan.remote_id);
        assert!(made.get("clientSecret").is_none());
        String::from_utf8(STANDARD.decode(made["idpMetadataBase64"].as_str().unwrap()).unwrap()).unwrap()
    };
    let xml = sent(&there);
    assert!(xml.contains("entityID=\"https://idp.example/?a&amp;b\""), "{xml}");
    assert!(xml.contains("Location=\"https://idp.example/sso?x=&quot;\""), "{xml}");
    assert!(xml.contains("<ds:X509Certificate>QUJDREVG</ds:X509Certificate>") && xml.contains(">R0hJ<"), "{xml}");
    let end = xml.find("SingleLogoutService").unwrap();
    assert!(end < xml.find("SingleSignOnService").unwrap(), "the schema's order: {xml}");

    plan.metadata = Some("<known/>".into());
    let next = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: None };
    ZSTACK.push(&there.scene().site(), &plan, &next).await.unwrap();
    assert!(there.lines().contains(&"POST /zstack/v1/update/saml2/client".to_owned()));
    let made = there.client(&plan.remote_id);
    assert_eq!(made["idpMetadataBase64"], STANDARD.encode("<known/>"));

    plan.metadata = None;
    plan.settings = Settings::Saml(Box::new(Saml { idp_certificate: None, ..settings }));
    problem(ZSTACK.push(&there.scene().site(), &plan, &attempt()).await, Trouble::Refused, "metadata");
}

#[tokio::test]
async fn a_directory_is_added_changed_and_deleted() {
    let mut plan = plan();
    let ldap = Ldap {
        server_address: "ldap.example".into(),
        base_dn: "dc=example".into(),
        bind_dn: Some("cn=reader".into()),
        use_ssl: true,
        ..Ldap::default()
    };
    plan.settings = Settings::Ldap(Box::new(ldap.clone()));
    let there = There::new().await;
    let scene = there.scene();
    let pushed = ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!((pushed.client_id.as_str(), pushed.callback_url), (plan.remote_id.as_str(), None));
    let made = there.kept.lock().unwrap().directories[&plan.remote_id].clone();
    assert_eq!((&made["url"], &made["encryption"]), (&json!("ldap://ldap.example:636"), &json!("TLS")));
    assert_eq!((&made["base"], &made["username"]), (&json!("dc=example"), &json!("cn=reader")));
    assert_eq!((&made["password"], &made["scope"]), (&json!(CANARY), &json!("account")));
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);

    plan.settings = Settings::Ldap(Box::new(Ldap { base_dn: "dc=other".into(), ..ldap.clone() }));
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Different(vec!["base".into()]));
    let next = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: None };
    ZSTACK.push(&scene.site(), &plan, &next).await.unwrap();
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Same);
    let remote = Remote { remote_id: plan.remote_id.clone(), client_id: None, protocol: "ldap".into() };
    let next = || Attempt { id: crate::clock::Random::system().hex_id(), earlier: None };
    ZSTACK.remove(&scene.site(), &remote, &next()).await.unwrap();
    ZSTACK.remove(&scene.site(), &remote, &next()).await.unwrap();
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Missing);

    plan.settings = Settings::Ldap(Box::new(Ldap { bind_dn: None, ..ldap }));
    problem(ZSTACK.push(&scene.site(), &plan, &attempt()).await, Trouble::Refused, "service account");
}

#[tokio::test]
async fn a_client_is_deleted_and_one_that_is_gone_is_deleted() {
    let there = There::new().await;
    let (scene, plan) = (there.scene(), plan());
    ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    there.lines();
    let remote =
        Remote { remote_id: plan.remote_id.clone(), client_id: Some(plan.remote_id.clone()), protocol: "oidc".into() };
    let next = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: None };
    ZSTACK.remove(&scene.site(), &remote, &next).await.unwrap();
    assert_eq!(there.lines(), [LOGIN, LIST, "POST /zstack/v1/delete/sso/client", LOGOUT]);
    assert_eq!(ZSTACK.inspect(&scene.site(), &plan).await.unwrap(), Found::Missing);
    there.lines();
    ZSTACK.remove(&scene.site(), &remote, &next).await.unwrap();
    assert_eq!(there.lines(), [LOGIN, LIST, LOGOUT]);
}
