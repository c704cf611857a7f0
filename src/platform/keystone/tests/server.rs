//! A server that keeps what it is given, as a Keystone or as an Archstone does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::model::platform::{CredentialKind, Product};
use crate::platform::tests::{Asked, CANARY, Peer, Said, Scene};

pub const DOMAIN: &str = "d-of-idp";
pub const LOGOUT: &str = "DELETE /v3/auth/tokens";

/// What the server keeps: things by their paths.
#[derive(Default)]
pub struct Kept {
    pub things: BTreeMap<String, Value>,
    pub next: usize,
}

/// A server, and what it holds.
pub struct There {
    pub peer: Peer,
    pub kept: Arc<Mutex<Kept>>,
}

/// How the server is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Is {
    Keystone,
    Archstone,
}

impl There {
    pub async fn new(is: Is) -> Self {
        Self::with(is, |_| None).await
    }

    /// One that first asks `special` for an answer.
    pub async fn with(is: Is, special: impl Fn(&Asked) -> Option<Said> + Send + Sync + 'static) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let held = kept.clone();
        let peer =
            Peer::new(move |asked| special(asked).unwrap_or_else(|| answer(is, &mut held.lock().unwrap(), asked)))
                .await;
        Self { peer, kept }
    }

    pub fn scene(&self) -> Scene {
        Scene::new(Product::Keystone, &self.peer.url, Some(("admin", CredentialKind::Password, "pw")))
    }

    pub fn thing(&self, path: &str) -> Value {
        self.kept.lock().unwrap().things.get(path).cloned().unwrap_or(Value::Null)
    }

    pub fn paths(&self) -> Vec<String> {
        self.kept.lock().unwrap().things.keys().cloned().collect()
    }

    /// What was written since the last look, without what signs in and out.
    pub fn writes(&self) -> Vec<String> {
        self.peer
            .lines()
            .into_iter()
            .filter(|line| !line.starts_with("GET ") && !line.contains("/auth/tokens"))
            .collect()
    }
}

fn answer(is: Is, kept: &mut Kept, asked: &Asked) -> Said {
    let path = asked.path.strip_prefix("/v3").unwrap_or_else(|| panic!("{}", asked.path));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let error = |status: u16| Said::json(status, &json!({"error": {"code": status, "message": CANARY}}));
    if (asked.method.as_str(), path) == ("POST", "/auth/tokens") {
        let identity = &asked.body()["auth"]["identity"];
        let known = identity["password"]["user"]["password"] == "pw"
            || identity["application_credential"]["secret"] == "made-secret";
        if !known {
            return error(401);
        }
        return Said::json(201, &json!({"token": {"user": {"id": "u1"}}})).with("x-subject-token", "t0ken");
    }
    if path.is_empty() {
        assert_eq!(asked.header("accept"), "application/json-home");
        let ours =
            "https://docs.openstack.org/api/openstack-identity/3/ext/OS-FEDERATION/1.0/rel/identity_provider_setup";
        let usual = "https://docs.openstack.org/api/openstack-identity/3/rel/users";
        let name = if is == Is::Archstone { ours } else { usual };
        return Said::json(200, &json!({"resources": {name: {"href": "/x"}}}));
    }
    if asked.header("x-auth-token") != "t0ken" {
        return error(401);
    }
    let body = asked.body();
    match (asked.method.as_str(), parts.as_slice()) {
        ("DELETE", ["auth", "tokens"]) => {
            assert_eq!(asked.header("x-subject-token"), "t0ken");
            Said::text(204, "")
        }
        ("GET", ["OS-FEDERATION", "identity_providers"]) => Said::json(200, &json!({"identity_providers": []})),
        ("GET", ["roles"]) => {
            let named = asked.parameter("name").unwrap();
            let one = ["admin", "reader"]
                .contains(&named.as_str())
                .then(|| json!({"id": format!("id-{named}"), "name": named}));
            let other = json!({"id": "x", "name": named, "domain_id": "elsewhere"});
            let all: Vec<Value> = [Some(other), one].into_iter().flatten().collect();
            Said::json(200, &json!({"roles": all, "links": {"next": null}}))
        }
        ("GET", ["groups"]) => {
            // Two pages, whose link names a foreign host.
            let all: Vec<Value> = kept
                .things
                .iter()
                .filter(|(p, _)| p.starts_with("/groups/"))
                .map(|(_, v)| v["group"].clone())
                .collect();
            let from =
                asked.parameter("marker").map_or(0, |m| all.iter().position(|g| g["id"] == m.as_str()).unwrap() + 1);
            let page: Vec<Value> = all.iter().skip(from).take(1).cloned().collect();
            let next = page.last().filter(|_| from + 1 < all.len());
            let next = next.map(|last| format!("http://127.0.0.2:9/v3/groups?marker={}", last["id"].as_str().unwrap()));
            Said::json(200, &json!({"groups": page, "links": {"next": next}}))
        }
        ("GET", ["role_assignments"]) => {
            let rows: Vec<Value> = kept
                .things
                .keys()
                .filter_map(|p| {
                    let parts: Vec<&str> = p.split('/').collect();
                    let ["", "domains", domain, "groups", group, "roles", role] = parts.as_slice() else { return None };
                    Some(json!({"group": {"id": group}, "role": {"id": role}, "scope": {"domain": {"id": domain}}}))
                })
                .collect();
            Said::json(200, &json!({"role_assignments": rows}))
        }
        ("GET", ["OS-FEDERATION", "identity_providers", idp, "protocols"]) => {
            let under = format!("/OS-FEDERATION/identity_providers/{idp}/protocols/");
            let all: Vec<Value> = kept
                .things
                .iter()
                .filter(|(p, _)| p.strip_prefix(&under).is_some_and(|rest| !rest.contains('/')))
                .map(|(_, v)| v["protocol"].clone())
                .collect();
            Said::json(200, &json!({"protocols": all}))
        }
        ("POST", ["groups"]) => {
            let taken =
                kept.things.values().any(|v| v["group"]["name"] == body["group"]["name"] && !v["group"].is_null());
            if taken {
                return error(409);
            }
            kept.next += 1;
            let id = format!("g{}", kept.next);
            let mut group = body.clone();
            group["group"]["id"] = json!(id);
            kept.things.insert(format!("/groups/{id}"), group.clone());
            Said::json(201, &group)
        }
        ("POST", ["users", "u1", "application_credentials"]) => {
            if is == Is::Archstone {
                return error(404);
            }
            let mut made = body["application_credential"].clone();
            let name = made["name"].as_str().unwrap().to_owned();
            if kept.things.values().any(|v| v["name"] == name.as_str()) {
                return error(409);
            }
            kept.next += 1;
            let id = format!("k{}", kept.next);
            kept.things.insert(format!("/users/u1/application_credentials/{id}"), made.clone());
            made["id"] = json!(id);
            made["secret"] = json!("made-secret");
            Said::json(201, &json!({"application_credential": made}))
        }
        ("GET", _) => kept.things.get(path).map_or_else(|| error(404), |v| Said::json(200, v)),
        ("PUT", ["domains", ..]) => {
            kept.things.insert(path.to_owned(), Value::Null);
            Said::text(204, "")
        }
        ("PUT", [.., "connection"]) if is == Is::Keystone => error(404),
        ("PUT", _) if kept.things.contains_key(path) => error(409),
        ("PUT" | "PATCH", _) => {
            let mut whole = kept.things.get(path).cloned().unwrap_or_else(|| json!({}));
            for (name, members) in body.as_object().unwrap() {
                for (member, value) in members.as_object().unwrap() {
                    whole[name][member] = value.clone();
                }
            }
            if path.starts_with("/OS-FEDERATION/identity_providers/") && parts.len() == 3 {
                let issuers = &whole["identity_provider"]["remote_ids"];
                let taken =
                    kept.things.iter().any(|(p, v)| p != path && v["identity_provider"]["remote_ids"] == *issuers);
                if taken && !issuers.is_null() {
                    return error(409);
                }
                whole["identity_provider"]["domain_id"] = json!(DOMAIN);
            }
            if let [.., "protocols", id] = parts.as_slice() {
                whole["protocol"]["id"] = json!(id);
            }
            kept.things.insert(path.to_owned(), whole.clone());
            // A connection shows no secret.
            if let Some(connection) = whole.get_mut("connection").and_then(Value::as_object_mut) {
                connection.remove("client_secret");
            }
            Said::json(if asked.method == "PUT" { 201 } else { 200 }, &whole)
        }
        ("DELETE", _) => {
            let had = kept.things.remove(path).is_some();
            if parts.first() == Some(&"groups") {
                let under = format!("/domains/{DOMAIN}{path}/");
                kept.things.retain(|p, _| !p.starts_with(&under));
            }
            if had { Said::text(204, "") } else { error(404) }
        }
        other => panic!("{other:?}"),
    }
}
