//! One pass over all that a run does, phase by phase, page by page.

use super::token;
use crate::error::Result;
use crate::model::federation::Federation;
use crate::model::provisioning::{Kind, Mode, Phase, Run, State};
use crate::platform::scim::{Client, Failure};
use crate::service::App;
use crate::service::platform::Ready;
use crate::store::provisioned::Scope;
use crate::store::{self, Conn};

/// The share of all active users that a run may deactivate, as one of so many.
const MOST_OF: i64 = 5;

/// How a pass ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// All was looked at.
    Done,
    /// It could not go on.
    Stopped {
        /// Why.
        reason: String,
        /// It may work later.
        passes: bool,
    },
    /// Another run has taken its place.
    Superseded,
}

impl End {
    /// A failure that no other user or group would escape.
    pub(super) fn of(failure: &Failure) -> Self {
        Self::Stopped { reason: failure.message.clone(), passes: failure.passes() }
    }
}

/// A run that is under way.
pub(super) struct Pass<'a> {
    pub(super) app: &'a App,
    pub(super) federation: &'a Federation,
    pub(super) client: Client,
    pub(super) scope: Scope,
    pub(super) run: Run,
}

impl<'a> Pass<'a> {
    /// Connects to the platform's SCIM server, and makes sure that the run does no more than it may.
    pub(super) async fn begin(
        app: &'a App,
        federation: &'a Federation,
        ready: &Ready,
        mut run: Run,
    ) -> Result<std::result::Result<Self, (Run, End)>> {
        let stopped = |reason: &str| End::Stopped { reason: reason.to_owned(), passes: false };
        let Some(base) = &ready.record.options.scim_endpoint else {
            return Ok(Err((run, stopped("the platform has no SCIM server"))));
        };
        let token = token(app, ready).await?;
        let mut conn = app.store.read().await?;
        let names = store::sso_config::group_mappings(&mut conn, &federation.config_id).await?;
        let mut group_names: Vec<String> = names.into_iter().map(|row| row.idp_group).collect();
        group_names.sort();
        group_names.dedup();
        let scope = Scope { config_id: federation.config_id.clone(), group_names };
        if run.state == State::Queued {
            run.state = State::Running;
            run.counts.users.total = store::provisioned::count(&mut conn, &scope, Kind::User).await?;
            run.counts.groups.total = store::provisioned::count(&mut conn, &scope, Kind::Group).await?;
        }
        let comes = matches!(run.mode, Mode::Full | Mode::Changes);
        if comes && !run.unlimited && run.phase == Phase::Users {
            let (active, leaving) = store::provisioned::at_stake(&mut conn, &federation.id, &scope).await?;
            if leaving > 1 && leaving * MOST_OF > active {
                let reason = format!(
                    "safety stop: {leaving} of {active} users would be deactivated; if that is meant, federate with allowMassDeactivation"
                );
                return Ok(Err((run, stopped(&reason))));
            }
        }
        drop(conn);
        let connected =
            Client::connect(ready.egress.clone(), base, token.as_ref(), app.clock.clone(), app.random.clone()).await;
        Ok(match connected {
            Ok(client) => Ok(Self { app, federation, client, scope, run }),
            Err(failure) => Err((run, End::of(&failure))),
        })
    }

    /// The run as it stands.
    pub(super) fn into_run(self) -> Run {
        self.run
    }

    /// All phases that are left.
    pub(super) async fn all(&mut self) -> Result<End> {
        if !self.save(&[]).await? {
            return Ok(End::Superseded);
        }
        loop {
            let end = match (self.run.phase, self.run.mode) {
                (Phase::Users, Mode::Full | Mode::Changes) => self.users().await?,
                (Phase::Leavers, Mode::Full | Mode::Changes) => self.leavers().await?,
                (Phase::Groups, Mode::Full | Mode::Changes) => self.groups().await?,
                (Phase::Remainders, Mode::Full | Mode::Changes) => self.remainders().await?,
                // Groups go before those who are in them.
                (Phase::Users, _) => self.all_groups().await?,
                (Phase::Leavers, _) => self.all_users().await?,
                (Phase::Groups | Phase::Remainders, _) => None,
                (Phase::End, _) => return Ok(End::Done),
            };
            if let Some(end) = end {
                return Ok(end);
            }
            self.run.phase = match self.run.phase {
                Phase::Users => Phase::Leavers,
                Phase::Leavers => Phase::Groups,
                Phase::Groups => Phase::Remainders,
                Phase::Remainders | Phase::End => Phase::End,
            };
            self.run.after_id.clear();
            if !self.save(&[]).await? {
                return Ok(End::Superseded);
            }
        }
    }

    /// Writes down how far it has come, and what has been learnt of these; false if another run has taken its place.
    pub(super) async fn save(&mut self, learnt: &[Learnt]) -> Result<bool> {
        self.run.updated_at = self.app.now();
        let mut tx = self.app.store.write().await?;
        for each in learnt {
            each.write(&mut tx, &self.federation.id).await?;
        }
        let current = store::provisioning_run::update(&mut tx, &self.run).await?;
        self.app.commit(tx).await?;
        Ok(current)
    }
}

/// What has been learnt of a user or group.
pub(super) enum Learnt {
    /// It is there like this.
    There(Kind, crate::model::provisioning::Link),
    /// It is not there any more.
    Gone(Kind, String),
}

impl Learnt {
    async fn write(&self, tx: &mut Conn, federation_id: &str) -> Result<()> {
        match self {
            Self::There(kind, link) => store::provisioned::put(tx, federation_id, *kind, link).await,
            Self::Gone(kind, id) => store::provisioned::forget(tx, federation_id, *kind, id).await,
        }
    }
}
