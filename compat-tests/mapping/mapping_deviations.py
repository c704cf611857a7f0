"""The deviations of `deviations.json`, written into Keystone's mapping engine.

Each function named in `PATCHES` changes one thing, so that Keystone's own code answers as Archstone is meant to. Those that
only refuse more when a mapping is written are in `LINTS`.
"""

import ast
import contextlib
import io
import json
import re
import string
import tokenize
import warnings

from keystone import exception
from keystone.federation import utils

warnings.simplefilter("ignore")  # of patterns


class Refused(Exception):
    """The mapping is refused when it is written."""


# -- what is refused when a mapping is written ---------------------------------------------------------------------------


def slots(rule):
    return sum(1 for entry in rule["remote"] if "any_one_of" not in entry and "not_any_of" not in entry)


def texts(value, name=None):
    """Every text of a local part that values are put into."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str) and name != "projects_json":
        yield value


def fields(text):
    """The fields of a format string; None if it is none or uses more than `{}` and `{n}`."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return None
    names = [name for _, name, _, _ in parts if name is not None]
    plain = all(spec == "" and conversion is None for _, name, spec, conversion in parts if name is not None)
    numbered = [name for name in names if re.fullmatch("[0-9]+", name)]
    automatic = [name for name in names if name == ""]
    # `{0:}` is the same as `{0}` to the parser.
    if not plain or len(numbered) + len(automatic) != len(names) or (numbered and automatic) or ":" in "".join(re.findall("{[^{}]*}", text)):
        return None
    return [int(name) for name in numbered] or list(range(len(automatic)))


def place_without_value(rules):
    for rule in rules:
        for text in texts(rule["local"]):
            if any(field >= slots(rule) for field in fields(text) or []):
                raise Refused
        for local in rule["local"]:
            found = re.fullmatch(r"\{(\d+)\}|(\d+)", local.get("projects_json", ""))
            if found and int(found.group(1) or found.group(2)) >= slots(rule):
                raise Refused


def format_language(rules):
    if any(fields(text) is None for rule in rules for text in texts(rule["local"])):
        raise Refused


def conditions(rules):
    for rule in rules:
        for entry in rule["remote"]:
            for name in ("any_one_of", "not_any_of", "whitelist", "blacklist"):
                if name in entry:
                    yield entry.get("regex", False), entry[name]


def patterns_are_compiled(rules):
    for regex, items in conditions(rules):
        for item in items:
            if regex and isinstance(item, str):
                if "\\N{" in item:
                    raise Refused
                try:
                    re.compile(item)
                except (re.error, OverflowError, RecursionError) as error:
                    raise Refused from error


def items_are_texts(rules):
    for regex, items in conditions(rules):
        if any(isinstance(item, (list, dict)) or (regex and not isinstance(item, str)) for item in items):
            raise Refused


def a_domain_has_a_name(rules):
    def empty(value):
        if isinstance(value, dict):
            return value.get("domain", 1) == {} or any(map(empty, value.values()))
        return isinstance(value, list) and any(map(empty, value))

    if any(empty(rule["local"]) for rule in rules):
        raise Refused


def projects_json_place(rules):
    for rule in rules:
        for local in rule["local"]:
            if not re.fullmatch(r"\{[0-9]+\}|[0-9]+", local.get("projects_json", "0")):
                raise Refused


LINTS = {
    "place-without-value": place_without_value,
    "format-language": format_language,
    "patterns-are-compiled": patterns_are_compiled,
    "items-are-texts": items_are_texts,
    "a-domain-has-a-name": a_domain_has_a_name,
    "projects-json-place": projects_json_place,
}


# -- what a login gives ---------------------------------------------------------------------------------------------------


def order_of_filtered_values(patch):
    plain = utils.RuleProcessor._evaluate_requirement

    def evaluate(self, values, assertion_values, eval_type, regex):
        found = plain(self, values, assertion_values, eval_type, regex)
        if isinstance(found, list):
            return list(dict.fromkeys(value for value in assertion_values if value in found))
        return found

    patch(utils.RuleProcessor, "_evaluate_requirement", evaluate)


def is_json(item):
    return isinstance(item, str) and item.startswith("JSON:")


def json_groups(patch):
    plain = utils.RuleProcessor._normalize_groups

    def normalize(self, identity_value):
        # Keystone's own ways, each for what it is made for: names whatever their letters, and objects.
        of_name = lambda item: [dict(group, name=item) for group in plain(self, dict(identity_value, groups="x"))]  # noqa: E731
        of_json = lambda item: plain(self, dict(identity_value, groups=repr([item])))  # noqa: E731
        groups = []
        items = self._ast_literal_eval(identity_value["groups"])
        if not items:
            of_name("")
        for item in items:
            if is_json(item) and "name" not in item:
                raise exception.ValidationError("no name")
            groups += of_json(item) if is_json(item) else of_name(item)
        return groups

    patch(utils.RuleProcessor, "_normalize_groups", normalize)


def json_groups_are_complete(patch):
    plain = utils.RuleProcessor._normalize_groups

    def complete(group):
        domain = group.get("domain")
        return (
            isinstance(group.get("name"), str) and isinstance(domain, dict) and bool(domain)
            and all(key in ("id", "name") and isinstance(value, str) for key, value in domain.items())
        )

    def normalize(self, identity_value):
        # A broken one among several ends the login, whichever is looked at.
        groups = plain(self, identity_value)
        if "JSON:" in identity_value["groups"]:
            if not all(isinstance(group, dict) and complete(group) for group in groups):
                raise exception.ValidationError("incomplete")
            return [{"name": group["name"], "domain": group["domain"]} for group in groups]
        return groups

    patch(utils.RuleProcessor, "_normalize_groups", normalize)


def simple(text):
    """The items of a list of texts and whole numbers, written without further ado; None for anything else."""
    text = text.lstrip(" \t")
    if not text.startswith("["):
        return None
    try:
        items = ast.literal_eval(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (ValueError, SyntaxError, tokenize.TokenError, MemoryError, RecursionError, TypeError):
        return None
    literals = [token.string for token in tokens if token.type in (tokenize.STRING, tokenize.NUMBER)]
    fine = all(re.match(r"[uUrR]?['\"]", literal) or re.fullmatch("[0-9]+", literal) for literal in literals)
    triple = any("'''" in literal[:4] or '"""' in literal[:4] for literal in literals)
    commented = any(token.type == tokenize.COMMENT for token in tokens)
    surrogate = any(isinstance(item, str) and re.search("[\ud800-\udfff]", item) for item in items)
    named = "\\N{" in text
    if not all(type(item) in (str, int) for item in items) or len(literals) != len(items):
        return None
    return None if not fine or triple or commented or surrogate or named else [str(item) for item in items]


def lists_are_of_texts(patch):
    def read(value):
        items = simple(value)
        return [value] if items is None else items

    patch(utils.RuleProcessor, "_ast_literal_eval", staticmethod(read))


def a_users_own_domain(patch):
    plain = utils.RuleProcessorToHonorDomainOption._transform

    def transform(self, identity_values):
        first = next((value for value in identity_values if value.get("user")), {})
        mapped = plain(self, identity_values)
        if "domain" not in mapped["user"] or not mapped["user"]["domain"]:
            mapped["user"]["domain"] = first.get("domain")
        return mapped

    patch(utils.RuleProcessorToHonorDomainOption, "_transform", transform)


# In this order: a later patch is asked first.
PATCHES = {
    "order-of-filtered-values": order_of_filtered_values,
    "lists-are-of-texts": lists_are_of_texts,
    "json-groups": json_groups,
    "json-groups-are-complete": json_groups_are_complete,
    "a-users-own-domain": a_users_own_domain,
}
ALL = [*LINTS, *PATCHES]


@contextlib.contextmanager
def applied(names):
    """Keystone's engine with these deviations, until the block ends."""
    undo = []

    def patch(owner, name, value):
        undo.append((owner, name, owner.__dict__.get(name)))
        setattr(owner, name, value)

    for identity, install in PATCHES.items():
        if identity in names:
            install(patch)
    try:
        yield
    finally:
        for owner, name, value in reversed(undo):
            if value is None:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def refuses(name, rules):
    """Whether a deviation refuses rules when they are written."""
    try:
        LINTS[name](rules)
    except Refused:
        return True
    return False


def as_text(result):
    """A result in one form: sets sorted, each member once."""
    groups = {json.dumps(group, sort_keys=True) for group in result["group_names"]}
    return {**result, "group_ids": sorted(result["group_ids"], key=str), "group_names": sorted(groups)}
