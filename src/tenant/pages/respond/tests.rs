//! How each step is answered.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::clock::Timestamp;
use crate::error::Code;
use crate::model::tenant::Branding;
use crate::tenant::pages::tests::{a_request, a_tenant};
use crate::testing::houses;

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const PROGRAM: (&str, &str) = ("accept", "application/json");

fn an_answer(response_mode: ResponseMode) -> Next {
    let parameters = vec![("code", "a b&c".to_owned()), ("state", "\"><x>".to_owned())];
    Next::Answer(Answer { redirect_uri: "https://app.example/cb?keep=1".to_owned(), response_mode, parameters })
}

fn arrived(redirect_url: Option<&str>) -> Next {
    Next::Done(Box::new(Arrived {
        user_id: "u".into(),
        email: Some("ada@acme.example".into()),
        display_name: "Ada".into(),
        session_id: "s".into(),
        expires_at: Timestamp::from_secs(1_800_000_000),
        idp: None,
        created: true,
        redirect_url: redirect_url.map(str::to_owned),
    }))
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn a_step(next: Next) -> Result<Step> {
    let session = SetCookie { name: "sso.x".into(), value: "v".into(), max_age_secs: 60, cross_site: false };
    let attempt = SetCookie { name: "fed.x".into(), value: String::new(), max_age_secs: 0, cross_site: true };
    Ok(Step { next, cookies: vec![session, attempt] })
}

#[test]
fn parameters_go_behind_the_query_that_a_redirect_uri_has() {
    let with = |uri: &str| with_parameters(uri, &[("code", "a b".into()), ("state", "ü&=".into())]);
    let added = "code=a+b&state=%C3%BC%26%3D";
    for (uri, expected) in [
        ("https://app.example/cb", format!("https://app.example/cb?{added}")),
        ("https://app.example/cb?", format!("https://app.example/cb?{added}")),
        ("https://app.example/cb?a=1", format!("https://app.example/cb?a=1&{added}")),
        ("https://app.example/cb?a=1&", format!("https://app.example/cb?a=1&{added}")),
        ("com.example.app:/cb", format!("com.example.app:/cb?{added}")),
        ("https://app.example/cb#f", format!("https://app.example/cb?{added}#f")),
    ] {
        assert_eq!(with(uri), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_sent_on_with_302_after_get_and_303_after_post() {
    let house = houses(&[]).await.remove(0);
    let tenant = a_tenant("Acme", Branding::default());
    let leave =
        || Next::Leave { begin: Begin::Redirect { url: "https://op.example/a?x=ü y\n".into() }, expires_in: 600 };
    for (method, status) in [(Method::GET, 302), (Method::POST, 303)] {
        for (next, to) in [
            (leave(), "https://op.example/a?x=%C3%BC%20y%0A"),
            (Next::Show(Page::Confirm("h&h".into())), "https://id.example/auth/acme/confirm?login=h%26h"),
            (an_answer(ResponseMode::Query), "https://app.example/cb?keep=1&code=a+b%26c&state=%22%3E%3Cx%3E"),
            (arrived(Some("https://portal.example/")), "https://portal.example/"),
            (arrived(None), "https://id.example/auth/acme/signed-in"),
        ] {
            let req = a_request(method.clone(), &[BROWSER]);
            let reply = step(&house.app, &req, Some(&tenant), a_step(next)).unwrap();
            assert_eq!((reply.status.as_u16(), reply.headers[LOCATION].to_str().unwrap()), (status, to));
            for (name, value) in
                [("cache-control", "no-store"), ("pragma", "no-cache"), ("referrer-policy", "no-referrer")]
            {
                assert_eq!(reply.headers[name], value);
            }
            let cookies: Vec<_> = reply.headers.get_all(SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect();
            assert_eq!(
                cookies,
                [
                    "__Host-sso.x=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
                    "__Host-fed.x=; Path=/; Max-Age=0; HttpOnly; SameSite=None; Secure",
                ]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_would_rather_have_json_gets_it_with_the_same_cookies() {
    let house = houses(&[]).await.remove(0);
    let tenant = a_tenant("Acme", Branding::default());
    let fields = vec![("SAMLRequest".to_owned(), "x".to_owned())];
    let post = Begin::Post { url: "https://op.example/sso".into(), fields };
    let user = json!({"id": "u", "email": "ada@acme.example", "display_name": "Ada", "tenant_id": tenant.id});
    for (next, expected) in [
        (
            Next::Leave { begin: Begin::Redirect { url: "https://op.example/a".into() }, expires_in: 600 },
            json!({"redirect_url": "https://op.example/a", "method": "GET", "expires_in": 600}),
        ),
        (
            Next::Leave { begin: post, expires_in: 600 },
            json!({"redirect_url": "https://op.example/sso", "method": "POST", "form": {"SAMLRequest": "x"}, "expires_in": 600}),
        ),
        (Next::Show(Page::Login("h".into())), json!({"redirect_url": "https://id.example/auth/acme/login?login=h"})),
        (
            an_answer(ResponseMode::Query),
            json!({"redirect_url": "https://app.example/cb?keep=1&code=a+b%26c&state=%22%3E%3Cx%3E"}),
        ),
        (
            an_answer(ResponseMode::FormPost),
            json!({
                "redirect_url": "https://app.example/cb?keep=1", "method": "POST",
                "form": {"code": "a b&c", "state": "\"><x>"},
            }),
        ),
        (
            arrived(Some("https://portal.example/")),
            json!({
                "status": "authenticated", "user": user, "idp": null, "user_created": true,
                "session": {"id": "s", "expires_at": Timestamp::from_secs(1_800_000_000).to_string()},
            }),
        ),
    ] {
        let req = a_request(Method::GET, &[PROGRAM]);
        let reply = step(&house.app, &req, Some(&tenant), a_step(next)).unwrap();
        assert_eq!((reply.status.as_u16(), body(&reply)), (200, expected));
        assert_eq!(reply.headers.get_all(SET_COOKIE).iter().count(), 2);
        assert_eq!(reply.headers["cache-control"], "no-store");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_posts_itself_goes_to_its_place_and_runs_nothing_else() {
    let house = houses(&[]).await.remove(0);
    let tenant = a_tenant("Acme", Branding::default());
    let req = a_request(Method::GET, &[BROWSER]);
    let reply = step(&house.app, &req, Some(&tenant), a_step(an_answer(ResponseMode::FormPost))).unwrap();
    let page = std::str::from_utf8(&reply.body).unwrap();
    assert!(page.contains("action=\"https://app.example/cb?keep=1\""), "{page}");
    assert!(page.contains("name=\"state\" value=\"&#34;&#62;&#60;x&#62;\""), "{page}");
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    let script = page.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    assert!(policy.contains(&format!("script-src {}; ", crate::http::page::source(script))), "{policy}");
    assert!(policy.contains("form-action https:;"), "{policy}");
    let native = Next::Answer(Answer {
        redirect_uri: "http://127.0.0.1:5000/cb".into(),
        response_mode: ResponseMode::FormPost,
        parameters: Vec::new(),
    });
    let reply = step(&house.app, &req, Some(&tenant), a_step(native)).unwrap();
    let policy = reply.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action https: http://127.0.0.1:5000;"), "{policy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_a_page_or_json_and_tells_no_cause() {
    let house = houses(&[]).await.remove(0);
    let tenant = a_tenant("Acme", Branding::default());
    let failed = |error: &Error, headers: &[(&str, &str)]| {
        step(&house.app, &a_request(Method::GET, headers), Some(&tenant), Err(error.clone())).unwrap()
    };
    let secret = "the database said hunter2";
    for error in [
        Error::refused_because(Code::StateMismatch, "The sign-in was begun by another browser.", secret),
        Error::refused_because(Code::LoginFailed, "Sign-in failed.", secret),
        Error::internal(secret),
        Error::unavailable(secret),
        Error::unauthorized(secret),
        Error::too_many("Too many requests"),
        Error::invalid("bad"),
    ] {
        for (headers, kind) in [
            (vec![BROWSER], "text/html; charset=utf-8"),
            (vec![PROGRAM], "application/json"),
            (vec![], "application/json"),
        ] {
            let reply = failed(&error, &headers);
            assert_eq!((reply.status.as_u16(), reply.headers[CONTENT_TYPE].to_str().unwrap()), (error.status(), kind));
            let text = std::str::from_utf8(&reply.body).unwrap();
            assert!(!text.contains(secret), "{text}");
            assert!(text.contains("req-"), "{text}");
            assert_eq!(reply.headers["cache-control"], "no-store");
        }
    }
    let reply = failed(&Error::too_many("Too many requests"), &[BROWSER]);
    assert_eq!(reply.headers["retry-after"], "1");
    let json = body(&failed(&Error::refused(Code::InvalidState, "No such sign-in."), &[PROGRAM]));
    assert_eq!((&json["detail"], &json["error"]), (&json!("No such sign-in."), &json!("invalid_state")));
    let page = failed(&Error::refused(Code::InvalidState, "No such sign-in."), &[BROWSER]);
    let page = std::str::from_utf8(&page.body).unwrap();
    assert!(page.contains("href=\"https://id.example/auth/acme/login\">Start again</a>"), "{page}");
    assert!(page.contains("No such sign-in.") && page.contains("<code>invalid_state</code>"), "{page}");
}
