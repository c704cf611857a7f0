"""The list of role assignments: every filter, what does not go together, effective mode, names, subtrees, exact bodies."""

import pytest

from identity_calls import NOBODY, call, done, items, make, message


class World:
    """A parent and a child project, a user and a group of another domain with them in it, and one grant of every kind.

    `dr` is a role of the domain, implies `r`, which implies `r2`.
    """

    def __init__(self, archstone):
        self.archstone = archstone
        self.domain, self.other = archstone.new_domain(), archstone.new_domain()
        d = self.d = self.domain["id"]
        self.p = archstone.new_project(d)
        self.q = archstone.new_project(d, parent_id=self.p)
        self.user = archstone.new_user(d)
        self.group = archstone.new_group(self.other["id"], self.user)
        self.u, self.g = self.user["id"], self.group["id"]
        self.role, self.implied, self.own = make(archstone, "role"), make(archstone, "role"), make(archstone, "role", domain_id=d)
        self.r, self.r2, self.dr = self.role["id"], self.implied["id"], self.own["id"]
        for prior, implied in ((self.r, self.r2), (self.dr, self.r)):
            done(archstone, "PUT", f"/roles/{prior}/implies/{implied}", status=201)
        archstone.grant(self.user, self.role, project=self.p)
        archstone.grant(self.user, self.own, domain=d)
        archstone.grant(self.user, self.own, domain=d, inherited=True)
        archstone.grant(self.user, self.role, system=True)
        archstone.grant(None, self.role, project=self.p, group=self.group, inherited=True)
        archstone.grant(None, self.implied, system=True, group=self.group)

    def full(self, query):
        return items(self.archstone, "/role_assignments?" + query)

    def short(self, query):
        """The assignments as (actor, role, where, inherited), by the names of this class, in order."""
        names = {value: key for key, value in vars(self).items() if isinstance(value, str)}
        found = []
        for entry in self.full(query):
            scope = entry["scope"]
            where = "system" if "system" in scope else names[next(iter(scope[k]["id"] for k in ("project", "domain") if k in scope))]
            actor = names[(entry.get("user") or entry["group"])["id"]]
            found.append((actor, names[entry["role"]["id"]], where, "OS-INHERIT:inherited_to" in scope))
        return sorted(found)


@pytest.fixture
def world(archstone):
    return World(archstone)


DIRECT = [("u", "dr", "d", False), ("u", "dr", "d", True), ("u", "r", "p", False), ("u", "r", "system", False)]
GROUP = [("g", "r", "p", True), ("g", "r2", "system", False)]


def test_filters_by_actor_role_and_scope(world):
    for query, expected in {
        f"user.id={world.u}": DIRECT,
        f"group.id={world.g}": GROUP,
        f"scope.project.id={world.p}": [("g", "r", "p", True), ("u", "r", "p", False)],
        f"scope.project.id={world.q}": [],
        f"scope.domain.id={world.d}": [("u", "dr", "d", False), ("u", "dr", "d", True)],
        f"role.id={world.r}": [("g", "r", "p", True), ("u", "r", "p", False), ("u", "r", "system", False)],
        f"role.id={world.r}&user.id={world.u}": [("u", "r", "p", False), ("u", "r", "system", False)],
        f"role.id={world.r}&scope.project.id={world.p}&user.id={world.u}": [("u", "r", "p", False)],
        f"scope.system=all&user.id={world.u}": [("u", "r", "system", False)],
        f"scope.system=all&group.id={world.g}": [("g", "r2", "system", False)],
        f"user.id={world.u}&scope.OS-INHERIT:inherited_to=projects&scope.domain.id={world.d}": [("u", "dr", "d", True)],
        f"user.id={world.u}&scope.OS-INHERIT:inherited_to=nonsense&scope.domain.id={world.d}": [("u", "dr", "d", False)],
        f"user.id={world.u}&nonsense=1": DIRECT,
        f"user.id={world.u}&effective=0": DIRECT,
    }.items():
        assert world.short(query) == sorted(expected), query


@pytest.mark.parametrize("query", ["user.id", "group.id", "role.id", "scope.project.id", "scope.domain.id"])
def test_an_unknown_id_finds_nothing(archstone, query):
    assert items(archstone, f"/role_assignments?{query}={NOBODY}") == []


def test_exact_bodies(archstone, world):
    base = f"{archstone.url}/v3"
    u, g, r, dr = ({"id": i} for i in (world.u, world.g, world.r, world.dr))
    everything = world.full(f"user.id={world.u}") + world.full(f"group.id={world.g}")
    for expected in (
        {"scope": {"project": {"id": world.p}}, "user": u, "role": r,
         "links": {"assignment": f"{base}/projects/{world.p}/users/{world.u}/roles/{world.r}"}},
        {"scope": {"domain": {"id": world.d}}, "user": u, "role": dr,
         "links": {"assignment": f"{base}/domains/{world.d}/users/{world.u}/roles/{world.dr}"}},
        {"scope": {"domain": {"id": world.d}, "OS-INHERIT:inherited_to": "projects"}, "user": u, "role": dr,
         "links": {"assignment": f"{base}/OS-INHERIT/domains/{world.d}/users/{world.u}/roles/{world.dr}/inherited_to_projects"}},
        {"scope": {"system": {"all": True}}, "user": u, "role": r,
         "links": {"assignment": f"{base}/system/users/{world.u}/roles/{world.r}"}},
        {"scope": {"project": {"id": world.p}, "OS-INHERIT:inherited_to": "projects"}, "group": g, "role": r,
         "links": {"assignment": f"{base}/OS-INHERIT/projects/{world.p}/groups/{world.g}/roles/{world.r}/inherited_to_projects"}},
        {"scope": {"system": {"all": True}}, "group": g, "role": {"id": world.r2},
         "links": {"assignment": f"{base}/system/groups/{world.g}/roles/{world.r2}"}},
    ):
        assert expected in everything
    path = f"/v3/role_assignments?user.id={world.u}"
    body = archstone.expect(200, "GET", path, token=archstone.admin_token)
    assert set(body) == {"role_assignments", "links"}
    assert body["links"] == {"next": None, "previous": None, "self": f"{archstone.url}{path}"}
    assert archstone.request("HEAD", path, token=archstone.admin_token).status_code == 200


def test_names(archstone, world):
    home = {"id": world.d, "name": world.domain["name"]}
    elsewhere = {"id": world.other["id"], "name": world.other["name"]}
    user = {"id": world.u, "name": world.user["name"], "domain": home}
    group = {"id": world.g, "name": world.group["name"], "domain": elsewhere}
    parent = archstone.expect(200, "GET", f"/v3/projects/{world.p}", token=archstone.admin_token)["project"]["name"]
    project = {"id": world.p, "name": parent, "domain": home}
    role, own = {"id": world.r, "name": world.role["name"]}, {"id": world.dr, "name": world.own["name"], "domain": home}
    shown = [{key: value for key, value in entry.items() if key != "links"}
             for query in (f"user.id={world.u}&include_names", f"group.id={world.g}&include_names=1") for entry in world.full(query)]
    assert len(shown) == 6
    for expected in (
        {"scope": {"project": project}, "user": user, "role": role},
        {"scope": {"domain": home}, "user": user, "role": own},
        {"scope": {"domain": home, "OS-INHERIT:inherited_to": "projects"}, "user": user, "role": own},
        {"scope": {"system": {"all": True}}, "user": user, "role": role},
        {"scope": {"project": project, "OS-INHERIT:inherited_to": "projects"}, "group": group, "role": role},
    ):
        assert expected in shown


ON_P = [("u", "r", "p", False), ("u", "r", "p", True), ("u", "r2", "p", False), ("u", "r2", "p", True)]
# Twice each: through the group's grant on the parent and through the user's on the domain.
ON_Q = [("u", "r", "q", True), ("u", "r", "q", True), ("u", "r2", "q", True), ("u", "r2", "q", True)]
ON_D = [("u", "r", "d", False), ("u", "r2", "d", False)]


def test_effective_assignments(world):
    """Groups become their users, inherited grants what they reach, implied roles stand beside; a domain's roles are left out."""
    for query, expected in {
        f"user.id={world.u}&effective": [*ON_P, *ON_Q, *ON_D],
        f"scope.project.id={world.p}&effective": ON_P,
        f"scope.project.id={world.q}&effective": ON_Q,
        f"scope.domain.id={world.d}&effective": ON_D,
        f"role.id={world.r2}&user.id={world.u}&effective&scope.project.id={world.p}": [("u", "r2", "p", False), ("u", "r2", "p", True)],
        f"role.id={world.dr}&user.id={world.u}&effective": [],
        f"user.id={world.u}&effective&scope.OS-INHERIT:inherited_to=projects&scope.project.id={world.p}": [
            ("u", "r", "p", True), ("u", "r2", "p", True)],
        f"user.id={world.u}&effective&scope.OS-INHERIT:inherited_to=other&scope.project.id={world.p}": [
            ("u", "r", "p", False), ("u", "r2", "p", False)],
    }.items():
        assert [entry for entry in world.short(query) if entry[2] != "system"] == sorted(expected), query


def test_effective_assignments_on_the_system(world):
    found = world.short(f"scope.system=all&user.id={world.u}&effective")
    assert sorted(set(found)) == [("u", "r", "system", False), ("u", "r2", "system", False)]


def test_links_of_effective_assignments_lead_to_where_they_come_from(archstone, world):
    entries = world.full(f"scope.project.id={world.q}&effective&role.id={world.r}")
    base = f"{archstone.url}/v3"
    through_group = {"assignment": f"{base}/OS-INHERIT/projects/{world.p}/groups/{world.g}/roles/{world.r}/inherited_to_projects",
                     "membership": f"{base}/groups/{world.g}/users/{world.u}"}
    assert through_group in [entry["links"] for entry in entries]
    (inherited,) = [entry["links"]["assignment"] for entry in entries if "membership" not in entry["links"]]
    assert inherited == f"{base}/OS-INHERIT/domains/{world.d}/users/{world.u}/roles/{world.dr}/inherited_to_projects"
    (direct,) = [entry["links"] for entry in world.full(f"scope.project.id={world.p}&effective&role.id={world.r2}")
                 if "OS-INHERIT:inherited_to" not in entry["scope"]]
    assert direct["assignment"] == f"{base}/projects/{world.p}/users/{world.u}/roles/{world.r}" and "prior_role" in direct


def test_the_link_to_the_implication_works(archstone, world):
    (entry,) = [entry for entry in world.full(f"scope.project.id={world.p}&effective&role.id={world.r2}")
                if "OS-INHERIT:inherited_to" not in entry["scope"]]
    assert entry["links"]["prior_role"] == f"{archstone.url}/v3/roles/{world.r}/implies/{world.r2}"
    assert archstone.request("GET", entry["links"]["prior_role"], token=archstone.admin_token).status_code == 200


def test_subtrees(world):
    world.archstone.grant(world.user, world.implied, project=world.q)
    below = ("u", "r2", "q", False)
    for query, expected in {
        f"scope.project.id={world.p}&include_subtree": [("g", "r", "p", True), ("u", "r", "p", False), below],
        f"scope.project.id={world.p}&include_subtree=0": [("g", "r", "p", True), ("u", "r", "p", False)],
        f"scope.project.id={world.p}&include_subtree&effective": [*ON_P, *ON_Q, below],
        f"scope.project.id={world.p}&include_subtree&user.id={world.u}": [("u", "r", "p", False), below],
        f"scope.project.id={world.q}&include_subtree": [below],
        f"scope.project.id={world.d}&include_subtree&user.id={world.u}": [("u", "r", "p", False), below],
    }.items():
        assert [entry for entry in world.short(query) if entry[2] != "d"] == sorted(expected), query


@pytest.mark.parametrize(("query", "said"), [
    ("scope.domain.id={d}&scope.project.id={p}", "Specify a domain or project, not both"),
    ("scope.system=all&scope.domain.id={d}", "Specify system or domain, not both"),
    ("scope.system=all&scope.project.id={p}", "Specify system or project, not both"),
    ("user.id={u}&group.id={g}", None),
    ("effective&group.id={g}", "Combining effective and group filter will always result in an empty list."),
    ("effective&scope.domain.id={d}&scope.OS-INHERIT:inherited_to=projects",
     "Combining effective, domain and inherited filters will always result in an empty list."),
    ("include_subtree", None),
    ("include_subtree&scope.domain.id={d}", None),
])
def test_what_does_not_go_together_is_400(archstone, query, said):
    filled = query.format(d="default", p=NOBODY, u=NOBODY, g=NOBODY)
    answer = message(call(archstone, "GET", f"/role_assignments?{filled}"), 400)
    assert said is None or answer == said


def test_the_subtree_of_an_unknown_project_is_404(archstone):
    said = message(call(archstone, "GET", f"/role_assignments?include_subtree&scope.project.id={NOBODY}"), 404)
    assert said == f"Could not find project: {NOBODY}."


def test_an_unknown_user_or_project_in_effective_mode_is_404(archstone):
    for kind in ("user", "project"):
        query = f"effective&{'user.id' if kind == 'user' else 'scope.project.id'}={NOBODY}"
        assert message(call(archstone, "GET", f"/role_assignments?{query}"), 404) == f"Could not find {kind}: {NOBODY}."


def test_a_domain_scoped_reader_sees_their_domain(world):
    _, token = world.archstone.persona("reader", domain=world.d)
    listed = world.archstone.expect(200, "GET", "/v3/role_assignments", token=token)["role_assignments"]
    places = {entry["scope"].get("domain", entry["scope"].get("project", {})).get("id") for entry in listed}
    assert places == {world.d, world.p}
