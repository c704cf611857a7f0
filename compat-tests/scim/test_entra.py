"""The requests that Entra ID's provisioning service sends, as its public reference for SCIM endpoints shows them."""

import uuid

from directory import ENTERPRISE, PATCH, USER, fault
from harness import unique


def test_the_connection_is_tested(directory):
    """A user whom nobody has is looked for: an empty list, not 404."""
    answer = directory.ask("GET", "/Users", params={"filter": f'userName eq "{uuid.uuid4()}"'})
    assert answer.status_code == 200
    assert answer.json()["totalResults"] == 0 and answer.json()["Resources"] == []
    fault(directory.ask("GET", "/Users", token="not-a-token"), 401)


def test_the_life_of_a_user(directory):
    """Looked for, made, changed with capital operations and texts for truth values, switched off and on, deleted."""
    name = f"{unique()}@testuser.com"
    assert directory.find("Users", f'userName eq "{name}"') == []
    body = {
        "schemas": [USER, ENTERPRISE], "externalId": unique("oid"), "userName": name, "active": True,
        "addresses": None, "displayName": None, "meta": {"resourceType": "User"}, "nickName": None,
        "emails": [{"primary": True, "type": "work", "value": f"work-{name}"}],
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "phoneNumbers": None, "preferredLanguage": None, "roles": [], "title": None,
        ENTERPRISE: {"department": "Sales", "manager": {"value": "9f3c"}},
    }
    made = directory.expect(201, "POST", "/Users", body)
    one = f"/Users/{made['id']}"
    assert made["emails"] == body["emails"] and made["externalId"] == body["externalId"] and "roles" not in made
    assert [u["id"] for u in directory.find("Users", f'externalId eq "{body["externalId"]}"')] == [made["id"]]
    assert [u["id"] for u in directory.find("Users", f'userName eq "{name.upper()}"')] == [made["id"]]

    changed = directory.patch(
        one,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"updated-{name}"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1 555"},
        {"op": "Add", "path": 'addresses[type eq "work"].formatted', "value": "1 Main Street"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "a1b2"},
        {"op": "Remove", "path": f"{ENTERPRISE}:department"},
        {"op": "Replace", "value": {"title": "Boss", "name.givenName": "Dotted", f"{ENTERPRISE}:employeeNumber": "7"}},
    )
    assert changed.status_code == 200, changed.text
    now = changed.json()
    assert now["emails"] == [{"primary": True, "type": "work", "value": f"updated-{name}"}]
    assert now["name"] == {"formatted": "givenName familyName", "familyName": "updatedFamilyName", "givenName": "Dotted"}
    assert now["phoneNumbers"] == [{"type": "mobile", "value": "+1 555"}] and now["title"] == "Boss"
    assert now["addresses"] == [{"type": "work", "formatted": "1 Main Street"}]
    assert now[ENTERPRISE] == {"manager": {"value": "a1b2"}, "employeeNumber": "7"}

    for state in ("False", "True", "False"):
        answer = directory.patch(one, {"op": "Replace", "path": "active", "value": state})
        assert answer.json()["active"] is (state == "True")
    assert directory.node.expect(200, "GET", f"/v3/users/{made['id']}", token=directory.node.admin_token)["user"]["enabled"] is False
    assert directory.ask("DELETE", one).status_code == 204
    fault(directory.ask("GET", one), 404)


def test_the_life_of_a_group(directory):
    """Made with a name only, looked for without members, members by one operation each, renamed, deleted."""
    people = [directory.user(unique())["id"] for _ in range(3)]
    name = unique("group")
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": unique("oid"), "displayName": name, "meta": {"resourceType": "Group"}}
    made = directory.expect(201, "POST", "/Groups", body)
    one = f"/Groups/{made['id']}"
    found = directory.find("Groups", f'displayName eq "{name}"', excludedAttributes="members")
    assert [g["id"] for g in found] == [made["id"]] and "members" not in found[0]
    shown = directory.expect(200, "GET", f"{one}?excludedAttributes=members")
    assert shown["displayName"] == name and "members" not in shown
    for person in people:
        answer = directory.patch(one, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": person}]})
        assert answer.status_code == 204, answer.text
    assert directory.members(made["id"]) == set(people)
    answer = directory.patch(one, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": people[0]}]})
    assert answer.status_code == 204 and directory.members(made["id"]) == set(people[1:])
    assert directory.patch(one, {"op": "Replace", "path": "displayName", "value": f"{name}-2"}).status_code == 204
    found = directory.find("Groups", f'id eq "{made["id"]}" and members eq "{people[1]}"')
    assert [g["displayName"] for g in found] == [f"{name}-2"]
    assert directory.find("Groups", f'id eq "{made["id"]}" and members eq "{people[0]}"') == []
    assert directory.ask("DELETE", one).status_code == 204


def test_an_account_of_before_is_matched_by_name_and_taken_over(directory):
    """Entra ID finds it by its name, then sends what differs, its own id for it among that."""
    local = directory.tenant.user(email="local@a.example")
    [found] = directory.find("Users", f'userName eq "{local["name"]}"')
    one = f"/Users/{found['id']}"
    fault(directory.patch(one, {"op": "Replace", "path": "active", "value": "False"}), 403)
    body = {"schemas": [PATCH], "Operations": [{"op": "Add", "path": "externalId", "value": "oid"}, {"op": "Add", "path": "title", "value": "T"}]}
    taken = directory.expect(200, "PATCH", one, body)
    assert taken["externalId"] == "oid" and taken["emails"][0]["value"] == "local@a.example"
    assert directory.patch(one, {"op": "Replace", "path": "active", "value": "False"}).json()["active"] is False
