//! All resources of a class, for a server that does not filter: paged through once in a run, and again only when something
//! may have been created without our being told. Of each, id, name and `externalId` are kept in memory until the run ends;
//! of more than [`MAX`], none are.

use std::collections::HashMap;

use tokio::sync::Mutex;

use super::failure::{Failure, Kind};
use super::find::{Hit, Key, Listed};
use super::turn::Turn;
use super::{Class, Client};

/// Most resources that are kept.
pub const MAX: usize = 100_000;

/// All of one class, or why they are not known.
#[derive(Default)]
pub struct Census(Mutex<Option<Result<Index, Failure>>>);

impl Census {
    /// Has them read again when they are next asked for.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }

    /// Whether they are known now.
    pub async fn is_taken(&self) -> bool {
        matches!(*self.0.lock().await, Some(Ok(_)))
    }

    /// Adds one that has been created.
    pub async fn add(&self, hit: Hit) {
        if let Some(Ok(index)) = self.0.lock().await.as_mut() {
            index.add(hit);
        }
    }
}

#[derive(Default)]
struct Index {
    hits: Vec<Hit>,
    ours: HashMap<String, Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
}

impl Index {
    fn add(&mut self, hit: Hit) {
        let at = self.hits.len();
        if let Some(external_id) = &hit.external_id {
            self.ours.entry(external_id.clone()).or_default().push(at);
        }
        self.names.entry(hit.name.to_lowercase()).or_default().push(at);
        self.hits.push(hit);
    }

    fn fitting(&self, key: Key<'_>) -> Vec<Hit> {
        let found = match key {
            Key::ExternalId(value) => self.ours.get(value),
            Key::Name(value) => self.names.get(&value.to_lowercase()),
        };
        found.into_iter().flatten().filter_map(|at| self.hits.get(*at)).cloned().collect()
    }
}

impl Client {
    /// Those of all that fit `key`. The object whose turn it is does not pay for the reading with its time.
    pub(super) async fn counted(&self, turn: &mut Turn<'_>, class: Class, key: Key<'_>) -> Result<Vec<Hit>, Failure> {
        let mut held = self.census(class).0.lock().await;
        turn.renew();
        if held.is_none() {
            let counted = match self.list(turn, class, None, MAX).await {
                Ok(Listed::All(hits)) => {
                    let mut index = Index::default();
                    hits.into_iter().for_each(|hit| index.add(hit));
                    Ok(index)
                }
                Ok(Listed::TooMany | Listed::NoFilter) => {
                    let told = format!("the server does not filter, and has over {MAX} {}s", class.one());
                    Err(Failure::new(Kind::Refused, told))
                }
                Err(failure) => Err(failure),
            };
            *held = Some(counted);
            turn.renew();
        }
        match held.as_ref() {
            Some(Ok(index)) => Ok(index.fitting(key)),
            Some(Err(failure)) => Err(failure.clone()),
            None => Ok(Vec::new()),
        }
    }
}
