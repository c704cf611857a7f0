//! Lists of `/api/v1/admin`: `page` and `per_page`, and what a list is wrapped in.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::http::query::Parameters;
use crate::model::list::{Portion, Window};

/// Items of a page that was not told how many.
const DEFAULT_SIZE: i64 = 20;
/// Items of a page at most.
const MAX_SIZE: i64 = 100;

/// A page that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    number: i64,
    size: i64,
}

impl Page {
    /// Reads which one.
    pub fn of(parameters: &Parameters<'_>) -> Result<Self> {
        let number = count(parameters, "page")?.unwrap_or(1);
        let size = count(parameters, "per_page")?.unwrap_or(DEFAULT_SIZE).min(MAX_SIZE);
        Ok(Self { number, size })
    }

    /// The part of the list that it is.
    pub fn window(self) -> Window {
        Window { limit: self.size, offset: (self.number - 1).saturating_mul(self.size) }
    }

    /// The page as it is shown.
    pub fn shown<T>(self, portion: &Portion<T>, one: impl Fn(&T) -> Value) -> Value {
        json!({
            "items": portion.items.iter().map(one).collect::<Vec<_>>(),
            "total": portion.total,
            "page": self.number,
            "per_page": self.size,
        })
    }
}

fn count(parameters: &Parameters<'_>, name: &str) -> Result<Option<i64>> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    // A number too large for us is as good as the largest: both are beyond every list.
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match if digits { text.parse().unwrap_or(i64::MAX) } else { 0 } {
        0 => Err(Error::invalid_field(name, format!("'{text:.40}' is not a whole number of at least 1"))),
        n => Ok(Some(n)),
    }
}

/// A parameter that must be there.
pub fn required<'p>(parameters: &'p Parameters<'_>, name: &str) -> Result<&'p str> {
    parameters
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Error::invalid_field(name, "is a required parameter"))
}

/// A parameter that is a truth value.
pub fn boolean(parameters: &Parameters<'_>, name: &str) -> Result<Option<bool>> {
    match parameters.get(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(Error::invalid_field(name, format!("'{other:.40}' is neither 'true' nor 'false'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_count_from_one_and_have_an_upper_limit() {
        let window = |raw: &str| Page::of(&Parameters::parse(raw).unwrap()).map(Page::window);
        for (raw, limit, offset) in [
            ("", 20, 0),
            ("page=1", 20, 0),
            ("page=3&per_page=7", 7, 14),
            ("per_page=1000", 100, 0),
            ("page=99999999999999999999", 20, i64::MAX),
        ] {
            assert_eq!(window(raw), Ok(Window { limit, offset }), "{raw}");
        }
        for raw in ["page=0", "page=-1", "page=x", "page=", "per_page=0", "per_page=1.5"] {
            assert!(window(raw).is_err(), "{raw}");
        }
    }
}
