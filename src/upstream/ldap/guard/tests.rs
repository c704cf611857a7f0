//! Tests of what the guard lets through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::config;
use crate::egress::Egress;
use crate::testing::directory::{self, Reply, Request, Speaks, entry, message, operation, outcome};
use crate::upstream::ldap::{Address, Directory, Security};

fn asked() -> Asked {
    Asked::new(Mutex::new(HashMap::from([(1, BIND), (2, SEARCH), (3, EXTENDED)])))
}

fn admitted(message: &[u8]) -> Option<Admitted> {
    admit(message, &asked())
}

/// A whole message with controls.
fn with_controls(controls: &[u8]) -> Vec<u8> {
    operation(SEQUENCE, &[&[INTEGER, 1, 2][..], &operation(DONE, &outcome(0)), controls].concat())
}

/// An entry with one attribute.
fn attribute(name: &[u8], values: &[u8]) -> Vec<u8> {
    let attribute = operation(SEQUENCE, &[operation(TEXT, name), values.to_vec()].concat());
    operation(ENTRY, &[operation(TEXT, b"dc=a"), operation(SEQUENCE, &attribute)].concat())
}

#[test]
fn answers_to_what_was_asked_go_through() {
    let more = |tag, more: &[u8]| operation(tag, &[outcome(0), more.to_vec()].concat());
    let referral = operation(0xa3, &operation(TEXT, b"ldap://a/"));
    let values = operation(SET, &[operation(TEXT, b"a"), operation(TEXT, b"\xff")].concat());
    let control = |parts: &[u8]| with_controls(&operation(CONTROLS, &operation(SEQUENCE, parts)));
    for message in [
        message(1, &operation(BOUND, &outcome(49))),
        message(1, &more(BOUND, &operation(0x87, b"\xff"))),
        message(1, &more(BOUND, &referral)),
        message(2, &operation(DONE, &outcome(0))),
        message(2, &entry("dc=a")),
        message(2, &attribute(b"cn", &values)),
        message(2, &operation(REFERENCE, &operation(TEXT, b"ldap://a/"))),
        message(3, &more(EXTENDED_DONE, &[operation(0x8a, b"1.2"), operation(0x8b, b"\xff")].concat())),
        control(&operation(TEXT, b"1.2")),
        control(&[operation(TEXT, b"1.2"), operation(TEXT, b"\xff")].concat()),
        control(&[operation(TEXT, b"1.2"), operation(BOOLEAN, b"\xff"), operation(TEXT, b"a")].concat()),
    ] {
        assert_eq!(admitted(&message), Some(Admitted::Through), "{message:02x?}");
    }
    assert_eq!(admitted(&message(0, &operation(EXTENDED_DONE, b""))), Some(Admitted::Notice));
}

#[test]
fn what_nobody_asked_for_or_has_another_shape_does_not() {
    let more = |tag, more: &[u8]| operation(tag, &[outcome(0), more.to_vec()].concat());
    let control = |parts: &[u8]| with_controls(&operation(CONTROLS, &operation(SEQUENCE, parts)));
    for message in [
        // Another answer than that to the question, or to none.
        message(1, &operation(DONE, &outcome(0))),
        message(1, &entry("dc=a")),
        message(2, &operation(BOUND, &outcome(0))),
        message(3, &operation(BOUND, &outcome(0))),
        message(4, &operation(BOUND, &outcome(0))),
        message(0, &operation(BOUND, &outcome(0))),
        message(2, &operation(0x79, &outcome(0))),
        message(2, &operation(0x7f, b"")),
        // Results.
        message(1, &operation(BOUND, b"")),
        message(1, &operation(0x41, &outcome(0))),
        message(1, &operation(BOUND, &[0x0a, 0, TEXT, 0, TEXT, 0])),
        message(1, &operation(BOUND, &[0x0a, 1, 0, TEXT, 0])),
        message(1, &operation(BOUND, &[0x0a, 1, 0, TEXT, 1, 0xff, TEXT, 0])),
        message(1, &operation(BOUND, &[0x0a, 1, 0, TEXT, 0, TEXT, 1, 0xff])),
        message(1, &operation(BOUND, &[INTEGER, 1, 0, TEXT, 0, TEXT, 0])),
        message(1, &more(BOUND, &operation(0x83, b"a"))),
        message(1, &more(BOUND, &operation(0x03, b"a"))),
        message(3, &more(EXTENDED_DONE, &operation(0x8a, b"\xff"))),
        message(3, &more(EXTENDED_DONE, &operation(0xaa, &operation(TEXT, b"a")))),
        // Entries.
        message(2, &operation(ENTRY, b"")),
        message(2, &operation(ENTRY, &operation(TEXT, b"dc=a"))),
        message(2, &operation(ENTRY, &[operation(TEXT, b"\xff"), operation(SEQUENCE, b"")].concat())),
        message(2, &attribute(b"\xff", &operation(SET, b""))),
        message(2, &attribute(b"cn", &operation(SEQUENCE, b""))),
        message(2, &attribute(b"cn", &operation(SET, &operation(SEQUENCE, b"")))),
        message(2, &operation(REFERENCE, &operation(TEXT, b"\xff"))),
        // Controls.
        with_controls(&operation(0x80, b"")),
        with_controls(&operation(CONTROLS, &operation(TEXT, b"1.2"))),
        control(b""),
        control(&operation(TEXT, b"\xff")),
        control(&[operation(TEXT, b"1.2"), operation(BOOLEAN, b"")].concat()),
        control(&[operation(TEXT, b"1.2"), operation(BOOLEAN, b"a"), operation(SET, b"")].concat()),
        // Messages.
        operation(SEQUENCE, b""),
        operation(SEQUENCE, &[INTEGER, 1, 1]),
        operation(SEQUENCE, &[&[TEXT, 1, 1][..], &operation(BOUND, &outcome(0))].concat()),
        operation(SEQUENCE, &[&[INTEGER, 5, 0, 0, 0, 0, 1][..], &operation(BOUND, &outcome(0))].concat()),
        [message(1, &operation(BOUND, &outcome(0))), vec![0]].concat(),
        vec![],
    ] {
        assert_eq!(admitted(&message), None, "{message:02x?}");
    }
}

#[test]
fn what_was_answered_is_not_answered_again() {
    let (asked, done) = (asked(), message(2, &operation(DONE, &outcome(0))));
    assert_eq!(admit(&done, &asked), Some(Admitted::Through));
    assert_eq!(admit(&done, &asked), None);
}

/// One connection with a server that answers a bind and then a search with those bytes.
async fn talk(bind: Vec<u8>, search: Vec<u8>) {
    let server = directory::Directory::new(Speaks::Plain, move |request| match request {
        Request::Bind(..) => Reply::Raw(bind.clone()),
        Request::Search(_) => Reply::Raw([search.clone(), message(2, &operation(DONE, &outcome(0)))].concat()),
        _ => Reply::Close,
    })
    .await;
    let config = config::Egress { allow: vec!["127.0.0.1".into()], ports: vec![], ..config::Egress::default() };
    let egress = Egress::in_test(&config, &[], None);
    let address = Address { host: "127.0.0.1".into(), port: server.port };
    let mut directory = Directory::connect(&egress, &address, &Security::Plain).await.unwrap();
    let conversation = async {
        if directory.bind("cn=a", "b").await.is_ok() {
            let _ = directory.look_at("dc=a").await;
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_millis(200), conversation).await;
    // The task that the crate's reader runs in must not have given up.
    if directory.driver.is_finished() {
        let driver = std::mem::replace(&mut directory.driver, tokio::spawn(async {}));
        assert!(!driver.await.is_err_and(|e| e.is_panic()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// HTTP-FUZZ-1, in little: whatever a server sends, nobody panics.
    #[test]
    fn no_answer_makes_the_reader_panic(
        which in 0_usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let control = operation(CONTROLS, &operation(SEQUENCE, &operation(TEXT, b"1.2")));
        let values = operation(SET, &operation(TEXT, b"a"));
        let mut bytes = [
            message(1, &operation(BOUND, &outcome(0))),
            message(2, &operation(DONE, &outcome(0))),
            message(2, &entry("dc=a")),
            message(2, &attribute(b"cn", &values)),
            message(2, &operation(REFERENCE, &operation(TEXT, b"ldap://a/"))),
            with_controls(&control),
            message(1, &operation(BOUND, &[outcome(10), operation(0xa3, &operation(TEXT, b"ldap://a/"))].concat())),
        ][which].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let good = message(1, &operation(BOUND, &outcome(0)));
        let (bind, search) = if which == 0 || which == 6 { (bytes, vec![]) } else { (good, bytes) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(talk(bind, search));
    }
}
