"""Fixtures of the tempest tests, beside those of the folder above."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import Archstone  # noqa: E402
from workers import NODE_SETTINGS, WORKERS, Workers  # noqa: E402


@pytest.fixture(scope="session")
def tempest():
    """Tempest's workers on a fresh node with the embedded database, shared over the run: tempest makes users of its own."""
    node = Archstone(settings=NODE_SETTINGS)
    try:
        node.prepare().start()
        with Workers(node, WORKERS) as workers:
            yield workers
    finally:
        node.remove()
