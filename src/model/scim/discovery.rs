//! What this service says of its SCIM (RFC 7643 §5, §6): nothing that it does not do.

use serde_json::{Value, json};

use super::bulk::MAX_OPERATIONS;
use super::{ENTERPRISE, Kind, LIST, MAX_BODY, MAX_RESULTS};

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// The features. `base` is where the tenant's SCIM is.
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": [CONFIG],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_BODY},
        "filter": {"supported": true, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A SCIM token of the tenant, or a token of its administrator",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// The kinds of resources.
pub fn resource_types(base: &str) -> Vec<Value> {
    Kind::ALL.into_iter().map(|kind| resource_type(base, kind)).collect()
}

fn resource_type(base: &str, kind: Kind) -> Value {
    let mut shown = json!({
        "schemas": [RESOURCE_TYPE],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": format!("/{}", kind.endpoint()),
        "schema": kind.schema(),
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name())},
    });
    match kind {
        Kind::User => {
            shown["description"] = json!("Users of the tenant");
            shown["schemaExtensions"] = json!([{"schema": ENTERPRISE, "required": false}]);
        }
        Kind::Group => shown["description"] = json!("Groups of users of the tenant"),
    }
    shown
}

/// The schemas with where they are.
pub fn schemas(base: &str) -> Vec<Value> {
    let mut all = super::schema::schemas();
    for schema in &mut all {
        let id = schema["id"].as_str().unwrap_or_default();
        schema["meta"] = json!({"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")});
    }
    all
}

/// A list of resources (RFC 7644 §3.4.2).
pub fn list(resources: Vec<Value>, total: i64, start: i64) -> Value {
    let mut list = json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
    });
    list["Resources"] = Value::Array(resources);
    list
}
