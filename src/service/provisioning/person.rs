//! A user of ours as a platform is to have them: what the standard's core names, and nothing else that is known of them (SCIM-8).

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::clock::hex;
use crate::model::user::Identity;
use crate::platform::scim::User;

/// What is sent of a user.
pub(super) fn wanted(identity: &Identity) -> User {
    let user = &identity.user;
    let text = |name: &str| user.extra.get(name).and_then(|v| v.as_str()).filter(|t| !t.is_empty()).map(str::to_owned);
    User {
        external_id: user.id.clone(),
        user_name: user.name.clone(),
        active: user.enabled && identity.domain_enabled,
        display_name: Some(user.display_name().to_owned()),
        given_name: text("given_name"),
        family_name: text("family_name"),
        email: user.email().map(str::to_owned),
        phone: text("phone"),
        ..User::default()
    }
}

/// Digest of what is sent.
pub(super) fn digest(user: &User) -> String {
    let all = json!([
        user.external_id,
        user.user_name,
        user.active,
        user.display_name,
        user.given_name,
        user.family_name,
        user.email,
        user.phone,
    ]);
    hex(&Sha256::digest(all.to_string()))
}
