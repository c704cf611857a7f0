//! Whether an identity provider made sure enough who somebody is (tenant-login §4.3 step 10).

use super::session::said;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::model::sign_in::{Prompt, SignIn};
use crate::model::tenant_idp::Offered;
use crate::upstream::Identity;

/// How far an identity provider's clock may differ, in seconds.
const SKEW_SECS: i64 = 60;

fn low(why: &str) -> Result<()> {
    let text = "The identity provider did not make sure enough who you are.";
    Err(Error::refused_because(Code::AssuranceTooLow, text, why))
}

/// Whether the identity provider made sure of them as the tenant wants it.
pub(super) fn check_levels(offered: &Offered, identity: &Identity, now: Timestamp) -> Result<()> {
    let settings = &offered.settings;
    let (_, amr, acr) = said(identity, now);
    if !settings.required_acr.is_empty() && !acr.is_some_and(|acr| settings.required_acr.contains(&acr)) {
        return low("acr is none of those required");
    }
    if !settings.required_amr.iter().all(|method| amr.contains(method)) {
        return low("amr lacks a required method");
    }
    Ok(())
}

/// Whether the identity provider made sure enough who it is (tenant-login §4.3 step 10).
pub(super) fn check_assurance(offered: &Offered, it: &SignIn, identity: &Identity, now: Timestamp) -> Result<()> {
    check_levels(offered, identity, now)?;
    let (auth_time, _, _) = said(identity, now);
    let Some(request) = &it.request else { return Ok(()) };
    let Some(auth_time) = auth_time else { return Ok(()) };
    if request.max_age.is_some_and(|age| auth_time < now.plus_secs(-age.saturating_add(SKEW_SECS))) {
        return low("auth_time is older than max_age");
    }
    if request.prompt.contains(&Prompt::Login) && auth_time < it.created_at.plus_secs(-SKEW_SECS) {
        return low("nobody signed in anew");
    }
    Ok(())
}
