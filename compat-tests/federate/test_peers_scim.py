"""The SCIM servers that are pushed to are as good, as different and as broken as they are said to be."""

import time

import pytest
import requests

from harness import unique
from peers.hostile_scim import CANARY, HostileScim
from peers.scim import CORE, Scim2Server, Scimmy
from peers.scim_memory import API

# What a server is in which others are not: status of PATCH, whether it announces entity tags, how locations begin.
SERVERS = {
    "scim2-server": (Scim2Server, 204, True, "http://"),
    "scimmy": (Scimmy, 200, False, "/scim/v2/"),
    "hostile": (HostileScim, 204, True, "http://"),
}


def patch(*operations):
    """The body of a PATCH."""
    return {"schemas": [f"{API}PatchOp"], "Operations": list(operations)}


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    """One of each, with what is said of it."""
    make, *said = SERVERS[request.param]
    it = make()
    yield it, said
    it.remove()


@pytest.fixture
def hostile():
    """A hostile one of the test's own."""
    it = HostileScim()
    yield it
    it.remove()


def test_servers_keep_users_and_groups_behind_their_bearer(server):
    it, (patch_status, tags, location) = server
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert requests.get(f"{it.url}/Users", headers=headers, timeout=5).status_code == 401
    ann, external = it.seed_user(externalId=unique("x")), None
    assert ann["meta"]["location"].startswith(location)
    again = it.request("POST", "/Users", {"schemas": [f"{CORE}User"], "userName": ann["userName"].upper()})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")
    external = ann["externalId"]
    assert it.seed_user(externalId=external)["id"] != ann["id"], "an externalId is not promised to be unique"
    found = it.request("GET", f'/Users?filter=externalId eq "{external}"').json()
    assert found["totalResults"] == 2
    changed = it.request("PATCH", f"/Users/{ann['id']}", patch({"op": "replace", "path": "active", "value": False}))
    assert changed.status_code == patch_status and it.user(ann["id"])["active"] is False
    announced = it.request("GET", "/ServiceProviderConfig").json()
    assert announced["etag"]["supported"] is tags and announced["patch"]["supported"] is True
    staff = it.seed_group(members=[ann["id"]])
    assert it.members(staff["id"]) == {ann["id"]}
    gone = it.request("PATCH", f"/Groups/{staff['id']}", patch({"op": "remove", "path": f'members[value eq "{ann["id"]}"]'}))
    assert gone.status_code == patch_status and it.members(staff["id"]) == set()
    it.delete_user(ann["id"])
    assert it.user(ann["id"]) is None and it.user_named(ann["userName"]) is None


def test_servers_show_all_there_is_by_pages(server):
    it, _ = server
    names = {it.seed_user()["userName"] for _ in range(230)}
    shown = [u["userName"] for u in it.users()]
    assert names <= set(shown) and len(shown) == len(set(shown))


@pytest.mark.parametrize("make", [Scim2Server, HostileScim])
def test_a_stale_entity_tag_is_refused(make):
    it = make()
    try:
        ann = it.seed_user()
        assert it.request("PUT", f"/Users/{ann['id']}", ann | {"displayName": "Ann"}, **{"If-Match": ann["meta"]["version"]}).status_code == 200
        assert it.request("PUT", f"/Users/{ann['id']}", ann, **{"If-Match": ann["meta"]["version"]}).status_code == 412
    finally:
        it.remove()


@pytest.mark.parametrize("make", [Scim2Server, HostileScim])
def test_what_is_not_announced_is_refused(make):
    it = make(without=("patch", "etag", "filter"))
    try:
        announced = it.request("GET", "/ServiceProviderConfig").json()
        assert [announced[name]["supported"] for name in ("patch", "etag", "filter")] == [False] * 3
        ann = it.seed_user()
        assert "version" not in ann["meta"]
        assert it.request("PATCH", f"/Users/{ann['id']}", patch({"op": "add", "path": "title", "value": "x"})).status_code == 501
        assert it.request("GET", '/Users?filter=userName eq "x"').status_code in (400, 501)
    finally:
        it.remove()


def ask(it, method="GET", path="/Users", body=None, timeout=2.0, **headers):
    """One request as a stranger to the peer makes it, with its bearer."""
    return requests.request(method, f"{it.url}{path}", json=body, timeout=timeout, allow_redirects=False,
                            headers={"Authorization": f"Bearer {it.token}"} | headers)


def test_faults_are_the_ones_asked_for(hostile):
    ann = hostile.seed_user()
    for code in (401, 403, 500, 503):
        hostile.on(None, "/Users", "status", times=1, code=code)
        answer = ask(hostile)
        assert (answer.status_code, answer.json()["status"]) == (code, str(code))
    hostile.on("POST", "/Users", "status", times=2, code=429, retry_after=7)
    assert ask(hostile).status_code == 200, "another method"
    assert [ask(hostile, "POST", body={}).headers.get("Retry-After") for _ in range(3)] == ["7", "7", None]
    hostile.on(None, "/", "html", times=1)
    assert "<h1>" + CANARY in ask(hostile).text
    hostile.on(None, "/", "html error", times=1)
    assert ask(hostile).status_code == 502
    hostile.on(None, "/", "stale", times=1)
    assert ask(hostile, "PUT", f"/Users/{ann['id']}", {"userName": "x"}, **{"If-Match": ann["meta"]["version"]}).status_code == 412
    assert hostile.user(ann["id"])["meta"]["version"] != ann["meta"]["version"]
    hostile.on("POST", "/Users", "uniqueness", times=1)
    assert ask(hostile, "POST", body={"userName": unique()}).json()["scimType"] == "uniqueness"
    hostile.on("GET", "/Users/", "forget", times=1, skip=1)
    assert [ask(hostile, path=f"/Users/{ann['id']}").status_code for _ in range(2)] == [200, 404] and hostile.user(ann["id"]) is None


def test_faults_without_an_answer(hostile):
    hostile.on("POST", "/Users", "drop", times=1)
    name = unique()
    with pytest.raises(requests.ConnectionError):
        ask(hostile, "POST", body={"userName": name})
    assert hostile.user_named(name), "the work was done"
    hostile.on("POST", "/Users", "refuse", times=1)
    with pytest.raises(requests.ConnectionError):
        ask(hostile, "POST", body={"userName": unique()})
    assert len(hostile.users()) == 1
    hostile.on("GET", "/Users", "hang", times=1)
    with pytest.raises(requests.Timeout):
        ask(hostile, timeout=0.3)
    hostile.on("GET", "/Users", "huge", times=1)
    with requests.get(f"{hostile.url}/Users", headers={"Authorization": f"Bearer {hostile.token}"}, stream=True, timeout=5) as answer:
        assert sum(len(piece) for piece in answer.iter_content(65_536)) > 99_000_000


def test_another_host_notes_who_brings_the_bearer_there(hostile):
    hostile.on("GET", "/Users", "redirect", times=1)
    answer = ask(hostile)
    assert answer.status_code == 307 and hostile.stolen == []
    requests.get(answer.headers["Location"], headers={"Authorization": "Bearer lost"}, timeout=2)
    assert hostile.stolen == [("/Users", "Bearer lost")]


def test_members_get_lost_and_hidden(hostile):
    users = [hostile.seed_user()["id"] for _ in range(6)]
    hostile.loses_every = 3
    group = hostile.seed_group(members=users)
    assert len(hostile.members(group["id"])) == 4
    hostile.hides_members = True
    assert "members" not in hostile.group(group["id"])


def test_requests_are_counted_and_quick(hostile):
    groups = hostile.fill(10_000, 500, 40)
    assert hostile.counted() == (0, 0)
    with requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {hostile.token}"
        began = time.monotonic()
        for n in range(300):
            assert http.get(f'{hostile.url}/Users?filter=userName eq "bulk-{n:06d}"', timeout=5).json()["totalResults"] == 1
        http.patch(f"{hostile.url}/Groups/{groups[0]}", json=patch({"op": "remove", "path": "members"}), timeout=5)
        assert time.monotonic() - began < 3
    assert hostile.counted() == (300, 1) and hostile.most == 1
    big = hostile.seed_group(members=[f"m-{n}" for n in range(50_000)])
    assert len(hostile.members(big["id"])) == 50_000
    assert "members" not in ask(hostile, path=f"/Groups/{big['id']}?excludedAttributes=members").json()
