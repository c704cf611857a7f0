"""POST, GET, HEAD and DELETE /v3/auth/tokens: methods, scopes, bodies, errors, rescoping and revocation."""

import base64
import http.client
import os
import re
import time

import msgpack
import pytest
from cryptography.fernet import Fernet

from harness import ADMIN_PASSWORD, DEFAULT_DOMAIN, eventually, unique

ADMIN_PROJECT = {"name": "admin", "domain": {"id": DEFAULT_DOMAIN}}
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
UNAUTHORIZED = "The request you have made requires authentication."


def error(answer, code):
    """The member `error` of an answer that must have this code."""
    assert answer.status_code == code, f"{answer.status_code}: {answer.text[:1000]}"
    body = answer.json()["error"]
    assert body["code"] == code and body["message"]
    return body


def auth(archstone, body):
    """POST of exactly this body."""
    return archstone.request("POST", "/v3/auth/tokens", json=body)


def password_of(user, password):
    return {"methods": ["password"], "password": {"user": user | {"password": password}}}


# -- issuing: methods and scopes --------------------------------------------------------------------------------------------


def test_password_without_scope_gives_an_unscoped_token(archstone):
    user = archstone.new_user()
    answer = archstone.login({"id": user["id"]}, user["password"])
    assert answer.status_code == 201
    assert answer.headers["X-Subject-Token"]
    token = answer.json()["token"]
    assert set(token) == {"methods", "user", "audit_ids", "issued_at", "expires_at"}
    assert token["methods"] == ["password"]
    assert token["user"] == {"id": user["id"], "name": user["name"], "domain": {"id": "default", "name": "Default"},
                             "password_expires_at": None}
    assert len(token["audit_ids"]) == 1
    assert len(base64.urlsafe_b64decode(token["audit_ids"][0] + "==")) == 16
    assert re.fullmatch(STAMP, token["issued_at"]) and re.fullmatch(STAMP, token["expires_at"])
    assert token["issued_at"] < token["expires_at"]


@pytest.mark.parametrize("reference", [
    lambda user: {"id": user["id"]},
    lambda user: {"name": user["name"], "domain": {"id": "default"}},
    lambda user: {"name": user["name"], "domain": {"name": "Default"}},
])
def test_the_user_may_be_named_by_id_or_by_name_and_domain(archstone, reference):
    user = archstone.new_user()
    answer = archstone.login(reference(user), user["password"])
    assert answer.json()["token"]["user"]["id"] == user["id"]


@pytest.mark.parametrize("domain", [{"id": "default"}, {"name": "Default"}])
def test_project_scope(archstone, domain):
    answer = archstone.login(project={"name": "admin", "domain": domain})
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert token["project"]["name"] == "admin"
    assert token["project"]["domain"] == {"id": "default", "name": "Default"}
    assert token["is_domain"] is False
    assert {role["name"] for role in token["roles"]} == {"admin", "manager", "member", "reader"}
    assert all(set(role) == {"id", "name"} for role in token["roles"])
    assert token["catalog"]
    assert not {"domain", "system"} & set(token)
    by_id = archstone.login(project=token["project"]["id"]).json()["token"]
    assert by_id["project"] == token["project"]


@pytest.mark.parametrize("by", ["id", "name"])
def test_domain_scope(archstone, by):
    domain = archstone.new_domain()
    user = archstone.new_user(domain["id"])
    archstone.grant(user, "member", domain=domain["id"])
    token = archstone.login({"id": user["id"]}, user["password"], domain={by: domain[by]}).json()["token"]
    assert token["domain"] == {"id": domain["id"], "name": domain["name"]}
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["catalog"]
    assert not {"project", "system", "is_domain"} & set(token)


def test_system_scope(archstone):
    token = archstone.login(system=True).json()["token"]
    assert token["system"] == {"all": True}
    assert {role["name"] for role in token["roles"]} == {"admin", "manager", "member", "reader"}
    assert token["catalog"]
    assert not {"project", "domain", "is_domain"} & set(token)


def test_a_user_with_a_usable_default_project_gets_it_when_no_scope_is_asked_for(archstone):
    project = archstone.new_project()
    user = archstone.new_user(default_project_id=project)
    archstone.grant(user, "member", project=project)
    assert archstone.login({"id": user["id"]}, user["password"]).json()["token"]["project"]["id"] == project


@pytest.mark.parametrize("scope", ["unscoped", {"unscoped": {}}])
def test_unscoped_can_be_asked_for_in_spite_of_a_default_project(archstone, scope):
    project = archstone.new_project()
    user = archstone.new_user(default_project_id=project)
    archstone.grant(user, "member", project=project)
    identity = password_of({"id": user["id"]}, user["password"])
    answer = auth(archstone, {"auth": {"identity": identity, "scope": scope}})
    assert answer.status_code == 201
    assert "project" not in answer.json()["token"]


def test_an_unusable_default_project_gives_an_unscoped_token(archstone):
    user = archstone.new_user(default_project_id=archstone.new_project())
    answer = archstone.login({"id": user["id"]}, user["password"])
    assert answer.status_code == 201
    assert "project" not in answer.json()["token"]


def test_the_catalog_has_the_identity_service_on_every_interface(archstone):
    catalog = archstone.login(project=ADMIN_PROJECT).json()["token"]["catalog"]
    [identity] = [entry for entry in catalog if entry["type"] == "identity"]
    assert set(identity) == {"id", "type", "name", "endpoints"}
    assert {endpoint["interface"] for endpoint in identity["endpoints"]} == {"public", "internal", "admin"}
    for endpoint in identity["endpoints"]:
        assert set(endpoint) == {"id", "interface", "region", "region_id", "url"}
        assert endpoint["url"] == archstone.auth_url
        assert endpoint["region"] == endpoint["region_id"] == "RegionOne"


@pytest.mark.parametrize("query", ["nocatalog", "nocatalog=1", "nocatalog="])
def test_nocatalog_leaves_the_catalog_out(archstone, query):
    body = {"auth": {"identity": password_of({"name": "admin", "domain": {"id": "default"}}, ADMIN_PASSWORD),
                     "scope": {"project": ADMIN_PROJECT}}}
    answer = archstone.request("POST", f"/v3/auth/tokens?{query}", json=body)
    assert answer.status_code == 201 and "catalog" not in answer.json()["token"]
    subject = answer.headers["X-Subject-Token"]
    assert "catalog" not in archstone.validate(subject, path=f"/v3/auth/tokens?{query}").json()["token"]
    assert "catalog" in archstone.validate(subject).json()["token"]


def test_methods_given_twice_count_once(archstone):
    user = archstone.new_user()
    identity = password_of({"id": user["id"]}, user["password"]) | {"methods": ["password", "password"]}
    assert auth(archstone, {"auth": {"identity": identity}}).json()["token"]["methods"] == ["password"]


def test_a_bad_auth_token_on_the_login_route_is_ignored(archstone):
    user = archstone.new_user()
    body = {"auth": {"identity": password_of({"id": user["id"]}, user["password"])}}
    assert archstone.request("POST", "/v3/auth/tokens", json=body, token="nonsense").status_code == 201


# -- issuing: errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    {},
    {"auth": None},
    {"auth": {}},
    {"auth": {"identity": {}}},
    {"auth": {"identity": {"methods": ["password"]}}},
    {"auth": {"identity": {"methods": ["token"]}}},
    {"auth": {"identity": {"methods": "password", "password": {}}}},
    {"auth": {"identity": {"methods": ["password"], "password": {}}}},
    {"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": "x"}}}}},
    {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "admin", "password": "x"}}}}},
    {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": 7, "password": "x"}}}}},
    {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "x", "password": 7}}}}},
])
def test_a_malformed_auth_body_is_400(archstone, body):
    error(auth(archstone, body), 400)


@pytest.mark.parametrize("scope", [
    {},
    {"project": {"name": "admin"}},
    {"project": {}},
    {"domain": {}},
    {"project": ADMIN_PROJECT, "domain": {"id": "default"}},
    {"nonsense": {}},
])
def test_a_malformed_scope_is_400(archstone, scope):
    identity = password_of({"name": "admin", "domain": {"id": "default"}}, ADMIN_PASSWORD)
    error(auth(archstone, {"auth": {"identity": identity, "scope": scope}}), 400)


def test_an_unsupported_method_is_401_and_names_those_that_are(archstone):
    body = error(auth(archstone, {"auth": {"identity": {"methods": ["telepathy"], "telepathy": {}}}}), 401)
    methods = body["identity"]["methods"]
    assert {"password", "token"} <= set(methods)
    assert "telepathy" not in methods


@pytest.mark.parametrize("wrong", [
    {"password": "wrong"},
    {"password": ""},
    {"name": "nobody-of-this-name"},
    {"domain": {"id": "no-such-domain"}},
    {"domain": {"name": "no-such-domain"}},
])
def test_wrong_credentials_are_one_and_the_same_401(archstone, wrong):
    user = archstone.new_user()
    right = {"name": user["name"], "domain": {"id": "default"}, "password": user["password"]}
    identity = {"methods": ["password"], "password": {"user": right | wrong}}
    answer = auth(archstone, {"auth": {"identity": identity}})
    assert error(answer, 401)["message"] == UNAUTHORIZED
    assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{archstone.url}/v3"'


@pytest.mark.parametrize("scope", [
    {"project": {"id": "0123456789abcdef0123456789abcdef"}},
    {"project": {"name": "no-such-project", "domain": {"id": "default"}}},
    {"domain": {"id": "0123456789abcdef0123456789abcdef"}},
    {"domain": {"name": "no-such-domain"}},
])
def test_an_unknown_scope_is_401(archstone, scope):
    identity = password_of({"name": "admin", "domain": {"id": "default"}}, ADMIN_PASSWORD)
    assert error(auth(archstone, {"auth": {"identity": identity, "scope": scope}}), 401)["message"] == UNAUTHORIZED


@pytest.mark.parametrize("scope", [{"project": ADMIN_PROJECT}, {"domain": {"id": "default"}}, {"system": {"all": True}}])
def test_a_scope_without_a_role_is_401(archstone, scope):
    user = archstone.new_user()
    identity = password_of({"id": user["id"]}, user["password"])
    assert error(auth(archstone, {"auth": {"identity": identity, "scope": scope}}), 401)["message"] == UNAUTHORIZED


def test_a_disabled_user_cannot_log_in(archstone):
    user = archstone.new_user(enabled=False)
    error(archstone.login({"id": user["id"]}, user["password"]), 401)


def test_a_user_of_a_disabled_domain_cannot_log_in(archstone):
    domain = archstone.new_domain()
    user = archstone.new_user(domain["id"])
    archstone.expect(200, "PATCH", f"/v3/domains/{domain['id']}", token=archstone.admin_token, json={"domain": {"enabled": False}})
    error(archstone.login({"id": user["id"]}, user["password"]), 401)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_an_account_is_locked_after_failures_and_opens_again(launch, database):
    server = launch(database, settings={"ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": "3",
                                        "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION": "2"})
    user, bystander = server.new_user(), server.new_user()
    reference = {"id": user["id"]}
    for _ in range(2):
        error(server.login(reference, "wrong"), 401)
    assert server.login(reference, user["password"]).status_code == 201, "two failures do not lock"
    for _ in range(3):
        error(server.login(reference, "wrong"), 401)
    assert error(server.login(reference, user["password"]), 401)["message"]
    assert server.login({"id": bystander["id"]}, bystander["password"]).status_code == 201
    assert eventually(lambda: server.login(reference, user["password"]).status_code == 201, within=5, every=0.25)


def test_a_user_without_a_password_cannot_log_in(archstone):
    body = {"user": {"name": unique("user"), "domain_id": "default"}}
    user = archstone.expect(201, "POST", "/v3/users", token=archstone.admin_token, json=body)["user"]
    for password in ("", "None", "null"):
        error(archstone.login({"id": user["id"]}, password), 401)


@pytest.mark.parametrize(("content_type", "text"), [
    ("text/plain", "{}"),
    ("application/x-www-form-urlencoded", "auth=1"),
])
def test_a_body_that_is_not_declared_json_is_400(archstone, content_type, text):
    answer = archstone.request("POST", "/v3/auth/tokens", data=text, headers={"Content-Type": content_type})
    assert "application/json" in error(answer, 400)["message"]


@pytest.mark.parametrize("text", ["{", "[]", "7", '"auth"', "null", "{]", "\ufeff{", '{"auth": NaN}'])
def test_ks_err_1_a_body_that_is_not_a_json_object_is_400(archstone, text):
    answer = archstone.request("POST", "/v3/auth/tokens", data=text.encode(), headers={"Content-Type": "application/json"})
    error(answer, 400)


@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=utf8", "application/json; charset=UTF-8", None])
def test_accepted_content_types(archstone, content_type):
    user = archstone.new_user()
    body = f'{{"auth": {{"identity": {{"methods": ["password"], "password": {{"user": {{"id": "{user["id"]}", ' \
           f'"password": "{user["password"]}"}}}}}}}}}}'
    headers = {"Content-Type": content_type} if content_type else {}
    assert archstone.request("POST", "/v3/auth/tokens", data=body.encode(), headers=headers).status_code == 201


# -- validating -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [{"project": ADMIN_PROJECT}, {"system": True}, {"unscoped": True}])
def test_validation_answers_what_was_issued(archstone, scope):
    issued = archstone.login(**scope)
    subject = issued.headers["X-Subject-Token"]
    for _ in range(2):
        answer = archstone.validate(subject)
        assert answer.status_code == 200
        assert answer.headers["X-Subject-Token"] == subject
        assert answer.json() == issued.json()


def test_head_checks_without_a_body(archstone):
    subject = archstone.token(unscoped=True)
    answer = archstone.request("HEAD", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": subject})
    assert answer.status_code == 200
    assert answer.content == b""
    answer = archstone.request("HEAD", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": "nonsense"})
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("subject", ["nonsense", "gAAAAABnonsense", "a.b.c", None])
def test_an_unknown_or_absent_subject_is_404(archstone, method, subject):
    headers = {"X-Subject-Token": subject} if subject else {}
    answer = archstone.request(method, "/v3/auth/tokens", token=archstone.admin_token, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_without_a_valid_auth_token_it_is_401_whatever_the_subject(archstone, method):
    for subject in (archstone.token(unscoped=True), "nonsense"):
        answer = archstone.request(method, "/v3/auth/tokens", token="nonsense", headers={"X-Subject-Token": subject})
        assert answer.status_code == 401


def test_ks_tok_3_a_user_may_look_at_and_revoke_their_own_token(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    other = archstone.token({"id": user["id"]}, user["password"])
    assert archstone.validate(other, token=token).status_code == 200
    assert archstone.request("DELETE", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": other}).status_code == 204
    assert archstone.validate(other, token=token).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_ks_tok_3_a_member_may_not_touch_another_users_token(archstone, method):
    _, token = archstone.persona("member", domain=archstone.new_domain()["id"])
    subject = archstone.token(unscoped=True)
    answer = archstone.request(method, "/v3/auth/tokens", token=token, headers={"X-Subject-Token": subject})
    assert answer.status_code == 403
    assert archstone.validate(subject).status_code == 200


def test_a_service_may_validate_but_not_revoke(archstone):
    _, service = archstone.persona("service", project=archstone.new_project())
    subject = archstone.token(unscoped=True)
    assert archstone.validate(subject, token=service).status_code == 200
    answer = archstone.request("DELETE", "/v3/auth/tokens", token=service, headers={"X-Subject-Token": subject})
    assert answer.status_code == 403


def test_a_token_works_as_bearer_too(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    answer = archstone.request("GET", "/v3/auth/projects", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    answer = archstone.request("GET", "/v3/auth/projects", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    answer = archstone.request("GET", "/v3/auth/projects", headers={"Authorization": f"Basic {token}"})
    assert answer.status_code == 401


# -- KS-TOK-2: nothing that is almost a token is one --------------------------------------------------------------------------


def almost(token):
    """Texts that differ a little from the token."""
    other = {"A": "B"}
    for place in (0, 5, 9, 20, len(token) // 2, len(token) - 2, len(token) - 1):
        yield token[:place] + other.get(token[place], "A") + token[place + 1:]
    yield token.swapcase()
    yield token + "="
    yield token + "=="
    yield token + "A"
    yield token[:-1]
    yield token[:40] + " " + token[40:]
    yield token[:40] + "\t" + token[40:]
    yield token.replace("_", "/").replace("-", "+") + "+"
    yield f"{token},{token}"
    yield f'"{token}"'


def test_ks_tok_2_a_changed_token_is_401(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 200
    for text in almost(token):
        assert archstone.request("GET", "/v3/auth/projects", token=text).status_code == 401, text
        assert archstone.validate(text).status_code == 404, text


def test_ks_tok_2_the_unused_bits_of_the_last_character_make_no_second_token(archstone):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    for last in alphabet:
        if last != token[-1]:
            assert archstone.request("GET", "/v3/auth/projects", token=token[:-1] + last).status_code == 401


def test_ks_tok_2_a_revoked_token_stays_revoked_however_it_is_written(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": token})
    for text in [token, *almost(token)]:
        assert archstone.request("GET", "/v3/auth/projects", token=text).status_code == 401, text


def test_ks_tok_2_a_doubled_header_is_401(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    for first, second in ((token, token), (token, "nonsense"), ("nonsense", token)):
        connection = http.client.HTTPConnection("127.0.0.1", archstone.port, timeout=10)
        connection.putrequest("GET", "/v3/auth/projects")
        connection.putheader("X-Auth-Token", first)
        connection.putheader("X-Auth-Token", second)
        connection.endheaders()
        assert connection.getresponse().status == 401
        connection.close()


# -- rescoping ----------------------------------------------------------------------------------------------------------------


def test_rescoping_keeps_expiry_and_chain(archstone):
    first = archstone.login(unscoped=True)
    second = archstone.rescope(first.headers["X-Subject-Token"], project=ADMIN_PROJECT)
    third = archstone.rescope(second.headers["X-Subject-Token"], system=True)
    root = first.json()["token"]["audit_ids"]
    assert len(root) == 1
    for answer in (second, third):
        assert answer.status_code == 201
        token = answer.json()["token"]
        assert token["expires_at"] == first.json()["token"]["expires_at"]
        assert set(token["methods"]) == {"password", "token"}
        assert len(token["audit_ids"]) == 2
        assert token["audit_ids"][1] == root[0]
        assert token["audit_ids"][0] != root[0]
        validated = archstone.validate(answer.headers["X-Subject-Token"]).json()["token"]
        assert validated | {"methods": None} == token | {"methods": None}
        assert set(validated["methods"]) == {"password", "token"}
    assert third.json()["token"]["system"] == {"all": True}


def test_rescoping_needs_a_role_on_the_new_scope(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    error(archstone.rescope(token, project=ADMIN_PROJECT), 401)


def test_rescoping_needs_a_live_token(archstone):
    # Keystone says 404 here; 401 is the better answer to a bad credential, and clients treat both as failed logins.
    assert archstone.rescope("nonsense").status_code in (401, 404)
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": token})
    assert archstone.rescope(token).status_code in (401, 404)


def test_a_system_token_cannot_become_a_project_or_domain_token(archstone):
    token = archstone.token(system=True)
    error(archstone.rescope(token, project=ADMIN_PROJECT), 403)
    error(archstone.rescope(token, domain="default"), 403)
    assert archstone.rescope(token, system=True).status_code == 201


def test_a_hundred_rescopes_never_live_longer_than_the_first(archstone):
    first = archstone.login(project=ADMIN_PROJECT)
    token, expiry = first.headers["X-Subject-Token"], first.json()["token"]["expires_at"]
    for turn in range(100):
        answer = archstone.rescope(token, **({"unscoped": True} if turn % 2 else {"project": ADMIN_PROJECT}))
        assert answer.json()["token"]["expires_at"] == expiry
        token = answer.headers["X-Subject-Token"]


# -- revoking -----------------------------------------------------------------------------------------------------------------


def test_a_revoked_token_is_dead_as_subject_and_as_credential(archstone):
    token = archstone.token(project=ADMIN_PROJECT)
    assert archstone.validate(token).status_code == 200
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": token})
    assert archstone.validate(token).status_code == 404
    assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 401
    assert archstone.request("DELETE", "/v3/auth/tokens", token=archstone.admin_token,
                             headers={"X-Subject-Token": token}).status_code == 404


def test_ks_tok_5_revoking_the_root_kills_the_whole_chain(archstone):
    root = archstone.token(unscoped=True)
    child = archstone.rescope(root, project=ADMIN_PROJECT).headers["X-Subject-Token"]
    grandchild = archstone.rescope(child, system=True).headers["X-Subject-Token"]
    stranger = archstone.token(unscoped=True)
    for token in (root, child, grandchild):
        assert archstone.validate(token).status_code == 200
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": root})
    for token in (root, child, grandchild):
        assert archstone.validate(token).status_code == 404
        assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 401
    assert archstone.validate(stranger).status_code == 200


def test_ks_tok_5_revoking_a_child_leaves_its_parent_alive(archstone):
    root = archstone.token(unscoped=True)
    child = archstone.rescope(root, project=ADMIN_PROJECT).headers["X-Subject-Token"]
    sibling = archstone.rescope(root, system=True).headers["X-Subject-Token"]
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": child})
    assert archstone.validate(child).status_code == 404
    assert archstone.validate(root).status_code == 200
    assert archstone.validate(sibling).status_code == 200


def test_revocations_are_listed_as_events(archstone):
    issued = archstone.login(unscoped=True)
    audit_id = issued.json()["token"]["audit_ids"][0]
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token,
                     headers={"X-Subject-Token": issued.headers["X-Subject-Token"]})
    body = archstone.expect(200, "GET", "/v3/OS-REVOKE/events", token=archstone.admin_token)
    assert body["links"]["self"].endswith("/v3/OS-REVOKE/events")
    [event] = [event for event in body["events"] if event.get("audit_id") == audit_id]
    assert re.fullmatch(STAMP, event["issued_before"])
    assert None not in event.values()
    later = archstone.expect(200, "GET", "/v3/OS-REVOKE/events?since=2099-01-01T00:00:00.000000Z", token=archstone.admin_token)
    assert later["events"] == []
    assert archstone.request("GET", "/v3/OS-REVOKE/events?since=nonsense", token=archstone.admin_token).status_code == 400


def test_revocation_events_are_not_for_members(archstone):
    _, token = archstone.persona("member", project=archstone.new_project())
    assert archstone.request("GET", "/v3/OS-REVOKE/events", token=token).status_code == 403


def test_the_revocation_list_of_old_gives_no_data(archstone):
    answer = archstone.request("GET", "/v3/auth/tokens/OS-PKI/revoked", token=archstone.admin_token)
    assert answer.status_code in (403, 410)


# -- expiry -------------------------------------------------------------------------------------------------------------------


HOUR = 3600


def minted(archstone, user, life_ended, life=HOUR):
    """An unscoped Fernet token of the user that ended `life_ended` seconds ago, made with the server's own primary key."""
    now = int(time.time())
    payload = [0, [True, bytes.fromhex(user["id"])], 2, float(now - life_ended), [os.urandom(16)]]
    [folder] = {path.parent for path in archstone.data.rglob("0") if (path.parent / "1").exists()}
    primary = max((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    text = Fernet(primary.read_bytes()).encrypt_at_time(msgpack.packb(payload, use_bin_type=True), now - life_ended - life)
    return text.rstrip(b"=").decode()


def test_a_token_minted_with_the_key_is_a_token(archstone):
    user = archstone.new_user()
    token = minted(archstone, user, -HOUR // 2)
    assert archstone.validate(token).json()["token"]["user"]["id"] == user["id"]


def test_ks_tok_3_an_expired_token_is_dead_as_credential_and_for_rescoping(archstone):
    user = archstone.new_user()
    token = minted(archstone, user, 1)
    assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 401
    assert archstone.rescope(token).status_code in (401, 404)
    # The window is for the subject only, never for the caller's own token.
    assert archstone.validate(token, token=token, path="/v3/auth/tokens?allow_expired=1").status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ks_tok_3_an_expired_subject_is_404_unless_expired_ones_are_allowed(archstone, method):
    user = archstone.new_user()

    def status(token, query=""):
        return archstone.request(method, f"/v3/auth/tokens{query}", token=archstone.admin_token, headers={"X-Subject-Token": token}).status_code

    just_now, yesterday, long_ago = (minted(archstone, user, ended) for ended in (1, 47 * HOUR, 49 * HOUR))
    for token in (just_now, yesterday, long_ago):
        assert status(token) == 404
        assert status(token, "?allow_expired=0") == 404
    assert status(just_now, "?allow_expired=1") == 200
    assert status(yesterday, "?allow_expired=1") == 200
    assert status(long_ago, "?allow_expired=1") == 404, "the window is 48 hours"
    assert status(just_now) == 404, "nothing remembers that it was allowed once"


# -- what a token opens ---------------------------------------------------------------------------------------------------------


def test_auth_projects_domains_and_system_list_what_the_user_may_scope_to(archstone):
    domain, project = archstone.new_domain(), archstone.new_project()
    user = archstone.new_user(domain["id"])
    token = archstone.token({"id": user["id"]}, user["password"])
    assert archstone.expect(200, "GET", "/v3/auth/projects", token=token)["projects"] == []
    assert archstone.expect(200, "GET", "/v3/auth/domains", token=token)["domains"] == []
    assert archstone.expect(200, "GET", "/v3/auth/system", token=token)["system"] == []
    archstone.grant(user, "reader", domain=domain["id"])
    archstone.grant(user, "reader", project=project)
    projects = archstone.expect(200, "GET", "/v3/auth/projects", token=token)
    assert [p["id"] for p in projects["projects"]] == [project]
    assert projects["links"]["self"].endswith("/v3/auth/projects")
    assert [d["id"] for d in archstone.expect(200, "GET", "/v3/auth/domains", token=token)["domains"]] == [domain["id"]]
    assert archstone.expect(200, "GET", "/v3/auth/system", token=archstone.admin_token)["system"] == [{"all": True}]


def test_auth_catalog_is_the_tokens_catalog_and_needs_a_scope(archstone):
    issued = archstone.login(project=ADMIN_PROJECT)
    catalog = archstone.expect(200, "GET", "/v3/auth/catalog", token=issued.headers["X-Subject-Token"])
    assert catalog["catalog"] == issued.json()["token"]["catalog"]
    assert catalog["links"]["self"].endswith("/v3/auth/catalog")
    error(archstone.request("GET", "/v3/auth/catalog", token=archstone.token(unscoped=True)), 403)
