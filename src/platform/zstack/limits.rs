//! What ZStack's columns hold (sso-api §7.7): a value that is too long is refused before it is sent, with its name.

use serde_json::{Map, Value};

use crate::platform::{Problem, Trouble};

/// Members that hold more or less than the usual 255 characters.
const OTHERS: [(&str, usize); 7] = [
    ("redirectUrl", 256),
    ("urlTemplate", 2_048),
    ("description", 2_048),
    // A directory's.
    ("url", 1_024),
    ("base", 1_024),
    ("username", 1_024),
    // A text column.
    ("idpMetadataBase64", usize::MAX),
];
const USUAL: usize = 255;

/// Checks all members.
pub fn check(params: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in params {
        let most = OTHERS.iter().find(|(other, _)| other == name).map_or(USUAL, |(_, most)| *most);
        let texts: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if texts.iter().any(|text| text.chars().count() > most) {
            return Err(Problem::new(
                Trouble::Refused,
                format!("The platform takes {most} characters at most for '{name}'; the configuration has more."),
            ));
        }
    }
    Ok(())
}
