"""GET /v3/archstone/audit: one record for every change and every login, for administrators, without secrets."""

import json
import re

import pytest

from harness import DEFAULT_DOMAIN, unique

AUDIT = "/v3/archstone/audit"
IDPS = "/v3/OS-FEDERATION/identity_providers"


def events(archstone, query=""):
    """The audit events for this query, every page of them."""
    url, found = f"{AUDIT}?{query}", []
    while url:
        body = archstone.expect(200, "GET", url, token=archstone.admin_token)
        found += body["audit_events"]
        url = body["links"]["next"]
    return found


def of_request(archstone, answer):
    """The audit events of the request that gave this answer."""
    return events(archstone, f"request_id={answer.headers['x-openstack-request-id']}")


def test_a_change_is_recorded_with_who_what_outcome_and_request(archstone):
    idp_id = unique("idp")
    admin = archstone.validate(archstone.admin_token).json()["token"]
    calls = [("PUT", 201, "create"), ("PATCH", 200, "update"), ("DELETE", 204, "delete")]
    for method, status, verb in calls:
        body = None if method == "DELETE" else {"identity_provider": {"enabled": True}}
        answer = archstone.request(method, f"{IDPS}/{idp_id}", token=archstone.admin_token, json=body)
        assert answer.status_code == status
        [event] = [e for e in of_request(archstone, answer) if e["target"]["id"] == idp_id]
        assert event["action"] == f"identity_provider.{verb}"
        assert event["outcome"] == "success"
        assert event["request_id"] == answer.headers["x-openstack-request-id"]
        assert event["user"]["id"] == admin["user"]["id"]
        assert event["target"]["kind"] == "identity_provider"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["at"])


@pytest.mark.parametrize(("kind", "path"), [("user", "/v3/users"), ("domain", "/v3/domains"), ("role", "/v3/roles")])
def test_every_kind_of_object_is_recorded(archstone, kind, path):
    name = unique(kind)
    fields = {"name": name} | ({"domain_id": DEFAULT_DOMAIN} if kind == "user" else {})
    created = archstone.request("POST", path, token=archstone.admin_token, json={kind: fields})
    assert created.status_code == 201
    object_id = created.json()[kind]["id"]
    updated = archstone.request("PATCH", f"{path}/{object_id}", token=archstone.admin_token, json={kind: {"description": "x"}})
    if kind == "domain":
        archstone.request("PATCH", f"{path}/{object_id}", token=archstone.admin_token, json={kind: {"enabled": False}})
    deleted = archstone.request("DELETE", f"{path}/{object_id}", token=archstone.admin_token)
    for answer, verb in ((created, "create"), (updated, "update"), (deleted, "delete")):
        assert answer.ok, answer.text
        assert f"{kind}.{verb}" in [e["action"] for e in of_request(archstone, answer) if e["target"]["id"] == object_id]


def test_grants_are_recorded(archstone):
    domain = archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    path = f"/v3/domains/{domain}/users/{user['id']}/roles/{archstone.role_id('member')}"
    for method in ("PUT", "DELETE"):
        answer = archstone.request(method, path, token=archstone.admin_token)
        assert answer.status_code == 204
        [event] = of_request(archstone, answer)
        assert event["outcome"] == "success" and user["id"] in json.dumps(event)


def test_a_login_is_recorded(archstone):
    user = archstone.new_user()
    answer = archstone.login({"id": user["id"]}, user["password"])
    [event] = of_request(archstone, answer)
    assert event["outcome"] == "success"
    assert event["user"]["id"] == user["id"]
    assert event["remote"] == "127.0.0.1"


def test_a_failed_login_is_recorded_with_its_reason(archstone):
    user = archstone.new_user()
    wrong = archstone.login({"id": user["id"]}, "wrong")
    [event] = of_request(archstone, wrong)
    assert event["outcome"] == "failure" and event["reason"]
    name = unique("nobody")
    unknown = archstone.login(name, "wrong")
    [event] = of_request(archstone, unknown)
    assert event["outcome"] == "failure" and event["user"]["name"] == name


def test_a_refused_change_is_recorded(archstone):
    user, token = archstone.persona("member", domain=archstone.new_domain()["id"])
    answer = archstone.request("PUT", f"{IDPS}/{unique('idp')}", token=token, json={"identity_provider": {}})
    assert answer.status_code == 403
    [event] = of_request(archstone, answer)
    assert event["outcome"] == "failure" and event["user"]["id"] == user["id"]


def test_a_revocation_is_recorded(archstone):
    token = archstone.token(unscoped=True)
    answer = archstone.request("DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": token})
    assert len(of_request(archstone, answer)) == 1


def test_reading_is_not_recorded(archstone):
    answer = archstone.request("GET", IDPS, token=archstone.admin_token)
    assert of_request(archstone, answer) == []


def test_filters(archstone):
    user = archstone.new_user()
    archstone.login({"id": user["id"]}, user["password"])
    archstone.login({"id": user["id"]}, "wrong")
    mine = events(archstone, f"user_id={user['id']}")
    assert [e["outcome"] for e in mine].count("success") == 1
    assert {e["user"]["id"] for e in mine} == {user["id"]}
    failures = events(archstone, f"user_id={user['id']}&outcome=failure")
    assert len(failures) == 1
    assert events(archstone, f"user_id={user['id']}&action={failures[0]['action']}")
    assert events(archstone, f"user_id={user['id']}&action=nonsense.verb") == []
    created = events(archstone, f"target_id={user['id']}&action=user.create")
    assert len(created) == 1
    since = mine[0]["at"]
    assert events(archstone, f"user_id={user['id']}&since=2099-01-01T00:00:00.000000Z") == []
    assert events(archstone, f"user_id={user['id']}&since={since}")


def test_paging(archstone):
    user = archstone.new_user()
    for _ in range(5):
        archstone.login({"id": user["id"]}, user["password"])
    whole = events(archstone, f"user_id={user['id']}")
    assert len(whole) == 5
    assert events(archstone, f"user_id={user['id']}&limit=2") == whole
    assert archstone.request("GET", f"{AUDIT}?limit=abc", token=archstone.admin_token).status_code == 400


@pytest.mark.parametrize("role", ["member", "manager", "secu_admin"])
def test_only_administrators_read_it(archstone, role):
    _, token = archstone.persona(role, project=archstone.new_project())
    assert archstone.request("GET", AUDIT, token=token).status_code == 403
    assert archstone.request("GET", AUDIT).status_code == 401


def test_sec_log_1_no_secret_is_in_records_or_log(archstone):
    canary = unique("canary-secret")
    user = archstone.new_user(password=canary)
    login = archstone.login({"id": user["id"]}, canary)
    token = login.headers["X-Subject-Token"]
    archstone.login({"id": user["id"]}, canary + "-wrong")
    archstone.expect(200, "PATCH", f"/v3/users/{user['id']}", token=archstone.admin_token, json={"user": {"password": canary + "-new"}})
    archstone.request("POST", "/v3/auth/tokens", data=f'{{"auth": "{canary}"', headers={"Content-Type": "application/json"})
    archstone.request("GET", "/v3/users", headers={"Authorization": f"Bearer {canary}"})
    archstone.request("GET", "/v3/users", token=canary)
    for text in (json.dumps(events(archstone, f"user_id={user['id']}")), json.dumps(events(archstone, f"target_id={user['id']}")),
                 archstone.log()):
        assert canary not in text
        assert token not in text


def test_sec_log_1_line_breaks_and_escapes_of_a_user_are_escaped_in_the_log(archstone):
    mark = unique("name")
    archstone.login(f"{mark}\r\nERROR forged line\x1b[31m", "wrong")
    for line in archstone.log().splitlines():
        assert not line.startswith("ERROR forged line")
    assert "forged line\x1b[31m" not in archstone.log()


def test_every_record_is_in_the_log_too(archstone):
    idp_id = unique("idp")
    answer = archstone.request("PUT", f"{IDPS}/{idp_id}", token=archstone.admin_token, json={"identity_provider": {}})
    assert answer.status_code == 201
    lines = [line for line in archstone.log().splitlines() if answer.headers["x-openstack-request-id"] in line]
    assert any("identity_provider.create" in line and idp_id in line for line in lines)
