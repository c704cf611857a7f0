//! What an application may do with each scope, in words for people (OpenID Connect Core §5.4).

/// Something that an application may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// In short.
    pub what: String,
    /// What that means.
    pub more: Option<String>,
}

/// What scopes come to; each once.
pub fn grants(scopes: &[String]) -> Vec<Grant> {
    let mut all: Vec<Grant> = Vec::new();
    for grant in scopes.iter().filter(|s| !s.is_empty()).map(|scope| grant(scope)) {
        if !all.contains(&grant) {
            all.push(grant);
        }
    }
    all
}

fn grant(scope: &str) -> Grant {
    let of =
        |what: &str, more: &str| Grant { what: what.to_owned(), more: Some(more.to_owned()).filter(|m| !m.is_empty()) };
    match scope {
        "openid" => of("know that it is you", "An id of you that stays the same."),
        "profile" => of("see your profile", "Your name and your user name."),
        "email" => of("see your e-mail address", ""),
        "phone" => of("see your telephone number", ""),
        "address" => of("see your postal address", ""),
        "groups" => of("see your groups", "The names of the groups that you belong to."),
        "roles" => of("see your roles", "What you may do, and where."),
        "offline_access" => {
            of("stay connected", "Also while you are not there, until you sign out everywhere or withdraw it.")
        }
        "openstack" => of("act for you in the cloud", "With all that you may do in your own project."),
        _ => match scope.split_once(':').map(|(kind, rest)| (kind, rest.split_once(':'))) {
            Some(("openstack", Some(("project", id)))) => {
                of("act for you in a project of the cloud", &format!("With all that you may do in project {id}."))
            }
            Some(("openstack", Some(("domain", id)))) => {
                of("act for you in a domain of the cloud", &format!("With all that you may do in domain {id}."))
            }
            _ => of("use what it calls", scope),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_told_in_words_and_unknown_ones_by_their_name() {
        let scopes = ["openid", "email", "email", "openstack:project:p-1", "invoices.read", ""].map(str::to_owned);
        let grants = grants(&scopes);
        let told: Vec<_> = grants.iter().map(|g| (g.what.as_str(), g.more.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("know that it is you", Some("An id of you that stays the same.")),
                ("see your e-mail address", None),
                ("act for you in a project of the cloud", Some("With all that you may do in project p-1.")),
                ("use what it calls", Some("invoices.read")),
            ]
        );
    }
}
