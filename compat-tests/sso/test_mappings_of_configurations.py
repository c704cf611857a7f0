"""Attribute and group mappings of SSO configurations: their order, replaced whole, and what is none (sso-api.md 3.1, 3.4)."""

import pytest

from sso_bodies import KINDS, any_kind, oidc
from sso_calls import CONFIGURATIONS, any_made, create, get, path_of, problem, send, update

# What attributes are taken for, unless the configuration says so (3.4).
OIDC_ATTRIBUTES = {
    "username": "preferred_username",
    "email": "email",
    "displayName": "name",
    "givenName": "given_name",
    "familyName": "family_name",
    "phone": "phone_number",
    "groups": "groups",
    "externalId": "sub",
}
KEYS = list(OIDC_ATTRIBUTES)


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_kept_in_their_order_and_replaced_whole(archstone, kind):
    first = {"username": "upn", "groups": "realm_access.roles", "email": "mail"}
    made = create(archstone, any_kind(kind, attributeMappings=first))
    assert list(get(archstone, made)["attributeMappings"].items()) == list(first.items())
    second = {"email": "mail", "username": "uid"}
    changed = update(archstone, made, attributeMappings=second)
    assert list(changed["attributeMappings"].items()) == list(second.items())
    every = {key: f"claim{n}" for n, key in enumerate(KEYS)}
    assert list(update(archstone, made, attributeMappings=every)["attributeMappings"].items()) == list(every.items())
    assert update(archstone, made, displayName="x")["attributeMappings"] == every
    assert (
        update(archstone, made, attributeMappings=None)["attributeMappings"]
        == create(archstone, any_kind(kind))["attributeMappings"]
    )


@pytest.mark.parametrize(
    ("mappings", "field"),
    [
        ({"nickname": "nick"}, "attributeMappings.nickname"),
        ({"Username": "x"}, "attributeMappings.Username"),
        ({"username": 7}, "attributeMappings.username"),
        ({"username": ""}, "attributeMappings.username"),
        ({"email": ["a"]}, "attributeMappings.email"),
        ({"email": "x" * 2_000}, "attributeMappings.email"),
        ({"email": "a\nb"}, "attributeMappings.email"),
    ],
)
def test_attributes_that_are_none(one, mappings, field):
    problem(send(one, "POST", CONFIGURATIONS, oidc(attributeMappings=mappings)), 400, field)
    problem(send(one, "PUT", path_of(any_made(one)), {"attributeMappings": mappings}), 400, field)


def test_groups_are_kept_in_their_order_and_replaced_whole(archstone):
    rows = [
        {"idpGroup": group, "zcfRole": role}
        for group, role in (("b", "member"), ("a", "reader"), ("b", "reader"), ("cn=x,dc=y", "manager"))
    ]
    made = create(archstone, oidc(groupMappings=rows))
    assert get(archstone, made)["groupMappings"] == rows
    assert update(archstone, made, groupMappings=rows[2:])["groupMappings"] == rows[2:]
    assert update(archstone, made, displayName="x")["groupMappings"] == rows[2:]
    assert update(archstone, made, groupMappings=[])["groupMappings"] == []
    assert update(archstone, made, groupMappings=None)["groupMappings"] == []


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([{"idpGroup": "a"}], "zcfRole"),
        ([{"zcfRole": "member"}], "idpGroup"),
        ([{"idpGroup": "", "zcfRole": "member"}], "idpGroup"),
        ([{"idpGroup": "a", "zcfRole": ""}], "zcfRole"),
        ([{"idpGroup": 1, "zcfRole": "member"}], "idpGroup"),
        (["a"], "0"),
        ([None], "0"),
        ([{"idpGroup": "a", "zcfRole": "member"}] * 2, "1"),
        ([{"idpGroup": "a", "zcfRole": "no-such-role"}], "zcfRole"),
        ([{"idpGroup": "x" * 5_000, "zcfRole": "member"}], "idpGroup"),
    ],
)
def test_groups_that_are_none(one, rows, place):
    """A role must be there."""
    for answer in (
        send(one, "POST", CONFIGURATIONS, oidc(groupMappings=rows)),
        send(one, "PUT", path_of(any_made(one)), {"groupMappings": rows}),
    ):
        error = problem(answer, 400)
        assert error["details"].startswith("groupMappings") and place in error["details"], error
