//! Role assignments: the grants as they are listed, as given or as they take effect.
//!
//! In effect, a group's grant is one of each member, an inherited grant is one on each project below its target, and a role
//! brings those that it implies. Where each came from is kept, for its links.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::grant::Grant;
use crate::clock::Timestamp;

/// Whether and how grants are expanded, and which of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this user (in effect: through their groups, too).
    pub user_id: Option<String>,
    /// Of this group.
    pub group_id: Option<String>,
    /// Of this role.
    pub role_id: Option<String>,
    /// On this project.
    pub project_id: Option<String>,
    /// On the projects below it, too.
    pub subtree: bool,
    /// On this domain.
    pub domain_id: Option<String>,
    /// On the whole deployment only.
    pub system: bool,
    /// Inherited ones only, or those only that are not.
    pub inherited: Option<bool>,
    /// As they take effect, rather than as given.
    pub effective: bool,
    /// On this domain and its projects only: all that the caller may see.
    pub within: Option<String>,
    /// With the names of what they refer to.
    pub names: bool,
    /// The time, for memberships that end.
    pub now: Timestamp,
}

/// A name with the domain that it is unique in; a domain has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Id and name of the domain.
    pub domain: Option<(String, String)>,
}

/// One grant as one line of the list before implied roles are added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The grant that it comes from.
    pub grant: Grant,
    /// In effect: the user.
    pub user_id: Option<String>,
    /// In effect and inherited: the project.
    pub project_id: Option<String>,
    /// Name of the actor or, in effect, the user.
    pub actor_name: Option<Name>,
    /// Name of the target or, in effect and inherited, the project.
    pub target_name: Option<Name>,
}

/// One item of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// What it was made from.
    pub line: &'a Line,
    /// The role; the grant's own or an implied one.
    pub role_id: &'a str,
    /// The role that implies it.
    pub prior_role_id: Option<&'a str>,
}

impl Line {
    /// Where this line is in the order of the list.
    pub fn key(&self) -> Key {
        Key {
            actor_id: self.grant.actor.id().to_owned(),
            actor_kind: self.grant.actor.kind().to_owned(),
            target_id: self.grant.target.id().to_owned(),
            target_kind: self.grant.target.kind().to_owned(),
            role_id: self.grant.role_id.clone(),
            inherited: self.grant.inherited,
            user_id: self.user_id.clone().unwrap_or_default(),
            project_id: self.project_id.clone().unwrap_or_default(),
        }
    }

    /// The target that it takes effect on.
    pub fn on(&self) -> (&'static str, &str) {
        match (&self.project_id, &self.grant.target) {
            (Some(id), _) => ("project", id),
            (None, target) => (target.kind(), target.id()),
        }
    }
}

/// The place of a line in the list: the key of its grant, then user and project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Id of the grant's actor.
    pub actor_id: String,
    /// Its kind.
    pub actor_kind: String,
    /// Id of the grant's target.
    pub target_id: String,
    /// Its kind.
    pub target_kind: String,
    /// The granted role.
    pub role_id: String,
    /// Whether the grant is inherited.
    pub inherited: bool,
    /// In effect: the user, else empty.
    pub user_id: String,
    /// In effect and inherited: the project, else empty.
    pub project_id: String,
}

/// A place between two items: how many of a line's items came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The line.
    pub key: Key,
    /// How many of its items are on pages before.
    pub shown: usize,
}

impl Marker {
    /// As text for a query.
    pub fn encode(&self) -> String {
        let k = &self.key;
        let parts = serde_json::json!([
            k.actor_id,
            k.actor_kind,
            k.target_id,
            k.target_kind,
            k.role_id,
            k.inherited,
            k.user_id,
            k.project_id,
            self.shown
        ]);
        URL_SAFE_NO_PAD.encode(parts.to_string())
    }

    /// Reads what [`Marker::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (actor_id, actor_kind, target_id, target_kind, role_id, inherited, user_id, project_id, shown) =
            serde_json::from_slice(&bytes).ok()?;
        let key = Key { actor_id, actor_kind, target_id, target_kind, role_id, inherited, user_id, project_id };
        let texts = [&key.actor_id, &key.target_id, &key.role_id, &key.user_id, &key.project_id];
        let whole = texts.iter().all(|t| t.len() <= 255 && !t.contains('\0'));
        (whole && key.actor_kind.len() <= 8 && key.target_kind.len() <= 8).then_some(Self { key, shown })
    }
}

/// A role as assignments need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName {
    /// Its name.
    pub name: String,
    /// Id and name of its domain, if it is domain-specific.
    pub domain: Option<(String, String)>,
}

/// All roles and what each implies.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    /// By id.
    pub by_id: BTreeMap<String, RoleName>,
    /// From a role to those that it implies by itself.
    pub implied: BTreeMap<String, Vec<String>>,
}

impl Roles {
    /// The items of a line. As given it is one. In effect there is one more for each implication that can be reached; a
    /// domain-specific role itself has no effect, only what it implies. `role_id` leaves the items of that role.
    pub fn items<'a>(&'a self, line: &'a Line, effective: bool, role_id: Option<&str>) -> Vec<Assignment<'a>> {
        let own = Assignment { line, role_id: &line.grant.role_id, prior_role_id: None };
        if !effective {
            return vec![own];
        }
        let mut all = vec![own];
        let mut seen = BTreeSet::from([line.grant.role_id.as_str()]);
        let mut open = vec![line.grant.role_id.as_str()];
        while let Some(prior) = open.pop() {
            for implied in self.implied.get(prior).into_iter().flatten() {
                all.push(Assignment { line, role_id: implied, prior_role_id: Some(prior) });
                if seen.insert(implied) {
                    open.push(implied);
                }
            }
        }
        all.retain(|a| {
            self.by_id.get(a.role_id).is_some_and(|r| r.domain.is_none()) && role_id.is_none_or(|r| r == a.role_id)
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::grant::Target;

    fn line(role: &str) -> Line {
        Line {
            grant: Grant::of_user("u", Target::Project("p".into()), role),
            user_id: Some("u".into()),
            project_id: None,
            actor_name: None,
            target_name: None,
        }
    }

    fn roles(global: &[&str], of_domain: &[&str], implied: &[(&str, &str)]) -> Roles {
        let mut roles = Roles::default();
        for (names, domain) in [(global, None), (of_domain, Some(("d".to_owned(), "D".to_owned())))] {
            for name in names {
                roles.by_id.insert((*name).into(), RoleName { name: (*name).into(), domain: domain.clone() });
            }
        }
        for (prior, next) in implied {
            roles.implied.entry((*prior).into()).or_default().push((*next).into());
        }
        roles
    }

    fn shown(items: &[Assignment<'_>]) -> Vec<String> {
        let mut all: Vec<String> =
            items.iter().map(|a| format!("{}<{}", a.role_id, a.prior_role_id.unwrap_or_default())).collect();
        all.sort();
        all
    }

    #[test]
    fn every_implication_that_can_be_reached_is_one_item_and_a_loop_ends() {
        let roles = roles(&["a", "b", "c", "d"], &[], &[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "a")]);
        let line = line("a");
        assert_eq!(shown(&roles.items(&line, true, None)), ["a<", "a<d", "b<a", "c<a", "d<b", "d<c"]);
        assert_eq!(shown(&roles.items(&line, true, Some("d"))), ["d<b", "d<c"]);
        assert_eq!(shown(&roles.items(&line, false, None)), ["a<"]);
    }

    #[test]
    fn a_domain_specific_role_has_only_what_it_implies() {
        let roles = roles(&["a"], &["x"], &[("x", "a")]);
        let line = line("x");
        assert_eq!(shown(&roles.items(&line, true, None)), ["a<x"]);
    }

    #[test]
    fn a_marker_comes_back_as_it_was_and_nothing_else_is_one() {
        let marker = Marker { key: line("r").key(), shown: 3 };
        assert_eq!(Marker::decode(&marker.encode()), Some(marker));
        let long = URL_SAFE_NO_PAD.encode(format!(r#"["{}","user","t","project","r",false,"","",0]"#, "x".repeat(300)));
        for bad in ["", "x", "bm9uZQ", long.as_str()] {
            assert_eq!(Marker::decode(bad), None, "{bad}");
        }
    }
}
