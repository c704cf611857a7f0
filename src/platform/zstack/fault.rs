//! What ZStack says when something fails: codes in an error object whose causes are nested, or just a text (sso-api §7.1).
//!
//! Of all that only the codes are kept: descriptions may hold what was sent.

use http::StatusCode;
use serde_json::Value;

use crate::platform::exchange;
use crate::platform::{Problem, Trouble};

/// Deepest cause that is read, and most codes.
const MAX_CAUSES: usize = 8;
/// Longest code.
const MAX_CODE: usize = 64;

/// The session is no more.
pub const NO_SESSION: &str = "ID.1001";
/// An argument is wrong.
const WRONG_ARGUMENT: &str = "SYS.1007";
/// There is no such thing.
const NOT_FOUND: &str = "SYS.1003";

/// Why an operation did not go well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The platform said no.
    Said(Said),
    /// There was no answer, or none that can be read.
    Problem(Problem),
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its status.
    pub status: StatusCode,
    /// The codes of the error and its causes, the outermost first.
    codes: Vec<String>,
    /// The text speaks of the time.
    pub is_skewed: bool,
    /// The job that was waited for is not known.
    is_lost: bool,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Fault {
    /// For an administrator.
    pub fn told(self, what: &str) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Said(said) => said.told(what),
        }
    }

    /// Whether an argument was not as it should be.
    pub fn is_argument(&self) -> bool {
        matches!(self, Self::Said(said) if said.status == StatusCode::BAD_REQUEST || said.has(WRONG_ARGUMENT))
    }

    /// Whether the session was not known.
    pub fn is_no_session(&self) -> bool {
        matches!(self, Self::Said(said) if said.has(NO_SESSION))
    }

    /// Whether there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Said(said) if said.has(NOT_FOUND))
    }
}

impl Said {
    /// Reads an answer that is no yes.
    pub fn read(status: StatusCode, body: &[u8]) -> Self {
        let mut codes = Vec::new();
        if let Some(said) = exchange::read(body) {
            collect(said.get("error").unwrap_or(&said), MAX_CAUSES, &mut codes);
        }
        let is_skewed = status == StatusCode::FORBIDDEN && holds(body, b"requesttimetooskewed");
        Self { status, codes, is_skewed, is_lost: false }
    }

    /// Of a job that the platform does not know, or no more.
    pub fn lost(status: StatusCode) -> Self {
        Self { status, codes: Vec::new(), is_skewed: false, is_lost: true }
    }

    fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c == code)
    }

    /// For an administrator. A 503 that has a code is a failed operation; without one it comes from something before ZStack.
    pub fn told(&self, what: &str) -> Problem {
        let by_code = self.codes.iter().find_map(|code| match code.as_str() {
            "ID.1000" => Some((Trouble::Credential, "the platform does not know user and password")),
            NO_SESSION => Some((Trouble::Credential, "the platform does not know the session")),
            "ID.1002" => Some((Trouble::Credential, "the platform does not let the account do this")),
            "ID.1006" => Some((Trouble::Failed, "the account has too many sessions at the platform")),
            "ID.1007" => Some((Trouble::Credential, "the account is disabled at the platform")),
            "SYS.1001" => Some((Trouble::Failed, "the platform did not finish in time")),
            WRONG_ARGUMENT => Some((Trouble::Refused, "the platform does not take a value")),
            NOT_FOUND => Some((Trouble::Refused, "the platform does not find what this is about")),
            _ => None,
        });
        let codes = if self.codes.is_empty() { String::new() } else { format!(", {}", self.codes.join(" ")) };
        let status = self.status.as_u16();
        if let Some((kind, why)) = by_code {
            return Problem::new(kind, format!("{what}: {why} (status {status}{codes})."));
        }
        if self.is_lost {
            let why = "the platform does not know any more what became of it. Try again";
            return Problem::new(Trouble::Failed, format!("{what}: {why} (status {status})."));
        }
        if self.is_skewed {
            return Problem::new(
                Trouble::Credential,
                format!(
                    "{what}: the platform's clock and the one here are too far apart. Set both, and time zones, right."
                ),
            );
        }
        if status == 503 && !self.codes.is_empty() {
            return Problem::new(
                Trouble::Refused,
                format!("{what}: the operation failed at the platform (status {status}{codes})."),
            );
        }
        if status == 403 {
            let why = "the platform does not take the access key: it is unknown, disabled or has another secret";
            return Problem::new(Trouble::Credential, format!("{what}: {why} (status {status}{codes})."));
        }
        let problem = exchange::refusal(what, self.status);
        Problem::new(
            problem.kind,
            format!(
                "{}{}",
                problem.message,
                if codes.is_empty() { String::new() } else { format!(" It says {}.", &codes[2..]) }
            ),
        )
    }
}

/// The codes of an error and of what caused it.
fn collect(error: &Value, left: usize, codes: &mut Vec<String>) {
    if left == 0 || codes.len() >= MAX_CAUSES {
        return;
    }
    let code = error.get("code").and_then(Value::as_str);
    if let Some(code) = code.filter(|code| is_code(code) && !codes.iter().any(|c| c == code)) {
        codes.push(code.to_owned());
    }
    if let Some(cause) = error.get("cause") {
        collect(cause, left - 1, codes);
    }
    for cause in error.get("causes").and_then(Value::as_array).into_iter().flatten() {
        collect(cause, left - 1, codes);
    }
}

fn is_code(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= MAX_CODE && text.bytes().all(sound)
}

fn holds(body: &[u8], word: &[u8]) -> bool {
    body.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}
