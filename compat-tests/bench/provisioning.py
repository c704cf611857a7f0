"""Measures a push of many users and groups to a platform's SCIM server, and one that finds nothing to do. See README.md.

People, groups and memberships are written straight into the tables, as if everybody had signed in by the configuration. The
server is a good one that keeps everything in memory, in this process: it, not the node, is what bounds requests per second.
"""

import argparse
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), *(str(HERE.parent / folder) for folder in ("federate", "sso", "federation"))]

from attempts import ATTEMPTS, keep, verdict  # noqa: E402
from bench import cpu_seconds  # noqa: E402
from federate_calls import Platform, federate  # noqa: E402
from harness import Archstone  # noqa: E402
from peers.hostile_scim import HostileScim  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from people import Crowd, ended, forget_most, resident  # noqa: E402
from trust import EGRESS  # noqa: E402
from way import Way  # noqa: E402

SHORT, LONG = (2_000, 100), (10_000, 500)
# Groups that each is in.
EACH = 3
# What must hold: MiB of memory that a run may take beyond what the node had before it, and writes of one with nothing to do.
MEMORY, WRITES = 32, 0


def push(server, config, platform, scim):
    """A whole run: what it asked, how long it took, what it cost."""
    scim.counted()
    forget_most(server)
    before, cpu, began = resident(server)[0], cpu_seconds(server.process.pid), time.monotonic()
    federate(server, config, platform)
    run = ended(server, config, platform, 900.0)
    took, cpu = time.monotonic() - began, cpu_seconds(server.process.pid) - cpu
    assert (run["mode"], run["status"]) == ("full", "succeeded"), run
    reads, writes = scim.counted()
    return {"reads": reads, "writes": writes, "seconds": took, "rate": (reads + writes) / took, "cpu_us_request": cpu * 1e6 / (reads + writes),
            "cpu_us_user": cpu * 1e6 / run["users"]["total"], "before_mib": before, "grown_mib": resident(server)[1] - before}


def measure(provider, users, groups):
    """Both runs on a fresh node: figures, and what was missed."""
    server, scim = Archstone(settings=EGRESS | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"}, described=False), HostileScim(fast=True)
    try:
        server.prepare().start()
        way = Way(server, provider, userProvisioning="auto", groupProvisioning="sync")
        crowd = Crowd(way, users, groups, EACH)
        platform = Platform(server, scim)
        figures = {"users": users, "groups": groups, "first": push(server, way.config, platform, scim)}
        crowd.arrived(scim)
        figures["again"] = push(server, way.config, platform, scim)
    finally:
        server.remove()
        scim.remove()
    missed = [f"memory of the {name} run" for name in ("first", "again") if figures[name]["grown_mib"] > MEMORY]
    return figures, missed + (["writes of the second run"] if figures["again"]["writes"] > WRITES else [])


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="2,000 users and 100 groups (the default)")
    options.add_argument("--long", action="store_true", help="10,000 users and 500 groups")
    users, groups = LONG if options.parse_args().long else SHORT
    provider = OpenIdProvider().start()
    try:
        for attempt in range(ATTEMPTS):
            figures, missed = measure(provider, users, groups)
            for name in ("first", "again"):
                one = figures[name]
                print(f"{name:<6} {users:,} users, {groups:,} groups: {one['reads']:,} reads, {one['writes']:,} writes in {one['seconds']:.1f} s, "
                      f"{one['rate']:,.0f} a second; CPU {one['cpu_us_user']:,.0f} µs a user, {one['cpu_us_request']:,.0f} a request; "
                      f"{one['before_mib']:.0f} MiB before, at most {one['grown_mib']:.1f} more (at most {MEMORY})")
            if not missed:
                break
            print(f"  attempt {attempt + 1} missed: {', '.join(missed)}")
    finally:
        provider.stop()
    keep(figures, "ARCHSTONE_PROVISIONING_JSON", "provisioning.json")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
