//! Keys over their whole life, on each kind of database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeSet;

use super::*;
use crate::model::signing_key::PUBLISHED_BEFORE_SECS;
use crate::service::oauth::tests::{a_tenant, tenant_houses};
use crate::testing::House;

async fn published(house: &House, tenant: &Tenant) -> BTreeSet<String> {
    let set: Value = serde_json::from_slice(&jwks(&house.app, tenant).await.unwrap()).unwrap();
    set["keys"].as_array().unwrap().iter().map(|k| k["kid"].as_str().unwrap().to_owned()).collect()
}

fn claims(house: &House, tenant: &Tenant) -> Value {
    json!({"iss": tenant.issuer(&house.app.public_url), "sub": "u"})
}

const ES: SigningAlgorithm = SigningAlgorithm::Es256;

#[tokio::test]
async fn keys_are_made_once_and_tokens_name_them() {
    for (house, tenant) in tenant_houses().await {
        let app = &house.app;
        let (a, b) = tokio::join!(jwks(app, &tenant), jwks(app, &tenant));
        assert_eq!(a.unwrap(), b.unwrap(), "{}", house.database);
        let keys = list(app, &tenant).await.unwrap();
        assert_eq!(keys.iter().map(|k| k.algorithm).collect::<BTreeSet<_>>().len(), 2);
        assert_eq!(keys.len(), 2);
        for algorithm in SigningAlgorithm::ALL {
            let token = sign(app, &tenant, *algorithm, "JWT", &claims(&house, &tenant)).await.unwrap();
            assert_eq!(verify(app, &tenant, &token, "JWT").await.unwrap()["sub"], "u");
            let wrong = verify(app, &tenant, &token, "at+jwt").await.unwrap_err();
            assert!(wrong.to_string().contains("another type"), "{wrong}");
        }
    }
}

#[tokio::test]
async fn op_tok_4_a_token_of_another_tenant_is_none_of_this_one() {
    for (house, tenant) in tenant_houses().await {
        let other = a_tenant(&house, "other").await;
        let token = sign(&house.app, &other, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        assert!(verify(&house.app, &tenant, &token, "JWT").await.is_err());
        // Nor one of its own that names another issuer.
        let token = sign(&house.app, &tenant, ES, "JWT", &claims(&house, &other)).await.unwrap();
        assert!(verify(&house.app, &tenant, &token, "JWT").await.unwrap_err().to_string().contains("another issuer"));
    }
}

async fn rotate_one(app: &App, tenant: &Tenant, after_secs: i64) -> Result<SigningKey> {
    let caller = Caller::of_command_line(app).await.unwrap();
    Ok(rotate(app, &caller, tenant, &[ES], after_secs).await?.remove(0))
}

#[tokio::test]
async fn whoever_takes_the_key_away_that_waits_leaves_the_one_that_signs() {
    for (house, tenant) in tenant_houses().await {
        let app = &house.app;
        let caller = Caller::of_command_line(app).await.unwrap();
        let token = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        let next = rotate_one(app, &tenant, PUBLISHED_BEFORE_SECS).await.unwrap();
        revoke(app, &caller, &tenant, &next.id).await.unwrap();
        house.clock.advance(2 * LONGEST_TOKEN_SECS + PUBLISHED_BEFORE_SECS);
        verify(app, &tenant, &token, "JWT").await.unwrap();
        // An older one that is still published goes without the next one beginning before its time.
        rotate_one(app, &tenant, 0).await.unwrap();
        let signs = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        rotate_one(app, &tenant, PUBLISHED_BEFORE_SECS).await.unwrap();
        revoke(app, &caller, &tenant, &Compact::parse(&token).unwrap().header.kid).await.unwrap();
        let later = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        assert_eq!(Compact::parse(&later).unwrap().header.kid, Compact::parse(&signs).unwrap().header.kid);
    }
}

#[tokio::test]
async fn tok_key_1_a_rotation_fails_no_verification() {
    for (house, tenant) in tenant_houses().await {
        let app = &house.app;
        let old = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        let before = published(&house, &tenant).await;
        let next = rotate_one(app, &tenant, PUBLISHED_BEFORE_SECS).await.unwrap();
        assert_eq!(rotate_one(app, &tenant, 0).await.unwrap_err().status(), 409, "one waits already");
        let kid = |token: &str| Compact::parse(token).unwrap().header.kid;
        let during = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        assert_eq!(kid(&during), kid(&old), "the next one is published and does not sign yet");
        assert!(published(&house, &tenant).await.contains(&next.id));
        house.clock.advance(PUBLISHED_BEFORE_SECS);
        let new = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        assert_eq!(kid(&new), next.id);
        for token in [&old, &during, &new] {
            verify(app, &tenant, token, "JWT").await.unwrap();
        }
        house.clock.advance(LONGEST_TOKEN_SECS);
        assert!(verify(app, &tenant, &during, "JWT").await.is_err(), "its key is not published any more");
        verify(app, &tenant, &new, "JWT").await.unwrap();
        let after = published(&house, &tenant).await;
        assert!(after.contains(&next.id) && !after.contains(&kid(&old)) && after.len() == before.len());
        // The next rotation clears away what is not published any more.
        rotate_one(app, &tenant, 0).await.unwrap();
        assert!(list(app, &tenant).await.unwrap().iter().all(|k| k.id != kid(&old)));
    }
}

#[tokio::test]
async fn tok_key_2_a_key_that_another_node_has_just_made_is_found() {
    for (house, tenant) in tenant_houses().await {
        let app = &house.app;
        jwks(app, &tenant).await.unwrap();
        // As another node does it: this one's memory hears nothing of it.
        let (key, private) = made(app, &tenant, ES).await.unwrap();
        let mut tx = app.store.write().await.unwrap();
        put(app, &mut tx, &key, &private).await.unwrap();
        tx.commit(app.now()).await.unwrap();
        let token = Pair::read(ES, &private).unwrap().sign(&key.id, "JWT", &claims(&house, &tenant)).unwrap();
        verify(app, &tenant, &token, "JWT").await.unwrap();
    }
}

#[tokio::test]
async fn tok_key_4_tokens_of_a_key_that_is_taken_away_die_at_once() {
    for (house, tenant) in tenant_houses().await {
        let app = &house.app;
        let token = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        let kid = Compact::parse(&token).unwrap().header.kid;
        let next = rotate_one(app, &tenant, PUBLISHED_BEFORE_SECS).await.unwrap();
        let caller = Caller::of_command_line(app).await.unwrap();
        revoke(app, &caller, &tenant, &kid).await.unwrap();
        assert!(verify(app, &tenant, &token, "JWT").await.is_err());
        let new = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        assert_eq!(Compact::parse(&new).unwrap().header.kid, next.id, "the one that waited begins");
        revoke(app, &caller, &tenant, &next.id).await.unwrap();
        let newest = sign(app, &tenant, ES, "JWT", &claims(&house, &tenant)).await.unwrap();
        verify(app, &tenant, &newest, "JWT").await.unwrap();
        assert!(![kid, next.id].contains(&Compact::parse(&newest).unwrap().header.kid), "another is made");
        assert_eq!(revoke(app, &caller, &tenant, "none").await.unwrap_err().status(), 404);
        // Nothing of the private halves is left.
        let mut conn = app.store.read().await.unwrap();
        let left = store::sealed_secret::list(&mut conn, "signing_key/", 10).await.unwrap();
        assert_eq!(left.len(), list(app, &tenant).await.unwrap().len());
    }
}
