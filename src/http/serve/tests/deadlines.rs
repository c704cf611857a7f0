//! How long a peer may take over sending a request and over reading its answer.

use super::*;

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
