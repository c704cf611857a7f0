"""Logging in by what an OpenID provider issued, and the tokens that come of it (keystone-api.md 1.7, 1.8, 1.10)."""

import datetime

import pytest

from harness import unique
from peers.openid import OPAQUE
from token_calls import assert_alive
from trust import ANYBODY, FEDERATION, PERSON, group_by_id, groups_of, project_of, user_id


@pytest.fixture
def domain(archstone):
    """A domain for the people of an identity provider; its id."""
    return archstone.new_domain()["id"]


def test_an_unscoped_token_says_who_came_from_where(archstone, trust, provider, domain):
    group = archstone.new_group(domain)
    way = trust(PERSON, groups_of(domain), domain_id=domain)
    person = provider.user(name="Ann Other", email="ann@example.org", groups=[group["name"], "unknown"])
    token, body = way.enter(person)
    assert set(body) == {"methods", "user", "audit_ids", "expires_at", "issued_at"}
    assert body["methods"] == ["mapped"]
    assert body["user"] == {
        "id": user_id(domain, person),
        "name": "Ann Other",
        "domain": {"id": domain, "name": way.get(f"domains/{domain}")["domain"]["name"]},
        "OS-FEDERATION": {
            "groups": [{"id": group["id"], "name": group["name"]}],
            "identity_provider": {"id": way.id},
            "protocol": {"id": "openid"},
        },
    }
    assert len(body["audit_ids"]) == 1
    assert archstone.validate(token).json()["token"] == body
    assert archstone.validate(token, token=token).status_code == 200, "it may look at itself"
    assert_alive(archstone, token)


def test_a_scoped_token_adds_roles_and_catalog_and_keeps_the_rest(archstone, trust, provider, domain):
    group = archstone.new_group(domain)
    project = archstone.new_project(domain)
    archstone.grant(None, "member", project=project, group=group)
    way = trust(PERSON, groups_of(domain), domain_id=domain)
    person = provider.user(name="Ann", email="ann@example.org", groups=[group["name"]])
    token, unscoped = way.enter(person)
    scoped, body = way.scoped(token, project=project)
    assert set(body) - {"catalog"} == {"methods", "user", "audit_ids", "expires_at", "issued_at", "project", "is_domain", "roles"}
    assert set(body["methods"]) == {"mapped", "token"}
    assert body["user"] == unscoped["user"] and body["expires_at"] == unscoped["expires_at"]
    assert len(body["audit_ids"]) == 2 and body["audit_ids"][1] == unscoped["audit_ids"][0]
    assert body["project"]["id"] == project and body["is_domain"] is False
    assert {r["name"] for r in body["roles"]} == {"member", "reader"} and all(set(r) == {"id", "name"} for r in body["roles"])
    assert any(s["type"] == "identity" for s in body["catalog"])
    assert archstone.validate(scoped).json()["token"] == body


def test_roles_are_the_groups_and_the_users_own_on_projects_and_domains(archstone, trust, provider, domain):
    group, project, own = archstone.new_group(domain), archstone.new_project(domain), archstone.new_project(domain)
    archstone.grant(None, "reader", project=project, group=group)
    archstone.grant(None, "manager", domain=domain, group=group)
    way = trust(PERSON, group_by_id(group, "staff"), domain_id=domain)
    person = provider.user(name="Ann", email="a@example.org", groups=["staff", "x"])
    _, body = way.enter(person)
    archstone.grant({"id": body["user"]["id"]}, "member", project=own)
    token, _ = way.enter(person)
    for kind in ("/v3/OS-FEDERATION/projects", "/v3/auth/projects"):
        listed = archstone.expect(200, "GET", kind, token=token)
        assert {p["id"] for p in listed["projects"]} == {project, own} and listed["links"]["self"] == archstone.url + kind
        assert archstone.request("HEAD", kind, token=token).status_code == 200
    for kind in ("/v3/OS-FEDERATION/domains", "/v3/auth/domains"):
        listed = archstone.expect(200, "GET", kind, token=token)
        assert [d["id"] for d in listed["domains"]] == [domain] and listed["links"]["self"] == archstone.url + kind

    def roles(**scope):
        return {r["name"] for r in way.scoped(token, **scope)[1]["roles"]}

    assert roles(project=project) == {"reader"}
    assert roles(project=own) == {"member", "reader"}
    assert roles(domain=domain) == {"manager", "member", "reader"}
    assert way.archstone.rescope(token, project=archstone.new_project(domain)).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_kind_of_token_of_the_provider_is_taken(trust, provider, method):
    """An access token that is a JWT, an ID token, and an opaque access token by introspection: for one person, one user."""
    way = trust(PERSON, connection={"audiences": ["https://cloud.example/identity", OPAQUE]})
    person = provider.user(name="Ann", email="ann@example.org")
    provider.requests()
    for bearer in (
        provider.access_token(person),
        provider.id_token(person, way.client_id),
        provider.access_token(person, "opaque"),
    ):
        answer = way.present(bearer, method=method)
        assert answer.status_code == 201, answer.text
        assert answer.json()["token"]["user"]["id"] == user_id(way.domain_id, person)
        assert answer.headers["Cache-Control"] == "no-store"
    asked = provider.requests("/token/introspection")
    assert [(r["method"], r["authorization"]) for r in asked] == [("POST", "Basic")]


def test_a_token_of_an_ordinary_client_by_introspection(trust, provider):
    """An opaque token without an audience is for us when it was issued to our own client."""
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    assert way.present(provider.access_token(person, way.client_id)).status_code == 201
    way.refused(provider.access_token(person, "elsewhere", resource=OPAQUE))


def test_userinfo_proves_an_opaque_token_only_where_that_is_wished(trust, own_provider):
    """A userinfo endpoint does not say whom a token was issued for."""
    person = own_provider.user(name="Ann", email="ann@example.org")
    with own_provider.misbehaving(discovery={"introspection_endpoint": None}):
        way = trust(PERSON, provider=own_provider)
        way.refused(own_provider.access_token(person, "elsewhere"))
        way = trust(PERSON, provider=own_provider, connection={"allow_userinfo": True})
        assert way.present(own_provider.access_token(person, "elsewhere")).status_code == 201
        way.refused("no-token-of-theirs")


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_id_tokens_by_algorithm(trust, provider, alg):
    way = trust(PERSON, client={"id_token_signed_response_alg": alg})
    person = provider.user(name="Ann", email="ann@example.org")
    assert way.present(provider.id_token(person, way.client_id)).status_code == 201
    way = trust(PERSON, connection={"algorithms": ["PS256"]})
    way.refused(provider.id_token(person, way.client_id))


def test_the_protocol_is_the_method_where_it_is_one(trust, provider):
    person = provider.user(name="Ann", email="ann@example.org")
    for protocol, method in (("mapped", "mapped"), ("anything", "mapped")):
        way = trust(PERSON, protocol=protocol)
        _, body = way.enter(person)
        assert body["methods"] == [method]
        assert body["user"]["OS-FEDERATION"]["protocol"] == {"id": protocol}


def test_a_default_project_is_never_applied(archstone, trust, provider):
    way = trust(PERSON, project_of("home", "member"), schema_version="2.0")
    person = provider.user(name="Ann", email="ann@example.org")
    token, body = way.enter(person)
    home = archstone.expect(200, "GET", "/v3/auth/projects", token=token)["projects"][0]["id"]
    archstone.expect(
        200, "PATCH", f"/v3/users/{body['user']['id']}", token=archstone.admin_token, json={"user": {"default_project_id": home}}
    )
    _, again = way.enter(person)
    assert "project" not in again and "roles" not in again


def test_the_expiry_is_the_usual_one(trust, provider):
    _, body = trust(ANYBODY).enter(provider.user())
    times = [datetime.datetime.strptime(body[k], "%Y-%m-%dT%H:%M:%S.%fZ") for k in ("issued_at", "expires_at")]
    assert abs((times[1] - times[0]).total_seconds() - 3600) <= 1


def test_a_client_of_the_provider_logs_in_for_itself(trust, provider):
    """Client credentials: the subject is the client (RFC 9068 section 2.2)."""
    way = trust(ANYBODY)
    bearer = provider.grant("cloud", grant_type="client_credentials", scope="openid profile")["access_token"]
    answer = way.present(bearer)
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == "cloud"


def test_the_id_token_exchange_of_huawei(archstone, trust, provider):
    """POST /v3.0/OS-AUTH/id-token/tokens (2.2): unscoped and scoped, errors in its own dialect (2.4)."""
    way = trust(PERSON, project_of("lab", "member"), schema_version="2.0")
    person = provider.user(name="Ann", email="ann@example.org")
    bearer = provider.id_token(person, way.client_id)

    def exchange(id_token, idp=way.id, **scope):
        auth = {"id_token": {"id": id_token}} | ({"scope": scope} if scope else {})
        return archstone.request(
            "POST", "/v3.0/OS-AUTH/id-token/tokens", json={"auth": auth}, headers={"X-Idp-Id": idp} if idp else {}
        )

    answer = exchange(bearer)
    assert answer.status_code == 201, answer.text
    body = answer.json()["token"]
    assert body["user"]["id"] == user_id(way.domain_id, person) and "roles" not in body
    assert archstone.validate(answer.headers["X-Subject-Token"]).status_code == 200
    project = archstone.expect(200, "GET", "/v3/auth/projects", token=answer.headers["X-Subject-Token"])["projects"][0]["id"]
    for scope in ({"id": project}, {"name": "lab", "domain": {"id": way.domain_id}}):
        answer = exchange(bearer, project=scope)
        assert answer.status_code == 201, answer.text
        assert answer.json()["token"]["project"]["id"] == project and {r["name"] for r in answer.json()["token"]["roles"]} == {
            "member",
            "reader",
        }
    for answer, status, code in ((exchange(bearer + "x"), 401, "IAM.0001"), (exchange(bearer, idp=unique()), 404, "IAM.0004"),
                                 (exchange(bearer, idp=None), 400, "IAM.0011"), (exchange(None), 400, "IAM.0011")):
        assert (answer.status_code, answer.json()["error_code"]) == (status, code), answer.text
        assert set(answer.json()) == {"error_msg", "error_code"}


def test_what_is_stored_of_a_connection_shows_no_secret(archstone, trust, provider):
    way = trust(ANYBODY)
    path = f"{FEDERATION}/identity_providers/{way.id}/protocols/openid/connection"
    answer = archstone.request("GET", path, token=archstone.admin_token)
    shown = answer.json()["connection"]
    assert answer.status_code == 200 and shown["issuer"] == provider.issuer and shown["client_id"] == way.client_id
    assert "client_secret" not in shown and f"{way.client_id} secret" not in answer.text
    assert f"{way.client_id} secret" not in archstone.log()
    changed = archstone.request(
        "PATCH", path, token=archstone.admin_token, json={"connection": {"client_secret": "another secret"}}
    )
    assert changed.status_code == 200 and "another secret" not in changed.text
