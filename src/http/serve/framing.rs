//! A strict reading of HTTP/1.1 message framing (RFC 9112 §2.2, §5, §6, §7.1), ahead of hyper's parser.
//!
//! hyper is lenient where a proxy in front of us may read differently: it takes a bare LF for a line's end, lets
//! `Transfer-Encoding` win over `Content-Length`, folds equal lengths into one and accepts codings before `chunked`.
//! Each is a way to smuggle a request (security cases HTTP-SMUG-1…8), so each is refused here. This reader follows
//! message borders only; everything else about a message is hyper's business. Where it accepts, both agree on the
//! borders, because it accepts one form only.

/// Longest line of chunk size and chunk extensions.
const MAX_CHUNK_LINE: usize = 1024;

/// Where in the stream of messages the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Between two messages.
    Boundary,
    /// In a message's head.
    Head,
    /// In a message's body.
    Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Fields,
    Body(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
}

/// The reader of one connection.
#[derive(Debug)]
pub struct Framing {
    state: State,
    /// The beginning of a line whose end has not arrived.
    partial: Vec<u8>,
    /// Longest line of a head. hyper answers 431 before this strikes, as it holds the same bytes.
    max_line: usize,
    length: Option<u64>,
    chunked: bool,
    messages: u32,
}

impl Framing {
    /// A reader at the start of a connection whose heads may have `max_head` bytes.
    pub fn new(max_head: usize) -> Self {
        Self {
            state: State::Start,
            partial: Vec::new(),
            max_line: max_head.saturating_mul(2),
            length: None,
            chunked: false,
            messages: 0,
        }
    }

    /// Where the reader stands.
    pub fn place(&self) -> Place {
        match self.state {
            State::Start if self.partial.is_empty() => Place::Boundary,
            State::Start | State::Fields => Place::Head,
            _ => Place::Body,
        }
    }

    /// Messages whose head has been read, modulo 2^32.
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// Reads on. `Err(at)` refuses the message at byte `at` of `bytes`; the reader must not be used after it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Body(left) => {
                    let (taken, left) = skip(left, rest.len());
                    self.state = if left == 0 { State::Start } else { State::Body(left) };
                    at += taken;
                }
                State::ChunkData(left) => {
                    let (taken, left) = skip(left, rest.len());
                    self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
                    at += taken;
                }
                _ => {
                    let Some(end) = memchr::memchr(b'\n', rest) else {
                        if self.partial.len() + rest.len() > self.longest_line() {
                            return Err(at);
                        }
                        self.partial.extend_from_slice(rest);
                        return Ok(());
                    };
                    let line = rest.get(..end).unwrap_or_default();
                    let understood = if self.partial.is_empty() {
                        self.line(line)
                    } else {
                        let mut whole = std::mem::take(&mut self.partial);
                        whole.extend_from_slice(line);
                        self.line(&whole)
                    };
                    understood.ok_or(at + end)?;
                    at += end + 1;
                }
            }
        }
        Ok(())
    }

    fn longest_line(&self) -> usize {
        match self.state {
            State::ChunkSize | State::ChunkEnd => MAX_CHUNK_LINE,
            _ => self.max_line,
        }
    }

    /// Takes one line without its LF; `None` refuses it.
    fn line(&mut self, line: &[u8]) -> Option<()> {
        let line = line.strip_suffix(b"\r")?;
        self.state = match self.state {
            // RFC 9112 §2.2: empty lines before a request are to be ignored.
            State::Start if line.is_empty() => State::Start,
            State::Start => State::Fields,
            State::Fields if line.is_empty() => self.end_of_head()?,
            State::Fields => {
                self.field(line)?;
                State::Fields
            }
            State::ChunkSize => match chunk_size(line)? {
                0 => State::Trailer,
                size => State::ChunkData(size),
            },
            State::ChunkEnd => line.is_empty().then_some(State::ChunkSize)?,
            State::Trailer if line.is_empty() => State::Start,
            State::Trailer => (!folded(line)).then_some(State::Trailer)?,
            State::Body(_) | State::ChunkData(_) => return None,
        };
        Some(())
    }

    fn field(&mut self, line: &[u8]) -> Option<()> {
        // Every field of every request comes by here: one byte decides for nearly all of them.
        match line.first().map(u8::to_ascii_lowercase)? {
            b'c' => {
                if let Some(value) = value_of(line, b"content-length") {
                    let first = self.length.replace(decimal(value)?).is_none();
                    return first.then_some(());
                }
            }
            b't' => {
                if let Some(value) = value_of(line, b"transfer-encoding") {
                    let first = !std::mem::replace(&mut self.chunked, true);
                    return (first && value.eq_ignore_ascii_case(b"chunked")).then_some(());
                }
            }
            b' ' | b'\t' => return None,
            _ => {}
        }
        Some(())
    }

    fn end_of_head(&mut self) -> Option<State> {
        self.messages = self.messages.wrapping_add(1);
        match (self.length.take(), std::mem::take(&mut self.chunked)) {
            (Some(_), true) => None,
            (None, true) => Some(State::ChunkSize),
            (None | Some(0), false) => Some(State::Start),
            (Some(length), false) => Some(State::Body(length)),
        }
    }
}

/// Bytes to skip of `available`, and what is left to skip afterwards.
fn skip(left: u64, available: usize) -> (usize, u64) {
    match usize::try_from(left) {
        Ok(left) if left <= available => (left, 0),
        _ => (available, left.saturating_sub(available as u64)),
    }
}

fn folded(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// The value of the field `line` if its name is `name` (given in lower case).
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    if !found.eq_ignore_ascii_case(name) {
        return None;
    }
    rest.strip_prefix(b":").map(trim)
}

fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// A number written with digits only.
fn decimal(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The size in a chunk's first line; an extension may follow after `;`.
fn chunk_size(line: &[u8]) -> Option<u64> {
    if line.len() > MAX_CHUNK_LINE {
        return None;
    }
    let digits = line.split(|b| *b == b';').next()?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn read(text: &str) -> Result<(Place, u32), usize> {
        let mut whole = Framing::new(8192);
        let result = whole.feed(text.as_bytes());
        let mut bytewise = Framing::new(8192);
        let apart = text.as_bytes().iter().enumerate().try_for_each(|(i, b)| bytewise.feed(&[*b]).map_err(|_| i));
        assert_eq!(result, apart, "read at once and byte by byte differ: {text:?}");
        result.map(|()| {
            assert_eq!(whole.place(), bytewise.place());
            (whole.place(), whole.messages())
        })
    }

    #[test]
    fn well_formed_messages_are_followed_to_their_end() {
        for (text, place, messages) in [
            ("", Place::Boundary, 0),
            ("\r\n", Place::Boundary, 0),
            ("G", Place::Head, 0),
            ("GET / HTTP/1.1\r\nHost: a\r\n", Place::Head, 0),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Place::Boundary, 1),
            ("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", Place::Boundary, 2),
            ("PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", Place::Body, 1),
            ("PUT / HTTP/1.1\r\ncontent-length:3 \r\n\r\n\n\n\n", Place::Boundary, 1),
            ("PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\nG", Place::Head, 1),
            ("PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n", Place::Body, 1),
            (
                "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
                Place::Boundary,
                1,
            ),
            ("GET / HTTP/1.1\r\nContent-Lengthy: x\r\nTe: trailers\r\n\r\n", Place::Boundary, 1),
        ] {
            assert_eq!(read(text), Ok((place, messages)), "{text:?}");
        }
    }

    #[test]
    fn http_smug_ambiguous_framing_is_refused() {
        let chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 3 3\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: \r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: identity, chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n",
            &format!("{chunked}-3\r\n"),
            &format!("{chunked}+3\r\n"),
            &format!("{chunked}0x3\r\n"),
            &format!("{chunked}3 \r\n"),
            &format!("{chunked}\r\n"),
            &format!("{chunked}10000000000000000\r\n"),
            &format!("{chunked}3\nabc"),
            &format!("{chunked}3\r\nabcd\r\n"),
            &format!("{chunked}3\r\nabc\n"),
            &format!("{chunked}0\r\nX: y\n\r\n"),
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn http_smug_7_a_chunk_extension_without_end_is_refused() {
        let mut framing = Framing::new(8192);
        framing.feed(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;").unwrap();
        assert!((0..64).any(|_| framing.feed(&[b'x'; 64]).is_err()));
    }
}
