//! What somebody was proven by is good once, and not any more once the session that it is of has been ended: an assertion that was made
//! before a LogoutRequest and comes later signs nobody in (saml-core-2.0-os §3.7.3.2).

use super::as_unauthorized;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::service::App;
use crate::store::{self, Conn};
use crate::upstream::Identity;

/// How long the clocks of others may differ, in seconds.
const SKEW_SECS: i64 = 60;
/// How long assertions may be on their way that were made before, in seconds: as long as a sign-in may take, and more.
pub const LATE_SECS: i64 = 3_600;

/// The mark that a session has been ended; without a session's name, all of that person.
pub fn mark(tenant: &Tenant, idp_id: &str, session_name: &str, session: &str) -> String {
    digest(&format!("saml logout {} {idp_id} {session} {session_name}", tenant.id))
}

/// The marks that would say that somebody's session has been ended already, all of theirs or this one; and until when they would
/// be there if that was not before they signed in.
pub fn ended_sessions(tenant: &Tenant, idp_id: &str, identity: &Identity) -> ([String; 2], Timestamp) {
    let name = identity.session_name.as_deref().unwrap_or(&identity.subject);
    let said = |claim: &str| identity.claims.get(claim);
    let session = said("sid").and_then(|sid| sid.as_str()).unwrap_or_default().trim();
    let signed_in = said("auth_time").and_then(serde_json::Value::as_i64).map(Timestamp::from_secs);
    let until = signed_in.unwrap_or_else(|| Timestamp::from_secs(0)).plus_secs(LATE_SECS);
    ([mark(tenant, idp_id, name, ""), mark(tenant, idp_id, name, session)], until)
}

/// Whether what somebody was proven by may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It may, and is used up by that.
    First,
    /// It was used before.
    Again,
    /// The identity provider has ended the session meanwhile that it is of.
    Ended,
}

impl Use {
    /// What is said of it.
    pub fn refusal(self) -> Error {
        let (text, why) = match self {
            Self::First | Self::Again => ("The answer was used before.", "it is good once only"),
            Self::Ended => ("You have been signed out at your provider meanwhile.", "its session has been ended"),
        };
        Error::refused_because(Code::ValidationFailed, text, why)
    }

    /// Refuses what may not be used.
    pub fn allowed(self) -> Result<()> {
        if self == Self::First { Ok(()) } else { Err(self.refusal()) }
    }
}

/// Uses up what an identity was proven by, where that is good once only, whichever node it is shown to, unless its session has
/// been ended at that tenant. It is kept as long as it could be shown.
pub async fn use_up(app: &App, tenant: Option<&Tenant>, idp_id: &str, identity: &Identity) -> Result<Use> {
    let Some((id, ends)) = &identity.once else { return Ok(Use::First) };
    let key = digest(&format!("assertion {idp_id} {id}"));
    let until = ends.plus_secs(2 * SKEW_SECS);
    let mut conn = app.store.write_once().await?;
    let Some(tenant) = tenant else {
        let is_first = store::spent::spend(&mut conn, &key, until).await?;
        return Ok(if is_first { Use::First } else { Use::Again });
    };
    let (marks, since) = ended_sessions(tenant, idp_id, identity);
    if store::spent::spend_unless(&mut conn, &key, until, (&marks, since)).await? {
        return Ok(Use::First);
    }
    let is_ended = store::spent::is_marked(&mut conn, &marks, since).await?;
    Ok(if is_ended { Use::Ended } else { Use::Again })
}

/// Refuses somebody whose session at the identity provider was ended while they were asked something here.
pub async fn check_not_ended(tx: &mut Conn, tenant: &Tenant, idp_id: &str, identity: &Identity) -> Result<()> {
    let (marks, since) = ended_sessions(tenant, idp_id, identity);
    match store::spent::is_marked(tx, &marks, since).await? {
        true => Err(Use::Ended.refusal()),
        false => Ok(()),
    }
}

/// 401 for what was used before.
pub(super) async fn once_only(app: &App, idp_id: &str, identity: &Identity) -> Result<()> {
    use_up(app, None, idp_id, identity).await?.allowed().map_err(as_unauthorized)
}
