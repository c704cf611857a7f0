//! Logging out at identity providers and by them, as the service asks for it: `logout` reads and writes the messages.

use serde::{Deserialize, Serialize};

use super::carried::{Brought, Carried};
use super::known::Partner;
use super::logout::{self, Asked, Between};
use super::said::Hint;
use super::xml::{Element, Outcome, SAML};
use super::{Saml, Signer, metadata, request_id, settings, sp_entity_id};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::upstream::check::metadata::Metadata;
use crate::upstream::{Ask, Begin};

/// What a log-out that goes on at the identity provider remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftMemo {
    request_id: String,
}

/// What a message about logging out says of itself before anything of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeekLogout {
    /// Whether it asks, rather than answers.
    pub is_request: bool,
    /// Who says that it is theirs.
    pub issuer: Option<String>,
    /// What has to come back with the answer.
    pub relay_state: Option<String>,
}

impl Saml {
    /// How a browser logs out there, by what was kept of the login, and what to remember of it; none if the identity provider has
    /// no place for that.
    pub async fn end_session(&self, ask: &Ask<'_>, hint: &Secret) -> Result<Option<(Begin, LeftMemo)>> {
        let hint = Hint::from_text(hint)?;
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let partner = Partner::of(ask, held.as_ref().map(|held| &held.document))?;
        let Some(place) = partner.logout else { return Ok(None) };
        let (id, now, state) = (request_id(ask.state), ask.now, ask.state.to_owned());
        let memo = LeftMemo { request_id: id.clone() };
        let begin = Signer::of(ask)?.with(self, move |key| {
            logout::request(id, &hint, &place.url, now).carried(place.by_post, Some(&state), key)
        });
        Ok(Some((begin.await?, memo)))
    }

    /// Reads what an identity provider says about logging out; `ask` has the address that it came to. With newer metadata, if a
    /// signature is of a key that is not known.
    async fn about_logout<T: Send + 'static>(
        &self,
        ask: &Ask<'_>,
        carried: &Carried,
        read: impl Fn(&Brought, &Between<'_>) -> Outcome<T> + Copy + Send + 'static,
    ) -> Result<T> {
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let done = self.try_about_logout(ask, held.as_ref().map(|h| &h.document), carried, read).await;
        match done {
            Err(Error::Unauthorized { .. }) if held.is_some() => {}
            done => return done,
        }
        let newer = self.library.fetched(ask.connection, ask.now, held.as_ref()).await;
        let document = newer.as_ref().ok().and_then(|n| n.as_ref()).or(held.as_ref()).map(|h| &h.document);
        self.try_about_logout(ask, document, carried, read).await
    }

    async fn try_about_logout<T: Send + 'static>(
        &self,
        ask: &Ask<'_>,
        fetched: Option<&Metadata>,
        carried: &Carried,
        read: impl FnOnce(&Brought, &Between<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let partner = Partner::of(ask, fetched)?;
        let sp_entity_id = sp_entity_id(settings(ask.connection)?, &metadata::acs_beside(ask.redirect_uri));
        let (carried, slo_url, now) = (carried.clone(), ask.redirect_uri.to_owned(), ask.now);
        let done = self.off_thread(move || {
            let between = Between { partner: &partner, sp_entity_id: &sp_entity_id, slo_url: &slo_url, now };
            read(&carried.open()?, &between)
        });
        done.await?.map_err(|why| Error::unauthorized(format!("the message {why}")))
    }

    /// What a message about logging out says of itself; nothing of it is verified.
    pub async fn peek_logout(&self, carried: &Carried) -> Result<PeekLogout> {
        let carried = carried.clone();
        let peeked = self.off_thread(move || {
            let brought = carried.open()?;
            let tree = brought.tree()?;
            let issuer = tree.root().one(SAML, "Issuer")?.map(Element::text).transpose()?;
            let issuer = issuer.map(|i| i.trim().to_owned());
            let (is_request, relay_state) = (brought.is_request, brought.relay_state.clone());
            Ok::<_, String>(PeekLogout { is_request, issuer, relay_state })
        });
        peeked.await?.map_err(|why| Error::unauthorized(format!("the message {why}")))
    }

    /// A wish of an identity provider to log somebody out, verified.
    pub async fn logout_asked(&self, ask: &Ask<'_>, carried: &Carried) -> Result<Asked> {
        self.about_logout(ask, carried, logout::asked).await
    }

    /// Its answer to a wish of ours: whether they are logged out there.
    pub async fn logout_answered(&self, ask: &Ask<'_>, carried: &Carried, memo: &LeftMemo) -> Result<bool> {
        let answered = self.about_logout(ask, carried, logout::answered).await?;
        if answered.in_response_to.as_deref() != Some(&memo.request_id) {
            return Err(Error::unauthorized("the message answers something else ('InResponseTo')"));
        }
        Ok(answered.is_done)
    }

    /// How a browser takes our answer to such a wish back; none if the identity provider has no place for that.
    pub async fn answer_logout(
        &self,
        ask: &Ask<'_>,
        asked: &Asked,
        relay_state: Option<String>,
    ) -> Result<Option<Begin>> {
        let held = self.library.fetched(ask.connection, ask.now, None).await?;
        let partner = Partner::of(ask, held.as_ref().map(|held| &held.document))?;
        let Some(place) = partner.logout else { return Ok(None) };
        let sp_entity_id = sp_entity_id(settings(ask.connection)?, &metadata::acs_beside(ask.redirect_uri));
        let id = format!("_{}{}", ask.random.hex_id(), ask.random.hex_id());
        let (asked_id, now) = (asked.id.clone(), ask.now);
        let begin = Signer::of(ask)?.with(self, move |key| {
            let answer = logout::response(id, &asked_id, &sp_entity_id, &place.answers, now);
            answer.carried(place.by_post, relay_state.as_deref(), key)
        });
        begin.await.map(Some)
    }
}
