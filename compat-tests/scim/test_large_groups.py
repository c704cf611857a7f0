"""SCIM-4: a group of 5,000 by pieces. What nobody asks for is not read, and memory stays flat."""

import os
import time

import psutil
import pytest

from directory import BULK
from harness import unique

# On demand more: `ARCHSTONE_SCIM_MEMBERS=50000`.
MEMBERS = int(os.environ.get("ARCHSTONE_SCIM_MEMBERS", "5000"))
PIECE = 500


def make_users(directory, count):
    """That many users, a hundred with each request; their ids."""
    ids, run = [], unique()
    for first in range(0, count, 100):
        operations = [{"method": "POST", "path": "/Users", "bulkId": str(n), "data": {"userName": f"{run}-{n}"}} for n in range(first, first + 100)]
        answer = directory.expect(200, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        assert {o["status"] for o in answer["Operations"]} == {"201"}
        ids += [o["location"].rsplit("/", 1)[1] for o in answer["Operations"]]
    return ids


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_scim_4_a_large_group_in_pieces(_servers, database):
    from directory import Directory
    from tenancy import Tenant

    node = _servers(database)
    directory = Directory(Tenant(node))
    ids = make_users(directory, MEMBERS)
    group = directory.group(unique("group"), externalId="large")
    one = f"/Groups/{group['id']}"
    process = psutil.Process(node.process.pid)
    directory.patch(one, {"op": "add", "path": "members", "value": [{"value": ids[0]}]})
    before, began = process.memory_info().rss, time.monotonic()
    for first in range(0, MEMBERS, PIECE):
        piece = [{"value": id} for id in ids[first:first + PIECE]]
        answer = directory.patch(one, {"op": "add", "path": "members", "value": piece})
        assert answer.status_code == 204, answer.text
    print(f"{MEMBERS} members in {time.monotonic() - began:.1f} s, {(process.memory_info().rss - before) >> 20} MiB more")
    assert process.memory_info().rss - before < 64 << 20
    # Its head costs the same however large it is.
    began = time.monotonic()
    for _ in range(20):
        head = directory.expect(200, "GET", f"{one}?excludedAttributes=members")
        assert "members" not in head
    assert time.monotonic() - began < 4
    found = directory.find("Groups", f'members eq "{ids[-1]}"', excludedAttributes="members")
    assert [g["id"] for g in found] == [group["id"]]
    assert directory.members(group["id"]) == set(ids)
    for first in range(0, MEMBERS, PIECE):
        named = [{"value": id} for id in ids[first:first + PIECE] if id != ids[7]]
        assert directory.patch(one, {"op": "remove", "path": "members", "value": named}).status_code == 204
    assert directory.members(group["id"]) == {ids[7]}
    assert directory.ask("DELETE", one).status_code == 204
