"""XML of SAML 2.0 by lxml: namespaces, elements, octets."""

from lxml import etree

SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
MD, DS = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"
XS, XSI = "http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"
NAMES = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS, "xs": XS, "xsi": XSI}


def q(name):
    """`saml:Issuer` as lxml names it."""
    prefix, local = name.split(":")
    return f"{{{NAMES[prefix]}}}{local}"


def child(parent, name, text=None, **attributes):
    """A new last child; attributes that are None are left out."""
    made = etree.SubElement(parent, q(name), {k: v for k, v in attributes.items() if v is not None})
    made.text = text
    return made


def find(tree, path):
    """The first element at this path, such as `.//saml:NameID`; None without one."""
    return tree.find(path, NAMES)


def parse(octets):
    """A document as a tree; nothing outside of it is read."""
    return etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True))


def serialise(tree):
    """The octets of a tree, without a declaration."""
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=False, with_tail=False)
