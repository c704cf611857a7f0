//! `archstone keys`: the Fernet repository, the JWS key pair and the master key, on disk.
//!
//! `setup` makes what is missing and leaves alone what is there; `rotate` makes new keys and keeps the old ones as long
//! as the repository's rule says; `list` shows numbers, roles and ages. No key is ever printed. `decode` and `encode`
//! turn tokens into payloads and back, a line each: developers' tools for comparing this service with Keystone.

mod command;

pub(super) use command::{Command, run};

use std::io::{BufRead, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::{Random, Timestamp};
use crate::error::{Error, Result};
use crate::keys::TokenKeys;
use crate::keys::pair::PairRepository;
use crate::keys::repository::Repository;
use crate::model::token::{Federated, Payload, Scope};
use crate::secret::Sealer;

/// Where the keys are; what is not configured is passed over.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places<'a> {
    /// The Fernet key repository.
    pub fernet: Option<&'a Path>,
    /// The private and the public repository of the JWS key pair.
    pub jws: Option<(&'a Path, &'a Path)>,
    /// The file of master keys.
    pub master: Option<&'a Path>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Lines for people.
    Text,
    /// One JSON object for programs.
    Json,
}

/// Makes the keys that are missing.
///
/// # Errors
/// [`Error::Internal`] naming the path.
pub fn setup(places: Places<'_>, random: &Random, output: Output, out: &mut impl Write) -> Result<()> {
    let mut report = Report::default();
    if let Some(dir) = places.fernet {
        report.made("fernet", "Fernet keys", dir, Repository::new(dir).setup(random)?);
    }
    if let Some((private, public)) = places.jws {
        report.made("jws", "JWS key pair", private, PairRepository::new(private, public).setup()?);
    }
    if let Some(path) = places.master {
        report.made("master", "master key", path, Sealer::setup(path, random)?);
    }
    report.write(output, out)
}

/// Makes new keys; keeps at most `max_active_keys` Fernet keys.
///
/// # Errors
/// [`Error::Internal`] naming the path, [`Error::Invalid`] for a `max_active_keys` below 2.
pub fn rotate(
    places: Places<'_>,
    max_active_keys: usize,
    random: &Random,
    output: Output,
    out: &mut impl Write,
) -> Result<()> {
    let mut report = Report::default();
    if let Some(dir) = places.fernet {
        let done = Repository::new(dir).rotate(max_active_keys, random)?;
        let json = json!({"path": dir.display().to_string(), "primary": done.primary, "removed": done.removed,
                          "completed_earlier": done.completed_earlier});
        let mut line = format!("Fernet keys in {}: key {} is the primary", dir.display(), done.primary);
        if !done.removed.is_empty() {
            let removed: Vec<String> = done.removed.iter().map(u32::to_string).collect();
            line.push_str(&format!(", removed {}", removed.join(", ")));
        }
        if done.completed_earlier {
            line.push_str(" (an interrupted rotation was completed; rotate again to promote the new staged key)");
        }
        report.add("fernet", json, [line]);
    }
    if let Some((private, public)) = places.jws {
        let id = PairRepository::new(private, public).rotate()?;
        let json = json!({"path": private.display().to_string(), "id": id});
        report.add("jws", json, [format!("JWS key pair in {}: key {id} signs", private.display())]);
    }
    if let Some(path) = places.master {
        let id = Sealer::rotate(path, random)?;
        let json = json!({"path": path.display().to_string(), "id": id});
        let line = format!(
            "master keys in {}: key {id} seals; seal the stored secrets anew before removing another",
            path.display()
        );
        report.add("master", json, [line]);
    }
    report.write(output, out)
}

/// Shows numbers, roles and ages of the keys.
///
/// # Errors
/// [`Error::Internal`] naming the path of what cannot be read.
pub fn list(places: Places<'_>, now: Timestamp, output: Output, out: &mut impl Write) -> Result<()> {
    let mut report = Report::default();
    let age = |modified: Timestamp| (now.secs() - modified.secs()).max(0);
    if let Some(dir) = places.fernet {
        let keys = Repository::new(dir).load()?.info();
        let one = |k: &crate::keys::repository::KeyInfo| json!({"id": k.id, "role": k.role.name(), "modified": k.modified.to_string(), "age": age(k.modified)});
        let json = json!({"path": dir.display().to_string(), "keys": keys.iter().map(one).collect::<Vec<_>>()});
        let lines = keys.iter().map(|k| format!("  {:<18} {:<10} {}", k.id, k.role.name(), days(age(k.modified))));
        report.add("fernet", json, std::iter::once(format!("Fernet keys in {}", dir.display())).chain(lines));
    }
    if let Some((private, public)) = places.jws {
        let pair = PairRepository::new(private, public).load()?;
        let one = |k: &crate::keys::pair::PublicKeyInfo| json!({"id": k.id, "name": k.name, "signing": k.signing, "modified": k.modified.to_string(), "age": age(k.modified)});
        let json = json!({"path": private.display().to_string(), "public_path": public.display().to_string(),
                          "keys": pair.keys.iter().map(one).collect::<Vec<_>>(), "ignored": pair.ignored});
        let role = |signing| if signing { "signing" } else { "verifying" };
        let lines = pair
            .keys
            .iter()
            .map(|k| format!("  {:<18} {:<10} {} {}", k.id, role(k.signing), days(age(k.modified)), k.name));
        let ignored = pair.ignored.iter().map(|name| format!("  {name} is no P-256 public key and is passed over"));
        let head = format!("JWS public keys in {}", public.display());
        report.add("jws", json, std::iter::once(head).chain(lines).chain(ignored));
    }
    if let Some(path) = places.master {
        let keys = Sealer::from_file(path)?.list();
        let one = |k: &crate::secret::MasterKeyInfo| json!({"id": k.id, "primary": k.primary});
        let json = json!({"path": path.display().to_string(), "keys": keys.iter().map(one).collect::<Vec<_>>()});
        let lines = keys.iter().map(|k| format!("  {:<18} {}", k.id, if k.primary { "primary" } else { "secondary" }));
        report.add("master", json, std::iter::once(format!("master keys in {}", path.display())).chain(lines));
    }
    report.write(output, out)
}

/// For each line of `input`, a token, writes a line: its payload as JSON, or `{"error": …}`.
///
/// # Errors
/// [`Error::Internal`] if the input cannot be read or the output not be written.
pub fn decode(keys: &TokenKeys, input: impl BufRead, out: &mut impl Write) -> Result<()> {
    each_line(input, out, |token| match keys.read(token) {
        Some(payload) => serde_json::to_value(PayloadJson::from(payload)).map_err(|e| Error::internal(e.to_string())),
        None => Err(Error::invalid("not a token of these keys")),
    })
}

/// For each line of `input`, a payload as [`decode`] writes it, writes a line: `{"token": …}` or `{"error": …}`.
///
/// # Errors
/// [`Error::Internal`] if the input cannot be read or the output not be written.
pub fn encode(keys: &TokenKeys, random: &Random, input: impl BufRead, out: &mut impl Write) -> Result<()> {
    each_line(input, out, |line| {
        let json: PayloadJson = serde_json::from_str(line).map_err(|e| Error::invalid(e.to_string()))?;
        Ok(json!({"token": keys.issue(&json.payload()?, random)?}))
    })
}

fn each_line(input: impl BufRead, out: &mut impl Write, answer: impl Fn(&str) -> Result<Value>) -> Result<()> {
    for line in input.lines() {
        let line = line.map_err(|e| Error::internal(format!("cannot read the input: {e}")))?;
        let json = answer(&line).unwrap_or_else(|e| json!({"error": e.to_string()}));
        writeln!(out, "{json}").map_err(unwritable)?;
    }
    Ok(())
}

fn unwritable(error: std::io::Error) -> Error {
    Error::internal(format!("cannot write the output: {error}"))
}

fn days(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s old"),
        120..7_200 => format!("{} min old", seconds / 60),
        7_200..172_800 => format!("{} h old", seconds / 3_600),
        _ => format!("{} days old", seconds / 86_400),
    }
}

/// The same things said for programs and for people.
#[derive(Default)]
struct Report {
    json: serde_json::Map<String, Value>,
    lines: Vec<String>,
}

impl Report {
    fn add(&mut self, name: &str, json: Value, lines: impl IntoIterator<Item = String>) {
        self.json.insert(name.to_owned(), json);
        self.lines.extend(lines);
    }

    fn made(&mut self, name: &str, what: &str, path: &Path, created: bool) {
        let done = if created { "created" } else { "already there, left alone" };
        let line = format!("{what} in {}: {done}", path.display());
        self.add(name, json!({"path": path.display().to_string(), "created": created}), [line]);
    }

    fn write(self, output: Output, out: &mut impl Write) -> Result<()> {
        match output {
            Output::Json => writeln!(out, "{}", Value::Object(self.json)).map_err(unwritable),
            Output::Text => self.lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(unwritable),
        }
    }
}

/// A payload under the names of Keystone's token model; what is not set is left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayloadJson {
    user_id: String,
    methods: Vec<String>,
    audit_ids: Vec<String>,
    issued_at: String,
    expires_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_cred_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

impl From<Payload> for PayloadJson {
    fn from(payload: Payload) -> Self {
        let (system, domain_id, project_id) = match payload.scope {
            Scope::Unscoped => (None, None, None),
            Scope::System => (Some("all".to_owned()), None, None),
            Scope::Domain(id) => (None, Some(id), None),
            Scope::Project(id) => (None, None, Some(id)),
        };
        let (group_ids, idp_id, protocol_id) = match payload.federated {
            Some(Federated { group_ids, idp_id, protocol_id }) => (Some(group_ids), Some(idp_id), Some(protocol_id)),
            None => (None, None, None),
        };
        Self {
            user_id: payload.user_id,
            methods: payload.methods,
            audit_ids: payload.audit_ids,
            issued_at: payload.issued_at.to_string(),
            expires_at: payload.expires_at.to_string(),
            system,
            domain_id,
            project_id,
            group_ids,
            idp_id,
            protocol_id,
            trust_id: payload.trust_id,
            app_cred_id: payload.app_cred_id,
            access_token_id: payload.access_token_id,
            thumbprint: payload.thumbprint,
        }
    }
}

impl PayloadJson {
    fn payload(self) -> Result<Payload> {
        let time = |name: &str, text: &str| {
            Timestamp::parse(text).ok_or_else(|| Error::invalid_field(name, "is not a time in ISO 8601"))
        };
        let scope = match (self.system.as_deref(), self.domain_id, self.project_id) {
            (None, None, None) => Scope::Unscoped,
            (Some("all"), None, None) => Scope::System,
            (None, Some(id), None) => Scope::Domain(id),
            (None, None, Some(id)) => Scope::Project(id),
            _ => return Err(Error::invalid("a payload has one scope")),
        };
        let federated = match (self.idp_id, self.protocol_id, self.group_ids) {
            (None, None, None) => None,
            (Some(idp_id), Some(protocol_id), groups) => {
                Some(Federated { group_ids: groups.unwrap_or_default(), idp_id, protocol_id })
            }
            _ => return Err(Error::invalid("a federated payload has idp_id and protocol_id")),
        };
        Ok(Payload {
            issued_at: time("issued_at", &self.issued_at)?,
            expires_at: time("expires_at", &self.expires_at)?,
            user_id: self.user_id,
            methods: self.methods,
            audit_ids: self.audit_ids,
            scope,
            federated,
            trust_id: self.trust_id,
            app_cred_id: self.app_cred_id,
            access_token_id: self.access_token_id,
            thumbprint: self.thumbprint,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::path::PathBuf;

    use super::*;
    use crate::keys::{Format, Settings};

    struct Root {
        _dir: tempfile::TempDir,
        paths: [PathBuf; 4],
    }

    impl Root {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let paths = ["fernet", "private", "public", "master.key"].map(|name| dir.path().join(name));
            Self { _dir: dir, paths }
        }

        fn places(&self) -> Places<'_> {
            let [fernet, private, public, master] = &self.paths;
            Places { fernet: Some(fernet), jws: Some((private, public)), master: Some(master) }
        }

        fn keys(&self, issue: Format) -> TokenKeys {
            let [fernet, private, public, _] = self.paths.clone();
            let (methods, default_domain_id) = (vec!["external".into(), "password".into()], "default".into());
            let (fernet, jws) = (Some(fernet), Some((private, public)));
            TokenKeys::load(Settings { methods, default_domain_id, issue, fernet, jws }).unwrap()
        }
    }

    fn written(run: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> String {
        let mut out = Vec::new();
        run(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn parsed(run: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Value {
        serde_json::from_str(&written(run)).unwrap()
    }

    #[test]
    fn setup_rotate_and_list_tell_programs_what_happened() {
        let root = Root::new();
        let (places, random) = (root.places(), Random::seeded(1));
        let first = parsed(|out| setup(places, &random, Output::Json, out));
        let again = parsed(|out| setup(places, &random, Output::Json, out));
        for kind in ["fernet", "jws", "master"] {
            assert_eq!((&first[kind]["created"], &again[kind]["created"]), (&json!(true), &json!(false)));
        }
        let rotated = parsed(|out| rotate(places, 3, &random, Output::Json, out));
        assert_eq!((&rotated["fernet"]["primary"], &rotated["fernet"]["removed"]), (&json!(2), &json!([])));
        assert_eq!(parsed(|out| rotate(places, 3, &random, Output::Json, out))["fernet"]["removed"], json!([1]));
        let listed = parsed(|out| list(places, Timestamp::MAX, Output::Json, out));
        let roles: Vec<_> =
            listed["fernet"]["keys"].as_array().unwrap().iter().map(|k| (&k["id"], &k["role"])).collect();
        assert_eq!(
            format!("{roles:?}"),
            r#"[(Number(3), String("primary")), (Number(2), String("secondary")), (Number(0), String("staged"))]"#
        );
        assert_eq!(listed["jws"]["keys"].as_array().unwrap().len(), 3);
        assert_eq!(listed["jws"]["keys"][0]["signing"], true);
        assert_eq!(listed["master"]["keys"].as_array().unwrap().len(), 3);
        assert!(listed["fernet"]["keys"][0]["age"].as_i64().unwrap() > 0);
    }

    #[test]
    fn people_get_lines_and_nobody_gets_a_key() {
        let root = Root::new();
        let (places, random) = (root.places(), Random::seeded(1));
        let mut all = written(|out| setup(places, &random, Output::Text, out));
        assert_eq!(all.lines().count(), 3);
        assert!(all.contains("Fernet keys in ") && all.contains(": created"));
        all += &written(|out| rotate(places, 2, &random, Output::Text, out));
        assert!(all.contains("key 2 is the primary, removed 1"));
        all += &written(|out| list(places, Timestamp::MAX, Output::Text, out));
        assert!(
            all.contains("staged") && all.contains("days old") && all.contains("signing") && all.contains("public.pem")
        );
        let key = std::fs::read_to_string(root.paths[0].join("2")).unwrap();
        let master = std::fs::read_to_string(&root.paths[3]).unwrap();
        assert!(!all.contains(&key) && !all.contains(master.lines().next().unwrap().split_once(':').unwrap().1));
    }

    #[test]
    fn what_is_not_configured_is_passed_over() {
        assert_eq!(parsed(|out| setup(Places::default(), &Random::seeded(1), Output::Json, out)), json!({}));
        let root = Root::new();
        let only = Places { jws: None, master: None, ..root.places() };
        setup(only, &Random::seeded(1), Output::Text, &mut Vec::new()).unwrap();
        assert!(list(root.places(), Timestamp(0), Output::Text, &mut Vec::new()).is_err());
        assert!(list(only, Timestamp(0), Output::Text, &mut Vec::new()).is_ok());
    }

    #[test]
    fn payloads_and_tokens_are_turned_into_each_other() {
        let root = Root::new();
        let random = Random::seeded(1);
        setup(root.places(), &random, Output::Text, &mut Vec::new()).unwrap();
        let base = json!({"user_id": "u", "methods": ["password"], "audit_ids": ["AAECAwQFBgcICQoLDA0ODw"],
                          "issued_at": "2025-12-31T23:00:00.000000Z", "expires_at": "2026-01-01T00:00:00.000000Z"});
        let with = |more: Value| {
            let mut all = base.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let payloads = [
            base.clone(),
            with(json!({"system": "all"})),
            with(json!({"project_id": "p", "app_cred_id": "a"})),
            with(json!({"domain_id": "default", "idp_id": "i", "protocol_id": "p", "group_ids": ["g"]})),
        ];
        let lines = payloads.iter().map(|p| format!("{p}\n")).collect::<String>();
        for format in [Format::Fernet, Format::Jws] {
            let keys = root.keys(format);
            let tokens = written(|out| encode(&keys, &random, lines.as_bytes(), out));
            let token = |line: &str| serde_json::from_str::<Value>(line).unwrap()["token"].as_str().unwrap().to_owned();
            let tokens = tokens.lines().map(token).collect::<Vec<_>>().join("\n");
            let back = written(|out| decode(&keys, tokens.as_bytes(), out));
            let back: Vec<Value> = back.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(back, payloads);
            assert_eq!(
                parsed(|out| decode(&keys, " gAAAAA".as_bytes(), out)),
                json!({"error": "not a token of these keys"})
            );
            for bad in
                ["{", "{}", &with(json!({"other": 1})).to_string(), &with(json!({"expires_at": "x"})).to_string()]
            {
                assert!(parsed(|out| encode(&keys, &random, bad.as_bytes(), out))["error"].is_string());
            }
        }
    }
}
