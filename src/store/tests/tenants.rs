//! Tenants and what belongs to them on both databases.

use serde_json::json;

use super::connections::a_connection;
use super::federation::{a_mapping, a_protocol};
use super::*;
use crate::model::application::{Application, Kind, Settings as OfApplication};
use crate::model::list::Window;
use crate::model::sign_in_step::SignInStep;
use crate::model::sso_config::Source;
use crate::model::sso_config::SsoConfig;
use crate::model::tenant::{self as model, Tenant};
use crate::model::tenant_idp::Settings;
use crate::model::user_link::UserLink;

pub fn a_tenant(id: &str, slug: &str) -> Tenant {
    Tenant {
        id: id.into(),
        slug: slug.into(),
        issuer_slug: slug.into(),
        name: format!("name of {id}"),
        active: true,
        domain_enabled: true,
        settings: model::Settings::default(),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub fn an_application(id: &str, tenant_id: &str) -> Application {
    Application {
        id: id.into(),
        tenant_id: tenant_id.into(),
        name: format!("name of {id}"),
        kind: Kind::Web,
        enabled: true,
        settings: OfApplication::default(),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub fn a_link(idp_id: &str, protocol_id: &str, unique_id: &str) -> UserLink {
    UserLink {
        idp_id: idp_id.into(),
        protocol_id: protocol_id.into(),
        unique_id: unique_id.into(),
        tenant_id: None,
        email: Some("a@b.example".into()),
        created_at: Some(NOW),
        created_by: Some("auto".into()),
        last_login_at: None,
    }
}

pub fn a_step(id: &str, tenant_id: &str, request_id: &str) -> SignInStep {
    SignInStep {
        id: id.into(),
        sign_in_id: format!("sign-in of {id}"),
        tenant_id: tenant_id.into(),
        seq: 0,
        at: NOW,
        request_id: request_id.into(),
        step: "callback".into(),
        outcome: "failure".into(),
        reason: Some("r".into()),
        detail: json!({"a": 1}),
    }
}

#[tokio::test]
async fn a_tenant_comes_back_as_it_was_written_by_each_of_its_slugs_and_is_changed_once_per_version() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        for d in ["d", "e"] {
            domain::insert(&mut tx, &a_domain(d)).await.unwrap();
        }
        let mut stored = a_tenant("d", "acme");
        stored.settings.local_login = false;
        tenant::insert(&mut tx, &stored).await.unwrap();
        tenant::insert(&mut tx, &a_tenant("e", "other")).await.unwrap();
        assert!(tx.commit(NOW).await.unwrap().contains(&Change::Tenant("d".into())));

        let mut tx = store.write().await.unwrap();
        tenant::add_slug(&mut tx, "d", "emca").await.unwrap();
        for slug in ["acme", "emca"] {
            assert_eq!(tenant::get_by_slug(&mut tx, slug).await.unwrap(), Some(stored.clone()));
        }
        let slugs = tenant::slugs_of(&mut tx, &["d", "e", "gone"]).await.unwrap();
        assert_eq!(
            (slugs["d"].as_slice(), slugs["e"].as_slice()),
            (&["acme".to_owned(), "emca".into()][..], &["other".to_owned()][..])
        );
        assert!(tenant::slugs_of(&mut tx, &[]).await.unwrap().is_empty());
        stored.version = 2;
        assert!(tenant::update(&mut tx, &stored).await.unwrap());
        assert!(!tenant::update(&mut tx, &stored).await.unwrap());
        assert!(tenant::delete(&mut tx, "d").await.unwrap());
        assert_eq!(tenant::get_by_slug(&mut tx, "emca").await.unwrap(), None);
        assert!(domain::get(&mut tx, "d").await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn secrets_of_an_application_end_and_are_dropped() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        tenant::insert(&mut tx, &a_tenant("d", "acme")).await.unwrap();
        let app = an_application("a", "d");
        application::insert(&mut tx, &app).await.unwrap();
        let secret = |id: &str, expires_at| application::StoredSecret {
            id: id.into(),
            digest: id.into(),
            created_at: NOW,
            expires_at,
        };
        let (soon, late) = (Timestamp(NOW.0 + 1), Timestamp(NOW.0 + 9));
        for stored in [secret("a", None), secret("b", Some(soon)), secret("c", Some(Timestamp(NOW.0 + 20)))] {
            application::insert_secret(&mut tx, &app, &stored).await.unwrap();
        }
        application::expire_secrets(&mut tx, &app, late).await.unwrap();
        let ends = |secrets: Vec<application::StoredSecret>| {
            secrets.into_iter().map(|s| s.expires_at.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(ends(application::secrets(&mut tx, "a").await.unwrap()), [late, soon, late]);
        application::drop_ended_secrets(&mut tx, &app, soon).await.unwrap();
        assert_eq!(ends(application::secrets(&mut tx, "a").await.unwrap()), [late, late]);
        assert_eq!(application::find(&mut tx, "a").await.unwrap(), Some(app));
        assert_eq!(application::find(&mut tx, "b").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_could_offer_its_own_identity_providers_and_global_ones_that_are_not_kept_for_others() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        for d in ["d", "e", "cloud"] {
            domain::insert(&mut tx, &a_domain(d)).await.unwrap();
        }
        for (id, slug) in [("d", "acme"), ("e", "other")] {
            tenant::insert(&mut tx, &a_tenant(id, slug)).await.unwrap();
        }
        for (id, domain, source) in [
            ("own", "d", None),
            ("bare", "d", None),
            ("foreign", "e", None),
            ("global", "cloud", Some(Source::Manual)),
            ("kept", "cloud", Some(Source::Import)),
            ("keystone", "cloud", Some(Source::Federation)),
        ] {
            identity_provider::insert(&mut tx, &an_idp(id, domain, &[])).await.unwrap();
            if let Some(source) = source {
                let config = SsoConfig { source, ..SsoConfig::of_keystone(id, NOW) };
                sso_config::insert(&mut tx, &config, None).await.unwrap();
            }
            if id != "bare" {
                mapping::insert(&mut tx, &a_mapping(id, None)).await.unwrap();
                protocol::insert(&mut tx, &a_protocol(id, "openid", id)).await.unwrap();
                connection::insert(&mut tx, &a_connection(id, "openid")).await.unwrap();
            }
        }
        tenant_idp::keep_for(&mut tx, "kept", &["e".to_owned()]).await.unwrap();
        let settings = Settings { display_order: 7, ..Settings::default() };
        tenant_idp::put(&mut tx, "d", "global", &settings, NOW).await.unwrap();

        let window = Window { limit: 10, offset: 0 };
        let found = tenant_idp::list(&mut tx, "d", window).await.unwrap();
        let ids: Vec<_> = found.items.iter().map(|k| (k.idp_id.as_str(), k.own, k.protocol_id.as_deref())).collect();
        assert_eq!(ids, [("bare", true, None), ("global", false, Some("openid")), ("own", true, Some("openid"))]);
        assert_eq!((found.total, &found.items[1].settings), (3, &settings));
        let part = tenant_idp::list(&mut tx, "d", Window { limit: 1, offset: 1 }).await.unwrap();
        assert_eq!((part.items.as_slice(), part.total), (&found.items[1..2], 3));
        let others = tenant_idp::list(&mut tx, "e", window).await.unwrap();
        assert_eq!(others.items.iter().map(|k| k.idp_id.as_str()).collect::<Vec<_>>(), ["foreign", "global", "kept"]);
        assert_eq!(tenant_idp::find(&mut tx, "d", "own").await.unwrap().as_ref(), Some(&found.items[2]));
        assert_eq!(tenant_idp::find(&mut tx, "d", "kept").await.unwrap(), None);
        // What is offered is what could be offered and is set up.
        let offered = tenant_idp::offered(&mut tx, "d").await.unwrap();
        assert_eq!(offered.iter().map(|o| o.idp_id.as_str()).collect::<Vec<_>>(), ["global", "own"]);
    })
    .await;
}

#[tokio::test]
async fn links_come_back_as_they_were_written_and_go_by_identity_provider() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        user::insert(&mut tx, &a_user("u", "d"), NOW).await.unwrap();
        for idp in ["i", "j"] {
            identity_provider::insert(&mut tx, &an_idp(idp, "d", &[])).await.unwrap();
        }
        let links = [
            a_link("i", "openid", "x"),
            UserLink { tenant_id: Some("d".into()), ..a_link("i", "openid", "y") },
            a_link("j", "openid", "x"),
        ];
        for link in &links {
            user_link::insert(&mut tx, "u", link).await.unwrap();
        }
        assert_eq!(user_link::list(&mut tx, "u").await.unwrap(), links);
        assert_eq!(user_link::delete(&mut tx, "u", "i").await.unwrap(), 2);
        assert_eq!(user_link::list(&mut tx, "u").await.unwrap(), links[2..]);
        assert!(tx.commit(NOW).await.unwrap().contains(&Change::User("u".into())));
    })
    .await;
}
