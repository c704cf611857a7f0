"""Domains, users, roles and grants, as far as tokens and identity providers need them."""

import pytest

from harness import DEFAULT_DOMAIN, unique

KINDS = {"domain": "/v3/domains", "user": "/v3/users", "role": "/v3/roles"}


def call(archstone, method, path, body=None):
    """A call of the administrator; the answer as it came."""
    return archstone.request(method, path, token=archstone.admin_token, json=body)


def make(archstone, kind, **fields):
    """A new object with a name of its own; the member."""
    answer = call(archstone, "POST", KINDS[kind], {kind: {"name": unique(kind)} | fields})
    assert answer.status_code == 201, answer.text
    return answer.json()[kind]


def listed(archstone, kind, query):
    """Ids that a list with this query answers."""
    answer = call(archstone, "GET", f"{KINDS[kind]}?{query}")
    assert answer.status_code == 200, answer.text
    return [o["id"] for o in answer.json()[kind + "s"]]


@pytest.mark.parametrize("kind", KINDS)
def test_create_get_update_delete(archstone, kind):
    created = make(archstone, kind, description="first")
    path = f"{KINDS[kind]}/{created['id']}"
    assert created["links"]["self"] == f"{archstone.url}{path}"
    assert call(archstone, "GET", path).json()[kind] == created
    assert call(archstone, "HEAD", path).status_code == 200
    updated = call(archstone, "PATCH", path, {kind: {"description": "second"}})
    assert updated.status_code == 200
    assert updated.json()[kind] == created | {"description": "second"}
    assert listed(archstone, kind, f"name={created['name']}") == [created["id"]]
    if kind == "domain":
        refused = call(archstone, "DELETE", path)
        assert refused.status_code == 403, "a domain must be disabled first"
        assert call(archstone, "PATCH", path, {kind: {"enabled": False}}).status_code == 200
    assert call(archstone, "DELETE", path).status_code == 204
    for method in ("GET", "HEAD", "PATCH", "DELETE"):
        assert call(archstone, method, path, {kind: {"description": "x"}} if method == "PATCH" else None).status_code == 404
    assert listed(archstone, kind, f"name={created['name']}") == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_taken_name_is_409(archstone, kind):
    first, second = make(archstone, kind), make(archstone, kind)
    answer = call(archstone, "POST", KINDS[kind], {kind: {"name": first["name"]}})
    assert answer.status_code == 409
    assert answer.json()["error"]["message"].startswith("Conflict occurred attempting to store")
    assert call(archstone, "PATCH", f"{KINDS[kind]}/{second['id']}", {kind: {"name": first["name"]}}).status_code == 409
    assert call(archstone, "PATCH", f"{KINDS[kind]}/{first['id']}", {kind: {"name": first["name"]}}).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fields", [{}, {"name": ""}, {"name": None}, {"name": 7}, {"name": "x" * 300}, {"name": "n", "description": 7}])
def test_a_bad_create_is_400(archstone, kind, fields):
    assert call(archstone, "POST", KINDS[kind], {kind: fields}).status_code == 400


@pytest.mark.parametrize("kind", ["domain", "user"])
@pytest.mark.parametrize("enabled", ["yes please", 7, None, []])
def test_enabled_is_a_boolean(archstone, kind, enabled):
    assert call(archstone, "POST", KINDS[kind], {kind: {"name": unique(kind), "enabled": enabled}}).status_code == 400


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [None, {}, {"other": {}}, []])
def test_the_wrapper_is_required(archstone, kind, body):
    assert call(archstone, "POST", KINDS[kind], body).status_code == 400


@pytest.mark.parametrize("kind", ["domain", "user", "role"])
def test_attributes_of_ones_own_are_kept(archstone, kind):
    created = make(archstone, kind, colour="red")
    assert created["colour"] == "red"
    path = f"{KINDS[kind]}/{created['id']}"
    assert call(archstone, "PATCH", path, {kind: {"colour": "blue"}}).json()[kind]["colour"] == "blue"
    assert call(archstone, "GET", path).json()[kind]["colour"] == "blue"


@pytest.mark.parametrize("kind", KINDS)
def test_comparators_and_paging(archstone, kind):
    mark = unique("mark")
    made = {make(archstone, kind, name=f"{mark}-{n}")["id"] for n in range(5)}
    assert set(listed(archstone, kind, f"name__startswith={mark}")) == made
    assert len(listed(archstone, kind, f"name__icontains={mark[2:].upper()}")) == 5
    assert len(listed(archstone, kind, f"name__startswith={mark}&name__endswith=3")) == 1


def test_users_page_by_page(archstone):
    domain = archstone.new_domain()["id"]
    made = {archstone.new_user(domain)["id"] for _ in range(5)}
    url, seen = f"/v3/users?domain_id={domain}&limit=2", []
    while url:
        body = archstone.expect(200, "GET", url, token=archstone.admin_token)
        seen += [u["id"] for u in body["users"]]
        assert len(seen) <= 5
        url = body["links"]["next"]
    assert len(seen) == 5 and set(seen) == made


def test_an_unknown_marker_is_404(archstone):
    marker = unique("marker")
    answer = call(archstone, "GET", f"/v3/users?marker={marker}&limit=1")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"Marker {marker} could not be found."


def test_a_user_has_keystones_members_and_never_a_password(archstone):
    user = make(archstone, "user", domain_id=DEFAULT_DOMAIN, password="secret-password-1", email="u@example.com")
    assert user["domain_id"] == DEFAULT_DOMAIN and user["enabled"] is True and user["email"] == "u@example.com"
    assert user["password_expires_at"] is None and user["options"] == {}
    assert "password" not in user
    for body in (call(archstone, "GET", f"/v3/users/{user['id']}").text, call(archstone, "GET", f"/v3/users?name={user['name']}").text):
        assert "secret-password-1" not in body and "argon2" not in body and '"password"' not in body


def test_a_user_name_is_unique_in_its_domain_only(archstone):
    domain = archstone.new_domain()["id"]
    user = make(archstone, "user", domain_id=DEFAULT_DOMAIN)
    assert make(archstone, "user", name=user["name"], domain_id=domain)["id"] != user["id"]


def test_users_are_filtered_by_domain_and_enabled(archstone):
    domain = archstone.new_domain()["id"]
    on, off = make(archstone, "user", domain_id=domain), make(archstone, "user", domain_id=domain, enabled=False)
    assert set(listed(archstone, "user", f"domain_id={domain}")) == {on["id"], off["id"]}
    assert listed(archstone, "user", f"domain_id={domain}&enabled=true") == [on["id"]]
    assert listed(archstone, "user", f"domain_id={domain}&enabled=false") == [off["id"]]


def test_deleting_a_domain_deletes_its_users(archstone):
    domain = archstone.new_domain()["id"]
    user = archstone.new_user(domain)
    assert call(archstone, "PATCH", f"/v3/domains/{domain}", {"domain": {"enabled": False}}).status_code == 200
    assert call(archstone, "DELETE", f"/v3/domains/{domain}").status_code == 204
    assert call(archstone, "GET", f"/v3/users/{user['id']}").status_code == 404


def test_the_default_domain_stays(archstone):
    assert call(archstone, "DELETE", f"/v3/domains/{DEFAULT_DOMAIN}").status_code == 403


@pytest.mark.parametrize("on", ["domains", "projects"])
def test_grants(archstone, on):
    user, role = archstone.new_user(), archstone.new_role()
    target = archstone.new_domain()["id"] if on == "domains" else archstone.new_project()
    roles = f"/v3/{on}/{target}/users/{user['id']}/roles"
    path = f"{roles}/{role['id']}"
    assert call(archstone, "HEAD", path).status_code == 404
    assert call(archstone, "DELETE", path).status_code == 404
    for _ in range(2):
        assert call(archstone, "PUT", path).status_code == 204
    assert call(archstone, "HEAD", path).status_code == 204
    assert call(archstone, "GET", path).status_code == 204
    assert [r["id"] for r in call(archstone, "GET", roles).json()["roles"]] == [role["id"]]
    assert call(archstone, "DELETE", path).status_code == 204
    assert call(archstone, "GET", roles).json()["roles"] == []


@pytest.mark.parametrize("missing", ["target", "user", "role"])
def test_a_grant_of_something_unknown_is_404(archstone, missing):
    ids = {"target": archstone.new_domain()["id"], "user": archstone.new_user()["id"], "role": archstone.new_role()["id"]}
    ids[missing] = "0123456789abcdef0123456789abcdef"
    assert call(archstone, "PUT", f"/v3/domains/{ids['target']}/users/{ids['user']}/roles/{ids['role']}").status_code == 404


def test_the_implied_roles_come_with_the_granted_one(archstone):
    for granted, expected in {"admin": {"admin", "manager", "member", "reader"}, "manager": {"manager", "member", "reader"},
                              "member": {"member", "reader"}, "reader": {"reader"}, "service": {"service"},
                              "secu_admin": {"secu_admin"}}.items():
        domain = archstone.new_domain()["id"]
        _, token = archstone.persona(granted, domain=domain)
        assert {r["name"] for r in archstone.validate(token).json()["token"]["roles"]} == expected
