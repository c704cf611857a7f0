//! Provisioning by SCIM 2.0 (RFC 7643, RFC 7644): users and groups are placed on somebody else's server.
//!
//! A [`Client`] is made for one run: it reads once what the server can do and keeps to it. Whoever calls keeps the links:
//! what is ours has our `externalId`, what is the server's its `id`, and a [`Known`] is the pair's other half. Each verb can
//! be called again after whatever happened to the last call, and makes nothing twice: what may have been created is looked
//! for before it is created again.
//!
//! Nothing that a server sends decides where requests go: no redirect is followed, `Location` is not read, ids are escaped
//! to one path segment. Requests go out four at a time; those that fail in a way that may pass are repeated with growing,
//! random waits until the object's deadline, and a server's `Retry-After` stops all of them. Users are sent by a list of
//! attributes that has neither passwords nor roles.

mod bulk;
mod capabilities;
mod census;
mod change;
mod failure;
mod filter;
mod find;
mod group;
mod members;
mod pace;
mod place;
mod resource;
mod turn;
mod user;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::{Clock, Random};
use crate::egress::Egress;
use crate::secret::Secret;

use self::census::Census;
use self::turn::Turn;
use self::wire::Wire;

pub use self::capabilities::{Bulk, Capabilities};
pub use self::failure::{Failure, Kind};
pub use self::group::Group;
pub use self::members::Members;
pub use self::pace::Pace;
pub use self::place::{Done, Placed, What};
pub use self::resource::Known;
pub use self::user::{Enterprise, User};

/// The two classes of resources that are placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    User,
    Group,
}

impl Class {
    /// The attribute that people know a resource by.
    fn name(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }

    /// One of them, in a text.
    fn one(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// A client of one server, for one run.
pub struct Client {
    wire: Wire,
    capabilities: Capabilities,
    /// Whether the server takes PATCH, until it has refused it.
    patches: AtomicBool,
    /// Whether it filters, until it has refused to.
    filters: AtomicBool,
    users: Census,
    groups: Census,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `base`, a URL to the version segment, with the usual [`Pace`].
    ///
    /// # Errors
    /// As [`Client::connect_at`].
    pub async fn connect(
        egress: Arc<Egress>,
        base: &str,
        token: Option<&Secret>,
        clock: Arc<dyn Clock>,
        random: Arc<Random>,
    ) -> Result<Self, Failure> {
        Self::connect_at(Pace::default(), egress, base, token, clock, random).await
    }

    /// The same with another pace. Asks the server what it can do; one that does not say is taken for one that patches and
    /// filters, and has neither bulk operations nor versions.
    ///
    /// # Errors
    /// A URL or token that cannot be used, a server that refuses them, or one that cannot be reached.
    pub async fn connect_at(
        pace: Pace,
        egress: Arc<Egress>,
        base: &str,
        token: Option<&Secret>,
        clock: Arc<dyn Clock>,
        random: Arc<Random>,
    ) -> Result<Self, Failure> {
        let wire = Wire::new(pace, egress, base, token, clock, random)?;
        let capabilities = Capabilities::read(&mut Turn::new(&wire)).await?;
        Ok(Self {
            patches: AtomicBool::new(capabilities.patch),
            filters: AtomicBool::new(capabilities.filter),
            wire,
            capabilities,
            users: Census::default(),
            groups: Census::default(),
        })
    }

    /// What the server says it can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn turn(&self) -> Turn<'_> {
        Turn::new(&self.wire)
    }

    fn patches(&self) -> bool {
        self.patches.load(Ordering::Relaxed)
    }

    fn filters(&self) -> bool {
        self.filters.load(Ordering::Relaxed)
    }

    fn census(&self, class: Class) -> &Census {
        match class {
            Class::User => &self.users,
            Class::Group => &self.groups,
        }
    }

    /// Where a class has its resources.
    fn endpoint(&self, class: Class) -> Result<&str, Failure> {
        match class {
            Class::User => Ok(&self.capabilities.users),
            Class::Group => {
                let none = || Failure::new(Kind::Refused, "the server has no groups");
                self.capabilities.groups.as_deref().ok_or_else(none)
            }
        }
    }

    /// Where one resource is.
    fn target(&self, class: Class, id: &str) -> Result<String, Failure> {
        let unusable = || Failure::new(Kind::Refused, format!("the {}'s id cannot stand in a URL", class.one()));
        Ok(format!("{}/{}", self.endpoint(class)?, filter::segment(id).ok_or_else(unusable)?))
    }
}

#[cfg(test)]
mod tests;
