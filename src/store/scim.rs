//! What is kept for SCIM (RFC 7644), one file for each kind of row; and filters as conditions.

mod filter;
pub mod group;
pub mod token;
pub mod user;

#[derive(sqlx::FromRow)]
struct Count {
    n: i64,
}
