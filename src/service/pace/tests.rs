//! Paces with an exact clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::testing::{House, houses};

fn origin(address: &str) -> Origin {
    Origin::new([b'x'; 40], Some(address.parse().unwrap()))
}

async fn house(settings: &[(&str, &str)]) -> House {
    houses(settings).await.remove(0)
}

/// Seconds to wait; 0: it may be tried.
fn wait(result: Result<()>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(Error::TooMany { message, retry_after }) => {
            assert_eq!(message, "Too many requests");
            retry_after
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_rate_1_a_bucket_is_full_at_first_and_fills_with_time() {
    let house = house(&[("ARCHSTONE_TENANT__BEGIN_PER_MINUTE", "6")]).await;
    let (app, who) = (&house.app, origin("192.0.2.1"));
    let tried = || wait(check(app, Kind::Begin, "t", &who));
    for _ in 0..6 {
        assert_eq!(tried(), 0);
    }
    assert_eq!(tried(), 10);
    house.clock.advance(9);
    assert_eq!(tried(), 1);
    house.clock.advance(1);
    assert_eq!((tried(), tried()), (0, 10));
    house.clock.advance(3_600);
    assert_eq!((0..7).map(|_| tried()).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_rate_1_nobody_uses_up_what_is_anothers() {
    let limits = [("ARCHSTONE_TENANT__BEGIN_PER_MINUTE", "1"), ("ARCHSTONE_TENANT__TOKEN_PER_MINUTE", "1")];
    let house = house(&limits).await;
    let app = &house.app;
    let begin = |tenant: &str, address: &str| wait(check(app, Kind::Begin, tenant, &origin(address))) == 0;
    assert!(begin("t", "192.0.2.1") && !begin("t", "192.0.2.1"));
    assert!(begin("t", "192.0.2.2") && begin("u", "192.0.2.1"));
    assert_eq!(wait(check(app, Kind::Finish, "t", &origin("192.0.2.1"))), 0);
    // One network of IPv6 is one, and an IPv4 address is the same however it is written.
    assert!(begin("t", "2001:db8::1") && !begin("t", "2001:db8::2:3") && begin("t", "2001:db8:0:1::1"));
    assert!(!begin("t", "::ffff:192.0.2.1"));
    let token = |client: &str, address: &str| wait(check_client(app, "t", client, &origin(address))) == 0;
    assert!(token("a", "192.0.2.1") && !token("a", "192.0.2.1"));
    assert!(token("b", "192.0.2.1") && token("a", "192.0.2.9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_rate_1_whoever_brings_too_much_nonsense_is_kept_out_for_five_minutes() {
    let house = house(&[("ARCHSTONE_TENANT__FAILURES_PER_MINUTE", "3")]).await;
    let (app, who) = (&house.app, origin("192.0.2.1"));
    let tried = || wait(check(app, Kind::Finish, "t", &who));
    for _ in 0..3 {
        failed(app, "t", &who);
        assert_eq!(tried(), 0);
    }
    failed(app, "t", &who);
    assert_eq!(tried(), 300);
    assert_eq!(wait(check(app, Kind::Finish, "t", &origin("192.0.2.2"))), 0);
    house.clock.advance(299);
    assert_eq!(tried(), 1);
    house.clock.advance(1);
    assert_eq!(tried(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_0_is_none() {
    let limits = [("ARCHSTONE_TENANT__FINISH_PER_MINUTE", "0"), ("ARCHSTONE_TENANT__FAILURES_PER_MINUTE", "0")];
    let house = house(&limits).await;
    let who = origin("192.0.2.1");
    for _ in 0..1_000 {
        failed(&house.app, "t", &who);
        assert_eq!(wait(check(&house.app, Kind::Finish, "t", &who)), 0);
    }
}

#[test]
fn op_dos_1_the_number_of_buckets_is_bounded() {
    let paces = Paces { buckets: Cache::new(100), ..Paces::default() };
    for n in 0..10_000_u32 {
        let key = Key { kind: None, tenant_id: "t".into(), client_id: None, address: Some(IpAddr::V4(n.into())) };
        let _ = paces.take(key, 1, Timestamp(0));
    }
    paces.buckets.run_pending_tasks();
    assert!(paces.buckets.entry_count() <= 100);
}
