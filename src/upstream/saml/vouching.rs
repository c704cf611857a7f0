//! What we say of somebody as an identity provider ourselves (saml-core-2.0-os §2.3, §3.3.3): Keystone to Keystone.

use super::message::{Key, Message, escape, seconds};
use super::xml::{SAML, SAMLP};
use crate::clock::{Random, Timestamp};
use crate::error::Result;

/// How far other clocks may differ, in seconds.
const EARLY_SECS: i64 = 60;
/// Names of attributes are URIs, as Keystone says of its own.
const URI_NAMES: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";

/// What is said, to whom.
#[derive(Debug)]
pub struct Vouching<'a> {
    /// What we call ourselves.
    pub issuer: &'a str,
    /// Where it is brought to.
    pub recipient: &'a str,
    /// What whoever is there calls itself, if that is known.
    pub audience: Option<&'a str>,
    /// The person's name.
    pub subject: &'a str,
    /// What else is said.
    pub attributes: &'a [(&'a str, Vec<String>)],
    /// When.
    pub now: Timestamp,
    /// Until when it is good.
    pub until: Timestamp,
}

impl Vouching<'_> {
    /// A Response with one signed assertion.
    pub fn response(&self, random: &Random, key: Key<'_>) -> Result<String> {
        let fresh = || format!("_{}{}", random.hex_id(), random.hex_id());
        let assertion = self.assertion(fresh(), &fresh()).signed(key)?;
        Ok(format!(
            "<samlp:Response xmlns:samlp=\"{SAMLP}\" Destination=\"{}\" ID=\"{}\" IssueInstant=\"{}\" Version=\"2.0\">{}\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
             </samlp:Status>{assertion}</samlp:Response>",
            escape(self.recipient),
            fresh(),
            seconds(self.now),
            self.issuer()
        ))
    }

    fn issuer(&self) -> String {
        format!(
            "<saml:Issuer xmlns:saml=\"{SAML}\" Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\">{}</saml:Issuer>",
            escape(self.issuer)
        )
    }

    fn assertion(&self, id: String, session: &str) -> Message {
        let (at, until) = (seconds(self.now), seconds(self.until));
        let audience = self.audience.map(|audience| {
            let audience = escape(audience);
            format!("<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>")
        });
        let attribute = |(name, values): &(&str, Vec<String>)| {
            let value = |v: &String| format!("<saml:AttributeValue>{}</saml:AttributeValue>", escape(v));
            let values: String = values.iter().map(value).collect();
            format!("<saml:Attribute Name=\"{name}\" NameFormat=\"{URI_NAMES}\">{values}</saml:Attribute>")
        };
        let attributes: String = self.attributes.iter().filter(|(_, v)| !v.is_empty()).map(attribute).collect();
        Message {
            before: format!(
                "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{id}\" IssueInstant=\"{at}\" Version=\"2.0\">{}",
                self.issuer()
            ),
            after: format!(
                "<saml:Subject><saml:NameID>{name}</saml:NameID><saml:SubjectConfirmation \
                 Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData NotOnOrAfter=\"{until}\" \
                 Recipient=\"{to}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
                 <saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\">{audience}</saml:Conditions>\
                 <saml:AuthnStatement AuthnInstant=\"{at}\" SessionIndex=\"{session}\" SessionNotOnOrAfter=\"{until}\">\
                 <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password\
                 </saml:AuthnContextClassRef><saml:AuthenticatingAuthority>{issuer}</saml:AuthenticatingAuthority>\
                 </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}\
                 </saml:AttributeStatement></saml:Assertion>",
                name = escape(self.subject),
                to = escape(self.recipient),
                from = seconds(self.now.plus_secs(-EARLY_SECS)),
                audience = audience.unwrap_or_default(),
                issuer = escape(self.issuer),
            ),
            id,
            destination: self.recipient.to_owned(),
            parameter: "SAMLResponse",
        }
    }
}
