//! Grants: who holds which role where.

use super::sql::Sql;
use super::{Conn, role};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::grant::{Grant, Target};
use crate::model::role::{Role, RoleRef};

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

impl Sql {
    /// Binds all four parts of a grant.
    fn whole(self, grant: &Grant) -> Self {
        self.bind(&grant.user_id).bind(grant.target.kind()).bind(grant.target.id()).bind(&grant.role_id)
    }
}

/// Gives a role; nothing happens if it is held already.
pub async fn insert(conn: &mut Conn, grant: &Grant) -> Result<()> {
    Sql::new(
        "INSERT INTO grants (actor_kind, actor_id, target_kind, target_id, role_id) VALUES ('user', $1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
    )
    .whole(grant)
    .run(conn)
    .await?;
    conn.note(Change::User(grant.user_id.clone()));
    Ok(())
}

/// True when this very grant exists; implied roles do not count.
pub async fn exists(conn: &mut Conn, grant: &Grant) -> Result<bool> {
    let count: Option<Count> = Sql::new(
        "SELECT COUNT(*) AS n FROM grants WHERE actor_kind = 'user' AND actor_id = $1 AND target_kind = $2 AND target_id = $3 AND role_id = $4",
    )
    .whole(grant)
    .first(conn)
    .await?;
    Ok(count.is_some_and(|c| c.n > 0))
}

/// Takes a role away; false if it was not held.
pub async fn delete(conn: &mut Conn, grant: &Grant) -> Result<bool> {
    let touched = Sql::new(
        "DELETE FROM grants WHERE actor_kind = 'user' AND actor_id = $1 AND target_kind = $2 AND target_id = $3 AND role_id = $4",
    )
    .whole(grant)
    .run(conn)
    .await?;
    conn.note(Change::User(grant.user_id.clone()));
    Ok(touched == 1)
}

/// The roles that a user was given on a target, without implied ones.
pub async fn list_roles(conn: &mut Conn, user_id: &str, target: &Target) -> Result<Vec<Role>> {
    let rows: Vec<role::Row> = Sql::new(
        "SELECT r.id, r.name, r.domain_id, r.description, r.extra, r.options FROM grants g JOIN roles r ON r.id = g.role_id \
         WHERE g.actor_kind = 'user' AND g.actor_id = $1 AND g.target_kind = $2 AND g.target_id = $3 ORDER BY r.id",
    )
    .bind(user_id)
    .bind(target.kind())
    .bind(target.id())
    .all(conn)
    .await?;
    rows.into_iter().map(Role::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct RefRow {
    id: String,
    name: String,
}

/// The roles that a user effectively holds on a target: granted ones and all that they imply, in order of name.
/// Domain-specific roles only pass on what they imply, as in Keystone.
pub async fn effective_roles(conn: &mut Conn, user_id: &str, target: &Target) -> Result<Vec<RoleRef>> {
    let rows: Vec<RefRow> = Sql::new(
        "WITH RECURSIVE held (role_id) AS ( \
           SELECT role_id FROM grants WHERE actor_kind = 'user' AND actor_id = $1 AND target_kind = $2 AND target_id = $3 \
           UNION SELECT i.implied_role_id FROM implied_roles i JOIN held h ON i.prior_role_id = h.role_id) \
         SELECT r.id, r.name FROM held h JOIN roles r ON r.id = h.role_id WHERE r.domain_id IS NULL ORDER BY r.name",
    )
    .bind(user_id)
    .bind(target.kind())
    .bind(target.id())
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| RoleRef { id: r.id, name: r.name }).collect())
}
