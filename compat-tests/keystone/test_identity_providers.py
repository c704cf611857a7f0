"""/v3/OS-FEDERATION/identity_providers as the cloud administrator: every row of the schema, limits, lists and links."""

import urllib.parse

import pytest

from harness import unique

BASE = "/v3/OS-FEDERATION/identity_providers"


def path_of(idp_id):
    return f"{BASE}/{urllib.parse.quote(idp_id, safe='')}"


def put(archstone, idp_id, fields=None, token=None):
    """PUT of these fields; the answer as it came."""
    return archstone.request("PUT", path_of(idp_id), token=token or archstone.admin_token, json={"identity_provider": fields or {}})


def patch(archstone, idp_id, fields):
    return archstone.request("PATCH", path_of(idp_id), token=archstone.admin_token, json={"identity_provider": fields})


def get(archstone, idp_id):
    return archstone.request("GET", path_of(idp_id), token=archstone.admin_token)


def create(archstone, **fields):
    """A new identity provider with a name of its own; the member."""
    answer = put(archstone, unique("idp"), fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["identity_provider"]


def listed(archstone, query):
    """Ids that a list with this query answers (one page)."""
    answer = archstone.expect(200, "GET", f"{BASE}?{query}", token=archstone.admin_token)
    return [idp["id"] for idp in answer["identity_providers"]]


def message(answer, code):
    """The message of an error answer with this code."""
    assert answer.status_code == code, f"{answer.status_code} {answer.text[:1000]}"
    error = answer.json()["error"]
    assert error["code"] == code
    return error["message"]


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


def test_deleting_removes_an_auto_created_domain_that_holds_nothing_else(archstone):
    idp = create(archstone)
    archstone.expect(204, "DELETE", path_of(idp["id"]), token=archstone.admin_token)
    assert archstone.request("GET", f"/v3/domains/{idp['domain_id']}", token=archstone.admin_token).status_code == 404


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


# -- lists --------------------------------------------------------------------------------------------------------------------


def test_the_list_has_the_same_members_as_get(archstone):
    idp = create(archstone, remote_ids=[unique("https://idp")], enabled=True, description="in a list")
    body = archstone.expect(200, "GET", f"{BASE}?id={idp['id']}", token=archstone.admin_token)
    assert body["identity_providers"] == [idp]
    assert body["links"] == {"next": None, "previous": None, "self": f"{archstone.url}{BASE}?id={idp['id']}"}
    assert "truncated" not in body


def test_filter_by_id(archstone):
    idp = create(archstone)
    assert listed(archstone, f"id={idp['id']}") == [idp["id"]]
    assert listed(archstone, f"id={unique('no-such')}") == []


@pytest.mark.parametrize(("query", "expected"), [
    *[(value, "on") for value in ("true", "True", "TRUE", "1", "yes", "y", "on", "")],
    *[(value, "off") for value in ("false", "False", "0", "no", "n", "off")],
])
def test_filter_by_enabled(archstone, query, expected):
    mark = unique("mark")
    for state in ("on", "off"):
        assert put(archstone, f"{mark}-{state}", {"enabled": state == "on"}).status_code == 201
    assert listed(archstone, f"id__startswith={mark}&enabled={query}") == [f"{mark}-{expected}"]


@pytest.mark.parametrize("query", ["enabled=maybe", "enabled=2", "limit=abc", "limit=-1", "limit=1.5"])
def test_a_bad_query_value_is_400(archstone, query):
    message(archstone.request("GET", f"{BASE}?{query}", token=archstone.admin_token), 400)


def test_comparators(archstone):
    mark = unique("Mark")
    for tail in ("Alpha", "alpha", "beta"):
        assert put(archstone, f"{mark}-{tail}").status_code == 201
    inside = mark[1:]
    for query, tails in {
        f"id__startswith={mark}": ["Alpha", "alpha", "beta"],
        f"id__istartswith={mark.lower()}-ALPHA": ["Alpha", "alpha"],
        f"id__contains={inside}-al": ["alpha"],
        f"id__icontains={inside.upper()}-AL": ["Alpha", "alpha"],
        f"id__startswith={mark}&id__endswith=pha": ["Alpha", "alpha"],
        f"id__startswith={mark}&id__iendswith=BETA": ["beta"],
        f"id__startswith={mark}&id__contains=%25": [],
        f"id__startswith={mark}&id__contains=_": [],
    }.items():
        assert sorted(listed(archstone, query)) == sorted(f"{mark}-{tail}" for tail in tails), query


def test_an_unknown_query_key_filters_nothing(archstone):
    idp = create(archstone)
    assert listed(archstone, f"id={idp['id']}&nonsense=1") == [idp["id"]]


def pages(archstone, query):
    """Follows `links.next` to the end: the bodies."""
    url, bodies = f"{BASE}?{query}", []
    while url:
        body = archstone.expect(200, "GET", url, token=archstone.admin_token)
        bodies.append(body)
        assert len(bodies) < 50, "following next never ends"
        url = body["links"]["next"]
    return bodies


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_paging_by_following_next_sees_everything_once_in_order(archstone, limit):
    mark = unique("page")
    ids = sorted(f"{mark}-{number}" for number in range(7))
    for idp_id in reversed(ids):
        put(archstone, idp_id)
    bodies = pages(archstone, f"id__startswith={mark}&limit={limit}")
    assert [idp["id"] for body in bodies for idp in body["identity_providers"]] == ids
    for body in bodies[:-1]:
        assert len(body["identity_providers"]) == limit and body["truncated"] is True
        assert body["links"]["next"].startswith(archstone.url)
    assert "truncated" not in bodies[-1]


def test_paging_goes_on_when_the_marker_was_deleted_meanwhile_or_says_so(archstone):
    mark = unique("page")
    for number in range(4):
        put(archstone, f"{mark}-{number}")
    first = archstone.expect(200, "GET", f"{BASE}?id__startswith={mark}&limit=2", token=archstone.admin_token)
    archstone.expect(204, "DELETE", path_of(f"{mark}-1"), token=archstone.admin_token)
    answer = archstone.request("GET", first["links"]["next"], token=archstone.admin_token)
    if answer.status_code == 404:
        assert message(answer, 404) == f"Marker {mark}-1 could not be found."
    else:
        assert [idp["id"] for idp in answer.json()["identity_providers"]] == [f"{mark}-2", f"{mark}-3"]


def test_an_unknown_marker_is_404_or_a_place_in_the_order(archstone):
    # A place is the better answer here: 404 would tell a security administrator which ids other accounts do not have.
    marker = unique("marker")
    answer = archstone.request("GET", f"{BASE}?marker={marker}&limit=1", token=archstone.admin_token)
    if answer.status_code == 404:
        assert message(answer, 404) == f"Marker {marker} could not be found."
    else:
        assert answer.status_code == 200
        assert all(idp["id"] > marker for idp in answer.json()["identity_providers"])


def test_the_self_link_echoes_the_query(archstone):
    query = "enabled=true&limit=1000&id__startswith=a%20b"
    body = archstone.expect(200, "GET", f"{BASE}?{query}", token=archstone.admin_token)
    assert body["links"]["self"] == f"{archstone.url}{BASE}?{query}"


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
