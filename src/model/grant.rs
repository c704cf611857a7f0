//! A grant: an actor holds a role on a target.

/// Who holds a role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A user.
    User(String),
    /// A group: all its members.
    Group(String),
}

impl Actor {
    /// How the store writes the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Group(id) => id,
        }
    }
}

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

/// A role that an actor holds on a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Who.
    pub actor: Actor,
    /// Where.
    pub target: Target,
    /// Which role.
    pub role_id: String,
    /// Whether it counts on the projects below the target, and not on the target itself (OS-INHERIT).
    pub inherited: bool,
}

impl Grant {
    /// A role that a user holds on the target itself.
    pub fn of_user(user_id: impl Into<String>, target: Target, role_id: impl Into<String>) -> Self {
        Self { actor: Actor::User(user_id.into()), target, role_id: role_id.into(), inherited: false }
    }
}
