//! The few pages that a browser sees on its way through WebSSO: the form that takes the token to a dashboard, a choice of
//! identity providers, and what went wrong.
//!
//! A page shows nothing that came from outside without escaping it, loads nothing, and may run the one script that is
//! written here (its digest stands in the policy). The page with a token may post to its dashboard only.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::http::reply::Reply;

const SCRIPT: &str = "document.getElementById(\"sso\").submit();";
/// Hands what stands behind `#`, which no server sees, over as a form.
const FRAGMENT_SCRIPT: &str = "const f=document.getElementById(\"back\");\
for(const [n,v] of new URLSearchParams(location.hash.slice(1))){const i=document.createElement(\"input\");\
i.type=\"hidden\";i.name=n;i.value=v;f.append(i)}if(f.elements.length)f.submit();";
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6776;--paper:#f3f5f8;--card:#fff;--line:#d8dee6;--key:#1f5fbf}\
@media(prefers-color-scheme:dark){:root{--ink:#e8edf3;--soft:#9aa7b6;--paper:#12171d;--card:#1b222b;--line:#303a46;--key:#7fb0ff}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);\
color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\
main{width:min(26rem,calc(100vw - 2rem));background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.25rem}p{margin:.5rem 0;color:var(--soft)}\
ul{list-style:none;margin:1rem 0 0;padding:0;display:grid;gap:.5rem}\
a,button{display:block;width:100%;padding:.7rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:none;\
color:var(--key);font:inherit;text-align:left;text-decoration:none;cursor:pointer;overflow-wrap:anywhere}\
a:hover,button:hover{border-color:var(--key)}a:focus-visible,button:focus-visible{outline:2px solid var(--key);outline-offset:2px}\
code{font-size:.85em;overflow-wrap:anywhere}";

static SCRIPT_SOURCE: LazyLock<String> = LazyLock::new(|| source(SCRIPT));
static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| source(STYLE));

/// How a content security policy names an inline text (CSP 3 §2.3.1).
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// The form that takes a token to a dashboard by itself, as Horizon expects it.
pub fn token_form(origin: &str, token: &str) -> Reply {
    let body = format!(
        "<h1>Signing you in</h1><p>You are being taken back to the dashboard.</p>\
         <form id=\"sso\" name=\"sso\" action=\"{}\" method=\"post\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
         <noscript><p>Scripts are switched off in this browser.</p><button type=\"submit\">Continue</button></noscript></form>\
         <script>{SCRIPT}</script>",
        escaped(origin),
        escaped(token)
    );
    let form_action = url::Url::parse(origin).map(|u| u.origin().ascii_serialization()).unwrap_or_default();
    page(StatusCode::OK, "Signing in", &body, &format!("script-src {}; form-action {form_action}", *SCRIPT_SOURCE))
}

/// The page that a browser comes back to with an answer behind `#` (`response_mode=fragment`). Without one it stays.
pub fn fragment() -> Reply {
    let body = format!(
        "<h1>You could not be signed in</h1><p>The identity provider sent no answer, or scripts are switched off.</p>\
         <form id=\"back\" method=\"post\"></form><script>{FRAGMENT_SCRIPT}</script>"
    );
    let policy = format!("script-src {}; form-action 'self'", source(FRAGMENT_SCRIPT));
    page(StatusCode::OK, "Signing in", &body, &policy)
}

/// A choice of identity providers: what to show and where it leads.
pub fn choice(entries: &[(String, String)]) -> Reply {
    let items =
        entries.iter().map(|(name, url)| format!("<li><a href=\"{}\">{}</a></li>", escaped(url), escaped(name)));
    let body =
        format!("<h1>Sign in</h1><p>Choose where you have an account.</p><ul>{}</ul>", items.collect::<String>());
    page(StatusCode::OK, "Sign in", &body, "form-action 'none'")
}

/// What went wrong, in words for people; `reference` finds it in the log.
pub fn failure(status: StatusCode, title: &str, text: &str, reference: &str) -> Reply {
    let body = format!(
        "<h1>{}</h1><p>{}</p><p>Reference: <code>{}</code></p>",
        escaped(title),
        escaped(text),
        escaped(reference)
    );
    page(status, title, &body, "form-action 'none'")
}

fn page(status: StatusCode, title: &str, body: &str, more_policy: &str) -> Reply {
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>\n",
        escaped(title)
    );
    let policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; frame-ancestors 'none'; {more_policy}",
        *STYLE_SOURCE
    );
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    Reply { status, headers, body: Bytes::from(text) }
}

/// Text as it may stand in HTML, in an attribute's value too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply) -> String {
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    #[test]
    fn ks_fed_3_what_comes_from_outside_is_escaped_and_the_token_goes_to_the_dashboard_only() {
        let reply = token_form("https://cloud.example:8443/a?x=\"><script>", "t'<");
        let page = text(&reply);
        assert!(page.contains("action=\"https://cloud.example:8443/a?x=&quot;&gt;&lt;script&gt;\""), "{page}");
        assert!(page.contains("name=\"token\" value=\"t&#39;&lt;\""), "{page}");
        let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.ends_with("form-action https://cloud.example:8443"), "{policy}");
    }

    #[test]
    fn a_page_without_a_form_runs_nothing_and_posts_nowhere() {
        for reply in
            [choice(&[("A <b>".into(), "/x?a&b".into())]), failure(StatusCode::BAD_REQUEST, "T", "<i>", "req-1")]
        {
            let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(!policy.contains("script-src") && policy.ends_with("form-action 'none'"), "{policy}");
            assert!(!text(&reply).contains("<i>") && !text(&reply).contains("<b>"));
        }
    }
}
