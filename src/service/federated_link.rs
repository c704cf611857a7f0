//! Writing users' identities at identity providers.

use std::collections::BTreeSet;

use super::caller::Caller;
use super::{App, revocation, session};
use crate::error::{Error, Result};
use crate::model::federated_link::FederatedLink;
use crate::store::{self, Conn};

/// Puts `links` in the place of a user's; what is left out voids the tokens that came by it. With a token that is scoped
/// to a domain one sees the identity providers of that domain only: who manages one domain must not say who the people of
/// another are.
pub async fn replace(app: &App, tx: &mut Conn, caller: &Caller, user_id: &str, links: &[FederatedLink]) -> Result<()> {
    // In order, and held: whose identity something is must not change between asking and writing.
    for id in links.iter().map(|l| l.idp_id.as_str()).collect::<BTreeSet<_>>() {
        store::identity_provider::lock(tx, id).await?;
        let found = store::identity_provider::get(tx, id).await?;
        if found.is_none_or(|idp| caller.domain_scope().is_some_and(|own| idp.domain_id != own)) {
            return Err(Error::invalid(format!("Could not find Identity Provider: {id}")));
        }
    }
    let before = store::federated_link::list_of_user(tx, user_id).await?;
    for link in links {
        // What was there may be sent back, also when its protocol is gone.
        if !before.contains(link) && store::protocol::get(tx, &link.idp_id, &link.protocol_id).await?.is_none() {
            return Err(Error::invalid(format!(
                "Could not find federated protocol {} for Identity Provider: {}.",
                link.protocol_id, link.idp_id
            )));
        }
        if store::federated_link::owner(tx, &link.idp_id, &link.unique_id, None).await?.is_some_and(|o| o != user_id) {
            return Err(taken());
        }
    }
    let gone = before.iter().filter(|l| !links.contains(l)).map(|l| (l.idp_id.as_str(), l.protocol_id.as_str()));
    for (idp_id, protocol_id) in gone.collect::<BTreeSet<_>>() {
        let event = revocation::of_link(app, user_id, idp_id, protocol_id);
        store::revocation::insert(tx, &event).await?;
        session::end_of_link(app, tx, user_id, idp_id).await?;
    }
    store::federated_link::replace(tx, user_id, links).await.map_err(|e| match e {
        Error::Conflict { .. } => taken(),
        other => other,
    })
}

fn taken() -> Error {
    Error::conflict("Conflict occurred attempting to store federated_user - Duplicate entry.")
}
