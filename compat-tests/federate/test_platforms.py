"""The registry of platforms (sso-api.md 5; security.md ADM-SEC, ADM-MASS, ADM-RACE, SSRF).

Secrets of platforms are no fields of any answer, but for the one of rotating keys.
"""

import pytest

from federate_calls import PLATFORMS, Platform, described, masked, pushed, record, stored
from harness import eventually, unique
from peers.authority import Authority
from peers.zstack import ZStack
from sso_bodies import oidc
from sso_calls import create, done, problem, project_person, send, system_admin

SECRETS = ("password", "accessKeySecret", "scimToken")


def test_a_platform_has_the_documented_fields(archstone, zstack, register):
    platform = register(zstack)
    now = platform.connected()
    for name, value in {"name": platform.name, "productType": "zstack", "hostIp": "127.0.0.1", "hostPort": zstack.port}.items():
        assert now[name] == value
    assert now["accessKeyName"] and isinstance(now["features"], dict) and "lastError" not in now
    listed = done(archstone, "GET", f"{PLATFORMS}?limit=1000")
    assert {"items", "total", "limit", "offset"} <= set(listed)
    assert [i for i in listed["items"] if i["uuid"] == platform.uuid] == [now]


def test_adm_sec_1_secrets_of_platforms_are_never_shown(archstone, zstack, hostile):
    canary = unique("canary")
    body = described(zstack, scim=hostile, scimToken=f"{canary}-token", accessKeySecret=f"{canary}-key")
    made = send(archstone, "POST", PLATFORMS, body, timeout=30)
    assert made.status_code == 200, made.text
    path = f"{PLATFORMS}/{made.json()['uuid']}"
    for answer in (made, send(archstone, "GET", path), send(archstone, "GET", f"{PLATFORMS}?limit=1000"),
                   send(archstone, "PUT", path, {"name": unique("p")}, timeout=30), send(archstone, "POST", path + "/previewDelete", {"options": {}}),
                   send(archstone, "POST", f"{PLATFORMS}/validate", body, timeout=30)):  # fmt: skip
        assert canary not in answer.text
    assert masked(send(archstone, "GET", path).json(), *SECRETS)


def test_adm_sec_1_reading_and_writing_back_keeps_the_secret(archstone, zstack, register):
    platform = register(zstack)
    platform.update(**platform.get())
    platform.connected()
    config = create(archstone, oidc())
    before = len(zstack.requests)
    send(archstone, "POST", f"/api/v1/sso/configurations/{config['uuid']}/federate", {"platformUuids": [platform.uuid]}, timeout=30)
    assert all(r.status not in (400, 403) for r in zstack.requests[before:]), zstack.requests[before:]


def test_a_key_is_negotiated_and_the_password_kept_nowhere(archstone, zstack):
    platform = Platform(archstone, zstack, username="admin", password="admin password", accessKeyId=None, accessKeySecret=None, accessKeyName=None)
    assert platform.connected()["accessKeyName"]
    # One made by `described`, one by negotiation; whoever logged in has logged out.
    assert zstack.asked("LogIn") and zstack.asked("CreateAccessKey") and zstack.opened == zstack.closed
    assert b"admin password" not in b"".join(r.body for r in zstack.requests)
    assert not [piece for piece in (*stored(archstone), archstone.log().encode()) if b"admin password" in piece]


def test_keys_are_rotated_by_create_switch_delete(archstone, zstack, register):
    platform = register(zstack)
    before = set(zstack.keys)
    answer = done(archstone, "POST", f"{platform.path}/rotate-keys", {}, system_admin(archstone), timeout=30)
    assert set(answer) == {"accessKeyId", "accessKeySecret"}
    fresh = next(k for k in zstack.keys.values() if k["AccessKeyID"] == answer["accessKeyId"])
    assert fresh["AccessKeySecret"] == answer["accessKeySecret"] and fresh["uuid"] not in before and not before & set(zstack.keys)
    assert answer["accessKeySecret"] not in send(archstone, "GET", platform.path).text
    platform.connected()


def test_a_rotation_that_fails_in_between_leaves_a_key_that_works(archstone, zstack, register):
    platform = register(zstack)
    for operation, fault in (("CreateAccessKey", "error"), ("DeleteAccessKey", "error"), ("CreateAccessKey", "drop")):
        zstack.on(operation, fault, times=1)
        send(archstone, "POST", f"{platform.path}/rotate-keys", {}, system_admin(archstone), timeout=30)
        zstack.behave()
        # Whatever became of it, the key in use is a good one; and a key that was left over does not stand in the way.
        again = send(archstone, "POST", f"{platform.path}/rotate-keys", {}, system_admin(archstone), timeout=30)
        assert again.status_code == 200, (operation, fault, again.text)
        assert again.json()["accessKeyId"] in {k["AccessKeyID"] for k in zstack.keys.values()} and len(zstack.keys) <= 2


def test_validating_stores_nothing(archstone, zstack):
    body = described(zstack)
    total = done(archstone, "GET", PLATFORMS)["total"]
    assert done(archstone, "POST", f"{PLATFORMS}/validate", body, timeout=30) == {"message": "Platform configuration is valid"}
    problem(send(archstone, "POST", f"{PLATFORMS}/validate", body | {"hostPort": 0}, timeout=30), 400, "hostPort")
    assert done(archstone, "GET", PLATFORMS)["total"] == total


def test_testing_a_connection_says_which_step_failed(archstone, zstack):
    key = zstack.access_key()
    body = {"productType": "zstack", "endpoint": zstack.url, "accessKey": key["AccessKeyID"], "secretKey": key["AccessKeySecret"]}
    good = done(archstone, "POST", f"{PLATFORMS}/test-connection", body, timeout=30)
    assert good["success"] is True and {i["name"] for i in good["items"]} >= {"dns_lookup", "tcp_connect"}
    assert all(i["status"] == "success" and isinstance(i["latencyMs"], str) for i in good["items"])
    bad = done(archstone, "POST", f"{PLATFORMS}/test-connection", body | {"secretKey": unique("canary")}, timeout=30)
    assert bad["success"] is False and bad["recommendation"] and [i for i in bad["items"] if i["status"] == "failure"][0]["errorMsg"]
    zstack.stop()
    dead = done(archstone, "POST", f"{PLATFORMS}/test-connection", body, timeout=30)
    assert {i["name"]: i["status"] for i in dead["items"]}["tcp_connect"] == "failure"


@pytest.mark.parametrize("fields, name", [
    ({"name": ""}, "name"), ({"name": "x" * 300}, "name"), ({"name": 7}, "name"), ({"productType": ""}, "productType"),
    ({"hostPort": "8080"}, "hostPort"), ({"hostPort": 70_000}, "hostPort"), ({"endpoint": "ftp://a.example"}, "endpoint"), ({"endpoint": "http://u:p@127.0.0.1/"}, "endpoint"),
    ({"scimEndpoint": "file:///etc/passwd"}, "scimEndpoint"), ({"insecureSkipVerify": "yes"}, "insecureSkipVerify"),
    ({"caCertificatePem": "no certificate"}, "caCertificatePem"), ({"features": []}, "features"), ({"hostIp": "a b"}, "hostIp"),
])  # fmt: skip
def test_bad_bodies_name_the_field(one, zstack, fields, name):
    details = problem(send(one, "POST", PLATFORMS, described(zstack) | fields, timeout=30), 400)["details"]
    assert details.startswith(name), details


@pytest.mark.parametrize("address", [
    "http://169.254.169.254/latest/", "http://[fd00::1]/", "http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://0.0.0.0/", "http://2130706434/",
    "http://100.64.0.1/", "http://[::1]/",
])  # fmt: skip
@pytest.mark.parametrize("field", ["endpoint", "scimEndpoint"])
def test_ssrf_1_to_12_addresses_inside_are_refused_when_saved(one, zstack, field, address):
    problem(send(one, "POST", PLATFORMS, described(zstack) | {field: address}, timeout=30), 400)


def test_ssrf_19_what_is_allowed_works(one, zstack):
    assert Platform(one, zstack).connected()["status"] == "connected"


def test_certificates_are_looked_at_unless_told_otherwise(one, made, tmp_path):
    authority = Authority(tmp_path)
    zstack = made(ZStack, context=authority.context("127.0.0.1"))
    stranger = Platform(one, zstack, connect=False)
    assert eventually(lambda: stranger.get()["status"] in ("disconnected", "error"), 15.0) and stranger.get()["lastError"]
    assert zstack.requests == [], "nothing was said to whom nobody knows"
    stranger.update(caCertificatePem=authority.file.read_text())
    stranger.connected()
    assert Platform(one, zstack, insecureSkipVerify=True).get()["status"] == "connected"
    elsewhere = made(ZStack, context=authority.context("other.example"))
    other = Platform(one, elsewhere, connect=False, caCertificatePem=authority.file.read_text())
    assert eventually(lambda: other.get()["status"] in ("disconnected", "error"), 15.0) and elsewhere.requests == []


def test_a_platform_that_is_down_is_registered_and_says_why(archstone, zstack, register):
    zstack.stop()
    platform = register(zstack, connect=False)
    now = platform.connected("disconnected")
    assert now["lastError"]
    zstack.start()
    wrong = register(zstack, connect=False, accessKeySecret="wrong")
    assert wrong.connected("error")["lastError"]


def test_names_are_unique_and_unknown_products_are_listed_only(one, zstack):
    platform = Platform(one, zstack)
    problem(send(one, "POST", PLATFORMS, described(zstack, name=platform.name), timeout=30), 409)
    other = Platform(one, zstack, connect=False, productType="vmware")
    assert other.get()["productType"] == "vmware"


def test_adm_mass_1_what_is_the_servers_own_cannot_be_written(one, zstack):
    own = {"uuid": unique("id"), "status": "connected", "lastError": "x", "createdAt": "2020-01-01T00:00:00Z"}
    zstack.stop()
    platform = Platform(one, zstack, connect=False, **own)
    assert platform.uuid != own["uuid"] and platform.connected("disconnected")["lastError"] != "x"


def test_adm_race_1_two_administrators_at_once(one, zstack):
    platform = Platform(one, zstack)
    tag = send(one, "GET", platform.path).headers["ETag"]
    assert send(one, "PUT", platform.path, {"name": unique("p")}, headers={"If-Match": tag}, timeout=30).status_code == 200
    problem(send(one, "PUT", platform.path, {"name": unique("p")}, headers={"If-Match": tag}, timeout=30), 412)


def test_only_administrators_write(one, zstack):
    platform, reader = Platform(one, zstack), project_person(one, "reader")
    for method, path, body in (("POST", PLATFORMS, described(zstack)), ("PUT", platform.path, {"name": "x"}), ("DELETE", platform.path, None),
                               ("POST", f"{platform.path}/rotate-keys", {}), ("POST", f"{PLATFORMS}/test-connection", {}),
                               ("POST", f"{PLATFORMS}/validate", described(zstack))):  # fmt: skip
        problem(send(one, method, path, body, reader), 403)
        problem(send(one, method, path, body, False), 401)
    assert zstack.changes() == []


def test_deleting_a_platform_that_has_federations_is_refused_and_the_preview_says_why(archstone, zstack, register, way):
    platform = register(zstack)
    pushed(archstone, way.config, platform)
    told = done(archstone, "POST", f"{platform.path}/previewDelete", {"options": {}})
    assert told["blockers"] and told["blockers"][0]["hard"] in (True, False), told
    problem(send(archstone, "DELETE", platform.path), 409)
    assert record(archstone, way.config, platform)["status"] == "federated"
    deleted = send(archstone, "DELETE", f"{platform.path}?options.propagationPolicy=Foreground", timeout=60)
    assert (deleted.status_code, deleted.json()) == (200, {}) and zstack.clients == {}
    problem(send(archstone, "GET", platform.path), 404)


def test_remote_credentials_are_revoked_when_asked(archstone, zstack):
    platform = Platform(archstone, zstack, username="admin", password="admin password", accessKeyId=None, accessKeySecret=None, accessKeyName=None)
    negotiated = {r.params.get("AccessKeyID") for r in zstack.asked("CreateAccessKey")}
    assert negotiated and len(zstack.keys) == 2
    assert send(archstone, "DELETE", f"{platform.path}?options.revokeRemoteCredentials=true", timeout=60).status_code == 200
    assert len(zstack.keys) == 1


def test_ids_nobody_has_are_not_found(one):
    for method, more in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/previewDelete"), ("POST", "/rotate-keys")):
        token = system_admin(one) if more == "/rotate-keys" else None
        problem(send(one, method, f"{PLATFORMS}/{unique('none')}{more}", {} if method != "GET" else None, token), 404)


def test_products_are_spoken_to_as_they_want_it(archstone, made):
    for line in ("enterprise", "zsphere"):
        peer = made(ZStack, line)
        Platform(archstone, peer).connected()
        assert peer.unknown == [] and peer.strayed == []


def test_sessions_are_opened_at_the_products_that_have_them_only(one, zstack):
    platform, token = Platform(one, zstack), one.admin_token

    def opened(id, body):
        return send(one, "POST", f"/api/v1/federation/platforms/{id}/sso/login", body, token)

    problem(opened(unique("none"), {"jwt": token}), 404)
    problem(opened(platform.uuid, {"jwt": token}), 400)
    problem(opened(platform.uuid, {}), 400, "jwt")
    problem(opened(platform.uuid, {"jwt": 7}), 400, "jwt")
    zstack.stop()
    other = Platform(one, zstack, connect=False, productType="ah_tianchi")
    problem(opened(other.uuid, {"jwt": token}), 409)
    assert token not in one.log()
