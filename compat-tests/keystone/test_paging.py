"""`limit`, `marker` and `links.next` on every collection of the identity core."""

import json

import pytest

from harness import unique
from identity_calls import NOBODY, call, done, items, make, message

COUNT = 5


def make_domains(archstone):
    mark = unique("paged")
    for number in range(COUNT):
        make(archstone, "domain", name=f"{mark}-{number}")
    return f"/domains?name__startswith={mark}"


def make_projects(archstone):
    domain = archstone.new_domain()["id"]
    for _ in range(COUNT):
        archstone.new_project(domain, tags=["tagged"])
    return f"/projects?domain_id={domain}"


def make_tagged_projects(archstone):
    path = make_projects(archstone)
    archstone.new_project(path.split("=")[1])
    return f"{path}&tags=tagged"


def make_users(archstone):
    domain = archstone.new_domain()["id"]
    for _ in range(COUNT):
        archstone.new_user(domain)
    return f"/users?domain_id={domain}"


def make_groups(archstone):
    domain = archstone.new_domain()["id"]
    for _ in range(COUNT):
        archstone.new_group(domain)
    return f"/groups?domain_id={domain}"


def make_group_users(archstone):
    return f"/groups/{archstone.new_group('default', *(archstone.new_user() for _ in range(COUNT)))['id']}/users"


def make_user_groups(archstone):
    user = archstone.new_user()
    for _ in range(COUNT):
        archstone.new_group("default", user)
    return f"/users/{user['id']}/groups"


def make_user_projects(archstone):
    user = archstone.new_user()
    for _ in range(COUNT):
        archstone.grant(user, "reader", project=archstone.new_project())
    return f"/users/{user['id']}/projects"


def make_roles(archstone):
    mark = unique("paged")
    for number in range(COUNT):
        make(archstone, "role", name=f"{mark}-{number}")
    return f"/roles?name__startswith={mark}"


def make_role_assignments(archstone):
    user, project = archstone.new_user(), archstone.new_project()
    for _ in range(COUNT):
        archstone.grant(user, make(archstone, "role"), project=project)
    return f"/role_assignments?user.id={user['id']}"


def make_effective_assignments(archstone):
    return make_role_assignments(archstone) + "&effective"


def make_services(archstone):
    kind = unique("type")
    for _ in range(COUNT):
        done(archstone, "POST", "/services", {"service": {"type": kind, "name": unique("service")}}, status=201)
    return f"/services?type={kind}"


def make_endpoints(archstone):
    service = done(archstone, "POST", "/services", {"service": {"type": unique("type")}}, status=201)["service"]["id"]
    for number in range(COUNT):
        endpoint = {"service_id": service, "interface": "public", "url": f"http://127.0.0.1/{number}"}
        done(archstone, "POST", "/endpoints", {"endpoint": endpoint}, status=201)
    return f"/endpoints?service_id={service}"


def make_regions(archstone):
    parent = done(archstone, "POST", "/regions", {"region": {}}, status=201)["region"]["id"]
    for _ in range(COUNT):
        done(archstone, "POST", "/regions", {"region": {"parent_region_id": parent}}, status=201)
    return f"/regions?parent_region_id={parent}"


COLLECTIONS = [make_domains, make_projects, make_tagged_projects, make_users, make_groups, make_group_users, make_user_groups,
               make_user_projects, make_roles, make_role_assignments, make_effective_assignments, make_services, make_endpoints,
               make_regions]
NAMES = [collection.__name__.removeprefix("make_") for collection in COLLECTIONS]


@pytest.mark.parametrize("collection", COLLECTIONS, ids=NAMES)
def test_following_next_shows_everything_once(archstone, collection):
    path = collection(archstone)
    whole = sorted(json.dumps(item, sort_keys=True) for item in items(archstone, path))
    assert len(whole) == COUNT
    for limit in (2, COUNT + 1):
        url, seen = f"{archstone.url}/v3{path}{'&' if '?' in path else '?'}limit={limit}", []
        while url:
            assert url.startswith(archstone.url)
            body = archstone.expect(200, "GET", url, token=archstone.admin_token)
            assert body["links"]["self"] == url and body["links"]["previous"] is None
            assert body.get("truncated", False) is (body["links"]["next"] is not None)
            page = next(value for key, value in body.items() if key not in ("links", "truncated"))
            assert len(page) == min(limit, COUNT - len(seen))
            seen += page
            assert len(seen) <= COUNT, "following next never ends"
            url = body["links"]["next"]
        assert sorted(json.dumps(item, sort_keys=True) for item in seen) == whole


@pytest.mark.parametrize("collection", ["domains", "projects", "users", "groups", "roles", "role_assignments", "services", "endpoints",
                                        "regions", "users/{user}/groups", "users/{user}/projects", "groups/{group}/users"])
def test_a_limit_that_is_no_number_is_400(archstone, collection):
    path = collection.format(user=archstone.new_user()["id"], group=archstone.new_group()["id"])
    for limit in ("abc", "-1", "1.5"):
        message(call(archstone, "GET", f"/{path}?limit={limit}"), 400)


@pytest.mark.parametrize("collection", ["domains", "projects", "users", "groups"])
def test_an_unknown_marker_is_404(archstone, collection):
    assert message(call(archstone, "GET", f"/{collection}?limit=1&marker={NOBODY}"), 404) == f"Marker {NOBODY} could not be found."
