//! Reading a file of configurations, and the secrets that it names.
//!
//! The file holds a list under `configurations`, each entry a create's body. A secret never stands in it: where one belongs
//! there is `{env: NAME}` or `{file: PATH}`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cli::mapping::read::file as text_of;
use crate::error::{Error, Result};
use crate::model::sso_config::attributes::Order;

/// Members of entries that hold secrets, by their block.
const SECRETS: [(&str, &str); 3] =
    [("oidcConfig", "clientSecret"), ("samlConfig", "spPrivateKeyPem"), ("ldapConfig", "bindPassword")];

/// One entry, with its secrets.
pub(super) struct Entry {
    /// A create's body.
    pub(super) body: Value,
    /// The keys of its attribute mappings in order.
    pub(super) order: Vec<String>,
    /// The configuration it is about, where its issuer does not say.
    pub(super) uuid: Option<String>,
}

#[derive(Deserialize)]
struct Ordered {
    configurations: Vec<Order>,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>> {
    let text = text_of(path)?;
    let name = path.display();
    // A snippet of the file in an error could be of a secret that does not belong there.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 1_000_000, max_depth: 32, max_aliases: 100, max_anchors: 100, max_documents: 1 },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    let document: Value =
        serde_saphyr::from_str_with_options(&text, options).map_err(|e| Error::invalid(format!("{name}: {e}")))?;
    let Some(entries) = document.get("configurations").and_then(Value::as_array) else {
        return Err(Error::invalid(format!("{name}: a list `configurations` is needed")));
    };
    let ordered: Vec<Order> = serde_saphyr::from_str::<Ordered>(&text).map(|o| o.configurations).unwrap_or_default();
    let mut orders = ordered.into_iter();
    let base = path.parent().unwrap_or(Path::new(".")).to_owned();
    let mut read = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        let order = orders.next().unwrap_or_default().keys();
        read.push(one(entry, order, &base).map_err(|e| within(i, e))?);
    }
    Ok(read)
}

/// An error about an entry, with its place.
pub(super) fn within(i: usize, error: Error) -> Error {
    let place = format!("configurations.{i}");
    match error {
        Error::Invalid { message, field } => {
            Error::invalid_field(field.map_or(place.clone(), |f| format!("{place}.{f}")), message)
        }
        Error::Conflict { message } => Error::conflict(format!("{place}: {message}")),
        Error::NotFound { message } => Error::not_found(format!("{place}: {message}")),
        other => other,
    }
}

fn one(entry: &Value, order: Vec<String>, base: &Path) -> Result<Entry> {
    let mut map = entry.as_object().cloned().ok_or_else(|| Error::invalid("an entry must be an object"))?;
    let uuid = map.remove("uuid").and_then(|v| v.as_str().map(str::to_owned));
    for (block, member) in SECRETS {
        let Some(Value::Object(own)) = map.get_mut(block) else { continue };
        let path = format!("{block}.{member}");
        let secret = match own.get(member) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(reference)) => {
                resolve(reference, base).map_err(|why| Error::invalid_field(path, why))?
            }
            Some(_) => {
                let why = "a secret does not stand in the file: write {env: NAME} or {file: PATH}";
                return Err(Error::invalid_field(path, why));
            }
        };
        own.insert(member.to_owned(), Value::String(secret));
    }
    Ok(Entry { body: Value::Object(map), order, uuid })
}

fn resolve(reference: &Map<String, Value>, base: &Path) -> std::result::Result<String, String> {
    let text = |name: &str| reference.get(name).and_then(Value::as_str);
    let found = match (reference.len(), text("env"), text("file")) {
        (1, Some(name), None) => std::env::var(name).map_err(|_| format!("the environment has no {name}"))?,
        (1, None, Some(file)) => {
            let path: PathBuf = base.join(file);
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?
        }
        _ => return Err("write {env: NAME} or {file: PATH}".to_owned()),
    };
    let secret = found.strip_suffix('\n').unwrap_or(&found).to_owned();
    if secret.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(secret) }
}
