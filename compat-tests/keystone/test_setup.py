"""PUT /v3/OS-FEDERATION/identity_providers/{idp}/setup, an extension: an identity provider with all it needs, or nothing of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from federation_calls import BASE, MAPPINGS, RULES, done, listed, mapping_path, message, new_mapping, protocol_path, secu_admin, send
from harness import unique

CONNECTION = {"issuer": "https://op.example", "client_id": "archstone", "client_secret": "not-for-showing"}


def idp_path(idp_id):
    return f"{BASE}/identity_providers/{idp_id}"


def put(archstone, idp_id, token=None, **parts):
    """The set-up of an identity provider; a part that is None is left out."""
    whole = {"identity_provider": {"enabled": True}, "mapping": {"rules": RULES}, "protocol": {"id": "openid"}, "connection": CONNECTION} | parts
    body = {"setup": {name: part for name, part in whole.items() if part is not None}}
    return send(archstone, "PUT", f"{idp_path(idp_id)}/setup", body, token)


def assert_nothing_is_left(archstone, idp_id, mapping_id=None):
    assert send(archstone, "GET", idp_path(idp_id)).status_code == 404
    assert send(archstone, "GET", mapping_path(mapping_id or idp_id)).status_code == 404
    description = f"Auto generated federated domain for Identity Provider: {idp_id}"
    assert all(domain["description"] != description for domain in done(archstone, 200, "GET", "/v3/domains")["domains"])


def test_every_part_is_answered_as_its_own_route_shows_it(archstone):
    idp_id = unique("ACME")
    answer = put(archstone, idp_id)
    assert answer.status_code == 201 and CONNECTION["client_secret"] not in answer.text
    parts = answer.json()["setup"]
    paths = {"identity_provider": idp_path(idp_id), "mapping": mapping_path(idp_id), "protocol": protocol_path(idp_id, "openid"),
             "connection": f"{protocol_path(idp_id, 'openid')}/connection"}
    assert {name: done(archstone, 200, "GET", path)[name] for name, path in paths.items()} == parts


@pytest.mark.parametrize(("part", "value", "place"), [
    ("identity_provider", None, "setup"), ("identity_provider", {"enabled": "yes"}, "setup.identity_provider.enabled"),
    ("mapping", {"rules": [{"local": [{"user": {"name": "{7}"}}], "remote": [{"type": "U"}]}]}, "setup.mapping"),
    ("mapping", None, "setup.protocol"), ("protocol", {}, "setup.protocol"), ("protocol", {"id": "x", "y": 1}, "setup.protocol"),
    ("connection", CONNECTION | {"issuer": "ftp://op.example"}, "setup.connection.issuer"),
])
def test_a_mistake_is_named_by_its_place_and_leaves_nothing(archstone, part, value, place):
    idp_id = unique("ACME")
    assert f"'{place}'" in message(put(archstone, idp_id, **{part: value}), 400)
    assert_nothing_is_left(archstone, idp_id)


def test_what_is_taken_leaves_nothing_of_the_rest(archstone):
    idp_id, mapping_id = unique("ACME"), new_mapping(archstone)["id"]
    message(put(archstone, idp_id, mapping={"id": mapping_id, "rules": RULES * 2}), 409)
    assert send(archstone, "GET", idp_path(idp_id)).status_code == 404
    assert done(archstone, 200, "GET", mapping_path(mapping_id))["mapping"]["rules"] == RULES


def test_one_of_many_at_once_wins_and_is_whole(archstone):
    idp_id = unique("ACME")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: put(archstone, idp_id), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert listed(archstone, f"{idp_path(idp_id)}/protocols") == ["openid"]
    assert done(archstone, 200, "GET", mapping_path(idp_id))["mapping"]["rules"] == RULES


def test_a_security_administrators_set_up_is_the_accounts(archstone):
    domain, token = secu_admin(archstone)
    idp_id = unique("ACME")
    rules = [{"local": [{"user": {"name": "{0}"}}, {"group": {"name": "staff"}}], "remote": [{"type": "U"}]}]
    answer = put(archstone, idp_id, token, mapping={"rules": rules})
    assert answer.status_code == 201 and answer.json()["setup"]["identity_provider"]["domain_id"] == domain
    assert listed(archstone, MAPPINGS, token) == [idp_id]
    cloud, other = new_mapping(archstone)["id"], unique("ACME")
    refused = put(archstone, other, token, mapping=None, protocol={"id": "openid", "mapping_id": cloud})
    assert f"Invalid mapping id: {cloud}" in message(refused, 400)
    assert_nothing_is_left(archstone, other)
