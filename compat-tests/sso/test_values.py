"""Types and values of every field of an SSO configuration: what is none is refused by its name (sso-api.md 3.1, 3.2)."""

import json

import pytest

from harness import unique
from sso_bodies import BLOCKS, CERTIFICATE, SP_KEY, any_kind, ldap, oidc
from sso_calls import CONFIGURATIONS, any_made, create, path_of, problem, send


TEXTS = {
    "OIDC": ["clientId", "clientSecret", "wellKnownUrl", "redirectUri", "scope", "configName"],
    "SAML": [
        "idpEntityId",
        "idpSsoUrl",
        "idpSloUrl",
        "idpCertificate",
        "idpMetadataUrl",
        "spEntityId",
        "nameIdFormat",
        "spCertificatePem",
        "spPrivateKeyPem",
    ],
    "LDAP": [
        "serverAddress",
        "baseDn",
        "bindDn",
        "bindPassword",
        "userSearchBase",
        "userSearchFilter",
        "caCertificatePem",
        "groupSearchBase",
        "groupSearchFilter",
    ],
}
SWITCHES = {"SAML": ["signRequests", "forceAuthn", "requireSignedAssertion", "allowSha1"], "LDAP": ["useSsl", "useStartTls"]}
TYPES = (
    [(f"{BLOCKS[kind]}.{name}", value) for kind, names in TEXTS.items() for name in names for value in (7, True, ["x"], {"a": 1})]
    + [(f"{BLOCKS[kind]}.{name}", value) for kind, names in SWITCHES.items() for name in names for value in ("true", 1, [])]
    + [("ldapConfig.port", value) for value in ("389", 1.5, True, [389])]
    + [("ldapConfig.servers", value) for value in ("a.example.com", {}, 7)]
    + [
        (name, value)
        for name in ("displayName", "providerType", "protocol", "userProvisioning", "groupProvisioning")
        for value in (7, True, [], {})
    ]
    + [("enabled", value) for value in ("true", 1, [])]
    + [(name, value) for name in BLOCKS.values() for value in ("x", 7, [], True)]
    + [("attributeMappings", value) for value in ("x", 7, [], True)]
    + [("groupMappings", value) for value in ("x", 7, {}, True)]
)


@pytest.mark.parametrize(("name", "value"), TYPES, ids=lambda v: str(v)[:40])
def test_a_wrong_type_is_refused_by_name(one, name, value):
    """In every block, also in those that do not fit the kind; on creation and on update."""
    made = any_made(one)
    outer, _, inner = name.partition(".")
    field = {outer: {inner: value} if inner else value}
    body = oidc(**{k: v for k, v in field.items() if k != "oidcConfig"})
    if outer == "oidcConfig":
        body["oidcConfig"] = body["oidcConfig"] | field[outer] if inner else value
    problem(send(one, "POST", CONFIGURATIONS, body), 400, name)
    problem(send(one, "PUT", path_of(made), field), 400, name)


@pytest.mark.parametrize("body", [[], "x", 7, None])
def test_a_body_that_is_no_object(one, body):
    made = any_made(one)
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made))):
        problem(
            one.request(method, path, data=json.dumps(body), token=one.admin_token, headers={"Content-Type": "application/json"}),
            400,
        )


VALUES = [
    ("OIDC", "displayName", "x" * 256),
    ("OIDC", "displayName", "   "),
    ("OIDC", "displayName", "a\nb"),
    ("OIDC", "displayName", "a\x7fb"),
    ("OIDC", "displayName", "a\u0085b"),
    ("OIDC", "userProvisioning", "always"),
    ("OIDC", "groupProvisioning", "auto"),
    ("OIDC", "userProvisioning", ""),
    ("OIDC", "oidcConfig.wellKnownUrl", "idp.example.com"),
    ("OIDC", "oidcConfig.wellKnownUrl", "/relative"),
    ("OIDC", "oidcConfig.wellKnownUrl", "ldap://idp.example.com/.well-known/openid-configuration"),
    ("OIDC", "oidcConfig.wellKnownUrl", "https://user:pw@idp.example.com/.well-known/openid-configuration"),
    ("OIDC", "oidcConfig.wellKnownUrl", "https://idp.example.com/.well-known/openid-configuration#x"),
    ("OIDC", "oidcConfig.redirectUri", "nothing"),
    ("OIDC", "oidcConfig.redirectUri", "https://zcf.example.com/#fragment"),
    ("OIDC", "oidcConfig.scope", "profile email"),
    ("OIDC", "oidcConfig.scope", "openid\nprofile"),
    ("OIDC", "oidcConfig.scope", "OpenID"),
    ("OIDC", "oidcConfig.clientId", "x" * 5_000),
    ("OIDC", "oidcConfig.clientSecret", "x" * 20_000),
    ("SAML", "samlConfig.idpCertificate", "-----BEGIN CERTIFICATE-----\n..."),
    ("SAML", "samlConfig.idpCertificate", "nothing"),
    ("SAML", "samlConfig.idpCertificate", CERTIFICATE + "\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("SAML", "samlConfig.idpCertificate", SP_KEY),
    ("SAML", "samlConfig.spCertificatePem", "nothing"),
    ("SAML", "samlConfig.spPrivateKeyPem", "nothing"),
    ("SAML", "samlConfig.idpSsoUrl", "nothing"),
    ("SAML", "samlConfig.idpSsoUrl", "javascript:alert(1)"),
    ("SAML", "samlConfig.idpSloUrl", "ftp://idp"),
    ("SAML", "samlConfig.idpMetadataUrl", "file:///etc/passwd"),
    ("SAML", "samlConfig.idpEntityId", "x" * 2_000),
    ("LDAP", "ldapConfig.serverAddress", "ldap://ldap.example.com"),
    ("LDAP", "ldapConfig.serverAddress", "ldap.example.com/x"),
    ("LDAP", "ldapConfig.serverAddress", "ldap.example.com:389"),
    ("LDAP", "ldapConfig.serverAddress", "two words"),
    ("LDAP", "ldapConfig.serverAddress", "a@ldap.example.com"),
    ("LDAP", "ldapConfig.serverAddress", "ldap.example.com\r\nx"),
    ("LDAP", "ldapConfig.port", 0),
    ("LDAP", "ldapConfig.port", 65_536),
    ("LDAP", "ldapConfig.port", -1),
    ("LDAP", "ldapConfig.port", 10**12),
    ("LDAP", "ldapConfig.userSearchFilter", "(uid=x)"),
    ("LDAP", "ldapConfig.userSearchFilter", "(|(uid=%s)(mail=%s))"),
    ("LDAP", "ldapConfig.userSearchFilter", "uid=%s)("),
    ("LDAP", "ldapConfig.userSearchFilter", "(&(uid=%s)"),
    ("LDAP", "ldapConfig.caCertificatePem", "nothing"),
    ("LDAP", "ldapConfig.baseDn", "x" * 10_000),
    ("LDAP", "ldapConfig.bindDn", "a\x01b"),
]


@pytest.mark.parametrize(("kind", "name", "value"), VALUES, ids=lambda v: str(v)[:40])
def test_a_wrong_value_is_refused_by_name(one, kind, name, value):
    outer, _, inner = name.partition(".")
    made = any_kind(kind)
    body = made | ({outer: made[outer] | {inner: value}} if inner else {outer: value})
    answer = send(one, "POST", CONFIGURATIONS, body)
    problem(answer, 400, name)
    # A refusal repeats no long value.
    assert len(answer.content) < 2_000


def test_a_text_with_nul_is_refused_wherever_it_stands(one):
    """Before anything else is read, so that no field is named."""
    for body in (oidc(displayName="a\x00b"), ldap(block={"bindDn": "a\x00b"}), oidc(secret="a\x00b"), oidc(surprise="a\x00b")):
        problem(send(one, "POST", CONFIGURATIONS, body), 400)


def test_names_are_trimmed_long_and_not_unique(one):
    for name in ("  trimmed \t", "x" * 255, "名" * 255, "\U0001f511 keys"):
        made = [create(one, oidc(displayName=name)) for _ in range(2)]
        assert [m["displayName"] for m in made] == [name.strip()] * 2


def test_ldap_addresses(one):
    """A host or an address; an IPv6 address in brackets or not."""
    for address, shown in (("Ldap.Example.com", "ldap.example.com"), ("8.8.8.8", "8.8.8.8"), ("2606:4700::1", "[2606:4700::1]")):
        made = create(one, ldap(address, {"baseDn": f"dc={unique('x')}"}))
        assert made["issuer"].lower().startswith(f"ldap://{shown}:389/dc=")
        assert made["ldapConfig"]["serverAddress"] == address
