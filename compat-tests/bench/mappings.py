"""Measures the mapping engine beside Keystone's on the same documents. See README.md.

Both evaluate in process, over and over: Keystone's rule processor in the process of `compat-tests/mapping/peer.py`, Archstone's
in that of `archstone mapping evaluate --repeat`. Starting up, reading and compiling are taken out by measuring few and many
evaluations and dividing the difference. The sides take turns (A B A B), and of each the median is taken. Before
anything is measured, both must have the same result.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attempts import ATTEMPTS, keep, verdict  # noqa: E402
from harness import BINARY, KEYSTONE_VENV, ROOT  # noqa: E402

PEER = [str(KEYSTONE_VENV / "bin/python"), "-W", "ignore", str(ROOT / "compat-tests/mapping/peer.py")]
ROUNDS = 5
FEW, MANY, KEYSTONE_TIMES = 1, 200_000, 5_000

# What must hold: microseconds for ten rules, and times faster than Keystone.
TEN_RULES, FACTOR = 20.0, 5.0

ASSERTION = {
    "HTTP_OIDC_ISS": "https://idp.example.com/realms/main", "HTTP_OIDC_SUB": "5f1c2f0e-7b1e-4b43-9a5b-0a4c3f0b7e11", "OIDC-preferred_username": "bob",
    "OIDC-email": "bob@example.com", "OIDC-name": "Bob Example", "OIDC-groups": "staff;developers;team-7;vpn-users;all-hands",
    "OIDC-entitlements": "cloud:user;cloud:reader", "OIDC-locale": "en", "REMOTE_USER": "bob",
}


def rules(conditions):
    """Ten rules: a user, and nine that give groups, each under a condition."""
    user = {"local": [{"user": {"name": "{0}", "email": "{1}"}}], "remote": [{"type": "OIDC-preferred_username"}, {"type": "OIDC-email"}]}
    groups = [
        {"local": [{"groups": "{0}", "domain": {"name": "Default"}}], "remote": [{"type": "OIDC-groups", "whitelist": ["developers", "staff"]}, conditions(n)]}
        for n in range(9)
    ]
    return [user, *groups]


def one_rule():
    return [{"local": [{"user": {"name": "{0}"}, "group": {"id": "g"}}], "remote": [{"type": "OIDC-preferred_username"}]}]


def projects():
    local = {"user": {"name": "{0}"}, "projects": [{"name": f"p{n}-{{0}}", "roles": [{"name": "member"}, {"name": "reader"}]} for n in range(20)]}
    return [{"local": [local], "remote": [{"type": "OIDC-preferred_username"}]}]


CASES = {
    "one rule": one_rule(),
    "ten rules, texts": rules(lambda n: {"type": "OIDC-entitlements", "any_one_of": [f"cloud:role-{n}", "cloud:user" if n % 2 else "cloud:none"]}),
    "ten rules, patterns": rules(lambda n: {"type": "OIDC-email", "any_one_of": [f"^[a-z.]+@dept-{n}\\.example\\.org$", r"@example\.com$" if n % 2 else r"@example\.net$"], "regex": True}),
    "ten rules, look-ahead": rules(lambda n: {"type": "OIDC-email", "any_one_of": [f"^(?!root)(?=.*@)[a-z.]+@(?:dept-{n}\\.)?example\\.com$"], "regex": True}),
    "twenty projects": projects(),
}


def keystone(case):
    """Seconds of one evaluation."""
    done = subprocess.run([*PEER, "--time", str(KEYSTONE_TIMES)], input=json.dumps(case) + "\n", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["seconds"] / KEYSTONE_TIMES


def archstone(folder, times):
    """Seconds of a process that evaluates so often."""
    command = [BINARY, "mapping", "evaluate", "--rules", str(folder / "rules.json"), "--input", str(folder / "input.json"), "--repeat", str(times)]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def lines(case, count=20_000):
    """Cases a second through --json-lines: one process, JSON in and out, the rules compiled once."""
    text = (json.dumps(case) + "\n") * count
    began = time.perf_counter()
    done = subprocess.run([BINARY, "mapping", "evaluate", "--json-lines"], input=text, capture_output=True, text=True, check=True)
    assert done.stdout.count('"ok":true') == count
    return count / (time.perf_counter() - began)


def same_result(case):
    ours = json.loads(subprocess.run([BINARY, "mapping", "evaluate", "--json-lines"], input=json.dumps(case), capture_output=True, text=True, check=True).stdout)
    theirs = json.loads(subprocess.run(PEER, input=json.dumps(case) + "\n", capture_output=True, text=True, check=True).stdout)["listed"]
    result = dict(ours["result"], group_names=sorted(json.dumps(group, sort_keys=True) for group in ours["result"]["group_names"]))
    assert ["ok", result] == theirs, (ours, theirs)


def measure(name, document, folder):
    case = {"id": name, "rules": document, "assertion": ASSERTION}
    same_result(case)
    (folder / "rules.json").write_text(json.dumps(document))
    (folder / "input.json").write_text(json.dumps(ASSERTION))
    times = MANY
    while archstone(folder, times) > 3 and times > 1_000:  # an unoptimised binary
        times //= 10
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(keystone(case))
        few = archstone(folder, FEW)
        ours.append((archstone(folder, times) - few) / (times - FEW))
    theirs, ours = statistics.median(theirs) * 1e6, statistics.median(ours) * 1e6
    result = {"keystone_us": theirs, "archstone_us": ours, "factor": theirs / ours, "lines_per_second": lines(case)}
    print(f"{name:<24} Keystone {theirs:8.1f} µs, Archstone {ours:7.2f} µs ({1e6 / ours:,.0f} a second), {theirs / ours:.0f} times; "
          f"through JSON lines {result['lines_per_second']:,.0f} a second")
    return result


def main():
    results, missed = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, document in CASES.items():
            for _ in range(ATTEMPTS):
                results[name] = measure(name, document, pathlib.Path(folder))
                short = results[name]["factor"] < FACTOR or (name.startswith("ten") and results[name]["archstone_us"] > TEN_RULES)
                if not short:
                    break
            missed += [name] if short else []
    keep(results, "ARCHSTONE_MAPPINGS_JSON", "mappings.json")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
