//! Platforms: where configurations are pushed to, and the one contract by which each of them is spoken to.
//!
//! Whoever pushes has written down first what it is about to do, under an id that follows from configuration and platform.
//! `push` may therefore be repeated whenever nobody knows how it ended: it finds what it made before. Nothing here keeps
//! anything, opens a transaction or decides who may do what. What goes wrong is a [`Problem`] for an administrator's eyes: it
//! says what was asked and what is to be done, and repeats neither bodies nor secrets.
//!
//! A new product is one file here, one word in the model and one line in each `match` of [`Adapter`].

mod exchange;
pub mod keystone;
mod provisioning;
pub mod scim;
pub mod webhook;
pub mod zstack;

use std::fmt;
use std::sync::Arc;

use crate::clock::{Clock, Random};
use crate::egress::Egress;
use crate::model::plan::Plan;
use crate::model::platform::{Credential, Platform as Record, Product};
use crate::secret::Secret;

use keystone::Keystone;
use provisioning::Provisioning;
use webhook::Webhook;
use zstack::ZStack;

/// Most characters of a text about what went wrong.
pub const MAX_TEXT: usize = 500;

/// A product that configurations can be pushed to.
pub trait Platform {
    /// Asks for nothing but whether the credential opens what a push needs.
    fn check(&self, site: &Site<'_>) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Signs in once by user and password and makes a key for all later requests. `None` where the product makes no keys.
    fn negotiate(
        &self,
        site: &Site<'_>,
        user: &str,
        password: &Secret,
        name: &str,
    ) -> impl Future<Output = Result<Option<Key>, Problem>> + Send;

    /// Takes a key away that [`Platform::negotiate`] made. One that is gone is taken away.
    fn revoke(&self, site: &Site<'_>, key_id: &str) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Makes another key beside the one in use, which stays good.
    fn rotate(&self, site: &Site<'_>, name: &str) -> impl Future<Output = Result<Key, Problem>> + Send;

    /// Has the platform be as the plan says, whatever is there.
    fn push(
        &self,
        site: &Site<'_>,
        plan: &Plan,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<Pushed, Problem>> + Send;

    /// Takes away what a push made. What is gone is taken away.
    fn remove(
        &self,
        site: &Site<'_>,
        remote: &Remote,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Looks whether what a push made is there as it was made.
    fn inspect(&self, site: &Site<'_>, plan: &Plan) -> impl Future<Output = Result<Found, Problem>> + Send;
}

/// A platform with all that is needed to speak to it.
#[derive(Clone)]
pub struct Site<'a> {
    /// What is stored.
    pub record: &'a Record,
    /// Its credential.
    pub credential: Option<&'a Credential>,
    /// The client of all requests to it, with the authorities it is trusted by.
    pub egress: &'a Egress,
    /// The time.
    pub clock: &'a Arc<dyn Clock>,
    /// Randomness.
    pub random: &'a Random,
}

impl fmt::Debug for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Site").field(&self.record.id).finish()
    }
}

/// A key that a platform made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// The secret, told this once.
    pub secret: Secret,
    /// What people call it.
    pub name: String,
}

/// One attempt at something that a platform does in its own time. Its number was written down before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// A fresh UUID in 32 hexadecimal digits.
    pub id: String,
    /// That of the attempt before, of which nobody knows how it ended.
    pub earlier: Option<String>,
}

/// What a push made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What the platform calls it.
    pub client_id: String,
    /// The redirect URI that has to be registered at the identity provider; none where browsers never come back there.
    pub callback_url: Option<String>,
    /// What works and should be seen to all the same.
    pub warnings: Vec<String>,
}

/// What is there of an earlier push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The id under which it was made.
    pub remote_id: String,
    /// What the platform calls it, if it has said so.
    pub client_id: Option<String>,
    /// The protocol: `oidc`, `saml` or `ldap`.
    pub protocol: String,
}

/// What an inspection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// All as it was made.
    Same,
    /// Something else: the names of what differs.
    Different(Vec<String>),
    /// It is gone.
    Missing,
}

/// Why it did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of trouble.
    pub kind: Trouble,
    /// For an administrator; at most [`MAX_TEXT`] characters.
    pub message: String,
}

/// Kinds of trouble, by what can be done about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, or not in time: try again.
    Unreachable,
    /// It knows the credential no more, or does not let it do this.
    Credential,
    /// It will not take this as it is: trying again changes nothing.
    Refused,
    /// It can do no such thing.
    Unsupported,
    /// It failed by itself: try again.
    Failed,
}

impl Problem {
    /// With a text that is cut and cleaned of what terminals would obey.
    pub fn new(kind: Trouble, message: impl AsRef<str>) -> Self {
        let clean = message.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c });
        Self { kind, message: clean.take(MAX_TEXT).collect() }
    }

    /// Whether the same may work later.
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, Trouble::Unreachable | Trouble::Failed)
    }
}

/// The products that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// See [`keystone`].
    Keystone,
    /// See [`zstack`].
    ZStack(zstack::Line),
    /// Users and groups alone: there is nothing to push, and what is done with those stands elsewhere.
    Scim,
    /// See [`webhook`].
    Webhook,
}

impl Adapter {
    /// That of a product.
    pub fn of(product: Product) -> Self {
        match product {
            Product::Keystone => Self::Keystone,
            Product::ZStack => Self::ZStack(zstack::Line::Enterprise),
            Product::ZSphere => Self::ZStack(zstack::Line::ZSphere),
            Product::Scim => Self::Scim,
            Product::Webhook => Self::Webhook,
        }
    }

    /// See [`Platform::check`].
    pub async fn check(self, site: &Site<'_>) -> Result<(), Problem> {
        match self {
            Self::Keystone => Keystone.check(site).await,
            Self::ZStack(line) => ZStack(line).check(site).await,
            Self::Scim => Provisioning.check(site).await,
            Self::Webhook => Webhook.check(site).await,
        }
    }

    /// See [`Platform::negotiate`].
    pub async fn negotiate(
        self,
        site: &Site<'_>,
        user: &str,
        password: &Secret,
        name: &str,
    ) -> Result<Option<Key>, Problem> {
        match self {
            Self::Keystone => Keystone.negotiate(site, user, password, name).await,
            Self::ZStack(line) => ZStack(line).negotiate(site, user, password, name).await,
            Self::Scim => Provisioning.negotiate(site, user, password, name).await,
            Self::Webhook => Webhook.negotiate(site, user, password, name).await,
        }
    }

    /// See [`Platform::revoke`].
    pub async fn revoke(self, site: &Site<'_>, key_id: &str) -> Result<(), Problem> {
        match self {
            Self::Keystone => Keystone.revoke(site, key_id).await,
            Self::ZStack(line) => ZStack(line).revoke(site, key_id).await,
            Self::Scim => Provisioning.revoke(site, key_id).await,
            Self::Webhook => Webhook.revoke(site, key_id).await,
        }
    }

    /// See [`Platform::rotate`].
    pub async fn rotate(self, site: &Site<'_>, name: &str) -> Result<Key, Problem> {
        match self {
            Self::Keystone => Keystone.rotate(site, name).await,
            Self::ZStack(line) => ZStack(line).rotate(site, name).await,
            Self::Scim => Provisioning.rotate(site, name).await,
            Self::Webhook => Webhook.rotate(site, name).await,
        }
    }

    /// See [`Platform::push`].
    pub async fn push(self, site: &Site<'_>, plan: &Plan, attempt: &Attempt) -> Result<Pushed, Problem> {
        match self {
            Self::Keystone => Keystone.push(site, plan, attempt).await,
            Self::ZStack(line) => ZStack(line).push(site, plan, attempt).await,
            Self::Scim => Provisioning.push(site, plan, attempt).await,
            Self::Webhook => Webhook.push(site, plan, attempt).await,
        }
    }

    /// See [`Platform::remove`].
    pub async fn remove(self, site: &Site<'_>, remote: &Remote, attempt: &Attempt) -> Result<(), Problem> {
        match self {
            Self::Keystone => Keystone.remove(site, remote, attempt).await,
            Self::ZStack(line) => ZStack(line).remove(site, remote, attempt).await,
            Self::Scim => Provisioning.remove(site, remote, attempt).await,
            Self::Webhook => Webhook.remove(site, remote, attempt).await,
        }
    }

    /// See [`Platform::inspect`].
    pub async fn inspect(self, site: &Site<'_>, plan: &Plan) -> Result<Found, Problem> {
        match self {
            Self::Keystone => Keystone.inspect(site, plan).await,
            Self::ZStack(line) => ZStack(line).inspect(site, plan).await,
            Self::Scim => Provisioning.inspect(site, plan).await,
            Self::Webhook => Webhook.inspect(site, plan).await,
        }
    }
}

#[cfg(test)]
mod tests;
