//! What the handlers of pages read of a request: the tenant, the browser, and the fields of a form that one of our pages has
//! posted.

use std::sync::Arc;

use http::HeaderName;
use http::header::{CONTENT_TYPE, ORIGIN, USER_AGENT};
use url::Url;

use super::respond;
use crate::error::{Code, Error, Result};
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::tenant::Tenant;
use crate::secret::Secret;
use crate::service::App;
use crate::service::caller::Origin;
use crate::service::login::{ATTEMPT, Visit};
use crate::service::tenant;

static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Most fields of a form.
const MAX_FIELDS: usize = 40;
/// Longest value of a field, but for passwords, whose length is the service's business.
const MAX_VALUE: usize = 4_096;

/// The tenant of the path, or the page that says why there is none.
pub async fn tenant_of(app: &App, req: &Request) -> Result<std::result::Result<Arc<Tenant>, Reply>> {
    match tenant::by_slug(app, req.param("tenant_slug")?).await {
        Ok(tenant) => Ok(Ok(tenant)),
        Err(error) => Ok(Err(respond::failure(app, req, None, &error)?)),
    }
}

/// Finds a cookie by its name.
type FindCookie<'r> = Box<dyn Fn(&str) -> Option<String> + Send + Sync + 'r>;

/// The browser that asks.
pub struct Browser<'r> {
    origin: Origin,
    user_agent: Option<&'r str>,
    attempts: Vec<String>,
    cookie: FindCookie<'r>,
}

impl<'r> Browser<'r> {
    /// The one of a request.
    pub fn of(app: &'r App, req: &'r Request) -> Self {
        let user_agent = req.header(&USER_AGENT).ok().flatten();
        let attempts = req.own_cookies(app, ATTEMPT);
        Self { origin: req.origin(app), user_agent, attempts, cookie: Box::new(|name| req.own_cookie(app, name)) }
    }

    /// As the service knows it.
    pub fn visit(&self) -> Visit<'_> {
        Visit {
            origin: &self.origin,
            user_agent: self.user_agent,
            attempts: self.attempts.clone(),
            cookie: &*self.cookie,
        }
    }
}

fn forged(reason: &str) -> Error {
    Error::refused_because(Code::ForgedForm, "The form was not made for this browser.", reason)
}

/// 403 for what another site has made a browser send. Browsers say so themselves; the token of the form is the proof.
pub fn check_site(app: &App, req: &Request) -> Result<()> {
    match req.header(&FETCH_SITE) {
        Ok(Some("same-origin" | "none")) => return Ok(()),
        Ok(None) => {}
        Ok(Some(_)) | Err(_) => return Err(forged("another site had the browser post it")),
    }
    // `null` is what a browser says that tells no page where it comes from, as ours ask it to.
    let ours = Url::parse(&app.public_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    match req.header(&ORIGIN) {
        Ok(None | Some("null")) => Ok(()),
        Ok(Some(origin)) if origin == ours => Ok(()),
        Ok(Some(_)) | Err(_) => Err(forged("it comes from another origin")),
    }
}

/// The fields of a form.
pub struct Fields(Vec<(String, String)>);

impl std::fmt::Debug for Fields {
    /// Names only: values are credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// Reads what a page of ours has posted.
    pub async fn read(app: &App, req: &mut Request) -> Result<Self> {
        check_site(app, req)?;
        let kind = req.header(&CONTENT_TYPE).ok().flatten().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(forged("it is none that a page of ours posts"));
        }
        let fields = req.form().await?;
        if fields.len() > MAX_FIELDS {
            return Err(Error::refused(Code::InvalidRequest, format!("The form has more than {MAX_FIELDS} fields.")));
        }
        if let Some((name, _)) = fields.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(Error::refused(
                Code::InvalidRequest,
                format!("{:.40}: the value holds a NUL character", name.escape_debug()),
            ));
        }
        Ok(Self(fields))
    }

    fn values<'f>(&'f self, name: &'static str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn once<'f>(&'f self, name: &'static str) -> Result<Option<&'f str>> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Error::refused(Code::InvalidRequest, format!("{name}: the field stands twice"))),
        }
    }

    /// A field that may be missing; an empty one is.
    pub fn maybe(&self, name: &'static str) -> Result<Option<&str>> {
        let value = self.once(name)?.filter(|v| !v.is_empty());
        match value {
            Some(value) if value.len() > MAX_VALUE => {
                Err(Error::refused(Code::InvalidRequest, format!("{name}: the value is longer than {MAX_VALUE} bytes")))
            }
            value => Ok(value),
        }
    }

    /// A field that may be empty.
    pub fn text(&self, name: &'static str) -> Result<&str> {
        Ok(self.maybe(name)?.unwrap_or_default())
    }

    /// A field that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str> {
        self.maybe(name)?.ok_or_else(|| Error::refused(Code::InvalidRequest, format!("{name}: the field is missing")))
    }

    /// The form's token.
    pub fn csrf(&self) -> Result<&str> {
        self.maybe("csrf")?.ok_or_else(|| forged("it has no token"))
    }

    /// A secret; empty if it is missing.
    pub fn secret(&self, name: &'static str) -> Result<Secret> {
        Ok(Secret::from(self.once(name)?.unwrap_or_default()))
    }

    /// Whether there is such a field, be it empty.
    pub fn has(&self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }
}
