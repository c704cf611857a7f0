//! Groups, after the users who are in them (sso-api §8.5).

use sha2::{Digest as _, Sha256};

use super::pass::{End, Learnt, Pass};
use super::users::{known, version, word};
use crate::clock::hex;
use crate::error::Result;
use crate::model::provisioning::{Kind, Link, Mode};
use crate::platform::scim::{Failure, Group, What};
use crate::store;

/// Groups of one page.
const PAGE: i64 = 8;

impl Pass<'_> {
    /// Groups that are to be there, with their members.
    pub(super) async fn groups(&mut self) -> Result<Option<End>> {
        loop {
            let mut conn = self.app.store.read().await?;
            let page = store::provisioned::groups(&mut conn, &self.scope, &self.run.after_id, PAGE).await?;
            let asked: Vec<&str> = page.iter().map(|(id, _)| id.as_str()).collect();
            let links = store::provisioned::of(&mut conn, &self.federation.id, Kind::Group, &asked).await?;
            drop(conn);
            if page.is_empty() {
                return Ok(None);
            }
            for (id, name) in page {
                let link = links.iter().find(|link| link.local_id == id);
                let end = match self.group(&id, &name, link).await? {
                    Ok(outcome) => {
                        self.run.counts.groups.note(outcome);
                        None
                    }
                    Err(failure) => {
                        self.run.counts.groups.note("failed");
                        self.run.note(Kind::Group, &id, &name, failure.message.clone());
                        (failure.stops() || failure.passes()).then(|| failure.clone())
                    }
                };
                if let Some(failure) = end {
                    return self.stop(&failure).await.map(Some);
                }
                self.run.after_id = id;
                if !self.save(&[]).await? {
                    return Ok(Some(End::Superseded));
                }
            }
        }
    }

    /// Ends with a failure of groups alone: who is a user is there.
    async fn stop(&mut self, failure: &Failure) -> Result<End> {
        self.save(&[]).await?;
        if failure.passes() {
            return Ok(End::of(failure));
        }
        // The reason stands with the groups; users are not concerned.
        Ok(End::Done)
    }

    async fn group(
        &mut self,
        id: &str,
        name: &str,
        link: Option<&Link>,
    ) -> Result<std::result::Result<&'static str, Failure>> {
        let wanted = Group { external_id: id.to_owned(), display_name: name.to_owned() };
        let digest = hex(&Sha256::digest(format!("{id}\0{name}")));
        let same = link.filter(|link| self.run.mode == Mode::Changes && link.active && link.digest == digest);
        let (link, what) = match same {
            Some(link) => (link.clone(), What::Unchanged),
            None => match self.client.place_group(&wanted, link.map(known).as_ref()).await {
                Ok(placed) => {
                    let made = Link {
                        local_id: id.to_owned(),
                        remote_version: version(&placed.known),
                        remote_id: placed.known.id,
                        digest,
                        active: true,
                    };
                    if link.is_some_and(|link| link.remote_id != made.remote_id)
                        && !self.save(&[Learnt::Gone(Kind::Group, id.to_owned())]).await?
                    {
                        return Ok(Ok("superseded"));
                    }
                    if !self.save(&[Learnt::There(Kind::Group, made.clone())]).await? {
                        return Ok(Ok("superseded"));
                    }
                    (made, placed.what)
                }
                Err(failure) => return Ok(Err(failure)),
            },
        };
        Ok(match self.members(id, &link).await? {
            Ok(0) => Ok(word(what)),
            Ok(_) if what == What::Unchanged => Ok("updated"),
            Ok(_) => Ok(word(what)),
            Err(failure) => Err(failure),
        })
    }

    /// Groups that the configuration does not bring any more are left empty there: somebody may have given them something.
    pub(super) async fn remainders(&mut self) -> Result<Option<End>> {
        loop {
            let mut conn = self.app.store.read().await?;
            let (id, after) = (&self.federation.id, &self.run.after_id);
            let page = store::provisioned::leavers(&mut conn, id, Kind::Group, &self.scope, after, PAGE).await?;
            drop(conn);
            if page.is_empty() {
                return Ok(None);
            }
            if let Some(end) = self.empty(&page, false).await? {
                return Ok(Some(end));
            }
        }
    }

    /// All groups that were ever provisioned, when all is taken back.
    pub(super) async fn all_groups(&mut self) -> Result<Option<End>> {
        loop {
            let mut conn = self.app.store.read().await?;
            let (id, after) = (&self.federation.id, &self.run.after_id);
            let page = store::provisioned::list(&mut conn, id, Kind::Group, after, PAGE).await?;
            drop(conn);
            if page.is_empty() {
                return Ok(None);
            }
            if let Some(end) = self.empty(&page, self.run.mode == Mode::Delete).await? {
                return Ok(Some(end));
            }
        }
    }

    async fn empty(&mut self, page: &[Link], deletes: bool) -> Result<Option<End>> {
        for link in page {
            let done = match deletes {
                true => self.client.delete_group(&known(link)).await.map(drop),
                false => self.take_all_members(link).await?,
            };
            let learnt = match done {
                Ok(()) if deletes => {
                    self.run.counts.groups.note("deleted");
                    Some(Learnt::Gone(Kind::Group, link.local_id.clone()))
                }
                Ok(()) => {
                    self.run.counts.groups.note("emptied");
                    let left = Link { active: false, digest: String::new(), remote_version: None, ..link.clone() };
                    Some(Learnt::There(Kind::Group, left))
                }
                Err(failure) => {
                    self.run.counts.groups.note("failed");
                    self.run.note(Kind::Group, &link.local_id, &link.local_id, failure.message.clone());
                    if failure.stops() || failure.passes() {
                        self.save(&[]).await?;
                        return Ok(Some(End::of(&failure)));
                    }
                    None
                }
            };
            self.run.after_id.clone_from(&link.local_id);
            if !self.save(learnt.as_slice()).await? {
                return Ok(Some(End::Superseded));
            }
        }
        Ok(None)
    }
}
