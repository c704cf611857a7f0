"""Lists of projects: filters, tag filters, comparators, paging."""

import pytest

from harness import DEFAULT_DOMAIN
from identity_calls import NOBODY, call, items, make, message


@pytest.fixture
def domain(archstone):
    """A domain with a small tree: (its id, the query that lists it, ids by name)."""
    domain = archstone.new_domain()["id"]
    ids = {"Alpha-one": make(archstone, "project", domain_id=domain, name="Alpha-one", tags=["x", "y"])["id"]}
    ids["alpha-two"] = make(archstone, "project", domain_id=domain, name="alpha-two", tags=["y", "z"], enabled=False)["id"]
    ids["beta"] = make(archstone, "project", domain_id=domain, name="beta", parent_id=ids["Alpha-one"])["id"]
    return domain, f"/projects?domain_id={domain}", ids


@pytest.mark.parametrize(("query", "names"), [
    ("", ["Alpha-one", "alpha-two", "beta"]),
    ("name=beta", ["beta"]),
    ("name=Beta", []),
    ("enabled=false", ["alpha-two"]),
    ("enabled=true", ["Alpha-one", "beta"]),
    ("enabled=0", ["alpha-two"]),
    ("enabled", ["Alpha-one", "beta"]),
    ("is_domain=false", ["Alpha-one", "alpha-two", "beta"]),
    ("is_domain=true", []),
    ("tags=x", ["Alpha-one"]),
    ("tags=x,y", ["Alpha-one"]),
    ("tags=y", ["Alpha-one", "alpha-two"]),
    ("tags=Y", []),
    ("tags-any=x,z", ["Alpha-one", "alpha-two"]),
    ("not-tags=x", ["alpha-two", "beta"]),
    ("not-tags=x,y", ["alpha-two", "beta"]),
    ("not-tags=y", ["beta"]),
    ("not-tags-any=x,z", ["beta"]),
    ("tags=y&not-tags=x", ["alpha-two"]),
    ("tags=y&enabled=true", ["Alpha-one"]),
    ("tags-any=x,z&name__startswith=alpha", ["alpha-two"]),
    ("name__startswith=alpha", ["alpha-two"]),
    ("name__istartswith=alpha", ["Alpha-one", "alpha-two"]),
    ("name__contains=-", ["Alpha-one", "alpha-two"]),
    ("name__icontains=LPHA-T", ["alpha-two"]),
    ("name__endswith=one", ["Alpha-one"]),
    ("name__iendswith=ONE", ["Alpha-one"]),
    ("name__nonsense=a", ["Alpha-one", "alpha-two", "beta"]),
    ("colour=red", ["Alpha-one", "alpha-two", "beta"]),
])
def test_filters(archstone, domain, query, names):
    _, path, _ = domain
    assert sorted(project["name"] for project in items(archstone, f"{path}&{query}")) == sorted(names)


def test_filter_by_parent(archstone, domain):
    home, path, ids = domain
    assert {project["name"] for project in items(archstone, f"{path}&parent_id={home}")} == {"Alpha-one", "alpha-two"}
    assert [project["name"] for project in items(archstone, f"/projects?parent_id={ids['Alpha-one']}")] == ["beta"]
    assert items(archstone, f"/projects?parent_id={NOBODY}") == []


def test_any_id_may_be_asked_for_as_a_parent(archstone):
    assert make(archstone, "project")["id"] in {project["id"] for project in items(archstone, f"/projects?parent_id={DEFAULT_DOMAIN}")}
    assert items(archstone, "/projects?parent_id=no-such-project") == []


@pytest.mark.parametrize("query", ["enabled=maybe", "is_domain=maybe"])
def test_a_bad_value_is_400(archstone, domain, query):
    message(call(archstone, "GET", f"{domain[1]}&{query}"), 400)


def test_domains_are_listed_on_request_only(archstone, domain):
    home, _, _ = domain
    assert all(not project["is_domain"] for project in items(archstone, "/projects"))
    acting = items(archstone, "/projects?is_domain=true")
    assert home in {project["id"] for project in acting}
    assert all(project["is_domain"] and project["domain_id"] is None for project in acting)
    assert items(archstone, f"/projects?domain_id={NOBODY}") == []


def test_the_list_has_the_same_members_as_get(archstone, domain):
    _, path, ids = domain
    body = archstone.expect(200, "GET", f"/v3{path}&name=beta", token=archstone.admin_token)
    shown = archstone.expect(200, "GET", f"/v3/projects/{ids['beta']}", token=archstone.admin_token)["project"]
    assert body == {"projects": [shown], "links": {"next": None, "previous": None, "self": f"{archstone.url}/v3{path}&name=beta"}}
    head = call(archstone, "HEAD", path)
    assert head.status_code == 200 and not head.content


def test_a_domain_scoped_caller_sees_their_domain(archstone, domain):
    home, _, ids = domain
    _, token = archstone.persona("reader", domain=home)
    listed = archstone.expect(200, "GET", "/v3/projects", token=token)["projects"]
    assert {project["id"] for project in listed} == set(ids.values())
