//! How things look on `/api/v1/admin`. Secrets are never there but in the answer to their making.

use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::model::scim::token::ScimToken;
use crate::model::sign_in_step::SignInStep;
use crate::model::user_link::UserLink;
use crate::service::App;
use crate::service::tenant::application::{Made, MadeSecret};
use crate::service::tenant::register::Shown;
use crate::service::tenant::scim_token::Made as MadeScimToken;
use crate::service::tenant::{Client, StoredSecret, identity_provider};

/// A time as RFC 3339 in UTC with whole seconds.
pub fn time(at: Timestamp) -> String {
    let text = at.whole_seconds().to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// The members of what is written as an object.
fn members(written: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(written) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// A tenant.
pub fn tenant(app: &App, shown: &Shown) -> Value {
    let (tenant, url) = (&shown.tenant, &app.public_url);
    json!({
        "id": tenant.id,
        "slug": tenant.slug,
        "slugs": shown.slugs,
        "issuer": tenant.issuer(url),
        "issuer_slug": tenant.issuer_slug,
        "name": tenant.name,
        "active": tenant.active,
        "domain_enabled": tenant.domain_enabled,
        "settings": members(&tenant.settings),
        "login_url": format!("{}/login", tenant.pages(url)),
        "discovery_url": format!("{}/.well-known/openid-configuration", tenant.issuer(url)),
        "version": tenant.version,
        "created_at": time(tenant.created_at),
        "updated_at": time(tenant.updated_at),
    })
}

/// An application.
pub fn application(client: &Client) -> Value {
    let application = &client.application;
    let secret =
        |s: &StoredSecret| json!({"id": s.id, "created_at": time(s.created_at), "expires_at": s.expires_at.map(time)});
    let mut shown = members(&application.settings);
    shown.extend(members(&json!({
        "id": application.id,
        "client_id": application.id,
        "tenant_id": application.tenant_id,
        "name": application.name,
        "type": application.kind.as_str(),
        "enabled": application.enabled,
        "secrets": client.secrets.iter().map(secret).collect::<Vec<_>>(),
        "version": application.version,
        "created_at": time(application.created_at),
        "updated_at": time(application.updated_at),
    })));
    Value::Object(shown)
}

/// An application that has been made, with its secret.
pub fn made_application(made: &Made) -> Value {
    let mut shown = application(&made.client);
    if let Some(secret) = &made.secret {
        shown["client_secret"] = json!(secret.expose_str());
    }
    shown
}

/// A secret that has been made.
pub fn made_secret(made: &MadeSecret) -> Value {
    json!({"id": made.id, "client_secret": made.secret.expose_str(), "created_at": time(made.created_at)})
}

/// An identity provider that a tenant could offer.
pub fn identity_provider(shown: &identity_provider::Shown) -> Value {
    let known = &shown.known;
    let mut view = members(&known.settings);
    let params: Map<String, Value> =
        known.settings.extra_params.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let enabled = if known.own { known.available && known.settings.enabled } else { known.settings.enabled };
    view.extend(members(&json!({
        "id": known.idp_id,
        "name": known.name,
        "provider_type": known.kind,
        "protocol_id": known.protocol_id,
        "own": known.own,
        "enabled": enabled,
        "available": known.available,
        "extra_params": params,
    })));
    if known.own {
        view.insert(
            known.kind.clone().unwrap_or_else(|| "oidc".to_owned()),
            shown.connection.as_ref().map_or(Value::Null, connection),
        );
        let mapping = shown.mapping.as_ref().map(
            |m| json!({"id": m.id, "rules": m.document.rules, "schema_version": m.document.schema_version.as_str()}),
        );
        view.insert("mapping".to_owned(), json!(mapping));
    }
    Value::Object(view)
}

/// How an identity provider is spoken to. Of its secret one sees that there is one.
fn connection(shown: &crate::service::connection::Shown) -> Value {
    let mut members = shown.connection.settings.members();
    members.remove("kind");
    members.insert("has_client_secret".to_owned(), json!(shown.has_secret));
    Value::Object(members)
}

/// A SCIM token, but for the token itself.
pub fn scim_token(token: &ScimToken) -> Value {
    json!({
        "id": token.id,
        "tenant_id": token.tenant_id,
        "name": token.name,
        "created_at": time(token.created_at),
        "expires_at": token.expires_at.map(time),
        "last_used_at": token.last_used_at.map(time),
    })
}

/// A SCIM token that has been made, with itself and where it is for.
pub fn made_scim_token(app: &App, made: &MadeScimToken) -> Value {
    let mut shown = scim_token(&made.token);
    shown["token"] = json!(made.secret.expose_str());
    shown["scim_url"] = json!(format!("{}/api/v1/tenants/{}/scim/v2", app.public_url, made.token.tenant_id));
    shown
}

/// A user's identity at an identity provider.
pub fn link(link: &UserLink) -> Value {
    json!({
        "idp_id": link.idp_id,
        "protocol_id": link.protocol_id,
        "unique_id": link.unique_id,
        "tenant_id": link.tenant_id,
        "email": link.email,
        "created_at": link.created_at.map(time),
        "created_by": link.created_by,
        "last_login_at": link.last_login_at.map(time),
    })
}

/// A step of a sign-in. Its time is exact, as steps follow closely.
pub fn step(step: &SignInStep) -> Value {
    json!({
        "id": step.id,
        "sign_in_id": step.sign_in_id,
        "request_id": step.request_id,
        "seq": step.seq,
        "at": step.at.to_string(),
        "step": step.step,
        "outcome": step.outcome,
        "reason": step.reason,
        "detail": step.detail,
    })
}
