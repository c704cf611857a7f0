//! One statement with its values, run on either database.
//!
//! `Sql::new("… $1 …").bind(x).all(conn)`: the text is the same for both; `$n` stand each once and in order. Lists with
//! optional filters add their conditions with [`Sql::filter`]; only text that is written in this crate becomes SQL, values
//! are always bound.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow};

use super::{Conn, Inner, translate, within};
use crate::error::Result;
use crate::model::list::{Condition, Operand, Operator, Query};

/// A value to bind.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text or null.
    Text(Option<String>),
    /// An integer or null.
    Int(Option<i64>),
    /// A truth value or null.
    Bool(Option<bool>),
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::Text(Some(v.to_owned()))
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text(Some(v))
    }
}
impl From<&String> for Value {
    fn from(v: &String) -> Self {
        Self::Text(Some(v.clone()))
    }
}
impl From<Option<String>> for Value {
    fn from(v: Option<String>) -> Self {
        Self::Text(v)
    }
}
impl From<&Option<String>> for Value {
    fn from(v: &Option<String>) -> Self {
        Self::Text(v.clone())
    }
}
impl From<Option<&str>> for Value {
    fn from(v: Option<&str>) -> Self {
        Self::Text(v.map(str::to_owned))
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Int(Some(v))
    }
}
impl From<Option<i64>> for Value {
    fn from(v: Option<i64>) -> Self {
        Self::Int(v)
    }
}
impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Self::Bool(Some(v))
    }
}
impl From<Option<bool>> for Value {
    fn from(v: Option<bool>) -> Self {
        Self::Bool(v)
    }
}

/// A row struct that both databases can fill.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// One statement.
#[derive(Debug, Clone)]
pub struct Sql {
    text: String,
    values: Vec<Value>,
}

macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Text(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::Bool(v) => query.bind(v),
            };
        }
        query
    }};
}

macro_rules! on_connection {
    ($conn:expr, $c:ident => $run:expr) => {{
        let limit = $conn.statement_timeout;
        match &mut $conn.inner {
            Inner::Sqlite(c) => {
                let $c = &mut **c;
                within(limit, async { $run.await.map_err(translate) }).await
            }
            Inner::SqliteTx(c) => {
                let $c = &mut **c;
                within(limit, async { $run.await.map_err(translate) }).await
            }
            Inner::Postgres(leased) => {
                let $c = leased.ask()?;
                let answer = within(limit, async { $run.await.map_err(translate) }).await;
                leased.answered(&answer);
                answer
            }
        }
    }};
}

/// The sign of a comparison that both databases agree about.
fn sign(operator: Operator) -> Option<&'static str> {
    Some(match operator {
        Operator::Equals => " = ",
        Operator::NotEquals => " <> ",
        Operator::Less => " < ",
        Operator::AtMost => " <= ",
        Operator::More => " > ",
        Operator::AtLeast => " >= ",
        Operator::IEquals
        | Operator::Contains
        | Operator::IContains
        | Operator::StartsWith
        | Operator::IStartsWith
        | Operator::EndsWith
        | Operator::IEndsWith => return None,
    })
}

impl Sql {
    /// A statement whose `$1 … $n` are bound in order.
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Binds the next value.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds text that is written in this crate.
    #[must_use]
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Adds `prefix`, then a placeholder for `value`.
    #[must_use]
    pub fn push_bind(mut self, prefix: &'static str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.text.push_str(prefix);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds `prefix`, which ends in `IN `, then the values in parentheses; there must be one at least.
    #[must_use]
    pub fn push_in<V: Into<Value>>(mut self, prefix: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        self = self.push(prefix);
        for (index, value) in values.into_iter().enumerate() {
            self = self.push_bind(if index == 0 { "(" } else { ", " }, value);
        }
        self.push(")")
    }

    /// Adds `AND` with each condition; the text before must already have a `WHERE`.
    #[must_use]
    pub fn filter(mut self, conditions: &[Condition]) -> Self {
        for condition in conditions {
            let (column, sign) = (condition.column, sign(condition.operator));
            self = match (&condition.operand, sign) {
                (Operand::Bool(v), _) => self.push(" AND ").push(column).push_bind(" = ", *v),
                (Operand::Int(v), sign) => self.push(" AND ").push(column).push_bind(sign.unwrap_or(" = "), *v),
                (Operand::Text(v), Some(sign)) => self.push(" AND ").push(column).push_bind(sign, v),
                (Operand::Text(v), None) => self.compare(column, condition.operator, v),
            };
        }
        self
    }

    /// Adds the page that a list asks for, in order of `column`.
    #[must_use]
    pub fn page(mut self, query: &Query, column: &'static str) -> Self {
        if let Some(marker) = &query.marker {
            self = self.push(" AND ").push(column).push_bind(" > ", marker);
        }
        self.push(" ORDER BY ").push(column).push_bind(" LIMIT ", query.fetch())
    }

    /// The inexact comparators, written so that both databases agree about letter case (their `LIKE`s do not).
    fn compare(mut self, column: &'static str, operator: Operator, value: &str) -> Self {
        let (fold, value) = match operator {
            Operator::IContains | Operator::IStartsWith | Operator::IEndsWith | Operator::IEquals => {
                (true, value.to_lowercase())
            }
            _ => (false, value.to_owned()),
        };
        let column = if fold { format!("lower({column})") } else { column.to_owned() };
        let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        match operator {
            Operator::Contains | Operator::IContains => {
                self.text.push_str(&format!(" AND replace({column}, "));
                let mut sql = self.push_bind("", &value);
                sql.text.push_str(&format!(", '') <> {column}"));
                sql
            }
            Operator::StartsWith | Operator::IStartsWith => {
                self.text.push_str(&format!(" AND substr({column}, 1, CAST("));
                self.push_bind("", length).push_bind(" AS INTEGER)) = ", value)
            }
            Operator::EndsWith | Operator::IEndsWith => {
                self.text.push_str(&format!(" AND length({column})"));
                let mut sql = self.push_bind(" >= ", length);
                sql.text.push_str(&format!(" AND substr({column}, length({column}) + 1 - CAST("));
                sql.push_bind("", length).push_bind(" AS INTEGER)) = ", value)
            }
            // Equality but for letter case: what has a sign was not for this function.
            _ => {
                self.text.push_str(&format!(" AND {column}"));
                self.push_bind(" = ", value)
            }
        }
    }

    /// All rows.
    pub async fn all<T: Row>(self, conn: &mut Conn) -> Result<Vec<T>> {
        let Self { text, values } = self;
        on_connection!(conn, c => bound!(sqlx::query_as::<_, T>(AssertSqlSafe(text)), values).fetch_all(c))
    }

    /// The first row, if there is one.
    pub async fn first<T: Row>(self, conn: &mut Conn) -> Result<Option<T>> {
        let Self { text, values } = self;
        on_connection!(conn, c => bound!(sqlx::query_as::<_, T>(AssertSqlSafe(text)), values).fetch_optional(c))
    }

    /// Runs a write; the number of rows it touched.
    pub async fn run(self, conn: &mut Conn) -> Result<u64> {
        let Self { text, values } = self;
        on_connection!(conn, c => async {
            bound!(sqlx::query(AssertSqlSafe(text)), values).execute(c).await.map(|done| done.rows_affected())
        })
    }
}
