//! The porch: what every face shares between a socket and a handler.
//!
//! [`serve`] is the accept loop, [`front`] the one warp filter, [`route`] the table that it hands requests to, [`request`]
//! and [`body`] what a handler reads, [`reply`] what it answers, [`dialect`] how a failure is worded, [`page`] how what people
//! see looks.

pub mod accept;
pub mod body;
pub mod cookie;
pub mod dialect;
pub mod front;
pub mod page;
pub mod published;
pub mod query;
pub mod reply;
pub mod request;
pub mod request_id;
pub mod route;
pub mod serve;
pub mod version;
