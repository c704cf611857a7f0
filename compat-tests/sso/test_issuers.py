"""The issuer of an SSO configuration, which is derived and unique, and its status (sso-api.md 3.3, 3.6)."""

import time

import pytest

from harness import unique
from peers.broken_oidc import WELL_KNOWN
from sso_bodies import BLOCKS, KINDS, any_kind, invented, ldap, oidc, saml
from sso_calls import CONFIGURATIONS, FEDERATION, MASK, create, done, get, path_of, problem, send, settled, status, update


# -- the issuer --------------------------------------------------------------------------------------------------------------


def same_places(kind):
    """A configuration and others that lead to the same issuer, written otherwise."""
    host = f"{unique('same')}.example.com"
    if kind == "OIDC":

        def at(base):
            return oidc() | {"oidcConfig": {"clientId": "other", "wellKnownUrl": f"{base}/{WELL_KNOWN}"}}

        return at(f"https://{host}/realm"), [
            at(u)
            for u in (
                f"https://{host}/realm",
                f"https://{host.upper()}/realm",
                f"https://{host}:443/realm",
                f"HTTPS://{host}/realm",
                f"https://{host}/realm/",
            )
        ]
    if kind == "SAML":
        return saml(f"https://{host}/idp"), [
            saml(u)
            for u in (f"https://{host}/idp", f"https://{host.upper()}/idp", f"https://{host}:443/idp", f"https://{host}/idp/")
        ]
    return ldap(host), [
        ldap(host),
        ldap(host.upper()),
        ldap(host, {"port": 389}),
        ldap(host, {"bindDn": None, "bindPassword": None}),
    ]


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


# -- the status --------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("OIDC", {"oidcConfig": {"clientId": "x"}}),
        ("OIDC", {"oidcConfig": {"clientSecret": "x"}}),
        ("OIDC", {"oidcConfig": {"scope": "openid"}}),
        ("SAML", {"samlConfig": {"idpSsoUrl": "https://idp.example.com/x"}}),
        ("LDAP", {"ldapConfig": {"bindPassword": "x"}}),
        ("LDAP", {"ldapConfig": {"userSearchBase": "ou=x"}}),
    ],
)
def test_a_change_of_the_connection_forgets_the_test(archstone, kind, change):
    made = create(archstone, any_kind(kind))
    assert settled(archstone, made, 30)["status"] == "error"
    changed = update(archstone, made, **change)
    assert changed["status"] == "pending" and not {"lastTestAt", "lastTestResult", "lastTestMessage"} & set(changed)


@pytest.mark.parametrize(
    "change",
    [
        {"displayName": "x"},
        {"userProvisioning": "manual"},
        {"groupMappings": [{"idpGroup": "a", "zcfRole": "member"}]},
        {"attributeMappings": {"email": "mail"}},
        {"oidcConfig": {"clientSecret": MASK}},
        {"oidcConfig": {}},
        {},
    ],
)
def test_another_change_does_not(archstone, change):
    made = create(archstone)
    tested = settled(archstone, made, 30)
    changed = update(archstone, made, **change)
    assert {k: changed[k] for k in ("status", "lastTestAt", "lastTestResult")} == {
        k: tested[k] for k in ("status", "lastTestAt", "lastTestResult")
    }


def test_times_tell_of_changes_not_of_tests(archstone):
    made = create(archstone)
    assert settled(archstone, made, 30)["updatedAt"] == made["updatedAt"]
    time.sleep(1.1)
    done(archstone, "POST", path_of(made, "test"), {}, timeout=30)
    assert get(archstone, made)["updatedAt"] == made["updatedAt"]
    changed = update(archstone, made, displayName="x")
    assert changed["updatedAt"] > made["updatedAt"] and changed["createdAt"] == made["createdAt"]
