//! What came of pushing a configuration, and what is known of it afterwards (sso-api §4.8, §4.9).

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::model::federation::{self, Listed, NOT_FEDERATED};
use crate::model::list::{Portion, Window};
use crate::model::provisioning::{Counts, Tally};
use crate::service::federate::Item;
use crate::service::provisioning::Report;

/// What came of each platform.
#[derive(Debug, Serialize, ToSchema)]
pub struct Federated {
    /// One for each platform, in the order asked.
    items: Vec<FederatedItem>,
}

/// What came of one platform.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FederatedItem {
    /// The platform.
    platform_uuid: String,
    /// Its product.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_type: Option<String>,
    /// `success` or `failed`.
    status: &'static str,
    /// What the platform calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_client_uuid: Option<String>,
    /// The redirect URI that has to be registered at the identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    /// Why it did not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why users are not all there.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_user_provisioning_error: Option<String>,
    /// Why groups are not all there.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_group_provisioning_error: Option<String>,
}

impl From<&[Item]> for Federated {
    fn from(items: &[Item]) -> Self {
        let item = |item: &Item| FederatedItem {
            platform_uuid: item.platform_id.clone(),
            product_type: item.product_type.clone(),
            status: if item.error.is_none() { "success" } else { "failed" },
            sso_client_uuid: item.client_id.clone(),
            callback_url: item.callback_url.clone(),
            error: item.error.clone(),
            scim_user_provisioning_error: item.user_error.clone(),
            scim_group_provisioning_error: item.group_error.clone(),
        };
        Self { items: items.iter().map(item).collect() }
    }
}

/// A page of platforms with what is federated to them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Federations {
    /// The page.
    items: Vec<FederationStatus>,
    /// How many there are.
    total: i64,
    /// Most items of the page.
    limit: i64,
    /// Items left out before it.
    offset: i64,
}

/// A platform, and a configuration that is federated to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FederationStatus {
    /// The platform.
    platform_uuid: String,
    /// Its name.
    platform_name: String,
    /// Its product.
    product_type: String,
    /// Where the federation stands.
    status: &'static str,
    /// How it does there.
    health_status: &'static str,
    /// The federation, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    federation: Option<Federation>,
}

/// A configuration on a platform.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Federation {
    /// Its identifier.
    uuid: String,
    /// The configuration.
    sso_config_uuid: String,
    /// The platform.
    platform_uuid: String,
    /// Its product.
    product_type: String,
    /// What the platform calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_client_uuid: Option<String>,
    /// The redirect URI that has to be registered at the identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    /// Where it stands.
    status: &'static str,
    /// Why the last push failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What works and should be seen to all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Why users are not all there.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_user_provisioning_error: Option<String>,
    /// Why groups are not all there.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_group_provisioning_error: Option<String>,
    /// The last run that provisions users and groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_uuid: Option<String>,
    /// When it was last pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_pushed_at: Option<String>,
    /// When somebody last looked whether it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_checked_at: Option<String>,
    /// When it was first asked for.
    created_at: String,
    /// When it last changed.
    updated_at: String,
}

impl Federation {
    fn of(it: &federation::Federation, product_type: &str) -> Self {
        Self {
            uuid: it.id.clone(),
            sso_config_uuid: it.config_id.clone(),
            platform_uuid: it.platform_id.clone(),
            product_type: product_type.to_owned(),
            sso_client_uuid: it.client_id.clone(),
            callback_url: it.callback_url.clone(),
            status: it.status.as_str(),
            error: it.error.clone(),
            warnings: it.warnings.clone(),
            scim_user_provisioning_error: it.user_error.clone(),
            scim_group_provisioning_error: it.group_error.clone(),
            job_uuid: it.run_id.clone(),
            last_pushed_at: it.pushed_at.map(time),
            last_checked_at: it.checked_at.map(time),
            created_at: time(it.created_at),
            updated_at: time(it.updated_at),
        }
    }
}

impl Federations {
    /// Of a part of the list.
    pub fn of(found: &Portion<Listed>, window: Window) -> Self {
        let item = |it: &Listed| FederationStatus {
            platform_uuid: it.platform_id.clone(),
            platform_name: it.platform_name.clone(),
            product_type: it.product_type.clone(),
            status: it.federation.as_ref().map_or(NOT_FEDERATED, |f| f.status.as_str()),
            health_status: it.federation.as_ref().map_or("unknown", |f| f.health.as_str()),
            federation: it.federation.as_ref().map(|f| Federation::of(f, &it.product_type)),
        };
        let items = found.items.iter().map(item).collect();
        Self { items, total: found.total, limit: window.limit, offset: window.offset }
    }
}

/// A run that provisions users and groups on a platform, with its report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningRun {
    /// Its identifier.
    uuid: String,
    /// The configuration.
    sso_config_uuid: String,
    /// The platform.
    platform_uuid: String,
    /// `full`, `changes`, `deactivate` or `delete`.
    mode: &'static str,
    /// Where it stands.
    status: &'static str,
    /// What it is at.
    phase: &'static str,
    /// Users.
    users: RunCounts,
    /// Groups.
    groups: RunCounts,
    /// Memberships that were added.
    members_added: i64,
    /// Memberships that were taken away.
    members_removed: i64,
    /// The first that did not work, and why.
    problems: Vec<RunProblem>,
    /// Why it could not go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it was asked for.
    created_at: String,
    /// When it last got on.
    updated_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
}

/// How far a run has come with one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunCounts {
    /// To be looked at, as of its beginning.
    total: i64,
    /// Looked at.
    done: i64,
    /// How many, by what became of them.
    outcomes: std::collections::BTreeMap<String, i64>,
}

/// One that did not work.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunProblem {
    /// `user` or `group`.
    kind: &'static str,
    /// Its id here.
    id: String,
    /// Its name here.
    name: String,
    /// Why.
    reason: String,
}

impl From<&Report> for ProvisioningRun {
    fn from(report: &Report) -> Self {
        let (run, of) = (&report.run, &report.federation);
        let Counts { users, groups, members_added, members_removed } = run.counts.clone();
        let counts = |t: Tally| RunCounts { total: t.total, done: t.done, outcomes: t.outcomes };
        let problem = |p: &crate::model::provisioning::Problem| RunProblem {
            kind: p.kind.as_str(),
            id: p.id.clone(),
            name: p.name.clone(),
            reason: p.reason.clone(),
        };
        Self {
            uuid: run.id.clone(),
            sso_config_uuid: of.config_id.clone(),
            platform_uuid: of.platform_id.clone(),
            mode: run.mode.as_str(),
            status: run.state.as_str(),
            phase: run.phase.as_str(),
            users: counts(users),
            groups: counts(groups),
            members_added,
            members_removed,
            problems: run.problems.iter().map(problem).collect(),
            error: run.error.clone(),
            created_at: time(run.created_at),
            updated_at: time(run.updated_at),
            finished_at: run.finished_at.map(time),
        }
    }
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProvisioningRuns {
    /// The page.
    items: Vec<ProvisioningRun>,
    /// How many there are.
    total: i64,
    /// Most items of the page.
    limit: i64,
    /// Items left out before it.
    offset: i64,
}

impl ProvisioningRuns {
    /// Of a part of the list.
    pub fn of(found: &Portion<Report>, window: Window) -> Self {
        let items = found.items.iter().map(ProvisioningRun::from).collect();
        Self { items, total: found.total, limit: window.limit, offset: window.offset }
    }
}
