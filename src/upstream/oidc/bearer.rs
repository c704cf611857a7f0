//! Who shows a bearer token.
//!
//! A token in the form of a JWT is verified here and nowhere else: access tokens (RFC 9068) and ID tokens alike, both of
//! which must be for `client_id` or one of the connection's audiences; a token that the provider issued for another
//! service must not open this one. An opaque token is asked about by introspection (RFC 7662), where the same is held to
//! be true of its audience or, if none is told, of the client it was issued to. Userinfo alone cannot tell whom a token
//! is for, so it proves somebody only where the connection says `allow_userinfo`.

use super::claims::{self, Claims, Kind};
use super::{Ask, Identity, Oidc, Proof, endpoints, identity, jwt, refused, settings};
use crate::error::{Error, Result};

/// Longest opaque token, in bytes.
const MAX_OPAQUE: usize = 8 * 1024;

pub(super) async fn identify(oidc: &Oidc, ask: &Ask<'_>, token: &str) -> Result<Identity> {
    // What is no token (RFC 6750 §2.1) is not sent to anybody.
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b)) {
        return Err(Error::unauthorized("the credential is no bearer token"));
    }
    if jwt::is_jwt(token) { signed(oidc, ask, token).await } else { opaque(oidc, ask, token).await }
}

async fn signed(oidc: &Oidc, ask: &Ask<'_>, token: &str) -> Result<Identity> {
    let provider = oidc.provider(ask.connection, &[], ask.now).await?;
    let verified = oidc.verify(ask, &provider, token, "bearer token").await?;
    let wanted = settings(ask.connection)?;
    let check = || {
        let claims = Claims(&verified.claims);
        let is_id_token = claims::kind(&verified.header)? == Kind::Any && claims.is_id_token();
        claims.is_bearer()?;
        claims.issued_by(provider.issuer())?;
        claims.for_us(wanted, is_id_token)?;
        claims.has(&["exp", "sub"])?;
        claims.alive(ask.now)?;
        Ok(if is_id_token { Proof::IdToken } else { Proof::AccessToken })
    };
    let proof = check().map_err(refused("bearer token"))?;
    identity(provider.issuer(), verified.claims, proof)
}

async fn opaque(oidc: &Oidc, ask: &Ask<'_>, token: &str) -> Result<Identity> {
    let wanted = settings(ask.connection)?;
    if token.len() > MAX_OPAQUE {
        return Err(Error::unauthorized("the bearer token is too long"));
    }
    let endpoint =
        if ask.connection.secret.is_some() { &wanted.introspection_endpoint } else { &wanted.userinfo_endpoint };
    let provider = oidc.documents.provider(wanted, &[endpoint], ask.now).await?;
    if let (Some(url), Some(secret)) = (provider.introspection_endpoint(), &ask.connection.secret) {
        let told = endpoints::introspect(oidc.egress(), url, (wanted, secret), token).await?;
        let check = || {
            let claims = Claims(&told);
            claims.is_bearer()?;
            if told.contains_key("iss") {
                claims.issued_by(provider.issuer())?;
            }
            claims.introspected_for_us(wanted)?;
            claims.alive(ask.now)
        };
        check().map_err(refused("introspected token"))?;
        return identity(provider.issuer(), told, Proof::Introspection);
    }
    match provider.userinfo_endpoint() {
        Some(url) if wanted.allow_userinfo => {
            let told = oidc.userinfo(ask, &provider, (url, token), None).await?;
            identity(provider.issuer(), told, Proof::Userinfo)
        }
        _ => Err(Error::unauthorized("the bearer token is opaque, and the connection has no way to ask about it")),
    }
}
