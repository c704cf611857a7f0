//! Users' identities at identity providers.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::federated_link::FederatedLink;

#[derive(sqlx::FromRow)]
struct Row {
    idp_id: String,
    protocol_id: String,
    unique_id: String,
}

#[derive(sqlx::FromRow)]
struct KeptRow {
    idp_id: String,
    protocol_id: String,
    unique_id: String,
    tenant_id: String,
    email: Option<String>,
    created_at: Option<i64>,
    created_by: Option<String>,
    last_login_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct OwnerRow {
    user_id: String,
}

/// Puts a user's links in the place of those they had. A link that stands twice is a conflict. One that counts at a tenant goes on
/// doing so.
pub async fn replace(conn: &mut Conn, user_id: &str, links: &[FederatedLink]) -> Result<()> {
    let before: Vec<KeptRow> = Sql::new(
        "DELETE FROM federated_users WHERE user_id = $1 \
         RETURNING idp_id, protocol_id, unique_id, tenant_id, email, created_at, created_by, last_login_at",
    )
    .bind(user_id)
    .all(conn)
    .await?;
    for link in links {
        let same = |r: &&KeptRow| {
            r.idp_id == link.idp_id && r.protocol_id == link.protocol_id && r.unique_id == link.unique_id
        };
        let kept = before.iter().find(same);
        Sql::new(
            "INSERT INTO federated_users (idp_id, protocol_id, unique_id, user_id, tenant_id, email, created_at, created_by, \
             last_login_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&link.idp_id)
        .bind(&link.protocol_id)
        .bind(&link.unique_id)
        .bind(user_id)
        .bind(kept.map_or("", |k| &k.tenant_id))
        .bind(kept.and_then(|k| k.email.as_deref()))
        .bind(kept.and_then(|k| k.created_at))
        .bind(kept.and_then(|k| k.created_by.as_deref()))
        .bind(kept.and_then(|k| k.last_login_at))
        .run(conn)
        .await?;
    }
    conn.note(Change::User(user_id.to_owned()));
    Ok(())
}

/// A user's links, in order.
pub async fn list_of_user(conn: &mut Conn, user_id: &str) -> Result<Vec<FederatedLink>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT idp_id, protocol_id, unique_id FROM federated_users WHERE user_id = $1 \
         ORDER BY idp_id, protocol_id, unique_id",
    )
    .bind(user_id)
    .all(conn)
    .await?;
    let link = |r: Row| FederatedLink { idp_id: r.idp_id, protocol_id: r.protocol_id, unique_id: r.unique_id };
    Ok(rows.into_iter().map(link).collect())
}

/// The user whose identity this is, by whatever protocol; at a tenant if one is named, else for the identity provider itself.
pub async fn owner(conn: &mut Conn, idp_id: &str, unique_id: &str, tenant_id: Option<&str>) -> Result<Option<String>> {
    let row: Option<OwnerRow> = Sql::new(
        "SELECT user_id FROM federated_users WHERE idp_id = $1 AND unique_id = $2 AND tenant_id = $3 ORDER BY user_id LIMIT 1",
    )
    .bind(idp_id)
    .bind(unique_id)
    .bind(tenant_id.unwrap_or_default())
    .first(conn)
    .await?;
    Ok(row.map(|r| r.user_id))
}

/// Whether an identity provider calls a user by another name at this tenant already.
pub async fn is_linked(conn: &mut Conn, user_id: &str, idp_id: &str) -> Result<bool> {
    let row: Option<OwnerRow> =
        Sql::new("SELECT user_id FROM federated_users WHERE user_id = $1 AND idp_id = $2 LIMIT 1")
            .bind(user_id)
            .bind(idp_id)
            .first(conn)
            .await?;
    Ok(row.is_some())
}

/// Notes that somebody came by a link of theirs; false if they have none of that name by that protocol.
pub async fn touch(
    conn: &mut Conn,
    user_id: &str,
    link: &FederatedLink,
    tenant_id: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE federated_users SET last_login_at = $1 \
         WHERE idp_id = $2 AND protocol_id = $3 AND unique_id = $4 AND tenant_id = $5 AND user_id = $6",
    )
    .bind(now.0)
    .bind(&link.idp_id)
    .bind(&link.protocol_id)
    .bind(&link.unique_id)
    .bind(tenant_id.unwrap_or_default())
    .bind(user_id)
    .run(conn)
    .await?;
    Ok(touched > 0)
}
