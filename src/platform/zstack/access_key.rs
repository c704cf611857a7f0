//! Access keys (sso-api §7.3): an account may have two, so that one can be made, put to use, and the other deleted.
//!
//! A key says in its description which platform's record it was made for. One that was made, and whose making or deleting failed half
//! way, is known by that and does not stand in the way of the next.

use http::Method;
use serde_json::{Value, json};

use super::params;
use super::session::{Ask, Holder, Session};
use crate::platform::exchange;
use crate::platform::{Key, Problem, Trouble};
use crate::secret::Secret;

const LOOKING: &str = "Looking the access key up";
const MAKING: &str = "Making an access key";
const DELETING: &str = "Deleting the access key";

/// Makes one for an account.
pub async fn create(session: &mut Session<'_>, holder: &Holder, name: &str) -> Result<Key, Problem> {
    let description = described(session, name);
    let Value::Object(wanted) =
        json!({"accountUuid": holder.account, "userUuid": holder.user, "description": description})
    else {
        return Err(exchange::unreadable(MAKING));
    };
    let ask = Ask::change(MAKING, Method::POST, "/accesskeys", params(wanted));
    let made = session.run(ask).await.map_err(|fault| fault.told(MAKING)).map_err(|problem| {
        if problem.kind != Trouble::Refused {
            return problem;
        }
        // The one reason that there usually is.
        Problem::new(problem.kind, format!("{} An account has two access keys at most.", problem.message))
    })?;
    let made = &made["inventory"];
    let text = |name: &str| made[name].as_str().filter(|text| !text.is_empty());
    match (text("AccessKeyID"), text("AccessKeySecret")) {
        (Some(id), Some(secret)) => Ok(Key { id: id.to_owned(), secret: Secret::from(secret), name: name.to_owned() }),
        _ => Err(exchange::unreadable(MAKING)),
    }
}

/// Deletes what an earlier rotation left over: keys that were made for this platform's record, but for the one in use.
pub async fn tidy(session: &mut Session<'_>, holder: &Holder) -> Result<(), Problem> {
    let (id, Some(mark)) = (session.key_id().map(str::to_owned), mark(session)) else { return Ok(()) };
    let query = format!("q=accountUuid={}", exchange::segment(&holder.account));
    for key in list(session, &query).await? {
        let is_ours = key["description"].as_str().is_some_and(|text| text.ends_with(&mark));
        if is_ours && key["accountUuid"] == holder.account.as_str() && key["AccessKeyID"].as_str() != id.as_deref() {
            take_away(session, &key).await?;
        }
    }
    Ok(())
}

/// How the description of a key ends that was made for this platform's record.
fn mark(session: &Session<'_>) -> Option<String> {
    let id = session.platform_id();
    (!id.is_empty()).then(|| format!(" for {id}"))
}

fn described(session: &Session<'_>, name: &str) -> String {
    format!("{name}{}", mark(session).unwrap_or_default())
}

/// Whose key it is that signs.
pub async fn own(session: &mut Session<'_>) -> Result<Holder, Problem> {
    let id = session.key_id().unwrap_or_default().to_owned();
    let found = find(session, &id).await?.ok_or_else(|| {
        Problem::new(
            Trouble::Credential,
            format!("{LOOKING}: the platform does not show the access key that is in use."),
        )
    })?;
    let account = found["accountUuid"].as_str().ok_or_else(|| exchange::unreadable(LOOKING))?.to_owned();
    let user = found["userUuid"].as_str().map_or_else(|| account.clone(), str::to_owned);
    Ok(Holder { account, user })
}

/// Deletes one by its public half.
pub async fn delete(session: &mut Session<'_>, id: &str) -> Result<(), Problem> {
    match find(session, id).await? {
        Some(found) => take_away(session, &found).await,
        None => Ok(()),
    }
}

async fn take_away(session: &mut Session<'_>, key: &Value) -> Result<(), Problem> {
    let uuid = key["uuid"].as_str().ok_or_else(|| exchange::unreadable(LOOKING))?;
    let path = format!("/accesskeys/{}", exchange::segment(uuid));
    let ask = Ask { what: DELETING, method: Method::DELETE, path: &path, query: None, body: None, job: None };
    match session.run(ask).await {
        Ok(_) => Ok(()),
        Err(fault) if fault.is_not_found() => Ok(()),
        Err(fault) => Err(fault.told(DELETING)),
    }
}

/// One by its public half. Servers that know no such condition show all.
async fn find(session: &mut Session<'_>, id: &str) -> Result<Option<Value>, Problem> {
    let query = format!("q=AccessKeyID={}", exchange::segment(id));
    Ok(list(session, &query).await?.into_iter().find(|key| key["AccessKeyID"] == id))
}

async fn list(session: &mut Session<'_>, query: &str) -> Result<Vec<Value>, Problem> {
    let ask = Ask::get(LOOKING, "/accesskeys").with_query(query);
    let mut found = session.run(ask).await.map_err(|fault| fault.told(LOOKING))?;
    match found.get_mut("inventories").map(Value::take) {
        Some(Value::Array(all)) => Ok(all),
        _ => Err(exchange::unreadable(LOOKING)),
    }
}
