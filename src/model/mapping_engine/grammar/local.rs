//! `local`: the user, groups and projects that come of a rule.

use serde_json::Value;

use super::super::template::{Template, out_of_range};
use super::super::{DomainRef, Owner, SchemaVersion, UserKind};
use super::object::{Object, list};
use super::{MAX_ENTRIES, Reading};

/// One object of `local`.
#[derive(Debug, Default)]
pub struct Local {
    /// `user`, unless it is empty.
    pub user: Option<UserTemplate>,
    /// `group`.
    pub group: Option<GroupTemplate>,
    /// `groups`: names.
    pub groups: Option<Template>,
    /// `group_ids`.
    pub group_ids: Option<Template>,
    /// `projects`.
    pub projects: Option<Vec<ProjectTemplate>>,
    /// `projects_json`: the slot that holds them.
    pub projects_json: Option<usize>,
    /// `domain`.
    pub domain: Option<DomainTemplate>,
}

impl Local {
    /// Every domain that it names.
    pub fn domains(&self) -> impl Iterator<Item = &DomainTemplate> {
        let of_user = self.user.iter().filter_map(|user| user.domain.as_ref());
        let of_group = self.group.iter().filter_map(|group| match group {
            GroupTemplate::Name { domain, .. } => domain.as_ref(),
            GroupTemplate::Id(_) => None,
        });
        let of_projects = self.projects.iter().flatten().filter_map(|project| project.domain.as_ref());
        of_user.chain(of_group).chain(of_projects).chain(self.domain.as_ref())
    }
}

/// A user to be.
#[derive(Debug)]
pub struct UserTemplate {
    /// See [`super::super::MappedUser::id`].
    pub id: Option<Template>,
    /// See [`super::super::MappedUser::name`].
    pub name: Option<Template>,
    /// See [`super::super::MappedUser::email`].
    pub email: Option<Template>,
    /// See [`super::super::MappedUser::domain`].
    pub domain: Option<DomainTemplate>,
    /// See [`super::super::MappedUser::kind`].
    pub kind: UserKind,
}

/// A group.
#[derive(Debug)]
pub enum GroupTemplate {
    /// By id.
    Id(Template),
    /// By name; in a domain's own mapping the domain may be left out.
    Name {
        /// Its name.
        name: Template,
        /// Its domain.
        domain: Option<DomainTemplate>,
    },
}

/// A project with roles.
#[derive(Debug)]
pub struct ProjectTemplate {
    /// Its name.
    pub name: Template,
    /// Its domain.
    pub domain: Option<DomainTemplate>,
    /// Names of roles.
    pub roles: Vec<Template>,
}

/// A domain: id, name or both.
#[derive(Debug)]
pub struct DomainTemplate {
    /// Its id.
    pub id: Option<Template>,
    /// Its name.
    pub name: Option<Template>,
}

impl DomainTemplate {
    /// The domain, if no value goes into it.
    pub fn fixed(&self) -> Option<DomainRef> {
        let fixed = |template: &Option<Template>| match template {
            None => Some(None),
            Some(template) => template.fixed().map(|text| Some(text.to_owned())),
        };
        Some(DomainRef { id: fixed(&self.id)?, name: fixed(&self.name)? })
    }
}

/// Reads `local` of a rule that has `slots` values to give.
pub(super) fn read(value: &Value, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<Vec<Local>> {
    let items = list(value, path, 0..=MAX_ENTRIES, reading)?;
    if items.is_empty() {
        reading.warn(path, "the list is empty, so this rule never lets anybody in");
    }
    let locals: Vec<Option<Local>> =
        items.iter().enumerate().map(|(i, item)| local(item, &format!("{path}[{i}]"), slots, reading)).collect();
    locals.into_iter().collect()
}

fn local(value: &Value, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<Local> {
    let mut object = Object::read(value, path, reading)?;
    let mut local = Local::default();
    if let Some(value) = object.get("user") {
        local.user = user(value, &format!("{path}.user"), slots, reading);
    }
    if let Some(value) = object.get("group") {
        local.group = group(value, &format!("{path}.group"), slots, reading);
    }
    local.groups = template(&mut object, path, "groups", slots, reading);
    local.group_ids = template(&mut object, path, "group_ids", slots, reading);
    if let Some(value) = object.get("projects") {
        local.projects = projects(value, &format!("{path}.projects"), slots, reading);
    }
    if reading.version >= SchemaVersion::V3
        && let Some(text) = object.text("projects_json", reading)
    {
        local.projects_json = projects_json(text, &format!("{path}.projects_json"), slots, reading);
    }
    local.domain = domain(&mut object, path, slots, reading);
    object.finish(reading);
    if let Some(groups) = &local.groups {
        let fixed = groups.fixed().unwrap_or_default();
        if fixed.contains(';') && !fixed.trim_start().starts_with('[') {
            reading.warn(path, "'groups' is one group whose name has a semicolon; a list is written ['a', 'b']");
        }
        if local.domain.is_none() && *reading.owner == Owner::Cloud {
            reading.warn(path, "'groups' without 'domain' works for values of the form JSON:{…} only");
        }
    }
    Some(local)
}

fn template(
    object: &mut Object<'_>,
    path: &str,
    name: &'static str,
    slots: usize,
    reading: &mut Reading<'_>,
) -> Option<Template> {
    let text = object.text(name, reading)?;
    match Template::parse(text, slots) {
        Ok(template) => Some(template),
        Err(reason) => {
            reading.wrong(&format!("{path}.{name}"), reason);
            None
        }
    }
}

/// None for a user without any member, which is no user to Keystone either.
fn user(value: &Value, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<UserTemplate> {
    let mut object = Object::read(value, path, reading)?;
    let empty = object.is_empty();
    let user = UserTemplate {
        id: template(&mut object, path, "id", slots, reading),
        name: template(&mut object, path, "name", slots, reading),
        email: template(&mut object, path, "email", slots, reading),
        domain: domain(&mut object, path, slots, reading),
        kind: match object.text("type", reading) {
            None | Some("ephemeral") => UserKind::Ephemeral,
            Some("local") => UserKind::Local,
            Some(other) => {
                reading.wrong(&format!("{path}.type"), format!("'{other:.60}' is not one of ['ephemeral', 'local']"));
                UserKind::Ephemeral
            }
        },
    };
    object.finish(reading);
    (!empty).then_some(user)
}

fn group(value: &Value, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<GroupTemplate> {
    let mut object = Object::read(value, path, reading)?;
    if object.has("id") {
        let id = template(&mut object, path, "id", slots, reading);
        object.finish(reading);
        return id.map(GroupTemplate::Id);
    }
    object.required("name", reading);
    let name = template(&mut object, path, "name", slots, reading);
    if *reading.owner == Owner::Cloud {
        object.required("domain", reading);
    }
    let domain = domain(&mut object, path, slots, reading);
    object.finish(reading);
    Some(GroupTemplate::Name { name: name?, domain })
}

fn projects(value: &Value, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<Vec<ProjectTemplate>> {
    let items = list(value, path, 0..=MAX_ENTRIES, reading)?;
    let projects: Vec<Option<ProjectTemplate>> =
        items.iter().enumerate().map(|(i, item)| project(item, &format!("{path}[{i}]"), slots, reading)).collect();
    projects.into_iter().collect()
}

fn project(value: &Value, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<ProjectTemplate> {
    let mut object = Object::read(value, path, reading)?;
    object.required("name", reading);
    let name = template(&mut object, path, "name", slots, reading);
    let roles = object.required("roles", reading);
    let domain = if reading.version >= SchemaVersion::V2 { domain(&mut object, path, slots, reading) } else { None };
    object.finish(reading);
    let path = format!("{path}.roles");
    let items = list(roles?, &path, 0..=MAX_ENTRIES, reading)?;
    let roles: Vec<Option<Template>> = items
        .iter()
        .enumerate()
        .map(|(i, item)| {
            let path = format!("{path}[{i}]");
            let mut object = Object::read(item, &path, reading)?;
            object.required("name", reading);
            let name = template(&mut object, &path, "name", slots, reading);
            object.finish(reading);
            name
        })
        .collect();
    Some(ProjectTemplate { name: name?, domain, roles: roles.into_iter().collect::<Option<_>>()? })
}

/// `{n}`, or the bare number, which Keystone takes as well.
fn projects_json(text: &str, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<usize> {
    let number = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    match number.parse::<usize>().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit())) {
        Some(slot) if slot < slots => Some(slot),
        Some(slot) => {
            reading.wrong(path, out_of_range(slot, slots));
            None
        }
        None => {
            reading.wrong(path, format!("'{text:.60}' must be the place of a value, such as {{0}}"));
            None
        }
    }
}

/// The member `domain`. In a domain's own mapping it must be that domain.
fn domain(object: &mut Object<'_>, path: &str, slots: usize, reading: &mut Reading<'_>) -> Option<DomainTemplate> {
    let value = object.get("domain")?;
    let path = format!("{path}.domain");
    let mut object = Object::read(value, &path, reading)?;
    if object.is_empty() {
        reading.wrong(&path, "a domain has an 'id' or a 'name'");
    }
    let id = template(&mut object, &path, "id", slots, reading);
    let name = template(&mut object, &path, "name", slots, reading);
    object.finish(reading);
    let domain = DomainTemplate { id, name };
    if let Owner::Domain(owner) = reading.owner {
        match domain.fixed() {
            None => reading.wrong(&path, "a mapping of a domain names no domain by values of an assertion"),
            Some(DomainRef { id: Some(id), .. }) if !id.is_empty() && id != *owner => {
                reading.wrong(&path, "a mapping of a domain names no other domain");
            }
            Some(_) => {}
        }
    }
    Some(domain)
}
