//! SAML identity providers.

use super::{Outcome, Run};
use crate::egress::Egress;
use crate::error::Result;
use crate::model::connection::saml::Saml;
use crate::secret::Secret;

/// See [`super::Checks::admit`].
pub fn admit(_: &Egress, _: &Saml) -> Result<()> {
    Ok(())
}

/// Checks the identity provider of a connection.
pub async fn check(_: &mut Run<'_>, _: &Saml, _: Option<&Secret>) -> Outcome<()> {
    Err("SAML cannot be checked yet.".to_owned())
}
