//! A service provider (OS-FEDERATION): another cloud that takes our assertions (Keystone to Keystone).

use serde_json::Value;

use super::fields::Fields;
use crate::error::{Error, Result};

/// Longest URL, in characters.
const MAX_URL: usize = 225;
/// A description is as long as a body may be.
const MAX_DESCRIPTION: usize = usize::MAX;
/// Longest prefix of a relay state, in characters.
const MAX_PREFIX: usize = 256;
/// What stands before the relay state of an assertion (SAML ECP), unless something else is said.
pub const RELAY_STATE_PREFIX: &str = "ss:mem:";

/// A service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Its id, chosen by whoever makes it.
    pub id: String,
    /// Where a token is got there with an assertion.
    pub auth_url: String,
    /// Where the assertion is sent.
    pub sp_url: String,
    /// A disabled one is in no token.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
    /// What stands before the relay state of an assertion.
    pub relay_state_prefix: String,
}

/// What a token says of an enabled service provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// See [`ServiceProvider::auth_url`].
    pub auth_url: String,
    /// See [`ServiceProvider::sp_url`].
    pub sp_url: String,
}

/// What a PATCH changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    auth_url: Option<String>,
    sp_url: Option<String>,
    enabled: Option<bool>,
    description: Option<Option<String>>,
    relay_state_prefix: Option<String>,
}

impl Update {
    /// Reads the body of a PATCH; it must name something.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, "service_provider")?;
        if f.is_empty() {
            return Err(Error::invalid_field("service_provider", "the object does not have enough properties"));
        }
        Self::read(&mut f).and_then(|update| f.finish().map(|()| update))
    }

    fn read(f: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            auth_url: url(f, "auth_url")?,
            sp_url: url(f, "sp_url")?,
            enabled: f.boolean("enabled")?,
            description: f.nullable_text("description", 0..=MAX_DESCRIPTION)?,
            relay_state_prefix: f
                .nullable_text("relay_state_prefix", 0..=MAX_PREFIX)?
                .map(|prefix| prefix.unwrap_or_else(|| RELAY_STATE_PREFIX.to_owned())),
        })
    }
}

impl ServiceProvider {
    /// The service provider that the body of a PUT describes.
    pub fn create(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "service_provider")?;
        let Update { auth_url, sp_url, enabled, description, relay_state_prefix } = Update::read(&mut f)?;
        let missing = |name: &str| Error::invalid_field("service_provider", format!("'{name}' is a required property"));
        let made = Self {
            id: id.to_owned(),
            auth_url: auth_url.ok_or_else(|| missing("auth_url"))?,
            sp_url: sp_url.ok_or_else(|| missing("sp_url"))?,
            enabled: enabled.unwrap_or(false),
            description: description.flatten(),
            relay_state_prefix: relay_state_prefix.unwrap_or_else(|| RELAY_STATE_PREFIX.to_owned()),
        };
        f.finish()?;
        Ok(made)
    }

    /// This service provider after a PATCH.
    pub fn updated(&self, update: Update) -> Self {
        Self {
            id: self.id.clone(),
            auth_url: update.auth_url.unwrap_or_else(|| self.auth_url.clone()),
            sp_url: update.sp_url.unwrap_or_else(|| self.sp_url.clone()),
            enabled: update.enabled.unwrap_or(self.enabled),
            description: update.description.unwrap_or_else(|| self.description.clone()),
            relay_state_prefix: update.relay_state_prefix.unwrap_or_else(|| self.relay_state_prefix.clone()),
        }
    }
}

/// A URL of any scheme, as Keystone's `^[a-zA-Z0-9+.-]+:.+` has it.
fn url(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    let Some(text) = f.text(name, 0..=MAX_URL)? else { return Ok(None) };
    let sound = text.split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
            && !rest.is_empty()
            && !rest.starts_with('\n')
    });
    if !sound {
        return Err(Error::invalid_field(f.path(name), format!("'{text}' does not match '^[a-zA-Z0-9+.-]+:.+'")));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(member: &str, value: Value) -> Value {
        let mut inner = json!({"auth_url": "https://a/auth", "sp_url": "https://a/sp"});
        inner[member] = value;
        json!({ "service_provider": inner })
    }

    fn stored() -> ServiceProvider {
        ServiceProvider::create(&with("description", json!("d")), "sp").unwrap()
    }

    #[test]
    fn defaults_are_disabled_and_keystones_prefix() {
        assert_eq!((stored().enabled, stored().relay_state_prefix.as_str()), (false, "ss:mem:"));
        let other = ServiceProvider::create(&with("relay_state_prefix", json!("x:")), "sp").unwrap();
        assert_eq!(other.relay_state_prefix, "x:");
        let null = Update::parse(&json!({"service_provider": {"relay_state_prefix": null}})).unwrap();
        assert_eq!(other.updated(null).relay_state_prefix, "ss:mem:");
    }

    #[test]
    fn the_schema_refuses_what_it_must_and_names_the_member() {
        for (member, value) in [
            ("auth_url", json!(null)),
            ("auth_url", json!("no url")),
            ("auth_url", json!(":x")),
            ("auth_url", json!("http:")),
            ("sp_url", json!("https://ü".replace("https", "hütte"))),
            ("sp_url", json!(format!("http:{}", "x".repeat(221)))),
            ("enabled", json!("true")),
            ("description", json!(1)),
            ("relay_state_prefix", json!(1)),
            ("relay_state_prefix", json!("x".repeat(257))),
            ("id", json!("x")),
            ("links", json!({})),
        ] {
            let body = with(member, value);
            assert!(ServiceProvider::create(&body, "sp").unwrap_err().to_string().contains(member), "{body}");
            assert!(Update::parse(&body).unwrap_err().to_string().contains(member), "{body}");
        }
        assert!(ServiceProvider::create(&with("sp_url", json!(format!("http:{}", "x".repeat(220)))), "sp").is_ok());
        for inner in [json!({}), json!({"auth_url": "a:b"})] {
            let error = ServiceProvider::create(&json!({ "service_provider": inner }), "sp").unwrap_err();
            assert!(error.to_string().contains("is a required property"));
        }
        assert!(Update::parse(&json!({"service_provider": {}})).is_err());
    }

    #[test]
    fn a_patch_leaves_what_it_does_not_name() {
        let patch = |inner: Value| Update::parse(&json!({ "service_provider": inner })).unwrap();
        let next = stored().updated(patch(json!({"enabled": true, "sp_url": "x:y"})));
        assert_eq!(next, ServiceProvider { enabled: true, sp_url: "x:y".into(), ..stored() });
        assert_eq!(stored().updated(patch(json!({"description": null}))).description, None);
    }
}
