"""SCIM-3: how those whom a directory has made are found when they come through the tenant's identity provider: by the rules that
identity providers have for all accounts, never by a bare address."""

import pytest

from harness import unique
from tenancy import by_provider, claims_of


def person_of(directory, **fields):
    """A user of the directory's with an address."""
    address = f"{unique()}@example.com"
    return directory.user(address, externalId=unique("oid"), emails=[{"value": address, "type": "work", "primary": True}], **fields)


def subject(client, way, person):
    """Whom the application is told of."""
    return claims_of(client.come_by(way, person))["sub"]


def test_scim_3_both_sides_sure_of_the_address(directory, provider):
    """Linked without asking where the tenant has it so, and only once; changes of the directory's are seen by applications."""
    tenant, user = directory.tenant, person_of(directory)
    client, way = tenant.client(), tenant.way(provider, link_mode="auto", keep=True)
    person = way.person(email=user["userName"].upper())
    assert subject(client, way, person) == user["id"]
    # From now on by the link: another address of theirs changes nothing.
    other = f"{unique()}@example.com"
    directory.patch(f"/Users/{user['id']}", {"op": "Replace", "path": 'emails[type eq "work"].value', "value": other})
    assert subject(client, way, person) == user["id"]


@pytest.mark.parametrize("mode", ["separate", "auto"])
def test_scim_3_never_by_a_bare_address(directory, provider, mode):
    """The provider is not sure of it, or the tenant links nobody: somebody else, or nobody."""
    tenant, user = directory.tenant, person_of(directory)
    client, way = tenant.client(), tenant.way(provider, link_mode=mode, keep=True)
    attempt = client.attempt()
    browser = tenant.visitor()
    try:
        answer = by_provider(browser, attempt, way, way.person(email=user["userName"], email_verified=mode == "separate"))
    finally:
        browser.close()
    found = directory.node.expect(200, "GET", f"/api/v1/admin/users/{user['id']}/links", token=directory.node.admin_token)
    assert found["items"] == []
    if mode == "separate":
        assert claims_of(attempt.tokens(answer))["sub"] != user["id"]


def test_scim_3_an_account_that_is_taken_over_is_not_made_somebody_elses(directory, provider):
    """The directory takes over a local account and gives it the address of another: who has that does not come in by it."""
    tenant = directory.tenant
    local = tenant.user(email=f"{unique()}@example.com", email_verified=True)
    client, way = tenant.client(), tenant.way(provider, link_mode="auto", keep=True)
    evil = f"{unique()}@evil.example"
    body = {"userName": local["name"], "externalId": "oid", "emails": [{"value": evil, "primary": True}]}
    for _ in range(2):
        directory.expect(200, "PUT", f"/Users/{local['id']}", body)
    attempt, browser = client.attempt(), tenant.visitor()
    try:
        by_provider(browser, attempt, way, way.person(email=evil))
    finally:
        browser.close()
    found = directory.node.expect(200, "GET", f"/api/v1/admin/users/{local['id']}/links", token=directory.node.admin_token)
    assert found["items"] == []


def test_scim_5_a_sign_in_does_not_bring_an_account_back(directory, provider):
    """Switched off by the directory: whoever comes through the provider stays out."""
    tenant, user = directory.tenant, person_of(directory)
    client, way = tenant.client(), tenant.way(provider, link_mode="auto", keep=True)
    person = way.person(email=user["userName"])
    assert subject(client, way, person) == user["id"]
    directory.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"})
    attempt, browser = client.attempt(), tenant.visitor()
    try:
        attempt.error(by_provider(browser, attempt, way, person), "access_denied")
    finally:
        browser.close()
    assert directory.expect(200, "GET", f"/Users/{user['id']}")["active"] is False
