//! Jobs: what ZStack does in its own time, and waiting for it (sso-api §7.4).
//!
//! Of a job's address only its number is taken: host and path may be ones that nobody here should ask.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::fault::{Fault, Said};
use super::session::{self, Ask, Session};
use crate::platform::exchange;
use crate::platform::{Problem, Trouble};

/// The pauses between two looks: they grow from the first to the last.
const FIRST_PAUSE: Duration = if cfg!(test) { Duration::from_millis(2) } else { Duration::from_millis(250) };
const LAST_PAUSE: Duration = if cfg!(test) { Duration::from_millis(4) } else { Duration::from_secs(5) };
/// How often a job is looked at. Whoever pushes sets a shorter limit in time.
const MAX_LOOKS: usize = 60;

/// Whether a text is a number of a job, or of anything there: 32 hexadecimal digits.
pub fn is_number(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The number in the body of a 202.
pub fn number(body: &[u8]) -> Option<String> {
    let said = exchange::read(body)?;
    let path = said["location"].as_str()?.split(['?', '#']).next()?.trim_end_matches('/');
    path.rsplit('/').next().filter(|number| is_number(number)).map(str::to_owned)
}

/// Waits until a job is done; answers its result.
pub async fn wait(session: &mut Session<'_>, what: &str, number: &str) -> Result<Value, Fault> {
    let path = format!("/api-jobs/{number}");
    let mut pause = FIRST_PAUSE;
    for _ in 0..MAX_LOOKS {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
        let answer = session.exchange(&Ask::get(what, &path)).await?;
        match answer.status {
            StatusCode::ACCEPTED => {}
            StatusCode::OK => return session::read(what, &answer.body),
            StatusCode::NOT_FOUND => return Err(Fault::Said(Said::lost(answer.status))),
            status => return Err(Fault::Said(Said::read(status, &answer.body))),
        }
    }
    Err(Fault::Problem(Problem::new(Trouble::Failed, format!("{what}: the platform is still at it."))))
}

/// Waits for an earlier attempt, of which only its number is known. However it ended, what is there is looked at next.
pub async fn settle(session: &mut Session<'_>, number: &str) -> Result<(), Problem> {
    if !is_number(number) {
        return Ok(());
    }
    match wait(session, "Waiting for the attempt before", number).await {
        Ok(_) | Err(Fault::Said(_)) => Ok(()),
        Err(Fault::Problem(problem)) => Err(problem),
    }
}
