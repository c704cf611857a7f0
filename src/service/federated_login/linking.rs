//! Whether an account that is there already is the person's (tenant-login §7.3).
//!
//! An e-mail address is never an identity: two accounts become one without asking only if both sides have made sure of the
//! address, and the account has no power that somebody could gain by it. Otherwise the person proves that it is theirs.

use super::route::AtTenant;
use super::{Route, Vouch};
use crate::error::{Code, Error, Result};
use crate::model::tenant_idp::LinkMode;
use crate::model::user::{Identity, normal_email};
use crate::store::{self, Conn};

/// Most accounts with one address that are looked at.
const MAX_CANDIDATES: i64 = 10;

/// What the person has decided about an account that may be theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Open,
    /// They have proven that this account is theirs.
    Theirs(String),
    /// It is none of theirs, or they want another.
    Another,
}

/// What becomes of somebody who was never here through this identity provider.
pub(super) enum Outcome {
    /// They get an account of their own.
    New,
    /// This account is theirs.
    Theirs(Identity),
    /// They are asked whether this account is theirs.
    Ask(Identity),
}

/// Looks for an account with the address that the identity provider says.
pub(super) async fn look(conn: &mut Conn, route: &Route, at: &AtTenant, vouch: &Vouch<'_>) -> Result<Outcome> {
    let Some(key) = vouch.email.and_then(normal_email) else { return Ok(Outcome::New) };
    let mut candidates = Vec::new();
    for candidate in store::user::list_by_email(conn, &at.id, &key, MAX_CANDIDATES).await? {
        // Whom the identity provider knows by another name is somebody else there.
        if !store::federated_link::is_linked(conn, &candidate.user.id, &route.idp.id).await? {
            candidates.push(candidate);
        }
    }
    if let Decision::Theirs(id) = vouch.decision {
        let theirs = candidates.into_iter().find(|c| c.user.id == *id);
        return theirs
            .map(Outcome::Theirs)
            .ok_or_else(|| Error::refused(Code::AccountExists, "The account has been changed meanwhile."));
    }
    candidates.sort_by_key(|c| !c.user.is_email_verified());
    let Some(candidate) = candidates.into_iter().next() else { return Ok(Outcome::New) };
    match at.settings.link_mode {
        LinkMode::Separate => Ok(Outcome::New),
        LinkMode::Deny => Err(Error::refused(
            Code::AccountExists,
            "There is an account with this e-mail address already, and it cannot be linked.",
        )),
        LinkMode::Auto | LinkMode::Confirm if *vouch.decision == Decision::Another => Ok(Outcome::New),
        LinkMode::Auto if is_trusted(conn, at, vouch, &candidate, &key).await? => Ok(Outcome::Theirs(candidate)),
        LinkMode::Auto | LinkMode::Confirm => Ok(Outcome::Ask(candidate)),
    }
}

async fn is_trusted(
    conn: &mut Conn,
    at: &AtTenant,
    vouch: &Vouch<'_>,
    candidate: &Identity,
    email_key: &str,
) -> Result<bool> {
    let own_domain = at.settings.trust_email && is_of(email_key, &at.settings.domains);
    if !(vouch.email_verified || own_domain) || !candidate.user.is_email_verified() {
        return Ok(false);
    }
    Ok(at.settings.allow_admin_link || !store::user::is_administrator(conn, &candidate.user.id).await?)
}

/// Whether an address is of one of these domains. Letter case does not count; a subdomain is another domain.
pub(in crate::service) fn is_of(email: &str, domains: &[String]) -> bool {
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
    !domain.is_empty() && domains.iter().any(|d| d.to_lowercase() == domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_its_own_domain_and_of_no_other() {
        let acme = ["Acme.example".to_owned()];
        assert!(is_of("ann@ACME.example", &acme));
        for other in ["ann@sub.acme.example", "ann@evil-acme.example", "acme.example", "ann@acme.example@evil", "ann@"]
        {
            assert!(!is_of(other, &acme), "{other}");
        }
    }
}
