//! A grant: an actor holds a role on a target.

/// Where a role is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// On a project.
    Project(String),
    /// On a domain.
    Domain(String),
    /// On the whole deployment.
    System,
}

impl Target {
    /// How the store writes the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Project(_) => "project",
            Self::Domain(_) => "domain",
            Self::System => "system",
        }
    }

    /// How the store writes the id.
    pub fn id(&self) -> &str {
        match self {
            Self::Project(id) | Self::Domain(id) => id,
            Self::System => "system",
        }
    }
}

/// A role that a user holds on a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The user.
    pub user_id: String,
    /// Where.
    pub target: Target,
    /// Which role.
    pub role_id: String,
}
