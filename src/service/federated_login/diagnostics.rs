//! What the last log-ins at an identity provider came to, for its administrators.

use serde_json::{Value, json};

use super::Route;
use crate::error::Result;
use crate::model::login_diagnostic::{LoginDiagnostic, MAX_DETAIL};
use crate::service::caller::{Caller, Origin};
use crate::service::issue::Issued;
use crate::service::{App, audit, federation};
use crate::store;

/// What is known of a log-in while it goes on.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Whether what was presented came from the identity provider.
    pub(super) verified: bool,
    /// The user it led to.
    pub(super) user_id: Option<String>,
    /// The mapping's account of it.
    pub(super) detail: Value,
}

impl Trace {
    /// Keeps it. A log-in does not fail because its diagnostics could not be kept.
    pub(super) async fn keep(self, app: &App, origin: &Origin, route: &Route, done: &Result<Issued>) {
        let of_token = || done.as_ref().ok().map(|issued| issued.token.facts.payload.user_id.clone());
        let detail = match self.detail {
            Value::Object(map) => Value::Object(map),
            _ => json!({}),
        };
        let large = detail.to_string().len() > MAX_DETAIL;
        let it = LoginDiagnostic {
            id: app.random.hex_id(),
            idp_id: route.idp.id.clone(),
            protocol_id: route.protocol.id.clone(),
            at: app.now(),
            verified: self.verified,
            outcome: if done.is_ok() { "success" } else { "failure" },
            request_id: origin.request_id(),
            user_id: self.user_id.or_else(of_token),
            reason: done.as_ref().err().map(|error| audit::cut(&error.to_string())),
            detail: if large { json!({"left_out": "too large to be kept"}) } else { detail },
        };
        let kept = async {
            let mut tx = app.store.write().await?;
            store::login_diagnostic::insert(&mut tx, &it).await?;
            app.commit(tx).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, idp_id = %it.idp_id.escape_debug(), "diagnostics of a log-in were not kept");
        }
    }
}

/// The last log-ins at an identity provider, newest first.
pub async fn list(app: &App, caller: &Caller, idp_id: &str) -> Result<Vec<LoginDiagnostic>> {
    federation::get_for(app, caller, "identity:list_identity_provider_logins", idp_id).await?;
    store::login_diagnostic::list(&mut app.store.read().await?, idp_id).await
}
