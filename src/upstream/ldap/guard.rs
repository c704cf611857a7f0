//! What stands between a directory's server and the `ldap3` crate.
//!
//! The crate's reader takes messages of any size and depth, recurses as deep as they go, and gives up the whole task at one
//! that has another shape than it expects. So a message is let through only if it is not too large or too deep, answers
//! something that was asked, and has the shape that RFC 4511 gives to such an answer. Anything else ends the connection.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::ber::{Element, number};
use super::{Fault, Stream};
use crate::egress::Trouble;

/// Most bytes of one message.
const MAX_MESSAGE: usize = 1_048_576;
/// Most bytes from a server during one connection.
const MAX_TOTAL: usize = 16 * MAX_MESSAGE;
/// Most bytes of the answer to StartTLS.
const MAX_START_TLS: usize = 8_192;

/// A message's outermost element.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const TEXT: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SET: u8 = 0x31;
/// Controls of a message.
const CONTROLS: u8 = 0xa0;

/// Requests (RFC 4511 §4.2 and on).
const BIND: u8 = 0x60;
const SEARCH: u8 = 0x63;
const EXTENDED: u8 = 0x77;
/// Answers to them.
const BOUND: u8 = 0x61;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED_DONE: u8 = 0x78;

/// The request for StartTLS (RFC 4511 §4.14) with the number 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server closed it, or said that it will.
    Closed,
    /// The server sent what was not let through.
    Garbled,
}

/// What has been asked and not been answered: the request's tag by the message's number.
type Asked = Arc<Mutex<HashMap<usize, u8>>>;

/// The guard of one connection; it leaves when this is dropped.
#[derive(Debug)]
pub struct Guard {
    verdict: Arc<OnceLock<Verdict>>,
    task: JoinHandle<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Guard {
    /// Stands between the crate's end and the server's.
    pub fn between(ours: UnixStream, server: Box<dyn Stream>) -> Self {
        let verdict = Arc::new(OnceLock::new());
        let decided = verdict.clone();
        let task = tokio::spawn(async move {
            let asked = Asked::default();
            let (mut from_us, mut to_us) = ours.into_split();
            let (mut from_server, mut to_server) = tokio::io::split(server);
            tokio::select! {
                ended = inward(&mut from_server, &mut to_us, &asked) => {
                    let _ = decided.set(ended);
                }
                _ = outward(&mut from_us, &mut to_server, &asked) => {}
            }
            let _ = to_server.shutdown().await;
        });
        Self { verdict, task }
    }

    /// Waits until the connection has ended and all that the crate sent has been passed on.
    pub async fn left(&mut self) {
        let _ = (&mut self.task).await;
    }

    /// How the connection ended, if it has.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict.get().copied()
    }
}

/// Lets through what the crate sends, and notes what it asks.
async fn outward<R, W>(from: &mut R, to: &mut W, asked: &Asked) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    while let Some(message) = receive(from, MAX_MESSAGE).await? {
        let read = Element::all(&message).and_then(|all| all.first()?.children());
        if let Some([number, request, ..]) = read.as_deref()
            && let (Some(number), BIND | SEARCH | EXTENDED) = (number.number(), request.tag)
        {
            asked.lock().unwrap_or_else(PoisonError::into_inner).insert(number, request.tag);
        }
        to.write_all(&message).await?;
        to.flush().await?;
    }
    Ok(())
}

/// Lets through what the server may send.
async fn inward<R, W>(from: &mut R, to: &mut W, asked: &Asked) -> Verdict
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut left = MAX_TOTAL;
    loop {
        let message = match receive(from, MAX_MESSAGE.min(left)).await {
            Ok(Some(message)) => message,
            Ok(None) => return Verdict::Closed,
            Err(e) if e.kind() == io::ErrorKind::InvalidData => return Verdict::Garbled,
            Err(_) => return Verdict::Closed,
        };
        left -= message.len();
        match admit(&message, asked) {
            Some(Admitted::Through) => {
                if to.write_all(&message).await.is_err() {
                    return Verdict::Closed;
                }
            }
            Some(Admitted::Notice) => return Verdict::Closed,
            None => return Verdict::Garbled,
        }
    }
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
enum Admitted {
    /// It goes through.
    Through,
    /// It is the notice that the server is about to close (RFC 4511 §4.4.1).
    Notice,
}

/// Whether a message from the server may go through.
fn admit(message: &[u8], asked: &Asked) -> Option<Admitted> {
    let all = Element::all(message)?;
    let [whole] = all.as_slice() else { return None };
    if whole.tag != SEQUENCE || !whole.is_whole() {
        return None;
    }
    let parts = whole.children()?;
    let (id, answer, controls) = match parts.as_slice() {
        [id, answer] => (id, answer, None),
        [id, answer, controls] => (id, answer, Some(controls)),
        _ => return None,
    };
    let id = id.number().filter(|_| id.tag == INTEGER)?;
    if id == 0 {
        // Some servers write this notice in a form of their own; it ends the connection in any.
        return (answer.tag == EXTENDED_DONE).then_some(Admitted::Notice);
    }
    if !controls.is_none_or(are_controls) {
        return None;
    }
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = match (asked.get(&id)?, answer.tag) {
        (&SEARCH, ENTRY) => is_entry(answer),
        (&SEARCH, REFERENCE) => are_texts(answer),
        (&BIND, BOUND) | (&SEARCH, DONE) | (&EXTENDED, EXTENDED_DONE) => {
            asked.remove(&id);
            is_result(answer)
        }
        _ => false,
    };
    fits.then_some(Admitted::Through)
}

/// `LDAPResult` with what the single answers have after it.
fn is_result(answer: &Element<'_>) -> bool {
    let Some(parts) = answer.children() else { return false };
    let [result, dn, text, rest @ ..] = parts.as_slice() else { return false };
    result.tag == ENUMERATED
        && result.number().is_some()
        && dn.is_text(TEXT)
        && text.is_text(TEXT)
        && rest.iter().all(|part| match part.tag {
            // Referrals, SASL credentials, name and value of an extended answer.
            0xa3 => are_texts(part),
            0x87 | 0x8b => true,
            0x8a => part.is_text(0x8a),
            _ => false,
        })
}

/// A list of texts, and of nothing else.
fn are_texts(list: &Element<'_>) -> bool {
    list.children().is_some_and(|texts| texts.iter().all(|text| text.is_text(TEXT)))
}

/// `SearchResultEntry`: a name, and attributes with sets of values.
fn is_entry(answer: &Element<'_>) -> bool {
    let is_attribute = |attribute: &Element<'_>| {
        let parts = attribute.children().filter(|_| attribute.tag == SEQUENCE);
        parts.is_some_and(|parts| match parts.as_slice() {
            [name, values] => {
                let values = values.children().filter(|_| values.tag == SET);
                name.is_text(TEXT) && values.is_some_and(|values| values.iter().all(|value| value.tag == TEXT))
            }
            _ => false,
        })
    };
    let Some(parts) = answer.children() else { return false };
    let [dn, attributes] = parts.as_slice() else { return false };
    let all = attributes.children().filter(|_| attributes.tag == SEQUENCE);
    dn.is_text(TEXT) && all.is_some_and(|all| all.iter().all(is_attribute))
}

/// `Controls`: for each a name, whether it is critical, and a value.
fn are_controls(controls: &Element<'_>) -> bool {
    let is_control = |control: &Element<'_>| {
        let parts = control.children().filter(|_| control.tag == SEQUENCE);
        parts.is_some_and(|parts| match parts.as_slice() {
            [name] => name.is_text(TEXT),
            [name, last] => name.is_text(TEXT) && (last.tag == TEXT || is_boolean(last)),
            [name, critical, value] => name.is_text(TEXT) && is_boolean(critical) && value.tag == TEXT,
            _ => false,
        })
    };
    controls.tag == CONTROLS && controls.children().is_some_and(|all| all.iter().all(is_control))
}

fn is_boolean(element: &Element<'_>) -> bool {
    element.tag == BOOLEAN && element.content.len() == 1
}

/// Reads one message; `None` at the end. One that is none, or too large, is an error of the kind `InvalidData`.
async fn receive<R: AsyncRead + Unpin>(from: &mut R, most: usize) -> io::Result<Option<Vec<u8>>> {
    let garbled = || io::Error::from(io::ErrorKind::InvalidData);
    let mut tag = [0];
    if from.read(&mut tag).await? == 0 {
        return Ok(None);
    }
    if tag != [SEQUENCE] {
        return Err(garbled());
    }
    let first = from.read_u8().await?;
    let mut message = vec![SEQUENCE, first];
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let mut octets = vec![0; usize::from(first & 0x7f)];
            from.read_exact(&mut octets).await?;
            message.extend_from_slice(&octets);
            number(&octets).ok_or_else(garbled)?
        }
        _ => return Err(garbled()),
    };
    if message.len() + length > most {
        return Err(garbled());
    }
    let head = message.len();
    from.take(length as u64).read_to_end(&mut message).await?;
    if message.len() - head < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}

/// Asks for TLS. What comes after the answer belongs to TLS, so nothing beyond it is read.
///
/// # Errors
/// No TLS is offered, or no answer.
pub async fn start_tls<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Result<(), Fault> {
    let trouble = |e: io::Error| match e.kind() {
        io::ErrorKind::InvalidData => Fault::Garbled,
        io::ErrorKind::UnexpectedEof => Fault::Closed,
        _ => Trouble::of_io(&e).into(),
    };
    stream.write_all(START_TLS).await.map_err(trouble)?;
    stream.flush().await.map_err(trouble)?;
    let message = receive(stream, MAX_START_TLS).await.map_err(trouble)?.ok_or(Fault::Closed)?;
    let asked = Asked::new(Mutex::new(HashMap::from([(1, EXTENDED)])));
    match admit(&message, &asked) {
        Some(Admitted::Through) => {}
        Some(Admitted::Notice) => return Err(Fault::Closed),
        None => return Err(Fault::Garbled),
    }
    let all = Element::all(&message).unwrap_or_default();
    let parts = all.first().and_then(Element::children).unwrap_or_default();
    let result = parts.get(1).and_then(Element::children).unwrap_or_default();
    if result.first().and_then(Element::number) == Some(0) { Ok(()) } else { Err(Fault::NoStartTls) }
}

#[cfg(test)]
mod tests;
