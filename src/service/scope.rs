//! Scopes: from what a request or a payload names to what is stored, and the roles held there.

use crate::error::Result;
use crate::model::auth_request::DomainName;
use crate::model::facts::Scope;
use crate::model::grant::Target;
use crate::model::holder::Holder;
use crate::model::role::RoleRef;
use crate::model::token;
use crate::store::{self, Conn};

/// The stored scope that a payload names; `None` when it is gone or disabled.
pub async fn of_payload(conn: &mut Conn, scope: &token::Scope) -> Result<Option<Scope>> {
    match scope {
        token::Scope::Unscoped => Ok(Some(Scope::Unscoped)),
        token::Scope::System => Ok(Some(Scope::System)),
        token::Scope::Project(id) => project(conn, id).await,
        token::Scope::Domain(id) => domain(conn, &DomainName::Id(id.clone())).await,
    }
}

/// An enabled project of an enabled domain.
pub async fn project(conn: &mut Conn, id: &str) -> Result<Option<Scope>> {
    Ok(store::project::get(conn, id).await?.and_then(located))
}

/// An enabled project by its name.
pub async fn project_by_name(conn: &mut Conn, domain: &DomainName, name: &str) -> Result<Option<Scope>> {
    let Some(Scope::Domain { id, .. }) = self::domain(conn, domain).await? else { return Ok(None) };
    Ok(store::project::get_by_name(conn, &id, name).await?.and_then(located))
}

fn located(found: crate::model::project::Located) -> Option<Scope> {
    let is_domain = found.project.is_domain();
    let domain_id = found.project.home().to_owned();
    (found.project.enabled && found.domain_enabled).then_some(Scope::Project {
        id: found.project.id,
        name: found.project.name,
        domain_id,
        domain_name: found.domain_name,
        is_domain,
    })
}

/// An enabled domain.
pub async fn domain(conn: &mut Conn, named: &DomainName) -> Result<Option<Scope>> {
    let found = match named {
        DomainName::Id(id) => store::domain::get(conn, id).await?,
        DomainName::Name(name) => store::domain::get_by_name(conn, name).await?,
    };
    Ok(found.filter(|d| d.enabled).map(|d| Scope::Domain { id: d.id, name: d.name }))
}

/// The roles that somebody effectively holds on a scope.
pub async fn roles(conn: &mut Conn, holder: &Holder<'_>, scope: &Scope) -> Result<Vec<RoleRef>> {
    let target = match scope {
        Scope::Unscoped => return Ok(Vec::new()),
        Scope::Project { id, .. } => Target::Project(id.clone()),
        Scope::Domain { id, .. } => Target::Domain(id.clone()),
        Scope::System => Target::System,
    };
    store::grant::effective_roles(conn, holder, &target).await
}
