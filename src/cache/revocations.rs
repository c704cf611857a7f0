//! Revocation events, arranged so that asking about one token costs the same however many there are.
//!
//! Nearly all events name one field only, or a protocol with its identity provider; of those the latest `issued_before`
//! for each value is all that counts.

use std::collections::HashMap;

use crate::clock::Timestamp;
use crate::model::revocation::{RevocationEvent, Subject};

type Latest = HashMap<Box<str>, i64>;

#[derive(Debug, Default)]
pub(super) struct Revocations {
    by_audit_id: Latest,
    by_chain_id: Latest,
    by_user: Latest,
    by_project: Latest,
    by_role: Latest,
    by_identity_provider: Latest,
    /// By identity provider, then by protocol.
    by_protocol: HashMap<Box<str>, Latest>,
    /// Events that name several fields or a rare one, by their user, if they name one.
    mixed_by_user: HashMap<Box<str>, Vec<RevocationEvent>>,
    mixed: Vec<RevocationEvent>,
    /// The latest of all that name a user, and of all that name an identity provider or a protocol of one.
    latest_of_users: Option<i64>,
    latest_of_protocols: Option<i64>,
}

impl Revocations {
    /// Adds an event; adding it again changes nothing.
    pub(super) fn add(&mut self, event: &RevocationEvent) {
        let e = event;
        let reaches = Some(e.issued_before);
        if e.user_id.is_some() {
            self.latest_of_users = self.latest_of_users.max(reaches);
        }
        if e.idp_id.is_some() {
            self.latest_of_protocols = self.latest_of_protocols.max(reaches);
        }
        let note = |map: &mut Latest, value: &str| {
            let latest = map.entry(value.into()).or_insert(i64::MIN);
            *latest = (*latest).max(e.issued_before);
        };
        let named = [
            (&mut self.by_audit_id, &e.audit_id),
            (&mut self.by_chain_id, &e.audit_chain_id),
            (&mut self.by_user, &e.user_id),
            (&mut self.by_project, &e.project_id),
            (&mut self.by_role, &e.role_id),
            (&mut self.by_identity_provider, &e.idp_id),
        ];
        let rare = e.domain_id.is_some()
            || e.trust_id.is_some()
            || e.consumer_id.is_some()
            || e.access_token_id.is_some()
            || e.expires_at.is_some();
        let mut only = named.into_iter().filter_map(|(map, value)| value.as_deref().map(|v| (map, v)));
        if let (Some((map, value)), None, false) = (only.next(), only.next(), rare) {
            match (&e.idp_id, &e.protocol_id) {
                (_, None) => return note(map, value),
                (Some(idp), Some(protocol)) => {
                    return note(self.by_protocol.entry(idp.as_str().into()).or_default(), protocol);
                }
                // A protocol's id means nothing without the identity provider.
                (None, Some(_)) => {}
            }
        }
        let bucket = match &e.user_id {
            Some(user) => self.mixed_by_user.entry(user.as_str().into()).or_default(),
            None => &mut self.mixed,
        };
        if !bucket.iter().any(|known| known.id == e.id) {
            bucket.push(event.clone());
        }
    }

    /// Whether any event hits this token.
    pub(super) fn hit(&self, token: &Subject<'_>) -> bool {
        let since = |map: &Latest, value: Option<&str>| {
            value.and_then(|v| map.get(v)).is_some_and(|before| *before >= token.issued_at.0)
        };
        since(&self.by_audit_id, Some(token.audit_id))
            || since(&self.by_chain_id, Some(token.chain_id))
            || since(&self.by_user, Some(token.user_id))
            || since(&self.by_project, token.project_id)
            || since(&self.by_identity_provider, token.idp_id)
            || token.idp_id.and_then(|i| self.by_protocol.get(i)).is_some_and(|map| since(map, token.protocol_id))
            || (!self.by_role.is_empty() && token.role_ids.iter().any(|r| since(&self.by_role, Some(r))))
            || self.mixed_by_user.get(token.user_id).is_some_and(|events| events.iter().any(|e| e.hits(token)))
            || self.mixed.iter().any(|e| e.hits(token))
    }

    /// The latest event that names this user and nothing else.
    pub(super) fn of_user(&self, user_id: &str) -> Option<Timestamp> {
        self.by_user.get(user_id).map(|before| Timestamp(*before))
    }

    /// The latest event that names nothing but this identity provider or this protocol of it; without a protocol, any.
    pub(super) fn of_protocol(&self, idp_id: &str, protocol_id: Option<&str>) -> Option<Timestamp> {
        let protocols = self.by_protocol.get(idp_id);
        let of_protocols = match protocol_id {
            Some(id) => protocols.and_then(|map| map.get(id)),
            None => protocols.and_then(|map| map.values().max()),
        };
        self.by_identity_provider.get(idp_id).max(of_protocols).map(|before| Timestamp(*before))
    }

    /// The latest event of any user.
    pub(super) fn of_users(&self) -> Option<Timestamp> {
        self.latest_of_users.map(Timestamp)
    }

    /// The latest event of any identity provider or protocol.
    pub(super) fn of_protocols(&self) -> Option<Timestamp> {
        self.latest_of_protocols.map(Timestamp)
    }

    /// Drops events whose tokens were all issued before `cutoff`.
    pub(super) fn prune(&mut self, cutoff: Timestamp) {
        for map in [
            &mut self.by_audit_id,
            &mut self.by_chain_id,
            &mut self.by_user,
            &mut self.by_project,
            &mut self.by_role,
            &mut self.by_identity_provider,
        ] {
            map.retain(|_, before| *before >= cutoff.0);
        }
        self.by_protocol.retain(|_, map| {
            map.retain(|_, before| *before >= cutoff.0);
            !map.is_empty()
        });
        self.mixed.retain(|e| e.revoked_at >= cutoff.0);
        self.mixed_by_user.retain(|_, events| {
            events.retain(|e| e.revoked_at >= cutoff.0);
            !events.is_empty()
        });
    }

    /// How many are held.
    pub(super) fn len(&self) -> usize {
        [
            &self.by_audit_id,
            &self.by_chain_id,
            &self.by_user,
            &self.by_project,
            &self.by_role,
            &self.by_identity_provider,
        ]
        .iter()
        .map(|m| m.len())
        .sum::<usize>()
            + self.by_protocol.values().map(HashMap::len).sum::<usize>()
            + self.mixed.len()
            + self.mixed_by_user.values().map(Vec::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pick(names: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop::sample::select(names)).prop_map(|o| o.map(str::to_owned))
    }

    prop_compose! {
        fn events()(n in 0u32..1_000_000, audit_id in pick(&["a1", "a2"]), chain in pick(&["c1", "c2"]), user_id in pick(&["u1", "u2"]),
            project_id in pick(&["p1", "p2"]), domain_id in pick(&["d1", "d2"]), role_id in pick(&["r1", "r2"]),
            idp_id in pick(&["i1", "i2"]), protocol_id in pick(&["saml", "oidc"]), expires in prop::option::of(prop::sample::select(vec![10i64, 20])), before in 0i64..5) -> RevocationEvent {
            RevocationEvent { id: n.to_string(), audit_id, audit_chain_id: chain, user_id, project_id, domain_id, role_id, idp_id, protocol_id,
                expires_at: expires, issued_before: before, revoked_at: before, ..RevocationEvent::default() }
        }
    }

    proptest! {
        #[test]
        fn the_arrangement_answers_as_asking_each_event_would(list in prop::collection::vec(events(), 0..12), issued in 0i64..5,
            audit in prop::sample::select(vec!["a1", "a2"]), user in prop::sample::select(vec!["u1", "u2"]), scoped in any::<bool>(),
            federated in any::<bool>()) {
            let token = Subject { audit_id: audit, chain_id: "c1", user_id: user, user_domain_id: "d1",
                project_id: scoped.then_some("p1"), scope_domain_id: scoped.then_some("d2"), role_ids: &["r1"],
                trust_id: None, access_token_id: None, idp_id: federated.then_some("i1"),
                protocol_id: federated.then_some("saml"), issued_at: Timestamp(issued), expires_at: Timestamp(10) };
            let mut index = Revocations::default();
            for e in list.iter().chain(&list) { index.add(e); }
            prop_assert_eq!(index.hit(&token), list.iter().any(|e| e.hits(&token)));
        }
    }
}
