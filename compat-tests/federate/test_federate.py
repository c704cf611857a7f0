"""Pushing a configuration to platforms (sso-api.md 4.8, 7.7): how it is asked for, what each item says, what arrives there.

What arrives is proved by using it: people sign in at the platform by the client that was pushed.
"""

import base64
import json
import time

import pytest

from federate_calls import STATUS, UI, Platform, federate, ids, pushed, record, records, stands
from harness import unique
from peers.zstack import ZStack
from sso_bodies import ldap, oidc, saml
from sso_calls import create, done, path_of, problem, project_person, send, update
from way import Way
from way import Way


@pytest.fixture
def two(made, register):
    """Two platforms."""
    return register(made(ZStack)), register(made(ZStack))


# -- how it is asked for -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["list", "text", "text with spaces", "list with a text of two", "text that ends in a comma"])
def test_platforms_are_a_list_or_a_text(archstone, way, two, form):
    first, second = ids(*two)
    asked = {"list": [first, second], "text": f"{first},{second}", "text with spaces": f" {first} , {second} ",
             "list with a text of two": [f"{first},{second}"], "text that ends in a comma": f"{first},{second},"}[form]  # fmt: skip
    items = federate(archstone, way.config, body={"platformUuids": asked, "tenantUuid": unique("tenant")})
    assert [i["platformUuid"] for i in items] == [first, second] and {i["status"] for i in items} == {"success"}


def test_items_come_in_the_order_asked_and_once(archstone, way, two):
    first, second = ids(*two)
    strange = unique("nobody")
    items = federate(archstone, way.config, body={"platformUuids": [second, strange, first, second, strange]})
    assert [i["platformUuid"] for i in items] == [second, strange, first]
    assert [i["status"] for i in items] == ["success", "failed", "success"] and items[1]["error"] == "platform not found"
    assert all(len(p.peer.clients) == 1 for p in two)


@pytest.mark.parametrize("asked", [[], "", " , ", None, 7, {"a": "b"}, [7], [None], [["x"]], [""], [f"p{n}" for n in range(101)],
                                   ",".join(f"p{n}" for n in range(101)), [True]], ids=str)  # fmt: skip
def test_what_is_no_list_of_platforms_is_refused(one, asked):
    config = create(one, oidc())
    details = problem(send(one, "POST", path_of(config, "federate"), {"platformUuids": asked}), 400)["details"]
    assert details.startswith("platformUuids"), details
    assert [r for r in records(one, config) if "federation" in r] == []


def test_a_hundred_platforms_may_be_asked(one):
    config = create(one, oidc())
    items = federate(one, config, *[f"platform-{n}" for n in range(100)])
    assert {i["error"] for i in items} == {"platform not found"}


def test_calls_that_make_no_sense_are_refused_whole(one, zstack):
    platform = Platform(one, zstack)
    body = {"platformUuids": [platform.uuid]}
    problem(send(one, "POST", path_of(unique("none"), "federate"), body), 404)
    problem(send(one, "POST", path_of(create(one, oidc(enabled=False)), "federate"), body), 409)
    problem(send(one, "POST", path_of(create(one, oidc()), "federate"), {}), 400, "platformUuids")
    problem(send(one, "POST", path_of(create(one, oidc()), "federate"), body, project_person(one, "reader")), 403)
    problem(send(one, "POST", path_of(create(one, oidc()), "federate"), body, False), 401)
    assert zstack.clients == {}


def test_products_that_cannot_be_pushed_to_are_failed_items(archstone, way, zstack, register):
    good, other = register(zstack), Platform(archstone, zstack, connect=False, productType="vmware")
    items = federate(archstone, way.config, other, good)
    assert items[0]["error"] == "product type vmware does not support SSO federation" and items[0]["productType"] == "vmware"
    assert items[1]["status"] == "success" and len(zstack.clients) == 1


# -- what arrives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["enterprise", "zsphere"])
def test_a_zstack_gets_a_client_by_which_people_sign_in(archstone, way, made, register, provider, line):
    peer = made(ZStack, line)
    platform = register(peer)
    item = pushed(archstone, way.config, platform)
    client = peer.clients[item["ssoClientUuid"]]
    assert item["productType"] == platform.body["productType"] and item["callbackUrl"] == peer.callback(client["uuid"])
    discovered = provider.http.get(provider.discovery, timeout=5).json()
    assert client["name"] == way.config["displayName"] and client["clientId"] == way.client and client["clientSecret"] == f"{way.client} secret"
    assert [client[n] for n in ("authorizationUrl", "tokenUrl", "userinfoUrl", "logoutUrl")] == [
        discovered[n] for n in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint")
    ]
    # The session id that the address carries goes to the platform's own pages and nowhere else.
    assert [t["redirectTemplate"].startswith(f"{UI}/") for t in peer.templates.values()] == [True]
    assert peer.unknown == [] and peer.strayed == []
    provider.client(way.client, "client_secret_post", lax=True, redirect_uris=[item["callbackUrl"], way.callback])
    person = way.person(preferred_username=unique("ann"))
    if line == "zsphere":
        # Accounts are made there only if it is told to.
        peer.change_client(client["uuid"], createAccountStrategy="CreateAccount")
    place, landed = peer.sign_in(client["uuid"], provider, person)
    assert place.startswith(UI) and landed["sessionId"] in peer.sessions and peer.signed_in[-1]["name"].startswith("ann-")


def test_a_zstack_that_knows_another_login_type_is_asked_once_more(archstone, way, made, register):
    peer = made(ZStack, login_types=("oauth2-iam1", "oauth2-iam2"))
    item = pushed(archstone, way.config, register(peer))
    assert peer.clients[item["ssoClientUuid"]]["loginType"] == "oauth2-iam1"
    assert [r.params["loginType"] for r in peer.asked("CreateOAuthClient")] == ["iam1", "oauth2-iam1"]
    mine = made(ZStack, login_types=("iam2",))
    item = pushed(archstone, way.config, register(mine, loginType="iam2"))
    assert [r.params["loginType"] for r in mine.asked("CreateOAuthClient")] == ["iam2"]


def test_sessions_by_password_are_closed_whatever_happens(archstone, way, made, register):
    peer = made(ZStack)
    peer.on("CreateAccessKey", "plain", status=404, text="no api mapping to /v1/accesskeys")
    peer.session_cap = 4
    platform = register(peer, username="admin", password="admin password", accessKeyId=None, accessKeySecret=None)
    for fault in (None, "error", "drop", "lost", None):
        if fault:
            peer.on("CreateOAuthClient", fault, times=1)
        federate(archstone, way.config, platform)
        peer.lose_clients()
        assert len(peer.sessions) == 0 and peer.opened == peer.closed, fault


def test_a_keystone_lets_people_in_after_the_push(archstone, way, cloud, register, provider, dashboard):
    platform = register(cloud)
    item = pushed(archstone, way.config, platform)
    found = [p for p in cloud.expect(200, "GET", "/v3/OS-FEDERATION/identity_providers")["identity_providers"] if p["id"] == item["ssoClientUuid"]]
    assert len(found) == 1 and provider.issuer in found[0]["remote_ids"]
    protocols = cloud.expect(200, "GET", f"/v3/OS-FEDERATION/identity_providers/{found[0]['id']}/protocols")["protocols"]
    assert len(protocols) == 1
    name = unique("ann")
    person = way.person(preferred_username=name)
    answer = cloud.by_bearer(found[0]["id"], provider.access_token(person), protocols[0]["id"])
    assert answer.status_code == 201, f"{answer.text}\n{cloud.log()}"
    assert answer.json()["token"]["user"]["name"] == name
    action, token = cloud.token_of(cloud.by_browser(person, dashboard.origin, found[0]["id"], protocols[0]["id"]))
    assert action == dashboard.origin and cloud.whoami(token)["user"]["name"] == name
    assert federate(archstone, way.config, platform, verb="unfederate")[0]["status"] == "success"
    assert cloud.by_bearer(found[0]["id"], provider.access_token(person), protocols[0]["id"]).status_code in (401, 403, 404)
    assert cloud.found(f"identity_providers/{found[0]['id']}", "identity_provider") is None


def test_groups_have_their_roles_at_a_keystone(archstone, provider, cloud, register):
    way = Way(archstone, provider, groupProvisioning="sync", groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}])
    item = pushed(archstone, way.config, register(cloud))
    domain = cloud.found(f"identity_providers/{item['ssoClientUuid']}", "identity_provider")["domain_id"]
    [protocol] = cloud.expect(200, "GET", f"/v3/OS-FEDERATION/identity_providers/{item['ssoClientUuid']}/protocols")["protocols"]
    for groups, status in ((["helpers", "staff"], 201), (["helpers"], 401)):
        answer = cloud.by_bearer(item["ssoClientUuid"], provider.access_token(way.person(groups=groups)), protocol["id"])
        assert answer.status_code == 201, f"{answer.text}\n{cloud.log()}"
        assert cloud.scoped(answer.headers["X-Subject-Token"], domain).status_code == status, groups
    assert federate(archstone, way.config, item["platformUuid"], verb="unfederate")[0]["status"] == "success"


def test_another_archstone_signs_people_in_by_itself(one, launch, settings, provider):
    other, way = launch("sqlite", settings), Way(one, provider)
    item = pushed(one, way.config, Platform(one, other))
    path = f"/v3/OS-FEDERATION/identity_providers/{item['ssoClientUuid']}/protocols"
    [protocol] = other.expect(200, "GET", path, token=other.admin_token)["protocols"]
    name = unique("ann")
    person = way.person(preferred_username=name)
    bearer = {"Authorization": f"Bearer {provider.id_token(person, way.client)}"}
    answer = other.request("POST", f"{path}/{protocol['id']}/auth", headers=bearer)
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == name, answer.text
    assert federate(one, way.config, item["platformUuid"], verb="unfederate")[0]["status"] == "success"
    assert other.request("POST", f"{path}/{protocol['id']}/auth", headers=bearer).status_code in (401, 404)


def test_a_webhook_gets_a_signed_message(archstone, way, hook, register):
    platform = register(hook)
    hook.requests.clear(), hook.received.clear()
    item = pushed(archstone, way.config, platform)
    assert len(hook.received) == 1 and hook.refused == [] and item["ssoClientUuid"]
    assert way.config["issuer"] in json.dumps(hook.received[0])
    hook.turn(times=1, redirect=hook.url)
    update(archstone, way.config, displayName=unique("sso"))
    assert federate(archstone, way.config, platform)[0]["status"] == "failed"
    hook.turn(times=1, status=500, body="canary-of-a-hook")
    failed = federate(archstone, way.config, platform)[0]
    assert failed["status"] == "failed" and "canary" not in failed["error"]


def test_a_platform_for_scim_alone_gets_no_client(archstone, way, hostile, register):
    item = pushed(archstone, way.config, register(hostile))
    assert "ssoClientUuid" not in item and "callbackUrl" not in item and "scimUserProvisioningError" not in item


def test_saml_and_directories_where_the_platform_has_them(one, made):
    enterprise, zsphere = made(ZStack), made(ZStack, "zsphere")
    both = Platform(one, enterprise), Platform(one, zsphere)
    by_saml = create(one, saml())
    items = federate(one, by_saml, *both)
    client = enterprise.clients[items[0]["ssoClientUuid"]]
    assert items[0]["status"] == "success" and client["entityId"] == by_saml["samlConfig"]["idpEntityId"]
    document = base64.b64decode(client["idpMetadataBase64"]).decode()
    assert by_saml["samlConfig"]["idpSsoUrl"] in document
    assert items[1]["status"] == "failed" and items[1]["error"] and zsphere.clients == {}
    by_ldap = create(one, ldap(block={"useSsl": True}))
    items = federate(one, by_ldap, *both)
    assert [i["status"] for i in items] == ["success", "success"]
    assert [d["encryption"] for d in enterprise.directories.values()] == ["TLS"] and len(zsphere.directories) == 1


def test_what_does_not_fit_there_is_not_sent(one, made, provider):
    peer = made(ZStack)
    platform = Platform(one, peer, uiUrl=f"{UI}/{'x' * 2000}")
    item = federate(one, Way(one, provider).config, platform)[0]
    assert item["status"] == "failed" and "urlTemplate" in item["error"] and peer.asked("CreateOAuthClient") == []


# -- what is known of it afterwards --------------------------------------------------------------------------------------


def test_the_list_has_a_row_for_each_pair_and_for_platforms_without(archstone, way, two):
    federated, free = two
    item = pushed(archstone, way.config, federated)
    row = record(archstone, way.config, federated)
    assert row["platformName"] == federated.name and row["productType"] == "zstack" and row["status"] == "federated"
    assert row["healthStatus"] in ("healthy", "degraded", "unhealthy", "unknown")
    inner = row["federation"]
    assert inner["ssoConfigUuid"] == way.config["uuid"] and inner["platformUuid"] == federated.uuid and inner["uuid"]
    assert inner["ssoClientUuid"] == item["ssoClientUuid"] and inner["callbackUrl"] == item["callbackUrl"] and inner["lastPushedAt"]
    assert None not in inner.values()
    rows = [r for r in records(archstone, platform=free)]
    assert [r["status"] for r in rows] == ["not_federated"] and "federation" not in rows[0]
    page = done(archstone, "GET", "/api/v1/sso/federation/status?limit=1&offset=0&tenantUuid=x")
    assert len(page["items"]) == 1 and page["limit"] == 1 and page["total"] >= 2
    assert done(archstone, "GET", "/api/v1/sso/federations?limit=1")["items"] == page["items"]


def test_drift_a_change_here_is_seen_until_it_is_pushed(archstone, way, two):
    platform, _ = two
    pushed(archstone, way.config, platform)
    update(archstone, way.config, oidcConfig={"scope": "openid email"})
    assert stands(archstone, way.config, platform, "drifted")
    item = pushed(archstone, way.config, platform)
    assert stands(archstone, way.config, platform, "federated")
    assert platform.peer.clients[item["ssoClientUuid"]]["scopeList"] == ["openid", "email"] and len(platform.peer.clients) == 1


def events(archstone, answer):
    """The audit events of the request that gave this answer, as text."""
    path = f"/v3/archstone/audit?request_id={answer.headers['x-openstack-request-id']}"
    return [json.dumps(e) for e in archstone.expect(200, "GET", path, token=archstone.admin_token)["audit_events"]]


@pytest.mark.parametrize("verb", ["federate", "unfederate"])
def test_audit_names_each_platform_and_no_secret(archstone, way, two, verb):
    pushed(archstone, way.config, *two) if verb == "unfederate" else None
    answer = send(archstone, "POST", path_of(way.config, verb), {"platformUuids": [*ids(*two), "nobody"]}, timeout=40)
    found = events(archstone, answer)
    for platform in two:
        assert [e for e in found if platform.uuid in e and verb in e], found
    everything = "".join(found) + archstone.log()
    assert f"{way.client} secret" not in everything
    assert not [p for p in two if p.body["accessKeySecret"] in everything]


def test_a_push_takes_no_longer_than_its_job(archstone, way, made, register):
    """The job is asked about within seconds of its end."""
    peer = made(ZStack)
    platform = register(peer)
    peer.job_seconds, began = 3.0, time.monotonic()
    pushed(archstone, way.config, platform)
    assert 3.0 < time.monotonic() - began < 12.0 and 3 <= len(peer.asked("Job")) <= 12


def test_nobody_reads_a_secret_from_the_status_list(archstone, way, two):
    platform, _ = two
    pushed(archstone, way.config, platform)
    text = send(archstone, "GET", f"{STATUS}?limit=1000").text
    assert f"{way.client} secret" not in text and platform.body["accessKeySecret"] not in text
