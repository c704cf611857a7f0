//! The accept loop: sockets in, requests to one service, with every limit that a public port needs.
//!
//! One task per connection drives hyper directly. Around it stand a cap on connections, deadlines for head, body, idle
//! time and stalled writing (`watch`), a strict reading of HTTP/1.1 framing in front of hyper's parser (`framing`,
//! RFC 9112 §6 and §7), the choice between HTTP/1.1 and HTTP/2 (`sniff`, RFC 9113 §3.3), TLS (`tls`) and a graceful
//! stop with a bound. Limits that a request breaks are answered in Keystone's envelope where a request exists at all
//! (`refuse`); before that hyper answers an empty 400 or 431 and closes.
//!
//! Deadlines cost no timer per request: each connection has one slow tick that looks at what has not moved.

mod framing;
mod guard;
mod refuse;
mod sniff;
mod tls;
mod watch;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, ready};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch as channel};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use guard::Guard;
use sniff::Protocol;
use watch::{Activity, Verdict, Watch};

pub use tls::acceptor;

/// What a connection and a request may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Time for a TLS handshake.
    pub handshake_timeout: Duration,
    /// Time in which a request's head must arrive.
    pub header_timeout: Duration,
    /// Time in which an HTTP/1.1 request's body must arrive. A backstop behind the handler's own deadline: when it
    /// strikes, the connection is cut without an answer.
    pub body_timeout: Duration,
    /// Time after which a connection without a request is closed.
    pub keep_alive_timeout: Duration,
    /// Time after which a peer that does not read its answer is cut off.
    pub write_stall_timeout: Duration,
    /// Time that running requests get at the stop.
    pub shutdown_grace: Duration,
    /// Largest head in bytes.
    pub max_header_bytes: usize,
    /// Longest request target in bytes.
    pub max_uri_bytes: usize,
    /// HTTP/2: requests open at once on one connection.
    pub http2_max_streams: u32,
    /// HTTP/2: largest decoded header list in bytes.
    pub http2_max_header_list: u32,
}

impl From<&crate::config::Server> for Limits {
    fn from(server: &crate::config::Server) -> Self {
        Self {
            max_connections: server.max_connections,
            handshake_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(server.header_timeout_secs),
            // Later than the handler's, so that a slow body is answered 408 wherever somebody waits for it.
            body_timeout: Duration::from_secs(server.body_timeout_secs + 5),
            keep_alive_timeout: Duration::from_secs(server.keep_alive_timeout_secs),
            write_stall_timeout: Duration::from_secs(server.write_stall_timeout_secs),
            shutdown_grace: Duration::from_secs(server.shutdown_grace_secs),
            max_header_bytes: server.max_header_bytes,
            max_uri_bytes: server.max_uri_bytes,
            http2_max_streams: server.http2.max_concurrent_streams,
            http2_max_header_list: server.http2.max_header_list_bytes,
        }
    }
}

/// The peer's address, in the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote(pub SocketAddr);

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were cut because they were not done within the grace.
    pub cut: usize,
}

/// What the connections are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Drain,
    Cut,
}

/// What happens to a connection beside its requests.
enum Event {
    Stop(Phase),
    /// The time for a last request is over.
    Drain,
    Tick,
}

type Cause = Box<dyn StdError + Send + Sync>;

/// How long an idle HTTP/1.1 connection stays open once the stop has begun, so that a request already on its way is
/// answered (with `Connection: close`) rather than reset.
const LAST_REQUEST: Duration = Duration::from_millis(500);

/// How long accepting rests after an error such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `listener` until `shutdown` resolves and the open connections have ended or the grace is over.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: S,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Stopped
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Cause>,
    B: Body + From<Bytes> + Send + 'static,
    B::Data: Send,
    B::Error: Into<Cause>,
{
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    let (phase, _) = channel::channel(Phase::Open);
    let grace = limits.shutdown_grace;
    let limits = Arc::new(limits);
    let mut shutdown = pin!(shutdown);
    let start = |stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit| {
        let connection = Connection { peer, limits: Arc::clone(&limits), phase: phase.subscribe() };
        let (tls, service) = (tls.clone(), service.clone());
        tokio::spawn(async move {
            metrics::gauge!("archstone_http_connections").increment(1.0);
            connection.run(stream, tls, service).await;
            metrics::gauge!("archstone_http_connections").decrement(1.0);
            drop(slot);
        });
    };

    loop {
        let slot = tokio::select! {
            biased;
            () = &mut shutdown => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let Ok(slot) = slot else { break };
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => start(stream, peer, slot),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }

    // Those whose handshake the kernel has already done are customers too.
    while let Ok(slot) = Arc::clone(&slots).try_acquire_owned()
        && let Some(Ok((stream, peer))) = listener.accept().now_or_never()
    {
        start(stream, peer, slot);
    }
    drop(listener);
    phase.send_replace(Phase::Drain);
    if timeout(grace, phase.closed()).await.is_ok() {
        return Stopped { cut: 0 };
    }
    let cut = phase.receiver_count();
    phase.send_replace(Phase::Cut);
    phase.closed().await;
    Stopped { cut }
}

/// One connection, before and while it speaks HTTP.
struct Connection {
    peer: SocketAddr,
    limits: Arc<Limits>,
    phase: channel::Receiver<Phase>,
}

impl Connection {
    async fn run<S, B>(mut self, stream: TcpStream, tls: Option<TlsAcceptor>, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Cause>,
        B: Body + From<Bytes> + Send + 'static,
        B::Data: Send,
        B::Error: Into<Cause>,
    {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        match tls {
            None => self.sniffed(stream, service).await,
            Some(tls) => {
                let handshake = timeout(self.limits.handshake_timeout, tls.accept(stream));
                let Some(Ok(Ok(stream))) = unless_stopping(&mut self.phase, handshake).await else { return };
                let protocol = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => Protocol::Http2,
                    _ => Protocol::Http1,
                };
                self.speak(stream, Bytes::new(), protocol, service).await;
            }
        }
    }

    async fn sniffed<S, B>(mut self, mut stream: TcpStream, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Cause>,
        B: Body + From<Bytes> + Send + 'static,
        B::Data: Send,
        B::Error: Into<Cause>,
    {
        let first = timeout(self.limits.header_timeout, sniff::protocol(&mut stream));
        let Some(Ok(Ok(Some((protocol, prefix))))) = unless_stopping(&mut self.phase, first).await else { return };
        self.speak(stream, prefix, protocol, service).await;
    }

    async fn speak<IO, S, B>(self, io: IO, prefix: Bytes, protocol: Protocol, service: S)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Cause>,
        B: Body + From<Bytes> + Send + 'static,
        B::Data: Send,
        B::Error: Into<Cause>,
    {
        let activity = Arc::new(Activity::default());
        let strict = (protocol == Protocol::Http1).then_some(self.limits.max_header_bytes);
        let io = TokioIo::new(Guard::new(io, prefix, strict, Arc::clone(&activity)));
        let handler = {
            let (peer, max_uri, activity) = (self.peer, self.limits.max_uri_bytes, Arc::clone(&activity));
            service_fn(move |mut request: Request<Incoming>| {
                let running = Activity::begin(&activity);
                let http1 = request.version() < Version::HTTP_2;
                // Combinators, because an async block would hold, and copy, the handler's future twice.
                let answer = match refuse::check(&request, max_uri) {
                    None => {
                        request.extensions_mut().insert(Remote(peer));
                        Either::Left(AssertUnwindSafe(service.call(request)).catch_unwind().map(answered))
                    }
                    // A refused request is dropped here; its body is never read.
                    Some(refusal) => Either::Right(ready(refuse::response(refusal))),
                };
                answer.map(move |mut response| {
                    if http1 && running.closing() {
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    Ok::<_, Infallible>(response)
                })
            })
        };
        match protocol {
            Protocol::Http1 => {
                let mut builder = http1::Builder::new();
                // The tick below keeps the head's deadline; hyper's own would set a timer for every request.
                builder.header_read_timeout(None).max_buf_size(self.limits.max_header_bytes);
                self.drive(builder.serve_connection(io, handler), &activity, LAST_REQUEST).await;
            }
            Protocol::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                builder
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(self.limits.http2_max_streams)
                    .max_header_list_size(self.limits.http2_max_header_list);
                self.drive(builder.serve_connection(io, handler), &activity, Duration::ZERO).await;
            }
        }
    }

    /// Runs `connection` to its end, a deadline or the stop. `last_request` is how long an idle connection stays open
    /// once the stop has begun.
    async fn drive<C>(mut self, connection: C, activity: &Activity, last_request: Duration)
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let mut connection = pin!(connection);
        let mut watch = Watch::new(&self.limits);
        let mut tick = interval(watch.period());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closing = pin!(None);
        loop {
            let event = async {
                tokio::select! {
                    biased;
                    phase = phase_after_open(&mut self.phase), if closing.is_none() => Event::Stop(phase),
                    () = async { if let Some(timer) = closing.as_mut().as_pin_mut() { timer.await } }, if closing.is_some() => Event::Drain,
                    _ = tick.tick() => Event::Tick,
                }
            };
            // The set polls what is in it only when that has been woken, not with every request.
            let mut events = FuturesUnordered::from_iter([event]);
            let event = tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(peer = %self.peer, %error, "connection ended");
                    }
                    return;
                }
                event = events.select_next_some() => event,
            };
            drop(events);
            match event {
                Event::Stop(Phase::Cut) => return,
                Event::Stop(_) => {
                    activity.close_soon();
                    closing.set(Some(sleep(last_request)));
                }
                Event::Drain => {
                    connection.as_mut().graceful_shutdown();
                    return self.drain(connection, activity, watch, tick).await;
                }
                Event::Tick => match watch.judge(activity) {
                    Verdict::Keep => {}
                    Verdict::Close => connection.as_mut().graceful_shutdown(),
                    Verdict::Cut(reason) => return cut(self.peer, reason),
                },
            }
        }
    }

    /// Lets running requests end after the stop; deadlines go on, and the end of the grace cuts.
    async fn drain<C>(
        mut self,
        mut connection: std::pin::Pin<&mut C>,
        activity: &Activity,
        mut watch: Watch,
        mut tick: tokio::time::Interval,
    ) where
        C: GracefulConnection<Error = hyper::Error>,
    {
        loop {
            tokio::select! {
                biased;
                _ = connection.as_mut() => return,
                _ = self.phase.wait_for(|phase| *phase == Phase::Cut) => return,
                _ = tick.tick() => if let Verdict::Cut(reason) = watch.judge(activity) {
                    return cut(self.peer, reason);
                },
            }
        }
    }
}

/// A handler's answer, or what is said where it broke.
fn answered<B: From<Bytes>, E: Into<Cause>>(answer: std::thread::Result<Result<Response<B>, E>>) -> Response<B> {
    match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => refuse::failed(&error.into().to_string()),
        Err(_) => refuse::failed("a handler panicked"),
    }
}

fn cut(peer: SocketAddr, reason: &'static str) {
    metrics::counter!("archstone_http_connections_cut_total", "reason" => reason).increment(1);
    tracing::debug!(%peer, reason, "connection cut");
}

/// Waits until the stop has begun and says how far it is.
async fn phase_after_open(phase: &mut channel::Receiver<Phase>) -> Phase {
    phase.wait_for(|phase| *phase != Phase::Open).await.map_or(Phase::Cut, |phase| *phase)
}

/// `work`, or `None` if the stop began and the last-request time passed before it was done.
async fn unless_stopping<T>(phase: &mut channel::Receiver<Phase>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = async {
            if phase_after_open(phase).await != Phase::Cut {
                sleep(LAST_REQUEST).await;
            }
        } => None,
    }
}

#[cfg(test)]
mod tests;
