//! Setting up an identity provider as a whole: itself, its mapping, its protocol and its connection together, or nothing.
//!
//! Each part is asked of policy, checked and stored as by its own route; an error names the part.

use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::connection::{At, Shown};
use super::reach::Reach;
use super::{App, audit, connection, federation, mapping, protocol};
use crate::error::{Error, Result};
use crate::model::fields::{Fields, check_id};
use crate::model::identity_provider::IdentityProvider;
use crate::model::mapping::{Document, Mapping};
use crate::model::protocol::{Create, Protocol};
use crate::policy::Target;

/// Name of the member that wraps all parts.
const MEMBER: &str = "setup";

/// The rules of all parts, in the order in which they are asked.
pub const RULES: &[&str] = &[
    "identity:create_identity_provider",
    "identity:create_mapping",
    "identity:create_protocol",
    "identity:create_connection",
];

/// All parts, as they are stored.
#[derive(Debug)]
pub struct Setup {
    /// The identity provider.
    pub identity_provider: IdentityProvider,
    /// Its mapping; none where users exist already, or where another is used.
    pub mapping: Option<Mapping>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its connection, if this service itself speaks to it.
    pub connection: Option<Shown>,
}

/// The bodies of the parts, each as its own route takes it.
struct Parts {
    identity_provider: Value,
    mapping: Option<(String, Value)>,
    protocol: (String, Value),
    connection: Option<Value>,
}

impl Parts {
    fn parse(idp_id: &str, body: &Value) -> Result<Self> {
        let mut f = Fields::of(body, MEMBER)?;
        let mut part = |name: &str| f.object(name).map(|found| found.cloned());
        let required = |found: Option<Map<String, Value>>, name: &str| {
            found.ok_or_else(|| Error::invalid_field(MEMBER, format!("'{name}' is a required property")))
        };
        let identity_provider = required(part("identity_provider")?, "identity_provider")?;
        let mut mapping = part("mapping")?;
        let mut protocol = required(part("protocol")?, "protocol")?;
        let connection = part("connection")?;
        f.finish()?;
        let protocol_id = take_id(&mut protocol, "protocol")?
            .ok_or_else(|| Error::invalid_field("setup.protocol", "'id' is a required property"))?;
        let mapping_id = match &mut mapping {
            Some(mapping) => take_id(mapping, "mapping")?.unwrap_or_else(|| idp_id.to_owned()),
            None => String::new(),
        };
        if mapping.is_some() && protocol.get("mapping_id").is_none_or(|named| *named == json!(mapping_id)) {
            protocol.insert("mapping_id".to_owned(), json!(mapping_id));
        } else if mapping.is_some() {
            return Err(Error::invalid_field(
                "setup.protocol.mapping_id",
                "another mapping is set up with the protocol",
            ));
        }
        Ok(Self {
            identity_provider: json!({ "identity_provider": identity_provider }),
            mapping: mapping.map(|m| (mapping_id, json!({ "mapping": m }))),
            protocol: (protocol_id, json!({ "protocol": protocol })),
            connection: connection.map(|c| json!({ "connection": c })),
        })
    }
}

/// Takes the id out of a part: of other routes' bodies it is no member.
fn take_id(part: &mut Map<String, Value>, name: &str) -> Result<Option<String>> {
    let Some(id) = part.remove("id") else { return Ok(None) };
    let path = format!("{MEMBER}.{name}.id");
    match id {
        Value::String(id) if !id.is_empty() => check_id(&id).map_err(within(name)).map(|()| Some(id)),
        _ => Err(Error::invalid_field(path, "the id is a text of 1 to 64 characters")),
    }
}

/// An error about a part's body, with the part's place in front.
fn within(part: &str) -> impl Fn(Error) -> Error {
    move |error| match error {
        Error::Invalid { message, field } => {
            let field = field.map_or_else(|| format!("{MEMBER}.{part}"), |field| format!("{MEMBER}.{field}"));
            Error::invalid_field(field, message)
        }
        other => other,
    }
}

/// Sets up an identity provider with everything that it needs.
pub async fn create(app: &App, caller: &Caller, idp_id: &str, body: &Value) -> Result<Setup> {
    let done = make(app, caller, idp_id, body).await;
    audit::refused(app, caller, "identity_provider.setup", ("identity_provider", idp_id), done).await
}

async fn make(app: &App, caller: &Caller, idp_id: &str, body: &Value) -> Result<Setup> {
    // Policy sees the bodies; who may do nothing of it learns nothing of what is wrong with them.
    let inner = body.get(MEMBER).unwrap_or(body);
    let target = Target::new().and_path("idp_id", idp_id).and_body(inner);
    for rule in RULES {
        if *rule != "identity:create_connection" || inner.get("connection").is_some() {
            app.allow(caller, rule, &target).await?;
        }
    }
    let reach = Reach::of(app, caller).await?;
    let parts = Parts::parse(idp_id, body)?;
    let asked =
        federation::Asked::parse(&reach, idp_id, &parts.identity_provider).map_err(within("identity_provider"))?;
    let mapping = match parts.mapping {
        None => None,
        Some((id, body)) => {
            let document = Document::parse(&body).map_err(within("mapping"))?;
            mapping::check(app, &document, reach.domain()).await.map_err(within("mapping"))?;
            Some(Mapping { id, domain_id: reach.domain().map(str::to_owned), document })
        }
    };
    let (protocol_id, body) = parts.protocol;
    let protocol = Create::parse(&body).map_err(within("protocol"))?.into_protocol(idp_id, &protocol_id);
    let connection = match &parts.connection {
        None => None,
        Some(body) => {
            let create = connection::parse(app, body).map_err(within("connection"))?;
            Some((create, super::named(body, "connection")))
        }
    };

    let mut tx = app.store.write().await?;
    let identity_provider = federation::add(app, &mut tx, caller, asked).await.map_err(within("identity_provider"))?;
    if let Some(mapping) = &mapping {
        mapping::add(app, &mut tx, caller, mapping).await?;
    }
    protocol::add(app, &mut tx, caller, &reach, &identity_provider, &protocol).await.map_err(within("protocol"))?;
    let connection = match connection {
        None => None,
        Some((create, detail)) => {
            let at = At { idp_id, protocol_id: &protocol.id };
            let recorded = (identity_provider.domain_id.as_str(), detail.as_str());
            Some(connection::add(app, &mut tx, caller, at, create, recorded).await?)
        }
    };
    app.commit(tx).await?;
    Ok(Setup { identity_provider, mapping, protocol, connection })
}

#[cfg(test)]
mod tests;
