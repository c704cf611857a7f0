//! Why something was not done. The text is for an administrator: it repeats of an answer its status and its `scimType` at most, and
//! never what was sent.

use std::fmt;
use std::time::Duration;

use crate::egress::Trouble;

/// Longest text.
const MAX_MESSAGE: usize = 400;

/// What a failure means for whoever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing else of this run will fare better: the credentials were refused, or the address may not be asked.
    Stop,
    /// It is somebody else's, or contradicts what is.
    Conflict,
    /// There are several, and nothing says which.
    Ambiguous,
    /// The server does not want it.
    Refused,
    /// What was to be changed is not there any more.
    Gone,
    /// No answer in time.
    Timeout,
    /// No connection.
    Unreachable,
    /// The server has said again and again that it cannot now.
    Busy,
    /// What came back is no SCIM.
    Broken,
    /// What came back is too much.
    TooLarge,
}

/// One failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub kind: Kind,
    /// What happened, in one bounded line.
    pub message: String,
    /// The status that was answered, if one was.
    pub status: Option<u16>,
    /// Time after which the server wants to be asked again, if it has said so.
    pub retry_after: Option<Duration>,
}

impl Failure {
    pub(super) fn new(kind: Kind, message: impl AsRef<str>) -> Self {
        Self { kind, message: quoted(message.as_ref(), MAX_MESSAGE), status: None, retry_after: None }
    }

    /// Whether the run ends with it.
    pub fn stops(&self) -> bool {
        self.kind == Kind::Stop
    }

    /// Whether the same may succeed later without anybody doing something about it.
    pub fn passes(&self) -> bool {
        matches!(self.kind, Kind::Timeout | Kind::Unreachable | Kind::Busy | Kind::Broken)
    }

    /// No answer in time.
    pub(super) fn timeout() -> Self {
        Self::new(Kind::Timeout, "request timeout")
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Timeout => Self::timeout(),
            Trouble::Refused => Self::new(Kind::Unreachable, "connection refused"),
            Trouble::Unresolved => Self::new(Kind::Unreachable, "the host name does not resolve"),
            Trouble::Unreachable => Self::new(Kind::Unreachable, "there is no connection, or it broke"),
            Trouble::Tls(why) => Self::new(Kind::Stop, format!("TLS failed, {why}")),
            Trouble::NotAllowed(rule) => Self::new(Kind::Stop, format!("the server may not be asked. {rule}")),
            Trouble::Redirects(why) => Self::new(Kind::Stop, format!("the server redirects {why}")),
            Trouble::TooLarge => Self::new(Kind::TooLarge, "the answer is too large"),
            Trouble::Broken => Self::new(Kind::Broken, "the answer is no HTTP"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

fn quoted(text: &str, most: usize) -> String {
    let plain = |c: char| matches!(c, '\'' | '"' | '\\');
    let mut cut = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == most {
            cut.push('…');
            break;
        }
        if plain(c) { cut.push(c) } else { cut.extend(c.escape_debug()) }
    }
    cut
}
