//! A federation: one configuration on one platform, as it is to be and as it is known to be (sso-api §4.9, §6.4).

use super::words::words;
use crate::clock::Timestamp;

words! {
    /// What is to be.
    Wanted {
        /// The configuration is to be there as it is here.
        Present = "present",
        /// It is to be taken away.
        Absent = "absent",
    }
}

words! {
    /// What becomes of users and groups there when a configuration is taken away.
    Deprovision {
        /// They stay as they are.
        None = "none",
        /// Users are deactivated, groups emptied.
        Deactivate = "deactivate",
        /// They are deleted.
        Delete = "delete",
    }
}

words! {
    /// Where it stands.
    Status {
        /// Being pushed.
        Pending = "pending",
        /// There, as it is here.
        Federated = "federated",
        /// There, but not all users and groups are.
        Partial = "partial",
        /// The last push failed.
        Failed = "failed",
        /// It was changed since, here or there.
        Drifted = "drifted",
        /// Being taken away.
        Unfederating = "unfederating",
    }
}

words! {
    /// How it does.
    Health {
        /// Nobody has looked yet.
        Unknown = "unknown",
        /// All is there as it was made.
        Healthy = "healthy",
        /// It is there, but not as it was made.
        Degraded = "degraded",
        /// It is gone, or the platform does not answer.
        Unhealthy = "unhealthy",
    }
}

/// What a platform that has none is listed as.
pub const NOT_FEDERATED: &str = "not_federated";

/// A configuration on a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Federation {
    /// Its id.
    pub id: String,
    /// The configuration.
    pub config_id: String,
    /// The platform.
    pub platform_id: String,
    /// See [`Wanted`].
    pub wanted: Wanted,
    /// See [`Deprovision`].
    pub deprovision: Deprovision,
    /// See [`Status`].
    pub status: Status,
    /// See [`Health`].
    pub health: Health,
    /// What the platform calls it.
    pub client_id: Option<String>,
    /// The redirect URI that is to be registered at the identity provider.
    pub callback_url: Option<String>,
    /// What works and should be seen to all the same.
    pub warnings: Vec<String>,
    /// Why the last push failed.
    pub error: Option<String>,
    /// Why users are not all there.
    pub user_error: Option<String>,
    /// Why groups are not all there.
    pub group_error: Option<String>,
    /// Digest of what was last pushed.
    pub digest: Option<String>,
    /// The configuration's version that it was made of.
    pub pushed_version: Option<i64>,
    /// How often somebody has wished for something.
    pub asked: i64,
    /// The last of these wishes that was seen to.
    pub served: i64,
    /// An attempt of which nobody knows how it ended.
    pub attempt: Option<String>,
    /// The last run that provisions users and groups.
    pub run_id: Option<String>,
    /// When it was last pushed.
    pub pushed_at: Option<Timestamp>,
    /// When somebody last looked whether it is there.
    pub checked_at: Option<Timestamp>,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Federation {
    /// One that has just been asked for.
    pub fn new(id: String, config_id: &str, platform_id: &str, now: Timestamp) -> Self {
        Self {
            id,
            config_id: config_id.to_owned(),
            platform_id: platform_id.to_owned(),
            wanted: Wanted::Present,
            deprovision: Deprovision::None,
            status: Status::Pending,
            health: Health::Unknown,
            client_id: None,
            callback_url: None,
            warnings: Vec::new(),
            error: None,
            user_error: None,
            group_error: None,
            digest: None,
            pushed_version: None,
            asked: 0,
            served: 0,
            attempt: None,
            run_id: None,
            pushed_at: None,
            checked_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Where it stands once a push has gone well.
    pub fn settled(&self) -> Status {
        if self.user_error.is_some() || self.group_error.is_some() { Status::Partial } else { Status::Federated }
    }

    /// Whether a platform may have something of it.
    pub fn is_there(&self) -> bool {
        self.digest.is_some() || self.attempt.is_some()
    }
}

/// A platform, and a federation if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The platform's id.
    pub platform_id: String,
    /// Its name.
    pub platform_name: String,
    /// Its product.
    pub product_type: String,
    /// The federation.
    pub federation: Option<Federation>,
}
