"""Attacks by what properly signed responses say: for whom, by whom, until when, of whom."""

import copy

from lxml import etree

from peers import saml
from peers.saml import assertion_of, encode, find, q
from saml_attacks import Attacks, renamed, unsolicited, well_signed
from saml_cases import CANARY, OTHER, RESPONDER


def of_type(kind):
    """A Condition of a type."""
    made = etree.Element(q("saml:Condition"), nsmap={"x": "urn:example:x"})
    made.set(q("xsi:type"), kind)
    return made


FIELDS = Attacks({
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
    "an address as the state": lambda case: {"SAMLResponse": encode(unsolicited(case)), "RelayState": f"{OTHER}landing"},
    "unsolicited": lambda case: {"SAMLResponse": encode(unsolicited(case)), "RelayState": None},
    "unsolicited with the state of an attempt": lambda case: unsolicited(case),
})


@FIELDS("two names", "two subjects", "two issuers", "two conditions", "two statuses")
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


@FIELDS("a name in an element of the name")
def name_in_a_name(case):
    tree = case.build()
    name = find(tree, ".//saml:NameID")
    name.text = None
    etree.SubElement(name, "{urn:example:x}x").text = case.name
    return case.idp.sign(tree, "both")
