//! The identity provider, its mapping and its protocol: read first, written only if something differs.

use http::StatusCode;
use serde_json::{Value, json};

use super::session::{Outcome, Session};
use super::target::Target;
use crate::model::plan::Plan;
use crate::platform::exchange::{self, segment};
use crate::platform::{Problem, Trouble};

/// Longest remote id that Keystone's API takes.
const MAX_REMOTE_ID: usize = 64;

/// Where an identity provider stands.
pub fn identity_provider_path(name: &str) -> String {
    format!("/OS-FEDERATION/identity_providers/{}", segment(name))
}

/// Where a mapping stands.
pub fn mapping_path(name: &str) -> String {
    format!("/OS-FEDERATION/mappings/{}", segment(name))
}

/// Where a protocol stands.
pub fn protocol_path(name: &str, protocol_id: &str) -> String {
    format!("{}/protocols/{}", identity_provider_path(name), segment(protocol_id))
}

/// Has the identity provider be as the plan says; answers its domain.
pub async fn identity_provider(
    session: &Session<'_>,
    target: &Target,
    name: &str,
    plan: &Plan,
) -> Result<String, Problem> {
    const WHAT: &str = "Writing the identity provider";
    let path = identity_provider_path(name);
    let wanted = json!({"identity_provider": wanted(plan)});
    let found = match session.get("Reading the identity provider", &path).await? {
        Some(found) if identity_provider_differs(&found["identity_provider"], plan).is_empty() => found,
        Some(_) => session.patch(WHAT, &path, &wanted).await.map_err(|problem| explained(problem, target, plan))?,
        None => {
            let outcome =
                session.put(WHAT, &path, &wanted).await.map_err(|problem| explained(problem, target, plan))?;
            match outcome {
                Outcome::Conflict => {
                    return Err(Problem::new(
                        Trouble::Refused,
                        format!(
                            "{WHAT}: another identity provider of the platform has the issuer '{}' already.",
                            plan.issuer
                        ),
                    ));
                }
                other => other.done(WHAT)?,
            }
        }
    };
    let domain_id = found["identity_provider"]["domain_id"].as_str();
    domain_id.map(str::to_owned).ok_or_else(|| exchange::unreadable(WHAT))
}

fn wanted(plan: &Plan) -> Value {
    json!({"enabled": true, "description": plan.display_name, "remote_ids": [plan.issuer]})
}

/// What differs of an identity provider that is there.
pub fn identity_provider_differs(found: &Value, plan: &Plan) -> Vec<String> {
    let wanted = wanted(plan);
    ["enabled", "description", "remote_ids"]
        .into_iter()
        .filter(|member| found.get(member) != wanted.get(member))
        .map(|member| format!("identity_provider.{member}"))
        .collect()
}

/// Says of a refusal that it may be the issuer's length.
pub fn explained(problem: Problem, target: &Target, plan: &Plan) -> Problem {
    let length = plan.issuer.chars().count();
    if problem.kind == Trouble::Refused && length > MAX_REMOTE_ID && !target.is_archstone {
        let text = format!(
            "{} The issuer has {length} characters; most versions of Keystone take {MAX_REMOTE_ID}.",
            problem.message
        );
        return Problem::new(Trouble::Refused, text);
    }
    problem
}

/// Has the mapping have these rules.
pub async fn mapping(session: &Session<'_>, name: &str, rules: &Value) -> Result<(), Problem> {
    const WHAT: &str = "Writing the mapping";
    let path = mapping_path(name);
    let wanted = json!({"mapping": {"rules": rules}});
    match session.get("Reading the mapping", &path).await? {
        Some(found) if found["mapping"]["rules"] == *rules => Ok(()),
        Some(_) => session.patch(WHAT, &path, &wanted).await.map(drop),
        None => session.put(WHAT, &path, &wanted).await?.done(WHAT).map(drop),
    }
}

/// What differs of the mapping.
pub async fn mapping_differs(session: &Session<'_>, name: &str, rules: &Value) -> Result<Option<String>, Problem> {
    let found = session.get("Reading the mapping", &mapping_path(name)).await?;
    Ok(match found {
        None => Some("mapping".to_owned()),
        Some(found) => (found["mapping"]["rules"] != *rules).then(|| "mapping.rules".to_owned()),
    })
}

/// Has the protocol name the mapping. Whatever else it has stays as it is.
pub async fn protocol(session: &Session<'_>, name: &str, protocol_id: &str) -> Result<(), Problem> {
    const WHAT: &str = "Writing the protocol";
    let path = protocol_path(name, protocol_id);
    let wanted = json!({"protocol": {"mapping_id": name}});
    match session.get("Reading the protocol", &path).await? {
        Some(found) if found["protocol"]["mapping_id"] == name => Ok(()),
        Some(_) => session.patch(WHAT, &path, &wanted).await.map(drop),
        None => session.put(WHAT, &path, &wanted).await?.done(WHAT).map(drop),
    }
}

/// What differs of the protocol.
pub async fn protocol_differs(session: &Session<'_>, name: &str, protocol_id: &str) -> Result<Option<String>, Problem> {
    let found = session.get("Reading the protocol", &protocol_path(name, protocol_id)).await?;
    Ok(match found {
        None => Some("protocol".to_owned()),
        Some(found) => (found["protocol"]["mapping_id"] != name).then(|| "protocol.mapping_id".to_owned()),
    })
}

/// The refusal of a thing that must be there by now.
pub fn missing(what: &str) -> Problem {
    exchange::refusal(what, StatusCode::NOT_FOUND)
}
