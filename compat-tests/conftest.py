"""Fixtures of the black-box tests: see `harness.py` for what they hand out."""

import pytest

from harness import Archstone, Postgres, nodes, one_for_each_database

DATABASES = ["sqlite", "postgres"]


@pytest.fixture(scope="session")
def cluster():
    """The run's PostgreSQL cluster. Tests that stop their database use `own_cluster`."""
    with Postgres() as cluster:
        yield cluster


@pytest.fixture
def own_cluster():
    """A PostgreSQL cluster that the test may stop."""
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _servers(cluster):
    """One running server per database, started when first asked for."""
    yield from one_for_each_database(cluster)


@pytest.fixture(params=DATABASES)
def archstone(request, _servers):
    """A shared server, once on each database. Tests make names of their own (`unique`) and leave others' alone."""
    return _servers(request.param)


@pytest.fixture
def sqlite_archstone(_servers):
    """The shared server on the embedded database, where the database makes no difference to what is tested."""
    return _servers("sqlite")


@pytest.fixture
def launch(cluster):
    """Makes servers of the test's own: `launch(database="sqlite", settings={…}, prepare=True, start=True)`."""
    made = []

    def launch(database="sqlite", settings=None, prepare=True, start=True):
        server = Archstone(cluster.fresh_database() if database == "postgres" else None, settings)
        made.append(server)
        if prepare:
            server.prepare()
        if start:
            server.start()
        return server

    yield launch
    for server in made:
        server.remove()


@pytest.fixture(params=DATABASES)
def fresh_archstone(request, launch):
    """A server of the test's own, once on each database."""
    return launch(request.param)


@pytest.fixture
def two_nodes(cluster):
    """Two nodes of the test's own on one PostgreSQL database."""
    pair = nodes(2, cluster)
    yield pair
    for node in reversed(pair):
        node.remove()


@pytest.fixture(scope="session")
def shared_two_nodes(cluster):
    """Two nodes on one PostgreSQL database for the whole run, for tests that neither stop them nor turn their settings."""
    pair = nodes(2, cluster)
    yield pair
    for node in reversed(pair):
        node.remove()
