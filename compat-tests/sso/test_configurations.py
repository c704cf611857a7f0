"""The SSO configuration resource: defaults, leniency, the issuer, merging, paging (sso-api.md 1, 3 and 4.1 to 4.4).

Where the documents are silent these tests take it so: a read shows what holds, defaults included; `details` of an error is the
dotted name of the field.
"""

import time
import urllib.parse

import pytest

from harness import eventually, unique
from peers.broken_oidc import WELL_KNOWN
from sso_calls import (
    BLOCKS, CERTIFICATE, CONFIGURATIONS, FEDERATION, KINDS, MASK, SP_CERTIFICATE, SP_KEY, any_kind, by_metadata, create, done, everything, get,
    invented, kept, ldap, listed, oidc, path_of, problem, saml, send, settled, status, update,
)

# What attributes are taken for, unless the configuration says so (3.4).
OIDC_ATTRIBUTES = {"username": "preferred_username", "email": "email", "displayName": "name", "givenName": "given_name",
                   "familyName": "family_name", "phone": "phone_number", "groups": "groups", "externalId": "sub"}
KEYS = list(OIDC_ATTRIBUTES)


@pytest.fixture
def one(sqlite_archstone):
    """A server, where the database makes no difference."""
    return sqlite_archstone


# -- defaults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_given_has_a_default(archstone, kind):
    made = create(archstone, any_kind(kind))
    assert made["protocol"] == KINDS[kind] and made["providerType"] == kind and made["source"] == "manual"
    assert (made["userProvisioning"], made["groupProvisioning"], made["enabled"]) == ("auto", "none", True)
    assert made["groupMappings"] == [] and made["status"] in ("pending", "error") and made["createdAt"] == made["updatedAt"]
    assert len(made["uuid"]) == 32 and int(made["uuid"], 16)
    block = made[BLOCKS[kind]]
    if kind == "OIDC":
        assert block["scope"] == "openid profile email" and "configName" not in block
        assert block["redirectUri"].startswith(archstone.url) and made["uuid"] in block["redirectUri"]
    if kind == "SAML":
        assert (block["signRequests"], block["forceAuthn"]) == (False, False) and block["spEntityId"].startswith(archstone.url)
        assert not {"idpSloUrl", "idpMetadataUrl", "nameIdFormat", "spCertificatePem", "spPrivateKeyPem"} & set(block)
    if kind == "LDAP":
        assert (block["port"], block["useSsl"]) == (389, False)
        assert (block["userSearchBase"], block["userSearchFilter"]) == (block["baseDn"], "(uid=%s)")


def test_the_port_of_ldap_by_tls_has_another_default(one):
    made = create(one, ldap(block={"useSsl": True}))
    assert made["ldapConfig"]["port"] == 636
    # The documented sample: TLS with the plain port is odd, and legal; the answer warns.
    odd = create(one, ldap(block={"useSsl": True, "port": 389}))
    assert odd["ldapConfig"]["port"] == 389 and odd["ldapConfig"]["useSsl"] is True
    assert any("389" in text for text in odd["warnings"]), odd


def test_extension_fields_of_directories(one):
    block = {"useStartTls": True, "caCertificatePem": CERTIFICATE, "servers": ["ldap2.example.com", "ldap3.example.com:10389"],
             "groupSearchBase": "ou=groups,dc=example,dc=com", "groupSearchFilter": "(member=%s)"}
    shown = create(one, ldap(block=block))["ldapConfig"]
    assert {k: shown[k] for k in block} == block


def test_extension_fields_of_saml(one):
    block = {"spPrivateKeyPem": SP_KEY, "spCertificatePem": SP_CERTIFICATE, "signRequests": True, "requireSignedAssertion": True, "allowSha1": True}
    shown = create(one, saml(block=block))["samlConfig"]
    assert shown["requireSignedAssertion"] is True and shown["allowSha1"] is True and shown["signRequests"] is True
    assert shown.get("spPrivateKeyPem") in (None, MASK)
    assert "PRIVATE KEY" not in str(shown)


def test_explicit_null_is_as_good_as_absent_where_a_field_may_be(one):
    nulls = dict.fromkeys(("protocol", "userProvisioning", "groupProvisioning", "attributeMappings", "groupMappings", "enabled", "samlConfig",
                           "ldapConfig", "tenantUuid"))
    made = create(one, oidc(**nulls) | {"oidcConfig": oidc()["oidcConfig"] | {"clientSecret": None, "scope": None, "configName": None}})
    assert made["enabled"] is True and made["oidcConfig"]["scope"] == "openid profile email" and "clientSecret" not in made["oidcConfig"]


# -- leniency ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_the_kind_in_any_case(one, kind):
    made = create(one, any_kind(kind, providerType=kind.title(), protocol=KINDS[kind].upper()))
    assert (made["providerType"], made["protocol"]) == (kind, KINDS[kind])


@pytest.mark.parametrize(("kind", "protocol"), [("OIDC", "saml"), ("SAML", "oidc"), ("LDAP", "OIDC")])
def test_a_protocol_that_does_not_fit(one, kind, protocol):
    problem(send(one, "POST", CONFIGURATIONS, any_kind(kind, protocol=protocol)), 400, "protocol")


@pytest.mark.parametrize("value", ["CAS", "", "OIDC ", "saml2"])
def test_an_unknown_kind(one, value):
    problem(send(one, "POST", CONFIGURATIONS, oidc(providerType=value)), 400, "providerType")


def test_unknown_fields_are_ignored(archstone):
    body = oidc(block={"surprise": 1}, uuid="mine", issuer="https://mine.example", source="import", status="active", createdAt="then", surprise={})
    made = create(archstone, body | {"lastTestAt": "now", "lastTestResult": "success", "domain_id": "x", "id": "y"})
    assert made["uuid"] != "mine" and made["issuer"] != "https://mine.example" and made["source"] == "manual"
    assert made["status"] != "active" and "surprise" not in made and "surprise" not in made["oidcConfig"] and "lastTestAt" not in made


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_that_do_not_fit_are_not_kept(one, kind):
    blocks = {BLOCKS[k]: any_kind(k)[BLOCKS[k]] for k in KINDS}
    made = create(one, blocks | any_kind(kind))
    assert set(BLOCKS.values()) & set(made) == {BLOCKS[kind]}
    # They are no way round the type of the configuration later, either.
    other = next(k for k in KINDS if k != kind)
    changed = update(one, made, **{BLOCKS[other]: blocks[BLOCKS[other]]})
    assert set(BLOCKS.values()) & set(changed) == {BLOCKS[kind]} and changed["updatedAt"] >= made["updatedAt"]


def test_placeholders_are_no_values(one):
    for name, value in (("attributeMappings", "(nested object)"), ("groupMappings", "(nested array)"), ("oidcConfig", "(nested object)")):
        problem(send(one, "POST", CONFIGURATIONS, oidc(**{name: value})), 400, name)


# -- what is needed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), [
    ("OIDC", "displayName"), ("OIDC", "providerType"), ("OIDC", "oidcConfig"), ("SAML", "samlConfig"), ("LDAP", "ldapConfig"),
    ("OIDC", "oidcConfig.clientId"), ("OIDC", "oidcConfig.wellKnownUrl"), ("SAML", "samlConfig.idpEntityId"), ("SAML", "samlConfig.idpSsoUrl"),
    ("SAML", "samlConfig.idpCertificate"), ("LDAP", "ldapConfig.serverAddress"), ("LDAP", "ldapConfig.baseDn"),
])
@pytest.mark.parametrize("value", ["absent", None, ""])
def test_what_is_needed(one, kind, name, value):
    body, (outer, _, inner) = any_kind(kind), name.partition(".")
    holder, key = (body[outer], inner) if inner else (body, outer)
    if value == "absent":
        del holder[key]
    else:
        holder[key] = value
    problem(send(one, "POST", CONFIGURATIONS, body), 400, name)


def test_metadata_stands_for_what_saml_needs(one):
    made = create(one, by_metadata(f"{invented('saml')}/metadata.xml"))
    assert "idpEntityId" not in made["samlConfig"] and made["samlConfig"]["idpMetadataUrl"].endswith("/metadata.xml")


def test_signed_requests_need_a_certificate_and_its_key(one):
    problem(send(one, "POST", CONFIGURATIONS, saml(block={"signRequests": True})), 400, "samlConfig.spCertificatePem")
    problem(send(one, "POST", CONFIGURATIONS, saml(block={"signRequests": True, "spCertificatePem": SP_CERTIFICATE})), 400, "samlConfig.spPrivateKeyPem")


def test_a_password_needs_somebody_whose_it_is(one):
    problem(send(one, "POST", CONFIGURATIONS, ldap(block={"bindDn": None})), 400, "ldapConfig.bindDn")
    create(one, ldap(block={"bindDn": None, "bindPassword": None}))


# -- wrong values --------------------------------------------------------------------------------------------------------------


TEXTS = {
    "OIDC": ["clientId", "clientSecret", "wellKnownUrl", "redirectUri", "scope", "configName"],
    "SAML": ["idpEntityId", "idpSsoUrl", "idpSloUrl", "idpCertificate", "idpMetadataUrl", "spEntityId", "nameIdFormat", "spCertificatePem",
             "spPrivateKeyPem"],
    "LDAP": ["serverAddress", "baseDn", "bindDn", "bindPassword", "userSearchBase", "userSearchFilter", "caCertificatePem", "groupSearchBase",
             "groupSearchFilter"],
}
SWITCHES = {"SAML": ["signRequests", "forceAuthn", "requireSignedAssertion", "allowSha1"], "LDAP": ["useSsl", "useStartTls"]}
TYPES = (
    [(f"{BLOCKS[kind]}.{name}", value) for kind, names in TEXTS.items() for name in names for value in (7, True, ["x"], {"a": 1})]
    + [(f"{BLOCKS[kind]}.{name}", value) for kind, names in SWITCHES.items() for name in names for value in ("true", 1, [])]
    + [("ldapConfig.port", value) for value in ("389", 1.5, True, [389])]
    + [("ldapConfig.servers", value) for value in ("a.example.com", {}, 7)]
    + [(name, value) for name in ("displayName", "providerType", "protocol", "userProvisioning", "groupProvisioning") for value in (7, True, [], {})]
    + [("enabled", value) for value in ("true", 1, [])]
    + [(name, value) for name in BLOCKS.values() for value in ("x", 7, [], True)]
    + [("attributeMappings", value) for value in ("x", 7, [], True)] + [("groupMappings", value) for value in ("x", 7, {}, True)]
)


@pytest.mark.parametrize(("name", "value"), TYPES, ids=lambda v: str(v)[:40])
def test_a_wrong_type_is_refused_by_name(one, name, value):
    """In every block, also in those that do not fit the kind; on creation and on update."""
    made = _any_made(one)
    outer, _, inner = name.partition(".")
    field = {outer: {inner: value} if inner else value}
    body = oidc(**{k: v for k, v in field.items() if k != "oidcConfig"})
    if outer == "oidcConfig":
        body["oidcConfig"] = body["oidcConfig"] | field[outer] if inner else value
    problem(send(one, "POST", CONFIGURATIONS, body), 400, name)
    problem(send(one, "PUT", path_of(made), field), 400, name)


def _any_made(archstone, found={}):  # noqa: B006 (one for all)
    if archstone.url not in found:
        found[archstone.url] = create(archstone, oidc(enabled=False))
    return found[archstone.url]


@pytest.mark.parametrize("body", [[], "x", 7, None])
def test_a_body_that_is_no_object(one, body):
    made = _any_made(one)
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made))):
        problem(one.request(method, path, data=__import__("json").dumps(body), token=one.admin_token, headers={"Content-Type": "application/json"}), 400)


VALUES = [
    ("OIDC", "displayName", "x" * 256), ("OIDC", "displayName", "   "), ("OIDC", "displayName", "a\nb"), ("OIDC", "displayName", "a\x00b"),
    ("OIDC", "displayName", "a\x7fb"), ("OIDC", "displayName", "a\u0085b"),
    ("OIDC", "userProvisioning", "always"), ("OIDC", "groupProvisioning", "auto"), ("OIDC", "userProvisioning", ""),
    ("OIDC", "oidcConfig.wellKnownUrl", "idp.example.com"), ("OIDC", "oidcConfig.wellKnownUrl", "/relative"),
    ("OIDC", "oidcConfig.wellKnownUrl", "ldap://idp.example.com/.well-known/openid-configuration"),
    ("OIDC", "oidcConfig.wellKnownUrl", "https://user:pw@idp.example.com/.well-known/openid-configuration"),
    ("OIDC", "oidcConfig.wellKnownUrl", "https://idp.example.com/.well-known/openid-configuration#x"),
    ("OIDC", "oidcConfig.redirectUri", "nothing"), ("OIDC", "oidcConfig.redirectUri", "https://zcf.example.com/#fragment"),
    ("OIDC", "oidcConfig.scope", "profile email"), ("OIDC", "oidcConfig.scope", "openid\nprofile"), ("OIDC", "oidcConfig.scope", "OpenID"),
    ("OIDC", "oidcConfig.clientId", "x" * 5_000), ("OIDC", "oidcConfig.clientSecret", "x" * 20_000),
    ("SAML", "samlConfig.idpCertificate", "-----BEGIN CERTIFICATE-----\n..."), ("SAML", "samlConfig.idpCertificate", "nothing"),
    ("SAML", "samlConfig.idpCertificate", CERTIFICATE + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("SAML", "samlConfig.idpCertificate", SP_KEY), ("SAML", "samlConfig.spCertificatePem", "nothing"), ("SAML", "samlConfig.spPrivateKeyPem", "nothing"),
    ("SAML", "samlConfig.idpSsoUrl", "nothing"), ("SAML", "samlConfig.idpSsoUrl", "javascript:alert(1)"), ("SAML", "samlConfig.idpSloUrl", "ftp://idp"),
    ("SAML", "samlConfig.idpMetadataUrl", "file:///etc/passwd"), ("SAML", "samlConfig.idpEntityId", "x" * 2_000),
    ("LDAP", "ldapConfig.serverAddress", "ldap://ldap.example.com"), ("LDAP", "ldapConfig.serverAddress", "ldap.example.com/x"),
    ("LDAP", "ldapConfig.serverAddress", "ldap.example.com:389"), ("LDAP", "ldapConfig.serverAddress", "two words"),
    ("LDAP", "ldapConfig.serverAddress", "a@ldap.example.com"), ("LDAP", "ldapConfig.serverAddress", "ldap.example.com\r\nx"),
    ("LDAP", "ldapConfig.port", 0), ("LDAP", "ldapConfig.port", 65_536), ("LDAP", "ldapConfig.port", -1), ("LDAP", "ldapConfig.port", 10**12),
    ("LDAP", "ldapConfig.userSearchFilter", "(uid=x)"), ("LDAP", "ldapConfig.userSearchFilter", "(|(uid=%s)(mail=%s))"),
    ("LDAP", "ldapConfig.userSearchFilter", "uid=%s)("), ("LDAP", "ldapConfig.userSearchFilter", "(&(uid=%s)"),
    ("LDAP", "ldapConfig.caCertificatePem", "nothing"), ("LDAP", "ldapConfig.baseDn", "x" * 10_000), ("LDAP", "ldapConfig.bindDn", "a\x00b"),
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


# -- mappings --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_kept_in_their_order_and_replaced_whole(archstone, kind):
    first = {"username": "upn", "groups": "realm_access.roles", "email": "mail"}
    made = create(archstone, any_kind(kind, attributeMappings=first))
    assert list(get(archstone, made)["attributeMappings"].items()) == list(first.items())
    second = {"email": "mail", "username": "uid"}
    changed = update(archstone, made, attributeMappings=second)
    assert list(changed["attributeMappings"].items()) == list(second.items())
    every = {key: f"claim{n}" for n, key in enumerate(KEYS)}
    assert list(update(archstone, made, attributeMappings=every)["attributeMappings"].items()) == list(every.items())
    assert update(archstone, made, displayName="x")["attributeMappings"] == every
    assert update(archstone, made, attributeMappings=None)["attributeMappings"] == create(archstone, any_kind(kind))["attributeMappings"]


@pytest.mark.parametrize(("mappings", "field"), [
    ({"nickname": "nick"}, "attributeMappings.nickname"), ({"Username": "x"}, "attributeMappings.Username"),
    ({"username": 7}, "attributeMappings.username"), ({"username": ""}, "attributeMappings.username"), ({"email": ["a"]}, "attributeMappings.email"),
    ({"email": "x" * 2_000}, "attributeMappings.email"), ({"email": "a\nb"}, "attributeMappings.email"),
])
def test_attributes_that_are_none(one, mappings, field):
    problem(send(one, "POST", CONFIGURATIONS, oidc(attributeMappings=mappings)), 400, field)
    problem(send(one, "PUT", path_of(_any_made(one)), {"attributeMappings": mappings}), 400, field)


def test_groups_are_kept_in_their_order_and_replaced_whole(archstone):
    rows = [{"idpGroup": group, "zcfRole": role} for group, role in (("b", "member"), ("a", "reader"), ("b", "reader"), ("cn=x,dc=y", "manager"))]
    made = create(archstone, oidc(groupMappings=rows))
    assert get(archstone, made)["groupMappings"] == rows
    assert update(archstone, made, groupMappings=rows[2:])["groupMappings"] == rows[2:]
    assert update(archstone, made, displayName="x")["groupMappings"] == rows[2:]
    assert update(archstone, made, groupMappings=[])["groupMappings"] == []
    assert update(archstone, made, groupMappings=None)["groupMappings"] == []


@pytest.mark.parametrize(("rows", "place"), [
    ([{"idpGroup": "a"}], "zcfRole"), ([{"zcfRole": "member"}], "idpGroup"), ([{"idpGroup": "", "zcfRole": "member"}], "idpGroup"),
    ([{"idpGroup": "a", "zcfRole": ""}], "zcfRole"), ([{"idpGroup": 1, "zcfRole": "member"}], "idpGroup"), (["a"], "0"), ([None], "0"),
    ([{"idpGroup": "a", "zcfRole": "member"}] * 2, "1"), ([{"idpGroup": "a", "zcfRole": "no-such-role"}], "zcfRole"),
    ([{"idpGroup": "x" * 5_000, "zcfRole": "member"}], "idpGroup"),
])
def test_groups_that_are_none(one, rows, place):
    """A role must be there."""
    for answer in (send(one, "POST", CONFIGURATIONS, oidc(groupMappings=rows)), send(one, "PUT", path_of(_any_made(one)), {"groupMappings": rows})):
        error = problem(answer, 400)
        assert error["details"].startswith("groupMappings") and place in error["details"], error


# -- what cannot change ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_stays(archstone, kind):
    made = create(archstone, any_kind(kind))
    for other in KINDS:
        for name, value in (("providerType", other), ("protocol", KINDS[other])):
            answer = send(archstone, "PUT", path_of(made), {name: value})
            if other == kind:
                assert answer.status_code == 200, answer.text
            else:
                problem(answer, 400, name)
    done(archstone, "PUT", path_of(made), {"providerType": kind.lower(), "protocol": KINDS[kind].upper()})


def test_what_only_we_write_is_ignored(archstone):
    made = create(archstone)
    fields = {"uuid": "x", "issuer": "https://x.example", "source": "import", "status": "active", "createdAt": "x", "updatedAt": "x",
              "lastTestAt": "x", "lastTestResult": "success", "warnings": ["x"]}
    changed = update(archstone, made, **fields)
    assert not {k: v for k, v in fields.items() if changed.get(k) == v}
    assert (changed["uuid"], changed["issuer"], changed["createdAt"]) == (made["uuid"], made["issuer"], made["createdAt"])


# -- the issuer --------------------------------------------------------------------------------------------------------------------


def same_places(kind):
    """A configuration and others that lead to the same issuer, written otherwise."""
    host = f"{unique('same')}.example.com"
    if kind == "OIDC":
        def at(base):
            return oidc() | {"oidcConfig": {"clientId": "other", "wellKnownUrl": f"{base}/{WELL_KNOWN}"}}
        return at(f"https://{host}/realm"), [at(u) for u in (f"https://{host}/realm", f"https://{host.upper()}/realm", f"https://{host}:443/realm",
                                                              f"HTTPS://{host}/realm", f"https://{host}/realm/")]
    if kind == "SAML":
        return saml(f"https://{host}/idp"), [saml(u) for u in (f"https://{host}/idp", f"https://{host.upper()}/idp", f"https://{host}:443/idp",
                                                               f"https://{host}/idp/")]
    return ldap(host), [ldap(host), ldap(host.upper()), ldap(host, {"port": 389}), ldap(host, {"bindDn": None, "bindPassword": None})]


def other_places(kind):
    """Configurations that are close and not the same."""
    host = f"{unique('close')}.example.com"
    if kind == "OIDC":
        return [oidc(f"https://{host}{path}") for path in ("", "/a", "/A", ":8443/a", "/a/b")]
    if kind == "SAML":
        return [saml(f"https://{host}{path}") for path in ("/a", "/A", ":8443/a", "/a/b")] + [saml(f"urn:{host}")]
    return [ldap(host), ldap(host, {"baseDn": "dc=other"}), ldap(host, {"port": 1389}), ldap(host, {"useSsl": True})]


@pytest.mark.parametrize("kind", KINDS)
def test_an_issuer_has_one_configuration(archstone, kind):
    first, again = same_places(kind)
    made = create(archstone, first)
    other = create(archstone, any_kind(kind))
    for body in again:
        error = problem(send(archstone, "POST", CONFIGURATIONS, body), 409)
        assert made["displayName"] not in str(error)
        secret = {"OIDC": {"clientSecret": None}, "LDAP": {"bindPassword": "new"}, "SAML": {}}[kind]
        problem(send(archstone, "PUT", path_of(other), {BLOCKS[kind]: body[BLOCKS[kind]] | secret}), 409)
        # It is no conflict with oneself.
        done(archstone, "PUT", path_of(made), {BLOCKS[kind]: body[BLOCKS[kind]] | secret})
    assert get(archstone, other)["issuer"] == other["issuer"]
    for body in other_places(kind):
        create(archstone, body)


def test_an_issuer_is_one_across_kinds(archstone):
    at = invented("both")
    create(archstone, oidc(at))
    problem(send(archstone, "POST", CONFIGURATIONS, saml(at)), 409)


def test_an_issuer_is_free_again_after_deletion_and_after_a_move(archstone):
    first, second = invented("moving"), invented("moving")
    made = create(archstone, oidc(first, secret=None))
    update(archstone, made, oidcConfig={"wellKnownUrl": f"{second}/{WELL_KNOWN}"})
    create(archstone, oidc(first))
    problem(send(archstone, "POST", CONFIGURATIONS, oidc(second)), 409)
    assert send(archstone, "DELETE", path_of(made)).json() == {}
    create(archstone, oidc(second))


def test_an_issuer_that_an_identity_provider_has_as_remote_id(archstone):
    at = invented("remote")
    path = f"{FEDERATION}/identity_providers/{unique('idp')}"
    archstone.expect(201, "PUT", path, token=archstone.admin_token, json={"identity_provider": {"remote_ids": [at]}})
    problem(send(archstone, "POST", CONFIGURATIONS, oidc(at)), 409)
    made = create(archstone)
    body = {"identity_provider": {"remote_ids": [made["issuer"]]}}
    answer = archstone.request("PUT", f"{FEDERATION}/identity_providers/{unique('idp')}", token=archstone.admin_token, json=body)
    assert answer.status_code == 409


def test_the_issuer_of_each_kind(one):
    host = f"{unique('issuer')}.example.com"
    assert create(one, oidc(f"https://{host}/realms/a"))["issuer"] == f"https://{host}/realms/a"
    assert create(one, saml(f"urn:example:{host}"))["issuer"] == f"urn:example:{host}"
    assert create(one, ldap(host, {"baseDn": "dc=a,dc=b"}))["issuer"] == f"ldap://{host}:389/dc=a,dc=b"
    assert create(one, ldap(host, {"baseDn": "dc=a,dc=b", "useSsl": True}))["issuer"] == f"ldaps://{host}:636/dc=a,dc=b"


# -- the status --------------------------------------------------------------------------------------------------------------------


def test_the_status_follows_switch_and_test(archstone, own_provider):
    """Created: pending, and soon active by a test in the background (D7); off: disabled; moved: pending again."""
    made = create(archstone, oidc(own_provider.issuer, secret=None))
    assert made["status"] in ("pending", "active")
    active = status(archstone, made, "active")
    assert active["lastTestResult"] == "success" and active["lastTestAt"] >= made["createdAt"]
    off = update(archstone, made, enabled=False)
    assert (off["status"], off["enabled"], off["lastTestResult"]) == ("disabled", False, "success")
    assert update(archstone, made, enabled=True)["status"] == "active"
    own_provider.stop()
    done(archstone, "POST", path_of(made, "test"), {}, timeout=30)
    failed = get(archstone, made)
    assert (failed["status"], failed["lastTestResult"]) == ("error", "failure") and failed["lastTestMessage"]
    assert update(archstone, made, enabled=False)["status"] == "disabled"
    own_provider.start()
    done(archstone, "POST", path_of(made, "test"), {}, timeout=30)
    assert get(archstone, made)["status"] == "disabled" and get(archstone, made)["lastTestResult"] == "success"
    moved = update(archstone, made, enabled=True, oidcConfig={"clientId": "another"})
    assert moved["status"] in ("pending", "active") and (moved["status"] == "pending") == ("lastTestAt" not in moved)


@pytest.mark.parametrize(("kind", "change"), [
    ("OIDC", {"oidcConfig": {"clientId": "x"}}), ("OIDC", {"oidcConfig": {"clientSecret": "x"}}), ("OIDC", {"oidcConfig": {"scope": "openid"}}),
    ("SAML", {"samlConfig": {"idpSsoUrl": "https://idp.example.com/x"}}), ("LDAP", {"ldapConfig": {"bindPassword": "x"}}),
    ("LDAP", {"ldapConfig": {"userSearchBase": "ou=x"}}),
])
def test_a_change_of_the_connection_forgets_the_test(archstone, kind, change):
    made = create(archstone, any_kind(kind))
    assert settled(archstone, made, 30)["status"] == "error"
    changed = update(archstone, made, **change)
    assert changed["status"] == "pending" and not {"lastTestAt", "lastTestResult", "lastTestMessage"} & set(changed)


@pytest.mark.parametrize("change", [{"displayName": "x"}, {"userProvisioning": "manual"}, {"groupMappings": [{"idpGroup": "a", "zcfRole": "member"}]},
                                    {"attributeMappings": {"email": "mail"}}, {"oidcConfig": {"clientSecret": MASK}}, {"oidcConfig": {}}, {}])
def test_another_change_does_not(archstone, change):
    made = create(archstone)
    tested = settled(archstone, made, 30)
    changed = update(archstone, made, **change)
    assert {k: changed[k] for k in ("status", "lastTestAt", "lastTestResult")} == {k: tested[k] for k in ("status", "lastTestAt", "lastTestResult")}


def test_times_tell_of_changes_not_of_tests(archstone):
    made = create(archstone)
    assert settled(archstone, made, 30)["updatedAt"] == made["updatedAt"]
    time.sleep(1.1)
    done(archstone, "POST", path_of(made, "test"), {}, timeout=30)
    assert get(archstone, made)["updatedAt"] == made["updatedAt"]
    changed = update(archstone, made, displayName="x")
    assert changed["updatedAt"] > made["updatedAt"] and changed["createdAt"] == made["createdAt"]


# -- merging ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_absent_stays(archstone, method, kind):
    optional = {"OIDC": {"configName": "Name", "scope": "openid groups"}, "SAML": {"idpSloUrl": "https://idp.example.com/slo", "forceAuthn": True},
                "LDAP": {"userSearchBase": "ou=x", "useSsl": True}}[kind]
    made = create(archstone, any_kind(kind, block=optional, userProvisioning="manual", groupProvisioning="sync"))
    path, block = path_of(made), BLOCKS[kind]
    changed = done(archstone, method, path, {"displayName": "Updated Corporate SSO"})
    mutable = {"displayName", "updatedAt", "status", "lastTestAt", "lastTestResult", "lastTestMessage", "warnings"}
    assert {k: v for k, v in changed.items() if k not in mutable} == {k: v for k, v in made.items() if k not in mutable}
    assert changed["displayName"] == "Updated Corporate SSO"
    name, value = {"OIDC": ("clientId", "another"), "SAML": ("idpSsoUrl", "https://idp.example.com/b"), "LDAP": ("userSearchFilter", "(mail=%s)")}[kind]
    changed = done(archstone, method, path, {block: {name: value}})
    assert changed[block] == made[block] | {name: value}
    done(archstone, method, path, {})


@pytest.mark.parametrize("kind", KINDS)
def test_null_clears_what_may_be_missing(archstone, kind):
    block = BLOCKS[kind]
    optional = {"OIDC": {"configName": "Name", "scope": "openid groups", "redirectUri": "https://zcf.example.com/cb"},
                "SAML": {"idpSloUrl": "https://idp.example.com/slo", "forceAuthn": True, "nameIdFormat": "urn:x", "spEntityId": "urn:sp"},
                "LDAP": {"userSearchBase": "ou=x", "userSearchFilter": "(cn=%s)", "servers": ["b.example.com"]}}[kind]
    plain = create(archstone, any_kind(kind))
    made = create(archstone, any_kind(kind, block=optional, userProvisioning="manual", groupProvisioning="sync", enabled=False))
    cleared = update(archstone, made, userProvisioning=None, groupProvisioning=None, enabled=None, **{block: dict.fromkeys(optional)})
    assert (cleared["userProvisioning"], cleared["groupProvisioning"], cleared["enabled"]) == ("auto", "none", True)
    for name in optional:
        assert cleared[block].get(name) == (plain[block].get(name) or None if name not in ("redirectUri", "userSearchBase")
                                            else cleared[block].get(name)), name
        assert cleared[block].get(name) != optional[name]


@pytest.mark.parametrize(("kind", "name"), [
    ("OIDC", "displayName"), ("OIDC", "oidcConfig.clientId"), ("OIDC", "oidcConfig.wellKnownUrl"), ("SAML", "samlConfig.idpEntityId"),
    ("SAML", "samlConfig.idpCertificate"), ("LDAP", "ldapConfig.serverAddress"), ("LDAP", "ldapConfig.baseDn"), ("OIDC", "oidcConfig"),
])
def test_null_does_not_clear_what_is_needed(archstone, kind, name):
    made = create(archstone, any_kind(kind))
    outer, _, inner = name.partition(".")
    problem(send(archstone, "PUT", path_of(made), {outer: {inner: None} if inner else None}), 400, name)


def test_members_of_saml_may_go_where_metadata_comes(archstone):
    made = create(archstone, saml(block={"idpMetadataUrl": f"{invented('saml')}/metadata.xml"}))
    changed = update(archstone, made, samlConfig={"idpEntityId": None, "idpSsoUrl": None, "idpCertificate": None})
    assert not {"idpEntityId", "idpSsoUrl", "idpCertificate"} & set(changed["samlConfig"])
    problem(send(archstone, "PUT", path_of(made), {"samlConfig": {"idpMetadataUrl": None}}), 400)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_and_writing_back_changes_nothing(archstone, kind):
    made = create(archstone, any_kind(kind, groupMappings=[{"idpGroup": "a", "zcfRole": "member"}], attributeMappings={"email": "mail"}))
    tested = settled(archstone, made, 30)
    for method in ("PUT", "PATCH"):
        again = done(archstone, method, path_of(made), tested)
        assert {k: v for k, v in again.items() if k != "updatedAt"} == {k: v for k, v in tested.items() if k != "updatedAt"}


def test_a_refused_change_changes_nothing(archstone):
    made = create(archstone)
    with kept(archstone, settled(archstone, made, 30)):
        problem(send(archstone, "PUT", path_of(made), {"displayName": "new", "oidcConfig": {"clientId": "new", "scope": "email"}}), 400)
        problem(send(archstone, "PUT", path_of(made), {"displayName": "new", "groupMappings": "x"}), 400)


# -- the list ----------------------------------------------------------------------------------------------------------------------------


def test_pages_are_echoed_as_applied(archstone):
    total = listed(archstone)["total"]
    for query, limit, offset in (("", 20, 0), ("limit=0&offset=0", 20, 0), ("limit=1", 1, 0), ("limit=1000", 1000, 0), ("limit=1001", 1000, 0),
                                 ("limit=99999999", 1000, 0), ("limit=3&offset=2", 3, 2), ("offset=100000", 20, 100_000), ("limit=&offset=", 20, 0)):
        page = listed(archstone, query)
        assert set(page) == {"items", "total", "limit", "offset"}
        assert (page["limit"], page["offset"]) == (limit, offset), query
        assert len(page["items"]) <= limit and page["total"] >= total
    assert listed(archstone, "offset=100000")["items"] == []


@pytest.mark.parametrize("query", ["limit=-1", "limit=abc", "limit=1.5", "offset=-1", "offset=abc", "limit=1e3", "limit=%20"])
def test_pages_that_are_none(one, query):
    problem(send(one, "GET", f"{CONFIGURATIONS}?{query}"), 400, query.partition("=")[0])


def test_pages_follow_the_order_of_creation(fresh_archstone):
    archstone = fresh_archstone
    assert listed(archstone) == {"items": [], "total": 0, "limit": 20, "offset": 0}
    made = [create(archstone, any_kind(kind))["uuid"] for kind in ("OIDC", "SAML", "LDAP") for _ in range(9)]
    whole = listed(archstone, "limit=100")
    assert whole["total"] == len(made) and {i["uuid"] for i in whole["items"]} == set(made)
    order = [i["uuid"] for i in whole["items"]]
    keys = [(i["createdAt"], made.index(i["uuid"])) for i in whole["items"]]
    assert [k[0] for k in keys] == sorted(k[0] for k in keys), "by createdAt"
    paged = [i["uuid"] for offset in range(0, 30, 7) for i in listed(archstone, f"limit=7&offset={offset}")["items"]]
    assert paged == order
    assert [i["uuid"] for i in everything(archstone)] == order
    # A change moves nothing.
    update(archstone, order[3], displayName="AAA")
    assert [i["uuid"] for i in listed(archstone, "limit=100")["items"]] == order
    send(archstone, "DELETE", path_of(order[0]))
    after = listed(archstone, "limit=5")
    assert [i["uuid"] for i in after["items"]] == order[1:6] and after["total"] == len(made) - 1


def test_an_item_of_the_list_is_the_resource(archstone):
    made = create(archstone)
    now = settled(archstone, made, 30)
    assert now in listed(archstone, "limit=1000")["items"]


def test_names_with_everything_in_them(archstone):
    name = 'Ünï "quoted" <b>&amp; \\ / %s {0} 中文'
    made = create(archstone, oidc(displayName=name))
    assert get(archstone, made)["displayName"] == name
    assert eventually(lambda: any(i["displayName"] == name for i in listed(archstone, "limit=1000")["items"]))
    problem(send(archstone, "GET", f"{CONFIGURATIONS}/{urllib.parse.quote(name, safe='')}"), 404)
