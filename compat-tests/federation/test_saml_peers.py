"""WebSSO through SAML identity providers as people have them: Debian's SimpleSAMLphp, and pysaml2 (keystone-api.md
1.7)."""

import base64

import pytest

from harness import unique
from peers import saml
from peers.xmlsec1 import verify
from saml_trust import ANYBODY, at_a_peer, certificate_in, hand_over, log_in, metadata, refused, signed_in, token_for
from trust import groups_of

# What each of them calls the attributes uid and eduPersonAffiliation.
UID = {"simplesamlphp": "uid", "pysaml2": "urn:oid:0.9.2342.19200300.100.1.1"}
AFFILIATION = {"simplesamlphp": "MELLON_eduPersonAffiliation", "pysaml2": "MELLON_urn:oid:1.3.6.1.4.1.5923.1.1.1.1"}
# SimpleSAMLphp of Debian 12 has no GCM.
ENCRYPTIONS = [
    ("simplesamlphp", "aes128-cbc"),
    ("pysaml2", "aes256-cbc"),
    ("pysaml2", "aes128-gcm"),
    ("pysaml2", "aes256-gcm"),
]


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


@pytest.fixture
def kind(request):
    """The name of the identity provider that the test has."""
    params = request.node.callspec.params
    return params.get("saml_peer") or params["own_saml_peer"]


@pytest.fixture
def rule(kind):
    """Who it is there."""
    return {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": UID[kind]}]}


@pytest.mark.parametrize("by", ["url", "members"])
def test_somebody_signs_in(saml_way, saml_peer, browse, dashboard, rule, by):
    """And is the same person the next time, whoever else there is."""
    way = saml_way(rule, idp=saml_peer, by=by)
    ann, bob = saml_peer.person(), saml_peer.person()
    first = signed_in(way, browse(), dashboard, ann)
    assert first["user"]["name"] == ann["name"]
    assert signed_in(way, browse(), dashboard, ann)["user"]["id"] == first["user"]["id"]
    assert signed_in(way, browse(), dashboard, bob)["user"]["name"] == bob["name"]


def test_whoever_has_a_name(saml_way, saml_peer, browse, dashboard):
    assert signed_in(saml_way(ANYBODY, idp=saml_peer), browse(), dashboard, saml_peer.person())["user"]["name"]


@pytest.mark.parametrize("signs", ["response", "assertion", "both"])
def test_what_is_signed(saml_way, saml_peer, browse, dashboard, rule, signs):
    saml_peer.set(signs=signs)
    person = saml_peer.person()
    assert signed_in(saml_way(rule, idp=saml_peer), browse(), dashboard, person)["user"]["name"] == person["name"]


def test_groups(archstone, saml_way, saml_peer, browse, dashboard, rule, kind):
    domain = archstone.new_domain()["id"]
    group = archstone.new_group(domain)
    way = saml_way(rule, groups_of(domain, AFFILIATION[kind]), idp=saml_peer, domain_id=domain)
    body = signed_in(way, browse(), dashboard, saml_peer.person(eduPersonAffiliation=[group["name"], unique("other")]))
    assert body["user"]["OS-FEDERATION"]["groups"] == [{"id": group["id"], "name": group["name"]}]


@pytest.mark.parametrize("signs", ["response", "both"])
@pytest.mark.parametrize(("saml_peer", "algorithm"), ENCRYPTIONS, indirect=["saml_peer"])
def test_encrypted_assertions(saml_way, saml_peer, browse, dashboard, rule, algorithm, signs):
    """For the certificate in our metadata; where they must be, others let nobody in."""
    way, person = saml_way(rule, idp=saml_peer, connection={"require_encrypted_assertion": True}), saml_peer.person()
    saml_peer.set(signs=signs, encrypts=algorithm)
    browser = browse()
    page, _ = at_a_peer(way, browser, dashboard.origin)
    form = log_in(way, browser, page, person)
    response = saml.parse(base64.b64decode(form.fields["SAMLResponse"]))
    assert saml.find(response, "saml:Assertion") is None and saml.find(response, "saml:EncryptedAssertion") is not None
    token = token_for(hand_over(browser, form), dashboard.origin)
    assert way.archstone.validate(token).json()["token"]["user"]["name"] == person["name"]
    saml_peer.set()
    other = browse()
    page, _ = at_a_peer(way, other, dashboard.origin)
    refused(hand_over(other, log_in(way, other, page, person)))


@pytest.mark.parametrize("saml_peer", ["pysaml2"], indirect=True)
@pytest.mark.parametrize("how", [{"encrypts": "tripledes-cbc"}, {"encrypts": "aes256-gcm", "key_transport": "rsa-1_5"},
                                 {"encrypts": "aes256-cbc", "signs": "assertion"}], ids=str)  # fmt: skip
def test_encryptions_that_are_not_taken(saml_way, saml_peer, browse, dashboard, rule, how):
    """Old algorithms; and CBC without a signature around it, which whoever may change it can ask what is in it."""
    saml_peer.set(**how)
    way, browser = saml_way(rule, idp=saml_peer), browse()
    page, _ = at_a_peer(way, browser, dashboard.origin)
    refused(hand_over(browser, log_in(way, browser, page, saml_peer.person())))


def test_an_identity_provider_that_wants_requests_posted(archstone, saml_way, own_saml_peer, browse, dashboard, rule):
    own_saml_peer.set(bindings=("POST",))
    way, browser, person = saml_way(rule, idp=own_saml_peer, by="url"), browse(), own_saml_peer.person()
    page, request = at_a_peer(way, browser, dashboard.origin)
    assert request and request.method == "post", "the request was posted"
    verify(base64.b64decode(request.fields["SAMLRequest"]), certificate_in(metadata(archstone)))
    token = token_for(hand_over(browser, log_in(way, browser, page, person)), dashboard.origin)
    assert archstone.validate(token).json()["token"]["user"]["name"] == person["name"]


def test_an_identity_provider_that_wants_signed_requests(saml_way, saml_peer, browse, dashboard, rule):
    """It holds them against our metadata."""
    saml_peer.set(wants_signed_requests=True)
    person = saml_peer.person()
    assert signed_in(saml_way(rule, idp=saml_peer), browse(), dashboard, person)["user"]["name"] == person["name"]


def test_who_is_signed_in_there_is_not_asked_again(saml_way, saml_peer, browse, dashboard, rule):
    """Unless the connection says so (ForceAuthn)."""
    way, browser, person = saml_way(rule, idp=saml_peer), browse(), saml_peer.person()
    signed_in(way, browser, dashboard, person)
    page, _ = at_a_peer(way, browser, dashboard.origin)
    assert "password" not in {t for f in page.forms for t in f.types}, page
    token_for(hand_over(browser, page.form("SAMLResponse")), dashboard.origin)
    always = saml_way(rule, idp=saml_peer, connection={"force_authn": True})
    assert signed_in(always, browser, dashboard, person)["user"]["name"] == person["name"]
