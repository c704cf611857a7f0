"""Fixtures of the edge tests, beside those of the folder above."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from rig import Node, server_limits  # noqa: E402


@pytest.fixture(scope="session")
def node():
    """A server on the embedded database with every limit at its default, shared by the tests that leave it whole."""
    server = Node()
    try:
        server.prepare().start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def make_node(request):
    """Makes servers of the module's own: `make_node(database_url=None, limits={…}, settings={…}, start=True)`."""
    made = []

    def make(database_url=None, limits=None, settings=None, start=True, prepare=True):
        server = Node(database_url, server_limits(**(limits or {})) | (settings or {}))
        made.append(server)
        if prepare:
            server.prepare()
        if start:
            server.start()
        return server

    yield make
    for server in reversed(made):
        server.remove()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request, cluster):
    """None for the embedded database, else the URL of a fresh PostgreSQL one."""
    return cluster.fresh_database() if request.param == "postgres" else None
