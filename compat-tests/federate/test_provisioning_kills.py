"""Pushes of a thousand users that are killed, and platforms that fail beside one that does not (security.md SCIM-1, SCIM-2).

The points at which the node is killed are random; `ARCHSTONE_KILL_SEED` has them again. A killed node's work is free for others
after half a minute: the clock is moved instead of waiting.
"""

import os
import random
import threading
import time

import pytest

from federate_calls import CALL, Platform, federate, pushed, record
from harness import eventually, faketime, set_clock
from peers.hostile_scim import HostileScim
from people import Crowd, ended, run_of
from way import Way

SEED = int(os.environ.get("ARCHSTONE_KILL_SEED") or random.SystemRandom().randrange(1_000_000))
SYNCED = {"userProvisioning": "auto", "groupProvisioning": "sync"}
USERS, GROUPS, PLATFORMS = 1_000, 40, 3
# Kills while users arrive, and while groups do.
AMONG_USERS, AMONG_GROUPS = 4, 2
LATENCY = 0.012
# Seconds after which nobody else holds what a killed node was at, and then some.
LEASE = 35


@pytest.mark.parametrize("database, impatient", [("sqlite", False), ("postgres", False), ("sqlite", True)],
                         ids=["sqlite", "postgres", "sqlite-impatient"])  # fmt: skip
def test_scim_2_kills_at_random_points_make_nobody_twice_and_lose_nobody(launch, settings, provider, made, tmp_path, database, impatient):
    """The run goes on where it was; or, with somebody impatient, who asks once more now and then, another takes its place."""
    chance = random.Random(f"{SEED} {database} {impatient}")
    print(f"ARCHSTONE_KILL_SEED={SEED}")
    clock, moved = faketime(tmp_path)
    node = launch(database, settings | moved | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"})
    way = Way(node, provider, **SYNCED)
    crowd = Crowd(way, USERS, GROUPS, 2)
    servers = [made(HostileScim, fast=True) for _ in range(PLATFORMS)]
    platforms = [Platform(node, server) for server in servers]
    for server in servers:
        server.latency = LATENCY
    there = {kind: lambda kind=kind: sum(len(server.kinds[kind]) for server in servers) for kind in ("Users", "Groups")}
    points = [("Users", n) for n in sorted(chance.sample(range(150, PLATFORMS * USERS - 200), AMONG_USERS))]
    points += [("Groups", n) for n in sorted(chance.sample(range(1, PLATFORMS * GROUPS - 10), AMONG_GROUPS))]
    call = _asks(node, way, platforms)
    for turn, (kind, n) in enumerate(points, 1):
        assert eventually(lambda: there[kind]() >= n, 30.0, 0.002), f"{kind} stay {there[kind]()}, {n} wanted"
        node.kill()
        call.join(CALL + 10)
        print(f"kill {turn} at {there['Users']()} users, {there['Groups']()} groups")
        set_clock(clock, f"+{turn * LEASE}")
        node.start()
        if turn == 1:
            begun = [run_of(node, way.config, platform)["uuid"] for platform in platforms]
        if impatient and chance.random() < 0.5:
            call = _asks(node, way, platforms)
    call.join(CALL + 10)
    for platform, server, first in zip(platforms, servers, begun):
        run = ended(node, way.config, platform)
        assert impatient or run["uuid"] == first
        assert run["status"] == "succeeded" and record(node, way.config, platform)["status"] == "federated", run
        crowd.arrived(server)
        server.latency = 0.0
        server.counted()
    # Nothing is left to do, as far as is written down here.
    pushed(node, way.config, *platforms)
    for platform, server in zip(platforms, servers):
        ended(node, way.config, platform)
        assert server.counted()[1] == 0
        crowd.arrived(server)


def _asks(node, way, platforms):
    """Asks for a push, by somebody who does not mind that the node is killed under it."""
    def act():
        try:
            federate(node, way.config, *platforms)
        except Exception:  # noqa: BLE001 (see above)
            pass

    call = threading.Thread(target=act)
    call.start()
    return call


def test_scim_1_a_dead_a_slow_and_hostile_platforms_delay_nobody(launch, settings, provider, made):
    node = launch("sqlite", settings | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"})
    way = Way(node, provider, **SYNCED)
    crowd = Crowd(way, 100, 5, 2)
    good, dead, slow, huge, busy = (made(HostileScim) for _ in range(5))
    platforms = good_one, *_ = [Platform(node, server) for server in (good, dead, slow, huge, busy)]
    dead.remove()
    slow.latency = 3.0
    huge.on(None, "/", "huge")
    busy.on(None, "/", "status", code=429, retry_after=300)
    began, over = time.monotonic(), []
    watch = threading.Thread(target=lambda: over.append(eventually(lambda: len(good.kinds["Groups"]) == 5, CALL, 0.01) and time.monotonic() - began))
    watch.start()
    items = federate(node, way.config, *reversed(platforms))
    took = time.monotonic() - began
    watch.join()
    assert took < CALL + 1.5 and over[0] and over[0] < 5.0, f"the call took {took:.1f} s, the good one {over}"
    of = {item["platformUuid"]: item for item in items}
    told = [of[platform.uuid].get("scimUserProvisioningError") or of[platform.uuid].get("error") for platform in platforms]
    assert told[0] is None and all(told[1:]), told
    crowd.arrived(good)
    # Each has its own deadline: the next push of the good one does not wait either, whatever still goes on.
    began = time.monotonic()
    pushed(node, way.config, good_one)
    assert time.monotonic() - began < 5.0
    assert run_of(node, way.config, good_one)["status"] == "succeeded"
