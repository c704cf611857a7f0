//! HTTP/2 with prior knowledge, what it makes possible, and the choice of the protocol over TLS.

use super::*;

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
