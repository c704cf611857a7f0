//! Every page with odd values, what its headers let it do, and the routes over a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, Method, StatusCode, Version};

use super::done::Done;
use super::login::Manner;
use super::*;
use crate::clock::{Random, Timestamp};
use crate::http::request::Head;
use crate::http::request_id::RequestIds;
use crate::model::sign_in::Stage;
use crate::model::tenant::{Branding, Settings};
use crate::service::login::{Button, Connected, Identities, View};
use crate::testing::{House, houses};
use serde_json::json;

const TENANT: &str = "00000000000040008000000000000001";
/// What comes from outside and must not become markup.
const ODD: &str = "\"><script>alert(1)</script>'&<b> \u{202e}שלום 🦊";

/// A tenant that is stored nowhere.
pub fn a_tenant(name: &str, branding: Branding) -> Tenant {
    Tenant {
        id: TENANT.to_owned(),
        slug: "acme".to_owned(),
        issuer_slug: "acme".to_owned(),
        name: name.to_owned(),
        active: true,
        domain_enabled: true,
        settings: Settings { branding, ..Settings::default() },
        version: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// A request that no socket has brought.
pub fn a_request(method: Method, headers: &[(&str, &str)]) -> Request {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()))
        .collect();
    let uri = http::Uri::from_static("/auth/acme/login");
    let head = Head { method, uri, version: Version::HTTP_11, headers, remote: None };
    let id = RequestIds::new(&Random::seeded(1)).next();
    let body = Box::pin(futures_util::stream::empty());
    Request::new(Arc::new(head), id, vec![], body, 1_000, Duration::from_secs(1))
}

fn a_button(text: &str, preset: Option<&str>, icon: Option<&str>) -> Button {
    Button {
        idp_id: "idp".to_owned(),
        name: text.to_owned(),
        text: text.to_owned(),
        icon_url: icon.map(str::to_owned),
        preset: preset.map(str::to_owned),
        kind: "oidc",
        url: "https://id.example/api/v1/auth/tenants/acme/federation/oidc/idp/authorize?login=h".to_owned(),
    }
}

fn a_view(stage: Stage, text: &str) -> View {
    View {
        stage,
        application: Some(text.to_owned()),
        returns_to: Some("com.example.app:/cb".to_owned()),
        login_hint: Some(text.to_owned()),
        buttons: vec![a_button(text, Some("okta"), None), a_button(text, None, Some("https://cdn.example/i.png"))],
        local_login: true,
        home_realms: false,
        csrf: "token".to_owned(),
        account: Some(text.to_owned()),
        may_prove: true,
        switches: None,
        connects: None,
        provider: Some(text.to_owned()),
        scopes: ["openid", "email", text].map(str::to_owned).to_vec(),
        third_party: true,
        user: Some(text.to_owned()),
        device: false,
    }
}

/// Every page with that text wherever there is one.
fn all(app: &App, tenant: &Tenant, text: &str) -> Vec<(&'static str, Reply)> {
    let login = a_view(Stage::Open, text);
    let realms = View { home_realms: true, ..login.clone() };
    let bare = View { buttons: Vec::new(), local_login: false, ..login.clone() };
    let device = View { device: true, ..a_view(Stage::Consent, text) };
    let connecting = View { connects: Some(text.to_owned()), ..a_view(Stage::Confirm, text) };
    let connected = Connected { idp_id: "idp".to_owned(), name: text.to_owned(), email: Some(text.to_owned()) };
    let identities = Identities {
        user: text.to_owned(),
        csrf: "token".to_owned(),
        password: true,
        connected: vec![connected],
        others: vec![a_button(text, None, None)],
    };
    let unproven = View { may_prove: false, ..a_view(Stage::Confirm, text) };
    let manner = Manner { name: Some(text), notice: Some(text), ..Manner::default() };
    let with_password = Manner { name: Some(text), with_password: true, ..Manner::default() };
    let question = LogoutQuestion {
        action: "/auth/acme/logout",
        fields: &[("csrf", text)],
        user: Some(text),
        application: Some(text),
        provider: Some(text),
        returns_to: None,
    };
    let error = Error::refused(Code::InvalidRedirectUri, text);
    let done = Done { good: true, heading: text, text, links: vec![done::Link::new(text, "https://a.example/?a&b")] };
    vec![
        ("login", login::show(app, tenant, &login, "h", &manner).unwrap()),
        ("realms", login::show(app, tenant, &realms, text, &manner).unwrap()),
        ("password", login::show(app, tenant, &realms, text, &with_password).unwrap()),
        ("bare", login::show(app, tenant, &bare, "h", &Manner::default()).unwrap()),
        (
            "confirm",
            confirm::show(app, tenant, &a_view(Stage::Confirm, text), "h", Some(text), StatusCode::OK).unwrap(),
        ),
        ("connect", confirm::show(app, tenant, &connecting, "h", None, StatusCode::OK).unwrap()),
        ("identities", identities::show(app, tenant, &identities).unwrap()),
        ("unproven", confirm::show(app, tenant, &unproven, "h", None, StatusCode::OK).unwrap()),
        ("consent", consent::show(app, tenant, &a_view(Stage::Consent, text), "h").unwrap()),
        ("device", consent::show(app, tenant, &device, "h").unwrap()),
        ("code", device::ask(app, tenant, text, Some(text), StatusCode::OK).unwrap()),
        ("signed in", respond::signed_in(app, tenant).unwrap()),
        ("signed out", signed_out(app, tenant, Some((text, "https://op.example/end?a&b"))).unwrap()),
        ("logout", logout_confirmation(app, tenant, &question).unwrap()),
        ("error", trouble::page(app, Some(tenant), &error, "req-1").unwrap()),
        ("bare error", trouble::page(app, None, &error, "req-1").unwrap()),
        ("done", done.show(app, tenant).unwrap()),
    ]
}

fn html(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_rate_1_nobody_begins_as_many_sign_ins_as_they_like_by_opening_a_page() {
    let house = houses(&[("ARCHSTONE_TENANT__BEGIN_PER_MINUTE", "2")]).await.remove(0);
    crate::testing::tenancy::a_tenant(&house, crate::testing::tenancy::ACME, "acme").await;
    let html = [("accept", "text/html")];
    let form = [("csrf", "x"), ("disconnect", "op")];
    assert_eq!(house.browse("/auth/acme/login", &html, None).await.status, 302);
    assert_eq!(house.browse("/auth/acme/identities", &html, Some(&form)).await.status, 303);
    assert_eq!(house.browse("/auth/acme/login", &html, None).await.status, 429);
    assert_eq!(house.browse("/auth/acme/identities", &html, Some(&form)).await.status, 429);
    assert_eq!(house.browse("/auth/acme/identities", &html, None).await.status, 302, "what begins nothing goes on");
}

async fn house() -> House {
    houses(&[]).await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_xss_1_markup_from_outside_stays_text_on_every_page() {
    let house = house().await;
    for text in [ODD, &"long".repeat(200), "مرحبا بالعالم", ""] {
        let tenant = a_tenant(text, Branding::default());
        for (name, reply) in all(&house.app, &tenant, text) {
            let page = html(&reply);
            assert!(!page.contains("<script>alert") && !page.contains("<b>"), "{name}: {page}");
            assert!(!page.contains("\"\"><script"), "{name}: {page}");
            for needed in ["<!DOCTYPE html>\n<html lang=\"en\">", "<title>", "<main>", "</html>"] {
                assert!(page.contains(needed), "{name} has no {needed}");
            }
            assert_eq!(page.matches("<h1>").count(), 1, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_xss_2_an_address_that_is_no_link_or_picture_is_not_shown() {
    let house = house().await;
    let branding = Branding {
        logo_url: Some("javascript:alert(1)".into()),
        support_url: Some("javascript:alert(1)".into()),
        primary_color: Some("red;}body{background:url(https://evil.example)".into()),
        background_color: Some("</style><script>".into()),
    };
    let tenant = a_tenant("Acme", branding);
    let mut view = a_view(Stage::Open, "Acme");
    view.buttons = vec![a_button("x", None, Some("data:text/html,<script>"))];
    let reply = login::show(&house.app, &tenant, &view, "h", &Manner::default()).unwrap();
    for bad in ["javascript:", "evil.example", "data:text/html", "<script>"] {
        assert!(!html(&reply).contains(bad), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_xss_3_no_page_may_run_a_script_or_be_kept() {
    let house = house().await;
    for (name, reply) in all(&house.app, &a_tenant("Acme", Branding::default()), ODD) {
        let header = |header: HeaderName| reply.headers.get(header).map(|v| v.to_str().unwrap().to_owned());
        let policy = header(CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{name}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{name}: {policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{name}: {policy}");
        assert_eq!(header(X_FRAME_OPTIONS).as_deref(), Some("DENY"), "{name}");
        assert_eq!(header(CACHE_CONTROL).as_deref(), Some("no-store"), "{name}");
        assert_eq!(header(PRAGMA).as_deref(), Some("no-cache"), "{name}");
        assert_eq!(header(REFERRER_POLICY).as_deref(), Some("no-referrer"), "{name}");
        assert_eq!(header(CONTENT_TYPE).as_deref(), Some("text/html; charset=utf-8"), "{name}");
        assert!(!html(&reply).contains("<script") && !html(&reply).contains(" style="), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_names_what_the_tenant_has_chosen() {
    let house = house().await;
    let branding = Branding {
        logo_url: Some("https://cdn.acme.example/logo.svg".into()),
        primary_color: Some("#ffcc00".into()),
        ..Branding::default()
    };
    let mut tenant = a_tenant("Acme", branding);
    tenant.settings.frame_ancestors =
        vec!["https://portal.acme.example".into(), "https://x; script-src *".into(), "'self'".into()];
    let view = a_view(Stage::Open, "App");
    let reply = login::show(&house.app, &tenant, &view, "h", &Manner::default()).unwrap();
    let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("; img-src https://cdn.acme.example https://cdn.example; "), "{policy}");
    // A native application is reached by a scheme of its own, with a redirect after the form.
    assert!(policy.contains("; form-action 'self' https: com.example.app:; "), "{policy}");
    assert!(policy.ends_with("; frame-ancestors https://portal.acme.example"), "{policy}");
    assert!(!reply.headers.contains_key(X_FRAME_OPTIONS));
    let page = html(&reply);
    let style = page.rsplit_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert!(style.starts_with(":root{--primary:"), "{style}");
    assert!(policy.contains(&crate::http::page::source(style)), "{policy}");
    assert!(page.contains("<img src=\"https://cdn.acme.example/logo.svg\" alt=\"Acme\">"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_page_asks_for_what_the_tenant_takes() {
    let house = house().await;
    let tenant = a_tenant("Acme", Branding::default());
    let page = |home_realms, local_login, manner: Manner<'_>| {
        let view = View { home_realms, local_login, login_hint: None, ..a_view(Stage::Open, "App") };
        html(&login::show(&house.app, &tenant, &view, "h", &manner).unwrap()).to_owned()
    };
    let fields =
        |page: &str| ["identifier", "username", "password"].map(|name| page.contains(&format!(" name=\"{name}\"")));
    let typed = || Manner { name: Some("ada@acme.example"), with_password: true, ..Manner::default() };
    assert_eq!(fields(&page(false, true, Manner::default())), [false, true, true]);
    assert_eq!(fields(&page(true, true, Manner::default())), [true, false, false]);
    assert_eq!(fields(&page(true, true, typed())), [false, true, true]);
    assert_eq!(fields(&page(true, false, typed())), [true, false, false]);
    assert_eq!(fields(&page(false, false, Manner::default())), [false, false, false]);
    // After the address has led to no provider there is the password alone, and a way back.
    let second = page(true, true, typed());
    assert!(!second.contains("class=\"way\"") && second.contains("/auth/acme/login?login=h"), "{second}");
    assert!(second.contains("value=\"ada@acme.example\" hidden"), "{second}");
    let wrong = page(false, true, Manner { name: Some("ada"), notice: Some(login::WRONG), ..Manner::default() });
    assert!(wrong.contains("<title>Error: Sign in · Acme</title>") && wrong.contains("value=\"ada\""), "{wrong}");
    assert!(wrong.contains("role=\"alert\" id=\"notice\"") && wrong.contains("aria-invalid=\"true\""), "{wrong}");
}

async fn with_tenant(house: &House) {
    let mut tx = house.app.store.write().await.unwrap();
    let tx_ref = &mut tx;
    crate::store::domain::insert(tx_ref, &crate::store::tests::a_domain(TENANT)).await.unwrap();
    crate::store::tenant::insert(tx_ref, &a_tenant("Acme", Branding::default())).await.unwrap();
    house.app.commit(tx).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_is_not_there_is_a_page_for_browsers_and_json_for_others() {
    for house in houses(&[]).await {
        let page = house.ask("GET", "/auth/nobody/login", &[("accept", "text/html")], None).await;
        assert_eq!((page.status, page.headers["content-type"].to_str().unwrap()), (404, "text/html; charset=utf-8"));
        let json = house.ask("GET", "/auth/nobody/login", &[("accept", "*/*")], None).await;
        assert_eq!(
            (json.status, &json.body["detail"], &json.body["error"]),
            (404, &"Tenant not found".into(), &"tenant_not_found".into())
        );
        assert_eq!(json.body["request_id"].as_str(), json.headers["x-openstack-request-id"].to_str().ok());
        let json = house.ask("POST", "/api/v1/auth/tenants/nobody/login", &[("accept", "text/html")], None).await;
        assert_eq!((json.status, &json.body["detail"]), (404, &"Tenant not found".into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_csrf_1_what_another_site_posts_is_refused() {
    for house in houses(&[]).await {
        with_tenant(&house).await;
        let form = ("content-type", "application/x-www-form-urlencoded");
        for path in ["login", "confirm", "consent", "device"].map(|page| format!("/auth/acme/{page}")) {
            for headers in [
                vec![form, ("origin", "https://evil.example")],
                vec![form, ("origin", "null"), ("sec-fetch-site", "cross-site")],
                vec![form, ("sec-fetch-site", "same-site")],
                vec![("content-type", "text/plain")],
                vec![("content-type", "application/json")],
            ] {
                let answer = house.ask("POST", &path, &headers, None).await;
                assert_eq!(
                    (answer.status, &answer.body["error"]),
                    (403, &"invalid_csrf_token".into()),
                    "{path} {headers:?}"
                );
            }
        }
        let path = "/api/v1/auth/tenants/acme/login";
        let body = json!({"username": "ada", "password": "p"});
        for headers in [[("content-type", "text/plain")], [("origin", "https://evil.example")]] {
            let answer = house.ask("POST", path, &headers, Some(&body)).await;
            assert_eq!((answer.status, &answer.body["error"]), (403, &"invalid_csrf_token".into()), "{headers:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_a_sign_in_are_there_and_a_form_without_token_is_refused() {
    for house in houses(&[]).await {
        with_tenant(&house).await;
        let browser = [("accept", "text/html,*/*;q=0.8")];
        for path in ["device", "device?user_code=WDJB-MJHT", "signed-out"] {
            let answer = house.ask("GET", &format!("/auth/acme/{path}"), &browser, None).await;
            assert_eq!((answer.status, answer.headers["x-frame-options"].to_str().unwrap()), (200, "DENY"), "{path}");
        }
        let answer = house.ask("GET", "/auth/acme/signed-in", &[("cookie", "other=1")], None).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (302, &"https://id.example/auth/acme/login".parse().unwrap())
        );
        for path in ["confirm", "consent"] {
            let answer = house.ask("GET", &format!("/auth/acme/{path}"), &[], None).await;
            assert_eq!((answer.status, &answer.body["error"]), (400, &"invalid_state".into()), "{path}");
        }
        let body = json!({"username": "ada"});
        let answer = house.ask("POST", "/api/v1/auth/tenants/acme/login", &[], Some(&body)).await;
        assert_eq!(answer.status, 422);
        assert_eq!(
            answer.body["detail"],
            json!([{"type": "missing", "loc": ["body", "password"], "msg": "Field required"}])
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_a_password_is_not_asked_for_one() {
    let house = house().await;
    let tenant = a_tenant("Acme", Branding::default());
    let page = |may_prove| {
        let view = View { may_prove, ..a_view(Stage::Confirm, "App") };
        html(&confirm::show(&house.app, &tenant, &view, "h", None, StatusCode::OK).unwrap()).to_owned()
    };
    for may_prove in [true, false] {
        let page = page(may_prove);
        assert_eq!(page.contains("name=\"password\""), may_prove, "{page}");
        assert_eq!(page.contains("value=\"link\""), may_prove, "{page}");
        assert!(page.contains("value=\"separate\""), "{page}");
        assert!(page.contains("value=\"cancel\""), "{page}");
    }
}
