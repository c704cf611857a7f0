//! Users' identities at identity providers.

use super::Conn;
use super::sql::Sql;
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
struct OwnerRow {
    user_id: String,
}

/// Puts a user's links in the place of those they had. A link that stands twice is a conflict.
pub async fn replace(conn: &mut Conn, user_id: &str, links: &[FederatedLink]) -> Result<()> {
    Sql::new("DELETE FROM federated_users WHERE user_id = $1").bind(user_id).run(conn).await?;
    for link in links {
        Sql::new("INSERT INTO federated_users (idp_id, protocol_id, unique_id, user_id) VALUES ($1, $2, $3, $4)")
            .bind(&link.idp_id)
            .bind(&link.protocol_id)
            .bind(&link.unique_id)
            .bind(user_id)
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

/// The user whose identity this is, by whatever protocol.
pub async fn owner(conn: &mut Conn, idp_id: &str, unique_id: &str) -> Result<Option<String>> {
    let row: Option<OwnerRow> =
        Sql::new("SELECT user_id FROM federated_users WHERE idp_id = $1 AND unique_id = $2 ORDER BY user_id LIMIT 1")
            .bind(idp_id)
            .bind(unique_id)
            .first(conn)
            .await?;
    Ok(row.map(|r| r.user_id))
}
