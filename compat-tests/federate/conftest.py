"""Fixtures of the tests of federation to platforms: nodes that may speak to the loopback interface, and platforms to push to."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / folder) for folder in ("sso", "federation"))]

from dashboard_nodes import _servers, dashboard, own_provider, pair  # noqa: E402, F401
from federate_calls import CALL, Platform  # noqa: E402
from peers.hostile_scim import HostileScim  # noqa: E402
from peers.keystone_apache import KeystoneApache  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from peers.scim import Scim2Server, Scimmy  # noqa: E402
from peers.webhook import Webhook  # noqa: E402
from peers.zstack import ZStack  # noqa: E402
from trust import EGRESS  # noqa: E402
from way import Way  # noqa: E402

HOOK_SECRET = "canary-of-a-webhook-secret"


@pytest.fixture(scope="session")
def settings(dashboard):
    """What a node needs for these tests."""
    return EGRESS | {"ARCHSTONE_FEDERATION__TRUSTED_DASHBOARDS": dashboard.origin, "ARCHSTONE_SSO__FEDERATE_WAIT_SECS": str(int(CALL))}


@pytest.fixture
def one(sqlite_archstone):
    """A server, where the database makes no difference."""
    return sqlite_archstone


@pytest.fixture(scope="session")
def provider():
    """The OpenID provider behind the configurations that are pushed."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture
def made():
    """Makes peers of the test's own: `made(ZStack, line="zsphere")`."""
    running = []

    def make(kind, *args, **options):
        running.append(kind(*args, **options))
        return running[-1]

    yield make
    for it in running:
        it.remove()


@pytest.fixture
def zstack(made):
    """A ZStack management node."""
    return made(ZStack)


@pytest.fixture
def hook(made):
    """A receiver of signed pushes."""
    return made(Webhook, HOOK_SECRET)


@pytest.fixture
def hostile(made):
    """A SCIM server that misbehaves as told."""
    return made(HostileScim)


@pytest.fixture(params=[Scim2Server, Scimmy, HostileScim], ids=["scim2-server", "scimmy", "hostile"])
def scim(request, made):
    """Each SCIM server there is."""
    return made(request.param)


@pytest.fixture(scope="session")
def _cloud(provider, dashboard):
    """A Keystone behind Apache, whose people come from the same provider."""
    it = KeystoneApache(provider, [dashboard.origin])
    yield it
    it.remove()


@pytest.fixture
def cloud(_cloud):
    """The same without identity providers."""
    _cloud.forget_providers()
    return _cloud


@pytest.fixture
def way(archstone, provider):
    """A configuration of the provider, and people who come through it."""
    return Way(archstone, provider)


@pytest.fixture
def register(archstone):
    """Registers peers as platforms: `register(zstack, scim=hostile, **fields)`."""
    return lambda peer, **fields: Platform(archstone, peer, **fields)
