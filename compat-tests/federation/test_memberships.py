"""Groups, projects and roles that a login asserts (keystone-api.md 1.5.9, 1.5.10): given, refreshed, taken away."""

import datetime
import json

import pytest

from harness import unique
from token_calls import DEAD, assert_alive, statuses
from trust import ANYBODY, UNAUTHORIZED, Trust, group_by_id, groups_of, project_of

HOUR = 60


def at(text):
    """A time as the API writes it; Keystone leaves the zone out in memberships."""
    return datetime.datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=datetime.UTC)


@pytest.fixture
def domain(archstone):
    """A domain for the people of an identity provider; its id."""
    return archstone.new_domain()["id"]


@pytest.fixture
def team(archstone, domain):
    """`team(role)`: a group with this role on a project: (group, project id)."""
    def make(role="member"):
        group, project = archstone.new_group(domain), archstone.new_project(domain)
        archstone.grant(None, role, project=project, group=group)
        return group, project

    return make


def carried(body):
    """Names of the groups that a token carries."""
    return {g["name"] for g in body["user"]["OS-FEDERATION"]["groups"]}


def test_memberships_end_when_the_identity_provider_says(trust, provider, domain, team):
    group, project = team()
    way = trust(ANYBODY, groups_of(domain), domain_id=domain, authorization_ttl=HOUR)
    person = provider.user(groups=[group["name"]])
    _, body = way.enter(person)
    user = body["user"]["id"]
    end = way.groups(user)[group["name"]]
    assert abs(at(end) - datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=HOUR)) < datetime.timedelta(seconds=20)
    way.enter(person)
    assert at(way.groups(user)[group["name"]]) >= at(end), "a login refreshes it"
    assert [p["id"] for p in way.get(f"users/{user}/projects")["projects"]] == [project]


def test_without_a_lifetime_groups_are_in_the_token_only(trust, provider, domain, team):
    group, project = team()
    way = trust(ANYBODY, groups_of(domain), domain_id=domain)
    token, body = way.enter(provider.user(groups=[group["name"]]))
    assert carried(body) == {group["name"]} and way.groups(body["user"]["id"]) == {}
    scoped, _ = way.scoped(token, project=project)
    assert_alive(way.archstone, scoped)


@pytest.mark.parametrize("ttl", [None, HOUR], ids=["token_only", "an_hour"])
def test_what_is_no_longer_asserted_is_gone_at_once(trust, provider, domain, team, ttl):
    """Also from tokens that were issued before."""
    kept, kept_project = team()
    lost, lost_project = team()
    way = trust(ANYBODY, groups_of(domain), domain_id=domain, authorization_ttl=ttl)
    person = provider.user(groups=[kept["name"], lost["name"]])
    token, body = way.enter(person)
    assert carried(body) == {kept["name"], lost["name"]}
    before = {p: way.scoped(token, project=p)[0] for p in (kept_project, lost_project)}
    for scoped in before.values():
        assert_alive(way.archstone, scoped)
    provider.user(person, groups=[kept["name"]])
    again, body = way.enter(person)
    assert carried(body) == {kept["name"]}
    assert set(way.groups(body["user"]["id"])) == ({kept["name"]} if ttl else set())
    assert statuses(way.archstone, before[lost_project]) == DEAD
    assert_alive(way.archstone, before[kept_project])
    for unscoped in (token, again):
        assert way.archstone.rescope(unscoped, project=lost_project).status_code == 401
        way.scoped(unscoped, project=kept_project)


def test_an_ordinary_membership_is_not_touched(archstone, trust, provider, domain, team):
    group, project = team()
    way = trust(ANYBODY, groups_of(domain), domain_id=domain, authorization_ttl=HOUR)
    person = provider.user(groups=[])
    _, body = way.enter(person)
    archstone.expect(204, "PUT", f"/v3/groups/{group['id']}/users/{body['user']['id']}", token=archstone.admin_token)
    token, _ = way.enter(person)
    assert way.groups(body["user"]["id"]) == {group["name"]: None}
    way.scoped(token, project=project)


def test_a_membership_ends_by_itself(clocked, provider):
    """A minute after the login it is gone from lists and assignments; the token of that login keeps its groups."""
    node, step = clocked
    domain = node.new_domain()["id"]
    group, project = node.new_group(domain), node.new_project(domain)
    node.grant(None, "member", project=project, group=group)
    way = Trust(node, provider, ANYBODY, groups_of(domain), domain_id=domain, authorization_ttl=1)
    token, body = way.enter(provider.user(groups=[group["name"]]))
    user = body["user"]["id"]
    step(50)
    assert set(way.groups(user)) == {group["name"]} and way.get(f"users/{user}/projects")["projects"]
    step(61)
    assert way.groups(user) == {} and way.get(f"users/{user}/projects")["projects"] == []
    assert way.get(f"role_assignments?user.id={user}&effective")["role_assignments"] == []
    assert_alive(node, way.scoped(token, project=project)[0])


def test_the_end_of_a_membership_is_the_end_of_the_roles(archstone, trust, provider, domain, team):
    """`authorization_ttl` of an identity provider with members is lowered to nothing."""
    group, project = team()
    way = trust(ANYBODY, groups_of(domain), domain_id=domain, authorization_ttl=HOUR)
    _, body = way.enter(provider.user(groups=[group["name"]]))
    user = body["user"]["id"]
    assert len(way.get(f"role_assignments?user.id={user}&effective")["role_assignments"]) > 0
    way.patch(authorization_ttl=0)
    assert way.groups(user) == {}
    assert way.get(f"role_assignments?user.id={user}&effective")["role_assignments"] == []


def test_changes_of_groups_act_on_tokens_that_live(archstone, trust, provider, domain, team):
    deleted, deleted_project = team()
    stripped, stripped_project = team()
    way = trust(ANYBODY, group_by_id(deleted, "a"), group_by_id(stripped, "a"), domain_id=domain)
    token, _ = way.enter(provider.user(groups=["a"]))
    scoped = {p: way.scoped(token, project=p)[0] for p in (deleted_project, stripped_project)}
    for each in scoped.values():
        assert_alive(archstone, each)
    archstone.expect(204, "DELETE", f"/v3/groups/{deleted['id']}", token=archstone.admin_token)
    archstone.grant(None, "member", project=stripped_project, group=stripped, method="DELETE")
    for each in scoped.values():
        assert statuses(archstone, each) == DEAD
    assert_alive(archstone, token)


def test_a_group_by_id_that_is_not_there_is_401(archstone, trust, provider, domain):
    """Keystone answers 500."""
    group = archstone.new_group(domain)
    way = trust(ANYBODY, group_by_id(group, "a"))
    archstone.expect(204, "DELETE", f"/v3/groups/{group['id']}", token=archstone.admin_token)
    assert way.refused(provider.access_token(provider.user(groups=["a"]))) == UNAUTHORIZED
    way.enter(provider.user(groups=["b"]))


def test_ks_tok_7_very_many_groups(archstone, trust, provider, domain, team):
    """As long as it fits into a header of 8 kB the token works; then its making is refused, in words."""
    group, project = team()
    way = trust(ANYBODY, groups_of(domain), domain_id=domain)
    names = [group["name"]] + [archstone.new_group(domain)["name"] for _ in range(299)]
    for many, unknown in ((250, 750), (300, 0)):
        wanted = names[:many] + [unique("unknown") for _ in range(unknown)]
        answer = way.present(provider.mint({"sub": unique("person"), "groups": wanted}))
        if answer.status_code == 400:
            assert many == 300 and "too many groups" in answer.json()["error"]["message"]
            continue
        assert answer.status_code == 201, answer.text
        assert len(answer.json()["token"]["user"]["OS-FEDERATION"]["groups"]) == many
        scoped, _ = way.scoped(answer.headers["X-Subject-Token"], project=project)
        assert len(scoped) <= 8192
        assert_alive(archstone, scoped)


def test_projects_are_made_with_their_roles(archstone, trust, provider, domain):
    """Version 2.0: projects that are not there are made in the identity provider's domain; nothing is ever taken away."""
    name = unique("lab")
    way = trust(ANYBODY, project_of(name, "member"), domain_id=domain, schema_version="2.0")
    person = provider.user()
    token, body = way.enter(person)
    [project] = archstone.expect(200, "GET", "/v3/OS-FEDERATION/projects", token=token)["projects"]
    assert (project["name"], project["domain_id"], project["enabled"]) == (name, domain, True)
    assert {r["name"] for r in way.scoped(token, project=project["id"])[1]["roles"]} == {"member", "reader"}
    assert way.granted(body["user"]["id"]) == {(name, "member")}
    other, elsewhere = unique("lab"), archstone.new_domain()["id"]
    way.map(ANYBODY, project_of(other, "reader", domain={"id": elsewhere}), schema_version="2.0")
    way.enter(person)
    assert way.granted(body["user"]["id"]) == {(name, "member"), (other, "reader")}
    assert [p["name"] for p in way.get(f"projects?domain_id={elsewhere}")["projects"]] == [other]


def test_a_project_that_is_there_is_used(archstone, trust, provider, domain):
    project = way_project = archstone.new_project(domain)
    name = archstone.expect(200, "GET", f"/v3/projects/{project}", token=archstone.admin_token)["project"]["name"]
    way = trust(ANYBODY, project_of(name, "member"), domain_id=domain, schema_version="2.0")
    token, _ = way.enter(provider.user())
    way.scoped(token, project=way_project)


def test_an_unknown_role_is_401_and_makes_nothing(archstone, trust, provider, domain):
    """Keystone answers 404 with the role's name alone."""
    name = unique("lab")
    way = trust(ANYBODY, project_of(name, unique("role")), domain_id=domain, schema_version="2.0")
    person = provider.user()
    assert way.refused(provider.access_token(person)) == UNAUTHORIZED
    assert way.get(f"projects?domain_id={domain}")["projects"] == [] and way.get(f"users?domain_id={domain}")["users"] == []


def test_version_3_makes_grants_exactly_what_is_asserted(archstone, trust, provider, domain):
    """Version 3.0: `projects_json`, and grants on projects that are no longer asserted go."""
    one, two = unique("one"), unique("two")
    rule = {
        "local": [{"user": {"name": "{0}"}, "projects_json": "{1}"}],
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-projects"}],
    }

    def asserted(**projects):
        return json.dumps([{"name": name, "roles": [{"name": r} for r in roles]} for name, roles in projects.items()])

    way = trust(rule, domain_id=domain, schema_version="3.0")
    person = provider.user(projects=asserted(**{one: ["member"], two: ["reader"]}))
    token, body = way.enter(person)
    user = body["user"]["id"]
    assert way.granted(user) == {(one, "member"), (two, "reader")}
    by_name = {p["name"]: p["id"] for p in archstone.expect(200, "GET", "/v3/auth/projects", token=token)["projects"]}
    scoped = {name: way.scoped(token, project=id)[0] for name, id in by_name.items()}
    extra = archstone.new_project(domain)
    archstone.grant({"id": user}, "member", project=extra)
    archstone.grant({"id": user}, "reader", domain=domain)
    provider.user(person, projects=asserted(**{one: ["reader", "manager"]}))
    way.enter(person)
    granted = way.granted(user)
    domain_name = way.get(f"domains/{domain}")["domain"]["name"]
    assert granted == {(one, "reader"), (one, "manager"), (domain_name, "reader")}, "grants on projects only"
    assert statuses(archstone, scoped[two]) == DEAD
    roles = {r["name"] for r in archstone.validate(scoped[one]).json()["token"]["roles"]}
    assert roles == {"reader", "member", "manager"}, "manager implies member"


@pytest.mark.parametrize(
    "text",
    ["", "no json", "{}", "[1]", '[{"name": "x"}]', '[{"roles": []}]', "[" * 2000, '[{"name": "x", "roles": [{"name": 7}]}]'],
)
def test_projects_that_cannot_be_read_are_401(trust, provider, text):
    rule = {
        "local": [{"user": {"name": "{0}"}, "projects_json": "{1}"}],
        "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-projects"}],
    }
    way = trust(rule, schema_version="3.0")
    assert way.refused(provider.mint({"sub": "x", "projects": text})) == UNAUTHORIZED
