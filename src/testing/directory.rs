//! Test-only: a directory on loopback that answers each request with the bytes that a test wants.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A bind: name and password.
    Bind(String, String),
    /// A search: where it begins.
    Search(String),
    /// StartTLS.
    StartTls,
    /// A good-bye.
    Unbind,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Answers, each in a message of its own with the request's number.
    Answers(Vec<Vec<u8>>),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// Nothing.
    Silence,
    /// The end.
    Close,
}

/// How it speaks.
#[derive(Clone)]
pub enum Speaks {
    /// Without TLS.
    Plain,
    /// With TLS from the first byte.
    Tls(TlsAcceptor),
    /// With TLS once it was asked for.
    StartTls(TlsAcceptor),
}

/// The directory.
pub struct Directory {
    /// Its port.
    pub port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

type Answer = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

impl Directory {
    /// One that answers so.
    pub async fn new(speaks: Speaks, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer): (_, Answer) = (asked.clone(), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(speak(stream, speaks.clone(), answer.clone(), noted.clone()));
            }
        });
        Self { port, asked }
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

/// What a well-meaning directory answers that has those entries and that service account.
pub fn usual(entries: &'static [&'static str], account: (&'static str, &'static str)) -> impl Fn(&Request) -> Reply {
    move |request| match request {
        Request::Bind(dn, password) if (dn.as_str(), password.as_str()) == account => result(0x61, 0),
        Request::Bind(..) => result(0x61, 49),
        Request::Search(dn) if entries.contains(&dn.as_str()) => {
            Reply::Answers(vec![entry(dn), operation(0x65, &outcome(0))])
        }
        Request::Search(_) => result(0x65, 32),
        Request::StartTls => result(0x78, 0),
        Request::Unbind => Reply::Close,
    }
}

/// One element.
pub fn operation(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match u8::try_from(content.len()) {
        Ok(length @ 0..=0x7f) => vec![length],
        _ => [&[0x83], &u32::try_from(content.len()).unwrap().to_be_bytes()[1..]].concat(),
    };
    [&[tag], length.as_slice(), content].concat()
}

/// The content of a result with that code.
pub fn outcome(code: u8) -> Vec<u8> {
    [&[0x0a, 1, code, 0x04, 0][..], &operation(0x04, b"canary")].concat()
}

/// An answer with a result.
pub fn result(tag: u8, code: u8) -> Reply {
    Reply::Answers(vec![operation(tag, &outcome(code))])
}

/// An entry without attributes.
pub fn entry(dn: &str) -> Vec<u8> {
    operation(0x64, &[operation(0x04, dn.as_bytes()), vec![0x30, 0]].concat())
}

/// A whole message.
pub fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    self::operation(0x30, &[&[0x02, 1, id], operation].concat())
}

async fn speak(mut tcp: TcpStream, speaks: Speaks, answer: Answer, asked: Arc<Mutex<Vec<Request>>>) {
    match speaks {
        Speaks::Plain => drop(talk(&mut tcp, &answer, &asked).await),
        Speaks::Tls(acceptor) => {
            if let Ok(mut stream) = acceptor.accept(tcp).await {
                talk(&mut stream, &answer, &asked).await;
            }
        }
        Speaks::StartTls(acceptor) => {
            if talk(&mut tcp, &answer, &asked).await
                && let Ok(mut stream) = acceptor.accept(tcp).await
            {
                talk(&mut stream, &answer, &asked).await;
            }
        }
    }
}

/// Answers until the end; true if TLS begins now.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, answer: &Answer, asked: &Mutex<Vec<Request>>) -> bool {
    while let Some((id, request)) = read(stream).await {
        asked.lock().unwrap().push(request.clone());
        let reply = answer(&request);
        let bytes = match &reply {
            Reply::Answers(answers) => answers.iter().flat_map(|answer| message(id, answer)).collect(),
            Reply::Raw(bytes) => bytes.clone(),
            Reply::Silence => continue,
            Reply::Close => break,
        };
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            break;
        }
        if request == Request::StartTls && reply == result(0x78, 0) {
            return true;
        }
    }
    false
}

/// The number and the request; the client writes short and plain BER.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(u8, Request)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let length = match head[1] {
        length @ 0..=0x7f => usize::from(length),
        long => {
            let mut octets = vec![0; usize::from(long & 0x7f)];
            stream.read_exact(&mut octets).await.ok()?;
            octets.iter().fold(0, |length, octet| (length << 8) | usize::from(*octet))
        }
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let id = body[2];
    let operation = &body[3..];
    let content =
        if operation[1] < 0x80 { &operation[2..] } else { &operation[2 + usize::from(operation[1] & 0x7f)..] };
    let text = |at: usize| {
        let length = usize::from(content[at + 1]);
        (String::from_utf8(content[at + 2..at + 2 + length].to_vec()).unwrap(), at + 2 + length)
    };
    let request = match operation[0] {
        0x60 => {
            let (dn, next) = text(3);
            Request::Bind(dn, text(next).0)
        }
        0x63 => Request::Search(text(0).0),
        0x77 => Request::StartTls,
        0x42 => Request::Unbind,
        other => panic!("{other:#x}"),
    };
    Some((id, request))
}
