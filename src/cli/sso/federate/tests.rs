//! What is told of the ends.

use super::*;
use crate::clock::Timestamp;
use crate::model::federation::Federation;
use crate::model::platform::body::Body;
use crate::model::provisioning::Mode;

fn platform(name: &str, scim: bool) -> Platform {
    let mut body = json!({"name": name, "productType": "zstack", "endpoint": "https://a.example", "accessKeyId": "k"});
    if scim {
        body["scimEndpoint"] = json!("https://scim.example");
    }
    Body::parse(&body).unwrap().create(format!("id-{name}"), Timestamp::from_secs(1)).unwrap()
}

fn there(name: &str) -> Progress {
    let item = Item {
        platform_id: format!("id-{name}"),
        client_id: Some("client".into()),
        callback_url: Some("https://ui.example/cb".into()),
        ..Item::default()
    };
    let federation = Federation::new("f".into(), "c", &item.platform_id, Timestamp::from_secs(1));
    Progress { item, federation: Some(federation), run: None, ended: true }
}

fn ran(name: &str) -> Progress {
    let mut run = Run::new("r".into(), "f", Mode::Full, Timestamp::from_secs(1));
    for outcome in ["created", "created", "updated", "failed"] {
        run.tally(Kind::User).note(outcome);
    }
    let mut of = there(name);
    of.run = Some(run);
    of
}

fn lines(platforms: Vec<Platform>, ends: Vec<Progress>, what: What<'_>) -> Vec<Vec<String>> {
    let text = told(&Done { platforms, ends, interrupted: false }, what);
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    text.lines().skip(1).map(cells).collect()
}

#[test]
fn the_table_says_of_each_platform_what_came_of_it() {
    let mut partial = ran("b");
    // The API's words name the platform, whose row this is.
    partial.item.user_error = Some("sync SCIM users to platform id-b: 1 of 4 failed".into());
    partial.federation.as_mut().unwrap().user_error = Some("1 of 4 failed".into());
    let mut failed = there("c");
    failed.item = Item { error: Some("it does\nnot answer".into()), ..Item::default() };
    let rows = lines(
        vec![platform("a", false), platform("b", true), platform("c", true)],
        vec![there("a"), partial.clone(), failed],
        What::Push { unlimited: false },
    );
    let expected = [
        "a|zstack|federated|client|https://ui.example/cb|-|-|-",
        "b|zstack|partial|client|https://ui.example/cb|2 created, 1 failed, 1 updated|0|users: 1 of 4 failed",
        "c|zstack|failed|-|-|-|-|it does not answer",
    ];
    assert_eq!(rows.iter().map(|row| row.join("|")).collect::<Vec<_>>(), expected);
    assert_eq!(first_error(&there("a")), None);
    assert!(first_error(&partial).is_some(), "one failed is not all well");
}

#[test]
fn what_was_taken_away_says_what_became_of_people_where_there_were_any() {
    let gone = || Progress { ended: true, ..Progress::default() };
    for (deprovision, scim, people) in [
        ("none", true, "left|left"),
        ("deactivate", true, "deactivated|emptied"),
        ("delete", true, "deleted|deleted"),
        ("delete", false, "-|-"),
    ] {
        let rows = lines(vec![platform("a", scim)], vec![gone()], What::TakeBack { deprovision });
        assert_eq!(rows[0].join("|"), format!("a|zstack|taken away|-|-|{people}|-"));
    }
    let mut failed = ran("a");
    failed.item.error = Some("no".into());
    let rows = lines(vec![platform("a", true)], vec![failed], What::TakeBack { deprovision: "delete" });
    assert_eq!((rows[0][2].as_str(), rows[0][5].as_str()), ("failed", "2 created, 1 failed, 1 updated"));
}

#[test]
fn what_was_left_runs_and_is_an_item_of_the_json_with_its_report() {
    let mut left = ran("a");
    left.ended = false;
    left.item.error = Some(UNFINISHED.to_owned());
    assert_eq!(status(&left, What::Push { unlimited: false }), "running");
    let done = Done { platforms: vec![platform("a", true)], ends: vec![left], interrupted: true };
    let shown = as_json(&done).unwrap();
    assert_eq!(shown["items"][0]["platformName"], "a");
    assert_eq!(shown["items"][0]["error"], UNFINISHED);
    assert_eq!(shown["items"][0]["run"]["users"]["outcomes"]["created"], 2);
}
