"""openstacksdk's identity proxy: roles, and granting them to users and groups on projects, domains and the system."""

import pytest
from openstack import exceptions

from harness import unique


@pytest.fixture
def world(archstone):
    """A domain with a user in a group, and a project; their ids."""
    domain = archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    return {"domain": domain, "user": user["id"], "group": archstone.new_group(domain, user)["id"],
            "project": archstone.new_project(domain), "system": "all"}


def test_roles(archstone, identity):
    name, domain = unique("role"), archstone.new_domain()["id"]
    role = identity.create_role(name=name, description="by the SDK")
    path = f"/v3/roles/{role.id}"
    kept = archstone.expect(200, "GET", path, token=archstone.admin_token)["role"]
    assert (kept["name"], kept["description"], kept["domain_id"], kept["options"]) == (name, "by the SDK", None, {})
    own = identity.create_role(name=name, domain_id=domain)
    assert own.domain_id == domain
    assert identity.get_role(role.id).name == name and identity.find_role(name).id == role.id
    assert identity.find_role(name, domain_id=domain).id == own.id
    assert [r.id for r in identity.roles(name=name)] == [role.id] and [r.id for r in identity.roles(domain_id=domain)] == [own.id]
    with pytest.raises(exceptions.ConflictException):
        identity.create_role(name=name)
    assert identity.update_role(role, description="changed", options={"immutable": True}).options == {"immutable": True}
    kept = archstone.expect(200, "GET", path, token=archstone.admin_token)["role"]
    assert (kept["description"], kept["options"]) == ("changed", {"immutable": True})
    with pytest.raises(exceptions.ForbiddenException):
        identity.delete_role(role)
    identity.update_role(role.id, options={"immutable": None})
    identity.delete_role(role, ignore_missing=False)
    archstone.expect(404, "GET", path, token=archstone.admin_token)
    assert identity.find_role(name) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_role(role.id, ignore_missing=False)


@pytest.mark.parametrize("inherited", [False, True], ids=["direct", "inherited"])
@pytest.mark.parametrize("actor", ["user", "group"])
@pytest.mark.parametrize("target", ["project", "domain"])
def test_grants(archstone, identity, world, target, actor, inherited):
    role = archstone.new_role()["id"]
    arguments = {target: world[target], actor: world[actor], "role": role, "inherited": inherited}

    def has():
        return getattr(identity, f"validate_{actor}_has_{target}_role")(**arguments)

    def on_the_server():
        found = archstone.expect(200, "GET", f"/v3/role_assignments?role.id={role}", token=archstone.admin_token)["role_assignments"]
        return [(a[actor]["id"], a["scope"][target]["id"], "OS-INHERIT:inherited_to" in a["scope"]) for a in found]

    assert has() is False
    getattr(identity, f"assign_{target}_role_to_{actor}")(**arguments)
    assert has() is True and on_the_server() == [(world[actor], world[target], inherited)]
    assert getattr(identity, f"validate_{actor}_has_{target}_role")(**arguments | {"inherited": not inherited}) is False
    direct = [r.id for r in identity.role_assignments_filter(**{target: world[target], actor: world[actor]})]
    assert direct == ([] if inherited else [role]), "what is inherited is listed under OS-INHERIT only"
    getattr(identity, f"unassign_{target}_role_from_{actor}")(**arguments)
    assert has() is False and on_the_server() == []


@pytest.mark.parametrize("actor", ["user", "group"])
def test_grants_on_the_system(archstone, identity, world, actor):
    role = archstone.new_role()["id"]
    arguments = {"system": "all", actor: world[actor], "role": role}

    def on_the_server():
        found = archstone.expect(200, "GET", f"/v3/role_assignments?role.id={role}", token=archstone.admin_token)["role_assignments"]
        return [(a[actor]["id"], a["scope"]) for a in found]

    assert getattr(identity, f"validate_{actor}_has_system_role")(**arguments) is False
    getattr(identity, f"assign_system_role_to_{actor}")(**arguments)
    assert getattr(identity, f"validate_{actor}_has_system_role")(**arguments) is True
    assert on_the_server() == [(world[actor], {"system": {"all": True}})]
    assert [r.id for r in identity.role_assignments_filter(system="all", **{actor: world[actor]})] == [role]
    getattr(identity, f"unassign_system_role_from_{actor}")(**arguments)
    assert on_the_server() == []


def test_role_assignments(archstone, identity, world):
    role = archstone.new_role()
    name, user, group = role["name"], {"id": world["user"]}, {"id": world["group"]}
    child = archstone.new_project(world["domain"], parent_id=world["project"])
    archstone.grant(user, name, project=world["project"])
    archstone.grant(None, name, domain=world["domain"], group=group, inherited=True)

    def found(**query):
        """(actor, target, inherited) of what a list answers."""
        rows = []
        for a in identity.role_assignments(role_id=role["id"], **query):
            [target] = [k for k in a.scope if k in ("project", "domain", "system")]
            rows.append(((a.user or a.group)["id"], a.scope[target].get("id", "all"), "OS-INHERIT:inherited_to" in a.scope))
        return sorted(rows)

    on_project, on_domain = (world["user"], world["project"], False), (world["group"], world["domain"], True)
    assert found() == sorted([on_project, on_domain])
    assert found(user_id=world["user"]) == [on_project] and found(group_id=world["group"]) == [on_domain]
    assert found(scope_project_id=world["project"]) == [on_project] and found(scope_domain_id=world["domain"]) == [on_domain]
    assert found(inherited_to="projects") == [on_domain]
    assert found(scope_project_id=world["project"], include_subtree=True) == [on_project]
    through = [(world["user"], p, True) for p in (world["project"], child)]
    assert found(effective=True) == sorted([on_project, *through])
    assert found(effective=True, user_id=world["user"], scope_project_id=child) == [through[1]]
    archstone.grant(user, name, system=True)
    assert found(scope_system="all") == [(world["user"], "all", False)]
    [named] = identity.role_assignments(role_id=role["id"], scope_project_id=world["project"], include_names=True)
    assert named.role["name"] == name and named.user["domain"]["id"] == named.scope["project"]["domain"]["id"] == world["domain"]


def test_a_grant_of_what_is_not_there_changes_nothing(archstone, identity, world):
    role = archstone.new_role()["id"]
    identity.assign_project_role_to_user(world["project"], unique("nobody"), role)
    identity.assign_project_role_to_user(unique("nowhere"), world["user"], role)
    identity.assign_project_role_to_user(world["project"], world["user"], unique("role"))
    assert list(identity.role_assignments(role_id=role)) == []
    assert [r.id for r in identity.role_assignments_filter(project=world["project"], user=world["user"])] == []
