"""SSRF-1 to SSRF-19: no address of ours is reached through wellKnownUrl, idpMetadataUrl, serverAddress, or what stands behind them.

Literal addresses are refused when they are written, names when they are used: names are given addresses of the test's choice by
libnss_wrapper, which the node's own lookups go through. Nodes of these tests run with the default settings of `egress` unless a test
says otherwise.
"""

import glob
import os
import threading
import time

import pytest

from harness import Archstone, unique
from peers import directory as ldap_tree
from peers.broken import BrokenWeb, Reply, Sockets
from peers.broken_oidc import WELL_KNOWN, discovery, documents
from sso_bodies import by_metadata, ldap, of_directory, oidc, saml
from sso_calls import CONFIGURATIONS, DRAFT, PROBE, create, done, draft, kept, path_of, problem, send, settled, test

# SSRF-1 to 12, and forms of the same addresses that a lenient reader takes.
ADDRESSES = {
    "1": ["127.0.0.1", "127.8.9.1"],
    "2": ["[::1]", "[0:0:0:0:0:0:0:1]"],
    "3": ["0.0.0.0", "[::]", "0"],
    "4": ["localhost", "localhost.", "LOCALHOST", "a.localhost"],
    "5": ["2130706433", "0x7f000001"],
    "6": ["0x7f.1", "0177.0.0.1"],
    "7": ["127.1", "127.0.1"],
    "8": ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"],
    "9": ["169.254.169.254", "[fe80::1]", "168.63.129.16", "[fd00:ec2::254]"],
    "10": ["10.0.0.1", "172.16.0.1", "192.168.1.1", "10.255.255.255"],
    "11": ["[fd00::1]", "[fc00::1]"],
    "12": ["100.64.0.1", "198.18.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255"],
}
CASES = [pytest.param(host, id=f"ssrf_{number}-{host}") for number, hosts in ADDRESSES.items() for host in hosts]
SCHEMES = [
    "file:///etc/passwd",
    "gopher://idp.example.com/x",
    "ftp://idp.example.com/x",
    "data:application/json,%7B%7D",
    "unix:/run/x.sock",
    "ldap://idp.example.com/x",
    "dict://idp.example.com:11211/",
    "jar:https://idp.example.com!/x",
    "//idp.example.com/x",
    "javascript:alert(1)",
]
ODD = [
    "https://user@idp.example.com/x",
    "https://idp.example.com@127.0.0.1/x",
    "https://idp.example.com\r\nHost: x/x",
    "https://idp.example.com/\tx",
    "https://127.0.0.1#@idp.example.com/x",
    "https://idp.example.com\\@127.0.0.1/x",
    "https:\\\\idp.example.com/x",
    "https:idp.example.com/x",
    "https:///idp.example.com/x",
    "https://",
    "https://[::1",
    "https://idp.example.com:22/x",
    "https://idp.example.com:25/x",
    "https://idp.example.com:6379/x",
    "https://idp.example.com:99999/x",
    "https://exa mple.com/x",
]


@pytest.fixture(scope="module")
def strict(cluster):
    """A node with no exception from the rules of outgoing requests."""
    node = Archstone(settings={"ARCHSTONE_EGRESS__CONNECT_TIMEOUT_SECS": "2"})
    try:
        yield node.prepare().start()
    finally:
        node.remove()


def bodies(url, well_known=True):
    """Configurations that ask this URL, each with the field that it stands in."""
    return [
        (
            oidc() | {"oidcConfig": {"clientId": "x", "wellKnownUrl": url + ("" if not well_known else f"/{WELL_KNOWN}")}},
            "oidcConfig.wellKnownUrl",
        ),
        (by_metadata(url if not well_known else f"{url}/metadata.xml"), "samlConfig.idpMetadataUrl"),
        (saml(block={"idpSsoUrl": url if not well_known else f"{url}/sso"}), "samlConfig.idpSsoUrl"),
    ]


def refused(node, body, field):
    """This configuration is neither stored, nor tested, nor put in the place of another."""
    problem(send(node, "POST", CONFIGURATIONS, body), 400, field)
    problem(send(node, "POST", DRAFT, body), 400, field)
    block = field.partition(".")[0]
    made = _victim(node, body["providerType"])
    with kept(node, made):
        problem(
            send(
                node,
                "PUT",
                path_of(made),
                {block: {k: v for k, v in body[block].items() if k == field.partition(".")[2]} | SECRET_AGAIN[block]},
            ),
            400,
            field,
        )


# Given again, so that it is not the secret that a change of the host is refused for.
SECRET_AGAIN = {"oidcConfig": {"clientSecret": "again"}, "samlConfig": {}, "ldapConfig": {"bindPassword": "again"}}


def _victim(node, kind, found={}):  # noqa: B006 (one for all)
    if (node.url, kind) not in found:
        body = {"OIDC": oidc, "SAML": lambda: saml(block={"idpMetadataUrl": "https://idp.example.com/m"}), "LDAP": ldap}[kind]()
        found[node.url, kind] = settled(node, create(node, body), 30)
    return found[node.url, kind]


@pytest.mark.parametrize("host", CASES)
def test_literal_addresses_are_refused_when_written(strict, host):
    for body, field in bodies(f"https://{host}"):
        refused(strict, body, field)
    refused(strict, ldap(host), "ldapConfig.serverAddress")
    refused(strict, ldap(host.strip("[]")), "ldapConfig.serverAddress")
    problem(send(strict, "POST", CONFIGURATIONS, ldap(block={"servers": ["ldap.example.com", host]})), 400)
    problem(send(strict, "POST", PROBE, {"issuer": f"https://{host}"}), 400, "issuer")


@pytest.mark.parametrize("url", SCHEMES)
def test_ssrf_15_schemes(strict, url):
    for body, field in bodies(url, well_known=False):
        refused(strict, body, field)
    problem(send(strict, "POST", PROBE, {"issuer": url}), 400, "issuer")
    refused(strict, ldap(url), "ldapConfig.serverAddress")


@pytest.mark.parametrize("url", ODD, ids=lambda url: repr(url)[:40])
def test_ssrf_16_urls_that_two_readers_would_read_differently(strict, url):
    for body, field in bodies(url, well_known=False):
        refused(strict, body, field)
    problem(send(strict, "POST", PROBE, {"issuer": url}), 400, "issuer")


def test_http_needs_a_deployment_that_allows_it(strict):
    for body, field in bodies("http://idp.example.com"):
        refused(strict, body, field)
    for body, _ in bodies("https://idp.example.com"):
        answer = send(strict, "POST", DRAFT, body, timeout=30)
        assert answer.status_code == 200 and answer.json()["success"] is False, answer.text


def test_an_allowed_host_is_the_only_exception(sqlite_archstone):
    """SSRF-19: a node that may speak to 127.0.0.1 still speaks to nobody else."""
    for host in ("127.0.0.2", "169.254.169.254", "10.0.0.1", "[::1]", "[fd00::1]", "100.64.0.1", "0.0.0.0"):
        for body, field in bodies(f"http://{host}"):
            refused(sqlite_archstone, body, field)
        refused(sqlite_archstone, ldap(host), "ldapConfig.serverAddress")


# -- names ---------------------------------------------------------------------------------------------------------------------


class Names:
    """What names mean to a node: a file that libnss_wrapper reads again whenever it has changed."""

    def __init__(self, path):
        self.path, self.turns = path, 0
        self.say()

    def say(self, **hosts):
        """From now on these names (with `_` for a dot) have these addresses, and no others have any."""
        lines = [f"{address} {name.replace('_', '.')}\n" for name, addresses in hosts.items() for address in addresses]
        new = self.path.with_suffix(".new")
        new.write_text("".join(["127.0.0.1 localhost\n", *lines]))
        # Whether it has changed is told by its time, in full seconds.
        self.turns += 1
        os.utime(new, (self.turns, self.turns))
        new.replace(self.path)

    def environment(self):
        """The variables under which a process sees them."""
        [library] = glob.glob("/usr/lib/*/libnss_wrapper.so")
        return {"LD_PRELOAD": library, "NSS_WRAPPER_HOSTS": str(self.path)}


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A node that may speak to 127.0.0.1 by http and that sees names of the test's choice: (node, names)."""
    names = Names(tmp_path_factory.mktemp("names") / "hosts")
    node = Archstone(
        settings={
            "ARCHSTONE_EGRESS__ALLOW": "127.0.0.1",
            "ARCHSTONE_EGRESS__SCHEMES": "http,https",
            "ARCHSTONE_EGRESS__PORTS": "",
        }
    )
    try:
        node.prepare()
        node.settings |= names.environment()
        yield node.start(), names
    finally:
        node.remove()


@pytest.fixture(scope="module")
def forbidden():
    """Servers on 127.0.0.2, where nobody may lead a node of these tests: a web server that would please everybody, and a counting port."""
    web, ports = BrokenWeb(documents, address="127.0.0.2"), Sockets()
    yield web, ports.counting("127.0.0.2")
    web.remove()
    ports.remove()


def test_names_work_in_these_tests(named):
    """Or else the tests below prove nothing."""
    node, names = named
    web = BrokenWeb(documents, name="good.example.com")
    names.say(good_example_com=["127.0.0.1"])
    outcome = draft(node, oidc(f"{web.url}/good/{unique()}"))
    assert outcome["success"] is True, outcome
    names.say(good_example_com=[])
    assert draft(node, oidc(f"{web.url}/good/{unique()}"))["success"] is False
    web.remove()


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.2"],
        ["8.8.8.8", "127.0.0.2"],
        ["127.0.0.2", "127.0.0.2"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["fd00::1"],
    ],
)
def test_ssrf_13_a_name_that_leads_to_a_closed_address(named, forbidden, addresses):
    """By a name alone, beside a public address (which is not there, so that the next one would be tried), whatever asks."""
    node, names = named
    web, (port, seen) = forbidden
    names.say(inner_example_com=addresses)
    at = f"http://inner.example.com:{web.port}"
    for body, _ in bodies(f"{at}/good/{unique()}"):
        outcome = draft(node, body)
        assert outcome["success"] is False, outcome
    for block in ({}, {"useSsl": True}, {"useStartTls": True}):
        assert draft(node, ldap("inner.example.com", {"port": port} | block))["success"] is False
    assert draft(node, ldap("127.0.0.1", {"port": 1, "servers": [f"inner.example.com:{port}"]}))["success"] is False
    answer = send(node, "POST", PROBE, {"issuer": f"{at}/good/x"}, timeout=30)
    assert answer.status_code in (400, 502, 504)
    assert web.asked == [] and seen == []


def test_ssrf_13_a_name_that_is_bound_to_another_address_later(named, forbidden):
    """What was checked when it was written is checked again whenever it is used."""
    node, names = named
    web, (port, seen) = forbidden
    good = BrokenWeb(documents, name="moving.example.com")
    names.say(moving_example_com=["127.0.0.1"])
    # Switched off, so that nothing tests them in the background: libnss_wrapper cannot bear two look-ups at once while it reads
    # its file again, and takes the node with it.
    made = create(node, oidc(f"{good.url}/good/{unique()}") | {"enabled": False})
    assert test(node, made)["success"] is True
    directory = create(node, ldap("moving.example.com", {"port": port}) | {"enabled": False})
    names.say(moving_example_com=["127.0.0.2"])
    # Kept connections must not hide it: the first server goes away.
    good.remove()
    elsewhere = BrokenWeb(documents, address="127.0.0.2")
    assert test(node, made)["success"] is False and test(node, directory)["success"] is False
    assert web.asked == [] and elsewhere.asked == [] and seen == []
    elsewhere.remove()


def test_ssrf_13_the_address_that_was_checked_is_the_one_that_is_asked(named, forbidden):
    """A name that changes its mind all the time: never does the closed address hear of us."""
    node, names = named
    web, (port, seen) = forbidden
    stop = threading.Event()

    def turn():
        while not stop.is_set():
            names.say(turning_example_com=["127.0.0.2"])
            names.say(turning_example_com=["127.0.0.1"])

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        for _ in range(30):
            draft(node, oidc(f"http://turning.example.com:{web.port}/good/{unique()}"))
            draft(node, ldap("turning.example.com", {"port": port}))
    finally:
        stop.set()
        thread.join()
    assert web.asked == [] and seen == []


# -- what stands behind --------------------------------------------------------------------------------------------------------


def test_ssrf_14_a_redirect_to_a_closed_address(sqlite_archstone, forbidden):
    web, (port, seen) = forbidden

    def redirecting(_, case, rest):
        return Reply(
            status=int(case),
            headers={"Location": f"http://127.0.0.2:{port if rest.startswith('socket') else web.port}/good/x/{WELL_KNOWN}"},
        )

    here = BrokenWeb(redirecting)
    for status in (301, 302, 303, 307, 308):
        for target in ("web", "socket"):
            for body, _ in bodies(f"{here.url}/{status}/{target}")[:2]:
                outcome = draft(sqlite_archstone, body)
                assert outcome["success"] is False, outcome
    assert len(here.asked) >= 10 and web.asked == [] and seen == []
    here.remove()


def test_ssrf_14_three_redirects_and_no_more(sqlite_archstone):
    def counting(web, case, rest):
        left = int(case)
        return Reply(status=302, headers={"Location": f"{web.url}/{left - 1}/{rest}"}) if left else documents(web, "0", rest)

    web = BrokenWeb(counting)
    for hops, good in ((3, True), (4, False)):
        # The document is the one of the last address, whose issuer is another: told from "too many" by the text.
        text = draft(sqlite_archstone, oidc(f"{web.url}/{hops}/{unique()}"))["errorMessage"].lower()
        assert ("issuer" in text) is good and ("redirect" in text) is not good, text
    web.remove()


@pytest.mark.parametrize("member", ["jwks_uri", "token_endpoint", "authorization_endpoint", "userinfo_endpoint"])
def test_ssrf_17_a_document_that_names_closed_addresses(sqlite_archstone, forbidden, member):
    web, (port, seen) = forbidden
    for to in (
        f"http://127.0.0.2:{web.port}/good/x/jwks",
        f"http://127.0.0.2:{port}/jwks",
        "http://169.254.169.254/jwks",
        "http://[::1]/jwks",
    ):
        here = BrokenWeb(
            lambda w, case, rest: (
                Reply(discovery(w.url, **{member: to})) if rest.endswith("configuration") else documents(w, case, rest)
            )
        )
        body = oidc() | {"oidcConfig": {"clientId": "x", "wellKnownUrl": f"{here.url}/{WELL_KNOWN}"}}
        assert draft(sqlite_archstone, body)["success"] is False
        here.remove()
    assert web.asked == [] and seen == []


def test_ssrf_17_metadata_that_names_closed_addresses(sqlite_archstone, webs, forbidden):
    web, (_, seen) = forbidden
    assert draft(sqlite_archstone, by_metadata(f"{webs('saml').url}/sso-forbidden/{unique()}/metadata.xml"))["success"] is False
    assert web.asked == [] and seen == []


def test_ssrf_18_open_closed_and_silent_ports_look_alike_behind_closed_addresses(named):
    """The answer and its time do not tell what listens in a network that we may not reach."""
    node, names = named
    names.say(inner_example_com=["127.0.0.2"])
    ports = Sockets()
    listening = ports.counting("127.0.0.2")[0]
    outcomes, times = set(), []
    for port in (listening, ports.refused(), ports._serve(lambda c: ports.held.append(c), "127.0.0.2")):
        for body in (oidc(f"http://inner.example.com:{port}/x"), ldap("inner.example.com", {"port": port})):
            began = time.monotonic()
            outcome = draft(node, body)
            times.append(time.monotonic() - began)
            outcomes.add((body["providerType"], outcome["errorMessage"].replace(str(port), "PORT")))
    assert len(outcomes) == 2, outcomes
    assert max(times) < 1.0, times
    ports.remove()


def test_ssrf_19_an_exception_is_told_in_the_log(sqlite_archstone, directory):
    assert draft(sqlite_archstone, of_directory(directory))["success"] is True
    assert "egress.allow" in sqlite_archstone.log()


def test_referrals_of_a_directory_are_not_followed(sqlite_archstone, sockets, forbidden):
    """LDAP-REF: a referral to another server is no answer, and nobody there hears of us."""
    _, (port, seen) = forbidden
    # BindResponse with result 10 (referral) and a referral to the closed address (RFC 4511 4.1.10).
    url = f"ldap://127.0.0.2:{port}/{ldap_tree.BASE}".encode()
    referral = b"\xa3" + bytes([len(url) + 2]) + b"\x04" + bytes([len(url)]) + url
    inner = b"\x0a\x01\x0a\x04\x00\x04\x00" + referral
    operation = b"\x61" + bytes([len(inner)]) + inner
    message = b"\x30" + bytes([len(operation) + 3]) + b"\x02\x01\x01" + operation
    outcome = draft(sqlite_archstone, ldap("127.0.0.1", {"port": sockets.answering(message)}))
    assert outcome["success"] is False and seen == [] and ldap_tree.SERVICE_PASSWORD not in str(outcome)


def test_the_service_is_whole_after_all_this(strict):
    assert "panicked" not in strict.log() and done(strict, "GET", CONFIGURATIONS)["total"] >= 1
