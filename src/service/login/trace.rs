//! What happened in a sign-in, step by step, for whoever has to find out why it failed. No secret stands in it.

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::model::sign_in::{SignIn, Stage};
use crate::model::sign_in_step::SignInStep;
use crate::service::caller::Origin;
use crate::service::{App, audit};
use crate::store;
use crate::upstream::Begin;

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

    /// The steps of a sign-in, after the one that stands with it.
    fn of(self, app: &App, origin: &Origin, it: &SignIn, first: Option<SignInStep>) -> Vec<SignInStep> {
        // The first, which stands with the sign-in, is before all others, whatever the clock says.
        let steps = (1..).zip(self.steps).map(|(seq, (step, outcome, reason, detail))| SignInStep {
            id: app.random.hex_id(),
            sign_in_id: it.id.clone(),
            tenant_id: it.tenant_id.clone(),
            seq,
            at: app.now(),
            request_id: origin.request_id(),
            step: step.to_owned(),
            outcome: outcome.to_owned(),
            reason,
            detail,
        });
        first.into_iter().chain(steps).collect()
    }

    /// Stores a new sign-in, the first step with it: it is one statement, and most do not come back.
    pub(super) async fn begin(self, app: &App, tx: &mut store::Conn, origin: &Origin, it: &mut SignIn) -> Result<()> {
        it.first_step = self.of(app, origin, it, None).pop().map(|step| SignInStep { seq: 0, ..step });
        store::sign_in::insert(tx, it).await
    }

    /// Writes where a sign-in stands now and the steps to it, in a transaction of the caller's; false if another request has
    /// taken it on from `from` meanwhile.
    pub(super) async fn advance(
        self,
        app: &App,
        tx: &mut store::Conn,
        origin: &Origin,
        it: &mut SignIn,
        from: Stage,
    ) -> Result<bool> {
        let first = it.first_step.take();
        let is_first = store::sign_in::advance(tx, it, from).await?;
        if is_first {
            store::sign_in_step::insert(tx, &self.of(app, origin, it, first)).await?;
        }
        Ok(is_first)
    }
}

/// Parameters whose values somebody could use.
const SECRET: [&str; 10] = [
    "state",
    "nonce",
    "code_challenge",
    "code",
    "code_verifier",
    "id_token_hint",
    "client_secret",
    "SAMLRequest",
    "RelayState",
    "Signature",
];

/// What the browser was sent away with, without what somebody could use.
pub(super) fn sent(begin: &Begin) -> Value {
    match begin {
        Begin::Redirect { url } => match url::Url::parse(url) {
            Ok(url) => {
                let shown = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
                    let value = if SECRET.contains(&name.as_ref()) { json!("***") } else { json!(value) };
                    (name.into_owned(), value)
                };
                let parameters: Map<String, Value> = url.query_pairs().map(shown).collect();
                let mut place = url.clone();
                place.set_query(None);
                json!({"url": place.as_str(), "parameters": parameters})
            }
            Err(_) => json!({}),
        },
        Begin::Post { url, fields } => {
            json!({"url": url, "fields": fields.iter().map(|(name, _)| name).collect::<Vec<_>>()})
        }
        Begin::Password => json!({"form": "password"}),
    }
}

/// Claims without those by which somebody could pretend to have been there.
pub(super) fn without_secrets(claims: &Map<String, Value>) -> Value {
    const HASHES: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "jti"];
    let shown = claims.iter().filter(|(name, _)| !HASHES.contains(&name.as_str()));
    Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_shown_without_what_somebody_could_use() {
        let url =
            "https://idp.example/auth?x=1&client_id=c&state=s3cret&nonce=n0nce&code_challenge=chall&RelayState=s3cret\
             &Signature=s3cret"
                .to_owned();
        let shown = sent(&Begin::Redirect { url });
        assert_eq!(shown["url"], "https://idp.example/auth");
        assert_eq!(shown["parameters"]["client_id"], "c");
        let text = shown.to_string();
        assert!(!text.contains("s3cret") && !text.contains("n0nce") && !text.contains("chall\""), "{text}");
    }
}
