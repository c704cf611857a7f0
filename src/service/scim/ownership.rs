//! What a directory may change.
//!
//! What it has made is its own. What somebody else has made is to be seen only, until the directory takes it over by saying
//! what it calls it (`externalId`). By a SCIM token nobody takes over what would give it power: the account of an
//! administrator, or a group that holds roles. An administrator may, by a token of their own.

use crate::error::{Error, Result};
use crate::model::scim::account::Account;
use crate::model::scim::group::Entry;
use crate::service::caller::Caller;
use crate::store::{self, Conn};

const NOT_ITS_OWN: &str = "This was not made by SCIM. Set its 'externalId' to take it over.";

/// Whether the change takes the account over; 403 if it may not be changed.
pub(super) async fn of_user(
    tx: &mut Conn,
    caller: &Caller,
    account: &Account,
    external_id: Option<&str>,
) -> Result<bool> {
    if account.record.as_ref().is_some_and(|r| r.made) {
        return Ok(false);
    }
    // One that was taken over may have become an administrator's since.
    if caller.is_directory() && store::user::is_administrator(tx, &account.user.id).await? {
        return Err(Error::forbidden(
            "This is an administrator's account, which SCIM has not made: a SCIM token does not change it.",
        ));
    }
    match (&account.record, external_id) {
        (Some(_), _) => Ok(false),
        (None, Some(_)) => Ok(true),
        (None, None) => Err(Error::forbidden(NOT_ITS_OWN)),
    }
}

/// Whether the change takes the group over; 403 if it may not be changed.
pub(super) async fn of_group(tx: &mut Conn, caller: &Caller, entry: &Entry, external_id: Option<&str>) -> Result<bool> {
    match (&entry.record, external_id) {
        (Some(_), _) => Ok(false),
        (None, None) => Err(Error::forbidden(NOT_ITS_OWN)),
        (None, Some(_)) if caller.is_directory() && store::scim::group::holds_roles(tx, &entry.group.id).await? => Err(
            Error::forbidden("This group holds roles: a SCIM token does not take it over, as that would give them."),
        ),
        (None, Some(_)) => Ok(true),
    }
}
