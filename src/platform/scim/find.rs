//! Finding what is there already: by our key, then by name, and never by an e-mail address (SCIM-3). The server filters, or
//! all are paged through once (RFC 7644 §3.4.2).

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::change::in_any_case;
use super::failure::{Failure, Kind};
use super::filter::{encoded, eq};
use super::resource::{attribute, id, number, text};
use super::turn::Turn;
use super::user::MAX_VALUE;
use super::wire::Request;
use super::{Class, Client};

/// Most answers to one question.
const MAX_HITS: usize = 100;
/// Most pages of one list.
const MAX_PAGES: usize = 5_000;
/// Longest cursor.
const MAX_CURSOR: usize = 1_024;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// What is ours.
    ExternalId(&'a str),
    /// What has that name.
    Name(&'a str),
}

impl Key<'_> {
    fn filter(self, class: Class) -> String {
        match self {
            Self::ExternalId(value) => eq("externalId", value),
            Self::Name(value) => eq(class.name(), value),
        }
    }

    fn fits(self, hit: &Hit) -> bool {
        match self {
            Self::ExternalId(value) => hit.external_id.as_deref() == Some(value),
            Self::Name(value) => in_any_case(&hit.name, value),
        }
    }
}

/// As much of a resource as finding it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The server's id.
    pub id: String,
    /// Whose it is, if it is anybody's.
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
}

impl Hit {
    fn read(resource: &Value, class: Class) -> Option<Self> {
        // One more than any of ours has, so what is cut is nobody's of ours.
        let cut = |text: &str| text.chars().take(MAX_VALUE + 1).collect::<String>();
        Some(Self {
            id: id(resource)?,
            external_id: text(resource, "externalId").map(cut),
            name: text(resource, class.name()).map(cut).unwrap_or_default(),
        })
    }
}

/// What a list came to.
pub enum Listed {
    /// All of it.
    All(Vec<Hit>),
    /// The server does not filter.
    NoFilter,
    /// More than were asked for.
    TooMany,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The server's id.
    pub id: String,
    /// Whether it was ours, or had our name and was nobody's.
    pub owned: bool,
}

impl Client {
    /// Looks for what has our key, then for what has our name and is nobody's. `again` if something may have come into being
    /// since it was looked for.
    ///
    /// # Errors
    /// `Conflict` if it is somebody else's, `Ambiguous` if there are several.
    pub(super) async fn find(
        &self,
        turn: &mut Turn<'_>,
        class: Class,
        (external_id, name): (&str, &str),
        again: bool,
    ) -> Result<Option<Found>, Failure> {
        let several = || Failure::new(Kind::Ambiguous, format!("the server has several such {}s", class.one()));
        if again {
            self.census(class).forget().await;
        }
        let ours = self.hits(turn, class, Key::ExternalId(external_id)).await?;
        let one = match ours.as_slice() {
            [] => None,
            [one] => Some(one),
            many => {
                let mut same = many.iter().filter(|hit| in_any_case(&hit.name, name));
                match (same.next(), same.next()) {
                    (Some(one), None) => Some(one),
                    _ => return Err(several()),
                }
            }
        };
        if let Some(one) = one {
            return Ok(Some(Found { id: one.id.clone(), owned: true }));
        }
        let mut named = self.hits(turn, class, Key::Name(name)).await?;
        if class == Class::Group {
            // Names of groups are not unique: what is somebody else's is no obstacle.
            named.retain(|hit| hit.external_id.is_none() && hit.name == name);
        }
        match named.as_slice() {
            [] => Ok(None),
            [one] if one.external_id.is_none() => Ok(Some(Found { id: one.id.clone(), owned: false })),
            [_] => {
                let told = format!("the {}'s name is taken by one with another externalId", class.one());
                Err(Failure::new(Kind::Conflict, told))
            }
            _ => Err(several()),
        }
    }

    async fn hits(&self, turn: &mut Turn<'_>, class: Class, key: Key<'_>) -> Result<Vec<Hit>, Failure> {
        if self.filters() && !self.census(class).is_taken().await {
            match self.list(turn, class, Some(key), MAX_HITS).await? {
                Listed::All(hits) => return Ok(hits),
                Listed::TooMany => {
                    return Err(Failure::new(Kind::Ambiguous, format!("over {MAX_HITS} {}s fit", class.one())));
                }
                Listed::NoFilter => self.filters.store(false, Ordering::Relaxed),
            }
        }
        self.counted(turn, class, key).await
    }

    /// Reads a list, page by page. A server that ignores the filter is known by answers that do not fit it.
    pub(super) async fn list(
        &self,
        turn: &mut Turn<'_>,
        class: Class,
        key: Option<Key<'_>>,
        most: usize,
    ) -> Result<Listed, Failure> {
        let mut query = format!("{}?", self.endpoint(class)?);
        if let Some(key) = key {
            query.push_str(&format!("filter={}&", encoded(&key.filter(class))));
        }
        let capabilities = self.capabilities();
        query.push_str(&format!("attributes=externalId,{}&count=", class.name()));
        let (mut hits, mut seen) = (Vec::new(), HashSet::new());
        let (mut count, mut start, mut cursor) = (capabilities.page, 1, String::new());
        for _ in 0..MAX_PAGES {
            let target = match start {
                _ if capabilities.cursor => format!("{query}{count}&cursor={}", encoded(&cursor)),
                1 => format!("{query}{count}"),
                start => format!("{query}{count}&startIndex={start}"),
            };
            let reply = match turn.send(&Request::get(target)).await {
                // Somebody sends more of each than was asked for: fewer at a time, then.
                Err(failure) if failure.kind == Kind::TooLarge && count > 1 => {
                    count /= 2;
                    continue;
                }
                reply => reply?,
            };
            if key.is_some() && matches!(reply.status.as_u16(), 400 | 501) {
                return Ok(Listed::NoFilter);
            }
            if !reply.status.is_success() {
                return Err(turn.wire.failure(Kind::Refused, &reply));
            }
            if !reply.body.is_object() {
                return Err(Failure::new(Kind::Broken, "the answer is no list"));
            }
            let page = attribute(&reply.body, "Resources").and_then(Value::as_array);
            let page = page.map(Vec::as_slice).unwrap_or_default();
            let before = seen.len();
            for hit in page.iter().filter_map(|resource| Hit::read(resource, class)) {
                if key.is_some_and(|key| !key.fits(&hit)) {
                    return Ok(Listed::NoFilter);
                }
                if seen.insert(hit.id.clone()) {
                    if hits.len() == most {
                        return Ok(Listed::TooMany);
                    }
                    hits.push(hit);
                }
            }
            start += page.len() as u64;
            let total = attribute(&reply.body, "totalResults").and_then(number);
            let next = text(&reply.body, "nextCursor").filter(|next| next.len() <= MAX_CURSOR);
            let ends = if capabilities.cursor { next.is_none() } else { total.is_some_and(|total| start > total) };
            if page.is_empty() || ends {
                return Ok(Listed::All(hits));
            }
            if seen.len() == before {
                return Err(Failure::new(Kind::Broken, "the server's pages repeat each other"));
            }
            cursor = next.unwrap_or_default().to_owned();
            turn.renew();
        }
        Ok(Listed::TooMany)
    }
}
