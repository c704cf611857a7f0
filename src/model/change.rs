//! What a node has to hear of to keep its memory true.

use super::revocation::RevocationEvent;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A user, their password or their grants.
    User(String),
    /// A project.
    Project(String),
    /// A domain: it touches its users and projects.
    Domain(String),
    /// An identity provider.
    IdentityProvider(String),
    /// A tenant, or what belongs to it: slugs, applications, keys, what it says of identity providers.
    Tenant(String),
    /// How many SSO configurations there are.
    SsoConfigurations,
    /// Tokens were revoked.
    Revocation(Box<RevocationEvent>),
    /// Anything else that tokens depend on (roles, the catalog): forget all that was remembered.
    All,
}

impl Change {
    /// Kind, id and detail for the change feed.
    pub fn encode(&self) -> (&'static str, &str, String) {
        match self {
            Self::User(id) => ("user", id, String::new()),
            Self::Project(id) => ("project", id, String::new()),
            Self::Domain(id) => ("domain", id, String::new()),
            Self::IdentityProvider(id) => ("identity_provider", id, String::new()),
            Self::Tenant(id) => ("tenant", id, String::new()),
            Self::SsoConfigurations => ("sso_configurations", "", String::new()),
            Self::Revocation(event) => ("revocation", &event.id, serde_json::to_string(event).unwrap_or_default()),
            Self::All => ("all", "", String::new()),
        }
    }

    /// Reads what [`Change::encode`] wrote. What a newer node wrote and this one does not know counts as [`Change::All`].
    pub fn decode(kind: &str, ident: &str, detail: &str) -> Self {
        match kind {
            "user" => Self::User(ident.to_owned()),
            "project" => Self::Project(ident.to_owned()),
            "domain" => Self::Domain(ident.to_owned()),
            "identity_provider" => Self::IdentityProvider(ident.to_owned()),
            "tenant" => Self::Tenant(ident.to_owned()),
            "sso_configurations" => Self::SsoConfigurations,
            "revocation" => serde_json::from_str(detail).map_or(Self::All, |e| Self::Revocation(Box::new(e))),
            _ => Self::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn changes_come_back_as_they_were_written() {
        let mut event = RevocationEvent::new("e1".into(), Timestamp::from_secs(5));
        event.audit_chain_id = Some("root".into());
        for change in [
            Change::User("u".into()),
            Change::Project("p".into()),
            Change::Domain("d".into()),
            Change::IdentityProvider("i".into()),
            Change::Tenant("t".into()),
            Change::SsoConfigurations,
            Change::Revocation(Box::new(event)),
            Change::All,
        ] {
            let (kind, ident, detail) = change.encode();
            assert_eq!(Change::decode(kind, ident, &detail), change);
        }
        assert_eq!(Change::decode("from_the_future", "x", ""), Change::All);
    }
}
