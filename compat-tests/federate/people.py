"""Thousands of people and groups of a configuration, as if everybody had signed in by it, and what becomes of them at SCIM servers."""

import json
import pathlib
import time

from federate_calls import record
from harness import eventually, unique
from sso_calls import BASE, done
from tables import fill

# Thirty years from now in microseconds: memberships that nobody has to renew.
EVER = (int(time.time()) + 30 * 365 * 86_400) * 1_000_000
RUNS = f"{BASE}/federation/jobs"
KIB = 1_024


class Crowd:
    """People of the configuration behind `way`: `users`, with `groups` of theirs, each in `each` of these.

    `names` are all user names, `members` maps a group's name to the names of those who are in it.
    """

    def __init__(self, way, users, groups=0, each=1):
        self.names = [f"person-{n:06d}" for n in range(users)]
        self.members = {f"group-{g:04d}": set() for g in range(groups)}
        inside = [[(n + step * (1 + n // groups)) % groups for step in range(each)] if groups else [] for n in range(users)]
        inside = [sorted(set(one)) for one in inside]
        for n, ones in enumerate(inside):
            for g in ones:
                self.members[f"group-{g:04d}"].add(self.names[n])
        fill(way.archstone, self._rows(way, inside, groups))

    def _rows(self, way, inside, groups):
        idp, domain, mark = way.config["uuid"], way.domain, unique("")[1:]
        user = lambda n: f"{mark}{n:020x}"  # noqa: E731
        group = lambda n: f"{mark}{n + (1 << 61):020x}"  # noqa: E731
        extra = lambda name: json.dumps({"email": f"{name}@example.com", "display_name": name.title()})  # noqa: E731
        yield "users", ("id", "domain_id", "name", "enabled", "extra", "options", "created_at", "failed_auth_count", "federated"), (
            (user(n), domain, name, True, extra(name), "{}", 1, 0, True) for n, name in enumerate(self.names))
        yield "federated_users", ("idp_id", "protocol_id", "unique_id", "user_id"), (
            (idp, "oidc", name, user(n)) for n, name in enumerate(self.names))
        yield "user_groups", ("id", "domain_id", "name", "description", "extra"), (
            (group(n), domain, f"group-{n:04d}", "", "{}") for n in range(groups))
        yield "expiring_group_members", ("user_id", "idp_id", "group_id", "last_verified", "expires_at"), (
            (user(n), idp, group(g), 1, EVER) for n, ones in enumerate(inside) for g in ones)

    def arrived(self, scim):
        """Asserts that a server has everybody once, under names and ids of ours, in the groups that they are in, and nobody else."""
        people, groups = scim.users(), scim.groups()
        twice = len(people) - len({u["userName"] for u in people})
        assert twice == 0 and sorted(u["userName"] for u in people) == self.names, f"{len(people)} people, {twice} names twice"
        assert len({u["externalId"] for u in people}) == len(people) and all(u["active"] is True for u in people)
        assert sorted(g["displayName"] for g in groups) == sorted(self.members)
        names = {u["id"]: u["userName"] for u in people}
        for group in groups:
            there = [names[m["value"]] for m in group.get("members") or []]
            assert len(there) == len(set(there)) and set(there) == self.members[group["displayName"]], group["displayName"]


def run_of(archstone, config, platform):
    """The last run for a pair, or None before there is one."""
    job = (record(archstone, config, platform).get("federation") or {}).get("jobUuid")
    return job and done(archstone, "GET", f"{RUNS}/{job}")


def ended(archstone, config, platform, within=60.0):
    """The same once it has ended."""
    def over():
        found = run_of(archstone, config, platform)
        return found if found and found.get("finishedAt") else None

    found = eventually(over, within, 0.1)
    assert found, f"has not ended in {within} s: {run_of(archstone, config, platform)}"
    return found


def resident(server):
    """Resident memory of a server, now and at its most so far, in MiB."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM"))}
    return kib["VmRSS"] / KIB, kib["VmHWM"] / KIB


def forget_most(server):
    """Lets the most that a server had resident be counted from now on."""
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
