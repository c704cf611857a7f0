//! An SSO configuration as the SSO face shows it (sso-api §3). Secrets are never there: the mask stands where one is set.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::time;
use crate::model::connection::Settings;
use crate::model::connection::ldap::Ldap;
use crate::model::connection::oidc::Oidc;
use crate::model::connection::saml::Saml;
use crate::model::list::{Portion, Window};
use crate::model::sso_config::block::Defaults;
use crate::model::sso_config::{MASK, ProviderType, Whole};
use crate::service::App;
use crate::service::sso_config as service;

/// A global SSO configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SsoConfiguration {
    /// Unique identifier.
    uuid: String,
    /// What uniquely identifies the identity provider; not known yet for SAML where only the metadata's URL is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    /// Name for people.
    display_name: String,
    /// Kind of identity provider: OIDC, SAML or LDAP. Absent as long as it has no connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_type: Option<&'static str>,
    /// Protocol that goes with the kind: oidc, saml or ldap.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    /// Settings of an OpenID Connect configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_config: Option<OidcConfig>,
    /// Settings of a SAML configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    saml_config: Option<SamlConfig>,
    /// Settings of an LDAP configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    ldap_config: Option<LdapConfig>,
    /// What happens at a user's first log-in: auto, manual or disabled.
    user_provisioning: &'static str,
    /// Whether the identity provider's groups are taken over: sync or none.
    group_provisioning: &'static str,
    /// Which of our fields is which claim of the identity provider.
    attribute_mappings: AttributeMappings,
    /// Which group of the identity provider gives which role.
    group_mappings: Vec<GroupMapping>,
    /// Who manages it: manual (this face), import (a file), federation (the Keystone face).
    source: &'static str,
    /// Where it stands: pending, active, error, disabled or deleting.
    status: &'static str,
    /// Whether it accepts log-ins.
    enabled: bool,
    /// When it was last tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_test_at: Option<String>,
    /// How that went: success or failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_test_result: Option<&'static str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_test_message: Option<String>,
    /// What the last test found that asks for attention, such as a certificate that ends soon.
    warnings: Vec<String>,
    /// When it was made.
    created_at: String,
    /// When it was last changed.
    updated_at: String,
}

/// A page of configurations.
#[derive(Debug, Serialize, ToSchema)]
pub struct SsoConfigurations {
    /// The configurations of this page.
    items: Vec<SsoConfiguration>,
    /// How many there are in all.
    total: i64,
    /// Most that this page could hold.
    limit: i64,
    /// How many stand before it.
    offset: i64,
}

impl SsoConfigurations {
    /// Part of all.
    pub fn of(app: &App, found: &Portion<Whole>, window: Window) -> Self {
        Self {
            items: found.items.iter().map(|whole| SsoConfiguration::of(app, whole)).collect(),
            total: found.total,
            limit: window.limit,
            offset: window.offset,
        }
    }
}

/// Settings of an OpenID Connect configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcConfig {
    /// OAuth 2.0 client identifier issued by the provider.
    client_id: String,
    /// The mask, if a client secret is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'static str>,
    /// URL of the provider's discovery document.
    #[serde(skip_serializing_if = "Option::is_none")]
    well_known_url: Option<String>,
    /// Redirect URI registered with the provider.
    redirect_uri: String,
    /// Space-separated scopes that are requested.
    scope: String,
    /// Name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    config_name: Option<String>,
}

/// Settings of a SAML configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConfig {
    /// Entity ID of the identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_entity_id: Option<String>,
    /// Its single sign-on URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_sso_url: Option<String>,
    /// Its single logout URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_slo_url: Option<String>,
    /// Its certificates in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_certificate: Option<String>,
    /// Where its metadata is.
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_metadata_url: Option<String>,
    /// Its metadata itself; then none is fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    idp_metadata_xml: Option<String>,
    /// Entity ID of this service.
    sp_entity_id: String,
    /// Form of name that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    name_id_format: Option<String>,
    /// Whether requests are signed.
    sign_requests: bool,
    /// Whether people have to authenticate again.
    force_authn: bool,
    /// Certificate that goes with the key which signs requests, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    sp_certificate_pem: Option<String>,
    /// The mask, if a key that signs requests is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    sp_private_key_pem: Option<&'static str>,
    /// Whether the assertion itself must be signed.
    require_signed_assertion: bool,
    /// Whether signatures with SHA-1 are taken.
    allow_sha1: bool,
}

/// Settings of an LDAP configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LdapConfig {
    /// Host name or address of the server.
    server_address: String,
    /// TCP port.
    port: u16,
    /// Further servers with the same content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<String>,
    /// Root of searches.
    base_dn: String,
    /// Distinguished name of the service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    bind_dn: Option<String>,
    /// The mask, if the service account's password is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    bind_password: Option<&'static str>,
    /// Where people are searched for.
    user_search_base: String,
    /// How a person is found; %s stands for the name.
    user_search_filter: String,
    /// Where groups are searched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_search_base: Option<String>,
    /// How a person's groups are found; %s stands for the person's distinguished name.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_search_filter: Option<String>,
    /// Whether TLS is there from the start.
    use_ssl: bool,
    /// Whether TLS begins with StartTLS.
    use_start_tls: bool,
    /// Authorities that vouch for the server's certificate, in PEM, instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_certificate_pem: Option<String>,
}

/// A group of the identity provider and the role that its members have.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupMapping {
    /// Name of the group at the identity provider.
    idp_group: String,
    /// Name of the role that its members have here.
    zcf_role: String,
}

/// Our fields and the claims that they are, in the order in which they were given.
#[derive(Debug, ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, String>)]
struct AttributeMappings(Vec<(&'static str, String)>);

impl Serialize for AttributeMappings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, claim) in &self.0 {
            map.serialize_entry(field, claim)?;
        }
        map.end()
    }
}

impl SsoConfiguration {
    /// As the face shows it.
    pub fn of(app: &App, whole: &Whole) -> Self {
        let config = &whole.config;
        let mask = whole.has_secret.then_some(MASK);
        let tested = config.tested.as_ref();
        let kind = whole.provider_type();
        let mut shown = Self {
            uuid: config.id.clone(),
            issuer: whole.issuer(),
            display_name: whole.display_name().to_owned(),
            provider_type: kind.map(ProviderType::as_str),
            protocol: kind.map(ProviderType::protocol),
            oidc_config: None,
            saml_config: None,
            ldap_config: None,
            user_provisioning: config.user_provisioning.as_str(),
            group_provisioning: config.group_provisioning.as_str(),
            attribute_mappings: AttributeMappings(
                config.attributes.iter().map(|(field, claim)| (field, claim.to_owned())).collect(),
            ),
            group_mappings: config
                .group_mappings
                .iter()
                .map(|row| GroupMapping { idp_group: row.idp_group.clone(), zcf_role: row.role.clone() })
                .collect(),
            source: config.source.as_str(),
            status: whole.status().as_str(),
            enabled: whole.enabled,
            last_test_at: tested.map(|t| time(t.at)),
            last_test_result: tested.map(|t| t.result.as_str()),
            last_test_message: tested.and_then(|t| t.message.clone()),
            warnings: tested.map(|t| t.warnings.clone()).unwrap_or_default(),
            created_at: time(config.created_at),
            updated_at: time(config.updated_at),
        };
        let defaults = service::defaults(app, whole);
        match &whole.settings {
            None => {}
            Some(Settings::Oidc(s)) => shown.oidc_config = Some(oidc(defaults, s, mask)),
            Some(Settings::Saml(s)) => shown.saml_config = Some(saml(defaults, s, mask)),
            Some(Settings::Ldap(s)) => shown.ldap_config = Some(ldap(s, mask)),
        }
        shown
    }
}

fn oidc(defaults: Defaults, s: &Oidc, mask: Option<&'static str>) -> OidcConfig {
    OidcConfig {
        client_id: s.client_id.clone(),
        client_secret: mask,
        well_known_url: s.configuration_url(),
        redirect_uri: s.redirect_uri.clone().unwrap_or(defaults.redirect_uri),
        scope: s.scopes.join(" "),
        config_name: s.name.clone(),
    }
}

fn saml(defaults: Defaults, s: &Saml, mask: Option<&'static str>) -> SamlConfig {
    SamlConfig {
        idp_entity_id: s.idp_entity_id.clone(),
        idp_sso_url: s.idp_sso_url.clone(),
        idp_slo_url: s.idp_slo_url.clone(),
        idp_certificate: s.idp_certificate.clone(),
        idp_metadata_url: s.idp_metadata_url.clone(),
        idp_metadata_xml: s.idp_metadata_xml.clone(),
        sp_entity_id: s.sp_entity_id.clone().unwrap_or(defaults.sp_entity_id),
        name_id_format: s.name_id_format.clone(),
        sign_requests: s.sign_requests,
        force_authn: s.force_authn,
        sp_certificate_pem: s.sp_certificate_pem.clone(),
        sp_private_key_pem: mask,
        require_signed_assertion: s.require_signed_assertion,
        allow_sha1: s.allow_sha1,
    }
}

fn ldap(s: &Ldap, mask: Option<&'static str>) -> LdapConfig {
    LdapConfig {
        server_address: s.server_address.clone(),
        port: s.port(),
        servers: s.servers.clone(),
        base_dn: s.base_dn.clone(),
        bind_dn: s.bind_dn.clone(),
        bind_password: mask,
        user_search_base: s.user_base().to_owned(),
        user_search_filter: s.user_filter().to_owned(),
        group_search_base: s.group_search_base.clone(),
        group_search_filter: s.group_search_filter.clone(),
        use_ssl: s.use_ssl,
        use_start_tls: s.use_start_tls,
        ca_certificate_pem: s.ca_certificate_pem.clone(),
    }
}
