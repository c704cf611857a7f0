"""openstacksdk's identity proxy: identity providers, with filters and paging; the rest is in `test_sdk_….py`."""

import pytest
from openstack import exceptions

from harness import unique


def test_identity_providers(identity):
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


def test_identity_provider_filters_and_paging(identity):
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
