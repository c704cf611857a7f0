"""Cases for the mapping engine: written ones, one for each thing that it does, and generated ones.

A case is `{"rules", "assertion", "schema_version"?, "id"}`. Generated cases come from one seeded generator, so one is named by
(seed, number).
"""

import copy
import random

# -- written --------------------------------------------------------------------------------------------------------------

USER = {"user": {"name": "{0}"}}
BOB = {"U": "bob", "G": "a;b;c", "E": "bob@example.com", "O": "the-admins", "T": "Employee"}
D, D2 = {"name": "D"}, {"id": "d2"}


def rule(local, *remote):
    return {"local": local if isinstance(local, list) else [local], "remote": list(remote)}


def has(name, **condition):
    return {"type": name, **condition}


def project(name, *roles, **more):
    return {"name": name, "roles": [{"name": role} for role in roles], **more}


U, G = has("U"), has("G")
GROUPS = dict(USER, groups="{1}", domain=D)

# name: (rules, assertion), (rules, assertion, version)
WRITTEN = {
    "a user by name": ([rule(USER, U)], BOB),
    "a user by id": ([rule({"user": {"id": "{0}"}}, U)], BOB),
    "id, name, e-mail, domain and type": ([rule({"user": {"id": "{0}", "name": "N {0}", "email": "{1}", "domain": D2, "type": "local"}}, U, has("E"))], BOB),
    "a fixed user": ([rule({"user": {"name": "guest"}}, has("T", any_one_of=["Employee"]))], BOB),
    "a domain from a value": ([rule({"user": {"name": "{0}", "domain": {"name": "{1}"}, "type": "local"}}, U, has("T"))], BOB),
    "name and id of a domain": ([rule({"user": {"name": "{0}", "domain": {"name": "D", "id": "{0}"}}}, U)], BOB),
    "no user": ([rule({"group": {"id": "g"}}, U)], BOB),
    "an empty user": ([rule({"user": {}}, U), rule(USER, U)], BOB),
    "a user with a type alone": ([rule({"user": {"type": "ephemeral"}}, U), rule(USER, U)], BOB),
    "text around values": ([rule({"user": {"name": "x{0}-{1}y"}}, U, has("T"))], BOB),
    "values in another order": ([rule({"user": {"name": "{1} {0} {1}"}}, U, has("T"))], BOB),
    "values in order": ([rule({"user": {"name": "{} {}"}}, U, has("T"))], BOB),
    "braces": ([rule({"user": {"name": "{{0}} {{{0}}}"}}, U)], BOB),
    "an empty text": ([rule({"user": {"name": ""}}, U)], BOB),
    "an empty value": ([rule(USER, U)], {"U": ""}),
    "semicolons alone": ([rule(USER, U)], {"U": ";;"}),
    "a trailing semicolon": ([rule(USER, U)], {"U": "bob;"}),
    "several values in a name": ([rule(USER, G)], BOB),
    "quotes in several values": ([rule(USER, U)], {"U": "it's;say \"hi\";both ' and \";back\\slash"}),
    "controls in several values": ([rule(USER, U)], {"U": "a\nb;c\td;\u0000;\u007f;\u00a0;\u00ad;\u200b;\u2028;é;日;\U0001f600;\U000e0001;\ufeff;\u0378"}),
    "a place in a value": ([rule(GROUPS, U, G)], {"U": "{1}", "G": "{0}"}),
    "no such attribute": ([rule(USER, U, has("X"))], BOB),
    "another case of a name": ([rule(USER, has("u"))], BOB),
    "an empty assertion": ([rule(USER, U)], {}),
    "values that are no text": ([rule(USER, U)], {"U": ["bob"]}),
    "numbers among texts": ([rule(USER, U)], {"U": "bob", "N": 7, "L": ["x"], "Z": None}),
    "a rule without local": ([rule([], U)], BOB),
    "a rule without local before another": ([rule([], U), rule(USER, U)], BOB),
    "any_one_of": ([rule(USER, U, has("G", any_one_of=["x", "b"]))], BOB),
    "any_one_of, none": ([rule(USER, U, has("G", any_one_of=["x", "ab"]))], BOB),
    "any_one_of, nothing listed": ([rule(USER, U, has("G", any_one_of=[]))], BOB),
    "any_one_of of the empty text": ([rule(USER, U, has("Z", any_one_of=[""]))], {"U": "bob", "Z": ""}),
    "any_one_of of other things": ([rule(USER, U, has("G", any_one_of=[1, None, True, 1.5, "a"]))], BOB),
    "any_one_of without regex": ([rule(USER, U, has("G", any_one_of=["^a$"], regex=False))], BOB),
    "any_one_of by pattern": ([rule(USER, U, has("O", any_one_of=["adm"], regex=True))], BOB),
    "any_one_of by anchored pattern": ([rule(USER, U, has("O", any_one_of=["^adm"], regex=True))], BOB),
    "any_one_of by patterns": ([rule(USER, U, has("E", any_one_of=["@example.org$", "(?i)@EXAMPLE\\.com$"], regex=True))], BOB),
    "any_one_of, no pattern": ([rule(USER, U, has("E", any_one_of=[], regex=True))], BOB),
    "not_any_of": ([rule(USER, U, has("G", not_any_of=["x"]))], BOB),
    "not_any_of, one": ([rule(USER, U, has("G", not_any_of=["x", "b"]))], BOB),
    "not_any_of, nothing listed": ([rule(USER, U, has("G", not_any_of=[]))], BOB),
    "not_any_of, no attribute": ([rule(USER, U, has("X", not_any_of=["x"]))], BOB),
    "not_any_of by pattern": ([rule(USER, U, has("E", not_any_of=["@example\\.com$"], regex=True))], BOB),
    "not_any_of by other pattern": ([rule(USER, U, has("E", not_any_of=["^x"], regex=True))], BOB),
    "conditions take no place": ([rule({"user": {"name": "{1}"}}, U, has("T", any_one_of=["Employee"]), has("O", not_any_of=["x"]), has("E"))], BOB),
    "one attribute twice": ([rule(USER, U, has("G", any_one_of=["a"]), has("G", not_any_of=["x"]), has("G", whitelist=["b"]))], BOB),
    "whitelist": ([rule(GROUPS, U, has("G", whitelist=["b", "x"]))], BOB),
    "whitelist of several": ([rule(GROUPS, U, has("G", whitelist=["c", "a"]))], BOB),
    "whitelist, none": ([rule(GROUPS, U, has("G", whitelist=["x"]))], BOB),
    "whitelist, nothing listed": ([rule(GROUPS, U, has("G", whitelist=[]))], BOB),
    "whitelist by pattern": ([rule(GROUPS, U, has("G", whitelist=["^[ab]$"], regex=True))], {"U": "bob", "G": "b;a;ab;b"}),
    "whitelist, no attribute": ([rule(GROUPS, U, has("X", whitelist=["b"]))], BOB),
    "blacklist": ([rule(GROUPS, U, has("G", blacklist=["b", "x"]))], BOB),
    "blacklist, all": ([rule(GROUPS, U, has("G", blacklist=["a", "b", "c"]))], BOB),
    "blacklist, nothing listed": ([rule(GROUPS, U, has("G", blacklist=[]))], BOB),
    "blacklist by pattern": ([rule(GROUPS, U, has("G", blacklist=["^a"], regex=True))], {"U": "bob", "G": "b;ab;ca;a"}),
    "blacklist by no pattern": ([rule(GROUPS, U, has("G", blacklist=[], regex=True))], BOB),
    "a filtered name": ([rule({"user": {"name": "{0}"}}, has("G", blacklist=["b"]))], {"G": "b;a;b"}),
    "an empty filter in a name": ([rule({"user": {"name": "{0}"}}, has("G", whitelist=[]))], BOB),
    "filter after filter": ([rule(dict(USER, groups="{1}", group_ids="{2}", domain=D), U, has("G", whitelist=["a"]), has("G", blacklist=["a"]))], BOB),
    "a group by id": ([rule(dict(USER, group={"id": "g-{1}"}), U, has("T"))], BOB),
    "a group by name": ([rule(dict(USER, group={"name": "g", "domain": D}), U)], BOB),
    "a group by name and the domain's id": ([rule(dict(USER, group={"name": "{1}", "domain": {"id": "{0}"}}), U, has("T"))], BOB),
    "a group in two domains": ([rule([USER, {"group": {"name": "g", "domain": D}}, {"group": {"name": "g", "domain": D2}}], U)], BOB),
    "a group twice": ([rule([USER, {"group": {"name": "g", "domain": D}}, {"group": {"name": "g", "domain": D}}], U)], BOB),
    "a domain's name that is another's id": ([rule([USER, {"group": {"name": "g", "domain": {"id": "D"}}}, {"group": {"name": "g", "domain": D}}], U)], BOB),
    "groups of a value": ([rule(GROUPS, U, G)], BOB),
    "groups of one value": ([rule(GROUPS, U, G)], {"U": "bob", "G": "a"}),
    "groups of an empty value": ([rule(GROUPS, U, G)], {"U": "bob", "G": ""}),
    "groups without domain": ([rule(dict(USER, groups="{1}"), U, G)], BOB),
    "no groups without domain": ([rule(dict(USER, groups="{1}"), U, has("G", whitelist=[]))], BOB),
    "groups by domain id": ([rule(dict(USER, groups="{1}", domain=D2), U, G)], BOB),
    "groups with a domain elsewhere": ([rule([dict(USER, groups="{1}"), {"domain": D}], U, G)], BOB),
    "fixed groups with a semicolon": ([rule(dict(USER, groups="a;b", domain=D), U)], BOB),
    "fixed list of groups": ([rule(dict(USER, groups='["a", "b"]', domain=D), U)], BOB),
    "fixed list with values": ([rule(dict(USER, groups="['x', '{1}']", domain=D), U, has("T"))], BOB),
    "text around a list of groups": ([rule(dict(USER, groups="x{1}", domain=D), U, G)], BOB),
    "a list in a value": ([rule(GROUPS, U, G)], {"U": "bob", "G": "['x', \"y\", u'z', r'w']"}),
    "an empty list in a value": ([rule(GROUPS, U, G)], {"U": "bob", "G": "[]"}),
    "a broken list in a value": ([rule(GROUPS, U, G)], {"U": "bob", "G": "['x'"}),
    "lists in values": ([rule(GROUPS, U, G)], {"U": "bob", "G": "['x'];['y']"}),
    "a tuple in a value": ([rule(GROUPS, U, G)], {"U": "bob", "G": "('x', 'y')"}),
    "a number as a group": ([rule(GROUPS, U, G)], {"U": "bob", "G": "1234"}),
    "numbers as groups": ([rule(GROUPS, U, G)], {"U": "bob", "G": "1234;0x10"}),
    "escapes in a list": ([rule(GROUPS, U, G)], {"U": "bob", "G": r"['\x41\u00e9\n\101\q\'']"}),
    "JSON groups": ([rule(dict(USER, groups="{1}"), U, G)], {"U": "bob", "G": 'JSON:{"name":"g1","domain":{"name":"Default"}};JSON:{"name":"g2","domain":{"id":"x"}}'}),
    "one JSON group": ([rule(dict(USER, groups="{1}"), U, G)], {"U": "bob", "G": 'JSON:{"name":"g1","domain":{"name":"Default"}}'}),
    "JSON groups beside a domain": ([rule(GROUPS, U, G)], {"U": "bob", "G": 'JSON:{"name":"g1","domain":{"name":"Default"}}'}),
    "a JSON group without domain": ([rule(GROUPS, U, G)], {"U": "bob", "G": 'JSON:{"name":"g1"}'}),
    "broken JSON groups": ([rule(GROUPS, U, G)], {"U": "bob", "G": 'JSON:{"name"'}),
    "group_ids of a value": ([rule(dict(USER, group_ids="{1}"), U, G)], {"U": "bob", "G": "x;y;x"}),
    "group_ids of one value": ([rule(dict(USER, group_ids="{1}"), U, G)], {"U": "bob", "G": "x"}),
    "fixed group_ids": ([rule(dict(USER, group_ids="['x', 'y']"), U)], BOB),
    "group and group_ids": ([rule(dict(USER, group={"id": "x"}, group_ids="{1}"), U, G)], BOB),
    "the first user wins": ([rule(USER, U), rule({"user": {"name": "other", "email": "x"}}, U)], BOB),
    "groups of all rules": ([rule(dict(USER, group={"id": "1"}), U), rule({"group": {"id": "2"}}, G), rule({"group": {"id": "3"}}, has("X"))], BOB),
    "rules that do not apply": ([rule({"user": {"name": "x"}}, has("X")), rule(USER, U, has("T", not_any_of=["Contractor"]))], BOB),
    "projects": ([rule(dict(USER, projects=[project("p {0}", "r1", "{1}"), project("q")]), U, has("T"))], BOB),
    "the last projects win": ([rule(dict(USER, projects=[project("p")]), U), rule({"projects": [project("q", "r")]}, U)], BOB),
    "empty projects win": ([rule(dict(USER, projects=[project("p")]), U), rule({"projects": []}, U)], BOB),
    "projects of a rule that does not apply": ([rule(dict(USER, projects=[project("p")]), U), rule({"projects": []}, has("X"))], BOB),
    "1.0 ignores the domain": ([rule(dict(USER, projects=[project("p")], domain=D), U)], BOB),
    "2.0 user and project": ([rule(dict(USER, projects=[project("p")], domain=D), U)], BOB, "2.0"),
    "2.0 own domains": ([rule({"user": {"name": "{0}", "domain": D2}, "projects": [project("p", domain=D2), project("q")], "domain": D}, U)], BOB, "2.0"),
    "2.0 without domain": ([rule(dict(USER, projects=[project("p")]), U)], BOB, "2.0"),
    "2.0 domain of the last object": ([rule([dict(USER, domain=D), {"group": {"id": "g"}, "domain": D2}], U)], BOB, "2.0"),
    "2.0 domain elsewhere": ([rule([dict(USER, projects=[project("p")]), {"domain": D}], U)], BOB, "2.0"),
    "2.0 no user": ([rule({"group": {"id": "g"}, "domain": D}, U)], BOB, "2.0"),
    "2.0 groups": ([rule(GROUPS, U, G)], BOB, "2.0"),
    "3.0 projects_json": ([rule(dict(USER, projects_json="{1}", domain=D), U, has("P"))], {"U": "bob", "P": '[{"name": "p", "roles": [{"name": "r"}]}]'}, "3.0"),
    "3.0 projects_json by number": ([rule(dict(USER, projects_json="1"), U, has("P"))], {"U": "bob", "P": "[]"}, "3.0"),
    "3.0 projects beside": ([rule(dict(USER, projects_json="{1}", projects=[project("q")]), U, has("P"))], {"U": "bob", "P": '[{"name": "{0}", "roles": [], "domain": {"id": "d"}}]'}, "3.0"),
    "3.0 projects_json of no value": ([rule(dict(USER, projects_json="{1}"), U, has("P", whitelist=[]))], {"U": "bob", "P": "[]"}, "3.0"),
    "3.0 projects_json of several": ([rule(dict(USER, projects_json="{1}"), U, has("P"))], {"U": "bob", "P": "[];[]"}, "3.0"),
    "3.0 projects_json of no JSON": ([rule(dict(USER, projects_json="{1}"), U, has("P"))], {"U": "bob", "P": "p"}, "3.0"),
    "3.0 projects_json of an object": ([rule(dict(USER, projects_json="{1}"), U, has("P"))], {"U": "bob", "P": "{}"}, "3.0"),
    "3.0 projects_json without roles": ([rule(dict(USER, projects_json="{1}"), U, has("P"))], {"U": "bob", "P": '[{"name": "p"}]'}, "3.0"),
    "3.0 projects as a text": ([rule(dict(USER, projects="{1}"), U, has("P"))], {"U": "bob", "P": "[]"}, "3.0"),
    "2.0 projects_json": ([rule(dict(USER, projects_json="{1}"), U, has("P"))], {"U": "bob", "P": "[]"}, "2.0"),
    "1.0 project with a domain": ([rule(dict(USER, projects=[project("p", domain=D)]), U)], BOB),
    "an unknown version": ([rule(USER, U)], BOB, "4.0"),
    "the default version": ([rule(USER, U)], BOB, ""),
    "no rules": ([], BOB),
    "a rule without remote": ([{"local": [USER]}], BOB),
    "an empty remote": ([rule(USER)], BOB),
    "no local": ([{"remote": [U]}], BOB),
    "another member of a rule": ([dict(rule(USER, U), name="x")], BOB),
    "another member of local": ([rule(dict(USER, role="x"), U)], BOB),
    "another member of a user": ([rule({"user": {"name": "{0}", "enabled": True}}, U)], BOB),
    "another type of user": ([rule({"user": {"name": "{0}", "type": "service"}}, U)], BOB),
    "another member of an entry": ([rule(USER, has("U", equals="x"))], BOB),
    "an entry without type": ([rule(USER, {"any_one_of": ["x"]})], BOB),
    "two conditions": ([rule(USER, has("U", any_one_of=["bob"], not_any_of=["x"]))], BOB),
    "two filters": ([rule(USER, has("U", whitelist=["bob"], blacklist=["x"]))], BOB),
    "regex alone": ([rule(USER, has("U", regex=True))], BOB),
    "regex as a text": ([rule(USER, has("U", any_one_of=["bob"], regex="true"))], BOB),
    "a condition that is no list": ([rule(USER, has("U", any_one_of="bob"))], BOB),
    "a group by name without domain": ([rule(dict(USER, group={"name": "g"}), U)], BOB),
    "a group by id and domain": ([rule(dict(USER, group={"id": "g", "domain": D}), U)], BOB),
    "an empty group": ([rule(dict(USER, group={}), U)], BOB),
    "groups as a list": ([rule(dict(USER, groups=["a"], domain=D), U)], BOB),
    "a project without roles": ([rule(dict(USER, projects=[{"name": "p"}]), U)], BOB),
    "a role by id": ([rule(dict(USER, projects=[{"name": "p", "roles": [{"id": "r"}]}]), U)], BOB),
    "a domain with another member": ([rule({"user": {"name": "{0}", "domain": {"name": "D", "x": "y"}}}, U)], BOB),
    "a domain as a text": ([rule(dict(USER, groups="x", domain="D"), U)], BOB),
}


def written():
    cases = []
    for name, (rules, assertion, *version) in WRITTEN.items():
        cases.append({"id": name, "rules": rules, "assertion": assertion, **({"schema_version": version[0]} if version else {})})
    return cases


# -- generated ------------------------------------------------------------------------------------------------------------

NAMES = ["U", "U", "G", "G", "E", "O", "T", "P", "Missing", "u"]
VALUES = [
    "bob", "a", "b", "c", "ab", "admins", "the-admins", "bob@example.com", "", "rename-team", "domain-x", "it's", 'say "hi"', "日本", "é", "a b",
    "{0}", "{1}", "}", "['a', 'b']", '["c"]', "[]", "[1, 2]", "[1.5]", "[None]", "['a', ['b']]", "['a' 'b']", "['x", "('a',)", "1234", "JSON:", "name",
    'JSON:{"name": "g1", "domain": {"name": "Default"}}', 'JSON:{"name": "g2", "domain": {"id": "d"}, "x": 1}', 'JSON:{"name": "g3"}',
    'JSON:{"name": "g4", "domain": {}}', 'JSON:{"name": "g5", "domain": "D"}', 'JSON:{"domain": {"id": "d"}}', "JSON:[]", "JSON:{",
    '[{"name": "p", "roles": [{"name": "r"}]}]', '[{"name": "p", "roles": [], "domain": {"name": "D"}}]', '[{"name": "p"}]', "{}", "[[]]", "null",
    "a\nb", "\u200b", "\\n", "['\\x41']", "A", "ADMINS", "a\n",
]
COMMON = ["a", "b", "c", "bob", "ab", "admins"]
PATTERNS = [
    "adm", "^a", "a$", "^a$", ".", "^.$", "b|c", "(?i)ADM", "^[a-c]+$", "@example\\.com$", "", "^$", "\\d+", "\\w-\\w", "(?P<x>a)(?P=x)?", "(.)\\1", "(?=.*d)a",
    "^(?!a)", "(?<=e)-", "\\bteam\\b", "\\Aa\\Z", "[^a]", "x*", "(?:a|b){1,2}$", "\\s", "{", "a{,2}b", "(?s)a.b", "(?m)^b", "\\x61", "[\\w.]+@",
]
BROKEN_PATTERNS = ["[", "(", "*", "a**", "(?P<1>a)", "\\q", "(?<=a*)b", "(?<n>a)", "\\N{BULLET}", "a(?i)"]
TEMPLATES = ["{0}", "{0}", "{1}", "{2}", "x-{0}", "{0} {1}", "{}", "{}{}", "fixed", "{{0}}", "", "['a', '{0}']", "a;b", "[\"x\", \"y\"]", "team name"]
BROKEN_TEMPLATES = ["{", "}", "{bad}", "{0.__class__}", "{0!r}", "{0:>9}", "{0}{}", "{9}", "{0[0]}", "{ 0}"]
DOMAINS = [{"name": "D"}, {"id": "d2"}, {"name": "D", "id": "d"}, {"name": "{0}"}, {"id": "{1}"}]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        # How many values the rule at hand has to give.
        self.slots = 0

    def chance(self, share):
        return self.random.random() < share

    def pick(self, items):
        return self.random.choice(items)

    def template(self):
        if self.chance(0.008):
            return self.pick(BROKEN_TEMPLATES)
        # Places mostly have values.
        fits = [text for text in TEMPLATES if not any(f"{{{n}}}" in text for n in range(self.slots, 3)) and text.count("{}") <= self.slots]
        return self.pick(TEMPLATES if self.chance(0.01) else fits)

    def domain(self):
        return {} if self.chance(0.005) else copy.deepcopy(self.pick(DOMAINS[:3] if self.slots < 2 else DOMAINS))

    def some(self, low, high, make):
        return [make() for _ in range(self.random.randint(low, high))]

    def project(self, version):
        project = {"name": self.template(), "roles": self.some(0, 2, lambda: {"name": self.pick(["member", "reader", "{0}"])})}
        if version != "1.0" and self.chance(0.4):
            project["domain"] = self.domain()
        return project

    def local(self, version):
        local = {}
        if self.chance(0.6):
            user = {key: self.template() for key in ("id", "name", "email") if self.chance(0.5)}
            if self.chance(0.25):
                user["domain"] = self.domain()
            if self.chance(0.25):
                user["type"] = self.pick(["ephemeral", "local"])
            local["user"] = user
        if self.chance(0.25):
            local["group"] = {"id": self.template()} if self.chance(0.5) else {"name": self.template(), "domain": self.domain()}
        if self.chance(0.4):
            local["groups"] = self.template()
        if self.chance(0.25):
            local["group_ids"] = self.template()
        if self.chance(0.2):
            local["projects"] = self.some(0, 2, lambda: self.project(version))
        if version == "3.0" and self.chance(0.3):
            local["projects_json"] = self.pick([f"{{{n}}}" for n in range(self.slots)] * 20 + ["1", "{2}", "{0} x", "0}", "x", ""])
        if self.chance(0.6):
            local["domain"] = self.domain()
        return local

    def items(self, regex):
        if regex:
            return [self.pick(BROKEN_PATTERNS) if self.chance(0.01) else 7 if self.chance(0.002) else self.pick(PATTERNS) for _ in range(self.random.randint(0, 3))]
        return [self.pick([1, None, True, ["a"], {}]) if self.chance(0.01) else self.pick(COMMON if self.chance(0.7) else VALUES) for _ in range(self.random.randint(0, 4))]

    def entry(self):
        entry = {"type": self.pick(NAMES)}
        if self.chance(0.55):
            regex = self.chance(0.4)
            entry[self.pick(["any_one_of", "not_any_of", "whitelist", "blacklist"])] = self.items(regex)
            if regex or self.chance(0.1):
                entry["regex"] = regex
        return entry

    def rule(self, version):
        remote = self.some(1, 4, self.entry)
        if self.chance(0.7):
            remote.insert(0, {"type": "U"})
        self.slots = sum("any_one_of" not in entry and "not_any_of" not in entry for entry in remote)
        return {"local": self.some(0 if self.chance(0.1) else 1, 3, lambda: self.local(version)), "remote": remote}

    def value(self):
        count = self.pick([1, 1, 1, 1, 2, 3, 4])
        return ";".join(self.pick(COMMON if self.chance(0.5) else VALUES) for _ in range(count))

    def assertion(self):
        assertion = {name: self.value() for name in ("U", "G", "E", "O", "T", "P") if self.chance(0.9)}
        if self.chance(0.05):
            assertion[self.pick(["U", "G", "N"])] = self.pick([7, None, True, ["a"], {"a": "b"}])
        return assertion

    def break_it(self, value):
        """Changes one place of a document, whatever becomes of it."""
        junk = [None, True, 0, "x", [], {}, {"name": "x"}, ["x"], 1.5]
        if not isinstance(value, (dict, list)) or not value or self.chance(0.15):
            return copy.deepcopy(self.pick(junk))
        if isinstance(value, dict):
            if self.chance(0.2):
                extra = self.pick(["x", "name", "id", "domain", "regex", "type", "any_one_of", "whitelist", "user", "projects_json", "roles"])
                return {**value, extra: copy.deepcopy(self.pick(junk))}
            key = self.pick(sorted(value))
            if self.chance(0.25):
                return {k: v for k, v in value.items() if k != key}
            return {**value, key: self.break_it(value[key])}
        at = self.random.randrange(len(value))
        if self.chance(0.1):
            return value[:at] + value[at + 1:]
        return value[:at] + [self.break_it(value[at])] + value[at + 1:]

    def case(self, number):
        version = self.pick(["1.0", "1.0", "2.0", "3.0"])
        rules = self.some(1, 3, lambda: self.rule(version))
        if self.chance(0.15):
            rules = self.break_it(rules)
        case = {"id": number, "rules": rules, "assertion": self.assertion()}
        if version != "1.0" or self.chance(0.3):
            case["schema_version"] = version
        elif self.chance(0.05):
            case["schema_version"] = self.pick(["", None, "1", "4.0", 1.0])
        return case

    # -- patterns

    def atom(self, depth):
        kinds = ["a", "b", "1", "-", "é", ".", "\\w", "\\W", "\\d", "\\s", "\\S", "[ab]", "[^a]", "[a-f1]", "[\\w-]", "[]x]", "\\b", "\\B", "^", "$", "\\A", "\\Z", "\\.", "\\x61", "\n"]
        if depth > 0 and self.chance(0.45):
            inner = self.pattern(depth - 1)
            opening = self.pick(["(", "(", "(?:", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?P<n>", "(?#", "(?s:", "(?m:", "(?a:", "(?(1)"])
            return opening + inner + ")"
        if self.chance(0.08):
            return self.pick(["\\1", "\\2", "(?P=n)", "{", "}", "]", "\\q", "[", ")", "*", "{2}"])
        return self.pick(kinds)

    def pattern(self, depth):
        branches = []
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            text = ""
            for _ in range(self.pick([0, 1, 1, 2, 3])):
                text += self.atom(depth)
                if self.chance(0.35):
                    text += self.pick(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{,1}", "{0,2}?", "*+", "?+", "{1,}"])
            branches.append(text)
        return "|".join(branches)

    def pattern_case(self, number):
        pattern = self.pick(["", "", "", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?x)", "(?ai)"]) + self.pattern(3)
        values = ["".join(self.pick("aab1-éA \nxBſi²") for _ in range(self.random.randint(0, 7))) for _ in range(6)]
        rules = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "V", "whitelist": [pattern], "regex": True}]}]
        return {"id": number, "rules": rules, "assertion": {"V": ";".join(values)}}


def generate(seed, count):
    generator = Generator(seed)
    return [generator.case(number) for number in range(count)]


def generate_patterns(seed, count):
    generator = Generator(f"patterns {seed}")
    return [generator.pattern_case(number) for number in range(count)]
