//! The way in: an identity provider, one of its protocols, and the mapping that judges what it says.

use std::sync::Arc;

use moka::sync::Cache;

use crate::error::{Error, Result};
use crate::model::identity_provider::IdentityProvider;
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::SchemaVersion;
use crate::model::protocol::Protocol;
use crate::model::tenant::Tenant;
use crate::model::tenant_idp::{Offered, Settings};
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
    /// The tenant whose pages it leads through; none on the Keystone face.
    pub tenant: Option<AtTenant>,
}

/// A tenant, as far as it decides about somebody who comes in through its pages.
#[derive(Debug, Clone, PartialEq)]
pub struct AtTenant {
    /// The tenant, which is the domain that its people live in (ruling 12).
    pub id: String,
    /// What it says of the identity provider.
    pub settings: Settings,
    /// How many people may have accounts.
    pub user_limit: Option<i64>,
}

/// Most ways in that are remembered.
const MAX_KNOWN: u64 = 10_000;

/// Ways in through tenants' pages, by tenant, identity provider and protocol, each with the tick of the memory at which its
/// reading began.
#[derive(Debug)]
pub struct Routes(Cache<[String; 3], (u64, Arc<Route>)>);

impl Default for Routes {
    fn default() -> Self {
        Self(Cache::new(MAX_KNOWN))
    }
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
        Ok(Self { idp, protocol, mapping, provisioning, tenant: None })
    }

    /// The way in through a tenant's pages, remembered until the tenant, the identity provider or anything that belongs to
    /// them changes.
    pub async fn at(app: &App, tenant: &Tenant, offered: &Offered) -> Result<Arc<Self>> {
        let key = [&tenant.id, &offered.idp_id, &offered.protocol_id].map(Clone::clone);
        if app.memory.is_current()
            && let Some((tick, route)) = app.routes.0.get(&key)
            && !app.memory.tenant_changed(&tenant.id, tick)
            && !app.memory.identity_provider_changed(&offered.idp_id, tick)
        {
            return Ok(route);
        }
        let tick = app.memory.tick();
        let route = Arc::new(Self::read_at(app, &mut app.store.read().await?, tenant, offered).await?);
        app.routes.0.insert(key, (tick, route.clone()));
        Ok(route)
    }

    /// A mapping that is made of a configuration's words is made anew, for the tenant's domain.
    async fn read_at(app: &App, conn: &mut Conn, tenant: &Tenant, offered: &Offered) -> Result<Self> {
        let mut route = Self::open(app, conn, &offered.idp_id, &offered.protocol_id).await?;
        if route.idp.domain_id != tenant.id
            && let Some(own) = &mut route.provisioning
            && let Some(rules) = own.move_to(conn, &tenant.id).await?
        {
            let document = Document { schema_version: SchemaVersion::V2, rules };
            route.mapping = Some(Mapping { id: offered.idp_id.clone(), domain_id: Some(tenant.id.clone()), document });
        }
        route.tenant = Some(AtTenant {
            id: tenant.id.clone(),
            settings: offered.settings.clone(),
            user_limit: tenant.settings.user_limit,
        });
        Ok(route)
    }

    /// Whether the identity provider, its protocol and what is set up for both are those of another way in.
    pub fn is_as(&self, other: &Self) -> bool {
        self.idp == other.idp
            && self.protocol == other.protocol
            && (self.mapping == other.mapping || other.link_tenant().is_some())
    }

    /// The domain of people whom the mapping puts into none.
    pub fn home(&self) -> &str {
        self.tenant.as_ref().map_or(&self.idp.domain_id, |t| &t.id)
    }

    /// The tenant under which links count: one for which the identity provider is not its own.
    pub fn link_tenant(&self) -> Option<&str> {
        self.tenant.as_ref().map(|t| t.id.as_str()).filter(|id| *id != self.idp.domain_id)
    }

    /// The domain that a mapping of one domain's own must stay within.
    pub fn kept_to(&self) -> Option<&str> {
        if let Some(tenant) = &self.tenant {
            return Some(&tenant.id);
        }
        self.mapping.as_ref().and_then(|m| m.domain_id.as_deref())
    }
}
