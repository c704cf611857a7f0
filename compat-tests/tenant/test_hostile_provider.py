"""A provider that lies, floods, dawdles or leads astray: nobody is ever signed in by it, nothing is fetched for it, nothing waits for it.

`peers/hostile_provider.py` says what each word means (OpenID Connect Core section 3.1.3.7, RFC 9207, RFC 9700 section 4.4, security
rules 6 to 9).
"""

import os
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually
from peers.broken import Sockets
from peers.hostile_provider import ANSWERS, TOKENS
from tenancy import PROVIDERS, Tenant, admin, told
from test_op_logout import is_in
from visitor import JSON, Page, query_of

# An answer within this, whatever the provider does (ten seconds for all that is fetched, tenant-login section 4.3).
DEADLINE = 12.0
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
SLOW = ("drip", "silence")


@pytest.fixture(scope="module")
def node(make_node):
    """A node of these tests' own: its memory is looked at."""
    return make_node()


@pytest.fixture(scope="module")
def house(node):
    """A tenant of these tests' own, in which nobody has an account, and its application."""
    it = Tenant(node, local_login=False)
    return it, it.client()


@pytest.fixture
def tenant(house):
    """The tenant; what it was given goes."""
    yield house[0]
    house[0].clear()


@pytest.fixture
def client(house):
    """Its application."""
    return house[1]


def memory(node):
    """Resident memory of the node in bytes."""
    return int(pathlib.Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]) * PAGE_SIZE


def way_of(tenant, case, **oidc):
    """An identity provider for a case; discovery happens when somebody logs in."""
    return tenant.way(case, oidc=oidc, jit_enabled=True)


def begin(client, way, visitor):
    """Goes as far as the provider: an attempt and the address there, or what came instead."""
    attempt = client.attempt()
    return attempt, visitor.go(attempt.at(way), f"{way.provider.issuer}/auth", client.redirect_uri)


def try_in(client, way, visitor):
    """A whole sign-in; the attempt and what came of it: the application's address or a page."""
    attempt, there = begin(client, way, visitor)
    if not isinstance(there, str) or there.startswith(client.redirect_uri):
        return attempt, there
    back = visitor.get(there).headers["Location"]
    return attempt, visitor.go(back, client.redirect_uri)


def nobody_in(client, way, visitor, attempt, outcome):
    """Nobody was signed in: no code, no session, no account; an error without a word of the provider's."""
    if isinstance(outcome, Page):
        assert 400 <= outcome.status <= 504, outcome
        assert "canary" not in outcome.source and "Traceback" not in outcome.source
        assert outcome.status != 500
    else:
        parameters = attempt.answer(outcome)
        assert "code" not in parameters and parameters["error"] in ("access_denied", "server_error", "temporarily_unavailable"), parameters
        assert "canary" not in outcome
    assert not [n for n in visitor.cookies if "sso." in n], "a session"
    assert way.provider.person["preferred_username"] not in client.tenant.people(), "an account"


@pytest.mark.parametrize("token", [t for t in TOKENS if t not in ("good", "large")])
def test_no_such_token_signs_anybody_in(tenant, client, hostile, visitor, token):
    case = hostile.case(token=token)
    way, browser = way_of(tenant, case), visitor(tenant)
    began = time.monotonic()
    attempt, outcome = try_in(client, way, browser)
    assert time.monotonic() - began < 3, "it takes no time to see through that"
    nobody_in(client, way, browser, attempt, outcome)
    assert ("POST", "token") in case.asked
    assert not [path for _, path in case.asked if path in ("stranger", "stolen")], "an address in a token was gone to"
    assert len([path for _, path in case.asked if path == "jwks"]) <= 2


def test_the_same_provider_when_it_is_honest(tenant, client, hostile, visitor):
    """The cases fail for what is wrong with them, and for nothing else."""
    case = hostile.case()
    way, browser = way_of(tenant, case), visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    assert attempt.tokens(outcome)["access_token"] and is_in(browser, client)
    assert case.person["preferred_username"] in tenant.people()
    assert {path for _, path in case.asked} == {".well-known/openid-configuration", "jwks", "auth", "token", "me"}
    # It turns bad: the next sign-in is refused, the account stays.
    case.turn(token="another nonce")
    attempt, outcome = try_in(client, way, visitor(tenant))
    assert "code" not in attempt.answer(outcome)


def test_a_token_that_was_good_for_somebody_elses_sign_in(tenant, client, hostile, visitor):
    """Codes and tokens of one attempt are nothing in another: the nonce binds them."""
    case = hostile.case()
    way, victim, attacker = way_of(tenant, case), visitor(tenant), visitor(tenant)
    _, there = begin(client, way, attacker)
    code = query_of(attacker.get(there).headers["Location"])["code"]
    attempt, there = begin(client, way, victim)
    back = victim.get(there).headers["Location"]
    outcome = victim.go(back.replace(query_of(back)["code"], code), client.redirect_uri)
    assert "code" not in attempt.answer(outcome), outcome
    assert not [n for n in victim.cookies if "sso." in n]


def test_a_token_for_another_client_of_the_same_provider(tenant, client, hostile, visitor, node):
    case = hostile.case()
    way, other = way_of(tenant, case), way_of(Tenant(node), case)
    case.turn(token_endpoint={"id_token": case.key.sign(case.claims(None) | {"aud": other.client_id, "nonce": "x"}, typ="JWT")})
    browser = visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    nobody_in(client, way, browser, attempt, outcome)


@pytest.mark.parametrize("callback", [
    {"iss": "https://elsewhere.example"}, {"iss": None}, {"iss": ""}, {"state": None}, {"state": "x"}, {"state": ""}, {"code": None}, {"code": ""},
    {"error": "access_denied"}, {"error": "x", "code": None}, {"error": "server_error", "error_description": "<script>alert(1)</script>", "code": None},
])  # fmt: skip
def test_answers_at_the_callback(tenant, client, hostile, visitor, callback):
    case = hostile.case(callback=callback)
    way, browser = way_of(tenant, case), visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    nobody_in(client, way, browser, attempt, outcome)
    if "iss" in callback or "state" in callback:
        assert ("POST", "token") not in case.asked, "a code that is not its own is not sent anywhere"


def test_mix_up(tenant, client, hostile, visitor):
    """The victim begins at the attacker's provider, which leads on to an honest one: the honest one's code must not reach the attacker
    (RFC 9700 section 4.4, RFC 9207)."""
    honest, attacker = hostile.case(), hostile.case()
    way, honest_way, browser = way_of(tenant, attacker), way_of(tenant, honest), visitor(tenant)
    attempt, there = begin(client, way, browser)
    led_on = there.replace(attacker.issuer, honest.issuer).replace(way.client_id, honest_way.client_id)
    back = browser.get(led_on).headers["Location"]
    assert query_of(back)["iss"] == honest.issuer
    outcome = browser.go(back, client.redirect_uri)
    nobody_in(client, way, browser, attempt, outcome)
    assert ("POST", "token") not in attacker.asked and ("POST", "token") not in honest.asked


def test_a_callback_is_good_once(tenant, client, hostile, visitor):
    case = hostile.case()
    way, browser, thief = way_of(tenant, case), visitor(tenant), visitor(tenant)
    attempt, there = begin(client, way, browser)
    back = browser.get(there).headers["Location"]
    attempt.code(browser.go(back, client.redirect_uri))
    asked = len(case.asked)
    answer = thief.get(back, headers={"Accept": JSON})
    assert answer.status_code == 400 and told(answer)["error"] in ("state_mismatch", "state_reused")
    browser.go(back, client.redirect_uri)
    assert len(case.asked) == asked, "nothing was asked again"


def test_a_callback_twenty_times_at_once(tenant, client, hostile, visitor):
    case = hostile.case()
    way, browser = way_of(tenant, case), visitor(tenant)
    attempt, there = begin(client, way, browser)
    back = browser.get(there).headers["Location"]
    cookies = "; ".join(f"{n}={v}" for n, v in browser.cookies.items())
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: tenant.node.request("GET", back, headers={"Accept": "text/html", "Cookie": cookies}), range(20)))
    codes = [a.headers["Location"] for a in answers if "code=" in a.headers.get("Location", "")]
    assert len(codes) == 1, [a.status_code for a in answers]
    assert case.asked.count(("POST", "token")) == 1
    assert all(a.status_code < 500 for a in answers)


# -- what is fetched ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["discovery", "jwks", "token_endpoint", "userinfo"])
@pytest.mark.parametrize("answer", [a for a in ANSWERS if a not in (*SLOW, "flood", "bomb")])
def test_wrong_answers(tenant, client, hostile, visitor, endpoint, answer):
    case = hostile.case(**{endpoint: answer})
    way, browser = way_of(tenant, case), visitor(tenant)
    began = time.monotonic()
    attempt, outcome = try_in(client, way, browser)
    assert time.monotonic() - began < 5
    nobody_in(client, way, browser, attempt, outcome)
    paths = [path for _, path in case.asked]
    if endpoint != "discovery":
        assert "stolen" not in paths and "loop" not in paths, "redirects are followed on discovery only"
    assert paths.count("loop") <= 3, "three at most"


def test_slow_and_endless_answers(node, hostile):
    """All at once: each within its deadline, memory flat, and nobody else held up meanwhile."""
    cases = [(endpoint, answer) for endpoint in ("discovery", "jwks", "token_endpoint", "userinfo") for answer in (*SLOW, "flood", "bomb")]
    # Each answer at a tenant of its own: a domain has room for ten identity providers.
    clients = {answer: Tenant(node, local_login=False).client() for answer in ("honest", *SLOW, "flood", "bomb")}
    ways = {(e, a): way_of(clients[a].tenant, hostile.case(**{e: a})) for e, a in cases}
    honest = way_of(clients["honest"].tenant, hostile.case())
    before = memory(node)

    def run(what):
        way, client = ways[what], clients[what[1]]
        browser = client.tenant.visitor()
        began = time.monotonic()
        attempt, outcome = try_in(client, way, browser)
        took = time.monotonic() - began
        nobody_in(client, way, browser, attempt, outcome)
        browser.close()
        return what, took, way.provider.sent

    with ThreadPoolExecutor(len(cases)) as pool:
        running = [pool.submit(run, what) for what in cases]
        time.sleep(2)
        browser = honest.tenant.visitor()
        began = time.monotonic()
        attempt, outcome = try_in(clients["honest"], honest, browser)
        attempt.code(outcome)
        assert time.monotonic() - began < 2, "an honest provider's people wait for nobody"
        browser.close()
        for done in running:
            what, took, sent = done.result(60)
            assert took < DEADLINE, f"{what}: {took:.1f} s"
            assert sent < 8 * 1_048_576, f"{what}: {sent} bytes were taken"
    assert eventually(lambda: memory(node) - before < 40 * 1_048_576, 5.0), f"{(memory(node) - before) / 1_048_576:.0f} MiB more"


FORBIDDEN = {
    "the metadata service": "http://169.254.169.254/latest/token",
    "a private network": "http://10.1.2.3/token",
    "another loopback address": "http://127.0.0.2:{port}/token",
    "loopback in six": "http://[::1]:{port}/token",
    "a name for loopback": "http://localhost:{port}/token",
    "loopback as a number": "http://2130706434:{port}/token",
    "mapped": "http://[::ffff:127.0.0.2]:{port}/token",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/x",
    "with a name in it": "http://user:pass@127.0.0.2:{port}/token",
}


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize("where", FORBIDDEN)
def test_addresses_inside(tenant, client, hostile, visitor, endpoint, where):
    """SSRF-17: a document of one host that names another inside. Allowed is 127.0.0.1 alone."""
    sockets = Sockets()
    try:
        port, seen = sockets.counting("127.0.0.2")
        sockets_six, seen_six = sockets.counting("127.0.0.1", 0)
        case = hostile.case(discovery={endpoint: FORBIDDEN[where].format(port=port)})
        way, browser = way_of(tenant, case), visitor(tenant)
        began = time.monotonic()
        attempt, outcome = try_in(client, way, browser)
        assert time.monotonic() - began < 5
        nobody_in(client, way, browser, attempt, outcome)
        assert not seen and not seen_six, "it was gone to"
        assert sockets_six
    finally:
        sockets.remove()


@pytest.mark.parametrize("endpoint", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://127.0.0.1\r\nX: y/", "/relative", "", 7])
def test_browsers_are_not_sent_everywhere(tenant, client, hostile, visitor, endpoint):
    case = hostile.case(discovery={"authorization_endpoint": endpoint})
    way, browser = way_of(tenant, case), visitor(tenant)
    attempt, outcome = begin(client, way, browser)
    nobody_in(client, way, browser, attempt, outcome)


@pytest.mark.parametrize("changes", [{"issuer": "https://elsewhere.example"}, {"issuer": None}, {"issuer": 7}, {"token_endpoint": None}, {"jwks_uri": None},
                                     {"authorization_endpoint": None}, {"token_endpoint": ["x"]}])
def test_documents_that_lie(tenant, client, hostile, visitor, changes):
    case = hostile.case()
    case.turn(discovery={"issuer": case.issuer} | changes)
    way, browser = way_of(tenant, case), visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    nobody_in(client, way, browser, attempt, outcome)
    assert ("POST", "token") not in case.asked or "jwks_uri" in changes


def test_an_issuer_with_a_slash_too_many(tenant, client, hostile, visitor):
    case = hostile.case()
    case.turn(discovery={"issuer": f"{case.issuer}/"})
    way, browser = way_of(tenant, case), visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    nobody_in(client, way, browser, attempt, outcome)


@pytest.mark.parametrize("userinfo", [{"sub": "somebody else"}, {"sub": ""}, {"sub": 7}, {"sub": None}])
def test_userinfo_of_somebody_else(tenant, client, hostile, visitor, userinfo):
    case = hostile.case()
    case.turn(userinfo=userinfo)
    way, browser = way_of(tenant, case, fetch_userinfo=True), visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    nobody_in(client, way, browser, attempt, outcome)


def test_userinfo_cannot_overrule_the_id_token(tenant, client, hostile, visitor):
    """ID-token claims win (tenant-login section 4.3, step 11)."""
    case = hostile.case()
    case.turn(userinfo={"email": "victim@example.com", "preferred_username": f"victim-{case.name}"})
    way, browser = way_of(tenant, case, fetch_userinfo=True), visitor(tenant)
    attempt, outcome = try_in(client, way, browser)
    attempt.tokens(outcome)
    people = tenant.people()
    assert case.person["preferred_username"] in people and f"victim-{case.name}" not in people
    assert people[case.person["preferred_username"]]["email"] == case.person["email"]


def test_keys_that_are_asked_for_again_and_again(tenant, client, hostile, visitor):
    """TOK-KEY-6: tokens with unknown `kid`s do not make a storm of requests."""
    case = hostile.case(token="unknown kid")
    way = way_of(tenant, case)
    for _ in range(15):
        browser = visitor(tenant)
        attempt, outcome = try_in(client, way, browser)
        nobody_in(client, way, browser, attempt, outcome)
    assert len([path for _, path in case.asked if path == "jwks"]) <= 2, case.asked


def test_where_it_may_be_registered(tenant):
    """An address inside is refused when it is written, unless the operator has allowed it."""
    for issuer in ("http://169.254.169.254/x", "http://10.0.0.1", "http://127.0.0.2:1/x", "file:///x", "http://[::1]/", "https://user@idp.example.com",
                   "https://idp.example.com/#x", "idp.example.com", "", 7, None):
        body = {"tenant_id": tenant.id, "name": "x", "provider_type": "oidc", "oidc": {"issuer": issuer, "client_id": "x", "client_secret": "y"}}
        answer = admin(tenant.node, "POST", PROVIDERS, body)
        assert answer.status_code in (400, 422), f"{issuer}: {answer.status_code} {answer.text}"
