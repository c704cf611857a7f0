"""SAML 2.0: whoever an identity provider vouches for comes in, and nobody by any other document (tenant-login section 6,
security.md parts 1 and 2, ruling 6).

What an identity provider says is made by `peers/saml.py`. XSW are the wrapping attacks of Somorovsky et al., "On Breaking SAML".
"""

import base64
import copy
import pathlib
import time
import urllib.parse
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import etree
from requests.cookies import RequestsCookieJar

from harness import Archstone, unique
from peers import saml
from peers.broken import Sockets
from peers.saml import IdentityProvider, Key, assertion_of, build_assertion, child, encode, find, q, serialise
from tenancy import PROVIDERS, Tenant, admin, claims_of, told
from visitor import JSON, Page, query_of

# The attributes that are somebody's e-mail address, name and groups unless an identity provider's mapping says otherwise.
EMAIL, USERNAME, GROUPS = "email", "uid", "groups"
# An answer to a document that is refused within this.
DEADLINE = 1.0
CANARY = "canary-3f1c"
OTHER = "https://elsewhere.example/"
RESPONDER = f"{saml.STATUS}Responder"
OTHER_KEY, EC_KEY = Key(name="other"), Key("ec", name="idp")
KIB = 1024
HOSTNAME = pathlib.Path("/etc/hostname").read_bytes()


class SamlWay:
    """An identity provider of a tenant: `idp` (of `peers.saml`). `members` are those of `saml` beside the usual ones (None: leave
    out), `settings` what else the tenant says of it."""

    def __init__(self, tenant, idp, settings=None, **members):
        self.tenant, self.idp = tenant, idp
        usual = {"idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_certificate": idp.certificate_pem} | members
        body = {"tenant_id": tenant.id, "name": unique("Corp"), "provider_type": "saml",
                "saml": {k: v for k, v in usual.items() if v is not None}} | (settings or {})
        self.resource = admin(tenant.node, "POST", PROVIDERS, body, 201)
        self.id = self.resource["id"]
        self.path = f"{PROVIDERS}/{self.id}?tenant_id={tenant.id}"
        self.authorize = f"{tenant.url}/federation/saml/{self.id}/login"
        self.acs = f"{tenant.issuer}/federation/saml/acs"
        self.metadata = f"{tenant.issuer}/federation/saml/metadata"

    def set(self, **settings):
        """Changes what the tenant says of it."""
        return admin(self.tenant.node, "PATCH", self.path, settings, 200)


class Case:
    """One attempt as far as the identity provider: `name` is who stands there, `victim` who else might be got in."""

    def __init__(self, idp, request, attempt=None, browser=None, way=None):
        self.idp, self.request, self.attempt, self.browser, self.way = idp, request, attempt, browser, way
        self.name, self.victim = unique("person"), unique("victim")

    def build(self, **parts):
        """An unsigned response."""
        name = parts.get("name_id") or self.name
        usual = {EMAIL: [f"{name}@example.com"], USERNAME: [name], "displayName": ["Ann Other"]}
        attributes = usual | parts.pop("attributes", {})
        return self.idp.build(self.request, **({"name_id": self.name, "attributes": attributes} | parts))

    def signed(self, what="assertion", **parts):
        """A signed one."""
        return self.idp.sign(self.build(**parts), what)

    def fields(self, document):
        """The form that the identity provider's page sends; a dict replaces fields (None: leave out)."""
        replaced = document if isinstance(document, dict) else {"SAMLResponse": encode(document)}
        return {k: v for k, v in ({"RelayState": self.request.relay_state} | replaced).items() if v is not None}


def begin(way, client, browser, **parameters):
    """Goes to the identity provider."""
    attempt = client.attempt(**parameters)
    answer = browser.get(attempt.at(way))
    assert answer.status_code == 302, f"{answer.status_code} {answer.text[:1000]}"
    return Case(way.idp, way.idp.read_redirect(answer.headers["Location"]), attempt, browser, way)


def send(case, document, browser=None, acs=None, **options):
    """The form from a page of ours: with the browser's cookies. A page that asks for the form once more gets it once more."""
    browser, acs = browser or case.browser, acs or case.way.acs
    options = options or {"form": case.fields(document)}
    for _ in range(2):
        began = time.monotonic()
        answer = browser.post(acs, **options)
        assert time.monotonic() - began < DEADLINE, "it takes no time to see what it is"
        form = next((f for f in Page(answer).forms if "SAMLResponse" in f.types), None) if answer.status_code == 200 else None
        if not form:
            return answer
        options = {"form": form.fields}
    raise AssertionError("the page that sends the form once more does so without an end")


def across(browser, url, form):
    """The form from another site's page: cookies of ours do not go along (SameSite)."""
    kept, browser.http.cookies = browser.http.cookies, RequestsCookieJar()
    answer = browser.post(url, form)
    kept.update(browser.http.cookies)
    browser.http.cookies = kept
    return answer


def session_cookies(browser):
    """Names of the cookies of sessions."""
    return [n for n in browser.cookies if n.removeprefix("__Host-").startswith("sso.")]


def in_by(case, answer):
    """The tokens, where somebody came in."""
    assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:1000]}"
    tokens = case.attempt.tokens(answer.headers["Location"])
    assert session_cookies(case.browser), "a session"
    return tokens


def comes(way, client, browser, make=None, **parts):
    """A whole sign-in: the claims of the ID token and the case. `make` makes the response of the case."""
    case = begin(way, client, browser)
    return claims_of(in_by(case, send(case, make(case) if make else case.signed(**parts)))), case


def nobody_in(case, answer, browser=None):
    """Nobody was signed in: no code, no session, no account; an error without a word of the document's."""
    browser = browser or case.browser
    assert answer.status_code < 500, f"{answer.status_code} {answer.text[:1000]}"
    if answer.is_redirect:
        parameters = case.attempt.answer(answer.headers["Location"])
        assert "code" not in parameters and parameters["error"] in ("access_denied", "server_error", "login_required"), parameters
    else:
        assert answer.status_code in (400, 403, 413, 422), f"{answer.status_code} {answer.text[:1000]}"
    assert not session_cookies(browser) and "sso." not in answer.headers.get("Set-Cookie", ""), "a session"
    said = answer.text + answer.headers.get("Location", "")
    assert not [word for word in (CANARY, case.name, case.victim, "Traceback", "panicked") if word in said], said[:1000]
    people = case.way.tenant.people()
    known = {u.get("email") for u in people.values()} | set(people)
    assert not known & {n for name in (case.name, case.victim) for n in (name, f"{name}@example.com")}, "an account"


# -- the scene ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node(settings):
    """A node of these tests' own."""
    it = Archstone(settings=settings)
    yield it.prepare().start()
    it.remove()


@pytest.fixture(scope="module")
def house(node):
    """A tenant of these tests' own."""
    return Tenant(node)


@pytest.fixture(scope="module")
def client(house):
    """Its application."""
    return house.client(allowed_scopes=["openid", "profile", "email", "groups"])


@pytest.fixture(scope="module")
def idp():
    """The identity provider that most tests share; its address has a query of its own."""
    return IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso?realm=a%20b")


@pytest.fixture(scope="module")
def way(house, idp):
    """The tenant's way to it."""
    return SamlWay(house, idp)


@pytest.fixture
def other_way(house, idp):
    """`other_way(idp=…, **members)`: further ones, which go after the test."""
    made = []

    def make(idp=idp, settings=None, **members):
        made.append(SamlWay(house, idp, settings, **members))
        return made[-1]

    yield make
    for it in made:
        assert admin(house.node, "DELETE", it.path).status_code in (204, 404)


@pytest.fixture
def browse(house):
    """`browse()`: browsers that are closed after the test."""
    made = []

    def make(**options):
        made.append(house.visitor(**options))
        return made[-1]

    yield make
    for it in made:
        it.close()


# -- who comes in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["assertion", "response", "both"])
def test_somebody_comes_in(way, client, browse, what):
    """By a signature of either, and the next time they are the same person."""
    claims, case = comes(way, client, browse(), lambda c: c.signed(what))
    assert claims["email"] == f"{case.name}@example.com"
    again, _ = comes(way, client, browse(), lambda c: c.signed(what, name_id=case.name))
    assert again["sub"] == claims["sub"]
    somebody_else, _ = comes(way, client, browse())
    assert somebody_else["sub"] != claims["sub"]


@pytest.mark.parametrize("how", [
    {"algorithm": "rsa-sha384", "digest_algorithm": "sha384"}, {"algorithm": "rsa-sha512", "digest_algorithm": "sha512"},
    {"digest_algorithm": "sha512"}, {"certificate": None}, {"certificate": OTHER_KEY.certificate_pem}, {"prefixes": "xs"},
    {"prefixes": "xs xsi saml"}, {"prefixes": "#default xs"},
], ids=lambda how: " ".join(f"{k}={str(v)[:20].strip()}" for k, v in how.items()))  # fmt: skip
def test_signatures_of_other_makes(way, client, browse, how):
    """Also with another certificate in KeyInfo, which nobody reads."""
    for what in ("assertion", "response"):
        comes(way, client, browse(), lambda c, what=what: way.idp.sign(c.build(), what, **how))


def test_a_signature_by_an_elliptic_curve(other_way, client, browse):
    """Zeros are none, which verify wherever nobody looks at the range (CVE-2022-21449)."""
    way = other_way(IdentityProvider(f"https://{unique('ec')}.example", "https://ec.example/sso", EC_KEY))
    comes(way, client, browse())
    for value in (b"\0" * 64, b"\0" * 63 + b"\1", b""):
        case = begin(way, client, browse())
        tree = case.signed()
        find(tree, ".//ds:SignatureValue").text = base64.b64encode(value).decode()
        nobody_in(case, send(case, tree))


def test_two_certificates(other_way, client, browse, idp):
    """While a key is turned both count, and no third one."""
    second = Key(name="next")
    way = other_way(idp_certificate=idp.certificate_pem + second.certificate_pem)
    for key in (idp.key, second):
        comes(way, client, browse(), lambda c, key=key: idp.sign(c.build(), key=key))
    case = begin(way, client, browse())
    nobody_in(case, send(case, idp.sign(case.build(), key=OTHER_KEY)))


def test_a_comment_cuts_no_name(way, client, browse):
    """The text is all of it (VU#475445): who may choose the end of a name is nobody who has its beginning."""
    def commented(case):
        tree = case.build(name_id=f"{case.name}.evil")
        name = find(tree, ".//saml:NameID")
        name.text = case.name
        name.append(etree.Comment("x"))
        name[0].tail = ".evil"
        return way.idp.sign(tree)

    ann, case = comes(way, client, browse())
    evil = begin(way, client, browse())
    evil.name = case.name
    claims = claims_of(in_by(evil, send(evil, commented(evil))))
    assert claims["sub"] != ann["sub"]
    whole, _ = comes(way, client, browse(), name_id=f"{case.name}.evil")
    assert whole["sub"] == claims["sub"]


def test_a_comment_cuts_no_attribute(way, client, browse):
    case = begin(way, client, browse())
    tree = case.build()
    value = find(tree, f".//saml:Attribute[@Name='{EMAIL}']/saml:AttributeValue")
    value.text = f"{case.name}@example.com"
    value.append(etree.Comment("x"))
    value[0].tail = ".org"
    claims = claims_of(in_by(case, send(case, way.idp.sign(tree))))
    assert claims["email"] == f"{case.name}@example.com.org"


def test_attributes_with_several_values(house, other_way, client, browse):
    way = other_way(settings={"group_provisioning": "sync"})
    case = begin(way, client, browse(), scope="openid groups")
    names = [house.node.new_group(house.id, name=unique(name))["name"] for name in ("group", "Gruppe \u00e4")]
    attributes = {GROUPS: [*names, None], "odd": [], "x:y": ["a", "b"]}
    answer = send(case, case.signed(attributes=attributes, friendly_names={"x:y": "odd"}))
    assert set(names) <= set(claims_of(in_by(case, answer))["groups"])


GOOD = {
    "without a destination, as the response is unsigned": lambda c: c.signed(destination=None),
    "audiences with ours among them": lambda c: c.signed(audiences=[["urn:a", c.request.issuer, "urn:b"]]),
    "two restrictions with ours in each": lambda c: c.signed(audiences=[[c.request.issuer], ["urn:a", c.request.issuer]]),
    "for one use": lambda c: c.signed(more_conditions=[etree.Element(q("saml:OneTimeUse"))]),
    "a clock half a minute behind": lambda c: c.signed(not_on_or_after=-30, confirmed_until=-30),
    "a clock half a minute ahead": lambda c: c.signed(not_before=30, issue_instant=30, assertion_instant=30, authn_instant=30),
    "a second confirmation of another method": lambda c: also_confirmed(c),
    "a session with an end": lambda c: c.signed(session_not_on_or_after=3_600),
    "fractions of a second": lambda c: c.signed(not_on_or_after="2099-01-01T00:00:00.123Z"),
    "lines of 76": lambda c: {"SAMLResponse": base64.encodebytes(serialise(c.signed())).decode().replace("\n", "\r\n")},
    "with a declaration": lambda c: etree.tostring(c.signed(), encoding="UTF-8", xml_declaration=True),
    "indented": lambda c: indented(c),
    "a large one": lambda c: c.signed(attributes={"x": ["y" * 200 * KIB]}),
}


def also_confirmed(case):
    tree = case.build()
    first = find(tree, ".//saml:SubjectConfirmation")
    first.addprevious(etree.Element(q("saml:SubjectConfirmation"), {"Method": saml.SENDER_VOUCHES}))
    return case.idp.sign(tree)


def indented(case):
    tree = case.build()
    etree.indent(tree)
    return case.idp.sign(tree, "both")


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_documents_that_differ_within_the_rules(way, client, browse, make):
    comes(way, client, browse(), make)


def test_from_another_site(way, client, browse):
    """The identity provider's page sends the form without our cookies: a page of ours sends it once more, with them."""
    browser = browse()
    case = begin(way, client, browser)
    form = case.fields(case.signed())
    answer = across(browser, way.acs, form)
    page = Page(answer)
    assert page.status == 200 and answer.headers["Cache-Control"] == "no-store", page
    assert not session_cookies(browser), "not yet"
    again = page.form("SAMLResponse")
    assert again.buttons, "without scripts there is a button"
    assert again.action == way.acs and again.method == "post"
    assert again.fields["SAMLResponse"] == form["SAMLResponse"] and again.fields["RelayState"] == form["RelayState"]
    in_by(case, browser.send(again))


def test_without_an_application(way, browse):
    """A browser that comes by itself is signed in at the tenant."""
    browser = browse()
    answer = browser.get(way.authorize)
    case = Case(way.idp, way.idp.read_redirect(answer.headers["Location"]), browser=browser, way=way)
    page = browser.follow(send(case, case.signed()))
    assert isinstance(page, Page) and page.status == 200 and session_cookies(browser), page
    browser = browse(accept=JSON)
    case.request = way.idp.read_redirect(browser.get(way.authorize).json()["redirect_url"])
    told_of = send(case, case.signed(), browser).json()
    assert told_of["status"] == "authenticated" and told_of["user"]["email"] == f"{case.name}@example.com"


# -- requests and metadata --------------------------------------------------------------------------------------------------


def test_the_request(way, client, browse):
    browser = browse()
    attempt = client.attempt()
    answer = browser.get(attempt.at(way))
    assert answer.status_code == 302 and answer.headers["Cache-Control"] == "no-store"
    leaving = answer.headers["Location"]
    assert leaving.startswith(f"{way.idp.sso_url}&SAMLRequest="), "the address keeps its query"
    request = way.idp.read_redirect(leaving)
    assert request.destination == way.idp.sso_url and request.acs_url == way.acs and request.issuer == way.metadata
    assert not request.force_authn and not request.is_passive
    assert len(request.relay_state) <= 80 and request.relay_state != attempt.state
    assert request.root.get("ProtocolBinding") == f"{saml.BINDING}HTTP-POST"
    assert request.root.get("AssertionConsumerServiceIndex") is None, "there is a URL"
    assert request.root.get("IssueInstant").endswith("Z")
    assert [n for n in browser.cookies if n.removeprefix("__Host-").startswith("fed.")], "the attempt is this browser's"
    other = begin(way, client, browser).request
    assert other.id != request.id and other.relay_state != request.relay_state


def test_what_the_request_may_be_told_to_ask(other_way, client, browse):
    address = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    way = other_way(force_authn=True, name_id_format=address, sp_entity_id="urn:example:us")
    case = begin(way, client, browse())
    assert case.request.force_authn and case.request.name_id_format == address and case.request.issuer == "urn:example:us"
    in_by(case, send(case, case.signed()))
    case = begin(way, client, browse())
    nobody_in(case, send(case, case.signed(audiences=[[way.metadata]])))


def test_metadata(way, house):
    answer = house.node.request("GET", way.metadata)
    assert answer.status_code == 200 and answer.headers["Content-Type"].split(";")[0] == "application/samlmetadata+xml"
    root = saml.parse(answer.content)
    assert root.tag == q("md:EntityDescriptor") and root.get("entityID") == way.metadata
    role = find(root, "md:SPSSODescriptor")
    assert saml.SAMLP in role.get("protocolSupportEnumeration").split() and role.get("WantAssertionsSigned") == "true"
    service = find(role, "md:AssertionConsumerService")
    assert service.get("Location") == way.acs and service.get("Binding") == f"{saml.BINDING}HTTP-POST" and service.get("index")
    summary = house.node.expect(200, "GET", way.metadata, headers={"Accept": JSON})
    assert summary["entity_id"] == way.metadata and way.acs in summary["acs_urls"]
    for evil in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}):
        assert b"evil" not in house.node.request("GET", way.metadata, headers=evil).content


def test_requests_are_signed_as_the_metadata_says(way, client, browse, house):
    metadata = saml.parse(house.node.request("GET", way.metadata).content)
    role = find(metadata, "md:SPSSODescriptor")
    leaving = browse().get(client.attempt().at(way)).headers["Location"]
    if role.get("AuthnRequestsSigned") != "true":
        assert "Signature" not in query_of(leaving)
        return
    text = find(role, "md:KeyDescriptor[@use='signing']//ds:X509Certificate").text
    assert query_of(leaving)["SigAlg"] == saml.SIGNATURES["rsa-sha256"][0]
    way.idp.verify_redirect(leaving, f"-----BEGIN CERTIFICATE-----\n{''.join(text.split())}\n-----END CERTIFICATE-----\n")


def test_no_such_way(house, way, client, browse, other_way):
    gone = other_way(settings={"enabled": False})
    for id in ("unknown", gone.id, "..%2f..", "x" * 300):
        answer = browse().get(f"{house.url}/federation/saml/{id}/login", headers={"Accept": JSON})
        assert answer.status_code == 404 and told(answer), f"{id}: {answer.status_code}"
    answer = browse().get(f"{house.url}/federation/oidc/{way.id}/authorize", headers={"Accept": JSON})
    assert answer.status_code == 404, "it speaks SAML"
    other = Tenant(house.node)
    answer = browse().get(f"{other.url}/federation/saml/{way.id}/login", headers={"Accept": JSON})
    assert answer.status_code == 404, "it is another tenant's"


@pytest.mark.parametrize("members", [
    {"idp_certificate": "x"}, {"idp_certificate": ""}, {"idp_certificate": None}, {"idp_entity_id": None}, {"idp_sso_url": None},
    {"idp_sso_url": "javascript:alert(1)"}, {"idp_sso_url": 7}, {"allow_sha1": "maybe"}, {"odd": 1},
], ids=str)  # fmt: skip
def test_settings_that_are_none(house, idp, members):
    usual = {"idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_certificate": idp.certificate_pem} | members
    body = {"tenant_id": house.id, "name": unique("Corp"), "provider_type": "saml"}
    answer = admin(house.node, "POST", PROVIDERS, body | {"saml": {k: v for k, v in usual.items() if v is not None}})
    assert answer.status_code == 422, f"{answer.status_code} {answer.text[:1000]}"


def test_sha_1_where_somebody_insists(other_way, client, browse, idp):
    way = other_way(allow_sha1=True)
    algorithm, digest = {"algorithm": "rsa-sha1"}, {"digest_algorithm": "sha1"}
    for how in (algorithm | digest, algorithm, digest, {}):
        comes(way, client, browse(), lambda c, how=how: idp.sign(c.build(), **how))


def test_where_the_assertion_itself_must_be_signed(other_way, client, browse):
    way = other_way(require_signed_assertion=True)
    for what in ("assertion", "both"):
        comes(way, client, browse(), lambda c, what=what: c.signed(what))
    case = begin(way, client, browse())
    nobody_in(case, send(case, case.signed("response")))


# -- attacks --------------------------------------------------------------------------------------------------------------

ATTACKS = {}


def attack(*names):
    """Adds to the table what the function makes of a case; with several names it is told which."""
    def add(make):
        for name in names:
            ATTACKS[name] = make if len(names) == 1 else lambda case, name=name: make(case, name)
        return make

    return add


def well_signed(what="both", **changes):
    """A properly signed response with other parts; those that are functions get the case."""
    return lambda case: case.signed(what, **{k: v(case) if callable(v) else v for k, v in changes.items()})


def of_type(kind):
    """A Condition of a type."""
    made = etree.Element(q("saml:Condition"), nsmap={"x": "urn:example:x"})
    made.set(q("xsi:type"), kind)
    return made


ATTACKS |= {
    "unsigned": lambda case: case.build(),
    "for no destination": well_signed(destination=None),
    "for another destination": well_signed(destination=f"{OTHER}acs"),
    "for a destination that begins with ours": well_signed(destination=lambda c: f"{c.request.acs_url}/x"),
    "for another destination, the response unsigned": well_signed("assertion", destination=f"{OTHER}acs"),
    "for another recipient": well_signed(recipient=f"{OTHER}acs"),
    "for a recipient that begins with ours": well_signed(recipient=lambda c: f"{c.request.acs_url}?x"),
    "for no recipient": well_signed(recipient=None),
    "in response to another request": well_signed(in_response_to=saml.new_id()),
    "in response to no request": well_signed(in_response_to=None),
    "in response to the empty request": well_signed(in_response_to="", confirmed_request=""),
    "confirmed for another request": well_signed(confirmed_request=saml.new_id()),
    "confirmed for no request": well_signed(confirmed_request=None),
    "for no request at all": well_signed(in_response_to=None, confirmed_request=None),
    "for another audience": well_signed(audiences=[[f"{OTHER}metadata"]]),
    "for an audience that begins with ours": well_signed(audiences=lambda c: [[f"{c.request.issuer}x"]]),
    "for two audiences at once": well_signed(audiences=lambda c: [[c.request.issuer], [f"{OTHER}metadata"]]),
    "for no audience": well_signed(audiences=[]),
    "for an empty audience": well_signed(audiences=[[]]),
    "without conditions": well_signed(conditions=False),
    "conditions over": well_signed(not_on_or_after=-120),
    "conditions not yet": well_signed(not_before=120),
    "conditions until never": well_signed(not_on_or_after="tomorrow"),
    "confirmation over": well_signed(confirmed_until=-120),
    "confirmation without an end": well_signed(confirmed_until=None),
    "confirmation until never": well_signed(confirmed_until="9"),
    "confirmation with a beginning": well_signed(confirmed_from=-60),
    "the response another issuer's": well_signed(response_issuer=f"{OTHER}idp"),
    "the assertion another issuer's": well_signed(assertion_issuer=f"{OTHER}idp"),
    "both another issuer's": well_signed(assertion_issuer=f"{OTHER}idp", response_issuer=f"{OTHER}idp"),
    "an issuer that begins with ours": well_signed(assertion_issuer=lambda c: f"{c.idp.entity_id}/x"),
    "the assertion no issuer's": well_signed(assertion_issuer=None),
    "no issuer's": well_signed(assertion_issuer=None, response_issuer=None),
    "an empty issuer's": well_signed(assertion_issuer="", response_issuer=""),
    "for the holder of a key": well_signed(method=saml.HOLDER_OF_KEY),
    "vouched for by the sender": well_signed(method=saml.SENDER_VOUCHES),
    "unconfirmed": well_signed(method=None),
    "without an authentication": well_signed(authn=False),
    "of a session that is over": well_signed(session_not_on_or_after=-120),
    "a failure with an assertion": well_signed(status=RESPONDER, sub_status=f"{saml.STATUS}AuthnFailed", status_message=CANARY),
    "a failure that succeeded below": well_signed(status=RESPONDER, sub_status=saml.SUCCESS, status_message=CANARY),
    "a status of its own": well_signed(status="Success"),
    "without a status": well_signed(status=None),
    "of version 1.1": well_signed(version="1.1"),
    "the assertion of version 1.1": well_signed(assertion_version="1.1"),
    "of no version": well_signed(version=None, assertion_version=None),
    "a condition of an unknown type": well_signed(more_conditions=lambda c: [of_type("x:Unknown")]),
    "a condition of another namespace": well_signed(more_conditions=lambda c: [etree.Element("{urn:example:x}Condition")]),
    "nobody": well_signed(subject=False),
    "a subject without a name": well_signed(name_id=None),
    "an empty name": well_signed(name_id=""),
    "a blank name": well_signed(name_id=" \n\t "),
    "only an attribute of a name": well_signed(name_id=None, attributes=lambda c: {"NameID": [c.name]}),
    "no assertion": lambda case: case.idp.respond(case.request, "response", assertion=False),
    "300 KiB": well_signed(attributes={"x": ["y" * 300 * KIB]}),
    "a key of its own": lambda case: by_another(case),
    "a key of its own under the good certificate": lambda case: by_another(case, certificate=case.idp.certificate_pem),
    "a key of its own without a certificate": lambda case: by_another(case, certificate=None),
    "SHA-1": lambda case: case.idp.sign(case.build(), "both", algorithm="rsa-sha1", digest_algorithm="sha1"),
    "SHA-1 in the signature": lambda case: case.idp.sign(case.build(), "both", algorithm="rsa-sha1"),
    "SHA-1 in the digest": lambda case: case.idp.sign(case.build(), "both", digest_algorithm="sha1"),
    "an elliptic curve's algorithm for another key": lambda case: case.idp.sign(case.build(), "both", EC_KEY),
    "no algorithm": lambda case: case.idp.sign(case.build(), "both", algorithm="none"),
    "an empty algorithm": lambda case: case.idp.sign(case.build(), "both", algorithm=""),
    "inclusive C14N": lambda case: case.idp.sign(case.build(), transforms=["enveloped", "c14n"]),
    "C14N by default": lambda case: case.idp.sign(case.build(), transforms=["enveloped"]),
    "a thousand transforms": lambda case: case.idp.sign(case.build(), transforms=["enveloped", *["exc-c14n"] * 1_000]),
    "base64 as it is not": lambda case: {"SAMLResponse": "!" + encode(case.signed())},
    "base64 for URLs": lambda case: {"SAMLResponse": url_safe(encode(case.signed(attributes={"x": ["~?" * 99]})))},
    "base64 without its end": lambda case: {"SAMLResponse": encode(case.signed())[:-3]},
    "no XML": lambda case: f"user={case.name}",
    "compressed": lambda case: {"SAMLResponse": deflated(serialise(case.signed()))},
    "half of it": lambda case: serialise(case.signed())[:-200],
    "without the last character": lambda case: serialise(case.signed())[:-1],
    "something after the end": lambda case: serialise(case.signed()) + b"garbage",
    "an element after the end": lambda case: serialise(case.signed()) + serialise(case.signed(name_id=case.victim)),
    "something before the beginning": lambda case: b"garbage" + serialise(case.signed()),
    "UTF-16": lambda case: etree.tostring(case.signed("both"), encoding="UTF-16", xml_declaration=True),
    "UTF-16 without saying so": lambda case: serialise(case.signed("both")).decode().encode("utf-16-le"),
    "Latin-1": lambda case: etree.tostring(case.signed("both"), encoding="ISO-8859-1", xml_declaration=True),
    "UTF-7": lambda case: b'<?xml version="1.0" encoding="UTF-7"?>' + serialise(case.signed("both")),
    "no UTF-8": lambda case: serialise(case.signed()).replace(case.name.encode(), case.name.encode() + b"\xff"),
    "overlong UTF-8": lambda case: serialise(case.signed()).replace(case.name.encode(), case.name.encode() + b"\xc0\x80"),
    "a NUL in the name": lambda case: serialise(case.signed()).replace(case.name.encode(), case.name.encode() + b"\0"),
    "NULs at the end": lambda case: serialise(case.signed()) + b"\0\0\0",
    "a NUL by its number": lambda case: serialise(case.signed()).replace(case.name.encode(), case.name.encode() + b"&#0;"),
    "XML 1.1": lambda case: b'<?xml version="1.1"?>' + serialise(case.signed()),
    "an assertion alone": lambda case: assertion_of(case.signed()),
    "a request": lambda case: case.request.root,
    "two responses in the form": lambda case: {"SAMLResponse": [encode(case.signed()), encode(case.signed(name_id=case.victim))]},
    "no response in the form": lambda case: {"SAMLResponse": None},
    "an empty response in the form": lambda case: {"SAMLResponse": ""},
    "an address as the state": lambda case: {"SAMLResponse": encode(unsolicited(case)), "RelayState": f"{OTHER}landing"},
    "unsolicited": lambda case: {"SAMLResponse": encode(unsolicited(case)), "RelayState": None},
    "unsolicited with the state of an attempt": lambda case: unsolicited(case),
}


def deflated(octets):
    """As for the Redirect binding."""
    return base64.b64encode(zlib.compress(octets)[2:-4]).decode()


def url_safe(text):
    """The alphabet of base64url (RFC 4648 section 5)."""
    return text.replace("+", "-").replace("/", "_")


def by_another(case, **how):
    """Signed with a key that nobody knows."""
    return case.idp.sign(case.build(), "both", OTHER_KEY, **how)


def unsolicited(case):
    """Good but for that nobody asked."""
    return case.signed("both", in_response_to=None, confirmed_request=None)


def renamed(tree, name):
    """Makes it speak of somebody else."""
    for at in tree.iter(q("saml:NameID")):
        at.text = name
    for at in tree.iterfind(f".//saml:Attribute[@Name='{EMAIL}']/saml:AttributeValue", saml.NAMES):
        at.text = f"{name}@example.com"
    for at in tree.iterfind(f".//saml:Attribute[@Name='{USERNAME}']/saml:AttributeValue", saml.NAMES):
        at.text = name
    return tree


def without_signature(element):
    """A copy without the signature that stands in it."""
    made = copy.deepcopy(element)
    for signature in made.findall("ds:Signature", saml.NAMES):
        made.remove(signature)
    return made


def extension(tree, *content):
    """An Extensions element of a Response, in its place."""
    made = etree.Element(q("samlp:Extensions"))
    made.extend(content)
    find(tree, "samlp:Status").addprevious(made)
    return made


def advice(assertion, *content):
    """An Advice element of an Assertion, in its place."""
    made = etree.Element(q("saml:Advice"))
    made.extend(content)
    find(assertion, "saml:Conditions").addnext(made)
    return made


def evil_twin(case, element, same_id, keep=False):
    """A copy of a signed element that speaks of the victim, with or without the signature."""
    evil = renamed(copy.deepcopy(element) if keep else without_signature(element), case.victim)
    if not same_id:
        evil.set("ID", saml.new_id())
    return evil


def wrapped(case, number, same_id):
    """XSW1 to XSW8: what was signed is still there, where only the signature looks."""
    tree = case.signed("response" if number <= 2 else "assertion")
    if number <= 2:
        evil = evil_twin(case, tree, same_id, keep=True)
        if not same_id:
            assertion_of(evil).set("ID", saml.new_id())
        signature = find(evil, "ds:Signature")
        (signature.append if number == 1 else signature.addprevious)(without_signature(tree))
        return evil
    signed = assertion_of(tree)
    evil = evil_twin(case, signed, same_id, keep=number in (5, 6, 8))
    if number == 3:
        signed.addprevious(evil)
    elif number == 4:
        tree.replace(signed, evil)
        evil.append(signed)
    elif number == 7:
        extension(tree, evil)
    else:
        tree.replace(signed, evil)
        signature = find(evil, "ds:Signature")
        place = {5: tree, 6: signature, 8: signature}[number]
        (child(place, "ds:Object") if number == 8 else place).append(without_signature(signed))
    return tree


for _number in range(1, 9):
    for _same in (False, True):
        ATTACKS[f"XSW{_number}{' under one ID' if _same else ''}"] = lambda case, n=_number, same=_same: wrapped(case, n, same)


@attack("the signature removed from the assertion", "the signature removed from the response")
def removed(case, name):
    tree = case.signed("both" if name.endswith("assertion") else "response")
    of = assertion_of(tree) if name.endswith("assertion") else tree
    of.remove(find(of, "ds:Signature"))
    return tree


@attack("another name", "another name in both")
def tampered(case, name):
    return renamed(case.signed("both" if name.endswith("both") else "assertion"), case.victim)


@attack("another attribute")
def tampered_attribute(case):
    tree = case.signed("both")
    find(tree, f".//saml:Attribute[@Name='{EMAIL}']/saml:AttributeValue").text = f"{case.victim}@example.com"
    return tree


@attack("an attribute more")
def attribute_added(case):
    tree = case.signed()
    statement = find(tree, ".//saml:AttributeStatement")
    child(child(statement, "saml:Attribute", Name=GROUPS), "saml:AttributeValue", "admin")
    return tree


@attack("another status over a signed assertion")
def status_changed(case):
    tree = case.signed("response", status=RESPONDER)
    find(tree, ".//samlp:StatusCode").set("Value", saml.SUCCESS)
    return tree


@attack("a signature that was touched")
def touched(case):
    tree = case.signed()
    value = find(tree, ".//ds:SignatureValue")
    value.text = ("A" if value.text[0] != "A" else "B") + value.text[1:]
    return tree


@attack("an empty signature", "a signature without a value", "a signature without SignedInfo", "a signature with nothing in it")
def emptied(case, name):
    tree = case.signed()
    signature = find(tree, ".//ds:Signature")
    if name == "an empty signature":
        find(signature, "ds:SignatureValue").text = ""
        return tree
    gone = {"value": "ds:SignatureValue", "SignedInfo": "ds:SignedInfo"}.get(name.split()[-1])
    for part in list(signature):
        if gone is None or part.tag == q(gone):
            signature.remove(part)
    return tree


@attack("one of two signatures broken")
def half_broken(case):
    """The assertion's is good, the response's is not."""
    tree = case.signed("both")
    find(find(tree, "ds:Signature"), "ds:SignatureValue").text = base64.b64encode(b"x" * 256).decode()
    return tree


@attack("two signatures in the assertion", "two signatures in the assertion, the second by another")
def twice(case, name):
    tree = case.build()
    of = assertion_of(tree)
    first = saml.sign(of, case.idp.key)
    second = saml.sign(without_signature(of), OTHER_KEY if "another" in name else case.idp.key)
    first.addnext(second)
    return tree


@attack("a signature by another before the good one")
def before_the_good_one(case):
    tree = case.signed()
    of = assertion_of(tree)
    find(of, "ds:Signature").addprevious(saml.sign(without_signature(of), OTHER_KEY))
    return tree


@attack("two signed assertions", "another assertion beside", "another assertion before")
def beside(case, name):
    tree = case.signed()
    other = assertion_of(case.build(name_id=case.victim))
    if name == "two signed assertions":
        saml.sign(other, case.idp.key)
    (assertion_of(tree).addprevious if name.endswith("before") else tree.append)(other)
    return tree


@attack("another assertion beside, in a signed response")
def two_below_a_signature(case):
    tree = case.build()
    tree.append(build_assertion(case.idp.entity_id, case.request, name_id=case.victim))
    saml.sign(tree, case.idp.key)
    return tree


@attack("an assertion in the advice", "an assertion in an extension")
def elsewhere(case, name):
    tree = case.build()
    other = build_assertion(case.idp.entity_id, case.request, name_id=case.victim)
    if name.endswith("advice"):
        advice(assertion_of(tree), other)
    else:
        extension(tree, other)
    return case.idp.sign(tree, "both")


@attack("an encrypted assertion beside")
def encrypted_beside(case):
    tree = case.signed()
    data = etree.SubElement(child(tree, "saml:EncryptedAssertion"), "{http://www.w3.org/2001/04/xmlenc#}EncryptedData")
    etree.SubElement(data, "{http://www.w3.org/2001/04/xmlenc#}CipherData")
    return tree


@attack("an assertion of another namespace", "an assertion in lower case")
def lookalike(case, name):
    tree = case.build()
    assertion_of(tree).tag = "{urn:oasis:names:tc:SAML:1.0:assertion}Assertion" if "namespace" in name else q("saml:assertion")
    saml.sign(tree, case.idp.key)
    return tree


@attack("the signature in an extension", "the signature in an object", "the signature in the advice",
        "the signature in the subject", "the assertion's signature in the response")
def displaced(case, name):
    """It refers to the assertion from another place."""
    tree = case.build()
    of = assertion_of(tree)
    inside = name.endswith(("advice", "subject"))
    holder = {
        "the signature in an extension": lambda: extension(tree),
        "the signature in an object": lambda: child(child(extension(tree), "ds:Signature"), "ds:Object"),
        "the signature in the advice": lambda: advice(of),
        "the signature in the subject": lambda: find(of, ".//saml:SubjectConfirmationData"),
        "the assertion's signature in the response": lambda: tree,
    }[name]()
    signature = saml.sign(of, case.idp.key, into=holder, transforms=["enveloped", "exc-c14n"] if inside else ["exc-c14n"])
    if holder is tree:
        find(tree, "saml:Issuer").addnext(signature)
    return tree


@attack("a reference to the response from the assertion", "a reference to the assertion from the response", "an empty reference",
        "no reference's URI", "an empty reference from the assertion", "a reference by XPointer", "a reference to nothing",
        "a bare #")
def referred(case, name):
    tree = case.build()
    of = assertion_of(tree)
    whole, key = f"#{tree.get('ID')}", case.idp.key
    match name:
        case "a reference to the response from the assertion":
            saml.sign(of, key, uri=whole, target=tree)
        case "a reference to the assertion from the response":
            saml.sign(tree, key, uri=f"#{of.get('ID')}", target=of, transforms=["exc-c14n"])
        case "an empty reference":
            saml.sign(tree, key, uri="")
        case "no reference's URI":
            saml.sign(tree, key, uri=None)
        case "an empty reference from the assertion":
            saml.sign(of, key, uri="", target=tree)
        case "a reference by XPointer":
            saml.sign(of, key, uri=f"#xpointer(id('{of.get('ID')}'))")
        case "a reference to nothing":
            saml.sign(of, key, uri=f"#{saml.new_id()}")
        case "a bare #":
            saml.sign(of, key, uri="#")
    return tree


@attack("a reference to a file", "a reference to another host")
def referred_outside(case, name):
    tree = case.build()
    uri, target = ("file:///etc/hostname", HOSTNAME) if name.endswith("file") else (f"{OTHER}x", b"x")
    saml.sign(assertion_of(tree), case.idp.key, uri=uri, target=target, transforms=[])
    return tree


def referring(case, *targets, tree):
    """Signs the assertion with a reference to each of these."""
    saml.sign(assertion_of(tree), case.idp.key, references=[(f"#{t.get('ID')}", t) for t in targets])
    return tree


@attack("two references to the assertion", "a second reference to the status", "a first reference to the status", "no reference",
        "a thousand references")
def several_references(case, name):
    tree = case.build()
    of, status = assertion_of(tree), find(tree, "samlp:Status")
    status.set("ID", saml.new_id())
    targets = {"two references to the assertion": [of, of], "a second reference to the status": [of, status],
               "a first reference to the status": [status, of], "no reference": [], "a thousand references": [of] * 1_000}
    return referring(case, *targets[name], tree=tree)


@attack("two SignedInfo, the evil one first", "two SignedInfo, the evil one last")
def two_infos(case, name):
    """CVE-2025-29774: one is verified, the other believed."""
    tree = case.signed()
    of = assertion_of(tree)
    signature = find(of, "ds:Signature")
    renamed(of, case.victim)
    good = find(signature, "ds:SignedInfo")
    evil = copy.deepcopy(good)
    find(evil, ".//ds:DigestValue").text = saml.digest(saml.canonical(without_signature(of)))
    (good.addprevious if name.endswith("first") else good.addnext)(evil)
    return tree


@attack("a comment in the digest", "a comment in the digest's midst", "a second digest")
def digest_with_a_comment(case, name):
    """CVE-2025-29775: the comment is what was not signed and is read."""
    tree = case.signed()
    of = assertion_of(tree)
    value = find(of, ".//ds:DigestValue")
    renamed(of, case.victim)
    evil, good = saml.digest(saml.canonical(without_signature(of))), value.text
    if name == "a second digest":
        value.addprevious(copy.deepcopy(value))
        value.getprevious().text = evil
        return tree
    value.text, at = (None, 0) if name == "a comment in the digest" else (good[:10], 10)
    value.append(etree.Comment(evil))
    value[0].tail = good[at:]
    return tree


@attack("the digest of nothing")
def void(case):
    """What canonicalisation cannot be done of is not the same as nothing (CVE-2025-66568)."""
    tree = case.build()
    signature = saml.sign(assertion_of(tree), case.idp.key)
    find(signature, ".//ds:DigestValue").text = saml.digest(b"")
    saml.resign(signature, case.idp.key)
    octets = serialise(renamed(tree, case.victim))
    return octets.replace(b"<saml:Subject>", b'<saml:Subject xmlns:r="relative">')


@attack("an XPath transform", "an XSLT transform", "a base64 transform", "a transform by nobody",
        "C14N with what it must not have")
def other_transforms(case, name):
    tree = case.build()
    of = assertion_of(tree)
    if name == "a transform by nobody":
        saml.sign(of, case.idp.key, transforms=["enveloped", "urn:example:transform", "exc-c14n"])
    elif name == "a base64 transform":
        saml.sign(of, case.idp.key, transforms=["enveloped", "base64"])
    else:
        kind = {"an XPath transform": "xpath", "an XSLT transform": "xslt"}.get(name, "exc-c14n")
        made = etree.Element(q("ds:Transform"), {"Algorithm": saml.TRANSFORMS[kind]}, nsmap={"ds": saml.DS})
        if kind == "xslt":
            made.append(etree.fromstring(
                '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="@*|node()">'
                '<xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template></xsl:stylesheet>'))
        else:
            child(made, "ds:XPath", "true()")
        saml.sign(of, case.idp.key, transforms=["enveloped", made] + ([] if kind == "exc-c14n" else ["exc-c14n"]))
    return tree


@attack("one ID twice", "one ID as Id", "one ID as id", "one ID as xml:id", "the response's ID twice",
        "the response's ID as xml:id", "the response's ID as the assertion's")
def double_ids(case, name):
    tree = case.build()
    of = tree if name.startswith("the response's") else assertion_of(tree)
    if name.endswith("the assertion's"):
        assertion_of(tree).set("ID", tree.get("ID"))
        return case.idp.sign(tree, "both")
    attribute = {"twice": "ID", "xml:id": "{http://www.w3.org/XML/1998/namespace}id"}.get(name.split()[-1], name.split()[-1])
    extension(tree, etree.Element("{urn:example:x}thing", {attribute: of.get("ID")}))
    return case.idp.sign(tree, "both")


@attack("HMAC by the certificate as text", "HMAC by the certificate", "HMAC by the public key", "HMAC by next to nothing")
def by_hmac(case, name):
    """What everybody knows is no secret."""
    key = case.idp.key
    known = {"text": key.certificate_pem.encode(), "certificate": key.certificate_der, "key": key.public_der, "nothing": b"\0"}
    secret = known[name.split()[-1]]
    return case.idp.sign(case.build(), "both", secret, algorithm="hmac-sha256", certificate=key.certificate_pem)


DOCTYPES = {
    "a DTD": b"<!DOCTYPE samlp:Response>",
    "a DTD with IDs": b"<!DOCTYPE samlp:Response [<!ATTLIST saml:NameID Format ID #IMPLIED>]>",
    "an entity": b'<!DOCTYPE samlp:Response [<!ENTITY e "NAME">]>',
    "a file's entity": b'<!DOCTYPE samlp:Response [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    "an entity of a parameter": b"<!DOCTYPE samlp:Response [<!ENTITY % p '<!ENTITY e \"NAME\">'>%p;]>",
    "a default attribute": b'<!DOCTYPE samlp:Response [<!ATTLIST samlp:Status x CDATA "y">]>',
}


@attack(*DOCTYPES)
def with_a_doctype(case, name):
    """Signed over what it would be read as."""
    tree = case.build()
    if name == "a file's entity":
        renamed(tree, HOSTNAME.decode())
    octets = serialise(case.idp.sign(tree, "both"))
    said = find(tree, ".//saml:NameID").text
    if b"ENTITY e" in DOCTYPES[name]:
        octets = octets.replace(b">" + said.encode() + b"</saml:NameID>", b">&e;</saml:NameID>")
    return DOCTYPES[name].replace(b"NAME", said.encode()) + octets


@attack("a billion laughs", "quadratic laughs")
def laughs(case, name):
    octets = serialise(case.signed()).replace(case.name.encode(), b"&l9;" if name == "a billion laughs" else b"&l0;" * 10_000)
    entities = [b'<!ENTITY l0 "%s">' % (b"ha" * (5 if name == "a billion laughs" else 50_000))]
    entities += [b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b"<!DOCTYPE samlp:Response [" + b"".join(entities) + b"]>" + octets


@attack("an entity that nobody declared")
def undeclared(case):
    return serialise(case.signed()).replace(case.name.encode(), b"&nbsp;")


@attack("a processing instruction", "a processing instruction before the beginning", "a processing instruction in the name",
        "a processing instruction after the end")
def instructed(case, name):
    tree = case.build()
    made = etree.ProcessingInstruction("x", CANARY)
    if name == "a processing instruction":
        extension(tree, made)
    elif name.endswith("name"):
        find(tree, ".//saml:NameID").append(made)
    octets = serialise(case.idp.sign(tree, "both"))
    return {"beginning": b"<?x y?>" + octets, "end": octets + b"<?x y?>"}.get(name.split()[-1], octets)


@attack("depth 200", "10,000 elements", "5,000 attributes", "5,000 namespaces")
def large(case, name):
    tree = case.build()
    top = etree.Element("{urn:example:x}x", {f"a{n}": "" for n in range(5_000)} if name == "5,000 attributes" else {},
                        nsmap={f"n{n}": f"urn:{n}" for n in range(5_000)} if name == "5,000 namespaces" else None)
    at = top
    for _ in range({"depth 200": 200, "10,000 elements": 10_000}.get(name, 0)):
        made = etree.SubElement(at, "x")
        at = made if name == "depth 200" else at
    extension(tree, top)
    return case.idp.sign(tree, "both")


@attack("depth 30,000")
def bottomless(case):
    deep = b"<samlp:Extensions>" + b"<x>" * 30_000 + b"</x>" * 30_000 + b"</samlp:Extensions>"
    return serialise(case.signed()).replace(b"<samlp:Status>", deep + b"<samlp:Status>")


@attack("two names", "two subjects", "two issuers", "two conditions", "two statuses")
def doubled(case, name):
    """What may stand once stands twice."""
    tree = case.build()
    part = {"names": "saml:NameID", "subjects": "saml:Subject", "issuers": "saml:Issuer", "conditions": "saml:Conditions",
            "statuses": "samlp:Status"}[name.split()[-1]]
    of = find(tree, f".//{part}") if part != "saml:Issuer" else find(assertion_of(tree), part)
    other = copy.deepcopy(of)
    if part == "saml:Conditions":
        other.set("NotOnOrAfter", saml.moment(-120))
    if part == "samlp:Status":
        other[0].set("Value", RESPONDER)
    renamed(other, case.victim)
    if part == "saml:NameID":
        other.text = case.victim
    of.addnext(other)
    return case.idp.sign(tree, "both")


@attack("a name in an element of the name")
def name_in_a_name(case):
    tree = case.build()
    name = find(tree, ".//saml:NameID")
    name.text = None
    etree.SubElement(name, "{urn:example:x}x").text = case.name
    return case.idp.sign(tree, "both")


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


# -- the form ---------------------------------------------------------------------------------------------------------------


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
    saml.sign(assertion_of(tree), case.idp.key, uri=f"{at}/reference", target=b"x", transforms=[])
    return tree


def outside_key(case, at):
    tree = case.build()
    signature = saml.sign(assertion_of(tree), OTHER_KEY, certificate=None)
    child(child(signature, "ds:KeyInfo"), "ds:RetrievalMethod", URI=f"{at}/key", Type=f"{saml.DS}rawX509Certificate")
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
