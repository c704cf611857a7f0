"""Users and groups at platforms, by SCIM 2.0 (sso-api.md 8; security.md SCIM-1 to SCIM-8).

Each step is asked of two real servers that differ wherever servers may, and of one that misbehaves as told. Who is provisioned are
the people who came in through the configuration, and the groups that it maps.
"""

import json
import threading
import time

import pytest

from federate_calls import CALL, Platform, federate, pushed, record, stands
from harness import eventually, unique
from peers.hostile_scim import CANARY, HostileScim
from peers.scim import Scim2Server
from peers.zstack import ZStack
from way import Way

STAFF = [{"idpGroup": "staff", "zcfRole": "member"}]
SYNCED = {"userProvisioning": "auto", "groupProvisioning": "sync", "groupMappings": STAFF}


@pytest.fixture
def archstone(sqlite_archstone):
    """The database makes no difference to what is tested here."""
    return sqlite_archstone


@pytest.fixture
def people(archstone, provider):
    """A configuration that provisions, and a way to have somebody come in: (way, `enter(**claims)` → the user here)."""
    way = Way(archstone, provider, **SYNCED)
    way.persons = {}

    def enter(**claims):
        person = way.person(**({"groups": ["staff"]} | claims))
        user = way.user(way.enter(person)[1]["user"]["id"])
        way.persons[user["id"]] = person
        return user

    return way, enter


def again(way, person, **claims):
    """Somebody comes in once more, with other claims."""
    way.provider.user(person, **claims)
    return way.enter(person)


def fine(item):
    """An item of which nothing went wrong."""
    assert item["status"] == "success" and "scimUserProvisioningError" not in item and "scimGroupProvisioningError" not in item, item
    return item


def test_people_and_groups_arrive_and_stay_the_same(archstone, people, scim, register):
    way, enter = people
    users = [enter() for _ in range(3)]
    enter(groups=[])
    platform = register(scim)
    fine(pushed(archstone, way.config, platform))
    there = {u["userName"]: u for u in scim.users()}
    for user in users:
        one = there[user["name"]]
        assert one["active"] is True and one["externalId"] and one["emails"][0]["value"] == user["email"]
        assert "password" not in one and not one.get("roles") and not one.get("entitlements")
    assert len(there) == 4
    groups = {g["displayName"]: g for g in scim.groups()}
    assert len(groups) == 1
    assert scim.members(next(iter(groups.values()))["id"]) == {there[u["name"]]["id"] for u in users}
    before = scim.users(), scim.groups()
    fine(pushed(archstone, way.config, platform))
    assert (scim.users(), scim.groups()) == before, "nothing was written again"


def test_what_changed_is_changed_and_nothing_else(archstone, people, scim, register):
    way, enter = people
    users = [enter() for _ in range(3)]
    platform = register(scim)
    fine(pushed(archstone, way.config, platform))
    ann = scim.user_named(users[0]["name"])
    # What somebody else keeps there stays.
    kept = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "add", "path": "title", "value": "Director"}]}
    assert scim.request("PATCH", f"/Users/{ann['id']}", kept).ok
    again(way, way.persons[users[0]["id"]], preferred_username=users[0]["name"], email="new@example.com", name="Ann Changed", groups=[])
    fine(pushed(archstone, way.config, platform))
    now = scim.user(ann["id"])
    assert now["emails"][0]["value"] == "new@example.com" and now["title"] == "Director"
    others = {scim.user_named(u["name"])["id"] for u in users[1:]}
    assert scim.members(scim.groups()[0]["id"]) == others


def test_scim_5_who_is_disabled_is_deactivated_and_comes_back_as_the_same(archstone, people, scim, register):
    way, enter = people
    users = [enter() for _ in range(6)]
    platform = register(scim)
    fine(pushed(archstone, way.config, platform))
    ann = scim.user_named(users[0]["name"])
    path = f"/v3/users/{users[0]['id']}"
    archstone.expect(200, "PATCH", path, token=archstone.admin_token, json={"user": {"enabled": False}})
    # By the worker, or at the latest by the next push.
    if not eventually(lambda: scim.user(ann["id"])["active"] is False, 10.0, 0.25):
        fine(pushed(archstone, way.config, platform))
    assert scim.user(ann["id"])["active"] is False and len(scim.users()) == 6
    archstone.expect(200, "PATCH", path, token=archstone.admin_token, json={"user": {"enabled": True}})
    fine(pushed(archstone, way.config, platform))
    assert scim.user(ann["id"])["active"] is True and len(scim.users()) == 6


def test_scim_5_a_run_that_would_deactivate_most_of_all_stops(archstone, people, hostile, register):
    way, enter = people
    users = [enter() for _ in range(5)]
    platform = register(hostile)
    fine(pushed(archstone, way.config, platform))
    for user in users[:4]:
        archstone.expect(200, "PATCH", f"/v3/users/{user['id']}", token=archstone.admin_token, json={"user": {"enabled": False}})
    item = federate(archstone, way.config, platform)[0]
    assert item["scimUserProvisioningError"].startswith(f"sync SCIM users to platform {platform.uuid}: ")
    assert all(u["active"] for u in hostile.users())


def test_scim_3_others_there_are_adopted_only_by_rule(archstone, people, scim, register):
    way, enter = people
    free, theirs, same_mail = enter(), enter(), enter()
    scim.seed_user(free["name"])
    scim.seed_user(theirs["name"].upper(), externalId="somebody-else", displayName="Theirs")
    scim.seed_user(emails=[{"value": same_mail["email"], "primary": True}])
    platform = register(scim)
    item = pushed(archstone, way.config, platform)
    error = item["scimUserProvisioningError"]
    assert error.startswith(f"sync SCIM users to platform {platform.uuid}: ") and "1" in error
    assert scim.user_named(free["name"])["externalId"] and len([u for u in scim.users() if u["userName"] == free["name"]]) == 1
    untouched = scim.user_named(theirs["name"])
    assert (untouched["externalId"], untouched["displayName"]) == ("somebody-else", "Theirs")
    assert scim.user_named(same_mail["name"])["externalId"] and len(scim.users()) == 4
    assert record(archstone, way.config, platform)["status"] == "partial"


def test_an_ambiguous_external_id_is_reported_and_not_guessed(archstone, people, scim, register):
    way, enter = people
    user = enter()
    platform = register(scim)
    fine(pushed(archstone, way.config, platform))
    mine = scim.user_named(user["name"])
    twins = [scim.seed_user(externalId=mine["externalId"]) for _ in range(2)]
    scim.delete_user(mine["id"])
    item = pushed(archstone, way.config, platform)
    assert "scimUserProvisioningError" in item
    assert [scim.user(t["id"])["userName"] for t in twins] == [t["userName"] for t in twins] and len(scim.users()) == 2


def test_who_is_forgotten_there_is_made_again_and_a_member_again(archstone, people, scim, register):
    way, enter = people
    users = [enter() for _ in range(2)]
    platform = register(scim)
    fine(pushed(archstone, way.config, platform))
    scim.delete_user(scim.user_named(users[0]["name"])["id"])
    pushed(archstone, way.config, platform)
    fine(pushed(archstone, way.config, platform))
    ids = {u["id"] for u in scim.users()}
    assert len(ids) == 2 and scim.members(scim.groups()[0]["id"]) == ids


def test_groups_of_others_are_left_alone(archstone, people, scim, register):
    way, enter = people
    enter()
    stranger = scim.seed_user()
    foreign = scim.seed_group("staff", [stranger["id"]], externalId="somebody-else")
    pushed(archstone, way.config, register(scim))
    assert scim.members(foreign["id"]) == {stranger["id"]} and scim.user(stranger["id"])["active"] is True


@pytest.mark.parametrize("without", [("patch",), ("etag",), ("filter",), ("patch", "etag", "filter")], ids=lambda w: "+".join(w))
@pytest.mark.parametrize("make", [Scim2Server, HostileScim])
def test_what_is_not_announced_is_not_used(archstone, people, make, made, register, without):
    way, enter = people
    users = [enter() for _ in range(3)]
    it = made(make, without=without)
    platform = register(it)
    fine(pushed(archstone, way.config, platform))
    again(way, way.persons[users[0]["id"]], preferred_username=users[0]["name"], email="other@example.com", groups=[])
    fine(pushed(archstone, way.config, platform))
    assert it.user_named(users[0]["name"])["emails"][0]["value"] == "other@example.com"
    assert len(it.users()) == 3 and len(it.members(it.groups()[0]["id"])) == 2
    if make is HostileScim:
        methods = {m for m, _ in it.asked}
        assert ("PATCH" in methods) == ("patch" not in without)


# -- what goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault, arguments", [
    ("status", {"code": 401}), ("status", {"code": 403}), ("status", {"code": 500}), ("status", {"code": 503, "body": CANARY}), ("html", {}),
    ("html error", {}), ("huge", {}), ("redirect", {}), ("refuse", {}),
], ids=lambda v: v if isinstance(v, str) else str(v.get("code", "")))  # fmt: skip
def test_scim_1_a_server_that_fails_is_told_in_the_documented_words(archstone, people, made, register, hostile, fault, arguments):
    way, enter = people
    enter()
    zstack = made(ZStack)
    platform = register(zstack, scim=hostile)
    hostile.on(None, "/", fault, **arguments)
    began = time.monotonic()
    item = federate(archstone, way.config, platform)[0]
    assert time.monotonic() - began < CALL + 1.5
    assert item["status"] == "success" and item["ssoClientUuid"] in zstack.clients and "error" not in item
    assert item["scimUserProvisioningError"].startswith(f"sync SCIM users to platform {platform.uuid}: ")
    assert CANARY not in json.dumps(item) and hostile.token not in json.dumps(item) + archstone.log()
    assert record(archstone, way.config, platform)["status"] == "partial"
    # SCIM-7: the bearer goes nowhere else.
    assert hostile.stolen == []
    reads, writes = hostile.counted()
    assert reads + writes < 40, "retries are bounded"
    hostile.behave()
    fine(pushed(archstone, way.config, platform))
    assert stands(archstone, way.config, platform, "federated") and len(hostile.users()) == 1


def test_scim_1_groups_are_told_of_in_words_of_their_own(archstone, people, hostile, register):
    way, enter = people
    enter()
    platform = register(hostile)
    hostile.on(None, "/Groups", "status", code=403)
    item = federate(archstone, way.config, platform)[0]
    assert item["scimGroupProvisioningError"].startswith(f"sync SCIM groups to platform {platform.uuid}: ")
    assert "scimUserProvisioningError" not in item


@pytest.mark.parametrize("after", [2, "date"])
def test_scim_1_too_many_requests_are_waited_out(archstone, people, hostile, register, after):
    way, enter = people
    enter()
    wait = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3)) if after == "date" else after
    hostile.on("POST", "/Users", "status", times=1, code=429, retry_after=wait)
    began = time.monotonic()
    fine(pushed(archstone, way.config, register(hostile)))
    assert time.monotonic() - began >= 1.9 and len(hostile.users()) == 1


def test_scim_1_one_that_hangs_does_not_hold_the_push_up(archstone, people, made, hostile, register):
    way, enter = people
    enter()
    zstack = made(ZStack)
    good, bad = register(made(ZStack)), register(zstack, scim=hostile)
    hostile.on(None, "/", "hang")
    began = time.monotonic()
    items = federate(archstone, way.config, bad, good)
    assert time.monotonic() - began < CALL + 1.5 and [i["status"] for i in items] == ["success", "success"]
    assert items[0]["scimUserProvisioningError"] and items[0]["ssoClientUuid"] in zstack.clients


def test_scim_2_a_post_without_an_answer_makes_nobody_twice(archstone, people, hostile, register):
    way, enter = people
    users = [enter() for _ in range(4)]
    hostile.on("POST", "/Users", "drop", times=2)
    hostile.on("POST", "/Groups", "drop", times=1)
    platform = register(hostile)
    pushed(archstone, way.config, platform)
    fine(pushed(archstone, way.config, platform))
    names = [u["userName"] for u in hostile.users()]
    assert sorted(names) == sorted(u["name"] for u in users) and len(hostile.groups()) == 1


def test_scim_2_a_kill_in_between_makes_nobody_twice_and_loses_nobody(launch, settings, provider, made):
    node = launch("sqlite", settings)
    way, it = Way(node, provider, **SYNCED), made(HostileScim)
    users = [way.user(way.enter(way.person(groups=["staff"]))[1]["user"]["id"]) for _ in range(30)]
    platform = Platform(node, it)
    it.latency = 0.2
    call = threading.Thread(target=lambda: _quietly(lambda: federate(node, way.config, platform)))
    call.start()
    assert eventually(lambda: len(it.users()) >= 5, 15.0)
    node.kill()
    call.join(40)
    it.latency = 0.0
    node.start()
    assert eventually(lambda: len(it.users()) == 30, 30.0, 0.5) or pushed(node, way.config, platform)
    fine(pushed(node, way.config, platform))
    assert sorted(u["userName"] for u in it.users()) == sorted(u["name"] for u in users)
    assert len(it.groups()) == 1 and len(it.members(it.groups()[0]["id"])) == 30


def _quietly(act):
    try:
        act()
    except Exception:  # noqa: BLE001 (the node is killed under it)
        pass


def test_scim_3_a_name_that_is_taken_after_all(archstone, people, hostile, register):
    way, enter = people
    enter()
    hostile.on("POST", "/Users", "uniqueness", times=1)
    item = pushed(archstone, way.config, register(hostile))
    assert item["status"] == "success"
    hostile.uniqueness_status = 400
    fine(pushed(archstone, way.config, register(hostile)))


def test_a_stale_entity_tag_is_read_again(archstone, people, hostile, register):
    way, enter = people
    user = enter()
    platform = register(hostile)
    fine(pushed(archstone, way.config, platform))
    again(way, way.persons[user["id"]], preferred_username=user["name"], email="after@example.com", groups=["staff"])
    hostile.on("PATCH", "/Users", "stale", times=1)
    fine(pushed(archstone, way.config, platform))
    assert hostile.user_named(user["name"])["emails"][0]["value"] == "after@example.com"


def test_members_that_get_lost_there_are_told_or_put_back(archstone, people, hostile, register):
    way, enter = people
    [enter() for _ in range(4)]
    hostile.loses_every = 2
    platform = register(hostile)
    pushed(archstone, way.config, platform)
    hostile.loses_every = 0
    fine(pushed(archstone, way.config, platform))
    assert len(hostile.members(hostile.groups()[0]["id"])) == 4


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", '" or userName pr or userName eq "', "sláinte ☘", "per%cent&amp", "(paren)"])
def test_scim_6_names_cannot_change_what_is_asked(archstone, people, scim, register, name):
    way, enter = people
    name = f"{name} {unique()}"
    other = scim.seed_user()
    user = enter(preferred_username=name)
    fine(pushed(archstone, way.config, register(scim)))
    assert {u["userName"] for u in scim.users()} == {user["name"], other["userName"]}
    assert scim.user(other["id"]) == other


def test_scim_8_nothing_goes_there_but_what_is_on_the_list(archstone, people, hostile, register):
    way, enter = people
    canary = unique("canary")
    enter(level=canary, projects=[canary], acr=canary)
    fine(pushed(archstone, way.config, register(hostile)))
    assert canary.encode() not in b"".join(hostile.bodies) and b"password" not in b"".join(hostile.bodies)


def test_no_target_is_no_error(archstone, people, hostile):
    """Without a SCIM endpoint the step is left out, without a word."""
    way, enter = people
    enter()
    zstack = ZStack()
    try:
        fine(pushed(archstone, way.config, Platform(archstone, zstack)))
        assert hostile.counted() == (0, 0)
    finally:
        zstack.remove()


def test_a_location_under_another_prefix_is_not_believed(archstone, people, made, register):
    way, enter = people
    for location in ("relative", "other prefix", None):
        it = made(HostileScim)
        it.location, it.patch_status = location, 200
        enter()
        platform = register(it)
        fine(pushed(archstone, way.config, platform))
        before = it.users()
        fine(pushed(archstone, way.config, platform))
        assert it.users() == before


@pytest.mark.parametrize("deprovision", ["none", "deactivate", "delete"])
def test_taking_back_does_with_people_what_is_asked(archstone, people, scim, register, deprovision):
    way, enter = people
    [enter() for _ in range(2)]
    stranger = scim.seed_user()
    platform = register(scim)
    fine(pushed(archstone, way.config, platform))
    body = {"platformUuids": [platform.uuid], "deprovision": deprovision}
    item = federate(archstone, way.config, body=body, verb="unfederate")[0]
    assert item["status"] == "success" and "scimUserProvisioningError" not in item
    there = [u for u in scim.users() if u["id"] != stranger["id"]]
    expected = {"none": [True, True], "deactivate": [False, False], "delete": []}[deprovision]
    assert [u["active"] for u in there] == expected and scim.user(stranger["id"])["active"] is True


def test_only_changes_are_sent_in_the_second_run(archstone, people, hostile, register):
    way, enter = people
    [enter() for _ in range(5)]
    platform = register(hostile)
    fine(pushed(archstone, way.config, platform))
    hostile.counted()
    fine(pushed(archstone, way.config, platform))
    assert hostile.counted()[1] == 0
    enter()
    fine(pushed(archstone, way.config, platform))
    assert hostile.counted()[1] <= 2 and len(hostile.users()) == 6


def test_scim_4_members_go_in_pieces(archstone, people, hostile, register):
    way, enter = people
    users = [enter() for _ in range(120)]
    fine(pushed(archstone, way.config, register(hostile)))
    assert len(hostile.members(hostile.groups()[0]["id"])) == len(users)
    sizes = []
    for body in map(json.loads, hostile.bodies):
        sizes.append(len(body.get("members") or []))
        sizes += [len(o["value"]) for o in body.get("Operations", []) if o.get("path") == "members" and isinstance(o.get("value"), list)]
    assert max(sizes) <= 100 and sum(sizes) >= 120


def test_at_most_four_requests_at_once(archstone, people, hostile, register):
    way, enter = people
    [enter() for _ in range(8)]
    hostile.latency = 0.1
    fine(pushed(archstone, way.config, register(hostile)))
    assert 1 < hostile.most <= 4
