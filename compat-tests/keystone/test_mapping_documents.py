"""What may stand in a mapping: the grammar in all three versions, and what is refused because no log-in could be served by it.

Whatever is refused is 400 with a text that names the place; what is accepted comes back as it was written.
"""

import re

import pytest

from federation_calls import RULES, done, mapping_path, message, new_mapping, secu_admin, send
from harness import unique

VERSIONS = ["1.0", "2.0", "3.0"]


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough: it holds documents as they are."""
    return sqlite_archstone


def rule(*local, remote=({"type": "U"},)):
    """A rule with these local entries."""
    return {"local": list(local), "remote": list(remote)}


def matching(*remote):
    """A rule with these remote entries."""
    return {"local": [], "remote": list(remote)}


def project(**fields):
    """A local entry with one project."""
    return {"projects": [{"name": "p", "roles": [{"name": "member"}]} | fields]}


def put(archstone, rules, version=None, token=None):
    """PUT of a new mapping; (its id, the answer)."""
    mapping_id = unique("mapping")
    fields = {"rules": rules} | ({"schema_version": version} if version else {})
    return mapping_id, send(archstone, "PUT", mapping_path(mapping_id), {"mapping": fields}, token)


def assert_accepted(archstone, rules, version=None, token=None):
    mapping_id, answer = put(archstone, rules, version, token)
    assert answer.status_code == 201, answer.text
    assert answer.json()["mapping"]["rules"] == rules
    assert done(archstone, 200, "GET", mapping_path(mapping_id)) == answer.json()
    # A list that other tests read whole has 1,000 items.
    assert send(archstone, "DELETE", mapping_path(mapping_id), token=token).status_code == 204


def assert_refused(archstone, rules, version=None, token=None):
    """PUT and PATCH of these rules are 400 and leave no trace; the text."""
    mapping_id, answer = put(archstone, rules, version, token)
    text = message(answer, 400)
    assert send(archstone, "GET", mapping_path(mapping_id)).status_code == 404
    mapping = new_mapping(archstone, token=token)
    fields = {"rules": rules} | ({"schema_version": version} if version else {})
    assert message(send(archstone, "PATCH", mapping_path(mapping["id"]), {"mapping": fields}, token), 400) == text
    assert done(archstone, 200, "GET", mapping_path(mapping["id"]))["mapping"] == mapping
    assert send(archstone, "DELETE", mapping_path(mapping["id"]), token=token).status_code == 204
    return text


def assert_names(text, place):
    """The text says where: `rules[1].local[0]`, say, perhaps with more behind it."""
    assert re.search(re.escape(place) + r"(?!\d)", text), f"{place!r} is not named: {text}"


# -- the grammar ---------------------------------------------------------------------------------------------------------------

VALID = {
    "nothing_local": rule(),
    "empty_local_entry": rule({}),
    "several_local_entries": rule({"user": {"name": "{0}"}}, {"group": {"id": "g"}}, {"group": {"id": "h"}}),
    "everything_in_one_local_entry": rule({"user": {"name": "{0}"}, "group": {"id": "g"}, "groups": "{0}", "group_ids": "{0}",
                                           "domain": {"id": "default"}} | project()),
    "empty_user": rule({"user": {}}),
    "whole_user": rule({"user": {"id": "{0}", "name": "{0}", "email": "{0}", "domain": {"id": "default"}, "type": "ephemeral"}}),
    "local_user": rule({"user": {"name": "bob", "domain": {"name": "Default"}, "type": "local"}}),
    "local_user_by_id": rule({"user": {"id": "{0}", "type": "local"}}),
    "user_without_name_or_id": rule({"user": {"email": "{0}"}}),
    "user_domain_by_id_and_name": rule({"user": {"name": "{0}", "domain": {"id": "default", "name": "Default"}}}),
    "user_domain_from_the_assertion": rule({"user": {"name": "x", "domain": {"name": "{0}"}}}),
    "user_in_a_domain_that_is_not_there": rule({"user": {"name": "{0}", "domain": {"id": "nowhere"}}}),
    "group_by_id": rule({"group": {"id": "{0}"}}),
    "group_by_name": rule({"group": {"name": "g", "domain": {"id": "default"}}}),
    "group_by_name_and_name_of_domain": rule({"group": {"name": "{0}", "domain": {"name": "Default"}}}),
    "groups": rule({"groups": "{0}", "domain": {"name": "Default"}}),
    "groups_without_domain": rule({"groups": "{0}"}),
    "groups_as_a_list_in_text": rule({"groups": '["a", "b"]', "domain": {"id": "default"}}),
    "group_ids": rule({"group_ids": "{0}"}),
    "domain_alone": rule({"domain": {"id": "default"}}),
    "projects": rule({"projects": [{"name": "{0}", "roles": [{"name": "member"}, {"name": "{0}"}]}, {"name": "q", "roles": []}]}),
    "no_projects": rule({"projects": []}),
    "plain": matching({"type": "U"}),
    "the_same_type_often": matching({"type": "U"}, {"type": "U"}, {"type": "U", "any_one_of": ["a"]}),
    "empty_type": matching({"type": ""}),
    "braces_in_a_type": matching({"type": "{0}"}),
    **{condition: matching({"type": "U", condition: ["a", "b"]}) for condition in ("any_one_of", "not_any_of", "whitelist", "blacklist")},
    **{f"{condition}_of_nothing": matching({"type": "U", condition: []})
       for condition in ("any_one_of", "not_any_of", "whitelist", "blacklist")},
    **{f"{condition}_regex": matching({"type": "U", condition: ["^a", "b$"], "regex": True})
       for condition in ("any_one_of", "not_any_of", "whitelist", "blacklist")},
    "regex_false": matching({"type": "U", "any_one_of": ["["], "regex": False}),
    "braces_in_a_condition": matching({"type": "U", "any_one_of": ["{0}", "{bad}", "{"]}),
}
# What only later versions have.
VALID_FROM = {
    ("2.0", "project_domain_by_id"): rule(project(domain={"id": "default"})),
    ("2.0", "project_domain_by_name"): rule(project(domain={"name": "{0}"})),
    ("3.0", "projects_json"): rule({"projects_json": "{0}"}),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", VALID)
def test_the_grammar_accepts(archstone, name, version):
    assert_accepted(archstone, [VALID[name]], version)


@pytest.mark.parametrize(("version", "since", "name"), [(version, since, name) for since, name in VALID_FROM for version in VERSIONS
                                                        if version >= since])
def test_the_grammar_of_later_versions_accepts(archstone, version, since, name):
    assert_accepted(archstone, [VALID_FROM[since, name]], version)


def test_all_of_it_in_one_mapping(archstone):
    assert_accepted(archstone, list(VALID.values()))
    assert_accepted(archstone, list(VALID.values()) + list(VALID_FROM.values()), "3.0")


CONDITIONS = ("any_one_of", "not_any_of", "whitelist", "blacklist")
# (rule, place in it)
INVALID = {
    "rule_number": (7, ""), "rule_null": (None, ""), "rule_text": ("x", ""), "rule_list": ([], ""), "rule_empty": ({}, ""),
    "rule_without_local": ({"remote": [{"type": "U"}]}, ""), "rule_without_remote": ({"local": []}, ""),
    "rule_with_more": (rule() | {"name": "x"}, ""),
    "local_null": (rule() | {"local": None}, ".local"), "local_object": (rule() | {"local": {}}, ".local"),
    "local_text": (rule() | {"local": "x"}, ".local"),
    "remote_null": (rule() | {"remote": None}, ".remote"), "remote_object": (rule() | {"remote": {"type": "U"}}, ".remote"),
    "remote_text": (rule() | {"remote": "x"}, ".remote"), "remote_empty": (rule() | {"remote": []}, ".remote"),
    **{f"local_entry_{name}": (rule(entry), ".local[0]") for name, entry in {
        "number": 7, "null": None, "text": "x", "list": [], "unknown_member": {"colour": "red"}, "misspelt": {"users": {"name": "x"}},
        "remote_member": {"type": "U"},
        "user_text": {"user": "{0}"}, "user_null": {"user": None}, "user_list": {"user": [{"name": "x"}]},
        "user_unknown_member": {"user": {"nick": "x"}}, "user_id_number": {"user": {"id": 7}}, "user_name_null": {"user": {"name": None}},
        "user_name_list": {"user": {"name": ["x"]}}, "user_email_number": {"user": {"email": 7}},
        "user_domain_text": {"user": {"domain": "default"}}, "user_domain_null": {"user": {"domain": None}},
        "user_domain_id_number": {"user": {"domain": {"id": 7}}}, "user_domain_more": {"user": {"domain": {"id": "d", "x": 1}}},
        "user_type_unknown": {"user": {"type": "other"}}, "user_type_null": {"user": {"type": None}},
        "user_type_capitals": {"user": {"type": "LOCAL"}}, "user_type_from_the_assertion": {"user": {"type": "{0}"}},
        "group_text": {"group": "g"}, "group_null": {"group": None}, "group_empty": {"group": {}}, "group_list": {"group": [{"id": "g"}]},
        "group_name_without_domain": {"group": {"name": "g"}}, "group_domain_alone": {"group": {"domain": {"id": "default"}}},
        "group_id_and_domain": {"group": {"id": "g", "domain": {"id": "default"}}}, "group_id_and_name": {"group": {"id": "g", "name": "g"}},
        "group_both_forms": {"group": {"id": "g", "name": "g", "domain": {"id": "default"}}}, "group_id_number": {"group": {"id": 7}},
        "group_name_number": {"group": {"name": 7, "domain": {"id": "default"}}},
        "group_domain_text": {"group": {"name": "g", "domain": "default"}},
        "group_domain_more": {"group": {"name": "g", "domain": {"id": "d", "x": 1}}},
        "group_more": {"group": {"name": "g", "domain": {"id": "default"}, "x": 1}},
        "groups_list": {"groups": ["a"]}, "groups_number": {"groups": 7}, "groups_null": {"groups": None}, "groups_object": {"groups": {}},
        "group_ids_list": {"group_ids": ["a"]}, "group_ids_number": {"group_ids": 7}, "group_ids_null": {"group_ids": None},
        "domain_text": {"domain": "default"}, "domain_null": {"domain": None}, "domain_id_number": {"domain": {"id": 7}},
        "domain_more": {"domain": {"id": "d", "x": 1}},
        "projects_object": {"projects": {"name": "p", "roles": []}}, "projects_text": {"projects": "p"}, "projects_null": {"projects": None},
        "project_text": {"projects": ["p"]}, "project_empty": {"projects": [{}]}, "project_without_roles": {"projects": [{"name": "p"}]},
        "project_without_name": {"projects": [{"roles": []}]}, "project_name_number": project(name=7), "project_more": project(x=1),
        "roles_text": project(roles="member"), "roles_null": project(roles=None), "role_text": project(roles=["member"]),
        "role_empty": project(roles=[{}]), "role_name_number": project(roles=[{"name": 7}]),
        "role_more": project(roles=[{"name": "r", "domain": {"id": "default"}}]),
    }.items()},
    **{f"remote_entry_{name}": (matching(entry), ".remote[0]") for name, entry in {
        "number": 7, "null": None, "text": "U", "list": [], "empty": {}, "type_number": {"type": 7}, "type_null": {"type": None},
        "without_type": {"any_one_of": ["a"]}, "unknown_member": {"type": "U", "colour": "red"}, "misspelt": {"type": "U", "any_of": ["a"]},
        "local_member": {"type": "U", "user": {"name": "x"}},
        "regex_alone": {"type": "U", "regex": True}, "regex_false_alone": {"type": "U", "regex": False},
        "regex_text": {"type": "U", "any_one_of": ["a"], "regex": "true"}, "regex_number": {"type": "U", "whitelist": ["a"], "regex": 1},
        "regex_null": {"type": "U", "not_any_of": ["a"], "regex": None},
        **{f"{condition}_text": {"type": "U", condition: "a"} for condition in CONDITIONS},
        **{f"{condition}_object": {"type": "U", condition: {"a": 1}} for condition in CONDITIONS},
        **{f"{condition}_null": {"type": "U", condition: None} for condition in CONDITIONS},
        **{f"{one}_and_{two}": {"type": "U", one: ["a"], two: ["b"]}
           for index, one in enumerate(CONDITIONS) for two in CONDITIONS[index + 1:]},
    }.items()},
}
# (versions in which it is refused, rule, place)
INVALID_IN = {
    "project_domain": (["1.0"], rule(project(domain={"id": "default"})), ".local[0]"),
    "projects_json": (["1.0", "2.0"], rule({"projects_json": "{0}"}), ".local[0]"),
    "projects_json_list": (["3.0"], rule({"projects_json": ["{0}"]}), ".local[0]"),
    "projects_json_null": (["3.0"], rule({"projects_json": None}), ".local[0]"),
    "project_domain_text": (["2.0", "3.0"], rule(project(domain="default")), ".local[0]"),
    "project_domain_id_number": (["2.0", "3.0"], rule(project(domain={"id": 7})), ".local[0]"),
    "project_domain_more": (["2.0", "3.0"], rule(project(domain={"id": "d", "x": 1})), ".local[0]"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", INVALID)
def test_the_grammar_refuses(archstone, name, version):
    assert_refused(archstone, [INVALID[name][0]], version)


@pytest.mark.parametrize(("version", "name"), [(version, name) for name, (versions, _, _) in INVALID_IN.items() for version in versions])
def test_the_grammar_of_a_version_refuses(archstone, version, name):
    assert_refused(archstone, [INVALID_IN[name][1]], version)


@pytest.mark.parametrize("name", INVALID)
def test_a_refusal_names_the_place(archstone, name):
    bad, place = INVALID[name]
    assert_names(assert_refused(archstone, [*RULES, bad]), f"rules[1]{place}")


@pytest.mark.parametrize(("version", "name"), [(versions[0], name) for name, (versions, _, _) in INVALID_IN.items()])
def test_a_refusal_by_version_names_the_place(archstone, version, name):
    _, bad, place = INVALID_IN[name]
    assert_names(assert_refused(archstone, [*RULES, *RULES, bad], version), f"rules[2]{place}")


def test_the_entry_is_counted_from_nought(archstone):
    good = {"user": {"name": "{0}"}}
    assert_names(assert_refused(archstone, [rule(good, good, {"users": {}})]), "rules[0].local[2]")
    assert_names(assert_refused(archstone, [matching({"type": "U"}, {"type": "U", "regex": True}, {"type": "U"})]), "rules[0].remote[1]")
    many = [rule(good)] * 11
    assert_names(assert_refused(archstone, [*many, rule(good, {"users": {}})]), "rules[11].local[1]")


# -- what no log-in could be served by -----------------------------------------------------------------------------------------

# Every place of a local entry where text may stand.
TEXTS = {
    "user_name": lambda text: {"user": {"name": text}},
    "user_id": lambda text: {"user": {"id": text}},
    "user_email": lambda text: {"user": {"name": "x", "email": text}},
    "user_domain_id": lambda text: {"user": {"name": "x", "domain": {"id": text}}},
    "user_domain_name": lambda text: {"user": {"name": "x", "domain": {"name": text}}},
    "group_id": lambda text: {"group": {"id": text}},
    "group_name": lambda text: {"group": {"name": text, "domain": {"id": "default"}}},
    "group_domain": lambda text: {"group": {"name": "g", "domain": {"id": text}}},
    "groups": lambda text: {"groups": text, "domain": {"id": "default"}},
    "group_ids": lambda text: {"group_ids": text},
    "domain": lambda text: {"groups": "g", "domain": {"name": text}},
    "project_name": lambda text: project(name=text),
    "project_role": lambda text: project(roles=[{"name": "member"}, {"name": text}]),
    "project_domain": lambda text: project(domain={"id": text}),
    "projects_json": lambda text: {"projects_json": text},
}
# What takes no slot, and what takes one.
SLOTLESS = [{"type": "A", "any_one_of": ["a"]}, {"type": "B", "not_any_of": ["b"], "regex": True}]
SLOTS = [{"type": "C"}, {"type": "D", "whitelist": ["d"]}, {"type": "E", "blacklist": ["e"]}]


@pytest.mark.parametrize("text", ["{0}", "{}", "a {0} b {0}", "{{0}}", "{{", "}}", "{{{0}}}", "{}{{}}", "", "no braces", "ü {0} ☃"])
@pytest.mark.parametrize("place", [place for place in TEXTS if place != "projects_json"])
def test_a_slot_can_be_named(archstone, place, text):
    assert_accepted(archstone, [rule(TEXTS[place](text))], "3.0")


@pytest.mark.parametrize("text", ["", "no braces", "a {0}", "{0}{0}", "{}", "{{0}}"])
def test_what_is_no_place_of_projects_is_refused(archstone, text):
    told = assert_refused(archstone, [*RULES, rule({}, {"projects_json": text})], "3.0")
    assert_names(told, "rules[1].local[1]")


@pytest.mark.parametrize("text", ["{1}", "{0} {1}", "{7}", "{10}", "{99999999999999999999}", "{}{}"])
@pytest.mark.parametrize("place", TEXTS)
def test_q5_a_slot_that_is_not_there_is_refused(archstone, place, text):
    told = assert_refused(archstone, [*RULES, rule({}, TEXTS[place](text))], "3.0")
    assert_names(told, "rules[1].local[1]")


def test_q4_and_q5_conditions_take_no_slot(archstone):
    for remote in (SLOTLESS + SLOTS, SLOTS + SLOTLESS, [SLOTS[0], *SLOTLESS, *SLOTS[1:]]):
        assert_accepted(archstone, [rule({"user": {"name": "{0}{1}{2}"}}, remote=remote), rule({"user": {"name": "{}{}{}"}}, remote=remote)])
        for text in ("{3}", "{4}", "{}{}{}{}"):
            assert_names(assert_refused(archstone, [rule({"user": {"name": text}}, remote=remote)]), "rules[0].local[0]")
    assert_names(assert_refused(archstone, [rule({"user": {"name": "{0}"}}, remote=SLOTLESS)]), "rules[0].local[0]")


def test_q5_each_rule_has_its_own_slots(archstone):
    two = rule({"user": {"name": "{1}"}}, remote=SLOTS[:2])
    assert_accepted(archstone, [two, rule({"user": {"name": "{0}"}})])
    assert_names(assert_refused(archstone, [two, rule({"user": {"name": "{1}"}})]), "rules[1].local[0]")


@pytest.mark.parametrize("text", ["{bad}", "{name}", "{-1}", "{+0}", "{0x}", "{ 0}", "{0 }", "{0", "0}", "{", "}", "{0}{", "}{0}",
                                  "{{0}", "{0}}", "{{{0}}", "{a.b}", "{0}{}", "{}{0}", "{0,1}", "{0{0}}"])
@pytest.mark.parametrize("place", ["user_name", "groups", "project_role", "domain"])
def test_q6_braces_around_anything_else_are_refused(archstone, place, text):
    assert_names(assert_refused(archstone, [rule({}, {}, TEXTS[place](text))], "3.0"), "rules[0].local[2]")


@pytest.mark.parametrize("text", ["{0.__class__}", "{0.__class__.__mro__}", "{0[0]}", "{0[name]}", "{0!r}", "{0!s}", "{0!a}", "{0:>9}",
                                  "{0:s}", "{0:}", "{:>9}", "{!r}", "{.upper}", "{[0]}", "{0:{0}}"])
@pytest.mark.parametrize("place", ["user_name", "user_id", "group_ids", "project_name", "projects_json"])
def test_q9_pythons_format_language_is_refused(archstone, place, text):
    assert_names(assert_refused(archstone, [rule(TEXTS[place](text))], "3.0"), "rules[0].local[0]")


GOOD_PATTERNS = ["", "^a", "b$", "a|b", "(?i)admin", "(?P<n>x)(?P=n)", r"(a)\1", "(?<=a)b", "(?<!a)b", "a(?=b)", "a(?!b)", "(?:a)",
                 "a*?", "a{2}", "a{2,}", "a{,3}", "a{2,3}", "{1", "a{", "a{x}", "]", "}", "[]a]", "[^]]", "[[]", r"\d+\Z",
                 r"\A\w\b\B\s", r"\.", r"\u00e4\xe4", "(?s:.)", "(?x) a # c", "(?#c)a", "(a)?(?(1)b|c)", "ü☃", ".*@example\\.(com|org)$", "[a-zA-Z0-9._%+-]+"]
BAD_PATTERNS = ["[", "(", ")", "*a", "+", "?", "a**", "\\", "a{2,1}", "(?P<n>", "(?P=n)", r"\1", "(?z)x", "[z-a]", r"\q",
                "(?P<n>a)(?P<n>b)", "(?<a)b"]


@pytest.mark.parametrize("pattern", GOOD_PATTERNS)
def test_regular_expressions_are_pythons(archstone, pattern):
    re.compile(pattern)
    assert_accepted(archstone, [matching({"type": "U", "any_one_of": ["a", pattern], "regex": True})])


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("pattern", BAD_PATTERNS)
def test_q15_what_is_no_regular_expression_is_refused(archstone, pattern, condition):
    with pytest.raises(re.error):
        re.compile(pattern)
    bad = {"type": "U", condition: ["a", pattern], "regex": True}
    assert_names(assert_refused(archstone, [*RULES, matching({"type": "U"}, bad)]), "rules[1].remote[1]")
    assert_accepted(archstone, [matching({"type": "U"}, {"type": "U", condition: ["a", pattern]})])


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "((a{1,100}){1,100}){1,100}", "(a{1000}){1000}",
                                     "(?:a?){60}a{60}", "a" * 50_000])
def test_ks_map_2_to_5_no_pattern_makes_writing_it_slow(archstone, pattern):
    mapping_id, answer = put(archstone, [matching({"type": "U", "any_one_of": [pattern], "regex": True})])
    assert answer.status_code in (201, 400) and answer.elapsed.total_seconds() < 1.0
    assert send(archstone, "GET", mapping_path(mapping_id)).status_code == (200 if answer.status_code == 201 else 404)


@pytest.mark.parametrize("rules", [
    [rule({"group": {"id": "g"}})], [rule({"user": {"name": "no-slot"}})], [rule({"user": {"name": "{0}"}}, {"user": {"name": "{0}"}})],
    [rule({"group": {"id": "no such group"}})], [rule({"group": {"name": "none", "domain": {"name": "no such domain"}}})],
    [rule(project(roles=[{"name": "no such role"}]))], [rule({"groups": "rename-team", "domain": {"id": "default"}})],
])
def test_what_only_a_log_in_can_tell_is_accepted(archstone, rules):
    assert_accepted(archstone, rules)


# -- mappings of an account ----------------------------------------------------------------------------------------------------


# Every place where a domain may be named, with the version that has it.
DOMAINS = {
    "user": ("1.0", lambda domain: {"user": {"name": "{0}", "domain": domain}}),
    "local_user": ("1.0", lambda domain: {"user": {"name": "{0}", "type": "local", "domain": domain}}),
    "group": ("1.0", lambda domain: {"group": {"name": "g", "domain": domain}}),
    "groups": ("1.0", lambda domain: {"groups": "{0}", "domain": domain}),
    "default": ("2.0", lambda domain: {"user": {"name": "{0}"}, "domain": domain}),
    "project": ("2.0", lambda domain: project(domain=domain)),
}


@pytest.mark.parametrize("local", [
    [{"user": {"name": "{0}"}}, {"group": {"name": "staff"}}], [{"group": {"name": "{0}"}}], [{"groups": "{0}"}], [{"groups": '["a", "b"]'}],
    [{"user": {"name": "FederationUser"}}], [{"user": {"name": "{0}", "type": "local"}}],
])
def test_an_accounts_groups_need_no_domain(archstone, local):
    _, token = secu_admin(archstone)
    assert_accepted(archstone, [rule(*local)], token=token)


def test_a_group_without_domain_is_refused_elsewhere(archstone):
    told = assert_refused(archstone, [rule({"user": {"name": "{0}"}}, {"group": {"name": "staff"}})])
    assert_names(told, "rules[0].local[1]")


@pytest.mark.parametrize("place", DOMAINS)
def test_an_account_may_name_its_own_domain(archstone, place):
    version, entry = DOMAINS[place]
    own, token = secu_admin(archstone)
    name = done(archstone, 200, "GET", f"/v3/domains/{own}")["domain"]["name"]
    for domain in ({"id": own}, {"name": name}, {"id": own, "name": name}):
        assert_accepted(archstone, [rule(entry(domain))], version, token)


@pytest.mark.parametrize("place", DOMAINS)
def test_an_account_may_name_no_other_domain(archstone, place):
    version, entry = DOMAINS[place]
    _, token = secu_admin(archstone)
    other = archstone.new_domain()
    for domain in ({"id": other["id"]}, {"name": other["name"]}, {"id": "default"}, {"name": "Default"}, {"id": "{0}"}, {"name": "{0}"}):
        assert_names(assert_refused(archstone, [*RULES, rule({}, entry(domain))], version, token), "rules[1].local[1]")


@pytest.mark.parametrize("key", ["id", "name"])
def test_another_accounts_domain_and_none_are_told_alike(archstone, key):
    _, token = secu_admin(archstone)
    other, nowhere = archstone.new_domain()[key], unique("domain")
    foreign, absent = (assert_refused(archstone, [rule(DOMAINS["user"][1]({key: value}))], token=token).replace(value, "X")
                       for value in (other, nowhere))
    assert foreign == absent


@pytest.mark.parametrize("place", DOMAINS)
def test_the_cloud_may_name_any_domain(archstone, place):
    version, entry = DOMAINS[place]
    for domain in ({"id": archstone.new_domain()["id"]}, {"name": "no such domain"}, {"name": "{0}"}):
        assert_accepted(archstone, [rule(entry(domain))], version)


def test_the_grammar_is_no_wider_for_an_account(archstone):
    _, token = secu_admin(archstone)
    for name, (bad, place) in INVALID.items():
        if name != "local_entry_group_name_without_domain":
            _, answer = put(archstone, [*RULES, bad], token=token)
            assert_names(message(answer, 400), f"rules[1]{place}")
