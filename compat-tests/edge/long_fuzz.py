"""HTTP-FUZZ-1 from outside: mutated requests against a running server. No crash, no 500, no answer slower than a second.

The parsers' own fuzz targets are in `compat-tests/fuzz`. `ARCHSTONE_FUZZ_SECONDS` sets the length (600), `ARCHSTONE_FUZZ_SEED`
the seed; what is found is written out so that it can be sent again.
"""

import json
import os
import pathlib
import random
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

import wire  # noqa: E402
from api import SYSTEM, password_request, project  # noqa: E402
from harness import ADMIN_PASSWORD, ROOT  # noqa: E402
from rig import Node  # noqa: E402

SECONDS = int(os.environ.get("ARCHSTONE_FUZZ_SECONDS", "600"))
SEED = int(os.environ.get("ARCHSTONE_FUZZ_SEED", time.time_ns() % 1_000_000))
JSON = ("Content-Type", "application/json")
PIECES = [
    b"\x00", b"\xff", b"\r", b"\n", b"\r\n", b"%00", b"%2f", b"..", b"//", b"?", b"#", b";", b"&", b"=", b"\"", b"'", b"{", b"}", b"[", b"]", b"\\u0000",
    b"\\ud800", b"1e999", b"-1", b"99999999999999999999", b"null", b"true", b"{}", b"[]", b"\xe2\x80\xae", b"A" * 300, b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n", b"Host: x\r\n", b"limit=0", b"limit=-1", b"marker=x", b"name__contains=", b"enabled=", b"0\r\n\r\n",
]


def seeds(token):
    """Well-formed requests on every kind of route."""
    auth = [("X-Auth-Token", token)]

    def body(method, path, document, headers=()):
        return wire.request(method, path, [JSON, *headers], json.dumps(document).encode())

    idp = "/v3/OS-FEDERATION/identity_providers"
    return [
        wire.request("GET", "/"), wire.request("GET", "/v3", [("Accept", "application/json-home")]), wire.request("GET", "/v3/users?name=x&limit=2&marker=y", auth),
        wire.request("GET", f"{idp}?enabled=true&id__contains=a", auth), wire.request("GET", f"{idp}/a%20b", auth),
        wire.request("GET", "/v3/auth/tokens?nocatalog&allow_expired=1", [*auth, ("X-Subject-Token", token)]), wire.request("OPTIONS", "/v3/users"),
        wire.request("GET", "/v3/OS-REVOKE/events?since=2026-01-01T00:00:00.000000Z", auth), wire.request("GET", "/v3/archstone/audit?limit=5", auth),
        wire.request("GET", "/v3/auth/catalog", [("Authorization", f"Bearer {token}")]),
        body("POST", "/v3/auth/tokens", password_request("nobody", "x", project("admin"))),
        body("POST", "/v3/auth/tokens", {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": SYSTEM}}),
        body("PUT", f"{idp}/fuzz", {"identity_provider": {"enabled": True, "remote_ids": ["a", "b"], "authorization_ttl": 5, "description": "x"}}, auth),
        body("PATCH", f"{idp}/fuzz", {"identity_provider": {"remote_ids": ["c"], "authorization_ttl": None}}, auth),
        body("POST", "/v3/domains", {"domain": {"name": "fuzz", "description": "x", "enabled": True, "options": {}}}, auth),
        body("POST", "/v3/users", {"user": {"name": "fuzz", "password": "x", "domain_id": "default", "email": "a@b", "options": {}}}, auth),
        body("POST", "/v3/roles", {"role": {"name": "fuzz", "domain_id": None}}, auth),
        wire.request("PUT", "/v3/domains/default/users/x/roles/y", auth), wire.request("DELETE", f"{idp}/fuzz", auth),
    ]


def mutate(chance, raw):
    """A few random edits, most of them small."""
    data = bytearray(raw)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        at = chance.randrange(len(data) + 1)
        act = chance.randrange(6)
        if act == 0:
            data[at:at] = chance.choice(PIECES)
        elif act == 1 and data:
            data[at : at + chance.randrange(1, 20)] = chance.choice(PIECES)
        elif act == 2 and at < len(data):
            data[at] = chance.randrange(256)
        elif act == 3:
            del data[at : at + chance.randrange(1, 30)]
        elif act == 4:
            end = min(len(data), at + chance.randrange(1, 60))
            data[at:at] = data[at:end]
        elif act == 5 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
    return bytes(data)


def main():
    chance = random.Random(SEED)
    server = Node(None, {"ARCHSTONE_SERVER__HEADER_TIMEOUT_SECS": "1", "ARCHSTONE_SERVER__BODY_TIMEOUT_SECS": "1", "ARCHSTONE_TOKEN__EXPIRATION_SECS": "86400"})
    kept = ROOT / "compat-tests/.run/fuzz"
    statuses, findings, slowest, count = {}, [], 0.0, 0
    try:
        server.prepare().start()
        api = server.api()
        token = api.token("admin", ADMIN_PASSWORD, project("admin"))
        originals = seeds(token)
        began, before = time.monotonic(), server.rss()
        while time.monotonic() - began < SECONDS:
            raw = mutate(chance, chance.choice(originals))
            started = time.monotonic()
            with wire.connect(server.address) as sock:
                try:
                    sock.sendall(raw)
                    # What is incomplete ends here rather than by its deadline.
                    sock.shutdown(1)
                except OSError:
                    pass
                try:
                    got = wire.drain(sock, 4)
                except (ValueError, IndexError) as failure:
                    findings.append(f"unreadable answer: {failure}")
                    got = wire.Exchange([], True, 0)
            took = time.monotonic() - started
            slowest, count = max(slowest, took), count + 1
            for reply in got.replies or [None]:
                status = reply.status if reply else None
                statuses[status] = statuses.get(status, 0) + 1
                if status is not None and status >= 500 and status != 501:
                    findings.append(f"status {status}")
            if took > 1.0:
                findings.append(f"{took:.1f} s")
            if not server.running():
                findings.append("the process ended")
            if findings and not (kept / f"{SEED}-{len(findings)}").exists():
                kept.mkdir(parents=True, exist_ok=True)
                (kept / f"{SEED}-{len(findings)}").write_bytes(raw)
            if not server.running() or len(findings) > 20:
                break
            if count % 5000 == 0:
                # Mutations may have revoked the token or changed the administrator's objects.
                if api.validate(token).status != 200:
                    token = api.token("admin", ADMIN_PASSWORD, project("admin"))
                    originals = seeds(token)
                print(f"{count} requests, {statuses}", flush=True)
        if "panicked" in server.log():
            findings.append("panic in the log")
        grown = (server.rss() - before) / 1e6 if server.running() else 0
    finally:
        server.remove()
    print(f"result: seed {SEED}, {count} requests, slowest {slowest:.2f} s, {grown:+.1f} MB, {statuses}{', FOUND ' + '; '.join(findings[:10]) if findings else ''}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
