//! `oidcConfig`.

use serde_json::{Value, json};

use super::{Kind, MAX_URL, line, needed, url};
use crate::error::{Error, Result};
use crate::model::connection::oidc::Oidc;
use crate::model::fields::Fields;
use crate::model::issuer;

/// Longest issuer: it becomes a remote id.
const MAX_ISSUER: usize = 255;

pub(super) const MEMBERS: &[(&str, Kind)] = &[
    ("clientId", Kind::Text),
    ("wellKnownUrl", Kind::Text),
    ("redirectUri", Kind::Text),
    ("scope", Kind::Text),
    ("configName", Kind::Text),
];

/// The scopes that are asked for unless the block says otherwise.
const DEFAULT_SCOPE: &str = "openid profile email";

pub(super) fn given(s: &Oidc) -> Vec<(&'static str, Value)> {
    vec![
        ("clientId", json!(s.client_id)),
        ("wellKnownUrl", json!(s.configuration_url())),
        ("redirectUri", json!(s.redirect_uri)),
        ("scope", json!(s.scopes.join(" "))),
        ("configName", json!(s.name)),
    ]
}

pub(super) fn parse(f: &mut Fields<'_>, base: Oidc) -> Result<Oidc> {
    let client_id = line(f, "clientId", 255)?;
    let client_id = needed(f, "clientId", client_id)?;
    let well_known = line(f, "wellKnownUrl", MAX_URL)?;
    let well_known = needed(f, "wellKnownUrl", well_known)?;
    let (issuer, discovery_url) = if base.configuration_url().as_ref() == Some(&well_known) {
        (base.issuer.clone(), base.discovery_url.clone())
    } else {
        let path = || f.path("wellKnownUrl");
        let derived = issuer::of_discovery(&well_known).ok_or_else(|| {
            Error::invalid_field(path(), format!("must be an absolute URL that ends with {}", issuer::WELL_KNOWN))
        })?;
        if derived.chars().count() > MAX_ISSUER {
            return Err(Error::invalid_field(path(), format!("the issuer is longer than {MAX_ISSUER} characters")));
        }
        (None, Some(well_known))
    };
    let scope = line(f, "scope", 1_024)?.unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
    let mut scopes: Vec<String> = Vec::new();
    for one in scope.split_ascii_whitespace() {
        if !one.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
            return Err(Error::invalid_field(
                f.path("scope"),
                "a scope has no quotes, backslashes or letters beyond ASCII",
            ));
        }
        if !scopes.iter().any(|s| s == one) {
            scopes.push(one.to_owned());
        }
    }
    if !scopes.iter().any(|s| s == "openid") {
        return Err(Error::invalid_field(f.path("scope"), "must contain openid"));
    }
    Ok(Oidc {
        issuer,
        discovery_url,
        client_id,
        scopes,
        redirect_uri: url(f, "redirectUri")?,
        name: line(f, "configName", 255)?,
        ..base
    })
}
