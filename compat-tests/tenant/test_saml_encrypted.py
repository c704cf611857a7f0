"""SAML 2.0: assertions that SimpleSAMLphp and pysaml2 encrypt for the certificate in the tenant's metadata (tenant-login section
6.3, step 9)."""

import base64

import pytest
from lxml import etree

from peers import saml
from peers.authority import bare, self_signed
from saml_runs import PeerWay, at_the_idp, hand_over, kept_out, log_in, response_on, signed_in
from tenancy import claims_of
from visitor import JSON

XENC = {"xenc": "http://www.w3.org/2001/04/xmlenc#"} | saml.NAMES
# SimpleSAMLphp of Debian 12 has no GCM.
ALGORITHMS = [("simplesamlphp", "aes128-cbc"),
              *[("pysaml2", name) for name in ("aes128-cbc", "aes256-cbc", "aes128-gcm", "aes256-gcm")]]
GCM = [pair for pair in ALGORITHMS if pair[1].endswith("gcm")]


@pytest.fixture
def client(one):
    """An application of the tenant that tests share."""
    return one.client(allowed_scopes=["openid", "profile", "email"])


@pytest.fixture
def browser(one, visitor):
    """A browser that has never been here."""
    return visitor(one)


def keys_of(tenant):
    """The tenant's metadata, and the keys in it that one encrypts for."""
    root = saml.parse(tenant.node.request("GET", f"{tenant.issuer}/federation/saml/metadata").content)
    return root, root.findall("md:SPSSODescriptor/md:KeyDescriptor[@use='encryption']", saml.NAMES)


def attempted(way, client, browser, change=None):
    """Somebody logs in there: the attempt, where it leads, who it is, and the response. `change` is done to the response."""
    assert keys_of(way.tenant)[1], "no certificate to encrypt for"
    person, attempt = way.idp.person(), client.attempt()
    page, _ = at_the_idp(way, browser, attempt)
    page = log_in(way, browser, page, person)
    response = response_on(page)
    assert saml.find(response, "saml:Assertion") is None and saml.find(response, "saml:EncryptedAssertion") is not None
    assert person["email"].encode() not in etree.tostring(response), "encrypted"
    if change:
        change(response)
        page.form("SAMLResponse").fields["SAMLResponse"] = saml.encode(response)
    return attempt, hand_over(way, browser, page, attempt), person, response


def comes_in(way, client, browser):
    attempt, url, person, response = attempted(way, client, browser)
    assert claims_of(attempt.tokens(url))["email"] == person["email"]
    return response


def stays_out(way, client, browser, change=None):
    attempt, place, person, _ = attempted(way, client, browser, change)
    kept_out(way, browser, person, place, attempt)


def method_of(response):
    """The algorithm that its assertion is encrypted with."""
    method = response.find("saml:EncryptedAssertion/xenc:EncryptedData/xenc:EncryptionMethod", XENC)
    return method.get("Algorithm").split("#")[1]


def test_metadata(one):
    """It has a certificate to encrypt for, and the algorithms that identity providers should choose."""
    _, keys = keys_of(one)
    assert keys, "no certificate to encrypt for"
    methods = {m.get("Algorithm").split("#")[1] for key in keys for m in key.findall("md:EncryptionMethod", saml.NAMES)}
    assert {"aes128-gcm", "aes256-gcm"} <= methods and not methods & {"rsa-1_5", "tripledes-cbc"}, methods
    certificate = "".join(saml.find(keys[0], ".//ds:X509Certificate").text.split())
    summary = one.node.expect(200, "GET", f"{one.issuer}/federation/saml/metadata", headers={"Accept": JSON})
    assert certificate in [bare(pem) for pem in summary["encryption_certificates"]]


@pytest.mark.parametrize("signs", ["response", "both"])
@pytest.mark.parametrize(("peer", "algorithm"), ALGORITHMS)
def test_an_encrypted_assertion(one, saml_peers, switch, client, browser, peer, algorithm, signs):
    idp = saml_peers(peer)
    switch(idp, signs=signs, encrypts=algorithm)
    assert method_of(comes_in(PeerWay(one, idp), client, browser)) == algorithm


@pytest.mark.parametrize(("peer", "algorithm"), GCM)
def test_with_a_signature_inside_alone(one, saml_peers, switch, client, browser, peer, algorithm):
    idp = saml_peers(peer)
    switch(idp, signs="assertion", encrypts=algorithm)
    comes_in(PeerWay(one, idp), client, browser)


@pytest.mark.parametrize(("peer", "algorithm"), [pair for pair in ALGORITHMS if pair not in GCM])
def test_cbc_without_a_signature_around_it(one, saml_peers, switch, client, browser, peer, algorithm):
    """Whoever may change it unseen can ask, byte by byte, what is in it."""
    idp = saml_peers(peer)
    switch(idp, signs="assertion", encrypts=algorithm)
    stays_out(PeerWay(one, idp), client, browser)


@pytest.mark.parametrize("how", [{"encrypts": "tripledes-cbc"}, {"encrypts": "aes256-gcm", "key_transport": "rsa-1_5"}], ids=str)
def test_algorithms_that_are_not_taken(one, pysaml, switch, client, browser, how):
    switch(pysaml, **how)
    stays_out(PeerWay(one, pysaml), client, browser)


@pytest.mark.parametrize("signs", ["response", "assertion", "both"])
def test_for_somebody_else(one, pysaml, switch, client, browser, signs):
    switch(pysaml, signs=signs, encrypts="aes256-gcm")
    way = PeerWay(one, pysaml)
    root, keys = keys_of(one)
    for key in keys:
        saml.find(key, ".//ds:X509Certificate").text = bare(self_signed("somebody.example.com")[0])
    pysaml.know(saml.serialise(root).decode())
    stays_out(way, client, browser)


@pytest.mark.parametrize("place", ["key", "text"])
@pytest.mark.parametrize("at", [0, 20, -1])
def test_touched_on_the_way(one, pysaml, switch, client, browser, place, at):
    """One bit of the key, or of the encrypted text: of its vector, its midst, its tag."""
    switch(pysaml, signs="assertion", encrypts="aes128-gcm")

    def touch(response):
        data = response.find("saml:EncryptedAssertion/xenc:EncryptedData", XENC)
        of = data.find(".//xenc:EncryptedKey", XENC) if place == "key" else data
        value = of.find("xenc:CipherData/xenc:CipherValue", XENC)
        octets = bytearray(base64.b64decode(value.text))
        octets[at] ^= 1
        value.text = base64.b64encode(octets).decode()

    stays_out(PeerWay(one, pysaml), client, browser, touch)


def test_where_the_assertion_itself_must_be_signed(one, pysaml, switch, client, visitor):
    way = PeerWay(one, pysaml, require_signed_assertion=True)
    switch(pysaml, signs="response", encrypts="aes256-gcm")
    stays_out(way, client, visitor(one))
    switch(pysaml, signs="both", encrypts="aes256-gcm")
    comes_in(way, client, visitor(one))


def test_the_next_one_is_not_encrypted(one, saml_peer, switch, client, visitor):
    """An identity provider that stops encrypting is still read."""
    way = PeerWay(one, saml_peer)
    switch(saml_peer, encrypts="aes128-cbc")
    comes_in(way, client, visitor(one))
    switch(saml_peer)
    signed_in(way, client, visitor(one), saml_peer.person())
