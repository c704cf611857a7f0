"""Measures lists, assignments and uncached tokens on databases of very different size. See README.md.

Two nodes of each kind of database, one with few and one with 100,000 users, projects and grants, written straight into the
tables. What is compared takes turns (A B A B), and of each side the median is taken. CPU is the server's, and on PostgreSQL
the time of the answer counts instead, as the work is done elsewhere.
"""

import argparse
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attempts import keep, on_both, verdict  # noqa: E402
from harness import Archstone  # noqa: E402
from tables import fill  # noqa: E402

FEW, MANY = 10, 100_000
GROUPS, MEMBERS = 1_000, 10_000
PAGE = 500

# What must hold: the last pages beside the first, a token of a big database beside that of a small one, seconds of the list
# of all effective assignments.
PAGES, TOKEN, EFFECTIVE = 1.5, 1.3, 1.0


def rows(users, groups, members):
    """Rows by table: users with a project and a grant each, and groups whose members get a role on a project."""
    user = lambda n: f"{n:032x}"  # noqa: E731
    project = lambda n: f"{n + (1 << 60):032x}"  # noqa: E731
    group = lambda n: f"{n + (1 << 61):032x}"  # noqa: E731
    yield "projects", ("id", "name", "domain_id", "parent_id", "is_domain", "enabled", "description", "extra", "options"), (
        (project(n), f"project-{n}", "default", "default", False, True, "", "{}", "{}") for n in range(users))
    yield "users", ("id", "domain_id", "name", "enabled", "extra", "options", "created_at", "failed_auth_count"), (
        (user(n), "default", f"user-{n}", True, "{}", "{}", 1, 0) for n in range(users))
    yield "grants", ("actor_kind", "actor_id", "target_kind", "target_id", "role_id", "inherited"), (
        ("user", user(n), "project", project(n), "ROLE", False) for n in range(users))
    if groups:
        yield "user_groups", ("id", "domain_id", "name", "description", "extra"), (
            (group(n), "default", f"group-{n}", "", "{}") for n in range(groups))
        yield "group_members", ("group_id", "user_id"), ((group(n % groups), user(n)) for n in range(members))
        yield "grants", ("actor_kind", "actor_id", "target_kind", "target_id", "role_id", "inherited"), (
            ("group", group(n), "project", project(n), "ROLE", False) for n in range(groups))


class World:
    """A small and a big node on one kind of database."""

    def __init__(self, cluster):
        self.small = self.node(cluster, FEW)
        self.big = self.node(cluster, MANY)
        self.grouped = self.node(cluster, MEMBERS, GROUPS, MEMBERS)

    def node(self, cluster, users, groups=0, members=0):
        server = Archstone(cluster.fresh_database() if cluster else None, described=False)
        server.prepare()
        server.start()
        role = server.role_id("member")
        fill(server, rows(users, groups, members), role)
        server.restart()
        server._admin_token = None
        return server

    def end(self):
        for server in (self.small, self.big, self.grouped):
            server.remove()


def seconds(server, path):
    """How long one answer takes, and the answer."""
    began = time.perf_counter()
    answer = server.request("GET", path, token=server.admin_token, timeout=60)
    took = time.perf_counter() - began
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return took, answer.json()


def pages(server, collection, most=3):
    """Walks a whole list, then measures its first and its last pages in turn."""
    path, markers = f"/v3/{collection}?limit={PAGE}", [None]
    count = 0
    while True:
        _, body = seconds(server, path if markers[-1] is None else path + "&marker=" + markers[-1])
        items = body[collection]
        assert len(items) <= PAGE
        count += len(items)
        following = body["links"]["next"]
        if not following:
            break
        markers.append(following.rsplit("marker=", 1)[1])
    assert count >= MANY and len(markers) >= MANY // PAGE, (collection, count)
    at = lambda marker: seconds(server, path if marker is None else f"{path}&marker={marker}")[0]  # noqa: E731
    first, last = [], []
    # The very last page may be short: the ones before it are full.
    for _ in range(5):
        for early, late in zip(markers[:most], markers[-most - 1:-1]):
            first.append(at(early))
            last.append(at(late))
    return {"items": count, "first_ms": statistics.median(first) * 1e3, "last_ms": statistics.median(last) * 1e3,
            "factor": statistics.median(last) / statistics.median(first)}


def effective(server):
    """The whole list of effective assignments."""
    took, body = [], None
    for _ in range(3):
        one, body = seconds(server, "/v3/role_assignments?effective")
        took.append(one)
    # Each user has the role by a grant and through a group, and the role that it implies with both.
    assert len(body["role_assignments"]) >= 4 * MEMBERS, len(body["role_assignments"])
    return {"items": len(body["role_assignments"]), "seconds": statistics.median(took)}


def tokens(world, count=60):
    """A log-in by password, which no memory helps, on a small and a big database in turn."""
    people = {}
    for server in (world.small, world.big):
        server.bootstrap("--bootstrap-project-name", "bench")
        people[server] = lambda server=server: server.login(project={"name": "admin", "domain": {"id": "default"}})
        people[server]()
    took = {server: [] for server in people}
    for _ in range(count):
        for server, login in people.items():
            began = time.perf_counter()
            assert login().status_code == 201
            took[server].append(time.perf_counter() - began)
    small, big = (statistics.median(took[s]) for s in (world.small, world.big))
    return {"small_ms": small * 1e3, "big_ms": big * 1e3, "factor": big / small}


def measure(name, cluster):
    """Everything on one kind of database."""
    world = World(cluster)
    try:
        result = {collection: pages(world.big, collection) for collection in ("users", "projects", "role_assignments")}
        result["effective"] = effective(world.grouped)
        result["token"] = tokens(world)
    finally:
        world.end()
    missed = [c for c in ("users", "projects", "role_assignments") if result[c]["factor"] > PAGES]
    missed += ["effective"] if result["effective"]["seconds"] > EFFECTIVE else []
    missed += ["token"] if result["token"]["factor"] > TOKEN else []
    for collection in ("users", "projects", "role_assignments"):
        one = result[collection]
        print(f"{name:<12} {collection:<18} {one['items']:>8,} items, page of {PAGE}: first {one['first_ms']:.1f} ms, last {one['last_ms']:.1f} ms, "
              f"{one['factor']:.2f} times (at most {PAGES})")
    print(f"{name:<12} {'effective':<18} {result['effective']['items']:>8,} items of {GROUPS:,} groups and {MEMBERS:,} users: "
          f"{result['effective']['seconds']:.2f} s (at most {EFFECTIVE})")
    one = result["token"]
    print(f"{name:<12} {'token':<18} with {FEW} users {one['small_ms']:.2f} ms, with {MANY:,} {one['big_ms']:.2f} ms, {one['factor']:.2f} times (at most {TOKEN})")
    return result, missed


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=("sqlite", "postgres"))
    chosen = options.parse_args()
    results, missed = on_both(measure, chosen.only)
    keep(results, "ARCHSTONE_LISTS_JSON", "lists.json")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
