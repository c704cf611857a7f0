//! Tests of `egress`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod trouble;
mod trust;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::clock::Stopwatch;

/// An HTTP server on a real socket that counts its connections, keeps the requests' heads and answers from a script
/// (the last entry again and again).
struct Peer {
    port: u16,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    async fn new(answers: &[String]) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers)
    }

    fn on(listener: TcpListener, answers: &[String]) -> Self {
        let port = listener.local_addr().unwrap().port();
        let (connections, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let mut script: VecDeque<String> = answers.iter().cloned().collect();
        let (count, kept) = (Arc::clone(&connections), Arc::clone(&heads));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                kept.lock().unwrap().push(String::from_utf8(head).unwrap().to_ascii_lowercase());
                let answer = if script.len() > 1 { script.pop_front() } else { script.front().cloned() }.unwrap();
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, connections, heads }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/x", self.port)
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn moved(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn config(allow: &[&str]) -> config::Egress {
    config::Egress {
        allow: allow.iter().map(|entry| (*entry).to_owned()).collect(),
        schemes: vec!["https".into(), "http".into()],
        ports: Vec::new(),
        total_timeout_secs: 1,
        max_body_bytes: 1024,
        ..config::Egress::default()
    }
}

/// A client whose resolver gives the answers of `script` one after another, the last again and again.
fn client(allow: &[&str], script: &[&[&str]]) -> Egress {
    let answers: Vec<Vec<IpAddr>> =
        script.iter().map(|addresses| addresses.iter().map(|a| a.parse().unwrap()).collect()).collect();
    let left = Mutex::new(VecDeque::from(answers));
    let lookup: Lookup = Arc::new(move |_| {
        let mut left = left.lock().unwrap();
        let next = if left.len() > 1 { left.pop_front() } else { left.front().cloned() };
        Box::pin(async move { Ok(next.unwrap_or_default()) })
    });
    Egress::with_lookup(&config(allow), lookup).unwrap()
}

async fn get(egress: &Egress, kind: Kind, url: &str) -> Result<Answer> {
    egress.get(kind, url, HeaderMap::new()).await
}

/// The one error that every failure must be.
fn uniform() -> Error {
    Error::unavailable("the remote service could not be reached or gave no usable answer")
}

#[tokio::test]
async fn ssrf_1_to_12_internal_addresses_are_refused_at_save_and_at_use() {
    let egress = client(&[], &[&["127.0.0.1"]]);
    let peer = Peer::new(&[ok("reached")]).await;
    for host in [
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "localhost.",
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "127.255.255.254",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "169.254.169.254",
        "[fe80::1]",
        "[fe80::a9fe:a9fe]",
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "[fd00::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "0.1.2.3",
        "168.63.129.16",
        "[::]",
        "[ff02::1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[100::1]",
        "[5f00::1]",
        "[fec0::1]",
    ] {
        let url = peer.url(host);
        let saved = egress.check_url(&url);
        assert_eq!(saved.map_err(|e| e.status()), Err(400), "{host} at save");
        assert_eq!(get(&egress, Kind::Discovery, &url).await.unwrap_err(), uniform(), "{host} at use");
    }
    assert_eq!(peer.connections(), 0);
    for host in ["idp.example.com", "93.184.215.14", "172.32.0.1", "100.128.0.1", "11.0.0.1", "[2606:4700::1111]"] {
        assert!(egress.check_url(&peer.url(host)).is_ok(), "{host}");
    }
}

#[tokio::test]
async fn ssrf_13_a_name_that_resolves_to_an_internal_address_is_refused_at_use() {
    let peer = Peer::new(&[ok("reached")]).await;
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0"] {
        let egress = client(&[], &[&[address]]);
        let url = peer.url("rebound.example.com");
        assert!(egress.check_url(&url).is_ok());
        assert_eq!(get(&egress, Kind::Jwks, &url).await.unwrap_err(), uniform(), "{address}");
        assert_eq!(egress.addresses("rebound.example.com").await.unwrap_err(), uniform());
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn ssrf_13_a_rebound_name_reaches_only_addresses_that_were_checked() {
    // Two servers on one port: 127.0.0.2 stands for the public one, 127.0.0.1 for the internal one.
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let public = Peer::on(listener, &[ok("public")]);
    let internal = Peer::on(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), &[ok("internal")]);
    let url = public.url("rebound.example.com");

    let turns = client(&["127.0.0.2/32"], &[&["127.0.0.2"], &["127.0.0.1"]]);
    assert_eq!(get(&turns, Kind::Jwks, &url).await.unwrap().body, "public");
    assert_eq!(get(&turns, Kind::Jwks, &url).await.unwrap_err(), uniform());

    let both = client(&["127.0.0.2/32"], &[&["127.0.0.1", "127.0.0.2"]]);
    assert_eq!(get(&both, Kind::Jwks, &url).await.unwrap().body, "public");
    assert_eq!(both.addresses("rebound.example.com").await.unwrap(), ["127.0.0.2".parse::<IpAddr>().unwrap()]);
    assert_eq!((public.connections(), internal.connections()), (2, 0));
}

#[tokio::test]
async fn ssrf_14_a_redirect_to_an_internal_address_is_refused_at_the_hop() {
    let internal = Peer::new(&[ok("internal")]).await;
    for location in [internal.url("127.0.0.1"), internal.url("localhost"), internal.url("2130706433")] {
        let public = Peer::new(&[moved(&location)]).await;
        let egress = client(&["idp.example.com"], &[&["127.0.0.1"]]);
        let url = public.url("idp.example.com");
        assert_eq!(get(&egress, Kind::Discovery, &url).await.unwrap_err(), uniform());
        assert_eq!(public.connections(), 1);
    }
    assert_eq!(internal.connections(), 0);
}

#[tokio::test]
async fn ssrf_14_redirects_are_followed_three_times_for_documents_and_never_with_credentials() {
    let egress = client(&["127.0.0.0/8"], &[&["127.0.0.1"]]);
    let hop = || moved("/next");
    let peer = Peer::new(&[hop(), hop(), hop(), ok("there")]).await;
    assert_eq!(get(&egress, Kind::Discovery, &peer.url("127.0.0.1")).await.unwrap().body, "there");
    let peer = Peer::new(&[hop()]).await;
    assert_eq!(get(&egress, Kind::Metadata, &peer.url("127.0.0.1")).await.unwrap_err(), uniform());
    assert_eq!(peer.connections(), 4);
    for kind in [
        Kind::Jwks,
        Kind::Token,
        Kind::Userinfo,
        Kind::Introspection,
        Kind::Scim,
        Kind::Push,
        Kind::Webhook,
        Kind::Policy,
    ] {
        let peer = Peer::new(&[hop()]).await;
        assert_eq!(get(&egress, kind, &peer.url("127.0.0.1")).await.unwrap().status, 302, "{kind:?}");
        assert_eq!(peer.connections(), 1, "{kind:?}");
    }
    let peer = Peer::new(&[hop()]).await;
    let posted = egress.post(Kind::Discovery, &peer.url("127.0.0.1"), HeaderMap::new(), "a=b").await.unwrap();
    assert_eq!((posted.status.as_u16(), peer.connections()), (302, 1));
    let other_scheme = Peer::new(&[moved("https://127.0.0.1/")]).await;
    assert_eq!(get(&egress, Kind::Discovery, &other_scheme.url("127.0.0.1")).await.unwrap_err(), uniform());
}

#[tokio::test]
async fn ssrf_14_a_redirect_to_another_host_loses_the_callers_headers() {
    let other = Peer::new(&[ok("there")]).await;
    let first = Peer::new(&[moved(&other.url("127.0.0.1"))]).await;
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, "Bearer canary".parse().unwrap());
    headers.insert(header::ACCEPT, "application/json".parse().unwrap());
    let egress = client(&["127.0.0.1"], &[]);
    egress.get(Kind::Discovery, &first.url("127.0.0.1"), headers).await.unwrap();
    assert!(first.heads.lock().unwrap()[0].contains("canary"));
    let head = other.heads.lock().unwrap()[0].clone();
    assert!(!head.contains("canary") && head.contains("accept: application/json"), "{head}");
}

#[test]
fn ssrf_15_other_schemes_are_refused() {
    let egress = client(&[], &[]);
    for url in [
        "file:///etc/passwd",
        "gopher://a/",
        "ftp://a/",
        "data:text/plain,x",
        "unix:/run/x",
        "ldap://a/",
        "javascript:1",
        "//a/",
        "a",
        "",
        "http:",
        "https://",
        "http:///x",
    ] {
        assert_eq!(egress.check_url(url).map_err(|e| e.status()).err(), Some(400), "{url}");
    }
    let https_only = Egress::new(&config::Egress::default()).unwrap();
    assert!(https_only.check_url("http://idp.example.com/").is_err());
    assert!(https_only.check_url("https://idp.example.com/").is_ok());
}

#[test]
fn ssrf_16_users_line_ends_backslashes_fragments_and_ports_are_refused() {
    let egress = client(&[], &[]);
    for url in [
        "https://user@a.example/",
        "https://user:pass@a.example/",
        "https://@a.example/",
        "https://a.example@127.0.0.1/",
        "https://a.example\r\n/",
        "https://a.example/\r\nHost: b",
        "https://a.exa\tmple/",
        "https://a.example/#@127.0.0.1/",
        "https://127.0.0.1#@a.example/",
        "https://a.example\\@127.0.0.1/",
        "https:\\\\a.example/",
        "https://a.example /",
        "https://a.example:99999/",
        "https://[::1%25eth0]/",
        "https://a.exa\0mple/",
    ] {
        assert_eq!(egress.check_url(url).map_err(|e| e.status()).err(), Some(400), "{url:?}");
    }
    let defaults = Egress::new(&config::Egress::default()).unwrap();
    for (port, allowed) in [(22, false), (25, false), (6379, false), (443, true), (8443, true)] {
        assert_eq!(defaults.check_url(&format!("https://a.example:{port}/")).is_ok(), allowed, "{port}");
    }
}

#[tokio::test]
async fn ssrf_17_an_endpoint_named_by_a_discovered_document_is_checked_like_any_other() {
    let peer = Peer::new(&[ok("keys")]).await;
    let document = Peer::new(&[ok(&peer.url("127.0.0.1"))]).await;
    let egress = client(&["idp.example.com"], &[&["127.0.0.1"]]);
    let found = get(&egress, Kind::Discovery, &document.url("idp.example.com")).await.unwrap();
    let jwks = std::str::from_utf8(&found.body).unwrap();
    assert_eq!(get(&egress, Kind::Jwks, jwks).await.unwrap_err(), uniform());
    assert_eq!(egress.post(Kind::Token, jwks, HeaderMap::new(), "code=x").await.unwrap_err(), uniform());
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn ssrf_18_every_failure_is_the_same_error_and_echoes_nothing() {
    let egress = client(&["127.0.0.1"], &[&[]]);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let no_http = Peer::new(&["SSH-2.0-canary\r\n".into()]).await;
    let silent = Peer::new(&[String::new()]).await;
    let large = Peer::new(&[ok(&"canary".repeat(1000))]).await;
    let endless = Peer::new(&[format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        format!("400\r\n{}\r\n", "x".repeat(1024)).repeat(4)
    )])
    .await;
    let watch = Stopwatch::start();
    for url in [
        format!("http://127.0.0.1:{closed}/"),
        no_http.url("127.0.0.1"),
        silent.url("127.0.0.1"),
        large.url("127.0.0.1"),
        endless.url("127.0.0.1"),
        "http://unknown.example.com/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "gopher://a/".to_owned(),
        "https://user:canary@a.example/".to_owned(),
    ] {
        assert_eq!(get(&egress, Kind::Discovery, &url).await.unwrap_err(), uniform(), "{url}");
    }
    assert!(watch.elapsed() < Duration::from_secs(5), "the deadline did not hold: {:?}", watch.elapsed());
}

#[tokio::test]
async fn ssrf_19_what_the_operator_names_works_by_network_and_by_host() {
    let peer = Peer::new(&[ok("reached")]).await;
    for (allow, host, reached) in [
        ("127.0.0.0/8", "127.0.0.1", true),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.0/8", "idp.internal", true),
        ("127.0.0.0/8", "localhost", true),
        ("idp.internal", "idp.internal", true),
        ("idp.internal", "IDP.internal.", true),
        ("localhost", "localhost", true),
        ("idp.internal", "other.internal", false),
        ("idp.internal", "x.idp.internal", false),
        ("idp.internal", "127.0.0.1", false),
        ("127.0.0.2/32", "127.0.0.1", false),
        ("10.0.0.0/8", "idp.internal", false),
    ] {
        let egress = client(&[allow], &[&["127.0.0.1"]]);
        let answer = get(&egress, Kind::Push, &peer.url(host)).await;
        assert_eq!(answer.is_ok(), reached, "{allow} {host}");
    }
    assert_eq!(peer.connections(), 7);
}

#[tokio::test]
async fn a_body_and_headers_are_sent_and_any_status_is_an_answer() {
    let peer =
        Peer::new(&["HTTP/1.1 418 Teapot\r\nX-A: b\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno".into()]).await;
    let egress = client(&["127.0.0.1"], &[]);
    let mut headers = HeaderMap::new();
    headers.insert("x-sent", "yes".parse().unwrap());
    let answer =
        egress.send(Kind::Scim, Method::PUT, &peer.url("127.0.0.1"), headers, Bytes::from("abc")).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_ref(), answer.headers["x-a"].as_bytes()),
        (418, &b"no"[..], &b"b"[..])
    );
    let head = peer.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("put /x http/1.1") && head.contains("x-sent: yes") && head.contains("content-length: 3"));
    assert!(head.contains("user-agent: archstone/") && !head.contains("cookie"), "{head}");
}
