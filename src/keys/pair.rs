//! The ES256 key pair of JWS tokens on disk, as Keystone keeps it (keystone-api §5.5).
//!
//! The private repository holds `private.pem` (PKCS#8). Every PEM file (SubjectPublicKeyInfo) of the public repository
//! verifies, whatever its name; `public.pem` is the one that belongs to the newest private key here. A rotation keeps
//! the older one under `public-<16 hexadecimal digits>.pem` (the beginning of the SHA-256 of its DER), so that tokens
//! it signed still verify; an operator removes that file when they have ended, or at once to make them invalid.
//! The order of the writes (old public key kept, new public key, new private key) leaves a working pair at any crash.
//! With several nodes, `public.pem` must have reached all of them before the first token is signed: rotate on a node
//! that issues none, distribute the public repository, and the private one after it.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, ParsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::jws::Jws;
use crate::clock::{Timestamp, hex};
use crate::error::{Error, Result};
use crate::secret::file;

const PRIVATE: &str = "private.pem";
const PUBLIC: &str = "public.pem";
const PRIVATE_LABEL: &str = "PRIVATE KEY";
const PUBLIC_LABEL: &str = "PUBLIC KEY";
/// SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1, uncompressed (RFC 5480).
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT: usize = 65;
/// Each public key costs a verification on every token that is not ours.
const MAX_PUBLIC: usize = 64;

/// Where the two halves are. Everything here is blocking file work.
#[derive(Debug, Clone)]
pub struct PairRepository {
    private_dir: PathBuf,
    public_dir: PathBuf,
}

/// What may be told about a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyInfo {
    /// The file's name.
    pub name: String,
    /// 16 hexadecimal digits: the beginning of the SHA-256 of the key's DER.
    pub id: String,
    /// True for the key that belongs to `private.pem`.
    pub signing: bool,
    /// When the file was last changed.
    pub modified: Timestamp,
}

/// A pair as read from disk.
#[derive(Debug)]
pub struct Pair {
    /// Issues and reads tokens.
    pub jws: Jws,
    /// The public keys, by file name.
    pub keys: Vec<PublicKeyInfo>,
    /// Files of the public repository that are no P-256 public key in PEM; they are passed over.
    pub ignored: Vec<String>,
}

struct Public {
    info: PublicKeyInfo,
    point: Vec<u8>,
}

impl PairRepository {
    /// The repositories in these directories, which need not exist yet.
    pub fn new(private_dir: impl Into<PathBuf>, public_dir: impl Into<PathBuf>) -> Self {
        Self { private_dir: private_dir.into(), public_dir: public_dir.into() }
    }

    /// Makes both directories and a key pair. False if there is a private key, which is left alone.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path.
    pub fn setup(&self) -> Result<bool> {
        file::create_dir(&self.private_dir)?;
        let _lock = file::lock_dir(&self.private_dir)?;
        if file::read(&self.private_dir.join(PRIVATE))?.is_some() {
            return Ok(false);
        }
        self.make()?;
        Ok(true)
    }

    /// Makes a new pair and keeps the older public key; the new key's id is returned.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path; without a private key, set up first.
    pub fn rotate(&self) -> Result<String> {
        let _lock = file::lock_dir(&self.private_dir)?;
        if file::read(&self.private_dir.join(PRIVATE))?.is_none() {
            return Err(Error::internal(format!("there is no {}", self.private_dir.join(PRIVATE).display())));
        }
        self.make()
    }

    /// The pair on disk. Without a private key it only reads tokens.
    ///
    /// # Errors
    /// [`Error::Internal`] naming the path if a file cannot be read, the private key is not one, there is no public
    /// key, or none belongs to the private key.
    pub fn load(&self) -> Result<Pair> {
        // The private key first: by the order of writes its public half is there when it is.
        let private_path = self.private_dir.join(PRIVATE);
        let signing = match file::read(&private_path)? {
            Some(pem) => Some(signing_key(&pem).ok_or_else(|| {
                Error::internal(format!("{} is not a P-256 private key (PKCS#8 in PEM)", private_path.display()))
            })?),
            None => None,
        };
        let (mut public, ignored) = self.read_public()?;
        if let Some(signing) = &signing {
            let own = signing.public_key().as_ref();
            public.iter_mut().for_each(|key| key.info.signing = key.point == own);
            if !public.iter().any(|key| key.info.signing) {
                let (public, private) = (self.public_dir.display(), private_path.display());
                return Err(Error::internal(format!("no public key in {public} belongs to {private}")));
            }
        }
        if public.is_empty() {
            return Err(Error::internal(format!("{} has no P-256 public key", self.public_dir.display())));
        }
        let parse = |key: &Public| ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point);
        // The newest private key's first: most tokens are its.
        public.sort_by_key(|key| !key.info.signing);
        let parsed = public.iter().map(parse).collect::<std::result::Result<Vec<_>, _>>();
        let parsed = parsed.map_err(|_| Error::internal("a public key that was read before is none"))?;
        Ok(Pair { jws: Jws::new(signing, parsed), keys: public.into_iter().map(|key| key.info).collect(), ignored })
    }

    fn make(&self) -> Result<String> {
        file::create_dir(&self.public_dir)?;
        // The library's own generator makes the key; it takes no source of randomness from outside.
        let failed = |_| Error::internal("cannot make a key pair");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(failed)?;
        let point = pair.public_key().as_ref().to_vec();
        let older = self.public_dir.join(PUBLIC);
        if let Some(pem) = file::read(&older)?
            && let Some(point) = public_point(&pem)
        {
            file::write(&self.public_dir, &format!("public-{}.pem", key_id(&point)), &pem, 0o644)?;
        }
        let public = pem(PUBLIC_LABEL, &[P256_SPKI, &point].concat());
        file::write(&self.public_dir, PUBLIC, public.as_bytes(), 0o644)?;
        file::write(&self.private_dir, PRIVATE, pem(PRIVATE_LABEL, pkcs8.as_ref()).as_bytes(), 0o600)?;
        Ok(key_id(&point))
    }

    fn read_public(&self) -> Result<(Vec<Public>, Vec<String>)> {
        let failed = |e: &std::io::Error| file::failed("read the directory", &self.public_dir, e);
        let (mut keys, mut ignored): (Vec<Public>, _) = (Vec::new(), Vec::new());
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.public_dir).map_err(|e| failed(&e))? {
            names.push(entry.map_err(|e| failed(&e))?.file_name());
        }
        names.sort();
        for name in names {
            let path = self.public_dir.join(&name);
            let name = name.to_string_lossy().into_owned();
            let temporary = name.starts_with('.') || name.ends_with(".tmp");
            if temporary || !path.is_file() {
                continue;
            }
            let Some(pem) = file::read(&path)? else { continue };
            let Some(point) = public_point(&pem) else {
                ignored.push(name);
                continue;
            };
            // An interrupted rotation may have left one key under two names.
            if keys.iter().all(|key| key.point != point) {
                let info = PublicKeyInfo { name, id: key_id(&point), signing: false, modified: modified(&path) };
                keys.push(Public { info, point });
            }
        }
        if keys.len() > MAX_PUBLIC {
            return Err(Error::internal(format!("{} has more than {MAX_PUBLIC} keys", self.public_dir.display())));
        }
        Ok((keys, ignored))
    }
}

fn modified(path: &Path) -> Timestamp {
    let time = fs::metadata(path).and_then(|m| m.modified()).ok();
    let since = time.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    Timestamp::from_secs(i64::try_from(since.as_secs()).unwrap_or_default())
}

fn signing_key(text: &[u8]) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &from_pem(PRIVATE_LABEL, text)?).ok()
}

/// The uncompressed point of a P-256 public key.
fn public_point(text: &[u8]) -> Option<Vec<u8>> {
    let der = from_pem(PUBLIC_LABEL, text)?;
    let point = der.strip_prefix(P256_SPKI).filter(|point| point.len() == POINT)?;
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
    Some(point.to_vec())
}

fn key_id(point: &[u8]) -> String {
    hex(&digest(&SHA256, &[P256_SPKI, point].concat()).as_ref()[..8])
}

/// RFC 7468: 64 characters a line.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(base64.len() * 2 + 64));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The first block of this label.
fn from_pem(label: &str, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?;
    let body = text.split_once(&format!("-----BEGIN {label}-----"))?.1;
    let body = body.split_once(&format!("-----END {label}-----"))?.0;
    let base64: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    STANDARD.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::model::token::{Payload, Scope};

    fn repository() -> (tempfile::TempDir, PairRepository) {
        let root = tempfile::tempdir().unwrap();
        let repository = PairRepository::new(root.path().join("private"), root.path().join("public"));
        (root, repository)
    }

    fn payload() -> Payload {
        Payload {
            user_id: "u".into(),
            methods: vec![],
            issued_at: Timestamp::from_secs(1),
            expires_at: Timestamp::from_secs(2),
            audit_ids: vec!["AAECAwQFBgcICQoLDA0ODw".into()],
            scope: Scope::Unscoped,
            federated: None,
            trust_id: None,
            app_cred_id: None,
            access_token_id: None,
            thumbprint: None,
        }
    }

    #[test]
    fn setup_makes_keystones_files_once() {
        let (root, repository) = repository();
        assert!(repository.setup().unwrap());
        assert!(!repository.setup().unwrap());
        let private = root.path().join("private/private.pem");
        assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&private).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let public = fs::read_to_string(root.path().join("public/public.pem")).unwrap();
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n") && public.ends_with("-----END PUBLIC KEY-----\n"));
        let pair = repository.load().unwrap();
        assert_eq!(pair.jws.read(&pair.jws.issue(&payload()).unwrap()), Some(payload()));
        assert_eq!(pair.keys.len(), 1);
        assert!(pair.keys[0].signing);
    }

    #[test]
    fn tok_key_3_tokens_of_older_pairs_verify_until_their_public_key_is_removed() {
        let (root, repository) = repository();
        repository.setup().unwrap();
        let first = repository.load().unwrap();
        let token = first.jws.issue(&payload()).unwrap();
        let newest = repository.rotate().unwrap();
        repository.rotate().unwrap();
        let third = repository.load().unwrap();
        assert_eq!(third.keys.len(), 3);
        assert_eq!(third.keys[0].name, "public.pem");
        assert!(third.keys.iter().any(|k| k.id == newest && !k.signing));
        assert_eq!(third.jws.read(&token), Some(payload()));
        fs::remove_file(root.path().join(format!("public/public-{}.pem", first.keys[0].id))).unwrap();
        assert_eq!(repository.load().unwrap().jws.read(&token), None);
    }

    #[test]
    fn tok_key_3_a_crash_at_any_point_of_a_rotation_leaves_a_working_pair() {
        let (root, repository) = repository();
        repository.setup().unwrap();
        let (public, private) = (root.path().join("public/public.pem"), root.path().join("private/private.pem"));
        let (old_public, old_private) = (fs::read(&public).unwrap(), fs::read(&private).unwrap());
        let token = repository.load().unwrap().jws.issue(&payload()).unwrap();
        repository.rotate().unwrap();
        let check = |case| {
            let pair = repository.load().unwrap();
            assert_eq!(pair.jws.read(&token), Some(payload()), "{case}");
            assert!(pair.jws.read(&pair.jws.issue(&payload()).unwrap()).is_some(), "{case}");
        };
        fs::write(&private, &old_private).unwrap();
        check("the new public key is written, the private one not yet");
        fs::write(&public, &old_public).unwrap();
        check("the older public key is kept, the new one not yet written");
        fs::write(root.path().join("public/public.pem.tmp"), "-----BEGIN").unwrap();
        check("a half-written file is left");
        repository.rotate().unwrap();
        check("the next rotation");
    }

    #[test]
    fn what_is_no_p256_public_key_is_passed_over_and_named() {
        let (root, repository) = repository();
        repository.setup().unwrap();
        let p384 = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let public = root.path().join("public");
        fs::write(public.join("other.pem"), pem(PUBLIC_LABEL, p384.public_key().as_ref()).as_bytes()).unwrap();
        fs::write(public.join("README"), "text").unwrap();
        fs::write(public.join(".hidden"), "text").unwrap();
        fs::create_dir(public.join("dir")).unwrap();
        fs::copy(root.path().join("private/private.pem"), public.join("oops.pem")).unwrap();
        let pair = repository.load().unwrap();
        assert_eq!(pair.ignored, ["README", "oops.pem", "other.pem"]);
        assert_eq!(pair.keys.len(), 1);
    }

    #[test]
    fn broken_repositories_are_named() {
        let (root, repository) = repository();
        assert!(repository.load().is_err());
        assert!(repository.rotate().is_err());
        repository.setup().unwrap();
        let private = root.path().join("private/private.pem");
        let text = fs::read_to_string(&private).unwrap();
        fs::write(&private, "canary").unwrap();
        let error = repository.load().unwrap_err().to_string();
        assert!(error.contains("private.pem") && !error.contains("canary"), "{error}");
        fs::remove_file(&private).unwrap();
        assert!(repository.load().is_ok());
        fs::remove_dir_all(root.path().join("public")).unwrap();
        repository.setup().unwrap();
        fs::write(&private, text).unwrap();
        let error = repository.load().unwrap_err().to_string();
        assert!(error.contains("belongs to"), "{error}");
    }
}
