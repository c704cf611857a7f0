//! An endpoint: the URL at which a service answers, for one kind of caller, in one region or in none.
//!
//! A body may name the region by the older member `region`; only then is a region made that does not exist, for clients
//! that know no regions.

use serde_json::Value;

use super::domain::same_id;
use super::fields::{self, Extra, Fields, wrong_type};
use crate::error::{Error, Result};

const INTERFACES: [&str; 3] = ["admin", "internal", "public"];

/// What a URL may refer to, as `$(name)s` or `%(name)s`.
const URL_NAMES: [&str; 5] = ["tenant_id", "project_id", "user_id", "compute_host", "public_endpoint"];

/// An endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// The service that it belongs to.
    pub service_id: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Its region.
    pub region_id: Option<String>,
    /// Its URL, with `$(project_id)s` and the like in it.
    pub url: String,
    /// A disabled endpoint is in no catalog.
    pub enabled: bool,
    /// Further attributes; `name` and `description` are among them, as in Keystone.
    pub extra: Extra,
}

/// What a PATCH changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    service_id: Option<String>,
    interface: Option<String>,
    region_id: Option<Option<String>>,
    url: Option<String>,
    enabled: Option<bool>,
    extra: Extra,
}

impl Endpoint {
    /// Reads the body of a POST.
    pub fn create(body: &Value, fresh_id: String) -> Result<Self> {
        let mut f = Fields::of(body, "endpoint")?;
        f.ignore(&["id", "links"]);
        let missing = |name: &str| Error::invalid_field("endpoint", format!("'{name}' is a required property"));
        Ok(Self {
            id: fresh_id,
            service_id: f.required_text("service_id", 0..=usize::MAX)?,
            interface: interface(&mut f)?.ok_or_else(|| missing("interface"))?,
            region_id: region(&mut f)?.flatten(),
            url: url(&mut f)?.ok_or_else(|| missing("url"))?,
            enabled: f.boolean("enabled")?.unwrap_or(true),
            extra: extra(f)?,
        })
    }

    /// This endpoint after a PATCH.
    #[must_use]
    pub fn updated(&self, update: Update) -> Self {
        let mut next = self.clone();
        next.service_id = update.service_id.unwrap_or(next.service_id);
        next.interface = update.interface.unwrap_or(next.interface);
        next.region_id = update.region_id.unwrap_or(next.region_id);
        next.url = update.url.unwrap_or(next.url);
        next.enabled = update.enabled.unwrap_or(next.enabled);
        fields::merge(&mut next.extra, update.extra);
        next
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "endpoint")?;
        if f.is_empty() {
            return Err(Error::invalid_field("endpoint", "the object does not have enough properties"));
        }
        same_id(&mut f, id)?;
        f.ignore(&["links"]);
        Ok(Self {
            service_id: f.text("service_id", 0..=usize::MAX)?,
            interface: interface(&mut f)?,
            region_id: region(&mut f)?,
            url: url(&mut f)?,
            enabled: f.boolean("enabled")?,
            extra: extra(f)?,
        })
    }
}

/// True when a body names its region by the older member, which makes the region if there is none.
pub fn makes_region(body: &Value) -> bool {
    let endpoint = &body["endpoint"];
    endpoint["region_id"].is_null() && !endpoint["region"].is_null()
}

/// Refuses what is no interface.
pub fn check_interface(path: &str, text: &str) -> Result<()> {
    if INTERFACES.contains(&text) {
        return Ok(());
    }
    Err(Error::invalid_field(path, format!("'{text:.40}' is not one of {INTERFACES:?}")))
}

fn interface(f: &mut Fields<'_>) -> Result<Option<String>> {
    let text = f.text("interface", 0..=usize::MAX)?;
    if let Some(text) = &text {
        check_interface(&f.path("interface"), text)?;
    }
    Ok(text)
}

/// The region by either member; `region_id` counts unless it is null.
fn region(f: &mut Fields<'_>) -> Result<Option<Option<String>>> {
    let id = f.nullable_text("region_id", 1..=255)?;
    let older = f.nullable_text("region", 1..=255)?;
    Ok(match (id, older) {
        (None | Some(None), Some(Some(name))) => Some(Some(name)),
        (id, _) => id,
    })
}

/// A URL whose substitutions can all be made; any other would silently be missing from every catalog.
fn url(f: &mut Fields<'_>) -> Result<Option<String>> {
    let Some(text) = f.text("url", 0..=225)? else { return Ok(None) };
    let of_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-');
    match text.split_once(':') {
        Some((scheme, rest))
            if !scheme.is_empty()
                && scheme.bytes().all(of_scheme)
                && rest.chars().next().is_some_and(|c| c != '\n') => {}
        _ => {
            return Err(Error::invalid_field(f.path("url"), format!("'{text}' does not match '^[a-zA-Z0-9+.-]+:.+'")));
        }
    }
    if !can_be_substituted(&text) {
        return Err(Error::invalid(format!("Cannot create an endpoint with an invalid URL: {text}.")));
    }
    Ok(Some(text))
}

/// Whether each `$(` and each `%` begins a known substitution; `%%` stands for itself.
fn can_be_substituted(url: &str) -> bool {
    let url = url.replace("$(", "%(");
    let mut rest = url.as_str();
    while let Some(at) = rest.find('%') {
        let from = &rest[at + 1..];
        let named = |name: &&str| from.strip_prefix('(')?.strip_prefix(*name)?.strip_prefix(")s");
        match from.strip_prefix('%').or_else(|| URL_NAMES.iter().find_map(named)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// The further attributes, of which Keystone knows the type of two.
fn extra(f: Fields<'_>) -> Result<Extra> {
    let (name, description) = (f.path("name"), f.path("description"));
    let extra = f.extra()?;
    if let Some(value) = extra.get("name").filter(|v| !v.is_string()) {
        return Err(wrong_type(&name, value, "string"));
    }
    if let Some(value) = extra.get("description").filter(|v| !v.is_string() && !v.is_null()) {
        return Err(wrong_type(&description, value, "string"));
    }
    Ok(extra)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A body that is in order but for `change`.
    fn body(change: Value) -> Value {
        let mut endpoint = json!({"service_id": "s", "interface": "public", "url": "http://h/v1"});
        endpoint.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({ "endpoint": endpoint })
    }

    fn create(change: Value) -> Result<Endpoint> {
        Endpoint::create(&body(change), "e".into())
    }

    #[test]
    fn an_endpoint_is_enabled_and_in_no_region_unless_the_body_says_otherwise() {
        let e = create(json!({"name": "n", "description": null})).unwrap();
        assert_eq!((e.enabled, e.region_id.as_deref(), e.url.as_str()), (true, None, "http://h/v1"));
        assert_eq!((&e.extra["name"], &e.extra["description"]), (&json!("n"), &json!(null)));
        for bad in [
            json!({"service_id": null}),
            json!({"interface": "Public"}),
            json!({"interface": 1}),
            json!({"enabled": "False"}),
            json!({"name": 1}),
            json!({"description": []}),
            json!({"region_id": ""}),
        ] {
            assert!(create(bad.clone()).is_err(), "{bad}");
        }
        for name in ["service_id", "interface", "url"] {
            let mut body = body(json!({}));
            body["endpoint"].as_object_mut().unwrap().remove(name);
            let text = Endpoint::create(&body, "e".into()).unwrap_err().to_string();
            assert_eq!(text, format!("endpoint: '{name}' is a required property"));
        }
    }

    #[test]
    fn a_url_has_a_scheme_and_refers_to_known_names_only() {
        for good in
            ["http://h", "a+b.c-1:x", "http://h/$(project_id)s", "http://h/%(tenant_id)s/$(user_id)s", "u:100%%"]
        {
            assert_eq!(create(json!({ "url": good })).unwrap().url, good);
        }
        let long = format!("http://{}", "x".repeat(219));
        for bad in [
            "",
            "h",
            ":x",
            "http:",
            "a b:c",
            &long,
            "http://h/$(nonexistent)s",
            "http://h/$(project_id)",
            "http://h/$(project_id)t",
            "http://h/$(project_id",
            "http://h/$(admin_url)d",
            "http://h/a%20b",
            "http://h/%",
        ] {
            assert!(create(json!({ "url": bad })).is_err(), "{bad}");
            assert!(Update::parse(&json!({"endpoint": {"url": bad}}), "e").is_err(), "{bad}");
        }
    }

    #[test]
    fn the_older_member_names_the_region_unless_the_newer_one_does() {
        for (change, region, makes) in [
            (json!({}), None, false),
            (json!({"region": null}), None, false),
            (json!({"region": "a"}), Some("a"), true),
            (json!({"region": "a", "region_id": null}), Some("a"), true),
            (json!({"region": "a", "region_id": "b"}), Some("b"), false),
            (json!({"region_id": "b"}), Some("b"), false),
        ] {
            assert_eq!(create(change.clone()).unwrap().region_id.as_deref(), region, "{change}");
            assert_eq!(makes_region(&body(change.clone())), makes, "{change}");
            assert!(!create(change).unwrap().extra.contains_key("region"));
        }
        assert!(!makes_region(&json!({"endpoint": 1})) && !makes_region(&json!([])));
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let e = create(json!({"region_id": "r", "a": 1})).unwrap();
        let update = |body: Value| Update::parse(&json!({ "endpoint": body }), "e");
        let next = e.updated(update(json!({"region_id": null, "interface": "admin", "id": "e"})).unwrap());
        assert_eq!((next.region_id, next.interface.as_str(), next.url.as_str()), (None, "admin", "http://h/v1"));
        let next = e.updated(update(json!({"region": null, "b": 2})).unwrap());
        assert_eq!(next.region_id.as_deref(), Some("r"));
        assert_eq!((&next.extra["a"], &next.extra["b"]), (&json!(1), &json!(2)));
        for bad in [json!({}), json!({"id": "other"}), json!({"interface": "x"}), json!({"service_id": null})] {
            assert!(update(bad.clone()).is_err(), "{bad}");
        }
    }
}
