//! Bodies of requests about tenants.

use serde_json::Value;

use super::{Branding, Settings, SigningAlgorithm, is_slug};
use crate::error::{Error, Result};
use crate::model::fields::Fields;
use crate::model::setting::{self, boolean, checked, finish, missing, number, put, put_maybe, text, texts, word};
use crate::model::web;

/// Slugs that would be taken for something else.
const RESERVED: [&str; 3] = ["identify", "authenticate", "platform"];
/// Longest session, in seconds: thirty days.
const LONGEST_SESSION: i64 = 30 * 86_400;
/// Longest time that a refresh token waits for its next use, in seconds: a year.
const LONGEST_REFRESH: i64 = 365 * 86_400;
/// How long access tokens may last, in seconds.
pub const ACCESS_TOKEN_SECS: std::ops::RangeInclusive<i64> = 60..=86_400;

/// The tenant that a body names. It is read before the rest, as it decides who may know of the rest.
pub fn tenant_id(body: &Value) -> Result<String> {
    let mut f = Fields::at(body, "")?;
    f.text("tenant_id", 1..=64)?.ok_or_else(|| missing(&f, "tenant_id"))
}

/// The body of a POST.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// What stands in its addresses.
    pub slug: String,
    /// The name of the domain that is made with it.
    pub name: Option<String>,
    /// The domain that it is, if that is there already.
    pub domain_id: Option<String>,
    /// Whether people may sign in.
    pub active: bool,
    /// The rest.
    pub settings: Settings,
}

/// What a PATCH changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Update<'a> {
    /// Another slug; the one before still leads there.
    pub slug: Option<String>,
    /// The slug that the issuer names: one of the tenant's own.
    pub issuer_slug: Option<String>,
    /// Whether people may sign in.
    pub active: Option<bool>,
    /// Settings, merged into those that are stored.
    settings: Option<&'a Value>,
}

impl Create {
    /// Reads the body of a POST.
    pub fn parse(body: &Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        let mut settings = Settings::default();
        if let Some(value) = f.raw("settings").filter(|v| !v.is_null()) {
            settings.merge(value)?;
        }
        let create = Self {
            slug: slug(&mut f, "slug")?.ok_or_else(|| missing(&f, "slug"))?,
            name: text(&mut f, "name", 64)?.flatten(),
            domain_id: f.nullable_text("domain_id", 1..=64)?.flatten(),
            active: boolean(&mut f, "active")?.flatten().unwrap_or(true),
            settings,
        };
        finish(&f)?;
        if create.name.is_some() && create.domain_id.is_some() {
            return Err(Error::invalid_field(
                "name",
                "names a domain that is made; the domain of domain_id has a name",
            ));
        }
        Ok(create)
    }
}

impl<'a> Update<'a> {
    /// Reads the body of a PATCH.
    pub fn parse(body: &'a Value) -> Result<Self> {
        let mut f = Fields::at(body, "")?;
        if f.raw("name").is_some() {
            return Err(Error::invalid_field("name", "is the domain's; pages show settings.display_name"));
        }
        let update = Self {
            slug: slug(&mut f, "slug")?,
            issuer_slug: slug(&mut f, "issuer_slug")?,
            active: boolean(&mut f, "active")?.map(|read| read.unwrap_or(true)),
            settings: f.raw("settings"),
        };
        finish(&f)?;
        Ok(update)
    }

    /// The settings after this change. Null brings all defaults back.
    pub fn settings(&self, stored: &Settings) -> Result<Settings> {
        let mut next = stored.clone();
        match self.settings {
            None => {}
            Some(Value::Null) => next = Settings::default(),
            Some(value) => next.merge(value)?,
        }
        Ok(next)
    }
}

fn slug(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    let slug = f.text(name, 0..=63)?;
    match &slug {
        Some(text) if !is_slug(text) => Err(Error::invalid_field(
            f.path(name),
            "a slug has 1 to 63 lower-case letters, digits and hyphens, and neither begins nor ends with a hyphen",
        )),
        Some(text) if RESERVED.contains(&text.as_str()) => {
            Err(Error::invalid_field(f.path(name), "this word is reserved"))
        }
        _ => Ok(slug),
    }
}

impl Settings {
    /// Takes in what the member `settings` of a body says.
    pub fn merge(&mut self, value: &Value) -> Result<()> {
        let mut f = Fields::at(value, "settings")?;
        let f = &mut f;
        let default = Self::default();
        put_maybe(&mut self.display_name, text(f, "display_name", 255)?);
        put_maybe(&mut self.default_redirect_url, address(f, "default_redirect_url")?);
        put(&mut self.local_login, boolean(f, "local_login")?, default.local_login);
        match f.raw("branding") {
            None => {}
            Some(Value::Null) => self.branding = Branding::default(),
            Some(value) => self.branding.merge(value)?,
        }
        put(&mut self.require_pkce, boolean(f, "require_pkce")?, default.require_pkce);
        put(&mut self.session_secs, number(f, "session_secs", 300..=LONGEST_SESSION)?, default.session_secs);
        put(
            &mut self.session_idle_secs,
            number(f, "session_idle_secs", 60..=LONGEST_SESSION)?,
            default.session_idle_secs,
        );
        put(&mut self.access_token_secs, number(f, "access_token_secs", ACCESS_TOKEN_SECS)?, default.access_token_secs);
        put(
            &mut self.refresh_token_secs,
            number(f, "refresh_token_secs", 300..=LONGEST_REFRESH)?,
            default.refresh_token_secs,
        );
        put(&mut self.id_token_alg, algorithm(f, "id_token_alg")?, default.id_token_alg);
        put(&mut self.frame_ancestors, texts(f, "frame_ancestors", 20, web::MAX_URL, web::origin)?, Vec::new());
        put_maybe(&mut self.user_limit, number(f, "user_limit", 0..=100_000_000)?);
        put(&mut self.direct_login_tokens, boolean(f, "direct_login_tokens")?, default.direct_login_tokens);
        put(&mut self.sign_metadata, boolean(f, "sign_metadata")?, default.sign_metadata);
        finish(f)
    }
}

impl Branding {
    fn merge(&mut self, value: &Value) -> Result<()> {
        let mut f = Fields::at(value, "settings.branding")?;
        let f = &mut f;
        put_maybe(&mut self.logo_url, checked(f, "logo_url", usize::MAX, web::picture)?);
        put_maybe(&mut self.primary_color, checked(f, "primary_color", 16, web::color)?);
        put_maybe(&mut self.background_color, checked(f, "background_color", 16, web::color)?);
        put_maybe(&mut self.support_url, checked(f, "support_url", web::MAX_URL, web::help)?);
        finish(f)
    }
}

/// An address that a browser may be sent to.
pub fn address(f: &mut Fields<'_>, name: &str) -> setting::Read<String> {
    checked(f, name, web::MAX_URL, |text| web::url(text).map(drop))
}

/// How ID tokens are signed.
pub fn algorithm(f: &mut Fields<'_>, name: &str) -> setting::Read<SigningAlgorithm> {
    word(f, name, SigningAlgorithm::ALL, SigningAlgorithm::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tenant_needs_a_slug_and_nothing_else() {
        let made = Create::parse(&json!({"slug": "acme"})).unwrap();
        assert_eq!((made.slug.as_str(), made.active, made.settings), ("acme", true, Settings::default()));
        for (body, place) in [
            (json!({}), "slug:"),
            (json!({"slug": "A"}), "slug:"),
            (json!({"slug": "platform"}), "slug:"),
            (json!({"slug": "identify"}), "slug:"),
            (json!({"slug": "authenticate"}), "slug:"),
            (json!({"slug": "a", "name": " "}), "name:"),
            (json!({"slug": "a", "name": "n", "domain_id": "d"}), "name:"),
            (json!({"slug": "a", "active": 1}), "active:"),
            (json!({"slug": "a", "settings": 1}), "settings:"),
            (json!({"slug": "a", "settings": {"session_secs": 1}}), "settings.session_secs:"),
            (json!({"slug": "a", "settings": {"access_token_secs": 86_401}}), "settings.access_token_secs:"),
            (json!({"slug": "a", "settings": {"default_redirect_url": "/x"}}), "settings.default_redirect_url:"),
            (
                json!({"slug": "a", "settings": {"branding": {"logo_url": "javascript:x"}}}),
                "settings.branding.logo_url:",
            ),
            (
                json!({"slug": "a", "settings": {"branding": {"primary_color": "red"}}}),
                "settings.branding.primary_color:",
            ),
            (json!({"slug": "a", "settings": {"frame_ancestors": ["*"]}}), "settings.frame_ancestors.0:"),
            (json!({"slug": "a", "settings": {"id_token_alg": "none"}}), "settings.id_token_alg:"),
        ] {
            let error = Create::parse(&body).unwrap_err().to_string();
            assert!(error.starts_with(place), "{body} {error}");
        }
    }

    #[test]
    fn adm_mass_1_members_that_are_not_for_the_caller_are_refused() {
        for name in ["id", "issuer", "slugs", "version", "created_at", "updated_at", "domain_enabled"] {
            for body in [json!({"slug": "a", (name): "x"}), json!({"slug": "a", "settings": {(name): "x"}})] {
                let error = Create::parse(&body).unwrap_err().to_string();
                assert!(error.contains(&format!("{name}: Extra")), "{body} {error}");
            }
            assert!(Update::parse(&json!({(name): "x"})).is_err(), "{name}");
        }
    }

    #[test]
    fn a_patch_merges_settings_and_null_brings_defaults_back() {
        let mut stored = Settings { local_login: false, session_secs: 600, ..Settings::default() };
        stored.branding.primary_color = Some("#112233".into());
        let apply = |settings: Value| {
            let body = json!({ "settings": settings });
            Update::parse(&body).unwrap().settings(&stored).unwrap()
        };
        let next = apply(json!({"session_secs": null, "branding": {"background_color": "#000000"}}));
        assert_eq!((next.local_login, next.session_secs), (false, 8 * 3_600));
        assert_eq!(next.branding.primary_color.as_deref(), Some("#112233"));
        assert_eq!(next.branding.background_color.as_deref(), Some("#000000"));
        assert_eq!(apply(json!(null)), Settings::default());
        assert_eq!(apply(json!({"branding": null})).branding, Branding::default());
    }
}
