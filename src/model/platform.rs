//! A platform: where configurations are pushed to, and with what credential (sso-api §5).

pub mod body;

use serde::{Deserialize, Serialize};

use super::words::words;
use crate::clock::Timestamp;
use crate::secret::Secret;

words! {
    /// Products that this service knows how to speak to. Others can be registered and listed, nothing more.
    Product {
        /// OpenStack Keystone, or another Archstone.
        Keystone = "keystone",
        /// ZStack Cloud.
        ZStack = "zstack",
        /// ZStack's open line, which speaks the same with other members.
        ZSphere = "zsphere",
        /// Users and groups only, by SCIM 2.0.
        Scim = "scim",
        /// A signed message to anybody's endpoint.
        Webhook = "webhook",
    }
}

words! {
    /// Where the connection to a platform stands.
    Status {
        /// Not asked yet.
        Connecting = "connecting",
        /// The last check went well.
        Connected = "connected",
        /// It did not answer.
        Disconnected = "disconnected",
        /// It answered, and not as it should: a wrong credential, say.
        Error = "error",
    }
}

words! {
    /// What a credential is.
    CredentialKind {
        /// A key of the platform's own: access key, application credential, the key of a webhook's signature.
        Key = "key",
        /// A user's password, where the platform makes no keys.
        Password = "password",
    }
}

/// What a product may need to be told. Members of the API, in camel case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Options {
    /// Base URL of the API, where it is not made of host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Base URL of the platform's own pages, to which browsers come back after signing in there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui_url: Option<String>,
    /// The redirect URI of the platform's own, where it is not the one that the product makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// ZStack: whose log-ins these are; `iam1` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_type: Option<String>,
    /// Keystone: the project that the credential works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// Keystone: the domain of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_domain_name: Option<String>,
    /// Keystone: the domain of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_domain_name: Option<String>,
    /// Keystone: the id of the protocol that is made there, where it is not the product's usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_id: Option<String>,
    /// Keystone: what stands before the names of attributes as its web server hands them over, where it is not the usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_prefix: Option<String>,
    /// Base URL of the platform's SCIM server, up to the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scim_endpoint: Option<String>,
    /// Authorities that the platform's certificate may come from, beside the system's: PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificate_pem: Option<String>,
    /// Its certificate is not looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// A registered platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Its id.
    pub id: String,
    /// For people; unique.
    pub name: String,
    /// The product, as it was written; see [`Product`].
    pub product_type: String,
    /// Host.
    pub host: String,
    /// Port of its API.
    pub port: u16,
    /// Who we are there: an access key's id, an application credential's, a user's name.
    pub account: Option<String>,
    /// What people call that key.
    pub account_name: Option<String>,
    /// What the secret is that goes with it.
    pub credential: Option<CredentialKind>,
    /// What the product needs beside.
    pub options: Options,
    /// Where the connection stands.
    pub status: Status,
    /// Why the last check failed.
    pub last_error: Option<String>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// Counts changes.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Platform {
    /// The product, if this service knows it.
    pub fn product(&self) -> Option<Product> {
        Product::ALL.iter().copied().find(|p| p.as_str() == self.product_type)
    }

    /// Base URL of its API without a slash at its end: what it was given, or made of host and port.
    pub fn base_url(&self) -> String {
        match &self.options.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => {
                let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
                format!("https://{host}:{}", self.port)
            }
        }
    }
}

/// A credential with its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Who we are there.
    pub account: String,
    /// What the secret is.
    pub kind: CredentialKind,
    /// The secret.
    pub secret: Secret,
}
