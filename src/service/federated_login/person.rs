//! Whose account it is.
//!
//! The key of an account is the identity provider and what it calls the person, by whatever protocol. Ids are Keystone's for
//! the first identity provider of a domain that calls somebody so; a second one's people are others (ruling 5), as nobody
//! may become somebody else by choosing a name. An account that was unlinked by hand is never taken up again by its name.

use serde_json::json;

use super::groups::domain;
use super::linking::{self, Decision, Outcome as Linking};
use super::route::AtTenant;
use super::{Route, Vouch, keep_within};
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::assertion::Assertion;
use crate::model::audit_event::Outcome;
use crate::model::domain::LINK_FEDERATED_USERS;
use crate::model::federated_link::FederatedLink;
use crate::model::fields::Extra;
use crate::model::mapping_engine::{Mapped, MappedUser, UserKind};
use crate::model::shadow_user;
use crate::model::tenant_idp::LinkMode;
use crate::model::user::{Identity, User, email_key, normal_email};
use crate::service::caller::Origin;
use crate::service::{App, activity, audit};
use crate::store::shadow_user::Made;
use crate::store::{self, Conn};

/// Longest unique id and name, in characters, as the columns hold.
const MAX_NAME: usize = 255;

/// Seconds between two notes that somebody came by a link, at most.
const TOUCH_SECS: i64 = 60;

/// An account.
pub(super) struct Found {
    pub(super) identity: Identity,
    /// Whether it exists because the identity provider vouches for it, rather than by itself.
    pub(super) vouched_for: bool,
    /// Whether it was made just now.
    pub(super) created: bool,
    /// Whether the identity provider may have put it into groups before.
    pub(super) in_groups: bool,
}

/// Whose account it is.
pub(super) enum Whose {
    /// It is known.
    Found(Box<Found>),
    /// The person has to say whether this one is theirs.
    Ask(Box<Identity>),
}

/// Finds the account, or makes it. Nobody else changes it until the transaction ends.
#[expect(clippy::too_many_arguments, reason = "one account and all that decides about it")]
pub(super) async fn find(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    mapped: &Mapped,
    vouch: &Vouch<'_>,
    now: Timestamp,
) -> Result<Whose> {
    let named = named(mapped);
    let found = match named.kind {
        UserKind::Local => {
            let user_id = local(tx, route, &named).await?.user.id;
            Found { identity: locked(tx, &user_id).await?, vouched_for: false, created: false, in_groups: false }
        }
        UserKind::Ephemeral => match ephemeral(app, tx, origin, route, assertion, named, vouch, now).await? {
            Account::Known(identity, in_groups) => Found { identity, vouched_for: true, created: false, in_groups },
            Account::Linked(identity) => Found { identity, vouched_for: true, created: false, in_groups: true },
            Account::Made(identity) => Found { identity, vouched_for: true, created: true, in_groups: false },
            Account::Ask(candidate) => return Ok(Whose::Ask(Box::new(candidate))),
            Account::New(_) => return Err(Error::internal("an account that was to be made was not")),
        },
    };
    let counted = activity::as_of_now(app, found.identity.clone());
    if counted.user.enabled && counted.domain_enabled {
        Ok(Whose::Found(Box::new(found)))
    } else if route.tenant.is_some() {
        Err(Error::refused(Code::AccountDisabled, "The account is disabled."))
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
    if let Some(user_id) = store::federated_link::owner(conn, &route.idp.id, &unique_id, route.link_tenant()).await? {
        return Ok((user_id, true));
    }
    let domain_id = domain(conn, route, named.domain.as_ref()).await?;
    keep_within(route, &domain_id, "a user")?;
    Ok(match account_of(conn, route, &domain_id, &unique_id).await? {
        Account::Known(identity, _) | Account::Linked(identity) | Account::Made(identity) | Account::Ask(identity) => {
            (identity.user.id, true)
        }
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

/// A user whom nobody else changes until the transaction ends.
async fn locked(tx: &mut Conn, user_id: &str) -> Result<Identity> {
    let found = store::user::get_for_update(tx, user_id).await?;
    found.ok_or_else(|| Error::conflict(format!("the user {user_id} is gone")))
}

#[expect(clippy::too_many_arguments, reason = "one account and all that decides about it")]
async fn ephemeral(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    named: MappedUser,
    vouch: &Vouch<'_>,
    now: Timestamp,
) -> Result<Account> {
    let (unique_id, shown) = called(assertion, &named)?;
    let mut extra = said(route, assertion, named.email, vouch);
    let link = FederatedLink {
        idp_id: route.idp.id.clone(),
        protocol_id: route.protocol.id.clone(),
        unique_id: unique_id.clone(),
    };
    let address = vouch.email.and_then(normal_email);
    let at_tenant =
        |by| Made { tenant_id: route.link_tenant(), email: address.as_deref(), by: Some(by), at: Some(now) };
    let made = |by| if route.tenant.is_some() { at_tenant(by) } else { Made::default() };
    if let Some(linked) = store::user::get_linked_for_update(tx, &link, route.link_tenant()).await? {
        let (identity, last) = (linked.identity, linked.last_login_at);
        let user_id = identity.user.id.clone();
        keep_within(route, &identity.user.domain_id, "a user")?;
        let is_recent = last.is_some_and(|last| now < last.plus_secs(TOUCH_SECS));
        let known = route.tenant.is_some()
            && (is_recent || store::federated_link::touch(tx, &user_id, &link, route.link_tenant(), now).await?);
        if !known {
            store::shadow_user::link(tx, &user_id, &link, made("protocol")).await?;
        }
        let identity = refresh(app, tx, origin, route, identity, shown, extra).await?;
        return Ok(Account::Known(identity, linked.in_groups));
    }
    let domain_id = domain(tx, route, named.domain.as_ref()).await?;
    keep_within(route, &domain_id, "a user")?;
    if let Some(at) = &route.tenant {
        match linking::look(tx, route, at, vouch).await? {
            Linking::New => {}
            Linking::Ask(candidate) => return Ok(Account::Ask(candidate)),
            Linking::Theirs(identity) => {
                let by = if *vouch.decision == Decision::Open { "email" } else { "person" };
                store::shadow_user::link(tx, &identity.user.id, &link, made(by)).await?;
                record(app, tx, origin, route, &identity.user, "federation.link.created", by).await?;
                return locked(tx, &identity.user.id).await.map(Account::Linked);
            }
        }
        check_may_be_made(tx, at).await?;
    }
    let user_id = match account_of(tx, route, &domain_id, &unique_id).await? {
        Account::New(id) => id,
        Account::Linked(identity) => {
            store::shadow_user::link(tx, &identity.user.id, &link, made("name")).await?;
            let identity = locked(tx, &identity.user.id).await?;
            return refresh(app, tx, origin, route, identity, shown, extra).await.map(Account::Linked);
        }
        other => return Ok(other),
    };
    if let Some(own) = &route.provisioning {
        own.check_new()?;
    }
    // An address that is somebody's at the tenant is not said to be another's too, unless it is sure that it is.
    if !is_sure(&extra) && is_taken(tx, route, &extra, &user_id).await? {
        forget_email(&mut extra);
    }
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
    store::shadow_user::link(tx, &user.id, &link, made("sign-in")).await?;
    record(app, tx, origin, route, &user, "user.create", "").await?;
    let made = store::user::get(tx, &user.id).await?;
    made.map(Account::Made).ok_or_else(|| Error::internal("a user who was just made is not there"))
}

/// Links a user who has asked for it with what an identity provider calls them, unless that is somebody else there.
#[expect(clippy::too_many_arguments, reason = "one account and all that decides about it")]
pub(super) async fn connect(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    assertion: &Assertion,
    mapped: &Mapped,
    vouch: &Vouch<'_>,
    user_id: &str,
) -> Result<()> {
    let denied = |text: &str| Err(Error::refused(Code::AccountExists, text.to_owned()));
    let named = named(mapped);
    let may = route.tenant.as_ref().is_some_and(|at| at.settings.link_mode != LinkMode::Deny);
    if !may || named.kind == UserKind::Local {
        return denied("Accounts cannot be connected with this identity provider.");
    }
    let (unique_id, _) = called(assertion, &named)?;
    let held = store::user::hold(tx, user_id).await?.map(|i| activity::as_of_now(app, i));
    let Some(user) = held.filter(|i| i.user.enabled && i.domain_enabled).map(|i| i.user) else {
        return Err(Error::refused(Code::AccountDisabled, "The account is disabled."));
    };
    keep_within(route, &user.domain_id, "a user")?;
    match store::federated_link::owner(tx, &route.idp.id, &unique_id, route.link_tenant()).await? {
        Some(owner) if owner == user_id => return Ok(()),
        Some(_) => return denied("What you have signed in with there is connected with another account."),
        None => {}
    }
    if store::federated_link::is_linked(tx, user_id, &route.idp.id).await? {
        return denied("Your account is connected with somebody else there already; disconnect that first.");
    }
    let (idp_id, protocol_id) = (route.idp.id.clone(), route.protocol.id.clone());
    let link = FederatedLink { idp_id, protocol_id, unique_id };
    let address = vouch.email.and_then(normal_email);
    let (tenant_id, at) = (route.link_tenant(), Some(app.now()));
    let made = Made { tenant_id, email: address.as_deref(), by: Some("person"), at };
    store::shadow_user::link(tx, user_id, &link, made).await?;
    record(app, tx, origin, route, &user, "federation.link.created", "person").await
}

/// 403 if a tenant takes nobody whom it does not know.
async fn check_may_be_made(tx: &mut Conn, at: &AtTenant) -> Result<()> {
    if !at.settings.jit_enabled {
        return Err(Error::refused(Code::NotProvisioned, "You have no account here. Ask your administrator."));
    }
    if let Some(limit) = at.user_limit
        && store::user::count_in_domain(tx, &at.id).await? >= limit
    {
        return Err(Error::refused(
            Code::UserLimitReached,
            "No more accounts can be made here. Ask your administrator.",
        ));
    }
    Ok(())
}

async fn record(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    user: &User,
    action: &str,
    by: &str,
) -> Result<()> {
    let mut event = audit::event(app, Some(origin), action, Outcome::Success);
    event.target_kind = Some("user".to_owned());
    event.target_id = Some(user.id.clone());
    event.domain_id = Some(user.domain_id.clone());
    let by = if by.is_empty() { String::new() } else { format!(" by={by}") };
    event.detail = audit::cut(&format!("identity_provider={}{by}", route.idp.id));
    audit::write(tx, &event).await
}

enum Account {
    /// Theirs from before; and whether the identity provider has put it into groups.
    Known(Identity, bool),
    /// One that is there and gets linked: theirs, or one that another identity provider of a domain vouches for, where the
    /// domain takes their word as one.
    Linked(Identity),
    /// None yet: the id of the one to be.
    New(String),
    /// One that was made just now.
    Made(Identity),
    /// One that may be theirs.
    Ask(Identity),
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

/// What the identity provider says of somebody beside their name. At a tenant it counts whether it has made sure of their
/// e-mail address.
fn said(route: &Route, assertion: &Assertion, email: Option<String>, vouch: &Vouch<'_>) -> Extra {
    let mut extra = route.provisioning.as_ref().map(|own| own.profile(assertion)).unwrap_or_default();
    if route.tenant.is_some() {
        for (name, value) in vouch.profile() {
            extra.entry(name).or_insert(value);
        }
        if let Some(email) = email.as_deref().or(vouch.email) {
            extra.insert("email_verified".to_owned(), json!(vouch.email_verified && vouch.email == Some(email)));
            extra.insert("email".to_owned(), json!(email));
        }
        return extra;
    }
    if let Some(email) = email {
        extra.insert("email".to_owned(), json!(email));
    }
    extra
}

/// Takes over what the identity provider now says of somebody, unless the configuration keeps accounts as they are. Another
/// e-mail address that is somebody else's at the tenant is not taken over (tenant-login §7.4).
async fn refresh(
    app: &App,
    tx: &mut Conn,
    origin: &Origin,
    route: &Route,
    mut identity: Identity,
    name: String,
    mut said: Extra,
) -> Result<Identity> {
    if email_key(&said) != identity.user.email_key() && is_taken(tx, route, &said, &identity.user.id).await? {
        forget_email(&mut said);
        if identity.user.email().is_some() {
            record(app, tx, origin, route, &identity.user, "federation.email.kept", "").await?;
        }
    }
    let same = said.iter().all(|(key, value)| identity.user.extra.get(key) == Some(value));
    let follows = route.provisioning.as_ref().is_none_or(|own| own.follows());
    if !follows || identity.user.name == name && same {
        return Ok(identity);
    }
    identity.user.extra.extend(said);
    identity.user.name = name;
    let id = identity.user.id.clone();
    if store::shadow_user::rename(tx, &identity.user).await? {
        store::user::touch(tx, &id, app.now()).await?;
    }
    store::user::get(tx, &id).await?.ok_or_else(|| Error::internal("a user who was just renamed is not there"))
}

/// Whether what is said of somebody says that their e-mail address is made sure of.
fn is_sure(said: &Extra) -> bool {
    said.get("email_verified") == Some(&json!(true))
}

fn forget_email(said: &mut Extra) {
    said.remove("email");
    said.remove("email_verified");
}

/// Whether the e-mail address that is said of a user is somebody else's at the tenant.
async fn is_taken(tx: &mut Conn, route: &Route, said: &Extra, user_id: &str) -> Result<bool> {
    let (Some(at), key) = (&route.tenant, email_key(said)) else { return Ok(false) };
    if key.is_empty() {
        return Ok(false);
    }
    let holders = store::user::list_by_email(tx, &at.id, &key, 2).await?;
    Ok(holders.iter().any(|holder| holder.user.id != user_id))
}
