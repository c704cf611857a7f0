//! Cookies (RFC 6265bis).
//!
//! Over https each bears the prefix `__Host-`, so that neither another host of the domain nor a plain connection can set it;
//! over plain http, for trying things out, it cannot.

use http::HeaderValue;

use crate::error::{Error, Result};
use crate::service::App;

/// Which requests from other sites carry a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Those by which a browser comes to a page.
    Lax,
    /// All; browsers take that over https only.
    None,
}

/// A cookie to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Its name without prefix.
    pub name: String,
    /// Its value; empty takes it away.
    pub value: String,
    /// How long it lasts, in seconds.
    pub max_age_secs: u64,
    /// Which requests from other sites carry it.
    pub same_site: SameSite,
}

impl Cookie {
    /// A cookie for requests of our own pages and for coming to one.
    pub fn new(name: impl Into<String>, value: impl Into<String>, max_age_secs: u64) -> Self {
        Self { name: name.into(), value: value.into(), max_age_secs, same_site: SameSite::Lax }
    }

    /// Takes a cookie away.
    pub fn gone(name: impl Into<String>) -> Self {
        Self::new(name, "", 0)
    }

    /// The value of `Set-Cookie`.
    pub fn header(&self, app: &App) -> Result<HeaderValue> {
        let secure = is_secure(app);
        let (same_site, flag) = match (self.same_site, secure) {
            (SameSite::None, true) => ("None", "; Secure"),
            (SameSite::Lax, true) => ("Lax", "; Secure"),
            (_, false) => ("Lax", ""),
        };
        let text = format!(
            "{}={}; Path=/; Max-Age={}; HttpOnly; SameSite={same_site}{flag}",
            name(app, &self.name),
            self.value,
            self.max_age_secs
        );
        let mut header =
            HeaderValue::from_str(&text).map_err(|_| Error::internal("a cookie that is no header value"))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

fn is_secure(app: &App) -> bool {
    app.public_url.starts_with("https://")
}

/// The name under which a browser knows a cookie.
pub fn name(app: &App, name: &str) -> String {
    if is_secure(app) { format!("__Host-{name}") } else { name.to_owned() }
}
