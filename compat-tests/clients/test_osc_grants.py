"""`openstack role add`, `role remove` and `role assignment list`: who has which role where, and through what."""

import pytest

from harness import unique


class World:
    """A domain with a user in a group, a project with one below it, and a role; all with names of their own."""

    def __init__(self, archstone):
        self.domain = archstone.new_domain()
        self.user = archstone.new_user(self.domain["id"])
        self.group = archstone.new_group(self.domain["id"], self.user)
        self.project = archstone.new_project(self.domain["id"], name=unique("project"))
        self.child = archstone.new_project(self.domain["id"], parent_id=self.project)
        self.role = archstone.new_role()

    def row(self, actor, scope, id=None, inherited=False):
        """A line of `role assignment list`: `actor` is "User" or "Group", `scope` "Project", "Domain" or "System"."""
        blank = dict.fromkeys(("User", "Group", "Project", "Domain", "System"), "")
        held = (self.user if actor == "User" else self.group)["id"]
        return blank | {"Role": self.role["id"], actor: held, scope: id or "all", "Inherited": inherited}


@pytest.fixture
def world(archstone):
    """A world of the test's own."""
    return World(archstone)


def sort(rows):
    """Rows in an order of their own."""
    return sorted(rows, key=lambda row: sorted((k, str(v)) for k, v in row.items()))


@pytest.mark.parametrize("actor", ["User", "Group"])
def test_grants_on_a_project_a_domain_and_the_system(world, osc, actor):
    domain, name, role = world.domain["name"], (world.user if actor == "User" else world.group)["name"], world.role["name"]
    who = f"--{actor.lower()} {name} --{actor.lower()}-domain {domain}"
    project, where = f"{who} --project {world.project} --project-domain {domain}", f"{who} --domain {domain}"
    options = [project, where, f"{who} --system all", f"{project} --inherited", f"{where} --inherited"]
    adds, removes = ("\n".join(f"role {verb} {o} {role}" for o in options) for verb in ("add", "remove"))
    held, left = osc(f"""
        {adds}
        role assignment list --role {role}
        {removes}
        role assignment list --role {role}
        role remove {project} {role}
    """)
    scopes = [("Project", world.project, False), ("Domain", world.domain["id"], False), ("System", None, False),
              ("Project", world.project, True), ("Domain", world.domain["id"], True)]
    assert sort(held) == sort(world.row(actor, *scope) for scope in scopes)
    assert left == [], "and taking back what is not there is no error for the client"


def test_filters_of_the_list(archstone, world, osc):
    role = world.role["name"]
    archstone.grant(world.user, role, project=world.project)
    archstone.grant(None, role, domain=world.domain["id"], group=world.group)
    archstone.grant(world.user, role, system=True)
    archstone.grant(world.user, role, project=world.project, inherited=True)
    project, below = world.row("User", "Project", world.project), world.row("User", "Project", world.project, True)
    domain, system = world.row("Group", "Domain", world.domain["id"]), world.row("User", "System")
    base = f"role assignment list --role {role}"
    names = f"@{world.domain['name']}"
    by_user, by_group, by_project, by_domain, by_system, inherited, named = osc(f"""
        {base} --user {world.user['name']} --user-domain {world.domain['name']}
        {base} --group {world.group['name']} --group-domain {world.domain['name']}
        {base} --project {world.project}
        {base} --domain {world.domain['name']}
        {base} --system all
        {base} --inherited
        {base} --names --group {world.group['id']}
    """)
    assert sort(by_user) == sort([project, system, below]) and by_group == by_domain == [domain] and by_system == [system]
    assert sort(by_project) == sort([project, below])
    assert [row for row in inherited if not row["System"]] == [below], "Keystone lists the system's grants here too"
    assert named == [{"Role": role, "User": "", "Group": world.group["name"] + names, "Project": "", "Domain": world.domain["name"],
                      "System": "", "Inherited": False}]


def test_effective_assignments(archstone, world, osc):
    role = world.role["name"]
    archstone.grant(None, role, domain=world.domain["id"], group=world.group, inherited=True)
    everything, here, names, plain = osc(f"""
        role assignment list --role {role} --effective
        role assignment list --role {role} --effective --user {world.user['id']} --project {world.child}
        role assignment list --role {role} --effective --names --user {world.user['id']} --project {world.project}
        role assignment list --role {role} --project {world.project}
    """)
    on_project, on_child = (world.row("User", "Project", id, True) for id in (world.project, world.child))
    assert sort(everything) == sort([on_project, on_child]), "groups' members, on the projects below"
    assert here == [on_child]
    assert names[0]["User"] == f"{world.user['name']}@{world.domain['name']}"
    assert names[0]["Project"].endswith(f"@{world.domain['name']}")
    assert plain == []


def test_a_role_of_a_domain_is_named_with_it(world, osc):
    name, domain = unique("role"), world.domain["name"]
    _, held, left = osc(f"""
        role create --domain {domain} {name}
        role add --user {world.user['id']} --project {world.project} --role-domain {domain} {name}
        role assignment list --user {world.user['id']} --role {name} --role-domain {domain} --names
        role remove --user {world.user['id']} --project {world.project} --role-domain {domain} {name}
        role assignment list --user {world.user['id']}
    """)
    assert held[0]["Role"] == f"{name}@{domain}" and left == []


def test_ones_own_assignments(archstone, world, osc):
    mine, here = osc("""
        role assignment list --auth-user --names
        role assignment list --auth-user --auth-project --names
    """)
    row = {"Role": "admin", "User": "admin@Default", "Group": "", "Project": "admin@Default", "Domain": "", "System": "",
           "Inherited": False}
    assert row in mine and here == [row]
    assert {"Project": "", "System": "all"}.items() <= next(r for r in mine if r["System"]).items()
    archstone.grant(world.user, "member", project=world.project)
    [refused] = osc("! role assignment list", env=archstone.user_env(world.user, project=world.project))
    assert "403" in refused


def test_tokens_follow_the_grants(archstone, world, osc):
    def roles(**scope):
        answer = archstone.login({"id": world.user["id"]}, world.user["password"], **scope)
        return {r["name"] for r in answer.json()["token"]["roles"]} if answer.status_code == 201 else answer.status_code

    role = world.role["name"]
    osc(f"""
        role add --group {world.group['id']} --project {world.project} {role}
        role add --user {world.user['id']} --domain {world.domain['id']} --inherited member
        role add --user {world.user['id']} --system all reader
    """)
    assert roles(project=world.project) == {role, "member", "reader"} and roles(project=world.child) == {"member", "reader"}
    assert roles(domain=world.domain["id"]) == 401, "inherited means the projects below"
    assert roles(system=True) == {"reader"}
    osc(f"""
        role remove --group {world.group['id']} --project {world.project} {role}
        role remove --user {world.user['id']} --domain {world.domain['id']} --inherited member
        role remove --user {world.user['id']} --system all reader
    """)
    assert roles(project=world.project) == roles(project=world.child) == roles(system=True) == 401
