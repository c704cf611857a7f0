//! Redirect templates: where a browser lands after signing in at ZStack (sso-api §7.5). It carries a live session's id, so it is the
//! platform's own pages and nothing else.

use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::params;
use super::session::{Ask, Session};
use crate::platform::exchange;
use crate::platform::{Problem, Site, Trouble};

/// Port of the platform's pages.
const UI_PORT: u16 = 5000;
/// Path and placeholders, as the pages read them.
const VERIFY: &str = "/oauth1/verify/?username=${username}&sessionId=${sessionId}&userUuid=${userUuid}\
                      &accountUuid=${accountUuid}&loginType=${loginType}&userType=${userType}";

/// The template: at the pages that the options name, else at the platform's host.
pub fn wanted(site: &Site<'_>) -> Result<String, Problem> {
    let base = match site.record.options.ui_url.as_deref() {
        Some(own) => {
            let sound = exchange::web_url(own).filter(|url| !url.contains(['?', '#', '$']));
            sound
                .ok_or_else(|| Problem::new(Trouble::Refused, "The option 'uiUrl' is no URL."))?
                .trim_end_matches('/')
                .to_owned()
        }
        None => {
            let base = site.record.base_url();
            let url = Url::parse(&base).ok();
            let place = url.as_ref().and_then(|url| Some((url.scheme(), url.host_str()?)));
            let (scheme, host) =
                place.ok_or_else(|| Problem::new(Trouble::Refused, "The platform's endpoint is no URL."))?;
            format!("{scheme}://{host}:{UI_PORT}")
        }
    };
    Ok(format!("{base}{VERIFY}"))
}

/// A template that a client shows: its id and itself.
fn shown(client: &Value, depth: usize) -> Option<(&str, &str)> {
    let own = client["uuid"].as_str().zip(client["redirectTemplate"].as_str());
    let is_client = client.get("clientType").is_some() || client.get("loginMNUrl").is_some();
    if own.is_some() && !is_client {
        return own;
    }
    let inner: Vec<&Value> = match client {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => return None,
    };
    if depth == 0 { None } else { inner.into_iter().find_map(|value| shown(value, depth - 1)) }
}

/// Whether a client shows another template than the one that is wanted.
pub fn differs(client: &Value, wanted: &str) -> bool {
    shown(client, 3).is_some_and(|(_, template)| template != wanted)
}

/// Has a client's template be the one that is wanted; answers whether the client shows any.
pub async fn align(session: &mut Session<'_>, client: &Value, wanted: &str) -> Result<bool, Problem> {
    const WHAT: &str = "Updating the redirect template";
    let Some((uuid, template)) = shown(client, 3) else { return Ok(false) };
    if template != wanted {
        let Value::Object(body) = json!({"uuid": uuid, "redirectTemplate": wanted}) else { return Ok(true) };
        let ask = Ask::change(WHAT, Method::POST, "/update/sso/redirectTemplate", params(body));
        session.run(ask).await.map_err(|fault| fault.told(WHAT))?;
    }
    Ok(true)
}
