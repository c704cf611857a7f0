//! Services, endpoints and regions on both databases.

use super::*;
use crate::model::endpoint::Endpoint;
use crate::model::region::Region;
use crate::model::service::Service;

pub fn a_service(id: &str) -> Service {
    Service { id: id.into(), kind: "compute".into(), name: format!("name of {id}"), enabled: true, extra: Extra::new() }
}

pub fn a_region(id: &str, parent: Option<&str>) -> Region {
    Region { parent_region_id: parent.map(str::to_owned), ..Region::bare(id.into()) }
}

pub fn an_endpoint(id: &str, service: &str, region: Option<&str>) -> Endpoint {
    Endpoint {
        id: id.into(),
        service_id: service.into(),
        interface: "public".into(),
        region_id: region.map(str::to_owned),
        url: "http://h/v1".into(),
        enabled: true,
        extra: Extra::new(),
    }
}

/// The service `s` with the endpoint `e` in the region `leaf`, which is below `top`; `bare` stands alone.
async fn scene(store: &Store) {
    let mut tx = store.write().await.unwrap();
    service::insert(&mut tx, &a_service("s")).await.unwrap();
    for region in [a_region("top", None), a_region("leaf", Some("top")), a_region("bare", None)] {
        region::insert(&mut tx, &region).await.unwrap();
    }
    endpoint::insert(&mut tx, &an_endpoint("e", "s", Some("leaf"))).await.unwrap();
    tx.commit(NOW).await.unwrap();
}

#[tokio::test]
async fn the_catalog_comes_back_as_it_was_written_and_changed() {
    on_both(async |store| {
        scene(store).await;
        let mut service = a_service("s");
        let mut endpoint = an_endpoint("e", "s", Some("leaf"));
        let mut region = a_region("leaf", Some("top"));
        let conn = &mut store.read().await.unwrap();
        assert_eq!(service::get(conn, "s").await.unwrap(), Some(service.clone()));
        assert_eq!(endpoint::get(conn, "e").await.unwrap(), Some(endpoint.clone()));
        assert_eq!(region::get(conn, "leaf").await.unwrap(), Some(region.clone()));

        service.kind = "image".into();
        service.enabled = false;
        service.extra.insert("description".into(), "rød".into());
        endpoint.region_id = None;
        endpoint.interface = "internal".into();
        endpoint.enabled = false;
        endpoint.extra.insert("name".into(), "n".into());
        region.parent_region_id = None;
        region.description = "d".into();
        region.extra.insert("a".into(), 1.into());
        let mut tx = store.write().await.unwrap();
        assert!(service::update(&mut tx, &service).await.unwrap());
        assert!(endpoint::update(&mut tx, &endpoint).await.unwrap());
        assert!(region::update(&mut tx, &region).await.unwrap());
        assert!(!service::update(&mut tx, &a_service("none")).await.unwrap());
        assert!(!endpoint::update(&mut tx, &an_endpoint("none", "s", None)).await.unwrap());
        assert!(!region::update(&mut tx, &a_region("none", None)).await.unwrap());
        assert_eq!(tx.commit(NOW).await.unwrap(), [Change::All]);
        assert_eq!(service::get(conn, "s").await.unwrap(), Some(service));
        assert_eq!(endpoint::get(conn, "e").await.unwrap(), Some(endpoint));
        assert_eq!(region::get(conn, "leaf").await.unwrap(), Some(region));
    })
    .await;
}

#[tokio::test]
async fn a_service_goes_with_its_endpoints() {
    on_both(async |store| {
        scene(store).await;
        let mut tx = store.write().await.unwrap();
        assert!(service::lock(&mut tx, "s").await.unwrap() && !service::lock(&mut tx, "none").await.unwrap());
        assert!(service::delete(&mut tx, "s").await.unwrap());
        assert!(!service::delete(&mut tx, "s").await.unwrap());
        assert_eq!(tx.commit(NOW).await.unwrap(), [Change::All]);
        assert_eq!(endpoint::get(&mut store.read().await.unwrap(), "e").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_region_goes_with_those_below_it_unless_one_has_endpoints() {
    on_both(async |store| {
        scene(store).await;
        for id in ["top", "leaf"] {
            let mut tx = store.write().await.unwrap();
            let refused = region::delete(&mut tx, id).await.unwrap_err();
            assert!(matches!(refused, Error::Conflict { .. }), "{id}: {refused:?}");
        }
        let mut tx = store.write().await.unwrap();
        assert!(region::delete(&mut tx, "bare").await.unwrap());
        assert!(!region::delete(&mut tx, "bare").await.unwrap());
        assert!(endpoint::delete(&mut tx, "e").await.unwrap());
        assert!(!endpoint::delete(&mut tx, "e").await.unwrap());
        assert!(region::delete(&mut tx, "top").await.unwrap());
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        assert_eq!(region::list(conn, &Query::all(10)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_the_catalog_refers_to_must_be_there() {
    on_both(async |store| {
        scene(store).await;
        let conflict = |e: Error| assert!(matches!(e, Error::Conflict { .. }), "{e:?}");
        for endpoint in [an_endpoint("e2", "none", None), an_endpoint("e2", "s", Some("none"))] {
            conflict(endpoint::insert(&mut store.write().await.unwrap(), &endpoint).await.unwrap_err());
        }
        for region in [a_region("r", Some("none")), a_region("top", None)] {
            conflict(region::insert(&mut store.write().await.unwrap(), &region).await.unwrap_err());
        }
    })
    .await;
}

#[tokio::test]
async fn the_catalog_is_filtered_and_paged() {
    on_both(async |store| {
        scene(store).await;
        let mut tx = store.write().await.unwrap();
        let mut image = a_service("t");
        image.kind = "image".into();
        service::insert(&mut tx, &image).await.unwrap();
        let mut admin = an_endpoint("f", "t", None);
        admin.interface = "admin".into();
        endpoint::insert(&mut tx, &admin).await.unwrap();
        tx.commit(NOW).await.unwrap();
        let conn = &mut store.read().await.unwrap();
        let with =
            |column, value: &str| Query { conditions: vec![Condition::equals(column, value)], limit: 10, marker: None };
        let services = async |conn: &mut Conn, query: &Query| {
            let rows = service::list(conn, query).await.unwrap();
            rows.into_iter().map(|s| s.id).collect::<Vec<_>>()
        };
        assert_eq!(services(conn, &with("type", "image")).await, ["t"]);
        assert_eq!(services(conn, &with("name", "name of s")).await, ["s"]);
        assert_eq!(services(conn, &Query { conditions: vec![], limit: 1, marker: Some("s".into()) }).await, ["t"]);
        for (column, value, ids) in [
            ("interface", "admin", &["f"][..]),
            ("service_id", "s", &["e"]),
            ("region_id", "leaf", &["e"]),
            ("region_id", "none", &[]),
        ] {
            let rows = endpoint::list(conn, &with(column, value)).await.unwrap();
            assert_eq!(rows.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ids, "{column}={value}");
        }
        let rows = region::list(conn, &with("parent_region_id", "top")).await.unwrap();
        assert_eq!(rows, [a_region("leaf", Some("top"))]);
        let page = Query { conditions: vec![], limit: 1, marker: Some("bare".into()) };
        let rows = region::list(conn, &page).await.unwrap();
        assert_eq!(rows.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["leaf", "top"]);
    })
    .await;
}
