"""/v3/OS-FEDERATION/identity_providers/{idp}/protocols: every row of the schema, links, lists, and the wall between accounts."""

import pytest

from federation_calls import (MAPPINGS, account_idp, done, listed, mapping_path, message, new_idp, new_mapping, new_protocol, pages,
                              protocol_path, protocols_path, secu_admin, send)
from harness import unique


@pytest.fixture
def idp(archstone):
    """An identity provider's id."""
    return new_idp(archstone)["id"]


@pytest.fixture
def mapping(archstone):
    """A mapping's id."""
    return new_mapping(archstone)["id"]


def missing(protocol_id, idp_id):
    """What is said of a protocol that is not there."""
    return f"Could not find federated protocol {protocol_id} for Identity Provider: {idp_id}."


def put(archstone, idp_id, protocol_id, fields, token=None):
    return send(archstone, "PUT", protocol_path(idp_id, protocol_id), {"protocol": fields}, token)


def patch(archstone, idp_id, protocol_id, fields, token=None):
    return send(archstone, "PATCH", protocol_path(idp_id, protocol_id), {"protocol": fields}, token)


def get(archstone, idp_id, protocol_id, token=None):
    return send(archstone, "GET", protocol_path(idp_id, protocol_id), token=token)


# -- create, get, list, update, delete -----------------------------------------------------------------------------------------


def test_create_answers_id_mapping_and_links(archstone, idp, mapping):
    answer = put(archstone, idp, "openid", {"mapping_id": mapping})
    assert answer.status_code == 201
    protocol = answer.json()["protocol"]
    assert (protocol["id"], protocol["mapping_id"]) == ("openid", mapping)
    assert get(archstone, idp, "openid").json() == answer.json()


def test_the_member_is_the_same_everywhere_and_has_the_documented_links(archstone, idp, mapping):
    own = f"{archstone.url}{protocol_path(idp, 'saml')}"
    expected = {"id": "saml", "idp_id": idp, "mapping_id": mapping, "remote_id_attribute": "HTTP_OIDC_ISS",
                "links": {"self": own, "identity_provider": own.removesuffix("/protocols/saml")}}
    fields = {"mapping_id": mapping, "remote_id_attribute": "HTTP_OIDC_ISS"}
    assert put(archstone, idp, "saml", fields).json() == {"protocol": expected}
    assert get(archstone, idp, "saml").json() == {"protocol": expected}
    assert patch(archstone, idp, "saml", fields).json() == {"protocol": expected}
    assert done(archstone, 200, "GET", protocols_path(idp)) == {
        "protocols": [expected], "links": {"self": f"{archstone.url}{protocols_path(idp)}", "next": None, "previous": None}}


def test_the_links_lead_to_what_they_name(archstone, idp, mapping):
    protocol = new_protocol(archstone, idp, mapping)
    assert done(archstone, 200, "GET", protocol["links"]["self"])["protocol"] == protocol
    assert done(archstone, 200, "GET", protocol["links"]["identity_provider"])["identity_provider"]["id"] == idp
    provider = done(archstone, 200, "GET", protocol["links"]["identity_provider"])["identity_provider"]
    assert listed(archstone, provider["links"]["protocols"]) == [protocol["id"]]


def test_the_list_shows_every_protocol_of_the_identity_provider_and_no_other(archstone, idp, mapping):
    assert listed(archstone, protocols_path(idp)) == []
    ids = sorted(new_protocol(archstone, idp, mapping)["id"] for _ in range(3))
    other = new_idp(archstone)["id"]
    new_protocol(archstone, other, mapping)
    assert sorted(listed(archstone, protocols_path(idp))) == ids


def test_the_list_tells_where_the_issuer_is_looked_for(archstone, idp, mapping):
    for name, attribute in (("a", None), ("b", ""), ("c", "HTTP_OIDC_ISS")):
        new_protocol(archstone, idp, mapping, name, remote_id_attribute=attribute)
    [*found] = done(archstone, 200, "GET", protocols_path(idp))["protocols"]
    assert {p["id"]: (p["idp_id"], p["remote_id_attribute"]) for p in found} == {
        "a": (idp, None), "b": (idp, ""), "c": (idp, "HTTP_OIDC_ISS")}


def test_the_same_protocol_id_may_be_below_several_identity_providers(archstone, mapping):
    one, two = new_idp(archstone)["id"], new_idp(archstone)["id"]
    other = new_mapping(archstone)["id"]
    new_protocol(archstone, one, mapping, "openid")
    new_protocol(archstone, two, other, "openid")
    assert get(archstone, one, "openid").json()["protocol"]["mapping_id"] == mapping
    assert get(archstone, two, "openid").json()["protocol"]["mapping_id"] == other
    assert send(archstone, "DELETE", protocol_path(one, "openid")).status_code == 204
    assert get(archstone, two, "openid").status_code == 200


def test_several_protocols_may_use_one_mapping(archstone, idp, mapping):
    for name in ("openid", "saml2"):
        assert new_protocol(archstone, idp, mapping, name)["mapping_id"] == mapping


def test_a_taken_id_is_409_and_changes_nothing(archstone, idp, mapping):
    protocol = new_protocol(archstone, idp, mapping)
    other = new_mapping(archstone)["id"]
    text = message(put(archstone, idp, protocol["id"], {"mapping_id": other}), 409)
    assert text == f"Conflict occurred attempting to store federation_protocol - Duplicate entry found with ID {protocol['id']}."
    assert get(archstone, idp, protocol["id"]).json()["protocol"] == protocol


def test_update_replaces_the_mapping(archstone, idp, mapping):
    protocol = new_protocol(archstone, idp, mapping, remote_id_attribute="HTTP_OIDC_ISS")
    other = new_mapping(archstone)["id"]
    answer = patch(archstone, idp, protocol["id"], {"mapping_id": other})
    assert answer.status_code == 200
    assert answer.json()["protocol"] == protocol | {"mapping_id": other}
    assert get(archstone, idp, protocol["id"]).json() == answer.json()
    [item] = done(archstone, 200, "GET", protocols_path(idp))["protocols"]
    assert item["remote_id_attribute"] == "HTTP_OIDC_ISS", "what is not named stays"


def test_update_replaces_the_remote_id_attribute(archstone, idp, mapping):
    new_protocol(archstone, idp, mapping, "openid", remote_id_attribute="old")
    for value in ("new", ""):
        assert patch(archstone, idp, "openid", {"mapping_id": mapping, "remote_id_attribute": value}).status_code == 200
        [item] = done(archstone, 200, "GET", protocols_path(idp))["protocols"]
        assert item["remote_id_attribute"] == value


def test_delete(archstone, idp, mapping):
    protocol = new_protocol(archstone, idp, mapping)["id"]
    answer = send(archstone, "DELETE", protocol_path(idp, protocol))
    assert answer.status_code == 204 and answer.content == b"" and "Content-Type" not in answer.headers
    assert message(get(archstone, idp, protocol), 404) == missing(protocol, idp)
    assert listed(archstone, protocols_path(idp)) == []
    assert put(archstone, idp, protocol, {"mapping_id": mapping}).status_code == 201, "the id is free again"


def test_a_deleted_identity_providers_protocols_go_with_it(archstone, mapping):
    idp_id = new_idp(archstone)["id"]
    protocol = new_protocol(archstone, idp_id, mapping)["id"]
    done(archstone, 204, "DELETE", protocols_path(idp_id).removesuffix("/protocols"))
    assert message(get(archstone, idp_id, protocol), 404) == missing(protocol, idp_id)
    done(archstone, 201, "PUT", protocols_path(idp_id).removesuffix("/protocols"), {"identity_provider": {}})
    assert listed(archstone, protocols_path(idp_id)) == [], "a new one under the same id has none of them"
    assert send(archstone, "DELETE", mapping_path(mapping)).status_code == 204, "and they use no mapping any more"


def test_a_deleted_domains_protocols_go_with_it(archstone, mapping):
    domain = archstone.new_domain()["id"]
    idp_id = new_idp(archstone, domain_id=domain)["id"]
    protocol = new_protocol(archstone, idp_id, mapping)["id"]
    done(archstone, 200, "PATCH", f"/v3/domains/{domain}", {"domain": {"enabled": False}})
    done(archstone, 204, "DELETE", f"/v3/domains/{domain}")
    assert get(archstone, idp_id, protocol).status_code == 404
    assert send(archstone, "DELETE", mapping_path(mapping)).status_code == 204


# -- what is not there ---------------------------------------------------------------------------------------------------------


def test_an_unknown_protocol_is_404_in_keystones_words(archstone, idp, mapping):
    name = unique("protocol")
    for answer in (get(archstone, idp, name), patch(archstone, idp, name, {"mapping_id": mapping}),
                   send(archstone, "DELETE", protocol_path(idp, name))):
        assert message(answer, 404) == missing(name, idp)


def test_a_protocol_of_another_identity_provider_is_404(archstone, idp, mapping):
    other = new_idp(archstone)["id"]
    name = new_protocol(archstone, other, mapping)["id"]
    for answer in (get(archstone, idp, name), patch(archstone, idp, name, {"mapping_id": mapping}),
                   send(archstone, "DELETE", protocol_path(idp, name))):
        assert message(answer, 404) == missing(name, idp)
    assert get(archstone, other, name).status_code == 200


def test_protocols_of_an_unknown_identity_provider_are_404(archstone, mapping):
    idp_id, name = unique("idp"), unique("protocol")
    for answer in (get(archstone, idp_id, name), patch(archstone, idp_id, name, {"mapping_id": mapping}),
                   send(archstone, "DELETE", protocol_path(idp_id, name))):
        assert message(answer, 404) == missing(name, idp_id)
    assert message(put(archstone, idp_id, name, {"mapping_id": mapping}), 404) == f"Could not find Identity Provider: {idp_id}."


def test_the_list_of_an_unknown_identity_provider_is_404(archstone):
    idp_id = unique("idp")
    assert message(send(archstone, "GET", protocols_path(idp_id)), 404) == f"Could not find Identity Provider: {idp_id}."


def test_an_unknown_mapping_is_400_in_keystones_words(archstone, idp, mapping):
    unknown, name = unique("mapping"), unique("protocol")
    assert message(put(archstone, idp, name, {"mapping_id": unknown}), 400) == f"Invalid mapping id: {unknown}"
    assert get(archstone, idp, name).status_code == 404
    protocol = new_protocol(archstone, idp, mapping)
    assert message(patch(archstone, idp, protocol["id"], {"mapping_id": unknown}), 400) == f"Invalid mapping id: {unknown}"
    assert get(archstone, idp, protocol["id"]).json()["protocol"] == protocol


def test_a_deleted_mapping_is_an_unknown_one(archstone, idp, mapping):
    done(archstone, 204, "DELETE", mapping_path(mapping))
    assert message(put(archstone, idp, unique("protocol"), {"mapping_id": mapping}), 400) == f"Invalid mapping id: {mapping}"


# -- the schema ----------------------------------------------------------------------------------------------------------------

# Stands for the id of a mapping that is there.
THERE = "there"

BAD_ON_BOTH = [
    {}, {"mapping_id": None}, {"mapping_id": ""}, {"mapping_id": 7}, {"mapping_id": True}, {"mapping_id": ["m"]}, {"mapping_id": {}},
    {"mapping_id": "m" * 65}, {"remote_id_attribute": "HTTP_OIDC_ISS"},
    *({"mapping_id": THERE} | more for more in (
        {"remote_id_attribute": 7}, {"remote_id_attribute": True}, {"remote_id_attribute": ["x"]}, {"remote_id_attribute": {}},
        {"remote_id_attribute": "x" * 65}, {"id": "other"}, {"idp_id": "other"}, {"links": {}}, {"name": "x"}, {"unknown": 1})),
]


def filled(fields, mapping_id):
    return {key: mapping_id if value == THERE else value for key, value in fields.items()}


@pytest.mark.parametrize("fields", BAD_ON_BOTH)
def test_create_refuses(archstone, idp, mapping, fields):
    message(put(archstone, idp, "openid", filled(fields, mapping)), 400)
    assert get(archstone, idp, "openid").status_code == 404


@pytest.mark.parametrize("fields", [*BAD_ON_BOTH, {"mapping_id": THERE, "remote_id_attribute": None}])
def test_update_refuses(archstone, idp, mapping, fields):
    protocol = new_protocol(archstone, idp, mapping)
    message(patch(archstone, idp, protocol["id"], filled(fields, mapping)), 400)
    assert get(archstone, idp, protocol["id"]).json()["protocol"] == protocol


def test_a_missing_mapping_is_told_as_such(archstone, idp, mapping):
    assert "'mapping_id' is a required property" in message(put(archstone, idp, "openid", {}), 400)
    new_protocol(archstone, idp, mapping, "openid")
    assert "'mapping_id' is a required property" in message(patch(archstone, idp, "openid", {"remote_id_attribute": "x"}), 400)


@pytest.mark.parametrize("value", [None, "", "x", "x" * 64, "ü" * 64, "HTTP_OIDC_ISS", "has space", "MELLON_IDP"])
def test_create_accepts_a_remote_id_attribute(archstone, idp, mapping, value):
    new_protocol(archstone, idp, mapping, "openid", remote_id_attribute=value)
    [item] = done(archstone, 200, "GET", protocols_path(idp))["protocols"]
    assert item["remote_id_attribute"] == value


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_other_members_beside_the_protocol_are_refused(archstone, idp, mapping, method):
    if method == "PATCH":
        new_protocol(archstone, idp, mapping, "openid")
    message(send(archstone, method, protocol_path(idp, "openid"), {"protocol": {"mapping_id": mapping}, "y": 1}), 400)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
def test_the_collection_takes_no_changes(archstone, idp, mapping, method):
    answer = send(archstone, method, protocols_path(idp), None if method == "DELETE" else {"protocol": {"mapping_id": mapping}})
    assert answer.status_code == 405
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


# -- identity providers whose users exist already ------------------------------------------------------------------------------


def test_without_a_mapping_where_users_exist_already(archstone):
    idp_id = new_idp(archstone, sso_type="iam_user_sso")["id"]
    protocol = put(archstone, idp_id, "saml", {})
    assert protocol.status_code == 201
    own = f"{archstone.url}{protocol_path(idp_id, 'saml')}"
    assert protocol.json()["protocol"] == {
        "id": "saml", "idp_id": idp_id, "mapping_id": None, "remote_id_attribute": None,
        "links": {"self": own, "identity_provider": own.removesuffix("/protocols/saml")}}
    assert get(archstone, idp_id, "saml").json() == protocol.json()
    changed = patch(archstone, idp_id, "saml", {"remote_id_attribute": "MELLON_IDP"})
    assert changed.status_code == 200
    assert changed.json()["protocol"] == protocol.json()["protocol"] | {"remote_id_attribute": "MELLON_IDP"}


def test_a_mapping_may_be_named_there_too(archstone, mapping):
    idp_id = new_idp(archstone, sso_type="iam_user_sso")["id"]
    assert new_protocol(archstone, idp_id, mapping, "saml")["mapping_id"] == mapping
    assert message(patch(archstone, idp_id, "saml", {"mapping_id": "nothing"}), 400) == "Invalid mapping id: nothing"


def test_nothing_changes_by_a_change_of_nothing(archstone):
    idp_id = new_idp(archstone, sso_type="iam_user_sso")["id"]
    assert put(archstone, idp_id, "saml", {}).status_code == 201
    message(patch(archstone, idp_id, "saml", {}), 400)


# -- lists ---------------------------------------------------------------------------------------------------------------------


def test_filter_by_id(archstone, idp, mapping):
    for name in ("openid", "openid2", "saml2"):
        new_protocol(archstone, idp, mapping, name)
    assert listed(archstone, f"{protocols_path(idp)}?id=openid") == ["openid"]
    assert listed(archstone, f"{protocols_path(idp)}?id=nothing") == []
    assert sorted(listed(archstone, f"{protocols_path(idp)}?id__startswith=openid")) == ["openid", "openid2"]


def test_an_unknown_query_key_filters_nothing(archstone, idp, mapping):
    name = new_protocol(archstone, idp, mapping)["id"]
    assert listed(archstone, f"{protocols_path(idp)}?nonsense=1") == [name]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_paging_by_following_next_sees_everything_once_in_order(archstone, idp, mapping, limit):
    ids = [f"p{number}" for number in range(5)]
    for name in reversed(ids):
        new_protocol(archstone, idp, mapping, name)
    found = pages(archstone, f"{protocols_path(idp)}?limit={limit}")
    assert [name for page in found for name in page] == ids
    assert all(len(page) == limit for page in found[:-1])


def test_a_marker_is_where_the_page_before_ended(archstone, idp, mapping):
    for name in ("a", "b", "c"):
        new_protocol(archstone, idp, mapping, name)
    assert listed(archstone, f"{protocols_path(idp)}?marker=a") == ["b", "c"]
    assert listed(archstone, f"{protocols_path(idp)}?marker=a&limit=1") == ["b"]


@pytest.mark.parametrize("limit", ["abc", "-1", "1.5"])
def test_a_limit_that_is_no_number_is_400(archstone, idp, limit):
    message(send(archstone, "GET", f"{protocols_path(idp)}?limit={limit}"), 400)


def test_the_self_link_echoes_the_query(archstone, idp):
    path = f"{protocols_path(idp)}?nonsense=a%20b&more=1"
    assert done(archstone, 200, "GET", path)["links"]["self"] == archstone.url + path


# -- a security administrator: the own account's, and nothing of others' -------------------------------------------------------


@pytest.mark.parametrize("scope", ["domain", "project"])
def test_a_security_administrator_manages_the_own_accounts_protocols(archstone, scope):
    _, token = secu_admin(archstone, scope)
    idp_id = account_idp(archstone, token)
    mapping, other = new_mapping(archstone, token=token)["id"], new_mapping(archstone, token=token)["id"]
    protocol = new_protocol(archstone, idp_id, mapping, "saml", token=token)
    assert get(archstone, idp_id, "saml", token).json()["protocol"] == protocol
    assert listed(archstone, protocols_path(idp_id), token) == ["saml"]
    changed = patch(archstone, idp_id, "saml", {"mapping_id": other}, token)
    assert changed.status_code == 200 and changed.json()["protocol"] == protocol | {"mapping_id": other}
    assert get(archstone, idp_id, "saml").json() == changed.json(), "the cloud administrator sees the same"
    assert send(archstone, "DELETE", protocol_path(idp_id, "saml"), token=token).status_code == 204
    assert listed(archstone, protocols_path(idp_id), token) == []


def test_a_security_administrator_learns_nothing_of_other_accounts_protocols(archstone):
    _, token = secu_admin(archstone)
    idp_id = account_idp(archstone, token)
    new_protocol(archstone, idp_id, new_mapping(archstone, token=token)["id"], "saml", token=token)
    _, stranger = secu_admin(archstone)
    own = new_mapping(archstone, token=stranger)["id"]
    nowhere = unique("ACME")
    for target in (idp_id, nowhere):
        for answer in (get(archstone, target, "saml", stranger), patch(archstone, target, "saml", {"mapping_id": own}, stranger),
                       send(archstone, "DELETE", protocol_path(target, "saml"), token=stranger)):
            assert message(answer, 404) == missing("saml", target)
        for answer in (send(archstone, "GET", protocols_path(target), token=stranger),
                       put(archstone, target, "openid", {"mapping_id": own}, stranger),
                       put(archstone, target, "saml", {"mapping_id": own}, stranger)):
            assert message(answer, 404) == f"Could not find Identity Provider: {target}."
    assert listed(archstone, protocols_path(idp_id), token) == ["saml"]


def test_protocols_of_the_clouds_identity_providers_are_hidden_too(archstone, idp, mapping):
    new_protocol(archstone, idp, mapping, "saml")
    _, stranger = secu_admin(archstone)
    assert message(get(archstone, idp, "saml", stranger), 404) == missing("saml", idp)
    assert send(archstone, "GET", protocols_path(idp), token=stranger).status_code == 404


def test_a_mapping_that_one_may_not_see_is_an_unknown_one(archstone, mapping):
    _, token = secu_admin(archstone)
    _, stranger = secu_admin(archstone)
    foreign = new_mapping(archstone, token=stranger)["id"]
    idp_id, own = account_idp(archstone, token), new_mapping(archstone, token=token)["id"]
    new_protocol(archstone, idp_id, own, "saml", token=token)
    for hidden in (mapping, foreign, unique("mapping")):
        assert message(put(archstone, idp_id, "openid", {"mapping_id": hidden}, token), 400) == f"Invalid mapping id: {hidden}"
        assert message(patch(archstone, idp_id, "saml", {"mapping_id": hidden}, token), 400) == f"Invalid mapping id: {hidden}"
    assert listed(archstone, protocols_path(idp_id), token) == ["saml"]


def test_taking_the_role_ends_it_at_once(archstone):
    domain = archstone.new_domain()["id"]
    user, token = archstone.persona("secu_admin", domain=domain)
    archstone.grant(user, "reader", domain=domain)
    idp_id = account_idp(archstone, token)
    assert listed(archstone, protocols_path(idp_id), token) == []
    archstone.grant(user, "secu_admin", domain=domain, method="DELETE")
    assert send(archstone, "GET", protocols_path(idp_id), token=token).status_code == 403
    assert send(archstone, "GET", MAPPINGS, token=token).status_code == 403
