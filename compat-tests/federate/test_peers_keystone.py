"""The cloud that is pushed to lets people in once identity provider, mapping and protocol are there, and only then."""

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.identity.v3 import oidc

from harness import unique
from peers.keystone_apache import KeystoneApache
from peers.openid import OPAQUE, OpenIdProvider

ORIGIN = "http://127.0.0.1:1/auth/websso/"
RULES = [{"local": [{"user": {"name": "{0}", "email": "{1}"}}], "remote": [{"type": "HTTP_OIDC_PREFERRED_USERNAME"}, {"type": "HTTP_OIDC_EMAIL"}]}]


@pytest.fixture(scope="module")
def provider():
    """Where people sign in."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture(scope="module")
def cloud(provider):
    """One that verifies bearer tokens by the provider's keys."""
    it = KeystoneApache(provider, [ORIGIN])
    yield it
    it.remove()


@pytest.fixture(scope="module")
def federated(cloud, provider):
    """An identity provider there, and somebody who may come by it."""
    idp, name = unique("idp"), unique("ann")
    cloud.federate(idp, RULES)
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


def test_nobody_else_gets_in(cloud, provider, federated):
    idp, user, _ = federated
    good = provider.access_token(user)
    assert cloud.by_bearer(idp, good).status_code == 201
    assert cloud.by_bearer(idp, good[:-6]).status_code == 401
    assert cloud.by_bearer(unique("idp"), good).status_code in (401, 404)
    path = f"{cloud.auth_url}/OS-FEDERATION/identity_providers/{idp}/protocols/openid/auth"
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
