"""XML Signature 1.1 by hand (lxml's canonicalisation and `cryptography`): each part of a signature can be wrong by itself."""

import base64
import datetime
import hashlib
import re

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from peers.saml_xml import DS, child, find, q

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
