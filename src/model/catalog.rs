//! The service catalog: what a scoped token says about where services are.

use serde_json::{Value, json};

/// One enabled endpoint with its enabled service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id of the service.
    pub service_id: String,
    /// Its type, such as `identity`.
    pub service_type: String,
    /// Its name.
    pub service_name: String,
    /// Id of the endpoint.
    pub endpoint_id: String,
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
        if let Some(url) = substitute(&entry.url, project_id, user_id) {
            endpoints.push(json!({
                "id": entry.endpoint_id, "interface": entry.interface,
                "region": entry.region_id, "region_id": entry.region_id, "url": url,
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

/// Puts values for `$(name)s` and `%(name)s`; `None` when a name has no value.
fn substitute(url: &str, project_id: Option<&str>, user_id: &str) -> Option<String> {
    let mut out = String::with_capacity(url.len() + 32);
    let mut rest = url;
    while let Some(at) = rest.find("$(").into_iter().chain(rest.find("%(")).min() {
        let (before, from) = rest.split_at(at);
        let end = from.find(")s")?;
        out.push_str(before);
        out.push_str(match &from[2..end] {
            "project_id" | "tenant_id" => project_id?,
            "user_id" => user_id,
            _ => return None,
        });
        rest = &from[end + 2..];
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
            endpoint_id: endpoint.into(),
            interface: "public".into(),
            region_id: Some("R".into()),
            url: url.into(),
        }
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
