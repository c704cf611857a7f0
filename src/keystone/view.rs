//! How resources look on this face: members, links, collections.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::http::query::Parameters;
use crate::http::request::Request;
use crate::model::catalog;
use crate::model::domain::Domain;
use crate::model::endpoint::Endpoint;
use crate::model::facts::{Facts, Scope};
use crate::model::federated_link::FederatedLink;
use crate::model::fields::Extra;
use crate::model::group::Group;
use crate::model::identity_provider::IdentityProvider;
use crate::model::list::Page;
use crate::model::mapping::Mapping;
use crate::model::project::Project;
use crate::model::protocol::Protocol;
use crate::model::region::Region;
use crate::model::role::Role;
use crate::model::service::Service;
use crate::model::service_provider::{Listed, ServiceProvider};
use crate::model::user::User;
use crate::service::App;
use crate::service::connection;
use crate::service::identity::Shown;

/// What a path segment may hold unescaped (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path segment made of an id.
pub fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// `<public url>/v3/<path>`.
pub fn link(app: &App, path: &str) -> String {
    format!("{}/v3/{path}", app.public_url)
}

/// When a password or a membership ends, or null. Keystone writes these times without the zone.
pub fn ends_at(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |t| json!(t.to_string().trim_end_matches('Z')))
}

/// An object with its further attributes; a named member wins over a further attribute of that name.
fn with_extra(extra: &Extra, named: Value) -> Value {
    let mut all: Map<String, Value> = extra.clone();
    if let Value::Object(named) = named {
        all.extend(named);
    }
    Value::Object(all)
}

/// A domain.
pub fn domain(app: &App, d: &Domain) -> Value {
    with_extra(
        &d.extra,
        json!({
            "id": d.id, "name": d.name, "enabled": d.enabled, "description": d.description, "tags": d.tags,
            "options": d.options, "links": {"self": link(app, &format!("domains/{}", segment(&d.id)))},
        }),
    )
}

/// A project.
pub fn project(app: &App, p: &Project) -> Value {
    with_extra(
        &p.extra,
        json!({
            "id": p.id, "name": p.name, "domain_id": p.domain_id, "parent_id": p.parent_id, "is_domain": p.is_domain(),
            "enabled": p.enabled, "description": p.description, "tags": p.tags, "options": p.options,
            "links": {"self": link(app, &format!("projects/{}", segment(&p.id)))},
        }),
    )
}

/// A group.
pub fn group(app: &App, g: &Group) -> Value {
    with_extra(
        &g.extra,
        json!({
            "id": g.id, "name": g.name, "domain_id": g.domain_id, "description": g.description,
            "links": {"self": link(app, &format!("groups/{}", segment(&g.id)))},
        }),
    )
}

/// A connection. The secret is never there, only whether there is one.
pub fn connection(app: &App, shown: &connection::Shown) -> Value {
    let c = &shown.connection;
    let idp = format!("OS-FEDERATION/identity_providers/{}", segment(&c.idp_id));
    let protocol = format!("{idp}/protocols/{}", segment(&c.protocol_id));
    with_extra(
        &c.settings.members(),
        json!({
            "client_secret_set": shown.has_secret,
            "updated_at": c.updated_at.to_string(),
            "links": {
                "self": link(app, &format!("{protocol}/connection")),
                "identity_provider": link(app, &idp),
                "protocol": link(app, &protocol),
            },
        }),
    )
}

/// A user. The password is never there.
pub fn user(app: &App, u: &User) -> Value {
    let mut shown = with_extra(
        &u.extra,
        json!({
            "id": u.id, "name": u.name, "domain_id": u.domain_id, "enabled": u.enabled, "options": u.options,
            "password_expires_at": ends_at(u.password_expires_at),
            "links": {"self": link(app, &format!("users/{}", segment(&u.id)))},
        }),
    );
    if let Some(id) = &u.default_project_id {
        shown["default_project_id"] = json!(id);
    }
    shown
}

/// A user with their identities at identity providers, if they have any.
pub fn one_user(app: &App, shown: &Shown) -> Value {
    let mut user = user(app, &shown.user);
    if !shown.federated.is_empty() {
        user["federated"] = federated(&shown.federated);
    }
    user
}

/// Identities, which come in order, gathered by identity provider.
fn federated(links: &[FederatedLink]) -> Value {
    let gather = |links: &[FederatedLink]| {
        let protocols: Vec<Value> =
            links.iter().map(|l| json!({"protocol_id": l.protocol_id, "unique_id": l.unique_id})).collect();
        json!({"idp_id": links.first().map(|l| &l.idp_id), "protocols": protocols})
    };
    links.chunk_by(|a, b| a.idp_id == b.idp_id).map(gather).collect()
}

/// A role.
pub fn role(app: &App, r: &Role) -> Value {
    with_extra(
        &r.extra,
        json!({
            "id": r.id, "name": r.name, "domain_id": r.domain_id, "description": r.description, "options": r.options,
            "links": {"self": link(app, &format!("roles/{}", segment(&r.id)))},
        }),
    )
}

/// A region.
pub fn region(app: &App, r: &Region) -> Value {
    with_extra(
        &r.extra,
        json!({
            "id": r.id, "description": r.description, "parent_region_id": r.parent_region_id,
            "links": {"self": link(app, &format!("regions/{}", segment(&r.id)))},
        }),
    )
}

/// A service.
pub fn service(app: &App, s: &Service) -> Value {
    with_extra(
        &s.extra,
        json!({
            "id": s.id, "type": s.kind, "name": s.name, "enabled": s.enabled,
            "links": {"self": link(app, &format!("services/{}", segment(&s.id)))},
        }),
    )
}

/// An endpoint; `region` is the older name of `region_id`.
pub fn endpoint(app: &App, e: &Endpoint) -> Value {
    with_extra(
        &e.extra,
        json!({
            "id": e.id, "service_id": e.service_id, "interface": e.interface, "url": e.url, "enabled": e.enabled,
            "region_id": e.region_id, "region": e.region_id,
            "links": {"self": link(app, &format!("endpoints/{}", segment(&e.id)))},
        }),
    )
}

/// An identity provider, in both dialects at once.
pub fn identity_provider(app: &App, i: &IdentityProvider) -> Value {
    let this = link(app, &format!("OS-FEDERATION/identity_providers/{}", segment(&i.id)));
    json!({
        "id": i.id,
        "domain_id": i.domain_id,
        "enabled": i.enabled,
        "description": i.description,
        "remote_ids": i.remote_ids,
        "authorization_ttl": i.authorization_ttl,
        "sso_type": i.sso_type.as_str(),
        "links": {"protocols": format!("{this}/protocols"), "self": this},
    })
}

/// A protocol. Keystone shows all of its members in lists only.
pub fn protocol(app: &App, p: &Protocol) -> Value {
    let idp = link(app, &format!("OS-FEDERATION/identity_providers/{}", segment(&p.idp_id)));
    json!({
        "id": p.id,
        "idp_id": p.idp_id,
        "mapping_id": p.mapping_id,
        "remote_id_attribute": p.remote_id_attribute,
        "links": {"self": format!("{idp}/protocols/{}", segment(&p.id)), "identity_provider": idp},
    })
}

/// A mapping. Whose it is, follows from who sees it.
pub fn mapping(app: &App, m: &Mapping) -> Value {
    json!({
        "id": m.id,
        "schema_version": m.document.schema_version.as_str(),
        "rules": m.document.rules,
        "links": {"self": link(app, &format!("OS-FEDERATION/mappings/{}", segment(&m.id)))},
    })
}

/// A service provider.
pub fn service_provider(app: &App, sp: &ServiceProvider) -> Value {
    json!({
        "id": sp.id,
        "auth_url": sp.auth_url,
        "sp_url": sp.sp_url,
        "enabled": sp.enabled,
        "description": sp.description,
        "relay_state_prefix": sp.relay_state_prefix,
        "links": {"self": link(app, &format!("OS-FEDERATION/service_providers/{}", segment(&sp.id)))},
    })
}

/// The links of one page of a list.
#[derive(Debug, Serialize)]
pub struct PageLinks {
    next: Option<String>,
    #[serde(rename = "self")]
    this: String,
    previous: Option<String>,
}

/// The links of a page; `next` is the marker of the page after it, if there is one.
pub fn page_links(app: &App, req: &Request, next: Option<String>, limit: usize) -> PageLinks {
    let path = req.head.uri.path().trim_end_matches('/');
    let here = format!("{}{path}", app.public_url);
    let next = next.map(|marker| {
        let parameters = Parameters::parse(req.raw_query().unwrap_or_default()).unwrap_or_default();
        format!("{here}?{}", parameters.next(&marker, limit))
    });
    let this = match req.raw_query() {
        Some(query) => format!("{here}?{query}"),
        None => here,
    };
    PageLinks { next, this, previous: None }
}

/// A collection with its links: `next` while a further page exists.
pub fn collection<T>(
    app: &App,
    req: &Request,
    name: &str,
    page: &Page<T>,
    limit: usize,
    show: impl Fn(&T) -> Value,
    id: impl Fn(&T) -> String,
) -> Value {
    let next = page.items.last().filter(|_| page.more).map(id);
    let mut body = json!({
        name: page.items.iter().map(show).collect::<Vec<_>>(),
        "links": page_links(app, req, next, limit),
    });
    if page.more {
        body["truncated"] = json!(true);
    }
    body
}

/// A whole list as one page.
pub fn whole<T>(items: Vec<T>) -> Page<T> {
    Page { items, more: false }
}

/// The token document, with the catalog if there are `entries`, and the enabled service providers.
pub fn token(facts: &Facts, entries: Option<&[catalog::Entry]>, service_providers: &[Listed]) -> Value {
    let payload = &facts.payload;
    let mut user = json!({
        "id": payload.user_id,
        "name": facts.user_name,
        "domain": {"id": facts.user_domain_id, "name": facts.user_domain_name},
    });
    match &payload.federated {
        Some(f) => {
            let groups: Vec<Value> = facts.groups.iter().map(|g| json!({"id": g.id, "name": g.name})).collect();
            user["OS-FEDERATION"] =
                json!({"groups": groups, "identity_provider": {"id": f.idp_id}, "protocol": {"id": f.protocol_id}});
        }
        None => user["password_expires_at"] = ends_at(facts.password_expires_at),
    }
    let mut token = json!({
        "methods": payload.methods,
        "user": user,
        "audit_ids": payload.audit_ids,
        "expires_at": payload.expires_at.to_string(),
        "issued_at": payload.issued_at.to_string(),
    });
    match &facts.scope {
        Scope::Unscoped => {}
        Scope::Project { id, name, domain_id, domain_name, is_domain } => {
            let domain = Some((domain_id, domain_name)).filter(|_| !is_domain).unzip();
            token["project"] = json!({"id": id, "name": name, "domain": {"id": domain.0, "name": domain.1}});
            token["is_domain"] = json!(is_domain);
        }
        Scope::Domain { id, name } => token["domain"] = json!({"id": id, "name": name}),
        Scope::System => token["system"] = json!({"all": true}),
    }
    if facts.scope != Scope::Unscoped {
        token["roles"] = facts.roles.iter().map(|r| json!({"id": r.id, "name": r.name})).collect();
        if let Some(entries) = entries {
            token["catalog"] = catalog::render(entries, facts.scope.project_id(), &payload.user_id);
        }
    }
    if !service_providers.is_empty() {
        let shown = |sp: &Listed| json!({"id": sp.id, "auth_url": sp.auth_url, "sp_url": sp.sp_url});
        token["service_providers"] = service_providers.iter().map(shown).collect();
    }
    json!({ "token": token })
}
