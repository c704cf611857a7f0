//! Signing in through an identity provider: by its token, or in a browser.

use serde_json::{Value, json};

use crate::openapi::operation::{Answer, Operation};
use crate::openapi::schema::{named, object, open, text, text_of};

const AUTH: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth";
const WEBSSO: &str = "/v3/auth/OS-FEDERATION/websso/{protocol_id}";
const BY_IDP: &str = "/v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso";
const CALLBACK: &str = "/v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/callback";

fn token() -> Answer {
    Answer::json("The token is made.", named("TokenEnvelope")).header("X-Subject-Token", text(), "The token.")
}

fn sent_away() -> Answer {
    Answer::empty("The browser goes to the identity provider.").header("Location", text(), "Where it goes.")
}

/// What browsers see: pages, and failures as pages.
fn in_browser(operation: Operation) -> Operation {
    operation
        .answer(
            200,
            Answer::contents("A page: a choice, or the form that takes the token on.", [("text/html", json!({}))]),
        )
        .answer(302, sent_away())
        .refuses(&[401, 403, 409, 429])
        .for_browsers()
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    let auth = |operation: Operation| {
        operation
            .says("A browser that shows no token is sent to the identity provider.")
            .takes_provider_token()
            .answer(
                200,
                Answer::contents(
                    "A client that speaks SAML ECP takes this to its identity provider; a browser posts a form.",
                    [("application/vnd.paos+xml", text()), ("text/html", json!({}))],
                ),
            )
            .answer(201, token())
            .answer(302, sent_away())
            .refuses(&[401, 403, 409, 429])
            .for_browsers()
    };
    let begin = |operation: Operation| {
        in_browser(operation.query("origin", text(), "The dashboard that the token is taken to; one that is trusted."))
    };
    vec![
        auth(Operation::get(AUTH, "FederatedAuth", "Sign in by a token of the identity provider.")),
        auth(Operation::post(AUTH, "FederatedAuthByPost", "The same.")),
        begin(Operation::get(WEBSSO, "WebSso", "Sign in in a browser, through any identity provider of the cloud.")),
        begin(Operation::post(WEBSSO, "WebSsoByPost", "The same.")),
        begin(Operation::get(
            BY_IDP,
            "IdentityProviderWebSso",
            "Sign in in a browser, through this identity provider.",
        )),
        begin(Operation::post(BY_IDP, "IdentityProviderWebSsoByPost", "The same.")),
        in_browser(Operation::get(CALLBACK, "WebSsoCallback", "The browser comes back from the identity provider."))
            .says("The answer stands in the query; without one, a page hands over what stands behind `#`.")
            .answer(201, token()),
        Operation::post(CALLBACK, "WebSsoCallbackByForm", "The same, with the answer in a form.").takes_form().answer(
            303,
            Answer::empty("The browser goes to the same place, with its cookie.").header(
                "Location",
                text(),
                "The same place, with the answer in the query.",
            ),
        ),
        Operation::post("/v3.0/OS-AUTH/id-token/tokens", "CreateTokenByIdToken", "Sign in by an ID token.")
            .header("X-Idp-Id", true, text_of(1, 64), "The identity provider.")
            .takes(id_token_request())
            .answer(201, token())
            .refuses(&[401, 403, 404, 409, 429]),
    ]
}

fn id_token_request() -> Value {
    let id = json!({"type": "string", "minLength": 1, "maxLength": 16_384, "writeOnly": true});
    object([("auth", open([("id_token", open([("id", id)])), ("scope?", named("Scope"))]))])
}
