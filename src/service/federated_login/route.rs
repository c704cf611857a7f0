//! The way in: an identity provider, one of its protocols, and the mapping that judges what it says.

use crate::error::{Error, Result};
use crate::model::identity_provider::IdentityProvider;
use crate::model::mapping::Mapping;
use crate::model::protocol::Protocol;
use crate::service::App;
use crate::service::sso_config::profile::Provisioning;
use crate::store::{self, Conn};

/// One way in, as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The identity provider.
    pub idp: IdentityProvider,
    /// The protocol.
    pub protocol: Protocol,
    /// What makes a user of an assertion; none where users exist already.
    pub mapping: Option<Mapping>,
    /// What the SSO configuration says, where the identity provider is one.
    pub provisioning: Option<Provisioning>,
}

impl Route {
    /// The way in that leads through an enabled identity provider; `None` when any part of it is missing.
    pub async fn find(app: &App, conn: &mut Conn, idp_id: &str, protocol_id: &str) -> Result<Option<Self>> {
        match Self::open(app, conn, idp_id, protocol_id).await {
            Ok(route) => Ok(Some(route)),
            Err(Error::NotFound { .. } | Error::Forbidden { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The same, saying what is missing: 404 for the identity provider or its protocol, 403 for a disabled one.
    pub async fn open(app: &App, conn: &mut Conn, idp_id: &str, protocol_id: &str) -> Result<Self> {
        let idp = store::identity_provider::get(conn, idp_id).await?;
        let idp = idp.ok_or_else(|| Error::not_found(format!("Could not find Identity Provider: {idp_id}.")))?;
        if !idp.enabled {
            return Err(Error::forbidden(format!("Identity Provider {idp_id} is disabled.")));
        }
        let protocol = store::protocol::get(conn, idp_id, protocol_id).await?.ok_or_else(|| {
            Error::not_found(format!(
                "Could not find federated protocol {protocol_id} for Identity Provider: {idp_id}."
            ))
        })?;
        let mapping = match &protocol.mapping_id {
            Some(id) => store::mapping::get(conn, id).await?,
            None => None,
        };
        let provisioning = Provisioning::of(app, conn, idp_id).await?;
        Ok(Self { idp, protocol, mapping, provisioning })
    }

    /// The domain that a mapping of one domain's own must stay within.
    pub fn kept_to(&self) -> Option<&str> {
        self.mapping.as_ref().and_then(|m| m.domain_id.as_deref())
    }
}
