"""Documents at the Keystone face's entrance for SAML: those that let somebody in, and those that must not (security.md
parts 1 and 2, ruling 6).

The documents of attacks are those that tenants' entrances are tried with (`tenant/saml_….py`).
"""

import pytest
from lxml import etree

from harness import unique
from peers.saml import IdentityProvider, find, moment, new_id, q
from peers.saml_metadata import metadata_of
from peers.saml_signatures import Key
from saml_cases import CANARY, EC_KEY, KIB, OTHER, OTHER_KEY
from saml_documents import DOCUMENTS
from saml_fields import FIELDS
from saml_forgeries import FORGERIES
from saml_trust import ENTITY, PERSON, SamlTrust, begin, comes, refused, repost, send, token_for
from saml_wrapping import WRAPPING

ATTACKS = {name: make for kind in (FIELDS, FORGERIES, WRAPPING, DOCUMENTS) for name, make in kind.items()}


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


@pytest.fixture(scope="module")
def way(_servers, idp):
    """A way in that these tests share."""
    return SamlTrust(_servers("sqlite"), idp, PERSON)


@pytest.mark.parametrize("make", ATTACKS.values(), ids=ATTACKS)
def test_nobody_comes_in_by(way, browse, dashboard, make):
    case = begin(way, browse(), dashboard.origin)
    answer = send(case, make(case))
    refused(answer, 400, 401, 413)
    assert not [word for word in (CANARY, case.name, case.victim, "panicked") if word in answer.text], answer.text[
        :1000
    ]
    people = {u["name"] for u in way.get(f"users?domain_id={way.domain_id}")["users"]}
    assert not people & {case.name, case.victim}, "nobody was made"


GOOD = {
    "without a destination, as the response is unsigned": {"destination": None},
    "a clock half a minute behind": {"not_on_or_after": -30, "confirmed_until": -30},
    "a clock half a minute ahead": {
        "not_before": 30,
        "issue_instant": 30,
        "assertion_instant": 30,
        "authn_instant": 30,
    },
    "a session with an end": {"session_not_on_or_after": 3_600},
    "fractions of a second": {"not_on_or_after": "2099-01-01T00:00:00.123Z"},
    "for one use": {"more_conditions": [etree.Element(q("saml:OneTimeUse"))]},
    "a large one": {"attributes": {"x": ["y" * 100_000]}},
}


@pytest.mark.parametrize("parts", GOOD.values(), ids=GOOD)
def test_documents_that_differ_within_the_rules(way, browse, dashboard, parts):
    body, case = comes(way, browse(), dashboard, **parts)
    assert body["user"]["name"] == case.name


def test_audiences_with_ours_among_them(way, browse, dashboard):
    ours = way.archstone.url + ENTITY
    for audiences in ([["urn:a", ours, "urn:b"]], [[ours], ["urn:a", ours]]):
        comes(way, browse(), dashboard, audiences=audiences)


def test_a_comment_cuts_no_name(way, browse, dashboard):
    """The text is all of it (VU#475445)."""
    case = begin(way, browse(), dashboard.origin)
    tree = case.build(name_id=f"{case.name}.evil", attributes={"uid": [f"{case.name}.evil"]})
    name = find(tree, ".//saml:NameID")
    name.text = case.name
    name.append(etree.Comment("x"))
    name[0].tail = ".evil"
    token = token_for(send(case, way.provider.sign(tree)), dashboard.origin)
    body = way.archstone.validate(token).json()["token"]
    ours, _ = comes(way, browse(), dashboard, name_id=case.name)
    whole, _ = comes(way, browse(), dashboard, name_id=f"{case.name}.evil", attributes={"uid": [f"{case.name}.evil"]})
    assert body["user"]["id"] == whole["user"]["id"] != ours["user"]["id"]


HOW = {
    "SHA-512": {"algorithm": "rsa-sha512", "digest_algorithm": "sha512"},
    "no certificate": {"certificate": None},
    "another certificate": {"certificate": OTHER_KEY.certificate_pem},
    "prefixes": {"prefixes": "xs xsi saml"},
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_signatures_of_other_makes(way, browse, dashboard, how):
    for what in ("assertion", "response"):
        comes(way, browse(), dashboard, lambda c, what=what: way.provider.sign(c.build(), what, **how))


def test_a_signature_by_an_elliptic_curve(saml_way, browse, dashboard):
    way = saml_way(idp=IdentityProvider(f"https://{unique('ec')}.example", "https://ec.example/sso", EC_KEY))
    comes(way, browse(), dashboard)


@pytest.mark.parametrize("use", ["signing", None])
def test_adm_imp_1_two_keys_in_metadata_and_what_they_are_for(saml_way, browse, dashboard, use):
    """Both count, also where nothing says what for (CVE-2026-16443), and no third one."""
    idp, second = (
        IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso"),
        Key(name="next"),
    )
    document = metadata_of(idp, certificates=[idp.certificate_pem, second.certificate_pem], use=use)
    nothing = dict.fromkeys(("idp_entity_id", "idp_sso_url", "idp_certificate"))
    way = saml_way(idp=idp, connection={"idp_metadata_xml": document} | nothing)
    for key in (idp.key, second):
        comes(way, browse(), dashboard, lambda c, key=key: idp.sign(c.build(), key=key))
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, idp.sign(case.build(), key=OTHER_KEY)))
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, case.build()))


def test_sha_1_where_somebody_insists(saml_way, way, browse, dashboard):
    how = {"algorithm": "rsa-sha1", "digest_algorithm": "sha1"}
    insisting = saml_way(connection={"allow_sha1": True})
    comes(insisting, browse(), dashboard, lambda c: way.provider.sign(c.build(), **how))
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, way.provider.sign(case.build(), **how)))


def test_where_the_assertion_itself_must_be_signed(saml_way, browse, dashboard):
    way = saml_way(connection={"require_signed_assertion": True})
    for what in ("assertion", "both"):
        comes(way, browse(), dashboard, lambda c, what=what: c.signed(what))
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, case.signed("response")))


def test_where_the_assertion_must_be_encrypted(saml_way, browse, dashboard):
    way = saml_way(connection={"require_encrypted_assertion": True})
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, case.signed("both")))


# -- what no form may say of an attempt --------------------------------------------------------------------------------


LOST = {
    "none": None,
    "empty": "",
    "of nobody": new_id(),
    "an address": OTHER,
    "without a scheme": "//elsewhere.example/",
    "a script": "javascript:alert(1)",
    "markup": '"><script>alert(1)</script>',
    "line ends": "x\r\nSet-Cookie: a=b",
    "long": "x" * 10_000,
}


@pytest.mark.parametrize("state", LOST.values(), ids=LOST)
def test_web_relay_a_state_that_was_lost(way, browse, dashboard, state):
    """Some identity providers lose it: the request that is answered tells the attempt, and the browser's cookie whose
    it is. What came instead leads nowhere (WEB-RELAY, WEB-HDR-1)."""
    case, victim = begin(way, browse(), dashboard.origin), browse()
    form = {k: v for k, v in (case.fields(case.signed()) | {"RelayState": state}).items() if v is not None}
    refused(victim.send(repost(victim.post(way.acs, form))))
    begin(way, victim, dashboard.origin)
    refused(victim.post(way.acs, form))
    answer = case.browser.post(way.acs, form)
    token_for(answer, dashboard.origin)
    assert "alert(1)" not in answer.text and "elsewhere" not in answer.text and "a=b" not in str(answer.headers)


def test_the_state_of_another_attempt(way, browse, dashboard):
    """A response is an answer to its own request, also in the browser that made both."""
    browser = browse()
    case, other = begin(way, browser, dashboard.origin), begin(way, browser, dashboard.origin)
    refused(send(case, case.fields(case.signed("both")) | {"RelayState": other.request.relay_state}))
    again = begin(way, browser, dashboard.origin)
    token_for(send(again, again.signed()), dashboard.origin)


def test_a_form_that_is_too_large(way, browse, dashboard):
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, {"SAMLResponse": "A" * 2 * 1024 * KIB}), 413)
    token_for(send(case, case.signed()), dashboard.origin)


@pytest.mark.parametrize("state", ["none", "the attempt's", "an address"])
@pytest.mark.parametrize("began", [True, False])
def test_unsolicited_responses_have_no_entrance_for_browsers(way, browse, dashboard, state, began):
    """Whoever sends somebody a form would sign them in as they like."""
    case = begin(way, browse(), dashboard.origin)
    browser = case.browser if began else browse()
    tree = case.signed("both", in_response_to=None, confirmed_request=None)
    states = {"none": None, "the attempt's": case.request.relay_state, "an address": OTHER}
    refused(send(case, case.fields(tree) | {"RelayState": states[state]}, browser))


def test_an_attempt_of_this_face_is_no_attempt_of_a_tenants(way, browse, dashboard, archstone):
    """What was asked for here is brought here."""
    case = begin(way, browse(), dashboard.origin)
    for url in (f"{archstone.url}/federation/saml/acs", f"{archstone.url}/v3-ext/auth/OS-FEDERATION/SSO/SAML2/ECP"):
        answer = case.browser.post(url, case.fields(case.signed()))
        assert answer.status_code >= 400 and "X-Subject-Token" not in answer.headers, f"{url}: {answer.status_code}"
    token_for(send(case, case.signed()), dashboard.origin)


def test_an_old_response(way, browse, dashboard):
    """Times are asked for at the end, whenever the response was made."""
    for parts in (
        {"not_on_or_after": -90},
        {"confirmed_until": -90},
        {"session_not_on_or_after": -90},
        {"not_before": moment(90)},
        {"assertion_instant": 300, "issue_instant": 300},
    ):
        case = begin(way, browse(), dashboard.origin)
        refused(send(case, case.signed("both", **parts)))
