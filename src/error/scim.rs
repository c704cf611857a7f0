//! What a SCIM request failed of, in the words of RFC 7644 §3.12 (`scimType`).

/// What a SCIM request failed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimFault {
    /// The filter cannot be read, or asks for what is not supported.
    InvalidFilter,
    /// There would be more than can be answered or done.
    TooMany,
    /// A value is somebody else's already.
    Uniqueness,
    /// What is read-only would be changed.
    Mutability,
    /// The body cannot be read.
    InvalidSyntax,
    /// The path of a change cannot be read.
    InvalidPath,
    /// The path of a change leads to nothing.
    NoTarget,
    /// A value is missing or does not fit.
    InvalidValue,
}

impl ScimFault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::InvalidFilter,
        Self::TooMany,
        Self::Uniqueness,
        Self::Mutability,
        Self::InvalidSyntax,
        Self::InvalidPath,
        Self::NoTarget,
        Self::InvalidValue,
    ];

    /// Its status.
    pub fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::InvalidFilter
            | Self::TooMany
            | Self::Mutability
            | Self::InvalidSyntax
            | Self::InvalidPath
            | Self::NoTarget
            | Self::InvalidValue => 400,
        }
    }

    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
        }
    }
}
