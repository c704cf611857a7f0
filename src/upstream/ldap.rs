//! Directories (LDAP, RFC 4511): connections that are safe to have with servers that are not.
//!
//! The address is one that `egress` has checked, TLS verifies the host that the settings name, and what the server sends
//! reaches the `ldap3` crate only if its reader can take it (see [`guard`]). The crate speaks to one end of a pair of local
//! sockets; between the other end and the server stands the guard.

mod ber;
mod guard;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap as Handle, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions, StdStream};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use url::Url;

use self::guard::{Guard, Verdict};
use crate::egress::{Egress, Trouble};
use crate::error::{Error, Result};
use crate::model::connection::ldap::Ldap;

pub use tls::trusting;

/// Codes of results (RFC 4511 §4.1.9) that mean something to us.
pub mod code {
    /// It worked.
    pub const SUCCESS: u32 = 0;
    /// Active Directory's word for a question before a bind.
    pub const OPERATIONS_ERROR: u32 = 1;
    /// More entries than were asked for.
    pub const SIZE_LIMIT_EXCEEDED: u32 = 4;
    /// A password may not come in this way.
    pub const STRONGER_AUTH_REQUIRED: u32 = 8;
    /// The entry is another server's.
    pub const REFERRAL: u32 = 10;
    /// TLS first.
    pub const CONFIDENTIALITY_REQUIRED: u32 = 13;
    /// No such entry.
    pub const NO_SUCH_OBJECT: u32 = 32;
    /// What was sent is no DN.
    pub const INVALID_DN_SYNTAX: u32 = 34;
    /// The entry cannot be bound to in this way.
    pub const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    /// Wrong name or password.
    pub const INVALID_CREDENTIALS: u32 = 49;
    /// Not for this account.
    pub const INSUFFICIENT_ACCESS: u32 = 50;
    /// Later perhaps.
    pub const BUSY: u32 = 51;
    /// The same.
    pub const UNAVAILABLE: u32 = 52;
    /// The server does not want to.
    pub const UNWILLING: u32 = 53;
}

/// Time for a good-bye.
const LEAVE: Duration = Duration::from_secs(1);

/// Where a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// The servers of a connection, in the order in which they are asked.
    ///
    /// # Errors
    /// `Invalid` for one that is no host with a port.
    pub fn all(ldap: &Ldap) -> Result<Vec<Self>> {
        let read = |text: String| {
            let (host, port) = text.rsplit_once(':')?;
            let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
            Some(Self { host: host.to_owned(), port: port.parse().ok()? })
        };
        ldap.addresses()
            .map(|text| read(text).ok_or_else(|| Error::invalid("The server is no host with a port.")))
            .collect()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How a connection is protected.
#[derive(Debug, Clone)]
pub enum Security {
    /// Not at all.
    Plain,
    /// By TLS from the first byte.
    Tls(Arc<ClientConfig>),
    /// By TLS after asking for it.
    StartTls(Arc<ClientConfig>),
}

impl Security {
    /// As the settings want it.
    ///
    /// # Errors
    /// Authorities that cannot be read, or none that the system knows.
    pub fn of(ldap: &Ldap) -> std::result::Result<Self, &'static str> {
        let config = || trusting(ldap.ca_certificate_pem.as_deref());
        Ok(match (ldap.use_ssl, ldap.use_start_tls) {
            (true, _) => Self::Tls(config()?),
            (false, true) => Self::StartTls(config()?),
            (false, false) => Self::Plain,
        })
    }
}

/// Why a directory gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no connection, or no TLS on it.
    Trouble(Trouble),
    /// It does not offer StartTLS.
    NoStartTls,
    /// It has closed the connection.
    Closed,
    /// It sent what is no LDAP, or not what was asked for, or too much.
    Garbled,
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// What a connection runs on.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection with a directory; it ends when this is dropped.
pub struct Directory {
    handle: Handle,
    guard: Guard,
    driver: JoinHandle<()>,
    certificate: Option<Vec<u8>>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Directory {
    /// Connects.
    ///
    /// # Errors
    /// Why that did not come about.
    pub async fn connect(egress: &Egress, address: &Address, security: &Security) -> std::result::Result<Self, Fault> {
        let mut tcp = egress.connect(&address.host, address.port).await?;
        let (stream, certificate): (Box<dyn Stream>, _) = match security {
            Security::Plain => (Box::new(tcp), None),
            Security::Tls(config) => secure(tcp, address, config).await?,
            Security::StartTls(config) => {
                guard::start_tls(&mut tcp).await?;
                secure(tcp, address, config).await?
            }
        };
        let local = |_| Fault::Trouble(Trouble::Unreachable);
        let (ours, theirs) = UnixStream::pair().map_err(local)?;
        let guard = Guard::between(ours, stream);
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(theirs.into_std().map_err(local)?));
        let url = Url::parse("ldapi:///").map_err(|_| Fault::Garbled)?;
        let (connection, handle) =
            LdapConnAsync::from_url_with_settings(settings, &url).await.map_err(|_| Fault::Closed)?;
        let driver = tokio::spawn(async move {
            let _ = connection.drive().await;
        });
        Ok(Self { handle, guard, driver, certificate })
    }

    /// The certificate that the server has shown, in DER.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Binds with a password (RFC 4513 §5.1); an empty name is nobody, and an empty password is never sent with another.
    /// The result is its code.
    ///
    /// # Errors
    /// No result.
    pub async fn bind(&mut self, dn: &str, password: &str) -> std::result::Result<u32, Fault> {
        if !dn.is_empty() && password.is_empty() {
            return Ok(code::INVALID_CREDENTIALS);
        }
        let bound = self.handle.simple_bind(dn, password).await;
        bound.map(|result| result.rc).map_err(|e| self.fault(&e))
    }

    /// Looks at one entry, without reading anything of it: the result's code, and whether the entry was shown.
    ///
    /// # Errors
    /// No result.
    pub async fn look_at(&mut self, dn: &str) -> std::result::Result<(u32, bool), Fault> {
        let options = SearchOptions::new().sizelimit(1);
        let searched =
            self.handle.with_search_options(options).search(dn, Scope::Base, "(objectClass=*)", vec!["1.1"]).await;
        searched.map(|found| (found.1.rc, !found.0.is_empty())).map_err(|e| self.fault(&e))
    }

    /// Says good-bye.
    pub async fn unbind(mut self) {
        let _ = timeout(LEAVE, async {
            let _ = self.handle.unbind().await;
            self.guard.left().await;
        })
        .await;
    }

    fn fault(&self, _: &LdapError) -> Fault {
        match self.guard.verdict() {
            Some(Verdict::Garbled) => Fault::Garbled,
            Some(Verdict::Closed) | None => Fault::Closed,
        }
    }
}

/// TLS on a connection, for the host that was asked for.
async fn secure(
    tcp: TcpStream,
    address: &Address,
    config: &Arc<ClientConfig>,
) -> std::result::Result<(Box<dyn Stream>, Option<Vec<u8>>), Fault> {
    let stream = tls::secure(tcp, &address.host, config.clone()).await?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|c| c.to_vec());
    Ok((Box::new(stream), certificate))
}

#[cfg(test)]
mod tests;
