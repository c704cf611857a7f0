"""Lists of identity providers: filters, comparators, paging, links."""

import pytest

from harness import unique
from identity_provider_calls import BASE, create, listed, message, path_of, put

def test_the_list_has_the_same_members_as_get(archstone):
    idp = create(archstone, remote_ids=[unique("https://idp")], enabled=True, description="in a list")
    body = archstone.expect(200, "GET", f"{BASE}?id={idp['id']}", token=archstone.admin_token)
    assert body["identity_providers"] == [idp]
    assert body["links"] == {"next": None, "previous": None, "self": f"{archstone.url}{BASE}?id={idp['id']}"}
    assert "truncated" not in body


def test_filter_by_id(archstone):
    idp = create(archstone)
    assert listed(archstone, f"id={idp['id']}") == [idp["id"]]
    assert listed(archstone, f"id={unique('no-such')}") == []


@pytest.mark.parametrize(("query", "expected"), [
    *[(value, "on") for value in ("true", "True", "TRUE", "1", "yes", "y", "on", "")],
    *[(value, "off") for value in ("false", "False", "0", "no", "n", "off")],
])
def test_filter_by_enabled(archstone, query, expected):
    mark = unique("mark")
    for state in ("on", "off"):
        assert put(archstone, f"{mark}-{state}", {"enabled": state == "on"}).status_code == 201
    assert listed(archstone, f"id__startswith={mark}&enabled={query}") == [f"{mark}-{expected}"]


@pytest.mark.parametrize("query", ["enabled=maybe", "enabled=2", "limit=abc", "limit=-1", "limit=1.5"])
def test_a_bad_query_value_is_400(archstone, query):
    message(archstone.request("GET", f"{BASE}?{query}", token=archstone.admin_token), 400)


def test_comparators(archstone):
    mark = unique("Mark")
    for tail in ("Alpha", "alpha", "beta"):
        assert put(archstone, f"{mark}-{tail}").status_code == 201
    inside = mark[1:]
    for query, tails in {
        f"id__startswith={mark}": ["Alpha", "alpha", "beta"],
        f"id__istartswith={mark.lower()}-ALPHA": ["Alpha", "alpha"],
        f"id__contains={inside}-al": ["alpha"],
        f"id__icontains={inside.upper()}-AL": ["Alpha", "alpha"],
        f"id__startswith={mark}&id__endswith=pha": ["Alpha", "alpha"],
        f"id__startswith={mark}&id__iendswith=BETA": ["beta"],
        f"id__startswith={mark}&id__contains=%25": [],
        f"id__startswith={mark}&id__contains=_": [],
    }.items():
        assert sorted(listed(archstone, query)) == sorted(f"{mark}-{tail}" for tail in tails), query


def test_an_unknown_query_key_filters_nothing(archstone):
    idp = create(archstone)
    assert listed(archstone, f"id={idp['id']}&nonsense=1") == [idp["id"]]


def pages(archstone, query):
    """Follows `links.next` to the end: the bodies."""
    url, bodies = f"{BASE}?{query}", []
    while url:
        body = archstone.expect(200, "GET", url, token=archstone.admin_token)
        bodies.append(body)
        assert len(bodies) < 50, "following next never ends"
        url = body["links"]["next"]
    return bodies


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_paging_by_following_next_sees_everything_once_in_order(archstone, limit):
    mark = unique("page")
    ids = sorted(f"{mark}-{number}" for number in range(7))
    for idp_id in reversed(ids):
        put(archstone, idp_id)
    bodies = pages(archstone, f"id__startswith={mark}&limit={limit}")
    assert [idp["id"] for body in bodies for idp in body["identity_providers"]] == ids
    for body in bodies[:-1]:
        assert len(body["identity_providers"]) == limit and body["truncated"] is True
        assert body["links"]["next"].startswith(archstone.url)
    assert "truncated" not in bodies[-1]


def test_paging_goes_on_when_the_marker_was_deleted_meanwhile_or_says_so(archstone):
    mark = unique("page")
    for number in range(4):
        put(archstone, f"{mark}-{number}")
    first = archstone.expect(200, "GET", f"{BASE}?id__startswith={mark}&limit=2", token=archstone.admin_token)
    archstone.expect(204, "DELETE", path_of(f"{mark}-1"), token=archstone.admin_token)
    answer = archstone.request("GET", first["links"]["next"], token=archstone.admin_token)
    if answer.status_code == 404:
        assert message(answer, 404) == f"Marker {mark}-1 could not be found."
    else:
        assert [idp["id"] for idp in answer.json()["identity_providers"]] == [f"{mark}-2", f"{mark}-3"]


def test_an_unknown_marker_is_404_or_a_place_in_the_order(archstone):
    # A place is the better answer here: 404 would tell a security administrator which ids other accounts do not have.
    marker = unique("marker")
    answer = archstone.request("GET", f"{BASE}?marker={marker}&limit=1", token=archstone.admin_token)
    if answer.status_code == 404:
        assert message(answer, 404) == f"Marker {marker} could not be found."
    else:
        assert answer.status_code == 200
        assert all(idp["id"] > marker for idp in answer.json()["identity_providers"])


def test_the_self_link_echoes_the_query(archstone):
    query = "enabled=true&limit=1000&id__startswith=a%20b"
    body = archstone.expect(200, "GET", f"{BASE}?{query}", token=archstone.admin_token)
    assert body["links"]["self"] == f"{archstone.url}{BASE}?{query}"
