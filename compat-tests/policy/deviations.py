"""The deviations of `deviations.json`, written into oslo.policy.

Each function named in `PATCHES` changes one thing, so that the package answers as Archstone is meant to. Where a patch has
to raise, the exception ends the evaluation (`raising-denies`).
"""

import contextlib
import re

from oslo_policy import _checks, _parser

NAMED = re.compile(r"%%|%\(((?:[^()]|\([^()]*\))*)\)s|%")
PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[-.][A-Za-z_][A-Za-z0-9_]*)*\Z")
NUMBER = re.compile(r"[+-]?(?:0+|[1-9][0-9]*|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]+)?)\Z")
STRING = re.compile(r"'[^'\\\n\r\0]*'\Z|\"[^\"\\\n\r\0]*\"\Z")
KEYWORDS = set(
    "False None True and as assert async await break class continue def del elif else except finally for from global if"
    " import in is lambda nonlocal not or pass raise return try while with yield".split()
)


class Denied(Exception):
    """Ends an evaluation."""


class Broken:
    """The outcome of what could not be parsed."""

    def __bool__(self):
        return False


BROKEN = Broken()


class BrokenCheck(_checks.FalseCheck):
    def __call__(self, *_):
        return BROKEN


def run(check, target, creds, enforcer, current_rule):
    return _checks._check(check, target, creds, enforcer, current_rule)


# -- broken-stays-broken -------------------------------------------------------------------------------------------------


def not_call(self, target, creds, enforcer, current_rule=None):
    outcome = run(self.rule, target, creds, enforcer, current_rule)
    return outcome if outcome is BROKEN else not outcome


def and_call(self, target, creds, enforcer, current_rule=None):
    for check in self.rules:
        outcome = run(check, target, creds, enforcer, current_rule)
        if not outcome:
            return outcome
    return True


def or_call(self, target, creds, enforcer, current_rule=None):
    last = False
    for check in self.rules:
        outcome = run(check, target, creds, enforcer, current_rule)
        if outcome is BROKEN:
            last = BROKEN
        elif outcome:
            return True
    return last


def broken_stays_broken(patch):
    plain_check, plain_text, plain_list = _parser._parse_check, _parser._parse_text_rule, _parser._parse_list_rule

    def parse_check(rule):
        if isinstance(rule, str) and rule not in ("@", "!") and ":" not in rule:
            return BrokenCheck()
        return plain_check(rule)

    def parse_text(rule):
        check = plain_text(rule)
        # A rule that is `!` and nothing else was understood; any other false rule was not.
        if type(check) is _checks.FalseCheck and re.sub(r"[\s()]", "", rule) != "!":
            return BrokenCheck()
        if type(check) is _checks.FalseCheck and rule.count("(") != rule.count(")"):
            return BrokenCheck()
        return check

    patch(_parser, "_parse_check", parse_check)
    patch(_parser, "_parse_text_rule", parse_text)
    patch(_parser, "_parse_list_rule", plain_list)
    patch(_checks.NotCheck, "__call__", not_call)
    patch(_checks.AndCheck, "__call__", and_call)
    patch(_checks.OrCheck, "__call__", or_call)


# -- no-rule-denies ------------------------------------------------------------------------------------------------------


def no_rule_denies(patch):
    plain_list, plain_rule, plain_check = _parser._parse_list_rule, _parser.parse_rule, _parser._parse_check

    def parse_check(rule):
        return plain_check(rule) if isinstance(rule, str) else BrokenCheck()

    def parse_rule(rule):
        if isinstance(rule, str):
            return plain_rule(rule)
        if not isinstance(rule, list) or not all(isinstance(inner, (str, list)) for inner in rule):
            return BrokenCheck()
        return plain_list(rule)

    patch(_parser, "parse_rule", parse_rule)
    patch(_parser, "_parse_check", parse_check)


# -- the generic check and roles -----------------------------------------------------------------------------------------


def null_never_matches(patch):
    plain_call, plain_find = _checks.GenericCheck.__call__, _checks.GenericCheck.__dict__["_find_in_dict"].__func__
    state = {}

    def call(self, target, creds, enforcer, current_rule=None):
        keys = [key for key in NAMED.findall(self.match) if key]
        state["places"] = bool(keys)
        if PATH.match(self.kind) and self.kind not in KEYWORDS and any(target.get(key, "") is None for key in keys):
            # A missing key is false before anything else.
            return False
        return plain_call(self, target, creds, enforcer, current_rule)

    def find(cls, value, path, match):
        if not path and value is None and state["places"]:
            return False
        return plain_find(cls, value, path, match)

    patch(_checks.GenericCheck, "__call__", call)
    patch(_checks.GenericCheck, "_find_in_dict", classmethod(find))


def unusual_names(patch):
    plain = _checks.GenericCheck.__call__

    def usable(kind):
        if kind in ("True", "False", "None") or STRING.match(kind) or NUMBER.match(kind):
            return True
        return bool(PATH.match(kind)) and not KEYWORDS & set(re.split("[-.]", kind))

    def call(self, target, creds, enforcer, current_rule=None):
        if not usable(self.kind):
            if any(key and key not in target for key in NAMED.findall(self.match)):
                return False
            raise Denied
        return plain(self, target, creds, enforcer, current_rule)

    patch(_checks.GenericCheck, "__call__", call)


def only_named_formats(patch):
    for kind in (_checks.GenericCheck, _checks.RoleCheck):

        def call(self, target, creds, enforcer, current_rule=None, plain=kind.__call__):
            if any(found.group() == "%" for found in NAMED.finditer(self.match)):
                raise Denied
            return plain(self, target, creds, enforcer, current_rule)

        patch(kind, "__call__", call)


def roles_are_a_list(patch):
    plain = _checks.RoleCheck.__call__

    def call(self, target, creds, enforcer, current_rule=None):
        if any(key and key not in target for key in NAMED.findall(self.match)):
            return False
        if not isinstance(creds.get("roles", []), list):
            raise Denied
        return plain(self, target, creds, enforcer, current_rule)

    patch(_checks.RoleCheck, "__call__", call)


# In this order: a later patch is asked first.
PATCHES = {
    "broken-stays-broken": broken_stays_broken,
    "no-rule-denies": no_rule_denies,
    "null-never-matches": null_never_matches,
    "unusual-names": unusual_names,
    "roles-are-a-list": roles_are_a_list,
    "only-named-formats": only_named_formats,
}


@contextlib.contextmanager
def applied(left_out):
    """oslo.policy with every deviation but those `left_out`, until the block ends."""
    undo = []

    def patch(owner, name, value):
        undo.append((owner, name, owner.__dict__[name]))
        setattr(owner, name, value)

    for identity, install in PATCHES.items():
        if identity not in left_out:
            install(patch)
    try:
        yield
    finally:
        for owner, name, value in reversed(undo):
            setattr(owner, name, value)
