//! # Archstone
//!
//! A Keystone-compatible OS-FEDERATION identity service. This file holds the living picture of the house.
//!
//! ```text
//!       roof    main.rs  cli/  app.rs  openapi/       builds, runs and describes everything, knows everyone
//!   ─────────────────────────────────────────────────────────────────────────────────────
//!    4  faces   keystone/  sso/  tenant/              over http/ (the porch); no face sees another
//!   ─────────────────────────────────────────────────────────────────────────────────────
//!    3  service every rule of the product; policy is the first line of each function
//!   ─────────────────────────────────────────────────────────────────────────────────────
//!    2  means   store/   cache/   policy/   keys/   upstream/   platform/
//!               rooms side by side; none opens onto another
//!   ─────────────────────────────────────────────────────────────────────────────────────
//!    1  model   data and pure functions: no I/O, no async, no clock
//!   ─────────────────────────────────────────────────────────────────────────────────────
//!    0  ground  error  clock  config  secret  egress  metrics   imports only what stands before it
//! ```
//!
//! A module names modules on lower floors only; rooms on floor 2 and faces on floor 4 do not name their neighbours. Faces
//! name neither `store` nor `cache`. `floors.rs` reads the `use` lines and fails on a breach (invariant I1); the other
//! invariants and what proves them stand in the README.
//!
//! What every service function is handed, [`service::App`], is a type of floor 3, so that floor 3 need not look up; the
//! roof's [`app`] builds it. The porch, [`http`], stands on floor 3's shoulder: a request knows how to ask the service who
//! is calling.
//!
//! ## A journey: validating a token
//!
//! `http::serve` (socket) → `http::front` (the one warp filter, request id) → `http::route` (table) →
//! `keystone::tokens::validate` → `service::caller` (whose token is this?) → `service::token::validate` → `cache`: a
//! remembered token answers with ready facts and bytes; else `keys` reads it and `store` looks up what it refers to →
//! `policy` → the document's bytes, written once for each token.

pub mod app;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod egress;
pub mod error;
pub mod http;
pub mod keys;
pub mod keystone;
pub mod metrics;
pub mod model;
pub mod openapi;
pub mod platform;
pub mod policy;
pub mod secret;
pub mod service;
pub mod sso;
pub mod store;
pub mod tenant;
pub mod upstream;

#[cfg(test)]
mod floors;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;
