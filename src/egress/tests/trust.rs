//! Siblings that trust others and keep the same rules.

use super::*;
use crate::testing::tls::{Authority, Pair, https};

/// A client that trusts an authority that nobody here has a certificate of.
fn egress(names: &[(&str, &str)], allow: &[&str]) -> Egress {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Egress::in_test(&config(allow), names, Some(Authority::new("Nobody's").der()))
}

async fn ask(egress: &Egress, url: &str) -> std::result::Result<Answer, Trouble> {
    egress.ask(Kind::Scim, Method::GET, url, HeaderMap::new(), Bytes::new()).await
}

#[tokio::test]
async fn a_sibling_trusts_the_authorities_that_it_is_given_and_no_others() {
    let (ours, another) = (Authority::new("Ours"), Authority::new("Another"));
    let plain = egress(&[("scim.example", "127.0.0.1")], &["127.0.0.0/8"]);
    let url = |port: u16| format!("https://scim.example:{port}/");
    let by_ours = url(https(ours.server("scim.example", (2020, 2090)), &ok("there")).await);
    let by_another = url(https(another.server("scim.example", (2020, 2090)), &ok("there")).await);
    let other_name = url(https(ours.server("other.example", (2020, 2090)), &ok("there")).await);
    let expired = url(https(ours.server("scim.example", (2020, 2021)), &ok("there")).await);
    let told = |asked: std::result::Result<Answer, Trouble>| match asked {
        Ok(answer) => String::from_utf8(answer.body.to_vec()).unwrap(),
        Err(trouble) => trouble.to_string(),
    };
    let unknown = "TLS failed: the server's certificate is from an authority that is not trusted here";

    let sibling = plain.trusting(Some(&ours.pem()), true).unwrap();
    assert_eq!(told(ask(&plain, &by_ours).await), unknown);
    assert_eq!(told(ask(&sibling, &by_ours).await), "there");
    assert_eq!(told(ask(&sibling, &by_another).await), unknown);
    assert_eq!(told(ask(&sibling, &other_name).await), "TLS failed: the server's certificate is for another name");
    assert_eq!(told(ask(&sibling, &expired).await), "TLS failed: the server's certificate has expired");

    let both = plain.trusting(Some(&format!("{}{}", ours.pem(), another.pem())), true).unwrap();
    assert_eq!(told(ask(&both, &by_ours).await), "there");
    assert_eq!(told(ask(&both, &by_another).await), "there");

    // Nothing said keeps what is trusted; a sibling's sibling too.
    assert_eq!(told(ask(&plain.trusting(None, true).unwrap(), &by_ours).await), unknown);
    assert_eq!(told(ask(&sibling.trusting(None, true).unwrap(), &by_ours).await), "there");

    let anyone = plain.trusting(None, false).unwrap();
    for url in [&by_ours, &by_another, &other_name, &expired] {
        assert_eq!(told(ask(&anyone, url).await), "there", "{url}");
    }
}

#[tokio::test]
async fn ssrf_1_to_18_a_sibling_keeps_the_rules() {
    let peer = Peer::new(&[moved("/elsewhere")]).await;
    let ours = Authority::new("Ours");
    let open = egress(&[("scim.example", "127.0.0.1")], &["127.0.0.0/8"]);
    let closed = egress(&[("scim.example", "127.0.0.1")], &[]);
    for (pem, verify) in [(Some(ours.pem()), true), (Some(ours.pem()), false), (None, false)] {
        let sibling = closed.trusting(pem.as_deref(), verify).unwrap();
        for host in ["127.0.0.1", "scim.example", "169.254.169.254"] {
            let refused = ask(&sibling, &peer.url(host)).await.unwrap_err();
            assert_eq!(refused, Trouble::NotAllowed("The URL's host is not allowed.".into()), "{host}");
        }
        assert_eq!(peer.connections(), 0);
        let sibling = open.trusting(pem.as_deref(), verify).unwrap();
        assert!(matches!(ask(&sibling, "gopher://scim.example/").await, Err(Trouble::NotAllowed(_))));
        let silent = Peer::new(&[String::new()]).await;
        assert_eq!(ask(&sibling, &silent.url("scim.example")).await.unwrap_err(), Trouble::Timeout);
        let large = Peer::new(&[ok(&"x".repeat(2000))]).await;
        assert_eq!(ask(&sibling, &large.url("scim.example")).await.unwrap_err(), Trouble::TooLarge);
        let moving = Peer::new(&[moved("/elsewhere")]).await;
        assert_eq!(ask(&sibling, &moving.url("scim.example")).await.unwrap().status, StatusCode::FOUND);
        assert_eq!(moving.connections(), 1);
    }
}

#[test]
fn authorities_that_cannot_be_read_are_refused_by_what_they_are() {
    let plain = egress(&[], &[]);
    let pem = Authority::new("Ours").pem();
    let key = Pair::new((2020, 1, 1), (2090, 1, 1)).key;
    for (text, why) in [
        (String::new(), "have none in PEM, which begins with '-----BEGIN CERTIFICATE-----'"),
        ("canary".to_owned(), "have none in PEM, which begins with '-----BEGIN CERTIFICATE-----'"),
        (format!("{pem}{key}"), "have a PEM block that is no certificate"),
        (pem.replace("-----END", "====="), "have a PEM block that cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n".to_owned(), "are no X.509 certificates"),
        (pem.repeat(21), "are more than 20"),
        ("x".repeat(70_000), "are too long"),
    ] {
        for verify in [true, false] {
            let refused = plain.trusting(Some(&text), verify).map(drop).unwrap_err();
            assert_eq!(refused, Error::invalid(format!("The certificates of the authority {why}.")));
        }
    }
}
