//! Groups of a tenant as a directory sees them. Members are read and written in pieces (SCIM-4).

use std::collections::{BTreeMap, BTreeSet};

use super::{Count, filter};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::change::Change;
use crate::model::group::Group;
use crate::model::scim::Kind;
use crate::model::scim::filter::Filter;
use crate::model::scim::group::{Entry, Record};
use crate::model::scim::search::{Search, SortKey};
use crate::store::sql::Sql;
use crate::store::{Conn, json};

/// Members that one statement is about.
pub const PIECE: usize = 500;
/// With more members than this, what nodes must hear of is one note instead of thousands.
const MANY: usize = 200;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    domain_id: String,
    name: String,
    description: Option<String>,
    extra: String,
    version: i64,
    updated_at: Option<i64>,
    external_id: Option<String>,
    made: Option<bool>,
    created_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

impl TryFrom<Row> for Entry {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let record = match (row.made, row.created_at) {
            (Some(made), Some(at)) => Some(Record { external_id: row.external_id, made, created_at: Timestamp(at) }),
            _ => None,
        };
        Ok(Self {
            group: Group {
                extra: json::object("user_groups", &row.id, &row.extra)?,
                id: row.id,
                domain_id: row.domain_id,
                name: row.name,
                description: row.description,
            },
            record,
            version: row.version,
            updated_at: row.updated_at.map(Timestamp),
        })
    }
}

const COLUMNS: &str = "SELECT g.id, g.domain_id, g.name, g.description, g.extra, g.version, g.updated_at, s.external_id, \
     s.made, s.created_at FROM user_groups g LEFT JOIN scim_groups s ON s.group_id = g.id AND s.tenant_id = g.domain_id \
     WHERE g.domain_id = $1";
const COUNT: &str = "SELECT COUNT(*) AS n FROM user_groups g LEFT JOIN scim_groups s ON s.group_id = g.id \
     AND s.tenant_id = g.domain_id WHERE g.domain_id = $1";

fn filtered(sql: Sql, wanted: Option<&Filter>, everywhere: bool) -> Result<Sql> {
    match wanted {
        Some(wanted) => filter::push(sql, Kind::Group, wanted, everywhere),
        None => Ok(sql),
    }
}

/// A group of a tenant.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<Entry>> {
    let row: Option<Row> = Sql::new(COLUMNS).bind(tenant_id).push_bind(" AND g.id = ", id).first(conn).await?;
    row.map(Entry::try_from).transpose()
}

/// How many groups of a tenant a filter finds.
pub async fn count(conn: &mut Conn, tenant_id: &str, wanted: Option<&Filter>, everywhere: bool) -> Result<i64> {
    let row: Option<Count> = filtered(Sql::new(COUNT).bind(tenant_id), wanted, everywhere)?.first(conn).await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Part of the groups of a tenant that a search finds.
pub async fn list(
    conn: &mut Conn,
    tenant_id: &str,
    search: &Search,
    everywhere: bool,
    limit: i64,
    offset: i64,
) -> Result<Vec<Entry>> {
    let sql = filtered(Sql::new(COLUMNS).bind(tenant_id), search.filter.as_ref(), everywhere)?;
    let (key, descending) = search.sort.unwrap_or((SortKey::Id, false));
    let order = match (key, descending) {
        (SortKey::Id | SortKey::UserName | SortKey::Created, false) => " ORDER BY g.id LIMIT ",
        (SortKey::Id | SortKey::UserName | SortKey::Created, true) => " ORDER BY g.id DESC LIMIT ",
        (SortKey::DisplayName, false) => " ORDER BY g.name_key, g.id LIMIT ",
        (SortKey::DisplayName, true) => " ORDER BY g.name_key DESC, g.id DESC LIMIT ",
        (SortKey::ExternalId, false) => " ORDER BY COALESCE(s.external_id, ''), g.id LIMIT ",
        (SortKey::ExternalId, true) => " ORDER BY COALESCE(s.external_id, '') DESC, g.id DESC LIMIT ",
        (SortKey::LastModified, false) => " ORDER BY COALESCE(g.updated_at, 0), g.id LIMIT ",
        (SortKey::LastModified, true) => " ORDER BY COALESCE(g.updated_at, 0) DESC, g.id DESC LIMIT ",
    };
    let rows: Vec<Row> = sql.push_bind(order, limit).push_bind(" OFFSET ", offset).all(conn).await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// Writes what is kept of a group, over what was.
pub async fn put(conn: &mut Conn, tenant_id: &str, group_id: &str, record: &Record) -> Result<()> {
    Sql::new(
        "INSERT INTO scim_groups (group_id, tenant_id, external_id, made, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (group_id) DO UPDATE SET external_id = excluded.external_id",
    )
    .bind(group_id)
    .bind(tenant_id)
    .bind(&record.external_id)
    .bind(record.made)
    .bind(record.created_at.0)
    .run(conn)
    .await?;
    Ok(())
}

/// Whether a group holds any role anywhere.
pub async fn holds_roles(conn: &mut Conn, group_id: &str) -> Result<bool> {
    let row: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM grants WHERE actor_kind = 'group' AND actor_id = $1")
        .bind(group_id)
        .first(conn)
        .await?;
    Ok(row.is_some_and(|r| r.n > 0))
}

/// How many members each group has.
pub async fn sizes(conn: &mut Conn, ids: &[&str]) -> Result<BTreeMap<String, i64>> {
    #[derive(sqlx::FromRow)]
    struct Size {
        group_id: String,
        n: i64,
    }
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Size> = Sql::new("SELECT group_id, COUNT(*) AS n FROM group_members WHERE TRUE")
        .push_in(" AND group_id IN ", ids.iter().copied())
        .push(" GROUP BY group_id")
        .all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| (r.group_id, r.n)).collect())
}

/// The ids of the members of a group who are users of the tenant, in order, after one of them.
pub async fn members(conn: &mut Conn, tenant_id: &str, group_id: &str, after: &str, limit: i64) -> Result<Vec<String>> {
    let rows: Vec<Id> = Sql::new(
        "SELECT u.id FROM group_members m JOIN users u ON u.id = m.user_id \
         WHERE m.group_id = $1 AND m.user_id > $2 AND u.domain_id = $3 ORDER BY m.user_id LIMIT $4",
    )
    .bind(group_id)
    .bind(after)
    .bind(tenant_id)
    .bind(limit)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Puts users of the tenant into a group; one of the ids that is none of its users', if there is one. To be called with a
/// piece of them.
pub async fn add_members(
    conn: &mut Conn,
    tenant_id: &str,
    group_id: &str,
    ids: &BTreeSet<&str>,
) -> Result<Option<String>> {
    if ids.is_empty() {
        return Ok(None);
    }
    // Nobody is deleted before the membership is written.
    let lock = if conn.is_postgres() { " FOR KEY SHARE" } else { "" };
    let known: Vec<Id> = Sql::new("SELECT id FROM users WHERE domain_id = $1")
        .bind(tenant_id)
        .push_in(" AND id IN ", ids.iter().copied())
        .push(" ORDER BY id")
        .push(lock)
        .all(conn)
        .await?;
    let known: BTreeSet<&str> = known.iter().map(|k| k.id.as_str()).collect();
    if let Some(stranger) = ids.iter().find(|id| !known.contains(*id)) {
        return Ok(Some((*stranger).to_owned()));
    }
    Sql::new("INSERT INTO group_members (group_id, user_id) SELECT ")
        .push_bind("CAST(", group_id)
        .push(" AS VARCHAR(64)), id FROM users WHERE TRUE")
        .push_in(" AND id IN ", ids.iter().copied())
        .push(" ON CONFLICT DO NOTHING")
        .run(conn)
        .await?;
    note(conn, ids.iter().copied());
    Ok(None)
}

/// Takes users out of a group; nothing happens to those who are not in it. To be called with a piece of them.
pub async fn remove_members(conn: &mut Conn, group_id: &str, ids: &BTreeSet<&str>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    Sql::new("DELETE FROM group_members WHERE group_id = $1")
        .bind(group_id)
        .push_in(" AND user_id IN ", ids.iter().copied())
        .run(conn)
        .await?;
    note(conn, ids.iter().copied());
    Ok(())
}

/// Notes that what these users hold has changed.
fn note<'i>(conn: &mut Conn, ids: impl ExactSizeIterator<Item = &'i str>) {
    if ids.len() > MANY {
        conn.note(Change::All);
    } else {
        ids.for_each(|id| conn.note(Change::User(id.to_owned())));
    }
}
