//! What an application may ask for: scopes (RFC 6749 §3.3) and whom its tokens are for (RFC 8707).

use super::super::App;
use crate::error::{Code, Error, Result};
use crate::model::application::Application;
use crate::model::token::Scope;

/// Most scopes of one request.
const MAX_SCOPES: usize = 50;

/// Opens the Keystone and SSO faces with the user's default project, or without a scope.
const OPENSTACK: &str = "openstack";

/// Scopes that speak of a person.
const OF_A_PERSON: [&str; 6] = super::claims::SCOPES;

/// Whether an application may ask for a scope.
pub fn permits(application: &Application, scope: &str) -> bool {
    let settings = &application.settings;
    settings.allowed_scopes.iter().any(|s| s == scope) || (settings.service_audience && is_openstack(scope))
}

/// Whether a scope says what a token is good for on the Keystone face.
fn is_openstack(scope: &str) -> bool {
    scope == OPENSTACK || keystone_scope(scope).is_some()
}

/// `openstack:project:<id>` or `openstack:domain:<id>`.
fn keystone_scope(scope: &str) -> Option<Scope> {
    let (kind, id) = scope.strip_prefix("openstack:")?.split_once(':')?;
    let fine = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match kind {
        "project" if fine => Some(Scope::Project(id.to_owned())),
        "domain" if fine => Some(Scope::Domain(id.to_owned())),
        _ => None,
    }
}

/// What a token of these scopes is good for on the Keystone face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keystone {
    /// The user's default project, if they can use it.
    Default,
    /// This.
    Named(Scope),
}

/// The same of several scopes; `None` if they name more than one thing.
pub(super) fn keystone(scopes: &[String]) -> Option<Keystone> {
    let mut named = scopes.iter().filter_map(|s| keystone_scope(s));
    match (named.next(), named.next()) {
        (Some(scope), None) => Some(Keystone::Named(scope)),
        (Some(_), Some(_)) => None,
        (None, _) if scopes.iter().any(|s| s == OPENSTACK) => Some(Keystone::Default),
        (None, _) => Some(Keystone::Named(Scope::Unscoped)),
    }
}

/// The scopes of a `scope` parameter, each once, in order.
///
/// # Errors
/// `invalid_scope` for what can be none.
pub fn parse(text: &str) -> Result<Vec<String>> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|s| !s.is_empty()) {
        let fine = scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !fine || scopes.len() == MAX_SCOPES {
            return Err(Error::refused(Code::InvalidScope, "scope: this cannot be a list of scopes"));
        }
        if !scopes.iter().any(|s| s == scope) {
            scopes.push(scope.to_owned());
        }
    }
    Ok(scopes)
}

/// What an application gets of what it asks for on its own: its default scopes if nothing, and nothing that it may not have.
///
/// # Errors
/// `invalid_scope`.
pub fn requested(application: &Application, scope: Option<&str>) -> Result<Vec<String>> {
    let Some(scope) = scope else { return Ok(application.settings.default_scopes.clone()) };
    let scopes = parse(scope)?;
    within(&scopes, |s| permits(application, s))?;
    Ok(scopes)
}

/// The same for an application that acts for itself: all that it may have if nothing, but for what speaks of a person.
///
/// # Errors
/// `invalid_scope`.
pub(super) fn for_itself(application: &Application, scope: Option<&str>) -> Result<Vec<String>> {
    let allowed: Vec<String> =
        application.settings.allowed_scopes.iter().filter(|s| !OF_A_PERSON.contains(&s.as_str())).cloned().collect();
    let Some(scope) = scope else { return Ok(allowed) };
    let scopes = parse(scope)?;
    within(&scopes, |s| allowed.iter().any(|a| a == s))?;
    Ok(scopes)
}

/// What is left of `held` if a request names less; naming more is an error.
///
/// # Errors
/// `invalid_scope`.
pub(super) fn narrowed(held: &[String], scope: Option<&str>) -> Result<Vec<String>> {
    let Some(scope) = scope else { return Ok(held.to_vec()) };
    let scopes = parse(scope)?;
    within(&scopes, |s| held.iter().any(|h| h == s))?;
    Ok(scopes)
}

fn within(scopes: &[String], allowed: impl Fn(&str) -> bool) -> Result<()> {
    match scopes.iter().find(|s| !allowed(s)) {
        Some(scope) => {
            Err(Error::refused(Code::InvalidScope, format!("the application may not have the scope {scope:.100}")))
        }
        None => Ok(()),
    }
}

/// The audience by which an access token opens the Keystone and SSO faces.
pub fn service_audience(app: &App) -> String {
    format!("{}/v3", app.public_url)
}

/// Whom a token is for beside the application itself, by the `resource` that was asked for.
///
/// # Errors
/// `invalid_target` for what the application may not ask for.
pub fn audience(app: &App, application: &Application, resource: Option<&str>) -> Result<Vec<String>> {
    let Some(resource) = resource else { return Ok(Vec::new()) };
    let settings = &application.settings;
    let own = settings.service_audience && resource == service_audience(app);
    if own || settings.audiences.iter().any(|a| a == resource) {
        return Ok(vec![resource.to_owned()]);
    }
    Err(Error::refused(Code::InvalidTarget, "resource: the application may not ask for tokens for that"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn scopes(text: &str) -> Vec<String> {
        parse(text).unwrap()
    }

    #[test]
    fn scopes_stand_once_in_order_and_hold_what_the_standard_lets_them() {
        assert_eq!(scopes(" openid  email openid "), ["openid", "email"]);
        assert!(scopes("").is_empty());
        for wrong in ["a\"b", "a\\b", "ü", "a\tb", "a\nb"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(&(0..=MAX_SCOPES).map(|n| format!("s{n} ")).collect::<String>()).is_err());
    }

    #[test]
    fn op_rt_3_a_scope_may_shrink_and_never_grow() {
        let held = scopes("openid email");
        assert_eq!(narrowed(&held, None).unwrap(), held);
        assert_eq!(narrowed(&held, Some("email")).unwrap(), ["email"]);
        assert!(narrowed(&held, Some("email groups")).is_err());
    }

    #[test]
    fn a_keystone_scope_is_one_thing() {
        let of = |text: &str| keystone(&scopes(text));
        assert_eq!(of("openid"), Some(Keystone::Named(Scope::Unscoped)));
        assert_eq!(of("openid openstack"), Some(Keystone::Default));
        assert_eq!(of("openstack openstack:project:p1"), Some(Keystone::Named(Scope::Project("p1".into()))));
        assert_eq!(of("openstack:domain:d1"), Some(Keystone::Named(Scope::Domain("d1".into()))));
        assert_eq!(of("openstack:domain:d1 openstack:project:p1"), None);
        assert!(
            !is_openstack("openstack:system:all") && !is_openstack("openstack:project:") && !is_openstack("openstackx")
        );
    }
}
