"""WEB-ENUM-1 in full: the time of a failed log-in does not tell whether the user exists, is disabled, locked or elsewhere.

500 log-ins of each kind, interleaved in random order on one connection at argon2's default cost. Medians must lie within
5 % of the unknown user's, and a Mann-Whitney test must not tell the two apart (p > 0.01, corrected for the number of
comparisons after Holm: at 12 comparisons a fixed 0.01 would fail one run in nine by luck alone).
"""

import json
import math
import os
import pathlib
import random
import sqlite3
import statistics
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

import wire  # noqa: E402
from api import password_request  # noqa: E402
from harness import unique  # noqa: E402
from rig import Node  # noqa: E402

COUNT = int(os.environ.get("ARCHSTONE_ENUM_COUNT", "500"))
LIMIT = 1_000_000
PASSWORDS = {"wrong": "wrong-password", "empty": "", "1MB": "p" * 1_000_000}


def mann_whitney(a, b):
    """Two-sided p of the Mann-Whitney U test by its normal approximation (good from about 20 values), ties corrected."""
    values = sorted([(v, 0) for v in a] + [(v, 1) for v in b])
    ranks, ties, at = 0.0, 0.0, 0
    while at < len(values):
        end = at
        while end < len(values) and values[end][0] == values[at][0]:
            end += 1
        mean = (at + 1 + end) / 2
        ranks += mean * sum(1 for v in values[at:end] if v[1] == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(a), len(b)
    u = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    z = (abs(u - n * m / 2) - 0.5) / spread
    return min(1.0, math.erfc(z / math.sqrt(2)))


def main():
    # Nobody reaches the limit by failing here; the locked account is put over it in the database.
    settings = {
        "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": str(LIMIT), "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION": "86400",
    }
    server = Node(None, settings)
    # The product's own cost of hashing, not the tests'.
    for key in [k for k in server.settings if "ARGON2" in k]:
        del server.settings[key]
    try:
        server.prepare().start()
        api, token = server.api(), server.admin()
        domain = api.create_domain(token, unique("elsewhere"))["id"]
        names = {kind: unique(kind) for kind in ("existing", "disabled", "locked", "elsewhere", "unknown")}
        for kind, name in names.items():
            if kind != "unknown":
                api.create_user(token, name, "right-password-1", domain=domain if kind == "elsewhere" else "default", enabled=kind != "disabled")
        server.term()
        with sqlite3.connect(server.database_file()) as connection:
            connection.execute("UPDATE users SET failed_auth_count = ?, failed_auth_at = ? WHERE name = ?", (LIMIT, time.time_ns() // 1000, names["locked"]))
        server.start()
        assert server.api().login(names["locked"], "right-password-1").status == 401
        assert server.api().login(names["existing"], "right-password-1").status == 201
        plan = [(kind, label) for kind in names for label in PASSWORDS] * COUNT
        random.Random(4).shuffle(plan)
        times, answers = {(k, p): [] for k in names for p in PASSWORDS}, {}
        bodies = {(k, p): wire.request("POST", "/v3/auth/tokens", [("Content-Type", "application/json")], json.dumps(password_request(names[k], text)).encode())
                  for k in names for p, text in PASSWORDS.items()}
        sock = None
        for turn, what in enumerate(plan):
            if sock is None:
                sock = wire.connect(server.address)
            began = time.perf_counter()
            try:
                sock.sendall(bodies[what])
            except OSError:
                pass
            got = wire.drain(sock, 10, enough=1)
            times[what].append(time.perf_counter() - began)
            assert got.replies, what
            answers.setdefault(what[1], set()).add((got.status, got.replies[0].body))
            if got.closed or what[1] == "1MB":
                sock.close()
                sock = None
            if turn % 1000 == 999:
                print(f"{turn + 1} of {len(plan)}", flush=True)
    finally:
        server.remove()
    failures = [f"{label}: {len(seen)} different answers" for label, seen in answers.items() if len(seen) != 1]
    found = []
    for label in PASSWORDS:
        base = times["unknown", label]
        for kind in names:
            if kind == "unknown":
                continue
            own = times[kind, label]
            shift = statistics.median(own) / statistics.median(base) - 1
            found.append((mann_whitney(own, base), kind, label, shift))
            if abs(shift) > 0.05:
                failures.append(f"{kind}/{label}: median {shift:+.1%}")
    for rank, (p, kind, label, shift) in enumerate(sorted(found)):
        limit = 0.01 / (len(found) - rank)
        print(f"{kind:<10} {label:<6} median {statistics.median(times[kind, label]) * 1000:8.3f} ms  {shift:+7.2%}  p {p:.4f}  (limit {limit:.4f})")
        if p < limit:
            failures.append(f"{kind}/{label}: p {p:.5f}")
    widest = max(abs(f[3]) for f in found)
    print(f"result: {COUNT} each, widest median difference {widest:.2%}, smallest p {min(found)[0]:.4f}{'; ' + ', '.join(failures) if failures else ''}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
