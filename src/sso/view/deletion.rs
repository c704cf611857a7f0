//! What a deletion would do, as the SSO face shows it (sso-api §4.5).

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::sso_config::deletion::{self, Propagation};

/// What deleting a resource would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What stands in its way.
    blockers: Vec<Blocker>,
    /// What would be deleted with it.
    cascade_resources: Vec<Resource>,
    /// What would stay behind.
    orphan_resources: Vec<Resource>,
    /// What has to be done elsewhere first.
    finalizers: Vec<Finalizer>,
    /// The policies that may be chosen.
    available_policies: Vec<&'static str>,
    /// Whether it could be restored.
    soft_delete_recoverable: bool,
}

/// What stands in the way of a deletion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// What it is.
    resource_type: &'static str,
    /// Its identifier.
    resource_uuid: String,
    /// Its name.
    resource_name: String,
    /// How it hangs on what is to be deleted.
    relation: &'static str,
    /// What can be done about it.
    suggestion: &'static str,
    /// Whether no policy takes it out of the way.
    hard: bool,
}

/// A resource that a deletion concerns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// What it is.
    resource_type: &'static str,
    /// Its identifier.
    resource_uuid: String,
    /// Its name.
    resource_name: String,
}

/// A step that comes before a deletion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finalizer {
    /// Its name.
    name: String,
    /// What it does.
    description: String,
    /// Where it stands.
    status: String,
    /// Why it failed.
    error: String,
}

impl From<&deletion::Finalizer> for Finalizer {
    fn from(it: &deletion::Finalizer) -> Self {
        Self {
            name: it.name.clone(),
            description: it.description.to_owned(),
            status: "pending".to_owned(),
            error: String::new(),
        }
    }
}

impl From<&deletion::Preview> for Preview {
    fn from(preview: &deletion::Preview) -> Self {
        let resource = |r: &deletion::Resource| Resource {
            resource_type: r.kind,
            resource_uuid: r.id.clone(),
            resource_name: r.name.clone(),
        };
        let blocker = |r: &deletion::Resource| Blocker {
            resource_type: r.kind,
            resource_uuid: r.id.clone(),
            resource_name: r.name.clone(),
            relation: match r.kind {
                "platform" => "federated to this platform",
                "sso_configuration" => "federated to it",
                _ => "signed in by this configuration",
            },
            suggestion: match r.kind {
                "platform" | "sso_configuration" => {
                    "Unfederate it, or choose Foreground to do so, or Orphan to leave it there."
                }
                _ => "Choose Foreground or Background to delete such users too, or Orphan to keep them.",
            },
            hard: false,
        };
        Self {
            blockers: preview.blockers.iter().map(blocker).collect(),
            cascade_resources: preview.cascade.iter().map(resource).collect(),
            orphan_resources: preview.orphans.iter().map(resource).collect(),
            finalizers: preview.finalizers.iter().map(Finalizer::from).collect(),
            available_policies: Propagation::ALL.map(Propagation::as_str).to_vec(),
            soft_delete_recoverable: false,
        }
    }
}
