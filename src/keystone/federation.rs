//! The routes of OS-FEDERATION.

use super::{
    federated_auth, identity_providers, login_diagnostics, mapping_explain, mappings, protocols, service_providers,
    setup,
};
use crate::http::route::Access::{Open, Rules};
use crate::http::route::Route;

/// All of them.
pub(super) fn routes() -> Vec<Route> {
    [identity_providers(), protocols(), mappings(), service_providers(), signing_in()].concat()
}

fn identity_providers() -> Vec<Route> {
    const ALL: &str = "/v3/OS-FEDERATION/identity_providers";
    const ONE: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}";
    vec![
        Route::get(ALL, "identity:list_identity_providers", identity_providers::list)
            .relation("ext/OS-FEDERATION/1.0/rel/identity_providers"),
        Route::get(ONE, "identity:get_identity_provider", identity_providers::get)
            .relation("ext/OS-FEDERATION/1.0/rel/identity_provider"),
        Route::put(ONE, "identity:create_identity_provider", identity_providers::create),
        Route::patch(ONE, "identity:update_identity_provider", identity_providers::update),
        Route::delete(ONE, "identity:delete_identity_provider", identity_providers::delete),
        Route::put(
            "/v3/OS-FEDERATION/identity_providers/{idp_id}/setup",
            Rules(crate::service::setup::RULES),
            setup::create,
        )
        .relation("ext/OS-FEDERATION/1.0/rel/identity_provider_setup"),
        Route::get(
            "/v3/OS-FEDERATION/identity_providers/{idp_id}/logins",
            "identity:list_identity_provider_logins",
            login_diagnostics::list,
        )
        .relation("ext/OS-FEDERATION/1.0/rel/identity_provider_logins"),
    ]
}

fn protocols() -> Vec<Route> {
    const ALL: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols";
    const ONE: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}";
    vec![
        Route::get(ALL, "identity:list_protocols", protocols::list)
            .relation("ext/OS-FEDERATION/1.0/rel/identity_provider_protocols"),
        Route::get(ONE, "identity:get_protocol", protocols::get)
            .relation("ext/OS-FEDERATION/1.0/rel/identity_provider_protocol"),
        Route::put(ONE, "identity:create_protocol", protocols::create),
        Route::patch(ONE, "identity:update_protocol", protocols::update),
        Route::delete(ONE, "identity:delete_protocol", protocols::delete),
    ]
}

fn mappings() -> Vec<Route> {
    const ALL: &str = "/v3/OS-FEDERATION/mappings";
    const ONE: &str = "/v3/OS-FEDERATION/mappings/{mapping_id}";
    vec![
        Route::get(ALL, "identity:list_mappings", mappings::list).relation("ext/OS-FEDERATION/1.0/rel/mappings"),
        Route::get(ONE, "identity:get_mapping", mappings::get).relation("ext/OS-FEDERATION/1.0/rel/mapping"),
        Route::put(ONE, "identity:create_mapping", mappings::create),
        Route::patch(ONE, "identity:update_mapping", mappings::update),
        Route::delete(ONE, "identity:delete_mapping", mappings::delete),
        Route::post(
            "/v3/OS-FEDERATION/mappings/{mapping_id}/explain",
            "identity:explain_mapping",
            mapping_explain::explain,
        )
        .relation("ext/OS-FEDERATION/1.0/rel/mapping_explain"),
    ]
}

fn service_providers() -> Vec<Route> {
    const ALL: &str = "/v3/OS-FEDERATION/service_providers";
    const ONE: &str = "/v3/OS-FEDERATION/service_providers/{service_provider_id}";
    vec![
        Route::get(ALL, "identity:list_service_providers", service_providers::list)
            .relation("ext/OS-FEDERATION/1.0/rel/service_providers"),
        Route::get(ONE, "identity:get_service_provider", service_providers::get)
            .relation("ext/OS-FEDERATION/1.0/rel/service_provider"),
        Route::put(ONE, "identity:create_service_provider", service_providers::create),
        Route::patch(ONE, "identity:update_service_provider", service_providers::update),
        Route::delete(ONE, "identity:delete_service_provider", service_providers::delete),
    ]
}

/// Signing in. What is asked for is in the token of the identity provider, or in the browser's own log-in there.
fn signing_in() -> Vec<Route> {
    const AUTH: &str = "/v3/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth";
    const WEBSSO: &str = "/v3/auth/OS-FEDERATION/websso/{protocol_id}";
    const BY_IDP: &str = "/v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso";
    const CALLBACK: &str = "/v3/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/callback";
    vec![
        Route::get(AUTH, Open, federated_auth::auth)
            .relation("ext/OS-FEDERATION/1.0/rel/identity_provider_protocol_auth"),
        Route::post(AUTH, Open, federated_auth::auth),
        Route::get(WEBSSO, Open, federated_auth::websso).relation("ext/OS-FEDERATION/1.0/rel/websso"),
        Route::post(WEBSSO, Open, federated_auth::websso),
        Route::get(BY_IDP, Open, federated_auth::websso_of_identity_provider)
            .relation("ext/OS-FEDERATION/1.0/rel/identity_providers_websso"),
        Route::post(BY_IDP, Open, federated_auth::websso_of_identity_provider),
        Route::get(CALLBACK, Open, federated_auth::callback),
        Route::post(CALLBACK, Open, federated_auth::callback_by_form),
        Route::post("/v3.0/OS-AUTH/id-token/tokens", Open, federated_auth::id_token),
    ]
}
