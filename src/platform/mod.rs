//! Platforms: the products outside that a configuration, its users and its groups are pushed to.

pub mod scim;
