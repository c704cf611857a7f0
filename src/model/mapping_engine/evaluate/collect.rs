//! What the rules that match come to: the user, the groups, the projects.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::grammar::{DomainTemplate, GroupTemplate, Local, ProjectTemplate, Rule, UserTemplate};
use super::super::template::Template;
use super::super::{
    DomainRef, GroupName, Mapped, MappedProject, MappedUser, Owner, Refusal, Rules, SchemaVersion, Stage, literal,
};
use super::{NOTHING_MAPPED, Slots, refused};
use crate::model::assertion::Origin;

/// Most bytes of all texts that one evaluation makes.
const MAX_TEXT: usize = 8 * 1024 * 1024;
/// Most projects of one login.
const MAX_PROJECTS: usize = 10_000;

/// How a group in a value says that it is a JSON object (as a Keystone that signs users in at another one writes it).
const JSON_GROUP: &str = "JSON:";

/// Gathers.
pub(super) struct Collector<'r> {
    rules: &'r Rules,
    origin: Origin,
    text_left: usize,
    anything: bool,
    matched: bool,
    user: Option<MappedUser>,
    /// The domain of the object that named the user, and that of the last object of all.
    user_domain: Option<DomainRef>,
    last_domain: Option<DomainRef>,
    group_ids: BTreeSet<String>,
    group_names: BTreeSet<GroupName>,
    projects: Vec<MappedProject>,
    pub(super) warnings: Vec<String>,
}

impl<'r> Collector<'r> {
    pub(super) fn new(rules: &'r Rules, origin: Origin) -> Self {
        Self {
            rules,
            origin,
            text_left: MAX_TEXT,
            anything: false,
            matched: false,
            user: None,
            user_domain: None,
            last_domain: None,
            group_ids: BTreeSet::new(),
            group_names: BTreeSet::new(),
            projects: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What a rule that matches says.
    pub(super) fn add(&mut self, number: usize, rule: &Rule, slots: &Slots<'_>) -> Result<(), Refusal> {
        self.matched = true;
        for (i, local) in rule.local.iter().enumerate() {
            self.anything = true;
            self.add_local(local, slots, number, i)?;
        }
        Ok(())
    }

    fn add_local(&mut self, local: &Local, slots: &Slots<'_>, number: usize, i: usize) -> Result<(), Refusal> {
        let place = || format!("rules[{number}].local[{i}]");
        let domain = self.domain(local.domain.as_ref(), slots)?;
        if let Some(user) = &local.user {
            if self.user.is_some() {
                self.warnings.push(format!("{}: the user is passed over, an earlier rule has named one", place()));
            } else {
                self.user = Some(self.user(user, slots, &place())?);
                self.user_domain.clone_from(&domain);
            }
        }
        match &local.group {
            None => {}
            Some(GroupTemplate::Id(id)) => {
                let id = self.fill(id, slots)?;
                self.group_ids.insert(id);
            }
            Some(GroupTemplate::Name { name, domain }) => {
                let domain = self.domain(domain.as_ref(), slots)?.or_else(|| self.own_domain()).unwrap_or_default();
                let name = self.fill(name, slots)?;
                self.group_names.insert(GroupName { name, domain });
            }
        }
        if let Some(groups) = &local.groups {
            let groups = self.list(groups, slots)?;
            if groups.is_empty() && domain.is_none() && self.rules.owner == Owner::Cloud {
                return Err(no_domain(&place()));
            }
            for group in groups {
                let group = self.group(group, domain.as_ref(), &place())?;
                self.group_names.insert(group);
            }
        }
        if let Some(ids) = &local.group_ids {
            let ids = self.list(ids, slots)?;
            self.group_ids.extend(ids);
        }
        if local.projects.is_some() || local.projects_json.is_some() {
            self.projects = self.projects(local, domain.as_ref(), slots, &place())?;
        }
        self.last_domain = domain;
        Ok(())
    }

    /// What everything came to.
    pub(super) fn finish(self) -> Result<Mapped, Refusal> {
        if !self.anything {
            let why = if self.matched { " (Every rule that matches has an empty 'local'.)" } else { "" };
            return Err(refused(Stage::Match, format!("{NOTHING_MAPPED}{why}")));
        }
        // Keystone takes the domain of the last object for the user's default. Where that has none it ends with an error;
        // there the user's own object is asked, and then the identity provider.
        let default_domain = match self.rules.version {
            SchemaVersion::V1 => None,
            SchemaVersion::V2 | SchemaVersion::V3 => self.last_domain.or(self.user_domain),
        };
        let user = self.user.map(|user| MappedUser { domain: user.domain.or_else(|| default_domain.clone()), ..user });
        Ok(Mapped {
            user,
            default_domain,
            group_ids: self.group_ids,
            group_names: self.group_names,
            projects: self.projects,
            warnings: self.warnings,
        })
    }

    fn user(&mut self, user: &UserTemplate, slots: &Slots<'_>, place: &str) -> Result<MappedUser, Refusal> {
        for (what, template) in [("id", &user.id), ("name", &user.name), ("email", &user.email)] {
            let several = |slot: usize| slots.get(slot).is_some_and(|values| values.len() != 1);
            if template.as_ref().is_some_and(|template| template.slots().any(several)) {
                self.warnings
                    .push(format!("{place}.user.{what}: the text of a list, as there is not exactly one value"));
            }
        }
        Ok(MappedUser {
            id: self.fill_some(user.id.as_ref(), slots)?,
            name: self.fill_some(user.name.as_ref(), slots)?,
            email: self.fill_some(user.email.as_ref(), slots)?,
            domain: self.domain(user.domain.as_ref(), slots)?,
            kind: user.kind,
        })
    }

    /// A group of `groups`: a name in the domain beside it, or a JSON object.
    fn group(&mut self, text: String, domain: Option<&DomainRef>, place: &str) -> Result<GroupName, Refusal> {
        if !text.starts_with(JSON_GROUP) {
            let domain = domain.cloned().or_else(|| self.own_domain());
            let domain = domain.ok_or_else(|| no_domain(place))?;
            return Ok(GroupName { name: text, domain });
        }
        let wrong =
            |why: &str| refused(Stage::Collect, format!("{place}.groups: a group of the form JSON:{{…}} {why}"));
        // Keystone strips these characters however often they come.
        let json = text.trim_start_matches(['J', 'S', 'O', 'N', ':']);
        let group: Value = serde_json::from_str(json).map_err(|e| wrong(&format!("is no JSON: {e}")))?;
        let Some(Value::String(name)) = group.get("name") else { return Err(wrong("has no 'name'")) };
        let domain = match group.get("domain") {
            None => self.own_domain().ok_or_else(|| no_domain(place))?,
            Some(value) => read_domain(value).ok_or_else(|| wrong("has no domain by 'id' or 'name'"))?,
        };
        self.check_owner(Some(&domain), place)?;
        Ok(GroupName { name: name.clone(), domain })
    }

    fn projects(
        &mut self,
        local: &Local,
        domain: Option<&DomainRef>,
        slots: &Slots<'_>,
        place: &str,
    ) -> Result<Vec<MappedProject>, Refusal> {
        let mut projects = Vec::new();
        for project in local.projects.iter().flatten() {
            projects.push(self.project(project, slots)?);
        }
        if let Some(slot) = local.projects_json {
            let read = self.projects_json(slots.get(slot).map_or(&[][..], Vec::as_slice), place)?;
            projects.extend(read);
        }
        if projects.len() > MAX_PROJECTS {
            return Err(refused(Stage::Limit, format!("{place}: more than {MAX_PROJECTS} projects")));
        }
        if self.rules.version >= SchemaVersion::V2 {
            for project in &mut projects {
                project.domain = project.domain.take().or_else(|| domain.cloned());
            }
        }
        Ok(projects)
    }

    fn project(&mut self, project: &ProjectTemplate, slots: &Slots<'_>) -> Result<MappedProject, Refusal> {
        let name = self.fill(&project.name, slots)?;
        let domain = self.domain(project.domain.as_ref(), slots)?;
        let roles: Result<Vec<String>, Refusal> = project.roles.iter().map(|role| self.fill(role, slots)).collect();
        Ok(MappedProject { name, domain, roles: roles? })
    }

    /// Reads a value that holds a list of projects as JSON. No value is no project.
    fn projects_json(&mut self, values: &[&str], place: &str) -> Result<Vec<MappedProject>, Refusal> {
        let wrong = |why: &str| refused(Stage::Collect, format!("{place}.projects_json: {why}"));
        let text = match values {
            [] => return Ok(Vec::new()),
            [text] => text,
            _ => return Err(wrong("there are several values; a semicolon in the JSON text splits it")),
        };
        self.charge(text.len())?;
        let value: Value = serde_json::from_str(text).map_err(|e| wrong(&format!("the value is no JSON: {e}")))?;
        let read = read_projects(&value).ok_or_else(|| {
            wrong("the value is no list of objects with 'name', 'roles' (objects with 'name') and, at will, 'domain'")
        })?;
        for project in &read {
            self.check_owner(project.domain.as_ref(), place)?;
        }
        Ok(read)
    }

    /// The names that a text stands for: the items of a list, or the text itself.
    fn list(&mut self, template: &Template, slots: &Slots<'_>) -> Result<Vec<String>, Refusal> {
        if let Some(values) = template.lone_slot().and_then(|slot| slots.get(slot)) {
            // Printing a list and reading it again gives the list; and a value that was told apart from others is one.
            if values.len() != 1 || self.origin == Origin::Values {
                self.charge(values.iter().map(|v| v.len() + 8).sum())?;
                return Ok(values.iter().map(|v| (*v).to_owned()).collect());
            }
        }
        let text = self.fill(template, slots)?;
        Ok(literal::read_list(&text).unwrap_or_else(|| vec![text]))
    }

    fn domain(&mut self, domain: Option<&DomainTemplate>, slots: &Slots<'_>) -> Result<Option<DomainRef>, Refusal> {
        let Some(domain) = domain else { return Ok(None) };
        let id = self.fill_some(domain.id.as_ref(), slots)?;
        let name = self.fill_some(domain.name.as_ref(), slots)?;
        Ok(Some(DomainRef { id, name }))
    }

    /// The domain whose mapping this is.
    fn own_domain(&self) -> Option<DomainRef> {
        match &self.rules.owner {
            Owner::Cloud => None,
            Owner::Domain(id) => Some(DomainRef { id: Some(id.clone()), name: None }),
        }
    }

    /// A domain's mapping names no other, also by what comes in a value.
    fn check_owner(&self, domain: Option<&DomainRef>, place: &str) -> Result<(), Refusal> {
        let (Owner::Domain(owner), Some(domain)) = (&self.rules.owner, domain) else { return Ok(()) };
        match domain.id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) if id != owner => {
                Err(refused(Stage::Collect, format!("{place}: a value names another domain than the mapping's own")))
            }
            _ => Ok(()),
        }
    }

    fn fill(&mut self, template: &Template, slots: &Slots<'_>) -> Result<String, Refusal> {
        let text = template.fill(slots, self.text_left).ok_or_else(too_much)?;
        self.charge(text.len() + 8)?;
        Ok(text)
    }

    fn fill_some(&mut self, template: Option<&Template>, slots: &Slots<'_>) -> Result<Option<String>, Refusal> {
        template.map(|template| self.fill(template, slots)).transpose()
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.text_left = self.text_left.checked_sub(bytes).ok_or_else(too_much)?;
        Ok(())
    }
}

fn too_much() -> Refusal {
    refused(Stage::Limit, format!("the rules make more than {MAX_TEXT} bytes of this assertion"))
}

fn no_domain(place: &str) -> Refusal {
    refused(Stage::Collect, format!("Invalid rule: {place}. Both 'groups' and 'domain' keywords must be specified."))
}

fn read_projects(value: &Value) -> Option<Vec<MappedProject>> {
    value.as_array()?.iter().map(read_project).collect()
}

fn read_project(value: &Value) -> Option<MappedProject> {
    let map = value.as_object()?;
    let known = |name: &String| matches!(name.as_str(), "name" | "roles" | "domain");
    map.keys().all(known).then_some(())?;
    let domain = match map.get("domain") {
        None => None,
        Some(Value::Object(domain)) if domain.is_empty() => None,
        Some(domain) => Some(read_domain(domain)?),
    };
    let role = |role: &Value| {
        let role = role.as_object().filter(|role| role.len() == 1)?;
        role.get("name")?.as_str().map(str::to_owned)
    };
    let roles = map.get("roles")?.as_array()?.iter().map(role).collect::<Option<_>>()?;
    Some(MappedProject { name: map.get("name")?.as_str()?.to_owned(), domain, roles })
}

/// A domain that came in a value: an object with id or name, both texts, and nothing else.
fn read_domain(value: &Value) -> Option<DomainRef> {
    let map = value.as_object()?;
    let text = |name: &str| match map.get(name) {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let domain = DomainRef { id: text("id")?, name: text("name")? };
    let only_these = map.keys().all(|name| matches!(name.as_str(), "id" | "name"));
    (only_these && (domain.id.is_some() || domain.name.is_some())).then_some(domain)
}
