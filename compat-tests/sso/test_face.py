"""The face itself: errors in its own form, what every answer has, the audit trail (sso-api.md 1, 6.7, 6.9)."""

import json

import pytest

from harness import unique
from sso_bodies import oidc
from sso_calls import BASE, CONFIGURATIONS, DRAFT, JOBS, JSON, PROBE, path_of, problem, project_person, send


@pytest.mark.parametrize(
    "path",
    [
        f"{CONFIGURATIONS}/0123456789abcdef0123456789abcdef",
        f"{CONFIGURATIONS}/sso-cfg-001",
        f"{CONFIGURATIONS}/%20",
        f"{CONFIGURATIONS}/{'x' * 300}",
        f"{BASE}/nothing",
        f"{BASE}",
        "/api/v1",
        "/api/v1/nothing",
        f"{CONFIGURATIONS}/a/b/c",
        f"{JOBS}/nothing",
        f"{CONFIGURATIONS}/..%2f..%2fv3",
    ],
)
def test_what_is_not_there(one, path):
    problem(send(one, "GET", path), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_configuration_that_is_not_there(one, method):
    body = None if method == "DELETE" else {"displayName": "x"}
    problem(send(one, method, path_of(unique("nothing")), body), 404)
    for action in ("test", "previewDelete"):
        problem(send(one, "POST", path_of(unique("nothing"), action), {}), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", CONFIGURATIONS, {"GET", "POST"}),
        ("DELETE", CONFIGURATIONS, {"GET", "POST"}),
        ("PATCH", CONFIGURATIONS, {"GET", "POST"}),
        ("POST", f"{CONFIGURATIONS}/x", {"GET", "PUT", "PATCH", "DELETE"}),
        ("GET", PROBE, {"POST"}),
        ("GET", f"{CONFIGURATIONS}/x/previewDelete", {"POST"}),
        ("DELETE", f"{CONFIGURATIONS}/x/test", {"POST"}),
        ("POST", JOBS, {"GET"}),
        ("GET", f"{JOBS}/x/cancel", {"POST"}),
        ("PUT", f"{JOBS}/x", {"GET"}),
    ],
)
def test_a_method_that_a_path_does_not_have(one, method, path, allowed):
    answer = send(one, method, path, {})
    problem(answer, 405)
    named = {m.strip() for m in answer.headers["Allow"].split(",")}
    assert allowed <= named and not {"PUT", "DELETE", "POST", "PATCH"} & named - allowed


@pytest.mark.parametrize(
    "text", ["", "{", "{]", "nothing", '{"a": 1,}', '{"displayName": "\ud800"}', "[" * 20_000, '{"a": NaN}', '{"a": 1} x', "\xff"]
)
def test_a_body_that_is_no_json(one, made, text):
    data = text.encode("utf-8", "surrogatepass") if text != "\xff" else b"\xff\xfe"
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made(one))), ("POST", PROBE), ("POST", DRAFT)):
        problem(one.request(method, path, token=one.admin_token, data=data, headers=JSON), 400)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"]
)
def test_a_body_of_another_kind(one, made, kind):
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made(one))), ("POST", PROBE)):
        answer = one.request(method, path, token=one.admin_token, data=json.dumps(oidc()), headers={"Content-Type": kind})
        assert problem(answer, 415)["code"] == "SYS.1004"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_body_of_the_right_kind(one, kind):
    answer = one.request("POST", CONFIGURATIONS, token=one.admin_token, data=json.dumps(oidc()), headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"


def test_a_body_that_is_too_large(one, made):
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made(one)))):
        answer = one.request(
            method, path, token=one.admin_token, data=json.dumps(oidc() | {"filler": "x" * 120_000}), headers=JSON
        )
        assert problem(answer, 413)["code"] == "SYS.1003"


def test_answers_are_not_kept_and_have_the_request_id_of_the_log(one, made):
    answer = send(one, "GET", path_of(made(one)))
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Request-ID"]
    failed = send(one, "PUT", path_of(made(one)), {"displayName": 7})
    assert failed.headers["X-Request-ID"] != answer.headers["X-Request-ID"]
    assert failed.headers["X-Request-ID"] == failed.headers["x-openstack-request-id"]


def test_head_is_get_without_a_body(one, made):
    for path in (CONFIGURATIONS, path_of(made(one))):
        answer = send(one, "HEAD", path)
        assert answer.status_code == 200 and not answer.content

# -- the audit trail -----------------------------------------------------------------------------------------------------------


def events_of(archstone, answer):
    """The audit events of the request that gave this answer."""
    found = archstone.expect(
        200, "GET", f"/v3/archstone/audit?request_id={answer.headers['x-openstack-request-id']}", token=archstone.admin_token
    )
    return found["audit_events"]


def test_every_change_test_and_probe_is_recorded(archstone):
    """Changes with the names of the fields, not their values."""
    made = send(archstone, "POST", CONFIGURATIONS, oidc())
    path = path_of(made.json())
    calls = {
        "create": made,
        "update": send(archstone, "PUT", path, {"displayName": "a-value-of-mine", "oidcConfig": {"scope": "openid of-mine"}}),
        "test": send(archstone, "POST", path + "/test", {}, timeout=30),
        "probe": send(archstone, "POST", PROBE, {"issuer": "https://idp.example.com"}),
        "delete": send(archstone, "DELETE", path),
    }
    for verb, answer in calls.items():
        found = [e for e in events_of(archstone, answer) if e["action"].startswith("sso") and e["action"].endswith(verb)]
        assert len(found) == 1, (verb, events_of(archstone, answer))
        [event] = found
        assert event["user"]["name"] == "admin" and event["remote"] == "127.0.0.1"
        if verb != "probe":
            assert event["target"]["id"] == made.json()["uuid"]
        text = json.dumps(event)
        assert "a-value-of-mine" not in text and "of-mine" not in text
        if verb == "update":
            assert "displayName" in text and "scope" in text, event


def test_what_was_refused_is_recorded(archstone):
    token = project_person(archstone, "member")
    answer = send(archstone, "POST", CONFIGURATIONS, oidc(), token)
    [event] = [e for e in events_of(archstone, answer) if e["action"].startswith("sso")]
    assert event["outcome"] == "failure"
