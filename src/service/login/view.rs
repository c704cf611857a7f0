//! What the pages of a sign-in show (tenant-login §7.5, §11): the ways to sign in, and what somebody is asked.

use super::Visit;
use super::authorize::usable;
use super::form_token;
use super::found::{self, Kept, Purpose};
use crate::error::Result;
use crate::model::sign_in::Stage;
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::Offered;
use crate::model::user::Identity;
use crate::service::federated_login::linking::is_of;
use crate::service::tenant as tenants;
use crate::service::{App, oauth};
use crate::store;

/// What a page of a sign-in shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Where it stands.
    pub stage: Stage,
    /// What the application is called.
    pub application: Option<String>,
    /// Whether the application is somebody else's.
    pub third_party: bool,
    /// The application's redirect URI: forms that end there must be let through to it.
    pub returns_to: Option<String>,
    /// Who it probably is.
    pub login_hint: Option<String>,
    /// Identity providers.
    pub buttons: Vec<Button>,
    /// Whether one may sign in with a password of this service.
    pub local_login: bool,
    /// Whether an e-mail address may lead to an identity provider.
    pub home_realms: bool,
    /// What its forms bring back.
    pub csrf: String,
    /// The account that may be theirs, not all of it legible.
    pub account: Option<String>,
    /// Whether they can prove that it is theirs.
    pub may_prove: bool,
    /// What they are called at the identity provider, if they want that for another way into the account.
    pub connects: Option<String>,
    /// Who is signed in and who has been sent, if they have to say which of both they want to be.
    pub switches: Option<(String, String)>,
    /// The identity provider that they came by.
    pub provider: Option<String>,
    /// What the application asks for.
    pub scopes: Vec<String>,
    /// Who is signed in.
    pub user: Option<String>,
    /// Whether a device waits for it.
    pub device: bool,
}

/// An identity provider on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// Its id.
    pub idp_id: String,
    /// What it is called.
    pub name: String,
    /// What the button says.
    pub text: String,
    /// Its picture.
    pub icon_url: Option<String>,
    /// What kind it is, for its picture.
    pub preset: Option<String>,
    /// The protocol's kind.
    pub kind: &'static str,
    /// Where the button leads.
    pub url: String,
}

/// Where an identity provider's sign-in begins.
pub fn login_url(app: &App, tenant: &Tenant, offered: &Offered) -> String {
    let base = tenant.base(&app.public_url);
    let end = if offered.kind == "oidc" { "authorize" } else { "login" };
    format!("{base}/federation/{}/{}/{end}", offered.kind, offered.idp_id)
}

/// Whether somebody with this e-mail address is sent to an identity provider. It says nothing of who is there.
pub fn is_home_realm(offered: &Offered, email: &str) -> bool {
    is_of(email, &offered.settings.domains)
}

/// What a button says.
pub fn button_text(offered: &Offered) -> String {
    offered.settings.button_text.clone().unwrap_or_else(|| format!("Sign in with {}", offered.name))
}

/// Whether an identity provider has a button.
pub(super) fn is_shown(offered: &Offered) -> bool {
    offered.settings.show_on_login && offered.kind != "ldap"
}

/// The button of an identity provider, which leads there with this query.
pub(super) fn button(app: &App, tenant: &Tenant, offered: &Offered, query: &str) -> Button {
    Button {
        idp_id: offered.idp_id.clone(),
        name: offered.name.clone(),
        text: button_text(offered),
        icon_url: offered.settings.icon_url.clone(),
        preset: offered.settings.preset.clone(),
        kind: offered.kind,
        url: format!("{}?{query}", login_url(app, tenant, offered)),
    }
}

/// What a page of a sign-in shows to the browser that began it.
pub async fn view(app: &App, visit: &Visit<'_>, tenant: &Tenant, handle: &str) -> Result<View> {
    let (it, cookie) = found::by_handle(app, visit, tenant, handle).await?;
    found::check_time(app, &it)?;
    let client = match &it.request {
        Some(request) => tenants::client(app, &tenant.id, &request.client_id).await?,
        None => None,
    };
    let offered = match &client {
        Some(client) => usable(app, tenant, client).await?,
        None => tenants::offered(app, tenant).await?.to_vec(),
    };
    let goes_on = format!("login={handle}");
    let mut conn = app.store.read().await?;
    let user = match &it.user_id {
        Some(id) => store::user::get(&mut conn, id).await?,
        None => None,
    };
    let (mut account, mut may_prove, mut connects, mut switches) = (None, false, None, None);
    if it.stage == Stage::Confirm
        && let kept = Kept::open(app, &it)?
        && let Some(waiting) = kept.waiting
        && let Some(candidate) = store::user::get(&mut conn, &waiting.candidate).await?
    {
        account = Some(masked(&candidate));
        if waiting.switches {
            switches = Some((candidate.user.display_name().to_owned(), waiting.called().to_owned()));
        }
        connects = matches!(kept.purpose, Purpose::Connect(_)).then(|| waiting.called().to_owned());
        may_prove = store::user::login_state(&mut conn, &candidate.user.id).await?.is_some_and(|s| s.hash.is_some());
    }
    drop(conn);
    let provider = it.idp_id.as_ref().and_then(|id| offered.iter().find(|o| o.idp_id == *id));
    let device = match &it.device_id {
        Some(device_id) => Some(oauth::device::by_id(app, tenant, device_id).await?),
        None => None,
    };
    let (application, scopes) = match (device, &it.request) {
        (Some(device), _) => (Some(device.client_name), device.scopes),
        (None, Some(request)) => (client.as_ref().map(|c| c.application.name.clone()), request.scopes.clone()),
        (None, None) => (None, Vec::new()),
    };
    Ok(View {
        stage: it.stage,
        application,
        third_party: client.as_ref().is_some_and(|c| c.application.settings.third_party),
        returns_to: it.request.as_ref().map(|r| r.redirect_uri.clone()),
        login_hint: it.request.as_ref().and_then(|r| r.login_hint.clone()),
        buttons: offered.iter().filter(|o| is_shown(o)).map(|o| button(app, tenant, o, &goes_on)).collect(),
        local_login: tenant.settings.local_login,
        home_realms: offered.iter().any(|o| !o.settings.domains.is_empty() && o.kind != "ldap"),
        csrf: form_token(&cookie, &it.id),
        account,
        may_prove,
        connects,
        switches,
        provider: provider.map(|o| o.name.clone()),
        scopes,
        user: user.map(|i| i.user.display_name().to_owned()),
        device: it.device_id.is_some(),
    })
}

/// An account's address or name with most of it illegible.
fn masked(identity: &Identity) -> String {
    let shown = identity.user.email().unwrap_or(&identity.user.name);
    let (local, domain) = shown.split_once('@').map_or((shown, ""), |(l, d)| (l, d));
    let first: String = local.chars().take(1).collect();
    if domain.is_empty() { format!("{first}•••") } else { format!("{first}•••@{domain}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::tests::a_user;

    #[test]
    fn of_an_account_that_may_be_somebody_elses_little_is_legible() {
        let identity = |email: Option<&str>| {
            let mut user = a_user("ann", "d");
            user.name = "annabel".to_owned();
            user.extra.extend(email.map(|e| ("email".to_owned(), json!(e))));
            Identity { user, domain_name: String::new(), domain_enabled: true, active_at: crate::clock::Timestamp(0) }
        };
        assert_eq!(masked(&identity(Some("annabel@acme.example"))), "a•••@acme.example");
        assert_eq!(masked(&identity(None)), "a•••");
    }
}
