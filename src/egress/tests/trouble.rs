//! What an administrator is told of a request that failed, and what nobody is told.

use super::*;
use crate::testing::tls::{Authority, https};

async fn ask(egress: &Egress, kind: Kind, url: &str) -> std::result::Result<Answer, Trouble> {
    egress.ask(kind, Method::GET, url, HeaderMap::new(), Bytes::new()).await
}

/// A port where nobody listens.
async fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A port where whoever connects is greeted at once, in no protocol of ours.
async fn greets() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"SSH-2.0-canary\r\n").await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    port
}

#[tokio::test]
async fn each_cause_is_told_apart() {
    let egress = client(&["127.0.0.1"], &[&[]]);
    let no_http = Peer::new(&["SSH-2.0-canary\r\n".into()]).await;
    let silent = Peer::new(&[String::new()]).await;
    let large = Peer::new(&[ok(&"canary".repeat(1000))]).await;
    let chunked = Peer::new(&[format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(4)
    )])
    .await;
    let broken = Peer::new(&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()]).await;
    for (url, trouble) in [
        (format!("http://127.0.0.1:{}/", closed().await), Trouble::Refused),
        (no_http.url("127.0.0.1"), Trouble::Broken),
        (format!("http://127.0.0.1:{}/", greets().await), Trouble::Broken),
        (silent.url("127.0.0.1"), Trouble::Timeout),
        (large.url("127.0.0.1"), Trouble::TooLarge),
        (chunked.url("127.0.0.1"), Trouble::TooLarge),
        ("http://unknown.example.com/".to_owned(), Trouble::Unresolved),
        (
            format!("https://127.0.0.1:{}/", greets().await),
            Trouble::Tls("the server does not speak TLS at this port".into()),
        ),
        ("gopher://a/".to_owned(), Trouble::NotAllowed("The URL's scheme must be https or http.".into())),
    ] {
        assert_eq!(ask(&egress, Kind::Jwks, &url).await.unwrap_err(), trouble, "{url}");
    }
    let cut = ask(&egress, Kind::Jwks, &broken.url("127.0.0.1")).await;
    assert!(matches!(cut, Err(Trouble::Unreachable | Trouble::Timeout)), "{cut:?}");
}

#[tokio::test]
async fn ssrf_18_an_address_that_may_not_be_asked_gives_one_trouble_whatever_is_there() {
    let peer = Peer::new(&[ok("reached")]).await;
    let one = Trouble::NotAllowed("The URL's host is not allowed.".into());
    let resolves_there = client(&[], &[&["127.0.0.1"]]);
    for port in [peer.port, closed().await] {
        for host in ["127.0.0.1", "localhost", "2130706433", "[::1]", "10.0.0.1", "rebound.example.com"] {
            for kind in [Kind::Discovery, Kind::Metadata, Kind::Token, Kind::Presence] {
                let url = format!("http://{host}:{port}/x");
                assert_eq!(ask(&resolves_there, kind, &url).await.unwrap_err(), one, "{url}");
            }
            let connected = resolves_there.connect(host.trim_matches(['[', ']']), port).await;
            let closed = Trouble::NotAllowed("The host is not allowed.".into());
            assert_eq!(connected.unwrap_err(), closed, "{host} {port}");
        }
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn ssrf_14_a_hop_that_may_not_be_made_gives_one_trouble_whatever_is_there() {
    let internal = Peer::new(&[ok("internal")]).await;
    let egress = client(&["idp.example.com"], &[&["127.0.0.1"]]);
    for port in [internal.port, closed().await] {
        for host in ["127.0.0.1", "rebound.example.com"] {
            let public = Peer::new(&[moved(&format!("http://{host}:{port}/x"))]).await;
            let hop = ask(&egress, Kind::Metadata, &public.url("idp.example.com")).await;
            assert_eq!(hop.unwrap_err(), Trouble::Redirects("to a place that may not be asked"), "{host} {port}");
        }
    }
    let again = Peer::new(&[moved("/x")]).await;
    let hops = ask(&egress, Kind::Metadata, &again.url("idp.example.com")).await;
    assert_eq!(hops.unwrap_err(), Trouble::Redirects("too often"));
    let scheme = Peer::new(&[moved("https://idp.example.com/")]).await;
    let hop = ask(&egress, Kind::Metadata, &scheme.url("idp.example.com")).await;
    assert_eq!(hop.unwrap_err(), Trouble::Redirects("to another scheme"));
    assert_eq!(internal.connections(), 0);
}

#[tokio::test]
async fn tls_that_fails_is_told_by_its_cause() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let authority = Authority::new("Ours");
    let egress = Egress::in_test(&config(&["127.0.0.0/8"]), &[("idp.example", "127.0.0.1")], Some(authority.der()));
    let answer = ok("there");
    for (acceptor, told) in [
        (authority.server("idp.example", (2020, 2090)), None),
        (authority.server("idp.example", (2020, 2021)), Some("the server's certificate has expired")),
        (authority.server("idp.example", (2089, 2090)), Some("the server's certificate is not valid yet")),
        (authority.server("other.example", (2020, 2090)), Some("the server's certificate is for another name")),
        (
            Authority::new("Another").server("idp.example", (2020, 2090)),
            Some("the server's certificate is from an authority that is not trusted here"),
        ),
    ] {
        let url = format!("https://idp.example:{}/", https(acceptor, &answer).await);
        let asked = ask(&egress, Kind::Jwks, &url).await.map(|answer| answer.body);
        match told {
            None => assert_eq!(asked.unwrap(), "there"),
            Some(told) => assert_eq!(asked.unwrap_err(), Trouble::Tls(told.to_owned())),
        }
    }
}

#[tokio::test]
async fn a_directory_is_connected_to_at_an_address_that_was_checked() {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let egress = client(&["127.0.0.2/32"], &[&["127.0.0.1", "127.0.0.2"]]);
    let stream = egress.connect("ldap.example.com", port).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().to_string(), format!("127.0.0.2:{port}"));
    assert_eq!(egress.connect("127.0.0.2", closed().await).await.unwrap_err(), Trouble::Refused);
    let none = client(&[], &[&[]]);
    assert_eq!(none.connect("ldap.example.com", 389).await.unwrap_err(), Trouble::Unresolved);
}

#[test]
fn ssrf_1_to_16_a_directory_is_checked_at_save_like_a_url() {
    let egress = Egress::new(&config::Egress::default()).unwrap();
    for host in ["ldap.example.com", "93.184.215.14", "2606:4700::1111", "[2606:4700::1111]"] {
        assert!(egress.check_host(host, 636).is_ok(), "{host}");
    }
    let told = |host: &str, port: u16| egress.check_host(host, port).unwrap_err().to_string();
    for host in [
        "127.0.0.1",
        "::1",
        "[::1]",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "a.localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "fd00::1",
        "100.64.0.1",
    ] {
        assert_eq!(told(host, 389), "The host is not allowed.", "{host}");
    }
    for host in
        ["", "ldap://a", "a/b", "a@b", "a b", "a\r\nb", "fe80::1%eth0", "a%41", "a:389", "[::1", "ä.example", "a#b"]
    {
        assert_eq!(told(host, 389), "The host cannot be read.", "{host:?}");
    }
    for (port, allowed) in
        [(389, true), (636, true), (3268, true), (3269, true), (443, true), (22, false), (6379, false), (0, false)]
    {
        assert_eq!(egress.check_host("ldap.example.com", port).is_ok(), allowed, "{port}");
    }
    assert!(egress.check_url("https://idp.example.com:389/").is_err());
}
