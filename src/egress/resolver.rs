//! Name resolution that yields allowed addresses only. The client connects to what it yields, so the address that was
//! checked is the address that is used.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::rules::Rules;
use super::trouble::Trouble;

/// Turns a name into its addresses.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The system's resolver.
pub fn system() -> Lookup {
    Arc::new(|host| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Why a host has no address that may be connected to.
#[derive(Debug)]
pub enum NoAddress {
    /// It has none at all; the reason is for the log.
    Unresolved(String),
    /// None of them may be.
    NotAllowed,
}

impl NoAddress {
    /// The same for a caller; `closed` is the text for addresses that may not be asked.
    pub fn trouble(&self, closed: &str) -> Trouble {
        match self {
            Self::Unresolved(_) => Trouble::Unresolved,
            Self::NotAllowed => Trouble::NotAllowed(closed.to_owned()),
        }
    }
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(reason) => f.write_str(reason),
            Self::NotAllowed => f.write_str("the name has no address that may be connected to"),
        }
    }
}

impl std::error::Error for NoAddress {}

/// A resolver behind the rules.
#[derive(Clone)]
pub struct Guarded {
    rules: Arc<Rules>,
    lookup: Lookup,
}

impl Guarded {
    /// `lookup` behind `rules`.
    pub fn new(rules: Rules, lookup: Lookup) -> Self {
        Self { rules: Arc::new(rules), lookup }
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The addresses of `host`, a name or a literal, that may be connected to.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAddress> {
        let found = match host.parse() {
            Ok(literal) => vec![literal],
            Err(_) => (self.lookup)(host.to_owned())
                .await
                .map_err(|e| NoAddress::Unresolved(format!("the name does not resolve: {e}")))?,
        };
        let allowed: Vec<IpAddr> =
            found.iter().copied().filter(|address| self.rules.may_connect(host, *address)).collect();
        match (allowed.is_empty(), found.is_empty()) {
            (false, _) => Ok(allowed),
            (true, true) => Err(NoAddress::Unresolved("the name has no address".to_owned())),
            (true, false) => Err(NoAddress::NotAllowed),
        }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let addresses = this.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("rules", &self.rules).finish_non_exhaustive()
    }
}
