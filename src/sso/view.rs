//! How things look on the SSO face.

mod configuration;
mod deletion;
mod federation;
mod platform;
mod test;

pub use configuration::{SsoConfiguration, SsoConfigurations};
pub use deletion::Preview;
pub use federation::{Federated, Federations, ProvisioningRun, ProvisioningRuns};
pub use platform::{ConnectionTested, Platform, Platforms, RotatedKey};
pub use test::{Probed, Tested};

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::model::job::Job;

/// A time as RFC 3339 in UTC with whole seconds.
pub fn time(at: Timestamp) -> String {
    let text = at.whole_seconds().to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// A background job. Its payload is for whoever does it.
pub fn job(job: &Job) -> Value {
    json!({
        "uuid": job.id,
        "kind": job.kind,
        "subject": job.subject,
        "state": job.state.as_str(),
        "attempts": job.attempts,
        "maxAttempts": job.max_attempts,
        "runAt": time(job.run_at),
        "error": job.error,
        "createdAt": time(job.created_at),
        "updatedAt": time(job.updated_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_whole_seconds() {
        assert_eq!(time(Timestamp(1_767_222_000_999_999)), "2025-12-31T23:00:00Z");
    }
}
