//! Where a connection stands and its secret lies, for whatever deletes what it hangs on.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::clock::hex;
use crate::error::{Error, Result};
use crate::store::{self, Conn};

/// Longest row id of a sealed secret.
const MAX_ROW_ID: usize = 255;

/// A connection of an identity provider by a protocol.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The identity provider.
    pub idp_id: &'a str,
    /// The protocol.
    pub protocol_id: &'a str,
}

impl<'a> At<'a> {
    pub(super) fn ids(self) -> (&'a str, &'a str) {
        (self.idp_id, self.protocol_id)
    }

    /// Where its secret lies. Ids may hold any character, so they are escaped; what gets too long for its column by that
    /// is told by its digest.
    pub(in crate::service) fn secret_id(self) -> String {
        let part = |id| utf8_percent_encode(id, NON_ALPHANUMERIC);
        let id = format!("connection/{}/{}/client_secret", part(self.idp_id), part(self.protocol_id));
        if id.len() <= MAX_ROW_ID { id } else { format!("connection/#{}", hex(&Sha256::digest(id))) }
    }

    pub(super) fn name(self) -> String {
        format!("{}/{}", self.idp_id, self.protocol_id)
    }

    pub(super) fn not_found(self) -> Error {
        Error::not_found(format!("Could not find connection: {}.", self.name()))
    }
}

/// Drops the secrets of an identity provider that is about to be deleted; its connections go with it.
pub(in crate::service) async fn forget(tx: &mut Conn, idp_id: &str) -> Result<()> {
    for protocol_id in store::connection::protocols(tx, idp_id).await? {
        forget_protocol(tx, At { idp_id, protocol_id: &protocol_id }).await?;
    }
    Ok(())
}

/// Deletes a connection, if there is one, with its secret: whatever deletes a protocol deletes its connection.
pub(in crate::service) async fn forget_protocol(tx: &mut Conn, at: At<'_>) -> Result<bool> {
    store::sealed_secret::delete(tx, &at.secret_id()).await?;
    store::connection::delete(tx, at.idp_id, at.protocol_id).await
}
