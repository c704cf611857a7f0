//! Described in `crate::tenant::pages`.

use serde_json::{Value, json};

use super::super::operation::{Answer, Operation};
use super::super::schema::{boolean, named, nullable, object, open, text, text_of, time, word};

const LOGIN: &str = "/auth/{tenant_slug}/login";
const CONFIRM: &str = "/auth/{tenant_slug}/confirm";
const CONSENT: &str = "/auth/{tenant_slug}/consent";
const IDENTITIES: &str = "/auth/{tenant_slug}/identities";
const DEVICE: &str = "/auth/{tenant_slug}/device";

fn html() -> Answer {
    Answer::contents("A page.", [("text/html", json!({}))])
}

fn sent_on() -> Answer {
    Answer::empty("The browser goes on.").header("Location", text(), "Where it goes.")
}

/// A page that is shown.
fn shown(operation: Operation) -> Operation {
    operation.answer(200, html()).answer(302, sent_on()).refuses(&[403, 404, 429]).for_browsers()
}

/// A page that shows a sign-in.
fn of_sign_in(operation: Operation) -> Operation {
    shown(operation).query("login", text(), "The handle of the sign-in.")
}

/// A form of a page.
fn posted(operation: Operation) -> Operation {
    let way =
        object([("redirect_url", text()), ("method?", word(&["GET", "POST"])), ("form?", json!({"type": "object"}))]);
    let answer = Answer::contents(
        "A page, or where to go for whoever would rather have JSON.",
        [("text/html", json!({})), ("application/json", way)],
    );
    operation.takes_form().answer(200, answer).answer(303, sent_on()).refuses(&[401, 403, 404, 429]).for_browsers()
}

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    let operations = vec![
        of_sign_in(Operation::get(LOGIN, "LoginPage", "How to sign in."))
            .says("Without a handle, a sign-in without an application begins."),
        posted(Operation::post(LOGIN, "PostLogin", "Sign in by a password, or find where an e-mail address signs in.")),
        of_sign_in(Operation::get(CONFIRM, "ConfirmPage", "Whether an account is theirs.")),
        posted(Operation::post(CONFIRM, "PostConfirm", "Say whether an account is theirs.")).refuses(&[409]),
        of_sign_in(Operation::get(CONSENT, "ConsentPage", "What an application may know.")),
        posted(Operation::post(CONSENT, "PostConsent", "Say what an application may know.")),
        of_sign_in(Operation::get(DEVICE, "DevicePage", "Which device may come in.")).query(
            "user_code",
            text(),
            "The code that the device shows.",
        ),
        posted(Operation::post(DEVICE, "PostDevice", "Name a device by its code, or say whether it may come in.")),
        shown(Operation::get(IDENTITIES, "IdentitiesPage", "The ways into one's own account.")),
        posted(Operation::post(IDENTITIES, "PostIdentities", "Take one of the ways into one's own account away."))
            .refuses(&[409]),
        shown(Operation::get("/auth/{tenant_slug}/signed-in", "SignedInPage", "That one is signed in.")),
        shown(Operation::get("/auth/{tenant_slug}/signed-out", "SignedOutPage", "That one is signed out.")),
        Operation::post("/api/v1/auth/tenants/{tenant_slug}/login", "DirectLogin", "Sign in by a password.")
            .says("For a page of one's own; the session is a cookie.")
            .takes_named("DirectLoginRequest")
            .answer(
                200,
                Answer::json("Somebody is signed in.", named("DirectLogin")).header(
                    "Set-Cookie",
                    text(),
                    "The session.",
                ),
            )
            .refuses(&[401, 403, 404, 422, 429]),
    ];
    vec![("Hosted pages", "The pages of a tenant.", operations)]
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let request = open([
        ("username?", text_of(1, 320)),
        ("email?", text_of(1, 320)),
        ("password", json!({"type": "string", "format": "password", "writeOnly": true})),
    ]);
    let user = object([("id", text()), ("email", nullable(text())), ("display_name", text()), ("tenant_id", text())]);
    let session = object([("id", text()), ("expires_at", time())]);
    let idp = object([("id", text()), ("name", text())]);
    let answer = object([
        ("status", word(&["authenticated"])),
        ("user", user),
        ("session", session),
        ("idp", nullable(idp)),
        ("user_created", boolean()),
    ]);
    vec![("DirectLoginRequest".to_owned(), request), ("DirectLogin".to_owned(), answer)]
}
