"""Claims as attributes of mappings: names, several values, and values that look like something else (KS-MAP-6, KS-MAP-9)."""

import pytest

from trust import UNAUTHORIZED, groups_of, user_id


@pytest.fixture
def archstone(sqlite_archstone):
    """Claims do not depend on the database."""
    return sqlite_archstone


def named(*types, name="{0}"):
    """A rule that makes the user's name of these attributes."""
    return {"local": [{"user": {"name": name}}], "remote": [{"type": t} for t in types]}


def name_of(way, provider, **claims):
    """The user's name for these claims in an access token."""
    answer = way.present(provider.mint({"sub": "subject"} | claims))
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]["user"]["name"]


@pytest.mark.parametrize(
    "attribute",
    [
        "OIDC-preferred_username",
        "OIDC_CLAIM_preferred_username",
        "HTTP_OIDC_PREFERRED_USERNAME",
        "HTTP_OIDC_CLAIM_PREFERRED_USERNAME",
    ],
)
def test_a_claim_has_the_names_that_mod_auth_openidc_gives_it(trust, provider, attribute):
    assert name_of(trust(named(attribute)), provider, preferred_username="ann") == "ann"


def test_names_of_their_own(trust, provider):
    where = provider.issuer.split("://")[1]
    for attribute, value in (("HTTP_OIDC_ISS", provider.issuer), ("OIDC-iss", provider.issuer), ("__NAMEID__", "subject"),
                             ("REMOTE_USER", f"subject@{where}"), ("HTTP_OIDC_SUB", "subject")):
        assert name_of(trust(named(attribute)), provider) == value, attribute


VALUES = {
    "semicolons": "a;b;c",
    "a_slot": "{1}",
    "other_slots": "{0}{2}",
    "braces": "{{0}}",
    "half_a_brace": "{",
    "quotes": "it's \"so\"",
    "a_list": "['a', 'b']",
    "unicode": "Zoë Ünï 名前 🔑",
    "combining": "e\u0301",
    "right_to_left": "\u202eabc",
    "percent": "%s %(x)s %41",
    "backslash": "a\\b\\n",
    "line_end": "a\nb",
    "tab": "a\tb",
    "markup": "<script>alert(1)</script>",
    "dollar": "$1 ${x}",
    "jndi": "${jndi:ldap://x}",
    "blanks": "  a  b  ",
    "sql": "'; DROP TABLE users; --",
    "latin1": "Ã©",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_ks_map_6_a_value_stays_what_it_is(trust, provider, value):
    """It is not split, not parsed, not filled in a second time."""
    way = trust(named("OIDC-name", "OIDC-department", name="{0}"))
    assert name_of(way, provider, name=value, department="second") == value
    way = trust(named("OIDC-name", "OIDC-department", name="{1}/{0}"))
    assert name_of(way, provider, name=value, department="second") == f"second/{value}"


@pytest.mark.parametrize(
    "value, text",
    [
        (7, "7"),
        (-1, "-1"),
        (True, "1"),
        (False, "0"),
        (1.5, "1.5"),
        (12345678901234567890, "12345678901234567890"),
        ({"a": 1}, '{"a":1}'),
        (["one"], "one"),
    ],
)
def test_values_that_are_no_text(trust, provider, value, text):
    """Truth values are 1 and 0, as mod_auth_openidc writes them."""
    assert name_of(trust(named("OIDC-level")), provider, level=value) == text


@pytest.mark.parametrize("value", [None, "", [], [""]])
def test_values_that_are_none(trust, provider, value):
    """Q1 and Q24: an empty name is nobody's, and a rule without its attribute does not apply."""
    way = trust({"local": [{"user": {"id": "{0}", "name": "{0}"}}], "remote": [{"type": "OIDC-level"}]})
    assert way.present(provider.mint({"sub": "x", "level": value})).status_code in (401, 201)
    way = trust(named("OIDC-sub", "OIDC-level", name="{0}"))
    answer = way.present(provider.mint({"sub": "x", "level": value}))
    assert answer.status_code == (201 if value in ("", [""]) else 401)


def test_q2_several_values_in_a_name_are_a_list_in_text(trust, provider):
    assert name_of(trust(named("OIDC-groups")), provider, groups=["bob", "alice"]) == "['bob', 'alice']"


GROUPS = ["plain", "with;semicolon", "it's", 'a "quote"', "{0}", "Gruppe Ä", "a,b", "JSON", "rename-team", "\\"]


def test_groups_with_difficult_names(archstone, trust, provider):
    """An array of claims is a list of names, each taken as it is; Q17: the letters `name` mean nothing."""
    domain = archstone.new_domain()["id"]
    names = [*GROUPS, "['list']"]
    for name in names:
        archstone.new_group(domain, name=name)
    way = trust(named("OIDC-sub"), groups_of(domain), domain_id=domain)
    answer = way.present(provider.mint({"sub": "x", "groups": names + ["unknown"]}))
    assert answer.status_code == 201, answer.text
    assert {g["name"] for g in answer.json()["token"]["user"]["OS-FEDERATION"]["groups"]} == set(names)


@pytest.mark.parametrize("name", GROUPS)
def test_one_group_with_a_difficult_name(archstone, trust, provider, name):
    domain = archstone.new_domain()["id"]
    group = archstone.new_group(domain, name=name)
    for part in ("plain", "list", "a", "with"):
        if part != name:
            archstone.new_group(domain, name=part)
    way = trust(named("OIDC-sub"), groups_of(domain), domain_id=domain)
    answer = way.present(provider.mint({"sub": "x", "groups": [name]}))
    assert answer.status_code == 201, answer.text
    assert [g["id"] for g in answer.json()["token"]["user"]["OS-FEDERATION"]["groups"]] == [group["id"]]


RESERVED = {
    "REMOTE_USER": "root",
    "__NAMEID__": "root",
    "HTTP_OIDC_SUB": "root",
    "OIDC-sub": "root",
    "OIDC_CLAIM_sub": "root",
    "__proto__": {"admin": True},
    "constructor": "x",
    "SUB": "root",
    "Sub": "root",
    "s-u-b": "root",
    "is_admin": True,
    "token": "root",
    "target": {"user": {"domain_id": "default"}},
    "roles": ["admin"],
    "project_id": "x",
    "domain_id": "default",
    "type": "local",
    "user": {"name": "admin", "domain": {"id": "default"}},
}


def test_ks_map_9_reserved_names_are_data_only(archstone, trust, provider):
    """No claim can stand for another one, for the mapping or for the caller."""
    for attribute in ("OIDC-sub", "HTTP_OIDC_SUB", "OIDC_CLAIM_sub", "HTTP_OIDC_CLAIM_SUB", "__NAMEID__"):
        assert name_of(trust(named(attribute)), provider, **RESERVED) == "subject", attribute
    way = trust(named("REMOTE_USER"))
    assert name_of(way, provider, **RESERVED).startswith("subject@")
    answer = trust(named("OIDC-sub")).present(provider.mint({"sub": "subject"} | RESERVED))
    body = answer.json()["token"]
    assert "roles" not in body and body["user"]["domain"]["id"] != "default"


def test_ks_map_9_groups_that_a_claim_names_are_only_what_the_mapping_makes_of_them(archstone, trust, provider):
    group = archstone.new_group("default")
    way = trust(named("OIDC-sub"))
    answer = way.present(provider.mint({"sub": "x", "groups": [group["name"]], "group_ids": [group["id"]]}))
    assert answer.json()["token"]["user"]["OS-FEDERATION"]["groups"] == []


def test_names_that_are_too_long_or_impossible(trust, provider):
    way = trust(named("OIDC-name"))
    for name in ("x" * 256, "ü" * 300, "a\u0000b"):
        assert way.refused(provider.mint({"sub": "x", "name": name})) == UNAUTHORIZED
    assert name_of(way, provider, name="x" * 255) == "x" * 255


def test_the_subject_itself_may_be_difficult(trust, provider):
    way = trust(named("OIDC-sub"))
    for subject in ("auth0|5f7c;x", "a b/c?d#e", "O'Brien \"q\"", "名前"):
        answer = way.present(provider.mint({"sub": subject}))
        assert answer.status_code == 201, answer.text
        assert answer.json()["token"]["user"]["id"] == user_id(way.domain_id, subject)
