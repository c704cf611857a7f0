//! Which role implies which.

use super::sql::Sql;
use super::{Conn, role};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::role::Role;

/// Lets `prior` imply `implied`; false if it does already.
pub async fn insert(conn: &mut Conn, prior: &str, implied: &str) -> Result<bool> {
    let touched =
        Sql::new("INSERT INTO implied_roles (prior_role_id, implied_role_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(prior)
            .bind(implied)
            .run(conn)
            .await?;
    conn.note(Change::All);
    Ok(touched == 1)
}

/// Lets `prior` no longer imply `implied`; false if it did not.
pub async fn delete(conn: &mut Conn, prior: &str, implied: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM implied_roles WHERE prior_role_id = $1 AND implied_role_id = $2")
        .bind(prior)
        .bind(implied)
        .run(conn)
        .await?;
    conn.note(Change::All);
    Ok(touched == 1)
}

/// The roles that a role implies by itself.
pub async fn list(conn: &mut Conn, prior: &str) -> Result<Vec<Role>> {
    let rows: Vec<role::Row> = Sql::new(
        "SELECT r.id, r.name, r.domain_id, r.description, r.extra, r.options \
         FROM implied_roles i JOIN roles r ON r.id = i.implied_role_id WHERE i.prior_role_id = $1 ORDER BY r.id",
    )
    .bind(prior)
    .all(conn)
    .await?;
    rows.into_iter().map(Role::try_from).collect()
}
