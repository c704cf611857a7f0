//! Golden vectors of keystone-api §5.3 and what must not be read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::model::token::{Federated, Scope};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const UUID: &str = "0123456789abcdef0123456789abcdef";

fn key(id: u32, text: &str) -> Key {
    Key::parse(id, text.as_bytes(), Timestamp::from_secs(0)).unwrap()
}

fn fernet_with(keys: Vec<Key>) -> Fernet {
    let methods = ["external", "password", "token", "oauth1", "mapped", "application_credential", "ec2credential"];
    let codec = Codec::new(methods.map(String::from).to_vec(), "default".into()).unwrap();
    Fernet::new(codec, KeySet::new(keys).unwrap())
}

fn fernet() -> Fernet {
    fernet_with(vec![key(1, KEY)])
}

fn payload(method: &str, scope: Scope) -> Payload {
    Payload {
        user_id: UUID.into(),
        methods: vec![method.into()],
        issued_at: Timestamp::from_secs(1_767_222_000),
        expires_at: Timestamp::from_secs(1_767_225_600),
        audit_ids: vec!["AAECAwQFBgcICQoLDA0ODw".into()],
        scope,
        federated: None,
        trust_id: None,
        app_cred_id: None,
        access_token_id: None,
        thumbprint: None,
    }
}

/// Payload, its msgpack in hexadecimal, and its token for [`KEY`], IV 00…0f.
fn golden() -> Vec<(Payload, &'static str, &'static str)> {
    let project = || Scope::Project(UUID.into());
    let federated = Federated { group_ids: vec![UUID.into()], idp_id: "ACME".into(), protocol_id: "openid".into() };
    vec![
        (
            payload("password", Scope::Unscoped),
            "950092c3c4100123456789abcdef0123456789abcdef02cb41da556e4000000091c410000102030405060708090a0b0c0d0e0f",
            "gAAAAABpVarwAAECAwQFBgcICQoLDA0OD7z89wY20ZMdYIv5Ujo321OJMIYFpt6UHd1DG1yNTiMogvDDCRWMlZPndRbwnZesL__3Lg_JQaaS9QvKbp8ZC2xraWGu89dkl7-YAV-Ej8sBMBgqpirmtGjrOx6Wbis2oA",
        ),
        (
            payload("password", Scope::Domain("default".into())),
            "960192c3c4100123456789abcdef0123456789abcdef02a764656661756c74cb41da556e4000000091c410000102030405060708090a0b0c0d0e0f",
            "gAAAAABpVarwAAECAwQFBgcICQoLDA0OD2EBWdD1Zxio9wvYc1VK3y1RRCwQnYEuXVQKR-5Peq5IlopuRGCNPhU5SM0SjfT_F4G58VEnv8CqSA2L_a6_J5AO4NFlvUDNUI69YvA_A0ydKZcvoj76cx8FEMQ-i5m_rg",
        ),
        (
            payload("password", project()),
            "960292c3c4100123456789abcdef0123456789abcdef0292c3c4100123456789abcdef0123456789abcdefcb41da556e4000000091c410000102030405060708090a0b0c0d0e0f",
            "gAAAAABpVarwAAECAwQFBgcICQoLDA0OD_dw0x57ONbK4JeO4YDXq1z8TGVLek9B_OSwzm8OzK5BeNSvCnI4wbsDH70GgZ6P8q10baoZUfgn3BPgXmTjGY9bffiVatSjJQ1WtCwWdPVXJ8XJ9qex3u9DzkPYHS1IsM6-gSHfT92F63zzBpFb2lQ",
        ),
        (
            Payload {
                user_id: "0eb300bb812e72711fe82968ba798bf7670b9a8104db98297804c2947d928cde".into(),
                federated: Some(federated),
                ..payload("mapped", Scope::Unscoped)
            },
            "980492c2d94030656233303062623831326537323731316665383239363862613739386266373637306239613831303464623938323937383034633239343764393238636465109192c3c4100123456789abcdef0123456789abcdef92c2a441434d45a66f70656e6964cb41da556e4000000091c410000102030405060708090a0b0c0d0e0f",
            "gAAAAABpVarwAAECAwQFBgcICQoLDA0OD5jfw4hD7A3YWJjJKFdU3PmuK-IaGj5fmc6T5gagIrb6fiWa4KRYQ9P0UIUvVIhdxrUZkTwmXrrusLutQVy5S7CvLjrD_oi7U-dDqxh87ppoCk6p3FC_-cuYXsLNDMPyW0KKTNILlKBeW-D4n61f72UJg8t62wausyqmaAFut2kGc-7yPJtOrJmah07NuTfaYQ00KArkAFrp-Z3Jum2wcPOQRyWtSMPkMHRbhrlLYXFB",
        ),
        (
            payload("password", Scope::System),
            "960892c3c4100123456789abcdef0123456789abcdef02a3616c6ccb41da556e4000000091c410000102030405060708090a0b0c0d0e0f",
            "gAAAAABpVarwAAECAwQFBgcICQoLDA0ODzRI4ECPL7jkVaO6inBKd_NKyK1sga81uV_rQYVKB3PClvZbtrLFoGwtvwImQd56BJsTJglMzCk5_sBbffXU06ctAI7UJDcwo5hhEsZjUDF392ssRNhYDvNKSNVRgniI0g",
        ),
        (
            Payload { app_cred_id: Some(UUID.into()), ..payload("application_credential", project()) },
            "970992c3c4100123456789abcdef0123456789abcdef2092c3c4100123456789abcdef0123456789abcdefcb41da556e4000000091c410000102030405060708090a0b0c0d0e0f92c3c4100123456789abcdef0123456789abcdef",
            "gAAAAABpVarwAAECAwQFBgcICQoLDA0OD48tqWwNtMujGVsHV35aW2rfpmp-mxhnK5jBShN8CBx-mtVm8ZjrVNiVc2zMDmRpf0nMIc3cjevd_V1QueRqVVmgOcf-_9tChulykTmEIMZzlSgyZ0pzQaS9NaLXejiAMiTWBOXybpfnfjyPVk7MT5gzk_NMKxE2ajkHKz1-Vp1Y",
        ),
    ]
}

#[test]
fn golden_vectors_are_written_byte_for_byte_and_read_back() {
    let iv: [u8; IV] = std::array::from_fn(|i| i as u8);
    for (payload, msgpack, token) in golden() {
        let fernet = fernet();
        assert_eq!(crate::clock::hex(&fernet.codec.encode(&payload).unwrap()), msgpack);
        assert_eq!(fernet.issue_with_iv(&payload, &iv).unwrap(), token);
        assert_eq!(fernet.read(token), Some(payload));
    }
}

#[test]
fn lengths_are_keystones() {
    let (fernet, random) = (fernet(), Random::seeded(1));
    let lengths: Vec<_> = golden().iter().map(|(p, _, _)| fernet.issue(p, &random).unwrap().len()).collect();
    assert_eq!(lengths[..3], [162, 162, 183]);
}

#[test]
fn ks_tok_2_a_token_changed_in_one_place_is_refused() {
    let fernet = fernet();
    let (_, _, token) = golden().remove(2);
    for at in 0..token.len() {
        let old = token.as_bytes()[at];
        for new in [b'A', b'B', b'-', b'_', b'=', b' ', b'\n', b'.', b'+', b'/', old ^ 0x20, old.wrapping_add(1)] {
            if new == old || new > 127 {
                continue;
            }
            let mut changed = token.as_bytes().to_vec();
            changed[at] = new;
            assert_eq!(fernet.read(std::str::from_utf8(&changed).unwrap()), None, "{} at {at}", new as char);
        }
    }
}

#[test]
fn ks_tok_2_case_padding_white_space_and_length_are_refused() {
    let fernet = fernet();
    for (_, _, token) in golden() {
        for changed in [
            token.to_lowercase(),
            token.to_uppercase(),
            format!("{token}="),
            format!("{token}=="),
            format!("{token}A"),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{token},{token}"),
            token[1..].to_owned(),
            token[..token.len() - 1].to_owned(),
            token.repeat(60),
        ] {
            assert_eq!(fernet.read(&changed), None, "{changed}");
        }
    }
    for nonsense in ["", "gAAAAA", "null", "ü", &"A".repeat(MAX_TOKEN + 1)] {
        assert_eq!(fernet.read(nonsense), None);
    }
}

#[test]
fn ks_tok_2_spare_bits_of_the_last_character_must_be_zero() {
    let fernet = fernet();
    let token = golden().remove(0).2;
    assert_eq!(token.len() % 4, 2);
    assert!(token.ends_with('A'));
    for spare in ["B", "C", "P"] {
        assert_eq!(fernet.read(&format!("{}{spare}", &token[..token.len() - 1])), None);
    }
}

#[test]
fn tok_key_3_every_key_of_the_set_reads_and_the_highest_writes() {
    let texts = [KEY, "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="];
    let all = fernet_with(vec![key(0, texts[0]), key(2, texts[2]), key(1, texts[1])]);
    let random = Random::seeded(1);
    let says = payload("password", Scope::System);
    for text in texts {
        let token = fernet_with(vec![key(7, text)]).issue(&says, &random).unwrap();
        assert_eq!(all.read(&token).as_ref(), Some(&says));
    }
    let token = all.issue(&says, &random).unwrap();
    assert_eq!(fernet_with(vec![key(0, texts[2])]).read(&token), Some(says));
    assert_eq!(fernet_with(vec![key(0, texts[1])]).read(&token), None);
}

#[test]
fn ks_tok_7_a_thousand_groups_are_refused_cleanly() {
    let with = |count: usize| Payload {
        federated: Some(Federated { group_ids: vec![UUID.into(); count], idp_id: "i".into(), protocol_id: "p".into() }),
        ..payload("mapped", Scope::Unscoped)
    };
    let (fernet, random) = (fernet(), Random::seeded(1));
    let token = fernet.issue(&with(280), &random).unwrap();
    assert_eq!(fernet.read(&token), Some(with(280)));
    let error = fernet.issue(&with(1000), &random).unwrap_err();
    assert_eq!(error.status(), 400);
    assert!(error.to_string().contains("too many groups"), "{error}");
}

#[test]
fn a_time_of_issue_beyond_the_year_9999_is_refused() {
    let fernet = fernet();
    for seconds in [253_402_300_800, u64::MAX] {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&seconds.to_be_bytes());
        bytes.extend_from_slice(&[0; IV]);
        let key = fernet.keys.primary();
        let cipher = cbc::Encryptor::<Aes128>::new(key.encryption().into(), &[0; IV].into());
        let plain = fernet.codec.encode(&payload("password", Scope::System)).unwrap();
        bytes.extend_from_slice(&cipher.encrypt_padded_vec_mut::<Pkcs7>(&plain));
        let tag = hmac(key, &bytes).unwrap().finalize().into_bytes();
        bytes.extend_from_slice(&tag);
        assert_eq!(fernet.read(&URL_SAFE_NO_PAD.encode(bytes)), None);
    }
}

#[test]
fn sec_mem_1_debug_shows_no_key() {
    let shown = format!("{:?}", fernet());
    assert!(!shown.contains(KEY) && !shown.contains("[0, 1, 2, 3"), "{shown}");
}
