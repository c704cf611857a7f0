//! What the SSO face makes is not for the Keystone face to change (ruling 11).

use crate::error::{Error, Result};
use crate::model::sso_config::Source;
use crate::store::{self, Conn};

fn elsewhere(source: Source, id: &str) -> Error {
    let place = match source {
        Source::Import => "the file it came from, applied by `archstone sso apply`",
        Source::Manual | Source::Federation => "the SSO face",
    };
    Error::forbidden(format!(
        "This belongs to the SSO configuration {id} and is read-only here. Change it through {place}: /api/v1/sso/configurations/{id}."
    ))
}

/// 403 for an identity provider that is a configuration which another face manages.
pub(in crate::service) async fn check_identity_provider(conn: &mut Conn, id: &str) -> Result<()> {
    match store::sso_config::source(conn, id).await? {
        Some(source) if source != Source::Federation => Err(elsewhere(source, id)),
        _ => Ok(()),
    }
}

/// 403 for a mapping that is made of a configuration's words.
pub(in crate::service) async fn check_mapping(conn: &mut Conn, mapping_id: &str) -> Result<()> {
    if store::sso_config::is_generated(conn, mapping_id).await? {
        return Err(elsewhere(Source::Manual, mapping_id));
    }
    Ok(())
}
