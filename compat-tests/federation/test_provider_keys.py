"""The provider turns its keys, answers slowly, wrongly or not at all; keys that are pinned (security.md 6; ruling 7)."""

import threading
import time

import pytest

from harness import eventually, unique
from peers import jose
from peers.openid import OpenIdProvider
from trust import ANYBODY, UNAUTHORIZED, Trust

JWKS = "/jwks"
FAR = 9_999_999_999


@pytest.fixture
def archstone(sqlite_archstone):
    """Keys do not depend on the database."""
    return sqlite_archstone


@pytest.fixture
def way(trust, own_provider):
    """A way in from a provider of the test's own."""
    return trust(ANYBODY, provider=own_provider)


def test_a_new_key_is_fetched_when_it_is_first_seen(clocked, own_provider):
    """But not within half a minute of the fetch before (ruling 7)."""
    node, step = clocked
    way = Trust(node, own_provider, ANYBODY)
    assert way.present(own_provider.mint({"sub": "a"})).status_code == 201
    old = own_provider.rotate(keep=True)
    way.refused(own_provider.mint({"sub": "b"}))
    step(31)
    assert way.present(own_provider.mint({"sub": "b"})).status_code == 201, "the new key"
    assert way.present(own_provider.mint({"sub": "a"}, key=old)).status_code == 201, "the old one as long as it is shown"
    own_provider.use_keys(own_provider.keys[:1])
    step(31 + 3_600)
    assert eventually(
        lambda: way.present(own_provider.mint({"sub": "a", "exp": FAR}, key=old)).status_code == 401, 3.0
    ), "withdrawn"
    assert way.present(own_provider.mint({"sub": "a", "exp": FAR})).status_code == 201


def test_keys_and_discovery_are_asked_for_once(way, own_provider):
    own_provider.requests()
    for _ in range(20):
        assert way.present(own_provider.mint({"sub": "a"})).status_code == 201
    asked = [r["path"] for r in own_provider.requests()]
    assert asked.count(JWKS) == 1 and asked.count("/.well-known/openid-configuration") <= 1 and len(asked) <= 2


def test_unknown_keys_do_not_make_a_storm(way, own_provider):
    """At most one fetch in 30 s per provider, whatever is presented, also at once."""
    assert way.present(own_provider.mint({"sub": "a"})).status_code == 201
    own_provider.requests()
    strangers = [jose.Key(unique("kid")) for _ in range(2)]

    def pester(n):
        for turn in range(10):
            assert (
                way.archstone.http.post(
                    f"{way.archstone.url}{way.path}/protocols/openid/auth",
                    timeout=20,
                    headers={"Authorization": f"Bearer {own_provider.mint({'sub': 'a'}, key=strangers[0], kid=f'{n}-{turn}')}"},
                ).status_code
                == 401
            )

    threads = [threading.Thread(target=pester, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(own_provider.requests(JWKS)) <= 1
    assert way.present(own_provider.mint({"sub": "a"})).status_code == 201


def test_a_key_set_with_things_nobody_knows(way, own_provider):
    """Unknown types, short keys and nonsense in the set are passed over; the good key works."""
    good = own_provider.keys[0].public_jwk()
    weak = jose.Key("weak", bits=1024)
    odd = [
        {"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": "RSA", "kid": "broken", "n": "!!", "e": "AQAB"},
        {"kid": "empty"},
        weak.public_jwk(),
        {"kty": "oct", "kid": "oct", "k": jose.b64(b"x" * 32)},
        good | {"kid": "encryption", "use": "enc"},
    ]
    with own_provider.misbehaving(jwks=[*odd, good]):
        assert way.present(own_provider.mint({"sub": "a"})).status_code == 201
        assert way.refused(own_provider.mint({"sub": "a"}, key=weak)) == UNAUTHORIZED
        assert way.refused(own_provider.mint({"sub": "a"}, kid="encryption")) == UNAUTHORIZED
        assert way.refused(jose.symmetric({"iss": own_provider.issuer, "sub": "a", "exp": FAR}, b"x" * 32, "oct")) == UNAUTHORIZED


def test_keys_without_names(way, own_provider):
    """A set whose keys have no `kid`, and tokens that name none."""
    key = own_provider.keys[0]
    with own_provider.misbehaving(jwks=[{k: v for k, v in key.public_jwk().items() if k not in ("kid", "alg")}]):
        assert way.present(own_provider.mint({"sub": "a"}, kid=None)).status_code == 201


def test_pinned_keys_are_all_that_counts(trust, own_provider):
    """With `jwks` in the connection the provider's own set is not asked for."""
    pinned = jose.Key("pinned")
    way = trust(ANYBODY, provider=own_provider, connection={"jwks": {"keys": [pinned.public_jwk()]}})
    own_provider.requests()
    assert way.present(own_provider.mint({"sub": "a"}, key=pinned)).status_code == 201
    assert way.refused(own_provider.mint({"sub": "a"})) == UNAUTHORIZED
    assert own_provider.requests(JWKS) == []


def test_a_provider_that_is_down_fails_clearly_and_alone(archstone, trust, provider):
    """The keys of a provider that is not there cannot be had: an answer in time, no 500, and others work meanwhile."""
    gone = OpenIdProvider().start()
    way, well = trust(ANYBODY, provider=gone), trust(ANYBODY)
    bearer = gone.mint({"sub": "a"})
    gone.stop()
    began = time.monotonic()
    answer = way.present(bearer)
    assert answer.status_code == 503 and time.monotonic() - began < 12, answer.text
    assert gone.issuer not in answer.text
    assert well.present(provider.mint({"sub": "a"})).status_code == 201


def test_known_keys_outlive_an_outage(trust, own_provider):
    """What is signed by keys that are known needs nobody."""
    way = trust(ANYBODY, provider=own_provider)
    bearer = own_provider.mint({"sub": "a"})
    assert way.present(bearer).status_code == 201
    own_provider.stop()
    assert way.present(bearer).status_code == 201
    own_provider.start()
    assert way.present(bearer).status_code == 201


@pytest.mark.parametrize(
    "how",
    [{"status": {"*": 500}}, {"status": {JWKS: 404}}, {"jwks": []}, {"raw": "no json"}, {"raw": "[]"}, {"raw": "x" * 2_000_000}],
    ids=["500", "no_keys_404", "empty_set", "no_json", "no_object", "two_megabytes"],
)
def test_a_provider_that_answers_wrongly(way, own_provider, how):
    bearer = own_provider.mint({"sub": "a"})
    with own_provider.misbehaving(**how):
        answer = way.present(bearer)
        assert answer.status_code in (401, 503), answer.text


def test_a_slow_provider_does_not_hold_others_up(archstone, trust, provider, own_provider):
    way, well = trust(ANYBODY, provider=own_provider), trust(ANYBODY)
    bearer = own_provider.mint({"sub": "a"})
    statuses = []
    with own_provider.misbehaving(delay=13_000):
        def wait():
            statuses.append(
                way.archstone.http.post(
                    f"{archstone.url}{way.path}/protocols/openid/auth", headers={"Authorization": f"Bearer {bearer}"}, timeout=30
                ).status_code
            )

        began = time.monotonic()
        threads = [threading.Thread(target=wait) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        slowest = 0.0
        for _ in range(20):
            at = time.monotonic()
            assert well.present(provider.mint({"sub": "a"})).status_code == 201
            slowest = max(slowest, time.monotonic() - at)
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 13, "the whole exchange ends after 10 s"
    assert statuses == [503] * 8 and slowest < 1.0


def test_redirects_are_not_followed_to_keys(way, own_provider, other_provider):
    """Rule 8: no redirects for the key set."""
    stranger = other_provider.keys[0]
    with own_provider.misbehaving(redirect={JWKS: f"{other_provider.issuer}{JWKS}"}):
        answer = way.present(own_provider.mint({"sub": "a"}, key=stranger))
        assert answer.status_code in (401, 503)
