//! A project: what a project-scoped token is scoped to.

use super::fields::Extra;

/// A project that is not a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name, unique in its domain.
    pub name: String,
    /// The domain it belongs to.
    pub domain_id: String,
    /// The project or domain above it.
    pub parent_id: String,
    /// Tokens scoped to a disabled project are void.
    pub enabled: bool,
    /// For people.
    pub description: String,
    /// Further attributes.
    pub extra: Extra,
    /// Resource options.
    pub options: Extra,
}

/// A project together with what a token has to know of its domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The project.
    pub project: Project,
    /// Its domain's name.
    pub domain_name: String,
    /// Whether its domain is enabled.
    pub domain_enabled: bool,
}
