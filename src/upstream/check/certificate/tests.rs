//! Tests of what is said of certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};

use super::*;
use crate::testing::tls::Pair;

/// 2027-01-15.
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// RSA with 1024 bits, until 2126.
const WEAK: &str = "-----BEGIN CERTIFICATE-----
MIIB/DCCAWWgAwIBAgIUC3Lyjbeb/ycp0usIYHNavxBHUG8wDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEd2VhazAgFw0yNjExMjQxNjE4MTNaGA8yMTI2MTAzMTE2
MTgxM1owDzENMAsGA1UEAwwEd2VhazCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkC
gYEA4MwfpjzEWJJP8tV+yt1m1IXYrkGu3/KbnLcOzU34R7RO4iGvFw6Mzd9zxE6Q
Ez6ISRtc3Usl3SuD+5gv7j1cr3mI2ZcjQ3ZRE3AI5Vo2/CX3cJ0/Tss/F9g6wHMF
qr/bVyGfXy7kNU88s9PCs6/FKK8mAq2l4RBtLGjdLsjliDUCAwEAAaNTMFEwHQYD
VR0OBBYEFIaEWDMODFGvensOTcGmwYDv3erkMB8GA1UdIwQYMBaAFIaEWDMODFGv
ensOTcGmwYDv3erkMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADgYEA
OkbYAh0yr9dhUtuDbkGzsRUeOTzSisleLPTnsTVRxyOUnwGbB7hZJ7P1y1JHuLww
bnwifz1uJvy1AbFvAwFL1qrDCDAbAT8bMUjY8yhaQu/knyaArxtPp3B0E7wzYvWZ
I3aeMfN/cPPyvaVl0ay6mzNRbcn/PVMp1NHvByY3KC4=
-----END CERTIFICATE-----
";

/// An elliptic key on secp256k1, until 2126.
const OTHER_CURVE: &str = "-----BEGIN CERTIFICATE-----
MIIBbjCCARSgAwIBAgIUCLYVaK0tF7cYKJ/PmU+EOTxJaTUwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCazEwIBcNMjYxMTI0MTYxODEzWhgPMjEyNjEwMzExNjE4MTNa
MA0xCzAJBgNVBAMMAmsxMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEzz9OSBu3H2E5
/DHrEHRrKvpTj2fzX2d4YFvpqj/8/SeWQArewTbdwwNfgTDRo+VvtR1e0yZHAHmm
MaGmxF5DlqNTMFEwHQYDVR0OBBYEFKfVXQI49veCUUr1lpUnGEpUpH4qMB8GA1Ud
IwQYMBaAFKfVXQI49veCUUr1lpUnGEpUpH4qMA8GA1UdEwEB/wQFMAMBAf8wCgYI
KoZIzj0EAwIDSAAwRQIhAJOUO6Gip3j+H3HnLzWGcIKRpU+s4HCZWbYFhXD3KSUv
AiAA55Dp/9MYAdK1zyvYYMQNpTiibwK0Uz7gYk4VRnMwZw==
-----END CERTIFICATE-----
";

fn judged(pem: &str) -> Result<Judged, String> {
    judge(Certificate::from_pem(pem).unwrap(), "the partner", NOW)
}

fn good() -> Pair {
    Pair::new((2026, 1, 1), (2030, 1, 1))
}

#[test]
fn keys_of_a_safe_kind_and_size_are_taken() {
    for key in [
        KeyPair::generate().unwrap(),
        KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
        KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap(),
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
    ] {
        let pair = Pair::with(&key, (2026, 1, 1), (2030, 1, 1));
        let judged = judged(&pair.certificate).unwrap();
        assert_eq!((judged.usable[0].der.as_slice(), judged.remarks.len()), (pair.der.as_slice(), 0));
        assert_eq!(judged.ends, Timestamp::parse("2030-01-01T00:00:00Z"));
        assert_eq!(is_key_of(&Secret::from(pair.key.as_str()), &judged.usable[0]), Ok(true));
        assert_eq!(is_key_of(&Secret::from(good().key.as_str()), &judged.usable[0]), Ok(false));
    }
}

#[test]
fn what_cannot_be_used_is_told_with_its_cause() {
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    for (pem, why) in [
        (WEAK.to_owned(), "has an RSA key of 1024 bits; 2048 to 8192 are taken"),
        (OTHER_CURVE.to_owned(), "has an elliptic key that is not on P-256, P-384 or P-521"),
        (Pair::with(&ed25519, (2026, 1, 1), (2030, 1, 1)).certificate, "has a key that is neither RSA nor elliptic"),
        (Pair::new((2020, 1, 1), (2027, 1, 14)).certificate, "expired on 2027-01-14"),
        (Pair::new((2027, 1, 16), (2030, 1, 1)).certificate, "is not valid before 2027-01-16"),
    ] {
        let told = format!("The certificate of the partner {why}. Set the certificate that it uses now.");
        assert_eq!(judged(&pem).unwrap_err(), told);
    }
}

#[test]
fn one_of_several_is_enough_and_the_others_are_remarked_upon() {
    let (old, soon) = (Pair::new((2020, 1, 1), (2026, 1, 1)), Pair::new((2020, 1, 1), (2027, 2, 13)));
    let judged = judged(&[old.certificate.as_str(), &soon.certificate, WEAK, &good().certificate].concat()).unwrap();
    assert_eq!(judged.usable.len(), 2);
    assert_eq!(judged.ends, Timestamp::parse("2027-02-13T00:00:00Z"));
    assert_eq!(
        judged.remarks,
        [
            "Certificate 1 of the partner expired on 2026-01-01.",
            "Certificate 2 of the partner expires on 2027-02-13.",
            "Certificate 3 of the partner has an RSA key of 1024 bits; 2048 to 8192 are taken.",
        ]
    );
}

#[test]
fn an_end_within_30_days_is_remarked_upon() {
    let remarks = |day| judged(&Pair::new((2026, 1, 1), day).certificate).unwrap().remarks.len();
    assert_eq!((remarks((2027, 2, 14)), remarks((2027, 2, 15))), (1, 0));
}

#[test]
fn what_is_no_certificate_in_pem_is_refused_without_quoting_it() {
    let good = good();
    let truncated = good.certificate.replacen(good.certificate.lines().nth(1).unwrap(), "", 1);
    let begin = "has no certificate in PEM, which begins with '-----BEGIN CERTIFICATE-----'";
    for (text, why) in [
        ("", begin),
        ("MIIBcanary", begin),
        (good.key.as_str(), "has a PEM block 'PRIVATE KEY'; only certificates may be there"),
        ("-----BEGIN CERTIFICATE-----\n!!canary\n-----END CERTIFICATE-----\n", "has a PEM block that cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n", "is no X.509 certificate"),
        (truncated.as_str(), "is no X.509 certificate"),
    ] {
        assert_eq!(Certificate::from_pem(text).unwrap_err(), why, "{text}");
    }
    assert_eq!(Certificate::from_der(&[good.der.as_slice(), b"x"].concat()), Err("has more in it than a certificate"));
    let many = good.certificate.repeat(21);
    assert_eq!(Certificate::from_pem(&many).unwrap_err(), "has more than 20 certificates");
}

#[test]
fn a_key_that_is_none_is_told_without_quoting_it() {
    let certificate = &Certificate::from_pem(&good().certificate).unwrap()[0];
    let none = "is no private key in PEM without a password, which begins with '-----BEGIN PRIVATE KEY-----'";
    for text in ["canary", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----\n"] {
        assert_eq!(is_key_of(&Secret::from(text), certificate), Err(none));
    }
    let broken = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n";
    assert_eq!(is_key_of(&Secret::from(broken), certificate), Err("is of a kind that cannot be used"));
}
