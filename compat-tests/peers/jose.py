"""JSON Web Tokens as an OpenID provider signs them, and as it never would: RFC 7515, 7517, 7518, 9068."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def b64(data):
    """base64url without padding, as text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    """The bytes of a base64url text without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, length=None):
    """An integer as a JWK member."""
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def part(value):
    """A header or claims set as the part of a token."""
    return b64(json.dumps(value, ensure_ascii=False).encode())


def decode(token):
    """Header and claims of a token; nothing is verified."""
    head, body, _ = token.split(".")
    return json.loads(unb64(head)), json.loads(unb64(body))


class Key:
    """A private key with its `kid`: RS256 (RSA, 2048 bits unless told), ES256 or EdDSA."""

    def __init__(self, kid, alg="RS256", bits=2048):
        self.kid, self.alg = kid, alg
        if alg == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
        elif alg == "EdDSA":
            self.key = ed25519.Ed25519PrivateKey.generate()
        else:
            self.key = rsa.generate_private_key(65537, bits)

    def public_jwk(self):
        """The JWK that a provider shows."""
        common = {"kid": self.kid, "alg": self.alg, "use": "sig"}
        if self.alg == "ES256":
            at = self.key.public_key().public_numbers()
            return common | {"kty": "EC", "crv": "P-256", "x": number(at.x, 32), "y": number(at.y, 32)}
        if self.alg == "EdDSA":
            return common | {"kty": "OKP", "crv": "Ed25519", "x": b64(self.key.public_key().public_bytes_raw())}
        public = self.key.public_key().public_numbers()
        return common | {"kty": "RSA", "n": number(public.n), "e": number(public.e)}

    def private_jwk(self):
        """The JWK that a provider signs with."""
        if self.alg == "ES256":
            return self.public_jwk() | {"d": number(self.key.private_numbers().private_value, 32)}
        if self.alg == "EdDSA":
            return self.public_jwk() | {"d": b64(self.key.private_bytes_raw())}
        own = self.key.private_numbers()
        members = {"d": own.d, "p": own.p, "q": own.q, "dp": own.dmp1, "dq": own.dmq1, "qi": own.iqmp}
        return self.public_jwk() | {name: number(value) for name, value in members.items()}

    def signature(self, message):
        """The signature over these bytes."""
        if self.alg == "ES256":
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if self.alg == "EdDSA":
            return self.key.sign(message)
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def sign(self, claims, **header):
        """A token. Members of `header` replace those of the usual one (None: leave out)."""
        head = {"alg": self.alg, "kid": self.kid, "typ": "at+jwt"} | header
        text = f"{part({k: v for k, v in head.items() if v is not None})}.{part(claims)}"
        return f"{text}.{b64(self.signature(text.encode()))}"


def unsigned(claims, alg="none", signature=""):
    """A token that nobody signed."""
    return f"{part({'alg': alg, 'typ': 'at+jwt'})}.{part(claims)}.{signature}"


def symmetric(claims, secret, kid):
    """A token signed by HMAC with something public as its secret."""
    text = f"{part({'alg': 'HS256', 'kid': kid, 'typ': 'at+jwt'})}.{part(claims)}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"
