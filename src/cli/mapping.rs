//! `archstone mapping`: trying the rules of a mapping from the command line, without a service, a database or a configuration.
//!
//! `evaluate` says what comes of an assertion and, with `--explain`, why; `--json-lines` does so for many independent cases
//! at once (scripts, and the differential test against Keystone's engine). `lint` says what is wrong with rules.

mod command;
pub(in crate::cli) mod read;

pub(super) use command::{Command, run};

use std::io::{self, BufRead, Read, Write};

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::model::assertion::Assertion;
use crate::model::mapping_engine::{Owner, Rules, SchemaVersion};

/// Longest line of `--json-lines`, in bytes.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Answers one case a line: `{"rules": […], "assertion": {…}, "schema_version": …, "id": …}` gives `{"id", "ok": true,
/// "result"}` or `{"id", "ok": false, "stage", "error", "http"}`. `stage` is `validate` for what storing the mapping would
/// answer and `process` for what a login would. Of `assertion` texts count, as in Keystone; `claims` in its place are
/// values or lists of values that are not split. `owner` is the id of the domain whose mapping it is.
///
/// # Errors
/// Only those of reading and writing; a bad line gets an answer.
pub fn json_lines(mut input: impl BufRead, output: impl Write, explain: bool) -> io::Result<()> {
    let mut output = io::BufWriter::new(output);
    let mut cases = Cases { explain, last: None };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return output.flush();
        }
        let answer = if read as u64 == MAX_LINE && line.last() != Some(&b'\n') {
            line.clear();
            skip_line(&mut input)?;
            refusal(&Value::Null, "validate", &format!("a line is longer than {MAX_LINE} bytes"), 400)
        } else if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        } else {
            cases.answer(&line)
        };
        serde_json::to_writer(&mut output, &answer)?;
        output.write_all(b"\n")?;
        // A peer may wait for this answer before it writes the next line.
        output.flush()?;
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let held = input.fill_buf()?;
        let (used, done) = match held.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (held.len(), held.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn refusal(id: &Value, stage: &str, error: &str, http: u16) -> Value {
    json!({"id": id, "ok": false, "stage": stage, "error": error, "http": http})
}

/// What a case is compiled from.
#[derive(PartialEq)]
struct Source {
    rules: Value,
    version: SchemaVersion,
    owner: Owner,
}

/// Answers cases. The rules of the last one are kept, as scripts try many assertions on one mapping.
struct Cases {
    explain: bool,
    last: Option<(Source, Rules)>,
}

impl Cases {
    fn answer(&mut self, line: &[u8]) -> Value {
        let mut case: Map<String, Value> = match serde_json::from_slice(line) {
            Ok(case) => case,
            Err(error) => return refusal(&Value::Null, "validate", &format!("not a JSON object: {error}"), 400),
        };
        let id = case.remove("id").unwrap_or_default();
        let explain = self.explain;
        let validated = self.rules(&mut case).and_then(|rules| Ok((rules, assertion(&case)?)));
        let (rules, assertion) = match validated {
            Ok(validated) => validated,
            Err(error) => return refusal(&id, "validate", &error.to_string(), error.status()),
        };
        let mut answer = match rules.evaluate(&assertion) {
            Ok(mapped) => json!({"id": id, "ok": true, "result": mapped.document(rules.version())}),
            Err(refused) => refusal(&id, "process", &refused.message, 401),
        };
        if explain {
            answer["explanation"] = rules.explain(&assertion).document();
        }
        answer
    }

    fn rules(&mut self, case: &mut Map<String, Value>) -> Result<&Rules, Error> {
        let version = read::version(case.get("schema_version"))?;
        let owner = match case.get("owner") {
            None | Some(Value::Null) => Owner::Cloud,
            Some(Value::String(id)) => Owner::Domain(id.clone()),
            Some(_) => return Err(Error::invalid_field("owner", "the id of a domain is a string")),
        };
        let rules = case.remove("rules").ok_or_else(|| Error::invalid("'rules' is a required property"))?;
        let source = Source { rules, version, owner };
        let kept = self.last.take().filter(|(last, _)| *last == source);
        let compiled = match kept {
            Some((_, compiled)) => compiled,
            None => Rules::parse(&source.rules, source.version, source.owner.clone())?,
        };
        Ok(&self.last.insert((source, compiled)).1)
    }
}

fn assertion(case: &Map<String, Value>) -> Result<Assertion, Error> {
    let object = |name: &str| match case.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Error::invalid_field(name, "the attributes are an object")),
    };
    match (object("assertion")?, object("claims")?) {
        (Some(_), Some(_)) => Err(Error::invalid("'assertion' and 'claims' exclude each other")),
        (None, None) => Err(Error::invalid("'assertion' is a required property")),
        (Some(texts), None) => {
            Assertion::of_texts(texts.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
        }
        (None, Some(claims)) => read::claims(claims),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn lines(input: &[u8], explain: bool) -> Vec<Value> {
        let mut output = Vec::new();
        json_lines(input, &mut output, explain).unwrap();
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_line_gets_an_answer_with_its_id() {
        let rules = r#"[{"local": [{"user": {"name": "{0}"}, "groups": "{1}", "domain": {"name": "D"}}],
                        "remote": [{"type": "U"}, {"type": "G"}]}]"#
            .replace('\n', " ");
        let input = [
            format!(r#"{{"id": 1, "rules": {rules}, "assertion": {{"U": "bob", "G": "b;a;b"}}}}"#),
            String::new(),
            format!(r#"{{"id": "two", "rules": {rules}, "assertion": {{"U": "bob", "G": ["a"], "N": 7}}}}"#),
            format!(r#"{{"id": 3, "rules": {rules}, "claims": {{"U": "a;b", "G": ["x;y"]}}, "schema_version": null}}"#),
            format!(r#"{{"id": 4, "rules": {rules}, "assertion": {{"U": "bob"}}, "schema_version": "4.0"}}"#),
            r#"{"id": 5, "rules": [], "assertion": {}}"#.to_owned(),
            r#"{"id": 6, "assertion": {}}"#.to_owned(),
            "[1]".to_owned(),
            "not json".to_owned(),
            format!(r#"{{"id": 9, "rules": {rules}, "assertion": {{"U": "bob", "G": "a"}}, "schema_version": "2.0"}}"#),
            format!(r#"{{"id": 10, "rules": {rules}}}"#),
        ]
        .join("\n");
        let answers = lines(input.as_bytes(), false);
        assert_eq!(
            answers[0],
            json!({"id": 1, "ok": true, "result": {
                "user": {"name": "bob", "type": "ephemeral"}, "group_ids": [], "projects": [],
                "group_names": [{"name": "a", "domain": {"name": "D"}}, {"name": "b", "domain": {"name": "D"}}],
            }})
        );
        assert_eq!((&answers[1]["id"], &answers[1]["stage"]), (&json!("two"), &json!("process")));
        assert_eq!(answers[1]["http"], 401);
        assert_eq!(answers[2]["result"]["user"]["name"], "a;b");
        assert_eq!(answers[2]["result"]["group_names"][0]["name"], "x;y");
        for (answer, id) in answers[3..8].iter().zip([json!(4), json!(5), json!(6), Value::Null, Value::Null]) {
            assert_eq!((&answer["id"], &answer["stage"], &answer["http"]), (&id, &json!("validate"), &json!(400)));
            assert!(answer["error"].is_string() && answer["ok"] == false);
        }
        assert_eq!(answers[8]["result"]["user"]["domain"], json!({"name": "D"}));
        assert_eq!(answers[9]["http"], 400);
    }

    #[test]
    fn explanations_come_on_demand() {
        let case = r#"{"rules": [{"local": [], "remote": [{"type": "U"}]}], "assertion": {}}"#;
        let answers = lines(case.as_bytes(), true);
        assert_eq!(answers[0]["explanation"]["rules"][0]["remote"][0]["passed"], false);
        assert_eq!(lines(case.as_bytes(), false)[0].get("explanation"), None);
    }

    #[test]
    fn a_line_without_end_or_sense_is_answered_and_the_next_one_too() {
        let mut input = vec![b'x'; MAX_LINE as usize + 10];
        input.extend_from_slice(b"\n\xff\xfe\n");
        input.extend_from_slice("[".repeat(100_000).as_bytes());
        input.extend_from_slice(b"\n{\"rules\": []}");
        let answers = lines(&input, false);
        assert_eq!(answers.len(), 4);
        assert!(answers.iter().all(|a| a["http"] == 400));
    }
}
