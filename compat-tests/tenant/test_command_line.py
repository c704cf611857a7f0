"""`archstone tenant …` and `archstone tenant-keys …` (tenant-login sections 9.6 and 12)."""

import json
import time

from harness import unique
from peers.jose import decode
from tenancy import Tenant


def cli(node, *args, stdin=""):
    """A command that must work; what it printed as JSON."""
    done = node.cli(*args, stdin=stdin)
    return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout


def soon(holds):
    """A running node hears within a second of what the command line did."""
    deadline = time.monotonic() + 2
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_command_line_does_the_same(launch, settings):
    """A tenant comes, changes and goes while the node serves."""
    node = launch("sqlite", settings)
    slug = unique("cli")
    made = cli(node, "tenant", "create", slug)
    shown = cli(node, "tenant", "show", slug)
    assert slug in json.dumps(made) and slug in json.dumps(shown)
    assert slug in json.dumps(cli(node, "tenant", "list"))
    idps = f"/api/v1/auth/tenants/{slug}/federation/idps"
    soon(lambda: node.request("GET", idps).status_code == 200)
    cli(node, "tenant", "update", slug, "--set", "settings.local_login=false")
    soon(lambda: not node.request("GET", idps).json()["local_login_enabled"])
    refused = node.cli("tenant", "create", "Not a slug", check=False)
    assert refused.returncode != 0 and "slug" in refused.stderr and "panicked" not in refused.stderr
    cli(node, "tenant", "delete", slug)
    assert slug not in json.dumps(cli(node, "tenant", "list"))


def test_keys_come_and_go(launch, settings):
    """The next key is published beside the one before; what a key signed that is taken away is void."""
    node = launch("sqlite", settings)
    tenant = Tenant(node)
    client, user = tenant.client(), tenant.user()
    before = client.sign_in(user)["access_token"]
    old = decode(before)[0]["kid"]
    states = {k["kid"]: k["state"] for k in cli(node, "tenant-keys", "list", tenant.slug, "--json")}
    assert states[old] == "signs" and states.keys() == tenant.keys().keys()
    rotated = cli(node, "tenant-keys", "rotate", tenant.slug, "--alg", "es256", "--after", "0", "--json")
    [new] = [k["kid"] for k in rotated if k["kid"] not in states]
    soon(lambda: new in tenant.keys())
    after = client.sign_in(user)["access_token"]
    assert decode(after)[0]["kid"] == new and old in tenant.keys()
    assert tenant.userinfo(before).status_code == tenant.userinfo(after).status_code == 200
    cli(node, "tenant-keys", "revoke", tenant.slug, old)
    soon(lambda: tenant.userinfo(before).status_code == 401)
    assert tenant.userinfo(after).status_code == 200 and old not in tenant.keys()
    for wrong, field in ((["list", "nobody"], "nant"), (["rotate", tenant.slug, "--alg", "none"], "alg"), (["revoke", tenant.slug, "x"], "key")):
        refused = node.cli("tenant-keys", *wrong, check=False)
        assert refused.returncode != 0 and field in refused.stderr.lower() and "panicked" not in refused.stderr, refused.stderr
