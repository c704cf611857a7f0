//! A connection that is tried out before a platform is registered, step by step, each with how long it took (sso-api §5.2,
//! TestConnectionDetailed).

use serde_json::Value;
use url::Url;

use super::{Ready, admit};
use crate::clock::Timestamp;
use crate::egress::Trouble as NetTrouble;
use crate::error::{Error, Result};
use crate::model::fields::Fields;
use crate::model::platform::body::Body;
use crate::model::platform::{Credential, CredentialKind, Product};
use crate::policy::Target;
use crate::secret::Secret;
use crate::service::caller::Caller;
use crate::service::{App, audit};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// How long it took, in milliseconds.
    pub latency_ms: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// The steps that were made; the last has failed if one has.
    pub steps: Vec<Step>,
    /// What to do about it.
    pub recommendation: &'static str,
}

/// Tries a connection out. Nothing is stored.
pub async fn try_out(app: &App, caller: &Caller, value: &Value) -> Result<Attempted> {
    app.allow(caller, "sso:test_platform", &Target::new()).await?;
    let mut f = Fields::at(value, "")?;
    let needed = |field: &str| Error::invalid_field(field, "is needed");
    let product = f.text("productType", 1..=64)?.ok_or_else(|| needed("productType"))?;
    let place = f.text("endpoint", 1..=2_048)?.ok_or_else(|| needed("endpoint"))?;
    let endpoint = if place.contains("://") { place } else { format!("https://{place}") };
    let account = f.nullable_text("accessKey", 0..=255)?.flatten().unwrap_or_default();
    let secret = f.nullable_text("secretKey", 0..=4_096)?.flatten().filter(|s| !s.is_empty()).map(Secret::from);
    // What a registration would take, this takes, too.
    let mut described = value.as_object().cloned().unwrap_or_default();
    described.insert("name".to_owned(), Value::String("draft".to_owned()));
    described.insert("endpoint".to_owned(), Value::String(endpoint.clone()));
    if product == Product::Scim.as_str() {
        described.entry("scimEndpoint").or_insert_with(|| Value::String(endpoint.clone()));
    }
    let record = Body::parse(&Value::Object(described))?.create(app.random.hex_id(), app.now())?;
    admit(app, &record)?;
    let credential = secret.map(|secret| Credential { account, kind: CredentialKind::Key, secret });
    let ready = Ready::new(app, record, credential)?;
    let attempted = steps(app, &ready, &endpoint).await?;
    let mut tx = app.store.write().await?;
    let failed = attempted.steps.iter().find(|s| s.error.is_some()).map_or("none", |s| s.name);
    let detail = format!("product={product} failed={failed}");
    audit::changed(app, &mut tx, caller, "platform.test", (super::KIND, ""), None, &detail).await?;
    app.commit(tx).await?;
    Ok(attempted)
}

fn millis_since(app: &App, began: Timestamp) -> i64 {
    (app.now().0 - began.0).max(0) / 1_000
}

async fn steps(app: &App, ready: &Ready, endpoint: &str) -> Result<Attempted> {
    let url = Url::parse(endpoint).map_err(|_| Error::invalid_field("endpoint", "is no URL and no host:port"))?;
    let (host, port) = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or(443));
    let mut steps = Vec::new();
    let began = app.now();
    let resolved = ready.egress.addresses(host.trim_matches(['[', ']'])).await;
    let error = resolved.err().map(|_| "The name has no address that may be asked.".to_owned());
    let failed = error.is_some();
    steps.push(Step { name: "dns_lookup", latency_ms: millis_since(app, began), error });
    if failed {
        return Ok(Attempted {
            steps,
            recommendation: "Check the host's name, and egress.allow if its address is private.",
        });
    }
    let began = app.now();
    let reached = ready.egress.connect(&host, port).await;
    let error = reached.err().map(|e| match e {
        NetTrouble::Timeout => "No connection in time.".to_owned(),
        other => other.to_string(),
    });
    let failed = error.is_some();
    steps.push(Step { name: "tcp_connect", latency_ms: millis_since(app, began), error });
    if failed {
        return Ok(Attempted { steps, recommendation: "Check port and firewall, and that the platform runs." });
    }
    if ready.record.product().is_none() {
        return Ok(Attempted { steps, recommendation: "" });
    }
    let began = app.now();
    let error = super::check::look(app, ready).await.err().map(|problem| problem.message);
    let failed = error.is_some();
    steps.push(Step { name: "authentication", latency_ms: millis_since(app, began), error });
    let recommendation = match failed {
        true => "Check the key and its secret, the platform's clock, its certificate, and that it is of this product.",
        false => "",
    };
    Ok(Attempted { steps, recommendation })
}
