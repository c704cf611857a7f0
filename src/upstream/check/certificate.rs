//! X.509 certificates (RFC 5280) by which a partner is known: when they hold, and whether their keys are any good.
//!
//! They are looked at one by one: what signs assertions is pinned, by its certificate as a whole, so no chain is built.

use aws_lc_rs::signature::{self, ParsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::clock::Timestamp;
use crate::secret::Secret;

/// Most certificates of one text.
const MAX_CERTIFICATES: usize = 20;
/// Bits of an RSA modulus, at least and at most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Time before its end in which a certificate is worth a warning.
const SOON_DAYS: i64 = 30;
const DAY_SECS: i64 = 24 * 3_600;

/// What counts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The whole of it, in DER.
    pub der: Vec<u8>,
    /// Its key, in DER.
    pub key: Vec<u8>,
    /// From when it holds, in seconds since 1970.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// What is wrong with its key, if anything.
    pub weakness: Option<String>,
}

impl Certificate {
    /// Reads one in DER.
    ///
    /// # Errors
    /// What it is instead.
    pub fn from_der(der: &[u8]) -> Result<Self, &'static str> {
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| "is no X.509 certificate")?;
        if !rest.is_empty() {
            return Err("has more in it than a certificate");
        }
        Ok(Self {
            der: der.to_vec(),
            key: read.public_key().raw.to_vec(),
            not_before: read.validity().not_before.timestamp(),
            not_after: read.validity().not_after.timestamp(),
            weakness: weakness(read.public_key()).map(str::to_owned).or_else(|| too_small(read.public_key())),
        })
    }

    /// Reads all of a text in PEM.
    ///
    /// # Errors
    /// What it has instead.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, String> {
        let mut all = Vec::new();
        for block in Pem::iter_from_buffer(text.as_bytes()) {
            let block = block.map_err(|_| "has a PEM block that cannot be read")?;
            if block.label != "CERTIFICATE" {
                let label: String = block.label.escape_debug().take(40).collect();
                return Err(format!("has a PEM block '{label}'; only certificates may be there"));
            }
            if all.len() == MAX_CERTIFICATES {
                return Err(format!("has more than {MAX_CERTIFICATES} certificates"));
            }
            all.push(Self::from_der(&block.contents)?);
        }
        if all.is_empty() {
            return Err("has no certificate in PEM, which begins with '-----BEGIN CERTIFICATE-----'".to_owned());
        }
        Ok(all)
    }

    /// Why signatures with it are not taken now; the text goes on after its name.
    pub fn fault(&self, now: Timestamp) -> Option<String> {
        if let Some(weakness) = &self.weakness {
            return Some(weakness.clone());
        }
        if now.secs() > self.not_after {
            return Some(format!("expired on {}", date(self.not_after)));
        }
        (now.secs() < self.not_before).then(|| format!("is not valid before {}", date(self.not_before)))
    }

    /// Whether its end is near.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.not_after - now.secs() < SOON_DAYS * DAY_SECS
    }

    /// Its end.
    pub fn ends(&self) -> Timestamp {
        Timestamp::from_secs(self.not_after)
    }
}

/// What several certificates of one partner come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Those that may be used now.
    pub usable: Vec<Certificate>,
    /// When the first of these ends.
    pub ends: Option<Timestamp>,
    /// What is wrong with the others, and which of the usable end soon: sentences.
    pub remarks: Vec<String>,
}

/// Judges the certificates of one partner, which `whose` names.
///
/// # Errors
/// None of them can be used; the text says why.
pub fn judge(certificates: Vec<Certificate>, whose: &str, now: Timestamp) -> Result<Judged, String> {
    let several = certificates.len() > 1;
    let mut judged = Judged::default();
    for (i, certificate) in certificates.into_iter().enumerate() {
        let name =
            if several { format!("Certificate {} of {whose}", i + 1) } else { format!("The certificate of {whose}") };
        if let Some(fault) = certificate.fault(now) {
            judged.remarks.push(format!("{name} {fault}."));
            continue;
        }
        if certificate.ends_soon(now) {
            judged.remarks.push(format!("{name} expires on {}.", date(certificate.not_after)));
        }
        judged.ends = Some(judged.ends.map_or(certificate.ends(), |ends| ends.min(certificate.ends())));
        judged.usable.push(certificate);
    }
    if judged.usable.is_empty() {
        judged.remarks.truncate(3);
        return Err(format!("{} Set the certificate that it uses now.", judged.remarks.join(" ")));
    }
    Ok(judged)
}

/// Whether a private key in PEM is that of the certificate.
///
/// # Errors
/// What the text has instead of a key that can be used.
pub fn is_key_of(key: &Secret, certificate: &Certificate) -> Result<bool, &'static str> {
    let key = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_| "is no private key in PEM without a password, which begins with '-----BEGIN PRIVATE KEY-----'")?;
    let key =
        rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).map_err(|_| "is of a kind that cannot be used")?;
    let public = key.public_key().ok_or("is of a kind that cannot be used")?;
    Ok(public == SubjectPublicKeyInfoDer::from(certificate.key.as_slice()))
}

/// The day of a time, as people write it.
pub fn date(secs: i64) -> String {
    Timestamp::from_secs(secs).to_string().chars().take(10).collect()
}

/// What no key may be.
fn weakness(key: &SubjectPublicKeyInfo<'_>) -> Option<&'static str> {
    let data = key.subject_public_key.data.as_ref();
    let usable =
        |algorithm: &'static dyn signature::VerificationAlgorithm| ParsedPublicKey::new(algorithm, data).is_ok();
    match key.parsed() {
        // Smaller ones have a text of their own.
        Ok(PublicKey::RSA(rsa)) => {
            let fits = !RSA_BITS.contains(&bits(rsa.modulus)) || usable(&signature::RSA_PKCS1_2048_8192_SHA256);
            (!fits).then_some("has an RSA key that cannot be used")
        }
        Ok(PublicKey::EC(_)) => {
            let curve = key.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok()).map(|oid| oid.to_id_string());
            match curve.as_deref() {
                Some("1.2.840.10045.3.1.7") if usable(&signature::ECDSA_P256_SHA256_ASN1) => None,
                Some("1.3.132.0.34") if usable(&signature::ECDSA_P384_SHA384_ASN1) => None,
                Some("1.3.132.0.35") if usable(&signature::ECDSA_P521_SHA512_ASN1) => None,
                _ => Some("has an elliptic key that is not on P-256, P-384 or P-521"),
            }
        }
        _ => Some("has a key that is neither RSA nor elliptic"),
    }
}

/// The same for RSA keys of a wrong size.
fn too_small(key: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    let Ok(PublicKey::RSA(rsa)) = key.parsed() else { return None };
    let bits = bits(rsa.modulus);
    (!RSA_BITS.contains(&bits)).then(|| format!("has an RSA key of {bits} bits; 2048 to 8192 are taken"))
}

/// Bits of a number.
fn bits(number: &[u8]) -> usize {
    let first = number.iter().position(|b| *b != 0).unwrap_or(number.len());
    let significant = &number[first..];
    significant.first().map_or(0, |b| significant.len() * 8 - b.leading_zeros() as usize)
}

#[cfg(test)]
mod tests;
