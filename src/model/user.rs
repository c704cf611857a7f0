//! A user who is known by name and password.

use serde_json::Value;

use super::domain::same_id;
use super::federated_link::{self, FederatedLink};
use super::fields::{self, Extra, Fields, OptionKind};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
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

/// Longest e-mail address, in bytes (RFC 5321 §4.5.3.1).
const MAX_EMAIL: usize = 320;
/// Longest name that another identity source has for somebody, in characters.
const MAX_EXTERNAL_ID: usize = 255;
/// Longest form in which what people call somebody is looked for, in characters.
const MAX_KEY: usize = 255;
/// Seconds of a day.
pub const DAY_SECS: i64 = 86_400;

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
    /// When they last signed in by password or an administrator enabled them, else when they were made.
    pub active_at: Timestamp,
}

/// What stands between a name and a login.
#[derive(Debug, Clone)]
pub struct LoginState {
    /// Hash of the current password, if the user has one.
    pub hash: Option<String>,
    /// When that password was set.
    pub set_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether its user chose it, rather than an administrator.
    pub self_service: bool,
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
    /// Their identities at identity providers.
    pub federated: Vec<FederatedLink>,
}

/// What a PATCH changes.
#[derive(Debug, Default)]
pub struct Update {
    name: Option<String>,
    /// Whether the user is to be enabled.
    pub enabled: Option<bool>,
    default_project_id: Option<Option<String>>,
    options: Option<Extra>,
    extra: Extra,
    /// `Some(None)` takes the password away.
    pub password: Option<Option<Secret>>,
    /// A domain that the body repeats; it must be the user's own.
    pub domain_id: Option<String>,
    /// Takes the place of all their identities at identity providers.
    pub federated: Option<Vec<FederatedLink>>,
}

/// The form in which an e-mail address among somebody's attributes is looked for: in lower case; empty for none.
pub fn email_key(extra: &Extra) -> String {
    extra.get("email").and_then(Value::as_str).and_then(normal_email).unwrap_or_default()
}

/// The form in which what people call somebody is looked for among their attributes: in lower case, no longer than an index
/// can hold; empty for none.
pub fn display_key(extra: &Extra) -> String {
    let set = extra.get("display_name").and_then(Value::as_str).unwrap_or_default();
    set.chars().take(MAX_KEY).collect::<String>().to_lowercase()
}

/// The form in which an e-mail address is looked for; none for what is no address.
pub fn normal_email(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    let fits = text.len() <= MAX_EMAIL && !local.is_empty() && domain.contains(|c: char| c.is_alphanumeric());
    (plain && fits).then(|| text.to_lowercase()).filter(|key| key.len() <= MAX_EMAIL)
}

impl User {
    /// See [`email_key`].
    pub fn email_key(&self) -> String {
        email_key(&self.extra)
    }

    /// The form in which their name is looked for without regard to letter case.
    pub fn name_key(&self) -> String {
        self.name.to_lowercase()
    }

    /// See [`display_key`].
    pub fn display_key(&self) -> String {
        display_key(&self.extra)
    }

    /// What another identity source calls them: Huawei's `xuser_id`, by which SAML of the type `iam_user_sso` finds them. Empty
    /// for none.
    pub fn external_id(&self) -> &str {
        let set = self.extra.get("xuser_id").and_then(Value::as_str);
        set.filter(|id| id.chars().count() <= MAX_EXTERNAL_ID && !id.contains('\0')).unwrap_or_default()
    }

    /// Their e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.extra.get("email").and_then(Value::as_str).filter(|e| !e.is_empty())
    }

    /// Whether somebody has made sure that it is theirs.
    pub fn is_email_verified(&self) -> bool {
        self.email().is_some() && self.extra.get("email_verified") == Some(&Value::Bool(true))
    }

    /// What people call them.
    pub fn display_name(&self) -> &str {
        self.extra.get("display_name").and_then(Value::as_str).filter(|n| !n.is_empty()).unwrap_or(&self.name)
    }

    /// Reads the body of a POST. `domain_id` is the domain of the caller's scope, for a body that names none.
    pub fn create(body: &Value, fresh_id: String, domain_id: Option<&str>) -> Result<Create> {
        let mut f = Fields::of(body, "user")?;
        f.ignore(&["id", "links", "password_expires_at", "original_password"]);
        let name = name(&mut f)?.ok_or_else(|| Error::invalid_field("user", "'name' is a required property"))?;
        let domain_id = match f.id("domain_id")? {
            Some(id) => id,
            None => domain_id.map(str::to_owned).ok_or_else(|| {
                Error::invalid_field("user.domain_id", "the domain is required, as the token has no domain scope")
            })?,
        };
        let password = f.nullable_text("password", 0..=usize::MAX)?.flatten().map(Secret::new);
        let federated = federated_link::parse(&mut f)?.unwrap_or_default();
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
        Ok(Create { user, password, federated })
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

impl Identity {
    /// Whether they have been away for `days` days, by the calendar (UTC), and are not exempt. Zero days is never.
    pub fn is_inactive(&self, now: Timestamp, days: u32) -> bool {
        let away = now.secs().div_euclid(DAY_SECS) - self.active_at.secs().div_euclid(DAY_SECS);
        days > 0 && away >= i64::from(days) && !self.user.option("ignore_user_inactivity")
    }

    /// Whether they have not been seen today (UTC).
    pub fn is_first_today(&self, now: Timestamp) -> bool {
        self.active_at.secs().div_euclid(DAY_SECS) < now.secs().div_euclid(DAY_SECS)
    }
}

impl Update {
    /// Reads the body of a PATCH.
    pub fn parse(body: &Value, id: &str) -> Result<Self> {
        let mut f = Fields::of(body, "user")?;
        if f.is_empty() {
            return Err(Error::invalid_field("user", "{} does not have enough properties"));
        }
        same_id(&mut f, id)?;
        // A password is no attribute, whatever it is called.
        f.ignore(&["links", "password_expires_at", "original_password"]);
        Ok(Self {
            name: name(&mut f)?,
            enabled: f.boolean("enabled")?,
            default_project_id: f.nullable_text("default_project_id", 1..=64)?,
            password: f.nullable_text("password", 0..=usize::MAX)?.map(|p| p.map(Secret::new)),
            domain_id: f.text("domain_id", 1..=64)?,
            federated: federated_link::parse(&mut f)?,
            options: fields::options(&mut f, OPTIONS)?,
            extra: extra(f)?,
        })
    }
}

/// A name, without the blanks around it.
fn name(f: &mut Fields<'_>) -> Result<Option<String>> {
    let Some(name) = f.text("name", 1..=255)? else { return Ok(None) };
    match name.trim() {
        "" => Err(Error::invalid_field(f.path("name"), "the value is blank")),
        name => Ok(Some(name.to_owned())),
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

    #[test]
    fn a_name_is_kept_without_the_blanks_around_it_and_is_not_blank() {
        let create = |name: &str| User::create(&json!({"user": {"name": name}}), "u".into(), Some("d"));
        assert_eq!(create(" ann\t").unwrap().user.name, "ann");
        for bad in ["", " ", &"x".repeat(256)] {
            assert!(create(bad).is_err(), "{bad:?}");
            assert!(Update::parse(&json!({"user": {"name": bad}}), "u").is_err(), "{bad:?}");
        }
        assert!(Update::parse(&json!({"user": {}}), "u").is_err(), "a change of nothing");
    }

    #[test]
    fn options_are_typed_and_null_takes_one_away() {
        let body = json!({"user": {"name": "ann", "options": {"lock_password": true, "ignore_user_inactivity": null}}});
        let user = User::create(&body, "u".into(), Some("d")).unwrap().user;
        assert_eq!(Value::from(user.options.clone()), json!({"lock_password": true}));
        let patch = |options: Value| Update::parse(&json!({"user": {"options": options}}), "u");
        let next = user.updated(&patch(json!({"lock_password": null, "ignore_password_expiry": true})).unwrap());
        assert_eq!(Value::from(next.options), json!({"ignore_password_expiry": true}));
        for bad in [
            json!({"lock_password": "yes"}),
            json!({"unknown": true}),
            json!({"multi_factor_auth_rules": [[]]}),
            json!({"multi_factor_auth_rules": [["totp", "totp"]]}),
            json!({"multi_factor_auth_rules": [["totp"], ["totp"]]}),
        ] {
            assert!(patch(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn who_was_away_for_days_of_the_calendar_is_inactive_unless_exempt() {
        let body = json!({"user": {"name": "ann"}});
        let user = User::create(&body, "u".into(), Some("d")).unwrap().user;
        let noon = Timestamp::from_secs(1_800_000_000).secs() / DAY_SECS * DAY_SECS + DAY_SECS / 2;
        let at = |days: i64, hours: i64| Timestamp::from_secs(noon + days * DAY_SECS + hours * 3_600);
        let mut ann = Identity { user, domain_name: "D".into(), domain_enabled: true, active_at: at(0, 0) };
        for (now, days, expected) in
            [(at(3, -12), 3, true), (at(3, -13), 3, false), (at(3, 0), 4, false), (at(3_000, 0), 0, false)]
        {
            assert_eq!(ann.is_inactive(now, days), expected, "{now} {days}");
        }
        assert!(!ann.is_first_today(at(0, 11)) && ann.is_first_today(at(0, 12)));
        ann.user.options.insert("ignore_user_inactivity".into(), true.into());
        assert!(!ann.is_inactive(at(9, 0), 3));
    }
}
