"""What must not get in: tokens not of the provider, not for us, not alive; ways in that are closed (1.7; security.md 6, 9)."""

import base64
import json
import time

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness import unique
from peers import jose
from peers.openid import AUDIENCE
from trust import ANYBODY, FEDERATION, UNAUTHORIZED


@pytest.fixture
def archstone(sqlite_archstone):
    """What is refused does not depend on the database."""
    return sqlite_archstone


@pytest.fixture
def way(trust):
    """A way in for anybody whom the provider knows."""
    return trust(ANYBODY)


def now(seconds=0):
    return int(time.time()) + seconds


def changed(token, where, **members):
    """The token with other claims (`where` 1) or header (0), and the signature that it had."""
    parts = token.split(".")
    parts[where] = jose.part(json.loads(jose.unb64(parts[where])) | members)
    return ".".join(parts)


def flipped(token):
    """The token with one bit of its signature turned."""
    head, body, signature = token.split(".")
    data = bytearray(jose.unb64(signature))
    data[5] ^= 1
    return f"{head}.{body}.{jose.b64(bytes(data))}"


CLAIMS = {
    "expired": {"exp": -120},
    "not_yet_valid": {"nbf": 300},
    "from_the_future": {"iat": 300, "exp": 900},
    "without_expiry": {"exp": None},
    "expiry_as_text": {"exp": "9999999999"},
    "without_subject": {"sub": None},
    "empty_subject": {"sub": ""},
    "subject_as_number": {"sub": 7},
    "another_audience": {"aud": "https://other.example"},
    "audience_in_other_case": {"aud": AUDIENCE.upper()},
    "audience_as_a_prefix": {"aud": AUDIENCE + "/"},
    "no_audience": {"aud": None},
    "empty_audience": {"aud": []},
    "another_issuer": {"iss": "https://other.example"},
    "issuer_with_a_slash": {"iss": "/"},
    "no_issuer": {"iss": None},
    "logout_token": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    "bound_to_a_key": {"cnf": {"jkt": "x"}},
}


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS)
def test_claims_that_the_provider_signed(way, provider, claims):
    """Everything but these claims is right; without them the token opens."""
    times = {k: now(v) for k, v in claims.items() if k in ("exp", "nbf", "iat") and isinstance(v, int)}
    if claims.get("iss") == "/":
        times = {"iss": provider.issuer + "/"}
    good = {"sub": unique("person")}
    assert way.present(provider.mint(good)).status_code == 201
    assert way.refused(provider.mint(good | claims | times)) == UNAUTHORIZED


def test_several_audiences_with_ours_among_them(way, provider):
    assert way.present(provider.mint({"sub": "x", "aud": ["https://other.example", AUDIENCE]})).status_code == 201


def test_signatures(way, provider, other_provider):
    """Tampered, of somebody else, unsigned, symmetric with the public key, and keys that the token brings along."""
    claims = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "x", "iat": now(), "exp": now(600), "jti": unique()}
    own, stranger = provider.keys[0], jose.Key(provider.keys[0].kid)
    good = own.sign(claims)
    assert way.present(good).status_code == 201
    public = json.dumps(provider.http.get(f"{provider.issuer}/jwks").json()["keys"][0]).encode()
    pem = own.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    bad = {
        "claims changed": changed(good, 1, sub="root"),
        "header changed": changed(good, 0, kid="other"),
        "one bit": flipped(good),
        "stripped": good.rsplit(".", 1)[0] + ".",
        "without the last part": good.rsplit(".", 1)[0],
        "cut": good[:-4],
        "longer": good + "AAAA",
        "another key of the same name": stranger.sign(claims),
        "another key, no name": stranger.sign(claims, kid=None),
        "a key in the header": stranger.sign(claims, jwk=stranger.public_jwk()),
        "a key set in the header": stranger.sign(claims, jku=f"{other_provider.issuer}/jwks", kid=other_provider.keys[0].kid),
        "the other provider's key": other_provider.keys[0].sign(claims),
        "the other provider's token": other_provider.mint({"sub": "x"}),
        "ES256 by the RSA key": own.sign(claims, alg="ES256"),
        "PS256 over an RS256 signature": own.sign(claims, alg="PS256"),
        "critical extension": own.sign(claims, crit=["exp"]),
        "an ID token's type": own.sign(claims, typ="logout+jwt"),
        "HMAC with the JWK": jose.symmetric(claims, public, own.kid),
        "HMAC with the PEM": jose.symmetric(claims, pem, own.kid),
        "ES256 of zeros": jose.unsigned(claims, "ES256", jose.b64(bytes(64))),
        **{f"alg {alg}": jose.unsigned(claims, alg) for alg in ("none", "None", "NONE", "nOnE", "")},
        "padded": good + "=",
        "blank inside": good[:40] + " " + good[40:],
        "standard base64": base64.b64encode(good.encode()).decode(),
        "nested": own.sign({"token": good}),
        "empty": " ",
        "two": f"{good} {good}",
        "words": "open sesame",
        "dots": "..",
        "long": "x" * 8000,
    }
    messages = {name: way.refused(token) for name, token in bad.items()}
    assert set(messages.values()) == {UNAUTHORIZED}, messages


def test_id_tokens_of_other_clients(way, provider):
    person = provider.user()
    assert way.present(provider.id_token(person, way.client_id)).status_code == 201
    assert way.refused(provider.id_token(person, "elsewhere")) == UNAUTHORIZED
    for claims, status in (({"azp": "elsewhere"}, 401), ({"azp": way.client_id}, 201), ({}, 201)):
        token = provider.mint({"sub": person, "aud": way.client_id, "nonce": "n", "client_id": None} | claims, typ="JWT")
        assert way.present(token).status_code == status, claims


def test_a_token_that_the_provider_has_revoked(trust, provider):
    """An opaque token is asked about, so its revocation counts at once."""
    way = trust(ANYBODY)
    person = provider.user()
    bearer = provider.access_token(person, way.client_id)
    assert way.present(bearer).status_code == 201
    provider.http.post(
        f"{provider.issuer}/token/revocation",
        data={"token": bearer},
        auth=(way.client_id, f"{way.client_id}%20secret"),
        timeout=10,
    )
    assert way.refused(bearer) == UNAUTHORIZED


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x", "bearer"])
def test_without_a_token(way, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = way.archstone.request("POST", f"{way.path}/protocols/openid/auth", headers=headers)
    assert answer.status_code == 401 and answer.json()["error"]["message"] == UNAUTHORIZED
    assert answer.headers["WWW-Authenticate"].startswith(("Keystone uri=", "Bearer"))


def test_the_scheme_has_no_case_and_the_token_no_second(way, provider):
    bearer = provider.access_token(provider.user())
    url = f"{way.path}/protocols/openid/auth"
    assert way.archstone.request("POST", url, headers={"Authorization": f"bearer {bearer}"}).status_code == 201
    for query in (f"?access_token={bearer}", f"?token={bearer}"):
        assert way.archstone.request("POST", url + query).status_code == 401, "tokens in a URL are nobody's"
    assert way.archstone.request("POST", url, headers={"X-Auth-Token": bearer}).status_code == 401
    assert way.archstone.request("POST", url, headers={"Authorization": f"Bearer {bearer}, Bearer {bearer}"}).status_code == 401


def test_ways_that_are_closed(archstone, trust, provider):
    """Unknown identity provider 404, disabled 403, protocol not there 404 (1.7)."""
    way = trust(ANYBODY)
    bearer = provider.access_token(provider.user())
    assert way.refused(bearer, 404, protocol="none") == f"Could not find federated protocol none for Identity Provider: {way.id}."
    answer = archstone.request(
        "POST", f"{FEDERATION}/identity_providers/nobody/protocols/openid/auth", headers={"Authorization": f"Bearer {bearer}"}
    )
    assert answer.status_code == 404 and answer.json()["error"]["message"] == "Could not find Identity Provider: nobody."
    way.patch(enabled=False)
    way.refused(bearer, 403)
    way.patch(enabled=True)
    assert way.present(bearer).status_code == 201


def test_methods(way, provider):
    bearer = provider.access_token(provider.user())
    for method in ("PUT", "PATCH", "DELETE"):
        assert way.present(bearer, method=method).status_code == 405
    assert way.present(bearer, method="HEAD").status_code in (200, 201)


def test_a_protocol_without_a_connection(archstone, trust, provider):
    way = trust(ANYBODY)
    archstone.expect(204, "DELETE", f"{way.path}/protocols/openid/connection", token=archstone.admin_token)
    assert way.refused(provider.access_token(provider.user())) == UNAUTHORIZED


def test_no_rule_matches(trust, provider):
    way = trust(
        {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-groups", "any_one_of": ["staff"]}]}
    )
    assert way.refused(provider.access_token(provider.user())) == UNAUTHORIZED
    assert way.refused(provider.access_token(provider.user(groups=["others"]))) == UNAUTHORIZED
    assert way.refused(provider.access_token(provider.user(groups=["STAFF"]))) == UNAUTHORIZED
    assert way.present(provider.access_token(provider.user(groups=["others", "staff"]))).status_code == 201
    way.map({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "oidc-sub"}]})
    assert way.refused(provider.access_token(provider.user())) == UNAUTHORIZED, "names have a case (Q23)"
    way.map({"local": [], "remote": [{"type": "OIDC-sub"}]})
    assert way.present(provider.access_token(provider.user())).status_code in (201, 401)


def test_ks_fed_1_remote_ids(archstone, trust, provider, other_provider):
    """The issuer must be among the remote ids where there are some; a missing attribute is 401, a wrong value 403."""
    bearer = provider.access_token(provider.user())
    good = trust(ANYBODY, remote_ids=[provider.issuer, unique("also")], remote_id_attribute="HTTP_OIDC_ISS")
    assert good.present(bearer).status_code == 201
    wrong = trust(ANYBODY, remote_ids=[unique("https://wrong.example")], remote_id_attribute="HTTP_OIDC_ISS")
    wrong.refused(bearer, 403)
    missing = trust(ANYBODY, remote_ids=[unique("x")], remote_id_attribute="HTTP_OIDC_NO_SUCH")
    assert missing.refused(bearer) == UNAUTHORIZED
    unchecked = trust(ANYBODY, remote_id_attribute="HTTP_OIDC_NO_SUCH")
    assert unchecked.present(bearer).status_code == 201, "without remote ids nothing is compared"
    several = trust(ANYBODY, remote_ids=["a", "a;b"], remote_id_attribute="OIDC-groups")
    several.refused(provider.mint({"sub": "x", "groups": ["a", "c"]}), 403)
    assert several.present(provider.mint({"sub": "x", "groups": ["a"]})).status_code == 201
    body = {"identity_provider": {"remote_ids": [provider.issuer]}}
    again = archstone.request("PUT", f"{FEDERATION}/identity_providers/{unique()}", token=archstone.admin_token, json=body)
    assert again.status_code == 409


def test_the_wrong_provider_behind_the_right_name(trust, own_provider, other_provider):
    """A discovery document that names another issuer than the connection does is not believed."""
    with own_provider.misbehaving(discovery={"issuer": other_provider.issuer}):
        way = trust(ANYBODY, provider=own_provider)
        assert way.present(own_provider.access_token(own_provider.user())).status_code in (401, 503)


def test_headers_of_a_web_server_in_front_are_nobodys(archstone, way, trust):
    """WEB-HDR-2, KS-FED-4: identity in header fields counts only from a trusted proxy, and there is none."""
    names = [
        "REMOTE_USER",
        "X-Remote-User",
        "OIDC-sub",
        "OIDC_CLAIM_sub",
        "HTTP_OIDC_SUB",
        "OIDC-CLAIM-sub",
        "MELLON_NAME_ID",
        "Shib-Identity-Provider",
        "X-Auth-User",
    ]
    headers = dict.fromkeys(names, "root")
    assert archstone.request("POST", f"{way.path}/protocols/openid/auth", headers=headers).status_code == 401


def test_they_do_not_add_to_a_good_login_either(way, provider):
    person = provider.user()
    answer = way.present(
        provider.access_token(person), headers={"REMOTE_USER": "root", "OIDC-sub": "root", "OIDC_CLAIM_sub": "root"}
    )
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == person


def test_refusals_tell_outsiders_nothing_and_administrators_why(archstone, way, provider):
    """Security rule 9: one answer outside; the reason in the diagnostics (ruling 16) and the audit trail, no token in the log."""
    bearers = [
        provider.mint({"sub": "x", "exp": now(-500)}),
        provider.mint({"sub": "x", "aud": "https://other.example"}),
        flipped(provider.mint({"sub": "x"})),
        "opaque",
    ]
    bodies = {json.dumps(way.present(b).json(), sort_keys=True) for b in bearers}
    assert len(bodies) == 1
    good = provider.mint({"sub": unique("person")})
    way.present(good)
    logins = archstone.expect(200, "GET", f"{way.path}/logins", token=archstone.admin_token)["logins"]
    assert len(logins) == 5
    reasons = {e.get("reason") for e in logins}
    assert len(reasons - {None}) == 4, reasons
    log = archstone.log()
    for bearer in [*bearers[:3], good]:
        assert bearer not in log and bearer.rsplit(".", 1)[1] not in log and bearer not in json.dumps(logins)


def test_a_refusal_is_quick_and_makes_nobody(archstone, way, provider):
    began = time.monotonic()
    for _ in range(20):
        way.refused(flipped(provider.mint({"sub": unique("person")})))
    assert time.monotonic() - began < 5
    assert way.get(f"users?domain_id={way.domain_id}")["users"] == []


def test_a_hundred_kilobyte_token(way, provider):
    big = provider.mint({"sub": "x", "filler": "x" * 100_000})
    answer = requests.post(
        f"{way.archstone.url}{way.path}/protocols/openid/auth", headers={"Authorization": f"Bearer {big}"}, timeout=10
    )
    assert answer.status_code in (401, 413, 431)


def test_the_connection_needs_an_administrator(archstone, trust, provider):
    way = trust(ANYBODY)
    token, _ = way.enter(provider.user())
    path = f"{way.path}/protocols/openid/connection"
    for method, body in (("GET", None), ("PUT", {"connection": {}}), ("PATCH", {"connection": {}}), ("DELETE", None)):
        assert archstone.request(method, path, json=body).status_code == 401
        assert archstone.request(method, path, token=token, json=body).status_code == 403
    assert archstone.request("GET", f"{way.path}/logins", token=token).status_code == 403


def test_egress_rules_hold_for_the_provider(launch, provider):
    """SSRF-1, SSRF-19: without the operator's leave the loopback interface is not reached."""
    node = launch()
    admin = node.admin_token
    node.expect(201, "PUT", f"{FEDERATION}/identity_providers/i", token=admin, json={"identity_provider": {"enabled": True}})
    node.expect(201, "PUT", f"{FEDERATION}/mappings/m", token=admin, json={"mapping": {"rules": [ANYBODY]}})
    node.expect(201, "PUT", f"{FEDERATION}/identity_providers/i/protocols/p", token=admin, json={"protocol": {"mapping_id": "m"}})
    provider.requests()
    body = {"connection": {"kind": "oidc", "issuer": provider.issuer, "client_id": "c", "client_secret": "s"}}
    answer = node.request("PUT", f"{FEDERATION}/identity_providers/i/protocols/p/connection", token=admin, json=body)
    assert answer.status_code == 400, answer.text
    bearer = {"Authorization": f"Bearer {provider.mint({'sub': 'x'})}"}
    assert node.request("POST", f"{FEDERATION}/identity_providers/i/protocols/p/auth", headers=bearer).status_code == 401
    assert provider.requests() == []
