//! The list of role assignments: who holds what where, as given or as it takes effect.

use serde_json::json;

use super::caller::Caller;
use super::{App, identity, project};
use crate::error::{Error, Result};
use crate::model::assignment::{Filter, Key, Line, Marker, Roles};
use crate::policy::Target;
use crate::store::{self, Conn};

/// One page: its lines, the roles, and which items of the lines are on it.
#[derive(Debug)]
pub struct Listed {
    /// What was asked for.
    pub filter: Filter,
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// All roles.
    pub roles: Roles,
    /// Items of the first line that were on the page before.
    pub skip: usize,
    /// Items on this page at most.
    pub limit: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<Marker>,
}

/// Refuses filters that contradict each other, or that could find nothing.
fn check(filter: &Filter) -> Result<()> {
    let both = |a: bool, b: bool, text: &str| if a && b { Err(Error::invalid(text)) } else { Ok(()) };
    let (project, domain) = (filter.project_id.is_some(), filter.domain_id.is_some());
    both(domain, project, "Specify a domain or project, not both")?;
    both(domain, filter.system, "Specify system or domain, not both")?;
    both(project, filter.system, "Specify system or project, not both")?;
    both(filter.user_id.is_some(), filter.group_id.is_some(), "Specify a user or group, not both")?;
    both(
        filter.effective,
        filter.group_id.is_some(),
        "Combining effective and group filter will always result in an empty list.",
    )?;
    both(
        filter.effective && domain,
        filter.inherited == Some(true),
        "Combining effective, domain and inherited filters will always result in an empty list.",
    )
}

/// 404 for a user or a project that is to be looked at and is not there.
async fn check_there(conn: &mut Conn, filter: &Filter) -> Result<()> {
    if let Some(id) = &filter.user_id
        && store::user::get(conn, id).await?.is_none()
    {
        return Err(identity::not_found(id));
    }
    if let Some(id) = &filter.project_id
        && store::project::get(conn, id).await?.is_none()
    {
        return Err(project::not_found(id));
    }
    Ok(())
}

/// What policy sees of the filters.
fn seen(target: Target, filter: &Filter) -> Target {
    let named = [
        ("user.id", &filter.user_id),
        ("group.id", &filter.group_id),
        ("role.id", &filter.role_id),
        ("scope.project.id", &filter.project_id),
        ("scope.domain.id", &filter.domain_id),
    ];
    target.and_filters(named.iter().filter_map(|(name, value)| value.as_deref().map(|v| (*name, v))))
}

/// One page of role assignments. A domain-scoped token sees those on its domain and its projects.
pub async fn list(
    app: &App,
    caller: &Caller,
    mut filter: Filter,
    marker: Option<Marker>,
    limit: usize,
) -> Result<Listed> {
    if filter.subtree {
        let found = match &filter.project_id {
            Some(id) => store::project::get(&mut app.store.read().await?, id).await?.map(|l| l.project),
            None => None,
        };
        let target = found.as_ref().map_or_else(Target::new, |p| {
            let object = json!({"id": p.id, "domain_id": p.domain_id});
            Target::stored("project", &object).and_stored("domain_id", &json!(p.domain_id))
        });
        app.allow(caller, "identity:list_role_assignments_for_tree", &seen(target, &filter)).await?;
        match (&filter.project_id, found) {
            (None, _) => {
                return Err(Error::invalid("scope.project.id must be specified if include_subtree is also specified"));
            }
            (Some(id), None) => return Err(project::not_found(id)),
            (Some(_), Some(_)) => {}
        }
    } else {
        let target = Target::stored("domain_id", &json!(caller.domain_scope()));
        app.allow(caller, "identity:list_role_assignments", &seen(target, &filter)).await?;
    }
    check(&filter)?;
    filter.within = caller.domain_scope().map(str::to_owned);
    filter.now = app.now();
    let mut conn = app.store.read().await?;
    if filter.effective {
        check_there(&mut conn, &filter).await?;
    }
    let roles = store::assignment::roles_and_implications(&mut conn).await?;
    let mut listed = Listed { filter, lines: Vec::new(), roles, skip: 0, limit, next: None };
    let mut from: Option<Key> = marker.as_ref().map(|m| m.key.clone());
    let mut places = limit;
    // Lines whose role has no effect, or is not the one asked for, fill no place: read on until the page is full.
    loop {
        let wanted = i64::try_from(places).unwrap_or(i64::MAX).saturating_add(2);
        let mut batch = store::assignment::list(&mut conn, &listed.filter, from.as_ref(), wanted).await?;
        let full = batch.len() >= usize::try_from(wanted).unwrap_or(usize::MAX);
        if !listed.lines.is_empty() && batch.first().map(Line::key) == from {
            // The line that this reading began with was the last of the one before.
            batch.remove(0);
        }
        for line in batch {
            from = Some(line.key());
            let count = listed.roles.items(&line, listed.filter.effective, listed.filter.role_id.as_deref()).len();
            if let Some(m) = marker.as_ref().filter(|m| listed.lines.is_empty() && m.key == line.key()) {
                // A marker comes from outside: it cannot skip, and so make room for, more than there is.
                listed.skip = m.shown.min(count);
                places = places.saturating_add(listed.skip);
            }
            if count > places {
                listed.next = Some(Marker { key: line.key(), shown: places });
                listed.lines.push(line);
                return Ok(listed);
            }
            places -= count;
            listed.lines.push(line);
        }
        if !full {
            return Ok(listed);
        }
    }
}

impl Listed {
    /// The items of this page, in order.
    pub fn items(&self) -> impl Iterator<Item = crate::model::assignment::Assignment<'_>> {
        let (effective, role_id) = (self.filter.effective, self.filter.role_id.as_deref());
        self.lines
            .iter()
            .flat_map(move |line| self.roles.items(line, effective, role_id))
            .skip(self.skip)
            .take(self.limit)
    }
}

#[cfg(test)]
mod tests;
