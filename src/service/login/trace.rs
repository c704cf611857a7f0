//! What happened in a sign-in, step by step, for whoever has to find out why it failed. No secret stands in it.

use serde_json::Value;

use crate::error::Result;
use crate::model::sign_in_step::SignInStep;
use crate::service::caller::Origin;
use crate::service::{App, audit};
use crate::store;

/// The steps of a sign-in that one request takes.
#[derive(Debug, Default)]
pub struct Trace {
    steps: Vec<(&'static str, &'static str, Option<String>, Value)>,
}

impl Trace {
    /// Notes a step that went well.
    pub fn went(&mut self, step: &'static str, detail: Value) {
        self.steps.push((step, "success", None, detail));
    }

    /// Notes a step that did not, and why.
    pub fn failed(&mut self, step: &'static str, reason: &str, detail: Value) {
        self.steps.push((step, "failure", Some(audit::cut(reason)), detail));
    }

    /// Writes the steps in a transaction of the caller's.
    pub async fn write(
        self,
        app: &App,
        tx: &mut store::Conn,
        origin: &Origin,
        tenant_id: &str,
        sign_in_id: &str,
    ) -> Result<()> {
        for (seq, (step, outcome, reason, detail)) in (0..).zip(self.steps) {
            let it = SignInStep {
                id: app.random.hex_id(),
                sign_in_id: sign_in_id.to_owned(),
                tenant_id: tenant_id.to_owned(),
                seq,
                at: app.now(),
                request_id: origin.request_id(),
                step: step.to_owned(),
                outcome: outcome.to_owned(),
                reason,
                detail,
            };
            store::sign_in_step::insert(tx, &it).await?;
        }
        Ok(())
    }
}
