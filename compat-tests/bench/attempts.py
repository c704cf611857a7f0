"""What the benches have in common: three attempts, on both kinds of database, figures in a file, a verdict."""

import json
import os
import pathlib

from harness import ROOT
from postgres import Postgres

ATTEMPTS = 3


def on_both(measure, only=None):
    """Measures on each kind of database (or on `only`) until nothing is missed: (figures by database, what was missed at last).

    `measure(name, cluster)` gives figures and the names of missed targets; `cluster` is None for the embedded database.
    """
    results, missed = {}, []
    for name in ("sqlite", "postgres"):
        if only in (None, name):
            cluster = Postgres() if name == "postgres" else None
            try:
                for attempt in range(ATTEMPTS):
                    results[name], short = measure(name, cluster)
                    if not short:
                        break
                    print(f"  attempt {attempt + 1} missed: {', '.join(short)}")
                missed += [f"{name} {what}" for what in short]
            finally:
                if cluster:
                    cluster.remove()
    return results, missed


def keep(figures, variable, file):
    """Writes figures as JSON to where this variable says, or to this file of `compat-tests/.run`; the path."""
    target = pathlib.Path(os.environ.get(variable, ROOT / "compat-tests/.run" / file))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")
    return target


def verdict(missed):
    """Says what was missed; the exit status."""
    print("missed: " + ", ".join(missed) if missed else "all targets met")
    return 1 if missed else 0
