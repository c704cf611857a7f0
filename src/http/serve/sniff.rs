//! HTTP/1.1 or HTTP/2 on a plain connection: told by the client's first bytes (RFC 9113 §3.4).

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge, or chosen in the TLS handshake.
    Http2,
}

/// Reads until the protocol is known; the bytes read belong to it. `None` if the client left before that.
pub async fn protocol<IO: AsyncRead + Unpin>(io: &mut IO) -> io::Result<Option<(Protocol, Bytes)>> {
    let mut read = BytesMut::with_capacity(4096);
    loop {
        if io.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
        if read.starts_with(PREFACE) {
            return Ok(Some((Protocol::Http2, read.freeze())));
        }
        if !PREFACE.starts_with(&read) {
            return Ok(Some((Protocol::Http1, read.freeze())));
        }
    }
}
