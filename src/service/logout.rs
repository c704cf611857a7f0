//! Logging out at a tenant, in all directions (tenant-login §10): asked for by an application or by the person ([`asked`]),
//! carried on to the identity provider ([`provider`]), told by the identity provider ([`told`], [`saml`]), told to
//! applications ([`notice`]).
//!
//! The session here ends first, in one transaction with all that hangs on it; whatever fails afterwards loses no more than a
//! way back.

pub mod asked;
pub mod notice;
pub mod provider;
pub mod saml;
pub mod told;
