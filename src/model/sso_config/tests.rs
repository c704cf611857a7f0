//! What bodies mean, what configurations are made of, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::block::{self, Defaults, SecretChange};
use super::create::Create;
use super::deletion::{Options, Propagation};
use super::rules::{Sources, rules};
use super::update::Update;
use super::*;

fn oidc() -> Value {
    json!({
        "displayName": " Corporate SSO ", "providerType": "oidc",
        "oidcConfig": {"clientId": "c", "clientSecret": "s3cr3t",
            "wellKnownUrl": "https://idp.example.com/.well-known/openid-configuration"},
    })
}

fn ldap() -> Value {
    json!({
        "displayName": "Directory", "providerType": "LDAP", "protocol": "Ldap",
        "ldapConfig": {"serverAddress": "ldap.example.com", "baseDn": "dc=example,dc=com", "bindDn": "cn=a", "bindPassword": "p"},
    })
}

fn create(body: &Value) -> Result<Create> {
    let order: Vec<String> =
        body["attributeMappings"].as_object().into_iter().flat_map(|m| m.keys().rev().cloned()).collect();
    Create::parse(body, &order)
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

fn defaults() -> Defaults {
    Defaults { redirect_uri: "https://id.example/callback".into(), sp_entity_id: "https://id.example/saml/sp".into() }
}

fn field(result: Result<impl std::fmt::Debug>) -> String {
    match result {
        Err(Error::Invalid { field: Some(field), .. }) => field,
        other => panic!("{other:?}"),
    }
}

fn stored(body: &Value) -> Whole {
    let made = create(body).unwrap();
    Whole {
        config: SsoConfig { attributes: made.attributes, ..SsoConfig::of_keystone("c1", Timestamp(1)) },
        enabled: true,
        description: None,
        protocol_id: Some(ProviderType::of(&made.settings).protocol().to_owned()),
        has_secret: made.secret.is_some(),
        settings: Some(made.settings),
    }
}

#[test]
fn a_create_has_defaults_for_all_that_may_be_left_out() {
    let made = create(&oidc()).unwrap();
    assert_eq!((made.display_name.as_str(), made.kind(), made.enabled), ("Corporate SSO", ProviderType::Oidc, true));
    assert_eq!(made.user_provisioning, UserProvisioning::Auto);
    assert_eq!(made.group_provisioning, GroupProvisioning::None);
    assert_eq!(issuer_of(&made.settings).as_deref(), Some("https://idp.example.com"));
    let Settings::Oidc(s) = &made.settings else { panic!() };
    assert_eq!(s.scopes, ["openid", "profile", "email"]);
    let made = create(&ldap()).unwrap();
    let Settings::Ldap(s) = &made.settings else { panic!() };
    assert_eq!((s.port(), s.user_base(), s.user_filter()), (389, "dc=example,dc=com", "(uid=%s)"));
    assert_eq!(issuer_of(&made.settings).as_deref(), Some("ldap://ldap.example.com:389/dc=example,dc=com"));
}

#[test]
fn what_is_wrong_is_named() {
    for (pointer, value, expected) in [
        ("/displayName", json!("  "), "displayName"),
        ("/displayName", json!("a\nb"), "displayName"),
        ("/displayName", json!("x".repeat(256)), "displayName"),
        ("/displayName", json!(7), "displayName"),
        ("/providerType", json!("CAS"), "providerType"),
        ("/protocol", json!("saml"), "protocol"),
        ("/oidcConfig", json!("(nested object)"), "oidcConfig"),
        ("/oidcConfig/clientId", json!(""), "oidcConfig.clientId"),
        ("/oidcConfig/wellKnownUrl", json!("https://idp.example.com"), "oidcConfig.wellKnownUrl"),
        ("/oidcConfig/scope", json!("profile"), "oidcConfig.scope"),
        ("/oidcConfig/clientSecret", json!(1), "oidcConfig.clientSecret"),
        ("/oidcConfig/clientSecret", json!("******"), "oidcConfig.clientSecret"),
        ("/oidcConfig/redirectUri", json!("javascript:x"), "oidcConfig.redirectUri"),
        ("/samlConfig", json!({"signRequests": "yes"}), "samlConfig.signRequests"),
        ("/ldapConfig", json!({"port": "389"}), "ldapConfig.port"),
        ("/userProvisioning", json!("always"), "userProvisioning"),
        ("/attributeMappings", json!("(nested object)"), "attributeMappings"),
        ("/attributeMappings", json!({"shoeSize": "x"}), "attributeMappings.shoeSize"),
        ("/attributeMappings", json!({"email": 1}), "attributeMappings.email"),
        ("/groupMappings", json!("(nested array)"), "groupMappings"),
        ("/groupMappings", json!([{"idpGroup": "a"}]), "groupMappings.0.zcfRole"),
        (
            "/groupMappings",
            json!([{"idpGroup": "a", "zcfRole": "r"}, {"idpGroup": "a", "zcfRole": "r"}]),
            "groupMappings.1.idpGroup",
        ),
        ("/enabled", json!("true"), "enabled"),
    ] {
        assert_eq!(field(create(&with(oidc(), pointer, value.clone()))), expected, "{pointer} {value}");
    }
    for (pointer, value, expected) in [
        ("/ldapConfig/serverAddress", json!("ldap://ldap.example.com"), "ldapConfig.serverAddress"),
        ("/ldapConfig/serverAddress", json!("ldap.example.com:389"), "ldapConfig.serverAddress"),
        ("/ldapConfig/port", json!(0), "ldapConfig.port"),
        ("/ldapConfig/port", json!(65_536), "ldapConfig.port"),
        ("/ldapConfig/baseDn", Value::Null, "ldapConfig.baseDn"),
        ("/ldapConfig/bindDn", Value::Null, "ldapConfig.bindDn"),
        ("/ldapConfig/userSearchFilter", json!("(uid=x)"), "ldapConfig.userSearchFilter"),
        ("/ldapConfig/userSearchFilter", json!("(uid=%s)(%s)"), "ldapConfig.userSearchFilter"),
        ("/ldapConfig/userSearchFilter", json!("(uid=%s"), "ldapConfig.userSearchFilter"),
        ("/ldapConfig/caCertificatePem", json!("-----BEGIN CERTIFICATE-----\n..."), "ldapConfig.caCertificatePem"),
    ] {
        assert_eq!(field(create(&with(ldap(), pointer, value.clone()))), expected, "{pointer} {value}");
    }
}

#[test]
fn blocks_of_other_kinds_and_unknown_members_say_nothing() {
    let mut body = with(
        oidc(),
        "/samlConfig",
        json!({"idpCertificate": "-----BEGIN CERTIFICATE-----\n...", "signRequests": true}),
    );
    body["ldapConfig"] = json!({"serverAddress": "not://a host", "useSsl": true, "port": 389});
    body["tenantUuid"] = json!("deprecated-tenant-uuid");
    body["colour"] = json!("red");
    assert_eq!(create(&body).unwrap(), create(&oidc()).unwrap());
}

#[test]
fn attribute_mappings_keep_their_order() {
    let body = with(oidc(), "/attributeMappings", json!({"email": "mail", "username": "upn"}));
    let made = create(&body).unwrap();
    assert_eq!(made.attributes.iter().collect::<Vec<_>>(), [("username", "upn"), ("email", "mail")]);
    assert_eq!(Attributes::decode(&made.attributes.encode()).unwrap(), made.attributes);
    assert_eq!(made.attributes.claim("username", ProviderType::Oidc), "upn");
    assert_eq!(made.attributes.claim("groups", ProviderType::Ldap), "memberOf");
}

#[test]
fn an_update_merges_one_level_deep() {
    let stored = stored(&with(oidc(), "/oidcConfig/redirectUri", json!("https://zcf.example.com/sso/callback")));
    let update = |body: Value| Update::parse(&body, &[], &stored, &defaults());
    let settings = |body: Value| match update(body).unwrap().connection {
        Some((Settings::Oidc(oidc), _)) => *oidc,
        other => panic!("{other:?}"),
    };
    assert_eq!(update(json!({})).unwrap().connection, None);
    let next = settings(json!({"oidcConfig": {"clientId": "d"}}));
    assert_eq!(
        (next.client_id.as_str(), next.redirect_uri.as_deref()),
        ("d", Some("https://zcf.example.com/sso/callback"))
    );
    assert_eq!(settings(json!({"oidcConfig": {"redirectUri": null}})).redirect_uri, None);
    assert_eq!(field(update(json!({"oidcConfig": {"clientId": null}}))), "oidcConfig.clientId");
    assert_eq!(field(update(json!({"oidcConfig": null}))), "oidcConfig");
    assert_eq!(field(update(json!({"displayName": null}))), "displayName");
    assert_eq!(field(update(json!({"providerType": "SAML"}))), "providerType");
    assert_eq!(update(json!({"groupMappings": null})).unwrap().group_mappings, Some(vec![]));
}

#[test]
fn defaults_that_come_back_change_nothing() {
    for body in [oidc(), ldap()] {
        let stored = stored(&body);
        let settings = stored.settings.as_ref().unwrap();
        let mut shown = block::given(settings);
        shown.extend(block::shown_defaults(settings, &defaults()));
        let body = json!({ ProviderType::of(settings).block(): shown });
        let update = Update::parse(&body, &[], &stored, &defaults()).unwrap();
        assert_eq!(update.connection.map(|(next, _)| next).as_ref(), Some(settings));
    }
}

#[test]
fn adm_sec_1_the_mask_keeps_a_secret_and_null_clears_it() {
    let stored = stored(&oidc());
    let secret = |given: Value| {
        let body = json!({"oidcConfig": {"clientSecret": given}});
        Update::parse(&body, &[], &stored, &defaults()).unwrap().connection.unwrap().1
    };
    assert_eq!(secret(json!("******")), SecretChange::Keep { masked: true });
    assert_eq!(secret(json!("")), SecretChange::Keep { masked: false });
    assert_eq!(secret(Value::Null), SecretChange::Clear);
    assert!(matches!(secret(json!("new")), SecretChange::Set(_)));
}

#[test]
fn ldap_url_1_a_secret_does_not_follow_to_another_server() {
    let stored = stored(&ldap());
    let update = |block: Value| Update::parse(&json!({ "ldapConfig": block }), &[], &stored, &defaults());
    for moved in [
        json!({"serverAddress": "evil.example"}),
        json!({"serverAddress": "evil.example", "bindPassword": "******"}),
        json!({"port": 1389, "bindPassword": ""}),
        json!({"servers": ["evil.example"]}),
    ] {
        assert_eq!(field(update(moved.clone())), "ldapConfig.bindPassword", "{moved}");
    }
    assert!(update(json!({"serverAddress": "evil.example", "bindPassword": "again"})).is_ok());
    assert!(update(json!({"serverAddress": "evil.example", "bindPassword": null})).is_ok());
    assert!(update(json!({"serverAddress": "LDAP.example.com", "useStartTls": true})).is_ok());
}

#[test]
fn the_status_is_derived() {
    let mut whole = stored(&oidc());
    let tested = |result| Some(Tested { at: Timestamp(1), result, message: None, warnings: vec![] });
    assert_eq!(whole.status(), Status::Pending);
    whole.config.tested = tested(TestResult::Success);
    assert_eq!(whole.status(), Status::Active);
    whole.config.tested = tested(TestResult::Failure);
    assert_eq!(whole.status(), Status::Error);
    whole.enabled = false;
    assert_eq!(whole.status(), Status::Disabled);
    whole.config.resume_enabled = Some(true);
    assert_eq!(whole.status(), Status::Deleting);
}

#[test]
fn the_mapping_names_people_by_what_is_there_and_groups_by_their_names() {
    let attributes = Attributes::parse(&json!({"groups": "realm_access.roles"}), &[]).unwrap();
    let group_ids = [("idp-admins".to_owned(), "g1".to_owned())];
    let rules = rules(&Sources {
        kind: ProviderType::Oidc,
        claim_prefix: "OIDC-",
        attributes: &attributes,
        groups: GroupProvisioning::Sync,
        group_ids: &group_ids,
        domain_id: "d1",
    });
    assert_eq!(
        rules[0]["remote"],
        json!([{"type": "OIDC-sub"}, {"type": "OIDC-preferred_username"}, {"type": "OIDC-email"}])
    );
    assert_eq!(rules[2], json!({"local": [{"user": {"id": "{0}", "name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}));
    assert_eq!(rules[3]["local"][0], json!({"groups": "{0}", "domain": {"id": "d1"}}));
    assert_eq!(rules[4]["local"][0], json!({"group": {"id": "g1"}}));
    assert_eq!(rules[4]["remote"][0], json!({"type": "OIDC-realm_access.roles", "any_one_of": ["idp-admins"]}));
}

#[test]
fn groups_have_names_that_fit_and_ids_that_stay() {
    assert_eq!(group_mapping::group_name("idp-admins"), "idp-admins");
    let long = "cn=administrators,ou=groups,ou=department,dc=example,dc=com,dc=long-names";
    assert_eq!(group_mapping::group_name(long).chars().count(), 64);
    assert_ne!(group_mapping::group_name(long), group_mapping::group_name(&format!("{long}x")));
    assert_eq!(group_mapping::group_id("c", "g"), group_mapping::group_id("c", "g"));
    assert_ne!(group_mapping::group_id("c1", "g"), group_mapping::group_id("c", "1g"));
}

#[test]
fn options_of_a_deletion_come_from_a_body_or_dotted_from_a_query() {
    let query = |pairs: &[(&str, &'static str)]| {
        Options::of_query(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
    };
    let from_body = Options::parse(
        &json!({"options": {"propagationPolicy": "Foreground", "force": true, "gracePeriodSeconds": 5}}),
    );
    let from_query = query(&[
        ("options.propagationPolicy", "foreground"),
        ("options.force", "true"),
        ("options.gracePeriodSeconds", "5"),
    ]);
    assert_eq!(from_body, from_query);
    assert_eq!(from_body.unwrap().propagation, Propagation::Foreground);
    assert_eq!(query(&[]).unwrap(), Options::default());
    assert_eq!(field(query(&[("options.propagationPolicy", "SoftDelete")])), "options.propagationPolicy");
    assert_eq!(field(query(&[("options.force", "yes")])), "options.force");
    assert_eq!(field(Options::parse(&json!({"options": {"gracePeriodSeconds": -1}}))), "options.gracePeriodSeconds");
    assert_eq!(field(Options::parse(&json!({"options": "x"}))), "options");
}
