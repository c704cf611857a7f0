//! A session on a platform for somebody who is signed in here (sso-api §4.10, OpenSSOSession): their token is traded for an
//! address that signs them in there. The platform's wire protocol is not public; what is spoken is a request with the token and
//! an answer with the address, whose host must be the platform's own.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use url::Url;

use super::{KIND, Ready, find, seen};
use crate::egress::Kind as Purpose;
use crate::error::{Error, Result};
use crate::model::fields::Fields;
use crate::model::platform::Status;
use crate::service::caller::Caller;
use crate::service::{App, audit};

/// The product that has such sessions.
const PRODUCT: &str = "ah_tianchi";
/// Longest token.
const MAX_JWT: usize = 8_192;

/// Opens a session; the address to send the browser to. It works once and is written down nowhere.
pub async fn open(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<String> {
    let done = trade(app, caller, id, body).await;
    audit::refused(app, caller, "platform.open_session", (KIND, id), done).await
}

async fn trade(app: &App, caller: &Caller, id: &str, body: &Value) -> Result<String> {
    app.allow(caller, "sso:open_platform_session", &seen(id)).await?;
    let jwt = Fields::at(body, "")?.text("jwt", 1..=MAX_JWT)?;
    let jwt = jwt.ok_or_else(|| Error::invalid_field("jwt", "is needed"))?;
    let mut conn = app.store.read().await?;
    let stored = find(&mut conn, id).await?.platform;
    if stored.product_type != PRODUCT {
        return Err(Error::invalid(format!("product type {} has no such sessions", stored.product_type)));
    }
    if stored.status != Status::Connected {
        return Err(Error::conflict("The platform is not connected."));
    }
    let ready = Ready::of(app, &mut conn, stored).await?;
    drop(conn);
    let base = ready.record.base_url();
    let json_type = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json_type.clone()), (header::ACCEPT, json_type)]);
    let asked = Bytes::from(json!({ "jwt": jwt }).to_string());
    let answer = ready.egress.post(Purpose::Push, &format!("{base}/sso/login"), headers, asked).await;
    let answer = answer.map_err(|_| Error::bad_upstream("The platform could not be reached."))?;
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok().filter(|_| answer.status.is_success());
    let url = said.as_ref().and_then(|v| v.get("ssoUrl")).and_then(Value::as_str);
    let url = url.ok_or_else(|| Error::bad_upstream("The platform opened no session."))?;
    let (there, own) = (Url::parse(url).ok(), Url::parse(&base).ok());
    let same = there.as_ref().zip(own.as_ref()).is_some_and(|(there, own)| {
        there.host() == own.host() && matches!(there.scheme(), "http" | "https") && there.username().is_empty()
    });
    if !same {
        return Err(Error::bad_upstream("The platform answered with an address of another host."));
    }
    let mut tx = app.store.write().await?;
    audit::changed(app, &mut tx, caller, "platform.open_session", (KIND, id), None, "").await?;
    app.commit(tx).await?;
    Ok(url.to_owned())
}
