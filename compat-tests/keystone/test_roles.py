"""Roles, global and of a domain, and what they imply."""

import pytest

from harness import unique
from identity_calls import IMMUTABLE, NOBODY, call, done, get, ids, items, make, message, patch, post, updated


def reference(archstone, role):
    """How a role is shown in an inference."""
    return {"id": role["id"], "name": role["name"], "links": {"self": f"{archstone.url}/v3/roles/{role['id']}"}}


def imply(archstone, prior, implied, status=201):
    return done(archstone, "PUT", f"/roles/{prior['id']}/implies/{implied['id']}", status=status)


def test_a_new_role_has_exactly_these_members(archstone):
    name = unique("role")
    role = post(archstone, "role", {"name": name, "colour": "red"}).json()["role"]
    assert role == {"id": role["id"], "name": name, "domain_id": None, "description": None, "options": {}, "colour": "red",
                    "links": {"self": f"{archstone.url}/v3/roles/{role['id']}"}}
    assert get(archstone, "role", role["id"]) == role
    assert updated(archstone, "role", role["id"], description="d", colour=None) == role | {"description": "d", "colour": None}


@pytest.mark.parametrize("fields", [{}, {"name": " "}, {"name": "x" * 256}, {"name": "n", "domain_id": ""}, {"name": "n", "domain_id": 7},
                                    {"name": "n", "options": {"other": True}}, {"name": "n", "options": {"immutable": "yes"}}])
def test_a_bad_create_is_400(archstone, fields):
    message(post(archstone, "role", fields), 400)


def test_names_are_unique_among_global_roles_and_in_a_domain(archstone):
    domain, other = archstone.new_domain()["id"], archstone.new_domain()["id"]
    role = make(archstone, "role")
    own = {make(archstone, "role", name=role["name"], domain_id=home)["id"] for home in (domain, other)}
    assert len(own | {role["id"]}) == 3
    said = "Conflict occurred attempting to store role - Duplicate entry found with name {name}{where}."
    assert message(post(archstone, "role", {"name": role["name"]}), 409) == said.format(name=role["name"], where="")
    answer = post(archstone, "role", {"name": role["name"], "domain_id": domain})
    assert message(answer, 409) == said.format(name=role["name"], where=f" at domain ID {domain}")


def test_an_unknown_domain_is_404(archstone):
    message(post(archstone, "role", {"name": unique(), "domain_id": unique("no-domain")}), 404)


def test_lists_show_global_roles_unless_a_domain_is_named(archstone):
    domain = archstone.new_domain()["id"]
    role = make(archstone, "role")
    own = make(archstone, "role", name=role["name"], domain_id=domain)
    assert items(archstone, f"/roles?name={role['name']}") == [role]
    assert items(archstone, f"/roles?domain_id={domain}") == [own] == items(archstone, f"/roles?name={role['name']}&domain_id={domain}")
    assert all(shown["domain_id"] is None for shown in items(archstone, "/roles"))
    assert items(archstone, f"/roles?domain_id={NOBODY}") == []
    assert ids(archstone, f"/roles?name__startswith={role['name'][:-1]}") == [role["id"]]


@pytest.mark.parametrize(("fields", "said"), [({}, None), ({"name": None}, None), ({"id": NOBODY}, "Cannot change ID"),
                                              ({"domain_id": "default"}, "Update of `domain_id` is not allowed.")])
def test_a_bad_update_is_400(archstone, fields, said):
    for role in (make(archstone, "role"), make(archstone, "role", domain_id=archstone.new_domain()["id"])):
        answer = message(patch(archstone, "role", role["id"], **fields), 400)
        assert said is None or answer == said
        assert updated(archstone, "role", role["id"], domain_id=role["domain_id"]) == role


def test_an_immutable_role_is_neither_changed_nor_deleted(archstone):
    role = make(archstone, "role", options={"immutable": True})
    refusal = IMMUTABLE.format(verb="update", kind="role", id=role["id"])
    for change in ({"name": unique()}, {"description": "x", "options": {"immutable": False}}):
        assert message(patch(archstone, "role", role["id"], **change), 403) == refusal
    said = message(call(archstone, "DELETE", f"/roles/{role['id']}"), 403)
    assert said == IMMUTABLE.format(verb="delete", kind="role", id=role["id"])
    assert updated(archstone, "role", role["id"], options={"immutable": None})["options"] == {}
    done(archstone, "DELETE", f"/roles/{role['id']}")
    assert message(call(archstone, "GET", f"/roles/{role['id']}"), 404) == f"Could not find role: {role['id']}."


def test_the_default_roles_are_immutable(archstone):
    for name in ("admin", "manager", "member", "reader", "service"):
        assert get(archstone, "role", archstone.role_id(name))["options"] == {"immutable": True}


# -- implied roles -----------------------------------------------------------------------------------------------------

def test_an_implication_is_made_shown_and_taken_back(archstone):
    prior, implied = make(archstone, "role"), make(archstone, "role")
    path = f"/roles/{prior['id']}/implies/{implied['id']}"
    absent = f"{prior['id']} does not imply {implied['id']}."
    for method in ("GET", "DELETE"):
        assert message(call(archstone, method, path), 404) == absent
    assert call(archstone, "HEAD", path).status_code == 404
    expected = {"role_inference": {"prior_role": reference(archstone, prior), "implies": reference(archstone, implied)},
                "links": {"self": f"{archstone.url}/v3{path}"}}
    assert imply(archstone, prior, implied) == expected
    assert done(archstone, "GET", path, status=200) == expected
    assert call(archstone, "HEAD", path).status_code == 204
    said = message(call(archstone, "PUT", path), 409)
    assert said == "Conflict occurred attempting to store implied_role - Duplicate entry."
    done(archstone, "DELETE", path)
    assert message(call(archstone, "DELETE", path), 404) == absent


def test_the_list_of_what_a_role_implies(archstone):
    prior, first, second = (make(archstone, "role") for _ in range(3))
    path = f"/roles/{prior['id']}/implies"
    empty = {"role_inference": {"prior_role": reference(archstone, prior), "implies": []}, "links": {"self": f"{archstone.url}/v3{path}"}}
    assert done(archstone, "GET", path, status=200) == empty
    imply(archstone, prior, first)
    imply(archstone, prior, second)
    body = done(archstone, "GET", path, status=200)
    shown = body["role_inference"].pop("implies")
    assert sorted(role["id"] for role in shown) == sorted([first["id"], second["id"]]) and reference(archstone, first) in shown
    assert body["links"] == empty["links"] and body["role_inference"] == {"prior_role": reference(archstone, prior)}
    assert call(archstone, "HEAD", path).status_code == 200
    assert call(archstone, "POST", path).status_code == 405


def test_role_inferences_lists_every_implication(archstone):
    prior, first, second, lonely = (make(archstone, "role") for _ in range(4))
    imply(archstone, prior, first)
    imply(archstone, prior, second)
    body = done(archstone, "GET", "/role_inferences", status=200)
    mine = [entry for entry in body["role_inferences"] if entry["prior_role"]["id"] == prior["id"]]
    assert [set(entry) for entry in mine] == [{"prior_role", "implies"}]
    assert sorted(mine[0]["implies"], key=lambda role: role["id"]) == sorted(
        (reference(archstone, role) for role in (first, second)), key=lambda role: role["id"])
    names = {entry["prior_role"]["name"]: [role["name"] for role in entry["implies"]] for entry in body["role_inferences"]}
    assert (names["admin"], names["manager"], names["member"]) == (["manager"], ["member"], ["reader"]) and lonely["name"] not in names
    assert call(archstone, "HEAD", "/role_inferences").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_unknown_roles_are_404(archstone, method):
    role = make(archstone, "role")["id"]
    for path in (f"/roles/{role}/implies/{NOBODY}", f"/roles/{NOBODY}/implies/{role}", f"/roles/{NOBODY}/implies"):
        if path.count("/") == 4 or method == "GET":
            assert message(call(archstone, method, path), 404) == f"Could not find role: {NOBODY}."


def test_what_may_not_be_implied(archstone):
    """The administrator's role, and a domain's role by a global one."""
    role, admin = make(archstone, "role"), {"id": archstone.role_id("admin")}
    own = make(archstone, "role", domain_id=archstone.new_domain()["id"])
    for implied in (admin, own):
        said = message(call(archstone, "PUT", f"/roles/{role['id']}/implies/{implied['id']}"), 403)
        assert said == f"{implied['id']} cannot be an implied roles."


def test_what_may_be_implied(archstone):
    domain = archstone.new_domain()["id"]
    own, sibling = make(archstone, "role", domain_id=domain), make(archstone, "role", domain_id=domain)
    immutable, role = make(archstone, "role", options={"immutable": True}), make(archstone, "role")
    for prior, implied in ((own, role), (own, sibling), (immutable, role), (role, immutable)):
        imply(archstone, prior, implied)


def test_loops_are_allowed_and_harmless(archstone):
    a, b, c = (make(archstone, "role") for _ in range(3))
    for prior, implied in ((a, a), (a, b), (b, c), (c, a)):
        imply(archstone, prior, implied)
    domain = archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    archstone.grant(user, b, domain=domain)
    roles = archstone.login({"id": user["id"]}, user["password"], domain=domain).json()["token"]["roles"]
    assert {role["id"] for role in roles} == {a["id"], b["id"], c["id"]}


def test_a_chain_of_implications_reaches_the_token(archstone):
    chain = [make(archstone, "role") for _ in range(4)]
    for prior, implied in zip(chain, chain[1:]):
        imply(archstone, prior, implied)
    domain = archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    archstone.grant(user, chain[0], domain=domain)
    roles = archstone.login({"id": user["id"]}, user["password"], domain=domain).json()["token"]["roles"]
    assert sorted(role["name"] for role in roles) == sorted(role["name"] for role in chain)


def test_a_domains_role_gives_what_it_implies_and_is_never_in_a_token(archstone):
    domain = archstone.new_domain()["id"]
    own, role = make(archstone, "role", domain_id=domain), make(archstone, "role")
    user, project = archstone.new_user(domain), archstone.new_project(domain)
    archstone.grant(user, own, project=project)
    login = {"user": {"id": user["id"]}, "password": user["password"], "project": project}
    assert archstone.login(**login).status_code == 401
    imply(archstone, own, role)
    roles = archstone.login(**login).json()["token"]["roles"]
    assert roles == [{"id": role["id"], "name": role["name"]}]


def test_a_deleted_role_is_gone_from_grants(archstone):
    role, user, project = make(archstone, "role"), archstone.new_user(), archstone.new_project()
    archstone.grant(user, role, project=project)
    archstone.grant(user, role, system=True)
    done(archstone, "DELETE", f"/roles/{role['id']}")
    assert items(archstone, f"/role_assignments?user.id={user['id']}") == []
    assert items(archstone, f"/projects/{project}/users/{user['id']}/roles") == []


def test_a_deleted_role_is_gone_from_implications(archstone):
    prior, middle, implied = (make(archstone, "role") for _ in range(3))
    imply(archstone, prior, middle)
    imply(archstone, middle, implied)
    done(archstone, "DELETE", f"/roles/{middle['id']}")
    assert done(archstone, "GET", f"/roles/{prior['id']}/implies", status=200)["role_inference"]["implies"] == []
    shown = {entry["prior_role"]["id"] for entry in done(archstone, "GET", "/role_inferences", status=200)["role_inferences"]}
    assert not shown & {prior["id"], middle["id"]}
