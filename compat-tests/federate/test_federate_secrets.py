"""Secrets of platforms and of what is pushed to them are found nowhere but there (sso-api.md 5.1, 6.1; security.md ADM-SEC-2,
SEC-REST-1, SEC-LOG-1), and go nowhere new when an address changes (ADM-SEC-1).
"""

import pytest
import requests

from federate_calls import PLATFORMS, STATUS, Platform, described, federate, stored
from harness import Archstone, unique
from peers.hostile_scim import HostileScim
from peers.webhook import Webhook
from peers.zstack import ZStack
from sso_bodies import oidc
from sso_calls import CONFIGURATIONS, MASK, create, done, path_of, send, system_admin
from test_secrets import forms
from way import Way


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_adm_sec_2_sec_rest_1_and_sec_log_1_planted_secrets(database, cluster, settings, provider, made):
    """In database, log at its most talkative, audit trail, answers and metrics; whatever was done with them, and whatever went wrong."""
    node = Archstone(cluster.fresh_database() if database == "postgres" else None, settings | {"ARCHSTONE_LOG__FILTER": "trace"})
    names = ("client-secret", "password", "scim-token", "hook-key", "refused-secret", "wrong-key", "jwt")
    canaries = {name: f"canary-{n}-{name}-of-the-tests" for n, name in enumerate(names)}
    zstack, other = made(ZStack, password=canaries["password"]), made(ZStack)
    zstack.lists_secrets = True
    scim, hook = made(HostileScim, canaries["scim-token"]), made(Webhook, canaries["hook-key"])
    seen = []

    def call(method, path, body=None, **options):
        answer = send(node, method, path, body, timeout=40, **options)
        seen.append(answer.content + repr(answer.headers).encode())
        return answer

    try:
        node.prepare().start()
        way = Way(node, provider)
        call("PUT", path_of(way.config), {"oidcConfig": {"clientSecret": canaries["client-secret"]}})
        way.enter(way.person())
        by_password = {"username": "admin", "password": canaries["password"]}
        bodies = [
            described(zstack, scim=scim, accessKeyId=None, accessKeySecret=None, accessKeyName=None, **by_password),
            described(other, scim=scim, scimToken=canaries["refused-secret"]),
            described(other, accessKeySecret=canaries["wrong-key"]),
            described(hook),
        ]
        platforms = [call("POST", PLATFORMS, body).json()["uuid"] for body in bodies]
        for body in bodies:
            call("POST", f"{PLATFORMS}/validate", body)
            call("POST", PLATFORMS, body | {"hostPort": "x"})
            call("POST", PLATFORMS, body | {"endpoint": "file:///etc/passwd"})
        draft = {"productType": "zstack", "endpoint": zstack.url, "accessKey": "nobody", "secretKey": canaries["wrong-key"]}
        call("POST", f"{PLATFORMS}/test-connection", draft)
        for fault in (None, {"fault": "error"}, {"fault": "plain", "status": 403, "text": canaries["client-secret"]}, {"fault": "drop"}):
            if fault:
                zstack.on("CreateOAuthClient", times=1, **fault)
                zstack.on("UpdateOAuthClient", times=1, **fault)
                scim.on(None, "/", "status", times=3, code=503, body=canaries["scim-token"])
            call("PUT", path_of(way.config), {"displayName": unique("sso")})
            call("POST", path_of(way.config, "federate"), {"platformUuids": platforms})
        call("GET", f"{STATUS}?limit=1000")
        call("GET", f"{CONFIGURATIONS}?limit=1000")
        call("GET", f"{PLATFORMS}?limit=1000")
        for uuid in platforms:
            call("GET", f"{PLATFORMS}/{uuid}")
            call("POST", f"{PLATFORMS}/{uuid}/previewDelete", {"options": {"revokeRemoteCredentials": True}})
        call("POST", f"/api/v1/federation/platforms/{platforms[0]}/sso/login", {"jwt": canaries["jwt"]})
        call("GET", "/v3/archstone/audit?limit=500")
        call("GET", "/api/v1/sso/jobs?limit=1000")
        # The only answer that may hold a secret, once.
        rotated = send(node, "POST", f"{PLATFORMS}/{platforms[0]}/rotate-keys", {}, system_admin(node), timeout=40)
        keys = [k["AccessKeySecret"] for k in (*zstack.keys.values(), *other.keys.values())]
        assert rotated.status_code != 200 or rotated.json()["accessKeySecret"] in keys
        call("POST", path_of(way.config, "unfederate"), {"platformUuids": platforms})
        call("GET", f"{PLATFORMS}/{platforms[0]}")
        assert scim.writes, "the token was used"
        seen.append(requests.get(f"http://127.0.0.1:{node.metrics_port}/metrics", timeout=5).content)
        assert node.log().count("\n") > 50, "the log is not at its most talkative"
        seen += [node.log().encode(), *stored(node)]
    finally:
        node.remove()
    for secret in (*canaries.values(), *keys):
        for form in forms(secret):
            found = [piece for piece in seen if form in piece]
            assert not found, f"{secret} as {form}: {found[0][max(0, found[0].index(form) - 200):][:400]}"


@pytest.mark.parametrize("field, address", [("endpoint", "another zstack"), ("scimEndpoint", "another scim server")])
def test_adm_sec_1_a_kept_secret_goes_to_no_other_host(one, made, field, address):
    zstack, scim = made(ZStack), made(HostileScim)
    platform = Platform(one, zstack, scim=scim)
    thief = made(ZStack) if field == "endpoint" else made(HostileScim)
    secret = "accessKeySecret" if field == "endpoint" else "scimToken"
    for value in (MASK, "", None):
        body = {field: thief.url} | ({secret: value} if value is not None else {})
        answer = send(one, "PUT", platform.path, body, timeout=30)
        assert answer.status_code == 400, (address, value, answer.text)
    federate(one, create(one, oidc()), platform)
    asked = thief.requests if field == "endpoint" else thief.asked
    assert not asked, "nothing went there"
    own = {secret: zstack.access_key()["AccessKeySecret"] if field == "endpoint" else thief.token}
    assert done(one, "PUT", platform.path, {field: thief.url} | own, timeout=30)["uuid"] == platform.uuid


def test_a_redirect_takes_no_credential_along(one, made):
    zstack, scim = made(ZStack), made(HostileScim)
    platform = Platform(one, zstack, scim=scim)
    scim.on(None, "/", "redirect")
    federate(one, create(one, oidc()), platform)
    assert scim.stolen == []
