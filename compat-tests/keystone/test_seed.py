"""The API that this service was asked for first: a security administrator creates an identity provider.

The request is sent exactly as documented by a user who holds only `secu_admin` in their own domain, with a token for the
domain and with one for a project in it. Other domains' administrators learn nothing of the result.
"""

import json

import pytest

from harness import DEFAULT_DOMAIN, unique

BASE = "/v3/OS-FEDERATION/identity_providers"
BODY = '{ "identity_provider": { "description": "Stores ACME identities.", "enabled": true } }'
HEADERS = {"Content-Type": "application/json;charset=utf8"}


def send(archstone, method, idp_id, token, body=None):
    """The documented request: raw body, documented content type."""
    return archstone.request(method, f"{BASE}/{idp_id}", token=token, data=body, headers=HEADERS)


def secu_admin(archstone, scope="domain"):
    """A security administrator: (domain id, token). Projects can only be made in the default domain so far."""
    if scope == "project":
        return DEFAULT_DOMAIN, archstone.persona("secu_admin", project=archstone.new_project())[1]
    domain = archstone.new_domain()["id"]
    return domain, archstone.persona("secu_admin", domain=domain)[1]


@pytest.fixture(params=["domain", "project"])
def account(request, archstone):
    """A security administrator with each kind of token; what the test made in the default domain goes afterwards (quota)."""
    domain, token = secu_admin(archstone, request.param)
    yield domain, token
    if domain == DEFAULT_DOMAIN:
        for idp in archstone.expect(200, "GET", BASE, token=token)["identity_providers"]:
            archstone.expect(204, "DELETE", f"{BASE}/{idp['id']}", token=token)


def test_the_documented_request_answers_the_documented_fields_and_values(archstone, account):
    domain, token = account
    idp_id = unique("ACME")
    answer = send(archstone, "PUT", idp_id, token, BODY)
    assert answer.status_code == 201
    idp = answer.json()["identity_provider"]
    assert idp["id"] == idp_id
    assert idp["description"] == "Stores ACME identities."
    assert idp["enabled"] is True
    assert idp["sso_type"] == "virtual_user_sso"
    assert idp["remote_ids"] == []
    assert idp["links"] == {"self": f"{archstone.url}{BASE}/{idp_id}", "protocols": f"{archstone.url}{BASE}/{idp_id}/protocols"}
    assert idp["domain_id"] == domain
    assert set(idp) == {"id", "description", "enabled", "sso_type", "remote_ids", "links", "domain_id", "authorization_ttl"}


@pytest.mark.parametrize(("fields", "expected"), [
    ({}, {"enabled": False, "sso_type": "virtual_user_sso", "description": None}),
    ({"enabled": False}, {"enabled": False}),
    ({"sso_type": "virtual_user_sso"}, {"sso_type": "virtual_user_sso"}),
])
def test_every_documented_field_is_optional(archstone, account, fields, expected):
    answer = send(archstone, "PUT", unique("ACME"), account[1], json.dumps({"identity_provider": fields}))
    assert answer.status_code == 201
    idp = answer.json()["identity_provider"]
    assert {key: idp[key] for key in expected} == expected


def test_an_iam_user_sso_identity_provider(archstone):
    _, token = secu_admin(archstone)
    answer = send(archstone, "PUT", unique("ACME"), token, '{"identity_provider": {"sso_type": "iam_user_sso"}}')
    assert answer.status_code == 201
    assert answer.json()["identity_provider"]["sso_type"] == "iam_user_sso"


def test_an_account_has_one_sso_type_and_one_iam_user_sso(archstone):
    body = '{"identity_provider": {"sso_type": "%s"}}'
    for first, second, status in (("iam_user_sso", "iam_user_sso", 409), ("iam_user_sso", "virtual_user_sso", 409),
                                  ("virtual_user_sso", "iam_user_sso", 409), ("virtual_user_sso", "virtual_user_sso", 201)):
        _, token = secu_admin(archstone)
        assert send(archstone, "PUT", unique("ACME"), token, body % first).status_code == 201
        assert send(archstone, "PUT", unique("ACME"), token, body % second).status_code == status, (first, second)


def test_the_whole_life_of_an_identity_provider(archstone, account):
    _, token = account
    idp_id = unique("ACME")
    created = send(archstone, "PUT", idp_id, token, BODY).json()
    assert send(archstone, "GET", idp_id, token).json() == created
    listed = archstone.expect(200, "GET", BASE, token=token)["identity_providers"]
    assert created["identity_provider"] in listed
    answer = send(archstone, "PATCH", idp_id, token, '{"identity_provider": {"description": "new", "enabled": false}}')
    assert answer.status_code == 200
    assert answer.json()["identity_provider"] == created["identity_provider"] | {"description": "new", "enabled": False}
    assert send(archstone, "DELETE", idp_id, token).status_code == 204
    assert send(archstone, "GET", idp_id, token).status_code == 404


# -- the documented status codes (500 and 503 need a broken database: see the edge tests) -----------------------------------------


def assert_envelope(answer, code):
    assert answer.status_code == code, answer.text[:1000]
    error = answer.json()["error"]
    assert error["code"] == code and error["title"] and error["message"]


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"identity_provider": 7}', '{"identity_provider": {"enabled": "true"}}',
                                  '{"identity_provider": {"sso_type": "other"}}', '{"identity_provider": {"surprise": 1}}'])
def test_400(archstone, account, body):
    assert_envelope(send(archstone, "PUT", unique("ACME"), account[1], body), 400)


@pytest.mark.parametrize("token", [None, "nonsense"])
def test_401(archstone, token):
    answer = send(archstone, "PUT", unique("ACME"), token, BODY)
    assert_envelope(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Keystone uri=")


@pytest.mark.parametrize("role", ["member", "reader", "manager"])
def test_403(archstone, role):
    domain = archstone.new_domain()
    _, token = archstone.persona(role, domain=domain["id"])
    assert_envelope(send(archstone, "PUT", unique("ACME"), token, BODY), 403)


def test_403_for_an_unscoped_token_of_a_security_administrator(archstone):
    domain = archstone.new_domain()
    user, _ = archstone.persona("secu_admin", domain=domain["id"])
    token = archstone.token({"id": user["id"]}, user["password"], unscoped=True)
    assert_envelope(send(archstone, "PUT", unique("ACME"), token, BODY), 403)


def test_404(archstone, account):
    for method, body in (("GET", None), ("PATCH", '{"identity_provider": {"enabled": true}}'), ("DELETE", None)):
        assert_envelope(send(archstone, method, unique("ACME"), account[1], body), 404)


def test_405(archstone, account):
    answer = send(archstone, "POST", unique("ACME"), account[1], BODY)
    assert_envelope(answer, 405)
    assert "PUT" in answer.headers["Allow"]


def test_409(archstone, account):
    idp_id = unique("ACME")
    assert send(archstone, "PUT", idp_id, account[1], BODY).status_code == 201
    assert_envelope(send(archstone, "PUT", idp_id, account[1], BODY), 409)


def test_413(archstone, account):
    body = json.dumps({"identity_provider": {"description": "x" * 120_000}})
    assert_envelope(send(archstone, "PUT", unique("ACME"), account[1], body), 413)


# -- the wall between accounts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["secu_admin", "admin"])
def test_another_accounts_administrator_sees_nothing(archstone, role):
    _, token = secu_admin(archstone)
    idp_id = unique("ACME")
    created = send(archstone, "PUT", idp_id, token, BODY).json()
    stranger_domain = archstone.new_domain()["id"]
    _, stranger = archstone.persona(role, domain=stranger_domain)
    hidden = 404 if role == "secu_admin" else 403
    assert send(archstone, "GET", idp_id, stranger).status_code == hidden
    assert send(archstone, "HEAD", idp_id, stranger).status_code == hidden
    assert send(archstone, "PATCH", idp_id, stranger, '{"identity_provider": {"enabled": false}}').status_code == hidden
    assert send(archstone, "DELETE", idp_id, stranger).status_code == hidden
    if role == "secu_admin":
        for query in ("", f"?id={idp_id}", "?enabled=true", "?id__contains=ACME", f"?domain_id={created['identity_provider']['domain_id']}"):
            body = archstone.expect(200, "GET", f"{BASE}{query}", token=stranger)
            assert body["identity_providers"] == []
        # Hidden and absent look alike.
        absent = send(archstone, "GET", unique("ACME"), stranger).json()["error"]
        seen = send(archstone, "GET", idp_id, stranger).json()["error"]
        assert seen["message"].replace(idp_id, "") == absent["message"].replace(absent["message"].split()[-1].rstrip("."), "")
    assert send(archstone, "GET", idp_id, token).json() == created


def test_a_taken_id_is_409_without_telling_whose_it_is(archstone):
    owner_domain, token = secu_admin(archstone)
    idp_id = unique("ACME")
    assert send(archstone, "PUT", idp_id, token, BODY).status_code == 201
    _, stranger = secu_admin(archstone)
    answer = send(archstone, "PUT", idp_id, stranger, BODY)
    assert_envelope(answer, 409)
    assert owner_domain not in answer.text
    own = send(archstone, "PUT", idp_id, token, BODY)
    assert own.json()["error"]["message"] == answer.json()["error"]["message"]
    assert archstone.expect(200, "GET", BASE, token=stranger)["identity_providers"] == []


def test_a_taken_remote_id_is_409_without_telling_whose_it_is(archstone):
    owner_domain, token = secu_admin(archstone)
    idp_id, remote = unique("ACME"), unique("https://idp")
    body = json.dumps({"identity_provider": {"remote_ids": [remote]}})
    assert send(archstone, "PUT", idp_id, token, body).status_code == 201
    _, stranger = secu_admin(archstone)
    answer = send(archstone, "PUT", unique("ACME"), stranger, body)
    assert_envelope(answer, 409)
    assert owner_domain not in answer.text and idp_id not in answer.text


def test_an_identity_provider_of_the_cloud_is_hidden_from_a_security_administrator(archstone):
    idp_id = unique("cloud")
    archstone.expect(201, "PUT", f"{BASE}/{idp_id}", token=archstone.admin_token, json={"identity_provider": {}})
    _, stranger = secu_admin(archstone)
    assert send(archstone, "GET", idp_id, stranger).status_code == 404
    assert archstone.expect(200, "GET", BASE, token=stranger)["identity_providers"] == []


def test_the_cloud_administrator_sees_every_account(archstone):
    domain, token = secu_admin(archstone)
    idp_id = unique("ACME")
    send(archstone, "PUT", idp_id, token, BODY)
    idp = archstone.expect(200, "GET", f"{BASE}/{idp_id}", token=archstone.admin_token)["identity_provider"]
    assert idp["domain_id"] == domain


def test_the_own_domain_may_be_named_and_no_other(archstone):
    domain, token = secu_admin(archstone)
    other = archstone.new_domain()["id"]
    body = '{"identity_provider": {"domain_id": "%s"}}'
    answer = send(archstone, "PUT", unique("ACME"), token, body % domain)
    assert answer.status_code == 201 and answer.json()["identity_provider"]["domain_id"] == domain
    assert_envelope(send(archstone, "PUT", unique("ACME"), token, body % other), 403)
    # An unknown domain must not be told from a foreign one.
    assert_envelope(send(archstone, "PUT", unique("ACME"), token, body % "0123456789abcdef0123456789abcdef"), 403)


def test_an_account_may_have_ten_and_the_cloud_administrator_is_not_counted(archstone):
    domain, token = secu_admin(archstone)
    ids = [unique("ACME") for _ in range(10)]
    for idp_id in ids:
        assert send(archstone, "PUT", idp_id, token, BODY).status_code == 201
    assert_envelope(send(archstone, "PUT", unique("ACME"), token, BODY), 403)
    by_cloud = {"identity_provider": {"domain_id": domain}}
    archstone.expect(201, "PUT", f"{BASE}/{unique('cloud')}", token=archstone.admin_token, json=by_cloud)
    for idp_id in ids[:2]:
        assert send(archstone, "DELETE", idp_id, token).status_code == 204
    assert send(archstone, "PUT", unique("ACME"), token, BODY).status_code == 201


def test_paging_of_a_security_administrator_stays_in_the_account(archstone):
    _, token = secu_admin(archstone)
    _, stranger = secu_admin(archstone)
    mine = sorted(unique("ACME") for _ in range(5))
    for idp_id in mine:
        send(archstone, "PUT", idp_id, token, BODY)
        send(archstone, "PUT", idp_id + "x", stranger, BODY)
    url, seen = f"{BASE}?limit=2", []
    while url:
        body = archstone.expect(200, "GET", url, token=token)
        seen += [idp["id"] for idp in body["identity_providers"]]
        url = body["links"]["next"]
    assert seen == mine


def test_a_security_administrator_may_do_nothing_else(archstone):
    _, token = secu_admin(archstone)
    for method, path in (("GET", "/v3/users"), ("GET", "/v3/domains"), ("GET", "/v3/archstone/audit"), ("GET", "/v3/OS-REVOKE/events")):
        assert archstone.request(method, path, token=token).status_code == 403, path
    body = {"user": {"name": unique("user"), "domain_id": "default", "password": "x"}}
    assert archstone.request("POST", "/v3/users", token=token, json=body).status_code == 403


def test_taking_the_role_ends_it_at_once(archstone):
    domain = archstone.new_domain()["id"]
    user, token = archstone.persona("secu_admin", domain=domain)
    archstone.grant(user, "reader", domain=domain)
    idp_id = unique("ACME")
    assert send(archstone, "PUT", idp_id, token, BODY).status_code == 201
    archstone.grant(user, "secu_admin", domain=domain, method="DELETE")
    assert send(archstone, "GET", idp_id, token).status_code == 403
