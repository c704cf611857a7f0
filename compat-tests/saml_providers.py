"""Fixtures of SAML identity providers as people have them, which the tests of both faces share."""

import pytest

from harness import one_for_each_name
from peers.pysaml import PySaml
from peers.simplesamlphp import SimpleSamlPhp

SAML_PEERS = {"simplesamlphp": SimpleSamlPhp, "pysaml2": PySaml}


@pytest.fixture(scope="session")
def saml_peers():
    """SAML identity providers with pages, each started when first asked for."""
    yield from one_for_each_name(lambda name: SAML_PEERS[name](), lambda it: it.start())
