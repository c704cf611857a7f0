//! The members of what is made or changed: those of a JSON file, and single ones by `--set`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::cli::mapping::read::file as text_of;
use crate::error::{Error, Result};
use crate::http::body;

/// Members at the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct Members {
    /// JSON object with members; `-` for standard input.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A member, after those of the file: `settings.local_login=false`. The value is JSON, else a text; `@FILE` is what the
    /// file holds, for secrets.
    #[arg(long, value_name = "MEMBER=VALUE")]
    set: Vec<String>,
}

impl Members {
    /// Whether `--set` gives this member a text of its own, and neither what a file holds nor null.
    pub fn literal(&self, name: &str) -> bool {
        let values = self.set.iter().filter_map(|member| member.split_once('='));
        values.into_iter().any(|(set, value)| set == name && !value.starts_with('@') && value != "null")
    }

    /// Whether standard input is read for them.
    pub fn reads_input(&self) -> bool {
        let values = self.set.iter().filter_map(|member| member.split_once('='));
        self.file.as_deref() == Some(Path::new("-")) || values.into_iter().any(|(_, value)| value == "@-")
    }

    /// Of `--set` alone.
    #[cfg(test)]
    pub fn of(set: &[&str]) -> Self {
        Self { file: None, set: set.iter().map(|member| (*member).to_owned()).collect() }
    }

    /// The body with these members beside those of `base`, which stay.
    pub fn body(&self, base: Value) -> Result<Value> {
        let mut body = match &self.file {
            None => Map::new(),
            Some(path) => object(path)?,
        };
        for member in &self.set {
            let (name, value) = member
                .split_once('=')
                .ok_or_else(|| Error::invalid_field("--set", format!("'{member:.64}' is not MEMBER=VALUE")))?;
            set(&mut body, name, value_of(value)?)?;
        }
        if let Value::Object(base) = base {
            body.extend(base);
        }
        Ok(Value::Object(body))
    }
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    let wrong = |_| Error::invalid(format!("{}: this is no JSON object, or a member stands twice", path.display()));
    match body::parse_object(text_of(path)?.as_bytes()).map_err(wrong)? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

fn value_of(text: &str) -> Result<Value> {
    match text.strip_prefix('@') {
        Some(path) => Ok(Value::String(text_of(Path::new(path))?.trim_end_matches(['\r', '\n']).to_owned())),
        None => Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))),
    }
}

/// Writes a member whose name has dots between its parts.
fn set(body: &mut Map<String, Value>, name: &str, value: Value) -> Result<()> {
    let Some((outer, rest)) = name.split_once('.') else {
        body.insert(name.to_owned(), value);
        return Ok(());
    };
    match body.entry(outer).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => set(inner, rest, value),
        _ => Err(Error::invalid_field("--set", format!("'{outer:.64}' is no object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn single_members_stand_over_those_of_the_file_and_have_the_type_that_they_look_like() {
        let dir = tempfile::tempdir().unwrap();
        let (file, secret) = (dir.path().join("a.json"), dir.path().join("secret"));
        std::fs::write(&file, r#"{"name": "n", "settings": {"local_login": true}}"#).unwrap();
        std::fs::write(&secret, "s3cret\n").unwrap();
        let members = Members {
            file: Some(file),
            set: vec![
                "settings.local_login=false".into(),
                "settings.branding.primary_color=#112233".into(),
                "domains=[\"a.example\"]".into(),
                format!("oidc.client_secret=@{}", secret.display()),
            ],
        };
        let expected = json!({
            "slug": "s", "name": "n", "domains": ["a.example"], "oidc": {"client_secret": "s3cret"},
            "settings": {"local_login": false, "branding": {"primary_color": "#112233"}},
        });
        assert_eq!(members.body(json!({"slug": "s"})).unwrap(), expected);
        for wrong in ["x", "name.inner=1"] {
            let members = Members { set: vec!["name=1".into(), wrong.into()], ..Members::default() };
            assert!(members.body(json!({})).is_err(), "{wrong}");
        }
    }
}
