"""SAML 2.0: logouts that an identity provider begins (tenant-login section 10.5): whose sessions end, and what it is
answered.

What it asks is made by `peers/saml_logout.py`; how it is signed and answered is in `test_saml_logout_answers.py`,
requests that must end nothing are in `test_saml_logout_attacks.py`.
"""

import pytest
from lxml import etree

from harness import eventually, unique
from peers import saml_logout
from peers.saml import BINDING, PERSISTENT, new_id, q
from peers.saml_encryption import encrypted
from peers.saml_logout import EMAIL_ADDRESS, TRANSIENT, UNSPECIFIED, name_id
from saml_cases import EMAIL, USERNAME, SamlWay, begin, in_by, send, session_cookies
from saml_logouts import BINDINGS, answered, ended, log_in, new_provider, our_certificates, slo, tell
from tenancy import Tenant, admin, claims_of
from visitor import JSON

FORMATS = [PERSISTENT, TRANSIENT, EMAIL_ADDRESS, UNSPECIFIED, None]
CONFIGURATIONS = "/api/v1/sso/configurations"
# Logouts and sign-ins of one second are told apart after it.
LATER = 1.2


def test_metadata_says_where(way, house):
    root = saml_logout.parse(house.node.request("GET", way.metadata).content)
    services = root.findall("md:SPSSODescriptor/md:SingleLogoutService", saml_logout.NAMES)
    assert sorted(s.get("Binding") for s in services) == [f"{BINDING}HTTP-POST", f"{BINDING}HTTP-Redirect"]
    assert {s.get("Location") for s in services} == {slo(way)}
    order = [child.tag for child in root.find("md:SPSSODescriptor", saml_logout.NAMES)]
    wanted = [q(f"md:{name}") for name in ("SingleLogoutService", "NameIDFormat", "AssertionConsumerService")]
    assert sorted(wanted, key=order.index) == wanted, order
    assert house.node.expect(200, "GET", way.metadata, headers={"Accept": JSON})["slo_urls"] == [slo(way)]


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: str(format).split(":")[-1])
def test_it_ends(party, client, browse, binding, format):
    """Whatever kind of name it is; the answer goes by the browser that came, whose own session need not be meant.

    Who has another name each time is known by an attribute."""
    settings = {"attribute_mappings": {"external_id": USERNAME}} if format == TRANSIENT else None
    login = log_in(party(settings=settings), client, browse(), name=f"{unique('ann')}@example.com", format=format)
    bystander = log_in(login.way, client, browse())
    request = login.request()
    answered(login.way, tell(login.way, browse(), request, binding), request)
    ended(login)
    assert bystander.is_in


def test_in_the_browser_itself(party, client, browse):
    """Afterwards somebody may come in again, and is the same person."""
    login = log_in(party(), client, browse())
    request = login.request()
    answered(login.way, tell(login.way, login.browser, request), request)
    ended(login)
    eventually(lambda: False, LATER)
    again = log_in(login.way, client, login.browser, name=login.name.text)
    assert again.is_in and claims_of(again.tokens)["sub"] == claims_of(login.tokens)["sub"]


@pytest.mark.parametrize("binding", BINDINGS)
def test_session_indexes(party, client, browse, binding):
    """Those that are listed end; where none is, all of the name."""
    way = party()
    first = log_in(way, client, browse())
    others = [log_in(way, client, browse(), name=first.name.text) for _ in range(4)]

    def ask(*indexes):
        request = first.request(indexes=indexes)
        answered(way, tell(way, browse(), request, binding), request)

    ask(new_id())
    assert all(login.is_in for login in (first, *others)), "a session that nobody has"
    ask(first.index)
    ended(first)
    assert all(login.is_in for login in others)
    ask(first.index, others[0].index, new_id(), others[1].index)
    assert [login.is_in for login in others] == [False, False, True, True]
    ask()
    for login in others:
        ended(login)


def test_one_index_in_two_browsers(party, client, browse):
    """An identity provider's session from which somebody came twice ends in both."""
    way, index = party(), new_id()
    first = log_in(way, client, browse(), index=index)
    second = log_in(way, client, browse(), name=first.name.text, index=index)
    request = first.request()
    answered(way, tell(way, first.browser, request), request)
    ended(first)
    ended(second)


@pytest.mark.parametrize("index", ["<i>&\"' \u00e9\u4e2d", "x" * 200, "a b", " i ", "0"])
def test_difficult_indexes(party, client, browse, index):
    """A session ends by its own, whatever it looks like, and by no other."""
    way = party()
    login = log_in(way, client, browse(), index=index)
    other = log_in(way, client, browse(), name=login.name.text, index=index + "0")
    request = login.request()
    answered(way, tell(way, browse(), request), request)
    ended(login)
    assert other.is_in


def test_a_session_without_an_index(party, client, browse):
    """Ends with all of the name."""
    login = log_in(party(), client, browse(), index=None)
    request = login.request(indexes=[])
    answered(login.way, tell(login.way, browse(), request), request)
    ended(login)


QUALIFIED = {"NameQualifier": "https://names.example/a?b=c&d", "SPNameQualifier": "urn:example:us"}
OTHERWISE = {
    "another name": {"text": "somebody"}, "a name that begins so": {"text": "ann"},
    "in capitals": {"text": "ANN.OTHER"}, "another format": {"Format": TRANSIENT},
    "another qualifier": {"NameQualifier": "https://names.example/b"},
    "another qualifier of ours": {"SPNameQualifier": "urn:example:them"},
}


@pytest.mark.parametrize("changes", OTHERWISE.values(), ids=OTHERWISE)
def test_who_is_somebody_else(party, client, browse, changes):
    """Nobody is meant by such a name: it is answered all the same, which says nothing of who is here."""
    login = log_in(party(), client, browse(), name="ann.other", qualifiers=QUALIFIED, attributes=anonymous())
    for indexes in ([login.index], []):
        request = login.request(names=[login.called(**changes)], indexes=indexes)
        answered(login.way, tell(login.way, browse(), request), request)
        assert login.is_in
    request = login.request()
    answered(login.way, tell(login.way, browse(), request), request)
    ended(login)


def anonymous():
    """Attributes by which nobody is known already."""
    return {EMAIL: [f"{unique()}@example.com"], USERNAME: [unique()]}


def test_a_comment_cuts_no_name(party, client, browse):
    """Who may choose the end of a name does not log out who has its beginning."""
    way, begins = party(), unique("ann")
    ann = log_in(way, client, browse(), name=begins)
    evil = log_in(way, client, browse(), name=f"{begins}.evil")
    name = name_id(begins)
    name.append(etree.Comment("x"))
    name[0].tail = ".evil"
    for binding in BINDINGS:
        request = ann.request(names=[name], indexes=[])
        answered(way, tell(way, browse(), request, binding), request, binding="Redirect")
        assert ann.is_in, binding
    ended(evil)


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("algorithm", ["aes128-gcm", "aes256-gcm"])
def test_an_encrypted_name(party, client, browse, binding, algorithm):
    login = log_in(party(), client, browse())
    [certificate] = our_certificates(login.way.tenant, "encryption")
    request = login.request(names=[encrypted(login.name, certificate, algorithm=algorithm)])
    answered(login.way, tell(login.way, browse(), request, binding), request)
    ended(login)


def test_applications_are_told(house, party, application, browse):
    """The session that ended is named to whoever had something of it."""
    app, way, browser = application("openid-client", house), party(), browse()
    login = log_in(way, app.client, browser)
    request = login.request()
    answered(way, tell(way, browse(), request), request)
    assert eventually(lambda: app.state()["logouts"], 5.0), app.state()
    [told] = app.state()["logouts"]
    assert told["claims"]["sid"] == login.sid and told["claims"]["sub"] == claims_of(login.tokens)["sub"]


def test_other_identity_providers(party, client, browse, house):
    """A name is somebody at one identity provider of one tenant."""
    way, name, index = party(), unique("ann"), new_id()
    here = log_in(way, client, browse(), name=name, index=index)
    there = log_in(party(), client, browse(), name=name, index=index, attributes=anonymous())
    other = Tenant(house.node)
    their_way = SamlWay.new(other, way.idp, idp_slo_url=way.idp.slo_url)
    elsewhere = log_in(their_way, other.client(), browse(), name=name, index=index)
    request = here.request()
    answered(way, tell(way, browse(), request), request)
    ended(here)
    assert there.is_in and elsewhere.is_in
    request = elsewhere.request(indexes=[])
    answered(their_way, tell(their_way, browse(), request), request)
    ended(elsewhere)
    assert there.is_in


def test_a_global_configuration(house, browse):
    """One that is made on the SSO face is every tenant's; a logout is told to each by itself."""
    node, idp = house.node, new_provider()
    members = {"idpEntityId": idp.entity_id, "idpSsoUrl": idp.sso_url, "idpSloUrl": idp.slo_url,
               "idpCertificate": idp.certificate_pem}
    body = {"displayName": unique("Corporate"), "providerType": "SAML", "samlConfig": members}
    made = admin(node, "POST", CONFIGURATIONS, body, 200)
    try:
        tenants, name = [Tenant(node), Tenant(node)], unique("ann")
        ways = [SamlWay(tenant, idp, made["uuid"]) for tenant in tenants]
        here, there = [log_in(way, way.tenant.client(), browse(), name=name) for way in ways]
        request = here.request(indexes=[])
        answered(ways[0], tell(ways[0], browse(), request), request)
        ended(here)
        assert there.is_in
        request = there.request()
        answered(ways[1], tell(ways[1], browse(), request, "POST"), request)
        ended(there)
    finally:
        path = f"{CONFIGURATIONS}/{made['uuid']}?options.force=true"
        admin(node, "DELETE", path, status=200, token=node.token(system=True))


def test_a_sign_in_that_is_under_way(party, client, browse):
    """Its assertion comes after the logout, of somebody who was authenticated before: nobody comes in (SAML core,
    3.7)."""
    way, name, index = party(), unique("ann"), new_id()
    login = log_in(way, client, browse(), name=name, index=index)

    def waiting(index, since):
        case = begin(way, client, browse())
        case.name = name
        return case, case.signed(session_index=index, authn_instant=since)

    late, other = waiting(index, -30), waiting(new_id(), -30)
    request = login.request()
    answered(way, tell(way, browse(), request), request)
    stays_out(*late)
    in_by(other[0], send(*other))
    late, request = waiting(new_id(), -30), login.request(indexes=[])
    answered(way, tell(way, browse(), request), request)
    stays_out(*late)
    eventually(lambda: False, LATER)
    anew = waiting(new_id(), 0)
    in_by(anew[0], send(*anew))


def stays_out(case, document):
    answer = send(case, document)
    assert "code=" not in answer.headers.get("Location", "") and not session_cookies(case.browser), answer.headers


def test_by_a_clock_that_is_ahead(party, client, browse):
    """Of the identity provider's: who came in again after the logout, by that clock, comes in."""
    login = log_in(party(), client, browse())
    request = login.request(issue_instant=30)
    answered(login.way, tell(login.way, browse(), request), request)
    ended(login)
    eventually(lambda: False, LATER)
    instants = dict.fromkeys(("issue_instant", "assertion_instant", "authn_instant"), 32)
    assert log_in(login.way, client, browse(), name=login.name.text, **instants).is_in
