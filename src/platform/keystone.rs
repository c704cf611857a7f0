//! Keystone, and another Archstone, by the OS-FEDERATION API (Identity v3): a push makes an identity provider with a protocol and a
//! mapping, and for group mappings groups with roles in the identity provider's domain.
//!
//! What differs by what stands there:
//!
//! * A Keystone knows no client: a module of its web server signs people in, which a push cannot set up; a warning says so. The
//!   rules name attributes as mod_auth_openidc or mod_auth_mellon hand them over (`OIDC-…`, `MELLON_…`; `options.claimPrefix` says
//!   otherwise). Variables of that form cannot be sent by a client, as its header fields reach Keystone as `HTTP_…` only. Which
//!   attribute tells the issuer stays what `keystone.conf` or the protocol says. The redirect URI is the one that Keystone's guide
//!   registers unless `options.callbackUrl` names another.
//! * An Archstone is known by its JSON-home. It is given the connection too and signs people in by itself.
//!
//! A directory cannot be pushed to either. The credential is an application credential (`Key`), which works in a project of its
//! own, or a user's password. Keystone lets only unrestricted application credentials make and delete others, so those that are
//! made here are unrestricted: without that no key could ever be rotated or revoked.

mod connection;
mod groups;
mod mapping;
mod objects;
mod session;
mod target;

use serde_json::{Value, json};

use super::exchange;
use super::{Attempt, Found, Key, Platform, Problem, Pushed, Remote, Site, Trouble};
use crate::model::plan::Plan;
use crate::secret::Secret;
use session::{Outcome, Session};
use target::Target;

/// The platform.
#[derive(Debug, Clone, Copy)]
pub struct Keystone;

impl Platform for Keystone {
    /// Signs in and reads identity providers, which takes the rights that a push takes.
    async fn check(&self, site: &Site<'_>) -> Result<(), Problem> {
        let session = Session::open(site).await?;
        let path = "/OS-FEDERATION/identity_providers?id=archstone";
        let read = session.get("Reading identity providers", path).await;
        session.close().await;
        match read? {
            Some(_) => Ok(()),
            None => Err(Problem::new(
                Trouble::Unsupported,
                "The platform has no OS-FEDERATION. Check endpoint and product.",
            )),
        }
    }

    async fn negotiate(
        &self,
        site: &Site<'_>,
        user: &str,
        password: &Secret,
        name: &str,
    ) -> Result<Option<Key>, Problem> {
        let session = Session::by_password(site, user, password).await?;
        let made = make_key(&session, site, name).await;
        session.close().await;
        made
    }

    async fn revoke(&self, site: &Site<'_>, key_id: &str) -> Result<(), Problem> {
        const WHAT: &str = "Deleting the application credential";
        let session = Session::open(site).await?;
        let path = format!("{}/{}", keys_of(&session), exchange::segment(key_id));
        let done = session.delete(WHAT, &path).await.map_err(|problem| restricted(WHAT, problem));
        session.close().await;
        done
    }

    async fn rotate(&self, site: &Site<'_>, name: &str) -> Result<Key, Problem> {
        let session = Session::open(site).await?;
        let made = make_key(&session, site, name).await;
        session.close().await;
        made?.ok_or_else(|| {
            Problem::new(
                Trouble::Unsupported,
                "The platform has no application credentials: there is no key to rotate.",
            )
        })
    }

    async fn push(&self, site: &Site<'_>, plan: &Plan, _: &Attempt) -> Result<Pushed, Problem> {
        let session = Session::open(site).await?;
        let done = push(&session, site, plan).await;
        session.close().await;
        done
    }

    async fn remove(&self, site: &Site<'_>, remote: &Remote, _: &Attempt) -> Result<(), Problem> {
        let session = Session::open(site).await?;
        let done = remove(&session, &remote.remote_id).await;
        session.close().await;
        done
    }

    async fn inspect(&self, site: &Site<'_>, plan: &Plan) -> Result<Found, Problem> {
        let session = Session::open(site).await?;
        let done = inspect(&session, site, plan).await;
        session.close().await;
        done
    }
}

/// What an identity provider and its mapping are called there.
fn name_of(remote_id: &str) -> String {
    format!("archstone-{remote_id}")
}

/// Roles first: if one is not there, nothing has been made.
async fn push(session: &Session<'_>, site: &Site<'_>, plan: &Plan) -> Result<Pushed, Problem> {
    let target = Target::find(session, site, plan).await?;
    let wanted = groups::wanted(session, plan).await?;
    let name = name_of(&plan.remote_id);
    let domain_id = objects::identity_provider(session, &target, &name, plan).await?;
    let mut warnings = groups::align(session, &domain_id, &plan.remote_id, &wanted).await?;
    objects::mapping(session, &name, &mapping::rules(&target, plan, &domain_id)?).await?;
    objects::protocol(session, &name, &target.protocol_id).await?;
    if target.is_archstone {
        connection::write(session, site, &target, &name, plan).await?;
    }
    warnings.extend(target.warnings(plan));
    Ok(Pushed { callback_url: Some(target.callback(site, &name)?), client_id: name, warnings })
}

/// From the outside in: whatever is still there after a failure is found again by the next attempt.
async fn remove(session: &Session<'_>, remote_id: &str) -> Result<(), Problem> {
    let name = name_of(remote_id);
    let path = objects::identity_provider_path(&name);
    if let Some(found) = session.get("Reading the identity provider", &path).await? {
        if let Some(domain_id) = found["identity_provider"]["domain_id"].as_str() {
            groups::remove(session, domain_id, remote_id).await?;
        }
        for protocol in session.list("Listing protocols", &format!("{path}/protocols"), "protocols").await? {
            let id = protocol["id"].as_str().ok_or_else(|| exchange::unreadable("Listing protocols"))?;
            session.delete("Deleting the protocol", &format!("{path}/protocols/{}", exchange::segment(id))).await?;
        }
    }
    session.delete("Deleting the mapping", &objects::mapping_path(&name)).await?;
    session.delete("Deleting the identity provider", &path).await
}

async fn inspect(session: &Session<'_>, site: &Site<'_>, plan: &Plan) -> Result<Found, Problem> {
    let target = Target::find(session, site, plan).await?;
    let name = name_of(&plan.remote_id);
    let path = objects::identity_provider_path(&name);
    let Some(found) = session.get("Reading the identity provider", &path).await? else { return Ok(Found::Missing) };
    let found = &found["identity_provider"];
    let mut differs = objects::identity_provider_differs(found, plan);
    let domain_id = found["domain_id"].as_str().unwrap_or_default();
    let rules = mapping::rules(&target, plan, domain_id)?;
    differs.extend(objects::mapping_differs(session, &name, &rules).await?);
    differs.extend(objects::protocol_differs(session, &name, &target.protocol_id).await?);
    let wanted = groups::wanted(session, plan).await?;
    differs.extend(groups::differ(session, domain_id, &plan.remote_id, &wanted).await?);
    if target.is_archstone {
        differs.extend(connection::differs(session, site, &target, &name, plan).await?);
    }
    Ok(if differs.is_empty() { Found::Same } else { Found::Different(differs) })
}

fn keys_of(session: &Session<'_>) -> String {
    format!("/users/{}/application_credentials", exchange::segment(&session.user_id))
}

/// Makes an application credential for whoever has signed in; none where there is no such thing.
async fn make_key(session: &Session<'_>, site: &Site<'_>, name: &str) -> Result<Option<Key>, Problem> {
    const WHAT: &str = "Making an application credential";
    let path = keys_of(session);
    let mut name = name.to_owned();
    let mut outcome = session.post(WHAT, &path, &new_key(&name)).await;
    if let Ok(Outcome::Conflict) = outcome {
        // Somebody's earlier one has the name.
        name = format!("{name}-{}", &site.random.hex_id()[..8]);
        outcome = session.post(WHAT, &path, &new_key(&name)).await;
    }
    match outcome.map_err(|problem| restricted(WHAT, problem))? {
        Outcome::Done(made) => {
            let made = &made["application_credential"];
            let (Some(id), Some(secret)) = (made["id"].as_str(), made["secret"].as_str()) else {
                return Err(exchange::unreadable(WHAT));
            };
            Ok(Some(Key { id: id.to_owned(), secret: Secret::from(secret), name }))
        }
        Outcome::Missing => Ok(None),
        Outcome::Conflict => Err(Problem::new(Trouble::Refused, format!("{WHAT}: there is one of that name already."))),
    }
}

fn new_key(name: &str) -> Value {
    json!({"application_credential": {
        "name": name, "unrestricted": true, "description": "Made by Archstone to push configurations.",
    }})
}

/// What it most likely is when an application credential may not make or delete others.
fn restricted(what: &str, problem: Problem) -> Problem {
    if problem.kind != Trouble::Credential {
        return problem;
    }
    Problem::new(
        Trouble::Credential,
        format!(
            "{what}: the platform does not let the credential do this. An application credential may only if it is unrestricted; \
             with a restricted one, make and delete them at the platform."
        ),
    )
}

#[cfg(test)]
mod tests;
