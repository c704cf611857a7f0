"""The administrators' part (`/api/v1/admin`): tenants, applications, identity providers, sessions (tenant-login section 12)."""

import json

import pytest

from harness import unique
from tenancy import (
    APPLICATIONS,
    PROVIDERS,
    SESSIONS,
    TENANTS,
    Tenant,
    admin,
    claims_of,
)


def unprocessable(answer, *place):
    """A body that breaks its schema, in the form of the seed; it names this place."""
    assert answer.status_code == 422, f"{answer.status_code} {answer.text[:1000]}"
    [problem] = answer.json()["detail"]
    assert set(problem) == {"type", "loc", "msg"} and problem["msg"], problem
    assert problem["loc"][: 1 + len(place)] == ["body", *place], problem
    return problem


# -- tenants --------------------------------------------------------------------------------------------------------------


def test_a_tenant(archstone):
    slug = unique("acme")
    made = admin(archstone, "POST", TENANTS, {"slug": slug}, 201)
    assert {"id", "slug", "slugs", "issuer", "name", "active", "settings", "login_url", "discovery_url", "version", "created_at", "updated_at"} <= set(made)
    assert made["slug"] == slug and made["slugs"] == [slug] and made["active"] is True and made["name"] == slug
    assert made["issuer"] == f"{archstone.url}/api/v1/auth/tenants/{slug}" and made["login_url"] == f"{archstone.url}/auth/{slug}/login"
    assert made["discovery_url"] == f"{made['issuer']}/.well-known/openid-configuration"
    defaults = {"local_login": True, "require_pkce": False, "access_token_secs": 3600, "id_token_alg": "RS256", "direct_login_tokens": False, "user_limit": None}
    assert {k: made["settings"][k] for k in defaults} == defaults
    domain = archstone.expect(200, "GET", f"/v3/domains/{made['id']}", token=archstone.admin_token)["domain"]
    assert domain["name"] == slug and domain["enabled"] is True
    path = f"{TENANTS}/{made['id']}"
    assert admin(archstone, "GET", path, status=200) == made
    assert made in admin(archstone, "GET", f"{TENANTS}?search={slug}", status=200)["items"]
    changed = admin(archstone, "PATCH", path, {"settings": {"display_name": "Acme & Söhne", "access_token_secs": 600}}, 200)
    assert changed["settings"]["display_name"] == "Acme & Söhne" and changed["settings"]["local_login"] is True, "the others stay"
    changed = admin(archstone, "PATCH", path, {"settings": {"access_token_secs": None}}, 200)
    assert changed["settings"]["access_token_secs"] == 3600 and changed["settings"]["display_name"] == "Acme & Söhne", "null is the default"
    assert changed["version"] > made["version"]
    admin(archstone, "DELETE", path, status=204)
    assert admin(archstone, "GET", path).status_code == 404
    assert archstone.request("GET", f"/api/v1/auth/tenants/{slug}/federation/idps").status_code == 404


def test_a_domain_that_is_there_already(archstone):
    domain = archstone.new_domain()
    made = admin(archstone, "POST", TENANTS, {"slug": unique("t"), "domain_id": domain["id"]}, 201)
    assert made["id"] == domain["id"] and made["name"] == domain["name"]
    assert admin(archstone, "POST", TENANTS, {"slug": unique("t"), "domain_id": domain["id"]}).status_code == 409
    assert admin(archstone, "POST", TENANTS, {"slug": made["slug"]}).status_code == 409, "a slug is one tenant's"
    assert admin(archstone, "POST", TENANTS, {"slug": unique("t"), "domain_id": "nobody"}).status_code in (404, 422)
    archstone.expect(200, "PATCH", f"/v3/domains/{domain['id']}", token=archstone.admin_token, json={"domain": {"enabled": False}})
    assert archstone.request("GET", f"/api/v1/auth/tenants/{made['slug']}/federation/idps").status_code == 403
    archstone.expect(204, "DELETE", f"/v3/domains/{domain['id']}", token=archstone.admin_token)
    assert archstone.request("GET", f"/api/v1/auth/tenants/{made['slug']}/federation/idps").status_code == 404


@pytest.mark.parametrize("slug", ["", "ACME", "a_b", "-a", "a-", "a" * 64, "a b", "a/b", "\u00e9", "identify", "authenticate", "platform", 7, None])
def test_what_is_no_slug(one, slug):
    unprocessable(admin(one.node, "POST", TENANTS, {"slug": slug}), "slug")


@pytest.mark.parametrize("values, place", [
    ({"access_token_secs": 5}, ["access_token_secs"]), ({"access_token_secs": 10**9}, ["access_token_secs"]), ({"access_token_secs": "60"}, ["access_token_secs"]),
    ({"session_secs": -1}, ["session_secs"]), ({"local_login": "yes"}, ["local_login"]), ({"unknown": 1}, ["unknown"]), ({"id_token_alg": "none"}, ["id_token_alg"]),
    ({"id_token_alg": "HS256"}, ["id_token_alg"]), ({"frame_ancestors": ["*"]}, ["frame_ancestors", 0]), ({"frame_ancestors": ["https://a.example; script-src *"]},
    ["frame_ancestors", 0]), ({"branding": {"primary_color": "red"}}, ["branding", "primary_color"]), ({"display_name": "x" * 5000}, ["display_name"]),
    ({"user_limit": -1}, ["user_limit"]), ({"branding": 7}, ["branding"]), ([], []), (7, []),
])  # fmt: skip
def test_settings_that_are_none(one, values, place):
    unprocessable(admin(one.node, "POST", TENANTS, {"slug": unique("t"), "settings": values}), "settings", *place)
    if isinstance(values, dict):
        unprocessable(admin(one.node, "PATCH", one.path(), {"settings": values}), "settings", *place)


def test_lists(archstone):
    slugs = [unique("list") for _ in range(3)]
    ids = [admin(archstone, "POST", TENANTS, {"slug": s, "active": n > 0}, 201)["id"] for n, s in enumerate(slugs)]
    page = admin(archstone, "GET", f"{TENANTS}?per_page=2&page=1", status=200)
    assert set(page) == {"items", "total", "page", "per_page"} and len(page["items"]) == 2 and page["total"] >= 3
    seen, number = [], 1
    while True:
        page = admin(archstone, "GET", f"{TENANTS}?per_page=100&page={number}", status=200)
        seen += [t["id"] for t in page["items"]]
        number += 1
        if len(seen) >= page["total"]:
            break
    assert set(ids) <= set(seen) and len(seen) == len(set(seen))
    found = admin(archstone, "GET", f"{TENANTS}?active=false&per_page=100", status=200)["items"]
    assert ids[0] in [t["id"] for t in found] and ids[1] not in [t["id"] for t in found]
    for query in ("page=0", "page=x", "per_page=0", "per_page=-1", "active=maybe"):
        assert admin(archstone, "GET", f"{TENANTS}?{query}").status_code in (400, 422), query


def test_adm_race_1_two_administrators(own):
    tenant = own()
    answer = admin(tenant.node, "GET", tenant.path())
    tag = answer.headers["ETag"]
    first = admin(tenant.node, "PATCH", tenant.path(), {"settings": {"display_name": "one"}}, headers={"If-Match": tag})
    assert first.status_code == 200 and first.headers["ETag"] != tag
    second = admin(tenant.node, "PATCH", tenant.path(), {"settings": {"display_name": "two"}}, headers={"If-Match": tag})
    assert second.status_code == 412
    assert admin(tenant.node, "GET", tenant.path(), status=200)["settings"]["display_name"] == "one"


def test_a_deleted_tenant_takes_back_what_it_gave(own):
    tenant = own()
    client, user = tenant.client(service_audience=True, allowed_scopes=["openid", "openstack"]), tenant.user()
    tokens = client.sign_in(user, scope="openid openstack", resource=f"{tenant.node.url}/v3")
    bearer = {"X-Auth-Token": tokens["access_token"], "X-Subject-Token": tokens["access_token"]}
    assert tenant.node.request("GET", "/v3/auth/tokens", headers=bearer).status_code == 200
    admin(tenant.node, "DELETE", tenant.path(), status=204)
    assert tenant.node.request("GET", "/v3/auth/tokens", headers=bearer).status_code == 401
    assert admin(tenant.node, "GET", client.path).status_code == 404
    assert tenant.node.expect(200, "GET", f"/v3/domains/{tenant.id}", token=tenant.node.admin_token), "the domain stays"


# -- applications ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, confidential", [("WEB", True), ("SERVICE", True), ("SPA", False), ("NATIVE", False)])
def test_an_application(tenant, kind, confidential):
    body = {"tenant_id": tenant.id, "name": "An application", "type": kind} | ({} if kind == "SERVICE" else {"redirect_uris": ["http://127.0.0.1:9/cb"]})
    made = admin(tenant.node, "POST", APPLICATIONS, body, 201)
    assert made["id"] == made["client_id"] and made["client_id"].startswith("app_") and len(made["client_id"]) == 36
    assert ("client_secret" in made) == confidential and len(made["secrets"]) == int(confidential)
    if confidential:
        assert len(made["client_secret"]) == 43 and set(made["secrets"][0]) == {"id", "created_at", "expires_at"}
    assert made["type"] == kind and made["enabled"] is True and made["third_party"] is False and made["service_audience"] is False
    path = f"{APPLICATIONS}/{made['id']}"
    shown = admin(tenant.node, "GET", path, status=200)
    assert shown == {k: v for k, v in made.items() if k != "client_secret"}, "the secret is shown once"
    assert shown["id"] in [a["id"] for a in admin(tenant.node, "GET", f"{APPLICATIONS}?tenant_id={tenant.id}&per_page=100", status=200)["items"]]
    changed = admin(tenant.node, "PATCH", path, {"name": "Another", "access_token_secs": 120}, 200)
    assert changed["name"] == "Another" and changed["access_token_secs"] == 120
    assert admin(tenant.node, "PATCH", path, {"access_token_secs": None}, 200)["access_token_secs"] is None
    admin(tenant.node, "DELETE", path, status=204)
    assert admin(tenant.node, "GET", path).status_code == 404


@pytest.mark.parametrize("fields, place", [
    ({"type": "OTHER"}, ["type"]), ({"type": None}, ["type"]), ({"name": ""}, ["name"]), ({"name": 7}, ["name"]), ({"name": "x" * 1000}, ["name"]),
    ({"redirect_uris": "http://127.0.0.1:9/cb"}, ["redirect_uris"]), ({"allowed_scopes": ["a b"]}, ["allowed_scopes", 0]), ({"grant_types": ["password"]},
    ["grant_types", 0]), ({"auth_method": "tls"}, ["auth_method"]), ({"jwks": {"keys": "x"}}, ["jwks"]), ({"jwks_uri": "ftp://x.example/"}, ["jwks_uri"]),
    ({"allowed_origins": ["https://app.example.com/path"]}, ["allowed_origins", 0]), ({"allowed_origins": ["*"]}, ["allowed_origins", 0]),
    ({"logout_uris": ["javascript:alert(1)"]}, ["logout_uris", 0]), ({"backchannel_logout_uri": "file:///x"}, ["backchannel_logout_uri"]),
    ({"access_token_secs": 1}, ["access_token_secs"]), ({"enabled": "yes"}, ["enabled"]), ({"redirect_uris": ["https://a.example/"] * 1000}, ["redirect_uris"]),
])  # fmt: skip
def test_what_is_no_application(one, fields, place):
    body = {"tenant_id": one.id, "name": "x", "type": "WEB", "redirect_uris": ["https://app.example.com/cb"]} | fields
    unprocessable(admin(one.node, "POST", APPLICATIONS, body), *place)


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", '"x"', '{"slug":"a","slug":"b"}', "[" * 100_000, '{"slug":' + "1" * 100_000 + "}"])
def test_bodies_that_are_none(one, body):
    for path in (TENANTS, APPLICATIONS, PROVIDERS):
        answer = admin(one.node, "POST", path, headers={"Content-Type": "application/json"}, data=body.encode())
        assert answer.status_code in (400, 422), f"{path}: {answer.status_code} {answer.text[:300]}"


def test_adm_mass_1_what_is_not_theirs_to_write(one):
    for fields in ({"id": "x"}, {"issuer": "https://evil.example"}, {"created_at": "2020-01-01T00:00:00Z"}, {"version": 7}, {"login_url": "x"}, {"slugs": ["x"]}):
        unprocessable(admin(one.node, "POST", TENANTS, {"slug": unique("t")} | fields), next(iter(fields)))
        unprocessable(admin(one.node, "PATCH", one.path(), fields), next(iter(fields)))
    body = {"tenant_id": one.id, "name": "x", "type": "WEB", "redirect_uris": ["https://app.example.com/cb"]}
    for fields in ({"id": "app_x"}, {"client_id": "app_x"}, {"client_secret": "chosen"}, {"secrets": []}, {"created_at": "x"}, {"version": 1}):
        unprocessable(admin(one.node, "POST", APPLICATIONS, body | fields), next(iter(fields)))
    client = one.client()
    for fields in ({"tenant_id": "another"}, {"type": "SERVICE"}, {"client_secret": "chosen"}, {"secrets": []}, {"client_id": "x"}):
        answer = admin(one.node, "PATCH", client.path, fields)
        assert answer.status_code in (400, 422), f"{fields}: {answer.status_code}"
    shown = admin(one.node, "GET", client.path, status=200)
    assert shown["tenant_id"] == one.id and shown["type"] == "WEB"


# -- identity providers ---------------------------------------------------------------------------------------------------


def test_an_identity_provider(tenant, provider):
    way = tenant.way(provider, name="Acme Okta", domains=["acme-idp.example"])
    assert way.resource["own"] is True and way.resource["enabled"] is True and way.resource["provider_type"] == "oidc" and way.resource["name"] == "Acme Okta"
    shown = admin(tenant.node, "GET", way.path, status=200)
    assert shown["domains"] == ["acme-idp.example"] and shown["link_mode"] == "confirm" and shown["jit_enabled"] is True and shown["logout_upstream"] == "offer"
    assert f"{way.client_id} secret" not in json.dumps(shown) and f"{way.client_id} secret" not in json.dumps(way.resource)
    listed = admin(tenant.node, "GET", f"{PROVIDERS}?tenant_id={tenant.id}&per_page=100", status=200)["items"]
    assert way.id in [i["id"] for i in listed]
    changed = way.set(button_text="Go", domains=None)
    assert changed["button_text"] == "Go" and changed["domains"] == []
    # On the Keystone face it is an identity provider of the tenant's domain, without remote ids (ruling 12).
    there = tenant.get(f"OS-FEDERATION/identity_providers/{way.id}")["identity_provider"]
    assert there["domain_id"] == tenant.id and there["remote_ids"] == []
    admin(tenant.node, "DELETE", way.path, status=204)
    assert admin(tenant.node, "GET", way.path).status_code == 404
    assert tenant.node.request("GET", f"/v3/OS-FEDERATION/identity_providers/{way.id}", token=tenant.node.admin_token).status_code == 404


def test_two_tenants_may_use_one_issuer(tenant, provider):
    other = Tenant(tenant.node)
    client, abroad = tenant.client(), other.client()
    way, there = tenant.way(provider), other.way(provider)
    person = way.person()
    assert claims_of(client.come_by(way, person))["sub"] != claims_of(abroad.come_by(there, person))["sub"], "two accounts"


def test_a_secret_is_not_sent_to_another_address(one, provider, hostile, visitor):
    """ADM-SEC-1 in kind: whoever changes the issuer gives the secret again."""
    thief = hostile.case()
    way = one.way(provider)
    changed = admin(one.node, "PATCH", way.path, {"oidc": {"issuer": thief.issuer}})
    if changed.status_code == 200:
        # The secret is gone rather than sent there.
        browser = visitor(one)
        leaving = browser.go(way.authorize, f"{thief.issuer}/")
        browser.go(browser.get(leaving).headers["Location"])
        assert not [path for _, path in thief.asked if path == "token"] or not thief.credentials, thief.credentials
    else:
        assert changed.status_code in (400, 409, 422), changed.text


@pytest.mark.parametrize("fields, place", [
    ({"provider_type": "cas"}, ["provider_type"]), ({"oidc": None}, ["oidc"]), ({"oidc": {}}, ["oidc"]), ({"name": ""}, ["name"]), ({"link_mode": "always"}, ["link_mode"]),
    ({"domains": ["not a domain"]}, ["domains", 0]), ({"domains": "x"}, ["domains"]), ({"extra_params": [["state", "x"]]}, ["extra_params"]), ({"unknown": 1}, ["unknown"]),
    ({"mapping": {"rules": "x"}}, ["mapping"]), ({"icon_url": "javascript:x"}, ["icon_url"]), ({"logout_upstream": "perhaps"}, ["logout_upstream"]),
])  # fmt: skip
def test_what_is_no_identity_provider(one, provider, fields, place):
    oidc = {"issuer": provider.issuer, "client_id": "x", "client_secret": "y"}
    before = len(one.get("OS-FEDERATION/identity_providers")["identity_providers"])
    unprocessable(admin(one.node, "POST", PROVIDERS, {"tenant_id": one.id, "name": "x", "provider_type": "oidc", "oidc": oidc} | fields), *place)
    assert len(one.get("OS-FEDERATION/identity_providers")["identity_providers"]) == before, "nothing is left of it"


# -- sessions -------------------------------------------------------------------------------------------------------------


def test_sessions(tenant, provider, visitor):
    client, way, user = tenant.client(), tenant.way(provider), tenant.user()
    sid = claims_of(client.sign_in(user))["sid"]
    tokens = client.come_by(way, way.person())
    [mine] = tenant.sessions(user_id=user["id"])
    assert mine["id"] == sid and mine["user_id"] == user["id"] and mine["amr"] == ["pwd"] and mine["terminated_at"] is None
    assert mine["user_agent"] == "Visitor/1.0 (tests)" and mine["ip"] == "127.0.0.1", mine
    [theirs] = tenant.sessions(user_id=claims_of(tokens)["sub"])
    assert way.id in json.dumps(theirs) and "fed" in theirs["amr"]
    assert "handle" not in mine and "id_token" not in json.dumps(theirs), "nothing that opens"
    path = f"{SESSIONS}/{sid}?tenant_id={tenant.id}"
    assert admin(tenant.node, "GET", path, status=200)["id"] == sid
    admin(tenant.node, "DELETE", path, status=204)
    assert admin(tenant.node, "GET", path, status=200)["terminated_at"]
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    admin(tenant.node, "POST", f"{SESSIONS}/revoke-all", {"tenant_id": tenant.id, "user_id": claims_of(tokens)["sub"]})
    assert tenant.userinfo(tokens["access_token"]).status_code == 401
    assert admin(tenant.node, "GET", SESSIONS).status_code in (400, 422), "of which tenant"
