//! Placing one object: find it or create it, then change what differs (RFC 7644 §3.3, §3.5, §3.14); and taking it away
//! (§3.6).

use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use serde_json::Value;

use super::change::{Change, Changes, Place, overlaid, patch_of};
use super::failure::{Failure, Kind};
use super::find::Hit;
use super::group::Group;
use super::resource::{Known, Remote};
use super::turn::Turn;
use super::user::User;
use super::wire::{Reply, Request};
use super::{Class, Client};

/// Attempts at a version that somebody else keeps changing.
const MAX_VERSIONS: u32 = 3;

/// What came of placing something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was not there and is now.
    Created,
    /// It was there without being known to be ours, and is ours now.
    Adopted,
    /// Some of it was changed.
    Updated,
    /// It was as it is wanted.
    Unchanged,
    /// It may sign in again.
    Reactivated,
    /// It may not any more.
    Deactivated,
    /// It was not there, and need not be.
    Gone,
}

/// Something that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// What to keep of it.
    pub known: Known,
    /// What was done.
    pub what: What,
}

/// What came of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was there and is not now.
    Deleted,
    /// It was not there.
    Gone,
}

/// What is wanted, whatever it is.
pub(super) struct Wanted<'a> {
    class: Class,
    external_id: &'a str,
    name: &'a str,
    body: Value,
    object: Object<'a>,
    enterprise: bool,
}

enum Object<'a> {
    User(&'a User),
    Group(&'a Group),
}

impl<'a> Wanted<'a> {
    /// A user.
    pub(super) fn user(user: &'a User, enterprise: bool) -> Self {
        Self {
            class: Class::User,
            external_id: &user.external_id,
            name: &user.user_name,
            body: user.body(enterprise),
            object: Object::User(user),
            enterprise,
        }
    }

    fn group(group: &'a Group) -> Self {
        Self {
            class: Class::Group,
            external_id: &group.external_id,
            name: &group.display_name,
            body: group.body(),
            object: Object::Group(group),
            enterprise: false,
        }
    }

    fn changes(&self, remote: &Remote, first_contact: bool) -> Vec<Change> {
        match self.object {
            Object::User(user) => user.changes(remote, first_contact, self.enterprise),
            Object::Group(group) => group.changes(remote),
        }
    }

    /// What will be found of it.
    pub(super) fn hit(&self, id: &str) -> Hit {
        Hit { id: id.to_owned(), external_id: Some(self.external_id.to_owned()), name: self.name.to_owned() }
    }
}

/// What was done, by what had to change.
fn what(changes: &[Change]) -> What {
    match changes.iter().find(|change| change.place == Place::Top("active")) {
        Some(Change { value: Value::Bool(true), .. }) => What::Reactivated,
        Some(_) => What::Deactivated,
        None if changes.is_empty() => What::Unchanged,
        None => What::Updated,
    }
}

impl Client {
    /// Has a user be there as it is wanted: the one that is `known`, or the one with our key, or the one with its name that is
    /// nobody's, or a new one.
    ///
    /// # Errors
    /// Why that is not so.
    pub async fn place_user(&self, wanted: &User, known: Option<&Known>) -> Result<Placed, Failure> {
        wanted.check()?;
        self.place(&mut self.turn(), &Wanted::user(wanted, self.capabilities.enterprise), known).await
    }

    /// Has a group be there, whoever its members are.
    ///
    /// # Errors
    /// Why that is not so.
    pub async fn place_group(&self, wanted: &Group, known: Option<&Known>) -> Result<Placed, Failure> {
        wanted.check()?;
        self.place(&mut self.turn(), &Wanted::group(wanted), known).await
    }

    /// Keeps a user from signing in there.
    ///
    /// # Errors
    /// Why that is not so.
    pub async fn deactivate_user(&self, known: &Known) -> Result<Placed, Failure> {
        let mut turn = self.turn();
        let gone = Placed { known: known.clone(), what: What::Gone };
        let Some(remote) = self.read(&mut turn, Class::User, &known.id).await? else { return Ok(gone) };
        let plan = |remote: &Remote| {
            let mut changes = Changes::to(remote);
            changes.truth(Place::Top("active"), false, true);
            changes.found()
        };
        Ok(self.update(&mut turn, Class::User, remote, &plan).await?.unwrap_or(gone))
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// Why it is there still.
    pub async fn delete_user(&self, known: &Known) -> Result<Done, Failure> {
        self.delete(Class::User, known).await
    }

    /// Deletes a group.
    ///
    /// # Errors
    /// Why it is there still.
    pub async fn delete_group(&self, known: &Known) -> Result<Done, Failure> {
        self.delete(Class::Group, known).await
    }

    async fn delete(&self, class: Class, known: &Known) -> Result<Done, Failure> {
        let turn = self.turn();
        let reply = turn.send(&Request::delete(self.target(class, &known.id)?)).await?;
        match reply.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Done::Gone),
            status if status.is_success() => Ok(Done::Deleted),
            _ => Err(turn.wire.failure(Kind::Refused, &reply)),
        }
    }

    /// Reads one resource, a group without its members; `None` if it is gone.
    pub(super) async fn read(&self, turn: &mut Turn<'_>, class: Class, id: &str) -> Result<Option<Remote>, Failure> {
        let mut target = self.target(class, id)?;
        if class == Class::Group {
            target.push_str("?excludedAttributes=members");
        }
        self.read_at(turn, target).await
    }

    /// Reads the resource at a target.
    pub(super) async fn read_at(&self, turn: &mut Turn<'_>, target: String) -> Result<Option<Remote>, Failure> {
        let reply = turn.send(&Request::get(target)).await?;
        match reply.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status if status.is_success() => {
                let broken = || Failure::new(Kind::Broken, "the answer is no resource with an id");
                Remote::read(reply).map(Some).ok_or_else(broken)
            }
            _ => Err(turn.wire.failure(Kind::Refused, &reply)),
        }
    }

    /// Finds it or creates it, and has it be as it is wanted.
    pub(super) async fn place(
        &self,
        turn: &mut Turn<'_>,
        wanted: &Wanted<'_>,
        known: Option<&Known>,
    ) -> Result<Placed, Failure> {
        let class = wanted.class;
        let gone = || Failure::new(Kind::Gone, format!("the {} was removed meanwhile", class.one()));
        if let Some(known) = known
            && let Some(remote) = self.read(turn, class, &known.id).await?
        {
            let plan = |remote: &Remote| wanted.changes(remote, false);
            return self.update(turn, class, remote, &plan).await?.ok_or_else(gone);
        }
        let create = Request::with(Method::POST, self.endpoint(class)?.to_owned(), &wanted.body);
        // A creation of which we do not know what came, and an answer after which nothing is created any more.
        let (mut unsure, mut last): (bool, Option<Failure>) = (false, None);
        let mut nth = 0;
        loop {
            let found = self.find(turn, class, (wanted.external_id, wanted.name), unsure || last.is_some()).await?;
            if let Some(found) = found
                && let Some(remote) = self.read(turn, class, &found.id).await?
            {
                let plan = |remote: &Remote| wanted.changes(remote, !found.owned);
                let placed = self.update(turn, class, remote, &plan).await?.ok_or_else(gone)?;
                let what = if unsure && found.owned { What::Created } else { What::Adopted };
                return Ok(Placed { what, ..placed });
            }
            if let Some(failure) = last {
                return Err(failure);
            }
            match turn.once(&create).await {
                Ok(reply) if reply.status.is_success() => {
                    if let Some(remote) = Remote::read(reply) {
                        self.census(class).add(wanted.hit(&remote.id)).await;
                        return Ok(Placed { known: remote.known(), what: What::Created });
                    }
                    // Created, it seems; under which id only the server can say.
                    unsure = true;
                    last = Some(Failure::new(Kind::Broken, "the server has not said what it created"));
                }
                Ok(reply) if reply.is_taken() => last = Some(turn.wire.failure(Kind::Conflict, &reply)),
                Ok(reply) => return Err(turn.wire.failure(Kind::Refused, &reply)),
                Err(setback) => {
                    unsure = true;
                    turn.back_off(setback, nth).await?;
                }
            }
            nth += 1;
        }
    }

    /// Makes the changes that `plan` finds, to the version that it found them in; `None` if the resource is gone.
    async fn update(
        &self,
        turn: &mut Turn<'_>,
        class: Class,
        mut remote: Remote,
        plan: &(dyn Fn(&Remote) -> Vec<Change> + Sync),
    ) -> Result<Option<Placed>, Failure> {
        let mut stale = 0;
        loop {
            let changes = plan(&remote);
            if changes.is_empty() {
                return Ok(Some(Placed { known: remote.known(), what: What::Unchanged }));
            }
            let target = self.target(class, &remote.id)?;
            let patches = self.patches();
            let request = if patches {
                Request::with(Method::PATCH, target, &patch_of(&changes))
            } else {
                // A group was read without its members, and must not lose them.
                if class == Class::Group {
                    let Some(whole) = self.read_at(turn, target.clone()).await? else { return Ok(None) };
                    remote = whole;
                }
                Request::with(Method::PUT, target, &overlaid(&remote, &changes))
            };
            let reply = turn.send(&request.if_match(self.version(remote.version.as_deref()))).await?;
            match reply.status {
                status if status.is_success() => {
                    let known = Known { id: remote.id, version: reply.version };
                    return Ok(Some(Placed { known, what: what(&changes) }));
                }
                StatusCode::PRECONDITION_FAILED if stale + 1 < MAX_VERSIONS => {
                    stale += 1;
                    let Some(again) = self.read(turn, class, &remote.id).await? else { return Ok(None) };
                    remote = again;
                }
                StatusCode::PRECONDITION_FAILED => {
                    return Err(Failure::new(Kind::Busy, format!("the {} keeps changing", class.one())));
                }
                StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED if patches => self.no_patch(),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
                _ => return Err(self.refusal(turn, &reply)),
            }
        }
    }

    /// The server does not patch, whatever it says.
    pub(super) fn no_patch(&self) {
        self.patches.store(false, Ordering::Relaxed);
    }

    /// The version that a change is meant for, if the server has versions.
    pub(super) fn version<'a>(&self, version: Option<&'a str>) -> Option<&'a str> {
        version.filter(|_| self.capabilities.etag)
    }

    fn refusal(&self, turn: &Turn<'_>, reply: &Reply) -> Failure {
        turn.wire.failure(if reply.is_taken() { Kind::Conflict } else { Kind::Refused }, reply)
    }
}
