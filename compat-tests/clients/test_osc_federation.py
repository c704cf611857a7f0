"""`openstack mapping`, `federation protocol` and `service provider`: what an administrator types to federate."""

import json

import pytest

from harness import unique

RULES = [{"local": [{"user": {"name": "{0}"}}, {"group": {"id": "0cd5e9"}}],
          "remote": [{"type": "HTTP_OIDC_SUB"}, {"type": "HTTP_OIDC_ISS", "any_one_of": ["https://idp.example"]}]}]
OTHER_RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]
AUTH_URL, SP_URL = "https://sp.example/v3/auth", "https://sp.example/Shibboleth.sso/SAML2/ECP"


@pytest.fixture
def rules_file(tmp_path):
    """Writes rules where `--rules` finds them; the path."""
    def write(rules):
        path = tmp_path / f"{unique('rules')}.json"
        path.write_text(rules if isinstance(rules, str) else json.dumps(rules))
        return path

    return write


def test_a_mapping_from_creation_to_deletion(osc, rules_file):
    name, second = unique("mapping"), unique("mapping")
    created, shown, later, listed, taken, changed, unknown, gone, more = osc(f"""
        mapping create --rules {rules_file(RULES)} {name}
        mapping show {name}
        mapping create --rules {rules_file(OTHER_RULES)} --schema-version 2.0 {second}
        mapping list
        ! mapping create --rules {rules_file(RULES)} {name}
        mapping set --rules {rules_file(OTHER_RULES)} --schema-version 2.0 {name}
        mapping show {name}
        ! mapping set --rules {rules_file(RULES)} {unique('nothing')}
        mapping delete {name} {second}
        ! mapping show {name}
        ! mapping delete {name}
    """)
    assert created == shown == {"id": name, "rules": RULES, "schema_version": "1.0"}
    assert later == {"id": second, "rules": OTHER_RULES, "schema_version": "2.0"}
    rows = {row["ID"]: row["schema_version"] for row in listed}
    assert (rows[name], rows[second]) == ("1.0", "2.0")
    assert "409" in taken and "404" in unknown
    assert changed == {"id": name, "rules": OTHER_RULES, "schema_version": "2.0"}
    assert f"No Mapping found for {name}" in gone and "1 of 1 mappings failed to delete." in more


def test_new_rules_without_a_version_are_of_the_first(osc, rules_file):
    name = unique("mapping")
    created, shown = osc(f"""
        mapping create --rules {rules_file(RULES)} --schema-version 3.0 {name}
        mapping set --rules {rules_file(OTHER_RULES)} {name}
        mapping show {name}
        mapping delete {name}
    """)
    assert created["schema_version"] == "3.0"
    assert shown == {"id": name, "rules": OTHER_RULES, "schema_version": "1.0"}


def test_bad_rules_are_told_as_such(osc, rules_file):
    name = unique("mapping")
    bad = [*OTHER_RULES, {"local": [{"users": {"name": "x"}}], "remote": [{"type": "x"}]}]
    refused, empty, nothing = osc(f"""
        ! mapping create --rules {rules_file(bad)} {name}
        ! mapping create --rules {rules_file([])} {name}
        ! mapping show {name}
    """)
    assert "400" in refused and "users" in refused and "400" in empty
    assert f"No Mapping found for {name}" in nothing


def test_an_unknown_version_is_told_as_such(osc, rules_file):
    [refused] = osc(f"! mapping create --rules {rules_file(RULES)} --schema-version 4.0 {unique('mapping')}")
    assert "400" in refused and "schema_version" in refused


def test_a_mapping_in_use_is_told_as_such(osc, rules_file):
    mapping, idp = unique("mapping"), unique("acme")
    _, _, _, refused = osc(f"""
        mapping create --rules {rules_file(RULES)} {mapping}
        identity provider create {idp}
        federation protocol create --identity-provider {idp} --mapping {mapping} openid
        ! mapping delete {mapping}
        federation protocol delete --identity-provider {idp} openid
        mapping delete {mapping}
        identity provider delete {idp}
    """)
    assert "409" in refused and f"{idp}/openid" in refused and "1 of 1 mappings failed to delete." in refused


def test_a_protocol_from_creation_to_deletion(osc, rules_file):
    idp, mapping, other, nowhere = unique("acme"), unique("mapping"), unique("mapping"), unique("nothing")
    _, _, _, created, second, shown, listed, taken, orphan, unmapped, changed, wrong, gone, more, *_ = osc(f"""
        identity provider create --remote-id {unique('https://idp')} {idp}
        mapping create --rules {rules_file(RULES)} {mapping}
        mapping create --rules {rules_file(OTHER_RULES)} {other}
        federation protocol create --identity-provider {idp} --mapping {mapping} openid
        federation protocol create --identity-provider {idp} --mapping {mapping} saml2
        federation protocol show --identity-provider {idp} openid
        federation protocol list --identity-provider {idp}
        ! federation protocol create --identity-provider {idp} --mapping {mapping} openid
        ! federation protocol create --identity-provider {nowhere} --mapping {mapping} openid
        ! federation protocol create --identity-provider {idp} --mapping {nowhere} mapped
        federation protocol set --identity-provider {idp} --mapping {other} openid
        federation protocol show --identity-provider {idp} openid
        ! federation protocol set --identity-provider {idp} --mapping {nowhere} openid
        federation protocol delete --identity-provider {idp} openid saml2
        ! federation protocol show --identity-provider {idp} openid
        ! federation protocol delete --identity-provider {idp} openid
        federation protocol list --identity-provider {idp}
        identity provider delete {idp}
        mapping delete {mapping} {other}
    """)
    assert created == shown == {"id": "openid", "identity_provider": idp, "mapping": mapping}
    assert second == created | {"id": "saml2"}
    assert sorted(row["id"] for row in listed) == ["openid", "saml2"]
    assert "409" in taken and f"Could not find Identity Provider: {nowhere}" in orphan and f"Invalid mapping id: {nowhere}" in unmapped
    assert changed == created | {"mapping": other}
    assert f"Invalid mapping id: {nowhere}" in wrong
    assert "No FederationProtocol found for openid" in gone and "1 of 1 federation protocols failed" in more


def test_the_protocols_of_nothing_are_told_as_such(osc):
    [told] = osc(f"! federation protocol list --identity-provider {unique('nothing')}")
    assert "404" in told


def test_a_service_provider_from_creation_to_deletion(osc):
    name, other, nowhere = unique("sp"), unique("sp"), unique("nothing")
    created, off, shown, listed, taken, bad, _, changed, wrong, gone = osc(f"""
        service provider create --auth-url {AUTH_URL} --service-provider-url {SP_URL} --description made-by-the-client {name}
        service provider create --auth-url {AUTH_URL} --service-provider-url {SP_URL} --disable {other}
        service provider show {name}
        service provider list
        ! service provider create --auth-url {AUTH_URL} --service-provider-url {SP_URL} {name}
        ! service provider create --auth-url nothing --service-provider-url {SP_URL} {nowhere}
        service provider set --description new --auth-url {AUTH_URL}/new --service-provider-url {SP_URL}/new --disable {name}
        service provider show {name}
        ! service provider set --enable {nowhere}
        service provider delete {name} {other}
        ! service provider show {name}
    """)
    assert created == shown == {"id": name, "enabled": True, "description": "made-by-the-client", "auth_url": AUTH_URL, "sp_url": SP_URL,
                                "relay_state_prefix": "ss:mem:"}
    assert off == created | {"id": other, "enabled": False, "description": None}
    rows = {row["ID"]: row for row in listed}
    assert rows[name] == {"ID": name, "Enabled": True, "Description": "made-by-the-client", "Auth URL": AUTH_URL,
                          "Service Provider URL": SP_URL, "Relay State Prefix": "ss:mem:"}
    assert rows[other]["Enabled"] is False
    assert "409" in taken and "400" in bad and "404" in wrong
    assert changed == created | {"enabled": False, "description": "new", "auth_url": AUTH_URL + "/new", "sp_url": SP_URL + "/new"}
    assert f"No ServiceProvider found for {name}" in gone


def test_a_security_administrator_federates_the_own_account(archstone, osc, rules_file):
    domain = archstone.new_domain()["id"]
    user, _ = archstone.persona("secu_admin", domain=domain)
    mine, theirs, idp = unique("mapping"), unique("mapping"), unique("acme")
    owned = [{"local": [{"user": {"name": "{0}"}}, {"group": {"name": "staff"}}], "remote": [{"type": "__NAMEID__"}]}]
    archstone.openstack("mapping", "create", "--rules", str(rules_file(RULES)), theirs)
    created, _, protocol, mappings, hidden, refused, *_ = osc(f"""
        mapping create --rules {rules_file(owned)} {mine}
        identity provider create {idp}
        federation protocol create --identity-provider {idp} --mapping {mine} saml
        mapping list
        ! mapping show {theirs}
        ! service provider list
        federation protocol delete --identity-provider {idp} saml
        identity provider delete {idp}
        mapping delete {mine}
        mapping list
    """, env=archstone.user_env(user, domain=domain))
    assert created == {"id": mine, "rules": owned, "schema_version": "1.0"}
    assert protocol == {"id": "saml", "identity_provider": idp, "mapping": mine}
    assert [row["ID"] for row in mappings] == [mine]
    assert f"No Mapping found for {theirs}" in hidden and "403" in refused
