//! Checks of servers on loopback, each failure with its text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
