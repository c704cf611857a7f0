//! Every store function on both databases, each time a fresh one.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::*;
use crate::clock::Random;
use crate::model::domain::Domain;
use crate::model::federated_link::FederatedLink;
use crate::model::fields::Extra;
use crate::model::grant::{Grant, Target};
use crate::model::group::Group;
use crate::model::holder::Holder;
use crate::model::identity_provider::{IdentityProvider, SsoType};
use crate::model::list::{Condition, Operator, Query};
use crate::model::project::Project;
use crate::model::role::Role;
use crate::model::user::User;

pub mod catalog;
mod changes;
pub mod connections;
mod databases;
pub mod federation;
pub mod jobs;
mod lists;
pub mod tenants;
mod users;
mod writing;

/// A fresh, migrated database of each kind, with its URL.
pub async fn fresh() -> Vec<(&'static str, Store, String, Option<tempfile::TempDir>)> {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}/test.db", dir.path().display());
    let postgres = fresh_postgres().await;
    let mut all = Vec::new();
    for (name, url, dir) in [("SQLite", sqlite, Some(dir)), ("PostgreSQL", postgres, None)] {
        let store = Store::open(&options(&url)).await.unwrap();
        store.migrate().await.unwrap();
        all.push((name, store, url, dir));
    }
    all
}

/// How tests reach a database.
pub fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        max_connections: 4,
        acquire_timeout: Duration::from_secs(5),
        statement_timeout: Duration::from_secs(5),
    }
}

async fn fresh_postgres() -> String {
    let base = std::env::var("ARCHSTONE_TEST_POSTGRES").expect(
        "ARCHSTONE_TEST_POSTGRES must name a PostgreSQL database: run the tests with `python3 compat-tests/postgres.py cargo nextest run`",
    );
    let name = format!("t{}", Random::system().hex_id());
    let mut admin = PgConnection::connect(&base).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

const NOW: Timestamp = Timestamp(1_000_000_000);

/// Runs a test on a fresh database of each kind.
pub async fn on_both(test: impl AsyncFn(&Store)) {
    for (name, store, _, _dir) in fresh().await {
        eprintln!("on {name}");
        test(&store).await;
        store.close().await;
    }
}

pub fn a_domain(id: &str) -> Domain {
    Domain {
        id: id.into(),
        name: format!("name of {id}"),
        enabled: true,
        description: "d".into(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    }
}

pub fn a_user(id: &str, domain: &str) -> User {
    User {
        id: id.into(),
        domain_id: domain.into(),
        name: format!("name of {id}"),
        enabled: true,
        default_project_id: None,
        extra: Extra::new(),
        options: Extra::new(),
        password_expires_at: None,
    }
}

pub fn a_role(id: &str) -> Role {
    Role {
        id: id.into(),
        name: id.into(),
        domain_id: None,
        description: None,
        extra: Extra::new(),
        options: Extra::new(),
    }
}

pub fn a_project(id: &str, domain: &str) -> Project {
    Project {
        id: id.into(),
        name: format!("name of {id}"),
        domain_id: Some(domain.into()),
        parent_id: Some(domain.into()),
        enabled: true,
        description: String::new(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    }
}

pub fn a_group(id: &str, domain: &str) -> Group {
    Group {
        id: id.into(),
        domain_id: domain.into(),
        name: format!("name of {id}"),
        description: None,
        extra: Extra::new(),
    }
}

pub fn an_idp(id: &str, domain: &str, remote_ids: &[&str]) -> IdentityProvider {
    IdentityProvider {
        id: id.into(),
        domain_id: domain.into(),
        auto_domain: false,
        owned: false,
        enabled: true,
        description: None,
        authorization_ttl: Some(5),
        sso_type: SsoType::VirtualUser,
        remote_ids: remote_ids.iter().map(|r| (*r).to_owned()).collect(),
    }
}
