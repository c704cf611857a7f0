//! STAND-IN for the tenant's hosted pages: plain ones, to be replaced by `pages::signed_out`, `pages::logout_confirmation` and
//! the tenant's error page with the merge.

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};

use crate::error::Error;
use crate::http::reply::Reply;
use crate::model::tenant::Tenant;
use crate::service::App;
use crate::service::logout::asked::{Farewell, Question};

/// Whether they want to log out.
pub fn logout_confirmation(tenant: &str, question: &Question) -> Reply {
    let fields: String = question
        .fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value)))
        .collect();
    let upstream = question.provider.as_ref().map_or_else(String::new, |name| {
        format!(
            "<p><label><input type=\"checkbox\" name=\"upstream\" value=\"1\"> Also sign out of {}</label></p>",
            escaped(name)
        )
    });
    let wanted =
        question.application.as_ref().map_or_else(String::new, |a| format!("<p>{} asks for it.</p>", escaped(a)));
    let body = format!(
        "<h1>Sign out of {}?</h1><p>You are signed in as {}.</p>{wanted}<form method=\"post\" action=\"?\">{fields}{upstream}\
         <button type=\"submit\">Sign out</button></form>",
        escaped(tenant),
        escaped(&question.user)
    );
    page(StatusCode::OK, "Sign out", &body, "form-action 'self'")
}

/// They are logged out.
pub fn signed_out(tenant: &str, farewell: &Farewell) -> Reply {
    let offer = farewell.provider.as_ref().map_or_else(String::new, |(name, url)| {
        format!("<p><a href=\"{}\">Also sign out of {}</a></p>", escaped(url), escaped(name))
    });
    let body = format!("<h1>You are signed out of {}</h1>{offer}", escaped(tenant));
    page(StatusCode::OK, "Signed out", &body, "form-action 'none'")
}

/// What went wrong.
pub fn failure(app: &App, tenant: Option<&Tenant>, error: &Error, id: &str) -> Reply {
    if error.is_ours() {
        tracing::error!(%id, error = %error.to_string().escape_debug(), "request failed");
    } else {
        tracing::debug!(%id, error = %error.to_string().escape_debug(), "request refused");
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = match error {
        Error::Refused { message, .. } => message.as_str(),
        _ => "Something went wrong. Try again in a while.",
    };
    let again = tenant.map_or_else(String::new, |t| {
        format!("<p><a href=\"{}/login\">Start again</a></p>", escaped(&t.pages(&app.public_url)))
    });
    let body = format!("<h1>You could not be signed out</h1><p>{}</p>{again}<p><code>{id}</code></p>", escaped(text));
    page(status, "Sign out", &body, "form-action 'none'")
}

fn page(status: StatusCode, title: &str, body: &str, policy: &str) -> Reply {
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"></head><body><main>{body}</main></body></html>\n",
        escaped(title)
    );
    let policy = format!("default-src 'none'; base-uri 'none'; frame-ancestors 'none'; {policy}");
    let mut reply = Reply::empty(status)
        .with(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        reply = reply.with(CONTENT_SECURITY_POLICY, policy);
    }
    reply.body = Bytes::from(text);
    reply
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
