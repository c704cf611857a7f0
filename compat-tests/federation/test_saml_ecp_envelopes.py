"""What Enhanced Clients bring that opens nothing, and responses that nobody asked for (keystone-api.md 1.7, 1.9;
security.md part 2; ruling 6)."""

import copy
import time

import pytest
import requests
from lxml import etree

from ecp_rounds import Round, unsolicited
from harness import unique
from peers import saml
from peers.saml import IdentityProvider, assertion_of, find, serialise
from peers.saml_ecp import PAOS_TYPE, SOAP, EcpIdentityProvider, envelope, relay_state
from saml_cases import OTHER_KEY
from saml_trust import PERSON, SamlTrust, bring, brought, collected, refused
from trust import user_id

MIB = 1024 * 1024


@pytest.fixture
def way(saml_way, ecp_idp):
    """A way in for Enhanced Clients."""
    return saml_way(PERSON, idp=ecp_idp)


WRONG = {
    "signed around it alone": {"what": "response"},
    "for another audience": {"audiences": [["urn:other"]]},
    "for no audience": {"audiences": []},
    "for the browsers' entrance": {"recipient": "POST", "destination": "POST"},
    "for another recipient": {"recipient": "https://other.example/ecp"},
    "for another destination": {"what": "both", "destination": "https://other.example/ecp"},
    "in response to another request": {"in_response_to": saml.new_id()},
    "confirmed for another request": {"confirmed_request": saml.new_id()},
    "over": {"not_on_or_after": -120},
    "confirmed until yesterday": {"confirmed_until": -86_400},
    "another issuer's": {"assertion_issuer": "https://other.example"},
    "a failure": {"status": f"{saml.STATUS}Responder"},
    "unconfirmed": {"method": None},
}


@pytest.mark.parametrize("parts", WRONG.values(), ids=WRONG)
def test_responses_that_say_something_else(way, parts):
    parts = {k: way.acs if v == "POST" else v for k, v in parts.items()}
    refused(bring(way.archstone, Round(way, **parts).envelope()))


def test_responses_that_were_changed_on_the_way(way):
    """Unsigned, signed by somebody else, spoken of somebody else."""
    one = Round(way)
    plain = way.provider.build(one.asked.request, name_id=one.person["name"])
    refused(bring(way.archstone, one.envelope(response=plain)))
    refused(bring(way.archstone, one.envelope(response=way.provider.sign(plain, key=OTHER_KEY))))
    find(one.response, ".//saml:NameID").text = unique("victim")
    refused(bring(way.archstone, one.envelope()))


def test_another_identity_providers_response(way):
    """Each is good at its own way in, by its own name and key."""
    stranger = EcpIdentityProvider()
    other = SamlTrust(way.archstone, stranger, PERSON)
    person = stranger.person()
    one = Round(way)
    for issuer in (stranger.entity_id, way.provider.entity_id):
        tree = stranger.vouch(one.asked.request, person["name"], response_issuer=issuer, assertion_issuer=issuer)
        refused(bring(way.archstone, one.envelope(response=tree)))
    Round(other, person).come()
    stranger.server.server_close()


# -- unsolicited -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clouds_idp():
    """An identity provider that one way in has; nobody asks it."""
    return IdentityProvider(f"https://{unique('cloud')}.example/idp", "https://cloud.example/none")


@pytest.mark.parametrize("header", ["a state of theirs", "an empty header", "no header"])
@pytest.mark.parametrize("what", ["assertion", "both"])
def test_unsolicited_responses(saml_way, clouds_idp, what, header):
    """As Keystone sends them from one cloud to another: who vouches says which way in it is."""
    way, name = saml_way(PERSON, idp=clouds_idp), unique("person")
    blocks = {"a state of theirs": [relay_state(f"ss:mem:{unique()}")], "an empty header": [], "no header": None}[
        header
    ]
    octets = serialise(envelope(unsolicited(way, what, name), header=blocks))
    _, body = collected(way, brought(way, bring(way.archstone, octets)))
    assert body["user"]["id"] == user_id(way.domain_id, name)
    refused(bring(way.archstone, octets))


@pytest.mark.parametrize("by", ["members", "document", "url"])
def test_unsolicited_where_the_connection_names_the_issuer(saml_way, by):
    """However it does."""
    idp = EcpIdentityProvider().start()
    try:
        way, name = saml_way(PERSON, idp=idp, by=by), unique("person")
        _, body = collected(way, brought(way, bring(way.archstone, envelope(unsolicited(way, name=name)))))
        assert body["user"]["id"] == user_id(way.domain_id, name)
    finally:
        idp.stop()


WRONG_UNSOLICITED = {name: WRONG[name] for name in WRONG if name != "in response to another request"} | {
    "in response to a request": {"in_response_to": saml.new_id(), "confirmed_request": saml.new_id()},
    "half in response to a request": {"in_response_to": saml.new_id()},
}


@pytest.mark.parametrize("parts", WRONG_UNSOLICITED.values(), ids=WRONG_UNSOLICITED)
def test_unsolicited_responses_that_say_something_else(saml_way, clouds_idp, parts):
    way = saml_way(PERSON, idp=clouds_idp)
    parts = {k: way.acs if v == "POST" else v for k, v in parts.items()}
    refused(bring(way.archstone, envelope(unsolicited(way, **parts))))


def test_unsolicited_of_somebody_whom_nobody_knows(saml_way, clouds_idp):
    """No way in has this issuer; and after it is gone none has."""
    stranger = IdentityProvider(f"https://{unique('cloud')}.example/idp", "https://cloud.example/none")
    way = saml_way(PERSON, idp=clouds_idp)
    way.provider = stranger
    refused(bring(way.archstone, envelope(unsolicited(way))))
    way.provider = clouds_idp
    brought(way, bring(way.archstone, envelope(unsolicited(way))))
    way.delete()
    refused(bring(way.archstone, envelope(unsolicited(way))))


def test_namesakes_do_not_stand_in_the_way(saml_way, clouds_idp):
    """Anybody may say that an identity provider is called so; whose key it is decides. Whatever order they are looked
    at in."""

    def namesakes():
        for id in ("0", "~"):
            for _ in range(6):
                saml_way(
                    PERSON, idp=IdentityProvider(clouds_idp.entity_id, clouds_idp.sso_url, OTHER_KEY), id=unique(id)
                )

    namesakes()
    way, name = saml_way(PERSON, idp=clouds_idp), unique("person")
    namesakes()
    _, body = collected(way, brought(way, bring(way.archstone, envelope(unsolicited(way, name=name)))))
    assert body["user"]["id"] == user_id(way.domain_id, name)


def test_refusals_are_told_to_administrators(saml_way, clouds_idp, way):
    """Ruling 16: why, for responses to requests and for others."""
    lonely = saml_way(PERSON, idp=clouds_idp)
    refused(bring(way.archstone, Round(way, audiences=[["urn:other"]]).envelope()))
    refused(bring(way.archstone, envelope(unsolicited(lonely, audiences=[["urn:other"]]))))
    for one in (way, lonely):
        [told] = one.logins()
        assert told["outcome"] != "success" and told["reason"], told


# -- what is no envelope -----------------------------------------------------------------------------------------------


def good(one):
    """The good envelope."""
    return serialise(one.envelope())


def enclosed(*body, header=()):
    """The octets of an envelope with copies of these."""
    return serialise(envelope(*map(copy.deepcopy, body), header=[copy.deepcopy(part) for part in header]))


def fault(one):
    """What a client brings that has met another address at the identity provider than here."""
    made = etree.Element(f"{{{SOAP}}}Fault")
    etree.SubElement(made, "faultcode").text = "S:Server"
    return enclosed(made, header=[relay_state(one.asked.relay_state)])


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(9))
FILE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
PIECES = {
    "nothing": lambda one: b"",
    "no XML": lambda one: b"no XML",
    "JSON": lambda one: b'{"a": 1}',
    "half of it": lambda one: good(one)[:1_000],
    "something after the end": lambda one: good(one) + b"<x/>",
    "a NUL": lambda one: good(one) + b"\0",
    "a DOCTYPE": lambda one: b"<!DOCTYPE x>" + good(one),
    "an entity": lambda one: b'<!DOCTYPE x [<!ENTITY e "x">]>' + good(one),
    "a billion laughs": lambda one: b"<!DOCTYPE x [" + LAUGHS + b"]>" + good(one).replace(b"<S:Body>", b"<S:Body>&l8;"),
    "a file's entity": lambda one: FILE + good(one).replace(b"<S:Body>", b"<S:Body>&e;"),
    "a processing instruction": lambda one: b"<?x y?>" + good(one),
    "another root": lambda one: good(one).replace(b"S:Envelope", b"S:Letter"),
    "another namespace": lambda one: good(one).replace(SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"),
    "a fault": fault,
    "an empty body": lambda one: enclosed(header=[relay_state(one.asked.relay_state)]),
    "two responses": lambda one: enclosed(one.response, one.response, header=[relay_state(one.asked.relay_state)]),
    "two states": lambda one: enclosed(one.response, header=[relay_state(one.asked.relay_state), relay_state("b")]),
    "an assertion alone": lambda one: enclosed(assertion_of(one.response)),
    "the response in the header": lambda one: enclosed(header=[one.response, relay_state(one.asked.relay_state)]),
    "the response without an envelope": lambda one: serialise(one.response),
    "a form": lambda one: b"SAMLResponse=" + saml.encode(one.response).encode(),
    "deep": lambda one: good(one).replace(b"<S:Body>", b"<S:Body>" + b"<x>" * 30_000 + b"</x>" * 30_000),
    "UTF-16": lambda one: good(one).decode().encode("utf-16"),
}


@pytest.mark.parametrize("make", PIECES.values(), ids=PIECES)
def test_what_is_no_envelope(way, make):
    octets = make(Round(way))
    began = time.monotonic()
    refused(bring(way.archstone, octets), 400, 401)
    assert time.monotonic() - began < 5


def test_what_is_too_large(way):
    """Whether its length is told or not."""
    one = Round(way)
    good = serialise(one.envelope())
    refused(bring(way.archstone, good + b" " * 8 * MIB), 413)
    pieces_of_it = iter([good, *[b" " * MIB] * 8])
    try:
        answer = requests.post(way.ecp_acs, pieces_of_it, headers={"Content-Type": PAOS_TYPE}, timeout=30)
        refused(answer, 411, 413)
    except requests.ConnectionError:
        pass  # Nobody listens to the end of it.
    one.come()
