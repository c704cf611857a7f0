"""Pushing again, at once, after changes here and there; taking back; deleting (sso-api.md 4.5, 4.11, 6.4 to 6.6)."""

import concurrent.futures

import pytest

from federate_calls import Platform, federate, ids, pushed, record, records, stands, unfederate
from harness import unique
from peers.zstack import ZStack
from sso_calls import delete, done, get, path_of, preview, problem, send, update


@pytest.fixture
def platform(made, register):
    """One platform."""
    return register(made(ZStack))


def test_pushing_again_changes_nothing(archstone, way, platform):
    first = pushed(archstone, way.config, platform)
    platform.peer.forget_requests()
    assert pushed(archstone, way.config, platform) == first
    assert len(platform.peer.clients) == 1 and "CreateOAuthClient" not in platform.peer.changes()


def test_a_change_updates_the_same_client(archstone, way, platform):
    first = pushed(archstone, way.config, platform)
    name, secret = unique("sso"), unique("secret")
    update(archstone, way.config, displayName=name, oidcConfig={"clientSecret": secret})
    assert pushed(archstone, way.config, platform)["ssoClientUuid"] == first["ssoClientUuid"]
    client = platform.peer.clients[first["ssoClientUuid"]]
    assert client["name"] == name and client["clientSecret"] == secret and len(platform.peer.clients) == 1


def test_the_same_client_for_everybody_who_asks_at_once(archstone, way, platform):
    platform.peer.latency = 0.1
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: federate(archstone, way.config, platform)[0], range(6)))
    assert {a["status"] for a in answers} == {"success"} and len({a["ssoClientUuid"] for a in answers}) == 1
    assert len(platform.peer.clients) == 1 and len(platform.peer.asked("CreateOAuthClient")) == 1


def test_rel_node_2_two_nodes_at_once(pair, provider, made):
    from way import Way
    way, peer = Way(pair[0], provider), made(ZStack)
    platform = Platform(pair[0], peer)
    peer.latency = 0.1
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: federate(pair[n % 2], way.config, platform)[0], range(4)))
    assert {a["status"] for a in answers} == {"success"} and len(peer.clients) == 1


def test_a_client_that_somebody_deleted_there_is_made_again(archstone, way, platform):
    pushed(archstone, way.config, platform)
    platform.peer.lose_clients()
    item = pushed(archstone, way.config, platform)
    assert list(platform.peer.clients) == [item["ssoClientUuid"]]


def test_a_client_of_the_same_id_is_adopted_and_another_ones_left_alone(archstone, way, platform):
    foreign = platform.peer.foreign_client()
    item = pushed(archstone, way.config, platform)
    assert set(platform.peer.clients) == {foreign, item["ssoClientUuid"]}
    theirs = dict(platform.peer.clients[foreign])
    unfederate(archstone, way.config, platform)
    assert platform.peer.clients == {foreign: theirs}
    platform.peer.foreign_client("made by hand", item["ssoClientUuid"])
    again = pushed(archstone, way.config, platform)
    assert again["ssoClientUuid"] == item["ssoClientUuid"] and platform.peer.clients[again["ssoClientUuid"]]["clientId"] == way.client


def test_two_configurations_on_one_platform_are_two_clients(archstone, way, platform):
    from sso_bodies import saml
    from sso_calls import create
    other = create(archstone, saml())
    both = pushed(archstone, way.config, platform), pushed(archstone, other, platform)
    assert len({i["ssoClientUuid"] for i in both}) == len(platform.peer.clients) == 2
    assert {r["federation"]["ssoConfigUuid"] for r in records(archstone, platform=platform)} == {way.config["uuid"], other["uuid"]}


def test_drift_nothing_but_a_relevant_change_is_one(archstone, way, platform):
    pushed(archstone, way.config, platform)
    update(archstone, way.config)
    assert record(archstone, way.config, platform)["status"] == "federated"
    update(archstone, way.config, oidcConfig={"clientSecret": unique("another")})
    stands(archstone, way.config, platform, "drifted")


# -- taking back ---------------------------------------------------------------------------------------------------------


def test_taking_back_removes_the_client_and_the_record(archstone, way, platform):
    item = pushed(archstone, way.config, platform)
    back = unfederate(archstone, way.config, platform)[0]
    assert back["status"] == "success" and "scimUserProvisioningError" not in back
    assert item["ssoClientUuid"] not in platform.peer.clients
    assert [r["status"] for r in records(archstone, platform=platform)] == ["not_federated"]
    again = unfederate(archstone, way.config, platform)[0]
    assert again["status"] in ("success", "failed")
    assert pushed(archstone, way.config, platform)["ssoClientUuid"] == item["ssoClientUuid"]


def test_what_is_gone_there_is_taken_back(archstone, way, platform):
    pushed(archstone, way.config, platform)
    platform.peer.lose_clients()
    assert unfederate(archstone, way.config, platform)[0]["status"] == "success"


def test_a_platform_that_is_down_keeps_its_record(archstone, way, platform):
    pushed(archstone, way.config, platform)
    platform.peer.stop()
    assert unfederate(archstone, way.config, platform)[0]["status"] == "failed"
    assert record(archstone, way.config, platform)["status"] not in ("not_federated", "federated")
    platform.peer.start()
    platform.connected()
    assert unfederate(archstone, way.config, platform)[0]["status"] == "success" and platform.peer.clients == {}


def test_the_same_inputs_and_the_same_refusals(archstone, way, platform):
    pushed(archstone, way.config, platform)
    path = path_of(way.config, "unfederate")
    for asked in ([], 7, [7], None):
        problem(send(archstone, "POST", path, {"platformUuids": asked}), 400)
    problem(send(archstone, "POST", path, {"platformUuids": ids(platform), "deprovision": "burn"}), 400, "deprovision")
    strange = unique("nobody")
    items = federate(archstone, way.config, body={"platformUuids": f"{strange},{platform.uuid}"}, verb="unfederate")
    assert [i["status"] for i in items] == ["failed", "success"] and items[0]["error"] == "platform not found"


# -- deleting ------------------------------------------------------------------------------------------------------------


def test_deleting_what_is_federated_is_refused_and_the_preview_says_why(archstone, way, platform):
    pushed(archstone, way.config, platform)
    told = preview(archstone, way.config)
    assert platform.uuid in str(told["blockers"]) and platform.name in str(told["blockers"])
    problem(delete(archstone, way.config), 409)
    told = preview(archstone, way.config, propagationPolicy="Foreground")
    assert f"unfederate:{platform.uuid}" in [f["name"] for f in told["finalizers"]]
    assert get(archstone, way.config)["uuid"] == way.config["uuid"] and len(platform.peer.clients) == 1


def test_foreground_takes_back_first(archstone, way, platform):
    pushed(archstone, way.config, platform)
    answer = delete(archstone, way.config, propagationPolicy="Foreground")
    assert (answer.status_code, answer.json()) == (200, {}) and platform.peer.clients == {}
    problem(send(archstone, "GET", path_of(way.config)), 404)


def test_foreground_keeps_the_configuration_when_a_platform_does_not_answer(archstone, way, platform):
    pushed(archstone, way.config, platform)
    platform.peer.stop()
    answer = delete(archstone, way.config, propagationPolicy="Foreground")
    assert answer.status_code in (409, 502) and get(archstone, way.config)["uuid"] == way.config["uuid"]
    platform.peer.start()
    platform.connected()
    assert delete(archstone, way.config, propagationPolicy="Foreground").status_code == 200 and platform.peer.clients == {}


def test_orphan_leaves_the_client_there(archstone, way, platform):
    item = pushed(archstone, way.config, platform)
    told = preview(archstone, way.config, propagationPolicy="Orphan")
    assert item["ssoClientUuid"] in str(told["orphanResources"]) or platform.uuid in str(told["orphanResources"])
    assert delete(archstone, way.config, propagationPolicy="Orphan").status_code == 200
    assert item["ssoClientUuid"] in platform.peer.clients


def test_a_disabled_configuration_stays_where_it_is_and_goes_nowhere_new(archstone, way, platform):
    pushed(archstone, way.config, platform)
    update(archstone, way.config, enabled=False)
    problem(send(archstone, "POST", path_of(way.config, "federate"), {"platformUuids": [platform.uuid]}), 409)
    assert len(platform.peer.clients) == 1
    assert done(archstone, "POST", path_of(way.config, "unfederate"), {"platformUuids": [platform.uuid]}, timeout=40)
    assert platform.peer.clients == {}
