"""What modules of attacks on sign-ins by SAML have in common: their tables, and what is done to documents."""

import copy
import pathlib

from lxml import etree

from peers import saml
from peers.saml import find, q
from saml_cases import EMAIL, USERNAME

HOSTNAME = pathlib.Path("/etc/hostname").read_bytes()


class Attacks(dict):
    """By name what makes a document of a case."""

    def __call__(self, *names):
        """Adds what the function makes; with several names it is told which."""
        def add(make):
            for name in names:
                assert name not in self, f"'{name}' stands twice"
                self[name] = make if len(names) == 1 else lambda case, name=name: make(case, name)
            return make

        return add

def well_signed(what="both", **changes):
    """A properly signed response with other parts; those that are functions get the case."""
    return lambda case: case.signed(what, **{k: v(case) if callable(v) else v for k, v in changes.items()})


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
