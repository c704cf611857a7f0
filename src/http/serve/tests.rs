//! Tests of `serve`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use warp::Filter;

use super::*;
use crate::clock::Stopwatch;

const LONG: Duration = Duration::from_secs(20);

fn limits() -> Limits {
    Limits {
        max_connections: 64,
        handshake_timeout: LONG,
        header_timeout: LONG,
        body_timeout: LONG,
        keep_alive_timeout: LONG,
        write_stall_timeout: LONG,
        shutdown_grace: Duration::from_secs(5),
        max_header_bytes: 65_536,
        max_uri_bytes: 16_384,
        http2_max_streams: 128,
        http2_max_header_list: 32_768,
    }
}

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Stopped>,
}

impl Server {
    async fn stop(&mut self) -> Stopped {
        drop(self.stop.take());
        (&mut self.ended).await.unwrap()
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` on a new connection and reads until the server closes.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        let (mut reader, mut writer) = stream.split();
        let send = async {
            // The server may close before it has taken everything.
            let _ = writer.write_all(request).await;
            std::future::pending::<()>().await
        };
        let mut answer = Vec::new();
        let receive = timeout(Duration::from_secs(5), reader.read_to_end(&mut answer));
        let received = tokio::select! { received = receive => received, () = send => unreachable!() };
        received.expect("the connection stays open").expect("the connection was reset");
        String::from_utf8(answer).unwrap()
    }
}

fn all_of(mut part: impl warp::Buf) -> Bytes {
    part.copy_to_bytes(part.remaining())
}

type BodyParts = futures_util::stream::BoxStream<'static, Result<bytes::Bytes, warp::Error>>;

/// `/size` answers the length of the body, 400 if it breaks off; `/slow` takes 300 ms; `/big` answers 64 MiB; `/panic`
/// breaks; `/peer` answers the peer's port; anything else its path.
async fn server_with(tls: Option<TlsAcceptor>, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let answer = |status: u16, text: String| http::Response::builder().status(status).body(text).unwrap();
    let filter = warp::path::full()
        .and(warp::ext::get::<Remote>())
        .and(warp::body::stream().map(|parts| {
            let copied = futures_util::StreamExt::map(parts, |part: Result<_, warp::Error>| part.map(all_of));
            copied.boxed()
        }))
        .then(move |path: warp::path::FullPath, remote: Remote, mut body: BodyParts| async move {
            let mut size = 0;
            match path.as_str() {
                "/size" => {
                    while let Some(part) = body.next().await {
                        let Ok(part) = part else { return answer(400, "broken".into()) };
                        size += part.len();
                    }
                    answer(200, format!("size={size}"))
                }
                "/slow" => {
                    sleep(Duration::from_millis(300)).await;
                    answer(200, "slow".into())
                }
                "/big" => answer(200, "x".repeat(64 << 20)),
                "/large" => answer(413, "too large".into()),
                "/panic" => panic!("asked to"),
                "/peer" => answer(200, remote.0.port().to_string()),
                other => answer(200, other.to_owned()),
            }
        });
    let service = TowerToHyperService::new(warp::service(filter));
    let ended = tokio::spawn(serve(listener, tls, service, limits, async {
        let _ = stopped.await;
    }));
    Server { address, stop: Some(stop), ended }
}

async fn server(limits: Limits) -> Server {
    server_with(None, limits).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
async fn requests_are_answered_on_one_connection_and_carry_the_peers_address() {
    let server = server(limits()).await;
    let mut stream = server.connect().await;
    let port = stream.local_addr().unwrap().port();
    for _ in 0..2 {
        stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 1024];
        let length = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.ends_with(&format!("\r\n\r\n{port}")), "{answer}");
    }
    let answer = server
        .exchange(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.contains("\r\n\r\n/a") && answer.ends_with("\r\n\r\n/b"), "{answer}");
    let chunked = b"PUT /size HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(server.exchange(chunked).await.ends_with("size=5"));
}

#[tokio::test]
async fn http_smug_1_to_8_ambiguous_requests_are_answered_400_and_the_connection_closed() {
    let server = server(limits()).await;
    let chunked = "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let extension = format!("{chunked}3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let overflow = format!("{chunked}10000000000000003\r\nabc\r\n0\r\n\r\n");
    for (id, request) in [
        (
            "1 CL+TE",
            "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "1 TE+CL",
            "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        ("2 TE.TE", "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
        (
            "2 TE.TE",
            "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        ),
        ("2 TE.TE", "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
        ("2 TE.TE", "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("2 TE.TE", "PUT /size HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("2 TE.TE", "PUT /size HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("2 TE 1.0", "PUT /size HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("3 two CL", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"),
        ("3 two CL", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
        ("3 two CL", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde"),
        ("4 CL +", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde"),
        ("4 CL space", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nabcde"),
        ("4 CL space", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nabcde"),
        ("4 CL minus", "PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nabcde"),
        ("5 bare LF", "GET / HTTP/1.1\nHost: a\n\n"),
        ("5 bare LF", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
        ("5 bare LF", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        ("5 bare LF", "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
        ("6 chunk-size overflow", overflow.as_str()),
        (
            "6 chunk-size sign",
            "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        ),
        ("7 chunk extension", extension.as_str()),
        ("8 xchunked", "PUT /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ] {
        // Sent twice: the second must never be answered.
        let answer = server.exchange([request, request].concat().as_bytes()).await;
        let shown = request.get(..120).unwrap_or(request);
        assert_eq!(status(&answer), "400", "{id}: {shown:?} {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{id}: {shown:?} {answer}");
    }
}

#[tokio::test]
async fn http_smug_a_refused_request_leaves_the_answers_before_it_whole() {
    let server = server(limits()).await;
    let answer = server.exchange(b"GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("/first"), "{answer}");
    assert!(answer.contains("HTTP/1.1 400") && !answer.contains("/second"), "{answer}");
}

#[tokio::test]
async fn http_big_1_to_4_oversized_requests_are_answered_and_the_connection_closed() {
    let server = server(limits()).await;
    let long_header = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(10_000));
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "x".repeat(20_000));
    let longer_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(65_536));
    let long_body =
        format!("PUT /large HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n{}", "x".repeat(100 << 20));
    for (id, request, expected) in [
        ("1", &long_header, "431"),
        ("2", &many_headers, "431"),
        ("3", &long_target, "414"),
        ("3", &longer_target, "431"),
        ("4", &long_body, "413"),
    ] {
        assert_eq!(status(&server.exchange(request.as_bytes()).await), expected, "HTTP-BIG-{id}");
    }
    let answer = server.exchange(long_target.as_bytes()).await;
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let expected = serde_json::json!({"error": {"code": 414, "title": "URI Too Long", "message": "The request target is too long."}});
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap(), expected);
}

#[tokio::test]
async fn http_meth_1_methods_without_a_meaning_here_are_answered_501() {
    let server = server(limits()).await;
    for target in ["TRACE / HTTP/1.1", "CONNECT a:1 HTTP/1.1"] {
        let answer = server.exchange(format!("{target}\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(status(&answer), "501", "{answer}");
    }
    assert_eq!(status(&server.exchange(b"BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await), "200");
    assert_eq!(status(&server.exchange(b"G\x7fT / HTTP/1.1\r\nHost: a\r\n\r\n").await), "400");
}

#[tokio::test]
async fn http_1_1_requests_need_one_host_and_a_target_with_a_path() {
    let server = server(limits()).await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nX: y\r\nConnection: close\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\n\r\n", "200"),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400"),
        ("GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400"),
        ("GET http://b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200"),
    ] {
        assert_eq!(status(&server.exchange(request.as_bytes()).await), expected, "{request:?}");
    }
}

#[tokio::test]
async fn a_broken_handler_is_answered_500_and_the_connection_lives() {
    let server = server(limits()).await;
    let answer = server
        .exchange(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\nGET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("/after"), "{answer}");
}

/// Runs `sent` in pieces 20 ms apart on a new connection and tells how long the server put up with it.
async fn until_cut(server: &Server, first: &[u8], drip: &[u8]) -> Duration {
    let mut stream = server.connect().await;
    let watch = Stopwatch::start();
    stream.write_all(first).await.unwrap();
    let mut byte = [0];
    loop {
        match timeout(Duration::from_millis(20), stream.read(&mut byte)).await {
            Ok(Ok(0) | Err(_)) => return watch.elapsed(),
            Ok(Ok(_)) => {}
            Err(_) => {
                let _ = stream.write_all(drip).await;
            }
        }
        assert!(watch.elapsed() < Duration::from_secs(3), "not cut");
    }
}

fn about_200_ms(elapsed: Duration) -> bool {
    (Duration::from_millis(190)..Duration::from_secs(2)).contains(&elapsed)
}

#[tokio::test]
async fn http_slow_1_slow_heads_are_cut() {
    let server = server(Limits { header_timeout: Duration::from_millis(200), ..limits() }).await;
    for (first, drip) in [("", ""), ("", "\r\n"), ("PRI", ""), ("G", ""), ("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n")]
    {
        let elapsed = until_cut(&server, first.as_bytes(), drip.as_bytes()).await;
        assert!(about_200_ms(elapsed), "{first:?} {elapsed:?}");
    }
}

#[tokio::test]
async fn http_slow_2_slow_bodies_are_cut() {
    let server = server(Limits { body_timeout: Duration::from_millis(200), ..limits() }).await;
    let head = b"PUT /size HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    let elapsed = until_cut(&server, head, b"x").await;
    assert!(about_200_ms(elapsed), "{elapsed:?}");
}

#[tokio::test]
async fn http_slow_3_a_peer_that_does_not_read_is_cut_and_others_are_served() {
    let server = server(Limits { write_stall_timeout: Duration::from_millis(200), ..limits() }).await;
    let mut stalled = server.connect().await;
    stalled.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(status(&server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await), "200");
    sleep(Duration::from_millis(500)).await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), stalled.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.len() < 64 << 20, "the whole answer came");
}

#[tokio::test]
async fn a_slow_reader_that_does_read_gets_everything() {
    let server = server(Limits { write_stall_timeout: Duration::from_millis(400), ..limits() }).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut total = 0;
    let mut buffer = vec![0; 8 << 20];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        total += length;
        sleep(Duration::from_millis(5)).await;
    }
    assert!(total > 64 << 20, "{total}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = server(Limits { keep_alive_timeout: Duration::from_millis(200), ..limits() }).await;
    let elapsed = until_cut(&server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"").await;
    assert!(about_200_ms(elapsed), "{elapsed:?}");
    let answer = server.exchange(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("slow"), "{answer}");
    let mut stream = server.connect().await;
    for _ in 0..10 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut buffer = [0; 512];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        sleep(Duration::from_millis(40)).await;
    }
}

#[tokio::test]
async fn connections_over_the_cap_wait_their_turn() {
    let server = server(Limits { max_connections: 2, ..limits() }).await;
    let (first, _second) = (server.connect().await, server.connect().await);
    sleep(Duration::from_millis(50)).await;
    let mut third = server.connect().await;
    third.write_all(b"GET /third HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    assert!(timeout(Duration::from_millis(150), third.read_to_string(&mut answer)).await.is_err());
    drop(first);
    timeout(Duration::from_secs(2), third.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("/third"), "{answer}");
}

#[tokio::test]
async fn rel_term_1_a_stop_drains_running_requests() {
    let mut server = server(limits()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut buffer = [0; 512];
    assert!(idle.read(&mut buffer).await.unwrap() > 0);
    let mut running = server.connect().await;
    running.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(server.stop.take());
    sleep(Duration::from_millis(50)).await;
    // A request that crosses the stop on an open connection is still answered, and told to be the last.
    idle.write_all(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    idle.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("connection: close") && answer.ends_with("/late"), "{answer}");
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
    assert_eq!(server.stop().await, Stopped { cut: 0 });
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rel_term_1_a_stop_under_load_cuts_no_request() {
    let mut server = server(limits()).await;
    let mut clients = Vec::new();
    for _ in 0..32 {
        let mut stream = server.connect().await;
        clients.push(tokio::spawn(async move {
            let mut answered = 0;
            let mut buffer = [0; 1024];
            loop {
                stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
                let length = stream.read(&mut buffer).await.unwrap();
                let answer = String::from_utf8_lossy(&buffer[..length]);
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?} after {answered}");
                answered += 1;
                if answer.contains("connection: close") {
                    return answered;
                }
            }
        }));
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(server.stop().await, Stopped { cut: 0 });
    for client in clients {
        assert!(client.await.unwrap() > 1);
    }
}

#[tokio::test]
async fn rel_term_1_a_stop_is_bounded() {
    let mut server = server(Limits { shutdown_grace: Duration::from_millis(200), ..limits() }).await;
    let mut stalled = server.connect().await;
    stalled.write_all(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let watch = Stopwatch::start();
    assert_eq!(server.stop().await, Stopped { cut: 1 });
    assert!(watch.elapsed() < Duration::from_secs(3), "{:?}", watch.elapsed());
}

/// A minimal HTTP/2 client: preface, SETTINGS and one GET whose header block uses the static table only.
fn http2_get(path: u8) -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    // :method GET, :scheme http, :path by index, :authority literal "a" (RFC 7541 appendix A)
    let block = [0x82, 0x86, path, 0x01, 0x01, b'a'];
    bytes.extend([0, 0, block.len() as u8, 1, 5, 0, 0, 0, 1]);
    bytes.extend(block);
    bytes
}

#[tokio::test]
async fn http2_with_prior_knowledge_is_answered_even_byte_by_byte() {
    let server = server(limits()).await;
    let mut stream = server.connect().await;
    for byte in http2_get(0x85) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&answer).contains("/index.html") {
        let length = timeout(Duration::from_secs(2), stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(length > 0, "closed: {answer:?}");
        answer.extend_from_slice(&buffer[..length]);
    }
}

#[tokio::test]
async fn http2_connections_that_ask_for_nothing_or_stop_asking_are_closed() {
    let short = Duration::from_millis(200);
    let server = server(Limits { header_timeout: short, keep_alive_timeout: short, ..limits() }).await;
    let elapsed = until_cut(&server, &http2_get(0x84)[..24 + 9], b"").await;
    assert!(about_200_ms(elapsed), "{elapsed:?}");
    let elapsed = until_cut(&server, &http2_get(0x84), b"").await;
    assert!(about_200_ms(elapsed), "{elapsed:?}");
}

#[tokio::test]
async fn http_h2_1_to_3_floods_end_the_connection() {
    let server = server(limits()).await;
    let settings_frame = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let preface = http2_get(0x84)[..24 + 9].to_vec();
    let block = [0x82, 0x86, 0x84, 0x01, 0x01, b'a'];
    let (mut resets, mut continuations, mut settings) = (preface.clone(), preface.clone(), preface);
    for stream in 0..20_000_u32 {
        let id = (stream * 2 + 1).to_be_bytes();
        resets.extend([0, 0, 6, 1, 5]);
        resets.extend(id);
        resets.extend(block);
        resets.extend([0, 0, 4, 3, 0]);
        resets.extend(id);
        resets.extend([0, 0, 0, 8]);
    }
    continuations.extend([0, 0, 6, 1, 1, 0, 0, 0, 1]);
    continuations.extend(block);
    for _ in 0..20_000 {
        continuations.extend([0, 0, 100, 9, 0, 0, 0, 0, 1]);
        // Literal fields without indexing, name "x", value of 46 bytes, twice.
        for _ in 0..2 {
            continuations.extend([0x00, 0x01, b'x', 46]);
            continuations.extend([b'y'; 46]);
        }
    }
    for _ in 0..200_000 {
        settings.extend(settings_frame);
    }
    for (id, flood) in [("1 rapid reset", resets), ("2 CONTINUATION", continuations)] {
        let mut stream = server.connect().await;
        let (mut reader, mut writer) = stream.split();
        let send = async {
            let _ = writer.write_all(&flood).await;
            std::future::pending::<()>().await
        };
        let mut answer = Vec::new();
        let receive = timeout(Duration::from_secs(5), reader.read_to_end(&mut answer));
        let ended = tokio::select! { ended = receive => ended, () = send => unreachable!() };
        assert!(ended.is_ok(), "HTTP-H2-{id}: the connection stays open");
    }
    // Answering SETTINGS costs little, but a peer that never reads the answers is stalled and cut.
    let server = self::server(Limits { write_stall_timeout: Duration::from_millis(200), ..limits() }).await;
    let mut stream = server.connect().await;
    let flooding = async { while stream.write_all(&settings).await.is_ok() {} };
    timeout(Duration::from_secs(5), flooding).await.expect("HTTP-H2-3: the connection stays open");
}

#[tokio::test]
async fn tls_is_spoken_with_both_protocols_and_its_handshake_has_a_deadline() {
    let names = vec!["localhost".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    assert!(acceptor(&key, &key).is_err() && acceptor(&certificate, &certificate).is_err());
    let limits = Limits { handshake_timeout: Duration::from_millis(200), ..limits() };
    let server = server_with(Some(acceptor(&certificate, &key).unwrap()), limits).await;

    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    for protocol in ["http/1.1", "h2"] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, server.connect().await).await.unwrap();
        let request =
            if protocol == "h2" { http2_get(0x85) } else { b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n".to_vec() };
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 1024];
        while !String::from_utf8_lossy(&answer).contains("/index.html") {
            let length = timeout(Duration::from_secs(2), stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(length > 0, "{protocol} closed: {answer:?}");
            answer.extend_from_slice(&buffer[..length]);
        }
    }
    let elapsed = until_cut(&server, b"\x16\x03", b"").await;
    assert!(about_200_ms(elapsed), "{elapsed:?}");
}
