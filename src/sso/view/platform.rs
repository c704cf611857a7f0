//! Platforms as the SSO face shows them (sso-api §5). A secret is never a member; a mask says that there is one.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::model::list::{Portion, Window};
use crate::model::platform::body::MASK;
use crate::model::platform::{Options, Product};
use crate::service::platform::{Attempted, Key, Shown};

/// A platform that configurations can be pushed to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Platform {
    /// Its identifier.
    uuid: String,
    /// For people; unique.
    name: String,
    /// The product.
    product_type: String,
    /// Its host.
    host_ip: String,
    /// The port of its API.
    host_port: u16,
    /// Who this service is there: a key's id, or a user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    /// What people call that key.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_name: Option<String>,
    /// A mask, if there is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_secret: Option<&'static str>,
    /// A mask, if there is a token for its SCIM server.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_token: Option<&'static str>,
    /// What the product was told beside.
    #[serde(flatten)]
    options: PlatformOptions,
    /// Where the connection stands.
    status: &'static str,
    /// Why the last check failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// When it was last checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_checked_at: Option<String>,
    /// What it can be used for.
    features: Features,
    /// When it was registered.
    created_at: String,
    /// When it was last changed.
    updated_at: String,
}

/// What a platform can be used for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Features {
    /// Resources are synchronised: not by this service.
    sync_resource: bool,
    /// It is monitored: not by this service.
    monitoring: bool,
    /// Its logs are collected: not by this service.
    log_collection: bool,
    /// Configurations can be pushed to it.
    sso_federation: bool,
    /// Users and groups are provisioned on it.
    scim_provisioning: bool,
}

/// What a product may have been told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformOptions {
    /// Base URL of its API, where it is not made of host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Base URL of its own pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_url: Option<String>,
    /// Its redirect URI, where it is not the one that the product makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    /// ZStack: whose log-ins these are.
    #[serde(skip_serializing_if = "Option::is_none")]
    login_type: Option<String>,
    /// Keystone: the project that the credential works in.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_name: Option<String>,
    /// Keystone: that project's domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    project_domain_name: Option<String>,
    /// Keystone: the user's domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_domain_name: Option<String>,
    /// Keystone: the protocol's id there.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_id: Option<String>,
    /// Keystone: what stands before the names of claims there.
    #[serde(skip_serializing_if = "Option::is_none")]
    claim_prefix: Option<String>,
    /// Base URL of its SCIM server.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_endpoint: Option<String>,
    /// Authorities that its certificate may come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_certificate_pem: Option<String>,
    /// Its certificate is not looked at.
    insecure_skip_verify: bool,
}

impl From<&Options> for PlatformOptions {
    fn from(o: &Options) -> Self {
        Self {
            endpoint: o.endpoint.clone(),
            ui_url: o.ui_url.clone(),
            callback_url: o.callback_url.clone(),
            login_type: o.login_type.clone(),
            project_name: o.project_name.clone(),
            project_domain_name: o.project_domain_name.clone(),
            user_domain_name: o.user_domain_name.clone(),
            protocol_id: o.protocol_id.clone(),
            claim_prefix: o.claim_prefix.clone(),
            scim_endpoint: o.scim_endpoint.clone(),
            ca_certificate_pem: o.ca_certificate_pem.clone(),
            insecure_skip_verify: o.insecure_skip_verify,
        }
    }
}

impl From<&Shown> for Platform {
    fn from(shown: &Shown) -> Self {
        let it = &shown.platform;
        let pushes = it.product().is_some_and(|p| p != Product::Scim);
        Self {
            uuid: it.id.clone(),
            name: it.name.clone(),
            product_type: it.product_type.clone(),
            host_ip: it.host.clone(),
            host_port: it.port,
            access_key_id: it.account.clone(),
            access_key_name: it.account_name.clone(),
            access_key_secret: shown.has_secret.then_some(MASK),
            scim_token: shown.has_scim_token.then_some(MASK),
            options: PlatformOptions::from(&it.options),
            status: it.status.as_str(),
            last_error: it.last_error.clone(),
            last_checked_at: it.checked_at.map(time),
            features: Features {
                sync_resource: false,
                monitoring: false,
                log_collection: false,
                sso_federation: pushes,
                scim_provisioning: it.options.scim_endpoint.is_some(),
            },
            created_at: time(it.created_at),
            updated_at: time(it.updated_at),
        }
    }
}

/// A page of platforms.
#[derive(Debug, Serialize, ToSchema)]
pub struct Platforms {
    /// The page.
    items: Vec<Platform>,
    /// How many there are.
    total: i64,
    /// Most items of the page.
    limit: i64,
    /// Items left out before it.
    offset: i64,
}

impl Platforms {
    /// Of a part of the list.
    pub fn of(found: &Portion<Shown>, window: Window) -> Self {
        let items = found.items.iter().map(Platform::from).collect();
        Self { items, total: found.total, limit: window.limit, offset: window.offset }
    }
}

/// How trying a connection out went.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionTested {
    /// Every step went well.
    success: bool,
    /// The steps that were made.
    items: Vec<ConnectionStep>,
    /// What to do about the one that failed.
    recommendation: &'static str,
}

/// A step of trying a connection out.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionStep {
    /// Its name.
    name: &'static str,
    /// `success` or `failure`.
    status: &'static str,
    /// How many milliseconds it took.
    latency_ms: String,
    /// Why it failed.
    error_msg: String,
}

impl From<&Attempted> for ConnectionTested {
    fn from(attempted: &Attempted) -> Self {
        let step = |step: &crate::service::platform::Step| ConnectionStep {
            name: step.name,
            status: if step.error.is_none() { "success" } else { "failure" },
            latency_ms: step.latency_ms.to_string(),
            error_msg: step.error.clone().unwrap_or_default(),
        };
        Self {
            success: attempted.steps.iter().all(|step| step.error.is_none()),
            items: attempted.steps.iter().map(step).collect(),
            recommendation: attempted.recommendation,
        }
    }
}

/// A key that was made for a platform. It is told this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotatedKey {
    /// Its id.
    access_key_id: String,
    /// Its secret.
    access_key_secret: String,
}

impl From<&Key> for RotatedKey {
    fn from(key: &Key) -> Self {
        let access_key_secret = key.secret.expose_str().unwrap_or_default().to_owned();
        Self { access_key_id: key.id.clone(), access_key_secret }
    }
}
