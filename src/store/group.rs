//! Groups and who is in them.

use super::sql::Sql;
use super::{Conn, json};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::group::Group;
use crate::model::list::Query;

/// With more members than this, a change of their group counts as a change of everything: one note instead of thousands.
const MANY: usize = 200;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    domain_id: String,
    name: String,
    description: Option<String>,
    extra: String,
}

impl TryFrom<Row> for Group {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            extra: json::object("user_groups", &row.id, &row.extra)?,
            id: row.id,
            domain_id: row.domain_id,
            name: row.name,
            description: row.description,
        })
    }
}

const COLUMNS: &str = "SELECT g.id, g.domain_id, g.name, g.description, g.extra FROM user_groups g WHERE TRUE";

/// Adds a group. A taken name is a conflict.
pub async fn insert(conn: &mut Conn, group: &Group) -> Result<()> {
    Sql::new(
        "INSERT INTO user_groups (id, domain_id, name, description, extra, name_key) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&group.id)
    .bind(&group.domain_id)
    .bind(&group.name)
    .bind(&group.description)
    .bind(json::text(&group.extra))
    .bind(group.name.to_lowercase())
    .run(conn)
    .await?;
    Ok(())
}

/// The group of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Group>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND g.id = ", id).first(conn).await?;
    row.map(Group::try_from).transpose()
}

/// The group of that name in a domain.
pub async fn get_by_name(conn: &mut Conn, domain_id: &str, name: &str) -> Result<Option<Group>> {
    let row: Option<Row> = Sql::new(COLUMNS)
        .push_bind(" AND g.domain_id = ", domain_id)
        .push_bind(" AND g.name = ", name)
        .first(conn)
        .await?;
    row.map(Group::try_from).transpose()
}

/// One page of groups, with one more row than asked for if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Group>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "g.id").all(conn).await?;
    rows.into_iter().map(Group::try_from).collect()
}

/// One page of the groups that a user is in `now`, as [`list`].
pub async fn list_of_user(conn: &mut Conn, user_id: &str, query: &Query, now: Timestamp) -> Result<Vec<Group>> {
    let rows: Vec<Row> = Sql::new(COLUMNS)
        .push_bind(" AND g.id IN (SELECT group_id FROM group_members WHERE user_id = ", user_id)
        .push_bind(" UNION SELECT group_id FROM expiring_group_members WHERE user_id = ", user_id)
        .push_bind(" AND expires_at > ", now.0)
        .push(")")
        .filter(&query.conditions)
        .page(query, "g.id")
        .all(conn)
        .await?;
    rows.into_iter().map(Group::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE user_groups SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a group over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, group: &Group) -> Result<bool> {
    let touched =
        Sql::new("UPDATE user_groups SET name = $1, description = $2, extra = $3, name_key = $4 WHERE id = $5")
            .bind(&group.name)
            .bind(&group.description)
            .bind(json::text(&group.extra))
            .bind(group.name.to_lowercase())
            .bind(&group.id)
            .run(conn)
            .await?;
    Ok(touched == 1)
}

/// Notes that a group, or who is in it, was changed.
pub async fn touch(conn: &mut Conn, id: &str, now: Timestamp) -> Result<()> {
    Sql::new("UPDATE user_groups SET version = version + 1, updated_at = $1 WHERE id = $2")
        .bind(now.0)
        .bind(id)
        .run(conn)
        .await?;
    Ok(())
}

/// Writes the form in which the name is looked for of up to a thousand groups that have none yet; how many those were.
pub async fn fill_name_keys(conn: &mut Conn) -> Result<u64> {
    #[derive(sqlx::FromRow)]
    struct Named {
        id: String,
        name: String,
    }
    let rows: Vec<Named> =
        Sql::new("SELECT id, name FROM user_groups WHERE name_key IS NULL ORDER BY id LIMIT 1000").all(conn).await?;
    for row in &rows {
        Sql::new("UPDATE user_groups SET name_key = $1 WHERE id = $2")
            .bind(row.name.to_lowercase())
            .bind(&row.id)
            .run(conn)
            .await?;
    }
    Ok(rows.len() as u64)
}

/// The ids of the groups that a user is in, by whoever's word.
pub async fn ids_of_user(conn: &mut Conn, user_id: &str, now: Timestamp) -> Result<Vec<String>> {
    let rows: Vec<Id> = Sql::new(
        "SELECT group_id AS id FROM group_members WHERE user_id = $1 \
         UNION SELECT group_id AS id FROM expiring_group_members WHERE user_id = $2 AND expires_at > $3",
    )
    .bind(user_id)
    .bind(user_id)
    .bind(now.0)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// The names of these groups, each with its domain's name, in order.
pub async fn names(conn: &mut Conn, ids: &[String]) -> Result<Vec<(String, String)>> {
    #[derive(sqlx::FromRow)]
    struct Named {
        name: String,
        domain_name: String,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let named =
        "SELECT g.name, d.name AS domain_name FROM user_groups g JOIN projects d ON d.id = g.domain_id WHERE TRUE";
    let rows: Vec<Named> = Sql::new(named)
        .push_in(" AND g.id IN ", ids.iter().map(String::as_str))
        .push(" ORDER BY g.name, g.id")
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| (r.name, r.domain_name)).collect())
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// Deletes a group with its memberships and grants; false if there is none.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    note_members(conn, id).await?;
    Sql::new("DELETE FROM grants WHERE actor_kind = 'group' AND actor_id = $1").bind(id).run(conn).await?;
    Ok(Sql::new("DELETE FROM user_groups WHERE id = $1").bind(id).run(conn).await? == 1)
}

#[derive(sqlx::FromRow)]
struct Member {
    user_id: String,
}

/// Notes that what the members of a group hold has changed.
pub(super) async fn note_members(conn: &mut Conn, id: &str) -> Result<()> {
    // A membership that an identity provider asserted and that has ended still counts in the token of its log-in.
    let members: Vec<Member> = Sql::new("SELECT user_id FROM group_members WHERE group_id = $1 UNION SELECT user_id FROM expiring_group_members WHERE group_id = $2 LIMIT $3")
        .bind(id)
        .bind(id)
        .bind(i64::try_from(MANY).unwrap_or(i64::MAX) + 1)
        .all(conn)
        .await?;
    if members.len() > MANY {
        conn.note(Change::All);
    } else {
        for member in members {
            conn.note(Change::User(member.user_id));
        }
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// Whether a user is in a group.
pub async fn has_member(conn: &mut Conn, group_id: &str, user_id: &str) -> Result<bool> {
    let count: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM group_members WHERE group_id = $1 AND user_id = $2")
        .bind(group_id)
        .bind(user_id)
        .first(conn)
        .await?;
    Ok(count.is_some_and(|c| c.n > 0))
}

/// Puts a user into a group; nothing happens if they are in it.
pub async fn add_member(conn: &mut Conn, group_id: &str, user_id: &str) -> Result<()> {
    Sql::new("INSERT INTO group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(group_id)
        .bind(user_id)
        .run(conn)
        .await?;
    conn.note(Change::User(user_id.to_owned()));
    Ok(())
}

/// Takes a user out of a group; false if they were not in it.
pub async fn remove_member(conn: &mut Conn, group_id: &str, user_id: &str) -> Result<bool> {
    let touched = Sql::new("DELETE FROM group_members WHERE group_id = $1 AND user_id = $2")
        .bind(group_id)
        .bind(user_id)
        .run(conn)
        .await?;
    conn.note(Change::User(user_id.to_owned()));
    Ok(touched == 1)
}
