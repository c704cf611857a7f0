//! Directories.

use super::{Outcome, Run};
use crate::egress::Egress;
use crate::error::Result;
use crate::model::connection::ldap::Ldap;
use crate::secret::Secret;

/// See [`super::Checks::admit`].
pub fn admit(_: &Egress, _: &Ldap) -> Result<()> {
    Ok(())
}

/// Checks the directory of a connection.
pub async fn check(_: &mut Run<'_>, _: &Ldap, _: Option<&Secret>) -> Outcome<()> {
    Err("LDAP cannot be checked yet.".to_owned())
}
