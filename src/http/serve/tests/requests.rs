//! What is answered: requests that are in order, methods and targets without a meaning here, handlers that break.

use super::*;

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
