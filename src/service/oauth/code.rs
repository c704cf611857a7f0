//! Codes for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5). A code is good once: whatever else is wrong about its use, it is used
//! up by it, and a second use takes back what came of the first (OP-CODE-1, OP-CODE-3).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::super::tenant::Client;
use super::super::{App, audit};
use super::granted::Granted;
use super::mint::Tokens;
use super::parameters::Parameters;
use super::standing;
use super::token::{Asking, invalid_grant};
use crate::error::Result;
use crate::model::application::{Application, AuthMethod};
use crate::model::authorization::Authorization;
use crate::secret::{digest, same};
use crate::store::authorization::{self as stored, Code};

/// Lengths of a verifier (RFC 7636 §4.1).
const VERIFIER: std::ops::RangeInclusive<usize> = 43..=128;

pub(super) async fn redeem(asking: &Asking<'_>, client: &Client, form: &Parameters) -> Result<Tokens> {
    let Asking { app, tenant, .. } = *asking;
    let application = &client.application;
    let (redirect_uri, verifier) = (form.one("redirect_uri")?, form.one("code_verifier")?);
    let resource = form.one("resource")?;
    let id = digest(form.required("code")?);
    let mut conn = app.store.read().await?;
    let Some((code, authorization, session_ends)) = stored::get_code(&mut conn, &id).await? else {
        return Err(invalid_grant("there is no such code"));
    };
    if code.used_at.is_some() {
        drop(conn);
        return used_again(asking, &authorization).await;
    }
    let fits = judge(app, &code, &authorization, application, redirect_uri, verifier);
    let fits = fits.and_then(|()| match resource {
        Some(r) if r != application.id && !authorization.facts.audience.iter().any(|a| a == r) => {
            Err("another resource than was asked for")
        }
        _ => Ok(()),
    });
    if let Err(why) = fits {
        drop(conn);
        burn(app, &id).await?;
        return Err(invalid_grant(why));
    }
    let held = standing::of(app, &mut conn, tenant, &authorization, session_ends, false).await?;
    let held = match held {
        Ok(held) => held,
        Err(why) => {
            drop(conn);
            burn(app, &id).await?;
            return Err(invalid_grant(why));
        }
    };
    let scopes = authorization.facts.scopes.clone();
    let nonce = authorization.facts.nonce.as_deref();
    let of = (&authorization, application);
    let granted = Granted::make(asking, conn, of, &held, scopes, nonce).await?;
    // Statement by statement, the use of the code last: what was stored before it is nothing that anybody has heard of.
    let mut once = app.store.write_once().await?;
    granted.put(&mut once).await?;
    if !stored::use_code(&mut once, &id, app.now()).await? {
        drop(once);
        return used_again(asking, &authorization).await;
    }
    Ok(granted.tokens())
}

/// Whether a code is for this use of it.
fn judge(
    app: &App,
    code: &Code,
    authorization: &Authorization,
    application: &Application,
    redirect_uri: Option<&str>,
    verifier: Option<&str>,
) -> std::result::Result<(), &'static str> {
    if authorization.client_id != application.id {
        return Err("the code is another application's");
    }
    if code.expires_at <= app.now().0 {
        return Err("the code has ended");
    }
    if redirect_uri != Some(code.redirect_uri.as_str()) {
        return Err("another redirect URI");
    }
    let public = application.settings.auth_method == AuthMethod::None;
    match (&code.code_challenge, verifier) {
        (Some(challenge), Some(verifier)) if is_verifier(verifier) && same(challenge, &challenge_of(verifier)) => {
            Ok(())
        }
        (None, None) if !public => Ok(()),
        (Some(_), Some(_)) => Err("the verifier is wrong"),
        (Some(_), None) => Err("there is no verifier"),
        (None, Some(_)) => Err("a verifier without a challenge"),
        (None, None) => Err("an application without a secret needs PKCE"),
    }
}

fn is_verifier(text: &str) -> bool {
    VERIFIER.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

async fn burn(app: &App, id: &str) -> Result<()> {
    stored::use_code(&mut app.store.write_once().await?, id, app.now()).await.map(drop)
}

/// A code was used again: one of the two is not the application, so nothing that came of it holds any longer.
async fn used_again(asking: &Asking<'_>, authorization: &Authorization) -> Result<Tokens> {
    let app = asking.app;
    let mut tx = app.store.write().await?;
    if super::revoke(app, &mut tx, &authorization.id, "code_reused").await? {
        audit::write(&mut tx, &asking.failure("oauth.code.reused", authorization)).await?;
    }
    app.commit(tx).await?;
    Err(invalid_grant("the code was used before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636 appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge_of(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_verifier(verifier));
    }

    #[test]
    fn op_pkce_5_a_verifier_has_43_to_128_of_the_unreserved_characters() {
        assert!(!is_verifier(&"a".repeat(42)) && is_verifier(&"a".repeat(43)));
        assert!(is_verifier(&"a".repeat(128)) && !is_verifier(&"a".repeat(129)));
        assert!(!is_verifier(&format!("{}+", "a".repeat(43))));
    }
}
