//! What an assertion says, as an [`Identity`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::assertion::{Named, Said};
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, digest};
use crate::upstream::{Identity, Proof};

/// A name that is made anew for each sign-in.
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// Members of claims that are not attributes: nobody's attribute stands in their place.
const RESERVED: [&str; 5] = ["sid", "auth_time", "acr", "amr", "sub"];
/// Longest name of a session, in bytes.
const MAX_NAME: usize = 255;

/// By what the identity provider knows a login that it is to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The person.
    pub named: Named,
    /// Their session there.
    pub session_index: Option<String>,
    /// What we called ourselves.
    pub sp_entity_id: String,
}

impl Hint {
    fn to_text(&self) -> Option<Secret> {
        serde_json::to_vec(self).ok().map(Secret::new)
    }

    /// Reads what was kept of a login.
    pub fn from_text(text: &Secret) -> Result<Self> {
        serde_json::from_slice(text.expose()).map_err(|_| Error::internal("what is kept of a login cannot be read"))
    }
}

/// Why the identity provider has signed nobody in, by its status codes (tenant-login §6.3 step 7).
pub fn refused_there(first: &str, second: &str) -> Error {
    let reason = format!("the identity provider says {first:.200} {second:.200}");
    let (code, text) = match (first, second) {
        ("NoPassive", _) | (_, "NoPassive") => (Code::LoginRequired, "The identity provider has to ask something."),
        ("AuthnFailed" | "RequestDenied", _) | (_, "AuthnFailed" | "RequestDenied") => {
            (Code::UpstreamDenied, "The identity provider did not sign you in.")
        }
        _ => (Code::UpstreamError, "The identity provider failed."),
    };
    Error::refused_because(code, text, reason)
}

/// A name that is theirs alone within its qualifiers, where these are not the usual ones. No name looks like another's: what
/// begins with `!` has three of them before the name itself.
fn whole_name(idp_entity_id: &str, sp_entity_id: &str, named: &Named) -> String {
    let other = |qualifier: &Option<String>, usual: &str| qualifier.clone().filter(|q| q != usual);
    let within = other(&named.name_qualifier, idp_entity_id).unwrap_or_default();
    let made_for = other(&named.sp_name_qualifier, sp_entity_id).unwrap_or_default();
    if within.is_empty() && made_for.is_empty() && !named.value.starts_with('!') {
        return named.value.clone();
    }
    let part = |text: String| text.replace('%', "%25").replace('!', "%21");
    format!("!{}!{}!{}", part(within), part(made_for), named.value)
}

/// Who it is for ever. A name that is made anew each time is nobody's.
pub fn subject(idp_entity_id: &str, sp_entity_id: &str, named: &Named) -> String {
    match named.format.as_deref() {
        Some(TRANSIENT) => String::new(),
        _ => whole_name(idp_entity_id, sp_entity_id, named),
    }
}

/// Whose session it is, as long as it lasts: by whatever name, which is another's in another form.
pub fn session_name(idp_entity_id: &str, sp_entity_id: &str, named: &Named) -> String {
    let name = whole_name(idp_entity_id, sp_entity_id, named);
    let form = named.format.as_deref().and_then(|format| format.rsplit(':').next());
    let name = match form {
        None | Some("persistent" | "unspecified") => name,
        Some(form) => format!("!{form}!!!{name}"),
    };
    if name.len() <= MAX_NAME { name } else { format!("sha256:{}", digest(&name)) }
}

/// What is said of somebody, as claims: attributes by their names and, where that is no other's, their friendlier ones.
pub fn identity(idp_entity_id: String, sp_entity_id: &str, said: Said) -> Identity {
    let subject = subject(&idp_entity_id, sp_entity_id, &said.named);
    let session_name = session_name(&idp_entity_id, sp_entity_id, &said.named);
    let mut named: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for attribute in &said.attributes {
        named.entry(&attribute.name).or_default().extend(&attribute.values);
    }
    let mut friendly: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for attribute in &said.attributes {
        if let Some(name) = attribute.friendly_name.as_deref().filter(|name| !named.contains_key(name)) {
            friendly.entry(name).or_default().extend(&attribute.values);
        }
    }
    let all = named.into_iter().chain(friendly).filter(|(name, _)| !RESERVED.contains(name));
    let mut claims: Map<String, Value> = all
        .map(|(name, values)| match values.as_slice() {
            [one] => (name.to_owned(), json!(one)),
            all => (name.to_owned(), json!(all)),
        })
        .collect();
    claims.insert("auth_time".to_owned(), json!(said.authn_instant.secs()));
    if let Some(index) = &said.session_index {
        claims.insert("sid".to_owned(), json!(index));
    }
    if let Some(context) = &said.authn_context {
        claims.insert("acr".to_owned(), json!(context));
    }
    let hint = Hint { named: said.named, session_index: said.session_index, sp_entity_id: sp_entity_id.to_owned() };
    Identity {
        issuer: idp_entity_id,
        subject,
        claims,
        proof: Proof::Assertion,
        expires_at: said.session_ends,
        session_name: Some(session_name),
        hint: hint.to_text(),
        once: Some((said.assertion_id, said.ends)),
    }
}
