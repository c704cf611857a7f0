//! Revocation events and which tokens they hit (Keystone's OS-REVOKE).
//!
//! A token is revoked if some event has `issued_before >= issued_at` and every field that the event names is the token's.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// One revocation event. A field that is `None` matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RevocationEvent {
    /// Its id in the store.
    pub id: String,
    /// This very token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audit_id: Option<String>,
    /// All tokens that descend from this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audit_chain_id: Option<String>,
    /// Tokens of this user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<String>,
    /// Tokens scoped to this project.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project_id: Option<String>,
    /// Tokens of users of, or scoped to, this domain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub domain_id: Option<String>,
    /// Tokens that carry this role.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role_id: Option<String>,
    /// Tokens of this trust.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trust_id: Option<String>,
    /// Tokens of this OAuth1 consumer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consumer_id: Option<String>,
    /// Tokens of this OAuth1 access token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub access_token_id: Option<String>,
    /// Tokens that came through this identity provider (ours; shown as user events elsewhere).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub idp_id: Option<String>,
    /// Of those, the tokens that came by this protocol (ours; never shown).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub protocol_id: Option<String>,
    /// Tokens that end at this very time (seconds since the epoch, microseconds).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<i64>,
    /// Tokens issued until then, inclusive (microseconds).
    pub issued_before: i64,
    /// When the event was made (microseconds).
    pub revoked_at: i64,
}

impl RevocationEvent {
    /// An event that names nothing yet, of `now`.
    pub fn new(id: String, now: Timestamp) -> Self {
        Self { id, issued_before: now.0, revoked_at: now.0, ..Self::default() }
    }

    /// The time until which it matters: no token that it could hit lives longer.
    pub fn outlives(&self, longest_token_secs: i64) -> Timestamp {
        Timestamp(self.revoked_at).plus_secs(longest_token_secs + GRACE_SECS)
    }
}

/// Events are kept this much longer than the longest token (Keystone's 1800 s).
pub const GRACE_SECS: i64 = 1_800;

/// What of a token events are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its own audit id.
    pub audit_id: &'a str,
    /// The audit id of the first token of its chain.
    pub chain_id: &'a str,
    /// Its user.
    pub user_id: &'a str,
    /// The domain of its user.
    pub user_domain_id: &'a str,
    /// Its project, when it is scoped to one.
    pub project_id: Option<&'a str>,
    /// The domain of its scope: the domain itself, or the project's.
    pub scope_domain_id: Option<&'a str>,
    /// Ids of its roles.
    pub role_ids: &'a [&'a str],
    /// Its trust.
    pub trust_id: Option<&'a str>,
    /// Its OAuth1 access token.
    pub access_token_id: Option<&'a str>,
    /// The identity provider it came through.
    pub idp_id: Option<&'a str>,
    /// The protocol it came by.
    pub protocol_id: Option<&'a str>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl RevocationEvent {
    /// Whether this event revokes that token.
    pub fn hits(&self, token: &Subject<'_>) -> bool {
        let same = |event: &Option<String>, token: Option<&str>| event.as_deref().is_none_or(|e| Some(e) == token);
        self.issued_before >= token.issued_at.0
            && same(&self.audit_id, Some(token.audit_id))
            && same(&self.audit_chain_id, Some(token.chain_id))
            && same(&self.user_id, Some(token.user_id))
            && same(&self.project_id, token.project_id)
            && self.domain_hits(token)
            && self.role_id.as_deref().is_none_or(|r| token.role_ids.contains(&r))
            && same(&self.trust_id, token.trust_id)
            && same(&self.access_token_id, token.access_token_id)
            && self.consumer_id.is_none()
            && same(&self.idp_id, token.idp_id)
            && same(&self.protocol_id, token.protocol_id)
            && self.expires_at.is_none_or(|e| e == token.expires_at.0)
    }

    /// With an expiry the domain is the scope's only; without, the user's or the scope's.
    fn domain_hits(&self, token: &Subject<'_>) -> bool {
        let Some(domain) = self.domain_id.as_deref() else { return true };
        token.scope_domain_id == Some(domain) || (self.expires_at.is_none() && token.user_domain_id == domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Subject<'static> {
        Subject {
            audit_id: "own",
            chain_id: "root",
            user_id: "u",
            user_domain_id: "ud",
            project_id: Some("p"),
            scope_domain_id: Some("pd"),
            role_ids: &["r1", "r2"],
            trust_id: None,
            access_token_id: None,
            idp_id: Some("i"),
            protocol_id: Some("saml"),
            issued_at: Timestamp::from_secs(100),
            expires_at: Timestamp::from_secs(200),
        }
    }

    fn event(set: impl FnOnce(&mut RevocationEvent)) -> RevocationEvent {
        let mut e = RevocationEvent::new("e".into(), Timestamp::from_secs(100));
        set(&mut e);
        e
    }

    #[test]
    fn every_field_that_an_event_names_must_be_the_tokens() {
        let some = |s: &str| Some(s.to_owned());
        let cases: Vec<(RevocationEvent, bool)> = vec![
            (event(|_| ()), true),
            (event(|e| e.issued_before = Timestamp::from_secs(99).0), false),
            (event(|e| e.audit_id = some("own")), true),
            (event(|e| e.audit_id = some("root")), false),
            (event(|e| e.audit_chain_id = some("root")), true),
            (event(|e| e.user_id = some("u")), true),
            (event(|e| e.user_id = some("v")), false),
            (event(|e| (e.user_id, e.project_id) = (some("u"), some("p"))), true),
            (event(|e| (e.user_id, e.project_id) = (some("u"), some("q"))), false),
            (event(|e| e.domain_id = some("ud")), true),
            (event(|e| e.domain_id = some("pd")), true),
            (event(|e| (e.domain_id, e.expires_at) = (some("ud"), Some(token().expires_at.0))), false),
            (event(|e| (e.domain_id, e.expires_at) = (some("pd"), Some(token().expires_at.0))), true),
            (event(|e| e.role_id = some("r2")), true),
            (event(|e| e.role_id = some("r3")), false),
            (event(|e| e.trust_id = some("t")), false),
            (event(|e| e.idp_id = some("i")), true),
            (event(|e| e.idp_id = some("j")), false),
            (event(|e| (e.idp_id, e.protocol_id) = (some("i"), some("saml"))), true),
            (event(|e| (e.idp_id, e.protocol_id) = (some("i"), some("oidc"))), false),
            (event(|e| (e.idp_id, e.protocol_id) = (some("j"), some("saml"))), false),
            (event(|e| e.consumer_id = some("c")), false),
        ];
        for (event, expected) in cases {
            assert_eq!(event.hits(&token()), expected, "{event:?}");
        }
    }
}
