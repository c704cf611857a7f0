"""Attacks by what is no document, or no good one: encodings, DTDs, sizes, the form around it."""

import base64
import zlib

from lxml import etree

from peers.saml import assertion_of, encode, find, serialise
from saml_attacks import HOSTNAME, Attacks, extension, renamed, well_signed
from saml_cases import CANARY, KIB

DOCUMENTS = Attacks({
    "300 KiB": well_signed(attributes={"x": ["y" * 300 * KIB]}),
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
})

DOCTYPES = {
    "a DTD": b"<!DOCTYPE samlp:Response>",
    "a DTD with IDs": b"<!DOCTYPE samlp:Response [<!ATTLIST saml:NameID Format ID #IMPLIED>]>",
    "an entity": b'<!DOCTYPE samlp:Response [<!ENTITY e "NAME">]>',
    "a file's entity": b'<!DOCTYPE samlp:Response [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    "an entity of a parameter": b"<!DOCTYPE samlp:Response [<!ENTITY % p '<!ENTITY e \"NAME\">'>%p;]>",
    "a default attribute": b'<!DOCTYPE samlp:Response [<!ATTLIST samlp:Status x CDATA "y">]>',
}


def deflated(octets):
    """As for the Redirect binding."""
    return base64.b64encode(zlib.compress(octets)[2:-4]).decode()


def url_safe(text):
    """The alphabet of base64url (RFC 4648 section 5)."""
    return text.replace("+", "-").replace("/", "_")


@DOCUMENTS(*DOCTYPES)
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


@DOCUMENTS("a billion laughs", "quadratic laughs")
def laughs(case, name):
    octets = serialise(case.signed()).replace(case.name.encode(), b"&l9;" if name == "a billion laughs" else b"&l0;" * 10_000)
    entities = [b'<!ENTITY l0 "%s">' % (b"ha" * (5 if name == "a billion laughs" else 50_000))]
    entities += [b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b"<!DOCTYPE samlp:Response [" + b"".join(entities) + b"]>" + octets


@DOCUMENTS("an entity that nobody declared")
def undeclared(case):
    return serialise(case.signed()).replace(case.name.encode(), b"&nbsp;")


@DOCUMENTS("a processing instruction", "a processing instruction before the beginning", "a processing instruction in the name",
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


@DOCUMENTS("depth 200", "10,000 elements", "5,000 attributes", "5,000 namespaces")
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


@DOCUMENTS("depth 30,000")
def bottomless(case):
    deep = b"<samlp:Extensions>" + b"<x>" * 30_000 + b"</x>" * 30_000 + b"</samlp:Extensions>"
    return serialise(case.signed()).replace(b"<samlp:Status>", deep + b"<samlp:Status>")
