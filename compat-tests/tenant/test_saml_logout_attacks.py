"""SAML 2.0: nobody is logged out by any other document than one of their own identity provider's, and none takes
long to see through (tenant-login section 10.5, security.md parts 1 and 2)."""

import re
import time

import pytest
import requests

from harness import unique
from peers import saml
from peers.saml_encryption import encrypted
from peers.saml_logout import REQUEST, RESPONSE, at, deflate, name_id, redirect_query
from peers.saml_xml import serialise
from saml_cases import KIB, OTHER_KEY, SamlWay
from saml_logout_attacks import FIELDS, POSTED, REDIRECTED, b64
from saml_logouts import (
    BINDINGS,
    REFUSALS,
    answered,
    bring,
    ended,
    log_in,
    our_certificates,
    packed,
    refused,
    slo,
    tell,
)
from tenancy import Tenant, admin
from visitor import Page

DEADLINE = 1.5
MIB = KIB * KIB


@pytest.fixture
def login(party, client, browse):
    """Somebody who is to stay."""
    return log_in(party(), client, browse(), name=unique("ann"))


def quickly(way, browser, sending):
    began = time.monotonic()
    answer = bring(way, browser, sending)
    assert time.monotonic() - began < DEADLINE, "it takes no time to see what it is"
    return answer


@pytest.mark.parametrize("make", REDIRECTED.values(), ids=list(REDIRECTED))
def test_nobody_is_logged_out_by_an_address(login, browse, make):
    refused(quickly(login.way, browse(), make(login)), login)


@pytest.mark.parametrize("make", POSTED.values(), ids=list(POSTED))
def test_nobody_is_logged_out_by_a_form(login, browse, make):
    refused(quickly(login.way, browse(), make(login)), login)


def test_nobody_is_logged_out_by_a_request_under_the_name_of_a_response(login, browse):
    """It is a response that nobody waits for."""
    form = packed(login.way, login.request(), "POST")
    for sending in (packed(login.way, login.request()).replace(REQUEST, RESPONSE), {RESPONSE: form[REQUEST]}):
        answer = quickly(login.way, browse(), sending)
        assert not answer.is_redirect and answer.status_code in (200, 400) and login.is_in, answer.status_code


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("make", FIELDS.values(), ids=list(FIELDS))
def test_nobody_is_logged_out_by_a_document(login, browse, make, binding):
    """It is well signed."""
    refused(quickly(login.way, browse(), packed(login.way, make(login), binding)), login)


def test_the_browser_itself_is_no_proof(login):
    """Nor is the session's own cookie."""
    for binding in BINDINGS:
        refused(tell(login.way, login.browser, login.request(), binding, key=None), login)
        refused(tell(login.way, login.browser, login.request(), binding, key=OTHER_KEY), login)


def test_a_refusal_uses_nothing_up(login, browse):
    """Whoever sends a request's ID first under a bad signature keeps nobody from the good one."""
    request = login.request()
    refused(tell(login.way, browse(), request, key=OTHER_KEY), login)
    answered(login.way, tell(login.way, browse(), request), request)
    ended(login)


@pytest.mark.parametrize("binding", BINDINGS)
def test_another_identity_provider(login, party, browse, binding):
    """One of the same tenant's, by its own key or under the other's name."""
    stranger = party()
    for issuer, key in ((stranger, stranger), (stranger, login.way), (login.way, stranger)):
        request = login.request(issuer=issuer.idp.entity_id)
        answer = tell(login.way, browse(), request, binding, key=key.idp.key)
        if issuer is key:
            # It may say what it likes of its own people; nobody else is meant.
            answered(stranger, answer, request)
            assert login.is_in
        else:
            refused(answer, login)


@pytest.mark.parametrize("binding", BINDINGS)
def test_another_tenants_door(login, browse, house, binding):
    """Its identity provider may be the same: what is meant for one tenant is not said to another."""
    other = SamlWay.new(Tenant(house.node), login.way.idp, idp_slo_url=login.way.idp.slo_url)
    there = log_in(other, other.tenant.client(), browse(), name=login.name.text, index=login.index)
    refused(tell(other, browse(), login.request(), binding), login, there)
    unknown = SamlWay(Tenant(house.node), login.way.idp, "nobody")
    refused(tell(unknown, browse(), login.request(destination=slo(unknown)), binding), there)


def test_what_is_switched_off(login, browse, house):
    """An identity provider that was disabled, or deleted, ends nothing that way (what it does to its sessions is not
    asked here)."""
    login.way.set(enabled=False)
    assert tell(login.way, browse(), login.request()).status_code in REFUSALS
    login.way.set(enabled=True)
    assert admin(house.node, "DELETE", login.way.path).status_code == 204
    assert tell(login.way, browse(), login.request()).status_code in REFUSALS


def test_a_certificate_that_was_replaced(login, browse):
    idp = login.way.idp
    login.way.set(saml={"idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_slo_url": idp.slo_url,
                        "idp_certificate": OTHER_KEY.certificate_pem})
    refused(tell(login.way, browse(), login.request()))
    request = login.request()
    answered(login.way, tell(login.way, browse(), request, key=OTHER_KEY), request)


@pytest.mark.parametrize("content", ["an assertion", "two names", "text", "a DTD", "an encrypted name", "nothing"])
def test_encrypted_names_that_are_none(login, browse, house, content):
    """What comes out of it is read as carefully as what is around it."""
    [certificate] = our_certificates(house, "encryption")
    octets = serialise(login.name)
    inside = {
        "an assertion": serialise(saml.build_assertion(login.way.idp.entity_id, name_id=login.name.text)),
        "two names": octets + serialise(name_id(unique())), "text": login.name.text.encode(),
        "a DTD": b"<!DOCTYPE x>" + octets,
        "an encrypted name": serialise(encrypted(login.name, certificate)), "nothing": b"",
    }[content]
    for binding in BINDINGS:
        request = login.request(names=[encrypted(inside, certificate)])
        refused(quickly(login.way, browse(), packed(login.way, request, binding)), login)


@pytest.mark.parametrize("value", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "x\r\nX: y",
                                   "<script>x</script>"])
def test_a_state_is_no_address(login, browse, value):
    """It goes back where it came from, as it was, or is refused: nobody is led there, and it becomes no header or
    markup."""
    for binding in BINDINGS:
        request = login.request()
        answer = tell(login.way, browse(), request, binding, relay_state=value)
        assert "X" not in answer.headers and "evil" not in answer.headers.get("Location", "").partition("?")[0]
        if answer.status_code in REFUSALS:
            assert value not in answer.text
        else:
            answered(login.way, answer, request, value)


def peak(node):
    """The most memory that the process has had, in bytes."""
    status = open(f"/proc/{node.process.pid}/status").read()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * KIB


@pytest.mark.parametrize("parameter", [REQUEST, RESPONSE])
@pytest.mark.parametrize("size", [2, 20, 300])
def test_little_that_becomes_much(login, browse, house, parameter, size):
    """So many MiB of blanks in a name, well signed: nothing of that is made room for."""
    login.way.tenant.node.request("GET", login.way.metadata)
    head, tail = serialise(login.request()).split(login.name.text.encode())
    value = b64(deflate(head + b" " * (size * MIB) + tail))
    address = at(slo(login.way), redirect_query(parameter, None, "x", login.way.idp.key, packed=value))
    before, began = peak(house.node), time.monotonic()
    try:
        answer = browse().get(address)
    except requests.ConnectionError:
        # An address may be too long to be read to its end.
        answer = None
    assert time.monotonic() - began < DEADLINE
    assert peak(house.node) - before < 16 * MIB
    if answer is None:
        assert size > 20
    else:
        assert answer.status_code in (REFUSALS if parameter == REQUEST else (*REFUSALS, 200)), answer.status_code
    assert login.is_in and house.node.running()


def test_a_large_form(login, browse):
    """Is refused by its size."""
    assert bring(login.way, browse(), {REQUEST: "A" * 1_100 * KIB}).status_code == 413
    refused(bring(login.way, browse(), packed(login.way, login.request(indexes=["x" * 300 * KIB]), "POST")), login)


def test_the_page_of_a_refusal(login, browse):
    """Somebody reads it: it says that they are not logged out, in the tenant's words, and whom to tell."""
    page = Page(tell(login.way, browse(), login.request(), key=None))
    assert page.status == 400 and "req-" in page.text and login.way.idp.entity_id not in page.text, page
