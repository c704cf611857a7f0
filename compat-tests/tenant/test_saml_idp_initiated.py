"""SAML 2.0: sign-ins that begin at the identity provider: refused, begun anew, or taken, as the tenant has chosen
(tenant-login section 6.5, ruling 6). Where somebody else is signed in already: `test_saml_another_account.py`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import unique
from peers import saml
from peers.saml_encryption import encrypted
from saml_attacks import well_signed
from saml_cases import OTHER, OTHER_KEY, RESPONDER, Case, SamlWay, begin, in_by, send, session_cookies
from saml_forgeries import FORGERIES
from saml_logouts import our_certificates
from saml_unasked import SCOPES, START, Unasked, arrive, comes, in_at, nobody, who
from saml_wrapping import WRAPPING
from tenancy import Tenant, admin, told
from visitor import JSON, Page



# -- refused -----------------------------------------------------------------------------------------------------------


def test_unless_told_nobody_is_let_in(other_way, app, house, browse):
    """A page says where to begin; other clients are told in their own form."""
    for settings in ({}, {"idp_initiated": "deny"}, {"idp_initiated": "deny", "default_app_id": app().id}):
        answer, case = comes(other_way(settings=settings), browse())
        nobody(case, answer)
        assert answer.status_code == 400 and Page(answer).has_link(f"/auth/{house.slug}/login"), answer.text[:1000]
        answer, case = comes(case.way, browse(accept=JSON))
        nobody(case, answer)
        assert answer.status_code == 400 and told(answer)["error"]


def test_settings(house, other_way, app):
    """What is chosen is shown; what is none is refused."""
    chosen = app()
    way = other_way(settings={"idp_initiated": "accept", "default_app_id": chosen.id})
    shown = admin(house.node, "GET", way.path, status=200)
    assert shown["idp_initiated"] == "accept" and shown["default_app_id"] == chosen.id
    assert way.set(idp_initiated="restart")["idp_initiated"] == "restart"
    assert way.set(default_app_id=None)["default_app_id"] is None
    assert admin(house.node, "GET", other_way().path, status=200)["idp_initiated"] == "deny"
    for wrong in ({"idp_initiated": "maybe"}, {"idp_initiated": True}, {"default_app_id": 7}):
        answer = admin(house.node, "PATCH", way.path, wrong)
        assert answer.status_code == 422, f"{wrong}: {answer.status_code} {answer.text[:500]}"


# -- begun anew --------------------------------------------------------------------------------------------------------


def test_it_begins_anew(other_way, house, browse):
    """What came is thrown away; the identity provider is asked, and its answer counts."""
    way, browser = other_way(settings={"idp_initiated": "restart"}), browse()
    answer, thrown = comes(way, browser)
    assert answer.status_code in (302, 303) and not session_cookies(browser)
    case = Case(way.idp, way.idp.read_redirect(answer.headers["Location"]), browser=browser, way=way)
    [certificate] = our_certificates(house)
    way.idp.verify_redirect(answer.headers["Location"], certificate)
    page = browser.follow(send(case, case.signed()), "http://127.0.0.1:9/")
    assert isinstance(page, Page) and page.status == 200 and session_cookies(browser), page
    names = {u["name"] for u in house.people().values()}
    assert case.name in names and thrown.name not in names


def forged(case):
    return case.idp.sign(case.build(), key=OTHER_KEY)


def test_it_begins_anew_whatever_came(other_way, browse):
    """Nobody looks at the assertion, as it gives nothing: it is who sends it that counts."""
    way = other_way(settings={"idp_initiated": "restart"})
    for make in (lambda c: c.build(), lambda c: c.signed(not_on_or_after=-600), lambda c: forged(c)):
        case = Unasked(way, browse())
        answer = arrive(case, make(case))
        assert answer.status_code in (302, 303), answer.text[:500]
        assert answer.headers["Location"].startswith(way.idp.sso_url)
        assert not session_cookies(case.browser)
    others = {"response_issuer": f"{OTHER}idp", "assertion_issuer": f"{OTHER}idp"}
    for parts in (others, {"in_response_to": saml.new_id()}):
        case = Unasked(way, browse())
        nobody(case, arrive(case, case.signed(**parts)))


def test_it_begins_anew_for_an_application(other_way, app, browse):
    """Which is where the browser is led in the end."""
    client = app()
    way = other_way(settings={"idp_initiated": "restart", "default_app_id": client.id})
    answer, thrown = comes(way, browse())
    case = Case(way.idp, way.idp.read_redirect(answer.headers["Location"]), browser=thrown.browser, way=way)
    in_at(send(case, case.signed()), case, client, START)


def test_it_begins_anew_for_whoever_is_to_answer(other_way, browse):
    """The new attempt is that browser's."""
    way = other_way(settings={"idp_initiated": "restart"})
    answer, _ = comes(way, browse())
    case = Case(way.idp, way.idp.read_redirect(answer.headers["Location"]), browser=browse(), way=way)
    answer = send(case, case.signed())
    assert answer.status_code in (400, 403) and not session_cookies(case.browser)


# -- taken -------------------------------------------------------------------------------------------------------------


def test_somebody_comes_in(taking, app, browse):
    """The session begins here, and the application finds it by a request of its own; the next time it is the same
    person."""
    client = app()
    way = taking(client)
    answer, case = comes(way, browse())
    first = in_at(answer, case, client, START)
    answer, case = comes(way, browse(), name=case.name)
    assert in_at(answer, case, client, START)["sub"] == first["sub"]


def test_with_an_encrypted_assertion(taking, app, house, browse):
    """The signature inside is the assertion's own."""
    client = app()
    case = Unasked(taking(client), browse())
    [certificate] = our_certificates(house, "encryption")
    tree = case.signed()
    assertion = saml.assertion_of(tree)
    tree.replace(assertion, encrypted(assertion, certificate, "saml:EncryptedAssertion"))
    in_at(arrive(case, tree), case, client, START)


def test_the_application_that_the_state_names(taking, app, browse):
    """If it is one of the tenant's."""
    chosen, other = app(), app(initiate_login_uri="http://127.0.0.1:9/other?tenant=a%20b")
    answer, case = comes(taking(chosen), browse(), other.id)
    in_at(answer, case, other, "http://127.0.0.1:9/other?tenant=a%20b")


NO_APPLICATION = ["disabled", "another tenant's", "unknown", "", " {}", "{}x", "x" * 200, "x" * 5_000, "\x00"]


@pytest.mark.parametrize("state", NO_APPLICATION, ids=lambda state: repr(state[:20]))
def test_a_state_that_names_none(taking, app, house, browse, state):
    """It is the one that was chosen."""
    chosen, other = app(), app(initiate_login_uri="http://127.0.0.1:9/other")
    if state == "disabled":
        other.set(enabled=False)
        state = other.id
    elif state == "another tenant's":
        state = Tenant(house.node).client(initiate_login_uri="http://127.0.0.1:9/foreign").id
    answer, case = comes(taking(chosen), browse(), state.format(other.id))
    in_at(answer, case, chosen, START)


LINKS = ["http://127.0.0.1:9/", "http://127.0.0.1:9/deep/link?a=b&c=%20", START, "http://127.0.0.1:9",
         f"http://127.0.0.1:9/{'long/' * 100}"]
EVIL = [OTHER, "//127.0.0.1:9/x", "/deep", "https://127.0.0.1:9/", "http://127.0.0.1:90/", "http://127.0.0.1/",
        "http://127.0.0.1:9@evil.example/", "http://evil.example#http://127.0.0.1:9/",
        "http://evil.example\\@127.0.0.1:9/", "http://127.0.0.1:9.evil.example/", "http:127.0.0.1:9/",
        " http://127.0.0.1:9/", "http://127.0.0.1:9/\r\nX: y",
        "http://[::1]:9/", "javascript:alert(1)", "data:text/html,x", "http://user@127.0.0.1:9/x"]


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link[:40])
def test_a_place_in_the_application(taking, app, browse, link):
    """An address where it lives is handed on to it."""
    client = app()
    answer, case = comes(taking(client), browse(), link)
    in_at(answer, case, client, START, link)


@pytest.mark.parametrize("link", EVIL, ids=repr)
def test_a_place_elsewhere_is_none(taking, app, browse, link):
    """WEB-RELAY: it is ignored, and nobody goes there."""
    client = app()
    answer, case = comes(taking(client), browse(), link)
    in_at(answer, case, client, START)


@pytest.mark.parametrize("landing", [None, "http://127.0.0.1:9/portal"])
def test_without_an_application(other_way, house, browse, landing):
    """Where people go who signed in at the tenant itself; the same where the application has no entrance."""
    plain = house.client(allowed_scopes=SCOPES)
    house.set(default_redirect_url=landing)
    try:
        for chosen in ({}, {"default_app_id": plain.id}):
            answer, case = comes(other_way(settings={"idp_initiated": "accept"} | chosen), browse())
            place = case.browser.follow(answer, "http://127.0.0.1:9/")
            assert session_cookies(case.browser) and who(case.browser, plain)["email"] == f"{case.name}@example.com"
            if landing:
                assert place == landing
            else:
                assert isinstance(place, Page) and place.status == 200 and "signed in" in place.text.lower(), place
    finally:
        house.set(default_redirect_url=None)


LAST_DAY = "2099-01-01T00:00:00Z"
UNASKED = {
    "in response to a request": well_signed(in_response_to=saml.new_id()),
    "in response to the empty request": well_signed(in_response_to=""),
    "confirmed for a request": well_signed(confirmed_request=saml.new_id()),
    "confirmed for the empty request": well_signed(confirmed_request=""),
    "for a request in both": well_signed(in_response_to="_x", confirmed_request="_x"),
    "unsigned": lambda case: case.build(),
    "with a signature around alone": well_signed("response"),
    "for an hour": well_signed("assertion", not_on_or_after=3_600, confirmed_until=3_600),
    "for ever": well_signed("assertion", not_on_or_after=LAST_DAY, confirmed_until=LAST_DAY),
    "without an end": well_signed("assertion", not_on_or_after=None, confirmed_until=None),
    "over": well_signed(not_on_or_after=-120, confirmed_until=-120),
    "not yet": well_signed(not_before=120),
    "for another audience": well_signed(audiences=[[f"{OTHER}metadata"]]),
    "for no audience": well_signed(audiences=[]),
    "for another recipient": well_signed(recipient=f"{OTHER}acs"),
    "for another destination": well_signed("assertion", destination=f"{OTHER}acs"),
    "by another issuer": well_signed(response_issuer=f"{OTHER}idp", assertion_issuer=f"{OTHER}idp"),
    "vouched for by the sender": well_signed(method=saml.SENDER_VOUCHES),
    "of no authentication": well_signed(authn=False),
    "without an ID": well_signed(assertion_id=None),
    "of nobody": well_signed(name_id=None),
}


@pytest.mark.parametrize("make", UNASKED.values(), ids=UNASKED)
def test_nobody_comes_in_by(taking, app, browse, make):
    case = Unasked(taking(app()), browse())
    nobody(case, arrive(case, make(case)))


def test_a_failure(taking, app, browse):
    """That nobody asked about: a page."""
    case = Unasked(taking(app()), browse())
    answer = arrive(case, case.idp.respond(case.request, "response", assertion=False, status=RESPONDER))
    assert answer.status_code in (400, 403, 502) and Page(answer).text and not session_cookies(case.browser)


@pytest.mark.parametrize("make", (FORGERIES | WRAPPING).values(), ids=FORGERIES | WRAPPING)
def test_nobody_comes_in_by_a_forgery(taking, app, browse, make):
    """As where somebody asked: `test_saml_attacks.py`."""
    case = Unasked(taking(app()), browse())
    nobody(case, arrive(case, make(case)))


def test_it_is_good_once(taking, app, browse):
    """In any browser, in whatever it is wrapped, also twenty times at once."""
    client = app()
    case = Unasked(taking(client), browse())
    tree = case.signed()
    in_at(arrive(case, tree), case, client, START)
    other = Unasked(case.way, browse())
    answer = arrive(other, tree)
    assert not answer.is_redirect and answer.status_code in (400, 403) and not session_cookies(other.browser)
    again = case.way.idp.build(other.request, assertion=False)
    again.append(saml.assertion_of(tree))
    answer = arrive(other, again)
    assert not answer.is_redirect and answer.status_code in (400, 403) and not session_cookies(other.browser)
    third = Unasked(case.way, browse())
    fields = third.fields(third.signed())
    # As the page of ours sends it the second time, as a browser without cookies.
    again = Page(third.browser.post(third.way.acs, fields))
    form = next((f for f in again.forms if "SAMLResponse" in f.types), None)
    if form:
        fields = form.fields
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: case.way.tenant.node.request("POST", case.way.acs, data=fields), range(20)))
    assert all(a.status_code < 500 for a in answers)
    assert len([a for a in answers if "sso." in a.headers.get("Set-Cookie", "")]) <= 1, [a.status_code for a in answers]


def test_another_tenant(taking, app, house, browse):
    """Nor another identity provider of this one's, by whose settings it would not be taken."""
    case = Unasked(taking(app()), browse())
    other = SamlWay.new(Tenant(house.node), case.way.idp)
    stranger = Unasked(other, browse())
    nobody(stranger, arrive(stranger, case.signed()))
    nobody(stranger, arrive(stranger, stranger.signed()))


def test_what_is_switched_off(taking, app, browse, house):
    client = app()
    way = taking(client)
    for change in ({"enabled": False}, {"enabled": True, "idp_initiated": "deny"}):
        way.set(**change)
        answer, case = comes(way, browse())
        nobody(case, answer)
    way.set(idp_initiated="accept")
    answer, case = comes(way, browse())
    in_at(answer, case, client, START)


def test_no_account_of_somebody_s_is_taken(taking, app, house, browse):
    """An address that a local account has is proven by its password, as where somebody asked."""
    client, user = app(), house.user(email=f"{unique()}@example.com", email_verified=True)
    answer, case = comes(taking(client), browse(), attributes={"email": [user["email"]], "uid": [user["name"]]})
    case.browser.follow(answer, "http://127.0.0.1:9/")
    claims = who(case.browser, client)
    assert claims is None or claims["sub"] != user["id"], claims


def test_an_attempt_beside_it(taking, app, browse):
    """Somebody who is in the midst of a sign-in of their own is not ended by it."""
    client, browser = app(), browse()
    way = taking(client)
    begun = begin(way, client, browser)
    answer, case = comes(way, browser, name=begun.name)
    in_at(answer, case, client, START)
    in_by(begun, send(begun, begun.signed()))
