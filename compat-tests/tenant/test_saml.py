"""SAML 2.0: whoever an identity provider vouches for comes in; requests and metadata (tenant-login section 6, security.md parts 1
and 2, ruling 6). What an identity provider says is made by `peers/saml.py`."""

import base64
import json
import urllib.parse

import pytest
from lxml import etree

from harness import unique
from peers import saml
from peers.saml import IdentityProvider, find, q, serialise
from peers.saml_signatures import SIGNATURES, Key
from saml_cases import (
    EC_KEY,
    EMAIL,
    GROUPS,
    KIB,
    OTHER_KEY,
    Case,
    SamlWay,
    across,
    begin,
    comes,
    in_by,
    nobody_in,
    send,
    session_cookies,
)
from tenancy import PROVIDERS, Tenant, admin, claims_of, login_page, told
from test_op_logout import AFTER, confirmed, is_in, leave
from visitor import JSON, Page, query_of

CONFIGURATIONS = "/api/v1/sso/configurations"

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


@pytest.mark.parametrize("wish", ["never", "offer", "always"])
def test_logging_out(house, other_way, browse, wish):
    """It ends here, whatever the tenant wishes: at the identity provider there is nothing to go to."""
    way, client = other_way(settings={"logout_upstream": wish}), house.client(logout_uris=[AFTER])
    browser = browse()
    case = begin(way, client, browser)
    tokens = in_by(case, send(case, case.signed()))
    assert is_in(browser, client)
    place = leave(browser, house, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER, state="s")
    assert place == f"{AFTER}?state=s" and not is_in(browser, client), place
    case = begin(way, client, browser)
    in_by(case, send(case, case.signed()))
    page = confirmed(browser, leave(browser, house))
    assert isinstance(page, Page) and page.status == 200 and "signed out" in page.text.lower(), page
    assert not is_in(browser, client)
    for offered in ("Corp", way.id, "idp.example", "leave="):
        assert offered not in page.source, page


def test_a_global_configuration(house, idp, browse):
    """One that is made on the SSO face is every tenant's."""
    node, other = house.node, IdentityProvider(f"https://{unique('global')}.example/metadata", idp.sso_url)
    members = {"idpEntityId": other.entity_id, "idpSsoUrl": other.sso_url, "idpCertificate": other.certificate_pem}
    body = {"displayName": unique("Corporate"), "providerType": "SAML", "samlConfig": members}
    made = admin(node, "POST", CONFIGURATIONS, body, 200)
    try:
        tenant = Tenant(node)
        way, client = SamlWay(tenant, other, made["uuid"]), tenant.client()
        assert login_page(browse(), client.attempt()).has_link(way.id), "it is offered"
        claims, case = comes(way, client, browse())
        assert claims["email"] == f"{case.name}@example.com"
        assert claims["sub"] in {u["id"] for u in tenant.people().values()}, "somebody of the tenant's"
        again, _ = comes(way, client, browse(), name_id=case.name)
        assert again["sub"] == claims["sub"]
    finally:
        path = f"{CONFIGURATIONS}/{made['uuid']}?options.force=true"
        admin(node, "DELETE", path, status=200, token=node.token(system=True))


def test_a_trace_says_what_happened_and_no_secret(house, way, client, browse):
    """What was sent away with the browser could be used by whoever reads it."""
    browser, attempt = browse(), client.attempt()
    away = browser.get(attempt.at(way))
    leaving = away.headers["Location"]
    case = Case(way.idp, way.idp.read_redirect(leaving), attempt, browser, way)
    answer = send(case, case.signed())
    in_by(case, answer)
    sent = query_of(leaving)
    for request in (away, answer):
        text = json.dumps(house.trace(request.headers["x-openstack-request-id"]))
        assert way.id in text and way.idp.sso_url.split("?")[0] in text, text
        secrets = {name: (sent[name], urllib.parse.quote_plus(sent[name])) for name in ("RelayState", "Signature", "SAMLRequest")}
        assert [name for name, forms in secrets.items() if any(form in text for form in forms)] == []


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
    assert query_of(leaving)["SigAlg"] == SIGNATURES["rsa-sha256"][0]
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
