//! Sealing of secrets that lie in the database: AES-256-GCM (NIST SP 800-38D) under one of several master keys.
//!
//! A sealed value is `v1:<key id>:<base64url of nonce and ciphertext>`. The row's id is the associated data, so a
//! value that was moved to another row does not open (SEC-REST-1). The first key of the set seals; all of them open,
//! so that a new key can be put first, everything re-sealed, and the old one taken out (SEC-REST-2).
//!
//! The key set is text, one `<id>:<base64url of 32 bytes>` a line (commas or blanks also part them, for use in an
//! environment variable); lines that begin with `#` are skipped. No key and no plain text is in any error.

use std::fmt;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{Secret, file};
use crate::clock::Random;
use crate::error::{Error, Result};

const VERSION: &str = "v1";

/// The row id of the value by which [`Sealer::check`] recognises the right key set.
const CANARY_ROW: &str = "archstone/canary";
const CANARY: &[u8] = b"the master key is the right one";

/// Seals and opens secrets.
pub struct Sealer {
    keys: Vec<MasterKey>,
}

struct MasterKey {
    id: String,
    aead: LessSafeKey,
}

/// What may be told about a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyInfo {
    /// The id that stands beside each sealed value.
    pub id: String,
    /// True for the one key that seals.
    pub primary: bool,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.ids())
    }
}

impl Sealer {
    /// The key set written in `text`, from a file or an environment variable.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the line, never what it holds.
    pub fn from_text(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let entries = lines.flat_map(|line| line.split([',', ' ', '\t'])).filter(|entry| !entry.trim().is_empty());
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, entry) in entries.enumerate() {
            let key = parse_entry(entry.trim()).ok_or_else(|| {
                Error::invalid(format!("master key {} is not of the form <id>:<base64url of 32 bytes>", index + 1))
            })?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(Error::invalid(format!("master key id `{}` appears twice", key.id)));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(Error::invalid("there is no master key"));
        }
        Ok(Self { keys })
    }

    /// The key set of the file at `path`.
    ///
    /// # Errors
    /// [`Error::Internal`] if there is no such file, [`Error::Invalid`] if it is malformed; both name the path.
    pub fn from_file(path: &Path) -> Result<Self> {
        file::is_open_to_all(path);
        let bytes = file::read(path)?;
        let bytes = bytes.ok_or_else(|| Error::internal(format!("there is no master key file {}", path.display())))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::invalid(format!("{}: not text", path.display())))?;
        Self::from_text(text).map_err(|e| Error::invalid(format!("{}: {e}", path.display())))
    }

    /// Makes a key file with one fresh key, mode 0600. False if there is a file already, which is left alone.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path.
    pub fn setup(path: &Path, random: &Random) -> Result<bool> {
        let (dir, name) = file::split(path)?;
        file::create_dir(&dir)?;
        let _lock = file::lock_dir(&dir)?;
        if file::read(path)?.is_some() {
            return Ok(false);
        }
        file::write(&dir, &name, fresh_line(random).1.as_bytes(), 0o600)?;
        Ok(true)
    }

    /// Puts a fresh key first in the key file, keeping the others; its id is returned. What is sealed stays readable
    /// and should now be sealed anew ([`Sealer::needs_reseal`]).
    ///
    /// # Errors
    /// As [`Sealer::from_file`]: a file that cannot be read is not touched.
    pub fn rotate(path: &Path, random: &Random) -> Result<String> {
        let (dir, name) = file::split(path)?;
        let _lock = file::lock_dir(&dir)?;
        Self::from_file(path)?;
        let old = file::read(path)?.unwrap_or_default();
        let (id, line) = fresh_line(random);
        let content = Zeroizing::new([line.as_bytes(), &old].concat());
        file::write(&dir, &name, &content, 0o600)?;
        Ok(id)
    }

    /// Leaves only the first key in the key file; the ids of the others are returned. What they sealed can then no longer
    /// be opened, so seal it anew before.
    ///
    /// # Errors
    /// As [`Sealer::from_file`]: a file that cannot be read is not touched.
    pub fn prune(path: &Path) -> Result<Vec<String>> {
        let (dir, name) = file::split(path)?;
        let _lock = file::lock_dir(&dir)?;
        let mut removed: Vec<String> = Self::from_file(path)?.list().into_iter().map(|key| key.id).collect();
        let kept = removed.remove(0);
        let old = file::read(path)?.unwrap_or_default();
        let text = std::str::from_utf8(&old).map_err(|_| Error::invalid(format!("{}: not text", path.display())))?;
        let entries = text.lines().filter(|l| !l.trim_start().starts_with('#')).flat_map(|l| l.split([',', ' ', '\t']));
        let line = entries.map(str::trim).find(|e| e.starts_with(&format!("{kept}:"))).unwrap_or_default();
        file::write(&dir, &name, Zeroizing::new(format!("{line}\n")).as_bytes(), 0o600)?;
        Ok(removed)
    }

    /// Seals `plain` for the row `row_id`, which should name table, key and column (such as `protocol/7f…/client_secret`).
    ///
    /// # Errors
    /// [`Error::Internal`] if the cipher fails.
    pub fn seal(&self, row_id: &str, plain: &[u8], random: &Random) -> Result<String> {
        let key = self.keys.first().ok_or_else(|| Error::internal("there is no master key"))?;
        let nonce = random.bytes::<NONCE_LEN>();
        let mut sealed = nonce.to_vec();
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = key
            .aead
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(row_id.as_bytes()), &mut text)
            .map_err(|_| Error::internal(format!("cannot seal a secret with master key `{}`", key.id)))?;
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok(format!("{VERSION}:{}:{}", key.id, URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what [`Sealer::seal`] made for the same row.
    ///
    /// # Errors
    /// [`Error::Internal`] if the key is not in the set, or is another one of that id, or the value was changed or
    /// comes from another row; the text names the key's id and the row.
    pub fn open(&self, row_id: &str, sealed: &str) -> Result<Secret> {
        let (id, body) = split_sealed(sealed).ok_or_else(|| {
            Error::internal(format!("the sealed value of {row_id} is not of the form {VERSION}:<key id>:<data>"))
        })?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| {
            Error::internal(format!(
                "{row_id} is sealed with master key `{id}`, which is not in the key set ({})",
                self.ids()
            ))
        })?;
        let refused = || {
            Error::internal(format!(
                "{row_id} cannot be opened with master key `{id}`: it is another key of that id, or the value was changed or moved"
            ))
        };
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| refused())?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>().ok_or_else(refused)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = key
            .aead
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(row_id.as_bytes()), &mut text)
            .map_err(|_| refused())?;
        Ok(Secret::new(&*plain))
    }

    /// True for a value that was not sealed by the first key of the set.
    pub fn needs_reseal(&self, sealed: &str) -> bool {
        split_sealed(sealed).map(|(id, _)| id) != self.keys.first().map(|key| key.id.as_str())
    }

    /// A value to keep in the database, by which a start with the wrong key set is noticed ([`Sealer::check`]).
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn canary(&self, random: &Random) -> Result<String> {
        self.seal(CANARY_ROW, CANARY, random)
    }

    /// Confirms that this key set opens what [`Sealer::canary`] made.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn check(&self, canary: &str) -> Result<()> {
        self.open(CANARY_ROW, canary).map(drop)
    }

    /// The keys' ids, the primary first.
    pub fn list(&self) -> Vec<MasterKeyInfo> {
        let info = |(index, key): (usize, &MasterKey)| MasterKeyInfo { id: key.id.clone(), primary: index == 0 };
        self.keys.iter().enumerate().map(info).collect()
    }

    fn ids(&self) -> String {
        self.keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn split_sealed(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix(VERSION)?.strip_prefix(':')?.split_once(':')
}

fn parse_entry(entry: &str) -> Option<MasterKey> {
    let (id, key) = entry.split_once(':')?;
    let named = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).ok()?);
    let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?);
    named.then(|| MasterKey { id: id.to_owned(), aead })
}

fn fresh_line(random: &Random) -> (String, Zeroizing<String>) {
    let id = crate::clock::hex(&random.bytes::<4>());
    let key = Zeroizing::new(random.bytes::<32>());
    let line = Zeroizing::new(format!("{id}:{}\n", *Zeroizing::new(URL_SAFE_NO_PAD.encode(*key))));
    (id, line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn text(id: &str, byte: u8) -> String {
        format!("{id}:{}", URL_SAFE_NO_PAD.encode([byte; 32]))
    }

    fn sealer(text: &str) -> Sealer {
        Sealer::from_text(text).unwrap()
    }

    #[test]
    fn sealed_values_open_for_their_own_row_only() {
        let (s, random) = (sealer(&text("k1", 1)), Random::seeded(1));
        let sealed = s.seal("protocol/1/secret", b"canary", &random).unwrap();
        assert!(sealed.starts_with("v1:k1:") && !sealed.contains("canary"));
        assert_eq!(s.open("protocol/1/secret", &sealed).unwrap(), Secret::from("canary"));
        assert_ne!(sealed, s.seal("protocol/1/secret", b"canary", &random).unwrap());
        let empty = s.seal("r", b"", &random).unwrap();
        assert!(s.open("r", &empty).unwrap().is_empty());
    }

    #[test]
    fn sec_rest_1_a_value_moved_to_another_row_or_changed_does_not_open() {
        let (s, random) = (sealer(&text("k1", 1)), Random::seeded(1));
        let sealed = s.seal("row/1", b"canary", &random).unwrap();
        let error = s.open("row/2", &sealed).unwrap_err().to_string();
        assert!(error.contains("row/2") && error.contains("`k1`") && !error.contains("canary"), "{error}");
        for at in "v1:k1:".len()..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(s.open("row/1", std::str::from_utf8(&changed).unwrap()).is_err(), "byte {at}");
        }
        for malformed in ["", "v1", "v1:k1", "v2:k1:AAAA", "v1:k1:", "v1:k1:AAAA", &format!("{sealed}=")] {
            assert!(s.open("row/1", malformed).is_err(), "{malformed}");
        }
    }

    #[test]
    fn sec_rest_2_a_new_primary_opens_the_old_until_all_is_sealed_anew() {
        let random = Random::seeded(1);
        let old = sealer(&text("old", 1));
        let sealed = old.seal("row", b"x", &random).unwrap();
        let both = sealer(&format!("# comment\n{}\n\n{}\n", text("new", 2), text("old", 1)));
        assert_eq!(both.open("row", &sealed).unwrap(), Secret::from("x"));
        assert!(both.needs_reseal(&sealed) && !old.needs_reseal(&sealed));
        let again = both.seal("row", b"x", &random).unwrap();
        assert!(!both.needs_reseal(&again));
        let new = sealer(&text("new", 2));
        assert!(new.open("row", &again).is_ok());
        let error = new.open("row", &sealed).unwrap_err().to_string();
        assert!(error.contains("`old`") && error.contains("not in the key set (new)"), "{error}");
    }

    #[test]
    fn sec_rest_2_a_wrong_key_of_the_right_id_is_noticed_by_the_canary() {
        let canary = sealer(&text("k1", 1)).canary(&Random::seeded(1)).unwrap();
        assert!(sealer(&text("k1", 1)).check(&canary).is_ok());
        let error = sealer(&text("k1", 2)).check(&canary).unwrap_err().to_string();
        assert!(error.contains("`k1`") && error.contains("another key"), "{error}");
    }

    #[test]
    fn sec_log_1_no_error_and_no_debug_quotes_a_key() {
        let key = URL_SAFE_NO_PAD.encode([7; 31]);
        for bad in [format!("k1:{key}"), format!("bad id!:{key}"), key.clone(), format!(":{key}"), String::new()] {
            let error = Sealer::from_text(&bad).unwrap_err().to_string();
            assert!(!error.contains(&key), "{error}");
        }
        assert!(Sealer::from_text(&format!("{}\n{}", text("a", 1), text("a", 2))).is_err());
        assert_eq!(format!("{:?}", sealer(&text("a", 1))), "Sealer(a)");
    }

    #[test]
    fn the_environment_form_parts_keys_by_commas_or_blanks() {
        let s = sealer(&format!("{},{} {}=", text("a", 1), text("b", 2), text("c", 3)));
        assert_eq!(s.ids(), "a, b, c");
        assert_eq!(s.list()[0], MasterKeyInfo { id: "a".into(), primary: true });
    }

    #[test]
    fn the_key_file_is_made_once_and_a_rotation_puts_a_new_key_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/master.key");
        let random = Random::seeded(9);
        assert!(Sealer::from_file(&path).unwrap_err().to_string().contains("master.key"));
        assert!(Sealer::setup(&path, &random).unwrap());
        assert!(!Sealer::setup(&path, &random).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let first = Sealer::from_file(&path).unwrap();
        let sealed = first.seal("row", b"x", &random).unwrap();
        let id = Sealer::rotate(&path, &random).unwrap();
        let second = Sealer::from_file(&path).unwrap();
        assert_eq!(second.list()[0].id, id);
        assert_eq!(second.list().len(), 2);
        assert!(second.needs_reseal(&sealed));
        assert_eq!(second.open("row", &sealed).unwrap(), Secret::from("x"));
    }

    #[test]
    fn a_malformed_key_file_is_left_alone_by_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        std::fs::write(&path, "garbage").unwrap();
        assert!(Sealer::rotate(&path, &Random::seeded(1)).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "garbage");
    }
}
