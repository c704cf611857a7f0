//! Files that hold secrets: mode 0600 in directories of mode 0700, replaced atomically and durably.
//!
//! A new content is written to `<name>.tmp`, flushed to the disk, renamed over the old file, and the directory is
//! flushed: a crash at any point leaves the whole old or the whole new file. A `.tmp` file left by a crash is
//! overwritten by the next write and read by nobody. Writers exclude each other by a lock on the directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// No file of keys is longer; what is, is not ours.
const MAX_BYTES: u64 = 64 * 1024;

/// Creates `dir` with mode 0700 if it is missing (its missing parents too); leaves an existing one as it is.
///
/// # Errors
/// [`Error::Internal`] naming the path.
pub fn create_dir(dir: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| failed("create the directory", dir, &e))
}

/// Holds the directory's writers' lock until it is dropped. Blocks while another process holds it.
///
/// # Errors
/// [`Error::Internal`] naming the path.
pub fn lock_dir(dir: &Path) -> Result<File> {
    let handle = File::open(dir).map_err(|e| failed("open the directory", dir, &e))?;
    handle.lock().map_err(|e| failed("lock the directory", dir, &e))?;
    Ok(handle)
}

/// Replaces `dir/name` by `content`, mode `mode`, atomically and durably.
///
/// # Errors
/// [`Error::Internal`] naming the path, never the content.
pub fn write(dir: &Path, name: &str, content: &[u8], mode: u32) -> Result<()> {
    let (path, temporary) = (dir.join(name), dir.join(format!("{name}.tmp")));
    // A leftover may have another mode or be a link: it is removed, not reused.
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed("remove", &temporary, &e)),
        _ => {}
    }
    let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()
    });
    if let Err(e) = written.and_then(|()| fs::rename(&temporary, &path)) {
        let _ = fs::remove_file(&temporary);
        return Err(failed("write", &path, &e));
    }
    sync_dir(dir)
}

/// Removes `dir/name`; a missing one is fine.
///
/// # Errors
/// [`Error::Internal`] naming the path.
pub fn remove(dir: &Path, name: &str) -> Result<()> {
    let path = dir.join(name);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(failed("remove", &path, &e)),
        _ => sync_dir(dir),
    }
}

/// The content of a secret file, or `None` if there is no such file.
///
/// # Errors
/// [`Error::Internal`] naming the path, also for a file of more than 64 KiB.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("read", path, &e)),
    };
    if size > MAX_BYTES {
        return Err(Error::internal(format!(
            "{} is not a key file: it has more than {MAX_BYTES} bytes",
            path.display()
        )));
    }
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path, &e)),
    }
}

/// True for what everybody on the machine may read; written to the log too. A missing path is nobody's.
pub fn is_open_to_all(path: &Path) -> bool {
    let open = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0);
    if open {
        tracing::warn!(path = %path.display(), "keys lie where everybody on this machine may reach them");
    }
    open
}

/// Directory and file name of `path`.
///
/// # Errors
/// [`Error::Internal`] if the path does not end in a name.
pub fn split(path: &Path) -> Result<(PathBuf, String)> {
    let name = path.file_name().and_then(|n| n.to_str());
    let name = name.ok_or_else(|| Error::internal(format!("{} is not the path of a file", path.display())))?;
    let dir = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    Ok((dir.to_owned(), name.to_owned()))
}

fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| failed("flush the directory", dir, &e))
}

/// An input or output error on a secret file; the text names the path and nothing of the content.
pub fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn files_are_0600_in_0700_and_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        create_dir(&dir).unwrap();
        create_dir(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(!is_open_to_all(&dir) && !is_open_to_all(&dir.join("missing")) && is_open_to_all(Path::new("/")));
        fs::write(dir.join("key.tmp"), "left by a crash").unwrap();
        write(&dir, "key", b"one", 0o600).unwrap();
        write(&dir, "key", b"two", 0o600).unwrap();
        assert_eq!(fs::metadata(dir.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&dir.join("key")).unwrap().unwrap().as_slice(), b"two");
        assert!(!dir.join("key.tmp").exists());
        remove(&dir, "key").unwrap();
        remove(&dir, "key").unwrap();
        assert!(read(&dir.join("key")).unwrap().is_none());
    }

    #[test]
    fn errors_name_the_path_and_not_the_content() {
        let missing = Path::new("/nonexistent-directory");
        let error = write(missing, "key", b"canary", 0o600).unwrap_err().to_string();
        assert!(error.contains("/nonexistent-directory/key") && !error.contains("canary"), "{error}");
        assert!(lock_dir(missing).is_err());
    }

    #[test]
    fn a_path_without_directory_lies_in_the_current_one() {
        assert_eq!(split(Path::new("x.key")).unwrap(), (PathBuf::from("."), "x.key".into()));
        assert_eq!(split(Path::new("/a/x.key")).unwrap(), (PathBuf::from("/a"), "x.key".into()));
        assert!(split(Path::new("/")).is_err());
    }
}
