//! Users' identities at identity providers, with what is known of them.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::user_link::UserLink;

#[derive(sqlx::FromRow)]
struct Row {
    idp_id: String,
    protocol_id: String,
    unique_id: String,
    tenant_id: String,
    email: Option<String>,
    created_at: Option<i64>,
    created_by: Option<String>,
    last_login_at: Option<i64>,
}

impl From<Row> for UserLink {
    fn from(r: Row) -> Self {
        Self {
            idp_id: r.idp_id,
            protocol_id: r.protocol_id,
            unique_id: r.unique_id,
            tenant_id: Some(r.tenant_id).filter(|id| !id.is_empty()),
            email: r.email,
            created_at: r.created_at.map(Timestamp),
            created_by: r.created_by,
            last_login_at: r.last_login_at.map(Timestamp),
        }
    }
}

/// Adds an identity of a user. One that is somebody's already is a conflict.
pub async fn insert(conn: &mut Conn, user_id: &str, link: &UserLink) -> Result<()> {
    Sql::new(
        "INSERT INTO federated_users (idp_id, protocol_id, unique_id, tenant_id, user_id, email, created_at, created_by, \
         last_login_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&link.idp_id)
    .bind(&link.protocol_id)
    .bind(&link.unique_id)
    .bind(link.tenant_id.as_deref().unwrap_or_default())
    .bind(user_id)
    .bind(&link.email)
    .bind(link.created_at.map(|at| at.0))
    .bind(&link.created_by)
    .bind(link.last_login_at.map(|at| at.0))
    .run(conn)
    .await?;
    conn.note(Change::User(user_id.to_owned()));
    Ok(())
}

/// A user's identities, in order.
pub async fn list(conn: &mut Conn, user_id: &str) -> Result<Vec<UserLink>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT idp_id, protocol_id, unique_id, tenant_id, email, created_at, created_by, last_login_at \
         FROM federated_users WHERE user_id = $1 ORDER BY idp_id, protocol_id, unique_id, tenant_id",
    )
    .bind(user_id)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(UserLink::from).collect())
}

/// Takes a user's identities at an identity provider away; how many there were.
pub async fn delete(conn: &mut Conn, user_id: &str, idp_id: &str) -> Result<u64> {
    let gone = Sql::new("DELETE FROM federated_users WHERE user_id = $1 AND idp_id = $2")
        .bind(user_id)
        .bind(idp_id)
        .run(conn)
        .await?;
    conn.note(Change::User(user_id.to_owned()));
    Ok(gone)
}
