//! Which roles reach beyond the domain that they are held on.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::store::{self, Conn};

/// Roles that make somebody an administrator of more than one domain.
const BEYOND: [&str; 2] = ["admin", "secu_admin"];

/// Whether a role is one of those, or implies one.
pub(super) async fn is_beyond_domain(conn: &mut Conn, role_id: &str) -> Result<bool> {
    let all = store::assignment::roles_and_implications(conn).await?;
    let mut seen = BTreeSet::new();
    let mut next = vec![role_id.to_owned()];
    while let Some(id) = next.pop() {
        if all.by_id.get(&id).is_some_and(|r| BEYOND.contains(&r.name.as_str())) {
            return Ok(true);
        }
        if seen.insert(id.clone()) {
            next.extend(all.implied.get(&id).into_iter().flatten().cloned());
        }
    }
    Ok(false)
}
