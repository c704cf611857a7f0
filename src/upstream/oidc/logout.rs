//! Logging out at a provider: where a browser does that (OpenID Connect RP-Initiated Logout 1.0 §2), and tokens by which a
//! provider says that somebody has logged out there (Back-Channel Logout 1.0 §2.4, §2.6).

use serde_json::{Map, Value};
use url::Url;

use super::claims::{Claims, SKEW_SECS};
use super::jwt::Jwt;
use super::{Ask, Oidc, refused, settings};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::model::connection::{Connection, Settings};
use crate::secret::Secret;

/// What a logout token says that happened.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be, in seconds.
const MAX_AGE_SECS: i64 = 300;
/// Longest text of it that is kept or compared, in characters: as long as columns are.
const MAX_TEXT: usize = 255;

/// What a logout token says, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// Who says it.
    pub issuer: String,
    /// Who has logged out.
    pub subject: Option<String>,
    /// Which of their sessions has ended.
    pub sid: Option<String>,
    /// The token's own name.
    pub jti: String,
    /// From then on it is not taken any more, whether it was seen or not.
    pub stale_at: Timestamp,
}

/// Whom a logout token that nobody has verified yet claims to be for: to find the connection whose keys tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    issuer: String,
    audiences: Vec<String>,
}

impl Claimed {
    /// Reads it. The error is for the log.
    pub fn parse(token: &str) -> Result<Self> {
        let refused = refused("logout token");
        let claims = Jwt::parse(token).and_then(|jwt| jwt.claims()).map_err(&refused)?;
        let claims = Claims(&claims);
        let read = || Ok((claims.short_text("iss", MAX_TEXT)?.ok_or("there is no 'iss'")?, claims.audiences()?));
        let (issuer, audiences) = read().map_err(refused)?;
        Ok(Self { issuer: issuer.to_owned(), audiences: audiences.into_iter().map(str::to_owned).collect() })
    }

    /// Whether it would be by that connection.
    pub fn may_be_by(&self, connection: &Connection) -> bool {
        let Settings::Oidc(oidc) = &connection.settings else { return false };
        oidc.is_issuer(&self.issuer) && self.audiences.contains(&oidc.client_id)
    }
}

impl Oidc {
    /// The address at which a browser logs out at the provider, and from which it comes back with the ask's state; none if the
    /// provider has no such place. `hint` is the ID token of the login.
    ///
    /// # Errors
    /// `Unavailable` if the provider's configuration cannot be had.
    pub async fn end_session(&self, ask: &Ask<'_>, hint: Option<&Secret>) -> Result<Option<String>> {
        let oidc = settings(ask.connection)?;
        let provider = self.documents.provider(oidc, &[&None], ask.now).await?;
        // Browsers go there, not we: all that matters is that it is a place on the web.
        let url = provider.end_session_endpoint().and_then(|url| Url::parse(url).ok());
        let Some(mut url) = url.filter(|u| matches!(u.scheme(), "https" | "http")) else { return Ok(None) };
        let mut query = url.query_pairs_mut();
        if let Some(hint) = hint.and_then(Secret::expose_str) {
            query.append_pair("id_token_hint", hint);
        }
        query.append_pair("client_id", &oidc.client_id);
        query.append_pair("post_logout_redirect_uri", ask.redirect_uri);
        query.append_pair("state", ask.state);
        drop(query);
        Ok(Some(url.into()))
    }

    /// What a logout token says.
    ///
    /// # Errors
    /// `Unauthorized` with the reason, `Unavailable` if the provider's keys cannot be had.
    pub async fn logged_out(&self, ask: &Ask<'_>, token: &str) -> Result<LoggedOut> {
        let provider = self.provider(ask.connection, &[], ask.now).await?;
        let verified = self.verify(ask, &provider, token, "logout token").await?;
        let client_id = &settings(ask.connection)?.client_id;
        check(verified.header.typ.as_deref(), &verified.claims, provider.issuer(), client_id, ask.now)
            .map_err(refused("logout token"))
    }
}

/// The claims of a token whose signature is verified (§2.6 there). Pure.
fn check(
    typ: Option<&str>,
    claims: &Map<String, Value>,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> std::result::Result<LoggedOut, String> {
    // Older providers call it a plain JWT; what is expressly something else is not taken for one.
    let typ = typ.unwrap_or("logout+jwt").to_ascii_lowercase();
    if !["logout+jwt", "jwt"].contains(&typ.strip_prefix("application/").unwrap_or(&typ)) {
        return Err("it is a token of another type".to_owned());
    }
    let read = Claims(claims);
    read.issued_by(issuer)?;
    if !read.audiences()?.contains(&client_id) {
        return Err("it is for another audience".to_owned());
    }
    read.has(&["iat", "exp", "jti", "events"])?;
    read.alive(now)?;
    let issued_at = read.time("iat")?.unwrap_or(i64::MIN);
    if issued_at < now.secs() - MAX_AGE_SECS {
        return Err("it is too old".to_owned());
    }
    let happened = claims.get("events").and_then(|events| events.get(EVENT));
    if !happened.is_some_and(Value::is_object) {
        return Err("it does not say that somebody has logged out".to_owned());
    }
    // An ID token must never pass for one.
    if claims.contains_key("nonce") {
        return Err("it has a nonce".to_owned());
    }
    let text = |name| read.short_text(name, MAX_TEXT).map(|t| t.map(str::to_owned));
    let (subject, sid) = (text("sub")?, text("sid")?);
    if subject.is_none() && sid.is_none() {
        return Err("it names neither 'sub' nor 'sid'".to_owned());
    }
    Ok(LoggedOut {
        issuer: issuer.to_owned(),
        subject,
        sid,
        jti: text("jti")?.ok_or("there is no 'jti'")?,
        stale_at: Timestamp::from_secs(issued_at).plus_secs(MAX_AGE_SECS + SKEW_SECS),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn good() -> Value {
        json!({
            "iss": "https://op", "aud": "me", "iat": NOW, "exp": NOW + 120, "jti": "j", "events": {EVENT: {}}, "sub": "ann", "sid": "s",
        })
    }

    fn taken(typ: Option<&str>, change: impl FnOnce(&mut Value)) -> std::result::Result<LoggedOut, String> {
        let mut claims = good();
        change(&mut claims);
        check(typ, claims.as_object().unwrap(), "https://op", "me", Timestamp::from_secs(NOW))
    }

    fn without(name: &'static str) -> impl FnOnce(&mut Value) {
        move |claims| drop(claims.as_object_mut().unwrap().remove(name))
    }

    #[test]
    fn op_logout_5_a_logout_token_says_who_has_logged_out() {
        let told = taken(Some("logout+jwt"), |_| {}).unwrap();
        assert_eq!((told.subject.as_deref(), told.sid.as_deref(), told.jti.as_str()), (Some("ann"), Some("s"), "j"));
        assert_eq!(told.stale_at, Timestamp::from_secs(NOW + MAX_AGE_SECS + SKEW_SECS));
        for typ in [None, Some("JWT"), Some("application/logout+jwt")] {
            assert!(taken(typ, |_| {}).is_ok(), "{typ:?}");
        }
        assert!(taken(None, without("sub")).is_ok() && taken(None, without("sid")).is_ok());
        assert!(taken(None, |c| c["aud"] = json!(["you", "me"])).is_ok());
        assert!(taken(None, |c| c["iat"] = json!(NOW - MAX_AGE_SECS)).is_ok());
    }

    #[test]
    fn op_logout_5_what_is_no_logout_token_ends_nothing() {
        for typ in ["at+jwt", "secevent+jwt", "id"] {
            assert!(taken(Some(typ), |_| {}).is_err(), "{typ}");
        }
        for name in ["iss", "aud", "iat", "exp", "jti", "events"] {
            assert!(taken(None, without(name)).is_err(), "{name}");
        }
        let changes: Vec<fn(&mut Value)> = vec![
            |c| c["iss"] = json!("https://op/"),
            |c| c["aud"] = json!("you"),
            |c| c["aud"] = json!([]),
            |c| c["exp"] = json!(NOW - SKEW_SECS),
            |c| c["iat"] = json!(NOW - MAX_AGE_SECS - 1),
            |c| c["iat"] = json!(NOW + SKEW_SECS + 1),
            |c| c["iat"] = json!("now"),
            |c| c["jti"] = json!(""),
            |c| c["jti"] = json!("j".repeat(256)),
            |c| c["events"] = json!({}),
            |c| c["events"] = json!([EVENT]),
            |c| c["events"] = json!({EVENT: true}),
            |c| c["nonce"] = json!("n"),
            |c| c["nonce"] = Value::Null,
            |c| c["sub"] = json!(7),
            |c| c["sid"] = json!("s".repeat(256)),
            |c| {
                without("sub")(c);
                without("sid")(c);
            },
        ];
        for (index, change) in changes.into_iter().enumerate() {
            assert!(taken(None, change).is_err(), "change {index}");
        }
    }
}
