//! A user who is known by name and password.

use serde_json::Value;

use super::domain::same_id;
use super::fields::{self, Extra, Fields, OptionKind};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::secret::Secret;

/// The options a user may carry (Keystone's names).
pub const OPTIONS: &[(&str, OptionKind)] = &[
    ("ignore_change_password_upon_first_use", OptionKind::Boolean),
    ("ignore_password_expiry", OptionKind::Boolean),
    ("ignore_lockout_failure_attempts", OptionKind::Boolean),
    ("ignore_user_inactivity", OptionKind::Boolean),
    ("lock_password", OptionKind::Boolean),
    ("multi_factor_auth_enabled", OptionKind::Boolean),
    ("multi_factor_auth_rules", OptionKind::MfaRules),
];

/// A user.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// Their id.
    pub id: String,
    /// Their domain.
    pub domain_id: String,
    /// Their name, unique in the domain.
    pub name: String,
    /// A disabled user cannot sign in and their tokens are void.
    pub enabled: bool,
    /// Where a login without a scope leads, if they hold a role there.
    pub default_project_id: Option<String>,
    /// Further attributes: `email`, `description` and whatever else.
    pub extra: Extra,
    /// Resource options.
    pub options: Extra,
    /// When the current password ends; `None` means never.
    pub password_expires_at: Option<Timestamp>,
}

/// What a token has to know of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The user.
    pub user: User,
    /// Their domain's name.
    pub domain_name: String,
    /// Whether their domain is enabled.
    pub domain_enabled: bool,
}

/// What stands between a name and a login.
#[derive(Debug, Clone)]
pub struct LoginState {
    /// Hash of the current password, if the user has one.
    pub hash: Option<String>,
    /// When that password ends.
    pub expires_at: Option<Timestamp>,
    /// Failed attempts since the last success.
    pub failed_count: i64,
    /// Time of the last failed attempt.
    pub failed_at: Option<Timestamp>,
}

/// The body of a POST.
#[derive(Debug)]
pub struct Create {
    /// The user to be, with the id and domain that the service gave.
    pub user: User,
    /// Their password, if they are to have one.
    pub password: Option<Secret>,
}

/// What a PATCH changes.
#[derive(Debug, Default)]
pub struct Update {
    name: Option<String>,
    enabled: Option<bool>,
    default_project_id: Option<Option<String>>,
    options: Option<Extra>,
    extra: Extra,
    /// `Some(None)` takes the password away.
    pub password: Option<Option<Secret>>,
    /// A domain that the body repeats; it must be the user's own.
    pub domain_id: Option<String>,
}

impl User {
    /// Reads the body of a POST. `domain_id` is the domain of the caller's scope, for a body that names none.
    pub fn create(body: &Value, fresh_id: String, domain_id: Option<&str>) -> Result<Create> {
        let mut f = Fields::of(body, "user")?;
        f.ignore(&["id", "links", "password_expires_at", "federated"]);
        let name = f.required_text("name", 1..=255)?;
        let domain_id = match f.nullable_text("domain_id", 1..=64)?.flatten() {
            Some(id) => id,
            None => domain_id.map(str::to_owned).ok_or_else(|| {
                crate::error::Error::invalid_field(
                    "user.domain_id",
                    "the domain is required, as the token has no domain scope",
                )
            })?,
        };
        let password = f.nullable_text("password", 0..=usize::MAX)?.flatten().map(Secret::new);
        let mut options = Extra::new();
        fields::merge_options(&mut options, fields::options(&mut f, OPTIONS)?.unwrap_or_default());
        let user = Self {
            id: fresh_id,
            domain_id,
            name,
            enabled: f.boolean("enabled")?.unwrap_or(true),
            default_project_id: f.nullable_text("default_project_id", 1..=64)?.flatten(),
            options,
            extra: extra(f)?,
            password_expires_at: None,
        };
        Ok(Create { user, password })
    }

    /// This user after a PATCH.
    #[must_use]
    pub fn updated(&self, update: &Update) -> Self {
        let mut next = self.clone();
        next.name = update.name.clone().unwrap_or(next.name);
        next.enabled = update.enabled.unwrap_or(next.enabled);
        next.default_project_id = update.default_project_id.clone().unwrap_or(next.default_project_id);
        fields::merge(&mut next.extra, update.extra.clone());
        fields::merge_options(&mut next.options, update.options.clone().unwrap_or_default());
        next
    }

    /// True when the user's options switch `name` on.
    pub fn option(&self, name: &str) -> bool {
        self.options.get(name).and_then(Value::as_bool).unwrap_or(false)
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "user")?;
        same_id(&mut f, id)?;
        f.ignore(&["links", "password_expires_at", "federated"]);
        Ok(Self {
            name: f.text("name", 1..=255)?,
            enabled: f.boolean("enabled")?,
            default_project_id: f.nullable_text("default_project_id", 1..=64)?,
            password: f.nullable_text("password", 0..=usize::MAX)?.map(|p| p.map(Secret::new)),
            domain_id: f.text("domain_id", 1..=64)?,
            options: fields::options(&mut f, OPTIONS)?,
            extra: extra(f)?,
        })
    }
}

/// Further attributes; a description among them is text or null.
fn extra(mut f: Fields<'_>) -> Result<Extra> {
    let description = f.nullable_text("description", 0..=usize::MAX)?;
    let mut extra = f.extra()?;
    if let Some(description) = description {
        extra.insert("description".to_owned(), description.into());
    }
    Ok(extra)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_password_is_taken_out_of_the_attributes_and_never_shown() {
        let body = json!({"user": {"name": "ann", "password": "hush", "email": "a@x", "domain_id": "d"}});
        let created = User::create(&body, "u1".into(), None).unwrap();
        assert!(created.password.is_some());
        assert_eq!(created.user.extra.keys().collect::<Vec<_>>(), ["email"]);
        assert!(!format!("{created:?}").contains("hush"));
    }

    #[test]
    fn the_callers_domain_is_used_when_the_body_names_none() {
        let body = json!({"user": {"name": "ann"}});
        assert_eq!(User::create(&body, "u1".into(), Some("mine")).unwrap().user.domain_id, "mine");
        assert!(User::create(&body, "u1".into(), None).is_err());
    }

    #[test]
    fn a_patch_tells_taking_a_password_away_from_leaving_it() {
        let gone = Update::parse(&json!({"user": {"password": null}}), "u").unwrap();
        assert!(matches!(gone.password, Some(None)));
        assert!(Update::parse(&json!({"user": {"name": "b"}}), "u").unwrap().password.is_none());
    }
}
