"""SAML 2.0: how logouts that an identity provider begins are signed, sent and answered (tenant-login section 10.5)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually
from peers import saml_logout
from peers.saml_logout import upper, values_of
from saml_cases import SamlWay
from saml_logouts import (
    BINDINGS,
    answered,
    bring,
    bring_literally,
    ended,
    log_in,
    may_post,
    new_provider,
    packed,
    refused,
    slo,
    tell,
)
from tenancy import Tenant
from visitor import JSON, Page

# Logouts and sign-ins of one second are told apart after it.
LATER = 1.2


# -- signed and sent ---------------------------------------------------------------------------------------------------


GOOD = {
    "small letters in escapes": {"escape": saml_logout.lower}, "a plus for a blank": {"escape": saml_logout.plus},
    "all escaped": {"escape": saml_logout.every}, "no state": {"relay_state": None},
    "SHA-512": {"algorithm": "rsa-sha512"}, "a long state": {"relay_state": "x" * 80},
    "an odd state": {"relay_state": "\"'><&%00 \u00e9/?#="},
}


@pytest.mark.parametrize("how", GOOD.values(), ids=GOOD)
def test_queries_that_differ_within_the_rules(party, client, browse, how):
    """What is signed are the octets that came; what comes back is what they mean."""
    login = log_in(party(), client, browse())
    request, state = login.request(), how.get("relay_state", "a b/c")
    address = packed(login.way, request, **({"relay_state": state} | how))
    answered(login.way, bring_literally(login.way, address), request, state)
    ended(login)


def test_parameters_of_others_in_the_query(party, client, browse):
    login = log_in(party(), client, browse())
    request = login.request()
    address = packed(login.way, request).replace("?", "?lang=en&", 1) + "&x=y"
    answered(login.way, browse().get(address), request)
    ended(login)


@pytest.mark.parametrize("how", [{}, {"prefixes": "samlp"}, {"algorithm": "rsa-sha512", "digest_algorithm": "sha512"},
                                 {"certificate": None}], ids=str)
def test_documents_that_are_signed_otherwise(party, client, browse, how):
    login = log_in(party(), client, browse())
    request = login.request()
    answered(login.way, tell(login.way, browse(), request, "POST", **how), request)
    ended(login)


def test_sha_1_where_somebody_insists(party, client, browse):
    way = party(allow_sha1=True)
    for binding, how in (("Redirect", {}), ("POST", {"digest_algorithm": "sha1"})):
        login = log_in(way, client, browse())
        request = login.request()
        answered(way, tell(way, browse(), request, binding, algorithm="rsa-sha1", **how), request)
        ended(login)


def test_times_within_the_rules(party, client, browse):
    """Without an end, and by clocks that are a little off."""
    for times in ({"not_on_or_after": None}, {"issue_instant": -120}, {"issue_instant": 30}, {"not_on_or_after": -20}):
        login = log_in(party(), client, browse())
        request = login.request(**times)
        answered(login.way, tell(login.way, browse(), request), request)
        ended(login)


def test_a_request_is_good_once(party, client, browse):
    """By either binding, under any state, also from ten browsers at once; who came in again stays."""
    login = log_in(party(), client, browse())
    request = login.request(indexes=[])
    sending = packed(login.way, request)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: login.way.tenant.node.request("GET", sending), range(10)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([302] + [400] * 9, [303] + [400] * 9), statuses
    ended(login)
    eventually(lambda: False, LATER)
    again = log_in(login.way, client, browse(), name=login.name.text)
    for answer in (browse().get(sending), tell(login.way, browse(), request, relay_state="another"),
                   tell(login.way, browse(), request, "POST")):
        refused(answer, again)


def test_on_another_node(pair, visitor):
    """A session of one node ends by a request to another, which is good once on all."""
    first, second = pair
    house = Tenant(first)
    idp, there = new_provider(), visitor(house)
    way = SamlWay.new(house, idp, idp_slo_url=idp.slo_url)
    login = log_in(way, house.client(), visitor(house))
    there.through = second.url
    request = login.request()
    sending = packed(way, request)
    answered(way, there.get(sending), request)
    assert eventually(lambda: not login.is_in, 2.0)
    assert there.get(sending).status_code == 400 and visitor(house).get(sending).status_code == 400


# -- answered ----------------------------------------------------------------------------------------------------------


ANSWERS = "https://answers.example/slo"
GET, POST = "https://idp.example/get", "https://idp.example/post?a=b"
SERVICES = {
    "Redirect": ([("HTTP-Redirect", GET)], GET, "Redirect"),
    "POST": ([("HTTP-POST", POST)], POST, "POST"),
    "both": ([("HTTP-POST", POST), ("HTTP-Redirect", GET)], GET, "Redirect"),
    "SOAP beside": ([("SOAP", "https://idp.example/soap"), ("HTTP-POST", POST)], POST, "POST"),
    "elsewhere": ([("HTTP-Redirect", GET, ANSWERS)], ANSWERS, "Redirect"),
    "elsewhere by POST": ([("HTTP-POST", POST, ANSWERS)], ANSWERS, "POST"),
}


@pytest.mark.parametrize("asked", BINDINGS)
@pytest.mark.parametrize(("services", "location", "binding"), SERVICES.values(), ids=SERVICES)
def test_where_the_answer_goes(told_by_metadata, client, browse, services, location, binding, asked):
    """To the address for responses if there is one, by the binding that the identity provider offers."""
    login = log_in(told_by_metadata(services), client, browse())
    request = login.request()
    answer = tell(login.way, browse(), request, asked)
    answered(login.way, answer, request, binding=binding, location=location)
    if binding == "POST":
        may_post(answer, location)
    ended(login)


def test_without_an_address_to_answer_to(party, client, browse):
    """The session ends or the request is refused; the browser is led nowhere."""
    login = log_in(party(idp_slo_url=None), client, browse())
    answer = tell(login.way, browse(), login.request())
    assert answer.status_code < 500 and not answer.is_redirect, answer.headers


def test_an_answer_is_the_tenants_own(party, client, browse):
    """By its own name where one was chosen for it."""
    way = party(sp_entity_id="urn:example:us")
    login = log_in(way, client, browse())
    request = login.request()
    way.metadata = "urn:example:us"
    answered(way, tell(way, browse(), request), request)


def test_what_is_written_down(party, client, browse, house):
    """Who asked, and how many sessions ended; not what could be shown again, nor who it was by their name there."""
    login = log_in(party(), client, browse())
    for binding, key in (("Redirect", None), ("POST", None), ("Redirect", ...), ("POST", ...)):
        request = login.request()
        sending = packed(login.way, request, binding, key=key)
        bring(login.way, browse(), sending)
        values = sending if isinstance(sending, dict) else values_of(sending)
        log = house.node.log()
        for name in ("SAMLRequest", "Signature"):
            assert name not in values or values[name] not in log and upper(values[name]) not in log
        assert request.get("ID") not in log
    assert login.way.id in log.partition(login.sid)[2] or "logout.saml" in log


def test_forms_that_are_none(party, client, browse):
    """JSON clients are told as by all the tenant's routes; a response that nobody waits for leads nowhere."""
    login = log_in(party(), client, browse())
    for accept in (None, JSON):
        browser = browse(**({"accept": accept} if accept else {}))
        place = slo(login.way)
        for answer in (browser.get(place), browser.post(place, {}), browser.post(place, {"RelayState": "x"}),
                       browser.get(f"{place}?SAMLRequest="), browser.get(f"{place}?SAMLRequest=a&SAMLResponse=b")):
            refused(answer, login)
            assert not accept or answer.json()["detail"], answer.text
            assert accept or Page(answer).text, "a page"
    for method in ("PUT", "DELETE", "PATCH"):
        assert browse().request(method, slo(login.way)).status_code == 405
    assert login.is_in
