//! A SCIM filter as conditions of SQL. The text is written here; what a directory has written is bound, never part of it
//! (SCIM-6). What has no column cannot be looked for, and says so.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::scim::Kind;
use crate::model::scim::filter::{Compare, Filter, invalid};
use crate::model::scim::path::AttributePath;
use crate::model::scim::schema::{self, Place};
use crate::store::sql::Sql;

/// What the attributes of a filter are columns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// `users u` with `scim_users s`.
    Users,
    /// `user_groups g` with `scim_groups s`.
    Groups,
    /// The address of a user that is the user's own.
    MainEmail,
    /// `scim_emails e`.
    OtherEmails,
    /// `group_members m` of a user: their groups.
    InGroups,
    /// `group_members m` of a group: its members.
    Members,
}

/// How a column is compared.
#[derive(Debug, Clone, Copy)]
enum Column {
    /// Text, as it is; whether letter case counts; and the condition for there being one.
    Text(&'static str, bool, &'static str),
    /// A truth value.
    Truth(&'static str),
    /// A time, and the condition for there being one.
    Time(&'static str, &'static str),
    /// The same for all rows.
    Constant(&'static str),
    /// Several values.
    Several(&'static [Rows]),
}

const ALWAYS: &str = "1 = 1";
const NEVER: &str = "1 = 0";

/// Adds the filter's condition behind `AND`. `everywhere`: resources of all kinds are looked among, so an attribute of another
/// kind is one that these do not have (RFC 7644 §3.4.2.1).
pub(super) fn push(sql: Sql, kind: Kind, filter: &Filter, everywhere: bool) -> Result<Sql> {
    let rows = match kind {
        Kind::User => Rows::Users,
        Kind::Group => Rows::Groups,
    };
    Writer { everywhere }.filter(sql.push(" AND "), rows, filter)
}

struct Writer {
    everywhere: bool,
}

impl Writer {
    fn filter(&self, sql: Sql, rows: Rows, filter: &Filter) -> Result<Sql> {
        match filter {
            Filter::And(all) => self.joined(sql, rows, all, " AND "),
            Filter::Or(all) => self.joined(sql, rows, all, " OR "),
            Filter::Not(inner) => Ok(self.filter(sql.push("NOT "), rows, inner)?),
            Filter::Present(path) => self.present(sql, rows, path),
            Filter::Term(path, compare, literal) => self.term(sql, rows, path, *compare, literal),
            Filter::Within(path, inner) => match self.column(rows, path)? {
                Some(Column::Several(several)) if path.sub.is_none() => {
                    self.several(sql, several, |sql, rows| self.filter(sql, rows, inner))
                }
                None => Ok(sql.push(NEVER)),
                Some(_) => Err(unsupported(path)),
            },
        }
    }

    fn joined(&self, mut sql: Sql, rows: Rows, all: &[Filter], word: &'static str) -> Result<Sql> {
        for (index, one) in all.iter().enumerate() {
            sql = self.filter(sql.push(if index == 0 { "(" } else { word }), rows, one)?;
        }
        Ok(sql.push(")"))
    }

    /// The condition for one value of several.
    fn several(&self, mut sql: Sql, several: &[Rows], inner: impl Fn(Sql, Rows) -> Result<Sql>) -> Result<Sql> {
        for (index, rows) in several.iter().enumerate() {
            let before = match rows {
                Rows::MainEmail => "(u.email_key <> '' AND ",
                Rows::OtherEmails => "EXISTS (SELECT 1 FROM scim_emails e WHERE e.user_id = u.id AND ",
                Rows::InGroups => "EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = u.id AND ",
                Rows::Members => "EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id AND ",
                Rows::Users | Rows::Groups => return Err(invalid("The filter cannot be answered.")),
            };
            sql = inner(sql.push(if index == 0 { "(" } else { " OR " }).push(before), *rows)?.push(")");
        }
        Ok(sql.push(")"))
    }

    /// The column of an attribute; none for one that only resources of another kind have.
    fn column(&self, rows: Rows, path: &AttributePath) -> Result<Option<Column>> {
        let is = |name: &str, sub: Option<&str>| path.is(name, sub);
        let kind = match rows {
            Rows::Users => Kind::User,
            Rows::Groups => Kind::Group,
            of_values => return of_value(of_values, path).map(Some).ok_or_else(|| unsupported(path)),
        };
        let own = schema::place(kind, path);
        if matches!(own, Place::Nowhere) {
            let other = Kind::ALL.into_iter().find(|k| *k != kind);
            let elsewhere = other.is_some_and(|k| !matches!(schema::place(k, path), Place::Nowhere));
            return if self.everywhere && elsewhere { Ok(None) } else { Err(unsupported(path)) };
        }
        if !matches!(own, Place::Core(_)) {
            return Err(unsupported(path));
        }
        let found = match rows {
            Rows::Users if is("id", None) => Column::Text("u.id", true, ALWAYS),
            Rows::Users if is("userName", None) => Column::Text("u.name_key", false, ALWAYS),
            Rows::Users if is("displayName", None) => Column::Text("u.display_key", false, "u.display_key <> ''"),
            Rows::Users if is("active", None) => Column::Truth("u.enabled"),
            Rows::Users if is("emails", None) => Column::Several(&[Rows::MainEmail, Rows::OtherEmails]),
            Rows::Users if is("groups", None) => Column::Several(&[Rows::InGroups]),
            Rows::Users if is("meta", Some("created")) => Column::Time("u.created_at", ALWAYS),
            Rows::Users if is("meta", Some("lastModified")) => Column::Time("u.updated_at", ALWAYS),
            Rows::Users if is("meta", Some("resourceType")) => Column::Constant("User"),
            Rows::Groups if is("id", None) => Column::Text("g.id", true, ALWAYS),
            Rows::Groups if is("displayName", None) => Column::Text("g.name_key", false, ALWAYS),
            Rows::Groups if is("members", None) => Column::Several(&[Rows::Members]),
            Rows::Groups if is("meta", Some("lastModified")) => {
                Column::Time("g.updated_at", "g.updated_at IS NOT NULL")
            }
            Rows::Groups if is("meta", Some("resourceType")) => Column::Constant("Group"),
            _ if is("externalId", None) => Column::Text("s.external_id", true, "s.external_id IS NOT NULL"),
            // `emails.value` is the value of one of them.
            _ if path.sub.is_some()
                && ["emails", "groups", "members"].iter().any(|n| path.name.eq_ignore_ascii_case(n)) =>
            {
                let whole = AttributePath { sub: None, ..path.clone() };
                return self.column(rows, &whole);
            }
            _ => return Err(unsupported(path)),
        };
        Ok(Some(found))
    }

    fn present(&self, sql: Sql, rows: Rows, path: &AttributePath) -> Result<Sql> {
        match self.column(rows, path)? {
            None => Ok(sql.push(NEVER)),
            Some(Column::Text(_, _, there) | Column::Time(_, there)) => Ok(sql.push("(").push(there).push(")")),
            Some(Column::Truth(_) | Column::Constant(_)) => Ok(sql.push(ALWAYS)),
            Some(Column::Several(several)) => {
                let value = part_of(path);
                self.several(sql, several, |sql, rows| self.present(sql, rows, &value))
            }
        }
    }

    fn term(&self, sql: Sql, rows: Rows, path: &AttributePath, compare: Compare, literal: &Value) -> Result<Sql> {
        if literal.is_null() {
            return match compare {
                Compare::Equal => self.present(sql.push("NOT "), rows, path),
                Compare::NotEqual => self.present(sql, rows, path),
                _ => Err(invalid("Nothing is more or less than null.")),
            };
        }
        let column = self.column(rows, path)?;
        let wrong = || invalid(format!("'{:.100}' is not compared with such a value.", path.name));
        match (column, literal) {
            (None, _) => Ok(sql.push(NEVER)),
            (Some(Column::Several(several)), _) => {
                let value = part_of(path);
                self.several(sql, several, |sql, rows| self.term(sql, rows, &value, compare, literal))
            }
            (Some(Column::Text(column, exact, there)), Value::String(text)) => {
                let text = if exact { text.clone() } else { text.to_lowercase() };
                let sql = match compare {
                    // What is not there is another than any.
                    Compare::NotEqual if there != ALWAYS => sql.push("(NOT (").push(there).push(") OR "),
                    _ if there != ALWAYS => sql.push("(").push(there).push(" AND "),
                    _ => sql.push("("),
                };
                Ok(compared(sql, column, compare, text).push(")"))
            }
            (Some(Column::Truth(column)), Value::Bool(_) | Value::String(_)) => {
                let truth = match literal {
                    Value::Bool(truth) => *truth,
                    text => text.as_str().unwrap_or_default().to_lowercase().parse().map_err(|_| wrong())?,
                };
                match compare {
                    Compare::Equal => Ok(sql.push(column).push_bind(" = ", truth)),
                    Compare::NotEqual => Ok(sql.push(column).push_bind(" <> ", truth)),
                    _ => Err(invalid("A truth value is compared by 'eq' and 'ne' only.")),
                }
            }
            (Some(Column::Time(column, there)), Value::String(text)) => {
                let at = Timestamp::parse(text).ok_or_else(|| invalid("A time is written as 2026-01-31T12:00:00Z."))?;
                let sign = sign(compare).ok_or_else(wrong)?;
                Ok(sql.push("(").push(there).push(" AND ").push(column).push_bind(sign, at.0).push(")"))
            }
            (Some(Column::Constant(constant)), Value::String(text)) => match compare {
                Compare::Equal => Ok(sql.push(if text == constant { ALWAYS } else { NEVER })),
                Compare::NotEqual => Ok(sql.push(if text == constant { NEVER } else { ALWAYS })),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

fn unsupported(path: &AttributePath) -> crate::error::Error {
    let sub = path.sub.as_ref().map(|s| format!(".{s}")).unwrap_or_default();
    invalid(format!("Nothing is looked for by '{:.100}{sub:.100}'.", path.name))
}

/// The part of a value that a path with values names: `value`, unless it names another.
fn part_of(path: &AttributePath) -> AttributePath {
    AttributePath { schema: None, name: path.sub.clone().unwrap_or_else(|| "value".to_owned()), sub: None }
}

fn of_value(rows: Rows, path: &AttributePath) -> Option<Column> {
    let is = |name: &str| path.schema.is_none() && path.is(name, None);
    Some(match rows {
        Rows::MainEmail if is("value") => Column::Text("u.email_key", false, ALWAYS),
        Rows::MainEmail if is("type") => {
            Column::Text("s.email_kind", false, "s.email_kind IS NOT NULL AND s.email_kind <> ''")
        }
        Rows::OtherEmails if is("value") => Column::Text("e.address", false, ALWAYS),
        Rows::OtherEmails if is("type") => Column::Text("e.kind", false, "e.kind <> ''"),
        Rows::InGroups if is("value") => Column::Text("m.group_id", true, ALWAYS),
        Rows::Members if is("value") => Column::Text("m.user_id", true, ALWAYS),
        _ => return None,
    })
}

fn sign(compare: Compare) -> Option<&'static str> {
    Some(match compare {
        Compare::Equal => " = ",
        Compare::NotEqual => " <> ",
        Compare::Greater => " > ",
        Compare::GreaterOrEqual => " >= ",
        Compare::Less => " < ",
        Compare::LessOrEqual => " <= ",
        Compare::Contains | Compare::StartsWith | Compare::EndsWith => return None,
    })
}

/// A text column compared, in words about which both databases agree.
fn compared(sql: Sql, column: &'static str, compare: Compare, text: String) -> Sql {
    if let Some(sign) = sign(compare) {
        return sql.push(column).push_bind(sign, text);
    }
    if text.is_empty() {
        return sql.push(ALWAYS);
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    match compare {
        Compare::StartsWith => {
            sql.push("substr(").push(column).push_bind(", 1, CAST(", length).push_bind(" AS INTEGER)) = ", text)
        }
        Compare::EndsWith => sql
            .push("length(")
            .push(column)
            .push_bind(") >= ", length)
            .push(" AND substr(")
            .push(column)
            .push(", length(")
            .push(column)
            .push_bind(") + 1 - CAST(", length)
            .push_bind(" AS INTEGER)) = ", text),
        _ => sql.push("replace(").push(column).push_bind(", ", text).push(", '') <> ").push(column),
    }
}
