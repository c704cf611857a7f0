"""OP-AUTH-1 to 9: an application proves who it is, in one way at a time (RFC 6749 section 2.3, RFC 7523)."""

import base64
import time
import uuid

import pytest

from peers.broken import BrokenWeb, Reply
from peers.jose import Key, b64, part, symmetric, unsigned
from tenancy import APPLICATIONS, admin, mutated, refused

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def service():
    """`service(tenant)`: an application that acts for itself; one for each tenant."""
    made = {}

    def of(tenant):
        if tenant.id not in made:
            made[tenant.id] = tenant.client("SERVICE", grant_types=["client_credentials"])
        return made[tenant.id]

    return of


def basic(id, secret):
    """An `Authorization` field as it is, without the encoding of form fields."""
    return {"headers": {"Authorization": "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()}}


def ask(client, credentials, **form):
    """A token for itself by these credentials; the answer."""
    headers = credentials.get("headers")
    return client.post("oauth/token", headers=headers, credentials={k: v for k, v in credentials.items() if k != "headers"},
                       grant_type="client_credentials", **form)


def denied(answer):
    """The one answer to whoever does not prove who it is."""
    body = refused(answer, 401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic"), answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    return body


def test_the_two_ways_of_showing_a_secret(tenant, service):
    client = service(tenant)
    for credentials in (client.credentials(), {"data": {"client_id": client.id, "client_secret": client.secret}}):
        answer = ask(client, credentials)
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        assert set(tokens) == {"access_token", "token_type", "expires_in", "scope"}, "no refresh token, no ID token"


def test_op_auth_1_a_wrong_secret(tenant, service):
    client = service(tenant)
    bodies = [denied(ask(client, basic(client.id, secret))) for secret in ("wrong", "", mutated(client.secret, 0), mutated(client.secret, -1),
                                                                           client.secret[:-1], client.secret + "x", client.secret * 50)]
    bodies += [denied(ask(client, basic("app_00000000000000000000000000000000", client.secret)))]
    assert all(b == bodies[0] for b in bodies), "an unknown application looks like a wrong secret"
    refused(ask(client, {"data": {"client_id": client.id, "client_secret": "wrong"}}), 401, "invalid_client")
    refused(ask(client, {"data": {"client_id": client.id}}), 401, "invalid_client")
    refused(ask(client, {"data": {}}), 401, "invalid_client")


def test_op_auth_1_a_secret_of_another_one(tenant, service, own):
    client, other = service(tenant), tenant.client("SERVICE", grant_types=["client_credentials"])
    denied(ask(client, basic(client.id, other.secret)))
    elsewhere = own().client("SERVICE", grant_types=["client_credentials"])
    denied(ask(client, elsewhere.credentials() | basic(elsewhere.id, elsewhere.secret)))


def test_op_auth_2_a_secret_in_the_query(one, service):
    client = service(one)
    url = f"{one.url}/oauth/token?client_id={client.id}&client_secret={client.secret}"
    answer = one.node.request("POST", url, data={"grant_type": "client_credentials"})
    assert answer.status_code in (400, 401) and answer.json()["error"] in ("invalid_client", "invalid_request"), answer.text
    assert client.secret not in answer.text


def test_op_auth_3_two_ways_at_once(one, service):
    client = service(one)
    answer = ask(client, client.credentials(), client_id=client.id, client_secret=client.secret)
    assert answer.status_code in (400, 401) and answer.json()["error"] in ("invalid_request", "invalid_client"), answer.text
    other = one.client("SERVICE", grant_types=["client_credentials"])
    answer = ask(client, client.credentials(), client_id=other.id)
    assert answer.status_code in (400, 401), "two different applications"
    answer = ask(client, client.credentials(), client_id=client.id)
    assert answer.status_code == 200, "the same one twice is no contradiction"


def test_op_auth_4_percent_coding_and_colons(one, service):
    client = service(one)
    coded = client.id.replace("_", "%5F"), "".join(f"%{ord(c):02X}" for c in client.secret)
    assert ask(client, basic(*coded)).status_code == 200, "both parts are form-encoded first (RFC 6749 section 2.3.1)"
    for id, secret in ((client.id, f"{client.secret}:x"), (client.id, f"x:{client.secret}"), (client.id, "%zz"), (client.id, "%"), ("", ""), ("%00", "%00"),
                       (client.id, f"{client.secret}%00"), (f"{client.id}:", client.secret)):
        denied(ask(client, basic(id, secret)))
    for field in ("Basic", "Basic ", "Basic !!!", "Basic " + base64.b64encode(client.id.encode()).decode(), "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()):
        answer = ask(client, {"headers": {"Authorization": field}})
        assert answer.status_code in (400, 401), answer.text


def test_op_auth_5_each_endpoint_asks(one, service):
    client = service(one)
    for endpoint in ("introspect", "revoke", "token"):
        answer = client.post(f"oauth/{endpoint}", headers=basic(client.id, "wrong")["headers"], credentials={}, token="x", grant_type="client_credentials")
        denied(answer)


def test_a_second_secret_and_the_end_of_the_first(one):
    """Secrets are renewed without an outage: two at most, the old one until it is told to end."""
    client = one.client("SERVICE", grant_types=["client_credentials"])
    made = admin(one.node, "POST", f"{client.path}/secrets", {"expires_previous_in_secs": 3600}, 201)
    assert set(made) == {"id", "client_secret", "created_at"} and made["client_secret"] != client.secret
    shown = admin(one.node, "GET", client.path, status=200)
    assert len(shown["secrets"]) == 2 and "client_secret" not in shown and client.secret not in str(shown)
    for secret in (client.secret, made["client_secret"]):
        assert ask(client, basic(client.id, secret)).status_code == 200
    old = next(s for s in shown["secrets"] if s["id"] != made["id"])
    assert old["expires_at"]
    admin(one.node, "DELETE", f"{APPLICATIONS}/{client.id}/secrets/{old['id']}", status=204)
    denied(ask(client, basic(client.id, client.secret)))
    assert ask(client, basic(client.id, made["client_secret"])).status_code == 200


def test_a_public_application_has_nothing_to_show(one):
    client = one.client("SPA")
    assert client.secret is None
    answer = ask(client, {"data": {"client_id": client.id}})
    assert answer.status_code in (400, 401) and answer.json()["error"] in ("unauthorized_client", "invalid_client"), answer.text
    answer = client.ask(grant_type="refresh_token", refresh_token="x", client_secret="x")
    assert answer.status_code in (400, 401), answer.text


# -- private_key_jwt ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys():
    """Keys of an application, by algorithm."""
    return {alg: Key(f"k-{alg}", alg) for alg in ("RS256", "ES256", "EdDSA")}


@pytest.fixture(scope="module")
def signing(keys):
    """`signing(tenant)`: an application that signs; one for each tenant."""
    made = {}

    def of(tenant):
        if tenant.id not in made:
            jwks = {"keys": [k.public_jwk() for k in keys.values()]}
            made[tenant.id] = tenant.client("SERVICE", grant_types=["client_credentials"], auth_method="private_key_jwt", jwks=jwks)
        return made[tenant.id]

    return of


def assertion(client, **changes):
    """The claims of an assertion; `changes` replace some (None: leave out)."""
    now = int(time.time())
    usual = {"iss": client.id, "sub": client.id, "aud": f"{client.tenant.issuer}/oauth/token", "iat": now, "exp": now + 60, "jti": uuid.uuid4().hex}
    return {k: v for k, v in (usual | changes).items() if v is not None}


def show(client, token):
    """Shows an assertion; the answer."""
    return ask(client, {"data": {"client_assertion_type": ASSERTION, "client_assertion": token}})


def test_an_assertion(tenant, signing, keys):
    client = signing(tenant)
    assert client.secret is None
    for key in keys.values():
        answer = show(client, key.sign(assertion(client), typ="JWT"))
        assert answer.status_code == 200, answer.text
    assert show(client, keys["ES256"].sign(assertion(client, aud=client.tenant.issuer))).status_code == 200, "the issuer is as good"
    assert show(client, keys["ES256"].sign(assertion(client, aud=[client.tenant.issuer]))).status_code == 200


def test_op_auth_6_nobody_signed(one, signing, keys):
    client = signing(one)
    for alg in ("none", "None", "NONE", ""):
        refused(show(client, unsigned(assertion(client), alg)), 401, "invalid_client")
    public = keys["RS256"].key.public_key()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), b""):
        refused(show(client, symmetric(assertion(client), secret, "k-RS256")), 401, "invalid_client")
    refused(show(client, Key("k-RS256").sign(assertion(client))), 401, "invalid_client")
    refused(show(client, keys["RS256"].sign(assertion(client), kid="k-ES256")), 401, "invalid_client")
    refused(show(client, keys["RS256"].sign(assertion(client), jwk=Key("own").public_jwk(), kid=None)[:-4]), 401, "invalid_client")
    # A signature of zeros (CVE-2022-21449).
    text = f"{part({'alg': 'ES256', 'kid': 'k-ES256'})}.{part(assertion(client))}"
    refused(show(client, f"{text}.{b64(bytes(64))}"), 401, "invalid_client")
    for broken in ("", "a.b.c", "a.b", "....", "\u00e9", "x" * 100_000):
        answer = show(client, broken)
        assert answer.status_code in (400, 401, 413), answer.text


def test_op_auth_7_for_somebody_else(one, signing, keys, own):
    client, key = signing(one), keys["ES256"]
    for aud in ("https://elsewhere.example", own().issuer, f"{client.tenant.issuer}/oauth/userinfo", client.id, [], "", None, 7):
        refused(show(client, key.sign(assertion(client, aud=aud))), 401, "invalid_client")
    for changes in ({"iss": "somebody"}, {"sub": "somebody"}, {"iss": None}, {"sub": None}):
        refused(show(client, key.sign(assertion(client, **changes))), 401, "invalid_client")


def test_op_auth_8_twice(pair, keys):
    from tenancy import Tenant
    tenant = Tenant(pair[0])
    client = tenant.client("SERVICE", grant_types=["client_credentials"], auth_method="private_key_jwt", jwks={"keys": [keys["ES256"].public_jwk()]})
    token = keys["ES256"].sign(assertion(client))
    assert show(client, token).status_code == 200
    refused(show(client, token), 401, "invalid_client")
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": token}
    refused(client.post("oauth/token", node=pair[1], credentials={}, **form), 401, "invalid_client")
    refused(show(client, keys["ES256"].sign(assertion(client, jti=None))), 401, "invalid_client")


def test_op_auth_9_for_too_long_or_no_more(one, signing, keys):
    client, now = signing(one), int(time.time())
    for changes in ({"exp": now + 10 * 365 * 86_400}, {"exp": now + 2 * 86_400}, {"exp": now - 120}, {"exp": None}, {"exp": "soon"}, {"exp": 2**63}, {"exp": -1},
                    {"iat": now + 600, "exp": now + 660}, {"nbf": now + 600}):
        refused(show(client, keys["ES256"].sign(assertion(client, **changes))), 401, "invalid_client")


def test_a_secret_is_not_taken_from_who_signs(one, signing, service):
    client = signing(one)
    denied(ask(client, basic(client.id, service(one).secret)))
    refused(ask(client, {"data": {"client_id": client.id}}), 401, "invalid_client")


def test_an_assertion_is_not_taken_from_who_has_a_secret(one, service, keys):
    client = service(one)
    refused(show(client, keys["ES256"].sign(assertion(client))), 401, "invalid_client")
    refused(show(client, symmetric(assertion(client), client.secret.encode(), "x")), 401, "invalid_client")


def test_keys_at_an_address(one, keys):
    """`jwks_uri` is fetched through the same rules as a provider's keys, and not at every request."""
    import json
    web = BrokenWeb(lambda web, case, rest: Reply(json.dumps({"keys": [keys["ES256"].public_jwk()]})))
    try:
        how = {"grant_types": ["client_credentials"], "auth_method": "private_key_jwt"}
        client = one.client("SERVICE", jwks_uri=f"{web.url}/keys/x", **how)
        for _ in range(3):
            assert show(client, keys["ES256"].sign(assertion(client))).status_code == 200
        for _ in range(3):
            refused(show(client, Key("unknown").sign(assertion(client))), 401, "invalid_client")
        assert len(web.asked) <= 2, web.asked
    finally:
        web.remove()


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code",
                                   "urn:ietf:params:oauth:grant-type:token-exchange"])
def test_a_grant_type_that_the_application_does_not_have(one, grant):
    others = {"authorization_code", "client_credentials"} - {grant}
    client = one.client(grant_types=sorted(others))
    answer = client.ask(grant_type=grant, code="x", refresh_token="x", device_code="x", subject_token="x", code_verifier="x" * 43,
                        redirect_uri=client.redirect_uri, subject_token_type="urn:ietf:params:oauth:token-type:access_token")
    refused(answer, 400, "unauthorized_client")


def test_a_service_acts_for_itself(tenant, service):
    client = service(tenant)
    tokens = ask(client, client.credentials()).json()
    shown = client.introspect(tokens["access_token"])
    assert shown["active"] and shown["sub"] == shown["client_id"] == client.id and shown.get("scope", "") == tokens.get("scope", "")
    assert ask(client, client.credentials(), scope="admin:everything").json()["error"] == "invalid_scope"
    answer = tenant.userinfo(tokens["access_token"])
    assert answer.status_code in (401, 403), "there is nobody to tell about"
