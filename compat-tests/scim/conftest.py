"""Fixtures of the tests of tenants' SCIM: nodes without limits of pace, tenants and their directories."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tenant"), str(HERE.parent / "federation")]

from directory import Directory  # noqa: E402
from harness import Archstone, one_for_each_database  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from tenancy import Tenant  # noqa: E402
from trust import EGRESS  # noqa: E402

# Tests ask from one address and more than any directory would.
SETTINGS = EGRESS | {f"ARCHSTONE_TENANT__{name}_PER_MINUTE": "0" for name in ("SCIM", "BEGIN", "FINISH", "TOKEN", "FAILURES", "IDPS")}


@pytest.fixture(scope="session")
def _servers(cluster):
    """As for the other tests, with these settings."""
    yield from one_for_each_database(cluster, SETTINGS)


@pytest.fixture
def directory(archstone):
    """The directory of a tenant of its own, once on each database."""
    return Directory(Tenant(archstone))


@pytest.fixture
def sqlite_directory(sqlite_archstone):
    """The same where the database makes no difference."""
    return Directory(Tenant(sqlite_archstone))


@pytest.fixture(scope="session")
def provider():
    """An OpenID provider; each test makes people and clients of its own."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture(scope="session")
def pair(cluster):
    """Two nodes on one PostgreSQL database, behind one public URL: the first one's."""
    first = Archstone(cluster.fresh_database(), SETTINGS)
    first.settings = first.settings | {"ARCHSTONE_SERVER__PUBLIC_URL": first.url}
    first.prepare().start()
    second = first.another_node().start()
    yield first, second
    second.remove()
    first.remove()
