"""Fixtures of the tests whose SAML documents are made by hand: a tenant on a node of their own, its identity provider."""

import pytest

from harness import unique
from peers.saml import IdentityProvider
from saml_cases import SamlWay
from tenancy import Tenant, admin


@pytest.fixture(scope="session")
def house(make_node):
    """A tenant of these tests' own."""
    return Tenant(make_node())


@pytest.fixture(scope="session")
def client(house):
    """Its application."""
    return house.client(allowed_scopes=["openid", "profile", "email", "groups"])


@pytest.fixture(scope="session")
def idp():
    """The identity provider that most tests share; its address has a query of its own."""
    return IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso?realm=a%20b")


@pytest.fixture(scope="session")
def way(house, idp):
    """The tenant's way to it."""
    return SamlWay.new(house, idp)


@pytest.fixture
def other_way(house, idp):
    """`other_way(idp=…, **members)`: further ones, which go after the test."""
    made = []

    def make(idp=idp, settings=None, **members):
        made.append(SamlWay.new(house, idp, settings, **members))
        return made[-1]

    yield make
    for it in made:
        assert admin(house.node, "DELETE", it.path).status_code in (204, 404)


@pytest.fixture
def browse(house, visitor):
    """`browse(**options)`: browsers that are closed after the test."""
    return lambda **options: visitor(house, **options)
