"""openstacksdk's identity proxy: identity providers with filters, users, roles, domains and grants."""

import openstack
import pytest
from openstack import exceptions

from harness import ADMIN_PASSWORD, DEFAULT_DOMAIN, unique


@pytest.fixture
def identity(archstone):
    """The identity proxy of an administrator's connection."""
    with openstack.connect(auth_url=archstone.auth_url, username="admin", password=ADMIN_PASSWORD, user_domain_id=DEFAULT_DOMAIN,
                           project_name="admin", project_domain_id=DEFAULT_DOMAIN, region_name="RegionOne",
                           load_envvars=False, load_yaml_config=False) as connection:
        yield connection.identity


def test_identity_providers(archstone, identity):
    name, remote = unique("acme"), unique("https://idp")
    created = identity.create_identity_provider(id=name, description="by the SDK", is_enabled=True, remote_ids=[remote], authorization_ttl=15)
    assert (created.id, created.description, created.is_enabled, created.remote_ids, created.authorization_ttl) == (
        name, "by the SDK", True, [remote], 15)
    assert len(created.domain_id) == 32
    got = identity.get_identity_provider(name)
    assert got.to_dict() | {"location": None} == created.to_dict() | {"location": None}
    updated = identity.update_identity_provider(name, description="changed", is_enabled=False)
    assert (updated.description, updated.is_enabled, updated.remote_ids) == ("changed", False, [remote])
    assert identity.find_identity_provider(name).id == name
    with pytest.raises(exceptions.ConflictException):
        identity.create_identity_provider(id=name)
    identity.delete_identity_provider(name, ignore_missing=False)
    assert identity.find_identity_provider(name) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_identity_provider(name)
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_identity_provider(name, ignore_missing=False)


def test_identity_provider_filters_and_paging(archstone, identity):
    mark = unique("acme")
    for number in range(5):
        identity.create_identity_provider(id=f"{mark}-{number}", is_enabled=number % 2 == 0)
    ids = [f"{mark}-{number}" for number in range(5)]
    assert [p.id for p in identity.identity_providers(id=ids[3])] == [ids[3]]
    assert [p.id for p in identity.identity_providers(is_enabled=True) if p.id in ids] == [ids[0], ids[2], ids[4]]
    assert [p.id for p in identity.identity_providers(is_enabled=False) if p.id in ids] == [ids[1], ids[3]]
    assert [p.id for p in identity.identity_providers(limit=2) if p.id in ids] == ids


def test_a_bad_value_is_a_bad_request(identity):
    with pytest.raises(exceptions.BadRequestException):
        identity.create_identity_provider(id=unique("acme"), authorization_ttl=-1)


def test_domains(archstone, identity):
    name = unique("domain")
    created = identity.create_domain(name=name, description="by the SDK", is_enabled=True)
    assert identity.get_domain(created.id).name == name
    assert identity.find_domain(name).id == created.id
    assert [d.id for d in identity.domains(name=name)] == [created.id]
    assert identity.update_domain(created, is_enabled=False).is_enabled is False
    identity.delete_domain(created, ignore_missing=False)
    assert identity.find_domain(name) is None


def test_users(archstone, identity):
    domain, name = archstone.new_domain(), unique("user")
    created = identity.create_user(name=name, domain_id=domain["id"], password="first-password", email="u@example.com", is_enabled=True)
    assert created.domain_id == domain["id"]
    assert identity.get_user(created.id).name == name
    assert identity.find_user(name, domain_id=domain["id"]).id == created.id
    assert [u.id for u in identity.users(domain_id=domain["id"])] == [created.id]
    assert [u.id for u in identity.users(domain_id=domain["id"], is_enabled=False)] == []
    assert identity.update_user(created, description="changed").description == "changed"
    assert archstone.login({"id": created.id}, "first-password").status_code == 201
    identity.delete_user(created, ignore_missing=False)
    with pytest.raises(exceptions.NotFoundException):
        identity.get_user(created.id)


def test_users_page_by_page(archstone, identity):
    domain = archstone.new_domain()["id"]
    made = {archstone.new_user(domain)["id"] for _ in range(5)}
    listed = [u.id for u in identity.users(domain_id=domain, limit=2)]
    assert len(listed) == 5 and set(listed) == made


def test_roles_and_grants(archstone, identity):
    domain = archstone.new_domain()
    user, name = archstone.new_user(domain["id"]), unique("role")
    role = identity.create_role(name=name, description="by the SDK")
    assert identity.get_role(role.id).name == name
    assert identity.find_role(name).id == role.id
    assert [r.id for r in identity.roles(name=name)] == [role.id]
    assert identity.update_role(role, description="changed").description == "changed"
    assert not identity.validate_user_has_domain_role(domain["id"], user["id"], role)
    identity.assign_domain_role_to_user(domain["id"], user["id"], role)
    assert identity.validate_user_has_domain_role(domain["id"], user["id"], role)
    token = archstone.login({"id": user["id"]}, user["password"], domain=domain["id"]).json()["token"]
    assert [r["name"] for r in token["roles"]] == [name]
    identity.unassign_domain_role_from_user(domain["id"], user["id"], role)
    assert archstone.login({"id": user["id"]}, user["password"], domain=domain["id"]).status_code == 401
    project = archstone.new_project()
    identity.assign_project_role_to_user(project, user["id"], role)
    assert identity.validate_user_has_project_role(project, user["id"], role)
    identity.unassign_project_role_from_user(project, user["id"], role)
    assert not identity.validate_user_has_project_role(project, user["id"], role)
    identity.delete_role(role, ignore_missing=False)
    assert identity.find_role(name) is None
