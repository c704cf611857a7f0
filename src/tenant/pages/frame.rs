//! What stands around every page: the tenant's name, logo and colours, and what the page may do.
//!
//! What a tenant has chosen comes from outside: an address that is none of the kinds that may stand here is left out.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::color::{self, Color};
use crate::error::{Error, Result};
use crate::http::page::{self, Policy};
use crate::http::reply::Reply;
use crate::model::tenant::Tenant;
use crate::service::App;

/// Around a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What it is called.
    pub title: String,
    /// The tenant's name.
    pub name: Option<String>,
    /// Its first letter, where there is no logo.
    pub initial: String,
    /// The tenant's logo.
    pub logo: Option<String>,
    /// Where people find help.
    pub support: Option<String>,
    /// The tenant's colours as a style.
    pub style: Option<String>,
    frames: Vec<String>,
}

/// Where the form of a page may lead. Browsers hold redirects after a form against this, too: a form that signs somebody in
/// ends at an application, or at an identity provider and whomever that asks, so its policy cannot be narrower.
#[derive(Debug, Clone, Copy)]
pub enum Forms<'a> {
    /// There is none.
    None,
    /// To us, and on from here; the application's redirect URI, if there is one.
    Onward(Option<&'a str>),
    /// There, by itself, and on from there.
    To(&'a str),
}

impl Frame {
    /// Around a page of a tenant, or of none.
    pub fn new(title: impl Into<String>, tenant: Option<&Tenant>) -> Self {
        let mut frame = Self {
            title: title.into(),
            name: None,
            initial: String::new(),
            logo: None,
            support: None,
            style: None,
            frames: Vec::new(),
        };
        if let Some(tenant) = tenant {
            let (settings, name) = (&tenant.settings, tenant.display_name());
            let color = |text: &Option<String>| text.as_deref().and_then(Color::parse);
            frame.name = Some(name.to_owned());
            frame.initial = initial(name);
            frame.logo = settings.branding.logo_url.clone().filter(|url| picture(url).is_some());
            frame.support = settings.branding.support_url.clone().filter(|url| is_link(url));
            frame.style =
                color::style(color(&settings.branding.primary_color), color(&settings.branding.background_color));
            frame.frames = settings.frame_ancestors.iter().filter(|site| page::is_source(site)).cloned().collect();
        }
        frame
    }

    /// The style that all pages have.
    pub fn look(&self) -> &'static str {
        &page::STYLE
    }

    /// The script that posts a form.
    pub fn script(&self) -> &'static str {
        page::SUBMIT
    }

    /// The page as an answer. `pictures` are the addresses of those that it shows beside the logo.
    pub fn show<'p>(
        &self,
        app: &App,
        status: StatusCode,
        template: &impl Template,
        forms: Forms<'_>,
        pictures: impl IntoIterator<Item = &'p str>,
    ) -> Result<Reply> {
        let html = template.render().map_err(|e| Error::internal(format!("a page cannot be written: {e}")))?;
        let mut images: Vec<String> = pictures.into_iter().filter_map(picture).collect();
        images.extend(self.logo.as_deref().and_then(picture));
        images.sort_unstable();
        images.dedup();
        let policy = Policy {
            style: self.style.clone(),
            images,
            forms: forms.sources(app),
            script: matches!(forms, Forms::To(_)).then_some(page::SUBMIT),
            frames: self.frames.clone(),
        };
        Ok(page::page(status, html, &policy))
    }
}

impl Forms<'_> {
    fn sources(self, app: &App) -> Vec<Cow<'static, str>> {
        let (mut sources, to): (Vec<Cow<'static, str>>, _) = match self {
            Self::None => return Vec::new(),
            Self::Onward(returns_to) => (vec!["'self'".into(), "https:".into()], returns_to),
            Self::To(url) => (vec!["https:".into()], Some(url)),
        };
        if app.public_url.starts_with("http://") {
            sources.push("http:".into());
        }
        sources.extend(to.and_then(page::place).filter(|place| !place.starts_with("https:")).map(Cow::Owned));
        sources
    }
}

/// The first letter or digit of a name, or whatever it begins with.
fn initial(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric()).or_else(|| name.chars().next());
    first.map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

/// Where a picture comes from, if it may be shown: `https`, or a `data:` URL of an image.
pub fn picture(url: &str) -> Option<String> {
    if url.starts_with("data:image/") {
        return Some("data:".to_owned());
    }
    if url.starts_with("https://") { page::place(url) } else { None }
}

/// Whether an address can be followed by a click without running anything.
pub fn is_link(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_and_links_of_known_kinds_are_shown() {
        assert_eq!(picture("https://cdn.example/logo.png").as_deref(), Some("https://cdn.example"));
        assert_eq!(picture("data:image/png;base64,AA").as_deref(), Some("data:"));
        for url in ["http://cdn.example/logo.png", "javascript:alert(1)", "data:text/html,x", "//cdn.example", ""] {
            assert_eq!(picture(url), None, "{url}");
        }
        assert!(is_link("https://help.example") && is_link("mailto:help@example.com"));
        assert!(!is_link("javascript:alert(1)") && !is_link("data:text/html,x") && !is_link("JavaScript:alert(1)"));
    }

    #[test]
    fn the_initial_is_a_letter_if_there_is_one() {
        for (name, expected) in [("acme", "A"), ("🦊 fox", "F"), ("«ß»", "SS"), ("شركة", "ش"), ("🦊", "🦊"), ("", "")]
        {
            assert_eq!(initial(name), expected, "{name}");
        }
    }
}
