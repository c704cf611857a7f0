"""OP-TOK-1 to 6, OP-INTRO-1, OP-REVOKE-1, OP-EXCH-1: what tokens say and where they are good (RFC 9068, 7662, 7009, 8693)."""

import base64
import hashlib
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from peers.jose import Key, b64, decode, part, symmetric, unb64, unsigned
from tenancy import ACCESS_TOKEN, EXCHANGE_GRANT, Tenant, access_claims, claims_of, mutated, refused


def integer(text):
    """A member of a JWK as a number."""
    return int.from_bytes(unb64(text), "big")


def verified(tenant, token, typ):
    """Header and claims of a token of this tenant, verified with its published keys by code that is not ours."""
    head, claims = decode(token)
    assert head["typ"] == typ and set(head) == {"alg", "kid", "typ"}, head
    key = tenant.keys()[head["kid"]]
    assert key["use"] == "sig" and key["alg"] == head["alg"] and "d" not in key
    text, _, signature = token.rpartition(".")
    if head["alg"] == "RS256":
        public = rsa.RSAPublicNumbers(integer(key["e"]), integer(key["n"])).public_key()
        assert public.key_size >= 2048
        public.verify(unb64(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        assert head["alg"] == "ES256"
        public = ec.EllipticCurvePublicNumbers(integer(key["x"]), integer(key["y"]), ec.SECP256R1()).public_key()
        raw = unb64(signature)
        public.verify(encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")), text.encode(), ec.ECDSA(hashes.SHA256()))
    return head, claims


def half(text):
    """`at_hash` of OpenID Connect Core section 3.1.3.6."""
    return b64(hashlib.sha256(text.encode()).digest()[:16])


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_op_tok_1_an_id_token(tenant, alg):
    client = tenant.client(id_token_alg=alg)
    user = tenant.user(email="ann@example.com", description="x")
    began = int(time.time())
    attempt_nonce = "a nonce / of the application"
    tokens = client.sign_in(user, nonce=attempt_nonce)
    head, claims = verified(tenant, tokens["id_token"], "JWT")
    assert head["alg"] == alg
    assert claims["iss"] == tenant.issuer and claims["sub"] == user["id"] and claims["aud"] in (client.id, [client.id])
    assert claims.get("azp", client.id) == client.id and claims["nonce"] == attempt_nonce
    assert claims["at_hash"] == half(tokens["access_token"])
    assert began - 5 <= claims["auth_time"] <= claims["iat"] <= time.time() + 5 and claims["exp"] > claims["iat"]
    assert claims["sid"] and claims["tenant_id"] == tenant.id and "pwd" in claims["amr"] and "idp" not in claims
    assert claims["email"] == "ann@example.com" and claims["preferred_username"] == user["name"]
    assert user["password"] not in str(claims)


def test_op_tok_1_claims_are_those_of_the_scopes(tenant):
    client, user = tenant.client(), tenant.user(email="ann@example.com")
    group = tenant.node.new_group(tenant.id, user)
    technical = {"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "amr", "acr", "tenant_id", "jti"}
    claims = claims_of(client.sign_in(user, scope="openid"))
    assert set(claims) <= technical, claims
    claims = claims_of(client.sign_in(user, scope="openid email"))
    assert set(claims) - technical == {"email", "email_verified"} and claims["email_verified"] is False
    claims = claims_of(client.sign_in(user, scope="openid groups"))
    assert claims["groups"] == [group["name"]]
    client.set(groups_as_ids=True)
    assert claims_of(client.sign_in(user, scope="openid groups"))["groups"] == [group["id"]]
    claims = claims_of(client.sign_in(user, scope="openid profile"))
    assert {"name", "preferred_username"} <= set(claims) and "email" not in claims


def test_op_tok_1_who_came_through_a_provider(tenant, provider):
    client, way = tenant.client(), tenant.way(provider)
    person = way.person(name="Ann Other", email="ann.other@example.com")
    tokens = client.come_by(way, person)
    _, claims = verified(tenant, tokens["id_token"], "JWT")
    assert claims["idp"] == way.id and claims["sub"] != person and "pwd" not in claims["amr"] and "fed" in claims["amr"]
    assert claims["email"] == "ann.other@example.com" and claims["email_verified"] is True
    assert provider.issuer not in str(claims), "of the upstream it says no more"


def test_op_tok_2_an_access_token(tenant):
    client, user = tenant.client(), tenant.user()
    tokens = client.sign_in(user, scope="openid email")
    head, claims = verified(tenant, tokens["access_token"], "at+jwt")
    assert head["alg"] == "ES256"
    assert claims["iss"] == tenant.issuer and claims["sub"] == user["id"] and claims["client_id"] == client.id
    assert client.id in ([claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"])
    assert claims["scope"] == "openid email" and claims["tenant_id"] == tenant.id
    assert claims["exp"] == claims["iat"] + 3600 and claims["jti"] and claims["sid"] and claims["auth_time"]
    assert not {"email", "name", "groups", "nonce"} & set(claims)
    other = access_claims(client.sign_in(user))
    assert other["jti"] != claims["jti"]


def test_op_tok_3_at_another_tenant(one, own):
    other = own()
    client, user = one.client(), one.user()
    tokens = client.sign_in(user)
    answer = other.userinfo(tokens["access_token"])
    assert answer.status_code == 401 and 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert other.client().introspect(tokens["access_token"]) == {"active": False}
    other.client().revoke(tokens["access_token"])
    assert one.userinfo(tokens["access_token"]).status_code == 200


def test_op_tok_4_tokens_of_other_kinds_are_no_access_tokens(one):
    client, user = one.client(), one.user()
    tokens = client.sign_in(user, scope="openid offline_access")
    for token in (tokens["id_token"], tokens["refresh_token"], one.node.admin_token, client.secret):
        assert one.userinfo(token).status_code == 401
    service = one.client("SERVICE", grant_types=["client_credentials"])
    assert one.userinfo(service.ask(grant_type="client_credentials").json()["access_token"]).status_code in (401, 403)


def test_op_tok_5_forged_ones(one):
    """Unsigned, signed by somebody else, by the public key as a secret, with a key or address of its own in the header."""
    client = one.client()
    tokens = client.sign_in(one.user())
    head, claims = decode(tokens["access_token"])
    stranger = Key(head["kid"], "ES256")
    public = one.keys()[head["kid"]]
    forged = [
        unsigned(claims), unsigned(claims, "None"), unsigned(claims, "none", tokens["access_token"].rpartition(".")[2]),
        stranger.sign(claims), stranger.sign(claims, jwk=stranger.public_jwk()), stranger.sign(claims, jku="http://127.0.0.1:9/keys"),
        stranger.sign(claims, kid=None), stranger.sign(claims, x5u="http://127.0.0.1:9/x"),
        symmetric(claims, str(public).encode(), head["kid"]), symmetric(claims, unb64(public["x"]), head["kid"]),
        f"{part(head)}.{part(claims | {'sub': 'admin'})}.{tokens['access_token'].rpartition('.')[2]}",
        f"{part(head)}.{part(claims)}.{b64(bytes(64))}",
        f"{part(head | {'crit': ['x'], 'x': 1})}.{part(claims)}.{tokens['access_token'].rpartition('.')[2]}",
    ]
    for token in forged:
        answer = one.userinfo(token)
        assert answer.status_code == 401 and "sub" not in answer.text, token
        assert client.introspect(token) == {"active": False}


def test_op_tok_6_the_same_token_written_otherwise(one):
    client = one.client()
    token = client.sign_in(one.user())["access_token"]
    head, body, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes leave four unused bits in the last character: sixteen characters for the same bytes.
    unused = signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]
    assert base64.urlsafe_b64decode(unused + "==") == base64.urlsafe_b64decode(signature + "==")
    same = [token[:-1], token[:-10], f"{head}.{body}.", f"{head}.{body}", f"{token}=", f"{token}==", f"{token}.", f".{token}", f"{token}A", f"{head}.{body}.{unused}",
            f"{head}=.{body}.{signature}", f"{head}.{body}=.{signature}", token.replace("-", "+").replace("_", "/") if set("-_") & set(token) else f"{token}+",
            mutated(token, len(head) + 30), mutated(token, 5), mutated(token, -20), f"{head}.{body}.{signature}.{signature}"]
    for changed in same:
        answer = one.userinfo(changed)
        assert answer.status_code == 401, changed
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert client.introspect(changed) == {"active": False}
    assert one.userinfo(token).status_code == 200


def test_an_access_token_ends(clocked):
    node, step = clocked
    tenant = Tenant(node, access_token_secs=600)
    client, short = tenant.client(), tenant.client(access_token_secs=60)
    user = tenant.user()
    tokens = client.sign_in(user)
    assert tokens["expires_in"] == 600 and short.sign_in(user)["expires_in"] == 60
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    step(590)
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    step(670)
    assert tenant.userinfo(tokens["access_token"]).status_code == 401
    assert client.introspect(tokens["access_token"]) == {"active": False}


# -- userinfo ------------------------------------------------------------------------------------------------------------


def test_userinfo(tenant):
    client, user = tenant.client(), tenant.user(email="ann@example.com")
    tokens = client.sign_in(user)
    for method in ("GET", "POST"):
        answer = tenant.userinfo(tokens["access_token"], method)
        assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
        assert answer.json()["sub"] == user["id"] and answer.json()["email"] == "ann@example.com"
    told = claims_of(tokens)
    common = set(answer.json()) & set(told)
    assert {k: answer.json()[k] for k in common} == {k: told[k] for k in common}


def test_userinfo_without_a_token(one):
    answer = one.node.request("GET", f"{one.url}/oauth/userinfo")
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    token = one.client().sign_in(one.user())["access_token"]
    answer = one.node.request("GET", f"{one.url}/oauth/userinfo?access_token={token}")
    assert answer.status_code in (400, 401), "not in the address (RFC 6750 section 2.3)"
    assert one.userinfo(token, headers={"Authorization": f"Basic {token}"}).status_code == 401


def test_userinfo_is_of_now(one):
    client, user = one.client(), one.user(email="ann@example.com")
    token = client.sign_in(user)["access_token"]
    one.change_user(user["id"], email="other@example.com")
    assert one.userinfo(token).json()["email"] == "other@example.com"
    one.change_user(user["id"], enabled=False)
    assert one.userinfo(token).status_code == 401


# -- introspection and revocation -----------------------------------------------------------------------------------------


def test_introspection(tenant):
    client, user = tenant.client(), tenant.user()
    tokens = client.sign_in(user, scope="openid offline_access")
    shown = client.introspect(tokens["access_token"])
    assert shown["active"] is True and shown["sub"] == user["id"] and shown["client_id"] == client.id and shown["iss"] == tenant.issuer
    assert shown["scope"] == "openid offline_access" and shown["exp"] == access_claims(tokens)["exp"] and shown["token_type"] == "Bearer"
    assert client.introspect(tokens["refresh_token"])["active"] is True
    for hint in ("access_token", "refresh_token", "nonsense"):
        assert client.introspect(tokens["access_token"], token_type_hint=hint)["active"] is True, "a hint is a hint"
    for token in ("x", "", "a.b.c", tokens["id_token"], tenant.node.admin_token, "\u00e9"):
        answer = client.post("oauth/introspect", token=token)
        assert (answer.status_code, answer.json()) == (200, {"active": False}) or (token == "" and answer.status_code == 400), answer.text


def test_op_intro_1_another_applications_token(tenant):
    client, other = tenant.client(), tenant.client()
    tokens = client.sign_in(tenant.user(), scope="openid offline_access")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert other.introspect(token) == {"active": False}
    assert tenant.client(may_introspect=True).introspect(tokens["access_token"])["active"] is True
    answer = tenant.client("SPA").post("oauth/introspect", token=tokens["access_token"])
    assert answer.status_code == 401, "public applications have no say"


def test_op_revoke_1_another_applications_token(tenant):
    client, other = tenant.client(), tenant.client()
    tokens = client.sign_in(tenant.user(), scope="openid offline_access")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        other.revoke(token)
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("kind", ["WEB", "SPA"])
def test_revoking_ones_own(tenant, kind):
    client, user = tenant.client(kind), tenant.user()
    tokens = client.sign_in(user, scope="openid offline_access")
    client.revoke(tokens["access_token"])
    assert tenant.userinfo(tokens["access_token"]).status_code == 401
    tokens = client.sign_in(user, scope="openid offline_access")
    client.revoke(tokens["refresh_token"], token_type_hint="access_token")
    refused(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert tenant.userinfo(tokens["access_token"]).status_code == 401, "with its family"
    for token in ("unknown", "a.b.c", tokens["refresh_token"]):
        client.revoke(token)
    refused(client.post("oauth/revoke"), 400, "invalid_request")


# -- exchange -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def parties(tenant):
    """A front application whose tokens a back one may exchange, and what the latter asks with."""
    back = tenant.client(grant_types=["authorization_code", EXCHANGE_GRANT], audiences=["https://billing.example"])
    front = tenant.client(audiences=[back.id])
    user = tenant.user()

    def exchange(token, client=back, **more):
        usual = {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
        return client.ask(grant_type=EXCHANGE_GRANT, **(usual | more))

    return front, back, user, exchange


def test_a_token_for_the_next_service(tenant, parties):
    front, back, user, exchange = parties
    tokens = front.sign_in(user, scope="openid email offline_access", resource=back.id)
    answer = exchange(tokens["access_token"], audience="https://billing.example", scope="email")
    assert answer.status_code == 200, answer.text
    assert answer.json()["issued_token_type"] == ACCESS_TOKEN and "refresh_token" not in answer.json()
    claims = access_claims(answer.json())
    assert claims["sub"] == user["id"] and claims["client_id"] == back.id and claims["scope"] == "email"
    assert claims["act"]["sub"] == back.id and "https://billing.example" in claims["aud"]
    assert claims["exp"] <= access_claims(tokens)["exp"]
    # It ends with the grant that it came of.
    front.revoke(tokens["refresh_token"])
    assert back.introspect(answer.json()["access_token"]) == {"active": False}


def test_op_exch_1_what_is_no_token(tenant, parties):
    front, back, user, exchange = parties
    tokens = front.sign_in(user, scope="openid email", resource=back.id)
    for token in ("", "x", "a.b.c", tokens["access_token"][:-1], tokens["id_token"], tenant.node.admin_token, unsigned(access_claims(tokens))):
        answer = exchange(token)
        assert answer.status_code == 400 and answer.json()["error"] in ("invalid_request", "invalid_grant"), answer.text
    answer = exchange(None)
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_request"
    for changes in ({"subject_token_type": None}, {"subject_token_type": "urn:x"}, {"requested_token_type": "urn:x"},
                    {"actor_token": "x"}, {"scope": "openid email profile"}, {"audience": "https://elsewhere.example"}):
        answer = exchange(tokens["access_token"], **changes)
        assert answer.status_code == 400, f"{changes}: {answer.text}"


def test_op_exch_1_a_token_that_is_for_others(tenant, parties, own):
    front, back, user, exchange = parties
    stranger = tenant.client()
    answer = exchange(stranger.sign_in(user)["access_token"])
    assert answer.status_code == 400 and "access_token" not in answer.json(), answer.text
    other = own()
    answer = exchange(other.client().sign_in(other.user())["access_token"])
    assert answer.status_code == 400 and "access_token" not in answer.json()
    answer = exchange(front.sign_in(user)["access_token"], client=tenant.client("SPA"))
    assert answer.status_code in (400, 401)


# -- on the other faces (ruling 10) ---------------------------------------------------------------------------------------


def keystone(tenant, token, how="X-Auth-Token"):
    """What the Keystone face says of a token that looks at itself."""
    value = token if how == "X-Auth-Token" else f"Bearer {token}"
    return tenant.node.request("GET", "/v3/auth/tokens", headers={how: value, "X-Subject-Token": token})


def test_an_access_token_for_this_service_opens_its_other_faces(tenant):
    client, user = tenant.client(service_audience=True, allowed_scopes=["openid", "openstack"]), tenant.user()
    tokens = client.sign_in(user, scope="openid openstack", resource=f"{tenant.node.url}/v3")
    for how in ("X-Auth-Token", "Authorization"):
        answer = keystone(tenant, tokens["access_token"], how)
        assert answer.status_code == 200, answer.text
        assert answer.json()["token"]["user"]["id"] == user["id"]
    client.revoke(tokens["access_token"])
    assert keystone(tenant, tokens["access_token"]).status_code == 401


def test_an_access_token_for_an_application_opens_no_other_face(tenant):
    allowed = tenant.client(service_audience=True, allowed_scopes=["openid", "openstack"])
    for client, parameters in ((tenant.client(), {}), (allowed, {"scope": "openid"})):
        tokens = client.sign_in(tenant.user(), **parameters)
        for how in ("X-Auth-Token", "Authorization"):
            assert keystone(tenant, tokens["access_token"], how).status_code == 401
        assert tenant.node.request("GET", "/api/v1/sso/configurations", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 401
        assert keystone(tenant, tokens["id_token"]).status_code == 401


def test_only_who_is_registered_for_it_may_ask(tenant, visitor):
    attempt = tenant.client().attempt(resource=f"{tenant.node.url}/v3")
    answer = tenant.node.request("GET", attempt.url, headers={"Accept": "text/html"})
    assert answer.status_code == 302 and attempt.answer(answer.headers["Location"])["error"] == "invalid_target"


def test_a_token_of_one_project(tenant):
    """Scope words choose the scope that the token has there; roles are looked up at each use."""
    user, project = tenant.user(), tenant.node.new_project(tenant.id)
    client = tenant.client(service_audience=True, allowed_scopes=["openid", f"openstack:project:{project}"])
    tenant.node.grant(user, "member", project=project)
    tokens = client.sign_in(user, scope=f"openid openstack:project:{project}", resource=f"{tenant.node.url}/v3")
    body = keystone(tenant, tokens["access_token"]).json()["token"]
    assert body["project"]["id"] == project and {r["name"] for r in body["roles"]} == {"member", "reader"}
    tenant.node.grant(user, "member", project=project, method="DELETE")
    assert keystone(tenant, tokens["access_token"]).status_code == 401
