//! Configured values that must not be shown (invariant I7): they print and serialise as a mask.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use url::Url;
use zeroize::Zeroizing;

/// What stands in the place of a hidden value.
pub const MASK: &str = "******";

/// A secret of the configuration; wiped from memory when dropped.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if nothing is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn shown(&self) -> &'static str {
        if self.is_empty() { "" } else { MASK }
    }
}

impl From<String> for Hidden {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

/// A database's address, whose password prints and serialises as a mask.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct DatabaseUrl(Hidden);

impl DatabaseUrl {
    /// The whole address, password included.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    fn shown(&self) -> String {
        let text = self.expose();
        if text.starts_with("sqlite:") {
            return text.to_owned();
        }
        let Ok(mut url) = Url::parse(text) else { return MASK.to_owned() };
        if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
            return MASK.to_owned();
        }
        if url.query().is_some() {
            let pairs: Vec<(String, String)> = url
                .query_pairs()
                .map(|(name, value)| {
                    let secret = name.to_ascii_lowercase().contains("pass");
                    (name.into_owned(), if secret { MASK.to_owned() } else { value.into_owned() })
                })
                .collect();
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        url.into()
    }
}

impl From<String> for DatabaseUrl {
    fn from(value: String) -> Self {
        Self(Hidden::from(value))
    }
}

impl From<&str> for DatabaseUrl {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn sec_mem_1_hidden_values_print_as_a_mask() {
        let key = Hidden::from("canary".to_owned());
        assert_eq!(format!("{key:?}"), "\"******\"");
        assert_eq!(format!("{:?}", Hidden::default()), "\"\"");
        assert_eq!(key.expose(), "canary");
    }

    #[test]
    fn sec_mem_1_a_database_address_prints_without_its_password() {
        for (given, shown) in [
            ("postgres://arch:canary@db/archstone", "postgres://arch:******@db/archstone"),
            ("postgres://arch@db/archstone", "postgres://arch@db/archstone"),
            ("postgres://db/a?password=canary&sslmode=require", "postgres://db/a?password=******&sslmode=require"),
            ("sqlite://archstone.db", "sqlite://archstone.db"),
            ("host=db password=canary", "******"),
        ] {
            assert_eq!(format!("{:?}", DatabaseUrl::from(given)), format!("{shown:?}"));
        }
    }
}
