//! Signing in through identity providers: what seed 004 names, with its names.

use serde_json::{Value, json};

use super::super::components::of_type;
use super::super::operation::{Answer, Operation};
use super::super::schema::{boolean, list, named, nullable, object, says, text};
use crate::tenant::federation::idps::AvailableIdps;

const BASE: &str = "/api/v1/auth/tenants/{tenant_slug}/federation";

/// What identity providers post.
const POSTED: &str = "Body_saml_acs_api_v1_auth_tenants__tenant_slug__federation_saml_acs_post";

/// The authorization endpoint.
const ENDPOINT: &str = "/api/v1/auth/tenants/{tenant_slug}/oauth/authorize";

/// The parts that the page shows.
pub fn parts() -> Vec<(&'static str, &'static str, Vec<Operation>)> {
    vec![
        ("Federation", "Signing in at a tenant through external identity providers.", operations()),
        ("Authorization", "Where an application sends its user to sign in.", authorization()),
    ]
}

fn authorization() -> Vec<Operation> {
    let get = [
        ("prompt", "`none`, `login`, `consent`, `select_account`."),
        ("max_age", "Seconds since somebody was made sure of, at most."),
        ("idp_hint", "The identity provider to go to, by its id or name."),
        ("acr_values", "How somebody is to be made sure of."),
        ("ui_locales", "Languages that they read."),
        ("id_token_hint", "Whom it must be."),
        ("response_mode", "`query` or `form_post`."),
        ("resource", "Whom the access token is for beside the application (RFC 8707)."),
    ]
    .into_iter()
    .fold(
        with_parameters(Operation::get(ENDPOINT, "AuthorizeAtTenant", "Ask for a code.")),
        |operation, (name, description)| operation.query(name, nullable(text()), description),
    );
    vec![
        step(get, 302),
        step(Operation::post(ENDPOINT, "AuthorizeAtTenantByForm", "The same with a form.").takes_form(), 303),
    ]
}

/// The parameters of an application that survive the way to the identity provider and back.
fn with_parameters(operation: Operation) -> Operation {
    [
        ("response_type", "`code`."),
        ("client_id", "The application. Without it nobody but this service itself signs somebody in."),
        ("redirect_uri", "Where the application's answer goes."),
        ("scope", "What it wants to know."),
        ("state", "Handed back to it."),
        ("nonce", "Stands in its ID token."),
        ("code_challenge", "Its PKCE challenge."),
        ("code_challenge_method", "`S256`."),
        ("login_hint", "Who it probably is."),
        (
            "purpose",
            "`link`: whoever is signed in wants this way into their account, too; no application may ask for it.",
        ),
    ]
    .into_iter()
    .fold(operation, |operation, (name, description)| operation.query(name, nullable(text()), description))
}

/// The answer of what browsers are sent to and programs may ask.
fn step(operation: Operation, redirect: u16) -> Operation {
    operation
        .answer(
            200,
            Answer::contents(
                "What the browser does next, or who signed in.",
                [("application/json", json!({})), ("text/html", json!({}))],
            ),
        )
        .answer(redirect, Answer::empty("Where the browser goes.").header("Location", text(), "There."))
        .refuses(&[403, 409, 422, 429, 502, 504])
        .for_browsers()
}

fn id(path: &str, function: &str, method: &str) -> String {
    let words: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{function}{words}_{method}")
}

fn operations() -> Vec<Operation> {
    const IDPS: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/idps";
    const AUTHORIZE: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/oidc/{idp_id}/authorize";
    const CALLBACK: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/oidc/callback";
    const SAML: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/saml/{idp_id}/login";
    const ACS: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/saml/acs";
    const METADATA: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/saml/metadata";
    const SLO: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/saml/slo";
    const LOGIN: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/{protocol}/{idp_id}/login";
    const BACK: &str = "/api/v1/auth/tenants/{tenant_slug}/federation/{protocol}/callback";
    debug_assert!(
        [IDPS, AUTHORIZE, CALLBACK, SAML, ACS, METADATA, SLO, LOGIN, BACK].iter().all(|path| path.starts_with(BASE))
    );
    let with_answer = |operation: Operation| {
        [
            ("code", "The identity provider's code."),
            ("state", "Which sign-in it is of."),
            ("error", "Why there is no code."),
            ("error_description", "The same in words."),
        ]
        .into_iter()
        .fold(operation, |operation, (name, description)| operation.query(name, nullable(text()), description))
    };
    let about_logout = |operation: Operation| {
        [
            ("SAMLRequest", "The identity provider asks that somebody be logged out."),
            ("SAMLResponse", "It answers that."),
            ("RelayState", "What comes back with the answer."),
            ("SigAlg", "How the query is signed."),
            ("Signature", "The signature, in base64."),
        ]
        .into_iter()
        .fold(operation, |operation, (name, description)| operation.query(name, nullable(text()), description))
    };
    vec![
        Operation::get(IDPS, id(IDPS, "list_available_idps", "get"), "List Available Idps")
            .query("client_id", text(), "Only those that this application takes.")
            .query("login_hint", text(), "That of this e-mail domain first.")
            .answer(200, Answer::json("Those that people may sign in by.", named("AvailableIdps")))
            .answer(304, Answer::empty("The client has it."))
            .refuses(&[403, 422, 429]),
        step(with_parameters(Operation::get(AUTHORIZE, id(AUTHORIZE, "oidc_authorize", "get"), "Oidc Authorize")), 302),
        step(with_answer(Operation::get(CALLBACK, id(CALLBACK, "oidc_callback", "get"), "Oidc Callback")), 302),
        step(
            Operation::post(CALLBACK, id(CALLBACK, "oidc_callback", "post"), "Oidc Callback by a form").takes_form(),
            303,
        ),
        step(with_parameters(Operation::get(SAML, id(SAML, "saml_login", "get"), "Saml Login")), 302),
        step(Operation::post(ACS, id(ACS, "saml_acs", "post"), "Saml Acs").takes_form_named(POSTED), 303),
        Operation::get(METADATA, id(METADATA, "saml_metadata", "get"), "Saml Metadata")
            .query("idp_id", nullable(text()), "For this identity provider, which may know the tenant by another name.")
            .answer(
                200,
                Answer::contents(
                    "What this service is to identity providers of the tenant.",
                    [("application/samlmetadata+xml", text()), ("application/json", named("SamlMetadata"))],
                ),
            )
            .refuses(&[403])
            .for_browsers(),
        step(about_logout(Operation::get(SLO, id(SLO, "saml_slo", "get"), "Saml Slo")), 302),
        step(
            Operation::post(SLO, id(SLO, "saml_slo", "post"), "Saml Slo by a form")
                .says("The identity provider asks that somebody be logged out, or answers that.")
                .takes_form(),
            303,
        ),
        step(with_parameters(Operation::get(LOGIN, id(LOGIN, "login", "get"), "Begin by any protocol")), 302),
        step(with_answer(Operation::get(BACK, id(BACK, "callback", "get"), "Come back by any protocol")), 302),
        step(Operation::post(BACK, id(BACK, "callback", "post"), "Come back by a form").takes_form(), 303),
    ]
}

/// Schemas.
pub fn schemas() -> Vec<(String, Value)> {
    let place = json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}});
    let problem = object([
        ("loc", says(place, "Where in the request.")),
        ("msg", text()),
        ("type", says(text(), "What is wrong, in a word.")),
    ]);
    let mut all = of_type::<AvailableIdps>();
    let posted = object([
        ("SAMLResponse", says(text(), "The identity provider's Response, in base64.")),
        ("RelayState?", says(text(), "Which sign-in it is of.")),
    ]);
    all.push((POSTED.to_owned(), posted));
    let metadata = object([
        ("entity_id", text()),
        ("acs_urls", list(text())),
        ("slo_urls", list(text())),
        ("name_id_formats", list(text())),
        ("signing_certificates", list(text())),
        ("encryption_certificates", list(text())),
        ("authn_requests_signed", boolean()),
        ("want_assertions_signed", boolean()),
        ("valid_until", text()),
    ]);
    all.push(("SamlMetadata".to_owned(), metadata));
    all.push(("ValidationError".to_owned(), problem));
    all.push(("HTTPValidationError".to_owned(), object([("detail?", list(named("ValidationError")))])));
    all
}
