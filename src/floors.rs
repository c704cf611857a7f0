//! Invariant I1 and its neighbours, held by reading the source: no module looks up or sideways, SQL stands in the store
//! only, warp rejections nowhere.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                into.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files
        .into_iter()
        .map(|f| (f.strip_prefix(&root).unwrap().display().to_string(), std::fs::read_to_string(&f).unwrap()))
        .collect()
}

/// The room that a file belongs to: its first folder, or its own name.
fn room(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Rooms in order; a room may name those before it that `allowed` says.
fn allowed(from: &str, to: &str) -> bool {
    const GROUND: [&str; 6] = ["error", "clock", "config", "secret", "egress", "metrics"];
    const MEANS: [&str; 6] = ["store", "cache", "policy", "keys", "upstream", "platform"];
    const FACES: [&str; 3] = ["keystone", "sso", "tenant"];
    let ground = |r: &str| GROUND.iter().position(|g| *g == r);
    if from == to {
        return true;
    }
    if let Some(mine) = ground(from) {
        return ground(to).is_some_and(|theirs| theirs < mine);
    }
    let on_ground = ground(to).is_some();
    match from {
        "model" => on_ground,
        r if MEANS.contains(&r) => on_ground || to == "model",
        "service" => on_ground || to == "model" || MEANS.contains(&to),
        // The porch asks the service who is calling.
        "http" => on_ground || to == "model" || to == "service",
        r if FACES.contains(&r) => on_ground || to == "model" || to == "service" || to == "http",
        "app" | "cli" | "openapi" | "main" | "lib" | "testing" | "floors" | "golden" => true,
        other => panic!("{other} stands on no floor: give it one here and in lib.rs"),
    }
}

/// Whether a file holds tests only.
fn is_tests(file: &str) -> bool {
    file.ends_with("tests.rs") || file.contains("/tests/")
}

/// What a file names as `crate::…`, without its tests.
fn names(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut found = Vec::new();
    for line in code.lines().filter(|l| !l.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("crate::") {
            let path: String =
                line[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
            let mut parts = path.split("::");
            match (parts.next().unwrap(), parts.next()) {
                ("", _) if line.contains("crate::{") => {
                    for part in line[at + 8..].split(['{', '}', ',']).map(str::trim).filter(|p| !p.is_empty()) {
                        found.push(part.split("::").next().unwrap().to_owned());
                    }
                }
                (first, _) => found.push(first.to_owned()),
            }
        }
    }
    found
}

#[test]
fn i1_no_module_looks_up_or_sideways() {
    let mut breaches = Vec::new();
    for (file, text) in sources() {
        if is_tests(&file) {
            continue;
        }
        for name in names(&text) {
            if !allowed(room(&file), &name) {
                breaches.push(format!("{file} names crate::{name}"));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn i2_sql_stands_in_the_store_only() {
    for (file, text) in sources() {
        assert!(file.starts_with("store/") || file == "floors.rs" || !text.contains("sqlx::"), "{file} names sqlx");
    }
}

#[test]
fn i4_no_warp_rejection_and_no_uncapped_body() {
    for (file, text) in sources().iter().filter(|(f, _)| f != "floors.rs") {
        for word in ["reject::custom", "body::json()", "body::bytes()", "body::aggregate()"] {
            assert!(!text.contains(&format!("warp::{word}")), "{file} uses warp::{word}");
        }
    }
}

#[test]
fn i5_only_the_clock_reads_the_clock() {
    for (file, text) in sources().iter().filter(|(f, _)| f != "floors.rs" && f != "clock.rs") {
        for word in ["SystemTime::now", "Instant::now", "now_utc()", "getrandom::fill", "rand::random", "OsRng"] {
            assert!(!text.contains(word), "{file} uses {word}");
        }
    }
}

/// Policy may ask another machine (`http:` rules), so it is asked before a transaction begins.
#[test]
fn i6_no_transaction_is_open_while_another_machine_may_be_asked() {
    for (file, text) in sources().iter().filter(|(f, _)| f.starts_with("service/") && !is_tests(f)) {
        for function in text.split("async fn ").skip(1) {
            let Some(begun) = function.find("store.write()") else { continue };
            for word in ["app.allow(", "policy.check(", "policy.enforce(", "egress", "hasher.", "hash(app"] {
                let name = function.split('(').next().unwrap();
                assert!(!function[begun..].contains(word), "{file}: {name} uses {word} after store.write()");
            }
        }
    }
}

#[test]
fn i7_unsafe_is_forbidden() {
    let manifest = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}

#[test]
fn i10_only_egress_speaks_to_others() {
    for (file, text) in
        sources().iter().filter(|(f, _)| f != "floors.rs" && !f.starts_with("testing") && !f.starts_with("egress"))
    {
        assert!(!text.contains("reqwest::"), "{file} names reqwest");
    }
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    for (file, text) in sources() {
        assert!(text.starts_with("//!"), "{file} has no module docs");
    }
}
