//! What tokens and userinfo say of a person (OpenID Connect Core §5.1, §5.4; tenant-login §9.5).

use serde_json::{Map, Value, json};

use super::super::App;
use crate::error::Result;
use crate::model::authorization::Facts;
use crate::model::group::GroupRef;
use crate::model::list::Query;
use crate::model::token::Federated;
use crate::model::user::User;
use crate::store::{self, Conn};

/// Scopes that mean something here, in the order in which they are published.
pub const SCOPES: [&str; 6] = ["openid", "profile", "email", "phone", "groups", "offline_access"];

/// Claims that a token may have.
pub const SUPPORTED: [&str; 24] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "sid",
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "locale",
    "picture",
    "phone_number",
    "groups",
    "tenant_id",
    "idp",
];

/// Most groups that a token names.
const MAX_GROUPS: usize = 500;

/// How somebody came in through an identity provider, if they did.
pub fn federated(facts: &Facts) -> Option<Federated> {
    let (idp_id, protocol_id) = (facts.idp_id.clone()?, facts.protocol_id.clone()?);
    Some(Federated { group_ids: facts.group_ids.clone(), idp_id, protocol_id })
}

/// Whether a scope is among them.
pub fn has(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|s| s == scope)
}

/// What these scopes let an application know of a user.
pub async fn of_user(
    app: &App,
    conn: &mut Conn,
    user: &User,
    scopes: &[String],
    federated: Option<&Federated>,
    groups_as_ids: bool,
) -> Result<Map<String, Value>> {
    let mut claims = Map::new();
    let text = |name: &str| user.extra.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            claims.insert(name.to_owned(), json!(value));
        }
    };
    if has(scopes, "profile") {
        add("name", Some(text("display_name").unwrap_or(&user.name)));
        add("preferred_username", Some(&user.name));
        for name in ["given_name", "family_name", "locale", "picture"] {
            add(name, text(name));
        }
    }
    if has(scopes, "phone") {
        add("phone_number", text("phone"));
    }
    if has(scopes, "email")
        && let Some(email) = text("email")
    {
        add("email", Some(email));
        let verified = user.extra.get("email_verified").and_then(Value::as_bool).unwrap_or(false);
        claims.insert("email_verified".to_owned(), json!(verified));
    }
    if has(scopes, "groups") {
        let groups = groups(app, conn, &user.id, federated).await?;
        let named = groups.into_iter().map(|g| if groups_as_ids { g.id } else { g.name });
        claims.insert("groups".to_owned(), named.collect());
    }
    Ok(claims)
}

/// The groups that a user is in: their own, those that have not ended yet, and those of this sign-in.
async fn groups(app: &App, conn: &mut Conn, user_id: &str, federated: Option<&Federated>) -> Result<Vec<GroupRef>> {
    let query = Query { conditions: Vec::new(), limit: MAX_GROUPS, marker: None };
    let own = store::group::list_of_user(conn, user_id, &query, app.now()).await?;
    let mut all: Vec<GroupRef> = own.into_iter().map(|g| GroupRef { id: g.id, name: g.name }).collect();
    if let Some(federated) = federated {
        all.extend(store::expiring_membership::list_of_token(conn, user_id, federated).await?);
    }
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    all.dedup_by(|a, b| a.id == b.id);
    all.truncate(MAX_GROUPS);
    Ok(all)
}
