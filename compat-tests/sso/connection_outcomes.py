"""What tests of configurations, of drafts and the probe come to: what a good outcome says, and a bad one, in how much time.

A failing peer is 200 with `success: false` and a text that a person can act on, in time, without a word of what the peer said. Where
the documents are silent: the answer's members for a draft are those of a stored configuration's test; what is not known is absent or
empty.
"""

import re

from harness import unique
from peers import directory as ldap_tree
from peers.broken import CANARY
from sso_bodies import oidc

DEADLINE = 10.0
OUTCOME = {"success", "issuer", "authorizationEndpoint", "tokenEndpoint", "errorMessage"}
# Broken OpenID providers (see `peers.broken_oidc`), and what the text says of each.
OIDC_CASES = {
    "status-404": "404",
    "status-500": "500",
    "status-401": "401",
    "html": "JSON",
    "no-json": "JSON",
    "list": "JSON|object",
    "empty": "JSON|empty",
    "other-issuer": "issuer",
    "without-issuer": "issuer",
    "without-token_endpoint": "token_endpoint|token endpoint",
    "without-authorization_endpoint": "authorization_endpoint|authorization endpoint",
    "without-jwks_uri": "jwks|key",
    "typed-token_endpoint": "token_endpoint|token endpoint",
    "typed-issuer": "issuer",
    "jwks-404": "404",
    "jwks-refused": "key|jwks",
    "jwks-html": "key|jwks",
    "jwks-empty": "key",
    "jwks-none": "key|jwks",
    "jwks-unusable": "key",
    "jwks-short": "key|bit",
    "jwks-redirect": "redirect|302",
    "large": "large|MiB|size|bytes",
    "large-chunked": "large|MiB|size|bytes",
    "loop": "redirect",
    "scheme": "redirect|scheme",
    "to-forbidden": "allow|redirect|address",
    "forbidden-jwks_uri": "jwks|allow|key",
    "forbidden-token_endpoint": "token|allow",
    "forbidden-authorization_endpoint": "authorization|allow",
    "forbidden-userinfo_endpoint": "userinfo|allow",
}


def succeeded(outcome, **wanted):
    """A test that went well."""
    assert outcome["success"] is True and not outcome.get("errorMessage"), outcome
    assert {k: outcome.get(k) or "" for k in wanted} == wanted
    return outcome


def failed(outcome, pattern):
    """A test that went wrong, with the cause in its text; the text."""
    assert outcome["success"] is False, outcome
    text = outcome["errorMessage"]
    assert re.search(pattern, text, re.IGNORECASE), f"{text!r} does not say {pattern!r}"
    assert CANARY not in str(outcome) and "<" not in text and "{" not in text and len(text) < 500, text
    for secret in ("s3cr3t of a client", ldap_tree.SERVICE_PASSWORD):
        assert secret not in str(outcome)
    assert "\n" not in text and "panic" not in text.lower() and "Error(" not in text and "Os {" not in text, text
    return text


def client_of(provider, secret=None):
    """A configuration of a new client of this provider."""
    client = unique("archstone")
    provider.client(client)
    return oidc(provider.issuer, secret=secret or f"{client} secret", block={"clientId": client})
