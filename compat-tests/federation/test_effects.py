"""KS-TOK-1, 4, 5 and KS-FED-2 for tokens of federated users, on one node and on two: what is revoked, disabled or tightened
holds at once on the node that did it, and within a second on the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually, unique
from token_calls import ALIVE, DEAD, assert_alive, statuses
from trust import ANYBODY, FEDERATION, UNAUTHORIZED, Trust, groups_of, project_of

BOUND = 1.0


class Person:
    """Somebody who came through a way in of their own, with an unscoped token and one on a project by a group."""

    def __init__(self, archstone, provider):
        domain = archstone.new_domain()["id"]
        self.archstone, self.provider = archstone, provider
        self.group, self.project = archstone.new_group(domain), archstone.new_project(domain)
        archstone.grant(None, "member", project=self.project, group=self.group)
        self.way = Trust(archstone, provider, ANYBODY, groups_of(domain), domain_id=domain)
        self.id = provider.user(groups=[self.group["name"]])
        self.token, body = self.way.enter(self.id)
        self.user = body["user"]["id"]
        self.scoped, _ = self.way.scoped(self.token, project=self.project)
        self.bearer = provider.access_token(self.id)

    def enters(self, node):
        """The status of another login on this node."""
        return self.way.present(self.bearer, node=node).status_code


def disable_user(who):
    who.archstone.expect(
        200, "PATCH", f"/v3/users/{who.user}", token=who.archstone.admin_token, json={"user": {"enabled": False}}
    )


def disable_idp(who):
    who.way.patch(enabled=False)


def delete_idp(who):
    who.way.delete()


def delete_protocol(who):
    who.way.delete("/protocols/openid")


def disable_domain(who):
    who.archstone.expect(
        200, "PATCH", f"/v3/domains/{who.way.domain_id}", token=who.archstone.admin_token, json={"domain": {"enabled": False}}
    )


# What is done, and the status of a login after it.
CHANGES = [(disable_user, 401), (disable_idp, 403), (delete_idp, 404), (delete_protocol, 404), (disable_domain, 401)]
IDS = [change.__name__ for change, _ in CHANGES]


@pytest.mark.parametrize("change, status", CHANGES, ids=IDS)
def test_ks_tok_4_tokens_end_and_no_login_follows(archstone, provider, change, status):
    who = Person(archstone, provider)
    assert_alive(archstone, who.token)
    assert_alive(archstone, who.scoped)
    change(who)
    assert statuses(archstone, who.token) == DEAD and statuses(archstone, who.scoped) == DEAD
    assert archstone.rescope(who.token, project=who.project).status_code in (401, 404)
    assert who.enters(archstone) == status


@pytest.mark.parametrize("change, status", CHANGES, ids=IDS)
def test_ks_tok_4_on_the_other_node_within_a_second(pair, provider, change, status):
    a, b = pair
    who = Person(a, provider)
    for token in (who.token, who.scoped):
        assert eventually(lambda: statuses(b, token) == ALIVE), "the other node knows the token"
        assert_alive(b, token)
    assert who.enters(b) == 201
    change(who)
    assert eventually(lambda: statuses(b, who.token) == DEAD and statuses(b, who.scoped) == DEAD, BOUND)
    assert who.enters(b) == status


def test_a_disabled_identity_provider_comes_back(archstone, provider):
    who = Person(archstone, provider)
    disable_idp(who)
    who.way.patch(enabled=True)
    assert statuses(archstone, who.token) == DEAD, "what was cut stays cut"
    token, body = fresh(who)
    assert body["user"]["id"] == who.user
    assert_alive(archstone, token)


def fresh(who):
    """A login whose token lives: what is issued in the second of a cut may fall under it."""
    def enter():
        token, body = who.way.enter(who.id)
        return (token, body) if statuses(who.archstone, token) == ALIVE else None

    entered = eventually(enter, 3.0, every=0.3)
    assert entered
    return entered


def test_a_protocol_that_is_deleted_cuts_its_own_tokens_only(archstone, provider):
    who = Person(archstone, provider)
    who.way.connect("second")
    second, _ = who.way.enter(who.id, protocol="second")
    delete_protocol(who)
    assert statuses(archstone, who.token) == DEAD
    assert_alive(archstone, second)


@pytest.mark.parametrize("where", ["same_node", "other_node"])
def test_a_changed_mapping_holds_for_the_next_login(pair, provider, where):
    a, b = pair
    who = Person(a, provider)
    node = a if where == "same_node" else b
    assert who.enters(node) == 201
    who.way.map(
        {
            "local": [{"user": {"name": "{0}"}}],
            "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-groups", "any_one_of": ["others"]}],
        }
    )
    if node is a:
        assert who.enters(node) == 401
    else:
        assert eventually(lambda: who.enters(node) == 401, BOUND)


@pytest.mark.parametrize("where", ["same_node", "other_node"])
def test_a_changed_connection_holds_for_the_next_login(pair, provider, where):
    a, b = pair
    who = Person(a, provider)
    node = a if where == "same_node" else b
    assert who.enters(node) == 201
    path = f"{who.way.path}/protocols/openid/connection"
    a.expect(200, "PATCH", path, token=a.admin_token, json={"connection": {"audiences": ["https://other.example"]}})
    if node is a:
        assert who.enters(node) == 401
    else:
        assert eventually(lambda: who.enters(node) == 401, BOUND)
    a.expect(204, "DELETE", path, token=a.admin_token)
    assert eventually(lambda: who.enters(node) == 401, BOUND)


def test_groups_that_are_no_longer_asserted_go_from_tokens_of_the_other_node(pair, provider):
    """Log in on A with the group, on B without it: A's token loses the roles within a second."""
    a, b = pair
    who = Person(a, provider)
    assert_alive(a, who.scoped)
    provider.user(who.id, groups=[])
    who.way.enter(who.id, node=b)
    assert eventually(lambda: statuses(a, who.scoped) == DEAD, BOUND)
    assert_alive(a, who.token)


def test_a_role_that_is_taken_from_the_group_goes_on_both_nodes(pair, provider):
    a, b = pair
    who = Person(a, provider)
    assert eventually(lambda: statuses(b, who.scoped) == ALIVE)
    b.grant(None, "member", project=who.project, group=who.group, method="DELETE")
    assert statuses(b, who.scoped) == DEAD
    assert eventually(lambda: statuses(a, who.scoped) == DEAD, BOUND)


def test_ks_tok_5_revoking_the_unscoped_token_ends_what_came_of_it(archstone, provider):
    who = Person(archstone, provider)
    again, _ = who.way.scoped(who.scoped, project=who.project)
    other, _ = who.way.enter(who.id)
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": who.token})
    for token in (who.token, who.scoped, again):
        assert statuses(archstone, token) == DEAD
    assert_alive(archstone, other)


def test_ks_tok_5_revoking_a_scoped_token_leaves_the_unscoped_one(archstone, provider):
    who = Person(archstone, provider)
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": who.scoped})
    assert statuses(archstone, who.scoped) == DEAD
    assert_alive(archstone, who.token)


def test_ks_tok_5_on_the_other_node(pair, provider):
    a, b = pair
    who = Person(a, provider)
    assert eventually(lambda: statuses(b, who.scoped) == ALIVE)
    a.expect(204, "DELETE", "/v3/auth/tokens", token=a.admin_token, headers={"X-Subject-Token": who.token})
    assert eventually(lambda: statuses(b, who.scoped) == DEAD, BOUND)


def test_ks_tok_1_rescoping_a_hundred_times_never_lengthens_a_life(archstone, provider):
    who = Person(archstone, provider)
    first = archstone.validate(who.token).json()["token"]
    token, root = who.token, first["audit_ids"][0]
    for turn in range(100):
        token, body = who.way.scoped(token, **({"project": who.project} if turn % 2 else {"unscoped": True}))
        assert body["expires_at"] == first["expires_at"]
        assert body["audit_ids"][-1] == root


def test_two_nodes_make_one_user_of_two_first_logins(pair, provider):
    a, b = pair
    way = Trust(a, provider, ANYBODY, project_of(unique("lab"), "member"), schema_version="2.0")
    person = provider.user()
    bearer = provider.access_token(person)
    assert eventually(lambda: b.request("GET", way.path, token=b.admin_token).status_code == 200)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda node: way.present(bearer, node=node), [a, b]))
    assert [x.status_code for x in answers] == [201, 201], [x.text for x in answers]
    assert len({x.json()["token"]["user"]["id"] for x in answers}) == 1
    assert len(way.get(f"projects?domain_id={way.domain_id}")["projects"]) == 1


def test_ks_map_8_a_mapping_that_changes_under_logins_is_old_or_new(archstone, provider):
    """Each login sees one document whole, user and group of the same version; one that the change overtakes may be refused."""
    domain = archstone.new_domain()["id"]
    groups = [archstone.new_group(domain) for _ in range(2)]

    def version(n):
        return ({"local": [{"user": {"id": "{0}", "name": f"v{n}"}}], "remote": [{"type": "OIDC-sub"}]},
                {"local": [{"group": {"id": groups[n]["id"]}}], "remote": [{"type": "OIDC-sub"}]})

    way = Trust(archstone, provider, *version(0), domain_id=domain)
    bearer = provider.access_token(provider.user())
    seen = set()

    def enter(_):
        answer = way.present(bearer)
        if answer.status_code == 401:
            return None
        user = answer.json()["token"]["user"]
        return user["name"], tuple(g["name"] for g in user["OS-FEDERATION"]["groups"])

    with ThreadPoolExecutor(1) as pool:
        for turn in range(10):
            logins = pool.map(enter, range(5))
            way.map(*version((turn + 1) % 2))
            seen |= set(logins)
    assert seen - {None} == {("v0", (groups[0]["name"],)), ("v1", (groups[1]["name"],))}


def test_revoked_events_name_no_more_than_they_must(archstone, provider):
    """Disabling one identity provider leaves the tokens of another alone."""
    one, two = Person(archstone, provider), Person(archstone, provider)
    disable_idp(one)
    assert statuses(archstone, one.token) == DEAD
    assert_alive(archstone, two.token)
    assert_alive(archstone, two.scoped)
    assert (
        two.way.refused("x") == UNAUTHORIZED
        and archstone.request("GET", f"{FEDERATION}/projects", token=two.token).status_code == 200
    )
