//! Authorities in PEM that vouch for one partner's servers (RFC 7468, RFC 5280).

use reqwest::Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::error::{Error, Result};

/// Most authorities of one text.
const MAX_AUTHORITIES: usize = 20;
/// Longest such text.
const MAX_BYTES: usize = 65_536;

/// Reads all of a text; it must have certificates and nothing else.
///
/// # Errors
/// `Invalid` with what it has instead, without quoting it: who takes it for the place of a private key must not find that
/// in a log.
pub fn authorities(text: &str) -> Result<Vec<Certificate>> {
    let wrong = |why: &str| Error::invalid(format!("The certificates of the authority {why}."));
    if text.len() > MAX_BYTES {
        return Err(wrong("are too long"));
    }
    let mut all = Vec::new();
    for block in Pem::iter_from_buffer(text.as_bytes()) {
        let block = block.map_err(|_| wrong("have a PEM block that cannot be read"))?;
        if block.label != "CERTIFICATE" {
            return Err(wrong("have a PEM block that is no certificate"));
        }
        if all.len() == MAX_AUTHORITIES {
            return Err(wrong(&format!("are more than {MAX_AUTHORITIES}")));
        }
        let (rest, _) = X509Certificate::from_der(&block.contents).map_err(|_| wrong("are no X.509 certificates"))?;
        if !rest.is_empty() {
            return Err(wrong("have more in them than certificates"));
        }
        all.push(Certificate::from_der(&block.contents).map_err(|_| wrong("cannot be used"))?);
    }
    if all.is_empty() {
        return Err(wrong("have none in PEM, which begins with '-----BEGIN CERTIFICATE-----'"));
    }
    Ok(all)
}
