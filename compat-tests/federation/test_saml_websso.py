"""WebSSO with SAML by the wire: from a dashboard to the identity provider and back (keystone-api.md 1.7; security.md
part 2; KS-FED).

What an identity provider says is made by `peers/saml.py`; `test_saml_peers.py` goes the same way with real ones,
`test_saml_browser.py` in Chromium. `test_saml_attributes.py` is about what a mapping sees, `test_saml_documents.py`
about documents that must let nobody in.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import unique
from peers import saml
from peers.saml import IdentityProvider
from peers.saml_metadata import metadata_of
from peers.saml_signatures import SIGNATURES
from peers.xmlsec1 import verify
from saml_cases import Case
from saml_trust import (
    ACS,
    ENTITY,
    PERSON,
    SamlTrust,
    across,
    begin,
    certificate_in,
    comes,
    leave,
    metadata,
    refused,
    repost,
    send,
    token_for,
)
from trust import WEBSSO, user_id
from visitor import JSON, Page, query_of

EMAIL_ADDRESS = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


def of_idp(body):
    """The id of the identity provider that a token's person came from."""
    return body["user"]["OS-FEDERATION"]["identity_provider"]["id"]


@pytest.mark.parametrize("what", ["assertion", "response", "both"])
def test_there_and_back(archstone, saml_way, browse, dashboard, what):
    way, browser = saml_way(PERSON), browse()
    case = begin(way, browser, dashboard.origin)
    answer = send(case, case.signed(what))
    body = archstone.validate(token_for(answer, dashboard.origin)).json()["token"]
    assert body["user"]["id"] == user_id(way.domain_id, case.name) and body["user"]["name"] == case.name
    assert body["user"]["OS-FEDERATION"]["protocol"] == {"id": way.protocol} and of_idp(body) == way.id
    assert body["methods"] == ["mapped"] and "project" not in body
    assert way.user(body["user"]["id"])["email"] == f"{case.name}@example.com"
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    again, _ = comes(way, browse(), dashboard, lambda c: c.signed(what, name_id=case.name))
    assert again["user"]["id"] == body["user"]["id"]
    other, _ = comes(way, browse(), dashboard)
    assert other["user"]["id"] != body["user"]["id"]


def test_the_request(archstone, saml_way, browse, dashboard):
    """It goes to the address as that is, signed by the key in our metadata."""
    way, browser = saml_way(), browse()
    answer = leave(way, browser, dashboard.origin)
    assert answer.status_code in (302, 303) and answer.headers["Cache-Control"] == "no-store"
    leaving = answer.headers["Location"]
    assert leaving.startswith(f"{way.provider.sso_url}&SAMLRequest="), "the address keeps its query"
    request = way.provider.read_redirect(leaving)
    assert request.destination == way.provider.sso_url
    assert request.acs_url == archstone.url + ACS and request.issuer == archstone.url + ENTITY
    assert request.root.get("ProtocolBinding") == f"{saml.BINDING}HTTP-POST" and not request.force_authn
    assert 16 <= len(request.relay_state) <= 80, "as SAML's bindings have it"
    assert query_of(leaving)["SigAlg"] == SIGNATURES["rsa-sha256"][0]
    way.provider.verify_redirect(leaving, certificate_in(metadata(archstone)))
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=" in cookie and "Domain" not in cookie
    again = begin(way, browse(), dashboard.origin).request
    assert again.id != request.id and again.relay_state != request.relay_state


def test_the_request_by_a_form(archstone, saml_way, browse, dashboard):
    """Where the identity provider takes requests by HTTP-POST alone the browser gets a form that posts itself."""
    idp = IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://posted.example/sso")
    document = metadata_of(idp, ["HTTP-POST"])
    way, browser = (
        saml_way(
            idp=idp,
            connection={"idp_metadata_xml": document}
            | dict.fromkeys(("idp_entity_id", "idp_sso_url", "idp_certificate")),
        ),
        browse(),
    )
    answer = leave(way, browser, dashboard.origin)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    form = Page(answer).form("SAMLRequest")
    assert (form.action, form.method) == (idp.sso_url, "post") and form.buttons, "without scripts there is a button"
    assert "https://posted.example" in answer.headers["Content-Security-Policy"].partition("form-action ")[2]
    request = idp.read_post(form.fields)
    assert request.destination == idp.sso_url and request.relay_state
    verify(request.root, certificate_in(metadata(archstone)))
    case = Case(idp, request, browser=browser, way=way)
    assert archstone.validate(token_for(send(case, case.signed()), dashboard.origin)).status_code == 200


def test_what_the_request_may_be_told_to_ask(saml_way, browse, dashboard):
    options = {"force_authn": True, "name_id_format": EMAIL_ADDRESS, "sp_entity_id": "urn:example:us"}
    way = saml_way(connection=options)
    case = begin(way, browse(), dashboard.origin)
    assert (
        case.request.force_authn
        and case.request.name_id_format == EMAIL_ADDRESS
        and case.request.issuer == "urn:example:us"
    )
    token_for(send(case, case.signed()), dashboard.origin)
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, case.signed(audiences=[[way.archstone.url + ENTITY]])))


@pytest.mark.parametrize("by", ["members", "url", "document"])
def test_how_the_identity_provider_is_told_of(saml_way, browse, dashboard, ecp_idp, by):
    way = saml_way(idp=ecp_idp, by=by)
    body, case = comes(way, browse(), dashboard)
    assert body["user"]["name"] == case.name and case.request.destination == ecp_idp.sso_url


def test_both_entries_take_get_and_post(archstone, saml_way, browse, dashboard):
    way = saml_way(protocol=unique("p"))
    for url in (way.websso, f"{archstone.url}{WEBSSO}/websso/{way.protocol}"):
        for method in ("GET", "POST"):
            answer = browse().request(method, url, params={"origin": dashboard.origin})
            assert answer.status_code in (302, 303), f"{method} {url}: {answer.status_code} {answer.text[:500]}"


def test_the_global_entry_finds_the_identity_provider_by_the_protocol(archstone, saml_way, browse, dashboard):
    """One way in by it is gone to at once; of two the person chooses."""
    protocol = unique("p")
    entry = f"{archstone.url}{WEBSSO}/websso/{protocol}"
    one = saml_way(protocol=protocol, description="The first one")
    case = begin(one, browse(), dashboard.origin, entry)
    assert of_idp(archstone.validate(token_for(send(case, case.signed()), dashboard.origin)).json()["token"]) == one.id
    two, browser = saml_way(protocol=protocol, description="The <second> one"), browse()
    page = browser.go(f"{entry}?origin={dashboard.origin}")
    assert page.status == 200 and "The first one" in page.text and "The <second> one" in page.text
    answer = browser.get(page.link(two.id))
    case = Case(two.provider, two.provider.read_redirect(answer.headers["Location"]), browser=browser, way=two)
    assert of_idp(archstone.validate(token_for(send(case, case.signed()), dashboard.origin)).json()["token"]) == two.id


def test_without_a_dashboard_there_is_the_token_itself(archstone, saml_way, browse):
    way = saml_way()
    case = begin(way, browse(), None)
    answer = send(case, case.signed())
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == case.name
    assert archstone.validate(answer.headers["X-Subject-Token"]).status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert leave(way, browse(accept=JSON), None).status_code == 401, "a program that shows nothing"


def test_ks_fed_3_only_the_trusted_dashboard(saml_way, browse, dashboard):
    way = saml_way()
    assert browse(accept=JSON).get(way.websso).status_code == 400
    for origin in ("https://evil.example/auth/websso/", dashboard.origin + "x", f"{dashboard.origin}../evil"):
        answer = leave(way, browse(), origin)
        refused(answer)
        assert "Set-Cookie" not in answer.headers


# -- the way back ------------------------------------------------------------------------------------------------------


def test_from_another_site(archstone, saml_way, browse, dashboard):
    """The identity provider's page posts without our cookies: a page of ours posts the same once more, with them."""
    way, browser = saml_way(), browse()
    case = begin(way, browser, dashboard.origin)
    form = case.fields(case.signed())
    answer = across(browser, way.acs, form)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    again = repost(answer)
    assert (again.action, again.method) == (way.acs, "post") and again.buttons, "without scripts there is a button"
    assert again.fields == form | {"again": "1"}
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert archstone.validate(token_for(browser.send(again), dashboard.origin)).status_code == 200


def test_web_fix_2_an_answer_is_for_the_browser_that_asked(saml_way, browse, dashboard):
    """Without its cookie nothing happens, also by the page that posts once more, and nothing is lost for the right
    browser."""
    way = saml_way()
    case, victim = begin(way, browse(), dashboard.origin), browse()
    form = case.fields(case.signed())
    refused(victim.send(repost(victim.post(way.acs, form))))
    refused(browse().post(way.acs, form | {"again": "1"}))
    begin(way, victim, dashboard.origin)
    refused(send(case, form, victim))
    program = browse(accept=JSON).post(way.acs, form)
    assert program.status_code == 401 and program.json()["error"]["code"] == 401, (
        "a program has no page to post once more"
    )
    token_for(send(case, form), dashboard.origin)


def test_a_response_is_good_once(saml_way, browse, dashboard):
    """Not in the browser that brought it, nor for another attempt, in whatever it is wrapped."""
    way, browser = saml_way(), browse()
    case = begin(way, browser, dashboard.origin)
    tree = case.signed()
    token_for(send(case, tree), dashboard.origin)
    refused(send(case, tree))
    second = begin(way, browser, dashboard.origin)
    refused(send(second, tree))
    second = begin(way, browser, dashboard.origin)
    said = saml.find(tree, ".//saml:Assertion").get("ID")
    refused(send(second, second.signed(assertion_id=said)))


def test_a_response_twenty_times_at_once(saml_way, browse, dashboard):
    way = saml_way()
    case = begin(way, browse(), dashboard.origin)
    form = case.fields(case.signed())
    headers = {"Accept": "text/html", "Cookie": "; ".join(f"{n}={v}" for n, v in case.browser.cookies.items())}
    with ThreadPoolExecutor(20) as pool:
        sent = pool.map(lambda _: requests.post(way.acs, form, headers=headers, timeout=60), range(20))
        assert sorted(answer.status_code for answer in sent) == [200] + [401] * 19


def test_ks_fed_1_another_identity_providers_answer(saml_way, browse, dashboard):
    """Who answers is who was asked, by its own name and its own key; one name at two of them is two people
    (KS-FED-5)."""
    stranger = saml_way(
        idp=IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://stranger.example/sso")
    )
    way = saml_way()
    for issuer, key in ((stranger, stranger), (stranger, way), (way, stranger)):
        case = begin(way, browse(), dashboard.origin)
        tree = case.build(response_issuer=issuer.provider.entity_id, assertion_issuer=issuer.provider.entity_id)
        refused(send(case, way.provider.sign(tree, "both", key.provider.key)))
    ours, case = comes(way, browse(), dashboard)
    theirs, _ = comes(stranger, browse(), dashboard, name_id=case.name)
    assert ours["user"]["id"] != theirs["user"]["id"]


# -- what happens meanwhile, and what is told of it --------------------------------------------------------------------


CLOSE = {
    "identity provider": lambda way: way.patch(enabled=False),
    "protocol": lambda way: way.delete(f"/protocols/{way.protocol}"),
    "connection": lambda way: way.delete(f"/protocols/{way.protocol}/connection"),
    "mapping": lambda way: way.map({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "nothing"}]}),
    "altogether": lambda way: way.delete(),
}


@pytest.mark.parametrize("close", CLOSE.values(), ids=CLOSE)
def test_ks_fed_2_what_is_closed_between_the_steps(saml_way, browse, dashboard, close):
    way = saml_way()
    case = begin(way, browse(), dashboard.origin)
    close(way)
    refused(send(case, case.signed("both")), 401, 403, 404)


def test_a_disabled_user_at_the_end_of_the_way(archstone, saml_way, browse, dashboard):
    way = saml_way()
    body, case = comes(way, browse(), dashboard)
    path = f"/v3/users/{body['user']['id']}"
    archstone.expect(200, "PATCH", path, token=archstone.admin_token, json={"user": {"enabled": False}})
    again = begin(way, browse(), dashboard.origin)
    refused(send(again, again.signed(name_id=case.name)))


def test_refusals_tell_outsiders_nothing_and_administrators_why(archstone, saml_way, browse, dashboard):
    """Security rule 9, ruling 16; nothing of what was sent is in the diagnostics or in the log."""
    way, pages, sent = saml_way(), set(), []
    for parts in (
        {"audiences": [["urn:other"]]},
        {"recipient": "https://other.example/"},
        {"not_on_or_after": -500},
        {},
    ):
        case = begin(way, browse(accept=JSON), dashboard.origin)
        tree = case.signed(**parts) if parts else case.build()
        answer = send(case, tree)
        pages.add(json.dumps(answer.json(), sort_keys=True))
        assert answer.status_code == 401
        sent += [saml.encode(tree), case.request.relay_state]
    _, case = comes(way, browse(), dashboard)
    sent.append(case.request.relay_state)
    assert len(pages) == 1, pages
    told = way.logins()
    assert len(told) == 5 and len({e.get("reason") for e in told} - {None}) == 4, told
    log = archstone.log()
    assert [s for s in sent if s in log or s in json.dumps(told)] == []


def test_rel_node_1_one_node_begins_and_the_other_ends(one_address, idp, browse, dashboard):
    """Nothing of an attempt lives in one node's memory, nor does what is known of spent responses."""
    a, b = one_address
    way, browser = SamlTrust(a, idp), browse(a)
    case = begin(way, browser, dashboard.origin)
    form = case.fields(case.signed())
    browser.through = b.url
    answer = send(case, form)
    assert a.validate(token_for(answer, dashboard.origin)).status_code == 200
    browser.through = None
    refused(send(case, form))


def test_rel_node_3_a_response_at_both_nodes_at_once(one_address, idp, browse, dashboard):
    a, b = one_address
    way = SamlTrust(a, idp)
    for _ in range(5):
        case = begin(way, browse(a), dashboard.origin)
        form = case.fields(case.signed())
        headers = {"Accept": "text/html", "Cookie": "; ".join(f"{n}={v}" for n, v in case.browser.cookies.items())}
        with ThreadPoolExecutor(8) as pool:
            sent = pool.map(
                lambda url: requests.post(url, form, headers=headers, timeout=60), [a.url + ACS, b.url + ACS] * 4
            )  # noqa: B023
            assert sorted(answer.status_code for answer in sent) == [200] + [401] * 7
