//! Signatures of XML (xmldsig-core1), as SAML has them (saml-core-2.0-os §5.4): found by their place, not by a search.
//!
//! What is given back is the canonical text that was verified; whoever reads it afterwards reads nothing else
//! (`security.md` part 2, rules 2 and 3). Keys are the identity provider's as they are configured; those that a signature
//! brings along are not looked at.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bergshamra_c14n::{C14nMode, C14nSink};
use bergshamra_xml::nodeset::NodeSet;

use super::xml::{DS, Element, MAX_BYTES, Outcome, Tree};

/// Exclusive canonical XML (xml-exc-c14n), and the same with comments. A reference to an id leaves them out before
/// (xmldsig-core1 §4.4.3.3).
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
/// The signature is in what it signs.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Most prefixes that a canonicalisation names.
const MAX_PREFIXES: usize = 64;
/// Longest text of a digest or signature.
const MAX_VALUE: usize = 4_096;

/// RSA with SHA-256 (RFC 9231 §2.3.2).
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// SHA-256 (xmlenc-core1 §5.8.2).
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Whose signatures are believed.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Public keys, as SubjectPublicKeyInfo in DER.
    pub keys: Vec<Vec<u8>>,
    /// SHA-1 is taken as well.
    pub allow_sha1: bool,
}

/// The algorithm of a signature, by its name.
fn algorithms(name: &str, allow_sha1: bool) -> Vec<&'static dyn VerificationAlgorithm> {
    match name {
        RSA_SHA256 => vec![&signature::RSA_PKCS1_2048_8192_SHA256],
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => vec![&signature::RSA_PKCS1_2048_8192_SHA384],
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => vec![&signature::RSA_PKCS1_2048_8192_SHA512],
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1" => vec![&signature::RSA_PSS_2048_8192_SHA256],
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1" => vec![&signature::RSA_PSS_2048_8192_SHA384],
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1" => vec![&signature::RSA_PSS_2048_8192_SHA512],
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => {
            vec![&signature::ECDSA_P256_SHA256_FIXED, &signature::ECDSA_P521_SHA256_FIXED]
        }
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => {
            vec![&signature::ECDSA_P384_SHA384_FIXED, &signature::ECDSA_P521_SHA384_FIXED]
        }
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => vec![&signature::ECDSA_P521_SHA512_FIXED],
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1" if allow_sha1 => {
            vec![&signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY]
        }
        _ => Vec::new(),
    }
}

fn digest_algorithm(name: &str, allow_sha1: bool) -> Option<&'static digest::Algorithm> {
    match name {
        SHA256 => Some(&digest::SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(&digest::SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(&digest::SHA512),
        "http://www.w3.org/2000/09/xmldsig#sha1" if allow_sha1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        _ => None,
    }
}

/// Whether one of the keys has signed these bytes by the algorithm of that name.
///
/// # Errors
/// An algorithm that is not taken.
pub fn is_signed(trust: &Trust, algorithm: &str, message: &[u8], signed: &[u8]) -> Outcome<bool> {
    let algorithms = algorithms(algorithm, trust.allow_sha1);
    if algorithms.is_empty() {
        return Err("is signed by an algorithm that is not taken".to_owned());
    }
    let verifies = |key: &Vec<u8>, algorithm: &&'static dyn VerificationAlgorithm| {
        let key = ParsedPublicKey::new(*algorithm, key.as_slice());
        key.is_ok_and(|key| key.verify_sig(message, signed).is_ok())
    };
    Ok(trust.keys.iter().any(|key| algorithms.iter().any(|algorithm| verifies(key, algorithm))))
}

/// The signature of an element, if it has one.
fn of<'t, 'a>(element: Element<'t, 'a>) -> Outcome<Option<Element<'t, 'a>>> {
    element.one(DS, "Signature")
}

/// The canonical text of an element that its own signature holds for; `None` if it has no signature.
///
/// # Errors
/// A signature that does not hold, or is not as SAML wants it.
pub fn verify(element: Element<'_, '_>, trust: &Trust) -> Outcome<Option<String>> {
    let Some(signature) = of(element)? else { return Ok(None) };
    let parts: Vec<_> = signature.children().collect();
    let names: Vec<&str> = parts.iter().map(|e| if e.is(DS, e.name()) { e.name() } else { "" }).collect();
    let (["SignedInfo", "SignatureValue"] | ["SignedInfo", "SignatureValue", "KeyInfo"]) = names.as_slice() else {
        return Err("has a signature with other parts than SAML has".to_owned());
    };
    signature.check_no_text()?;
    let info = signature.only(DS, "SignedInfo")?;
    let names: Vec<&str> = info.children().map(|e| if e.is(DS, e.name()) { e.name() } else { "" }).collect();
    if names != ["CanonicalizationMethod", "SignatureMethod", "Reference"] {
        return Err("has a signature of other things than one reference".to_owned());
    }
    info.check_no_text()?;
    let prefixes = canonicalisation(info.only(DS, "CanonicalizationMethod")?)?;
    let signed = canonical(info, None, &prefixes)?;
    let value = decode(signature.only(DS, "SignatureValue")?)?;
    // What is signed says what it is of: it is read from what the signature is verified of.
    let read = Tree::read(&signed)?;
    let info = read.root();
    let method = info.only(DS, "SignatureMethod")?;
    if method.children().next().is_some() {
        return Err("has a signature with parameters".to_owned());
    }
    let reference = info.only(DS, "Reference")?;
    let (text, expected, algorithm) = referred(element, signature, reference, trust.allow_sha1)?;
    let digest = digest::digest(algorithm, text.as_bytes());
    if digest.as_ref() != expected {
        return Err("is not what was signed".to_owned());
    }
    if !is_signed(trust, method.attribute("Algorithm").unwrap_or_default(), signed.as_bytes(), &value)? {
        return Err("is signed by a key that is not the identity provider's".to_owned());
    }
    Ok(Some(text))
}

/// The text that a reference means, which must be that of the element, and the digest that it should have.
fn referred(
    element: Element<'_, '_>,
    signature: Element<'_, '_>,
    reference: Element<'_, '_>,
    allow_sha1: bool,
) -> Outcome<(String, Vec<u8>, &'static digest::Algorithm)> {
    let id = element.attribute("ID").filter(|id| !id.is_empty()).ok_or("has a signature of an element without ID")?;
    if reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')) != Some(id) {
        return Err("has a signature of something else than the element that it stands in".to_owned());
    }
    let names: Vec<&str> = reference.children().map(|e| if e.is(DS, e.name()) { e.name() } else { "" }).collect();
    if names != ["Transforms", "DigestMethod", "DigestValue"] {
        return Err("has a reference with other parts than SAML has".to_owned());
    }
    let transforms: Vec<_> = reference.only(DS, "Transforms")?.children().collect();
    let prefixes = match transforms.as_slice() {
        [enveloped, canonicalised] if is_enveloped(*enveloped) && canonicalised.is(DS, "Transform") => {
            canonicalisation(*canonicalised)?
        }
        _ => return Err("has a signature by other transforms than SAML has".to_owned()),
    };
    let method = reference.only(DS, "DigestMethod")?;
    let algorithm = digest_algorithm(method.attribute("Algorithm").unwrap_or_default(), allow_sha1);
    let algorithm = algorithm.ok_or("has a digest by an algorithm that is not taken")?;
    let expected = decode(reference.only(DS, "DigestValue")?)?;
    Ok((canonical(element, Some(signature), &prefixes)?, expected, algorithm))
}

fn is_enveloped(transform: Element<'_, '_>) -> bool {
    transform.is(DS, "Transform")
        && transform.attribute("Algorithm") == Some(ENVELOPED)
        && transform.children().next().is_none()
}

/// The prefixes that an exclusive canonicalisation treats as an inclusive one does; any other is a fault.
fn canonicalisation(method: Element<'_, '_>) -> Outcome<Vec<String>> {
    if !matches!(method.attribute("Algorithm"), Some(EXCLUSIVE | EXCLUSIVE_WITH_COMMENTS)) {
        return Err("has a signature by a canonicalisation that is not taken".to_owned());
    }
    let Some(named) = method.one(EXCLUSIVE, "InclusiveNamespaces")? else {
        return match method.children().next() {
            None => Ok(Vec::new()),
            Some(_) => Err("has a canonicalisation with other parameters than prefixes".to_owned()),
        };
    };
    if method.children().count() != 1 || named.children().next().is_some() {
        return Err("has a canonicalisation with other parameters than prefixes".to_owned());
    }
    let prefixes = named.attribute("PrefixList").unwrap_or_default();
    let prefixes: Vec<String> = prefixes.split_ascii_whitespace().map(str::to_owned).collect();
    if prefixes.len() > MAX_PREFIXES {
        return Err("has a canonicalisation with too many prefixes".to_owned());
    }
    Ok(prefixes)
}

/// The canonical text of an element without `without`, which stands in it.
pub fn canonical(element: Element<'_, '_>, without: Option<Element<'_, '_>>, prefixes: &[String]) -> Outcome<String> {
    let doc = element.tree().document();
    let mut nodes = NodeSet::tree_without_comments(element.id(), doc);
    if let Some(without) = without {
        nodes = nodes.subtract(&NodeSet::tree_with_comments(without.id(), doc));
    }
    let mut made = Bounded::default();
    let done = bergshamra_c14n::canonicalize_doc_to(doc, C14nMode::Exclusive, Some(&nodes), prefixes, &mut made);
    let made_over = made.is_over;
    let text = done.ok().and_then(|()| String::from_utf8(made.bytes).ok());
    // Nothing has a digest, too: what cannot be canonicalised is not verified.
    let whole = text.filter(|text| !made_over && text.starts_with('<') && text.ends_with('>'));
    whole.ok_or_else(|| "has no canonical form, or a long one".to_owned())
}

/// Takes as much of a canonical text as a message may have.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_over: bool,
}

impl C14nSink for Bounded {
    fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional.min(MAX_BYTES));
    }

    fn write(&mut self, bytes: &[u8]) {
        self.is_over |= self.bytes.len() + bytes.len() > MAX_BYTES;
        if !self.is_over {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn write_byte(&mut self, byte: u8) {
        self.write(&[byte]);
    }
}

/// The bytes of a text in base64, in which white space may stand and nothing else.
fn decode(element: Element<'_, '_>) -> Outcome<Vec<u8>> {
    let mut text = element.plain_text()?;
    if text.len() > MAX_VALUE {
        return Err(format!("has a {} that is too long", element.name()));
    }
    text.retain(|c| !matches!(c, ' ' | '\t' | '\r' | '\n'));
    STANDARD.decode(text).map_err(|_| format!("has a {} that is not base64", element.name()))
}
