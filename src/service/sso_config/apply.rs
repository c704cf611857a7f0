//! Configurations that are kept in files: what is there is made to be what a file says, all of it, and nothing is done where
//! it is that already.
//!
//! What a file says of a secret is compared with the stored one here, and never told.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

use super::create::Body;
use super::{Expected, KIND, create, find, first_test, not_found, retest, seen, update};
use crate::error::{Error, Result};
use crate::model::sso_config::create::Create;
use crate::model::sso_config::{ProviderType, Source, Whole, block, issuer_of};
use crate::service::caller::Caller;
use crate::service::{App, audit, secrets};
use crate::store;

/// What applying one entry of a file would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The configuration that it is about; none if it has to be made.
    pub id: Option<String>,
    /// What people call it.
    pub name: String,
    /// Members that would change, in order of their names. None for one that is to be made means nothing: it is all new.
    pub changes: Vec<Change>,
    /// The SSO face manages it now.
    pub adopts: bool,
}

impl Plan {
    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        self.id.is_some() && self.changes.is_empty() && !self.adopts
    }
}

/// A member that would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// What it is.
    pub before: Option<String>,
    /// What it would be.
    pub after: Option<String>,
}

/// What applying an entry would do; `uuid` names the configuration where its issuer does not.
pub async fn plan(app: &App, caller: &Caller, body: Body<'_>, uuid: Option<&str>, adopt: bool) -> Result<Plan> {
    app.allow(caller, "sso:create_configuration", &super::Target::new()).await?;
    let wanted = Create::parse(body.value, body.order)?;
    let Some(stored) = existing(app, &wanted, uuid).await? else {
        return Ok(Plan { id: None, name: wanted.display_name.clone(), changes: Vec::new(), adopts: false });
    };
    let adopts = match stored.config.source {
        Source::Import => false,
        Source::Manual if adopt => true,
        Source::Manual => {
            return Err(Error::conflict(format!(
                "The configuration {} is managed by the SSO face; adopt it with --adopt.",
                stored.config.id
            )));
        }
        Source::Federation => {
            return Err(Error::conflict(format!("{} is managed by the Keystone face.", stored.config.id)));
        }
    };
    if stored.provider_type() != Some(wanted.kind()) {
        return Err(Error::invalid_field("providerType", "cannot be changed"));
    }
    let (before, after) = (document_of(&stored), document(&wanted));
    let mut changes: Vec<Change> = Vec::new();
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for path in paths {
        if before.get(path) != after.get(path) {
            changes.push(Change {
                path: path.clone(),
                before: before.get(path).cloned(),
                after: after.get(path).cloned(),
            });
        }
    }
    if !same_secret(app, &stored, &wanted).await? {
        let told = |is: bool| is.then(|| "(secret)".to_owned());
        changes.push(Change {
            path: block::secret_path(wanted.kind()),
            before: told(stored.has_secret),
            after: told(wanted.secret.is_some()).map(|_| "(another secret)".to_owned()),
        });
    }
    Ok(Plan { id: Some(stored.config.id.clone()), name: wanted.display_name, changes, adopts })
}

/// The configuration that an entry is about.
async fn existing(app: &App, wanted: &Create, uuid: Option<&str>) -> Result<Option<Whole>> {
    let mut conn = app.store.read().await?;
    let id = match (uuid, issuer_of(&wanted.settings)) {
        (Some(uuid), _) => Some(uuid.to_owned()),
        (None, Some(issuer)) => store::sso_config::owner_of_issuer(&mut conn, &issuer).await?,
        (None, None) => {
            return Err(Error::invalid_field(
                "samlConfig.idpEntityId",
                "is needed in a file, or the configuration's uuid, to find it again",
            ));
        }
    };
    match id {
        None => Ok(None),
        Some(id) => find(&mut conn, &id).await.map(Some),
    }
}

/// All that a configuration says, flat, without its secret.
fn flat(settings: Map<String, Value>, kind: ProviderType, rest: Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in settings {
        all.insert(format!("{}.{name}", kind.block()), value.to_string());
    }
    for (name, value) in rest.as_object().cloned().unwrap_or_default() {
        all.insert(name, value.to_string());
    }
    all
}

fn document(wanted: &Create) -> BTreeMap<String, String> {
    let groups: Vec<_> = wanted.group_mappings.iter().map(|row| json!([row.idp_group, row.role])).collect();
    let rest = json!({
        "displayName": wanted.display_name, "enabled": wanted.enabled, "groupMappings": groups,
        "userProvisioning": wanted.user_provisioning.as_str(), "groupProvisioning": wanted.group_provisioning.as_str(),
        "attributeMappings": wanted.attributes.iter().collect::<Vec<_>>(),
    });
    flat(block::given(&wanted.settings), wanted.kind(), rest)
}

fn document_of(stored: &Whole) -> BTreeMap<String, String> {
    let config = &stored.config;
    let groups: Vec<_> = config.group_mappings.iter().map(|row| json!([row.idp_group, row.role])).collect();
    let rest = json!({
        "displayName": stored.display_name(), "enabled": stored.enabled, "groupMappings": groups,
        "userProvisioning": config.user_provisioning.as_str(), "groupProvisioning": config.group_provisioning.as_str(),
        "attributeMappings": config.attributes.iter().collect::<Vec<_>>(),
    });
    let kind = stored.provider_type().unwrap_or(ProviderType::Oidc);
    flat(stored.settings.as_ref().map(block::given).unwrap_or_default(), kind, rest)
}

async fn same_secret(app: &App, stored: &Whole, wanted: &Create) -> Result<bool> {
    let Some(secret_id) = super::secret_id(stored) else { return Ok(wanted.secret.is_none()) };
    let held = secrets::get(app, &mut app.store.read().await?, &secret_id).await?;
    Ok(match (&held, &wanted.secret) {
        (None, None) => true,
        (Some(held), Some(wanted)) => bool::from(held.expose().ct_eq(wanted.expose())),
        _ => false,
    })
}

/// Does what a plan says.
pub async fn apply(app: &App, caller: &Caller, body: Body<'_>, plan: &Plan) -> Result<Whole> {
    let Some(id) = &plan.id else { return create(app, caller, Source::Import, body).await };
    if plan.adopts {
        hand_over(app, caller, id, Source::Manual, Source::Import).await?;
    }
    let stored = find(&mut app.store.read().await?, id).await?;
    let wanted = whole(body.value, &stored);
    let body = Body { value: &wanted, order: body.order };
    update(app, caller, Source::Import, id, &Expected::Any, body).await
}

/// An entry as an update that leaves nothing of what is stored and not in it.
fn whole(entry: &Value, stored: &Whole) -> Value {
    let mut all = entry.as_object().cloned().unwrap_or_default();
    for member in ["userProvisioning", "groupProvisioning", "attributeMappings", "groupMappings"] {
        all.entry(member).or_insert(Value::Null);
    }
    all.entry("enabled").or_insert(json!(true));
    if let (Some(kind), Some(settings)) = (stored.provider_type(), &stored.settings)
        && let Some(Value::Object(own)) = all.get_mut(kind.block())
    {
        for name in block::given(settings).keys() {
            own.entry(name.clone()).or_insert(Value::Null);
        }
        let secret = block::secret_path(kind);
        let secret = secret.rsplit('.').next().unwrap_or_default().to_owned();
        own.entry(secret).or_insert(Value::Null);
    }
    Value::Object(all)
}

/// Has another manage a configuration.
pub async fn hand_over(app: &App, caller: &Caller, id: &str, from: Source, to: Source) -> Result<Whole> {
    app.allow(caller, "sso:update_configuration", &seen(id)).await?;
    let mut tx = app.store.write().await?;
    store::identity_provider::lock(&mut tx, id).await?;
    let stored = store::sso_config::get(&mut tx, id).await?.ok_or_else(|| not_found(id))?;
    if stored.config.source != from {
        return Err(Error::conflict(format!("The configuration's source is {}.", stored.config.source.as_str())));
    }
    let mut config = stored.config.clone();
    config.source = to;
    config.version += 1;
    config.updated_at = app.now();
    let due = first_test(app, stored.enabled, stored.settings.as_ref());
    store::sso_config::update(&mut tx, &config, due.map(|at| retest::later(app, at))).await?;
    let detail = format!("source={}", to.as_str());
    audit::changed(app, &mut tx, caller, "sso_configuration.hand_over", (KIND, id), None, &detail).await?;
    let made = find(&mut tx, id).await?;
    app.commit(tx).await?;
    Ok(made)
}
