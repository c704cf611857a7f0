//! TOK-KEY-3: the semantics of Keystone's rotation, and what a crash or a foreign hand may leave behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;

use super::*;

struct Dir {
    _root: tempfile::TempDir,
    repository: Repository,
    random: Random,
}

fn dir() -> Dir {
    let root = tempfile::tempdir().unwrap();
    let repository = Repository::new(root.path().join("fernet-keys"));
    Dir { _root: root, repository, random: Random::seeded(1) }
}

impl Dir {
    fn set_up() -> Self {
        let dir = dir();
        assert!(dir.repository.setup(&dir.random).unwrap());
        dir
    }

    fn rotate(&self) -> Rotation {
        self.repository.rotate(3, &self.random).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.repository.dir.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names of all files, sorted.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.repository.dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn roles(&self) -> Vec<(u32, &'static str)> {
        self.repository.load().unwrap().info().into_iter().map(|k| (k.id, k.role.name())).collect()
    }
}

#[test]
fn tok_key_3_setup_makes_a_primary_and_a_staged_key_once() {
    let dir = Dir::set_up();
    assert_eq!(dir.roles(), [(1, "primary"), (0, "staged")]);
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir.repository.dir), mode(&dir.path("0")), mode(&dir.path("1"))), (0o700, 0o600, 0o600));
    assert_eq!((dir.text("0").len(), dir.text("1").len()), (44, 44));
    let before = (dir.text("0"), dir.text("1"));
    assert!(!dir.repository.setup(&dir.random).unwrap());
    assert_eq!((dir.text("0"), dir.text("1")), before);
}

#[test]
fn tok_key_3_a_rotation_promotes_the_staged_key_and_keeps_max_active_keys() {
    let dir = Dir::set_up();
    let (staged, primary) = (dir.text("0"), dir.text("1"));
    let done = dir.rotate();
    assert_eq!(done, Rotation { primary: 2, removed: vec![], completed_earlier: false });
    assert_eq!(dir.roles(), [(2, "primary"), (1, "secondary"), (0, "staged")]);
    assert_eq!((dir.text("2"), dir.text("1")), (staged.clone(), primary));
    assert_ne!(dir.text("0"), staged);
    assert_eq!(dir.rotate(), Rotation { primary: 3, removed: vec![1], completed_earlier: false });
    assert_eq!(dir.names(), ["0", "2", "3"]);
    // A smaller limit removes several at once, the lowest first.
    assert!(!dir.repository.rotate(9, &dir.random).unwrap().completed_earlier);
    assert_eq!(dir.repository.rotate(2, &dir.random).unwrap().removed, [2, 3, 4]);
    assert_eq!(dir.roles(), [(5, "primary"), (0, "staged")]);
    assert_eq!(dir.repository.rotate(1, &dir.random).unwrap_err().status(), 400);
}

#[test]
fn tok_key_3_a_lost_primary_leaves_the_next_highest_in_charge() {
    let dir = Dir::set_up();
    dir.rotate();
    fs::remove_file(dir.path("2")).unwrap();
    assert_eq!(dir.roles(), [(1, "primary"), (0, "staged")]);
    assert_eq!(dir.rotate().primary, 2);
    assert_eq!(dir.roles(), [(2, "primary"), (1, "secondary"), (0, "staged")]);
    // With the staged key alone, that one is the primary.
    fs::remove_file(dir.path("2")).unwrap();
    fs::remove_file(dir.path("1")).unwrap();
    assert_eq!(dir.roles(), [(0, "primary")]);
    let only = dir.text("0");
    assert_eq!(dir.rotate().primary, 1);
    assert_eq!(dir.text("1"), only);
}

#[test]
fn tok_key_3_a_crash_at_any_point_of_a_rotation_leaves_a_usable_set() {
    // Each case: what lies in the directory besides `0` = staged, `1` and `2` = primary, after a crash.
    type Damage = fn(&Dir);
    let cases: [(&str, Damage, bool); 5] = [
        ("new staged key half written", |d| fs::write(d.path("0.tmp"), "hal").unwrap(), false),
        ("next primary half written", |d| fs::write(d.path("3.tmp"), "").unwrap(), false),
        ("staged key copied, not yet replaced", |d| assert!(fs::copy(d.path("0"), d.path("3")).is_ok()), true),
        (
            "the same, and the replacement written beside",
            |d| {
                fs::copy(d.path("0"), d.path("3")).unwrap();
                fs::write(d.path("0.tmp"), "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=").unwrap();
            },
            true,
        ),
        (
            "Keystone's: staged key renamed, its replacement not yet",
            |d| {
                fs::rename(d.path("0"), d.path("3")).unwrap();
                fs::write(d.path("0.tmp"), "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=").unwrap();
            },
            true,
        ),
    ];
    for (case, damage, promoted) in cases {
        let dir = Dir::set_up();
        dir.rotate();
        let old: Vec<String> = ["0", "1", "2"].iter().map(|name| dir.text(name)).collect();
        damage(&dir);
        let left = dir.repository.load().unwrap();
        let has = |set: &KeySet, text: &str| set.iter().any(|key| key.text().as_str() == text);
        assert!(old.iter().all(|text| has(&left, text)), "{case}");
        let primary = if promoted { 3 } else { 2 };
        assert_eq!(left.primary().id, primary, "{case}");
        let done = dir.rotate();
        assert_eq!((done.primary, done.completed_earlier), (3, promoted), "{case}");
        assert_eq!(dir.text("3"), old[0], "{case}");
        let names: Vec<String> = dir.names().into_iter().filter(|n| !n.ends_with(".tmp")).collect();
        assert_eq!(names, ["0", "2", "3"], "{case}");
        assert!(!old.contains(&dir.text("0")), "{case}");
        assert!(!dir.path("0.tmp").exists(), "{case}");
        assert!(!dir.rotate().completed_earlier, "{case}");
    }
}

#[test]
fn tok_key_3_what_a_crash_kept_too_long_is_removed_by_the_next_rotation() {
    let dir = Dir::set_up();
    dir.rotate();
    fs::copy(dir.path("2"), dir.path("3")).unwrap();
    assert_eq!(dir.rotate(), Rotation { primary: 4, removed: vec![1, 2], completed_earlier: false });
    assert_eq!(dir.names(), ["0", "3", "4"]);
}

#[test]
fn tok_key_3_a_crash_of_setup_leaves_a_usable_set() {
    let dir = Dir::set_up();
    fs::remove_file(dir.path("0")).unwrap();
    assert_eq!(dir.roles(), [(1, "primary")]);
    assert!(!dir.repository.setup(&dir.random).unwrap());
    assert_eq!(dir.rotate(), Rotation { primary: 1, removed: vec![], completed_earlier: true });
    assert_eq!(dir.roles(), [(1, "primary"), (0, "staged")]);
}

#[test]
fn foreign_files_are_ignored_and_a_trailing_line_break_is_tolerated() {
    let dir = Dir::set_up();
    fs::write(dir.path("1"), dir.text("1") + "\n").unwrap();
    let key = dir.text("0");
    for name in ["0.tmp", "README", "-1", "+7", "07", "1_0", "٣", "99999999999", "3~"] {
        fs::write(dir.path(name), &key).unwrap();
    }
    fs::write(dir.path("8"), "").unwrap();
    fs::create_dir(dir.path("9")).unwrap();
    assert_eq!(dir.roles(), [(1, "primary"), (0, "staged")]);
}

#[test]
fn a_file_that_is_no_key_is_named_and_not_shown() {
    let dir = Dir::set_up();
    let key = dir.text("0");
    for bad in
        ["canary", &format!(" {key}"), &key[..43], &format!("{key}\n\n"), &key.replace('=', ""), &"A".repeat(70_000)]
    {
        fs::write(dir.path("2"), bad).unwrap();
        let error = dir.repository.load().unwrap_err().to_string();
        assert!(error.contains("fernet-keys/2") && !error.contains(bad), "{error}");
        assert!(dir.repository.rotate(3, &dir.random).is_err());
    }
}

#[test]
fn an_absent_or_empty_repository_is_an_error_that_names_it() {
    let dir = dir();
    assert!(dir.repository.load().unwrap_err().to_string().contains("fernet-keys"));
    assert!(dir.repository.rotate(3, &dir.random).is_err());
    fs::create_dir(&dir.repository.dir).unwrap();
    assert!(dir.repository.load().unwrap_err().to_string().contains("has no Fernet key"));
    assert!(dir.repository.rotate(3, &dir.random).is_err());
}

#[test]
fn tok_key_3_a_reader_beside_rotations_always_finds_the_last_primaries() {
    let dir = Dir::set_up();
    let repository = dir.repository.clone();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last: Option<String> = None;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                // A load may give up on a directory that never rests; it must not return a set with a hole.
                let Ok(set) = repository.load() else { continue };
                if let Some(last) = &last {
                    assert!(set.primary().id > 0 && set.iter().any(|key| key.text().as_str() == last));
                }
                last = Some(set.iter().last().unwrap().text().to_string());
            }
        });
        for _ in 0..40 {
            dir.repository.rotate(50, &dir.random).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        reader.join().unwrap();
    });
}

#[test]
fn sets_are_compared_by_number_and_secret() {
    let dir = Dir::set_up();
    let first = dir.repository.load().unwrap();
    assert!(first.same_keys(&dir.repository.load().unwrap()));
    dir.rotate();
    assert!(!first.same_keys(&dir.repository.load().unwrap()));
    assert_eq!(format!("{first:?}"), "KeySet([Key(1), Key(0)])");
}
