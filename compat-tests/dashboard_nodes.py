"""Fixtures that the federation tests and the SSO tests have in common: a dashboard, the nodes that trust it, a provider.

Each folder has its own `settings`, which its nodes run with. A `conftest.py` imports what its folder uses.
"""

import pytest

from harness import nodes, one_for_each_database
from peers.dashboard import Dashboard
from peers.openid import OpenIdProvider


@pytest.fixture(scope="session")
def dashboard():
    """The dashboard that every node here trusts."""
    it = Dashboard()
    yield it
    it.remove()


@pytest.fixture(scope="session")
def _servers(cluster, settings):
    """As for the other tests, with these settings."""
    yield from one_for_each_database(cluster, settings)


@pytest.fixture(scope="session")
def pair(cluster, settings):
    """Two nodes on one PostgreSQL database."""
    both = nodes(2, cluster, settings)
    yield both
    for node in reversed(both):
        node.remove()


@pytest.fixture
def own_provider():
    """A provider of the test's own, which may turn its keys, or stop it."""
    it = OpenIdProvider().start()
    yield it
    it.stop()
