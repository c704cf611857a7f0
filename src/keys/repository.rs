//! The Fernet key repository: a directory that Keystone and this service may share (keystone-api §5.4).
//!
//! Files are named by whole numbers; other names and empty files are ignored. `0` is staged (it only decrypts and is
//! the next primary), the highest number is the primary (it encrypts), the others are secondary (they only decrypt).
//!
//! A rotation ends with the files that Keystone's own would leave, but gets there by atomic replacements only: the
//! staged key is first copied to the next number, then `0` is replaced by a fresh key, then the lowest keys are
//! removed. A crash in between leaves a set that reads every token that could be read before. The next rotation
//! recognises what was left (the staged key equals the primary, or is missing after a crash of Keystone's), completes
//! it, and says so instead of promoting a key that the other nodes may never have seen staged.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result};
use crate::secret::file;

const STAGED: u32 = 0;
const KEY_BYTES: usize = 32;
/// A repository that changes under our eyes is read again this many times.
const ATTEMPTS: usize = 5;
/// More files than this are not a key repository; each costs time on every token that is not ours.
const MAX_KEYS: usize = 256;

/// One key of the repository. Wiped when dropped; `Debug` shows its number only.
pub struct Key {
    id: u32,
    secret: Zeroizing<[u8; KEY_BYTES]>,
    modified: Timestamp,
}

/// The keys of a repository, the primary first. Never empty.
#[derive(Debug)]
pub struct KeySet(Vec<Key>);

/// What a key is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Encrypts and decrypts.
    Primary,
    /// Only decrypts; made by an earlier rotation.
    Secondary,
    /// Only decrypts; the next primary.
    Staged,
}

/// What may be told about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The file's name.
    pub id: u32,
    /// What the key is there for.
    pub role: Role,
    /// When the file was last changed.
    pub modified: Timestamp,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Number of the primary key.
    pub primary: u32,
    /// Numbers of the keys that were removed.
    pub removed: Vec<u32>,
    /// True if this rotation only completed an interrupted one: no key was promoted.
    pub completed_earlier: bool,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Role {
    /// `primary`, `secondary` or `staged`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Staged => "staged",
        }
    }
}

impl Key {
    /// A key from the text of its file: 44 characters of base64url, one trailing line break tolerated.
    pub fn parse(id: u32, text: &[u8], modified: Timestamp) -> Option<Self> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let bytes = Zeroizing::new(URL_SAFE.decode(text).ok()?);
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return None;
        }
        secret.copy_from_slice(&bytes);
        Some(Self { id, secret, modified })
    }

    /// The number that the file is named by.
    pub fn id(&self) -> u32 {
        self.id
    }

    fn fresh(id: u32, random: &Random) -> Self {
        Self { id, secret: Zeroizing::new(random.bytes()), modified: Timestamp::default() }
    }

    /// The text of the key's file.
    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE.encode(*self.secret))
    }

    /// The HMAC key: the first half.
    pub(super) fn signing(&self) -> &[u8] {
        &self.secret[..KEY_BYTES / 2]
    }

    /// The AES key: the second half.
    pub(super) fn encryption(&self) -> &[u8] {
        &self.secret[KEY_BYTES / 2..]
    }

    fn same_secret(&self, other: &Self) -> bool {
        self.secret.ct_eq(&*other.secret).into()
    }
}

impl KeySet {
    /// The set of these keys, put in order.
    ///
    /// # Errors
    /// [`Error::Internal`] for no key at all.
    pub fn new(mut keys: Vec<Key>) -> Result<Self> {
        keys.sort_by_key(|key| std::cmp::Reverse(key.id));
        if keys.is_empty() { Err(Error::internal("there is no Fernet key")) } else { Ok(Self(keys)) }
    }

    /// The key that encrypts.
    pub fn primary(&self) -> &Key {
        &self.0[0]
    }

    /// All keys, the primary first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// What may be told about the keys, the primary first.
    pub fn info(&self) -> Vec<KeyInfo> {
        let info = |(index, key): (usize, &Key)| {
            let role = match (index, key.id) {
                (0, _) => Role::Primary,
                (_, STAGED) => Role::Staged,
                _ => Role::Secondary,
            };
            KeyInfo { id: key.id, role, modified: key.modified }
        };
        self.0.iter().enumerate().map(info).collect()
    }

    /// True if both sets have the same keys under the same numbers.
    pub fn same_keys(&self, other: &Self) -> bool {
        let same = |(a, b): (&Key, &Key)| a.id == b.id && a.same_secret(b);
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

/// A Fernet key directory. Everything here is blocking file work.
#[derive(Debug, Clone)]
pub struct Repository {
    dir: PathBuf,
}

impl Repository {
    /// The repository in `dir`, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the directory with a primary key `1` and a staged key `0`. False if it has keys, which are left alone.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path.
    pub fn setup(&self, random: &Random) -> Result<bool> {
        file::create_dir(&self.dir)?;
        let _lock = file::lock_dir(&self.dir)?;
        if !self.read_all()?.is_empty() {
            return Ok(false);
        }
        for id in [1, STAGED] {
            self.write(&Key::fresh(id, random))?;
        }
        Ok(true)
    }

    /// Makes the staged key the primary and stages a fresh one; keeps at most `max_active_keys` files, and at least
    /// the staged and the primary key.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a `max_active_keys` below 2, [`Error::Internal`] naming the path otherwise.
    pub fn rotate(&self, max_active_keys: usize, random: &Random) -> Result<Rotation> {
        if max_active_keys < 2 {
            return Err(Error::invalid_field("max_active_keys", "must be at least 2: the staged and the primary key"));
        }
        let _lock = file::lock_dir(&self.dir)?;
        let set = KeySet::new(self.read_all()?).map_err(|_| self.empty())?;
        let highest = set.primary().id;
        let staged = set.iter().find(|key| key.id == STAGED);
        let promoted = match staged {
            Some(_) if highest == STAGED => true,
            Some(staged) => !staged.same_secret(set.primary()),
            None => false,
        };
        let mut primary = highest;
        if let (true, Some(staged)) = (promoted, staged) {
            primary = highest.checked_add(1).ok_or_else(|| {
                Error::internal(format!("{} has a key of the highest possible number", self.dir.display()))
            })?;
            let next = Key { id: primary, secret: staged.secret.clone(), modified: staged.modified };
            self.write(&next)?;
        }
        self.write(&Key::fresh(STAGED, random))?;
        let mut others: Vec<u32> = set.iter().map(|key| key.id).filter(|id| *id != STAGED).collect();
        if promoted {
            others.insert(0, primary);
        }
        let mut removed = others.split_off(others.len().min(max_active_keys - 1));
        removed.reverse();
        for id in &removed {
            file::remove(&self.dir, &id.to_string())?;
        }
        Ok(Rotation { primary, removed, completed_earlier: !promoted })
    }

    /// The keys on disk.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path if the directory cannot be read, has no key, has a file under a number that
    /// is not a key, or keeps changing.
    pub fn load(&self) -> Result<KeySet> {
        KeySet::new(self.read_all()?).map_err(|_| self.empty())
    }

    /// Reads until nothing moves between the first and the second look at the directory: a rotation on the way could
    /// otherwise hide a key that is only changing its name.
    fn read_all(&self) -> Result<Vec<Key>> {
        for _ in 0..ATTEMPTS {
            let before = self.look()?;
            let mut keys = Vec::with_capacity(before.len());
            for (id, seen) in &before {
                let path = self.dir.join(id.to_string());
                let Some(text) = file::read(&path)? else { break };
                if text.is_empty() {
                    continue;
                }
                let key = Key::parse(*id, &text, seen.modified);
                keys.push(key.ok_or_else(|| {
                    Error::internal(format!("{} is not a Fernet key (44 characters of base64url)", path.display()))
                })?);
            }
            if before == self.look()? {
                return Ok(keys);
            }
        }
        Err(Error::internal(format!("{} keeps changing while it is read", self.dir.display())))
    }

    fn look(&self) -> Result<BTreeMap<u32, Seen>> {
        let read = |e: &std::io::Error| file::failed("read the directory", &self.dir, e);
        let mut seen = BTreeMap::new();
        for entry in fs::read_dir(&self.dir).map_err(|e| read(&e))? {
            let entry = entry.map_err(|e| read(&e))?;
            let Some(id) = entry.file_name().to_str().and_then(key_number) else { continue };
            // Followed through links: configuration mounts are made of them.
            match fs::metadata(entry.path()) {
                Ok(metadata) if metadata.is_file() => {
                    let nanos = metadata.mtime_nsec();
                    let modified = Timestamp::from_secs(metadata.mtime());
                    seen.insert(id, Seen { inode: metadata.ino(), size: metadata.len(), modified, nanos });
                }
                Ok(_) => {}
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(read(&e)),
            }
        }
        if seen.len() > MAX_KEYS {
            return Err(Error::internal(format!("{} has more than {MAX_KEYS} keys", self.dir.display())));
        }
        Ok(seen)
    }

    fn write(&self, key: &Key) -> Result<()> {
        file::write(&self.dir, &key.id.to_string(), key.text().as_bytes(), 0o600)
    }

    fn empty(&self) -> Error {
        Error::internal(format!("{} has no Fernet key", self.dir.display()))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    inode: u64,
    size: u64,
    modified: Timestamp,
    nanos: i64,
}

/// The number that a file name is, written without sign or leading zeros.
fn key_number(name: &str) -> Option<u32> {
    let digits =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if digits { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
