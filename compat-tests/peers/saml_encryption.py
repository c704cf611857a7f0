"""XML Encryption 1.1 by hand (`cryptography`): elements of SAML encrypted for a certificate."""

import base64
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from peers.saml_xml import DS, SAML, q, serialise

XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
# Name: (URI, octets of its key).
ALGORITHMS = {
    "aes128-cbc": (f"{XENC}aes128-cbc", 16),
    "aes256-cbc": (f"{XENC}aes256-cbc", 32),
    "aes128-gcm": (f"{XENC11}aes128-gcm", 16),
    "aes256-gcm": (f"{XENC11}aes256-gcm", 32),
}


def _ciphertext(octets, key, algorithm):
    if algorithm.endswith("gcm"):
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, octets, None)
    vector, missing = os.urandom(16), 16 - len(octets) % 16
    cipher = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return vector + cipher.update(octets + bytes(missing - 1) + bytes([missing])) + cipher.finalize()


def _enc(parent, name, **attributes):
    return etree.SubElement(parent, f"{{{XENC}}}{name}", attributes)


def _value(parent, octets):
    _enc(_enc(parent, "CipherData"), "CipherValue").text = base64.b64encode(octets).decode()


def encrypted(content, certificate_pem, wrapper="saml:EncryptedID", algorithm="aes256-gcm"):
    """An element `wrapper` that holds `content` (an element, or octets) encrypted for this certificate's key
    (RSA-OAEP)."""
    uri, size = ALGORITHMS[algorithm]
    key, public = os.urandom(size), x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    octets = content if isinstance(content, bytes) else serialise(content)
    root = etree.Element(q(wrapper), nsmap={"saml": SAML})
    kind, names = {"Type": f"{XENC}Element"}, {"xenc": XENC, "ds": DS}
    data = etree.SubElement(root, f"{{{XENC}}}EncryptedData", kind, nsmap=names)
    _enc(data, "EncryptionMethod", Algorithm=uri)
    carried = _enc(etree.SubElement(data, q("ds:KeyInfo")), "EncryptedKey")
    method = _enc(carried, "EncryptionMethod", Algorithm=f"{XENC}rsa-oaep-mgf1p")
    etree.SubElement(method, q("ds:DigestMethod"), {"Algorithm": f"{DS}sha1"})
    # The hash is the standard's own choice for this key transport (XML Encryption 1.1, section 5.5.2).
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    _value(carried, public.encrypt(key, oaep))
    _value(data, _ciphertext(octets, key, algorithm))
    return root
