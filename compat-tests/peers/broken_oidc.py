"""OpenID providers that are broken: `documents` for `BrokenWeb`, by case (OpenID Connect Discovery 1.0, RFC 7517)."""

import json

from peers.broken import CANARY, LIMIT, Reply
from peers.jose import Key

WELL_KNOWN = ".well-known/openid-configuration"
GOOD_KEY, SHORT_KEY = Key("good"), Key("short", bits=1_024)
# Keys that verify nothing: for encryption, symmetric, of an unknown kind, without a modulus.
UNUSABLE = [
    GOOD_KEY.public_jwk() | {"use": "enc", "alg": "RSA-OAEP"},
    {"kty": "oct", "kid": "o", "k": "c2VjcmV0"},
    {"kty": "XYZ", "kid": "x", "alg": "NEW"},
    {"kty": "RSA", "kid": "r", "use": "sig"},
]
# Where no provider may lead us: the metadata service of a cloud, a private network, another loopback address.
FORBIDDEN = ["http://169.254.169.254", "http://10.1.2.3", "http://127.0.0.2", "http://[::1]"]


def discovery(issuer, **changes):
    """A discovery document; `changes` replace members (None: leave out)."""
    usual = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "userinfo_endpoint": f"{issuer}/me",
        "end_session_endpoint": f"{issuer}/end",
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "email"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "note": CANARY,
    }
    return json.dumps({k: v for k, v in (usual | changes).items() if v is not None})


def documents(web, case, rest):
    """What the provider of this case answers. Its issuer is `<url>/<case>/<own>`."""
    own, _, path = rest.partition("/")
    issuer = f"{web.url}/{case}/{own}"
    if path == "jwks":
        return _keys(case)
    if path != WELL_KNOWN:
        return Reply(CANARY, 200, "text/plain") if path in ("auth", "token", "me", "end") else None
    return _configuration(web, case, issuer)


def _configuration(web, case, issuer):
    whole = f"{issuer}/{WELL_KNOWN}"
    kind, _, what = case.partition("-")
    if kind == "status":
        return Reply(CANARY, int(what), "text/plain")
    if kind == "without":
        return Reply(discovery(issuer, **{what: None}))
    if kind == "forbidden":
        name, _, at = what.partition("-")
        return Reply(discovery(issuer, **{name: f"{FORBIDDEN[int(at or 0)]}/x"}))
    if kind == "typed":
        return Reply(discovery(issuer, **{what: 7}))
    match case:
        case "html":
            return Reply(f"<!doctype html><title>Log in</title><p>{CANARY}", content_type="text/html")
        case "no-json":
            return Reply(discovery(issuer)[:-20])
        case "list":
            return Reply(f'["{CANARY}"]')
        case "empty":
            return Reply("")
        case "other-issuer":
            return Reply(discovery(f"{web.url}/elsewhere"))
        case "silent":
            return Reply(silent=True)
        case "drip":
            return Reply(discovery(issuer), drip=True)
        case "large":
            return Reply(discovery(issuer, filler="x" * LIMIT))
        case "large-chunked":
            return Reply(discovery(issuer, filler="x" * LIMIT), chunked=True)
        case "loop":
            return Reply(status=302, headers={"Location": whole})
        case "scheme":
            return Reply(status=302, headers={"Location": f"ftp://127.0.0.1/{CANARY}"})
        case "downgrade":
            return Reply(status=302, headers={"Location": whole.replace("https:", "http:", 1)})
        case "to-forbidden":
            return Reply(status=302, headers={"Location": f"http://169.254.169.254/{CANARY}"})
        case "jwks-refused":
            return Reply(discovery(issuer, jwks_uri="http://127.0.0.1:1/jwks"))
        case _:
            return Reply(discovery(issuer))


def _keys(case):
    match case:
        case "jwks-404":
            return Reply(CANARY, 404, "text/plain")
        case "jwks-html":
            return Reply(f"<p>{CANARY}", content_type="text/html")
        case "jwks-empty":
            return Reply('{"keys": []}')
        case "jwks-none":
            return Reply("{}")
        case "jwks-unusable":
            return Reply(json.dumps({"keys": UNUSABLE}))
        case "jwks-short":
            return Reply(json.dumps({"keys": [SHORT_KEY.public_jwk()]}))
        case "jwks-redirect":
            return Reply(status=302, headers={"Location": "jwks-moved"})
        case "jwks-silent":
            return Reply(silent=True)
        case _:
            # Unusable keys beside a good one do no harm.
            return Reply(json.dumps({"keys": [*UNUSABLE, GOOD_KEY.public_jwk()]}))
