//! A document that is fetched once for all who need it, kept, and fetched again when it is old or does not do.
//!
//! At most one fetch at a time runs for a document, and at most one in [`RETRY_SECS`], whether it succeeds or not: nobody
//! can make us hammer a provider by presenting nonsense, and a provider that is down is not asked for every login. What is
//! held stays in use while a newer one cannot be had, for [`LONGEST_SECS`] at most: a key that was withdrawn must not be
//! trusted for ever. A fetch goes on when whoever wanted it goes away.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// After this time a document is fetched again, in the background.
pub const REFRESH_SECS: i64 = 3_600;
/// Time between two fetches of one document.
pub const RETRY_SECS: i64 = 30;
/// After this time what is held is no longer used.
pub const LONGEST_SECS: i64 = 24 * 3_600;

/// What was fetched, and when.
#[derive(Debug)]
pub struct Held<T> {
    /// The document.
    pub document: T,
    at: Timestamp,
}

/// One document's place.
#[derive(Debug)]
pub struct Kept<T> {
    held: ArcSwapOption<Held<T>>,
    /// When it was last asked for. Whoever has the lock is fetching.
    asked: Mutex<Option<Timestamp>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { held: ArcSwapOption::empty(), asked: Mutex::new(None) }
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// The document: what is held, or what is fetched if nothing is.
    pub async fn get<F, R>(self: &Arc<Self>, now: Timestamp, fetch: F) -> Result<Arc<Held<T>>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<T>> + Send + 'static,
    {
        let Some(held) = self.held.load_full() else { return self.newer(now, None, fetch).await };
        let age = now.secs().saturating_sub(held.at.secs());
        if age >= LONGEST_SECS {
            return self.newer(now, Some(&held), fetch).await;
        }
        if age >= REFRESH_SECS && self.may_ask(now) {
            let (this, seen) = (self.clone(), held.clone());
            tokio::spawn(async move { this.fetch(now, Some(&seen), fetch).await.map(drop) });
        }
        Ok(held)
    }

    /// A newer one than `seen`, if it may be asked for and can be had.
    pub async fn newer<F, R>(
        self: &Arc<Self>,
        now: Timestamp,
        seen: Option<&Arc<Held<T>>>,
        fetch: F,
    ) -> Result<Arc<Held<T>>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<T>> + Send + 'static,
    {
        let (this, seen) = (self.clone(), seen.cloned());
        let running = tokio::spawn(async move { this.fetch(now, seen.as_ref(), fetch).await });
        running.await.unwrap_or_else(|_| Err(Error::internal("a fetch was broken off")))
    }

    /// Whether a fetch would begin.
    fn may_ask(&self, now: Timestamp) -> bool {
        self.asked.try_lock().is_ok_and(|asked| !is_recent(*asked, now))
    }

    async fn fetch<F, R>(&self, now: Timestamp, seen: Option<&Arc<Held<T>>>, fetch: F) -> Result<Arc<Held<T>>>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<T>>,
    {
        let mut asked = self.asked.lock().await;
        // Somebody else may have fetched it while we waited.
        if let Some(held) = self.held.load_full()
            && seen.is_none_or(|s| !Arc::ptr_eq(s, &held))
        {
            return Ok(held);
        }
        if is_recent(*asked, now) {
            return Err(Error::unavailable("the provider was asked a moment ago"));
        }
        *asked = Some(now);
        let held = Arc::new(Held { document: fetch().await?, at: now });
        self.held.store(Some(held.clone()));
        Ok(held)
    }
}

fn is_recent(asked: Option<Timestamp>, now: Timestamp) -> bool {
    asked.is_some_and(|at| now.secs().saturating_sub(at.secs()) < RETRY_SECS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    /// A document that counts how often it was fetched.
    #[derive(Default)]
    struct Counted {
        kept: Arc<Kept<usize>>,
        fetches: Arc<AtomicUsize>,
    }

    impl Counted {
        fn fetch(
            &self,
            works: bool,
        ) -> impl FnOnce() -> futures_util::future::BoxFuture<'static, Result<usize>> + use<> {
            let fetches = self.fetches.clone();
            move || {
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    let n = fetches.fetch_add(1, Ordering::SeqCst) + 1;
                    if works { Ok(n) } else { Err(Error::unavailable("down")) }
                })
            }
        }

        async fn get(&self, secs: i64, works: bool) -> Option<usize> {
            self.kept.get(at(secs), self.fetch(works)).await.ok().map(|h| h.document)
        }
    }

    #[tokio::test]
    async fn many_who_need_it_at_once_cause_one_fetch() {
        let counted = Counted::default();
        let all = futures_util::future::join_all((0..100).map(|_| counted.get(0, true))).await;
        assert!(all.iter().all(|got| *got == Some(1)));
        assert_eq!(counted.get(3_599, true).await, Some(1));
        assert_eq!(counted.fetches.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_fetch_is_remembered_for_30_seconds() {
        let counted = Counted::default();
        let all = futures_util::future::join_all((0..100).map(|_| counted.get(0, false))).await;
        assert!(all.iter().all(Option::is_none));
        assert_eq!(counted.get(29, true).await, None);
        assert_eq!(counted.fetches.load(Ordering::SeqCst), 1);
        assert_eq!(counted.get(30, true).await, Some(2));
    }

    #[tokio::test]
    async fn an_old_one_is_renewed_in_the_background_and_kept_for_a_day_while_that_fails() {
        let counted = Counted::default();
        assert_eq!(counted.get(0, true).await, Some(1));
        assert_eq!(counted.get(REFRESH_SECS, true).await, Some(1));
        while counted.kept.held.load_full().unwrap().document == 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counted.get(REFRESH_SECS + 1, true).await, Some(2));
        assert_eq!(counted.get(REFRESH_SECS + LONGEST_SECS - 1, false).await, Some(2));
        while counted.fetches.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counted.get(REFRESH_SECS + LONGEST_SECS + RETRY_SECS, false).await, None);
    }

    #[tokio::test]
    async fn a_newer_one_is_asked_for_once_in_30_seconds() {
        let counted = Counted::default();
        let first = counted.kept.get(at(0), counted.fetch(true)).await.unwrap();
        assert!(counted.kept.newer(at(29), Some(&first), counted.fetch(true)).await.is_err());
        let newer = || counted.kept.newer(at(30), Some(&first), counted.fetch(true));
        let all = futures_util::future::join_all((0..100).map(|_| newer())).await;
        assert!(all.iter().all(|got| got.as_ref().unwrap().document == 2));
        assert_eq!(counted.fetches.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_fetch_goes_on_when_whoever_wanted_it_goes_away() {
        let counted = Counted::default();
        assert!(futures_util::FutureExt::now_or_never(counted.get(0, true)).is_none());
        while counted.fetches.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(counted.get(0, true).await, Some(1));
    }
}
