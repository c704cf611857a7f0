"""Groups and who is in them."""

import pytest

from harness import DEFAULT_DOMAIN, unique
from identity_calls import NOBODY, call, done, get, ids, items, make, message, patch, post, updated


def test_create_get_update_delete(archstone):
    domain, name = archstone.new_domain()["id"], unique("group")
    group = post(archstone, "group", {"name": name, "domain_id": domain, "colour": "red"}).json()["group"]
    assert group == {"id": group["id"], "name": name, "domain_id": domain, "description": "", "colour": "red",
                     "links": {"self": f"{archstone.url}/v3/groups/{group['id']}"}}
    assert get(archstone, "group", group["id"]) == group
    assert call(archstone, "HEAD", f"/groups/{group['id']}").status_code == 200
    changed = updated(archstone, "group", group["id"], name=f" {name}-2 ", description=None, colour=None)
    assert changed == group | {"description": None, "colour": None, "name": changed["name"]}
    done(archstone, "DELETE", f"/groups/{group['id']}")
    for method in ("GET", "PATCH", "DELETE"):
        answer = call(archstone, method, f"/groups/{group['id']}", {"group": {"name": "x"}} if method == "PATCH" else None)
        assert message(answer, 404) == f"Could not find group: {group['id']}."


def test_without_a_domain_it_is_in_the_default_one(archstone):
    group = make(archstone, "group", description=None, id=NOBODY)
    assert group["domain_id"] == DEFAULT_DOMAIN and group["description"] is None and group["id"] != NOBODY


@pytest.mark.parametrize("fields", [{}, {"name": ""}, {"name": " "}, {"name": None}, {"name": 7}, {"name": "x" * 65},
                                    {"name": "n", "description": 7}, {"name": "n", "domain_id": None}, {"name": "n", "domain_id": "a/b"}])
def test_a_bad_create_is_400(archstone, fields):
    message(post(archstone, "group", fields), 400)


@pytest.mark.parametrize("body", [None, {}, [], {"other": {}}, {"group": {"name": "n"}, "other": 1}])
def test_the_wrapper_is_required_and_alone(archstone, body):
    message(call(archstone, "POST", "/groups", body), 400)


def test_names_are_unique_in_a_domain_only(archstone):
    domain = archstone.new_domain()["id"]
    assert message(post(archstone, "group", {"name": unique(), "domain_id": NOBODY}), 404) == f"Could not find domain: {NOBODY}."
    group = make(archstone, "group", domain_id=domain)
    said = message(post(archstone, "group", {"name": group["name"], "domain_id": domain}), 409)
    assert said == f"Conflict occurred attempting to store group - Duplicate entry found with name {group['name']} at domain ID {domain}."
    assert make(archstone, "group", name=group["name"])["id"] != group["id"]


@pytest.mark.parametrize(("fields", "said"), [({}, None), ({"name": None}, None), ({"id": NOBODY}, "Cannot change ID"),
                                              ({"domain_id": DEFAULT_DOMAIN}, "Cannot change Domain ID")])
def test_a_bad_update_is_400(archstone, fields, said):
    group = make(archstone, "group", domain_id=archstone.new_domain()["id"])
    answer = message(patch(archstone, "group", group["id"], **fields), 400)
    assert said is None or answer == said
    assert updated(archstone, "group", group["id"], id=group["id"], domain_id=group["domain_id"]) == group


def test_lists(archstone):
    domain = archstone.new_domain()["id"]
    one, two = (make(archstone, "group", domain_id=domain, name=name) for name in ("First", "second"))
    path = f"/groups?domain_id={domain}"
    assert {group["id"]: group for group in items(archstone, path)} == {one["id"]: one, two["id"]: two}
    for query, found in {"name=First": [one], "name=first": [], "name__istartswith=F": [one], "name__contains=o": [two],
                         "nonsense=1": [one, two]}.items():
        assert ids(archstone, f"{path}&{query}") == sorted(group["id"] for group in found), query
    assert items(archstone, f"/groups?domain_id={NOBODY}") == []
    assert archstone.expect(200, "GET", f"/v3{path}", token=archstone.admin_token)["links"] == {
        "next": None, "previous": None, "self": f"{archstone.url}/v3{path}"}
    _, token = archstone.persona("reader", domain=domain)
    listed = archstone.expect(200, "GET", "/v3/groups", token=token)["groups"]
    assert {group["id"] for group in listed} == {one["id"], two["id"]}


def test_membership(archstone):
    """The user and the group may be of different domains."""
    group, user = archstone.new_group(archstone.new_domain()["id"]), archstone.new_user()
    path = f"/groups/{group['id']}/users/{user['id']}"
    absent = f"User '{user['id']}' not found in group '{group['id']}'"
    for method in ("GET", "DELETE"):
        assert message(call(archstone, method, path), 404) == absent
    assert call(archstone, "HEAD", path).status_code == 404
    for _ in range(2):
        done(archstone, "PUT", path)
    for method in ("GET", "HEAD"):
        done(archstone, method, path)
    assert ids(archstone, f"/groups/{group['id']}/users") == [user["id"]]
    done(archstone, "DELETE", path)
    assert message(call(archstone, "DELETE", path), 404) == absent
    assert items(archstone, f"/groups/{group['id']}/users") == []


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_an_unknown_group_or_user_is_404(archstone, method):
    group, user = archstone.new_group()["id"], archstone.new_user()["id"]
    assert message(call(archstone, method, f"/groups/{NOBODY}/users/{user}"), 404) == f"Could not find group: {NOBODY}."
    assert message(call(archstone, method, f"/groups/{group}/users/{NOBODY}"), 404) == f"Could not find user: {NOBODY}."
    assert message(call(archstone, "GET", f"/groups/{NOBODY}/users"), 404) == f"Could not find group: {NOBODY}."
    assert message(call(archstone, "GET", f"/users/{NOBODY}/groups"), 404) == f"Could not find user: {NOBODY}."


def test_the_users_of_a_group(archstone):
    domain, other = archstone.new_domain()["id"], archstone.new_domain()["id"]
    a, b = archstone.new_user(domain, name="Alpha"), archstone.new_user(other, name="beta")
    off = archstone.new_user(other, name="gamma", enabled=False)
    path = f"/groups/{archstone.new_group(domain, a, b, off)['id']}/users"
    shown = {user["id"]: user for user in items(archstone, path)}
    assert shown == {user["id"]: get(archstone, "user", user["id"]) for user in (a, b, off)}
    for query, found in {f"domain_id={other}": [b, off], "enabled=false": [off], "enabled=true": [a, b], "name=beta": [b],
                         "name=Beta": [], "name__istartswith=ALPH": [a], f"domain_id={other}&enabled=true": [b]}.items():
        assert ids(archstone, f"{path}?{query}") == sorted(user["id"] for user in found), query
    _, token = archstone.persona("reader", domain=domain)
    listed = archstone.expect(200, "GET", f"/v3{path}", token=token)["users"]
    assert [user["id"] for user in listed] == [a["id"]], "a domain's reader sees the domain's users"


def test_the_groups_of_a_user(archstone):
    domain, other = archstone.new_domain()["id"], archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    a, b = archstone.new_group(domain, user, name="Alpha"), archstone.new_group(other, user, name="beta")
    path = f"/users/{user['id']}/groups"
    assert {group["id"]: group for group in items(archstone, path)} == {
        group["id"]: get(archstone, "group", group["id"]) | {"membership_expires_at": None} for group in (a, b)}
    assert ids(archstone, f"{path}?name=beta") == [b["id"]]
    own = archstone.token({"id": user["id"]}, user["password"])
    listed = archstone.expect(200, "GET", f"/v3{path}", token=own)["groups"]
    assert {group["id"] for group in listed} == {a["id"], b["id"]}, "a user sees their own"


def test_comparators_work_on_a_users_groups(archstone):
    user = archstone.new_user()
    group = archstone.new_group(DEFAULT_DOMAIN, user)
    archstone.new_group(DEFAULT_DOMAIN, user, name=unique("other"))
    assert ids(archstone, f"/users/{user['id']}/groups?name__startswith=group") == [group["id"]]


def test_membership_ends_with_the_user_or_the_group(archstone):
    a, b = archstone.new_user(), archstone.new_user()
    group = archstone.new_group(DEFAULT_DOMAIN, a, b)["id"]
    done(archstone, "DELETE", f"/users/{a['id']}")
    assert ids(archstone, f"/groups/{group}/users") == [b["id"]]
    done(archstone, "DELETE", f"/groups/{group}")
    assert items(archstone, f"/users/{b['id']}/groups") == []
