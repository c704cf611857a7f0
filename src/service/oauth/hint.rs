//! Whom an application means by an ID token of before (`id_token_hint`; OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).

use serde_json::Value;

use super::super::App;
use super::keys;
use crate::error::{Code, Error, Result};
use crate::model::tenant::Tenant;

/// Whom and what a hint names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The user.
    pub user_id: String,
    /// The application that it was issued to.
    pub client_id: String,
    /// The session that it was issued in.
    pub sid: Option<String>,
}

/// Reads an ID token that this tenant has signed. It may have ended: it only names somebody, and proves nothing.
///
/// # Errors
/// `Refused` with [`Code::InvalidToken`].
pub async fn id_token_hint(app: &App, tenant: &Tenant, text: &str) -> Result<Hint> {
    let claims = keys::verify(app, tenant, text, "JWT").await?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    // What else is signed with the same keys (logout tokens) is of another type or has no such claims.
    match (text("sub"), text("aud"), claims.contains_key("at_hash")) {
        (Some(user_id), Some(client_id), true) => Ok(Hint { user_id, client_id, sid: text("sid") }),
        _ => Err(Error::refused_because(Code::InvalidToken, "The token is not valid.", "it is no ID token")),
    }
}
