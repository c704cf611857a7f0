//! Group mappings (sso-api §3.1): whoever is in a group at the identity provider has a role in the users' domain.

use serde_json::{Value, json};

use crate::clock::hex;
use crate::error::{Error, Result};
use crate::model::fields::{Fields, wrong_type};
use sha2::{Digest, Sha256};

/// Most rows.
pub const MAX_ROWS: usize = 500;
/// Longest name of a group and of a role.
const MAX_NAME: usize = 255;
/// Longest name that a group has here.
const MAX_GROUP_NAME: usize = 64;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMapping {
    /// The group's name at the identity provider.
    pub idp_group: String,
    /// The role's name here.
    pub role: String,
}

/// Reads the member `groupMappings`.
pub fn parse(value: &Value) -> Result<Vec<GroupMapping>> {
    const PATH: &str = "groupMappings";
    let rows = value.as_array().ok_or_else(|| wrong_type(PATH, value, "array"))?;
    if rows.len() > MAX_ROWS {
        return Err(Error::invalid_field(PATH, format!("must have {MAX_ROWS} rows at most")));
    }
    let mut read: Vec<GroupMapping> = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let mut f = Fields::at(row, &format!("{PATH}.{i}"))?;
        let mut text = |name: &str| {
            let path = f.path(name);
            let given = f.text(name, 0..=MAX_NAME)?.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
            let given = given.ok_or_else(|| Error::invalid_field(path.clone(), "is needed"))?;
            if given.chars().any(char::is_control) {
                return Err(Error::invalid_field(path, "must not have control characters"));
            }
            Ok(given)
        };
        let row = GroupMapping { idp_group: text("idpGroup")?, role: text("zcfRole")? };
        if read.contains(&row) {
            return Err(Error::invalid_field(f.path("idpGroup"), "the same group and role stand twice"));
        }
        read.push(row);
    }
    Ok(read)
}

/// As the database keeps them.
pub fn encode(rows: &[GroupMapping]) -> String {
    let pairs: Vec<(&str, &str)> = rows.iter().map(|row| (row.idp_group.as_str(), row.role.as_str())).collect();
    json!(pairs).to_string()
}

/// Reads what [`encode`] wrote.
pub fn decode(text: &str) -> Result<Vec<GroupMapping>> {
    let pairs: Vec<(String, String)> =
        serde_json::from_str(text).map_err(|e| Error::internal(format!("group mappings cannot be read: {e}")))?;
    Ok(pairs.into_iter().map(|(idp_group, role)| GroupMapping { idp_group, role }).collect())
}

/// The id of the group that a configuration makes for one at its identity provider: always the same.
pub fn group_id(config_id: &str, idp_group: &str) -> String {
    hex(&Sha256::digest(format!("{}:{config_id}{idp_group}", config_id.len())))[..32].to_owned()
}

/// What such a group is called here. A name that is too long for a group ends with a part of its digest.
pub fn group_name(idp_group: &str) -> String {
    if idp_group.chars().count() <= MAX_GROUP_NAME {
        return idp_group.to_owned();
    }
    let digest = hex(&Sha256::digest(idp_group));
    let start: String = idp_group.chars().take(MAX_GROUP_NAME - 17).collect();
    format!("{start}-{}", &digest[..16])
}
