"""Measures complete logins at a tenant's application beside Ory Polis's library. See README.md.

A person whose company runs an OpenID provider signs in at an application: authorize, the company's provider and back, the code
for tokens, userinfo. Archstone and a bare server around `@boxyhq/saml-jackson` do that in turn, with the same provider, the
same client, the same database cluster.
"""

import argparse
import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from attempts import ATTEMPTS, keep, verdict  # noqa: E402
from bench import TICKS  # noqa: E402
from browsers import Application, crowd  # noqa: E402
from harness import Archstone, Postgres, free_port  # noqa: E402
from peers.jose import Key  # noqa: E402
from peers.openid import NODE  # noqa: E402

BROWSERS, PEOPLE = 8, 50
# Everybody has an account by then, and Node has compiled what it runs.
WARM_UP = 300
# What must hold: the server CPU of Polis's login beside ours, on PostgreSQL.
ECONOMY = 5.0

# Nobody listens there: browsers are stopped when they are sent to it.
REDIRECT_URI = "http://127.0.0.1:1/signed-in"
EGRESS = {"ARCHSTONE_EGRESS__ALLOW": "127.0.0.1,localhost", "ARCHSTONE_EGRESS__SCHEMES": "http,https", "ARCHSTONE_EGRESS__PORTS": ""}
# Everybody comes from one address.
LIMITS = {f"ARCHSTONE_TENANT__{what}_PER_MINUTE": "0" for what in ("BEGIN", "FINISH", "TOKEN")}


def cpu_seconds(pid):
    """User and system time so far of a process, its threads and all its children, also of those that have ended."""
    total, children = 0, {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append((int(stat.parent.name), sum(map(int, fields[11:15]))))
        if int(stat.parent.name) == pid:
            total = sum(map(int, fields[11:15]))
    left = [pid]
    while left:
        for child, ticks in children.get(left.pop(), []):
            total += ticks
            left.append(child)
    return total / TICKS


class Program:
    """A Node program that is told what to be by its first line of input and answers each line by one."""

    def __init__(self, path, told):
        self.process = subprocess.Popen([NODE, HERE / path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | {"NODE_ENV": "production"})
        self.answer = self.tell(told)

    def tell(self, told):
        """Writes a line; the answer."""
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "it has ended"
        return json.loads(answer)

    def remove(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Company(Program):
    """The OpenID provider of everybody's company."""

    CLIENT = {"clientId": "tenant", "clientSecret": "tenant-secret"}

    def __init__(self):
        key = Key("company")
        super().__init__("company.mjs", self.CLIENT | {"port": free_port(), "jwk": key.private_jwk(), "kid": key.kid, "redirectUris": []})
        self.issuer, self.callbacks = self.answer, []

    @property
    def discovery(self):
        """The URL of the discovery document."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def allow(self, callback):
        """Sends browsers back to this URL as well."""
        self.callbacks.append(callback)
        self.tell(self.callbacks)


def get(url):
    """The JSON behind a URL."""
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text}"
    return answer.json()


class Polis:
    """Polis's library. `database` is a PostgreSQL URL, or None for what it keeps in memory; with `discovers` it asks for the
    company's discovery document, as whoever sets a connection up is told to have it, instead of having been told the metadata."""

    PROGRAM = "polis/server.mjs"

    def __init__(self, company, database, **how):
        key, port = Key("polis").key, free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.program = Program(self.PROGRAM, self.told(company, **how) | {
            "port": port, "engine": "sql" if database else "mem", "database": database, "alg": "RS256", "redirectUri": REDIRECT_URI,
            "key": {
                "private": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
                "public": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            },
        })
        self.pid, made = self.program.process.pid, self.program.answer
        self.application = Application(
            self.url, made["clientId"], made["clientSecret"], REDIRECT_URI, authorize=f"{self.url}/authorize", token=f"{self.url}/token",
            userinfo=f"{self.url}/userinfo", jwks=get(f"{self.url}/jwks"))

    def told(self, company, discovers):
        """What the program is told of the company."""
        company.allow(f"{self.url}/callback")
        upstream = {"discovery": company.discovery} if discovers else {"metadata": get(company.discovery)}
        return {"upstream": upstream | Company.CLIENT}

    def remove(self):
        """Ends the process."""
        self.program.remove()


class Tenant:
    """A tenant of ours with one application, whose people come by the company's provider."""

    def __init__(self, company, database):
        self.server = Archstone(database, settings=EGRESS | LIMITS, described=False)
        self.server.settings["ARCHSTONE_SERVER__PUBLIC_URL"] = self.server.url
        self.server.prepare().start()
        self.pid = self.server.process.pid
        tenant = self.make("tenants", slug="bench")
        idp = self.make("identity-providers", tenant_id=tenant["id"], name="company", **self.told(company, tenant))
        made = self.make("applications", tenant_id=tenant["id"], name="application", type="WEB", redirect_uris=[REDIRECT_URI])
        found = get(tenant["discovery_url"])
        self.application = Application(
            tenant["issuer"], made["client_id"], made["client_secret"], REDIRECT_URI, authorize=found["authorization_endpoint"],
            token=found["token_endpoint"], userinfo=found["userinfo_endpoint"], jwks=get(found["jwks_uri"]), hint=idp["id"])

    def told(self, company, tenant):
        """What the tenant is told of the company."""
        company.allow(f"{tenant['issuer']}/federation/oidc/callback")
        client = {"client_id": Company.CLIENT["clientId"], "client_secret": Company.CLIENT["clientSecret"]}
        return {"provider_type": "oidc", "oidc": {"issuer": company.issuer} | client}

    def make(self, what, **body):
        """Makes one through the admin API."""
        return self.server.expect(201, "POST", f"/api/v1/admin/{what}", token=self.server.admin_token, json=body)

    def remove(self):
        """Ends the process and deletes its folder."""
        self.server.remove()


class Side:
    """One of those that are compared, and its rounds."""

    def __init__(self, name, service, company, database_pid=None):
        self.name, self.service, self.company, self.database_pid, self.rounds = name, service, company, database_pid, []

    def crowd(self, until):
        """Signs people in; seconds that each login took."""
        return asyncio.run(crowd(self.company.issuer, self.service.application, BROWSERS, PEOPLE, until))

    def warm_up(self):
        """Signs everybody in more than once."""
        self.crowd(lambda done: done >= WARM_UP)
        self.service.application.everybody(PEOPLE)

    def round(self, seconds):
        """One round."""
        def spent():
            return [cpu_seconds(pid) if pid else 0.0 for pid in (self.service.pid, self.database_pid)]

        before, began = spent(), time.monotonic()
        took = self.crowd(lambda _: time.monotonic() > began + seconds)
        elapsed = time.monotonic() - began
        cpu, database = ((after - first) * 1e6 / len(took) for after, first in zip(spent(), before))
        self.rounds.append({"rate": len(took) / elapsed, "cpu_us": cpu, "database_us": database, "p50_ms": statistics.median(took) * 1e3,
                            "p99_ms": sorted(took)[int(len(took) * 0.99)] * 1e3})

    def summary(self):
        """The medians."""
        return {key: round(statistics.median(r[key] for r in self.rounds), 1) for key in self.rounds[0]}


def beside(polis, ours, *keys):
    """The median over rounds of what Polis spends beside ours."""
    spent = ([sum(r[key] for key in keys) for r in side.rounds] for side in (polis, ours))
    return round(statistics.median(p / o for p, o in zip(*spent)), 2)


def take_turns(sides, rounds, seconds):
    """Warms every side up, then lets them take turns."""
    for each in sides:
        each.warm_up()
    for _ in range(rounds):
        for each in sides:
            each.round(seconds)


def measure(rounds, seconds, only):
    """Figures by side, and ratios."""
    with Postgres() as cluster:
        pid = int(pathlib.Path(f"{cluster.folder}/data/postmaster.pid").read_text().split()[0])
        company, sides = Company(), []

        def side(name, make, database_pid=None):
            if only in (None, name.split()[0]):
                sides.append(Side(name, make(), company, database_pid))

        try:
            side("archstone postgres", lambda: Tenant(company, cluster.fresh_database()), pid)
            side("polis postgres", lambda: Polis(company, cluster.fresh_database(), discovers=True), pid)
            side("archstone sqlite", lambda: Tenant(company, None))
            side("polis memory", lambda: Polis(company, None, discovers=True))
            side("polis told", lambda: Polis(company, cluster.fresh_database(), discovers=False), pid)
            take_turns(sides, rounds, seconds)
        finally:
            for each in sides:
                each.service.remove()
            company.remove()
    figures, by_name = {each.name: each.summary() for each in sides}, {each.name: each for each in sides}
    if only is None:
        ours = by_name["archstone postgres"]
        figures["ratios"] = {
            "postgres": beside(by_name["polis postgres"], ours, "cpu_us"),
            "postgres with the database's own": beside(by_name["polis postgres"], ours, "cpu_us", "database_us"),
            "memory beside sqlite": beside(by_name["polis memory"], by_name["archstone sqlite"], "cpu_us"),
            "postgres, told the metadata": beside(by_name["polis told"], ours, "cpu_us"),
        }
    return figures


def show(figures):
    """Prints a table."""
    heads = ["logins/s", "CPU µs", "database µs", "p50 ms", "p99 ms"]
    print(f"\n{'':<20}" + "".join(f"{head:>13}" for head in heads))
    for name, f in figures.items():
        if name != "ratios":
            print(f"{name:<20}" + "".join(f"{f[key]:>13,.1f}" for key in ("rate", "cpu_us", "database_us", "p50_ms", "p99_ms")))
    for name, ratio in figures.get("ratios", {}).items():
        print(f"Polis's server CPU beside ours, {name}: {ratio:.2f}")


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="the default")
    options.add_argument("--long", action="store_true", help="five rounds of five seconds")
    options.add_argument("--only", choices=["archstone", "polis"], help="one of them alone; nothing is compared")
    chosen = options.parse_args()
    rounds, seconds = (5, 5) if chosen.long else (3, 2)
    began = time.monotonic()
    for attempt in range(ATTEMPTS):
        figures = measure(rounds, seconds, chosen.only)
        show(figures)
        ratio = figures.get("ratios", {}).get("postgres", ECONOMY)
        if ratio >= ECONOMY:
            break
        print(f"attempt {attempt + 1} missed: {ratio:.2f} instead of {ECONOMY}")
    target = keep(figures, "ARCHSTONE_TENANT_LOGIN_JSON", "tenant_login.json")
    print(f"after {time.monotonic() - began:.0f} s, figures in {target}")
    return 0 if chosen.only else verdict([] if ratio >= ECONOMY else ["economy"])


if __name__ == "__main__":
    sys.exit(main())
