"""The cloud that is pushed to lets people in once identity provider, mapping and protocol are there, and only then."""

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.identity.v3 import oidc

from harness import ADMIN_PASSWORD, unique
from peers.keystone_apache import KeystoneApache
from peers.openid import OPAQUE, OpenIdProvider

ORIGIN = "http://127.0.0.1:1/auth/websso/"
# Both forms in which Apache says who it is: a header field, and a variable that no client can set.
RULES = [{"local": [{"user": {"name": "{0}", "email": "{1}"}}],
          "remote": [{"type": "HTTP_OIDC_PREFERRED_USERNAME"}, {"type": "OIDC-email"}]}]


@pytest.fixture(scope="module")
def provider():
    """Where people sign in."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture(scope="module")
def running(provider):
    """One that verifies bearer tokens by the provider's keys."""
    it = KeystoneApache(provider, [ORIGIN])
    yield it
    it.remove()


@pytest.fixture
def cloud(running):
    """The same without identity providers."""
    running.forget_providers()
    return running


@pytest.fixture
def federated(cloud, provider):
    """An identity provider there, and somebody who may come by it."""
    idp, name = unique("idp"), unique("ann")
    cloud.federate(idp, RULES)
    assert cloud.found(f"identity_providers/{idp}", "identity_provider")["remote_ids"] == [provider.issuer]
    return idp, provider.user(preferred_username=name, email=f"{name}@example.com"), name


def test_a_bearer_opens_the_door_by_a_stock_client(cloud, provider, federated):
    idp, user, name = federated
    plugin = oidc.OidcAccessToken(auth_url=cloud.auth_url, identity_provider=idp, protocol="openid", access_token=provider.access_token(user))
    token = plugin.get_access(session.Session(auth=plugin)).auth_token
    who = cloud.whoami(token)
    assert who["user"]["name"] == name and who["methods"] == ["openid"]
    assert who["user"]["OS-FEDERATION"]["identity_provider"] == {"id": idp}


def test_a_browser_comes_back_with_a_token_for_a_trusted_dashboard(cloud, federated):
    idp, user, name = federated
    for by in (idp, None):
        action, token = cloud.token_of(cloud.by_browser(user, ORIGIN, by))
        assert action == ORIGIN and cloud.whoami(token)["user"]["name"] == name
    assert cloud.by_browser(user, "http://elsewhere.example/", idp).status_code == 401


def test_values_of_a_list_are_values_of_an_attribute(cloud, provider):
    """Groups of the identity provider become groups there, whose roles they have."""
    idp = unique("idp")
    cloud.federate(idp, RULES)
    domain = cloud.found(f"identity_providers/{idp}", "identity_provider")["domain_id"]
    group = cloud.expect(201, "POST", "/v3/groups", {"group": {"name": "staff", "domain_id": domain}})["group"]["id"]
    role = next(r["id"] for r in cloud.expect(200, "GET", "/v3/roles")["roles"] if r["name"] == "member")
    cloud.expect(204, "PUT", f"/v3/domains/{domain}/groups/{group}/roles/{role}")
    rule = {"local": [{"group": {"id": group}}], "remote": [{"type": "OIDC-groups", "any_one_of": ["staff"]}]}
    cloud.expect(200, "PATCH", f"/v3/OS-FEDERATION/mappings/{idp}-rules", {"mapping": {"rules": [*RULES, rule]}})
    for groups, status in ((["helpers", "staff"], 201), (["helpers", "staffers"], 401)):
        person = provider.user(preferred_username=unique("ann"), email="ann@example.com", groups=groups)
        token = cloud.by_bearer(idp, provider.access_token(person)).headers["X-Subject-Token"]
        assert cloud.scoped(token, domain).status_code == status, groups


def test_application_credentials_work_there(cloud):
    project = cloud.log_in("admin", ADMIN_PASSWORD, {"project": {"name": "admin", "domain": {"id": "default"}}})
    user = cloud.whoami(project)["user"]["id"]
    body = {"application_credential": {"name": unique("key"), "unrestricted": True}}
    made = cloud.request("POST", f"/v3/users/{user}/application_credentials", project, body).json()["application_credential"]
    identity = {"methods": ["application_credential"], "application_credential": {"id": made["id"], "secret": made["secret"]}}
    answer = cloud.request("POST", "/v3/auth/tokens", None, {"auth": {"identity": identity}})
    assert answer.status_code == 201, answer.text
    path = "/v3/OS-FEDERATION/identity_providers"
    assert cloud.request("GET", path, answer.headers["X-Subject-Token"]).status_code == 200


def test_nobody_else_gets_in(cloud, provider, federated):
    idp, user, name = federated
    good = provider.access_token(user)
    assert cloud.by_bearer(idp, good).status_code == 201
    assert cloud.by_bearer(idp, good[:-6]).status_code == 401
    assert cloud.by_bearer(unique("idp"), good).status_code in (401, 404)
    path = f"{cloud.auth_url}/OS-FEDERATION/identity_providers/{idp}/protocols/openid/auth"
    strangers = {"Authorization": f"Bearer {good}", "OIDC-email": "root@example.com", "OIDC-preferred_username": "root", "X-Remote-User": "root"}
    entered = requests.post(path, headers=strangers, timeout=10)
    assert entered.status_code == 201 and entered.json()["token"]["user"]["name"] == name
    spoofed = {"OIDC-iss": provider.issuer, "OIDC-preferred_username": "admin", "X-Remote-User": "admin"}
    assert requests.get(path, headers=spoofed, timeout=10).status_code == 401
    strange = unique("idp")
    cloud.federate(strange, RULES, remote_ids=["https://elsewhere.example"])
    assert cloud.by_bearer(strange, good).status_code in (401, 403)


def test_opaque_tokens_are_asked_about(provider):
    cloud = KeystoneApache(provider, bearers="introspection")
    try:
        idp, name = unique("idp"), unique("ann")
        cloud.federate(idp, RULES)
        provider.client(unique("cli"), resource=OPAQUE)
        user = provider.user(preferred_username=name, email=f"{name}@example.com")
        answer = cloud.by_bearer(idp, provider.access_token(user, "opaque"))
        assert answer.status_code == 201, f"{answer.text}\n{cloud.log()}"
        assert answer.json()["token"]["user"]["name"] == name
        assert cloud.by_bearer(idp, "made-up").status_code == 401
    finally:
        cloud.remove()
