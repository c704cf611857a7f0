//! Logging out on both sides (saml-core-2.0-os §3.7, saml-profiles-2.0-os §4.4): what identity providers ask of us and what they
//! answer, believed if they have signed it; and what we ask and answer.

use std::fmt::Write as _;

use super::assertion::{Named, instant, name_of};
use super::carried::Brought;
use super::known::Partner;
use super::message::{Message, escape, seconds};
use super::response::{ENTITY, SKEW_SECS, SUCCESS};
use super::said::{Hint, session_name};
use super::xml::{DS, Outcome, SAML, SAMLP, Tree};
use crate::clock::Timestamp;

/// How old a wish may be, in seconds. It is remembered for as long.
pub const FRESH_SECS: i64 = 600;
/// Sessions that one wish names at most.
const MAX_SESSIONS: usize = 1_000;
/// Longest id of a message, and of a session.
const MAX_ID: usize = 255;

/// A wish to log somebody out, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Names the wish, good once.
    pub id: String,
    /// Whose sessions, as [`Identity::session_name`](crate::upstream::Identity).
    pub session_name: String,
    /// Which of them; none named: all.
    pub sessions: Vec<String>,
    /// When it was made.
    pub issued: Timestamp,
}

/// An answer to a wish of ours, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The wish.
    pub in_response_to: Option<String>,
    /// Whether they are logged out there.
    pub is_done: bool,
}

/// Who is spoken to, and as whom.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a> {
    /// The identity provider.
    pub partner: &'a Partner,
    /// What we call ourselves to it.
    pub sp_entity_id: &'a str,
    /// Where messages about logging out come to.
    pub slo_url: &'a str,
    /// The time.
    pub now: Timestamp,
}

/// The text of a message that is verified, of that name, and meant for us.
fn verified(brought: &Brought, name: &str, between: &Between<'_>) -> Outcome<String> {
    let tree = brought.tree()?;
    let root = tree.root();
    if !root.is(SAMLP, name) {
        return Err(format!("is no {name}"));
    }
    if tree.all(DS, "Signature").iter().any(|signature| signature.parent() != Some(root)) {
        return Err("has a signature in a place where none belongs".to_owned());
    }
    let text = brought.verified(root, &between.partner.trust)?;
    let tree = Tree::read(&text)?;
    let root = tree.root();
    if !root.is(SAMLP, name) || root.attribute("Version") != Some("2.0") {
        return Err(format!("is no {name} of SAML 2.0"));
    }
    let issuer = root.only(SAML, "Issuer")?;
    if issuer.attribute("Format").is_some_and(|format| format != ENTITY)
        || issuer.text()?.trim() != between.partner.entity_id
    {
        return Err("is of another issuer ('Issuer')".to_owned());
    }
    if root.attribute("Destination") != Some(between.slo_url) {
        return Err("was not meant for this address ('Destination')".to_owned());
    }
    let issued = instant(root, "IssueInstant")?.ok_or("does not say when it was made ('IssueInstant')")?;
    if issued > between.now.plus_secs(SKEW_SECS) || issued <= between.now.plus_secs(-FRESH_SECS - SKEW_SECS) {
        return Err("was not made just now ('IssueInstant')".to_owned());
    }
    Ok(text)
}

/// Reads a wish to log somebody out.
pub fn asked(brought: &Brought, between: &Between<'_>) -> Outcome<Asked> {
    let text = verified(brought, "LogoutRequest", between)?;
    let tree = Tree::read(&text)?;
    let root = tree.root();
    if instant(root, "NotOnOrAfter")?.is_some_and(|until| until <= between.now.plus_secs(-SKEW_SECS)) {
        return Err("does not hold any more ('NotOnOrAfter')".to_owned());
    }
    let id = root.attribute("ID").filter(|id| !id.is_empty() && id.len() <= MAX_ID).ok_or("has no 'ID'")?;
    let named = name_of(root, &between.partner.own)?;
    let mut sessions = Vec::new();
    for index in root.named(SAMLP, "SessionIndex") {
        sessions.push(index.text()?.trim().to_owned());
        if sessions.len() > MAX_SESSIONS {
            return Err("names too many sessions ('SessionIndex')".to_owned());
        }
    }
    Ok(Asked {
        id: id.to_owned(),
        session_name: session_name(&between.partner.entity_id, between.sp_entity_id, &named),
        sessions,
        issued: instant(root, "IssueInstant")?.unwrap_or(between.now),
    })
}

/// Reads an answer to a wish of ours.
pub fn answered(brought: &Brought, between: &Between<'_>) -> Outcome<Answered> {
    let text = verified(brought, "LogoutResponse", between)?;
    let tree = Tree::read(&text)?;
    let code = tree.root().only(SAMLP, "Status")?.only(SAMLP, "StatusCode")?;
    Ok(Answered {
        in_response_to: tree.root().attribute("InResponseTo").map(str::to_owned),
        is_done: code.attribute("Value") == Some(SUCCESS),
    })
}

/// A wish of ours.
pub fn request(id: String, hint: &Hint, destination: &str, now: Timestamp) -> Message {
    let (to, at) = (escape(destination), seconds(now));
    let until = seconds(now.plus_secs(FRESH_SECS));
    let index = hint.session_index.as_deref().map(escape);
    let index = index.map(|i| format!("<samlp:SessionIndex>{i}</samlp:SessionIndex>")).unwrap_or_default();
    Message {
        before: format!(
            "<samlp:LogoutRequest xmlns:samlp=\"{SAMLP}\" Destination=\"{to}\" ID=\"{id}\" IssueInstant=\"{at}\" \
             NotOnOrAfter=\"{until}\" Reason=\"urn:oasis:names:tc:SAML:2.0:logout:user\" Version=\"2.0\">{}",
            issuer(&hint.sp_entity_id)
        ),
        after: format!("{}{index}</samlp:LogoutRequest>", name(&hint.named)),
        id,
        destination: destination.to_owned(),
        parameter: "SAMLRequest",
    }
}

/// Our answer to a wish: they are logged out.
pub fn response(id: String, in_response_to: &str, sp_entity_id: &str, destination: &str, now: Timestamp) -> Message {
    let (to, at, asked) = (escape(destination), seconds(now), escape(in_response_to));
    Message {
        before: format!(
            "<samlp:LogoutResponse xmlns:samlp=\"{SAMLP}\" Destination=\"{to}\" ID=\"{id}\" InResponseTo=\"{asked}\" \
             IssueInstant=\"{at}\" Version=\"2.0\">{}",
            issuer(sp_entity_id)
        ),
        after: format!(
            "<samlp:Status><samlp:StatusCode Value=\"{SUCCESS}\"></samlp:StatusCode></samlp:Status>\
             </samlp:LogoutResponse>"
        ),
        id,
        destination: destination.to_owned(),
        parameter: "SAMLResponse",
    }
}

fn issuer(entity_id: &str) -> String {
    format!("<saml:Issuer xmlns:saml=\"{SAML}\">{}</saml:Issuer>", escape(entity_id))
}

fn name(named: &Named) -> String {
    let mut flags = String::new();
    let all = [
        ("Format", &named.format),
        ("NameQualifier", &named.name_qualifier),
        ("SPNameQualifier", &named.sp_name_qualifier),
    ];
    for (name, value) in all {
        if let Some(value) = value {
            let _ = write!(flags, " {name}=\"{}\"", escape(value));
        }
    }
    format!("<saml:NameID xmlns:saml=\"{SAML}\"{flags}>{}</saml:NameID>", escape(&named.value))
}
