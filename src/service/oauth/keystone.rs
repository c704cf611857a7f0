//! Access tokens on the Keystone and SSO faces (ruling 10): one whose audience names this service is, there, a token of its
//! user like any other.

use serde_json::Value;

use super::super::{App, activity, scope, tenant};
use super::access;
use super::scopes::{self, Keystone};
use crate::error::Result;
use crate::keys::signing::Compact;
use crate::model::holder::Holder;
use crate::model::tenant::Tenant;
use crate::model::token::{Payload, Scope};
use crate::store::Conn;

/// Whether a token has the form of an access token of a tenant.
pub fn is_access_token(token: &str) -> bool {
    token.contains('.') && Compact::parse(token).is_some_and(|t| t.header.typ.eq_ignore_ascii_case(access::TYP))
}

/// What an access token says to the Keystone face; `None` if it says nothing there.
pub async fn payload(app: &App, token: &str) -> Result<Option<Payload>> {
    let Some(tenant) = issuer(app, token).await? else { return Ok(None) };
    let granted = match access::resolve(app, &tenant, token).await {
        Ok(granted) => granted,
        Err(crate::error::Error::Refused { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let access = &granted.prepared;
    let client = tenant::client(app, &tenant.id, &access.client_id).await?;
    let may = client.is_some_and(|c| c.application.settings.service_audience);
    if !may || !access.audience.contains(&scopes::service_audience(app)) {
        return Ok(None);
    }
    let (Some(user_id), Some(wanted)) = (&access.user_id, scopes::keystone(&access.scopes)) else { return Ok(None) };
    let federated = access.federated.clone();
    let holder = Holder::of_token(user_id, federated.as_ref(), app.now());
    let scope = match wanted {
        Keystone::Named(scope) => scope,
        Keystone::Default => default_scope(app, &mut app.store.read().await?, &holder).await?,
    };
    Ok(Some(Payload {
        user_id: user_id.clone(),
        methods: vec![if federated.is_some() { "mapped" } else { "password" }.to_owned()],
        issued_at: access.issued_at,
        expires_at: access.expires_at,
        audit_ids: vec![access.jti.clone(), access.authorization_id.clone()],
        scope,
        federated,
        trust_id: None,
        app_cred_id: None,
        access_token_id: None,
        thumbprint: None,
    }))
}

/// The tenant that a token names as its issuer. The token is not verified yet.
async fn issuer(app: &App, token: &str) -> Result<Option<std::sync::Arc<Tenant>>> {
    let claims = Compact::parse(token).and_then(|t| t.claims());
    let Some(issuer) = claims.as_ref().and_then(|c| c.get("iss")).and_then(Value::as_str) else { return Ok(None) };
    let base = format!("{}/api/v1/auth/tenants/", app.public_url);
    let Some(slug) = issuer.strip_prefix(&base) else { return Ok(None) };
    match tenant::by_slug(app, slug).await {
        Ok(tenant) => Ok(Some(tenant)),
        Err(crate::error::Error::Refused { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The user's default project if they can use it, else no scope at all.
async fn default_scope(app: &App, conn: &mut Conn, holder: &Holder<'_>) -> Result<Scope> {
    let project = activity::user(app, conn, holder.user_id).await?.and_then(|i| i.user.default_project_id);
    let Some(id) = project else { return Ok(Scope::Unscoped) };
    let Some(found) = scope::project(conn, &id).await? else { return Ok(Scope::Unscoped) };
    let usable = !scope::roles(conn, holder, &found).await?.is_empty();
    Ok(if usable { found.bare() } else { Scope::Unscoped })
}
