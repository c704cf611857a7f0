//! What this node knows to have changed, kept true by its own writes at once and by the change feed for other nodes'.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::revocations::Revocations;
use crate::clock::Timestamp;
use crate::model::change::Change;
use crate::model::facts::Facts;
use crate::model::revocation::RevocationEvent;

/// Most changed things that are kept apart; beyond it everything counts as changed once.
const MAX_CHANGED: usize = 100_000;

/// Where a remembered token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As when it was read.
    Good,
    /// Something it rests on has changed: read it again.
    Stale,
    /// It has been revoked.
    Revoked,
}

#[derive(Debug, Default)]
struct Known {
    /// Tick at which everything was forgotten.
    all: u64,
    users: HashMap<String, u64>,
    projects: HashMap<String, u64>,
    domains: HashMap<String, u64>,
    identity_providers: HashMap<String, u64>,
    /// When an identity provider, whichever it is, last changed.
    any_identity_provider: u64,
    tenants: HashMap<String, u64>,
    /// When an SSO configuration last came or went.
    sso_configurations: u64,
    revocations: Revocations,
}

/// This node's knowledge of changes and revocations.
#[derive(Debug, Default)]
pub struct Memory {
    tick: AtomicU64,
    current: AtomicBool,
    known: RwLock<Known>,
}

impl Memory {
    /// Counts the changes that this node has taken in.
    pub fn tick(&self) -> u64 {
        self.tick.load(Ordering::Acquire)
    }

    /// Whether the change feed has been read to its end a moment ago.
    pub fn is_current(&self) -> bool {
        self.current.load(Ordering::Acquire)
    }

    /// Says whether the change feed is being read.
    pub fn set_current(&self, current: bool) {
        self.current.store(current, Ordering::Release);
    }

    /// Takes changes in. Taking one in twice does no harm.
    pub fn apply(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let tick = self.tick.load(Ordering::Acquire) + 1;
        for change in changes {
            match change {
                Change::User(id) => drop(known.users.insert(id.clone(), tick)),
                Change::Project(id) => drop(known.projects.insert(id.clone(), tick)),
                Change::Domain(id) => drop(known.domains.insert(id.clone(), tick)),
                Change::IdentityProvider(id) => {
                    known.identity_providers.insert(id.clone(), tick);
                    known.any_identity_provider = tick;
                }
                Change::Tenant(id) => drop(known.tenants.insert(id.clone(), tick)),
                Change::SsoConfigurations => known.sso_configurations = tick,
                Change::Revocation(event) => known.revocations.add(event),
                Change::All => known.forget(tick),
            }
        }
        if known.changed() > MAX_CHANGED {
            known.forget(tick);
        }
        self.tick.store(tick, Ordering::Release);
    }

    /// Whether an event revokes a token of these facts.
    pub fn is_revoked(&self, facts: &Facts) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        facts.with_subject(|s| known.revocations.hit(s))
    }

    /// Until when the tokens of a user as such are revoked, if they are.
    pub fn user_revoked_until(&self, user_id: &str) -> Option<Timestamp> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).revocations.of_user(user_id)
    }

    /// Whether an identity provider, or what belongs to it, has changed since `tick`.
    pub fn identity_provider_changed(&self, id: &str, since: u64) -> bool {
        if self.tick() == since {
            return false;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.all > since || known.identity_providers.get(id).is_some_and(|tick| *tick > since)
    }

    /// Whether any identity provider has changed since `tick`.
    pub fn identity_providers_changed(&self, since: u64) -> bool {
        if self.tick() == since {
            return false;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.all > since || known.any_identity_provider > since || known.sso_configurations > since
    }

    /// Whether a tenant, what belongs to it, or its domain has changed since `tick`.
    pub fn tenant_changed(&self, id: &str, since: u64) -> bool {
        if self.tick() == since {
            return false;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let later = |map: &HashMap<String, u64>| map.get(id).is_some_and(|tick| *tick > since);
        known.all > since || later(&known.tenants) || later(&known.domains)
    }

    /// Whether an SSO configuration has come or gone since `tick`.
    pub fn sso_configurations_changed(&self, since: u64) -> bool {
        if self.tick() == since {
            return false;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.all > since || known.sso_configurations > since
    }

    /// Until when the tokens that came by a protocol as such are revoked, if they are; without a protocol, by any of the
    /// identity provider.
    pub fn protocol_revoked_until(&self, idp_id: &str, protocol_id: Option<&str>) -> Option<Timestamp> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).revocations.of_protocol(idp_id, protocol_id)
    }

    /// Until when the tokens of any user, and those that came by any protocol, are revoked.
    pub fn latest_revocations(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        (known.revocations.of_users(), known.revocations.of_protocols())
    }

    /// Where facts stand that were read from the database after `built`.
    pub fn judge(&self, facts: &Facts, built: u64) -> Standing {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let later = |map: &HashMap<String, u64>, id: &str| map.get(id).is_some_and(|t| *t > built);
        let scope_domain = facts.scope.domain_id();
        if known.all > built
            || later(&known.users, &facts.payload.user_id)
            || later(&known.domains, &facts.user_domain_id)
            // What a tenant has issued rests on its keys and its applications.
            || later(&known.tenants, &facts.user_domain_id)
            || scope_domain.is_some_and(|id| later(&known.domains, id))
            || facts.scope.project_id().is_some_and(|id| later(&known.projects, id))
            || facts.payload.federated.as_ref().is_some_and(|f| later(&known.identity_providers, &f.idp_id))
        {
            Standing::Stale
        } else if facts.with_subject(|s| known.revocations.hit(s)) {
            Standing::Revoked
        } else {
            Standing::Good
        }
    }

    /// Starts afresh with these revocation events; nothing remembered before counts.
    pub fn restart(&self, events: impl IntoIterator<Item = RevocationEvent>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let tick = self.tick.load(Ordering::Acquire) + 1;
        known.forget(tick);
        for event in events {
            known.revocations.add(&event);
        }
        self.tick.store(tick, Ordering::Release);
    }

    /// Drops revocations of before `cutoff`: no token that they hit is alive.
    pub fn prune(&self, cutoff: Timestamp) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).revocations.prune(cutoff);
    }

    /// How many revocations are held.
    pub fn revocations(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).revocations.len()
    }
}

impl Known {
    /// How many changed things are kept apart.
    fn changed(&self) -> usize {
        let maps = [&self.users, &self.projects, &self.domains, &self.identity_providers, &self.tenants];
        maps.into_iter().map(HashMap::len).sum()
    }

    /// Everything read until `tick` is stale. Revocations stay.
    fn forget(&mut self, tick: u64) {
        self.all = tick;
        self.users.clear();
        self.projects.clear();
        self.domains.clear();
        self.identity_providers.clear();
        self.tenants.clear();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cache::Entry;
    use crate::model::facts::Scope;
    use crate::model::token::{self, Payload};

    pub(in crate::cache) fn facts() -> Facts {
        Facts {
            payload: Payload {
                user_id: "u".into(),
                methods: vec!["password".into()],
                issued_at: Timestamp::from_secs(100),
                expires_at: Timestamp::from_secs(200),
                audit_ids: vec!["own".into(), "root".into()],
                scope: token::Scope::Project("p".into()),
                federated: None,
                trust_id: None,
                app_cred_id: None,
                access_token_id: None,
                thumbprint: None,
            },
            user_name: "n".into(),
            user_domain_id: "ud".into(),
            user_domain_name: "UD".into(),
            password_expires_at: None,
            scope: Scope::Project {
                id: "p".into(),
                name: "P".into(),
                domain_id: "pd".into(),
                domain_name: "PD".into(),
                is_domain: false,
            },
            groups: vec![],
            roles: vec![],
        }
    }

    fn event(set: impl FnOnce(&mut RevocationEvent)) -> Change {
        let mut e = RevocationEvent::new("e".into(), Timestamp::from_secs(150));
        set(&mut e);
        Change::Revocation(Box::new(e))
    }

    #[test]
    fn an_entry_is_stale_after_a_change_to_anything_it_rests_on_and_to_nothing_else() {
        for (change, expected) in [
            (Change::User("u".into()), Standing::Stale),
            (Change::User("v".into()), Standing::Good),
            (Change::Domain("ud".into()), Standing::Stale),
            (Change::Domain("pd".into()), Standing::Stale),
            (Change::Domain("other".into()), Standing::Good),
            (Change::Project("p".into()), Standing::Stale),
            (Change::Project("q".into()), Standing::Good),
            (Change::IdentityProvider("i".into()), Standing::Good),
            (Change::Tenant("ud".into()), Standing::Stale),
            (Change::Tenant("pd".into()), Standing::Good),
            (Change::All, Standing::Stale),
            (event(|e| e.audit_chain_id = Some("root".into())), Standing::Revoked),
            (event(|e| e.audit_id = Some("own".into())), Standing::Revoked),
            (event(|e| e.user_id = Some("v".into())), Standing::Good),
        ] {
            let memory = Memory::default();
            let entry = Entry::new(facts(), (), memory.tick());
            assert_eq!(entry.standing(&memory), Standing::Good);
            memory.apply(std::slice::from_ref(&change));
            assert_eq!(entry.standing(&memory), expected, "{change:?}");
            assert_eq!(entry.standing(&memory), expected, "asked again: {change:?}");
        }
    }

    #[test]
    fn an_entry_read_after_the_change_is_good() {
        let memory = Memory::default();
        memory.apply(&[Change::User("u".into())]);
        let entry = Entry::new(facts(), (), memory.tick());
        assert_eq!(entry.standing(&memory), Standing::Good);
    }

    #[test]
    fn revocations_survive_a_change_of_everything_and_a_restart_takes_the_stored_ones() {
        let memory = Memory::default();
        memory.apply(&[event(|e| e.audit_id = Some("own".into())), Change::All]);
        assert!(memory.is_revoked(&facts()));
        let fresh = Memory::default();
        let Change::Revocation(e) = event(|e| e.user_id = Some("u".into())) else { unreachable!() };
        fresh.restart([*e]);
        assert!(fresh.is_revoked(&facts()));
        assert_eq!(fresh.revocations(), 1);
        fresh.prune(Timestamp::from_secs(151));
        assert!(!fresh.is_revoked(&facts()));
    }

    #[test]
    fn what_changed_is_bounded() {
        let memory = Memory::default();
        let entry = Entry::new(facts(), (), memory.tick());
        let many: Vec<Change> = (0..=MAX_CHANGED).map(|i| Change::User(format!("x{i}"))).collect();
        memory.apply(&many);
        assert_eq!(memory.known.read().unwrap().users.len(), 0);
        assert_eq!(entry.standing(&memory), Standing::Stale);
    }
}
