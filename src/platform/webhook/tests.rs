//! Tests of webhooks: what a receiver gets, and what it may answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::egress::Egress;
use crate::model::connection::ldap::Ldap;
use crate::model::connection::saml::Saml;
use crate::model::platform::{CredentialKind, Product};
use crate::platform::tests::{Asked, CANARY, NOW, Peer, Said, Scene, attempt, open_to_this_machine, plan, problem};

const KEY: &str = "the key of both";

fn scene(endpoint: &str) -> Scene {
    Scene::new(Product::Webhook, endpoint, Some(("webhook", CredentialKind::Key, KEY)))
}

/// Checks a signature as the module's documentation tells a receiver to.
fn is_signed(asked: &Asked) -> bool {
    let field = asked.header("x-archstone-signature");
    let (at, tag) = field.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY.as_bytes());
    let expected = aws_lc_rs::hmac::sign(&key, format!("{at}.{}", asked.text).as_bytes());
    at == NOW.to_string() && tag == hex(expected.as_ref())
}

#[test]
fn a_signature_is_the_known_one() {
    // RFC 4231 §4.3, but for the time that stands before the text.
    let signature = sign(&Secret::from("Jefe"), 1_492_774_577, "what do ya want for nothing?");
    let digest = hmac(b"Jefe", b"1492774577.what do ya want for nothing?");
    assert_eq!(signature, format!("t=1492774577,v1={digest}"));
}

/// HMAC-SHA256 by another library.
fn hmac(key: &[u8], text: &[u8]) -> String {
    use hmac::Mac as _;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    hex(&mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_push_is_signed_and_says_all_that_a_client_is_set_up_with() {
    let peer = Peer::new(|asked| {
        let callback = format!("https://there.example/{}", asked.body()["remoteId"].as_str().unwrap());
        Said::json(200, &serde_json::json!({"clientUuid": "client-9", "callbackUrl": callback}))
    })
    .await;
    let (scene, plan) = (scene(&format!("{}/hook", peer.url)), plan());
    let pushed = Webhook.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(pushed.client_id, "client-9");
    assert_eq!(pushed.callback_url, Some(format!("https://there.example/{}", plan.remote_id)));
    assert!(pushed.warnings.is_empty());

    let asked = peer.asked().remove(0);
    assert_eq!(asked.line(), "POST /hook");
    assert!(is_signed(&asked));
    assert_eq!(asked.header("x-archstone-event"), "configuration.pushed");
    assert_eq!(asked.header("x-archstone-delivery"), format!("{}.{}", plan.remote_id, plan.digest()));
    let body = asked.body();
    assert_eq!(body["clientSecret"], CANARY);
    assert_eq!((&body["protocol"], &body["issuer"]), (&json!("oidc"), &json!("https://idp.example")));
    assert_eq!(body["settings"]["client_id"], "client");
    assert_eq!(body["endpoints"]["tokenUrl"], "https://idp.example/token");
    assert_eq!(body["attributeMappings"]["externalId"], "sub");
    assert_eq!(body["groupMappings"][1], json!({"idpGroup": "readers", "zcfRole": "reader"}));

    // The same again is the same delivery.
    Webhook.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(peer.asked()[0].header("x-archstone-delivery"), peer.asked()[1].header("x-archstone-delivery"));
}

#[tokio::test]
async fn an_answer_is_checked_before_it_is_believed() {
    let long = "x".repeat(256);
    for (answer, client, callback, warnings) in [
        ("", None, None, 0),
        ("OK", None, None, 0),
        ("[1]", None, None, 0),
        (r#"{"clientUuid": null, "callbackUrl": null, "else": 1}"#, None, None, 0),
        (r#"{"clientUuid": "c"}"#, Some("c"), None, 0),
        (r#"{"clientUuid": 7, "callbackUrl": ["https://a.example"]}"#, None, None, 2),
        (r#"{"clientUuid": "", "callbackUrl": "javascript:alert(1)"}"#, None, None, 2),
        (r#"{"clientUuid": "a b", "callbackUrl": "https://u:p@a.example/"}"#, None, None, 2),
        (&format!(r#"{{"clientUuid": "{long}"}}"#), None, None, 1),
        (r#"{"callbackUrl": "https://a.example/cb"}"#, None, Some("https://a.example/cb"), 0),
    ] {
        let said = answer.to_owned();
        let peer = Peer::new(move |_| Said::text(202, &said)).await;
        let (scene, plan) = (scene(&peer.url), plan());
        let pushed = Webhook.push(&scene.site(), &plan, &attempt()).await.unwrap();
        assert_eq!(pushed.client_id, client.unwrap_or(&plan.remote_id), "{answer}");
        assert_eq!(pushed.callback_url.as_deref(), callback, "{answer}");
        assert_eq!(pushed.warnings.len(), warnings, "{answer}");
    }
}

#[tokio::test]
async fn adm_sec_2_a_secret_is_left_out_where_somebody_may_read_along() {
    let peer = Peer::new(|_| Said::text(200, "")).await;
    let mut scene = scene(&peer.url.replace("127.0.0.1", "hooks.example"));
    scene.egress = Egress::in_test(&open_to_this_machine(), &[("hooks.example", "127.0.0.1")], None);
    let pushed = Webhook.push(&scene.site(), &plan(), &attempt()).await.unwrap();
    assert_eq!(pushed.warnings, ["'clientSecret' was left out: it is sent over https only."]);
    assert!(peer.asked()[0].body().get("clientSecret").is_none() && !peer.asked()[0].text.contains(CANARY));
}

#[tokio::test]
async fn adm_sec_2_a_secret_goes_where_nobody_reads_along() {
    for (endpoint, closed) in [
        ("https://hooks.example/x", true),
        ("http://127.0.0.1:8080/", true),
        ("http://[::1]/", true),
        ("http://localhost/", true),
        ("http://10.0.0.1/", false),
        ("http://localhost.example/", false),
        ("http://hooks.example/", false),
    ] {
        assert_eq!(is_closed(&Url::parse(endpoint).unwrap()), closed, "{endpoint}");
    }
    let mut plan = plan();
    assert_eq!(secret(&plan).unwrap().0, "clientSecret");
    plan.settings = Settings::Ldap(Box::default());
    assert_eq!(secret(&plan).unwrap().0, "bindPassword");
    // The key that signs requests stays here.
    plan.settings = Settings::Saml(Box::default());
    assert!(secret(&plan).is_none());
    for settings in [Settings::Ldap(Box::<Ldap>::default()), Settings::Saml(Box::<Saml>::default())] {
        plan.settings = settings;
        assert!(!described(&plan).to_string().contains(CANARY));
    }
}

#[tokio::test]
async fn what_a_receiver_refuses_is_told_by_kind() {
    for (status, kind) in [
        (301, Trouble::Refused),
        (400, Trouble::Refused),
        (401, Trouble::Credential),
        (404, Trouble::Refused),
        (429, Trouble::Failed),
        (500, Trouble::Failed),
        (503, Trouble::Failed),
    ] {
        let peer = Peer::new(move |_| Said::text(status, CANARY).with("location", "http://127.0.0.2/")).await;
        let scene = scene(&peer.url);
        problem(Webhook.push(&scene.site(), &plan(), &attempt()).await, kind, "Sending the configuration: ");
        assert_eq!(peer.asked().len(), 1);
    }
    let unsigned = Scene::new(Product::Webhook, "http://127.0.0.1:9/", None);
    problem(Webhook.check(&unsigned.site()).await, Trouble::Credential, "no key");
    let nowhere = scene("").options(|options| options.endpoint = None);
    problem(Webhook.check(&nowhere.site()).await, Trouble::Refused, "needs an 'endpoint'");
}

#[tokio::test]
async fn a_removal_and_a_ping_are_signed_too() {
    let peer = Peer::new(|asked| match asked.header("x-archstone-event") {
        "ping" => Said::text(204, ""),
        _ => Said::text(410, ""),
    })
    .await;
    let scene = scene(&peer.url);
    Webhook.check(&scene.site()).await.unwrap();
    let remote = Remote { remote_id: "r".into(), client_id: Some("c".into()), protocol: "oidc".into() };
    Webhook.remove(&scene.site(), &remote, &attempt()).await.unwrap();
    let asked = peer.asked();
    assert!(asked.iter().all(is_signed));
    assert_eq!(asked[0].body()["platformUuid"], "p1");
    assert_eq!(asked[1].header("x-archstone-delivery"), "r.removed");
    assert_eq!((&asked[1].body()["remoteId"], &asked[1].body()["clientUuid"]), (&json!("r"), &json!("c")));

    assert_eq!(Webhook.negotiate(&scene.site(), "u", &Secret::from("p"), "n").await.unwrap(), None);
    problem(Webhook.rotate(&scene.site(), "n").await, Trouble::Unsupported, "makes no keys");
}
