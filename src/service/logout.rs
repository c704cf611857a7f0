//! Logging out at a tenant, in all directions (tenant-login §10): asked for by an application or by the person, told by the
//! identity provider, told to applications.

pub mod notice;
mod pending;
