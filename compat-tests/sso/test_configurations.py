"""The SSO configuration resource: defaults, leniency, mappings, what stays, merging (sso-api.md 3.1, 3.4, 4.1, 4.4).

Where the documents are silent these tests take it so: a read shows what holds, defaults included; `details` of an error is the
dotted name of the field.
"""

import pytest

from sso_bodies import BLOCKS, CERTIFICATE, KINDS, SP_CERTIFICATE, SP_KEY, any_kind, by_metadata, invented, ldap, oidc, saml
from sso_calls import CONFIGURATIONS, MASK, create, done, get, kept, path_of, problem, send, settled, update

# -- defaults ----------------------------------------------------------------------------------------------------------------


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
    assert any("389" in text for text in settled(one, odd, 30).get("warnings", [])), get(one, odd)


def test_extension_fields_of_directories(one):
    block = {
        "useStartTls": True,
        "caCertificatePem": CERTIFICATE,
        "servers": ["ldap2.example.com", "ldap3.example.com:10389"],
        "groupSearchBase": "ou=groups,dc=example,dc=com",
        "groupSearchFilter": "(member=%s)",
    }
    shown = create(one, ldap(block=block))["ldapConfig"]
    assert {k: shown[k] for k in block} == block


def test_extension_fields_of_saml(one):
    block = {
        "spPrivateKeyPem": SP_KEY,
        "spCertificatePem": SP_CERTIFICATE,
        "signRequests": True,
        "requireSignedAssertion": True,
        "allowSha1": True,
    }
    shown = create(one, saml(block=block))["samlConfig"]
    assert shown["requireSignedAssertion"] is True and shown["allowSha1"] is True and shown["signRequests"] is True
    assert shown.get("spPrivateKeyPem") in (None, MASK)
    assert "PRIVATE KEY" not in str(shown)


def test_explicit_null_is_as_good_as_absent_where_a_field_may_be(one):
    nulls = dict.fromkeys(
        (
            "protocol",
            "userProvisioning",
            "groupProvisioning",
            "attributeMappings",
            "groupMappings",
            "enabled",
            "samlConfig",
            "ldapConfig",
            "tenantUuid",
        )
    )
    made = create(
        one, oidc(**nulls) | {"oidcConfig": oidc()["oidcConfig"] | {"clientSecret": None, "scope": None, "configName": None}}
    )
    assert (
        made["enabled"] is True
        and made["oidcConfig"]["scope"] == "openid profile email"
        and "clientSecret" not in made["oidcConfig"]
    )


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
    body = oidc(block={"surprise": 1}) | {
        "uuid": "mine",
        "issuer": "https://mine.example",
        "source": "import",
        "status": "active",
    }
    more = {"createdAt": "then", "lastTestAt": "now", "lastTestResult": "success", "domain_id": "x", "id": "y", "surprise": {}}
    made = create(archstone, body | more)
    assert made["uuid"] != "mine" and made["issuer"] != "https://mine.example" and made["source"] == "manual"
    assert (
        made["status"] != "active"
        and "surprise" not in made
        and "surprise" not in made["oidcConfig"]
        and "lastTestAt" not in made
    )


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
    for name, value in (
        ("attributeMappings", "(nested object)"),
        ("groupMappings", "(nested array)"),
        ("oidcConfig", "(nested object)"),
    ):
        problem(send(one, "POST", CONFIGURATIONS, oidc(**{name: value})), 400, name)


# -- what is needed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("OIDC", "displayName"),
        ("OIDC", "providerType"),
        ("OIDC", "oidcConfig"),
        ("SAML", "samlConfig"),
        ("LDAP", "ldapConfig"),
        ("OIDC", "oidcConfig.clientId"),
        ("OIDC", "oidcConfig.wellKnownUrl"),
        ("SAML", "samlConfig.idpEntityId"),
        ("SAML", "samlConfig.idpSsoUrl"),
        ("SAML", "samlConfig.idpCertificate"),
        ("LDAP", "ldapConfig.serverAddress"),
        ("LDAP", "ldapConfig.baseDn"),
    ],
)
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
    block = {"signRequests": True, "spCertificatePem": SP_CERTIFICATE}
    problem(send(one, "POST", CONFIGURATIONS, saml(block=block)), 400, "samlConfig.spPrivateKeyPem")


def test_a_password_needs_somebody_whose_it_is(one):
    problem(send(one, "POST", CONFIGURATIONS, ldap(block={"bindDn": None})), 400, "ldapConfig.bindDn")
    create(one, ldap(block={"bindDn": None, "bindPassword": None}))


# -- what cannot change ------------------------------------------------------------------------------------------------------


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
    fields = {
        "uuid": "x",
        "issuer": "https://x.example",
        "source": "import",
        "status": "active",
        "createdAt": "x",
        "updatedAt": "x",
        "lastTestAt": "x",
        "lastTestResult": "success",
        "warnings": ["x"],
    }
    changed = update(archstone, made, **fields)
    assert not {k: v for k, v in fields.items() if changed.get(k) == v}
    assert (changed["uuid"], changed["issuer"], changed["createdAt"]) == (made["uuid"], made["issuer"], made["createdAt"])


# -- merging -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_absent_stays(archstone, method, kind):
    optional = {
        "OIDC": {"configName": "Name", "scope": "openid groups"},
        "SAML": {"idpSloUrl": "https://idp.example.com/slo", "forceAuthn": True},
        "LDAP": {"userSearchBase": "ou=x", "useSsl": True},
    }[kind]
    made = create(archstone, any_kind(kind, block=optional, userProvisioning="manual", groupProvisioning="sync"))
    path, block = path_of(made), BLOCKS[kind]
    changed = done(archstone, method, path, {"displayName": "Updated Corporate SSO"})
    mutable = {"displayName", "updatedAt", "status", "lastTestAt", "lastTestResult", "lastTestMessage", "warnings"}
    assert {k: v for k, v in changed.items() if k not in mutable} == {k: v for k, v in made.items() if k not in mutable}
    assert changed["displayName"] == "Updated Corporate SSO"
    name, value = {
        "OIDC": ("clientId", "another"),
        "SAML": ("idpSsoUrl", "https://idp.example.com/b"),
        "LDAP": ("userSearchFilter", "(mail=%s)"),
    }[kind]
    changed = done(archstone, method, path, {block: {name: value}})
    assert changed[block] == made[block] | {name: value}
    done(archstone, method, path, {})


@pytest.mark.parametrize("kind", KINDS)
def test_null_clears_what_may_be_missing(archstone, kind):
    block = BLOCKS[kind]
    optional = {
        "OIDC": {"configName": "Name", "scope": "openid groups", "redirectUri": "https://zcf.example.com/cb"},
        "SAML": {"idpSloUrl": "https://idp.example.com/slo", "forceAuthn": True, "nameIdFormat": "urn:x", "spEntityId": "urn:sp"},
        "LDAP": {"userSearchBase": "ou=x", "userSearchFilter": "(cn=%s)", "servers": ["b.example.com"]},
    }[kind]
    plain = create(archstone, any_kind(kind))
    made = create(archstone, any_kind(kind, block=optional, userProvisioning="manual", groupProvisioning="sync", enabled=False))
    nulls = {block: dict.fromkeys(optional)} | dict.fromkeys(("userProvisioning", "groupProvisioning", "enabled"))
    cleared = update(archstone, made, **nulls)
    assert (cleared["userProvisioning"], cleared["groupProvisioning"], cleared["enabled"]) == ("auto", "none", True)
    for name in optional:
        assert cleared[block].get(name) != optional[name], name
        # These defaults are made from what else the configuration is.
        assert name in ("redirectUri", "userSearchBase") or cleared[block].get(name) == plain[block].get(name), name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("OIDC", "displayName"),
        ("OIDC", "oidcConfig.clientId"),
        ("OIDC", "oidcConfig.wellKnownUrl"),
        ("SAML", "samlConfig.idpEntityId"),
        ("SAML", "samlConfig.idpCertificate"),
        ("LDAP", "ldapConfig.serverAddress"),
        ("LDAP", "ldapConfig.baseDn"),
        ("OIDC", "oidcConfig"),
    ],
)
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
    made = create(
        archstone, any_kind(kind, groupMappings=[{"idpGroup": "a", "zcfRole": "member"}], attributeMappings={"email": "mail"})
    )
    tested = settled(archstone, made, 30)
    for method in ("PUT", "PATCH"):
        again = done(archstone, method, path_of(made), tested)
        assert {k: v for k, v in again.items() if k != "updatedAt"} == {k: v for k, v in tested.items() if k != "updatedAt"}


def test_a_refused_change_changes_nothing(archstone):
    made = create(archstone)
    with kept(archstone, settled(archstone, made, 30)):
        problem(
            send(archstone, "PUT", path_of(made), {"displayName": "new", "oidcConfig": {"clientId": "new", "scope": "email"}}),
            400,
        )
        problem(send(archstone, "PUT", path_of(made), {"displayName": "new", "groupMappings": "x"}), 400)
