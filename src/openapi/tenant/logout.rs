//! Described in `crate::tenant::logout` and `crate::tenant::admin::sessions`.

use serde_json::{Value, json};

use super::super::operation::{Answer, Operation};
use super::super::schema::{count, list, named, nullable, object, open, says, text, text_of, time, word};

const SESSIONS: &str = "/api/v1/admin/sessions";
const SESSION: &str = "/api/v1/admin/sessions/{session_id}";

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("Logging out", "By an application, by the person, by the identity provider.", logouts()),
        ("Sessions", "Who is signed in at a tenant.", sessions()),
    ]
}

fn logouts() -> Vec<Operation> {
    const LOGOUT: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/logout";
    const PAGE: &str = "/auth/{tenant_slug}/logout";
    const SAYS: &str = "A session ends at once only if the ID token was made in it; else a page asks. An address that is not registered \
                        is not gone to.";
    let moved = |status: &'static str| {
        Answer::empty(status).header("Location", text(), "The application, or the identity provider.")
    };
    let page = || Answer::contents("A page.", [("text/html", json!({})), ("application/json", named("LoggingOut"))]);
    let parameters = |operation: Operation| {
        operation
            .query("id_token_hint", text(), "An ID token of this tenant; it may have ended.")
            .query("client_id", text(), "The application; the ID token tells it, too.")
            .query("post_logout_redirect_uri", text(), "One of those that the application has registered.")
            .query("state", text(), "Handed back.")
            .query("logout_hint", text(), "Means nothing.")
            .query("ui_locales", text(), "Means nothing.")
    };
    let get = |template, id: &str, summary: &str| {
        parameters(Operation::get(template, id, summary))
            .says(SAYS)
            .answer(200, page())
            .answer(302, moved("It is so."))
            .refuses(&[403])
            .for_browsers()
    };
    let post = |template, id: &str, summary: &str| {
        Operation::post(template, id, summary)
            .says(SAYS)
            .takes_form()
            .answer(200, page())
            .answer(303, moved("It is so, or is asked for once more with the cookie."))
            .refuses(&[403])
            .for_browsers()
    };
    vec![
        get(LOGOUT, "LogOut", "Log out (OpenID Connect RP-Initiated Logout)."),
        post(LOGOUT, "LogOutByForm", "The same by a form, and the answer of whom a page has asked."),
        get(PAGE, "LogOutPage", "Log out, for people."),
        post(PAGE, "LogOutPageByForm", "The answer of whom that page has asked."),
        Operation::get(
            "/api/v1/auth/tenants/{tenant_slug}/federation/oidc/logout",
            "LogOutAtProvider",
            "Go on to log out at the identity provider, or come back from there.",
        )
        .query("leave", text(), "Leads to the identity provider.")
        .query("state", text(), "As it came back from there.")
        .answer(200, page())
        .answer(302, moved("It goes on there."))
        .refuses(&[403])
        .for_browsers(),
        Operation::post(
            "/api/v1/auth/tenants/{tenant_slug}/backchannel-logout",
            "BackchannelLogout",
            "Be told by an identity provider that somebody has logged out there (OpenID Connect Back-Channel Logout).",
        )
        .says("That nobody was signed in is no failure. A token is taken once.")
        .takes_form()
        .answer(200, Answer::empty("It is so."))
        .refuses(&[403, 422]),
    ]
}

fn sessions() -> Vec<Operation> {
    let of_tenant = |operation: Operation| operation.query("tenant_id", text_of(1, 64), "The tenant; required.");
    let all = object([("tenant_id", text_of(1, 64)), ("user_id?", text_of(1, 64))]);
    vec![
        of_tenant(Operation::get(SESSIONS, "ListSessions", "List the sessions that have not ended, newest first."))
            .query("user_id", text(), "Only those of this user.")
            .query("page", json!({"type": "integer", "minimum": 1}), "The page, from 1.")
            .query(
                "per_page",
                json!({"type": "integer", "minimum": 1, "maximum": 100}),
                "Items of a page; 20 if absent.",
            )
            .lists("Sessions")
            .refuses(&[404]),
        of_tenant(Operation::get(SESSION, "GetSession", "Show a session, ended or not.")).shows("Session"),
        of_tenant(Operation::delete(SESSION, "DeleteSession", "End a session."))
            .says("Its applications are told in the background; what was given for longer than the session stays.")
            .done(),
        Operation::post("/api/v1/admin/sessions/revoke-all", "RevokeSessions", "End all sessions, or all of one user.")
            .takes(all)
            .answer(200, Answer::json("How many those were.", object([("revoked", count(i64::MAX))])))
            .refuses(&[404, 422]),
    ]
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let notice = object([
        ("job_id", text()),
        ("state", word(&["queued", "running", "succeeded", "failed", "cancelled"])),
        ("attempts", count(i64::MAX)),
        ("error", says(nullable(text()), "Why the last attempt failed.")),
        ("updated_at", time()),
    ]);
    let application = object([
        ("client_id", text()),
        (
            "notice",
            says(
                nullable(notice),
                "What became of telling it that the session has ended, where there is something to tell.",
            ),
        ),
    ]);
    let session = object([
        ("id", text()),
        ("tenant_id", text()),
        ("user_id", text()),
        ("idp_id", says(nullable(text()), "The identity provider that they came through.")),
        ("protocol_id", nullable(text())),
        ("subject", says(nullable(text()), "What the identity provider calls them.")),
        ("auth_time", time()),
        ("amr", says(list(text()), "How it was made sure who they are (RFC 8176).")),
        ("acr", nullable(text())),
        ("ip", nullable(text())),
        ("user_agent", nullable(text())),
        ("created_at", time()),
        ("last_seen", time()),
        ("expires_at", time()),
        ("terminated_at", nullable(time())),
        ("terminated_reason", nullable(text())),
        ("applications", says(list(application), "Those that were given something in it.")),
    ]);
    let sessions = object([
        ("items", list(named("Session"))),
        ("total", count(i64::MAX)),
        ("page", count(1_000_000)),
        ("per_page", count(100)),
    ]);
    let logging_out = open([
        ("redirect_url?", says(text(), "Where a browser would go.")),
        ("status?", word(&["confirmation_required", "signed_out"])),
        (
            "form?",
            json!({"type": "object", "additionalProperties": {"type": "string"}, "description": "The form that says yes."}),
        ),
        ("identity_provider?", nullable(object([("name", text()), ("logout_url", text())]))),
    ]);
    vec![("Session".to_owned(), session), ("Sessions".to_owned(), sessions), ("LoggingOut".to_owned(), logging_out)]
}
