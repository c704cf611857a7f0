"""openstacksdk's identity proxy: services, regions, endpoints, and tokens looked at."""

import pytest
from openstack import exceptions

from harness import unique


def test_services(identity, held):
    name, kind = unique("service"), unique("type")
    created = identity.create_service(name=name, type=kind, description="by the SDK")
    kept = held("service", created.id)
    assert (kept["name"], kept["type"], kept["description"], kept["enabled"]) == (name, kind, "by the SDK", True)
    assert identity.get_service(created.id).is_enabled is True and identity.find_service(name).id == created.id
    assert [s.id for s in identity.services(type=kind)] == [s.id for s in identity.services(name=name)] == [created.id]
    identity.update_service(created, name=name + "-new", type=kind + "-new", description="changed", is_enabled=False)
    kept = held("service", created.id)
    assert (kept["name"], kept["type"], kept["description"], kept["enabled"]) == (name + "-new", kind + "-new", "changed", False)
    identity.delete_service(created, ignore_missing=False)
    assert held("service", created.id) is None and identity.find_service(name + "-new") is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_service(created.id)


def test_regions(identity, held):
    name = unique("region")
    top = identity.create_region(id=name, description="by the SDK")
    below = identity.create_region(parent_region_id=name)
    assert len(below.id) == 32, "an id of the server's own"
    kept = held("region", name)
    assert (kept["id"], kept["description"], kept["parent_region_id"]) == (name, "by the SDK", None)
    assert identity.get_region(name).description == "by the SDK" and identity.find_region(name).id == top.id
    assert name in [r.id for r in identity.regions()] and [r.id for r in identity.regions(parent_region_id=name)] == [below.id]
    with pytest.raises(exceptions.ConflictException):
        identity.create_region(id=name)
    identity.update_region(below, description="changed", parent_region_id=None)
    kept = held("region", below.id)
    assert (kept["description"], kept["parent_region_id"]) == ("changed", None)
    for region in (below, top):
        identity.delete_region(region, ignore_missing=False)
        assert held("region", region.id) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_region(name)
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_region(name, ignore_missing=False)


def test_a_region_that_is_used_stays(identity, held):
    region, service = identity.create_region(id=unique("region")), identity.create_service(name=unique("service"), type=unique("type"))
    endpoint = identity.create_endpoint(service_id=service.id, interface="public", url="http://127.0.0.1:9999", region_id=region.id)
    with pytest.raises(exceptions.HttpException) as refused:
        identity.delete_region(region)
    assert refused.value.status_code in (403, 409) and held("region", region.id)
    identity.delete_service(service)
    assert held("endpoint", endpoint.id) is None, "a service's endpoints go with it"
    identity.delete_region(region)


def test_endpoints(identity, held):
    region, url = identity.create_region(id=unique("region")).id, "http://127.0.0.1:9999/v1"
    service = identity.create_service(name=unique("service"), type=unique("type")).id
    created = identity.create_endpoint(service_id=service, interface="public", url=url, region_id=region)
    other = identity.create_endpoint(service_id=service, interface="admin", url=url, is_enabled=False)
    kept = held("endpoint", created.id)
    assert (kept["service_id"], kept["interface"], kept["url"], kept["region_id"], kept["region"], kept["enabled"]) == (
        service, "public", url, region, region, True)
    assert held("endpoint", other.id)["enabled"] is False and other.region_id is None
    assert identity.get_endpoint(created.id).url == url and identity.find_endpoint(created.id).id == created.id
    assert identity.find_endpoint(unique("endpoint")) is None

    def ids(**query):
        return sorted(e.id for e in identity.endpoints(service_id=service, **query))

    assert ids() == sorted([created.id, other.id])
    assert ids(interface="admin") == [other.id] and ids(region_id=region) == [created.id] and ids(interface="internal") == []
    identity.update_endpoint(created, url=url + "/new", interface="internal", is_enabled=False)
    kept = held("endpoint", created.id)
    assert (kept["url"], kept["interface"], kept["enabled"]) == (url + "/new", "internal", False)
    identity.delete_endpoint(created, ignore_missing=False)
    assert held("endpoint", created.id) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_endpoint(created.id)
    with pytest.raises(exceptions.BadRequestException):
        identity.create_endpoint(service_id=service, interface="sideways", url=url)


def test_tokens(archstone, identity):
    user = archstone.new_user()
    project = archstone.new_project()
    archstone.grant(user, "member", project=project)
    token = archstone.token({"id": user["id"]}, user["password"], project=project)
    seen = identity.validate_token(token)
    assert (seen.user["id"], seen.project["id"], {r["name"] for r in seen.roles}) == (user["id"], project, {"member", "reader"})
    assert seen.catalog and seen.methods == ["password"] and seen.subject_token == token
    assert not identity.validate_token(token, nocatalog=True).catalog
    assert identity.check_token(token) is True and identity.check_token(token, allow_expired=True) is True
    identity.revoke_token(token)
    assert identity.check_token(token) is False
    with pytest.raises(exceptions.NotFoundException):
        identity.validate_token(token)
