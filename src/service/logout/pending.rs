//! STAND-IN until the provider's own keys are there: to be thrown away with the merge, in favour of `oauth::keys::sign` and
//! `oauth::hint::id_token_hint`. What it signs nobody believes but itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};
use crate::model::tenant::{SigningAlgorithm, Tenant};
use crate::secret::{digest, same};
use crate::service::App;

/// What an ID token that is shown as a hint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Whom it is about.
    pub user_id: String,
    /// Whom it was made for.
    pub client_id: String,
    /// The session.
    pub sid: Option<String>,
}

fn signature(tenant: &Tenant, signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&format!("pending {} {signed}", tenant.id)))
}

/// Signs claims.
pub async fn sign(
    _app: &App,
    tenant: &Tenant,
    algorithm: SigningAlgorithm,
    typ: &str,
    claims: &Value,
) -> Result<String> {
    let header = json!({"alg": algorithm.as_str(), "typ": typ}).to_string();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
    Ok(format!("{signed}.{}", signature(tenant, &signed)))
}

/// Reads an ID token of this tenant.
pub async fn id_token_hint(_app: &App, tenant: &Tenant, text: &str) -> Result<Hint> {
    let wrong = || Error::refused(Code::InvalidRequest, "The id_token_hint is not valid.");
    let (signed, made) = text.rsplit_once('.').ok_or_else(wrong)?;
    if !same(made, &signature(tenant, signed)) {
        return Err(wrong());
    }
    let payload = signed.split_once('.').and_then(|(_, p)| URL_SAFE_NO_PAD.decode(p).ok()).ok_or_else(wrong)?;
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| wrong())?;
    let said = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Hint { user_id: said("sub").ok_or_else(wrong)?, client_id: said("aud").ok_or_else(wrong)?, sid: said("sid") })
}
