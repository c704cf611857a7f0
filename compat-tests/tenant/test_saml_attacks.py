"""SAML 2.0: nobody comes in by any other document than their own, which is good once, in time, in the browser that asked for it
(tenant-login section 6, security.md parts 1 and 2, ruling 6)."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import unique
from peers import saml
from peers.saml import IdentityProvider, assertion_of, encode
from saml_attacks import unsolicited
from saml_cases import CANARY, EMAIL, OTHER, OTHER_KEY, RESPONDER, USERNAME, begin, comes, in_by, nobody_in, send, session_cookies
from saml_documents import DOCUMENTS
from saml_fields import FIELDS
from saml_forgeries import FORGERIES
from saml_wrapping import WRAPPING
from tenancy import Tenant, admin, claims_of
from visitor import Page

KINDS = [FIELDS, FORGERIES, WRAPPING, DOCUMENTS]
ATTACKS = {name: make for kind in KINDS for name, make in kind.items()}
assert len(ATTACKS) == sum(map(len, KINDS)), "a name stands in two of them"


@pytest.mark.parametrize("make", ATTACKS.values(), ids=ATTACKS)
def test_nobody_comes_in_by(way, client, browse, make):
    case = begin(way, client, browse())
    nobody_in(case, send(case, make(case)))


# -- times, browsers, attempts ----------------------------------------------------------------------------------------------


def test_failures_are_told_to_the_application(way, client, browse):
    """Not the identity provider's words."""
    for sub_status in ("AuthnFailed", "RequestDenied", "NoPassive", "RequestUnsupported"):
        case = begin(way, client, browse())
        told_so = {"status": RESPONDER, "sub_status": saml.STATUS + sub_status, "status_message": CANARY}
        answer = send(case, case.idp.respond(case.request, "response", assertion=False, **told_so))
        nobody_in(case, answer)
        assert answer.is_redirect, f"{answer.status_code} {answer.text[:1000]}"


def test_a_response_is_good_once(way, client, browse, house):
    """Not in the browser that has it from the first, with all its cookies, nor in this one."""
    browser, thief = browse(), browse()
    case = begin(way, client, browser)
    form = case.fields(case.signed())
    for name, value in browser.cookies.items():
        thief.http.cookies.set(name, value, domain="127.0.0.1", path="/")
    sub = claims_of(in_by(case, send(case, form)))["sub"]
    assert len(house.sessions(user_id=sub)) == 1
    answer = send(case, form, thief)
    assert answer.status_code in (400, 403) and not session_cookies(thief), f"{answer.status_code} {answer.text[:1000]}"
    assert send(case, form).status_code < 500
    assert len(house.sessions(user_id=sub)) == 1, "no other session"


def test_a_response_twenty_times_at_once(way, client, browse):
    case = begin(way, client, browse())
    form = case.fields(case.signed())
    headers = {"Accept": "text/html", "Cookie": "; ".join(f"{n}={v}" for n, v in case.browser.cookies.items())}
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: way.tenant.node.request("POST", way.acs, data=form, headers=headers), range(20)))
    assert len([a for a in answers if "code=" in a.headers.get("Location", "")]) == 1, [a.status_code for a in answers]
    assert all(a.status_code < 500 for a in answers)


def test_a_response_is_good_for_its_own_attempt(way, client, browse):
    """Not for another one, in whatever it is wrapped; nor is its ID good for a second assertion."""
    first = begin(way, client, browse())
    tree = first.signed()
    in_by(first, send(first, tree))
    second = begin(way, client, browse())
    nobody_in(second, send(second, tree))
    second = begin(way, client, browse())
    another = way.idp.build(second.request, assertion=False)
    another.append(copy.deepcopy(assertion_of(tree)))
    nobody_in(second, send(second, another))
    second = begin(way, client, browse())
    nobody_in(second, send(second, second.signed(assertion_id=assertion_of(tree).get("ID"))))


def test_the_state_of_another_attempt(way, client, browse):
    """Two tabs: the response to one does not end the other."""
    browser = browse()
    one, other = begin(way, client, browser), begin(way, client, browser)
    answer = send(one, {"SAMLResponse": encode(one.signed()), "RelayState": other.request.relay_state})
    assert "code=" not in answer.headers.get("Location", "") and answer.status_code < 500 and not session_cookies(browser)
    one, other = begin(way, client, browser), begin(way, client, browser)
    for case in (other, one):
        in_by(case, send(case, case.signed()))


def test_another_browser(way, client, browse):
    """Whoever began is who may end it, also by the page that sends the form once more (WEB-FIX-2)."""
    case, victim = begin(way, client, browse()), browse()
    form = case.fields(case.signed())
    answer = victim.post(way.acs, form)
    if answer.status_code == 200:
        page = Page(answer)
        answer = victim.send(page.form("SAMLResponse"))
    assert answer.status_code in (400, 403), f"{answer.status_code} {answer.text[:1000]}"
    assert not session_cookies(victim)
    # With an attempt of its own.
    begin(way, client, victim)
    answer = send(case, form, victim)
    assert answer.status_code in (400, 403) and not session_cookies(victim), f"{answer.status_code} {answer.text[:1000]}"
    # The one who began it is not kept out by that.
    in_by(case, send(case, form))


@pytest.mark.parametrize("state", ["none", "a stranger's"])
def test_unsolicited_without_an_attempt(way, client, browse, state):
    browser = browse()
    case = begin(way, client, browse())
    form = {"SAMLResponse": encode(unsolicited(case)), "RelayState": None if state == "none" else OTHER}
    answer = send(case, form, browser)
    assert not answer.is_redirect, answer.headers
    nobody_in(case, answer, browser)


def test_another_tenants_entrance(way, client, browse, house):
    other = Tenant(house.node)
    acs = f"{other.issuer}/federation/saml/acs"
    for addressed in ({}, {"destination": acs, "recipient": acs}):
        case = begin(way, client, browse())
        audiences = [[case.request.issuer, f"{other.issuer}/federation/saml/metadata"]]
        answer = send(case, case.signed("both", audiences=audiences, **addressed), acs=acs)
        assert answer.status_code in (400, 403, 404), f"{answer.status_code} {answer.text[:1000]}"
        assert not session_cookies(case.browser)


def test_another_identity_provider_of_the_same_tenant(way, other_way, client, browse):
    """Who answers is who was asked, by its own name and its own key; and a name is somebody at one of them only."""
    stranger = other_way(IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://stranger.example/sso"))
    for issuer, key in ((stranger.idp, stranger.idp.key), (stranger.idp, way.idp.key), (way.idp, stranger.idp.key)):
        case = begin(way, client, browse())
        tree = case.build(response_issuer=issuer.entity_id, assertion_issuer=issuer.entity_id)
        nobody_in(case, send(case, way.idp.sign(tree, "both", key)))
    claims, case = comes(way, client, browse())
    other, _ = comes(stranger, client, browse(), name_id=case.name, attributes={EMAIL: [], USERNAME: [unique()]})
    assert other["sub"] != claims["sub"]


def test_what_is_switched_off_meanwhile(other_way, client, browse, house):
    """An identity provider that was disabled, or deleted, between request and response (CVE-2026-3009)."""
    way = other_way()
    case = begin(way, client, browse())
    way.set(enabled=False)
    nobody_in(case, send(case, case.signed("both")))
    way.set(enabled=True)
    case = begin(way, client, browse())
    assert admin(house.node, "DELETE", way.path).status_code == 204
    nobody_in(case, send(case, case.signed("both")))


def test_a_certificate_that_was_replaced_meanwhile(other_way, client, browse, idp):
    way = other_way()
    case = begin(way, client, browse())
    # What is given stands for the whole.
    way.set(saml={"idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_certificate": OTHER_KEY.certificate_pem})
    nobody_in(case, send(case, case.signed("both")))
    comes(way, client, browse(), lambda c: idp.sign(c.build(), "both", OTHER_KEY))
