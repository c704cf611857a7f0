"""What a directory does counts at once, on every node (SCIM-5), for live sessions and live tokens."""

import json

import pytest

from directory import Directory
from harness import eventually, unique
from tenancy import PASSWORD, Tenant


def with_password(directory):
    """A user of the directory's who can sign in: an administrator has given them a password."""
    user = directory.user(unique(), externalId=unique("ext"), emails=[{"value": f"{unique()}@a.example", "primary": True}])
    directory.tenant.change_user(user["id"], password=PASSWORD)
    return user | {"name": user["userName"], "password": PASSWORD}


@pytest.mark.parametrize("way", ["patch", "put", "delete"])
def test_scim_5_sessions_and_tokens_end_at_once(directory, way):
    """A live session of the pages, its OAuth tokens, and a token of the Keystone face."""
    tenant, client = directory.tenant, directory.tenant.client()
    user = with_password(directory)
    tokens = client.sign_in({"id": user["id"], "name": user["name"], "password": PASSWORD}, scope="openid offline_access")
    keystone = directory.node.token({"id": user["id"]}, PASSWORD)
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    assert len(tenant.sessions(user_id=user["id"])) == 1
    one = f"/Users/{user['id']}"
    if way == "patch":
        assert directory.patch(one, {"op": "replace", "path": "active", "value": False}).status_code == 200
    elif way == "put":
        directory.expect(200, "PUT", one, {"userName": user["name"], "active": False})
    else:
        assert directory.ask("DELETE", one).status_code == 204
    assert tenant.userinfo(tokens["access_token"]).status_code == 401
    assert directory.node.validate(keystone).status_code == 404
    refreshed = client.ask(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.status_code == 400 and refreshed.json()["error"] == "invalid_grant"
    assert [s for s in tenant.sessions(user_id=user["id"]) if not s.get("terminated_at")] == []
    assert directory.node.login({"id": user["id"]}, PASSWORD).status_code == 401


def test_scim_5_on_another_node_within_a_second(pair):
    """Switched off at one node, out at the other; a group that is left takes its roles along."""
    directory = Directory(Tenant(pair[0]))
    user = with_password(directory)
    group = directory.group(unique("group"), user["id"])
    pair[0].grant(None, "member", domain=directory.tenant.id, group=group)
    token = pair[1].token({"id": user["id"]}, PASSWORD, domain=directory.tenant.id)
    assert pair[1].validate(token).status_code == 200
    remove = {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}
    assert directory.patch(f"/Groups/{group['id']}", remove).status_code == 204
    assert eventually(lambda: pair[1].validate(token).status_code == 404, 1.0)
    plain = pair[1].token({"id": user["id"]}, PASSWORD)
    assert directory.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"}).status_code == 200
    assert eventually(lambda: pair[1].validate(plain).status_code == 404, 1.0)
    # A token that is deleted at one node opens nothing at the other.
    assert directory.ask("GET", "/Users", node=pair[1]).status_code == 200
    gone = pair[0].request("DELETE", f"/api/v1/admin/tenants/{directory.tenant.id}/scim-tokens/{directory.token_id}", token=pair[0].admin_token)
    assert gone.status_code == 204 and directory.ask("GET", "/Users", node=pair[1]).status_code == 401


def test_every_change_is_on_the_audit_trail_without_secrets(directory):
    """Who, what and whom; nothing of the token."""
    user = directory.user(unique(), externalId="e")
    directory.patch(f"/Users/{user['id']}", {"op": "add", "path": "title", "value": "T"})
    trail = directory.node.expect(200, "GET", f"/v3/archstone/audit?target_id={user['id']}", token=directory.node.admin_token)
    text = json.dumps(trail)
    assert "user.create" in text and "user.update" in text and directory.token_id in text and "title" in text
    assert directory.token not in text and directory.token not in directory.node.log()
