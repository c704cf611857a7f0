//! Stands in for what the service will do.

use super::{Arrived, Step, Visit};
use crate::error::{Error, Result};
use crate::model::sign_in::Stage;
use crate::model::tenant::Tenant;
use crate::secret::Secret;
use crate::service::App;

/// What a page shows of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Where it stands.
    pub stage: Stage,
    /// The application's name.
    pub application: Option<String>,
    /// The application's redirect URI: forms that end there must be let through to it.
    pub returns_to: Option<String>,
    /// Who the person probably is.
    pub login_hint: Option<String>,
    /// Identity providers.
    pub buttons: Vec<Button>,
    /// Whether a password of this service is taken.
    pub local_login: bool,
    /// Whether an e-mail address can lead to an identity provider.
    pub home_realms: bool,
    /// What a form brings back.
    pub csrf: String,
    /// The account that may be theirs, masked.
    pub account: Option<String>,
    /// Whether an account of its own may be made instead.
    pub may_separate: bool,
    /// The identity provider's name.
    pub provider: Option<String>,
    /// What the application asks for.
    pub scopes: Vec<String>,
    /// Whether the application is somebody else's.
    pub third_party: bool,
    /// Who has signed in.
    pub user: Option<String>,
    /// Whether a device waits for it.
    pub device: bool,
}

/// A button of the login page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// The identity provider.
    pub idp_id: String,
    /// Its name.
    pub name: String,
    /// What stands on it.
    pub text: String,
    /// Picture.
    pub icon_url: Option<String>,
    /// Which well-known provider it is.
    pub preset: Option<String>,
    /// `oidc` or `saml`.
    pub kind: &'static str,
    /// Where it leads.
    pub url: String,
}

/// What somebody says about an account.
#[derive(Debug)]
pub enum Confirmation {
    /// It is theirs.
    Password(Secret),
    /// It is not.
    Separate,
    /// Never mind.
    Cancel,
}

fn pending<T>() -> Result<T> {
    let _ = std::any::type_name::<Arrived>();
    Err(Error::internal("not there yet"))
}

/// Begins a sign-in without an application.
pub async fn open(_: &App, _: &Visit<'_>, _: &Tenant) -> Result<Step> {
    pending()
}

/// What a page shows of a sign-in.
pub async fn view(_: &App, _: &Visit<'_>, _: &Tenant, _handle: &str) -> Result<View> {
    pending()
}

/// Finds the identity provider of an e-mail address.
pub async fn identify(
    _: &App,
    _: &Visit<'_>,
    _: &Tenant,
    _handle: &str,
    _csrf: &str,
    _identifier: &str,
) -> Result<Option<Step>> {
    pending()
}

/// Signs in by a password.
pub async fn password(
    _: &App,
    _: &Visit<'_>,
    _: &Tenant,
    _handle: Option<&str>,
    _csrf: Option<&str>,
    _username: &str,
    _password: Secret,
) -> Result<Step> {
    pending()
}

/// Takes what somebody says about an account.
pub async fn confirm(
    _: &App,
    _: &Visit<'_>,
    _: &Tenant,
    _handle: &str,
    _csrf: &str,
    _confirmation: Confirmation,
) -> Result<Step> {
    pending()
}

/// Takes what somebody lets an application know.
pub async fn consent(_: &App, _: &Visit<'_>, _: &Tenant, _handle: &str, _csrf: &str, _allow: bool) -> Result<Step> {
    pending()
}

/// Begins a sign-in for a device.
pub async fn for_device(_: &App, _: &Visit<'_>, _: &Tenant, _user_code: &str) -> Result<Step> {
    pending()
}

/// Takes what somebody says about a device.
pub async fn decide_device(_: &App, _: &Visit<'_>, _: &Tenant, _handle: &str, _csrf: &str, _allow: bool) -> Result<()> {
    pending()
}
