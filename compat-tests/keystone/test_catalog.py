"""Regions, services and endpoints, and the catalog that tokens show."""

import uuid

import pytest

from harness import eventually, unique
from identity_calls import NOBODY, call, done, get, ids, items, message, patch, updated

URL = "http://127.0.0.1:8774/v2"


def new(archstone, kind, **fields):
    """A new region, service or endpoint of exactly these fields; the member."""
    return done(archstone, "POST", f"/{kind}s", {kind: fields}, status=201)[kind]


def refused(archstone, kind, code=400, **fields):
    return message(call(archstone, "POST", f"/{kind}s", {kind: fields}), code)


def new_service(archstone, **fields):
    return new(archstone, "service", **({"type": unique("type")} | fields))


def new_endpoint(archstone, service, **fields):
    return new(archstone, "endpoint", **({"service_id": service["id"], "interface": "public", "url": URL} | fields))


# -- regions -----------------------------------------------------------------------------------------------------------

def test_a_region_by_post(archstone):
    region = new(archstone, "region")
    assert uuid.UUID(region["id"]).hex == region["id"]
    assert region == {"id": region["id"], "description": "", "parent_region_id": None,
                      "links": {"self": f"{archstone.url}/v3/regions/{region['id']}"}}
    assert get(archstone, "region", region["id"]) == region
    named = new(archstone, "region", id=unique("region"), description=None, parent_region_id=region["id"], colour="red")
    assert named["description"] == "" and named["parent_region_id"] == region["id"] and named["colour"] == "red"
    assert refused(archstone, "region", 409, id=named["id"]).startswith(
        f"Conflict occurred attempting to store region - Duplicate ID, {named['id']}.")


def test_a_region_by_put(archstone):
    region = unique("region")
    body = done(archstone, "PUT", f"/regions/{region}", {"region": {"description": "d"}}, status=201)
    assert body["region"]["id"] == region and body["region"] == get(archstone, "region", region)
    assert call(archstone, "PUT", f"/regions/{region}", {"region": {}}).status_code == 409
    other = unique("region")
    said = message(call(archstone, "PUT", f"/regions/{other}", {"region": {"id": region}}), 400)
    assert said == f'Conflicting region IDs specified: "{other}" != "{region}"'
    assert call(archstone, "PUT", f"/regions/{other}", {"region": {"id": other}}).status_code == 201
    for bad in (None, {}, {"other": {}}):
        message(call(archstone, "PUT", f"/regions/{unique()}", bad), 400)


@pytest.mark.parametrize("fields", [{"id": 7}, {"id": "x" * 256}, {"description": 7}, {"parent_region_id": 7}])
def test_a_bad_region_is_400(archstone, fields):
    refused(archstone, "region", **fields)


def test_regions_are_nested_and_go_with_their_parent(archstone):
    top = new(archstone, "region")["id"]
    middle = new(archstone, "region", parent_region_id=top)["id"]
    bottom = new(archstone, "region", parent_region_id=middle)["id"]
    assert ids(archstone, f"/regions?parent_region_id={top}") == [middle]
    for parent in (top, middle, bottom):
        said = message(patch(archstone, "region", top, parent_region_id=parent), 400)
        assert said.startswith("The specified parent region ") and said.endswith(" would create a circular region hierarchy.")
    for answer in (patch(archstone, "region", top, parent_region_id=NOBODY), call(archstone, "POST", "/regions", {
            "region": {"parent_region_id": NOBODY}})):
        assert message(answer, 404) == f"Could not find region: {NOBODY}."
    assert updated(archstone, "region", bottom, parent_region_id=None)["parent_region_id"] is None
    updated(archstone, "region", bottom, parent_region_id=middle)
    done(archstone, "DELETE", f"/regions/{top}")
    for region in (top, middle, bottom):
        assert message(call(archstone, "GET", f"/regions/{region}"), 404) == f"Could not find region: {region}."


def test_a_region_is_updated_and_keeps_its_id(archstone):
    region = new(archstone, "region", description="d")
    assert updated(archstone, "region", region["id"], description=None, colour="red") == region | {"description": "", "colour": "red"}
    message(patch(archstone, "region", region["id"]), 400)
    assert message(patch(archstone, "region", region["id"], id=NOBODY), 400) == "Cannot change ID"


# -- services ----------------------------------------------------------------------------------------------------------

def test_a_service(archstone):
    kind = unique("type")
    service = new(archstone, "service", type=kind)
    assert service == {"id": service["id"], "type": kind, "name": "", "enabled": True,
                       "links": {"self": f"{archstone.url}/v3/services/{service['id']}"}}
    assert get(archstone, "service", service["id"]) == service
    changed = {"name": unique("name"), "description": None, "colour": "red", "enabled": False}
    assert updated(archstone, "service", service["id"], **changed) == service | changed
    assert ids(archstone, f"/services?type={kind}") == [service["id"]] == ids(archstone, f"/services?name={changed['name']}")
    assert ids(archstone, f"/services?type__startswith={kind[:-1]}&name={changed['name']}") == [service["id"]]
    assert items(archstone, f"/services?type={kind}&name=other") == []
    assert new_service(archstone, type=kind)["id"] != service["id"], "a type is not unique"


@pytest.mark.parametrize("fields", [{}, {"type": ""}, {"type": 7}, {"type": "x" * 256}, {"type": None}, {"type": "t", "name": ""},
                                    {"type": "t", "name": None}, {"type": "t", "enabled": "true"}, {"type": "t", "enabled": None}])
def test_a_bad_service_is_400(archstone, fields):
    refused(archstone, "service", **fields)


@pytest.mark.parametrize("fields", [{}, {"type": None}, {"name": ""}, {"enabled": None}, {"id": NOBODY}])
def test_a_bad_update_of_a_service_is_400(archstone, fields):
    service = new_service(archstone)
    said = message(patch(archstone, "service", service["id"], **fields), 400)
    assert "id" not in fields or said == "Cannot change ID"
    assert get(archstone, "service", service["id"]) == service


def test_a_deleted_service_takes_its_endpoints_along(archstone):
    service = new_service(archstone)
    endpoint = new_endpoint(archstone, service)["id"]
    done(archstone, "DELETE", f"/services/{service['id']}")
    assert message(call(archstone, "GET", f"/endpoints/{endpoint}"), 404) == f"Could not find endpoint: {endpoint}."
    for method in ("GET", "PATCH", "DELETE"):
        answer = call(archstone, method, f"/services/{service['id']}", {"service": {"name": "x"}} if method == "PATCH" else None)
        assert message(answer, 404) == f"Could not find service: {service['id']}."


@pytest.mark.parametrize("kind", ["region", "service", "endpoint"])
@pytest.mark.parametrize("body", [None, {}, [], {"other": {}}])
def test_the_wrapper_is_required(archstone, kind, body):
    message(call(archstone, "POST", f"/{kind}s", body), 400)


# -- endpoints ---------------------------------------------------------------------------------------------------------

def test_an_endpoint(archstone):
    service, region = new_service(archstone), new(archstone, "region")["id"]
    endpoint = new_endpoint(archstone, service)
    assert endpoint == {"id": endpoint["id"], "service_id": service["id"], "interface": "public", "url": URL, "enabled": True,
                        "region_id": None, "region": None, "links": {"self": f"{archstone.url}/v3/endpoints/{endpoint['id']}"}}
    assert get(archstone, "endpoint", endpoint["id"]) == endpoint
    changed = {"region_id": region, "interface": "internal", "url": f"{URL}/$(project_id)s", "enabled": False, "name": "n",
               "colour": "red"}
    assert updated(archstone, "endpoint", endpoint["id"], **changed) == endpoint | changed | {"region": region}
    assert updated(archstone, "endpoint", endpoint["id"], region_id=None)["region"] is None
    message(patch(archstone, "endpoint", endpoint["id"]), 400)
    assert message(patch(archstone, "endpoint", endpoint["id"], id=NOBODY), 400) == "Cannot change ID"
    done(archstone, "DELETE", f"/endpoints/{endpoint['id']}")
    assert message(call(archstone, "DELETE", f"/endpoints/{endpoint['id']}"), 404) == f"Could not find endpoint: {endpoint['id']}."


def test_a_region_given_as_region_is_made_when_it_is_new(archstone):
    service, name, other = new_service(archstone), unique("auto"), unique("auto")
    endpoint = new_endpoint(archstone, service, region=name)
    assert endpoint["region"] == endpoint["region_id"] == name == get(archstone, "region", name)["id"]
    assert updated(archstone, "endpoint", endpoint["id"], region=other)["region_id"] == other == get(archstone, "region", other)["id"]


def test_a_region_with_endpoints_in_or_below_it_stays(archstone):
    parent, service = new(archstone, "region")["id"], new_service(archstone)
    child = new(archstone, "region", parent_region_id=parent)["id"]
    endpoint = new_endpoint(archstone, service, region_id=child)["id"]
    for region in (child, parent):
        said = message(call(archstone, "DELETE", f"/regions/{region}"), 403)
        assert said == f"Unable to delete region {region} because it or its child regions have associated endpoints."
    done(archstone, "DELETE", f"/endpoints/{endpoint}")
    done(archstone, "DELETE", f"/regions/{parent}")
    message(call(archstone, "GET", f"/regions/{child}"), 404)


def test_endpoints_are_filtered(archstone):
    service, region = new_service(archstone), new(archstone, "region")["id"]
    one, two = new_endpoint(archstone, service, region_id=region), new_endpoint(archstone, service, interface="admin")
    path = f"/endpoints?service_id={service['id']}"
    for query, found in {"": [one, two], "&interface=admin": [two], f"&region_id={region}": [one], "&interface=internal": [],
                         f"&interface=public&region_id={region}": [one]}.items():
        assert ids(archstone, path + query) == sorted(endpoint["id"] for endpoint in found), query
    message(call(archstone, "GET", f"{path}&interface=other"), 400)


@pytest.mark.parametrize("fields", [
    {"interface": "other"}, {"interface": "Public"}, {"interface": None}, {"url": ""}, {"url": "nowhere"}, {"url": 7}, {"url": None},
    {"url": "http://h/" + "x" * 218}, {"url": "http://h/$(nonsense)s"}, {"url": "http://h/%(nonsense)s"},
    {"url": "http://h/%(project_id)"}, {"url": "http://h/%(project_id)d"}, {"url": "http://h/%"}, {"service_id": None},
    {"service_id": NOBODY}, {"region_id": NOBODY},
    {"region_id": 7}, {"enabled": "true"}, {"enabled": None}, {"name": 7}, {"description": 7},
])
def test_a_bad_endpoint_is_400(archstone, fields):
    endpoint = {"service_id": new_service(archstone)["id"], "interface": "public", "url": URL} | fields
    said = refused(archstone, "endpoint", **endpoint)
    url = fields.get("url")
    if isinstance(url, str) and ("%" in url or "$" in url):
        assert said == f"Cannot create an endpoint with an invalid URL: {url}."
    elif NOBODY in fields.values():
        member, = fields
        assert said.startswith(f"Expecting to find endpoint {member} in {member.removesuffix('_id')} table.")


@pytest.mark.parametrize("url", ["x:y", "https://[::1]:5000/v3", "http://h/%(tenant_id)s", "http://h/$(project_id)s/%(user_id)s",
                                 "http://h/%%"])
def test_a_good_url(archstone, url):
    assert new_endpoint(archstone, new_service(archstone), url=url)["url"] == url


@pytest.mark.parametrize("fields", [{"url": "nowhere"}, {"interface": "other"}, {"service_id": NOBODY}, {"region_id": NOBODY},
                                    {"enabled": "x"}])
def test_a_bad_update_of_an_endpoint_is_400(archstone, fields):
    endpoint = new_endpoint(archstone, new_service(archstone))
    message(patch(archstone, "endpoint", endpoint["id"], **fields), 400)
    assert get(archstone, "endpoint", endpoint["id"]) == endpoint


def test_an_update_with_a_url_that_cannot_be_filled_in_is_400(archstone):
    endpoint = new_endpoint(archstone, new_service(archstone))
    message(patch(archstone, "endpoint", endpoint["id"], url="http://h/$(nonsense)s"), 400)


# -- the catalog -------------------------------------------------------------------------------------------------------

class Holder:
    """A user with a role on a project, and how a service of the test's own shows in the catalogs they get."""

    def __init__(self, archstone):
        self.archstone = archstone
        self.project, self.user = archstone.new_project(), archstone.new_user()
        archstone.grant(self.user, "member", project=self.project)
        self.token = archstone.token({"id": self.user["id"]}, self.user["password"], project=self.project)

    def entry(self, service, token=None):
        """The service's entry in the catalog of the token, by validation and, for the project's token, at /auth/catalog."""
        def find(catalog):
            return next((entry for entry in catalog if entry["id"] == service["id"]), None)

        def validated():
            return find(self.archstone.validate(token or self.token).json()["token"]["catalog"])

        def listed():
            return find(self.archstone.expect(200, "GET", "/v3/auth/catalog", token=self.token)["catalog"])

        if token is None:
            # The other node may hear of a change between the two.
            assert eventually(lambda: validated() == listed())
        return validated()

    def urls(self, service, token=None):
        entry = self.entry(service, token)
        return entry and sorted(endpoint["url"] for endpoint in entry["endpoints"])


def test_a_catalog_entry_has_exactly_these_members(archstone):
    holder, region = Holder(archstone), new(archstone, "region")["id"]
    service = new_service(archstone, name="compute of ours")
    endpoint = new_endpoint(archstone, service, region_id=region)
    assert holder.entry(service) == {
        "id": service["id"], "type": service["type"], "name": "compute of ours",
        "endpoints": [{"id": endpoint["id"], "interface": "public", "region": region, "region_id": region, "url": URL}]}


def test_urls_are_filled_in_for_the_scope(archstone):
    holder, service = Holder(archstone), new_service(archstone)
    for url in ("http://h/$(project_id)s", "http://h/%(tenant_id)s/t", "http://h/u/$(user_id)s", "http://h/plain"):
        new_endpoint(archstone, service, url=url)
    by_user = f"http://h/u/{holder.user['id']}"
    assert holder.urls(service) == sorted([f"http://h/{holder.project}", f"http://h/{holder.project}/t", by_user, "http://h/plain"])
    archstone.grant(holder.user, "member", domain="default")
    scoped = archstone.token({"id": holder.user["id"]}, holder.user["password"], domain="default")
    assert holder.urls(service, scoped) == sorted([by_user, "http://h/plain"])


def test_a_service_without_endpoints_is_in_the_catalog(archstone):
    service = new_service(archstone)
    assert Holder(archstone).entry(service) == {"id": service["id"], "type": service["type"], "name": "", "endpoints": []}


def test_changes_show_in_the_catalogs_of_living_tokens_at_once(archstone):
    holder, service = Holder(archstone), new_service(archstone)
    assert holder.urls(service) == []
    one, two = new_endpoint(archstone, service), new_endpoint(archstone, service, url="http://h/two")
    assert holder.urls(service) == sorted([URL, "http://h/two"])
    updated(archstone, "endpoint", one["id"], enabled=False)
    assert holder.urls(service) == ["http://h/two"]
    updated(archstone, "endpoint", one["id"], enabled=True, url="http://h/one")
    assert holder.urls(service) == ["http://h/one", "http://h/two"]
    done(archstone, "DELETE", f"/endpoints/{two['id']}")
    assert holder.urls(service) == ["http://h/one"]
    updated(archstone, "service", service["id"], enabled=False)
    assert holder.entry(service) is None
    updated(archstone, "service", service["id"], enabled=True, name="renamed")
    assert holder.entry(service)["name"] == "renamed"
    done(archstone, "DELETE", f"/services/{service['id']}")
    assert holder.entry(service) is None


def test_changes_show_on_the_other_node_within_a_second(shared_two_nodes):
    here, there = shared_two_nodes
    holder, service = Holder(here), new_service(here)
    holder.archstone = there
    assert eventually(lambda: holder.entry(service) is not None)
    endpoint = new_endpoint(here, service)
    assert eventually(lambda: holder.urls(service) == [URL])
    done(here, "DELETE", f"/endpoints/{endpoint['id']}")
    assert eventually(lambda: holder.urls(service) == [])
