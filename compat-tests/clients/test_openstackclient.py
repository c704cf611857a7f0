"""The stock `openstack` command: tokens, versions, the catalog, identity providers; the rest is in `test_osc_….py`."""

import re

from harness import unique


def refused(archstone, *args, env=None):
    """Runs a command that must fail; its standard error."""
    done = archstone.openstack_process(*args, env=env)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_token_issue(archstone):
    token = archstone.openstack("token", "issue")
    assert set(token) == {"expires", "id", "project_id", "user_id"}
    assert archstone.validate(token["id"]).status_code == 200
    archstone.openstack("token", "revoke", token["id"])
    assert archstone.validate(token["id"]).status_code == 404


def test_token_issue_for_the_system_and_a_domain(archstone):
    env = {k: v for k, v in archstone.admin_env().items() if "PROJECT" not in k}
    assert archstone.openstack("token", "issue", env=env | {"OS_SYSTEM_SCOPE": "all"})["system"] == "all"
    domain = archstone.new_domain()
    user = archstone.new_user(domain["id"])
    archstone.grant(user, "member", domain=domain["id"])
    mine = env | {"OS_USERNAME": user["name"], "OS_PASSWORD": user["password"], "OS_USER_DOMAIN_ID": domain["id"], "OS_DOMAIN_NAME": domain["name"]}
    assert archstone.openstack("token", "issue", env=mine)["domain_id"] == domain["id"]


def test_a_wrong_password_is_told_as_such(archstone):
    user = archstone.new_user()
    env = archstone.admin_env() | {"OS_USERNAME": user["name"], "OS_PASSWORD": "wrong"}
    assert "HTTP 401" in refused(archstone, "token", "issue", env=env)


def test_catalog(archstone):
    [entry] = [row for row in archstone.openstack("catalog", "list") if row["Type"] == "identity"]
    assert entry["Name"] == "keystone"
    assert {e["interface"]: e["url"] for e in entry["Endpoints"]} == {i: archstone.auth_url for i in ("public", "internal", "admin")}
    assert archstone.openstack("catalog", "show", "identity")["name"] == "keystone"


def test_versions(archstone):
    [version] = [v for v in archstone.openstack("versions", "show", "--service", "identity") if v["Version"] == "3.14"]
    assert version["Status"] == "CURRENT"
    assert version["Endpoint"] == f"{archstone.url}/v3/"


def test_an_identity_provider_from_creation_to_deletion(archstone):
    name, first, second = unique("acme"), unique("https://b"), unique("https://a")
    created = archstone.openstack("identity", "provider", "create", "--remote-id", first, "--remote-id", second,
                                  "--authorization-ttl", "30", "--description", "Stores ACME identities.", "--disable", name)
    assert created["id"] == name and created["authorization_ttl"] == 30 and created["enabled"] is False
    assert sorted(created["remote_ids"]) == sorted([first, second]) and created["description"] == "Stores ACME identities."
    assert re.fullmatch("[0-9a-f]{32}", created["domain_id"])
    assert archstone.openstack("identity", "provider", "show", name) == created | {"remote_ids": sorted(created["remote_ids"])}
    listed = archstone.openstack("identity", "provider", "list")
    assert {"ID": name, "Enabled": False, "Domain ID": created["domain_id"], "Description": "Stores ACME identities."} in listed
    archstone.openstack("identity", "provider", "set", "--enable", "--description", "new", "--remote-id", second, "--authorization-ttl", "5", name)
    shown = archstone.openstack("identity", "provider", "show", name)
    assert shown == created | {"enabled": True, "description": "new", "remote_ids": [second], "authorization_ttl": 5}
    assert [p["ID"] for p in archstone.openstack("identity", "provider", "list", "--id", name)] == [name]
    assert name in [p["ID"] for p in archstone.openstack("identity", "provider", "list", "--enabled")]
    assert "409" in refused(archstone, "identity", "provider", "create", name)
    archstone.openstack("identity", "provider", "delete", name)
    refused(archstone, "identity", "provider", "show", name)
    assert archstone.openstack("identity", "provider", "list", "--id", name) == []


def test_an_identity_provider_in_a_domain_that_exists(archstone):
    domain = archstone.new_domain()
    created = archstone.openstack("identity", "provider", "create", "--domain", domain["name"], unique("acme"))
    assert created["domain_id"] == domain["id"] and created["enabled"] is True


def test_a_security_administrator_manages_the_own_accounts_identity_providers(archstone):
    domain = archstone.new_domain()
    user, _ = archstone.persona("secu_admin", domain=domain["id"])
    env = {k: v for k, v in archstone.admin_env().items() if "PROJECT" not in k}
    env |= {"OS_USERNAME": user["name"], "OS_PASSWORD": user["password"], "OS_USER_DOMAIN_ID": domain["id"], "OS_DOMAIN_ID": domain["id"]}
    name = unique("acme")
    assert archstone.openstack("identity", "provider", "create", name, env=env)["domain_id"] == domain["id"]
    assert [p["ID"] for p in archstone.openstack("identity", "provider", "list", env=env)] == [name]
    archstone.openstack("identity", "provider", "delete", name, env=env)
    assert "403" in refused(archstone, "user", "list", env=env)


def test_where_one_can_go(archstone):
    domain = archstone.new_domain()
    user, group = archstone.new_user(domain["id"]), archstone.new_group(domain["id"])
    archstone.expect(204, "PUT", f"/v3/groups/{group['id']}/users/{user['id']}", token=archstone.admin_token)
    mine, shared = archstone.new_project(domain["id"]), archstone.new_project(domain["id"])
    archstone.grant(user, "member", project=mine)
    archstone.grant(None, "reader", project=shared, group=group)
    archstone.grant(None, "reader", domain=domain["id"], group=group)
    env = archstone.user_env(user)
    assert {row["ID"] for row in archstone.openstack("federation", "project", "list", env=env)} == {mine, shared}
    assert archstone.openstack("federation", "domain", "list", env=env) == [
        {"ID": domain["id"], "Enabled": True, "Name": domain["name"], "Description": ""}]
