//! Lists: comparators, pages, and the audit trail as the longest of them.

use super::*;
use crate::model::audit_event::AuditEvent;
use crate::model::list::Operand;

#[tokio::test]
async fn comparators_mean_the_same_on_both_databases() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        for name in ["Alpha", "alphabet", "BETA", "100%", "a_b", "axb"] {
            let mut d = a_domain(&format!("id-{name}"));
            d.name = name.into();
            domain::insert(&mut tx, &d).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let find = async |operator, text: &str| {
            let condition = Condition { column: "name", operator, operand: Operand::Text(text.into()) };
            let query = Query { conditions: vec![condition], limit: 100, marker: None };
            let rows = domain::list(&mut store.read().await.unwrap(), &query).await.unwrap();
            let mut names: Vec<String> = rows.into_iter().map(|d| d.name).collect();
            names.sort();
            names.join(" ")
        };
        assert_eq!(find(Operator::Equals, "Alpha").await, "Alpha");
        assert_eq!(find(Operator::IEquals, "alpha").await, "Alpha");
        assert_eq!(find(Operator::Contains, "lph").await, "Alpha alphabet");
        assert_eq!(find(Operator::Contains, "A").await, "Alpha BETA");
        assert_eq!(find(Operator::IContains, "ET").await, "BETA alphabet");
        assert_eq!(find(Operator::StartsWith, "alpha").await, "alphabet");
        assert_eq!(find(Operator::IStartsWith, "alpha").await, "Alpha alphabet");
        assert_eq!(find(Operator::EndsWith, "a").await, "Alpha");
        assert_eq!(find(Operator::IEndsWith, "TA").await, "BETA");
        assert_eq!(find(Operator::EndsWith, "a very long text that is longer than any name").await, "");
        assert_eq!(find(Operator::Contains, "%").await, "100%", "no wildcard");
        assert_eq!(find(Operator::Contains, "a_b").await, "a_b", "no wildcard");
    })
    .await;
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_overlap() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        for i in 0..7 {
            identity_provider::insert(&mut tx, &an_idp(&format!("i{i}"), "d", &[&format!("r{i}")])).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let query = Query { conditions: vec![], limit: 3, marker };
            let rows = identity_provider::list(&mut store.read().await.unwrap(), &query).await.unwrap();
            let page = crate::model::list::Page::cut(rows, 3);
            for idp in &page.items {
                assert_eq!(idp.remote_ids.iter().collect::<Vec<_>>(), [&format!("r{}", &idp.id[1..])]);
            }
            seen.extend(page.items.iter().map(|i| i.id.clone()));
            marker = page.items.last().map(|i| i.id.clone());
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, ["i0", "i1", "i2", "i3", "i4", "i5", "i6"]);
    })
    .await;
}

#[tokio::test]
async fn numbers_are_compared_the_same_on_both_databases() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        domain::insert(&mut tx, &a_domain("d")).await.unwrap();
        for (user, ends) in [("a", Some(1)), ("b", Some(2)), ("c", Some(3)), ("d", None)] {
            super::user::insert(&mut tx, &a_user(user, "d"), NOW).await.unwrap();
            password::insert(&mut tx, user, user, "h", NOW, ends.map(Timestamp)).await.unwrap();
        }
        for (operator, expected) in [
            (Operator::Equals, "b"),
            (Operator::NotEquals, "a c"),
            (Operator::Less, "a"),
            (Operator::AtMost, "a b"),
            (Operator::More, "c"),
            (Operator::AtLeast, "b c"),
        ] {
            let condition = Condition { column: "w.expires_at", operator, operand: Operand::Int(2) };
            let query = Query { conditions: vec![condition], ..Query::all(9) };
            let found = super::user::list(&mut tx, &query).await.unwrap();
            assert_eq!(found.into_iter().map(|i| i.user.id).collect::<Vec<_>>().join(" "), expected, "{operator:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn audit_events_are_filtered_paged_and_pruned() {
    on_both(async |store| {
        let mut tx = store.write().await.unwrap();
        for i in 0..5i64 {
            let event = AuditEvent {
                id: format!("e{i}"),
                at: NOW.plus_secs(i),
                request_id: format!("req-{i}"),
                action: if i % 2 == 0 { "auth.login".into() } else { "user.create".into() },
                outcome: "success".into(),
                reason: None,
                user_id: Some("u".into()),
                user_name: None,
                scope_kind: None,
                scope_id: None,
                domain_id: None,
                target_kind: None,
                target_id: None,
                remote: None,
                detail: String::new(),
            };
            audit_event::insert(&mut tx, &event).await.unwrap();
        }
        tx.commit(NOW).await.unwrap();
        let ids = async |query: Query, since, until| {
            let rows = audit_event::list(&mut store.read().await.unwrap(), &query, since, until).await.unwrap();
            rows.into_iter().map(|e| e.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(Query::all(10), None, None).await, "e4 e3 e2 e1 e0");
        assert_eq!(ids(Query { marker: Some("e3".into()), ..Query::all(1) }, None, None).await, "e2 e1");
        let logins = Query { conditions: vec![Condition::equals("action", "auth.login")], ..Query::all(10) };
        assert_eq!(ids(logins, None, None).await, "e4 e2 e0");
        assert_eq!(ids(Query::all(10), Some(NOW.plus_secs(1)), Some(NOW.plus_secs(3))).await, "e2 e1");
        let mut tx = store.write().await.unwrap();
        assert_eq!(audit_event::prune(&mut tx, NOW.plus_secs(2)).await.unwrap(), 2);
    })
    .await;
}
