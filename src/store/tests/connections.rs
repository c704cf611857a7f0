//! Connections on both databases.

use super::*;
use crate::model::connection::oidc::Oidc;
use crate::model::connection::{Connection, Settings};

pub fn a_connection(idp_id: &str, protocol_id: &str) -> Connection {
    let oidc = Oidc { issuer: Some("https://op.example".into()), client_id: "archstone".into(), ..Oidc::default() };
    Connection {
        idp_id: idp_id.into(),
        protocol_id: protocol_id.into(),
        settings: Settings::Oidc(Box::new(oidc)),
        updated_at: NOW,
    }
}

#[tokio::test]
async fn a_connection_comes_back_as_it_was_written_and_changed_and_goes_with_its_identity_provider() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        identity_provider::insert(&mut tx, &an_idp("i", "d", &[])).await.unwrap();
        let mut stored = a_connection("i", "oidc");
        connection::insert(&mut tx, &stored).await.unwrap();
        let changes = tx.commit(NOW).await.unwrap();
        assert!(changes.contains(&Change::IdentityProvider("i".into())));

        let mut tx = store.write().await.unwrap();
        assert_eq!(connection::get(&mut tx, "i", "oidc").await.unwrap(), Some(stored.clone()));
        assert_eq!(connection::get(&mut tx, "i", "saml").await.unwrap(), None);
        assert_eq!(connection::protocols(&mut tx, "i").await.unwrap(), ["oidc"]);
        let Settings::Oidc(oidc) = &mut stored.settings else { unreachable!() };
        (oidc.client_id, oidc.audiences) = ("other".into(), vec!["ä".into()]);
        stored.updated_at = Timestamp(NOW.0 + 1);
        assert!(connection::update(&mut tx, &stored).await.unwrap());
        assert_eq!(connection::get(&mut tx, "i", "oidc").await.unwrap(), Some(stored.clone()));
        assert!(!connection::update(&mut tx, &a_connection("gone", "oidc")).await.unwrap());
        tx.commit(NOW).await.unwrap();

        let mut tx = store.write().await.unwrap();
        assert!(matches!(connection::insert(&mut tx, &stored).await, Err(Error::Conflict { .. })));
        drop(tx);
        let mut tx = store.write().await.unwrap();
        identity_provider::delete(&mut tx, "i").await.unwrap();
        assert_eq!(connection::get(&mut tx, "i", "oidc").await.unwrap(), None);
        assert!(!connection::delete(&mut tx, "i", "oidc").await.unwrap());
        tx.commit(NOW).await.unwrap();
    })
    .await;
}
