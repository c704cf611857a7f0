"""Logout requests and responses that must do nothing: what makes each of a login, packed as it would be brought.

Text is an address to go to, a dict the fields of a form. A function of `FIELDS` makes a document, which is then
signed and packed by both bindings.
"""

import base64
import copy
import zlib

from lxml import etree

from harness import unique
from peers import saml
from peers.saml import encode, find, q, serialise
from peers.saml_encryption import encrypted
from peers.saml_logout import REQUEST, RESPONSE, at, deflate, name_id, redirect_query, upper
from peers.saml_signatures import SIGNATURES, sign, signature_value
from saml_attacks import Attacks, without_signature
from saml_cases import EC_KEY, OTHER, OTHER_KEY
from saml_documents import url_safe
from saml_logouts import packed, slo


def asks(**changes):
    """A request with other parts; those that are functions get the login."""
    return lambda login: login.request(**{k: v(login) if callable(v) else v for k, v in changes.items()})


FIELDS = Attacks({
    "another issuer's": asks(issuer=f"{OTHER}idp"),
    "an issuer's that begins with ours": asks(issuer=lambda login: f"{login.way.idp.entity_id}/x"),
    "no issuer's": asks(issuer=None),
    "an empty issuer's": asks(issuer=""),
    "our own": asks(issuer=lambda login: login.way.metadata),
    "for another destination": asks(destination=f"{OTHER}slo"),
    "for a destination that begins with ours": asks(destination=lambda login: f"{slo(login.way)}/x"),
    "for our other address": asks(destination=lambda login: login.way.acs),
    "for no destination": asks(destination=None),
    "for an empty destination": asks(destination=""),
    "over": asks(not_on_or_after=-300),
    "over at no time": asks(not_on_or_after="tomorrow"),
    "of long ago": asks(issue_instant=-1_200, not_on_or_after=None),
    "of long ago with an end to come": asks(issue_instant=-86_400, not_on_or_after=86_400),
    "of the future": asks(issue_instant=1_200),
    "of no time": asks(issue_instant=None),
    "of a time that is none": asks(issue_instant="now"),
    "of version 1.1": asks(version="1.1"),
    "of no version": asks(version=None),
    "without an ID": asks(id=None),
    "with an empty ID": asks(id=""),
    "of nobody": asks(names=[]),
    "of an empty name": asks(names=lambda _: [name_id("")]),
    "of a blank name": asks(names=lambda _: [name_id(" \n ")]),
    "of two names": asks(names=lambda login: [copy.deepcopy(login.name), name_id(unique())]),
    "of two names, ours the second": asks(names=lambda login: [name_id(unique()), copy.deepcopy(login.name)]),
    "of a name for somebody else to read": asks(names=lambda login: [encrypted(login.name, OTHER_KEY.certificate_pem)]),
    "a response": lambda login: login.way.idp.response(slo(login.way), saml.new_id()),
})


@FIELDS("an assertion", "a response to a sign-in")
def of_a_sign_in(login, name):
    """Which says the same name."""
    tree = saml.build_response(login.way.idp.entity_id, None, destination=slo(login.way), name_id=login.name.text)
    tree.set("Destination", slo(login.way))
    return tree if name.startswith("a response") else find(tree, "saml:Assertion")


@FIELDS("of a name in an extension", "of a name in an element of another namespace", "of a name in the name")
def name_elsewhere(login, name):
    if name.endswith("an extension"):
        return login.request(names=[], extensions=[copy.deepcopy(login.name)])
    made = copy.deepcopy(login.name)
    if name.endswith("namespace"):
        made.tag = "{urn:example:x}NameID"
    else:
        made.text = None
        etree.SubElement(made, "{urn:example:x}x").text = login.name.text
    return login.request(names=[made])


@FIELDS("of another namespace", "in small letters", "an AuthnRequest")
def lookalike(login, name):
    tree = login.request()
    tree.tag = {"of another namespace": "{urn:oasis:names:tc:SAML:1.0:protocol}LogoutRequest",
                "in small letters": q("samlp:logoutRequest"), "an AuthnRequest": q("samlp:AuthnRequest")}[name]
    return tree


@FIELDS("with a processing instruction", "with a processing instruction in the name")
def instructed(login, name):
    tree = login.request()
    (find(tree, "saml:NameID") if name.endswith("name") else tree).append(etree.ProcessingInstruction("x", "y"))
    return tree


# -- by the Redirect binding -------------------------------------------------------------------------------------------


REDIRECTED = Attacks({
    "unsigned": lambda login: packed(login.way, login.request(), key=None),
    "by another's key": lambda login: packed(login.way, login.request(), key=OTHER_KEY),
    "SHA-1": lambda login: packed(login.way, login.request(), algorithm="rsa-sha1"),
    "an elliptic curve's algorithm": lambda login: packed(login.way, login.request(), key=EC_KEY),
    "with another state": lambda login: packed(login.way, login.request()).replace("the%20state", "another"),
    "with a state that is not signed": lambda login: with_state(login),
    "without the state that is signed": lambda login: packed(login.way, login.request()).replace("RelayState", "x"),
    "without a signature": lambda login: unsigned(login),
    "with an empty signature": lambda login: unsigned(login) + "&Signature=",
    "without an algorithm": lambda login: unnamed(login),
    "by HMAC with our certificate as the key": lambda login: packed(
        login.way, login.request(), key=login.way.idp.certificate_pem.encode(), algorithm="hmac-sha256"),
    "signed in itself alone": lambda login: packed(login.way, signed(login), key=None),
    "as it would be by POST": lambda login: signed_over(login, encode(serialise(login.request()))),
    "with the header of zlib": lambda login: signed_over(login, b64(zlib.compress(serialise(login.request())))),
    "gzipped": lambda login: signed_over(login, b64(gzipped(serialise(login.request())))),
    "the half of it": lambda login: signed_over(login, b64(deflate(login.request())[:-20])),
    "no base64": lambda login: signed_over(login, "!" + b64(deflate(login.request()))),
    "base64 for URLs": lambda login: signed_over(login, url_safe(b64(deflate(padded(login))))),
    "nothing": lambda login: signed_over(login, ""),
    "no XML": lambda login: signed_over(login, b64(deflate(b"logout"))),
    "in another encoding": lambda login: packed(login.way, login.request()) + "&SAMLEncoding=urn:example:other",
    "twice": lambda login: packed(login.way, login.request()) + "&" + redirect_query(REQUEST, login.request()),
    "twice, the unsigned one first": lambda login: packed(login.way, login.request()).replace(
        "?", f"?{redirect_query(REQUEST, login.request())}&"),
    "a signature twice": lambda login: packed(login.way, login.request()) + "&Signature=AAAA",
    "a state twice": lambda login: packed(login.way, login.request()) + "&RelayState=x",
    "a response beside it": lambda login: packed(login.way, login.request()) + "&SAMLResponse=AAAA",
    "signed under the name of a response": lambda login: at(
        slo(login.way), redirect_query(RESPONSE, login.request(), "x", login.way.idp.key)).replace(RESPONSE, REQUEST),
})


def b64(octets):
    return base64.b64encode(octets).decode()


def unsigned(login):
    return packed(login.way, login.request()).partition("&Signature=")[0]


def gzipped(octets):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return squeeze.compress(octets) + squeeze.flush()


def padded(login):
    """A request whose base64 has all of its letters."""
    return login.request(indexes=[login.index, *(chr(n) * 3 + unique() for n in range(161, 255))])


def with_state(login):
    return packed(login.way, login.request(), relay_state=None).replace("&SigAlg=", "&RelayState=x&SigAlg=")


def unnamed(login):
    address = packed(login.way, login.request())
    return address.replace("&SigAlg=" + upper(SIGNATURES["rsa-sha256"][0]), "")


def signed(login):
    tree = login.request()
    sign(tree, login.way.idp.key)
    return tree


def signed_over(login, value):
    """The query is well signed, whatever is in it."""
    return at(slo(login.way), redirect_query(REQUEST, None, "x", login.way.idp.key, packed=value))


# -- by the POST binding -----------------------------------------------------------------------------------------------


POSTED = Attacks({
    "unsigned": lambda login: packed(login.way, login.request(), "POST", key=None),
    "by another's key": lambda login: packed(login.way, login.request(), "POST", key=OTHER_KEY),
    "by another's key under the good certificate": lambda login: packed(
        login.way, login.request(), "POST", key=OTHER_KEY, certificate=login.way.idp.certificate_pem),
    "SHA-1": lambda login: packed(login.way, login.request(), "POST", algorithm="rsa-sha1", digest_algorithm="sha1"),
    "SHA-1 in the digest": lambda login: packed(login.way, login.request(), "POST", digest_algorithm="sha1"),
    "all of the document": lambda login: packed(login.way, login.request(), "POST", uri=""),
    "inclusive C14N": lambda login: packed(login.way, login.request(), "POST", transforms=["enveloped", "c14n"]),
    "XPath": lambda login: packed(login.way, login.request(), "POST", transforms=["enveloped", "xpath", "exc-c14n"]),
    "signed as by Redirect": lambda login: as_by_redirect(login),
    "deflated": lambda login: {REQUEST: b64(deflate(signed(login)))},
    "changed afterwards": lambda login: {REQUEST: encode(changed(login))},
    "in the address": lambda login: at(slo(login.way), f"{REQUEST}={upper(encode(signed(login)))}"),
    "twice": lambda login: {REQUEST: [encode(signed(login)), encode(signed(login))]},
    "a response beside it": lambda login: {REQUEST: encode(signed(login)), RESPONSE: "AAAA"},
    "with something behind": lambda login: {REQUEST: encode(serialise(signed(login)) + b"garbage")},
    "UTF-16": lambda login: {REQUEST: encode(etree.tostring(signed(login), encoding="UTF-16", xml_declaration=True))},
    "a DTD": lambda login: with_doctype(login, b"<!DOCTYPE samlp:LogoutRequest>"),
    "an entity": lambda login: with_doctype(login, b'<!DOCTYPE x [<!ENTITY e "NAME">]>', entity=True),
    "a file's entity": lambda login: with_doctype(
        login, b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>', entity=True),
    "a billion laughs": lambda login: with_doctype(login, laughs(), entity=True),
    "depth 30,000": lambda login: deep(login),
    "10,000 session indexes": lambda login: packed(login.way, login.request(indexes=["x"] * 10_000), "POST"),
})


def as_by_redirect(login):
    """The fields of a query with its signature, posted."""
    value = b64(deflate(login.request()))
    signature = signature_value(f"{REQUEST}={upper(value)}&SigAlg=x".encode(), login.way.idp.key, "rsa-sha256")
    return {REQUEST: encode(login.request()), "SigAlg": SIGNATURES["rsa-sha256"][0], "Signature": signature}


def changed(login):
    """Signed of somebody else."""
    tree = login.request(names=[name_id(unique())], indexes=[])
    sign(tree, login.way.idp.key)
    find(tree, "saml:NameID").text = login.name.text
    return tree


def with_doctype(login, doctype, entity=False):
    octets = serialise(signed(login))
    if entity:
        octets = octets.replace(b">" + login.name.text.encode() + b"<", b">&e;<")
    return {REQUEST: encode(doctype.replace(b"NAME", login.name.text.encode()) + octets)}


def laughs():
    made = [b'<!ENTITY l0 "hahahaha">'] + [b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b"<!DOCTYPE x [" + b"".join(made) + b'<!ENTITY e "&l9;">]>'


def deep(login):
    octets = serialise(signed(login))
    below = b"<samlp:Extensions>" + b"<x>" * 30_000 + b"</x>" * 30_000 + b"</samlp:Extensions>"
    return {REQUEST: encode(octets.replace(b"<saml:NameID", below + b"<saml:NameID", 1))}


@POSTED("wrapped in the signature", "wrapped in an extension", "wrapped in an extension under one ID",
        "wrapped beside the signature", "wrapped below", "wrapped with the signature above", "wrapped in the name")
def wrapped(login, name):
    """Somebody's own request, well signed, somewhere in one about another person."""
    own = login.request(names=[name_id(unique("own"))], indexes=[])
    signature = sign(own, login.way.idp.key)
    evil = login.request(id=own.get("ID") if name.endswith("one ID") else saml.new_id())
    if name == "wrapped in the signature":
        evil[0].addnext(signature)
        etree.SubElement(signature, q("ds:Object")).append(own)
    elif "extension" in name:
        extensions = etree.Element(q("samlp:Extensions"))
        extensions.append(own)
        evil[0].addnext(extensions)
    elif name == "wrapped beside the signature":
        evil[0].addnext(signature)
        evil.append(without_signature(own))
    elif name == "wrapped below":
        evil.append(own)
    elif name == "wrapped with the signature above":
        evil.append(without_signature(own))
        evil.append(signature)
    else:
        find(evil, "saml:NameID").append(own)
    return {REQUEST: encode(evil)}


@POSTED("two signatures", "a signature by another before the good one", "the signature of a part")
def more_signatures(login, name):
    tree = login.request()
    if name == "the signature of a part":
        find(tree, "saml:NameID").set("ID", "_name")
        sign(tree, login.way.idp.key, uri="#_name", target=find(tree, "saml:NameID"), transforms=["exc-c14n"])
        return {REQUEST: encode(tree)}
    bare = copy.deepcopy(tree)
    first = sign(tree, login.way.idp.key)
    second = sign(bare, OTHER_KEY if "another" in name else login.way.idp.key)
    (first.addprevious if "before" in name else first.addnext)(second)
    return {REQUEST: encode(tree)}


@POSTED("one ID twice")
def double_ids(login):
    tree = login.request()
    extensions = etree.Element(q("samlp:Extensions"))
    etree.SubElement(extensions, "{urn:example:x}thing", {"ID": tree.get("ID")})
    tree[0].addnext(extensions)
    return packed(login.way, tree, "POST")
