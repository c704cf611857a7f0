"""Measures logins by an OpenID provider's tokens beside the cryptography that they cannot do without. See README.md.

A person's JWT access token is shown again and again: each time its signature is verified, the mapping judges the claims, the
account and its groups are looked after, and a token is issued. Beside it, by `wrk` in turns, a token is issued by rescoping;
and in this process, by OpenSSL, the same signature is verified and a token of the same length is made.
"""

import argparse
import json
import pathlib
import sys
import time

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "federation")]

from attempts import keep  # noqa: E402
from bench import Side, interleave  # noqa: E402
from harness import Archstone  # noqa: E402
from peers.jose import unb64  # noqa: E402
from peers.openid import OpenIdProvider  # noqa: E402
from trust import EGRESS, PERSON, Trust, groups_of  # noqa: E402

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
GROUPS = 10
CONNECTIONS = 16


def per_call(action, seconds):
    """Microseconds of this process's CPU per call, the least of five rounds."""
    rounds = []
    for _ in range(5):
        calls, began, ends = 0, time.process_time(), time.monotonic() + seconds / 5
        while time.monotonic() < ends:
            for _ in range(50):
                action()
            calls += 50
        rounds.append((time.process_time() - began) * 1e6 / calls)
    return min(rounds)


def verification(key, token):
    """A function that verifies the token's signature and nothing else."""
    text, _, signature = token.rpartition(".")
    message, signature, public = text.encode(), unb64(signature), key.key.public_key()
    if key.alg == "ES256":
        pair = encode_dss_signature(*(int.from_bytes(half, "big") for half in (signature[:32], signature[32:])))
        return lambda: public.verify(pair, message, ec.ECDSA(hashes.SHA256()))
    if key.alg == "EdDSA":
        return lambda: public.verify(signature, message)
    return lambda: public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def token_making(token):
    """A function that makes a Fernet token of that length."""
    data, fernet = bytes(max(0, len(unb64(token)) - 73)), Fernet(Fernet.generate_key())
    return lambda: fernet.encrypt(data)


def measure(server, provider, rounds, seconds):
    """Figures by algorithm, and those of rescoping."""
    domain = server.new_domain()["id"]
    groups = [server.new_group(domain)["name"] for _ in range(GROUPS)]
    way = Trust(server, provider, PERSON, groups_of(domain), domain_id=domain)
    claims = {
        "sub": "somebody",
        "name": "Some Body",
        "email": "somebody@example.org",
        "groups": groups,
        "exp": int(time.time()) + 36_000,
    }

    def side(name, path, **how):
        return Side(name, server.process.pid, server.url + path, connections=CONNECTIONS, **how)

    sides, raw = [], {}
    for alg in ALGORITHMS:
        [key] = [k for k in provider.keys if k.alg == alg]
        bearer = provider.mint(claims, key=key)
        answer = way.present(bearer)
        assert answer.status_code == 201, answer.text
        assert len(answer.json()["token"]["user"]["OS-FEDERATION"]["groups"]) == GROUPS
        token = answer.headers["X-Subject-Token"]
        costs = {"verify_us": verification(key, bearer), "issue_us": token_making(token)}
        raw[alg] = {name: round(per_call(action, 1), 1) for name, action in costs.items()}
        headers = [f"Authorization: Bearer {bearer}"]
        sides.append(side(alg, f"{way.path}/protocols/openid/auth", script="post.lua", headers=headers))
    body = server.folder / "rescope"
    body.write_text(json.dumps({"auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": "unscoped"}}))
    sides.append(side("rescoping", "", script="issue.lua", environment={"BENCH_BODY": str(body)}))
    interleave(sides, rounds, seconds)
    figures = {side.name: side.summary() for side in sides}
    for alg, cost in raw.items():
        cryptography = cost["verify_us"] + cost["issue_us"]
        figures[alg] |= cost | {"factor": round(figures[alg]["cpu_us"] / cryptography, 2)}
    return figures


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="the default")
    options.add_argument("--long", action="store_true", help="five rounds of five seconds")
    chosen = options.parse_args()
    rounds, seconds = (5, 5) if chosen.long else (3, 2)
    began = time.monotonic()
    server, provider = Archstone(settings=EGRESS, described=False), OpenIdProvider().start()
    try:
        figures = measure(server.prepare().start(), provider, rounds, seconds)
    finally:
        server.remove()
        provider.stop()
    target = keep(figures, "ARCHSTONE_FEDERATED_JSON", "federated_login.json")
    heads = ["logins/s", "CPU µs", "p50 ms", "p99 ms", "verify µs", "issue µs", "factor"]
    print(f"\n{'login by':<12}" + "".join(f"{head:>11}" for head in heads))
    for name, f in figures.items():
        known = [f"{f['rate']:,.0f}", *(f.get(k, "") for k in ("cpu_us", "p50_ms", "p99_ms", "verify_us", "issue_us", "factor"))]
        print(f"{name:<12}" + "".join(f"{figure:>11}" for figure in known))
    print(f"\nfactor: server CPU beside the raw cryptography; after {time.monotonic() - began:.0f} s, figures in {target}")


if __name__ == "__main__":
    main()
