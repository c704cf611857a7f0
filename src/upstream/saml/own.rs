//! Our own keys: what requests are signed with, and what assertions are encrypted for (saml-metadata-2.0-os §2.4.1.1).

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::RsaKeyPair;
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256, SerialNumber};
use rustls::pki_types::PrivatePkcs8KeyDer;
use time::OffsetDateTime;

use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How long a certificate lasts, in seconds. Partners keep the key, whatever its certificate says of time.
const LASTS_SECS: i64 = 10 * 365 * 24 * 3_600;
/// How far a partner's clock may be behind, in seconds.
const EARLY_SECS: i64 = 24 * 3_600;

/// Our keys at one place.
#[derive(Debug)]
pub struct Own {
    /// All that are published.
    pub keys: Arc<Vec<OwnKey>>,
    /// The place of the one that signs.
    pub signing: usize,
}

/// One of our keys.
pub struct OwnKey {
    /// Its certificate, in DER, as base64.
    pub certificate: String,
    pub(super) signing: RsaKeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl std::fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnKey(***)")
    }
}

impl OwnKey {
    /// Reads the private half, in PKCS#8.
    pub fn read(private: &Secret, certificate: String) -> Result<Self> {
        let wrong = || Error::internal("a key for SAML cannot be read");
        let der = private.expose();
        let decrypting = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| wrong())?;
        Ok(Self {
            certificate,
            signing: RsaKeyPair::from_pkcs8(der).map_err(|_| wrong())?,
            decrypting: OaepPrivateDecryptingKey::new(decrypting).map_err(|_| wrong())?,
        })
    }

    /// What was encrypted for it by OAEP; `None` if that was another.
    pub(super) fn decrypt(&self, algorithm: &'static OaepAlgorithm, encrypted: &[u8]) -> Option<Vec<u8>> {
        if encrypted.len() != self.decrypting.key_size_bytes() {
            return None;
        }
        let mut plain = vec![0; self.decrypting.min_output_size()];
        let plain = self.decrypting.decrypt(algorithm, encrypted, &mut plain, None).ok()?;
        Some(plain.to_vec())
    }
}

/// A new key of that name: the private half in PKCS#8, and its certificate in DER. It takes a core for a while.
pub fn make(name: &str, now: Timestamp, random: &Random) -> Result<(Secret, Vec<u8>)> {
    let failed = |_| Error::internal("a key for SAML was not made");
    let made = KeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
    let der: Pkcs8V1Der<'_> = made.as_der().map_err(failed)?;
    let private = Secret::new(der.as_ref());
    let unsigned = |_| Error::internal("a certificate for SAML was not made");
    let pkcs8 = PrivatePkcs8KeyDer::from(private.expose());
    let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_RSA_SHA256).map_err(unsigned)?;
    let mut wanted = CertificateParams::new(Vec::<String>::new()).map_err(unsigned)?;
    wanted.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    let at = |secs: i64| OffsetDateTime::from_unix_timestamp(secs).map_err(|_| Error::internal("a time that is none"));
    (wanted.not_before, wanted.not_after) = (at(now.secs() - EARLY_SECS)?, at(now.secs().saturating_add(LASTS_SECS))?);
    let mut serial = [0_u8; 16];
    random.fill(&mut serial);
    // Positive, and without a zero before it.
    serial[0] = serial[0] & 0x7f | 0x40;
    wanted.serial_number = Some(SerialNumber::from_slice(&serial));
    let certificate = wanted.self_signed(&pair).map_err(unsigned)?;
    Ok((private, certificate.der().to_vec()))
}
