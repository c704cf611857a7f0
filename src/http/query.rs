//! Query strings.

use std::borrow::Cow;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::list::{Condition, Operand, Operator, Query};

/// Most parameters that are looked at.
const MAX_PARAMETERS: usize = 200;

/// A query string's parameters, decoded, in order.
#[derive(Debug, Default)]
pub struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// What a list can be filtered by: the query parameter, the column, and how its value reads.
pub type Filter = (&'static str, &'static str, Kind);

/// How a filter's value reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; comparators apply.
    Text,
    /// A truth value in any of Keystone's spellings.
    Bool,
    /// A time, with what it is compared by in front: `lt:2026-01-31T12:00:00Z`.
    Time,
}

impl<'a> Parameters<'a> {
    /// Reads a raw query string.
    pub fn parse(raw: &'a str) -> Result<Self> {
        let all: Vec<_> = url::form_urlencoded::parse(raw.as_bytes()).take(MAX_PARAMETERS + 1).collect();
        if all.len() > MAX_PARAMETERS {
            return Err(Error::invalid(format!("The query has more than {MAX_PARAMETERS} parameters.")));
        }
        if all.iter().any(|(k, v)| k.contains('\0') || v.contains('\0')) {
            return Err(Error::invalid("The query holds a NUL character."));
        }
        Ok(Self(all))
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_ref())
    }

    /// Whether a switch is on: there, and not in one of the spellings of false.
    pub fn switch(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| truth(v) != Some(false))
    }

    /// What a list asks for. `max` is the largest page.
    pub fn list(&self, filters: &[Filter], max: usize) -> Result<Query> {
        let mut conditions = Vec::new();
        for (name, value) in &self.0 {
            let (key, operator) = match name.split_once("__") {
                Some((key, comparator)) => match Operator::parse(comparator) {
                    Some(operator) => (key, operator),
                    None => continue,
                },
                None => (name.as_ref(), Operator::Equals),
            };
            let Some((_, column, kind)) = filters.iter().find(|(f, _, _)| *f == key) else { continue };
            let (operator, operand) = match kind {
                Kind::Text => (operator, Operand::Text(value.to_string())),
                Kind::Bool => {
                    let truth = truth(value)
                        .ok_or_else(|| Error::invalid_field(key, format!("'{value:.40}' is not a boolean")))?;
                    (operator, Operand::Bool(truth))
                }
                Kind::Time => {
                    let (operator, at) = moment(value)?;
                    (operator, Operand::Int(at.0))
                }
            };
            // An empty text is in every text; leaving the condition out says the same without SQL's opinion on it.
            if operator != Operator::Equals && operand == Operand::Text(String::new()) {
                continue;
            }
            conditions.push(Condition { column, operator, operand });
        }
        let limit = match self.get("limit") {
            None => max,
            Some(text) => {
                let n: i64 = text
                    .parse()
                    .map_err(|_| Error::invalid_field("limit", format!("'{text:.40}' is not an integer")))?;
                if n < 0 {
                    return Err(Error::invalid_field("limit", format!("{n} is less than the minimum of 0")));
                }
                match usize::try_from(n).unwrap_or(max) {
                    0 => max,
                    n => n.min(max),
                }
            }
        };
        Ok(Query { conditions, limit, marker: self.get("marker").filter(|m| !m.is_empty()).map(str::to_owned) })
    }

    /// The same query with another marker, for `links.next`.
    pub fn next(&self, marker: &str, limit: usize) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (k, v) in self.0.iter().filter(|(k, _)| k != "marker" && k != "limit") {
            out.append_pair(k, v);
        }
        out.append_pair("limit", &limit.to_string());
        out.append_pair("marker", marker);
        out.finish()
    }
}

/// Keystone's spellings of a truth value; nothing at all is true.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "" | "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// A time and how it is compared; without an operator in front, equality.
fn moment(text: &str) -> Result<(Operator, Timestamp)> {
    let (name, at) = match text.split_once(':') {
        Some((name, at)) if matches!(name.len(), 2 | 3) => (name, at),
        _ => ("eq", text),
    };
    let at = Timestamp::parse(at).or_else(|| Timestamp::parse(&format!("{at}T00:00:00Z"))).ok_or_else(|| {
        Error::invalid(
            "Timestamp not in expected format. The server could not comply with the request since it is either \
             malformed or otherwise incorrect. The client is assumed to be in error.",
        )
    })?;
    let operator = match name {
        "eq" => Operator::Equals,
        "neq" => Operator::NotEquals,
        "lt" => Operator::Less,
        "lte" => Operator::AtMost,
        "gt" => Operator::More,
        "gte" => Operator::AtLeast,
        other => {
            return Err(Error::invalid(format!(
                "The given operator {other} is not valid. It must be one of the following: 'eq', 'neq', 'lt', 'lte', \
                 'gt', or 'gte'."
            )));
        }
    };
    Ok((operator, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: &[Filter] = &[
        ("id", "id", Kind::Text),
        ("name", "name", Kind::Text),
        ("enabled", "enabled", Kind::Bool),
        ("ends", "w.ends", Kind::Time),
    ];

    fn list(raw: &str) -> Result<Query> {
        Parameters::parse(raw).unwrap().list(FILTERS, 100)
    }

    #[test]
    fn declared_filters_count_and_others_are_ignored() {
        let q = list("name=a%20b&colour=red&enabled=no&name__icontains=X&name__odd=1").unwrap();
        assert_eq!(q.conditions.len(), 3);
        assert_eq!(q.conditions[0], Condition::equals("name", "a b"));
        assert_eq!(q.conditions[1].operand, Operand::Bool(false));
        assert_eq!(q.conditions[2].operator, Operator::IContains);
    }

    #[test]
    fn booleans_are_read_in_all_spellings_and_nonsense_is_refused() {
        for t in ["enabled", "enabled=", "enabled=1", "enabled=True", "enabled=Y", "enabled=ON"] {
            assert_eq!(list(t).unwrap().conditions[0].operand, Operand::Bool(true), "{t}");
        }
        assert!(list("enabled=maybe").is_err());
    }

    #[test]
    fn a_time_is_compared_by_the_operator_in_front_of_it() {
        let at = Operand::Int(Timestamp::from_secs(1_480_975_320).0);
        for (text, operator) in [
            ("lt:2016-12-05T22:02:00Z", Operator::Less),
            ("lte:2016-12-05T22:02:00Z", Operator::AtMost),
            ("gt:2016-12-05T22:02:00", Operator::More),
            ("gte:2016-12-05T22:02:00.000000", Operator::AtLeast),
            ("eq:2016-12-05T22:02:00Z", Operator::Equals),
            ("neq:2016-12-05T22:02:00Z", Operator::NotEquals),
            ("2016-12-05T22:02:00Z", Operator::Equals),
        ] {
            let condition = list(&format!("ends={text}")).unwrap().conditions.remove(0);
            assert_eq!(condition, Condition { column: "w.ends", operator, operand: at.clone() }, "{text}");
        }
        let message = |text: &str| list(&format!("ends={text}")).unwrap_err().to_string();
        assert!(message("x:2016-12-05T22:02:00Z").starts_with("Timestamp not in expected format."));
        assert!(message("lt:yesterday").starts_with("Timestamp not in expected format."));
        assert!(message("foo:2016-12-05T22:02:00Z").starts_with("The given operator foo is not valid."));
    }

    #[test]
    fn the_page_is_bounded_and_must_be_a_number() {
        assert_eq!(list("").unwrap().limit, 100);
        assert_eq!(list("limit=7&marker=x").unwrap(), Query { conditions: vec![], limit: 7, marker: Some("x".into()) });
        assert_eq!(list("limit=100000").unwrap().limit, 100);
        assert!(list("limit=abc").is_err());
        assert!(list("limit=-1").is_err());
    }

    #[test]
    fn the_next_page_keeps_the_filters() {
        let p = Parameters::parse("name=a&limit=2&marker=old").unwrap();
        assert_eq!(p.next("new one", 2), "name=a&limit=2&marker=new+one");
    }
}
