"""SAML 2.0 with identity providers as people have them: Debian's SimpleSAMLphp, and pysaml2 (tenant-login section 6)."""

import pytest

from harness import unique
from peers import saml
from peers.authority import self_signed
from saml_runs import PeerWay, asks, at_the_idp, come_by, hand_over, log_in, refused, signed_in
from tenancy import Tenant, claims_of
from visitor import query_of

SCOPES = ["openid", "profile", "email", "groups"]
# A document is asked for again after this, in seconds.
REFETCH = 30


@pytest.fixture
def client(one):
    """An application of the tenant that tests share."""
    return one.client(allowed_scopes=SCOPES)


@pytest.fixture
def browser(one, visitor):
    """A browser that has never been here."""
    return visitor(one)


@pytest.mark.parametrize("told_by", ["metadata", "members"])
def test_somebody_signs_in(tenant, saml_peer, visitor, told_by):
    """And is the same person the next time, whoever else there is."""
    way, client = PeerWay(tenant, saml_peer, told_by), tenant.client(allowed_scopes=SCOPES)
    ann, bob = saml_peer.person(), saml_peer.person()
    first = signed_in(way, client, visitor(tenant), ann)
    assert first["preferred_username"] == ann["name"], first
    assert signed_in(way, client, visitor(tenant), ann, direct=True)["sub"] == first["sub"]
    assert signed_in(way, client, visitor(tenant), bob)["sub"] != first["sub"]


@pytest.mark.parametrize("signs", ["response", "assertion", "both"])
def test_what_is_signed(one, saml_peer, switch, client, browser, signs):
    switch(saml_peer, signs=signs)
    signed_in(PeerWay(one, saml_peer), client, browser, saml_peer.person())


def test_where_the_assertion_itself_must_be_signed(one, saml_peer, switch, client, visitor):
    way = PeerWay(one, saml_peer, require_signed_assertion=True)
    switch(saml_peer, signs="response")
    refused(way, client, visitor(one), saml_peer.person())
    switch(saml_peer, signs="assertion")
    signed_in(way, client, visitor(one), saml_peer.person())


def test_sha_1_where_somebody_insists(one, pysaml, switch, client, visitor):
    switch(pysaml, hash="sha1")
    refused(PeerWay(one, pysaml), client, visitor(one), pysaml.person())
    signed_in(PeerWay(one, pysaml, allow_sha1=True), client, visitor(one), pysaml.person())


def test_an_identity_provider_that_wants_requests_posted(one, own_saml_peer, client, browser):
    own_saml_peer.set(bindings=("POST",))
    way, person, attempt = PeerWay(one, own_saml_peer), own_saml_peer.person(), client.attempt()
    page, request = at_the_idp(way, browser, attempt)
    assert request, "the request was posted"
    assert request.action.startswith(own_saml_peer.url) and request.method == "post" and request.buttons
    url = hand_over(way, browser, log_in(way, browser, page, person), attempt)
    assert claims_of(attempt.tokens(url))["email"] == person["email"]
    policy = browser.get(client.attempt().at(way)).headers["Content-Security-Policy"]
    assert own_saml_peer.url in policy.partition("form-action ")[2].partition(";")[0].split(), policy


def test_an_identity_provider_that_wants_signed_requests(one, own_saml_peer, client, browser):
    """Lets nobody in by others. Where our metadata says that they are signed, they are."""
    own_saml_peer.set(wants_signed_requests=True)
    way, person, attempt = PeerWay(one, own_saml_peer), own_saml_peer.person(), client.attempt()
    role = saml.find(saml.parse(one.node.request("GET", way.metadata).content), "md:SPSSODescriptor")
    answer = browser.get(attempt.at(way))
    is_signed = "Signature" in query_of(answer.headers["Location"])
    assert is_signed or role.get("AuthnRequestsSigned") != "true"
    page = browser.follow(answer)
    assert asks(page) == is_signed, f"{page!r} {own_saml_peer.log()}"
    if is_signed:
        url = hand_over(way, browser, log_in(way, browser, page, person), attempt)
        assert claims_of(attempt.tokens(url))["email"] == person["email"]


def test_groups(one, saml_peer, client, browser):
    group = one.node.new_group(one.id, name=unique("group"))["name"]
    settings = {"group_provisioning": "sync", "attribute_mappings": {"groups": "eduPersonAffiliation"}}
    way = PeerWay(one, saml_peer, settings=settings)
    person = saml_peer.person(eduPersonAffiliation=[group, unique("other")])
    assert group in signed_in(way, client, browser, person, scope="openid email groups")["groups"]


def test_who_is_signed_in_there_is_not_asked_again(one, saml_peer, client, browser):
    """Unless the application says prompt=login (ForceAuthn), or the tenant says so always."""
    way, person = PeerWay(one, saml_peer), saml_peer.person()
    sub = signed_in(way, client, browser, person)["sub"]
    for prompt in (None, "none"):
        attempt = client.attempt(prompt=prompt)
        page, _ = at_the_idp(way, browser, attempt, direct=True)
        assert not asks(page), page
        assert claims_of(attempt.tokens(hand_over(way, browser, page, attempt)))["sub"] == sub
    attempt = client.attempt(prompt="login")
    page, _ = at_the_idp(way, browser, attempt, direct=True)
    assert asks(page), page
    claims = claims_of(attempt.tokens(hand_over(way, browser, log_in(way, browser, page, person), attempt)))
    assert claims["sub"] == sub
    always = PeerWay(one, saml_peer, force_authn=True)
    page, _ = at_the_idp(always, browser, client.attempt(), direct=True)
    assert asks(page), page


def test_nobody_is_signed_in_there(one, saml_peer, client, browser):
    """By prompt=none (IsPassive) nobody is asked: NoPassive, which the application is told."""
    way, attempt = PeerWay(one, saml_peer), client.attempt(prompt="none")
    page, _ = at_the_idp(way, browser, attempt, direct=True)
    assert not asks(page), page
    attempt.error(hand_over(way, browser, page, attempt), "login_required")


def test_a_key_that_turns(make_clocked, visitor, own_saml_peer):
    """What the metadata says is asked for again at most every half a minute; then its key counts, and the old one no longer."""
    idp, (node, step) = own_saml_peer, make_clocked()
    house = Tenant(node)
    way, client, person = PeerWay(house, idp), house.client(allowed_scopes=SCOPES), idp.person()

    def is_kept_out():
        place, attempt = come_by(way, client, visitor(house), person)
        assert "code" not in attempt.answer(place)

    sub = signed_in(way, client, visitor(house), person)["sub"]
    old = idp.certificate, idp.key
    idp.use_certificate(*self_signed("next.example.com"))
    is_kept_out()
    step(REFETCH + 1)
    for _ in range(2):
        assert signed_in(way, client, visitor(house), person)["sub"] == sub
    idp.use_certificate(*old)
    is_kept_out()
