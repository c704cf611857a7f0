"""SCIM-4 in full: a group of fifty thousand members goes to a SCIM server in pieces of a hundred at most, and the node does not grow.

A second push of the same sends nothing. On each database.
"""

import collections
import json
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / folder) for folder in ("", "sso", "federation"))]

from federate_calls import Platform, federate  # noqa: E402
from harness import Archstone, Postgres  # noqa: E402
from peers.hostile_scim import HostileScim  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from people import Crowd, ended, forget_most, resident  # noqa: E402
from trust import EGRESS  # noqa: E402
from way import Way  # noqa: E402

COUNT = int(os.environ.get("ARCHSTONE_MEMBERS_COUNT", "50000"))
PIECE, MEMORY = 100, 32


class Pieces(HostileScim):
    """Counts the operations of each PATCH of a group: by how many members it has."""

    def __init__(self):
        super().__init__(fast=True)
        self.sizes = collections.Counter()

    def _patch(self, kind, found, body):
        if kind == "Groups":
            self.sizes[sum(len(o["value"]) if o.get("path") == "members" else 1 for o in body["Operations"])] += 1
        super()._patch(kind, found, body)


def push(node, config, platform, scim):
    """A whole run: its report, seconds, MiB more at its most, and the server's counts of reads and writes."""
    scim.counted()
    scim.sizes.clear()
    forget_most(node)
    before, began = resident(node)[0], time.monotonic()
    federate(node, config, platform)
    run = ended(node, config, platform, 3_600.0)
    assert (run["mode"], run["status"]) == ("full", "succeeded"), json.dumps(run)[:2_000]
    return run, time.monotonic() - began, resident(node)[1] - before, *scim.counted()


def on(name, cluster, provider):
    """All of it on one kind of database; prints a line of results."""
    node, scim = Archstone(cluster and cluster.fresh_database(), EGRESS | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"}, described=False), Pieces()
    try:
        node.prepare().start()
        way = Way(node, provider, userProvisioning="auto", groupProvisioning="sync")
        crowd = Crowd(way, COUNT, 1)
        platform = Platform(node, scim)
        run, first, grown, _, _ = push(node, way.config, platform, scim)
        crowd.arrived(scim)
        sizes = dict(scim.sizes)
        assert max(sizes) <= PIECE and sum(size * n for size, n in sizes.items()) == COUNT == run["membersAdded"], sizes
        _, again, more, _, writes = push(node, way.config, platform, scim)
        print(f"result: {name}: {COUNT:,} members in {sum(sizes.values())} pieces of at most {max(sizes)}, {first:.0f} s with their users, "
              f"{grown:.1f} MiB more memory; again {again:.0f} s, {more:.1f} MiB, {writes} writes", flush=True)
        assert writes == 0 and grown < MEMORY and more < MEMORY
    finally:
        node.remove()
        scim.remove()


def main():
    """Both kinds of database, one after the other."""
    provider = OpenIdProvider().start()
    try:
        on("sqlite", None, provider)
        with Postgres() as cluster:
            on("postgres", cluster, provider)
    finally:
        provider.stop()


if __name__ == "__main__":
    main()
