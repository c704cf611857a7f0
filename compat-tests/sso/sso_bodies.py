"""Bodies of configurations of every kind, as the SSO face takes them: of peers of the tests, and of ones that are not there."""

from harness import unique
from peers import directory as ldap_tree
from peers.authority import self_signed
from peers.broken_oidc import WELL_KNOWN

CERTIFICATE, KEY = self_signed("idp.example.com")
SP_CERTIFICATE, SP_KEY = self_signed("zcf.example.com")
KINDS = {"OIDC": "oidc", "SAML": "saml", "LDAP": "ldap"}
BLOCKS = {"OIDC": "oidcConfig", "SAML": "samlConfig", "LDAP": "ldapConfig"}
SECRETS = {"OIDC": "clientSecret", "LDAP": "bindPassword"}


def invented(prefix):
    """The URL of a host that nobody has."""
    return f"https://{unique(prefix)}.example.com"


def oidc(issuer=None, secret="s3cr3t of a client", block=None, **fields):
    """A configuration of an OpenID provider that is not there, unless `issuer` says which. `block` are members of its block."""
    inner = {"clientId": "my-client-id", "wellKnownUrl": f"{issuer or invented('idp')}/{WELL_KNOWN}"}
    return _body("OIDC", inner | ({"clientSecret": secret} if secret else {}), block, fields)


def saml(entity_id=None, block=None, **fields):
    """A configuration of a SAML identity provider by its members, all of them made up."""
    at = entity_id or f"{invented('saml')}/metadata"
    return _body(
        "SAML", {"idpEntityId": at, "idpSsoUrl": "https://idp.example.com/saml/sso", "idpCertificate": CERTIFICATE}, block, fields
    )


def by_metadata(url, block=None, **fields):
    """A configuration of a SAML identity provider by where its metadata is."""
    return _body("SAML", {"idpMetadataUrl": url}, block, fields)


def ldap(address=None, block=None, **fields):
    """A configuration of a directory that is not there, unless `address` says which."""
    inner = {
        "serverAddress": address or f"{unique('ldap')}.example.com",
        "baseDn": ldap_tree.BASE,
        "bindDn": ldap_tree.SERVICE,
        "bindPassword": ldap_tree.SERVICE_PASSWORD,
    }
    return _body("LDAP", inner, block, fields)


def of_directory(directory, tls=False, block=None, **fields):
    """A configuration of a directory of the tests."""
    port = directory.tls_port if tls else directory.port
    return ldap("127.0.0.1", {"port": port, "useSsl": tls} | (block or {}), **fields)


def any_kind(kind, **options):
    """A configuration of this provider type."""
    return {"OIDC": oidc, "SAML": saml, "LDAP": ldap}[kind](**options)


def _body(kind, inner, block, fields):
    inner = {k: v for k, v in (inner | (block or {})).items() if v is not None}
    whole = {"displayName": unique("Corporate SSO"), "providerType": kind, BLOCKS[kind]: inner} | fields
    return {k: v for k, v in whole.items() if v is not ...}
