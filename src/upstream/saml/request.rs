//! What is asked of identity providers: an AuthnRequest (saml-core-2.0-os §3.4.1).

use std::fmt::Write as _;

use super::message::{Message, escape, seconds};
use super::xml::{SAML, SAMLP};
use crate::clock::Timestamp;

/// The answer is posted by a browser (saml-bindings-2.0-os §3.5).
pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// The answer is brought by a client that speaks SOAP (§3.3).
pub const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";

/// What is asked of an identity provider.
#[derive(Debug)]
pub struct AuthnRequest {
    /// Names the request.
    pub id: String,
    /// When it is made.
    pub now: Timestamp,
    /// Where it goes; empty if whoever carries it knows that.
    pub destination: String,
    /// Where the answer is to come to.
    pub acs_url: String,
    /// How.
    pub binding: &'static str,
    /// What we call ourselves.
    pub issuer: String,
    /// The person is to authenticate anew.
    pub force_authn: bool,
    /// Nothing may be shown to the person.
    pub is_passive: bool,
    /// The form of name that is asked for; none leaves it to the identity provider.
    pub name_id_format: Option<String>,
    /// How the person is to be made sure of.
    pub contexts: Vec<String>,
}

impl AuthnRequest {
    /// As a message.
    pub fn message(self) -> Message {
        let mut flags = String::new();
        let mut add = |name: &str, value: &str| {
            // Attributes without a namespace stand in the order of their names (xml-c14n §2.3).
            let _ = write!(flags, " {name}=\"{}\"", escape(value));
        };
        add("AssertionConsumerServiceURL", &self.acs_url);
        if !self.destination.is_empty() {
            add("Destination", &self.destination);
        }
        if self.force_authn {
            add("ForceAuthn", "true");
        }
        add("ID", &self.id);
        if self.is_passive {
            add("IsPassive", "true");
        }
        add("IssueInstant", &seconds(self.now));
        add("ProtocolBinding", self.binding);
        add("Version", "2.0");
        let policy = match &self.name_id_format {
            None => String::new(),
            Some(format) => {
                format!("<samlp:NameIDPolicy AllowCreate=\"true\" Format=\"{}\"></samlp:NameIDPolicy>", escape(format))
            }
        };
        let contexts: String = self
            .contexts
            .iter()
            .map(|c| {
                format!("<saml:AuthnContextClassRef xmlns:saml=\"{SAML}\">{}</saml:AuthnContextClassRef>", escape(c))
            })
            .collect();
        let contexts = match contexts.as_str() {
            "" => String::new(),
            some => format!("<samlp:RequestedAuthnContext Comparison=\"exact\">{some}</samlp:RequestedAuthnContext>"),
        };
        let issuer = escape(&self.issuer);
        Message {
            before: format!(
                "<samlp:AuthnRequest xmlns:samlp=\"{SAMLP}\"{flags}><saml:Issuer xmlns:saml=\"{SAML}\">{issuer}</saml:Issuer>"
            ),
            after: format!("{policy}{contexts}</samlp:AuthnRequest>"),
            id: self.id,
            destination: self.destination,
            parameter: "SAMLRequest",
        }
    }
}
