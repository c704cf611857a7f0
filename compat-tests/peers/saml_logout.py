"""SAML 2.0 logout by hand (saml-core section 3.7, saml-bindings sections 3.4 and 3.5): LogoutRequests and
LogoutResponses by both bindings, good ones and such as no party would send.

Keyword arguments whose default is `...` have a usual value; None leaves the part out. Times are seconds from now, or
text.
"""

import base64
import dataclasses
import urllib.parse
import zlib

from lxml import etree

from peers import xmlsec1
from peers.saml import BINDING, PERSISTENT, SUCCESS, IdentityProvider, moment, new_id
from peers.saml_signatures import SIGNATURES, sign, signature_value, verify_octets
from peers.saml_xml import NAMES, child, find, parse, q, serialise

REQUEST, RESPONSE = "SAMLRequest", "SAMLResponse"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL_ADDRESS = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


# -- documents ---------------------------------------------------------------------------------------------------------


def name_id(text, format=PERSISTENT, **qualifiers):
    """A `saml:NameID`; `qualifiers` are its NameQualifier and the like."""
    made = etree.Element(q("saml:NameID"), nsmap={"saml": NAMES["saml"]})
    for name, value in ({"Format": format} | qualifiers).items():
        if value is not None:
            made.set(name, value)
    made.text = text
    return made


def _message(tag, issuer, destination, id, version, issue_instant, **attributes):
    root = etree.Element(q(tag), nsmap={k: NAMES[k] for k in ("samlp", "saml")})
    usual = {"ID": new_id() if id is ... else id, "Version": version, "IssueInstant": moment(issue_instant),
             "Destination": destination}
    for name, value in (usual | attributes).items():
        if value is not None:
            root.set(name, value)
    if issuer is not None:
        child(root, "saml:Issuer", issuer)
    return root


def build_request(issuer, destination, names=(), indexes=(), *, id=..., version="2.0", issue_instant=0,
                  not_on_or_after=300, extensions=()):
    """A `samlp:LogoutRequest` about a person of these `names` (elements; usually one), and these of their sessions."""
    until = moment(not_on_or_after)
    root = _message("samlp:LogoutRequest", issuer, destination, id, version, issue_instant, NotOnOrAfter=until)
    if extensions:
        child(root, "samlp:Extensions").extend(extensions)
    root.extend(names)
    for index in indexes:
        child(root, "samlp:SessionIndex", index)
    return root


def build_response(issuer, destination, in_response_to, *, id=..., version="2.0", issue_instant=0, status=SUCCESS,
                   sub_status=None):
    """A `samlp:LogoutResponse`."""
    answers = {"InResponseTo": in_response_to}
    root = _message("samlp:LogoutResponse", issuer, destination, id, version, issue_instant, **answers)
    if status is not None:
        code = child(child(root, "samlp:Status"), "samlp:StatusCode", Value=status)
        if sub_status:
            child(code, "samlp:StatusCode", Value=sub_status)
    return root


# -- as they are sent --------------------------------------------------------------------------------------------------


def deflate(document):
    """A tree, or octets, as raw DEFLATE."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(document if isinstance(document, bytes) else serialise(document)) + squeeze.flush()


def upper(text):
    """Escapes for URLs as most write them."""
    return urllib.parse.quote(text, safe="")


def lower(text):
    """The same with small letters, as by .NET."""
    return "".join(part.lower() if part.startswith("%") else part for part in _split(upper(text)))


def plus(text):
    """The same with a plus for a blank, as by PHP and Java."""
    return upper(text).replace("%20", "+")


def every(text):
    """An escape for each octet."""
    return "".join(f"%{octet:02X}" for octet in text.encode())


def _split(escaped):
    at = 0
    while at < len(escaped):
        width = 3 if escaped[at] == "%" else 1
        yield escaped[at : at + width]
        at += width


def redirect_query(parameter, document, relay_state=None, key=None, algorithm=..., escape=upper, packed=None):
    """The query of the Redirect binding, signed over its octets if there is a `key`. `packed` replaces the
    parameter's value."""
    packed = base64.b64encode(deflate(document)).decode() if packed is None else packed
    parts = [f"{parameter}={escape(packed)}"]
    parts += [] if relay_state is None else [f"RelayState={escape(relay_state)}"]
    if key is None:
        return "&".join(parts)
    algorithm = key.algorithm if algorithm is ... else algorithm
    parts += [f"SigAlg={escape(SIGNATURES[algorithm][0])}"]
    signed = "&".join(parts)
    return f"{signed}&Signature={escape(signature_value(signed.encode(), key, algorithm))}"


def at(location, query):
    """An address with this query behind its own."""
    return f"{location}{'&' if '?' in location else '?'}{query}"


def post_fields(parameter, document, relay_state=None, key=None, **how):
    """The form's fields of the POST binding, the document signed in itself if there is a `key` (see `sign`)."""
    if key is not None:
        sign(document, key, **how)
    octets = document if isinstance(document, bytes) else serialise(document)
    fields = {parameter: base64.b64encode(octets).decode()}
    return fields | ({} if relay_state is None else {"RelayState": relay_state})


# -- as they are read --------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Message:
    """A LogoutRequest or LogoutResponse as it came."""

    root: etree._Element
    relay_state: str = None

    @property
    def kind(self):
        """Its element's name without the namespace."""
        return etree.QName(self.root).localname

    @property
    def id(self):
        """Its ID."""
        return self.root.get("ID")

    @property
    def issuer(self):
        """Whose it is; the issuer stands first."""
        assert self.root[0].tag == q("saml:Issuer"), self.root[0].tag
        return self.root[0].text

    @property
    def name(self):
        """The text and the attributes of its NameID."""
        made = find(self.root, "saml:NameID")
        return made.text, dict(made.attrib)

    @property
    def indexes(self):
        """Its SessionIndexes."""
        return [made.text for made in self.root.findall("samlp:SessionIndex", NAMES)]

    @property
    def status(self):
        """Its status, and those below."""
        return [code.get("Value") for code in self.root.iter(q("samlp:StatusCode"))]


def parts_of(url):
    """The parameters of a URL as they stand there, by name."""
    pairs = [part for part in urllib.parse.urlsplit(url).query.split("&") if part]
    parts = {part.partition("=")[0]: part for part in pairs}
    assert len(parts) == len(pairs), f"a parameter stands twice: {url}"
    return parts


def values_of(url):
    """The same as what they mean."""
    return {name: urllib.parse.unquote_plus(part.partition("=")[2]) for name, part in parts_of(url).items()}


def read_redirect(url, parameter):
    """The message in a URL."""
    values = values_of(url)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    octets = inflate.decompress(base64.b64decode(values[parameter], validate=True)) + inflate.flush()
    assert inflate.eof and not inflate.unused_data, "raw DEFLATE and nothing after it"
    root = parse(octets)
    assert find(root, "ds:Signature") is None, "the URL is signed, not the document"
    return Message(root, values.get("RelayState"))


def verify_redirect(url, parameter, certificate_pem):
    """Fails unless the URL is signed by the key of this certificate, over the octets that stand in it, in that
    order."""
    parts, values = parts_of(url), values_of(url)
    order = [name for name in parts if name in (parameter, "RelayState", "SigAlg", "Signature")]
    assert order == [name for name in (parameter, "RelayState", "SigAlg", "Signature") if name in parts], order
    signed = "&".join(parts[name] for name in order[:-1])
    signature = base64.b64decode(values["Signature"], validate=True)
    verify_octets(signed.encode(), signature, certificate_pem, values["SigAlg"])


def read_post(fields, parameter):
    """The message in a form's fields."""
    return Message(parse(base64.b64decode(fields[parameter], validate=True)), fields.get("RelayState"))


def verify_post(fields, parameter, certificate_pem):
    """Fails unless the document is signed by the key of this certificate, as a whole."""
    xmlsec1.verify(base64.b64decode(fields[parameter]), certificate_pem)


def with_bindings(metadata, bindings):
    """A service provider's metadata as text, with those of its addresses for logouts that have one of these
    bindings."""
    root = parse(metadata.encode())
    for service in root.findall(".//md:SingleLogoutService", NAMES):
        if service.get("Binding") not in [f"{BINDING}HTTP-{name}" for name in bindings]:
            service.getparent().remove(service)
    return serialise(root).decode()


# -- an identity provider ----------------------------------------------------------------------------------------------


class LogoutProvider(IdentityProvider):
    """One at which people can log out too, at `slo_url`. `services` are (binding, address[, address for responses])
    in its metadata; both bindings at `slo_url` unless told."""

    def __init__(self, entity_id, sso_url, slo_url, key=None, services=None):
        super().__init__(entity_id, sso_url, key)
        self.slo_url = slo_url
        self.services = [("HTTP-Redirect", slo_url), ("HTTP-POST", slo_url)] if services is None else services

    def metadata(self):
        """Its metadata as text."""
        root = parse(super().metadata().encode())
        first = find(root, ".//md:NameIDFormat")
        for binding, location, *answers in self.services:
            made = etree.Element(q("md:SingleLogoutService"), {"Binding": BINDING + binding, "Location": location})
            if answers:
                made.set("ResponseLocation", answers[0])
            first.addprevious(made)
        return serialise(root).decode()

    def request(self, destination, names, indexes=(), issuer=..., **changes):
        """An unsigned LogoutRequest of its own; see `build_request`."""
        return build_request(self.entity_id if issuer is ... else issuer, destination, names, indexes, **changes)

    def response(self, destination, in_response_to, issuer=..., **changes):
        """An unsigned LogoutResponse of its own; see `build_response`."""
        return build_response(self.entity_id if issuer is ... else issuer, destination, in_response_to, **changes)
