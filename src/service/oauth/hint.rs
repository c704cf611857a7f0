//! Stand-in until the provider's part is merged.

use crate::error::{Error, Result};
use crate::model::tenant::Tenant;
use crate::service::App;

/// What a hint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Who.
    pub user_id: String,
    /// The application.
    pub client_id: String,
    /// The session.
    pub sid: Option<String>,
}

/// Reads it.
pub async fn id_token_hint(_: &App, _: &Tenant, _: &str) -> Result<Hint> {
    Err(Error::invalid("not yet"))
}
