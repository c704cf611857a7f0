"""Random cases for the policy differential test: rules, targets and credentials.

Everything comes from one seeded generator, so a case is named by (seed, number). Objects are written with sorted keys on
both sides, because the text of a mapping shows its order.
"""

import random

ROLES = ["admin", "Admin", "member", "reader", "MEMBER", "service", "secu_admin", "manager", "Größe", "role with space", ""]
TEXTS = ["d1", "d2", "u1", "u2", "p1", "all", "True", "False", "None", "1", "1.0", "", "admin", "x y", "it's", 'say "hi"', "é", "a%b", "(x)"]
# Few, so that comparisons often hold.
COMMON = ["d1", "d1", "u1"]
NUMBERS = [0, 1, -1, 7, 10**15, 2**63, 1.0, 0.1, -0.0, 1e16, 1.5e-7, 123456.789, 1e22, 5e-324]
CRED_KEYS = ["user_id", "project_id", "domain_id", "system_scope", "is_admin", "is_admin_project", "user_domain_id", "project_domain_id"]
TARGET_KEYS = [
    "user_id", "domain_id", "project_id", "target.user.domain_id", "target.user.id", "target.role.domain_id", "target.role.name",
    "target.domain.id", "target.token.user_id", "target.domain_id", "target.user.enabled", "request_body.user.name", "filter_attr.name", "num",
]
PATHS = CRED_KEYS + ["token.user.id", "token.user.domain.id", "token.project.domain.id", "token.roles.id", "token.methods", "group_ids", "roles", "token", "missing", "token.missing.x", "system", "OS-FEDERATION.idp", "user_id.x", "token.user.id.x", "token.roles", "token.nested.a.b"]
LITERALS = ["True", "False", "None", "1", "0", "-1", "+7", "1.0", "1.", ".1", "1e16", "00", "'d1'", '"d1"', "'admin'", "''", "'None'", "'True'", "'it"]
ODD_KINDS = ["", "@", "!", "class", "a b", "1x", "01", "a..b", "a.", ".a", "'x", "x'", "token.class", "é", "a/b", "[1]", "-", "not", "user-", "#x", "u'd1'", "'d''1'", "0x1", "-domain_id", "a+b"]
ODD_MATCHES = ["%", "%s", "%d", "%(user_id)d", "%(user_id", "100%", "%%", "%(user_id)s%%", "%(a(b))s", "%(user_id)10s"]
NAMES = ["r0", "r1", "r2", "r3", "r4", "default", "admin_required", "identity:x"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.nullish = False

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, share):
        return self.random.random() < share

    def scalar(self):
        if self.nullish and self.chance(0.6):
            return None
        return self.random.choices(
            [self.pick(COMMON), self.pick(TEXTS), None, True, False, self.pick(NUMBERS)], weights=[45, 20, 20, 5, 3, 7]
        )[0]

    def value(self, depth=0):
        roll = self.random.random()
        if depth < 3 and roll < 0.08:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        if depth < 3 and roll < 0.14:
            return {self.pick(["a", "b", "id", "name"]): self.value(depth + 1) for _ in range(self.random.randrange(3))}
        return self.scalar()

    def target(self):
        out = {}
        for key in TARGET_KEYS:
            if self.chance(0.55):
                value = self.value()
                if self.chance(0.5) or "." not in key:
                    out[key] = value
                else:
                    self.nest(out, key.split("."), value)
        return out

    @staticmethod
    def nest(out, path, value):
        for name in path[:-1]:
            out = out.setdefault(name, {})
            if not isinstance(out, dict):
                return
        out[path[-1]] = value

    def credentials(self):
        out = {}
        for key in CRED_KEYS:
            if self.chance(0.7):
                out[key] = self.scalar()
        if self.chance(0.9):
            out["roles"] = [self.pick(ROLES) for _ in range(self.random.randrange(4))]
        if self.chance(0.02):
            out["roles"] = self.pick([None, "admin", "a", 5, {"admin": 1}, ["admin", None], [1]])
        if self.chance(0.6):
            out["token"] = {
                "user": {"id": self.pick(TEXTS), "domain": {"id": self.scalar()}},
                "project": {"domain": {"id": self.pick(TEXTS)}},
                "roles": [{"id": self.pick(TEXTS), "name": self.pick(ROLES)} for _ in range(self.random.randrange(3))],
                "methods": ["password", "token"][: self.random.randrange(3)],
                "nested": self.value(),
            }
        if self.chance(0.5):
            out["group_ids"] = [self.pick(TEXTS) for _ in range(self.random.randrange(3))]
        if self.chance(0.1):
            out["OS-FEDERATION"] = {"idp": self.pick(TEXTS)}
        return out

    def match(self, odd):
        if odd and self.chance(0.1):
            return self.pick(ODD_MATCHES)
        roll = self.random.random()
        if roll < 0.55:
            return "%%(%s)s" % self.pick(TARGET_KEYS + ["missing"])
        if roll < 0.62:
            return "%s%%(%s)s%s" % (self.pick(["", "d", "x-"]), self.pick(TARGET_KEYS), self.pick(["", "1", ":y"]))
        return self.pick(COMMON + ["None"] + [text for text in TEXTS if " " not in text and "%" not in text])

    def check(self, odd, listed=False):
        roll = self.random.random()
        if odd and roll < 0.04:
            return self.pick(["word", "'quoted text'", "'quoted'", '"q"', "()", "", "a", "@@", "=="])
        if odd and roll < 0.09:
            return self.pick(ODD_KINDS if listed else [kind for kind in ODD_KINDS if " " not in kind]) + ":" + self.match(odd)
        if roll < 0.13:
            return "@"
        if roll < 0.17:
            return "!"
        if roll < 0.35:
            return "rule:" + self.pick(NAMES + ["undefined"])
        if roll < 0.58:
            return "role:" + (self.pick([role for role in ROLES if " " not in role]) if self.chance(0.85) else self.match(odd))
        kind = self.pick(LITERALS) if self.chance(0.2) else self.pick(PATHS)
        return kind + ":" + self.match(odd)

    def operator(self, word):
        return self.pick([word, word, word, word.upper(), word.capitalize()])

    def expression(self, odd, depth=0):
        """A sentence of the language."""
        roll = self.random.random()
        if depth > 4 or roll < 0.4:
            return self.check(odd)
        if roll < 0.52:
            return self.operator("not") + " " + self.expression(odd, depth + 1)
        if roll < 0.7:
            pad = self.pick(["", "", " "])
            return "(" + pad + self.expression(odd, depth + 1) + pad + ")"
        space = self.pick([" ", " ", " ", "  ", "\t", "\n"])
        joined = self.expression(odd, depth + 1)
        for _ in range(self.random.randrange(1, 4)):
            joined += space + self.operator(self.pick(["and", "or"])) + space + self.expression(odd, depth + 1)
        return joined

    def spoil(self, text):
        """Usually no sentence any more."""
        words = text.split(" ")
        for _ in range(self.random.randrange(1, 3)):
            at = self.random.randrange(len(words) + 1)
            roll = self.random.random()
            if roll < 0.3 and len(words) > 1:
                del words[min(at, len(words) - 1)]
            elif roll < 0.7:
                words.insert(at, self.pick(["(", ")", "and", "or", "not", "()", "((", "))", "'q'", "word", "@", "a:b", "\u00a0", "\x1c"]))
            else:
                self.random.shuffle(words)
        return " ".join(words)

    def listed(self, odd):
        if self.chance(0.06):
            return self.pick([[], [[]], [""], [[""]], [[], "@"], [["@", []]], [[5]], [["@"], []]])
        out = []
        for _ in range(self.random.randrange(1, 4)):
            if self.chance(0.5):
                out.append(self.check(odd, True))
            else:
                out.append([self.check(odd, True) for _ in range(self.random.randrange(1, 4))])
        return out

    def rule(self, odd):
        roll = self.random.random()
        if roll < 0.04:
            return self.pick(["", "@", "!", " "])
        if odd and roll < 0.06:
            return self.pick([None, True, False, 5, 0, {}, {"a": "@"}, [5], ["@", None]])
        if roll < 0.25:
            return self.listed(odd)
        text = self.expression(odd)
        if odd and self.chance(0.3):
            text = self.spoil(text)
        return text

    def case(self, number):
        odd = self.chance(0.5)
        self.nullish = self.chance(0.2)
        names = self.random.sample(NAMES, self.random.randrange(1, 6))
        case = {
            "id": number,
            "rules": {name: self.rule(odd) for name in names},
            "rule": self.pick(names + ["undefined"]) if self.chance(0.3) else names[0],
            "target": self.target(),
            "creds": self.credentials(),
        }
        if self.chance(0.2):
            case["default_rule"] = self.pick(NAMES)
        return case


def generate(seed, count):
    generator = Generator(seed)
    return [generator.case(number) for number in range(count)]
