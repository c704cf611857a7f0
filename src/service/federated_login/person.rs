//! Whose account it is.
//!
//! The key of an account is the identity provider and what it calls the person, by whatever protocol. Ids are Keystone's for
//! the first identity provider of a domain that calls somebody so; a second one's people are others (ruling 5), as nobody
//! may become somebody else by choosing a name. An account that was unlinked by hand is never taken up again by its name.

use serde_json::json;

use super::groups::domain;
use super::{Route, keep_within};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::audit_event::Outcome;
use crate::model::domain::LINK_FEDERATED_USERS;
use crate::model::federated_link::FederatedLink;
use crate::model::fields::Extra;
use crate::model::mapping_engine::{Mapped, MappedUser, UserKind};
use crate::model::shadow_user;
use crate::model::user::{Identity, User};
use crate::service::caller::Origin;
use crate::service::{App, activity, audit};
use crate::store::{self, Conn};

/// Longest unique id and name, in characters, as the columns hold.
const MAX_NAME: usize = 255;

/// An account.
pub(super) struct Found {
    pub(super) identity: Identity,
    /// Whether it exists because the identity provider vouches for it, rather than by itself.
    pub(super) vouched_for: bool,
}

/// Finds the account, or makes it.
pub(super) async fn find(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    mapped: &Mapped,
    now: Timestamp,
) -> Result<Found> {
    let named = named(mapped);
    let found = match named.kind {
        UserKind::Local => Found { identity: local(tx, route, &named).await?, vouched_for: false },
        UserKind::Ephemeral => {
            let identity = ephemeral(app, tx, origin, route, assertion, named, now).await?;
            Found { identity, vouched_for: true }
        }
    };
    let counted = activity::as_of_now(app, found.identity.clone());
    if counted.user.enabled && counted.domain_enabled {
        Ok(found)
    } else {
        Err(Error::unauthorized("the user or their domain is disabled"))
    }
}

/// The user of the mapping; where it names none, one whom something else will have to name.
fn named(mapped: &Mapped) -> MappedUser {
    let none = || MappedUser {
        id: None,
        name: None,
        email: None,
        domain: mapped.default_domain.clone(),
        kind: UserKind::Ephemeral,
    };
    mapped.user.clone().unwrap_or_else(none)
}

/// Who it would be, without making anybody: the id, and whether such a user is there.
pub(super) async fn preview(
    conn: &mut Conn,
    route: &Route,
    assertion: &Assertion,
    mapped: &Mapped,
) -> Result<(String, bool)> {
    let named = named(mapped);
    if named.kind == UserKind::Local {
        return Ok((local(conn, route, &named).await?.user.id, true));
    }
    let (unique_id, _) = called(assertion, &named)?;
    if let Some(user_id) = store::federated_link::owner(conn, &route.idp.id, &unique_id).await? {
        return Ok((user_id, true));
    }
    let domain_id = domain(conn, route, named.domain.as_ref()).await?;
    keep_within(route, &domain_id, "a user")?;
    Ok(match account_of(conn, route, &domain_id, &unique_id).await? {
        Account::Linked(identity) => (identity.user.id, true),
        Account::New(id) => (id, false),
    })
}

/// What the identity provider calls somebody, as it is stored, and what is shown of it.
fn called(assertion: &Assertion, named: &MappedUser) -> Result<(String, String)> {
    let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
    let remote_user = || match assertion.get("REMOTE_USER") {
        Some([one]) => some(&Some(one.clone())),
        _ => None,
    };
    let name = some(&named.name);
    let called = some(&named.id).or_else(|| name.clone()).or_else(remote_user);
    let called = called.ok_or_else(|| Error::unauthorized("the mapping names no user"))?;
    let shown = name.unwrap_or_else(|| called.clone());
    let unique_id = shadow_user::unique_id(&called);
    if unique_id.chars().count() > MAX_NAME || shown.chars().count() > MAX_NAME || shown.contains('\0') {
        return Err(Error::unauthorized(format!("the user's name or id is longer than {MAX_NAME} characters")));
    }
    Ok((unique_id, shown))
}

/// A user who exists by themselves and whom the mapping names.
async fn local(tx: &mut Conn, route: &Route, named: &MappedUser) -> Result<Identity> {
    let found = match (&named.id, &named.name) {
        (Some(id), _) if !id.is_empty() => store::user::get(tx, id).await?,
        (_, Some(name)) => {
            let domain_id = domain(tx, route, named.domain.as_ref()).await?;
            store::user::get_by_name(tx, &domain_id, name).await?
        }
        _ => None,
    };
    let found = found.ok_or_else(|| Error::unauthorized("the mapping names a local user who is not there"))?;
    keep_within(route, &found.user.domain_id, "a user")?;
    Ok(found)
}

async fn ephemeral(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    named: MappedUser,
    now: Timestamp,
) -> Result<Identity> {
    let (unique_id, shown) = called(assertion, &named)?;
    let link = FederatedLink {
        idp_id: route.idp.id.clone(),
        protocol_id: route.protocol.id.clone(),
        unique_id: unique_id.clone(),
    };
    if let Some(user_id) = store::federated_link::owner(tx, &route.idp.id, &unique_id).await? {
        let identity = store::user::get(tx, &user_id).await?;
        let identity = identity.ok_or_else(|| Error::internal(format!("federated_users row of no user: {user_id}")))?;
        keep_within(route, &identity.user.domain_id, "a user")?;
        store::shadow_user::link(tx, &user_id, &link).await?;
        return refresh(tx, route, identity, shown, said(route, assertion, named.email)).await;
    }
    let domain_id = domain(tx, route, named.domain.as_ref()).await?;
    keep_within(route, &domain_id, "a user")?;
    let user_id = match account_of(tx, route, &domain_id, &unique_id).await? {
        Account::Linked(identity) => {
            store::shadow_user::link(tx, &identity.user.id, &link).await?;
            return refresh(tx, route, identity, shown, said(route, assertion, named.email)).await;
        }
        Account::New(id) => id,
    };
    if let Some(own) = &route.provisioning {
        own.check_new()?;
    }
    let extra = said(route, assertion, named.email);
    let user = User {
        id: user_id,
        domain_id,
        name: shown,
        enabled: true,
        default_project_id: None,
        extra,
        options: Extra::new(),
        password_expires_at: None,
    };
    store::shadow_user::insert(tx, &user, now).await?;
    store::shadow_user::link(tx, &user.id, &link).await?;
    let mut event = audit::event(app, Some(origin), "user.create", Outcome::Success);
    event.target_kind = Some("user".to_owned());
    event.target_id = Some(user.id.clone());
    event.domain_id = Some(user.domain_id.clone());
    event.detail = audit::cut(&format!("identity_provider={}", route.idp.id));
    audit::write(tx, &event).await?;
    store::user::get(tx, &user.id).await?.ok_or_else(|| Error::internal("a user who was just made is not there"))
}

enum Account {
    /// One that another identity provider of a domain vouches for which takes their word as one.
    Linked(Identity),
    /// None yet: the id of the one to be.
    New(String),
}

/// The account of somebody who was never here through this identity provider.
async fn account_of(tx: &mut Conn, route: &Route, domain_id: &str, unique_id: &str) -> Result<Account> {
    let id = shadow_user::id(domain_id, unique_id);
    let Some(first) = store::user::get(tx, &id).await? else { return Ok(Account::New(id)) };
    let links = store::federated_link::list_of_user(tx, &id).await?;
    if links.iter().any(|l| l.idp_id == route.idp.id && l.unique_id == unique_id) {
        // It was made since we asked whose the name is.
        return Err(Error::conflict("Conflict occurred attempting to store federated_user - Duplicate entry."));
    }
    let vouched_elsewhere = links.iter().any(|l| l.idp_id != route.idp.id && l.unique_id == unique_id);
    let domain = store::domain::get(tx, domain_id).await?;
    if vouched_elsewhere && domain.is_some_and(|d| d.options.get(LINK_FEDERATED_USERS) == Some(&json!(true))) {
        return Ok(Account::Linked(first));
    }
    let beside = shadow_user::id_beside(domain_id, &route.idp.id, unique_id);
    match store::user::get(tx, &beside).await? {
        None => Ok(Account::New(beside)),
        Some(_) => Err(Error::unauthorized("the account of that name was unlinked from the identity provider")),
    }
}

/// What the identity provider says of somebody beside their name.
fn said(route: &Route, assertion: &Assertion, email: Option<String>) -> Extra {
    let mut extra = route.provisioning.as_ref().map(|own| own.profile(assertion)).unwrap_or_default();
    if let Some(email) = email {
        extra.insert("email".to_owned(), json!(email));
    }
    extra
}

/// Takes over what the identity provider now says of somebody, unless the configuration keeps accounts as they are.
async fn refresh(tx: &mut Conn, route: &Route, mut identity: Identity, name: String, said: Extra) -> Result<Identity> {
    let same = said.iter().all(|(key, value)| identity.user.extra.get(key) == Some(value));
    let follows = route.provisioning.as_ref().is_none_or(|own| own.follows());
    if !follows || identity.user.name == name && same {
        return Ok(identity);
    }
    identity.user.extra.extend(said);
    identity.user.name = name;
    let id = identity.user.id.clone();
    store::shadow_user::rename(tx, &identity.user).await?;
    store::user::get(tx, &id).await?.ok_or_else(|| Error::internal("a user who was just renamed is not there"))
}
