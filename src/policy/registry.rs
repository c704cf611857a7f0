//! Every rule name of this service with its default, scope types, description and routes.
//!
//! Names and defaults are Keystone's (its secure-RBAC defaults, new defaults enforced), so policy files written for
//! Keystone keep their meaning. Two things are ours: identity-provider rules may be used with a domain-scoped token by
//! the security administrator (see `registry/federation.rs`), and [`canonical_name`] accepts Huawei's action names.
//! Only rules of routes that exist are listed; a name in a policy file that no route asks is worth a warning.

mod assignment;
mod catalog;
mod connection;
mod federation;
mod group;
mod identity;
mod project;
mod scim;
mod session;
mod sso;
mod tenant;
mod token;

use std::fmt::Write as _;
use std::sync::LazyLock;

/// What a token is for, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScopeType {
    /// The whole deployment.
    System,
    /// A domain.
    Domain,
    /// A project; an unscoped token counts as this, too.
    Project,
}

impl ScopeType {
    /// The name in policy documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Domain => "domain",
            Self::Project => "project",
        }
    }
}

/// A rule that the code knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleDefault {
    /// Name as in policy files.
    pub name: &'static str,
    /// The rule unless a policy file says otherwise.
    pub check: &'static str,
    /// Token scopes for which the rule can be satisfied, whatever policy files say; empty for any.
    pub scopes: &'static [ScopeType],
    /// What it protects, for the operator.
    pub description: &'static str,
    /// Method and path of the routes that ask this rule.
    pub operations: &'static [(&'static str, &'static str)],
}

const SYSTEM_PROJECT: &[ScopeType] = &[ScopeType::System, ScopeType::Project];
const ALL_SCOPES: &[ScopeType] = &[ScopeType::System, ScopeType::Domain, ScopeType::Project];

/// All rules: those that others refer to first, then resource by resource.
pub fn registry() -> &'static [RuleDefault] {
    static RULES: LazyLock<Vec<RuleDefault>> = LazyLock::new(|| {
        [
            token::BASE,
            token::RULES,
            federation::RULES,
            connection::RULES,
            identity::RULES,
            project::RULES,
            group::RULES,
            assignment::RULES,
            catalog::RULES,
            sso::RULES,
            session::RULES,
            tenant::RULES,
            scim::RULES,
        ]
        .concat()
    });
    &RULES
}

/// Huawei Cloud's action names beside the rules that decide about the same operation.
const ALIASES: [(&str, &str); 28] = [
    ("iam:identityProviders:listIdentityProviders", "identity:list_identity_providers"),
    ("iam:identityProviders:getIdentityProvider", "identity:get_identity_provider"),
    ("iam:identityProviders:createIdentityProvider", "identity:create_identity_provider"),
    ("iam:identityProviders:updateIdentityProvider", "identity:update_identity_provider"),
    ("iam:identityProviders:deleteIdentityProvider", "identity:delete_identity_provider"),
    ("iam:identityProviders:listProtocols", "identity:list_protocols"),
    ("iam:identityProviders:getProtocol", "identity:get_protocol"),
    ("iam:identityProviders:createProtocol", "identity:create_protocol"),
    ("iam:identityProviders:updateProtocol", "identity:update_protocol"),
    ("iam:identityProviders:deleteProtocol", "identity:delete_protocol"),
    ("iam:identityProviders:listMappings", "identity:list_mappings"),
    ("iam:identityProviders:getMapping", "identity:get_mapping"),
    ("iam:identityProviders:createMapping", "identity:create_mapping"),
    ("iam:identityProviders:updateMapping", "identity:update_mapping"),
    ("iam:identityProviders:deleteMapping", "identity:delete_mapping"),
    ("iam:identityProviders:createOpenIDConnectConfig", "identity:create_connection"),
    ("iam:identityProviders:getOpenIDConnectConfig", "identity:get_connection"),
    ("iam:identityProviders:updateOpenIDConnectConfig", "identity:update_connection"),
    ("iam:users:listUsers", "identity:list_users"),
    ("iam:users:getUser", "identity:get_user"),
    ("iam:users:createUser", "identity:create_user"),
    ("iam:users:updateUser", "identity:update_user"),
    ("iam:users:deleteUser", "identity:delete_user"),
    ("iam:roles:listRoles", "identity:list_roles"),
    ("iam:roles:getRole", "identity:get_role"),
    ("iam:roles:createRole", "identity:create_role"),
    ("iam:roles:updateRole", "identity:update_role"),
    ("iam:roles:deleteRole", "identity:delete_role"),
];

/// The name under which a rule is kept: Huawei's action names become Keystone's, every other name is itself.
pub fn canonical_name(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, canonical)| canonical)
}

/// The policy file with every rule and its default, all commented out.
pub fn sample() -> String {
    let mut out = String::from(
        "# Every policy rule of Archstone with its default.\n\
         #\n\
         # Remove the \"#\" before a rule to change it; rules left out keep their default. Files in policy.d are read after\n\
         # this one in the order of their names, and the last definition of a rule wins. Changes are noticed while the\n\
         # service runs. A rule that cannot be understood denies; `archstone policy list` shows what is in force.\n\
         #\n\
         # Scopes are part of the program: a token of another scope is refused whatever the rule says.\n",
    );
    for rule in registry() {
        let _ = write!(out, "\n# {}\n", rule.description);
        for (method, path) in rule.operations {
            let _ = writeln!(out, "# {method} {path}");
        }
        if !rule.scopes.is_empty() {
            let names: Vec<&str> = rule.scopes.iter().map(|scope| scope.name()).collect();
            let _ = writeln!(out, "# Scopes: {}", names.join(", "));
        }
        if let Some((alias, _)) = ALIASES.iter().find(|(_, canonical)| *canonical == rule.name) {
            let _ = writeln!(out, "# Also accepted as \"{alias}\".");
        }
        let _ = writeln!(out, "#\"{}\": \"{}\"", rule.name, rule.check);
    }
    out
}

#[cfg(test)]
mod tests;
