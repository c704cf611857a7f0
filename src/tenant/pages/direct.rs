//! `POST /api/v1/auth/tenants/{tenant_slug}/login`: signing in by a password for a page that is not ours (tenant-login
//! §11.2). The session is a cookie; the answer says whose.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::respond;
use super::visit::{Browser, check_site};
use crate::error::{Code, Error, Result};
use crate::http::body;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::secret::Secret;
use crate::service::{App, login, pace, tenant};

/// What the body says.
#[derive(Debug)]
struct Body {
    username: String,
    password: Secret,
}

/// `POST …`
pub async fn post(app: Arc<App>, mut req: Request) -> Result<Reply> {
    let tenant = match tenant::by_slug(&app, req.param("tenant_slug")?).await {
        Ok(tenant) => tenant,
        Err(error) => return Ok(respond::failure_as_json(&app, &req, &error)),
    };
    let body = read(&app, &mut req).await;
    let step = async {
        let Body { username, password } = body?;
        pace::check(&app, pace::Kind::Finish, &tenant.id, &req.origin(&app))?;
        login::password(&app, &Browser::of(&app, &req).visit(), &tenant, None, None, &username, password).await
    };
    respond::step_as_json(&app, &req, Some(&tenant), step.await)
}

/// Reads the body. A form of another site can post texts, but none that calls itself JSON.
async fn read(app: &App, req: &mut Request) -> Result<Body> {
    check_site(app, req)?;
    let kind = req.header(&CONTENT_TYPE).ok().flatten().unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Error::refused(Code::ForgedForm, "The body must be application/json."));
    }
    parse(&req.bytes().await?)
}

fn parse(bytes: &[u8]) -> Result<Body> {
    if bytes.is_empty() {
        return Err(Error::unprocessable("", "missing", "Field required"));
    }
    let broken = |at: usize| Error::unprocessable(at.to_string(), "json_invalid", "JSON decode error");
    let value: Value = serde_json::from_slice(bytes).map_err(|e| broken(offset(bytes, e.line(), e.column())))?;
    if !value.is_object() {
        let message = "Input should be a valid dictionary or object to extract fields from";
        return Err(Error::unprocessable("", "model_attributes_type", message));
    }
    // Once more, as this reader refuses what two readers could take for two documents.
    let value = body::parse_object(bytes).map_err(|_| broken(0))?;
    let name = if value.get("username").is_none_or(Value::is_null) && value.get("email").is_some() {
        text(&value, "email")?
    } else {
        text(&value, "username")?
    };
    Ok(Body { username: name.trim().to_owned(), password: Secret::from(text(&value, "password")?) })
}

fn text<'v>(value: &'v Value, name: &'static str) -> Result<&'v str> {
    match value.get(name) {
        None => Err(Error::unprocessable(name, "missing", "Field required")),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Error::unprocessable(name, "string_type", "Input should be a valid string")),
    }
}

/// Where in the text a line and a column are, which count from 1.
fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize = bytes.split_inclusive(|b| *b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (String, &'static str) {
        match parse(body.as_bytes()) {
            Err(Error::Unprocessable { field, kind, message }) => {
                assert!(!message.contains("hunter2"));
                (field, kind)
            }
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_body_that_breaks_its_schema_is_told_as_the_seed_has_it() {
        for (body, field, kind) in [
            ("", "", "missing"),
            ("[]", "", "model_attributes_type"),
            ("\"x\"", "", "model_attributes_type"),
            ("{\n\"username\": x}", "14", "json_invalid"),
            ("{\"username\": \"a\", \"username\": \"b\", \"password\": \"hunter2\"}", "0", "json_invalid"),
            ("{}", "username", "missing"),
            ("{\"username\": \"a\"}", "password", "missing"),
            ("{\"username\": 1, \"password\": \"hunter2\"}", "username", "string_type"),
            ("{\"email\": [], \"password\": \"hunter2\"}", "email", "string_type"),
            ("{\"username\": \"a\", \"password\": null}", "password", "string_type"),
        ] {
            assert_eq!(refused(body), (field.to_owned(), kind), "{body}");
        }
    }

    #[test]
    fn a_name_or_an_address_will_do() {
        for body in ["{\"username\": \" ada \", \"password\": \" p\"}", "{\"email\": \"ada\", \"password\": \" p\"}"] {
            let Body { username, password } = parse(body.as_bytes()).unwrap();
            assert_eq!((username.as_str(), password.expose_str()), ("ada", Some(" p")));
        }
    }
}
