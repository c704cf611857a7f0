"""Fixtures of the federation tests: nodes that may speak to the loopback interface, OpenID providers, ways in."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from dashboard_nodes import _servers, dashboard, own_provider, pair  # noqa: E402, F401
from harness import Archstone, faketime, free_port, set_clock  # noqa: E402
from peers.browser import ChromeDriver  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from trust import EGRESS, Trust  # noqa: E402


@pytest.fixture(scope="session")
def local_origin():
    """The origin of keystoneauth's `v3websso`, which listens there itself while somebody logs in."""
    return f"http://localhost:{free_port()}/auth/websso/"


@pytest.fixture(scope="session")
def settings(dashboard, local_origin):
    """What a node needs for these tests."""
    # What is asked of a provider here is asked by log-ins, and by no test in the background.
    dashboards = {"ARCHSTONE_FEDERATION__TRUSTED_DASHBOARDS": f"{dashboard.origin},{local_origin}"}
    return EGRESS | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"} | dashboards


@pytest.fixture
def clocked(settings, tmp_path):
    """A node with a clock of its own, and `step(seconds)`, which sets that so many seconds ahead of the real one."""
    control, environment = faketime(tmp_path)
    node = Archstone(settings=settings)
    node.prepare()
    node.settings |= environment
    node.start()
    yield node, lambda seconds: set_clock(control, f"+{seconds}s")
    node.remove()


@pytest.fixture(scope="session")
def provider():
    """The OpenID provider that most tests share; each makes users and ways in of its own."""
    it = OpenIdProvider(claims=["REMOTE_USER", "__NAMEID__", "department"]).start()
    yield it
    it.stop()


@pytest.fixture(scope="session")
def other_provider():
    """A second one, with keys of its own."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture
def trust(archstone, provider):
    """`trust(*rules, …)`: a new way in; see `Trust`. `provider=` and `node=` take the place of the shared ones."""
    def make(*rules, node=None, **options):
        return Trust(node or archstone, options.pop("provider", provider), *rules, **options)

    return make


@pytest.fixture(scope="session")
def chromium():
    """Makes browsers that share nothing."""
    driver = ChromeDriver()
    yield driver
    driver.remove()


@pytest.fixture
def browser(chromium):
    """A browser of the test's own."""
    it = chromium.browser()
    yield it
    it.close()
