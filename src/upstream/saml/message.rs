//! Messages of ours, and the two ways in which a browser carries them (saml-bindings-2.0-os §3.4 and §3.5): written in canonical
//! form, signed if there is a key for it.

use std::fmt::Write as _;
use std::io::Write as _;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::own::OwnKey;
use super::signature::{self, ENVELOPED, EXCLUSIVE, RSA_SHA256, SHA256};
use super::xml::{DS, Tree};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::upstream::Begin;

/// A message, or another document that is signed as a whole.
#[derive(Debug)]
pub struct Message {
    /// Names it.
    pub id: String,
    /// Where it goes.
    pub destination: String,
    /// What carries it: `SAMLRequest` or `SAMLResponse`.
    pub parameter: &'static str,
    /// What stands before its signature.
    pub before: String,
    /// What stands behind it.
    pub after: String,
}

impl Message {
    /// As XML without a signature.
    pub fn unsigned(&self) -> String {
        self.with("")
    }

    fn with(&self, signature: &str) -> String {
        format!("{}{signature}{}", self.before, self.after)
    }

    /// As XML with a signature in it.
    pub fn signed(&self, key: Key<'_>) -> Result<String> {
        let unsigned = self.unsigned();
        let made = Tree::read(&unsigned).and_then(|tree| signature::canonical(tree.root(), None, &[]));
        let canonical = made.map_err(|why| Error::internal(format!("a document of ours {why}")))?;
        Ok(self.with(&key.signature(&self.id, &canonical)?))
    }

    /// The address that a browser is redirected to.
    pub fn redirect(&self, relay_state: Option<&str>, key: Option<Key<'_>>) -> Result<String> {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
        let written = deflated.write_all(self.unsigned().as_bytes()).and_then(|()| deflated.finish());
        let packed = written.map_err(|e| Error::internal(format!("a message was not written: {e}")))?;
        let mut query = format!("{}={}", self.parameter, encoded(&STANDARD.encode(packed)));
        if let Some(relay_state) = relay_state {
            let _ = write!(query, "&RelayState={}", encoded(relay_state));
        }
        if let Some(key) = key {
            let _ = write!(query, "&SigAlg={}", encoded(RSA_SHA256));
            let signed = STANDARD.encode(key.sign(query.as_bytes())?);
            let _ = write!(query, "&Signature={}", encoded(&signed));
        }
        let joint = if self.destination.contains('?') { '&' } else { '?' };
        Ok(format!("{}{joint}{query}", self.destination))
    }

    /// The fields of a form that a browser posts.
    pub fn post(&self, relay_state: Option<&str>, key: Option<Key<'_>>) -> Result<Vec<(String, String)>> {
        let xml = match key {
            None => self.unsigned(),
            Some(key) => self.signed(key)?,
        };
        let mut fields = vec![(self.parameter.to_owned(), STANDARD.encode(xml))];
        fields.extend(relay_state.map(|state| ("RelayState".to_owned(), state.to_owned())));
        Ok(fields)
    }

    /// What the browser does to carry it.
    pub fn carried(&self, by_post: bool, relay_state: Option<&str>, key: Option<Key<'_>>) -> Result<Begin> {
        Ok(if by_post {
            Begin::Post { url: self.destination.clone(), fields: self.post(relay_state, key)? }
        } else {
            Begin::Redirect { url: self.redirect(relay_state, key)? }
        })
    }
}

/// What is signed with.
#[derive(Debug, Clone, Copy)]
pub enum Key<'k> {
    /// A configuration's own.
    Own(&'k RsaKeyPair),
    /// A tenant's or the service's, with its certificate.
    Certified(&'k OwnKey),
}

/// Reads a private RSA key in PEM.
pub fn read_key(pem: &Secret) -> Result<RsaKeyPair> {
    let wrong = || Error::internal("the key for requests is no RSA key in PEM");
    let key = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| wrong())?;
    let pair = match &key {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(wrong()),
    };
    pair.map_err(|_| wrong())
}

impl Key<'_> {
    fn pair(&self) -> &RsaKeyPair {
        match self {
            Self::Own(pair) => pair,
            Self::Certified(own) => &own.signing,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signed = vec![0; self.pair().public_modulus_len()];
        let done = self.pair().sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signed);
        done.map(|()| signed).map_err(|_| Error::internal("a message was not signed"))
    }

    /// The signature that belongs into the element of that id whose canonical text this is.
    fn signature(&self, id: &str, canonical: &str) -> Result<String> {
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        let info = |declared: &str| {
            format!(
                "<ds:SignedInfo{declared}><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
                 <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\">\
                 <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
                 <ds:Transform Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms>\
                 <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue>\
                 </ds:Reference></ds:SignedInfo>"
            )
        };
        let signed = STANDARD.encode(self.sign(info(&format!(" xmlns:ds=\"{DS}\"")).as_bytes())?);
        let certificate = match self {
            Self::Own(_) => String::new(),
            Self::Certified(own) => format!(
                "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
                own.certificate
            ),
        };
        Ok(format!(
            "<ds:Signature xmlns:ds=\"{DS}\">{}<ds:SignatureValue>{signed}</ds:SignatureValue>{certificate}</ds:Signature>",
            info("")
        ))
    }
}

/// A time to the second (saml-core-2.0-os §1.3.3).
pub fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}Z", text.split('.').next().unwrap_or_default())
}

/// Text as it stands in an attribute's value or an element, in canonical form.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push_str("&#x9;"),
            '\n' => escaped.push_str("&#xA;"),
            '\r' => escaped.push_str("&#xD;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// All but what needs no encoding (RFC 3986 §2.3): some verify what they have encoded themselves.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
