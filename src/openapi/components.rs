//! Schemas that are derived from types.

use serde_json::Value;
use utoipa::ToSchema;

/// The schema of a type and of every type in it, by name. They refer to each other as the document's own do.
pub fn of_type<T: ToSchema>() -> Vec<(String, Value)> {
    let mut all = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut all);
    all.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sso::view::SsoConfiguration;

    #[test]
    fn a_type_brings_the_types_in_it() {
        let all = of_type::<SsoConfiguration>();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["SsoConfiguration", "OidcConfig", "SamlConfig", "LdapConfig", "AttributeMappings", "GroupMapping"]
        );
        assert_eq!(all[1].1["required"], serde_json::json!(["clientId", "redirectUri", "scope"]));
        assert!(all[0].1["properties"]["oidcConfig"].to_string().contains("#/components/schemas/OidcConfig"));
    }
}
