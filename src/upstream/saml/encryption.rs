//! Encrypted assertions and names (saml-core-2.0-os §2.3.4; xmlenc-core1): an element under a key of its own, which is encrypted for us.
//!
//! What is decrypted counts as unsigned until a signature is verified. AES in CBC mode tells whoever may ask often enough what
//! it hides, so it is read only where the Response around it is signed (`security.md` part 2, rule 4); RSA 1.5 and Triple DES
//! are not read at all. Whatever fails, it is one text.

use aes::cipher::{BlockDecryptMut, KeyIvInit, block_padding::NoPadding};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::own::OwnKey;
use super::xml::{DS, Element, Outcome};

/// Names of elements of encryption.
const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The mask generation of OAEP, where it is named.
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// Keys that one assertion may be encrypted under: one for each of whom it is for.
const MAX_KEYS: usize = 4;
const BLOCK: usize = 16;

/// Algorithms that metadata announces, best first.
pub const ANNOUNCED: [&str; 3] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// The text of what is in an `EncryptedAssertion` or `EncryptedID`.
pub fn decrypt(encrypted: Element<'_, '_>, keys: &[OwnKey], is_signed: bool) -> Outcome<String> {
    let unread = || "has something encrypted that cannot be read".to_owned();
    let data = encrypted.only(XENC, "EncryptedData")?;
    let algorithm = data.only(XENC, "EncryptionMethod")?.attribute("Algorithm").unwrap_or_default();
    let mode = Mode::parse(algorithm).ok_or("has something that is encrypted by an algorithm that is not taken")?;
    if mode.is_cbc() && !is_signed {
        return Err("has something in CBC mode that no signature is around".to_owned());
    }
    let within = data.one(DS, "KeyInfo")?;
    let wrapped: Vec<_> = within.into_iter().chain([encrypted]).flat_map(|at| at.named(XENC, "EncryptedKey")).collect();
    if wrapped.is_empty() || wrapped.len() > MAX_KEYS {
        return Err(unread());
    }
    let ciphertext = value(data)?;
    for wrapped in wrapped {
        let Some(transport) = transport(wrapped.only(XENC, "EncryptionMethod")?)? else { continue };
        let key = value(wrapped)?;
        let found =
            keys.iter().filter_map(|own| own.decrypt(transport, &key)).find_map(|key| mode.open(&key, &ciphertext));
        if let Some(text) = found.and_then(|plain| String::from_utf8(plain).ok()) {
            return Ok(text);
        }
    }
    Err(unread())
}

/// How a key is encrypted; none if it is in a way that is not read.
fn transport(method: Element<'_, '_>) -> Outcome<Option<&'static OaepAlgorithm>> {
    let digest = method.one(DS, "DigestMethod")?.and_then(|d| d.attribute("Algorithm"));
    let mask = method.one(XENC11, "MGF")?.and_then(|m| m.attribute("Algorithm"));
    if method.one(XENC, "OAEPparams")?.is_some() {
        return Ok(None);
    }
    let digest = digest.unwrap_or("http://www.w3.org/2000/09/xmldsig#sha1");
    let mask = mask.unwrap_or("http://www.w3.org/2009/xmlenc11#mgf1sha1");
    let named = (digest.rsplit('#').next().unwrap_or_default(), mask.rsplit('#').next().unwrap_or_default());
    let is_oaep = matches!(
        method.attribute("Algorithm"),
        Some("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" | "http://www.w3.org/2009/xmlenc11#rsa-oaep")
    );
    Ok(match named {
        ("sha1", "mgf1sha1") if is_oaep => Some(&OAEP_SHA1_MGF1SHA1),
        ("sha256", "mgf1sha256") if is_oaep => Some(&OAEP_SHA256_MGF1SHA256),
        ("sha384", "mgf1sha384") if is_oaep => Some(&OAEP_SHA384_MGF1SHA384),
        ("sha512", "mgf1sha512") if is_oaep => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    })
}

/// The bytes of a `CipherData`, which are in it and not elsewhere.
fn value(of: Element<'_, '_>) -> Outcome<Vec<u8>> {
    let mut text = of.only(XENC, "CipherData")?.only(XENC, "CipherValue")?.plain_text()?;
    text.retain(|c| !matches!(c, ' ' | '\t' | '\r' | '\n'));
    STANDARD.decode(text).map_err(|_| "has something encrypted that is not base64".to_owned())
}

/// How an element is encrypted.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// AES-GCM with 128 bits.
    Aes128Gcm,
    /// AES-GCM with 256 bits.
    Aes256Gcm,
    /// AES-CBC with 128 bits.
    Aes128Cbc,
    /// AES-CBC with 256 bits.
    Aes256Cbc,
}

impl Mode {
    /// By its name.
    pub fn parse(algorithm: &str) -> Option<Self> {
        match algorithm {
            "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Some(Self::Aes128Gcm),
            "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Some(Self::Aes256Gcm),
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Some(Self::Aes128Cbc),
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Some(Self::Aes256Cbc),
            _ => None,
        }
    }

    fn is_cbc(self) -> bool {
        matches!(self, Self::Aes128Cbc | Self::Aes256Cbc)
    }

    /// What is hidden; `None` if that is not what it says.
    pub fn open(self, key: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Aes128Gcm => gcm(&AES_128_GCM, key, ciphertext),
            Self::Aes256Gcm => gcm(&AES_256_GCM, key, ciphertext),
            Self::Aes128Cbc => {
                let (iv, rest) = ciphertext.split_at_checked(BLOCK)?;
                unpadded(cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?, rest)
            }
            Self::Aes256Cbc => {
                let (iv, rest) = ciphertext.split_at_checked(BLOCK)?;
                unpadded(cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?, rest)
            }
        }
    }
}

/// GCM with the nonce before and the whole tag behind (xmlenc-core1 §5.2.4).
fn gcm(algorithm: &'static aws_lc_rs::aead::Algorithm, key: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = ciphertext.split_at_checked(NONCE_LEN)?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut rest = rest.to_vec();
    Some(key.open_in_place(nonce, Aad::empty(), &mut rest).ok()?.to_vec())
}

/// CBC with the padding of this standard, whose last byte alone says how long it is (xmlenc-core1 §5.2.1).
fn unpadded<D: BlockDecryptMut>(decryptor: D, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let mut plain = decryptor.decrypt_padded_vec_mut::<NoPadding>(ciphertext).ok()?;
    let padding = usize::from(*plain.last()?);
    let end = plain.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
    plain.truncate(end);
    Some(plain)
}
