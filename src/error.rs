//! What can go wrong, said once for every face.
//!
//! An [`Error`] says what happened; its HTTP status follows from the variant. How it is worded on the wire is the
//! business of a dialect (`http::dialect`, one exhaustive `match` each: invariant I9). The text for the caller and the
//! text for the log are kept apart, so that an internal cause never reaches a client.

mod code;
mod scim;

use std::fmt;

pub use code::Code;
pub use scim::ScimFault;

/// The result of everything that can fail in this service.
pub type Result<T> = std::result::Result<T, Error>;

/// One failure. The variant decides the status; see [`Error::status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// 400: the request is malformed or breaks a rule. `field` is the path of the offending member, when one is to blame.
    Invalid {
        /// Text for the caller.
        message: String,
        /// Path of the offending member, such as `identity_provider.enabled`.
        field: Option<String>,
    },
    /// 401: no valid credential. The caller sees one uniform text; `reason` goes to the log and the audit record.
    Unauthorized {
        /// Text for the log only.
        reason: String,
    },
    /// 401 for an authentication method that is not offered; the caller learns which are.
    UnsupportedMethod {
        /// The methods that may be used.
        methods: Vec<String>,
    },
    /// 403: known caller, not allowed.
    Forbidden {
        /// Text for the caller.
        message: String,
    },
    /// 404: no such thing, or none that the caller may know of.
    NotFound {
        /// Text for the caller.
        message: String,
    },
    /// 404 for a path that no route has.
    NoRoute,
    /// 405 with the methods that the path has.
    MethodNotAllowed {
        /// Value of the `Allow` header.
        allow: String,
    },
    /// 408: the body did not arrive in time.
    Timeout,
    /// 409: the request contradicts what is stored.
    Conflict {
        /// Text for the caller.
        message: String,
    },
    /// 410: it was there once and is not any more, for anybody.
    Gone {
        /// Text for the caller.
        message: String,
    },
    /// 412: what is stored is not what the request was made for any more.
    PreconditionFailed {
        /// Text for the caller.
        message: String,
    },
    /// 413: the body is over the route's limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// 414: the request target is over the limit.
    UriTooLong,
    /// 415: the body is of a kind that is not read here.
    UnsupportedMedia {
        /// The kind that is.
        expected: &'static str,
    },
    /// 422: a body of the tenant face breaks its schema. `field` is the path of the offending member.
    Unprocessable {
        /// Text for the caller.
        message: String,
        /// Path of the offending member, its parts apart by dots; empty for the body as a whole.
        field: String,
        /// What is wrong in one word, such as `missing`.
        kind: &'static str,
    },
    /// A sign-in or an OAuth 2.0 exchange failed; the code decides the status.
    Refused {
        /// What it failed of.
        code: Code,
        /// Text for the caller.
        message: String,
        /// Text for the log and the trace only; empty where the caller's says it all.
        reason: String,
    },
    /// A SCIM request failed; the fault decides the status.
    Scim {
        /// What it failed of.
        fault: ScimFault,
        /// Text for the caller.
        message: String,
    },
    /// 501: it is understood, and not done here.
    NotImplemented {
        /// Text for the caller.
        message: String,
    },
    /// 431: the headers are over the limit.
    HeadersTooLarge,
    /// 429: try again later.
    TooMany {
        /// Text for the caller.
        message: String,
        /// Seconds after which a retry makes sense.
        retry_after: u32,
    },
    /// 502: the service that we were told to ask gave no usable answer.
    BadUpstream {
        /// Text for the caller; it never repeats what was answered.
        message: String,
    },
    /// 504: the service that we were told to ask did not answer in time.
    UpstreamTimeout {
        /// Text for the caller.
        message: String,
    },
    /// 503: something we depend on is away; safe to try again.
    Unavailable {
        /// Text for the log only.
        reason: String,
        /// Seconds after which a retry makes sense.
        retry_after: u32,
    },
    /// 500: our own fault. The cause is for the log only.
    Internal {
        /// Text for the log only.
        cause: String,
    },
}

impl Error {
    /// 400 without a particular member to blame.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), field: None }
    }

    /// 400 for the member at `field`.
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), field: Some(field.into()) }
    }

    /// 401; `reason` is for the log.
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::Unauthorized { reason: reason.into() }
    }

    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden { message: message.into() }
    }

    /// 422 for the member at `field`.
    pub fn unprocessable(field: impl Into<String>, kind: &'static str, message: impl Into<String>) -> Self {
        Self::Unprocessable { message: message.into(), field: field.into(), kind }
    }

    /// A sign-in or an exchange that failed, with a text for the caller.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into(), reason: String::new() }
    }

    /// The same with a reason that stays here.
    pub fn refused_because(code: Code, message: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into(), reason: reason.into() }
    }

    /// A SCIM request that failed.
    pub fn scim(fault: ScimFault, message: impl Into<String>) -> Self {
        Self::Scim { fault, message: message.into() }
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound { message: message.into() }
    }

    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into() }
    }

    /// 429 with a retry hint of one second.
    pub fn too_many(message: impl Into<String>) -> Self {
        Self::TooMany { message: message.into(), retry_after: 1 }
    }

    /// 412.
    pub fn precondition_failed(message: impl Into<String>) -> Self {
        Self::PreconditionFailed { message: message.into() }
    }

    /// 502.
    pub fn bad_upstream(message: impl Into<String>) -> Self {
        Self::BadUpstream { message: message.into() }
    }

    /// 504.
    pub fn upstream_timeout(message: impl Into<String>) -> Self {
        Self::UpstreamTimeout { message: message.into() }
    }

    /// 503 with a retry hint of five seconds; `reason` is for the log.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: 5 }
    }

    /// 500; `cause` is for the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::Internal { cause: cause.into() }
    }

    /// The HTTP status that every dialect uses for this failure.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid { .. } => 400,
            Self::Unauthorized { .. } | Self::UnsupportedMethod { .. } => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound { .. } | Self::NoRoute => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::Timeout => 408,
            Self::Conflict { .. } => 409,
            Self::Gone { .. } => 410,
            Self::PreconditionFailed { .. } => 412,
            Self::TooLarge { .. } => 413,
            Self::UriTooLong => 414,
            Self::UnsupportedMedia { .. } => 415,
            Self::Unprocessable { .. } => 422,
            Self::Refused { code, .. } => code.status(),
            Self::Scim { fault, .. } => fault.status(),
            Self::NotImplemented { .. } => 501,
            Self::TooMany { .. } => 429,
            Self::HeadersTooLarge => 431,
            Self::Internal { .. } => 500,
            Self::BadUpstream { .. } => 502,
            Self::Unavailable { .. } => 503,
            Self::UpstreamTimeout { .. } => 504,
        }
    }

    /// True for failures that are ours rather than the caller's, or than those of whom the caller had us ask.
    pub fn is_ours(&self) -> bool {
        let of_others = matches!(
            self,
            Self::BadUpstream { .. }
                | Self::UpstreamTimeout { .. }
                | Self::Refused { .. }
                | Self::NotImplemented { .. }
        );
        self.status() >= 500 && !of_others
    }
}

impl fmt::Display for Error {
    /// The text for logs and the command line: it names the internal cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { message, field: Some(field) } => write!(f, "{field}: {message}"),
            Self::Invalid { message, field: None }
            | Self::Forbidden { message }
            | Self::NotFound { message }
            | Self::Conflict { message }
            | Self::Gone { message }
            | Self::PreconditionFailed { message }
            | Self::BadUpstream { message }
            | Self::UpstreamTimeout { message }
            | Self::NotImplemented { message }
            | Self::TooMany { message, .. } => f.write_str(message),
            Self::Scim { fault, message } => write!(f, "{}: {message}", fault.as_str()),
            Self::Unprocessable { message, field, kind } => write!(f, "{field}: {message} ({kind})"),
            Self::Refused { code, message, reason } if reason.is_empty() => write!(f, "{}: {message}", code.as_str()),
            Self::Refused { code, reason, .. } => write!(f, "{}: {reason}", code.as_str()),
            Self::Unauthorized { reason } => write!(f, "unauthorized: {reason}"),
            Self::UnsupportedMethod { methods } => {
                write!(f, "unsupported authentication method (offered: {})", methods.join(", "))
            }
            Self::NoRoute => f.write_str("no such path"),
            Self::MethodNotAllowed { allow } => write!(f, "method not allowed (allowed: {allow})"),
            Self::Timeout => f.write_str("the request body did not arrive in time"),
            Self::TooLarge { limit } => write!(f, "the request body is over {limit} bytes"),
            Self::UnsupportedMedia { expected } => write!(f, "the request body is not {expected}"),
            Self::UriTooLong => f.write_str("the request target is too long"),
            Self::HeadersTooLarge => f.write_str("the request headers are too large"),
            Self::Unavailable { reason, .. } => write!(f, "unavailable: {reason}"),
            Self::Internal { cause } => write!(f, "internal error: {cause}"),
        }
    }
}

impl std::error::Error for Error {}
