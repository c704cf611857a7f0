"""/v3/OS-FEDERATION/identity_providers as the cloud administrator: every row of the schema, limits, links."""

import urllib.parse

import pytest

from harness import unique
from identity_provider_calls import BASE, create, get, listed, message, patch, path_of, put

# -- create, get, update, delete ----------------------------------------------------------------------------------------------


def test_create_with_defaults(archstone):
    idp_id = unique("idp")
    answer = put(archstone, idp_id)
    assert answer.status_code == 201
    idp = answer.json()["identity_provider"]
    assert idp["id"] == idp_id
    assert idp["enabled"] is False
    assert idp["description"] is None
    assert idp["remote_ids"] == []
    assert idp["authorization_ttl"] is None
    assert idp["sso_type"] == "virtual_user_sso"
    assert idp["links"]["self"] == f"{archstone.url}{BASE}/{idp_id}"
    assert idp["links"]["protocols"] == f"{archstone.url}{BASE}/{idp_id}/protocols"
    assert get(archstone, idp_id).json() == answer.json()


def test_create_with_everything(archstone):
    domain = archstone.new_domain()
    fields = {"enabled": True, "description": "Stores ACME identities.", "remote_ids": [unique("https://b"), unique("https://a")],
              "authorization_ttl": 30, "domain_id": domain["id"], "sso_type": "virtual_user_sso"}
    idp = create(archstone, **fields)
    assert {key: idp[key] for key in fields} == fields | {"remote_ids": sorted(fields["remote_ids"])}


def test_the_auto_created_domain(archstone):
    idp = create(archstone)
    domain = archstone.expect(200, "GET", f"/v3/domains/{idp['domain_id']}", token=archstone.admin_token)["domain"]
    assert domain["name"] == domain["id"] == idp["domain_id"]
    assert len(domain["id"]) == 32
    assert domain["enabled"] is True
    assert domain["description"] == f"Auto generated federated domain for Identity Provider: {idp['id']}"


def test_the_auto_created_domain_is_rolled_back_on_conflict(archstone):
    def domains():
        return {d["id"] for d in archstone.expect(200, "GET", "/v3/domains?limit=1000", token=archstone.admin_token)["domains"]}

    remote = unique("https://idp")
    idp = create(archstone, remote_ids=[remote])
    before = domains()
    assert put(archstone, idp["id"]).status_code == 409
    assert put(archstone, unique("idp"), {"remote_ids": [remote]}).status_code == 409
    assert domains() == before


def test_several_identity_providers_may_share_a_domain(archstone):
    domain = archstone.new_domain()
    assert create(archstone, domain_id=domain["id"])["domain_id"] == create(archstone, domain_id=domain["id"])["domain_id"]


def test_an_unknown_domain_is_404(archstone):
    assert message(put(archstone, unique("idp"), {"domain_id": "0123456789abcdef0123456789abcdef"}), 404)


def test_a_taken_id_is_409_and_changes_nothing(archstone):
    idp = create(archstone, description="first")
    text = message(put(archstone, idp["id"], {"description": "second"}), 409)
    assert text.startswith("Conflict occurred attempting to store identity_provider")
    assert get(archstone, idp["id"]).json()["identity_provider"] == idp


def test_an_unknown_id_is_404_in_keystones_words(archstone):
    idp_id = unique("idp")
    for answer in (get(archstone, idp_id), patch(archstone, idp_id, {"enabled": True}),
                   archstone.request("DELETE", path_of(idp_id), token=archstone.admin_token)):
        assert message(answer, 404) == f"Could not find Identity Provider: {idp_id}."


def test_update_changes_what_is_named_and_nothing_else(archstone):
    idp = create(archstone, description="old", remote_ids=[unique("https://old")], authorization_ttl=5)
    answer = patch(archstone, idp["id"], {"enabled": True})
    assert answer.status_code == 200
    assert answer.json()["identity_provider"] == idp | {"enabled": True}
    remote = unique("https://new")
    answer = patch(archstone, idp["id"], {"description": None, "remote_ids": [remote], "authorization_ttl": None, "enabled": False})
    assert answer.json()["identity_provider"] == idp | {"description": None, "remote_ids": [remote], "authorization_ttl": None}
    assert get(archstone, idp["id"]).json() == answer.json()


@pytest.mark.parametrize("empty", [[], None])
def test_update_can_empty_the_remote_ids(archstone, empty):
    remote = unique("https://idp")
    idp = create(archstone, remote_ids=[remote])
    assert patch(archstone, idp["id"], {"remote_ids": empty}).json()["identity_provider"]["remote_ids"] == []
    assert create(archstone, remote_ids=[remote])["remote_ids"] == [remote], "a freed remote id can be taken again"


def test_delete(archstone):
    remote = unique("https://idp")
    idp = create(archstone, remote_ids=[remote])
    answer = archstone.request("DELETE", path_of(idp["id"]), token=archstone.admin_token)
    assert answer.status_code == 204
    assert answer.content == b"" and "Content-Type" not in answer.headers
    assert get(archstone, idp["id"]).status_code == 404
    assert idp["id"] not in listed(archstone, f"id={idp['id']}")
    assert put(archstone, idp["id"], {"remote_ids": [remote]}).status_code == 201


def test_deleting_leaves_an_auto_created_domain_behind_disabled(archstone):
    idp = create(archstone)
    archstone.expect(204, "DELETE", path_of(idp["id"]), token=archstone.admin_token)
    domain = archstone.expect(200, "GET", f"/v3/domains/{idp['domain_id']}", token=archstone.admin_token)["domain"]
    assert domain["enabled"] is False
    archstone.expect(204, "DELETE", f"/v3/domains/{idp['domain_id']}", token=archstone.admin_token)


def test_deleting_disables_an_auto_created_domain_that_holds_users(archstone):
    idp = create(archstone)
    archstone.new_user(idp["domain_id"])
    archstone.expect(204, "DELETE", path_of(idp["id"]), token=archstone.admin_token)
    domain = archstone.expect(200, "GET", f"/v3/domains/{idp['domain_id']}", token=archstone.admin_token)["domain"]
    assert domain["enabled"] is False


def test_deleting_leaves_a_domain_alone_that_was_there_before(archstone):
    domain = archstone.new_domain()
    idp = create(archstone, domain_id=domain["id"])
    archstone.expect(204, "DELETE", path_of(idp["id"]), token=archstone.admin_token)
    assert archstone.expect(200, "GET", f"/v3/domains/{domain['id']}", token=archstone.admin_token)["domain"]["enabled"] is True


def test_deleting_a_domain_deletes_its_identity_providers(archstone):
    domain = archstone.new_domain()
    idp = create(archstone, domain_id=domain["id"])
    archstone.expect(200, "PATCH", f"/v3/domains/{domain['id']}", token=archstone.admin_token, json={"domain": {"enabled": False}})
    archstone.expect(204, "DELETE", f"/v3/domains/{domain['id']}", token=archstone.admin_token)
    assert get(archstone, idp["id"]).status_code == 404


def test_head_answers_as_get_without_a_body(archstone):
    idp = create(archstone)
    for path in (path_of(idp["id"]), BASE):
        head = archstone.request("HEAD", path, token=archstone.admin_token)
        assert head.status_code == 200 and head.content == b""
        assert head.headers["Content-Type"].startswith("application/json")
    assert archstone.request("HEAD", path_of(unique("idp")), token=archstone.admin_token).status_code == 404


# -- the schema ---------------------------------------------------------------------------------------------------------------

BAD_ON_BOTH = [
    {"enabled": None}, {"enabled": 1}, {"enabled": "true"}, {"enabled": []},
    {"description": 7}, {"description": True}, {"description": ["x"]}, {"description": {}},
    {"remote_ids": "https://a"}, {"remote_ids": {"a": 1}}, {"remote_ids": [7]}, {"remote_ids": [None]}, {"remote_ids": [["a"]]},
    {"remote_ids": ["https://twice", "https://twice"]}, {"remote_ids": ["x" * 256]},
    {"authorization_ttl": -1}, {"authorization_ttl": "5"}, {"authorization_ttl": 1.5}, {"authorization_ttl": True},
    {"authorization_ttl": 10 ** 30}, {"authorization_ttl": []},
    {"sso_type": "nonsense"}, {"sso_type": None}, {"sso_type": 7},
    {"id": "other"}, {"links": {}}, {"protocols": []}, {"unknown": 1},
]


@pytest.mark.parametrize("fields", BAD_ON_BOTH + [
    {"domain_id": ""}, {"domain_id": "has space"}, {"domain_id": "a" * 65}, {"domain_id": 7}, {"domain_id": "ä"}, {"domain_id": "a/b"},
])
def test_create_refuses(archstone, fields):
    idp_id = unique("idp")
    message(put(archstone, idp_id, fields), 400)
    assert get(archstone, idp_id).status_code == 404


@pytest.mark.parametrize("fields", BAD_ON_BOTH + [{}, {"domain_id": "default"}, {"domain_id": None}, {"sso_type": "iam_user_sso"}])
def test_update_refuses(archstone, fields):
    idp = create(archstone)
    message(patch(archstone, idp["id"], fields), 400)
    assert get(archstone, idp["id"]).json()["identity_provider"] == idp


@pytest.mark.parametrize("fields", [
    {"description": ""}, {"description": "x" * 20000}, {"description": "snow ☃ man"}, {"description": None},
    {"remote_ids": None}, {"remote_ids": []}, {"remote_ids": ["r" * 255]}, {"remote_ids": ["has space ☃"]},
    {"authorization_ttl": 0}, {"authorization_ttl": None}, {"authorization_ttl": 2 ** 31 - 1},
    {"domain_id": None}, {"sso_type": "iam_user_sso"},
])
def test_create_accepts(archstone, fields):
    idp = create(archstone, **fields)
    for key, value in fields.items():
        if key != "domain_id":
            assert idp[key] == ([] if key == "remote_ids" and value is None else value)
    archstone.expect(204, "DELETE", path_of(idp["id"]), token=archstone.admin_token)


def test_update_may_repeat_the_stored_sso_type(archstone):
    idp = create(archstone, sso_type="iam_user_sso")
    answer = patch(archstone, idp["id"], {"sso_type": "iam_user_sso", "enabled": True})
    assert answer.status_code == 200
    assert answer.json()["identity_provider"] == idp | {"enabled": True}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("body", [{}, {"identity_provider": None}, {"identity_provider": []}, {"identity_provider": "x"},
                                  {"idp": {}}])
def test_the_wrapper_is_required(archstone, method, body):
    idp_id = create(archstone)["id"] if method == "PATCH" else unique("idp")
    message(archstone.request(method, path_of(idp_id), token=archstone.admin_token, json=body), 400)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_body_is_required(archstone, method):
    idp_id = create(archstone)["id"] if method == "PATCH" else unique("idp")
    message(archstone.request(method, path_of(idp_id), token=archstone.admin_token), 400)


def test_update_without_the_member_says_so(archstone):
    answer = archstone.request("PATCH", path_of(create(archstone)["id"]), token=archstone.admin_token, json={})
    assert "'identity_provider' is a required property" in message(answer, 400)


@pytest.mark.parametrize(("content_type", "body"), [
    ("text/plain", '{"identity_provider": {}}'), ("application/xml", "<x/>"), ("application/json", "{"),
    ("application/json", "[]"), ("application/json", '"x"'), ("application/json", '{"identity_provider": {}} x'),
])
def test_a_body_of_another_kind_is_400(archstone, content_type, body):
    answer = archstone.request("PUT", path_of(unique("idp")), token=archstone.admin_token, data=body, headers={"Content-Type": content_type})
    text = message(answer, 400)
    assert text.startswith("Expecting to find valid JSON" if content_type == "application/json" else "Expecting to find application/json")


def test_a_body_over_the_limit_is_413(archstone):
    idp_id = unique("idp")
    message(put(archstone, idp_id, {"description": "x" * 114_688}), 413)
    assert get(archstone, idp_id).status_code == 404
    assert put(archstone, idp_id, {"description": "x" * 114_000}).status_code == 201


# -- remote ids ---------------------------------------------------------------------------------------------------------------


def test_remote_ids_are_unique_over_all_identity_providers(archstone):
    remote = unique("https://idp")
    first, second = create(archstone, remote_ids=[remote]), create(archstone)
    text = message(put(archstone, unique("idp"), {"remote_ids": [unique("https://x"), remote]}), 409)
    assert "Duplicate remote ID" in text
    assert "Duplicate remote ID" in message(patch(archstone, second["id"], {"remote_ids": [remote]}), 409)
    assert get(archstone, second["id"]).json()["identity_provider"]["remote_ids"] == []
    assert patch(archstone, first["id"], {"remote_ids": [remote]}).status_code == 200, "its own remote id is no conflict"


def test_remote_ids_are_compared_exactly(archstone):
    remote = unique("https://idp")
    create(archstone, remote_ids=[remote])
    assert create(archstone, remote_ids=[remote.upper(), remote + "/", remote + " "])


# -- ids and links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("idp_id", ["a b", "ü", "日本", "a%b", "a?b", "a#b", "a+b", "a&b=c", "a:b@c", "~a.b_c-d", "'\"<>", "a;b"])
def test_any_characters_may_be_in_an_id(archstone, idp_id):
    idp_id = unique(idp_id)
    answer = put(archstone, idp_id)
    assert answer.status_code == 201
    idp = answer.json()["identity_provider"]
    assert idp["id"] == idp_id
    assert get(archstone, idp_id).json() == answer.json()
    link = idp["links"]["self"]
    assert link.isascii() and not set(link) & set(' "<>')
    followed = archstone.request("GET", link, token=archstone.admin_token)
    assert followed.status_code == 200 and followed.json()["identity_provider"]["id"] == idp_id
    assert idp["links"]["protocols"] == link + "/protocols"
    assert listed(archstone, urllib.parse.urlencode({"id": idp_id})) == [idp_id]


def test_an_id_has_1_to_64_characters(archstone):
    longest = unique("x" * 51)
    assert len(longest) == 64
    assert put(archstone, longest).status_code == 201
    message(put(archstone, longest + "x"), 400)
    characters = unique("ü" * 51)
    assert put(archstone, characters).status_code == 201, "characters are counted, not bytes"


def test_an_encoded_slash_names_no_identity_provider(archstone):
    answer = archstone.request("PUT", f"{BASE}/a%2Fb", token=archstone.admin_token, json={"identity_provider": {}})
    assert answer.status_code in (400, 404)


# -- who may ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["member", "reader", "manager", "service"])
def test_others_are_refused_on_every_call(archstone, role):
    idp = create(archstone)
    _, token = archstone.persona(role, project=archstone.new_project())
    calls = {"create": ("PUT", path_of(unique("idp"))), "get": ("GET", path_of(idp["id"])), "update": ("PATCH", path_of(idp["id"])),
             "delete": ("DELETE", path_of(idp["id"])), "list": ("GET", BASE)}
    for verb, (method, path) in calls.items():
        body = {"identity_provider": {"enabled": True}} if method in ("PUT", "PATCH") else None
        text = message(archstone.request(method, path, token=token, json=body), 403)
        rule = f"identity:{verb}_identity_provider{'s' if verb == 'list' else ''}"
        assert text == f"You are not authorized to perform the requested action: {rule}."


def test_the_system_administrator_may(archstone):
    token = archstone.token(system=True)
    idp_id = unique("idp")
    assert put(archstone, idp_id, token=token).status_code == 201
    assert archstone.request("GET", path_of(idp_id), token=token).status_code == 200


def test_d14_the_admin_of_a_domain_may_not(archstone):
    domain = archstone.new_domain()
    _, token = archstone.persona("admin", domain=domain["id"])
    message(put(archstone, unique("idp"), token=token), 403)
    message(archstone.request("GET", BASE, token=token), 403)
