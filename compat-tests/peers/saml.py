"""A SAML 2.0 identity provider without a server: it reads requests and makes responses, good ones and such as no provider would.

Keyword arguments whose default is `...` have a usual value; None leaves the part out.
"""

import base64
import dataclasses
import datetime
import secrets
import urllib.parse
import zlib

from lxml import etree

from peers.saml_signatures import Key, sign, verify_octets
from peers.saml_xml import DS, MD, NAMES, SAMLP, child, find, parse, q, serialise

BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS = f"{STATUS}Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
SENDER_VOUCHES = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"


def new_id():
    """An ID that nothing else has."""
    return f"_{secrets.token_hex(16)}"


def moment(value):
    """Seconds from now as `xs:dateTime`; text stays as it is."""
    if not isinstance(value, (int, float)):
        return value
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=value)).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode(document):
    """A tree, octets or text as the form field `SAMLResponse`."""
    document = document.encode() if isinstance(document, str) else document
    return base64.b64encode(document if isinstance(document, bytes) else serialise(document)).decode()


# -- responses ------------------------------------------------------------------------------------------------------------


def build_response(issuer, request=None, *, version="2.0", response_id=..., response_issuer=..., destination=...,
                   in_response_to=..., status=SUCCESS, sub_status=None, status_message=None, issue_instant=0, assertion=True,
                   **of_assertion):
    """A `samlp:Response` by this issuer to a `Request`, with one assertion (`assertion=False`: none) that `build_assertion` makes
    of the remaining arguments. Times are seconds from now, or text."""
    acs = request.acs_url if request else None
    root = etree.Element(q("samlp:Response"), nsmap={k: NAMES[k] for k in ("samlp", "saml", "xs", "xsi")})
    attributes = {
        "ID": new_id() if response_id is ... else response_id,
        "Version": version,
        "IssueInstant": moment(issue_instant),
        "Destination": acs if destination is ... else destination,
        "InResponseTo": (request.id if request else None) if in_response_to is ... else in_response_to,
    }
    for name, value in attributes.items():
        if value is not None:
            root.set(name, value)
    response_issuer = issuer if response_issuer is ... else response_issuer
    if response_issuer is not None:
        child(root, "saml:Issuer", response_issuer)
    if status is not None:
        at = child(root, "samlp:Status")
        code = child(at, "samlp:StatusCode", Value=status)
        if sub_status:
            child(code, "samlp:StatusCode", Value=sub_status)
        if status_message:
            child(at, "samlp:StatusMessage", status_message)
    if assertion:
        root.append(build_assertion(issuer, request, **of_assertion))
    return root


def build_assertion(issuer, request=None, *, assertion_version="2.0", assertion_id=..., assertion_issuer=..., assertion_instant=0,
                    subject=True, name_id=..., name_id_format=PERSISTENT, method=BEARER, recipient=..., confirmed_from=None,
                    confirmed_until=300, confirmed_request=..., conditions=True, not_before=-5, not_on_or_after=300,
                    audiences=..., more_conditions=(), authn=True, authn_instant=0, session_index=...,
                    session_not_on_or_after=None, context_class=PASSWORD, attributes=None, friendly_names=None):
    """A `saml:Assertion`.

    `method=None` leaves the SubjectConfirmation out. `confirmed_from`, `confirmed_until` and `confirmed_request` are the times
    and the InResponseTo of its data. `audiences` is a list of AudienceRestrictions, each a list. `attributes` maps names to
    lists of values (a value None is `xsi:nil`), `friendly_names` some of these names to others.
    """
    usual = {"recipient": request.acs_url, "request": request.id, "audience": request.issuer} if request else {}
    root = etree.Element(q("saml:Assertion"), nsmap={k: NAMES[k] for k in ("saml", "xs", "xsi")})
    header = {"ID": new_id() if assertion_id is ... else assertion_id, "Version": assertion_version,
              "IssueInstant": moment(assertion_instant)}
    for name, value in header.items():
        if value is not None:
            root.set(name, value)
    assertion_issuer = issuer if assertion_issuer is ... else assertion_issuer
    if assertion_issuer is not None:
        child(root, "saml:Issuer", assertion_issuer)
    if subject:
        at = child(root, "saml:Subject")
        if name_id is not None:
            child(at, "saml:NameID", f"person-{secrets.token_hex(6)}" if name_id is ... else name_id, Format=name_id_format)
        if method:
            child(child(at, "saml:SubjectConfirmation", Method=method), "saml:SubjectConfirmationData",
                  NotBefore=moment(confirmed_from), NotOnOrAfter=moment(confirmed_until),
                  Recipient=usual.get("recipient") if recipient is ... else recipient,
                  InResponseTo=usual.get("request") if confirmed_request is ... else confirmed_request)
    if conditions:
        at = child(root, "saml:Conditions", NotBefore=moment(not_before), NotOnOrAfter=moment(not_on_or_after))
        for restriction in ([[usual.get("audience")]] if audiences is ... else audiences):
            listed = child(at, "saml:AudienceRestriction")
            for audience in restriction:
                child(listed, "saml:Audience", audience)
        for condition in more_conditions:
            at.append(condition)
    if authn:
        at = child(root, "saml:AuthnStatement", AuthnInstant=moment(authn_instant),
                   SessionIndex=new_id() if session_index is ... else session_index,
                   SessionNotOnOrAfter=moment(session_not_on_or_after))
        child(child(at, "saml:AuthnContext"), "saml:AuthnContextClassRef", context_class)
    if attributes:
        at = child(root, "saml:AttributeStatement")
        for name, values in attributes.items():
            listed = child(at, "saml:Attribute", Name=name, NameFormat=BASIC, FriendlyName=(friendly_names or {}).get(name))
            for value in [values] if isinstance(values, str) else values:
                made = child(listed, "saml:AttributeValue", value)
                made.set(q("xsi:nil" if value is None else "xsi:type"), "true" if value is None else "xs:string")
    return root


def assertion_of(response):
    """The assertion right below a Response."""
    return find(response, "saml:Assertion")


# -- requests -------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Request:
    """An AuthnRequest as it came."""

    id: str
    issuer: str
    acs_url: str
    destination: str = None
    force_authn: bool = False
    is_passive: bool = False
    relay_state: str = None
    name_id_format: str = None
    root: etree._Element = None

    @classmethod
    def read(cls, octets, relay_state):
        """Reads a document that must be one."""
        root = parse(octets)
        assert root.tag == q("samlp:AuthnRequest") and root.get("Version") == "2.0", root.tag
        assert root[0].tag == q("saml:Issuer"), "the issuer stands first"
        policy = find(root, "samlp:NameIDPolicy")

        def truth(name):
            return root.get(name) in ("true", "1")

        return cls(root.get("ID"), root[0].text, root.get("AssertionConsumerServiceURL"), root.get("Destination"),
                   truth("ForceAuthn"), truth("IsPassive"), relay_state, None if policy is None else policy.get("Format"), root)


def _parts(url):
    """The parameters of a URL as they stand there, by name."""
    pairs = [part for part in urllib.parse.urlsplit(url).query.split("&") if part]
    parts = {part.split("=", 1)[0]: part for part in pairs}
    assert len(parts) == len(pairs), f"a parameter stands twice: {url}"
    return parts


def _values(url):
    """The same as what they mean."""
    return {name: urllib.parse.unquote_plus(part.partition("=")[2]) for name, part in _parts(url).items()}


def read_redirect(url):
    """The request in a URL of the Redirect binding (SAML bindings, section 3.4.4)."""
    values = _values(url)
    assert "SAMLEncoding" not in values, "there is one encoding"
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    octets = inflate.decompress(base64.b64decode(values["SAMLRequest"], validate=True)) + inflate.flush()
    assert inflate.eof and not inflate.unused_data, "raw DEFLATE and nothing after it"
    return Request.read(octets, values.get("RelayState"))


def verify_redirect(url, certificate_pem):
    """Fails unless the URL is signed by the key of this certificate, over the octets that stand in it (section 3.4.4.1)."""
    parts = _parts(url)
    signed = "&".join(parts[name] for name in ("SAMLRequest", "RelayState", "SigAlg") if name in parts)
    values = _values(url)
    verify_octets(signed.encode(), base64.b64decode(values["Signature"], validate=True), certificate_pem, values["SigAlg"])


def read_post(fields):
    """The request in the fields of a form of the POST binding (section 3.5.4)."""
    return Request.read(base64.b64decode(fields["SAMLRequest"]), fields.get("RelayState"))


class IdentityProvider:
    """An identity provider by the name `entity_id`, to which browsers come at `sso_url`."""

    def __init__(self, entity_id, sso_url, key=None):
        self.entity_id, self.sso_url, self.key = entity_id, sso_url, key or Key()

    @property
    def certificate_pem(self):
        """Its certificate."""
        return self.key.certificate_pem

    def metadata(self):
        """Its metadata as text."""
        root = etree.Element(q("md:EntityDescriptor"), {"entityID": self.entity_id}, nsmap={"md": MD, "ds": DS})
        role = child(root, "md:IDPSSODescriptor", protocolSupportEnumeration=SAMLP, WantAuthnRequestsSigned="false")
        info = child(child(role, "md:KeyDescriptor", use="signing"), "ds:KeyInfo")
        pem = "".join(self.certificate_pem.strip().splitlines()[1:-1])
        child(child(info, "ds:X509Data"), "ds:X509Certificate", pem)
        child(role, "md:NameIDFormat", PERSISTENT)
        for binding in ("HTTP-Redirect", "HTTP-POST"):
            child(role, "md:SingleSignOnService", Binding=BINDING + binding, Location=self.sso_url)
        return serialise(root).decode()

    def read_redirect(self, url):
        """The request with which a browser comes to `sso_url`."""
        assert url.startswith(self.sso_url), url
        return read_redirect(url)

    verify_redirect = staticmethod(verify_redirect)
    read_post = staticmethod(read_post)

    def build(self, request, **parts):
        """An unsigned response to a request; see `build_response`."""
        return build_response(self.entity_id, request, **parts)

    def sign(self, response, what="assertion", key=None, **how):
        """Signs the `assertion`, the `response`, or `both` of a response (see `sign`); the response."""
        if what in ("assertion", "both"):
            sign(assertion_of(response), key or self.key, **how)
        if what in ("response", "both"):
            sign(response, key or self.key, **how)
        return response

    def respond(self, request, what="assertion", **parts):
        """A signed response to a request."""
        return self.sign(self.build(request, **parts), what)
