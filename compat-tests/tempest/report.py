"""Runs tempest's families against a fresh node, or one that is there, and tells what became of them.

    compat-tests/.venv/bin/python compat-tests/tempest/report.py                         every family, on a fresh node
    compat-tests/.venv/bin/python compat-tests/tempest/report.py --family 'rbac grant'   one of them
    compat-tests/.venv/bin/python compat-tests/tempest/report.py --test tempest.api.identity.admin.v3.test_roles.RolesV3TestJSON…
    compat-tests/.venv/bin/python compat-tests/tempest/report.py --url http://127.0.0.1:5000 --folder /tmp/t --family roles
    compat-tests/.venv/bin/python compat-tests/tempest/report.py --column Archstone      writes the result into README.md

ARCHSTONE_BIN says which binary the fresh node is of. A node that is there must have been started with `workers.NODE_SETTINGS`
and the harness's administrator.
"""

import argparse
import contextlib
import pathlib
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from families import FAMILIES, problems  # noqa: E402
from harness import Archstone  # noqa: E402
from workers import NODE_SETTINGS, WORKERS, Workers  # noqa: E402

README = HERE.parent / "README.md"
# The table stands between these two lines.
OPENING, CLOSING = "<!-- tempest: written by report.py -->", "<!-- end -->"
COLUMNS = ["family", "tests", "Keystone 30.0.0", "Archstone"]


def cell(outcomes):
    """How a family went, as a cell of the table."""
    counts = {word: sum(outcome.outcome == word for outcome in outcomes) for word in ("passed", "failed", "skipped")}
    words = [f"{count} {word}" for word, count in counts.items() if count]
    reasons = sorted({outcome.text for outcome in outcomes if outcome.outcome == "skipped"})
    return ", ".join(words) + (f" ({'; '.join(reasons)})" if reasons else "")


def table_with(text, column, results):
    """`text` with that column of its table filled from `results` (family → outcomes); the other columns stay as they are."""
    before, _, rest = text.partition(OPENING)
    old, _, after = rest.partition(CLOSING)
    cells = {row[0]: dict(zip(COLUMNS, row)) for row in ([word.strip() for word in line.strip("|").split("|")]
                                                         for line in old.strip().splitlines()[2:])}
    rows = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for family in FAMILIES:
        row = dict.fromkeys(COLUMNS, "") | cells.get(family, {}) | {"family": family}
        if family in results:
            row |= {"tests": str(len(results[family])), column: cell(results[family])}
        rows.append("| " + " | ".join(row[name] for name in COLUMNS) + " |")
    return before + "\n".join([OPENING, *rows, CLOSING]) + after


@contextlib.contextmanager
def node_of(arguments):
    """The node to ask: a fresh one, or what `--url` names."""
    if arguments.url:
        folder = pathlib.Path(arguments.folder)
        folder.mkdir(parents=True, exist_ok=True)
        yield types.SimpleNamespace(auth_url=f"{arguments.url}/v3", folder=folder.resolve())
        return
    node = Archstone(settings=NODE_SETTINGS)
    try:
        yield node.prepare().start()
    finally:
        node.remove()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--family", action="append", choices=FAMILIES, help="this family only (may be given again)")
    options.add_argument("--test", action="append", help="these tests only: an id, or the beginning of some")
    options.add_argument("--workers", type=int, default=WORKERS)
    options.add_argument("--url", help="a node that is there, without /v3")
    options.add_argument("--folder", default="tempest-report", help="with --url: where tempest.conf and logs go")
    options.add_argument("--column", choices=COLUMNS[2:], help="write the result into this column of README.md")
    arguments = options.parse_args()
    if arguments.column and arguments.test:
        options.error("a column counts whole families")
    wanted = tuple(arguments.test or [""])

    results, bad, began = {}, [], time.monotonic()
    with node_of(arguments) as node, Workers(node, arguments.workers) as workers:
        for family in arguments.family or FAMILIES:
            tests = [test for test in workers.tests_of(FAMILIES[family]) if test.startswith(wanted)]
            if not tests:
                continue
            start = time.monotonic()
            results[family] = workers.run(tests)
            bad += problems(results[family])
            print(f"{family:24} {time.monotonic() - start:7.1f} s  {cell(results[family])}", flush=True)
    for outcome in bad:
        print(f"\n{outcome.outcome} {outcome.test}\n{outcome.text[-4000:]}")
    if arguments.column:
        README.write_text(table_with(README.read_text(), arguments.column, results))
    total = cell([outcome for outcomes in results.values() for outcome in outcomes])
    print(f"\nresult: {total} in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
