//! What an identity provider says in a Response (saml-core-2.0-os §2 and §3.2, saml-profiles-2.0-os §4.1.4), believed only if
//! every check holds (`security.md` part 2, rules 3 to 5; tenant-login §6.3).
//!
//! There is one assertion, and it is read from the canonical text that a signature was verified of. None of the checks can be
//! switched off; what an identity provider may be allowed is SHA-1, and to sign the Response alone.

use super::assertion::{Said, attributes, instant, name_of, short};
use super::encryption;
use super::own::OwnKey;
use super::signature::{self, Trust};
use super::soap;
use super::xml::{DS, Element, Outcome, SAML, SAMLP, Tree};
use crate::clock::Timestamp;

/// How far the identity provider's clock may differ, in seconds.
pub const SKEW_SECS: i64 = 60;
/// How long it is remembered at most that an assertion was used, in seconds.
const LONGEST_SECS: i64 = 24 * 3_600;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// What a Response has to be.
#[derive(Debug)]
pub struct Expected<'a> {
    /// The identity provider.
    pub idp_entity_id: &'a str,
    /// What it signs with.
    pub trust: &'a Trust,
    /// Our keys that assertions may be encrypted for.
    pub keys: &'a [OwnKey],
    /// A signature of the Response as a whole is not enough.
    pub require_signed_assertion: bool,
    /// An assertion that anybody can read is not taken.
    pub require_encrypted_assertion: bool,
    /// What we call ourselves to it.
    pub sp_entity_id: &'a str,
    /// Where it was to be posted to.
    pub acs_url: &'a str,
    /// The request that it answers; none: it must answer none.
    pub request_id: Option<&'a str>,
    /// For how long it may be good at most, in seconds.
    pub longest_secs: Option<i64>,
    /// The request asked that somebody authenticate anew, at this time.
    pub anew_since: Option<Timestamp>,
    /// The time.
    pub now: Timestamp,
}

/// Why a Response signs nobody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The identity provider says that it has not: its first and second status codes, without their common beginning.
    Status(String, Option<String>),
    /// It is not believed; the text goes on after its name.
    Untrusted(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Untrusted(why)
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Self {
        Self::Untrusted(why.to_owned())
    }
}

/// Reads a Response.
pub fn read(text: &str, expected: &Expected<'_>) -> Result<Said, Refusal> {
    let tree = Tree::read(text)?;
    let response = soap::message(&tree)?;
    if !response.is(SAMLP, "Response") {
        return Err("is no Response".into());
    }
    check_places(response)?;
    if !tree.all(SAML, "EncryptedAssertion").is_empty() {
        return read_encrypted(response, expected);
    }
    // Whoever says no gives no assertion.
    let Some(assertion) = response.one(SAML, "Assertion")? else {
        check_response(response, expected, false)?;
        return Err("has no assertion".into());
    };
    if expected.require_encrypted_assertion {
        return Err("has an assertion that is not encrypted".into());
    }
    let signed = signature::verify(assertion, expected.trust)?;
    // What is verified is read again, by the same parser, and nothing else from then on.
    match signature::verify(response, expected.trust)? {
        Some(verified) => {
            let around = Tree::read(&verified)?;
            check_places(around.root())?;
            check_response(around.root(), expected, true)?;
            match signed {
                Some(verified) => assertion_of(&verified, expected),
                None if expected.require_signed_assertion => Err("has an assertion that is not signed itself".into()),
                None => {
                    let assertion = around.root().only(SAML, "Assertion")?;
                    check_assertion(assertion, expected).map_err(Refusal::from)
                }
            }
        }
        None => {
            check_response(response, expected, false)?;
            match signed {
                Some(verified) => assertion_of(&verified, expected),
                None => Err("is not signed, nor is its assertion".into()),
            }
        }
    }
}

/// Reads a Response whose assertion is encrypted.
fn read_encrypted(response: Element<'_, '_>, expected: &Expected<'_>) -> Result<Said, Refusal> {
    let verified = signature::verify(response, expected.trust)?;
    let around = verified.as_deref().map(Tree::read).transpose()?;
    let is_signed = around.is_some();
    let response = around.as_ref().map_or(response, Tree::root);
    check_places(response)?;
    check_response(response, expected, is_signed)?;
    let encrypted = response.only(SAML, "EncryptedAssertion")?;
    let plain = encryption::decrypt(encrypted, expected.keys, is_signed)?;
    let tree = Tree::read(&plain)?;
    let assertion = tree.root();
    let is_alone = tree.all(SAML, "Assertion").len() == 1
        && tree.all(SAML, "EncryptedAssertion").is_empty()
        && tree.all(DS, "Signature").iter().all(|s| s.parent() == Some(assertion));
    if !assertion.is(SAML, "Assertion") || !is_alone {
        return Err("has something else encrypted than an assertion".into());
    }
    match signature::verify(assertion, expected.trust)? {
        Some(verified) => assertion_of(&verified, expected),
        None if !is_signed => Err("is not signed, nor is its assertion".into()),
        None if expected.require_signed_assertion => Err("has an assertion that is not signed itself".into()),
        None => check_assertion(assertion, expected).map_err(Refusal::from),
    }
}

/// Whether assertions and signatures stand where SAML has them, and nowhere else.
fn check_places(response: Element<'_, '_>) -> Outcome<()> {
    let tree = response.tree();
    let assertions = tree.all(SAML, "Assertion");
    let encrypted = tree.all(SAML, "EncryptedAssertion");
    if assertions.len() + encrypted.len() > 1 {
        return Err("has more than one assertion".to_owned());
    }
    if assertions.iter().chain(&encrypted).any(|a| a.parent() != Some(response)) {
        return Err("has an assertion in a place where none belongs".to_owned());
    }
    let is_owner = |owner: Element<'_, '_>| owner == response || assertions.contains(&owner);
    if !tree.all(DS, "Signature").iter().all(|s| s.parent().is_some_and(is_owner)) {
        return Err("has a signature in a place where none belongs".to_owned());
    }
    Ok(())
}

fn assertion_of(verified: &str, expected: &Expected<'_>) -> Result<Said, Refusal> {
    let tree = Tree::read(verified)?;
    if !tree.root().is(SAML, "Assertion") {
        return Err("has a signature of something else than its assertion".into());
    }
    check_assertion(tree.root(), expected).map_err(Refusal::from)
}

/// Checks the Response around the assertion.
fn check_response(response: Element<'_, '_>, expected: &Expected<'_>, is_signed: bool) -> Result<(), Refusal> {
    if !response.is(SAMLP, "Response") || response.attribute("Version") != Some("2.0") {
        return Err("is no Response of SAML 2.0".into());
    }
    match response.attribute("Destination") {
        Some(destination) if destination == expected.acs_url => {}
        None if !is_signed => {}
        _ => return Err("was not meant for this address ('Destination')".into()),
    }
    if response.attribute("InResponseTo") != expected.request_id {
        return Err("does not answer the request that was made ('InResponseTo')".into());
    }
    if let Some(issuer) = response.one(SAML, "Issuer")? {
        check_issuer(issuer, expected)?;
    }
    if let Some(at) = instant(response, "IssueInstant")?
        && at > expected.now.plus_secs(SKEW_SECS)
    {
        return Err("was made in the future ('IssueInstant')".into());
    }
    let status = response.only(SAMLP, "Status")?;
    let code = status.only(SAMLP, "StatusCode")?;
    let named = |code: Element<'_, '_>| {
        let value = code.attribute("Value").unwrap_or_default();
        value.strip_prefix(STATUS).unwrap_or(value).to_owned()
    };
    if code.attribute("Value") == Some(SUCCESS) {
        return Ok(());
    }
    Err(Refusal::Status(named(code), code.one(SAMLP, "StatusCode")?.map(named)))
}

fn check_issuer(issuer: Element<'_, '_>, expected: &Expected<'_>) -> Outcome<()> {
    if issuer.attribute("Format").is_some_and(|format| format != ENTITY) || issuer.text()? != expected.idp_entity_id {
        return Err("comes from another identity provider ('Issuer')".to_owned());
    }
    Ok(())
}

/// Checks an assertion that was verified, and reads it.
fn check_assertion(assertion: Element<'_, '_>, expected: &Expected<'_>) -> Outcome<Said> {
    if assertion.attribute("Version") != Some("2.0") {
        return Err("has an assertion that is not of SAML 2.0".to_owned());
    }
    let id = assertion.attribute("ID").filter(|id| !id.is_empty() && id.len() <= 255);
    let id = id.ok_or("has an assertion without an ID that can be kept")?;
    check_issuer(assertion.only(SAML, "Issuer")?, expected)?;
    if instant(assertion, "IssueInstant")?.is_none_or(|at| at > expected.now.plus_secs(SKEW_SECS)) {
        return Err("has an assertion that was made in the future ('IssueInstant')".to_owned());
    }
    let subject = assertion.only(SAML, "Subject")?;
    let named = name_of(subject, expected.keys)?;
    let confirmed = check_confirmation(subject, expected)?;
    let conditions = check_conditions(assertion.only(SAML, "Conditions")?, expected)?;
    let mut said = Said {
        assertion_id: id.to_owned(),
        // Nobody can use it once the attempt has ended that it answers.
        ends: confirmed.max(conditions.unwrap_or(confirmed)).min(expected.now.plus_secs(LONGEST_SECS)),
        named,
        session_index: None,
        session_ends: None,
        authn_instant: Timestamp(0),
        authn_context: None,
        attributes: attributes(assertion)?,
    };
    read_authentication(assertion, expected, &mut said)?;
    Ok(said)
}

/// Whether whoever brings the assertion may, and until when.
fn check_confirmation(subject: Element<'_, '_>, expected: &Expected<'_>) -> Outcome<Timestamp> {
    let mut why = "has no confirmation for whoever brings it ('SubjectConfirmation')".to_owned();
    let mut latest = None;
    for confirmation in subject.named(SAML, "SubjectConfirmation") {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        match check_bearer(confirmation, expected) {
            Ok(until) => latest = latest.max(Some(until)),
            Err(fault) => why = fault,
        }
    }
    latest.ok_or(why)
}

fn check_bearer(confirmation: Element<'_, '_>, expected: &Expected<'_>) -> Outcome<Timestamp> {
    let data = confirmation.only(SAML, "SubjectConfirmationData")?;
    if data.attribute("Recipient") != Some(expected.acs_url) {
        return Err("was not meant for this address ('Recipient')".to_owned());
    }
    if data.attribute("InResponseTo") != expected.request_id {
        return Err("does not confirm the request that was made ('InResponseTo')".to_owned());
    }
    if data.attribute("NotBefore").is_some() {
        return Err("has a confirmation with a beginning ('NotBefore')".to_owned());
    }
    let until = instant(data, "NotOnOrAfter")?.ok_or("has a confirmation without an end ('NotOnOrAfter')")?;
    if until <= expected.now.plus_secs(-SKEW_SECS) {
        return Err("was brought too late ('NotOnOrAfter')".to_owned());
    }
    if expected.longest_secs.is_some_and(|most| until > expected.now.plus_secs(most + SKEW_SECS)) {
        return Err("is good for longer than is taken ('NotOnOrAfter')".to_owned());
    }
    Ok(until)
}

/// Whether the assertion holds now and for us, and until when it says that it does.
fn check_conditions(conditions: Element<'_, '_>, expected: &Expected<'_>) -> Outcome<Option<Timestamp>> {
    if instant(conditions, "NotBefore")?.is_some_and(|from| from > expected.now.plus_secs(SKEW_SECS)) {
        return Err("does not hold yet ('NotBefore')".to_owned());
    }
    let until = instant(conditions, "NotOnOrAfter")?;
    if until.is_some_and(|until| until <= expected.now.plus_secs(-SKEW_SECS)) {
        return Err("does not hold any more ('NotOnOrAfter')".to_owned());
    }
    let mut restrictions = 0_usize;
    for condition in conditions.children() {
        if condition.is(SAML, "AudienceRestriction") {
            restrictions += 1;
            let mut is_ours = false;
            for audience in condition.named(SAML, "Audience") {
                is_ours |= audience.text()?.trim() == expected.sp_entity_id;
            }
            if !is_ours {
                return Err("is for others ('Audience')".to_owned());
            }
        } else if !condition.is(SAML, "OneTimeUse") && !condition.is(SAML, "ProxyRestriction") {
            return Err("has a condition that is not known".to_owned());
        }
    }
    if restrictions == 0 {
        return Err("does not say whom it is for ('AudienceRestriction')".to_owned());
    }
    Ok(until)
}

/// Reads when and how the person was made sure of: by the latest statement.
fn read_authentication(assertion: Element<'_, '_>, expected: &Expected<'_>, said: &mut Said) -> Outcome<()> {
    let (mut latest, mut session_ends): (Option<(Timestamp, Element<'_, '_>)>, Option<Timestamp>) = (None, None);
    for statement in assertion.named(SAML, "AuthnStatement") {
        let at = instant(statement, "AuthnInstant")?.ok_or("does not say when ('AuthnInstant')")?;
        let ends = instant(statement, "SessionNotOnOrAfter")?;
        if at > expected.now.plus_secs(SKEW_SECS) {
            return Err("speaks of a sign-in in the future ('AuthnInstant')".to_owned());
        }
        if ends.is_some_and(|ends| ends <= expected.now.plus_secs(-SKEW_SECS)) {
            return Err("is of a session that has ended ('SessionNotOnOrAfter')".to_owned());
        }
        session_ends = session_ends.into_iter().chain(ends).min();
        if latest.is_none_or(|(before, _)| at > before) {
            latest = Some((at, statement));
        }
    }
    let (at, statement) = latest.ok_or("does not say that anybody signed in ('AuthnStatement')")?;
    if expected.anew_since.is_some_and(|since| at < since.plus_secs(-SKEW_SECS)) {
        return Err("is of a sign-in before it was asked for one ('AuthnInstant')".to_owned());
    }
    said.authn_instant = at.min(expected.now);
    said.session_ends = session_ends;
    said.session_index = short(statement, "SessionIndex");
    if let Some(context) = statement.one(SAML, "AuthnContext")?
        && let Some(class) = context.one(SAML, "AuthnContextClassRef")?
    {
        let class = class.text()?.trim().to_owned();
        said.authn_context = Some(class).filter(|c| !c.is_empty() && c.len() <= 255);
    }
    Ok(())
}
