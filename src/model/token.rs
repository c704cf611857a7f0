//! What a token says: the payload common to Fernet and JWS tokens, before anything is looked up in the database.
//!
//! A token carries ids and times only; names, roles and the catalog are computed from the database at each validation.
//! Which payload kind a token has follows from what is set, in Keystone's order of choice (keystone-api §5.2), and
//! a payload whose parts no kind can carry together is refused rather than written with a part missing: a federated
//! token that silently lost its application credential would have lost its restrictions too.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result};

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The user's id.
    pub user_id: String,
    /// Names of the authentication methods used.
    pub methods: Vec<String>,
    /// When the token was issued. Tokens carry whole seconds: a fraction is lost in the token.
    pub issued_at: Timestamp,
    /// When the token ends. Fernet carries a fraction of a second, JWS whole seconds only.
    pub expires_at: Timestamp,
    /// 22-character base64url audit ids: the token's own first, then that of the first token of its rescope chain.
    pub audit_ids: Vec<String>,
    /// What the token is good for.
    pub scope: Scope,
    /// Set for users who came through an identity provider.
    pub federated: Option<Federated>,
    /// The trust that the token was issued under.
    pub trust_id: Option<String>,
    /// The application credential that the token was issued for.
    pub app_cred_id: Option<String>,
    /// The OAuth 1.0a access token that the token was issued for.
    pub access_token_id: Option<String>,
    /// Thumbprint of the client certificate that an OAuth 2.0 token is bound to (RFC 8705).
    pub thumbprint: Option<String>,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Nothing but finding out what one may have.
    Unscoped,
    /// A project, by id.
    Project(String),
    /// A domain, by id.
    Domain(String),
    /// The whole deployment.
    System,
}

/// How a federated user came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federated {
    /// Groups that the mapping gave, by id.
    pub group_ids: Vec<String>,
    /// The identity provider's id.
    pub idp_id: String,
    /// The protocol's id.
    pub protocol_id: String,
}

/// The payload kinds of a Fernet token; the number is the version that opens the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// No scope.
    Unscoped = 0,
    /// Domain scope.
    Domain = 1,
    /// Project scope.
    Project = 2,
    /// A trust's project.
    Trust = 3,
    /// A federated user, no scope.
    FederatedUnscoped = 4,
    /// A federated user, project scope.
    FederatedProject = 5,
    /// A federated user, domain scope.
    FederatedDomain = 6,
    /// An OAuth 1.0a access token.
    Oauth1 = 7,
    /// System scope.
    System = 8,
    /// An application credential.
    AppCred = 9,
    /// OAuth 2.0 client credentials bound to a certificate.
    Oauth2 = 10,
}

impl Kind {
    /// The kind whose version is `number`.
    pub fn from_version(number: u64) -> Option<Self> {
        Some(match number {
            0 => Self::Unscoped,
            1 => Self::Domain,
            2 => Self::Project,
            3 => Self::Trust,
            4 => Self::FederatedUnscoped,
            5 => Self::FederatedProject,
            6 => Self::FederatedDomain,
            7 => Self::Oauth1,
            8 => Self::System,
            9 => Self::AppCred,
            10 => Self::Oauth2,
            _ => return None,
        })
    }

    /// The number that opens the payload.
    pub fn version(self) -> u8 {
        self as u8
    }
}

impl Payload {
    /// The payload kind that carries this.
    ///
    /// # Errors
    /// [`Error::Internal`] if no kind can carry everything that is set.
    pub fn kind(&self) -> Result<Kind> {
        let bound = [&self.trust_id, &self.app_cred_id, &self.access_token_id, &self.thumbprint];
        if bound.iter().filter(|id| id.is_some()).count() + usize::from(self.federated.is_some()) > 1 {
            return Err(Error::internal(
                "a token is bound to at most one of trust, identity provider, application credential, OAuth access token and certificate",
            ));
        }
        let kind = if self.access_token_id.is_some() {
            Kind::Oauth1
        } else if self.trust_id.is_some() {
            Kind::Trust
        } else if self.federated.is_some() {
            match self.scope {
                Scope::Project(_) => Kind::FederatedProject,
                Scope::Domain(_) => Kind::FederatedDomain,
                Scope::Unscoped => Kind::FederatedUnscoped,
                Scope::System => {
                    return Err(Error::internal("no token payload has a federated user with system scope"));
                }
            }
        } else if self.app_cred_id.is_some() {
            Kind::AppCred
        } else if self.thumbprint.is_some() {
            Kind::Oauth2
        } else {
            match self.scope {
                Scope::Project(_) => Kind::Project,
                Scope::Domain(_) => Kind::Domain,
                Scope::System => Kind::System,
                Scope::Unscoped => Kind::Unscoped,
            }
        };
        let carried = match kind {
            Kind::Oauth1 | Kind::Trust | Kind::AppCred => matches!(self.scope, Scope::Project(_) | Scope::Unscoped),
            Kind::Oauth2 => self.scope != Scope::System,
            _ => true,
        };
        if carried {
            Ok(kind)
        } else {
            Err(Error::internal(format!("a token payload of kind {kind:?} cannot have this scope")))
        }
    }

    /// The token's own audit id.
    pub fn audit_id(&self) -> Option<&str> {
        self.audit_ids.first().map(String::as_str)
    }

    /// The audit id of the first token of the rescope chain, which is the token itself if it was not rescoped.
    pub fn chain_id(&self) -> Option<&str> {
        self.audit_ids.last().map(String::as_str)
    }
}

/// A fresh audit id: 16 random bytes as 22 characters of base64url.
pub fn new_audit_id(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<16>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn payload(scope: Scope) -> Payload {
        Payload {
            user_id: "u".into(),
            methods: vec!["password".into()],
            issued_at: Timestamp::from_secs(1),
            expires_at: Timestamp::from_secs(2),
            audit_ids: vec!["own".into(), "root".into()],
            scope,
            federated: None,
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        }
    }

    fn federated() -> Option<Federated> {
        Some(Federated { group_ids: vec![], idp_id: "i".into(), protocol_id: "p".into() })
    }

    #[test]
    fn the_kind_follows_keystones_order_of_choice() {
        let project = || Scope::Project("p".into());
        assert_eq!(payload(Scope::Unscoped).kind(), Ok(Kind::Unscoped));
        assert_eq!(payload(Scope::Domain("d".into())).kind(), Ok(Kind::Domain));
        assert_eq!(payload(project()).kind(), Ok(Kind::Project));
        assert_eq!(payload(Scope::System).kind(), Ok(Kind::System));
        assert_eq!(Payload { federated: federated(), ..payload(Scope::Unscoped) }.kind(), Ok(Kind::FederatedUnscoped));
        assert_eq!(Payload { federated: federated(), ..payload(project()) }.kind(), Ok(Kind::FederatedProject));
        assert_eq!(Payload { trust_id: Some("t".into()), ..payload(project()) }.kind(), Ok(Kind::Trust));
        assert_eq!(Payload { app_cred_id: Some("a".into()), ..payload(project()) }.kind(), Ok(Kind::AppCred));
        assert_eq!(Payload { access_token_id: Some("a".into()), ..payload(project()) }.kind(), Ok(Kind::Oauth1));
        assert_eq!(Payload { thumbprint: Some("x".into()), ..payload(project()) }.kind(), Ok(Kind::Oauth2));
        assert!((0..=10).all(|n| Kind::from_version(n).is_some_and(|k| u64::from(k.version()) == n)));
        assert_eq!(Kind::from_version(11), None);
    }

    #[test]
    fn what_no_kind_can_carry_is_refused_and_never_dropped() {
        let two =
            Payload { federated: federated(), app_cred_id: Some("a".into()), ..payload(Scope::Project("p".into())) };
        assert_eq!(two.kind().unwrap_err().status(), 500);
        assert!(Payload { federated: federated(), ..payload(Scope::System) }.kind().is_err());
        assert!(Payload { app_cred_id: Some("a".into()), ..payload(Scope::Domain("d".into())) }.kind().is_err());
        assert!(Payload { thumbprint: Some("a".into()), ..payload(Scope::System) }.kind().is_err());
    }

    #[test]
    fn audit_ids_have_22_characters_and_the_root_is_the_last() {
        let random = Random::seeded(1);
        let id = new_audit_id(&random);
        assert_eq!(id.len(), 22);
        assert_ne!(id, new_audit_id(&random));
        assert_eq!(payload(Scope::System).audit_id(), Some("own"));
        assert_eq!(payload(Scope::System).chain_id(), Some("root"));
    }
}
