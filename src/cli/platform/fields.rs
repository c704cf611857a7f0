//! What the command line says of a platform: the members that most have as options, and all by `--set` or in a file. A secret
//! never is an argument, which every user of the machine could read.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::mapping::read::file as text_of;
use crate::cli::members::Members;
use crate::error::{Error, Result};

/// Members that hold secrets.
const SECRETS: [&str; 3] = ["accessKeySecret", "password", "scimToken"];

/// Members of a platform.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct Fields {
    /// Base URL of its API.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Its key's id there.
    #[arg(long, value_name = "ID")]
    access_key_id: Option<String>,
    /// File with the key's secret, or what messages to a webhook are signed by; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A user there who may make a key.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File with that user's password; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Base URL of its SCIM server, for users and groups.
    #[arg(long, value_name = "URL")]
    scim_endpoint: Option<String>,
    /// File with the token that its SCIM server wants; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    scim_token_file: Option<PathBuf>,
    #[command(flatten)]
    members: Members,
}

impl Fields {
    /// The body with these members beside those of `base`, which stay.
    pub(super) fn body(&self, base: Value) -> Result<Value> {
        for name in SECRETS {
            if self.members.literal(name) {
                let why = "a secret is no argument, which others could read: write @FILE";
                return Err(Error::invalid_field(format!("--set {name}"), why));
            }
        }
        let files = [&self.secret_file, &self.password_file, &self.scim_token_file];
        let inputs = files.iter().filter(|f| f.as_deref() == Some(Path::new("-"))).count();
        if inputs + usize::from(self.members.reads_input()) > 1 {
            return Err(Error::invalid("standard input can be read once: name files for the others"));
        }
        let Value::Object(mut body) = self.members.body(base)? else { return Ok(json!({})) };
        let texts = [
            ("endpoint", &self.endpoint),
            ("accessKeyId", &self.access_key_id),
            ("username", &self.username),
            ("scimEndpoint", &self.scim_endpoint),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        for (name, file) in SECRETS.iter().zip(files) {
            if let Some(file) = file {
                body.insert((*name).to_owned(), json!(secret(file)?));
            }
        }
        Ok(Value::Object(body))
    }
}

/// What a file holds, without the end of its line.
fn secret(file: &Path) -> Result<String> {
    let text = text_of(file)?;
    let secret = text.trim_end_matches(['\r', '\n']).to_owned();
    // An empty one would mean that the one before is kept.
    if secret.is_empty() {
        return Err(Error::invalid(format!("{}: the secret is empty", file.display())));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_files_and_never_from_arguments() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "s3cret\n").unwrap();
        let fields = Fields {
            endpoint: Some("https://cloud.example".into()),
            access_key_id: Some("key".into()),
            secret_file: Some(file.clone()),
            members: Members::of(&["uiUrl=https://ui.example", &format!("scimToken=@{}", file.display())]),
            ..Fields::default()
        };
        let expected = json!({
            "name": "n", "endpoint": "https://cloud.example", "accessKeyId": "key", "accessKeySecret": "s3cret",
            "uiUrl": "https://ui.example", "scimToken": "s3cret",
        });
        assert_eq!(fields.body(json!({"name": "n"})).unwrap(), expected);
        for name in SECRETS {
            let wrong = Fields { members: Members::of(&[&format!("{name}=canary")]), ..Fields::default() };
            let error = wrong.body(json!({})).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("canary"), "{error}");
        }
        // What takes one away is no secret.
        let none = Fields { members: Members::of(&["scimToken=null"]), ..Fields::default() };
        assert_eq!(none.body(json!({})).unwrap(), json!({"scimToken": null}));
    }

    #[test]
    fn an_empty_secret_and_standard_input_for_two_are_refused() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let fields = Fields { secret_file: Some(empty.path().to_owned()), ..Fields::default() };
        assert!(fields.body(json!({})).unwrap_err().to_string().contains("empty"));
        let input = Some(PathBuf::from("-"));
        let twice = Fields { secret_file: input.clone(), scim_token_file: input, ..Fields::default() };
        assert!(twice.body(json!({})).unwrap_err().to_string().contains("once"));
    }
}
