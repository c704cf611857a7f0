//! The registry of platforms (sso-api §5): where configurations can be pushed, with what credential, and whether that works.
//!
//! A password is used once, to make a key there; only where the product makes no keys is it kept, sealed. No answer shows a
//! secret, but for that of a rotation, once.

mod check;
mod delete;
mod ready;
mod rotate;
mod session;
mod try_out;

use serde_json::{Value, json};

pub(in crate::service) use check::note;
pub use check::{check, run as run_check, schedule};
pub use delete::{delete, preview};
pub(in crate::service) use ready::Ready;
pub use rotate::rotate;
pub use session::open as open_session;
pub use try_out::{Attempted, Step, try_out};

use super::caller::Caller;
use super::{App, audit, jobs, secrets};
use crate::error::{Error, Result};
use crate::model::expected::Expected;
use crate::model::job::{Kind, NewJob};
use crate::model::list::{Portion, Window};
use crate::model::platform::body::{self, Asked, Body};
use crate::model::platform::{Credential, CredentialKind, Platform, Product, Status};
pub use crate::platform::Key;
use crate::platform::{Adapter, Problem, Trouble};
use crate::policy::Target;
use crate::secret::Secret;
use crate::store::{self, Conn};

const KIND: &str = "platform";

/// A platform with what is shown of its secrets: whether there are some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The platform.
    pub platform: Platform,
    /// It has a credential.
    pub has_secret: bool,
    /// Its SCIM server has a token.
    pub has_scim_token: bool,
}

pub(in crate::service) fn not_found(id: &str) -> Error {
    Error::not_found(format!("There is no platform {id}."))
}

/// What policy sees of a request about a platform.
fn seen(id: &str) -> Target {
    Target::new().and_path("uuid", id)
}

/// Where the secret of a platform's credential lies.
fn secret_id(id: &str) -> String {
    format!("platform/{id}/credential")
}

/// Where the token of its SCIM server lies.
fn scim_id(id: &str) -> String {
    format!("platform/{id}/scim")
}

/// Part of the platforms, in order of their making.
pub async fn list(app: &App, caller: &Caller, window: Window) -> Result<Portion<Shown>> {
    app.allow(caller, "sso:list_platforms", &Target::new()).await?;
    let mut conn = app.store.read().await?;
    let total = store::platform::count(&mut conn).await?;
    let page = store::platform::list(&mut conn, window).await?;
    let ids: Vec<String> = page.iter().flat_map(|p| [secret_id(&p.id), scim_id(&p.id)]).collect();
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let there = store::sealed_secret::existing(&mut conn, &asked).await?;
    let shown = |platform: Platform| Shown {
        has_secret: there.contains(&secret_id(&platform.id)),
        has_scim_token: there.contains(&scim_id(&platform.id)),
        platform,
    };
    Ok(Portion { items: page.into_iter().map(shown).collect(), total })
}

/// One platform.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<Shown> {
    app.allow(caller, "sso:get_platform", &seen(id)).await?;
    find(&mut app.store.read().await?, id).await
}

/// One platform by its id or its name.
pub async fn find_named(app: &App, caller: &Caller, name: &str) -> Result<Shown> {
    app.allow(caller, "sso:get_platform", &seen(name)).await?;
    let mut conn = app.store.read().await?;
    match store::platform::get(&mut conn, name).await? {
        Some(_) => find(&mut conn, name).await,
        None => {
            let id = store::platform::owner_of_name(&mut conn, name).await?.ok_or_else(|| not_found(name))?;
            find(&mut conn, &id).await
        }
    }
}

async fn find(conn: &mut Conn, id: &str) -> Result<Shown> {
    let platform = store::platform::get(conn, id).await?.ok_or_else(|| not_found(id))?;
    let (secret, scim) = (secret_id(id), scim_id(id));
    let there = store::sealed_secret::existing(conn, &[&secret, &scim]).await?;
    Ok(Shown { platform, has_secret: there.contains(&secret), has_scim_token: there.contains(&scim) })
}

/// Checks what can be checked without asking anybody.
fn admit(app: &App, it: &Platform) -> Result<()> {
    let named = |field: &str, e: Error| match e {
        Error::Invalid { message, .. } => Error::invalid_field(field, message),
        other => other,
    };
    let options = &it.options;
    let place = if options.endpoint.is_some() { "endpoint" } else { "hostIp" };
    app.egress.check_url(&it.base_url()).map_err(|e| named(place, e))?;
    if let Some(url) = &options.scim_endpoint {
        app.egress.check_url(url).map_err(|e| named("scimEndpoint", e))?;
    }
    for (field, url) in [("uiUrl", &options.ui_url), ("callbackUrl", &options.callback_url)] {
        // Browsers go there, not this service.
        let good = url.as_ref().is_none_or(|url| {
            url::Url::parse(url).is_ok_and(|u| {
                matches!(u.scheme(), "http" | "https")
                    && u.has_host()
                    && u.username().is_empty()
                    && u.password().is_none()
            })
        });
        if !good {
            return Err(Error::invalid_field(field, "must be an http or https URL"));
        }
    }
    app.egress.trusting(options.ca_certificate_pem.as_deref(), true).map(drop).map_err(|e| named("caCertificatePem", e))
}

/// What a body gives of a credential, with a key made for it if it gives a user. Asks the platform, so no transaction is open.
async fn credential(app: &App, it: &mut Platform, asked: &Body) -> Result<Option<Secret>> {
    if let Asked::Set(secret) = &asked.key_secret {
        it.credential = Some(CredentialKind::Key);
        if it.account.is_none() {
            if it.product().is_some_and(|p| matches!(p, Product::Webhook)) {
                it.account = Some("webhook".to_owned());
            } else if it.product().is_some() {
                return Err(Error::invalid_field("accessKeyId", "is needed with accessKeySecret"));
            }
        }
        it.account_name = it.account_name.take().or_else(|| it.account.clone());
        return Ok(Some(secret.clone()));
    }
    let (Some(user), Asked::Set(password)) = (&asked.username, &asked.password) else { return Ok(None) };
    let Some(product) = it.product() else { return Ok(None) };
    let name = format!("archstone-{}", it.id.get(..8).unwrap_or(&it.id));
    let ready = Ready::new(app, it.clone(), None)?;
    let made = Adapter::of(product).negotiate(&ready.site(app), user, password, &name).await;
    let (account, shown, kind, secret) = match made.map_err(told)? {
        Some(Key { id, secret, name }) => (id, name, CredentialKind::Key, secret),
        None => (user.clone(), user.clone(), CredentialKind::Password, password.clone()),
    };
    (it.account, it.account_name, it.credential) = (Some(account), Some(shown), Some(kind));
    Ok(Some(secret))
}

/// What a problem at a platform means for whoever has asked for something there.
pub(in crate::service) fn told(problem: Problem) -> Error {
    match problem.kind {
        Trouble::Unreachable | Trouble::Failed => Error::bad_upstream(problem.message),
        Trouble::Credential => Error::invalid_field("password", problem.message),
        Trouble::Refused | Trouble::Unsupported => Error::conflict(problem.message),
    }
}

/// Registers a platform. It need not answer, unless a password has to become a key.
pub async fn create(app: &App, caller: &Caller, value: &Value) -> Result<Shown> {
    let done = make(app, caller, value).await;
    audit::refused(app, caller, "platform.create", (KIND, ""), done).await
}

async fn make(app: &App, caller: &Caller, value: &Value) -> Result<Shown> {
    app.allow(caller, "sso:create_platform", &Target::new().and_body(value)).await?;
    let asked = Body::parse(value)?;
    let mut it = asked.create(app.random.hex_id(), app.now())?;
    admit(app, &it)?;
    check_name(&mut app.store.read().await?, &it).await?;
    let secret = credential(app, &mut it, &asked).await?;
    needs(&it, secret.is_some())?;
    let mut tx = app.store.write().await?;
    check_name(&mut tx, &it).await?;
    store::platform::insert(&mut tx, &it, Some(app.now())).await?;
    if let Some(secret) = &secret {
        secrets::put(app, &mut tx, &secret_id(&it.id), secret).await?;
    }
    if let Asked::Set(token) = &asked.scim_token {
        secrets::put(app, &mut tx, &scim_id(&it.id), token).await?;
    }
    enqueue_check(app, &mut tx, &it.id).await?;
    audit::changed(app, &mut tx, caller, "platform.create", (KIND, &it.id), None, &named(value)).await?;
    let made = find(&mut tx, &it.id).await?;
    app.commit(tx).await?;
    Ok(made)
}

/// 400 for a product that is known and has no credential to speak to it with.
fn needs(it: &Platform, has_secret: bool) -> Result<()> {
    match it.product() {
        Some(Product::Keystone | Product::ZStack | Product::ZSphere) if !has_secret => Err(Error::invalid_field(
            "accessKeyId",
            "is needed with accessKeySecret; or else username and password, of which a key is made",
        )),
        Some(Product::Webhook) if !has_secret => {
            Err(Error::invalid_field("accessKeySecret", "is needed: messages are signed by it"))
        }
        Some(Product::Scim) if it.options.scim_endpoint.is_none() => {
            Err(Error::invalid_field("scimEndpoint", "is needed"))
        }
        _ => Ok(()),
    }
}

async fn check_name(conn: &mut Conn, it: &Platform) -> Result<()> {
    match store::platform::owner_of_name(conn, &it.name).await? {
        Some(other) if other != it.id => {
            Err(Error::conflict(format!("There is a platform named {} already.", it.name)))
        }
        _ => Ok(()),
    }
}

/// The names of the members that a body sets, for the audit trail.
fn named(body: &Value) -> String {
    body.as_object().map(|m| m.keys().map(String::as_str).collect::<Vec<_>>().join(",")).unwrap_or_default()
}

/// Says whether a body could be registered. Nothing is stored, and nobody asked.
pub async fn validate(app: &App, caller: &Caller, value: &Value) -> Result<()> {
    app.allow(caller, "sso:create_platform", &Target::new().and_body(value)).await?;
    let asked = Body::parse(value)?;
    let it = asked.create(app.random.hex_id(), app.now())?;
    admit(app, &it)?;
    check_name(&mut app.store.read().await?, &it).await?;
    let by_password = asked.username.is_some() && matches!(asked.password, Asked::Set(_));
    needs(&it, by_password || matches!(asked.key_secret, Asked::Set(_)))
}

/// Changes a platform.
pub async fn update(app: &App, caller: &Caller, id: &str, expected: &Expected, value: &Value) -> Result<Shown> {
    let done = change(app, caller, id, expected, value).await;
    audit::refused(app, caller, "platform.update", (KIND, id), done).await
}

async fn change(app: &App, caller: &Caller, id: &str, expected: &Expected, value: &Value) -> Result<Shown> {
    app.allow(caller, "sso:update_platform", &seen(id).and_body(value)).await?;
    let asked = Body::parse(value)?;
    let Shown { platform: stored, has_secret, has_scim_token } = find(&mut app.store.read().await?, id).await?;
    expected.check("platform", stored.version)?;
    let mut next = asked.update(&stored, app.now())?;
    admit(app, &next)?;
    let secret = credential(app, &mut next, &asked).await?;
    let kept = has_secret && secret.is_none() && asked.key_secret != Asked::Clear;
    if kept && body::moves(&stored, &next) {
        return Err(Error::invalid_field(
            "accessKeySecret",
            "must be given again: the address changes that it is sent to",
        ));
    }
    let kept_token = has_scim_token && asked.scim_token == Asked::Keep;
    if kept_token && body::moves_scim(&stored, &next) {
        return Err(Error::invalid_field("scimToken", "must be given again: the address changes that it is sent to"));
    }
    needs(&next, secret.is_some() || kept)?;
    let changed =
        next != stored || secret.is_some() || asked.key_secret == Asked::Clear || asked.scim_token != Asked::Keep;
    if !changed {
        return find(&mut app.store.read().await?, id).await;
    }
    (next.version, next.updated_at) = (stored.version + 1, app.now());
    (next.status, next.last_error) = (Status::Connecting, None);
    let mut tx = app.store.write().await?;
    check_name(&mut tx, &next).await?;
    if !store::platform::update(&mut tx, &next, Some(app.now())).await? {
        return Err(Error::conflict("The platform was changed by somebody else meanwhile; read it again."));
    }
    match (&secret, &asked.key_secret) {
        (Some(secret), _) => secrets::put(app, &mut tx, &secret_id(id), secret).await?,
        (None, Asked::Clear) => drop(store::sealed_secret::delete(&mut tx, &secret_id(id)).await?),
        _ => {}
    }
    match &asked.scim_token {
        Asked::Set(token) => secrets::put(app, &mut tx, &scim_id(id), token).await?,
        Asked::Clear => drop(store::sealed_secret::delete(&mut tx, &scim_id(id)).await?),
        Asked::Keep => {}
    }
    if next.options != stored.options || body::moves(&stored, &next) {
        store::federation::drift_of_platform(&mut tx, id, app.now()).await?;
    }
    enqueue_check(app, &mut tx, id).await?;
    audit::changed(app, &mut tx, caller, "platform.update", (KIND, id), None, &named(value)).await?;
    let made = find(&mut tx, id).await?;
    app.commit(tx).await?;
    Ok(made)
}

async fn enqueue_check(app: &App, tx: &mut Conn, id: &str) -> Result<()> {
    let new = NewJob { kind: Kind::CheckPlatform, subject: id.to_owned(), payload: json!({}), run_at: app.now() };
    jobs::enqueue(app, tx, &new).await.map(drop)
}

/// A platform's credential, opened.
async fn open(app: &App, conn: &mut Conn, it: &Platform) -> Result<Option<Credential>> {
    if it.product() == Some(Product::Scim) {
        let token = secrets::get(app, conn, &scim_id(&it.id)).await?;
        return Ok(token.map(|secret| Credential { account: String::new(), kind: CredentialKind::Key, secret }));
    }
    let Some(secret) = secrets::get(app, conn, &secret_id(&it.id)).await? else { return Ok(None) };
    let kind = it.credential.unwrap_or(CredentialKind::Key);
    Ok(Some(Credential { account: it.account.clone().unwrap_or_default(), kind, secret }))
}

/// The token of a platform's SCIM server, opened.
pub(in crate::service) async fn scim_token(app: &App, conn: &mut Conn, id: &str) -> Result<Option<Secret>> {
    secrets::get(app, conn, &scim_id(id)).await
}
