//! Claims, pinning of the algorithm, and what must not be read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, KeyPair};
use serde_json::{Value, json};

use super::*;

const UUID: &str = "0123456789abcdef0123456789abcdef";
const AUDIT: &str = "AAECAwQFBgcICQoLDA0ODw";

fn pair() -> (EcdsaKeyPair, ParsedPublicKey) {
    let signing = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, signing.public_key()).unwrap();
    (signing, public)
}

fn jws() -> Jws {
    let (signing, public) = pair();
    Jws::new(Some(signing), vec![pair().1, public])
}

fn plain(scope: Scope) -> Payload {
    Payload {
        user_id: UUID.into(),
        methods: vec!["password".into(), "token".into()],
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

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token of this header and these claims, signed by the key of `jws`.
fn signed(jws: &Jws, header: &Value, claims: &Value) -> String {
    let encode = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let text = format!("{}.{}", encode(header), encode(claims));
    let signature = jws.signing.as_ref().unwrap().sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header() -> Value {
    json!({"alg": "ES256", "typ": "JWT"})
}

fn minimal() -> Value {
    json!({"sub": UUID, "iat": 1, "exp": 2, "openstack_methods": ["password"], "openstack_audit_ids": [AUDIT]})
}

#[test]
fn claims_are_keystones_and_null_ones_are_left_out() {
    let federated = Federated { group_ids: vec!["g1".into()], idp_id: "ACME".into(), protocol_id: "openid".into() };
    let token = jws().issue(&Payload { federated: Some(federated), ..plain(project()) }).unwrap();
    assert_eq!(part(&token, 0), header());
    assert_eq!(
        part(&token, 1),
        json!({"sub": UUID, "iat": 1_767_222_000, "exp": 1_767_225_600, "openstack_methods": ["password", "token"],
               "openstack_audit_ids": [AUDIT], "openstack_project_id": UUID, "openstack_group_ids": [{"id": "g1"}],
               "openstack_idp_id": "ACME", "openstack_protocol_id": "openid"})
    );
    let token = jws().issue(&plain(Scope::System)).unwrap();
    assert_eq!(part(&token, 1)["openstack_system"], "all");
    assert_eq!(part(&token, 1).as_object().unwrap().len(), 6);
}

#[test]
fn every_kind_is_read_as_it_was_issued() {
    let some = |id: &str| Some(id.to_owned());
    let federated = |scope| {
        let federated = Federated { group_ids: vec![], idp_id: "i".into(), protocol_id: "p".into() };
        Payload { federated: Some(federated), ..plain(scope) }
    };
    let jws = jws();
    for payload in [
        plain(Scope::Unscoped),
        plain(Scope::Domain("default".into())),
        plain(project()),
        plain(Scope::System),
        federated(Scope::Unscoped),
        federated(project()),
        federated(Scope::Domain("d".into())),
        Payload { trust_id: some("t"), ..plain(project()) },
        Payload { app_cred_id: some("a"), ..plain(project()) },
        Payload { access_token_id: some("o"), ..plain(project()) },
        Payload { thumbprint: some("x"), ..plain(project()) },
        Payload { audit_ids: vec![AUDIT.into(), AUDIT.into()], ..plain(Scope::Unscoped) },
    ] {
        assert_eq!(jws.read(&jws.issue(&payload).unwrap()), Some(payload));
    }
}

#[test]
fn expiry_is_left_to_the_reader() {
    let jws = jws();
    let mut old = plain(Scope::System);
    (old.issued_at, old.expires_at) = (Timestamp::from_secs(1), Timestamp::from_secs(2));
    assert_eq!(jws.read(&jws.issue(&old).unwrap()), Some(old));
}

#[test]
fn ks_tok_2_the_algorithm_is_pinned() {
    let jws = jws();
    assert!(jws.read(&signed(&jws, &header(), &minimal())).is_some());
    assert!(jws.read(&signed(&jws, &json!({"alg": "ES256", "kid": "x"}), &minimal())).is_some());
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        json!({"alg": "es256"}),
        json!({"alg": "ES384"}),
        json!({"alg": "RS256"}),
        json!({"alg": ["ES256"]}),
        json!({"typ": "JWT"}),
        json!({"alg": "ES256", "typ": "at+jwt"}),
        json!({"alg": "ES256", "crit": ["b64"], "b64": false}),
        json!({"alg": "ES256", "jwk": {}}),
        json!({"alg": "ES256", "jku": "https://example.org"}),
        json!({"alg": "ES256", "x5c": []}),
    ] {
        assert_eq!(jws.read(&signed(&jws, &header, &minimal())), None, "{header}");
    }
    let encode = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let bare = format!("{}.{}.", encode(&json!({"alg": "none"})), encode(&minimal()));
    assert_eq!(jws.read(&bare), None);
    // The public key as an HMAC secret: the oldest confusion.
    let text = format!("{}.{}", encode(&json!({"alg": "HS256", "typ": "JWT"})), encode(&minimal()));
    use hmac::Mac;
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(jws.public[1].as_ref()).unwrap();
    mac.update(text.as_bytes());
    assert_eq!(jws.read(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))), None);
    // The zero signature of CVE-2022-21449.
    let text = format!("{}.{}", encode(&header()), encode(&minimal()));
    assert_eq!(jws.read(&format!("{text}.{}", URL_SAFE_NO_PAD.encode([0; SIGNATURE]))), None);
}

#[test]
fn ks_tok_2_a_token_changed_in_one_place_is_refused() {
    let jws = jws();
    let token = jws.issue(&plain(project())).unwrap();
    for at in 0..token.len() {
        for new in [b'A', b'B', b'.', b'=', b' '] {
            let mut changed = token.as_bytes().to_vec();
            if changed[at] == new {
                continue;
            }
            changed[at] = new;
            assert_eq!(jws.read(std::str::from_utf8(&changed).unwrap()), None, "{} at {at}", new as char);
        }
    }
    let nonsense = [
        "".into(),
        ".".into(),
        "..".into(),
        "a.b.c".into(),
        format!("{token}="),
        format!("{token}."),
        format!(" {token}"),
    ];
    for changed in nonsense {
        assert_eq!(jws.read(&changed), None, "{changed}");
    }
    assert_eq!(Jws::new(None, vec![pair().1]).read(&token), None);
}

#[test]
fn ks_tok_2_claims_that_do_not_fit_together_are_refused() {
    let jws = jws();
    let with = |changes: Value| {
        let mut claims = minimal();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        jws.read(&signed(&jws, &header(), &claims))
    };
    assert!(with(json!({"openstack_system": null, "other": 1})).is_some());
    for bad in [
        json!({"sub": ""}),
        json!({"sub": null}),
        json!({"exp": "2"}),
        json!({"exp": 2.5}),
        json!({"exp": -1}),
        json!({"iat": 253_402_300_800_i64}),
        json!({"openstack_methods": "password"}),
        json!({"openstack_audit_ids": []}),
        json!({"openstack_audit_ids": [AUDIT, AUDIT, AUDIT]}),
        json!({"openstack_audit_ids": ["short"]}),
        json!({"openstack_system": "some"}),
        json!({"openstack_system": "all", "openstack_project_id": "p"}),
        json!({"openstack_domain_id": "d", "openstack_project_id": "p"}),
        json!({"openstack_idp_id": "i"}),
        json!({"openstack_group_ids": [{"id": "g"}]}),
        json!({"openstack_group_ids": ["g"], "openstack_idp_id": "i", "openstack_protocol_id": "p"}),
    ] {
        assert_eq!(with(bad.clone()), None, "{bad}");
    }
    // An id_token signed with the same key is no token of ours.
    let id_token = json!({"iss": "https://example.org", "sub": UUID, "aud": "app", "iat": 1, "exp": 2});
    assert_eq!(jws.read(&signed(&jws, &header(), &id_token)), None);
    let twice = format!("{{\"sub\":\"other\",{}", &minimal().to_string()[1..]);
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header().to_string()), URL_SAFE_NO_PAD.encode(twice));
    let signature = jws.signing.as_ref().unwrap().sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    assert_eq!(jws.read(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))), None);
}

#[test]
fn ks_tok_7_a_thousand_groups_are_refused_cleanly() {
    let federated = Federated { group_ids: vec![UUID.into(); 1000], idp_id: "i".into(), protocol_id: "p".into() };
    let error = jws().issue(&Payload { federated: Some(federated), ..plain(Scope::Unscoped) }).unwrap_err();
    assert_eq!(error.status(), 400);
}

#[test]
fn without_a_private_key_tokens_are_read_and_not_issued() {
    let (signing, public) = pair();
    let token = Jws::new(Some(signing), vec![]).issue(&plain(Scope::System)).unwrap();
    let reader = Jws::new(None, vec![public]);
    assert!(reader.read(&token).is_some());
    assert_eq!(reader.issue(&plain(Scope::System)).unwrap_err().status(), 500);
}
