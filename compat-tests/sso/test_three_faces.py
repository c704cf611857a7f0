"""One record, three faces: a configuration is an identity provider, a protocol and a mapping of the Keystone face, and people come in
through it (sso-api.md D18; rulings 10 to 13).

Where the documents are silent: the protocol is called after the kind, the mapping's id is the configuration's; `disabled` lets nobody
new in, as `manual` does; what is refused on the Keystone face says where it can be done.
"""

import json
import re

import pytest

from federation_calls import account_idp, secu_admin
from harness import eventually, unique
from peers.broken_oidc import GOOD_KEY, WELL_KNOWN
from sso_bodies import KINDS, any_kind, invented, oidc
from sso_calls import (
    CONFIGURATIONS,
    FEDERATION,
    MASK,
    create,
    delete,
    done,
    get,
    listed,
    path_of,
    problem,
    send,
    status,
    system_admin,
    test,
    update,
)
from way import federated, idp_path, keystone

WHERE = re.compile(r"/api/v1/sso/configurations|SSO")


def message(answer):
    """What an error of the Keystone face, in either of its dialects, tells."""
    body = answer.json()
    return body["error"]["message"] if "error" in body else body["error_msg"]


# -- seen from the Keystone face -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_is_an_identity_provider_a_protocol_and_a_mapping(archstone, kind):
    made = create(archstone, any_kind(kind))
    idp = keystone(archstone, idp_path(made))["identity_provider"]
    assert (idp["id"], idp["remote_ids"], idp["enabled"]) == (made["uuid"], [made["issuer"]], True)
    assert keystone(archstone, f"/v3/domains/{idp['domain_id']}")["domain"]["enabled"] is True, "a domain of its own"
    protocol = keystone(archstone, idp_path(made, "protocols", KINDS[kind]))["protocol"]
    assert [p["id"] for p in keystone(archstone, idp_path(made, "protocols"))["protocols"]] == [KINDS[kind]]
    mapping = keystone(archstone, f"{FEDERATION}/mappings/{protocol['mapping_id']}")["mapping"]
    assert mapping["id"] == made["uuid"] and mapping["rules"]
    assert made["uuid"] in [
        i["id"] for i in keystone(archstone, f"{FEDERATION}/identity_providers?id={made['uuid']}")["identity_providers"]
    ]
    assert made["uuid"] in [m["id"] for m in keystone(archstone, f"{FEDERATION}/mappings")["mappings"]]
    other = create(archstone, any_kind(kind))
    assert keystone(archstone, idp_path(other))["identity_provider"]["domain_id"] != idp["domain_id"]


def test_the_stock_client_sees_it(sqlite_archstone):
    archstone = sqlite_archstone
    made = create(archstone, oidc(groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}]))
    id = made["uuid"]
    shown = archstone.openstack("identity", "provider", "show", id)
    assert shown["id"] == id and made["issuer"] in str(shown["remote_ids"]) and shown["enabled"] is True
    assert id in [row["ID"] for row in archstone.openstack("identity", "provider", "list")]
    assert archstone.openstack("federation", "protocol", "show", "--identity-provider", id, "oidc")["mapping"] == id
    assert "preferred_username" in str(archstone.openstack("mapping", "show", id)["rules"])
    for command in (
        ("identity", "provider", "set", "--disable", id),
        ("identity", "provider", "delete", id),
        ("mapping", "delete", id),
        ("federation", "protocol", "delete", "--identity-provider", id, "oidc"),
    ):
        done_ = archstone.openstack_process(*command)
        assert done_.returncode != 0 and "403" in done_.stderr + done_.stdout and WHERE.search(done_.stderr + done_.stdout), (
            command
        )


@pytest.mark.parametrize("kind", KINDS)
def test_changes_are_seen_at_once(archstone, kind):
    made = create(archstone, any_kind(kind))
    rules = keystone(archstone, f"{FEDERATION}/mappings/{made['uuid']}")["mapping"]["rules"]
    update(
        archstone,
        made,
        enabled=False,
        attributeMappings={"username": "another-claim"},
        groupMappings=[{"idpGroup": "g-of-mine", "zcfRole": "reader"}],
    )
    assert keystone(archstone, idp_path(made))["identity_provider"]["enabled"] is False
    changed = keystone(archstone, f"{FEDERATION}/mappings/{made['uuid']}")["mapping"]["rules"]
    assert changed != rules and "another-claim" in str(changed) and "g-of-mine" in str(changed)
    moved = {
        "OIDC": {"oidcConfig": {"wellKnownUrl": f"{invented('x')}/{WELL_KNOWN}", "clientSecret": None}},
        "SAML": {"samlConfig": {"idpEntityId": f"urn:{unique()}"}},
        "LDAP": {"ldapConfig": {"baseDn": f"dc={unique()}"}},
    }[kind]
    issuer = update(archstone, made, **moved)["issuer"]
    assert issuer != made["issuer"] and keystone(archstone, idp_path(made))["identity_provider"]["remote_ids"] == [issuer]


def test_the_connection_shows_no_secret_there(archstone):
    made = create(archstone, oidc(secret="canary-of-the-client"))
    answer = archstone.request("GET", idp_path(made, "protocols/oidc/connection"), token=archstone.admin_token)
    assert answer.status_code == 200 and "canary" not in answer.text
    shown = answer.json()["connection"]
    assert shown["client_id"] == "my-client-id" and shown["client_secret_set"] is True


WRITES = [
    ("PATCH", "", {"identity_provider": {"enabled": False}}),
    ("PATCH", "", {"identity_provider": {"remote_ids": []}}),
    ("DELETE", "", None),
    ("PATCH", "", {"identity_provider": {"description": "x"}}),
    ("PATCH", "/protocols/oidc", {"protocol": {"mapping_id": "MAPPING"}}),
    ("DELETE", "/protocols/oidc", None),
    ("PUT", "/protocols/another", {"protocol": {"mapping_id": "MAPPING"}}),
    ("PATCH", "/protocols/oidc/connection", {"connection": {"client_id": "x"}}),
    ("PUT", "/protocols/oidc/connection", {"connection": {"issuer": "https://x.example", "client_id": "x"}}),
    ("DELETE", "/protocols/oidc/connection", None),
    ("PUT", "/protocols/another/connection", {"connection": {"issuer": "https://x.example", "client_id": "x"}}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda v: str(v)[:60])
def test_what_is_generated_is_read_only_there(archstone, method, path, body):
    """403 with a text that says where to edit."""
    made = create(archstone)
    mapping = unique("mapping")
    keystone(
        archstone,
        f"{FEDERATION}/mappings/{mapping}",
        201,
        "PUT",
        {"mapping": {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "A"}]}]}},
    )
    if body and "protocol" in body:
        body = {"protocol": {"mapping_id": mapping}}
    before = (
        keystone(archstone, idp_path(made)),
        keystone(archstone, idp_path(made, "protocols")),
        get(archstone, made)["updatedAt"],
    )
    for token in (archstone.admin_token, system_admin(archstone)):
        answer = archstone.request(method, idp_path(made) + path, token=token, json=body)
        assert answer.status_code == 403, answer.text
        assert WHERE.search(message(answer)), message(answer)
    assert (
        keystone(archstone, idp_path(made)),
        keystone(archstone, idp_path(made, "protocols")),
        get(archstone, made)["updatedAt"],
    ) == before


def test_what_is_generated_is_read_only_there_mappings(archstone):
    made = create(archstone)
    path = f"{FEDERATION}/mappings/{made['uuid']}"
    rules = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "A"}]}]
    for method, body in (("PATCH", {"mapping": {"rules": rules}}), ("DELETE", None)):
        answer = archstone.request(method, path, token=archstone.admin_token, json=body)
        assert answer.status_code == 403 and WHERE.search(message(answer)), answer.text
    assert keystone(archstone, path)["mapping"]["rules"] != rules


def test_what_is_generated_is_read_only_there_huaweis_form_and_setup(archstone):
    made = create(archstone)
    config = {
        "openid_connect_config": {
            "access_mode": "program",
            "idp_url": "https://x.example",
            "client_id": "a-client",
            "signing_key": json.dumps({"keys": [GOOD_KEY.public_jwk()]}),
        }
    }
    path = f"/v3.0/OS-FEDERATION/identity-providers/{made['uuid']}/openid-connect-config"
    for method in ("POST", "PUT"):
        answer = archstone.request(method, path, token=archstone.admin_token, json=config)
        assert answer.status_code == 403 and WHERE.search(message(answer)), answer.text
    whole = {"setup": {"identity_provider": {"enabled": True}, "protocol": {"id": "other", "mapping_id": made["uuid"]}}}
    answer = archstone.request("PUT", idp_path(made, "setup"), token=archstone.admin_token, json=whole)
    assert answer.status_code in (403, 409), answer.text
    assert get(archstone, made)["oidcConfig"] == made["oidcConfig"]


def test_domains_administrators_see_nothing_of_it(archstone):
    made = create(archstone)
    domain, token = secu_admin(archstone)
    assert archstone.request("GET", idp_path(made), token=token).status_code == 404
    assert archstone.request("GET", f"{FEDERATION}/mappings/{made['uuid']}", token=token).status_code == 404
    # And what is theirs is no configuration of the cloud's.
    own = account_idp(archstone, token)
    assert own not in [i["uuid"] for i in listed(archstone, "limit=1000")["items"]]
    problem(send(archstone, "GET", path_of(own)), 404)
    problem(send(archstone, "PUT", path_of(own), {"displayName": "mine now"}), 404)
    problem(send(archstone, "DELETE", path_of(own)), 404)


# -- made on the Keystone face -------------------------------------------------------------------------------------------------


def test_an_identity_provider_of_the_keystone_face_is_a_configuration(archstone):
    remote = invented("corp")
    id = federated(archstone, remote_ids=[remote], description="Corporate login")
    shown = get(archstone, id)
    assert (shown["uuid"], shown["source"], shown["enabled"]) == (id, "federation", True)
    assert shown.get("issuer") in (None, remote), "it may be known only when there is a connection"
    assert shown["displayName"] and not {"oidcConfig", "samlConfig", "ldapConfig"} & set(shown)
    assert shown in listed(archstone, "limit=1000")["items"]
    keystone(archstone, f"{FEDERATION}/identity_providers/{id}", 200, "PATCH", {"identity_provider": {"enabled": False}})
    assert (get(archstone, id)["enabled"], get(archstone, id)["status"]) == (False, "disabled")
    bare = federated(archstone)
    assert get(archstone, bare)["source"] == "federation" and not get(archstone, bare).get("issuer")


def test_it_can_be_completed_and_then_edited_on_both_faces(archstone, webs):
    web, own = webs("oidc"), unique()
    issuer = f"{web.url}/good/{own}"
    id = federated(archstone, remote_ids=[issuer])
    completed = update(
        archstone,
        id,
        displayName="Completed",
        oidcConfig={"clientId": "x", "clientSecret": "y", "wellKnownUrl": f"{issuer}/{WELL_KNOWN}"},
    )
    assert (completed["providerType"], completed["protocol"], completed["source"], completed["issuer"]) == (
        "OIDC",
        "oidc",
        "federation",
        issuer,
    )
    assert completed["oidcConfig"]["clientSecret"] == MASK
    assert test(archstone, id)["success"] is True and status(archstone, id, "active")
    idp = keystone(
        archstone,
        f"{FEDERATION}/identity_providers/{id}",
        200,
        "PATCH",
        {"identity_provider": {"description": "x", "enabled": False}},
    )
    assert idp["identity_provider"]["remote_ids"] == [issuer] and get(archstone, id)["status"] == "disabled"
    assert update(archstone, id, enabled=True)["status"] == "active"
    assert keystone(archstone, f"{FEDERATION}/identity_providers/{id}")["identity_provider"]["enabled"] is True


def test_deleting_either_is_seen_on_both(archstone):
    id = federated(archstone, remote_ids=[invented("corp")])
    keystone(archstone, f"{FEDERATION}/identity_providers/{id}", 204, "DELETE")
    problem(send(archstone, "GET", path_of(id)), 404)
    id = federated(archstone, remote_ids=[invented("corp")])
    assert delete(archstone, id).json() == {}
    keystone(archstone, f"{FEDERATION}/identity_providers/{id}", 404)
    made = create(archstone)
    domain = keystone(archstone, idp_path(made))["identity_provider"]["domain_id"]
    assert delete(archstone, made).json() == {}
    keystone(archstone, idp_path(made), 404)
    keystone(archstone, idp_path(made, "protocols"), 404)
    keystone(archstone, f"{FEDERATION}/mappings/{made['uuid']}", 404)
    answer = archstone.request("GET", f"/v3/domains/{domain}", token=archstone.admin_token)
    assert answer.status_code == 404 or answer.json()["domain"]["enabled"] is False


def test_an_identity_provider_made_by_setup_is_one_too(archstone):
    id = unique("corp")
    whole = {
        "setup": {
            "identity_provider": {"enabled": True, "remote_ids": [invented("corp")]},
            "protocol": {"id": "openid"},
            "mapping": {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]},
            "connection": {"issuer": "https://op.example", "client_id": "archstone", "client_secret": "canary-of-setup"},
        }
    }
    keystone(archstone, f"{FEDERATION}/identity_providers/{id}/setup", 201, "PUT", whole)
    answer = send(archstone, "GET", path_of(id))
    assert answer.status_code == 200 and answer.json()["source"] == "federation" and "canary" not in answer.text


def test_a_broken_configuration_locks_no_administrator_out(archstone):
    """Break-glass (6.10): whatever configurations are, the local administrator logs in."""
    made = create(archstone)
    assert archstone.login().status_code == 201
    eventually(lambda: "lastTestAt" in get(archstone, made), 15)
    assert archstone.login().status_code == 201 and delete(archstone, made).status_code == 200
    assert archstone.login().status_code == 201 and done(archstone, "GET", CONFIGURATIONS)["limit"] == 20


# -- connections of the Keystone face ------------------------------------------------------------------------------------


def test_a_connection_of_the_keystone_face_is_shown_and_what_this_face_has_no_word_for_is_kept(archstone):
    id, issuer = unique("corp"), invented("corp")
    connection = {
        "issuer": issuer,
        "client_id": "archstone",
        "client_secret": "canary-of-setup",
        "audiences": ["https://cloud.example"],
    }
    parts = {
        "identity_provider": {"enabled": True, "remote_ids": [issuer]},
        "protocol": {"id": "openid"},
        "mapping": {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]},
        "connection": connection,
    }
    keystone(archstone, idp_path(id, "setup"), 201, "PUT", {"setup": parts})
    shown = get(archstone, id)
    assert (shown["providerType"], shown["protocol"], shown["issuer"]) == ("OIDC", "oidc", issuer)
    assert shown["oidcConfig"]["clientId"] == "archstone" and shown["oidcConfig"]["clientSecret"] == MASK
    update(archstone, id, displayName="Named here", oidcConfig={"clientId": "another"})
    path = idp_path(id, "protocols/openid/connection")
    kept_there = keystone(archstone, path)["connection"]
    assert (kept_there["client_id"], kept_there["audiences"], kept_there["client_secret_set"]) == (
        "another",
        ["https://cloud.example"],
        True,
    )
    keystone(archstone, path, 200, "PATCH", {"connection": {"client_id": "third"}})
    assert get(archstone, id)["oidcConfig"]["clientId"] == "third"
    # Its mapping is somebody's own work.
    rules = keystone(archstone, f"{FEDERATION}/mappings/{id}")["mapping"]["rules"]
    problem(send(archstone, "PUT", path_of(id), {"groupMappings": [{"idpGroup": "a", "zcfRole": "member"}]}), 409)
    assert keystone(archstone, f"{FEDERATION}/mappings/{id}")["mapping"]["rules"] == rules
    keystone(archstone, path, 204, "DELETE")
    assert not {"oidcConfig", "lastTestAt"} & set(get(archstone, id))


def test_the_secret_of_a_connection_does_not_move_by_way_of_the_other_face(archstone):
    """LDAP-URL-1 across faces: moved on the Keystone face it is dropped there; moved here it must be given again."""
    issuer = invented("corp")
    id = federated(archstone, remote_ids=[issuer])
    update(archstone, id, oidcConfig={"clientId": "x", "clientSecret": "y", "wellKnownUrl": f"{issuer}/{WELL_KNOWN}"})
    moved = {"oidcConfig": {"wellKnownUrl": f"{invented('evil')}/{WELL_KNOWN}"}}
    problem(send(archstone, "PUT", path_of(id), moved), 400, "oidcConfig.clientSecret")
    path = idp_path(id, "protocols/oidc/connection")
    answer = archstone.request(
        "PATCH", path, token=archstone.admin_token, json={"connection": {"token_endpoint": f"{invented('evil')}/token"}}
    )
    assert answer.status_code == 400 or keystone(archstone, path)["connection"]["client_secret_set"] is False
