//! What a list asks for: filters, comparators and the page.
//!
//! Comparators are Keystone's (`name__contains`, `name__startswith`, `name__endswith`, and with `i` in front without
//! regard to letter case). Paging is by `marker`, the id of the last item of the page before, in order of id, so that a
//! page costs the same at the end of a list as at its start.

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The same.
    Equals,
    /// The same but for letter case.
    IEquals,
    /// Holds the text.
    Contains,
    /// Holds the text, but for letter case.
    IContains,
    /// Begins with the text.
    StartsWith,
    /// Begins with the text, but for letter case.
    IStartsWith,
    /// Ends with the text.
    EndsWith,
    /// Ends with the text, but for letter case.
    IEndsWith,
    /// Anything else.
    NotEquals,
    /// Less.
    Less,
    /// Less or the same.
    AtMost,
    /// More.
    More,
    /// More or the same.
    AtLeast,
}

impl Operator {
    /// Reads what stands behind `__` in a query parameter's name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "contains" => Self::Contains,
            "icontains" => Self::IContains,
            "startswith" => Self::StartsWith,
            "istartswith" => Self::IStartsWith,
            "endswith" => Self::EndsWith,
            "iendswith" => Self::IEndsWith,
            "iequals" => Self::IEquals,
            "equals" => Self::Equals,
            _ => return None,
        })
    }
}

/// What a column is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A truth value; the comparator is always equality.
    Bool(bool),
    /// Text.
    Text(String),
    /// A whole number; times are microseconds.
    Int(i64),
}

/// One condition on a column. The column's name is written in this crate, never taken from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column.
    pub column: &'static str,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub operand: Operand,
}

impl Condition {
    /// `column = text`.
    pub fn equals(column: &'static str, text: impl Into<String>) -> Self {
        Self { column, operator: Operator::Equals, operand: Operand::Text(text.into()) }
    }
}

/// What a list asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Items at most.
    pub limit: usize,
    /// Id of the last item of the page before.
    pub marker: Option<String>,
}

impl Query {
    /// Everything, in one page of `limit`.
    pub fn all(limit: usize) -> Self {
        Self { conditions: Vec::new(), limit, marker: None }
    }

    /// Rows to fetch: one more than the page holds tells whether there is a next one.
    pub fn fetch(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in order of id.
    pub items: Vec<T>,
    /// Whether there are more after these.
    pub more: bool,
}

impl<T> Page<T> {
    /// From the rows fetched with [`Query::fetch`].
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }

    /// The same page of other things.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), more: self.more }
    }
}

/// Part of a list that is counted through: the SSO API's `limit` and `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Items at most.
    pub limit: i64,
    /// Items left out before them.
    pub offset: i64,
}

/// What a [`Window`] shows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_another_follows() {
        assert_eq!(Page::cut(vec![1, 2, 3], 2), Page { items: vec![1, 2], more: true });
        assert_eq!(Page::cut(vec![1, 2], 2), Page { items: vec![1, 2], more: false });
    }
}
