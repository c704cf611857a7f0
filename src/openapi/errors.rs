//! How failures look in each part of the service (`http::dialect`), and which of them every operation of a kind may answer.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::schema::{list, named, object, open, says, text};

/// The envelope of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Envelope {
    /// Identity v3.
    Keystone,
    /// `/v3.0`.
    Huawei,
    /// `/api/v1`.
    Sso,
    /// The tenant face.
    Tenant,
    /// Its OAuth 2.0 endpoints.
    Oauth,
    /// Tenants' SCIM.
    Scim,
}

/// The schema of what is said of a body that breaks its own.
const BODY: &str = "HTTPValidationError";

/// How the paths of OAuth 2.0 endpoints end that programs ask.
const OAUTH: [&str; 6] = [
    "/oauth/token",
    "/oauth/userinfo",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/device_authorization",
    "/backchannel-logout",
];

impl Envelope {
    /// That of a path.
    pub fn of(path: &str) -> Self {
        if path.starts_with("/v3.0/") {
            Self::Huawei
        } else if OAUTH.iter().any(|end| path.ends_with(end)) {
            Self::Oauth
        } else if ["/api/v1/auth/", "/api/v1/admin/", "/auth/"].iter().any(|start| path.starts_with(start)) {
            Self::Tenant
        } else if path.starts_with("/api/v1/tenants/") {
            Self::Scim
        } else if path.starts_with("/api/v1") {
            Self::Sso
        } else {
            Self::Keystone
        }
    }

    /// The name of its schema.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Keystone => "KeystoneError",
            Self::Huawei => "HuaweiError",
            Self::Sso => "SsoError",
            Self::Tenant => "TenantError",
            Self::Oauth => "OauthError",
            Self::Scim => "ScimError",
        }
    }

    /// A reference to the response of that status.
    pub fn response(self, status: u16) -> Value {
        json!({"$ref": format!("#/components/responses/{}", self.name(status))})
    }

    fn name(self, status: u16) -> String {
        let reason = StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default();
        format!("{}{}", self.schema().trim_end_matches("Error"), reason.replace([' ', '-'], ""))
    }
}

/// Why a status is answered.
pub fn reason(status: u16) -> &'static str {
    match status {
        400 => "The request is malformed or breaks a rule.",
        401 => "There is no valid credential.",
        403 => "The caller may not do this, or nobody may.",
        404 => "There is no such thing, or none that the caller may know of.",
        409 => "The request contradicts what is stored.",
        410 => "It is gone, for everybody.",
        412 => "It has been changed since.",
        413 => "The body is too large.",
        422 => "The body breaks its schema.",
        415 => "The body is of another type.",
        429 => "There is too much to do; try again later.",
        500 => "The service failed.",
        501 => "It is understood, and not done here.",
        502 => "Another service, which this one asked, failed.",
        503 => "Something that the service needs is away; try again later.",
        504 => "Another service, which this one asked, did not answer in time.",
        _ => "The request failed.",
    }
}

/// The schemas of the envelopes that are used.
pub fn schemas(used: &BTreeSet<(Envelope, u16)>) -> Vec<(String, Value)> {
    let envelopes: BTreeSet<Envelope> = used.iter().map(|(envelope, _)| *envelope).collect();
    let mut all: Vec<_> =
        envelopes.into_iter().map(|envelope| (envelope.schema().to_owned(), schema(envelope))).collect();
    if used.contains(&(Envelope::Tenant, 422)) {
        all.extend(of_bodies());
    }
    all
}

/// What is said of a body that breaks its schema (seed 004).
fn of_bodies() -> Vec<(String, Value)> {
    let place = json!({"anyOf": [text(), {"type": "integer"}]});
    let one = object([("loc", list(place)), ("msg", text()), ("type", text())]);
    vec![(BODY.to_owned(), open([("detail?", list(named("ValidationError")))])), ("ValidationError".to_owned(), one)]
}

fn schema(envelope: Envelope) -> Value {
    match envelope {
        Envelope::Keystone => {
            let methods = says(object([("methods", list(text()))]), "The methods that may be used, if another was.");
            let error = object([
                ("code", json!({"type": "integer", "minimum": 400, "maximum": 599})),
                ("title", says(text(), "The reason phrase of the status.")),
                ("message", text()),
                ("identity?", methods),
            ]);
            object([("error", error)])
        }
        Envelope::Huawei => {
            object([("error_msg", text()), ("error_code", json!({"type": "string", "pattern": "^IAM\\.\\d{4}$"}))])
        }
        Envelope::Sso => {
            let error = object([
                ("code", json!({"type": "string", "pattern": "^(SSO|AUTH|SYS)\\.\\d{4}$"})),
                ("description", text()),
                ("details", says(text(), "The member that is to blame, if one is.")),
            ]);
            object([("error", error)])
        }
        Envelope::Tenant => object([
            ("detail", text()),
            ("error?", says(text(), "What a sign-in failed of, in a word that stays.")),
            ("request_id?", says(text(), "Finds it in the log and among the traces.")),
        ]),
        Envelope::Oauth => object([("error", text()), ("error_description", text())]),
        Envelope::Scim => object([
            ("schemas", list(text())),
            ("status", json!({"type": "string", "pattern": "^[45]\\d\\d$"})),
            ("detail", text()),
            ("scimType?", says(text(), "What is wrong, in a word of RFC 7644.")),
        ]),
    }
}

/// The responses that operations refer to.
pub fn responses(used: &BTreeSet<(Envelope, u16)>) -> Map<String, Value> {
    used.iter().map(|(envelope, status)| (envelope.name(*status), response(*envelope, *status, false))).collect()
}

/// The response of a status. `page` is for operations that browsers are sent to: they may get a page for people instead.
pub fn response(envelope: Envelope, status: u16, page: bool) -> Value {
    let schema = if (envelope, status) == (Envelope::Tenant, 422) { BODY } else { envelope.schema() };
    let mut schema = named(schema);
    if envelope == Envelope::Oauth && matches!(status, 403 | 404 | 413 | 422) {
        // What is found before the endpoint has the request is worded as everywhere on the tenant face.
        let of_face = if status == 422 { BODY } else { Envelope::Tenant.schema() };
        schema = json!({"anyOf": [schema, named(of_face)]});
    }
    let kind = if envelope == Envelope::Scim { "application/scim+json" } else { "application/json" };
    let mut shown = json!({"description": reason(status), "content": {kind: {"schema": schema}}});
    if page {
        shown["content"]["text/html"] = json!({});
    }
    let header = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    match status {
        401 => shown["headers"]["WWW-Authenticate"] = header("How to authenticate.", text()),
        429 | 503 => {
            shown["headers"]["Retry-After"] = header("Seconds to wait.", json!({"type": "integer", "minimum": 1}));
        }
        _ => {}
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn the_envelope_of_each_part_is_the_one_that_its_dialect_writes() {
        for path in [
            "/v3/users",
            "/v3.0/OS-AUTH/id-token/tokens",
            "/api/v1/sso/configurations",
            "/openapi.json",
            "/api/v1/admin/tenants",
            "/api/v1/tenants/t/scim/v2/Users",
        ] {
            let reply = crate::app::DIALECTS.of(path)(&Error::not_found("x"), "");
            let written: Value = serde_json::from_slice(&reply.body).unwrap();
            let of_path = schema(Envelope::of(path));
            let mut schema = &of_path;
            let mut shown = &written;
            if let Some(inner) = written.get("error").filter(|e| e.is_object()) {
                (schema, shown) = (&schema["properties"]["error"], inner);
            }
            let required: BTreeSet<&str> =
                schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let members: BTreeSet<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(required, members, "{path}");
        }
    }
}
