//! An OpenID provider's claims as the attributes that mapping documents look for.
//!
//! Documents are written for mod_auth_openidc, which hands claims to Keystone as variables (`OIDC-email`) or as header
//! fields, whose CGI names are `HTTP_OIDC_EMAIL`. The same names are made here, so that such documents work unchanged, but
//! the values of an array stay separate and no text is split (`assertion`).

use serde_json::{Map, Value};

use super::assertion::Assertion;
use crate::error::Result;

/// The attribute that Huawei's mappings read the person's name from.
const NAME_ID: &str = "__NAMEID__";

/// Names that stand for a SAML message itself, whatever its attributes are called.
const SAML_OWN: [&str; 5] = [NAME_ID, "MELLON_NAME_ID", "REMOTE_USER", "MELLON_IDP", "Shib-Identity-Provider"];

/// How deep claims inside of claims are looked for.
const MAX_DEPTH: usize = 4;
/// Most claims that are found so.
const MAX_NESTED: usize = 200;

/// The assertion of verified claims. `prefixes` stand before the names of claims.
pub fn assertion(issuer: &str, subject: &str, claims: &Map<String, Value>, prefixes: &[String]) -> Result<Assertion> {
    let mut attributes = Vec::new();
    for (name, value) in flat(claims) {
        let values = values(value);
        let plain = !name.bytes().any(|b| b.is_ascii_uppercase() || b == b'-');
        let nested = !claims.contains_key(&name);
        for prefix in prefixes {
            let name = format!("{prefix}{name}");
            // Which claim a CGI name is of is the lower-case one's to say: `SUB` must not stand for `sub`, nor a claim inside of
            // another for one that stands by itself.
            attributes.push((cgi(&name), !plain || nested, values.clone()));
            attributes.push((name, false, values.clone()));
        }
    }
    attributes.push((NAME_ID.to_owned(), false, vec![subject.to_owned()]));
    // mod_auth_openidc's own default: the subject at the issuer, without the scheme.
    let issuer = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    attributes.push(("REMOTE_USER".to_owned(), false, vec![format!("{subject}@{issuer}")]));
    // A claim whose name differs only in what CGI makes equal must not add values to another's.
    attributes.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    attributes.dedup_by(|later, first| later.0 == first.0);
    Assertion::of_values(attributes.into_iter().map(|(name, _, values)| (name, values)))
}

/// The assertion of what a SAML identity provider says: attributes under their own names, as Shibboleth's module hands them
/// over, and under those of mod_auth_mellon; and the person's name by all the names that documents know it by.
pub fn of_saml(issuer: &str, subject: &str, claims: &Map<String, Value>) -> Result<Assertion> {
    let mut attributes = Vec::new();
    for (name, value) in claims {
        attributes.push((format!("MELLON_{name}"), values(value)));
        attributes.push((name.clone(), values(value)));
    }
    // What is said of the message itself comes first: no attribute may stand in its place.
    attributes.retain(|(name, _)| !SAML_OWN.contains(&name.as_str()));
    if !subject.is_empty() {
        for name in [NAME_ID, "MELLON_NAME_ID", "REMOTE_USER"] {
            attributes.push((name.to_owned(), vec![subject.to_owned()]));
        }
    }
    for name in ["MELLON_IDP", "Shib-Identity-Provider"] {
        attributes.push((name.to_owned(), vec![issuer.to_owned()]));
    }
    attributes.sort_by(|a, b| a.0.cmp(&b.0));
    attributes.dedup_by(|later, first| later.0 == first.0);
    Assertion::of_values(attributes)
}

/// All claims, and those inside of claims by the names of both with a dot between: `realm_access.roles`. A claim that bears
/// such a name itself comes first.
fn flat(claims: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut all: Vec<(String, &Value)> = claims.iter().map(|(name, value)| (name.clone(), value)).collect();
    let mut depth = 0;
    let mut level: Vec<(String, &Map<String, Value>)> =
        all.iter().filter_map(|(name, value)| Some((name.clone(), value.as_object()?))).collect();
    while !level.is_empty() && depth < MAX_DEPTH {
        depth += 1;
        let mut below = Vec::new();
        for (outer, map) in level {
            for (name, value) in map.iter().take(MAX_NESTED) {
                let name = format!("{outer}.{name}");
                if claims.contains_key(&name) || all.len() >= claims.len() + MAX_NESTED {
                    continue;
                }
                below.extend(value.as_object().map(|map| (name.clone(), map)));
                all.push((name, value));
            }
        }
        level = below;
    }
    all
}

/// The name of a header field as a CGI variable (RFC 3875 §4.1.18).
fn cgi(name: &str) -> String {
    let upper = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("HTTP_{}", upper.collect::<String>())
}

/// The values of a claim as text: those of an array one by one, truth values as 1 and 0, what has parts as JSON.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => {
            items.iter().flat_map(|item| if item.is_array() { vec![item.to_string()] } else { values(item) }).collect()
        }
        Value::String(text) => vec![text.clone()],
        Value::Bool(yes) => vec![if *yes { "1" } else { "0" }.to_owned()],
        Value::Number(n) => vec![n.to_string()],
        Value::Object(_) => vec![value.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn made(claims: Value) -> Assertion {
        let prefixes = ["OIDC-".to_owned(), "OIDC_CLAIM_".to_owned()];
        assertion("https://idp.example/realm", "s1", claims.as_object().unwrap(), &prefixes).unwrap()
    }

    #[test]
    fn claims_have_the_names_that_existing_documents_use() {
        let a = made(
            json!({"iss": "https://idp.example/realm", "preferred_username": "bob", "email_verified": true, "n": 7}),
        );
        let one = |name: &str| a.get(name).map(|v| v.join("|"));
        for name in ["OIDC-iss", "HTTP_OIDC_ISS", "OIDC_CLAIM_iss", "HTTP_OIDC_CLAIM_ISS"] {
            assert_eq!(one(name).as_deref(), Some("https://idp.example/realm"), "{name}");
        }
        assert_eq!(one("HTTP_OIDC_PREFERRED_USERNAME").as_deref(), Some("bob"));
        assert_eq!(one("OIDC-email_verified").as_deref(), Some("1"));
        assert_eq!(one("OIDC-n").as_deref(), Some("7"));
        assert_eq!(one("__NAMEID__").as_deref(), Some("s1"));
        assert_eq!(one("REMOTE_USER").as_deref(), Some("s1@idp.example/realm"));
    }

    #[test]
    fn ks_map_6_arrays_are_values_and_texts_are_never_split() {
        let a = made(json!({"groups": ["a;b", "c"], "name": "x;y", "empty": [], "none": null, "address": {"a": [1]}}));
        assert_eq!(a.get("OIDC-groups").unwrap(), ["a;b", "c"]);
        assert_eq!(a.get("OIDC-name").unwrap(), ["x;y"]);
        assert_eq!((a.get("OIDC-empty"), a.get("OIDC-none")), (None, None));
        assert_eq!(a.get("OIDC-address").unwrap(), [r#"{"a":[1]}"#]);
    }

    #[test]
    fn ks_map_9_a_claim_cannot_add_to_another_by_a_name_that_cgi_makes_equal() {
        let a = made(json!({"user-groups": ["x"], "user_groups": ["y"]}));
        assert_eq!(a.get("HTTP_OIDC_USER_GROUPS").unwrap(), ["y"]);
        let a = made(json!({"sub": "s1", "SUB": "root", "Sub": "root"}));
        assert_eq!(
            (a.get("HTTP_OIDC_SUB").unwrap(), a.get("OIDC-SUB").unwrap()),
            (["s1".to_owned()].as_slice(), ["root".to_owned()].as_slice())
        );
    }

    #[test]
    fn ks_map_9_no_claim_takes_the_place_of_what_the_service_says_itself() {
        let a = made(json!({"REMOTE_USER": "root", "__NAMEID__": "root"}));
        assert_eq!(a.get("REMOTE_USER").unwrap(), ["s1@idp.example/realm"]);
        assert_eq!(a.get("__NAMEID__").unwrap(), ["s1"]);
    }
}
