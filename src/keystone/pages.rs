//! The few pages that a browser sees on its way through WebSSO: the form that takes the token to a dashboard, a choice of
//! identity providers, and what went wrong.
//!
//! They look as all pages do (`http::page`). A page shows nothing that came from outside without escaping it, loads nothing,
//! and may run the one script that is written here (its digest stands in the policy). The page with a token may post to its dashboard only.

use http::StatusCode;

use crate::http::page::{self, Policy, STYLE};
use crate::http::reply::Reply;

const SCRIPT: &str = "document.getElementById(\"sso\").submit();";
/// Hands what stands behind `#`, which no server sees, over as a form.
const FRAGMENT_SCRIPT: &str = "const f=document.getElementById(\"back\");\
for(const [n,v] of new URLSearchParams(location.hash.slice(1))){const i=document.createElement(\"input\");\
i.type=\"hidden\";i.name=n;i.value=v;f.append(i)}if(f.elements.length)f.submit();";

/// The form that takes a token to a dashboard by itself, as Horizon expects it.
pub fn token_form(origin: &str, token: &str) -> Reply {
    posting("You are being taken back to the dashboard.", origin, &[("token", token)])
}

/// A form that posts itself to an identity provider, or once more to us.
pub fn post_form(action: &str, fields: &[(String, String)]) -> Reply {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    posting("This takes a moment.", action, &fields)
}

fn posting(text: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
    let input = |(name, value): &(&str, &str)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
    };
    let inputs: String = fields.iter().map(input).collect();
    let body = format!(
        "<h1>Signing you in</h1><p>{text}</p><form id=\"sso\" name=\"sso\" action=\"{}\" method=\"post\">{inputs}\
         <noscript><p>Scripts are switched off in this browser.</p><button class=\"main\" type=\"submit\">Continue</button></noscript></form>\
         <script>{SCRIPT}</script>",
        escaped(action)
    );
    let forms = page::place(action).map(Into::into).into_iter().collect();
    page(StatusCode::OK, "Signing in", &body, Policy { script: Some(SCRIPT), forms, ..Policy::default() })
}

/// The page that a browser comes back to with an answer behind `#` (`response_mode=fragment`). Without one it stays.
pub fn fragment() -> Reply {
    let body = format!(
        "<h1>You could not be signed in</h1><p>The identity provider sent no answer, or scripts are switched off.</p>\
         <form id=\"back\" method=\"post\"></form><script>{FRAGMENT_SCRIPT}</script>"
    );
    let policy = Policy { script: Some(FRAGMENT_SCRIPT), forms: vec!["'self'".into()], ..Policy::default() };
    page(StatusCode::OK, "Signing in", &body, policy)
}

/// A choice of identity providers: what to show and where it leads.
pub fn choice(entries: &[(String, String)]) -> Reply {
    let items =
        entries.iter().map(|(name, url)| format!("<li><a href=\"{}\">{}</a></li>", escaped(url), escaped(name)));
    let body =
        format!("<h1>Sign in</h1><p>Choose where you have an account.</p><ul>{}</ul>", items.collect::<String>());
    page(StatusCode::OK, "Sign in", &body, Policy::default())
}

/// What went wrong, in words for people; `reference` finds it in the log.
pub fn failure(status: StatusCode, title: &str, text: &str, reference: &str) -> Reply {
    let body = format!(
        "<h1>{}</h1><p>{}</p><p>Reference: <code>{}</code></p>",
        escaped(title),
        escaped(text),
        escaped(reference)
    );
    page(status, title, &body, Policy::default())
}

fn page(status: StatusCode, title: &str, body: &str, policy: Policy) -> Reply {
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{}</style></head>\
         <body><div class=\"card\"><main>{body}</main></div></body></html>\n",
        escaped(title),
        *STYLE
    );
    page::page(status, text, &policy)
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
    use http::header::CONTENT_SECURITY_POLICY;

    use super::*;

    fn text(reply: &Reply) -> String {
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    #[test]
    fn ks_fed_3_what_comes_from_outside_is_escaped_and_the_token_goes_to_the_dashboard_only() {
        let reply = token_form("https://cloud.example:8443/a?x=\"><script>", "t'<");
        let shown = text(&reply);
        assert!(shown.contains("action=\"https://cloud.example:8443/a?x=&quot;&gt;&lt;script&gt;\""), "{shown}");
        assert!(shown.contains("name=\"token\" value=\"t&#39;&lt;\""), "{shown}");
        let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains("; form-action https://cloud.example:8443; "), "{policy}");
        assert!(policy.contains(&format!("; script-src {}; ", page::source(SCRIPT))), "{policy}");
    }

    #[test]
    fn a_page_without_a_form_runs_nothing_and_posts_nowhere() {
        for reply in
            [choice(&[("A <b>".into(), "/x?a&b".into())]), failure(StatusCode::BAD_REQUEST, "T", "<i>", "req-1")]
        {
            let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(!policy.contains("script-src") && policy.contains("; form-action 'none'; "), "{policy}");
            assert!(!text(&reply).contains("<i>") && !text(&reply).contains("<b>"));
        }
    }
}
