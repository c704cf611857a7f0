"""Platforms that fail while a configuration is pushed (sso-api.md 4.8, 6.4, 6.8, 7; rulings 7, 14; security.md SSRF-14, SSRF-18).

One that is dead, slow or hostile is an item, and neither the others nor the call wait for it.
"""

import threading
import time

import pytest

from federate_calls import CALL, NOT_FINISHED, Platform, federate, pushed, record, stands
from harness import eventually
from peers.broken import Sockets
from peers.zstack import CANARY, ZStack

# A push to a peer on this machine, jobs included.
QUICK = 8.0


@pytest.fixture
def archstone(sqlite_archstone):
    """The database makes no difference to what is tested here."""
    return sqlite_archstone


@pytest.fixture
def good(made, register):
    """A platform that works."""
    return register(made(ZStack))


@pytest.fixture
def bad(made, register):
    """One that works until it is told otherwise."""
    return register(made(ZStack))


@pytest.fixture
def sockets():
    """Ports where nothing answers as it should."""
    it = Sockets()
    yield it
    it.remove()


def timed(act):
    """What it answers, and the seconds that took."""
    began = time.monotonic()
    return act(), time.monotonic() - began


def test_one_dead_platform_is_an_item(archstone, way, good, bad):
    bad.peer.stop()
    items, took = timed(lambda: federate(archstone, way.config, bad, good))
    assert [i["status"] for i in items] == ["failed", "success"] and items[0]["error"] and took < QUICK
    assert "ssoClientUuid" not in items[0] and record(archstone, way.config, bad)["status"] == "failed"
    bad.peer.start()
    bad.connected()
    assert pushed(archstone, way.config, bad)["ssoClientUuid"] in bad.peer.clients


@pytest.mark.parametrize("operation", ["CreateOAuthClient", "Job", "GetSSOClient"])
def test_one_that_never_answers_holds_nobody_up(archstone, way, good, bad, operation):
    bad.peer.on(operation, "hang")
    items, took = timed(lambda: federate(archstone, way.config, bad, good))
    assert items[1]["status"] == "success" and items[0]["status"] == "failed" and took < CALL + 1.5
    # Whether one request ran out of time first or the whole call is left open.
    row = record(archstone, way.config, bad)
    assert (row["status"] == "pending") == (items[0]["error"] == NOT_FINISHED), (row, items[0])


def test_what_has_not_finished_goes_on_in_the_background(archstone, way, good, bad):
    bad.peer.job_seconds = CALL + 3
    items, took = timed(lambda: federate(archstone, way.config, bad, good))
    assert items[0]["error"] == NOT_FINISHED and items[1]["status"] == "success" and took < CALL + 1.5
    assert record(archstone, way.config, bad)["status"] == "pending"
    stands(archstone, way.config, bad, "federated", within=60.0)
    assert len(bad.peer.clients) == 1


def test_many_slow_ones_run_beside_each_other(archstone, way, made):
    platforms = [Platform(archstone, made(ZStack)) for _ in range(8)]
    for platform in platforms:
        platform.peer.latency = 0.4
    one, alone = timed(lambda: pushed(archstone, way.config, platforms[0]))
    rest, together = timed(lambda: pushed(archstone, way.config, *platforms[1:]))
    assert together < 3 * alone + 2, f"one takes {alone:.1f} s, seven together {together:.1f} s"


@pytest.mark.parametrize("fault", [
    {"fault": "error", "code": "SYS.1006", "cause": "SYS.1000"}, {"fault": "error", "code": "ID.1002"}, {"fault": "page"},
    *({"fault": "plain", "status": status} for status in (400, 403, 404, 500)),
], ids=str)  # fmt: skip
def test_ssrf_18_what_it_says_is_told_in_our_words(archstone, way, bad, fault):
    bad.peer.on("CreateOAuthClient", **fault)
    item = federate(archstone, way.config, bad)[0]
    assert item["status"] == "failed" and item["error"].strip() and CANARY not in item["error"]
    assert CANARY not in str(record(archstone, way.config, bad)) and CANARY not in archstone.log()
    # 503 is a failed operation, nothing to be tried again blindly.
    assert len(bad.peer.asked("CreateOAuthClient")) <= 3
    bad.peer.behave()
    assert pushed(archstone, way.config, bad)


def test_jobs_are_never_followed_to_another_host(archstone, way, bad):
    pushed(archstone, way.config, bad)
    assert bad.peer.asked("Job") and bad.peer.strayed == []


@pytest.mark.parametrize("fault", ["drop", "lost"])
def test_a_client_that_was_made_unseen_is_found_again(archstone, way, bad, fault):
    bad.peer.on("CreateOAuthClient", fault, times=1)
    federate(archstone, way.config, bad)
    item = pushed(archstone, way.config, bad)
    assert list(bad.peer.clients) == [item["ssoClientUuid"]]
    jobs = [r.headers["x-job-uuid"] for r in bad.peer.requests if "x-job-uuid" in r.headers]
    assert len(jobs) == len(set(jobs)), "every attempt has a job of its own"


def test_a_kill_between_there_and_here_leaves_one_client(launch, settings, provider, made):
    from way import Way
    node = launch("sqlite", settings)
    way, peer = Way(node, provider), made(ZStack)
    platform = Platform(node, peer)
    peer.job_seconds = 3.0
    call = threading.Thread(target=lambda: _quietly(lambda: federate(node, way.config, platform)))
    call.start()
    assert eventually(lambda: peer.clients, 10.0)
    node.kill()
    call.join(30)
    peer.job_seconds = 0.0
    node.start()
    item = pushed(node, way.config, platform)
    assert list(peer.clients) == [item["ssoClientUuid"]]
    stands(node, way.config, platform, "federated")


def _quietly(act):
    try:
        act()
    except Exception:  # noqa: BLE001 (the node is killed under it)
        pass


def test_sessions_that_end_meanwhile_are_opened_once_more(archstone, way, made, register):
    peer = made(ZStack)
    peer.on("CreateAccessKey", "plain", status=404, text="no api mapping to /v1/accesskeys")
    platform = register(peer, username="admin", password="admin password", accessKeyId=None, accessKeySecret=None)
    peer.on("CreateOAuthClient", "error", times=1, code="ID.1001", details="the session has expired")
    pushed(archstone, way.config, platform)
    assert peer.opened == peer.closed


def test_a_clock_that_goes_wrong_is_told(archstone, way, bad):
    bad.peer.skew = 3600
    item = federate(archstone, way.config, bad)[0]
    assert item["status"] == "failed" and ("clock" in item["error"].lower() or "time" in item["error"].lower())
    bad.peer.skew = 0
    pushed(archstone, way.config, bad)


def test_too_many_requests_are_waited_out_as_long_as_the_platform_says(archstone, way, bad):
    bad.peer.on("CreateOAuthClient", "plain", times=1, status=429, retry_after=2)
    item, took = timed(lambda: federate(archstone, way.config, bad)[0])
    assert item["status"] == "success" and took >= 2 or item["status"] == "failed" and item["error"]


def test_ports_that_say_nothing_and_floods_are_items(archstone, way, good, sockets):
    silent = Platform(archstone, f"http://127.0.0.1:{sockets.silent()}", connect=False)
    items, took = timed(lambda: federate(archstone, way.config, silent, good))
    assert [i["status"] for i in items] == ["failed", "success"] and took < CALL + 1.5


def test_the_identity_provider_that_is_down_is_told_of_once_and_nothing_is_pushed(one, made, own_provider):
    from way import Way
    way, platform = Way(one, own_provider), Platform(one, made(ZStack))
    own_provider.stop()
    item = federate(one, way.config, platform)[0]
    assert item["status"] == "failed" and item["error"] and platform.peer.clients == {}
