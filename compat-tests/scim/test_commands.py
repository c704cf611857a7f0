"""`archstone tenant scim-token …`: an operator makes, lists and deletes the tokens of directories."""

import json

from directory import fault
from harness import eventually, unique


def test_tokens_at_the_command_line(sqlite_directory):
    """Printed once with the URL that it is for; of use at once; gone at once."""
    directory = sqlite_directory
    node, slug = directory.node, directory.tenant.slug
    made = json.loads(node.cli("tenant", "scim-token", "create", slug, "Okta", "--expires-in", "3600").stdout)
    assert made["scim_url"].endswith(f"/api/v1/tenants/{directory.tenant.id}/scim/v2") and made["expires_at"]
    assert directory.ask("GET", "/ServiceProviderConfig", token=made["token"]).status_code == 200
    listed = node.cli("tenant", "scim-token", "list", slug).stdout
    assert made["id"] in listed and "Okta" in listed and made["token"] not in listed
    shown = json.loads(node.cli("tenant", "scim-token", "list", slug, "--json").stdout)
    assert {t["name"] for t in shown} == {"Okta", "Directory"} and all("token" not in t for t in shown)
    node.cli("tenant", "scim-token", "delete", slug, made["id"])
    assert eventually(lambda: directory.ask("GET", "/Users", token=made["token"]).status_code == 401)
    fault(directory.ask("GET", "/Users", token=made["token"]), 401)
    for wrong in (["delete", slug, made["id"]], ["create", "nobody", "x"], ["create", slug, " "], ["create", slug, "x", "--expires-in", "0"]):
        refused = node.cli("tenant", "scim-token", *wrong, check=False)
        assert refused.returncode != 0 and "panicked" not in refused.stderr, refused.stderr


def test_ten_at_a_time_at_most(sqlite_directory):
    """So that one is found that nobody needs any more."""
    directory = sqlite_directory
    path = f"/api/v1/admin/tenants/{directory.tenant.id}/scim-tokens"
    statuses = [directory.node.request("POST", path, token=directory.node.admin_token, json={"name": unique()}).status_code for _ in range(10)]
    assert statuses == [201] * 9 + [409]
