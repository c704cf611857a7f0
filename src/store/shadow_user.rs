//! Users who exist because an identity provider vouches for them.

use super::sql::Sql;
use super::{Conn, federated_link, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::change::Change;
use crate::model::federated_link::FederatedLink;
use crate::model::user::User;

/// Adds such a user. An id that is taken is a conflict; a name cannot be.
pub async fn insert(conn: &mut Conn, user: &User, now: Timestamp) -> Result<()> {
    Sql::new(
        "INSERT INTO users (id, domain_id, name, enabled, extra, options, created_at, failed_auth_count, federated, \
         email_key, name_key, display_key, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12)",
    )
    .bind(&user.id)
    .bind(&user.domain_id)
    .bind(&user.name)
    .bind(user.enabled)
    .bind(json::text(&user.extra))
    .bind(json::text(&user.options))
    .bind(now.0)
    .bind(true)
    .bind(user.email_key())
    .bind(user.name_key())
    .bind(user.display_key())
    .bind(now.0)
    .run(conn)
    .await?;
    Ok(())
}

/// Writes what the identity provider now calls a user. Who exists by themselves stays as they are; false then.
pub async fn rename(conn: &mut Conn, user: &User) -> Result<bool> {
    let touched = Sql::new(
        "UPDATE users SET name = $1, extra = $2, email_key = $3, name_key = $4, display_key = $5 WHERE id = $6 AND federated",
    )
        .bind(&user.name)
        .bind(json::text(&user.extra))
        .bind(user.email_key())
        .bind(user.name_key())
        .bind(user.display_key())
        .bind(&user.id)
        .run(conn)
        .await?;
    if touched == 1 {
        conn.note(Change::User(user.id.clone()));
    }
    Ok(touched == 1)
}

/// How a link came to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Made<'a> {
    /// The tenant where it counts; none: for the identity provider itself.
    pub tenant_id: Option<&'a str>,
    /// The e-mail address that the identity provider then said.
    pub email: Option<&'a str>,
    /// By whom or what, in a word.
    pub by: Option<&'a str>,
    /// When.
    pub at: Option<Timestamp>,
}

/// Notes that a user is known by one more protocol; nothing happens if that was so. Somebody else's name is a conflict.
pub async fn link(conn: &mut Conn, user_id: &str, link: &FederatedLink, made: Made<'_>) -> Result<()> {
    Sql::new(
        "INSERT INTO federated_users (idp_id, protocol_id, unique_id, user_id, tenant_id, email, created_at, created_by, \
         last_login_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(&link.idp_id)
    .bind(&link.protocol_id)
    .bind(&link.unique_id)
    .bind(user_id)
    .bind(made.tenant_id.unwrap_or_default())
    .bind(made.email)
    .bind(made.at.map(|at| at.0))
    .bind(made.by)
    .bind(made.at.map(|at| at.0))
    .run(conn)
    .await?;
    match federated_link::owner(conn, &link.idp_id, &link.unique_id, made.tenant_id).await? {
        Some(owner) if owner == user_id => Ok(()),
        _ => Err(Error::conflict("Conflict occurred attempting to store federated_user - Duplicate entry.")),
    }
}

/// Deletes the users for whom only this identity provider vouches, with their grants; to be called before it goes itself.
pub async fn delete_of_identity_provider(conn: &mut Conn, idp_id: &str) -> Result<u64> {
    const THEIRS: &str = "SELECT u.id FROM users u JOIN federated_users f ON f.user_id = u.id WHERE u.federated AND f.idp_id = $1 \
         AND NOT EXISTS (SELECT 1 FROM federated_users o WHERE o.user_id = u.id AND o.idp_id <> f.idp_id) \
         AND NOT EXISTS (SELECT 1 FROM passwords w WHERE w.user_id = u.id)";
    Sql::new("DELETE FROM grants WHERE actor_kind = 'user' AND actor_id IN (")
        .push(THEIRS)
        .push(")")
        .bind(idp_id)
        .run(conn)
        .await?;
    let gone = Sql::new("DELETE FROM users WHERE id IN (").push(THEIRS).push(")").bind(idp_id).run(conn).await?;
    if gone > 0 {
        conn.note(Change::All);
    }
    Ok(gone)
}
