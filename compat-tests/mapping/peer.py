"""Answers mapping cases with Keystone's engine, in a process of its own.

One JSON object a line in (`rules`, `assertion`, `schema_version`, `id`); out `{"id", "plain", "listed", "without"}`. `plain` is
what Keystone answers, `listed` what it answers with the deviations of `deviations.json` put into it by
`mapping_deviations.py`, so that Archstone must agree with `listed` in every case. `without` names the deviations that
matter to the case: left out alone, they change `listed`, or put in alone, they change `plain`.

An answer is `["ok", result]`, `["validate"]` for what is refused when the mapping is written, or `["process"]` for a login that fails,
by whatever exception. `peer.py --names` names the deviations that are code; `peer.py --time N` evaluates every case N times and answers the seconds.
"""

import copy
import json
import logging
import sys
import time

import keystone.conf
import mapping_deviations as deviations
from keystone import exception
from keystone.federation import utils

keystone.conf.configure()
keystone.conf.CONF([], project="keystone", default_config_files=[])
logging.disable(logging.CRITICAL)


def mapping(case):
    """The mapping as PUT stores it; raises if it does not."""
    ref = {key: copy.deepcopy(case[key]) for key in ("rules", "schema_version") if key in case}
    if not ref.get("schema_version"):
        ref["schema_version"] = utils.DEFAULT_SCHEMA_VERSION
    utils.validate_mapping_structure(ref)
    return dict(ref, id="m")


class Case:
    """A case and its answers by the deviations that are put in."""

    def __init__(self, case):
        self.assertion = case["assertion"]
        self.processed = {}
        try:
            self.mapping = mapping(case)
        except (exception.ValidationError, KeyError):  # the last for an unknown version
            self.mapping = None
        else:
            self.refusing = {name for name in deviations.LINTS if deviations.refuses(name, self.mapping["rules"])}

    def answer(self, names):
        if self.mapping is None or self.refusing & set(names):
            return ["validate"]
        key = frozenset(name for name in names if name in deviations.PATCHES)
        if key not in self.processed:
            self.processed[key] = self.process(key)
        return self.processed[key]

    def process(self, names):
        try:
            with deviations.applied(names):
                processor = utils.create_attribute_mapping_rules_processor(copy.deepcopy(self.mapping))
                return ["ok", deviations.as_text(processor.process(dict(self.assertion)))]
        except Exception:  # whatever is raised, nobody is logged in
            return ["process"]


def timed(case, times):
    processor = utils.create_attribute_mapping_rules_processor(mapping(case))
    assertion = dict(case["assertion"])
    processor.process(assertion)
    began = time.perf_counter()
    for _ in range(times):
        processor.process(assertion)
    return time.perf_counter() - began


def main():
    if sys.argv[1:] == ["--names"]:
        print(json.dumps(deviations.ALL))
        return
    times = int(sys.argv[2]) if sys.argv[1:2] == ["--time"] else 0
    for line in sys.stdin:
        case = json.loads(line)
        if times:
            print(json.dumps({"id": case["id"], "seconds": timed(case, times)}), flush=True)
            continue
        asked = Case(case)
        plain, listed = asked.answer(()), asked.answer(deviations.ALL)
        without = []
        if plain != listed:
            for name in deviations.ALL:
                rest = [other for other in deviations.ALL if other != name]
                if asked.answer(rest) != listed or asked.answer([name]) != plain:
                    without.append(name)
        print(json.dumps({"id": case["id"], "plain": plain, "listed": listed, "without": without}))


if __name__ == "__main__":
    main()
