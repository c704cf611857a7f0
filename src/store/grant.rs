//! Grants: who holds which role where.

use super::sql::Sql;
use super::{Conn, group, role};
use crate::error::Result;
use crate::model::change::Change;
use crate::model::grant::{Actor, Grant, Target};
use crate::model::holder::Holder;
use crate::model::role::{Role, RoleRef};

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

const THIS: &str =
    "actor_kind = $1 AND actor_id = $2 AND target_kind = $3 AND target_id = $4 AND role_id = $5 AND inherited = $6";

impl Sql {
    /// Binds all parts of a grant.
    fn whole(self, grant: &Grant) -> Self {
        self.bind(grant.actor.kind())
            .bind(grant.actor.id())
            .bind(grant.target.kind())
            .bind(grant.target.id())
            .bind(&grant.role_id)
            .bind(grant.inherited)
    }
}

/// Notes whose roles have changed.
async fn note(conn: &mut Conn, actor: &Actor) -> Result<()> {
    match actor {
        Actor::User(id) => {
            conn.note(Change::User(id.clone()));
            Ok(())
        }
        Actor::Group(id) => group::note_members(conn, id).await,
    }
}

/// Gives a role; nothing happens if it is held already.
pub async fn insert(conn: &mut Conn, grant: &Grant) -> Result<()> {
    Sql::new(
        "INSERT INTO grants (actor_kind, actor_id, target_kind, target_id, role_id, inherited) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .whole(grant)
    .run(conn)
    .await?;
    note(conn, &grant.actor).await
}

/// True when this very grant exists; implied roles do not count.
pub async fn exists(conn: &mut Conn, grant: &Grant) -> Result<bool> {
    let count: Option<Count> =
        Sql::new("SELECT COUNT(*) AS n FROM grants WHERE ").push(THIS).whole(grant).first(conn).await?;
    Ok(count.is_some_and(|c| c.n > 0))
}

/// Takes a role away; false if it was not held.
pub async fn delete(conn: &mut Conn, grant: &Grant) -> Result<bool> {
    let touched = Sql::new("DELETE FROM grants WHERE ").push(THIS).whole(grant).run(conn).await?;
    note(conn, &grant.actor).await?;
    Ok(touched == 1)
}

/// The roles that an actor was given on a target, without implied ones.
pub async fn list_roles(conn: &mut Conn, actor: &Actor, target: &Target, inherited: bool) -> Result<Vec<Role>> {
    let rows: Vec<role::Row> = Sql::new(
        "SELECT r.id, r.name, r.domain_id, r.description, r.extra, r.options FROM grants g JOIN roles r ON r.id = g.role_id \
         WHERE g.actor_kind = $1 AND g.actor_id = $2 AND g.target_kind = $3 AND g.target_id = $4 AND g.inherited = $5 \
         ORDER BY r.id",
    )
    .bind(actor.kind())
    .bind(actor.id())
    .bind(target.kind())
    .bind(target.id())
    .bind(inherited)
    .all(conn)
    .await?;
    rows.into_iter().map(Role::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct OnProject {
    target_id: String,
    role_id: String,
}

/// What a user was given on projects themselves: pairs of project and role.
pub async fn list_on_projects(conn: &mut Conn, user_id: &str) -> Result<Vec<(String, String)>> {
    let rows: Vec<OnProject> = Sql::new(
        "SELECT target_id, role_id FROM grants WHERE actor_kind = 'user' AND target_kind = 'project' AND NOT inherited AND actor_id = $1",
    )
    .bind(user_id)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.target_id, r.role_id)).collect())
}

#[derive(sqlx::FromRow)]
struct RefRow {
    id: String,
    name: String,
}

/// The roles that somebody effectively holds on a target, in order of name: their own and their groups', on the target itself
/// or, for a project, inherited from what stands above it, and all that these imply. Domain-specific roles only pass on what
/// they imply, as in Keystone.
pub async fn effective_roles(conn: &mut Conn, holder: &Holder<'_>, target: &Target) -> Result<Vec<RoleRef>> {
    // Nothing is above a domain or the deployment: no project has an empty id.
    let inherits = match target {
        Target::Project(id) => id.as_str(),
        Target::Domain(_) | Target::System => "",
    };
    let rows: Vec<RefRow> = Sql::new("WITH RECURSIVE ")
        .actors(holder)
        .push_bind(", above (id) AS ( SELECT parent_id FROM projects WHERE id = ", inherits)
        .push(
            " AND parent_id IS NOT NULL \
               UNION SELECT p.parent_id FROM above a JOIN projects p ON p.id = a.id WHERE p.parent_id IS NOT NULL), \
             given (role_id) AS ( \
               SELECT g.role_id FROM actors a JOIN grants g ON g.actor_id = a.id AND g.actor_kind = a.kind \
                 WHERE g.target_kind = ",
        )
        .push_bind("", target.kind())
        .push_bind(" AND g.target_id = ", target.id())
        .push(
            " AND NOT g.inherited \
               UNION SELECT g.role_id FROM actors a JOIN grants g ON g.actor_id = a.id AND g.actor_kind = a.kind \
                 JOIN above b ON b.id = g.target_id WHERE g.inherited), \
             held (role_id) AS ( \
               SELECT role_id FROM given \
               UNION SELECT i.implied_role_id FROM held h JOIN implied_roles i ON i.prior_role_id = h.role_id) \
             SELECT r.id, r.name FROM held h JOIN roles r ON r.id = h.role_id WHERE r.domain_id IS NULL ORDER BY r.name",
        )
        .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| RoleRef { id: r.id, name: r.name }).collect())
}
