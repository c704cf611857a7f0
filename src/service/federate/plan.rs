//! What is pushed of a configuration: what is stored, and what its identity provider says of itself right now. Asks the identity
//! provider, so no transaction is open.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::egress::Kind;
use crate::error::{Error, Result};
use crate::model::connection::Settings;
use crate::model::connection::oidc::Oidc;
use crate::model::plan::{Endpoints, Plan, remote_id};
use crate::model::sso_config::{GroupProvisioning, UserProvisioning, Whole};
use crate::service::App;
use crate::service::sso_config::{secret_of, whole_attributes};

/// Why there is no plan, for an administrator.
type Told<T> = std::result::Result<T, String>;

/// The plan of a configuration for a platform.
pub(super) async fn of(app: &App, config: &Whole, platform_id: &str) -> Result<Told<Plan>> {
    let Some(settings) = config.settings.clone() else {
        return Ok(Err("the configuration has no connection yet".to_owned()));
    };
    let secret = secret_of(app, &mut app.store.read().await?, config).await?;
    let (endpoints, metadata) = match &settings {
        Settings::Oidc(oidc) => match endpoints(app, config, oidc).await {
            Ok(found) => (Some(found), None),
            Err(why) => return Ok(Err(why)),
        },
        Settings::Saml(saml) => match (&saml.idp_metadata_xml, &saml.idp_metadata_url) {
            (Some(xml), _) => (None, Some(xml.clone())),
            (None, Some(url)) => match metadata(app, url).await {
                Ok(xml) => (None, Some(xml)),
                Err(why) => return Ok(Err(why)),
            },
            (None, None) => (None, None),
        },
        Settings::Ldap(_) => (None, None),
    };
    let issuer = match (config.issuer(), &endpoints) {
        (Some(issuer), _) => issuer,
        (None, Some(endpoints)) => endpoints.issuer.clone(),
        (None, None) => {
            return Ok(Err("it is not known yet what the identity provider calls itself: test it first".to_owned()));
        }
    };
    Ok(Ok(Plan {
        config_id: config.config.id.clone(),
        platform_id: platform_id.to_owned(),
        remote_id: remote_id(&config.config.id, platform_id),
        display_name: config.display_name().to_owned(),
        secret,
        issuer,
        endpoints,
        metadata,
        attributes: whole_attributes(config),
        group_mappings: config.config.group_mappings.clone(),
        takes_groups: config.config.group_provisioning == GroupProvisioning::Sync,
        creates_users: config.config.user_provisioning == UserProvisioning::Auto,
        settings,
    }))
}

/// Where an OpenID provider is asked for what: what is set, else what it says of itself.
async fn endpoints(app: &App, config: &Whole, oidc: &Oidc) -> Told<Endpoints> {
    let set = (&oidc.authorization_endpoint, &oidc.token_endpoint);
    if let (Some(issuer), (Some(authorization), Some(token))) = (&oidc.issuer, set) {
        return Ok(Endpoints {
            issuer: issuer.clone(),
            authorization: authorization.clone(),
            token: token.clone(),
            userinfo: oidc.userinfo_endpoint.clone(),
            end_session: None,
            jwks: oidc.jwks_uri.clone(),
        });
    }
    let Some(asked) = oidc.discovery_url.clone().or_else(|| config.issuer()) else {
        return Err("the configuration names no issuer".to_owned());
    };
    let found = app.checks.probe(&asked).await.map_err(|e| match e {
        Error::BadUpstream { message } | Error::UpstreamTimeout { message } | Error::Invalid { message, .. } => {
            format!("the identity provider does not say where it is asked: {message}")
        }
        _ => "the identity provider does not say where it is asked".to_owned(),
    })?;
    let missing = |what: &str| format!("the identity provider names no {what}");
    Ok(Endpoints {
        issuer: found.issuer.or_else(|| config.issuer()).ok_or_else(|| missing("issuer"))?,
        authorization: oidc
            .authorization_endpoint
            .clone()
            .or(found.authorization_endpoint)
            .ok_or_else(|| missing("authorization_endpoint"))?,
        token: oidc.token_endpoint.clone().or(found.token_endpoint).ok_or_else(|| missing("token_endpoint"))?,
        userinfo: oidc.userinfo_endpoint.clone().or(found.userinfo_endpoint),
        end_session: found.end_session_endpoint,
        jwks: oidc.jwks_uri.clone().or(found.jwks_uri),
    })
}

async fn metadata(app: &App, url: &str) -> Told<String> {
    let answer = app.egress.ask(Kind::Metadata, Method::GET, url, HeaderMap::new(), Bytes::new()).await;
    let answer = answer.map_err(|e| format!("the identity provider's metadata could not be fetched: {e}"))?;
    if answer.status != StatusCode::OK {
        return Err(format!(
            "the identity provider's metadata could not be fetched: status {}",
            answer.status.as_u16()
        ));
    }
    String::from_utf8(answer.body.to_vec()).map_err(|_| "the identity provider's metadata is no text".to_owned())
}
