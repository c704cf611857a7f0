"""Projects: creation, the tree, what cannot be changed, enabling and disabling, deletion.

Lists and tags have files of their own.
"""

import pytest

from harness import DEFAULT_DOMAIN, unique
from identity_calls import IMMUTABLE, NOBODY, call, done, get, make, message, patch, post, updated

DEPTH = 5


def chain(archstone, domain, length):
    """Projects one below the other in the domain; the members, the topmost first."""
    made, parent = [], domain
    for _ in range(length):
        made.append(make(archstone, "project", domain_id=domain, parent_id=parent))
        parent = made[-1]["id"]
    return made


def test_a_new_project_has_exactly_these_members(archstone):
    domain, name = archstone.new_domain()["id"], unique("project")
    project = post(archstone, "project", {"name": name, "domain_id": domain}).json()["project"]
    assert project == {
        "id": project["id"], "name": name, "domain_id": domain, "parent_id": domain, "is_domain": False, "enabled": True,
        "description": "", "tags": [], "options": {}, "links": {"self": f"{archstone.url}/v3/projects/{project['id']}"},
    }
    assert get(archstone, "project", project["id"]) == project
    head = call(archstone, "HEAD", f"/projects/{project['id']}")
    assert head.status_code == 200 and not head.content


@pytest.mark.parametrize("fields", [{}, {"domain_id": None}, {"parent_id": None}])
def test_without_a_domain_it_is_in_the_one_of_the_tokens_scope_or_the_default_one(archstone, fields):
    project = make(archstone, "project", **fields)
    assert project["domain_id"] == project["parent_id"] == DEFAULT_DOMAIN
    domain = archstone.new_domain()["id"]
    _, token = archstone.persona("admin", domain=domain)
    answer = archstone.request("POST", "/v3/projects", token=token, json={"project": {"name": unique("project")} | fields})
    assert answer.status_code == 201 and answer.json()["project"]["domain_id"] == domain


def test_a_parent_gives_the_place_in_the_tree(archstone):
    domain = archstone.new_domain()["id"]
    parent = make(archstone, "project", domain_id=domain)
    child = make(archstone, "project", domain_id=domain, parent_id=parent["id"])
    assert (child["domain_id"], child["parent_id"]) == (domain, parent["id"])


def test_the_parent_is_in_the_same_domain(archstone):
    domain = archstone.new_domain()["id"]
    parent = make(archstone, "project", domain_id=domain)["id"]
    assert make(archstone, "project", parent_id=parent)["domain_id"] == domain, "a body that names no domain means the parent's"
    said = message(post(archstone, "project", {"name": unique(), "domain_id": DEFAULT_DOMAIN, "parent_id": parent}), 400)
    assert said == ("Cannot create project, since it specifies its domain_id default, but specifies a parent in a different domain "
                    f"({domain}).")
    said = message(post(archstone, "project", {"name": unique(), "domain_id": domain, "parent_id": DEFAULT_DOMAIN}), 400)
    assert said == (f"Cannot create project, the parent ({DEFAULT_DOMAIN}) is acting as a domain, but this project's domain id "
                    f"({domain}) does not match the parent's id.")


@pytest.mark.parametrize(("member", "said"), [("domain_id", "domain"), ("parent_id", "project")])
def test_an_unknown_domain_or_parent_is_400(archstone, member, said):
    assert message(post(archstone, "project", {"name": unique(), member: NOBODY}), 400) == f"Could not find {said}: {NOBODY}."


@pytest.mark.parametrize("fields", [
    {}, {"name": ""}, {"name": " "}, {"name": None}, {"name": 7}, {"name": "x" * 65}, {"description": 7}, {"enabled": None},
    {"enabled": 7}, {"enabled": "true"}, {"is_domain": "true"}, {"domain_id": 7}, {"domain_id": "a/b"}, {"parent_id": "a/b"},
    {"tags": "a"}, {"tags": ["a", "a"]}, {"options": {"immutable": "yes"}}, {"options": {"unknown": True}}, {"options": None},
])
def test_a_bad_create_is_400(archstone, fields):
    named = {} if not fields or "name" in fields else {"name": unique()}
    message(post(archstone, "project", named | fields), 400)


@pytest.mark.parametrize("body", [None, {}, [], {"other": {}}, {"project": {"name": "beside"}, "other": 1}])
def test_the_wrapper_is_required_and_alone(archstone, body):
    message(call(archstone, "POST", "/projects", body), 400)


def test_names_are_unique_in_a_domain_and_lose_their_outer_spaces(archstone):
    domain, other = archstone.new_domain()["id"], archstone.new_domain()["id"]
    first = make(archstone, "project", domain_id=domain)
    said = message(post(archstone, "project", {"name": first["name"], "domain_id": domain}), 409)
    assert said.startswith("Conflict occurred attempting to store project - it is not permitted to have two projects with either the "
                           f"same name or same id in the same domain: name is {first['name']}, project id ")
    assert make(archstone, "project", name=first["name"], domain_id=other)["name"] == first["name"]
    second = make(archstone, "project", domain_id=domain, name=f"  {unique('spaced')}  ")
    assert second["name"] == second["name"].strip()
    assert updated(archstone, "project", second["id"], name=" a/b?%# ")["name"] == "a/b?%#"


@pytest.mark.parametrize("kind", ["project", "domain", "user", "group", "role"])
def test_taking_a_name_by_an_update_is_409(archstone, kind):
    first, second = make(archstone, kind), make(archstone, kind)
    assert message(patch(archstone, kind, second["id"], name=first["name"]), 409).startswith("Conflict occurred attempting to store ")
    assert get(archstone, kind, second["id"]) == second


def test_attributes_of_ones_own_are_kept_and_the_id_is_ours(archstone):
    project = make(archstone, "project", colour="red", id="mine")
    assert project["colour"] == "red" and project["id"] != "mine"
    assert updated(archstone, "project", project["id"], colour=None)["colour"] is None


def test_a_project_that_is_a_domain(archstone):
    fields = {"name": unique("domain"), "is_domain": True}
    project = post(archstone, "project", fields).json()["project"]
    assert (project["is_domain"], project["domain_id"], project["parent_id"]) == (True, None, None)
    domain = get(archstone, "domain", project["id"])
    assert domain["name"] == fields["name"] and not {"is_domain", "parent_id", "domain_id"} & set(domain)
    for extra in ({"domain_id": DEFAULT_DOMAIN}, {"parent_id": DEFAULT_DOMAIN}):
        said = message(post(archstone, "project", {"name": unique(), "is_domain": True} | extra), 400)
        assert said == "only root projects are allowed to act as domains."
    said = message(call(archstone, "DELETE", f"/projects/{project['id']}"), 403)
    assert said == "Cannot delete a domain that is enabled, please disable it first."
    assert updated(archstone, "project", project["id"], enabled=False)["enabled"] is False
    done(archstone, "DELETE", f"/projects/{project['id']}")
    message(call(archstone, "GET", f"/domains/{project['id']}"), 404)


def test_a_domain_is_found_as_a_project_and_a_project_is_no_domain(archstone):
    domain = archstone.new_domain()
    project = get(archstone, "project", domain["id"])
    assert (project["name"], project["is_domain"], project["domain_id"], project["parent_id"]) == (domain["name"], True, None, None)
    plain = make(archstone, "project")["id"]
    assert message(call(archstone, "GET", f"/domains/{plain}"), 404) == f"Could not find domain: {plain}."


def test_a_branch_is_five_deep_at_most(archstone):
    domain = archstone.new_domain()["id"]
    leaf = chain(archstone, domain, DEPTH)[-1]["id"]
    said = message(post(archstone, "project", {"name": unique(), "domain_id": domain, "parent_id": leaf}), 403)
    assert said == f"Max hierarchy depth reached for {leaf} branch."


def test_parents_and_subtree_as_ids(archstone):
    domain = archstone.new_domain()["id"]
    a, b, c = (project["id"] for project in chain(archstone, domain, 3))
    d = make(archstone, "project", domain_id=domain, parent_id=a)["id"]

    def tree(project, query):
        answer = done(archstone, "GET", f"/projects/{project}?{query}", status=200)["project"]
        return answer.get("parents", "absent"), answer.get("subtree", "absent")

    assert tree(c, "parents_as_ids") == ({b: {a: {domain: None}}}, "absent")
    assert tree(a, "subtree_as_ids") == ("absent", {b: {c: None}, d: None})
    assert tree(c, "subtree_as_ids") == ("absent", None)
    assert tree(domain, "parents_as_ids&subtree_as_ids") == (None, {a: {b: {c: None}, d: None}})
    assert tree(c, "parents_as_ids=true") == ({b: {a: {domain: None}}}, "absent")
    for no in ("0", "false"):
        assert tree(c, f"parents_as_ids={no}") == ("absent", "absent")


def test_parents_and_subtree_as_lists_show_what_the_caller_has_a_role_on(archstone):
    domain = archstone.new_domain()["id"]
    a, b, c = chain(archstone, domain, 3)
    caller = archstone.new_user(domain)
    for project in (a, b, c):
        archstone.grant(caller, "admin", project=project["id"])
    token = archstone.token({"id": caller["id"]}, caller["password"], project=b["id"])
    shown = archstone.expect(200, "GET", f"/v3/projects/{b['id']}?parents_as_list&subtree_as_list", token=token)["project"]
    assert shown["parents"] == [{"project": a}] and shown["subtree"] == [{"project": c}]
    done(archstone, "DELETE", f"/projects/{a['id']}/users/{caller['id']}/roles/{archstone.role_id('admin')}")
    shown = archstone.expect(200, "GET", f"/v3/projects/{b['id']}?parents_as_list", token=token)["project"]
    assert shown["parents"] == [] and "subtree" not in shown
    assert get(archstone, "project", f"{c['id']}?subtree_as_list")["subtree"] == []


@pytest.mark.parametrize("side", ["parents", "subtree"])
def test_list_and_ids_at_once_is_400(archstone, side):
    path = f"/projects/{make(archstone, 'project')['id']}?{side}_as_list&{side}_as_ids"
    said = f"Cannot use {side}_as_list and {side}_as_ids query params at the same time."
    assert message(call(archstone, "GET", path), 400) == said


@pytest.mark.parametrize(("field", "value", "code", "said"), [
    ("domain_id", DEFAULT_DOMAIN, 400, "Cannot change Domain ID"),
    ("parent_id", DEFAULT_DOMAIN, 403, "Update of `parent_id` is not allowed."),
    ("parent_id", NOBODY, 403, "Update of `parent_id` is not allowed."),
    ("is_domain", True, 400, "Update of `is_domain` is not allowed."),
    ("id", NOBODY, 400, "Cannot change ID"),
])
def test_what_cannot_be_changed(archstone, field, value, code, said):
    project = make(archstone, "project", domain_id=archstone.new_domain()["id"])
    assert message(patch(archstone, "project", project["id"], **{field: value}), code) == said
    same = patch(archstone, "project", project["id"], **{field: project[field]})
    assert same.status_code == 200 and get(archstone, "project", project["id"]) == project


def test_an_update_answers_the_project(archstone):
    project = make(archstone, "project")
    expected = project | {"description": "", "name": unique("project"), "tags": ["a"]}
    assert updated(archstone, "project", project["id"], description=None, name=expected["name"], tags=["a"]) == expected
    assert updated(archstone, "project", project["id"]) == expected, "an empty change changes nothing"


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": None}, {"enabled": None}, {"enabled": "no"}, {"tags": ["a,b"]},
                                    {"description": 7}])
def test_a_bad_update_is_400(archstone, fields):
    project = make(archstone, "project")
    message(patch(archstone, "project", project["id"], **fields), 400)
    assert get(archstone, "project", project["id"]) == project


def test_a_branch_is_disabled_from_below_and_enabled_from_above(archstone):
    domain = archstone.new_domain()["id"]
    a, b = (project["id"] for project in chain(archstone, domain, 2))
    said = message(patch(archstone, "project", a, enabled=False), 403)
    assert said == f"Cannot disable project {a} since its subtree contains enabled projects."
    for project in (b, a):
        assert updated(archstone, "project", project, enabled=False)["enabled"] is False
    said = message(patch(archstone, "project", b, enabled=True), 403)
    assert said == f"Cannot enable project {b} since it has disabled parents"
    said = message(post(archstone, "project", {"name": unique(), "domain_id": domain, "parent_id": b}), 400)
    assert said.startswith("cannot create a project in a branch containing a disabled project: ")
    for project in (a, b):
        assert updated(archstone, "project", project, enabled=True)["enabled"] is True


def test_only_leaves_are_deleted(archstone):
    a, b = (project["id"] for project in chain(archstone, archstone.new_domain()["id"], 2))
    said = message(call(archstone, "DELETE", f"/projects/{a}"), 403)
    assert said == (f"Cannot delete the project {a} since it is not a leaf in the hierarchy. Use the cascade option if you want to "
                    "delete a whole subtree.")
    done(archstone, "DELETE", f"/projects/{b}")
    done(archstone, "DELETE", f"/projects/{a}")
    for method in ("GET", "DELETE", "PATCH"):
        answer = call(archstone, method, f"/projects/{a}", {"project": {"name": "x"}} if method == "PATCH" else None)
        assert message(answer, 404) == f"Could not find project: {a}."


def test_an_immutable_project_is_neither_changed_nor_deleted(archstone):
    project = make(archstone, "project", options={"immutable": True})
    assert project["options"] == {"immutable": True}
    path = f"/projects/{project['id']}"
    refusal = IMMUTABLE.format(verb="update", kind="project", id=project["id"])
    for change in ({"description": "x"}, {"enabled": False}, {"options": {}}, {"options": {"immutable": False}, "description": "x"}):
        assert message(patch(archstone, "project", project["id"], **change), 403) == refusal
    assert message(call(archstone, "DELETE", path), 403) == IMMUTABLE.format(verb="delete", kind="project", id=project["id"])
    assert updated(archstone, "project", project["id"], options={"immutable": None})["options"] == {}
    patch(archstone, "project", project["id"], options={"immutable": True})
    assert updated(archstone, "project", project["id"], options={"immutable": False})["options"] == {"immutable": False}
    done(archstone, "DELETE", path)
