//! Fernet tokens, byte-compatible with Keystone (keystone-api §5.1): the envelope around [`super::payload`].
//!
//! A token is base64url without padding of `0x80`, the time of issue, an IV, AES-128-CBC ciphertext and an HMAC-SHA256
//! over all before it. The HMAC is verified in constant time before anything is decrypted, with each key in turn, the
//! primary first. Exactly one text is the token: padding, white space, other characters and non-zero spare bits of
//! the last character are refused, so a token cannot be varied to dodge a comparison (KS-TOK-2).

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::payload::Codec;
use super::repository::{Key, KeySet};
use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result};
use crate::model::token::Payload;

/// The longest token that is issued or read, in characters: what common proxies pass on in a header.
pub const MAX_TOKEN: usize = 8192;

const VERSION: u8 = 0x80;
const IV: usize = 16;
const HMAC: usize = 32;
/// Version and time of issue.
const HEAD: usize = 9;
/// The shortest envelope has one block of ciphertext.
const SHORTEST: usize = HEAD + IV + 16 + HMAC;

/// Issues and reads Fernet tokens with one set of keys.
#[derive(Debug)]
pub struct Fernet {
    codec: Codec,
    keys: KeySet,
}

impl Fernet {
    /// With these keys, the first of which encrypts.
    pub fn new(codec: Codec, keys: KeySet) -> Self {
        Self { codec, keys }
    }

    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// A token that says `payload`, issued at the payload's own time in whole seconds.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token would be longer than [`MAX_TOKEN`] (a federated user with too many groups),
    /// [`Error::Internal`] for what Keystone's payloads cannot carry.
    pub fn issue(&self, payload: &Payload, random: &Random) -> Result<String> {
        self.issue_with_iv(payload, &random.bytes())
    }

    fn issue_with_iv(&self, payload: &Payload, iv: &[u8; IV]) -> Result<String> {
        let plain = self.codec.encode(payload)?;
        let seconds = payload.issued_at.secs().max(0);
        let key = self.keys.primary();
        let mut token = Vec::with_capacity(SHORTEST + plain.len());
        token.push(VERSION);
        token.extend_from_slice(&seconds.to_be_bytes());
        token.extend_from_slice(iv);
        let cipher = cbc::Encryptor::<Aes128>::new(key.encryption().into(), iv.into());
        token.extend_from_slice(&cipher.encrypt_padded_vec_mut::<Pkcs7>(&plain));
        let hmac = hmac(key, &token).ok_or_else(|| Error::internal("the HMAC key has a wrong length"))?;
        token.extend_from_slice(&hmac.finalize().into_bytes());
        let token = URL_SAFE_NO_PAD.encode(token);
        if token.len() > MAX_TOKEN {
            return Err(Error::invalid(format!(
                "the token would have {} characters, more than the {MAX_TOKEN} allowed: the user is in too many groups",
                token.len()
            )));
        }
        Ok(token)
    }

    /// What `token` says, or `None` if none of the keys made it. Expiry is not looked at.
    pub fn read(&self, token: &str) -> Option<Payload> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        if bytes.len() < SHORTEST || bytes[0] != VERSION {
            return None;
        }
        let signed = bytes.len() - HMAC;
        let (signed, tag) = bytes.split_at_mut(signed);
        let key = self.keys.iter().find(|key| hmac(key, signed).is_some_and(|mac| mac.verify_slice(tag).is_ok()))?;
        let (head, cipher) = signed.split_at_mut(HEAD + IV);
        let seconds = u64::from_be_bytes(head[1..HEAD].try_into().ok()?);
        let seconds = i64::try_from(seconds).ok().filter(|s| *s <= Timestamp::MAX.secs())?;
        let decryptor = cbc::Decryptor::<Aes128>::new_from_slices(key.encryption(), &head[HEAD..]).ok()?;
        let plain = decryptor.decrypt_padded_mut::<Pkcs7>(cipher).ok()?;
        self.codec.decode(plain, Timestamp::from_secs(seconds))
    }
}

fn hmac(key: &Key, message: &[u8]) -> Option<Hmac<Sha256>> {
    Some(Hmac::<Sha256>::new_from_slice(key.signing()).ok()?.chain_update(message))
}

#[cfg(test)]
mod tests;
