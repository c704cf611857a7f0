//! What is refused before a handler sees it: requests that can be read in two ways, and requests that are too large.

use super::*;

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
