//! Policy files: where they are, what they say, whether they have changed.
//!
//! The main file is read first, then every visible file of each directory in the order of names; directories below are
//! not entered. YAML, of which JSON is a part. Sizes are bounded, and a key that is written twice is an error, because the
//! operator meant one of the two.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use super::parser::RuleText;
use crate::error::{Error, Result};

/// Largest policy file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Most files in one directory.
const MAX_FILES: usize = 256;

/// Most rules in one file.
const MAX_RULES: usize = 10_000;

/// Names and rules in the order in which they were written.
pub(super) type NamedRules = Vec<(String, RuleText)>;

/// The rules of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// Where they come from.
    pub source: PathBuf,
    /// Name and rule.
    pub rules: NamedRules,
}

/// By what a change of a file is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    length: u64,
}

/// The files that exist now, in the order in which they count, with their stamps.
pub(super) fn survey(main: Option<&Path>, dirs: &[PathBuf]) -> Result<Vec<Stamp>> {
    let mut stamps = Vec::new();
    if let Some(path) = main
        && let Some(stamp) = stamp(path)?
    {
        stamps.push(stamp);
    }
    for dir in dirs {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(dir, &error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(dir, &error))?;
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                paths.push(entry.path());
            }
        }
        if paths.len() > MAX_FILES {
            return Err(Error::invalid(format!("{}: more than {MAX_FILES} policy files", dir.display())));
        }
        paths.sort();
        for path in paths {
            stamps.extend(stamp(&path)?);
        }
    }
    Ok(stamps)
}

/// `None` for what does not exist or is no file.
fn stamp(path: &Path) -> Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(data) if data.is_file() => {
            Ok(Some(Stamp { path: path.to_owned(), modified: data.modified().ok(), length: data.len() }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// True if `path` is among the surveyed files.
pub(super) fn includes(stamps: &[Stamp], path: &Path) -> bool {
    stamps.iter().any(|stamp| stamp.path == path)
}

/// Reads the surveyed files.
pub(super) fn read_all(stamps: &[Stamp]) -> Result<Vec<Layer>> {
    stamps.iter().map(|stamp| read(&stamp.path)).collect()
}

/// Reads one policy file. The error names the file and, where the text is at fault, the line.
pub(super) fn read(path: &Path) -> Result<Layer> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::invalid(format!("{}: larger than {MAX_FILE} bytes", path.display())));
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::invalid(format!("{}: not UTF-8 text", path.display())))?;
    let rules = parse_yaml(&text).map_err(|(line, message)| match line {
        Some(line) => Error::invalid(format!("{}: line {line}: {message}", path.display())),
        None => Error::invalid(format!("{}: {message}", path.display())),
    })?;
    Ok(Layer { source: path.to_owned(), rules })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::internal(format!("cannot read {}: {error}", path.display()))
}

/// The rules of a YAML document, or a line and what is wrong there.
fn parse_yaml(text: &str) -> std::result::Result<NamedRules, (Option<u64>, String)> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 200_000, max_depth: 16, max_aliases: 100, max_anchors: 100, max_documents: 1 },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Document>(text, options) {
        Ok(Document(rules)) if rules.len() > MAX_RULES => Err((None, format!("more than {MAX_RULES} rules"))),
        Ok(Document(rules)) => Ok(rules),
        Err(error) => Err((error.location().map(|at| at.line()), wording(&error))),
    }
}

/// What is wrong, without the place, which the caller names, and without advice to programmers.
fn wording(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return format!("\"{}\" is defined twice", key.escape_debug());
    }
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// A policy file: a mapping from names to rules, or nothing.
struct Document(NamedRules);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping from rule names to rules")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Document, E> {
        Ok(Document(Vec::new()))
    }

    fn visit_none<E: de::Error>(self) -> std::result::Result<Document, E> {
        Ok(Document(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Document, A::Error> {
        let mut rules = Vec::new();
        while let Some(entry) = map.next_entry::<String, RuleText>()? {
            rules.push(entry);
        }
        Ok(Document(rules))
    }
}

impl<'de> Deserialize<'de> for RuleText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(RuleTextVisitor)
    }
}

struct RuleTextVisitor;

impl<'de> Visitor<'de> for RuleTextVisitor {
    type Value = RuleText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rule: a text or a list")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<RuleText, E> {
        Ok(RuleText::from(text))
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<RuleText, E> {
        Ok(RuleText::Other("nothing"))
    }

    fn visit_none<E: de::Error>(self) -> std::result::Result<RuleText, E> {
        self.visit_unit()
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> std::result::Result<RuleText, E> {
        Ok(RuleText::Other("a boolean"))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> std::result::Result<RuleText, E> {
        Ok(RuleText::Other("a number"))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> std::result::Result<RuleText, E> {
        Ok(RuleText::Other("a number"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> std::result::Result<RuleText, E> {
        Ok(RuleText::Other("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<RuleText, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(RuleText::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<RuleText, A::Error> {
        while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
        Ok(RuleText::Other("a mapping"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn rules(text: &str) -> Vec<(String, RuleText)> {
        parse_yaml(text).unwrap()
    }

    #[test]
    fn yaml_and_json_are_read_in_order() {
        let expected = vec![
            ("b".to_owned(), RuleText::from("role:admin")),
            ("a".to_owned(), RuleText::List(vec![RuleText::List(vec!["x:y".into(), "@".into()]), "rule:b".into()])),
        ];
        assert_eq!(rules("b: role:admin\n# comment\n\"a\": [[\"x:y\", \"@\"], \"rule:b\"]\n"), expected);
        assert_eq!(rules("{\"b\": \"role:admin\", \"a\": [[\"x:y\", \"@\"], \"rule:b\"]}"), expected);
    }

    #[test]
    fn empty_and_commented_files_say_nothing() {
        for text in ["", "\n", "# only\n# comments\n", "---\n", "{}", "null"] {
            assert_eq!(rules(text), [], "{text:?}");
        }
    }

    #[test]
    fn what_is_no_rule_is_kept_as_such() {
        let text = "a:\nb: true\nc: 5\nd: {x: y}\ne: 1.5\nf: ''\ng: []\n";
        let kinds: Vec<RuleText> = rules(text).into_iter().map(|(_, rule)| rule).collect();
        assert_eq!(
            kinds,
            [
                RuleText::Other("nothing"),
                RuleText::Other("a boolean"),
                RuleText::Other("a number"),
                RuleText::Other("a mapping"),
                RuleText::Other("a number"),
                RuleText::from(""),
                RuleText::List(Vec::new()),
            ]
        );
    }

    #[test]
    fn a_key_written_twice_is_an_error_that_names_it() {
        let (line, message) = parse_yaml("one: '@'\ntwo: '@'\none: '!'\n").unwrap_err();
        assert_eq!(line, Some(3));
        assert!(message.contains("one"), "{message}");
    }

    #[test]
    fn broken_yaml_names_the_line() {
        for text in ["a: '@'\nb: [unclosed\n", "a: '@'\n  b: '!'\n c: '@'\n"] {
            let (line, message) = parse_yaml(text).unwrap_err();
            assert!(line.is_some() && !message.contains("line"), "{text:?}: {message}");
        }
    }

    #[test]
    fn a_document_that_is_no_mapping_is_an_error() {
        for text in ["just text", "- a\n- b\n", "5", "a: '@'\n---\nb: '@'\n"] {
            assert!(parse_yaml(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn expansion_and_nesting_are_bounded() {
        let mut bomb = String::from("a: &a ['x:y', 'x:y', 'x:y', 'x:y', 'x:y', 'x:y', 'x:y', 'x:y', 'x:y', 'x:y']\n");
        for (name, before) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"]) {
            let list = vec![format!("*{before}"); 10].join(", ");
            bomb.push_str(&format!("{name}: &{name} [{list}]\n"));
        }
        assert!(parse_yaml(&bomb).is_err());
        assert!(parse_yaml(&format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000))).is_err());
    }
}
