"""The probe of an issuer, a real one and broken ones (sso-api.md 4.7): who cannot be reached is 502, who never answers 504."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connection_outcomes import DEADLINE, OIDC_CASES
from harness import unique
from peers import broken_oidc
from peers.broken import CANARY
from sso_calls import CONFIGURATIONS, PROBE, done, listed, problem, send


def test_the_probe_of_a_real_provider(archstone, provider):
    for issuer in (provider.issuer, f"{provider.issuer}/", f"{provider.issuer}/{broken_oidc.WELL_KNOWN}"):
        found = done(archstone, "POST", PROBE, {"issuer": issuer})
        assert found["issuer"] == provider.issuer
        assert {
            k: found[k] for k in ("authorizationEndpoint", "tokenEndpoint", "userinfoEndpoint", "endSessionEndpoint", "jwksUri")
        } == {
            "authorizationEndpoint": f"{provider.issuer}/auth",
            "tokenEndpoint": f"{provider.issuer}/token",
            "userinfoEndpoint": f"{provider.issuer}/me",
            "endSessionEndpoint": f"{provider.issuer}/session/end",
            "jwksUri": f"{provider.issuer}/jwks",
        }
        assert "openid" in found["scopesSupported"] and "code" in found["responseTypesSupported"]


def test_the_probe_keeps_nothing(archstone, webs):
    total = listed(archstone)["total"]
    issuer = f"{webs('oidc').url}/good/{unique()}"
    found = done(archstone, "POST", PROBE, {"issuer": issuer, "tenantUuid": "x", "surprise": 1})
    assert set(found) <= {
        "issuer",
        "authorizationEndpoint",
        "tokenEndpoint",
        "userinfoEndpoint",
        "endSessionEndpoint",
        "jwksUri",
        "scopesSupported",
        "responseTypesSupported",
    }
    assert CANARY not in str(found) and listed(archstone)["total"] == total
    assert send(archstone, "GET", f"{CONFIGURATIONS}?limit=1").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"issuer": None},
        {"issuer": ""},
        {"issuer": 7},
        {"issuer": ["x"]},
        {"issuer": "nothing"},
        {"issuer": "/x"},
        {"issuer": "ftp://idp.example.com"},
        {"issuer": "https://u:p@idp.example.com"},
        {"issuer": "https://"},
        {"issuer": "https://169.254.169.254"},
        {"issuer": "http://10.0.0.1"},
        {"issuer": "https://idp.example.com/#x"},
    ],
)
def test_a_bad_url_to_probe_is_400(one, body):
    problem(send(one, "POST", PROBE, body), 400, "issuer")


@pytest.mark.parametrize(
    "case", [c for c in OIDC_CASES if not c.startswith(("jwks", "forbidden", "typed", "without-to", "without-au", "without-jw"))]
)
def test_the_probe_of_a_broken_provider_is_502(one, webs, case):
    answer = send(one, "POST", PROBE, {"issuer": f"{webs('oidc').url}/{case}/{unique()}"})
    error = problem(answer, 502)
    assert re.search(OIDC_CASES[case], error["description"], re.IGNORECASE), error
    assert CANARY not in answer.text


def test_the_probe_of_what_is_not_reached(one, webs, sockets):
    for issuer in (
        f"http://127.0.0.1:{sockets.refused()}",
        "https://idp.invalid",
        f"{webs('oidc', 'unknown authority').url}/good/x",
        f"{webs('oidc', 'expired').url}/good/x",
        f"http://127.0.0.1:{sockets.closing()}",
    ):
        problem(send(one, "POST", PROBE, {"issuer": issuer}), 502)


def test_the_probe_of_what_never_answers_is_504(one, webs, sockets):
    at = [f"{webs('oidc').url}/silent/x", f"{webs('oidc').url}/drip/x", f"http://127.0.0.1:{sockets.silent()}"]

    def probe(issuer):
        began = time.monotonic()
        answer = send(one, "POST", PROBE, {"issuer": issuer}, timeout=30)
        assert time.monotonic() - began < DEADLINE + 0.5
        return answer

    with ThreadPoolExecutor(len(at)) as pool:
        for answer in pool.map(probe, at):
            problem(answer, 504)


def test_broken_peers_have_left_the_service_whole(one):
    """After everything above and in `test_connection_….py`: no panic in the log, and it answers."""
    assert "panicked" not in one.log()
    assert done(one, "GET", CONFIGURATIONS)["limit"] == 20
