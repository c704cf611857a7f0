//! `archstone policy`: asking a rule from the command line and listing the rules in force.
//!
//! `check` answers for one rule of the installed policy, `json_lines` for many independent cases at once (it is what the
//! differential test against oslo.policy drives), `list` shows every rule. None of them starts the service or asks
//! another machine.

mod command;

pub(super) use command::{Command, run};

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::policy::{Credentials, Diagnostic, Enforcer, Level, Remote, RuleSet, RuleText, Target};

/// Longest line of `--json-lines`, in bytes.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Answers one case a line: `{"rules", "rule", "target", "creds", "default_rule", "id"}` gives `{"id", "result"}` or
/// `{"id", "error"}`. Nothing from the installed policy takes part.
///
/// # Errors
/// Only those of reading and writing; a bad line gets an answer with `error`.
pub fn json_lines(mut input: impl BufRead, output: impl Write) -> io::Result<()> {
    let mut output = io::BufWriter::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return output.flush();
        }
        if read as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line is longer than {MAX_LINE} bytes")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        serde_json::to_writer(&mut output, &answer(&line))?;
        output.write_all(b"\n")?;
        // A peer may wait for this answer before it writes the next line.
        output.flush()?;
    }
}

fn answer(line: &[u8]) -> Value {
    let case: Value = match serde_json::from_slice(line) {
        Ok(case) => case,
        Err(error) => return json!({"id": null, "error": format!("not JSON: {error}")}),
    };
    let id = case.get("id").cloned().unwrap_or(Value::Null);
    match decide(&case) {
        Ok(result) => json!({"id": id, "result": result}),
        Err(error) => json!({"id": id, "error": error}),
    }
}

fn decide(case: &Value) -> std::result::Result<bool, String> {
    let member = |name: &str| case.get(name).filter(|value| !value.is_null());
    let Some(Value::Object(rules)) = member("rules") else { return Err("`rules` must be an object".to_owned()) };
    let Some(Value::String(rule)) = member("rule") else { return Err("`rule` must be a text".to_owned()) };
    let fallback = match member("default_rule") {
        None => "default",
        Some(Value::String(name)) => name,
        Some(_) => return Err("`default_rule` must be a text".to_owned()),
    };
    let object = |name: &str| match member(name) {
        None => Ok(json!({})),
        Some(value @ Value::Object(_)) => Ok(value.clone()),
        Some(_) => Err(format!("`{name}` must be an object")),
    };
    let target = Target::given(&object("target")?);
    let credentials = Credentials::given(object("creds")?);
    let set = RuleSet::given(rules.iter().map(|(name, text)| (name.clone(), RuleText::from(text))), fallback);
    set.decide_locally(rule, &target, &credentials).map_err(|url| format!("the rule asks another machine: {url}"))
}

/// The outcome of [`check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the operation would be allowed: scope and rule.
    pub allowed: bool,
    /// Whether the token's scope fits the rule's scope types.
    pub scope_fits: bool,
    /// What is wrong with the policy, this rule or another.
    pub diagnostics: Vec<Diagnostic>,
}

/// Asks one rule of the installed policy. `target` holds flat or nested names as rules see them
/// (`{"target": {"user": {"domain_id": …}}}`), `credentials` the caller's attributes.
///
/// # Errors
/// Policy files that cannot be read; a target or credentials that are no JSON objects; a rule that is not defined; a rule
/// that asks another machine (503).
pub fn check(main: Option<&Path>, dirs: &[PathBuf], rule: &str, target: &Value, credentials: Value) -> Result<Outcome> {
    for (name, value) in [("target", target), ("credentials", &credentials)] {
        if !value.is_object() {
            return Err(Error::invalid_field(name, "must be a JSON object"));
        }
    }
    let (enforcer, diagnostics) = Enforcer::load(main, dirs, Remote::refused())?;
    let set = enforcer.rules();
    if !set.defines(rule) {
        return Err(Error::not_found(format!("no rule is named {rule}")));
    }
    let credentials = Credentials::new(credentials);
    let rule_allows = set
        .decide_locally(rule, &Target::given(target), &credentials)
        .map_err(|url| Error::unavailable(format!("the rule asks another machine: {url}")))?;
    let scope_fits = set.fits_scope(rule, &credentials);
    Ok(Outcome { allowed: scope_fits && rule_allows, scope_fits, diagnostics })
}

/// Writes every rule in force, as a JSON document or as lines for people, followed by what is wrong with them.
///
/// # Errors
/// Policy files that cannot be read; failure to write.
pub fn list(main: Option<&Path>, dirs: &[PathBuf], as_json: bool, mut output: impl Write) -> Result<()> {
    let (enforcer, diagnostics) = Enforcer::load(main, dirs, Remote::refused())?;
    let set = enforcer.rules();
    let written = if as_json {
        let document = json!({
            "rules": set.views().iter().map(|view| {
                json!({
                    "name": view.name,
                    "check": rule_value(&view.text),
                    "default": view.registered.map(|registered| registered.check),
                    "source": view.source.as_ref().map(|path| path.display().to_string()),
                    "scope_types": view.registered.map(|registered| registered.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>()),
                    "description": view.registered.map(|registered| registered.description),
                    "operations": view.registered.map(|registered| {
                        registered.operations.iter().map(|(method, path)| json!({"method": method, "path": path})).collect::<Vec<_>>()
                    }),
                })
            }).collect::<Vec<_>>(),
            "diagnostics": diagnostics.iter().map(|diagnostic| {
                json!({
                    "level": level_name(diagnostic.level),
                    "rule": diagnostic.rule,
                    "source": diagnostic.source.as_ref().map(|path| path.display().to_string()),
                    "message": diagnostic.message,
                })
            }).collect::<Vec<_>>(),
        });
        writeln!(output, "{document}")
    } else {
        write_lines(&set, &diagnostics, &mut output)
    };
    written.map_err(|error| Error::internal(format!("cannot write: {error}")))
}

fn write_lines(set: &RuleSet, diagnostics: &[Diagnostic], output: &mut impl Write) -> io::Result<()> {
    for view in set.views() {
        let rule = rule_value(&view.text);
        match &view.source {
            Some(source) => writeln!(output, "\"{}\": {rule}  # {}", view.name.escape_debug(), source.display())?,
            None => writeln!(output, "\"{}\": {rule}", view.name)?,
        }
    }
    for diagnostic in diagnostics {
        writeln!(output, "# {}: {diagnostic}", level_name(diagnostic.level))?;
    }
    Ok(())
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

/// A rule as it was written; what was no rule is null.
fn rule_value(text: &RuleText) -> Value {
    match text {
        RuleText::Text(text) => Value::String(text.clone()),
        RuleText::List(items) => Value::Array(items.iter().map(rule_value).collect()),
        RuleText::Other(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn lines(input: &str) -> Vec<Value> {
        let mut output = Vec::new();
        json_lines(input.as_bytes(), &mut output).unwrap();
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_line_gets_an_answer_with_its_id() {
        let input = concat!(
            r#"{"id": 1, "rules": {"a": "role:admin"}, "rule": "a", "target": {}, "creds": {"roles": ["Admin"]}}"#,
            "\n",
            "\n",
            r#"{"id": "two", "rules": {"a": [["role:admin", "!"], "@"]}, "rule": "a"}"#,
            "\n",
            r#"{"id": 3, "rules": {"default": "@"}, "rule": "b", "creds": {}}"#,
            "\n",
            r#"{"id": 4, "rules": {"default": "@", "other": "!"}, "rule": "b", "default_rule": "other"}"#,
            "\n",
            "not json\n",
            r#"{"id": 6, "rules": [], "rule": "b"}"#,
            "\n",
            r#"{"id": 7, "rules": {"a": "http://127.0.0.1/x"}, "rule": "a"}"#,
            "\n",
            r#"{"id": 8, "rules": {"a": "domain_id:%(target.user.domain_id)s"}, "rule": "a", "target": {"target": {"user": {"domain_id": "d"}}}, "creds": {"domain_id": "d"}}"#,
        );
        let answers = lines(input);
        assert_eq!(answers[0], json!({"id": 1, "result": true}));
        assert_eq!(answers[1], json!({"id": "two", "result": true}));
        assert_eq!(answers[2], json!({"id": 3, "result": true}));
        assert_eq!(answers[3], json!({"id": 4, "result": false}));
        assert!(answers[4]["error"].is_string() && answers[4]["id"].is_null());
        assert_eq!(answers[5]["id"], 6);
        assert!(answers[5]["error"].is_string());
        assert!(answers[6]["error"].as_str().unwrap().contains("http://127.0.0.1/x"));
        assert_eq!(answers[7], json!({"id": 8, "result": true}));
    }

    #[test]
    fn check_asks_scope_and_rule() {
        let ask = |rule: &str, creds: Value| check(None, &[], rule, &json!({}), creds);
        let admin = json!({"roles": ["admin"], "project_id": "p"});
        assert!(ask("identity:create_domain", admin.clone()).unwrap().allowed);
        let outcome = ask("identity:create_domain", json!({"roles": ["admin"], "domain_id": "d"})).unwrap();
        assert!(!outcome.allowed && !outcome.scope_fits);
        assert_eq!(ask("identity:no_such", admin).unwrap_err().status(), 404);
        assert_eq!(ask("identity:create_domain", json!([])).unwrap_err().status(), 400);
    }

    #[test]
    fn list_shows_rules_sources_and_findings() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("policy.yaml");
        std::fs::write(&main, "\"identity:create_user\": \"role:x and\"\n\"mine\": [[\"@\"]]\n").unwrap();
        let mut output = Vec::new();
        list(Some(&main), &[], true, &mut output).unwrap();
        let document: Value = serde_json::from_slice(&output).unwrap();
        let rules = document["rules"].as_array().unwrap();
        let rule = |name: &str| rules.iter().find(|rule| rule["name"] == name).unwrap();
        assert_eq!(rule("identity:create_user")["check"], "role:x and");
        assert_eq!(rule("identity:create_user")["source"], main.display().to_string());
        assert_eq!(rule("mine")["check"], json!([["@"]]));
        assert_eq!(rule("admin_required")["source"], Value::Null);
        assert_eq!(document["diagnostics"][0]["rule"], "identity:create_user");
        let mut output = Vec::new();
        list(Some(&main), &[], false, &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains("\"admin_required\": \"role:admin or is_admin:1\"\n"));
        assert!(text.contains("# error: "));
    }
}
