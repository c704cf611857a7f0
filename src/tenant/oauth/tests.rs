//! The endpoints over a socket, on each kind of database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clients;
mod codes;
mod devices;
mod exchanges;
mod keystone;
mod published;
mod refreshes;
mod told;
