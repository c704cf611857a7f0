"""POST /v3/auth/tokens: methods, scopes, the token's body, and errors."""

import base64
import re

import pytest

from harness import ADMIN_PASSWORD, DEFAULT_DOMAIN, error_of, eventually, unique

ADMIN_PROJECT = {"name": "admin", "domain": {"id": DEFAULT_DOMAIN}}
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
UNAUTHORIZED = "The request you have made requires authentication."


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
    error_of(auth(archstone, body), 400)


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
    error_of(auth(archstone, {"auth": {"identity": identity, "scope": scope}}), 400)


def test_an_unsupported_method_is_401_and_names_those_that_are(archstone):
    body = error_of(auth(archstone, {"auth": {"identity": {"methods": ["telepathy"], "telepathy": {}}}}), 401)
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
    assert error_of(answer, 401)["message"] == UNAUTHORIZED
    assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{archstone.url}/v3"'


@pytest.mark.parametrize("scope", [
    {"project": {"id": "0123456789abcdef0123456789abcdef"}},
    {"project": {"name": "no-such-project", "domain": {"id": "default"}}},
    {"domain": {"id": "0123456789abcdef0123456789abcdef"}},
    {"domain": {"name": "no-such-domain"}},
])
def test_an_unknown_scope_is_401(archstone, scope):
    identity = password_of({"name": "admin", "domain": {"id": "default"}}, ADMIN_PASSWORD)
    assert error_of(auth(archstone, {"auth": {"identity": identity, "scope": scope}}), 401)["message"] == UNAUTHORIZED


@pytest.mark.parametrize("scope", [{"project": ADMIN_PROJECT}, {"domain": {"id": "default"}}, {"system": {"all": True}}])
def test_a_scope_without_a_role_is_401(archstone, scope):
    user = archstone.new_user()
    identity = password_of({"id": user["id"]}, user["password"])
    assert error_of(auth(archstone, {"auth": {"identity": identity, "scope": scope}}), 401)["message"] == UNAUTHORIZED


def test_a_disabled_user_cannot_log_in(archstone):
    user = archstone.new_user(enabled=False)
    error_of(archstone.login({"id": user["id"]}, user["password"]), 401)


def test_a_user_of_a_disabled_domain_cannot_log_in(archstone):
    domain = archstone.new_domain()
    user = archstone.new_user(domain["id"])
    archstone.expect(200, "PATCH", f"/v3/domains/{domain['id']}", token=archstone.admin_token, json={"domain": {"enabled": False}})
    error_of(archstone.login({"id": user["id"]}, user["password"]), 401)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_an_account_is_locked_after_failures_and_opens_again(launch, database):
    server = launch(database, settings={"ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": "3",
                                        "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION": "2"})
    user, bystander = server.new_user(), server.new_user()
    reference = {"id": user["id"]}
    for _ in range(2):
        error_of(server.login(reference, "wrong"), 401)
    assert server.login(reference, user["password"]).status_code == 201, "two failures do not lock"
    for _ in range(3):
        error_of(server.login(reference, "wrong"), 401)
    assert error_of(server.login(reference, user["password"]), 401)["message"]
    assert server.login({"id": bystander["id"]}, bystander["password"]).status_code == 201
    assert eventually(lambda: server.login(reference, user["password"]).status_code == 201, within=5, every=0.25)


def test_a_user_without_a_password_cannot_log_in(archstone):
    body = {"user": {"name": unique("user"), "domain_id": "default"}}
    user = archstone.expect(201, "POST", "/v3/users", token=archstone.admin_token, json=body)["user"]
    for password in ("", "None", "null"):
        error_of(archstone.login({"id": user["id"]}, password), 401)


@pytest.mark.parametrize(("content_type", "text"), [
    ("text/plain", "{}"),
    ("application/x-www-form-urlencoded", "auth=1"),
])
def test_a_body_that_is_not_declared_json_is_400(archstone, content_type, text):
    answer = archstone.request("POST", "/v3/auth/tokens", data=text, headers={"Content-Type": content_type})
    assert "application/json" in error_of(answer, 400)["message"]


@pytest.mark.parametrize("text", ["{", "[]", "7", '"auth"', "null", "{]", "\ufeff{", '{"auth": NaN}'])
def test_ks_err_1_a_body_that_is_not_a_json_object_is_400(archstone, text):
    answer = archstone.request("POST", "/v3/auth/tokens", data=text.encode(), headers={"Content-Type": "application/json"})
    error_of(answer, 400)


@pytest.mark.parametrize("content_type", ["application/json", "application/json;charset=utf8", "application/json; charset=UTF-8", None])
def test_accepted_content_types(archstone, content_type):
    user = archstone.new_user()
    body = f'{{"auth": {{"identity": {{"methods": ["password"], "password": {{"user": {{"id": "{user["id"]}", ' \
           f'"password": "{user["password"]}"}}}}}}}}}}'
    headers = {"Content-Type": content_type} if content_type else {}
    assert archstone.request("POST", "/v3/auth/tokens", data=body.encode(), headers=headers).status_code == 201
