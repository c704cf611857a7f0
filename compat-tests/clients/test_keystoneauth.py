"""keystoneauth1: sessions, plugins, scopes, its own discovery, and logging in again after a revocation."""

import pytest
from keystoneauth1 import discover, exceptions, session
from keystoneauth1.identity import Password, v3

from harness import ADMIN_PASSWORD, DEFAULT_DOMAIN


def admin(archstone, plugin=v3.Password, url=None, **scope):
    """A plugin for the administrator."""
    return plugin(auth_url=url or archstone.auth_url, username="admin", password=ADMIN_PASSWORD, user_domain_id=DEFAULT_DOMAIN, **scope)


def access(plugin):
    """What the plugin logs in to."""
    return plugin.get_access(session.Session())


ON_PROJECT = {"project_name": "admin", "project_domain_id": DEFAULT_DOMAIN}


def test_unscoped(archstone):
    found = access(admin(archstone, unscoped=True))
    assert found.auth_token and found.username == "admin" and found.user_domain_id == DEFAULT_DOMAIN
    assert not found.scoped and not found.has_service_catalog()
    assert found.audit_id


def test_project_scope_by_name_and_by_id(archstone):
    found = access(admin(archstone, **ON_PROJECT))
    assert found.project_scoped and found.project_name == "admin" and "admin" in found.role_names
    assert found.has_service_catalog() and not found.will_expire_soon()
    assert access(admin(archstone, project_id=found.project_id)).project_id == found.project_id
    assert access(admin(archstone, project_name="admin", project_domain_name="Default")).project_id == found.project_id


def test_domain_scope(archstone):
    domain = archstone.new_domain()
    user = archstone.new_user(domain["id"])
    archstone.grant(user, "member", domain=domain["id"])
    for scope in ({"domain_id": domain["id"]}, {"domain_name": domain["name"]}):
        found = access(v3.Password(archstone.auth_url, user_id=user["id"], password=user["password"], **scope))
        assert found.domain_scoped and found.domain_id == domain["id"] and set(found.role_names) == {"member", "reader"}


def test_system_scope(archstone):
    found = access(admin(archstone, system_scope="all"))
    assert found.system_scoped and found.system["all"] is True


def test_rescoping_with_the_token_plugin_keeps_expiry_and_chain(archstone):
    first = access(admin(archstone, unscoped=True))
    second = access(v3.Token(archstone.auth_url, first.auth_token, **ON_PROJECT))
    assert second.project_scoped
    assert second.expires == first.expires
    assert second.audit_chain_id == first.audit_id


def test_without_a_catalog(archstone):
    found = access(admin(archstone, include_catalog=False, **ON_PROJECT))
    assert found.project_scoped and not found.has_service_catalog()


@pytest.mark.parametrize("path", ["", "/", "/v3", "/v3/"])
def test_the_generic_plugin_discovers_the_version_from_any_base(archstone, path):
    found = access(admin(archstone, Password, archstone.url + path, **ON_PROJECT))
    assert found.version == "v3" and found.project_scoped


@pytest.mark.parametrize("path", ["/", "/v3"])
def test_keystoneauths_own_discovery(archstone, path):
    found = discover.Discover(session.Session(), archstone.url + path)
    assert found.url_for("v3") == f"{archstone.url}/v3/"
    [version] = found.version_data()
    assert version["version"] == (3, 14) and version["raw_status"] == "stable"


@pytest.mark.parametrize("interface", ["public", "internal", "admin"])
def test_the_identity_endpoint_is_found_in_the_catalog(archstone, interface):
    keystone = session.Session(admin(archstone, **ON_PROJECT))
    found = keystone.get_endpoint(service_type="identity", interface=interface, region_name="RegionOne", version=(3, 0))
    assert found.rstrip("/") == archstone.auth_url
    answer = keystone.get("/auth/projects", endpoint_filter={"service_type": "identity", "interface": interface, "version": (3, 0)})
    assert [p["name"] for p in answer.json()["projects"]].count("admin") == 1


def test_a_session_logs_in_again_when_its_token_was_revoked(archstone):
    plugin = admin(archstone, **ON_PROJECT)
    keystone = session.Session(plugin)
    first = keystone.get_token()
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": first})
    assert keystone.get(f"{archstone.auth_url}/auth/projects").status_code == 200
    assert keystone.get_token() != first


def test_errors_become_keystoneauths_exceptions(archstone):
    user = archstone.new_user()
    with pytest.raises(exceptions.Unauthorized):
        access(v3.Password(archstone.auth_url, user_id=user["id"], password="wrong"))
    with pytest.raises(exceptions.Unauthorized):
        access(v3.Password(archstone.auth_url, user_id=user["id"], password=user["password"], **ON_PROJECT))
    member = session.Session(v3.Password(archstone.auth_url, user_id=user["id"], password=user["password"]))
    with pytest.raises(exceptions.Forbidden) as caught:
        member.get(f"{archstone.auth_url}/users")
    assert caught.value.request_id.startswith("req-")
    keystone = session.Session(admin(archstone, **ON_PROJECT))
    for path, kind in (("/users/none", exceptions.NotFound), ("/nosuch", exceptions.NotFound)):
        with pytest.raises(kind):
            keystone.get(archstone.auth_url + path)
    with pytest.raises(exceptions.MethodNotAllowed):
        keystone.delete(f"{archstone.auth_url}/users")
    with pytest.raises(exceptions.BadRequest):
        keystone.post(f"{archstone.auth_url}/users", json={})


def test_a_plugin_can_be_kept_and_loaded(archstone):
    first = admin(archstone, **ON_PROJECT)
    token = session.Session(first).get_token()
    second = admin(archstone, **ON_PROJECT)
    assert second.set_auth_state(first.get_auth_state()) is None
    assert session.Session(second).get_token() == token
