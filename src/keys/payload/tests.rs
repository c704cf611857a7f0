//! Every version both ways, writers with old msgpack, and what must not be read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::model::token::Federated;

const UUID: &str = "0123456789abcdef0123456789abcdef";
const AUDIT: &str = "AAECAwQFBgcICQoLDA0ODw";

fn methods() -> Vec<String> {
    ["external", "password", "token", "oauth1", "mapped", "application_credential", "ec2credential"]
        .map(String::from)
        .to_vec()
}

fn codec() -> Codec {
    Codec::new(methods(), "default".into()).unwrap()
}

fn payload(scope: Scope) -> Payload {
    Payload {
        user_id: UUID.into(),
        methods: vec!["password".into()],
        issued_at: Timestamp::from_secs(1_767_222_000),
        expires_at: Timestamp::from_secs(1_767_225_600),
        audit_ids: vec![AUDIT.into()],
        scope,
        federated: None,
        trust_id: None,
        app_cred_id: None,
        access_token_id: None,
        thumbprint: None,
    }
}

fn project() -> Scope {
    Scope::Project(UUID.into())
}

fn federated(user: &str, scope: Scope) -> Payload {
    let groups = vec![UUID.into(), "a group".into()];
    let federated = Federated { group_ids: groups, idp_id: "ACME".into(), protocol_id: "openid".into() };
    Payload { user_id: user.into(), federated: Some(federated), ..payload(scope) }
}

/// One payload of every version, in order.
fn every_kind() -> Vec<Payload> {
    let some = |id: &str| Some(id.to_owned());
    vec![
        payload(Scope::Unscoped),
        payload(Scope::Domain("default".into())),
        payload(project()),
        Payload { trust_id: some(UUID), ..payload(project()) },
        federated(&"0e".repeat(32), Scope::Unscoped),
        federated(UUID, project()),
        federated("näme", Scope::Domain("default".into())),
        Payload { access_token_id: some("a text id"), ..payload(project()) },
        payload(Scope::System),
        Payload { app_cred_id: some(UUID), ..payload(project()) },
        Payload { thumbprint: some(UUID), ..payload(project()) },
    ]
}

fn round_trip(payload: &Payload) -> Option<Payload> {
    codec().decode(&codec().encode(payload).unwrap(), payload.issued_at)
}

#[test]
fn every_version_is_read_as_it_was_written() {
    for (version, payload) in every_kind().into_iter().enumerate() {
        let bytes = codec().encode(&payload).unwrap();
        assert_eq!(usize::from(bytes[1]), version);
        assert_eq!(codec().decode(&bytes, payload.issued_at), Some(payload));
    }
}

#[test]
fn scopes_that_are_missing_are_nil() {
    for bare in [
        Payload { trust_id: Some(UUID.into()), ..payload(Scope::Unscoped) },
        Payload { access_token_id: Some(UUID.into()), ..payload(Scope::Unscoped) },
        Payload { thumbprint: Some("x".into()), ..payload(Scope::Unscoped) },
        Payload { thumbprint: Some("x".into()), ..payload(Scope::Domain(UUID.into())) },
    ] {
        assert_eq!(round_trip(&bare), Some(bare));
    }
}

#[test]
fn other_spellings_of_a_uuid_come_back_as_they_were() {
    for id in [UUID.to_uppercase(), "01234567-89ab-cdef-0123-456789abcdef".into(), format!("{{{UUID}}}"), "ACME".into()]
    {
        let payload = Payload { user_id: id, ..payload(Scope::Unscoped) };
        assert_eq!(round_trip(&payload), Some(payload));
    }
}

#[test]
fn text_may_arrive_as_bytes_and_bytes_as_text() {
    // As old msgpack wrote it: every string is "raw", which is now called text.
    let mut old = codec().encode(&federated("user", Scope::Unscoped)).unwrap();
    let at = old.windows(2).position(|w| w == [0xc4, 16]).unwrap();
    old.splice(at..at + 2, [0xb0]);
    assert_eq!(codec().decode(&old, Timestamp::from_secs(1_767_222_000)), Some(federated("user", Scope::Unscoped)));
    // As a reader of raw bytes would hand it on.
    let mut bin = codec().encode(&payload(Scope::Domain("default".into()))).unwrap();
    let at = bin.windows(7).position(|w| w == b"default").unwrap();
    bin.splice(at - 1..at, [0xc4, 7]);
    assert_eq!(
        codec().decode(&bin, Timestamp::from_secs(1_767_222_000)),
        Some(payload(Scope::Domain("default".into())))
    );
}

#[test]
fn methods_are_a_bitmap_listed_from_the_highest() {
    let two = Payload { methods: vec!["password".into(), "token".into(), "unknown".into()], ..payload(Scope::System) };
    assert_eq!(round_trip(&two).unwrap().methods, ["token", "password"]);
    let mut beyond = codec().encode(&payload(Scope::System)).unwrap();
    beyond.splice(21..22, [0xcc, 0x80]);
    assert_eq!(codec().decode(&beyond, Timestamp::from_secs(0)), None);
    assert!(Codec::new(vec![], String::new()).is_err());
    assert!(Codec::new(vec!["a".into(), "a".into()], String::new()).is_err());
    assert!(Codec::new((0..64).map(|i| i.to_string()).collect(), String::new()).is_err());
}

#[test]
fn what_keystones_payloads_cannot_carry_is_refused() {
    for bad in [
        payload(Scope::Domain("not a UUID".into())),
        Payload { trust_id: Some("not a UUID".into()), ..payload(project()) },
        Payload { audit_ids: vec!["short".into()], ..payload(project()) },
    ] {
        assert_eq!(codec().encode(&bad).unwrap_err().status(), 500);
    }
}

#[test]
fn ks_tok_2_nothing_missing_further_or_out_of_range_is_read() {
    let at = Timestamp::from_secs(0);
    for payload in every_kind() {
        let bytes = codec().encode(&payload).unwrap();
        for cut in 0..bytes.len() {
            assert_eq!(codec().decode(&bytes[..cut], at), None, "cut at {cut} of {payload:?}");
        }
        assert_eq!(codec().decode(&[&bytes[..], &[0xc0]].concat(), at), None);
        let longer = [&[bytes[0] + 1], &bytes[1..], &[0xc0]].concat();
        assert_eq!(codec().decode(&longer, at), None);
        let exp = bytes.windows(2).position(|w| w == [0xcb, 0x41]).unwrap();
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 253_402_300_800.0, 1e300] {
            let mut changed = bytes.clone();
            changed[exp + 1..exp + 9].copy_from_slice(&wrong.to_be_bytes());
            assert_eq!(codec().decode(&changed, at), None);
        }
    }
    let mut unknown = codec().encode(&payload(Scope::Unscoped)).unwrap();
    unknown[1] = 11;
    assert_eq!(codec().decode(&unknown, at), None);
    for audits in [vec![], vec![AUDIT.to_owned(); 3]] {
        let bytes = codec().encode(&Payload { audit_ids: audits, ..payload(Scope::Unscoped) }).unwrap();
        assert_eq!(codec().decode(&bytes, at), None);
    }
}

#[test]
fn times_keep_their_microseconds() {
    let payload = Payload { expires_at: Timestamp(1_767_225_600_123_457), ..payload(Scope::System) };
    assert_eq!(round_trip(&payload), Some(payload));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = codec().decode(&bytes, Timestamp::from_secs(0));
    }

    #[test]
    fn any_damage_is_read_or_refused_without_harm(which in 0usize..11, at in 0usize..150, byte in any::<u8>()) {
        let mut bytes = codec().encode(&every_kind()[which]).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = codec().decode(&bytes, Timestamp::from_secs(0));
    }

    #[test]
    fn any_ids_come_back(user in "[ -~]{1,64}", group in "[0-9a-fA-F]{32}", secs in 0i64..253_402_300_799) {
        let mut payload = federated(&user, Scope::Project(group.clone()));
        payload.expires_at = Timestamp::from_secs(secs);
        payload.federated.as_mut().unwrap().group_ids = vec![group; 20];
        prop_assert_eq!(round_trip(&payload), Some(payload));
    }
}
