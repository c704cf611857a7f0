//! Identities at identity providers that are a user's own: whoever proves to be one of them there is that user here.
//!
//! A link names an identity provider and a protocol of it, which must be there. One identity belongs to one user, by
//! whatever protocol it is proven.

use serde_json::Value;

use super::fields::{Fields, wrong_type};
use crate::error::{Error, Result};

/// Most links that one user may have.
const MAX_LINKS: usize = 100;

/// One identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FederatedLink {
    /// The identity provider.
    pub idp_id: String,
    /// The protocol by which it speaks.
    pub protocol_id: String,
    /// What the identity provider calls the user.
    pub unique_id: String,
}

/// Reads the member `federated` of a user: `[{"idp_id", "protocols": [{"protocol_id", "unique_id"}]}]`.
pub fn parse(user: &mut Fields<'_>) -> Result<Option<Vec<FederatedLink>>> {
    let path = user.path("federated");
    let Some(value) = user.raw("federated") else { return Ok(None) };
    let mut links = Vec::new();
    for (index, value) in items(&path, value)?.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let mut at = Fields::at(value, &path)?;
        let idp_id = at.required_text("idp_id", 1..=64)?;
        let path = at.path("protocols");
        let protocols =
            at.raw("protocols").ok_or_else(|| Error::invalid_field(&path, "'protocols' is a required property"))?;
        let protocols = items(&path, protocols)?;
        if protocols.is_empty() {
            return Err(Error::invalid_field(path, "the list is empty"));
        }
        for (index, value) in protocols.iter().enumerate() {
            let mut by = Fields::at(value, &format!("{path}[{index}]"))?;
            links.push(FederatedLink {
                idp_id: idp_id.clone(),
                protocol_id: by.required_text("protocol_id", 1..=64)?,
                unique_id: by.required_text("unique_id", 1..=255)?,
            });
        }
    }
    if links.len() > MAX_LINKS {
        return Err(Error::invalid_field(path, format!("a user has at most {MAX_LINKS} federated identities")));
    }
    Ok(Some(links))
}

fn items<'a>(path: &str, value: &'a Value) -> Result<&'a Vec<Value>> {
    value.as_array().ok_or_else(|| wrong_type(path, value, "array"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(federated: Value) -> Result<Option<Vec<FederatedLink>>> {
        parse(&mut Fields::at(&json!({ "federated": federated }), "user").unwrap())
    }

    #[test]
    fn each_protocol_of_each_identity_provider_is_a_link() {
        let by = |p: &str, u: &str| json!({"protocol_id": p, "unique_id": u});
        let links = read(json!([
            {"idp_id": "a", "protocols": [by("saml2", "x"), by("openid", "y")]},
            {"idp_id": "b", "protocols": [by("openid", "x")]},
        ]));
        let shown: Vec<_> =
            links.unwrap().unwrap().into_iter().map(|l| [l.idp_id, l.protocol_id, l.unique_id].join(" ")).collect();
        assert_eq!(shown, ["a saml2 x", "a openid y", "b openid x"]);
        assert_eq!(read(json!([])).unwrap(), Some(vec![]));
        assert_eq!(parse(&mut Fields::at(&json!({}), "user").unwrap()).unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let by = json!({"protocol_id": "p", "unique_id": "u"});
        for (federated, path) in [
            (json!(null), "user.federated:"),
            (json!([1]), "user.federated[0]:"),
            (json!([{"protocols": [by]}]), "user.federated[0]:"),
            (json!([{"idp_id": "i"}]), "user.federated[0].protocols:"),
            (json!([{"idp_id": "i", "protocols": []}]), "user.federated[0].protocols:"),
            (json!([{"idp_id": "i", "protocols": [{"unique_id": "u"}]}]), "user.federated[0].protocols[0]:"),
            (json!([{"idp_id": "i", "protocols": vec![&by; 101]}]), "user.federated:"),
        ] {
            let error = read(federated.clone()).unwrap_err().to_string();
            assert!(error.starts_with(path), "{federated}: {error}");
        }
    }
}
