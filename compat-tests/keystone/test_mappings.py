"""/v3/OS-FEDERATION/mappings: rules and versions as a whole, mappings in use, lists, and the wall between accounts.

What may stand in a document is in `test_mapping_documents.py`.
"""

import json

import pytest

from federation_calls import (MAPPINGS, RULES, account_idp, done, everything, listed, mapping_path, message, new_idp, new_mapping,
                              new_protocol, pages, protocol_path, protocols_path, secu_admin, send)
from harness import unique

OTHER_RULES = [{"local": [{"user": {"name": "{0}", "email": "{1}"}}, {"group": {"id": "0cd5e9"}}],
                "remote": [{"type": "OIDC-preferred_username"}, {"type": "OIDC-email"},
                           {"type": "OIDC-groups", "any_one_of": ["staff", "guests"]}]}]


def put(archstone, mapping_id, fields, token=None):
    return send(archstone, "PUT", mapping_path(mapping_id), {"mapping": fields}, token)


def patch(archstone, mapping_id, fields, token=None):
    return send(archstone, "PATCH", mapping_path(mapping_id), {"mapping": fields}, token)


def get(archstone, mapping_id, token=None):
    return send(archstone, "GET", mapping_path(mapping_id), token=token)


# -- create, get, list, update, delete -----------------------------------------------------------------------------------------


def test_create(archstone):
    mapping_id = unique("mapping")
    answer = put(archstone, mapping_id, {"rules": RULES})
    assert answer.status_code == 201
    expected = {"id": mapping_id, "rules": RULES, "schema_version": "1.0", "links": {"self": f"{archstone.url}{mapping_path(mapping_id)}"}}
    assert answer.json() == {"mapping": expected}
    assert get(archstone, mapping_id).json() == answer.json()
    assert expected in everything(archstone, MAPPINGS)
    assert done(archstone, 200, "GET", expected["links"]["self"]) == answer.json()


def test_the_list_has_no_duplicates_and_the_documented_links(archstone):
    mine = [new_mapping(archstone)["id"] for _ in range(3)]
    body = done(archstone, 200, "GET", MAPPINGS)
    assert set(body) - {"truncated"} == {"mappings", "links"}
    assert body["links"] == {"self": f"{archstone.url}{MAPPINGS}", "next": body["links"]["next"], "previous": None}
    found = [mapping["id"] for mapping in everything(archstone, MAPPINGS)]
    assert len(found) == len(set(found)) and set(mine) <= set(found)


@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
def test_known_versions(archstone, version):
    mapping = new_mapping(archstone, schema_version=version)
    assert mapping["schema_version"] == version == get(archstone, mapping["id"]).json()["mapping"]["schema_version"]


@pytest.mark.parametrize("version", [None, ""])
def test_without_a_version_it_is_the_first(archstone, version):
    assert new_mapping(archstone, schema_version=version)["schema_version"] == "1.0"


@pytest.mark.parametrize("version", ["4.0", "0.9", "1", "1.0.0", " 1.0", "1.0 ", "v1.0", "latest", 1.0, 2, True, ["1.0"],
                                     {"version": "1.0"}])
def test_an_unknown_version_is_400(archstone, version):
    mapping_id = unique("mapping")
    assert "schema_version" in message(put(archstone, mapping_id, {"rules": RULES, "schema_version": version}), 400)
    assert get(archstone, mapping_id).status_code == 404
    mapping = new_mapping(archstone)
    assert "schema_version" in message(patch(archstone, mapping["id"], {"rules": OTHER_RULES, "schema_version": version}), 400)
    assert get(archstone, mapping["id"]).json()["mapping"] == mapping


def test_other_members_are_ignored_and_not_kept(archstone):
    mapping_id = unique("mapping")
    more = {"id": "other", "links": {"self": "http://elsewhere"}, "name": "x", "domain_id": "default", "description": 7, "unknown": [1]}
    created = put(archstone, mapping_id, {"rules": RULES, "schema_version": None} | more)
    assert created.status_code == 201
    assert created.json()["mapping"] == {"id": mapping_id, "rules": RULES, "schema_version": "1.0",
                                         "links": {"self": f"{archstone.url}{mapping_path(mapping_id)}"}}
    changed = patch(archstone, mapping_id, {"rules": OTHER_RULES} | more)
    assert changed.status_code == 200 and changed.json()["mapping"] == created.json()["mapping"] | {"rules": OTHER_RULES}
    assert get(archstone, mapping_id).json() == changed.json()
    assert get(archstone, "other").status_code == 404


def test_rules_come_back_as_they_were_written(archstone):
    rules = [{"remote": [{"type": "ü ☃ \\ \"", "any_one_of": ["b", "a", "b", ""]}, {"type": "T"}, {"type": "T"}],
              "local": [{"user": {"name": "{0} {{x}} {1}", "id": " "}}, {}, {"groups": "[\"a\",  'b']", "domain": {"name": "D ü"}}]},
             {"remote": [{"type": "x", "whitelist": [], "regex": False}], "local": []}] * 2
    mapping = new_mapping(archstone, rules)
    assert mapping["rules"] == rules == get(archstone, mapping["id"]).json()["mapping"]["rules"]


def test_a_taken_id_is_409_and_changes_nothing(archstone):
    mapping = new_mapping(archstone)
    text = message(put(archstone, mapping["id"], {"rules": OTHER_RULES}), 409)
    assert text == "Conflict occurred attempting to store mapping - Duplicate entry."
    assert get(archstone, mapping["id"]).json()["mapping"] == mapping


def test_update_replaces_the_rules_as_a_whole(archstone):
    mapping = new_mapping(archstone, RULES + OTHER_RULES)
    answer = patch(archstone, mapping["id"], {"rules": OTHER_RULES})
    assert answer.status_code == 200
    assert answer.json()["mapping"] == mapping | {"rules": OTHER_RULES}
    assert get(archstone, mapping["id"]).json() == answer.json()


@pytest.mark.parametrize("fields", [{}, {"schema_version": None}, {"schema_version": ""}])
def test_update_without_a_version_goes_back_to_the_first(archstone, fields):
    mapping = new_mapping(archstone, schema_version="2.0")
    answer = patch(archstone, mapping["id"], {"rules": OTHER_RULES} | fields)
    assert answer.json()["mapping"] == mapping | {"rules": OTHER_RULES, "schema_version": "1.0"}


def test_update_can_change_the_version(archstone):
    mapping = new_mapping(archstone)
    answer = patch(archstone, mapping["id"], {"rules": RULES, "schema_version": "3.0"})
    assert answer.json()["mapping"] == mapping | {"schema_version": "3.0"}


@pytest.mark.parametrize("fields", [{}, {"schema_version": "2.0"}, {"rules": None}, {"rules": []}, {"rules": {}}, {"rules": "x"}])
def test_update_without_rules_is_400_and_changes_nothing(archstone, fields):
    mapping = new_mapping(archstone)
    text = message(patch(archstone, mapping["id"], fields), 400)
    if "rules" not in fields:
        assert "'rules' is a required property" in text
    assert get(archstone, mapping["id"]).json()["mapping"] == mapping


def test_a_bad_update_of_an_unknown_mapping_is_400(archstone):
    assert "'rules' is a required property" in message(patch(archstone, unique("mapping"), {}), 400)


# -- in use --------------------------------------------------------------------------------------------------------------------


def test_a_mapping_in_use_stays_and_its_protocols_are_named(archstone):
    mapping = new_mapping(archstone)
    uses = []
    for _ in range(2):
        idp = new_idp(archstone)["id"]
        uses.append((idp, new_protocol(archstone, idp, mapping["id"])["id"]))
    text = message(send(archstone, "DELETE", mapping_path(mapping["id"])), 409)
    assert all(f"{idp}/{protocol}" in text for idp, protocol in uses)
    assert get(archstone, mapping["id"]).json()["mapping"] == mapping
    for idp, protocol in uses:
        done(archstone, 204, "DELETE", protocol_path(idp, protocol))
    assert send(archstone, "DELETE", mapping_path(mapping["id"])).status_code == 204


def test_a_mapping_that_many_protocols_use_is_told_shortly(archstone):
    mapping, idp = new_mapping(archstone)["id"], new_idp(archstone)["id"]
    for number in range(60):
        new_protocol(archstone, idp, mapping, f"{number:02}" + "x" * 62)
    assert len(message(send(archstone, "DELETE", mapping_path(mapping)), 409)) < 4_000


def test_a_mapping_in_use_may_change(archstone):
    mapping, idp = new_mapping(archstone), new_idp(archstone)["id"]
    new_protocol(archstone, idp, mapping["id"])
    assert patch(archstone, mapping["id"], {"rules": OTHER_RULES}).status_code == 200


def test_a_mapping_that_a_protocol_no_longer_uses_can_go(archstone):
    idp, first, second = new_idp(archstone)["id"], new_mapping(archstone)["id"], new_mapping(archstone)["id"]
    new_protocol(archstone, idp, first, "saml2")
    done(archstone, 200, "PATCH", protocol_path(idp, "saml2"), {"protocol": {"mapping_id": second}})
    done(archstone, 204, "DELETE", mapping_path(first))
    assert send(archstone, "DELETE", mapping_path(second)).status_code == 409


# -- lists ---------------------------------------------------------------------------------------------------------------------


def test_an_unknown_query_key_filters_nothing(archstone):
    mapping = new_mapping(archstone)["id"]
    assert mapping in [item["id"] for item in everything(archstone, f"{MAPPINGS}?nonsense=1")]


def test_paging_by_following_next_sees_everything_once_in_order(archstone):
    mine = {new_mapping(archstone)["id"] for _ in range(5)}
    whole = everything(archstone, MAPPINGS)
    limit = max(2, len(whole) // 7)
    found = pages(archstone, f"{MAPPINGS}?limit={limit}")
    flat = [mapping_id for page in found for mapping_id in page]
    assert flat == sorted(set(flat)) and mine <= set(flat)
    assert all(len(page) == limit for page in found[:-1]) and len(found) > 1


@pytest.mark.parametrize("limit", ["abc", "-1", "1.5"])
def test_a_limit_that_is_no_number_is_400(archstone, limit):
    message(send(archstone, "GET", f"{MAPPINGS}?limit={limit}"), 400)


def test_the_self_link_echoes_the_query(archstone):
    path = f"{MAPPINGS}?nonsense=a%20b&more=1"
    assert done(archstone, 200, "GET", path)["links"]["self"] == archstone.url + path


# -- limits (KS-MAP-7) ---------------------------------------------------------------------------------------------------------


def test_ks_map_7_a_mapping_of_a_megabyte_is_413(archstone):
    mapping_id = unique("mapping")
    rules = [{"local": [], "remote": [{"type": "x", "any_one_of": ["y" * 1_000_000]}]}]
    message(put(archstone, mapping_id, {"rules": rules}), 413)
    assert get(archstone, mapping_id).status_code == 404


def test_ks_map_7_ten_thousand_rules_are_refused(archstone):
    mapping_id = unique("mapping")
    answer = put(archstone, mapping_id, {"rules": [{"local": [], "remote": [{"type": "x"}]}] * 10_000})
    message(answer, 413 if answer.status_code == 413 else 400)
    assert get(archstone, mapping_id).status_code == 404


@pytest.mark.parametrize("where", ["member", "rules", "any_one_of"])
def test_ks_map_7_a_depth_of_a_thousand_is_400(archstone, where):
    mapping_id, deep = unique("mapping"), "[" * 1_000 + "]" * 1_000
    body = {"member": f'{{"mapping": {deep}}}', "rules": f'{{"mapping": {{"rules": {deep}}}}}',
            "any_one_of": f'{{"mapping": {{"rules": [{{"local": [], "remote": [{{"type": "x", "any_one_of": {deep}}}]}}]}}}}'}[where]
    answer = archstone.request("PUT", mapping_path(mapping_id), token=archstone.admin_token, data=body,
                               headers={"Content-Type": "application/json"})
    message(answer, 400)
    assert get(archstone, mapping_id).status_code == 404


def test_ks_map_7_a_mapping_near_the_limit_is_kept_whole(archstone):
    rules = [{"local": [{"user": {"name": "{0}"}}, {"group": {"id": f"group-{number}"}}],
              "remote": [{"type": "U"}, {"type": "G", "any_one_of": [f"team-{number}-{entry}" for entry in range(10)]}]}
             for number in range(320)]
    assert 80_000 < len(json.dumps(rules)) < 110_000
    mapping = new_mapping(archstone, rules)
    assert get(archstone, mapping["id"]).json()["mapping"]["rules"] == rules
    assert mapping in everything(archstone, MAPPINGS)


# -- a security administrator: the own account's, and nothing of others' -------------------------------------------------------


@pytest.mark.parametrize("scope", ["domain", "project"])
def test_a_security_administrator_manages_the_own_accounts_mappings(archstone, scope):
    _, token = secu_admin(archstone, scope)
    mapping = new_mapping(archstone, token=token)
    assert set(mapping) == {"id", "rules", "schema_version", "links"}
    assert get(archstone, mapping["id"], token).json()["mapping"] == mapping
    assert done(archstone, 200, "GET", MAPPINGS, token=token)["mappings"] == [mapping]
    changed = patch(archstone, mapping["id"], {"rules": RULES * 2}, token)
    assert changed.status_code == 200 and changed.json()["mapping"] == mapping | {"rules": RULES * 2}
    assert get(archstone, mapping["id"]).json() == changed.json(), "the cloud administrator sees the same"
    assert send(archstone, "DELETE", mapping_path(mapping["id"]), token=token).status_code == 204
    assert listed(archstone, MAPPINGS, token) == []


def test_a_security_administrator_learns_nothing_of_other_mappings(archstone):
    _, token = secu_admin(archstone)
    _, stranger = secu_admin(archstone)
    cloud, own = new_mapping(archstone), new_mapping(archstone, token=token)
    for hidden in (cloud["id"], own["id"], unique("mapping")):
        for answer in (get(archstone, hidden, stranger), patch(archstone, hidden, {"rules": RULES}, stranger),
                       send(archstone, "DELETE", mapping_path(hidden), token=stranger)):
            assert message(answer, 404) == f"Could not find mapping: {hidden}."
    for query in ("", "?limit=1000", "?nonsense=1"):
        assert listed(archstone, MAPPINGS + query, stranger) == []
    assert get(archstone, own["id"], token).json()["mapping"] == own
    assert get(archstone, cloud["id"]).json()["mapping"] == cloud


def test_a_taken_id_is_409_without_telling_whose_it_is(archstone):
    domain, token = secu_admin(archstone)
    mapping = new_mapping(archstone, token=token)
    _, stranger = secu_admin(archstone)
    told = message(put(archstone, mapping["id"], {"rules": RULES}, stranger), 409)
    assert told == message(put(archstone, mapping["id"], {"rules": RULES}, token), 409) and domain not in told
    assert get(archstone, mapping["id"], token).json()["mapping"] == mapping


def test_the_cloud_administrator_sees_and_changes_every_mapping(archstone):
    _, token = secu_admin(archstone)
    mapping = new_mapping(archstone, [{"local": [{"user": {"name": "{0}"}}, {"group": {"name": "staff"}}], "remote": [{"type": "U"}]}],
                          token=token)
    assert get(archstone, mapping["id"]).json()["mapping"] == mapping
    answer = patch(archstone, mapping["id"], {"rules": mapping["rules"] * 2})
    assert answer.status_code == 200, "it remains the account's, with the account's rules"
    assert get(archstone, mapping["id"], token).json()["mapping"]["rules"] == mapping["rules"] * 2
    done(archstone, 204, "DELETE", mapping_path(mapping["id"]))
    assert get(archstone, mapping["id"], token).status_code == 404


def test_paging_of_a_security_administrator_stays_in_the_account(archstone):
    _, token = secu_admin(archstone)
    _, stranger = secu_admin(archstone)
    mine = []
    for _ in range(5):
        mine.append(new_mapping(archstone, token=token)["id"])
        new_mapping(archstone, token=stranger)
        new_mapping(archstone)
    for limit in (1, 2, 5, 6):
        found = pages(archstone, f"{MAPPINGS}?limit={limit}", token)
        assert [mapping_id for page in found for mapping_id in page] == sorted(mine)
        assert all(len(page) == limit for page in found[:-1])


def test_an_accounts_mapping_in_use_stays(archstone):
    _, token = secu_admin(archstone)
    mapping, idp = new_mapping(archstone, token=token)["id"], account_idp(archstone, token)
    protocol = new_protocol(archstone, idp, mapping, token=token)["id"]
    assert f"{idp}/{protocol}" in message(send(archstone, "DELETE", mapping_path(mapping), token=token), 409)
    assert listed(archstone, protocols_path(idp), token) == [protocol]


def test_a_deleted_domains_mappings_go_with_it(archstone):
    domain, token = secu_admin(archstone)
    mapping, idp = new_mapping(archstone, token=token)["id"], account_idp(archstone, token)
    new_protocol(archstone, idp, mapping, token=token)
    done(archstone, 200, "PATCH", f"/v3/domains/{domain}", {"domain": {"enabled": False}})
    done(archstone, 204, "DELETE", f"/v3/domains/{domain}")
    assert get(archstone, mapping).status_code == 404
    assert send(archstone, "GET", protocols_path(idp)).status_code == 404
