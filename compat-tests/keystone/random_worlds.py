"""Random worlds of domains, projects, users, groups, roles and grants: described once, built on any server.

A description is plain data made of short names (`d0`, `d0p1`, `u2`, …), the same for the same seed. `Built` is one on a server:
it knows which id has which short name and answers in short names, so that answers of two servers can be compared.
"""

import json
import random
import re

from harness import unique
from identity_calls import call, done, items, make


def describe(seed):
    """The world of this seed."""
    rng = random.Random(seed)
    world = {"domains": [f"d{n}" for n in range(rng.randint(2, 3))], "projects": {}, "users": {}, "groups": {}, "roles": {},
             "members": [], "implications": [], "grants": []}
    for domain in world["domains"]:
        below = {1: [], 2: [], 3: []}
        for number in range(rng.randint(3, 5)):
            level = rng.choice([level for level in (1, 2, 3) if level == 1 or below[level - 1]])
            name = f"{domain}p{number}"
            world["projects"][name] = (domain, rng.choice(below[level - 1]) if level > 1 else domain)
            below[level].append(name)
    for kind, count in (("users", 3), ("groups", 3)):
        world[kind] = {f"{kind[0]}{n}": rng.choice(world["domains"]) for n in range(count)}
    world["members"] = [(group, user) for group in world["groups"] for user in world["users"] if rng.random() < 0.4]
    world["roles"] = {f"r{n}": None for n in range(5)} | {f"{domain}r{n}": domain for domain in world["domains"] for n in range(2)}
    for prior, home in world["roles"].items():
        for implied, other in world["roles"].items():
            # Chains, diamonds and a loop now and then; a global role cannot imply a domain's.
            if (other is None or other == home) and rng.random() < 0.13:
                world["implications"].append((prior, implied))
    while len(world["grants"]) < 16:
        grant = random_grant(rng, world)
        if grant not in world["grants"]:
            world["grants"].append(grant)
    return world


def random_grant(rng, world):
    """(actor, role, target, inherited); the target is a project, a domain or `system`."""
    actor = rng.choice([*world["users"], *world["groups"]])
    target = rng.choice([*world["projects"]] * 2 + world["domains"] * 2 + ["system"])
    home = world["projects"].get(target, (target,))[0]
    role = rng.choice([role for role, domain in world["roles"].items() if domain is None or domain == home])
    return actor, role, target, target != "system" and rng.random() < 0.4


class Built:
    """The world on a server."""

    def __init__(self, archstone, world):
        self.archstone, self.world, self.mark, self.id, self.tokens = archstone, world, unique("w"), {}, {}
        for name in world["domains"]:
            self.add("domain", name)
        for name, (domain, parent) in world["projects"].items():
            self.add("project", name, domain_id=self.id[domain], parent_id=self.id[parent])
        for name, domain in world["users"].items():
            self.add("user", name, domain_id=self.id[domain], password=f"secret of {name}")
        for name, domain in world["groups"].items():
            self.add("group", name, domain_id=self.id[domain])
        for name, domain in world["roles"].items():
            self.add("role", name, **({"domain_id": self.id[domain]} if domain else {}))
        for group, user in world["members"]:
            self.membership("PUT", group, user)
        for prior, implied in world["implications"]:
            done(archstone, "PUT", f"/roles/{self.id[prior]}/implies/{self.id[implied]}", status=201)
        for grant in world["grants"]:
            self.grant("PUT", *grant)
        self.name = {value: key for key, value in self.id.items()}

    def add(self, kind, name, **fields):
        self.id[name] = make(self.archstone, kind, name=f"{self.mark}-{name}", **fields)["id"]

    def membership(self, method, group, user):
        done(self.archstone, method, f"/groups/{self.id[group]}/users/{self.id[user]}")

    def grant(self, method, actor, role, target, inherited):
        kind = "domains" if target in self.world["domains"] else "projects"
        where = target if target == "system" else f"{kind}/{self.id[target]}"
        path = f"/{where}/{'users' if actor in self.world['users'] else 'groups'}/{self.id[actor]}/roles/{self.id[role]}"
        done(self.archstone, method, f"/OS-INHERIT{path}/inherited_to_projects" if inherited else path)

    def assignments(self, query):
        """The assignments a list with this query shows, without links, in short names; each once, in order.

        Keystone leaves the system out of effective mode, and lists it whatever is asked of inheritance: so neither is compared.
        """
        answer = call(self.archstone, "GET", "/role_assignments?" + re.sub(r"{(\w+)}", lambda m: self.id[m[1]], query))
        if answer.status_code != 200:
            return answer.status_code
        found = set()
        for entry in answer.json()["role_assignments"]:
            if "system" in entry["scope"] and ("effective" in query or "inherited_to" in query):
                continue
            text = json.dumps({key: value for key, value in entry.items() if key != "links"}, sort_keys=True)
            for object_id, name in self.name.items():
                text = text.replace(object_id, name)
            found.add(text.replace(f"{self.mark}-", ""))
        return sorted(found)

    def token(self, user):
        """An unscoped token of the user."""
        if user not in self.tokens:
            self.tokens[user] = self.archstone.token({"id": self.id[user]}, f"secret of {user}", unscoped=True)
        return self.tokens[user]

    def roles(self, user, target):
        """The roles that a token with this scope has, or the status with which it is refused."""
        scope = {"system": True} if target == "system" else {
            "domain" if target in self.world["domains"] else "project": self.id[target]}
        answer = self.archstone.rescope(self.token(user), **scope)
        if answer.status_code != 201:
            return answer.status_code
        return sorted(self.name[role["id"]] for role in answer.json()["token"]["roles"])

    def reachable(self, user):
        """What /auth/projects, /auth/domains and the user's projects list."""
        def names(path, collection, token):
            listed = self.archstone.expect(200, "GET", path, token=token)[collection]
            return sorted(self.name[item["id"]] for item in listed)

        own = self.token(user)
        return (names("/v3/auth/projects", "projects", own), names("/v3/auth/domains", "domains", own),
                names(f"/v3/users/{self.id[user]}/projects", "projects", self.archstone.admin_token))

    def effective_targets(self, user):
        """Targets on which the user has an effective role: what tokens must agree with."""
        entries = items(self.archstone, f"/role_assignments?effective&user.id={self.id[user]}")
        scopes = [entry["scope"] for entry in entries]
        return {self.name[scope[kind]["id"]] for scope in scopes for kind in ("project", "domain") if kind in scope}


def queries(seed, world, count):
    """Queries on role assignments, in short names: the plain ones of every object and a random choice of combinations."""
    rng = random.Random(f"queries {seed}")
    users, groups, roles = ([f"{kind}.id={{{name}}}" for name in world[kind + "s"]] for kind in ("user", "group", "role"))
    projects = [f"scope.project.id={{{name}}}" for name in world["projects"]]
    domains = [f"scope.domain.id={{{name}}}" for name in world["domains"]]
    inherited = ["scope.OS-INHERIT:inherited_to=projects", "scope.OS-INHERIT:inherited_to=other"]
    found = {*users, *groups, *roles, *domains, *(f"{query}&effective" for query in [*users, *domains])}
    while len(found) < count:
        parts = [rng.choice(choice) for choice in (users + groups + [""] * 4, roles + [""] * 12, projects + domains + [""] * 3,
                                                   ["effective", "effective", ""], ["include_names", "", ""], inherited + [""] * 4,
                                                   ["include_subtree", ""])]
        query = "&".join(part for part in parts if part)
        if any(".id=" in part for part in parts) and ("include_subtree" not in query or "scope.project" in query):
            found.add(query)
    return sorted(found)
