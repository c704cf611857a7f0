//! Lists of the SSO face: `limit` and `offset`, and what a list is wrapped in.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::query::Parameters;
use crate::model::list::{Portion, Window};

/// Items that a list shows which was not told how many.
const DEFAULT_LIMIT: i64 = 20;
/// Items that one answer shows at most.
const MAX_LIMIT: i64 = 1_000;

/// What part of a list is asked for. A limit of 0 is none.
pub fn window(parameters: &Parameters<'_>) -> Result<Window> {
    let limit = match number(parameters, "limit")?.unwrap_or(0) {
        0 => DEFAULT_LIMIT,
        n => n.min(MAX_LIMIT),
    };
    Ok(Window { limit, offset: number(parameters, "offset")?.unwrap_or(0) })
}

fn number(parameters: &Parameters<'_>, name: &str) -> Result<Option<i64>> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    // A number too large for us is as good as the largest: both are beyond every list.
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(Error::invalid_field(name, format!("'{text:.40}' is not a whole number of at least 0")));
    }
    Ok(Some(text.parse().unwrap_or(i64::MAX)))
}

/// A part of a list as the face shows it.
pub fn envelope<T>(portion: &Portion<T>, window: Window, shown: impl Fn(&T) -> Value) -> Value {
    json!({
        "items": portion.items.iter().map(shown).collect::<Vec<_>>(),
        "total": portion.total,
        "limit": window.limit,
        "offset": window.offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_default_and_an_upper_limit_and_names_what_is_no_number() {
        let window = |raw: &str| window(&Parameters::parse(raw).unwrap());
        for (raw, limit, offset) in [
            ("", 20, 0),
            ("limit=0&offset=0", 20, 0),
            ("limit=7&offset=3", 7, 3),
            ("limit=1000", 1_000, 0),
            ("limit=1001", 1_000, 0),
            ("limit=99999999999999999999&offset=99999999999999999999", 1_000, i64::MAX),
        ] {
            assert_eq!(window(raw), Ok(Window { limit, offset }), "{raw}");
        }
        for (raw, name) in [
            ("limit=-1", "limit"),
            ("limit=abc", "limit"),
            ("limit=", "limit"),
            ("limit=1.5", "limit"),
            ("limit=%2B1", "limit"),
            ("offset=-1", "offset"),
            ("offset=x", "offset"),
        ] {
            let Err(Error::Invalid { field, .. }) = window(raw) else { panic!("{raw}") };
            assert_eq!(field.as_deref(), Some(name), "{raw}");
        }
    }
}
