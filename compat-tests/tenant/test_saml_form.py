"""SAML 2.0: the form that brings a response, and addresses in it, to which nobody goes and nobody is led (SSRF, WEB-RELAY)."""

import urllib.parse

import pytest
from lxml import etree

from peers.broken import Sockets
from peers.saml import DS, assertion_of, child, encode, q, serialise
from peers.saml_signatures import sign
from saml_attacks import extension
from saml_cases import KIB, OTHER, OTHER_KEY, begin, send
from tenancy import told
from visitor import JSON


def test_forms_that_are_none(way, house, browse):
    browser = browse(accept=JSON)
    for options in ({"form": {}}, {"form": {"SAMLResponse": ""}}, {"json": {"SAMLResponse": "x"}}, {"form": {"RelayState": "x"}}):
        answer = browser.post(way.acs, **options)
        assert answer.status_code == 422, f"{options}: {answer.status_code}"
        assert {"loc": ["body", "SAMLResponse"], "msg": "Field required", "type": "missing"} in answer.json()["detail"]
    answer = browser.get(way.acs)
    assert answer.status_code == 405 and answer.headers["Allow"] == "OPTIONS, POST"
    assert browser.post(way.acs, {"SAMLResponse": ["x", "y"]}).status_code == 400, "twice"
    assert browser.post(way.acs, {"SAMLResponse": "A" * 1_100 * KIB}).status_code == 413
    answer = browser.post(way.acs, {"SAMLResponse": "x"})
    assert answer.status_code == 400 and told(answer)["error"]


@pytest.fixture(scope="module")
def listener():
    """A port that nobody should come to, and who came."""
    sockets = Sockets()
    yield sockets.counting()
    sockets.remove()


INCLUDE = "{http://www.w3.org/2001/XInclude}include"
OUTSIDE = {
    "a DTD": lambda case, at: f'<!DOCTYPE samlp:Response SYSTEM "{at}/dtd">'.encode() + serialise(case.signed()),
    "an entity": lambda case, at: f'<!DOCTYPE samlp:Response [<!ENTITY e SYSTEM "{at}/entity">]>'.encode()
    + serialise(case.signed()).replace(case.name.encode(), b"&e;"),
    "a parameter": lambda case, at: f'<!DOCTYPE samlp:Response [<!ENTITY % p SYSTEM "{at}/parameter">%p;]>'.encode()
    + serialise(case.signed()),
    "a stylesheet": lambda case, at: f'<?xml-stylesheet href="{at}/style" type="text/xsl"?>'.encode() + serialise(case.signed()),
    "a reference": lambda case, at: outside_reference(case, at),
    "a key": lambda case, at: outside_key(case, at),
    "an inclusion": lambda case, at: with_pointer(case, INCLUDE, {"href": f"{at}/include", "parse": "text"}),
    "a schema": lambda case, at: with_pointer(case, "{urn:example:x}x", {q("xsi:schemaLocation"): f"urn:example:x {at}/schema"}),
}


def outside_reference(case, at):
    tree = case.build()
    sign(assertion_of(tree), case.idp.key, uri=f"{at}/reference", target=b"x", transforms=[])
    return tree


def outside_key(case, at):
    tree = case.build()
    signature = sign(assertion_of(tree), OTHER_KEY, certificate=None)
    child(child(signature, "ds:KeyInfo"), "ds:RetrievalMethod", URI=f"{at}/key", Type=f"{DS}rawX509Certificate")
    return tree


def with_pointer(case, tag, attributes):
    tree = case.build()
    extension(tree, etree.Element(tag, attributes))
    return case.idp.sign(tree, "both")


@pytest.mark.parametrize("make", OUTSIDE.values(), ids=OUTSIDE)
def test_no_address_in_a_document_is_gone_to(way, client, browse, listener, make):
    (port, seen), case = listener, begin(way, client, browse())
    document = make(case, f"http://127.0.0.1:{port}")
    answer = send(case, document)
    assert answer.status_code < 500 and seen == []


EVIL = [OTHER, "//evil.example", "/\\evil.example", "javascript:alert(1)", "x\r\nX: y", "x" * 10_000]


@pytest.mark.parametrize("value", EVIL, ids=range(1, len(EVIL) + 1))
def test_a_state_is_no_address(way, client, browse, value):
    """WEB-RELAY: whatever it says, nobody is led there, and nothing of it becomes a header or markup."""
    case = begin(way, client, browse())
    answer = send(case, {"SAMLResponse": encode(case.signed()), "RelayState": value})
    at = urllib.parse.urljoin(answer.url, answer.headers.get("Location", ""))
    assert at.startswith((way.tenant.node.url, client.redirect_uri)) and "X" not in answer.headers
    assert answer.status_code < 500
