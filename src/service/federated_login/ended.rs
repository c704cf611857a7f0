//! Sessions that a SAML identity provider has ended at a tenant: an assertion that was made before and comes later signs nobody in
//! (saml-core-2.0-os §3.7.3.2).

use crate::clock::Timestamp;
use crate::model::tenant::Tenant;
use crate::secret::digest;
use crate::upstream::Identity;

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
