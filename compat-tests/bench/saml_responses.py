"""Measures how many SAML Responses are read in a CPU second, by Archstone and by others' libraries. See README.md.

All read the same documents, each in a process of its own that proves first that it says every attribute and refuses a
forgery. Rounds take turns, and of each reader the median is quoted.
"""

import argparse
import base64
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from attempts import ATTEMPTS, keep, verdict  # noqa: E402
from harness import ROOT  # noqa: E402
from peers.openid import NODE  # noqa: E402
from peers.saml import Request, new_id  # noqa: E402
from saml_sample import case, identity_provider  # noqa: E402

READER = os.path.abspath(os.environ.get("ARCHSTONE_SAML_READER", ROOT / "target/release/examples/saml_reader"))
# What must hold: Responses per CPU second beside python3-saml's. What is aimed at: beside node-saml's.
PYTHON, NODE_AIM = 3.0, 10.0
SIGNED = {"assertion": "assertion signed", "both": "both signed"}
LIFETIME = 3_600
BARE = "python3-saml-without-schema"
OTHERS = {
    "node-saml": [NODE, HERE / "node_saml/reader.mjs"],
    **{name: [sys.executable, HERE / "saml_readers.py", name] for name in ("python3-saml", BARE)},
    "pysaml2": [sys.executable, HERE / "saml_readers.py", "pysaml2"],
}


def make_case(what, folder):
    """A case in a file: its path, and how long the document is."""
    sp = "https://sso.example.org/api/v1/auth/tenants/acme"
    request = Request(new_id(), sp, f"{sp}/federation/saml/acs")
    made = case(identity_provider(), request, "person-4711", what, int(time.time()), LIFETIME)
    file = folder / f"{what}.json"
    file.write_text(json.dumps(made))
    return file, len(base64.b64decode(made["response"]))


def run(command, file, seconds):
    """What a reader prints, all of it checked."""
    done = subprocess.run([*command, file, str(seconds)], stdout=subprocess.PIPE, text=True, timeout=120 + 10 * seconds,
                          env=os.environ | {"NODE_ENV": "production"})
    assert done.returncode == 0, f"{command} ended with {done.returncode}"
    read = json.loads(done.stdout)
    assert read["refuses_forgery"] is True and read["responses"] > 0 and read["cpu_secs"] > 0, f"{command}: {read}"
    return read


def measure(readers, file, rounds, seconds):
    """Responses per CPU second by reader, of each round; `floor` is what no implementation could do without."""
    rates = {name: [] for name in readers}
    for _ in range(rounds):
        for name, command in readers.items():
            read = run(command, file, seconds)
            rates[name].append(read["responses"] / read["cpu_secs"])
            if name == "archstone":
                rates.setdefault("floor", []).append(read["floor_responses"] / read["floor_cpu_secs"])
    return rates


def summary(rates):
    """The medians, and those of ours beside the others' in the same round."""
    ours = rates.get("archstone", [])
    beside = {name: [one / other for one, other in zip(ours, each)] for name, each in rates.items()}
    return {
        "rates": {name: round(statistics.median(each), 1) for name, each in rates.items()},
        "ratios": {name: round(statistics.median(each), 2) for name, each in beside.items() if each},
    }


def show(figures):
    """Prints a table."""
    heads = [f"{SIGNED[what]}, {f['bytes']:,} bytes" for what, f in figures.items()]
    print(f"\n{'':<28}" + "".join(f"{head:>36}" for head in heads))
    print(f"{'':<28}" + f"{'a CPU second':>14}{'CPU µs':>10}{'ours/its':>12}" * len(figures))
    first = next(iter(figures.values()))
    for name in sorted(first["rates"], key=lambda name: -first["rates"][name]):
        line = f"{name:<28}"
        for f in figures.values():
            line += f"{f['rates'][name]:>14,.0f}{1e6 / f['rates'][name]:>10,.0f}"
            line += f"{f['ratios'][name]:>12.2f}" if f["ratios"] else " " * 12
        print(line)


def missed(figures):
    """The names of missed targets."""
    beside = {SIGNED[what]: f["ratios"].get("python3-saml", PYTHON) for what, f in figures.items()}
    return [f"{name}, beside python3-saml" for name, ratio in beside.items() if ratio < PYTHON]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="the default")
    options.add_argument("--long", action="store_true", help="five rounds of three seconds")
    options.add_argument("--reader", default=READER, help="the example saml_reader (or ARCHSTONE_SAML_READER)")
    options.add_argument("--others", action="store_true", help="the others alone; nothing is compared")
    chosen = options.parse_args()
    readers = ({} if chosen.others else {"archstone": [chosen.reader]}) | OTHERS
    rounds, seconds = (5, 3) if chosen.long else (1, 1)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="archstone-saml-") as folder:
        for attempt in range(ATTEMPTS):
            figures = {}
            for what in SIGNED:
                file, size = make_case(what, pathlib.Path(folder))
                figures[what] = {"bytes": size} | summary(measure(readers, file, rounds, seconds))
            show(figures)
            short = missed(figures)
            if not short:
                break
            print(f"attempt {attempt + 1} missed: {', '.join(short)}")
    for what, f in figures.items():
        beside = f["ratios"]
        if beside:
            print(f"{SIGNED[what]}: beside python3-saml {beside['python3-saml']:.2f} (at least {PYTHON}), beside "
                  f"node-saml {beside['node-saml']:.2f} (aim {NODE_AIM}), beside the floor {beside['floor']:.2f}")
    target = keep(figures, "ARCHSTONE_SAML_RESPONSES_JSON", "saml_responses.json")
    print(f"after {time.monotonic() - began:.0f} s, figures in {target}")
    return 0 if chosen.others else verdict(short)


if __name__ == "__main__":
    sys.exit(main())
