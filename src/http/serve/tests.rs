//! Connections of a real listener: the server under test and how it is spoken to.
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

mod deadlines;
mod lifetime;
mod protocols;
mod refusals;
mod requests;

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
