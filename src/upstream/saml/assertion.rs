//! What stands in an assertion (saml-core-2.0-os §2): names, attributes, times, as values. Whoever calls has verified the text.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::encryption;
use super::own::OwnKey;
use super::xml::{Element, Outcome, SAML, Tree};
use crate::clock::Timestamp;

/// Longest text that is taken of a name or an attribute, in bytes.
const MAX_TEXT: usize = 16_384;
/// Most values of attributes in all.
const MAX_VALUES: usize = 5_000;

/// What an assertion says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its id, good once.
    pub assertion_id: String,
    /// Until when it could be used.
    pub ends: Timestamp,
    /// What the identity provider calls the person.
    pub named: Named,
    /// Its session.
    pub session_index: Option<String>,
    /// Until when its session lasts.
    pub session_ends: Option<Timestamp>,
    /// When the person was made sure of.
    pub authn_instant: Timestamp,
    /// How.
    pub authn_context: Option<String>,
    /// What else is said.
    pub attributes: Vec<Attribute>,
}

/// What an identity provider calls somebody (saml-core-2.0-os §2.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub value: String,
    /// Its form.
    pub format: Option<String>,
    /// Within what the name is theirs.
    pub name_qualifier: Option<String>,
    /// For whom the name was made.
    pub sp_name_qualifier: Option<String>,
}

/// One thing that is said of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// What it is called.
    pub name: String,
    /// What people call it.
    pub friendly_name: Option<String>,
    /// What it is.
    pub values: Vec<String>,
}

/// Whom an element is about: by a name, or an encrypted one. What it stands in has been verified.
pub fn name_of(of: Element<'_, '_>, keys: &[OwnKey]) -> Outcome<Named> {
    let Some(encrypted) = of.one(SAML, "EncryptedID")? else { return named(of.only(SAML, "NameID")?) };
    if of.one(SAML, "NameID")?.is_some() {
        return Err("names somebody twice ('NameID')".to_owned());
    }
    let plain = encryption::decrypt(encrypted, keys, true)?;
    let tree = Tree::read(&plain)?;
    if !tree.root().is(SAML, "NameID") {
        return Err("has something else encrypted than a name".to_owned());
    }
    named(tree.root())
}

fn named(name: Element<'_, '_>) -> Outcome<Named> {
    let value = name.text()?.trim().to_owned();
    if value.is_empty() || value.len() > MAX_TEXT {
        return Err("names nobody ('NameID')".to_owned());
    }
    Ok(Named {
        value,
        format: short(name, "Format"),
        name_qualifier: short(name, "NameQualifier"),
        sp_name_qualifier: short(name, "SPNameQualifier"),
    })
}

/// A short attribute that says something.
pub fn short(element: Element<'_, '_>, name: &str) -> Option<String> {
    element.attribute(name).filter(|text| !text.is_empty() && text.len() <= 1_024).map(str::to_owned)
}

/// What is said beside that.
pub fn attributes(assertion: Element<'_, '_>) -> Outcome<Vec<Attribute>> {
    let (mut found, mut count) = (Vec::new(), 0_usize);
    for statement in assertion.named(SAML, "AttributeStatement") {
        for attribute in statement.children() {
            // One that is encrypted says nothing to us.
            if !attribute.is(SAML, "Attribute") {
                continue;
            }
            let name =
                attribute.attribute("Name").filter(|n| !n.is_empty()).ok_or("has an attribute without a name")?;
            let mut values = Vec::new();
            for value in attribute.named(SAML, "AttributeValue").filter(|v| !v.is_nil()) {
                count += 1;
                if count > MAX_VALUES {
                    return Err("has too many values of attributes".to_owned());
                }
                // Pictures and the like are of no use here.
                values.extend(value_of(value).filter(|v| v.len() <= MAX_TEXT));
            }
            let friendly_name = attribute.attribute("FriendlyName").map(str::to_owned);
            found.push(Attribute { name: name.to_owned(), friendly_name, values });
        }
    }
    Ok(found)
}

/// The text of a value; of one that is a name (`eduPersonTargetedID`), the name. One of other elements is left out.
fn value_of(value: Element<'_, '_>) -> Option<String> {
    let text = match value.one(SAML, "NameID").ok()? {
        Some(name) => name.text().ok()?,
        None => value.text().ok()?,
    };
    Some(text.trim().to_owned())
}

/// A time (saml-core-2.0-os §1.3.3).
pub fn instant(element: Element<'_, '_>, name: &str) -> Outcome<Option<Timestamp>> {
    let Some(text) = element.attribute(name) else { return Ok(None) };
    let text = text.trim();
    // Times are in UTC, and some do not say so.
    let (_, of_day) = text.split_once('T').ok_or_else(|| format!("has a time that cannot be read ('{name}')"))?;
    let zone = if of_day.contains(['Z', '+', '-']) { "" } else { "Z" };
    let at = OffsetDateTime::parse(&format!("{text}{zone}"), &Rfc3339)
        .map_err(|_| format!("has a time that cannot be read ('{name}')"))?;
    let micros =
        i64::try_from(at.unix_timestamp_nanos() / 1_000).map_err(|_| format!("has a wrong time ('{name}')"))?;
    Ok(Some(Timestamp(micros)))
}
