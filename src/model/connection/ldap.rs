//! The settings of an LDAP connection (RFC 4511, RFC 4513, RFC 4515). The service account's password is the connection's
//! secret.

use serde::{Deserialize, Serialize};

/// Port of LDAP, also with StartTLS.
const PORT: u16 = 389;
/// Port of LDAP over TLS.
const TLS_PORT: u16 = 636;
/// How people are found unless the settings say so.
const USER_FILTER: &str = "(uid=%s)";

/// The settings, as they were given; what was not given is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ldap {
    /// Host name or address.
    pub server_address: String,
    /// TCP port.
    pub port: Option<u16>,
    /// Further servers with the same content, each a host with or without a port, asked when the first does not answer.
    pub servers: Vec<String>,
    /// Root of all searches.
    pub base_dn: String,
    /// The service account; without one searches are anonymous.
    pub bind_dn: Option<String>,
    /// Root of searches for people.
    pub user_search_base: Option<String>,
    /// How a person is found: `%s` stands for the name, which is escaped.
    pub user_search_filter: Option<String>,
    /// Root of searches for groups.
    pub group_search_base: Option<String>,
    /// How the groups of a person are found: `%s` stands for their DN, which is escaped.
    pub group_search_filter: Option<String>,
    /// TLS from the first byte.
    pub use_ssl: bool,
    /// TLS from the first operation on (RFC 4513 §3).
    pub use_start_tls: bool,
    /// The authorities that vouch for the server's certificate, in PEM, instead of the system's.
    pub ca_certificate_pem: Option<String>,
}

impl Ldap {
    /// The port, which has a default.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.use_ssl { TLS_PORT } else { PORT })
    }

    /// Whether a password given for `old` goes no further with these settings: to the same servers, and not in clear where
    /// it was protected.
    pub fn secret_goes_where(&self, old: &Self) -> bool {
        let known: Vec<String> = old.addresses().collect();
        let protected = |l: &Self| l.use_ssl || l.use_start_tls;
        self.addresses().all(|address| known.contains(&address))
            && (protected(self) || !protected(old))
            && self.ca_certificate_pem == old.ca_certificate_pem
    }

    /// The servers, each with its port, in the order in which they are asked.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let first = with_port(&self.server_address, self.port());
        std::iter::once(first).chain(self.servers.iter().map(|server| with_port(server, self.port())))
    }

    /// Where people are searched for.
    pub fn user_base(&self) -> &str {
        self.user_search_base.as_deref().unwrap_or(&self.base_dn)
    }

    /// How people are searched for.
    pub fn user_filter(&self) -> &str {
        self.user_search_filter.as_deref().unwrap_or(USER_FILTER)
    }
}

/// `host:port`, in lower case; an IPv6 address stands in brackets.
fn with_port(server: &str, port: u16) -> String {
    let server = server.to_ascii_lowercase();
    let own = server
        .rsplit_once(':')
        .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
    match (own, server.contains(':') && !server.starts_with('[')) {
        (true, _) => server,
        (false, true) => format!("[{server}]:{port}"),
        (false, false) => format!("{server}:{port}"),
    }
}
