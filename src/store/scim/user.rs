//! Users of a tenant as a directory sees them, and what is kept of those whom it looks after.

use std::collections::BTreeMap;

use super::{Count, filter};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::scim::Kind;
use crate::model::scim::account::{Account, InGroup, Record};
use crate::model::scim::filter::Filter;
use crate::model::scim::search::{Search, SortKey};
use crate::model::user::User;
use crate::store::sql::Sql;
use crate::store::{Conn, json};

/// Most memberships that are shown with one page of users.
const MAX_MEMBERSHIPS: i64 = 20_000;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    domain_id: String,
    name: String,
    enabled: bool,
    default_project_id: Option<String>,
    extra: String,
    options: String,
    created_at: i64,
    updated_at: i64,
    external_id: Option<String>,
    made: Option<bool>,
    attributes: Option<String>,
}

impl TryFrom<Row> for Account {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let record = match (row.made, &row.attributes) {
            (Some(made), Some(attributes)) => Some(Record {
                external_id: row.external_id,
                made,
                attributes: json::parse("scim_users", &row.id, attributes)?,
            }),
            _ => None,
        };
        let user = User {
            extra: json::object("users", &row.id, &row.extra)?,
            options: json::object("users", &row.id, &row.options)?,
            id: row.id,
            domain_id: row.domain_id,
            name: row.name,
            enabled: row.enabled,
            default_project_id: row.default_project_id,
            password_expires_at: None,
        };
        Ok(Self {
            user,
            record,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at.max(row.created_at)),
        })
    }
}

const COLUMNS: &str = "SELECT u.id, u.domain_id, u.name, u.enabled, u.default_project_id, u.extra, u.options, \
     u.created_at, u.updated_at, s.external_id, s.made, s.attributes \
     FROM users u LEFT JOIN scim_users s ON s.user_id = u.id AND s.tenant_id = u.domain_id WHERE u.domain_id = $1";
const COUNT: &str = "SELECT COUNT(*) AS n \
     FROM users u LEFT JOIN scim_users s ON s.user_id = u.id AND s.tenant_id = u.domain_id WHERE u.domain_id = $1";

fn filtered(sql: Sql, wanted: Option<&Filter>, everywhere: bool) -> Result<Sql> {
    match wanted {
        Some(wanted) => filter::push(sql, Kind::User, wanted, everywhere),
        None => Ok(sql),
    }
}

/// A user of a tenant.
pub async fn get(conn: &mut Conn, tenant_id: &str, id: &str) -> Result<Option<Account>> {
    let row: Option<Row> = Sql::new(COLUMNS).bind(tenant_id).push_bind(" AND u.id = ", id).first(conn).await?;
    row.map(Account::try_from).transpose()
}

/// How many users of a tenant a filter finds.
pub async fn count(conn: &mut Conn, tenant_id: &str, wanted: Option<&Filter>, everywhere: bool) -> Result<i64> {
    let row: Option<Count> = filtered(Sql::new(COUNT).bind(tenant_id), wanted, everywhere)?.first(conn).await?;
    Ok(row.map_or(0, |r| r.n))
}

/// Part of the users of a tenant that a search finds.
pub async fn list(
    conn: &mut Conn,
    tenant_id: &str,
    search: &Search,
    everywhere: bool,
    limit: i64,
    offset: i64,
) -> Result<Vec<Account>> {
    let sql = filtered(Sql::new(COLUMNS).bind(tenant_id), search.filter.as_ref(), everywhere)?;
    let (key, descending) = search.sort.unwrap_or((SortKey::Id, false));
    let order = match (key, descending) {
        (SortKey::Id, false) => " ORDER BY u.id LIMIT ",
        (SortKey::Id, true) => " ORDER BY u.id DESC LIMIT ",
        (SortKey::UserName, false) => " ORDER BY u.name_key, u.id LIMIT ",
        (SortKey::UserName, true) => " ORDER BY u.name_key DESC, u.id DESC LIMIT ",
        (SortKey::DisplayName, false) => " ORDER BY u.display_key, u.id LIMIT ",
        (SortKey::DisplayName, true) => " ORDER BY u.display_key DESC, u.id DESC LIMIT ",
        (SortKey::ExternalId, false) => " ORDER BY COALESCE(s.external_id, ''), u.id LIMIT ",
        (SortKey::ExternalId, true) => " ORDER BY COALESCE(s.external_id, '') DESC, u.id DESC LIMIT ",
        (SortKey::Created, false) => " ORDER BY u.created_at, u.id LIMIT ",
        (SortKey::Created, true) => " ORDER BY u.created_at DESC, u.id DESC LIMIT ",
        (SortKey::LastModified, false) => " ORDER BY u.updated_at, u.id LIMIT ",
        (SortKey::LastModified, true) => " ORDER BY u.updated_at DESC, u.id DESC LIMIT ",
    };
    let rows: Vec<Row> = sql.push_bind(order, limit).push_bind(" OFFSET ", offset).all(conn).await?;
    rows.into_iter().map(Account::try_from).collect()
}

/// The groups of their tenant that users are in, by user.
pub async fn groups_of(conn: &mut Conn, tenant_id: &str, ids: &[&str]) -> Result<BTreeMap<String, Vec<InGroup>>> {
    #[derive(sqlx::FromRow)]
    struct Membership {
        user_id: String,
        id: String,
        name: String,
    }
    let mut groups: BTreeMap<String, Vec<InGroup>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(groups);
    }
    let rows: Vec<Membership> = Sql::new(
        "SELECT m.user_id, g.id, g.name FROM group_members m JOIN user_groups g ON g.id = m.group_id WHERE g.domain_id = $1",
    )
    .bind(tenant_id)
    .push_in(" AND m.user_id IN ", ids.iter().copied())
    .push_bind(" ORDER BY m.user_id, g.id LIMIT ", MAX_MEMBERSHIPS)
    .all(conn)
    .await?;
    for row in rows {
        groups.entry(row.user_id).or_default().push(InGroup { id: row.id, name: row.name });
    }
    Ok(groups)
}

/// Whether another user of the tenant has this name, but for letter case.
pub async fn is_name_taken(conn: &mut Conn, tenant_id: &str, name: &str, but: &str) -> Result<bool> {
    let row: Option<Count> =
        Sql::new("SELECT COUNT(*) AS n FROM users WHERE domain_id = $1 AND name_key = $2 AND id <> $3")
            .bind(tenant_id)
            .bind(name.to_lowercase())
            .bind(but)
            .first(conn)
            .await?;
    Ok(row.is_some_and(|r| r.n > 0))
}

/// Writes what is kept of a user, over what was.
pub async fn put(conn: &mut Conn, tenant_id: &str, user_id: &str, record: &Record) -> Result<()> {
    Sql::new(
        "INSERT INTO scim_users (user_id, tenant_id, external_id, made, attributes, email_kind) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET external_id = excluded.external_id, \
         attributes = excluded.attributes, email_kind = excluded.email_kind",
    )
    .bind(user_id)
    .bind(tenant_id)
    .bind(&record.external_id)
    .bind(record.made)
    .bind(json::written(&record.attributes)?)
    .bind(record.main_email_kind())
    .run(conn)
    .await?;
    Sql::new("DELETE FROM scim_emails WHERE user_id = $1").bind(user_id).run(conn).await?;
    for email in record.other_emails() {
        Sql::new("INSERT INTO scim_emails (user_id, address, kind) VALUES ($1, $2, $3)")
            .bind(user_id)
            .bind(email.address)
            .bind(email.kind)
            .run(conn)
            .await?;
    }
    Ok(())
}
