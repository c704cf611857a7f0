"""Fixtures of the federation tests: nodes that may speak to the loopback interface, OpenID providers, ways in."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
# Browsers without a window and SAML documents are those of the tenants' tests.
sys.path[:0] = [str(HERE), str(HERE.parent / "tenant")]

from dashboard_nodes import _servers, dashboard, own_provider, pair  # noqa: E402, F401
from harness import Archstone, faketime, free_port, set_clock, unique  # noqa: E402
from peers.browser import ChromeDriver  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from peers.saml import IdentityProvider  # noqa: E402
from peers.saml_ecp import EcpIdentityProvider  # noqa: E402
from saml_providers import SAML_PEERS, saml_peers  # noqa: E402, F401
from saml_trust import SamlTrust, metadata  # noqa: E402
from trust import EGRESS, Trust  # noqa: E402
from visitor import Visitor  # noqa: E402


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


# -- SAML --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def idp():
    """The hand-made SAML identity provider that most tests share; its address has a query of its own."""
    return IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso?realm=a%20b")


@pytest.fixture(scope="session")
def ecp_idp():
    """The one with a socket, for Enhanced Clients."""
    it = EcpIdentityProvider().start()
    yield it
    it.remove()


@pytest.fixture
def saml_way(sqlite_archstone, idp):
    """`saml_way(*rules, …)`: a new way in by SAML; see `SamlTrust`. `idp=` and `node=` replace the shared ones."""
    def make(*rules, node=None, **options):
        return SamlTrust(node or sqlite_archstone, options.pop("idp", idp), *rules, **options)

    return make


@pytest.fixture
def browse(sqlite_archstone):
    """`browse(node=…, **options)`: browsers that have never been here; see `Visitor`."""
    made = []

    def make(node=None, **options):
        made.append(Visitor(node or sqlite_archstone, **options))
        return made[-1]

    yield make
    for it in made:
        it.close()


@pytest.fixture(scope="session")
def one_address(cluster, settings):
    """Two nodes on one PostgreSQL database, behind one public URL: the first one's."""
    first = Archstone(cluster.fresh_database(), settings)
    first.settings = first.settings | {"ARCHSTONE_SERVER__PUBLIC_URL": first.url}
    first.prepare().start()
    second = first.another_node().start()
    yield first, second
    second.remove()
    first.remove()


@pytest.fixture(params=SAML_PEERS)
def saml_peer(request, saml_peers, sqlite_archstone):
    """Each of them, knowing the shared node; it does what it does by itself again after the test (`set`)."""
    it = saml_peers(request.param)
    it.know(metadata(sqlite_archstone))
    yield it
    it.set()


@pytest.fixture(params=SAML_PEERS)
def own_saml_peer(request, sqlite_archstone):
    """Each of them as the test's own, whose metadata nobody has read yet."""
    it = SAML_PEERS[request.param]()
    it.know(metadata(sqlite_archstone))
    yield it.start()
    it.remove()
