//! Members of a group there, brought in pieces to what they are here (sso-api §8.5, SCIM-4). What a platform was told lies in the
//! database, in pages: neither list is ever held whole. A full run also asks the server, as far as it tells.

use std::collections::HashSet;

use super::pass::{Learnt, Pass};
use super::users::known;
use crate::error::Result;
use crate::model::provisioning::{Kind, Link, Mode};
use crate::platform::scim::{Failure, Kind as Why, Known};
use crate::store;
use crate::store::provisioned_member::Member;

/// Members of one page.
const PAGE: i64 = 100;
/// Most members whose set is held for a server that has to be told all of them each time.
const MAX_WHOLE: usize = 100_000;

/// What a step of our own came to, or the platform's failure.
type Told<T> = Result<std::result::Result<T, Failure>>;

impl Pass<'_> {
    /// Brings the members of a group to what they are here; how many have come or gone.
    pub(super) async fn members(&mut self, group_id: &str, link: &Link) -> Told<i64> {
        if self.run.mode == Mode::Full
            && let Err(failure) = self.compare(group_id, link).await?
        {
            return Ok(Err(failure));
        }
        let gone = match self.part_with(group_id, link, false).await? {
            Ok(gone) => gone,
            Err(failure) => return Ok(Err(failure)),
        };
        Ok(self.take_in(group_id, link).await?.map(|come| come + gone))
    }

    /// Takes all members away that the platform was told of.
    pub(super) async fn take_all_members(&mut self, link: &Link) -> Told<()> {
        let id = link.local_id.clone();
        match self.part_with(&id, link, true).await? {
            Err(failure) if failure.kind == Why::Gone => Ok(Ok(())),
            done => Ok(done.map(drop)),
        }
    }

    /// Takes members away: all, or those who are not in the group any more.
    async fn part_with(&mut self, group_id: &str, link: &Link, all: bool) -> Told<i64> {
        let (mut after, mut gone) = (String::new(), 0);
        loop {
            let mut conn = self.app.store.read().await?;
            let id = &self.federation.id;
            let mut page = store::provisioned_member::list(&mut conn, id, group_id, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(Ok(gone)) };
            after.clone_from(&last.user_id);
            if !all {
                let asked: Vec<&str> = page.iter().map(|m| m.user_id.as_str()).collect();
                let stay = store::provisioned_member::staying(&mut conn, id, group_id, &asked).await?;
                page.retain(|member| !stay.contains(member));
            }
            drop(conn);
            if page.is_empty() {
                continue;
            }
            let ids: Vec<String> = page.iter().map(|m| m.remote_id.clone()).collect();
            let told = self.told(group_id).await?;
            let changed = self.client.change_members(&known(link), &[], &ids, told.as_deref()).await;
            let refused: HashSet<String> = match changed {
                Ok(done) => {
                    self.blame(group_id, &done.refused);
                    done.refused.into_iter().map(|(id, _)| id).collect()
                }
                Err(failure) => return Ok(Err(failure)),
            };
            let went: Vec<&str> =
                page.iter().filter(|m| !refused.contains(&m.remote_id)).map(|m| m.user_id.as_str()).collect();
            let n = i64::try_from(went.len()).unwrap_or(0);
            let mut tx = self.app.store.write().await?;
            store::provisioned_member::remove(&mut tx, &self.federation.id, group_id, &went).await?;
            self.app.commit(tx).await?;
            gone += n;
            self.run.counts.members_removed += n;
        }
    }

    /// Adds who is in the group here and not there.
    async fn take_in(&mut self, group_id: &str, link: &Link) -> Told<i64> {
        let (mut after, mut come) = (String::new(), 0);
        loop {
            let mut conn = self.app.store.read().await?;
            let id = &self.federation.id;
            let here = store::provisioned_member::here(&mut conn, group_id, &after, PAGE).await?;
            let Some(last) = here.last() else { return Ok(Ok(come)) };
            let asked: Vec<&str> = here.iter().map(String::as_str).collect();
            let page = store::provisioned_member::untold(&mut conn, id, group_id, &asked).await?;
            drop(conn);
            after.clone_from(last);
            if page.is_empty() {
                continue;
            }
            let ids: Vec<String> = page.iter().map(|m| m.remote_id.clone()).collect();
            let told = self.told(group_id).await?;
            let done = match self.client.change_members(&known(link), &ids, &[], told.as_deref()).await {
                Ok(done) => done,
                Err(failure) => return Ok(Err(failure)),
            };
            self.blame(group_id, &done.refused);
            let mut left: HashSet<&str> = done.refused.iter().map(|(id, _)| id.as_str()).collect();
            left.extend(done.gone.iter().map(String::as_str));
            // Whoever is gone there is made again by the next run.
            let lost: Vec<Learnt> = page
                .iter()
                .filter(|m| done.gone.contains(&m.remote_id))
                .map(|m| Learnt::Gone(Kind::User, m.user_id.clone()))
                .collect();
            for member in page.iter().filter(|m| done.gone.contains(&m.remote_id)) {
                self.run.note(Kind::Group, group_id, &member.user_id, "the member is gone there".to_owned());
            }
            let there: Vec<Member> = page.iter().filter(|m| !left.contains(m.remote_id.as_str())).cloned().collect();
            let n = i64::try_from(there.len()).unwrap_or(0);
            let mut tx = self.app.store.write().await?;
            store::provisioned_member::add(&mut tx, &self.federation.id, group_id, &there).await?;
            self.app.commit(tx).await?;
            if !lost.is_empty() {
                self.save(&lost).await?;
            }
            come += n;
            self.run.counts.members_added += n;
        }
    }

    /// What the platform was last told, where it has to be told all each time.
    async fn told(&self, group_id: &str) -> Result<Option<Vec<String>>> {
        if self.client.capabilities().patch {
            return Ok(None);
        }
        let (mut all, mut after) = (Vec::new(), String::new());
        let mut conn = self.app.store.read().await?;
        loop {
            let page = store::provisioned_member::list(&mut conn, &self.federation.id, group_id, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(Some(all)) };
            after.clone_from(&last.user_id);
            all.extend(page.into_iter().map(|m| m.remote_id));
            if all.len() > MAX_WHOLE {
                return Ok(None);
            }
        }
    }

    fn blame(&mut self, group_id: &str, refused: &[(String, String)]) {
        for (remote_id, why) in refused {
            self.run.note(Kind::Group, group_id, remote_id, format!("the member was refused: {why}"));
        }
    }

    /// Compares what the platform was told with what it says. Members that it has lost are added again; those of ours that
    /// somebody has put in there are taken for told, so that they go if they are not to be there. Strangers stay.
    async fn compare(&mut self, group_id: &str, link: &Link) -> Told<()> {
        let group: Known = known(link);
        let there = match self.client.members(&group).await {
            Ok(Some(there)) => there.into_iter().collect::<HashSet<String>>(),
            // It does not tell, or there are too many: what it was told is all that is known.
            Ok(None) => return Ok(Ok(())),
            Err(failure) if failure.kind == Why::TooLarge => return Ok(Ok(())),
            Err(failure) => return Ok(Err(failure)),
        };
        let mut after = String::new();
        let mut known_there = HashSet::new();
        loop {
            let mut conn = self.app.store.read().await?;
            let page = store::provisioned_member::list(&mut conn, &self.federation.id, group_id, &after, PAGE).await?;
            drop(conn);
            let Some(last) = page.last() else { break };
            after.clone_from(&last.user_id);
            let lost: Vec<&str> =
                page.iter().filter(|m| !there.contains(&m.remote_id)).map(|m| m.user_id.as_str()).collect();
            if !lost.is_empty() {
                let mut tx = self.app.store.write().await?;
                store::provisioned_member::remove(&mut tx, &self.federation.id, group_id, &lost).await?;
                self.app.commit(tx).await?;
            }
            known_there.extend(page.into_iter().map(|m| m.remote_id));
        }
        let untold: Vec<&String> = there.iter().filter(|id| !known_there.contains(*id)).collect();
        for piece in untold.chunks(PAGE as usize) {
            let mut conn = self.app.store.read().await?;
            let ours = store::provisioned_member::by_remote(&mut conn, &self.federation.id, piece).await?;
            drop(conn);
            if !ours.is_empty() {
                let mut tx = self.app.store.write().await?;
                store::provisioned_member::add(&mut tx, &self.federation.id, group_id, &ours).await?;
                self.app.commit(tx).await?;
            }
        }
        Ok(Ok(()))
    }
}
