//! A webhook: configurations go as signed JSON to anybody's endpoint, which does with them what it knows to do.
//!
//! Every message is a `POST` to `options.endpoint` with
//!
//! * `X-Archstone-Event`: `configuration.pushed`, `configuration.removed` or `ping`,
//! * `X-Archstone-Delivery`: the same whenever the same is said again, so that a receiver may leave out what it took last for
//!   this `remoteId`,
//! * `X-Archstone-Signature`: `t=<seconds since 1970>,v1=<hex>`, HMAC-SHA256 with the platform's key over `<t>.<body>`. A receiver
//!   compares it with the bytes it got before it reads them, and leaves aside what is some minutes old.
//!
//! A receiver cannot set a client up without its secret, so the secret of an OpenID client (`clientSecret`) and of a directory's
//! account (`bindPassword`) go with a push: over https, and in clear to this very machine only, where egress lets that be asked at
//! all. A key that signs SAML requests never goes. Any 2xx is taken for a yes; the answer may be a JSON object that says
//! `clientUuid` and `callbackUrl`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use url::{Host, Url};

use super::exchange::{self, Request};
use super::{Attempt, Found, Key, Platform, Problem, Pushed, Remote, Site, Trouble};
use crate::clock::hex;
use crate::egress::Kind;
use crate::model::connection::Settings;
use crate::model::plan::Plan;
use crate::secret::Secret;

const EVENT: HeaderName = HeaderName::from_static("x-archstone-event");
const DELIVERY: HeaderName = HeaderName::from_static("x-archstone-delivery");
const SIGNATURE: HeaderName = HeaderName::from_static("x-archstone-signature");
/// Longest id that an answer may give a client.
const MAX_ID: usize = 255;

/// The platform.
#[derive(Debug, Clone, Copy)]
pub struct Webhook;

impl Platform for Webhook {
    async fn check(&self, site: &Site<'_>) -> Result<(), Problem> {
        let body = json!({"event": "ping", "platformUuid": site.record.id});
        let delivery = site.random.hex_id();
        let message = Message { what: "Pinging the endpoint", event: "ping", delivery: &delivery, body: &body };
        post(site, message).await.and_then(taken).map(drop)
    }

    async fn negotiate(&self, _: &Site<'_>, _: &str, _: &Secret, _: &str) -> Result<Option<Key>, Problem> {
        Ok(None)
    }

    async fn revoke(&self, _: &Site<'_>, _: &str) -> Result<(), Problem> {
        Ok(())
    }

    async fn rotate(&self, _: &Site<'_>, _: &str) -> Result<Key, Problem> {
        Err(Problem::new(
            Trouble::Unsupported,
            "A webhook makes no keys. Agree on a new one with the receiver and set it as the platform's secret here.",
        ))
    }

    async fn push(&self, site: &Site<'_>, plan: &Plan, _: &Attempt) -> Result<Pushed, Problem> {
        const WHAT: &str = "Sending the configuration";
        let mut warnings = Vec::new();
        let mut body = described(plan);
        if let Some((name, secret)) = secret(plan) {
            if is_closed(&endpoint(site)?) {
                body[name] = json!(exchange::text(WHAT, secret)?);
            } else {
                warnings.push(format!("'{name}' was left out: it is sent over https only."));
            }
        }
        let delivery = format!("{}.{}", plan.remote_id, plan.digest());
        let message = Message { what: WHAT, event: "configuration.pushed", delivery: &delivery, body: &body };
        let said = post(site, message).await.and_then(taken)?;
        let mut pushed = Pushed { client_id: plan.remote_id.clone(), callback_url: None, warnings };
        let said = |name: &str| said.as_ref().and_then(|said| said.get(name)).filter(|value| !value.is_null());
        match said("clientUuid").map(|id| id.as_str().filter(|id| is_id(id))) {
            Some(Some(id)) => id.clone_into(&mut pushed.client_id),
            Some(None) => {
                pushed.warnings.push("The answer's 'clientUuid' cannot be used and was left aside.".to_owned())
            }
            None => {}
        }
        match said("callbackUrl").map(|url| url.as_str().and_then(exchange::web_url)) {
            Some(Some(url)) => pushed.callback_url = Some(url.to_owned()),
            Some(None) => {
                pushed.warnings.push("The answer's 'callbackUrl' cannot be used and was left aside.".to_owned())
            }
            None => {}
        }
        Ok(pushed)
    }

    /// What the receiver says that it does not know is gone.
    async fn remove(&self, site: &Site<'_>, remote: &Remote, _: &Attempt) -> Result<(), Problem> {
        const WHAT: &str = "Sending that the configuration is removed";
        let body = json!({
            "event": "configuration.removed", "remoteId": remote.remote_id, "clientUuid": remote.client_id,
            "platformUuid": site.record.id, "protocol": remote.protocol,
        });
        let delivery = format!("{}.removed", remote.remote_id);
        let message = Message { what: WHAT, event: "configuration.removed", delivery: &delivery, body: &body };
        match post(site, message).await? {
            answer if matches!(answer.status.as_u16(), 404 | 410) => Ok(()),
            answer => taken(answer).map(drop),
        }
    }

    /// A webhook is not asked what it has made of a message.
    async fn inspect(&self, _: &Site<'_>, _: &Plan) -> Result<Found, Problem> {
        Ok(Found::Same)
    }
}

/// A message.
struct Message<'a> {
    what: &'static str,
    event: &'static str,
    delivery: &'a str,
    body: &'a Value,
}

/// What came back, and what it was asked for.
struct Answered {
    what: &'static str,
    status: http::StatusCode,
    body: Bytes,
}

/// The body of a yes, as far as it can be read.
fn taken(answer: Answered) -> Result<Option<Value>, Problem> {
    if answer.status.is_success() {
        return Ok(exchange::read(&answer.body));
    }
    Err(match answer.status.as_u16() {
        404 | 405 | 501 => Problem::new(
            Trouble::Refused,
            format!("{}: the receiver has nothing at this endpoint (status {}).", answer.what, answer.status.as_u16()),
        ),
        _ => exchange::refusal(answer.what, answer.status),
    })
}

async fn post(site: &Site<'_>, message: Message<'_>) -> Result<Answered, Problem> {
    let Message { what, event, delivery, body } = message;
    let url = endpoint(site)?;
    let key = site.credential.map(|credential| &credential.secret).filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| {
        Problem::new(Trouble::Credential, "The webhook has no key that its messages could be signed with.")
    })?;
    let body = body.to_string();
    let signature = sign(key, site.clock.now().secs(), &body);
    let mut headers = exchange::json_headers();
    headers.insert(EVENT, HeaderValue::from_static(event));
    headers.insert(DELIVERY, exchange::sensitive(what, delivery)?);
    headers.insert(SIGNATURE, exchange::sensitive(what, &signature)?);
    let body = Bytes::from(body);
    let request = Request { what, kind: Kind::Webhook, method: Method::POST, url: url.as_str(), headers, body };
    let answer = exchange::send(site.egress, request).await?;
    Ok(Answered { what, status: answer.status, body: answer.body })
}

/// The signature of a body that is sent at `at`.
fn sign(key: &Secret, at: i64, body: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.expose());
    let tag = aws_lc_rs::hmac::sign(&key, format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", hex(tag.as_ref()))
}

fn endpoint(site: &Site<'_>) -> Result<Url, Problem> {
    let told = |text: &str| Problem::new(Trouble::Refused, text);
    let endpoint = site.record.options.endpoint.as_deref().ok_or_else(|| told("A webhook needs an 'endpoint'."))?;
    Url::parse(endpoint).map_err(|_| told("The webhook's 'endpoint' is no URL."))
}

/// Whether nobody between here and there reads along.
fn is_closed(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
}

/// The secret that a receiver needs, by its name.
fn secret(plan: &Plan) -> Option<(&'static str, &Secret)> {
    let name = match plan.settings {
        Settings::Oidc(_) => "clientSecret",
        Settings::Ldap(_) => "bindPassword",
        Settings::Saml(_) => return None,
    };
    plan.secret.as_ref().map(|secret| (name, secret))
}

/// A plan without its secret. `settings` has the members of a protocol's `connection`.
fn described(plan: &Plan) -> Value {
    let endpoints = plan.endpoints.as_ref().map(|e| {
        json!({
            "issuer": e.issuer, "authorizationUrl": e.authorization, "tokenUrl": e.token, "userinfoUrl": e.userinfo,
            "logoutUrl": e.end_session, "jwksUrl": e.jwks,
        })
    });
    let attributes: serde_json::Map<String, Value> =
        plan.attributes.iter().map(|(field, attribute)| (field.clone(), json!(attribute))).collect();
    let groups: Vec<Value> =
        plan.group_mappings.iter().map(|row| json!({"idpGroup": row.idp_group, "zcfRole": row.role})).collect();
    json!({
        "event": "configuration.pushed", "remoteId": plan.remote_id, "configUuid": plan.config_id,
        "platformUuid": plan.platform_id, "displayName": plan.display_name, "protocol": plan.settings.kind(),
        "issuer": plan.issuer, "endpoints": endpoints, "metadata": plan.metadata, "settings": plan.settings.members(),
        "attributeMappings": attributes, "groupMappings": groups, "takesGroups": plan.takes_groups,
        "createsUsers": plan.creates_users,
    })
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ID && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
