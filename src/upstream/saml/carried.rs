//! What browsers and clients bring us: a posted form, a redirect whose query is signed as it stands there
//! (saml-bindings-2.0-os §3.4.4.1), or an envelope of SOAP. Bounded before anything is unpacked.

use std::io::Read as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use percent_encoding::percent_decode_str;

use super::signature::{self, Trust};
use super::xml::{Element, MAX_BYTES, Outcome, Tree};
use crate::error::{Error, Result};
use crate::upstream::Answer;

/// Longest text of a posted message: base64 with line breaks.
const MAX_POSTED: usize = 400_000;

/// The text of the message in an answer to a login.
pub fn response(answer: &Answer) -> Result<String> {
    match answer {
        Answer::Envelope(text) if text.len() > MAX_BYTES => Err(Error::unauthorized("the envelope is too long")),
        Answer::Envelope(text) => Ok(text.clone()),
        Answer::Form(_) => {
            let posted = answer.one("SAMLResponse")?.ok_or_else(|| Error::unauthorized("there is no SAMLResponse"))?;
            unpacked(posted).map_err(|why| Error::unauthorized(format!("the SAMLResponse {why}")))
        }
        Answer::Query(_) => Err(Error::unauthorized("the answer was not posted")),
    }
}

/// The text of a message that was posted in base64, in which line breaks may stand and nothing else.
fn unpacked(posted: &str) -> Outcome<String> {
    if posted.len() > MAX_POSTED {
        return Err("is too long".to_owned());
    }
    let packed: String = posted.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| "is not base64")?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

/// A message about logging out, as a browser brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The raw query of a redirect.
    Query(String),
    /// The fields of a posted form.
    Form(Vec<(String, String)>),
}

/// A message that was brought.
#[derive(Debug)]
pub struct Brought {
    /// Its text.
    pub text: String,
    /// Whether it asks, rather than answers.
    pub is_request: bool,
    /// What has to come back with an answer.
    pub relay_state: Option<String>,
    /// What the query was signed as, by what algorithm, and the signature.
    detached: Option<(String, String, Vec<u8>)>,
    /// Whether the signature belongs into the message itself.
    is_posted: bool,
}

impl Carried {
    /// Opens it; nothing is verified by that.
    pub fn open(&self) -> Outcome<Brought> {
        match self {
            Self::Query(query) => of_query(query),
            Self::Form(fields) => of_form(fields),
        }
    }
}

fn of_form(fields: &[(String, String)]) -> Outcome<Brought> {
    let one = |name: &str| {
        let mut values = fields.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value.filter(|v| !v.is_empty())),
            _ => Err(format!("comes with '{name}' twice")),
        }
    };
    let (is_request, posted) = which(one("SAMLRequest")?, one("SAMLResponse")?)?;
    let relay_state = one("RelayState")?.map(str::to_owned);
    Ok(Brought { text: unpacked(posted)?, is_request, relay_state, detached: None, is_posted: true })
}

fn which<'q>(request: Option<&'q str>, response: Option<&'q str>) -> Outcome<(bool, &'q str)> {
    match (request, response) {
        (Some(request), None) => Ok((true, request)),
        (None, Some(response)) => Ok((false, response)),
        _ => Err("is none, or two".to_owned()),
    }
}

fn of_query(query: &str) -> Outcome<Brought> {
    let one = |name: &str| {
        let mut raw = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(n, _)| *n == name);
        match (raw.next(), raw.next()) {
            (value, None) => Ok(value.map(|(_, v)| v).filter(|v| !v.is_empty())),
            _ => Err(format!("comes with '{name}' twice")),
        }
    };
    let (is_request, raw) = which(one("SAMLRequest")?, one("SAMLResponse")?)?;
    let (relay_state, algorithm, signed) = (one("RelayState")?, one("SigAlg")?, one("Signature")?);
    if one("SAMLEncoding")?.is_some() {
        return Err("is in an encoding that is not taken".to_owned());
    }
    let detached = match (algorithm, signed) {
        (Some(algorithm), Some(signed)) => {
            let name = if is_request { "SAMLRequest" } else { "SAMLResponse" };
            let state = relay_state.map(|state| format!("&RelayState={state}")).unwrap_or_default();
            let value = STANDARD.decode(plain(signed)?).map_err(|_| "has a signature that is not base64")?;
            Some((format!("{name}={raw}{state}&SigAlg={algorithm}"), plain(algorithm)?, value))
        }
        _ => None,
    };
    let packed = STANDARD.decode(plain(raw)?).map_err(|_| "is not base64")?;
    let mut text = String::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    let read = DeflateDecoder::new(packed.as_slice()).take(most + 1).read_to_string(&mut text);
    if read.map_err(|_| "cannot be unpacked")? > MAX_BYTES {
        return Err(format!("has over {MAX_BYTES} bytes"));
    }
    let relay_state = relay_state.map(|raw| plain(&raw.replace('+', " "))).transpose()?;
    Ok(Brought { text, is_request, relay_state, detached, is_posted: false })
}

/// A value of a query. A plus sign stays one: in base64 it is no space.
fn plain(raw: &str) -> Outcome<String> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| "is not UTF-8".to_owned())
}

impl Brought {
    /// What may be read of the message, once a signature of it holds: what the signature is of, or all of it where the query was
    /// signed.
    pub fn verified(&self, root: Element<'_, '_>, trust: &Trust) -> Outcome<String> {
        if self.is_posted {
            return signature::verify(root, trust)?.ok_or_else(|| "is not signed".to_owned());
        }
        let Some((message, algorithm, signed)) = &self.detached else { return Err("is not signed".to_owned()) };
        if !signature::is_signed(trust, algorithm, message.as_bytes(), signed)? {
            return Err("is signed by a key that is not the identity provider's".to_owned());
        }
        Ok(self.text.clone())
    }

    /// Reads the message as it came.
    pub fn tree(&self) -> Outcome<Tree<'_>> {
        Tree::read(&self.text)
    }
}
