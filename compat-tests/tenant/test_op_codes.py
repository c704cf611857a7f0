"""OP-CODE-1 to 5 and OP-PKCE-1 to 6: a code is good once, for whom and where it was made (RFC 6749, RFC 7636, RFC 9700)."""

import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from peers.openid import pkce
from tenancy import Tenant, by_password, mutated, refused
from visitor import PAGE


@pytest.fixture
def arrived(visitor):
    """`arrived(client, **parameters)`: an attempt of a new user and the code that it ended in."""
    def arrive(client, user=None, **parameters):
        attempt = client.attempt(**parameters)
        return attempt, attempt.code(by_password(visitor(client.tenant), attempt, user or client.tenant.user()))

    return arrive


def dead(tenant, client, tokens):
    """Nothing of these tokens is good any more."""
    assert tenant.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}
    if "refresh_token" in tokens:
        refused(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_a_code_becomes_tokens(tenant, arrived):
    client = tenant.client()
    attempt, code = arrived(client, scope="openid profile email offline_access")
    assert len(code) == 43, "32 random bytes"
    answer = attempt.redeem(code)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store", answer.text
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] == 3600
    assert set(tokens["scope"].split()) == {"openid", "profile", "email", "offline_access"}
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert tenant.userinfo(tokens["access_token"]).status_code == 200


def test_op_code_1_a_code_twice(tenant, arrived):
    client = tenant.client()
    attempt, code = arrived(client, scope="openid offline_access")
    tokens = attempt.redeem(code).json()
    refused(attempt.redeem(code), 400, "invalid_grant")
    dead(tenant, client, tokens)
    refused(attempt.redeem(code), 400, "invalid_grant")


def test_op_code_2_fifty_at_once_over_two_nodes(pair, arrived):
    tenant = Tenant(pair[0])
    client = tenant.client()
    for _ in range(3):
        attempt, code = arrived(client)
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda n: attempt.redeem(code, node=pair[n % 2]), range(50)))
        assert sorted(a.status_code for a in answers) == [200] + [400] * 49
        assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_grant"}


def test_op_code_3_a_code_of_another_application(tenant, arrived):
    client, thief, public = tenant.client(), tenant.client(), tenant.client("SPA")
    for other in (thief, public):
        attempt, code = arrived(client)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": attempt.verifier}
        refused(other.ask(**form), 400, "invalid_grant")
        refused(attempt.redeem(code), 400, "invalid_grant")


def test_op_code_3_a_code_of_another_tenant(one, own, arrived):
    client, elsewhere = one.client(), own().client()
    attempt, code = arrived(client)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": attempt.verifier}
    refused(elsewhere.ask(**form), 400, "invalid_grant")


def test_op_code_4_a_code_lives_a_minute(clocked, arrived):
    node, step = clocked
    client = Tenant(node).client()
    user = client.tenant.user()
    attempt, code = arrived(client, user)
    step(55)
    assert attempt.redeem(code).status_code == 200
    attempt, code = arrived(client, user)
    step(55 + 61)
    refused(attempt.redeem(code), 400, "invalid_grant")


def test_op_code_4_another_redirect_uri(tenant, arrived):
    client = tenant.client(redirect_uris=["http://127.0.0.1:9/callback", "http://127.0.0.1:9/other"])
    for uri in ("http://127.0.0.1:9/other", "http://127.0.0.1:9/callback/", None):
        attempt, code = arrived(client)
        answer = attempt.redeem(code, redirect_uri=uri)
        assert answer.status_code == 400 and answer.json()["error"] in ("invalid_grant", "invalid_request"), answer.text


def test_op_code_5_a_changed_code(tenant, arrived):
    client = tenant.client()
    attempt, code = arrived(client)
    bodies = set()
    for changed in (mutated(code, 0), mutated(code, 20), mutated(code, -1), code[:-1], code[1:], f"{code}A", f"{code}=", code.swapcase(), "x", "\u00e9" * 20):
        bodies.add(str(refused(attempt.redeem(changed), 400, "invalid_grant")))
    assert len(bodies) == 1, "one answer for all"
    assert attempt.redeem(code).status_code == 200, "the code itself was not spent"


def test_a_code_dies_with_what_it_stands_on(one, arrived):
    """The user, the session and the application are looked at again."""
    client = one.client()
    user = one.user()
    attempt, code = arrived(client, user)
    one.change_user(user["id"], enabled=False)
    refused(attempt.redeem(code), 400, "invalid_grant")
    attempt, code = arrived(client)
    client.set(enabled=False)
    refused(attempt.redeem(code), 401, "invalid_client")


# -- PKCE -----------------------------------------------------------------------------------------------------------------


def error_of(client, **parameters):
    """The error that an application is told at its redirect URI, before anybody has signed in."""
    attempt = client.attempt(**parameters)
    answer = client.node.request("GET", attempt.url, headers={"Accept": PAGE})
    assert answer.status_code == 302, f"{answer.status_code} {answer.text[:500]}"
    return attempt.answer(answer.headers["Location"])["error"]


@pytest.mark.parametrize("kind", ["SPA", "NATIVE"])
def test_op_pkce_1_public_applications_must(one, kind):
    client = one.client(kind)
    assert error_of(client, code_challenge=None, code_challenge_method=None) == "invalid_request"


def test_op_pkce_1_a_tenant_can_demand_it_of_everybody(own):
    client = own(require_pkce=True).client()
    assert error_of(client, code_challenge=None, code_challenge_method=None) == "invalid_request"


def test_op_pkce_2_plain(one):
    for client in (one.client("SPA"), one.client()):
        verifier, challenge = pkce()
        assert error_of(client, code_challenge=verifier, code_challenge_method="plain") == "invalid_request"
        assert error_of(client, code_challenge=challenge, code_challenge_method=None) == "invalid_request", "absent means plain"
        assert error_of(client, code_challenge=challenge, code_challenge_method="s256") == "invalid_request"
        assert error_of(client, code_challenge=challenge, code_challenge_method="S512") == "invalid_request"
        assert error_of(client, code_challenge=None) == "invalid_request", "a method without a challenge"


@pytest.mark.parametrize("challenge", ["x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "+", "x" * 42 + " ", "\u00e9" * 43])
def test_op_pkce_2_what_is_no_challenge(one, challenge):
    assert error_of(one.client("SPA"), code_challenge=challenge) == "invalid_request"


def test_op_pkce_3_a_wrong_verifier(tenant, arrived):
    for client in (tenant.client("SPA"), tenant.client()):
        attempt, code = arrived(client)
        refused(attempt.redeem(code, code_verifier=pkce()[0]), 400, "invalid_grant")
        attempt, code = arrived(client)
        refused(attempt.redeem(code, code_verifier=mutated(attempt.verifier, 3)), 400, "invalid_grant")


def test_op_pkce_3_the_challenge_is_no_verifier(one, arrived):
    attempt, code = arrived(one.client("SPA"))
    refused(attempt.redeem(code, code_verifier=attempt.parameters["code_challenge"]), 400, "invalid_grant")


def test_op_pkce_4_a_verifier_where_there_was_no_challenge(tenant, arrived):
    """The downgrade: somebody has taken the challenge out of the request (RFC 9700 section 4.8.2)."""
    client = tenant.client()
    attempt, code = arrived(client, code_challenge=None, code_challenge_method=None)
    answer = attempt.redeem(code, code_verifier=attempt.verifier)
    assert answer.status_code == 400 and answer.json()["error"] in ("invalid_grant", "invalid_request"), answer.text
    attempt, code = arrived(client, code_challenge=None, code_challenge_method=None)
    assert attempt.redeem(code).status_code == 200, "it may do without altogether"


@pytest.mark.parametrize("verifier", ["x" * 42, "x" * 129, "x" * 43 + " ", "x" * 43 + "/", "", "\u00e9" * 43])
def test_op_pkce_5_what_is_no_verifier(one, arrived, verifier):
    attempt, code = arrived(one.client("SPA"))
    answer = attempt.redeem(code, code_verifier=verifier)
    assert answer.status_code == 400 and answer.json()["error"] in ("invalid_grant", "invalid_request"), answer.text


def test_op_pkce_5_the_longest_one_is_good(one, arrived):
    import base64
    import hashlib
    verifier = "a-._~0Z" * 18 + "zz"
    assert len(verifier) == 128
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    attempt, code = arrived(one.client("SPA"), code_challenge=challenge)
    assert attempt.redeem(code, code_verifier=verifier).status_code == 200


def test_op_pkce_6_no_verifier(tenant, arrived):
    for client in (tenant.client("SPA"), tenant.client()):
        attempt, code = arrived(client)
        answer = attempt.redeem(code, code_verifier=None)
        assert answer.status_code == 400 and answer.json()["error"] in ("invalid_grant", "invalid_request"), answer.text


def test_fields_that_are_missing_or_stand_twice(one, arrived):
    client = one.client()
    attempt, code = arrived(client)
    refused(client.ask(), 400, "invalid_request")
    refused(client.ask(grant_type="authorization_code"), 400, "invalid_request")
    refused(client.ask(grant_type="password", username="x", password="y"), 400, "unsupported_grant_type")
    refused(client.ask(grant_type="implicit"), 400, "unsupported_grant_type")
    twice = urllib.parse.urlencode([("grant_type", "authorization_code"), ("code", code), ("code", code), ("redirect_uri", client.redirect_uri),
                                    ("code_verifier", attempt.verifier)])
    how = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = one.node.request("POST", f"{one.url}/oauth/token", data=twice, headers=how, auth=client.credentials()["auth"])
    refused(answer, 400, "invalid_request")
    answer = one.node.request("POST", f"{one.url}/oauth/token", json={"grant_type": "authorization_code", "code": code}, auth=client.credentials()["auth"])
    assert answer.status_code in (400, 415), answer.text
    answer = one.node.request("GET", f"{one.url}/oauth/token")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]
    assert attempt.redeem(code).status_code == 200
