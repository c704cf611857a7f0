"""Tests of configurations and drafts of OpenID providers, of a real one and of broken ones (sso-api.md 4.6, 6.2)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connection_outcomes import DEADLINE, OIDC_CASES, OUTCOME, client_of, failed, succeeded
from harness import unique
from peers.broken import CANARY
from sso_bodies import oidc
from sso_calls import MOMENT, afresh, draft, get, test

SLOW = {"silent": "time|answer", "drip": "time|answer", "jwks-silent": "time|answer"}


def test_a_real_openid_provider(archstone, provider):
    made = afresh(archstone, client_of(provider))
    wanted = {
        "issuer": provider.issuer,
        "authorizationEndpoint": f"{provider.issuer}/auth",
        "tokenEndpoint": f"{provider.issuer}/token",
    }
    outcome = succeeded(test(archstone, made), **wanted)
    assert set(outcome) <= OUTCOME | {"warnings"} and OUTCOME - {"errorMessage"} <= set(outcome)
    now = get(archstone, made)
    assert (now["status"], now["lastTestResult"]) == ("active", "success") and MOMENT.fullmatch(now["lastTestAt"])
    assert now["issuer"] == provider.issuer and not now.get("lastTestMessage")
    succeeded(draft(archstone, client_of(provider)), **wanted)
    succeeded(draft(archstone, oidc(provider.issuer, secret=None, block={"clientId": "cli"})), **wanted)


def test_a_client_whom_the_real_provider_does_not_know(archstone, provider):
    """The provider supports client credentials, so that a wrong secret is found before the first log-in."""
    for body in (client_of(provider, "wrong"), oidc(provider.issuer, block={"clientId": unique("nobody")})):
        assert "wrong" not in failed(draft(archstone, body), "client.*secret")


@pytest.mark.parametrize("case", OIDC_CASES)
def test_a_broken_openid_provider(one, webs, case):
    failed(draft(one, oidc(f"{webs('oidc').url}/{case}/{unique()}")), OIDC_CASES[case])


def test_openid_providers_that_are_not_reached(one, sockets):
    for issuer, pattern in (
        (f"http://127.0.0.1:{sockets.refused()}", "refus|connect"),
        ("https://idp.invalid", "name|resolv|DNS"),
        (f"http://127.0.0.1:{sockets.closing()}", "clos|connect|answer"),
        (f"http://127.0.0.1:{sockets.answering(b'SSH-2.0-' + CANARY.encode())}", "HTTP|answer|read"),
        (f"https://127.0.0.1:{sockets.answering(b'HTTP/1.1 400 Bad')}", "TLS"),
        (f"http://127.0.0.1:{sockets.answering(b'HTTP/1.1 200 OK')}", "clos|answer|time|read"),
    ):
        failed(draft(one, oidc(issuer)), pattern)


@pytest.mark.parametrize(
    ("tls", "pattern"),
    [("unknown authority", "certificate|authority|issuer"), ("other name", "name|certificate"), ("expired", "expired")],
)
def test_openid_providers_whose_certificate_is_no_good(one, webs, tls, pattern):
    failed(draft(one, oidc(f"{webs('oidc', tls).url}/good/{unique()}")), pattern)


def test_openid_providers_by_tls(one, webs):
    """As a provider should be; and one that sends us away from TLS."""
    web = webs("oidc", "tls")
    succeeded(draft(one, oidc(f"{web.url}/good/{unique()}")))
    failed(draft(one, oidc(f"{web.url}/downgrade/{unique()}")), "redirect|scheme")


def test_openid_providers_that_never_answer_are_given_up_in_time(one, webs, sockets):
    """All at once, and others are not kept waiting meanwhile."""
    at = [f"{webs('oidc').url}/{case}/{unique()}" for case in SLOW] + [
        f"http://127.0.0.1:{sockets.silent()}",
        f"https://127.0.0.1:{sockets.silent()}",
        f"http://127.0.0.1:{sockets.saying(b'HTTP/1.1 200 OK', every=1)}",
    ]
    with ThreadPoolExecutor(len(at)) as pool:
        running = [pool.submit(draft, one, oidc(issuer), within=DEADLINE) for issuer in at]
        time.sleep(0.5)
        succeeded(draft(one, oidc(f"{webs('oidc').url}/good/{unique()}"), within=2.0))
        for outcome in running:
            failed(outcome.result(), "time|answer")
