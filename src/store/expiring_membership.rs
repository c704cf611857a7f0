//! Memberships of groups that an identity provider asserted, and that end unless it asserts them again.

use std::collections::{BTreeMap, BTreeSet};

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::group::GroupRef;
use crate::model::token::Federated;

#[derive(sqlx::FromRow)]
struct Row {
    group_id: String,
    expires_at: i64,
}

/// Puts what an identity provider asserts `now` in the place of what it asserted of a user before.
pub async fn replace(
    conn: &mut Conn,
    user_id: &str,
    idp_id: &str,
    groups: &BTreeSet<String>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    let stored: Vec<Row> =
        Sql::new("SELECT group_id, expires_at FROM expiring_group_members WHERE user_id = $1 AND idp_id = $2")
            .bind(user_id)
            .bind(idp_id)
            .all(conn)
            .await?;
    for row in stored.iter().filter(|r| !groups.contains(&r.group_id)) {
        Sql::new("DELETE FROM expiring_group_members WHERE user_id = $1 AND idp_id = $2 AND group_id = $3")
            .bind(user_id)
            .bind(idp_id)
            .bind(&row.group_id)
            .run(conn)
            .await?;
    }
    for group_id in groups {
        Sql::new(
            "INSERT INTO expiring_group_members (user_id, idp_id, group_id, last_verified, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (user_id, idp_id, group_id) DO UPDATE SET last_verified = excluded.last_verified, expires_at = excluded.expires_at",
        )
        .bind(user_id)
        .bind(idp_id)
        .bind(group_id)
        .bind(now.0)
        .bind(expires_at.0)
        .run(conn)
        .await?;
    }
    // Nothing that a token rests on has changed when all stood before and still does.
    let alive = |r: &Row| r.expires_at > now.0 && groups.contains(&r.group_id);
    if stored.len() != groups.len() || !stored.iter().all(alive) {
        conn.note(Change::User(user_id.to_owned()));
    }
    Ok(())
}

/// When a user's memberships end that have not ended `now`, by group. A group that they are in for good is not there.
pub async fn list_of_user(conn: &mut Conn, user_id: &str, now: Timestamp) -> Result<BTreeMap<String, Timestamp>> {
    let rows: Vec<Row> = Sql::new(
        "SELECT group_id, MAX(expires_at) AS expires_at FROM expiring_group_members WHERE user_id = $1 AND expires_at > $2 \
         AND group_id NOT IN (SELECT group_id FROM group_members WHERE user_id = $3) GROUP BY group_id",
    )
    .bind(user_id)
    .bind(now.0)
    .bind(user_id)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.group_id, Timestamp(r.expires_at))).collect())
}

#[derive(sqlx::FromRow)]
struct Named {
    id: String,
    name: String,
}

/// Those of a token's groups whose membership still stands, with their names, in order of the id.
pub async fn list_of_token(conn: &mut Conn, user_id: &str, federated: &Federated) -> Result<Vec<GroupRef>> {
    if federated.group_ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::new(
        "SELECT g.id, g.name FROM expiring_group_members m JOIN user_groups g ON g.id = m.group_id WHERE m.user_id = ",
    )
    .push_bind("", user_id)
    .push_bind(" AND m.idp_id = ", &federated.idp_id)
    .push_in(" AND g.id IN ", &federated.group_ids);
    let rows: Vec<Named> = sql.push(" ORDER BY g.id").all(conn).await?;
    Ok(rows.into_iter().map(|r| GroupRef { id: r.id, name: r.name }).collect())
}

/// Takes a user out of a group, whoever put them there; false if nobody did.
pub async fn delete(conn: &mut Conn, group_id: &str, user_id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM expiring_group_members WHERE group_id = $1 AND user_id = $2")
        .bind(group_id)
        .bind(user_id)
        .run(conn)
        .await?;
    Ok(touched > 0)
}

/// Counts the ends anew after an identity provider's `authorization_ttl` has changed.
pub async fn update_ends(conn: &mut Conn, idp_id: &str, ttl_secs: i64) -> Result<()> {
    let touched = Sql::new("UPDATE expiring_group_members SET expires_at = last_verified + $1 WHERE idp_id = $2")
        .bind(ttl_secs.saturating_mul(1_000_000))
        .bind(idp_id)
        .run(conn)
        .await?;
    if touched > 0 {
        conn.note(Change::All);
    }
    Ok(())
}

/// Drops up to a thousand that have ended and on which no living token rests.
pub async fn prune(conn: &mut Conn, verified_before: Timestamp, now: Timestamp) -> Result<u64> {
    Sql::new(
        "DELETE FROM expiring_group_members WHERE (user_id, idp_id, group_id) IN ( \
           SELECT user_id, idp_id, group_id FROM expiring_group_members WHERE last_verified < $1 AND expires_at < $2 LIMIT 1000)",
    )
    .bind(verified_before.0)
    .bind(now.0)
    .run(conn)
    .await
}
