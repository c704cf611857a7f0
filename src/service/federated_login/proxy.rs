//! A web server in front that has signed somebody in and says so in header fields, as Apache's modules do.
//!
//! Off unless a secret is configured. The server proves itself with it; of a request that does not, no header field says
//! anything about who it comes from (OSSA-2026-001). A name with `_` is never believed: servers that strip `X-Name` from
//! what clients send let `X_Name` through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use http::HeaderMap;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::Route;
use crate::config::Cidr;
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::service::App;
use crate::store;

/// The header field with the secret.
const SECRET: &str = "x-archstone-proxy-secret";

/// What a trusted web server says of a person: header fields by their names in lower case.
#[derive(Debug)]
pub struct Proxied(BTreeMap<String, String>);

impl Proxied {
    /// What a request says, if it comes from a trusted web server.
    ///
    /// # Errors
    /// 401 for a wrong secret, a wrong place, or a header field that stands twice.
    pub fn of_request(app: &App, peer: Option<IpAddr>, headers: &HeaderMap) -> Result<Option<Self>> {
        let secret = &app.config.federation.trusted_proxy_secret;
        let mut presented = headers.get_all(SECRET).iter();
        let (Some(first), false) = (presented.next(), secret.is_empty()) else { return Ok(None) };
        let right = bool::from(first.as_bytes().ct_eq(secret.expose().as_bytes()));
        if !right || presented.next().is_some() {
            return Err(Error::unauthorized("a wrong secret of a trusted proxy"));
        }
        let networks = &app.config.federation.trusted_proxy_networks;
        let within = |ip: IpAddr| networks.iter().filter_map(|n| n.parse::<Cidr>().ok()).any(|n| n.contains(ip));
        if !networks.is_empty() && !peer.is_some_and(within) {
            return Err(Error::unauthorized("the secret of a trusted proxy from a network that none speaks from"));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in headers.iter().filter(|(name, _)| *name != SECRET && !name.as_str().contains('_')) {
            // Bytes as Latin-1, which the assertion puts right where they are UTF-8.
            let text: String = value.as_bytes().iter().map(|b| char::from(*b)).collect();
            if fields.insert(name.as_str().to_owned(), text).is_some() && name.as_str() != "cookie" {
                return Err(Error::unauthorized(format!("the header field {name} of a trusted proxy stands twice")));
            }
        }
        Ok(Some(Self(fields)))
    }

    /// The identity provider that somebody comes from, by its remote id.
    pub(super) async fn identity_provider(&self, app: &App, protocol_id: &str) -> Result<String> {
        let missing = || Error::unauthorized("the remote id of the identity provider is missing");
        let attribute = app.config.federation.remote_id_attribute(protocol_id).ok_or_else(missing)?;
        let remote_id = self.0.get(&field(attribute)).ok_or_else(missing)?;
        let found = store::identity_provider::owner_of_remote_id(&mut app.store.read().await?, remote_id).await?;
        found.ok_or_else(|| Error::not_found(format!("Could not find Identity Provider: {remote_id:.255}.")))
    }

    /// The attributes that the way in asks for, by whatever spelling its mapping has: header fields have no case, and CGI
    /// makes `HTTP_OIDC_EMAIL` of `OIDC-email`.
    pub(super) fn assertion(&self, app: &App, route: &Route) -> Result<Assertion> {
        let own = route.protocol.remote_id_attribute.as_deref();
        let configured = app.config.federation.remote_id_attribute(&route.protocol.id);
        let mut wanted: BTreeSet<&str> = own.into_iter().chain(configured).chain(["REMOTE_USER"]).collect();
        wanted.extend(route.mapping.iter().flat_map(|m| types(&m.document.rules)));
        let spoken = wanted.into_iter().filter_map(|name| self.0.get(&field(name)).map(|text| (name, text)));
        Assertion::from_environment(spoken, &app.config.federation.assertion_prefix)
    }
}

/// The header field that carries an attribute.
fn field(attribute: &str) -> String {
    let name = attribute.to_ascii_lowercase().replace('_', "-");
    name.strip_prefix("http-").map_or(name.clone(), str::to_owned)
}

/// The attributes that rules look at.
fn types(rules: &Value) -> impl Iterator<Item = &str> {
    let rules = rules.as_array().into_iter().flatten();
    let remote = rules.flat_map(|r| r.get("remote").and_then(Value::as_array).into_iter().flatten());
    remote.filter_map(|entry| entry.get("type").and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_under_the_name_that_cgi_makes_of_its_header_field() {
        for (attribute, expected) in [
            ("HTTP_OIDC_ISS", "oidc-iss"),
            ("OIDC-email", "oidc-email"),
            ("OIDC_CLAIM_email", "oidc-claim-email"),
            ("MELLON_NAME_ID", "mellon-name-id"),
            ("REMOTE_USER", "remote-user"),
        ] {
            assert_eq!(field(attribute), expected);
        }
    }

    #[test]
    fn rules_say_which_attributes_matter() {
        let rules = serde_json::json!([{"remote": [{"type": "a"}, {"type": "b"}, {}]}, {"local": []}]);
        assert_eq!(types(&rules).collect::<Vec<_>>(), ["a", "b"]);
    }
}
