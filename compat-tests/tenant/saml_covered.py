"""Sign-ins by SAML whose assertions are encrypted by hand, for a certificate of the tenant's or anybody's."""

from peers import saml
from peers.saml_encryption import encrypted
from saml_cases import begin, send


def comes_encrypted(way, client, browser, certificate, what="assertion", algorithm="aes256-gcm", **parts):
    """A sign-in attempt whose assertion is encrypted for this certificate: the case and the answer."""
    case = begin(way, client, browser)
    return case, send(case, covered(case, certificate, what, algorithm, **parts))


def covered(case, certificate, what="assertion", algorithm="aes256-gcm", **parts):
    """A response of the case: the `assertion` signed before it is encrypted, the `response` around it, or `both`."""
    tree = case.build(**parts)
    if what in ("assertion", "both"):
        case.idp.sign(tree)
    assertion = saml.assertion_of(tree)
    tree.replace(assertion, encrypted(assertion, certificate, "saml:EncryptedAssertion", algorithm))
    if what in ("response", "both"):
        case.idp.sign(tree, "response")
    return tree
