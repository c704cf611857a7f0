//! Protocols, mappings and service providers on both databases.

use serde_json::json;

use super::*;
use crate::model::change::Change;
use crate::model::mapping::{Document, Mapping};
use crate::model::mapping_engine::SchemaVersion;
use crate::model::protocol::Protocol;
use crate::model::service_provider::{Listed, ServiceProvider};

pub fn a_mapping(id: &str, domain_id: Option<&str>) -> Mapping {
    let rules = json!([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]);
    let document = Document { schema_version: SchemaVersion::V1, rules };
    Mapping { id: id.into(), domain_id: domain_id.map(str::to_owned), document }
}

pub fn a_protocol(idp_id: &str, id: &str, mapping_id: &str) -> Protocol {
    Protocol { idp_id: idp_id.into(), id: id.into(), mapping_id: Some(mapping_id.into()), remote_id_attribute: None }
}

pub fn a_service_provider(id: &str) -> ServiceProvider {
    ServiceProvider {
        id: id.into(),
        auth_url: "https://sp/auth".into(),
        sp_url: "https://sp/ecp".into(),
        enabled: false,
        description: None,
        relay_state_prefix: "ss:mem:".into(),
    }
}

/// The domain `d` with the identity providers `i1` and `i2`, each with the protocol `saml`, which both use the mapping `m`.
async fn scene(store: &Store) {
    let mut tx = store.write().await.unwrap();
    domain::insert(&mut tx, &a_domain("d")).await.unwrap();
    mapping::insert(&mut tx, &a_mapping("m", None)).await.unwrap();
    for id in ["i1", "i2"] {
        identity_provider::insert(&mut tx, &an_idp(id, "d", &[])).await.unwrap();
        protocol::insert(&mut tx, &a_protocol(id, "saml", "m")).await.unwrap();
    }
    tx.commit(NOW).await.unwrap();
}

#[tokio::test]
async fn mappings_protocols_and_service_providers_come_back_as_they_were_written_and_changed() {
    on_both(async |store| {
        scene(store).await;
        let mut mapping = a_mapping("o", Some("d"));
        let mut protocol = a_protocol("i1", "ü b", "m");
        let mut sp = a_service_provider("s p");
        let mut tx = store.write().await.unwrap();
        mapping::insert(&mut tx, &mapping).await.unwrap();
        protocol::insert(&mut tx, &protocol).await.unwrap();
        service_provider::insert(&mut tx, &sp).await.unwrap();
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        assert_eq!(mapping::get(conn, "o").await.unwrap(), Some(mapping.clone()));
        assert_eq!(protocol::get(conn, "i1", "ü b").await.unwrap(), Some(protocol.clone()));
        assert_eq!(protocol::get(conn, "i2", "ü b").await.unwrap(), None);
        assert_eq!(service_provider::get(conn, "s p").await.unwrap(), Some(sp.clone()));
        assert_eq!(service_provider::list_enabled(conn).await.unwrap(), []);

        mapping.document = Document { schema_version: SchemaVersion::V3, rules: json!([{"ü": [1.5, null]}]) };
        (protocol.mapping_id, protocol.remote_id_attribute) = (None, Some(String::new()));
        (sp.enabled, sp.description, sp.relay_state_prefix) = (true, Some("d".into()), String::new());
        let mut tx = store.write().await.unwrap();
        assert!(mapping::lock(&mut tx, "o").await.unwrap() && !mapping::lock(&mut tx, "x").await.unwrap());
        assert!(service_provider::lock(&mut tx, "s p").await.unwrap());
        assert!(mapping::update(&mut tx, &mapping).await.unwrap());
        assert!(protocol::update(&mut tx, &protocol).await.unwrap());
        assert!(service_provider::update(&mut tx, &sp).await.unwrap());
        assert!(!service_provider::update(&mut tx, &a_service_provider("x")).await.unwrap());
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        assert_eq!(mapping::get(conn, "o").await.unwrap(), Some(mapping));
        assert_eq!(protocol::get(conn, "i1", "ü b").await.unwrap(), Some(protocol));
        let listed = Listed { id: "s p".into(), auth_url: sp.auth_url.clone(), sp_url: sp.sp_url.clone() };
        assert_eq!(service_provider::list_enabled(conn).await.unwrap(), [listed]);
        assert_eq!(service_provider::get(conn, "s p").await.unwrap(), Some(sp));

        let mut tx = store.write().await.unwrap();
        assert!(mapping::delete(&mut tx, "o").await.unwrap() && !mapping::delete(&mut tx, "o").await.unwrap());
        assert!(protocol::delete(&mut tx, "i1", "ü b").await.unwrap());
        assert!(!protocol::delete(&mut tx, "i1", "ü b").await.unwrap());
        assert!(service_provider::delete(&mut tx, "s p").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn pages_of_protocols_stay_below_their_identity_provider() {
    on_both(async |store| {
        scene(store).await;
        let mut tx = store.write().await.unwrap();
        for id in ["c", "a", "b"] {
            protocol::insert(&mut tx, &a_protocol("i1", id, "m")).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        let ids = |rows: Vec<Protocol>| rows.into_iter().map(|p| p.id).collect::<Vec<_>>();
        let query = Query { conditions: vec![], limit: 1, marker: Some("a".into()) };
        assert_eq!(ids(protocol::list(conn, "i1", &query).await.unwrap()), ["b", "c"]);
        assert_eq!(ids(protocol::list(conn, "i2", &Query::all(9)).await.unwrap()), ["saml"]);
        let query = Query { conditions: vec![Condition::equals("id", "saml")], limit: 9, marker: None };
        assert_eq!(ids(protocol::list(conn, "i1", &query).await.unwrap()), ["saml"]);
    })
    .await;
}

#[tokio::test]
async fn a_mapping_in_use_stays_and_its_change_is_told_to_every_identity_provider() {
    on_both(async |store| {
        scene(store).await;
        let mut tx = store.write().await.unwrap();
        let users = mapping::list_protocols(&mut tx, "m").await.unwrap();
        assert_eq!(users, [("i1".to_owned(), "saml".to_owned()), ("i2".to_owned(), "saml".to_owned())]);
        mapping::update(&mut tx, &a_mapping("m", None)).await.unwrap();
        let changes = tx.commit(NOW).await.unwrap();
        assert_eq!(changes, [Change::IdentityProvider("i1".into()), Change::IdentityProvider("i2".into())]);
        assert!(mapping::delete(&mut store.write().await.unwrap(), "m").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_protocol_is_open_while_it_is_there_and_its_identity_provider_enabled() {
    on_both(async |store| {
        scene(store).await;
        let mut tx = store.write().await.unwrap();
        assert!(protocol::is_open(&mut tx, "i1", "saml").await.unwrap());
        assert!(!protocol::is_open(&mut tx, "i1", "openid").await.unwrap());
        let idp = IdentityProvider { enabled: false, ..an_idp("i2", "d", &[]) };
        identity_provider::update(&mut tx, &idp).await.unwrap();
        assert!(!protocol::is_open(&mut tx, "i2", "saml").await.unwrap());
        protocol::delete(&mut tx, "i1", "saml").await.unwrap();
        assert!(!protocol::is_open(&mut tx, "i1", "saml").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_hangs_on_a_protocol_or_a_domain_goes_with_it() {
    on_both(async |store| {
        scene(store).await;
        let mut tx = store.write().await.unwrap();
        super::super::user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
        protocol::insert(&mut tx, &a_protocol("i1", "openid", "m")).await.unwrap();
        let link = |protocol_id: &str| FederatedLink {
            idp_id: "i1".into(),
            protocol_id: protocol_id.into(),
            unique_id: "x".into(),
        };
        federated_link::replace(&mut tx, "u", &[link("openid"), link("saml")]).await.unwrap();
        protocol::delete(&mut tx, "i1", "saml").await.unwrap();
        // An account belongs to the identity provider, whatever the protocol.
        assert_eq!(federated_link::list_of_user(&mut tx, "u").await.unwrap(), [link("openid"), link("saml")]);

        domain::insert(&mut tx, &a_domain("e")).await.unwrap();
        assert!(domain::is_empty(&mut tx, "e").await.unwrap());
        mapping::insert(&mut tx, &a_mapping("own", Some("e"))).await.unwrap();
        assert!(!domain::is_empty(&mut tx, "e").await.unwrap());
        identity_provider::insert(&mut tx, &an_idp("i3", "e", &[])).await.unwrap();
        protocol::insert(&mut tx, &a_protocol("i3", "saml", "own")).await.unwrap();
        domain::delete(&mut tx, "e").await.unwrap();
        assert_eq!(mapping::get(&mut tx, "own").await.unwrap(), None);
        assert!(mapping::get(&mut tx, "m").await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn taken_ids_are_conflicts() {
    on_both(async |store| {
        scene(store).await;
        let conflict = |e: Error| assert!(matches!(e, Error::Conflict { .. }), "{e:?}");
        let protocol = a_protocol("i1", "saml", "m");
        conflict(protocol::insert(&mut store.write().await.unwrap(), &protocol).await.unwrap_err());
        conflict(mapping::insert(&mut store.write().await.unwrap(), &a_mapping("m", Some("d"))).await.unwrap_err());
        let mut tx = store.write().await.unwrap();
        service_provider::insert(&mut tx, &a_service_provider("s")).await.unwrap();
        conflict(service_provider::insert(&mut tx, &a_service_provider("s")).await.unwrap_err());
    })
    .await;
}
