"""Runs tempest tests in tempest's own environment, for `workers.py`, which starts it and talks to it in lines of JSON.

In: `{"modules": [package, …]}`, `{"list": [module, …]}` or `{"run": [test id, …]}`, all of one class. Out: a line for each
module, test or outcome, then `{"end": true}`.
One process serves many requests, so that tempest's imports are paid once. It never starts a service and knows no address but
that of tempest.conf (TEMPEST_CONFIG_DIR).
"""

import importlib
import io
import json
import os
import pkgutil
import re
import sys
import time
import unittest

import testtools

# The id that `unittest` gives to what goes wrong in a class's own set-up: "setUpClass (module.Class)".
CLASS_STAGE = re.compile(r"(setUpClass|tearDownClass|setUpModule|tearDownModule) \((.+)\)")


def plain(test):
    """A test's id without the attributes that tempest appends in brackets."""
    return test.id().partition("[")[0]


def modules(packages):
    """Every test module below these packages."""
    for name in packages:
        for found in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if found.name.rpartition(".")[2].startswith("test_"):
                yield {"module": found.name}


def flat(suite):
    """The tests of a suite of suites."""
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


def listed(modules):
    """Every test of these modules, as `unittest` finds them. A module that cannot be imported is an error of this process."""
    for name in modules:
        for test in flat(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name))):
            yield {"test": plain(test)}


class Outcomes(testtools.TestResult):
    """Hands each outcome on as it comes."""

    def __init__(self, tell):
        super().__init__()
        self.tell = tell
        self.began = None

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def outcome(self, test, outcome, text=""):
        began, self.began = self.began, None
        stage = CLASS_STAGE.fullmatch(plain(test))
        self.tell({"test": stage[2] if stage else plain(test), "stage": stage[1] if stage else None, "outcome": outcome,
                   "text": text, "seconds": round(time.monotonic() - began, 3) if began else 0.0})

    def addSuccess(self, test, details=None):
        self.outcome(test, "passed")

    def addSkip(self, test, reason=None, details=None):
        self.outcome(test, "skipped", reason or details["reason"].as_text())

    def addFailure(self, test, err=None, details=None):
        self.outcome(test, "failed", self.text_of(test, err, details))

    def addError(self, test, err=None, details=None):
        self.outcome(test, "failed", self.text_of(test, err, details))

    def addExpectedFailure(self, test, err=None, details=None):
        self.outcome(test, "passed")

    def addUnexpectedSuccess(self, test, details=None):
        self.outcome(test, "failed", "unexpected success")

    def text_of(self, test, err, details):
        """The requests made (tempest's log) and then the traceback."""
        parts = {"traceback": self._err_details_to_string(test, err)} if err else {k: v.as_text() for k, v in details.items()}
        names = sorted(parts, key=lambda name: name.startswith("traceback"))
        return "\n".join(parts[name] for name in names if parts[name].strip())


def run(tests, tell):
    """Runs tests of one class, with the class's own set-up and clean-up around them."""
    module, _, name = tests[0].rpartition(".")[0].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    wanted = {test.rpartition(".")[2] for test in tests}
    suite = unittest.TestSuite(found(method) for method in unittest.defaultTestLoader.getTestCaseNames(found) if method in wanted)
    suite.run(Outcomes(tell))


def main():
    # Whatever a test prints goes to the log of this process, not between the lines of the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), write_through=True)

    def tell(answer):
        print(json.dumps(answer), file=answers)

    for line in sys.stdin:
        request = json.loads(line)
        for module in modules(request.get("modules", [])):
            tell(module)
        for test in listed(request.get("list", [])):
            tell(test)
        if "run" in request:
            run(request["run"], tell)
        tell({"end": True})


if __name__ == "__main__":
    main()
