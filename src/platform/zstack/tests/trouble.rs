//! What goes wrong at ZStack: sessions that end, jobs that fail or never end, values that are too long, and texts for errors.

use http::StatusCode;

use super::super::fault::Said as Told;
use super::*;

#[tokio::test]
async fn a_session_that_has_ended_is_opened_again_once() {
    let used = Arc::new(Mutex::new(0));
    let counter = used.clone();
    let there = There::with(move |asked, kept| {
        if asked.line() != CREATE {
            return None;
        }
        *counter.lock().unwrap() += 1;
        (*counter.lock().unwrap() == 1).then(|| later(kept, asked, failed("ID.1001")))
    })
    .await;
    ZSTACK.push(&there.scene().site(), &plan(), &attempt()).await.unwrap();
    assert_eq!(there.lines(), [LOGIN, LIST, CREATE, LOGIN, LOGOUT, CREATE, LOGOUT]);

    let there = There::with(|asked, _| (asked.line() == LIST).then(|| failed("ID.1001"))).await;
    problem(ZSTACK.push(&there.scene().site(), &plan(), &attempt()).await, Trouble::Credential, "the session");
    assert_eq!(there.lines(), [LOGIN, LIST, LOGIN, LOGOUT, LIST, LOGOUT]);
}

#[tokio::test]
async fn a_failed_job_is_told_by_its_codes_and_the_session_is_left() {
    for (code, kind, text) in [
        ("ID.1002", Trouble::Credential, "SYS.1006 ID.1002"),
        ("SYS.1001", Trouble::Failed, "did not finish in time"),
        ("SSO.2001", Trouble::Refused, "the operation failed at the platform (status 503, SYS.1006 SSO.2001)"),
        (CANARY, Trouble::Refused, "the operation failed at the platform"),
    ] {
        let there = There::with(move |asked, kept| {
            let code = if code == CANARY { "a text, not a code" } else { code };
            (asked.line() == CREATE).then(|| later(kept, asked, failed(code)))
        })
        .await;
        problem(ZSTACK.push(&there.scene().site(), &plan(), &attempt()).await, kind, text);
        assert_eq!(there.lines().last().map(String::as_str), Some(LOGOUT), "{code}");
    }
}

#[tokio::test]
async fn a_job_without_end_is_given_up_and_one_without_a_number_too() {
    let there =
        There::with(|asked, _| asked.path.contains("/api-jobs/").then(|| Said::json(202, &json!({"location": "x"}))))
            .await;
    problem(ZSTACK.push(&there.scene().site(), &plan(), &attempt()).await, Trouble::Failed, "still at it");
    assert_eq!(there.lines().last().map(String::as_str), Some(LOGOUT));

    for location in ["http://127.0.0.2:9/../../evil", "http://127.0.0.2:9/v1/api-jobs/", "%2e%2e"] {
        assert_eq!(job::number(json!({ "location": location }).to_string().as_bytes()), None);
    }
    let number = "0123456789abcdef0123456789ABCDEF";
    for location in
        [format!("http://h/zstack/v1/api-jobs/{number}"), format!("/v1/api-jobs/{number}/?x=1"), number.to_owned()]
    {
        assert_eq!(job::number(json!({ "location": location }).to_string().as_bytes()).as_deref(), Some(number));
    }
}

#[tokio::test]
async fn a_value_that_is_too_long_is_refused_before_anybody_signs_in() {
    let there = There::new().await;
    let long = |most: usize| format!("https://idp.example/{}", "x".repeat(most));
    let mut wide = plan();
    wide.endpoints.as_mut().unwrap().token = long(255);
    problem(
        ZSTACK.push(&there.scene().site(), &wide, &attempt()).await,
        Trouble::Refused,
        "255 characters at most for 'tokenUrl'",
    );
    let scene = there.scene().options(|options| options.callback_url = Some(long(256)));
    problem(
        ZSTACK.push(&scene.site(), &plan(), &attempt()).await,
        Trouble::Refused,
        "256 characters at most for 'redirectUrl'",
    );
    let scene = there.scene().options(|options| options.ui_url = Some(long(2_000)));
    problem(ZSTACK.push(&scene.site(), &plan(), &attempt()).await, Trouble::Refused, "'urlTemplate'");
    for bad in ["ui.example", "https://ui.example/?x=", "javascript:x", "https://ui.example/${x}"] {
        let scene = there.scene().options(|options| options.ui_url = Some(bad.into()));
        problem(ZSTACK.push(&scene.site(), &plan(), &attempt()).await, Trouble::Refused, "'uiUrl'");
    }
    let mut unknown = plan();
    unknown.endpoints = None;
    problem(ZSTACK.push(&there.scene().site(), &unknown, &attempt()).await, Trouble::Refused, "endpoints");
    assert!(there.lines().is_empty());
}

#[tokio::test]
async fn a_callback_of_the_platforms_own_is_used_and_an_unsound_one_is_not() {
    let there = There::new().await;
    let scene = there.scene().options(|options| options.callback_url = Some("https://mn.example/cb".into()));
    let (plan, next) = (plan(), Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: None });
    let pushed = ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(pushed.callback_url.as_deref(), Some("https://mn.example/cb"));
    assert_eq!(there.client(&plan.remote_id)["redirectUrl"], "https://mn.example/cb");

    there.kept.lock().unwrap().clients.get_mut(&plan.remote_id).unwrap()["loginMNUrl"] = json!("javascript:x");
    let pushed = ZSTACK.push(&there.scene().site(), &plan, &next).await.unwrap();
    let made = format!("{}/zstack/sso/oauth2?clientUuid={}", there.peer.url, plan.remote_id);
    assert_eq!(pushed.callback_url, Some(made));
}

#[tokio::test]
async fn what_else_an_administrator_should_see_to_is_said() {
    let there = There::new().await;
    let mut plan = plan();
    plan.endpoints.as_mut().unwrap().userinfo = None;
    plan.attributes[0].1 = "email".into();
    let pushed = ZSTACK.push(&there.scene().site(), &plan, &attempt()).await.unwrap();
    for text in ["userinfo", "preferred_username", "know no groups"] {
        assert!(pushed.warnings.iter().any(|warning| warning.contains(text)), "{text}: {:?}", pushed.warnings);
    }
    assert!(there.client(&plan.remote_id).get("userinfoUrl").is_none());
}

#[test]
fn every_form_of_error_is_read() {
    let told = |status: u16, body: &str| Told::read(StatusCode::from_u16(status).unwrap(), body.as_bytes()).told("X");
    for (status, body, kind) in [
        (400, "no text that means anything", Trouble::Refused),
        (401, "", Trouble::Credential),
        (403, "unknown key", Trouble::Credential),
        (404, "<html>", Trouble::Unsupported),
        (405, "", Trouble::Unsupported),
        (429, "", Trouble::Failed),
        (500, "{\"error\":{\"code\":\"SYS.1000\"}}", Trouble::Failed),
        (503, "{\"error\":{\"code\":\"SYS.1006\"}}", Trouble::Refused),
        (503, "{\"code\":\"SYS.1006\"}", Trouble::Refused),
        // A proxy's.
        (503, "<html>Service Unavailable</html>", Trouble::Failed),
        (503, "{\"error\":{\"code\":\"ID.1006\"}}", Trouble::Failed),
        (503, "{\"error\":{\"code\":\"ID.1007\"}}", Trouble::Credential),
        (302, "", Trouble::Refused),
    ] {
        assert_eq!(told(status, body).kind, kind, "{status} {body}");
    }
    let nested = (0..40).fold(json!({"code": "C.40"}), |cause, n| json!({"code": format!("C.{n}"), "cause": cause}));
    let told = told(503, &json!({"error": {"code": "A", "causes": [nested, {"code": "B"}]}}).to_string());
    assert!(told.message.chars().count() <= crate::platform::MAX_TEXT);
    let listed =
        told_codes(&json!({"error": {"code": "A", "cause": {"code": "B"}, "causes": [{"code": "A"}, {"code": "C"}]}}));
    assert!(listed.contains("A B C"), "{listed}");
}

fn told_codes(body: &Value) -> String {
    Told::read(StatusCode::SERVICE_UNAVAILABLE, body.to_string().as_bytes()).told("X").message
}

#[tokio::test]
async fn a_job_that_is_lost_is_looked_for_by_what_it_made() {
    let there = There::with(|asked, _| asked.path.contains("/api-jobs/").then(|| Said::text(404, CANARY))).await;
    let (scene, plan) = (there.scene(), plan());
    ZSTACK.push(&scene.site(), &plan, &attempt()).await.unwrap();
    assert_eq!(there.lines(), [LOGIN, LIST, CREATE, LIST, LOGOUT]);
    // Of a change nobody knows whether it was made.
    let next = Attempt { id: "ffffffffffff4fff8fffffffffffffff".into(), earlier: None };
    problem(ZSTACK.push(&scene.site(), &plan, &next).await, Trouble::Failed, "does not know any more");
}
