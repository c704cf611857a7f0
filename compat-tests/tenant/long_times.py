"""WEB-ENUM-1 and WEB-TIME-1 at a tenant, in full: the time of a failure tells nothing.

Sign-ins with a password (five kinds of user × wrong and empty passwords) and applications that show a wrong secret (of an application
that is there with the first or the last character wrong, and of one that is not), each 500 times, interleaved in random order. Medians
must lie within 5 % of the first kind's, and a Mann-Whitney test must not tell them apart (p > 0.01, corrected after Holm).
"""

import os
import pathlib
import random
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "federation"), str(HERE.parent / "edge")]

import requests  # noqa: E402

from conftest import SETTINGS  # noqa: E402
from harness import unique  # noqa: E402
from long_enum import mann_whitney  # noqa: E402
from rig import Node  # noqa: E402
from tenancy import Tenant, mutated  # noqa: E402

COUNT = int(os.environ.get("ARCHSTONE_ENUM_COUNT", "500"))


def verdict(what, kinds, reference):
    """The kinds whose times differ from the reference's: by more than 5 % in the median or, after Holm, significantly."""
    middle, bad = statistics.median(kinds[reference]), []
    found = sorted((mann_whitney(values, kinds[reference]), kind) for kind, values in kinds.items() if kind != reference)
    for rank, (p, kind) in enumerate(found):
        off = statistics.median(kinds[kind]) / middle - 1
        print(f"{what}: {kind:<10} median {statistics.median(kinds[kind]) * 1000:8.3f} ms  {off:+7.2%}  p {p:.4f}")
        if abs(off) > 0.05 or p < 0.01 / (len(found) - rank):
            bad.append(f"{what}: {kind}")
    return bad


def main():
    """Measures; prints a line for each comparison and one of results."""
    node = Node(None, SETTINGS, described=False)
    # The product's own cost of hashing, not the tests'.
    for key in [k for k in node.settings if "ARGON2" in k]:
        del node.settings[key]
    try:
        node.prepare().start()
        tenant = Tenant(node)
        names = {"existing": tenant.user()["name"], "disabled": tenant.user(enabled=False)["name"], "elsewhere": Tenant(node).user()["name"],
                 "unknown": unique("nobody"), "address": f"{unique()}@example.com"}
        client = tenant.client("SERVICE", grant_types=["client_credentials"])
        at = f"{tenant.url}/login"
        secrets = {"first": (client.id, mutated(client.secret, 0)), "last": (client.id, mutated(client.secret, -1)), "nobody": (f"app_{'0' * 32}", client.secret)}
        with requests.Session() as http:
            http.trust_env = False
            asks = {("password", k, p): lambda n=n, p=p: http.post(at, json={"username": n, "password": p}, timeout=30) for k, n in names.items() for p in ("wrong", "")}
            asks |= {("secret", k, ""): lambda a=a: http.post(f"{tenant.url}/oauth/token", data={"grant_type": "client_credentials"}, auth=a, timeout=30)
                     for k, a in secrets.items()}
            plan = [what for what in asks for _ in range(COUNT)]
            random.Random(6).shuffle(plan)
            times, answers = {what: [] for what in asks}, {}
            for what in plan:
                began = time.perf_counter()
                answer = asks[what]()
                times[what].append(time.perf_counter() - began)
                answers.setdefault((what[0], what[2]), set()).add(answer.status_code)
        assert all(len(statuses) == 1 for statuses in answers.values()), answers
        groups = {}
        for (area, kind, detail), values in times.items():
            groups.setdefault((area, detail), {})[kind] = values
        bad = []
        for (area, detail), kinds in groups.items():
            reference = "unknown" if area == "password" else "nobody"
            bad += verdict(f"{area} {detail or 'empty'}" if area == "password" else area, kinds, reference)
        medians = [statistics.median(v) * 1000 for v in times.values()]
        print(f"result: {len(times)} kinds, {COUNT} each, medians {min(medians):.1f} to {max(medians):.1f} ms, {len(bad)} told apart: {bad}")
        assert not bad
    finally:
        node.remove()


if __name__ == "__main__":
    main()
