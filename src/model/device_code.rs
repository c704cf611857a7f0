//! A device that waits for somebody to let it in (RFC 8628), and the code that a person types for it.

use super::words::words;
use crate::clock::{Random, Timestamp};

/// Letters of user codes: no vowels, so that they make no words, and none that look like another (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters a user code has.
const LENGTH: usize = 8;

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Digest of its code.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// The application that runs on it.
    pub client_id: String,
    /// Digest of what the person types.
    pub user_code: String,
    /// Scopes that it asks for.
    pub scopes: Vec<String>,
    /// Whom its access tokens are for, beside the application.
    pub audience: Vec<String>,
    /// Where it stands.
    pub state: State,
    /// What it was given.
    pub authorization_id: Option<String>,
    /// Seconds that it waits between two questions.
    pub interval_secs: i64,
    /// When it last asked.
    pub polled_at: Option<Timestamp>,
    /// When it began to wait.
    pub created_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
}

words! {
    /// Where a device stands.
    State {
        /// Nobody has decided.
        Pending = "pending",
        /// Somebody has let it in.
        Allowed = "allowed",
        /// Somebody has refused it.
        Denied = "denied",
        /// It has fetched its tokens.
        Used = "used",
    }
}

/// A fresh user code as it is shown: `XXXX-XXXX`.
pub fn new_user_code(random: &Random) -> String {
    let mut letters = String::with_capacity(LENGTH + 1);
    let mut count = 0;
    while count < LENGTH {
        let byte = random.bytes::<1>()[0];
        // 240 is the last multiple of 20: every letter is as likely.
        if byte < 240 {
            if count == LENGTH / 2 {
                letters.push('-');
            }
            letters.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
            count += 1;
        }
    }
    letters
}

/// What a person has typed, in the form in which it is looked for; `None` if it can be no user code.
pub fn read_user_code(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(|c| !matches!(c, '-' | ' ')).take(LENGTH + 1).map(|c| c.to_ascii_uppercase()).collect();
    (letters.len() == LENGTH && letters.bytes().all(|b| LETTERS.contains(&b))).then_some(letters)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_user_code_is_read_as_people_type_it() {
        let random = Random::seeded(1);
        let code = new_user_code(&random);
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'));
        let read = read_user_code(&code).unwrap();
        assert_eq!(read_user_code(&code.to_lowercase()), Some(read.clone()));
        assert_eq!(read_user_code(&format!(" {read} ")), Some(read));
        for wrong in ["", "BCDF", "AAAA-AAAA", "BCDF-GHJKL", "BCDF-GHJ\u{212a}", "BCDF_GHJK"] {
            assert_eq!(read_user_code(wrong), None, "{wrong}");
        }
        assert_ne!(code, new_user_code(&random));
    }
}
