"""OP-RT-1 to 4: a refresh token is good once; who shows an old one ends the family (RFC 9700 section 4.14)."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually
from tenancy import SESSIONS, Tenant, admin, by_password, claims_of, refused
from test_op_codes import dead

OFFLINE = "openid profile email offline_access"


def renewed(client, tokens, **form):
    """New tokens for old ones."""
    answer = client.refresh(tokens["refresh_token"], **form)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("kind", ["WEB", "SPA", "NATIVE"])
def test_refreshing(tenant, kind):
    client = tenant.client(kind)
    first = client.sign_in(tenant.user(), scope=OFFLINE)
    second = renewed(client, first)
    assert second["refresh_token"] != first["refresh_token"] and second["access_token"] != first["access_token"]
    assert set(second["scope"].split()) == set(OFFLINE.split()) and second["expires_in"] == 3600
    before, after = claims_of(first), claims_of(second)
    assert {k: after[k] for k in ("iss", "sub", "aud", "auth_time", "sid")} == {k: before[k] for k in ("iss", "sub", "aud", "auth_time", "sid")}
    assert after.get("nonce") in (None, before["nonce"])
    assert tenant.userinfo(second["access_token"]).json()["sub"] == before["sub"]


def test_op_rt_1_an_old_one_ends_the_family(tenant):
    client = tenant.client()
    first = client.sign_in(tenant.user(), scope=OFFLINE)
    second = renewed(client, first)
    third = renewed(client, second)
    refused(client.refresh(first["refresh_token"]), 400, "invalid_grant")
    for tokens in (second, third):
        dead(tenant, client, tokens)
    if tenant.node.database_url is None:
        assert "refresh" in tenant.node.log() and first["refresh_token"] not in tenant.node.log()


def test_op_rt_1_the_last_but_one_ends_it_after_its_grace(clocked):
    node, step = clocked
    tenant = Tenant(node)
    client = tenant.client()
    first = client.sign_in(tenant.user(), scope=OFFLINE)
    second = renewed(client, first)
    step(12)
    refused(client.refresh(first["refresh_token"]), 400, "invalid_grant")
    dead(tenant, client, second)


def test_op_rt_2_the_same_one_twenty_times_at_once(pair):
    """At most one family comes of it, and none breaks."""
    tenant = Tenant(pair[0])
    client = tenant.client()
    tokens = client.sign_in(tenant.user(), scope=OFFLINE)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: client.refresh(tokens["refresh_token"], node=pair[n % 2]), range(20)))
    assert {a.status_code for a in answers} <= {200, 400}
    good = [a.json() for a in answers if a.status_code == 200]
    assert good and {a.json()["error"] for a in answers if a.status_code == 400} <= {"invalid_grant"}
    assert {claims_of(t)["sid"] for t in good} == {claims_of(tokens)["sid"]}
    # One family: taking one back takes all of them.
    client.revoke(good[0]["refresh_token"])
    for other in good:
        refused(client.refresh(other["refresh_token"]), 400, "invalid_grant")


def test_op_rt_3_of_another_application(tenant):
    client, thief = tenant.client(), tenant.client()
    tokens = client.sign_in(tenant.user(), scope=OFFLINE)
    refused(thief.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    public = tenant.client("SPA")
    refused(public.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_op_rt_3_scope_may_shrink_and_never_grow(tenant):
    client = tenant.client(allowed_scopes=["openid", "profile", "email", "offline_access", "groups"])
    tokens = client.sign_in(tenant.user(), scope="openid email offline_access")
    for wider in ("openid email profile", "openid groups", "openid email openstack"):
        refused(client.refresh(tokens["refresh_token"], scope=wider), 400, "invalid_scope")
    narrow = renewed(client, tokens, scope="openid")
    assert narrow["scope"].split() == ["openid"]
    assert "email" not in tenant.userinfo(narrow["access_token"]).json()
    assert set(renewed(client, narrow)["scope"].split()) == {"openid", "email", "offline_access"}, "the grant itself did not shrink"


def test_op_rt_3_after_the_session(tenant, visitor):
    """Without `offline_access` a refresh token ends with the session, with it it stays."""
    client = tenant.client()
    user, browser = tenant.user(), visitor(tenant)
    short = client.sign_in(user, browser)
    long = client.sign_in(user, scope=OFFLINE)
    assert renewed(client, long)
    for tokens in (short, long):
        admin(tenant.node, "DELETE", f"{SESSIONS}/{claims_of(tokens)['sid']}?tenant_id={tenant.id}", status=204)
    if "refresh_token" in short:
        refused(client.refresh(short["refresh_token"]), 400, "invalid_grant")


def test_op_rt_3_user_disabled(tenant):
    client, user = tenant.client(), tenant.user()
    tokens = client.sign_in(user, scope=OFFLINE)
    tenant.change_user(user["id"], enabled=False)
    dead(tenant, client, tokens)
    tenant.change_user(user["id"], enabled=True)
    refused(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_op_rt_3_identity_provider_disabled(tenant, provider):
    client, way = tenant.client(), tenant.way(provider)
    tokens = client.come_by(way, way.person(), scope=OFFLINE)
    way.set(enabled=False)
    refused(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_op_rt_3_application_disabled(tenant):
    client = tenant.client()
    tokens = client.sign_in(tenant.user(), scope=OFFLINE)
    client.set(enabled=False)
    refused(client.refresh(tokens["refresh_token"]), 401, "invalid_client")
    assert tenant.userinfo(tokens["access_token"]).status_code == 401


def test_op_rt_3_tenant_switched_off(own):
    tenant = own()
    client = tenant.client()
    tokens = client.sign_in(tenant.user(), scope=OFFLINE)
    tenant.patch(active=False)
    answer = client.refresh(tokens["refresh_token"])
    assert answer.status_code in (400, 401, 403) and "access_token" not in answer.text, answer.text
    assert tenant.userinfo(tokens["access_token"]).status_code in (401, 403)


def test_op_rt_3_on_the_other_node_within_a_second(pair):
    tenant = Tenant(pair[0])
    client, user = tenant.client(), tenant.user()
    tokens = client.sign_in(user, scope=OFFLINE)
    at = f"{pair[1].url}/api/v1/auth/tenants/{tenant.slug}/oauth/userinfo"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert pair[1].request("GET", at, headers=bearer).status_code == 200
    client.revoke(tokens["refresh_token"])
    assert eventually(lambda: pair[1].request("GET", at, headers=bearer).status_code == 401, 1.0)
    refused(client.refresh(tokens["refresh_token"], node=pair[1]), 400, "invalid_grant")


def test_a_refresh_token_has_an_end(clocked):
    node, step = clocked
    tenant = Tenant(node, refresh_token_secs=3600)
    client = tenant.client()
    tokens = client.sign_in(tenant.user(), scope=OFFLINE)
    step(3500)
    tokens = renewed(client, tokens)
    step(3500 + 3500)
    tokens = renewed(client, tokens)
    step(3500 + 3500 + 3700)
    refused(client.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_op_rt_4_nothing_that_opens_lies_about(make_node, visitor):
    """The database and the log have digests of codes, tokens, cookies and secrets, and nothing else."""
    node = make_node(ARCHSTONE_LOG__FILTER="debug")
    tenant = Tenant(node)
    client, user, browser = tenant.client(), tenant.user(), visitor(tenant)
    attempt = client.attempt(scope=OFFLINE)
    code = attempt.code(by_password(browser, attempt, user))
    tokens = attempt.redeem(code).json()
    renewed(client, tokens)
    secrets = {"code": code, "refresh token": tokens["refresh_token"], "access token": tokens["access_token"].rsplit(".", 1)[1],
               "ID token": tokens["id_token"].rsplit(".", 1)[1], "client secret": client.secret, "verifier": attempt.verifier,
               "password": user["password"]}
    secrets |= {f"cookie {name}": value for name, value in browser.cookies.items()}
    with sqlite3.connect(next(p for p in node.data.rglob("*") if p.is_file() and p.open("rb").read(15) == b"SQLite format 3")) as connection:
        dump = "\n".join(connection.iterdump())
    for name, value in secrets.items():
        assert len(value) >= 16, name
        assert value not in dump, f"{name} lies in the database"
        assert value not in node.log(), f"{name} stands in the log"
