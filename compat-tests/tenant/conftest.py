"""Fixtures of the tests of tenants: nodes, tenants on them, OpenID providers and applications beside them."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "federation")]

from harness import Archstone, faketime, one_for_each_database, set_clock  # noqa: E402
from peers.applications import OpenIdApp  # noqa: E402
from peers.hostile_provider import HostileProvider  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from peers.playwright import Playwright  # noqa: E402
from saml_logout_scene import party, publish, told_by_metadata  # noqa: E402, F401
from saml_providers import SAML_PEERS, saml_peers  # noqa: E402, F401
from saml_scene import browse, client, house, idp, other_way, way  # noqa: E402, F401
from saml_unasked_scene import app, taking  # noqa: E402, F401
from tenancy import Tenant  # noqa: E402
from trust import EGRESS  # noqa: E402

# Tests come from one address and ask more than any person would.
UNHURRIED = {f"ARCHSTONE_TENANT__{name}_PER_MINUTE": "0" for name in ("IDPS", "BEGIN", "FINISH", "TOKEN", "FAILURES")}
SETTINGS = EGRESS | UNHURRIED | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"}


@pytest.fixture(scope="session")
def settings():
    """What a node needs for these tests."""
    return SETTINGS


@pytest.fixture(scope="session")
def _servers(cluster, settings):
    """As for the other tests, with these settings."""
    yield from one_for_each_database(cluster, settings)


@pytest.fixture(scope="session")
def pair(cluster, settings):
    """Two nodes on one PostgreSQL database, behind one public URL: the first one's."""
    first = Archstone(cluster.fresh_database(), settings)
    first.settings = first.settings | {"ARCHSTONE_SERVER__PUBLIC_URL": first.url}
    first.prepare().start()
    second = first.another_node().start()
    yield first, second
    second.remove()
    first.remove()


@pytest.fixture
def make_clocked(settings, tmp_path):
    """Makes nodes with a clock of their own: `make_clocked(**settings)` is one, and `step(seconds)`, which sets that so many
    seconds ahead of the real one."""
    made = []

    def make(**more):
        control, environment = faketime(tmp_path)
        node = Archstone(settings=settings | more)
        made.append(node)
        node.prepare()
        node.settings |= environment
        return node.start(), lambda seconds: set_clock(control, f"+{seconds}s")

    yield make
    for node in made:
        node.remove()


@pytest.fixture
def clocked(make_clocked):
    """One with the usual settings."""
    return make_clocked()


@pytest.fixture(scope="session")
def make_node(cluster, settings):
    """Makes nodes that live as long as the run: `make_node(database="sqlite", **settings)`."""
    made = []

    def make(database="sqlite", **more):
        # None: without it.
        chosen = {k: v for k, v in (settings | more).items() if v is not None}
        node = Archstone(cluster.fresh_database() if database == "postgres" else None, chosen)
        made.append(node)
        return node.prepare().start()

    yield make
    for node in made:
        node.remove()


@pytest.fixture(scope="session")
def paced(make_node):
    """A node with the limits that it has by itself."""
    return make_node(**dict.fromkeys(UNHURRIED))


@pytest.fixture(scope="session")
def secure(make_node):
    """A node that people know by an https URL, as behind a proxy; its cookies are those of https."""
    return make_node(ARCHSTONE_SERVER__PUBLIC_URL="https://id.example.org")


@pytest.fixture(scope="session")
def provider():
    """The OpenID provider that most tests share; each makes users and clients of its own."""
    it = OpenIdProvider(claims=["department", "locale", "given_name", "family_name"]).start()
    yield it
    it.stop()


@pytest.fixture(scope="session")
def hostile():
    """The provider that does one thing wrong at a time."""
    it = HostileProvider()
    yield it
    it.remove()


@pytest.fixture
def own_provider():
    """A provider of the test's own, which may turn its keys, or stop it."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture(params=SAML_PEERS)
def saml_peer(request, saml_peers):
    """Each SAML identity provider that tests share; they make people of their own, and `switch` what it does."""
    return saml_peers(request.param)


@pytest.fixture
def pysaml(saml_peers):
    """pysaml2 alone."""
    return saml_peers("pysaml2")


@pytest.fixture(params=SAML_PEERS)
def own_saml_peer(request):
    """Each SAML identity provider as the test's own, which may turn its keys."""
    it = SAML_PEERS[request.param]().start()
    yield it
    it.remove()


@pytest.fixture
def switch():
    """`switch(saml_peer, **switches)`: it does so until the end of the test."""
    switched = []

    def to(idp, **switches):
        switched.append(idp)
        idp.set(**switches)

    yield to
    for idp in switched:
        idp.set()


@pytest.fixture(scope="session")
def _tenants():
    """A tenant on each node for the tests that leave it as it is."""
    made = {}

    def of(node):
        if node.url not in made:
            made[node.url] = Tenant(node)
        return made[node.url]

    return of


@pytest.fixture
def tenant(archstone, _tenants):
    """A tenant that tests share and leave as it is, once on each database; its applications and people are their own."""
    yield (it := _tenants(archstone))
    it.clear()


@pytest.fixture
def one(sqlite_archstone, _tenants):
    """The same where the database makes no difference."""
    yield (it := _tenants(sqlite_archstone))
    it.clear()


@pytest.fixture
def own(sqlite_archstone):
    """`own(**settings)`: a tenant of the test's own."""
    return lambda **settings: Tenant(sqlite_archstone, **settings)


@pytest.fixture
def visitor(request):
    """`visitor(tenant, **options)`: browsers that are closed after the test."""
    made = []

    def make(tenant, **options):
        made.append(tenant.visitor(**options))
        return made[-1]

    yield make
    for it in made:
        it.close()


@pytest.fixture
def application():
    """`application(kind, tenant, **settings)`: a running application (`openid-client` or `authlib`) with its client."""
    made = []

    def make(kind, tenant, type="WEB", scope="openid profile email", parameters=None, **settings):
        app = OpenIdApp(kind)
        made.append(app)
        usual = {"logout_uris": [app.logout_uri], "backchannel_logout_uri": app.backchannel_uri}
        app.client = tenant.client(type, [app.redirect_uri], **(usual | settings))
        return app.start(tenant.issuer, app.client.id, app.client.secret, scope=scope, **(parameters or {}))

    yield make
    for it in made:
        it.remove()


@pytest.fixture(scope="session")
def playwright():
    """Chromium."""
    it = Playwright()
    yield it
    it.remove()


@pytest.fixture
def window(playwright):
    """`window(**options)`: a window with a profile of its own."""
    made = []

    def make(**options):
        made.append(playwright.visitor(**options))
        return made[-1]

    yield make
    for it in made:
        it.close()
