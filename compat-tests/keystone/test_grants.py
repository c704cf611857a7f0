"""Grants to users and groups, on projects, domains and the system, direct and inherited."""

import pytest

from identity_calls import NOBODY, call, done, get, ids, items, make, message

ACTORS, TARGETS = ["users", "groups"], ["projects", "domains"]


class Grant:
    """One way of granting: a new role, actor and target, and the paths of it."""

    def __init__(self, archstone, actors, targets, inherited=False):
        self.domain = archstone.new_domain()["id"]
        self.actor = (archstone.new_user if actors == "users" else archstone.new_group)(self.domain)["id"]
        self.target = archstone.new_project(self.domain) if targets == "projects" else self.domain if targets == "domains" else None
        self.role = make(archstone, "role")
        self.actors, self.targets, self.inherited = actors, targets, inherited

    def path(self, role=None, actor=None, target=None, inherited=None):
        """The path of the grant, any part of it replaced."""
        where = "system" if self.targets == "system" else f"{self.targets}/{target or self.target}"
        plain = f"/{where}/{self.actors}/{actor or self.actor}/roles/{role or self.role['id']}"
        return f"/OS-INHERIT{plain}/inherited_to_projects" if (self.inherited if inherited is None else inherited) else plain

    @property
    def list_path(self):
        return self.path(inherited=False).rsplit("/", 1)[0]

    @property
    def absent(self):
        return (f"Could not find role assignment with role: {self.role['id']}, user or group: {self.actor}, project, domain, or system: "
                f"{self.target or 'system'}.")


WAYS = [(actors, targets, inherited) for actors in ACTORS for targets in [*TARGETS, "system"] for inherited in (False, True)
        if not (inherited and targets == "system")]


@pytest.fixture(params=WAYS, ids=lambda way: "-".join([*way[:2], "inherited" if way[2] else "direct"]))
def grant(request, archstone):
    return Grant(archstone, *request.param)


def test_a_grant_is_made_checked_and_taken_back(archstone, grant):
    path = grant.path()
    for method in ("GET", "DELETE"):
        assert message(call(archstone, method, path), 404) == grant.absent
    assert call(archstone, "HEAD", path).status_code == 404
    for _ in range(2):
        answer = call(archstone, "PUT", path)
        assert answer.status_code == 204 and not answer.content
    for method in ("GET", "HEAD"):
        done(archstone, method, path)
    done(archstone, "DELETE", path)
    assert message(call(archstone, "DELETE", path), 404) == grant.absent


def test_an_unknown_role_is_404(archstone, grant):
    for method in ("PUT", "GET", "DELETE"):
        assert message(call(archstone, method, grant.path(role=NOBODY)), 404) == f"Could not find role: {NOBODY}."


def test_an_unknown_user_or_group_is_404(archstone, grant):
    """Taking back from somebody unknown says that there is no such grant: grants of deleted people could be tidied up that way."""
    said = message(call(archstone, "DELETE", grant.path(actor=NOBODY)), 404)
    assert said == grant.absent.replace(grant.actor, NOBODY)
    message(call(archstone, "GET", grant.path(actor=NOBODY)), 404)
    if not grant.inherited:
        unknown = f"Could not find {grant.actors[:-1]}: {NOBODY}."
        assert message(call(archstone, "GET", grant.path(actor=NOBODY)), 404) == unknown
        assert message(call(archstone, "GET", grant.list_path.replace(grant.actor, NOBODY)), 404) == unknown


def test_nothing_is_granted_to_nobody(archstone, grant):
    assert message(call(archstone, "PUT", grant.path(actor=NOBODY)), 404) == f"Could not find {grant.actors[:-1]}: {NOBODY}."
    message(call(archstone, "GET", grant.path(actor=NOBODY)), 404)


def test_an_unknown_project_or_domain_is_404(archstone, grant):
    if grant.target:
        unknown = f"Could not find {grant.targets[:-1]}: {NOBODY}."
        assert message(call(archstone, "PUT", grant.path(target=NOBODY)), 404) == unknown
        for method in ("GET", "DELETE"):
            said = message(call(archstone, method, grant.path(target=NOBODY)), 404)
            assert said in (unknown, grant.absent.replace(grant.target, NOBODY)) and (grant.inherited or said == unknown)


def test_the_list_shows_the_direct_roles(archstone, grant):
    assert items(archstone, grant.list_path) == []
    done(archstone, "PUT", grant.path())
    assert items(archstone, grant.list_path) == ([] if grant.inherited else [get(archstone, "role", grant.role["id"])])
    links = archstone.expect(200, "GET", f"/v3{grant.list_path}", token=archstone.admin_token)["links"]
    assert links == {"next": None, "previous": None, "self": f"{archstone.url}/v3{grant.list_path}"}
    assert call(archstone, "HEAD", grant.list_path).status_code == 200


@pytest.mark.parametrize("actors", ACTORS)
@pytest.mark.parametrize("targets", TARGETS)
def test_direct_and_inherited_are_two_grants(archstone, actors, targets):
    grant = Grant(archstone, actors, targets)
    done(archstone, "PUT", grant.path(inherited=True))
    assert call(archstone, "HEAD", grant.path(inherited=False)).status_code == 404
    done(archstone, "PUT", grant.path(inherited=False))
    shown = items(archstone, f"/role_assignments?{actors[:-1]}.id={grant.actor}")
    assert sorted("OS-INHERIT:inherited_to" in entry["scope"] for entry in shown) == [False, True]
    done(archstone, "DELETE", grant.path(inherited=True))
    assert call(archstone, "HEAD", grant.path(inherited=False)).status_code == 204
    assert call(archstone, "HEAD", grant.path(inherited=True)).status_code == 404


@pytest.mark.parametrize("actors", ACTORS)
def test_the_inherited_roles_on_a_domain_have_a_list(archstone, actors):
    grant = Grant(archstone, actors, "domains", inherited=True)
    path = f"/OS-INHERIT{grant.list_path}/inherited_to_projects"
    assert items(archstone, path) == []
    done(archstone, "PUT", grant.path())
    done(archstone, "PUT", grant.path(role=make(archstone, "role")["id"], inherited=False))
    assert items(archstone, path) == [get(archstone, "role", grant.role["id"])]
    assert call(archstone, "HEAD", path).status_code == 200


# -- roles of a domain -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("actors", ACTORS)
@pytest.mark.parametrize("inherited", [False, True], ids=["direct", "inherited"])
def test_a_domains_role_is_granted_on_the_domain_and_its_projects(archstone, actors, inherited):
    for targets in TARGETS:
        grant = Grant(archstone, actors, targets, inherited)
        own = make(archstone, "role", domain_id=grant.domain)["id"]
        done(archstone, "PUT", grant.path(role=own))
        done(archstone, "GET", grant.path(role=own))
        done(archstone, "DELETE", grant.path(role=own))


@pytest.mark.parametrize("actors", ACTORS)
@pytest.mark.parametrize("inherited", [False, True], ids=["direct", "inherited"])
def test_a_domains_role_is_not_granted_on_another_domains_projects(archstone, actors, inherited):
    grant = Grant(archstone, actors, "projects", inherited)
    foreign = make(archstone, "role", domain_id=archstone.new_domain()["id"])["id"]
    said = message(call(archstone, "PUT", grant.path(role=foreign)), 403)
    assert said == f"Project {grant.target} must be in the same domain as the role {foreign} being assigned."


@pytest.mark.parametrize("actors", ACTORS)
def test_a_domains_role_is_not_granted_on_the_system(archstone, actors):
    grant = Grant(archstone, actors, "system")
    own = make(archstone, "role", domain_id=grant.domain)["id"]
    said = message(call(archstone, "PUT", grant.path(role=own)), 400)
    assert said == f"Role {own} is a domain-specific role. Unable to use a domain-specific role in a system assignment."


# -- domains as projects, and what grants do ---------------------------------------------------------------------------

def test_a_project_is_no_domain_to_grant_on(archstone):
    grant = Grant(archstone, "users", "domains")
    project = archstone.new_project(grant.domain)
    assert message(call(archstone, "PUT", grant.path(target=project)), 404) == f"Could not find domain: {project}."


def roles_of(archstone, user, **scope):
    """Names of the roles in a token of this scope; none when it is refused."""
    answer = archstone.login({"id": user["id"]}, user["password"], **scope)
    return sorted(role["name"] for role in answer.json()["token"]["roles"]) if answer.status_code == 201 else []


def test_what_an_inherited_grant_is_worth(archstone):
    """On a domain it counts on all its projects, on a project on those below it, and on neither itself."""
    domain = archstone.new_domain()["id"]
    parent = archstone.new_project(domain)
    child = archstone.new_project(domain, parent_id=parent)
    grandchild = archstone.new_project(domain, parent_id=child)
    on_domain, on_project = make(archstone, "role"), make(archstone, "role")
    user = archstone.new_user(domain)
    archstone.grant(user, on_domain, domain=domain, inherited=True)
    archstone.grant(None, on_project, project=parent, group=archstone.new_group(domain, user), inherited=True)
    both = sorted([on_domain["name"], on_project["name"]])
    assert roles_of(archstone, user, domain=domain) == []
    assert roles_of(archstone, user, project=parent) == [on_domain["name"]]
    assert roles_of(archstone, user, project=child) == both == roles_of(archstone, user, project=grandchild)


def test_what_a_groups_grants_are_worth(archstone):
    domain = archstone.new_domain()["id"]
    project, user, stranger = archstone.new_project(domain), archstone.new_user(domain), archstone.new_user(domain)
    group = archstone.new_group(domain, user)
    roles = [make(archstone, "role") for _ in range(3)]
    archstone.grant(None, roles[0], project=project, group=group)
    archstone.grant(None, roles[1], domain=domain, group=group)
    archstone.grant(None, roles[2], system=True, group=group)
    for role, scope in zip(roles, ({"project": project}, {"domain": domain}, {"system": True})):
        assert roles_of(archstone, user, **scope) == [role["name"]]
        assert roles_of(archstone, stranger, **scope) == []
    token = archstone.token({"id": user["id"]}, user["password"])
    assert [p["id"] for p in archstone.expect(200, "GET", "/v3/auth/projects", token=token)["projects"]] == [project]
    assert [d["id"] for d in archstone.expect(200, "GET", "/v3/auth/domains", token=token)["domains"]] == [domain]


def test_the_system_is_listed_for_those_who_have_a_role_there(archstone):
    user, through_group, stranger = archstone.new_user(), archstone.new_user(), archstone.new_user()
    archstone.grant(user, "reader", system=True)
    archstone.grant(None, "reader", system=True, group=archstone.new_group("default", through_group))
    for someone, expected in ((user, [{"all": True}]), (stranger, []), (through_group, [{"all": True}])):
        token = archstone.token({"id": someone["id"]}, someone["password"])
        assert archstone.expect(200, "GET", "/v3/auth/system", token=token)["system"] == expected


def test_grants_go_with_the_user_the_group_and_the_project(archstone):
    user, project, kept = archstone.new_user(), archstone.new_project(), archstone.new_project()
    group, role = archstone.new_group(), make(archstone, "role")
    path = f"/role_assignments?role.id={role['id']}"
    for target in (project, kept):
        archstone.grant(user, role, project=target)
        archstone.grant(None, role, project=target, group=group)
    done(archstone, "DELETE", f"/projects/{project}")
    assert {entry["scope"]["project"]["id"] for entry in items(archstone, path)} == {kept}
    done(archstone, "DELETE", f"/users/{user['id']}")
    assert [set(entry) & {"user", "group"} for entry in items(archstone, path)] == [{"group"}]
    done(archstone, "DELETE", f"/groups/{group['id']}")
    assert items(archstone, path) == []
    assert ids(archstone, f"/roles?name={role['name']}") == [role["id"]]
