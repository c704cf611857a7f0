//! Who acts when a user does: themselves and their groups, as the head of larger statements.

use super::sql::Sql;
use crate::model::holder::Holder;

impl Sql {
    /// Adds `actors (kind, id) AS (…)`: the user, the groups they are in, those that an identity provider puts them in until
    /// a time that has not come, and those that the token carries if that membership still stands.
    pub(super) fn actors(self, holder: &Holder<'_>) -> Self {
        let mut sql = self
            .push_bind("actors (kind, id) AS (SELECT 'user', ", holder.user_id)
            .push_bind(" UNION SELECT 'group', group_id FROM group_members WHERE user_id = ", holder.user_id)
            .push_bind(" UNION SELECT 'group', group_id FROM expiring_group_members WHERE user_id = ", holder.user_id)
            .push_bind(" AND (expires_at > ", holder.now.0);
        if let Some(federated) = holder.federated.filter(|f| !f.group_ids.is_empty()) {
            sql = sql.push_bind(" OR (idp_id = ", &federated.idp_id);
            sql = sql.push_in(" AND group_id IN ", &federated.group_ids).push(")");
        }
        sql.push("))")
    }
}
