"""Answers policy cases with the oslo.policy package, in a process of its own.

One JSON object a line in; out `{"id", "plain", "listed"}`. `plain` is what oslo.policy answers (true, false or the name of
an exception). `listed` is what it answers with the deviations of `deviations.json` put into it by `deviations.py`, so
that Archstone must agree with `listed` in every case. Named deviations can be left out: `peer.py --without null-never-matches`;
`peer.py --patches` names those that are code.

The rules of a case are parsed and evaluated by oslo.policy itself; the target is flattened as Keystone flattens it before
it asks.
"""

import json
import logging
import sys

from oslo_config import cfg
from oslo_policy import policy

import deviations

logging.disable(logging.CRITICAL)


def flatten(mapping, prefix=""):
    flat = {}
    for key, value in mapping.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            flat.update(flatten(value, name))
        else:
            flat[name] = value
    return flat


CONF = cfg.ConfigOpts()
CONF([])
enforcer = policy.Enforcer(CONF, use_conf=False)
FALLBACK = enforcer.default_rule


def answer(case):
    try:
        enforcer.default_rule = case.get("default_rule") or FALLBACK
        enforcer.set_rules(policy.Rules.from_dict(case["rules"], enforcer.default_rule), use_conf=False)
        return bool(enforcer.enforce(case["rule"], flatten(case.get("target") or {}), dict(case.get("creds") or {})))
    except Exception as error:  # whatever is raised is an observation
        return type(error).__name__


def main():
    if sys.argv[1:] == ["--patches"]:
        print(json.dumps(list(deviations.PATCHES)))
        return
    left_out = set(sys.argv[2:]) if sys.argv[1:2] == ["--without"] else set()
    for line in sys.stdin:
        case = json.loads(line)
        plain = answer(case)
        with deviations.applied(left_out):
            listed = answer(case)
        if "raising-denies" not in left_out and isinstance(listed, str):
            listed = False
        print(json.dumps({"id": case["id"], "plain": plain, "listed": listed}))


if __name__ == "__main__":
    main()
