//! Access keys: signatures, clocks that differ, and the two that an account may have (sso-api §7.3).

use super::*;

fn by_key(there: &There, id: &str, secret: &str) -> Scene {
    Scene::new(Product::ZStack, &there.peer.url, Some((id, CredentialKind::Key, secret)))
}

#[tokio::test]
async fn a_key_is_made_by_password_and_signs_from_then_on() {
    let there = There::new().await;
    let scene = there.scene();
    let wrong = Secret::from(CANARY);
    problem(ZSTACK.negotiate(&scene.site(), "admin", &wrong, "archstone-x").await, Trouble::Credential, "Signing in: ");
    assert_eq!(there.lines(), [LOGIN]);
    let password = Secret::from("pw");
    let key = ZSTACK.negotiate(&scene.site(), "admin", &password, "archstone-x").await.unwrap().unwrap();
    assert_eq!((key.id.as_str(), key.name.as_str()), ("AK1", "archstone-x"));
    assert_eq!(there.lines(), [LOGIN, "POST /zstack/v1/accesskeys", LOGOUT]);
    let made = there.kept.lock().unwrap().keys["AK1"].clone();
    assert_eq!((&made["accountUuid"], &made["userUuid"]), (&json!("acc"), &json!("usr")));

    let scene = by_key(&there, "AK1", key.secret.expose_str().unwrap());
    ZSTACK.check(&scene.site()).await.unwrap();
    ZSTACK.push(&scene.site(), &plan(), &attempt()).await.unwrap();
    let asked = there.peer.asked();
    assert!(asked.iter().all(|asked| asked.header("authorization").starts_with("ZStack AK1:")));
    assert_eq!(asked[0].header("date"), "Fri, 15 Jan 2027 08:00:00 GMT");
    assert!(!there.lines().iter().any(|line| line == LOGIN || line == LOGOUT));
    problem(
        ZSTACK.check(&by_key(&there, "AK1", CANARY).site()).await,
        Trouble::Credential,
        "does not take the access key",
    );
}

#[tokio::test]
async fn a_rotation_makes_the_second_key_and_no_third() {
    let there = There::new().await;
    let scene = there.scene();
    let first = ZSTACK.negotiate(&scene.site(), "admin", &Secret::from("pw"), "one").await.unwrap().unwrap();
    let by_first = by_key(&there, &first.id, first.secret.expose_str().unwrap());
    let second = ZSTACK.rotate(&by_first.site(), "two").await.unwrap();
    assert_eq!(second.id, "AK2");
    assert_eq!(there.kept.lock().unwrap().keys["AK2"]["accountUuid"], "acc");
    assert_eq!(there.kept.lock().unwrap().keys["AK2"]["description"], "two for p1");
    let by_second = by_key(&there, &second.id, second.secret.expose_str().unwrap());
    ZSTACK.revoke(&by_second.site(), &first.id).await.unwrap();
    ZSTACK.revoke(&by_second.site(), &first.id).await.unwrap();
    assert_eq!(there.kept.lock().unwrap().keys.keys().collect::<Vec<_>>(), ["AK2"]);
}

#[tokio::test]
async fn a_version_without_keys_is_used_by_password() {
    let there =
        There::with(|asked, _| asked.path.ends_with("/accesskeys").then(|| Said::text(404, "no such URL"))).await;
    assert_eq!(ZSTACK.negotiate(&there.scene().site(), "admin", &Secret::from("pw"), "n").await.unwrap(), None);
    assert_eq!(there.lines().last().map(String::as_str), Some(LOGOUT));
}

#[tokio::test]
async fn the_platforms_clock_is_believed_once() {
    // It is an hour ahead.
    let theirs = |secs: i64| {
        let at = time::OffsetDateTime::from_unix_timestamp(secs).unwrap();
        at.format(&time::format_description::well_known::Rfc2822).unwrap().replace("+0000", "GMT")
    };
    let skewed = move |asked: &Asked| {
        (asked.header("date") != theirs(NOW + 3_600)).then(|| {
            let error = json!({"error": {"code": "SYS.1000", "details": "requestTimeTooSkewed"}});
            Said::json(403, &error).with("date", &theirs(NOW + 3_600))
        })
    };
    let there = There::with(move |asked, _| skewed(asked)).await;
    there
        .kept
        .lock()
        .unwrap()
        .keys
        .insert("AK1".into(), json!({"AccessKeySecret": "s", "AccessKeyID": "AK1", "uuid": "u"}));
    let scene = by_key(&there, "AK1", "s");
    ZSTACK.push(&scene.site(), &plan(), &attempt()).await.unwrap();
    // Only the first request had to be sent twice.
    assert_eq!(there.lines(), [LIST, LIST, CREATE]);

    let there = There::with(|_, _| Some(Said::text(403, "requestTimeTooSkewed"))).await;
    problem(ZSTACK.check(&by_key(&there, "AK1", "s").site()).await, Trouble::Credential, "clock");
    assert_eq!(there.lines().len(), 2);
}

#[tokio::test]
async fn a_key_that_was_left_over_does_not_stand_in_the_way_and_others_stay() {
    let there = There::new().await;
    let scene = there.scene();
    let first = ZSTACK.negotiate(&scene.site(), "admin", &Secret::from("pw"), "one").await.unwrap().unwrap();
    let by_first = by_key(&there, &first.id, first.secret.expose_str().unwrap());
    // Nobody heard of the second, so the first is still in use.
    let unheard = ZSTACK.rotate(&by_first.site(), "two").await.unwrap();
    let third = ZSTACK.rotate(&by_first.site(), "three").await.unwrap();
    let kept = || there.kept.lock().unwrap().keys.keys().cloned().collect::<Vec<_>>();
    assert_eq!(kept(), [first.id.clone(), third.id.clone()]);
    assert_ne!(unheard.id, third.id);
    // One that somebody else made is theirs.
    there.kept.lock().unwrap().keys.get_mut(&third.id).unwrap()["description"] = json!("three for another");
    problem(ZSTACK.rotate(&by_first.site(), "four").await, Trouble::Refused, "two access keys at most");
    assert_eq!(kept(), [first.id, third.id]);
}

#[tokio::test]
async fn a_server_that_passes_over_zones_is_told_its_own_time() {
    // Both clocks are right.
    let there = There::with(|asked, _| {
        let off = asked.header("date") != "Fri, 15 Jan 2027 16:00:00 CST";
        off.then(|| Said::text(403, "requestTimeTooSkewed").with("date", "Fri, 15 Jan 2027 08:00:20 GMT"))
    })
    .await;
    let key = json!({"AccessKeySecret": "s", "AccessKeyID": "AK1", "uuid": "u"});
    there.kept.lock().unwrap().keys.insert("AK1".into(), key);
    ZSTACK.push(&by_key(&there, "AK1", "s").site(), &plan(), &attempt()).await.unwrap();
    assert_eq!(there.lines(), [LIST, LIST, CREATE]);
}
