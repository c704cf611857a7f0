//! `/v3/role_assignments`
//!
//! The list may be long: it is written as it is walked through, without a tree of values in between, and off the threads
//! that answer others.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeSeq as _, Serializer};

use super::view;
use crate::error::{Error, Result};
use crate::http::query::Parameters;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::model::assignment::{Assignment, Filter, Marker, Name};
use crate::model::grant::{Actor, Target};
use crate::service::App;
use crate::service::role_assignment::{self, Listed};

/// Beyond so many lines a page is written on a thread of its own.
const MANY: usize = 500;

#[derive(Serialize)]
struct Ref<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Domain<'a>>,
}

#[derive(Serialize)]
struct Domain<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct All {
    all: bool,
}

#[derive(Serialize, Default)]
struct Scope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Ref<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<Ref<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<All>,
    #[serde(rename = "OS-INHERIT:inherited_to", skip_serializing_if = "Option::is_none")]
    inherited_to: Option<&'static str>,
}

#[derive(Serialize)]
struct Links {
    assignment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior_role: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    role: Ref<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Ref<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Ref<'a>>,
    scope: Scope<'a>,
    links: Links,
}

/// A reference; with its name and, where names are unique in a domain, that domain.
fn reference<'a>(id: &'a str, name: Option<&'a Name>) -> Ref<'a> {
    let domain = name.and_then(|n| n.domain.as_ref());
    let domain = domain.map(|(id, name)| Domain { id: Some(id), name: Some(name) });
    Ref { id, name: name.map(|n| n.name.as_str()), domain }
}

/// One item. `base` is the URL that links begin with.
fn shown<'a>(base: &str, listed: &'a Listed, item: &Assignment<'a>) -> Shown<'a> {
    let (line, grant) = (item.line, &item.line.grant);
    let mut scope = Scope::default();
    match line.on() {
        ("project", id) => {
            let mut project = reference(id, line.target_name.as_ref());
            // What acts as a domain lies in none.
            let in_none = project.name.is_some() && project.domain.is_none();
            project.domain = project.domain.or(in_none.then_some(Domain { id: None, name: None }));
            scope.project = Some(project);
        }
        ("domain", id) => {
            scope.domain = Some(Ref { domain: None, ..reference(id, line.target_name.as_ref()) });
        }
        _ => scope.system = Some(All { all: true }),
    }
    if grant.inherited {
        scope.inherited_to = Some("projects");
    }
    let actor_name = line.actor_name.as_ref();
    let (user, group, membership) = match (&grant.actor, &line.user_id) {
        (Actor::User(id), _) => (Some(reference(id, actor_name)), None, None),
        (Actor::Group(group), Some(user)) => {
            let path = format!("{base}/groups/{}/users/{}", view::segment(group), view::segment(user));
            (Some(reference(user, actor_name)), None, Some(path))
        }
        (Actor::Group(id), None) => (None, Some(reference(id, actor_name)), None),
    };
    let role = listed.roles.by_id.get(item.role_id).filter(|_| listed.filter.names);
    let role_domain = role.and_then(|r| r.domain.as_ref());
    let target = match &grant.target {
        Target::Project(id) => format!("projects/{}", view::segment(id)),
        Target::Domain(id) => format!("domains/{}", view::segment(id)),
        Target::System => "system".to_owned(),
    };
    let actor = format!("{}s/{}", grant.actor.kind(), view::segment(grant.actor.id()));
    let granted = view::segment(&grant.role_id);
    let assignment = if grant.inherited {
        format!("{base}/OS-INHERIT/{target}/{actor}/roles/{granted}/inherited_to_projects")
    } else {
        format!("{base}/{target}/{actor}/roles/{granted}")
    };
    let prior_role = item
        .prior_role_id
        .map(|prior| format!("{base}/roles/{}/implies/{}", view::segment(prior), view::segment(item.role_id)));
    Shown {
        role: Ref {
            id: item.role_id,
            name: role.map(|r| r.name.as_str()),
            domain: role_domain.map(|(id, name)| Domain { id: Some(id), name: Some(name) }),
        },
        user,
        group,
        scope,
        links: Links { assignment, membership, prior_role },
    }
}

struct Items<'a> {
    base: &'a str,
    listed: &'a Listed,
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        for item in self.listed.items() {
            sequence.serialize_element(&shown(self.base, self.listed, &item))?;
        }
        sequence.end()
    }
}

#[derive(Serialize)]
struct Page<'a> {
    role_assignments: Items<'a>,
    links: view::PageLinks,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// What a query asks for.
fn filter(parameters: &Parameters<'_>) -> Filter {
    let text = |name: &str| parameters.get(name).filter(|v| !v.is_empty()).map(str::to_owned);
    Filter {
        user_id: text("user.id"),
        group_id: text("group.id"),
        role_id: text("role.id"),
        project_id: text("scope.project.id"),
        subtree: parameters.switch("include_subtree"),
        domain_id: text("scope.domain.id"),
        system: parameters.get("scope.system").is_some_and(|v| v == "all" || v.eq_ignore_ascii_case("true")),
        inherited: parameters.get("scope.OS-INHERIT:inherited_to").map(|to| to == "projects"),
        effective: parameters.switch("effective"),
        names: parameters.switch("include_names"),
        ..Filter::default()
    }
}

/// `GET /v3/role_assignments`
pub async fn list(app: Arc<App>, req: Request) -> Result<Reply> {
    let caller = req.caller(&app).await?;
    let parameters = req.query()?;
    let most = usize::try_from(app.config.identity.role_assignments_limit).unwrap_or(usize::MAX);
    let query = parameters.list(&[], most)?;
    let marker = match query.marker.as_deref() {
        None => None,
        Some(text) => Some(
            Marker::decode(text).ok_or_else(|| Error::not_found(format!("Marker {text:.100} could not be found.")))?,
        ),
    };
    let listed = role_assignment::list(&app, &caller, filter(&parameters), marker, query.limit).await?;
    let many = listed.lines.len() > MANY;
    let links = view::page_links(&app, &req, listed.next.as_ref().map(|m| m.encode()), query.limit);
    let base = view::link(&app, "");
    let write = move || {
        let base = base.trim_end_matches('/');
        let truncated = listed.next.is_some();
        serde_json::to_vec(&Page { role_assignments: Items { base, listed: &listed }, links, truncated })
            .map_err(|e| Error::internal(e.to_string()))
    };
    let bytes = if many {
        tokio::task::spawn_blocking(write).await.map_err(|e| Error::internal(e.to_string()))??
    } else {
        write()?
    };
    Ok(Reply::json_bytes(http::StatusCode::OK, bytes.into()))
}
