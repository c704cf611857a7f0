//! The service catalog: what a scoped token says about where services are.

use serde_json::{Value, json};

/// One enabled service with one of its enabled endpoints, if it has any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id of the service.
    pub service_id: String,
    /// Its type, such as `identity`.
    pub service_type: String,
    /// Its name.
    pub service_name: String,
    /// One of its endpoints.
    pub endpoint: Option<Endpoint>,
}

/// An endpoint as the catalog shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Its region.
    pub region_id: Option<String>,
    /// Its URL, with `$(project_id)s` and the like still in it.
    pub url: String,
}

/// The `catalog` of a token body. `entries` are in order of service, then endpoint. An endpoint whose URL needs a value
/// that the token lacks (an unknown name, or a project where there is none) is left out, as Keystone does.
pub fn render(entries: &[Entry], project_id: Option<&str>, user_id: &str) -> Value {
    let mut services: Vec<Value> = Vec::new();
    let mut endpoints: Vec<Value> = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        if let Some(endpoint) = &entry.endpoint
            && let Some(url) = substitute(&endpoint.url, project_id, user_id)
        {
            endpoints.push(json!({
                "id": endpoint.id, "interface": endpoint.interface,
                "region": endpoint.region_id, "region_id": endpoint.region_id, "url": url,
            }));
        }
        if entries.get(i + 1).is_none_or(|next| next.service_id != entry.service_id) {
            services.push(json!({
                "id": entry.service_id, "type": entry.service_type, "name": entry.service_name,
                "endpoints": std::mem::take(&mut endpoints),
            }));
        }
    }
    Value::Array(services)
}

/// Puts values for `$(name)s` and `%(name)s`, and one sign for `%%`; `None` when a name has no value.
fn substitute(url: &str, project_id: Option<&str>, user_id: &str) -> Option<String> {
    let mut out = String::with_capacity(url.len() + 32);
    let mut rest = url;
    while let Some(at) = rest.find(['$', '%']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("%%") {
            out.push('%');
            rest = after;
        } else if let Some(named) = from.strip_prefix("$(").or_else(|| from.strip_prefix("%(")) {
            let (name, after) = named.split_once(")s")?;
            out.push_str(match name {
                "project_id" | "tenant_id" => project_id?,
                "user_id" => user_id,
                _ => return None,
            });
            rest = after;
        } else {
            let (sign, after) = from.split_at(1);
            out.push_str(sign);
            rest = after;
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(service: &str, endpoint: &str, url: &str) -> Entry {
        Entry {
            service_id: service.into(),
            service_type: "t".into(),
            service_name: "n".into(),
            endpoint: Some(Endpoint {
                id: endpoint.into(),
                interface: "public".into(),
                region_id: Some("R".into()),
                url: url.into(),
            }),
        }
    }

    #[test]
    fn a_service_without_endpoints_is_there_with_none() {
        let bare = Entry { endpoint: None, ..entry("a", "1", "") };
        assert_eq!(render(&[bare], None, "u"), json!([{"id": "a", "type": "t", "name": "n", "endpoints": []}]));
    }

    #[test]
    fn two_percent_signs_are_one() {
        assert_eq!(
            substitute("http://x/%%(user_id)s/$(user_id)s", None, "u").as_deref(),
            Some("http://x/%(user_id)s/u")
        );
    }

    #[test]
    fn endpoints_are_gathered_by_service_and_urls_filled_in() {
        let entries = [
            entry("a", "1", "http://x/$(project_id)s/y"),
            entry("a", "2", "http://x/%(tenant_id)s"),
            entry("b", "3", "http://z"),
        ];
        let catalog = render(&entries, Some("p"), "u");
        assert_eq!(catalog[0]["endpoints"][0]["url"], "http://x/p/y");
        assert_eq!(catalog[0]["endpoints"][1]["url"], "http://x/p");
        assert_eq!(catalog[1]["endpoints"][0]["url"], "http://z");
    }

    #[test]
    fn an_endpoint_that_cannot_be_filled_in_is_left_out() {
        let entries = [
            entry("a", "1", "http://x/$(project_id)s"),
            entry("a", "2", "http://x/$(secret)s"),
            entry("a", "3", "http://x/$(user_id)s"),
        ];
        let catalog = render(&entries, None, "u");
        assert_eq!(catalog[0]["endpoints"].as_array().unwrap().len(), 1);
        assert_eq!(catalog[0]["endpoints"][0]["id"], "3");
    }
}
