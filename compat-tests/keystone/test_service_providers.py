"""/v3/OS-FEDERATION/service_providers, and where the enabled ones appear: in every token.

Whatever a test enables it takes away again: other files look at whole tokens of the same servers.
"""

import time

import pytest

from federation_calls import SPS, URLS, done, listed, message, new_sp, pages, secu_admin, send, sp_path
from harness import eventually, unique

PREFIX = "ss:mem:"
DEFAULTS = {"enabled": False, "description": None, "relay_state_prefix": PREFIX}


def put(archstone, sp_id, fields):
    return send(archstone, "PUT", sp_path(sp_id), {"service_provider": fields})


def patch(archstone, sp_id, fields):
    return send(archstone, "PATCH", sp_path(sp_id), {"service_provider": fields})


def get(archstone, sp_id):
    return send(archstone, "GET", sp_path(sp_id))


# -- create, get, list, update, delete -----------------------------------------------------------------------------------------


def test_create_with_defaults(archstone):
    sp_id = unique("sp")
    answer = put(archstone, sp_id, URLS)
    assert answer.status_code == 201
    expected = {"id": sp_id, "links": {"self": f"{archstone.url}{sp_path(sp_id)}"}} | URLS | DEFAULTS
    assert answer.json() == {"service_provider": expected}
    assert get(archstone, sp_id).json() == answer.json()
    assert done(archstone, 200, "GET", expected["links"]["self"]) == answer.json()
    assert done(archstone, 200, "GET", f"{SPS}?id={sp_id}") == {
        "service_providers": [expected], "links": {"self": f"{archstone.url}{SPS}?id={sp_id}", "next": None, "previous": None}}


def test_create_with_everything(archstone):
    fields = {"auth_url": "https://elsewhere.example/auth", "sp_url": "https://elsewhere.example/ecp", "enabled": True,
              "description": "Another cloud.", "relay_state_prefix": "cookie:"}
    sp = new_sp(archstone, **fields)
    assert sp == fields | {"id": sp["id"], "links": sp["links"]}
    assert get(archstone, sp["id"]).json()["service_provider"] == sp
    done(archstone, 204, "DELETE", sp_path(sp["id"]))


def test_a_taken_id_is_409_and_changes_nothing(archstone):
    sp = new_sp(archstone)
    text = message(put(archstone, sp["id"], URLS | {"enabled": True}), 409)
    assert text == f"Conflict occurred attempting to store service_provider - Duplicate entry found with ID {sp['id']}."
    assert get(archstone, sp["id"]).json()["service_provider"] == sp


@pytest.mark.parametrize("fields", [
    {"enabled": True}, {"description": "new"}, {"description": None}, {"description": ""}, {"relay_state_prefix": "other:"},
    {"relay_state_prefix": ""}, {"auth_url": "https://new.example/auth"}, {"sp_url": "https://new.example/ecp"},
    {"auth_url": "https://new.example/auth", "sp_url": "https://new.example/ecp", "enabled": True, "description": "x"},
])
def test_update_changes_what_is_named_and_nothing_else(archstone, fields):
    sp = new_sp(archstone, description="old", relay_state_prefix="old:")
    answer = patch(archstone, sp["id"], fields)
    assert answer.status_code == 200
    assert answer.json()["service_provider"] == sp | fields
    assert get(archstone, sp["id"]).json() == answer.json()
    done(archstone, 204, "DELETE", sp_path(sp["id"]))


def test_a_null_prefix_is_the_default(archstone):
    assert new_sp(archstone, relay_state_prefix=None)["relay_state_prefix"] == PREFIX
    sp = new_sp(archstone, relay_state_prefix="other:")
    answer = patch(archstone, sp["id"], {"relay_state_prefix": None})
    assert answer.status_code == 200 and answer.json()["service_provider"] == sp | {"relay_state_prefix": PREFIX}
    assert get(archstone, sp["id"]).json() == answer.json()


# -- the schema ----------------------------------------------------------------------------------------------------------------

BAD_URLS = ["", "x", "x:", ":x", "://x", " https://a", "https//a", "a:\nb", "x y:z", "x_y:z", "ü:z", "a/b:c", "a:" + "b" * 224,
            None, 7, True, ["https://a"], {"url": "https://a"}]
BAD_ON_BOTH = [
    *({name: url} for name in ("auth_url", "sp_url") for url in BAD_URLS),
    {"enabled": None}, {"enabled": 1}, {"enabled": 0}, {"enabled": "maybe"}, {"enabled": []}, {"enabled": {}},
    {"description": 7}, {"description": True}, {"description": ["x"]}, {"description": {}},
    {"relay_state_prefix": 7}, {"relay_state_prefix": True}, {"relay_state_prefix": ["x"]}, {"relay_state_prefix": "x" * 257},
    {"id": "other"}, {"links": {}}, {"name": "x"}, {"url": "https://a"}, {"auth-url": "https://a"},
]
# Words for a truth value: Keystone takes them here and fails over them.
WORDS = ["true", "True", "false", "1", "yes", ""]


@pytest.mark.parametrize("fields", BAD_ON_BOTH)
def test_create_refuses(archstone, fields):
    sp_id = unique("sp")
    message(put(archstone, sp_id, URLS | fields), 400)
    assert get(archstone, sp_id).status_code == 404


@pytest.mark.parametrize("fields", [*BAD_ON_BOTH, {}])
def test_update_refuses(archstone, fields):
    sp = new_sp(archstone)
    message(patch(archstone, sp["id"], fields), 400)
    assert get(archstone, sp["id"]).json()["service_provider"] == sp


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_a_truth_value_is_400(archstone, word):
    message(put(archstone, unique("sp"), URLS | {"enabled": word}), 400)
    sp = new_sp(archstone)
    message(patch(archstone, sp["id"], {"enabled": word}), 400)


@pytest.mark.parametrize("name", ["auth_url", "sp_url"])
def test_both_urls_are_required(archstone, name):
    sp_id = unique("sp")
    fields = {key: value for key, value in URLS.items() if key != name} | {"enabled": True}
    assert f"'{name}' is a required property" in message(put(archstone, sp_id, fields), 400)
    assert get(archstone, sp_id).status_code == 404


@pytest.mark.parametrize("url", ["https://sp.example", "http://127.0.0.1:8080/x?y=z#w", "urn:x", "x:y", "a+b-c.d:e", "1:x", "-:x", "a:ü☃ b",
                                 "A:B", "a:" + "b" * 223, "a:" + "ü" * 223])
def test_urls_are_what_has_a_scheme_up_to_225_characters(archstone, url):
    sp = new_sp(archstone, auth_url=url, sp_url=url)
    assert (sp["auth_url"], sp["sp_url"]) == (url, url)
    assert patch(archstone, sp["id"], {"auth_url": url, "sp_url": url}).json()["service_provider"] == sp


@pytest.mark.parametrize("fields", [{"description": ""}, {"description": "x" * 20_000}, {"description": "snow ☃ man"},
                                    {"description": None}, {"relay_state_prefix": ""}, {"relay_state_prefix": "x" * 256}, {"enabled": False}])
def test_create_accepts(archstone, fields):
    sp = new_sp(archstone, **fields)
    assert {key: sp[key] for key in fields} == fields


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_other_members_beside_the_service_provider_are_refused(archstone, method):
    sp_id = new_sp(archstone)["id"] if method == "PATCH" else unique("sp")
    message(send(archstone, method, sp_path(sp_id), {"service_provider": URLS, "y": 1}), 400)


# -- lists ---------------------------------------------------------------------------------------------------------------------


def test_filter_by_id(archstone):
    sp_id = new_sp(archstone)["id"]
    assert listed(archstone, f"{SPS}?id={sp_id}") == [sp_id]
    assert listed(archstone, f"{SPS}?id={unique('no-such')}") == []


@pytest.mark.parametrize(("value", "expected"), [
    *[(value, "on") for value in ("true", "True", "TRUE", "1", "yes", "y", "on", "")],
    *[(value, "off") for value in ("false", "False", "0", "no", "n", "off")],
])
def test_filter_by_enabled(archstone, value, expected):
    mark = unique("mark")
    for state in ("on", "off"):
        new_sp(archstone, f"{mark}-{state}", enabled=state == "on")
    assert listed(archstone, f"{SPS}?id__startswith={mark}&enabled={value}") == [f"{mark}-{expected}"]
    done(archstone, 204, "DELETE", sp_path(f"{mark}-on"))


@pytest.mark.parametrize("query", ["enabled=maybe", "enabled=2"])
def test_a_truth_value_that_is_none_is_400(archstone, query):
    message(send(archstone, "GET", f"{SPS}?{query}"), 400)


@pytest.mark.parametrize("limit", ["abc", "-1", "1.5"])
def test_a_limit_that_is_no_number_is_400(archstone, limit):
    message(send(archstone, "GET", f"{SPS}?limit={limit}"), 400)


def test_comparators(archstone):
    mark = unique("Mark")
    for tail in ("Alpha", "alpha", "beta"):
        new_sp(archstone, f"{mark}-{tail}")
    for query, tails in {
        f"id__startswith={mark}": ["Alpha", "alpha", "beta"],
        f"id__contains={mark[1:]}-al": ["alpha"],
        f"id__icontains={mark[1:].upper()}-AL": ["Alpha", "alpha"],
        f"id__startswith={mark}&id__endswith=pha": ["Alpha", "alpha"],
        f"id__startswith={mark}&enabled=true": [],
    }.items():
        assert sorted(listed(archstone, f"{SPS}?{query}")) == sorted(f"{mark}-{tail}" for tail in tails), query


def test_an_unknown_query_key_filters_nothing(archstone):
    sp_id = new_sp(archstone)["id"]
    assert listed(archstone, f"{SPS}?id={sp_id}&sp_url=nothing&nonsense=1") == [sp_id]


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_paging_by_following_next_sees_everything_once_in_order(archstone, limit):
    mark = unique("page")
    ids = [f"{mark}-{number}" for number in range(5)]
    for sp_id in reversed(ids):
        new_sp(archstone, sp_id)
    found = pages(archstone, f"{SPS}?id__startswith={mark}&limit={limit}")
    assert [sp_id for page in found for sp_id in page] == ids
    assert all(len(page) == limit for page in found[:-1])


# -- who may -------------------------------------------------------------------------------------------------------------------


def test_they_are_no_business_of_a_security_administrator(archstone):
    _, token = secu_admin(archstone)
    sp_id = new_sp(archstone)["id"]
    for rule, method, path, body in (
            ("list_service_providers", "GET", SPS, None), ("get_service_provider", "GET", sp_path(sp_id), None),
            ("create_service_provider", "PUT", sp_path(unique("sp")), {"service_provider": URLS}),
            ("update_service_provider", "PATCH", sp_path(sp_id), {"service_provider": {"enabled": True}}),
            ("delete_service_provider", "DELETE", sp_path(sp_id), None)):
        text = message(send(archstone, method, path, body, token), 403)
        assert text == f"You are not authorized to perform the requested action: identity:{rule}."


# -- in tokens -----------------------------------------------------------------------------------------------------------------


def in_body(body, sp_id):
    """The service provider as a token's body has it: None when it has not."""
    found = [sp for sp in body["token"].get("service_providers", []) if sp["id"] == sp_id]
    assert len(found) <= 1
    return found[0] if found else None


def in_token(archstone, token, sp_id):
    """The same for a token that is validated; asked twice, so that the second answer comes from a cache if there is one."""
    first, second = (in_body(archstone.validate(token).json(), sp_id) for _ in range(2))
    assert first == second
    return first


@pytest.fixture
def sp(archstone):
    """An enabled service provider."""
    member = new_sp(archstone, enabled=True, description="never in a token", relay_state_prefix="x:")
    yield member
    send(archstone, "DELETE", sp_path(member["id"]))


@pytest.fixture
def someone(archstone):
    """A user with a role on a domain, on a project in it, and on the system."""
    domain = archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    project = archstone.new_project(domain)
    archstone.grant(user, "reader", domain=domain)
    archstone.grant(user, "reader", project=project)
    archstone.grant(user, "reader", system=True)
    return user | {"project": project}


SCOPES = {"unscoped": lambda user: {"unscoped": True}, "project": lambda user: {"project": user["project"]},
          "domain": lambda user: {"domain": user["domain_id"]}, "system": lambda user: {"system": True}}


@pytest.mark.parametrize("scope", SCOPES)
def test_every_token_shows_the_enabled_ones(archstone, sp, someone, scope):
    expected = {"id": sp["id"]} | URLS
    login = archstone.login({"id": someone["id"]}, someone["password"], **SCOPES[scope](someone))
    assert login.status_code == 201 and in_body(login.json(), sp["id"]) == expected
    token = login.headers["X-Subject-Token"]
    assert in_token(archstone, token, sp["id"]) == expected
    assert in_body(archstone.validate(token, token).json(), sp["id"]) == expected, "when a token looks at itself"
    assert in_body(archstone.validate(token, path="/v3/auth/tokens?nocatalog").json(), sp["id"]) == expected
    assert in_body(archstone.validate(token, path="/v3/auth/tokens?allow_expired=1").json(), sp["id"]) == expected


def test_a_rescoped_token_shows_them_too(archstone, sp, someone):
    first = archstone.token({"id": someone["id"]}, someone["password"], unscoped=True)
    second = archstone.rescope(first, project=someone["project"])
    assert second.status_code == 201 and in_body(second.json(), sp["id"]) == {"id": sp["id"]} | URLS


def test_disabled_ones_are_in_no_token(archstone, someone):
    sp_id = new_sp(archstone, enabled=False)["id"]
    login = archstone.login({"id": someone["id"]}, someone["password"], project=someone["project"])
    assert in_body(login.json(), sp_id) is None
    assert in_token(archstone, login.headers["X-Subject-Token"], sp_id) is None


def create(archstone, sp_id):
    new_sp(archstone, sp_id, enabled=True)


def enable(archstone, sp_id):
    new_sp(archstone, sp_id)
    assert patch(archstone, sp_id, {"enabled": True}).status_code == 200


def disable(archstone, sp_id):
    assert patch(archstone, sp_id, {"enabled": False}).status_code == 200


def delete(archstone, sp_id):
    done(archstone, 204, "DELETE", sp_path(sp_id))


@pytest.mark.parametrize("appear", [create, enable])
@pytest.mark.parametrize("vanish", [disable, delete])
def test_a_token_that_is_known_shows_a_change_at_once(archstone, someone, appear, vanish):
    sp_id = unique("sp")
    token = archstone.token({"id": someone["id"]}, someone["password"], project=someone["project"])
    assert in_token(archstone, token, sp_id) is None
    appear(archstone, sp_id)
    assert in_token(archstone, token, sp_id) == {"id": sp_id} | URLS
    vanish(archstone, sp_id)
    assert in_token(archstone, token, sp_id) is None


def test_a_token_that_is_known_shows_new_urls_at_once(archstone, sp, someone):
    token = archstone.token({"id": someone["id"]}, someone["password"], project=someone["project"])
    assert in_token(archstone, token, sp["id"]) == {"id": sp["id"]} | URLS
    for fields in ({"auth_url": "https://new.example/auth"}, {"sp_url": "https://new.example/ecp"}):
        assert patch(archstone, sp["id"], fields).status_code == 200
        found = in_token(archstone, token, sp["id"])
        assert {key: found[key] for key in fields} == fields


def test_ended_tokens_stay_ended_by_such_a_change(archstone, someone):
    token = archstone.token({"id": someone["id"]}, someone["password"], project=someone["project"])
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": token})
    sp_id = new_sp(archstone, enabled=True)["id"]
    assert archstone.validate(token).status_code == 404
    delete(archstone, sp_id)


def test_without_enabled_ones_tokens_have_no_such_member(fresh_archstone):
    archstone = fresh_archstone

    def bodies():
        login = archstone.login(project={"name": "admin", "domain": {"id": "default"}})
        return login.json(), archstone.validate(login.headers["X-Subject-Token"]).json(), archstone.validate(archstone.admin_token).json()

    assert not any("service_providers" in body["token"] for body in bodies())
    first = new_sp(archstone, enabled=False)["id"]
    assert not any("service_providers" in body["token"] for body in bodies())
    second, third = sorted([new_sp(archstone, enabled=True)["id"], new_sp(archstone, enabled=True)["id"]])
    for body in bodies():
        assert sorted(body["token"]["service_providers"], key=lambda sp: sp["id"]) == [{"id": second} | URLS, {"id": third} | URLS]
    disable(archstone, second)
    delete(archstone, third)
    assert get(archstone, first).status_code == 200
    assert not any("service_providers" in body["token"] for body in bodies())


def test_another_nodes_tokens_show_a_change_within_a_second(shared_two_nodes):
    here, there = shared_two_nodes
    user, project = here.new_user(), here.new_project()
    here.grant(user, "reader", project=project)
    token, sp_id = here.token({"id": user["id"]}, user["password"], project=project), unique("sp")
    assert in_token(there, token, sp_id) is None
    for change, expected in ((enable, {"id": sp_id} | URLS), (disable, None),
                             (lambda node, one: patch(node, one, {"enabled": True, "auth_url": "https://new.example/"}),
                              {"id": sp_id} | URLS | {"auth_url": "https://new.example/"}), (delete, None)):
        change(here, sp_id)
        assert in_token(here, token, sp_id) == expected, "not at once on the node itself"
        began = time.monotonic()
        eventually(lambda expected=expected: in_body(there.validate(token).json(), sp_id) == expected, within=1.0)
        assert in_token(there, token, sp_id) == expected, f"after {time.monotonic() - began:.1f} s"
        fresh = there.login({"id": user["id"]}, user["password"], project=project)
        assert in_body(fresh.json(), sp_id) == expected, "and in a new one"
