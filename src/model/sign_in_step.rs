//! One step of a sign-in, as it is kept for whoever has to find out why it failed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignInStep {
    /// Its id.
    pub id: String,
    /// The sign-in.
    pub sign_in_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// Its place among the steps of one request.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The request.
    pub request_id: String,
    /// What was done.
    pub step: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// What was sent and received, without secrets, and which rule decided.
    pub detail: Value,
}
