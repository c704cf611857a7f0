//! Regions. Nothing here is noted for other nodes: what a token says of a region is its id, which the endpoint holds.

use super::sql::Sql;
use super::{Conn, json};
use crate::error::Result;
use crate::model::list::Query;
use crate::model::region::Region;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    description: String,
    parent_region_id: Option<String>,
    extra: String,
}

impl TryFrom<Row> for Region {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            extra: json::object("regions", &row.id, &row.extra)?,
            id: row.id,
            description: row.description,
            parent_region_id: row.parent_region_id,
        })
    }
}

const COLUMNS: &str = "SELECT id, description, parent_region_id, extra FROM regions WHERE TRUE";

/// Adds a region. A taken id is a conflict, and so is a parent that is not there.
pub async fn insert(conn: &mut Conn, region: &Region) -> Result<()> {
    Sql::new("INSERT INTO regions (id, description, parent_region_id, extra) VALUES ($1, $2, $3, $4)")
        .bind(&region.id)
        .bind(&region.description)
        .bind(&region.parent_region_id)
        .bind(json::text(&region.extra))
        .run(conn)
        .await?;
    Ok(())
}

/// The region of that id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Region>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND id = ", id).first(conn).await?;
    row.map(Region::try_from).transpose()
}

/// One page of regions, with one more row if there is a next page.
pub async fn list(conn: &mut Conn, query: &Query) -> Result<Vec<Region>> {
    let rows: Vec<Row> = Sql::new(COLUMNS).filter(&query.conditions).page(query, "id").all(conn).await?;
    rows.into_iter().map(Region::try_from).collect()
}

/// Keeps the row for this transaction, so that what it reads next is what it writes over; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE regions SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a region over the stored one; false if there is none.
pub async fn update(conn: &mut Conn, region: &Region) -> Result<bool> {
    let touched = Sql::new("UPDATE regions SET description = $1, parent_region_id = $2, extra = $3 WHERE id = $4")
        .bind(&region.description)
        .bind(&region.parent_region_id)
        .bind(json::text(&region.extra))
        .bind(&region.id)
        .run(conn)
        .await?;
    Ok(touched == 1)
}

/// Deletes a region with those below it; false if there is none. It is a conflict if one of them has endpoints.
pub async fn delete(conn: &mut Conn, id: &str) -> Result<bool> {
    let touched = Sql::new(
        "WITH RECURSIVE below (id) AS ( \
         SELECT id FROM regions WHERE id = $1 UNION SELECT r.id FROM regions r JOIN below b ON r.parent_region_id = b.id) \
         DELETE FROM regions WHERE id IN (SELECT id FROM below)",
    )
    .bind(id)
    .run(conn)
    .await?;
    Ok(touched > 0)
}
