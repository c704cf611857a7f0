//! Rules of projects and their tags: Keystone's defaults with the domain manager persona.
//!
//! `target.project` is the stored project. When projects are listed, `target.domain_id` is the domain that the caller's
//! token is scoped to and absent without one; a new project's `target.project.domain_id` is the domain that the service found
//! for it, absent for one that is to act as a domain.

use super::{ALL_SCOPES, RuleDefault};

const READ: &str = "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or project_id:%(target.project.id)s";
const WRITE: &str = "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)";

/// The rules.
pub(super) const RULES: &[RuleDefault] = &[
    RuleDefault {
        name: "identity:get_project",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Show a project.",
        operations: &[("GET", "/v3/projects/{project_id}")],
    },
    RuleDefault {
        name: "identity:list_projects",
        check: "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s)",
        scopes: ALL_SCOPES,
        description: "List projects. The target's domain is the one that the caller's token is scoped to.",
        operations: &[("GET", "/v3/projects")],
    },
    RuleDefault {
        name: "identity:list_user_projects",
        check: "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s",
        scopes: ALL_SCOPES,
        description: "List the projects on which a user holds a role.",
        operations: &[("GET", "/v3/users/{user_id}/projects")],
    },
    RuleDefault {
        name: "identity:create_project",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Create a project.",
        operations: &[("POST", "/v3/projects")],
    },
    RuleDefault {
        name: "identity:update_project",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Change a project, or whether a whole branch is enabled.",
        operations: &[("PATCH", "/v3/projects/{project_id}"), ("PATCH", "/v3/projects/{project_id}/cascade")],
    },
    RuleDefault {
        name: "identity:delete_project",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Delete a project, or a whole branch.",
        operations: &[("DELETE", "/v3/projects/{project_id}"), ("DELETE", "/v3/projects/{project_id}/cascade")],
    },
    RuleDefault {
        name: "identity:list_project_tags",
        check: READ,
        scopes: ALL_SCOPES,
        description: "List the tags of a project.",
        operations: &[("GET", "/v3/projects/{project_id}/tags"), ("HEAD", "/v3/projects/{project_id}/tags")],
    },
    RuleDefault {
        name: "identity:get_project_tag",
        check: READ,
        scopes: ALL_SCOPES,
        description: "Check that a project has a tag.",
        operations: &[
            ("GET", "/v3/projects/{project_id}/tags/{value}"),
            ("HEAD", "/v3/projects/{project_id}/tags/{value}"),
        ],
    },
    RuleDefault {
        name: "identity:update_project_tags",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Replace the tags of a project.",
        operations: &[("PUT", "/v3/projects/{project_id}/tags")],
    },
    RuleDefault {
        name: "identity:create_project_tag",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Add a tag to a project.",
        operations: &[("PUT", "/v3/projects/{project_id}/tags/{value}")],
    },
    RuleDefault {
        name: "identity:delete_project_tags",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Remove all tags of a project.",
        operations: &[("DELETE", "/v3/projects/{project_id}/tags")],
    },
    RuleDefault {
        name: "identity:delete_project_tag",
        check: WRITE,
        scopes: ALL_SCOPES,
        description: "Remove a tag of a project.",
        operations: &[("DELETE", "/v3/projects/{project_id}/tags/{value}")],
    },
];
