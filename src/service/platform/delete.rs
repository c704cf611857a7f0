//! Deleting a platform, and saying beforehand what that would do (sso-api §4.5, §6.6): what hangs on it are configurations that
//! were pushed there.

use super::{KIND, Ready, find, not_found, scim_id, secret_id, seen};
use crate::error::{Error, Result};
use crate::model::federation::{Deprovision, Federation};
use crate::model::platform::CredentialKind;
use crate::model::sso_config::deletion::{Finalizer, Options, Preview, Propagation, Resource};
use crate::platform::Adapter;
use crate::service::caller::Caller;
use crate::service::{App, audit, federate};
use crate::store::{self, Conn};

/// What a deletion would do. Nothing is changed.
pub async fn preview(app: &App, caller: &Caller, id: &str, options: Options) -> Result<Preview> {
    app.allow(caller, "sso:preview_delete_platform", &seen(id)).await?;
    let mut conn = app.store.read().await?;
    let stored = find(&mut conn, id).await?.platform;
    let federations = store::federation::of_platform(&mut conn, id).await?;
    let resources = named(&mut conn, &federations).await?;
    let mut finalizers = Vec::new();
    if matches!(options.propagation, Propagation::Foreground | Propagation::Background) {
        for federation in &federations {
            finalizers.push(Finalizer::new(
                format!("unfederate:{}", federation.config_id),
                "Takes the configuration away there.",
            ));
        }
    }
    if options.revoke_remote_credentials && stored.credential == Some(CredentialKind::Key) {
        finalizers.push(Finalizer::new(
            format!("revoke-key:{id}"),
            "Takes the access key away that this service uses there.",
        ));
    }
    Ok(match options.propagation {
        Propagation::Orphan => Preview { orphans: resources, finalizers, ..Preview::default() },
        Propagation::Restrict if !options.force => Preview { blockers: resources, finalizers, ..Preview::default() },
        _ => Preview { cascade: resources, finalizers, ..Preview::default() },
    })
}

async fn named(conn: &mut Conn, federations: &[Federation]) -> Result<Vec<Resource>> {
    let mut named = Vec::new();
    for federation in federations {
        let config = store::sso_config::get(conn, &federation.config_id).await?;
        let name = config.map_or_else(|| federation.config_id.clone(), |c| c.display_name().to_owned());
        named.push(Resource { kind: "sso_configuration", id: federation.config_id.clone(), name });
    }
    Ok(named)
}

/// Deletes a platform. Unless they are to stay there, configurations are taken back first; if that fails, it stays.
pub async fn delete(app: &App, caller: &Caller, id: &str, options: Options) -> Result<()> {
    let done = remove(app, caller, id, options).await;
    audit::refused(app, caller, "platform.delete", (KIND, id), done).await
}

async fn remove(app: &App, caller: &Caller, id: &str, options: Options) -> Result<()> {
    app.allow(caller, "sso:delete_platform", &seen(id)).await?;
    if options.force {
        app.allow(caller, "sso:force_delete_platform", &seen(id)).await?;
    }
    let mut conn = app.store.read().await?;
    let stored = find(&mut conn, id).await?.platform;
    let federations = store::federation::of_platform(&mut conn, id).await?;
    let ready = Ready::of(app, &mut conn, stored).await?;
    drop(conn);
    let keeps = options.propagation == Propagation::Orphan || options.force;
    if !federations.is_empty() && !keeps {
        if options.propagation == Propagation::Restrict {
            return Err(Error::conflict(format!(
                "{} configurations are federated to this platform. Choose another propagationPolicy (Foreground, Orphan) or unfederate them first; previewDelete names them.",
                federations.len()
            )));
        }
        federate::take_all_back(app, caller, &federations, Deprovision::None).await?;
    }
    if options.revoke_remote_credentials
        && ready.record.credential == Some(CredentialKind::Key)
        && let (Some(product), Some(key)) = (ready.record.product(), &ready.record.account)
    {
        let revoked = Adapter::of(product).revoke(&ready.site(app), key).await;
        if let Err(problem) = revoked
            && !options.force
        {
            return Err(super::told(problem));
        }
    }
    let mut tx = app.store.write().await?;
    if !store::platform::lock(&mut tx, id).await? {
        return Err(not_found(id));
    }
    if keeps {
        store::federation::delete_of_platform(&mut tx, id).await?;
    } else if !store::federation::of_platform(&mut tx, id).await?.is_empty() {
        return Err(Error::conflict("A configuration was federated to this platform meanwhile."));
    }
    store::platform::delete(&mut tx, id).await?;
    for secret in [secret_id(id), scim_id(id)] {
        store::sealed_secret::delete(&mut tx, &secret).await?;
    }
    let detail = format!("policy={} force={}", options.propagation.as_str(), options.force);
    audit::changed(app, &mut tx, caller, "platform.delete", (KIND, id), None, &detail).await?;
    app.commit(tx).await
}
