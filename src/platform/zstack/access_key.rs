//! Access keys (sso-api §7.3): an account may have two, so that one can be made, put to use, and the other deleted.

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
    let Value::Object(wanted) = json!({"accountUuid": holder.account, "userUuid": holder.user, "description": name})
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
    let Some(found) = find(session, id).await? else { return Ok(()) };
    let uuid = found["uuid"].as_str().ok_or_else(|| exchange::unreadable(LOOKING))?;
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
    let ask = Ask::get(LOOKING, "/accesskeys").with_query(&query);
    let found = session.run(ask).await.map_err(|fault| fault.told(LOOKING))?;
    let all = found["inventories"].as_array().ok_or_else(|| exchange::unreadable(LOOKING))?;
    Ok(all.iter().find(|key| key["AccessKeyID"] == id).cloned())
}
