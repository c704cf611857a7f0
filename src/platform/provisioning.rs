//! A platform that takes users and groups and nothing else (SCIM 2.0, RFC 7644): a configuration changes nothing there, so a push
//! sends nothing. How users and groups get there stands elsewhere.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};

use super::exchange::{self, Request};
use super::{Attempt, Found, Key, Platform, Problem, Pushed, Remote, Site, Trouble};
use crate::egress::Kind;
use crate::model::plan::Plan;
use crate::secret::Secret;

/// The platform.
#[derive(Debug, Clone, Copy)]
pub struct Provisioning;

impl Platform for Provisioning {
    /// Reads what the server can do (RFC 7644 §4). One that does not tell answers 404 in JSON, which a server of something else
    /// would not.
    async fn check(&self, site: &Site<'_>) -> Result<(), Problem> {
        const WHAT: &str = "Reading what the SCIM server can do";
        let options = &site.record.options;
        let base = options.scim_endpoint.as_deref().or(options.endpoint.as_deref());
        let base = base.ok_or_else(|| Problem::new(Trouble::Refused, "The platform has no 'scimEndpoint'."))?;
        let accept = HeaderValue::from_static("application/scim+json, application/json");
        let mut headers = HeaderMap::from_iter([(header::ACCEPT, accept)]);
        if let Some(credential) = site.credential {
            let bearer = format!("Bearer {}", exchange::text(WHAT, &credential.secret)?);
            headers.insert(header::AUTHORIZATION, exchange::sensitive(WHAT, &bearer)?);
        }
        let url = &format!("{}/ServiceProviderConfig", base.trim_end_matches('/'));
        let request = Request { what: WHAT, kind: Kind::Scim, method: Method::GET, url, headers, body: Bytes::new() };
        let answer = exchange::send(site.egress, request).await?;
        match answer.status.as_u16() {
            200 | 404 if exchange::read(&answer.body).is_some_and(|said| said.is_object()) => Ok(()),
            200 => Err(exchange::unreadable(WHAT)),
            _ => Err(exchange::refusal(WHAT, answer.status)),
        }
    }

    async fn negotiate(&self, _: &Site<'_>, _: &str, _: &Secret, _: &str) -> Result<Option<Key>, Problem> {
        Ok(None)
    }

    async fn revoke(&self, _: &Site<'_>, _: &str) -> Result<(), Problem> {
        Ok(())
    }

    async fn rotate(&self, _: &Site<'_>, _: &str) -> Result<Key, Problem> {
        Err(Problem::new(
            Trouble::Unsupported,
            "SCIM has no way to make tokens. Make one at the platform and set it as the platform's token here.",
        ))
    }

    async fn push(&self, _: &Site<'_>, plan: &Plan, _: &Attempt) -> Result<Pushed, Problem> {
        Ok(Pushed { client_id: plan.remote_id.clone(), callback_url: None, warnings: Vec::new() })
    }

    async fn remove(&self, _: &Site<'_>, _: &Remote, _: &Attempt) -> Result<(), Problem> {
        Ok(())
    }

    async fn inspect(&self, _: &Site<'_>, _: &Plan) -> Result<Found, Problem> {
        Ok(Found::Same)
    }
}
