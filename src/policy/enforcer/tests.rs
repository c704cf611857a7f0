//! Tests of `enforcer`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::policy::{RemoteFormat, RuleText};

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(folder.dir.path().join("policy.d")).unwrap();
        folder
    }

    fn main(&self) -> PathBuf {
        self.dir.path().join("policy.yaml")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn load_with(&self, remote: Remote) -> Result<(Enforcer, Vec<Diagnostic>)> {
        Enforcer::load(Some(&self.main()), &[self.dir.path().join("policy.d"), self.dir.path().join("none.d")], remote)
    }

    fn load(&self) -> Enforcer {
        self.load_with(Remote::refused()).unwrap().0
    }
}

fn text_of(enforcer: &Enforcer, name: &str) -> RuleText {
    enforcer.rules().views().iter().find(|view| view.name == name).unwrap().text.clone()
}

async fn check(enforcer: &Enforcer, rule: &str, creds: Value) -> Result<bool> {
    enforcer.check(rule, &Target::new(), &Credentials::new(creds)).await
}

#[tokio::test]
async fn without_files_the_defaults_are_in_force() {
    let (enforcer, diagnostics) = Enforcer::load(None, &[], Remote::refused()).unwrap();
    assert_eq!(diagnostics, []);
    let admin = Credentials::new(json!({"roles": ["admin"], "project_id": "p"}));
    assert_eq!(enforcer.enforce("identity:create_domain", &Target::new(), &admin).await, Ok(()));
    let missing = Folder::new();
    assert!(missing.load().reload_if_changed().unwrap().is_none());
}

#[tokio::test]
async fn refusal_names_the_action_in_keystones_words() {
    let (enforcer, _) = Enforcer::load(None, &[], Remote::refused()).unwrap();
    let refused =
        Err(Error::forbidden("You are not authorized to perform the requested action: identity:create_domain."));
    for creds in [json!({"roles": ["member"], "project_id": "p"}), json!({"roles": ["admin"], "domain_id": "d"})] {
        assert_eq!(enforcer.enforce("identity:create_domain", &Target::new(), &Credentials::new(creds)).await, refused);
    }
    let admin = Credentials::new(json!({"roles": ["admin"], "system_scope": "all"}));
    assert_eq!(enforcer.enforce("identity:unknown", &Target::new(), &admin).await.unwrap_err().status(), 403);
}

#[tokio::test]
async fn scope_types_come_from_the_code_whatever_files_say() {
    let folder = Folder::new();
    folder.write("policy.yaml", "\"identity:create_domain\": \"@\"\n\"mine\": \"@\"\n");
    let enforcer = folder.load();
    let domain = Credentials::new(json!({"domain_id": "d"}));
    assert!(enforcer.enforce("identity:create_domain", &Target::new(), &domain).await.is_err());
    assert!(enforcer.check("identity:create_domain", &Target::new(), &domain).await.unwrap());
    assert_eq!(enforcer.enforce("mine", &Target::new(), &domain).await, Ok(()));
}

#[tokio::test]
async fn later_files_override_earlier_ones_in_the_order_of_names() {
    let folder = Folder::new();
    folder.write("policy.yaml", "a: 'role:main'\nb: 'role:main'\nc: 'role:main'\n");
    folder.write("policy.d/20-b.yaml", "b: 'role:twenty'\nc: 'role:twenty'\n");
    folder.write("policy.d/10-c.json", "{\"c\": \"role:ten\", \"d\": [[\"role:ten\"]]}");
    folder.write("policy.d/.hidden.yaml", "a: '@'\n");
    fs::create_dir(folder.dir.path().join("policy.d/below")).unwrap();
    folder.write("policy.d/below/x.yaml", "a: '@'\n");
    let enforcer = folder.load();
    assert_eq!(text_of(&enforcer, "a"), "role:main".into());
    assert_eq!(text_of(&enforcer, "b"), "role:twenty".into());
    assert_eq!(text_of(&enforcer, "c"), "role:twenty".into());
    assert!(check(&enforcer, "d", json!({"roles": ["ten"]})).await.unwrap());
    assert_eq!(text_of(&enforcer, "admin_required"), "role:admin or is_admin:1".into());
}

#[tokio::test]
async fn a_broken_rule_denies_and_is_reported_while_others_work() {
    let folder = Folder::new();
    folder.write("policy.yaml", "bad: 'role:a and'\ngood: '@'\nempty:\n");
    let (enforcer, diagnostics) = folder.load_with(Remote::refused()).unwrap();
    assert!(!check(&enforcer, "bad", json!({"roles": ["a"]})).await.unwrap());
    assert!(!check(&enforcer, "empty", json!({})).await.unwrap());
    assert!(check(&enforcer, "good", json!({})).await.unwrap());
    let bad = diagnostics.iter().find(|finding| finding.rule == "bad").unwrap();
    assert_eq!((bad.level, bad.source.clone()), (Level::Error, Some(folder.main())));
    assert!(diagnostics.iter().any(|finding| finding.rule == "empty" && finding.level == Level::Error));
    assert!(bad.to_string().contains("policy.yaml") && bad.to_string().contains("\"bad\""));
}

#[test]
fn mistakes_in_names_and_circles_are_reported() {
    let folder = Folder::new();
    folder.write(
        "policy.yaml",
        "identity:create_usr: '@'\na: 'rule:nowhere'\nb: 'rule:c'\nc: 'not (rule:b or @)'\nd: 'rule:b'\ne: 'rule:admin_required'\n",
    );
    let (_, diagnostics) = folder.load_with(Remote::refused()).unwrap();
    let found: Vec<(&str, Level)> = diagnostics.iter().map(|finding| (finding.rule.as_str(), finding.level)).collect();
    assert_eq!(
        found,
        [
            ("a", Level::Warning),
            ("b", Level::Error),
            ("c", Level::Error),
            ("d", Level::Error),
            ("identity:create_usr", Level::Warning)
        ]
    );
}

#[test]
fn a_long_chain_of_rules_is_reported() {
    let folder = Folder::new();
    let chain: String = (0..9_000).map(|at| format!("r{at}: 'rule:r{}'\n", at + 1)).collect();
    folder.write("policy.yaml", &format!("{chain}r9000: '@'\n"));
    let (_, diagnostics) = folder.load_with(Remote::refused()).unwrap();
    assert!(diagnostics.iter().any(|finding| finding.rule == "r0" && finding.message.contains("levels deep")));
    assert!(!diagnostics.iter().any(|finding| finding.rule == "r8990"));
}

#[tokio::test]
async fn huawei_action_names_define_the_identity_rules() {
    let folder = Folder::new();
    folder.write("policy.yaml", "\"iam:identityProviders:createIdentityProvider\": 'role:x'\nother: 'rule:iam:identityProviders:createIdentityProvider'\n");
    let enforcer = folder.load();
    let x = json!({"roles": ["x"], "domain_id": "d"});
    assert!(check(&enforcer, "identity:create_identity_provider", x.clone()).await.unwrap());
    assert!(check(&enforcer, "other", x.clone()).await.unwrap());
    assert!(!check(&enforcer, "identity:delete_identity_provider", x).await.unwrap());
    folder.write("policy.yaml", "\"iam:users:getUser\": '@'\n\"identity:get_user\": '!'\n");
    let error = folder.load_with(Remote::refused()).unwrap_err().to_string();
    assert!(error.contains("identity:get_user") && error.contains("twice"), "{error}");
}

#[test]
fn a_file_broken_as_a_whole_stops_the_start_and_names_file_and_line() {
    for (name, text) in [("policy.yaml", "a: '@'\nb: [x\n"), ("policy.d/x.yaml", "a: '@'\na: '!'\n")] {
        let folder = Folder::new();
        folder.write(name, text);
        let error = folder.load_with(Remote::refused()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("line "), "{error}");
    }
    let folder = Folder::new();
    fs::write(folder.main(), b"a: '\xff'\n").unwrap();
    assert!(folder.load_with(Remote::refused()).is_err());
    folder.write("policy.yaml", &format!("# {}\n", "x".repeat(1024 * 1024)));
    assert!(folder.load_with(Remote::refused()).is_err());
}

#[test]
fn changes_of_files_are_noticed_once() {
    let folder = Folder::new();
    folder.write("policy.yaml", "a: 'role:one'\n");
    let enforcer = folder.load();
    assert_eq!(enforcer.reload_if_changed(), Ok(None));
    folder.write("policy.yaml", "a: 'role:three'\n");
    assert_eq!(enforcer.reload_if_changed(), Ok(Some(Vec::new())));
    assert_eq!(text_of(&enforcer, "a"), "role:three".into());
    assert_eq!(enforcer.reload_if_changed(), Ok(None));
    folder.write("policy.d/1.yaml", "a: '!'\n");
    assert!(enforcer.reload_if_changed().unwrap().is_some());
    assert_eq!(text_of(&enforcer, "a"), "!".into());
    fs::remove_file(folder.dir.path().join("policy.d/1.yaml")).unwrap();
    assert!(enforcer.reload_if_changed().unwrap().is_some());
    assert_eq!(text_of(&enforcer, "a"), "role:three".into());
}

#[test]
fn a_broken_file_keeps_the_last_good_set_until_it_is_mended() {
    let folder = Folder::new();
    folder.write("policy.yaml", "a: 'role:one'\n");
    let enforcer = folder.load();
    folder.write("policy.yaml", "a: [broken\n");
    assert!(enforcer.reload_if_changed().is_err());
    assert_eq!(enforcer.reload_if_changed(), Ok(None), "reported once");
    assert_eq!(text_of(&enforcer, "a"), "role:one".into());
    folder.write("policy.yaml", "a: 'role:mended'\n");
    assert!(enforcer.reload_if_changed().unwrap().is_some());
    assert_eq!(text_of(&enforcer, "a"), "role:mended".into());
}

#[test]
fn a_main_file_that_vanishes_keeps_its_restrictions() {
    let folder = Folder::new();
    folder.write("policy.yaml", "\"identity:get_user\": '!'\n");
    let enforcer = folder.load();
    fs::remove_file(folder.main()).unwrap();
    assert!(enforcer.reload_if_changed().is_err());
    assert_eq!(text_of(&enforcer, "identity:get_user"), "!".into());
    folder.write("policy.yaml", "\"identity:get_user\": 'role:back'\n");
    assert!(enforcer.reload_if_changed().unwrap().is_some());
    assert_eq!(text_of(&enforcer, "identity:get_user"), "role:back".into());
}

/// A remote machine that counts questions and answers with `reply`.
fn machine(reply: impl Fn(&RemoteAsk) -> Result<bool> + Send + Sync + 'static) -> (Remote, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let remote = Remote::new(RemoteFormat::Json, move |ask| {
        count.fetch_add(1, Ordering::Relaxed);
        let answer = reply(&ask);
        Box::pin(async move { answer })
    });
    (remote, asked)
}

#[tokio::test]
async fn remote_checks_are_asked_only_when_reached_and_once_each() {
    let folder = Folder::new();
    folder.write(
        "policy.yaml",
        "a: 'role:admin or http://127.0.0.1/x/%(target.user.name)s'\nb: 'rule:a and rule:a and not https://127.0.0.1/no'\nc: 'not http://127.0.0.1/%(missing)s'\n",
    );
    let (remote, asked) = machine(|ask| {
        assert_eq!(ask.format, RemoteFormat::Json);
        assert_eq!(ask.credentials["roles"], json!([]));
        Ok(match ask.url.as_str() {
            "http://127.0.0.1/x/a%2F%2E%2E%2Fb%3F" => true,
            "https://127.0.0.1/no" => {
                assert_eq!((ask.rule.as_str(), &ask.target["target.user.name"]), ("b", &json!("a/../b?")));
                false
            }
            other => panic!("asked {other}"),
        })
    });
    let (enforcer, _) = folder.load_with(remote).unwrap();
    let target = Target::stored("user", &json!({"name": "a/../b?"}));
    assert!(enforcer.check("a", &target, &Credentials::new(json!({"roles": ["admin"]}))).await.unwrap());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let nobody = Credentials::new(json!({}));
    assert!(enforcer.check("a", &target, &nobody).await.unwrap());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(enforcer.check("b", &target, &nobody).await.unwrap());
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    assert!(!enforcer.check("c", &target, &nobody).await.unwrap(), "a URL with a hole is never asked and never allows");
}

#[tokio::test]
async fn failure_of_a_remote_check_is_an_error_even_under_not() {
    let folder = Folder::new();
    folder.write("policy.yaml", "a: 'http://127.0.0.1/'\nb: 'not http://127.0.0.1/'\n");
    for failure in [Error::unavailable("refused"), Error::internal("odd"), Error::forbidden("no")] {
        let (remote, _) = machine(move |_| Err(failure.clone()));
        let (enforcer, _) = folder.load_with(remote).unwrap();
        for rule in ["a", "b"] {
            assert_eq!(check(&enforcer, rule, json!({})).await.unwrap_err().status(), 503);
        }
    }
    assert_eq!(check(&folder.load(), "b", json!({})).await.unwrap_err().status(), 503);
}

#[tokio::test]
async fn questions_for_one_decision_are_bounded() {
    let folder = Folder::new();
    let many: Vec<String> = (0..40).map(|at| format!("http://127.0.0.1/{at}")).collect();
    folder.write("policy.yaml", &format!("a: '{}'\n", many.join(" or ")));
    let (remote, asked) = machine(|_| Ok(false));
    let (enforcer, _) = folder.load_with(remote).unwrap();
    assert_eq!(check(&enforcer, "a", json!({})).await.unwrap_err().status(), 503);
    assert_eq!(asked.load(Ordering::Relaxed), MAX_ASKS);
}

#[test]
fn the_enforcer_can_be_shared_between_tasks() {
    fn shared<T: Send + Sync>(_: &T) {}
    let (enforcer, _) = Enforcer::load(None, &[], Remote::refused()).unwrap();
    shared(&enforcer);
    fn sendable<T: Send>(_: T) {}
    sendable(enforcer.enforce("a", &Target::new(), &Credentials::new(json!({}))));
}
