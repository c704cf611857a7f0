"""Who may do what in the administrators' part (`/api/v1/admin`; tenant-login section 12)."""

import pytest

from harness import unique
from tenancy import (
    ADMIN,
    APPLICATIONS,
    PROVIDERS,
    SESSIONS,
    TENANTS,
    TRACES,
    Tenant,
    admin,
    by_password,
    claims_of,
    login_page,
)
from visitor import JSON


@pytest.fixture(scope="module")
def people():
    """Tokens of people with one role each, for each tenant."""
    made = {}

    def of(tenant):
        if tenant.id in made:
            return made[tenant.id]
        node = tenant.node

        def person(role, domain=None, project=None, system=False, home=None):
            user = node.new_user(home or tenant.id)
            node.grant(user, role, domain=domain, project=project, system=system)
            scope = {"domain": domain} if domain else {"project": project} if project else {"system": True}
            return node.token({"id": user["id"]}, user["password"], **scope)

        other = Tenant(node)
        made[tenant.id] = {
            "other tenant": other,
            "admin": person("admin", domain=tenant.id),
            "manager": person("manager", domain=tenant.id),
            "member": person("member", domain=tenant.id),
            "reader": person("reader", domain=tenant.id),
            "stranger": person("admin", domain=other.id, home=other.id),
            "project admin": person("manager", project=node.new_project(tenant.id)),
            "system reader": person("reader", system=True),
        }
        return made[tenant.id]

    return of


def test_a_domains_administrator_looks_after_the_tenant(tenant, people):
    for who in ("admin", "manager"):
        token = people(tenant)[who]
        assert admin(tenant.node, "GET", tenant.path(), token=token).status_code == 200
        assert [t["id"] for t in admin(tenant.node, "GET", f"{TENANTS}?per_page=100", status=200, token=token)["items"]] == [tenant.id]
        body = {"tenant_id": tenant.id, "name": "x", "type": "WEB", "redirect_uris": ["https://app.example.com/cb"]}
        made = admin(tenant.node, "POST", APPLICATIONS, body, 201, token=token)
        assert admin(tenant.node, "PATCH", tenant.path(), {"settings": {"branding": {"primary_color": "#123456"}}}, token=token).status_code == 200
        for path in (f"{APPLICATIONS}?tenant_id={tenant.id}", f"{PROVIDERS}?tenant_id={tenant.id}", f"{SESSIONS}?tenant_id={tenant.id}", f"{TRACES}?tenant_id={tenant.id}"):
            assert admin(tenant.node, "GET", path, token=token).status_code == 200, path
        # What reaches beyond it is the cloud's.
        for method, path, change in (("POST", TENANTS, {"slug": unique("t")}), ("DELETE", tenant.path(), None), ("PATCH", tenant.path(), {"slug": unique("t")}),
                                     ("PATCH", f"{APPLICATIONS}/{made['id']}", {"service_audience": True}), ("POST", APPLICATIONS, body | {"service_audience": True}),
                                     ("PUT", f"{PROVIDERS}/x/tenants", {"tenant_ids": []})):
            answer = admin(tenant.node, method, path, change, token=token)
            assert answer.status_code in (403, 404), f"{who}: {method} {path}: {answer.status_code}"
        admin(tenant.node, "DELETE", f"{APPLICATIONS}/{made['id']}", status=204, token=token)
    tenant.set(branding=None)


def calls(tenant, provider, client, way):
    """Everything that can be asked about a tenant: (method, path, body)."""
    user, oidc = tenant.user(), {"issuer": provider.issuer, "client_id": "x", "client_secret": "y"}
    return [
        ("GET", tenant.path(), None), ("PATCH", tenant.path(), {"settings": {}}), ("DELETE", tenant.path(), None),
        ("GET", f"{APPLICATIONS}?tenant_id={tenant.id}", None), ("GET", client.path, None), ("PATCH", client.path, {"name": "y"}), ("DELETE", client.path, None),
        ("POST", APPLICATIONS, {"tenant_id": tenant.id, "name": "x", "type": "WEB", "redirect_uris": ["https://a.example/"]}),
        ("POST", f"{client.path}/secrets", {}), ("DELETE", f"{client.path}/secrets/x", None),
        ("GET", f"{PROVIDERS}?tenant_id={tenant.id}", None), ("GET", way.path, None), ("PATCH", way.path, {"button_text": "x"}), ("DELETE", way.path, None),
        ("POST", PROVIDERS, {"tenant_id": tenant.id, "name": "x", "provider_type": "oidc", "oidc": oidc}),
        ("GET", f"{SESSIONS}?tenant_id={tenant.id}", None), ("POST", f"{SESSIONS}/revoke-all", {"tenant_id": tenant.id}), ("DELETE", f"{SESSIONS}/x?tenant_id={tenant.id}", None),
        ("GET", f"{TRACES}?tenant_id={tenant.id}", None), ("GET", f"{TRACES}/x?tenant_id={tenant.id}", None),
        ("GET", f"{ADMIN}/users/{user['id']}/links", None), ("DELETE", f"{ADMIN}/users/{user['id']}/links/x", None),
    ]  # fmt: skip


def test_adm_ten_1_nobody_else(tenant, provider, people):
    """Another tenant's administrator sees and changes nothing; neither does who has only a small role, or a project's."""
    client, way = tenant.client(), tenant.way(provider, show_on_login=False)
    tokens = people(tenant)
    for method, path, body in calls(tenant, provider, client, way):
        for who in ("stranger", "member", "reader", "project admin"):
            answer = admin(tenant.node, method, path, body, token=tokens[who])
            assert answer.status_code in (403, 404), f"{who}: {method} {path}: {answer.status_code} {answer.text[:300]}"
        for token in ("x", None):
            answer = tenant.node.request(method, path, token=token, json=body)
            assert answer.status_code == 401, f"nobody: {method} {path}: {answer.status_code}"
            assert answer.json()["detail"] == "Not authenticated"
        answer = admin(tenant.node, method, path, body, token=tokens["system reader"])
        assert answer.status_code in ((200, 404) if method == "GET" else (403, 404)), f"system reader: {method} {path}: {answer.status_code}"
    assert admin(tenant.node, "GET", client.path, status=200) and admin(tenant.node, "GET", way.path, status=200)
    # In a list of everything there is nothing of another's.
    shown = admin(tenant.node, "GET", f"{TENANTS}?per_page=100", token=tokens["stranger"])
    assert shown.status_code == 403 or [t["id"] for t in shown.json()["items"]] == [tokens["other tenant"].id]


def test_adm_ten_1_a_thing_of_one_tenant_under_the_name_of_another(tenant, provider, people):
    way, client = tenant.way(provider, show_on_login=False), tenant.client()
    tokens = people(tenant)
    other = tokens["other tenant"]
    for token in (tokens["stranger"], tenant.node.admin_token):
        for path in (f"{PROVIDERS}/{way.id}?tenant_id={other.id}",):
            assert admin(tenant.node, "GET", path, token=token).status_code == 404
            assert admin(tenant.node, "PATCH", path, {"button_text": "stolen"}, token=token).status_code == 404
    user = tenant.user()
    sid = claims_of(client.sign_in(user))["sid"]
    for method in ("GET", "DELETE"):
        assert admin(tenant.node, method, f"{SESSIONS}/{sid}?tenant_id={other.id}").status_code == 404


def test_the_bearer_may_be_an_access_token_for_this_service(tenant):
    """An OAuth token with the right audience opens this face under the same policy; another one does not."""
    user = tenant.user()
    tenant.node.grant(user, "admin", domain=tenant.id)
    client = tenant.client(service_audience=True, allowed_scopes=["openid", f"openstack:domain:{tenant.id}"])
    tokens = client.sign_in(user, scope=f"openid openstack:domain:{tenant.id}", resource=f"{tenant.node.url}/v3")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert tenant.node.request("GET", tenant.path(), headers=bearer).status_code == 200
    plain = {"Authorization": f"Bearer {client.sign_in(user, scope='openid')['access_token']}"}
    assert tenant.node.request("GET", tenant.path(), headers=plain).status_code == 401


def test_a_page_cannot_reach_the_administrators_part(one, visitor):
    """A session's cookie is no credential here."""
    client, browser, user = one.client(), visitor(one), one.user()
    one.node.grant(user, "admin", domain=one.id)
    attempt = client.attempt()
    attempt.code(by_password(browser, attempt, user))
    assert browser.get(f"{one.node.url}{one.path()}", headers={"Accept": JSON}).status_code == 401
    assert login_page(browser, client.attempt(prompt="login"))
