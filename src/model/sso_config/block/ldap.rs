//! `ldapConfig`.

use serde_json::{Value, json};
use url::Host;

use super::{Kind, certificates, flag, line, needed};
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::ldap::Ldap;
use crate::model::fields::Fields;
use crate::model::sso_config::issuer_of;

/// Longest distinguished name and filter.
const MAX_TEXT: usize = 1_024;
/// Longest issuer: it becomes a remote id.
const MAX_ISSUER: usize = 255;
/// Most further servers.
const MAX_SERVERS: usize = 10;

pub(super) const MEMBERS: &[(&str, Kind)] = &[
    ("serverAddress", Kind::Text),
    ("port", Kind::Port),
    ("servers", Kind::Texts),
    ("baseDn", Kind::Text),
    ("bindDn", Kind::Text),
    ("userSearchBase", Kind::Text),
    ("userSearchFilter", Kind::Text),
    ("groupSearchBase", Kind::Text),
    ("groupSearchFilter", Kind::Text),
    ("useSsl", Kind::Flag),
    ("useStartTls", Kind::Flag),
    ("caCertificatePem", Kind::Text),
];

pub(super) fn given(s: &Ldap) -> Vec<(&'static str, Value)> {
    vec![
        ("serverAddress", json!(s.server_address)),
        ("port", json!(s.port)),
        ("servers", if s.servers.is_empty() { Value::Null } else { json!(s.servers) }),
        ("baseDn", json!(s.base_dn)),
        ("bindDn", json!(s.bind_dn)),
        ("userSearchBase", json!(s.user_search_base)),
        ("userSearchFilter", json!(s.user_search_filter)),
        ("groupSearchBase", json!(s.group_search_base)),
        ("groupSearchFilter", json!(s.group_search_filter)),
        ("useSsl", flag(s.use_ssl)),
        ("useStartTls", flag(s.use_start_tls)),
        ("caCertificatePem", json!(s.ca_certificate_pem)),
    ]
}

pub(super) fn parse(f: &mut Fields<'_>) -> Result<Ldap> {
    let server_address = line(f, "serverAddress", 255)?;
    let server_address = needed(f, "serverAddress", server_address)?;
    if !is_host(&server_address) {
        return Err(Error::invalid_field(
            f.path("serverAddress"),
            "must be a bare host name or address, without scheme or port",
        ));
    }
    let base_dn = line(f, "baseDn", MAX_TEXT)?;
    let base_dn = needed(f, "baseDn", base_dn)?;
    if !base_dn.contains('=') {
        return Err(Error::invalid_field(f.path("baseDn"), "must be a distinguished name such as dc=example,dc=com"));
    }
    let ldap = Ldap {
        server_address,
        port: port(f)?,
        servers: servers(f)?,
        base_dn,
        bind_dn: line(f, "bindDn", MAX_TEXT)?,
        user_search_base: line(f, "userSearchBase", MAX_TEXT)?,
        user_search_filter: filter(f, "userSearchFilter")?,
        group_search_base: line(f, "groupSearchBase", MAX_TEXT)?,
        group_search_filter: filter(f, "groupSearchFilter")?,
        use_ssl: f.boolean("useSsl")?.unwrap_or(false),
        use_start_tls: f.boolean("useStartTls")?.unwrap_or(false),
        ca_certificate_pem: certificates(f, "caCertificatePem")?,
    };
    if ldap.use_ssl && ldap.use_start_tls {
        return Err(Error::invalid_field(f.path("useStartTls"), "cannot go with useSsl: TLS is there from the start"));
    }
    let issuer = issuer_of(&Settings::Ldap(Box::new(ldap.clone()))).unwrap_or_default();
    if issuer.chars().count() > MAX_ISSUER {
        return Err(Error::invalid_field(f.path("baseDn"), "is too long"));
    }
    Ok(ldap)
}

fn port(f: &mut Fields<'_>) -> Result<Option<u16>> {
    let Some(n) = f.nullable_count("port", 65_535)?.flatten() else { return Ok(None) };
    match u16::try_from(n) {
        Ok(n) if n > 0 => Ok(Some(n)),
        _ => Err(Error::invalid_field(f.path("port"), "must be 1 to 65535")),
    }
}

fn servers(f: &mut Fields<'_>) -> Result<Vec<String>> {
    let path = f.path("servers");
    let items = f.raw("servers").and_then(Value::as_array).cloned().unwrap_or_default();
    if items.len() > MAX_SERVERS {
        return Err(Error::invalid_field(path, format!("must have {MAX_SERVERS} items at most")));
    }
    let mut servers = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let text = item.as_str().unwrap_or_default().trim();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if !is_host(host) || port.is_some_and(|p| !p.parse::<u16>().is_ok_and(|n| n > 0)) {
            return Err(Error::invalid_field(format!("{path}.{i}"), "must be a host with or without a port"));
        }
        servers.push(text.to_owned());
    }
    Ok(servers)
}

fn is_host(text: &str) -> bool {
    let v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    v6 || (!text.contains([':', '/', '@', '%', ' ']) && Host::parse(text).is_ok())
}

/// A filter in which `%s`, and nothing else, stands for what is looked for.
fn filter(f: &mut Fields<'_>, name: &str) -> Result<Option<String>> {
    let Some(text) = line(f, name, MAX_TEXT)? else { return Ok(None) };
    let wrong = |why: &str| Err(Error::invalid_field(f.path(name), why));
    if text.matches("%s").count() != 1 || text.replace("%s", "").contains('%') {
        return wrong("must have exactly one %s, which stands for what is looked for");
    }
    if ldap3::parse_filter(text.replace("%s", "x")).is_err() {
        return wrong("is no LDAP filter (RFC 4515)");
    }
    Ok(Some(text))
}
