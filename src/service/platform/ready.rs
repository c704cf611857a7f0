//! A platform that is ready to be spoken to: credential opened, and the client that trusts whom it is to trust.

use std::sync::Arc;

use super::open;
use crate::egress::Egress;
use crate::error::Result;
use crate::model::platform::{Credential, Platform};
use crate::platform::Site;
use crate::service::App;
use crate::store::Conn;

/// A platform with all that is needed to speak to it.
#[derive(Debug)]
pub(in crate::service) struct Ready {
    /// What is stored.
    pub record: Platform,
    /// Its credential.
    pub credential: Option<Credential>,
    /// The client of all requests to it.
    pub egress: Arc<Egress>,
}

impl Ready {
    /// Opens what is stored of a platform.
    pub(in crate::service) async fn of(app: &App, conn: &mut Conn, record: Platform) -> Result<Self> {
        let credential = open(app, conn, &record).await?;
        Self::new(app, record, credential)
    }

    /// With a credential that is at hand.
    pub(in crate::service) fn new(app: &App, record: Platform, credential: Option<Credential>) -> Result<Self> {
        let options = &record.options;
        let egress = match (&options.ca_certificate_pem, options.insecure_skip_verify) {
            (None, false) => app.egress.clone(),
            (pem, skips) => Arc::new(app.egress.trusting(pem.as_deref(), !skips)?),
        };
        Ok(Self { record, credential, egress })
    }

    /// As adapters want it.
    pub(in crate::service) fn site<'a>(&'a self, app: &'a App) -> Site<'a> {
        Site {
            record: &self.record,
            credential: self.credential.as_ref(),
            egress: &self.egress,
            clock: &app.clock,
            random: &app.random,
        }
    }
}
