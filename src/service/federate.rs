//! Federating a configuration: having it be on platforms as it is here (sso-api §4.8–4.11, §6.4–6.6).
//!
//! What somebody wishes is written down before any platform is asked, and seen to by a job: one at a time for each pair of
//! configuration and platform, on whichever node, again if it was stopped. A call waits for what it has asked for and no longer;
//! what does not finish goes on. A platform that fails is an item of the answer and never a failed call.

mod asked;
mod check;
mod drift;
mod plan;
mod progress;
mod push;
mod take_back;
mod wait;

use serde_json::{Value, json};

pub use asked::Asked;
pub use check::{run as run_check, schedule};
pub(in crate::service) use drift::{configuration_changed, people_changed};
pub use progress::{Progress, UNFINISHED, progress};
pub(in crate::service) use push::give_up;
pub use push::run;
pub(in crate::service) use take_back::{take_all_back, take_back_of};

use super::caller::Caller;
use super::sso_config::{self, seen_configuration};
use super::{App, audit, jobs};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::federation::{Deprovision, Federation, Listed, Status, Wanted};
use crate::model::job::{Kind, NewJob};
use crate::model::list::{Portion, Window};
use crate::model::platform::{Platform, Product};
use crate::model::sso_config::Whole;
use crate::policy::Target;
use crate::store::{self, Conn};

const KIND: &str = "sso_configuration";

/// What came of one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// The platform.
    pub platform_id: String,
    /// Its product, if there is such a platform.
    pub product_type: Option<String>,
    /// What the platform calls it.
    pub client_id: Option<String>,
    /// The redirect URI that has to be registered at the identity provider.
    pub callback_url: Option<String>,
    /// Why it did not work.
    pub error: Option<String>,
    /// Why users are not all there.
    pub user_error: Option<String>,
    /// Why groups are not all there.
    pub group_error: Option<String>,
}

/// Pushes a configuration to platforms.
pub async fn federate(app: &App, caller: &Caller, config_id: &str, body: &Value) -> Result<Vec<Item>> {
    let deadline = wait::deadline(app);
    begin(app, caller, config_id, body, Wanted::Present).await?.until_served(app, deadline).await
}

/// Takes a configuration away from platforms.
pub async fn unfederate(app: &App, caller: &Caller, config_id: &str, body: &Value) -> Result<Vec<Item>> {
    let deadline = wait::deadline(app);
    begin(app, caller, config_id, body, Wanted::Absent).await?.until_served(app, deadline).await
}

/// What a call has begun and not waited for.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The platforms, with what is known at once.
    items: Vec<Item>,
    /// Those that somebody sees to.
    wishes: Vec<(usize, Wish)>,
}

impl Begun {
    async fn until_served(mut self, app: &App, deadline: Timestamp) -> Result<Vec<Item>> {
        wait::until_served(app, deadline, &self.wishes, &mut self.items).await?;
        Ok(self.items)
    }
}

/// Begins the one or the other, and waits for nothing; see [`progress`].
pub async fn begin(app: &App, caller: &Caller, config_id: &str, body: &Value, wanted: Wanted) -> Result<Begun> {
    let done = write_down(app, caller, config_id, body, wanted).await;
    audit::refused(app, caller, action(wanted), (KIND, config_id), done).await
}

fn action(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Present => "sso_configuration.federate",
        Wanted::Absent => "sso_configuration.unfederate",
    }
}

async fn write_down(app: &App, caller: &Caller, config_id: &str, body: &Value, wanted: Wanted) -> Result<Begun> {
    let rule = match wanted {
        Wanted::Present => "sso:federate_configuration",
        Wanted::Absent => "sso:unfederate_configuration",
    };
    app.allow(caller, rule, &seen_configuration(config_id).and_body(body)).await?;
    let asked = Asked::parse(body, wanted)?;
    let mut conn = app.store.read().await?;
    let config = sso_config::find(&mut conn, config_id).await?;
    if wanted == Wanted::Present {
        check_pushable(&config)?;
    }
    let ids: Vec<&str> = asked.platform_ids.iter().map(String::as_str).collect();
    let platforms = store::platform::get_all(&mut conn, &ids).await?;
    drop(conn);
    let mut items = Vec::with_capacity(ids.len());
    let mut wishes = Vec::new();
    for id in &asked.platform_ids {
        let Some(platform) = platforms.iter().find(|p| p.id == *id) else {
            items.push(Item {
                platform_id: id.clone(),
                error: Some("platform not found".to_owned()),
                ..Item::default()
            });
            continue;
        };
        let mut item =
            Item { platform_id: id.clone(), product_type: Some(platform.product_type.clone()), ..Item::default() };
        if platform.product().is_none() {
            let product = &platform.product_type;
            item.error = Some(format!("product type {product} does not support SSO federation"));
        } else if let Some(wish) = wish(app, caller, &config, platform, &asked, wanted).await? {
            wishes.push((items.len(), wish));
        }
        items.push(item);
    }
    Ok(Begun { items, wishes })
}

/// 409 for a configuration that cannot be pushed anywhere.
fn check_pushable(config: &Whole) -> Result<()> {
    if config.config.resume_enabled.is_some() {
        return Err(Error::conflict("The configuration is being deleted."));
    }
    if !config.enabled {
        return Err(Error::conflict("The configuration is disabled; enable it before it is federated."));
    }
    if config.settings.is_none() {
        return Err(Error::conflict(
            "This configuration has no connection yet: give it oidcConfig, samlConfig or ldapConfig.",
        ));
    }
    Ok(())
}

/// A wish that has been written down.
#[derive(Debug, Clone)]
pub(in crate::service) struct Wish {
    /// The federation.
    pub id: String,
    /// Which of its wishes this is.
    pub number: i64,
    /// The platform speaks SCIM alone.
    pub scim_only: bool,
}

/// Writes down what is wished for, and queues who sees to it. `None` where there is nothing to be taken away.
async fn wish(
    app: &App,
    caller: &Caller,
    config: &Whole,
    platform: &Platform,
    asked: &Asked,
    wanted: Wanted,
) -> Result<Option<Wish>> {
    let (now, config_id) = (app.now(), config.config.id.as_str());
    let mut tx = app.store.write().await?;
    let found = match wanted {
        Wanted::Present => {
            let new = Federation::new(app.random.hex_id(), config_id, &platform.id, now);
            Some(store::federation::ensure(&mut tx, &new).await?)
        }
        Wanted::Absent => store::federation::of_pair(&mut tx, config_id, &platform.id).await?,
    };
    let detail = format!("platform={}", platform.id);
    audit::changed(app, &mut tx, caller, action(wanted), (KIND, config_id), None, &detail).await?;
    let held = match found {
        Some(found) => store::federation::hold(&mut tx, &found.id).await?,
        None => None,
    };
    let Some(mut federation) = held else {
        app.commit(tx).await?;
        return Ok(None);
    };
    federation.wanted = wanted;
    federation.deprovision = if wanted == Wanted::Absent { asked.deprovision } else { Deprovision::None };
    federation.status = if wanted == Wanted::Absent { Status::Unfederating } else { Status::Pending };
    federation.asked += 1;
    federation.updated_at = now;
    store::federation::update(&mut tx, &federation).await?;
    let payload = json!({"unlimited": asked.unlimited});
    enqueue(app, &mut tx, &federation.id, payload).await?;
    app.commit(tx).await?;
    let scim_only = platform.product() == Some(Product::Scim);
    Ok(Some(Wish { id: federation.id, number: federation.asked, scim_only }))
}

async fn enqueue(app: &App, tx: &mut Conn, id: &str, payload: Value) -> Result<()> {
    let new = NewJob { kind: Kind::Federate, subject: id.to_owned(), payload, run_at: app.now() };
    jobs::enqueue(app, tx, &new).await.map(drop)
}

/// Part of the platforms with what is federated to them.
pub async fn list(
    app: &App,
    caller: &Caller,
    platform_id: Option<&str>,
    config_id: Option<&str>,
    window: Window,
) -> Result<Portion<Listed>> {
    app.allow(caller, "sso:list_federations", &Target::new()).await?;
    store::federation::list(&mut app.store.read().await?, platform_id, config_id, window).await
}
