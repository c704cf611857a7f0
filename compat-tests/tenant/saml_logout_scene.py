"""Fixtures of the tests of logouts by SAML: identity providers at which people can log out."""

import pytest

from harness import unique
from peers.broken import BrokenWeb, Reply
from saml_logouts import new_provider


@pytest.fixture
def party(other_way):
    """`party(**members)`: an identity provider of the test's own at which one can log out."""
    def make(idp=None, settings=None, **members):
        idp = idp or new_provider()
        return other_way(idp, settings, **({"idp_slo_url": idp.slo_url} | members))

    return make


@pytest.fixture(scope="module")
def publish():
    """`publish(idp)`: the address of its metadata."""
    known, kind = {}, "application/samlmetadata+xml"
    web = BrokenWeb(lambda _, case, rest: Reply(known[case], content_type=kind) if case in known else None)

    def at(idp):
        name = unique("metadata")
        known[name] = idp.metadata()
        return f"{web.url}/{name}/metadata.xml"

    yield at
    web.remove()


@pytest.fixture
def told_by_metadata(other_way, publish):
    """`told_by_metadata(services)`: an identity provider with these addresses in its metadata."""
    def make(services):
        idp = new_provider(services=services)
        return other_way(idp, idp_metadata_url=publish(idp), idp_entity_id=None, idp_sso_url=None, idp_certificate=None)

    return make
