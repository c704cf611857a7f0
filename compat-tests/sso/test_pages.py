"""GET /api/v1/sso/configurations: pages and their order (sso-api.md 4.2)."""

import urllib.parse

import pytest

from harness import eventually
from sso_bodies import any_kind, oidc
from sso_calls import CONFIGURATIONS, create, everything, get, listed, path_of, problem, send, settled, update


def test_pages_are_echoed_as_applied(archstone):
    total = listed(archstone)["total"]
    for query, limit, offset in (
        ("", 20, 0),
        ("limit=0&offset=0", 20, 0),
        ("limit=1", 1, 0),
        ("limit=1000", 1000, 0),
        ("limit=1001", 1000, 0),
        ("limit=99999999", 1000, 0),
        ("limit=3&offset=2", 3, 2),
        ("offset=100000", 20, 100_000),
    ):
        page = listed(archstone, query)
        assert set(page) == {"items", "total", "limit", "offset"}
        assert (page["limit"], page["offset"]) == (limit, offset), query
        assert len(page["items"]) <= limit and page["total"] >= total
    assert listed(archstone, "offset=100000")["items"] == []


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=abc", "limit=1.5", "offset=-1", "offset=abc", "limit=1e3", "limit=%20", "limit="]
)
def test_pages_that_are_none(one, query):
    problem(send(one, "GET", f"{CONFIGURATIONS}?{query}"), 400, query.partition("=")[0])


def test_pages_follow_the_order_of_creation(fresh_archstone):
    archstone = fresh_archstone
    assert listed(archstone) == {"items": [], "total": 0, "limit": 20, "offset": 0}
    made = [create(archstone, any_kind(kind))["uuid"] for kind in ("OIDC", "SAML", "LDAP") for _ in range(9)]
    whole = listed(archstone, "limit=100")
    assert whole["total"] == len(made) and {i["uuid"] for i in whole["items"]} == set(made)
    order = [i["uuid"] for i in whole["items"]]
    keys = [(i["createdAt"], made.index(i["uuid"])) for i in whole["items"]]
    assert [k[0] for k in keys] == sorted(k[0] for k in keys), "by createdAt"
    paged = [i["uuid"] for offset in range(0, 30, 7) for i in listed(archstone, f"limit=7&offset={offset}")["items"]]
    assert paged == order
    assert [i["uuid"] for i in everything(archstone)] == order
    # A change moves nothing.
    update(archstone, order[3], displayName="AAA")
    assert [i["uuid"] for i in listed(archstone, "limit=100")["items"]] == order
    send(archstone, "DELETE", path_of(order[0]))
    after = listed(archstone, "limit=5")
    assert [i["uuid"] for i in after["items"]] == order[1:6] and after["total"] == len(made) - 1


def test_an_item_of_the_list_is_the_resource(archstone):
    made = create(archstone)
    now = settled(archstone, made, 30)
    assert now in listed(archstone, "limit=1000")["items"]


def test_names_with_everything_in_them(archstone):
    name = 'Ünï "quoted" <b>&amp; \\ / %s {0} 中文'
    made = create(archstone, oidc(displayName=name))
    assert get(archstone, made)["displayName"] == name
    assert eventually(lambda: any(i["displayName"] == name for i in listed(archstone, "limit=1000")["items"]))
    problem(send(archstone, "GET", f"{CONFIGURATIONS}/{urllib.parse.quote(name, safe='')}"), 404)
