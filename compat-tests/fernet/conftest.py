"""Fixtures of the token tests: the repositories that both peers use, and the peers."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from token_peers import ArchstoneKeys, KeystoneTokens  # noqa: E402


@pytest.fixture
def repositories(tmp_path):
    """Paths of the Fernet, the JWS private and the JWS public repository; nothing is there yet."""
    return tmp_path / "fernet", tmp_path / "private", tmp_path / "public"


@pytest.fixture
def keystone(repositories):
    keystone = KeystoneTokens(repositories)
    yield keystone
    keystone.close()


@pytest.fixture
def archstone(repositories):
    """The command line alone: these tests need no server."""
    return ArchstoneKeys(repositories)
