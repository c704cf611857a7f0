//! Test-only: fresh databases, and the whole app in process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
