"""SAML 2.0: assertions that must be encrypted, subjects that are, and responses that lost their state (tenant-login
section 6.3)."""

import pytest

from harness import unique
from peers import saml
from peers.saml import IdentityProvider, find
from peers.saml_encryption import encrypted
from peers.saml_logout import name_id
from peers.saml_xml import serialise
from saml_cases import EMAIL, OTHER, OTHER_KEY, USERNAME, across, begin, comes, in_by, nobody_in, send, session_cookies
from saml_covered import comes_encrypted
from saml_logouts import answered, log_in, our_certificates, slo, tell
from tenancy import claims_of
from visitor import Page, query_of


@pytest.fixture
def certificate(house):
    """What one encrypts for at the shared tenant."""
    return our_certificates(house, "encryption")[0]


def test_where_assertions_must_be_encrypted(other_way, client, browse, certificate):
    way = other_way(require_encrypted_assertion=True)
    for what in ("assertion", "response", "both"):
        case = begin(way, client, browse())
        nobody_in(case, send(case, case.signed(what)))
        in_by(*comes_encrypted(way, client, browse(), certificate, what))
    way.set(saml={"require_encrypted_assertion": False})
    comes(way, client, browse())


def test_an_encrypted_subject(way, client, browse, certificate):
    """Is who the name in clear is."""
    claims, case = comes(way, client, browse())
    for algorithm in ("aes128-gcm", "aes256-gcm"):
        again = begin(way, client, browse())
        again.name = case.name
        tree = again.build()
        name = find(tree, ".//saml:NameID")
        name.getparent().replace(name, encrypted(name, certificate, algorithm=algorithm))
        assert claims_of(in_by(again, send(again, way.idp.sign(tree))))["sub"] == claims["sub"], algorithm


def test_a_name_that_looks_like_another(party, client, browse):
    """Who may choose their name becomes nobody who has a qualified one, also not one that is told in other words."""
    qualifiers, name = {"NameQualifier": "https://names.example/", "SPNameQualifier": "urn:example:us"}, unique("ann")
    way = party()
    ann = log_in(way, client, browse(), name=name, qualifiers=qualifiers)
    for text in (name, "!".join([*qualifiers.values(), name]), "!".join(["", "", name])):
        attributes = {EMAIL: [f"{unique()}@example.com"], USERNAME: [unique()]}
        other = log_in(way, client, browse(), name=text, attributes=attributes)
        assert claims_of(other.tokens)["sub"] != claims_of(ann.tokens)["sub"], text
        request = other.request(indexes=[])
        answered(way, tell(way, browse(), request), request)
        assert ann.is_in and not other.is_in, text


SUBJECTS = {
    "for somebody else": lambda name, ours: encrypted(name, OTHER_KEY.certificate_pem),
    "an assertion": lambda name, ours: encrypted(saml.build_assertion("x", name_id=name.text), ours),
    "nothing": lambda name, ours: encrypted(b"", ours),
    "text": lambda name, ours: encrypted(name.text.encode(), ours),
    "two names": lambda name, ours: encrypted(serialise(name) * 2, ours),
    "a DTD": lambda name, ours: encrypted(b"<!DOCTYPE x>" + serialise(name), ours),
    "an entity": lambda name, ours: encrypted(serialise(name).replace(name.text.encode(), b"&x;"), ours),
    "a name in itself": lambda name, ours: encrypted(encrypted(name, ours), ours),
    "a great deal": lambda name, ours: encrypted(b"<x>" * 30_000, ours),
}


@pytest.mark.parametrize("make", SUBJECTS.values(), ids=SUBJECTS)
def test_encrypted_subjects_that_are_none(way, client, browse, certificate, make):
    case = begin(way, client, browse())
    tree = case.build()
    name = find(tree, ".//saml:NameID")
    name.getparent().replace(name, make(name, certificate))
    nobody_in(case, send(case, way.idp.sign(tree)))


def test_an_encrypted_subject_beside_a_name(way, client, browse, certificate):
    for order in ("addnext", "addprevious"):
        case = begin(way, client, browse())
        tree = case.build()
        name = find(tree, ".//saml:NameID")
        getattr(name, order)(encrypted(name_id(case.victim), certificate))
        nobody_in(case, send(case, way.idp.sign(tree)))


def test_an_encrypted_subject_logs_out(party, client, browse, certificate):
    """By the name in clear, and by an encrypted one."""
    for wrap in (lambda name: name, lambda name: encrypted(name, certificate)):
        login = log_in(party(), client, browse(), wrap=lambda name: encrypted(name, certificate))
        request = login.request(names=[wrap(login.called())], destination=slo(login.way))
        answered(login.way, tell(login.way, browse(), request), request)
        assert not login.is_in


# -- responses without their state -------------------------------------------------------------------------------------


STATES = {"none": None, "an empty one": "", "an address": f"{OTHER}landing", "another's": "A" * 43, "a long": "x" * 500}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_the_request_that_it_answers_finds_the_sign_in(way, client, browse, state):
    """In the browser that began it, also from another site's page."""
    for from_elsewhere in (False, True):
        browser = browse()
        case = begin(way, client, browser)
        form = case.fields({"SAMLResponse": saml.encode(case.signed()), "RelayState": state})
        if from_elsewhere:
            form = Page(across(browser, way.acs, form)).form("SAMLResponse").fields
        in_by(case, browser.post(way.acs, form))


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_in_another_browser_it_does_not(way, client, browse, state):
    """Whoever began is who may end it, with a state or without."""
    case, victim = begin(way, client, browse()), browse()
    begin(way, client, victim)
    form = {"SAMLResponse": saml.encode(case.signed()), "RelayState": state}
    answer = send(case, form, victim)
    assert answer.status_code in (400, 403) and not session_cookies(victim), f"{answer.status_code} {answer.text[:500]}"
    answer = send(case, form, browse())
    assert answer.status_code in (400, 403), f"{answer.status_code} {answer.text[:500]}"
    in_by(case, send(case, form))


def test_of_two_attempts_the_right_one(way, client, browse):
    """In one browser: each is ended by the answer to its own request, once."""
    browser = browse()
    cases = [begin(way, client, browser) for _ in range(3)]
    for case in (cases[1], cases[2], cases[0]):
        form = {"SAMLResponse": saml.encode(case.signed()), "RelayState": None}
        answer = send(case, form)
        assert query_of(answer.headers["Location"])["state"] == case.attempt.state
        in_by(case, answer)
        assert send(case, form).status_code < 500, "once more"


def test_the_request_of_another_identity_provider(way, other_way, client, browse):
    """What it answers must have been asked of it."""
    stranger = other_way(IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://stranger.example/sso"))
    case = begin(way, client, browse())
    tree = stranger.idp.sign(stranger.idp.build(case.request, name_id=case.name), "both")
    nobody_in(case, send(case, {"SAMLResponse": saml.encode(tree), "RelayState": None}))
