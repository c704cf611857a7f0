//! Users who exist by themselves and whom SAML only names (Huawei's `iam_user_sso`, keystone-api §2.5): the identity provider
//! says by which name another source knows them.

use std::collections::BTreeSet;

use super::route::Route;
use crate::error::{Error, Result};
use crate::model::assertion::Assertion;
use crate::model::identity_provider::SsoType;
use crate::model::mapping_engine::{Mapped, MappedUser, UserKind};
use crate::service::App;
use crate::store;

/// The attribute with that name.
const ATTRIBUTE: &str = "IAM_SAML_Attributes_xUserId";

/// Who is named, where users exist already; `None` where a mapping says who it is.
pub(super) async fn find(app: &App, route: &Route, assertion: &Assertion, by_saml: bool) -> Result<Option<Mapped>> {
    if route.idp.sso_type != SsoType::IamUser || route.mapping.is_some() || !by_saml {
        return Ok(None);
    }
    let Some([named]) = assertion.get(ATTRIBUTE) else {
        return Err(Error::unauthorized(format!("the attribute '{ATTRIBUTE}' must have one value")));
    };
    let (domain_id, mut conn) = (&route.idp.domain_id, app.store.read().await?);
    let mut found = store::user::list_by_external_id(&mut conn, domain_id, named, 2).await?;
    // An older node that writes a user does not know of the column.
    found.retain(|identity| identity.user.external_id() == named);
    let [one] = found.as_slice() else {
        let how = if found.is_empty() { "no user" } else { "more than one user" };
        return Err(Error::unauthorized(format!("{how} of the domain has the 'xuser_id' of the assertion")));
    };
    Ok(Some(Mapped {
        user: Some(MappedUser {
            id: Some(one.user.id.clone()),
            name: None,
            email: None,
            domain: None,
            kind: UserKind::Local,
        }),
        default_domain: None,
        group_ids: BTreeSet::new(),
        group_names: BTreeSet::new(),
        projects: Vec::new(),
        warnings: Vec::new(),
    }))
}
