//! `[tenant]`: signing in at tenants, and how often one may try.

use serde::{Deserialize, Serialize};

/// Signing in at tenants. Limits hold for each address and tenant, on each node; 0 switches one off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Time that a person has to sign in.
    pub sign_in_secs: u64,
    /// How long a sign-in is kept that has ended, so that a late answer still finds the application that waits for it.
    pub keep_ended_secs: u64,
    /// Sign-ins of one tenant that are begun and not gone on with; the oldest above it are dropped.
    pub max_open_sign_ins: u32,
    /// Times a minute that one may ask for the list of identity providers.
    pub idps_per_minute: u32,
    /// Sign-ins that one may begin in a minute.
    pub begin_per_minute: u32,
    /// Sign-ins that one may end in a minute.
    pub finish_per_minute: u32,
    /// Times a minute that one application may ask for tokens.
    pub token_per_minute: u32,
    /// Times a minute that a directory may ask by SCIM.
    pub scim_per_minute: u32,
    /// Answers that cannot be believed, a minute; whoever brings more is kept out for five.
    pub failures_per_minute: u32,
}

impl Default for Tenant {
    fn default() -> Self {
        Self {
            sign_in_secs: 600,
            keep_ended_secs: 86_400,
            max_open_sign_ins: 20_000,
            idps_per_minute: 120,
            begin_per_minute: 60,
            finish_per_minute: 60,
            token_per_minute: 300,
            scim_per_minute: 6_000,
            failures_per_minute: 20,
        }
    }
}
