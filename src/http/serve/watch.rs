//! What a connection is doing, and how long it has been doing it.
//!
//! The connection writes down what moves with plain atomic stores; one slow tick compares. A state that has not moved
//! for its limit ends the connection between one and one and a quarter limits, which spares a timer per request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use super::Limits;
use super::framing::Place;

/// What one connection is doing. Only that connection's tasks write here, so nothing stronger than relaxed is needed.
#[derive(Debug, Default)]
pub struct Activity {
    /// Messages begun, with the [`Place`] in the two lowest bits.
    reading: AtomicU64,
    running: AtomicU32,
    served: AtomicU32,
    blocked: AtomicBool,
    written: AtomicU32,
    closing: AtomicBool,
}

/// A request being answered; dropped with the answer's head.
#[derive(Debug)]
pub struct Running(Arc<Activity>);

impl Running {
    /// True if the connection is to end after this answer.
    pub fn closing(&self) -> bool {
        self.0.closing.load(Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

impl Activity {
    /// Notes where reading stands.
    pub fn read(&self, place: Place, messages: u32) {
        self.reading.store(u64::from(messages) << 2 | place as u64, Relaxed);
    }

    /// Notes the outcome of one write.
    pub fn wrote<T>(&self, outcome: &Poll<T>) {
        if outcome.is_pending() {
            self.blocked.store(true, Relaxed);
        } else if self.blocked.load(Relaxed) {
            self.blocked.store(false, Relaxed);
            self.written.fetch_add(1, Relaxed);
        }
    }

    /// Notes the start of a request.
    pub fn begin(this: &Arc<Self>) -> Running {
        this.running.fetch_add(1, Relaxed);
        this.served.fetch_add(1, Relaxed);
        Running(Arc::clone(this))
    }

    /// Asks that the connection end after the next answer.
    pub fn close_soon(&self) {
        self.closing.store(true, Relaxed);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    /// The peer does not read.
    Blocked { written: u32 },
    /// A head is arriving.
    Head { reading: u64 },
    /// A body is arriving.
    Body { reading: u64 },
    /// A handler is at work; it has its own deadlines.
    Busy,
    /// Nothing is going on.
    Idle { served: u32 },
}

/// What is to be done with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Keep,
    /// Close it when its requests are done.
    Close,
    /// Close it now, for this reason.
    Cut(&'static str),
}

/// The patience with one connection, counted in ticks.
#[derive(Debug)]
pub struct Watch {
    period: Duration,
    head: u32,
    body: u32,
    idle: u32,
    blocked: u32,
    last: Situation,
    age: u32,
    closed: bool,
}

impl Watch {
    /// Patience by `limits`.
    pub fn new(limits: &Limits) -> Self {
        let all = [limits.header_timeout, limits.body_timeout, limits.keep_alive_timeout, limits.write_stall_timeout];
        let shortest = all.into_iter().min().unwrap_or_default();
        let period = (shortest / 4).clamp(Duration::from_millis(10), Duration::from_millis(2500));
        let ticks = |limit: Duration| u32::try_from(limit.as_nanos().div_ceil(period.as_nanos())).unwrap_or(u32::MAX);
        Self {
            period,
            head: ticks(limits.header_timeout),
            body: ticks(limits.body_timeout),
            idle: ticks(limits.keep_alive_timeout),
            blocked: ticks(limits.write_stall_timeout),
            last: Situation::Idle { served: 0 },
            age: 0,
            closed: false,
        }
    }

    /// Time between two looks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// One look at the connection, to be taken once a period.
    pub fn judge(&mut self, activity: &Activity) -> Verdict {
        let reading = activity.reading.load(Relaxed);
        let now = if activity.blocked.load(Relaxed) {
            Situation::Blocked { written: activity.written.load(Relaxed) }
        } else if reading & 3 == Place::Head as u64 {
            Situation::Head { reading }
        } else if reading & 3 == Place::Body as u64 {
            Situation::Body { reading }
        } else if activity.running.load(Relaxed) > 0 {
            Situation::Busy
        } else {
            Situation::Idle { served: activity.served.load(Relaxed) }
        };
        if now != self.last {
            self.last = now;
            self.age = 0;
            return Verdict::Keep;
        }
        self.age = self.age.saturating_add(1);
        match now {
            Situation::Blocked { .. } if self.age > self.blocked => Verdict::Cut("write_stall"),
            Situation::Head { .. } if self.age > self.head => Verdict::Cut("header_timeout"),
            Situation::Body { .. } if self.age > self.body => Verdict::Cut("body_timeout"),
            // A peer that has chosen a protocol and then asks for nothing.
            Situation::Idle { served: 0 } if self.age > self.head => Verdict::Cut("header_timeout"),
            Situation::Idle { .. } if self.age > self.idle => {
                if self.closed {
                    return Verdict::Cut("idle");
                }
                // Answers that the peer never takes keep an HTTP/2 connection open even then; hence a second round.
                self.closed = true;
                self.age = 0;
                Verdict::Close
            }
            _ => Verdict::Keep,
        }
    }
}
