"""Measures the SSO face with ten and with 10,000 configurations on both kinds of database. See README.md.

Two nodes, one with few and one with many, take turns (A B A B); of each side the median is taken. The configurations are
written straight into the tables, as the face itself would have written them.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attempts import keep, on_both, verdict  # noqa: E402
from harness import Archstone  # noqa: E402
from tables import fill  # noqa: E402

FEW, MANY = 10, 10_000
ROUNDS = 150
# What must hold: with many it takes at most so many times as long as with few.
FACTOR = 1.25


def rows(count):
    """Rows by table: each configuration with its domain, identity provider, mapping, protocol and connection."""
    ids = [f"{n + (1 << 62):032x}" for n in range(count)]
    domains = [f"{n + (1 << 63):032x}" for n in range(count)]
    issuer = lambda n: f"https://idp-{n}.example.com"  # noqa: E731
    rules = json.dumps([{"local": [{"user": {"id": "{0}", "name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}])
    settings = lambda n: json.dumps({"client_id": "c", "discovery_url": issuer(n) + "/.well-known/openid-configuration",  # noqa: E731
                                     "scopes": ["openid", "profile", "email"]})
    yield "projects", ("id", "name", "is_domain", "enabled", "description", "extra", "options"), (
        (d, d, True, True, "", "{}", "{}") for d in domains)
    yield "identity_providers", ("id", "domain_id", "auto_domain", "owned", "enabled", "description", "sso_type"), (
        (i, d, True, False, True, f"SSO {n}", "virtual_user_sso") for n, (i, d) in enumerate(zip(ids, domains)))
    yield "identity_provider_remote_ids", ("remote_id", "idp_id"), ((issuer(n), i) for n, i in enumerate(ids))
    yield "mappings", ("id", "domain_id", "schema_version", "rules"), ((i, d, "2.0", rules) for i, d in zip(ids, domains))
    yield "protocols", ("idp_id", "id", "mapping_id"), ((i, "oidc", i) for i in ids)
    yield "connections", ("idp_id", "protocol_id", "kind", "settings", "updated_at"), (
        (i, "oidc", "oidc", settings(n), 1) for n, i in enumerate(ids))
    yield "sso_configurations", ("id", "source", "display_name", "issuer", "issuer_key", "protocol_id", "user_provisioning",
                                 "group_provisioning", "attribute_mappings", "group_mappings", "generated", "test_warnings",
                                 "version", "created_at", "updated_at"), (
        (i, "manual", f"SSO {n}", issuer(n), issuer(n), "oidc", "auto", "none", "[]", "[]", True, "[]", 1, n, n)
        for n, i in enumerate(ids))


class Side:
    """A node with so many configurations."""

    def __init__(self, cluster, count):
        self.count = count
        self.server = Archstone(cluster.fresh_database() if cluster else None, {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"},
                                described=False)
        self.server.prepare()
        self.server.start()
        fill(self.server, rows(count))
        self.server.restart()
        self.server._admin_token = None
        self.made = 0
        _, body = self.ask("GET", "?limit=1")
        assert body["total"] == count, body["total"]
        self.middle = self.ask("GET", f"?limit=1&offset={count // 2}")[1]["items"][0]["uuid"]

    def ask(self, method, path, **more):
        began = time.perf_counter()
        answer = self.server.request(method, "/api/v1/sso/configurations" + path, token=self.server.admin_token, timeout=60, **more)
        took = time.perf_counter() - began
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        return took, answer.json()

    def list(self):
        took, body = self.ask("GET", "?limit=10")
        assert len(body["items"]) == 10
        return took

    def get(self):
        took, body = self.ask("GET", "/" + self.middle)
        assert body["uuid"] == self.middle and body["oidcConfig"]["clientId"] == "c"
        return took

    def create(self):
        self.made += 1
        took, body = self.ask("POST", "", json={
            "displayName": "made", "providerType": "OIDC", "oidcConfig": {
                "clientId": "c", "clientSecret": "s", "wellKnownUrl": f"https://made-{self.made}.example.com/.well-known/openid-configuration"}})
        assert body["status"] == "pending"
        return took


def measure(name, cluster):
    """Everything on one kind of database."""
    few, many = Side(cluster, FEW), Side(cluster, MANY)
    result, missed = {}, []
    try:
        for what in ("list", "get", "create"):
            took = {few: [], many: []}
            for _ in range(ROUNDS):
                for side in (few, many):
                    took[side].append(getattr(side, what)())
            a, b = (statistics.median(took[side]) for side in (few, many))
            result[what] = {"few_ms": a * 1e3, "many_ms": b * 1e3, "factor": b / a}
            missed += [what] if b / a > FACTOR else []
            print(f"{name:<12} {what:<8} with {FEW} configurations {a * 1e3:.2f} ms, with {MANY:,} {b * 1e3:.2f} ms, "
                  f"{b / a:.2f} times (at most {FACTOR})")
    finally:
        few.server.remove()
        many.server.remove()
    return result, missed


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    results, missed = on_both(measure)
    keep(results, "ARCHSTONE_CONFIGURATIONS_JSON", "configurations.json")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
