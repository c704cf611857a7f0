"""The stock `openstack` command against a running service: what an administrator types."""

import re

import pytest

from harness import unique


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough here: each command costs two seconds, and the other clients' tests run on both."""
    return sqlite_archstone


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
    [entry] = archstone.openstack("catalog", "list")
    assert entry["Name"] == "keystone" and entry["Type"] == "identity"
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


def test_domains(archstone):
    name = unique("domain")
    created = archstone.openstack("domain", "create", "--description", "made by the client", name)
    assert created["name"] == name and created["enabled"] is True and created["description"] == "made by the client"
    assert archstone.openstack("domain", "show", name)["id"] == created["id"]
    assert created["id"] in [d["ID"] for d in archstone.openstack("domain", "list")]
    assert "403" in refused(archstone, "domain", "delete", name), "an enabled domain stays"
    archstone.openstack("domain", "set", "--disable", "--description", "off", name)
    shown = archstone.openstack("domain", "show", created["id"])
    assert shown["enabled"] is False and shown["description"] == "off"
    archstone.openstack("domain", "delete", name)
    assert "No Domain found" in refused(archstone, "domain", "show", name)


def test_users(archstone):
    domain, name = archstone.new_domain(), unique("user")
    created = archstone.openstack("user", "create", "--domain", domain["name"], "--password", "first-password", "--email", "u@example.com",
                                  "--description", "made by the client", name)
    assert created["name"] == name and created["domain_id"] == domain["id"] and created["enabled"] is True
    assert created["email"] == "u@example.com" and "password" not in created
    assert archstone.openstack("user", "show", "--domain", domain["name"], name)["id"] == created["id"]
    assert archstone.openstack("user", "list", "--domain", domain["name"]) == [{"ID": created["id"], "Name": name}]
    archstone.openstack("user", "set", "--domain", domain["name"], "--password", "second-password", "--description", "new", name)
    assert archstone.login({"id": created["id"]}, "first-password").status_code == 401
    assert archstone.login({"id": created["id"]}, "second-password").status_code == 201
    archstone.openstack("user", "set", "--disable", created["id"])
    assert archstone.openstack("user", "show", created["id"])["enabled"] is False
    archstone.openstack("user", "delete", created["id"])
    assert "No User found" in refused(archstone, "user", "show", created["id"])


def test_roles(archstone):
    name, renamed = unique("role"), unique("role")
    created = archstone.openstack("role", "create", "--description", "made by the client", name)
    assert created["name"] == name and created["domain_id"] is None
    assert archstone.openstack("role", "show", name)["id"] == created["id"]
    names = [r["Name"] for r in archstone.openstack("role", "list")]
    assert {"admin", "manager", "member", "reader", "service", "secu_admin", name} <= set(names)
    archstone.openstack("role", "set", "--name", renamed, name)
    assert archstone.openstack("role", "show", renamed)["id"] == created["id"]
    archstone.openstack("role", "delete", renamed)
    assert "No Role found" in refused(archstone, "role", "show", renamed)


def test_a_role_is_added_and_removed_on_a_domain(archstone):
    domain = archstone.new_domain()
    user = archstone.new_user(domain["id"])
    grant = ["--user", user["name"], "--user-domain", domain["name"], "--domain", domain["name"], "secu_admin"]
    archstone.openstack("role", "add", *grant)
    token = archstone.login({"id": user["id"]}, user["password"], domain=domain["id"])
    assert [r["name"] for r in token.json()["token"]["roles"]] == ["secu_admin"]
    archstone.openstack("role", "remove", *grant)
    assert archstone.login({"id": user["id"]}, user["password"], domain=domain["id"]).status_code == 401
