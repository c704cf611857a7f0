//! The client against servers of the tests over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bulk;
mod connecting;
mod finding;
mod groups;
mod repeating;
mod server;
mod users;

use std::time::Duration;

use serde_json::{Value, json};

use self::server::{Said, Server};
use super::*;
use crate::clock::FixedClock;
use crate::config;

const NOW: i64 = 1_800_000_000;
const TOKEN: &str = "canary-t0ken";

fn egress() -> Arc<Egress> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = config::Egress {
        allow: vec!["127.0.0.1/32".into()],
        schemes: vec!["http".into()],
        ports: vec![],
        total_timeout_secs: 1,
        max_body_bytes: 65_536,
        ..config::Egress::default()
    };
    Arc::new(Egress::new(&config).unwrap())
}

fn pace() -> Pace {
    Pace {
        deadline: Duration::from_secs(8),
        attempts: 4,
        first_wait: Duration::from_millis(4),
        longest_wait: Duration::from_millis(16),
        longest_pause: Duration::from_secs(300),
    }
}

async fn connect_at(pace: Pace, url: &str) -> Result<Client, Failure> {
    let (clock, random) = (Arc::new(FixedClock::at_secs(NOW)), Arc::new(Random::seeded(1)));
    Client::connect_at(pace, egress(), url, Some(&Secret::from(TOKEN)), clock, random).await
}

async fn connect(url: &str) -> Result<Client, Failure> {
    connect_at(pace(), url).await
}

/// A server that announces `config` and answers by a script, and a client of it.
async fn scene(config: Value, steps: Vec<(String, Said)>) -> (Server, Client) {
    let server = Server::scripted(config, Value::Null, steps).await;
    let client = connect(&server.url).await.unwrap();
    (server, client)
}

/// One step of a script.
fn step(line: &str, said: Said) -> (String, Said) {
    (line.to_owned(), said)
}

/// A look for a user or group, by an attribute and the value as it stands in the URL.
fn look(endpoint: &str, attribute: &str, value: &str) -> String {
    let name = if endpoint == "/Users" { "userName" } else { "displayName" };
    format!("GET {endpoint}?filter={attribute}%20eq%20%22{value}%22&attributes=externalId,{name}&count=100")
}

/// The two looks for a user, of which nothing comes.
fn nowhere() -> Vec<(String, Said)> {
    vec![
        step(&look("/Users", "externalId", "x1"), Said::none()),
        step(&look("/Users", "userName", "anna"), Said::none()),
    ]
}

fn anna() -> User {
    User {
        external_id: "x1".into(),
        user_name: "anna".into(),
        active: true,
        display_name: Some("Anna Blum".into()),
        given_name: Some("Anna".into()),
        family_name: Some("Blum".into()),
        email: Some("anna@example.org".into()),
        ..User::default()
    }
}

/// What a server holds of her.
fn held() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "7", "externalId": "x1", "userName": "anna", "active": true, "displayName": "Anna Blum",
        "name": {"givenName": "Anna", "familyName": "Blum", "formatted": "Dr. Anna Blum"},
        "emails": [{"value": "anna@example.org", "type": "work", "primary": true}],
        "meta": {"resourceType": "User", "location": "http://elsewhere.example/Users/8"},
    })
}

/// The same, otherwise.
fn held_but(change: impl FnOnce(&mut Value)) -> Value {
    let mut held = held();
    change(&mut held);
    held
}

/// Compiles only as long as a run can be spread over threads.
#[tokio::test]
async fn what_is_asked_of_a_client_may_move_between_threads() {
    fn moves<T: Send>(future: T) -> T {
        future
    }
    let (_server, client) = scene(json!({}), vec![]).await;
    let (user, group, known) = (User::default(), Group::default(), known(""));
    moves(client.place_user(&user, Some(&known))).await.unwrap_err();
    moves(client.place_group(&group, Some(&known))).await.unwrap_err();
    moves(client.deactivate_user(&known)).await.unwrap_err();
    moves(client.delete_group(&known)).await.unwrap_err();
    moves(client.members(&known)).await.unwrap_err();
    moves(client.change_members(&known, &["a".into()], &[], None)).await.unwrap_err();
    assert!(moves(client.bulk_users(&[user])).await.unwrap()[0].is_err());
}

fn known(id: &str) -> Known {
    Known { id: id.into(), version: None }
}

fn all(steps: Vec<Vec<(String, Said)>>) -> Vec<(String, Said)> {
    steps.into_iter().flatten().collect()
}

/// Which id, and what was done.
fn told(placed: Result<Placed, Failure>) -> (String, What) {
    let placed = placed.unwrap();
    (placed.known.id, placed.what)
}
