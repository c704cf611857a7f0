//! Taking a configuration away from a platform (sso-api §4.11): first what was asked for users and groups, then the client, and
//! only then is forgotten that there was one. What is gone there is taken back.

use tokio::time::timeout;

use super::push::{LIMIT, begin, reached, tell};
use super::{Wish, enqueue, wait};
use crate::error::{Error, Result};
use crate::model::federation::{Deprovision, Federation, Health, Status, Wanted};
use crate::model::plan::remote_id;
use crate::model::provisioning::Mode;
use crate::model::sso_config::ProviderType;
use crate::platform::{Adapter, Problem, Remote, Trouble};
use crate::service::caller::Caller;
use crate::service::platform::Ready;
use crate::service::{App, audit, provisioning};
use crate::store;

/// What a job does of it.
pub(super) async fn take_back(app: &App, federation: Federation) -> Result<()> {
    let mut conn = app.store.read().await?;
    let Some(record) = store::platform::get(&mut conn, &federation.platform_id).await? else { return Ok(()) };
    let config = store::sso_config::get(&mut conn, &federation.config_id).await?;
    let ready = Ready::of(app, &mut conn, record).await?;
    drop(conn);
    let mode = match federation.deprovision {
        Deprovision::None => None,
        Deprovision::Deactivate => Some(Mode::Deactivate),
        Deprovision::Delete => Some(Mode::Delete),
    };
    if let Some(mode) = mode.filter(|_| ready.record.options.scim_endpoint.is_some())
        && let Err(why) = provisioning::take_back(app, &federation, &ready, mode).await?
    {
        return end(app, &federation, &ready, Err(Problem::new(Trouble::Failed, why))).await;
    }
    let kind = config.and_then(|c| c.provider_type()).unwrap_or(ProviderType::Oidc);
    let remote = Remote {
        remote_id: remote_id(&federation.config_id, &federation.platform_id),
        client_id: federation.client_id.clone(),
        protocol: kind.protocol().to_owned(),
    };
    let ended = match ready.record.product() {
        Some(product) if federation.is_there() => {
            let attempt = begin(app, &federation).await?;
            match timeout(LIMIT, Adapter::of(product).remove(&ready.site(app), &remote, &attempt)).await {
                Ok(ended) => ended,
                Err(_) => Err(Problem::new(Trouble::Unreachable, "the platform did not answer in time")),
            }
        }
        _ => Ok(()),
    };
    end(app, &federation, &ready, ended).await
}

async fn end(app: &App, federation: &Federation, ready: &Ready, ended: std::result::Result<(), Problem>) -> Result<()> {
    let mut tx = app.store.write().await?;
    let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else { return Ok(()) };
    tell(app, &mut tx, &held, "sso_configuration.taken_back", ended.as_ref().err()).await?;
    reached(app, &mut tx, ready, ended.as_ref().err()).await?;
    let again = held.asked != federation.asked;
    match &ended {
        Ok(()) if !again => {
            store::federation::delete(&mut tx, &held.id).await?;
        }
        Ok(()) => {
            (held.client_id, held.callback_url, held.digest, held.attempt) = (None, None, None, None);
            (held.error, held.run_id, held.served) = (None, None, federation.asked);
            store::federation::update(&mut tx, &held).await?;
        }
        Err(problem) => {
            held.error = Some(problem.message.clone());
            held.served = held.served.max(federation.asked);
            (held.health, held.updated_at) = (Health::Unhealthy, app.now());
            if !again {
                held.status = Status::Unfederating;
            }
            store::federation::update(&mut tx, &held).await?;
        }
    }
    app.commit(tx).await?;
    match ended {
        Err(problem) if problem.may_pass() => Err(Error::bad_upstream(problem.message)),
        _ => Ok(()),
    }
}

/// Takes all of these back and waits for it: 502 with what each platform said, if one of them fails.
pub(in crate::service) async fn take_all_back(
    app: &App,
    caller: &Caller,
    federations: &[Federation],
    deprovision: Deprovision,
) -> Result<()> {
    let deadline = wait::deadline(app);
    let mut wishes = Vec::new();
    let mut items = Vec::new();
    for federation in federations {
        let mut tx = app.store.write().await?;
        let Some(mut held) = store::federation::hold(&mut tx, &federation.id).await? else { continue };
        let wish = wish_back(app, &mut tx, &mut held, deprovision).await?;
        let detail = format!("platform={}", held.platform_id);
        let target = (super::KIND, held.config_id.as_str());
        audit::changed(app, &mut tx, caller, "sso_configuration.unfederate", target, None, &detail).await?;
        app.commit(tx).await?;
        wishes.push((items.len(), wish));
        items.push(super::Item { platform_id: held.platform_id, ..super::Item::default() });
    }
    wait::until_served(app, deadline, &wishes, &mut items).await?;
    let failed: Vec<String> =
        items.iter().filter_map(|i| Some(format!("{}: {}", i.platform_id, i.error.as_ref()?))).collect();
    match failed.is_empty() {
        true => Ok(()),
        false => {
            Err(Error::bad_upstream(format!("Not every platform could be reached or took it: {}", failed.join("; "))))
        }
    }
}

async fn wish_back(app: &App, tx: &mut store::Conn, held: &mut Federation, deprovision: Deprovision) -> Result<Wish> {
    (held.wanted, held.deprovision, held.status) = (Wanted::Absent, deprovision, Status::Unfederating);
    held.asked += 1;
    held.updated_at = app.now();
    store::federation::update(tx, held).await?;
    enqueue(app, tx, &held.id, serde_json::json!({})).await?;
    Ok(Wish { id: held.id.clone(), number: held.asked, scim_only: true })
}

/// Has those of a configuration taken back, in the transaction that makes it necessary; how many there are.
pub(in crate::service) async fn take_back_of(app: &App, tx: &mut store::Conn, config_id: &str) -> Result<usize> {
    let all = store::federation::of_config(tx, config_id).await?;
    for federation in &all {
        if let Some(mut held) = store::federation::hold(tx, &federation.id).await?
            && held.wanted == Wanted::Present
        {
            wish_back(app, tx, &mut held, Deprovision::None).await?;
        }
    }
    Ok(all.len())
}
