//! Grants as lists of role assignments: as given, or expanded to users and projects.
//!
//! A page begins after a key and is read in the order of the key of `grants`, so that it costs the same wherever it is.

use super::Conn;
use super::sql::Sql;
use crate::error::{Error, Result};
use crate::model::assignment::{Filter, Key, Line, Name, RoleName, Roles};
use crate::model::grant::{Actor, Grant, Target};
use crate::model::holder::Holder;

#[derive(sqlx::FromRow)]
struct Row {
    actor_kind: String,
    actor_id: String,
    target_kind: String,
    target_id: String,
    role_id: String,
    inherited: bool,
    user_id: Option<String>,
    project_id: Option<String>,
    actor_name: Option<String>,
    actor_domain_id: Option<String>,
    actor_domain_name: Option<String>,
    target_name: Option<String>,
    target_domain_id: Option<String>,
    target_domain_name: Option<String>,
}

fn name(name: Option<String>, domain_id: Option<String>, domain_name: Option<String>) -> Option<Name> {
    name.map(|name| Name { name, domain: domain_id.zip(domain_name) })
}

impl TryFrom<Row> for Line {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let bad =
            |what: &str, kind: &str| Error::internal(format!("grants row of role {}: {what} {kind}", row.role_id));
        let actor = match row.actor_kind.as_str() {
            "user" => Actor::User(row.actor_id),
            "group" => Actor::Group(row.actor_id),
            other => return Err(bad("actor_kind", other)),
        };
        let target = match row.target_kind.as_str() {
            "project" => Target::Project(row.target_id),
            "domain" => Target::Domain(row.target_id),
            "system" => Target::System,
            other => return Err(bad("target_kind", other)),
        };
        Ok(Self {
            grant: Grant { actor, target, role_id: row.role_id, inherited: row.inherited },
            user_id: row.user_id,
            project_id: row.project_id,
            actor_name: name(row.actor_name, row.actor_domain_id, row.actor_domain_name),
            target_name: name(row.target_name, row.target_domain_id, row.target_domain_name),
        })
    }
}

/// Up to `limit` lines from `from` on, that line included, in order.
pub async fn list(conn: &mut Conn, filter: &Filter, from: Option<&Key>, limit: i64) -> Result<Vec<Line>> {
    let mut sql = Sql::new("WITH RECURSIVE ");
    sql = actors(sql, filter);
    sql = roles(sql, filter);
    sql = projects(sql, filter);
    sql = sql.push("SELECT g.actor_kind, g.actor_id, g.target_kind, g.target_id, g.role_id, g.inherited, ");
    sql = sql.push(if filter.effective {
        "COALESCE(m.user_id, g.actor_id) AS user_id, b.id AS project_id"
    } else {
        "NULL AS user_id, NULL AS project_id"
    });
    sql = sql.push(match (filter.names, filter.effective) {
        (true, true) => ", au.name AS actor_name",
        (true, false) => ", COALESCE(au.name, ag.name) AS actor_name",
        (false, _) => ", NULL AS actor_name",
    });
    sql = sql.push(if filter.names {
        ", ad.id AS actor_domain_id, ad.name AS actor_domain_name, \
         tp.name AS target_name, td.id AS target_domain_id, td.name AS target_domain_name"
    } else {
        ", NULL AS actor_domain_id, NULL AS actor_domain_name, \
         NULL AS target_name, NULL AS target_domain_id, NULL AS target_domain_name"
    });
    sql = sql.push(" FROM grants g");
    if filter.effective {
        sql = members(sql, filter).push(
            " m ON g.actor_kind = 'group' AND m.group_id = g.actor_id \
             LEFT JOIN below b ON g.inherited AND b.root = g.target_id",
        );
    }
    if filter.names {
        sql = sql.push(if filter.effective {
            " LEFT JOIN users au ON au.id = COALESCE(m.user_id, g.actor_id) \
             LEFT JOIN projects tp ON tp.id = COALESCE(b.id, g.target_id) \
             LEFT JOIN projects ad ON ad.id = au.domain_id LEFT JOIN projects td ON td.id = tp.domain_id"
        } else {
            " LEFT JOIN users au ON g.actor_kind = 'user' AND au.id = g.actor_id \
             LEFT JOIN user_groups ag ON g.actor_kind = 'group' AND ag.id = g.actor_id \
             LEFT JOIN projects tp ON tp.id = g.target_id \
             LEFT JOIN projects ad ON ad.id = COALESCE(au.domain_id, ag.domain_id) \
             LEFT JOIN projects td ON td.id = tp.domain_id"
        });
    }
    sql = conditions(sql.push(" WHERE TRUE"), filter);
    if let Some(key) = from {
        sql = after(sql, filter, key);
    }
    sql = sql.push(" ORDER BY g.actor_id, g.actor_kind, g.target_id, g.target_kind, g.role_id, g.inherited");
    if filter.effective {
        sql = sql.push(", COALESCE(m.user_id, g.actor_id), COALESCE(b.id, '')");
    }
    let rows: Vec<Row> = sql.push_bind(" LIMIT ", limit).all(conn).await?;
    rows.into_iter().map(Line::try_from).collect()
}

/// Whose grants count for a user: their own and their groups'. Without that filter, nobody's.
fn actors(sql: Sql, filter: &Filter) -> Sql {
    match &filter.user_id {
        Some(id) if filter.effective => sql.actors(&Holder::new(id, filter.now)).push(", "),
        _ => sql.push("actors (kind, id) AS (SELECT '', ''), "),
    }
}

/// Who is in which group. Memberships that an identity provider asserted count for a user who is asked for, as in Keystone;
/// a list of everybody leaves them out.
fn members(sql: Sql, filter: &Filter) -> Sql {
    match &filter.user_id {
        Some(id) => sql
            .push_bind(" LEFT JOIN (SELECT group_id, user_id FROM group_members WHERE user_id = ", id)
            .push_bind(" UNION SELECT group_id, user_id FROM expiring_group_members WHERE user_id = ", id)
            .push_bind(" AND expires_at > ", filter.now.0)
            .push(")"),
        None => sql.push(" LEFT JOIN group_members"),
    }
}

/// The granted roles that come to the role asked for: itself and those that imply it.
fn roles(sql: Sql, filter: &Filter) -> Sql {
    match &filter.role_id {
        Some(id) if filter.effective => sql
            .push_bind("priors (id) AS (SELECT id FROM roles WHERE id = ", id)
            .push(" UNION SELECT i.prior_role_id FROM priors p JOIN implied_roles i ON i.implied_role_id = p.id), "),
        _ => sql.push("priors (id) AS (SELECT ''), "),
    }
}

/// `wanted`: the projects asked for. `below`: pairs of a root and a project somewhere below it; looked for upwards from the
/// projects asked for, else downwards from where something is inherited.
fn projects(sql: Sql, filter: &Filter) -> Sql {
    let Some(project_id) = &filter.project_id else {
        let sql = sql.push("wanted (id) AS (SELECT ''), ");
        if !filter.effective {
            return sql.push("below (root, id) AS (SELECT '', '') ");
        }
        let sql = sql.push(
            "below (root, id) AS (SELECT g.target_id, c.id FROM grants g JOIN projects c ON c.parent_id = g.target_id ",
        );
        let sql = if filter.user_id.is_some() {
            sql.push("JOIN actors a ON a.id = g.actor_id AND a.kind = g.actor_kind ")
        } else {
            sql
        };
        let sql = sql.push("WHERE g.inherited");
        return within(sql, filter)
            .push(" UNION SELECT b.root, c.id FROM below b JOIN projects c ON c.parent_id = b.id) ");
    };
    let sql = sql.push_bind("wanted (id) AS (SELECT id FROM projects WHERE id = ", project_id);
    let sql = if filter.subtree {
        sql.push(" UNION SELECT c.id FROM wanted w JOIN projects c ON c.parent_id = w.id), ")
    } else {
        sql.push("), ")
    };
    sql.push(
        "below (root, id) AS ( \
           SELECT c.parent_id, c.id FROM wanted w JOIN projects c ON c.id = w.id WHERE c.parent_id IS NOT NULL \
           UNION SELECT q.parent_id, b.id FROM below b JOIN projects q ON q.id = b.root WHERE q.parent_id IS NOT NULL) ",
    )
}

/// Only what lies in the domain that the caller is kept to.
fn within(sql: Sql, filter: &Filter) -> Sql {
    let Some(domain) = &filter.within else { return sql };
    sql.push_bind(" AND ((g.target_kind = 'domain' AND g.target_id = ", domain)
        .push_bind(
            ") OR (g.target_kind = 'project' AND g.target_id IN (SELECT id FROM projects WHERE domain_id = ",
            domain,
        )
        .push(")))")
}

fn conditions(mut sql: Sql, filter: &Filter) -> Sql {
    if let Some(id) = &filter.user_id {
        sql = if filter.effective {
            sql.push(" AND g.actor_id IN (SELECT id FROM actors) AND (g.actor_kind, g.actor_id) IN (SELECT kind, id FROM actors)")
                .push_bind(" AND COALESCE(m.user_id, g.actor_id) = ", id)
        } else {
            sql.push_bind(" AND g.actor_kind = 'user' AND g.actor_id = ", id)
        };
    }
    if let Some(id) = &filter.group_id {
        sql = sql.push_bind(" AND g.actor_kind = 'group' AND g.actor_id = ", id);
    }
    if let Some(id) = &filter.role_id {
        sql = if filter.effective {
            sql.push(" AND g.role_id IN (SELECT id FROM priors)")
        } else {
            sql.push_bind(" AND g.role_id = ", id)
        };
    }
    if let Some(inherited) = filter.inherited {
        sql = sql.push_bind(" AND g.inherited = ", inherited);
    }
    if filter.effective {
        // A group without members and an inheritance without projects have no effect.
        sql =
            sql.push(" AND (g.actor_kind = 'user' OR m.user_id IS NOT NULL) AND (NOT g.inherited OR b.id IS NOT NULL)");
    }
    if filter.project_id.is_some() {
        sql = if filter.effective {
            sql.push(
                " AND g.target_id IN (SELECT id FROM wanted UNION SELECT root FROM below) \
                 AND (g.inherited OR (g.target_kind = 'project' AND g.target_id IN (SELECT id FROM wanted)))",
            )
        } else {
            sql.push(" AND g.target_kind = 'project' AND g.target_id IN (SELECT id FROM wanted)")
        };
    }
    if let Some(id) = &filter.domain_id {
        sql = sql.push_bind(" AND g.target_kind = 'domain' AND g.target_id = ", id);
        if filter.effective {
            sql = sql.push(" AND NOT g.inherited");
        }
    }
    if filter.system {
        sql = sql.push(" AND g.target_kind = 'system'");
    }
    within(sql, filter)
}

/// From a line on, that line included.
fn after(sql: Sql, filter: &Filter, key: &Key) -> Sql {
    let sql = sql
        .push_bind(" AND g.actor_id >= ", &key.actor_id)
        .push(" AND (g.actor_id, g.actor_kind, g.target_id, g.target_kind, g.role_id, g.inherited")
        .push(if filter.effective { ", COALESCE(m.user_id, g.actor_id), COALESCE(b.id, '')) >= (" } else { ") >= (" })
        .push_bind("", &key.actor_id)
        .push_bind(", ", &key.actor_kind)
        .push_bind(", ", &key.target_id)
        .push_bind(", ", &key.target_kind)
        .push_bind(", ", &key.role_id)
        .push_bind(", ", key.inherited);
    if filter.effective {
        sql.push_bind(", ", &key.user_id).push_bind(", ", &key.project_id).push(")")
    } else {
        sql.push(")")
    }
}

#[derive(sqlx::FromRow)]
struct RoleRow {
    id: String,
    name: String,
    domain_id: Option<String>,
    domain_name: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Implied {
    prior_role_id: String,
    implied_role_id: String,
}

/// All roles and what each implies.
pub async fn roles_and_implications(conn: &mut Conn) -> Result<Roles> {
    let rows: Vec<RoleRow> = Sql::new(
        "SELECT r.id, r.name, d.id AS domain_id, d.name AS domain_name FROM roles r LEFT JOIN projects d ON d.id = r.domain_id",
    )
    .all(conn)
    .await?;
    let implied: Vec<Implied> =
        Sql::new("SELECT prior_role_id, implied_role_id FROM implied_roles ORDER BY prior_role_id, implied_role_id")
            .all(conn)
            .await?;
    let mut roles = Roles::default();
    for r in rows {
        roles.by_id.insert(r.id, RoleName { name: r.name, domain: r.domain_id.zip(r.domain_name) });
    }
    for i in implied {
        roles.implied.entry(i.prior_role_id).or_default().push(i.implied_role_id);
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::store::tests::{a_domain, a_group, a_project, a_role, a_user, on_both};
    use crate::store::{domain, grant, group, implied_role, project, role, user};

    /// Domain `d` with projects `p` → `q`, users `u` and `v`, group `g` of both, roles `r` → `s`, and some grants.
    async fn plant(tx: &mut Conn) {
        for d in ["d", "e"] {
            domain::insert(tx, &a_domain(d)).await.unwrap();
        }
        project::insert(tx, &a_project("p", "d")).await.unwrap();
        let mut q = a_project("q", "d");
        q.parent_id = Some("p".into());
        project::insert(tx, &q).await.unwrap();
        group::insert(tx, &a_group("g", "d")).await.unwrap();
        for u in ["u", "v"] {
            user::insert(tx, &a_user(u, "d"), Timestamp(1)).await.unwrap();
            group::add_member(tx, "g", u).await.unwrap();
        }
        for r in ["r", "s"] {
            role::insert(tx, &a_role(r)).await.unwrap();
        }
        implied_role::insert(tx, "r", "s").await.unwrap();
        for (actor, target, role, inherited) in [
            (Actor::User("u".into()), Target::Project("p".into()), "r", false),
            (Actor::Group("g".into()), Target::Domain("d".into()), "s", true),
            (Actor::Group("g".into()), Target::Domain("e".into()), "s", false),
            (Actor::User("v".into()), Target::System, "r", false),
        ] {
            let grant = Grant { actor, target, role_id: role.into(), inherited };
            grant::insert(tx, &grant).await.unwrap();
        }
    }

    fn short(lines: &[Line]) -> Vec<String> {
        let show = |l: &Line| {
            let who = l.user_id.as_deref().unwrap_or(l.grant.actor.id());
            format!("{who}@{}:{}{}", l.on().1, l.grant.role_id, if l.grant.inherited { "+" } else { "" })
        };
        lines.iter().map(show).collect()
    }

    #[tokio::test]
    async fn grants_are_listed_as_given_and_as_they_take_effect() {
        on_both(async |store| {
            let mut tx = store.write().await.unwrap();
            plant(&mut tx).await;
            let some = |s: &str| Some(s.to_owned());
            let effect = || Filter { effective: true, ..Filter::default() };
            for (filter, expected) in [
                (Filter::default(), "g@d:s+ g@e:s u@p:r v@system:r"),
                (Filter { user_id: some("u"), ..Filter::default() }, "u@p:r"),
                (Filter { group_id: some("g"), inherited: Some(false), ..Filter::default() }, "g@e:s"),
                (Filter { project_id: some("p"), ..Filter::default() }, "u@p:r"),
                (Filter { domain_id: some("d"), ..Filter::default() }, "g@d:s+"),
                (Filter { system: true, ..Filter::default() }, "v@system:r"),
                (Filter { within: some("d"), ..Filter::default() }, "g@d:s+ u@p:r"),
                (effect(), "u@p:s+ u@q:s+ v@p:s+ v@q:s+ u@e:s v@e:s u@p:r v@system:r"),
                (Filter { user_id: some("u"), ..effect() }, "u@p:s+ u@q:s+ u@e:s u@p:r"),
                (Filter { project_id: some("q"), ..effect() }, "u@q:s+ v@q:s+"),
                (Filter { project_id: some("p"), ..effect() }, "u@p:s+ v@p:s+ u@p:r"),
                (
                    Filter { project_id: some("p"), subtree: true, user_id: some("u"), ..effect() },
                    "u@p:s+ u@q:s+ u@p:r",
                ),
                (Filter { role_id: some("r"), ..effect() }, "u@p:r v@system:r"),
                (Filter { inherited: Some(false), ..effect() }, "u@e:s v@e:s u@p:r v@system:r"),
                (Filter { domain_id: some("e"), ..effect() }, "u@e:s v@e:s"),
                (Filter { within: some("d"), ..effect() }, "u@p:s+ u@q:s+ v@p:s+ v@q:s+ u@p:r"),
            ] {
                let lines = list(&mut tx, &filter, None, 100).await.unwrap();
                assert_eq!(short(&lines).join(" "), expected, "{filter:?}");
                // From each line on, the rest follows.
                for (i, line) in lines.iter().enumerate() {
                    let rest = list(&mut tx, &filter, Some(&line.key()), 100).await.unwrap();
                    assert_eq!(rest, lines[i..], "{filter:?} from {i}");
                }
            }
        })
        .await;
    }

    #[tokio::test]
    async fn names_come_with_the_lines_when_they_are_asked_for() {
        on_both(async |store| {
            let mut tx = store.write().await.unwrap();
            plant(&mut tx).await;
            let domain = || Some(("d".to_owned(), "name of d".to_owned()));
            let filter = Filter { names: true, ..Filter::default() };
            let lines = list(&mut tx, &filter, None, 100).await.unwrap();
            assert_eq!(lines[0].actor_name, Some(Name { name: "name of g".into(), domain: domain() }));
            assert_eq!(lines[0].target_name, Some(Name { name: "name of d".into(), domain: None }));
            assert_eq!(lines[3].target_name, None);
            let effect = Filter { effective: true, ..filter };
            let lines = list(&mut tx, &effect, None, 100).await.unwrap();
            assert_eq!(lines[1].actor_name.as_ref().unwrap().name, "name of u");
            assert_eq!(lines[1].target_name, Some(Name { name: "name of q".into(), domain: domain() }));
            let roles = roles_and_implications(&mut tx).await.unwrap();
            assert_eq!(roles.implied["r"], ["s"]);
            assert_eq!(roles.by_id["s"], RoleName { name: "s".into(), domain: None });
        })
        .await;
    }
}
