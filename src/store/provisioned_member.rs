//! Members that platforms were told their groups have, beside those that the groups have here.

use super::Conn;
use super::provisioned::among;
use super::sql::Sql;
use crate::error::Result;

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// A member of a group: a user of ours and what the platform calls them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// The user's id here.
    pub user_id: String,
    /// Their id there.
    pub remote_id: String,
}

/// A page of the ids of those who are in a group here, after a user's id.
pub async fn here(conn: &mut Conn, group_id: &str, after: &str, most: i64) -> Result<Vec<String>> {
    let side = |sql: Sql, text: &'static str| {
        sql.push_bind(text, group_id)
            .push_bind(" AND m.user_id > ", after)
            .push_bind(" ORDER BY m.user_id LIMIT ", most)
            .push(")")
    };
    let sql = Sql::new("SELECT a.user_id AS id FROM ");
    let sql =
        side(sql, "(SELECT m.user_id FROM group_members m WHERE m.group_id = ").push(" a UNION SELECT b.user_id FROM ");
    let sql = side(sql, "(SELECT m.user_id FROM expiring_group_members m WHERE m.group_id = ").push(" b");
    let rows: Vec<Id> = sql.push_bind(" ORDER BY 1 LIMIT ", most).all(conn).await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Those of these users who are active at a platform and not in its group there as far as it was told, in order of their ids.
pub async fn untold(conn: &mut Conn, federation_id: &str, group_id: &str, ids: &[&str]) -> Result<Vec<Member>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        Sql::new("SELECT p.local_id AS user_id, p.remote_id FROM provisioned p WHERE p.kind = 'user' AND p.active")
            .push_bind(" AND p.federation_id = ", federation_id);
    among(sql, ids)
        .push(" AND NOT EXISTS (SELECT 1 FROM provisioned_members t WHERE t.federation_id = p.federation_id")
        .push_bind(" AND t.group_id = ", group_id)
        .push(" AND t.user_id = p.local_id AND t.remote_id = p.remote_id) ORDER BY p.local_id")
        .all(conn)
        .await
}

/// Those of these users who are to stay in a platform's group: in the group here, and active there, each with the id that they have
/// there now.
pub async fn staying(conn: &mut Conn, federation_id: &str, group_id: &str, ids: &[&str]) -> Result<Vec<Member>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        Sql::new("SELECT p.local_id AS user_id, p.remote_id FROM provisioned p WHERE p.kind = 'user' AND p.active")
            .push_bind(" AND p.federation_id = ", federation_id);
    among(sql, ids)
        .push_bind(" AND (EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = ", group_id)
        .push(" AND m.user_id = p.local_id)")
        .push_bind(" OR EXISTS (SELECT 1 FROM expiring_group_members e WHERE e.group_id = ", group_id)
        .push(" AND e.user_id = p.local_id))")
        .all(conn)
        .await
}

/// All members that a platform's group has as far as it was told, in pages after a user's id.
pub async fn list(conn: &mut Conn, federation_id: &str, group_id: &str, after: &str, most: i64) -> Result<Vec<Member>> {
    Sql::new("SELECT t.user_id, t.remote_id FROM provisioned_members t WHERE")
        .push_bind(" t.federation_id = ", federation_id)
        .push_bind(" AND t.group_id = ", group_id)
        .push_bind(" AND t.user_id > ", after)
        .push_bind(" ORDER BY t.user_id LIMIT ", most)
        .all(conn)
        .await
}

/// The users of ours whom a platform calls by these ids.
pub async fn by_remote(conn: &mut Conn, federation_id: &str, remote_ids: &[&String]) -> Result<Vec<Member>> {
    if remote_ids.is_empty() {
        return Ok(Vec::new());
    }
    Sql::new("SELECT p.local_id AS user_id, p.remote_id FROM provisioned p WHERE p.kind = 'user'")
        .push_bind(" AND p.federation_id = ", federation_id)
        .push_in(" AND p.remote_id IN ", remote_ids.iter().copied())
        .all(conn)
        .await
}

/// Notes members that a platform was told of.
pub async fn add(conn: &mut Conn, federation_id: &str, group_id: &str, members: &[Member]) -> Result<()> {
    for member in members {
        Sql::new(
            "INSERT INTO provisioned_members (federation_id, group_id, user_id, remote_id) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (federation_id, group_id, user_id) DO UPDATE SET remote_id = excluded.remote_id",
        )
        .bind(federation_id)
        .bind(group_id)
        .bind(&member.user_id)
        .bind(&member.remote_id)
        .run(conn)
        .await?;
    }
    Ok(())
}

/// Forgets members that a platform has no more.
pub async fn remove(conn: &mut Conn, federation_id: &str, group_id: &str, user_ids: &[&str]) -> Result<()> {
    if user_ids.is_empty() {
        return Ok(());
    }
    Sql::new("DELETE FROM provisioned_members WHERE")
        .push_bind(" federation_id = ", federation_id)
        .push_bind(" AND group_id = ", group_id)
        .push_in(" AND user_id IN ", user_ids.iter().copied())
        .run(conn)
        .await
        .map(drop)
}
