//! What a list is asked for (RFC 7644 §3.4.2, §3.4.3).

use serde_json::Value;

use super::filter::Filter;
use super::patch::member;
use super::path::AttributePath;
use super::projection::Projection;
use super::{DEFAULT_RESULTS, Kind, MAX_RESULTS, invalid_value};
use crate::error::{Error, Result, ScimFault};

/// What a list is in order of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// `id`
    Id,
    /// `userName` of users.
    UserName,
    /// `displayName`
    DisplayName,
    /// `externalId`
    ExternalId,
    /// `meta.created` of users.
    Created,
    /// `meta.lastModified`
    LastModified,
}

/// What a list is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What is looked for.
    pub filter: Option<Filter>,
    /// Where the page begins, from 1.
    pub start: i64,
    /// Most resources of the page; 0 asks for the number only.
    pub count: i64,
    /// The order, and whether it is the other way round.
    pub sort: Option<(SortKey, bool)>,
    /// What is shown.
    pub projection: Projection,
}

/// The parts of a question as texts, as a query has them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts<'p> {
    /// `filter`
    pub filter: Option<&'p str>,
    /// `startIndex`
    pub start: Option<&'p str>,
    /// `count`
    pub count: Option<&'p str>,
    /// `sortBy`
    pub sort_by: Option<&'p str>,
    /// `sortOrder`
    pub sort_order: Option<&'p str>,
    /// `attributes`
    pub attributes: Option<&'p str>,
    /// `excludedAttributes`
    pub excluded: Option<&'p str>,
}

fn number(name: &str, text: Option<&str>, absent: i64) -> Result<i64> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else { return Ok(absent) };
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_value(format!("'{name}' is no whole number.")));
    }
    // A number too large for us is beyond every list.
    Ok(text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX }))
}

fn sort_key(kind: Option<Kind>, text: &str) -> Result<SortKey> {
    let unsupported = || {
        let text = format!("Nothing is put in order of '{text:.100}'.");
        Error::scim(ScimFault::InvalidPath, text)
    };
    let path = AttributePath::parse(text).ok_or_else(unsupported)?;
    let of_user = kind != Some(Kind::Group);
    let known = [
        ("id", None, SortKey::Id, true),
        ("userName", None, SortKey::UserName, of_user),
        ("displayName", None, SortKey::DisplayName, true),
        ("externalId", None, SortKey::ExternalId, true),
        ("meta", Some("created"), SortKey::Created, of_user),
        ("meta", Some("lastModified"), SortKey::LastModified, true),
    ];
    let is_core = path.schema.as_deref().is_none_or(|s| !s.eq_ignore_ascii_case(super::ENTERPRISE));
    let found = known.iter().find(|(name, sub, _, there)| *there && is_core && path.is(name, *sub));
    found.map(|(_, _, key, _)| *key).ok_or_else(unsupported)
}

impl Search {
    /// Reads the parts; `kind` is absent for what looks among all resources.
    pub fn of_parts(kind: Option<Kind>, parts: Parts<'_>) -> Result<Self> {
        let names = |text: Option<&'_ str>| text.map(|t| t.split(',').map(str::to_owned).collect()).unwrap_or_default();
        let (only, without): (Vec<String>, Vec<String>) = (names(parts.attributes), names(parts.excluded));
        let projection = Projection::parse(only.iter().map(String::as_str), without.iter().map(String::as_str))?;
        let descending = match parts.sort_order {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(invalid_value("'sortOrder' is 'ascending' or 'descending'.")),
        };
        let sort = match parts.sort_by.filter(|s| !s.is_empty()) {
            Some(by) => Some((sort_key(kind, by)?, descending)),
            None => None,
        };
        Ok(Self {
            filter: parts.filter.filter(|f| !f.is_empty()).map(Filter::parse).transpose()?,
            start: number("startIndex", parts.start, 1)?.max(1),
            count: number("count", parts.count, DEFAULT_RESULTS)?.clamp(0, MAX_RESULTS),
            sort,
            projection,
        })
    }

    /// Reads the body of a search.
    pub fn of_body(kind: Option<Kind>, body: &Value) -> Result<Self> {
        let object = body.as_object().ok_or_else(|| invalid_value("The body is no object."))?;
        let text = |name: &str| -> Result<Option<String>> {
            match member(object, name)? {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(Value::Number(number)) => Ok(Some(number.to_string())),
                Some(_) => Err(invalid_value(format!("'{name}' is of another type."))),
            }
        };
        let names = |name: &str| -> Result<Option<String>> {
            match member(object, name)? {
                Some(Value::Array(all)) => {
                    let texts: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
                    let texts = texts.ok_or_else(|| invalid_value(format!("'{name}' is no list of texts.")))?;
                    Ok(Some(texts.join(",")))
                }
                _ => text(name),
            }
        };
        let (filter, start, count) = (text("filter")?, text("startIndex")?, text("count")?);
        let (sort_by, sort_order) = (text("sortBy")?, text("sortOrder")?);
        let (attributes, excluded) = (names("attributes")?, names("excludedAttributes")?);
        let parts = Parts {
            filter: filter.as_deref(),
            start: start.as_deref(),
            count: count.as_deref(),
            sort_by: sort_by.as_deref(),
            sort_order: sort_order.as_deref(),
            attributes: attributes.as_deref(),
            excluded: excluded.as_deref(),
        };
        Self::of_parts(kind, parts)
    }

    /// Resources left out before the page.
    pub fn offset(&self) -> i64 {
        self.start - 1
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_count_from_one_and_are_bounded() {
        let page = |start, count| {
            Search::of_parts(Some(Kind::User), Parts { start, count, ..Parts::default() }).map(|s| (s.start, s.count))
        };
        assert_eq!(page(None, None), Ok((1, 100)));
        assert_eq!(page(Some("0"), Some("-1")), Ok((1, 0)));
        assert_eq!(page(Some("-99999999999999999999"), Some("99999999999999999999")), Ok((1, 200)));
        assert_eq!(page(Some("99999999999999999999"), Some("7")), Ok((i64::MAX, 7)));
        for bad in ["x", "1.5", "-", "1e3"] {
            assert!(page(Some(bad), None).is_err() && page(None, Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_are_in_order_of_what_is_indexed_only() {
        let sorted = |kind, by, order| {
            let parts = Parts { sort_by: Some(by), sort_order: order, ..Parts::default() };
            Search::of_parts(kind, parts).map(|s| s.sort)
        };
        assert_eq!(sorted(Some(Kind::User), "username", Some("Descending")), Ok(Some((SortKey::UserName, true))));
        assert_eq!(sorted(None, "meta.lastModified", None), Ok(Some((SortKey::LastModified, false))));
        for (kind, by, order) in [
            (Kind::Group, "userName", None),
            (Kind::User, "name.familyName", None),
            (Kind::User, "a b", None),
            (Kind::User, "id", Some("up")),
        ] {
            assert!(sorted(Some(kind), by, order).is_err(), "{by}");
        }
    }

    #[test]
    fn a_search_in_a_body_says_the_same() {
        let body = json!({
            "schemas": [super::super::SEARCH], "filter": "userName eq \"ann\"", "startIndex": 3, "count": 5,
            "attributes": ["userName", "emails"], "sortBy": "id", "sortOrder": "descending",
        });
        let search = Search::of_body(Some(Kind::User), &body).unwrap();
        assert_eq!((search.start, search.count, search.offset()), (3, 5, 2));
        assert!(search.filter.is_some() && matches!(search.projection, Projection::Only(all) if all.len() == 2));
        for bad in [
            json!({"filter": 1}),
            json!({"filter": ["a"]}),
            json!({"count": "x"}),
            json!({"attributes": [1]}),
            json!({"filter": "a"}),
            json!({"count": 1, "COUNT": 2}),
        ] {
            assert!(Search::of_body(None, &bad).is_err(), "{bad}");
        }
    }
}
