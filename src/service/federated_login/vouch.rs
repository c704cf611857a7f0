//! What an identity provider says of somebody at a tenant beside who they are, and what comes of it there (tenant-login §7):
//! an account to come in by, or another way into one that is there.

use serde_json::{Value, json};

use super::linking::{self, Decision};
use super::route::Route;
use super::{Verdict, check_remote_id, map, person, settle};
use crate::error::{Code, Error, Result};
use crate::model::assertion::Assertion;
use crate::model::mapping_engine::Mapped;
use crate::service::App;
use crate::service::caller::Origin;
use crate::store;
use crate::upstream::{Identity, Proof};

/// What an identity provider says of somebody that decides about their account at a tenant.
pub(in crate::service) struct Vouch<'a> {
    /// Their e-mail address.
    pub(super) email: Option<&'a str>,
    /// Whether it has made sure that it is theirs.
    pub(super) email_verified: bool,
    /// All that it says.
    identity: Option<&'a Identity>,
    /// What they have decided themselves.
    pub(super) decision: &'a Decision,
}

impl Default for Vouch<'_> {
    fn default() -> Self {
        Self { email: None, email_verified: false, identity: None, decision: &Decision::Open }
    }
}

impl<'a> Vouch<'a> {
    fn of(identity: &'a Identity, mapped: &'a Mapped, decision: &'a Decision) -> Self {
        let said = identity.claims.get("email").and_then(Value::as_str);
        // Some write the truth value as a text (tenant-login §7.3).
        let verified = match identity.claims.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let email = mapped.user.as_ref().and_then(|u| u.email.as_deref()).or(said).filter(|e| !e.is_empty());
        // It speaks of the claim's address, not of whatever a mapping has made.
        let email_verified = verified && said.is_some() && email == said;
        Self { email, email_verified, identity: Some(identity), decision }
    }

    /// What is kept of a person beside, under the names that users carry it by: the standard claims of OpenID Connect (Core
    /// §5.1), the usual attributes of SAML (RFC 2798).
    pub(super) fn profile(&self) -> Vec<(String, Value)> {
        const KEPT: [(&str, &str, &str); 6] = [
            ("name", "displayName", "display_name"),
            ("given_name", "givenName", "given_name"),
            ("family_name", "sn", "family_name"),
            ("locale", "preferredLanguage", "locale"),
            ("picture", "picture", "picture"),
            ("phone_number", "telephoneNumber", "phone"),
        ];
        let Some(identity) = self.identity else { return Vec::new() };
        let text = |claim: &str| identity.claims.get(claim)?.as_str().filter(|t| !t.is_empty() && t.len() <= 1_024);
        let said = |claim, attribute| text(if identity.proof == Proof::Assertion { attribute } else { claim });
        let kept = KEPT
            .iter()
            .filter_map(|(claim, attribute, name)| Some(((*name).to_owned(), json!(said(claim, attribute)?))));
        kept.collect()
    }
}

/// What the mapping makes of what an upstream has verified, and its account of that.
async fn read(app: &App, route: &Route, identity: &Identity) -> Result<(Assertion, Result<Mapped>, Value)> {
    let assertion = super::assertion(app, identity)?;
    check_remote_id(app, route, &assertion)?;
    let (mapped, explained) = map(app, route, &assertion).await?;
    Ok((assertion, mapped, explained))
}

/// Who comes in through a tenant's pages, by what an upstream has verified; and the mapping's account of it.
pub async fn judge(
    app: &App,
    origin: &Origin,
    route: &Route,
    identity: &Identity,
    decision: &Decision,
) -> (Result<Verdict>, Value) {
    let (assertion, mapped, explained) = match read(app, route, identity).await {
        Ok(read) => read,
        Err(error) => return (Err(error), json!({})),
    };
    let verdict = async {
        let mapped = mapped?;
        let vouch = Vouch::of(identity, &mapped, decision);
        check_email_domain(route, vouch.email)?;
        settle(app, origin, route, &assertion, &mapped, &vouch).await
    };
    (verdict.await, explained)
}

/// Makes what an identity provider says of somebody a further way into the account of a user who has asked for that
/// (tenant-login §7.6).
pub async fn connect(app: &App, origin: &Origin, route: &Route, identity: &Identity, user_id: &str) -> Result<()> {
    let (assertion, mapped, _) = read(app, route, identity).await?;
    let mapped = mapped?;
    let vouch = Vouch::of(identity, &mapped, &Decision::Open);
    check_email_domain(route, vouch.email)?;
    let mut tx = app.store.write().await?;
    if !store::protocol::hold_open(&mut tx, &route.idp.id, &route.protocol.id).await? {
        return Err(Error::unauthorized("the identity provider was closed meanwhile"));
    }
    person::connect(app, &mut tx, origin, route, &assertion, &mapped, &vouch, user_id).await?;
    app.commit(tx).await
}

/// 403 for people of an e-mail domain that the tenant does not take from this identity provider (tenant-login §7.7).
fn check_email_domain(route: &Route, email: Option<&str>) -> Result<()> {
    let Some(at) = &route.tenant else { return Ok(()) };
    let allowed = &at.settings.allowed_domains;
    if allowed.is_empty() || email.is_some_and(|email| linking::is_of(email, allowed)) {
        return Ok(());
    }
    Err(Error::refused(Code::DomainNotAllowed, "People with your e-mail address cannot sign in this way."))
}
