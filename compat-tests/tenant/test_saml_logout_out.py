"""SAML 2.0: logouts that begin at the tenant and go on to the identity provider, as the tenant has chosen
(tenant-login sections 10.2 and 10.5): what it is asked, and where browsers are led when it has answered."""

import urllib.parse

import pytest

from harness import unique
from peers import saml
from peers.broken import BrokenWeb, Reply
from peers.saml import PERSISTENT, SUCCESS
from peers.saml_encryption import encrypted
from peers.saml_logout import EMAIL_ADDRESS, RESPONSE, TRANSIENT, UNSPECIFIED, at, redirect_query
from saml_cases import OTHER, OTHER_KEY, RESPONDER, USERNAME, SamlWay
from saml_logouts import BINDINGS, answered, goes_on, leave, log_in, may_post, new_provider, our_certificates
from saml_logouts import request_of, respond, slo, tell
from tenancy import Tenant, admin
from test_op_logout import AFTER
from visitor import Page

ALWAYS = {"logout_upstream": "always"}
LANDING = f"{AFTER}?state=s"


@pytest.fixture
def client(house):
    """An application of the tenant with an address to come back to after a logout."""
    return house.client(logout_uris=[AFTER], allowed_scopes=["openid", "profile", "email", "groups"])


@pytest.fixture
def always(party):
    """`always(settings=…, **members)`: an identity provider that is always told."""
    return lambda settings=None, **members: party(settings=ALWAYS | (settings or {}), **members)


def leaving(login, after=AFTER, **parameters):
    """Logs out at the tenant; the request to the identity provider."""
    answer = leave(login, after, **({"state": "s"} | parameters))
    assert not login.is_in, "here it is over before anybody leaves"
    return request_of(login.way, answer)


# -- the request -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["never", "offer", "always"])
def test_as_the_tenant_has_chosen(party, client, browse, wish):
    login = log_in(party(settings={"logout_upstream": wish}), client, browse())
    answer = leave(login, AFTER, state="s")
    assert not login.is_in
    session = login.session()
    assert session["terminated_at"] and session["terminated_reason"] == "user_logout", session
    if wish == "always":
        message = request_of(login.way, answer)
        goes_on(login.browser, respond(login.way, login.browser, message), LANDING)
    else:
        goes_on(login.browser, answer, LANDING)


def test_by_the_persons_own_wish(party, client, browse):
    """The page afterwards offers it, once."""
    login = log_in(party(settings={"logout_upstream": "offer", "name": "Acme ADFS"}), client, browse())
    page = login.browser.follow(leave(login))
    assert isinstance(page, Page) and "Acme ADFS" in page.text and not login.is_in, page
    link = page.link("Acme ADFS")
    message = request_of(login.way, login.browser.get(link))
    goes_on(login.browser, respond(login.way, login.browser, message), None)
    assert isinstance(login.browser.go(link, login.way.idp.slo_url), Page), "the link is good once"


NAMES = {
    "persistent": {"format": PERSISTENT}, "transient": {"format": TRANSIENT}, "an address": {"format": EMAIL_ADDRESS},
    "unspecified": {"format": UNSPECIFIED}, "of no format": {"format": None},
    "qualified": {"qualifiers": {"NameQualifier": "https://names.example/?a=b&c=\"d\"", "SPNameQualifier": "urn:us"}},
    "difficult": {"name": "ann <a&b> \"c\" '\u00e9\u4e2d' ]]>"}, "with blanks": {"name": "ann  other"},
    "without an index": {"index": None}, "with a difficult index": {"index": "<i>&\"' \u00e9"},
}


@pytest.mark.parametrize("what", NAMES.values(), ids=NAMES)
def test_who_it_is_about(always, client, browse, what):
    """The name and the session are those of the sign-in, to the letter."""
    settings = {"attribute_mappings": {"external_id": USERNAME}} if what.get("format") == TRANSIENT else None
    login = log_in(always(settings), client, browse(), **({"name": f"{unique('ann')}@example.com"} | what))
    message = leaving(login)
    assert message.name == (login.name.text, dict(login.name.attrib)), message.name
    assert message.indexes == ([] if login.index is None else [login.index])
    assert message.issuer == login.way.metadata and len(message.id) >= 33


def test_of_two_browsers_one_is_meant(always, client, browse):
    """The session of the browser that leaves, and its index alone."""
    way = always()
    here = log_in(way, client, browse())
    there = log_in(way, client, browse(), name=here.name.text)
    message = leaving(here)
    assert message.indexes == [here.index]
    goes_on(here.browser, respond(way, here.browser, message), LANDING)
    assert there.is_in


def test_the_name_of_an_encrypted_subject(always, client, browse, house):
    """Is told in clear to whoever made it."""
    [certificate] = our_certificates(house, "encryption")
    login = log_in(always(), client, browse(), wrap=lambda name: encrypted(name, certificate))
    assert leaving(login).name == (login.name.text, dict(login.name.attrib))


def test_by_the_name_that_was_chosen_for_us(always, client, browse):
    login = log_in(always(sp_entity_id="urn:example:us"), client, browse())
    assert leaving(login).issuer == "urn:example:us"


GET, POST, ANSWERS = "https://idp.example/get?a=b", "https://idp.example/post?a=b", "https://answers.example/"
SERVICES = {
    "Redirect": ([("HTTP-Redirect", GET, ANSWERS)], GET, "Redirect"),
    "POST": ([("HTTP-POST", POST, ANSWERS)], POST, "POST"),
    "both": ([("HTTP-POST", POST), ("HTTP-Redirect", GET)], GET, "Redirect"),
}


@pytest.mark.parametrize("answering", BINDINGS)
@pytest.mark.parametrize(("services", "location", "binding"), SERVICES.values(), ids=SERVICES)
def test_where_the_request_goes(told_by_metadata, client, browse, services, location, binding, answering):
    """Not to the address for responses; it may be answered by another binding than it came by."""
    way = told_by_metadata(services)
    way.set(**ALWAYS)
    login = log_in(way, client, browse())
    answer = leave(login, AFTER, state="s")
    message = request_of(way, answer, binding, location)
    if binding == "POST":
        may_post(answer, location)
    goes_on(login.browser, respond(way, login.browser, message, answering), LANDING)


@pytest.mark.parametrize("services", [[], [("SOAP", "https://idp.example/soap")]], ids=["none", "SOAP alone"])
def test_an_identity_provider_without_an_address(told_by_metadata, client, browse, services):
    way = told_by_metadata(services)
    way.set(**ALWAYS)
    login = log_in(way, client, browse())
    goes_on(login.browser, leave(login, AFTER, state="s"), LANDING)
    assert not login.is_in


def test_after_the_question(always, client, browse):
    """Without a hint the person is asked first."""
    login = log_in(always(), client, browse())
    page = login.browser.follow(leave(login, AFTER, id_token_hint=None, client_id=client.id, state="s"))
    assert isinstance(page, Page) and login.is_in, page
    message = request_of(login.way, login.browser.send(page.form("csrf"), button="out"))
    assert not login.is_in
    goes_on(login.browser, respond(login.way, login.browser, message), LANDING)


# -- the response ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("after", [LANDING, None], ids=["application", "page"])
def test_the_way_back(always, client, browse, binding, after):
    """To the application, with its state, or to the page that says so; good once."""
    login = log_in(always(), client, browse())
    message = leaving(login, after and AFTER)
    goes_on(login.browser, respond(login.way, login.browser, message, binding), after)
    again = login.browser.follow(respond(login.way, login.browser, message, binding), AFTER, "https://")
    assert isinstance(again, Page), "the way back is good once"
    assert not login.is_in


BAD = {
    "unsigned": {"key": None},
    "signed by another": {"key": OTHER_KEY},
    "a failure": {"status": RESPONDER, "sub_status": f"{saml.STATUS}AuthnFailed"},
    "in part": {"status": SUCCESS, "sub_status": f"{saml.STATUS}PartialLogout"},
    "without a status": {"status": None},
    "another issuer's": {"issuer": f"{OTHER}idp"},
    "for another destination": {"destination": f"{OTHER}slo"},
    "for no destination": {"destination": None},
    "to another request": {"in_response_to": saml.new_id()},
    "to no request": {"in_response_to": None},
    "of long ago": {"issue_instant": -3_600},
    "of version 1.1": {"version": "1.1"},
}


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_a_response_that_is_no_good(always, client, browse, binding, changes):
    """Undoes nothing, and nobody is stranded."""
    login = log_in(always(), client, browse())
    message = leaving(login)
    goes_on(login.browser, respond(login.way, login.browser, message, binding, **changes), LANDING)
    assert not login.is_in
    assert login.session()["terminated_reason"] == "user_logout"


@pytest.mark.parametrize("binding", BINDINGS)
def test_a_response_without_its_state(always, client, browse, binding):
    """Some identity providers lose it: what it answers says which it is."""
    login = log_in(always(), client, browse())
    message = leaving(login)
    answer = respond(login.way, login.browser, message, binding, relay_state=None)
    place = login.browser.follow(answer, AFTER, "https://")
    assert place == LANDING or isinstance(place, Page) and place.status in (200, 400), place
    assert not login.is_in


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("state", [None, "", "x", "A" * 43, "https://evil.example/", "//evil.example"])
def test_a_response_that_nobody_waits_for(always, client, browse, binding, state):
    """Leads nowhere, and logs nobody out."""
    login, browser = log_in(always(), client, browse()), browse()
    tree = login.way.idp.response(slo(login.way), saml.new_id())
    for somebody in (browser, login.browser):
        answer = respond(login.way, somebody, None, binding, relay_state=state, tree=tree)
        place = somebody.follow(answer, AFTER, "https://", "//")
        assert isinstance(place, Page) and place.status in (200, 400), place
        assert not [link for link, _ in place.links if "evil" in link]
    assert login.is_in


def test_a_response_in_another_browser(always, client, browse):
    """Nobody is led away by a link that somebody else was given, to wherever that one wanted to be."""
    login, victim = log_in(always(), client, browse()), browse()
    there = log_in(login.way, client, victim)
    message = leaving(login)
    place = victim.follow(respond(login.way, victim, message), AFTER, "https://")
    assert place == LANDING or isinstance(place, Page), place
    assert there.is_in


def test_another_identity_providers_response(always, client, browse):
    """One of the tenant's others cannot speak for it; the browser goes on."""
    login, other = log_in(always(), client, browse()), always()
    message = leaving(login)
    tree = other.idp.response(slo(login.way), message.id)
    goes_on(login.browser, respond(login.way, login.browser, message, key=other.idp.key, tree=tree), LANDING)


def test_another_tenants_door(always, client, browse, house):
    login, other = log_in(always(), client, browse()), Tenant(house.node)
    there = SamlWay.new(other, login.way.idp, idp_slo_url=login.way.idp.slo_url)
    message = leaving(login)
    place = login.browser.follow(respond(there, login.browser, message), AFTER, "https://")
    assert isinstance(place, Page) and place.status in (200, 400), place


def test_a_wish_is_an_application_s_own(always, client, browse):
    """What is no address of the application's is not gone to, also not by a detour."""
    login = log_in(always(), client, browse())
    answer = leave(login, "https://evil.example/", state="s")
    place = login.browser.follow(answer, "https://evil.example", login.way.idp.slo_url)
    if isinstance(place, Page) and any("csrf" in form.types for form in place.forms):
        place = login.browser.submit(place.form("csrf"), login.way.idp.slo_url, button="out")
    assert isinstance(place, Page) or place.startswith(login.way.idp.slo_url), place
    assert "evil" not in str(place)


def test_they_cross(always, client, browse):
    """The identity provider asks for a logout while it is asked for one: both are answered."""
    login = log_in(always(), client, browse())
    message, request = leaving(login), login.request()
    answered(login.way, tell(login.way, login.browser, request), request)
    goes_on(login.browser, respond(login.way, login.browser, message), LANDING)


@pytest.mark.parametrize("change", ["disabled", "deleted", "another key"])
def test_what_changes_meanwhile(always, client, browse, house, change):
    """Whatever becomes of the identity provider, the browser goes on."""
    login = log_in(always(), client, browse())
    message = leaving(login)
    if change == "deleted":
        assert admin(house.node, "DELETE", login.way.path).status_code == 204
    else:
        other_key = {"saml": {"idp_certificate": OTHER_KEY.certificate_pem}}
        login.way.set(**({"enabled": False} if change == "disabled" else other_key))
    goes_on(login.browser, respond(login.way, login.browser, message), LANDING)


def test_a_lost_way_back(make_clocked, visitor):
    """After ten minutes nobody is led on; a page says that it is over."""
    node, step = make_clocked()
    house, idp = Tenant(node), new_provider()
    way = SamlWay.new(house, idp, ALWAYS, idp_slo_url=idp.slo_url)
    login = log_in(way, house.client(logout_uris=[AFTER]), visitor(house))
    message = leaving(login)
    step(700)
    place = login.browser.follow(respond(way, login.browser, message, issue_instant=700), AFTER, "https://")
    assert isinstance(place, Page) and place.status in (200, 400), place


def test_the_way_back_at_another_node(pair, visitor):
    first, second = pair
    house, idp = Tenant(first), new_provider()
    way = SamlWay.new(house, idp, ALWAYS, idp_slo_url=idp.slo_url)
    login = log_in(way, house.client(logout_uris=[AFTER]), visitor(house))
    message = request_of(way, leave(login, AFTER, state="s"))
    login.browser.through = second.url
    goes_on(login.browser, respond(way, login.browser, message), LANDING)
    again = login.browser.follow(respond(way, login.browser, message), AFTER)
    assert isinstance(again, Page), "the way back is good once"


def test_what_is_no_response(always, client, browse):
    """Whatever it is, the browser goes on, and nothing fails."""
    login = log_in(always(), client, browse())
    message = leaving(login)
    tree = login.way.idp.response(slo(login.way), message.id)
    for relay_state, value in ((message.relay_state, "AAAA"), ("x", "!"), ("x", "")):
        query = redirect_query(RESPONSE, tree, relay_state, login.way.idp.key, packed=value)
        place = login.browser.follow(login.browser.get(at(slo(login.way), query)), AFTER, "https://")
        assert place == LANDING or isinstance(place, Page) and place.status in (200, 400, 422), place
    assert not login.is_in


def test_a_slow_metadata_holds_nobody_up(other_way, client, browse):
    """The identity provider's metadata, which says where to go, is away when somebody leaves: here it is over all
    the same."""
    idp, gone, kind = new_provider(), [], "application/samlmetadata+xml"
    web = BrokenWeb(lambda *_: Reply(silent=True) if gone else Reply(idp.metadata(), content_type=kind))
    try:
        told = dict.fromkeys(("idp_entity_id", "idp_sso_url", "idp_certificate"))
        way = other_way(idp, ALWAYS, idp_metadata_url=f"{web.url}/m/x", **told)
        login = log_in(way, client, browse())
        gone.append(True)
        answer = leave(login, AFTER, state="s")
        assert answer.status_code in (302, 303) and not login.is_in
        assert urllib.parse.urlsplit(answer.headers["Location"]).hostname in ("127.0.0.1", idp.slo_url.split("/")[2])
    finally:
        web.remove()


def test_the_question_without_anybody(always, browse, house):
    """A browser without a session is not sent to anybody's identity provider."""
    always()
    page = browse().go(f"{house.url}/oauth/logout", "https://")
    assert isinstance(page, Page) and page.status == 200, page
