//! What is done for one object, within its deadline.

use tokio::time::{Instant, sleep_until, timeout_at};

use super::failure::Failure;
use super::pace::after;
use super::wire::{Reply, Request, Setback, Wire};

/// One object's turn.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    pub(super) wire: &'a Wire,
    limit: Instant,
}

impl<'a> Turn<'a> {
    /// Begins now.
    pub fn new(wire: &'a Wire) -> Self {
        Self { wire, limit: after(wire.pace.deadline) }
    }

    /// Begins anew, for another piece.
    pub fn renew(&mut self) {
        self.limit = after(self.wire.pace.deadline);
    }

    /// One attempt.
    ///
    /// # Errors
    /// No answer, or one that can only be given up or repeated.
    pub async fn once(&self, request: &Request) -> Result<Reply, Setback> {
        match timeout_at(self.limit, self.wire.exchange(request, self.limit)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Setback::last(Failure::timeout())),
        }
    }

    /// Attempts until there is an answer.
    ///
    /// # Errors
    /// As [`Turn::once`], when there is no more time or sense in repeating.
    pub async fn send(&self, request: &Request) -> Result<Reply, Failure> {
        let mut nth = 0;
        loop {
            match self.once(request).await {
                Ok(reply) => return Ok(reply),
                Err(setback) => self.back_off(setback, nth).await?,
            }
            nth += 1;
        }
    }

    /// Waits before the attempt after the `nth`, counted from nothing.
    ///
    /// # Errors
    /// The failure, if there is none.
    pub async fn back_off(&self, setback: Setback, nth: u32) -> Result<(), Failure> {
        let pace = &self.wire.pace;
        if !setback.again || nth + 1 >= pace.attempts {
            return Err(setback.failure);
        }
        let wait = pace.wait(nth, &self.wire.random).max(setback.failure.retry_after.unwrap_or_default());
        let until = after(wait);
        if until >= self.limit {
            return Err(setback.failure);
        }
        sleep_until(until).await;
        Ok(())
    }
}
