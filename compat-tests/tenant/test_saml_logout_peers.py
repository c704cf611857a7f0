"""SAML 2.0 with identity providers as people have them: logging out at both ends, being sent here by them, and keys
that turn while they insist on signatures (SimpleSAMLphp and pysaml2; tenant-login sections 6.5 and 10.5)."""

import json

import pytest

from harness import eventually, unique
from peers.pysaml_logout import PySamlLogout
from peers.simplesamlphp_logout import SimpleSamlPhpLogout
from saml_cases import across, session_cookies
from saml_runs import PeerWay, asks, at_the_idp, hand_over, log_in, refused
from saml_unasked import who
from tenancy import SESSIONS, Tenant, admin, claims_of
from test_op_logout import AFTER, is_in
from visitor import Page, query_of

PEERS = {"simplesamlphp": SimpleSamlPhpLogout, "pysaml2": PySamlLogout}
BINDINGS = ["Redirect", "POST"]
SCOPES = ["openid", "profile", "email"]
START = "http://127.0.0.1:9/start"
MESSAGES = ("SAMLRequest", "SAMLResponse")
SOON = 3.0


@pytest.fixture(scope="module")
def peers():
    """Each, started when first asked for."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = PEERS[name]().start()
        return made[name]

    yield of
    for it in made.values():
        it.remove()


@pytest.fixture(params=PEERS)
def peer(request, peers):
    """Each; as it is at first, and taking nothing that is not signed."""
    it = peers(request.param)
    it.set(wants_signed_requests=True)
    yield it
    it.set()


@pytest.fixture
def simplesamlphp(peers):
    """SimpleSAMLphp alone, which tells everybody of a logout."""
    it = peers("simplesamlphp")
    it.set()
    return it


def way_to(tenant, peer, bindings=BINDINGS, settings=None, **members):
    """The tenant's way there; the identity provider tells us of logouts by these bindings. What its metadata says is
    read anew."""
    way = PeerWay(tenant, peer, settings=settings, idp_metadata_url=f"{peer.metadata_url}?{unique()}", **members)
    peer.know(tenant.node.request("GET", way.metadata).text, bindings=bindings)
    return way


class Visit:
    """Somebody who came by an identity provider to an application."""

    def __init__(self, way, client, browser, person=None):
        self.way, self.client, self.browser = way, client, browser
        self.person = person or way.idp.person()
        attempt = client.attempt()
        page, _ = at_the_idp(way, browser, attempt)
        page = log_in(way, browser, page, self.person) if asks(page) else page
        place = hand_over(way, browser, page, attempt)
        assert isinstance(place, str), f"{place!r} {way.idp.log()}"
        self.tokens = attempt.tokens(place)
        assert claims_of(self.tokens)["email"] == self.person["email"]

    @property
    def is_in(self):
        """Whether the session goes on."""
        return is_in(self.browser, self.client)

    def reason(self):
        """Why it does not."""
        tenant = self.way.tenant
        path = f"{SESSIONS}/{claims_of(self.tokens)['sid']}?tenant_id={tenant.id}"
        return admin(tenant.node, "GET", path, status=200)["terminated_reason"]

    def leave(self):
        """Logs out at the tenant, as the application has it done: where that ends."""
        wish = {"id_token_hint": self.tokens["id_token"], "post_logout_redirect_uri": AFTER, "state": "s"}
        return through(self, self.browser.get(f"{self.way.tenant.url}/oauth/logout", params=wish))

    def leave_there(self):
        """Logs out at the identity provider: where that ends."""
        return through(self, self.browser.get(self.way.idp.logout_url))


def through(visit, answer):
    """Follows redirects and pages that send themselves on, until the application's address or a page comes; `posted`
    is then what these pages had in their forms."""
    visit.posted = []
    for _ in range(12):
        place = visit.browser.follow(answer, AFTER, START)
        form = next((f for f in place.forms if set(MESSAGES) & set(f.types)), None) if isinstance(place, Page) else None
        if not form:
            return place
        ours = visit.way.tenant.node.url
        foreign = form.action.startswith(ours) and not place.url.startswith(ours)
        assert form.method == "post" and form.fields, place
        visit.posted += sorted(set(MESSAGES) & set(form.types))
        answer = across(visit.browser, form.action, form.fields) if foreign else visit.browser.send(form)
    raise AssertionError(f"no end of pages: {answer.url}")


def posted_by(asking, answering):
    """The messages that are posted where one asks and answers by these bindings."""
    return [name for name, binding in zip(MESSAGES, (asking, answering), strict=True) if binding == "POST"]


def application(tenant, **settings):
    return tenant.client(allowed_scopes=SCOPES, logout_uris=[AFTER], **settings)


# -- logging out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answering", BINDINGS)
@pytest.mark.parametrize("asking", BINDINGS)
def test_logging_out_here(one, peer, visitor, asking, answering):
    """The identity provider is asked and answers, by each binding: it asks for the password again."""
    peer.set(wants_signed_requests=True, logout_bindings=(asking,))
    way = way_to(one, peer, (answering,), {"logout_upstream": "always"})
    visit = Visit(way, application(one), visitor(one))
    place = visit.leave()
    assert visit.posted == posted_by(asking, answering)
    assert place == f"{AFTER}?state=s", f"{place!r} {peer.log()}"
    assert not visit.is_in and visit.reason() == "user_logout"
    page, _ = at_the_idp(way, visit.browser, visit.client.attempt())
    assert asks(page), "there it is over as well"


def test_logging_out_here_on_both_databases(tenant, peer, visitor):
    """And again after another sign-in."""
    way = way_to(tenant, peer, settings={"logout_upstream": "always"})
    browser, client = visitor(tenant), application(tenant)
    for _ in range(2):
        visit = Visit(way, client, browser)
        assert visit.leave() == f"{AFTER}?state=s", peer.log()
        assert not visit.is_in


@pytest.mark.parametrize("wish", ["never", "offer"])
def test_staying_there(one, peer, visitor, wish):
    """Where the tenant does not say always, who is signed in there comes in again without being asked."""
    way = way_to(one, peer, settings={"logout_upstream": wish})
    visit = Visit(way, application(one), visitor(one))
    assert visit.leave() == f"{AFTER}?state=s" and not visit.is_in
    page, _ = at_the_idp(way, visit.browser, visit.client.attempt())
    assert not asks(page)


@pytest.mark.parametrize("asking", BINDINGS)
@pytest.mark.parametrize("answering", BINDINGS)
def test_logging_out_there(one, peer, visitor, asking, answering):
    """It tells us, by each binding, and has its answer."""
    peer.set(wants_signed_requests=True, logout_bindings=(answering,))
    way = way_to(one, peer, (asking,))
    visit = Visit(way, application(one), visitor(one))
    bystander = Visit(way, visit.client, visitor(one))
    page = visit.leave_there()
    assert visit.posted == posted_by(asking, answering)
    assert isinstance(page, Page) and page.url.startswith(peer.after_logout), f"{page!r} {peer.log()}"
    assert not visit.is_in and visit.reason() == "upstream_logout"
    assert bystander.is_in


def test_logging_out_there_on_both_databases(tenant, peer, visitor):
    way = way_to(tenant, peer)
    client, person = application(tenant), peer.person()
    here, there = (Visit(way, client, visitor(tenant), person) for _ in range(2))
    page = there.leave_there()
    assert isinstance(page, Page) and page.url.startswith(peer.after_logout), f"{page!r} {peer.log()}"
    assert not there.is_in and here.is_in, "the session of one browser"
    again = Visit(way, client, there.browser, person)
    assert again.is_in


def test_an_encrypted_name(one, simplesamlphp, visitor):
    """SimpleSAMLphp encrypts it in assertions and logouts alike."""
    simplesamlphp.set(encrypts_names=True, signs="both")
    way = way_to(one, simplesamlphp, settings={"logout_upstream": "always"})
    visit = Visit(way, application(one), visitor(one))
    page = visit.leave_there()
    assert isinstance(page, Page) and page.url.startswith(simplesamlphp.after_logout), f"{page!r} {simplesamlphp.log()}"
    assert not visit.is_in and visit.reason() == "upstream_logout"
    visit = Visit(way, visit.client, visit.browser)
    assert visit.leave() == f"{AFTER}?state=s", simplesamlphp.log()


def test_everywhere_at_once(one, own, simplesamlphp, visitor):
    """Who leaves one tenant leaves all to which they came in that browser by the same identity provider, and ends at
    the first."""
    other, browser, person = own(), visitor(one), simplesamlphp.person()
    first = Visit(way_to(one, simplesamlphp, settings={"logout_upstream": "always"}), application(one), browser, person)
    second = Visit(way_to(other, simplesamlphp), application(other), browser, person)
    assert first.is_in and second.is_in
    assert first.leave() == f"{AFTER}?state=s", simplesamlphp.log()
    assert not first.is_in and not second.is_in and second.reason() == "upstream_logout"


def test_everywhere_from_there(one, own, simplesamlphp, visitor):
    other, browser, person = own(), visitor(one), simplesamlphp.person()
    visits = [Visit(way_to(tenant, simplesamlphp), application(tenant), browser, person) for tenant in (one, other)]
    page = visits[0].leave_there()
    assert isinstance(page, Page) and page.url.startswith(simplesamlphp.after_logout), f"{page!r} {simplesamlphp.log()}"
    assert [(visit.is_in, visit.reason()) for visit in visits] == [(False, "upstream_logout")] * 2


# -- from there --------------------------------------------------------------------------------------------------------


class Sent(Visit):
    """Somebody whom the identity provider sends here by itself: `place` is where that ends."""

    def __init__(self, way, client, browser, relay_state=None):
        self.way, self.client, self.browser, self.person = way, client, browser, way.idp.person()
        page = browser.go(way.idp.initiated_url(way.metadata, relay_state))
        if asks(page):
            page = browser.submit(page.form("password"), username=self.person["name"], password=self.person["password"])
        form = page.form("SAMLResponse")
        assert form.action == way.acs and form.fields.get("RelayState", "") == (relay_state or ""), form.fields
        self.place = through(self, across(browser, form.action, form.fields))


def test_nobody_is_let_in_unless_told(one, peer, visitor):
    sent = Sent(way_to(one, peer), application(one), visitor(one))
    assert isinstance(sent.place, Page) and sent.place.status == 400, sent.place
    assert sent.place.has_link(f"/auth/{one.slug}/login")
    assert not session_cookies(sent.browser)


def test_somebody_is_sent_here(tenant, peer, visitor):
    """To the application that was chosen, or the one that the state names; and out again by the same identity
    provider."""
    chosen, other = (application(tenant, initiate_login_uri=uri) for uri in (START, f"{START}/other"))
    settings = {"idp_initiated": "accept", "default_app_id": chosen.id, "logout_upstream": "always"}
    way = way_to(tenant, peer, settings=settings)
    for state, client, start in ((None, chosen, START), (other.id, other, f"{START}/other")):
        sent = Sent(way, client, visitor(tenant), state)
        assert isinstance(sent.place, str) and sent.place.partition("?")[0] == start, f"{sent.place!r} {peer.log()}"
        assert query_of(sent.place) == {"iss": tenant.issuer}
        assert who(sent.browser, client)["email"] == sent.person["email"]
        page = sent.leave_there()
        assert isinstance(page, Page) and page.url.startswith(peer.after_logout), f"{page!r} {peer.log()}"
        assert not sent.is_in


def test_it_begins_anew(one, peer, visitor):
    """Nobody has to log in twice for it."""
    way = way_to(one, peer, settings={"idp_initiated": "restart"})
    sent = Sent(way, application(one), visitor(one))
    assert isinstance(sent.place, Page) and sent.place.status == 200, f"{sent.place!r} {peer.log()}"
    assert "signed in" in sent.place.text.lower(), sent.place
    assert who(sent.browser, sent.client)["email"] == sent.person["email"]


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def turning(peer, house):
    """A tenant of the test's own at an identity provider that insists on signatures: its way in and its application."""
    tenant = Tenant(house.node)
    return way_to(tenant, peer, settings={"logout_upstream": "always"}), application(tenant)


def comes_and_goes(way, client, visitor):
    visit = Visit(way, client, visitor(way.tenant))
    assert visit.leave() == f"{AFTER}?state=s", way.idp.log()


def test_a_key_that_is_announced(turning, visitor):
    """Nobody notices anything, if the metadata is read before the next key signs."""
    way, client = turning
    node, slug = way.tenant.node, way.tenant.slug
    comes_and_goes(way, client, visitor)
    [old] = json.loads(node.cli("saml-keys", "list", slug, "--json").stdout)
    node.cli("saml-keys", "rotate", slug)
    assert eventually(lambda: node.request("GET", way.metadata).text.count('use="signing"') == 2, SOON)
    comes_and_goes(way, client, visitor)
    way.idp.know(node.request("GET", way.metadata).text)
    comes_and_goes(way, client, visitor)
    node.cli("saml-keys", "revoke", slug, old["id"])
    assert eventually(lambda: node.request("GET", way.metadata).text.count('use="signing"') == 1, SOON)
    comes_and_goes(way, client, visitor)


def test_a_key_that_is_not(turning, visitor):
    """It is not known to who has not read the metadata since."""
    way, client = turning
    node, slug = way.tenant.node, way.tenant.slug
    comes_and_goes(way, client, visitor)
    node.cli("saml-keys", "rotate", slug, "--after", "0")
    assert eventually(lambda: not asks(visitor(way.tenant).go(client.attempt().at(way))), SOON, 0.2)
    way.idp.know(node.request("GET", way.metadata).text)
    comes_and_goes(way, client, visitor)


@pytest.mark.parametrize("signs", ["response", "both"])
def test_assertions_that_must_be_encrypted(one, peer, visitor, signs):
    """Such as it sends them, after it has been told."""
    way, client = way_to(one, peer, require_encrypted_assertion=True), application(one)
    refused(way, client, visitor(one), peer.person())
    peer.set(wants_signed_requests=True, encrypts="aes128-cbc", signs=signs)
    assert Visit(way, client, visitor(one)).is_in
