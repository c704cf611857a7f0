"""The requests that Okta's provisioning sends, as its public reference for SCIM 2.0 shows them."""

from directory import GROUP, PATCH, USER, fault
from harness import unique


def okta_user(name, **fields):
    """The body that Okta makes a user by."""
    return {
        "schemas": [USER], "userName": name, "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": name, "type": "work"}], "displayName": "Test User", "locale": "en-US",
        "externalId": unique("00u"), "groups": [], "password": "1mz050nq", "active": True,
    } | fields


def test_the_life_of_a_user(directory):
    """Looked for, made, read, replaced as a whole, switched off by an object without a path, on again by PUT."""
    name = f"{unique()}@okta.local"
    found = directory.ask("GET", "/Users", params={"filter": f'userName eq "{name}"', "startIndex": 1, "count": 100}).json()
    assert (found["totalResults"], found["startIndex"], found["itemsPerPage"], found["Resources"]) == (0, 1, 0, [])
    made = directory.expect(201, "POST", "/Users", okta_user(name))
    one = f"/Users/{made['id']}"
    assert "password" not in made and made["locale"] == "en-US" and made["displayName"] == "Test User"
    # The password has not become one.
    refused = directory.node.login(user={"id": made["id"]}, password="1mz050nq")
    assert refused.status_code == 401
    fault(directory.ask("POST", "/Users", okta_user(name.upper())), 409, "uniqueness")
    assert directory.expect(200, "GET", one) == made
    changed = directory.expect(200, "PUT", one, made | {"name": {"givenName": "Another", "middleName": "Excited", "familyName": "User"}})
    assert changed["name"] == {"givenName": "Another", "middleName": "Excited", "familyName": "User"}
    off = directory.expect(200, "PATCH", one, {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]})
    assert off["active"] is False
    assert directory.expect(200, "PUT", one, off | {"active": True})["active"] is True


def test_pages_of_users(directory):
    """All are read once, page by page."""
    made = {directory.user(f"{unique()}@okta.local")["id"] for _ in range(7)}
    seen, start = [], 1
    while True:
        page = directory.ask("GET", "/Users", params={"startIndex": start, "count": 3}).json()
        if not page["Resources"]:
            break
        seen += [u["id"] for u in page["Resources"]]
        start += page["itemsPerPage"]
    assert set(seen) == made and len(seen) == 7


def test_the_life_of_a_group(directory):
    """Pushed with its name, then its members; renamed by an object with an id; members replaced; deleted."""
    people = [directory.user(f"{unique()}@okta.local")["id"] for _ in range(3)]
    made = directory.expect(201, "POST", "/Groups", {"schemas": [GROUP], "displayName": unique("Test SCIMv2"), "members": []})
    one = f"/Groups/{made['id']}"
    assert "members" not in made
    rename = {"op": "replace", "value": {"id": made["id"], "displayName": unique("Renamed")}}
    assert directory.patch(one, rename).status_code == 204
    add = {"op": "add", "path": "members", "value": [{"value": id, "display": "x"} for id in people[:2]]}
    remove = {"op": "remove", "path": f'members[value eq "{people[0]}"]'}
    assert directory.patch(one, remove, add).status_code == 204
    assert directory.members(made["id"]) == set(people[:2])
    assert directory.patch(one, remove).status_code == 204 and directory.members(made["id"]) == {people[1]}
    replace = {"op": "replace", "path": "members", "value": [{"value": people[2]}]}
    assert directory.patch(one, replace).status_code == 204 and directory.members(made["id"]) == {people[2]}
    put = directory.expect(200, "PUT", one, {"schemas": [GROUP], "id": made["id"], "displayName": "Whole", "members": [{"value": people[0]}]})
    assert [m["value"] for m in put["members"]] == [people[0]]
    assert directory.expect(200, "GET", f"/Users/{people[0]}")["groups"][0]["display"] == "Whole"
    assert directory.ask("DELETE", one).status_code == 204
    fault(directory.ask("GET", one), 404)
