"""What a mapping sees of somebody who comes by SAML: names and values of attributes, and what is not theirs to choose
(1.5, 2.5)."""

import pytest

from harness import unique
from peers.saml import IdentityProvider
from saml_trust import PERSON, begin, comes, refused, send, token_for
from trust import groups_of


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


KINDS = [
    "__NAMEID__",
    "MELLON_NAME_ID",
    "uid",
    "MELLON_uid",
    "urn:oid:1.2.3",
    "MELLON_urn:oid:1.2.3",
    "nick",
    "MELLON_nick",
]


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_attributes(saml_way, browse, dashboard, kind):
    """Mapping documents that were written for mod_auth_mellon's variables hold, and so do the attributes' own names."""
    way, name = saml_way({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": kind}]}), unique("Zoë ☃")
    said = {"attributes": {"uid": [name], "urn:oid:1.2.3": [name]}, "friendly_names": {"urn:oid:1.2.3": "nick"}}
    body, _ = comes(way, browse(), dashboard, name_id=name, **said)
    assert body["user"]["name"] == name


def test_several_values_are_groups(archstone, saml_way, browse, dashboard):
    domain = archstone.new_domain()["id"]
    groups = [archstone.new_group(domain), archstone.new_group(domain, name=unique("Gruppe ä"))]
    way = saml_way(PERSON, groups_of(domain, "MELLON_groups"), domain_id=domain)
    said = {"groups": [*(g["name"] for g in groups), "unknown"]}
    body, _ = comes(way, browse(), dashboard, attributes=said)
    assert {g["id"] for g in body["user"]["OS-FEDERATION"]["groups"]} == {g["id"] for g in groups}
    body, _ = comes(way, browse(), dashboard)
    assert body["user"]["OS-FEDERATION"]["groups"] == []


def test_whom_no_rule_lets_in(saml_way, browse, dashboard):
    way = saml_way(
        {
            "local": [{"user": {"name": "{0}"}}],
            "remote": [{"type": "__NAMEID__"}, {"type": "groups", "any_one_of": ["staff"]}],
        }
    )
    for groups in ({}, {"groups": ["others"]}, {"groups": ["staffx"]}):
        case = begin(way, browse(), dashboard.origin)
        answer = send(case, case.signed(attributes=groups))
        refused(answer)
        assert "staff" not in answer.text
    comes(way, browse(), dashboard, attributes={"groups": ["others", "staff"]})


def test_ks_map_9_attributes_by_reserved_names(saml_way, browse, dashboard):
    """Who may choose attributes does not choose what the service itself says of a sign-in."""
    way = saml_way(
        {"local": [{"user": {"name": "{0} {1}"}}], "remote": [{"type": "__NAMEID__"}, {"type": "MELLON_NAME_ID"}]}
    )
    evil = {
        n: ["root"] for n in ("__NAMEID__", "MELLON___NAMEID__", "MELLON_NAME_ID", "NAME_ID", "MELLON_IDP", "__proto__")
    }
    body, case = comes(way, browse(), dashboard, attributes=evil)
    assert body["user"]["name"] == f"{case.name} {case.name}"


VALUES = {
    "empty": [""],
    "none": [],
    "nil": [None],
    "braces": ["{0} {1} {}"],
    "a semicolon": ["a;b"],
    "markup": ["<script>alert(1)</script>&amp;"],
    "white space": ["  a  b  "],
    "long": ["x" * 100_000],
    "many": [str(n) for n in range(2_000)],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_ks_map_6_values_are_data(saml_way, browse, dashboard, values):
    """Whoever comes with such an attribute comes in by their name, or is refused; nothing of it is read twice."""
    way = saml_way(
        {"local": [{"user": {"name": "{0}", "email": "{1}"}}], "remote": [{"type": "__NAMEID__"}, {"type": "odd"}]},
        {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "MELLON_NAME_ID"}]},
    )
    case = begin(way, browse(), dashboard.origin)
    answer = send(case, case.signed(attributes={"odd": values}))
    if answer.status_code != 200:
        return refused(answer)
    body = way.archstone.validate(token_for(answer, dashboard.origin)).json()["token"]
    assert body["user"]["name"] == case.name


def test_an_attribute_that_stands_twice_has_the_values_of_both(archstone, saml_way, browse, dashboard):
    """As identity providers that give each value an element of its own have it."""
    domain = archstone.new_domain()["id"]
    groups = [archstone.new_group(domain) for _ in range(2)]
    way = saml_way(PERSON, groups_of(domain, "groups"), domain_id=domain)
    case = begin(way, browse(), dashboard.origin)
    tree = case.build(attributes={"groups": [groups[0]["name"]], "again": [groups[1]["name"]]})
    tree.find(".//{*}Attribute[@Name='again']").set("Name", "groups")
    body = archstone.validate(token_for(send(case, way.provider.sign(tree)), dashboard.origin)).json()["token"]
    assert {g["id"] for g in body["user"]["OS-FEDERATION"]["groups"]} == {g["id"] for g in groups}


@pytest.mark.parametrize("attribute", ["MELLON_IDP", "Shib-Identity-Provider"])
def test_ks_fed_1_remote_ids(saml_way, browse, dashboard, attribute):
    """The issuer must be among the remote ids where there are some, by the names that web servers' modules have for
    it."""

    def comes_by(**options):
        idp = IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://remote.example/sso")
        remote_ids = [idp.entity_id if one == "theirs" else unique(one) for one in options.pop("remote_ids")]
        way = saml_way(idp=idp, remote_ids=remote_ids, **({"remote_id_attribute": attribute} | options))
        case = begin(way, browse(), dashboard.origin)
        return send(case, case.signed())

    token_for(comes_by(remote_ids=["theirs"]), dashboard.origin)
    token_for(comes_by(remote_ids=["theirs", "https://other.example"]), dashboard.origin)
    token_for(comes_by(remote_ids=[]), dashboard.origin)
    refused(comes_by(remote_ids=["https://other.example"]), 403)
    refused(comes_by(remote_ids=["theirs"], remote_id_attribute="MELLON_no_such"))
