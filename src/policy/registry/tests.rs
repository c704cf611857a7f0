//! Tests of `registry`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use super::super::rules::RuleSet;
use super::super::target::{Credentials, Target};
use super::*;

fn set() -> RuleSet {
    RuleSet::build(registry(), &[]).unwrap()
}

fn allows(set: &RuleSet, rule: &str, target: &Target, creds: &Value) -> bool {
    let creds = Credentials::new(creds.clone());
    set.fits_scope(rule, &creds) && set.decide_locally(rule, target, &creds).unwrap()
}

/// The caller with one role in one scope: `system`, `domain`, `project` or `none`.
fn caller(role: &str, scope: &str) -> Value {
    let mut creds = json!({"user_id": "u1", "user_domain_id": "d1", "roles": [role]});
    match scope {
        "system" => creds["system_scope"] = json!("all"),
        "domain" => {
            creds["domain_id"] = json!("d1");
            creds["token"] = json!({"domain": {"id": "d1"}});
        }
        "project" => {
            creds["project_id"] = json!("p1");
            creds["project_domain_id"] = json!("d1");
            creds["token"] = json!({"project": {"domain": {"id": "d1"}}});
        }
        _ => creds["roles"] = json!([]),
    }
    creds
}

#[test]
fn names_are_unique_and_every_default_is_sound() {
    let names: HashSet<&str> = registry().iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), registry().len());
    assert_eq!(set().diagnostics(), []);
    for rule in registry() {
        assert!(!rule.description.is_empty() && rule.description.ends_with('.'), "{}", rule.name);
        let of_routes = ["identity:", "sso:", "tenant:"].iter().any(|prefix| rule.name.starts_with(prefix));
        assert_eq!(of_routes, !rule.operations.is_empty(), "{}", rule.name);
    }
    for (alias, canonical) in ALIASES {
        assert!(names.contains(canonical) && !names.contains(alias), "{alias}");
    }
}

#[test]
fn the_policy_file_of_the_repository_is_the_sample() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/policy.yaml");
    if std::env::var_os("WRITE_POLICY_SAMPLE").is_some() {
        std::fs::write(&path, sample()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap();
    assert_eq!(written, sample(), "run this test with WRITE_POLICY_SAMPLE=1 to write the file again");
}

#[test]
fn the_sample_says_nothing_until_uncommented_and_then_the_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("policy.yaml");
    std::fs::write(&path, sample()).unwrap();
    assert_eq!(super::super::files::read(&path).unwrap().rules, []);
    std::fs::write(&path, sample().replace("\n#\"", "\n\"")).unwrap();
    let rules = super::super::files::read(&path).unwrap().rules;
    let expected: Vec<_> = registry().iter().map(|rule| (rule.name.to_owned(), rule.check.into())).collect();
    assert_eq!(rules, expected);
}

#[test]
fn the_examples_of_the_repository_are_policy_files_without_effect() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/policy.d");
    let files = super::super::files::survey(None, &[dir]).unwrap();
    assert!(!files.is_empty());
    assert!(super::super::files::read_all(&files).unwrap().iter().all(|layer| layer.rules.is_empty()));
}

#[test]
fn ks_pol_1_identity_provider_rules_by_persona() {
    let set = set();
    // Role, then whether it may write and read with a system, domain and project scope.
    let personas = [
        ("admin", [(true, true), (false, false), (true, true)]),
        ("secu_admin", [(true, true), (true, true), (true, true)]),
        ("manager", [(false, false), (false, false), (false, false)]),
        ("member", [(false, false), (false, false), (false, false)]),
        ("reader", [(false, true), (false, false), (false, false)]),
        ("service", [(false, false), (false, false), (false, false)]),
    ];
    for (role, expected) in personas {
        for (scope, (write, read)) in ["system", "domain", "project"].into_iter().zip(expected) {
            let creds = caller(role, scope);
            for verb in ["create", "update", "delete"] {
                let rule = format!("identity:{verb}_identity_provider");
                assert_eq!(allows(&set, &rule, &Target::new(), &creds), write, "{rule} {role} {scope}");
            }
            for rule in ["identity:list_identity_providers", "identity:get_identity_provider"] {
                assert_eq!(allows(&set, rule, &Target::new(), &creds), read, "{rule} {role} {scope}");
            }
        }
        assert!(
            !allows(&set, "identity:list_identity_providers", &Target::new(), &caller(role, "none")),
            "{role} unscoped"
        );
    }
}

#[test]
fn a_domain_admin_who_is_also_security_admin_may_manage_identity_providers() {
    let mut creds = caller("admin", "domain");
    assert!(!allows(&set(), "identity:create_identity_provider", &Target::new(), &creds));
    creds["roles"] = json!(["admin", "secu_admin"]);
    assert!(allows(&set(), "identity:create_identity_provider", &Target::new(), &creds));
}

#[test]
fn ks_pol_1_users_by_persona() {
    let set = set();
    let own = Target::stored("user", &json!({"id": "u2", "domain_id": "d1"}));
    let other = Target::stored("user", &json!({"id": "u3", "domain_id": "d2"}));
    let me = Target::stored("user", &json!({"id": "u1", "domain_id": "d9"}));
    for (role, scope, write, read, write_other, read_other) in [
        ("admin", "system", true, true, true, true),
        ("admin", "project", true, true, true, true),
        ("admin", "domain", true, true, true, true),
        ("manager", "domain", true, false, false, false),
        ("manager", "project", false, false, false, false),
        ("reader", "system", false, true, false, true),
        ("reader", "domain", false, true, false, false),
        ("reader", "project", false, false, false, false),
        ("secu_admin", "domain", false, false, false, false),
    ] {
        let creds = caller(role, scope);
        for rule in ["identity:create_user", "identity:update_user", "identity:delete_user"] {
            assert_eq!(allows(&set, rule, &own, &creds), write, "{rule} {role} {scope}");
            assert_eq!(allows(&set, rule, &other, &creds), write_other, "{rule} {role} {scope} other");
        }
        assert_eq!(allows(&set, "identity:get_user", &own, &creds), read, "{role} {scope}");
        assert_eq!(allows(&set, "identity:get_user", &other, &creds), read_other, "{role} {scope} other");
        assert!(allows(&set, "identity:get_user", &me, &creds), "{role} {scope} self");
    }
    let listing = Target::stored("domain_id", &json!("d1"));
    assert!(allows(&set, "identity:list_users", &listing, &caller("reader", "domain")));
    assert!(!allows(&set, "identity:list_users", &Target::new(), &caller("reader", "domain")));
    assert!(!allows(&set, "identity:list_users", &Target::new(), &caller("reader", "project")));
}

#[test]
fn ks_pol_1_grants_by_persona() {
    let set = set();
    let target = |user: &str, project: &str, role: Value| {
        Target::stored("user", &json!({"domain_id": user}))
            .and_stored("project", &json!({"domain_id": project}))
            .and_stored("role", &role)
    };
    let role = |name: &str| json!({"name": name, "domain_id": null});
    for (persona, scope, target, expected) in [
        ("admin", "project", target("d2", "d2", role("admin")), true),
        ("manager", "domain", target("d1", "d1", role("member")), true),
        ("manager", "domain", target("d1", "d1", role("admin")), false),
        ("manager", "domain", target("d1", "d1", role("secu_admin")), false),
        ("manager", "domain", target("d1", "d2", role("member")), false),
        ("manager", "domain", target("d2", "d1", role("member")), false),
        ("manager", "project", target("d1", "d1", role("member")), false),
        ("reader", "domain", target("d1", "d1", role("member")), false),
    ] {
        for rule in ["identity:create_grant", "identity:revoke_grant"] {
            assert_eq!(
                allows(&set, rule, &target, &caller(persona, scope)),
                expected,
                "{rule} {persona} {scope} {target:?}"
            );
        }
    }
    let own = target("d1", "d1", role("member"));
    assert!(allows(&set, "identity:check_grant", &own, &caller("reader", "domain")));
    assert!(allows(&set, "identity:list_grants", &own, &caller("reader", "domain")));
    assert!(!allows(&set, "identity:check_grant", &target("d1", "d2", role("member")), &caller("reader", "domain")));
    let foreign_role = json!({"name": "member", "domain_id": "d2"});
    assert!(!allows(&set, "identity:check_grant", &target("d1", "d1", foreign_role), &caller("reader", "domain")));
    let on_domain = Target::stored("user", &json!({"domain_id": "d1"}))
        .and_stored("domain", &json!({"id": "d1"}))
        .and_stored("role", &role("reader"));
    assert!(allows(&set, "identity:create_grant", &on_domain, &caller("manager", "domain")));
}

#[test]
fn ks_pol_1_domains_roles_tokens_and_events_by_persona() {
    let set = set();
    let nothing = Target::new();
    let domain = Target::stored("domain", &json!({"id": "d1"}));
    let other = Target::stored("domain", &json!({"id": "d2"}));
    let mine = Target::stored("token", &json!({"user_id": "u1"}));
    let theirs = Target::stored("token", &json!({"user_id": "u2"}));
    let member = Target::stored("role", &json!({"name": "member"}));
    for (rule, target, role, scope, expected) in [
        ("identity:create_domain", &nothing, "admin", "system", true),
        ("identity:create_domain", &nothing, "admin", "domain", false),
        ("identity:create_domain", &nothing, "reader", "system", false),
        ("identity:get_domain", &domain, "member", "domain", true),
        ("identity:get_domain", &domain, "member", "project", true),
        ("identity:get_domain", &other, "manager", "domain", false),
        ("identity:list_domains", &domain, "reader", "domain", true),
        ("identity:list_domains", &nothing, "reader", "project", false),
        ("identity:list_roles", &nothing, "manager", "domain", true),
        ("identity:list_roles", &nothing, "manager", "project", false),
        ("identity:list_roles", &nothing, "member", "domain", false),
        ("identity:get_role", &member, "manager", "project", true),
        ("identity:create_role", &nothing, "admin", "project", true),
        ("identity:create_role", &nothing, "admin", "domain", false),
        ("identity:create_domain_role", &nothing, "manager", "domain", false),
        ("identity:list_domain_roles", &nothing, "reader", "system", true),
        ("identity:validate_token", &theirs, "service", "project", true),
        ("identity:validate_token", &mine, "member", "project", true),
        ("identity:validate_token", &theirs, "member", "project", false),
        ("identity:check_token", &theirs, "service", "project", false),
        ("identity:revoke_token", &theirs, "reader", "system", false),
        ("identity:revoke_token", &mine, "none", "none", true),
        ("identity:list_revoke_events", &nothing, "service", "project", true),
        ("identity:list_revoke_events", &nothing, "service", "domain", false),
        ("identity:list_revoke_events", &nothing, "reader", "system", false),
        ("identity:list_audit_events", &nothing, "reader", "system", true),
        ("identity:list_audit_events", &nothing, "admin", "project", true),
        ("identity:list_audit_events", &nothing, "admin", "domain", false),
        ("identity:list_audit_events", &nothing, "secu_admin", "project", false),
        ("identity:get_auth_projects", &nothing, "none", "none", true),
        ("identity:get_auth_catalog", &nothing, "member", "domain", true),
    ] {
        assert_eq!(allows(&set, rule, target, &caller(role, scope)), expected, "{rule} {role} {scope}");
    }
}

#[test]
fn ks_pol_1_background_jobs_by_persona() {
    let set = set();
    for (role, scope, read, cancel) in [
        ("admin", "system", true, true),
        ("admin", "project", true, true),
        ("admin", "domain", false, false),
        ("reader", "system", true, false),
        ("reader", "project", false, false),
        ("manager", "domain", false, false),
        ("secu_admin", "domain", false, false),
        ("secu_admin", "project", false, false),
    ] {
        let creds = caller(role, scope);
        for (rule, expected) in [("sso:list_jobs", read), ("sso:get_job", read), ("sso:cancel_job", cancel)] {
            assert_eq!(allows(&set, rule, &Target::new(), &creds), expected, "{rule} {role} {scope}");
        }
    }
}

#[test]
fn huawei_action_names_are_the_identity_rules() {
    assert_eq!(canonical_name("iam:identityProviders:createIdentityProvider"), "identity:create_identity_provider");
    assert_eq!(canonical_name("identity:create_identity_provider"), "identity:create_identity_provider");
    assert_eq!(
        canonical_name("iam:identityproviders:createidentityprovider"),
        "iam:identityproviders:createidentityprovider"
    );
    let creds = caller("secu_admin", "domain");
    assert!(allows(&set(), "iam:identityProviders:createIdentityProvider", &Target::new(), &creds));
}

#[test]
fn ks_pol_2_to_5_hostile_requests_change_no_decision() {
    let set = set();
    let hostile = json!({
        "target": {"user": {"domain_id": "d1", "id": "u1"}, "token": {"user_id": "u1"}, "domain": {"id": "d1"}, "role": {"name": "member", "domain_id": null},
                   "project": {"domain_id": "d1"}, "domain_id": "d1"},
        "target.user.domain_id": "d1", "target.user.id": "u1", "target.token.user_id": "u1", "target.domain.id": "d1", "target.domain_id": "d1",
        "user_id": "u1", "domain_id": "d1", "is_admin": 1, "token": {"domain": {"id": "d1"}}, "roles": ["admin"],
    });
    let names = [
        "target.user.domain_id",
        "target.user.id",
        "target.token.user_id",
        "target.domain.id",
        "target.domain_id",
        "is_admin",
        "token",
        "target",
    ];
    let foreign = || {
        Target::stored("user", &json!({"id": "u9", "domain_id": "d9"}))
            .and_stored("token", &json!({"user_id": "u9"}))
            .and_stored("domain", &json!({"id": "d9"}))
            .and_stored("role", &json!({"name": "admin", "domain_id": "d9"}))
            .and_path("user_id", "u9")
    };
    for plain in [Target::new(), foreign()] {
        let attacked = plain.clone().and_body(&hostile).and_filters(names.map(|name| (name, "d1")));
        for rule in registry() {
            for role in ["admin", "manager", "member", "reader", "service", "secu_admin"] {
                for scope in ["system", "domain", "project", "none"] {
                    let creds = caller(role, scope);
                    assert_eq!(
                        allows(&set, rule.name, &plain, &creds),
                        allows(&set, rule.name, &attacked, &creds),
                        "{} {role} {scope}",
                        rule.name
                    );
                }
            }
        }
    }
}
