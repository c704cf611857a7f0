//! Users: those whom a configuration brings are placed, those whom it does not bring any more are deactivated (sso-api §8.2–8.4).

use futures_util::future::join_all;

use super::pass::{End, Learnt, Pass};
use super::person;
use crate::error::Result;
use crate::model::provisioning::{Kind, Link, Mode};
use crate::model::user::Identity;
use crate::platform::scim::{Failure, Known, What};
use crate::store;

/// Users of one page: what is done again at most after a crash.
const PAGE: i64 = 32;
/// Longest id and version that is kept.
const MAX_KEPT: usize = 255;

/// What came of one user.
struct Placed<'a> {
    identity: &'a Identity,
    result: std::result::Result<Option<(Link, &'static str)>, Failure>,
}

/// What we keep of a thing there.
pub(super) fn known(link: &Link) -> Known {
    Known { id: link.remote_id.clone(), version: link.remote_version.clone() }
}

/// The word in a report.
pub(super) fn word(what: What) -> &'static str {
    match what {
        What::Created => "created",
        What::Adopted => "adopted",
        What::Updated => "updated",
        What::Unchanged => "unchanged",
        What::Reactivated => "reactivated",
        What::Deactivated => "deactivated",
        What::Gone => "gone",
    }
}

/// A version that is kept: none if it is too long.
pub(super) fn version(known: &Known) -> Option<String> {
    known.version.clone().filter(|v| v.len() <= MAX_KEPT)
}

impl Pass<'_> {
    /// Users who are to be there.
    pub(super) async fn users(&mut self) -> Result<Option<End>> {
        loop {
            let mut conn = self.app.store.read().await?;
            let ids = store::provisioned::users(&mut conn, &self.scope, &self.run.after_id, PAGE).await?;
            let Some(last) = ids.last().cloned() else { return Ok(None) };
            let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
            let people = store::user::get_all(&mut conn, &asked).await?;
            let links = store::provisioned::of(&mut conn, &self.federation.id, Kind::User, &asked).await?;
            drop(conn);
            let mut placing = Vec::with_capacity(people.len());
            for identity in &people {
                let link = links.iter().find(|link| link.local_id == identity.user.id);
                placing.push(self.place(identity, link));
            }
            // The client lets four of them ask at once.
            let placed = join_all(placing).await;
            let mut learnt = Vec::new();
            let mut trouble: Option<Failure> = None;
            let (mut tried, mut passing) = (0, 0);
            for Placed { identity, result } in placed {
                tried += 1;
                match result {
                    Ok(Some((link, outcome))) => {
                        self.run.counts.users.note(outcome);
                        learnt.push(Learnt::There(Kind::User, link));
                    }
                    Ok(None) => self.run.counts.users.note("skipped"),
                    Err(failure) => {
                        self.run.counts.users.note("failed");
                        let user = &identity.user;
                        self.run.note(Kind::User, &user.id, &user.name, failure.message.clone());
                        passing += usize::from(failure.passes());
                        if failure.stops() || trouble.is_none() {
                            trouble = Some(failure);
                        }
                    }
                }
            }
            // One that stops, or nothing that works: nobody else would fare better.
            let stops = trouble.filter(|failure| failure.stops() || passing == tried);
            if stops.is_none() {
                self.run.after_id = last;
            }
            if !self.save(&learnt).await? {
                return Ok(Some(End::Superseded));
            }
            if let Some(failure) = stops {
                return Ok(Some(End::of(&failure)));
            }
        }
    }

    async fn place<'i>(&self, identity: &'i Identity, link: Option<&Link>) -> Placed<'i> {
        let wanted = person::wanted(identity);
        let digest = person::digest(&wanted);
        let result = async {
            match link {
                // Nobody gets an account there only to be locked out.
                None if !wanted.active => return Ok(None),
                Some(link)
                    if self.run.mode == Mode::Changes && link.digest == digest && link.active == wanted.active =>
                {
                    return Ok(Some((link.clone(), "unchanged")));
                }
                _ => {}
            }
            let placed = self.client.place_user(&wanted, link.map(known).as_ref()).await?;
            let link = Link {
                local_id: identity.user.id.clone(),
                remote_version: version(&placed.known),
                remote_id: placed.known.id,
                digest,
                active: wanted.active,
            };
            Ok(Some((link, word(placed.what))))
        };
        Placed { identity, result: result.await }
    }

    /// Users whom the configuration does not bring any more.
    pub(super) async fn leavers(&mut self) -> Result<Option<End>> {
        loop {
            let mut conn = self.app.store.read().await?;
            let (id, after) = (&self.federation.id, &self.run.after_id);
            let page = store::provisioned::leavers(&mut conn, id, Kind::User, &self.scope, after, PAGE).await?;
            drop(conn);
            if page.is_empty() {
                return Ok(None);
            }
            if let Some(end) = self.let_go(&page, false).await? {
                return Ok(Some(end));
            }
        }
    }

    /// Everybody who was ever provisioned, when all is taken back.
    pub(super) async fn all_users(&mut self) -> Result<Option<End>> {
        loop {
            let mut conn = self.app.store.read().await?;
            let (id, after) = (&self.federation.id, &self.run.after_id);
            let page = store::provisioned::list(&mut conn, id, Kind::User, after, PAGE).await?;
            drop(conn);
            if page.is_empty() {
                return Ok(None);
            }
            if let Some(end) = self.let_go(&page, self.run.mode == Mode::Delete).await? {
                return Ok(Some(end));
            }
        }
    }

    async fn part(&self, link: &Link, deletes: bool) -> std::result::Result<What, Failure> {
        match deletes {
            true => self.client.delete_user(&known(link)).await.map(|_| What::Gone),
            false => self.client.deactivate_user(&known(link)).await.map(|placed| placed.what),
        }
    }

    /// Deactivates or deletes users there.
    async fn let_go(&mut self, page: &[Link], deletes: bool) -> Result<Option<End>> {
        let mut going = Vec::with_capacity(page.len());
        for link in page {
            going.push(self.part(link, deletes));
        }
        let mut learnt = Vec::new();
        let mut stops = None;
        for (link, done) in page.iter().zip(join_all(going).await) {
            match done {
                Ok(What::Gone) => {
                    self.run.counts.users.note(if deletes { "deleted" } else { "gone" });
                    learnt.push(Learnt::Gone(Kind::User, link.local_id.clone()));
                }
                Ok(_) => {
                    self.run.counts.users.note("deactivated");
                    let link = Link { active: false, digest: String::new(), remote_version: None, ..link.clone() };
                    learnt.push(Learnt::There(Kind::User, link));
                }
                Err(failure) => {
                    self.run.counts.users.note("failed");
                    self.run.note(Kind::User, &link.local_id, &link.local_id, failure.message.clone());
                    if failure.stops() || failure.passes() {
                        stops = Some(failure);
                    }
                }
            }
        }
        if stops.is_none()
            && let Some(last) = page.last()
        {
            self.run.after_id.clone_from(&last.local_id);
        }
        if !self.save(&learnt).await? {
            return Ok(Some(End::Superseded));
        }
        Ok(stops.map(|failure| End::of(&failure)))
    }
}
