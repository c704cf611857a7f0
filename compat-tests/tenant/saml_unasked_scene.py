"""Fixtures of the tests of sign-ins by SAML that begin at the identity provider."""

import pytest

from harness import unique
from peers.saml import IdentityProvider
from saml_unasked import SCOPES, START


@pytest.fixture
def app(house):
    """`app(**settings)`: an application that takes sign-ins which begin elsewhere."""
    return lambda **settings: house.client(allowed_scopes=SCOPES, **({"initiate_login_uri": START} | settings))


@pytest.fixture
def taking(other_way):
    """`taking(app=None)`: an identity provider that may send people by itself, to this application unless it says
    another."""
    def make(app=None, **members):
        chosen = {"default_app_id": app.id} if app else {}
        return other_way(IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso"),
                         settings={"idp_initiated": "accept"} | chosen, **members)

    return make
