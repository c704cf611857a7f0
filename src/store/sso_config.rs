//! SSO configurations: rows beside identity providers, read together with them and their connections.

use super::Conn;
use super::sql::Sql;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::connection::Settings;
use crate::model::issuer;
use crate::model::list::Window;
use crate::model::sso_config::attributes::Attributes;
use crate::model::sso_config::{
    GroupProvisioning, ProviderType, Source, SsoConfig, Terms, TestResult, Tested, UserProvisioning, Whole,
    group_mapping,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    source: String,
    display_name: Option<String>,
    issuer: Option<String>,
    own_protocol_id: Option<String>,
    user_provisioning: String,
    group_provisioning: String,
    attribute_mappings: String,
    group_mappings: String,
    generated: bool,
    tested_at: Option<i64>,
    test_result: Option<String>,
    test_message: Option<String>,
    test_warnings: String,
    resume_enabled: Option<bool>,
    version: i64,
    created_at: i64,
    updated_at: i64,
    enabled: bool,
    description: Option<String>,
    protocol_id: Option<String>,
    kind: Option<String>,
    settings: Option<String>,
}

/// An SSO configuration, the identity provider it belongs to, and the connection: the one that the SSO face has named, else
/// the first that there is.
const COLUMNS: &str = "SELECT c.id, c.source, c.display_name, c.issuer, c.protocol_id AS own_protocol_id, c.user_provisioning, \
     c.group_provisioning, c.attribute_mappings, c.group_mappings, c.generated, c.tested_at, c.test_result, c.test_message, \
     c.test_warnings, c.resume_enabled, c.version, c.created_at, c.updated_at, i.enabled, i.description, n.protocol_id, n.kind, \
     n.settings FROM sso_configurations c JOIN identity_providers i ON i.id = c.id \
     LEFT JOIN connections n ON n.idp_id = c.id AND n.protocol_id = COALESCE(c.protocol_id, \
     (SELECT MIN(m.protocol_id) FROM connections m WHERE m.idp_id = c.id)) WHERE TRUE";

impl TryFrom<Row> for Whole {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = row.id.clone();
        let wrong = |what: &str| Error::internal(format!("sso_configurations row {id}: {what}"));
        let tested = match (row.tested_at, row.test_result.as_deref()) {
            (Some(at), Some(result)) => Some(Tested {
                at: Timestamp(at),
                result: TestResult::parse(result).ok_or_else(|| wrong("unknown result"))?,
                message: row.test_message,
                warnings: serde_json::from_str(&row.test_warnings).map_err(|_| wrong("warnings cannot be read"))?,
            }),
            _ => None,
        };
        let config = SsoConfig {
            source: Source::parse(&row.source).ok_or_else(|| wrong("unknown source"))?,
            display_name: row.display_name,
            issuer: row.issuer,
            protocol_id: row.own_protocol_id,
            user_provisioning: UserProvisioning::parse(&row.user_provisioning)
                .ok_or_else(|| wrong("unknown user provisioning"))?,
            group_provisioning: GroupProvisioning::parse(&row.group_provisioning)
                .ok_or_else(|| wrong("unknown group provisioning"))?,
            attributes: Attributes::decode(&row.attribute_mappings).map_err(|e| wrong(&e.to_string()))?,
            group_mappings: group_mapping::decode(&row.group_mappings).map_err(|e| wrong(&e.to_string()))?,
            generated: row.generated,
            tested,
            resume_enabled: row.resume_enabled,
            version: row.version,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            id: row.id,
        };
        let settings = match (&row.kind, &row.settings) {
            (Some(kind), Some(text)) => Some(Settings::decode(kind, text)?),
            _ => None,
        };
        Ok(Self {
            config,
            enabled: row.enabled,
            description: row.description,
            protocol_id: row.protocol_id,
            settings,
            has_secret: false,
        })
    }
}

/// The issuer in the form in which it is unique.
fn key(config: &SsoConfig) -> Option<String> {
    config.issuer.as_deref().map(issuer::comparable)
}

/// Adds the row of an identity provider that is there. An issuer that another configuration has is a conflict.
pub async fn insert(conn: &mut Conn, config: &SsoConfig, next_test_at: Option<Timestamp>) -> Result<()> {
    Sql::new(
        "INSERT INTO sso_configurations (id, source, display_name, issuer, issuer_key, protocol_id, user_provisioning, \
         group_provisioning, attribute_mappings, group_mappings, generated, test_warnings, next_test_at, version, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '[]', $12, $13, $14, $15)",
    )
    .bind(&config.id)
    .bind(config.source.as_str())
    .bind(&config.display_name)
    .bind(&config.issuer)
    .bind(key(config))
    .bind(&config.protocol_id)
    .bind(config.user_provisioning.as_str())
    .bind(config.group_provisioning.as_str())
    .bind(config.attributes.encode())
    .bind(group_mapping::encode(&config.group_mappings))
    .bind(config.generated)
    .bind(next_test_at.map(|at| at.0))
    .bind(config.version)
    .bind(config.created_at.0)
    .bind(config.updated_at.0)
    .run(conn)
    .await?;
    conn.note(Change::SsoConfigurations);
    Ok(())
}

/// The configuration of that id. Whether it has a secret is for the service to say.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Whole>> {
    let row: Option<Row> = Sql::new(COLUMNS).push_bind(" AND c.id = ", id).first(conn).await?;
    row.map(Whole::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct TermsRow {
    user_provisioning: String,
    group_provisioning: String,
    attribute_mappings: String,
    generated: bool,
    kind: Option<String>,
}

/// What a configuration says about people who come by it: what each log-in asks for.
pub async fn terms(conn: &mut Conn, id: &str) -> Result<Option<Terms>> {
    let row: Option<TermsRow> = Sql::new(
        "SELECT c.user_provisioning, c.group_provisioning, c.attribute_mappings, c.generated, \
         (SELECT n.kind FROM connections n WHERE n.idp_id = c.id AND n.protocol_id = c.protocol_id) AS kind \
         FROM sso_configurations c WHERE c.id = $1",
    )
    .bind(id)
    .first(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let wrong = |what: &str| Error::internal(format!("sso_configurations row {id}: {what}"));
    Ok(Some(Terms {
        users: UserProvisioning::parse(&row.user_provisioning).ok_or_else(|| wrong("unknown user provisioning"))?,
        groups: GroupProvisioning::parse(&row.group_provisioning).ok_or_else(|| wrong("unknown group provisioning"))?,
        attributes: Attributes::decode(&row.attribute_mappings)?,
        generated: row.generated,
        kind: row.kind.as_deref().and_then(ProviderType::of_protocol),
    }))
}

/// The group mappings of a configuration.
pub async fn group_mappings(conn: &mut Conn, id: &str) -> Result<Vec<group_mapping::GroupMapping>> {
    #[derive(sqlx::FromRow)]
    struct Text {
        group_mappings: String,
    }
    let row: Option<Text> =
        Sql::new("SELECT group_mappings FROM sso_configurations WHERE id = $1").bind(id).first(conn).await?;
    row.map_or_else(|| Ok(Vec::new()), |r| group_mapping::decode(&r.group_mappings))
}

/// A page of configurations in order of their making.
pub async fn list(conn: &mut Conn, window: Window) -> Result<Vec<Whole>> {
    // The page is found in the index alone. In one statement PostgreSQL would join all there is, as it does not know how small
    // the page will be.
    let page: Vec<Id> = Sql::new("SELECT id FROM sso_configurations ORDER BY created_at, id LIMIT $1 OFFSET $2")
        .bind(window.limit)
        .bind(window.offset)
        .all(conn)
        .await?;
    if page.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::new(COLUMNS).push_in(" AND c.id IN ", page.iter().map(|row| &row.id));
    let rows: Vec<Row> = sql.push(" ORDER BY c.created_at, c.id").all(conn).await?;
    rows.into_iter().map(Whole::try_from).collect()
}

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}

/// How many there are.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let count: Option<Count> = Sql::new("SELECT COUNT(*) AS n FROM sso_configurations").first(conn).await?;
    Ok(count.map_or(0, |c| c.n))
}

#[derive(sqlx::FromRow)]
struct Id {
    id: String,
}

/// The configuration that has this issuer, in whatever form it is written: its id.
pub async fn owner_of_issuer(conn: &mut Conn, issuer: &str) -> Result<Option<String>> {
    let row: Option<Id> = Sql::new("SELECT id FROM sso_configurations WHERE issuer_key = $1")
        .bind(issuer::comparable(issuer))
        .first(conn)
        .await?;
    Ok(row.map(|r| r.id))
}

/// Keeps the row for this transaction; false if there is none.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<bool> {
    Ok(Sql::new("UPDATE sso_configurations SET id = id WHERE id = $1").bind(id).run(conn).await? == 1)
}

/// Writes a configuration over the stored one. The last test is part of it.
pub async fn update(conn: &mut Conn, config: &SsoConfig, next_test_at: Option<Timestamp>) -> Result<()> {
    Sql::new(
        "UPDATE sso_configurations SET source = $1, display_name = $2, issuer = $3, issuer_key = $4, protocol_id = $5, \
         user_provisioning = $6, group_provisioning = $7, attribute_mappings = $8, group_mappings = $9, generated = $10, \
         tested_at = $11, test_result = $12, test_message = $13, test_warnings = $14, next_test_at = $15, resume_enabled = $16, \
         version = $17, updated_at = $18 WHERE id = $19",
    )
    .bind(config.source.as_str())
    .bind(&config.display_name)
    .bind(&config.issuer)
    .bind(key(config))
    .bind(&config.protocol_id)
    .bind(config.user_provisioning.as_str())
    .bind(config.group_provisioning.as_str())
    .bind(config.attributes.encode())
    .bind(group_mapping::encode(&config.group_mappings))
    .bind(config.generated)
    .bind(config.tested.as_ref().map(|t| t.at.0))
    .bind(config.tested.as_ref().map(|t| t.result.as_str()))
    .bind(config.tested.as_ref().and_then(|t| t.message.clone()))
    .bind(warnings(config.tested.as_ref()))
    .bind(next_test_at.map(|at| at.0))
    .bind(config.resume_enabled)
    .bind(config.version)
    .bind(config.updated_at.0)
    .bind(&config.id)
    .run(conn)
    .await?;
    conn.note(Change::IdentityProvider(config.id.clone()));
    Ok(())
}

fn warnings(tested: Option<&Tested>) -> String {
    serde_json::to_string(tested.map_or(&[][..], |t| &t.warnings)).unwrap_or_else(|_| "[]".to_owned())
}

/// Writes how a test went, if what was tested is still what is stored; whether it was.
pub async fn update_test(
    conn: &mut Conn,
    id: &str,
    version: i64,
    tested: &Tested,
    next: Option<Timestamp>,
) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE sso_configurations SET tested_at = $1, test_result = $2, test_message = $3, test_warnings = $4, next_test_at = $5 \
         WHERE id = $6 AND version = $7",
    )
    .bind(tested.at.0)
    .bind(tested.result.as_str())
    .bind(&tested.message)
    .bind(warnings(Some(tested)))
    .bind(next.map(|at| at.0))
    .bind(id)
    .bind(version)
    .run(conn)
    .await?;
    Ok(touched == 1)
}

/// Counts a change that the Keystone face made to the identity provider or its connection. A new connection is untested, and
/// its issuer is what it says itself.
pub async fn touch(conn: &mut Conn, id: &str, now: Timestamp, connection: bool) -> Result<()> {
    let sql = if connection {
        Sql::new(
            "UPDATE sso_configurations SET version = version + 1, updated_at = $1, issuer = NULL, issuer_key = NULL, \
             tested_at = NULL, test_result = NULL, test_message = NULL, test_warnings = '[]', next_test_at = $2 WHERE id = $3",
        )
        .bind(now.0)
        .bind(now.0)
    } else {
        Sql::new("UPDATE sso_configurations SET version = version + 1, updated_at = $1 WHERE id = $2").bind(now.0)
    };
    sql.bind(id).run(conn).await.map(drop)
}

/// Who manages an identity provider, if it is a configuration.
pub async fn source(conn: &mut Conn, id: &str) -> Result<Option<Source>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        source: String,
    }
    let row: Option<Row> = Sql::new("SELECT source FROM sso_configurations WHERE id = $1").bind(id).first(conn).await?;
    Ok(row.and_then(|r| Source::parse(&r.source)))
}

/// Whether a mapping is made by the configuration of the same id.
pub async fn is_generated(conn: &mut Conn, mapping_id: &str) -> Result<bool> {
    let row: Option<Id> =
        Sql::new("SELECT id FROM sso_configurations WHERE generated AND id = $1").bind(mapping_id).first(conn).await?;
    Ok(row.is_some())
}

/// Takes up to `most` configurations whose test is due and says when the next is, one spread for all: their ids. No other
/// node takes the same.
pub async fn take_due(conn: &mut Conn, now: Timestamp, next: Timestamp, most: i64) -> Result<Vec<String>> {
    let rows: Vec<Id> = Sql::new(
        "UPDATE sso_configurations SET next_test_at = $1 WHERE id IN (SELECT id FROM sso_configurations WHERE next_test_at <= $2 \
         ORDER BY next_test_at LIMIT $3) AND next_test_at <= $4 RETURNING id",
    )
    .bind(next.0)
    .bind(now.0)
    .bind(most)
    .bind(now.0)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Whether a test is due.
pub async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let row: Option<Id> =
        Sql::new("SELECT id FROM sso_configurations WHERE next_test_at <= $1 LIMIT 1").bind(now.0).first(conn).await?;
    Ok(row.is_some())
}

/// The users who are bound to an identity provider: id and name, in order, at most `most`.
pub async fn list_users(conn: &mut Conn, id: &str, most: i64) -> Result<Vec<(String, String)>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: String,
        name: String,
    }
    let rows: Vec<Row> = Sql::new(
        "SELECT u.id, u.name FROM users u WHERE u.id IN (SELECT f.user_id FROM federated_users f WHERE f.idp_id = $1) \
         ORDER BY u.id LIMIT $2",
    )
    .bind(id)
    .bind(most)
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.name)).collect())
}
