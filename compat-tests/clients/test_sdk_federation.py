"""openstacksdk's identity proxy: mappings, federation protocols, service providers."""

import pytest
from openstack import exceptions

from harness import unique

RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}]
OTHER_RULES = [{"local": [{"user": {"name": "{0}"}}, {"group": {"id": "0cd5e9"}}],
                "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-iss", "any_one_of": ["https://idp.example"]}]}]
URLS = {"auth_url": "https://sp.example/v3/auth", "sp_url": "https://sp.example/ecp"}


def federation(archstone, path):
    """What the server holds: a member below OS-FEDERATION, None when there is none."""
    answer = archstone.request("GET", f"/v3/OS-FEDERATION/{path}", token=archstone.admin_token)
    return next(iter(answer.json().values())) if answer.status_code == 200 else None


@pytest.fixture
def mapping(identity):
    """A mapping."""
    return identity.create_mapping(id=unique("mapping"), rules=RULES)


def test_mappings(archstone, identity):
    name = unique("mapping")
    created = identity.create_mapping(id=name, rules=RULES)
    assert (created.id, created.name, created.rules, created.schema_version) == (name, name, RULES, "1.0")
    assert federation(archstone, f"mappings/{name}")["rules"] == RULES
    assert identity.get_mapping(name).rules == RULES and identity.find_mapping(name).id == name
    assert name in [found.id for found in identity.mappings()]
    with pytest.raises(exceptions.ConflictException):
        identity.create_mapping(id=name, rules=RULES)
    updated = identity.update_mapping(name, rules=OTHER_RULES, schema_version="2.0")
    assert (updated.rules, updated.schema_version) == (OTHER_RULES, "2.0")
    kept = federation(archstone, f"mappings/{name}")
    assert (kept["rules"], kept["schema_version"]) == (OTHER_RULES, "2.0")
    identity.delete_mapping(name, ignore_missing=False)
    assert identity.find_mapping(name) is None and federation(archstone, f"mappings/{name}") is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_mapping(name)
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_mapping(name, ignore_missing=False)


def test_bad_mappings_are_bad_requests(identity):
    for rules in ([], [{"local": []}], [{"local": [], "remote": [{"type": "x", "regex": True}]}]):
        with pytest.raises(exceptions.BadRequestException):
            identity.create_mapping(id=unique("mapping"), rules=rules)


def test_federation_protocols(archstone, identity, mapping):
    idp, other = identity.create_identity_provider(id=unique("acme")), identity.create_mapping(id=unique("mapping"), rules=OTHER_RULES)
    created = identity.create_federation_protocol(idp, id="openid", mapping_id=mapping.id)
    assert (created.id, created.name, created.idp_id, created.mapping_id) == ("openid", "openid", idp.id, mapping.id)
    identity.create_federation_protocol(idp.id, id="saml2", mapping_id=mapping.id)
    assert identity.get_federation_protocol(idp, "openid").mapping_id == mapping.id
    assert identity.get_federation_protocol(None, created).idp_id == idp.id
    assert identity.find_federation_protocol(idp, "saml2").id == "saml2"
    assert sorted(found.id for found in identity.federation_protocols(idp)) == ["openid", "saml2"]
    with pytest.raises(exceptions.ConflictException):
        identity.create_federation_protocol(idp, id="openid", mapping_id=mapping.id)
    with pytest.raises(exceptions.BadRequestException):
        identity.create_federation_protocol(idp, id="mapped", mapping_id=unique("nothing"))
    with pytest.raises(exceptions.NotFoundException):
        identity.create_federation_protocol(unique("nothing"), id="mapped", mapping_id=mapping.id)
    assert identity.update_federation_protocol(idp, "openid", mapping_id=other.id).mapping_id == other.id
    assert federation(archstone, f"identity_providers/{idp.id}/protocols/openid")["mapping_id"] == other.id
    identity.delete_federation_protocol(None, created, ignore_missing=False)
    identity.delete_federation_protocol(idp, "saml2", ignore_missing=False)
    assert list(identity.federation_protocols(idp)) == [] and identity.find_federation_protocol(idp, "openid") is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_federation_protocol(idp, "openid")
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_federation_protocol(idp, "openid", ignore_missing=False)


def test_federation_protocols_by_id_and_in_pages(identity, mapping):
    idp = identity.create_identity_provider(id=unique("acme"))
    for number in range(5):
        identity.create_federation_protocol(idp, id=f"p{number}", mapping_id=mapping.id)
    assert [found.id for found in identity.federation_protocols(idp, id="p3")] == ["p3"]
    assert [found.id for found in identity.federation_protocols(idp, limit=2)] == [f"p{number}" for number in range(5)]


def test_a_mapping_in_use_stays(identity, mapping):
    idp = identity.create_identity_provider(id=unique("acme"))
    identity.create_federation_protocol(idp, id="openid", mapping_id=mapping.id)
    with pytest.raises(exceptions.ConflictException):
        identity.delete_mapping(mapping, ignore_missing=False)
    identity.delete_identity_provider(idp)
    identity.delete_mapping(mapping, ignore_missing=False)


def test_service_providers(archstone, identity):
    name = unique("sp")
    created = identity.create_service_provider(id=name, description="by the SDK", is_enabled=True, **URLS)
    assert (created.id, created.description, created.is_enabled, created.auth_url, created.sp_url, created.relay_state_prefix) == (
        name, "by the SDK", True, URLS["auth_url"], URLS["sp_url"], "ss:mem:")
    seen = identity.validate_token(archstone.token(project={"name": "admin", "domain": {"id": "default"}}))
    assert seen.user["name"] == "admin", "a token with service providers in it is read"
    assert identity.get_service_provider(name).sp_url == URLS["sp_url"] and identity.find_service_provider(name).id == name
    assert [found.id for found in identity.service_providers(id=name)] == [name]
    assert name in [found.id for found in identity.service_providers(is_enabled=True)]
    assert name not in [found.id for found in identity.service_providers(is_enabled=False)]
    with pytest.raises(exceptions.ConflictException):
        identity.create_service_provider(id=name, **URLS)
    with pytest.raises(exceptions.BadRequestException):
        identity.create_service_provider(id=unique("sp"), auth_url="nothing", sp_url=URLS["sp_url"])
    updated = identity.update_service_provider(name, description=None, is_enabled=False, relay_state_prefix="other:")
    assert (updated.description, updated.is_enabled, updated.relay_state_prefix) == (None, False, "other:")
    kept = federation(archstone, f"service_providers/{name}")
    assert (kept["description"], kept["enabled"], kept["relay_state_prefix"]) == (None, False, "other:")
    identity.delete_service_provider(name, ignore_missing=False)
    assert identity.find_service_provider(name) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_service_provider(name)
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_service_provider(name, ignore_missing=False)


def test_service_providers_in_pages(identity):
    mark = unique("sp")
    ids = [f"{mark}-{number}" for number in range(5)]
    for sp_id in ids:
        identity.create_service_provider(id=sp_id, is_enabled=False, **URLS)
    assert [found.id for found in identity.service_providers(limit=2) if found.id in ids] == ids
