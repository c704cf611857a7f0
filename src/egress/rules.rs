//! Which URLs and addresses may be asked (IANA special-purpose registries, RFC 6890).

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Url};

use super::trouble::{CLOSED_HOST, CLOSED_URL};
use crate::config::{self, Cidr};
use crate::error::{Error, Result};

/// Ports of directories: LDAP, the same over TLS, and Active Directory's global catalog by either way. They may be used by
/// that protocol, whatever is configured for URLs.
const DIRECTORY_PORTS: [u16; 4] = [389, 636, 3268, 3269];

/// IPv4 networks that are not the public Internet, and one public address that cloud machines reach their host by.
const CLOSED_V4: [Cidr; 17] = [
    Cidr::v4(0, 0, 0, 0, 8),
    Cidr::v4(10, 0, 0, 0, 8),
    Cidr::v4(100, 64, 0, 0, 10),
    Cidr::v4(127, 0, 0, 0, 8),
    Cidr::v4(168, 63, 129, 16, 32),
    Cidr::v4(169, 254, 0, 0, 16),
    Cidr::v4(172, 16, 0, 0, 12),
    Cidr::v4(192, 0, 0, 0, 24),
    Cidr::v4(192, 0, 2, 0, 24),
    Cidr::v4(192, 31, 196, 0, 24),
    Cidr::v4(192, 88, 99, 0, 24),
    Cidr::v4(192, 168, 0, 0, 16),
    Cidr::v4(198, 18, 0, 0, 15),
    Cidr::v4(198, 51, 100, 0, 24),
    Cidr::v4(203, 0, 113, 0, 24),
    Cidr::v4(224, 0, 0, 0, 4),
    Cidr::v4(240, 0, 0, 0, 4),
];

/// The one IPv6 network of global unicast addresses. Loopback, unique local, link-local, multicast, mapped and NAT64
/// addresses all lie outside it.
const OPEN_V6: Cidr = Cidr::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Networks inside it that are closed all the same: protocol assignments with Teredo, documentation, 6to4.
const CLOSED_V6: [Cidr; 4] = [
    Cidr::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    Cidr::v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    Cidr::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    Cidr::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// True if `address` is a public unicast address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => !CLOSED_V4.iter().any(|network| network.contains(address)),
        IpAddr::V6(_) => OPEN_V6.contains(address) && !CLOSED_V6.iter().any(|network| network.contains(address)),
    }
}

/// The operator's rules.
#[derive(Debug)]
pub struct Rules {
    schemes: Vec<String>,
    ports: Vec<u16>,
    networks: Vec<Cidr>,
    hosts: Vec<String>,
}

impl Rules {
    /// The rules of `config`.
    ///
    /// # Errors
    /// An entry of `allow` that is neither a network nor a host.
    pub fn new(config: &config::Egress) -> Result<Self> {
        let (mut networks, mut hosts) = (Vec::new(), Vec::new());
        for entry in &config.allow {
            match (entry.parse::<Cidr>(), Host::parse(entry)) {
                (Ok(network), _) => networks.push(network),
                (Err(_), Ok(Host::Domain(host))) if !host.contains('/') => hosts.push(bare(&host).to_owned()),
                _ => {
                    return Err(Error::invalid_field("egress.allow", format!("`{entry}` is neither host nor network")));
                }
            }
        }
        Ok(Self { schemes: config.schemes.clone(), ports: config.ports.clone(), networks, hosts })
    }

    /// Reads `text` as a URL that may be asked; the error says which rule it breaks.
    pub fn check(&self, text: &str) -> std::result::Result<Url, String> {
        // A lenient parser drops tabs and line ends and turns backslashes; what is stored must be what is asked.
        if text.bytes().any(|b| b.is_ascii_control() || b == b' ' || b == b'\\') {
            return Err("The URL has characters that no URL has.".to_owned());
        }
        let url = Url::parse(text).map_err(|_| "The URL cannot be read.".to_owned())?;
        if !self.schemes.iter().any(|scheme| scheme == url.scheme()) {
            return Err(format!("The URL's scheme must be {}.", self.schemes.join(" or ")));
        }
        // The lenient parser also takes `http:x` and `http:///x` for `http://x`.
        let after_scheme = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
        if after_scheme.is_none_or(|rest| rest.starts_with('/')) {
            return Err("The URL cannot be read.".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err("The URL must not have a user or password.".to_owned());
        }
        if url.fragment().is_some() {
            return Err("The URL must not have a fragment.".to_owned());
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !self.ports.is_empty() && !self.ports.contains(&port) {
            return Err("The URL's port is not allowed.".to_owned());
        }
        let allowed = self.may_ask(&url.host().ok_or_else(|| "The URL has no host.".to_owned())?);
        if allowed { Ok(url) } else { Err(CLOSED_URL.to_owned()) }
    }

    /// Reads `host`, the name or address of a directory, which is to be connected to at `port`; the error says which rule is
    /// broken.
    pub fn check_host(&self, host: &str, port: u16) -> std::result::Result<Host, String> {
        // The parser takes more than a host for one; a bare IPv6 address it wants in brackets.
        let read = match host.parse() {
            Ok(address) => Host::Ipv6(address),
            Err(_) => Host::parse(host).map_err(|_| "The host cannot be read.".to_owned())?,
        };
        if !host.is_ascii() || host.bytes().any(|b| b.is_ascii_control() || b == b'%') {
            return Err("The host cannot be read.".to_owned());
        }
        if port == 0 || !(self.ports.is_empty() || self.ports.contains(&port) || DIRECTORY_PORTS.contains(&port)) {
            return Err("The port is not allowed.".to_owned());
        }
        if self.may_ask(&read) { Ok(read) } else { Err(CLOSED_HOST.to_owned()) }
    }

    /// True unless a host says by itself that it may not be asked.
    fn may_ask<S: AsRef<str>>(&self, host: &Host<S>) -> bool {
        match host {
            Host::Ipv4(v4) => self.may_connect("", IpAddr::V4(*v4)),
            Host::Ipv6(v6) => self.may_connect("", IpAddr::V6(*v6)),
            Host::Domain(host) => {
                let host = host.as_ref();
                !is_localhost(host) || self.may_connect(host, Ipv4Addr::LOCALHOST.into())
            }
        }
    }

    /// True if `address`, to which `host` resolved, may be connected to.
    pub fn may_connect(&self, host: &str, address: IpAddr) -> bool {
        is_public(address) || self.names(host) || self.networks.iter().any(|network| network.contains(address))
    }

    /// The host of `url` if it may be asked only because the operator named it.
    pub fn exception<'a>(&self, url: &'a Url) -> Option<&'a str> {
        let literal = match url.host()? {
            Host::Ipv4(v4) => !is_public(IpAddr::V4(v4)),
            Host::Ipv6(v6) => !is_public(IpAddr::V6(v6)),
            Host::Domain(host) => self.names(host),
        };
        url.host_str().filter(|_| literal)
    }

    fn names(&self, host: &str) -> bool {
        self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare(host)))
    }
}

/// `host` without the dot that ends a fully qualified name.
fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// RFC 6761 §6.3: these names are loopback, whatever a resolver says.
fn is_localhost(host: &str) -> bool {
    bare(host).rsplit('.').next().is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

/// What stands between `//` and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}
