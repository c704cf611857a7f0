"""A SAML 2.0 identity provider without a server: it reads requests and makes responses, good ones and such as no provider would.

Everything is signed by hand (XML Signature 1.1 by lxml's canonicalisation and `cryptography`), so that each part of a signature
can be wrong by itself. Keyword arguments whose default is `...` have a usual value; None leaves the part out.
"""

import base64
import dataclasses
import datetime
import hashlib
import re
import secrets
import urllib.parse
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
MD, DS = "urn:oasis:names:tc:SAML:2.0:metadata", "http://www.w3.org/2000/09/xmldsig#"
XS, XSI = "http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"
NAMES = {"saml": SAML, "samlp": SAMLP, "md": MD, "ds": DS, "xs": XS, "xsi": XSI}

BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS = f"{STATUS}Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
SENDER_VOUCHES = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"

EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
TRANSFORMS = {
    "enveloped": f"{DS}enveloped-signature",
    "exc-c14n": EXC_C14N,
    "exc-c14n-comments": f"{EXC_C14N}WithComments",
    "c14n": C14N,
    "c14n-comments": f"{C14N}#WithComments",
    "base64": f"{DS}base64",
    "xpath": "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "xslt": "http://www.w3.org/TR/1999/REC-xslt-19991116",
}
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
# Name: (URI, hash).
SIGNATURES = {
    "rsa-sha1": (f"{DS}rsa-sha1", hashes.SHA1),
    "rsa-sha256": (f"{_MORE}rsa-sha256", hashes.SHA256),
    "rsa-sha384": (f"{_MORE}rsa-sha384", hashes.SHA384),
    "rsa-sha512": (f"{_MORE}rsa-sha512", hashes.SHA512),
    "ecdsa-sha1": (f"{_MORE}ecdsa-sha1", hashes.SHA1),
    "ecdsa-sha256": (f"{_MORE}ecdsa-sha256", hashes.SHA256),
    "ecdsa-sha384": (f"{_MORE}ecdsa-sha384", hashes.SHA384),
    "ecdsa-sha512": (f"{_MORE}ecdsa-sha512", hashes.SHA512),
    "hmac-sha1": (f"{DS}hmac-sha1", hashes.SHA1),
    "hmac-sha256": (f"{_MORE}hmac-sha256", hashes.SHA256),
}
DIGESTS = {
    "sha1": f"{DS}sha1",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": f"{_MORE}sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}


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


def new_id():
    """An ID that nothing else has."""
    return f"_{secrets.token_hex(16)}"


def moment(value):
    """Seconds from now as `xs:dateTime`; text stays as it is."""
    if not isinstance(value, (int, float)):
        return value
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=value)).strftime("%Y-%m-%dT%H:%M:%SZ")


def serialise(tree):
    """The octets of a tree, without a declaration."""
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=False, with_tail=False)


def encode(document):
    """A tree, octets or text as the form field `SAMLResponse`."""
    document = document.encode() if isinstance(document, str) else document
    return base64.b64encode(document if isinstance(document, bytes) else serialise(document)).decode()


class Key:
    """A private key (`rsa` or `ec`) with a certificate signed by itself."""

    def __init__(self, kind="rsa", bits=2048, curve=None, name="idp"):
        self.private = ec.generate_private_key(curve or ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, bits)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(subject, subject, self.private.public_key(), x509.random_serial_number(),
                                          now - datetime.timedelta(days=1), now + datetime.timedelta(days=365))
        self.certificate = builder.sign(self.private, hashes.SHA256())
        self.certificate_der = self.certificate.public_bytes(Encoding.DER)
        self.certificate_pem = self.certificate.public_bytes(Encoding.PEM).decode()
        self.public_der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public_pem = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def algorithm(self):
        """What it signs with unless told."""
        return "rsa-sha256" if isinstance(self.private, rsa.RSAPrivateKey) else "ecdsa-sha256"


# -- signatures -----------------------------------------------------------------------------------------------------------


def canonical(element, transform="exc-c14n", prefixes=None):
    """The element's octets by one of the four canonicalisations, in the place where it stands."""
    comments, exclusive = transform.endswith("comments"), transform.startswith("exc")
    listed = prefixes.split() if prefixes and exclusive else None
    for prefix in listed or ():
        # lxml drops prefixes that no parser of this thread has read yet.
        if prefix != "#default":
            etree.fromstring(f'<x xmlns:{prefix}="urn:x"/>')
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=comments, inclusive_ns_prefixes=listed)


def transformed(element, transforms, prefixes=None):
    """What is digested of an element that does not hold the signature yet. XPath and XSLT keep all of it here."""
    for transform in transforms:
        if transform == "base64":
            text = re.sub("[^A-Za-z0-9+/]", "", "".join(element.itertext()))
            return base64.b64decode(text[: len(text) // 4 * 4])
        if isinstance(transform, str) and "c14n" in transform:
            element = canonical(element, transform, prefixes) if not isinstance(element, bytes) else element
    return element if isinstance(element, bytes) else canonical(element, "c14n")


def digest(octets, algorithm="sha256"):
    """The text of a DigestValue."""
    return base64.b64encode(hashlib.new(algorithm, octets).digest()).decode()


def signature_value(octets, key, algorithm):
    """The text of a SignatureValue: by a `Key`, or by octets for HMAC; empty for an algorithm that is none."""
    if algorithm not in SIGNATURES:
        return ""
    kind, hash = algorithm.split("-")[0], SIGNATURES[algorithm][1]()
    if kind == "hmac":
        mac = hmac.HMAC(key, hash)
        mac.update(octets)
        made = mac.finalize()
    elif kind == "rsa":
        made = key.private.sign(octets, padding.PKCS1v15(), hash)
    else:
        size = (key.private.curve.key_size + 7) // 8
        made = b"".join(n.to_bytes(size, "big") for n in decode_dss_signature(key.private.sign(octets, ec.ECDSA(hash))))
    return base64.b64encode(made).decode()


def verify_octets(octets, signature, certificate_pem, algorithm_uri):
    """Fails unless the octets were signed by the key of this certificate."""
    name, (_, hash) = next((n, s) for n, s in SIGNATURES.items() if s[0] == algorithm_uri)
    public = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    if name.startswith("rsa"):
        public.verify(signature, octets, padding.PKCS1v15(), hash())
    else:
        half = len(signature) // 2
        der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        public.verify(der, octets, ec.ECDSA(hash()))


def reference_of(info, target, uri, transforms, digest_algorithm, prefixes):
    """A Reference to what `target` is (an element, or octets that are digested as they are)."""
    reference = child(info, "ds:Reference", URI=uri)
    listed = child(reference, "ds:Transforms") if transforms else None
    for transform in transforms:
        if not isinstance(transform, str):
            listed.append(transform)
            continue
        made = child(listed, "ds:Transform", Algorithm=TRANSFORMS.get(transform, transform))
        if prefixes and transform.startswith("exc-c14n"):
            etree.SubElement(made, f"{{{EXC_C14N}}}InclusiveNamespaces", {"PrefixList": prefixes}, nsmap={"ec": EXC_C14N})
    octets = target if isinstance(target, bytes) else transformed(target, transforms, prefixes)
    child(reference, "ds:DigestMethod", Algorithm=DIGESTS.get(digest_algorithm, digest_algorithm))
    child(reference, "ds:DigestValue", digest(octets, digest_algorithm))
    return reference


def sign(element, key, *, algorithm=..., digest_algorithm="sha256", transforms=("enveloped", "exc-c14n"), prefixes=None, uri=...,
         target=None, references=None, canonicalisation="exc-c14n", certificate=..., into=None):
    """Puts a Signature into an element, after its Issuer; the Signature.

    `transforms` are names of `TRANSFORMS`, URIs, or ready elements; `prefixes` an InclusiveNamespaces PrefixList; `uri` the URI
    of the Reference and `target` what is digested (an element or octets), both the signed element's by default; `references`
    replaces them by several pairs of both. `certificate` is the PEM for KeyInfo, `into` another element that holds the Signature
    as its last child.
    """
    algorithm = key.algorithm if algorithm is ... else algorithm
    if references is None:
        references = [(f"#{element.get('ID')}" if uri is ... else uri, element if target is None else target)]
    signature = etree.Element(q("ds:Signature"), nsmap={"ds": DS})
    info = child(signature, "ds:SignedInfo")
    child(info, "ds:CanonicalizationMethod", Algorithm=TRANSFORMS[canonicalisation])
    child(info, "ds:SignatureMethod", Algorithm=SIGNATURES.get(algorithm, (algorithm,))[0])
    for place, what in references:
        reference_of(info, what, place, transforms, digest_algorithm, prefixes)
    value = child(signature, "ds:SignatureValue")
    if certificate is ...:
        certificate = key.certificate_pem if isinstance(key, Key) else None
    if certificate:
        data = child(child(signature, "ds:KeyInfo"), "ds:X509Data")
        child(data, "ds:X509Certificate", "".join(certificate.strip().splitlines()[1:-1]))
    issuer = find(element, "saml:Issuer")
    if into is not None:
        into.append(signature)
    elif issuer is not None:
        issuer.addnext(signature)
    else:
        element.insert(0, signature)
    value.text = signature_value(canonical(info, canonicalisation), key, algorithm)
    return signature


def resign(signature, key, algorithm=...):
    """Signs SignedInfo anew, as it stands now."""
    octets = canonical(find(signature, "ds:SignedInfo"))
    find(signature, "ds:SignatureValue").text = signature_value(octets, key, key.algorithm if algorithm is ... else algorithm)


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
