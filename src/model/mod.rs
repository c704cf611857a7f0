//! The model: data and pure functions, one file per resource. No I/O, no async, no clock.
//!
//! Whatever comes from outside is read here into a type that can only hold what is allowed (`…::create`, `…::update`
//! return `Result`); after that nothing is checked twice.

pub mod application;
pub mod assertion;
pub mod assignment;
pub mod audit_event;
pub mod auth_request;
pub mod authorization;
pub mod catalog;
pub mod change;
pub mod claims;
pub mod connection;
pub mod device_code;
pub mod domain;
pub mod endpoint;
pub mod expected;
pub mod facts;
pub mod federated_link;
pub mod fields;
pub mod grant;
pub mod group;
pub mod holder;
pub mod identity_provider;
pub mod issuer;
pub mod job;
pub mod list;
pub mod login_diagnostic;
pub mod login_session;
pub mod logout;
pub mod mapping;
pub mod mapping_engine;
pub mod password_change;
pub mod project;
pub mod protocol;
pub mod region;
pub mod revocation;
pub mod role;
pub mod saml_key;
pub mod scim;
pub mod service;
pub mod service_provider;
pub mod session;
pub mod setting;
pub mod shadow_user;
pub mod sign_in;
pub mod sign_in_step;
pub mod signing_key;
pub mod sso_config;
pub mod tag;
pub mod tenant;
pub mod tenant_idp;
pub mod token;
pub mod user;
pub mod user_link;
pub mod web;
mod words;
