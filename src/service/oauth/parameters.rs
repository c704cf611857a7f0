//! Parameters of an OAuth 2.0 request, from a query or a form (RFC 6749 §3.1, §3.2): one that stands twice means nothing, an
//! empty one is none, an unknown one is ignored.

use crate::error::{Code, Error, Result};

/// Most parameters that are looked at.
const MAX_PARAMETERS: usize = 100;
/// Longest value, in bytes.
const MAX_VALUE: usize = 16 * 1024;

/// The parameters, decoded, in order.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

/// 400 `invalid_request`.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::refused(Code::InvalidRequest, message)
}

impl Parameters {
    /// Takes the fields of a form.
    ///
    /// # Errors
    /// More than anybody needs, or a NUL.
    pub fn new(fields: Vec<(String, String)>) -> Result<Self> {
        if fields.len() > MAX_PARAMETERS {
            return Err(invalid("there are too many parameters"));
        }
        if fields.iter().any(|(n, v)| n.contains('\0') || v.contains('\0') || v.len() > MAX_VALUE) {
            return Err(invalid("a parameter is too long or holds a NUL character"));
        }
        Ok(Self(fields))
    }

    /// Reads a query or the body of a form.
    ///
    /// # Errors
    /// As [`Parameters::new`].
    pub fn parse(encoded: &[u8]) -> Result<Self> {
        Self::new(url::form_urlencoded::parse(encoded).into_owned().take(MAX_PARAMETERS + 1).collect())
    }

    /// A parameter, if it stands there and is not empty.
    ///
    /// # Errors
    /// It stands there twice.
    pub fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut all = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        match (all.next(), all.next()) {
            (value, None) => Ok(value.filter(|v| !v.is_empty())),
            _ => Err(invalid(format!("{name}: the parameter stands twice"))),
        }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// It is not there, or twice.
    pub fn required(&self, name: &str) -> Result<&str> {
        self.one(name)?.ok_or_else(|| invalid(format!("{name}: the parameter is missing")))
    }

    /// Whether a parameter stands there, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_parameter_stands_once_and_an_empty_one_is_none() {
        let all = Parameters::parse(b"a=1&b=&c=x+y%2B&a=1&d&colour=red").unwrap();
        assert_eq!(all.one("a").unwrap_err().to_string(), "invalid_request: a: the parameter stands twice");
        assert_eq!((all.one("b").unwrap(), all.one("d").unwrap(), all.one("e").unwrap()), (None, None, None));
        assert_eq!(all.one("c").unwrap(), Some("x y+"));
        assert!(all.required("b").is_err() && all.has("b") && !all.has("e"));
    }

    #[test]
    fn what_nobody_needs_is_refused() {
        assert!(Parameters::parse("a=1&".repeat(MAX_PARAMETERS + 1).as_bytes()).is_err());
        assert!(Parameters::parse(b"a=%00").is_err());
        assert!(Parameters::parse(format!("a={}", "x".repeat(MAX_VALUE + 1)).as_bytes()).is_err());
    }
}
