//! The socket as hyper sees it: framing checked on the way in, stalls noted on the way out, a gentle end.
//!
//! A message that `framing` refuses is made unreadable with one NUL byte at the refused place, which no parser takes:
//! hyper then answers 400 in its turn (or fails the body) and closes. Nothing after it is read.
//!
//! Closing a socket that still holds unread bytes makes the kernel reset the connection, which can destroy the answer
//! on its way (RFC 9112 §9.6). When the peer is in the middle of a message we therefore stop writing, read on for a
//! moment without looking, and close then.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::framing::{Framing, Place};
use super::watch::Activity;

/// How long bytes are read away before the end.
const LINGER: Duration = Duration::from_secs(2);

/// One connection's socket, plain or TLS.
#[derive(Debug)]
pub struct Guard<IO> {
    io: IO,
    /// Bytes that were read to find out the protocol.
    prefix: Bytes,
    /// `None` for HTTP/2, which frames itself.
    framing: Option<Framing>,
    refused: bool,
    linger: Option<Pin<Box<Sleep>>>,
    activity: Arc<Activity>,
}

impl<IO> Guard<IO> {
    /// Around `io`, of which `prefix` has been read already. `strict` is the largest head of HTTP/1.1.
    pub fn new(io: IO, prefix: Bytes, strict: Option<usize>, activity: Arc<Activity>) -> Self {
        Self { io, prefix, framing: strict.map(Framing::new), refused: false, linger: None, activity }
    }

    fn in_message(&self) -> bool {
        self.refused || self.framing.as_ref().is_some_and(|framing| framing.place() != Place::Boundary)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Guard<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.refused {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        if this.prefix.is_empty() {
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        } else {
            let taken = this.prefix.len().min(buf.remaining());
            buf.put_slice(&this.prefix.split_to(taken));
        }
        if let Some(framing) = &mut this.framing {
            let fresh = buf.filled().get(before..).unwrap_or_default();
            if let Err(at) = framing.feed(fresh) {
                metrics::counter!("archstone_http_refused_total", "reason" => "framing").increment(1);
                this.refused = true;
                buf.set_filled(before + at);
                buf.put_slice(&[0]);
            }
            this.activity.read(framing.place(), framing.messages());
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.activity.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.activity.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.io).poll_flush(cx);
        this.activity.wrote(&outcome);
        outcome
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            if !this.in_message() {
                return Poll::Ready(Ok(()));
            }
        }
        let timer = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut room = [0; 8192];
        loop {
            if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buf = ReadBuf::new(&mut room);
            let outcome = ready!(Pin::new(&mut this.io).poll_read(cx, &mut buf));
            if outcome.is_err() || buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
