"""Fixtures of the tests of the SSO face: nodes that may speak to the loopback interface, and real and broken things to speak to."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "federation")]

from dashboard_nodes import _servers, dashboard, own_provider, pair  # noqa: E402, F401
from peers import broken_oidc, broken_saml  # noqa: E402
from peers.authority import EXPIRED, Authority  # noqa: E402
from peers.broken import BrokenWeb, Sockets  # noqa: E402
from peers.directory import Directory  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from peers.simplesamlphp import SimpleSamlPhp  # noqa: E402
from sso_bodies import oidc  # noqa: E402
from sso_calls import create, settled  # noqa: E402
from trust import EGRESS  # noqa: E402
from way import Way  # noqa: E402


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The certificate authority that every node here trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """A certificate authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "Somebody else's authority")


@pytest.fixture(scope="session")
def settings(dashboard, authority):
    """What a node needs for these tests."""
    return EGRESS | {"ARCHSTONE_FEDERATION__TRUSTED_DASHBOARDS": dashboard.origin, "SSL_CERT_FILE": str(authority.file)}


@pytest.fixture
def one(sqlite_archstone):
    """A server, where the database makes no difference."""
    return sqlite_archstone


@pytest.fixture(scope="module")
def made():
    """One configuration a server that tests may read, and try to change in vain: `made(archstone)`."""
    known = {}

    def make(archstone):
        if archstone.url not in known:
            known[archstone.url] = settled(archstone, create(archstone, oidc()), 30)
        return known[archstone.url]

    return make


@pytest.fixture(scope="session")
def provider():
    """The OpenID provider that most tests share; its discovery document can stand behind one configuration of a node only."""
    it = OpenIdProvider().start()
    yield it
    it.stop()


@pytest.fixture(scope="session")
def saml_idp():
    """A SAML identity provider."""
    it = SimpleSamlPhp().start()
    yield it
    it.remove()


@pytest.fixture(scope="session")
def directory(authority):
    """A directory with TLS by the trusted authority, whose certificate is good for 127.0.0.1 and localhost."""
    it = Directory(authority.issue("127.0.0.1", "localhost")).start()
    yield it
    it.remove()


@pytest.fixture(scope="session")
def directories(authority, stranger):
    """Directories that are set up otherwise, started when first asked for."""
    kinds = {
        "without tls": lambda: Directory(),
        "no strangers": lambda: Directory(authority.issue("127.0.0.1"), anonymous=False),
        "unknown authority": lambda: Directory(stranger.issue("127.0.0.1")),
        "other name": lambda: Directory(authority.issue("ldap.example.com", "10.9.8.7")),
        "expired": lambda: Directory(authority.issue("127.0.0.1", life=EXPIRED)),
    }
    running = {}

    def serve(kind):
        if kind not in running:
            running[kind] = kinds[kind]().start()
        return running[kind]

    yield serve
    for it in running.values():
        it.remove()


@pytest.fixture(scope="session")
def sockets():
    """Ports where nothing answers as it should."""
    it = Sockets()
    yield it
    it.remove()


@pytest.fixture(scope="session")
def webs(authority, stranger):
    """Web servers with broken documents: `webs("oidc")`, or with a second word for how it speaks TLS."""
    documents = {"oidc": broken_oidc.documents, "saml": broken_saml.documents}
    contexts = {
        None: lambda: None,
        "tls": lambda: authority.context("127.0.0.1", "localhost"),
        "unknown authority": lambda: stranger.context("127.0.0.1"),
        "other name": lambda: authority.context("idp.example.com"),
        "expired": lambda: authority.context("127.0.0.1", life=EXPIRED),
    }
    running = {}

    def serve(kind, tls=None):
        if (kind, tls) not in running:
            running[kind, tls] = BrokenWeb(documents[kind], contexts[tls]())
        return running[kind, tls]

    yield serve
    for it in running.values():
        it.remove()


@pytest.fixture
def way(archstone, provider):
    """`way(**fields)`: a configuration of the shared provider."""
    return lambda **fields: Way(archstone, provider, **fields)
