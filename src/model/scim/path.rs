//! Where in a resource something stands: `name.givenName`, `urn:…:User:department` (RFC 7644 §3.10).

/// The path of an attribute, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath {
    /// The URN before it, if there is one.
    pub schema: Option<String>,
    /// The attribute. Empty where a schema as a whole is meant.
    pub name: String,
    /// The part of it.
    pub sub: Option<String>,
}

/// URNs whose version has a dot, after which no attribute need come.
const SCHEMAS: [&str; 3] = [super::USER, super::GROUP, super::ENTERPRISE];

impl AttributePath {
    /// Reads one; `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(schema) = SCHEMAS.iter().find(|s| s.eq_ignore_ascii_case(text)) {
            return Some(Self { schema: Some((*schema).to_owned()), name: String::new(), sub: None });
        }
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) if schema.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("urn:")) => {
                (Some(schema.to_owned()), rest)
            }
            Some(_) => return None,
            None => (None, text),
        };
        let mut parts = rest.split('.');
        let (name, sub) = (parts.next()?, parts.next());
        if parts.next().is_some() || !is_name(name) || sub.is_some_and(|s| !is_name(s)) {
            return None;
        }
        Some(Self { schema, name: name.to_owned(), sub: sub.map(str::to_owned) })
    }

    /// Whether it means this attribute of the core schemas.
    pub fn is(&self, name: &str, sub: Option<&str>) -> bool {
        let same_sub = match (&self.sub, sub) {
            (None, None) => true,
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        };
        self.name.eq_ignore_ascii_case(name) && same_sub
    }
}

/// A letter (or `$`), then letters, digits, `-` and `_`.
fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '$')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_schema_a_name_and_a_part() {
        let path = |text: &str| AttributePath::parse(text).map(|p| (p.schema, p.name, p.sub));
        let own = |s: &str| Some(s.to_owned());
        assert_eq!(path("userName"), Some((None, "userName".into(), None)));
        assert_eq!(path("name.givenName"), Some((None, "name".into(), own("givenName"))));
        assert_eq!(path("members.$ref"), Some((None, "members".into(), own("$ref"))));
        let manager = format!("{}:manager.value", super::super::ENTERPRISE);
        assert_eq!(path(&manager), Some((own(super::super::ENTERPRISE), "manager".into(), own("value"))));
        let whole = super::super::ENTERPRISE.to_uppercase();
        assert_eq!(path(&whole), Some((own(super::super::ENTERPRISE), String::new(), None)));
        for bad in ["", ".", "a.", ".b", "a.b.c", "1a", "a b", "http:x", "urn:", "a[b]", "a'", "a;--"] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }
}
