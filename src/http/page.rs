//! How what people see looks, and what a page may do: nothing but what its policy names (Content Security Policy 3).
//!
//! The style stands in the page, so that a page is one answer; its digest stands in the policy, so that no other style and
//! no script that was not written here has a chance. Nothing is loaded but pictures that a tenant has named.

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};
use url::Url;

use super::reply::Reply;

/// The style of all pages, without what only its reader needs.
pub static STYLE: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("page/style.css").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("/*")).collect::<Vec<_>>().join("\n")
});
static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| source(&STYLE));

/// The script that posts the form of a page by itself.
pub const SUBMIT: &str = "document.forms[0].submit()";

/// How a policy names an inline text (CSP 3 §2.3.1).
pub fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// How a policy names where a URL leads: its origin, or its scheme if it has none.
pub fn place(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let place = match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    };
    is_source(&place).then_some(place)
}

/// Whether a text can stand in a policy without saying more than one source.
pub fn is_source(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'\'' | b'"'))
}

/// What a page may do beyond showing itself.
#[derive(Debug, Default, Clone)]
pub struct Policy {
    /// A style of its own beside the one that all have.
    pub style: Option<String>,
    /// Where its pictures come from.
    pub images: Vec<String>,
    /// Where its forms may lead, redirects after them included.
    pub forms: Vec<Cow<'static, str>>,
    /// The one script that it may run.
    pub script: Option<&'static str>,
    /// Who may show it in a frame.
    pub frames: Vec<String>,
}

impl Policy {
    fn text(&self) -> String {
        let list = |sources: &mut dyn Iterator<Item = &str>| {
            let named: Vec<&str> = sources.collect();
            if named.is_empty() { "'none'".to_owned() } else { named.join(" ") }
        };
        let mut text = format!("default-src 'none'; style-src {}", *STYLE_SOURCE);
        if let Some(style) = &self.style {
            text.push(' ');
            text.push_str(&source(style));
        }
        if let Some(script) = self.script {
            text.push_str("; script-src ");
            text.push_str(&source(script));
        }
        if !self.images.is_empty() {
            text.push_str("; img-src ");
            text.push_str(&self.images.join(" "));
        }
        text.push_str("; base-uri 'none'; form-action ");
        text.push_str(&list(&mut self.forms.iter().map(Cow::as_ref)));
        text.push_str("; frame-ancestors ");
        text.push_str(&list(&mut self.frames.iter().map(String::as_str)));
        text
    }
}

/// Headers of every answer of a sign-in (tenant-login §2.5): nobody keeps it, and no address of it goes anywhere.
pub fn private(reply: Reply) -> Reply {
    reply
        .with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .with(PRAGMA, HeaderValue::from_static("no-cache"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}

/// A page.
pub fn page(status: StatusCode, html: String, policy: &Policy) -> Reply {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if policy.frames.is_empty() {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    // Its parts are sources, which are ASCII; should one not be, the page may do nothing.
    let text = HeaderValue::from_str(&policy.text());
    headers.insert(CONTENT_SECURITY_POLICY, text.unwrap_or(HeaderValue::from_static("default-src 'none'")));
    private(Reply { status, headers, body: Bytes::from(html) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_of(policy: &Policy) -> String {
        let reply = page(StatusCode::OK, String::new(), policy);
        reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    }

    #[test]
    fn web_xss_4_a_page_may_do_only_what_its_policy_names() {
        let plain = policy_of(&Policy::default());
        assert!(plain.starts_with("default-src 'none'; style-src 'sha256-"), "{plain}");
        assert!(plain.ends_with("'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"), "{plain}");
        assert!(!plain.contains("script-src") && !plain.contains("img-src") && !plain.contains("unsafe"), "{plain}");
        let all = Policy {
            style: Some(":root{}".into()),
            images: vec!["https://cdn.example".into(), "data:".into()],
            forms: vec!["'self'".into(), "https:".into()],
            script: Some(SUBMIT),
            frames: vec!["https://portal.example".into()],
        };
        let text = policy_of(&all);
        for part in [
            "script-src 'sha256-",
            "img-src https://cdn.example data:;",
            "form-action 'self' https:;",
            "frame-ancestors https://portal.example",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!page(StatusCode::OK, String::new(), &all).headers.contains_key(X_FRAME_OPTIONS));
    }

    #[test]
    fn a_place_is_an_origin_or_a_scheme_and_never_more_than_one_source() {
        for (url, expected) in [
            ("https://app.example:8443/cb?x=1", Some("https://app.example:8443")),
            ("http://127.0.0.1:5000/cb", Some("http://127.0.0.1:5000")),
            ("http://[::1]:5000/cb", Some("http://[::1]:5000")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("https://bücher.example/", Some("https://xn--bcher-kva.example")),
            ("/relative", None),
            ("https://a.example;script-src/", None),
        ] {
            assert_eq!(place(url).as_deref(), expected, "{url}");
        }
        for text in ["", "a b", "a;b", "a,b", "'self'", "ü", "a\n"] {
            assert!(!is_source(text), "{text:?}");
        }
    }

    #[test]
    fn the_style_is_small_and_brings_nothing_from_elsewhere() {
        assert!(STYLE.len() < 9_000, "{}", STYLE.len());
        assert!(
            !STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('\r') && !STYLE.contains("</")
        );
    }
}
