//! Rotation while tokens are in use, both kinds side by side, and damage on disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use super::*;
use crate::clock::Timestamp;
use crate::model::token::Scope;

fn settings(root: &Path, issue: Format) -> Settings {
    Settings {
        methods: vec!["external".into(), "password".into(), "token".into()],
        default_domain_id: "default".into(),
        issue,
        fernet: Some(root.join("fernet")),
        jws: Some((root.join("private"), root.join("public"))),
    }
}

fn repositories(root: &Path) -> (Repository, PairRepository) {
    let fernet = Repository::new(root.join("fernet"));
    let pair = PairRepository::new(root.join("private"), root.join("public"));
    fernet.setup(&Random::system()).unwrap();
    pair.setup().unwrap();
    (fernet, pair)
}

fn payload() -> Payload {
    Payload {
        user_id: "0123456789abcdef0123456789abcdef".into(),
        methods: vec!["password".into()],
        issued_at: Timestamp::from_secs(1_767_222_000),
        expires_at: Timestamp::from_secs(1_767_225_600),
        audit_ids: vec!["AAECAwQFBgcICQoLDA0ODw".into()],
        scope: Scope::System,
        federated: None,
        trust_id: None,
        app_cred_id: None,
        access_token_id: None,
        thumbprint: None,
    }
}

#[test]
fn both_kinds_are_read_whichever_is_issued() {
    let root = tempfile::tempdir().unwrap();
    repositories(root.path());
    let random = Random::seeded(1);
    let fernet = TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap();
    let jws = TokenKeys::load(settings(root.path(), Format::Jws)).unwrap();
    let tokens = [fernet.issue(&payload(), &random).unwrap(), jws.issue(&payload(), &random).unwrap()];
    assert!(tokens[0].starts_with("gAAAAA") && tokens[1].starts_with("eyJ"));
    for keys in [&fernet, &jws] {
        assert!(tokens.iter().all(|token| keys.read(token) == Some(payload())));
    }
    let only = TokenKeys::load(Settings { jws: None, ..settings(root.path(), Format::Fernet) }).unwrap();
    assert_eq!(only.read(&tokens[1]), None);
    assert!(TokenKeys::load(Settings { jws: None, ..settings(root.path(), Format::Jws) }).is_err());
    assert!(TokenKeys::load(Settings { fernet: None, ..settings(root.path(), Format::Jws) }).is_ok());
}

#[test]
fn tok_key_2_a_node_that_has_not_reloaded_accepts_the_other_nodes_new_primary() {
    let root = tempfile::tempdir().unwrap();
    let (fernet, _) = repositories(root.path());
    let (a, b) = (
        TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap(),
        TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap(),
    );
    fernet.rotate(3, &Random::system()).unwrap();
    assert!(a.reload_if_changed().unwrap());
    let token = a.issue(&payload(), &Random::system()).unwrap();
    assert_eq!(b.read(&token), Some(payload()));
}

#[test]
fn tok_key_3_a_token_lives_until_its_key_is_rotated_out() {
    let root = tempfile::tempdir().unwrap();
    let (fernet, _) = repositories(root.path());
    let keys = TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap();
    let token = keys.issue(&payload(), &Random::system()).unwrap();
    let mut read = Vec::new();
    for _ in 0..3 {
        read.push(keys.read(&token).is_some());
        fernet.rotate(3, &Random::system()).unwrap();
        assert!(keys.reload_if_changed().unwrap());
    }
    assert_eq!((read, keys.read(&token)), (vec![true, true, false], None));
}

#[test]
fn tok_key_4_a_removed_key_ends_its_tokens_and_moves_the_generation() {
    let root = tempfile::tempdir().unwrap();
    repositories(root.path());
    let keys = TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap();
    let token = keys.issue(&payload(), &Random::system()).unwrap();
    assert!(!keys.reload_if_changed().unwrap());
    let before = keys.generation();
    fs::remove_file(root.path().join("fernet/1")).unwrap();
    assert!(keys.reload_if_changed().unwrap());
    assert_eq!((keys.read(&token), keys.generation()), (None, before + 1));
    assert!(keys.read(&keys.issue(&payload(), &Random::system()).unwrap()).is_some());
}

#[test]
fn tok_key_4_a_removed_public_key_ends_its_tokens_and_moves_the_generation() {
    let root = tempfile::tempdir().unwrap();
    let (_, pair) = repositories(root.path());
    let keys = TokenKeys::load(settings(root.path(), Format::Jws)).unwrap();
    let token = keys.issue(&payload(), &Random::system()).unwrap();
    let old = keys.inventory().jws[0].id.clone();
    pair.rotate().unwrap();
    assert!(keys.reload_if_changed().unwrap());
    assert_eq!(keys.read(&token), Some(payload()));
    let before = keys.generation();
    fs::remove_file(root.path().join(format!("public/public-{old}.pem"))).unwrap();
    assert!(keys.reload_if_changed().unwrap());
    assert_eq!((keys.read(&token), keys.generation()), (None, before + 1));
}

#[test]
fn tok_key_3_damage_on_disk_keeps_the_last_good_set() {
    let root = tempfile::tempdir().unwrap();
    repositories(root.path());
    let keys = TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap();
    let token = keys.issue(&payload(), &Random::system()).unwrap();
    for damage in ["fernet", "private/private.pem", "public"] {
        let (path, aside) = (root.path().join(damage), root.path().join("aside"));
        fs::rename(&path, &aside).unwrap();
        fs::write(&path, "damage").unwrap();
        let error = keys.reload_if_changed().unwrap_err().to_string();
        assert!(error.contains(root.path().to_str().unwrap()), "{error}");
        assert_eq!((keys.read(&token), keys.generation()), (Some(payload()), 0));
        fs::remove_file(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
    }
    assert!(!keys.reload_if_changed().unwrap());
}

#[test]
fn tok_key_1_no_token_fails_while_keys_rotate() {
    let root = tempfile::tempdir().unwrap();
    let (fernet, pair) = repositories(root.path());
    let keys = TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let user = scope.spawn(|| {
            let mut reads = 0;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) || reads == 0 {
                let token = keys.issue(&payload(), &Random::system()).unwrap();
                assert_eq!(keys.read(&token), Some(payload()));
                reads += 1;
            }
            reads
        });
        // None is rotated out: a key lives as long as its tokens, which here is as long as the test.
        for _ in 0..10 {
            fernet.rotate(20, &Random::system()).unwrap();
            pair.rotate().unwrap();
            keys.reload_if_changed().unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        user.join().unwrap()
    });
    assert!(reads > 0);
    assert_eq!(keys.generation(), 10);
}

#[test]
fn sec_mem_1_debug_of_the_keys_shows_none() {
    let root = tempfile::tempdir().unwrap();
    repositories(root.path());
    let shown = format!("{:?}", TokenKeys::load(settings(root.path(), Format::Fernet)).unwrap());
    let key = fs::read_to_string(root.path().join("fernet/1")).unwrap();
    assert!(shown.contains("KeySet([Key(1), Key(0)])") && !shown.contains(&key), "{shown}");
}
