//! The first administrator, as `keystone-manage bootstrap` makes them. Running it again changes nothing but what the
//! arguments say differently, and repairs what is missing.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::audit;
use crate::clock::{Clock, Random};
use crate::error::{Error, Result};
use crate::keys::password::Hasher;
use crate::model::audit_event::Outcome;
use crate::model::domain::Domain;
use crate::model::fields::Extra;
use crate::model::grant::{Grant, Target};
use crate::model::project::Project;
use crate::model::role::Role;
use crate::model::user::User;
use crate::secret::Secret;
use crate::store::{self, Conn, Store};

/// What to make.
#[derive(Debug)]
pub struct Plan {
    /// The administrator's password; `None` leaves an existing one.
    pub password: Option<Secret>,
    /// The administrator's name.
    pub username: String,
    /// Their project's name.
    pub project_name: String,
    /// The role that they hold.
    pub role_name: String,
    /// Name of the identity service in the catalog.
    pub service_name: String,
    /// Endpoint URLs; an absent one is not made.
    pub admin_url: Option<String>,
    /// See [`Plan::admin_url`].
    pub internal_url: Option<String>,
    /// See [`Plan::admin_url`].
    pub public_url: Option<String>,
    /// Their region.
    pub region_id: Option<String>,
    /// Id of the default domain.
    pub default_domain_id: String,
}

/// What was made or found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The administrator.
    pub user_id: String,
    /// Their project.
    pub project_id: String,
    /// Their role.
    pub role_id: String,
    /// The identity service.
    pub service_id: String,
}

/// What bootstrapping needs.
pub struct Means<'a> {
    /// The database.
    pub store: &'a Store,
    /// Hashing of passwords.
    pub hasher: &'a Hasher,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: &'a Random,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Means")
    }
}

/// Roles beside the administrator's: name, whether it cannot be changed, and what it implies.
const CHAIN: [(&str, &str); 3] = [("admin", "manager"), ("manager", "member"), ("member", "reader")];

/// Makes what is missing, in one transaction.
pub async fn run(means: &Means<'_>, mut plan: Plan) -> Result<Done> {
    let existing = find_admin(&mut means.store.read().await?, &plan).await?;
    // Hashing takes a while: not inside the transaction. An unchanged password keeps its hash and the tokens.
    let hash = match (plan.password.take(), &existing) {
        (Some(password), existing) => {
            let unchanged = match existing {
                Some((_, Some(stored))) => means.hasher.verify(Some(stored), password.clone()).await?,
                _ => false,
            };
            if unchanged { None } else { Some(means.hasher.hash(password).await?) }
        }
        (None, Some((_, Some(_)))) => None,
        (None, _) => {
            return Err(Error::invalid_field("bootstrap-password", "a password is required for a new administrator"));
        }
    };

    let mut tx = means.store.write().await?;
    let done = make(means, &mut tx, plan, hash).await?;
    tx.commit(means.clock.now()).await?;
    Ok(done)
}

async fn make(means: &Means<'_>, tx: &mut Conn, plan: Plan, hash: Option<String>) -> Result<Done> {
    let now = means.clock.now();
    ensure_default_domain(tx, &plan.default_domain_id).await?;
    let role_id = ensure_roles(means, tx, &plan.role_name).await?;

    let project_id = match store::project::get_by_name(tx, &plan.default_domain_id, &plan.project_name).await? {
        Some(found) => found.project.id,
        None => {
            let project = Project {
                id: means.random.hex_id(),
                name: plan.project_name,
                domain_id: Some(plan.default_domain_id.clone()),
                parent_id: Some(plan.default_domain_id.clone()),
                enabled: true,
                description: "Bootstrap project for initializing the cloud.".to_owned(),
                tags: BTreeSet::new(),
                extra: Extra::new(),
                options: Extra::new(),
            };
            store::project::insert(tx, &project).await?;
            project.id
        }
    };

    let user_id = match store::user::get_by_name(tx, &plan.default_domain_id, &plan.username).await? {
        Some(mut found) => {
            if !found.user.enabled {
                found.user.enabled = true;
                store::user::update(tx, &found.user).await?;
            }
            store::user::mark_active(tx, &found.user.id, now).await?;
            found.user.id
        }
        None => {
            let user = User {
                id: means.random.hex_id(),
                domain_id: plan.default_domain_id.clone(),
                name: plan.username,
                enabled: true,
                default_project_id: None,
                extra: Extra::new(),
                options: Extra::new(),
                password_expires_at: None,
            };
            store::user::insert(tx, &user, now).await?;
            user.id
        }
    };
    if let Some(hash) = hash {
        store::password::insert(tx, &means.random.hex_id(), &user_id, &hash, now, None).await?;
        store::user::clear_failures(tx, &user_id).await?;
    }
    for target in [Target::Project(project_id.clone()), Target::System] {
        let grant = Grant::of_user(&user_id, target, &role_id);
        if !store::grant::exists(tx, &grant).await? {
            store::grant::insert(tx, &grant).await?;
        }
    }

    if let Some(region) = &plan.region_id {
        store::catalog::ensure_region(tx, region).await?;
    }
    let service_id = store::catalog::ensure_service(tx, means.random.hex_id(), "identity", &plan.service_name).await?;
    for (interface, url) in [("admin", &plan.admin_url), ("internal", &plan.internal_url), ("public", &plan.public_url)]
    {
        if let Some(url) = url {
            store::catalog::ensure_endpoint(
                tx,
                means.random.hex_id(),
                &service_id,
                interface,
                plan.region_id.as_deref(),
                url,
            )
            .await?;
        }
    }
    let mut event = audit::blank(now, means.random, "bootstrap", Outcome::Success);
    event.target_kind = Some("user".to_owned());
    event.target_id = Some(user_id.clone());
    audit::write(tx, &event).await?;
    Ok(Done { user_id, project_id, role_id, service_id })
}

/// The administrator and the hash of their password, if they exist.
async fn find_admin(conn: &mut Conn, plan: &Plan) -> Result<Option<(String, Option<String>)>> {
    let Some(found) = store::user::get_by_name(conn, &plan.default_domain_id, &plan.username).await? else {
        return Ok(None);
    };
    let state = store::user::login_state(conn, &found.user.id).await?;
    Ok(Some((found.user.id, state.and_then(|s| s.hash))))
}

async fn ensure_default_domain(tx: &mut Conn, id: &str) -> Result<()> {
    if store::domain::get(tx, id).await?.is_some() {
        return Ok(());
    }
    let domain = Domain {
        id: id.to_owned(),
        name: "Default".to_owned(),
        enabled: true,
        description: "The default domain".to_owned(),
        tags: BTreeSet::new(),
        extra: Extra::new(),
        options: Extra::new(),
    };
    store::domain::insert(tx, &domain).await
}

/// The roles admin → manager → member → reader (each implying the next), `service` and `secu_admin`, and whatever role the
/// administrator is to hold; its id.
async fn ensure_roles(means: &Means<'_>, tx: &mut Conn, admin: &str) -> Result<String> {
    let mut admin_id = ensure_role(means, tx, admin, None).await?;
    for (prior, implied) in CHAIN {
        let prior_name = if prior == "admin" { admin } else { prior };
        let prior_id = ensure_role(means, tx, prior_name, None).await?;
        let implied_id = ensure_role(means, tx, implied, None).await?;
        store::implied_role::insert(tx, &prior_id, &implied_id).await?;
        if prior == "admin" {
            admin_id = prior_id;
        }
    }
    ensure_role(means, tx, "service", None).await?;
    ensure_role(means, tx, "secu_admin", Some("Security Administrator: manages the identity providers of one domain"))
        .await?;
    Ok(admin_id)
}

async fn ensure_role(means: &Means<'_>, tx: &mut Conn, name: &str, description: Option<&str>) -> Result<String> {
    if let Some(found) = store::role::get_global(tx, name).await? {
        return Ok(found.id);
    }
    let mut options = Extra::new();
    options.insert("immutable".to_owned(), true.into());
    let role = Role {
        id: means.random.hex_id(),
        name: name.to_owned(),
        domain_id: None,
        description: description.map(str::to_owned),
        extra: Extra::new(),
        options,
    };
    store::role::insert(tx, &role).await?;
    Ok(role.id)
}
