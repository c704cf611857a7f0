//! Grants of roles, alike for users and groups, on projects, domains and the system.

use crate::openapi::operation::Operation;

/// A family of paths: that of the list, that of one grant, the words for its ids, and those for people.
type Family = (&'static str, &'static str, &'static str, &'static str);

const FAMILIES: [Family; 10] = [
    (
        "/v3/projects/{project_id}/users/{user_id}/roles",
        "/v3/projects/{project_id}/users/{user_id}/roles/{role_id}",
        "ProjectUser",
        "a user holds on a project",
    ),
    (
        "/v3/projects/{project_id}/groups/{group_id}/roles",
        "/v3/projects/{project_id}/groups/{group_id}/roles/{role_id}",
        "ProjectGroup",
        "a group holds on a project",
    ),
    (
        "/v3/domains/{domain_id}/users/{user_id}/roles",
        "/v3/domains/{domain_id}/users/{user_id}/roles/{role_id}",
        "DomainUser",
        "a user holds on a domain",
    ),
    (
        "/v3/domains/{domain_id}/groups/{group_id}/roles",
        "/v3/domains/{domain_id}/groups/{group_id}/roles/{role_id}",
        "DomainGroup",
        "a group holds on a domain",
    ),
    (
        "/v3/system/users/{user_id}/roles",
        "/v3/system/users/{user_id}/roles/{role_id}",
        "SystemUser",
        "a user holds on the system",
    ),
    (
        "/v3/system/groups/{group_id}/roles",
        "/v3/system/groups/{group_id}/roles/{role_id}",
        "SystemGroup",
        "a group holds on the system",
    ),
    (
        "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects",
        "ProjectUserInherited",
        "a user holds on all projects below one",
    ),
    (
        "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects",
        "ProjectGroupInherited",
        "a group holds on all projects below one",
    ),
    (
        "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects",
        "DomainUserInherited",
        "a user holds on all projects of a domain",
    ),
    (
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects",
        "DomainGroupInherited",
        "a group holds on all projects of a domain",
    ),
];

/// All of them.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (many, one, name, held) in FAMILIES {
        all.extend([
            Operation::get(many, format!("List{name}Roles"), format!("List roles that {held}.")).lists("RoleList"),
            Operation::get(one, format!("Check{name}Role"), format!("Whether a role is one that {held}.")).done(),
            Operation::put(one, format!("Grant{name}Role"), format!("Make a role one that {held}.")).done(),
            Operation::delete(one, format!("Revoke{name}Role"), format!("Make a role none that {held}.")).done(),
        ]);
    }
    all
}
