//! Writing users' identities at identity providers.

use std::collections::BTreeSet;

use super::caller::Caller;
use crate::error::{Error, Result};
use crate::model::federated_link::FederatedLink;
use crate::store::{self, Conn};

/// Puts `links` in the place of a user's. With a token that is scoped to a domain one sees the identity providers of that
/// domain only: who manages one domain must not say who the people of another are.
pub async fn replace(tx: &mut Conn, caller: &Caller, user_id: &str, links: &[FederatedLink]) -> Result<()> {
    // In order, and held: whose identity something is must not change between asking and writing.
    for id in links.iter().map(|l| l.idp_id.as_str()).collect::<BTreeSet<_>>() {
        store::identity_provider::lock(tx, id).await?;
        let found = store::identity_provider::get(tx, id).await?;
        if found.is_none_or(|idp| caller.domain_scope().is_some_and(|own| idp.domain_id != own)) {
            return Err(Error::invalid(format!("Could not find Identity Provider: {id}")));
        }
    }
    for link in links {
        if store::federated_link::owner(tx, &link.idp_id, &link.unique_id).await?.is_some_and(|o| o != user_id) {
            return Err(taken());
        }
    }
    store::federated_link::replace(tx, user_id, links).await.map_err(|e| match e {
        Error::Conflict { .. } => taken(),
        other => other,
    })
}

fn taken() -> Error {
    Error::conflict("Conflict occurred attempting to store federated_user - Duplicate entry.")
}
