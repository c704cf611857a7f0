//! `/api/v1/admin` through the whole house, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};

use crate::model::grant::{Grant, Target};
use crate::model::token::Scope;
use crate::store;
use crate::store::tests::{a_role, a_user};
use crate::testing::{Answered, House, houses};

mod applications;
mod identity_providers;
mod tenants;

const TENANTS: &str = "/api/v1/admin/tenants";
const APPLICATIONS: &str = "/api/v1/admin/applications";

/// A house with an administrator of the cloud.
struct Scene {
    house: House,
    admin: String,
}

impl Scene {
    async fn each(test: impl AsyncFn(Scene)) {
        for house in houses(&[]).await {
            eprintln!("on {}", house.database);
            let admin = house.administrator().await;
            test(Scene { house, admin }).await;
        }
    }

    async fn ask_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answered {
        let bearer = format!("Bearer {token}");
        self.house.ask(method, path, &[("authorization", &bearer)], body.as_ref()).await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answered {
        self.ask_as(&self.admin, method, path, body).await
    }

    /// The same for one version only.
    async fn ask_if(&self, version: &str, method: &str, path: &str, body: Option<Value>) -> Answered {
        let headers = [("x-auth-token", self.admin.as_str()), ("if-match", version)];
        self.house.ask(method, path, &headers, body.as_ref()).await
    }

    /// Makes something; the answer's body.
    async fn make(&self, path: &str, body: Value) -> Value {
        let made = self.ask("POST", path, Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body
    }

    /// A tenant with an application; their ids.
    async fn tenant(&self, slug: &str) -> (String, String) {
        let tenant = self.make(TENANTS, json!({ "slug": slug })).await["id"].as_str().unwrap().to_owned();
        let application = self.make(APPLICATIONS, json!({"tenant_id": tenant, "name": "app", "type": "WEB"})).await;
        (tenant, application["id"].as_str().unwrap().to_owned())
    }

    /// A token of somebody with a role on a domain.
    async fn somebody(&self, domain_id: &str, role: &str) -> String {
        let name = format!("{role}-{domain_id}");
        let mut tx = self.house.app.store.write().await.unwrap();
        if store::role::get(&mut tx, role).await.unwrap().is_none() {
            store::role::insert(&mut tx, &a_role(role)).await.unwrap();
        }
        store::user::insert(&mut tx, &a_user(&name, domain_id), self.house.app.now()).await.unwrap();
        let grant = Grant::of_user(&name, Target::Domain(domain_id.to_owned()), role);
        store::grant::insert(&mut tx, &grant).await.unwrap();
        self.house.app.commit(tx).await.unwrap();
        self.house.token(&name, Scope::Domain(domain_id.to_owned()))
    }
}

/// Where the first fault of a body lies.
fn place(answer: &Answered) -> String {
    assert_eq!(answer.status, 422, "{}", answer.body);
    let loc = answer.body["detail"][0]["loc"].as_array().unwrap();
    loc.iter().map(|part| part.as_str().map_or(part.to_string(), str::to_owned)).collect::<Vec<_>>().join(".")
}
