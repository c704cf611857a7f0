//! Rules that need an exact clock, through the whole house on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::fields::Extra;
use crate::model::grant::{Grant, Target};
use crate::model::token::Scope;
use crate::model::user::User;
use crate::store;
use crate::store::tests::{a_domain, a_role, an_idp};
use crate::testing::{Answered, House, houses};

mod master_key;
mod passwords;
mod requests;
mod tokens;

pub(super) const DOMAIN: &str = "00000000000040008000000000000001";

/// A domain with the users `admin` (system administrator) and `ann`, whose password is `right`, a reader of the domain.
async fn set_the_scene(house: &House) {
    let now = house.app.now();
    let hash = house.app.hasher.hash("right".into()).await.unwrap();
    let mut tx = house.app.store.write().await.unwrap();
    store::domain::insert(&mut tx, &a_domain(DOMAIN)).await.unwrap();
    for role in ["admin", "reader"] {
        store::role::insert(&mut tx, &a_role(role)).await.unwrap();
    }
    for (id, target, role) in [("admin", Target::System, "admin"), ("ann", Target::Domain(DOMAIN.into()), "reader")] {
        let user = User {
            id: id.into(),
            domain_id: DOMAIN.into(),
            name: id.into(),
            enabled: true,
            default_project_id: None,
            extra: Extra::new(),
            options: Extra::new(),
            password_expires_at: None,
        };
        store::user::insert(&mut tx, &user, now).await.unwrap();
        store::password::insert(&mut tx, &format!("w-{id}"), id, &hash, now, None).await.unwrap();
        store::grant::insert(&mut tx, &Grant::of_user(id, target, role)).await.unwrap();
    }
    house.app.commit(tx).await.unwrap();
}

pub(super) async fn login(house: &House, name: &str, password: &str) -> Answered {
    let user = json!({"name": name, "domain": {"id": DOMAIN}, "password": password});
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"domain": {"id": DOMAIN}}}});
    house.ask("POST", "/v3/auth/tokens", &[], Some(&body)).await
}

pub(super) fn subject(answer: &Answered) -> String {
    answer.headers["x-subject-token"].to_str().unwrap().to_owned()
}

pub(super) async fn validate(house: &House, token: &str, query: &str) -> u16 {
    let admin = house.token("admin", Scope::System);
    let headers = [("x-auth-token", admin.as_str()), ("x-subject-token", token)];
    house.ask("GET", &format!("/v3/auth/tokens{query}"), &headers, None).await.status
}

pub(super) async fn on_both(settings: &[(&str, &str)], test: impl AsyncFn(&House)) {
    for house in houses(settings).await {
        eprintln!("on {}", house.database);
        set_the_scene(&house).await;
        test(&house).await;
    }
}
