"""REL-KILL-1: kill -9 at random points while objects are written and tokens issued, then what was acknowledged is there.

Every key (a domain, an identity provider, a grant, a token …) has a set of states that it may be found in: one after an
acknowledged write, two while a write is under way. After each kill the server is started again on the same data (under 5 s),
everything touched in that round is read back, and no object may be half there: no identity provider without its domain, no
enabled automatic domain without its identity provider, no user without a password.

`ARCHSTONE_KILL_POINTS` sets the number of points per database (200); `long.sh` runs more.
"""

import os
import random
import threading
import time

import pytest

from api import ADMIN_SCOPES, Api
from harness import unique
from rig import BROKEN, Node

POINTS = int(os.environ.get("ARCHSTONE_KILL_POINTS", "200"))
WORKERS = 4
GONE = None
IDPS = "/v3/OS-FEDERATION/identity_providers"
AUTO = "Auto generated federated domain for Identity Provider: "


class Model:
    """What each key may be found as. A worker writes only its own keys, so no two writes of one key overlap."""

    def __init__(self):
        self.states = {}
        self.touched = set()
        self.odd = []
        self.acknowledged = 0

    def write(self, key, new, call, ok):
        """Runs `call`; the key may be old or new until the answer is in."""
        old = self.states.get(key, {GONE})
        self.states[key] = old | {new}
        self.touched.add(key)
        got = call()
        if got.status in ok:
            self.states[key] = {new}
            self.acknowledged += 1
        else:
            self.odd.append((key, got.status, got.body[:200]))
        return got


class Worker(threading.Thread):
    """Writes one kind of thing after another until the server is gone."""

    def __init__(self, number, server, model, token, role, seed):
        super().__init__(daemon=True)
        self.number, self.model, self.admin, self.role = number, model, token, role
        self.api, self.chance = Api(server.address, 5), random.Random(seed)
        self.began = threading.Event()

    def run(self):
        acts = [self.domain, self.provider, self.provider_change, self.person, self.token]
        try:
            while True:
                act = self.chance.choice(acts)
                self.began.set()
                act()
        except BROKEN:
            self.api.close()

    def send(self, method, path, body=None, token=None, headers=None):
        return lambda: self.api.call(method, path, body, token or self.admin, headers)

    def domain(self):
        name = unique("kill")
        made = self.model.write(("domain", name), "first", self.send("POST", "/v3/domains", {"domain": {"name": name, "description": "first"}}), (201,))
        if made.status != 201:
            return
        path = f"/v3/domains/{made.json['domain']['id']}"
        self.model.write(("domain", name), "second", self.send("PATCH", path, {"domain": {"description": "second"}}), (200,))
        if self.chance.random() < 0.3:
            self.model.write(("domain", name), "second-off", self.send("PATCH", path, {"domain": {"enabled": False}}), (200,))
            self.model.write(("domain", name), GONE, self.send("DELETE", path), (204,))

    def provider(self):
        name = unique("kill")
        remote = (f"{name}-a", f"{name}-b")
        body = {"identity_provider": {"enabled": True, "remote_ids": list(remote)}}
        self.model.write(("provider", name), remote, self.send("PUT", f"{IDPS}/{name}", body), (201,))

    def provider_change(self):
        name = unique("kill")
        first, second = (f"{name}-a",), (f"{name}-b", f"{name}-c", f"{name}-d")
        for method, remote, ok in (("PUT", first, 201), ("PATCH", second, 200)):
            body = {"identity_provider": {"remote_ids": list(remote)}}
            self.model.write(("provider", name), remote, self.send(method, f"{IDPS}/{name}", body), (ok,))
        if self.chance.random() < 0.5:
            self.model.write(("provider", name), GONE, self.send("DELETE", f"{IDPS}/{name}"), (204,))

    def person(self):
        name = unique("kill")
        user = {"user": {"name": name, "password": f"password of {name}", "domain_id": "default"}}
        made = self.model.write(("person", name), "enabled", self.send("POST", "/v3/users", user), (201,))
        if made.status != 201:
            return
        user_id = made.json["user"]["id"]
        path = f"/v3/domains/default/users/{user_id}/roles/{self.role}"
        self.model.write(("grant", path), True, self.send("PUT", path), (204,))
        if self.chance.random() < 0.5:
            self.model.write(("grant", path), GONE, self.send("DELETE", path), (204,))
        if self.chance.random() < 0.3:
            self.model.write(("person", name), "disabled", self.send("PATCH", f"/v3/users/{user_id}", {"user": {"enabled": False}}), (200,))

    def token(self):
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": self.admin}}, "scope": ADMIN_SCOPES[self.number % len(ADMIN_SCOPES)]}}
        issued = self.api.call("POST", "/v3/auth/tokens?nocatalog", body)
        if issued.status != 201:
            self.model.odd.append(("issue", issued.status, issued.body[:200]))
            return
        key = ("token", issued.token)
        self.model.states[key] = {"valid"}
        self.model.touched.add(key)
        if self.chance.random() < 0.7:
            self.model.write(key, GONE, self.send("DELETE", "/v3/auth/tokens", headers={"X-Subject-Token": issued.token}), (204,))


def found(api, admin, key):
    """The state in which a key is found now."""
    kind, name = key
    if kind == "domain":
        got = api.want(200, "GET", f"/v3/domains?name={name}", token=admin).json["domains"]
        return (got[0]["description"] + ("" if got[0]["enabled"] else "-off")) if got else GONE
    if kind == "provider":
        got = api.call("GET", f"{IDPS}/{name}", token=admin)
        if got.status == 404:
            return GONE
        provider = got.json["identity_provider"]
        api.want(200, "GET", f"/v3/domains/{provider['domain_id']}", token=admin)
        return tuple(sorted(provider["remote_ids"]))
    if kind == "person":
        got = api.want(200, "GET", f"/v3/users?name={name}&domain_id=default", token=admin).json["users"]
        if not got:
            return GONE
        status = api.login(name, f"password of {name}").status
        assert status == (201 if got[0]["enabled"] else 401), f"user {name} is half there: {status}"
        return "enabled" if got[0]["enabled"] else "disabled"
    if kind == "grant":
        status = api.call("HEAD", name, token=admin).status
        return {204: True, 404: GONE}[status]
    status = api.validate(name, token=admin).status
    return {200: "valid", 404: GONE}[status]


def check(api, admin, model, keys):
    """Reads the keys back; each must be in one of its allowed states, which then is its only one."""
    for key in keys:
        state = found(api, admin, key)
        assert state in model.states[key], f"{key} is {state!r}, but was acknowledged as one of {model.states[key]!r}"
        model.states[key] = {state}


def everything(api, admin, path, name):
    """All members of a collection, over all pages."""
    got, marker = [], ""
    while True:
        page = api.want(200, "GET", f"{path}?limit=1000{marker}", token=admin).json
        got += page[name]
        if not page[name] or not page["links"].get("next"):
            return got
        marker = f"&marker={page[name][-1]['id']}"


def check_whole(api, admin):
    """No identity provider without a domain, no automatic domain without its identity provider."""
    providers = {p["id"]: p for p in everything(api, admin, IDPS, "identity_providers")}
    domains = {d["id"]: d for d in everything(api, admin, "/v3/domains", "domains")}
    for provider in providers.values():
        assert provider["domain_id"] in domains, f"identity provider {provider['id']} has lost its domain"
    for domain in domains.values():
        text = domain.get("description") or ""
        if text.startswith(AUTO):
            # With its identity provider an automatic domain is enabled, and left behind it is not.
            assert (text[len(AUTO):] in providers) == domain["enabled"], f"domain {domain['id']} of {text[len(AUTO):]}"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_rel_kill_1_no_acknowledged_write_is_lost(database, cluster):
    seed = int(os.environ.get("ARCHSTONE_KILL_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}")
    chance, model = random.Random(seed), Model()
    server = Node(cluster.fresh_database() if database == "postgres" else None)
    starts = []
    try:
        server.prepare().start()
        api = Api(server.address, 10)
        admin = server.admin()
        role = api.role_id(admin, "reader")
        for point in range(POINTS):
            workers = [Worker(n, server, model, admin, role, chance.random()) for n in range(WORKERS)]
            for worker in workers:
                worker.start()
            workers[0].began.wait(5)
            time.sleep(chance.uniform(0.02, 0.3))
            api.close()
            server.kill()
            for worker in workers:
                worker.join(10)
            began = time.monotonic()
            server.start()
            starts.append(time.monotonic() - began)
            check(api, admin, model, sorted(model.touched, key=str))
            model.touched.clear()
            assert not model.odd, model.odd[:5]
            if point % 25 == 24:
                check_whole(api, admin)
        check(api, admin, model, sorted(model.states, key=str)[:: max(1, len(model.states) // 500)])
        check_whole(api, admin)
        assert max(starts) < 5.0, max(starts)
        # The test must have tested something.
        assert model.acknowledged > POINTS * 5, model.acknowledged
        print(f"{database}: {POINTS} kills, {model.acknowledged} acknowledged writes, slowest start {max(starts):.2f} s")
        assert "panicked" not in server.log()
    finally:
        server.remove()
