"""Which tests of tempest and of keystone-tempest-plugin are asked of a node, by family, and which are not yet, and why.

`test_tempest.py` holds that the two lists together name every test module of both packages.
"""

ADMIN = "tempest.api.identity.admin.v3."
USER = "tempest.api.identity.v3."
RBAC = "keystone_tempest_plugin.tests.rbac.v3."
FEDERATION = "keystone_tempest_plugin.tests.api.identity.v3."
SCENARIO = "keystone_tempest_plugin.tests.scenario."

# What is installed for tests of the identity service: everything below these packages is in one of the lists.
PACKAGES = ("tempest.api.identity", "keystone_tempest_plugin.tests")

# Every test of these modules must pass.
FAMILIES = {
    "domains": [f"{ADMIN}test_domains", f"{ADMIN}test_domains_negative", f"{ADMIN}test_default_project_id",
                f"{USER}test_domains"],
    "projects": [f"{ADMIN}test_projects", f"{ADMIN}test_projects_negative", f"{ADMIN}test_list_projects",
                 f"{USER}test_projects"],
    "project tags": [f"{ADMIN}test_project_tags"],
    "users": [f"{ADMIN}test_users", f"{ADMIN}test_users_negative", f"{ADMIN}test_list_users", f"{USER}test_users"],
    "groups": [f"{ADMIN}test_groups"],
    "roles": [f"{ADMIN}test_roles"],
    "inherits": [f"{ADMIN}test_inherits"],
    "regions": [f"{ADMIN}test_regions"],
    "services": [f"{ADMIN}test_services"],
    "endpoints": [f"{ADMIN}test_endpoints", f"{ADMIN}test_endpoints_negative"],
    "tokens": [f"{ADMIN}test_tokens", f"{USER}test_tokens"],
    "catalog": [f"{USER}test_catalog"],
    "API discovery": [f"{USER}test_api_discovery"],
    "federation": [f"{FEDERATION}test_identity_providers", f"{FEDERATION}test_mapping_rules", f"{FEDERATION}test_service_providers"],
} | {
    # Every persona: admin, member, reader on the system; admin, manager, member, reader on a domain and on a project.
    f"rbac {name.replace('_', ' ')}": [f"{RBAC}test_{name}"]
    for name in ("domain", "project", "project_tag", "user", "group", "role", "implied_role", "grant", "role_assignment",
                 "service", "endpoint", "region", "token", "identity_provider", "mapping", "protocol", "service_provider")
}

# Modules that are not asked, and why: nearly all wait for their capability.
LATER = {
    f"{ADMIN}test_application_credentials": "application credentials",
    f"{USER}test_application_credentials": "application credentials",
    f"{USER}test_access_rules": "access rules of application credentials",
    f"{ADMIN}test_credentials": "credentials",
    f"{USER}test_ec2_credentials": "EC2 credentials",
    f"{ADMIN}test_trusts": "trusts",
    f"{ADMIN}test_oauth_consumers": "OAuth 1.0",
    f"{ADMIN}test_policies": "stored policies",
    f"{ADMIN}test_domain_configuration": "domain configuration",
    f"{ADMIN}test_endpoint_groups": "endpoint groups",
    f"{RBAC}test_access_rule": "access rules of application credentials",
    f"{RBAC}test_application_credential": "application credentials",
    f"{RBAC}test_consumer": "OAuth 1.0",
    f"{RBAC}test_credential": "credentials",
    f"{RBAC}test_domain_config": "domain configuration",
    f"{RBAC}test_ec2_credential": "EC2 credentials",
    f"{RBAC}test_endpoint_group": "endpoint groups",
    f"{RBAC}test_limit": "limits",
    f"{RBAC}test_policy": "stored policies",
    f"{RBAC}test_policy_association": "stored policies",
    f"{RBAC}test_project_endpoint": "endpoint groups",
    f"{RBAC}test_registered_limit": "limits",
    f"{RBAC}test_trust": "trusts",
    f"{FEDERATION}test_oauth1_tokens": "OAuth 1.0",
    f"{SCENARIO}test_federated_authentication": "federation: a SAML identity provider",
    f"{SCENARIO}test_oidc_federated_authentication": "federation: an OpenID Connect identity provider",
}


def problems(outcomes):
    """What is not as it should be: whatever did not pass. No test of the families has a reason to skip itself."""
    return [outcome for outcome in outcomes if outcome.outcome != "passed"]
